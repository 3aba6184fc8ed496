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
#     run: 1
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 0 · Start here
#
# > Recurrent networks read a sequence one item at a time and remember. This course builds them, breaks them, and checks every formula by running it.
#
# **You will** check your machine, learn the notation of the whole course, meet the five families of networks, and do a first exercise.<br>
# **You need** Python, matrix products, and the chain rule of calculus from notebook 3 on.<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Welcome. Every output is computed as you run it, all on your own laptop, without network and without a GPU.

# %% slideshow={"slide_type": "skip"}
import platform
import time
from collections import Counter

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, interact

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One course, thirteen notebooks
#
# ![Map of the thirteen notebooks: the core lectures 01 and 03 to 08 in a row, 00 and 02 framing their start, the applications 09 to 12 branching off.](../figures/course_map.svg)
#
# The core runs from counting words to networks that write. Each notebook answers one question, and each is a lecture: the same file opens as slides. Lines marked *For the speaker* can be skipped, or opened with a click.

# %% [markdown] slideshow={"slide_type": "notes"}
# The core row is the lecture. The applications in the lower row can be taken in any order after the notebook that they hang on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The questions
#
# | | question | minutes |
# |---|---|---|
# | 00 | Start here: what is in this course, and how is it used? | {minutes 00} |
# | 01 | n-grams: how far does counting get us? | {minutes 01} |
# | 02 | Fixed window: what do we gain when words get vectors? | {minutes 02} |
# | 03 | Vanilla RNN: how can one cell read a sequence of any length? | {minutes 03} |
# | 04 | Gradients: why does the plain RNN forget, and what can be done? | {minutes 04} |
# | 05 | LSTM and GRU, in two lectures: what do gates change, and how are they trained well? | {minutes 05} |
# | 06 | Bidirectional: what if the answer lies to the right? | {minutes 06} |
# | 07 | Seq2seq, in two lectures: how to map a sequence to another, and to which? | {minutes 07} |
# | 08 | Character RNN, in two lectures: can it write, and what one asks for? | {minutes 08} |
# | 09–12 | Sentiment, stock prices, captions, programs | |
#
# Minutes stand beside the notebooks of this edition; the others are being written.

# %% [markdown] slideshow={"slide_type": "notes"}
# Minutes are for a student who works alone and does the exercises.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols of the whole course
#
# At every step, a **cell** turns the input and the old **state** (what was read so far) into the new state; the **output layer** turns a state into a prediction. Sizes are capitals: `B` sequences in a batch, `T` steps, `V` tokens (words or characters) in the vocabulary, `E` numbers in an input, `H` in a state.
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_t$ | `x_t` | `(B, E)` | input at step $t$, a row vector per sequence |
# | $h_t$ | `h` | `(B, H)` | hidden state after step $t$ |
# | $\hat y_t$ | `y` | `(B, V)` | prediction made from $h_t$; plain $y$ in drawings |
# | $W_{xh}, W_{hh}, b_h$ | `W_xh`, `W_hh`, `b_h` | `(E, H)`, `(H, H)`, `(H,)` | weights of the cell, the same at all steps |
# | $W_{hy}, b_y$ | `W_hy`, `b_y` | `(H, V)`, `(V,)` | weights of the output layer |

# %% [markdown] slideshow={"slide_type": "notes"}
# Row vectors and batch first: formula and code read in the same order. Papers often use columns; a later slide converts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does my machine run it?

# %%
def per_second(work, seconds=0.5):
    """How many times a second this machine does a piece of work, on one thread."""
    start, times = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        work()
        times += 1
    return times / (time.perf_counter() - start)


cell, x = torch.nn.LSTMCell(256, 256), torch.randn(32, 256)
pairs = [(i % 7, i % 11) for i in range(1000)]
speed = {"counting": per_second(lambda: Counter(pairs)), "recurrent steps": per_second(lambda: cell(x))}

