"""A recurrent network as a loop, and unrolled over four steps."""

from draw import GAP, SMALL, SYMBOL, TEXT, arrow, brace, canvas, node, write

ROWS = 0.96, 2.14, 3.32


def step(ax, x, index=""):
    """One step x → h → ŷ with its weights; returns the state."""
    kinds = zip(("x", "h", r"\hat{y}"), ROWS, ("input", "state", "output"))
    boxes = [node(ax, x, y, f"${symbol}{index}$", role, 0.74, 0.56) for symbol, y, role in kinds]
    for low, high, weights in zip(boxes, boxes[1:], ("$W_{xh}$", "$W_{hy}$")):
        arrow(ax, low, high, parameter=True)
        write(ax, x + 0.21, (low.y + high.y) / 2, weights, ha="left")
    return boxes[1]


def rnn_unrolled():
    """On the left a recurrent network as a loop: x goes by W_xh into h, h by W_hh into itself, and by W_hy into y-hat.
    On the right the same network unrolled over four steps: from h_0 the states h_1 to h_4 follow one another, and the
    same three matrices W_xh, W_hh, W_hy are written at every step."""
    ax = canvas(10, 3.7)
    h = step(ax, 0.6)
    edge, low, high = h.at(1, 0).x + GAP, h.y - 0.19, h.y + 0.19
    arrow(ax, (edge, high), (edge, low), parameter=True, via=[(edge + 0.5, high), (edge + 0.5, low)])
    write(ax, edge + 0.6, h.y, "$W_{hh}$", ha="left")
    write(ax, 2.43, h.y, "=", SYMBOL, bold=True)
    write(ax, 2.43, h.y - 0.42, "unrolled", SMALL)
    state = node(ax, 3.3, h.y, "$h_0$", "state", 0.74, 0.56)
    for t in range(1, 5):
        before, state = state, step(ax, 3.3 + 1.45 * t, f"_{t}")
        arrow(ax, before, state, parameter=True)
        write(ax, (before.x + state.x) / 2, h.y + 0.27, "$W_{hh}$")
    brace(ax, 4.38, 9.73, 0.58, "the same three matrices at every step", TEXT)
    return ax.figure
