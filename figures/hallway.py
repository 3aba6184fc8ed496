"""A story of four sentences whose last word depends on the second sentence."""

from draw import MUTED, SMALL, TEXT, arrow, brace_right, canvas, token, tokens, width_of, write

STORY = ["John walked to the hallway.", "Mary walked in too.", "Daniel moved to the garden.", "John said 'Hi' to"]
ROWS = 3.5, 2.66, 1.82, 0.98
LEFT = 1.2


def hallway():
    """Four sentences, one per row, each word in a box: John walked to the hallway. Mary walked in too. Daniel moved to
    the garden. John said 'Hi' to, and an empty box. An arrow leads from the empty box back to Mary. At the right the
    words are counted: 4, 5 and 4, together 13 words from Mary to the empty box. Every further sentence like the third
    adds five words to the distance."""
    ax = canvas(10, 3.9)
    rows = []
    for number, (y, sentence) in enumerate(zip(ROWS, STORY)):
        first, *others = sentence.split()
        width = width_of(first) + 0.26
        rows.append(token(ax, LEFT + width / 2, y, first, "output" if number == 1 else "input", width=width))
        last = tokens(ax, LEFT + width + 0.14, y, others, gap=0.14)[-1]
        if number:
            write(ax, 7.1, y, f"{len(others) + 1} words", SMALL, MUTED, ha="right")
    blank = token(ax, last.at(1, 0).x + 0.6, y, "?", None, width=0.9)
    arrow(ax, blank, rows[1], via=[(blank.x, 0.3), (0.5, 0.3), (0.5, rows[1].y)], color="output")
    brace_right(ax, ROWS[3] - 0.24, ROWS[1] + 0.24, 7.28, "13 words", TEXT)
    write(ax, 7.56, 1.2, "each sentence\nlike the third:\n5 words more", SMALL, MUTED, ha="left")
    return ax.figure
