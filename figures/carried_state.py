"""A stream cut into rows and windows, the state carried from window to window."""

from draw import SMALL, TEXT, Node, arrow, brace, canvas, node, write

T, SIDE = 4, 0.5
STREAM, ROWS = 3.58, (2.14, 0.96)


def strip(ax, left, y, first, last):
    """The tokens numbered first to last, as squares side by side; returns the box around them."""
    for i, number in enumerate(range(first, last + 1)):
        node(ax, left + SIDE * (i + 0.5), y, str(number), "input", SIDE - 0.04, 0.44, TEXT)
    width = SIDE * (last - first + 1)
    return Node(left + width / 2, y, width, 0.44)


def carried_state():
    """A stream of the tokens 1 to 16 is cut into two rows, 1 to 8 and 9 to 16, and each row into two windows of four
    steps. In each row a dashed arrow carries the state from the end of the first window to the start of the second: its
    value is kept, its gradient is cut. Inside a window the gradient runs back to the window's start."""
    ax = canvas(10, 3.9)
    write(ax, 0.2, STREAM, "stream", ha="left", bold=True)
    strip(ax, 1.4, STREAM, 1, 2 * T)
    strip(ax, 1.7 + 2 * T * SIDE, STREAM, 2 * T + 1, 4 * T)
    for number, y in enumerate(ROWS):
        write(ax, 0.2, y, f"row {number + 1}", ha="left", bold=True)
        state = node(ax, 1.45, y, "$h_0$", "state", 0.66, 0.44)
        for window, left in enumerate((2.25, 6.3)):
            first = 2 * T * number + T * window + 1
            box = strip(ax, left, y, first, first + T - 1)
            arrow(ax, state, box, dashed=window > 0)
            state = node(ax, left + 2.7, y, f"$h_{T * (window + 1)}$", "state", 0.66, 0.44)
            arrow(ax, box, state)
            arrow(ax, (left + 2, y - 0.4), (left, y - 0.4), color="gradient")
        arrow(ax, state, (9.9, y), dashed=True)
    brace(ax, 2.25, 4.25, 2.49, "window of $T = 4$ steps", above=True)
    brace(ax, 6.3, 8.3, 2.49, "next window", above=True)
    write(ax, 5.5, 1.57, "value kept,\ngradient cut", SMALL)
    write(ax, 3.25, 0.3, "gradient", SMALL)
    write(ax, 7.3, 0.3, "gradient", SMALL)
    return ax.figure
