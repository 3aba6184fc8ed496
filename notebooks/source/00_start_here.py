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
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 0 · Start here
#
# > Recurrent networks read a sequence one item at a time and remember. This course builds them, breaks them and proves every formula by running it.
#
# **You will** check your machine, learn the notation of the whole course, meet the five families of networks, and do a first exercise.<br>
# **You need** Python, matrix products, and the chain rule of calculus from notebook 3 on.<br>
# **Time** 30 min; the cells run in a few seconds on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Welcome. Every number that appears on these slides was computed by the cell above it; you can run all of it on your own laptop, without network and without a GPU.

# %% slideshow={"slide_type": "skip"}
import platform
import time

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, interact

from course_utils import COLOR, check, setup, show

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One course, thirteen notebooks
#
# ![Map of the thirteen notebooks: the core lectures 01 and 03 to 08 in a row, 00 and 02 framing their start, the applications 09 to 12 branching off.](../figures/course_map.svg)
#
# The core runs from counting words to networks that write. Each notebook answers one question, and each is a lecture: the same file opens as slides. The grey one-line boxes are folded notes for the speaker.

# %% [markdown] slideshow={"slide_type": "notes"}
# The core row is the lecture. The applications in the lower row can be taken in any order after the notebook that they hang on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The questions
#
# | | question | minutes |
# |---|---|---|
# | 00 | Start here: what is in this course, and how is it used? | 30 |
# | 01 | n-grams: how far does counting get us? | 75 |
# | 02 | Fixed window: what do we gain when words get vectors? | |
# | 03 | Vanilla RNN: how can one cell read a sequence of any length? | |
# | 04 | Gradients: why does the plain RNN forget, and what can be done? | |
# | 05 | LSTM and GRU: what do gates change? | |
# | 06 | Bidirectional: what if the answer lies to the right? | |
# | 07 | Seq2seq: how do we map a sequence to one of another length? | |
# | 08 | Character RNN: can it write? | |
# | 09–12 | Sentiment, stock prices, captions, programs | |
#
# Minutes stand beside the notebooks of this edition; the others are being written.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes are for a student who works alone and does the exercises. As a lecture each of the two takes about an hour.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols of the whole course
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_t$ | `x_t` | `(B, E)` | input at step $t$, a row vector per sequence |
# | $h_t$ | `h` | `(B, H)` | hidden state after step $t$ |
# | $\hat y_t$ | `y_t` | `(B, V)` | prediction made from $h_t$ |
# | $W_{xh}, W_{hh}, b_h$ | `W_xh`, `W_hh`, `b_h` | `(E, H)`, `(H, H)`, `(H,)` | weights of the cell, the same at all steps |
# | $W_{hy}, b_y$ | `W_hy`, `b_y` | `(H, V)`, `(V,)` | weights of the read-out |
#
# Sizes are capitals with one meaning everywhere: `B` sequences in a batch, `T` steps, `V` tokens in the vocabulary, `E` and `H` units in embedding and state.

# %% [markdown] slideshow={"slide_type": "notes"}
# Row vectors and batch first: formula and code read in the same order, and so do PyTorch's shapes. Papers often use columns; a later slide converts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does my machine run it?

# %%
def lstm_steps_per_second(seconds=1.0, B=32, H=256):
    """How many steps of an LSTM of this size one thread of the machine computes in a second."""
    cell, x, state = torch.nn.LSTMCell(H, H), torch.randn(B, H), None
    start, steps = time.perf_counter(), 0
    with torch.inference_mode():
        while time.perf_counter() - start < seconds:
            state, steps = cell(x, state), steps + 1
    return steps / (time.perf_counter() - start)

# %% tags=["volatile", "nbval-ignore-output", "output-only"] nbval_ignore_reason="versions and speed of the machine at hand"
REFERENCE_STEPS = 1100  # steps per second of the machine on which the course is timed
REFERENCE_SECONDS = {"01": 35}

