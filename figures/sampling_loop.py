"""How a character LSTM writes: scores, probabilities, a draw, and the drawn character is the next input."""

import math

from draw import COLOR, MUTED, SMALL, TEXT, arrow, canvas, loop, node, tint, token, write
from matplotlib.patches import Circle, Rectangle

WRITTEN, DRAWN = "def i", "s"
SCORES = {"n": 2.2, "s": 1.8, "t": 0.9, "d": 0.3}  # the others of the alphabet are not drawn
OTHERS = [-2.0] * 20
TOTAL = sum(math.exp(score) for score in [*SCORES.values(), *OTHERS])
ROW, LINE, PITCH = 1.8, 2.42, 0.34  # heights of the loop and of the first bar; distance between bars
OUT = 9.42


def shown(character):
    """A character as it is drawn: a space must be seen."""
    return "␣" if character == " " else character


def bars(ax, x, title, values, inches, numbers=False):
    """A bar for each character, as long as its value, and the value behind it if numbers; the drawn one is filled."""
    write(ax, x + 0.5, 2.94, title, SMALL, bold=True)
    for i, (character, value) in enumerate(values.items()):
        y, color = LINE - PITCH * i, "output" if character == DRAWN else "baseline"
        style = {"facecolor": tint(color, 0.55), "edgecolor": COLOR[color], "linewidth": 1.6}
        write(ax, x - 0.14, y, character, SMALL)
        ax.add_patch(Rectangle((x + 0.06, y - 0.12), inches * value, 0.24, **style))
        if numbers:
            write(ax, x + 0.14 + inches * value, y, f"{value:.2f}", SMALL, ha="left")
    write(ax, x - 0.14, LINE - PITCH * len(values), "…", SMALL)


def die(ax, x, y, side=0.62):
    """A die that shows five."""
    box = node(ax, x, y, "", "gate", side, side, strength=0.3)
    for dx, dy in ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        ax.add_patch(Circle((x + 0.25 * side * dx, y + 0.25 * side * dy), 0.055, color=COLOR["ink"], zorder=4))
    return box


def sampling_loop():
    """A loop in which a character LSTM writes. It has written def i, and reads the i. The LSTM, whose state goes round
    to the next step, gives scores; divided by T they go through the softmax: n 0.42, s 0.28, t 0.11, d 0.06 and others.
    A die draws the s, though n is likelier. The s is added to the text, and a dashed arrow leads it back to the input:
    the drawn character is the next input."""
    ax = canvas(10, 3.8)
    given = token(ax, 0.5, ROW, WRITTEN[-1], "input", TEXT, 0.5, 0.5)
    lstm = node(ax, 1.76, ROW, "LSTM", "state", 1.06, 0.72, TEXT)
    arrow(ax, given, lstm, parameter=True)
    loop(ax, lstm, parameter=True)
    write(ax, 1.76, 2.94, "state", SMALL, "state", bold=True)
    arrow(ax, lstm, (2.96, ROW), parameter=True)
    bars(ax, 3.24, "scores", SCORES, 0.42)
    arrow(ax, (4.44, ROW), (5.6, ROW))
    write(ax, 5.0, ROW + 0.32, "÷ $T$", TEXT)
    write(ax, 5.0, ROW - 0.28, "softmax", SMALL)
    bars(ax, 5.92, "probabilities", {c: math.exp(score) / TOTAL for c, score in SCORES.items()}, 1.7, numbers=True)
    box = die(ax, 8.22, ROW)
    arrow(ax, (7.34, ROW), box)
    write(ax, 8.22, ROW - 0.54, "draw", SMALL, bold=True)
    drawn = token(ax, OUT, ROW, DRAWN, "output", TEXT, 0.5, 0.5)
    arrow(ax, box, drawn)
    for i, character in enumerate(reversed(WRITTEN), start=1):
        token(ax, OUT - 0.5 * i, 3.46, shown(character), MUTED, TEXT, 0.42, 0.44)
    arrow(ax, drawn, token(ax, OUT, 3.46, DRAWN, "output", TEXT, 0.42, 0.44))
    write(ax, OUT - 2.84, 3.46, "the text so far", SMALL, ha="right")
    arrow(ax, drawn, given, dashed=True, color="output", scale=1.5, via=[(OUT, 0.62), (0.5, 0.62)])
    write(ax, (OUT + 0.5) / 2, 0.3, "the drawn character is the next input", TEXT, "output", bold=True)
    return ax.figure
