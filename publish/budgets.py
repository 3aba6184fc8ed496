"""What a notebook may weigh: one file is one lecture of at most ninety minutes, for its student and in its hall.

A header may excuse a budget, with a limit of its own and the reason:

    jupyter:
      course:
        over:
          slides: {most: 50, why: "two slides for each of twenty builders"}
"""

import math
import re
from typing import NamedTuple

from publish.cells import code_lines
from publish.deck import slides_of
from publish.minutes import honest_minutes, is_worked_through, words_read


class Budget(NamedTuple):
    """What is counted, in the words of a message; what to aim at, and what it may never pass."""

    what: str
    aim: float
    most: float


BUDGETS = {
    "cells": Budget("code cells, checks and solutions apart", 45, 60),
    "lines": Budget("lines of code, checks and solutions apart", 400, 550),
    "words": Budget("words that a student reads", 3000, 4500),
    "minutes": Budget("minutes of a student", 75, 90),
    "slides": Budget("slides", 35, 42),
    "pictures": Budget("slides for each picture", 2.5, 3.5),
    "slide_lines": Budget("lines of code on a slide", 8, 14),
    "code_share": Budget("per cent of the slides show code", 40, 55),
}


def weights(notebook, deck=True):
    """Return what a notebook weighs by each budget; those of the deck only where it has one.

    Args:
        notebook: a notebook node, built or read from its source.
        deck: whether a deck is made of it.
    """
    cells = [cell for cell in notebook.cells if is_worked_through(cell)]
    found = {
        "cells": len(cells),
        "lines": sum(map(code_lines, cells)),
        "words": words_read(notebook),
        "minutes": honest_minutes(notebook),
    }
    if not deck:
        return found
    slides = slides_of(notebook)
    return found | {
        "slides": len(slides),
        "pictures": len(slides) / max(1, sum(slide["pictures"] for slide in slides)),
        "slide_lines": max(slide["code_lines"] for slide in slides),
        "code_share": 100 * sum(slide["code_lines"] > 0 for slide in slides) / len(slides),
    }


def excuses(notebook):
    """Return what a notebook's header says of budgets: {name: {"most": limit, "why": reason}}.

    Raises:
        ValueError: if it excuses what is no budget, or lacks a limit or a reason.
    """
    over = notebook.metadata.get("course", {}).get("over", {})
    for name, excuse in over.items():
        if name not in BUDGETS:
            raise ValueError(f"the header excuses {name!r}, which is no budget; there are {', '.join(BUDGETS)}")
        complete = isinstance(excuse, dict) and isinstance(excuse.get("most"), int | float)
        if not complete or not re.search(r"\w", str(excuse.get("why") or "")):
            raise ValueError(f'the header excuses {name}: say {name}: {{most: 50, why: "the reason"}}')
    return over


def problems_of(notebook, deck=True):
    """Return a line for each budget that is passed without an excuse, or excused without need."""
    over, problems = excuses(notebook), []
    for name, weight in weights(notebook, deck).items():
        budget = BUDGETS[name]
        limit = over.get(name, budget._asdict())["most"]
        if weight > limit:
            problems.append(f"{_rounded(weight)} {budget.what}, more than {limit:g}; aim at {budget.aim:g}")
        elif name in over and weight <= budget.most:
            advice = f"take the header's excuse of {name} out"
            problems.append(f"{_rounded(weight)} {budget.what}, at most {budget.most:g}: {advice}")
    return problems


def reasons_of(notebook, deck=True):
    """Return a line for each budget that a notebook passes with an excuse."""
    over = excuses(notebook)
    found = weights(notebook, deck)
    return [f"{_rounded(found[name])} {BUDGETS[name].what}: {over[name]['why']}" for name in found if name in over]


def _rounded(weight):
    """Up to the next tenth, so that what is shown as the limit keeps it."""
    return f"{math.ceil(10 * weight) / 10:g}"
