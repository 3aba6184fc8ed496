"""The LSTM cell, first stage: forget."""

from lstm_output import FORGET, lstm


def lstm_forget():
    """The LSTM cell, first stage; all that follows is pale. The state h_{t-1} and the input x_t are joined to
    [x_t; h_{t-1}], which feeds the forget gate f by W_f and a sigmoid. Along the top c_{t-1} comes in and is
    multiplied by f."""
    return lstm(FORGET, "1  forget", "$f$: which share of $c_{t-1}$ is kept")
