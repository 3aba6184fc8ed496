"""Notebooks are tested strictly where they were built, laxly elsewhere, and always without network."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval_mode import Modes, metadata

from publish.build import fingerprint
from publish.course import NOTEBOOKS, ROOT, built_notebooks

pytestmark = pytest.mark.lecture
TESTS = Path(__file__).parent
HERE = {"python": "3.11.0", "torch": "2.9", "cpu_capability": "AVX2", "corpus": "abc"}


@pytest.fixture(scope="module")
def this_machine():
    return fingerprint()


@pytest.fixture
def plant(tmp_path):
    """Write a notebook of (code, stored output, tags) cells and return its path."""

    def write(*cells, name="planted", **course):
        notebook = new_notebook(metadata={"course": course})
        for count, (code, output, *tags) in enumerate(cells, start=1):
            outputs = [new_output("stream", name="stdout", text=output)] if output else []
            notebook.cells.append(
                new_code_cell(code, execution_count=count, outputs=outputs, metadata={"tags": tags}),
            )
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


def run_pytest(path, *arguments, **environment):
    """Run pytest as a user would, in a process of its own; return its exit code and what it printed."""
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-p", "nbval_mode", "-n0", "--color=no"]
    modules = os.pathsep.join([str(ROOT), str(TESTS)])
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", path.parent, path, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": modules, "CI": "false", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return run.returncode, run.stdout + run.stderr


def failed(printed):
    """The numbers of the cells that failed, as nbval counts them: from 0."""
    return [int(number) for number in re.findall(r"^FAILED .*::Cell (\d+)", printed, re.M)]


SAME = ("print(1 + 1)", "2\n")
CHANGED = ("print(1 + 2)", "2\n")
CLAIM = ("print(1 < 2)", "True\n", "nbval-check-output")
WRONG_CLAIM = ("print(1 > 2)", "True\n", "nbval-check-output")
IGNORED = ("print(1 + 3)", "2\n", "nbval-ignore-output")
BROKEN = ("1 / 0", "")
ADDRESS = ("print(object())", "<object object at 0x0>\n")


# --- which mode, and why


def test_a_notebook_is_strict_where_its_fingerprint_is_this_machines(plant):
    mode, reason = Modes("auto", HERE).of(plant(SAME, fingerprint=HERE))

    assert mode == "strict"
    assert reason == "built on python 3.11.0, torch 2.9, cpu_capability AVX2, corpus abc as here"


@pytest.mark.parametrize("key", HERE)
def test_a_notebook_is_lax_where_one_part_of_its_fingerprint_differs(plant, key):
    mode, reason = Modes("auto", HERE).of(plant(SAME, fingerprint={**HERE, key: "other"}))

    assert mode == "lax"
    assert reason == f"built elsewhere: {key} is {HERE[key]} here, other there"


def test_a_notebook_without_a_fingerprint_is_lax(plant):
    assert Modes("auto", HERE).of(plant(SAME)) == ("lax", "built without a fingerprint")


@pytest.mark.parametrize("asked", ["strict", "lax"])
def test_the_mode_can_be_asked_for(plant, asked):
    assert Modes(asked, HERE).of(plant(SAME, fingerprint=HERE))[0] == asked


# --- what each mode finds


CELLS = [SAME, CHANGED, CLAIM, WRONG_CLAIM, IGNORED, ADDRESS, BROKEN, SAME]


@pytest.mark.parametrize("mode, found", [("strict", [1, 3, 6]), ("lax", [3, 6])])
def test_strict_finds_changed_outputs_and_lax_changed_claims_and_both_find_errors(plant, mode, found):
    code, printed = run_pytest(plant(*CELLS), f"--nbval-mode={mode}")

    assert failed(printed) == found
    assert code == 1
    assert f"notebook planted.ipynb: {mode}, as asked for" in printed
    assert "ZeroDivisionError" in printed and "print(1 > 2)" in printed


def test_each_notebook_has_its_own_mode_also_with_two_workers(plant, this_machine):
    strict = plant(CHANGED, name="strict", fingerprint=this_machine)
    lax = plant(CHANGED, WRONG_CLAIM, name="lax", fingerprint={**this_machine, "torch": "1.0"})

    code, printed = run_pytest(strict, lax, "-n2", "--dist=loadfile")

    assert code == 1
    assert "notebook strict.ipynb: strict, built on platform " in printed
    assert f"notebook lax.ipynb: lax, built elsewhere: torch is {this_machine['torch']} here, 1.0 there" in printed
    assert sorted(failed(printed)) == [0, 1]
    assert "2 failed, 1 passed" in printed


def test_nbvals_own_switches_choose_the_mode_and_collect_nothing_twice(plant):
    code, printed = run_pytest(plant(SAME, CHANGED), "--nbval-lax")

    assert (code, failed(printed)) == (0, [])
    assert "2 passed" in printed and "lax, as asked for" in printed


def test_the_first_notebook_is_green_where_it_was_built_and_on_a_lesser_processor(this_machine):
    """torch computes differently with ATEN_CPU_CAPABILITY=default: as if on another machine."""
    path = NOTEBOOKS / "00_start_here.ipynb"
    built = json.loads(path.read_text("utf-8"))["metadata"]["course"]["fingerprint"]

    code, printed = run_pytest(path, ATEN_CPU_CAPABILITY="default")

    assert code == 0, printed
    if built["cpu_capability"] != "DEFAULT":
        assert "notebook 00_start_here.ipynb: lax, built elsewhere: " in printed
        assert f"cpu_capability is DEFAULT here, {built['cpu_capability']} there" in printed


# --- cells that are run again


SAID_ONCE = [
    ("import torch\ncount, names = 1, {'a': 1}\nw, model = torch.ones(1, requires_grad=True), torch.nn.Dropout()", ""),
    ("count += 1\nprint(count)", "2\n", "nbval-check-output"),
    ("print(names.pop('a'))", "1\n", "nbval-check-output"),
    ("(3 * w).sum().backward()\nprint(w.grad.item() == 3)", "True\n", "nbval-check-output"),
    ("print(model.training)\nmodel.eval()\nprint(model.training)", "True\nFalse\n", "nbval-check-output"),
]


@pytest.mark.parametrize("mode", ["strict", "lax"])
def test_a_claim_that_says_something_else_when_it_is_run_again_is_red(plant, mode):
    code, printed = run_pytest(plant(*SAID_ONCE, CLAIM), f"--nbval-mode={mode}")

    assert (code, failed(printed)) == (1, [1, 2, 3, 4])
    assert "Run a second time in a row: Cell outputs differ" in printed
    assert "Run a second time in a row: Cell execution caused an exception" in printed


DRAWN = """
import random, numpy, torch

