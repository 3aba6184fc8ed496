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
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 5 · What do gates change?
#
# > A plain cell writes its whole state anew at every step. A cell with gates decides what to keep, what to forget, what to write, and what to show.
#
# **You will** build LSTM and GRU and prove them equal to PyTorch's, translate between conventions, measure which cell is better at what, and find a unit that counts.<br>
# **You need** notebook 3 (the plain cell, training) and notebook 4 (gradients through time).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# One question for the whole lecture: what changes when the cell itself may decide what it keeps? Put it on the board.

# %% slideshow={"slide_type": "skip"}
import copy
import math
import time
import warnings
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, Text, interact
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import load_grammar, load_names, load_prose

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_t$, $h_t$ | `x_t`, `h` | `(B, E)`, `(B, H)` | input at step $t$, state after it; $h_0 = 0$ |
# | $c_t$ | `c` | `(B, H)` | cell state of an LSTM after step $t$; $c_0 = 0$ |
# | $[x_t; h_{t-1}]$ | `xh` | `(B, E + H)` | input and state side by side |
# | $f_t, i_t, o_t$ | `f`, `i`, `o` | `(B, H)` | forget, input and output gate, between 0 and 1 |
# | $g_t$ | `g` | `(B, H)` | candidate: what could be written, between −1 and 1 |
# | $W_f, b_f$, … | `W_f`, `b_f`, … | `(E + H, H)`, `(H,)` | weights of each gate, the same at all steps |
# | $u_t, r_t, \tilde h_t$ | `u`, `r`, `candidate` | `(B, H)` | update gate, reset gate and candidate of a GRU |
# | $z_t$ | `z` | `(B, H)` | the update gate in other conventions: $1 - u_t$ |
# | $\sigma$, $\odot$ | `torch.sigmoid`, `*` | | $\sigma(a) = 1 / (1 + e^{-a})$; product entry by entry |

# %% [markdown] slideshow={"slide_type": "notes"}
# Two kinds of letters: gates are shares between 0 and 1, candidates are contents between minus 1 and 1. Rows and batch first, as always.

# %% slideshow={"slide_type": "skip"}
# Derived in notebooks 1 (counting), 2 (the window model, the schedule) and 3 (batches, streams):
from course_utils.taught.fixed_window_lm import log_probs, lr_schedule, train, window_model, windows
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
from course_utils.taught.vanilla_rnn import name_batches, parameter_count, stream, stream_batches, stream_perplexity

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A memory with two switches
#
# Multiply the old memory by one number, what could be written by another, and add. With switches that are on (1) or off (0), four things can happen:

# %% tags=["topic-E1", "nbval-check-output"]
def remember(c, f, i, g):
    """The next memory: switch f is for the old memory c, switch i for the new content g."""
    return f * c + i * g


for f, i, what in ((1, 0, "keep"), (0, 1, "overwrite"), (1, 1, "add up"), (0, 0, "clear")):
    print(f"f = {f}, i = {i}   memory 3 → {remember(3, f, i, g=5)}   {what}")

# %% [markdown]
# The plain cell of notebook 3 has no such choice: at every step its whole state goes through $W_{hh}$ and tanh. **Predict:** with which setting can a memory count?

# %% [markdown] slideshow={"slide_type": "notes"}
# Counting needs both switches on: keep the old number and add one. Keep this slide in mind for the last section, where a trained network does just that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Gates: switches that a network can set
#
# A **gate** is a row of numbers in (0, 1), one for each unit of the memory, computed from what is there: the input and the old state. It is smooth, so training can learn when to open it.
#
# | gate | its question | 0 | 1 |
# |---|---|---|---|
# | forget $f_t$ | how much of the old memory stays? | nothing | all |
# | input $i_t$ | how much of the candidate is written? | nothing | all |
# | output $o_t$ | how much of the memory is shown? | nothing | all |
#
# The **candidate** $g_t$, in (−1, 1), is what could be written. The memory $c_t$ stays inside; what the rest of the network sees is the state $h_t$, the memory squashed into (−1, 1) and let through by the output gate.

# %% [markdown] slideshow={"slide_type": "notes"}
# An open forget gate keeps: it might better be called keep gate. Hochreiter and Schmidhuber spoke of multiplicative gate units.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · One step, from its gates
#
# From the memory `c` (H,) and four rows (H,), the **pre-activations** of forget gate, input gate, candidate and output gate (the numbers *before* they are squashed), compute the new state and the new memory. **Predict:** how large can a state get, how large a memory?
#
# <details><summary>Answer</summary>A state stays between −1 and 1. A memory can grow by almost 1 at each step: after T steps it lies between −T and T.</details>

# %% tags=["exercise-1-stub"]
def step_from_sums(a_f, a_i, a_g, a_o, c):
    """The new state and the new memory, (H,) each, from four pre-activations (H,) and the old memory (H,)."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_step_from_sums(attempt):
    """Try an attempt on memories of two sizes."""
    rng = np.random.default_rng(1)
    cases = [tuple(np.array([[0.0], [0], [1], [0], [2]])), tuple(rng.normal(size=(5, 3)) * 1.5), tuple(2 * rng.normal(size=(5, 2)))]

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def step(a_f, a_i, a_g, a_o, c, gate=sigmoid, squash=np.tanh, shown=np.tanh, kept=lambda c: c):
        c = kept(gate(a_f) * c + gate(a_i) * squash(a_g))
        return gate(a_o) * shown(c), c

    def f_i_swapped(a_f, a_i, a_g, a_o, c):
        return step(a_i, a_f, a_g, a_o, c)

    return check(
        attempt,
        cases=[(arguments, step(*arguments)) for arguments in cases],
        misconceptions={
            "gates lie between 0 and 1: squash the pre-activations with σ first": lambda *a: step(*a, gate=lambda s: s),
            "gates are shares: squash them with σ; tanh can be negative": lambda *a: step(*a, gate=np.tanh),
            "the candidate lies in (−1, 1): tanh, not σ, or the memory could never be lowered": (
                lambda *a: step(*a, squash=sigmoid)
            ),
            "the candidate is squashed, too, with tanh": lambda *a: step(*a, squash=lambda s: s),
            "the forget gate is for the old memory, the input gate for the candidate": f_i_swapped,
            "an open forget gate (1) keeps: c is multiplied by f, not by 1 − f": (
                lambda a_f, *a: step(-a_f, *a)
            ),
            "what is shown is the squashed memory: tanh(c) goes through the output gate": (
                lambda *a: step(*a, shown=lambda c: c)
            ),
            "squash the memory first, then let the output gate through": (
                lambda *a: (np.tanh(sigmoid(a[3]) * step(*a)[1]), step(*a)[1])
            ),
            "the new memory is shown, not the old one": lambda *a: (sigmoid(a[3]) * np.tanh(a[4]), step(*a)[1]),
            "the state comes first, then the memory": lambda *a: step(*a)[::-1],
            "the output gate is missing": lambda *a: (np.tanh(step(*a)[1]), step(*a)[1]),
            "the memory itself is not squashed: keep f c + i g as it is": lambda *a: step(*a, kept=np.tanh),
            "the output gate changes what is shown, not what is kept": (
                lambda *a: (step(*a)[0], sigmoid(a[3]) * step(*a)[1])
            ),
            "return both: the new state and the new memory": lambda *a: step(*a)[0],
            "the forget gate is missing: this is the cell of 1997": lambda a_f, *a: step(np.inf, *a),
            "the input gate is missing: the candidate is written in full": (
                lambda a_f, a_i, *a: step(a_f, np.inf, *a)
            ),
            "the input gate has a pre-activation of its own: it is not 1 − f": lambda a_f, a_i, *a: step(a_f, -a_f, *a),
            "the sign in σ: 1 / (1 + exp(−a))": lambda *a: step(*a, gate=lambda s: sigmoid(-s)),
            "all four pre-activations are squashed: σ for gates, tanh for the candidate": (
                lambda *a: step(*a, gate=lambda s: s, squash=lambda s: s)
            ),
            "the state is not the memory: it is what the output gate lets through of its tanh": lambda *a: (step(*a)[1], step(*a)[1]),
            "what is kept and what is new are added": (
                lambda a_f, a_i, a_g, a_o, c: (
                    sigmoid(a_o) * np.tanh(new := sigmoid(a_f) * c * sigmoid(a_i) * np.tanh(a_g)), new
                )
            ),
        },
    )


check_step_from_sums(step_from_sums)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def step_from_sums_solution(a_f, a_i, a_g, a_o, c):
    """The new state and the new memory, (H,) each, from four pre-activations (H,) and the old memory (H,)."""
    f, i, o = (1 / (1 + np.exp(-a)) for a in (a_f, a_i, a_o))
    c = f * c + i * np.tanh(a_g)
    return o * np.tanh(c), c


check_step_from_sums(step_from_sums_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The next four slides are the answer in slow motion. Let the students keep their own version beside them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## LSTM in four steps · 1. Forget
#
# ![LSTM cell, first step highlighted: from x_t and h_{t−1} the forget gate f_t is computed; it multiplies the old memory c_{t−1} on its way to c_t.](../figures/lstm_forget.svg)
#
# $$f_t = \sigma([x_t; h_{t-1}]\, W_f + b_f)$$

# %% slideshow={"slide_type": "skip"}
def new_lstm(E, H):
    """W_f, W_i, W_g, W_o (E + H, H) and b_f, b_i, b_g, b_o (H,), random within ±1/√H as in PyTorch."""
    shapes = 4 * [(E + H, H)] + 4 * [(H,)]
    return [(2 * torch.rand(shape).double() - 1) * H**-0.5 for shape in shapes]


W_f, W_i, W_g, W_o, b_f, b_i, b_g, b_o = new_lstm(E=2, H=3)
x_t, h, c = (torch.randn(shape).double() for shape in ((1, 2), (1, 3), (1, 3)))

# %% tags=["topic-E1"]
xh = torch.cat([x_t, h], dim=1)
f = torch.sigmoid(xh @ W_f + b_f)
f.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# A random cell with two inputs and three units, so that each step shows three numbers. Read: which unit keeps most of its memory?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### 2. Select
#
# ![LSTM cell, second step highlighted: the input gate i_t and the candidate g_t are computed from x_t and h_{t−1} and multiplied with each other.](../figures/lstm_select.svg)
#
# $$i_t = \sigma([x_t; h_{t-1}]\, W_i + b_i) \qquad g_t = \tanh([x_t; h_{t-1}]\, W_g + b_g)$$

# %% tags=["topic-E1"]
i, g = torch.sigmoid(xh @ W_i + b_i), torch.tanh(xh @ W_g + b_g)
i.numpy().round(2), g.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two layers for one job: g says what, i says whether. The candidate may be negative, the gate may not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### 3. Update
#
# ![LSTM cell, third step highlighted: the old memory times f_t plus i_t times g_t is the new memory c_t, along a straight line through the cell.](../figures/lstm_update.svg)
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$

# %% tags=["topic-E1"]
c_new = f * c + i * g
c.numpy().round(2), c_new.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# The heart: a sum, entry by entry. No matrix and no tanh lie on the way from the old memory to the new one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### 4. Output
#
# ![LSTM cell, fourth step highlighted: the output gate o_t multiplies tanh of the new memory; the product is the new state h_t, which goes on and up.](../figures/lstm_output.svg)
#
# $$o_t = \sigma([x_t; h_{t-1}]\, W_o + b_o) \qquad h_t = o_t \odot \tanh(c_t)$$

# %% tags=["topic-E1"]
o = torch.sigmoid(xh @ W_o + b_o)
h_new = o * torch.tanh(c_new)
h_new.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# A unit can hold something for many steps without showing it: the output gate is closed, the memory stays.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The step as a function
#
# The four steps, line by line:

# %% tags=["topic-E1"]
def lstm_step(x_t, h, c, weights):
    """One step: input x_t (B, E), state h and cell state c (B, H) give the next state and cell state."""
    W_f, W_i, W_g, W_o, b_f, b_i, b_g, b_o = weights
    xh = torch.cat([x_t, h], dim=1)  # (B, E + H)
    f = torch.sigmoid(xh @ W_f + b_f)
    i = torch.sigmoid(xh @ W_i + b_i)
    g = torch.tanh(xh @ W_g + b_g)
    o = torch.sigmoid(xh @ W_o + b_o)
    c = f * c + i * g
    return o * torch.tanh(c), c

# %% tags=["nbval-check-output"]
weights = [W_f, W_i, W_g, W_o, b_f, b_i, b_g, b_o]
by_hand = torch.cat([h_new, c_new])
print("equal to the four slides:", torch.equal(torch.cat(lstm_step(x_t, h, c, weights)), by_hand))

# %% [markdown] slideshow={"slide_type": "notes"}
# Symbol by symbol the six formulas. The rest of the lecture measures what these lines do.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The [x; h] form: one product
#
# All four pre-activations are products with the same row. Put the four matrices side by side, and multiply once:
#
# $$[a_f, a_i, a_g, a_o] = [x_t; h_{t-1}]\, W + b \qquad W \text{ is } (E + H) \times 4H$$

# %% tags=["topic-E1", "export"]
def lstm_step_fused(x_t, h, c, W, b):
    """lstm_step with one product: W (E + H, 4H) and b (4H,) hold i, f, g, o side by side."""
    i, f, g, o = (torch.cat([x_t, h], dim=1) @ W + b).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def lstm(x, h, c, step, *weights):
    """All states (B, T, H) and the last cell state (B, H), from inputs x (B, T, E), state h and cell state c."""
    states = []
    for x_t in x.unbind(dim=1):
        h, c = step(x_t, h, c, *weights)
        states.append(h)
    return torch.stack(states, dim=1), c

# %% tags=["export"]
def weights_of(lstm, ending="l0"):
    """W (E + H, 4H) and b (4H,) of one layer of a torch.nn.LSTM, in its order i, f, g, o; gradients flow through."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    W_x, W_h, b_x, b_h = (getattr(lstm, f"{name}_{ending}") for name in names)
    return torch.cat([W_x, W_h], dim=1).T, b_x + b_h

# %% [markdown] slideshow={"slide_type": "notes"}
# One large product is faster than four small ones; libraries do the same. The loop over time is that of notebook 3, with two things carried along instead of one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### As `torch.nn.LSTM` stores it
#
# The order is i, f, g, o; inputs and states have matrices of their own, transposed; there are two biases, of which the sum counts.

# %%
def to_torch(W, b):
    """A torch.nn.LSTM in float64 with our weights, W (E + H, 4H) and b (4H,) in the order f, i, g, o."""
    H = len(b) // 4
    f, i, g, o = torch.cat([W, b[None]]).chunk(4, dim=1)
    table = torch.cat([i, f, g, o], dim=1)  # (E + H + 1, 4H)
    theirs = nn.LSTM(len(W) - H, H, batch_first=True).double()
    values = table[: -H - 1].T, table[-H - 1 : -1].T, table[-1], torch.zeros(4 * H)
    with torch.no_grad():
        for parameter, value in zip(theirs.parameters(), values):
            parameter.copy_(value)
    return theirs


[(name, tuple(p.shape)) for name, p in nn.LSTM(2, 3).named_parameters()]

# %% [markdown] slideshow={"slide_type": "notes"}
# The four blocks of H rows: input, forget, candidate, output. Whoever sets the forget bias by hand must know this order.

# %% [markdown] slideshow={"slide_type": "skip"}
# One set of weights for three programs; unequal sizes; and an arbitrary $J$ that weighs each entry of the states and of the last memory differently:

