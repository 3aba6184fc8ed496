# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     run: 2
#     over:
#       cells: {most: 144, why: "to be recut"}
#       lines: {most: 1043, why: "to be recut"}
#       minutes: {most: 155.6, why: "to be recut"}
#       slides: {most: 88, why: "to be recut"}
#       pictures: {most: 6.8, why: "to be recut"}
#       slide_lines: {most: 19, why: "to be recut"}
#       code_share: {most: 72.8, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 6 · What if the answer lies to the right?
#
# > "British Left Waffles …": whether *Left* is a party or a departure can only be decided by words that come later.
#
# **You will** read in both directions, measure what the right context is worth, label headlines, programs and names, write a CRF, and catch a model that cheats.<br>
# **You need** notebooks 3 and 5 (RNN, LSTM, padding, packing).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the headline aloud, twice, with different stress. Ask who left what. The answer comes in the second part of the lecture.

# %% slideshow={"slide_type": "skip"}
import ast
import io
import keyword
import random
import re
import tokenize
import warnings
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import partial
from itertools import groupby, product
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from babel import Locale
from babel.core import get_global
from ipywidgets import Text, interact
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.metrics import f1_score
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, pad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import Grammar, load_grammar, load_stdlib_sources
from course_utils.taught.fixed_window_lm import lr_schedule  # derived in notebook 2
from course_utils.taught.lstm_gru import lstm, lstm_step_fused, weights_of  # derived in notebook 5
from course_utils.taught.vanilla_rnn import parameter_count, rnn  # derived in notebook 3

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_t$ | `x` | `(B, T, E)` | input at step $t$ |
# | $\overrightarrow{h}_t$ | `ahead` | `(B, T, H)` | state of the forward chain after $x_1 \ldots x_t$ |
# | $\overleftarrow{h}_t$ | `back` | `(B, T, H)` | state of the backward chain after $x_T \ldots x_t$ |
# | $h_t = [\overrightarrow{h}_t; \overleftarrow{h}_t]$ | `states` | `(B, T, 2H)` | both, side by side |
# | $y_t$ | `y` | `(B, T)` | label of token $t$, one of $K$; a word in part 5 |
# | $P_t[j]$ | `P` | `(T, K)` | score of label $j$ at token $t$ |
# | $A[i, j]$ | `A` | `(K + 1, K)` | score of label $j$ after $i$; the last row: at the start |
# | $Z(x)$ | | | sum of $\exp(\text{score})$ over all labellings of $x$ |
#
# `length` holds the number of real tokens of each row of a batch; the rest is PAD.

# %% [markdown] slideshow={"slide_type": "notes"}
# The arrows over h say in which direction the chain reads. Everything else is known from notebooks 3 and 5; P, A and Z are for part 4.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Two chains
#
# ![A bidirectional network over apple is a company: a forward chain and a backward chain, each with its own W_hh, both read every input; at each step their two states are joined into one vector from which ŷ_t is computed.](../figures/birnn.svg)
#
# $$\overrightarrow{h}_t = \overrightarrow{f}(x_t, \overrightarrow{h}_{t-1}) \qquad \overleftarrow{h}_t = \overleftarrow{f}(x_t, \overleftarrow{h}_{t+1}) \qquad \hat y_t = g(\overrightarrow{h}_t, \overleftarrow{h}_t)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Schuster and Paliwal 1997. Two networks that never speak to each other: each has its own weights, and only the output joins them. The whole sentence must be there before the backward chain can start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### In code: turn round, read, turn back
#
# A chain from right to left is a chain from left to right over the reversed input, its states turned back.

# %% tags=["topic-F1"]
def read_both_ways(read, x, forward, backward):
    """States (B, T, 2H) of two chains over x (B, T, E); read(x, weights) runs one chain from left to right."""
    ahead = read(x, forward)
    back = read(x.flip(1), backward).flip(1)
    return torch.cat([ahead, back], dim=2)

# %% [markdown] slideshow={"slide_type": "skip"}
# Cell and loop are those of notebook 3; `read_rnn` starts them at zero:

# %% slideshow={"slide_type": "skip"}
def read_rnn(x, weights):
    """States (B, T, H) of an RNN that starts at zero, over x (B, T, E)."""
    W_xh, W_hh, b_h = weights
    return rnn(x, x.new_zeros(len(x), len(W_hh)), W_xh, W_hh, b_h)[0]

# %% [markdown]
# For `read` take the RNN of notebook 3, started at zero; the two chains have weights of their own:

# %%
B, T, E, H = 3, 6, 4, 5
x = torch.randn(B, T, E).double()
forward, backward = ([torch.randn(shape).double() for shape in ((E, H), (H, H), (H,))] for _ in range(2))
tuple(read_both_ways(read_rnn, x, forward, backward).shape)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two flips: the first lets the chain read backwards, the second puts its states back beside their tokens. Forgetting the second is a classic: state t then belongs to token T + 1 − t.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which way do the arrows point?
#
# Some lecture slides exchange the indices: their "forward" state is made from $h_{t+1}$. Each chain then sums up the side that its name denies.
#
# ![With the arrows as the names say, the forward state h_2 sums up x_1 and x_2 and the backward state h_2 sums up x_2, x_3 and x_4; with the arrows swapped the state called forward sums up x_2, x_3 and x_4, and the one called backward x_1 and x_2.](../figures/birnn_arrows.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# Together the two halves still hold everything, so the mistake is silent, until somebody uses one half alone: as a summary of the past, or as the last state.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A test that sees the arrows
#
# Which inputs can move the state at step $t$? Those with a gradient that is not zero.

# %% tags=["topic-F1"]
def reaches(states_of, x):
    """Whether input k moves state t: a bool array (T, T), from states_of(x), (1, T, H), with x (1, T, E)."""
    x = x.clone().requires_grad_()
    sums = states_of(x)[0].sum(dim=1)  # (T,)
    rows = [torch.autograd.grad(s, x, retain_graph=True)[0][0].abs().sum(dim=1) for s in sums]
    return (torch.stack(rows) > 0).numpy()

