"""The LSTM cell, third stage: update."""

from lstm_output import UPDATE, lstm


def lstm_update():
    """The LSTM cell, third stage. The gates f and i and the candidate g are drawn in ink. Coloured is the sum: along
    the top f times c_{t-1} comes in from the left, i times g from below, and their sum goes out to the right as the
    new c_t. The output gate, which follows, is pale."""
    return lstm(UPDATE, "3  update", "$c_t$: what is kept, plus what is written")
