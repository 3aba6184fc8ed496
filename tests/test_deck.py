"""A notebook's cells become the slides of a lecture, whose kinds, pictures and minutes are counted."""

import html
import re

import lecture
import nbformat
import pytest
from nbformat.v4 import new_notebook
from test_colours import contrast

from publish.course import decked_notebooks
from publish.deck import lecture_minutes, pictures_of, rows_of, slides_of, stacks_of
from publish.markup import SlidesError, code_html, legible, luminance, mark_right, markdown_of

ANSWER = "<details><summary>Answer</summary>**C**: why.</details>"


def text(source, kind=None, *tags, **marks):
    return lecture.text(source, kind, tags, **marks)


def code(source, kind=None, *tags, **marks):
    return lecture.code(source, (), kind, tags, **marks)


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
        text(f"### Poll\n\n- **A** 1\n- **B** 2\n- **C** 3\n\n{ANSWER}", "slide", "poll"),
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
    assert lecture_minutes(stacks_of(LECTURE)) == 0.5 + 0.5 + 1 + 0.5 + 1.5 + 2 + 2 + 0.5 + 1 + 4 + 1 + 1


@pytest.mark.parametrize("note, minutes", [
    ("3 min. Ask.", 3), ("2.5 min; ask.", 2.5), ("Ask for 3 min.", 1), ("3 minutes", 1), ("", 1),
])  # fmt: skip
def test_a_note_that_begins_with_its_minutes_knows_better(note, minutes):
    (slide,) = slides_of(new_notebook(cells=[text("# T", "slide"), text(note, "notes")]))[:1]
    (_, other) = slides_of(new_notebook(cells=[text("# T", "slide"), text("## S", "slide"), text(note, "notes")]))

    assert slide["minutes"] == (minutes if minutes > 1 else 0.5)
    assert other["minutes"] == minutes


def test_the_minutes_of_a_student_stay_in_the_notebook():
    title = text("# T\n\n**You need** Python.<br>\n**Time** 45 min; the cells run in 20 s.\n\nMore.", "slide")

    assert markdown_of(title) == "# T\n\n**You need** Python.\n\nMore."


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


@pytest.mark.parametrize(
    "cell, problem",
    [
        (text("### Q\n\n- **A** yes", "slide", "poll"), r"is a poll with the options \['A'\]"),
        (text("### Q\n\n- **A** yes\n- **C** no", "slide", "poll"), r"is a poll with the options \['A', 'C'\]"),
        (text("### Q\n\n- **A** yes\n- **B** no", "slide", "poll"), "is a poll whose answer is missing"),
        (text(f"### Q\n\n- **A** yes\n- **B** no\n\n{ANSWER}", "slide", "poll"), r"answer begins '\*\*C\*\*: why.'"),
        (code("f", "slide", deck_lines="1|2"), "has deck_lines='1|2', but 1 lines of code"),
        (code("f\ng", "slide", deck_lines="2-1"), "has deck_lines='2-1', but 2 lines"),
        (code("f\ng", "slide", deck_lines="all"), "has deck_lines='all', but 2 lines"),
        (code("f", "slide", "output-only", deck_lines="1"), "write lines that the deck shows"),
        (text("$f$", "slide", colours="f:purple"), 'has colours="f:purple": write symbol:colour with one of'),
        (text("f and $ff$", "slide", colours="f:gate"), "colours f, which stands nowhere in it"),
        (code("gate = 1", "slide", colours="g:gate"), "colours g, which stands nowhere in it"),
        (code("f = 1", "slide", "beside"), "is tagged beside, but begins its slide"),
    ],
)
def test_a_mark_that_contradicts_its_cell_is_refused_with_the_cell_and_what_to_do(cell, problem):
    with pytest.raises(SlidesError, match=r"cell 1 \(") as error:
        slides_of(new_notebook(cells=[text("# Title"), cell]))

    assert re.search(problem, str(error.value))


def test_a_cell_that_goes_on_with_a_divider_is_refused():
    cells = [text("# Title"), text("## 1 · First", "slide", "part"), code("f")]

    with pytest.raises(SlidesError, match=r"cell 2 \(f\) follows a part's divider"):
        slides_of(new_notebook(cells=cells))


def test_cells_beside_others_share_a_row_and_what_follows_stands_below_both():
    cells = [
        text("### Head\n\nLeft."),
        code("right", None, "beside"),
        code("fragment", "fragment"),
        code("with it", None, "beside"),
    ]

    rows = rows_of({"cells": cells})

    assert [[[[cell.source for cell in one["cells"]] for one in pane] for pane in row] for row in rows] == [
        [[["\n\nLeft."]], [["right"]]],
        [[["fragment"]], [["with it"]]],
    ]
    assert [[[(one["fragment"], one["along"]) for one in pane] for pane in row] for row in rows] == [
        [[(False, False)], [(False, False)]],
        [[(True, False)], [(True, True)]],
    ]


@pytest.mark.parametrize("begun", ["**B**: why.", "<b>B</b>: why.", "\n\n**B**: why."])
def test_the_right_option_of_a_poll_is_marked(begun):
    source = f"- **A** yes\n- **B** no\n\n<details><summary>Answer</summary>{begun}</details>"
    page = "<ul><li><strong>A</strong> yes</li>\n<li><p><strong>B</strong> no</p></li></ul>"

    assert mark_right(page, text(source)) == page.replace("<li><p>", '<li class="right"><p>')


def test_only_whole_symbols_in_formulas_are_coloured():
    cell = text(r"f_t and $f_t = \tanh(f) + ff_t$", colours="f_t:gate f:state")

    page = markdown_of(cell)

    assert page == r"f_t and ${\class{ink-gate}{f_t}} = \tanh({\class{ink-state}{f}}) + ff_t$"


def test_only_whole_names_in_code_are_coloured():
    page = code_html(code('c = ccc + f("c")  # c', colours="c:state f:gate"))

    assert re.findall(r'class="n n-(\w+)">(\w+)<', page) == [("State", "c"), ("Gate", "f")]


def test_code_keeps_its_lines_and_their_indentation_and_loses_double_blank_lines():
    page = code_html(code('def f():\n    """Two\n    lines."""\n\n\nf()\n'))

    kept = re.findall(r'class="line" data-line="(\d)" style="--indent: (\d)"', page)
    assert html.unescape(re.sub(r"<[^>]+>", "", page)) == 'def f():\n    """Two\n    lines."""\n\nf()\n'
    assert kept == [("1", "0"), ("2", "4"), ("3", "4"), ("4", "0"), ("6", "0")]


@pytest.mark.parametrize("ground", ["#ffffff", "#15191e"])
@pytest.mark.parametrize("colour", ["#e69f00", "#332288", "#000000"])
def test_text_in_a_figures_colour_is_legible(colour, ground):
    assert contrast(legible(colour, ground), ground) >= 4.5


def test_luminance_is_that_of_the_standard():
    assert luminance("#ffffff") == pytest.approx(1)
    assert luminance("#000000") == 0
    assert luminance("#ff0000") == pytest.approx(0.2126)
