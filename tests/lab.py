"""A student's and a presenter's way: JupyterLab in a browser, cells run, every control moved, then again as slides.

For a notebook that has widgets: no cell fails, every control of every widget changes what its cell shows, the
browser's console stays free of errors, and nothing is asked of the internet; in the notebook view and in the
slideshow (Start Deck) of one session. JupyterLab may take over a kernel in which the cells have been run already.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

import nbformat
from browser import browser_or_skip, listen
from nbformat.sign import NotebookNotary
from playwright.sync_api import TimeoutError as TooLate

from publish.course import ROOT

SECONDS_TO_RUN = 600
SECONDS_TO_REST = 60
SCREEN = {"width": 1280, "height": 1000}
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}

# Where JupyterLab keeps settings and state; fresh ones, because the slideshow remembers that it was on.
NOBODYS = (
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
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
IS_BUSY = f"() => {PANEL}.sessionContext.session.kernel.status === 'busy'"
# Keep the messages that the kernel has not dealt with; those of widgets do not make it busy where they have a
# subshell. Its answers are counted when they are handled, not when they arrive.
KEEP_UNANSWERED = f"""() => {{
  const kernel = {PANEL}.sessionContext.session.kernel;
  window.unanswered = new Set();
  kernel.anyMessage.connect((_, {{ msg, direction }}) => {{
    if (direction === 'send' && msg.channel === 'shell') unanswered.add(msg.header.msg_id);
  }});
  kernel.iopubMessage.connect((_, msg) => {{
    if (msg.content.execution_state === 'idle') unanswered.delete(msg.parent_header.msg_id);
  }});
}}"""
# No promise is returned, since a page that is busy for long would break it off.
RUN_ALL = """() => {
  window.ran = false;
  jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ran = true; });
}"""
RUN_CELLS = f"""(indices) => {{
  const notebook = {PANEL}.content;
  window.ran = false;
  (async () => {{
    for (const index of indices) {{
      notebook.activeCellIndex = index;
      await jupyterapp.commands.execute('notebook:run-cell');
    }}
  }})().finally(() => {{ window.ran = true; }});
}}"""
HAS_RUN = "() => window.ran"
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
SHOWN = """() => {
  const copy = document.querySelector('[data-front] .jp-Cell-outputWrapper').cloneNode(true);
  const control = ':is(.widget-inline-hbox, .widget-hbox):has(input, textarea, select, .noUi-handle), button';
  copy.querySelectorAll(control).forEach((node) => node.matches('.widget-output *') || node.remove());
  const pictures = [...copy.querySelectorAll('img')].map((picture) => picture.src);
  return [copy.textContent, ...pictures, ...[...copy.querySelectorAll('svg')].map((svg) => svg.outerHTML)].join('|');
}"""
# At rest: every message is answered, every picture drawn, and a frame later nothing has changed.
IS_AT_REST = f"""() => {{
  const [before, now] = [window.lastFrame, ({SHOWN})()];
  window.lastFrame = now;
  const pictures = [...document.querySelectorAll('[data-front] img')];
  return now === before && !unanswered.size && pictures.every((picture) => picture.complete);
}}"""
HAS_CHANGED = f"(before) => ({SHOWN})() !== before"


@dataclass
class Visit:
    """What went wrong with one notebook in JupyterLab."""

    failed: list = field(default_factory=list)
    dead: list = field(default_factory=list)
    complaints: list = field(default_factory=list)
    requests: list = field(default_factory=list)


# --- The server ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: the folder that it serves, its address, and the token that opens it."""

    home: Path
    address: str
    token: str

    def ask(self, path, content=None):
        """Ask the server's REST interface for something, or send it something; return its answer."""
        data = json.dumps(content).encode() if content else None
        request = urllib.request.Request(f"{self.address}/api/{path}", data, {"Authorization": f"token {self.token}"})
        return json.load(urllib.request.urlopen(request, timeout=60))


