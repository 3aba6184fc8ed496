"""One step of a gated recurrent unit, in the convention where a large update gate keeps the state."""

from draw import GAP, INK, SMALL, TEXT, arrow, canvas, node, operation, write
from matplotlib.patches import Circle

HIGH, MIDDLE, INPUT, LOW = 3.86, 2.4, 1.54, 0.68  # heights: the line of h, the gates, x, the candidate
R, X, GATE, Z, SUM = 1.5, 3.45, 5.4, 6.55, 8.3  # columns


def gru_cell():
    """One step of a GRU. The joined [x_t; h_{t-1}] feeds the reset gate r by W_r and the update gate z by W_z, each
    with a sigmoid. The state h_{t-1} goes through U_n and is multiplied by r; x_t goes through W_n and is added; tanh
    of the sum is the candidate n. The state h_{t-1} runs along the top and is multiplied by z, the candidate runs along
    the bottom and is multiplied by 1 - z; the sum of both is h_t."""
    ax = canvas(10, 4.4)
    size = {"height": 0.52, "size": TEXT}
    before = node(ax, 0.62, HIGH, "$h_{t-1}$", "state", 1.0, **size)
    after = node(ax, 9.45, HIGH, "$h_t$", "state", 0.9, **size)
    given = node(ax, X, INPUT, "$x_t$", "input", 0.9, **size)
    both = node(ax, X, MIDDLE, r"$[x_t;\,h_{t-1}]$", "ink", 1.36, strength=0, **size)
    reset = node(ax, R, MIDDLE, r"$\sigma$", "gate", 0.9, **size)
    update = node(ax, GATE, MIDDLE, r"$\sigma$", "gate", 0.9, **size)
    candidate = node(ax, GATE, LOW, "tanh", "gate", 0.9, **size)
    forget, keep, use = (operation(ax, x, y, "×") for x, y in [(R, LOW), (Z, HIGH), (Z, LOW)])
    join, rest, add = (
        operation(ax, X, LOW, "+"),
        operation(ax, Z, INPUT, "1−", radius=0.25),
        operation(ax, SUM, HIGH, "+"),
    )

    for start, end, x, y, weights, via in [
        (both, reset, 2.4, MIDDLE + 0.3, "W_r", ()),
        (both, update, 4.5, MIDDLE + 0.3, "W_z", ()),
        (before, forget, 0.94, LOW + 0.3, "U_n", [(before.x, LOW)]),
        (given, join, X + 0.42, (INPUT + LOW) / 2, "W_n", ()),
    ]:
        arrow(ax, start, end, parameter=True, via=via)
        write(ax, x, y, f"${weights}$")
    for start, end, via in [
        (before, keep, ()),
        (keep, add, ()),
        (add, after, ()),
        ((X, HIGH), both, ()),
        (given, both, ()),
        (reset, forget, ()),
        (forget, join, ()),
        (join, candidate, ()),
        ((Z, MIDDLE), keep, ()),
        ((Z, MIDDLE), rest, ()),
        (rest, use, ()),
        (candidate, use, ()),
        (use, add, [(SUM, LOW)]),
    ]:
        arrow(ax, start, end, via=via)
    ax.plot([update.at(1, 0).x + GAP, Z], [MIDDLE, MIDDLE], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=2)
    for tap in [(X, HIGH), (Z, MIDDLE)]:
        ax.add_patch(Circle(tap, 0.07, color=INK, linewidth=0, zorder=3))

    write(ax, R, MIDDLE + 0.45, "reset gate", SMALL)
    write(ax, GATE, MIDDLE + 0.45, "update gate", SMALL)
    write(ax, GATE, LOW - 0.45, "candidate", SMALL)
    write(ax, R + 0.14, INPUT, "$r$", ha="left")
    write(ax, 6.2, MIDDLE + 0.2, "$z$")
    write(ax, 6.1, LOW + 0.3, "$n$")
    write(ax, 7.43, HIGH + 0.27, r"$z \odot h_{t-1}$", SMALL)
    write(ax, 7.5, LOW + 0.3, r"$(1 - z) \odot n$", SMALL)
    return ax.figure
