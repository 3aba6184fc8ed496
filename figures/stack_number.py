"""A stack of bits in one number: three pushes on number lines."""

from draw import COLOR, MUTED, SMALL, TEXT, arrow, canvas, tint, token, write
from matplotlib.patches import Circle, Rectangle

PUSHED = [1, 0, 1]
LINES = [2.88, 2.2, 1.52, 0.84]
LEFT, WIDTH = 1.45, 4.6  # of the number line from 0 to 1
TOPS = {0: (1 / 4, "gate"), 1: (3 / 4, "parameter")}  # where the numbers begin whose top is this bit, and its colour


def push(s, b):
    """The number after a push of the bit b."""
    return s / 4 + (2 * b + 1) / 4


def pop(s):
    """The bit on top, and the number without it."""
    b = int(s >= 1 / 2)
    return b, 4 * s - (2 * b + 1)


def place(s):
    """Where a number stands on its line."""
    return LEFT + WIDTH * s


def number_line(ax, y, s):
    """The numbers from 0 to 1, the two quarters in which a stack that is not empty lies, and one number."""
    for start, color in TOPS.values():
        ax.add_patch(Rectangle((place(start), y - 0.13), WIDTH / 4, 0.26, color=tint(color, 0.45), linewidth=0))
    ax.plot([place(0), place(1)], [y, y], color=COLOR["ink"], linewidth=1.8)
    for quarter in range(5):
        ax.plot([place(quarter / 4)] * 2, [y - 0.09, y + 0.09], color=COLOR["ink"], linewidth=1.8)
    ax.add_patch(Circle((place(s), y), 0.1, facecolor=COLOR["state"], edgecolor="white", linewidth=1.4, zorder=4))


def stack_number():
    """Four number lines from 0 to 1. A stack of bits is one number s. The empty stack is 0. Push 1 gives 0.75, push 0
    then gives 0.4375, push 1 then gives 0.859375. If the top is 0, s lies between 1/4 and 1/2; if it is 1, between 3/4
    and 1. Rules: push b is s/4 + (2b+1)/4; the top is 1 if s is at least 1/2; pop is 4s - (2b+1)."""
    ax = canvas(10, 3.8)
    for x, name in ((0.1, "push"), (6.35, "number $s$"), (7.88, "stack, top first")):
        write(ax, x, 3.6, name, SMALL, ha="left", bold=True)
    for bit, (start, _) in TOPS.items():
        write(ax, place(start + 1 / 8), 3.6, f"top is {bit}", SMALL)
    for quarter in range(5):
        write(ax, place(quarter / 4), 3.24, f"{quarter / 4:g}", SMALL, MUTED)
    s, stack, above = 0, [], None
    for y, b in zip(LINES, [None, *PUSHED]):
        if b is None:
            write(ax, 0.1, y, "(empty)", SMALL, MUTED, ha="left")
            write(ax, 7.88, y, "(empty)", SMALL, MUTED, ha="left")
        else:
            before, s, stack = s, push(s, b), [b, *stack]
            arrow(ax, (place(before), above - 0.12), (place(s), y + 0.14), color="state")
            token(ax, 0.42, y, str(b), TOPS[b][1], TEXT, 0.44, 0.4)
        number_line(ax, y, s)
        write(ax, 6.35, y, f"{s:g}" if s == 0 else f"{s:.6f}".rstrip("0"), ha="left")
        for i, bit in enumerate(stack):
            token(ax, 8.1 + 0.5 * i, y, str(bit), TOPS[bit][1], TEXT, 0.44, 0.4)
        above = y
    for bit in stack:  # the rules give the bits back
        top, s = pop(s)
        assert top == bit
    assert s == 0
    write(ax, 0.1, 0.28, r"push $b$:  $s \leftarrow s/4 + (2b+1)/4$", ha="left")
    write(ax, 4.15, 0.28, r"top is 1 if $s \geq 1/2$", ha="left")
    write(ax, 6.9, 0.28, r"pop:  $s \leftarrow 4s - (2b+1)$", ha="left")
    return ax.figure
