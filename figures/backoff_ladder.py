"""From long contexts to short ones."""

from draw import MUTED, SMALL, SYMBOL, arrow, canvas, token, tokens, width_of, write

CONTEXT = ["students", "opened", "their"]
RUNGS = ["4-gram", "3-gram", "2-gram", "1-gram"]


def backoff_ladder():
    """Four rungs of shorter and shorter contexts for the next word: students opened their; opened their; their; no
    context at all. Back-off goes down to the first rung that was counted; interpolation adds all
    rungs, each with its weight lambda."""
    ax = canvas(10, 3.3)
    write(ax, 1.2, 3.0, "back-off: go down", SMALL, MUTED)
    write(ax, 8.7, 3.0, "interpolation: add up", SMALL, MUTED)
    for i, name in enumerate(RUNGS):
        y = 2.45 - 0.66 * i
        write(ax, 1.2, y, name, bold=True)
        tokens(ax, 6.2 - sum(width_of(word) + 0.36 for word in CONTEXT[i:]), y, CONTEXT[i:])
        token(ax, 6.6, y, "?", None, width=0.7)
        write(ax, 8.7, y, ["", "$+\\;$"][i > 0] + f"$\\lambda_{4 - i}\\,p_{4 - i}$", SYMBOL)
        if i:
            arrow(ax, (1.2, y + 0.46), (1.2, y + 0.21))
    return ax.figure