def course_copy(home):
    """Copy what notebooks need to a folder, so that the checkout stays as it is; return the folder."""
    unneeded = shutil.ignore_patterns("source", "__pycache__", ".ipynb_checkpoints")
    for folder in ("notebooks", "figures", "course_utils"):
        shutil.copytree(ROOT / folder, home / folder, ignore=unneeded)
    return home


@contextmanager
def running_lab(home, log):
    """Start JupyterLab in a folder, with the course's settings and the ones that it has kept there, and yield it."""
    fresh = {name: str(state_of(home) / name.lower()) for name in NOBODYS}
    kernels = state_of(home) / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex()
    # Kernels find the copy's course_utils first; publish.lab starts the server.
    environment = os.environ | fresh | {"PYTHONPATH": f"{home}{os.pathsep}{ROOT}", "JUPYTER_TOKEN": token}
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        "--expose-app-in-browser",
        f"--ServerApp.root_dir={home}",
        "--ServerApp.allow_external_kernels=True",
        f"--ServerApp.external_connection_dir={kernels}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with log.open("w") as output:
        command = [sys.executable, "-m", "publish.lab", *options]
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=home)
        try:
            yield Lab(home, _address(server, log), token)
        finally:
            server.terminate()
            server.wait(20)


def state_of(home):
    """Where a JupyterLab of these tests keeps its settings and state."""
    return home / ".jupyter"


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


@contextmanager
def lent(lab, connection_file, path):
    """Let the notebook at this path use a running kernel of somebody else's, who keeps it.

    The session is made by the server: one that the page makes opens a second connection to the kernel, and widgets
    are not found. The notebook is signed: it holds what its cells showed, and only a trusted one may run scripts.
    """
    notary = NotebookNotary(data_dir=str(state_of(lab.home) / "jupyter_data_dir"))
    notary.sign(nbformat.read(lab.home / path, as_version=4))
    notary.store.close()
    known = {kernel["id"] for kernel in lab.ask("kernels")}
    lent_file = state_of(lab.home) / "kernels" / Path(connection_file).name
    shutil.copy(connection_file, lent_file)
    (kernel,) = (kernel["id"] for kernel in lab.ask("kernels") if kernel["id"] not in known)
    lab.ask("sessions", {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"id": kernel}})
    try:
        yield
    finally:
        lent_file.unlink()


# --- One notebook, both views --------------------------------------------------------------------------------------


def visit(context, lab, path, widget_cells, patience=15, already_run=False):
    """Open a notebook, run it, and move all controls, first in the notebook view, then in the slideshow.

    Args:
        context: of a running browser; one for all notebooks, since it keeps JupyterLab's files.
        lab: a running JupyterLab.
        path: of the notebook, seen from the server's folder.
        widget_cells: positions of the cells whose widgets are tried.
        patience: seconds that a widget has to appear or to react.
        already_run: whether its kernel has run the cells; then only the widgets' cells run again.

    Returns:
        A Visit.
    """
    page = context.new_page()
    requests, errors = listen(page, lab.address)
    open_notebook(page, lab, path)
    run(page, widget_cells if already_run else None)
    found = Visit(failed=page.evaluate(FAILED_CELLS))
    found.dead += _dead_controls(page, widget_cells, "notebook", patience)
    page.evaluate("() => { jupyterapp.commands.execute('deck:start'); }")
    page.wait_for_selector(".jp-Deck .jp-deck-mod-onscreen", state="attached")
    found.dead += _dead_controls(page, widget_cells, "slideshow", patience)
    page.evaluate("() => { jupyterapp.commands.execute('deck:stop'); }")
    page.wait_for_selector(".jp-Deck", state="detached")
    found.complaints = sorted({text for text in errors if not any(re.search(known, text) for known, _ in HARMLESS)})
    found.requests = requests
    page.close()
    return found


def open_and_run(page, lab, path):
    """Open a notebook of a running JupyterLab, its path seen from the server's folder, and run all its cells."""
    open_notebook(page, lab, path)
    run(page)