# %% tags=["volatile", "nbval-ignore-output", "output-only"] nbval_ignore_reason="versions and speed of the machine at hand"
REFERENCE = {"counting": 10_000, "recurrent steps": 1_000}  # the two-core machine that timed the course
NOTEBOOKS = {  # what a notebook mostly does, and its seconds there
    "01": ("counting", 45), "02": ("recurrent steps", 50), "03": ("recurrent steps", 85),
    "04": ("recurrent steps", 75), "05": ("recurrent steps", 185), "06": ("recurrent steps", 70),
    "07": ("recurrent steps", 230), "08": ("recurrent steps", 180)
}  # fmt: skip

print(f"Python {platform.python_version()}, torch {torch.__version__}", end=", ")
print(f"matplotlib {matplotlib.__version__}")
here = {notebook: seconds * REFERENCE[kind] / speed[kind] for notebook, (kind, seconds) in NOTEBOOKS.items()}
print("Seconds that the notebooks will take here:", ",  ".join(f"{name} {seconds:.0f}" for name, seconds in here.items()))
for kind in speed:
    print(f"{kind}: {speed[kind] / REFERENCE[kind]:.1f} times the speed of the machine that timed the course")

# %% [markdown]
# Two pieces of work are timed: counting pairs, as notebook 01 does, and steps of an LSTM, a recurrent cell of notebook 5. Nothing is downloaded, and no GPU is used.

# %% [markdown] slideshow={"slide_type": "notes"}
# Students can compare their factors with their neighbours'. Anything above 0.3 is comfortable.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## x → h → y
#
# ![Input x goes through W_xh into the state h, which feeds back into itself through W_hh; W_hy turns h into the output y. The encoder makes h, the decoder reads it.](../figures/notation_xhy.svg)
#
# The **encoder** turns input $x$ into a hidden state $h$, the **decoder** reads a prediction $y$ from it. The thick blue arrows carry the parameters; $x$ is given, $h$ and $y$ are computed.

# %% [markdown] slideshow={"slide_type": "notes"}
# Draw this on the board and leave it there. Biases are parameters, too, and are left out of drawings. Encoder and decoder can each be a matrix, a network, a recurrent network or a convolution: the rest of the course is what one puts on these arrows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The three arrows as code
#
# `tanh` squashes numbers into (−1, 1); `softmax` turns any V numbers into V positive ones that sum to 1.

# %% tags=["topic-B1"]
B, E, H, V = 2, 3, 4, 5
W_xh, W_hh, b_h = torch.randn(E, H), torch.randn(H, H), torch.randn(H)
W_hy, b_y = torch.randn(H, V), torch.randn(V)


def encode(x_t, h):
    """One step: input x_t (B, E) and state h (B, H) give the next state (B, H)."""
    return torch.tanh(x_t @ W_xh + h @ W_hh + b_h)


def decode(h):
    """Output layer: state h (B, H) gives a probability for each of V outputs (B, V)."""
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
# **One** (single) means a fixed number of items, **many** (multiple, N, M) a variable number. The cell is always the same; the families differ in *when* it reads and *when* it writes.

# %% [markdown] slideshow={"slide_type": "notes"}
# Keep the picture in view while the next slides go through the families one by one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A cell that a pencil can run
#
# A cell need not be neural: anything that turns an input and a state into the next state will do. This one counts open brackets, and only counts: it would call `)(` balanced.

# %%
def step(x, h):
    """The cell: reading a bracket changes how many are open."""
    return h + {"(": 1, ")": -1}[x]


def output_layer(h):
    """The decoder: what the state says."""
    return "balanced" if h == 0 else "open" if h > 0 else "impossible"


output_layer(step("(", 0))

# %% [markdown] slideshow={"slide_type": "notes"}
# In notebook 5 an LSTM learns this very counter from examples.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One to one
#
# ![One to one: the picture of a digit is the single input, the single output is 7.](../figures/family_1_to_1.svg)
#
# A feed-forward network reads once and answers once. There is nothing to remember: the state starts empty.

# %% tags=["topic-B2", "nbval-check-output"]
h = step("(", 0)
y = output_layer(h)
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
#
# The label is put into the state directly:

