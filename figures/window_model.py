"""Bengio's model: a fixed window of words, a table of word vectors, a layer, a softmax."""

from draw import COLOR, MUTED, SMALL, SYMBOL, Node, arrow, canvas, node, operation, tint, token, write
from matplotlib.patches import FancyBboxPatch, Rectangle

CONTEXT = ["students", "opened", "their"]
NEXT = {"books": 0.42, "laptops": 0.28, "exams": 0.2, "minds": 0.07, "the": 0.03}


def units(ax, x, y, count, role, width, pitch=0.3):
    """A row vector: a box with a circle for each of its numbers."""
    box = node(ax, x, y, "", role, width, 0.48)
    for i in range(count):
        operation(ax, x + pitch * (i - (count - 1) / 2), y, "", role, 0.1)
    return box


def window_model():
    """The fixed-window model on students opened their blank. The same look-up table C turns each of the three words
    into a vector; the three vectors side by side are x. Weights W_xh and tanh make the layer h of x; weights W_hy and a
    softmax make probabilities for the blank: books, laptops and exams are likely, minds and the are not."""
    ax = canvas(10, 3.6)
    vectors = []
    for i, word in enumerate(CONTEXT):
        place = token(ax, 1.35 + 1.55 * i, 0.36, word)
        vectors.append(units(ax, place.x, 1.45, 4, "input", 1.5))
        arrow(ax, place, vectors[-1], parameter=True)
        write(ax, place.x + 0.22, 0.88, "$C$", SYMBOL, ha="left")
    write(ax, 0.35, 1.45, "$x$", SYMBOL)
    write(ax, 5.2, 0.98, "one table\nfor all", SMALL, MUTED, ha="left")
    blank = token(ax, 5.7, 0.36, "?", None, width=0.7)

    h = units(ax, 2.9, 2.75, 5, "state", 1.8)
    write(ax, 1.7, 2.75, "$h$", SYMBOL)
    write(ax, 2.9, 3.22, "tanh", SMALL)
    arrow(ax, vectors[1], h, parameter=True)
    write(ax, 3.12, 2.05, "$W_{xh}$", SYMBOL, ha="left")
    arrow(ax, h, (6.4, 2.75), "$W_{hy}$", parameter=True)
    write(ax, 5.05, 2.47, "softmax", SMALL)

    y = Node(8.15, 2.0, 3.4, 2.35)
    style = {"facecolor": tint("output"), "edgecolor": COLOR["output"], "linewidth": 2.4}
    ax.add_patch(FancyBboxPatch((6.45, 0.825), 3.4, 2.35, boxstyle="round,pad=0,rounding_size=0.14", **style))
    write(ax, y.x, 3.39, r"$\hat{y}$", SYMBOL)
    for i, (word, p) in enumerate(NEXT.items()):
        middle = 2.86 - 0.43 * i
        write(ax, 7.7, middle, word, ha="right")
        ax.add_patch(Rectangle((7.85, middle - 0.14), 4 * p, 0.28, color=COLOR["output"], linewidth=0, zorder=4))
    arrow(ax, y.at(0, -1), blank, dashed=True, via=[(y.x, blank.y)])
    return ax.figure
