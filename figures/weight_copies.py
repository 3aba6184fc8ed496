"""A recurrent network over 128 steps with one copy of a matrix per step, and the gradient that reaches each copy."""

from draw import FAINT, SMALL, TEXT, Node, arrow, canvas, ellipsis, node, tint, write
from matplotlib.patches import Rectangle

STATE, COPY, INPUT, FILM = 3.42, 2.2, 1.42, 0.5
STEPS = {1: 0.8, 2: 2.6, 127: 6.0, 128: 7.8}  # the steps that are drawn, and where
LEFT = {1: 0.12, 2: 0.22, 126: 0.5, 127: 0.7, 128: 1}  # how strong the gradient is drawn there
LANE = 0.13


def frame(ax, x, share):
    """One picture of the film: a bar as high as the share of the gradient that is left."""
    ax.add_patch(Rectangle((x - 0.62, FILM - 0.34), 1.24, 0.68, facecolor="white", edgecolor=FAINT, linewidth=1.4))
    shade = tint("gradient", 0.3 + 0.7 * share)
    ax.add_patch(Rectangle((x - 0.16, FILM - 0.28), 0.32, 0.56 * share**1.5, color=shade, linewidth=0))


def back(ax, start, end, step):
    """A backward arrow, as pale and thin as little of the gradient is left at the step."""
    share = LEFT[step]
    arrow(ax, start, end, color=tint("gradient", 0.3 + 0.7 * share), scale=0.5 + 0.6 * share)


def weight_copies():
    """A recurrent network unrolled over 128 steps; drawn are the steps 1, 2, 127 and 128. Every step has its own copy
    of the matrix W_xh, numbered 1 to 128, between the input x_t and the state h_t. An error J enters at step 128 only.
    Its gradient runs back from state to state and down to each copy, in arrows that grow thinner and paler. Below, a
    film has one picture per copy: a bar, the norm of the copy's gradient, lower the further back the step."""
    ax = canvas(10, 3.9)
    states = {}
    ax.add_patch(Rectangle((0.04, FILM - 0.44), 9.92, 0.88, color="#F3F3F3", linewidth=0, zorder=0))
    for t, x in STEPS.items():
        states[t] = state = node(ax, x, STATE, f"$h_{{{t}}}$", "state", 0.9, 0.56)
        given = node(ax, x, INPUT, f"$x_{{{t}}}$", "input", 0.9, 0.5)
        arrow(ax, given, state, parameter=True)
        copy = node(ax, x, COPY, f"$W_{{xh}}^{{({t})}}$", "parameter", 1.14, 0.56, TEXT)
        back(ax, state._replace(x=x + 0.28), copy._replace(x=x + 0.28), t)
        frame(ax, x, LEFT[t])
    after, before = Node(4.0, STATE), Node(4.6, STATE)  # the ends of the row of dots
    chain = [states[1], states[2], after, before, states[127], states[128]]
    for a, b, t in zip(chain, chain[1:], (1, 2, 0, 126, 127)):
        if not t:  # the dots
            continue
        arrow(ax, *(box._replace(y=STATE + LANE) for box in (a, b)), parameter=True)
        back(ax, *(box._replace(y=STATE - LANE) for box in (b, a)), t)
    error = node(ax, 9.35, STATE, "$J$", "ink", 0.8, 0.56)
    arrow(ax, *(box._replace(y=STATE + LANE) for box in (states[128], error)))
    back(ax, *(box._replace(y=STATE - LANE) for box in (error, states[128])), 128)
    write(ax, 9.28, 2.45, "the only\nerror", SMALL)
    for y in (STATE, COPY, INPUT, FILM):
        ellipsis(ax, 4.3, y)
    write(ax, 9.22, FILM, "one norm\nper copy", SMALL)
    return ax.figure
