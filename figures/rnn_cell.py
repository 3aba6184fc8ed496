"""One step of a recurrent network from inside."""

from draw import SMALL, SYMBOL, TEXT, arrow, canvas, node, operation, write
from matplotlib.patches import Rectangle

MIDDLE = 2.0


def rnn_cell():
    """One step of a recurrent network. The old state h_{t-1} times W_hh, the input x_t times W_xh and the bias b_h are
    added; tanh of the sum is the new state h_t. It goes out to the right, to the next step, and up, by W_hy, to the
    output layer y-hat_t."""
    ax = canvas(10, 3.9)
    ax.add_patch(Rectangle((1.95, 0.95), 4.5, 2.8, color="#F3F3F3", linewidth=0, zorder=0))
    before = node(ax, 1.0, MIDDLE, "$h_{t-1}$", "state", 1.1, 0.6)
    x = node(ax, 4.0, 0.42, "$x_t$", "input", 0.9, 0.56)
    bias = node(ax, 4.0, 3.3, "$b_h$", "parameter", 0.9, 0.56)
    plus = operation(ax, 4.0, MIDDLE, "+", radius=0.24)
    tanh = operation(ax, 5.5, MIDDLE, "tanh", radius=0.42)
    after = node(ax, 7.55, MIDDLE, "$h_t$", "state", 0.9, 0.6)
    output = node(ax, 7.55, 3.3, r"$\hat{y}_t$", "output", 0.9, 0.56)
    arrow(ax, before, plus, "$W_{hh}$", parameter=True)
    arrow(ax, x, plus, parameter=True)
    write(ax, 4.23, 1.2, "$W_{xh}$", SYMBOL, ha="left")
    arrow(ax, bias, plus, color="parameter")
    for start, end in [(plus, tanh), (tanh, after), (after, (9.0, MIDDLE))]:
        arrow(ax, start, end)
    arrow(ax, after, output, parameter=True)
    write(ax, 7.78, 2.62, "$W_{hy}$", SYMBOL, ha="left")
    write(ax, 9.4, MIDDLE, "next\nstep", SMALL)
    write(ax, 2.08, 3.5, "one step", TEXT, ha="left", bold=True)
    return ax.figure
