"""Encoders and decoders of different kinds combine: where in the course each pair occurs."""

from draw import FAINT, MUTED, SMALL, arrow, canvas, tint, token, write
from matplotlib.patches import Rectangle

COMING = "09", "11"  # notebooks later than the one that shows this
DECODERS = ("one label", "softmax"), ("a label per token", "softmax per token"), ("text", "LSTM, output layer")
ENCODERS = [  # what is read, the encoder; per decoder the pairs of the course, (notebook, what it makes)
    ("nothing", "or a prompt", [], [], [("05", "prose"), ("08", "Python")]),
    ("window", "embeddings", [("02", "next word")], [], []),
    ("colour", "linear", [], [], [("08", "its name")]),
    ("label", "embedding", [], [], [("08", "name, review")]),
    ("text", "RNN, LSTM, BiLSTM", [("03", "language"), ("09", "sentiment")], [("06", "roles, tags")],
     [("07", "translation")]),
    ("picture", "CNN", [], [], [("11", "caption")]),
]  # fmt: skip
EDGES = [3.64, 5.52, 7.62, 9.9]  # of the columns
TOP, LINE = 3.24, 0.34  # the grid's upper edge; height of a line in a row


def source(ax, y, name, encoder):
    """What an encoder reads, as a box, and the encoder beside it; nothing needs none."""
    box = token(ax, 0.6, y, name, None if name == "nothing" else "input", SMALL, 1.0, 0.3)
    if name == "nothing":
        return write(ax, 1.2, y, encoder, SMALL, MUTED, ha="left")
    arrow(ax, box, (1.46, y), parameter=True, scale=0.6)
    return write(ax, 1.54, y, encoder, SMALL, ha="left")


def pair(ax, left, y, notebook, made):
    """A notebook's number in a box, grey if it is still to come, and what it makes."""
    coming = notebook in COMING
    token(ax, left + 0.34, y, notebook, FAINT if coming else "lstm", SMALL, 0.42, 0.27)
    write(ax, left + 0.66, y, made, SMALL, MUTED if coming else "ink", ha="left")


def building_blocks():
    """A grid of encoders by decoders, with the notebooks in which a pair occurs. One label, by softmax: a window in 02,
    the next word; text in 03, the language of a name, and in 09, sentiment. A label per token: text in 06. Text, by an
    LSTM with an output layer: nothing or a prompt in 05 and 08; a colour and a label in 08; text in 07, translation; a
    picture in 11, a caption. Notebooks 09 and 11 are still to come."""
    ax = canvas(10, 3.9)
    write(ax, 0.1, 3.42, "encoder", SMALL, "input", ha="left", bold=True)
    write(ax, 1.54, 3.42, "grey: still to come", SMALL, MUTED, ha="left")
    write(ax, EDGES[0] - 0.12, 3.73, "decoder", SMALL, "output", ha="right", bold=True)
    for left, right, (name, kind) in zip(EDGES, EDGES[1:], DECODERS):
        token(ax, (left + right) / 2, 3.73, name, "output", SMALL, height=0.3)
        write(ax, (left + right) / 2, 3.4, kind, SMALL)
    y = TOP
    for name, encoder, *cells in ENCODERS:
        height = LINE * max(map(len, cells)) + 0.08
        ax.plot([0.1, EDGES[-1]], [y, y], color=FAINT, linewidth=1.4)
        source(ax, y - height / 2, name, encoder)
        for left, right, pairs in zip(EDGES, EDGES[1:], cells):
            if pairs:
                shade = {"facecolor": tint("state", 0.12), "linewidth": 0, "zorder": 0}
                ax.add_patch(Rectangle((left + 0.04, y - height + 0.04), right - left - 0.08, height - 0.08, **shade))
            for i, (notebook, made) in enumerate(pairs):
                pair(ax, left, y - height / 2 - LINE * (i - (len(pairs) - 1) / 2), notebook, made)
        y -= height
    for x in EDGES[:-1]:
        ax.plot([x, x], [y, TOP], color=FAINT, linewidth=1.4)
    return ax.figure
