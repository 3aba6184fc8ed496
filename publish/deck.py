"""Arrange a notebook's cells as the slides of a lecture, and count what is on them, for decks and budgets alike."""

import re

from nbformat import NotebookNode

from publish.cells import code_lines, exercise_part, slide_type, tags
from publish.files import unfold
from publish.markup import SlidesError, check_marks, shows_code, shows_output

# What a slide takes of a lecture if its note does not begin with its minutes, as in "2 min. Ask the room …".
# A slide with a picture and code is a picture's; a stub makes an exercise.
MINUTES = {"title": 0.5, "agenda": 0.5, "divider": 0.5, "code": 1.5, "picture": 2, "exercise": 4, "poll": 1, "text": 1}
NOTED = re.compile(r"\s*(\d+(?:\.\d+)?) min\b")
PICTURE = re.compile(r"!\[|<img\b")
DRAWN = re.compile(r"^(?:show|show_film)\(", re.M)
HEADING = re.compile(r"\s*(#{1,6})\s+(.+)")
PART = re.compile(r"## (\d+) · (.+)")


def slides_of(notebook):
    """The slides of a notebook's deck in their order, with what is on them.

    Works for a built notebook and for one read from its source alike: pictures are counted by the calls that draw
    them, not by what they left.

    Args:
        notebook: a notebook node, which stays as it is.

    Returns:
        A list of dicts: `kind`, one of MINUTES' keys; `title`, its heading; `part`, its part's number, 0 before the
        first and after the last; `cells` that it shows; `notes`, the speaker's texts; `code_lines` shown, blank ones
        apart; `pictures`, films and widgets among them; `minutes`.

    Raises:
        SlidesError: if the cells' marks make no lecture.
    """
    return [slide for stack in stacks_of(notebook) for slide in stack]


def stacks_of(notebook):
    """The slides of `slides_of` in stacks, which reveal.js shows as columns.

    A cell of slide type "slide" or "subslide" starts a slide; without a type, or as a "fragment", it continues what
    is there. "notes" belong to the speaker, "skip" is left out. The first cell that is shown starts the deck,
    whatever its type. Where cells are tagged `part`, each part is a stack, as are what stands before the parts and
    the closing; elsewhere each "slide" starts one.
    """
    cells = list(enumerate(notebook.cells))
    with_parts = any("part" in tags(cell) for _, cell in cells)
    stacks, part = [], 0
    for number, cell in cells:
        kind = slide_type(cell)
        if kind == "skip" or (kind == "notes" and not stacks):
            continue
        if kind == "notes":
            stacks[-1][-1]["notes"].append(unfold(cell.source))
            continue
        try:
            check_marks(cell)
        except SlidesError as error:
            raise SlidesError(f"{place(number, cell)} {error}") from None
        starts_part = "part" in tags(cell)
        if starts_part:
            part = _part_number(number, cell, after=part)
        closes = "closing" in tags(cell)
        if closes:
            part = 0
        if not stacks or starts_part or closes or (kind == "slide" and not with_parts):
            stacks.append([])
        if kind in ("slide", "subslide") or not stacks[-1]:
            stacks[-1].append({"part": part, "cells": [], "notes": []})
        _check_place(number, cell, stacks[-1][-1]["cells"])
        stacks[-1][-1]["cells"].append(cell)
    if with_parts:
        stacks[0].insert(1, {"part": 0, "cells": [], "notes": []})  # the agenda
    for stack in stacks:
        for slide in stack:
            slide |= _measures(slide, first=slide is stacks[0][0])
    return stacks


def _part_number(number, cell, after):
    """The number of the part that a cell begins, which must be the next one."""
    kind = slide_type(cell)
    match = PART.match(cell.source)
    if cell.cell_type != "markdown" or kind != "slide" or not match or int(match[1]) != after + 1:
        wanted = f'is tagged part: make it a Markdown cell of slide type "slide" that begins "## {after + 1} · Title"'
        raise SlidesError(f"{place(number, cell)} {wanted}")
    return int(match[1])


