"""A bidirectional network asked for the next word: the backward chain has already read it."""

from draw import MUTED, WRONG, arrow, canvas, node, token, two_chains, write

INPUT, FORWARD, BACK, OUTPUT, TARGET = 0.36, 1.26, 2.14, 3.14, 3.84
WORDS = ["apple", "is", "a", "company", "."]
COLUMNS = [2.5 + 2 * i for i in range(4)]
STEP = 2  # the prediction into which the answer leaks


def leak():
    """A bidirectional network reads the words apple, is, a, company, and at each step is to predict the next word. A
    red path shows the leak at step 2: its target, the word a, is the input x_3; it enters the backward state of step 3,
    goes on to the backward state of step 2, and from there into the prediction of step 2."""
    ax = canvas(10, 4.2)
    rows = {"input": INPUT, "forward": FORWARD, "backward": BACK, "prediction": OUTPUT, "target": TARGET}
    for name, y in rows.items():
        write(ax, 0.1, y, name, ha="left", bold=True)
    inputs, outputs = [], []
    for t, (x, word, target) in enumerate(zip(COLUMNS, WORDS, WORDS[1:]), start=1):
        inputs.append(node(ax, x, INPUT, "", WRONG if t == STEP + 1 else "input", 1.7, 0.52))
        write(ax, x - 0.56, INPUT, f"$x_{t}$")
        write(ax, x + 0.2, INPUT, word, bold=t == STEP + 1)
        outputs.append(node(ax, x, OUTPUT, rf"$\hat{{y}}_{t}$", "output", 1.3, 0.52))
        if t == STEP:
            token(ax, x, TARGET, target, WRONG, width=0.9)
            write(ax, x + 0.55, TARGET, f"$= x_{t + 1}$", color=WRONG, ha="left")
        else:
            write(ax, x, TARGET, target, color=MUTED)
    forward, backward = two_chains(ax, COLUMNS, inputs, FORWARD, BACK)
    for states in (forward, backward):
        for state, output in zip(states, outputs):
            arrow(ax, state, output._replace(x=state.x))
    source, through, state, end = inputs[STEP], backward[STEP], backward[STEP - 1], outputs[STEP - 1]
    for a, b in ((source._replace(x=through.x), through), (through, state), (state, end._replace(x=state.x))):
        arrow(ax, a, b, parameter=True, color=WRONG, scale=1.25)
    return ax.figure
