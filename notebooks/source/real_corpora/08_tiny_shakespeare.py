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
#     corpora: [tiny_shakespeare]
#     run: 6
#     over:
#       pictures: {most: 32, why: "to be recut with its lecture"}
#       slide_lines: {most: 19, why: "to be recut with its lecture"}
#       code_share: {most: 71.9, why: "to be recut with its lecture"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 8 · Shakespeare in a minute
#
# > Two networks, the same text, the same seconds: one hardly knows which letters are frequent, the other writes lines of a play. What lies between them is craft.
#
# **You will** start from the loop of many tutorials, and measure what each improvement buys in characters a second and in nats.<br>
# **You need** notebook 5 (LSTM, truncated backpropagation, LayerNorm before the output layer), and a connection: one file (1 MB) is downloaded once.<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# The question of the lecture: given a minute and an ordinary processor, how good can a network that writes characters become? Let the class guess what will matter most.

# %% slideshow={"slide_type": "skip"}
import math
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, layer_norm, one_hot

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import fetch_corpus

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x, y$ | `x`, `y` | `(B, T)` | characters as numbers, and the character after each |
# | $C$ | `C` | `(V, E)` | a vector for each character |
# | $P_n$ | `tables` | `(R, E)` | vectors for groups of $n$ characters; R is `rows`, at most 20,011 |
# | $h_t, c_t$ | `h`, `c` | `(B, H)` | hidden and cell state of the LSTM |
# | $W_{hh}$ | `weight_hh_l0` | `(4H, H)` | from the state to the sums of gates and candidate, as `nn.LSTM` keeps it |
# | $s$ | `share` | | the part of the training time that is over, from 0 to 1 |
# | $\eta$ | `lr` | | the learning rate at its highest |
# | $\lambda$ | `decay` | | how fast weights shrink (weight decay) |

# %% [markdown] slideshow={"slide_type": "notes"}
# B rows of T characters are one step of training. V is 65, the number of different characters.

# %% slideshow={"slide_type": "skip"}
# Derived in notebooks 1 (Kneser–Ney with arrays), 3 (windows of a stream) and 5:
from course_utils.taught.gated_lm import detach_state
from course_utils.taught.lstm_gru import init_forget_bias
from course_utils.taught.ngram_lm import packed_kneser_ney, packed_score
from course_utils.taught.vanilla_rnn import stream_batches

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The text
#
# *Tiny Shakespeare*: about a million characters from his plays, put together by Andrej Karpathy, in the public domain. It is the text on which character models are most often compared.

# %%
text = (fetch_corpus("tiny_shakespeare") / "input.txt").read_text("utf-8")
letters = sorted(set(text))
number = {letter: k for k, letter in enumerate(letters)}
V = len(letters)
print(f"{len(text):,} characters, {V} different ones: {''.join(letters)!r}")
print(text[:75])

# %% [markdown] slideshow={"slide_type": "notes"}
# Names in a line of their own, a colon, then speech in lines, then an empty line. A model must learn words, names, line lengths and this form.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three parts
#
# nanoGPT, whose published result we want to reach, trains on the first 90 % and validates on the last 10 %. What we compare, we compare inside the first 90 %, whose last ninth is *held out*. The last 10 % is read at the end.

# %% tags=["nbval-check-output"]
ids = torch.tensor([number[letter] for letter in text])
cut, end = int(0.8 * len(ids)), int(0.9 * len(ids))
read, held_out, validation = ids[:cut], ids[cut:end], ids[end:]
training = ids[:end]  # for the last model: what is read and what is held out
for name, part in {"read": read, "held out": held_out, "training": training, "validation": validation}.items():
    print(f"{name:10} {len(part):9,} characters")

# %% [markdown] slideshow={"slide_type": "notes"}
# Whoever tries twenty sets of hyperparameters and reports the best on the validation text has trained on it, a little. The held-out ninth takes that damage here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How good is good?
#
# The measure: cross-entropy in **nats per character**, as in notebook 1; divided by log 2 it is bits. Three values to stand beside ours:
#
# | | nats per character |
# |---|---|
# | uniform, log 65 | 4.17 |
# | nanoGPT's published setting, on a GPU, last 10 %, its best evaluation | 1.47 |
# | nanoGPT's published setting for a CPU, last 10 % | 1.88 |
#
# And what counting reaches, below.

# %% [markdown] slideshow={"slide_type": "notes"}
# The two numbers of nanoGPT are from its README. They are losses on its validation part, estimated on random windows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What counting reaches
#
# Notebook 1's Kneser–Ney estimate, for characters. The order and the discount are chosen on the held-out part:

# %% tags=["nbval-check-output"]
def counting_log_probs(past, new, n, d):
    """log p (N,) of each character of `new` by Kneser–Ney of order n, counted in `past`."""
    x = np.r_[np.zeros(n - 1, int), past.numpy() + 1]  # 0 stands before the beginning
    levels = packed_kneser_ney(x, x > 0, n, V + 1, d)
    return np.log(packed_score(levels, np.r_[x[1 - n :], new.numpy() + 1], V + 1)[n - 1 :])


