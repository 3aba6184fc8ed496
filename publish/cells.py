"""What building, decks, budgets and tests ask of a notebook's cell."""

import re


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def slide_type(cell):
    """What the cell is in a deck: "slide", "subslide", "fragment", "notes", "skip", or None where it goes on."""
    return cell.metadata.get("slideshow", {}).get("slide_type")


def exercise_part(cell):
    """(number, "stub" or "check" or "solution") of an exercise's cell, else (None, None)."""
    found = [re.fullmatch(r"exercise-(\d+)-(\w+)", tag) for tag in tags(cell)]
    return next(((int(match[1]), match[2]) for match in found if match), (None, None))


def is_folded_part(cell):
    """Whether a student opens the cell only when it is wanted: the check or the solution of an exercise."""
    return exercise_part(cell)[1] in {"check", "solution"}


def code_lines(cell):
    """The lines of a code cell that are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())
