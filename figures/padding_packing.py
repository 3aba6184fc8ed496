"""A batch of four sequences of unequal lengths: padded to a rectangle, and packed without gaps."""

from draw import MUTED, SMALL, TEXT, brace, canvas, node, write
from matplotlib.patches import Rectangle

LENGTHS = {"a": 7, "b": 4, "c": 3, "d": 2}
STEPS = max(LENGTHS.values())
PITCH, SIDE = 0.47, 0.42  # from cell to cell, and a cell
TOP, SIZES, DATA = 3.22, 1.28, 0.4  # heights: the first row, the batch sizes, the packed data
PADDED, PACKED = 1.3, 6.5  # where the first steps stand


def cell(ax, x, y, name, step):
    """One vector of a sequence."""
    node(ax, x, y, f"${name}_{step}$", "input", SIDE, SIDE, TEXT, scale=0.75)


def padding(ax, x, y):
    """A cell that holds no data."""
    style = {"facecolor": "#F0F0F0", "edgecolor": "#A0A0A0", "linewidth": 1.2, "hatch": "///"}
    ax.add_patch(Rectangle((x - SIDE / 2, y - SIDE / 2), SIDE, SIDE, **style))


def padding_packing():
    """Four sequences a, b, c, d of lengths 7, 4, 3, 2. On the left they are padded to a rectangle of 4 rows and 7
    steps: 12 of its 28 cells are hatched padding. On the right the same rows without padding, and below each step its
    batch size: 4, 4, 3, 2, 1, 1, 1. At the bottom the packed data: the 16 cells in one row, step by step."""
    ax = canvas(10, 4)
    write(ax, 0.5, 3.72, "length", SMALL, MUTED)
    write(ax, PADDED - SIDE / 2, 3.72, "padded", ha="left", bold=True)
    write(ax, PACKED - SIDE / 2, 3.72, "packed", ha="left", bold=True)
    for row, (name, length) in enumerate(LENGTHS.items()):
        y = TOP - PITCH * row
        write(ax, 0.5, y, str(length))
        for step in range(STEPS):
            if step < length:
                cell(ax, PADDED + PITCH * step, y, name, step + 1)
                cell(ax, PACKED + PITCH * step, y, name, step + 1)
            else:
                padding(ax, PADDED + PITCH * step, y)
    brace(ax, PADDED - SIDE / 2, PADDED + PITCH * (STEPS - 1) + SIDE / 2, 1.48, "28 cells, 12 of them padding")

    write(ax, PACKED - 0.4, SIZES, "batch size", SMALL, MUTED, ha="right")
    write(ax, 0.1, DATA, "16 cells,\nstep by step", SMALL, ha="left")
    left = PADDED + 0.42
    for step in range(STEPS):
        names = [name for name, length in LENGTHS.items() if step < length]
        write(ax, PACKED + PITCH * step, SIZES, str(len(names)), bold=True)
        for name in names:
            cell(ax, left, DATA, name, step + 1)
            left += PITCH
        left += 0.12
    return ax.figure
