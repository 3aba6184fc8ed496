"""The source code of the standard library, which every Python brings along."""

import random
import sysconfig
from collections import namedtuple
from functools import cache
from pathlib import Path

# Left out: tests, packages that the distributor added, and tables that hold neither prose nor programs.
LEFT_OUT = {"test", "tests", "idlelib", "site-packages", "dist-packages", "pydoc_data", "encodings", "lib2to3",
            "turtledemo", "__pycache__"}  # fmt: skip
SHARES = (8, 1, 1)
Splits = namedtuple("Splits", "train validation test")  # lists: of sentences, each a list of tokens, or of programs


@cache
def load_stdlib_sources(seed=0):
    """Return the standard library's source files, split by module.

    Top-level modules and packages, not files, are dealt out (8 : 1 : 1), because the files of one package repeat
    each other's names; each goes to the part that lags behind its share of characters.

    Args:
        seed: non-negative int that decides which modules go where.

    Returns:
        Splits of lists of str, each the text of a file. It depends on the Python version, for a given one it is fixed.

    Raises:
        FileNotFoundError: if this Python comes without its library's source.
    """
    modules = sorted(library().items())
    random.Random(seed).shuffle(modules)
    return deal((sources for _, sources in modules), size=lambda sources: sum(map(len, sources)))


def deal(bundles, size=len):
    """Deal bundles out to three parts, 8 : 1 : 1: each, a list, goes whole to the part that lags behind its share.

    Args:
        bundles: iterable of lists.
        size: function of a bundle that says how much it fills a part.

    Returns:
        Splits of what was in the bundles.
    """
    splits, sizes = Splits([], [], []), [0, 0, 0]
    for bundle in bundles:
        part = min(range(3), key=lambda part: sizes[part] / SHARES[part])
        splits[part].extend(bundle)
        sizes[part] += size(bundle)
    return splits


@cache
def library():
    """Map the name of a top-level module or package to the texts of its files."""
    root = Path(sysconfig.get_path("stdlib"))
    modules = {}
    for module in sorted(path for path in root.iterdir() if path.name not in LEFT_OUT):
        files = sorted(module.rglob("*.py")) if (module / "__init__.py").exists() else [module]
        files = [p for p in files if p.suffix == ".py" and LEFT_OUT.isdisjoint(p.relative_to(root).parts)]
        sources = [path.read_text("utf-8-sig", "replace") for path in files if path.is_file()]  # no dangling link
        if sources and not module.name.startswith("_sysconfigdata"):
            modules[module.stem] = sources
    if "argparse" not in modules:
        raise FileNotFoundError(f"no library source under {root}: install Python from python.org, conda or your system")
    return modules