factor = REFERENCE_STEPS / lstm_steps_per_second()
print(f"Python {platform.python_version()}, torch {torch.__version__}", end=", ")
print(f"matplotlib {matplotlib.__version__}")
print(f"This machine needs {factor:.1f} times the seconds of the two-core one that timed the course:")
for notebook, seconds in REFERENCE_SECONDS.items():
    print(f"notebook {notebook} will take about {factor * seconds:.0f} s here.")

# %% [markdown]
# Any laptop of the last ten years will do. Nothing is downloaded, and no GPU is used.

# %% [markdown] slideshow={"slide_type": "notes"}
# Students can compare their factor with their neighbours'. Anything below 3 is comfortable.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## x → h → y
#
# ![Input x goes through W_xh into the state h, which feeds back into itself through W_hh; W_hy turns h into the output y. The encoder makes h, the decoder reads it.](../figures/notation_xhy.svg)
#
# The **encoder** turns input $x$ into a hidden state $h$, the **decoder** reads a prediction $y$ from it. The blue arrows are the parameters; everything else is computed.

# %% [markdown] slideshow={"slide_type": "notes"}
# Draw this on the board and leave it there. Encoder and decoder can each be a matrix, a network, a recurrent network or a convolution: the rest of the course is what one puts on these arrows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The three arrows as code

# %% tags=["topic-B1"]
B, E, H, V = 2, 3, 4, 5
W_xh, W_hh, b_h = torch.randn(E, H), torch.randn(H, H), torch.randn(H)
W_hy, b_y = torch.randn(H, V), torch.randn(V)


def encode(x_t, h):
    """One step: input x_t (B, E) and state h (B, H) give the next state (B, H)."""
    return torch.tanh(x_t @ W_xh + h @ W_hh + b_h)


def decode(h):
    """Read-out: state h (B, H) gives a probability for each of V outputs (B, V)."""
    return torch.softmax(h @ W_hy + b_y, dim=-1)