def _check_place(number, cell, before):
    """Refuse a cell that goes on with a part's divider, or that stands beside nothing."""
    if any("part" in tags(other) for other in before):
        raise SlidesError(f'{place(number, cell)} follows a part\'s divider: give it the slide type "slide" or "notes"')
    if "beside" in tags(cell) and not before:
        raise SlidesError(f"{place(number, cell)} is tagged beside, but begins its slide: put a cell before it")


def place(number, cell):
    """Where a cell stands, for a message: its position from 0, as in the .ipynb, and its first line."""
    return f"cell {number} ({(cell.source.strip().splitlines() or [''])[0][:60]})"


def _measures(slide, first):
    """Kind, title, lines of code, pictures and minutes of a slide."""
    shown = slide["cells"]
    marks = [tag for cell in shown for tag in tags(cell)]
    pictures = sum(pictures_of(cell) for cell in shown)
    lines = sum(code_lines(cell) for cell in shown if shows_code(cell))
    kinds = {
        "title": first,
        "agenda": not shown,
        "divider": "part" in marks,
        "exercise": any(exercise_part(cell)[1] == "stub" for cell in shown),
        "poll": "poll" in marks,
        "picture": pictures,
        "code": lines,
        "text": True,
    }
    kind = next(kind for kind, holds in kinds.items() if holds)
    headings = (HEADING.match(cell.source) for cell in shown if cell.cell_type == "markdown")
    title = next((plain(heading[2]) for heading in headings if heading), "")
    noted = NOTED.match(slide["notes"][0]) if slide["notes"] else None
    minutes = float(noted[1]) if noted else MINUTES[kind]
    return {"kind": kind, "title": title, "code_lines": lines, "pictures": pictures, "minutes": minutes}


def plain(markdown):
    """A heading without its marks."""
    return re.sub(r"[*_`$]", "", markdown).strip()


def pictures_of(cell):
    """How many pictures, films and widgets a cell shows on its slide."""
    if cell.cell_type == "markdown":
        return len(PICTURE.findall(cell.source))
    if cell.cell_type != "code" or not shows_output(cell):
        return 0
    return len(DRAWN.findall(cell.source)) + ("widget" in tags(cell))


def head_of(slide):
    """The heading of a slide as a cell of its own, or None."""
    first = slide["cells"][0]
    heading = first.cell_type == "markdown" and HEADING.match(first.source)
    return NotebookNode({**first, "source": heading[0]}) if heading else None


def rows_of(slide):
    """The cells of a slide below its heading, laid out: rows of one or two panes, panes of what appears together.

    A cell tagged `beside` stands in a row's second pane, what follows it without the tag below both.

    Returns:
        A list of rows. A row is a list of panes, a pane a list of groups; a group is a dict of `cells`, `fragment`
        (bool), and `along`, true where it appears together with the group before it.
    """
    rows, fragment = [], False
    first, *others = slide["cells"]
    head = head_of(slide)
    below = [NotebookNode({**first, "source": first.source[len(head["source"]) :]})] if head else [first]
    for cell in [*(cell for cell in below if cell.source.strip()), *others]:
        kind = slide_type(cell)
        beside = "beside" in tags(cell) and bool(rows)
        new_pane = not rows or beside != (len(rows[-1]) == 2)
        if new_pane and beside:
            rows[-1].append([])
        elif new_pane:
            rows.append([[]])
        fragment = fragment or kind == "fragment"
        if new_pane or kind == "fragment":
            rows[-1][-1].append({"cells": [], "fragment": fragment, "along": fragment and kind != "fragment"})
        rows[-1][-1][-1]["cells"].append(cell)
    return rows


def lecture_minutes(stacks):
    """The minutes that the slides of stacks take."""
    return sum(slide["minutes"] for stack in stacks for slide in stack)


def parts_of(stacks):
    """The parts of a lecture for its agenda: dicts of `number`, `title`, `minutes` and `about`, what is said of it."""
    parts = []
    for stack in stacks:
        if stack[0]["kind"] == "divider":
            heading, _, about = stack[0]["cells"][0].source.partition("\n")
            number, title = PART.match(heading).groups()
            parts.append({"number": int(number), "title": title, "about": about, "minutes": lecture_minutes([stack])})
    return parts
