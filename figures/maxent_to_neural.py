"""What was made by hand becomes learned: n-gram, log-linear, neural."""

from draw import MUTED, SMALL, TEXT, Node, arrow, canvas, node, write

ROWS = CONTEXT, DESCRIPTION, SCORES, PROBABILITY = 0.35, 1.35, 2.32, 3.1
PANELS = [  # name; description of the context and its colour; weights under and over it; scores; what norms them
    ("n-gram", "the exact\nwords", MUTED, "", "", "counts $c(h, w)$", "divide"),
    ("log-linear", "features $f$,\nmade by hand", MUTED, "", r"$\theta$", r"$\theta \cdot f(h, w)$", "softmax"),
    ("neural", "word vectors,\nlearned", "parameter", "$C$", "$W_{xh}, W_{hy}$", "$s(h, w)$", "softmax"),
]


def maxent_to_neural():
    """Three models side by side, each read from the bottom up: context words, their description, scores, probability.
    The n-gram model counts the exact words: nothing is learned. The log-linear model weighs features made by hand with
    learned weights theta. In the neural model the word vectors C and the layer W_xh, W_hy are all learned."""
    ax = canvas(10, 3.9)
    for y, name in zip(ROWS, ("context $h$", "description", "scores", "probability")):
        write(ax, 0.15, y, name, SMALL, MUTED, ha="left")
    for i, (name, words, color, below, above, scores, norm) in enumerate(PANELS):
        x = 2.75 + 2.8 * i
        write(ax, x, 3.68, name, bold=True)
        boxes = [
            node(ax, x, CONTEXT, "opened their", "input", 1.85, 0.44, TEXT),
            node(ax, x, DESCRIPTION, words, color, 1.95, 0.72, TEXT),
            Node(x, SCORES, 1.9, 0.32),
            node(ax, x, PROBABILITY, r"$p(w \mid h)$", "output", 1.35, 0.44, TEXT),
        ]
        write(ax, x, SCORES, scores)
        for start, end, label in zip(boxes, boxes[1:], (below, above, "")):
            arrow(ax, start, end, parameter=bool(label))
            write(ax, x + 0.24, (start.at(0, 1).y + end.at(0, -1).y) / 2, label, ha="left")
        write(ax, x + 0.24, 2.68, norm, SMALL, ha="left")
    return ax.figure
