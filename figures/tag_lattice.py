"""The lattice of a linear-chain CRF over three words and three tags, with one path and the forbidden edges."""

from draw import FAINT, SMALL, WRONG, arrow, canvas, node, token, write

WORDS = ["visit", "buenos", "aires"]
TAGS = {"O": 3.18, "B-CITY": 2.1, "I-CITY": 1.02}  # and their heights
COLUMNS = [2.2, 5.1, 8.0]
PATH = ["O", "B-CITY", "I-CITY"]
PORTS = dict(zip(TAGS, (0.5, 0, -0.5)))  # where an edge to or from a tag touches a box, in half-heights
LABELS = [0.42, 0.58]  # where on its way from word to word each transition of the path is labelled
CROSSES = [0.75, 0.25]  # and where the forbidden edge is crossed out


def between(start, end, share):
    """The point that has gone a share of the way."""
    return start.x + share * (end.x - start.x), start.y + share * (end.y - start.y)


def cross(ax, x, y, size=0.13):
    """A cross over something forbidden."""
    for sign in (-1, 1):
        ax.plot([x - size, x + size], [y - sign * size, y + sign * size], color=WRONG, linewidth=3.4, zorder=5)


def edges(ax, t, before, after):
    """All transitions from word t to the next word, the path's last."""
    for tag, left in before.items():
        for following, right in after.items():
            start, end = left.at(1, PORTS[following]), right.at(-1, PORTS[tag])
            if [tag, following] == PATH[t : t + 2]:
                arrow(ax, start, end, parameter=True)
                names = rf"\mathrm{{{tag[0]},{following[0]}}}"
                node(ax, *between(start, end, LABELS[t]), f"$A_{{{names}}}$", "parameter", 0.64, 0.4, SMALL)
            elif (tag, following) == ("O", "I-CITY"):
                arrow(ax, start, end, color=WRONG, dashed=True, scale=0.9)
                cross(ax, *between(start, end, CROSSES[t]))
            else:
                arrow(ax, start, end, color=FAINT, scale=0.8)


def tag_lattice():
    """A lattice with a column for each of the words visit, buenos, aires and a row for each of the tags O, B-CITY,
    I-CITY. Each node holds an emission score P, each edge from a column to the next is a transition score A. The path
    O, B-CITY, I-CITY is thick; its score is P_1,O + P_2,B + P_3,I + A_O,B + A_B,I. The edges from O to I-CITY are
    dashed, red and crossed out: forbidden."""
    ax = canvas(10, 4.2)
    for tag, y in TAGS.items():
        write(ax, 0.1, y, tag, ha="left", bold=True)
    columns = []
    for t, (x, word) in enumerate(zip(COLUMNS, WORDS), start=1):
        token(ax, x, 0.3, word)
        columns.append({})
        for tag, y in TAGS.items():
            label, strength = rf"$P_{{{t},\mathrm{{{tag[0]}}}}}$", 0.55 if tag == PATH[t - 1] else 0.12
            columns[-1][tag] = node(ax, x, y, label, "output", 1.0, 0.52, strength=strength)
    for t, (before, after) in enumerate(zip(columns, columns[1:])):
        edges(ax, t, before, after)
    p = " + ".join(rf"P_{{{t},\mathrm{{{tag[0]}}}}}" for t, tag in enumerate(PATH, start=1))
    a = " + ".join(rf"A_{{\mathrm{{{x[0]},{y[0]}}}}}" for x, y in zip(PATH, PATH[1:]))
    write(ax, 0.1, 3.9, "score of the thick path", ha="left")
    write(ax, 2.9, 3.9, f"$= {p} + {a}$", ha="left")
    write(ax, 8.75, 2.1, "forbidden:\nO → I-CITY", SMALL, WRONG, ha="left")
    return ax.figure
