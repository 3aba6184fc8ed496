"""One headline, two readings: parts of speech, spans and BIO tags of both."""

from draw import MUTED, SMALL, TEXT, canvas, node, token, write

WORDS = ["British", "Left", "Waffles", "on", "Falkland", "Islands"]
COLUMNS = [2.06 + 1.42 * i for i in range(6)]
MIDDLE = 2.08
PARTS = {"A": "ADJ NOUN VERB ADP PROPN PROPN", "B": "PROPN VERB NOUN ADP PROPN PROPN"}
SPANS = {"A": [(0, 1, "ORG"), (4, 5, "LOC")], "B": [(0, 0, "NORP"), (4, 5, "LOC")]}  # first word, last word, kind
MEANINGS = {"A": "the Left, a party, waffles (talks at length)", "B": "the British left their waffles"}
ROLES = {"ORG": "state", "NORP": "gate", "LOC": "output"}


def bio(spans):
    """The BIO tag of each word."""
    tags = ["O"] * len(WORDS)
    for first, last, kind in spans:
        tags[first : last + 1] = [f"B-{kind}", *[f"I-{kind}"] * (last - first)]
    return tags


def headline_readings():
    """The headline British Left Waffles on Falkland Islands with two readings. Reading A, the Left, a party, waffles:
    ADJ NOUN VERB ADP PROPN PROPN; British Left is an organisation, Falkland Islands a location; B-ORG I-ORG O O B-LOC
    I-LOC. Reading B, the British left their waffles: PROPN VERB NOUN ADP PROPN PROPN; British is a NORP, a nationality,
    Falkland Islands a location; B-NORP O O O B-LOC I-LOC. What differs is in bold."""
    ax = canvas(10, 4.2)
    for x, word in zip(COLUMNS, WORDS):
        token(ax, x, MIDDLE, word, width=1.3)
    parts = {name: tags.split() for name, tags in PARTS.items()}
    chunks = {name: bio(spans) for name, spans in SPANS.items()}
    for name, side in (("A", 1), ("B", -1)):
        span, line, part, head = (MIDDLE + side * d for d in (0.56, 1.0, 1.36, 1.82))
        write(ax, 0.1, head, f"Reading {name}: {MEANINGS[name]}", ha="left", bold=True)
        for y, label in ((span, "span"), (line, "BIO"), (part, "tag")):
            write(ax, 0.1, y, label, TEXT, MUTED, ha="left")
        for first, last, kind in SPANS[name]:
            left, right = COLUMNS[first] - 0.65, COLUMNS[last] + 0.65
            node(ax, (left + right) / 2, span, kind, ROLES[kind], right - left, 0.38, SMALL, scale=0.75)
        for y, rows in ((line, chunks), (part, parts)):
            for i, x in enumerate(COLUMNS):
                write(ax, x, y, rows[name][i], SMALL, bold=rows["A"][i] != rows["B"][i])
    return ax.figure
