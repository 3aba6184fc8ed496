"""Three ways to train on one long stream in pieces: what runs forward, and how far back the gradient reaches."""

from draw import COLOR, SMALL, arrow, brace, canvas, node, operation, write
from matplotlib.patches import Circle

T, WINDOWS = 4, 3
SIDE, PITCH, BORDER = 0.38, 0.58, 1.02
ROWS = {
    "state zeroed,\ngradient cut\n$k_1 = 4,\\ k_2 = 4$": 2.94,
    "state carried,\ngradient cut\n$k_1 = 4,\\ k_2 = 4$": 1.98,
    "every step:\n4 steps back\n$k_1 = 1,\\ k_2 = 4$": 1.02,
}


def place(number):
    """Where the step with this number stands: steps at equal distances, windows further apart."""
    return 2.34 + PITCH * (number - 1) + (BORDER - PITCH) * ((number - 1) // T)


def reach(ax, last, first, y, scale):
    """A backward pass: an arrow from the step where it starts to the last step that it reaches."""
    ax.add_patch(Circle((place(last), y), 0.065 * scale, color=COLOR["gradient"], linewidth=0))
    arrow(ax, (place(last), y), (place(first) - SIDE / 2, y), color="gradient", scale=scale)


def border(ax, before, after, row):
    """What leads from one window into the next: a fresh zero, a value without its gradient, or an ordinary step."""
    if row == 0:
        zero = operation(ax, after.x - 0.5, after.y, "0", radius=0.16)
        arrow(ax, zero, after, scale=0.5)
    else:
        arrow(ax, before, after, dashed=row == 1, scale=0.7)


def truncation():
    """Three rows over the same stream of twelve steps in three windows of four. In the first row every window starts
    from a state of zero, and the gradient runs from a window's end to its start. In the second row a dashed arrow hands
    the state to the next window, and the gradient still ends at the window's start. In the third row the forward chain
    has no borders; after every single step a backward pass goes back four steps, so the passes overlap."""
    ax = canvas(10, 4)
    for row, (name, y) in enumerate(ROWS.items()):
        write(ax, 0.1, y - 0.05, name, SMALL, ha="left")
        boxes = [operation(ax, place(1) - 0.5, y, "0", radius=0.16)]
        for t in range(1, T * WINDOWS + 1):
            boxes.append(node(ax, place(t), y, str(t), "state", SIDE, 0.42, SMALL, scale=0.75))
            if t > 1 and t % T == 1:
                border(ax, *boxes[-2:], row)
            else:
                arrow(ax, *boxes[-2:], scale=0.5)
            if row < 2 and t % T == 0:
                reach(ax, t, t - T + 1, y - 0.38, 0.9)
            elif row == 2:
                reach(ax, t, max(1, t - T + 1), y - 0.34 - 0.16 * (t % T), 0.6)
    for window in range(WINDOWS):
        left, right = place(T * window + 1) - SIDE / 2, place(T * window + T) + SIDE / 2
        brace(ax, left, right, 3.3, f"window {window + 1}", above=True)
    return ax.figure
