"""The builder: equal sources give equal bytes, a failing cell leaves the old notebook alone, offline throughout."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbval_mode import no_network

from publish import build as builder
from publish.build import BuildError, build, canonical, fingerprint, is_stale, read_source
from publish.course import pairs
from publish.deck import slides_of

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     run: 1
#     corpora: [tiny_shakespeare]
# ---

"""
RICH = (
    HEADER
    + '''# %% [markdown] slideshow={"slide_type": "slide"}
# # 1 · All that can differ from run to run

# %%
import sys
import time
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, IntSlider, interact
from course_utils import setup, show

setup(seed=0)

# %%
for word in "streams may arrive in pieces".split():
    print(word, flush=True)
    time.sleep(0.05)
print(object(), file=sys.stderr)
object()

# %% tags=["topic-A1"]
def draw(a, b=1):
    """A line."""
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([a, b])
    return fig

show(draw(1), "A line.")

# %% tags=["widget"]
@interact(a=IntSlider(1, 0, 3), b=FloatSlider(2))
def move(a, b):
    show(draw(a, b), f"From {a} to {b}.")

# %% tags=["volatile", "nbval-ignore-output"]
print(time.perf_counter())
'''
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder for notebooks; a function that puts a source there; no network."""
    folder = tmp_path / "notebooks"
    (folder / "source" / "real_corpora").mkdir(parents=True)
    (folder / "real_corpora").mkdir()
    monkeypatch.setattr(builder, "fingerprint", lambda: dict.fromkeys(fingerprint(), "planted"))

    def write(text, name="01_planted"):
        source = folder / "source" / f"{name}.py"
        source.write_text(text, "utf-8")
        return source, folder / f"{name}.ipynb"

    with no_network():
        yield write


def files_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def error_of(source, target):
    with pytest.raises(BuildError) as caught:
        build(source, target)
    return str(caught.value)


# --- what is built


def test_two_builds_give_equal_bytes_in_order_and_with_all_metadata(project):
    source, target = project(RICH)
    counts = []

    build(source, target, counts.append)
    first = target.read_bytes()
    build(source, target)

    assert target.read_bytes() == first
    assert counts == sorted(counts) and counts[-1] == 6
    assert files_in(target.parent) == [target.name]
    notebook = nbformat.reads(first.decode(), 4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4, 5]
    assert [cell.id for cell in notebook.cells] == [f"01_planted-{i:03d}" for i in range(6)]
    assert cells[1].outputs[0].text == "streams\nmay\narrive\nin\npieces\n"
    assert "<object object at 0x0>" in json.dumps(cells[1].outputs)
    assert cells[2].metadata == {"tags": ["topic-A1"]}
    assert cells[2].outputs[0].metadata["image/png"]["alt"] == "A line."
    assert notebook.metadata.course.corpora == ["tiny_shakespeare"]
    assert set(notebook.metadata.course.fingerprint) == {"platform", "python", "torch", "cpu_capability", "corpus"}
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"].state
    assert sum(model.model_name in {"IntSliderModel", "FloatSliderModel"} for model in state.values()) == 2


def test_the_text_of_a_notebook_has_unix_line_ends_on_every_system(project):
    source, target = project(HEADER + "# %%\n1 + 1\n")
    source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))

    build(source, target)

    assert b"\r" not in target.read_bytes()


def test_widget_ids_and_addresses_are_the_only_things_that_canonical_changes():
    def notebook(a, b):
        view = {"application/vnd.jupyter.widget-view+json": {"model_id": a, "version_major": 2}}
        cell = nbformat.v4.new_code_cell("x", id="x", outputs=[nbformat.v4.new_output("display_data", data=view)])
        state = {a: {"state": {"children": [f"IPY_MODEL_{b}"]}}, b: {"state": {"text": "at 0x7f00deadbeef"}}}
        widgets = {"application/vnd.jupyter.widget-state+json": {"state": state}}
        return nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": widgets})

    one, other = canonical(notebook("a" * 32, "b" * 32)), canonical(notebook("d" * 32, "c" * 32))

    assert one == other
    assert "0x0" in one and "deadbeef" not in one


def test_what_is_volatile_is_kept_until_its_code_changes(project):
    source, target = project(HEADER + '# %% tags=["volatile"]\nimport time\nprint(time.perf_counter_ns())\n')
    build(source, target)
    first = nbformat.read(target, 4).cells[0].outputs

    build(source, target)
    again = nbformat.read(target, 4).cells[0].outputs
    source.write_text(source.read_text("utf-8") + "print('changed')\n", "utf-8")
    build(source, target)

    assert first == again != nbformat.read(target, 4).cells[0].outputs


@pytest.mark.parametrize("source, path", [p for p in pairs() if p[0].stem == "00_start_here"], ids=["00_start_here"])
def test_a_notebook_of_the_course_is_built_again_byte_for_byte(source, path, tmp_path):
    if is_stale(source, path):
        pytest.skip("it is to be built anew, as another test says")
    committed = path.read_bytes()
    if json.loads(committed)["metadata"]["course"]["fingerprint"] != fingerprint():
        pytest.skip("it was built on another Python, torch or processor")
    target = tmp_path / path.name
    target.write_bytes(committed)  # what is volatile is taken from here

    with no_network():
        build(source, target)

    same = target.read_bytes() == committed  # a comparison in the assertion would print both
    assert same


# --- what cannot be built


@pytest.mark.parametrize("code, error", [
    ("1 / 0", "ZeroDivisionError"),
    ("this is no Python", "SyntaxError"),
    ("import urllib.request\nurllib.request.urlopen('http://example.org')", "network refused"),
    ("import os\nos._exit(3)", "died"),
])  # fmt: skip
def test_a_failing_cell_is_named_with_notebook_code_and_error_and_the_old_notebook_stays(project, code, error):
    source, target = project(HEADER + f"# %%\nx = 1\n\n# %% [markdown]\n# Text.\n\n# %%\n{code}\n\n# %%\nx\n")
    target.write_text("the old one", "utf-8")

    message = error_of(source, target)

    assert message.startswith("01_planted.ipynb, code cell 2:")
    assert code in message and error in message.lower() + message
    assert target.read_text("utf-8") == "the old one"
    assert files_in(target.parent) == [target.name]


# --- the command


@pytest.fixture
def built(monkeypatch):
    """The names of what main would build; nothing is executed."""
    names = []

    def note(source, target, on_cell=None):
        names.append(target.name)
        if "fails" in target.name:
            raise BuildError(f"{target.name}, code cell 7: KeyError")

    monkeypatch.setattr(builder, "build", note)
    return names


def write_as_built(source, target):
    notebook = read_source(source)
    notebook.metadata["course"] = {"source": builder.source_hash(source)}
    target.write_text(canonical(notebook), "utf-8")


def run(target, *arguments):
    builder.main([*arguments, "--notebooks", str(target.parent)])


TEXT = HEADER.replace("#     corpora: [tiny_shakespeare]\n", "") + "# %%\nx = 1\n"


def test_only_what_is_stale_is_built(project, built, capsys):
    source, target = project(TEXT, "01_fresh")
    write_as_built(source, target)
    changed = project(TEXT, "02_changed")
    write_as_built(*changed)
    changed[0].write_text(TEXT + "x = 2\n", "utf-8")
    project(TEXT, "03_missing")

    run(target)

    assert built == ["02_changed.ipynb", "03_missing.ipynb"]
    assert "01_fresh.ipynb: up to date" in capsys.readouterr().out


HELPERS = {
    "__init__.py": "from course_utils.checks import check\n\n\ndef setup():\n    pass\n",
    "checks.py": "def check():\n    pass\n",
    "data/__init__.py": "\n".join(f"from course_utils.data.{name} import load_{name}" for name in ("names", "prose")),
    "data/prose.py": "from course_utils.data.words import tokenize\n\n\ndef load_prose():\n    return 'prose.toml'\n",
    "data/prose.toml": "x = 1\n",
    "data/words.py": "FOLDERS = 'lists', '__pycache__'\n\n\ndef tokenize():\n    pass\n",
    "data/lists/short.txt": "a\n",
    "data/__pycache__/words.cpython-311.pyc": "bytecode",
    "data/names.py": "def load_names():\n    return 'names.toml'\n",
    "data/names.toml": "x = 1\n",
    "taught/__init__.py": "",
    "taught/one.py": "from course_utils.taught.two import f\n",
    "taught/two.py": "def f():\n    pass\n",
    "taught/three.py": "def g():\n    pass\n",
}


@pytest.fixture
def helpers(tmp_path, monkeypatch):
    """The folder of a planted helper module."""
    folder = tmp_path / "course_utils"
    for name, text in HELPERS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    monkeypatch.setattr(builder, "ROOT", tmp_path)
    return folder


@pytest.mark.parametrize("name, matters", [
    ("__init__.py", False),
    ("checks.py", True),  # passed on by the package
    ("data/__init__.py", False),
    ("data/prose.py", True),
    ("data/prose.toml", True),  # named by a module that matters
    ("data/words.py", True),  # imported by a module that matters
    ("data/lists/short.txt", True),  # in a folder that such a module names
    ("data/__pycache__/words.cpython-311.pyc", False),  # Python's own, although such a module names it
    ("data/names.py", False),  # passed on by the same package, but not imported
    ("data/names.toml", False),
    ("taught/one.py", True),
    ("taught/two.py", True),
    ("taught/three.py", False),
])  # fmt: skip
def test_a_notebook_is_stale_when_a_helper_changes_that_it_imports_directly_or_not(project, helpers, name, matters):
    imports = (
        "from course_utils import check",
        "from course_utils.data import load_prose",
        "import course_utils.taught.one",
    )
    source, target = project(TEXT + "\n".join(imports))
    write_as_built(source, target)
    assert not is_stale(source, target)

    (helpers / name).write_bytes(HELPERS[name].replace("\n", "\r\n").encode())
    assert not is_stale(source, target)  # another system's line ends are no change

    (helpers / name).write_text(HELPERS[name] + "\n# changed\n", "utf-8")
    assert is_stale(source, target) == matters


@pytest.mark.parametrize("name", ["__init__.py", "checks.py"])
def test_a_package_that_defines_an_imported_name_itself_matters_with_all_that_it_imports(project, helpers, name):
    source, target = project(TEXT + "from course_utils import setup\n")
    write_as_built(source, target)

    (helpers / name).write_text(HELPERS[name] + "\n# changed\n", "utf-8")

    assert is_stale(source, target)


EXPORT = TEXT + '\n# %% tags=["export"]\ndef f():\n    return 1\n'


def test_what_all_notebooks_export_is_written_before_one_is_built(project, built, tmp_path):
    _, target = project(TEXT, "01_one")
    project(EXPORT, "02_two")

    run(target, "01")

    assert built == ["01_one.ipynb"]
    assert "def f():" in (tmp_path / "course_utils" / "taught" / "two.py").read_text("utf-8")


def test_an_export_that_cannot_be_ends_the_command_before_anything_is_built(project, built):
    _, target = project(TEXT, "01_one")
    project(EXPORT + "f()\n", "02_two")

    with pytest.raises(SystemExit, match=r"02_two\.py: a cell that exports .*: f\(\)\nNo notebook was built"):
        run(target, "01")

    assert built == []


def test_notebooks_are_chosen_by_the_start_of_their_names(project, built, capsys):
    _, target = project(TEXT, "01_one")
    project(TEXT, "02_two")

    run(target, "02")

    assert built == ["02_two.ipynb"]


def test_force_builds_also_what_has_not_changed(project, built):
    source, target = project(TEXT)
    write_as_built(source, target)

    run(target, "--force")

    assert built == [target.name]


def test_an_unknown_name_is_an_error(project, built, capsys):
    _, target = project(TEXT)

    with pytest.raises(SystemExit):
        run(target, "77")

    assert "no notebook starts with 77" in capsys.readouterr().err


def test_a_failure_ends_the_command_with_its_message(project, built, capsys):
    _, target = project(TEXT, "01_fails")
    project(TEXT, "02_after")

    with pytest.raises(SystemExit, match="code cell 7: KeyError\nThe old 01_fails.ipynb was left as it was"):
        run(target)

    assert built == ["01_fails.ipynb"]


def test_a_companion_without_its_corpus_is_skipped_with_the_reason(project, built, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("RNN_COURSE_DATA", str(tmp_path / "nothing"))
    project(RICH, "real_corpora/08_companion")
    _, target = project(TEXT, "01_one")

    run(target)

    assert built == ["01_one.ipynb"]
    assert "08_companion.ipynb: skipped. RNN_COURSE_DATA names a local mirror" in capsys.readouterr().out


def test_a_companion_with_its_corpus_is_built_after_the_course(project, built, monkeypatch):
    monkeypatch.setattr(builder, "fetch_corpus", lambda name: Path(os.devnull))
    project(RICH, "real_corpora/08_companion")
    _, target = project(TEXT, "09_last")

    run(target)

    assert built == ["09_last.ipynb", "08_companion.ipynb"]


def test_speaker_notes_are_folded_and_the_deck_opens_them(tmp_path):
    source = tmp_path / "01_notes.py"
    source.write_text('# %% [markdown] slideshow={"slide_type": "slide"}\n# # T\n\n'
                      '# %% [markdown] slideshow={"slide_type": "notes"}\n# Say *this*.\n')  # fmt: skip

    cells = read_source(source).cells

    assert cells[1].source == "<details><summary>For the speaker</summary>\n\nSay *this*.\n\n</details>"
    assert slides_of(read_source(source))[0]["notes"] == ["Say *this*."]