def seeds():
    for seed in (random.seed, numpy.random.seed, torch.manual_seed):
        seed(0)

def numbers():
    return [random.random(), numpy.random.rand(), torch.rand(1).item()]

seeds()
numbers()
second = numbers()
seeds()
"""


def test_running_a_claim_again_changes_no_number_that_is_drawn_below(plant):
    claim = ("print(len(numbers()))", "3\n", "nbval-check-output")

    path = plant((DRAWN, ""), claim, ("print(numbers() == second)", "True\n"))
    code, printed = run_pytest(path, "--nbval-mode=strict")

    assert code == 0, printed


# --- companions


def test_a_companion_is_skipped_with_the_reason_where_its_corpus_is_missing(plant, tmp_path):
    missing = plant(SAME, CHANGED, name="missing", corpora=["tiny_shakespeare"])
    other = plant(SAME, CHANGED, name="other", corpora=[])

    code, printed = run_pytest(missing, other, "--nbval-mode=strict", RNN_COURSE_DATA=str(tmp_path / "nothing"))

    assert (code, failed(printed)) == (1, [1])
    assert "1 failed, 1 passed, 2 skipped" in printed
    assert "the corpus tiny_shakespeare is not on this machine: fetch_corpus('tiny_shakespeare')" in printed


@pytest.fixture
def fresh_machine(tmp_path):
    """Run the course's tests on a machine that has no corpora and no network; return exit code and what was printed."""

    def run(*arguments, ci="false"):
        environment = {**os.environ, "RNN_COURSE_CACHE": str(tmp_path), "CI": ci}
        environment["PYTHONPATH"] = os.pathsep.join(map(str, [TESTS / "no_network", ROOT]))
        environment.pop("RNN_COURSE_DATA", None)
        command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "--color=no", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")
        return done.returncode, done.stdout + done.stderr

    return run


def test_without_corpora_and_network_everything_is_collected(fresh_machine):
    code, printed = fresh_machine("--collect-only", "-q")

    assert code == 0, printed


@pytest.mark.parametrize("ci", ["false", "true"])
def test_without_corpora_and_network_each_companion_is_skipped_with_one_reason(fresh_machine, ci):
    companions = [path for path in built_notebooks() if metadata(path).get("corpora")]

    code, printed = fresh_machine(*companions, "-rs", ci=ci)

    assert code == 0 and re.search(r"\n=+ \d+ skipped in ", printed), printed
    reasons = re.split(r"^SKIPPED \[\d+\] ", printed, flags=re.M)[1:]
    assert len(reasons) == len(companions) and all("RNN_COURSE_DATA" in reason for reason in reasons), printed


# --- widgets


