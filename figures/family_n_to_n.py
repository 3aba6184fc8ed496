"""Multiple inputs, as many outputs: a tag for each word, at once."""

from draw import canvas, sides, unrolled


def family_n_to_n():
    """Many to many, aligned: each of the words I, like, cake gets its tag, PRON, VERB, NOUN, at the step that reads it,
    without delay."""
    ax = canvas(10, 3.7)
    sides(ax, 0.4, "multiple", "multiple")
    unrolled(ax, 4.45, ["I", "like", "cake"], ["PRON", "VERB", "NOUN"])
    return ax.figure
