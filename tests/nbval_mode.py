"""How notebooks are tested: by nbval, without network, and as strictly as this machine allows.

A notebook is *strict*, all its outputs compared, where it was built: on the same Python, torch, CPU capability
and corpus, its fingerprint. Elsewhere the last digits may differ, and it is *lax*: all cells must run, and
those tagged nbval-check-output, which state the notebook's claims, must say the same. In both, such a cell
is run a second time, as on a slide where a question comes from the audience, and must say the same again.
"""

import json
import os
import sys
from contextlib import contextmanager
from functools import cached_property
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


def pytest_configure(config):
    # nbval's own switches choose one mode for all notebooks, and would collect each a second time.
    for mode, switch in (("strict", "nbval"), ("lax", "nbval_lax")):
        if getattr(config.option, switch):
            config.option.nbval_mode = mode
            setattr(config.option, switch, False)
    config.option.nbval_current_env = True
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(HERE / "sanitize.cfg")
    sent = getattr(config, "workerinput", {}).get("fingerprint")
    config.stash[MODES] = Modes(config.option.nbval_mode, sent)


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
    """A notebook whose mode is its own, and whose kernel has no network."""

    def collect(self):
        self.compare_outputs = self.config.stash[MODES].of(self.path)[0] == "strict"
        yield from super().collect()

    def setup(self):
        for corpus in metadata(self.path).get("corpora", []):
            skip_without(corpus)
        with no_network():
            super().setup()


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


# Run in the kernel around a second run, so that the cells below draw what they drew without it.
KEEP_GENERATORS = """
import sys as _sys
_generators = [
    (getattr(_sys.modules[module], set), getattr(_sys.modules[module], get)())
    for module, get, set in [("random", "getstate", "setstate"), ("numpy.random", "get_state", "set_state"),
                             ("torch", "get_rng_state", "set_rng_state")] if module in _sys.modules
]
"""
RESET_GENERATORS = "for _set, _state in _generators: _set(_state)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A cell that states a claim says the same if it is run twice in a row."""
    yield
    if isinstance(item, IPyNbCell) and "nbval-check-output" in item.cell.metadata.get("tags", []):
        silently_run(KEEP_GENERATORS, item)
        item.cell.outputs = item.test_outputs
        try:
            item.runtest()
        except NbCellError as error:
            item.raise_cell_error(f"Run a second time in a row: {error}", error.inner_traceback)
        silently_run(RESET_GENERATORS, item)


def silently_run(code, item):
    kernel = item.parent.kernel
    kernel.await_reply(kernel.execute_cell_input(code), timeout=item.config.option.nbval_cell_timeout)


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
    return found
