"""Three layers of an LSTM over five words: each layer reads the states of the layer below."""

from draw import SMALL, TEXT, arrow, canvas, node, operation, token, write

WORDS = ["A", "wedding", "party", "taking", "pictures"]
LAYERS = 1.24, 2.5, 3.76
ASIDE, BELOW = 0.3, 0.19  # from a forward arrow to the backward arrow beside it


def dropout(ax, x, y):
    """The mark for dropout."""
    operation(ax, x, y, "", radius=0.15)
    write(ax, x, y, "D", SMALL)


def back(ax, start, end, dx=0.0, dy=0.0):
    """One step of the backward path, beside the forward arrow."""
    arrow(ax, *(box._replace(x=box.x + dx, y=box.y + dy) for box in (start, end)), color="gradient")


def stacked_lstm():
    """Three LSTM layers unrolled over the words: A wedding party taking pictures. The states of layer 1 are the inputs
    of layer 2, those of layer 2 the inputs of layer 3; the last state of layer 3 is the sentence's vector v. Circles
    marked D, for dropout, stand on the arrows between layers, none on the arrows along time. A backward path runs from
    v along layer 3 to the first column and down to the first word: a longest path of the gradient."""
    ax = canvas(10, 4.2)
    below = [token(ax, 1.64 + 1.46 * t, 0.3, word, width=1.2) for t, word in enumerate(WORDS)]
    for layer, y in enumerate(LAYERS, start=1):
        write(ax, 0.1, y, f"layer {layer}", ha="left", bold=True)
        states = []
        for t, low in enumerate(below, start=1):
            states.append(node(ax, low.x, y, f"$h_{t}^{{({layer})}}$", "state", 0.9, 0.54, TEXT))
            arrow(ax, low, states[-1], parameter=True)
            if layer > 1:
                dropout(ax, low.x, low.at(0, 1).y + 0.28)
        for before, after in zip(states, states[1:]):
            arrow(ax, before, after, parameter=True)
        back(ax, states[0], below[0], dx=ASIDE)
        below = states
    v = node(ax, 9.3, LAYERS[-1], "$v$", "output", 0.8, 0.54)
    arrow(ax, below[-1], v)
    for before, after in zip(below, [*below[1:], v]):
        back(ax, after, before, dy=-BELOW)
    arrow(ax, (9.1, 2.9), (8.24, 2.9), color="gradient")
    write(ax, 8.24, 2.5, "a longest path\nof the gradient", SMALL, ha="left")
    dropout(ax, 8.39, 1.64)
    write(ax, 8.62, 1.64, "dropout:", SMALL, ha="left")
    write(ax, 8.24, 1.24, "between layers,\nnot along time", SMALL, ha="left")
    return ax.figure