# %% tags=["topic-B2", "nbval-check-output"]
h, text = 3, ""
while output_layer(h) == "open":
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
print(f"(()())( → {output_layer(h)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The price of this family: the last state must hold all that matters, also what was read first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many to many, aligned
#
# ![Many to many, aligned: I, like, cake get the tags PRON, VERB, NOUN, each at the step that reads it.](../figures/family_n_to_n.svg)
#
# One output for each input, at once: part-of-speech tags, labels for the frames of a video. The alignment is *given*.

# %% [markdown] slideshow={"slide_type": "notes"}
# No freedom: as many outputs as inputs, in the same order, each without having seen what follows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One tag for each bracket

# %% tags=["topic-B2", "nbval-check-output"]
h, tags = 0, []
for x in "(())()":
    h = step(x, h)
    tags.append(f"{x} {output_layer(h)}")
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
while output_layer(h) == "open":
    text, h = text + ")", step(")", h)
print(f"(()(( is completed by {text}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Point at the two loops: the first is the encoder, the second the decoder. Nothing but h passes from one to the other.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What each family costs
#
# | family | alignment | freedom | price |
# |---|---|---|---|
# | one to one | given: one each | none in length | nothing to remember, nothing gained |
# | one to many | not given | any length of output | must decide when to stop |
# | many to one | none needed | any length of input | the last state must hold all that matters |
# | many to many, aligned | given: step by step | none in length or order | answers before it has seen what follows |
# | many to many, delayed | not given | any length, any order | must remember the first input until the end |

# %% [markdown] slideshow={"slide_type": "notes"}
# The flexibility of the last row is paid with memory: its first input must survive until the first output is written.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One cell, four notations
#
# | where | the new state | the output | vectors |
# |---|---|---|---|
# | UMBC lecture | $h_i = \sigma(W h_{i-1} + U w_i)$ | $\text{softmax}(S h_i)$ | columns |
# | Utah lecture | $s_i = g(s_{i-1} W_S + x_i W_I + b)$ | $s_i$ | rows |
# | UCL book | $h_t = \sigma(W^h h_{t-1} + W^x x_t + b)$ | $\text{softmax}(W^o h_t)$ | columns |
# | Stanford CS224n | $h^{(t)} = \sigma(W_h h^{(t-1)} + W_e e^{(t)} + b_1)$ | $\text{softmax}(U h^{(t)} + b_2)$ | columns |
# | **this course** | $h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h)$ | $\text{softmax}(h_t W_{hy} + b_y)$ | rows |
#
# $\sigma$ and $g$ stand for any squashing function; we take tanh. With columns, the matrices are transposed: $W^h$ is $H \times H$, $W^x$ is $H \times E$, $W^o$ is $V \times H$. Come back to this page when you read a paper. Is the new state the same in all of them?

# %% [markdown] slideshow={"slide_type": "notes"}
# When you read papers, find out four things first: rows or columns, which letter is the state, which matrix multiplies which, and whether there is a bias.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Yes, up to biases: transpose, and rename

# %% tags=["topic-C2"]
E, H, V = 3, 4, 5
x, h = torch.randn(E).double(), torch.randn(H).double()
W_xh, W_hh = torch.randn(E, H).double(), torch.randn(H, H).double()
W_hy, b_h, b_y = torch.randn(H, V).double(), torch.randn(H).double(), torch.randn(V).double()


def umbc(W, U, S, w, h):
    """The state and output of a column-vector cell without bias."""
    h = torch.tanh(W @ h + U @ w)
    return h, torch.softmax(S @ h, dim=0)


def utah(W_S, W_I, b, x, s):
    """The state of a row-vector cell; in that lecture the state is also the output."""
    s = torch.tanh(s @ W_S + x @ W_I + b)
    return s, s

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
def course(b_h, b_y):
    """The state and output of this course's cell, with these biases."""
    state = torch.tanh(x @ W_xh + h @ W_hh + b_h)
    return state, torch.softmax(state @ W_hy + b_y, dim=-1)


state, _ = course(b_h, b_y)
both = {
    "UMBC, without biases": (umbc(W_hh.T, W_xh.T, W_hy.T, x, h), course(0, 0)),
    "Utah, state as output": (utah(W_hh, W_xh, b_h, x, h), (state, state)),
    "UCL, one bias": (ucl(W_hh.T, W_xh.T, W_hy.T, b_h, x, h), course(b_h, 0)),
    "CS224n, two biases": (cs224n(W_hh.T, W_xh.T, b_h, W_hy.T, b_y, x, h), course(b_h, b_y)),
}
for name, (theirs, ours) in both.items():
    difference = max((a - b).abs().max().item() for a, b in zip(theirs, ours))
    print(f"{name:22} agrees to 1e-12: {difference < 1e-12}")

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the course's way to end an argument: one set of weights, several implementations, one number that must vanish. Elman's own network of 1990 had an output layer; the Utah lecture drops it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### And PyTorch?
#
# PyTorch multiplies row vectors, too, but stores its weights transposed, and keeps *two* biases, of which only the sum matters:

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
# Each exercise asks for a **prediction** first: write it down, it is what you learn from. Then fill in the stub, run it, and run the cell below. It says *not attempted yet*, *correct*, or the first case that differs and, if it knows your mistake, a hint. The solution is folded below that: click on the three dots to open it.

# %% [markdown] slideshow={"slide_type": "notes"}
# Show the three cells live, with a wrong answer first: leave out the bias and run the check.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · How many parameters does the cell have?
#
# $h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h)$ with $E$ inputs and $H$ units. **Predict** the number for $E = 3$, $H = 4$, then replace the dots by a formula.
#
# <details><summary>Answer</summary>3 · 4 + 4 · 4 + 4 = 32, whatever the length of the sequence.</details>

# %% tags=["exercise-1-stub"]
def count_parameters(E, H):
    """Number of weights of an RNN cell with E inputs and H units."""
    return ...

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
            "W_hh maps H numbers to H numbers, not E to H": (lambda E, H: E * H + E * H + H),
            "b_h holds one number for each unit": (lambda E, H: E * H + H * H + 1),
            "b_h has one number for each unit, H, not for each input": (lambda E, H: E * H + H * H + E),
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
# A cell of one unit sees a single input, $x_1 = 1$, and then nothing: $h_t = \tanh(w\, h_{t-1} + x_t)$. **Predict:** for which $w$ does the state never fade?

# %% slideshow={"slide_type": "skip"}
def memory(w, T=30, x_1=1.0):
    """The states h_1 … h_T of a one-unit cell after the single input x_1."""
    states = [np.tanh(x_1)]
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
for w in (-1.2, -0.8, 0.8, 1.0, 1.2):
    print(f"w = {w:4}: |h| after 30 steps {abs(memory(w)[-1]):.2f}, after 3000 {abs(memory(w, T=3000)[-1]):.2f}")

# %%
for x_1 in (-1, 0.1, 1, 5):
    print(f"w = 1.2, input {x_1:4}: h after 3000 steps {memory(1.2, 3000, x_1)[-1]:5.2f}")

# %% [markdown]
# Only $|w| > 1$ keeps something for ever, and what it keeps is one bit, the *sign* of the input: its size is gone. At $w = 1$ the state fades, but slowly. Notebook 4 makes that precise.

# %% [markdown] slideshow={"slide_type": "notes"}
# The resting points solve h = tanh(w h). Ask for a drawing: where does the line h meet the curve tanh(w h)?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Toolkits, then and now
#
# | toolkit | appeared | how the graph is made | today |
# |---|---|---|---|
# | Theano | 2007 | declared, then compiled | ended in 2017, lives on in PyTensor |
# | Torch 7 (Lua) | 2011 | layers with hand-written backward passes | ended, succeeded by PyTorch |
# | Keras, TensorFlow | 2015 | declared first; eager by default since 2019 | in use |
# | Chainer | 2015 | recorded while the program runs | ended in 2019 |
# | DyNet | 2016 | recorded, one graph per sentence | no longer developed |
# | PyTorch | 2017 | recorded while the program runs | in use; used here |
# | JAX | 2018 | traced from Python functions | in use |
#
# The *graph* says which operation made which number; gradients are computed along it. Loops over sequences are easiest to write where it is recorded while the loop runs.

# %% [markdown] slideshow={"slide_type": "notes"}
# The lectures that this course follows were written for Theano, DyNet and early PyTorch. One published listing of that time lacked the nonlinearity: a linear RNN. We return to it in notebook 3.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What recording means
#
# The loop below runs as often as the data say. `backward` then computes the derivative of whatever ran:

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
