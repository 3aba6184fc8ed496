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
#       cells: {most: 92, why: "to be recut"}
#       lines: {most: 686, why: "to be recut"}
#       minutes: {most: 106.6, why: "to be recut"}
#       slides: {most: 68, why: "to be recut"}
#       pictures: {most: 4.9, why: "to be recut"}
#       slide_lines: {most: 18, why: "to be recut"}
#       code_share: {most: 70.6, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 3 · How can one cell read a sequence of any length?
#
# > A window forgets everything older than itself. One small cell, used again at each step, need not: it carries what it has read along as a state.
#
# **You will** follow a recurrent network with a pencil, write it, prove it equal to PyTorch's, train it by hand and with `torch.nn`, and measure its memory.<br>
# **You need** notebook 2 (word vectors, cross-entropy, training).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Put the cliff of the last lecture on the screen: beyond its window a model trusts the nearest noun. Today's cell has no window.

# %% slideshow={"slide_type": "skip"}
import math
import time
from collections import Counter, defaultdict
from functools import cache
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import IntSlider, Text, interact
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import load_grammar, load_names, load_prose

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $w_t$ | | | token at step $t$; $w_0$ = BOS |
# | $x_t$ | `x_t` | `(B, E)` | input at step $t$: the vector of token $w_{t-1}$ |
# | $C$ | `C` | `(V, E)` | table of the tokens' vectors |
# | $h_t$ | `h` | `(B, H)` | hidden state after step $t$; $h_0 = 0$ |
# | $W_{xh}, W_{hh}, b_h$ | `W_xh`, `W_hh`, `b_h` | `(E, H)`, `(H, H)`, `(H,)` | weights of the cell, the same at all steps |
# | $W_{hy}, b_y$ | `W_hy`, `b_y` | `(H, V)`, `(V,)` | weights of the output layer |
# | $\hat y_t$ | | `(B, V)` | $\text{softmax}(h_t W_{hy} + b_y)$, the prediction of $w_t$ |
# | $J_t$, $J$ | `J` | | loss at step $t$, and their mean, in nats |
# | $\theta$, $\eta$ | `weights`, `lr` | | all weights together; the learning rate |
#
# `B` sequences are read at once, `T` steps each. In training code, `x` and `y` are the inputs and the targets of a batch.

# %% [markdown] slideshow={"slide_type": "notes"}
# Note the shift: x_t holds the token before the one that y_t predicts. The first input is BOS.

