"""A padded batch of two targets: what the decoder should write, what it reads, and what counts."""

from draw import COLOR, FAINT, MUTED, SMALL, canvas, tint, write
from matplotlib.patches import Rectangle

TARGETS = [["Ich", "mag", "Netze", "EOS", "PAD"], ["Wir", "mögen", "neuronale", "Netze", "EOS"]]
READ = [["BOS", *row[:-1]] for row in TARGETS]
COUNTS = [[int(word != "PAD") for word in row] for row in TARGETS]
LEFT, WIDTH, HEIGHT = 2.14, 1.14, 0.46
TOPS = 3.42, 2.26, 1.1


def grid(ax, top, rows, role):
    """The cells of one tensor; whatever is PAD or does not count is grey and hatched."""
    for i, row in enumerate(rows):
        for t, cell in enumerate(row):
            empty, x, y = cell in ("PAD", 0), LEFT + t * WIDTH, top - (i + 1) * HEIGHT
            style = {"hatch": "//"} if empty else {}
            color = "#F0F0F0" if empty else tint(role, 0.5 if cell in ("BOS", "EOS") else 0.2)
            ax.add_patch(Rectangle((x, y), WIDTH, HEIGHT, facecolor=color, edgecolor=FAINT, linewidth=1.2, **style))
            if empty:  # a quiet place for the letters
                inner = {"facecolor": "#F0F0F0", "linewidth": 0}
                ax.add_patch(Rectangle((x + 0.28, y + 0.06), WIDTH - 0.56, HEIGHT - 0.12, **inner))
            write(ax, x + WIDTH / 2, y + HEIGHT / 2, str(cell), SMALL, MUTED if empty else "ink", bold=cell == 1)
    frame = {"fill": False, "edgecolor": COLOR["ink"], "linewidth": 1.8}
    ax.add_patch(Rectangle((LEFT, top - 2 * HEIGHT), 5 * WIDTH, 2 * HEIGHT, **frame))


def target_masks():
    """Three grids with two rows and five columns. The target y: Ich mag Netze EOS PAD, and Wir mögen neuronale Netze
    EOS. What the decoder reads, the same shifted by one column: BOS Ich mag Netze EOS, and BOS Wir mögen neuronale
    Netze. What counts in the loss: 1 1 1 1 0, and 1 1 1 1 1, so nine positions: each EOS counts, PAD does not."""
    ax = canvas(10, 3.82)
    for t in range(5):
        write(ax, LEFT + (t + 0.5) * WIDTH, 3.62, f"$t = {t + 1}$", SMALL, MUTED)
    total = sum(map(sum, COUNTS))
    blocks = [
        (TARGETS, "output", "target $y$", "to be written", "EOS ends a row,\nPAD fills it up"),
        (READ, "input", "decoder input", "read", "BOS first, then $y$\none step later"),
        (COUNTS, "gate", "counts", "in the loss", f"EOS counts,\nPAD does not: the\nmean is over {total}"),
    ]
    for top, (rows, role, name, what, remark) in zip(TOPS, blocks):
        grid(ax, top, rows, role)
        write(ax, 0.1, top - HEIGHT + 0.17, name, color="ink" if role == "gate" else role, ha="left", bold=True)
        write(ax, 0.1, top - HEIGHT - 0.17, what, SMALL, ha="left")
        write(ax, LEFT + 5 * WIDTH + 0.12, top - HEIGHT, remark, SMALL, ha="left")
    return ax.figure
