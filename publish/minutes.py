"""How many minutes a student needs for a notebook: computed from its text, never typed."""

import math
import re
from functools import cache

import jupytext

from publish.cells import code_lines, exercise_part, is_folded_part, slide_type

WORDS, LINES, EXERCISE = 200, 10, 6  # words and lines of code a minute; minutes an exercise
PLACE = re.compile(r"\{(minutes|run)(?: (\d\d))?\}")


def words(cell):
    """The number of words of a text cell that are read: no formulas, markup or addresses.

    Nor what is folded for those who opened the notebook alone.
    """
    source = re.sub(r'<details class="alone">.*?</details>', "", cell.source, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$|\$.*?\$|<[^>]*>|\]\([^)]*\)", " ", source, flags=re.S)
    return len(re.findall(r"[^\W_][\w'’-]*", text))


def run_of(notebook):
    """The minutes that the cells run, as its header states them: measured on two cores, rounded up."""
    try:
        return notebook.metadata["course"]["run"]
    except KeyError:
        raise ValueError("the header does not state the minutes that the cells run (jupyter: course: run)") from None


def is_worked_through(cell):
    """Whether a cell is code that a student works through: the checks and solutions of exercises are folded."""
    return cell.cell_type == "code" and not is_folded_part(cell)


def words_read(notebook):
    """The words that a student reads: speaker's notes are for somebody else."""
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return sum(words(cell) for cell in texts if slide_type(cell) != "notes")


def honest_minutes(notebook):
    """The minutes of reading, code, exercises and the run."""
    code = sum(code_lines(cell) for cell in notebook.cells if is_worked_through(cell))
    exercises = sum(exercise_part(cell)[1] == "stub" for cell in notebook.cells)
    return words_read(notebook) / WORDS + code / LINES + EXERCISE * exercises + run_of(notebook)


def minutes_of(notebook):
    """The minutes of a student, up to the next five."""
    return 5 * math.ceil(honest_minutes(notebook) / 5)


@cache
def measures(text):
    """The minutes of a source's text, and those of its run, by the words that stand for them."""
    notebook = jupytext.reads(text, fmt="py:percent")
    return {"minutes": minutes_of(notebook), "run": run_of(notebook)}


def filled(source):
    """The text of a source with its minutes: {minutes} and {run} are its own, {minutes 07} those of all notebooks 07.

    Only text and comments are filled in, so that the braces of code stay what they are.
    """

    def number(match):
        paths = sorted(source.parent.glob(f"{match[2]}_*.py")) if match[2] else [source]
        return " + ".join(str(measures(path.read_text("utf-8"))[match[1]]) for path in paths)

    text = source.read_text("utf-8")
    return re.sub(r"^#.*", lambda line: PLACE.sub(number, line[0]), text, flags=re.M)
