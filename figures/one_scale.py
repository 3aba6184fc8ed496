"""Words and characters on one scale: both costs are divided by the same number of characters."""

from draw import FAINT, MUTED, SMALL, TEXT, brace, canvas, token, write

WORDS = ["the", "cat", "sat", "EOS"]
CHARACTERS = [*" ".join(WORDS[:-1]), WORDS[-1]]
LEFT, PITCH, LAST = 0.12, 0.535, 0.68  # the first edge, the width of a column and of the last one
RIGHT = 8.36  # middle of the sums
WORDS_AT, CHARACTERS_AT = 2.5, 1.46


def spans():
    """For each word the columns that it takes, from and to; a word that another follows takes its space along."""
    start = 0
    for word in WORDS:
        columns = 1 if word == "EOS" else len(word) + (word in WORDS[:-2])
        yield word, start, start + columns
        start += columns


def one_scale():
    """The text: the cat sat. Above, a cost for each word, a_1 to a_3, and a_4 for the end; the costs of the and of cat
    span the word and its space. Below, a cost for each of the eleven characters and for the end, b_1 to b_12. Both sums
    are divided by 12, eleven characters and the end, and give bits per character. A cost is minus log2 p."""
    ax = canvas(10, 3.6)
    edges = [LEFT + PITCH * i for i in range(len(CHARACTERS))]
    edges.append(edges[-1] + LAST)
    middles = [(left + right) / 2 for left, right in zip(edges, edges[1:])]
    for number, (word, start, end) in enumerate(spans(), start=1):
        left, right = edges[start] + 0.03, edges[end] - 0.03
        box = token(ax, (left + right) / 2, WORDS_AT, "", "input", width=right - left, height=0.46)
        own = end - start - (word in WORDS[:-2])  # columns without the space
        write(ax, (edges[start] + edges[start + own]) / 2, WORDS_AT, word, SMALL if own == 1 else TEXT)
        if own < end - start:
            write(ax, middles[end - 1], WORDS_AT, "␣", TEXT, MUTED)
        brace(ax, left, right, box.at(0, 1).y + 0.1, f"$a_{number}$", 20, above=True)
        if number < len(WORDS):
            ax.plot([edges[end]] * 2, [WORDS_AT - 0.3, CHARACTERS_AT + 0.3], ":", color=FAINT, linewidth=2.4)
    n = len(CHARACTERS)
    for i, (x, character) in enumerate(zip(middles, CHARACTERS), start=1):
        width = (PITCH if i < n else LAST) - 0.06
        token(ax, x, CHARACTERS_AT, character.replace(" ", "␣"), "input", SMALL, width, 0.46)
        write(ax, x, CHARACTERS_AT - 0.48, f"$b_{{{i}}}$", TEXT)
    write(ax, RIGHT, WORDS_AT, rf"$(a_1 + \cdots + a_4)\,/\,{n}$", 20)
    write(ax, RIGHT, CHARACTERS_AT, rf"$(b_1 + \cdots + b_{{{n}}})\,/\,{n}$", 20)
    write(ax, RIGHT, (WORDS_AT + CHARACTERS_AT) / 2, "both in bits per character", SMALL, bold=True)
    write(ax, RIGHT, 3.2, "words: one cost for a word\nand the space after it", SMALL, MUTED)
    write(ax, RIGHT, CHARACTERS_AT - 0.48, "characters: one cost each", SMALL, MUTED)
    write(ax, LEFT, 0.3, r"a cost: $-\log_2\,p$, in bits", ha="left")
    write(ax, 9.86, 0.3, f"{n} = {n - 1} characters + 1 for the end", ha="right")
    return ax.figure
