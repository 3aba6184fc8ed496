"""JupyterLab runs the notebooks before 08, and their widgets react; what the visit finds is tested, too."""

import nbformat
import pytest
from lab import KERNEL, WITH_WIDGETS, Visit, is_later, visit, widget_cells
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from publish.course import ROOT


@pytest.mark.parametrize("notebook", [path for path in WITH_WIDGETS if not is_later(path)], ids=lambda path: path.stem)
def test_every_widget_works_in_jupyterlab_and_in_its_slideshow(notebook, context, lab):
    found = visit(context, lab, notebook.relative_to(ROOT).as_posix(), widget_cells(notebook))

    assert found == Visit()


# --- The gate's own test -------------------------------------------------------------------------------------------

LIVE = """
import ipywidgets

colour = ipywidgets.ColorPicker(value="#112233", concise=True)
controls = {"n": (1, 5), "text": "a", "kind": ["x", "y"], "on": True, "colour": colour}
_ = ipywidgets.interact(lambda **given: print(given), **controls)
"""
DEAD = """
import ipywidgets

_ = ipywidgets.interact(lambda n: print("always the same"), n=(1, 5))
"""
FRAGILE = """
import ipywidgets

_ = ipywidgets.interact(lambda n: print(1 / (n == 3)), n=ipywidgets.IntSlider(3, 1, 5))
"""
SHOUTING = """
from IPython.display import Javascript

Javascript("console.error('planted')")
"""


@pytest.fixture(scope="module")
def planted_visit(home, context, lab):
    """A visit to a notebook with one good widget and one of each defect, the failing cell last."""
    cells = [new_code_cell(source) for source in (LIVE, DEAD, FRAGILE)]
    cells += [new_code_cell("'not a widget'"), new_code_cell(SHOUTING), new_code_cell("1 / 0")]
    for cell in cells[:3]:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    notebook = new_notebook(cells=[new_markdown_cell("# Planted"), *cells], metadata=KERNEL)
    nbformat.write(notebook, home / "planted.ipynb")
    return visit(context, lab, "planted.ipynb", [1, 2, 3, 4], patience=2)


def test_a_control_that_changes_nothing_is_found_in_both_views(planted_visit):
    assert [p for p in planted_visit.dead if "cell 3" in p] == [
        f"cell 3: slider 1 in the {view}: nothing changes" for view in ("notebook", "slideshow")
    ]


def test_a_control_that_leads_to_an_error_is_found(planted_visit):
    assert "cell 4: slider 1 in the notebook: it shows an error" in planted_visit.dead


def test_a_widget_that_does_not_appear_is_found(planted_visit):
    assert "cell 5: no widget appears in the notebook" in planted_visit.dead


def test_working_controls_are_not_reported(planted_visit):
    assert not [p for p in planted_visit.dead if "cell 2" in p]


def test_a_cell_that_raises_is_found(planted_visit):
    assert planted_visit.failed == ["cell 7 fails: ZeroDivisionError: division by zero"]


def test_an_error_on_the_console_is_found(planted_visit):
    assert any("planted" in text for text in planted_visit.complaints)
