"""The factors of a sentence's probability: chain rule, and bigram truncation."""

from draw import MUTED, SMALL, canvas, token, width_of, write

WORDS = ["BOS", "natural", "language", "processing", "EOS"]


def staircase(ax, left, title, memory):
    """A row per factor: the predicted word green, the `memory` words it is given blue, those it ignores grey."""
    write(ax, left, 3.35, title, ha="left", bold=True)
    for row in range(1, len(WORDS)):
        edge = left
        for i, word in enumerate(WORDS[: row + 1]):
            width, y = width_of(word, SMALL) + 0.16, 3.4 - 0.57 * row
            role = "output" if i == row else "input"
            if i >= row - memory:
                token(ax, edge + width / 2, y, word, role, SMALL, width)
            else:
                write(ax, edge + width / 2, y, word, SMALL, MUTED)
            edge += width + 0.06


def markov_chain_rule():
    """Two staircases of the words BOS natural language processing EOS. By the chain rule each word is predicted from
    all words before it; in the bigram model from the one word before it alone."""
    ax = canvas(10, 3.7)
    staircase(ax, 0.2, "chain rule", memory=len(WORDS))
    staircase(ax, 5.25, "bigram", memory=1)
    token(ax, 3.6, 0.38, "given", "input", SMALL)
    token(ax, 5, 0.38, "predicted", "output", SMALL)
    write(ax, 6.4, 0.38, "ignored", SMALL, MUTED)
    return ax.figure
