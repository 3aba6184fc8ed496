"""Where the course lies: its root, and its notebooks in their order."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
DEEPER, COMPANIONS = "deeper", "real_corpora"  # deep dives have no deck; companions need a downloaded corpus
FOLDERS = ("", DEEPER, COMPANIONS)


def sources(notebooks=NOTEBOOKS):
    """Return the paths of the texts that notebooks are built from."""
    return _numbered(notebooks / "source", ".py")


def pairs(notebooks=NOTEBOOKS):
    """Return (source, notebook) paths, whether the notebook is built or not."""
    source = notebooks / "source"
    return [(path, notebooks / path.relative_to(source).with_suffix(".ipynb")) for path in sources(notebooks)]


def built_notebooks(notebooks=NOTEBOOKS):
    """Return the paths of the built notebooks."""
    return _numbered(notebooks, ".ipynb")


def has_deck(path):
    """Whether a notebook, or a source, is also given as a lecture: deep dives are only read."""
    return path.parent.name != DEEPER


def decked_notebooks(notebooks=NOTEBOOKS):
    """Return the paths of the built notebooks that have a deck."""
    return list(filter(has_deck, built_notebooks(notebooks)))


def _numbered(folder, suffix):
    return [path for part in FOLDERS for path in sorted((folder / part).glob("[0-9][0-9]_*" + suffix))]