by_counting = {(n, d): -counting_log_probs(read, held_out, n, d).mean() for n, d in ((5, 0.9), (6, 0.75), (6, 0.9), (7, 0.9))}
order, discount = min(by_counting, key=by_counting.get)
for (n, d), loss in by_counting.items():
    print(f"n = {n}, discount {d:4}: {loss:.2f} nats per held-out character")
print(f"best: n = {order}, discount {discount}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A strong baseline: characters repeat more than words do. It is ready in a second, and a network must beat it to be worth its minute.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The rules of the ladder
#
# Each rung changes **one thing** of the rung below; three are bundles, and say so. All rungs have the same seconds, one thread, the same text, H = 256 units and E = 64 numbers a character, and all start from seed 0. During training the clock is stopped from time to time, and the network reads 40,000 held-out characters.

# %%
E, H, SECONDS = 64, 256, 16
print(f"{SECONDS} s for each rung, H = {H}, E = {E}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Windows of the text, as in notebooks 3 and 5: two rows of inputs, and the two rows of targets, one character later:

# %% slideshow={"slide_type": "skip"}
x, y = next(stream_batches(ids, B=2, T=20))
["".join(letters[k] for k in row) for row in (*x, *y)]

# %% [markdown] slideshow={"slide_type": "notes"}
# Seconds are what the user pays, so seconds are what is equal. A rung may win by reading more, or by learning more from what it reads. stream_batches is notebook 3's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Passes without end, and the yardstick
#
# Each pass begins at another place of the text, so the rows are cut differently every time. For measuring, the text is read in a few long rows, the state carried on:

# %%
def endless_batches(ids, B, T):
    """stream_batches, pass after pass, each from a random place on."""
    while True:
        yield from stream_batches(ids.roll(-torch.randint(len(ids), ()).item()), B, T)

# %%
@torch.no_grad()
def nats(model, ids, B=8):
    """Mean nats per character of ids (N,), read in B long rows from left to right."""
    losses, state = [], None
    for x, y in stream_batches(ids, B, T=200):
        scores, state = model(x, state)
        losses.append(cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none"))
    return torch.cat(losses).mean().item()

# %% [markdown] slideshow={"slide_type": "skip"}
# For a model that knows nothing, the yardstick must give log 65; and a pass must show each character once:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
def know_nothing(x, state):
    """Equal scores (B, T, V) for all characters."""
    return torch.zeros(*x.shape, V), state


print("nats of a uniform guess:", round(nats(know_nothing, held_out[:5000]), 2), " log 65:", round(math.log(65), 2))
some = torch.arange(41)
windows = [x for (x, _), _ in zip(endless_batches(some, B=4, T=5), range(2))]
print("one pass shows 40 of 41, each once:", torch.cat(windows).unique().numel() == 40)

# %% [markdown] slideshow={"slide_type": "notes"}
# A long row loses no context at the borders of windows. Only the beginnings of the eight rows are read without a past.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The training loop
#
# One loop for all rungs. What a rung changes comes in from outside: the model, the rows B, whether the state is carried, the rate at each share $s$ of the seconds, the optimiser.

# %%
def train_for(seconds, model, ids, optimizer, rate, B=32, T=64, carry=True, limit=1.0, looks=6):
    """Train so many seconds; returns (seconds, characters, held-out nats) at each look."""
    curve, spent, characters, state = [], 0.0, 0, None
    for x, y in endless_batches(ids, B, T):
        begun = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = rate(min(spent / seconds, 1.0))
        scores, state = model(x, state if carry else None)
        state = detach_state(state)
        optimizer.zero_grad()
        cross_entropy(scores.flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        spent += time.perf_counter() - begun
        characters += x.numel()
        if looks and spent >= seconds * (len(curve) + 1) / looks:
            curve.append((spent, characters, nats(model, held_out[:40_000], B=40)))
        if spent >= seconds:
            return curve or [(spent, characters, None)]

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 5's loop with a clock. The rate follows the share of the time that is over, not the number of steps: on a slow machine it falls in time, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 0: one character at a time
#
# The loop that many tutorials show: one text, one character after the other, a one-hot vector, a step of the cell, an output layer; Adam with a constant rate; each window of 64 starts from an empty state.

# %%
class StepByStepLM(nn.Module):
    """Characters x (B, T) and a state give scores (B, T, V) and the next state, by a loop of single steps."""

    def __init__(self, V, H):
        super().__init__()
        self.cell, self.output_layer = nn.LSTMCell(V, H), nn.Linear(H, V)

    def forward(self, x, state=None):
        scores = []
        for x_t in x.T:
            state = self.cell(one_hot(x_t, V).float(), state)
            scores.append(self.output_layer(state[0]))
        return torch.stack(scores, dim=1), state

# %% [markdown] slideshow={"slide_type": "skip"}
# A rung of the ladder: a model, and what the loop is told. The results of all rungs come in one table.

# %% slideshow={"slide_type": "skip"}
ladder = {}


def constant(share, lr=0.002):
    """The same rate at each share of the time."""
    return lr


def climb(name, new_model, new_optimizer=torch.optim.Adam, rate=constant, **settings):
    """Train a new model from seed 0 for the ladder's seconds, and keep its curve."""
    torch.manual_seed(0)
    model = new_model()
    ladder[name] = train_for(SECONDS, model, read, new_optimizer(model.parameters()), rate, **settings)
    print(f"rung {list(ladder).index(name)}, {name}: trained")

# %% tags=["output-only"]
climb("one character at a time", lambda: StepByStepLM(V, H), B=1, carry=False, limit=math.inf)

# %% [markdown] slideshow={"slide_type": "notes"}
# It works, and it learns. Hardly any of the processor's arithmetic is used: each step asks for a few tiny products, and what takes time is asking.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 1: many rows at once
#
# Cut the text into B = 32 rows and read them side by side. The products have 32 rows instead of one, and the number of calls stays the same.

# %% tags=["output-only"]
climb("32 rows", lambda: StepByStepLM(V, H), carry=False, limit=math.inf)

# %% tags=["nbval-check-output"]
def speed(name):
    """Characters a second in training, of a rung."""
    return ladder[name][-1][1] / ladder[name][-1][0]


print("three times as fast or more:", speed("32 rows") > 3 * speed("one character at a time"))

# %% [markdown]
# One gradient is now a mean over 2,048 characters instead of 64: fewer steps in the same seconds, each in a better direction. **Predict:** will the loss after 16 seconds be better or worse than on rung 0?

# %% [markdown] slideshow={"slide_type": "notes"}
# The first lesson of fast training, on any machine: give it large products. The answer to the question is in the table: with a small constant rate, many cheap steps can beat few good ones. Rung 5 will let each step go further.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 2: all steps in one call
#
# `nn.LSTM` reads all T steps in one call. The loop over time is then not Python's, the inputs of all steps are multiplied in one product, and so are the output layers. It is the same cell:

# %%
class OneCallLM(nn.Module):
    """Characters x (B, T) and a state give scores (B, T, V) and the next state, in one call of nn.LSTM."""

    def __init__(self, V, H):
        super().__init__()
        self.lstm, self.output_layer = nn.LSTM(V, H, batch_first=True), nn.Linear(H, V)

    def forward(self, x, state=None):
        states, state = self.lstm(one_hot(x, V).float(), state)
        return self.output_layer(states), state

# %% [markdown] slideshow={"slide_type": "skip"}
# The check: give both the same weights, and compare losses and gradients.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
steps, call = StepByStepLM(V, 20), OneCallLM(V, 20)
call.load_state_dict(dict(zip(call.state_dict(), steps.state_dict().values())))
x, y = next(stream_batches(read, B=3, T=7))
losses = [cross_entropy(model(x)[0].flatten(0, 1), y.flatten()) for model in (steps, call)]
gradients = [torch.autograd.grad(loss, model.parameters()) for loss, model in zip(losses, (steps, call))]
print("the same loss:     ", torch.allclose(*losses, atol=1e-6))
print("the same gradients:", all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*gradients)))

# %% [markdown] slideshow={"slide_type": "skip"}
# So the rung differs from the one below in speed alone:

# %% tags=["output-only"]
climb("one call", lambda: OneCallLM(V, H), carry=False, limit=math.inf)

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing has changed but who runs the loop. A hand-written cell is for understanding; the library's is for long training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 3: an embedding
#
# A one-hot row times a matrix is one row of the matrix, so multiplying is a waste: 65 products, of which 64 are with 0. Looking the row up gives the same, as in notebook 2:

# %% tags=["nbval-check-output"]
C = torch.randn(V, 64)
print("one-hot times C = row of C:", torch.equal(one_hot(x, V).float() @ C, C[x]))
print(f"mean length of a row of C: {C.norm(dim=1).mean():.0f}; of a one-hot row: 1")

# %% [markdown]
# With E = 64 numbers for each character the LSTM's products hardly get smaller (65 before). What the vector buys: characters that behave alike can share, it can be enriched, as on a later rung, and its rows are about eight times as long as a one-hot row, so that the gates start with larger sums. Which of these is it? Multiply the one-hot rows of rung 2 by 8, and see.

# %% [markdown] slideshow={"slide_type": "notes"}
# In a vocabulary of ten thousand words the same step is the difference between possible and impossible; with 65 characters it hardly saves time. If the loss gains all the same, look at the sizes, as the slide suggests: at 185 equal steps one-hot rows times 8 were as good as the embedding (2.04 and 2.03 nats, one-hot 2.44). Rung 7 takes up the start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The model from here on
#
# `norm` does nothing yet: `nn.Identity` hands on what it gets.

# %%
class CharLM(nn.Module):
    """Characters x (B, T) and a state give scores (B, T, V) and the next state."""

    def __init__(self, V, E, H):
        super().__init__()
        self.C, self.lstm = nn.Embedding(V, E), nn.LSTM(E, H, batch_first=True)
        self.norm, self.output_layer = nn.Identity(), nn.Linear(H, V)

    def forward(self, x, state=None):
        states, state = self.lstm(self.C(x), state)
        return self.output_layer(self.norm(states)), state


climb("embedding", lambda: CharLM(V, E, H), carry=False, limit=math.inf)

# %% [markdown] slideshow={"slide_type": "notes"}
# A later rung puts LayerNorm in the place of norm. All later rungs change this model, or how it is trained.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 4: the state is carried
#
# Row b of a window continues row b of the window before. So far its state was thrown away, and the first characters of each window were read without a past. Now it is kept, and detached (notebook 5, exercise 5):

# %% tags=["output-only"]
climb("carried state", lambda: CharLM(V, E, H), limit=math.inf)

# %% tags=["nbval-check-output"]
model = CharLM(V, 8, 12)
x, y = next(stream_batches(read, B=2, T=20))
whole, (first, state) = model(x)[0], model(x[:, :10])
print("carried, two windows read like one:", torch.allclose(model(x[:, 10:], state)[0], whole[:, 10:], atol=1e-6))
print("from an empty state they do not:   ", not torch.allclose(model(x[:, 10:])[0], whole[:, 10:], atol=1e-3))

# %% [markdown] slideshow={"slide_type": "notes"}
# It costs nothing, and it also makes training like testing: at the end the text is read in long rows with a carried state.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The shape of a batch
#
# How many characters a second go forward and backward through this model, with B rows of T characters in a step?

# %% slideshow={"slide_type": "skip"}
def window_speed(B, T):
    """Characters a second, forward and backward, in windows of B rows of T characters: the best of four."""
    model, (x, y), taken = CharLM(V, E, H), next(stream_batches(read, B, T)), []
    for _ in range(4):
        begun = time.perf_counter()
        cross_entropy(model(x)[0].flatten(0, 1), y.flatten()).backward()
        taken.append(time.perf_counter() - begun)
    return x.numel() / min(taken)

# %% tags=["volatile", "nbval-ignore-output"] nbval_ignore_reason="speed differs from run to run"
for B in (1, 8, 32, 128):
    print(f"B = {B:3}:", *(f"   T = {T:2}: {window_speed(B, T):7,.0f}" for T in (16, 64)))

# %% [markdown]
# Rows count, since they share each product. But large batches have a price: a step reads B · T characters, so in the same seconds there are fewer steps. B = 32 and T = 64 stay.

# %% [markdown] slideshow={"slide_type": "notes"}
# One row wastes most of the machine. From some dozens of rows on, more of them bring little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 5: a rate that rises and falls
#
# A constant rate must be small enough for the end. Better: rise to a five times larger one during the first twentieth, then fall along a cosine to 2 % of it.
#
# $$\eta(s) = \eta \cdot \begin{cases} s / 0.05 & s < 0.05 \\ 0.02 + 0.98 \cdot \frac{1}{2} \big(1 + \cos \pi \frac{s - 0.05}{0.95}\big) & \text{else} \end{cases}$$

# %% tags=["nbval-check-output"]
def rising_and_falling(share, lr=0.01):
    """The rate at a share of the time: up to lr in the first twentieth, then along a cosine to 2 % of it."""
    if share < 0.05:
        return lr * max(share, 0.001) / 0.05
    return lr * (0.02 + 0.98 * (1 + math.cos(math.pi * (share - 0.05) / 0.95)) / 2)


print([round(rising_and_falling(share), 4) for share in (0.025, 0.05, 0.525, 1)])

# %% tags=["output-only"]
climb("rate rises and falls", lambda: CharLM(V, E, H), rate=rising_and_falling)

# %% [markdown]
# Large steps need a guard: from here on gradients are clipped to norm 1 (notebook 4).

# %% [markdown] slideshow={"slide_type": "notes"}
# Rate and clipping are a bundle: one asks for the other. The rise protects the first steps, when Adam's estimates rest on few gradients. The fall lets the weights settle. It must be planned: the curve is best only at its end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 6: LayerNorm before the output layer
#
# As in notebook 5: each state is brought to mean 0 and standard deviation 1 over its H numbers, then scaled and shifted.
#
# $$\text{LayerNorm}(h) = \frac{h - \text{mean}(h)}{\sqrt{\text{var}(h) + 10^{-5}}} \odot \text{gain} + \text{bias}$$

# %% tags=["nbval-check-output"]
def with_norm(model):
    """The same CharLM, its states normalised before the output layer."""
    model.norm = nn.LayerNorm(model.lstm.hidden_size)
    return model


h = torch.randn(2, 5, H)
mean, var = h.mean(dim=2, keepdim=True), h.var(dim=2, keepdim=True, correction=0)
formula = (h - mean) / (var + 1e-5).sqrt()
print("with gain 1 and bias 0:", torch.allclose(layer_norm(h, (H,)), formula, atol=1e-5))

# %% tags=["output-only"]
climb("LayerNorm", lambda: with_norm(CharLM(V, E, H)), rate=rising_and_falling)

# %% [markdown] slideshow={"slide_type": "notes"}
# The states of an LSTM are small, far inside minus one to one. The output layer would have to grow large weights first; LayerNorm hands it numbers of size one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 7: a better start
#
# A bundle, all of it about where training begins:
#
# - $W_{hh}$ orthogonal in each gate: it turns a state and keeps its length (notebook 4).
# - Forget gates open: their bias is 1 (notebook 5). Embeddings and inputs of size one.
# - The bias of the output layer is the log of the characters' frequencies, its weights are small: training need not begin with counting letters.

# %%
@torch.no_grad()
def well_started(model, ids):
    """The same CharLM with better weights to start from; ids are the text to be learned."""
    for block in model.lstm.weight_hh_l0.chunk(4):
        nn.init.orthogonal_(block)
    nn.init.normal_(model.lstm.weight_ih_l0, std=model.C.embedding_dim**-0.5)
    init_forget_bias(model.lstm, bias=1.0)
    nn.init.normal_(model.output_layer.weight, std=0.02)
    model.output_layer.bias.copy_(torch.log((torch.bincount(ids, minlength=V) + 1) / (len(ids) + V)))
    return model

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
torch.manual_seed(0)
model = well_started(with_norm(CharLM(V, E, H)), read)
row, frequencies = torch.randn(1, H), torch.bincount(read) / len(read)
kept = [torch.isclose((row @ block).norm(), row.norm()).item() for block in model.lstm.weight_hh_l0.chunk(4)]
print("a row keeps its length in each gate:", kept)
first, entropy = nats(model, held_out[:20_000]), torch.special.entr(frequencies).sum()
print(f"first loss {first:.1f} nats; entropy of the letters' frequencies {entropy:.1f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Both hold, so the rung can be climbed:

# %% tags=["output-only"]
climb("better start", lambda: well_started(with_norm(CharLM(V, E, H)), read), rate=rising_and_falling)

# %% [markdown] slideshow={"slide_type": "notes"}
# The first loss is that of letter frequencies, not log 65 or worse.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · One number for a group
#
# The next rung looks up a vector for the last few characters together. Write the group's characters $0 \dots V - 1$ like the digits of a number in base V, the last character as the units. Then divide by the number of rows of a table: the remainder is the group's row. **Predict:** can two groups get the same row?
#
# <details><summary>Answer</summary>Without the division never, for groups of one length. With it yes, and they must, as soon as there are more groups than rows.</details>

# %% tags=["exercise-1-stub"]
def row_of_group(group, V, rows):
    """The row, from 0 to rows - 1, of a group: a list of character numbers, the last character at its end."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_row_of_group(attempt):
    """Try an attempt on groups of several lengths."""
    cases = [([3, 1, 4], 10, 100), ([20, 5, 64], 65, 997), ([3, 1, 4], 7, 50), ([5, 2], 6, 1000), ([1, 0, 2, 6], 9, 101), ([2, 8, 4, 3, 7], 11, 997)]

    def digits(group, base):
        value = 0
        for k in group:
            value = value * base + k
        return value

    return check(
        attempt,
        cases=[(case, digits(case[0], case[1]) % case[2]) for case in cases],
        misconceptions={
            "the last character is the units: the first one has the highest power of V": (
                lambda group, V, rows: digits(group[::-1], V) % rows
            ),
            "the remainder is missing: a row lies between 0 and rows - 1": lambda group, V, rows: digits(group, V),
            "the remainder, not the quotient: %, not //": lambda group, V, rows: digits(group, V) // rows,
            "the base is V, not 10": lambda group, V, rows: digits(group, 10) % rows,
            "the base is V: characters are numbered from 0 to V - 1, so V + 1 is too many": (
                lambda group, V, rows: digits(group, V + 1) % rows
            ),
            "the base is V, the number of characters, not the highest number": (
                lambda group, V, rows: digits(group, V - 1) % rows
            ),
            "a sum forgets the order: each place has a power of V of its own": lambda group, V, rows: sum(group) % rows,
            "the units have the power 0 of V: the number is V times too large": (
                lambda group, V, rows: digits(group, V) * V % rows
            ),
            "that is the last character's number: all of the group count, and the remainder is by rows, not by V": (
                lambda group, V, rows: digits(group, V) % V
            ),
            "the last character belongs to the group": lambda group, V, rows: digits(group[:-1], V) % rows,
            "the remainder of the division, not the result": lambda group, V, rows: digits(group, V) / rows,
            "characters are numbered from 0, no 1 is to be added": (
                lambda group, V, rows: digits([k + 1 for k in group], V) % rows
            ),
            "the first character belongs to the group": lambda group, V, rows: digits(group[1:], V) % rows,
            "int(text, V) reads one digit a number, and knows bases up to 36 only": (
                lambda group, V, rows: int("".join(map(str, group)), V) % rows
            ),
        },
    )


check_row_of_group(row_of_group)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def row_of_group_solution(group, V, rows):
    """The row, from 0 to rows - 1, of a group: a list of character numbers, the last character at its end."""
    value = 0
    for k in group:
        value = value * V + k
    return value % rows


check_row_of_group(row_of_group_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Base 10 is a good way to see it: with ten characters, the group 3, 1, 4 is three hundred and fourteen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 8: vectors for groups of characters
#
# Counting does well with the last five to seven characters. An LSTM has to *compute* them, step by step, from single ones. Looking up is cheaper: add to the vector of the last character one for the last **two** together, one for the last three, and so on.
#
# There are $65^4$, nearly 18 million groups of four, most of which never occur. So the table has a fixed number of rows, and the row is exercise 1's, a **hash**: $\;(x_{t-n+1} V^{n-1} + \dots + x_{t-1} V + x_t) \bmod R$

# %%
def group_rows(line, n, rows):
    """Table rows (B, T) of the n characters that end at each of the last T places of line (B, T + n - 1)."""
    T = line.shape[1] - n + 1
    return sum(line[:, j : j + T] * V ** (n - 1 - j) for j in range(n)) % rows

# %% tags=["nbval-check-output", "output-only"]
three = [row_of_group_solution(group.tolist(), V, 20_011) for group in read[:1000].unfold(0, 3, 1)]
print("as in exercise 1:", group_rows(read[None, :1000], 3, 20_011).tolist() == [three])
for n in (2, 3, 4, 5):
    groups = group_rows(read[None], n, rows=V**n).unique()  # with as many rows as groups, each has its own
    hit = (groups % 20_011).unique()
    print(f"{len(groups):7,} different groups of {n} in the text, in {len(hit):6,} of 20,011 rows")

# %% [markdown] slideshow={"slide_type": "notes"}
# Pairs need no more rows than there are pairs, 65 squared. Longer groups that fall into one row share a vector. The LSTM can still tell them apart, since it also sees the single characters. Hashing is an old trick for large vocabularies.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Groups added to the characters
#
# The tables start at zero: at first the model is the one of rung 7, and a group's vector grows where it helps. The last characters are carried on like the state.

# %%
class GroupLM(CharLM):
    """A CharLM with a vector for each group of the last 2, 3, … n characters, too."""

    def __init__(self, V, E, H, n, rows=20_011):
        super().__init__(V, E, H)
        self.tables = nn.ModuleList(nn.Embedding(min(V**k, rows), E) for k in range(2, n + 1))
        for table in self.tables:
            nn.init.zeros_(table.weight)

    def forward(self, x, state=None):
        nothing = torch.zeros(1, len(x), self.lstm.hidden_size)
        h, c, before = state or (nothing, nothing, x[:, :1].repeat(1, len(self.tables)))
        line, vectors = torch.cat([before, x], dim=1), self.C(x)
        for n, table in enumerate(self.tables, start=2):
            vectors = vectors + table(group_rows(line, n, table.num_embeddings)[:, -x.shape[1] :])
        states, (h, c) = self.lstm(vectors, (h, c))
        return self.output_layer(self.norm(states)), (h, c, line[:, -len(self.tables) :])

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
plain, grouped = CharLM(V, 8, 12), GroupLM(V, 8, 12, n=4)
grouped.load_state_dict(plain.state_dict(), strict=False)
x, _ = next(stream_batches(read, B=2, T=20))
print("tables of zeros change nothing:    ", torch.allclose(plain(x)[0], grouped(x)[0], atol=1e-6))
for table in grouped.tables:
    nn.init.normal_(table.weight)
first, state = grouped(x[:, :10])
both = torch.cat([first, grouped(x[:, 10:], state)[0]], dim=1)
print("carried, two windows read like one:", torch.allclose(both, grouped(x)[0], atol=1e-6))

# %% [markdown] slideshow={"slide_type": "notes"}
# Before the very first character nothing is known: the first character stands in for those that are missing.

# %% [markdown] slideshow={"slide_type": "skip"}
# One function for the model of this rung and of those to come:

# %% tags=["output-only"]
def grouped_model(ids):
    """The model of rungs 8 and 9, ready to be trained on ids."""
    return well_started(with_norm(GroupLM(V, E, H, n=N_GROUP)), ids)


N_GROUP = 4
climb("groups of characters", lambda: grouped_model(read), rate=rising_and_falling)

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the bridge between notebook 1 and notebook 5: an n-gram model's table inside a recurrent network. That n = 4 was chosen on the held-out part, together with the other hyperparameters; these runs are not in this notebook.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rung 9: weight decay
#
# Whoever trains longer reads the text more than once, and the tables could learn parts of it by heart. AdamW shrinks each weight a little at each step: $W \leftarrow (1 - \eta \lambda) W$. Gains and biases are left alone; only matrices shrink. And $\beta_2 = 0.99$ instead of 0.999: in a short training the mean of squared gradients should not look back too far. A bundle of two, in one optimiser, which also runs in its faster (*fused*) form.

# %%
def adamw(parameters, decay=0.1):
    """AdamW that lets matrices decay, and leaves vectors (biases and gains) alone."""
    parameters = list(parameters)
    matrices, vectors = [p for p in parameters if p.dim() > 1], [p for p in parameters if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)

# %% [markdown] slideshow={"slide_type": "skip"}
# With gradients of zero, a step must shrink matrices as the formula says, and leave vectors as they are:

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
model = CharLM(V, 8, 12)
before = [p.detach().clone() for p in model.parameters()]
optimizer = adamw(model.parameters())
for p in model.parameters():
    p.grad = torch.zeros_like(p)
optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = 0.01
optimizer.step()
shares = [1 - 0.01 * 0.1 if p.dim() > 1 else 1.0 for p in before]
print("as the formula:", all(torch.allclose(p, k * b) for p, k, b in zip(model.parameters(), shares, before)))

# %% tags=["output-only"]
climb("weight decay", lambda: grouped_model(read), adamw, rate=rising_and_falling)

# %% [markdown] slideshow={"slide_type": "notes"}
# Gradients of zero show the decay alone. fused is the library's fast way to do all tensors in one go.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A rung that not every processor has: bfloat16
#
# Numbers of 16 bits, of which 8 are for the exponent as in float32. Processors with the instructions AVX512-BF16 or AMX multiply them several times as fast; others refuse, or are slower. Ask by trying:

# %%
def has_bfloat16():
    """True if nn.LSTM can be trained in bfloat16 on this processor."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            nn.LSTM(4, 8, batch_first=True)(torch.zeros(2, 3, 4))[0].float().sum().backward()
    except RuntimeError:
        return False
    return True


print("bfloat16 on this processor:", has_bfloat16())

# %% [markdown] slideshow={"slide_type": "skip"}
# Where it is there, one more rung: the model's products in bfloat16, scores and losses in float32.

# %% slideshow={"slide_type": "skip"}
class InBfloat16(nn.Module):
    """A model whose products are computed in bfloat16; scores come out in float32."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, state=None):
        with torch.autocast("cpu", torch.bfloat16):
            scores, state = self.model(x, state)
        return scores.float(), state


if has_bfloat16():
    climb("bfloat16", lambda: InBfloat16(grouped_model(read)), adamw, rate=rising_and_falling)

# %% [markdown] slideshow={"slide_type": "notes"}
# If it says False, the ladder ends at rung 9. There is nothing to be gained by pretending.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The ladder

# %% tags=["volatile", "nbval-ignore-output", "output-only"] nbval_ignore_reason="speed and, by it, what is learned in equal seconds differ from run to run"
print(f"{SECONDS} s of training for each rung, one thread; nats per character, the first 40,000 held out\n")
print(f"{'rung':>4} {'':26}{'characters/s':>13}{'characters read':>17}{'nats':>7}{'gain':>7}")
below = None
for rung, (name, curve) in enumerate(ladder.items()):
    spent, characters, loss = curve[-1]
    gain = "" if below is None else f"{below - loss:+.3f}"
    print(f"{rung:>4} {name:26}{characters / spent:13,.0f}{characters:17,}{loss:7.3f}{gain:>7}")
    below = loss

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
final = {name: curve[-1][2] for name, curve in ladder.items()}
better = final["one character at a time"] - final["weight decay"]
print("rung 9 is more than 0.3 nats better than rung 0:", better > 0.3)

# %% [markdown] slideshow={"slide_type": "notes"}
# Read it from top to bottom: first the seconds become characters, then the characters become knowledge. A gain near 0, or a loss, is a result, too; and gains of a few hundredths are within the spread of repeated runs, since all rungs have one start and a clock. What helps after several passes, such as weight decay, has little to do when the text has not been read once.

# %% slideshow={"slide_type": "skip"}
def plot_ladder():
    """Draw the held-out loss of each rung against the seconds of training."""
    fig, ax = plt.subplots()
    colors = plt.cm.viridis_r(np.linspace(0.05, 1, len(ladder)))
    for rung, ((name, curve), color) in enumerate(zip(ladder.items(), colors)):
        spent, _, losses = zip(*curve)
        ax.plot(spent, losses, color=color, ls=("-", "--", "-.")[rung % 3], lw=1.8, label=f"{rung} {name}")
        ax.annotate(str(rung), (spent[-1], losses[-1]), (4, 0), textcoords="offset points", va="center", color=color)
    by_count = -counting_log_probs(read, held_out[:40_000], order, discount).mean()  # of the same characters
    ax.axhline(by_count, color=COLOR["ngram"], lw=1.2)
    ax.annotate("counting", (0.3, by_count), va="bottom", fontsize=11, color=COLOR["ngram"])
    ax.set_xlim(0)
    ax.set(xlabel="seconds of training", ylabel="nats per held-out character", ylim=(1.35, 3.4))
    ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=10.5)
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Loss against seconds

# %% tags=["output-only"]
show(plot_ladder(), "Each line is a rung: all have the same seconds. Counting is ready after one of them.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Lines that fall along a cosine end steeply: their last quarter is where the rate comes down. So do not stop them early.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The minute
#
# Now the whole training part, 60 seconds, and **two threads**. Why not always two? They are faster only while nothing else computes: if one waits for a processor, both wait at each of thousands of small products. The course's numbers must come out equal on a busy laptop, hence one. Units, E, the rate, groups, decay and dropout (none) were compared on the held-out part. The rest of the recipe, such as warm-up, clipping and $\beta_2$, was found earlier by people who looked at the validation part, so the number may flatter a little.

# %% tags=["volatile", "nbval-ignore-output", "output-only"] nbval_ignore_reason="speed and, by it, what is learned in a minute differ from run to run"
torch.set_num_threads(2)
torch.manual_seed(0)
writer = grouped_model(training)
[(spent, characters, _)] = train_for(60, writer, training, adamw(writer.parameters()), rising_and_falling, looks=0)
torch.set_num_threads(1)
loss = nats(writer.eval(), validation)
print(f"{spent:.0f} s of training on two threads, {characters:,} characters, {characters / spent:,.0f} a second")
print(f"validation: {loss:.3f} nats per character = {loss / math.log(2):.3f} bits")
print(f"counting, n = {order}: {-counting_log_probs(training, validation, order, discount).mean():.3f}")
print("published: nanoGPT on a GPU 1.470, its setting for a CPU 1.88; uniform 4.17")

# %% [markdown] slideshow={"slide_type": "notes"}
# The measuring itself takes some seconds more, which do not count as training. It reads the whole part in eight long rows (the ladder read its 40,000 characters in forty) with a carried state; nanoGPT's number is an estimate on random windows of at most 256 characters. If something else computes at the same time, two threads can be many times slower than one: then the number here is of no use, and the cell must be run again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What it writes
#
# One character after the other, drawn from the model's distribution at **temperature** $\tau = 0.8$ ($T$ in the lecture, which is a length here): probabilities proportional to $e^{o / \tau}$, where $o$ are the scores, so likely characters become likelier.

# %% tags=["nbval-check-output"]
def drawn(scores, temperature, generator):
    """Numbers (B, 1) drawn from scores (B, V) at a temperature."""
    return torch.multinomial((scores / temperature).softmax(dim=1), 1, generator=generator)


scores = torch.tensor([[2.0, 1.0, 0.0]]).repeat(20_000, 1)
for temperature in (0.5, 1.0, 2.0):
    shares = torch.bincount(drawn(scores, temperature, torch.Generator().manual_seed(0)).flatten()) / 20_000
    exact = (scores[0] / temperature).softmax(dim=0)
    print(f"τ = {temperature}: shares of three letters within 0.02 of the formula:", ((shares - exact).abs() < 0.02).all().item())

# %% [markdown] slideshow={"slide_type": "notes"}
# Temperature 1 is the model's own distribution; near 0 the likeliest character always wins; large ones make all alike.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step after step
#
# The last state and the character that was drawn are all that the next step needs:

# %%
@torch.no_grad()
def page_of(model, start, length, temperature, seed=0):
    """A text of `length` characters that the model writes after the text `start`."""
    generator, x = torch.Generator().manual_seed(seed), torch.tensor([[number[letter] for letter in start]])
    state, text = None, ""
    while len(text) < length:
        scores, state = model(x, state)
        x = drawn(scores[:, -1], temperature, generator)
        text += letters[x.item()]
    return text

# %% [markdown] slideshow={"slide_type": "notes"}
# Each character needs the one before, so here the machine does go step by step, and rung 2 is of no use.

# %% [markdown] slideshow={"slide_type": "skip"}
# Is it new? Look for the longest stretch that stands in the training text word for word. The same question about real text of the same length, from the validation part, says how much of that is only the language.

# %% slideshow={"slide_type": "skip"}
def longest_copy(new, known):
    """The longest stretch of the text `new` that occurs in the text `known`."""
    best, start = "", 0
    for end in range(1, len(new) + 1):
        while new[start:end] not in known:
            start += 1
        best = max(best, new[start:end], key=len)
    return best


longest_copy("the king is here", "a king was here")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A page, and is it new?

# %% tags=["volatile", "nbval-ignore-output", "output-only"] nbval_ignore_reason="what is written depends on what was learned in a minute"
page, known = page_of(writer, "\n", 500, temperature=0.8), text[: len(training)]
print(*page.splitlines()[:15], "-" * 60, sep="\n")
for name, new in {"written": page, "of the validation part": text[-500:]}.items():
    print(f"longest stretch also in training, 500 characters {name}: {longest_copy(new, known)!r}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Names, line lengths, the form of a play, mostly real words; no story. The stretches that it shares with the training text are to be compared with those that Shakespeare shares with himself, in the last line.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - An order of work: first large products (rows, one call), then what is learned from each character (carried state, rate, LayerNorm, start, groups, decay).
# - A network that, after a minute on two threads of a processor, can be put beside a published result from a GPU, and a held-out part on which further choices can be made honestly.
# - Vectors of hashed groups of characters: an n-gram's table inside a recurrent network.
#
# **Next:** compare any change of yours in equal seconds, on held-out text, and give it a rung of its own.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask each student for the rung that they would have forgotten.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - A. Karpathy: *The unreasonable effectiveness of recurrent neural networks.* 2015; the text is from its repository char-rnn.
# - A. Karpathy: *nanoGPT.* GitHub, 2022; its README gives 1.4697 (GPU) and 1.88 (CPU) for this text.
# - A. M. Saxe, J. L. McClelland, S. Ganguli: *Exact solutions to the nonlinear dynamics of learning in deep linear neural networks.* ICLR 2014 (orthogonal starts).
# - J. L. Ba, J. R. Kiros, G. E. Hinton: *Layer normalization.* arXiv, 2016.
# - I. Loshchilov, F. Hutter: *SGDR: stochastic gradient descent with warm restarts.* ICLR 2017 (the cosine).
# - I. Loshchilov, F. Hutter: *Decoupled weight decay regularization.* ICLR 2019 (AdamW).
# - K. Weinberger et al.: *Feature hashing for large scale multitask learning.* ICML 2009.

# %% [markdown] slideshow={"slide_type": "notes"}
# nanoGPT's code is short and readable, and a good next thing to read.
