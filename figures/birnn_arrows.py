"""Which inputs reach the two states of step 2, with the arrows as their names say and with the arrows swapped."""

from draw import BACKWARD, FAINT, MUTED, TEXT, arrow, brace, canvas, node, over, write

UP, MIDDLE, DOWN = 2.48, 1.67, 0.86
PITCH, STEPS = 1.14, 4


def row(ax, xs, y, inputs, backward, leftwards):
    """One chain whose state 2 and all that reaches it are in colour; `backward` is its name, `leftwards` its way."""
    reach = range(2, STEPS + 1) if leftwards else range(1, 3)
    color = BACKWARD if backward else "parameter"
    states = []
    for t, (x, given) in enumerate(zip(xs, inputs), start=1):
        label, role = f"${over('h', t, backward)}$", "state" if t in reach else FAINT
        ink, strength = ("ink" if t in reach else MUTED), (0.5 if t == 2 else 0.15)
        states.append(node(ax, x, y, label, role, 0.66, 0.44, TEXT, strength=strength, color=ink))
        arrow(ax, given, states[-1], parameter=True, color=color if t in reach else FAINT)
    for t in range(1, STEPS):  # between the steps t and t + 1
        ends = (states[t], states[t - 1]) if leftwards else (states[t - 1], states[t])
        arrow(ax, *ends, parameter=True, color=color if {t, t + 1} <= set(reach) else FAINT)
    above = y > MIDDLE
    left, right = xs[reach[0] - 1] - 0.33, xs[reach[-1] - 1] + 0.33
    label = f"${over('h', 2, backward)}$ sums up ${', '.join(f'x_{t}' for t in reach)}$"
    brace(ax, left, right, y + (0.3 if above else -0.3), label, TEXT, above=above, depth=0.14)


def panel(ax, left, title, swapped):
    """Both chains over four inputs."""
    xs = [left + 0.62 + PITCH * i for i in range(STEPS)]
    write(ax, left + 2.3, 3.96, title, bold=True)
    write(ax, left + 2.3, 3.56, f"${over('h', 't')} = f(x_t, {over('h', 't+1' if swapped else 't-1')})$", TEXT)
    inputs = [node(ax, x, MIDDLE, f"$x_{t}$", "input", 0.66, 0.44, TEXT) for t, x in enumerate(xs, start=1)]
    row(ax, xs, UP, inputs, backward=False, leftwards=swapped)
    row(ax, xs, DOWN, inputs, backward=True, leftwards=not swapped)


def birnn_arrows():
    """Two panels with four inputs, a chain of forward states above them and a chain of backward states below; what
    reaches the states of step 2 is in colour. Left, as the names say: the forward state h_2 sums up x_1 and x_2, the
    backward state h_2 sums up x_2, x_3 and x_4. Right, with the arrows swapped, so that h_t is computed from h_(t+1) in
    the chain called forward: this forward state sums up x_2, x_3 and x_4, the backward state x_1 and x_2."""
    ax = canvas(10, 4.2)
    panel(ax, 0.1, "as the names say", False)
    panel(ax, 5.3, "arrows swapped", True)
    ax.plot([5, 5], [0.15, 4.05], color=FAINT, linewidth=1.4)
    return ax.figure
