"""A recurrent language model: at each step it predicts the next word and pays for it."""

from draw import MUTED, SMALL, SYMBOL, TEXT, arrow, canvas, node, token, write

WORDS = ["<s>", "natural", "language", "processing", "</s>"]
ROWS = INPUT, STATE, PREDICTION, LOSS, TARGET = 0.28, 1.11, 1.95, 2.79, 3.62
NAMES = "input $w_{t-1}$", "state", "prediction", "loss", "target $w_t$"


def rnn_language_model():
    """Four steps of a recurrent language model. The inputs are <s>, natural, language, processing; the states h_1 to
    h_4 give the predictions y-hat_1 to y-hat_4; the targets are natural, language, processing, </s>: the same words,
    shifted by one. Each step costs J_t, minus the logarithm of its target's probability;
    their sum is T times the mean J."""
    ax = canvas(10, 3.9)
    for y, name in zip(ROWS, NAMES):
        write(ax, 0.12, y, name, TEXT, MUTED, ha="left")
    state = None
    for t in range(1, 5):
        x = 2.15 + 1.64 * (t - 1)
        word = token(ax, x, INPUT, WORDS[t - 1], height=0.42)
        before, state = state, node(ax, x, STATE, f"$h_{t}$", "state", 0.74, 0.44)
        output = node(ax, x, PREDICTION, rf"$\hat{{y}}_{t}$", "output", 0.74, 0.44)
        loss = node(ax, x, LOSS, f"$J_{t}$", "ink", 0.74, 0.44)
        target = token(ax, x, TARGET, WORDS[t], "output", height=0.42)
        arrow(ax, word, state, parameter=True)
        arrow(ax, state, output, parameter=True)
        arrow(ax, output, loss)
        arrow(ax, target, loss)
        if before:
            arrow(ax, before, state, parameter=True)
        write(ax, x + 0.82, LOSS, "$+$" if t < 4 else "$=$", SYMBOL)
    node(ax, 8.71, LOSS, r"$T\,J$", "ink", 0.8, 0.44)
    write(ax, 8.8, PREDICTION + 0.1, r"$J_t = -\log\,\hat{y}_t[w_t]$")
    write(ax, 8.05, INPUT + 0.08, "= the targets,\none step later", SMALL, MUTED, ha="left")
    return ax.figure
