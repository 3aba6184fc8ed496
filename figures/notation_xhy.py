"""The course's notation: x → h → y."""

from draw import SMALL, arrow, brace, canvas, loop, node, write


def notation_xhy():
    """An input x goes by weights W_xh into the state h, which loops into itself by weights W_hh; weights W_hy turn h
    into the output y. What makes h is the encoder, what reads h the decoder."""
    ax = canvas(10, 3.7)
    nodes = []
    for symbol, name, at in zip("xhy", ("input", "state", "output"), (1.6, 5, 8.4)):
        nodes.append(node(ax, at, 1.85, f"${symbol}$", name, 1.5, 0.9, size=30))
        write(ax, at, 1.13, name)
    x, h, y = nodes
    arrow(ax, x, h, "$W_{xh}$", parameter=True)
    arrow(ax, h, y, "$W_{hy}$", parameter=True)
    loop(ax, h, "$W_{hh}$", parameter=True)
    brace(ax, 0.85, 4.9, 0.8, "encoder")
    brace(ax, 5.1, 9.15, 0.8, "decoder")
    arrow(ax, (7.0, 3.25), (7.7, 3.25), parameter=True)
    write(ax, 7.85, 3.25, "parameters", SMALL, ha="left")
    return ax.figure
