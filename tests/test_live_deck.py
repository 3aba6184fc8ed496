"""The live deck: the slideshow in JupyterLab is read from the last row, obeys a clicker, and ends with its page."""

import time

import nbformat
import pytest
from lab import KERNEL, PANEL, open_notebook, run, running_lab, state_of
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from publish.lab import end_slideshow

SIZES = [(1280, 720, 24, 20), (1920, 1080, 36, 30)]
PLACE = f"() => {PANEL}.content.activeCellIndex"
GO = f"(place) => {{ const notebook = {PANEL}.content; notebook.activeCellIndex = place; }}"
RESTORED = "() => { jupyterapp.restored.then(() => { window.restored = true; }); return window.restored; }"
FONT_SIZE = "node => parseFloat(getComputedStyle(node).fontSize)"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a notebook of four slides."""
    home = tmp_path_factory.mktemp("live")
    field = "from IPython.display import HTML\n\nHTML('<input type=text>')"
    cells = [
        new_markdown_cell("# Live\n\nA text."),
        new_code_cell("print('seen')"),
        new_markdown_cell("## Output only\n\n| a | table |\n|---|---|\n| 1 | 2 |"),
        new_code_cell("print('seen')", metadata={"tags": ["output-only"]}),
        new_markdown_cell("## A text field"),
        new_code_cell(field),
        new_markdown_cell("## The end"),
    ]
    for cell in cells[::2]:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), home / "live.ipynb")
    return home


@pytest.fixture(scope="module")
def live(browser, home):
    """The page of a running slideshow, at its first slide, after all cells have been run."""
    with running_lab(home, home / "lab.log") as lab:
        page = browser.new_page()
        open_notebook(page, lab, "live.ipynb")
        run(page)
        start_slideshow(page)
        yield page
        page.close()


def start_slideshow(page):
    """Start the slideshow on the first slide."""
    page.wait_for_function(RESTORED)
    page.evaluate(GO, 0)
    page.evaluate("() => { jupyterapp.commands.execute('deck:start'); }")
    page.wait_for_selector(".jp-Deck .jp-deck-mod-onscreen", state="attached")


def press(page, *keys):
    """Press keys one after the other; return the place of the active cell after each."""
    places = []
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(300)
        places.append(page.evaluate(PLACE))
    return places


def go(page, place):
    """Make a cell the active one."""
    page.evaluate(GO, place)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("width, height, text, code", SIZES)
def test_text_and_code_grow_with_the_window(live, width, height, text, code):
    live.set_viewport_size({"width": width, "height": height})
    go(live, 0)

    shown = ".jp-deck-mod-visible "
    sizes = {what: live.locator(shown + what).first.evaluate(FONT_SIZE) for what in ("p", ".cm-line", "pre")}
    go(live, 2)
    table = live.locator(shown + "td").first.evaluate(FONT_SIZE)

    assert sizes == {"p": text, ".cm-line": code, "pre": code}
    assert table == text


def test_the_code_of_a_cell_tagged_output_only_is_hidden_and_its_output_is_not(live):
    go(live, 2)

    cell = live.locator(".jp-deck-mod-visible[data-jpf-cell-tags*=output-only]")

    assert not cell.locator(".jp-Cell-inputWrapper").is_visible()
    assert cell.locator("pre", has_text="seen").is_visible()


def test_a_clicker_steps_through_cells_and_shift_with_the_arrow_leaves_a_slide(live):
    go(live, 0)

    assert press(live, "PageDown", "PageDown", "PageUp", "Space", "Shift+Space") == [1, 2, 1, 2, 1]
    assert press(live, "Shift+ArrowRight", "Shift+ArrowRight", "ArrowLeft") == [2, 4, 3]


def test_escape_leaves_a_text_field_and_then_the_keys_move_again(live):
    go(live, 5)
    live.locator(".jp-deck-mod-visible .jp-OutputArea input").click()

    assert press(live, "ArrowLeft", "PageUp") == [5, 5]
    assert press(live, "Escape", "ArrowLeft") == [5, 4]
    assert live.locator(".jp-Deck").count() == 1


def test_escape_leaves_the_code_that_is_edited_and_a_second_one_the_slideshow(live):
    go(live, 5)
    live.locator(".jp-deck-mod-visible .cm-content").last.click()

    assert press(live, "ArrowRight", "Escape", "ArrowRight") == [5, 5, 6]
    press(live, "Escape")
    live.wait_for_selector(".jp-Deck", state="detached")


def test_the_next_start_shows_the_notebook_although_the_page_was_closed_in_the_slideshow(browser, home):
    remembered = state_of(home) / "jupyterlab_settings_dir/jupyterlab-slideshow/plugin.jupyterlab-settings"
    with running_lab(home, home / "lab.log") as lab:
        page = browser.new_page()
        open_notebook(page, lab, "live.ipynb")
        start_slideshow(page)
        while '"active": true' not in remembered.read_text("utf-8"):
            time.sleep(0.1)
        page.close()

    with running_lab(home, home / "lab.log") as lab:
        page = browser.new_page()
        open_notebook(page, lab, "live.ipynb")
        page.wait_for_timeout(3000)

        assert page.locator(".jp-Deck").count() == 0
        page.close()


def test_only_whether_the_slideshow_is_on_is_forgotten(tmp_path):
    remembered = tmp_path / "jupyterlab-slideshow" / "plugin.jupyterlab-settings"
    remembered.parent.mkdir()
    remembered.write_text('{\n  // mine\n  "showCodeCellPrompt": true,\n  "active" : true\n}', "utf-8")

    end_slideshow(tmp_path)

    assert remembered.read_text("utf-8") == '{\n  // mine\n  "showCodeCellPrompt": true,\n  "active" : false\n}'


def test_a_reader_without_settings_gets_none(tmp_path):
    end_slideshow(tmp_path)

    assert list(tmp_path.iterdir()) == []
