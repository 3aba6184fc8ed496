"""Single input, single output: a feed-forward network."""

from draw import canvas, pixels, sides, unrolled

SEVEN = ["#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."]


def family_1_to_1():
    """One to one: the picture of a digit is the single input x, a state h is made from it, and the single output y is
    the digit 7. No step follows another."""
    ax = canvas(10, 3.7)
    sides(ax, 0.4, "single", "single")
    (x,), _, _ = unrolled(ax, 5.6, [""], ["7"])
    pixels(ax, x.x - 0.95, x.y, SEVEN)
    return ax.figure
