"""How many minutes a student needs for a notebook: computed from its text, never typed."""

import math
import re
from functools import cache

import jupytext

WORDS, LINES, EXERCISE = 200, 10, 6  # words and lines of code a minute; minutes an exercise
PLACE = re.compile(r"\{(minutes|run)(?: (\d\d))?\}")


def words(cell):
    """The number of words of a text cell that are read: no formulas, markup or addresses."""
    text = re.sub(r"\$\$.*?\$\$|\$.*?\$|<[^>]*>|\]\([^)]*\)", " ", cell.source, flags=re.S)
    return len(re.findall(r"[^\W_][\w'’-]*", text))


def run_of(notebook):
    """The minutes that the cells run, as its header states them: measured on two cores, rounded up."""
    try:
        return notebook.metadata["course"]["run"]
    except KeyError:
        raise ValueError("the header does not state the minutes that the cells run (jupyter: course: run)") from None


def minutes_of(notebook):
    """The minutes of reading, code, exercises and the run, up to the next five.

    Speaker's notes are not read, and the checks and solutions of exercises, which are folded, not worked through.
    """
    text = code = exercises = 0
    for cell in notebook.cells:
        tags = " ".join(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown" and cell.metadata.get("slideshow", {}).get("slide_type") != "notes":
            text += words(cell)
        if cell.cell_type == "code" and not re.search(r"exercise-\d+-(check|solution)", tags):
            code += sum(bool(line.strip()) for line in cell.source.splitlines())
        exercises += bool(re.search(r"exercise-\d+-stub", tags))
    return 5 * math.ceil((text / WORDS + code / LINES + EXERCISE * exercises + run_of(notebook)) / 5)


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
