"""Single input, multiple outputs: text from a label, a caption from a picture."""

from draw import canvas, sides, unrolled


def family_1_to_n():
    """One to many: the single input is the label French; the states write the name M, a, r, i, e letter by letter, and
    each letter is fed to the next step."""
    ax = canvas(10, 3.7)
    sides(ax, 0.4, "single", "multiple")
    unrolled(ax, 3.3, ["French", None, None, None, None], list("Marie"), feedback=True)
    return ax.figure
