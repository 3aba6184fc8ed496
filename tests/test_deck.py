"""A notebook's cells become the slides of a lecture, whose kinds, pictures and minutes are counted."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from publish.course import decked_notebooks
from publish.deck import SlidesError, lecture_minutes, pictures_of, slides_of, stacks_of


def text(source, kind=None, *tags):
    return new_markdown_cell(source, metadata=_metadata(kind, tags))


def code(source, kind=None, *tags):
    return new_code_cell(source, metadata=_metadata(kind, tags))


def _metadata(kind, tags):
    return ({"slideshow": {"slide_type": kind}} if kind else {}) | ({"tags": list(tags)} if tags else {})


def sources(stacks):
    return [[[cell.source for cell in slide["cells"]] for slide in stack] for stack in stacks]


LECTURE = new_notebook(
    cells=[
        text("# 5 · Title"),
        text("## Symbols", "slide"),
        text("## 1 · First", "slide", "part"),
        text("Say *this*.", "notes"),
        text("### Code", "slide"),
        code("f = 1\n\ng = 2"),
        text("### Picture", "slide"),
        code("show(draw())"),
        text("### Film", "slide"),
        code("show_film(draw())", None, "output-only"),
        text("## 2 · Second", "slide", "part"),
        text("### Poll", "slide", "poll"),
        text("### Exercise", "slide"),
        code("...", None, "exercise-1-stub"),
        code("check()", "skip", "exercise-1-check"),
        text("## What you now have", "slide", "closing"),
        text("## Read on", "slide"),
    ]
)


def test_parts_and_closing_are_stacks_and_the_agenda_follows_the_title():
    stacks = stacks_of(LECTURE)

    assert [[slide["kind"] for slide in stack] for stack in stacks] == [
        ["title", "agenda", "text"],
        ["divider", "code", "picture", "picture"],
        ["divider", "poll", "exercise"],
        ["text", "text"],
    ]
    assert [[slide["part"] for slide in stack] for stack in stacks] == [[0] * 3, [1] * 4, [2] * 3, [0] * 2]


def test_slides_are_counted_and_timed_by_what_is_on_them():
    counted = {one["title"]: (one["code_lines"], one["pictures"], one["minutes"]) for one in slides_of(LECTURE)}

    assert counted["Code"] == (2, 0, 1.5)
    assert counted["Picture"] == (1, 1, 2)
    assert counted["Film"] == (0, 1, 2)
    assert counted["1 · First"] == (0, 0, 0.5)
    assert counted["Exercise"] == (1, 0, 4)
    assert lecture_minutes(LECTURE) == 0.5 + 0.5 + 1 + 0.5 + 1.5 + 2 + 2 + 0.5 + 1 + 4 + 1 + 1


def test_slide_types_become_columns_and_slides_where_no_part_is_marked():
    kinds = [None, "notes", "slide", None, "fragment", None, "skip", "subslide", "notes", "slide"]
    notebook = new_notebook(cells=[text(str(number), kind) for number, kind in enumerate(kinds)])

    stacks = stacks_of(notebook)

    assert sources(stacks) == [[["0"]], [["2", "3", "4", "5"], ["7"]], [["9"]]]
    assert [[slide["notes"] for slide in stack] for stack in stacks] == [[["1"]], [[], ["8"]], [[]]]


@pytest.mark.parametrize(
    "cell",
    [text("## 2 · Second", "slide", "part"), text("## First", "slide", "part"), text("## 1 · First", None, "part")],
)
def test_a_part_that_is_not_the_next_is_refused(cell):
    with pytest.raises(SlidesError, match=r"cell 1 \(## .*\) is tagged part: make it .* begins \"## 1 · Title\""):
        slides_of(new_notebook(cells=[text("# Title"), cell]))


@pytest.mark.parametrize("path", decked_notebooks(), ids=lambda path: path.stem)
def test_pictures_counted_in_the_code_are_those_that_it_leaves(path):
    shown = [cell for slide in slides_of(nbformat.read(path, as_version=4)) for cell in slide["cells"]]
    cells = [cell for cell in shown if cell.cell_type == "code"]

    wrong = {cell.source: pictures_of(cell) for cell in cells if pictures_of(cell) != _left_by(cell)}

    assert not wrong


def _left_by(cell):
    """How many pictures, films and widgets stand in the outputs of a code cell that the deck shows."""
    return sum(
        any(kind.startswith("image/") or "widget-view" in kind for kind in data) or 'class="film"' in str(data)
        for output in cell.outputs
        if (data := output.get("data"))
    )
