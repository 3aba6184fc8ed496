"""A tagger with and without a CRF on top of its BiLSTM."""

from draw import FAINT, INK, TEXT, arrow, canvas, node, pairs, tint, token, write
from matplotlib.patches import Rectangle

WORDS = ["visit", "buenos", "aires"]
INPUT, STATES, SCORES, TAGS, TITLE = 0.26, 1.36, 2.5, 3.36, 3.98
SHADES = [(0.9, 0.1, 0.1), (0.3, 0.8, 0.1), (0.15, 0.3, 0.8)]  # the scores of the tags, made up


def scores(ax, x, t):
    """The column of emission scores of one word, one per tag."""
    side = 0.21
    for i, shade in enumerate(SHADES[t - 1]):
        corner = (x - side / 2, SCORES + (0.5 - i) * side)
        style = {"facecolor": tint("output", shade), "edgecolor": INK, "linewidth": 1.2, "zorder": 3}
        ax.add_patch(Rectangle(corner, side, side, **style))
    write(ax, x + 0.2, SCORES, f"$P_{t}$", TEXT, ha="left")


def tagger(ax, left, title, linked):
    """Words, a BiLSTM in compact form, scores and tags, the tags linked or not."""
    xs = [left + 1.34 * i for i in range(len(WORDS))]
    words = [token(ax, x, INPUT, word, width=1.1) for x, word in zip(xs, WORDS)]
    *_, frames = pairs(ax, xs, words, STATES, half=0.36)
    tags = []
    for t, (x, frame) in enumerate(zip(xs, frames), start=1):
        scores(ax, x, t)
        arrow(ax, frame, (x, SCORES - 0.35), parameter=True, color="output")
        tags.append(node(ax, x, TAGS, f"$y_{t}$", "output", 0.74, 0.46))
        arrow(ax, (x, SCORES + 0.36), tags[-1])
    for before, after in zip(tags, tags[1:]):
        if linked:
            arrow(ax, before, after, parameter=True)
            write(ax, (before.x + after.x) / 2, TAGS + 0.27, "$A$", TEXT)
    write(ax, xs[1], TITLE, title, bold=True)


def bilstm_crf():
    """Two taggers over the words visit, buenos, aires. In both a bidirectional LSTM, drawn as a forward and a backward
    state per word, gives each word a column P_t of emission scores, one per tag, and the tags y_t are chosen from
    them. Left, with a CRF: neighbouring tags are linked by the transition scores A, so they are chosen together. Right,
    without: there are no links, each tag is chosen alone."""
    ax = canvas(10, 4.2)
    for y, name in ((INPUT, "words"), (STATES, "BiLSTM"), (SCORES, "scores"), (TAGS, "tags")):
        write(ax, 0.1, y, name, ha="left", bold=True)
    tagger(ax, 1.9, "with a CRF: chosen together", True)
    tagger(ax, 6.66, "without: each one alone", False)
    ax.plot([5.62, 5.62], [0.1, 4.1], color=FAINT, linewidth=1.4)
    return ax.figure
