"""What building notebooks and making decks share: writing a file whole, and folding the speaker's notes."""

import os
import re

FOLD = "<details><summary>For the speaker</summary>\n\n{}\n\n</details>"
FOLDED = re.compile(re.escape(FOLD).replace(r"\{\}", "(.*)"), re.DOTALL)


def write_file(path, content):
    """Write a file in one step, so that an interruption leaves no half of it, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
    return path


def fold(notes):
    """Return the Markdown of a speaker's notes as a notebook shows it: one line that opens at a click."""
    return FOLD.format(notes)


def unfold(notes):
    """Return the Markdown of a speaker's notes as it was written, whether it is folded or not."""
    folded = FOLDED.fullmatch(notes)
    return folded[1] if folded else notes
