"""A student's and a presenter's way: JupyterLab in a browser, run all cells, move every control, then again as slides.

For a notebook that has widgets: no cell fails, every control of every widget changes what its cell shows, the
browser's console stays free of errors, and nothing is asked of the internet; in the notebook view and in the
slideshow (Start Deck) of one session.
"""

import os
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep

import nbformat
from browser import listen
from playwright.sync_api import TimeoutError as TooLate

from publish.course import built_notebooks

SECONDS_TO_RUN = 600
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}

# Where JupyterLab keeps settings and state; fresh ones, because the slideshow remembers that it was on.
NOBODYS = (
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_RUNTIME_DIR",
    "IPYTHONDIR",
)

# Errors that the console shows and nobody suffers from: (pattern, why it is harmless).
HARMLESS = ()

UNMOVED = "nothing changes"

# What each kind of control looks like, inside a widget's cell.
CONTROLS = {
    "slider": ".noUi-handle",
    "text": "input[type=text]:not([disabled]):visible, textarea:not([disabled])",
    "colour": "input[type=color]:not([disabled])",
    "number": "input[type=number]:not([disabled])",
    "choice": "select:not([disabled])",
    "tick": "input[type=checkbox]:not([disabled]), input[type=radio]:not([disabled]):not(:checked)",
    "button": "button.jupyter-button:not([disabled]):not(.mod-active)",
}

# The panel of the open notebook, in JavaScript; the server is started with --expose-app-in-browser.
PANEL = "window.jupyterapp?.shell?.currentWidget"
IS_IDLE = f"() => {PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
# No promise is returned, since a page that is busy for long would break it off.
RUN_ALL = """() => {
  window.ranAll = false;
  jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ranAll = true; });
}"""
FAILED_CELLS = f"""() => [...{PANEL}.content.model.cells].flatMap((cell, index) =>
  cell.type !== 'code' ? [] : cell.outputs.toJSON().filter((output) => output.output_type === 'error').map(
    (output) => `cell ${{index + 1}} fails: ${{output.ename}}: ${{output.evalue}}`))"""
BRING_TO_FRONT = f"""(index) => {{
  const notebook = {PANEL}.content;
  document.querySelectorAll('[data-front]').forEach((node) => delete node.dataset.front);
  notebook.widgets[index].node.dataset.front = 'yes';
  notebook.activeCellIndex = index;
  notebook.scrollToItem(index, 'start');
}}"""
FRONT = "[data-front]"
# What the widget shows: text and pictures, without the controls themselves.
SHOWN = """(cell) => {
  const copy = cell.querySelector('.jp-Cell-outputWrapper').cloneNode(true);
  const control = ':is(.widget-inline-hbox, .widget-hbox):has(input, textarea, select, .noUi-handle), button';
  copy.querySelectorAll(control).forEach((node) => node.matches('.widget-output *') || node.remove());
  const pictures = [...copy.querySelectorAll('img')].map((picture) => picture.src);
  return [copy.textContent, ...pictures, ...[...copy.querySelectorAll('svg')].map((svg) => svg.outerHTML)].join('|');
}"""


@dataclass
class Visit:
    """What went wrong with one notebook in JupyterLab."""

    failed: list = field(default_factory=list)
    dead: list = field(default_factory=list)
    complaints: list = field(default_factory=list)
    requests: list = field(default_factory=list)


# --- The server ----------------------------------------------------------------------------------------------------


@contextmanager
def running_lab(home, log):
    """Start JupyterLab in the folder `home` with nobody's settings, and yield its address."""
    fresh = {name: str(home / ".jupyter" / name.lower()) for name in NOBODYS}
    environment = os.environ | fresh | {"PYTHONPATH": str(home)}
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        "--expose-app-in-browser",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={home}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with log.open("w") as output:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=home)
        try:
            yield _address(server, log)
        finally:
            server.terminate()
            server.wait(20)


def _address(server, log):
    """Wait until the server answers; return its address."""
    for _ in range(240):
        found = re.search(r"http://127\.0\.0\.1:\d+(?=/)", log.read_text("utf-8"))
        if found and _answers(found[0]):
            return found[0]
        if server.poll() is not None:
            break
        sleep(0.25)
    raise RuntimeError(f"JupyterLab does not start:\n{log.read_text('utf-8')}")


def _answers(address):
    """Whether the server accepts connections: it prints its address a moment earlier."""
    try:
        urllib.request.urlopen(f"{address}/api", timeout=20).read()
    except OSError:
        return False
    return True


# --- One notebook, both views --------------------------------------------------------------------------------------


