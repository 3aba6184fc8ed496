"""A padded batch of two rows and its backward chain: begun in the padding, or at each row's own end."""

from draw import BACKWARD, FAINT, MUTED, SMALL, TEXT, WRONG, arrow, canvas, node, over, write
from matplotlib.patches import Rectangle

LENGTHS = {"a": 4, "b": 2}
STEPS, PITCH = max(LENGTHS.values()), 1.05
HEIGHTS = {"a": (2.42, 3.18), "b": (0.76, 1.52)}  # of the cells and of the states


def padding(ax, x, y):
    """A cell that holds no data."""
    style = {"facecolor": "#F0F0F0", "edgecolor": "#A0A0A0", "linewidth": 1.2}
    ax.add_patch(Rectangle((x - 0.31, y - 0.21), 0.62, 0.42, **style))
    write(ax, x, y, "PAD", SMALL, MUTED)


def row(ax, left, name, length, read):
    """One row of the batch: its cells, and the backward chain over the steps read, some of them perhaps padding."""
    low, high = HEIGHTS[name]
    after = (left + PITCH * read - 0.12, high)
    write(ax, after[0] + 0.12, high, "$0$")
    for t in range(STEPS, 0, -1):
        x, spoilt = left + PITCH * (t - 1), read > length
        if t <= length:
            node(ax, x, low, f"${name}_{t}$", "input", 0.62, 0.42, TEXT, scale=0.75)
        else:
            padding(ax, x, low)
        if t <= read:
            role, strength, color = (WRONG, 0.12, WRONG) if spoilt else ("state", 0.2, BACKWARD)
            label = f"${over('h', t, backward=True)}$"
            state = node(ax, x, high, label, role, 0.62, 0.46, TEXT, strength=strength)
            arrow(ax, (x, low + 0.21), (x, high - 0.29), parameter=True, color=color)
            arrow(ax, after, state, parameter=t < read, color=color if t < read else None)
            after = state


def birnn_padding():
    """A batch of two rows: a has four cells, b has two cells and two grey cells of padding, PAD. Left, wrong: the
    backward chain of row b starts at the last cell of padding, so that all its states, those of b_1 and b_2 too, hold
    what it read there. Right: the backward chain of each row starts from 0 at the row's own end, and there are no
    states over the padding."""
    ax = canvas(10, 4)
    for left, title, verdict, own in (
        (0.45, "wrong: starts in the padding", "$b_1$ and $b_2$ get states that have read PAD", False),
        (5.55, "right: starts at the row's own end", "as if row $b$ stood alone", True),
    ):
        write(ax, left + 1.96, 3.74, title, bold=True)
        for name, length in LENGTHS.items():
            row(ax, left, name, length, length if own else STEPS)
        write(ax, left + 1.96, 0.24, verdict, SMALL)
    ax.plot([5, 5], [0.15, 3.85], color=FAINT, linewidth=1.4)
    return ax.figure
