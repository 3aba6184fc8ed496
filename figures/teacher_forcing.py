"""What a decoder reads next: the true word (teacher forcing), or its own output (free running)."""

from draw import FAINT, MUTED, SMALL, TEXT, WRONG, arrow, canvas, node, token, write

TRUE = ["The", "cat", "is", "on", "the"]
COLUMNS = [1.62 + 1.2 * t for t in range(5)]
INPUT, STATE, OUTPUT, TARGET = 0.2, 0.77, 1.34, 1.69  # heights above a panel's foot


def panel(ax, foot, outputs, forced):
    """A decoder of five steps; what differs from the truth is red, dashed arrows say where the next input is from."""
    for y, name in zip((INPUT, STATE, OUTPUT, TARGET), ("input", "state", "output", "target")):
        write(ax, 0.1, foot + y, name, SMALL, ha="left", bold=True)
    given, before = ["BOS", *(TRUE if forced else outputs)], None
    truth = ["BOS", *TRUE]
    sources = []
    for t, x in enumerate(COLUMNS):
        style = {"size": SMALL, "width": 0.66, "height": 0.3}
        wrong = [word != true for word, true in ((given[t], truth[t]), (outputs[t], TRUE[t]))]
        read = token(ax, x, foot + INPUT, given[t], WRONG if wrong[0] else "input", **style)
        state = node(ax, x, foot + STATE, f"$s_{t + 1}$", "state", 0.66, 0.3, SMALL, scale=0.8)
        made = token(ax, x, foot + OUTPUT, outputs[t], WRONG if wrong[1] else "output", **style)
        true = token(ax, x, foot + TARGET, TRUE[t], MUTED, **style)
        arrow(ax, read, state, parameter=True, scale=0.6)
        arrow(ax, state, made, parameter=True, scale=0.6)
        if before:
            arrow(ax, before, state, parameter=True, scale=0.6)
            source, middle = sources[-1], x - 0.6
            color = WRONG if wrong[0] else "ink"
            arrow(ax, source, read, dashed=True, color=color, via=[(middle, source.y), (middle, read.y)])
        before = state
        sources.append(true if forced else made)


def teacher_forcing():
    """Two decoders of five steps that should write: The cat is on the. Top, teacher forcing: the inputs are the true
    words BOS The cat is on; dashed arrows lead from each target to the next input. The decoder writes dog for cat, and
    the next input is still cat. Bottom, free running: dashed arrows lead from each output to the next input. The
    decoder writes dog, reads dog, and goes on with other words: barks at me."""
    ax = canvas(10, 3.82)
    panel(ax, 1.96, ["The", "dog", "is", "on", "the"], forced=True)
    panel(ax, 0, ["The", "dog", "barks", "at", "me"], forced=False)
    ax.plot([0.1, 9.9], [1.92, 1.92], color=FAINT, linewidth=1.4)
    for foot, title, text in (
        (1.96, "teacher forcing", "the next input\nis the true word:\nthe mistake is not read"),
        (0, "free running", "the next input\nis the output:\nthe mistake is read,\nand more follow"),
    ):
        write(ax, 7.25, foot + 1.56, title, TEXT, ha="left", bold=True)
        write(ax, 7.25, foot + (0.86 if foot else 0.74), text, SMALL, ha="left")
    return ax.figure
