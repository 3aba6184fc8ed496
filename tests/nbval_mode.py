"""How notebooks are tested: by nbval, without network, and as strictly as this machine allows.

A notebook is *strict*, all its outputs compared, where it was built: on the same Python, torch, CPU capability
and corpus, its fingerprint. Elsewhere the last digits may differ, and it is *lax*: all cells must run, and
those tagged nbval-check-output, which state the notebook's claims, must say the same. In both, such a cell
is run a second time, as on a slide where a question comes from the audience, and must say the same again.
"""

import json
import os
import re
import sys
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path

import pytest

# On import jsonschema builds a grammar of addresses in all scripts: two seconds in each process, for
# a format that no notebook uses. Without this module it does without. nbval would import it sooner as a
# plugin of its own: pyproject.toml switches that off.
sys.modules.setdefault("rfc3987_syntax", None)

from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError  # noqa: E402

pytest_plugins = ["nbval.plugin"]
HERE = Path(__file__).parent
COMPARED = {"strict": "all outputs are compared", "lax": "only cells tagged nbval-check-output are compared"}


def pytest_addoption(parser):
    group = parser.getgroup("nbval")
    group.addoption(
        "--nbval-mode",
        choices=["auto", *COMPARED],
        default="auto",
        help="strict: compare all outputs of notebooks; lax: those that state claims; auto: strict where built alike",
    )
    group.addoption(
        "--notebooks",
        default="",
        metavar="NN",
        help="test only what belongs to notebooks, by the start of their names: lecture, widgets, deck, exercises, "
        "rules, and the test files that read taught_in of them",
    )


def pytest_configure(config):
    # nbval's own switches choose one mode for all notebooks, and would collect each a second time.
    for mode, switch in (("strict", "nbval"), ("lax", "nbval_lax")):
        if getattr(config.option, switch):
            config.option.nbval_mode = mode
            setattr(config.option, switch, False)
    config.option.nbval_current_env = True
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(HERE / "sanitize.cfg")
    config.stash[CHOSEN] = chosen(config.option.notebooks.split())
    sent = getattr(config, "workerinput", {}).get("fingerprint")
    config.stash[MODES] = Modes(config.option.nbval_mode, sent)


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers(config):
    """As many workers as there are cores, and never fewer than two: a browser's test waits more than it computes."""
    return max(2, (yield))


def pytest_ignore_collect(collection_path, config):
    if config.stash[CHOSEN] and collection_path.suffix == ".ipynb":
        return collection_path.stem not in config.stash[CHOSEN] or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave out what does not belong to the chosen notebooks."""
    if config.stash[CHOSEN]:
        others = [item for item in items if not config.stash[CHOSEN] & notebooks_of(item)]
        items[:] = [item for item in items if config.stash[CHOSEN] & notebooks_of(item)]
        config.hook.pytest_deselected(items=others)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell each worker the fingerprint, if there are notebooks to test: it takes seconds to compute."""
    if asked_for(node.config):
        node.workerinput["fingerprint"] = node.config.stash[MODES].fingerprint


def pytest_report_header(config):
    modes = config.stash[MODES]
    decided = [(path.name, *modes.of(path)) for path in asked_for(config)]
    return [f"notebook {name}: {mode}, {reason}; {COMPARED[mode]}" for name, mode, reason in decided]


@pytest.hookimpl(tryfirst=True)
def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb":
        return CourseNotebook.from_parent(parent, path=file_path)


def chosen(starts):
    """The names of all notebooks that begin with one of the given texts.

    Raises:
        pytest.UsageError: if one of the texts fits no notebook.
    """
    from publish.course import sources

    names = [path.stem for path in sources()]
    for start in starts:
        if not any(name.startswith(start) for name in names):
            raise pytest.UsageError(f"no notebook starts with {start!r}; there are {', '.join(names)}")
    return {name for name in names if name.startswith(tuple(starts))} if starts else set()


def notebooks_of(item):
    """The names of the notebooks that a test belongs to.

    A notebook's cells and widgets belong to it, a test with notebooks' names among its parameters to these, and any
    other test to those whose taught code its file asks for: taught_in("…").
    """
    parameters = re.findall(r"\b[0-9]{2}_\w+", item.name.partition("[")[2])
    if parameters or item.path.suffix == ".ipynb":
        return {item.path.stem, *parameters}
    return taught_by(item.path)


@cache
def taught_by(path):
    """The notebooks whose taught code a test file asks for."""
    return set(re.findall(r'\btaught_in\("(?:\w+/)?(\w+)"\)', path.read_text("utf-8")))


CHOSEN = pytest.StashKey[set]()


class Modes:
    """Decides how a notebook is tested.

    Args:
        asked: "strict" or "lax" for all notebooks, or "auto".
        fingerprint: this machine's, where it is known already.
    """

    def __init__(self, asked, fingerprint=None):
        self.asked = asked
        if fingerprint:
            self.fingerprint = fingerprint

    @cached_property
    def fingerprint(self):
        from publish.build import fingerprint

        return fingerprint()

    def of(self, path):
        """Return "strict" or "lax", and why."""
        if self.asked != "auto":
            return self.asked, "as asked for"
        built = metadata(path).get("fingerprint")
        if built is None:
            return "lax", "built without a fingerprint"
        differing = [key for key in self.fingerprint if self.fingerprint[key] != built.get(key)]
        if not differing:
            return "strict", "built on " + ", ".join(f"{key} {built[key]}" for key in self.fingerprint) + " as here"
        reasons = [f"{key} is {self.fingerprint[key]} here, {built.get(key, 'unknown')} there" for key in differing]
        return "lax", "built elsewhere: " + ", ".join(reasons)


