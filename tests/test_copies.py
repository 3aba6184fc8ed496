"""A definition stands in one notebook: later ones import what it exports."""

import ast
import re
from pathlib import Path

import pytest

from publish.build import read_source
from publish.cells import exercise_part
from publish.course import NOTEBOOKS, sources


def definitions(source):
    """The functions and classes that a notebook defines at its outer level, those of its exercises left out."""
    for cell in read_source(source).cells:
        if cell.cell_type == "code" and exercise_part(cell) == (None, None):
            yield from (
                node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
            )


def code_of(node):
    """The code of a definition without its name and docstring, which a copy under another name keeps."""
    node = ast.parse(ast.unparse(node)).body[0]
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:]
    return re.sub(rf"\b{node.name}\b", "_", ast.unparse(node))


def is_drawing(node):
    """Drawings belong to their notebook, and may have the name of another's."""
    return node.name.startswith("plot_")


def copies(folder=NOTEBOOKS):
    """(name, notebook, notebook) of each definition whose name or code stands in two notebooks, or in one twice."""
    found, seen = set(), {}
    for source in sources(folder):
        for node in definitions(source):
            for key in {code_of(node)} | ({node.name} if not is_drawing(node) else set()):
                notebook, first = seen.setdefault(key, (source.stem, node))
                if first is not node:
                    found.add((node.name, notebook, source.stem))
    return found


def test_no_definition_stands_in_two_notebooks():
    assert copies() == set()


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
    """Draw it."""
    return area(1)

# %% tags=["exercise-1-stub"]
def attempt(r):
    return ...
'''
OTHER = {
    "def area(r):\n    return 2 * r": {"area"},
    "class Cell:\n    weight = 3": {"Cell"},
    "def disc(r):\n    return math.pi * r**2": {"disc"},
    'def area(radius):\n    """Of a disc."""\n    return radius': {"area"},
    "def plot_area():\n    return 3": set(),
    "def plot_disc():\n    return area(1)": {"plot_disc"},
    '# %% tags=["exercise-1-stub"]\ndef attempt(r):\n    return ...': set(),
    "from course_utils.taught.one import Cell, area\n\narea(3)": set(),
}


@pytest.fixture
def course(tmp_path):
    """Write two notebooks, and return the copies in them."""
    (tmp_path / "source" / "real_corpora").mkdir(parents=True)

    def write(one, other, path="02_two.py"):
        (tmp_path / "source" / "01_one.py").write_text(one, "utf-8")
        (tmp_path / "source" / path).write_text("# %%\n" + other + "\n", "utf-8")
        return copies(tmp_path)

    return write


@pytest.mark.parametrize("path", ["02_two.py", "real_corpora/01_two.py"])
@pytest.mark.parametrize("other", OTHER)
def test_a_planted_copy_is_found_whatever_changed_in_it(course, other, path):
    found = course(ONE, other, path)

    assert found == {(name, "01_one", Path(path).stem) for name in OTHER[other]}


def test_a_name_that_one_notebook_defines_twice_is_found(course):
    assert course(ONE + "\n# %%\ndef area(r):\n    return 3 * r * r\n", "x = 1") == {("area", "01_one", "01_one")}
