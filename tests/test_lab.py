"""JupyterLab runs the first notebook from its first cell to its last, and what a visit to a notebook finds is tested.

The widgets of all notebooks are tried after their cells were run and compared: tests/nbval_mode.py.
"""

import nbformat
import pytest
from lab import (
    CONTROLS,
    HAS_RUN,
    IS_BUSY,
    KERNEL,
    PANEL,
    Visit,
    bring_to_front,
    move,
    open_notebook,
    run,
    shown_at_rest,
    start,
    visit,
    widget_cells,
)
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from publish.course import NOTEBOOKS, ROOT


def test_the_first_notebook_runs_as_a_whole_and_its_widgets_work(context, lab):
    notebook = NOTEBOOKS / "00_start_here.ipynb"

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


# --- A widget that is moved while a cell runs ----------------------------------------------------------------------

DRAWING = """
import time

import matplotlib.pyplot as plt
from ipywidgets import IntSlider, interact

from course_utils import setup, show

setup(seed=0)


def plot_lines(n):
    figure, ax = plt.subplots()
    for k in range(n):
        time.sleep(0.1)
        ax.plot([0, k], [k, 0])
    return figure


_ = interact(lambda n: show(plot_lines(n), f"{n} lines."), n=IntSlider(3, 3, 9, continuous_update=False))
"""
COMPUTING = """
end = time.monotonic() + 4
while time.monotonic() < end:
    figure, ax = plt.subplots()
    for k in range(5):
        time.sleep(0.03)
        ax.plot([0, 1], [k, k])
    plt.close(figure)
"""
OUTPUTS = f"() => {PANEL}.content.model.cells.get(1).outputs.length"


def test_a_slider_moved_while_a_cell_draws_shows_the_picture_that_it_shows_at_rest(home, context, lab):
    notebook = new_notebook(cells=[new_code_cell(DRAWING), new_code_cell(COMPUTING)], metadata=KERNEL)
    nbformat.write(notebook, home / "busy.ipynb")
    page = context.new_page()
    open_notebook(page, lab, "busy.ipynb")
    run(page, [0])
    slider = bring_to_front(page, 0).locator(CONTROLS["slider"])
    shown = [shown_at_rest(page)]
    for _ in range(2):  # up and down: the second time the kernel may hear it in a subshell
        move(page, "slider", slider)
        shown.append(shown_at_rest(page))

    start(page, [1])
    page.wait_for_function(IS_BUSY)
    bring_to_front(page, 0)
    move(page, "slider", slider)
    moved_in_time = not page.evaluate(HAS_RUN)
    page.wait_for_function(HAS_RUN)
    shown.append(shown_at_rest(page))

    assert moved_in_time
    assert shown[0] == shown[2] != shown[1]
    assert shown[3] == shown[1]
    assert page.evaluate(OUTPUTS) == 0
    page.close()
