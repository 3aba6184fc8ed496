"""A notebook's weight is counted as its reader and its audience feel it, and a budget is passed only with a reason."""

import jupytext
import pytest

from publish.budgets import BUDGETS, problems_of, reasons_of, weights

TITLE = '# %% [markdown] slideshow={"slide_type": "slide"}\n# # 7 · T\n\n'
NOTES = '# %% [markdown] slideshow={"slide_type": "notes"}\n# ' + "word " * 5000 + "\n\n"
SOLUTION = '# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}\n' + "x = 1\n" * 600 + "\n"


def slide(code=0, picture=False):
    """A slide with some lines of code, and perhaps a picture."""
    text = '# %% [markdown] slideshow={"slide_type": "slide"}\n# ### S' + " ![a](b.svg)" * picture + "\n\n"
    return text + ("# %%\n" + "x = 1\n\n" * code + "\n" if code else "")


def skipped(lines=1):
    return '# %% slideshow={"slide_type": "skip"}\n' + "x = 1\n" * lines + "\n"


def text(words):
    return '# %% [markdown] slideshow={"slide_type": "skip"}\n# ' + "word " * words + "\n\n"


def notebook(*cells, over=""):
    header = f"# ---\n# jupyter:\n#   course:\n#     run: 2\n{over}# ---\n\n"
    return jupytext.reads(header + TITLE + "".join(cells), fmt="py:percent")


def test_a_notebook_is_weighed_as_it_is_read_and_shown():
    lecture = notebook(slide(code=8), NOTES, slide(picture=True), skipped(lines=12), SOLUTION, text(196), slide(code=2))

    found = weights(lecture)

    assert found == {
        "cells": 3, "lines": 22, "words": 202, "minutes": 202 / 200 + 22 / 10 + 2,
        "slides": 4, "pictures": 4, "slide_lines": 8, "code_share": 50,
    }  # fmt: skip


def test_a_deep_dive_has_no_deck_to_weigh():
    assert list(weights(notebook(), deck=False)) == ["cells", "lines", "words", "minutes"]


LIGHT = slide(picture=True)
HEAVY = {
    "cells": skipped() * 61,
    "lines": skipped(lines=551),
    "words": text(4500),
    "minutes": text(4000) + skipped(lines=540) + skipped(140),
    "slides": slide(picture=True) * 41,
    "pictures": slide() * 6,
    "slide_lines": slide(code=15) + slide(picture=True),
    "code_share": slide(code=1) * 3,
}


@pytest.mark.parametrize("name", BUDGETS)
def test_each_budget_is_kept_or_named(name):
    problems = problems_of(notebook(LIGHT, HEAVY[name]))

    assert problems_of(notebook(LIGHT)) == []
    assert any(BUDGETS[name].what in problem for problem in problems)


def over(name, most, why="twenty builders"):
    return f'#     over:\n#       {name}: {{most: {most}, why: "{why}"}}\n'


def test_a_reason_excuses_one_budget_up_to_a_limit():
    kept, passed = (notebook(LIGHT * 44, over=over("slides", most)) for most in (45, 44))

    assert problems_of(kept) == []
    assert reasons_of(kept) == ["45 slides: twenty builders"]
    assert problems_of(passed) == ["45 slides, more than 44; aim at 35"]


def test_an_excuse_that_is_not_needed_any_more_is_named():
    (problem,) = problems_of(notebook(LIGHT * 3, over=over("slides", 50)))

    assert problem == "4 slides, at most 42: take the header's excuse of slides out"


@pytest.mark.parametrize("excuse, message", [
    (over("slide", 50), "'slide', which is no budget; there are cells, lines"),
    (over("slides", 50, why=" "), "the header excuses slides: say"),
    ('#     over:\n#       slides: "many"\n', "the header excuses slides: say"),
])  # fmt: skip
def test_an_excuse_without_a_limit_or_a_reason_is_refused(excuse, message):
    with pytest.raises(ValueError, match=message):
        problems_of(notebook(over=excuse))
