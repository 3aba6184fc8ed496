"""A bidirectional network: two chains with weights of their own, joined at every step."""

from draw import BACKWARD, SMALL, TEXT, arrow, canvas, node, over, two_chains, write

INPUT, FORWARD, BACK, JOINED, OUTPUT = 0.36, 1.3, 2.24, 3.08, 3.88
WORDS = ["apple", "is", "a", "company"]
COLUMNS = [2.5 + 2 * i for i in range(len(WORDS))]


def birnn():
    """A bidirectional network over the words apple, is, a, company. One chain of states runs from left to right with
    its own matrix W_hh, a second chain from right to left with another matrix W_hh. Both read every input x_t. At each
    step the forward state and the backward state are joined to one vector, and from it, with weights of its own, the
    output y_t is computed."""
    ax = canvas(10, 4.2)
    rows = {"input": INPUT, "forward": FORWARD, "backward": BACK, "joined": JOINED, "output": OUTPUT}
    for name, y in rows.items():
        write(ax, 0.1, y, name, ha="left", bold=True)
    inputs = [node(ax, x, INPUT, "", "input", 1.7, 0.52) for x in COLUMNS]
    for t, (x, word) in enumerate(zip(COLUMNS, WORDS), start=1):
        write(ax, x - 0.56, INPUT, f"$x_{t}$")
        write(ax, x + 0.2, INPUT, word)
    for backward, states in enumerate(two_chains(ax, COLUMNS, inputs, FORWARD, BACK)):
        for before, after in zip(states, states[1:]):
            middle, color = (before.x + after.x) / 2, BACKWARD if backward else "input"
            x = middle + (-0.2 if backward else 0.2)  # beside the arrows upwards
            write(ax, x, before.y + 0.27, f"${over('W', 'hh', backward)}$", SMALL, color)
        for t, state in enumerate(states, start=1):
            half = node(ax, state.x, JOINED, f"${over('h', t, backward)}$", "state", 0.8, 0.44, TEXT, scale=0.75)
            arrow(ax, state, half)
    for t, x in enumerate(COLUMNS, start=1):
        output = node(ax, x, OUTPUT, f"$\\hat{{y}}_{t}$", "output", 0.8, 0.48)
        arrow(ax, (x, JOINED + 0.26), output, parameter=True, color="output")
    return ax.figure
