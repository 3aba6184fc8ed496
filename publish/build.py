"""Build notebooks: py:percent sources are executed in order and written with their outputs.

The way is one-way: edit `notebooks/source/NN_topic.py`, never the notebook, nor the module that it fills with
what it exports. Equal sources give equal bytes, so a notebook's diff shows what changed and nothing else.
"""

import argparse
import ast
import hashlib
import json
import platform
import re
import sys
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from queue import Empty

import jupytext
import nbformat
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

from course_utils.data import CorpusError, fetch_corpus, load_prose
from publish import budgets
from publish.cells import is_folded_part, slide_type, tags
from publish.course import NOTEBOOKS, ROOT, has_deck, pairs, sources
from publish.export import BuildError, write_exports
from publish.files import fold, write_file
from publish.minutes import filled

# In the title cell of each notebook, folded; decks leave it out.
ALONE = """

<details class="alone"><summary>Opened without the folder of the course?</summary>

This file is one lecture of a course, and needs the files around it. Get the whole folder from where you got this file,
and begin with its README.md: `make lab` sets everything up and opens the course.

</details>"""
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
MODEL_ID = re.compile(r"\b[0-9a-f]{32}\b")


def build(source, target, on_cell=lambda count: None):
    """Execute a source in order and write the notebook in one step, or leave the old one untouched.

    Args:
        source: path of the py:percent text.
        target: path of the notebook; cells run in its folder.
        on_cell: called with the number of cells done so far.

    Raises:
        BuildError: if a cell fails; the message holds notebook, cell number, code and error.
    """
    notebook = read_source(source)
    target.parent.mkdir(exist_ok=True)
    _execute(notebook, target, on_cell)
    _keep_volatile_outputs(notebook, target)
    notebook.metadata["course"] = {
        **notebook.metadata.get("course", {}),
        "source": source_hash(source),
        "fingerprint": fingerprint(),
    }
    text = canonical(notebook)
    nbformat.validate(nbformat.reads(text, as_version=4))
    write_file(target, text.encode())
    for cell in notebook.cells:
        if "picture" in cell.metadata:  # a result that the README shows
            write_file(target.parent / cell.metadata["picture"], b64decode(cell.outputs[0].data["image/png"]))


