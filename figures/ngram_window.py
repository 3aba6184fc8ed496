"""What a 4-gram model sees of a sentence."""

from draw import MUTED, brace, canvas, token, tokens, width_of, write

OLDER = "as the proctor started the clock , the"


def ngram_window():
    """Of the sentence as the proctor started the clock, the students opened their blank, a 4-gram model sees only the
    last three words before the blank, students opened their; all older words are discarded."""
    ax = canvas(10, 1.8)
    left, y = 0.53, 1.42
    right = left + width_of(OLDER)
    write(ax, left, y, OLDER, color=MUTED, ha="left")
    brace(ax, left, right, y - 0.42, "discarded", color=MUTED)
    seen = tokens(ax, right + 0.2, y, ["students", "opened", "their"])
    end = seen[-1].at(1, 0).x
    brace(ax, right + 0.2, end, y - 0.42, "context: the last $n - 1 = 3$")
    blank = token(ax, end + 0.6, y, "?", role=None, width=0.9)
    write(ax, blank.x, y - 0.42 - 0.41, "next")
    return ax.figure