# %% slideshow={"slide_type": "skip"}
# Derived in notebooks 1 (counting) and 2 (the window model):
from course_utils.taught.fixed_window_lm import (
    BETWEEN,
    agreement,
    log_probs,
    lr_schedule,
    train,
    verbs_of,
    window_function,
    window_model,
    windows,
)
from course_utils.taught.ngram_lm import (
    BOS,
    EOS,
    count_ngrams,
    estimate_discount,
    kneser_ney,
    perplexity,
    replace_rare,
    vocabulary,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One cell, used again and again
#
# ![A recurrent network as a loop equals a chain of four steps, each with the same three matrices W_xh, W_hh and W_hy.](../figures/rnn_unrolled.svg)
#
# The new state depends on the input and on the old state, which depends on the input before and on the state before that: on *everything* read so far.

# %% [markdown] slideshow={"slide_type": "notes"}
# Left the program, right its execution. Unrolled, it is a feed-forward network of depth T whose layers share their weights; Werbos 1990 shows how to differentiate it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step
#
# ![One step of an RNN: h_{t−1} times W_hh, x_t times W_xh and b_h are added, tanh of the sum is h_t, which goes on to the next step and up through W_hy to ŷ_t.](../figures/rnn_cell.svg)
#
# $$h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Elman 1990 is the classic; his context layer holds the previous state. Jordan 1986 fed back the output instead.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · One step
#
# `x` (E,), `h` (H,), `W_xh` (E, H), `W_hh` (H, H) and `b_h` (H,) are NumPy arrays; return the next state. **Predict:** which states can come out, whatever goes in?
#
# <details><summary>Answer</summary>Each entry lies between −1 and 1: tanh squashes any sum.</details>

# %% tags=["exercise-1-stub"]
def one_step(x, h, W_xh, W_hh, b_h):
    """The state (H,) after reading x (E,) in state h (H,)."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_one_step(attempt):
    """Try an attempt on cells of different sizes."""
    rng = np.random.default_rng(1)
    tiny = [np.array(value, dtype=float) for value in ([1], [1, 0], [[0, 1]], [[0, 1], [1, 0]], [0, -1])]
    small = [rng.normal(size=shape) for shape in ((3,), (2,), (3, 2), (2, 2), (2,))]
    square = [2 * rng.normal(size=shape) for shape in ((3,), (3,), (3, 3), (3, 3), (3,))]

    def state(x, h, W_xh, W_hh, b_h):
        return np.tanh(x @ W_xh + h @ W_hh + b_h)

    return check(
        attempt,
        cases=[(tuple(arguments), state(*arguments)) for arguments in (tiny, small, square)],
        misconceptions={
            "tanh is missing: without it the cell is linear": (
                lambda x, h, W_xh, W_hh, b_h: x @ W_xh + h @ W_hh + b_h
            ),
            "the old state does not take part: such a cell remembers nothing": (
                lambda x, h, W_xh, W_hh, b_h: np.tanh(x @ W_xh + b_h)
            ),
            "the bias b_h is missing": lambda x, h, W_xh, W_hh, b_h: np.tanh(x @ W_xh + h @ W_hh),
            "W_hh is applied to a row vector from the right, h @ W_hh; W_hh @ h transposes it": (
                lambda x, h, W_xh, W_hh, b_h: np.tanh(x @ W_xh + W_hh @ h + b_h)
            ),
            "tanh belongs around the whole sum, not around each part": (
                lambda x, h, W_xh, W_hh, b_h: np.tanh(x @ W_xh) + np.tanh(h @ W_hh) + b_h
            ),
            "the bias belongs inside tanh": lambda x, h, W_xh, W_hh, b_h: np.tanh(x @ W_xh + h @ W_hh) + b_h,
            "the old state enters through W_hh, not directly": (
                lambda x, h, W_xh, W_hh, b_h: np.tanh(x @ W_xh + h + b_h)
            ),
            "this is the sigmoid; the cell takes tanh": (
                lambda x, h, W_xh, W_hh, b_h: 1 / (1 + np.exp(-(x @ W_xh + h @ W_hh + b_h)))
            ),
            "this is ReLU; the cell takes tanh": (
                lambda x, h, W_xh, W_hh, b_h: np.maximum(x @ W_xh + h @ W_hh + b_h, 0)
            ),
            "cutting off at ±1 is not tanh": lambda x, h, W_xh, W_hh, b_h: np.clip(x @ W_xh + h @ W_hh + b_h, -1, 1),
            "x and h are rows: they stand on the left, x @ W_xh + h @ W_hh": (
                lambda x, h, W_xh, W_hh, b_h: np.tanh(W_xh @ x + W_hh @ h + b_h)
            ),
            "the old state enters through W_hh only; do not add it once more": (
                lambda x, h, W_xh, W_hh, b_h: h + np.tanh(x @ W_xh + h @ W_hh + b_h)
            ),
            "x is a row: x @ W_xh; W_xh @ x transposes the matrix": (
                lambda x, h, W_xh, W_hh, b_h: np.tanh(W_xh @ x + h @ W_hh + b_h)
            ),
        },
    )


check_one_step(one_step)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def one_step_solution(x, h, W_xh, W_hh, b_h):
    """The state (H,) after reading x (E,) in state h (H,)."""
    return np.tanh(x @ W_xh + h @ W_hh + b_h)


check_one_step(one_step_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The transposed W_hh runs without an error, since it is square: the most frequent silent bug of hand-written cells.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network for a pencil
#
# Two units, plain numbers, two phrases: what follows *language* or *processing* depends on what came before.

# %%
WORDS = ["natural", "language", "processing", "</s>"]
SENTENCES = [["natural", "language", "processing"], ["processing", "natural", "language"]]
W_XH = {"<s>": [0, 1], "natural": [2, -1], "language": [0, 0], "processing": [0, 2.5]}
W_HH = [[-2, -2], [-2, -2]]
W_HY = [[-3, 3, 3, -3], [3, -3, 3, -3]]  # columns: natural, language, processing, </s>


def pencil_step(word, h):
    """The next state, a list of two numbers; no bias."""
    return [math.tanh(W_XH[word][j] + h[0] * W_HH[0][j] + h[1] * W_HH[1][j]) for j in (0, 1)]


def pencil_output_layer(h):
    """A probability for each of the four words."""
    powers = [math.exp(h[0] * W_HY[0][v] + h[1] * W_HY[1][v]) for v in range(4)]
    return [power / sum(powers) for power in powers]


pencil_step("<s>", [0, 0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Take a pencil and follow. Inputs are one-hot, so a word picks its row of W_xh. The four words sit in the four corners of the square; the output layer looks in which corner the state is. Do the first step on the board: tanh(0) = 0 and tanh(1) = 0.76. The row of "language" is zero: after it, the old state alone says what comes next.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Read both phrases, predict the next word
#
# $x_1$ is BOS. $\hat y_t$ is made *before* $w_t$ is seen, and is scored on it:

# %% tags=["topic-C3", "nbval-check-output"]
J = []
print("reads       h_t               target      ŷ_t[w_t]  J_t")
for sentence in SENTENCES:
    h = [0, 0]
    for read, target in zip(["<s>", *sentence], [*sentence, "</s>"]):
        h = pencil_step(read, h)
        y = pencil_output_layer(h)
        J.append(-math.log(y[WORDS.index(target)]))
        print(f"{read:11} ({h[0]:5.2f}, {h[1]:5.2f})    {target:11} {math.exp(-J[-1]):.3f}     {J[-1]:.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Have the second row computed by pencil: the old state enters through W_hh, 2 − 2 · 0.76 and −1 − 2 · 0.76. Which of the two phrases begins, nobody can know: the first word costs log 2 in both. Lecture notes sometimes score a word after reading it; a network that copies its input would then be perfect.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What memory is worth here
#
# A network without memory ($W_{hh} = 0$) knows the last word only. At best its $\hat y_t$ are the frequencies of what follows that word, the bigrams of notebook 1. **Predict:** what do they cost?
#
# <details><summary>Answer</summary>After BOS, <em>language</em> and <em>processing</em> two words are equally frequent: log 2 in three of four steps.</details>

# %% tags=["topic-C3", "nbval-check-output"]
pairs = [pair for sentence in SENTENCES for pair in zip(["<s>", *sentence], [*sentence, "</s>"])]
times, read = Counter(pairs), Counter(word for word, _ in pairs)
bigrams = sum(-n * math.log(n / read[word]) for (word, _), n in times.items()) / len(pairs)
mean = sum(J) / len(J)
print(f"the pencil's network: {mean:.3f} nats per token, perplexity {math.exp(mean):.2f}")
print(f"at best without memory {bigrams:.3f}; at best with it, the first word being a guess, {math.log(2) / 4:.3f}")
print("memory pays:", mean < bigrams)

# %% [markdown] slideshow={"slide_type": "notes"}
# No weights without memory can be better than the bigrams: each word read has one prediction. Setting W_hh to zero here, with the other weights as they are, costs far more still, since they were chosen for a network that remembers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · What goes in, what is scored
#
# From a sentence, a list of words, make the inputs and the targets of a language model, two lists; write `"<s>"` for BOS and `"</s>"` for EOS. **Predict:** how many of each, for a sentence of three words?
#
# <details><summary>Answer</summary>Four: BOS and the three words go in; the three words and EOS are scored.</details>

# %% tags=["exercise-2-stub"]
def inputs_and_targets(sentence):
    """Two lists of tokens of equal length: what is read, and what must be predicted at the same step."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_inputs_and_targets(attempt):
    """Try an attempt on sentences of three words, of one and of four."""

    def pair(s):
        return ["<s>", *s], [*s, "</s>"]

    return check(
        attempt,
        cases=[((s,), pair(s)) for s in (["natural", "language", "processing"], ["yes"], ["we", "like", "long", "walks"])],
        misconceptions={
            "you predict what was just read: a network that copies would be perfect": (
                lambda s: (["<s>", *s], ["<s>", *s])
            ),
            "input and target are both shifted: two steps lie between them, one word is never predicted": (
                lambda s: (["<s>", *s][:-1], [*s, "</s>"][1:])
            ),
            "EOS is missing among the targets: the model must learn to stop": (lambda s: (["<s>", *s][: len(s)], list(s))),
            "BOS is missing among the inputs: the first word must be predicted, too": (
                lambda s: (list(s), [*s, "</s>"][1:])
            ),
            "the two lists are exchanged: this model predicts the past": (lambda s: ([*s, "</s>"], ["<s>", *s])),
            "here EOS is a target only, and BOS an input only": (
                lambda s: (["<s>", *s, "</s>"], ["<s>", *s, "</s>"])
            ),
            "each input needs a target: EOS, after the last word": (lambda s: (["<s>", *s], list(s))),
            "each target needs an input: BOS, before the first word": (lambda s: (list(s), [*s, "</s>"])),
            "the first input is BOS, not EOS: they are two different marks here": (
                lambda s: (["</s>", *s], [*s, "</s>"])
            ),
            "these are pairs (input, target); asked for are two lists": lambda s: list(zip(*pair(s))),
            "lists of words, not texts": lambda s: tuple(map(" ".join, pair(s))),
        },
    )


check_inputs_and_targets(inputs_and_targets)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def inputs_and_targets_solution(sentence):
    """Two lists of tokens of equal length: what is read, and what must be predicted at the same step."""
    return ["<s>", *sentence], [*sentence, "</s>"]


check_inputs_and_targets(inputs_and_targets_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Shifting both is the classic: the loader shifts, and the loss shifts again. The model then learns to skip a word, and the loss looks merely bad.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The objective: a loss for each word
#
# ![An RNN language model reads <s> natural language processing, predicts natural language processing </s>, and adds the four losses J_t = −log ŷ_t[w_t] to T J; the inputs are the targets one step later.](../figures/rnn_language_model.svg)
#
# $$J_t = -\log \hat y_t[w_t] \qquad J = \frac{1}{T} \sum_{t=1}^{T} J_t$$

# %% [markdown] slideshow={"slide_type": "notes"}
# This picture is the computation graph: follow the arrows backwards and you have backpropagation through time, notebook 4. The sum over t is often forgotten on slides. The early predictions are scored as well: every step teaches.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same with tensors
#
# The equation is the first function, the loop over time is the second.

# %% tags=["topic-C1", "export"]
def rnn_step(x_t, h, W_xh, W_hh, b_h):
    """One step: input x_t (B, E) and state h (B, H) give the next state (B, H)."""
    return torch.tanh(x_t @ W_xh + h @ W_hh + b_h)


def rnn(x, h, W_xh, W_hh, b_h):
    """All states (B, T, H) and the last one (B, H), from inputs x (B, T, E) and state h (B, H)."""
    states = []
    for x_t in x.unbind(dim=1):
        h = rnn_step(x_t, h, W_xh, W_hh, b_h)
        states.append(h)
    return torch.stack(states, dim=1), h

# %% tags=["topic-C3", "nbval-check-output"]
x = torch.eye(4).double()[torch.tensor([[0, 1, 2, 3], [0, 3, 1, 2]])]  # both phrases, four one-hot inputs each, (2, 4, 4)
W_xh, W_hh = torch.tensor(list(W_XH.values())).double(), torch.tensor(W_HH).double()
states, last_state = rnn(x, torch.zeros(2, 2).double(), W_xh, W_hh, b_h=0)
print("the pencil's last state:", np.allclose(last_state[1], h, atol=1e-12))

# %% [markdown] slideshow={"slide_type": "notes"}
# A few lines that read any length. The Python loop over T cannot be avoided here: each state needs the one before.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Equal to `torch.nn.RNN`, gradients and all
#
# PyTorch keeps the weights transposed and two biases of which only the sum matters. Same weights, same inputs, and an arbitrary $J$: the sum of all states, each entry weighted differently.

# %%
B, T, E, H = 3, 7, 4, 5
theirs = nn.RNN(E, H, batch_first=True).double()
x, h_0 = torch.randn(B, T, E).double(), torch.randn(B, H).double()
direction = torch.randn(B, T, H).double()

bias = theirs.bias_ih_l0 + theirs.bias_hh_l0
weights = [theirs.weight_ih_l0.T, theirs.weight_hh_l0.T, bias]
ours = [tensor.detach().clone().requires_grad_() for tensor in (x, h_0, *weights)]
states, last_state = rnn(*ours)
gradients = torch.autograd.grad((states * direction).sum(), ours)
tuple(states.shape)

# %% [markdown] slideshow={"slide_type": "notes"}
# The loss weighs every entry of every state differently, so that no error can cancel.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Seven differences

# %% tags=["topic-C1", "nbval-check-output"]
their_states, their_last = theirs(x.requires_grad_(), h_0.requires_grad_()[None])
parameters = x, h_0, theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_hh_l0
their_gradients = torch.autograd.grad((their_states * direction).sum(), parameters)
differences = {
    "states": states - their_states,
    "last state": last_state - their_last[0],
    "∂J/∂x": gradients[0] - their_gradients[0],
    "∂J/∂h_0": gradients[1] - their_gradients[1],
    "∂J/∂W_xh": gradients[2] - their_gradients[2].T,
    "∂J/∂W_hh": gradients[3] - their_gradients[3].T,
    "∂J/∂b_h": gradients[4] - their_gradients[4],
}
for name, difference in differences.items():
    print(f"{name:10} equal to 1e-10:", difference.abs().max().item() < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# From scratch once, proved equal, and from now on torch.nn.RNN. Unequal sizes B, T, E, H make sure that no swapped axis can hide.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to the other notations
#
# Notebook 0 compared four notations. With column vectors, $h_t = \tanh(W h_{t-1} + U x_t)$ holds the transposed matrices; where a lecture has no bias, ours is 0; the Utah lecture takes the state itself as output. The numbers are the same:

# %% tags=["topic-C2", "nbval-check-output"]
x, h_0, W_xh, W_hh, b_h = (tensor.detach() for tensor in ours)
h, W, U = h_0.T, W_hh.T, W_xh.T  # columns
for x_t in x.unbind(dim=1):
    h = torch.tanh(W @ h + U @ x_t.T)
_, without_bias = rnn(x, h_0, W_xh, W_hh, b_h=0)
print("columns and rows agree to 1e-12:", (h.T - without_bias).abs().max().item() < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# Transpose, and rename. When you read a paper, find out first whether vectors are rows or columns.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One cell, three families
#
# What differs between the families of notebook 0 is only where the loop reads and writes. (To be fed back, an output here has the size of an input, `E`.)

# %% tags=["topic-B2", "nbval-check-output"]
W_hy = torch.randn(H, E).double()
cell, h = (W_xh, W_hh, b_h), h_0

states, last_state = rnn(x, h, *cell)
one_label = last_state @ W_hy  # N → 1: read all, then answer
one_each = states @ W_hy  # N → N: answer at each step

x_t, generated = torch.zeros(B, E).double(), []  # 1 → N: h is the label; outputs are fed back
for _ in range(4):
    h = rnn_step(x_t, h, *cell)
    x_t = torch.softmax(h @ W_hy, dim=1)
    generated.append(x_t)

print("N → 1", tuple(one_label.shape), "  N → N", tuple(one_each.shape), end="")
print("   1 → N", tuple(torch.stack(generated, dim=1).shape))
print("the N → 1 answer is the last N → N answer:", torch.equal(one_label, one_each[:, -1]))

# %% [markdown] slideshow={"slide_type": "notes"}
# Three short variations of the same cell. The generating loop feeds the distribution back; notebook 8 draws a token from it instead.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What sharing weights costs, and what it saves
#
# The weights are the same at every step, whatever the length. What grows with $T$ is what training must *keep*: inputs and states.

# %% tags=["export"]
def parameter_count(model):
    """How many numbers a model learns."""
    return sum(p.numel() for p in model.parameters())

# %%
parameter_count(nn.RNN(input_size=64, hidden_size=64))

# %% [markdown] slideshow={"slide_type": "notes"}
# PyTorch keeps two biases: 2 · 64 · 64 + 2 · 64.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What training keeps
#
# Autograd can report each tensor that it puts aside for the way back. We count each once, and leave the weights out, which are kept anyway:

# %%
def kept_bytes(T, B=1, E=64, H=64):
    """Bytes of inputs and states kept for the backward pass of our loop."""
    cell = [torch.randn(shape, requires_grad=True) for shape in ((E, H), (H, H), (H,))]
    kept = {}

    def put_aside(a):
        kept[a.data_ptr()] = a.nbytes
        return a

    with torch.autograd.graph.saved_tensors_hooks(put_aside, lambda a: a):
        rnn(torch.randn(B, T, E), torch.zeros(B, H), *cell)
    return sum(kept.values()) - sum(kept.get(W.data_ptr(), 0) for W in cell)


kept_bytes(T=10)

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask before running: ten inputs and eleven states of 64 numbers of four bytes each.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Count both

# %% tags=["topic-C1"]
print("  |V|    H    T   parameters   kept for the way back")
for V, H, T in ((1000, 64, 10), (1000, 64, 20), (1000, 64, 40), (4000, 64, 10), (1000, 128, 10)):
    model = nn.ModuleList([nn.Embedding(V, 64), nn.RNN(64, H), nn.Linear(H, V)])
    print(f"{V:5} {H:4} {T:4} {parameter_count(model):12,} {kept_bytes(T, H=H) / 1024:12.2f} KiB")

# %% [markdown] slideshow={"slide_type": "notes"}
# First three rows: doubling T doubles what is kept, inputs and states, for each sequence of a batch; the parameters stay. Fourth row: the two tables of the vocabulary dominate. Last row: W_hh grows with the square of H.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A cell with a fault
#
# More than one tutorial published this cell: input and state side by side, then one linear layer. It runs, and on short sequences it even learns. Find the fault by experiment.

# %%
def suspicious_step(x, h, W, b):
    """The next state (H,) from x (E,) and h (H,), with W (E + H, H) and b (H,)."""
    return np.concatenate([x, h]) @ W + b


def run(step, W, b, inputs):
    """All states (T, H) of a cell that starts from zero and reads inputs (T, E)."""
    states = [np.zeros(len(b))]
    for x in inputs:
        states.append(step(x, states[-1], W, b))
    return np.array(states[1:])


# %% [markdown] slideshow={"slide_type": "notes"}
# Let the students experiment before the exercise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two cells with the same weights
#
# The weights from state to state are scaled to a **spectral radius**, the largest absolute value of an eigenvalue, of 1.1.

# %%
rng = np.random.default_rng(0)
inputs, b = rng.normal(size=(100, 3)), np.zeros(8)
W = rng.normal(size=(3 + 8, 8)) / 8**0.5
W[3:] *= 1.1 / np.abs(np.linalg.eigvals(W[3:])).max()  # the state's part: spectral radius 1.1


def read_by_ours(inputs):
    """The last state (8,) of our cell, with the same weights."""
    cell = [torch.tensor(a) for a in (W[:3], W[3:], b)]
    return rnn(torch.tensor(inputs[None]), torch.zeros(1, 8).double(), *cell)[1][0].numpy()


def read_by_suspicious(inputs):
    """The last state (8,) of the suspicious cell."""
    return run(suspicious_step, W, b, inputs)[-1]

# %% [markdown] slideshow={"slide_type": "notes"}
# Each step multiplies the old state by the same matrix; repeated multiplication is what eigenvalues describe.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The size of the state
#
# $\|h_T\|$ after $T$ random inputs, for the suspicious cell and for ours with the same weights:

# %%
print(f"size of the state; ours cannot pass √8 = {8**0.5:.2f}\n  T   suspicious   ours")
for T in (1, 10, 50, 100):
    suspicious, ours = (np.linalg.norm(read(inputs[:T])) for read in (read_by_suspicious, read_by_ours))
    print(f"{T:3} {suspicious:12.1f} {ours:6.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Try a radius of 0.9: the state no longer grows without bound, though it still passes √H. That is why such a bug survives: how bad it is depends on the weights.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One more experiment
#
# Does twice the input give twice the state? Is the state after a sum of two inputs the sum of the states after each? ($b = 0$ here.)

# %% tags=["nbval-check-output"]
first, second = inputs[:5], inputs[5:10]
for name, read in {"suspicious": read_by_suspicious, "ours": read_by_ours}.items():
    doubled = np.allclose(read(2 * first), 2 * read(first))
    added = np.allclose(read(first + second), read(first) + read(second))
    print(f"{name:10}  twice the input, twice the state: {doubled!s:5}   sum for sum: {added}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A linear cell cannot make one word change the meaning of another: reading is mere addition. And all steps over a text of given length are together one matrix, as notebook 2 showed for layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · Repair the cell
#
# What is missing in `suspicious_step`? Write it right, with the same arguments. **Predict:** would cutting the state off at ±1 do as well?
#
# <details><summary>Answer</summary>The tanh is missing. It would bound the state. But between −1 and 1 such a cell is still linear, and beyond them its slope is exactly 0: nothing is learned there. The slope of tanh is small there, but never 0.</details>

# %% tags=["exercise-3-stub"]
def repaired_step(x, h, W, b):
    """The next state (H,) from x (E,) and h (H,), with W (E + H, H) and b (H,)."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_repaired_step(attempt):
    """Try an attempt on a small state and on a large one."""
    rng = np.random.default_rng(3)
    tiny = tuple(np.array(value, dtype=float) for value in ([1], [2], [[1], [-1]], [2]))
    W, b = rng.normal(size=(5, 3)), rng.normal(size=3)
    x, h = rng.normal(size=2), rng.normal(size=3)

    def parts(x, h, W, b):
        return np.concatenate([x, h]) @ W + b

    return check(
        attempt,
        cases=[(case, np.tanh(parts(*case))) for case in (tiny, (x, h, W, b), (9 * x, 9 * h, W, b))],
        misconceptions={
            "this is the suspicious cell itself: compare it with the equation, symbol by symbol": parts,
            "cutting off bounds the state, but the cell stays linear inside: take tanh": (
                lambda x, h, W, b: np.clip(parts(x, h, W, b), -1, 1)
            ),
            "tanh belongs around the sum, not around the old state": (
                lambda x, h, W, b: np.concatenate([x, np.tanh(h)]) @ W + b
            ),
            "dividing by the size bounds the state, but it is not this cell: take tanh": (
                lambda x, h, W, b: parts(x, h, W, b) / np.linalg.norm(parts(x, h, W, b))
            ),
            "ReLU is not bounded: the state can still grow": (lambda x, h, W, b: np.maximum(parts(x, h, W, b), 0)),
            "the sigmoid bounds the state, but keeps it positive; this cell takes tanh": (
                lambda x, h, W, b: 1 / (1 + np.exp(-parts(x, h, W, b)))
            ),
            "input first, then state: the rows of W are in that order": (
                lambda x, h, W, b: np.tanh(np.concatenate([h, x]) @ W + b)
            ),
            "the bias belongs inside tanh": (lambda x, h, W, b: np.tanh(np.concatenate([x, h]) @ W) + b),
            "the bias is missing": (lambda x, h, W, b: np.tanh(np.concatenate([x, h]) @ W)),
            "tanh belongs around the sum, not around what goes into it": (
                lambda x, h, W, b: np.tanh(np.concatenate([x, h])) @ W + b
            ),
            "the old state is in the sum already: do not add it once more": (
                lambda x, h, W, b: h + np.tanh(parts(x, h, W, b))
            ),
        },
    )


check_repaired_step(repaired_step)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def repaired_step_solution(x, h, W, b):
    """The next state (H,) from x (E,) and h (H,), with W (E + H, H) and b (H,)."""
    return np.tanh(np.concatenate([x, h]) @ W + b)


check_repaired_step(repaired_step_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Side by side and one matrix is the same as two matrices and a sum; only the tanh was lost. Moral: compare with an oracle, as we did with torch.nn.RNN.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## N → 1: from a name to its language
#
# What are countries and languages called in 24 languages? Given the name, letter by letter: which language is it? Names are split *by what they name*, so no country or language of the test part was seen in training in any language.

# %% tags=["topic-B4a"]
names = load_names(seed=0)
LANGUAGES = sorted({language for _, language in names.train})
for part, pairs in zip(names._fields, names):
    examples = ", ".join(f"{name} ({language})" for name, language in pairs[:2])
    print(f"{part:10} {len(pairs):6} names, e.g. {examples}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The names are those of the Unicode CLDR, which every computer uses to show lists of countries. Names that two of the languages share, such as Malta, are left out: they have no one answer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The number to beat
#
# Naïve Bayes on counts of character $n$-grams, with marks at both ends; $n$ is chosen on validation names.

# %% tags=["export"]
def marked(pairs):
    """Names between marks, and their languages, as two lists."""
    return [f"^{name}$" for name, _ in pairs], [language for _, language in pairs]

# %%
def naive_bayes(n, alpha=0.3):
    """Naïve Bayes on the counts of character n-grams of names with marks at both ends, fitted."""
    counter = CountVectorizer(analyzer="char", ngram_range=(n, n), lowercase=False)
    return make_pipeline(counter, MultinomialNB(alpha=alpha)).fit(*marked(names.train))


order = max((2, 3, 4), key=lambda n: naive_bayes(n).score(*marked(names.validation)))
bayes = naive_bayes(order)
most = max(Counter(language for _, language in names.test).values()) / len(names.test)
print(f"n = {order}: test accuracy {bayes.score(*marked(names.test)):.0%}")
print(f"always the most frequent language of the test names: {most:.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A fair baseline is tuned as well. Ask the room for their own accuracy: show five names.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Names as tensors
#
# Numbers for characters; short names are padded with 0 to the length of the longest. In batches of similar lengths little of that is left.

# %% tags=["export"]
def to_tensors(pairs, number, languages):
    """Padded characters (N, T), lengths (N,) and languages (N,); unseen characters are 0, too."""
    rows = [torch.tensor([number.get(c, 0) for c in name]) for name, _ in pairs]
    y = torch.tensor([languages.index(language) for _, language in pairs])
    length = torch.tensor([len(row) for row in rows])
    return nn.utils.rnn.pad_sequence(rows, batch_first=True), length, y

# %%
CHARACTERS = sorted({character for name, _ in names.train for character in name})
character_number = {character: number for number, character in enumerate(CHARACTERS, start=1)}
tensors = {part: to_tensors(pairs, character_number, LANGUAGES) for part, pairs in zip(names._fields, names)}
x, length, y = tensors["train"]
print(f"{len(CHARACTERS)} characters, x {tuple(x.shape)}, padding {(x == 0).float().mean():.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Four fifths would be padding if all names went into one batch. In any case the state must be read at the last real character.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 4 · Which state answers?
#
# `states` (B, T, H) holds the states of padded names, `length` (B,) their true lengths, both NumPy arrays. Return the state that has read the whole name and nothing else, (B, H). **Predict:** what does `states[:, -1]` hold for a short name?
#
# <details><summary>Answer</summary>A state that has read padding after the name: its memory of the name is overwritten, and it depends on the longest name of the batch.</details>

# %% tags=["exercise-4-stub"]
def final_states(states, length):
    """The state (B, H) after each sequence's last real step, from states (B, T, H) and lengths (B,)."""
    return ...

# %% tags=["exercise-4-check"] slideshow={"slide_type": "skip"}
def check_final_states(attempt):
    """Try an attempt on sequences of different lengths."""
    round_ones = np.array([[[7, 8], [1, 2], [9, 9]], [[4, 5], [3, 6], [0, 9]]])
    states = np.random.default_rng(4).normal(size=(4, 5, 2))
    lengths = np.array([2, 5, 3, 1])
    rows = np.arange(4)

    return check(
        attempt,
        cases=[
            ((round_ones, np.array([2, 1])), np.array([[1, 2], [4, 5]])),
            ((states, lengths), states[rows, lengths - 1]),
            ((states[:2, 1:], lengths[2:]), states[[0, 1], [3, 1]]),
        ],
        misconceptions={
            "the last column has read the padding, too: take each sequence's own last step": (
                lambda states, length: states[:, -1]
            ),
            "steps are counted from 0: the last of `length` steps has index length − 1": (
                lambda states, length: states[np.arange(len(length)), length]
            ),
            "this is the mean over all steps, padding included": (lambda states, length: states.mean(axis=1)),
            "this is the mean over the real steps; asked for is the last one": (
                lambda states, length: np.array([s[:n].mean(axis=0) for s, n in zip(states, length)])
            ),
            "states[:, length − 1] takes all these steps of every sequence: pair row b with step length[b] − 1": (
                lambda states, length: states[:, length - 1]
            ),
            "this is the first state: it has read one character": (lambda states, length: states[:, 0]),
            "this is the sum over the real steps; asked for is the last state": (
                lambda states, length: np.array([s[:n].sum(axis=0) for s, n in zip(states, length)])
            ),
            "this is the largest value of each unit; asked for is the last state": (
                lambda states, length: np.array([s[:n].max(axis=0) for s, n in zip(states, length)])
            ),
            "states[length − 1] takes whole sequences: say row and step, states[rows, length − 1]": lambda states, length: states[length - 1],
            "one step too early: the last of `length` steps has index length − 1": (
                lambda states, length: np.array([s[n - 2] for s, n in zip(states, length)])
            ),
        },
    )


check_final_states(final_states)

# %% tags=["exercise-4-solution"] slideshow={"slide_type": "skip"}
def final_states_solution(states, length):
    """The state (B, H) after each sequence's last real step, from states (B, T, H) and lengths (B,)."""
    if min(length) < 1:
        raise ValueError("an empty sequence has no last state")
    return states[np.arange(len(length)), length - 1]


check_final_states(final_states_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Padding must never change a state, a loss or a metric. A test for it: pad a name further, the answer must stay.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Define: encode and decode
#
# By hand first. The encoder turns a name into a state, the decoder turns the state into a score per language.

# %% slideshow={"slide_type": "skip"}
def new_weights(V, E, H, out):
    """C (V, E), W_xh, W_hh, b_h, W_hy (H, out) and b_y, random and ready for gradients."""
    shapes = (V, E), (E, H), (H, H), (H,), (H, out), (out,)
    scales = 1, E**-0.5, 0.5 * H**-0.5, 0, H**-0.5, 0
    pairs = zip(shapes, scales)
    return [(scale * torch.randn(shape)).requires_grad_() for shape, scale in pairs]

# %% tags=["topic-C6a"]
def encode_names(x, length, weights):
    """The state (B, H) after each name's last character, from padded characters x (B, T)."""
    if length.min() < 1:
        raise ValueError("an empty name has no last character")
    C, W_xh, W_hh, b_h, *_ = weights
    states, _ = rnn(C[x], torch.zeros(len(x), len(b_h)), W_xh, W_hh, b_h)
    return states[torch.arange(len(x)), length - 1]


def score_languages(h, weights):
    """Scores (B, out) from states (B, H)."""
    *_, W_hy, b_y = weights
    return h @ W_hy + b_y

# %% [markdown] slideshow={"slide_type": "notes"}
# Encode and decode are the words of notebook 0: the two braces under its picture. Everything that is trained is in the list `weights`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Padding changes no state
#
# What exercise 4 is about, tested on `encode_names`: pad the names further, the answer must stay.

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
weights = new_weights(V=len(CHARACTERS) + 1, E=32, H=128, out=len(LANGUAGES))
longer = nn.functional.pad(x[:5], (0, 9))  # nine more columns of padding
same = torch.equal(encode_names(x[:5], length[:5], weights), encode_names(longer, length[:5], weights))
print("more padding changes no state:", same)

# %% [markdown] slideshow={"slide_type": "notes"}
# Bit by bit equal, because the state is read before the padding. With the last column instead, every answer would change.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Train: likelihood, prediction, gradient, step
#
# Negative log-likelihood of the right languages; autograd for its gradient; **SGD**: a step of fixed rate against the gradient of a random batch, $\theta \leftarrow \theta - \eta \nabla J$.

# %% tags=["topic-C6b", "topic-C4"]
def nll(scores, y):
    """Mean negative log-likelihood in nats of classes y (B,) under scores (B, out)."""
    log_p = scores - scores.logsumexp(dim=1, keepdim=True)
    return -log_p[torch.arange(len(y)), y].mean()


def sgd_step(weights, lr):
    """Move all weights against their gradients, in place, and forget the gradients."""
    with torch.no_grad():
        for p in weights:
            p -= lr * p.grad
            p.grad = None


# %% [markdown] slideshow={"slide_type": "notes"}
# Likelihood and step, two of the lecture's four words; predictions and gradient follow.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Predict, and evaluate
#
# The prediction is the likeliest language; the measure is how often it is right.

# %% tags=["topic-C6b"]
def accuracy(x, length, y, weights):
    """The share of names whose likeliest language is right."""
    with torch.no_grad():
        guesses = score_languages(encode_names(x, length, weights), weights).argmax(dim=1)
        return (guesses == y).float().mean().item()


print(f"before training: {accuracy(*tensors['validation'], weights):.0%} right, by chance {1 / 24:.0%}")

# %% slideshow={"slide_type": "skip"} tags=["nbval-check-output"]
scores = torch.randn(6, 4)
labels = torch.tensor([0, 3, 1, 1, 2, 0])
print("nll equals cross_entropy:", torch.allclose(nll(scores, labels), cross_entropy(scores, labels)))

# %% [markdown] slideshow={"slide_type": "notes"}
# The argmax needs no softmax: it keeps the order.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The whole walk
#
# Batches of names of similar length, in random order:

# %% tags=["export"] slideshow={"slide_type": "skip"}
def name_batches(length, B):
    """Yield the row numbers of all names once, B at a time, names of similar length together."""
    almost_sorted = torch.argsort(length + 2 * torch.rand(len(length)))  # other neighbours each time
    rows = almost_sorted.split(B)
    for i in torch.randperm(len(rows)):
        yield rows[i]

# %%
def walk(weights, step, epochs=1, B=64):
    """Train on the names; step(weights) uses the gradients. Returns the loss of each batch."""
    x, length, y = tensors["train"]
    losses = []
    for _ in range(epochs):
        for rows in name_batches(length, B):
            T = length[rows].max()
            loss = nll(score_languages(encode_names(x[rows, :T], length[rows], weights), weights), y[rows])
            loss.backward()
            step(weights)
            losses.append(loss.item())
    return losses

# %% [markdown] slideshow={"slide_type": "notes"}
# No library beyond tensors and autograd. `step` is a function, so that SGD and Adam can be exchanged.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One pass over the names
#
# Before training, the loss should be near $\log 24$, that of guessing; after one pass it should be well below.

# %% tags=["topic-C6b"]
walked = [p.detach().clone().requires_grad_() for p in weights]  # the start stays as it is
losses = walk(walked, lambda weights: sgd_step(weights, lr=0.2))
print(f"loss at the start {losses[0]:.2f}, log 24 = {math.log(24):.2f}")
print(f"mean of the last 30 batches {np.mean(losses[-30:]):.2f}")
print(f"validation accuracy {accuracy(*tensors['validation'], walked):.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The loss of the first batch is near log 24, as notebook 2 taught us to check.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Adam: a rate for each weight
#
# Keep running means $m$ of the gradient $g$ and $v$ of its square ($\beta$: how much of the old mean stays); correct them for having started at 0; step by their ratio ($\varepsilon$ prevents a division by 0):
#
# $$m \leftarrow \beta_1 m + (1-\beta_1)\, g \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2$$
#
# $$\theta \leftarrow \theta - \eta\, \frac{m / (1-\beta_1^k)}{\sqrt{v / (1-\beta_2^k)} + \varepsilon}$$
#
# A weight with small gradients takes steps as large as one with large gradients: good for rare characters and words. $k$ counts the steps.

# %% [markdown] slideshow={"slide_type": "notes"}
# In the first step m over root v is plus or minus one for every weight that has a gradient: Adam starts with the sign of the gradient. AdamW, by Loshchilov and Hutter, used in notebook 2, also shrinks the weights directly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The formulas as code
#
# An object, because $m$, $v$ and $k$ must survive from step to step.

# %% tags=["topic-C4"]
class Adam:
    """Steps of Kingma and Ba's Adam for a list of weights."""

    def __init__(self, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
        self.lr, self.betas, self.eps, self.k = lr, (beta_1, beta_2), eps, 0

    def __call__(self, weights):
        if self.k == 0:
            self.m, self.v = ([torch.zeros_like(p) for p in weights] for _ in range(2))
        self.k += 1
        (beta_1, beta_2), k = self.betas, self.k
        with torch.no_grad():
            for p, m, v in zip(weights, self.m, self.v):
                m += (1 - beta_1) * (p.grad - m)
                v += (1 - beta_2) * (p.grad**2 - v)
                p -= self.lr * (m / (1 - beta_1**k)) / ((v / (1 - beta_2**k)).sqrt() + self.eps)
                p.grad = None

# %% [markdown] slideshow={"slide_type": "notes"}
# Three lines are the three formulas. m and v are as large as the weights: Adam keeps two more numbers for each weight than SGD.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same steps as PyTorch's Adam
#
# Twenty steps down a small valley, side by side:

# %% tags=["topic-C4", "nbval-check-output"]
ours = [torch.randn(3, 2).double().requires_grad_()]
theirs = [ours[0].detach().clone().requires_grad_()]
optimizer, step = torch.optim.Adam(theirs, lr=0.1), Adam(lr=0.1)
for _ in range(20):
    (ours[0] ** 4).sum().backward()
    (theirs[0] ** 4).sum().backward()
    step(ours)
    optimizer.step()
    optimizer.zero_grad()
print("equal after 20 steps, to 1e-10:", (ours[0] - theirs[0]).abs().max().item() < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# Again: by hand once, proved equal, then the library's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which rate, which method?
#
# The same initialisation and the same batches for all; one pass over the names each.

# %%
methods = {
    "SGD, η = 0.02": lambda weights: sgd_step(weights, 0.02),
    "SGD, η = 0.2": lambda weights: sgd_step(weights, 0.2),
    "SGD, η = 2": lambda weights: sgd_step(weights, 2.0),
    "Adam, η = 0.003": Adam(lr=0.003),
    "Adam, η = 0.03": Adam(lr=0.03),
}
curves = {}
for name, step in methods.items():
    torch.manual_seed(0)
    weights = new_weights(len(CHARACTERS) + 1, 32, 128, len(LANGUAGES))
    curves[name] = walk(weights, step)
    print(f"{name:16} validation accuracy {accuracy(*tensors['validation'], weights):.0%}")

# %% slideshow={"slide_type": "skip"}
def plot_curves(window=20):
    """Draw the training losses of all methods, averaged over some batches."""
    fig, ax = plt.subplots(figsize=(8.6, 3.0))
    for (name, losses), color in zip(curves.items(), ("parameter", "input", "gradient", "output", "gate")):
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        line = "--" if name.startswith("SGD") else "-"
        ax.plot(np.arange(window, len(losses) + 1), smooth, line, color=COLOR[color], label=name)
    ax.axhline(math.log(len(LANGUAGES)), color=COLOR["baseline"], lw=1, ls="--")
    ax.annotate("log 24", (len(losses), math.log(24)), va="bottom", ha="right", color=COLOR["baseline"])
    ax.set(xlabel="batch", ylabel="loss (nats)", yscale="log", ylim=(1.2, 25))
    ax.set_yticks([2, 5, 10, 20], labels=[2, 5, 10, 20])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "notes"}
# Before the plot, let the room guess which of the five rates are too small and which too large.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Too slow, right, too fast
#
# Training loss in one pass over the names, averaged over twenty batches; the axis is logarithmic:

# %% tags=["topic-C4", "output-only"]
show(plot_curves(), "Both need a rate that fits: SGD crawls at 0.02 and stays above log 24 at 2; Adam at 0.03 falls at first, then rises again.")

# %% [markdown] slideshow={"slide_type": "notes"}
# SGD with rate 2 still has a third of the names right, at a loss above log 24: where it is wrong, it is wrong with great confidence. Adam at 0.003 is ahead of SGD at 0.2 by little; it is the failures that differ by much.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same with `torch.nn`
#
# One class: table, cell, output layer.

# %% tags=["export"]
class NameRNN(nn.Module):
    """Scores (B, out) of padded names x (B, T): the state at each name's last character decides."""

    def __init__(self, V, E, H, out):
        super().__init__()
        self.C, self.rnn = nn.Embedding(V, E), nn.RNN(E, H, batch_first=True)
        self.output_layer = nn.Linear(H, out)

    def forward(self, x, length):
        if length.min() < 1:
            raise ValueError("an empty name has no last character")
        states, _ = self.rnn(self.C(x))
        return self.output_layer(states[torch.arange(len(x)), length - 1])

# %% slideshow={"slide_type": "skip"}
NameRNN(V=188, E=64, H=128, out=24)

# %% [markdown] slideshow={"slide_type": "notes"}
# The same three parts as by hand: a table, a cell, an output layer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Its training
#
# More passes than by hand, a rate that falls to 0, and a clipped gradient (notebook 4 explains why).

# %% tags=["export"]
def train_names(model, x, length, y, epochs=6, B=128, lr=3e-3):
    """Fit a NameRNN to padded names x (N, T), their lengths and languages (N,)."""
    optimizer = torch.optim.Adam(model.parameters(), lr)
    steps = epochs * math.ceil(len(y) / B)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in name_batches(length, B):
            optimizer.zero_grad()
            scores = model(x[rows, : length[rows].max()], length[rows])
            cross_entropy(scores, y[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model

# %% [markdown] slideshow={"slide_type": "notes"}
# Line by line the walk by hand: encode, decode, loss, gradient, step. New are the clipping, for notebook 4, and the schedule.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Names: the result
#
# Accuracy counts every name alike; its mean over languages counts every language alike.

# %% tags=["topic-B4a"]
torch.manual_seed(0)
name_rnn = NameRNN(len(CHARACTERS) + 1, E=64, H=128, out=len(LANGUAGES))
name_rnn = train_names(name_rnn, *tensors["train"])

# %% [markdown] slideshow={"slide_type": "skip"}
# Its answers to a part:

# %% slideshow={"slide_type": "skip"}
def predicted(model, part):
    """The likeliest language number (N,) of each name of a part, by a NameRNN."""
    x, length, _ = tensors[part]
    with torch.no_grad():
        return model(x, length).argmax(dim=1)

# %%
truth = tensors["test"][2].numpy()
guesses = {
    f"naïve Bayes, {order}-grams": np.searchsorted(LANGUAGES, bayes.predict(marked(names.test)[0])),
    "RNN": predicted(name_rnn, "test").numpy(),
}
for name, guess in guesses.items():
    macro = balanced_accuracy_score(truth, guess)
    print(f"{name:22} test accuracy {np.mean(guess == truth):.0%}, macro-averaged recall {macro:.0%}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
bayes_right, rnn_right = (guess == truth for guess in guesses.values())
print("counting character n-grams beats this RNN:", bayes_right.mean() > rnn_right.mean())
print("the RNN gets more than half right:        ", rnn_right.mean() > 0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# An honest result: the classic baseline wins. One seed here; `make bench` shows three. The mean over languages counts a rare language as much as a frequent one; with classes of very unequal size it is the number to look at. Where does the network lose?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where does it lose?
#
# Accuracy of both models on the test names, by the length of the name:

# %% slideshow={"slide_type": "skip"}
def plot_by_length(edges=(2, 7, 10, 14, 20, 99)):
    """Draw the test accuracy of both models for names of different lengths."""
    fig, ax = plt.subplots()
    n = tensors["test"][1].numpy()
    for i, (low, high) in enumerate(zip(edges, edges[1:])):
        group = (n >= low) & (n < high)
        for dx, (name, guess), color in zip((-0.2, 0.2), guesses.items(), ("ngram", "rnn")):
            bar = ax.bar(i + dx, 100 * np.mean((guess == truth)[group]), 0.38, color=COLOR[color], label=name if i == 0 else None)
            ax.bar_label(bar, fmt="%.0f", padding=2, fontsize=12)
    labels = [f"{low}–{high - 1}" if high < 99 else f"{low} +" for low, high in zip(edges, edges[1:])]
    ax.set_xticks(range(len(labels)), labels=labels)
    ax.set(xlabel="length of the name (characters)", ylabel="test accuracy (%)", ylim=(0, 118))
    ax.legend(ncols=2, loc="upper left")
    ax.grid(axis="x", visible=False)
    return fig

# %% tags=["output-only"]
show(plot_by_length(), "Up to 13 letters both gain from longer names; beyond, counting stays good and the RNN falls behind.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
n = tensors["test"][1].numpy()
gap = {name: (bayes_right[group].mean() - rnn_right[group].mean()) for name, group in (("short", n < 14), ("long", n >= 14))}
print("the gap is larger for names of 14 characters or more:", gap["long"] > gap["short"])

# %% [markdown] slideshow={"slide_type": "notes"}
# A long name gives more evidence. What does the network do with it? Collect guesses before the next slide.
# %% [markdown] slideshow={"slide_type": "slide"}
# ### What do they use of a long name?
#
# Give both trained models only a part of each long name (14 letters or more):

# %%
long = [pair for pair in names.test if len(pair[0]) >= 14]
cut = {
    "the whole name": lambda name: name,
    "its last 10 letters": lambda name: name[-10:],
    "its first 10 letters": lambda name: name[:10],
}
answers = {}
for what, part_of in cut.items():
    pairs = [(part_of(name), language) for name, language in long]
    x, length, y = to_tensors(pairs, character_number, LANGUAGES)
    answers[what] = name_rnn(x, length).argmax(dim=1)
    right = (answers[what] == y).float().mean()
    same = (answers[what] == answers["the whole name"]).float().mean()
    print(f"{what:21} naïve Bayes right {bayes.score(*marked(pairs)):.0%}", end="")
    print(f"   RNN right {right:.0%}, same answer {same:.0%}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
whole, end, beginning = answers.values()
end_decides = (end == whole).sum() > (beginning == whole).sum()
print("the RNN's answer depends more on the end than on the beginning:", end_decides.item())

# %% [markdown] slideshow={"slide_type": "notes"}
# Same answer: as for the whole name. The end decides most, the beginning not nothing. Only a quarter of the training names are that long, so this does not prove forgetting; notebook 4 measures it, notebook 5 does something about it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which languages are confused?
#
# Each row shows where the test names of one language end up.

# %% slideshow={"slide_type": "skip"}
def confusion(guess):
    """Shares (24, 24): how often names of a language (row) are taken for each language (column)."""
    table = np.zeros((len(LANGUAGES), len(LANGUAGES)))
    np.add.at(table, (truth, guess), 1)
    return table / table.sum(axis=1, keepdims=True)


def plot_confusion(guess):
    """Draw the confusions of the test names as a matrix."""
    fig, ax = plt.subplots(figsize=(8.6, 4.1))
    image = ax.imshow(100 * confusion(guess), aspect="auto", cmap="viridis", vmin=0, vmax=100)
    ax.set_yticks(range(len(LANGUAGES)), labels=LANGUAGES, fontsize=10)
    ax.set_xticks(range(len(LANGUAGES)), labels=[])
    ax.set(xlabel="predicted, in the same order", ylabel="true")
    ax.grid(False)
    fig.colorbar(image, label="share of the row (%)", shrink=0.8)
    return fig

# %% tags=["topic-B4a", "output-only"]
show(plot_confusion(guesses["RNN"]), "Most names land on the diagonal; the next slide lists the brightest spots beside it.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Look for the bright spots off the diagonal before the next cell lists them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The five largest confusions
#
# In per cent of all names of the true language:

# %%
table = confusion(guesses["RNN"])
np.fill_diagonal(table, 0)
for cell in np.argsort(-table, axis=None)[:5]:
    true, guess = np.unravel_index(cell, table.shape)
    print(f"{LANGUAGES[true]:11} taken for {LANGUAGES[guess]:11} {table[true, guess]:.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask which pairs the room expects: Dutch and German, Estonian and Finnish, Latvian and Lithuanian. They change a little with the random start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The prediction, letter by letter
#
# The output layer can be asked after each letter, although it was trained on the last state only.

# %% slideshow={"slide_type": "skip"}
def plot_name(name, best=5):
    """Draw how the probabilities of the finally likeliest languages develop while a name is read."""
    x, _, _ = to_tensors([(name or " ", LANGUAGES[0])], character_number, LANGUAGES)
    with torch.no_grad():
        states, _ = name_rnn.rnn(name_rnn.C(x))
        p = torch.softmax(name_rnn.output_layer(states[0]), dim=1)  # (T, 24)
    fig, ax = plt.subplots(figsize=(8.6, 3.1))
    for rank, language in enumerate(p[-1].argsort(descending=True)[:best].tolist()):
        ax.plot(range(len(p)), p[:, language], "o-", color=plt.cm.viridis(0.2 * rank), label=LANGUAGES[language])
    seen = [c if c in character_number else "?" for c in name or " "]  # ? was never seen in training
    ax.set_xticks(range(len(p)), labels="".join(seen).replace(" ", "␣"))
    ax.set(xlabel="characters read so far (?: never seen in training)", ylabel="probability", ylim=(0, 1.02))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% tags=["output-only"]
show(plot_name("Frankreich"), "A test name, German for France: the answer changes with each letter, and only the last one counts.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The decoder can be asked after each letter: N to N for free. Watch the answer jump at telling letters. Here the network ends up wrong, and sure of itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Try your own names
#
# Type the name of a country, real or invented, and press Enter. Which letters give a language away?

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(name=Text("Mordorország", description="name", continuous_update=False))
def guess_language(name):
    """Draw the prediction while the name changes."""
    name = normalize("NFC", name)  # á in one character, as in training, not a and an accent
    show(plot_name(name[:30]), f"What the network makes of “{name[:30]}”." if name else "Type a name.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Invented countries are fun: Narnijos, Atlantyda, Tiếng Yoda, La Comarca. The network has never heard of any of them. Live only; press Enter after typing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## N → N: a language model
#
# A corpus becomes one stream of word numbers, EOS after each sentence; the EOS before a sentence serves as its BOS. The stream is cut into $B$ rows and windows of $T$ steps.
#
# ![A stream of 16 tokens in two rows, each read in windows of four: the state at the end of a window starts the next one (dashed), its value kept and its gradient cut.](../figures/carried_state.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# Row b of a window continues row b of the window before: only therefore may the state be carried on. Detaching keeps the value and cuts the gradient; setting the state to zero would throw the context away.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Streams and windows
#
# The corpus is one row of word numbers, its *stream*. Cut into windows, a stream that just counts shows: is each target its input's successor, and does each row go on where it stopped?

# %% tags=["export"] slideshow={"slide_type": "skip"}
def stream(corpus, number):
    """The corpus as one row of word numbers (N,): EOS first, and after each sentence."""
    tokens = [EOS] + [token for sentence in corpus for token in (*sentence, EOS)]
    return torch.tensor([number[token] for token in tokens])

# %% tags=["export"]
def stream_batches(ids, B, T):
    """Yield inputs and targets (B, T) each; row b of a window continues row b of the one before."""
    N = (len(ids) - 1) // B
    if N < 1:
        raise ValueError(f"{len(ids)} tokens are too few for {B} rows: take fewer rows, or a longer text")
    x, y = ids[: B * N].view(B, N), ids[1 : B * N + 1].view(B, N)
    for t in range(0, N, T):
        yield x[:, t : t + T], y[:, t : t + T]

# %%
for x, y in stream_batches(torch.arange(17), B=2, T=4):
    print(f"x {x.tolist()}   y {y.tolist()}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Check both conditions with the numbers: each target is its input's successor, and rows continue from window to window.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The model
#
# Table, cell and output layer once more; this time the state goes in and comes out, too.

# %%
class RNNLM(nn.Module):
    """Word numbers (B, T) and a state give scores (B, T, V) and the next state."""

    def __init__(self, V, E, H):
        super().__init__()
        self.C, self.rnn = nn.Embedding(V, E), nn.RNN(E, H, batch_first=True)
        self.output_layer = nn.Linear(H, V)
        nn.init.normal_(self.C.weight, std=0.1)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)

    def forward(self, x, h=None):
        states, h = self.rnn(self.C(x), h)
        return self.output_layer(states), h

# %%
scores, h = RNNLM(V=45, E=16, H=64)(torch.zeros(2, 4, dtype=int))
print("scores", tuple(scores.shape), "  state", tuple(h.shape))

# %% [markdown] slideshow={"slide_type": "notes"}
# The state is returned, so that the next window can start from it. Orthogonal weights from state to state keep sizes; notebook 4 explains why that helps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training with a carried state
#
# `detach` keeps the state's value, and cuts the gradient where the window begins.

# %%
def train_lm(model, ids, B, T, epochs, lr, weight_decay, betas=(0.9, 0.99)):
    """Fit a language model to a stream, the state carried from window to window without its gradient."""
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=betas, weight_decay=weight_decay, fused=True
    )
    steps = epochs * math.ceil((len(ids) - 1) // B / T)
    schedule = lr_schedule(optimizer, lr, steps)
    for _ in range(epochs):
        h = None
        for x, y in stream_batches(ids, B, T):
            scores, h = model(x, h)
            h = h.detach()
            optimizer.zero_grad()
            cross_entropy(scores.flatten(0, 1), y.flatten()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model

# %% [markdown] slideshow={"slide_type": "notes"}
# Point at h.detach: without it, the second backward would run into a graph that is gone.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The grammar: near the floor
#
# Against Kneser–Ney, and notebook 2's window model with as many parameters. Sentences are independent here, so carrying the state over brings no advantage: the RNN must even learn to forget.

# %%
grammar = load_grammar("english")
sampled = grammar.sample(12_000, seed=0)
toy = replace_rare({"train": sampled[:10_000], "test": sampled[11_000:]}, min_count=1)
toy_words = [*sorted(vocabulary(toy["train"])), BOS]
toy_number = {word: number for number, word in enumerate(toy_words)}
len(stream(toy["train"], toy_number))

# %% [markdown] slideshow={"slide_type": "notes"}
# The stream of the test sentences is read from beginning to end by one state, as in training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three seeds each
#
# Random initial weights and, for the window model, random batches differ; data and hyperparameters do not.

# %% tags=["export"]
def stream_perplexity(model, ids):
    """Perplexity per token of a stream, read from beginning to end."""
    with torch.no_grad():
        scores, _ = model(ids[None, :-1])
        return math.exp(cross_entropy(scores[0], ids[1:]))

# %%
SEEDS = (0, 1, 2)
rnns, nets, results = [], [], defaultdict(list)
toy_stream, toy_windows = stream(toy["train"], toy_number), windows(toy["train"], 6, toy_number)
for seed in SEEDS:
    torch.manual_seed(seed)
    rnns.append(train_lm(RNNLM(45, 16, 64), toy_stream, 64, 16, 4, lr=0.02, weight_decay=0.01))
    results["RNN"].append(stream_perplexity(rnns[-1], stream(toy["test"], toy_number)))
    torch.manual_seed(seed)
    nets.append(train(window_model(45, 16, 64, 6), *toy_windows, 512, 4, lr=0.02, weight_decay=0.01))
    log_p = log_probs(nets[-1], *windows(toy["test"], 6, toy_number))
    results["window, n = 6"].append(math.exp(-log_p.mean()))

# %% [markdown] slideshow={"slide_type": "notes"}
# As many parameters, the same tokens seen the same number of times (the RNN in half as many steps), three seeds each.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The table
#
# Perplexity per token, mean and standard deviation over three seeds. Nobody can expect to beat the true model, here scored on the same sentences:

# %% tags=["output-only"]
counts = count_ngrams(toy["train"], 5)
toy_kn = kneser_ney(counts, 5, estimate_discount(counts))
print("grammar, test perplexity per token\n")
print(f"uniform            {45:6.2f}")
print(f"Kneser–Ney, n = 5  {perplexity(toy_kn, toy['test']):6.2f}")
for name, model in {"window, n = 6": nets[0], "RNN": rnns[0]}.items():
    values = results[name]
    print(f"{name:18} {np.mean(values):6.2f} ± {np.std(values, ddof=1):.2f}   {parameter_count(model):,} parameters")
floor = grammar.perplexity(toy["test"])
print(f"true model         {floor:6.2f}   in expectation {grammar.optimal_perplexity():.2f}")

# %% tags=["nbval-check-output"]
worst, best = max(results["RNN"]), min(results["window, n = 6"])
print("the worst RNN beats the best window model:", worst < best)
print("and stays within 5 % of the true model:   ", worst < 1.05 * floor)

# %% [markdown] slideshow={"slide_type": "notes"}
# From 8.1 by counting to 6.1, three per cent above the true model. What is left is data: the true model knows the rules, the network has seen ten thousand sentences.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Over the cliff
#
# Notebook 2's test: push the verb away from its subject, a noun of the other number between them (a clause at distance 7). The RNN has read one sentence before, as in training.

# %% slideshow={"slide_type": "skip"}
verbs = verbs_of(grammar)

# %% [markdown] slideshow={"slide_type": "skip"}
# All models as functions $p(w \mid h)$, as in notebook 1:

# %% slideshow={"slide_type": "skip"}
def as_function(model, number, before=()):
    """A recurrent language model as p(word, history) of a sentence, which comes after these sentences."""
    start = [EOS] + [token for sentence in before for token in (*sentence, EOS)]

    @cache
    def distribution(*history):
        ids = torch.tensor([[number[token] for token in (*start, *history)]])
        with torch.no_grad():
            return torch.softmax(model(ids)[0][0, -1], dim=0)

    return lambda word, history: distribution(*history)[number[word]].item()

# %% [markdown] slideshow={"slide_type": "skip"}
# The plot:

# %% slideshow={"slide_type": "skip"}
def plot_cliff():
    """Draw the agreement of each model against the distance of the subject."""
    fig, ax = plt.subplots()
    for (name, shares), mark, color in zip(cliff.items(), ("o-", "s-.", "^:"), ("rnn", "window", "ngram")):
        ax.plot(distances, shares, mark, color=COLOR[color], label=name)
    ax.axhline(0.5, color=COLOR["baseline"], lw=1)
    ax.annotate("a coin", (distances[-1] + 0.4, 0.5), va="bottom", ha="right", color=COLOR["baseline"])
    ax.set(xlabel="distance from subject to verb (tokens)", ylabel="right number, share of $p$", xticks=distances)
    ax.set(ylim=(-0.03, 1.05), xlim=(0.8, distances[-1] + 0.5))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 0.02))
    return fig

# %% slideshow={"slide_type": "skip"}
distances = [between + 1 for between in BETWEEN]
models = {
    "RNN": [as_function(net, toy_number, toy["test"][:1]) for net in rnns],
    "window, n = 6": [window_function(net, 6, toy_number) for net in nets],
    "Kneser–Ney, n = 5": [toy_kn],
}
cliff = {
    name: np.mean([[agreement(p, verbs, distance) for distance in distances] for p in starts], axis=0)
    for name, starts in models.items()
}

# %% [markdown] slideshow={"slide_type": "skip"}
# Means of three seeds of each network:

# %% tags=["topic-C1", "output-only"]
show(plot_cliff(), "The window model falls where its window ends; the state of the RNN still knows the subject.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("at every distance the RNN puts more than 60 % on the right number:", min(cliff["RNN"]) > 0.6)
print("the window model falls below a coin:", min(cliff["window, n = 6"]) < 0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Means of three seeds. No window, no cliff. That does not mean that the RNN remembers for ever: notebook 4 measures how its memory fades.
# %% [markdown] slideshow={"slide_type": "slide"}
# ### A state that training hardly ever showed
#
# With a carried state, next to no sentence of the training text began at $h = 0$. Start there, and the three networks are less sure:

# %%
for net in rnns:
    usual, cold = as_function(net, toy_number, toy["test"][:1]), as_function(net, toy_number)
    shares = [agreement(p, verbs, distance) for distance in (1, 7) for p in (usual, cold)]
    print("distance 1: {:.2f}, from zero {:.2f}    distance 7: {:.2f}, from zero {:.2f}".format(*shares))

# %% [markdown] slideshow={"slide_type": "notes"}
# A small lesson in testing as one has trained: give such a model a sentence to read first. Or begin some training texts at zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Watch it read
#
# Left, the state after each word, one column a step; right, what the RNN expects next. One sentence was read before.

# %% slideshow={"slide_type": "skip"}
def plot_reading(sentence, t, best=8):
    """Draw the states after the first t words of a sentence, and the likeliest next words."""
    before = stream(toy["test"][:1], toy_number)[None, :-1]
    ids = torch.tensor([[toy_number[token] for token in (EOS, *sentence[:t])]])
    with torch.no_grad():
        _, h = rnns[0](before)
        states, _ = rnns[0].rnn(rnns[0].C(ids), h)
        p = torch.softmax(rnns[0].output_layer(states[0, -1]), dim=0)
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8), width_ratios=(3, 2))
    strip = np.full((64, len(sentence) + 1), np.nan)
    strip[:, : t + 1] = states[0].T
    image = left.imshow(strip, aspect="auto", cmap="PuOr", vmin=-1, vmax=1, interpolation="nearest")
    left.set_xticks(range(len(sentence) + 1), labels=["EOS", *sentence], rotation=45, ha="right")
    left.set(ylabel="unit of the state", yticks=(0, 63))
    left.grid(False)
    fig.colorbar(image, ax=left, label="$h$", shrink=0.8)
    likeliest = p.argsort(descending=True)[:best].tolist()[::-1]
    right.barh([toy_words[w].replace(EOS, "(end)") for w in likeliest], p[likeliest], color=COLOR["rnn"])
    right.set(xlabel=r"$\hat y$", xlim=(0, 1), title="next word")
    right.grid(axis="y", visible=False)
    return fig


def plural_share(history):
    """The share of the verbs' probability that the RNN puts on plural verbs after a history."""
    mass = {plural: sum(models["RNN"][0](verb, history) for verb in verbs[plural]) for plural in verbs}
    return mass[True] / (mass[True] + mass[False])


sentence = "the cats that the young dog sees follow some poets".split()

# %% tags=["topic-C1", "output-only"]
show(plot_reading(sentence, t=7), f"After “… sees”, {plural_share(sentence[:7]):.0%} of the verbs’ probability is on plural ones: the subject is remembered.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Many units follow the last word, some keep their colour over many steps. Which ones hold the plural? Notebook 5 finds such units.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step by step
#
# Move through the sentence: which words change the prediction, and which units remember?

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(t=IntSlider(3, min=0, max=len(sentence), description="words", continuous_update=False))
def read(t):
    """Show state and prediction after t words."""
    show(plot_reading(sentence, t), f"Read: {' '.join(sentence[:t]) or 'nothing yet'}.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Stop after "that": both a verb and a determiner are possible. Stop after "dog": a singular verb must come. After "sees": a plural one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Context decides, but only once it is read
#
# ![Read from left to right, "Apple is good for health" and "Apple is a billion dollar company" have equal states after Apple and after is; from the third word on they differ.](../figures/apple_states.svg)
#
# Which Apple is it? The state at *Apple* cannot know: the same cell has read the same words.

# %% [markdown] slideshow={"slide_type": "notes"}
# Some lecture slides suggest that the RNN resolves the ambiguity at the word itself. It cannot; only later states differ, or a chain that reads from the right: notebook 6.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Identical, bit by bit
#
# With random weights: no training is needed for this.

# %% tags=["topic-B8", "nbval-check-output"]
fruit, company = "Apple is good for health".split(), "Apple is a billion dollar company".split()
known = sorted({*fruit, *company})
torch.manual_seed(0)
C, cell = nn.Embedding(len(known), 16), nn.RNN(16, 32, batch_first=True)
cell_weights = [cell.weight_ih_l0.T, cell.weight_hh_l0.T, cell.bias_ih_l0 + cell.bias_hh_l0]
with torch.no_grad():
    vectors = [C(torch.tensor([[known.index(w) for w in words]])) for words in (fruit, company)]
    of_fruit, of_company = (rnn(x, torch.zeros(1, 32), *cell_weights)[0][0] for x in vectors)
print("equal after Apple, bit by bit:   ", torch.equal(of_fruit[0], of_company[0]))
print("equal after Apple is, bit by bit:", torch.equal(of_fruit[1], of_company[1]))
print("equal after the third word:      ", torch.allclose(of_fruit[2], of_company[2]))

# %% slideshow={"slide_type": "skip"}
def plot_difference():
    """Draw how far apart the two sentences' states are after each word."""
    apart = (of_fruit - of_company[:5]).norm(dim=1)
    fig, ax = plt.subplots(figsize=(8.6, 2.8))
    ax.bar(range(5), apart, color=COLOR["state"], width=0.5)
    ax.set_xticks(range(5), labels=[a if a == b else f"{a} / {b}" for a, b in zip(fruit, company)])
    ax.set(ylabel="distance of the states", xlabel="last word read")
    ax.grid(axis="x", visible=False)
    return fig

# %% [markdown] slideshow={"slide_type": "notes"}
# The weights are random: the statement holds for every left-to-right network, trained or not, with gates or without, as long as dropout is off.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where the difference enters
#
# The distance between the two sentences' states, word by word:

# %% tags=["topic-B8", "output-only"]
show(plot_difference(), "Exactly zero until the first word that differs has been read.")

# %% [markdown] slideshow={"slide_type": "notes"}
# A tagger that must decide at Apple needs the words to the right: either wait, or read backwards as well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Real text
#
# The prose of notebook 1, one pass. First the RNN as it was trained on the grammar; it reads on across sentences, and its gradient is cut every eight steps.

# %%
prose = replace_rare(load_prose(seed=0)._asdict(), min_count=2)
prose_words = [*sorted(vocabulary(prose["train"])), BOS]
prose_number = {word: number for number, word in enumerate(prose_words)}
prose_train, prose_test = (stream(prose[part], prose_number) for part in ("train", "test"))
V = len(prose_words) - 1

torch.manual_seed(0)
prose_rnn = RNNLM(V, E=64, H=32)
train_lm(prose_rnn, prose_train, B=16, T=8, epochs=1, lr=0.015, weight_decay=0.3)
counts = count_ngrams(prose["train"], 5)
of_kn = perplexity(kneser_ney(counts, 5, estimate_discount(counts)), prose["test"])
of_rnn = stream_perplexity(prose_rnn, prose_test)
print(f"prose, test perplexity: uniform {V}, Kneser–Ney (n = 5) {of_kn:.0f}, RNN {of_rnn:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# While it trains: the RNN reads sentence after sentence without a break, so its state may know what the page was about. Mikolov and colleagues made such models popular in 2010.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is the state to blame?
#
# It is tempting to say that the state does not hold enough. But a cell never comes alone. Change three things around it and leave the cell as it is: a **LayerNorm** before the output layer, an output **bias** that starts with the log of the words' frequencies, and an optimiser without momentum ($\beta_1 = 0$). And give the same to a rival *without* a state, the window of four words, on the same stream:

# %%
def normed(layer, ids):
    """An output layer behind a LayerNorm, its bias the log of the words' frequencies in a stream (each counted once more)."""
    counts = torch.bincount(ids[1:], minlength=layer.out_features) + 1
    layer.bias.data = torch.log(counts / counts.sum())
    return nn.Sequential(nn.LayerNorm(layer.in_features), layer)

# %% slideshow={"slide_type": "skip"}
class OnStream(nn.Module):
    """A window model that reads a stream as RNNLM does; what it carries on (B, n - 2) is nothing but the last words."""

    def __init__(self, net, n):
        super().__init__()
        self.net, self.n = net, n

    def forward(self, x, before=None):
        before = x.new_full((len(x), self.n - 2), prose_number[EOS]) if before is None else before
        words = torch.cat([before, x], dim=1)
        contexts = words.unfold(1, self.n - 1, 1)  # (B, T, n - 1)
        return self.net(contexts.flatten(0, 1)).unflatten(0, x.shape), words[:, x.shape[1] :]


prose_results, prose_models = defaultdict(list), {}
for seed in SEEDS:
    torch.manual_seed(seed)
    prose_models = {"RNN": RNNLM(V, E=64, H=32), "window, n = 5": OnStream(window_model(V, 64, 32, 5), 5)}
    prose_models["RNN"].output_layer = normed(prose_models["RNN"].output_layer, prose_train)
    prose_models["window, n = 5"].net[-1] = normed(prose_models["window, n = 5"].net[-1], prose_train)
    for name, model in prose_models.items():
        train_lm(model, prose_train, B=32, T=8, epochs=1, lr=0.015, weight_decay=0.05, betas=(0.0, 0.999))
        prose_results[name].append(stream_perplexity(model, prose_test))

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 5 uses the same three. The learning rate was chosen among 0.01, 0.015 and 0.03 for each model, on validation text and another seed; 0.015 was best for both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Prose: the state is not to blame
#
# Test perplexity after one pass; mean and standard deviation over three seeds:

# %% tags=["output-only"]
print(f"{'RNN, as before':30} {of_rnn:4.0f}         {parameter_count(prose_rnn):,} parameters")
for name, values in prose_results.items():
    mean, sd = np.mean(values), np.std(values, ddof=1)
    print(f"{name + ', with all three':30} {mean:4.0f} ± {sd:.1f}   {parameter_count(prose_models[name]):,} parameters")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
of_state, of_window = prose_results.values()
print("the same cell, 10 % better for each seed:         ", max(of_state) < 0.9 * of_rnn)
print("RNN and window are within 4 % of each other:      ", abs(np.mean(of_state) / np.mean(of_window) - 1) < 0.04)

# %% [markdown]
# Most of the RNN's gap was never the cell's. Treated alike, a state that could hold everything is level with a window that holds four words. So perplexity on prose does not tell how far back a network remembers: near words say too much. Does the state hold more, and can training reach it? That takes a task in which nothing but memory helps: notebook 4.

# %% [markdown] slideshow={"slide_type": "notes"}
# The moral for papers, too: when a cell wins, ask what else was changed. `make bench` trains both for longer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The price: one step after the other
#
# A window model treats all positions at once. An RNN must wait for each state. How fast is training, forwards and backwards, relative to the window model?

# %%
def training_speed(forward, tokens, repeats=10):
    """Tokens per second, forwards and backwards: the best of some repeats."""
    seconds = []
    for _ in range(repeats + 1):  # one to warm up
        start = time.perf_counter()
        forward().sum().backward()
        seconds.append(time.perf_counter() - start)
    return tokens / min(seconds)


# %% [markdown] slideshow={"slide_type": "notes"}
# The best of some repeats, because other programs can only slow a measurement down. Both models without output layer, which costs the same for both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Relative to the window model
#
# 1 would be as fast as the window model's layer on as many tokens:

# %%
def relative_speeds(T, B=8, E=64, H=64):
    """Training speed of our loop and of torch.nn.RNN, relative to the window model's layer."""
    x, four_words = torch.randn(B, T, E), torch.randn(B * T, 4 * E)
    layer, fused = nn.Sequential(nn.Linear(4 * E, H), nn.Tanh()), nn.RNN(E, H, batch_first=True)
    cell = [torch.randn(shape, requires_grad=True) for shape in ((E, H), (H, H), (H,))]
    window = training_speed(lambda: layer(four_words), B * T)
    ours = training_speed(lambda: rnn(x, torch.zeros(B, H), *cell)[0], B * T)
    return ours / window, training_speed(lambda: fused(x)[0], B * T) / window

# %% tags=["topic-C5", "volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ from machine to machine"
print("training speed relative to the window model\n   T   our loop   torch.nn.RNN")
for T in (4, 16, 64, 256):
    print("{:4} {:9.3f} {:12.3f}".format(T, *relative_speeds(T)))

# %% [markdown] slideshow={"slide_type": "notes"}
# torch.nn.RNN computes x W_xh for all steps in one product, but on a CPU it still walks step by step, and gains little over our loop. Longer sequences make both worse: the window model gains from larger products, the RNN does the same small product T times. On a GPU the gap is far larger.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - A cell in a few lines, equal to PyTorch's in outputs and all gradients, and a nose for its classic bugs: no tanh, a double shift, a state that has read padding.
# - A training walk by hand, from the likelihood to Adam, and the same with `torch.nn`.
# - A language model within a few per cent of the grammar's floor, without a window and without a cliff.
# - Two open questions: why counting still wins on long names and after one pass over prose, and what to do about the waiting.
#
# **Next:** notebook 4 sets a task that only memory can solve, follows the gradient back through time, and finds out why the plain RNN forgets.

# %% [markdown] slideshow={"slide_type": "notes"}
# Keep three pictures: the unrolled chain, the cliff that is gone, and the accuracy on long names. The last one leads to the next lecture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - J. L. Elman: *Finding structure in time.* Cognitive Science 14, 1990.
# - M. I. Jordan: *Serial order: a parallel distributed processing approach.* ICS Report 8604, University of California, San Diego, 1986.
# - P. J. Werbos: *Backpropagation through time: what it does and how to do it.* Proceedings of the IEEE 78, 1990.
# - T. Mikolov, M. Karafiát, L. Burget, J. Černocký, S. Khudanpur: *Recurrent neural network based language model.* Interspeech 2010.
# - D. P. Kingma, J. Ba: *Adam: a method for stochastic optimization.* ICLR 2015.
# - I. Loshchilov, F. Hutter: *Decoupled weight decay regularization.* ICLR 2019.

# %% [markdown] slideshow={"slide_type": "notes"}
# Elman's paper is short and readable; it predicts letters and words.