def read_source(source):
    """Return the unexecuted notebook of a source, with cell ids that depend on their position alone."""
    notebook = jupytext.reads(filled(source), fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{source.stem[:40]}-{number:03d}"
        if is_folded_part(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if slide_type(cell) == "notes":
            cell["source"] = fold(cell.source)
        cell.metadata.pop("lines_to_next_cell", None)
    if notebook.cells and notebook.cells[0].source.startswith("# "):
        notebook.cells[0]["source"] += ALONE
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = dict(LANGUAGE)
    return notebook


def corpora(notebook):
    """Return the names of the downloaded corpora that a notebook needs; a companion's header lists them."""
    return notebook.metadata.get("course", {}).get("corpora", [])


def source_hash(source):
    """Return the sha256 of all that a notebook is made from: its text, and what it imports of course_utils."""
    digest = hashlib.sha256()
    digest.update(filled(source).encode())
    for path in sorted(helpers(source)):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def helpers(source):
    """Return the paths of the modules of course_utils that a text imports, directly or not, and of their data.

    A name that a package only passes on, as course_utils.data does with its loaders, leads to the module that
    defines it and not to its neighbours. A module's data are the files and folders beside it that it names.
    """
    found, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        tree = ast.parse(path.read_text("utf-8"))
        for module, name in _imports(tree):
            defining = _defining(module, name)
            if defining not in found:
                found.add(defining)
                waiting.append(defining)
        if path != source:
            found |= _data_beside(path, tree)
    return found


def _imports(tree):
    """(module, name or None) of all that some code imports from course_utils."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.partition(".")[0] == "course_utils")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "course_utils":
            yield from ((node.module, alias.name) for alias in node.names)


def _defining(module, name):
    """The path of the module in which a name of a module is defined, or of the module itself."""
    place = ROOT.joinpath(*module.split("."))
    if not place.is_dir():
        return place.with_suffix(".py")
    if name and (place / f"{name}.py").exists():
        return place / f"{name}.py"
    package = place / "__init__.py"
    passed_on = {imported: origin for origin, imported in _imports(ast.parse(package.read_text("utf-8")))}
    return _defining(passed_on[name], name) if name in passed_on else package


def _data_beside(path, tree):
    """The paths of the files beside a module, or in folders beside it, that it names; Python's caches are none."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    texts -= {"__pycache__"}
    named = [place for place in path.parent.iterdir() if place.name in texts and place.suffix != ".py"]
    return {file for place in named for file in (place.rglob("*") if place.is_dir() else [place]) if file.is_file()}


def fingerprint():
    """Return what decides whether numbers come out equal to the last digit."""
    prose = json.dumps(load_prose(), ensure_ascii=False).encode()
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__.partition("+")[0],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "corpus": hashlib.sha256(prose).hexdigest()[:16],
    }


def is_stale(source, target):
    """True if the notebook is missing, or was built from another text or with other helpers."""
    if not target.exists():
        return True
    return json.loads(target.read_text("utf-8"))["metadata"].get("course", {}).get("source") != source_hash(source)


def canonical(notebook):
    """Return the notebook as text in which nothing depends on the run: ids, addresses, language info."""
    notebook.metadata["language_info"] = dict(LANGUAGE)
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    for number, model in enumerate(_models_in_order(notebook)):
        text = text.replace(model, f"{number:032x}")
    # Keys that were sorted by the random ids are sorted anew by the canonical ones.
    notebook = json.loads(re.sub(r"\b0x[0-9a-f]{6,16}\b", "0x0", text))
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _models_in_order(notebook):
    """Widget model ids in an order that does not depend on the ids: by first use, then by reference, then content."""
    views = re.findall(r'"model_id": "([0-9a-f]{32})"', json.dumps(notebook.cells))
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    state = {model: json.dumps(content, sort_keys=True) for model, content in widgets.get("state", {}).items()}
    ordered = {}

    def visit(model):
        if model not in ordered:
            ordered[model] = True
            for child in re.findall(r"IPY_MODEL_([0-9a-f]{32})", state.get(model, "")):
                visit(child)

    for model in views + sorted(state, key=lambda model: MODEL_ID.sub("", state[model])):
        visit(model)
    return ordered


def _keep_volatile_outputs(notebook, target):
    """Give cells tagged `volatile` (seconds, versions) their old outputs back, unless their code changed.

    Such a cell did run; what it prints differs from run to run, and would make each build another text.
    """
    if not target.exists():
        return
    old = {cell.source: cell.get("outputs") for cell in nbformat.read(target, as_version=4).cells}
    for cell in notebook.cells:
        if "volatile" in tags(cell) and cell.source in old:
            cell.outputs = old[cell.source]


class PatientClient(NotebookClient):
    """An nbclient that looks for a cell's reply again and again.

    A widget's messages go out on the socket on which the reply comes in, and pyzmq then may miss that it
    came: a plain client sits there until the cell's timeout (nbclient issue 312).
    """

    async def async_start_new_kernel_client(self):
        client = await super().async_start_new_kernel_client()
        receive = client.shell_channel.get_msg

        async def get_msg(timeout=None, pause=0.2):
            waited = 0
            while timeout is None or waited < timeout:
                with suppress(Empty):
                    return await receive(timeout=pause)
                waited += pause
            raise Empty

        client.shell_channel.get_msg = get_msg
        return client


def _execute(notebook, target, on_cell):
    started = []
    client = PatientClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # how a stream is cut into messages depends on time
        store_widget_state=True,
        resources={"metadata": {"path": str(target.parent)}},
        on_cell_execute=lambda cell, cell_index: started.append(cell),
        on_cell_complete=lambda cell, cell_index: on_cell(cell_index + 1),
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        # The last cell that was started failed; a kernel that died left no trace in it.
        raise BuildError(f"{target.name}, code cell {len(started)}:\n\n{started[-1].source}\n\n{error}") from None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks to build, by the start of their names; default: all")
    parser.add_argument("--force", action="store_true", help="build also what has not changed")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    chosen = [pair for pair in pairs(options.notebooks) if pair[0].stem.startswith(tuple(options.names) or "")]
    if not chosen:
        parser.error(f"no notebook starts with {' or '.join(options.names)}; see {options.notebooks / 'source'}")
    try:
        write_exports(sources(options.notebooks), options.notebooks.parent / "course_utils" / "taught")
    except BuildError as error:
        sys.exit(f"\n{error}\nNo notebook was built.")
    for source, target in chosen:
        if not options.force and not is_stale(source, target):
            print(f"{target.name}: up to date")
            continue
        notebook = read_source(source)
        try:
            for corpus in corpora(notebook):
                fetch_corpus(corpus)
        except CorpusError as error:
            print(f"{target.name}: skipped. {error}")
            continue
        cells = len(notebook.cells)
        with tqdm(total=cells, desc=target.name, unit="cell", file=sys.stdout, ascii=" =", leave=True) as bar:
            try:
                build(source, target, lambda count, bar=bar: bar.update(count - bar.n))
            except BuildError as error:
                bar.close()
                sys.exit(f"\n{error}\nThe old {target.name} was left as it was.")
        for line in budgets.problems_of(notebook, has_deck(source)) + budgets.reasons_of(notebook, has_deck(source)):
            print(f"{target.name} is over its budget: {line}")


if __name__ == "__main__":
    main()
