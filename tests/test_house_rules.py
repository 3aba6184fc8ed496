"""Every notebook keeps the house rules, and every rule turns red on a defect planted for it."""

import subprocess
import sys
from functools import cache

import house_rules
import nbformat
import pytest
from house_rules import NOT_FOUND, RULES, Lecture, code_cells, shows_something, words
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from publish.build import ALONE, read_source, source_hash
from publish.course import NOTEBOOKS, pairs

FACT = "It counts what follows each word of a text, and divides by how often that word occurred in all of it.\n"
SOURCE = f'''# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     run: 1
# ---

# %% [markdown] slideshow={{"slide_type": "slide"}}
# # 7 · How does a small one look?
#
# > {FACT}# **You will** {FACT}# **You need** patience. **Time** {{minutes}} min.

# %% [markdown] slideshow={{"slide_type": "notes"}}
# Say hello.

# %%
import math

from ipywidgets import interact

from course_utils import check, setup, show{NOT_FOUND}

setup(seed=0)

# %% [markdown]
# | symbol | code | meaning |
# |---|---|---|
# | $x$ | `x` | a number |
#
# ![A line that rises from left to right.](line.svg)
# {FACT}
# %% tags=["topic-A1", "nbval-check-output"]
print("claim:", math.pi > 3)

# %% [markdown]
# {FACT}
# %% slideshow={{"slide_type": "skip"}}
def draw(x):
    """Draw a number."""
    return x

# %%
show(draw(1), "One.")

# %% [markdown]
# {FACT}
# %% tags=["widget", "output-only"]
interact(draw, x=(0, 3))

# %% [markdown]
# {FACT}
# %% tags=["exercise-1-stub"]
def twice(x):
    """2 x."""
    ...

# %% tags=["exercise-1-check"] slideshow={{"slide_type": "skip"}} jupyter={{"source_hidden": true}}
def check_twice(attempt):
    """Try an attempt."""
    check(attempt, [((1,), 2)], {{"once": lambda x: x}})


check_twice(twice)

# %% tags=["exercise-1-solution"] slideshow={{"slide_type": "skip"}} jupyter={{"source_hidden": true}}
def twice_solution(x):
    """2 x."""
    return 2 * x


check_twice(twice_solution)

# %% [markdown]
# {FACT}
# %%
draw(2)

# %% [markdown] slideshow={{"slide_type": "slide"}}
# ## What you now have
#
# - One thing.
# - Another.

# %% [markdown] slideshow={{"slide_type": "notes"}}
# Say goodbye.
'''
ABOUT = {"image/png": {"alt": "One.", "smallest_text": 12.5}}
PICTURE = new_output("display_data", data={"image/png": "iVBORw0KGgo="}, metadata=ABOUT)


def printed(text):
    return [new_output("stream", name="stdout", text=text)]


@pytest.fixture
def lecture(tmp_path):
    """A small notebook without a fault, as if it had been built."""
    source, path = tmp_path / "07_small.py", tmp_path / "07_small.ipynb"
    source.write_text(SOURCE, "utf-8")
    (tmp_path / "line.svg").write_text("<svg/>", "utf-8")
    notebook = read_source(source)
    fingerprint = dict.fromkeys(["python", "torch", "cpu_capability", "corpus"], "?")
    notebook.metadata["course"] |= {"source": source_hash(source), "fingerprint": fingerprint}
    answers = [printed("twice: not attempted yet.\n"), printed("the solution: correct, on all 1 cases.\n")]
    outputs = [[], printed("claim: True\n"), [], [PICTURE], printed("slider"), [], *answers, printed("2")]
    for count, (cell, output) in enumerate(zip(code_cells(notebook), outputs, strict=True), start=1):
        cell.update(execution_count=count, outputs=output)
    nbformat.write(notebook, path)
    return Lecture(nbformat.read(path, 4), path, source)


BUILT = {path.relative_to(NOTEBOOKS).as_posix(): source for source, path in pairs() if path.exists()}


