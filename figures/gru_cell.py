"""One step of a gated recurrent unit, in the convention where a small update gate keeps the state."""

from draw import GAP, INK, SMALL, TEXT, arrow, canvas, node, operation, write
from matplotlib.patches import Circle

HIGH, MIDDLE, INPUT, LOW = 3.86, 2.4, 1.54, 0.68  # heights: the line of h, the gates, x, the candidate
R, X, GATE, U, SUM = 1.5, 3.45, 5.4, 6.55, 8.3  # columns


def gru_cell():
    """One step of a GRU. The joined [x_t; h_{t-1}] feeds the reset gate r by W_r and the update gate u by W_u, each
    with a sigmoid. The product of r and h_{t-1} is joined with x_t and feeds the candidate h-tilde by W_h and tanh. The
    state h_{t-1} runs along the top and is multiplied by 1 - u, the candidate runs along the bottom and is multiplied
    by u; the sum of both is h_t."""
    ax = canvas(10, 4.4)
    size = {"height": 0.52, "size": TEXT}
    before = node(ax, 0.62, HIGH, "$h_{t-1}$", "state", 1.0, **size)
    after = node(ax, 9.45, HIGH, "$h_t$", "state", 0.9, **size)
    given = node(ax, X, INPUT, "$x_t$", "input", 0.9, **size)
    both = node(ax, X, MIDDLE, r"$[x_t;\,h_{t-1}]$", "ink", 1.36, strength=0, **size)
    again = node(ax, X, LOW, r"$[x_t;\,r \odot h_{t-1}]$", "ink", 1.96, strength=0, **size)
    reset = node(ax, R, MIDDLE, r"$\sigma$", "gate", 0.9, **size)
    update = node(ax, GATE, MIDDLE, r"$\sigma$", "gate", 0.9, **size)
    candidate = node(ax, GATE, LOW, "tanh", "gate", 0.9, **size)
    forget, keep, use = (operation(ax, x, y, "×") for x, y in [(R, LOW), (U, HIGH), (U, LOW)])
    rest, add = operation(ax, U, 3.06, "1−", radius=0.25), operation(ax, SUM, HIGH, "+")

    for start, end, x, y, weights in [
        (both, reset, 2.4, MIDDLE, "r"),
        (both, update, 4.5, MIDDLE, "u"),
        (again, candidate, 4.65, LOW, "h"),
    ]:
        arrow(ax, start, end, parameter=True)
        write(ax, x, y + 0.3, f"$W_{weights}$")
    for start, end, via in [
        (before, keep, ()),
        (keep, add, ()),
        (add, after, ()),
        ((X, HIGH), both, ()),
        (given, both, ()),
        (given, again, ()),
        (before, forget, [(before.x, LOW)]),
        (reset, forget, ()),
        (forget, again, ()),
        ((U, MIDDLE), rest, ()),
        ((U, MIDDLE), use, ()),
        (rest, keep, ()),
        (candidate, use, ()),
        (use, add, [(SUM, LOW)]),
    ]:
        arrow(ax, start, end, via=via)
    ax.plot([update.at(1, 0).x + GAP, U], [MIDDLE, MIDDLE], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=2)
    for tap in [(X, HIGH), (U, MIDDLE)]:
        ax.add_patch(Circle(tap, 0.07, color=INK, linewidth=0, zorder=3))

    write(ax, R, MIDDLE + 0.45, "reset gate", SMALL)
    write(ax, GATE, MIDDLE + 0.45, "update gate", SMALL)
    write(ax, GATE, LOW - 0.45, "candidate", SMALL)
    write(ax, R + 0.14, INPUT, "$r$", ha="left")
    write(ax, 6.2, MIDDLE + 0.2, "$u$")
    write(ax, 6.1, LOW + 0.3, r"$\tilde{h}$")
    write(ax, 7.43, HIGH + 0.27, r"$(1 - u) \odot h_{t-1}$", SMALL)
    write(ax, 7.43, LOW + 0.3, r"$u \odot \tilde{h}$")
    return ax.figure