# %% slideshow={"slide_type": "skip"}
B, T, E, H = 3, 7, 4, 5
weights = new_lstm(E, H)
tensors = [torch.randn(shape).double() for shape in ((B, T, E), (B, H), (B, H))]  # x, h_0, c_0
tensors += [torch.cat(weights[:4], dim=1), torch.cat(weights[4:])]  # W, b
x, h_0, c_0, W, b = leaves = [a.requires_grad_() for a in tensors]
d_states, d_memory = torch.randn(B, T, H).double(), torch.randn(B, H).double()


def with_gradients(states, memory, leaves):
    """States, last memory, and the gradients of J with respect to the leaves, in one list."""
    J = (states * d_states).sum() + (memory * d_memory).sum()
    return [states, memory, *torch.autograd.grad(J, leaves)]


one_by_one = lstm(x, h_0, c_0, lstm_step, [*W.chunk(4, dim=1), *b.chunk(4)])
four_steps = with_gradients(*one_by_one, leaves)
at_once = with_gradients(*lstm(x, h_0, c_0, lstm_step_fused, W, b), leaves)
[tuple(a.shape) for a in four_steps]

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One set of weights, three programs
#
# $J$ sums up all states and the last memory, each entry weighted differently. `to_torch` moves our gradients, too, to where PyTorch keeps its own.

# %% tags=["topic-E1"]
theirs = to_torch(W, b)
their_states, (_, their_memory) = theirs(x, (h_0[None], c_0[None]))
by_torch = with_gradients(their_states, their_memory, [x, h_0, c_0, *theirs.parameters()])
moved = [[*ours[:5], *to_torch(*ours[5:]).parameters()] for ours in (four_steps, at_once)]
moved = [[*ours[:-1], ours[-2]] for ours in moved]  # only the sum of the two biases counts: equal gradients
len(by_torch)  # states, memory and seven gradients

# %% [markdown] slideshow={"slide_type": "notes"}
# The same test as for the plain cell in notebook 3, with a memory carried along.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Nine comparisons, twice

# %% tags=["topic-E1", "nbval-check-output"]
names = ["states", "last memory", "∂J/∂x", "∂J/∂h_0", "∂J/∂c_0", "∂J/∂W_x", "∂J/∂W_h", "∂J/∂b", "∂J/∂b (2nd)"]
print("equal to 1e-10    four steps = [x; h] form   [x; h] form = torch.nn.LSTM")
for name, *three in zip(names, *moved, by_torch):
    same = [(three[k] - three[k + 1]).abs().max().item() < 1e-10 for k in (0, 1)]
    print(f"{name:17} {same[0]!s:26} {same[1]}")

# %% [markdown] slideshow={"slide_type": "notes"}
# From scratch once, proved equal, and from now on torch.nn.LSTM where speed matters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1997 and 2000
#
# The LSTM of Hochreiter and Schmidhuber (1997) had **no forget gate**: $c_t = c_{t-1} + i_t \odot g_t$. What is written stays for ever. On a stream without end, memories drift away; Gers, Schmidhuber and Cummins (2000) added the gate that can clear them.

# %%
E, H = 4, 32
weights = new_lstm(E, H)
of_1997 = [torch.zeros(E + H, H).double(), *weights[1:4], torch.full((H,), math.inf).double(), *weights[5:]]
stream_of_noise, zero = torch.randn(1, 1000, E).double(), torch.zeros(1, H).double()

# %% tags=["topic-E1", "nbval-check-output"]
print("largest memory after      10     100    1,000 steps")
for name, cell in {"as in 1997, f = 1": of_1997, "with forget gate": weights}.items():
    sizes = [lstm(stream_of_noise[:, :T], zero, zero, lstm_step, cell)[1].abs().max() for T in (10, 100, 1000)]
    print("{:20} {:7.1f} {:7.1f} {:8.1f}".format(name, *sizes))

# %% [markdown] slideshow={"slide_type": "notes"}
# Random weights, random inputs. Without a forget gate the largest memory grows with the length; tanh of it is then 1 or minus 1, whatever comes. Many books draw today's cell and cite 1997: the forget gate came three years later.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The direct path
#
# How does $c_T$ depend on $c_0$, a hundred steps earlier? In the plain cell each step multiplies by a matrix and a slope. Here one path, the **constant error carousel**, goes straight through the sums; along it each unit's memory is multiplied by its forget gates:
#
# $$\frac{\partial c_T}{\partial c_0}\bigg|_{\text{direct}} = \prod_{t=1}^{T} f_t$$
#
# (entry by entry). A gate is $\sigma$ of a pre-activation; let that be just its bias:

# %% tags=["topic-E1", "nbval-check-output"]
for bias in (0, 1, 5):
    f = torch.sigmoid(torch.tensor(bias).double()).item()
    print(f"bias {bias}: f = {f:.4f}, f^100 = {f**100:.2g}")

# %% [markdown] slideshow={"slide_type": "notes"}
# One half to the hundredth is nothing. A forget bias of five keeps half after a hundred steps. So initialisation decides whether there is anything to learn from.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The formula, checked
#
# "Direct" means: the gates count as constants. `reach(…, cut=True)` hands the detached state to the gates, which cuts all other paths. Then autograd must find the product of the gates, and nothing else; $d$ is a random direction that makes one number of $c_T$.

# %% slideshow={"slide_type": "skip"}
def reach(x, weights, cut):
    """∂(d·c_T)/∂c_t (T, B, H) for t = 0 … T − 1; all forget gates (T, B, H); the random direction d (B, H)."""
    H = len(weights[-1])
    h, c = torch.zeros(len(x), H).double(), torch.zeros(len(x), H).double().requires_grad_()
    memories, gates = [], []
    for x_t in x.unbind(dim=1):
        memories.append(c)
        seen = h.detach() if cut else h
        gates.append(torch.sigmoid(torch.cat([x_t, seen], dim=1) @ weights[0] + weights[4]))
        h, c = lstm_step(x_t, seen, c, weights)
    d = nn.functional.normalize(torch.randn(len(x), H, generator=torch.Generator().manual_seed(1))).double()
    return torch.stack(torch.autograd.grad((c * d).sum(), memories)), torch.stack(gates).detach(), d

# %% tags=["topic-E1", "nbval-check-output"]
x = torch.randn(3, 100, 4).double()
gradients, f, d = reach(x, new_lstm(E=4, H=32), cut=True)
same = torch.allclose(gradients[0], d * f.prod(dim=0), rtol=1e-10, atol=0)
print("∂(d·c_100)/∂c_0 is d times the product of the gates:", same)

# %% [markdown] slideshow={"slide_type": "notes"}
# A random direction d turns the vector c_T into one number, so that one backward pass is enough; it finds the gradients for all earlier memories at once.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### There are more paths
#
# With `cut=False`, gates and candidate depend on $h_{t-1}$, hence on memories before. How much comes through these other paths?

# %% slideshow={"slide_type": "skip"}
def with_forget_bias(weights, bias):
    """The same weights, but the forget gate's bias set to a number."""
    return [*weights[:4], torch.full_like(weights[4], bias), *weights[5:]]