def visit(context, address, path, widget_cells, patience=15):
    """Open a notebook, run it, and move all controls, first in the notebook view, then in the slideshow.

    Args:
        context: of a running browser; one for all notebooks, since it keeps JupyterLab's files.
        address: of JupyterLab.
        path: of the notebook, seen from the server's folder.
        widget_cells: positions of the cells whose widgets are tried.
        patience: seconds that a widget has to appear or to react.

    Returns:
        A Visit.
    """
    page = context.new_page()
    requests, errors = listen(page, address)
    open_and_run(page, address, path)
    found = Visit(failed=page.evaluate(FAILED_CELLS))
    found.dead += _dead_controls(page, widget_cells, "notebook", patience)
    page.evaluate("() => { jupyterapp.commands.execute('deck:start'); }")
    page.wait_for_selector(".jp-Deck .jp-deck-mod-onscreen")
    found.dead += _dead_controls(page, widget_cells, "slideshow", patience)
    page.evaluate("() => { jupyterapp.commands.execute('deck:stop'); }")
    page.wait_for_selector(".jp-Deck", state="detached")
    found.complaints = sorted({text for text in errors if not any(re.search(known, text) for known, _ in HARMLESS)})
    found.requests = requests
    page.close()
    return found


def open_and_run(page, address, path):
    """Open a notebook of a running JupyterLab, its path seen from the server's folder, and run all its cells."""
    page.goto(f"{address}/lab/tree/{path}?reset")
    page.wait_for_function(IS_IDLE, timeout=60_000)
    page.evaluate(RUN_ALL)
    page.wait_for_function("() => window.ranAll", timeout=SECONDS_TO_RUN * 1000)


def _dead_controls(page, cells, view, patience):
    """Move every control of the given cells; return those that change nothing."""
    problems = []
    for index in cells:
        page.evaluate(BRING_TO_FRONT, index)
        cell = page.locator(FRONT)
        try:
            cell.locator(".jupyter-widgets").first.wait_for(timeout=patience * 1000)
        except TooLate:
            problems.append(f"cell {index + 1}: no widget appears in the {view}")
            continue
        for kind, selector in CONTROLS.items():
            for number in range(cell.locator(selector).count()):
                control = cell.locator(selector).nth(number)
                problem = _moved(page, cell, kind, control, patience)
                if problem == UNMOVED:  # a hand that missed the handle tries again
                    problem = _moved(page, cell, kind, control, patience)
                if problem:
                    problems.append(f"cell {index + 1}: {kind} {number + 1} in the {view}: {problem}")
    return problems


def _moved(page, cell, kind, control, patience):
    """Move a control of a widget that has come to rest; return what is wrong, if anything."""
    before = _at_rest(page, cell, patience)
    move(page, kind, control)
    return _reaction(cell, before, patience)


def _at_rest(page, cell, patience, still=0.2):
    """Wait until what the cell shows has not changed for a while: a picture that arrives late moves the controls."""
    end = monotonic() + patience
    before, since = None, monotonic()
    while monotonic() < min(since + still, end):
        page.wait_for_function(IS_IDLE)
        shown = cell.evaluate(SHOWN)
        if shown != before:
            before, since = shown, monotonic()
        sleep(0.05)
    return before


def move(page, kind, control):
    """Change a control the way a hand does."""
    if kind == "slider":
        box = control.bounding_box()
        at_end = control.get_attribute("aria-valuenow") == control.get_attribute("aria-valuemax")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + (-150 if at_end else 150), y, steps=4)
        page.mouse.up()
    elif kind == "text":
        word = "of the" if control.input_value().strip() == "to be" else "to be"
        control.fill("")
        control.press_sequentially(word)
        control.press("Enter")
        control.blur()  # a field of several lines takes Enter as a line break and reports when it is left
    elif kind == "colour":
        control.fill("#c04020" if control.input_value() == "#2040c0" else "#2040c0")
    elif kind == "number":
        control.press("ArrowUp")
    elif kind == "choice":
        chosen, count = control.evaluate("node => [node.selectedIndex, node.options.length]")
        control.select_option(index=(chosen + 1) % count)
    else:
        control.click()


def _reaction(cell, before, patience):
    """Wait for the cell to show something else; return what is wrong if it does not."""
    end = monotonic() + patience
    while cell.evaluate(SHOWN) == before:
        if monotonic() > end:
            return UNMOVED
        sleep(0.05)
    if cell.locator("[data-mime-type*=error], [data-mime-type*=stderr]").count():
        return "it shows an error"
    return None


# --- The course's notebooks ----------------------------------------------------------------------------------------


def widget_cells(notebook):
    """Return the positions of the cells that make widgets."""
    cells = nbformat.read(notebook, as_version=4).cells
    return [i for i, cell in enumerate(cells) if "widget" in cell.metadata.get("tags", [])]


def is_later(notebook):
    """Whether a notebook belongs to the second half of these tests, which another worker runs."""
    return notebook.parent.name == "real_corpora" or notebook.stem >= "08"


WITH_WIDGETS = [path for path in built_notebooks() if widget_cells(path)]
