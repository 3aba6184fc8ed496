"""Copy the notebooks to mine/, a folder of one's own that git ignores: what is done there, no update disturbs.

    python -m publish.mine

A copy that was changed is never touched again; one that was not follows the course. The folder lies where notebooks/
does, so that a copy finds the figures.
"""

import hashlib
import json

from publish.course import NOTEBOOKS, ROOT, built_notebooks
from publish.files import write_file

MINE = ROOT / "mine"


def copy_notebooks(notebooks=NOTEBOOKS, mine=MINE):
    """Copy each built notebook, unless its copy was changed.

    Args:
        notebooks: the folder of the course's notebooks.
        mine: where the copies go, at the same depth; it notes in .copied.json what each looked like.

    Returns:
        The names of the copies that were kept although the course has another text.
    """
    note = mine / ".copied.json"
    copied = json.loads(note.read_text("utf-8")) if note.exists() else {}
    kept = []
    for source in built_notebooks(notebooks):
        name = source.relative_to(notebooks).as_posix()
        target = mine / name
        if target.exists() and digest(target) != copied.get(name):
            kept += [name] * (digest(target) != digest(source))
            continue
        write_file(target, source.read_bytes())
        copied[name] = digest(source)
    write_file(note, json.dumps(copied, indent=1).encode())
    return kept


def digest(path):
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    """Run the command."""
    kept = copy_notebooks()
    print(f"Your notebooks are in {MINE}.")
    if kept:
        print("Left as they are, because you have changed them:", *kept, sep="\n  ")
        print("To get the course's text of one, rename or remove yours and run this again.")


if __name__ == "__main__":
    main()