# %% tags=["topic-E1"]
weights = new_lstm(E=4, H=32)
print("forget bias   steps back   direct path     all paths   other paths / direct")
for bias in (0, 1, 5):
    cell = with_forget_bias(weights, bias)
    (direct, _, _), (whole, _, _) = (reach(x, cell, cut) for cut in (True, False))
    for k in (1, 10, 50):
        sizes = [a[-k].norm(dim=1).mean().item() for a in (direct, whole, whole - direct)]
        print(f"{bias:7} {k:14} {sizes[0]:14.1e} {sizes[1]:13.1e} {sizes[2] / sizes[0]:12.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The product of the gates is not the whole gradient, and no bound for it. With half-closed gates nearly all that arrives from far back came by detours through the state. With bias 5, after fifty steps, direct path and detours are of one size.

# %% slideshow={"slide_type": "skip"}
def plain_reach(x, W, b):
    """∂(d·h_T)/∂h_t (T, B, H) of a plain cell with weights W (E + H, H) and b (H,)."""
    h, states = torch.zeros(len(x), len(b)).double().requires_grad_(), []
    for x_t in x.unbind(dim=1):
        states.append(h)
        h = torch.tanh(torch.cat([x_t, h], dim=1) @ W + b)
    d = nn.functional.normalize(torch.randn(len(x), len(b), generator=torch.Generator().manual_seed(1)).double())
    return torch.stack(torch.autograd.grad((h * d).sum(), states))


def plot_reach(weights, x):
    """Draw how much of the gradient is left after some steps back, for three forget biases and a plain cell."""
    fig, ax = plt.subplots(figsize=(7.8, 3.3))
    back = np.arange(1, x.shape[1] + 1)
    for bias in (5, 1, 0):
        cell = with_forget_bias(weights, bias)
        whole, direct = (reach(x, cell, cut)[0].norm(dim=2).mean(dim=1).flip(0) for cut in (False, True))
        ax.semilogy(back, whole, "-", color=COLOR["lstm"], label="LSTM, all paths" if bias == 5 else None)
        ax.semilogy(back, direct, "--", color=COLOR["gate"], label="direct path" if bias == 5 else None)
        ax.annotate(f"$b_f = {bias}$", (102, whole[-1]), va="center", annotation_clip=False)
    plain = plain_reach(x, weights[2], weights[6]).norm(dim=2).mean(dim=1).flip(0)
    ax.semilogy(back, plain, ":", color=COLOR["rnn"], label="plain cell")
    ax.set(xlabel="steps back, $k$", ylabel="size of the derivative", ylim=(1e-32, 1e3), yticks=10.0 ** np.arange(-30, 1, 10))
    ax.legend(loc="lower left")
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How far the gradient reaches
#
# Size of $\partial (d \cdot c_T) / \partial c_{T-k}$ for untrained cells, initialised as PyTorch does, the forget bias set by hand. The plain cell has the candidate's weights.

# %% tags=["topic-E1", "output-only"]
x = torch.randn(8, 100, 4).double()
show(plot_reach(weights, x), "The forget bias decides how much is left after 100 steps; after 100 steps all paths together carry more than the direct one here.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
left = {bias: reach(x, with_forget_bias(weights, bias), cut=False)[0][0].norm(dim=1).mean().item() for bias in (0, 1, 5)}
plain = plain_reach(x, weights[2], weights[6])[0].norm(dim=1).mean().item()
direct = {bias: reach(x, with_forget_bias(weights, bias), cut=True)[0][0].norm(dim=1).mean().item() for bias in (0, 1, 5)}
print("after 100 steps all paths carry more than the direct one:", all(left[bias] > direct[bias] for bias in left))
print("bias 5: the derivative has grown in 100 steps:    ", left[5] > 1)
print("bias 0: less than 1e-15:                          ", left[0] < 1e-15)
print("the plain cell has less left than any of the three:", plain < min(left.values()))

# %% [markdown] slideshow={"slide_type": "notes"}
# "The LSTM solves vanishing gradients" stands in many lecture notes. It does not: it mitigates, and how well depends on the gates. What it gives is a path whose rate training can set. With bias 5 the curve even rises: gates do not prevent explosion, so keep clipping.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### "The LSTM solves vanishing gradients"?
#
# - **No.** A gradient that passes a hundred gates of one half is gone.
# - **It mitigates:** the factor per step is a gate that training can move, for each unit, not a matrix for all.
# - **It helps to begin open:** set the forget bias to 1 or more before training. PyTorch adds two biases, and starts both near 0; `init_forget_bias` sets their sum.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def init_forget_bias(rnn, bias):
    """Let each gate that keeps, f of an nn.LSTM or z of an nn.GRU, start with this sum of its two biases, in all layers."""
    H = rnn.hidden_size
    with torch.no_grad():
        for name, parameter in rnn.named_parameters():
            if name.startswith("bias"):
                parameter[H : 2 * H] = bias if name.startswith("bias_ih") else 0.0

# %% tags=["topic-E1", "nbval-check-output"]
cell = nn.LSTM(4, 32)
for what in ("as PyTorch starts", "forget gates opened"):
    f = torch.sigmoid((cell.bias_ih_l0 + cell.bias_hh_l0).chunk(4)[1]).mean()  # the order is i, f, g, o
    print(f"{what:20} forget gate for inputs and states of zero, on average: {f:.1f}")
    init_forget_bias(cell, bias=1.0)

# %% [markdown] slideshow={"slide_type": "notes"}
# Gers and colleagues already began with a positive bias in 2000; Jozefowicz and colleagues compared many cells in 2015 and recommended 1 again. With the wrong rows one would open the input gate instead: the order is i, f, g, o.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · Peepholes
#
# The gates of an LSTM see the input and the state, but not what is *in* the memory. Gers and Schmidhuber (2000) gave each gate a **peephole**: before squashing, each unit adds its own memory times a weight of its own. Forget and input gate look at the old memory, the output gate at the new one. Arguments: the four pre-activations, `c`, and the peepholes `p_f`, `p_i`, `p_o`, all (H,). **Predict:** how many more parameters?
#
# <details><summary>Answer</summary>3H: a row for each gate, no matrix. Each unit looks at itself only.</details>

# %% tags=["exercise-2-stub"]
def peephole_step(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
    """The new state and the new memory, (H,) each, from pre-activations, old memory and peepholes (H,)."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_peephole_step(attempt):
    """Try an attempt on memories of two sizes."""
    rng = np.random.default_rng(2)
    cases = [tuple(np.array([[0.0], [-2], [1], [0], [2], [1], [1], [0]])), tuple(rng.normal(size=(8, 3))), tuple(2 * rng.normal(size=(8, 4)))]

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def step(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o, p_g=0, look=np.multiply, seen_by_o=None):
        c = sigmoid(a_f + look(p_f, c)) * c + sigmoid(a_i + look(p_i, c)) * np.tanh(a_g + p_g * c)
        return sigmoid(a_o + look(p_o, c if seen_by_o is None else seen_by_o)) * np.tanh(c), c

    def outside(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
        c = (sigmoid(a_f) + p_f * c) * c + (sigmoid(a_i) + p_i * c) * np.tanh(a_g)
        return (sigmoid(a_o) + p_o * c) * np.tanh(c), c

    def times(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
        c = sigmoid(a_f * p_f * c) * c + sigmoid(a_i * p_i * c) * np.tanh(a_g)
        return sigmoid(a_o * p_o * c) * np.tanh(c), c

    return check(
        attempt,
        cases=[(arguments, step(*arguments)) for arguments in cases],
        misconceptions={
            "the output gate looks last: at the new memory, not at the old one": lambda *a: step(*a, seen_by_o=a[4]),
            "the output gate has a peephole, too": lambda *a: step(*a[:7], 0),
            "all peepholes are missing": lambda *a: step(*a[:5], 0, 0, 0),
            "the candidate has no peephole": lambda *a: step(*a, p_g=a[6]),
            "a peephole shows the memory itself, not its tanh": lambda *a: step(*a, look=lambda p, c: p * np.tanh(c)),
            "a peephole is added before squashing": outside,
            "a peephole is added to the pre-activation, not multiplied with it": times,
            "each unit sees only its own memory: p * c, entry by entry, not p @ c": (
                lambda *a: step(*a, look=np.dot)
            ),
            "each gate has its own peephole: p_f for the forget gate, p_i for the input gate": (
                lambda *a: step(*a[:5], a[6], a[5], a[7])
            ),
            "the peephole weights are missing: add p * c, not c": lambda *a: step(*a[:5], 1, 1, 1),
            "the forget gate has a peephole, too": lambda *a: step(*a[:5], 0, *a[6:]),
            "the input gate has a peephole, too": lambda *a: step(*a[:6], 0, a[7]),
            "the state comes first, then the memory": lambda *a: step(*a)[::-1],
            "a peephole is added, not taken away": lambda *a: step(*a, look=lambda p, c: -p * c),
        },
    )


check_peephole_step(peephole_step)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def peephole_step_solution(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
    """The new state and the new memory, (H,) each, from pre-activations, old memory and peepholes (H,)."""
    f, i = (1 / (1 + np.exp(-(a + p * c))) for a, p in ((a_f, p_f), (a_i, p_i)))
    c = f * c + i * np.tanh(a_g)
    o = 1 / (1 + np.exp(-(a_o + p_o * c)))
    return o * np.tanh(c), c


check_peephole_step(peephole_step_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# "each unit sees only its own": p @ c would be one number for all. Greff and colleagues compared eight variants on three tasks in 2017; peepholes made no significant difference. PyTorch's LSTM has none.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · One gate for two
#
# Forgetting and writing often go together: replace what is thrown away. Greff and colleagues (2017) tried an LSTM with **coupled gates**: what the forget gate does not keep, the input gate fills. Write its step; there is no pre-activation $a_i$. **Predict:** from $c_0 = 0$, how large can the memory get?
#
# <details><summary>Answer</summary>It stays between −1 and 1: each new memory is a mean of the old one and a candidate, weighted by f and 1 − f. Such a memory cannot count on and on.</details>

# %% tags=["exercise-3-stub"]
def coupled_step(a_f, a_g, a_o, c):
    """The new state and the new memory, (H,) each, from three pre-activations (H,) and the old memory (H,)."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_coupled_step(attempt):
    """Try an attempt on memories of two sizes."""
    rng = np.random.default_rng(3)
    cases = [tuple(np.array([[0.0], [1], [0], [2]])), tuple(1.5 * rng.normal(size=(4, 3))), tuple(2 * rng.normal(size=(4, 2)))]

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def step(a_f, a_g, a_o, c, write=lambda f, a_f: 1 - f, squash=np.tanh, kept=lambda f: f):
        f = sigmoid(a_f)
        c = kept(f) * c + write(f, a_f) * squash(a_g)
        return sigmoid(a_o) * np.tanh(c), c

    return check(
        attempt,
        cases=[(arguments, step(*arguments)) for arguments in cases],
        misconceptions={
            "coupled means that the two shares sum to 1: write 1 − f, not f": lambda *a: step(*a, write=lambda f, _: f),
            "the candidate is written in full; its share is 1 − f": lambda *a: step(*a, write=lambda f, _: 1),
            "1 − f is taken after squashing, not σ(1 − a_f)": (
                lambda *a: step(*a, write=lambda f, a_f: sigmoid(1 - a_f))
            ),
            "squash the pre-activation first: the share written is 1 − σ(a_f), not 1 − a_f": (
                lambda *a: step(*a, write=lambda f, a_f: 1 - a_f)
            ),
            "the forget gate keeps: f goes with the old memory, 1 − f with the candidate": (
                lambda *a: step(*a, write=lambda f, _: f, kept=lambda f: 1 - f)
            ),
            "the candidate is squashed with tanh, not with σ": lambda *a: step(*a, squash=sigmoid),
            "the candidate is squashed, too, with tanh": lambda *a: step(*a, squash=lambda a: a),
            "the output gate has its own pre-activation a_o; only forgetting and writing are coupled": (
                lambda a_f, a_g, a_o, c: step(a_f, a_g, -a_f, c)
            ),
            "what is shown is tanh of the memory": lambda *a: (sigmoid(a[2]) * step(*a)[1], step(*a)[1]),
            "the state comes first, then the memory": lambda *a: step(*a)[::-1],
            "the share that is written cannot be negative: 1 − f, not −f": lambda *a: step(*a, write=lambda f, _: -f),
            "the output gate is missing: the state is o tanh(c)": lambda *a: (np.tanh(step(*a)[1]), step(*a)[1]),
            "the state is not the memory: it is what the output gate lets through of its tanh": lambda *a: (step(*a)[1], step(*a)[1]),
        },
    )


check_coupled_step(coupled_step)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def coupled_step_solution(a_f, a_g, a_o, c):
    """The new state and the new memory, (H,) each, from three pre-activations (H,) and the old memory (H,)."""
    f, o = 1 / (1 + np.exp(-a_f)), 1 / (1 + np.exp(-a_o))
    c = f * c + (1 - f) * np.tanh(a_g)
    return o * np.tanh(c), c


check_coupled_step(coupled_step_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# A quarter of the cell's weights is saved. In the study of Greff and colleagues coupling did no harm on their tasks. Counting is a different task; the next slide and the last section show why.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What a coupled memory cannot do
#
# Open everything, and write a candidate of nearly 1 at each of 50 steps:

# %% tags=["topic-E1", "nbval-check-output"]
def written(steps, coupled):
    """The memory of one unit after some steps with all gates open as far as its kind allows."""
    f, g, c = 1 / (1 + math.exp(-3)), math.tanh(3), 0.0
    for _ in range(steps):
        c = f * c + (1 - f if coupled else 1) * g
    return c


for steps in (1, 5, 50):
    print(f"after {steps:2} steps: LSTM {written(steps, False):5.2f}, coupled {written(steps, True):.2f}")

# %% [markdown]
# The coupled memory is a running mean: it never passes its candidate. The LSTM's is a sum that leaks: by 5 % at each step here, so it ends near 20. The GRU, next, has a running mean as its state.

# %% [markdown] slideshow={"slide_type": "notes"}
# Forget gate 0.95 in both, input gate 1 or 0.05. Weiss, Goldberg and Yahav showed in 2018 that LSTM and ReLU networks can count with finite precision, and that GRU and tanh networks cannot.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## GRU: the gated recurrent unit
#
# ![GRU cell: from x_t and h_{t−1} come the reset gate r_t and the update gate u_t; the reset state and x_t give the candidate; the new state is the old one times 1 − u_t plus the candidate times u_t.](../figures/gru_cell.svg)
#
# $$u_t = \sigma([x_t; h_{t-1}] W_u + b_u) \qquad r_t = \sigma([x_t; h_{t-1}] W_r + b_r)$$
#
# $$\tilde h_t = \tanh([x_t; r_t \odot h_{t-1}] W_h + b_h) \qquad h_t = (1 - u_t) \odot h_{t-1} + u_t \odot \tilde h_t$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Introduced by Cho and colleagues in 2014 as a part of a translation model; Chung and colleagues compared it with the LSTM in the same year, and are often credited with it. State and memory are one; there is no output gate.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The four formulas as code
#
# As in the lecture CS224n, where $u$ says how much is *updated*:

# %% tags=["topic-E2", "export"]
def gru_step(x_t, h, W_x, W_h, b_x, b_h):
    """One step from x_t (B, E), h (B, H): W_x (E, 3H), W_h (H, 3H), b_x, b_h (3H,) hold r, z, n side by side."""
    (x_r, x_z, x_n), (h_r, h_z, h_n) = (x_t @ W_x + b_x).chunk(3, dim=1), (h @ W_h + b_h).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return z * h + (1 - z) * n


def gru(x, h, step, *weights):
    """All states (B, T, H) from inputs x (B, T, E), state h (B, H) and a step function with its weights."""
    states = []
    for x_t in x.unbind(dim=1):
        h = step(x_t, h, *weights)
        states.append(h)
    return torch.stack(states, dim=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# Three matrices instead of four, one thing to carry instead of two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What each gate can do
#
# Shut or open a gate by a large bias, and see what becomes of the state:

# %% slideshow={"slide_type": "skip"}
B, T, E, H = 3, 7, 4, 5
x, h_0, other = (torch.randn(shape).double() for shape in ((B, T, E), (B, H), (B, H)))
weights = [torch.randn(shape).double() for shape in 3 * [(E + H, H)] + 3 * [(H,)]]


def with_biases(weights, u=None, r=None):
    """The weights with the biases of update and reset gate set to a number."""
    b_u, b_r = (b if a is None else torch.full_like(b, a) for a, b in zip((u, r), weights[3:5]))
    return [*weights[:3], b_u, b_r, weights[5]]

# %% tags=["topic-E2", "nbval-check-output"]
keeps = gru(x, h_0, gru_cs224n, with_biases(weights, u=-60))
print("u = 0:        the state is kept for all steps:       ", torch.allclose(keeps, h_0[:, None].expand_as(keeps)))
forgets = with_biases(weights, u=60, r=-60)
from_one, from_other = (gru(x, h, gru_cs224n, forgets) for h in (h_0, other))
print("u = 1, r = 0: the state forgets what came before:    ", torch.allclose(from_one, from_other))
plain = torch.tanh(torch.cat([x[:, 0], h_0], dim=1) @ weights[2] + weights[5])
one_step = gru(x, h_0, gru_cs224n, with_biases(weights, u=60, r=60))[:, 0]
print("u = 1, r = 1: this is the plain cell of notebook 3:  ", torch.allclose(one_step, plain))

# %% [markdown] slideshow={"slide_type": "notes"}
# Three corners: copy, read without memory, plain cell. Training can be anywhere in between, for each unit and step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One GRU, three conventions
#
# | who | new state | keeps when | reset gate |
# |---|---|---|---|
# | CS224n; Chung et al. 2014 | $(1 - u) \odot h_{t-1} + u \odot \tilde h_t$ | $u$ is **small** | inside: $\tanh(x_t W_x + (r \odot h_{t-1})\, U + b_h)$ |
# | Cho et al. 2014 | $z \odot h_{t-1} + (1 - z) \odot \tilde h_t$ | $z$ is **large** | inside |
# | `torch.nn.GRU` | $z \odot h_{t-1} + (1 - z) \odot \tilde h_t$ | $z$ is **large** | outside: $\tanh(x_t W_x + b_h + r \odot (h_{t-1} U + b_u'))$ |
#
# $W_x$ and $U$ are the upper and the lower part of $W_h$. "With the update gate at 0 the state is kept" is true in the first row only. **Predict:** which rows can be translated into each other?

# %% [markdown] slideshow={"slide_type": "notes"}
# Take votes. The first two differ by the name of a gate; the third by the place of a product.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The other two rows as code

# %% tags=["topic-E2"]
def gru_cho(x_t, h, W_z, W_r, W_h, b_z, b_r, b_h):
    """One step as in Cho et al. 2014: large z keeps, reset inside the product."""
    z, r = gate(x_t, h, W_z, b_z), gate(x_t, h, W_r, b_r)
    candidate = torch.tanh(torch.cat([x_t, r * h], dim=1) @ W_h + b_h)
    return z * h + (1 - z) * candidate


def gru_torch(x_t, h, W_z, W_r, W_h, b_z, b_r, b_h, b_state):
    """One step as in torch.nn.GRU: large z keeps, reset outside the product."""
    z, r = gate(x_t, h, W_z, b_z), gate(x_t, h, W_r, b_r)
    W_x, U = W_h.split([x_t.shape[1], h.shape[1]])
    candidate = torch.tanh(x_t @ W_x + b_h + r * (h @ U + b_state))
    return z * h + (1 - z) * candidate


# %% [markdown]
# Outside, one can compute all products with $h_{t-1}$ at once, before the gates are known: this is faster, and the reason for it. The bias $b_{state}$ stands inside the reset, so it cannot be merged with $b_h$.

# %% [markdown] slideshow={"slide_type": "notes"}
# PyTorch's documentation says itself that its candidate differs from the original paper.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to `torch.nn.GRU`, gradients and all
#
# Its order is r, z, n, where n is the candidate:

# %% tags=["topic-E2", "nbval-check-output"]
theirs = nn.GRU(E, H, batch_first=True).double()
direction = torch.randn(B, T, H).double()
x, h_0 = x.requires_grad_(), h_0.requires_grad_()
W_r, W_z, W_h = torch.cat([theirs.weight_ih_l0, theirs.weight_hh_l0], dim=1).T.chunk(3, dim=1)
(b_r, b_z, b_h), (b_r2, b_z2, b_state) = theirs.bias_ih_l0.chunk(3), theirs.bias_hh_l0.chunk(3)

ours = gru(x, h_0, gru_torch, [W_z, W_r, W_h, b_z + b_z2, b_r + b_r2, b_h, b_state])
their_states = theirs(x, h_0[None])[0]
print("states equal to 1e-10:", (ours - their_states).abs().max().item() < 1e-10)
leaves = [x, h_0, *theirs.parameters()]
of_ours, of_theirs = (torch.autograd.grad((states * direction).sum(), leaves) for states in (ours, their_states))
same = [(a - b).abs().max().item() < 1e-10 for a, b in zip(of_ours, of_theirs)]
print("gradients for x, h_0 and the four parameters, equal to 1e-10:", same)

# %% [markdown] slideshow={"slide_type": "notes"}
# Our cell is fed slices of PyTorch's own parameters, so both gradients arrive at the same tensors and can be compared directly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From CS224n to Cho: negate one gate
#
# $1 - \sigma(a) = \sigma(-a)$, so the update gate's weights *and* bias change their sign, nothing else:

# %% tags=["topic-E2", "nbval-check-output"]
a = torch.linspace(-30, 30, 1001).double()
difference = 1 - torch.sigmoid(a) - torch.sigmoid(-a)
print("1 − σ(a) = σ(−a), to 1e-15:", difference.abs().max().item() < 1e-15)


def negated(weights):
    """The weights of a GRU in the other convention of the update gate; works in both directions."""
    W_u, W_r, W_h, b_u, *rest = weights
    return [-W_u, W_r, W_h, -b_u, *rest]


leaves = [a.clone().requires_grad_() for a in (x, h_0, *weights)]
one = gru(*leaves[:2], gru_cs224n, leaves[2:])
two = gru(*leaves[:2], gru_cho, negated(leaves[2:]))
gradients = [torch.autograd.grad((states * direction).sum(), leaves) for states in (one, two)]
differences = [(a - b).abs().max().item() for a, b in zip((one, *gradients[0]), (two, *gradients[1]))]
print("states and all gradients equal to 1e-10:", max(differences) < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# Forgetting the bias is the classic slip: it shifts the pre-activation of the gate by twice the bias.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Inside or outside?
#
# Unit $j$ of the candidate gets, apart from input and biases,
#
# $$\text{inside: } \sum_k r_k\, h_k\, U_{kj} \qquad \text{outside: } r_j \sum_k h_k\, U_{kj}$$
#
# These are equal for every $h$ exactly if $r_k = r_j$ wherever $U_{kj} \neq 0$: if $r$ is the same for all units, say, or if $U$ is diagonal.

# %% slideshow={"slide_type": "skip"}
def apart(weights):
    """Largest difference between the states of Cho's and PyTorch's GRU with the same weights."""
    with torch.no_grad():
        no_bias = torch.zeros(H).double()
        return (gru(x, h_0, gru_cho, weights) - gru(x, h_0, gru_torch, [*weights, no_bias])).abs().max().item()

# %% tags=["topic-E2", "nbval-check-output"]
r, h, U = torch.rand(H).double(), torch.randn(H).double(), torch.randn(H, H).double()
print("inside is (r ⊙ h) U:  ", torch.allclose((r * h) @ U, torch.einsum("k,k,kj->j", r, h, U)))
print("outside is r ⊙ (h U): ", torch.allclose(r * (h @ U), torch.einsum("j,k,kj->j", r, h, U)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Inside, unit j hears each neighbour through that neighbour's reset gate; outside, it hears all of them through its own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### When are they equal?
#
# States of both cells with the same weights, compared over all steps:

# %% tags=["topic-E2", "nbval-check-output"]
W_z, W_r, W_h, *biases = weights
diagonal = torch.cat([W_h[:E], W_h[E:].diag().diag()])
one_for_all = [W_z, W_r[:, :1].expand(-1, H), W_h, biases[0], biases[1][:1].expand(H), biases[2]]
print("r the same for all units: equal to 1e-12:", apart(one_for_all) < 1e-12)
print("U diagonal:               equal to 1e-12:", apart([W_z, W_r, diagonal, *biases]) < 1e-12)
print("neither:                  equal to 1e-12:", apart(weights) < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# With unequal reset gates and a full U the two agree only by accident, or where the state is zero, as at the first step: there is nothing to reset. The last line says so for random weights and a random state.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Could other weights make them equal?
#
# Train a PyTorch GRU to do Cho's step on 200 random inputs and states, starting from the copied weights. As a control, the same from disturbed weights of a PyTorch GRU, which *can* be matched.

# %% slideshow={"slide_type": "skip"}
def best_fit(x_t, h, target, start):
    """Root mean square error of gru_torch on one step after training its weights by L-BFGS."""
    weights = [a.clone().requires_grad_() for a in start]
    optimizer = torch.optim.LBFGS(weights, max_iter=60, tolerance_change=1e-14, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        J = ((gru_torch(x_t, h, *weights) - target) ** 2).mean()
        J.backward()
        return J

    optimizer.step(loss)
    return loss().item() ** 0.5

# %% tags=["topic-E2"]
torch.manual_seed(0)
x_t, h = torch.randn(200, 2).double(), torch.rand(200, 3).double() * 2 - 1
start = [torch.randn(shape).double() for shape in 3 * [(5, 3)] + 4 * [(3,)]]
copied, disturbed = [*start[:6], torch.zeros(3).double()], [a + 0.3 * torch.randn_like(a) for a in start]
of_cho = best_fit(x_t, h, gru_cho(x_t, h, *start[:6]), copied)
of_torch = best_fit(x_t, h, gru_torch(x_t, h, *start), disturbed)
print(f"error of the best fit to Cho's step:               {of_cho:.4f}")
print(f"error of the best fit to PyTorch's step (control): {of_torch:.4f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("the fit of Cho's step stalls, that of the control goes on:", of_cho > 10 * of_torch)

# %% [markdown] slideshow={"slide_type": "notes"}
# A fit that stalls is no proof, but the control shows that the method gets near where there are weights. The reason: inside, what unit j sees contains the reset gates of other units. The states lie between minus one and one. Both forms can be trained; only a trained model cannot be carried over.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Copying blindly
#
# Somebody trained a GRU to keep things: in CS224n's convention, its update gates have a bias of −4. Now these weights are put into `torch.nn.GRU` as they are. What is left of the first state?

# %% slideshow={"slide_type": "skip"}
def state_left(bias, convention, T=30):
    """The share (T + 1,) of the first state left after each step, update gate at σ(bias)."""
    u = 1 / (1 + math.exp(-bias))
    kept = 1 - u if convention == "small u keeps" else u
    return kept ** np.arange(T + 1)


def describe(bias, convention):
    """Print how much of the first state is left after some steps."""
    left = state_left(bias, convention)
    for t in (1, 5, 10, 20, 30):
        print(f"after {t:2} steps  {left[t]:.2f}  {'█' * round(50 * left[t])}")

# %% tags=["topic-E2", "nbval-check-output"]
h_0, nothing = torch.ones(1, H).double(), torch.zeros(1, 30, E).double()
trained = [torch.zeros(shape).double() for shape in 3 * [(E + H, H)] + 3 * [(H,)]]
trained[3] -= 4.0
no_bias = torch.zeros(H).double()
for name, step, weights_there in (
    ("CS224n, as trained", gru_cs224n, trained),
    ("PyTorch, copied blindly", gru_torch, [*trained, no_bias]),
    ("PyTorch, update gate negated", gru_torch, [*negated(trained), no_bias]),
):
    left = gru(nothing, h_0, step, weights_there)[0, :, 0]
    print(f"{name:29} left of h_0 after 1 step {left[0]:.2f}, after 30 steps {left[-1]:.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# No error message: shapes fit. Candidate and inputs are zero here, so that only the update gate acts. With the gate negated and all weights of the candidate zero the two forms agree.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The dial
#
# **Predict:** at which bias do both conventions agree?

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
print("update gates with a bias of −4, small u keeps; left of the first state:")
describe(-4, "small u keeps")

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(convention=["small u keeps", "large z keeps"], bias=FloatSlider(-4, min=-6, max=6, step=0.5))
def turn_dial(convention, bias):
    """Print what is left of the first state under a convention."""
    describe(bias, convention)

# %% [markdown] slideshow={"slide_type": "skip"}
# What the dial prints is what the cell does:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
by_cell = gru(nothing, h_0, gru_cs224n, trained)[0, :, 0]
print("equal to the cell's states:", np.allclose(state_left(-4, "small u keeps")[1:], by_cell))

# %% [markdown] slideshow={"slide_type": "notes"}
# At bias 0 both gates are one half, and both conventions agree.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## LSTM or GRU?
#
# Both have gates. What does a cell cost? Count the parameters of PyTorch's cells, one layer with 64 inputs (`parameter_count` is notebook 3's):

# %% tags=["export"]
KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}

# %% tags=["topic-E3", "nbval-check-output"]
plain = parameter_count(nn.RNN(64, 64))
for kind, cell in KINDS.items():
    count = parameter_count(cell(64, 64))
    print(f"{kind:4} with 64 units: {count:6,} parameters, {count / plain:.0f} times a plain cell")

# %% [markdown] slideshow={"slide_type": "skip"}
# Equal units are not equal parameters:

# %% slideshow={"slide_type": "skip"}
def units_for(kind, budget, E=64):
    """The largest number of units with which a cell has at most so many parameters."""
    H = 1
    while parameter_count(KINDS[kind](E, H + 1)) <= budget:
        H += 1
    return H

# %% tags=["topic-E3", "nbval-check-output"]
budget = parameter_count(nn.LSTM(64, 64))
print(f"units for {budget:,} parameters:", {kind: units_for(kind, budget) for kind in KINDS})

# %% [markdown]
# A plain cell with as many *units* has a quarter of the LSTM's parameters. A fair comparison gives each cell as many *parameters*, or as many *seconds*.

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 to 3 to 1: four pre-activations, three, one, each with a matrix of E plus H rows. Comparisons at equal width flatter the LSTM.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How fast?
#
# Training steps forwards and backwards, relative to the plain cell with 64 units; 1 would be as fast:

# %% slideshow={"slide_type": "skip"}
def seconds_of(cell, B=32, T=32, E=64, repeats=8):
    """Seconds to read a batch (B, T, E) forwards and backwards; the best of some repeats."""
    x, best = torch.randn(B, T, E), math.inf
    for _ in range(repeats + 1):  # one to warm up
        start = time.perf_counter()
        cell(x)[0].sum().backward()
        best = min(best, time.perf_counter() - start)
    return best

# %% tags=["topic-E3", "volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ from machine to machine"
yardstick = seconds_of(nn.RNN(64, 64, batch_first=True))
print("speed          64 units   equal parameters")
for kind, cell in KINDS.items():
    equal = cell(64, units_for(kind, budget), batch_first=True)
    speeds = [yardstick / seconds_of(model) for model in (cell(64, 64, batch_first=True), equal)]
    print("{:4} {:18.2f} {:18.2f}".format(kind, *speeds))

# %% [markdown] slideshow={"slide_type": "notes"}
# Seconds of one machine. At equal parameters the products are equally large in sum, and the rest is overhead and tuning: on many CPUs PyTorch has a fused kernel for the LSTM only, which is why its GRU is the slowest. On a GPU the numbers differ.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A race on three tasks
#
# Random sequences, an answer at each step. Equal parameters (about 1,500 in the cell), one learning rate for all, only 50 training steps, five seeds each:
#
# | task | input | target at each step | length |
# |---|---|---|---|
# | **count** | random brackets | more opened, equal, or more closed so far | trained on 16, tested on 60 |
# | **keep** | 8 symbols, one in twenty is marked | the last marked symbol | 20 |
# | **echo** | 8 symbols | the symbol three steps ago | 16 |
#
# **Predict:** which cell wins which task? What must it remember, for how long, and when may it forget?

# %% [markdown] slideshow={"slide_type": "notes"}
# Collect votes for all nine combinations. The tasks differ in what the memory must do: add up, keep until told otherwise, pass on with a fixed delay.

# %% slideshow={"slide_type": "skip"}
def bracket_strings(count, T, seed):
    """Random brackets (count, T), 0 opens and 1 closes; their depth; and the answers 0 to 2."""
    x = torch.randint(2, (count, T), generator=torch.Generator().manual_seed(seed))
    depth = (1 - 2 * x).cumsum(dim=1)
    return x, depth, depth.sign() + 1  # 0 more closed, 1 equal, 2 more opened


def count_task(B, T, seed):
    """Brackets (B, T) and whether more were closed so far, as many, or more opened."""
    x, _, y = bracket_strings(B, T, seed)
    return x, y


def keep_task(B, T, seed):
    """Symbols (B, T), marked ones 8 higher, the first one marked; and the last marked symbol."""
    generator = torch.Generator().manual_seed(seed)
    symbols = torch.randint(8, (B, T), generator=generator)
    marked = torch.rand(B, T, generator=generator) < 0.05
    marked[:, 0] = True
    last_marked = torch.where(marked, torch.arange(T), 0).cummax(dim=1).values
    return symbols + 8 * marked, symbols.gather(1, last_marked)


def echo_task(B, T, seed):
    """Symbols (B, T) and the symbol three steps ago, -100 (no answer) for the first three."""
    x = torch.randint(8, (B, T), generator=torch.Generator().manual_seed(seed))
    return x, nn.functional.pad(x[:, :-3], (3, 0), value=-100)

# %% [markdown] slideshow={"slide_type": "skip"}
# One run of the race, with the schedule of notebook 2:

# %% slideshow={"slide_type": "skip"}
class Racer(nn.Module):
    """Symbols (B, T) give scores (B, T, out); orthogonal squares, and for the LSTM a forget bias of 1."""

    def __init__(self, kind, V, H, out):
        super().__init__()
        self.C, self.rnn = nn.Embedding(V, 8), KINDS[kind](8, H, batch_first=True)
        self.output_layer = nn.Linear(H, out)
        for W in self.rnn.weight_hh_l0.split(H):
            nn.init.orthogonal_(W.data)
        if kind == "LSTM":
            init_forget_bias(self.rnn, bias=1.0)

    def forward(self, x):
        return self.output_layer(self.rnn(self.C(x))[0])


def run_race(task, kind, seed, T, T_test, V, out, steps=50, lr=0.04):
    """The share of right answers on 500 test sequences after some training steps."""
    torch.manual_seed(seed)
    model = Racer(kind, V, units_for(kind, 1520, E=8), out)
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    schedule = lr_schedule(optimizer, lr, steps)
    for step in range(steps):
        x, y = task(32, T, seed=1_000_000 * (seed + 1) + step)
        optimizer.zero_grad()
        cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    x, y = task(500, T_test, seed=0)
    with torch.no_grad():
        return (model(x).argmax(dim=2) == y)[y >= 0].float().mean().item()

# %% slideshow={"slide_type": "skip"}
TASKS = {
    "count": (count_task, {"T": 16, "T_test": 60, "V": 2, "out": 3}),
    "keep": (keep_task, {"T": 20, "T_test": 20, "V": 16, "out": 8}),
    "echo": (echo_task, {"T": 16, "T_test": 16, "V": 8, "out": 8}),
}
race = {
    (name, kind): [run_race(task, kind, seed, **sizes) for seed in range(5)]
    for name, (task, sizes) in TASKS.items()
    for kind in KINDS
}


def plot_race():
    """Draw the share of right answers of each cell in each task: mean, standard deviation and every seed."""
    fig, ax = plt.subplots(figsize=(8.6, 3.4))
    for dx, (kind, mark) in zip((-0.22, 0, 0.22), (("RNN", "s"), ("GRU", "^"), ("LSTM", "o"))):
        for i, task in enumerate(TASKS):
            values = 100 * np.array(race[task, kind])
            style = {"color": COLOR[kind.lower()], "capsize": 5, "lw": 2}
            ax.plot([i + dx + 0.06] * 5, values, ".", ms=4, color=COLOR[kind.lower()])
            label = kind if i == 0 else None
            ax.errorbar(i + dx, values.mean(), values.std(ddof=1), fmt=mark, label=label, **style)
    ax.set_xticks(range(3), labels=TASKS)
    ax.set(ylabel="right answers (%)", ylim=(40, 104))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### No cell wins them all
#
# Mean ± standard deviation of five seeds; small dots are the seeds:

# %% tags=["topic-E3", "output-only"]
show(plot_race(), "After 50 steps the LSTM counts best, the GRU keeps best, and the plain cell, without any gate, echoes best.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
means = {task: {kind: np.mean(race[task, kind]) for kind in KINDS} for task in TASKS}
for task, by_kind in means.items():
    print(f"{task:5} is won by the", max(by_kind, key=by_kind.get))

# %% [markdown] slideshow={"slide_type": "notes"}
# Counting needs a memory that adds up: forget and input gate open together, which a GRU cannot do. Keeping needs one switch, which is what a GRU has. An echo needs no gate at all. The learning rate and the number of steps were chosen in short trials, for tasks that are neither trivial nor hopeless; with more steps the cells come closer; try it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A rule of thumb, read off these data
#
# The numbers behind the picture, in per cent:

# %% tags=["topic-E3"]
for name, (task, sizes) in TASKS.items():
    _, y = task(500, sizes["T_test"], seed=0)
    guess = 100 * y[y >= 0].bincount().max() / (y >= 0).sum()
    shares = {kind: 100 * np.array(race[name, kind]) for kind in KINDS}
    cells = (f"{kind} {v.mean():5.1f} ± {v.std(ddof=1):4.1f}" for kind, v in shares.items())
    print(f"{name:6}", "    ".join(cells), f"    always the same answer {guess:.0f}")

# %% [markdown]
# - Something must be **counted or added up**: LSTM.
# - Something must be **kept until it is replaced**: the GRU learns it first, then the LSTM, the plain cell last.
# - The past that matters is **a few steps away**: a plain cell may do, and learns it first.
# - Otherwise **try them**, at equal parameters, with several starts.

# %% [markdown] slideshow={"slide_type": "notes"}
# Look at the small dots: with one seed only, some neighbours could have come out the other way round. All of this holds after 50 steps; more training changes it. Jozefowicz and others compared LSTM and GRU in far larger experiments: the GRU was ahead in all tasks but language modelling, and an LSTM that starts with forget bias 1 closed the gap. Greff and others compared variants of the LSTM only; none was clearly better.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Depth: cells on top of cells
#
# ![Three LSTM layers read a wedding party taking pictures: the states of layer 1 are the inputs of layer 2, those of layer 2 the inputs of layer 3; the top layer's last state is v.](../figures/stacked_lstm.svg)
#
# $$h^{(l)}_t, c^{(l)}_t = \text{LSTM}_l\big(h^{(l-1)}_t,\; h^{(l)}_{t-1},\; c^{(l)}_{t-1}\big) \qquad h^{(0)}_t = x_t$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Two directions: to the right through time, upwards through layers. Each layer has weights of its own; along a row they are shared.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One step of all layers
#
# The state $h$ of a layer, not its memory $c$, is the next layer's input.

# %% tags=["topic-E4"]
def deep_step(x_t, state, layers):
    """One step of all layers, from x_t (B, E) and a list of (h, c), one for each layer, to the next such list."""
    following = []
    for (h, c), weights in zip(state, layers):
        h, c = lstm_step(x_t, h, c, weights)
        following.append((h, c))
        x_t = h
    return following


def deep_lstm(x, layers):
    """For each step of x (B, T, E) the list of all layers' (h, c), from states of zero."""
    state, history = [(zero := torch.zeros(len(x), len(weights[-1])).double(), zero) for weights in layers], []
    for x_t in x.unbind(dim=1):
        state = deep_step(x_t, state, layers)
        history.append(state)
    return history

# %% [markdown] slideshow={"slide_type": "notes"}
# Time outside, layers inside: so does a system that must answer after each word. Layers outside, time inside gives the same numbers, and is how PyTorch does it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to `torch.nn.LSTM(…, num_layers=3)`

# %% slideshow={"slide_type": "skip"}
def same(a, b):
    """Equal to 1e-10?"""
    return (a - b).abs().max().item() < 1e-10

# %% tags=["topic-E4", "nbval-check-output"]
theirs = nn.LSTM(4, 5, num_layers=3, batch_first=True).double()
x, direction = torch.randn(3, 6, 4).double(), torch.randn(3, 6, 5).double()
output, (h_n, c_n) = theirs(x)
history = deep_lstm(x, [weights_of(theirs, layer) for layer in range(3)])
top = torch.stack([state[-1][0] for state in history], dim=1)
last_h, last_c = (torch.stack(kind) for kind in zip(*history[-1]))
gradients = [torch.autograd.grad((a * direction).sum(), theirs.parameters()) for a in (top, output)]
print("output", tuple(output.shape), "  h_n", tuple(h_n.shape), "  c_n", tuple(c_n.shape))
print("output: the top layer's states, all steps:  ", same(output, top))
print("h_n, c_n: all layers, the last step:        ", same(h_n, last_h) and same(c_n, last_c))
print("their only common part:                     ", torch.equal(output[:, -1], h_n[-1]))
print("all 12 gradients:                           ", all(map(same, *gradients)))

# %% [markdown] slideshow={"slide_type": "notes"}
# The shapes are a frequent source of confusion: output has no layers, h_n has no time. With batch_first the batch comes first in output, but not in h_n.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A sentence becomes a vector
#
# Read the words of “a wedding party taking pictures”, keep the top layer's last state: $v$ encodes the sentence, whatever its length. The three layers have random weights.

# %% slideshow={"slide_type": "skip"}
words = "a wedding party taking pictures".split()
torch.manual_seed(0)
E, H, L = 16, 16, 3
C, encoder = nn.Embedding(5, E).double(), nn.LSTM(E, H, num_layers=L, batch_first=True).double()
layers = [weights_of(encoder, layer) for layer in range(L)]


def encode_sentence(order):
    """v (H,) of the five words in an order, a list of word numbers."""
    return deep_lstm(C(torch.tensor([order])), layers)[-1][-1][0][0]

# %% tags=["topic-E4", "nbval-check-output"]
in_order, reordered = [0, 1, 2, 3, 4], [0, 2, 1, 3, 4]
v, other = encode_sentence(in_order), encode_sentence(reordered)
print("v", tuple(v.shape), "  of the first two words only", tuple(encode_sentence([0, 1]).shape))
print("the order of the words changes v:       ", not same(v, other))
sums = [C(torch.tensor(order)).sum(dim=0) for order in (in_order, reordered)]
print("it does not change the sum of the words:", same(*sums))

# %% [markdown] slideshow={"slide_type": "notes"}
# "A party wedding taking pictures" has the same words. Random weights: nothing is learned yet. Notebook 7 decodes such a vector into another language.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How many paths lead from $x_1$ to $v$?
#
# Each goes $T - 1$ steps to the right and $L - 1$ steps up, in any order:
#
# $$\binom{T - 1 + L - 1}{L - 1} \qquad \frac{\partial v}{\partial x_1} = \binom{T + L - 2}{L - 1}\; w^{T-1}\, u^{L}$$
#
# The derivative is that of a stack of linear units, $h^{(l)}_t = w\, h^{(l)}_{t-1} + u\, h^{(l-1)}_t$:

# %% slideshow={"slide_type": "skip"}
def of_linear_stack(T, L, w=0.9, u=0.7):
    """∂v/∂x_1 of a stack of L linear units after T steps, by autograd."""
    x = torch.ones(T).double().requires_grad_()
    h = [0.0] * L
    for below in x:
        for layer in range(L):
            below = h[layer] = w * h[layer] + u * below
    return torch.autograd.grad(h[-1], x)[0][0].item()


def paths(right, up):
    """The number of ways to take so many steps to the right and up, counted one by one."""
    return 1 if 0 in (right, up) else paths(right - 1, up) + paths(right, up - 1)

# %% tags=["topic-E4", "nbval-check-output"]
for T, L in ((5, 1), (5, 3), (20, 3)):
    number = math.comb(T + L - 2, L - 1)
    equal = math.isclose(number * 0.9 ** (T - 1) * 0.7**L, of_linear_stack(T, L), rel_tol=1e-12)
    print(f"T = {T:2}, L = {L}: {number:3} paths, counted: {paths(T - 1, L - 1):3}   derivative equal: {equal}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Depth multiplies the number of paths, but each path crosses more squashing functions. With gates, each step to the right is a gate or a detour, each step up goes through an output gate and a tanh.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The gradient's way through the gates
#
# How much does $v$ depend on each memory and on each word? Size (Frobenius norm) of the derivatives, for two forget biases:

# %% slideshow={"slide_type": "skip"}
def sizes_of_derivatives(bias):
    """Sizes (L + 1, T) of ∂v/∂c of all layers, the top one first, and of ∂v/∂x, with this forget bias."""
    x = C(torch.arange(5))[None].detach()
    inputs = [x_t.clone().requires_grad_() for x_t in x.unbind(dim=1)]
    history = deep_lstm(torch.stack(inputs, dim=1), [with_forget_bias(weights, bias) for weights in layers])
    memories = [c for state in history for _, c in state]
    squares = torch.zeros(len(inputs) + len(memories)).double()
    for unit in history[-1][-1][0][0]:
        gradients = torch.autograd.grad(unit, [*inputs, *memories], retain_graph=True, allow_unused=True)
        squares += torch.tensor([0.0 if g is None else g.square().sum() for g in gradients])
    of_memories = squares[len(inputs) :].view(-1, L).T.flip(0)  # (L, T)
    return torch.cat([of_memories, squares[: len(inputs)][None]]).sqrt()

# %% tags=["topic-E4"]
print(" " * 28 + "".join(f"{word:>9}" for word in words))
for bias in (0, 5):
    kinds = ("memory, layer 3", "memory, layer 2", "memory, layer 1", "word vector")
    for kind, sizes in zip(kinds, sizes_of_derivatives(bias).tolist()):
        print(f"b_f = {bias}   {kind:19}" + "".join(f"{size:9.2f}" for size in sizes))

# %% [markdown]
# The derivatives shrink from layer to layer. Along a layer the forget gates decide whether they fade or grow; with open gates the first word counts most, as most paths begin there.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
closed, opened = sizes_of_derivatives(0), sizes_of_derivatives(5)
fading = [(sizes[0, 0] / sizes[0, -1]).item() for sizes in (closed, opened)]
print("top layer, four words back, bias 0: less than a fifth is left: ", fading[0] < 0.2)
print("bias 5: more than four fifths are left:                        ", fading[1] > 0.8)
print("bias 5: the first word counts more than the last one:           ", (opened[3, 0] > opened[3, -1]).item())
shrinking = [(sizes[:3, -1].diff() < 0).all().item() for sizes in (closed, opened)]
print("each lower layer counts less for the last word, both biases:   ", all(shrinking))

# %% [markdown] slideshow={"slide_type": "notes"}
# Untrained, PyTorch's initial weights. To the right a gate, upwards an output gate, a tanh and a matrix: this is why deep stacks often get shortcuts past their layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Dropout between layers
#
# `nn.LSTM(…, dropout=p)` sets each number that goes *up* from a layer to 0 with probability $p$ and divides the others by $1 - p$. What goes to the right, and what leaves the top layer, stays. Once more by hand, with PyTorch's own masks:

# %% tags=["topic-E4", "nbval-check-output"]
B, T, E, H, p = 3, 6, 4, 5, 0.5
deep = nn.LSTM(E, H, num_layers=3, dropout=p, batch_first=True).double()
x, zero = torch.randn(B, T, E).double(), torch.zeros(B, H).double()
torch.manual_seed(1)
output, _ = deep(x)

torch.manual_seed(1)
states = x
for layer in range(3):
    states, _ = lstm(states, zero, zero, lstm_step, weights_of(deep, layer))
    if layer < 2:
        mask = nn.functional.dropout(torch.ones(T, B, H).double(), p)  # 0 or 1 / (1 − p)
        states = states * mask.transpose(0, 1)
print("equal to 1e-10:", (states - output).abs().max().item() < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# Pham and colleagues and Zaremba and colleagues made this popular in 2014: dropping what goes to the right would hurt the memory at each step; what goes up is dropped L − 1 times here, however long the text. The mask is a new one at each step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two traps
#
# One layer has no layer above it: `dropout=` does **nothing**, and PyTorch only warns. And dropout stays on until the model is told, by `.eval()`, that it is being tested. Do two passes over the same input differ?

# %% tags=["topic-E4", "nbval-check-output"]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    lonely = nn.LSTM(E, H, num_layers=1, dropout=0.5, batch_first=True).double()
warned = any("num_layers greater than 1" in str(warning.message) for warning in said)
print("one layer: differ", not torch.equal(lonely(x)[0], lonely(x)[0]), "  PyTorch warns", warned)
deep.train()
print("three layers, training: differ", not torch.equal(deep(x)[0], deep(x)[0]))
deep.eval()
print("three layers, .eval():  differ", not torch.equal(deep(x)[0], deep(x)[0]))

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
of_layers = [weights_of(deep, layer) for layer in range(3)]
undropped = torch.stack([state[-1][0] for state in deep_lstm(x, of_layers)], dim=1)
print("after .eval() there is no dropout at all:", same(deep(x)[0], undropped))

# %% [markdown]
# A test result that changes from run to run is a sign of a forgotten `.eval()`. To drop something with one layer, put `nn.Dropout` around the LSTM by hand.

# %% [markdown] slideshow={"slide_type": "notes"}
# And do not forget .train() before the next epoch. Both switches are silent.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Batches of unequal length
#
# ![Four sequences of lengths 7, 4, 3 and 2: padded, 12 of 28 cells are empty; packed, 16 cells step by step, with batch sizes 4, 4, 3, 2, 1, 1, 1.](../figures/padding_packing.svg)
#
# **Padding** fills up short sequences, **masking** leaves the filling out of every sum, **bucketing** puts similar lengths together, **packing** lets a sequence that has ended leave the batch.

# %% [markdown] slideshow={"slide_type": "notes"}
# Two separate questions: what does the filling cost, and does it change a result? The second must be answered by no.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Names once more
#
# A language model of the names of notebook 3, character by character. 0 is padding and nothing else; 1 stands at both ends of a name; 2 for characters that training has not shown.

# %% tags=["topic-E5"]
names = load_names(seed=0)
CHARACTERS = sorted({character for name, _ in names.train for character in name})
character_number = {character: number for number, character in enumerate(CHARACTERS, start=3)}


def numbered(pairs):
    """Each name as a row of numbers (n + 2,), with 1 at both ends."""
    return [torch.tensor([1, *(character_number.get(c, 2) for c in name), 1]) for name, _ in pairs]


train_rows = numbered(names.train)
lengths = torch.tensor([len(row) - 1 for row in train_rows])  # steps: one for each token but the last
print(f"{len(lengths):,} names, {lengths.sum():,} steps, a name has from {lengths.min()} to {lengths.max()}", end="")
print(f", on average {lengths.float().mean():.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# If you mask with x == 0, make sure that 0 never stands for a real token: unknown characters have a number of their own here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What padding costs
#
# A batch of $B$ sequences of lengths $n_b$ takes $B \cdot \max_b n_b$ steps, of which $\sum_b n_b$ are real. Waste is the share that is not; `name_batches` is notebook 3's:

# %% tags=["topic-E5"]
def waste(batches):
    """The share of padding in batches, given as row numbers."""
    padded = sum(len(rows) * lengths[rows].max() for rows in batches)
    return 1 - (sum(lengths[rows].sum() for rows in batches) / padded).item()


N = len(lengths)
for how, batches in {
    "all in one batch": [torch.arange(N)],
    "64 at random": torch.randperm(N).split(64),
    "64 of similar length": list(name_batches(lengths, 64)),
    "one at a time": torch.arange(N).split(1),
}.items():
    print(f"{how:21} {waste(batches):4.0%} padding in {len(batches):6,} batches")

# %% [markdown] slideshow={"slide_type": "notes"}
# One at a time wastes nothing, and is slow, as a later slide shows. Buckets are almost as good. Their order is random, and neighbours change from epoch to epoch: otherwise a network could get used to an order.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Packing: the steps, one after the other
#
# `pack_padded_sequence` stores the first characters of all names, then all second ones, …, and how many names are still read at each step:

# %% tags=["topic-E5", "nbval-check-output"]
three = [torch.tensor([4, 5]), torch.tensor([6, 7, 8, 9]), torch.tensor([10])]
table = pad_sequence(three, batch_first=True)
packed = pack_padded_sequence(table, lengths=[2, 4, 1], batch_first=True, enforce_sorted=False)
print("padded:", table.tolist())
print("packed:", packed.data.tolist(), "  still read at each step:", packed.batch_sizes.tolist())
unpacked, n = pad_packed_sequence(packed, batch_first=True)
print("and back:", torch.equal(unpacked, table), n.tolist())

# %% [markdown]
# Inside, the sequences are sorted by length. With `enforce_sorted=False` PyTorch sorts them, and puts the results back in your order.

# %% [markdown] slideshow={"slide_type": "notes"}
# Work it out on the board: first column 6, 4, 10; second 7, 5; third 8; fourth 9.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Padding changes no state, if one reads the right one
#
# Each name alone, in one padded table, and packed. The states must be equal; but what does `h_n` hold?

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(0)
V, E, H = len(CHARACTERS) + 3, 32, 64
C, reader = nn.Embedding(V, E, padding_idx=0).double(), nn.LSTM(E, H, batch_first=True).double()

# %% tags=["topic-E5", "nbval-check-output"]
rows = [row[:-1] for row in train_rows[:20]]
n = torch.tensor([len(row) for row in rows])
alone = torch.cat([reader(C(row[None]))[1][0][0] for row in rows])  # (20, H)

x = C(pad_sequence(rows, batch_first=True))
states, (h_n, _) = reader(x)
in_pack = reader(pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False))[1][0][0]
kinds = {
    "padded, state at each name's own last step": states[torch.arange(20), n - 1],
    "packed, h_n": in_pack,
    "padded, h_n": h_n[0],
}
for kind, state in kinds.items():
    print(f"{kind:43} equal to 1e-12: {(state - alone).abs().max().item() < 1e-12}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The last line is the trap: without packing, h_n has read the padding as well, even though its vector is zero. A cell that reads zeros still moves. A chain that reads from the right begins in the padding: notebook 6 needs packing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What it costs in seconds
#
# Forwards and backwards through an LSTM, per 1,000 names:

# %% slideshow={"slide_type": "skip"}
def seconds_for(batches, pack, repeats=2):
    """Seconds to read batches, forwards and backwards; the best of some repeats."""
    torch.manual_seed(0)
    C, reader = nn.Embedding(V, 64), nn.LSTM(64, 128, batch_first=True)
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        for rows in batches:
            x = C(pad_sequence([train_rows[i] for i in rows], batch_first=True))
            if pack:
                x = pack_padded_sequence(x, lengths[rows] + 1, batch_first=True, enforce_sorted=False)
            states, _ = reader(x)
            (states.data if pack else states).sum().backward()
        best = min(best, time.perf_counter() - start)
    return best

# %% tags=["topic-E5", "volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ from machine to machine"
some = torch.randperm(N)[:256]
in_buckets = [some[rows] for rows in name_batches(lengths[some], 64)]
for how, batches, pack in (
    ("one at a time", some[:60].split(1), False),
    ("64 at random, padded", some.split(64), False),
    ("64 at random, packed", some.split(64), True),
    ("64 of similar length, padded", in_buckets, False),
    ("64 of similar length, packed", in_buckets, True),
):
    read = sum(map(len, batches))
    print(f"{how:29} {1000 * seconds_for(batches, pack) / read:6.2f} s")

# %% [markdown] slideshow={"slide_type": "notes"}
# Seconds are this machine's. Batching gains most, then the buckets; once the lengths are similar, packing need not pay on a CPU.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 4 · The mean that ignores padding
#
# `losses` (B, T) holds a loss for each step of padded sequences, `length` (B,) their true lengths, both NumPy arrays. Return the mean loss per real token. **Predict:** the mean over the whole table instead: too high or too low?
#
# <details><summary>Answer</summary>It depends on the losses at the padding. If they are set to 0, as PyTorch does with <code>ignore_index</code> and <code>reduction="none"</code>, the mean is too low, and the lower the more padding there is.</details>

# %% tags=["exercise-4-stub"]
def mean_loss(losses, length):
    """The mean loss of the real steps, from losses (B, T) and lengths (B,)."""
    return ...

# %% tags=["exercise-4-check"] slideshow={"slide_type": "skip"}
def check_mean_loss(attempt):
    """Try an attempt on sequences of different lengths, with something at the padding."""
    rng = np.random.default_rng(4)
    table = np.array([[1.0, 9.0, 9.0], [3.0, 8.0, 9.0]])
    losses, length = 1 + rng.random((3, 5)), np.array([2, 5, 1])
    others, lengths = 3 * rng.random((4, 6)), np.array([3, 6, 2, 4])

    def real(losses, length):
        return np.arange(losses.shape[1]) < length[:, None]

    def mean(losses, length, shift=0):
        return losses[real(losses, length + shift)].mean()

    return check(
        attempt,
        cases=[((given, n), mean(given, n)) for given, n in ((table, np.array([1, 2])), (losses, length), (others, lengths))],
        misconceptions={
            "this is the mean over the whole table, padding included": lambda losses, length: losses.mean(),
            "this counts every sequence alike, whatever its length: sum over all real steps, then divide once": (
                lambda losses, length: np.mean([row[:n].mean() for row, n in zip(losses, length)])
            ),
            "divide by the number of real steps, not by the size of the table": (
                lambda losses, length: (losses * real(losses, length)).mean()
            ),
            "divide by the number of real steps, not of sequences": (
                lambda losses, length: (losses * real(losses, length)).sum() / len(losses)
            ),
            "this is the sum; asked for is the mean": lambda losses, length: (losses * real(losses, length)).sum(),
            "one step too many: a sequence of length n has the steps 0 … n − 1": (
                lambda losses, length: mean(losses, length, shift=1)
            ),
            "one step too few: a sequence of length n has n steps": (
                lambda losses, length: losses[real(losses, length - 1)].mean()
            ),
            "the sum still contains the padding": lambda losses, length: losses.sum() / length.sum(),
            "this is a mean for each sequence; asked for is one number": (
                lambda losses, length: (losses * real(losses, length)).sum(axis=1) / length
            ),
            "this is the last real step only": (
                lambda losses, length: losses[np.arange(len(length)), length - 1].mean()
            ),
            "one step too many in the sum: a sequence of length n has the steps 0 … n − 1": (
                lambda losses, length: (losses * real(losses, length + 1)).sum() / length.sum()
            ),
            "one step too few in the sum: a sequence of length n has n steps": (
                lambda losses, length: (losses * real(losses, length - 1)).sum() / length.sum()
            ),
            "the sum of each row contains its padding": (
                lambda losses, length: (losses.sum(axis=1) / length).mean()
            ),
            "real steps are cut off: the sequences have different lengths": (
                lambda losses, length: losses[:, : length.min()].mean()
            ),
            "the mask is the wrong way round: these are the steps of the padding": (
                lambda losses, length: losses[~real(losses, length)].mean()
            ),
        },
    )


check_mean_loss(mean_loss)

# %% tags=["exercise-4-solution"] slideshow={"slide_type": "skip"}
def mean_loss_solution(losses, length):
    """The mean loss of the real steps, from losses (B, T) and lengths (B,)."""
    real = np.arange(losses.shape[1]) < length[:, None]
    return losses[real].mean()


check_mean_loss(mean_loss_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The comparison of a row with a column makes the mask: step number against length. Most wrong answers come out plausible; only a test with different lengths shows them.

# %% [markdown] slideshow={"slide_type": "skip"}
# A small model to test on. It need not be good, but it must be trained a little, so that its losses differ from name to name. In PyTorch, `ignore_index=0` leaves out the targets that are padding.

# %% slideshow={"slide_type": "skip"}
class NameLM(nn.Module):
    """Character numbers (B, T) give scores (B, T, V) of the next character."""

    def __init__(self, V, E, H):
        super().__init__()
        self.C, self.lstm = nn.Embedding(V, E, padding_idx=0), nn.LSTM(E, H, batch_first=True)
        self.output_layer = nn.Linear(H, V)

    def forward(self, x):
        return self.output_layer(self.lstm(self.C(x))[0])


def padded(rows):
    """Inputs and targets (B, T) of numbered names, the targets one step later."""
    table = pad_sequence(rows, batch_first=True)
    ended = pad_sequence([row[:-1] for row in rows], batch_first=True)
    return ended, table[:, 1:]

# %% slideshow={"slide_type": "skip"}
torch.manual_seed(0)
name_lm = NameLM(V, E=32, H=64)
optimizer = torch.optim.Adam(name_lm.parameters(), lr=0.01)
for rows in name_batches(lengths, 64):
    x, y = padded([train_rows[i] for i in rows])
    optimizer.zero_grad()
    cross_entropy(name_lm(x).flatten(0, 1), y.flatten(), ignore_index=0).backward()
    optimizer.step()
print(f"last batch: {cross_entropy(name_lm(x).flatten(0, 1), y.flatten(), ignore_index=0):.2f} nats per character", end="")
print(f", uniform {math.log(V):.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Sums, not means of means
#
# The validation loss of a model must not depend on how the names were put into batches. A language model of the names, trained in one pass (`ignore_index=0` leaves out targets that are padding), and two ways to average:

# %% slideshow={"slide_type": "skip"}
name_lm = name_lm.double()
rows_to_test = numbered(names.validation[:600])
n = torch.tensor([len(row) - 1 for row in rows_to_test])


def tested(batches):
    """For each batch: sum of the losses, right predictions and number of real tokens."""
    with torch.no_grad():
        for rows in batches:
            x, y = padded([rows_to_test[i] for i in rows])
            scores = name_lm(x)
            loss = cross_entropy(scores.flatten(0, 1), y.flatten(), ignore_index=0, reduction="sum")
            yield loss.item(), (scores.argmax(dim=2) == y)[y != 0].sum().item(), (y != 0).sum().item()

# %% tags=["topic-E5"]
ways = {
    "one at a time": list(tested(torch.arange(len(n)).split(1))),
    "64 at random": list(tested(torch.randperm(len(n)).split(64))),
    "64 of similar length": list(tested(name_batches(n, 64))),
    "300 of similar length": list(tested(name_batches(n, 300))),
}
print("nats per character     mean of batch means   sum / tokens")
by_token, right = {}, {}
for how, batches in ways.items():
    losses, hits, tokens = map(np.array, zip(*batches))
    by_token[how], right[how] = losses.sum() / tokens.sum(), hits.sum() / tokens.sum()
    print(f"{how:22} {np.mean(losses / tokens):19.4f} {by_token[how]:14.4f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The mean of batch means counts a token in a batch of short names more than one in a batch of long names. One name at a time, that is a mean over names instead of characters; here it happens to be close. The difference changes with the batch size: numbers of two papers with different batches are then no longer comparable.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Nothing may change
#
# What must be invariant to padding and to the company of a sequence in its batch, in float64 to 1e-12:

# %% slideshow={"slide_type": "skip"}
def gradient(batches, extra=0):
    """The gradient of the mean loss per token with respect to all weights, flat; extra columns of padding."""
    name_lm.zero_grad()
    for rows in batches:
        x, y = padded([rows_to_test[i] for i in rows])
        x, y = (nn.functional.pad(a, (0, extra)) for a in (x, y))
        cross_entropy(name_lm(x).flatten(0, 1), y.flatten(), ignore_index=0, reduction="sum").backward()
    return torch.cat([p.grad.flatten() for p in name_lm.parameters()]) / sum(n[rows].sum() for rows in batches)

# %% tags=["topic-E5", "nbval-check-output"]
means = [np.mean([loss / tokens for loss, _, tokens in batches]) for batches in ways.values()]
hundred, one_by_one = torch.arange(100), torch.arange(100).split(1)
differences = {
    "loss per token, four ways of batching": np.ptp(list(by_token.values())),
    "accuracy, four ways": np.ptp(list(right.values())),
    "gradient, alone and together": (gradient([hundred]) - gradient(one_by_one)).abs().max(),
    "gradient, seven more columns": (gradient([hundred], extra=7) - gradient([hundred])).abs().max(),
    "mean of batch means, four ways": np.ptp(means),
}
for what, difference in differences.items():
    print(f"{what:38} equal to 1e-12: {bool(difference < 1e-12)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Make this cell a habit: it catches a whole family of bugs. Perplexity is exp of the second column; no other average has that meaning.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A loop with a fault
#
# A long series is read window after window, the state carried along, by the smallest cell: $h \leftarrow w\,h + x$. Each window should account for *its own* steps only. `graph_size` counts the operations that autograd has on record:

# %% slideshow={"slide_type": "skip"}
def graph_size(*tensors):
    """The number of recorded operations that tensors can be traced back to."""
    waiting, seen = [a.grad_fn for a in tensors], set()
    while waiting:
        operation = waiting.pop()
        if operation is not None and operation not in seen:
            seen.add(operation)
            waiting.extend(before for before, _ in operation.next_functions)
    return len(seen)

# %% slideshow={"slide_type": "skip"}
def read_window(w, h, window):
    """The state after a window of inputs, from the state h before it."""
    for x in window:
        h = w * h + x
    return h

# %% [markdown] slideshow={"slide_type": "skip"}
# The loop:

# %%
def careless_gradients(w, windows):
    """For each window ∂h/∂w after it, and the number of operations on record."""
    w, h, found = torch.tensor(w, requires_grad=True), torch.tensor(0.0), []
    for window in windows:
        h = read_window(w, h, window)
        gradient = torch.autograd.grad(h, w, retain_graph=True)[0].item()
        found.append((round(gradient, 2), graph_size(h)))
    return found

# %% tags=["topic-E6", "nbval-check-output"]
print("(∂h/∂w, operations):", *careless_gradients(0.9, 5 * [[1.0, 1.0, 1.0, 1.0]]))

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing fails here. The record grows with each window until the memory is full, the time of each backward pass grows with it, and the gradient is that of the whole past. An evaluation loop without no_grad shows the same growth if it carries the state along, or sums the losses as tensors.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same fault while training an LSTM
#
# With a step of the optimizer for each window; without and with common advice, to retain the graph:

# %%
def careless_training(retain):
    """Train an LSTM on six windows with a carried state; return what happens."""
    small, state = nn.LSTM(4, 8, batch_first=True), None
    optimizer = torch.optim.SGD(small.parameters(), lr=0.1)
    try:
        for x in torch.randn(6, 2, 16, 4):
            states, state = small(x, state)
            optimizer.zero_grad()
            states.square().mean().backward(retain_graph=retain)
            optimizer.step()
    except RuntimeError as error:
        return str(error)


# %% tags=["topic-E6"]
for retain in (False, True):
    print(f"retain_graph={retain}: {careless_training(retain)[:64]} …")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
sizes = [size for _, size in careless_gradients(0.9, 5 * [[1.0, 1.0, 1.0, 1.0]])]
print("each window adds as many operations as the one before:", len(set(np.diff(sizes))) == 1)
print("a second backward pass is refused:        ", "backward through the graph a second time" in careless_training(False))
print("a kept graph does not fit the new weights:", "modified by an inplace operation" in careless_training(True))

# %% [markdown] slideshow={"slide_type": "notes"}
# The graph of the windows before is either gone, or it belongs to weights that the optimizer has changed since. Forums advise retain_graph=True: it keeps all graphs in memory, and the second message shows why it cannot work.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 5 · Find what is missing
#
# Write `careless_gradients` right: the same pairs, $\partial h / \partial w$ after each window and the number of operations on record, but where the state comes from the window before, its gradient does not. You may use `read_window` and `graph_size`; `w` is a number, `windows` a list of lists of numbers. **Predict:** how many operations will be on record then?
#
# <details><summary>Answer</summary>As many after each window as after the first: those of its own steps.</details>

# %% tags=["exercise-5-stub"]
def window_gradients(w, windows):
    """For each window ∂h/∂w after it, and the number of operations on record; the state is carried on, from 0."""
    return ...

# %% tags=["exercise-5-check"] slideshow={"slide_type": "skip"}
def check_window_gradients(attempt):
    """Try an attempt on windows of equal and of different lengths."""

    def gradients(w, windows, carry=lambda h, k: h.detach(), inside=lambda h: h, of=lambda w, before: w):
        w, h, found = torch.tensor(w, requires_grad=True), torch.tensor(0.0), []
        for k, window in enumerate(windows):
            h = before = carry(h, k)
            for x in window:
                h = w * inside(h) + x
            found.append((torch.autograd.grad(h, of(w, before), retain_graph=True)[0].item(), graph_size(h)))
        return found

    def with_own(w, windows, numbers):
        """The numbers of a mistake beside the right numbers of operations."""
        return [(number, size) for number, (_, size) in zip(numbers, gradients(w, windows))]

    def slopes(w, windows):
        return [slope for slope, _ in gradients(w, windows)]

    def states(w, windows):
        h = 0.0
        return [h := read_window(w, h, window) for window in windows]

    def weights_apart(w, windows):
        h, sizes = torch.tensor(0.0), []
        for window in windows:
            h = read_window(torch.tensor(w, requires_grad=True), h, window)
            sizes.append(graph_size(h))
        return list(zip(slopes(w, windows), sizes))

    cases = [(2.0, [[1.0, 1.0], [1.0]]), (0.5, [[2.0, 4.0, 8.0], [4.0, 4.0]]), (-1.0, [[2.0, 4.0], [1.0, 1.0, 3.0], [5.0, 2.0]])]
    return check(
        attempt,
        cases=[(arguments, gradients(*arguments)) for arguments in cases],
        tolerance=1e-4,
        misconceptions={
            "this is the careless loop: the gradient runs back through all windows": lambda w, windows: gradients(w, windows, carry=lambda h, k: h),
            "a state of zero throws the context away: keep its value, cut its gradient": lambda w, windows: gradients(w, windows, carry=lambda h, k: 0 * h.detach()),
            "inside a window the gradient must pass from step to step: detach between windows only": lambda w, windows: gradients(w, windows, inside=lambda h: h.detach()),
            "cut before every window, not only before the second": lambda w, windows: gradients(w, windows, carry=lambda h, k: h.detach() if k == 1 else h),
            "these are running sums: gradients of earlier windows were not set to zero": lambda w, windows: with_own(w, windows, np.cumsum(slopes(w, windows)).tolist()),
            "this is one tensor again and again, and in the end it holds the sum: take its number each time, w.grad.item(), and set it to zero": (
                lambda w, windows: with_own(w, windows, len(windows) * [sum(slopes(w, windows))])
            ),
            "this is one tensor again and again, and in the end it holds the last gradient: take its number each time, w.grad.item()": (
                lambda w, windows: with_own(w, windows, len(windows) * slopes(w, windows)[-1:])
            ),
            "these are the states; asked for are their derivatives with respect to w": lambda w, windows: with_own(w, windows, states(w, windows)),
            "this is the derivative with respect to the carried state; asked for is that with respect to w": (
                lambda w, windows: gradients(
                    w, windows, carry=lambda h, k: h.detach().requires_grad_(), of=lambda w, before: before
                )
            ),
            "one pair for each window, not only for the last one": lambda w, windows: gradients(w, windows)[-1],
            "the gradients are right; beside each, its number of operations is asked for": slopes,
            "the gradients are right, but the record grows: a new w does not let go of the windows before; cut the state, h.detach()": weights_apart,
            "the gradients are right, and one operation is too many: the carried state needs no gradient, detach() is enough": (
                lambda w, windows: gradients(w, windows, carry=lambda h, k: h.detach().requires_grad_())
            ),
            "PyTorch refuses: either the graph of the windows before is gone (cut it: h = h.detach(), with the assignment), or you have cut the present window, too": (
                lambda w, windows: torch.autograd.grad(torch.tensor(w), torch.tensor(w))
            ),
        },
    )


check_window_gradients(window_gradients)

# %% tags=["exercise-5-solution"] slideshow={"slide_type": "skip"}
def window_gradients_solution(w, windows):
    """For each window ∂h/∂w after it, and the number of operations on record; the state is carried on, from 0."""
    w, h, found = torch.tensor(w, requires_grad=True), torch.tensor(0.0), []
    for window in windows:
        h = read_window(w, h.detach(), window)
        found.append((torch.autograd.grad(h, w)[0].item(), graph_size(h)))
    return found


check_window_gradients(window_gradients_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# One word, detach: it keeps the value and cuts the gradient, which is truncated backpropagation through time, notebook 4. For an LSTM both h and c must be detached. Setting the state to zero, as some tutorials do, also stops the error, and throws the context away.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The language model: RNN, GRU or LSTM
#
# The model of notebook 3 with any of the three cells, each state normalised before the output layer (`nn.LayerNorm`: mean 0, standard deviation 1, then gains and biases). `detach_state` is exercise 5 for all three.

# %% tags=["topic-E6"]
class LM(nn.Module):
    """With any cell: word numbers (B, T) and a state give scores (B, T, V) and the next state."""

    def __init__(self, cell, V, E, H):
        super().__init__()
        self.C, self.rnn = nn.Embedding(V, E), cell(E, H, batch_first=True)
        self.norm, self.output_layer = nn.LayerNorm(H), nn.Linear(H, V)
        nn.init.normal_(self.C.weight, std=0.1)

    def forward(self, x, state=None):
        states, state = self.rnn(self.C(x), state)
        return self.output_layer(self.norm(states)), state

# %% tags=["export"]
def detach_state(state):
    """The same state without its past: a tensor, or for nn.LSTM the pair (h, c)."""
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()

# %% [markdown] slideshow={"slide_type": "notes"}
# The same class for all three, so that nothing else differs. This normalises what the output layer sees; the LayerNorm cell of notebook 4 normalises inside.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The training loop
#
# State carried and detached, gradient clipped to norm 1, a rate that rises and then falls to 0; AdamW with $\beta_1 = 0$, without momentum:

# %% tags=["topic-E6"]
def training(model, ids, B, T, epochs, lr, weight_decay):
    """Fit a language model to a stream, the state carried on; yields after each step the number of passes so far."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.0, 0.999), weight_decay=weight_decay, fused=True)
    windows = math.ceil((len(ids) - 1) // B / T)
    schedule = lr_schedule(optimizer, lr, epochs * windows)
    for epoch in range(epochs):
        state = None
        for step, (x, y) in enumerate(stream_batches(ids, B, T), start=1):
            scores, state = model(x, state)
            state = detach_state(state)
            optimizer.zero_grad()
            cross_entropy(scores.flatten(0, 1), y.flatten()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            yield epoch + step / windows

# %% [markdown] slideshow={"slide_type": "notes"}
# Line by line what exercise 5 and notebook 4 ask for. Without momentum all three cells did better on the validation text of the prose. It is a generator: whoever calls it may look at the model between two steps, and may stop.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Early stopping
#
# Look at the validation text regularly, keep the best weights, and stop when several looks in a row found nothing better:

# %% tags=["topic-E6"]
def fit_lm(model, ids, validation, checks, patience=math.inf, **settings):
    """Train, check on a validation stream some times a pass, end with the best weights; returns the checks.

    A check is (passes, seconds, perplexity). Training stops when the best check is `patience` checks ago.
    """
    curve, start = [], time.perf_counter()
    for passes in training(model, ids, **settings):
        if passes * checks >= len(curve) + 1:
            curve.append((passes, time.perf_counter() - start, stream_perplexity(model, validation)))
            best = min(range(len(curve)), key=lambda check: curve[check][2])
            if best == len(curve) - 1:
                weights = copy.deepcopy(model.state_dict())
            elif best < len(curve) - patience:
                break
    model.load_state_dict(weights)
    return curve

# %% [markdown] slideshow={"slide_type": "notes"}
# Two subtleties: the weights must be copied, not referred to, and it is the validation text that decides, never the test text.

# %% slideshow={"slide_type": "skip"}
grammar = load_grammar("english")
sampled = grammar.sample(12_000, seed=0)
toy = {"train": sampled[:10_000], "validation": sampled[10_000:11_000], "test": sampled[11_000:11_500]}
toy = replace_rare(toy, min_count=1)
toy_words = [*sorted(vocabulary(toy["train"])), BOS]
toy_number = {word: number for number, word in enumerate(toy_words)}
toy_streams = {part: stream(corpus, toy_number) for part, corpus in toy.items()}


def lm_units(cell, V, E, budget):
    """The number of units with which an LM has as many parameters as possible within a budget."""
    H = 1
    while parameter_count(LM(cell, V, E, H + 1)) <= budget:
        H += 1
    return H

# %% [markdown] slideshow={"slide_type": "skip"}
# The smallest training text that shows overfitting well: 200 sentences.

# %% slideshow={"slide_type": "skip"}
few = stream(toy["train"][:200], toy_number)
curves = {}
for kind, cell in KINDS.items():
    torch.manual_seed(0)
    model = LM(cell, 45, 16, lm_units(cell, 45, 16, budget=9000))
    settings = {"B": 16, "T": 16, "epochs": 20, "lr": 0.02, "weight_decay": 0.01}
    curves[kind] = fit_lm(model, few, toy_streams["validation"][:1501], checks=1, **settings)


def plot_early_stopping():
    """Draw the validation perplexity of the three models against the epoch, the best check marked."""
    fig, ax = plt.subplots(figsize=(8.6, 3.2))
    for (kind, curve), line in zip(curves.items(), ("-.", "--", "-")):
        perplexities = [perplexity for _, _, perplexity in curve]
        best = int(np.argmin(perplexities))
        ax.plot(range(1, 21), perplexities, line, color=COLOR[kind.lower()], label=kind)
        ax.plot(best + 1, perplexities[best], "o", color=COLOR[kind.lower()])
    floor = grammar.perplexity(toy["validation"])
    ax.axhline(floor, color=COLOR["floor"], lw=1)
    ax.annotate("true model", (20, floor), va="bottom", ha="right")
    ax.set(xlabel="epoch", ylabel="validation perplexity", ylim=(5.5, 11), xticks=range(0, 21, 5))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where to stop
#
# Only 200 sentences of the grammar, read twenty times; as many parameters for each. Dots: the weights that `fit_lm` keeps.

# %% tags=["topic-E6", "output-only"]
show(plot_early_stopping(), "After some epochs each model stops improving on new text; the dots are what early stopping keeps.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
for kind, curve in curves.items():
    perplexities = [perplexity for _, _, perplexity in curve]
    print(f"{kind:4} the last epoch is worse than the best one:", perplexities[-1] > 1.005 * min(perplexities))
torch.manual_seed(0)
model = LM(nn.RNN, 45, 16, 20)
curve = fit_lm(model, few, toy_streams["validation"][:1501], checks=1, patience=1, **settings)
best = min(perplexity for _, _, perplexity in curve)
kept = stream_perplexity(model, toy_streams["validation"][:1501])
print("with patience it stops early:", len(curve) < 20, "  and the best weights are kept:", math.isclose(kept, best, rel_tol=1e-5))

# %% [markdown] slideshow={"slide_type": "notes"}
# With patience 3 the training would have ended three epochs after the dot. One seed each: the curves tell where to stop, not which cell is best.

# %% slideshow={"slide_type": "skip"}
SEEDS = (0, 1, 2)
toy_settings = {"B": 32, "T": 16, "epochs": 1, "weight_decay": 0.01}
toy_models, toy_results = {}, {}
for kind, cell in KINDS.items():
    H = lm_units(cell, 45, 16, budget=9000)
    toy_models[kind], toy_results[kind] = [], []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = LM(cell, 45, 16, H)
        for _ in training(model, toy_streams["train"], lr=0.03, **toy_settings):
            pass
        toy_models[kind].append(model)
        toy_results[kind].append(stream_perplexity(model, toy_streams["test"]))

# %% slideshow={"slide_type": "skip"}
counts = count_ngrams(toy["train"], 5)
toy_kn = kneser_ney(counts, 5, estimate_discount(counts))
torch.manual_seed(0)
toy_window = window_model(45, 16, 64, 6)
train(toy_window, *windows(toy["train"], 6, toy_number), 512, 1, lr=0.02, weight_decay=0.01)
of_window = math.exp(-log_probs(toy_window, *windows(toy["test"], 6, toy_number)).mean())

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The grammar: equal parameters
#
# All 10,000 sentences, one pass for each network; mean ± standard deviation of three seeds for the recurrent ones. Test perplexity per token:

# %% tags=["topic-E6"]
print(f"uniform               {45:5.2f}")
print(f"Kneser–Ney, n = 5     {perplexity(toy_kn, toy['test']):5.2f}")
print(f"window, n = 6         {of_window:5.2f}          {parameter_count(toy_window):,} parameters")
for kind, values in toy_results.items():
    model = toy_models[kind][0]
    print(f"{kind:4} {model.rnn.hidden_size} units         {np.mean(values):5.2f} ± {np.std(values, ddof=1):.2f}", end="")
    print(f"   {parameter_count(model):,} parameters")
floor = grammar.perplexity(toy["test"])
print(f"true model            {floor:5.2f}          in expectation {grammar.optimal_perplexity():.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
worst, best = ({kind: pick(values) for kind, values in toy_results.items()} for pick in (max, min))
print("GRU and LSTM beat the plain cell for every seed:", max(worst["GRU"], worst["LSTM"]) < best["RNN"])
print("all stay within 11 % of the true model:         ", max(worst.values()) < 1.11 * floor)
print("all beat Kneser–Ney:                            ", max(worst.values()) < perplexity(toy_kn, toy["test"]))

# %% [markdown] slideshow={"slide_type": "notes"}
# With half as many units, the LSTM is ahead after one pass. Notebook 3 gave the plain cell four passes: it came as near to the floor as these.

# %% slideshow={"slide_type": "skip"}
prose = replace_rare(load_prose(seed=0)._asdict(), min_count=2)
prose_words = [*sorted(vocabulary(prose["train"])), BOS]
prose_number = {word: number for number, word in enumerate(prose_words)}
prose_streams = {part: stream(corpus, prose_number) for part, corpus in prose.items()}
V = len(prose_words) - 1


def start_from_frequencies(model, ids):
    """Set the bias of the output layer to the log of the words' frequencies in a stream (each counted once more)."""
    counts = torch.bincount(ids[1:], minlength=model.output_layer.out_features) + 1
    with torch.no_grad():
        model.output_layer.bias.copy_(torch.log(counts / counts.sum()))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Real text
#
# The prose of notebooks 1 to 3, one pass, one seed, equal parameters. The bias of the output layer starts with the words' frequencies.

# %% tags=["topic-E6"]
settings = {"B": 32, "T": 8, "epochs": 1, "lr": 0.015, "weight_decay": 0.05}
prose_results, prose_curves = {}, {}
for kind, H in (("RNN", 52), ("GRU", 49), ("LSTM", 48)):
    torch.manual_seed(0)
    model = LM(KINDS[kind], V, 64, H)
    start_from_frequencies(model, prose_streams["train"])
    prose_curves[kind] = fit_lm(model, prose_streams["train"], prose_streams["validation"][:2001], checks=8, **settings)
    prose_results[kind] = parameter_count(model), stream_perplexity(model, prose_streams["test"])

# %% tags=["output-only"]
counts = count_ngrams(prose["train"], 5)
prose_kn = perplexity(kneser_ney(counts, 5, estimate_discount(counts)), prose["test"])
print(f"prose, test perplexity per token; uniform {V}, floor unknown\n")
print(f"Kneser–Ney, n = 5              {prose_kn:4.0f}")
for kind, (size, value) in prose_results.items():
    print(f"{kind:5} one pass                 {value:4.0f}   {size:,} parameters")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
of_rnn, of_gru, of_lstm = (value for _, value in prose_results.values())
print("LSTM and GRU beat the plain cell by more than 3 %:", 1.03 * max(of_lstm, of_gru) < of_rnn)
print("and Kneser–Ney:                                   ", max(of_lstm, of_gru) < prose_kn)

# %% [markdown]
# Both gated cells are ahead of careful counting after a single pass; the plain cell is behind.

# %% [markdown] slideshow={"slide_type": "notes"}
# The hyperparameters were chosen on the validation text. One seed each here; `make bench` takes three. LSTM and GRU are too close for one seed to order them. Notebook 2's window model came to about 90 with more parameters and two passes (`make bench`).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal seconds
#
# The same three runs, seen by the clock: the last check within the seconds that the fastest needed for the pass, on 2,000 tokens of validation text.

# %% tags=["topic-E6", "volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ from machine to machine"
limit = min(curve[-1][1] for curve in prose_curves.values())
for kind, curve in prose_curves.items():
    passes, seconds, value = [one for one in curve if one[1] <= limit][-1]
    print(f"{kind:4} after {seconds:4.1f} s: {passes:.0%} of the text read, validation perplexity {value:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Seconds depend on the machine and on how well the library has tuned a cell: on many CPUs PyTorch has a fused kernel for the LSTM only. The learning rate was planned for a whole pass, so a run that is cut off is at a disadvantage.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What do the gates do while reading?
#
# `nn.LSTM` does not show its gates. But it shows its states, and from an input and the state before it the gates follow (`gates_of`). Do they lead to the same states?

# %% tags=["export"]
def gates_of(lstm, x):
    """Gates i, f, o and candidate g (B, T, H) of a torch.nn.LSTM of one layer that reads x (B, T, E) from zero."""
    W, b = weights_of(lstm)
    with torch.no_grad():
        before = nn.functional.pad(lstm(x)[0][:, :-1], (0, 0, 1, 0))  # the state that each step starts from
        i, f, g, o = (torch.cat([x, before], dim=2) @ W + b).chunk(4, dim=2)
        return {"i": torch.sigmoid(i), "f": torch.sigmoid(f), "g": torch.tanh(g), "o": torch.sigmoid(o)}

# %% tags=["topic-E1", "nbval-check-output"]
toy_lstm = toy_models["LSTM"][0]
ids = toy_streams["test"][None, :400]
with torch.no_grad():
    x = toy_lstm.C(ids)
    states, _ = toy_lstm.rnn(x)
gates, c, ours = gates_of(toy_lstm.rnn, x), 0, []
for t in range(400):
    c = gates["f"][:, t] * c + gates["i"][:, t] * gates["g"][:, t]
    ours.append(gates["o"][:, t] * torch.tanh(c))
equal = torch.allclose(torch.stack(ours, dim=1), states, atol=1e-4)
print("with these gates the four formulas give all 400 states of the LSTM:", equal)

# %% [markdown] slideshow={"slide_type": "notes"}
# Four hundred steps with recovered gates, and every state comes out the same: the gates are right.

# %% slideshow={"slide_type": "skip"}
sentence = "the cats that the young dog sees follow some poets".split()


def plot_gates(sentence):
    """Draw the forget and the input gates of the grammar's LSTM over a sentence, after another sentence."""
    before = stream(toy["test"][:1], toy_number)
    ids = torch.cat([before, torch.tensor([toy_number[word] for word in sentence])])
    with torch.no_grad():
        gates = gates_of(toy_lstm.rnn, toy_lstm.C(ids[None]))
    start = len(before) - 1  # EOS
    order = gates["f"][0, start + 1 :].mean(dim=0).argsort(descending=True)
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.7), sharey=True)
    for ax, name, what in zip(axes, "fi", ("forget gate: keeps", "input gate: writes")):
        table = gates[name][0, start:, order].T
        image = ax.imshow(table, aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
        ax.set_xticks(range(len(sentence) + 1), labels=["EOS", *sentence], rotation=60, ha="right", fontsize=10)
        ax.set_title(what)
        ax.grid(False)
    axes[0].set(ylabel="unit, best keepers on top", yticks=())
    fig.colorbar(image, ax=axes, label="gate", shrink=0.8)
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Gates over a sentence
#
# The grammar's LSTM of the first start; one column for each word that is read, one row for each unit:

# %% tags=["topic-E1", "output-only"]
show(plot_gates(sentence), "The units that keep most inside a sentence (top) close their forget gates at EOS: the old sentence is cleared away.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Let the room describe columns before rows. At EOS the top rows of the left picture are dark: these units forget, and the right picture shows what is written instead. This is the gate that the cell of 1997 did not have.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is it so for every seed?
#
# For the eight of 32 units that keep most inside sentences of the validation text, and for all units, over 4,000 tokens of test text:

# %% tags=["topic-E1"]
keepers = []
for seed, model in enumerate(toy_models["LSTM"]):
    means = {}
    for part in ("validation", "test"):
        ids = toy_streams[part][None, :4000]
        f, at_eos = gates_of(model.rnn, model.C(ids).detach())["f"][0], ids[0] == toy_number[EOS]
        means[part] = f[~at_eos].mean(dim=0), f[at_eos].mean(dim=0)
    best = means["validation"][0].argsort(descending=True)[:8]
    inside, at_end = means["test"]
    keepers.append((inside[best].mean().item(), at_end[best].mean().item()))
    print(f"seed {seed}: forget gate of the eight keepers {keepers[-1][0]:.2f}, at EOS {keepers[-1][1]:.2f}", end="")
    print(f"   all units {inside.mean():.2f}, at EOS {at_end.mean():.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("at EOS the keepers' forget gates are half as open or less, for every seed:", all(b < a / 2 for a, b in keepers))

# %% [markdown] slideshow={"slide_type": "notes"}
# A picture shows one sentence and one seed; a statement needs all of them, and a number. The direct path from before EOS is nearly cut for these units. Nobody told the network to forget there; sentences are independent here, so the past is useless, and the gates say so.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A unit that counts
#
# Notebook 0's cell was `h + {"(": 1, ")": -1}[x]`. Can an LSTM find it by itself? Input: random brackets. Wanted, after each: were *more opened*, *as many*, or *more closed* so far? Nobody tells it to count. (This is not yet balance: `)(` counts as equal.)

# %% tags=["topic-E1", "nbval-check-output"]
x, depth, y = bracket_strings(1, 12, seed=0)
print("x     ", " ".join(f"{'()'[k]:>3}" for k in x[0]))
print("depth ", " ".join(f"{k:3}" for k in depth[0]))
print("target", " ".join(f"{('clo', 'equ', 'opn')[k]}" for k in y[0]))

# %% [markdown] slideshow={"slide_type": "notes"}
# The answer is the sign of the depth, so a network that knows the depth has it. But it could also learn something else: let us look inside.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Train a small one
#
# Eight units, texts of 40 brackets, three random seeds. Then longer texts than it has ever seen:

# %% slideshow={"slide_type": "skip"}
class BracketReader(nn.Module):
    """Brackets (B, T) give scores (B, T, 3) of the three answers, and the state."""

    def __init__(self, H):
        super().__init__()
        self.C, self.lstm = nn.Embedding(2, 4), nn.LSTM(4, H, batch_first=True)
        self.output_layer = nn.Linear(H, 3)

    def forward(self, x):
        return self.output_layer(self.lstm(self.C(x))[0])

# %% slideshow={"slide_type": "skip"}
def train_on_brackets(seed, H=8, steps=300, B=64, T=40):
    """A BracketReader trained on random brackets, new ones at each step."""
    torch.manual_seed(seed)
    model = BracketReader(H)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, steps, pct_start=0.1)
    for step in range(steps):
        x, _, y = bracket_strings(B, T, seed=1_000_000 * (seed + 1) + step)
        optimizer.zero_grad()
        cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model


def share_of_right(answers, y):
    """The share of right answers, from scores (B, T, 3) and answers (B, T)."""
    return (answers.argmax(dim=2) == y).float().mean().item()

# %% tags=["topic-E1"]
readers = [train_on_brackets(seed) for seed in (0, 1, 2)]
for T in (40, 100, 300):
    x, _, y = bracket_strings(500, T, seed=1)
    with torch.no_grad():
        right = [share_of_right(reader(x), y) for reader in readers]
    print(f"T = {T:3}: right {np.mean(right):.1%} ± {np.std(right, ddof=1):.1%}, always “more opened” {(y == 2).float().mean():.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Trained on 40, it still does well on 300, where depths occur that it has never seen. A table of prefixes could not do that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Find it: correlation
#
# `nn.LSTM` shows only the last memory. We run the trained weights through our own step, keep all memories, and compare each unit with the depth:

# %% slideshow={"slide_type": "skip"}
def read_brackets(reader, x, unit=None, at=(0.0, 0.0)):
    """Memories, states (B, T, H), scores (B, T, 3) of a BracketReader; a unit's memory and state may be set to at."""
    weights, history = weights_of(reader.lstm, 0), []
    h, c = torch.zeros(2, len(x), reader.lstm.hidden_size).unbind()
    with torch.no_grad():
        for x_t in reader.C(x).unbind(dim=1):
            h, c = lstm_step(x_t, h, c, weights)
            if unit is not None:
                c[:, unit], h[:, unit] = at
            history.append((c, h))
        memories, states = (torch.stack(kind, dim=1) for kind in zip(*history))
        return memories, states, reader.output_layer(states)

# %% [markdown] slideshow={"slide_type": "skip"}
# Correlation with the depth, unit by unit:

# %% tags=["export"] slideshow={"slide_type": "skip"}
def correlations(memories, depth):
    """Correlation (H,) of each unit's memory with the depth, over all texts and steps."""
    table = torch.cat([memories.flatten(0, 1), depth.flatten()[:, None]], dim=1)
    return torch.corrcoef(table.T)[-1, :-1]

# %% tags=["topic-E1"]
x, depth, y = bracket_strings(300, 40, seed=2)
counters, best = [], []
for seed, reader in enumerate(readers):
    r = correlations(read_brackets(reader, x)[0], depth)
    counters.append(r.abs().argmax().item())
    best.append(r.abs().max().item())
    print(f"seed {seed}: correlation with the depth", " ".join(f"{a:5.2f}" for a in r), f"  unit {counters[-1]}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("for every seed a unit's memory follows the depth with a correlation above 0.9:", min(best) > 0.9)
with torch.no_grad():
    same_scores = [torch.allclose(reader(x), read_brackets(reader, x)[2], atol=1e-4) for reader in readers]
print("our step gives the same scores as nn.LSTM:", all(same_scores))

# %% [markdown] slideshow={"slide_type": "notes"}
# Several units follow the depth, one of them almost perfectly. The sign does not matter: minus one counts as well as plus one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Test it: ablation
#
# A correlation is not yet a use. Replace one unit by its average, hidden and cell state, for all texts and steps (**mean ablation**), and count the right answers:

# %% tags=["topic-E1"]
damage = []
for seed, (reader, counter) in enumerate(zip(readers, counters)):
    memories, states, scores = read_brackets(reader, x)
    averages = zip(memories.mean(dim=(0, 1)).tolist(), states.mean(dim=(0, 1)).tolist())
    right = [share_of_right(read_brackets(reader, x, k, at)[2], y) for k, at in enumerate(averages)]
    others = right[:counter] + right[counter + 1 :]
    damage.append((right[counter], np.mean(others)))
    print(f"seed {seed}: intact {share_of_right(scores, y):.0%}, unit {counter} ablated {right[counter]:.0%}", end="")
    print(f", others one by one {np.mean(others):.0%} ± {np.std(others, ddof=1):.0%}, worst {min(others):.0%}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("ablating it costs more than five points, for every seed:", max(a for a, _ in damage) < 0.95)

# %% [markdown]
# The count is spread over several units: where another unit's loss hurts more, the answer is read mainly from that one. Correlation finds candidates, ablation tells what is used.

# %% [markdown] slideshow={"slide_type": "notes"}
# A correlation above 0.9 alone proves little: the depth cut off at four would reach that, too. Karpathy and colleagues found such units in 2015 in networks that read a novel and source code: inside quotes, position in the line, depth of nesting.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How it counts
#
# The counting unit's gates and candidate, averaged over all texts and steps that read a bracket of each kind:

# %% tags=["topic-E1"]
all_gates = [gates_of(reader.lstm, reader.C(x).detach()) for reader in readers]
for seed, (gates, counter) in enumerate(zip(all_gates, counters)):
    for bracket, number in (("(", 0), (")", 1)):
        means = {name: a[:, :, counter][x == number].mean() for name, a in gates.items()}
        print(f"seed {seed}, {bracket}  ", "   ".join(f"{name} {mean:5.2f}" for name, mean in means.items()))

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
both_open, opposite = [], []
for gates, counter in zip(all_gates, counters):
    f, i, g = (gates[name][:, :, counter] for name in "fig")
    both_open.append(min(f.mean(), i.mean()).item())
    opposite.append((g[x == 0].mean() * g[x == 1].mean()).item())
print("forget and input gate are open, above 0.7, in all seeds: ", min(both_open) > 0.7)
print("the candidates of ( and ) have opposite signs:            ", max(opposite) < 0)

# %% [markdown]
# Forget gate and input gate both open, the candidate up for one bracket and down for the other: **add up**, the third setting of the two switches.

# %% [markdown] slideshow={"slide_type": "notes"}
# A leaky version of the program of notebook 0, found by gradient descent from nothing but right answers.

# %% slideshow={"slide_type": "skip"}
def count_depth(text, reader=0):
    """The true depth (T,) of a text of brackets, and the counting unit's memory on the scale of the depth."""
    memories, *_ = read_brackets(readers[reader], x)
    slope, start = np.polyfit(memories[:, :, counters[reader]].flatten(), depth.flatten(), 1)  # memory → depth
    ids = torch.tensor([["()".index(bracket) for bracket in text]])
    c = read_brackets(readers[reader], ids)[0][0, :, counters[reader]]
    return (1 - 2 * ids[0]).cumsum(dim=0), slope * c + start


def describe_count(text):
    """Print depth and memory of the counting unit, rounded, over a text of brackets."""
    true, memory = count_depth(text)
    for name, row in (("text", text), ("depth", true.tolist()), ("memory", [f"{m:.1f}" for m in memory.tolist()])):
        print(f"{name:7}" + "".join(f"{entry:>5}" for entry in row))


def plot_counter(text):
    """Draw the true depth of a text of brackets beside the memory of the counting unit."""
    true, memory = count_depth(text)
    fig, ax = plt.subplots(figsize=(8.6, 2.8))
    ax.step(range(len(text)), true, where="mid", color=COLOR["floor"], lw=1.5, label="depth")
    ax.plot(range(len(text)), memory, "o-", ms=4, color=COLOR["lstm"], label="memory, rescaled")
    ax.set_xticks(range(len(text)), labels=text)
    ax.set(xlabel="brackets read so far", ylabel="depth")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Watch it count
#
# One text; the memory is rescaled by one straight line fitted on other texts:

# %% tags=["topic-E1", "output-only"]
show(plot_counter("((()(()))())((((((((()))"), "The memory goes up at every ( and down at every ), like the depth.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Up and down by nearly equal steps: forget gate near 1, input gate near 1, candidate plus or minus something. The switches of the second slide.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Type brackets
#
# Is each step exactly 1? Try many opening brackets, or closing ones first. The first 18 brackets count, other characters are left out.

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
describe_count("(((((((((((((()))(")

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(text=Text("(((((((((((((()))(", description="text", continuous_update=False))
def count_brackets(text):
    """Print depth and memory of the counting unit over a text of the student's."""
    text = normalize("NFC", text)
    brackets = "".join(c for c in text if c in "()")[:18]
    if brackets:
        describe_count(brackets)
    else:
        print(f"There is no bracket in {text!r}: type ( or ).")

# %% [markdown] slideshow={"slide_type": "notes"}
# The unit counts in steps of its own, nearly equal ones. Only the sign of the depth was asked for, so nothing forced it to be exact.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - LSTM and GRU from scratch, equal to PyTorch's in outputs and gradients, and the dial that translates between conventions.
# - A direct path, the product of the forget gates: it mitigates vanishing gradients, as far as the gates are open.
# - Batches in which padding changes no loss, no state and no metric, and a test that says so.
# - A comparison at equal parameters, with several seeds: which cell is better depends on the task.
#
# **Next:** notebook 6 lets a second chain read from the right.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask each student for one sentence: what do gates change? A good answer names keeping, writing and showing, and says who decides.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - S. Hochreiter, J. Schmidhuber: *Long short-term memory.* Neural Computation 9, 1997.
# - F. A. Gers, J. Schmidhuber, F. Cummins: *Learning to forget: continual prediction with LSTM.* Neural Computation 12, 2000.
# - F. A. Gers, J. Schmidhuber: *Recurrent nets that time and count.* IJCNN 2000 (peepholes).
# - K. Cho et al.: *Learning phrase representations using RNN encoder–decoder for statistical machine translation.* EMNLP 2014.
# - J. Chung et al.: *Empirical evaluation of gated recurrent neural networks on sequence modeling.* arXiv, 2014.

# %% [markdown] slideshow={"slide_type": "notes"}
# The two cells and their history.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References: variants and comparisons
#
# - V. Pham et al.: *Dropout improves recurrent neural networks for handwriting recognition.* ICFHR 2014.
# - W. Zaremba et al.: *Recurrent neural network regularization.* arXiv, 2014.
# - R. Jozefowicz et al.: *An empirical exploration of recurrent network architectures.* ICML 2015.
# - J. L. Ba, J. R. Kiros, G. E. Hinton: *Layer normalization.* arXiv, 2016.
# - K. Greff et al.: *LSTM: a search space odyssey.* IEEE TNNLS 28, 2017.
# - A. Karpathy, J. Johnson, L. Fei-Fei: *Visualizing and understanding recurrent networks.* arXiv, 2015.
# - G. Weiss, Y. Goldberg, E. Yahav: *On the practical computational power of finite precision RNNs for language recognition.* ACL 2018.

# %% [markdown] slideshow={"slide_type": "notes"}
# Jozefowicz and Greff are the two to read after this lecture: large comparisons, carefully done.
