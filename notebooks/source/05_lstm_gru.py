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
# > A plain cell writes its whole state anew at every step. A cell with gates decides what to keep, what to write, and what to show.
#
# **You will** build an LSTM and a GRU equal to PyTorch's, see how far a gradient reaches through their gates, let three cells race, and find a unit that counts.<br>
# **You need** notebook 3 (the plain cell, training) and notebook 4 (gradients through time).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One question for the whole lecture: what changes when the cell itself may decide what it keeps? Put it on the board and leave it there; the last slide comes back to it.

# %% slideshow={"slide_type": "skip"}
import math
import time
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import Text, interact
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, LINE, check, setup, show, show_table  # not found? Open it in the folder of the course
from course_utils.taught.vanilla_rnn import parameter_count  # derived in notebook 3

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"} colours="f_t:gate i_t:gate o_t:gate r_t:gate z_t:gate c_t:state h_t:state x_t:input"
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_t$, $h_t$ | `x_t`, `h` | `(B, E)`, `(B, H)` | input at step $t$, hidden state after it; $h_0 = 0$ |
# | $c_t$ | `c` | `(B, H)` | cell state of an LSTM after step $t$; $c_0 = 0$ |
# | $[x_t; h_{t-1}]$ | `xh` | `(B, E + H)` | input and hidden state side by side |
# | $i_t, f_t, o_t$ | `i`, `f`, `o` | `(B, H)` | input, forget and output gate, between 0 and 1 |
# | $g_t$ | `g` | `(B, H)` | candidate: what could be written, between −1 and 1 |
# | $r_t, z_t, n_t$ | `r`, `z`, `n` | `(B, H)` | reset gate, update gate and candidate of a GRU |
# | $W, b$ | `W`, `b` | `(E + H, 4H)`, `(4H,)` | weights of $i, f, g, o$ side by side, in PyTorch's order |
# | $\sigma$, $\odot$ | `torch.sigmoid`, `*` | | $\sigma(a) = 1 / (1 + e^{-a})$; product entry by entry |

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min; do not read it aloud. Two kinds of letters: gates are shares between 0 and 1, candidates are contents between −1 and 1.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["part"]
# ## 1 · Four decisions in one step
#
# Forget, select, update, show: what an LSTM does at each step, first with switches, then with gates.

# %% [markdown] slideshow={"slide_type": "notes"}
# Half a minute. Bridge from notebook 4: there the gradient died because every step went through one matrix and one tanh. Here the cell gets a way round both.

# %% [markdown] slideshow={"slide_type": "slide"} colours="f:gate i:gate c:state"
# ### A memory with two switches
#
# Multiply the old memory $c$ by a switch $f$, new content $g$ by a switch $i$, and add. With switches that are on (1) or off (0), four things can happen to a memory of 3 when a 5 comes in:

# %% tags=["topic-E1"] colours="f:gate i:gate c:state"
def remember(c, f, i, g):
    """The next memory: f is for the old memory c, i for the new content g."""
    return f * c + i * g