@cache
def built(notebook):
    return Lecture(nbformat.read(NOTEBOOKS / notebook, 4), NOTEBOOKS / notebook, BUILT[notebook])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("notebook", BUILT)
def test_every_notebook_keeps_the_rule_that(notebook, rule):
    problems = rule(built(notebook))

    if problems:
        pytest.fail("\n".join([f"{notebook}, {rule.__name__}:", *problems]), pytrace=False)


def test_every_source_has_been_built():
    missing = [source.name for source, path in pairs() if not path.exists() and path.parent.name != "real_corpora"]

    assert not missing, f"run make notebooks: {missing}"


def test_every_notebook_has_a_source():
    found = {path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}

    assert found <= {path for _, path in pairs()}


def test_a_notebook_without_a_fault_passes_every_rule(lecture):
    assert {rule.__name__: rule(lecture) for rule in RULES if rule(lecture)} == {}


# --- one planted defect or more for each rule; cells of the small lecture by the number of their kind


def code(lecture, number):
    return code_cells(lecture.notebook)[number]


def text(lecture, beginning):
    return next(c for c in lecture.notebook.cells if c.cell_type == "markdown" and c.source.startswith(beginning))


def change_source(lecture, number, source):
    code(lecture, number).source = source


def change_text(lecture, old, new):
    for cell in lecture.notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(old, new)


def add_code(lecture, source="1 + 1", count=1, **metadata):
    cells = [new_code_cell(source, outputs=printed("2"), metadata=metadata) for _ in range(count)]
    lecture.notebook.cells[-2:-2] = cells


def add_text(lecture, source, slide_type=None, at=-2):
    metadata = {"slideshow": {"slide_type": slide_type}} if slide_type else {}
    lecture.notebook.cells.insert(at, new_markdown_cell(source, metadata=metadata))


def rename(lecture, old, new):
    for cell in code_cells(lecture.notebook):
        cell.metadata["tags"] = [tag.replace(old, new) for tag in cell.metadata.get("tags", [])]


def swap(lecture, i, j):
    cells = lecture.notebook.cells
    cells[i], cells[j] = cells[j], cells[i]