def open_notebook(page, lab, path):
    """Open a notebook of a running JupyterLab, its path seen from the server's folder."""
    page.goto(f"{lab.address}/lab/tree/{path}?reset&token={lab.token}")
    page.wait_for_function(IS_IDLE, timeout=60_000)
    page.evaluate(KEEP_UNANSWERED)


def run(page, cells=None):
    """Run all cells of the open notebook, or those at the given positions, and wait for them."""
    start(page, cells)
    page.wait_for_function(HAS_RUN, timeout=SECONDS_TO_RUN * 1000)


def start(page, cells=None):
    """Run cells without waiting for them."""
    page.evaluate(RUN_ALL) if cells is None else page.evaluate(RUN_CELLS, cells)


def bring_to_front(page, index):
    """Scroll to a cell of the open notebook, the one that is watched from now on, and return it."""
    page.evaluate(BRING_TO_FRONT, index)
    return page.locator(FRONT)


def _dead_controls(page, cells, view, patience):
    """Move every control of the given cells; return those that change nothing."""
    problems = []
    for index in cells:
        cell = bring_to_front(page, index)
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
    before = shown_at_rest(page)
    move(page, kind, control)
    try:
        page.wait_for_function(HAS_CHANGED, arg=before, timeout=patience * 1000)
    except TooLate:
        return UNMOVED
    shown_at_rest(page)
    return "it shows an error" if cell.locator("[data-mime-type*=error], [data-mime-type*=stderr]").count() else None


def shown_at_rest(page):
    """Wait until the cell in front has come to rest, and return what it shows."""
    page.wait_for_function(IS_AT_REST, timeout=SECONDS_TO_REST * 1000)
    return page.evaluate(SHOWN)


def move(page, kind, control):
    """Change a control the way a hand does."""
    if kind == "slider":
        control.hover()  # scrolls to it, and waits until it stands still: cells above may be drawn only now
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


# --- The course's notebooks ----------------------------------------------------------------------------------------


def widget_cells(notebook):
    """Return the positions of the cells that make widgets."""
    cells = nbformat.read(notebook, as_version=4).cells
    return [i for i, cell in enumerate(cells) if "widget" in cell.metadata.get("tags", [])]


def without_widgets(notebook, cells):
    """Return a notebook without the widgets stored in these cells: the kernel that runs them does not know them."""
    content = nbformat.read(notebook, as_version=4)
    for index in cells:
        content.cells[index].outputs = []
    content.metadata.pop("widgets", None)
    return content


class Visitor:
    """One JupyterLab and one browser for all notebooks of a test process, started when they are first needed.

    Both live in a thread of their own: the browser's event loop would stand in the way of nbval's.
    """

    def __init__(self):
        self.thread = ThreadPoolExecutor(1)
        self.open = ExitStack()
        self.lab = None

    def visit(self, notebook, connection_file, already_run):
        """Visit a copy of a notebook in a running kernel; return the Visit."""
        return self.thread.submit(self._visit, notebook, connection_file, already_run).result()

    def _visit(self, notebook, connection_file, already_run):
        if self.lab is None:
            self._start()
        path = notebook.relative_to(ROOT) if notebook.is_relative_to(ROOT) else Path(notebook.name)
        cells = widget_cells(notebook)
        nbformat.write(without_widgets(notebook, cells), self.lab.home / path)
        with lent(self.lab, connection_file, path.as_posix()):
            return visit(self.context, self.lab, path.as_posix(), cells, already_run=already_run)

    def _start(self):
        self.context = self.open.enter_context(browser_or_skip()).new_context(viewport=SCREEN)
        home = Path(self.open.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        self.lab = self.open.enter_context(running_lab(course_copy(home), home / "lab.log"))

    def close(self):
        """End the browser and JupyterLab, where they have been started."""
        self.thread.submit(self.open.close).result()
        self.thread.shutdown()
