"""taught_in takes a notebook's definitions, and nothing that runs."""

import pytest

from publish import taught
from publish.course import NOTEBOOKS
from publish.taught import taught_in

SOURCE = '''
# %% [markdown]
# # A title

# %%
import math
from ipywidgets import IntSlider, interact
import ipywidgets as widgets
BOS, EOS = "<s>", "</s>"
SIZES: dict = {}
LETTERS = "ab"
PI = math.pi
count = 3
print("this must not run")

# %%
def area(r):
    """Of a circle."""
    return factor * r**2

@interact(r=IntSlider(1))
def draw(r):
    return area(r)

@widgets.interact(r=1)
def draw_again(r):
    return area(r)

class Cell:
    size = 1

for i in range(3):
    count = i
'''


@pytest.fixture
def module(tmp_path, monkeypatch, capsys):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "05_planted.py").write_text(SOURCE, "utf-8")
    monkeypatch.setattr(taught, "NOTEBOOKS", tmp_path)
    module = taught_in("05_planted")
    assert capsys.readouterr().out == ""
    return module


def test_imports_functions_classes_and_constants_are_taken(module):
    assert (module.BOS, module.EOS, module.LETTERS, module.Cell.size) == ("<s>", "</s>", "ab", 1)
    assert module.math.pi > 3


def test_widgets_variables_and_computed_values_are_left_out(module):
    names = {"interact", "IntSlider", "widgets", "draw", "draw_again", "count", "i", "PI"}

    assert names.isdisjoint(vars(module))


def test_what_a_function_reads_can_be_set(module):
    module.factor = 3

    assert module.area(2) == 12


def test_two_calls_do_not_share_a_module():
    assert taught_in("01_ngram_lm") is not taught_in("01_ngram_lm")


def test_an_unknown_notebook_is_an_error():
    with pytest.raises(FileNotFoundError, match="99_nothing"):
        taught_in("99_nothing")


def test_a_traceback_points_into_the_source():
    code = taught_in("01_ngram_lm").ngrams.__code__
    lines = (NOTEBOOKS / "source" / "01_ngram_lm.py").read_text("utf-8").splitlines()

    assert lines[code.co_firstlineno - 1].startswith("def ngrams(")