DEFECTS = {
    "all_cells_were_run_in_order": [
        lambda l: code(l, 2).update(execution_count=None),
        lambda l: code(l, 2).update(execution_count=9),
    ],
    "what_shows_something_has_its_output": [
        lambda l: code(l, 1).update(outputs=[]),
        lambda l: code(l, 3).update(outputs=[]),
        lambda l: code(l, 4).update(outputs=[]),
        lambda l: code(l, 6).update(outputs=[]),
        lambda l: code(l, 8).update(outputs=[]),
    ],
    "nothing_ended_in_an_error": [
        lambda l: code(l, 8).update(outputs=[new_output("error", ename="KeyError", evalue="'x'", traceback=[])]),
    ],
    "compared_verdicts_are_true": [
        lambda l: code(l, 1).update(outputs=printed("the sum is 3:   False")),
    ],
    "text_and_notebook_agree_cell_by_cell": [
        lambda l: change_source(l, 8, "draw(3)"),
        lambda l: code(l, 1).metadata["tags"].remove("nbval-check-output"),
        lambda l: l.notebook.cells.pop(4),
        lambda l: change_text(l, "Another", "Something else"),
        lambda l: code(l, 1).update(id="another"),
        lambda l: swap(l, 1, 3),
    ],
    "it_was_built_from_this_text_and_helper": [
        lambda l: l.source.write_text(SOURCE.replace("Another", "Something else"), "utf-8"),
    ],
    "it_notes_where_it_was_built": [
        lambda l: l.notebook.metadata["course"]["fingerprint"].pop("torch"),
        lambda l: l.notebook.metadata.pop("course"),
    ],
    "no_cell_is_empty": [
        lambda l: add_text(l, " \n"),
        lambda l: add_code(l, ""),
    ],
    "the_file_is_small": [
        lambda l: l.path.write_bytes(b" " * (1024 * 1024 + 1)),
    ],
    "it_keeps_its_budgets": [
        lambda l: change_text(l, "Another", "word " * 4500),
        lambda l: l.notebook.metadata["course"].update(over={"words": {"most": 5000, "why": "many words"}}),
        lambda l: l.notebook.metadata["course"].update(over={"words": "many words"}),
    ],
    "code_cells_are_short": [
        lambda l: change_source(l, 2, "\n".join(["x = 1"] * 31)),
        lambda l: change_source(l, 6, "\n".join(["x = 1"] * 61)),
        lambda l: [change_source(l, i, "\n".join(["x = 1"] * 9)) for i in (0, 1, 2, 3, 4, 5)],
        lambda l: add_code(l, "\n".join(["x = 1"] * 21), count=4),
    ],
    "most_code_cells_show_something": [
        lambda l: [code(l, i).update(outputs=[]) for i in (1, 3)],
    ],
    "at_most_two_code_cells_stand_in_a_row": [
        lambda l: add_code(l, count=2),
        lambda l: add_code(l, count=3, slideshow={"slide_type": "skip"}),
    ],
    "prose_keeps_pace_with_code": [
        lambda l: change_text(l, FACT.strip(), "It counts."),
        lambda l: add_text(l, FACT * 50),
    ],
    "no_semicolon": [
        lambda l: change_source(l, 8, "draw(2);"),
        lambda l: change_source(l, 8, "x = 1; y = 2"),
    ],
    "no_installation_and_no_shell": [
        lambda l: change_source(l, 8, "%pip install numpy"),
        lambda l: change_source(l, 8, "!pip install numpy"),
        lambda l: change_source(l, 8, "!ls"),
        lambda l: change_source(l, 8, "%matplotlib inline"),
        lambda l: change_source(l, 8, "import subprocess\nsubprocess.run(['pip', 'install', 'numpy'])"),
    ],
    "no_star_import": [
        lambda l: change_source(l, 8, "from math import *"),
    ],
    "no_path_of_one_machine": [
        lambda l: change_source(l, 8, "open('/home/ada/text.txt')"),
        lambda l: change_source(l, 8, r"open('C:\\Users\\ada\\text.txt')"),
        lambda l: code(l, 8).update(outputs=printed("saved to /tmp/model.pt")),
        lambda l: code(l, 8).update(outputs=[new_output("display_data", data={"text/html": "<b>/Users/ada/x</b>"})]),
        lambda l: change_text(l, "Another", "Put it into `/root/data/`"),
    ],
    "the_first_code_cell_sets_the_seed": [
        lambda l: change_source(l, 0, "import math"),
        lambda l: change_source(l, 0, "def later():\n    setup(seed=0)"),
    ],
    "opened_alone_it_says_what_to_do": [
        lambda l: change_text(l, ALONE, ""),
        lambda l: change_source(l, 0, code(l, 0).source.replace(NOT_FOUND, "")),
        lambda l: change_source(l, 0, "setup(seed=0)"),
    ],
    "notebooks_do_not_import_each_other": [
        lambda l: change_source(l, 8, "%run 01_ngram_lm"),
        lambda l: change_source(l, 8, "import import_ipynb"),
        lambda l: change_source(l, 8, "exec(open('01_ngram_lm.ipynb').read())"),
    ],
    "exercises_have_stub_check_and_solution_in_order": [
        lambda l: rename(l, "exercise-1-solution", "topic-A2"),
        lambda l: rename(l, "exercise-1-stub", "topic-A2"),
        lambda l: rename(l, "exercise-1-check", "topic-A2"),
        lambda l: rename(l, "exercise-1", "exercise-2"),
        lambda l: swap(l, 12, 13),
    ],
    "checks_and_solutions_are_folded": [
        lambda l: code(l, 6).metadata.pop("jupyter"),
        lambda l: code(l, 7).metadata["jupyter"].update(source_hidden=False),
        lambda l: code(l, 7).metadata.pop("slideshow"),
    ],
    "stubs_are_not_attempted_and_solutions_correct": [
        lambda l: code(l, 6).update(outputs=printed("twice: correct, on all 1 cases.")),
        lambda l: code(l, 7).update(outputs=printed("the solution: not yet, 1 of 1 cases differ.")),
        lambda l: code(l, 7).update(outputs=printed("twice: correct, on all 1 cases.")),
    ],
    "tags_are_known": [
        lambda l: rename(l, "nbval-check-output", "nbval-check-outputs"),
        lambda l: rename(l, "topic-A1", "topic-Q1"),
    ],
    "it_states_a_claim": [
        lambda l: rename(l, "nbval-check-output", "output-only"),
        lambda l: code(l, 1).update(outputs=[PICTURE]),
    ],
    "few_outputs_are_ignored_and_each_for_a_reason": [
        lambda l: rename(l, "output-only", "nbval-ignore-output"),
        lambda l: [code(l, i).metadata.update(tags=["nbval-ignore-output"], nbval_ignore_reason="?") for i in (3, 8)],
        lambda l: rename(l, "output-only", "volatile"),
    ],
    "comparison_is_steered_by_tags_alone": [
        lambda l: change_source(l, 8, "# NBVAL_IGNORE_OUTPUT\ndraw(2)"),
    ],
    "ipywidgets_appear_only_in_widget_cells": [
        lambda l: rename(l, "widget", "topic-A2"),
        lambda l: change_source(l, 8, "interact(draw, x=(0, 9))"),
        lambda l: change_source(l, 8, "import ipywidgets as w\nw.IntSlider()"),
    ],
    "text_fields_wait_until_the_text_is_typed": [
        lambda l: change_source(l, 4, 'interact(draw, x="three")'),
        lambda l: change_source(l, 4, 'interact(draw, x=Text("three"))'),
        lambda l: change_source(l, 4, 'interact(draw, x=widgets.Textarea("three", continuous_update=True))'),
    ],
    "what_a_widget_draws_is_drawn_without_it_too": [
        lambda l: (change_source(l, 3, "show(1, 'One.')"), change_source(l, 8, "2")),
        lambda l: change_source(l, 4, "@interact(x=(0, 3))\ndef f(x):\n    return x"),
    ],
    "what_is_typed_is_normalised": [
        lambda l: change_source(l, 4, "interact(draw, x=Text('2'))"),
        lambda l: change_source(l, 4, "@interact(x=Textarea())\ndef f(x):\n    return draw(x)"),
    ],
    "the_opening_is_complete": [
        lambda l: change_text(l, "# 7 · How", "# How"),
        lambda l: change_text(l, "# 7 · How", "# 8 · How"),
        lambda l: change_text(l, "> It counts", "It counts"),
        lambda l: change_text(l, "**You will**", "You will"),
        lambda l: change_text(l, "**You need**", "You need"),
        lambda l: change_text(l, "**Time**", "Time"),
    ],
    "the_minutes_are_computed": [
        lambda l: l.source.write_text(SOURCE.replace("{minutes}", "5"), "utf-8"),
    ],
    "symbols_are_introduced_at_the_start": [
        lambda l: change_text(l, "| symbol |", "| name |"),
        lambda l: swap(l, 3, 5),
    ],
    "it_closes_with_what_you_now_have": [
        lambda l: change_text(l, "What you now have", "Summary"),
        lambda l: change_text(l, "- Another.", ""),
        lambda l: change_text(l, "- Another.", "- Another.\n" * 4),
        lambda l: l.notebook.cells.append(new_code_cell("1")),
    ],
    "slide_types_are_known": [
        lambda l: text(l, "## What").metadata["slideshow"].update(slide_type="-"),
        lambda l: text(l, "## What").metadata["slideshow"].update(slide_type="note"),
    ],
    "every_slide_has_notes": [
        lambda l: l.notebook.cells.pop(1),
        lambda l: l.notebook.cells.pop(),
        lambda l: add_text(l, "## More", slide_type="subslide"),
    ],
    "every_image_has_a_text_for_those_who_cannot_see_it": [
        lambda l: code(l, 3).outputs[0].metadata.clear(),
        lambda l: change_text(l, "A line that rises from left to right.", ""),
        lambda l: change_text(l, "![A line that rises from left to right.](line.svg)", '<img src="line.svg">'),
    ],
    "every_text_in_a_plot_can_be_read": [
        lambda l: code(l, 3).outputs[0].metadata["image/png"].update(smallest_text=12.4),
        lambda l: code(l, 3).outputs[0].metadata["image/png"].pop("smallest_text"),
    ],
    "every_image_file_is_there": [
        lambda l: (l.path.parent / "line.svg").unlink(),
        lambda l: change_text(l, "(line.svg)", "(https://example.org/line.svg)"),
    ],
    "pictures_shown_elsewhere_are_the_notebooks": [
        lambda l: code(l, 3).metadata.update(picture="missing.png"),
        lambda l: code(l, 3).metadata.update(picture="line.svg"),
    ],
    "it_speaks_of_its_subject_alone": [
        lambda l: change_text(l, "- Another.", "- TODO"),
        lambda l: change_text(l, "- Another.", "- As requested, another."),
        lambda l: change_source(l, 8, "draw(2)  # as in the last session"),
    ],
}  # fmt: skip


