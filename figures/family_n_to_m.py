"""Multiple inputs, another number of outputs: sequence to sequence, after a delay."""

from draw import canvas, sides, unrolled


def family_n_to_m():
    """Many to many with a delay: I like networks is read to its end; only then do further states write Ich mag Netze
    and a full stop, each output fed to the next step."""
    ax = canvas(10, 3.7)
    sides(ax, 0.4, "multiple", "multiple")
    unrolled(ax, 2.5, ["I", "like", "networks", *[None] * 4], [None] * 3 + ["Ich", "mag", "Netze", "."], feedback=True)
    return ax.figure
