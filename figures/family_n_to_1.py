"""Multiple inputs, single output: one label for a document."""

from draw import canvas, sides, unrolled


def family_n_to_1():
    """Many to one: the words what, a, fine, film enter one after the other; only the last state gives an output, the
    label positive."""
    ax = canvas(10, 3.7)
    sides(ax, 0.4, "multiple", "single")
    unrolled(ax, 3.9, ["what", "a", "fine", "film"], [None, None, None, "positive"])
    return ax.figure
