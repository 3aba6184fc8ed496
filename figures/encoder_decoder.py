"""An encoder and a decoder with one vector between them."""

from draw import BACKWARD, FAINT, MUTED, SMALL, TEXT, arrow, brace, canvas, chain, node, token, width_of, write

READ = ["I", "like", "neural", "networks", "EOS"]
WRITTEN = ["Ich", "mag", "neuronale", "Netze", "EOS"]
ENCODER = [0.36, 1.16, 2.02, 3.06, 4.06]
V = 4.88
DECODER = [5.7, 6.5, 7.46, 8.49, 9.56]
INPUT, STATE, OUTPUT = 0.94, 1.9, 2.86
DECODES = BACKWARD  # the colour of the second chain's weights


def word(ax, x, y, text, role):
    """A word in a box that leaves room for its neighbours."""
    return token(ax, x, y, text, role, SMALL, max(width_of(text, SMALL) + 0.14, 0.36), 0.4)


def decoder(ax, v):
    """The states that v starts: each reads the word before and writes the next one."""
    states = [node(ax, x, STATE, f"$s_{t}$", "state", 0.52, 0.5, TEXT) for t, x in enumerate(DECODER, start=1)]
    for before, after in zip([v, *states], states):
        arrow(ax, before, after, parameter=True, color=DECODES)
    for x, state, given, made in zip(DECODER, states, ["BOS", *WRITTEN], WRITTEN):
        arrow(ax, word(ax, x, INPUT, given, "input"), state, parameter=True, color=DECODES)
        arrow(ax, state, word(ax, x, OUTPUT, made, "output"), parameter=True, color=DECODES)
    for x, after in zip(DECODER, DECODER[1:]):
        ax.plot([x + 0.15, after - 0.15], [OUTPUT - 0.22, INPUT + 0.22], ":", color=FAINT, linewidth=2.4, zorder=0)


def encoder_decoder():
    """An encoder chain with states h_1 to h_5 reads: I like neural networks EOS. Its last state is one vector v, which
    starts a decoder chain with states s_1 to s_5 and weights of its own. The decoder reads BOS Ich mag neuronale Netze
    and writes Ich mag neuronale Netze EOS. Dotted lines join each written word to the same word, read one step
    later."""
    ax = canvas(10, 3.4)
    states = chain(ax, ENCODER, STATE, [f"$h_{t}$" for t in range(1, 6)], width=0.52)
    for x, state, given in zip(ENCODER, states, READ):
        arrow(ax, word(ax, x, INPUT, given, "input"), state, parameter=True)
    v = node(ax, V, STATE, "$v$", "state", 0.5, 0.8, strength=0.5)
    arrow(ax, states[-1], v)
    decoder(ax, v)
    write(ax, V - 0.14, 2.86, "one vector:\nall that is\nhanded on", SMALL)
    write(ax, 0.14, 2.86, "dotted: a word written\nis read one step later", SMALL, MUTED, ha="left")
    brace(ax, 0.14, 4.34, 0.66, "encoder")
    brace(ax, 5.42, 9.9, 0.66, "decoder, with weights of its own")
    return ax.figure
