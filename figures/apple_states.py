"""Two sentences that begin alike: from left to right their first states cannot differ."""

from draw import SYMBOL, arrow, canvas, node, tint, token, write
from matplotlib.patches import Rectangle

SENTENCES = [  # words, their height, the states' height, the mark on each state
    ("Apple is good for health", 3.3, 2.4, ""),
    ("Apple is a billion dollar company", 0.3, 1.2, r"^\prime"),
]
EQUAL = 2


def apple_states():
    """Two sentences one above the other, read from left to right: Apple is good for health, and Apple is a billion
    dollar company. After Apple and after is the two chains of states are equal; from the third word on they differ."""
    ax = canvas(10, 3.6)
    columns = [0.85 + 1.62 * i for i in range(6)]
    for words, low, high, mark in SENTENCES:
        before = None
        for i, (x, word) in enumerate(zip(columns, words.split())):
            state = node(ax, x, high, f"$h{mark}_{i + 1}$", "state", 0.8, 0.54)
            arrow(ax, token(ax, x, low, word), state, parameter=True)
            if before:
                arrow(ax, before, state, parameter=True)
            before = state
    for i, x in enumerate(columns[:5]):
        write(ax, x, 1.8, "$=$" if i < EQUAL else r"$\neq$", SYMBOL)
        if i < EQUAL:
            ax.add_patch(Rectangle((x - 0.5, 0.83), 1.0, 1.94, color=tint("state", 0.1), linewidth=0, zorder=0))
    return ax.figure
