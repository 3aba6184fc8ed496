"""Two more uses of an encoder and a decoder: summarisation, and the description of a sequence of events."""

from draw import BACKWARD, FAINT, MUTED, SMALL, arrow, brace, canvas, ellipsis, node, write

INPUT, STATE, OUTPUT = 1.18, 1.9, 2.62
PITCH, WRITTEN = 0.385, 3
HAND_OVER = 0.16  # more room before the first decoder state


def encoder(ax, left, labels):
    """Many inputs, a state for each; returns the states. A label of None stands for the dots."""
    states = []
    for t, label in enumerate(labels):
        x = left + PITCH * t
        if label is None:
            ellipsis(ax, x, INPUT)
            ellipsis(ax, x, STATE)
            continue
        states.append(node(ax, x, STATE, "", "state", 0.22, 0.34, scale=0.7))
        given = node(ax, x, INPUT, label, "input", 0.33, 0.36, SMALL, scale=0.7)
        arrow(ax, given, states[-1], parameter=True, scale=0.7)
    for before, after in zip(states, states[1:]):
        if after.x - before.x < 1.5 * PITCH:
            arrow(ax, before, after, parameter=True, scale=0.5)
    return states


def decoder(ax, before, widths):
    """Few outputs, a state for each; returns the outputs."""
    outputs, left = [], before.x + PITCH + HAND_OVER
    for t, width in enumerate(widths):
        state = node(ax, left + PITCH * t, STATE, "", "state", 0.22, 0.34, scale=0.7)
        outputs.append(node(ax, state.x, OUTPUT, "", "output", width, 0.3, scale=0.7))
        arrow(ax, before, state, parameter=True, scale=0.5, color=BACKWARD)
        arrow(ax, state, outputs[-1], parameter=True, scale=0.7, color=BACKWARD)
        before = state
    return outputs


def panel(ax, left, title, labels, read, written):
    """One use: what is read below, what is written above."""
    write(ax, left + 2.32, 3.58, title, bold=True)
    states = encoder(ax, left + 0.26, labels)
    outputs = decoder(ax, states[-1], [0.32] * WRITTEN)
    brace(ax, left + 0.06, states[-1].x + 0.2, 0.9, read, SMALL)
    brace(ax, outputs[0].x - 0.2, outputs[-1].x + 0.2, 2.86, written, SMALL, above=True)
    write(ax, left + 1.3, 2.78, "not given: which\ninputs belong to\nwhich output", SMALL, MUTED)


def summarisation():
    """Two panels, each with a long encoder chain, dots in its midst, and a short decoder chain. Left, summarisation:
    many words of a document are read, few words of a summary are written. Right, sequential description: many events
    or frames, numbered 1 to n, are read, the words of a few sentences are written. In neither is it given which
    inputs belong to which output."""
    ax = canvas(10, 3.8)
    dots = [None]
    panel(ax, 0.1, "summarisation", [""] * 5 + dots + [""] * 2, "a document:\nmany words", "a short text")
    numbers = ["1", "2", "3", "4", "5", *dots, "", "$n$"]
    panel(ax, 5.2, "sequential description", numbers, "moves of a game,\nor frames of a film", "sentences")
    ax.plot([5, 5], [0.15, 3.7], color=FAINT, linewidth=1.4)
    return ax.figure
