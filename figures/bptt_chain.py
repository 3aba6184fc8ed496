"""The scalar recurrent network over three steps, with the factors of its backward path."""

from draw import SMALL, arrow, brace, canvas, node, write

STATE, WEIGHT, INPUT = 3.32, 1.88, 1.06
LANE = 0.14  # half the distance between a forward arrow and the backward arrow beside it


def bptt_chain():
    """A chain of scalar states s_0, s_1, s_2, s_3 and the output l_3. Forward arrows carry the weight W_S from state to
    state; each input x_k enters its state s_k by a copy of the weight W_I. Backward arrows carry the factors f'(s_3),
    g'(t_3) W_S, g'(t_2) W_S, and from each state s_k a branch with the factor g'(t_k) x_k leads to its copy of W_I. The
    sum of the three branches is the derivative of l_3 by W_I."""
    ax = canvas(10, 4)
    state = node(ax, 0.62, STATE, "$s_0$", "state", 0.78, 0.56)
    for k in (1, 2, 3):
        x = 2.55 + 2.25 * (k - 1)
        before, state = state, node(ax, x, STATE, f"$s_{k}$", "state", 0.78, 0.56)
        given = node(ax, x, INPUT, f"$x_{k}$", "input", 0.78, 0.5)
        arrow(ax, given, state._replace(height=0.56), parameter=True)
        weight = node(ax, x, WEIGHT, "$W_I$", "parameter", 0.86, 0.5)
        arrow(ax, *(box._replace(y=STATE + LANE) for box in (before, state)), parameter=True)
        write(ax, (before.x + x) / 2, STATE + LANE + 0.28, "$W_S$")
        right = [box._replace(x=x + 0.24) for box in (state, weight)]
        arrow(ax, *right, color="gradient")
        write(ax, x + 0.4, 2.5, f"$g'(t_{k})\\,x_{k}$", ha="left")
        if k > 1:
            arrow(ax, *(box._replace(y=STATE - LANE) for box in (state, before)), color="gradient")
            write(ax, (before.x + x) / 2, STATE - LANE - 0.28, f"$g'(t_{k})\\,W_S$")
    loss = node(ax, 9.05, STATE, "$l_3$", "output", 0.78, 0.56)
    arrow(ax, *(box._replace(y=STATE + LANE) for box in (state, loss)))
    arrow(ax, *(box._replace(y=STATE - LANE) for box in (loss, state)), color="gradient")
    write(ax, 8.05, STATE + LANE + 0.28, "$f$")
    write(ax, 8.05, STATE - LANE - 0.28, "$f'(s_3)$")
    write(ax, 0.24, 1.88, "along a path:\nmultiply;\nover the paths:\nadd", SMALL, ha="left")
    brace(ax, 2.0, 8.0, 0.7, "")
    write(ax, 5.0, 0.3, r"three branches: their sum is  $\partial l_3 / \partial W_I$")
    return ax.figure
