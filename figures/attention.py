"""One step of attention: scores, softmax, weighted sum, output."""

import numpy as np
from draw import COLOR, MUTED, SMALL, TEXT, arrow, canvas, node, token, write

WORDS = ["three", "hundred", "twenty", "one"]
ROWS = [2.96, 2.37, 1.78, 1.19]
SCORES = np.array([0.5, 0.0, 1.5, 3.0])
WEIGHTS = np.exp(SCORES) / np.exp(SCORES).sum()
WORD, STATE, BUS, SCORE, SOFTMAX, WEIGHT, CONTEXT = 0.72, 1.96, 2.58, 3.4, 4.52, 5.08, 8.2
ASK, BOX = 0.36, 0.42  # the height of the decoder state, and of a box


def attention():
    """The decoder state s_t is compared with the encoder states h_1 to h_4 of: three hundred twenty one. Softmax turns
    the four scores 0.5, 0.0, 1.5, 3.0 into the weights alpha 0.06, 0.04, 0.16, 0.74. The context c_t is the sum of
    alpha_tj h_j, drawn as four lines as wide as their weights. The pair of s_t and c_t gives the output y-hat_t."""
    ax = canvas(10, 3.8)
    middle = (ROWS[0] + ROWS[-1]) / 2
    for x, name in ((WORD, "source"), (STATE, "states"), (SCORE, "scores"), (SOFTMAX, "softmax"), (5.66, "weights")):
        write(ax, x, 3.52, name, SMALL, bold=True)
    softmax = node(ax, SOFTMAX, middle, "", "ink", 0.34, ROWS[0] - ROWS[-1] + BOX, strength=0.08)
    for j, (y, word, score, weight) in enumerate(zip(ROWS, WORDS, SCORES, WEIGHTS), start=1):
        state = node(ax, STATE, y, f"$h_{j}$", "state", 0.66, BOX)
        compared = node(ax, SCORE, y, f"{score:.1f}", "ink", 0.76, BOX, TEXT, strength=0.08)
        arrow(ax, token(ax, WORD, y, word, height=BOX, width=1.16), state, parameter=True, scale=0.7)
        arrow(ax, state._replace(y=y + 0.09), compared._replace(y=y + 0.09))
        arrow(ax, (BUS, y - 0.11), (SCORE - 0.44, y - 0.11), color="state")
        arrow(ax, compared, softmax._replace(y=y))
        arrow(ax, softmax._replace(y=y), (WEIGHT - 0.04, y), color="gate")
        write(ax, WEIGHT, y, rf"$\alpha_{{t{j}}} = {weight:.2f}$", TEXT, ha="left")
        ends = [6.46, CONTEXT - 0.3], [y, middle + 0.16 * (y - middle)]
        ax.plot(*ends, color=COLOR["gate"], linewidth=30 * weight, solid_capstyle="butt", zorder=1)
    context = node(ax, CONTEXT, middle, "$c_t$", "state", 0.8, 0.56)
    write(ax, CONTEXT + 0.25, 2.98, r"$c_t = \sum_j\, \alpha_{tj}\, h_j$", SMALL + 3)
    write(ax, CONTEXT + 0.56, middle, "context", SMALL, ha="left")
    asking = node(ax, SCORE, ASK, "$s_t$", "state", 0.76, 0.46, strength=0.5)
    bus = [SCORE - 0.44, BUS, BUS], [ASK, ASK, ROWS[0] - 0.11]
    ax.plot(*bus, color=COLOR["state"], linewidth=2.2, solid_joinstyle="round", zorder=1)
    write(ax, 0.1, ASK, "decoder state: asks", SMALL, ha="left")
    halves = [node(ax, CONTEXT + dx, ASK, name, "state", 0.8, 0.46, strength=strength)
              for dx, name, strength in ((-0.8, "$s_t$", 0.5), (0, "$c_t$", 0.2))]  # fmt: skip
    arrow(ax, asking, halves[0])
    arrow(ax, context, halves[1])
    output = node(ax, 9.5, ASK, r"$\hat{y}_t$", "output", 0.76, 0.5)
    arrow(ax, halves[1], output, parameter=True)
    write(ax, 5.4, ASK + 0.22, "and goes on to the output", SMALL, MUTED)
    return ax.figure