h = encode(torch.randn(B, E), torch.zeros(B, H))
y = decode(h)
print(f"x {(B, E)} → h {tuple(h.shape)} → y {tuple(y.shape)}")
print("each row of y sums to 1:", torch.allclose(y.sum(dim=-1), torch.ones(B)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Two lines of code and five arrays of parameters: this is the complete vanilla RNN of notebook 3.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five families
#
# ![The five families side by side: one to one, one to many, many to one, many to many aligned, many to many with a delay.](../figures/families_overview.svg)
#
# **Single** means a fixed number of items, **multiple** a variable number. The cell is always the same; the families differ in *when* it reads and *when* it writes.

# %% [markdown] slideshow={"slide_type": "notes"}
# The price of freedom: where outputs are aligned with inputs there is little to remember and little choice; where they are not, everything read must be kept in the state.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A cell that a pencil can run
#
# A cell need not be neural: anything that turns an input and a state into the next state will do. This one keeps the number of open brackets.

# %%
def step(x, h):
    """The cell: reading a bracket changes how many are open."""
    return h + {"(": 1, ")": -1}[x]


def read_out(h):
    """The decoder: what the state says."""
    return "balanced" if h == 0 else "open"


read_out(step("(", 0))

# %% [markdown] slideshow={"slide_type": "notes"}
# In notebook 5 an LSTM learns this very counter from examples.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One to one
#
# ![One to one: the picture of a digit is the single input, the single output is 7.](../figures/family_1_to_1.svg)
#
# A feed-forward network: one input, one output, no memory needed.

# %% tags=["topic-B2", "nbval-check-output"]
h = step("(", 0)
y = read_out(h)
print(f"'(' → {y}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Digit recognition, a price from a house's features: anything of fixed size in and out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One to many
#
# ![One to many: from the label French the states write M, a, r, i, e, each letter handed to the next step.](../figures/family_1_to_n.svg)
#
# A label or a picture goes in, a text comes out. Each output is also the next input (dashed arrows).

# %% [markdown] slideshow={"slide_type": "notes"}
# Captioning, names given a language, reviews given a rating. The dashed arrows are why generation is slow: each step waits for the one before.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Close as many brackets as the label says

# %% tags=["topic-B2", "nbval-check-output"]
h, text = 3, ""
while read_out(h) == "open":
    text, h = text + ")", step(")", h)
print(f"3 → {text}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The network itself must decide when to stop; here the state says so.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many to one
#
# ![Many to one: the words what, a, fine, film are read in turn, and the last state alone gives the output positive.](../figures/family_n_to_1.svg)
#
# Read everything, then say one thing: the class of a document, the action in a video.

# %% tags=["topic-B2", "nbval-check-output"]
h = 0
for x in "(()())(":
    h = step(x, h)
print(f"(()())( → {read_out(h)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The price of this family: the last state must hold all that matters, also what was read first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many to many, aligned
#
# ![Many to many, aligned: I, like, cake get the tags PRON, VERB, NOUN, each at the step that reads it.](../figures/family_n_to_n.svg)
#
# One output for each input, at once: part-of-speech tags, labels for the frames of a video. The alignment is *given*.

# %% [markdown] slideshow={"slide_type": "notes"}
# Less to remember, but no freedom: as many outputs as inputs, in the same order, without having seen what follows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One tag for each bracket

# %% tags=["topic-B2", "nbval-check-output"]
h, tags = 0, []
for x in "(())()":
    h = step(x, h)
    tags.append(f"{x} {read_out(h)}")
print(tags)

# %% [markdown] slideshow={"slide_type": "notes"}
# The same loop as before; the decoder is just called at each step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many to many, with a delay
#
# ![Many to many with a delay: only after I like networks has been read do further states write Ich mag Netze.](../figures/family_n_to_m.svg)
#
# Read all, then write as much as is needed: translation, summaries. The alignment is *not* given; lengths may differ.

# %% [markdown] slideshow={"slide_type": "notes"}
# Many to one followed by one to many. All the freedom, and the full price: the whole input must pass through one state. Notebook 7 measures that bottleneck and opens it with attention.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Read, then write what is missing

# %% tags=["topic-B2", "nbval-check-output"]
h, text = 0, ""
for x in "(()((":
    h = step(x, h)
while read_out(h) == "open":
    text, h = text + ")", step(")", h)
print(f"(()(( is completed by {text}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Point at the two loops: the first is the encoder, the second the decoder. Nothing but h passes from one to the other.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One cell, four notations
#
# | where | the new state | the output | vectors |
# |---|---|---|---|
# | UMBC lecture | $h_i = \sigma(W h_{i-1} + U w_i)$ | $\text{softmax}(S h_i)$ | columns |
# | Utah lecture (Elman) | $s_i = g(s_{i-1} W_S + x_i W_I + b)$ | $s_i$ | rows |
# | UCL book | $h_t = \sigma(W^h h_{t-1} + W^x x_t + b)$ | $\text{softmax}(W^o h_t)$ | columns |
# | Stanford CS224n | $h^{(t)} = \sigma(W_h h^{(t-1)} + W_e e^{(t)} + b_1)$ | $\text{softmax}(U h^{(t)} + b_2)$ | columns |
# | **this course** | $h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h)$ | $\text{softmax}(h_t W_{hy} + b_y)$ | rows |
#
# $\sigma$ and $g$ stand for any squashing function. Are these one cell?

# %% [markdown] slideshow={"slide_type": "notes"}
# When you read papers, find out four things first: rows or columns, which letter is the state, which matrix multiplies which, and whether there is a bias.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Yes: transpose, and rename

# %% tags=["topic-C2"]
E, H, V = 3, 4, 5
x, h = torch.randn(E).double(), torch.randn(H).double()
W_xh, W_hh = torch.randn(E, H).double(), torch.randn(H, H).double()
W_hy, zero = torch.randn(H, V).double(), torch.zeros(H).double()  # UMBC has no bias: b = 0


def umbc(W, U, S, w, h):
    """The state and output of a column-vector cell without bias."""
    h = torch.tanh(W @ h + U @ w)
    return h, torch.softmax(S @ h, dim=0)


def utah(W_S, W_I, b, x, s):
    """The state of a row-vector cell; in Elman's form the state is also the output."""
    return torch.tanh(s @ W_S + x @ W_I + b)

# %% [markdown] slideshow={"slide_type": "notes"}
# Each function is its lecture's formula, symbol by symbol.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same with the others' letters

# %%
def ucl(W_h, W_x, W_o, b, x, h):
    """The state and output of a column-vector cell."""
    h = torch.tanh(W_h @ h + W_x @ x + b)
    return h, torch.softmax(W_o @ h, dim=0)


def cs224n(W_h, W_e, b_1, U, b_2, e, h):
    """The state and output of a column-vector cell on an embedded word e."""
    h = torch.tanh(W_h @ h + W_e @ e + b_1)
    return h, torch.softmax(U @ h + b_2, dim=0)

# %% [markdown] slideshow={"slide_type": "notes"}
# Each function is its lecture's formula, symbol by symbol.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The numbers agree

# %% tags=["topic-C2", "nbval-check-output"]
state = torch.tanh(x @ W_xh + h @ W_hh)
output = torch.softmax(state @ W_hy, dim=-1)
others = {
    "UMBC": umbc(W_hh.T, W_xh.T, W_hy.T, x, h),
    "Utah": (utah(W_hh, W_xh, zero, x, h), output),
    "UCL": ucl(W_hh.T, W_xh.T, W_hy.T, zero, x, h),
    "CS224n": cs224n(W_hh.T, W_xh.T, zero, W_hy.T, 0, x, h),
}
for name, theirs in others.items():
    difference = max((a - b).abs().max() for a, b in zip(theirs, (state, output)))
    print(f"{name:7} agrees to 1e-12: {(difference < 1e-12).item()}")

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the course's way to end an argument: one set of weights, several implementations, one number that must vanish.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### And PyTorch?
#
# PyTorch computes the same cell with columns and *two* biases, `b_ih` and `b_hh`, of which only the sum matters:

# %% tags=["nbval-check-output"]
cell = torch.nn.RNNCell(E, H).double()
with torch.no_grad():
    b_h = cell.bias_ih + cell.bias_hh
    ours = torch.tanh(x @ cell.weight_ih.T + h @ cell.weight_hh.T + b_h)
    print("torch.nn.RNNCell agrees to 1e-12:", (cell(x, h) - ours).abs().max().item() < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# Rows or columns is a matter of taste; x W and W^T x^T hold the same numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How exercises work
#
# Each exercise asks for a **prediction** first: write it down, it is what you learn from. Then fill in the stub, run it, and run the cell below, which says *not attempted yet*, *correct*, or which misconception your answer looks like. The solution is folded below that: click on the three dots to open it.

# %% [markdown] slideshow={"slide_type": "notes"}
# Show the three cells live, with a wrong answer first: leave out the bias and run the check.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · How many parameters has the cell?
#
# $h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h)$ with $E$ inputs and $H$ units. **Predict** the number for $E = 3$, $H = 4$, then replace the dots by a formula.
#
# <details><summary>Answer</summary>3 · 4 + 4 · 4 + 4 = 32, whatever the length of the sequence.</details>

# %% tags=["exercise-1-stub"]
def count_parameters(E, H):
    """Number of weights of an RNN cell with E inputs and H units."""
    ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_count_parameters(attempt):
    """Try an attempt on cells of several sizes."""
    return check(
        attempt,
        cases=[((3, 4), 32), ((1, 1), 3), ((64, 256), 82_176)],
        misconceptions={
            "you left out the bias b_h": lambda E, H: E * H + H * H,
            "you left out W_hh, the weights from state to state: without them there is no memory": (
                lambda E, H: E * H + H
            ),
            "W_hh has H rows and H columns: each unit reads each unit": (lambda E, H: E * H + H + H),
            "you counted two biases, as PyTorch stores them; the equation has one": (lambda E, H: E * H + H * H + 2 * H),
            "you multiplied where the two products are added": (lambda E, H: E * H * H * H + H),
        },
    )


check_count_parameters(count_parameters)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def count_parameters_solution(E, H):
    """Number of weights of an RNN cell with E inputs and H units."""
    return E * H + H * H + H


check_count_parameters(count_parameters_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The point: the number depends on E and H, not on the length T of the sequence.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How sliders work
#
# A cell of one unit sees a single input, $x_1 = 1$, and then nothing: $h_t = \tanh(w\, h_{t-1} + x_t)$. **Predict:** for which $w$ does it remember for ever?

# %% slideshow={"slide_type": "skip"}
def memory(w, T=30):
    """The states h_1 … h_T of a one-unit cell after a single input at t = 1."""
    states = [np.tanh(1.0)]
    for _ in range(T - 1):
        states.append(np.tanh(w * states[-1]))
    return states


def plot_memory(w):
    """Draw the state of the one-unit cell against time."""
    fig, ax = plt.subplots(figsize=(8.6, 3.0))
    ax.plot(range(1, 31), memory(w), "o-", color=COLOR["state"])
    ax.set(xlabel="step $t$", ylabel="state $h_t$", ylim=(-1.05, 1.05), title=f"$w = {w:.2f}$")
    return fig

# %% tags=["output-only"]
show(plot_memory(w=0.8), "With w = 0.8 the input is forgotten within twenty steps.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Take votes before moving the slider on the next slide.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Move w through 1

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(w=FloatSlider(0.8, min=-1.5, max=1.5, step=0.05, description="w", continuous_update=False))
def explore_memory(w):
    """Draw the memory of the one-unit cell while w changes."""
    show(plot_memory(w), f"After thirty steps h = {memory(w)[-1]:.3f}.")

# %% [markdown] slideshow={"slide_type": "notes"}
# At w = 1 exactly it still fades, only very slowly: tanh is below its tangent. Negative w makes the state flip its sign at each step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What you saw

# %% tags=["nbval-check-output"]
print("forgotten after 30 steps at w = 0.8:", abs(memory(0.8)[-1]) < 0.01)
print("kept after 30 steps at w = 1.2:     ", abs(memory(1.2)[-1]) > 0.5)

# %% [markdown]
# Above 1 the state has two resting points away from 0 and stays at one of them: a memory, but one that no small input can change. Notebook 4 makes that precise.

# %% [markdown] slideshow={"slide_type": "notes"}
# The resting points solve h = tanh(w h). Ask for a drawing: where does the line h meet the curve tanh(w h)?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Toolkits, then and now
#
# | toolkit | appeared | how the graph is made | today |
# |---|---|---|---|
# | Theano | 2008 | declared, then compiled | ended in 2017 |
# | Torch 7 (Lua) | 2011 | layers with hand-written backward passes | ended, succeeded by PyTorch |
# | Keras, TensorFlow | 2015 | declared first; eager by default since 2019 | in use |
# | Chainer | 2015 | recorded while the program runs | ended in 2019 |
# | DyNet | 2017 | recorded, one graph per sentence | no longer developed |
# | PyTorch | 2017 | recorded while the program runs | in use; used here |
# | JAX | 2018 | traced from Python functions | in use |
#
# Sequences of different lengths need graphs of different shapes: recording the graph while the loop runs won.

# %% [markdown] slideshow={"slide_type": "notes"}
# The lectures that this course follows were written for Theano, DyNet and early PyTorch. One published listing of that time lacked the nonlinearity: a linear RNN. We return to it in notebook 3.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What recording means
#
# The loop below runs as often as the data say, and autograd differentiates whatever ran:

# %% tags=["topic-C6c", "nbval-check-output"]
for T in (2, 5):
    w = torch.tensor(0.5, requires_grad=True)
    h = torch.tensor(1.0)
    for _ in range(T):
        h = w * h
    h.backward()
    by_hand = T * 0.5 ** (T - 1)
    print(f"T = {T}: h = w^{T}, dh/dw = {w.grad:.4f}, by hand {T} w^{T - 1} = {by_hand:.4f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The derivative of w^T is T w^(T-1). With |w| < 1 it goes to zero as T grows: the vanishing gradient of notebook 4, in one line.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - A machine that runs the course, and an idea of how long it takes.
# - One notation, x → h → y, and the four others you will meet in lectures and papers.
# - Five families of networks that differ only in when the same cell reads and writes.
# - The way exercises and sliders work.
#
# **Next:** notebook 1 asks how far counting alone gets us; every network of this course has to beat it.

# %% [markdown] slideshow={"slide_type": "notes"}
# For next time: run notebook 1 up to its first exercise.