def test_every_rule_has_a_planted_defect():
    assert set(DEFECTS) == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("name, number", [(name, i) for name, plants in DEFECTS.items() for i in range(len(plants))])
def test_the_rule_turns_red_on_its_planted_defect(lecture, name, number):
    DEFECTS[name][number](lecture)

    assert getattr(house_rules, name)(lecture) != []


# --- what the rules are made of


@pytest.mark.parametrize("source, shows", [
    ("x = 1", False), ("x", True), ("f(x)", True), ("x.append(1)", False), ("setup(seed=0)", False),
    ("for x in y:\n    print(x)", True), ("def f():\n    print(1)", False), ("g = lambda: print(1)", False),
    ("'''Only words.'''", False), ("# nothing", False), ("check_sum(f)", True), ("assert x\n", False),
    ("class A:\n    def f(self):\n        show(1)", False), ("if x:\n    show(draw(x), 'One.')", True),
])  # fmt: skip
def test_a_cell_that_shows_something_is_recognised(source, shows):
    assert shows_something(new_code_cell(source)) is shows


def test_words_are_what_is_read_not_formulas_and_markup():
    cell = new_markdown_cell("## Two *words*\n\n$$p(w \\mid h)$$ [a link](../figures/x.svg)<br> $x_t$, up-to-date")

    assert words(cell) == 5


def test_what_is_typed_may_be_normalised(lecture):
    change_source(lecture, 4, "@interact(x=Text())\ndef f(x):\n    return draw(normalize('NFC', x))")

    assert house_rules.what_is_typed_is_normalised(lecture) == []


def test_the_error_of_a_notebook_without_its_course_says_what_to_do(lecture):
    run = """
import sys
from IPython.core.interactiveshell import InteractiveShell

sys.modules["course_utils"] = None  # is not there
InteractiveShell(colors="nocolor").run_cell(sys.argv[1])
"""
    printed = subprocess.run([sys.executable, "-c", run, code(lecture, 0).source], capture_output=True, text=True)

    assert "ModuleNotFoundError" in printed.stdout and NOT_FOUND in printed.stdout


def test_a_modulo_at_the_start_of_a_line_is_no_magic_and_a_semicolon_in_a_text_ends_nothing(lecture):
    change_source(lecture, 8, "x = (17\n    % 5)\nf'{x};{x}'  # and; here")

    assert house_rules.no_installation_and_no_shell(lecture) == []
    assert house_rules.no_semicolon(lecture) == []
