"""What is asked for becomes the first state; from there an LSTM writes, by the same code for each kind."""

from draw import FAINT, MUTED, SMALL, TEXT, arrow, brace, canvas, ellipsis, node, token, write
from matplotlib.colors import to_rgb

ASKED = "#c0737a"  # the colour that XKCD's survey named dusty rose
NAME = "dusty rose"
ROWS = 3.0, 2.0, 1.0  # heights of the three requests
REQUEST, FIRST = 1.08, 4.28
WIDTH, HEIGHT = 1.86, 0.62  # of a request's box
STEPS = [0, 1, 2, 3, None, 9, 10]  # of the eleven; None stands for those between
COLUMNS = [5.42 + 0.71 * i for i in range(len(STEPS))]
INPUT, STATE, OUTPUT = 1.08, 2.0, 2.92


def requests(ax):
    """Three kinds of request, one below the other; returns their boxes."""
    colour = node(ax, REQUEST, ROWS[0], "", ASKED, WIDTH, HEIGHT, strength=1)
    write(ax, REQUEST, ROWS[0], "red, green, blue\n{:.2f} {:.2f} {:.2f}".format(*to_rgb(ASKED)), SMALL)
    label = node(ax, REQUEST, ROWS[1], "a language:\nItalian", "input", WIDTH, HEIGHT, SMALL)
    nothing = token(ax, REQUEST, ROWS[2], "nothing", None, SMALL, WIDTH, HEIGHT)
    write(ax, REQUEST, 0.32, "or a prompt, which\nis read after BOS", SMALL, MUTED)
    for above, below in zip(ROWS, ROWS[1:]):
        write(ax, REQUEST, (above + below) / 2, "or", SMALL, bold=True)
    return colour, label, nothing


def conditional_writer():
    """Three kinds of request, one of them at a time: a colour by its red, green and blue; the label of a language; or
    nothing. A linear layer encodes the colour, an embedding the label; nothing gives zeros. The result is the first
    state of an LSTM, by the same code and trained for each kind; it reads BOS d u s and so on and writes: dusty rose
    EOS."""
    ax = canvas(10, 3.8)
    first = node(ax, FIRST, sum(ROWS) / 3, "$s_0$", "state", 0.66, ROWS[0] - ROWS[2] + HEIGHT, strength=0.5)
    write(ax, FIRST, 3.6, "first state", SMALL, bold=True)
    write(ax, REQUEST, 3.6, "what is asked for", SMALL, bold=True)
    write(ax, 2.98, 3.6, "encoder", SMALL, bold=True)
    for box, encoder in zip(requests(ax), ("linear", "embedding", "zeros")):
        weights = encoder != "zeros"
        arrow(ax, box, first._replace(y=box.y, height=0), parameter=weights, color=None if weights else MUTED)
        write(ax, 2.98, box.y + 0.26, encoder, TEXT)
    inputs, outputs, before = ["BOS", *NAME], [*NAME, "EOS"], first
    for x, step in zip(COLUMNS, STEPS):
        if step is None:
            for y in (INPUT, OUTPUT):
                ellipsis(ax, x, y)
            state = node(ax, x, STATE, "…", "state", 0.44, 0.44, TEXT)
        else:
            state = node(ax, x, STATE, f"$s_{{{step + 1}}}$", "state", 0.48, 0.48, TEXT)
            for y, words, role in ((INPUT, inputs, "input"), (OUTPUT, outputs, "output")):
                word = words[step].replace(" ", "␣")
                box = token(ax, x, y, word, role, SMALL, 0.58 if len(word) > 1 else 0.44, 0.42)
                arrow(ax, *((box, state) if role == "input" else (state, box)), parameter=True, scale=0.8)
        arrow(ax, before, state, parameter=True, scale=0.8)
        before = state
    for x, after, step in zip(COLUMNS, COLUMNS[1:], STEPS[1:]):
        if step and STEPS[STEPS.index(step) - 1] is not None:
            ax.plot([x + 0.15, after - 0.15], [OUTPUT - 0.23, INPUT + 0.23], ":", color=FAINT, linewidth=2.4, zorder=0)
    write(ax, sum(COLUMNS) / len(COLUMNS), 3.6, "what is written", SMALL, bold=True)
    brace(ax, COLUMNS[0] - 0.3, COLUMNS[-1] + 0.3, 0.78, "the same LSTM code, trained for each")
    return ax.figure