# %% tags=["topic-E1", "nbval-check-output", "output-only"]
for f, i, what in ((1, 0, "keep"), (0, 1, "overwrite"), (1, 1, "add up"), (0, 0, "clear")):
    print(f"f = {f}, i = {i}   3 → {remember(3, f, i, g=5)}   {what}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let the room say the four results before you show them. The plain cell of notebook 3 has no such choice: at every step its whole state goes through $W_{hh}$ and tanh.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["poll"]
# ### Predict · Which setting can count?
#
# A memory is to hold the number of opening brackets read so far; new content is always 1. Which switches does it need at an opening bracket, and which at any other symbol?
#
# - **A** $f = 1, i = 1$, then $f = 0, i = 0$
# - **B** $f = 0, i = 1$, then $f = 1, i = 0$
# - **C** $f = 1, i = 1$, then $f = 1, i = 0$
# - **D** $f = 1, i = 0$ at both
#
# <details><summary>Answer</summary><b>C</b>: at a bracket keep the old number <i>and</i> write one more; else only keep. In part 4 a trained network finds this setting by itself.</details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Favourite wrong answer: B, from thinking of a variable that is assigned a new value. Ask where the old value would come from.

# %% [markdown] slideshow={"slide_type": "slide"} colours="f_t:gate i_t:gate o_t:gate g_t:input c_t:state h_t:state"
# ### Gates: switches that a network can set
#
# A **gate** is a row of numbers in (0, 1), one for each unit, computed from the input and the old hidden state. It is smooth, so training can learn when to open it.
#
# | gate | its question | 0 | 1 |
# |---|---|---|---|
# | forget $f_t$ | how much of the old cell state stays? | nothing | all |
# | input $i_t$ | how much of the candidate is written? | nothing | all |
# | output $o_t$ | how much of the cell state is shown? | nothing | all |
#
# The **candidate** $g_t$, in (−1, 1), is what could be written. The cell state $c_t$ stays inside; the rest of the network sees the hidden state $h_t$: the cell state, squashed into (−1, 1) and let through by the output gate.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. An open forget gate *keeps*: "keep gate" would be the better name. Say so now; it saves ten questions later.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · One step, from its gates
#
# From the cell state `c` (H,) and four rows (H,), the **pre-activations** of forget gate, input gate, candidate and output gate (the numbers *before* they are squashed), compute the new hidden state and the new cell state. **Predict:** how large can a hidden state get, how large a cell state?
#
# <details><summary>Answer</summary>A hidden state stays between −1 and 1. A cell state can grow by almost 1 at each step: after T steps it lies between −T and T.</details>

# %% tags=["exercise-1-stub"]
def step_from_sums(a_f, a_i, a_g, a_o, c):
    """The new hidden state and the new cell state, (H,) each, from four pre-activations (H,) and the old cell state (H,)."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_step_from_sums(attempt):
    """Try an attempt on cell states of two sizes."""
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
            "the candidate lies in (−1, 1): tanh, not σ, or the cell state could never be lowered": (
                lambda *a: step(*a, squash=sigmoid)
            ),
            "the candidate is squashed, too, with tanh": lambda *a: step(*a, squash=lambda s: s),
            "the forget gate is for the old cell state, the input gate for the candidate": f_i_swapped,
            "an open forget gate (1) keeps: c is multiplied by f, not by 1 − f": (
                lambda a_f, *a: step(-a_f, *a)
            ),
            "what is shown is the squashed cell state: tanh(c) goes through the output gate": (
                lambda *a: step(*a, shown=lambda c: c)
            ),
            "squash the cell state first, then let the output gate through": (
                lambda *a: (np.tanh(sigmoid(a[3]) * step(*a)[1]), step(*a)[1])
            ),
            "the new cell state is shown, not the old one": lambda *a: (sigmoid(a[3]) * np.tanh(a[4]), step(*a)[1]),
            "the hidden state comes first, then the cell state": lambda *a: step(*a)[::-1],
            "the output gate is missing": lambda *a: (np.tanh(step(*a)[1]), step(*a)[1]),
            "the cell state itself is not squashed: keep f c + i g as it is": lambda *a: step(*a, kept=np.tanh),
            "the output gate changes what is shown, not what is kept": (
                lambda *a: (step(*a)[0], sigmoid(a[3]) * step(*a)[1])
            ),
            "return both: the new hidden state and the new cell state": lambda *a: step(*a)[0],
            "the forget gate is missing: this is the cell of 1997": lambda a_f, *a: step(np.inf, *a),
            "the input gate is missing: the candidate is written in full": (
                lambda a_f, a_i, *a: step(a_f, np.inf, *a)
            ),
            "the input gate has a pre-activation of its own: it is not 1 − f": lambda a_f, a_i, *a: step(a_f, -a_f, *a),
            "the sign in σ: 1 / (1 + exp(−a))": lambda *a: step(*a, gate=lambda s: sigmoid(-s)),
            "all four pre-activations are squashed: σ for gates, tanh for the candidate": (
                lambda *a: step(*a, gate=lambda s: s, squash=lambda s: s)
            ),
            "the hidden state is not the cell state: it is what the output gate lets through of its tanh": lambda *a: (step(*a)[1], step(*a)[1]),
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
    """The new hidden state and the new cell state, (H,) each, from four pre-activations (H,) and the old cell state (H,)."""
    f, i, o = (1 / (1 + np.exp(-a)) for a in (a_f, a_i, a_o))
    c = f * c + i * np.tanh(a_g)
    return o * np.tanh(c), c


check_step_from_sums(step_from_sums_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min; the next slides are the answer in slow motion. Favourite wrong answer: $h = c$, as if everything were shown. No time? Do only the prediction, by show of hands.

# %% [markdown] slideshow={"slide_type": "slide"} colours="f_t:gate"
# ### 1. Forget
#
# ![LSTM cell, first step highlighted: from x_t and h_{t−1} the forget gate f_t is computed; it multiplies the old cell state c_{t−1} on its way to c_t.](../figures/lstm_forget.svg)
#
# $$f_t = \sigma([x_t; h_{t-1}]\, W_f + b_f)$$

# %% slideshow={"slide_type": "skip"}
def new_lstm(E, H):
    """W (E + H, 4H) and b (4H,), the weights of i, f, g, o side by side, random within ±1/√H as in PyTorch."""
    return [(2 * torch.rand(shape).double() - 1) * H**-0.5 for shape in ((E + H, 4 * H), (4 * H,))]


W, b = new_lstm(E=2, H=3)
(W_i, W_f, W_g, W_o), (b_i, b_f, b_g, b_o) = W.chunk(4, dim=1), b.chunk(4)
x_t, h, c = (torch.randn(shape).double() for shape in ((1, 2), (1, 3), (1, 3)))

# %% tags=["topic-E1"] slideshow={"slide_type": "skip"}
xh = torch.cat([x_t, h], dim=1)
f = torch.sigmoid(xh @ W_f + b_f)
f.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Follow the coloured line with the pointer: joined row, thick arrow (weights), σ, product. In the notebook a random cell with two inputs and three units shows the three numbers of each step: which unit keeps most?

# %% [markdown] slideshow={"slide_type": "slide"} colours="i_t:gate g_t:input"
# ### 2. Select
#
# ![LSTM cell, second step highlighted: the input gate i_t and the candidate g_t are computed from x_t and h_{t−1} and multiplied with each other.](../figures/lstm_select.svg)
#
# $$i_t = \sigma([x_t; h_{t-1}]\, W_i + b_i) \qquad g_t = \tanh([x_t; h_{t-1}]\, W_g + b_g)$$

# %% tags=["topic-E1"] slideshow={"slide_type": "skip"}
i, g = torch.sigmoid(xh @ W_i + b_i), torch.tanh(xh @ W_g + b_g)
i.numpy().round(2), g.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Two layers for one job: $g$ says what, $i$ says whether. Ask why $g$ gets tanh and not σ; favourite wrong answer: "habit". Without negative candidates a cell state could only grow.

# %% [markdown] slideshow={"slide_type": "slide"} colours="f_t:gate i_t:gate g_t:input c_t:state"
# ### 3. Update
#
# ![LSTM cell, third step highlighted: the old cell state times f_t plus i_t times g_t is the new cell state c_t, along a straight line through the cell.](../figures/lstm_update.svg)
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$

# %% tags=["topic-E1"] slideshow={"slide_type": "skip"}
c_new = f * c + i * g
c.numpy().round(2), c_new.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The heart of the lecture: a sum, entry by entry. Draw the straight line from $c_{t-1}$ to $c_t$ on the board: no matrix and no tanh lie on it. Part 2 travels back along this line.

# %% [markdown] slideshow={"slide_type": "slide"} colours="o_t:gate c_t:state h_t:state"
# ### 4. Show
#
# ![LSTM cell, fourth step highlighted: the output gate o_t multiplies tanh of the new cell state; the product is the new hidden state h_t, which goes on and up.](../figures/lstm_output.svg)
#
# $$o_t = \sigma([x_t; h_{t-1}]\, W_o + b_o) \qquad h_t = o_t \odot \tanh(c_t)$$

# %% tags=["topic-E1"] slideshow={"slide_type": "skip"}
o = torch.sigmoid(xh @ W_o + b_o)
h_new = o * torch.tanh(c_new)
h_new.numpy().round(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. A unit can hold something for many steps without showing it: output gate closed, cell state untouched. Ask for an everyday example (a name you keep in mind until it is needed).

# %% [markdown] slideshow={"slide_type": "slide"} colours="f_t:gate i_t:gate o_t:gate g_t:input c_t:state h_t:state"
# ### The step as a function
#
# The six formulas, and the lines that are these formulas:
#
# $$f_t = \sigma([x_t; h_{t-1}]\, W_f + b_f)$$
#
# $$i_t = \sigma([x_t; h_{t-1}]\, W_i + b_i)$$
#
# $$g_t = \tanh([x_t; h_{t-1}]\, W_g + b_g)$$
#
# $$o_t = \sigma([x_t; h_{t-1}]\, W_o + b_o)$$
#
# $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
#
# $$h_t = o_t \odot \tanh(c_t)$$

# %% tags=["topic-E1", "beside"] deck_lines="4|5|6|7|8|9" colours="f:gate i:gate o:gate g:input c:state"
def lstm_step(x_t, h, c, W_i, W_f, W_g, W_o, b_i, b_f, b_g, b_o):
    """Input x_t (B, E), hidden and cell state (B, H) give the next two."""
    xh = torch.cat([x_t, h], dim=1)  # (B, E + H)
    f = torch.sigmoid(xh @ W_f + b_f)
    i = torch.sigmoid(xh @ W_i + b_i)
    g = torch.tanh(xh @ W_g + b_g)
    o = torch.sigmoid(xh @ W_o + b_o)
    c = f * c + i * g
    return o * torch.tanh(c), c

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
weights = [W_i, W_f, W_g, W_o, b_i, b_f, b_g, b_o]
gaps = [(ours - by_hand).abs().max().item() for ours, by_hand in zip(lstm_step(x_t, h, c, *weights), (h_new, c_new))]
print("largest difference from the four steps by hand:", max(gaps))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Step through the lines: formula left, line right. Nothing in the rest of the lecture needs more than these six lines. No time? Show them all at once.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### One product
#
# All four pre-activations are products with the same row. With the four matrices side by side, one product is enough, and it is faster than four:
#
# $$[a_i, a_f, a_g, a_o] = [x_t; h_{t-1}]\, W + b \qquad W \text{ is } (E + H) \times 4H$$

# %% tags=["topic-E1", "export"] slideshow={"slide_type": "skip"}
def lstm_step_fused(x_t, h, c, W, b):
    """lstm_step with one product: W (E + H, 4H) and b (4H,) hold i, f, g, o side by side."""
    i, f, g, o = (torch.cat([x_t, h], dim=1) @ W + b).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c

# %% [markdown] slideshow={"slide_type": "skip"}
# Libraries do the same, and the order i, f, g, o is PyTorch's; with another order loaded weights open the wrong gate without any error message. The loop over time is that of notebook 3, with two things carried along instead of one. `nn.LSTM` stores $W$ in two pieces, transposed, and $b$ as a sum of two; `weights_of` puts them together:

# %% tags=["topic-E1", "export"] slideshow={"slide_type": "skip"}
def lstm(x, h, c, step, *weights):
    """All states (B, T, H) and the last cell state (B, H), from inputs x (B, T, E), state h and cell state c."""
    states = []
    for x_t in x.unbind(dim=1):
        h, c = step(x_t, h, c, *weights)
        states.append(h)
    return torch.stack(states, dim=1), c


def weights_of(lstm, ending="l0"):
    """W (E + H, 4H) and b (4H,) of one layer of a torch.nn.LSTM, in its order i, f, g, o; gradients flow through."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    W_x, W_h, b_x, b_h = (getattr(lstm, f"{name}_{ending}") for name in names)
    return torch.cat([W_x, W_h], dim=1).T, b_x + b_h

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three programs, one LSTM
#
# The four steps, the one product, and `nn.LSTM` read the same inputs with the same weights, in float64. Compared are all states, the last cell state, and the seven gradients of a number $J$ that weighs each of their entries differently:

# %% slideshow={"slide_type": "skip"}
B, T, E, H = 3, 7, 4, 5
theirs = nn.LSTM(E, H, batch_first=True).double()
x, h_0, c_0 = inputs = [torch.randn(shape).double().requires_grad_() for shape in ((B, T, E), (B, H), (B, H))]
W, b = weights_of(theirs)
their_states, (_, their_memory) = theirs(x, (h_0[None], c_0[None]))
programs = {
    "nn.LSTM": (their_states, their_memory[0]),
    "four steps": lstm(x, h_0, c_0, lstm_step, *W.chunk(4, dim=1), *b.chunk(4)),
    "one product": lstm(x, h_0, c_0, lstm_step_fused, W, b),
}
weigh = torch.randn(B, T, H).double(), torch.randn(B, H).double()


def gradients_of(results):
    """The gradients of J with respect to x, h_0, c_0 and the four parameters of the nn.LSTM."""
    J = sum((result * weight).sum() for result, weight in zip(results, weigh))
    return torch.autograd.grad(J, [*inputs, *theirs.parameters()], retain_graph=True)

# %% tags=["topic-E1", "nbval-check-output", "output-only"]
everything = {name: [*results, *gradients_of(results)] for name, results in programs.items()}
rows = []
for what, part in {"states": slice(0, 1), "last cell state": slice(1, 2), "7 gradients": slice(2, 9)}.items():
    row = {"compared": what, "largest entry": f"{max(a.abs().max().item() for a in everything['nn.LSTM'][part]):.2f}"}
    for name in ("four steps", "one product"):
        pairs = zip(everything[name][part], everything["nn.LSTM"][part])
        row[f"{name} − nn.LSTM"] = f"{max((a - b).abs().max().item() for a, b in pairs):.12f}"
    rows.append(row)
show_table(rows, "Ours is PyTorch's LSTM, gradients and all: the largest differences, to twelve digits.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. From scratch once, proved equal, and `nn.LSTM` from now on. Since the order of the gates is PyTorch's, our program runs on PyTorch's own parameters and the gradients arrive at the same tensors: nothing has to be translated.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["part"]
# ## 2 · How far back a gradient reaches
#
# One straight line through the cell changes what can be learned, as far as the gates leave it open.

# %% [markdown] slideshow={"slide_type": "notes"}
# Half a minute. Bridge: point again at the straight line of step 3. Backwards it is a road without tanh and without a matrix.

# %% [markdown] slideshow={"slide_type": "slide"} colours="c_t:state f_t:gate i_t:gate g_t:input"
# ### 1997: without a forget gate
#
# Hochreiter and Schmidhuber (1997) had $f_t = 1$, hence $c_t = c_{t-1} + i_t \odot g_t$: an error that travels back along this sum neither fades nor grows, the **constant error carousel**. But what is written stays for ever, and cell states drift away. Gers, Schmidhuber and Cummins (2000) added the gate that can clear them.

# %% slideshow={"slide_type": "skip"}
W, b = new_lstm(E=4, H=32)
W_1997, b_1997 = W.clone(), b.clone()
W_1997[:, 32:64], b_1997[32:64] = 0, math.inf  # f = σ(∞) = 1
noise, zero = torch.randn(1, 1000, 4).double(), torch.zeros(1, 32).double()
lengths = [1, 3, 10, 30, 100, 300, 1000]
sizes = {
    name: [lstm(noise[:, :T], zero, zero, lstm_step_fused, *cell)[1].abs().max().item() for T in lengths]
    for name, cell in {"as in 1997, f = 1": (W_1997, b_1997), "with forget gate": (W, b)}.items()
}


def plot_drift():
    """Draw the largest cell state after some steps on random inputs, with and without a forget gate."""
    fig, ax = plt.subplots(figsize=(8.6, 3.3))
    for (name, values), line in zip(sizes.items(), ("o--", "s-")):
        ax.loglog(lengths, values, line, color=COLOR["lstm" if line == "s-" else "baseline"], label=name)
    ax.set(xlabel="steps read, $T$", ylabel=r"largest $|c_T|$")
    ax.legend()
    return fig

# %% tags=["topic-E1", "output-only"]
show(plot_drift(), "Random weights, random inputs: without a forget gate the largest cell state keeps growing; with one it settles.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. What is wrong with a large cell state? Its tanh is 1 or −1, whatever comes, and its slope is 0. Many books draw today's cell and cite 1997: the forget gate came three years later.

# %% [markdown] slideshow={"slide_type": "slide"} colours="f_t:gate c_T:state c_0:state"
# ### The direct path
#
# With a forget gate the carousel turns at a rate that can be set. Along the straight line, each unit's cell state is multiplied by its own forget gates:
#
# $$\frac{\partial c_T}{\partial c_0}\bigg|_{\text{direct}} = \prod_{t=1}^{T} f_t$$
#
# Entry by entry; "direct" means that the gates and the candidate count as constants, as in the truncated gradient by which the cell of 1997 was trained. In the plain cell each step multiplies by the *same matrix for all units* and by a slope of tanh. Here it is a number between 0 and 1, for each unit and step, and training can move it.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let the room derive the formula from $c_t = f_t \odot c_{t-1} + i_t \odot g_t$: one line. Favourite mistake: forgetting that $f_t$ itself depends on $h_{t-1}$; that is what "direct" leaves out, and the next picture puts it back.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["poll"]
# ### Predict · A hundred steps back
#
# PyTorch starts an LSTM with biases near 0, so that an untrained forget gate is about σ(0). How much is left on the direct path after 100 steps?
#
# - **A** about one half
# - **B** about 1 %
# - **C** about $10^{-10}$
# - **D** about $10^{-30}$
#
# <details><summary>Answer</summary><b>D</b>: σ(0) is one half, and one half to the hundredth is 8 · 10<sup>−31</sup>.</details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Favourite wrong answer: A, "because the gate is one half". Write on the board: bias 0 leaves 8 · 10⁻³¹, bias 5 about one half.

# %% tags=["topic-E1", "nbval-check-output"] slideshow={"slide_type": "skip"}
rows = []
for bias in (0, 1, 3, 5):
    f = 1 / (1 + math.exp(-bias))
    rows.append({"forget bias": bias, "gate f": f"{f:.3f}", "f^10": f"{f**10:.2g}", "f^100": f"{f**100:.2g}"})
show_table(rows, "The first bias decides whether there is anything to learn from.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · The bias for a distance
#
# A unit shall keep the share `left` of its cell state over `T` steps, by its forget gate alone, which is σ of its bias. Which bias does it need? **Predict:** by how much does the bias grow when the distance doubles?
#
# <details><summary>Answer</summary>By about log 2 = 0.69, whatever the distance: for a large T the bias is close to log T − log(−log left). Biases drawn as the logarithm of random distances have been proposed as a start (Tallec and Ollivier 2018).</details>

# %% tags=["exercise-2-stub"]
def bias_for(left, T):
    """The forget bias with which the share left, between 0 and 1, of a cell state remains after T steps."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_bias_for(attempt):
    """Try an attempt on three shares and distances."""

    def logit(f):
        return math.log(f / (1 - f))

    return check(
        attempt,
        cases=[((left, T), logit(left ** (1 / T))) for left, T in ((0.25, 2), (0.5, 100), (0.1, 7), (0.9, 40))],
        misconceptions={
            "that is the gate; the bias is what σ turns into it": lambda left, T: left ** (1 / T),
            "the gates multiply: f to the power of T is left, so f is the T-th root, not left / T": lambda left, T: logit(left / T),
            "that is the bias for one step: T gates multiply": lambda left, T: logit(left),
            "the losses do not add up: f is the T-th root of left, not 1 − (1 − left) / T": (
                lambda left, T: logit(1 - (1 - left) / T)
            ),
            "the gate keeps: the sign of the bias is the other one": lambda left, T: -logit(left ** (1 / T)),
            "the inverse of σ is log(f / (1 − f)), not log f": lambda left, T: math.log(left ** (1 / T)),
            "the T-th root, left ** (1 / T), not left ** T": lambda left, T: logit(left**T),
            "log T is close to it if left is e^−1; here left counts, too": lambda left, T: math.log(T),
            "σ turns a bias into a gate; here it is the other way round": lambda left, T: 1 / (1 + math.exp(-(left ** (1 / T)))),
        },
    )


check_bias_for(bias_for)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def bias_for_solution(left, T):
    """The forget bias with which the share left, between 0 and 1, of a cell state remains after T steps."""
    f = left ** (1 / T)
    return math.log(f / (1 - f))


check_bias_for(bias_for_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min, in pairs; paper is enough. Favourite wrong answer: left / T, as if losses added up. No time? Give T = 100, left = one half: the gate is 0.993, the bias 4.97.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### The formula, checked
#
# `reach(…, cut=True)` hands the *detached* hidden state to gates and candidate, which cuts all paths but the direct one. This is not only a trick for a check: it **is** the truncated gradient by which Hochreiter and Schmidhuber trained in 1997. Only from the carousel does an error flow on into the past; at the gates it stops. $d$ is a random direction that makes one number of $c_T$.

# %% slideshow={"slide_type": "skip"}
def reach(x, W, b, cut):
    """∂(d·c_T)/∂c_t (T, B, H) for t = 0 … T − 1; all forget gates (T, B, H); the random direction d (B, H)."""
    h = torch.zeros(len(x), len(b) // 4).double()
    d = nn.functional.normalize(torch.randn(h.shape, generator=torch.Generator().manual_seed(1))).double()
    c, memories, gates = torch.zeros_like(h).requires_grad_(), [], []
    for x_t in x.unbind(dim=1):
        memories.append(c)
        seen = h.detach() if cut else h
        gates.append(torch.sigmoid((torch.cat([x_t, seen], dim=1) @ W + b).chunk(4, dim=1)[1]))
        h, c = lstm_step_fused(x_t, seen, c, W, b)
    return torch.stack(torch.autograd.grad((c * d).sum(), memories)), torch.stack(gates).detach(), d


def with_forget_bias(W, b, bias):
    """The same weights, but the forget gate's bias set to a number."""
    i, _, g, o = b.chunk(4)
    return W, torch.cat([i, torch.full_like(i, bias), g, o])


def plain_reach(x, W, b):
    """∂(d·h_T)/∂h_t (T, B, H) of a plain cell with weights W (E + H, H) and b (H,)."""
    h, states = torch.zeros(len(x), len(b)).double().requires_grad_(), []
    for x_t in x.unbind(dim=1):
        states.append(h)
        h = torch.tanh(torch.cat([x_t, h], dim=1) @ W + b)
    d = nn.functional.normalize(torch.randn(len(x), len(b), generator=torch.Generator().manual_seed(1)).double())
    return torch.stack(torch.autograd.grad((h * d).sum(), states))

# %% tags=["topic-E1", "nbval-check-output"] slideshow={"slide_type": "skip"}
x = torch.randn(8, 100, 4).double()
gradients, f, d = reach(x, W, b, cut=True)
ratio = gradients[0] / (d * f.prod(dim=0))
print(f"cut gradient over 100 steps / d times the product of the gates: from {ratio.min():.10f} to {ratio.max():.10f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Without the cut all paths count. How much of the gradient is left $k$ steps back: its size, a mean over the batch, for three forget biases set by hand and for a plain cell with the candidate's weights.

# %% slideshow={"slide_type": "skip"}
def size(gradients):
    """The size (T,) of ∂/∂c_t for k = 1, 2, … steps back, a mean over the batch."""
    return gradients.norm(dim=2).mean(dim=1).flip(0)


curves = {(bias, cut): size(reach(x, *with_forget_bias(W, b, bias), cut)[0]) for bias in (0, 1, 5) for cut in (False, True)}
plain = size(plain_reach(x, W.chunk(4, dim=1)[2], b.chunk(4)[2]))


def plot_reach():
    """Draw how much of the gradient is left after some steps back, for three forget biases and a plain cell."""
    fig, ax = plt.subplots(figsize=(8.6, 3.6))
    back = np.arange(1, 101)
    for bias in (5, 1, 0):
        ax.semilogy(back, curves[bias, False], "-", color=COLOR["lstm"], label="LSTM, all paths" if bias == 5 else None)
        ax.semilogy(back, curves[bias, True], "--", color=COLOR["gate"], label="direct path" if bias == 5 else None)
        ax.annotate(f"$b_f = {bias}$", (102, curves[bias, False][-1]), va="center", annotation_clip=False)
    ax.semilogy(back[::10], plain[::10], "s", color=COLOR["rnn"], label="plain cell")
    ax.set(xlabel="steps back, $k$", ylabel="size of the derivative", ylim=(1e-32, 1e3), yticks=10.0 ** np.arange(-30, 1, 10))
    ax.legend(loc="lower left")
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How far the gradient reaches
#
# Size of $\partial (d \cdot c_T) / \partial c_{T-k}$ for untrained cells, initialised as in PyTorch, the forget bias set by hand; $d$ is a random direction. Gates and candidate depend on $h_{t-1}$, too: through them lead all the other paths.

# %% tags=["topic-E1", "output-only"]
show(plot_reach(), "The forget bias decides how much is left after 100 steps. With bias 0 the LSTM of this draw has lost it like the plain cell; all paths together carry more than the direct one.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("left after 100 steps, plain cell: ", f"1e{math.log10(plain[-1]):.0f}")
for bias in (0, 1, 5):
    whole, direct = (curves[bias, cut][-1].item() for cut in (False, True))
    print(f"forget bias {bias}: all paths 1e{math.log10(whole):.0f}, direct path 1e{math.log10(direct):.0f}", end="")
    print(f", all paths carry more: {whole > direct}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Read the left ends, then the right ends. The product of the gates is not the whole gradient and no bound for it: with half-closed gates nearly all that arrives from far back came by detours through the hidden state. With bias 5 the curve even rises: gates do not prevent explosion, so keep clipping.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["steps"]
# ### "The LSTM solves vanishing gradients"?
#
# - **No.** A gradient that passes a hundred gates of one half is gone.
# - **It mitigates:** the factor per step is a gate that training can move, for each unit, not one matrix for all.
# - **It helps to begin open:** set the forget bias to 1 or more before training (Gers et al. 2000; Jozefowicz et al. 2015).
# - **The direct path is not all:** detours through $h$ add to it, and with open gates the sum can grow, so clip.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def init_forget_bias(rnn, bias):
    """Set the sum of the two biases of each gate that keeps, f of an nn.LSTM or z of an nn.GRU, in all layers."""
    H = rnn.hidden_size
    with torch.no_grad():
        for name, parameter in rnn.named_parameters():
            if name.startswith("bias"):
                parameter[H : 2 * H] = bias if name.startswith("bias_ih") else 0.0

# %% [markdown] slideshow={"slide_type": "skip"}
# PyTorch adds two biases and starts both near 0; `init_forget_bias` sets their sum. In its orders, i, f, g, o and r, z, n, the gate that keeps comes second in both cells.

# %% tags=["topic-E1", "nbval-check-output"] slideshow={"slide_type": "skip"}
for name, cell in {"LSTM, f": nn.LSTM(4, 32), "GRU, z": nn.GRU(4, 32)}.items():
    means = [torch.sigmoid((cell.bias_ih_l0 + cell.bias_hh_l0)[32:64]).mean().item()]
    init_forget_bias(cell, bias=1.0)
    means += [torch.sigmoid((cell.bias_ih_l0 + cell.bias_hh_l0)[32:64]).mean().item()]
    print("{:8} for inputs and states of zero: as PyTorch starts {:.1f}, opened {:.1f}".format(name, *means))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The sentence in the heading stands in many lecture notes. Let the room vote yes or no before the first line appears. With the wrong block of rows one would open the input gate instead: the order is i, f, g, o.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["part"]
# ## 3 · The GRU, and a race
#
# A second cell with gates, and what each of the three learns first.

# %% [markdown] slideshow={"slide_type": "notes"}
# Half a minute. Bridge: seventeen years after the LSTM Cho and colleagues asked whether fewer gates would do. Their reason: a cell that is simpler to compute and to implement.

# %% [markdown] slideshow={"slide_type": "slide"} colours="z_t:gate n_t:input"
# ### GRU: the gated recurrent unit
#
# ![GRU cell: from x_t and h_{t−1} come the reset gate r_t and the update gate z_t; the old state times U_n, let through by r_t, and x_t give the candidate n_t; the new state is the old one times z_t plus the candidate times 1 − z_t.](../figures/gru_cell.svg)
#
# One state instead of two; no output gate; what the update gate $z_t$ does not keep, the candidate $n_t$ fills.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Compare with the LSTM's picture: the straight line is still there, now it is $h$ itself. Introduced by Cho and colleagues in 2014 as a part of a translation model; Chung and colleagues compared it with the LSTM in the same year, and are often credited with it.

# %% [markdown] slideshow={"slide_type": "slide"} colours="r_t:gate z_t:gate n_t:input h_t:state"
# ### Four formulas
#
# $$r_t = \sigma([x_t; h_{t-1}]\, W_r + b_r)$$
#
# $$z_t = \sigma([x_t; h_{t-1}]\, W_z + b_z)$$
#
# $$n_t = \tanh(x_t W_n + b_n + r_t \odot (h_{t-1} U_n + b_n'))$$
#
# $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t$$

# %% tags=["topic-E2", "export"] deck_lines="6|7|8" colours="r:gate z:gate n:input h:state"
def gru_step(x_t, h, W_x, W_h, b_x, b_h):
    """One step from x_t (B, E), h (B, H);
    W_x (E, 3H), W_h (H, 3H), b_x, b_h (3H,) hold r, z, n side by side."""
    x_r, x_z, x_n = (x_t @ W_x + b_x).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_h + b_h).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return z * h + (1 - z) * n

# %% [markdown]
# As in notebook 4 and in `nn.GRU`, a **large** $z$ keeps. In other books a small one does, and the reset gate sits elsewhere: see [GRU conventions](deeper/05_gru_conventions.ipynb) before you copy weights.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def gru(x, h, step, *weights):
    """All states (B, T, H) from inputs x (B, T, E), state h (B, H) and a step function with its weights."""
    states = []
    for x_t in x.unbind(dim=1):
        h = step(x_t, h, *weights)
        states.append(h)
    return torch.stack(states, dim=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Three blocks instead of four, one thing to carry instead of two. $1 - z$ and $z$: the new state is a weighted mean of the old one and the candidate. Ask what a weighted mean cannot do; part 4 needs the answer (it cannot add up).

# %% [markdown] slideshow={"slide_type": "skip"}
# The same comparison as for the LSTM, with $J$ and inputs as before:

# %% tags=["topic-E2", "nbval-check-output"] slideshow={"slide_type": "skip"}
theirs = nn.GRU(E, H, batch_first=True).double()
weights = theirs.weight_ih_l0.T, theirs.weight_hh_l0.T, theirs.bias_ih_l0, theirs.bias_hh_l0
x, h_0, _ = inputs
pair = gru(x, h_0, gru_step, *weights), theirs(x, h_0[None])[0]
found = [[a, *torch.autograd.grad((a * weigh[0]).sum(), [x, h_0, *theirs.parameters()])] for a in pair]
gap = max((a - b).abs().max().item() for a, b in zip(*found))
print(f"states and six gradients, ours against nn.GRU: largest difference {gap:.12f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Open or shut a gate for good, and a GRU becomes something simpler. With $z = 1$ the state is kept, whatever comes. With $z = 0$ and $r = 0$ it forgets: it is a function of the present input alone. With $z = 0$ and $r = 1$ it is the plain cell of notebook 3. Training can be anywhere in between, for each unit and each step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What a cell costs
#
# One layer, 64 inputs. A plain cell with as many *units* has a quarter of the LSTM's parameters; a fair race gives each cell as many *parameters*:

# %% tags=["export"] slideshow={"slide_type": "skip"}
KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}


def units_for(kind, budget, E):
    """The largest number of units with which a cell that reads E numbers has at most so many parameters."""
    H = 1
    while parameter_count(KINDS[kind](E, H + 1)) <= budget:
        H += 1
    return H

# %% tags=["topic-E3", "nbval-check-output", "output-only"]
counts = {kind: parameter_count(cell(64, 64)) for kind, cell in KINDS.items()}
rows = [
    {
        "cell": kind,
        "parameters of 64 units": f"{count:,}",
        "times a plain cell": f"{count / counts['RNN']:.0f}",
        f"units for {counts['LSTM']:,} parameters": units_for(kind, counts["LSTM"], E=64),
    }
    for kind, count in counts.items()
]
show_table(rows, "1 : 3 : 4, one block of weights for each pre-activation.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Comparisons at equal width flatter the LSTM. Speed is another matter: see the next cell of the notebook.

# %% [markdown] slideshow={"slide_type": "skip"}
# Seconds are another cost. Speed of a training step, forwards and backwards, relative to the plain cell with 64 units (1 is as fast), on the machine that built this page. On many processors PyTorch has a fused kernel for the LSTM only, which is why a GRU can be the slowest:

# %% tags=["topic-E3", "volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ from machine to machine" slideshow={"slide_type": "skip"}
def seconds_of(cell, B=32, T=32, E=64, repeats=8):
    """Seconds to read a batch (B, T, E) forwards and backwards; the best of some repeats."""
    x, best = torch.randn(B, T, E), math.inf
    for _ in range(repeats + 1):  # one to warm up
        start = time.perf_counter()
        cell(x)[0].sum().backward()
        best = min(best, time.perf_counter() - start)
    return best


units = {kind: (64, units_for(kind, counts["LSTM"], E=64)) for kind in KINDS}
taken = {(kind, H): seconds_of(KINDS[kind](64, H, batch_first=True)) for kind in KINDS for H in units[kind]}
for kind in KINDS:
    speeds = [taken["RNN", 64] / taken[kind, H] for H in units[kind]]
    print("{:4} with 64 units {:.2f}, at equal parameters {:.2f}".format(kind, *speeds))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A race on three tasks
#
# Random sequences, an answer at each step:
#
# | task | input | target at each step | length |
# |---|---|---|---|
# | **count** | random brackets | more opened, as many, or more closed so far | trained on 16, tested on 60 |
# | **keep** | 8 symbols, one in twenty is marked | the last marked symbol | 20 |
# | **echo** | 8 symbols | the symbol three steps ago | 16 |
#
# About 1,500 parameters in each *cell*; both gates that keep start equally open, with bias 1; the learning rate is chosen for each cell and task, on other seeds.

# %% slideshow={"slide_type": "skip"}
def bracket_strings(count, T, seed):
    """Random brackets (count, T), 0 opens and 1 closes; their depth; and the answers 0 to 2."""
    x = torch.randint(2, (count, T), generator=torch.Generator().manual_seed(seed))
    depth = (1 - 2 * x).cumsum(dim=1)
    return x, depth, depth.sign() + 1  # 0 more closed, 1 as many, 2 more opened


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

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The tasks differ in what the memory must do: add up, keep until told otherwise, pass on with a fixed delay. Say what is made equal, and what is not: the cells' output layers differ a little, as their widths do.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["poll"]
# ### Predict · Who leads after 25 steps?
#
# After only 25 training steps, which cell gives most right answers in *count*, *keep*, *echo*?
#
# - **A** the LSTM in all three
# - **B** the GRU in all three
# - **C** LSTM, GRU, plain cell
# - **D** plain cell, GRU, LSTM
#
# <details><summary>Answer</summary><b>C</b>. Counting needs a sum: forget and input gate open together, which $z$ and $1 - z$ cannot be. Keeping needs one switch, and the GRU has exactly that one. An echo after three steps needs no gate, and without gates the same parameters buy twice the units; gates that start by keeping are even in the way. (Keeping is close: in four of five seeds.)</details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Collect votes, then let two students argue. Favourite wrong answer: A. What must the memory remember, for how long, and when may it forget?

# %% [markdown] slideshow={"slide_type": "skip"}
# One run, right answers noted on its way. The rate stays constant, so that the first 25 steps of a long run are a short run. `choose_rate` takes the rate that gives most right answers, on average over all checkpoints, on five other seeds and other test sequences. That takes some minutes, so its result stands in `RATES`: try `choose_rate("keep", "GRU")`.

# %% slideshow={"slide_type": "skip"}
class Racer(nn.Module):
    """Symbols (B, T) give scores (B, T, out); orthogonal squares, and a bias of 1 for the gate that keeps."""

    def __init__(self, kind, V, H, out):
        super().__init__()
        self.C, self.rnn = nn.Embedding(V, 8), KINDS[kind](8, H, batch_first=True)
        self.output_layer = nn.Linear(H, out)
        for W in self.rnn.weight_hh_l0.split(H):
            nn.init.orthogonal_(W.data)
        if kind != "RNN":
            init_forget_bias(self.rnn, bias=1.0)

    def forward(self, x):
        return self.output_layer(self.rnn(self.C(x))[0])


def share_of_right(scores, y):
    """The share of right answers, from scores (B, T, K) and answers (B, T); -100 is no answer."""
    return (scores.argmax(dim=2) == y)[y >= 0].float().mean().item()

# %% slideshow={"slide_type": "skip"}
CHECKPOINTS = (25, 50, 100, 200, 400)


def run_race(task, kind, seed, lr, T, T_test, V, out, test_seed=0):
    """The shares of right answers on 500 test sequences after 25, 50, … training steps."""
    torch.manual_seed(seed)
    model, shares = Racer(kind, V, units_for(kind, 1520, E=8), out), []
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    x_test, y_test = task(500, T_test, seed=test_seed)
    for step in range(1, CHECKPOINTS[-1] + 1):
        x, y = task(32, T, seed=1_000_000 * (seed + 1) + step)  # the same batches for all cells
        optimizer.zero_grad()
        cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step in CHECKPOINTS:
            with torch.no_grad():
                shares.append(share_of_right(model(x_test), y_test))
    return shares

# %% tags=["topic-E3"] slideshow={"slide_type": "skip"}
TASKS = {
    "count": (count_task, {"T": 16, "T_test": 60, "V": 2, "out": 3}),
    "keep": (keep_task, {"T": 20, "T_test": 20, "V": 16, "out": 8}),
    "echo": (echo_task, {"T": 16, "T_test": 16, "V": 8, "out": 8}),
}
RATES = {
    "count": {"RNN": 0.01, "GRU": 0.1, "LSTM": 0.03},
    "keep": {"RNN": 0.03, "GRU": 0.1, "LSTM": 0.1},
    "echo": {"RNN": 0.03, "GRU": 0.03, "LSTM": 0.1},
}


def choose_rate(name, kind, grid=(0.003, 0.01, 0.03, 0.1, 0.3), seeds=range(100, 105)):
    """The learning rate with most right answers on average over all checkpoints, seeds and sequences of its own."""
    task, sizes = TASKS[name]
    means = {lr: np.mean([run_race(task, kind, seed, lr, **sizes, test_seed=1) for seed in seeds]) for lr in grid}
    return max(means, key=means.get)


race = {
    (name, kind): 100 * np.array([run_race(task, kind, seed, RATES[name][kind], **sizes) for seed in range(5)])
    for name, (task, sizes) in TASKS.items()
    for kind in KINDS
}  # (5, checkpoints) each, in per cent
print({kind: units_for(kind, 1520, E=8) for kind in KINDS}, "units")

# %% [markdown] slideshow={"slide_type": "skip"}
# The grey line of each picture is the baseline: always the most frequent answer.

# %% slideshow={"slide_type": "skip"}
def guess(name):
    """The share, in per cent, that the most frequent answer alone would get right on a task's test sequences."""
    task, sizes = TASKS[name]
    _, y = task(500, sizes["T_test"], seed=0)
    return (100 * y[y >= 0].bincount().max() / (y >= 0).sum()).item()


def plot_race():
    """Draw the share of right answers against training steps: mean of five seeds, and their range."""
    fig, axes = plt.subplots(1, 3, figsize=(9.4, 3.7), sharey=True)
    for ax, name in zip(axes, TASKS):
        for kind in KINDS:
            values, color = race[name, kind], COLOR[kind.lower()]
            ax.fill_between(CHECKPOINTS, values.min(axis=0), values.max(axis=0), color=color, alpha=0.15, lw=0)
            ax.plot(CHECKPOINTS, values.mean(axis=0), **LINE[kind.lower()], label=kind)
        ax.axhline(guess(name), **LINE["baseline"])
        ax.set(title=name, xscale="log", xlabel="training steps", ylim=(0, 103))
        ax.set_xticks(CHECKPOINTS, labels=CHECKPOINTS)
        ax.minorticks_off()
    axes[0].set(ylabel="right answers (%)")
    axes[0].legend(loc="lower right")
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three tasks, three winners: after 25 steps

# %% tags=["topic-E3", "output-only"]
show(plot_race(), "After 25 steps the LSTM counts best, the GRU keeps best, the plain cell echoes best; after 400 steps all three keep and echo, and the LSTM still counts best. Lines: means of five seeds; bands: their range.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. First the left ends, then the right ends. The picture makes two statements, and both need their number of steps: without it "the GRU is better at keeping" is neither true nor false.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### There is no best cell: there is a best cell after N steps

# %% tags=["topic-E3", "output-only"]
rows = []
for k, steps in ((0, 25), (4, 400)):
    for name in TASKS:
        at = {kind: race[name, kind][:, k] for kind in KINDS}
        first, second = sorted(KINDS, key=lambda kind: -at[kind].mean())[:2]
        row = {"right (%)": f"{name}, {steps}"}
        row |= {kind: f"{values.mean():.0f} ± {values.std(ddof=1):.0f}" for kind, values in at.items()}
        ahead = f"{first} ({(at[first] > at[second]).sum()} of 5)"
        rows.append(row | {"first": ahead if at[first].mean() - at[second].mean() > 0.5 else "level"})
show_table(rows, "Task and training steps; mean ± standard deviation of five paired seeds; the first cell, and in how many seeds it is before the second.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
early = {name: max(KINDS, key=lambda kind: race[name, kind][:, 0].mean()) for name in TASKS}
print("first after 25 steps:", early)
worst = {name: min(race[name, kind][:, -1].mean() for kind in KINDS) for name in TASKS}
print("after 400 steps all three cells keep and echo above 95 %:", worst["keep"] > 95 and worst["echo"] > 95)
others = max(race["count", kind][:, -1].max() for kind in ("RNN", "GRU"))
print("after 400 steps each LSTM counts better than any other cell:", race["count", "LSTM"][:, -1].min() > others)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read one row aloud: task, steps, three numbers, winner. Then ask for a row in which the winner is not worth the name.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["steps"]
# ### Which cell, then?
#
# - What must be **counted or added up**, beyond the trained length: LSTM, early and late.
# - What must be **kept until it is replaced**: both gated cells soon, the plain cell late.
# - What lies **a few steps back**: the plain cell at once, the gated ones later.
# - **Otherwise:** tune each cell alike, say after how many steps, use several seeds.

# %% [markdown] slideshow={"slide_type": "skip"}
# Large comparisons agree that there is no best cell. Jozefowicz and colleagues (2015) found the GRU ahead of the LSTM in all their tasks but language modelling, and an LSTM that starts with forget bias 1 closed the gap. Greff and colleagues (2017) compared eight variants of the LSTM, not the GRU; none was clearly better.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. One line at a time; ask for the evidence on the slide before. Jozefowicz and colleagues (2015) saw the GRU ahead until they opened the LSTM's forget gate: this is why both start alike here. Bridge: *why* does the LSTM count?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["part"]
# ## 4 · A unit that counts
#
# Notebook 0's cell was `h + {"(": 1, ")": -1}[x]`. Does an LSTM find it by itself, and how would one know?

# %% [markdown] slideshow={"slide_type": "notes"}
# Half a minute. Bridge: so far we know that it counts; now we look inside. Three verbs for the board: find, ablate, watch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Nobody tells it to count
#
# Random brackets; after each, the target is whether *more opened*, *as many*, or *more closed* so far. After `( ) ) (` the targets were: more opened, as many, more closed, as many. (This is not yet balance: `)(` counts as equal.) A small LSTM with eight units learns from texts of 40 brackets:

# %% slideshow={"slide_type": "skip"}
class BracketReader(nn.Module):
    """Brackets (B, T) give scores (B, T, 3) of the three answers."""

    def __init__(self, H):
        super().__init__()
        self.C, self.lstm = nn.Embedding(2, 4), nn.LSTM(4, H, batch_first=True)
        self.output_layer = nn.Linear(H, 3)

    def forward(self, x):
        return self.output_layer(self.lstm(self.C(x))[0])


def train_on_brackets(seed, H=8, steps=300, B=64, T=40):
    """A BracketReader trained on random brackets, new ones at each step."""
    torch.manual_seed(seed)
    model = BracketReader(H)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, steps, pct_start=0.1)
    for step in range(steps):
        x, _, y = bracket_strings(B, T, seed=1_000_000 * (seed + 1) + step)
        optimizer.zero_grad()
        cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model

# %% tags=["topic-E1", "output-only"]
readers, rows = [train_on_brackets(seed) for seed in range(5)], []
for T in (40, 100, 300):
    x, depth, y = bracket_strings(500, T, seed=1)
    with torch.no_grad():
        hits = [100.0 * (reader(x).argmax(dim=2) == y) for reader in readers]
    right, close = ([hit[where].mean().item() for hit in hits] for where in (depth == depth, depth.abs() < 2))
    guessed = 100 * (y == 2).float().mean()
    row = {"brackets": T, "right (%)": f"{np.mean(right):.0f} ± {np.std(right, ddof=1):.0f}"}
    row["at depth −1, 0, 1"] = f"{np.mean(close):.0f} ± {np.std(close, ddof=1):.0f}"
    rows.append(row | {"always “more opened”": f"{guessed:.0f}"})
show_table(rows, "Trained on 40 brackets, it errs on 300 where the count is close to 0: small errors of counting add up. Five seeds.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The answer is the sign of the depth, so a network that knows the depth has it. But it could have learned something else: a table of prefixes, say. Ask how the table rules that out: there is no table for 300 brackets.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Find it: correlation
#
# `nn.LSTM` shows only its last cell state. So the trained weights run through our own step, and each unit's cell state is compared with the depth, over 300 texts.

# %% slideshow={"slide_type": "skip"}
def read_brackets(reader, x, unit=None, at=(0.0, 0.0)):
    """Cell states, hidden states (B, T, H), scores (B, T, 3) of a BracketReader; a unit's two states may be set to at."""
    W, b = weights_of(reader.lstm)
    h, c = torch.zeros(2, len(x), reader.lstm.hidden_size).unbind()
    history = []
    with torch.no_grad():
        for x_t in reader.C(x).unbind(dim=1):
            h, c = lstm_step_fused(x_t, h, c, W, b)
            if unit is not None:
                c[:, unit], h[:, unit] = at
            history.append((c, h))
        cells, states = (torch.stack(kind, dim=1) for kind in zip(*history))
        return cells, states, reader.output_layer(states)

# %% [markdown] slideshow={"slide_type": "skip"}
# Two tools for looking inside: what a unit follows, and what its gates do. An input and the hidden state before it determine the gates:

# %% tags=["export"] slideshow={"slide_type": "skip"}
def correlations(memories, depth):
    """Correlation (H,) of each unit's memory with the depth, over all texts and steps."""
    table = torch.cat([memories.flatten(0, 1), depth.flatten()[:, None]], dim=1)
    return torch.corrcoef(table.T)[-1, :-1]


def gates_of(lstm, x):
    """Gates i, f, o and candidate g (B, T, H) of a torch.nn.LSTM of one layer that reads x (B, T, E) from zero."""
    W, b = weights_of(lstm)
    with torch.no_grad():
        before = nn.functional.pad(lstm(x)[0][:, :-1], (0, 0, 1, 0))  # the state that each step starts from
        i, f, g, o = (torch.cat([x, before], dim=2) @ W + b).chunk(4, dim=2)
        return {"i": torch.sigmoid(i), "f": torch.sigmoid(f), "g": torch.tanh(g), "o": torch.sigmoid(o)}

# %% tags=["topic-E1", "output-only"]
x, depth, y = bracket_strings(300, 40, seed=2)
found = [correlations(read_brackets(reader, x)[0], depth) for reader in readers]  # (H,) for each seed
counters, rows = [r.abs().argmax().item() for r in found], []
for seed, r in enumerate(found):
    others = r.abs().sort(descending=True).values[1:]
    rows.append({"seed": seed, "unit": counters[seed], "its correlation": f"{r[counters[seed]]:.2f}", "the next ones": ", ".join(f"{a:.2f}" for a in others[:3])})
show_table(rows, "In every network a unit follows the depth almost perfectly, and others follow it, too.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("in each of the five networks a correlation is above 0.9:", min(r.abs().max() for r in found).item() > 0.9)
with torch.no_grad():
    gap = max((reader(x) - read_brackets(reader, x)[2]).abs().max().item() for reader in readers)
print("scores by our step differ from those by nn.LSTM by less than 1e-3:", gap < 1e-3)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The sign does not matter: minus one counts as well as plus one. Do not stop here! Ask: what experiment would convince you? Favourite answer: "a larger correlation".

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · Ablate a unit
#
# A correlation is not yet a use: the depth cut off at ±4 correlates with the depth at 0.93. **Mean ablation** replaces one unit by its average, and counts what that costs. Given hidden states (N, H), an output layer `W` (H, K), `b` (K,) and right answers `y` (N,), return for each unit by how much the *share of right answers* drops. **Predict:** can a drop be negative?
#
# <details><summary>Answer</summary>Yes: a unit that mostly disturbs is better replaced. And 0 does not mean unused: another unit may know the same.</details>

# %% tags=["exercise-3-stub"]
def ablation_drops(states, W, b, y):
    """For each unit, by how much the share of right answers drops (H,) if its mean replaces it; states (N, H)."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_ablation_drops(attempt):
    """Try an attempt on a tiny output layer and on two random ones."""
    rng = np.random.default_rng(1)
    tiny = np.array([[1.0, 4], [1, 8], [5, 4], [5, 8]]), np.array([[0.0, 1], [0, 0]]), np.array([3.0, 0]), np.array([0, 0, 1, 1])
    cases = [tiny]
    for N, H, K in ((40, 3, 3), (60, 5, 4)):
        states, W, b = rng.normal(size=(N, H)) + 1, rng.normal(size=(H, K)), rng.normal(size=K)
        cases.append((states, W, b, np.where(rng.random(N) < 0.9, (states @ W + b).argmax(axis=1), rng.integers(K, size=N))))

    def share(states, W, b, y):
        return ((states @ W + b).argmax(axis=1) == y).mean()

    def drops(states, W, b, y, value=lambda states, k: states[:, k].mean(), keep=False, result=lambda before, after: before - after):
        found, before, changed = [], share(states, W, b, y), states.copy()
        for k in range(states.shape[1]):
            changed = changed if keep else states.copy()
            changed[:, k] = value(states, k)
            found.append(result(before, share(changed, W, b, y)))
        return np.array(found)

    return check(
        attempt,
        cases=[(arguments, drops(*arguments)) for arguments in cases],
        misconceptions={
            "replace the unit by its mean, not by 0: 0 may be a value that it never takes": lambda *a: drops(*a, value=lambda s, k: 0.0),
            "one unit at a time: start each time from the states as they were (copy them)": lambda *a: drops(*a, keep=True),
            "asked is the drop, not the share that is left": lambda *a: drops(*a, result=lambda before, after: after),
            "a drop is what was there before minus what is left": lambda *a: drops(*a, result=lambda before, after: after - before),
            "the difference of two shares, not their quotient": lambda *a: drops(*a, result=lambda before, after: 1 - after / before),
            "the mean of this unit, not of all units": lambda *a: drops(*a, value=lambda s, k: s.mean()),
            "each unit has its own mean, over the N rows": lambda *a: drops(*a, value=lambda s, k: s.mean(axis=1)),
            "the mean, not the median": lambda *a: drops(*a, value=lambda s, k: np.median(s[:, k])),
            "a drop can be negative: no absolute value": lambda *a: np.abs(drops(*a)),
            "all drops are 0: `s = states` is a second name, not a copy; use `.copy()`": lambda *a: 0 * drops(*a),
            "shares, not counts": lambda *a: len(a[3]) * drops(*a),
            "one drop for each unit, not their mean": lambda *a: drops(*a).mean(),
            "one drop for each unit: return after the loop": lambda *a: drops(*a)[:1],
            "do not forget b": lambda states, W, b, y: drops(states, W, 0 * b, y),
        },
    )


check_ablation_drops(ablation_drops)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def ablation_drops_solution(states, W, b, y):
    """For each unit, by how much the share of right answers drops (H,) if its mean replaces it; states (N, H)."""

    def share(states):
        return ((states @ W + b).argmax(axis=1) == y).mean()

    drops = []
    for k in range(states.shape[1]):
        ablated = states.copy()
        ablated[:, k] = states[:, k].mean()
        drops.append(share(states) - share(ablated))
    return np.array(drops)


check_ablation_drops(ablation_drops_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# 6 min, or as homework. Favourite wrong answer: set the unit to 0. Ask what 0 means for a unit that stays between 0.5 and 0.9: a value that the network has never seen.

# %% [markdown] slideshow={"slide_type": "skip"}
# In a recurrent network a unit acts on later steps, too. So here hidden *and* cell state of a unit are held at their averages at every step, for all texts, while the others run on:

# %% slideshow={"slide_type": "skip"}
def drops_of(reader):
    """By how many points (H,) the share of right answers drops, in per cent, if a unit is held at its averages."""
    cells, states, scores = read_brackets(reader, x)
    averages = zip(cells.mean(dim=(0, 1)).tolist(), states.mean(dim=(0, 1)).tolist())
    right = [share_of_right(read_brackets(reader, x, k, at)[2], y) for k, at in enumerate(averages)]
    return 100 * (share_of_right(scores, y) - np.array(right))


damage = [drops_of(reader) for reader in readers]


def plot_damage():
    """Draw for each unit of each network its correlation with the depth, and the drop when it is ablated."""
    fig, ax = plt.subplots(figsize=(8.6, 3.6))
    for seed, mark in enumerate("os^Dv"):
        r, drops, counter = found[seed].abs(), damage[seed], counters[seed]
        ax.plot(r, drops, mark, color=COLOR["lstm"], alpha=0.55, label=f"seed {seed}")
        ax.plot(r[counter], drops[counter], "o", ms=15, mfc="none", mec=COLOR["state"], mew=2)
    ax.set(xlabel="correlation with the depth, absolute value", ylabel="points lost when ablated")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Correlation is not use: ablation

# %% tags=["topic-E1", "output-only"]
show(plot_damage(), "Each mark is a unit; ringed: the best correlated one of its network. In four of these five networks it also costs most when ablated; in one, another unit costs more.")

# %% [markdown] slideshow={"slide_type": "skip"}
# The count is spread over several units. Where two follow the depth equally well, losing one costs little; where a weaker copy is wired to the output, losing *it* costs most. "A unit for depth" is a claim about two numbers: what the unit follows, and what breaks without it. How often the two point to the same unit is a matter of luck: make it ten networks, `range(10)` for `range(5)` above, and read the table below again.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Let the room first say what the picture would look like if correlation *were* use: all marks on one rising curve. Karpathy and colleagues found counting units in 2015 in networks that read a novel and source code, by looking; ablation is the step after looking. Favourite objection: "then ablate all pairs". Right: two units that know the same hide each other.

# %% [markdown] slideshow={"slide_type": "skip"}
# The same, network by network:

# %% tags=["topic-E1"] slideshow={"slide_type": "skip"}
rows = []
for seed, (r, drops, counter) in enumerate(zip(found, damage, counters)):
    most = int(drops.argmax())
    rows.append(
        {
            "seed": seed,
            "best correlated": f"unit {counter} ({abs(r[counter]):.2f})",
            "points lost": f"{drops[counter]:.0f}",
            "most harmful": f"unit {most} ({abs(r[most]):.2f})",
            "lost by it": f"{drops[most]:.0f}",
            "others, mean": f"{np.delete(drops, [counter, most]).mean():.0f}",
        }
    )
show_table(rows, "Correlation finds candidates, ablation tells what is used: in seed 1 the answer is read mainly from another unit.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
lost = [drops[counter] for drops, counter in zip(damage, counters)]
print("ablating the best correlated unit costs more than five points, in", sum(a > 5 for a in lost), "of 5 networks")
means = [np.delete(drops, counter).mean() for drops, counter in zip(damage, counters)]
print("and more than the other units on average, in", sum(a > b for a, b in zip(lost, means)), "of 5 networks")

# %% [markdown] slideshow={"slide_type": "skip"}
# How does the unit do it? `gates_of` gives its gates and candidate; here are their means at each bracket:

# %% slideshow={"slide_type": "skip"}
means = []  # for each network: f, i, g of the counting unit at an opening and at a closing bracket
for reader, r, counter in zip(readers, found, counters):
    gates = {name: a[:, :, counter] for name, a in gates_of(reader.lstm, reader.C(x).detach()).items()}
    gates["g"] = gates["g"] * r[counter].sign()  # a unit that counts down is turned round
    means.append([gates[name][x == bracket].mean().item() for name in "fig" for bracket in (0, 1)])
means = np.array(means)  # (5, 6)


def plot_gates():
    """Draw the counting unit's gates and candidate, at opening and closing brackets, for each network."""
    fig, ax = plt.subplots(figsize=(8.6, 3.3))
    for seed, (mark, row) in enumerate(zip("os^Dv", means)):
        ax.plot(np.arange(6) + 0.08 * (seed - 2), row, mark, ms=8, color=COLOR["gate"], label=f"seed {seed}")
    ax.axhline(0, color=COLOR["ink"], lw=1)
    ax.set_xticks(range(6), labels=[f"{name} at {b}" for name in "fig" for b in "()"])
    ax.set(xlabel="forget gate, input gate, candidate", ylabel="mean value", ylim=(-1.1, 1.1))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How it counts

# %% tags=["topic-E1", "output-only"]
show(plot_gates(), "Forget and input gate are open at both brackets; the candidate goes up at ( and down at ): the switches' third setting.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("forget and input gate of the counting unit are above 0.6 at both brackets, in all networks:", means[:, :4].min() > 0.6)
print("its candidates at ( and ) have opposite signs, in all networks:", (means[:, 4] * means[:, 5]).max() < 0)

# %% [markdown] slideshow={"slide_type": "skip"}
# **Add up**, as in the poll of part 1: a leaky version of notebook 0's program, found by gradient descent from nothing but right answers. A GRU cannot set $z$ and $1 - z$ to 1 together; Weiss, Goldberg and Yahav (2018) showed that with finite precision LSTMs can count on and on, and GRUs and plain tanh cells cannot.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Go back to the poll of part 1 for a second: C. The mean of $f$ is below 1, so the count leaks a little. Weiss, Goldberg and Yahav (2018) proved the other half: a GRU cannot count on and on.

# %% slideshow={"slide_type": "skip"}
def count_depth(text, seed=0):
    """The true depth (T,) of a text of brackets, and the counting unit's cell state on the scale of the depth."""
    cells, *_ = read_brackets(readers[seed], x)
    slope, start = np.polyfit(cells[:, :, counters[seed]].flatten(), depth.flatten(), 1)  # cell state → depth
    ids = torch.tensor([["()".index(bracket) for bracket in text]])
    c = read_brackets(readers[seed], ids)[0][0, :, counters[seed]]
    return (1 - 2 * ids[0]).cumsum(dim=0), slope * c + start


def plot_counter(text):
    """Draw the true depth of a text of brackets beside the cell state of the counting unit."""
    true, counted = count_depth(text)
    fig, ax = plt.subplots(figsize=(8.6, 3.0))
    ax.step(range(len(text)), true, where="mid", color=COLOR["floor"], lw=1.5, label="depth")
    ax.plot(range(len(text)), counted, "o-", ms=4, color=COLOR["lstm"], label="cell state, rescaled")
    ax.set_xticks(range(len(text)), labels=text)
    ax.set(xlabel="brackets read so far", ylabel="depth")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Watch it count
#
# One text; the cell state is rescaled by one straight line fitted on other texts:

# %% tags=["topic-E1", "output-only"]
show(plot_counter("((()(()))())((((((((((()))"), "The cell state goes up at every ( and down at every ), like the depth, by nearly equal steps.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nearly equal, not equal: only the sign of the depth was asked for, so nothing forced it to be exact far from 0. Where on the picture could you tell that the unit was never told the depth?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Type brackets
#
# Is each step exactly 1? Try many opening brackets, or closing ones first. The first 24 brackets count.

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(text=Text("(((((((((((((()))(", description="text", continuous_update=False))
def count_brackets(text):
    """Draw depth and cell state of the counting unit over a text of the student's."""
    brackets = "".join(c for c in normalize("NFC", text) if c in "()")[:24]
    if brackets:
        show(plot_counter(brackets), "Depth, and the cell state of the counting unit.")
    else:
        print(f"There is no bracket in {text!r}: type ( or ).")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min, live: let the room dictate a text that breaks the counter; long runs of one bracket are the ones to try. On paper: the picture before.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["closing"]
# ## What you now have
#
# - LSTM and GRU from scratch, equal to PyTorch's in states and gradients.
# - A direct path, the product of the forget gates: it mitigates vanishing gradients as far as the gates are open, so start them open.
# - A race tuned alike: no best cell, but a best cell after N steps; beyond the trained length the LSTM counts best.
# - A unit that counts: found by correlation, tested by ablation.
#
# **Next:** notebook `05_gated_lm` trains such cells well on text. Deeper: [GRU conventions](deeper/05_gru_conventions.ipynb), peepholes, coupled gates.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask each student for one sentence: what do gates change? A good answer names keeping, writing and showing, and says who decides.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - S. Hochreiter, J. Schmidhuber: *Long short-term memory.* Neural Computation 9, 1997.
# - F. A. Gers, J. Schmidhuber, F. Cummins: *Learning to forget: continual prediction with LSTM.* Neural Computation 12, 2000.
# - K. Cho et al.: *Learning phrase representations using RNN encoder–decoder for statistical machine translation.* EMNLP 2014.
# - J. Chung et al.: *Empirical evaluation of gated recurrent neural networks on sequence modeling.* arXiv, 2014.
# - R. Jozefowicz, W. Zaremba, I. Sutskever: *An empirical exploration of recurrent network architectures.* ICML 2015.
# - A. Karpathy, J. Johnson, L. Fei-Fei: *Visualizing and understanding recurrent networks.* arXiv, 2015.
# - K. Greff et al.: *LSTM: a search space odyssey.* IEEE TNNLS 28, 2017.
# - C. Tallec, Y. Ollivier: *Can recurrent neural networks warp time?* ICLR 2018.
# - G. Weiss, Y. Goldberg, E. Yahav: *On the practical computational power of finite precision RNNs for language recognition.* ACL 2018.
