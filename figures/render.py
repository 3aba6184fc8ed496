"""Draw the course's diagrams: each script NAME.py here holds a function NAME, which returns the Figure of NAME.svg.

    python figures/render.py [NAME ...]           draw all diagrams, or those named
    python figures/render.py [NAME ...] --check   write nothing; fail if a stored diagram differs

The function's docstring becomes the SVG's <title>: what a reader who cannot see the diagram is told. Drawn twice by one
version of matplotlib a diagram has the same bytes; another version may draw it otherwise, so each SVG names its own.
"""

import argparse
import io
import re
import runpy
import sys
from pathlib import Path

import matplotlib

FOLDER = Path(__file__).resolve().parent
STYLE = {"svg.hashsalt": "rnn-course", "svg.fonttype": "path", "font.family": "DejaVu Sans"}
VERSION = f"matplotlib {matplotlib.__version__}"


def scripts(folder=FOLDER):
    """The names of all diagrams that have a script."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("draw", "render"))


def drawing(name, folder=FOLDER):
    """Run one script; return its Figure and its description in words."""
    function = runpy.run_path(str(folder / f"{name}.py"))[name]
    return function(), " ".join(function.__doc__.split())


def to_svg(figure, description):
    """The SVG of a figure, as bytes that depend on matplotlib's version only."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": VERSION, "Title": description})
    text = re.sub(r"<!DOCTYPE.*?>\s*", "", stream.getvalue(), flags=re.DOTALL)
    # Three decimals: the last bits of a sine differ between machines.
    return re.sub(r"-?\d+\.\d{4,}", lambda number: f"{float(number[0]):.3f}", text).encode()


def render(name, folder=FOLDER):
    """The SVG of one diagram, whatever the reader's matplotlib settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        return to_svg(*drawing(name, folder))


def drawn_by(svg):
    """The version of matplotlib that a stored SVG names, such as 'matplotlib 3.11.2'."""
    found = re.search(rb"<dc:title>(matplotlib \S+?)</dc:title>", svg)
    return found[1].decode() if found else "an unknown version"


def complaint(name, folder=FOLDER):
    """What is wrong with a stored diagram, in one line; None if it is what its script draws."""
    target = folder / f"{name}.svg"
    if not target.exists():
        return f"{name}.svg is missing"
    stored = target.read_bytes().replace(b"\r\n", b"\n")  # git may have changed them on Windows
    if stored == render(name, folder):
        return None
    if drawn_by(stored) != VERSION:
        return f"{name}.svg was drawn by {drawn_by(stored)}; this is {VERSION}, so its bytes prove nothing"
    return f"{name}.svg is not what {name}.py draws"


def main(arguments=None, folder=FOLDER):
    """Draw or check the diagrams named, all by default; return the exit status."""
    parser = argparse.ArgumentParser(description="Draw the course's diagrams.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a diagram (default: all)")
    parser.add_argument("--check", action="store_true", help="compare with the stored diagrams, write nothing")
    options = parser.parse_args(arguments)
    known = scripts(folder)
    if unknown := sorted(set(options.names) - set(known)):
        parser.error(f"no such diagram: {', '.join(unknown)}. There are: {', '.join(known)}")
    if not options.check:
        for name in options.names or known:
            (folder / f"{name}.svg").write_bytes(render(name, folder))
            print(f"drew {name}.svg")
        return 0
    complaints = [line for name in options.names or known if (line := complaint(name, folder))]
    if not options.names:
        strays = sorted({path.stem for path in folder.glob("*.svg")} - set(known))
        complaints += [f"{name}.svg has no script {name}.py" for name in strays]
    print("\n".join(complaints) or "every diagram is what its script draws")
    if complaints:
        print("Run `python figures/render.py`, look at the diagrams, and commit them.", file=sys.stderr)
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
