"""The LSTM cell, second stage: select."""

from lstm_output import SELECT, lstm


def lstm_select():
    """The LSTM cell, second stage. The forget gate and its product with c_{t-1} are drawn in ink. Coloured are the two
    parts that [x_t; h_{t-1}] feeds next: the input gate i, by W_i and a sigmoid, and the candidate g, by W_g and tanh;
    they are multiplied with each other. All that follows is pale."""
    return lstm(SELECT, "2  select", "$g$: what could be written;  $i$: which share of it is")
