"""The thirteen notebooks as a map."""

from draw import FAINT, MUTED, SMALL, arrow, canvas, node, write

NOTEBOOKS = [  # number, column, row, colour, title
    ("00", 0, 2, FAINT, "start\nhere"), ("02", 1, 2, "window", "fixed\nwindow"),
    ("01", 0, 1, "ngram", "n-grams"), ("03", 1, 1, "rnn", "plain\nRNN"), ("04", 2, 1, "rnn", "vanishing\ngradients"),
    ("05", 3, 1, "lstm", "LSTM,\nGRU"), ("06", 4, 1, MUTED, "BiRNN"), ("07", 5, 1, MUTED, "seq2seq"),
    ("08", 6, 1, MUTED, "char\nRNN"),
    ("09", 2.5, 0, FAINT, "sentiment"), ("10", 3.5, 0, FAINT, "forecast"), ("11", 4.5, 0, FAINT, "captions"),
    ("12", 5.5, 0, FAINT, "programs"),
]  # fmt: skip
ARROWS = "00-01 01-02 02-03 01-03 03-04 04-05 05-06 06-07 07-08 05-09 05-10 07-11 07-12"


def course_map():
    """A map of the thirteen notebooks. The core runs from 01 n-grams over 03 plain RNN, 04 vanishing gradients, 05 LSTM
    and GRU, 06 BiRNN and 07 seq2seq to 08 char RNN; 00 and 02 frame its start; the applications 09 and 10 follow 05,
    and 11 and 12 follow 07."""
    ax = canvas(10, 4.2)
    boxes = {}
    for number, column, row, color, title in NOTEBOOKS:
        x, y = 0.77 + 1.41 * column, 0.7 + 1.4 * row
        boxes[number] = node(ax, x, y, "", color, 1.17, 0.96)
        write(ax, x, y + 0.27, number, bold=True)
        write(ax, x, y - 0.14, title, SMALL)
    for pair in ARROWS.split():
        start, end = pair.split("-")
        arrow(ax, boxes[start], boxes[end], scale=0.75)
    write(ax, 2.98, 3.5, "frame", ha="left", bold=True)
    write(ax, 9.81, 2.8, "core", ha="right", bold=True)
    write(ax, 0.19, 0.7, "applications", ha="left", bold=True)
    return ax.figure