MODES = pytest.StashKey[Modes]()


class CourseNotebook(IPyNbFile):
    """A notebook whose mode is its own, whose kernel has no network, and whose widgets are tried after its cells."""

    def collect(self):
        self.compare_outputs = self.config.stash[MODES].of(self.path)[0] == "strict"
        cells = list(super().collect())
        yield from cells
        if any("widget" in item.cell.metadata.get("tags", []) for item in cells):
            yield Widgets.from_parent(self, name="Widgets", cells=cells)

    def setup(self):
        for corpus in metadata(self.path).get("corpora", []):
            skip_without(corpus)
        with no_network():
            super().setup()


class Widgets(pytest.Item):
    """The widgets of a notebook, tried in JupyterLab, in the kernel in which nbval has just run the cells.

    Where it has not run them all, because others were selected, JupyterLab runs them.
    """

    def __init__(self, cells, **of_a_node):
        super().__init__(**of_a_node)
        self.cells = cells

    def runtest(self):
        if not self.parent.kernel.is_alive():
            pytest.fail("the notebook's kernel has died: its widgets cannot be tried", pytrace=False)
        visitor = self.config.stash.get(VISITOR, None) or self._first_visitor()
        already_run = all(item.test_outputs is not None for item in self.cells)
        found = visitor.visit(self.path, self.parent.kernel.km.connection_file, already_run)
        problems = [f"{kind}: {problem}" for kind, problems in vars(found).items() for problem in problems]
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)

    def _first_visitor(self):
        from lab import Visitor

        visitor = self.config.stash[VISITOR] = Visitor()
        self.config.add_cleanup(visitor.close)
        return visitor

    def reportinfo(self):
        return self.path, None, f"{self.path.name}: widgets"


VISITOR = pytest.StashKey()


@contextmanager
def no_network():
    """Start Python processes that are refused the network."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE / "no_network"), before]))
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


# Run in the kernel around the runs of a claim.
KEEP_GENERATORS = """
import pickle as _pickle, sys as _sys
_generators = [
    (getattr(_sys.modules[module], get), getattr(_sys.modules[module], set), getattr(_sys.modules[module], get)())
    for module, get, set in [("random", "getstate", "setstate"), ("numpy.random", "get_state", "set_state"),
                             ("torch", "get_rng_state", "set_rng_state")] if module in _sys.modules
]
"""
DRAWN = "any(_pickle.dumps(_get()) != _pickle.dumps(_state) for _get, _set, _state in _generators)"
RESET_GENERATORS = "for _get, _set, _state in _generators: _set(_state)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A cell that states a claim says the same if it is run twice in a row, whatever it draws.

    If it draws, it is run once more with the numbers of the first time, so that the cells below find what they would
    have found without the second.
    """
    claims = isinstance(item, IPyNbCell) and "nbval-check-output" in item.cell.metadata.get("tags", [])
    if claims:
        silently_run(KEEP_GENERATORS, item)
    yield
    if claims:
        item.cell.outputs = item.test_outputs
        try:
            item.runtest()
            if silently_run("", item, DRAWN) == "True":
                silently_run(RESET_GENERATORS, item)
                item.runtest()
        except NbCellError as error:
            item.raise_cell_error(f"Run a second time in a row: {error}", error.inner_traceback)


def silently_run(code, item, expression="None"):
    """Run code in the kernel of a cell's notebook; return the value of an expression afterwards, as it is printed."""
    kernel = item.parent.kernel
    asked = kernel.kc.execute(code, silent=True, user_expressions={"value": expression})
    while True:
        reply = kernel.get_message(stream="shell", timeout=item.config.option.nbval_cell_timeout)
        if reply["parent_header"].get("msg_id") == asked:
            return reply["content"]["user_expressions"]["value"]["data"]["text/plain"]


def skip_without(corpus):
    """Skip a companion notebook whose corpus is not on this machine; CI=true downloads it."""
    from course_utils.data import CorpusError, corpus_available, fetch_corpus

    if corpus_available(corpus):
        return
    if os.environ.get("CI") != "true":
        pytest.skip(
            f"the corpus {corpus} is not on this machine: fetch_corpus({corpus!r}) of course_utils.data downloads it, "
            "or RNN_COURSE_DATA names a folder that has it"
        )
    try:
        fetch_corpus(corpus)
    except CorpusError as error:
        pytest.skip(str(error))


def metadata(path):
    """What the course noted in a notebook: source, fingerprint, corpora."""
    return json.loads(path.read_text("utf-8"))["metadata"].get("course", {})


def asked_for(config):
    """The notebooks among the files and folders that this run was asked to test."""
    found = []
    for argument in config.args:
        path = Path(config.invocation_params.dir, argument.split("::")[0])
        notebooks = path.rglob("*.ipynb") if path.is_dir() else [path] if path.suffix == ".ipynb" else []
        hidden = "/." if path.is_dir() else "*"  # such as .ipynb_checkpoints and .venv
        found += sorted(nb for nb in notebooks if hidden not in f"/{nb.relative_to(path).as_posix()}")
    names = config.stash[CHOSEN]
    return [path for path in found if not names or path.stem in names]