# %% tags=["topic-F1", "nbval-check-output"]
one, triangle = x[:1], np.tri(T, dtype=bool)
sees_ahead = reaches(lambda x: read_both_ways(read_rnn, x, forward, backward)[:, :, :H], one)
sees_back = reaches(lambda x: read_both_ways(read_rnn, x, forward, backward)[:, :, H:], one)
unturned = reaches(lambda x: read_rnn(x.flip(1), backward), one)
print("forward state t sees exactly x_1 … x_t: ", np.array_equal(sees_ahead, triangle))
print("backward state t sees exactly x_t … x_T:", np.array_equal(sees_back, triangle.T))
print("without the second flip state 1 sees x", 1 + unturned[0].nonzero()[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# A lower triangle and an upper one. The last line is state 1 without the second flip: it sees the last input only. A gradient that is not zero proves influence; one that is zero, in random networks, makes its absence very likely. This test needs no trained model; part 5 makes a tool of the same idea.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### With LSTM cells: notebook 5's step
#
# Only `read` changes: it calls `lstm` and `lstm_step_fused` of notebook 5.

# %%
def read_lstm(x, weights):
    """States (B, T, H) of an LSTM that starts at zero, over x (B, T, E)."""
    h = c = x.new_zeros(len(x), len(weights[1]) // 4)
    return lstm(x, h, c, lstm_step_fused, *weights)[0]

# %% [markdown] slideshow={"slide_type": "notes"}
# The rest of the code stays: two directions do not care which cell they drive.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### PyTorch's weights, by name
#
# `weights_of` of notebook 5 takes $W$ and $b$ of one chain out of a `torch.nn.LSTM`; the names of its backward chain end in `_reverse`:

# %%
theirs = nn.LSTM(E, H, batch_first=True, bidirectional=True).double()
[name for name, _ in theirs.named_parameters()][4:]

# %% [markdown] slideshow={"slide_type": "notes"}
# Twice the parameters of one chain. weights_of only puts tensors side by side, so gradients flow through it back to PyTorch's own parameters: the comparison on the next slide uses that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to `torch.nn.LSTM(bidirectional=True)`, and stacked
#
# The second layer of a stack reads both halves of the first: its input has $2H$ columns, in each direction.

# %% tags=["topic-F1"]
def stacked(theirs, x):
    """States (B, T, 2H) of the upper layer of a bidirectional torch.nn.LSTM, computed by our cells."""
    for layer in range(theirs.num_layers):
        forward, backward = (weights_of(theirs, f"l{layer}{end}") for end in ("", "_reverse"))
        x = read_both_ways(read_lstm, x, forward, backward)
    return x

# %% [markdown] slideshow={"slide_type": "notes"}
# Three layers would have six chains. Each layer waits for both chains of the layer below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### States and gradients agree

# %% tags=["topic-F1", "nbval-check-output"]
x, weigh = torch.randn(B, T, E).double().requires_grad_(), torch.randn(B, T, 2 * H).double()
print("layers  tensors  states and gradients equal to 1e-10")
for layers in (1, 2, 3):
    theirs = nn.LSTM(E, H, layers, batch_first=True, bidirectional=True).double()
    pair = stacked(theirs, x), theirs(x)[0]
    leaves = [x, *theirs.parameters()]
    gradients = [torch.autograd.grad((states * weigh).sum(), leaves) for states in pair]
    gaps = [(a - b).abs().max().item() for a, b in zip([pair[0], *gradients[0]], [pair[1], *gradients[1]])]
    print(f"{layers:6} {len(gaps):8}  {max(gaps) < 1e-10}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Compared are the states and the gradients with respect to the input and all weights and biases; in the sum each entry of the states has a weight of its own. From here on torch.nn.LSTM.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which slice of `h_n` is which?
#
# ![In two stacked bidirectional layers h_n[0] and h_n[2] are the forward ends at the last step, h_n[1] and h_n[3] the backward ends at the first step, while output[:, -1] holds the forward end of layer 2 beside a backward state that has taken its first step only.](../figures/birnn_stack.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# PyTorch counts layers first, directions second. Each chain's end is where it stops reading: the forward chain at the right, the backward chain at the left.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One vector for a whole sentence: not `output[:, -1]`
#
# The column at the last token holds the end of the forward chain, beside a backward state that has taken *one* step. In a single layer that is one token:

# %% tags=["topic-F2", "nbval-check-output"]
theirs = nn.LSTM(E, H, num_layers=2, batch_first=True, bidirectional=True).double()
output, (h_n, c_n) = theirs(x)  # output (B, T, 2H), h_n (4, B, H)
lower = read_both_ways(read_lstm, x, weights_of(theirs, "l0"), weights_of(theirs, "l0_reverse"))
one_token = read_lstm(x[:, -1:], weights_of(theirs, "l0_reverse"))[:, 0]
equal = partial(torch.allclose, atol=1e-10)
print("h_n[0]: layer 1, forward, at the last token   ", equal(h_n[0], lower[:, -1, :H]))
print("h_n[1]: layer 1, backward, at the first token ", equal(h_n[1], lower[:, 0, H:]))
print("h_n[2]: layer 2, forward, at the last token   ", equal(h_n[2], output[:, -1, :H]))
print("h_n[3]: layer 2, backward, at the first token ", equal(h_n[3], output[:, 0, H:]))
print("lower[:, -1, H:] has read the last token only ", equal(lower[:, -1, H:], one_token))

# %% [markdown] slideshow={"slide_type": "notes"}
# Whoever takes output[:, -1] as the summary of a sentence throws nearly all of the backward chain away. The summary is h_n[-2] beside h_n[-1], of a packed batch if rows differ in length.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A batch of unequal rows
#
# ![In a padded batch with rows of 4 and 2 tokens the backward chain of the short row goes wrong if it starts in the padding, because all its states have then read PAD, and is right if it starts from 0 at the row's own end.](../figures/birnn_padding.svg)
#
# For a left-to-right chain padding comes *after* the tokens and leaves their states alone. For the backward chain it comes *first*.

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the bug that survives longest: nothing crashes, and the answer for a sentence depends on what else is in the batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · Turn each row round in its own length
#
# `x` is an array `(B, T)`, `length` a list of `B` numbers. Return an array in which the first `length[b]` entries of row `b` stand in reverse order, and the padding after them stays where it is. **Predict:** what happens if you apply it twice?
#
# <details><summary>Answer</summary>You get x back: so the same function turns the states round again.</details>

# %% tags=["exercise-1-stub"]
def reverse_own(x, length):
    """x (B, T) with row b reversed within its first length[b] entries."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_reverse_own(attempt):
    """Try an attempt on batches with short, full and single rows."""
    rng = np.random.default_rng(0)
    batches = [([2], 4), ([4, 2, 3], 5), ([3, 6, 1], 6)]
    batches = [(rng.permutation(100)[: len(length) * T].reshape(-1, T), length) for length, T in batches]
    for x, length in batches:
        for row, n in zip(x, length):
            row[n:] = -np.arange(1, len(row) - n + 1)  # padding: -1, -2, …

    def rows(change):
        return lambda x, length: np.stack([change(row, n) for row, n in zip(x, length)])

    def truth(row, n):
        return np.concatenate([row[:n][::-1], row[n:]])

    def to_the_end(row, n):
        return np.concatenate([row[n:], row[:n][::-1]])

    return check(
        attempt,
        cases=[((x.copy(), list(length)), rows(truth)(x, length)) for x, length in batches],
        misconceptions={
            "the padding is turned round, too: it now comes first, and a chain would start in it": (
                rows(lambda row, n: row[::-1])
            ),
            "the tokens are right, but they moved behind the padding": rows(to_the_end),
            "nothing is reversed, or everything twice": rows(lambda row, n: row),
            "the tokens are right, but the padding is turned round as well": (
                rows(lambda row, n: np.concatenate([row[:n][::-1], row[n:][::-1]]))
            ),
            "the rows are turned round, too: they must stay in their order": lambda x, length: x[::-1, ::-1],
            "the rows of the batch are exchanged instead of the tokens within a row": lambda x, length: x[::-1],
            "every row is reversed within the longest length, not within its own": (
                lambda x, length: np.concatenate([x[:, : max(length)][:, ::-1], x[:, max(length) :]], axis=1)
            ),
            "every row is reversed within the first row's length, not within its own": (
                lambda x, length: np.concatenate([x[:, : length[0]][:, ::-1], x[:, length[0] :]], axis=1)
            ),
            "off by one: the last of n tokens is row[n - 1]": (
                rows(lambda row, n: np.concatenate([row[1 : n + 1][::-1], row[n:]])[: len(row)])
            ),
            "one token too few is reversed: row[: n - 1] leaves out the last of n tokens": (
                rows(lambda row, n: np.concatenate([row[: n - 1][::-1], row[n - 1 :]]))
            ),
            "the first PAD is reversed with the tokens: row[: n + 1] holds one too many": (
                rows(lambda row, n: np.concatenate([row[: n + 1][::-1], row[n + 1 :]]))
            ),
            "the tokens are rotated, not reversed": (
                rows(lambda row, n: np.concatenate([np.roll(row[:n], 1), row[n:]]))
            ),
            "the padding is overwritten by zeros; leave it as it is": (
                rows(lambda row, n: np.concatenate([row[:n][::-1], np.zeros_like(row[n:])]))
            ),
            "the tokens are sorted downwards; they only coincide with the reverse by chance": (
                rows(lambda row, n: np.concatenate([np.sort(row[:n])[::-1], row[n:]]))
            ),
            "the padding is cut off: it stays where it is, after the tokens": (
                lambda x, length: [list(row[:n][::-1]) for row, n in zip(x, length)]
            ),
        },
    )


check_reverse_own(reverse_own)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def reverse_own_solution(x, length):
    """x (B, T) with row b reversed within its first length[b] entries."""
    turned = x.copy()
    for row, n in zip(turned, length):
        row[:n] = row[:n][::-1].copy()
    return turned


check_reverse_own(reverse_own_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Five minutes. Ask what a plain flip does to a row of two tokens in a batch of length six: the chain would read four PADs first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Own ends, and PyTorch's packed batch
#
# The same reversal for tensors is one `gather`:

# %% tags=["topic-F1", "export"]
def reverse_padded(x, length):
    """x (B, T, E) with the first length[b] steps of row b in reverse order, the padding left where it is."""
    t = torch.arange(x.shape[1])
    source = torch.where(t < length[:, None], length[:, None] - 1 - t, t)  # (B, T)
    return x.gather(1, source[:, :, None].expand_as(x))

# %%
reverse_padded(torch.arange(6)[None, :, None], torch.tensor([4])).flatten()

# %% [markdown]
# So each backward chain starts at its row's own end:

# %% tags=["topic-F1"]
def read_padded(x, length, forward, backward):
    """States (B, T, 2H) of an LSTM in both directions; each backward chain starts at its row's own end."""
    back = reverse_padded(read_lstm(reverse_padded(x, length), backward), length)
    return torch.cat([read_lstm(x, forward), back], dim=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# reverse_padded undoes itself, as the exercise found: one function for both flips.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal, padding and all
#
# Packing (notebook 5) tells `nn.LSTM` the lengths; it then starts each backward chain at its row's own end. The loss leaves PAD out:

# %% tags=["topic-F1"] slideshow={"slide_type": "skip"}
def read_packed(theirs, x, length):
    """States (B, T, 2H) of a torch.nn.LSTM over a packed batch; zero at PAD."""
    packed = pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(theirs(packed)[0], batch_first=True, total_length=x.shape[1])[0]

# %% tags=["topic-F1", "nbval-check-output"]
theirs, length = nn.LSTM(E, H, batch_first=True, bidirectional=True).double(), torch.tensor([4, 6, 2])
real = (torch.arange(T) < length[:, None])[:, :, None]  # (B, T, 1)
ours = read_padded(x, length, weights_of(theirs, "l0"), weights_of(theirs, "l0_reverse"))
pair = ours * real, read_packed(theirs, x, length) * real
gradients = [torch.autograd.grad((states * weigh).sum(), [x, *theirs.parameters()]) for states in pair]
print("states at real tokens equal to 1e-10:", (pair[0] - pair[1]).abs().max().item() < 1e-10)
print("gradients equal to 1e-10:            ", all((a - b).abs().max() < 1e-10 for a, b in zip(*gradients)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Row 2 is full, row 3 has two real tokens of six. What stands in PAD does not matter, in value or in gradient.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The wrong version changes with the padding
#
# One sentence of four tokens, padded with more and more zeros. How far do the states at its four real tokens move?

# %%
sentence, four = torch.randn(1, 4, E).double(), torch.tensor([4])
alone = theirs(sentence)[0]
print("PADs   forward half   backward half   packed")
for pads in (0, 1, 4, 16):
    padded = torch.cat([sentence, torch.zeros(1, pads, E)], dim=1)
    moved = (theirs(padded)[0][:, :4] - alone).abs()
    packed = (read_packed(theirs, padded, four)[:, :4] - alone).abs().max()
    print(f"{pads:4}   {moved[:, :, :H].max():12.3f}   {moved[:, :, H:].max():13.3f}   {packed:6.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A zero input is not nothing: the biases still drive the cell, so the chain arrives in a state of its own. The answer for a sentence must not depend on its neighbours in the batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### "Apple", resolved
#
# Notebook 3 proved that a left-to-right state at *Apple* is the same in both sentences. Two chains, trained on nothing but these two sentences, with label 1 for the company:

# %% tags=["topic-B8"]
class AppleReader(nn.Module):
    """Scores the label of each token; words are numbers (B, T)."""

    def __init__(self, V, bidirectional, E=8, H=8):
        super().__init__()
        self.embedding = nn.Embedding(V, E)
        self.lstm = nn.LSTM(E, H, batch_first=True, bidirectional=bidirectional)
        self.output = nn.Linear(H * (1 + bidirectional), 1)

    def forward(self, w):
        return self.output(self.lstm(self.embedding(w))[0]).squeeze(2)

# %%
sentences = ["Apple is good for health".split(), "Apple is a billion dollar company".split()]
words = sorted({word for sentence in sentences for word in sentence})
numbered = [torch.tensor([[words.index(word) for word in sentence]]) for sentence in sentences]
numbered

# %% [markdown] slideshow={"slide_type": "notes"}
# The first number of both rows is the same: Apple.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What each can say at *Apple*

# %% tags=["topic-B8"]
def train_at_apple(reader, steps=100):
    """Train a reader to tell the two sentences apart at their first word, and return its two answers there."""
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.03)
    for _ in range(steps):
        scores = torch.stack([reader(w)[0, 0] for w in numbered])
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(scores, torch.tensor([0.0, 1.0])).backward()
        optimizer.step()
    return [torch.sigmoid(reader(w)[0, 0]).item() for w in numbered]

# %% tags=["topic-B8", "nbval-check-output"]
print("p(company) at Apple   fruit sentence   company sentence")
for name, bidirectional in [("left to right", False), ("both ways", True)]:
    fruit, company = train_at_apple(AppleReader(len(words), bidirectional))
    print(f"{name:19}   {fruit:14.1f}   {company:16.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# One half is the best that a left-to-right reader can say at Apple: one of two sentences. Two training sentences are no test of a model; they show what each architecture can express at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The price
#
# Twice the parameters at equal $H$, so compare at equal parameters (`parameter_count` is notebook 3's). And one more word changes every backward state: nothing is final before the last word is known.

# %% tags=["nbval-check-output"]
for units, both in ((64, False), (64, True), (41, True)):
    count = parameter_count(nn.LSTM(32, units, bidirectional=both))
    print(f"H = {units}   bidirectional: {both!s:5}   {count:6,} parameters")

# %% [markdown] slideshow={"slide_type": "notes"}
# No live captions, no typing aid, no streaming speech with a plain bidirectional network: all these must answer before the sentence ends. The rest of the lecture compares at equal parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · One headline, two readings
#
# ![Two readings of British Left Waffles on Falkland Islands: in A British Left is an organisation that waffles (ADJ NOUN VERB, B-ORG I-ORG O), in B the British left their waffles (PROPN VERB NOUN, B-NORP O O); the last three words are labelled alike.](../figures/headline_readings.svg)
#
# **B**-egin, **I**-nside, **O**-utside of a name; NORP: nationality, religious or political group; ADP: preposition; PROPN: proper noun.

# %% [markdown] slideshow={"slide_type": "notes"}
# A lecture shows this headline twice: once with parts of speech, where Left is a verb, and once with entities, where British Left is an organisation. Each is right; together they contradict each other.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A small grammar of such headlines
#
# Each reading has its own words now and then: *hesitates* is no noun, *teapots* no verb; the last words always tell. A word of this grammar carries its two labels: (word, part of speech, entity).

# %% slideshow={"slide_type": "skip"}
def labelled(words, tag, entity="O"):
    """Alternatives of equal weight, a word or several each; the second word of an entity is marked I-, not B-."""
    rows = [option.split() for option in words.split("|")]
    spans = entity, entity.replace("B-", "I-")
    return [(1, [(w, tag, spans[i > 0]) for i, w in enumerate(row)]) for row in rows]


labelled("isle of man|gibraltar", "PROPN", "B-LOC")

# %% [markdown] slideshow={"slide_type": "skip"}
# The rules of one reading. In 72 of 100 headlines the word after *left*, in 60 the preposition, suits both readings:

# %% slideshow={"slide_type": "skip"}
def reading(name, nation, left, x_tag, x_only, preposition, ending):
    """The rules of one reading, its symbols ending in its name."""
    X, PREP = f"X{name}", f"PREP{name}"
    return {
        name: [(1, [f"NATION{name}", left, X, PREP, "PLACE", f"END{name}"])],
        f"NATION{name}": labelled("british|french|irish", *nation),
        X: [(72, [f"{X}-both"]), (28, [f"{X}-only"])],
        f"{X}-both": labelled("waffles|talks|plans|moves|drinks|marches", x_tag),
        f"{X}-only": labelled(x_only, x_tag),
        PREP: [(60, [f"{PREP}-both"]), (40, [f"{PREP}-only"])],
        f"{PREP}-both": labelled("on|in", "ADP"),
        f"{PREP}-only": labelled(preposition, "ADP"),
        f"END{name}": labelled(ending, "X"),
    }

# %% [markdown] slideshow={"slide_type": "skip"}
# The two readings, nearly equally likely. Part of speech X stands for whatever the last words are:

# %% slideshow={"slide_type": "skip"}
PARTY, LEAVE = ("left", "NOUN", "I-ORG"), ("left", "VERB", "O")
headlines = Grammar(
    {
        "S": [(51, ["A"]), (49, ["B"])],
        "PLACE": labelled("falkland islands|isle of man|gibraltar|rockall", "PROPN", "B-LOC"),
        **reading("A", ("ADJ", "B-ORG"), PARTY, "VERB", "hesitates|wavers", "about|over", "again|say critics|polls show"),
        **reading("B", ("PROPN", "B-NORP"), LEAVE, "NOUN", "pancakes|teapots", "behind|under", "unguarded|by mistake"),
    }
)

# %% tags=["topic-B5a", "topic-B5b"]
for headline in headlines.sample(4, seed=1):
    print(" ".join(f"{word}/{tag}" for word, tag, _ in headline))
    print(" ".join(f"{word}/{entity}" for word, _, entity in headline if entity != "O"))
    print()

# %% [markdown] slideshow={"slide_type": "notes"}
# NORP is the name of OntoNotes for nationalities, religious and political groups. Have the class decide each headline, covering the end of the line with a hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How well can anybody do?
#
# The grammar is finite, so every headline and its probability can be listed. Whoever sees the first $n$ words can do no better than to take the likeliest label given them:
#
# $$\text{best}(n) = \sum_{w_1 \ldots w_n} \max_y \; p(w_1 \ldots w_n,\, y)$$

# %% tags=["topic-F1"]
def derivations(grammar, symbols):
    """(probability, headline) of all that a finite grammar derives from a tuple of symbols."""
    for i, symbol in enumerate(symbols):
        if symbol in grammar.rules:
            for p, body in grammar.rules[symbol]:
                for q, headline in derivations(grammar, (*symbols[:i], *body, *symbols[i + 1 :])):
                    yield p * q, headline
            return
    yield 1.0, symbols


everything = list(derivations(headlines, ("S",)))
print(f"{len(everything)} headlines, total probability {sum(p for p, _ in everything):.6f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Two thousand headlines: few enough to be exact, many enough that no network has seen them all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The ceilings

# %% tags=["topic-F1", "nbval-check-output"]
def ceiling(everything, n, position=1):
    """The best possible share of right entity labels at a position for whoever sees the first n words."""
    joint = defaultdict(lambda: defaultdict(float))
    for p, headline in everything:
        joint[tuple(word for word, *_ in headline[:n])][headline[position][2]] += p
    return sum(max(of_label.values()) for of_label in joint.values())


for n, what in [(2, "up to left"), (3, "+ 1 word"), (4, "+ 2 words"), (99, "everything")]:
    print(f"{what:11} {100 * ceiling(everything, n):5.1f} %")

# %% [markdown] slideshow={"slide_type": "notes"}
# Do the second line by hand: 0.28 of the next words decide alone, of the others the likelier reading wins: 0.28 + 0.72 × 0.51. These are ceilings for any model whatever, not for networks only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Wait a little, or read backwards
#
# A left-to-right network may also *wait* and answer for token $t$ after token $t + d$:

# %%
class Tagger(nn.Module):
    """Scores of K labels (B, T, K) for tokens w (B, T), 0 being PAD; made at each token, or delay tokens later."""

    def __init__(self, V, K, H, E=16, bidirectional=False, delay=0):
        super().__init__()
        self.delay = delay
        self.embedding = nn.Embedding(V, E, padding_idx=0)
        self.ahead = nn.LSTM(E, H, batch_first=True)
        self.back = nn.LSTM(E, H, batch_first=True) if bidirectional else None
        self.output = nn.Linear(H * (1 + bidirectional), K)

    def forward(self, w):
        x, length = self.embedding(pad(w, (0, self.delay))), (w > 0).sum(dim=1)
        states = self.ahead(x)[0][:, self.delay :]  # (B, T, H)
        if self.back:
            back = reverse_padded(self.back(reverse_padded(x, length))[0], length)
            states = torch.cat([states, back], dim=2)  # (B, T, 2H)
        return self.output(states)

# %% [markdown] slideshow={"slide_type": "skip"}
# Training on batches drawn at random. PAD is word 0 and label −1, which is never scored; some words may be hidden as number 1, unknown:

# %% slideshow={"slide_type": "skip"}
def numbered_batch(rows, number, padding, unknown=None):
    """Rows of items as numbers (B, T), short rows padded."""
    numbers = [torch.tensor([number.get(item, unknown) for item in row]) for row in rows]
    return pad_sequence(numbers, batch_first=True, padding_value=padding)


numbered_batch(["abc", "b"], {"a": 1, "b": 2, "c": 3}, padding=0)


# %% slideshow={"slide_type": "skip"}
def loss_by_token(scores, y):
    """Mean cross-entropy of scores (B, T, K) over the labels y (B, T), PAD left out."""
    return cross_entropy(scores.flatten(0, 1), y.flatten(), ignore_index=-1)

# %% [markdown] slideshow={"slide_type": "skip"}
# The loop of notebook 5, with the schedule of notebook 2:

# %% slideshow={"slide_type": "skip"}
def train_tagger(tagger, w, y, seed, steps, B=64, lr=0.01, loss_of=None, unknown=0.0, extra=()):
    """Train a tagger on words w (N, T) and labels y (N, T); a share of the words is hidden as number 1, unknown."""
    loss_of = loss_of or loss_by_token
    optimizer = torch.optim.Adam([*tagger.parameters(), *extra], lr=lr)
    schedule = lr_schedule(optimizer, lr, steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(w), (B,), generator=generator)
        T = int((w[rows] > 0).sum(dim=1).max())
        w_rows, y_rows = w[rows, :T], y[rows, :T]
        hidden = (torch.rand(w_rows.shape, generator=generator) < unknown) & (w_rows > 0)
        optimizer.zero_grad()
        loss_of(tagger(torch.where(hidden, 1, w_rows)), y_rows).backward()
        optimizer.step()
        schedule.step()

# %% [markdown] slideshow={"slide_type": "skip"}
# Headlines as numbers:

# %% slideshow={"slide_type": "skip"}
def numbers_of(items, first):
    """A number for each distinct item, from first on."""
    return {item: n for n, item in enumerate(sorted(set(items)), start=first)}


word_number = numbers_of((word for _, headline in everything for word, *_ in headline), first=1)
label_number = numbers_of((label for _, headline in everything for *_, label in headline), first=0)
label_number

# %% slideshow={"slide_type": "skip"}
def as_batch(sentences, word_number, label_number, unknown=None):
    """Words and labels of sentences, the first and last part of each token, as numbers, (B, T) each."""
    words, *_, labels = zip(*(zip(*sentence) for sentence in sentences))
    w = numbered_batch(words, word_number, padding=0, unknown=unknown)
    return w, numbered_batch(labels, label_number, padding=-1)


headline_w, headline_y = as_batch(headlines.sample(2000, seed=0), word_number, label_number)
tuple(headline_w.shape)

# %% [markdown] slideshow={"slide_type": "notes"}
# The notebook has the lines that turn words into numbers and train; they are those of notebook 5.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The networks beside their ceilings
#
# Two directions get fewer units, so that all have about as many parameters. Three seeds each:

# %% slideshow={"slide_type": "skip"}
def trained_on_headlines(seed, **settings):
    """A tagger of the given kind, trained from the given seed."""
    torch.manual_seed(seed)
    tagger = Tagger(len(word_number) + 1, len(label_number), **settings)
    train_tagger(tagger, headline_w, headline_y, seed, steps=120, lr=0.03)
    return tagger

# %%
KINDS = {
    "LSTM": {"H": 24},
    "LSTM, waits 1 word": {"H": 24, "delay": 1},
    "LSTM, waits 2 words": {"H": 24, "delay": 2},
    "BiLSTM": {"H": 15, "bidirectional": True},
}
headline_taggers = {name: [trained_on_headlines(seed, **kind) for seed in (0, 1, 2)] for name, kind in KINDS.items()}
for name, (tagger, *_) in headline_taggers.items():
    print(f"{name:20} {parameter_count(tagger):,} parameters")

# %% [markdown] slideshow={"slide_type": "notes"}
# When they answer at left, the four kinds have seen 2, 3, 4 and all words.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### At *left*
#
# Scored exactly: over *all* headlines, each weighted with its probability.

# %% slideshow={"slide_type": "skip"}
every_w, every_y = as_batch([headline for _, headline in everything], word_number, label_number)
probability = torch.tensor([p for p, _ in everything])
ceilings = [ceiling(everything, n) for n in (2, 3, 4, 99)]


def right_at_left(tagger):
    """The probability that a tagger's label at left is right."""
    with torch.no_grad():
        return (probability * (tagger(every_w)[:, 1].argmax(dim=1) == every_y[:, 1])).sum().item()


at_left = {name: [right_at_left(tagger) for tagger in taggers] for name, taggers in headline_taggers.items()}
at_left["BiLSTM"]

# %% slideshow={"slide_type": "skip"}
def plot_ceilings():
    """Draw the accuracy at left of each network's seeds, beside its ceiling."""
    fig, ax = plt.subplots(figsize=(8.6, 3.3))
    for i, (runs, best) in enumerate(zip(at_left.values(), ceilings)):
        color = COLOR["lstm"] if i < 3 else COLOR["output"]
        ax.bar(i, 100 * best, width=0.6, color="#DDDDDD", label="best possible" if i == 0 else None)
        ax.scatter([i - 0.12, i, i + 0.12], [100 * r for r in runs], color=color, zorder=3, label="network" if i == 0 else None)
        ax.annotate(f"{100 * best:.0f}", (i, 100 * best), xytext=(0, 7), textcoords="offset points", ha="center")
    ax.set(ylabel="right at $left$, %", ylim=(0, 115))
    ax.set_xticks(range(4), ["LSTM", "waits 1 word", "waits 2 words", "BiLSTM"])
    ax.legend(loc="upper left")
    return fig

# %% tags=["topic-F1", "output-only"]
show(plot_ceilings(), "Each network comes close to what its context allows; only the BiLSTM reaches 100 %.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Points: three seeds. Nobody passes the ceiling: with what it sees, nothing better exists. What the BiLSTM gains is information, not a better cell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Check: at the ceiling, never above

# %% tags=["nbval-check-output"]
for (name, runs), best in zip(at_left.items(), ceilings):
    near = min(runs) > best - 0.03
    print(f"{name:20} none above: {max(runs) < best + 1e-6}   all within 3 points: {near}")

# %% [markdown]
# The famous headline itself is *not* in this grammar: it ends before anything is decided. From its words alone nobody can know its reading.

# %% [markdown] slideshow={"slide_type": "notes"}
# A delay is the cheap relative of the backward chain: it suits streaming speech, where a few frames of waiting are allowed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Names are spans, not labels
#
# *Buenos Aires Argentina Chile*: four tokens, three names. Labels such as CITY CITY COUNTRY COUNTRY cannot say where one country ends and the next begins. BIO labels can: **B**-egin, **I**-nside, **O**-utside.
#
# | | Buenos | Aires | Argentina | Chile | play |
# |---|---|---|---|---|---|
# | one label each | CITY | CITY | COUNTRY | COUNTRY | – |
# | BIO | B-CITY | I-CITY | B-COUNTRY | B-COUNTRY | O |
#
# An **I-** must follow a **B-** or **I-** of its own kind. Any other **I-** is illegal, also at the start of a sentence: O I-CITY, or B-COUNTRY I-CITY.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ramshaw and Marcus 1995 introduced this way of writing chunks; the variant in which every name starts with B is called IOB2. A name counts as found only if both ends and the kind are right.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · From BIO to spans
#
# Return the names as a set of `(start, end, kind)`, where `end` is one past the last token: `["O", "B-LOC", "I-LOC"]` gives `{(1, 3, "LOC")}`. Be strict: an `I-` that follows no `B-` or `I-` of its own kind opens nothing. **Predict:** which spans has `["B-LOC", "B-LOC", "I-ORG"]`?
#
# <details><summary>Answer</summary>(0, 1, LOC) and (1, 2, LOC). The illegal I-ORG ends the second name and belongs to none.</details>

# %% tags=["exercise-2-stub"]
def spans_of(labels):
    """The set of (start, end, kind) in a list of BIO labels; end is exclusive."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_spans_of(attempt):
    """Try an attempt on neighbours, illegal labels and names at both ends."""

    def spans(labels, begins=lambda i, labels: False, ends=lambda i, labels: False, one_past=1, close=True, begins_anew=True):
        found, start = set(), None
        for i, label in enumerate([*labels, *["O"] * close]):
            inside = start is not None and label[2:] == labels[start][2:] and (label[0] == "I" or not begins_anew)
            if start is not None and (not inside or ends(i, labels)):
                found.add((start, i - 1 + one_past, labels[start][2:]))
                start = None
            if (label[0] == "B" and start is None) or (label[0] == "I" and not inside and begins(i, labels)):
                start = i
        return found

    def ignoring_kinds(labels):
        found, start = set(), None
        for i, label in enumerate([*labels, "O"]):
            if start is not None and label[0] != "I":
                found.add((start, i, labels[start][2:]))
                start = None
            if label[0] == "B":
                start = i
        return found

    def runs_of_kind(labels):
        kinds, found, i = [label[2:] for label in labels], set(), 0
        for kind, run in groupby(kinds):
            n = len(list(run))
            if kind:
                found.add((i, i + n, kind))
            i += n
        return found

    def all_but(drop):
        return lambda labels: {span for span in spans(labels) if not drop(span)}

    sentences = [
        "O B-LOC I-LOC O B-ORG", "B-LOC B-LOC I-ORG O", "I-LOC I-LOC O B-ORG I-ORG I-ORG", "O O",
        "B-ORG I-LOC I-LOC O I-ORG B-LOC I-LOC", "B-LOC I-LOC B-LOC I-LOC I-LOC", "O B-ORG I-LOC I-ORG O",
    ]  # fmt: skip
    return check(
        attempt,
        cases=[((sentence.split(),), spans(sentence.split())) for sentence in sentences],
        misconceptions={
            "end is exclusive: one past the last token": lambda labels: spans(labels, one_past=0),
            "a name that reaches the end of the sentence is lost": lambda labels: spans(labels, close=False),
            "an I- without its B- opened a name; strictly, it opens nothing": lambda labels: spans(labels, begins=lambda i, labels: True),
            "an I- of another kind ends a name; you let it go on": ignoring_kinds,
            "two names of one kind side by side became one: B- must open a new one": runs_of_kind,
            "each name has one token only: I- belongs to it": lambda labels: spans(labels, ends=lambda i, labels: True),
            "a name that begins with the first token is lost: start is 0 there, and 0 counts as false": all_but(lambda span: span[0] == 0),
            "a name may have one token only": all_but(lambda span: span[1] == span[0] + 1),
            "the second number is the end, not the length": lambda labels: {(i, j - i, k) for i, j, k in spans(labels)},
            "the kind is missing: (start, end, kind)": lambda labels: {(i, j) for i, j, _ in spans(labels)},
            "the kind is written without B-": lambda labels: {(i, j, "B-" + kind) for i, j, kind in spans(labels)},
            "the order is (start, end, kind)": lambda labels: {(kind, i, j) for i, j, kind in spans(labels)},
            "start counts from 0": lambda labels: {(i + 1, j, kind) for i, j, kind in spans(labels)},
            "return a set, not a list": lambda labels: sorted(spans(labels)),
            "a B- of the same kind opens a new name, too: two of a kind may stand side by side": lambda labels: spans(labels, begins_anew=False),
            "a B- directly after a name ends it: the name before it is lost": (
                lambda labels: {(i, j, kind) for i, j, kind in spans(labels) if j == len(labels) or labels[j][0] != "B"}
            ),
        },
    )


check_spans_of(spans_of)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def spans_of_solution(labels):
    """The set of (start, end, kind) in a list of BIO labels; end is exclusive."""
    found, start = set(), None
    for i, label in enumerate([*labels, "O"]):
        if start is not None and label != "I-" + labels[start][2:]:
            found.add((start, i, labels[start][2:]))
            start = None
        if label.startswith("B-"):
            start = i
    return found


check_spans_of(spans_of_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Collect what the class did with the illegal I-ORG: evaluation scripts differ here. The old conlleval lets it open a name, strict IOB2 does not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Score names, not tokens: entity-level F1
#
# $$\text{precision} = \frac{\text{right}}{\text{predicted}} \qquad \text{recall} = \frac{\text{right}}{\text{true}} \qquad F_1 = \frac{2\,\text{right}}{\text{predicted} + \text{true}}$$
#
# counted over all sentences together:

# %% tags=["topic-B5b"]
def entity_f1(truth, predicted):
    """F1 of names between two lists of sentences of BIO labels; 0 if there is no name in either."""
    right = total = 0
    for true_labels, labels in zip(truth, predicted, strict=True):
        if isinstance(labels, str) or len(true_labels) != len(labels):
            raise ValueError("lists of sentences are compared, each a list of labels, one for each token")
        true_spans, spans = spans_of_solution(true_labels), spans_of_solution(labels)
        right += len(true_spans & spans)
        total += len(true_spans) + len(spans)
    return 2 * right / max(total, 1)


entity_f1([["B-LOC", "I-LOC", "O", "B-ORG"]], [["B-LOC", "O", "O", "B-ORG"]])

# %% [markdown] slideshow={"slide_type": "notes"}
# Draw the two sets on the board; right is their intersection; F1 is the harmonic mean of precision and recall. Precision asks of what was predicted, recall of what was there. In the example one of two names is found; the other is cut short and counts twice against it, as predicted and as missed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to `seqeval`

# %% tags=["topic-B5b", "nbval-check-output"]
rng, gaps = random.Random(0), []
bio = ["O", "O", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
for _ in range(200):
    truth, predicted = ([rng.choices(bio, k=n) for n in (3, 7, 12)] for _ in range(2))
    theirs = seqeval_f1(truth, predicted, mode="strict", scheme=IOB2, zero_division=0)
    gaps.append(abs(entity_f1(truth, predicted) - theirs))
print("200 random cases, illegal labels among them, equal to 1e-12:", max(gaps) < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# seqeval has two modes: the default follows the old conlleval and lets an illegal I- open a name, the strict one does not. Say which one you report.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Why not count tokens?
#
# A tagger that answers O everywhere, and one that is right but for the first token of each name, on 500 headlines:

# %% tags=["topic-B5b", "nbval-check-output"]
truth = [[label for *_, label in headline] for headline in headlines.sample(500, seed=2)]
lazy = [["O"] * len(labels) for labels in truth]
late = [["O" if label[0] == "B" else label for label in labels] for labels in truth]
for name, predicted in [("always O", lazy), ("never B-", late)]:
    right = [a == b for labels, guess in zip(truth, predicted) for a, b in zip(labels, guess)]
    print(f"{name}: {np.mean(right):.0%} of the tokens right, F1 {entity_f1(truth, predicted):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Accuracy over tokens flatters: most tokens are O. F1 of names is what papers report for entities.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What counts as a name?
#
# Every project decides for itself. CoNLL-2003 has four kinds (PER, LOC, ORG, MISC), OntoNotes eighteen; among them:

# %% tags=["topic-B5c"]
EXAMPLES = """[Ada Lovelace PERSON] wrote to [Charles Babbage PERSON]
the [British Left ORG] waffles again on [Falkland Islands LOC]
[British NORP] teams left [Iceland GPE] for the [North Sea LOC]
crowds cross [London Bridge FAC] after the [Olympic Games EVENT]
she read [War and Peace WORK_OF_ART] in [Russian LANGUAGE]
on [1 May DATE] at [noon TIME] it fell [two percent PERCENT] to [ten dollars MONEY]"""

# %% [markdown] slideshow={"slide_type": "skip"}
# From brackets to BIO:

# %% tags=["topic-B5c"] slideshow={"slide_type": "skip"}
def bio_of(text):
    """Words and BIO labels of a text with its names in brackets, the kind at the end."""
    words, labels = [], []
    for name, kind, word in re.findall(r"\[([^]]+) ([A-Z_]+)\]|(\S+)", text):
        new = name.split() or [word]
        words += new
        labels += [f"B-{kind}", *[f"I-{kind}"] * (len(new) - 1)] if kind else ["O"]
    return words, labels


bio_of("in [New York GPE] at noon")



# %% tags=["topic-B5c", "nbval-check-output"]
words, labels = bio_of(EXAMPLES)
print(*(f"{word}/{label}" for word, label in zip(words[6:14], labels[6:14])))
print(*sorted({kind for _, _, kind in spans_of_solution(labels)}))

# %% [markdown] slideshow={"slide_type": "notes"}
# GPE is a place with a government, LOC one without, FAC is built. By this rule the Falkland Islands are a GPE; CoNLL-2003 has no GPE and says LOC, as our headlines do. The Left as a movement would be NORP; as a party it is an organisation, as in the lecture. Ask for a sentence in which Washington is a PERSON, a GPE and an ORG.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Slot filling: the same tool, other labels
#
# A travel agent's program needs no LOC, it needs to know *from* where and *to* where. Same network, same BIO, same F1; but the label depends on the role in the sentence:

# %% tags=["topic-B5e", "nbval-check-output"]
as_names = bio_of("flights from [Buenos Aires CITY] to [New York CITY] on [Monday DAY]")
as_slots = bio_of("flights from [Buenos Aires FROM] to [New York TO] on [Monday DAY]")
for word, name, slot in zip(as_names[0], as_names[1], as_slots[1]):
    print(f"{word:8} {name:8} {slot}")

# %% [markdown] slideshow={"slide_type": "notes"}
# ATIS, flight enquiries recorded around 1990, is the classic corpus. Part 4 trains on a family of such sentences with real names.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### "I like cake": a loss for each word, summed
#
# ![Many to many, aligned: I, like, cake get the tags PRON, VERB, NOUN, each at the step that reads it.](../figures/family_n_to_n.svg)
#
# $$J = \sum_{t=1}^{T} J_t \qquad J_t = -\log \hat y_t[y_t] \qquad \frac{\partial J}{\partial W} = \sum_{t=1}^{T} \frac{\partial J_t}{\partial W}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# In a batch, divide a loss per token by the number of tokens, not of rows. The loss of part 4 is one per sentence.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three losses, one gradient
#
# The derivative of the sum is the sum of the derivatives, here for the forward chain's recurrent matrix $W$:

# %% tags=["topic-B5d", "nbval-check-output"]
tagger = Tagger(V=4, K=3, H=5, bidirectional=True).double()  # words 1, 2, 3: I like cake; labels 0, 1, 2
scores = tagger(torch.tensor([[1, 2, 3]]))[0]
J_t = cross_entropy(scores, torch.tensor([0, 1, 2]), reduction="none")  # PRON VERB NOUN
W = tagger.ahead.weight_hh_l0
parts = [torch.autograd.grad(J, W, retain_graph=True)[0] for J in J_t]
whole = torch.autograd.grad(J_t.sum(), W)[0]
print("three gradients sum to that of the sum:", torch.allclose(sum(parts), whole, atol=1e-12))
print("which of the three are not zero:       ", [bool(part.abs().max() > 0) for part in parts])

# %% [markdown] slideshow={"slide_type": "notes"}
# The first loss does not reach the forward chain's recurrent matrix: at the first token the state before is zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Roles of names in Python programs
#
# A real task with labels that are beyond doubt: what is each name in a program *for*? The same word can be many things:
#
# | program | role of `key` | role of `name` |
# |---|---|---|
# | `key = name` | store | load |
# | `key(name)` | call | load |
# | `sort(key=name)` | keyword argument | load |
# | `def key(name): pass` | function definition | parameter |
# | `item.key = item.name` | attribute written | attribute read |
# | `import key, name` | import | import |
#
# An editor that colours programs while somebody types must guess from what is there so far. **Predict:** in which of these lines is the role of `key` clear before the next token is read?

# %% [markdown] slideshow={"slide_type": "notes"}
# In the fourth and in the last line. In the third one key could be a load or a call, in the fifth a method. Keep the votes: the whole section is about this question.

# %% [markdown] slideshow={"slide_type": "skip"}
# `tokenize` cuts a program into tokens. Literals and ends of lines become marks, comments and indents are left out. An f-string is one `<str>`, whatever it holds, as Python 3.11 does not cut it up and later versions do:

# %% slideshow={"slide_type": "skip"}
MARKS = {"STRING": "<str>", "FSTRING_START": "<str>", "TSTRING_START": "<str>", "NUMBER": "<num>", "NEWLINE": "<nl>"}
NOT_READ = {"ERRORTOKEN", "COMMENT", "NL", "INDENT", "DEDENT", "ENDMARKER", "FSTRING_END", "TSTRING_END"}


def python_tokens(source):
    """Yield (text, (row, byte)) for each token of a program; all tokens of an f-string are one."""
    lines, depth = source.split("\n"), 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind, (row, column) = tokenize.tok_name[token.type], token.start
        if kind == "ERRORTOKEN" and not token.string.isspace():
            raise tokenize.TokenError(f"no token begins with {token.string!r}", token.start)
        depth -= kind.endswith("STRING_END")
        if depth == 0 and kind not in NOT_READ:
            byte = len(lines[row - 1][:column].encode())  # the syntax tree counts bytes, not characters
            yield MARKS.get(kind, token.string), (row, byte)
        depth += kind.endswith("STRING_START")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print([text for text, _ in python_tokens('total += 2 * len(f"{name:>{width}}")  # add')])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exact labels from the syntax tree
#
# Python cuts a program into tokens with `tokenize`, and its parser, `ast`, knows what each name is for. A node of the syntax tree says where its text begins and ends:

# %% tags=["nbval-check-output"]
for node in ast.walk(ast.parse("item.price = tax(net)")):
    if isinstance(node, ast.Name | ast.Attribute | ast.Call):
        print(f"{type(node).__name__:10} from {node.col_offset:2} to {node.end_col_offset:2}   {ast.unparse(node)}")

# %% [markdown]
# The role of a name then follows from the kind of its node: `tax` is the `Name` that a `Call` calls, so it has the role *call*; the last name of an `Attribute` is an *attribute*, written or read or, if called, a *method*; and so on, for eleven roles. Literals become `<str>` and `<num>`, the end of a line `<nl>`; comments are left out, and so is all that stands inside f-strings.

# %% slideshow={"slide_type": "skip"}
FIRST_NAME = {"arg": "parameter", "TypeVar": "parameter", "TypeVarTuple": "parameter", "ParamSpec": "parameter",
              "ClassDef": "class definition", "FunctionDef": "function definition",
              "AsyncFunctionDef": "function definition"}  # fmt: skip


def span(node):
    """Where the text of a node begins and ends, each as (row, byte)."""
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def between(places, start, end):
    """Those of the sorted places that lie from start to before end."""
    return places[bisect_left(places, start) : bisect_left(places, end)]


def nodes_outside_strings(tree):
    """All nodes of a tree but those inside f-strings, children before their parents."""
    nodes = [tree]
    for node in nodes:  # grows while it is read
        if type(node).__name__ not in {"JoinedStr", "TemplateStr"}:
            nodes.extend(ast.iter_child_nodes(node))
    return nodes[::-1]

# %% [markdown] slideshow={"slide_type": "notes"}
# No human annotator, no disagreement: the truth is the grammar of Python. Such tasks are rare; most tagging tasks have an upper limit set by people who disagree.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From nodes to roles
#
# Parameters and definitions, listed in `FIRST_NAME`, give a role to the first name in their text:

# %%
def roles_given_by(node, places):
    """Map places of names to their roles, as far as a node of the tree decides on them."""
    names, loads = between(places, *span(node)), isinstance(getattr(node, "ctx", None), ast.Load)
    match node:
        case ast.Name():
            return {names[0]: "load" if loads else "store"}
        case ast.Attribute():
            return {names[-1]: "attribute read" if loads else "attribute written"}
        case ast.Call(func=ast.Name()):
            return {names[0]: "call"}
        case ast.Call(func=ast.Attribute() as function):
            return {between(places, *span(function))[-1]: "method"}
        case ast.keyword(arg=str()):
            return {names[0]: "keyword argument"}
        case ast.Import() | ast.ImportFrom():
            return dict.fromkeys(names, "import")
    if type(node).__name__ in FIRST_NAME:
        return {names[0]: FIRST_NAME[type(node).__name__]}
    return rare_roles(node, names, places)

# %% slideshow={"slide_type": "skip"}
def rare_roles(node, names, places):
    """The same for names after global, except … as and in patterns, and for keywords in patterns."""
    match node:
        case ast.Global() | ast.Nonlocal():
            return dict.fromkeys(names, "store")
        case ast.ExceptHandler(name=str()):
            return {names[len(between(places, *span(node.type)))]: "store"}
        case ast.MatchAs(name=str()) | ast.MatchStar(name=str()) | ast.MatchMapping(rest=str()):
            return {names[-1]: "store"}
        case ast.MatchClass():
            before = (between(places, span(node)[0], span(pattern)[0]) for pattern in node.kwd_patterns)
            return {names_before[-1]: "keyword argument" for names_before in before}
    return {}


def is_name(text):
    """True for identifiers; match, case and type can be names or keywords."""
    return text.isidentifier() and not keyword.iskeyword(text)


def names_and_roles(source):
    """The tokens of a program, each with its role: None if it is not a name."""
    tokens, found = list(python_tokens(source)), {}
    places = [place for text, place in tokens if is_name(text)]
    for node in nodes_outside_strings(ast.parse(source)):
        if hasattr(node, "lineno"):
            found |= roles_given_by(node, places)
    no_role = {text: None if text in keyword.softkwlist else "other" for text, _ in tokens if is_name(text)}
    return [(text, found.get(place, no_role.get(text))) for text, place in tokens]

# %% [markdown] slideshow={"slide_type": "notes"}
# Children come before parents, so the call overwrites the load that its function's name would be. A name that Python deletes counts as stored, and so do names after global and nonlocal, by our choice. Rare cases stand in a second, similar function.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does it label rightly?
#
# Soft keywords are the fine point: `match` and `type` are ordinary names, unless the grammar needs them as keywords.

# %% tags=["nbval-check-output", "output-only"]
def in_words(source):
    """The names of a program with their roles, as one text."""
    return ", ".join(f"{text}: {role}" for text, role in names_and_roles(source) if role)


for source in (
    "total = max(prices.items(), key=lambda pair: pair[1])",
    "match = re.match(type, *names)",
    "match point:\n case Point(x=0, y=height): pass",
    "try: self.log.close()\nexcept OSError as error: del self.log",
):
    print(f"{source}\n    {in_words(source)}")

# %% [markdown] slideshow={"slide_type": "skip"}
# And the six programs of the first slide, with the roles that its table states:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
first_slide = "key = name|key(name)|sort(key=name)|def key(name): pass|item.key = item.name|import key, name"
for source in first_slide.split("|"):
    print(f"{source:22} {in_words(source)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Del removes a name; the grammar treats it like the target of an assignment, so we count it as writing. In the third program match is a keyword and gets no role. Read each line aloud and check it by hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The data
#
# The standard library's source, split by module: what a package calls its things does not leak into the test. We take files of at most 12,000 characters, in the test 20,000. A sequence is a **logical line**: a statement, or the head of one, over as many lines of text as it takes.

# %% slideshow={"slide_type": "skip"}
def logical_lines(source, longest=48):
    """The lines of a program that hold names, each a list of (token, role) that ends in <nl>; long ones are cut."""
    lines = [[]]
    for token in names_and_roles(source):
        lines[-1].append(token)
        if token[0] == "<nl>":
            lines.append([])
    cut = [[*line[: longest - 1], line[-1]] if len(line) > longest else line for line in lines[:-1]]
    return [line for line in cut if any(role for _, role in line)]


def lines_of(files, most):
    """The logical lines of all files that are not too long, the shortest lines first."""
    return sorted((line for file in files if len(file) <= most for line in logical_lines(file)), key=len)

# %%
library = load_stdlib_sources(seed=0)
code_train, code_test = lines_of(library.train, most=12_000), lines_of(library.test, most=20_000)
for part, lines in (("training", code_train), ("test", code_test)):
    names = sum(role is not None for line in lines for _, role in line)
    print(f"{part:8} {len(lines):6,} lines, {sum(map(len, lines)):7,} tokens, {names:6,} names to label", end="")
    print(f", on average {sum(map(len, lines)) / len(lines):.1f} tokens a line")

# %% [markdown] slideshow={"slide_type": "notes"}
# Cutting by line throws away what stands in other lines; within the grammar a line is almost always enough to label its names. Lines longer than 48 tokens, mostly tables, are cut.

# %% slideshow={"slide_type": "skip"}
frequency = Counter(text for line in code_train for text, _ in line)
CODE_WORDS = ["<unk>", *sorted(text for text in frequency if frequency[text] >= 2)]
code_number = {text: number for number, text in enumerate(CODE_WORDS)}
role_count = Counter(role for line in code_train for _, role in line if role)
ROLES_OF_NAMES = [role for role, _ in role_count.most_common()]
ROLES_OF_NAMES += ["other"] * ("other" not in role_count)


def names_in(lines):
    """(previous token, name, next token, role) of all names; tokens that training has not shown twice are <unk>."""
    found = []
    for line in lines:
        texts = ["<nl>", *(text if text in code_number else "<unk>" for text, _ in line)]
        found += [(*texts[i : i + 3], role) for i, (_, role) in enumerate(line) if role]
    return found


train_names, test_names = names_in(code_train), names_in(code_test)
true_roles = np.array([role for *_, role in test_names])
is_unknown = np.array([name == "<unk>" for _, name, *_ in test_names])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Eleven roles, many unknown names
#
# Programmers invent names. One that training has not shown at least twice is `<unk>`:

# %%
shares = [f"{role} {count / role_count.total():.0%}" for role, count in role_count.most_common()]
print("training:", "\n          ".join(", ".join(shares[i : i + 4]) for i in range(0, len(shares), 4)))
once = np.mean([name == "<unk>" for _, name, *_ in train_names])
print(f"<unk>: {once:.0%} of the names in training, {is_unknown.mean():.0%} of those in the test")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("more than a fifth of the names in the test are unknown:", is_unknown.mean() > 0.2)
print("fewer than 1 % of all names have none of the eleven roles:", role_count["other"] < 0.01 * role_count.total())

# %% [markdown]
# For an unknown name, all that our models see is its surroundings. **Predict:** which is the better neighbour to know, the token before a name or the one after it?

# %% [markdown] slideshow={"slide_type": "notes"}
# Words seen once in training are read as <unk>, too: far fewer than in the test, but enough to learn what unknown names tend to be.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which neighbours decide?
#
# Three places where a name can stand, and the tokens that most often follow it there. What is its role then, and how often?

# %% tags=["output-only"]
roles_after = defaultdict(Counter)
for previous, _, following, role in train_names:
    roles_after[previous, following][role] += 1

for place, previous in (("a line begins", "<nl>"), ("after .", "."), ("after ,", ",")):
    here = {following: roles for (before, following), roles in roles_after.items() if before == previous}
    for following in sorted(here, key=lambda following: -here[following].total())[:4]:
        (role, count), total = here[following].most_common(1)[0], here[following].total()
        print(f"{place:14} name   then {following:5} {role:17} {count / total:4.0%}")

# %% [markdown]
# Where a line begins and after a dot, the next token nearly settles the role. After a comma it often does not: in `def f(a, b)` the `b` is a parameter, in `f(a, b)` a load, and what tells them apart stands further to the left. A table of neighbours cannot be perfect; a state that remembers the opened bracket can.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for a third line that ends in a, b and gives b yet another role: import a, b.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · Back off
#
# Before any network: tables. `counts` maps a key, such as `(previous, name)`, to how often each role occurred with it. `keys` goes from the most detailed key to `()`, which counts all names: `[("def", "run"), ("run",), ()]`. Use the first key that training has shown, and answer its most frequent role. **Predict:** what would be wrong with adding up the counts of all keys instead?
#
# <details><summary>Answer</summary>The key () has been seen most often, so its counts would drown the others: nearly every answer would be the most frequent role of all.</details>

# %% tags=["exercise-3-stub"]
def role_of(keys, counts):
    """The most frequent role for the first of the keys that is in counts, {key: {role: count}}; no ties occur."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_role_of(attempt):
    """Try an attempt on keys that are known in full, in part, or not at all."""
    counts = {
        (): {"call": 50, "load": 90, "store": 60},
        ("key",): {"load": 1, "keyword argument": 6, "store": 1},
        ("run",): {"method": 95, "call": 2, "store": 3},
        ("(",): {"parameter": 9, "load": 8},
        (".",): {"method": 7, "attribute read": 8, "attribute written": 2},
        ("(", "key"): {"store": 2, "load": 3, "call": 4},
        ("for", "run"): {"store": 4, "load": 1}, ("in", "run"): {"load": 5, "store": 1}, ("in", "for", "run"): {"store": 3},
        (".", "key"): {"attribute read": 1},
        (".", "run"): {"attribute read": 2, "method": 3},
    }
    pairs = [("(", "key"), (".", "key"), (".", "run"), ("def", "run"), ("(", "walk"), ("def", "key"), ("in", "walk")]
    cases = [[(previous, name), (name,), ()] for previous, name in pairs]
    cases += [[()], [("def", ".", "key"), (".", "key"), ("key",), ()], [("x", "y", "z"), ("x", "y"), (".",), ()]]
    cases += [[("in", "for", "run"), ("in", "run"), ("run",), ("key",), ()], [("for", "run"), ("(",), ("(", "walk"), (".", "run"), ("run",), ()]]

    def best(votes, choose=max):
        return choose(votes, key=votes.get)

    def role(keys, counts, choose=max, least=1):
        known = [key for key in keys if sum(counts.get(key, {}).values()) >= least]
        return best(counts[known[0]], choose)

    def added(keys, counts):
        return best(sum((Counter(counts[key]) for key in keys if key in counts), Counter()))

    def surest(keys, counts):
        known = [counts[key] for key in keys if key in counts]
        return best(max(known, key=lambda votes: max(votes.values()) / sum(votes.values())))

    return check(
        attempt,
        cases=[((keys, counts), role(keys, counts)) for keys in cases],
        misconceptions={
            "begin with the most detailed key, the first one": lambda keys, counts: role(keys[::-1], counts),
            "the most detailed key may be there: do not skip it": lambda keys, counts: role(keys[1:], counts),
            "back off step by step: after the first key try the second, not ()": lambda keys, counts: role([keys[0], ()], counts),
            "() is one of the keys: it answers when all others fail": lambda keys, counts: role(keys[:-1], counts),
            "a key that is not in counts is no answer: try the next one": lambda keys, counts: best(counts[keys[0]]),
            "None is no answer: for an unknown key try the next one": lambda keys, counts: role(keys, counts) if keys[0] in counts else None,
            "use one key only: adding up lets () drown the others": added,
            "the most frequent role, not the rarest": lambda keys, counts: role(keys, counts, min),
            "the most frequent role, not the one that happens to stand first": (
                lambda keys, counts: role(keys, counts, choose=lambda votes, key: next(iter(votes)))
            ),
            "return the role, not its count": lambda keys, counts: max(
                counts[next(key for key in keys if key in counts)].values()
            ),
            "return the role alone, without its key": lambda keys, counts: (keys[0], role(keys, counts)),
            "a key seen once counts as seen: do not ask for more": lambda keys, counts: role(keys, counts, least=2),
            "the keys can be more than three, or one: go through all of them": lambda keys, counts: best(
                counts[keys[0] if keys[0] in counts else keys[1] if len(keys) > 1 and keys[1] in counts else ()]
            ),
            "the most frequent role, not the last in the alphabet": (
                lambda keys, counts: role(keys, counts, choose=lambda votes, key: max(votes))
            ),
            "the first key that is known, not the one whose answer seems surest": surest,
            "every key has a vote here: the first key that is known decides alone": (
                lambda keys, counts: best(Counter(best(counts[key]) for key in keys if key in counts))
            ),
        },
    )


check_role_of(role_of)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def role_of_solution(keys, counts):
    """The most frequent role for the first of the keys that is in counts, {key: {role: count}}; no ties occur."""
    first_known = next(key for key in keys if key in counts)
    return max(counts[first_known], key=counts[first_known].get)


check_role_of(role_of_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the simple but strong baseline of many tagging tasks. Notebook 1 met back-off as a way to smooth n-grams.

# %% slideshow={"slide_type": "skip"}
def table_guesses(keys_of):
    """The roles of the names in the test by a table with back-off, counted on the training names."""
    counts = defaultdict(Counter)
    for *context, role in train_names:
        for key in keys_of(*context):
            counts[key][role] += 1
    return np.array([role_of_solution(keys_of(*context), counts) for *context, _ in test_names])


def accuracies(guesses):
    """Right answers in per cent: of all names in the test, of the known and of the unknown ones."""
    right = 100 * (guesses == true_roles)
    return np.array([right.mean(), right[~is_unknown].mean(), right[is_unknown].mean()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Tables
#
# Right answers on the test in per cent. All keys hold `<unk>` for an unknown name:

# %%
TABLES = {
    "most frequent role": lambda previous, name, following: [()],
    "name": lambda previous, name, following: [(name,), ()],
    "previous": lambda previous, name, following: [(previous,), ()],
    "next": lambda previous, name, following: [(following,), ()],
    "previous, name": lambda previous, name, following: [(previous, name), (name,), ()],
    "previous, next": lambda previous, name, following: [(previous, following), (following,), ()],
    "previous, name, next": lambda p, name, n: [(p, name, n), (p, n), (n,), ()],
}

# %% tags=["output-only"]
table_results = {name: accuracies(table_guesses(keys_of)) for name, keys_of in TABLES.items()}
print("                         all   known   unknown")
for name, result in table_results.items():
    print("{:22} {:5.1f} {:7.1f} {:9.1f}".format(name, *result))

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
by_left, by_both = (table_results[name] for name in ("previous, name", "previous, next"))
print("two neighbours beat the name with its left neighbour, for known and unknown:", all(by_both > by_left))
alone = max(table_results[name][0] for name in ("previous", "next"))
print("two neighbours beat each of them alone by 15 points:", by_both[0] > alone + 15)
below = min(table_results[name][0] for name in ("previous", "next")) - table_results["name"][0]
print("the name alone is 5 points or more below either of them:", below > 5)
three = table_results["previous, name, next"]
print("on unknown names, <unk> makes the table of neighbours worse:", three[2] < by_both[2])
print("the name alone is right in fewer than three of four cases:", table_results["name"][0] < 75)

# %% [markdown]
# Over all names, a neighbour says more than the name, and both say far more than one.

# %% [markdown] slideshow={"slide_type": "notes"}
# Which neighbour is the better one? For unknown names the token before, for known names the one after; over all names they are level. For unknown names the last table is worse than the one before it, as <unk> adds little and splits the counts more finely. A window of three tokens is a strong baseline: the networks have to beat it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Networks: four readers
#
# The role of the name at step $t$ is read off a state. RNN and LSTM have then seen $x_1 \dots x_t$. *LSTM, one late* waits for one more token: it has seen $x_{t+1}$, too. The BiLSTM has seen the whole line, from both ends.

# %%
class RoleTagger(nn.Module):
    """Tokens (B, T) give scores (B, T, roles) of each token's role."""

    def __init__(self, reader, H, E=48):
        super().__init__()
        cell, chains = nn.RNN if reader == "RNN" else nn.LSTM, 1 + (reader == "BiLSTM")
        self.C, self.late = nn.Embedding(len(CODE_WORDS), E), reader == "LSTM, one late"
        self.rnn = cell(E, H, batch_first=True, bidirectional=chains == 2)
        self.output_layer = nn.Linear(chains * H, len(ROLES_OF_NAMES))

    def forward(self, x):
        states, _ = self.rnn(self.C(x))  # (B, T, chains · H)
        if self.late:
            states = states.roll(-1, dims=1)  # the state after the next token; the last one, <nl>, has no role
        return self.output_layer(states)

# %% [markdown] slideshow={"slide_type": "notes"}
# The late reader is an ordinary LSTM. Its answer comes one token later, which is what an editor can afford: one token, often a single key.

# %% slideshow={"slide_type": "skip"}
def as_numbers(lines):
    """Lines sorted by length as {T: (x (N, T), y (N, T))}; y is −100 where there is no role."""
    by_length = defaultdict(list)
    for line in lines:
        x = [code_number.get(text, 0) for text, _ in line]
        y = [-100 if role is None else ROLES_OF_NAMES.index(role) for _, role in line]
        by_length[len(line)].append((x, y))
    return {T: torch.tensor(pairs).unbind(dim=1) for T, pairs in by_length.items()}


def line_batches(tables, tokens=1500):
    """Batches (x, y) of about so many tokens that hold each line once, in random order."""
    batches = []
    for T, (x, y) in tables.items():
        batches += [(x[rows], y[rows]) for rows in torch.randperm(len(x)).split(max(1, tokens // T))]
    return [batches[i] for i in torch.randperm(len(batches))]

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal parameters, equal training
#
# Two chains cost twice as much as one, so each of them gets fewer units. The embedding, the same for all, is set aside:

# %%
UNITS = {"RNN": 120, "LSTM": 52, "LSTM, one late": 52, "BiLSTM": 32}
sizes = {}
for reader, H in UNITS.items():
    tagger = RoleTagger(reader, H)
    sizes[reader] = parameter_count(tagger) - parameter_count(tagger.C)
    print(f"{reader:15} {H:3} units a chain, {sizes[reader]:,} parameters + {parameter_count(tagger.C):,} embedding")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("all within 1 %:", max(sizes.values()) < 1.01 * min(sizes.values()))

# %% [markdown]
# Lines of *equal* length make a batch, so there is no padding in which the second chain would have to begin. The loss counts names only: other tokens have the label −100, which `cross_entropy` skips.

# %% [markdown] slideshow={"slide_type": "notes"}
# At equal width the BiLSTM would have twice the parameters. Two passes for every reader, with the same batches and the same rate.

# %% slideshow={"slide_type": "skip"}
def train_role_tagger(reader, seed, passes=2, lr=0.02):
    """A RoleTagger after some passes over the training lines."""
    torch.manual_seed(seed)
    model = RoleTagger(reader, UNITS[reader])
    torch.manual_seed(seed)  # once more: the same batches for all readers
    batches = [batch for _ in range(passes) for batch in line_batches(train_tables)]
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    schedule = lr_schedule(optimizer, lr, len(batches))
    for x, y in batches:
        optimizer.zero_grad()
        cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model


def network_guesses(model):
    """The roles of the names in the test by a RoleTagger, in the order of test_names."""
    with torch.no_grad():
        numbers = torch.cat([model(x).argmax(dim=2)[y >= 0] for x, y in test_tables.values()])
    return np.array(ROLES_OF_NAMES)[numbers.numpy()]


train_tables, test_tables = as_numbers(code_train), as_numbers(code_test)
role_taggers = {reader: [train_role_tagger(reader, seed) for seed in range(3)] for reader in UNITS}
guesses = {reader: [network_guesses(model) for model in models] for reader, models in role_taggers.items()}

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Right context is worth more than a better cell
#
# Test, per cent right, mean ± standard deviation of three seeds; the tables again for comparison:

# %% tags=["output-only"]
role_results = {reader: np.array([accuracies(g) for g in guesses[reader]]) for reader in UNITS}  # (seeds, 3)
print("                           all names      known         unknown")
for name in ("previous, name", "previous, name, next"):
    print("{:22} {:8.1f} {:13.1f} {:13.1f}".format(name, *table_results[name]))
for reader, values in role_results.items():
    cells = (f"{mean:6.1f} ± {sd:3.1f}" for mean, sd in zip(values.mean(axis=0), values.std(axis=0, ddof=1)))
    print(f"{reader:24}", "  ".join(cells))

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
worst, best = ({reader: of(values[:, 0]) for reader, values in role_results.items()} for of in (np.min, np.max))
margin = worst["BiLSTM"] - max(best["LSTM"], best["RNN"])
print("the worst BiLSTM beats the best LSTM and the best RNN by 8 points:", margin > 8)
print("BiLSTM and late LSTM are above 97 % for every seed:", min(worst["BiLSTM"], worst["LSTM, one late"]) > 97)
print("the BiLSTM on unknown names is above 96 % for every seed:", role_results["BiLSTM"][:, 2].min() > 96)
_, known, unknown = role_results["LSTM"].mean(axis=0)
print("reading from the left only, unknown names are 5 points worse or more:", known - unknown > 5)
_, known, unknown = role_results["BiLSTM"].mean(axis=0)
print("for the BiLSTM by less than 2:", known - unknown < 2)
print("the three-token table is 2 points below:", table_results["previous, name, next"][0] < worst["BiLSTM"] - 2)

# %% [markdown]
# The LSTM is no better than the RNN here; right context changes a lot, and unknown names are almost as easy as known ones once their surroundings are seen from both sides. One token of right context, and a state that remembers the left side, is nearly all that is needed.

# %% [markdown] slideshow={"slide_type": "notes"}
# The spread over seeds is far smaller than the gap. The table of three tokens lies between: it sees the next token, but not the bracket that was opened long ago.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
def f1_by_role(true, guessed):
    """The F1 of each role (roles,), from two arrays of roles; 0 for a role that is neither true nor guessed."""
    each = np.array(ROLES_OF_NAMES)[:, None]
    is_true, is_guessed = true == each, guessed == each  # (roles, N)
    right, both = (is_true & is_guessed).sum(axis=1), is_true.sum(axis=1) + is_guessed.sum(axis=1)
    return 2 * right / np.maximum(both, 1)


for reader in ("LSTM", "BiLSTM"):
    theirs = f1_score(true_roles, guesses[reader][0], labels=ROLES_OF_NAMES, average=None, zero_division=0)
    print(f"{reader:6} equal to scikit-learn's:", np.allclose(f1_by_role(true_roles, guesses[reader][0]), theirs))

# %% slideshow={"slide_type": "skip"}
of_roles = {reader: 100 * np.array([f1_by_role(true_roles, g) for g in guesses[reader]]) for reader in UNITS}
shown = [i for i, role in enumerate(ROLES_OF_NAMES) if role != "other"]


def plot_f1_by_role():
    """Draw the F1 of each role, LSTM and BiLSTM: every seed small, the mean large."""
    fig, ax = plt.subplots(figsize=(8.6, 3.6))
    order = sorted(shown, key=lambda i: of_roles["LSTM"][:, i].mean())
    for reader, mark, fill in (("LSTM", "o", "white"), ("BiLSTM", "D", COLOR["lstm"])):
        values = of_roles[reader][:, order]
        ax.plot(values.T, range(len(order)), ".", ms=3, color=COLOR["ink"])
        ax.plot(values.mean(axis=0), range(len(order)), mark, color=COLOR["lstm"], mfc=fill, ms=7, label=reader)
    means = [of_roles[reader][:, order].mean(axis=0) for reader in ("LSTM", "BiLSTM")]
    ax.hlines(range(len(order)), *means, color=COLOR["lstm"], lw=1, zorder=0)
    ax.set_yticks(range(len(order)), labels=[ROLES_OF_NAMES[i] for i in order])
    ax.set(xlabel="$F_1$ on the test (%)")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Role by role
#
# Accuracy is ruled by the most frequent roles. Count for each role: the names that have it (*true*), those that were given it (*guessed*), and those where both agree (*right*): $F_1 = 2 \cdot \text{right} / (\text{guessed} + \text{true})$.

# %% tags=["output-only"]
show(plot_f1_by_role(), "Definitions, imports and parameters are clear from the left; all other roles gain from the right side.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
mean_f1 = {reader: dict(zip(ROLES_OF_NAMES, values.mean(axis=0))) for reader, values in of_roles.items()}
announced = ("function definition", "class definition", "import", "parameter")
gains = {role: mean_f1["BiLSTM"][role] - mean_f1["LSTM"][role] for role in set(ROLES_OF_NAMES) - {*announced, "other"}}
print("definitions, imports and parameters: LSTM above 93:", min(mean_f1["LSTM"][role] for role in announced) > 93)
print("all other roles gain 5 points or more:", min(gains.values()) > 5)

# %% [markdown] slideshow={"slide_type": "notes"}
# F1 is the harmonic mean of precision, right by guessed, and recall, right by true. Small dots are the starts. The words def, class and import stand to the left of what they announce; brackets, equals signs and dots stand to the right of what they change.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Confusions that only the right context resolves
#
# The mistakes that the LSTM makes most often, and what is left of them in the other readers (sums over three seeds). Last column: the token that most often follows such a name.

# %% slideshow={"slide_type": "skip"}
def confusions(reader):
    """How often a reader took one role for another, {(true, guessed): count}, over all seeds."""
    pairs = Counter(pair for g in guesses[reader] for pair in zip(true_roles.tolist(), g.tolist()))
    return Counter({pair: count for pair, count in pairs.items() if pair[0] != pair[1]})


def what_follows(pair):
    """The token that most often follows a name of which the LSTM confuses the roles, and how often."""
    following = Counter(
        after
        for g in guesses["LSTM"]
        for (_, _, after, true), guessed in zip(test_names, g.tolist())
        if (true, guessed) == pair
    )
    (token, count), total = following.most_common(1)[0], following.total()
    return f"{token:4} {count / total:4.0%}"


def missed_by_all(reader):
    """Yield (before, name, after, true, guessed, how often training showed it) for names that all seeds miss."""
    wrong, seen = np.all([g != true_roles for g in guesses[reader]], axis=0), set()
    places = [([text for text, _ in line], i) for line in code_test for i, (_, role) in enumerate(line) if role]
    for k in np.flatnonzero(wrong):
        (texts, i), (previous, _, following, true) = places[k], test_names[k]
        if (previous, following) not in seen:
            before, after = " ".join(texts[:i])[-28:], " ".join(texts[i + 1 :])[:24]
            yield before, texts[i], after, true, guesses[reader][0][k], roles_after[previous, following][true]
        seen.add((previous, following))

# %% tags=["output-only"]
mistakes = {reader: confusions(reader) for reader in UNITS}
print(f"{'truth':18}{'LSTM says':19}   LSTM   one late   BiLSTM    then")
for (true, guessed), count in mistakes["LSTM"].most_common(9):
    late, both = (mistakes[reader][true, guessed] for reader in ("LSTM, one late", "BiLSTM"))
    print(f"{true:18}{guessed:19} {count:6,} {late:10,} {both:8,}    {what_follows((true, guessed))}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
top = [pair for pair, _ in mistakes["LSTM"].most_common(9)]
left = sum(mistakes["BiLSTM"][pair] for pair in top) / sum(mistakes["LSTM"][pair] for pair in top)
print("of these mistakes the BiLSTM makes fewer than a tenth:", left < 0.1)

# %% [markdown]
# Many rows are rules of the grammar: outside definitions and patterns, a name before `(` is called; before `=` it is stored, or a keyword argument if a bracket is open. No state can know the token that comes next; it can only guess what usually comes, and so the LSTM guesses by habit.

# %% [markdown] slideshow={"slide_type": "notes"}
# Read each row as a line of Python: f( is a call, x = a store, .a = writes an attribute, .m( calls a method, k= in brackets is a keyword argument.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is one token enough?
#
# In the table above the late reader, with one token of right context, does as well as the BiLSTM. Python is nearly made to be read like that: up to version 3.8 its parser looked one token ahead (PEP 617). Not always: in `(a, b) = c` the role of `a` shows at the equals sign. What *all three* BiLSTMs get wrong (in front: how often training showed this role between these neighbours; each pair of neighbours once):

# %% tags=["output-only"]
missed = list(missed_by_all("BiLSTM"))
for before, name, after, true, guessed, count in missed[:8]:
    print(f"{count:3} {before[-20:]:>20} {f'[{name}] {after:.15}':33} {true}, not {guessed}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
late, both = (role_results[reader][:, 0].mean() for reader in ("LSTM, one late", "BiLSTM"))
times = np.array([roles_after[previous, following][role] for previous, _, following, role in test_names])
all_wrong = np.all([g != true_roles for g in guesses["BiLSTM"]], axis=0)
print("names that all seeds miss: their role was shown between these neighbours", end=" ")
print("a fifth as often as for a usual name, or less (medians):", np.median(times[all_wrong]) < np.median(times) / 5)
print("late reader and BiLSTM differ by less than a point:", abs(late - both) < 1)
total = {reader: sum(of_reader.values()) for reader, of_reader in mistakes.items()}
print("the late reader makes fewer than a fifth of the LSTM's mistakes:", total["LSTM, one late"] < total["LSTM"] / 5)

# %% [markdown]
# These are mostly constructions that training has rarely shown: a matter of data, not of context. In a human language the word that decides can stand far to the right; there one token is not enough.

# %% [markdown] slideshow={"slide_type": "notes"}
# A usual name has been shown hundreds of times with its role and its neighbours. Before paying for a second chain, ask how much right context the task needs. A delay of one token keeps the reader usable while somebody types; a BiLSTM must wait for the end of the line.

# %% slideshow={"slide_type": "skip"}
AROUND = [("", ""), ("", "\n pass"), ("", "\ndef f(): pass"), ("if x: pass\n", "\n pass"),
          ("try: pass\n", "\n pass"), ("match x:\n ", "\n  pass"), ("", "\nfinally: pass"),
          ("", "\n pass\nfinally: pass"), ("", "\n case _: pass"), ("if x: pass\n", "")]  # fmt: skip


def roles_in_line(text):
    """The true role of each token of a line, or None if it fits into no small program."""
    for before, after in AROUND:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return names_and_roles(before + text + after)[len(list(python_tokens(before))) :]
        except (SyntaxError, ValueError, tokenize.TokenError):
            continue
    return None

# %% slideshow={"slide_type": "skip"}
def tokens_of_line(text):
    """The tokens of a line, and why they are not all that stands there: "" if they are."""
    tokens = []
    try:
        for token, _ in python_tokens(text):
            tokens.append(token)
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        is_open = any(sign in str(error.args[0]) for sign in ("EOF", "unterminated", repr("'"), repr('"')))
        return tokens, "A bracket or a quotation mark is still open." if is_open else f"Python stops: {error.args[0]}."
    return tokens, ""


def describe_roles(text):
    """Print the names of a line of Python, their roles for LSTM and BiLSTM, and the true ones."""
    tokens, problem = tokens_of_line(text.strip())
    if any(map(is_name, tokens)):
        print_roles(text.strip(), tokens, None if problem else roles_in_line(text.strip()))
    else:
        print(f"There is no name in {text.strip()!r}: write something like x = f(y).")
    print(problem)

# %% slideshow={"slide_type": "skip"}
def print_roles(text, tokens, truth):
    """Print a table of the names among the tokens of a line; truth is a list of (token, role), or None."""
    x = torch.tensor([[code_number.get(token, 0) for token in tokens]])
    with torch.no_grad():
        one, two = (role_taggers[reader][0](x).argmax(dim=2)[0] for reader in ("LSTM", "BiLSTM"))
    print(f"{text}\n\n{'name':22} {'LSTM, left side only':22} {'BiLSTM, whole line':22} truth")
    for i, token in enumerate(tokens):
        if is_name(token):
            true = "?" if truth is None else truth[i][1] or "– (a keyword here)"
            mark = "" if token in code_number else "*"
            print(f"{token + mark:22} {ROLES_OF_NAMES[one[i]]:22} {ROLES_OF_NAMES[two[i]]:22} {true}")
    print("* rare or new, read as <unk>" if any(is_name(t) and t not in code_number for t in tokens) else "")
    if truth is None:
        print("Not a statement of this Python by itself: no true roles.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Paste a line
#
# Before and after the right side is known. **Predict** where the LSTM will fail, then look. Then try lines of your own, and `global x`: what training has rarely shown the BiLSTM gets wrong, too.

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
describe_roles("item.price = round(item.price * rate, digits=places)")

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(text=Text("item.price = round(item.price * rate, digits=places)", description="line", continuous_update=False))
def paste_line(text):
    """Print the roles of the names in a line of the student's."""
    describe_roles(normalize("NFC", text))

# %% [markdown] slideshow={"slide_type": "notes"}
# Type x, then x =, then x = f, then x = f(y), Enter after each: with each token the left side grows, and the answer for a token that is already there cannot change. That is what reading from the left means.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · Labels that fit together
#
# Real names now: cities, countries, languages and currencies from Babel's tables. Half of the names are for training, the other half for the test, so most words of a test name are *unknown*: the sentence around them must do.

# %% slideshow={"slide_type": "skip"}
SENTENCES = """flights from FROM to TO|flights to TO from FROM on DAY|a train from FROM to TO on DAY please
is it warm in CITY COUNTRY|hotels in CITY COUNTRY for DAY|hotels in CITY for DAY|COUNTRY against COUNTRY on DAY
do people in COUNTRY speak LANGUAGE|do people in CITY COUNTRY speak LANGUAGE or LANGUAGE
translate this from LANGUAGE into LANGUAGE|a LANGUAGE LANGUAGE dictionary|exchange CURRENCY for CURRENCY in CITY
how many CURRENCY is that in CURRENCY|can i pay in CURRENCY in COUNTRY on DAY"""


def plain(names):
    """Names in lower case, remarks in parentheses and names with digits left out, sorted."""
    names = {re.sub(r"\s*\([^)]*\)", "", name).lower() for name in names}
    return sorted(name for name in names if re.fullmatch(r"[^\W\d_]+(?:(?:\. |[ '’-])[^\W\d_]+)*\.?", name))


plain(["Buenos Aires", "Iceland", "St. Johns", "Area 51", "Congo (Republic)"])

# %% [markdown] slideshow={"slide_type": "skip"}
# The names. Most time zones are named after cities; "countries" are territories; some names, such as Singapore, are both:

# %% slideshow={"slide_type": "skip"}
english = Locale("en")


def in_english(table):
    """The names in one of Babel's tables from code to name; no continents, and no "unknown region" or the like."""
    odd = re.compile("unknown|pseudo|multiple|no linguistic|testing|european union|eurozone|united nations|outlying", re.I)
    return plain(name for code, name in table.items() if not code.isdigit() and not odd.match(name))


zones = [zone for zone in get_global("zone_territories") if "/" in zone and not zone.startswith(("Antarctica", "Etc"))]
NAMES = {
    "CITY": plain(zone.split("/")[-1].replace("_", " ") for zone in zones),
    "COUNTRY": in_english(english.territories),
    "LANGUAGE": in_english(english.languages),
    "CURRENCY": in_english(english.currencies),
    "DAY": [*plain(english.days["format"]["wide"].values()), "christmas eve", "new year's day"],
}
rng = random.Random(0)
shuffled = {kind: rng.sample(names, len(names)) for kind, names in NAMES.items()}
for kind, names in shuffled.items():
    print(f"{kind:8} {len(names):3} names, for example {', '.join(names[:3])}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Half of the names of each kind are for training; days are known to everybody:

# %% slideshow={"slide_type": "skip"}
def slot_grammar(names):
    """A grammar of SENTENCES whose slots are filled with names, a dict from kind to list; words carry BIO labels."""
    kinds = {**{kind: kind for kind in names}, "FROM": "CITY", "TO": "CITY"}
    sentences = [line.split() for line in re.split(r"[|\n]", SENTENCES)]
    rules = {"S": [(1, [word if word in kinds else (word, "O") for word in sentence]) for sentence in sentences]}
    for slot, kind in kinds.items():
        words = [name.split() for name in names[kind]]
        rules[slot] = [(1, [(w, f"I-{slot}" if i else f"B-{slot}") for i, w in enumerate(row)]) for row in words]
    return Grammar(rules)

# %%
halves = [{kind: names[part::2] if kind != "DAY" else names for kind, names in shuffled.items()} for part in (0, 1)]
slot_train = slot_grammar(halves[0]).sample(1000, seed=0)
slot_test = slot_grammar(halves[1]).sample(500, seed=1)
for sentence in slot_test[:6]:
    print(" ".join(f"{word}/{label}" if label != "O" else word for word, label in sentence))

# %% [markdown] slideshow={"slide_type": "notes"}
# Two names can stand side by side, city and country, or two languages; with unknown words the border between them is a guess.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What independent decisions do
#
# A word that occurs once in training becomes *unknown*; in training one word in ten is hidden as well. The BiLSTM decides each label alone.

# %% slideshow={"slide_type": "skip"}
often = Counter(word for sentence in slot_train for word, _ in sentence)
slot_word = {"": 0, "<unk>": 1, **numbers_of((word for word, n in often.items() if n > 1), first=2)}
slot_label = numbers_of((label for sentence in slot_train for _, label in sentence), first=0)
LABELS, K = list(slot_label), len(slot_label)
print(f"{len(slot_word)} words, {K} labels")

# %% slideshow={"slide_type": "skip"}
slot_w, slot_y = as_batch(slot_train, slot_word, slot_label, unknown=1)
test_w, _ = as_batch(slot_test, slot_word, slot_label, unknown=1)
test_length = (test_w > 0).sum(dim=1)
slot_truth = [[label for _, label in sentence] for sentence in slot_test]

# %%
in_names = [word not in slot_word for sentence in slot_test for word, label in sentence if label != "O"]
print(f"{np.mean(in_names):.0%} of the words in test names are unknown")

# %% [markdown] slideshow={"slide_type": "skip"}
# What is counted: labels that BIO forbids.

# %%
def illegal(labels):
    """How many I- labels follow no B- or I- of their own kind."""
    pairs = zip(["O", *labels], labels)
    return sum(label[0] == "I" and before not in ("B" + label[1:], label) for before, label in pairs)


illegal(["I-CITY", "O", "B-COUNTRY", "I-CITY", "I-CITY", "B-DAY", "I-DAY"])

# %% slideshow={"slide_type": "skip"}
def named(paths):
    """Label numbers of the test sentences as lists of BIO labels, without PAD."""
    return [[LABELS[k] for k in path[:n]] for path, n in zip(paths, test_length)]


results = defaultdict(list)

# %% slideshow={"slide_type": "skip"}
def report_f1(name):
    """Print F1 and the number of sentences with illegal labels, for each seed."""
    f1 = [100 * entity_f1(slot_truth, predicted) for predicted in results[name]]
    bad = [sum(illegal(labels) > 0 for labels in predicted) for predicted in results[name]]
    spread = f"± {np.std(f1, ddof=1):.1f}" if len(f1) > 1 else "     "
    print(f"{name:24} F1 {np.mean(f1):.1f} {spread} %   illegal sentences of {len(slot_truth)}: {bad}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A foreigner who knows no city in the country can still tell what is asked for, from the words around.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three seeds
#
# Mean ± standard deviation, and the number of illegal sentences of each seed:

# %%
SLOT_TRAINING = {"steps": 150, "B": 32, "lr": 0.02, "unknown": 0.1}
results["BiLSTM"], taggers = [], []
for seed in (0, 1, 2):
    torch.manual_seed(seed)
    taggers.append(Tagger(len(slot_word), K, H=32, E=32, bidirectional=True))
    train_tagger(taggers[-1], slot_w, slot_y, seed, **SLOT_TRAINING)
    with torch.no_grad():
        results["BiLSTM"].append(named(taggers[-1](test_w).argmax(dim=2)))

report_f1("BiLSTM")

# %% [markdown] slideshow={"slide_type": "notes"}
# Each label is a good guess, the row of them is not a labelling. The network knows the rules of BIO only as far as it can read them off single positions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### See one
#
# Left the truth, right the network:

# %%
wrong = [(s, p) for run in results["BiLSTM"] for s, p in zip(slot_test, run) if illegal(p)]
for (word, label), guess in zip(*wrong[0]):
    print(f"{word:16} {label:12} {guess}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Look for an I- whose predecessor is of another kind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Score whole paths
#
# ![A lattice of the labels O, B-CITY, I-CITY over visit buenos aires, whose thick path O, B, I scores the sum of three emissions P and two transitions A, and whose edges from O to I-CITY are crossed out as forbidden.](../figures/tag_lattice.svg)
#
# $$s(x, y) = \sum_{t=1}^{T} \big( A[y_{t-1}, y_t] + P_t[y_t] \big) \qquad y_0 = \text{start}$$

# %% tags=["topic-B7"]
def path_score(P, A, y):
    """Score of the path y, T label numbers; P (T, K); A (K + 1, K), its last row for the start."""
    return sum(A[i, j] + P_t[j] for i, j, P_t in zip([-1, *y[:-1]], y, P))

# %% [markdown] slideshow={"slide_type": "skip"}
# Two tokens, two labels; label 1 after label 0 is worth 3 points:

# %% slideshow={"slide_type": "skip"}
P, A = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 3.0], [0.0, 0.0], [0.0, 0.0]])
path_score(P, A, [0, 1]).item(), path_score(P, A, [1, 1]).item()

# %% [markdown] slideshow={"slide_type": "notes"}
# P scores a label at a token, A a label after a label; the step from the start into the first column is not drawn. With K labels and T tokens there are K to the T paths; the lattice has only K squared times T − 1 edges. That is what makes all that follows possible.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Viterbi: the best path of all
#
# The best path to label $j$ at $t$ comes through the best path to some label $i$ at $t-1$:
#
# $$v_1[j] = A[\text{start}, j] + P_1[j] \qquad v_t[j] = \max_i \big( v_{t-1}[i] + A[i, j] \big) + P_t[j]$$

# %% tags=["topic-B7"]
def viterbi(P, A):
    """The path with the highest score, from P (T, K) and A (K + 1, K)."""
    v, came_from = A[-1] + P[0], []
    for P_t in P[1:]:
        best = (v[:, None] + A[:-1]).max(dim=0)
        v = best.values + P_t
        came_from.append(best.indices)
    path = [int(v.argmax())]
    for i in reversed(came_from):
        path.append(int(i[path[-1]]))
    return path[::-1]


viterbi(P, A)

# %% [markdown] slideshow={"slide_type": "notes"}
# Viterbi 1967. P and A may come from anywhere: the next three models differ only in where they get them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Viterbi equals trying all paths
#
# Four random lattices of three labels, of 1, 2, 4 and 6 tokens:

# %% tags=["topic-B7", "nbval-check-output"]
lattices = [(torch.randn(T, 3).double(), torch.randn(4, 3).double()) for T in (1, 2, 4, 6)]
agree = []
for P, A in lattices:
    paths = list(product(range(3), repeat=len(P)))
    agree.append(viterbi(P, A) == list(max(paths, key=lambda y: path_score(P, A, y))))
print(f"equal to the best of all {', '.join(str(3 ** len(P)) for P, _ in lattices)} paths: {all(agree)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Six tokens have 729 paths and 45 edges. A sentence of twenty tokens with fifteen labels has more than 10 to the 23 paths.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Scores by counting: the hidden Markov model
#
# An HMM tells how labels *make* words: $p(x, y) = \prod_t p(y_t \mid y_{t-1})\, p(x_t \mid y_t)$. Its logarithm is a path score, with $A$ and $P$ the logarithms of counted shares:

# %% tags=["topic-B7"]
def fit_hmm(sentences, V, K, k=0.1):
    """Log-probabilities A (K + 1, K) of label after label, and of word given label (V, K), from (words, labels)."""
    after, emitted = torch.full((K + 1, K), k), torch.full((V, K), k)
    for words, labels in sentences:
        for word, before, label in zip(words, [-1, *labels], labels):
            after[before, label] += 1
            emitted[word, label] += 1
    return torch.log(after / after.sum(dim=1, keepdim=True)), torch.log(emitted / emitted.sum(dim=0))

# %% [markdown] slideshow={"slide_type": "notes"}
# Rabiner's tutorial of 1989 is the classic text; to each count a little is added.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same sentences, by an HMM
#
# One word in ten is hidden from it, too, once and for all; there is one run, since nothing is drawn at the start:

# %% slideshow={"slide_type": "skip"}
shown = [[slot_word.get(w, 1) if rng.random() > SLOT_TRAINING["unknown"] else 1 for w, _ in s] for s in slot_train]
rows = [(words, [slot_label[label] for _, label in s]) for words, s in zip(shown, slot_train)]
test_rows = [w[:n].tolist() for w, n in zip(test_w, test_length)]

# %% tags=["topic-B7"]
A, log_emitted = fit_hmm(rows, len(slot_word), K)
results["hidden Markov model"] = [named([viterbi(log_emitted[words], A) for words in test_rows])]
report_f1("hidden Markov model")

# %% tags=["topic-B7", "nbval-check-output"]
words, y = rows[0]
p = torch.exp(A[-1, y[0]] + log_emitted[words[0], y[0]])
for i, j, word in zip(y, y[1:], words[1:]):
    p = p * torch.exp(A[i, j]) * torch.exp(log_emitted[word, j])
print("the product is exp of the path score:", torch.allclose(torch.log(p), path_score(log_emitted[words], A, y)))

# %% [markdown] slideshow={"slide_type": "notes"}
# The model is generative: it sees each word through its own label only, and can use no feature such as "the word before is from". An unknown word after an O tells it next to nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Scores by mistakes: the structured perceptron
#
# Find the best path; where it is wrong, raise the scores on the true path and lower those on the wrong one. Any feature may have a score: here also those of the neighbouring words.

# %% [markdown] slideshow={"slide_type": "skip"}
# A feature is a number; its weights are a row of `W`:

# %% tags=["topic-B7"] slideshow={"slide_type": "skip"}
def features_of(words):
    """Feature numbers (T, 3) of a sentence: the word, the word before and the word after, each with its own range."""
    V, padded = len(slot_word), [0, *words, 0]
    return torch.tensor([[b, V + a, 2 * V + c] for a, b, c in zip(padded, padded[1:], padded[2:])])


features_of([5, 7])

# %% tags=["topic-B7"]
def fit_perceptron(sentences, F, K, passes):
    """Scores A (K + 1, K) and W (F, K), summed over all steps, from (words, labels): the average has the same best path."""
    A, W = torch.zeros(K + 1, K), torch.zeros(F, K)
    sum_A, sum_W = A.clone(), W.clone()
    for words, labels in sentences * passes:
        features = features_of(words)
        best = viterbi(W[features].sum(dim=1), A)
        for path, sign in ((labels, 1), (best, -1)) if best != labels else ():
            for i, j, row in zip([-1, *path[:-1]], path, features):
                A[i, j] += sign
                W[row, j] += sign
        sum_A += A
        sum_W += W
    return sum_A, sum_W

# %% [markdown] slideshow={"slide_type": "notes"}
# Collins 2002. Where prediction and truth agree, plus and minus cancel. Averaging over all steps, which he took from Freund and Schapire, calms the restless last one. No probabilities come out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three passes of the perceptron

# %% tags=["topic-B7"]
A, W = fit_perceptron(rows, 3 * len(slot_word), K, passes=3)
found = [viterbi(W[features_of(words)].sum(dim=1), A) for words in test_rows]
results["structured perceptron"] = [named(found)]
report_f1("structured perceptron")

# %% [markdown] slideshow={"slide_type": "notes"}
# It sees no further than the neighbouring words, and does well: these sentences are short, and their slots stand beside telling words.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Scores by likelihood: the conditional random field
#
# $$p(y \mid x) = \frac{\exp s(x, y)}{\sum_{y'} \exp s(x, y')} \qquad s(x, y) = \sum_{t} \sum_k \theta_k f_k(y_{t-1}, y_t, x, t)$$
#
# A feature $f_k$ may ask anything about the *whole* input $x$. Our $s$ is the case in which each feature asks for one pair of labels, or for one label and one feature of the input:

# %% tags=["topic-B7", "nbval-check-output"]
features = features_of(words)
theta = torch.cat([A.flatten(), W.flatten()])  # one weight for each feature
counts = torch.zeros_like(theta)  # how often each feature holds on the path y
for t, (i, j) in enumerate(zip([K, *y[:-1]], y)):
    counts[i * K + j] += 1
    counts[A.numel() + features[t] * K + j] += 1
print("θ · counts is the path score:", torch.allclose(theta @ counts, path_score(W[features].sum(dim=1), A, y)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Lafferty, McCallum and Pereira 2001. Compare softmax regression in notebook 2: the same model, but the classes are whole paths, so Z is a sum over K to the T of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 4 · The forward recursion
#
# To get $Z$, do with sums what Viterbi does with maxima. Let `alpha[j]` be the logarithm of the sum of $\exp(\text{score})$ over all paths that end in label $j$ at token $t-1$. Return the same for token $t$, given `P_t` $(K,)$ and `A` $(K, K)$, here without the row of the start; `np.logaddexp.reduce(x, axis)` gives $\log \sum \exp x$. **Predict:** is each entry larger or smaller than the Viterbi score $v_t[j]$ of the same lattice?
#
# <details><summary>Answer</summary>Larger: the sum holds the best path and all others as well.</details>

# %% tags=["exercise-4-stub"]
def forward_step(alpha, A, P_t):
    """Log-sums (K,) over the paths to each label of token t, from those of token t - 1."""
    return ...

# %% tags=["exercise-4-check"] slideshow={"slide_type": "skip"}
def check_forward_step(attempt):
    """Try an attempt on random lattices."""
    rng = np.random.default_rng(0)
    lattices = [[np.array([0.0, 0.0]), np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([3.0, 2.0])]]
    lattices += [[rng.normal(size=shape) for shape in ((K,), (K, K), (K,))] for K in (2, 3, 5)]

    def lse(x, axis):
        return np.logaddexp.reduce(x, axis)

    return check(
        attempt,
        cases=[(tuple(lattice), lse(lattice[0][:, None] + lattice[1], 0) + lattice[2]) for lattice in lattices],
        misconceptions={
            "A[i, j] leads from i to j: alpha belongs to the rows, alpha[:, None], and the sum goes over them": (
                lambda alpha, A, P_t: lse(alpha[None, :] + A, 1) + P_t
            ),
            "the sum goes over the labels before, axis 0, not over the labels now": (
                lambda alpha, A, P_t: lse(alpha[:, None] + A, 1) + P_t
            ),
            "alpha must be added by rows, alpha[:, None]; alpha + A adds it by columns": (
                lambda alpha, A, P_t: lse(alpha + A, 0) + P_t
            ),
            "this is Viterbi: the maximum is one path, Z sums over all": (
                lambda alpha, A, P_t: (alpha[:, None] + A).max(0) + P_t
            ),
            "the scores of the labels at this token, P_t, are missing": (
                lambda alpha, A, P_t: lse(alpha[:, None] + A, 0)
            ),
            "the transition scores A are missing": lambda alpha, A, P_t: lse(alpha, 0) + P_t,
            "scores are logarithms: sum their exponentials, then take the logarithm": (
                lambda alpha, A, P_t: (alpha[:, None] + A).sum(0) + P_t
            ),
            "the logarithm at the end is missing": (
                lambda alpha, A, P_t: np.exp(alpha[:, None] + A).sum(0) * np.exp(P_t)
            ),
            "one number for each label is asked for: the sum over all is log Z, at the end only": (
                lambda alpha, A, P_t: lse((alpha[:, None] + A + P_t).ravel(), 0)
            ),
            "scores are logarithms: a matrix product sums alpha times A, not the exponentials": (
                lambda alpha, A, P_t: alpha @ A + P_t
            ),
            "alpha, the sums so far, is missing": lambda alpha, A, P_t: lse(A, 0) + P_t,
            "P_t counts once": lambda alpha, A, P_t: lse(alpha[:, None] + A + P_t, 0) + P_t,
            "that is the logarithm of the mean, not of the sum": (
                lambda alpha, A, P_t: lse(alpha[:, None] + A, 0) - np.log(len(alpha)) + P_t
            ),
            "P_t belongs to the labels at t; you added it to the labels before": (
                lambda alpha, A, P_t: lse((alpha + P_t)[:, None] + A, 0)
            ),
            "logarithms are added where probabilities are multiplied: alpha + A, not alpha * A": (
                lambda alpha, A, P_t: lse(alpha[:, None] * A, 0) + P_t
            ),
            "P_t is added: it is a score, a logarithm": lambda alpha, A, P_t: lse(alpha[:, None] + A, 0) * P_t,
        },
    )


check_forward_step(forward_step)

# %% tags=["exercise-4-solution"] slideshow={"slide_type": "skip"}
def forward_step_solution(alpha, A, P_t):
    """Log-sums (K,) over the paths to each label of token t, from those of token t - 1."""
    return np.logaddexp.reduce(alpha[:, None] + A, axis=0) + P_t


check_forward_step(forward_step_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# One line, but three traps: the axis, the broadcast, the overflow. With scores near 800, log of the sum of exp gives infinity, and np.logaddexp.reduce does not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### $\log Z$ equals enumeration
#
# $$\alpha_t[j] = \log \sum_i \exp\!\big( \alpha_{t-1}[i] + A[i, j] \big) + P_t[j] \qquad \log Z = \log \sum_j \exp \alpha_T[j]$$
#
# For a whole batch at once; where a row has ended, its $\alpha$ stays as it is:

# %% tags=["topic-B7"]
def log_partition(P, A, real):
    """log Z (B,) of P (B, T, K), A (K + 1, K); real (B, T) is true at tokens that are not PAD."""
    alpha = A[-1] + P[:, 0]
    for P_t, here in zip(P.unbind(1)[1:], real.unbind(1)[1:]):
        longer = torch.logsumexp(alpha[:, :, None] + A[:-1], dim=1) + P_t
        alpha = torch.where(here[:, None], longer, alpha)
    return torch.logsumexp(alpha, dim=1)

# %% tags=["topic-B7"]
def path_scores(P, A, y, real):
    """Scores (B,) of the paths y (B, T), PAD not counted."""
    y = y.clamp(min=0)
    before = torch.cat([torch.full_like(y[:, :1], len(A) - 1), y[:, :-1]], dim=1)
    return ((A[before, y] + P.gather(2, y[:, :, None])[:, :, 0]) * real).sum(dim=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# Replace logsumexp by max and this is Viterbi without the way back: two algorithms, one recursion. path_scores is path_score for a batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Checked on the same lattices
#
# Two PADs with large scores are hung on each lattice; they must not count:

# %% tags=["topic-B7", "nbval-check-output"]
gaps = []
for P, A in lattices:
    scores = torch.stack([path_score(P, A, y) for y in product(range(3), repeat=len(P))])
    padded = pad(P, (0, 0, 0, 2), value=9.0)[None]
    real = torch.arange(len(P) + 2)[None] < len(P)
    gaps.append((log_partition(padded, A, real)[0] - torch.logsumexp(scores, dim=0)).abs().item())
print("log Z equal to enumeration to 1e-10, whatever stands in PAD:", max(gaps) < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# Change the 9 to a million and nothing happens. A loss that lets PAD take part would move.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The gradient: observed minus expected
#
# $$\frac{\partial \log p(y \mid x)}{\partial A[i, j]} = \underbrace{\#_{ij}(y)}_{\text{observed}} - \underbrace{\sum_{y'} p(y' \mid x)\, \#_{ij}(y')}_{\text{expected}}$$
#
# where $\#_{ij}(y)$ counts how often $j$ follows $i$ in $y$:

# %% tags=["topic-B7"]
def follows(path):
    """How often label j follows label i on a path: (4, 3), the start in the last row."""
    counts = torch.zeros(4, 3).double()
    for i, j in zip([-1, *path[:-1]], path):
        counts[i, j] += 1
    return counts


follows([0, 1, 1, 2])

# %% [markdown] slideshow={"slide_type": "notes"}
# Maxent in notebook 2 said the same of its features. The perceptron replaces the expectation by the single best path.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Observed minus expected equals autograd
#
# The expectation over all 729 paths of the longest lattice, enumerated; and the gradient through the forward recursion:

# %% tags=["topic-B7"]
P, A = lattices[-1]
paths = list(product(range(3), repeat=len(P)))  # 729
p = torch.softmax(torch.stack([path_score(P, A, path) for path in paths]), dim=0)
expected = sum(p_y * follows(path) for p_y, path in zip(p, paths))
expected.numpy().round(2)

# %% tags=["topic-B7", "nbval-check-output"]
y, real = torch.tensor(paths[123:124]), torch.ones(1, len(P), dtype=torch.bool)
A = A.clone().requires_grad_()
log_p = path_scores(P[None], A, y, real) - log_partition(P[None], A, real)
gradient = torch.autograd.grad(log_p.sum(), A)[0]
print("autograd = observed − expected, to 1e-10:", (gradient - (follows(paths[123]) - expected)).abs().max().item() < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# Autograd through the forward recursion gets in T steps what the enumeration gets from 729 paths. Computing it so is what books call the forward-backward algorithm.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A CRF on top of a BiLSTM
#
# ![A BiLSTM gives each word a column P_t of scores; with a CRF neighbouring labels are linked by the scores A and chosen together, without one each label is chosen alone.](../figures/bilstm_crf.svg)
#
# The BiLSTM makes $P$; $A$ is one more matrix of parameters.

# %% [markdown] slideshow={"slide_type": "notes"}
# Huang, Xu and Yu 2015; Lample and others 2016, who also score the last label, which we leave out. The network decides what each token looks like, the matrix which neighbours go together.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Its loss
#
# For one sentence $\log Z - s(x, y)$; the mean over a batch trains $P$ and $A$. The answer is Viterbi's path.

# %% tags=["topic-B7"]
def crf_loss(P, y, A):
    """Mean of log Z - s(x, y) in nats per sentence, from P (B, T, K), labels y (B, T) with -1 at PAD, and A."""
    if (y[:, 0] < 0).any():
        raise ValueError("a sentence without tokens has no labels: leave rows of nothing but PAD out")
    return (log_partition(P, A, y >= 0) - path_scores(P, A, y, y >= 0)).mean()

# %% [markdown] slideshow={"slide_type": "notes"}
# The loss of notebook 2 for whole sequences: minus the log-probability of the right one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Fewer illegal labels, more names
#
# Two ways to make labels fit: a learned $A$; or the rules of BIO themselves, written as large negative scores.

# %% tags=["topic-B7"]
def forbidden():
    """Scores A (K + 1, K) that are -10,000 where BIO forbids label j after label i, else 0."""
    rows = [[illegal([before, label]) > illegal([before]) for label in LABELS] for before in [*LABELS, "O"]]
    return torch.where(torch.tensor(rows), -1e4, 0.0)


print(f"{int((forbidden() < 0).sum())} of {forbidden().numel()} steps are forbidden")

# %% tags=["topic-B7"] slideshow={"slide_type": "skip"}
def best_paths(tagger, A):
    """Labels of the test sentences on Viterbi's path."""
    with torch.no_grad():
        return named([viterbi(P[:n], A) for P, n in zip(tagger(test_w), test_length)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Of the sixteen steps into an I- label fourteen are forbidden: only its own B- and I- may come before it. All other steps are allowed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Train network and $A$ together

# %% tags=["topic-B7"]
results |= {name: [] for name in ("BiLSTM, rules at the end", "BiLSTM-CRF", "BiLSTM-CRF, with rules")}
for seed in (0, 1, 2):
    torch.manual_seed(seed)
    tagger, A = Tagger(len(slot_word), K, H=32, E=32, bidirectional=True), nn.Parameter(torch.zeros(K + 1, K))
    train_tagger(tagger, slot_w, slot_y, seed, **SLOT_TRAINING, loss_of=partial(crf_loss, A=A), extra=[A])
    results["BiLSTM, rules at the end"].append(best_paths(taggers[seed], forbidden()))
    results["BiLSTM-CRF"].append(best_paths(tagger, A))
    results["BiLSTM-CRF, with rules"].append(best_paths(tagger, A + forbidden()))

report_f1("BiLSTM-CRF")

# %% [markdown] slideshow={"slide_type": "notes"}
# Same network, same steps, same seeds; the CRF adds one small matrix.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The table
#
# The perceptron, with the neighbouring words, is about as good as the BiLSTM; the HMM sees a word only through its own label:

# %% tags=["topic-B7"]
for name in results:
    report_f1(name)

# %% [markdown] slideshow={"slide_type": "skip"}
# In words:

# %% tags=["topic-B7", "nbval-check-output"] slideshow={"slide_type": "skip"}
f1 = {name: np.mean([entity_f1(slot_truth, labels) for labels in runs]) for name, runs in results.items()}
left = {name: sum(illegal(labels) for run in runs for labels in run) for name, runs in results.items()}
print("the CRF leaves fewer illegal labels than the BiLSTM:", left["BiLSTM-CRF"] < left["BiLSTM"])
print("with the rules none are left:                       ", left["BiLSTM-CRF, with rules"] == 0)
print("the CRF has a higher F1 than the rules alone:        ", f1["BiLSTM-CRF"] > f1["BiLSTM, rules at the end"])

# %% [markdown] slideshow={"slide_type": "notes"}
# The rules alone tidy up and hardly help. Training with whole paths helps more: the network no longer has to win each position by itself. HMM and perceptron have one run each. Nothing is wrong with using both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What $A$ has learned
#
# From the last of the three seeds, without the rules:

# %% slideshow={"slide_type": "skip"}
def plot_transitions(A, shown):
    """Draw the scores A (K + 1, K) between some labels."""
    rows, columns = [-1, *map(LABELS.index, shown)], [LABELS.index(label) for label in shown]
    scores = A.detach()[rows][:, columns].numpy()
    fig, ax = plt.subplots(figsize=(8.6, 3.5))
    ax.imshow(scores, cmap="PuOr", vmin=-2.5, vmax=2.5, aspect="auto")
    for (i, j), score in np.ndenumerate(scores):
        ax.text(j, i, f"{score:.1f}", ha="center", va="center")
    ax.set_xticks(range(len(columns)), shown)
    ax.set_yticks(range(len(rows)), ["start", *shown])
    ax.set(xlabel="label now", ylabel="label before")
    ax.grid(visible=False)
    return fig

# %% tags=["topic-B7", "output-only"]
show(plot_transitions(A, ["O", "B-CITY", "I-CITY", "B-COUNTRY", "I-COUNTRY"]), "High from B- to I- of the same kind; low into I- from elsewhere.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
legal = forbidden() == 0
inside = torch.tensor([label[0] == "I" for label in LABELS]).expand_as(legal)
print("steps into I-: mean of the legal above that of the illegal:", (A[legal & inside].mean() > A[~legal].mean()).item())

# %% [markdown] slideshow={"slide_type": "notes"}
# Nobody told the network what B and I mean: it is read off a thousand sentences. City after country is rare in these sentences, and A says so, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · What it cannot do
#
# ![A bidirectional network is asked for the next word: the target a of step 2 is the input x_3, which reaches the prediction of step 2 through the backward states of steps 3 and 2.](../figures/leak.svg)
#
# Ask a bidirectional network for $w_{t+1}$ at each token, as notebook 3 asked the RNN. The target is in its input.

# %% [markdown] slideshow={"slide_type": "notes"}
# Follow the thick path: from the word to be predicted into the backward chain, one step to the left, and up. It takes a single step of memory to get everything right.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Train it all the same
#
# On the grammar of notebook 1, whose floor is known: on average, no left-to-right model does better. Same training for both, at about equal parameters:

# %% slideshow={"slide_type": "skip"}
english_grammar = load_grammar()
grammar_train, grammar_test = english_grammar.sample(3000, seed=0), english_grammar.sample(500, seed=1)
grammar_word = {"": 0, "<s>": 1, **numbers_of((word for s in grammar_train for word in s), first=2)}
END = 1  # one number for both marks, BOS in the input and EOS in the target

# %% slideshow={"slide_type": "skip"}
def inputs_and_next_words(corpus):
    """Inputs (B, T) and targets (B, T): the words and the words after them; PAD is 0 and -1."""
    words = [[grammar_word[word] for word in sentence] for sentence in corpus]
    inputs = pad_sequence([torch.tensor([END, *row]) for row in words], batch_first=True)
    return inputs, pad_sequence([torch.tensor([*row, END]) for row in words], batch_first=True, padding_value=-1)

# %%
next_w, next_y = inputs_and_next_words(grammar_train)
grammar_w, grammar_y = inputs_and_next_words(grammar_test)
V, predictors = len(grammar_word), {}
for name, settings in {"left to right": {"H": 48}, "both ways": {"H": 30, "bidirectional": True}}.items():
    torch.manual_seed(0)
    predictors[name] = Tagger(V, V, **settings)
    train_tagger(predictors[name], next_w, next_y, seed=0, steps=150, lr=0.02)
    print(f"{name:14} {parameter_count(predictors[name]):,} parameters")

# %% [markdown] slideshow={"slide_type": "notes"}
# The same class as before: here the labels are the next words.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Too good to be true

# %%
def perplexity_of(scores, y):
    """exp of the mean loss of scores (B, T, V) over the targets y (B, T), PAD left out."""
    return loss_by_token(scores, y).exp().item()

# %% tags=["topic-F2"]
with torch.no_grad():
    perplexities = {name: perplexity_of(predictor(grammar_w), grammar_y) for name, predictor in predictors.items()}
for name, perplexity in perplexities.items():
    print(f"{name:14} test perplexity {perplexity:.1f}")
print(f"floor {english_grammar.optimal_perplexity():.2f}, every word and the end equally likely {V - 1}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Nobody can be below the floor, except by reading the answer:

# %% tags=["topic-F2", "nbval-check-output"]
for name, perplexity in perplexities.items():
    print(f"{name:14} below the floor: {perplexity < english_grammar.optimal_perplexity()}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A perplexity of one on new sentences of a random grammar is not a triumph, it is impossible. On real text there is no floor to warn you: a result that is far too good is the only sign in the numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Use it, and it falls apart
#
# To write or to score text from left to right, the model has only the words so far. Give both models nothing else: each prefix by itself, and the answer at its last token.

# %% tags=["topic-F2"]
def honest_perplexity(predictor, w, y):
    """Perplexity of the targets y (B, T) when each is predicted from its prefix alone."""
    ends = [(b, t) for b, t in (y >= 0).nonzero().tolist()]
    prefixes = pad_sequence([w[b, : t + 1] for b, t in ends], batch_first=True)
    last = torch.tensor([t for _, t in ends])
    with torch.no_grad():
        scores = predictor(prefixes)[torch.arange(len(ends)), last]
    return perplexity_of(scores[None], y[y >= 0][None])


for name, predictor in predictors.items():
    honest = honest_perplexity(predictor, grammar_w, grammar_y)
    print(f"{name:14} from prefixes alone {honest:.1f}, before {perplexities[name]:.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The left-to-right model does not notice the difference. The other one has learned to copy, and there is nothing to copy; and in training nothing to its right meant: the end. It never had to learn the grammar.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A detector: change the future, watch the past
#
# A model is left-to-right if its outputs up to $t$ stay as they are when only tokens *after* $t$ change. Trying it takes no training, no data and no knowledge of the architecture:

# %% tags=["topic-F2"]
def sees_the_future(outputs_of, w, other, tolerance=1e-6):
    """The steps t whose outputs up to t move when the tokens after t are exchanged; [] for a left-to-right model.

    outputs_of(w) gives (B, T, K) for tokens w (B, T); other (B, T) holds other tokens, for example random ones.
    """
    with torch.no_grad():
        before, leaks = outputs_of(w), []
        for t in range(w.shape[1] - 1):
            changed = torch.cat([w[:, : t + 1], other[:, t + 1 :]], dim=1)
            if (outputs_of(changed)[:, : t + 1] - before[:, : t + 1]).abs().max() > tolerance:
                leaks.append(t)
    return leaks

# %% [markdown] slideshow={"slide_type": "notes"}
# Call eval() first: with dropout everything seems to leak, and batch norm lets rows see each other. A move proves a leak. No move proves nothing, but with random tokens, several rows and all t a leak through the tokens is hard to miss. A model that uses the length of the sentence goes unseen: the length stays.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three suspects
#
# Untrained, with random tokens:

# %% tags=["topic-F2", "nbval-check-output"]
generator = torch.Generator().manual_seed(0)
one, other = (torch.randint(2, V, (4, 8), generator=generator) for _ in range(2))
suspects = {
    "LSTM": Tagger(V, V, H=8),
    "LSTM that waits 1 word": Tagger(V, V, H=8, delay=1),
    "BiLSTM": Tagger(V, V, H=8, bidirectional=True),
}
for name, model in suspects.items():
    print(f"{name:23} leaks at steps {sees_the_future(model, one, other)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Later notebooks use this check: attention without its mask and normalisation over time show up here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the detector cannot see
#
# It knows inputs and outputs, not targets. Ask a left-to-right network for the word that it has *just read*, as some lecture notes do:

# %% tags=["topic-F2"]
copier, unshifted = Tagger(V, V, H=48), torch.where(next_w > 0, next_w, -1)
train_tagger(copier, next_w, unshifted, seed=0, steps=100, lr=0.03)
with torch.no_grad():
    print(f"perplexity {perplexity_of(copier(next_w), unshifted):.1f}")
print("leaks at steps", sees_the_future(copier, one, other))

# %% [markdown] slideshow={"slide_type": "notes"}
# A perfect score without any leak: the target already stands in the input at its own step. So check the shift as well: print a line of inputs above its targets, as notebook 3 did.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 5 · What may fill a gap?
#
# Forward states `ahead` and backward states `back`, lists of $T$ vectors for the tokens $w_1 \ldots w_T$ (so `ahead[0]` has read $w_1$, and `back[0]` everything). Return a list: for each token, what may predict *it* when the words on both sides are given, but not the token itself: the pair `(forward, backward)`, with `None` where nothing has been read. **Predict:** which pair belongs to the first token?
#
# <details><summary>Answer</summary>(None, back[1]): nothing stands to its left; the backward chain has read everything from the second token on.</details>

# %% tags=["exercise-5-stub"]
def around(ahead, back):
    """For each token the pair (forward state, backward state) that has read all tokens but this one."""
    return ...

# %% tags=["exercise-5-check"] slideshow={"slide_type": "skip"}
def check_around(attempt):
    """Try an attempt on states that say what they have read."""

    def states(T):
        return [f"w1..w{t}" for t in range(1, T + 1)], [f"w{t}..w{T}" for t in range(1, T + 1)]

    def pairs(ahead, back):
        return list(zip([None, *ahead[:-1]], [*back[1:], None]))

    return check(
        attempt,
        cases=[(states(T), pairs(*states(T))) for T in (4, 3, 6, 2, 1)],
        misconceptions={
            "both states at a token have read it: it would be predicted from itself": (
                lambda ahead, back: list(zip(ahead, back))
            ),
            "the backward state has read the token itself: take the one of the next token": (
                lambda ahead, back: list(zip([None, *ahead[:-1]], back))
            ),
            "the forward state has read the token itself: take the one of the token before": (
                lambda ahead, back: list(zip(ahead, [*back[1:], None]))
            ),
            "the shifts go the wrong way: these states have read even more than the token": (
                lambda ahead, back: list(zip([*ahead[1:], None], [None, *back[:-1]]))
            ),
            "the two states of a pair are exchanged: (forward, backward)": (
                lambda ahead, back: [pair[::-1] for pair in pairs(ahead, back)]
            ),
            "the first and the last token need a pair, too: with None on one side": (
                lambda ahead, back: list(zip(ahead[:-2], back[2:]))
            ),
            "shifted round the end: None belongs where nothing has been read": (
                lambda ahead, back: list(zip([ahead[-1], *ahead[:-1]], [*back[1:], back[0]]))
            ),
            "an index of -1 wraps: before the first token nothing has been read, so None": (
                lambda ahead, back: list(zip([ahead[-1], *ahead[:-1]], [*back[1:], None]))
            ),
            "after the last token nothing has been read, so None": (
                lambda ahead, back: list(zip([None, *ahead[:-1]], [*back[1:], back[0]]))
            ),
            "the last token needs a pair, too: (what has been read before it, None)": (
                lambda ahead, back: list(zip([None, *ahead[:-1]], back[1:]))
            ),
            "one pair for each token, not one list for each direction": (
                lambda ahead, back: ([None, *ahead[:-1]], [*back[1:], None])
            ),
            "only the left side: the words to the right may be used as well": (
                lambda ahead, back: [(a, None) for a, _ in pairs(ahead, back)]
            ),
            "only the right side: the words to the left may be used as well": (
                lambda ahead, back: [(None, b) for _, b in pairs(ahead, back)]
            ),
            "one token too far: the neighbours themselves may be read": (
                lambda ahead, back: list(zip([None, None, *ahead[:-2]], [*back[2:], None, None]))
            ),
            "the last token has no next one, and the first, whose index -1 wraps, none before it: None belongs there": (
                lambda ahead, back: [(ahead[t - 1], back[t + 1]) for t in range(len(ahead))]
            ),
        },
    )


check_around(around)

# %% tags=["exercise-5-solution"] slideshow={"slide_type": "skip"}
def around_solution(ahead, back):
    """For each token the pair (forward state, backward state) that has read all tokens but this one."""
    return list(zip([None, *ahead[:-1]], [*back[1:], None]))


check_around(around_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# This pair fills gaps, and is a fine model for that. It is no language model: the product of these probabilities over a sentence is not the sentence's probability. With two layers even this leaks, since the lower layer's states at the neighbours have read the token.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One layer fills gaps; a second layer leaks
#
# Does the pair of Exercise 5 move when its own token changes? With one layer no; with two layers the neighbours' states already know:

# %% tags=["topic-F2"]
def around_moves(layers, H=6, T=7, t=3):
    """Whether the pair around token t moves when only token t changes, for a stack of that many layers."""
    lstm = nn.LSTM(4, H, layers, batch_first=True, bidirectional=True).double()
    x = torch.randn(1, T, 4).double()
    changed = x.clone()
    changed[:, t] += 1
    both = lstm(x)[0], lstm(changed)[0]
    pairs = [torch.cat([states[0, t - 1, :H], states[0, t + 1, H:]]) for states in both]
    return not torch.equal(*pairs)

# %% tags=["topic-F2", "nbval-check-output"]
print("moves with 1, 2, 3 layers:", [around_moves(layers) for layers in (1, 2, 3)])

# %% [markdown] slideshow={"slide_type": "notes"}
# This is why models that fill gaps with deep stacks hide the word in the input instead, as BERT does with its mask, while ELMo trained two one-way language models, one in each direction.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - Two chains, in ten lines, equal to PyTorch's in states and gradients, stacked and padded; and you know which slice of `h_n` is which.
# - The worth of the right context, measured: against exact ceilings on headlines, against tables and one-way networks on programs.
# - Labels that fit together: BIO, names scored as spans, and a CRF whose $\log Z$, gradient and best path equal enumeration.
# - A detector for models that see the future: run it on everything that claims to predict.
#
# **Next:** notebook 7 maps a sequence to another one of a different length. For tags of real English, see `real_corpora/06_english_tags`.

# %% [markdown] slideshow={"slide_type": "notes"}
# Close with the question when a bidirectional network must not be used: whenever the answer is needed before the sentence ends.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - M. Schuster, K. Paliwal: *Bidirectional Recurrent Neural Networks.* IEEE Transactions on Signal Processing, 1997.
# - A. Graves, J. Schmidhuber: *Framewise Phoneme Classification with Bidirectional LSTM …* Neural Networks, 2005.
# - L. Ramshaw, M. Marcus: *Text Chunking Using Transformation-Based Learning.* Workshop on Very Large Corpora, 1995.
# - E. Tjong Kim Sang, F. De Meulder: *Introduction to the CoNLL-2003 Shared Task …* CoNLL, 2003.
# - C. Hemphill, J. Godfrey, G. Doddington: *The ATIS Spoken Language Systems Pilot Corpus.* Speech and Natural Language, 1990.

# %% [markdown] slideshow={"slide_type": "notes"}
# Graves and Schmidhuber brought the LSTM into both directions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### References for labels that fit together
#
# - A. Viterbi: *Error Bounds for Convolutional Codes …* IEEE Transactions on Information Theory, 1967.
# - L. Rabiner: *A Tutorial on Hidden Markov Models and Selected Applications in Speech Recognition.* Proceedings of the IEEE, 1989.
# - J. Lafferty, A. McCallum, F. Pereira: *Conditional Random Fields …* ICML, 2001.
# - M. Collins: *Discriminative Training Methods for Hidden Markov Models …* EMNLP, 2002.
# - Z. Huang, W. Xu, K. Yu: *Bidirectional LSTM-CRF Models for Sequence Tagging.* arXiv:1508.01991, 2015.
# - G. Lample and others: *Neural Architectures for Named Entity Recognition.* NAACL, 2016.

# %% [markdown] slideshow={"slide_type": "notes"}
# Lample and others also build word vectors from characters, as the companion notebook does.
