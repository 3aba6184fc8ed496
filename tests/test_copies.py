"""Notebooks do not import each other: what two of them define under one name is copied word for word."""

import ast
from itertools import combinations

import pytest
from house_rules import exercise_part

from publish.build import read_source
from publish.course import NOTEBOOKS, sources

# Functions that differ although they have one name: (name, notebook, notebook): why.
DIFFERENT = {
    ("encode", "00_start_here", "03_vanilla_rnn"): "the word is introduced by one step; a whole name",
    ("decode", "00_start_here", "03_vanilla_rnn"): "the word is introduced by probabilities; scores for the loss",
    ("typing", "01_ngram_lm", "02_fixed_window_lm"): "widgets, each with a drawing of its own",
}


def definitions(source):
    """The text of each function and class that a notebook defines at module level, by name.

    Exercises, checks and drawings belong to their notebook and are left out.
    """
    found = {}
    for cell in read_source(source).cells:
        if cell.cell_type == "code" and exercise_part(cell) == (None, None):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith(("plot_", "check_")):
                    found.setdefault(node.name, []).append(text_of(node, cell.source))
    return found


def text_of(node, source):
    """The lines of a definition, decorators and comments at its end included."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def differences(folder=NOTEBOOKS):
    """(name, notebook, notebook) of each name that two notebooks define differently, or one of them twice."""
    course = {
        source.relative_to(folder / "source").with_suffix("").as_posix(): definitions(source)
        for source in sources(folder)
    }
    return {
        (name, one, other)
        for one, other in [*combinations(course, 2), *((notebook, notebook) for notebook in course)]
        for name in course[one].keys() & course[other].keys()
        if len({*course[one][name], *course[other][name]}) > 1
    }


def test_functions_of_one_name_are_copies_unless_a_reason_is_given():
    assert differences() - DIFFERENT.keys() == set()


def test_no_reason_is_given_for_functions_that_do_not_differ():
    assert DIFFERENT.keys() - differences() == set()


def test_each_reason_names_two_notebooks_in_their_order():
    assert all(one < other and reason.strip() for (_, one, other), reason in DIFFERENT.items())


ONE = '''
# %%
import math

# %%
def area(r):
    """Of a circle."""
    return math.pi * r**2  # not of a sphere

class Cell:
    size = 1

def plot_area():
    return 1

# %% tags=["exercise-1-stub"]
def attempt(r):
    return ...

# %% tags=["widget"]
@interact(r=1)
def draw(r):
    return area(r)
'''


@pytest.fixture
def course(tmp_path):
    """Write two notebooks, the second a copy of the first with some text replaced; return their differences."""

    def write(old="", new=""):
        assert old in ONE
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / "01_one.py").write_text(ONE, "utf-8")
        (tmp_path / "source" / "02_two.py").write_text(ONE.replace(old, new) if old else ONE, "utf-8")
        return {name for name, one, other in differences(tmp_path) if (one, other) == ("01_one", "02_two")}

    return write


def test_copies_are_no_difference(course):
    assert course() == set()


@pytest.mark.parametrize("old, new, name", [
    ("math.pi * r**2", "math.pi * r * r", "area"),
    ("  # not of a sphere", "", "area"),
    ("Of a circle.", "Of a disc.", "area"),
    ("def area(r)", "def area(radius)", "area"),
    ("size = 1", "size = 2", "Cell"),
    ("interact(r=1)", "interact(r=2)", "draw"),
])  # fmt: skip
def test_a_planted_difference_is_found(course, old, new, name):
    assert course(old, new) == {name}


@pytest.mark.parametrize("old, new", [
    ("    return 1", "    return 2"),
    ("return ...", "return None"),
    ("def area(r)", "def surface(r)"),
    ("import math", "import math, random"),
])  # fmt: skip
def test_drawings_exercises_other_names_and_other_cells_may_differ(course, old, new):
    assert course(old, new) == set()


def test_a_name_that_one_notebook_defines_twice_is_found(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "01_one.py").write_text(ONE + "\n# %%\ndef area(r):\n    return 3 * r * r\n", "utf-8")

    assert differences(tmp_path) == {("area", "01_one", "01_one")}