TALL = ("print('line\\n' * 40)", "")
ONCE = ("runs = globals().get('runs', 0) + 1", "")
SLIDER = "from ipywidgets import IntSlider, interact\n_ = interact(lambda n: print({}), n=IntSlider(3, 1, 5))"
LIVE = (SLIDER.format("n if runs == 1 else 'run twice'"), "", "widget", "nbval-ignore-output")
FRAGILE = (SLIDER.format("1 / (n == 3)"), "", "widget", "nbval-ignore-output")


def test_widgets_are_tried_in_the_kernel_that_has_run_the_cells(plant):
    live = plant(ONCE, LIVE, *[TALL] * 40, LIVE, name="live")  # the first widget is far from the last cell that ran

    code, printed = run_pytest(live, plant(ONCE, FRAGILE, name="fragile"), "--nbval-lax")

    assert code == 1, printed
    assert "1 failed, 46 passed" in printed and re.search(r"^FAILED .*fragile.ipynb::Widgets", printed, re.M)
    assert "dead: cell 2: slider 1 in the notebook: it shows an error" in printed


def test_cells_that_were_not_selected_are_run_for_the_widgets(plant):
    code, printed = run_pytest(plant(ONCE, LIVE), "--nbval-lax", "-k", "Widgets")

    assert code == 0 and "1 passed, 2 deselected" in printed, printed


@pytest.mark.parametrize("ci, outcome", [("false", "2 passed, 1 skipped"), ("true", "1 failed, 2 passed")])
def test_widgets_are_skipped_without_a_browser_but_fail_on_ci(plant, tmp_path, ci, outcome):
    (tmp_path / "conftest.py").write_text(NO_BROWSER, "utf-8")

    _, printed = run_pytest(plant(ONCE, LIVE), "--nbval-lax", CI=ci)

    assert outcome in printed and "playwright install chromium" in printed, printed


NO_BROWSER = """
from contextlib import nullcontext

import browser

browser.open_browser = lambda: nullcontext(None)
"""


# --- the tests of one notebook


def collected(*arguments):
    """The files and the number of tests that pytest would run in the course, for each."""
    code, printed = run_pytest(ROOT / "tests", ROOT / "notebooks", "--collect-only", "-q", *arguments)
    assert code == 0, printed
    return Counter(re.findall(r"^([\w/]+\.\w+)::", printed, re.M))


def test_the_tests_of_a_notebook_are_its_cells_widgets_deck_exercises_rules_and_oracles():
    files = collected("--notebooks=03_vanilla")

    belonging = {f"tests/test_{name}.py" for name in ("decks", "exercises", "house_rules", "ledger", "vanilla_rnn")}
    assert files.keys() >= {"notebooks/03_vanilla_rnn.ipynb", *belonging}
    assert {path for path in files if path.startswith("notebooks/")} == {"notebooks/03_vanilla_rnn.ipynb"}
    assert files.keys().isdisjoint({"tests/test_lstm_gru.py", "tests/test_environment.py", "tests/test_lab.py"})


def test_a_name_that_fits_no_notebook_is_refused():
    code, printed = run_pytest(ROOT / "tests", "--notebooks=03 99")

    assert code != 0 and "no notebook starts with '99'; there are 00_start_here, " in printed


# --- no network


def test_a_notebook_that_asks_the_network_is_red(plant):
    download = "import urllib.request\nurllib.request.urlopen('http://example.org')"

    code, printed = run_pytest(plant(SAME, (download, "")), "--nbval-mode=lax")

    assert (code, failed(printed)) == (1, [1])
    assert "network refused: the course runs offline, but something asked for 'example.org'" in printed


def python(code, *path):
    """Run code in a Python without network; return the last line that it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [TESTS / "no_network", *path]))}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    return (run.stdout + run.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize("code", [
    "import socket; socket.create_connection(('example.org', 80))",
    "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "import socket; socket.socket().connect_ex(('192.0.2.1', 80))",
    "import socket; socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 80))",
    "import socket; socket.gethostbyname('example.org')",
    "import _socket; _socket.getaddrinfo('example.org', 80)",
    "import urllib.request; urllib.request.urlopen('https://example.org')",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.gethostbyname(\"a.org\")'])",
])  # fmt: skip
def test_every_way_out_of_the_machine_is_refused(code):
    assert "network refused: the course runs offline" in python(code)


@pytest.mark.parametrize("code", [
    "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print('ok')",
    "import socket; socket.getaddrinfo('localhost', 80); socket.getaddrinfo(None, 80); print('ok')",
    "import socket; a, b = socket.socketpair(); a.send(b'x'); print('ok')",
])  # fmt: skip
def test_connections_within_the_machine_stay_possible(code):
    assert python(code) == "ok"


def test_another_sitecustomize_is_not_lost(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.theirs = 'theirs'\n", "utf-8")

    assert python("import sys; print(sys.theirs)", tmp_path) == "theirs"
