"""Two bidirectional layers: which state is which slice of h_n, and what the last column of the output holds."""

from draw import SMALL, WRONG, arrow, canvas, node, pairs, write
from matplotlib.patches import Rectangle

INPUT, LAYERS = 0.3, (1.45, 2.95)
COLUMNS = [2.3 + 1.62 * i for i in range(4)]


def ends(ax, number, forward, backward):
    """The two end states of a layer, in strong colour, and the slices of h_n that hold them."""
    for way, state in enumerate((forward[-1], backward[0])):
        node(ax, *state[:2], "", "state", *state[2:], scale=0.8, strength=0.5)
        name = f"h_n[{2 * (number - 1) + way}]"
        start, side = state.at(-1 if way else 1, 0), -1 if way else 1
        arrow(ax, (start.x + 0.1 * side, start.y), (start.x + 0.4 * side, start.y))
        write(ax, start.x + 0.46 * side, start.y, name, SMALL, ha="right" if way else "left", bold=True)


def birnn_stack():
    """Two bidirectional layers over four inputs. In each layer a forward chain ends at step 4 and a backward chain at
    step 1; both states of a step together, 2H numbers, are read by both chains of layer 2. The ends are slices of h_n:
    h_n[0] layer 1 forward at step 4, h_n[1] layer 1 backward at step 1, h_n[2] layer 2 forward at step 4, h_n[3] layer
    2 backward at step 1. A dashed frame marks output[:, -1], layer 2 at step 4: it holds the end of the forward chain,
    but of the backward chain the state after its first token."""
    ax = canvas(10, 4.1)
    below = [node(ax, x, INPUT, f"$x_{t}$", "input", 0.84, 0.44) for t, x in enumerate(COLUMNS, start=1)]
    for number, y in enumerate(LAYERS, start=1):
        forward, backward, below = pairs(ax, COLUMNS, below, y, f"^{{({number})}}", width=0.9, half=0.44)
        ends(ax, number, forward, backward)
        write(ax, 0.1, forward[0].y - 0.02, f"layer {number}", ha="left", bold=True)
    for y, size in ((0.74, "E"), (sum(LAYERS) / 2, "2H")):
        write(ax, COLUMNS[0] + 0.42, y, f"${size}$", ha="left")
    last = below[-1]
    style = {"facecolor": "none", "edgecolor": WRONG, "linewidth": 3, "linestyle": (0, (3, 2)), "zorder": 1.5}
    ax.add_patch(Rectangle(last.at(-1, -1)[:2], last.width, last.height, **style))
    write(ax, last.x, 3.84, "output[:, -1]", SMALL, WRONG, bold=True)
    write(ax, last.at(1, 0).x + 0.22, backward[-1].y, "backward: its\nfirst step only", SMALL, WRONG, ha="left")
    return ax.figure
