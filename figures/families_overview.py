"""The five families of networks side by side."""

from draw import canvas, unrolled, write

FAMILIES = [  # name, example, middle; which steps have an input, and which an output
    ("1 → 1", "digit", 0.7, "x", "y"),
    ("1 → N", "caption", 2.15, "x--", "yyy"),
    ("N → 1", "sentiment", 4.1, "xxx", "--y"),
    ("N → N", "tags", 6.05, "xxx", "yyy"),
    ("N → M", "translation", 8.5, "xxx--", "---yy"),
]


def families_overview():
    """Five small networks side by side: one to one, one to many, many to one, many to many aligned, and many to many
    after a delay."""
    ax = canvas(10, 3)
    for name, example, middle, *steps in FAMILIES:
        inputs, outputs = (["" if mark in "xy" else None for mark in marks] for marks in steps)
        left = middle - 0.5 * (len(inputs) - 1) / 2
        unrolled(ax, left, inputs, outputs, pitch=0.5, rows=(0.85, 1.4, 1.95), box=(0.28, 0.28), scale=0.6)
        write(ax, middle, 2.6, name, 20, bold=True)
        write(ax, middle, 0.32, example)
    return ax.figure
