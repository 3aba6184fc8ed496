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
#       cells: {most: 143, why: "to be recut"}
#       lines: {most: 963, why: "to be recut"}
#       minutes: {most: 128.6, why: "to be recut"}
#       slides: {most: 86, why: "to be recut"}
#       pictures: {most: 10.8, why: "to be recut"}
#       slide_lines: {most: 17, why: "to be recut"}
#       code_share: {most: 78, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 8 · Can it write?
#
# > Give a language model its own output to read, and it never stops talking. Whether it makes sense can be measured, if it writes programs.
#
# **You will** train a character LSTM on Python, choose its next character in six ways, count how much of what it writes is Python, and look for units that follow brackets and quotes.<br>
# **You need** notebook 1 (Kneser–Ney), notebook 5 (LSTM, language model), `07_translation` (beam search).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask first: how would you find out whether a text generator is any good? Programs have a judge that cannot be charmed, the parser.

# %% slideshow={"slide_type": "skip"}
import ast
import io
import math
import random
import re
import time
import tokenize
import warnings
import zlib
from collections import Counter
from itertools import product
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, Layout, Textarea, interact
from safetensors import safe_open
from safetensors.torch import load_file
from scipy.special import rel_entr
from scipy.stats import chi2
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from course_utils import COLOR, check, course_file, setup, show  # not found? Open it in the folder of the course
from course_utils.data.library import library

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x$ | `x` | `(B, …)` | requests, one row for each text; here empty |
# | $y$ | `y` | `(B, T)` | rows of characters as numbers, each ended by EOS, then PAD |
# | $w_t$ | `w` | `(B,)` | the characters of one step |
# | $h_t, c_t$ | `state` | `(B, H)` each | hidden and cell state of the LSTM |
# | $p$ | `log_p` | `(B, V)` | probabilities of the next character, as logarithms |
# | $T$ | `T` | | temperature (in a shape: the length of the rows) |
# | $k$, $p_{\text{top}}$ | `top_k`, `top_p` | | how many, or what share, may be drawn from |
#
# A **model** has `start(x)`, which gives a state, and `step(w, state)`, which gives log-probabilities `(B, V)` after the characters `w`, and the new state. 0, 1, 2 are PAD, BOS, EOS.

# %% [markdown] slideshow={"slide_type": "notes"}
# The requests x have one row for each text that is wanted; here they are empty, because nothing in particular is asked for. `08_on_request` fills them.

# %% slideshow={"slide_type": "skip"}
# Derived in notebooks 2 (the schedule), 5 (forget gates, correlations), 07_seq2seq (rows) and 07_translation (search):
from course_utils.taught.fixed_window_lm import lr_schedule
from course_utils.taught.lstm_gru import correlations, init_forget_bias
from course_utils.taught.seq2seq import (
    BOS,
    EOS,
    PAD,
    build_vocab,
    decode_ids,
    pad_batch,
    sequence_loss,
    shift_right,
    trim_padding,
)
from course_utils.taught.translation import all_sequences, beam_search, log_p_of

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · A text that can be judged
#
# Python brings along the source of its standard library. A parser reads a function, and writes it again in one style: no comments, no docstring, four spaces.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def body_of(function):
    """The statements of a function, without its docstring."""
    return function.body[ast.get_docstring(function) is not None :] or [ast.Pass()]

# %% tags=["topic-G2", "export"]
def functions_of(source):
    """The short functions in the text of a Python file, in one style: no comments, docstrings, decorators."""
    for node in ast.walk(ast.parse(source.removeprefix("\ufeff"))):  # a mark with which some editors begin a file
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno < 40:
            node.body, node.decorator_list = body_of(node), []
            text = ast.unparse(node)
            if len(text) <= 250 and text.isascii():
                yield text

# %%
print(*functions_of('@cache\ndef twice(x):\n  "Doubles."\n  return (x   # a comment\n          *2)'))

# %% [markdown] slideshow={"slide_type": "notes"}
# The parser is the judge later on, so it also prepares the text: what ast.unparse writes, ast.parse reads.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Split by module
#
# The functions of a module repeat each other's names and habits. So each **module** goes to one part, and a hash of its name decides which: the same one in every version of Python.

# %% tags=["export"]
def part_of(module):
    """The part of the data that a module belongs to, the same in every version of Python."""
    return [*8 * ["train"], "validation", "test"][zlib.crc32(module.encode()) % 10]

# %%
print({module: part_of(module) for module in ("json", "random", "ast", "functools", "turtle", "shutil")})

# %% [markdown] slideshow={"slide_type": "notes"}
# A random split would deal the functions of one module to all parts. A later slide measures what that is worth.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### All functions, each once
#
# A function that stands in several modules goes to the first part that has it. Files that this Python cannot parse are left out, and counted.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def python_functions():
    """The functions of each part, each one once, in the first part that has it; files that do not parse are skipped."""
    parts, left_out = {"train": {}, "validation": {}, "test": {}}, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old escapes in some files
        for module, source in ((module, source) for module, sources in library().items() for source in sources):
            try:
                parts[part_of(module)] |= dict.fromkeys(functions_of(source))
            except (SyntaxError, ValueError):
                left_out += 1
    if left_out:
        print(f"files left out because this Python cannot parse them: {left_out}")
    seen = set()
    for part, texts in parts.items():
        parts[part] = [text for text in texts if text not in seen]
        seen |= set(texts)
    return parts

# %%
functions = python_functions()
for part, texts in functions.items():
    print(f"{part:10} {len(texts):5,} functions, {sum(map(len, texts)):7,} characters")

# %% [markdown] slideshow={"slide_type": "notes"}
# This takes about ten seconds: the parser reads nine million characters. A vocabulary, a split and a removal of duplicates come before any model. A function that occurs in training word for word, such as an empty __init__, is taken out of the other parts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three of them

# %%
print(*functions["validation"][100:701:300], sep="\n\n")

# %% [markdown] slideshow={"slide_type": "notes"}
# Read one aloud, character by character, and let the class guess the next one. Where is it easy, where is it impossible?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Characters as numbers
#
# The alphabet is known before any data: the 95 printable characters of ASCII and the line break. Nothing of the test can leak into it. The rest is as in `07_seq2seq`: a row for each text, ended by EOS, filled up with PAD.

# %% tags=["export"]
ALPHABET = "\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"


def decode_texts(rows, characters):
    """The text of each row of numbers, up to its first EOS."""
    return ["".join(row) for row in decode_ids(rows, characters)]

# %% tags=["nbval-check-output"]
number = build_vocab([ALPHABET])
characters, V = {i: character for character, i in number.items()} | {PAD: "�", BOS: "�"}, len(number) + 3
rows = {part: pad_batch(texts, number) for part, texts in functions.items()}
print("V =", V, "   texts come back:", decode_texts(rows["test"], characters) == functions["test"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Words need a vocabulary, and rare ones become UNK. Characters need neither: every text in this alphabet can be written.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The network
#
# The language model of notebook 5, over characters: an embedding $C$, an LSTM, a LayerNorm, an output layer.
#
# $$h_t, c_t = \mathrm{LSTM}(C_{w_t}, h_{t-1}, c_{t-1})$$
#
# $$p(w_{t+1} \mid w_1 \dots w_t) = \mathrm{softmax}(\mathrm{norm}(h_t)\, W_{hy} + b_y)$$
#
# It is used in two ways. To **train** it reads a whole text at once and predicts every character of it. To **write** it goes one step, a character is chosen, and it goes the next step.

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing here is new; the next two slides are its two uses. The forget gates begin open, with bias 1, as in notebook 5.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### To train: a text at once

# %% tags=["topic-G1", "export"]
class CharacterLM(nn.Module):
    """A character LSTM; what it is asked for sets its first state."""

    def __init__(self, V, E, H, dropout=0.0):
        super().__init__()
        self.H = H
        self.C, self.lstm = nn.Embedding(V, E), nn.LSTM(E, H, batch_first=True)
        self.norm, self.dropout = nn.LayerNorm(H), nn.Dropout(dropout)
        self.output_layer = nn.Linear(H, V)
        init_forget_bias(self.lstm, 1.0)

    def start(self, x):
        """The first hidden and cell state (B, H) for each row of x: zeros, since nothing is asked for."""
        zeros = self.C.weight.new_zeros(len(x), self.H)
        return zeros, zeros

    def forward(self, x, y):
        """Scores (B, T, V) of each character of y (B, T), given the characters before it."""
        h, _ = self.lstm(self.C(shift_right(y)), tuple(part[None] for part in self.start(x)))
        return self.output_layer(self.dropout(self.norm(h)))

# %% [markdown] slideshow={"slide_type": "notes"}
# `shift_right` of `07_seq2seq` puts BOS in front and drops the last column: each character is predicted from those before it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### To write: one step

# %% tags=["topic-G1", "export"]
class Writer(CharacterLM):
    """A character LSTM that writes one character after another."""

    def step(self, w, state):
        """Log-probabilities (B, V) of the character after w (B,), and the new state."""
        h, (s, c) = self.lstm(self.C(w)[:, None], tuple(part[None] for part in state))
        return torch.log_softmax(self.output_layer(self.dropout(self.norm(h[:, 0]))), dim=1), (s[0], c[0])

# %% [markdown]
# Do both give the same probabilities?

# %% tags=["nbval-check-output"]
tiny = Writer(V, E=8, H=12).double()
y, no_request = rows["test"][:3, :20], torch.zeros(3, 0)
at_once = torch.log_softmax(tiny(no_request, y), dim=2)
state, largest = tiny.start(no_request), 0.0
for t, w in enumerate(shift_right(y).T):
    log_p, state = tiny.step(w, state)
    largest = max(largest, (log_p - at_once[:, t]).abs().max().item())
print("largest difference below 1e-12:", largest < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# If these two differed, the network would write in another way than it was trained: a common and silent fault.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The sampled character is the next input
#
# ![A character LSTM writes: the character i goes in, scores come out, a softmax makes probabilities of them, the character s is drawn, and an arrow leads from it back to the input of the next step.](../figures/sampling_loop.svg)
#
# It starts with BOS and ends when EOS is drawn. Section 2 is about $T$; for now it is 1.

# %% [markdown] slideshow={"slide_type": "notes"}
# The scores in the drawing are made up. Follow the dashed arrow twice; the state is the only other thing that goes on to the next step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The loop

# %% tags=["topic-G1", "export"]
@torch.no_grad()
def write(model, x, choose, longest, prompt=()):
    """Rows (B, T) for the requests x, at most `longest` characters: the numbers of the prompt, then what is chosen."""
    state, w, written = model.start(x), torch.full((len(x),), BOS), []
    for t in range(longest):
        log_p, state = model.step(w, state)
        w = torch.full_like(w, prompt[t]) if t < len(prompt) else choose(log_p)
        written.append(w)
    return torch.stack(written, dim=1)

# %%
def draw(log_p):
    """A character (B,) from each row of log-probabilities (B, V)."""
    return torch.multinomial(log_p.exp(), 1)[:, 0]

# %% [markdown] slideshow={"slide_type": "notes"}
# This loop is the whole of generation. All ways of the next section but beam search differ in `choose` only. A prompt is text whose characters are not chosen but given.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Before any training
#
# **Predict:** what does an untrained network write after *def is_*?

# %%
torch.manual_seed(0)
live = Writer(V, E=32, H=128)
prompt = [number[character] for character in "def is_"]
print(decode_texts(write(live, torch.zeros(1, 0), draw, 80, prompt), characters)[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Noise: all numbers are about equally likely, PAD and BOS among them, which show as �.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Batches of similar length
#
# A batch is as wide as its longest row, so rows of similar length go together. A little chance in the lengths makes each pass another one.

# %% tags=["export"]
def bucket_batches(y, B):
    """The rows of y (N, T) in batches of B row numbers, lengths in a batch alike, in random order."""
    length = (y != PAD).sum(dim=1) * (1 + 0.1 * torch.rand(len(y)))
    batches = length.argsort().split(B)
    return [batches[i] for i in torch.randperm(len(batches))]

# %%
print(bucket_batches(pad_batch(["aaaaaa", "a", "aaaaa", "aa"], {"a": 3}), B=2))

# %% slideshow={"slide_type": "skip"}
def filled(y, batches):
    """The share of the places in batches of rows of y that hold a character."""
    places = sum(trim_padding(y[batch]).numel() for batch in batches)
    return ((y != PAD).sum() / places).item()

# %% [markdown]
# What share of the places in the batches holds a character?

# %% tags=["nbval-check-output"]
y = rows["train"]
print(f"similar rows {filled(y, bucket_batches(y, 16)):.1f}, random rows {filled(y, torch.randperm(len(y)).split(16)):.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Padding is computed and thrown away: similar rows save almost half of the time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training
#
# A generator, as in notebook 5: whoever calls it can look at the model between two steps.

# %% tags=["topic-G1", "export"]
def train_writer(model, x, y, seed, passes, B=32, lr=0.01, weight_decay=0.1, batches=bucket_batches):
    """Train on requests x and rows y (N, T), each row once a pass; yields the loss after each step."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr, betas=(0.9, 0.99), weight_decay=weight_decay, fused=True)
    rate = lr_schedule(optimizer, lr, passes * math.ceil(len(y) / B))
    for _ in range(passes):
        for batch in batches(y, B):
            target = trim_padding(y[batch])
            loss = sequence_loss(model(x[batch], target), target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            yield loss.item()

# %% [markdown] slideshow={"slide_type": "notes"}
# Each function starts from a fresh state, so windows and carried states are not needed here. For a long text they are: `real_corpora/08_tiny_shakespeare`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Watch it learn
#
# One pass through the training functions, about half a minute. Now and then it writes the beginning of a function.

# %% tags=["volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds"
x, losses, start = torch.zeros(len(rows["train"]), 0), [], time.perf_counter()
for loss in train_writer(live, x, rows["train"], seed=0, passes=1, B=16, lr=0.02):
    losses.append(loss)
    if len(losses) in (10, 30, 100, 300, 439):
        text = decode_texts(write(live, torch.zeros(1, 0), draw, 60), characters)[0]
        print(f"step {len(losses):3}, {loss:.2f} nats: {text!r}")
print(f"{time.perf_counter() - start:.0f} s")

# %% [markdown] slideshow={"slide_type": "notes"}
# First the frequencies of characters, then *def* and spaces, then words, brackets, and indentation. \n is the line break.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How good is it? Nats and bits per character
#
# Each character of unseen text counts once, EOS included:
#
# $$J = -\frac{1}{N} \sum_{t=1}^{N} \ln p(w_t \mid w_1 \dots w_{t-1}) \text{ nats} = \frac{J}{\ln 2} \text{ bits}$$

# %% tags=["export"]
@torch.no_grad()
def nats_per_character(model, x, y, B=64):
    """Mean nats per character of the rows y (N, T) given x, EOS counted, dropout off."""
    training, total = model.training, 0.0
    model.eval()
    for batch in (y != PAD).sum(dim=1).argsort().split(B):
        target = trim_padding(y[batch])
        total += sequence_loss(model(x[batch], target), target).item() * (target != PAD).sum().item()
    model.train(training)
    return total / (y != PAD).sum().item()

# %% [markdown] slideshow={"slide_type": "notes"}
# Means of batches are weighted by their characters. A mean of means would let short functions count too much.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The live LSTM on unseen modules

# %%
unseen = rows["validation"]
J = nats_per_character(live, torch.zeros(len(unseen), 0), unseen)
print(f"uniform over {V - 2} numbers: {math.log(V - 2):.2f} nats, {math.log2(V - 2):.2f} bits per character")
print(f"live:                    {J:.2f} nats, {J / math.log(2):.2f} bits")

# %% [markdown]
# PAD and BOS are never written, so there are two numbers fewer than $V$ to choose from.

# %% [markdown] slideshow={"slide_type": "notes"}
# Per character, one pass leaves about as much doubt as a fair choice among four.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The rival: counting
#
# Kneser–Ney of notebook 1, over characters. Orders up to 9 make a million $n$-grams, so each is packed into one number, its tokens being digits in base $V$: $\sum_i w_i V^{n-i}$, below $99^9 < 2^{63}$. Sorting and looking up are then NumPy's work.

# %% tags=["export"]
def pack_ngrams(grams, V):
    """Rows of n tokens (N, n), each below V, as one number a row (N,): the tokens are its digits in base V."""
    return grams @ V ** np.arange(grams.shape[1] - 1, -1, -1)


def ngram_rows(y, n):
    """The n-grams (N, n) of rows y (B, T), one for each token and EOS, with BOS before the beginning."""
    padded = np.pad(y.numpy(), ((0, 0), (n - 1, 0)), constant_values=BOS)
    return np.lib.stride_tricks.sliding_window_view(padded, n, axis=1)[y.numpy() != PAD]

# %%
pack_ngrams(ngram_rows(pad_batch(["ab"], {"a": 3, "b": 4}), n=3), V=10)  # base 10: BOS 1, EOS 2, a 3, b 4

# %% [markdown] slideshow={"slide_type": "notes"}
# The arrays of notebook 1 scored a running text; here any character after any context is wanted, for a batch. Reading the number from the left: two tokens of context, then the token that follows. Dropping the last digit gives the context, dropping the first one a shorter n-gram.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One level for each length of context
#
# As in notebook 1: real counts for the longest contexts, below them the number of different left neighbours; absolute discounting, here with one $d$ for each level, by the formula $n_1 / (n_1 + 2 n_2)$; and at the bottom all characters alike.

# %% tags=["export"]
def kneser_ney_tables(y, n, V):
    """For contexts of 0 to n - 1 tokens: n-grams, their counts, d, and the contexts with their totals and types."""
    tables, (grams, counts) = [], np.unique(pack_ngrams(ngram_rows(y, n), V), return_counts=True)
    for m in range(n - 1, -1, -1):  # contexts of m tokens
        contexts, first = np.unique(grams // V, return_index=True)
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        d = once / (once + 2 * twice) if once else 0.5
        tables.insert(0, (grams, counts, d, contexts, np.add.reduceat(counts, first), np.diff([*first, len(grams)])))
        grams, counts = np.unique(grams % V**m, return_counts=True)  # each different left neighbour counts once
    return tables

# %% tags=["output-only"]
tables = kneser_ney_tables(rows["train"], 9, V)
print("n-grams of order 1 to 9:", *(f"{len(table[0]):,}" for table in tables))

# %% slideshow={"slide_type": "skip"}
(_, counts, *_), *_ = kneser_ney_tables(pad_batch(["abab"], {"a": 3, "b": 4}), n=2, V=10)
print("left neighbours of EOS, a, b:", counts)  # b; BOS and b; a

# %% [markdown] slideshow={"slide_type": "notes"}
# Nearly a million counts, where the network has a hundred thousand parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From the shortest context to the longest
#
# After a context of $m$ tokens that was seen, where $c(w)$ counts what followed and `types` is the number of different $w$ that did:
#
# $$p_m(w) = \frac{\max(c(w) - d, 0) + d \cdot \text{types} \cdot p_{m-1}(w)}{\sum_v c(v)}$$
#
# After a context that was never seen, $p_m = p_{m-1}$. Below $m = 0$ lies $p_{-1}$: all numbers alike.

# %% [markdown] slideshow={"slide_type": "notes"}
# Work one step by hand: followers a, a, b of a context, d = 0.5, and u for each character below: p(a) = (1.5 + 0.5 · 2 · u) / 3.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### All contexts at once

# %% tags=["export"]
def kneser_ney_p(tables, V, context, w):
    """Probabilities (N, K) of the tokens w (N, K) after contexts (N, n - 1)."""
    estimate = np.where(w >= EOS, 1 / (V - 2), 0.0)  # all alike, but PAD and BOS are never written
    for m, (grams, counts, d, contexts, totals, types) in enumerate(tables):
        context_m = pack_ngrams(context[:, context.shape[1] - m :], V)
        at = np.searchsorted(contexts, context_m).clip(max=len(contexts) - 1)
        gram = context_m[:, None] * V + w
        found = np.searchsorted(grams, gram).clip(max=len(grams) - 1)
        count = np.where(grams[found] == gram, counts[found], 0)
        finer = (np.maximum(count - d, 0) + d * types[at, None] * estimate) / totals[at, None]
        estimate = np.where((contexts[at] == context_m)[:, None], finer, estimate)
    return estimate

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
every = np.arange(V)[None].repeat(200, axis=0)
p = kneser_ney_p(tables, V, ngram_rows(rows["validation"][:9], 9)[:200, :-1], every)
print("probabilities sum to 1:", np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-12))

# %% [markdown] slideshow={"slide_type": "notes"}
# searchsorted finds the place of a number in a sorted list; whether it is there at all is asked afterwards. Notebook 1 climbed the same ladder with dictionaries, one token at a time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A model like any other: `start` and `step`

# %% tags=["export"]
class KneserNey:
    """Interpolated Kneser–Ney of order n for rows of numbers below V."""

    def __init__(self, y, n, V):
        self.n, self.V, self.tables = n, V, kneser_ney_tables(y, n, V)

    def p(self, context, w):
        """Probabilities (N, K) of the tokens w (N, K) after the contexts (N, n - 1)."""
        return kneser_ney_p(self.tables, self.V, context, w)

    def start(self, x):
        """The contexts (B, n - 1) before each row of x begins."""
        return (torch.full((len(x), self.n - 1), BOS),)

    def step(self, w, state):
        """Log-probabilities (B, V) of the token after w (B,), and the new state."""
        context = torch.cat([state[0][:, 1:], w[:, None]], dim=1)
        every = np.arange(self.V)[None].repeat(len(w), axis=0)
        return torch.tensor(self.p(context.numpy(), every)).log().float(), (context,)

# %% [markdown] slideshow={"slide_type": "notes"}
# The state of an n-gram model is its window. Whatever writes with an LSTM writes with this one, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Counting wins, from order 7 on

# %%
def kneser_ney_nats(model, y):
    """Mean nats per character of rows y (N, T) under a KneserNey model, EOS counted."""
    grams = ngram_rows(y, model.n)
    return -np.log(model.p(grams[:, :-1], grams[:, -1:])).mean()


for n in (3, 5, 7, 9):
    kn = KneserNey(rows["train"], n, V)
    print(f"Kneser–Ney {n}: {kneser_ney_nats(kn, unseen):.2f} nats per character")
print(f"live LSTM:    {J:.2f} nats per character")

# %% [markdown] slideshow={"slide_type": "notes"}
# By likelihood, an honest n-gram model beats a network that has seen the text once. Keep this number in mind for section 3.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The leak, had we split at random
#
# The same functions, shuffled before they are dealt out:

# %%
texts = [text for part in functions.values() for text in part]
random.Random(0).shuffle(texts)
sizes = len(functions["train"]), len(functions["validation"])
shuffled, held_out = texts[: sizes[0]], texts[sizes[0] : sum(sizes)]
leaky = KneserNey(pad_batch(shuffled, number), 9, V)
at_random, by_module = kneser_ney_nats(leaky, pad_batch(held_out, number)), kneser_ney_nats(kn, unseen)
print(f"Kneser–Ney 9, split by module {by_module:.2f}, at random {at_random:.2f} nats per character")

# %% [markdown] slideshow={"slide_type": "notes"}
# No two functions are equal here, and still the functions of one module help to guess each other: 0.4 nats and more. The held-out functions are other ones, too, but four random splits differed by a few hundredths only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A writer that had more time
#
# The course brings a larger one, trained on such functions for minutes instead of seconds. The file holds numbers only and cannot run code; `make model` trains it again.

# %%
path = course_file("notebooks/models/python_writer.safetensors")
with safe_open(path, "pt") as file:
    about = file.metadata()
writer = Writer(V, int(about["E"]), int(about["H"])).eval()
weights = load_file(path)
learned = set(weights.pop("trained_on").tolist())  # hashes of the functions that it was trained on
writer.load_state_dict(weights)
print(dict(sorted(about.items())))

# %% slideshow={"slide_type": "skip"}
def hash_of(text):
    """A number for a text, the same in every version of Python."""
    return zlib.crc32(text.encode())


for part in ("validation", "test"):  # under another Python, modules have other names and functions move
    functions[part] = [text for text in functions[part] if hash_of(text) not in learned]
    rows[part] = pad_batch(functions[part], number)
unseen = rows["validation"]
print({part: len(texts) for part, texts in functions.items()})

# %% tags=["nbval-check-output"]
J_writer = nats_per_character(writer, torch.zeros(len(unseen), 0), unseen)
print("validation loss as it says, within 0.05 nats:", abs(J_writer - float(about["validation_nats"])) < 0.05)
print("better than Kneser–Ney 9:", J_writer < kneser_ney_nats(kn, unseen))

# %% [markdown] slideshow={"slide_type": "notes"}
# Older formats of weights can run code when they are loaded; safetensors cannot. Under another version of Python the library differs: modules come, go and are renamed. So the file also says what the writer has learned, and that is taken out of the held-out parts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Which character next?
#
# The model gives each next character a probability. Six ways to decide, one after another; all but the last one are a `choose`:
#
# | way | what it does |
# |---|---|
# | greedy | always takes the likeliest character |
# | sampling | draws each character with its probability |
# | temperature | draws from a sharper or a flatter distribution |
# | top-k, top-p | leave out the unlikely characters, then draw |
# | beam search | looks for the likeliest *text*, not for the likeliest character |
#
# Here the `writer` has read *def is_*. The eight likeliest characters to come, with their probabilities:

# %% slideshow={"slide_type": "skip"}
def after(model, text):
    """Log-probabilities (1, V) of the character after a text."""
    state = model.start(torch.zeros(1, 0))
    for w in [BOS, *(number[character] for character in text)]:
        log_p, state = model.step(torch.tensor([w]), state)
    return log_p.detach()


after(live, "def ").shape

# %% tags=["output-only"]
likeliest = after(writer, "def is_")[0].exp().sort(descending=True)
print(*(f"{characters[w]!r} {p:.2f}" for p, w in zip(likeliest.values[:8], likeliest.indices.tolist())), sep="   ")

# %% [markdown] slideshow={"slide_type": "notes"}
# The likeliest characters after "def is_". Ask the class which way of choosing they would take for a text, and which for a translation. Models stay as they are in this section; only the choice changes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Temperature
#
# Raise each probability to the power $1/T$ and make the results sum to 1. With logarithms this is a division before the softmax:
#
# $$p_i^{(T)} = \frac{p_i^{1/T}}{\sum_j p_j^{1/T}} = \mathrm{softmax}\!\left(\frac{\log p}{T}\right)_{\!i}$$
#
# $T = 1$ changes nothing. $T \to 0$ leaves the likeliest character, equal ones sharing equally. $T \to \infty$ makes all *possible* characters alike.

# %% slideshow={"slide_type": "skip"}
def keep(log_p, kept):
    """Log-probabilities (B, V) of the characters that are kept, bools (B, V), made to sum to 1."""
    return torch.where(kept, log_p, -math.inf).log_softmax(dim=1)


keep(torch.tensor([[0.5, 0.3, 0.2]]).log(), torch.tensor([[True, True, False]])).exp()

# %% tags=["topic-G1"]
def tempered(log_p, T):
    """Log-probabilities (B, V) at temperature T; T = 0 is its limit, in which the likeliest share equally."""
    if not 0 <= T < math.inf:
        raise ValueError(f"the temperature must be a finite number, 0 or more, not {T}")
    below = log_p.double() - log_p.amax(dim=1, keepdim=True)  # 0 for the likeliest
    return keep(below, below == 0) if T == 0 else torch.log_softmax(below / T, dim=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# The largest logarithm is taken off first, which a softmax does not notice. Without it a tiny T makes minus infinity of all of them, and nan of the softmax. Temperature comes from physics, where exp(−energy / T) is the weight of a state.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From the argmax to all alike
#
# Four characters, two of them equally likely and one impossible. **Predict** the rows for $T = 0$ and $T = 1000$:

# %%
four = torch.tensor([[0.4, 0.4, 0.2, 0.0]]).log()
for T in (0, 0.1, 0.5, 1, 2, 1000):
    print(f"T = {T:6}  ", "  ".join(f"{p:.3f}" for p in tempered(four, T)[0].exp()))

# %% [markdown]
# What is impossible stays impossible at any temperature. `argmax` would take the first of two equal ones; the limit of the formula shares between them.

# %% [markdown] slideshow={"slide_type": "notes"}
# Where no two are equal, T = 0 is greedy search. Ask for the row at T = 2 before you show it: is the order of the characters kept? Always.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Checks of the temperature
#
# The division of logarithms must be the power of probabilities, and the two ends must be reached without a *nan*, however small or large $T$ is.

# %% tags=["nbval-check-output"]
log_p = after(writer, "def is_")
p = log_p.double().exp()
by_power = [p ** (1 / T) / (p ** (1 / T)).sum() for T in (0.3, 1, 1.7)]
by_softmax = [tempered(log_p, T).exp() for T in (0.3, 1, 1.7)]
print("softmax(log p / T) is the power formula:", all(map(torch.allclose, by_softmax, by_power)))
print("T = 1e-300 is T = 0:                    ", torch.equal(tempered(four, 1e-300).exp(), tempered(four, 0).exp()))
alike = tempered(four, 1e300)[0].exp() - torch.tensor([1, 1, 1, 0]) / 3
print("T = 1e300 makes the possible ones alike:", alike.abs().max().item() < 1e-6)

# %% [markdown] slideshow={"slide_type": "notes"}
# The power formula is computed as it stands, for three temperatures; it needs no logarithm and is not safe for a tiny T.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three slips
#
# Taken literally, the formula divides by zero; a negative $T$ would prefer the unlikely; and a softmax of $p / T$, without the logarithm, is a different distribution even at $T = 1$.

# %% tags=["nbval-check-output"]
print("log p / 0:   ", torch.log_softmax(four / 0, dim=1)[0].exp().tolist())
print("p / T, T = 1:", *(f"{p:.2f}" for p in torch.softmax(four.exp() / 1, dim=1)[0]), "  but p is 0.40 0.40 0.20 0.00")
for T in (-0.5, math.nan):
    try:
        tempered(four, T)
    except ValueError as error:
        print(error)

# %% [markdown] slideshow={"slide_type": "notes"}
# The first one is the reason why many programs refuse T = 0 or replace it by a small number. The last one even gives the impossible character a probability.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How unsure is the choice?
#
# The **entropy** is the mean of $-\log p$ over what is drawn: 0 for a sure choice, $\log n$ for $n$ equal ones. Here in nats, after three texts, for $T$ = 0, 0.5, 1, 1.5, 2 and 3:

# %%
def entropy(log_p):
    """Entropy in nats (B,) of the distributions in the rows of log_p (B, V); what is impossible adds 0."""
    return torch.where(log_p == -math.inf, 0, -log_p.exp() * log_p).sum(dim=1)

# %%
BEGINNINGS = ("def ", "def is_", "def is_empty(self):\n    retur")
for text in BEGINNINGS:
    nats = [entropy(tempered(after(writer, text), T)).item() for T in (0, 0.5, 1, 1.5, 2, 3)]
    print(f"after {text!r:34}", " ".join(f"{n:5.2f}" for n in nats))
print(f"{'all alike, PAD and BOS too':40}", f"{math.log(V):5.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
at_places = torch.cat([after(writer, text) for text in BEGINNINGS])
by_T = torch.stack([entropy(tempered(at_places, T / 10)) for T in range(31)])  # (31, 3)
print("entropy never falls with T:      ", (by_T.diff(dim=0) >= -1e-6).all().item())
print("after 'retur' below 0.1 at T = 1:", by_T[10, 2].item() < 0.1)

# %% [markdown] slideshow={"slide_type": "notes"}
# One temperature, three places: at the beginning of a name many characters will do, inside a keyword one. The temperature moves both, and in the end everything is noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Do the draws follow the formula?
#
# 20,000 characters after *def is_* at each temperature, counted. The **G test** compares the shares $\hat p$ of $N$ draws with the formula's $p$, the rare characters as one: without a mistake $G = 2 N \sum_i \hat p_i \log (\hat p_i / p_i)$ is a draw of $\chi^2$, and rarely large.

# %% slideshow={"slide_type": "skip"}
def counted(choose, log_p, draws=20_000):
    """How often (V,) each character is chosen in many draws from log_p (1, V)."""
    return torch.bincount(choose(log_p.expand(draws, -1)), minlength=log_p.shape[1])


def g_test(counts, p):
    """How often G is as large by chance alone, if what was counted (V,) was drawn from p (V,): a p-value."""
    expected = p * counts.sum()
    rare = expected < 5
    seen, wanted = (np.append(x[~rare], x[rare].sum()).astype(float) for x in (counts.numpy(), expected.numpy()))
    return chi2.sf(2 * rel_entr(seen, wanted).sum(), max(1, (wanted > 0).sum() - 1))

# %% tags=["nbval-check-output", "output-only"]
torch.manual_seed(0)
for T in (0, 0.5, 1.0, 2.0):
    p = tempered(log_p, T)[0].exp()
    print(f"T = {T:3}: chance alone explains the differences (p-value above 0.001):", g_test(counted(draw, p.log()[None]), p) > 0.001)
likeliest = torch.where(p >= p.median(), p, 0)
print("if the rarer half of the characters is never drawn, it does not:    ", g_test(counted(draw, likeliest.log()[None]), p) < 0.001)

# %% [markdown] slideshow={"slide_type": "notes"}
# A test of a random function is a test of its distribution. A bound on each share would pass a program that never draws the rare characters: their shares are small one by one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same beginning, three temperatures

# %%
IS = [number[character] for character in "def is_"]
for T in (0.3, 1.0, 1.6):
    torch.manual_seed(0)

    def choose(log_p, T=T):
        return draw(tempered(log_p[:, EOS:], T)) + EOS

    row = write(writer, torch.zeros(1, 0), choose, 251, IS)
    print(f"--- T = {T}", decode_texts(row, characters)[0], sep="\n")

# %% [markdown]
# PAD and BOS are never to be written, so the numbers below EOS are left out before the draw: at high temperatures their tiny probabilities would grow, too.

# %% [markdown] slideshow={"slide_type": "notes"}
# Low: safe and a little dull. One: what the model has learned. High: the spelling breaks first, then the syntax. These are single draws; section 3 counts hundreds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Top-k: the $k$ likeliest only
#
# $$p_i^{(k)} = \frac{p_i}{\sum_{j \in K} p_j} \;\text{ for } i \in K, \;\text{ else } 0 \qquad K: \text{ the } k \text{ likeliest characters}$$
#
# Of equally likely ones at the edge those with the smaller number stay, so exactly $k$ remain. A $k$ above $V$ keeps all.

# %% tags=["topic-G1"]
def ranks(log_p):
    """The place (B, V) of each character in its row, 0 for the likeliest; of equals the smaller number comes first."""
    return log_p.argsort(dim=1, descending=True, stable=True).argsort(dim=1)


def keep_top_k(log_p, top_k):
    """Log-probabilities (B, V) of the top_k likeliest characters of each row, made to sum to 1."""
    if top_k < 1:
        raise ValueError(f"top_k must be 1 or more, not {top_k}")
    return keep(log_p, ranks(log_p) < top_k)

# %% [markdown] slideshow={"slide_type": "notes"}
# Sorting twice gives places: the first argsort says who stands at each place, the second one where each stands. torch.topk breaks ties in a way that it does not promise; a stable sort promises.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Checks of top-k

# %% tags=["nbval-check-output"]
rules = {top_k: keep_top_k(log_p, top_k)[0].exp() for top_k in (1, 3, 10, V, 10 * V)}
top = log_p[0].topk(3)
print("as torch.topk, where nothing is tied:", torch.allclose(rules[3][top.indices], top.values.softmax(dim=0)))
print("numbers kept:", [int((p > 0).sum()) for p in rules.values()])
print("of two that are tied, the first:     ", keep_top_k(four, 1)[0].exp().tolist())
try:
    keep_top_k(log_p, 0)
except ValueError as error:
    print(error)

# %% [markdown]
# Ties are no rarity at places where a counting model has seen two continuations once each.

# %% [markdown] slideshow={"slide_type": "notes"}
# k = 1 is greedy search. Keeping everything at or above the k-th value would be another rule; then more than k may stay.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One $k$ does not fit all places
#
# What the five likeliest characters have of the probability, and how many characters have 0.9 of it:

# %%
for text in BEGINNINGS:
    p = after(writer, text)[0].exp().sort(descending=True).values
    needed = int((p.cumsum(dim=0) < 0.9).sum()) + 1
    print(f"after {text!r:34} k = 5 has {p[:5].sum():.3f}; {needed} characters have 0.9")

# %% [markdown] slideshow={"slide_type": "notes"}
# At the beginning of a name k = 5 throws away much that is good; inside a keyword it lets four characters in that are wrong. So fix the probability, and let the number follow. That is top-p, or nucleus sampling.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · Top-p
#
# Keep the **smallest** set of likeliest characters that together have *at least* the probability `top_p`, the nucleus; the likeliest always stays, even for `top_p` = 0. The others get 0, and what is kept is made to sum to 1. NumPy: from `p` $(V,)$, which has no ties, return the new distribution $(V,)$, each character at its own place. **Predict:** for $p = (0.1, 0.5, 0.15, 0.25)$, how many stay at `top_p` = 0.5, at 0.6, and at 1?
#
# <details><summary>Answer</summary>One, since 0.5 reaches 0.5; two, since the character that crosses 0.6 belongs to the set; all four.</details>

# %% tags=["exercise-1-stub"]
def nucleus(p, top_p):
    """The distribution p (V,) cut down to the smallest set of likeliest characters that has top_p of it."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_nucleus(attempt):
    """Try an attempt on random distributions and on the edges."""
    rng = np.random.default_rng(0)
    cases = [(rng.dirichlet(np.full(V, 0.7)), top_p) for V, top_p in ((3, 0.6), (5, 0.8), (6, 0.9), (7, 0.35), (9, 0.7))]
    exact = np.array([1, 8, 4, 3]) / 16
    cases.insert(0, (exact, 0.625))
    cases += [(exact, 0.75), (exact, 0.0), (exact, 1e-9), (exact, 1.0), (exact[::-1].copy(), 0.9), (np.ones(1), 0.3)]
    cases.append((np.array([2, 8, 1, 5]) / 16, 0.5))

    def scale(q):
        with np.errstate(invalid="ignore"):
            return q / q.sum()

    def cut(p, stays, order=None):
        order, q = np.argsort(-p) if order is None else order, np.zeros(len(p))
        c = np.cumsum(p[order])
        kept = order[stays(c, np.r_[0, c[:-1]])]
        q[kept] = p[kept]
        return q

    def right(p, t):
        return scale(cut(p, lambda c, before: (before < t) | (np.arange(len(before)) == 0)))

    def mine(p, t):
        return right(p, t) > 0

    return check(
        attempt,
        cases=[(case, right(*case)) for case in cases],
        misconceptions={
            "make what is kept sum to 1": lambda p, t: p * mine(p, t),
            "the character that crosses top_p belongs to the set": (
                lambda p, t: scale(cut(p, lambda c, before: (c <= t) | (np.arange(len(before)) == 0)))
            ),
            "the character that brings the sum to top_p belongs to the set": (
                lambda p, t: scale(cut(p, lambda c, before: (c < t) | (np.arange(len(before)) == 0)))
            ),
            "the set must reach top_p, not stay below it": lambda p, t: scale(cut(p, lambda c, before: c <= t)),
            "the likeliest stays, even if top_p is 0": lambda p, t: scale(cut(p, lambda c, before: before < t)),
            "what reaches top_p exactly is enough": lambda p, t: scale(cut(p, lambda c, before: before <= t)),
            "sort by probability before you sum": (
                lambda p, t: scale(cut(p, lambda c, before: (before < t) | (before == 0), np.arange(len(p))))
            ),
            "begin with the likeliest, not with the least likely": (
                lambda p, t: scale(cut(p, lambda c, before: (before < t) | (before == 0), np.argsort(p)))
            ),
            "that is what must go: keep the others": lambda p, t: scale(p * ~mine(p, t)),
            "divide by the sum of what is kept, not by top_p": lambda p, t: p * mine(p, t) / t if t else np.nan * p,
            "the places in the sorted order are not the places in p": lambda p, t: scale(p * mine(p, t)[np.argsort(-p)]),
            "each character at its own place, not sorted": lambda p, t: np.sort(right(p, t))[::-1],
            "sorting is undone by q[order] = …, not by q = …[order]": lambda p, t: np.sort(right(p, t))[::-1][np.argsort(-p)],
            "the dropped ones get 0, at their own places; these are the kept ones, sorted": (
                lambda p, t: np.sort(right(p, t)[mine(p, t)])[::-1]
            ),
            "top_p bounds the sum, not each probability": lambda p, t: scale(p * ((p >= t) | (p == p.max()))),
            "what is dropped gets 0, but keeps its place": lambda p, t: right(p, t)[mine(p, t)],
            "kept characters keep their ratios, they do not share equally": lambda p, t: scale(1.0 * mine(p, t)),
            "return the distribution, not which ones are kept": lambda p, t: 1.0 * mine(p, t),
            "one character too many: the one that brings the sum to top_p is the last": (
                lambda p, t: scale(cut(p, lambda c, before: np.arange(len(p)) <= mine(p, t).sum()))
            ),
            "these are the numbers of the kept characters; asked for is the new distribution": lambda p, t: np.argsort(-p)[: mine(p, t).sum()],
        },
    )


check_nucleus(nucleus)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def nucleus_solution(p, top_p):
    """The distribution p (V,) cut down to the smallest set of likeliest characters that has top_p of it."""
    order = np.argsort(-p)
    before = np.r_[0, np.cumsum(p[order])[:-1]]  # what all likelier ones have
    kept = order[(before < top_p) | (before == 0)]
    q = np.zeros(len(p))
    q[kept] = p[kept] / p[kept].sum()
    return q


check_nucleus(nucleus_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two slips to expect: the character that crosses top_p is dropped, so that top_p = 0.5 keeps nothing of a sure distribution; or the answer comes back sorted.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Top-p for a batch
#
# Holtzman and others (2020) call the set the **nucleus**: a character stays if all likelier ones together have less than $p_{\text{top}}$.
#
# $$i \in N \iff \sum_{j \text{ likelier than } i} p_j < p_{\text{top}} \quad \text{or } i \text{ is the likeliest}$$

# %% tags=["topic-G1"]
def keep_top_p(log_p, top_p):
    """Log-probabilities (B, V) of the nucleus of each row, made to sum to 1; top_p = 1 keeps all, 0 the likeliest."""
    if not 0 <= top_p <= 1:
        raise ValueError(f"top_p must lie between 0 and 1, not {top_p}")
    place = ranks(log_p)
    p = log_p.double().exp().sort(dim=1, descending=True).values
    before = nn.functional.pad(p.cumsum(dim=1)[:, :-1], (1, 0)).gather(1, place)  # (B, V)
    return keep(log_p, (before < top_p) | (place == 0) | (top_p == 1))

# %% [markdown]
# The last condition is for rounding: sums of a hundred numbers may reach 1 before the end.

# %% [markdown] slideshow={"slide_type": "notes"}
# gather puts each sum back to its character. In the exercise that was q[order] = …; here the places do it, row by row.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The exercise, 500 rows at a time
#
# The oracle is the function of exercise 1, called for one row after another.

# %% tags=["nbval-check-output"]
some_log_p = torch.log_softmax(3 * torch.randn(500, 12, generator=torch.Generator().manual_seed(0)).double(), dim=1)
for top_p in (0.0, 0.3, 0.9, 1.0):
    one_by_one = np.stack([nucleus_solution(p, top_p) for p in some_log_p.exp().numpy()])
    together = keep_top_p(some_log_p, top_p).exp().numpy()
    print(f"top_p = {top_p}: as the exercise, row by row:", np.allclose(together, one_by_one))
for top_p in (-0.1, 1.5):
    try:
        keep_top_p(some_log_p, top_p)
    except ValueError as error:
        print(error)

# %% [markdown]
# Someone who means 90 % and writes 90 gets an error, not an uncut distribution.

# %% [markdown] slideshow={"slide_type": "notes"}
# Each of the 500 rows is one distribution of twelve characters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A trap: one cut for the whole batch
#
# Every row has its own nucleus. Planted here: the number to keep is read off the first row.

# %% tags=["nbval-check-output"]
def one_cut(log_p, top_p):
    """Wrong: all rows keep as many characters as the first."""
    return keep_top_k(log_p, int((keep_top_p(log_p[:1], top_p) > -math.inf).sum()))


two = torch.tensor([[0.96, 0.02, 0.01, 0.01], [0.28, 0.26, 0.24, 0.22]]).log()
for way in (keep_top_p, one_cut):
    print(f"{way.__name__:10} keeps", (way(two, 0.9) > -math.inf).sum(dim=1).tolist())

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing crashes, and for a single text nothing is wrong: this fault shows up in batches only, so the test needs a batch with unequal rows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The nucleus breathes
#
# How many characters the nucleus holds at each place of a held-out function, $p_{\text{top}} = 0.9$:

# %% slideshow={"slide_type": "skip"}
def nucleus_sizes(text, top_p):
    """The number of characters (T,) in the nucleus of the writer before each character of a text."""
    with torch.no_grad():
        log_p = torch.log_softmax(writer(torch.zeros(1, 0), pad_batch([text], number)), dim=2)[0, :-1]
    return (keep_top_p(log_p, top_p) > -math.inf).sum(dim=1)


def plot_nucleus(text):
    """Draw the size of the nucleus under each character of a text; return the figure."""
    fig, ax = plt.subplots(figsize=(8.6, 2.9))
    ax.bar(range(len(text)), nucleus_sizes(text, 0.9), color=COLOR["output"])
    ax.set_xticks(range(len(text)), [{"\n": "⏎", " ": "␣"}.get(c, c) for c in text], fontsize=9)
    ax.set(ylabel="characters in the nucleus", xlim=(-1, len(text)))
    return fig


breathing = next(text for text in functions["test"] if 60 < len(text) < 75)

# %% tags=["output-only"]
show(plot_nucleus(breathing), "Many characters may begin a name; inside a keyword, or where a name is decided, it is one.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
sizes = torch.cat([nucleus_sizes(text, 0.9) for text in functions["test"][:50]])
print("in 50 functions, nuclei of one character: more than half:", (sizes == 1).double().mean().item() > 0.5)
print("largest above 20:", sizes.max().item() > 20)

# %% [markdown] slideshow={"slide_type": "notes"}
# The bar stands over the character that came; it counts what might have come in its place. One k would cut the high bars and fill up the low ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The order matters
#
# Ours: temperature first, then top-k, then top-p on what is left, which sums to 1 again. Another order keeps another set:

# %% tags=["nbval-check-output"]
tens = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()
orders = {
    "T = 2, then top-p 0.65": keep_top_p(tempered(tens, 2), 0.65),
    "top-p 0.65, then T = 2": tempered(keep_top_p(tens, 0.65), 2),
    "top-k 2, then top-p 0.5": keep_top_p(keep_top_k(tens, 2), 0.5),
    "top-p 0.5, then top-k 2": keep_top_k(keep_top_p(tens, 0.5), 2),
}
for name, found in orders.items():
    print(f"{name:24}", "  ".join(f"{p:.2f}" for p in found[0].exp()))

# %% [markdown] slideshow={"slide_type": "notes"}
# Flatter first means a larger nucleus. After top-k the two that are left have 0.57 and 0.43, and the first alone reaches 0.5. Two programs with the same settings may differ in this and in nothing else.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### All in one `choose`
#
# One line for each step, in that order. PAD and BOS are cut off first.

# %% tags=["topic-G1"]
def sampling_rule(log_p, T, top_k, top_p):
    """Log-probabilities (B, V) from which to draw: no PAD, no BOS, temperature, then top-k, then top-p of the rest."""
    log_p = tempered(keep(log_p, torch.arange(log_p.shape[1]) >= EOS), T)
    log_p = log_p if top_k is None else keep_top_k(log_p, top_k)
    return log_p if top_p == 1 else keep_top_p(log_p, top_p)


def sampler(T=1.0, top_k=None, top_p=1.0, generator=None):
    """A `choose` for `write`: it draws a character (B,) for each row of log-probabilities (B, V)."""
    def choose(log_p):
        return torch.multinomial(sampling_rule(log_p, T, top_k, top_p).exp(), 1, generator=generator)[:, 0]

    sampling_rule(torch.zeros(1, EOS + 2), T, top_k, top_p)  # settings that make no sense are found now
    return choose

# %% [markdown] slideshow={"slide_type": "notes"}
# sampler is a function that returns a function: the settings are fixed once, then write calls it at every step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Its draws against its formula
#
# Four settings, 20,000 draws each, after *def is_*. Two claims: what stays comes as often as the rule says, up to chance, and what is cut never comes at all. The last line: would we notice if all settings were cut at $p_{\text{top}} = 0.95$ without a word?

# %% tags=["nbval-check-output"]
torch.manual_seed(1)
for T, top_k, top_p in ((1.0, None, 1.0), (0.7, 8, 0.9), (1.5, 3, 1.0), (2.0, None, 0.5)):
    exact = sampling_rule(log_p, T, top_k, top_p)[0].exp()
    drawn = counted(sampler(T, top_k, top_p), log_p)
    never = not drawn[exact == 0].any()
    print(f"{T, top_k, top_p}: as the rule says: {g_test(drawn, exact) > 0.001}, nothing that is cut: {never}")
silently = counted(sampler(top_p=0.95), log_p)
print("a cut at 0.95 that nobody asked for is noticed:", g_test(silently, sampling_rule(log_p, 1.0, None, 1.0)[0].exp()) < 0.001)

# %% [markdown] slideshow={"slide_type": "notes"}
# The formula is exact, the draws are not; so the test allows for chance where it must, and for nothing where it need not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · Min-p
#
# A third way to cut (Nguyen and others, 2024): keep every character that has at least the share `share` of the *likeliest* one's probability. What is kept is made to sum to 1. Write it for `p` $(V,)$, NumPy. **Predict:** with a share of 0.1, how many stay of $(0.91, 0.05, 0.04)$, and how many of twenty equal ones? What do the shares 0 and 1 mean?
#
# <details><summary>Answer</summary>One, and all twenty. A share of 0 keeps all, 1 keeps the likeliest and its equals.</details>

# %% tags=["exercise-2-stub"]
def min_p(p, share):
    """The distribution p (V,) without what has less than a share of the likeliest one's probability."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_min_p(attempt):
    """Try an attempt on random distributions, ties and the edges."""
    rng = np.random.default_rng(1)
    cases = [(rng.dirichlet(np.full(V, 0.8)), share) for V, share in ((3, 0.3), (5, 0.2), (7, 0.1), (9, 0.5), (11, 0.05), (8, 0.3), (8, 0.6))]
    dyadic = np.array([1, 8, 4, 3]) / 16
    cases.insert(0, (dyadic, 0.3))
    cases += [(dyadic, 0.5), (dyadic, 0.0), (dyadic, 1.0), (np.array([2, 5, 1, 5, 3]) / 16, 1.0), (np.ones(1), 0.4)]

    def scale(q):
        with np.errstate(invalid="ignore"):
            return q / q.sum()

    def right(p, m):
        return scale(p * (p >= m * p.max()))

    def largest(p, count):
        return scale(p * (np.argsort(np.argsort(-p, kind="stable")) < max(1, count)))

    return check(
        attempt,
        cases=[(case, right(*case)) for case in cases],
        misconceptions={
            "make what is kept sum to 1": lambda p, m: p * (p >= m * p.max()),
            "compare with a share of the largest probability, not with the share itself": lambda p, m: scale(p * (p >= m)),
            "exactly the share is enough: ≥, not >": lambda p, m: scale(p * (p > m * p.max())),
            "nothing was cut: a share of the largest, not of the smallest": lambda p, m: scale(p * (p >= m * p.min())),
            "a share of the largest, not of the mean": lambda p, m: scale(p * (p >= m * p.mean())),
            "that is what must go: keep the others": lambda p, m: scale(p * (p < m * p.max())),
            "the share is asked for, not 1 − share": lambda p, m: scale(p * (p >= (1 - m) * p.max())),
            "a factor below the largest, not a difference": lambda p, m: scale(p * (p >= p.max() - m)),
            "divide by the sum, not by the largest": lambda p, m: p * (p >= m * p.max()) / p.max(),
            "that is top-p": lambda p, m: largest(p, ((np.cumsum(np.sort(p)[::-1]) - np.sort(p)[::-1]) < m).sum()),
            "the share is one of probability, not of the characters": lambda p, m: largest(p, np.ceil(m * len(p))),
            "equals of the likeliest stay, too, at a share of 1": (
                lambda p, m: right(p, m) if m < 1 else 1.0 * (np.arange(len(p)) == p.argmax())
            ),
            "what is dropped gets 0, but keeps its place": lambda p, m: right(p, m)[p >= m * p.max()],
            "kept characters keep their ratios, they do not share equally": lambda p, m: scale(1.0 * (p >= m * p.max())),
            "divide by the sum; a softmax of probabilities changes the ratios": (
                lambda p, m: scale(np.exp(p) * (p >= m * p.max()))
            ),
            "what is too small is dropped, not lifted to the bound": lambda p, m: scale(np.maximum(p, m * p.max())),
            "do not take the bound off what is kept": lambda p, m: scale(np.maximum(p - m * p.max(), 0)),
            "return the distribution, not which ones are kept": lambda p, m: 1.0 * (p >= m * p.max()),
            "each character at its own place, not sorted": lambda p, m: np.sort(right(p, m))[::-1],
            "these are the numbers of the kept characters; asked for is the new distribution": (
                lambda p, m: np.flatnonzero(p >= m * p.max())
            ),
        },
    )


check_min_p(min_p)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def min_p_solution(p, share):
    """The distribution p (V,) without what has less than a share of the likeliest one's probability."""
    q = np.where(p >= share * p.max(), p, 0)
    return q / q.sum()


check_min_p(min_p_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Min-p follows the height of the peak, top-p the mass: it cannot keep nothing, since the likeliest passes its own bound. Ask which of the two is safer at a high temperature. The sampler of this notebook stays as it is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A judge that cannot be charmed
#
# Is a text one function definition, and nothing else? Comments on style are not asked for, nor whether it runs.

# %% tags=["topic-G1", "nbval-check-output"]
def parses(text):
    """Is the text exactly one function definition that Python's parser accepts?"""
    try:
        with warnings.catch_warnings(action="ignore"):  # odd, but allowed: such as "\\d"
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(body) == 1 and isinstance(body[0], ast.FunctionDef)


for text in ("def f(x):\n    return x", "def f(x):\n    return (x", "x = 1"):
    print(f"{text!r:32} {parses(text)}")
print("all real functions:", all(map(parses, functions["test"])))

# %% [markdown] slideshow={"slide_type": "notes"}
# The parser may also fail in other ways than by a SyntaxError, for instance on nesting that is too deep, so these are caught, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A trap: dropout while it writes
#
# Dropout belongs to training. The same weights in a `Writer` with dropout 0.2, once in training mode, once in evaluation mode:

# %%
careless, seen = Writer(V, writer.C.embedding_dim, writer.H, dropout=0.2), rows["test"][:200]
careless.load_state_dict(writer.state_dict())
careless_nats = {}
for training in (True, False):
    torch.manual_seed(0)
    careless.train(training)
    texts = decode_texts(write(careless, torch.zeros(200, 0), sampler(T=0.7), 251), characters)
    with torch.no_grad():
        careless_nats[training] = sequence_loss(careless(seen[:, :0], seen), seen).item()
    print(f"training={training!s:5}  {sum(map(parses, texts)):3} of 200 texts parse, {careless_nats[training]:.2f} nats per character of real text")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("dropout costs more than 0.03 nats per character:", careless_nats[True] - careless_nats[False] > 0.03)
print("in evaluation mode it is the writer:            ", torch.equal(after(careless, "def "), after(writer, "def ")))

# %% [markdown] slideshow={"slide_type": "notes"}
# The text looks almost as good, which is why nobody notices; count, and it shows. model.eval() before writing, model.train() before training again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Greedy: always the same text
#
# Without chance there is one text for each beginning. Thirty rows with greedy choice, with $T = 0$ and with $T = 0.7$; how many different texts is that?

# %%
def greedy_choice(log_p):
    """The likeliest character (B,) of each row of log-probabilities (B, V)."""
    return log_p.argmax(dim=1)


for name, choose in {"greedy": greedy_choice, "T = 0": sampler(T=0), "T = 0.7": sampler(T=0.7)}.items():
    torch.manual_seed(0)
    texts = decode_texts(write(writer, torch.zeros(30, 0), choose, 251), characters)
    print(f"{name:8} {len(set(texts)):2} different texts among 30; the first: {texts[0][:60]!r}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The single greedy text is not a bad function, but it is the only one. T = 0 gives the same unless two characters are exactly equally likely.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Greedy from 26 beginnings
#
# *def a* … *def z*, continued by greedy choice and at $T = 0.7$. How many different bodies, everything behind the first line, come out, and how many texts parse? All 26 are written as one batch: a `choose` first hands out the given letters, column by column, and then goes on as usual.

# %% slideshow={"slide_type": "skip"}
def begun(beginnings, choose):
    """A `choose` that first gives the characters of B equally long beginnings, one for each row."""
    given = iter(torch.tensor([[number[character] for character in text] for text in beginnings]).T)

    def choose_after(log_p):
        w = next(given, None)
        return choose(log_p) if w is None else w

    return choose_after


begun(["ab", "cd"], draw)(torch.zeros(2, V)), begun(["ab"], draw)(torch.zeros(1, V))

# %%
names = [f"def {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
for (name, model), T in product({"live": live, "writer": writer}.items(), (0, 0.7)):
    torch.manual_seed(0)
    texts = decode_texts(write(model, torch.zeros(26, 0), begun(names, sampler(T)), 251), characters)
    bodies = {text.partition("\n")[2] for text in texts}
    print(f"{name:6} T = {T:3}: {len(bodies):2} different bodies, {sum(map(parses, texts)):2} texts parse")

# %% [markdown] slideshow={"slide_type": "notes"}
# Greedy text is the safest for the parser and the poorest: the same few bodies come after every name. With language models for prose, greedy text also runs in circles; here functions are short and most of them end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Beam search, for a text that nobody asked for
#
# `beam_search` of `07_translation` needs `start` and `step` only, so it works here as it is. Three untrained writers of three letters, at most four characters, 781 rows each: does a beam that drops nothing agree with brute force?

# %% tags=["nbval-check-output"]
few = all_sequences(V=6, longest=4)
for seed in range(3):
    torch.manual_seed(seed)
    small = Writer(V=6, E=3, H=4)
    small.output_layer.weight.data *= 5  # larger weights, overconfident models
    brute = log_p_of(small, torch.zeros(len(few), 0), few).sort(descending=True)
    found, total = beam_search(small, torch.zeros(1, 0), k=len(few), longest=4)
    same = torch.equal(found[0, 0], few[brute.indices[0]]) and torch.allclose(total[0], brute.values, atol=1e-4)
    print(f"the likeliest row and the log p of all {len(few)}: {same}; sum of p is 1: {abs(total.exp().sum() - 1).item() < 1e-4}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing is asked for, so x is one empty row. PAD and BOS count as letters here, since an untrained network knows no better.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the beam finds
#
# The likeliest functions of the `writer` that beams of four widths find, and their $\log p$:

# %%
best_found = {k: beam_search(writer, torch.zeros(1, 0), k, longest=120) for k in (1, 4, 16, 64)}
for k, (found, total) in best_found.items():
    print(f"k = {k:2}  log p {total[0, 0]:6.1f}  {decode_texts(found[0, :1], characters)[0]!r}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
likeliest_text = decode_texts(best_found[64][0][0, :1], characters)[0]
print("the widest beam finds the likeliest: ", max(best_found, key=lambda k: best_found[k][1][0, 0]) == 64)
print("it stands in the training set:        ", likeliest_text in functions["train"])
print("it is shorter than greedy's by half: ", len(likeliest_text) < 0.5 * len(decode_texts(best_found[1][0][0], characters)[0]))

# %% [markdown] slideshow={"slide_type": "notes"}
# Each further character costs probability, so the likeliest text is a short one: the length bias of the translation lecture, with programs. A better search finds a duller text.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Real text is not the likeliest text
#
# $-\log p$ of whole texts under the `writer`: real functions of the test modules, samples, and the two searches.

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def nats_of_rows(model, y):
    """-log p (N,) of rows y (N, T), EOS counted, PAD not, and their lengths (N,)."""
    scores = model(y[:, :0], y).transpose(1, 2)  # (N, V, T)
    return cross_entropy(scores, y, ignore_index=PAD, reduction="none").sum(dim=1), (y != PAD).sum(dim=1)


def ended_rows(written):
    """Rows (B, T) that were written, with PAD in place of what follows the first EOS."""
    ended = written == EOS
    return torch.where(ended.cumsum(dim=1) - ended.long() > 0, PAD, written)


torch.manual_seed(0)
drawn_rows = ended_rows(write(writer, torch.zeros(200, 0), sampler(T=1), 251))
clouds = {"real": nats_of_rows(writer, rows["test"][::8]), "T = 1": nats_of_rows(writer, drawn_rows[::2])}
searched = {k: nats_of_rows(writer, ended_rows(best_found[k][0][0, :1])) for k in (1, 64)}

# %% slideshow={"slide_type": "skip"}
def plot_typical():
    """Draw nats against length for real functions, samples, greedy and beam; return the figure."""
    fig, ax = plt.subplots(figsize=(7.6, 3.0))
    for (name, (nats, length)), (color, mark) in zip(clouds.items(), (("floor", "."), ("output", "x"))):
        ax.plot(length, nats, mark, color=COLOR[color], ms=4, label=name, alpha=0.7)
    for k, (nats, length) in searched.items():
        label, mark = ("greedy", "s") if k == 1 else ("beam, k = 64", "D")
        ax.plot(length, nats, mark, color=COLOR["state"], ms=8, mec="white", label=label)
    ax.set(xlabel="length (characters)", ylabel="$-\\log p$ (nats)", ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "skip"}
# The plot is of whole texts, not of means: a longer text costs more, so length is one of the axes. Every eighth test function is shown, and every second of 200 samples. Rows that did not end within 251 characters count as far as they go.

# %% tags=["output-only"]
show(plot_typical(), "Real functions cost more per character than samples, on average; what search finds costs less than both.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
nats_each = {name: (nats / length).mean().item() for name, (nats, length) in clouds.items()}
greedy_each = (searched[1][0] / searched[1][1]).item()
print("greedy, per character, below 99 in 100 samples:", greedy_each < (clouds["T = 1"][0] / clouds["T = 1"][1]).quantile(0.01).item())
print("no text shown is as likely as the beam's:      ", min(nats.min().item() for nats, _ in clouds.values()) > searched[64][0].item())
print("real ones cost more per character than samples:", nats_each["real"] > nats_each["T = 1"] + 0.1)

# %% slideshow={"slide_type": "skip"}
with torch.no_grad():
    some = rows["test"][::8]
    expected = entropy(torch.log_softmax(writer(some[:, :0], some), dim=2)[some != PAD]).mean()
    paid = sequence_loss(writer(some[:, :0], some), some)
print(f"on real text the writer expects {expected:.2f} nats per character and pays {paid:.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The likeliest single text is not a typical one, as the likeliest row of a hundred throws of a loaded coin is all heads, and nobody ever sees it. Draws from a distribution cost about its entropy, per character. Real functions cost more than the model's own: on real text of unseen modules the writer pays more nats than its own distributions expect, it is surer than it should be (the numbers are in the notebook).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Write yourself
#
# A prompt, a temperature and a $p_{\text{top}}$. The dice are the same each time, so equal settings give equal text, and what changes when you move a slider is due to the slider.

# %% slideshow={"slide_type": "skip"}
def continued(prompt, T, top_p, longest):
    """The prompt continued by the writer, at most `longest` characters in all, and its nats per character."""
    torch.manual_seed(0)
    given = [number[character] for character in prompt]
    row = ended_rows(write(writer, torch.zeros(1, 0), sampler(T, top_p=top_p), longest, given))
    nats, length = nats_of_rows(writer, row)
    return decode_texts(row, characters)[0], (nats / length).item()


def show_continuation(prompt, T, top_p):
    """Print a continuation with its settings, or which characters the writer does not know."""
    unknown = sorted(set(prompt) - number.keys())
    if unknown:
        print("The writer knows printable ASCII and line breaks. Please leave out:", *map(repr, unknown))
        return
    text, nats = continued(prompt, T, top_p, longest=len(prompt) + 300)
    print(text)
    print(f"\n[T = {T:.1f}, top-p = {top_p:.2f}; parses: {'yes' if parses(text) else 'no'}; {nats:.2f} nats per character]")

# %% slideshow={"slide_type": "skip"}
show_continuation("def is_", T=0.7, top_p=0.95)
show_continuation("def für_", T=0.7, top_p=0.95)

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    prompt=Textarea("def is_", rows=2, description="prompt", continuous_update=False),
    T=FloatSlider(0.7, min=0, max=2, step=0.1, description="T", continuous_update=False),
    top_p=FloatSlider(0.95, min=0.05, max=1, step=0.05, description="top-p", continuous_update=False),
)
def write_on(prompt, T, top_p):
    """Let the writer continue a prompt of the student's."""
    show_continuation(normalize("NFC", prompt), T, top_p)

# %% [markdown] slideshow={"slide_type": "notes"}
# Try "def __init__(self, ", "class", a name of your own, and a prompt that is no Python, such as "of the". Then T = 2, and tame it again with top-p = 0.5. The nats are those of the model at T = 1, prompt included.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Fast enough to watch

# %% tags=["volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ between machines"
for B in (1, 64):
    begin = time.perf_counter()
    write(writer, torch.zeros(B, 0), sampler(T=1), 300)
    seconds = time.perf_counter() - begin
    print(f"{B:2} texts of 300 characters: {seconds:.2f} s, {300 * B / seconds:7,.0f} characters a second")

# %% [markdown]
# An RNN carries a state of fixed size, so a step does the same work however long the text is. A batch shares the reading of the weights: 64 texts take far less than 64 times as long.

# %% [markdown] slideshow={"slide_type": "notes"}
# Sampling itself, the sorting included, is part of these seconds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Likelihood is not structure
#
# First the likelihood, on the *test* modules; no model and no setting was chosen by them:

# %%
test_nats = {f"KN {n}": kneser_ney_nats(KneserNey(rows["train"], n, V), rows["test"]) for n in (3, 5, 7, 9)}
for name, model in (("live", live), ("writer", writer)):
    test_nats[name] = nats_per_character(model, rows["test"][:, :0], rows["test"])
for name, nats in {"uniform": math.log(V - 2), **test_nats}.items():
    print(f"{name:8} {nats:.2f} nats = {nats / math.log(2):.2f} bits per character")

# %% tags=["nbval-check-output"]
print("Kneser–Ney 9 better than the live LSTM:", test_nats["KN 9"] < test_nats["live"])
print("the writer better than both:           ", test_nats["writer"] < test_nats["KN 9"])

# %% [markdown] slideshow={"slide_type": "notes"}
# One nat is 1.44 bits. By this measure the counting model of order 9 is the better author than the live LSTM. Ask: would you expect its texts to look better, too?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What is counted
#
# A text of a model counts as **Python** if it has *ended* by itself within 250 characters, the longest that training has seen, and `parses`: exactly one function definition. Nothing is asked about its meaning; names need not exist.

# %% tags=["nbval-check-output"]
def judged(written):
    """The texts of rows (B, T) that a model has written, and whether each has ended and parses."""
    texts, ended = decode_texts(written, characters), (written == EOS).any(dim=1).tolist()
    return texts, [end and parses(text) for text, end in zip(texts, ended)]


print("all test functions are Python:", all(judged(rows["test"])[1]))

# %% [markdown] slideshow={"slide_type": "notes"}
# The criterion is fixed before anything is counted. A text that is cut off in the middle may parse by chance; it does not count.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How sure is a share?
#
# Each share comes with its 95 % interval (Wilson), which stays inside 0 … 1 even for 2 in 200. Its ends are those $p$ from which the seen share $\hat p$ is $z$ of their own standard deviations away:
#
# $$\frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}} \qquad z = 1.96$$

# %%
def wilson(count, n, z=1.96):
    """The ends of the 95 % interval of a share, of which `count` in n were seen."""
    share = count / n
    middle, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)

# %% tags=["nbval-check-output"]
pairs = [(count / 200, p) for count in (0, 2, 150) for p in wilson(count, 200)]
off = [abs(seen - p) - 1.96 * math.sqrt(p * (1 - p) / 200) for seen, p in pairs]
print("0, 2 and 150 in 200, both ends are 1.96 standard deviations away:", max(map(abs, off)) < 1e-9)

# %% [markdown] slideshow={"slide_type": "notes"}
# The check puts the ends back into the condition that defines them. For 0 in 200 the interval of the plain formula would have no width at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Who writes Python?
#
# Samples at $T = 1$, each model as it is: that is the distribution that the likelihood has judged. The three small Kneser–Ney models write 48 texts each, the others 160 to 200.

# %% slideshow={"slide_type": "skip"}
def sampled(model, T, count, seed):
    """Texts that a model writes at a temperature, and whether each is Python."""
    torch.manual_seed(seed)
    return judged(write(model, torch.zeros(count, 0), sampler(T), 251))


at_one = {f"KN {n}": sampled(KneserNey(rows["train"], n, V), 1, 48, seed=0) for n in (3, 5, 7)}
at_one["KN 9"] = sampled(kn, 1, 160, seed=0)
at_one |= {"live": sampled(live, 1, 200, seed=0), "writer": judged(drawn_rows)}  # the 200 rows of section 2

# %%
for name, (_, good) in at_one.items():
    low, high = wilson(sum(good), len(good))
    print(f"{name:7} {test_nats[name]:.2f} nats   {sum(good):3} of {len(good):3} are Python: {np.mean(good):4.0%}, {low:.0%} to {high:.0%}")

# %% tags=["nbval-check-output"]
ends = {name: wilson(sum(good), len(good)) for name, (_, good) in at_one.items()}
print("intervals apart, KN 9 below live:  ", ends["KN 9"][1] < ends["live"][0])
print("intervals apart, live below writer:", ends["live"][1] < ends["writer"][0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Real functions are all Python, by the way the data were made; that is the ceiling. The live LSTM has the worse likelihood and several times as many functions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two different orders
#
# Across: the mean over characters, on real text. Upwards: the share of the model's own texts that are Python.

# %% slideshow={"slide_type": "skip"}
def plot_structure():
    """Draw the share of Python among samples against the nats per character; return the figure."""
    fig, ax = plt.subplots(figsize=(8.6, 3.3))
    for name, (_, good) in at_one.items():
        (low, high), share = wilson(sum(good), len(good)), np.mean(good)
        color, mark = ("ngram", "s") if name.startswith("KN") else ("lstm", "o")
        bar = [[100 * (share - low)], [100 * (high - share)]]
        ax.errorbar(test_nats[name], 100 * share, bar, fmt=mark, color=COLOR[color], capsize=3)
        ax.annotate(name, (test_nats[name], 100 * share), (7, 6), textcoords="offset points")
    ax.set(xlabel="nats per character on the test modules (better: left)", ylabel="are Python (%)", ylim=(0, 100))
    return fig

# %% tags=["output-only"]
show(plot_structure(), "Left is likelier, up is more Python: counting stays at the bottom, however good its likelihood.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The likelihood is a mean over characters, and most characters are decided by the few before them. Whether a text parses is decided by its worst place.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How texts fail
#
# A text has as many errors as it likes, but the parser stops at the first one. Its messages, sorted into kinds; *did not end* means that no EOS came within 251 characters.

# %% slideshow={"slide_type": "skip"}
KINDS = {"quote": "unterminated", "bracket": "never closed|unmatched|does not match", "indentation": "tab"}


def failure(text, ended):
    """The kind of the first error in a text, or none."""
    if not ended:
        return "did not end"
    try:
        ast.parse(text)
        return "none" if parses(text) else "other"
    except IndentationError:
        return "indentation"
    except (SyntaxError, ValueError) as error:
        found = [kind for kind, words in KINDS.items() if any(word in str(error) for word in words.split("|"))]
        return found[0] if found else "other"

# %%
print(" " * 8, *(f"{kind:>12}" for kind in ("none", "did not end", *KINDS, "other")))
for name in ("KN 9", "live", "writer"):
    texts, _ = at_one[name]
    counted = Counter(failure(text, len(text) < 251) for text in texts)
    print(f"{name:8}", *(f"{counted[kind] / len(texts):12.0%}" for kind in ("none", "did not end", *KINDS, "other")))

# %% [markdown] slideshow={"slide_type": "notes"}
# Other means "invalid syntax" of some sort; a bracket that is closed too early can end in it, too. Compare the columns for quotes and brackets between the first two rows: these have to be closed, however long ago they were opened.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How far is it from *(* to *)* ?
#
# Kneser–Ney 9 sees eight characters back. So measure, in the test functions, how far it is from each opening bracket to the one that closes it, and from each quote to its partner. Python's own tokenizer finds them; in `f(x, 'abc')[0]` the distances are 4 for the quotes, 9 and 2 for the brackets.

# %% slideshow={"slide_type": "skip"}
def spans(text):
    """How many characters lie from each opening bracket or quote of a function to its partner."""
    line_start = [0, *np.cumsum([len(line) for line in text.splitlines(keepends=True)]).tolist()]
    strings, open_at, found = [], [], []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        begin, end = (line_start[row - 1] + column for row, column in (token.start, token.end))
        kind = tokenize.tok_name[token.type]
        if kind.endswith("STRING_START"):  # f-strings have several tokens from Python 3.12 on
            strings.append(begin)
        elif kind.endswith("STRING_END") or kind == "STRING":
            begin = begin if kind == "STRING" else strings.pop()
            found += [end - 1 - begin] if not strings else []
        elif kind == "OP" and not strings and token.string in "([{":
            open_at.append(begin)
        elif kind == "OP" and not strings and token.string in ")]}":
            found.append(begin - open_at.pop())
    return found


spans("f(x, 'abc')[0]")

# %%
per_function = [spans(text) for text in functions["test"]]
far = np.mean([span > 8 for found in per_function for span in found])
print(f"{far:.0%} of all pairs are more than 8 characters apart")
print(f"{np.mean([max(found) > 8 for found in per_function]):.0%} of the functions have such a pair")

# %% [markdown]
# Behind such a distance an $n$-gram model knows that something is open only if the last eight characters betray it. So it can only close about as often as text of that kind does on average. The likelihood forgives that: it loses a little at a few characters. The parser forgives nothing.

# %% [markdown] slideshow={"slide_type": "notes"}
# Right on average and wrong in the particular text: that is what a short window means here. The LSTM can carry what is open; section 4 looks for where.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Against the temperature
#
# The same two LSTMs at five temperatures: 128 texts each, but at $T = 1$ the 200 from before, and at $T = 0.7$ three draws of 200 from the same network. The figure follows; first the spread of the draws:

# %% slideshow={"slide_type": "skip"}
TEMPERATURES, SEEDS = (0.2, 0.4, 0.7, 1.0, 1.3), (0, 1, 2)
by_seed = {name: [sampled(model, 0.7, 200, seed) for seed in SEEDS] for name, model in (("live", live), ("writer", writer))}


def at_temperature(name, model, T):
    """Texts and judgements at a temperature: what was drawn for the slides before, or 128 new ones."""
    if T == 0.7:
        return [sum(parts, []) for parts in zip(*by_seed[name])]
    return at_one[name] if T == 1 else sampled(model, T, 128, seed=0)


swept_T = {(name, T): at_temperature(name, model, T) for name, model in (("live", live), ("writer", writer)) for T in TEMPERATURES}

# %%
for name in ("live", "writer"):
    found = [100 * np.mean(good) for _, good in by_seed[name]]
    print(f"{name:6} at T = 0.7: {np.mean(found):.0f} ± {np.std(found, ddof=1):.0f} % are Python (three draws)")

# %% tags=["nbval-check-output"]
print("writer, T = 0.7, each seed at least 75 %:", min(np.mean(good) for _, good in by_seed["writer"]) >= 0.75)
python_at = {key: np.mean(good) for key, (_, good) in swept_T.items()}
print("lower temperature, more Python:", all(python_at[name, 0.4] > python_at[name, 1.3] + 0.3 for name in ("live", "writer")))

# %% [markdown] slideshow={"slide_type": "notes"}
# A low temperature removes the rare slips, of which one is enough to break a program. Then why not always T = 0.2? The price comes next.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is it new?
#
# A model that recites its training set parses, too. Three questions to the texts of a model:
#
# - **different:** what share of all texts has not occurred in the sample before?
# - **new:** what share of the different texts that are Python is not in the training set, character by character?
# - **of a new shape:** the same with all names, strings and numbers made equal, so that mere renaming does not count.
#
# Real functions of the test modules are the yardstick: people wrote them, and none of them is in the training set.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for guesses first: will the model with the lower loss recite more? The second question is easy to pass, one changed letter will do; so the third.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The shape of a function
#
# The syntax tree, with every name and every constant replaced by the same sign. Statements, operators and their nesting are what remains.

# %%
def shape(text):
    """The syntax tree of a function with all names and constants made equal."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, str) or (isinstance(node, ast.Constant) and field == "value"):
                setattr(node, field, "_")
    return ast.dump(tree)


with warnings.catch_warnings(action="ignore"):
    known_texts, known_shapes = set(functions["train"]), set(map(shape, functions["train"]))
print(shape("def f(x):\n    return x.a + 1") == shape("def area(r):\n    return r.unit + 'm'"), f"{len(known_shapes):,} shapes")

# %% [markdown] slideshow={"slide_type": "notes"}
# Two functions of one shape can differ a lot in meaning, so the third measure is a strict one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Recited or invented?
#
# Shares in per cent: Python among all texts, different ones among all texts, new ones and new shapes among the different ones that are Python. Three draws of 200 texts each, mean ± standard deviation; below them the test functions.

# %% slideshow={"slide_type": "skip"}
def novelty(texts, good):
    """Shares: different among all texts; new, and of a new shape, among the different ones that are Python."""
    with warnings.catch_warnings(action="ignore"):
        python = {text for text, is_good in zip(texts, good) if is_good}  # a set: repeats count once
        fresh = [text not in known_texts and hash_of(text) not in learned for text in python], [shape(text) not in known_shapes for text in python]
    return len(set(texts)) / len(texts), *map(np.mean, fresh)


novelty(functions["train"][:100], 100 * [True])  # different, but nothing new

# %%
print("T = 0.7   Python   different   new   of a new shape   (%)")
for name in ("live", "writer"):
    found = np.array([[np.mean(good), *novelty(texts, good)] for texts, good in by_seed[name]])
    print(f"{name:9}", "   ".join(f"{m:4.0f} ± {s:.0f}" for m, s in zip(100 * found.mean(axis=0), 100 * found.std(axis=0, ddof=1))))
ceiling = novelty(functions["test"], [True] * len(functions["test"]))
print("real     ", "   ".join(f"{100 * share:4.0f}    " for share in (1, *ceiling)))

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("writer: more than 8 in 10 are new in each seed:", min(novelty(*part)[1] for part in by_seed["writer"]) > 0.8)
mean_lengths = [np.mean([len(text) for text in texts]) for texts in (by_seed["writer"][0][0], functions["test"])]
print("its texts are shorter than real ones by a fifth:", mean_lengths[0] < 0.8 * mean_lengths[1])

# %% [markdown] slideshow={"slide_type": "notes"}
# Nearly everything is new as text. Of a new shape is a smaller part, and a smaller one than of what people wrote; but the samples are shorter, too, and short functions have few shapes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The price of safety
#
# Left: how many texts are Python. Right, of 128 texts at each temperature: how many are different.

# %% slideshow={"slide_type": "skip"}
def plot_tradeoff():
    """Draw the shares of Python and of different texts against the temperature; return the figure."""
    fig, axes = plt.subplots(1, 2, figsize=(8, 2.8), sharey=True)
    for name, color, mark in (("live", "window", "s"), ("writer", "lstm", "o")):
        pairs = [swept_T[name, T] for T in TEMPERATURES]
        share = np.array([100 * np.mean(good) for _, good in pairs])
        ends = 100 * np.array([wilson(sum(good), len(good)) for _, good in pairs])
        axes[0].errorbar(TEMPERATURES, share, np.abs(ends.T - share), fmt=mark + "-", color=COLOR[color], capsize=3, label=name)
        found = 100 * np.array([novelty(texts[:128], good[:128]) for texts, good in pairs])
        axes[1].plot(TEMPERATURES, found[:, 0], mark + "-", color=COLOR[color], label=name)
    good = at_one["KN 9"][1]
    axes[0].plot(1, 100 * np.mean(good), "^", color=COLOR["ngram"], label="KN 9")
    for ax, ylabel in zip(axes, ("are Python (%)", "different (%)")):
        ax.set(xlabel="temperature $T$", ylabel=ylabel, ylim=(0, 103))
        ax.legend(fontsize=9)
    return fig

# %% tags=["output-only"]
show(plot_tradeoff(), "Lower temperatures buy syntax; at the lowest the same texts come again and again.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
found_at = {key: novelty(texts[:128], good[:128]) for key, (texts, good) in swept_T.items()}
print("fewer different texts at 0.2 than at 1.0:", all(found_at[name, 0.2][0] < found_at[name, 1.0][0] for name in ("live", "writer")))
print("more than 0.9 new at every temperature:  ", min(found[1] for found in found_at.values()) > 0.9)

# %% [markdown] slideshow={"slide_type": "notes"}
# Left: bars are 95 % intervals. Right: how many of the first 128 texts of each temperature are different. New is nearly everything at every temperature, so reciting is not drawn. No single number says how good a generator is: report the share of Python, the variety and the novelty, with the temperature.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three inventions
#
# The first three texts of the `writer` at $T = 0.7$, first seed, that are Python, of a new shape and longer than 60 characters. Nothing else was selected.

# %%
inventions = [t for t, good in zip(*by_seed["writer"][0]) if good and len(t) > 60 and shape(t) not in known_shapes]
print(*inventions[:3], sep="\n\n")

# %% [markdown] slideshow={"slide_type": "notes"}
# Correct syntax, plausible names, no purpose. The parser does not ask for a purpose, and neither did the training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two failures of Kneser–Ney 9
#
# The first two of its texts at $T = 1$ that are no Python and have 60 to 200 characters. Where is the first error, and how far back is its cause?

# %%
failures = [text for text, good in zip(*at_one["KN 9"]) if not good and 60 < len(text) < 200]
print(*failures[:2], sep="\n\n")

# %% [markdown]
# Each stretch of nine characters looks right. What is open, and which names exist, is forgotten.

# %% [markdown] slideshow={"slide_type": "notes"}
# Let the class find the first error. Locally these lines are as good as the ones before: hence the good likelihood.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · Inside the writer
#
# A closing bracket is right only if one is open; a quote ends a string or begins one. A network that writes Python has to keep such things somewhere in its 320 units. Is there **one unit** for each of them?
#
# 1. **Find** (notebook 5): which unit's memory follows the bracket depth? Choose it on validation functions, report it on test functions: the best of 320 looks good on the texts by which it was chosen.
# 2. **Test**: replace this unit by its average (mean ablation). What gets worse, and only that?

# %% [markdown] slideshow={"slide_type": "notes"}
# Karpathy, Johnson and Fei-Fei looked into character LSTMs in 2015, trained on a novel and on the source of Linux: among the units were some for quotes, nesting and line length. The question here is how many such units this network has, and what they are worth to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Five things to know after each character
#
# All are computed from the text so far, the empty beginning included: $T + 1$ rows for $T$ characters. What stands in a string is taken out before brackets are counted.

# %%
FEATURES = ("inside a string", "bracket depth", "indentation", "place in the line", "line of a def")
STRING = r"""(?s)('''|\"\"\"|'|\")(?:\\.|(?!\1).)*\1"""  # from a quote to the same one


def features_after(text):
    """The five features after 0, 1, … T characters of a text: a list of T + 1 tuples."""
    inside = {t for match in re.finditer(STRING, text) for t in range(match.start() + 1, match.end())}
    code, rows = re.sub(STRING, lambda match: "s" * len(match[0]), text), []
    for t in range(len(text) + 1):
        line = text[:t].rpartition("\n")[2]
        depth = sum(map(code[:t].count, "([{")) - sum(map(code[:t].count, ")]}"))
        blanks = len(line) - len(line.lstrip(" "))
        rows.append((t in inside, depth, blanks, len(line), line[blanks:].startswith("def ")))
    return rows

# %% [markdown] slideshow={"slide_type": "notes"}
# The regular expression reads from left to right, as Python does: a quote opens a string, and the same quote closes it unless a backslash stands before it. There are no comments in these functions, so nothing else can hide a quote.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A line, character by character
#
# The first row is the text; below each character, what is true after it:

# %% tags=["topic-G1", "nbval-check-output"]
line = "    return f(x['a)'], [y])"
print(f"{'text':18}", "  ".join(line[4:]))
for feature, values in zip(FEATURES, zip(*features_after(line)[5:])):
    print(f"{feature:18}", " ".join(f"{value:<2}" for value in values))

# %% [markdown]
# The bracket in the string does not count. Python's own tokenizer is the oracle, for strings and depth, in all test functions:

# %% slideshow={"slide_type": "skip"}
def by_tokenize(text):
    """Inside a string, and bracket depth, after 0, 1, … T characters, from the tokens of the standard library."""
    starts = np.cumsum([0] + [len(line) + 1 for line in text.split("\n")])
    inside, depth, opened = np.zeros((2, len(text) + 1), int).tolist() + [[]]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        if kind.endswith("STRING_START"):  # f-strings have several tokens from Python 3.12 on
            opened.append(begin)
        elif kind.endswith("STRING_END") or kind == "STRING":
            begin = begin if kind == "STRING" else opened.pop()
            quote = begin + re.search("['\"]", text[begin:]).start()
            inside[quote + 1 : end] = [1] * (end - quote - 1)
        elif kind == "OP" and not opened and token.string in "()[]{}":
            depth[end:] = [d + (1 if token.string in "([{" else -1) for d in depth[end:]]
    return list(zip(inside, depth))

# %% tags=["nbval-check-output"]
agree = [[row[:2] for row in features_after(text)] == by_tokenize(text) for text in functions["test"]]
print("agrees with Python's tokenizer in more than 99 % of the functions:", np.mean(agree) > 0.99)

# %% [markdown] slideshow={"slide_type": "notes"}
# True counts as 1. Ask for the depth after each of the closing brackets before the picture is shown. From Python 3.12 on, the tokenizer looks into f-strings; here all of an f-string counts as string.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Read, and keep every memory
#
# `step` gives both states; all are kept. Up to eighty random functions of each part, of 60 to 120 characters, in which a quote occurs. The result is a table of 320 numbers for each character:

# %%
@torch.no_grad()
def history_of(model, y):
    """Hidden and cell states (2, B, T, H) of a model after each number that it reads for y (B, T)."""
    state, history = model.start(y), []
    for w in shift_right(y).T:
        _, state = model.step(w, state)
        history.append(torch.stack(state))
    return torch.stack(history, dim=2)

# %% tags=["output-only"]
watched = {}
for part in ("validation", "test"):
    fitting = [text for text in functions[part] if 60 <= len(text) <= 120 and "'" in text]
    watched[part] = random.Random(0).sample(fitting, min(80, len(fitting)))
watched_rows = {part: pad_batch(texts, number) for part, texts in watched.items()}
histories = {part: history_of(writer, y) for part, y in watched_rows.items()}
print({part: tuple(history.shape) for part, history in histories.items()})

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
y = watched_rows["test"]
with torch.no_grad():
    from_states = writer.output_layer(writer.norm(histories["test"][0]))
    same = torch.allclose(from_states, writer(y[:, :0], y), atol=1e-3)
print("from these states the output layer gives the scores of the writer:", same)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two, because of hidden and cell state; then functions, characters, units. The modules of the two parts are different.

# %% slideshow={"slide_type": "skip"}
def memories_of(histories):
    """The memories (N, H) at the N characters of the watched functions, for validation and test."""
    return [histories[part][1][y != PAD] for part, y in watched_rows.items()]


memories, tables = memories_of(histories), {}
for part, texts in watched.items():
    tables[part] = pad_sequence([torch.tensor(features_after(text)).float() for text in texts], batch_first=True)
features = [tables[part][y != PAD] for part, y in watched_rows.items()]  # (N, 5) each
[table.shape for table in features]

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Choose on one part, report on the other
#
# `correlations` is notebook 5's. For a feature that is 0 or 1, the same formula is the *point-biserial* correlation. `memories` and `features` are pairs of tables: validation, test.

# %%
def best_unit(memories, features, k):
    """The unit that follows feature k best in the first tables, and its |r| in the second ones."""
    unit = correlations(memories[0][None], features[0][None, :, k]).abs().argmax().item()
    r = correlations(memories[1][None, :, [unit]], features[1][None, :, k])
    return unit, r.abs().item()


best = [best_unit(memories, features, k) for k in range(5)]
for feature, (unit, r) in zip(FEATURES, best):
    print(f"{feature:18} unit {unit:3}, |r| = {r:.2f}")

# %% [markdown]
# Are these good correlations? A baseline is missing.

# %% [markdown] slideshow={"slide_type": "notes"}
# The sign means nothing, notebook 5 said why. The same unit may win twice: a line of a def is never indented in most functions, so these two features go together.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Beside: networks that learned nothing
#
# An untrained LSTM remembers, too: its memories are leaky sums of what it read. And among 320 units one always fits best. So the same choice for three untrained writers; and for the trained one with the features of *another* function at the same place:

# %% slideshow={"slide_type": "skip"}
untrained = []
for seed in (0, 1, 2):
    torch.manual_seed(seed)
    newborn = Writer(V, writer.C.embedding_dim, writer.H).eval()
    untrained.append(memories_of({part: history_of(newborn, y) for part, y in watched_rows.items()}))
untrained_r = np.array([[best_unit(pair, features, k)[1] for k in range(5)] for pair in untrained])
foreign_memories, foreign_features = [], []
for part, y in watched_rows.items():
    both = (y != PAD) & (y.roll(1, dims=0) != PAD)  # places that this text and the one above have
    foreign_memories.append(histories[part][1][both])
    foreign_features.append(tables[part].roll(1, dims=0)[both])
foreign_r = [best_unit(foreign_memories, foreign_features, k)[1] for k in range(5)]

# %% tags=["topic-G1"]
print(f"{'|r| on test functions':22} best unit    untrained, best    of another function")
for k, (unit, r) in enumerate(best):
    mean, sd = untrained_r[:, k].mean(), untrained_r[:, k].std(ddof=1)
    print(f"{FEATURES[k]:22} {r:.2f} ({unit:3})    {mean:.2f} ± {sd:.2f}        {foreign_r[k]:.2f}")

# %% [markdown]
# Each best unit follows its feature better than the one that is chosen in the same way in an untrained network: it was *learned*. But the last column shows what the place in the text alone explains: every function begins with *def*, so indentation and the line of a def are nearly the same in all of them.

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 5's counter, whose only task was to count, came closer to 1. One unit follows several features that go together, such as the line of a def and the indentation.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Not in one unit, but in all together?
#
# A **linear probe**: the weighted sum of all 320 memories that follows the feature best (least squares on the validation functions), reported on the test functions.

# %%
def probe(memories, features):
    """r of each feature and its best linear prediction from all memories, fitted on the first tables."""
    fitted_on, on = (nn.functional.pad(table, (0, 1), value=1.0) for table in memories)  # bias
    weights = torch.linalg.lstsq(fitted_on, features[0]).solution  # (H + 1, 5)
    pairs = zip((on @ weights).T, features[1].T)
    return [correlations(guess[None, :, None], truth[None]).item() for guess, truth in pairs]

# %% tags=["topic-G1", "output-only"]
probe_r, untrained_probe_r = probe(memories, features), np.array([probe(pair, features) for pair in untrained])
print(f"{'r on test functions':22} best unit    all units    all, untrained")
for k, (_, r) in enumerate(best):
    mean, sd = untrained_probe_r[:, k].mean(), untrained_probe_r[:, k].std(ddof=1)
    print(f"{FEATURES[k]:22} {r:.2f}         {probe_r[k]:.2f}         {mean:.2f} ± {sd:.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
best_r = np.array([r for _, r in best])
print("the best unit beats all untrained ones, in all five:   ", all(best_r > untrained_r.max(axis=0)))
print("and what another function's features give:             ", all(best_r > np.array(foreign_r)))
print("the probe beats the best unit, in all five:            ", all(probe_r > best_r))
print("and every untrained probe:                             ", all(probe_r > untrained_probe_r.max(axis=0)))
print("strings and brackets: another function's give < 0.4:   ", max(foreign_r[:2]) < 0.4)

# %% [markdown]
# All five can be read out of several units together, and better than out of one.

# %% [markdown] slideshow={"slide_type": "notes"}
# A probe tells that the information can be read out linearly, not that the network reads it. Untrained networks give the probe something, too: without that column the last one would look better than it is.

# %% [markdown] slideshow={"slide_type": "skip"}
# For the picture each character gets a place in a grid, as a typewriter would put it there; lines that are too long go on in the next row. The colour of a place is the memory after its character.

# %% slideshow={"slide_type": "skip"}
def cells_of(text, width=80):
    """The (row, column) of each character of a text in a grid of a width, line breaks shown at the end of lines."""
    places, row, column = [], 0, 0
    for character in text:
        if column == width:
            row, column = row + 1, 0
        places.append((row, column))
        row, column = (row + 1, 0) if character == "\n" else (row, column + 1)
    return places

# %% slideshow={"slide_type": "skip"}
def plot_strips(text, units, titles):
    """Draw a text once for each unit, each character coloured by the unit's memory after it."""
    memory = history_of(writer, pad_batch([text], number))[1, 0, 1:]  # (T, H)
    width = min(80, max(48, *map(len, text.split("\n"))) + 1)
    places = cells_of(text, width)
    height = places[-1][0] + 1
    fig, axes = plt.subplots(len(units), figsize=(8.6, len(units) * (0.33 + 0.28 * height)), squeeze=False)
    for ax, unit, title in zip(axes[:, 0], units, titles):
        grid = np.full((height, width), np.nan)
        grid[tuple(zip(*places))] = memory[:, unit]
        limit = 1.3 * max(np.nanmax(np.abs(grid)), 1e-6)
        ax.imshow(grid, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest", alpha=0.8)
        for (row, column), character in zip(places, text):
            symbol = "↵" if character == "\n" else character
            size = min(13, 760 / width)
            ax.text(column, row, symbol, family="monospace", fontsize=size, ha="center", va="center", parse_math=False)
        ax.set_title(title, fontsize=11, loc="left", pad=3)
        ax.axis("off")
    return fig

# %% [markdown] slideshow={"slide_type": "skip"}
# What to show is not picked by hand: the first test function that has few and short lines, a string, and brackets in brackets.

# %% slideshow={"slide_type": "skip"}
def good_to_show(text):
    """Few and short lines, a string, and brackets in brackets."""
    lines = text.split("\n")
    nested = max(depth for _, depth, *_ in features_after(text)) > 1
    return len(lines) in (2, 3) and max(map(len, lines)) < 60 and nested and "'" in text


shown = next(text for text in watched["test"] if good_to_show(text))
shown_units = [best[k][0] for k in (1, 0)]
shown_titles = [f"unit {best[k][0]}: {FEATURES[k]}, |r| = {best[k][1]:.2f}" for k in (1, 0)]
print(shown)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two units reading
#
# The first test function with two or three short lines, a string and nested brackets. Red is a memory above 0, blue below, strongest at the largest amount in the picture; ↵ is the line break.

# %% tags=["topic-G1", "output-only"]
message = "One unit goes with open brackets; the one for strings is less clear."
show(plot_strips(shown, shown_units, shown_titles), message)

# %% [markdown] slideshow={"slide_type": "notes"}
# Each character is coloured by the memory after it was read. Look at the top strip at each bracket, and at the bottom one between quotes. One function is an example; the table before has all of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Mean ablation: the writer without a unit
#
# **Mean ablation**: a writer in which some units, in each row, are replaced by their average, hidden and cell state. Like any model it has `start` and `step`:

# %%
class MeanAblated:
    """A writer whose units in mask (B, H) keep the hidden and cell state in at (2, H)."""

    def __init__(self, writer, mask, at):
        self.writer, self.mask, self.at = writer, mask, at

    def start(self, x):
        """The first hidden and cell state (B, H) of the writer."""
        return self.writer.start(x)

    def step(self, w, state):
        """Log-probabilities (B, V) of the character after w (B,), and the new state; some units ablated."""
        _, state = self.writer.step(w, state)
        s, c = (torch.where(self.mask, mean, part) for mean, part in zip(self.at, state))
        return torch.log_softmax(self.writer.output_layer(self.writer.norm(s)), dim=1), (s, c)

# %% slideshow={"slide_type": "skip"}
averages = histories["validation"][:, watched_rows["validation"] != PAD].mean(dim=1)  # (2, H)
averages.shape

# %% [markdown] slideshow={"slide_type": "notes"}
# The mask has a row for each text of the batch, so that one reading can compare many ablations: the batch is texts times ablations.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which characters show the damage?
#
# Each feature decides certain characters. If a unit keeps the depth, then without it the closing brackets should cost more, and nothing else.

# %%
DECISIONS = ("closing quotes", "closing brackets", "indentation", "line breaks", "colon of a def")


def decisions_of(text):
    """Which characters of a text, and EOS, are decisions: a list of T + 1 tuples of five bools."""
    rows, decisions = features_after(text), []
    for t, ((inside, depth, blanks, place, is_def), after) in enumerate(zip(rows, rows[1:])):
        ends = inside and not after[0], after[1] < depth  # a string, a bracket
        new = t > 0 and place == blanks, text[t] == "\n", is_def and depth == 0 and text[t] == ":"
        decisions.append((*ends, *new))
    return [*decisions, 5 * (False,)]

# %% tags=["output-only", "nbval-check-output"]
small = "def f(x):\n    return g('a')"
for name, which in zip(DECISIONS, zip(*decisions_of(small))):
    marked = ["^" if is_one else character for character, is_one in zip(small.replace("\n", "↵"), which)]
    print(f"{name:17}", "".join(marked))

# %% [markdown] slideshow={"slide_type": "notes"}
# The marks stand where a character is a decision. After a line break, each blank and the first other character decide the indentation.

# %% [markdown] slideshow={"slide_type": "skip"}
# For the comparison all groups of ablated units read all texts in one batch: a mask for each pair of group and text. The damage is what the characters cost more than with nothing ablated, once averaged over the decisions and once over all other characters.

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def nats_of(model, y):
    """Nats (B, T) of each number of y (B, T) under a model, given those before it."""
    state, nats = model.start(y), []
    for w, w_next in zip(shift_right(y).T, y.T):
        log_p, state = model.step(w, state)
        nats.append(-log_p.gather(1, w_next[:, None])[:, 0])
    return torch.stack(nats, dim=1)


def masks(groups, B):
    """A mask (G·B, H) that is true at the units of each of G groups, in B rows each."""
    mask = torch.zeros(len(groups), writer.H, dtype=torch.bool)
    for row, units in zip(mask, groups):
        row[torch.tensor(units, dtype=torch.long)] = True
    return mask.repeat_interleave(B, dim=0)

# %% slideshow={"slide_type": "skip"}
def damage(groups, y, decisions):
    """What it costs to ablate each group of units: nats more (G - 1, 5) at decisions, and (G - 1, 5) elsewhere.

    The first group is the one to compare with; decisions (B, T, 5) are bools.
    """
    nats = nats_of(MeanAblated(writer, masks(groups, len(y)), averages), y.repeat(len(groups), 1))
    more = nats.unflatten(0, (len(groups), -1)) - nats[: len(y)]  # (G, B, T)
    means = [torch.stack([more[1:, which].mean(dim=1) for which in kind], dim=1) for kind in decided_and_not(y, decisions)]
    return [mean.numpy() for mean in means]


def decided_and_not(y, decisions):
    """The masks (B, T) of the decisions of each feature, and of all other characters of y (B, T)."""
    of_each = decisions.unbind(dim=2)
    return of_each, [(y != PAD) & ~which for which in of_each]

# %% [markdown] slideshow={"slide_type": "skip"}
# Which units are ablated: none, the five best, twenty others one by one.

# %% slideshow={"slide_type": "skip"}
y = watched_rows["test"][:40]
decisions = torch.zeros(*y.shape, 5, dtype=torch.bool)
for table, text in zip(decisions, watched["test"]):
    table[: len(text) + 1] = torch.tensor(decisions_of(text))
singles = [[unit] for unit, _ in best]
picked = np.random.default_rng(0).permutation([unit for unit in range(writer.H) if [unit] not in singles])[:20]
groups = [[], *singles, *([unit] for unit in picked.tolist())]
at_decisions, elsewhere = damage(groups, y, decisions)
print("groups:", len(groups), "  decisions:", dict(zip(DECISIONS, decisions.sum(dim=(0, 1)).tolist())))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Ablate the best unit, or another one
#
# Forty test functions; nats more per character, at the decisions and at all other characters. Beside: twenty other units, drawn at random and ablated one by one.

# %% tags=["topic-G1"]
print(f"{'nats more':17} number   best ablated      elsewhere    20 others: mean ± sd, worst")
for k, name in enumerate(DECISIONS):
    others = at_decisions[5:, k]
    print(f"{name:17} {decisions[:, :, k].sum():6}   {at_decisions[k, k]:+.3f} ({best[k][0]:3})", end="")
    print(f"      {elsewhere[k, k]:+.3f}       {others.mean():+.3f} ± {others.std(ddof=1):.3f}, {others.max():+.3f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
for k in (0, 1):
    most, three_times = at_decisions[k, k] > at_decisions[5:, k].max(), at_decisions[k, k] > 3 * elsewhere[k, k]
    print(f"its unit: {DECISIONS[k]} cost more than without any of 20 others: {most}")
    print(f"    and the damage there is over three times that elsewhere: {three_times}")
print("the unit for the line of a def: at its colon less than 0.1 nats:", at_decisions[4, 4] < 0.1)
nothing_ablated = nats_of(MeanAblated(writer, masks([[]], len(y)), averages), y)[y != PAD].mean().item()
with torch.no_grad():
    exact = abs(nothing_ablated - sequence_loss(writer(y[:, :0], y), y).item()) < 1e-4
print("with no unit ablated it is the writer:", exact)

# %% [markdown] slideshow={"slide_type": "notes"}
# The second column is the damage where the feature decides, the third the damage everywhere else. Ask which unit is missed most, and compare with its correlation two slides before.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the table says
#
# - **Quotes:** their unit is missed most, at closing quotes and nowhere else, although its correlation was the lowest of all.
# - **Brackets:** their unit, too, is used for closing brackets, and for next to nothing else.
# - **The line of a def:** one of the highest correlations, and hardly missed at the colon. Correlation finds candidates; ablation tells what is used.

# %% [markdown] slideshow={"slide_type": "notes"}
# Correlation and damage do not go together. That the writer can do without the unit for the line of a def does not mean that it does not know: other units may tell. The next slide asks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Ten at a time
#
# If a feature is spread over units, one of them will not be missed. Ablate the **ten** best for each feature, beside five random tens:

# %% slideshow={"slide_type": "skip"}
tens = [correlations(memories[0][None], features[0][None, :, k]).abs().topk(10).indices.tolist() for k in range(5)]
random_tens = [np.random.default_rng(seed).choice(writer.H, 10, replace=False).tolist() for seed in range(5)]
of_tens, tens_elsewhere = damage([[], *tens, *random_tens], y, decisions)
for feature, ten in zip(FEATURES, tens):
    print(f"{feature:18}", *(f"{unit:3}" for unit in ten))

# %% tags=["topic-G1"]
print(f"{'nats more':17}  ten ablated     elsewhere    5 random tens: mean ± sd")
for k, name in enumerate(DECISIONS):
    others = of_tens[5:, k]
    print(f"{name:17}  {of_tens[k, k]:+.2f}           {tens_elsewhere[k, k]:+.2f}", end="")
    print(f"        {others.mean():+.2f} ± {others.std(ddof=1):.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("ten units for the def: its colon costs over ten times what ablating one costs:", of_tens[4, 4] > 10 * at_decisions[4, 4])
print("and the damage there is over five times that elsewhere:", of_tens[4, 4] > 5 * tens_elsewhere[4, 4])
print("and more than with any random ten:", of_tens[4, 4] > of_tens[5:, 4].max())

# %% [markdown]
# Without the best unit the colon of a *def* costs next to nothing more, without ten units more than a nat. The network knows that it is in the line of a def, but no single unit holds that: ten share it. Quotes have one unit that matters most, and helpers.

# %% [markdown] slideshow={"slide_type": "notes"}
# Compare the last rows of the two tables: one unit for the line of a def is hardly missed, ten are. This is what a distributed code looks like from outside: ablate one unit, and the others still tell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What it writes without them
#
# 200 texts each at $T = 1$, in one batch. **Predict:** which is missed most, measured by the share that is Python: the unit for brackets, the ten for strings, or ten at random?

# %% tags=["topic-G1"]
ablated = {"none": [], "brackets": [best[1][0]], "ten for strings": tens[0], "ten at random": random_tens[0]}
torch.manual_seed(0)
without = MeanAblated(writer, masks(list(ablated.values()), 200), averages)
_, good = judged(write(without, torch.zeros(800, 0), sampler(T=1), longest=251))
share = np.reshape(good, (4, 200)).mean(axis=1)
for name, part in zip(ablated, share):
    print(f"ablated: {name:16} {part:.0%} ± {np.sqrt(part * (1 - part) / 199):.0%} are Python")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("without the ten for strings, at least 10 in 100 fewer parse:", share[2] < share[0] - 0.1)
print("and fewer than without ten at random:                       ", share[2] < share[3])

# %% [markdown] slideshow={"slide_type": "notes"}
# The numbers after ± are standard deviations of a share of 200 texts: differences of a few points mean nothing, which is why the row at random stands there. An ablated unit is wrong at every character, and one mistake per text is enough for the parser.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Look for yourself
#
# Any text, any of the 320 units. Which one likes *self*? Which one changes at every line break?

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    text=Textarea(shown, rows=4, layout=Layout(width="90%"), description="text", continuous_update=False),
    unit=IntSlider(best[1][0], 0, writer.H - 1, continuous_update=False),
)
def watch_a_unit(text, unit):
    """Colour a text, at most 400 characters in ten lines, by the memory of a unit."""
    text = normalize("NFC", text)
    left_out = sorted(set(text) - number.keys())
    text = "\n".join("".join(c for c in text if c in number)[:400].split("\n")[:10]) or " "
    memory = history_of(writer, pad_batch([text], number))[1, 0, 1:, unit]
    message = f"Unit {unit}: memory from {memory.min():.2f} to {memory.max():.2f} over {len(text)} characters."
    message += f" Left out, since unknown: {left_out}." if left_out else ""
    show(plot_strips(text, [unit], [f"unit {unit} of {writer.H}"]), message)

# %% [markdown] slideshow={"slide_type": "notes"}
# Let students report units with a meaning of their own, then ask how they would test it: on which texts was it found, on which is it confirmed, and what gets worse when it is ablated? Most units have no meaning that a single word describes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - One loop that writes, `write`, and everything that can be put in its place of choice: greedy, temperature, top-k, top-p, and a beam.
# - Two judges that disagree: nats per character, and the parser.
# - A look inside: units that are used for quotes and for brackets, the line of a *def* spread over many, and what happens without them.
#
# **Next:** `08_on_request`: the same writer, told what to write about. On Shakespeare, and fast: `real_corpora/08_tiny_shakespeare`.

# %% [markdown] slideshow={"slide_type": "notes"}
# Homework: replace the library by the students' own programs, and find out whether the writer copies.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - I. Sutskever, J. Martens, G. Hinton: *Generating text with recurrent neural networks*. ICML 2011. Characters, one at a time.
# - A. Graves: *Generating sequences with recurrent neural networks*. arXiv:1308.0850, 2013.
# - A. Karpathy, J. Johnson, L. Fei-Fei: *Visualizing and understanding recurrent networks*. ICLR workshop, 2016. Units that track quotes, brackets and line length.
# - A. Fan, M. Lewis, Y. Dauphin: *Hierarchical neural story generation*. ACL 2018. Top-k sampling.
# - A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi: *The curious case of neural text degeneration*. ICLR 2020. Top-p, and why the likeliest text is not a good one.
# - M. Nguyen and others: *Turning up the heat: min-p sampling for creative and coherent LLM outputs*. arXiv:2407.01082, 2024.

# %% [markdown] slideshow={"slide_type": "notes"}
# Holtzman and others is the paper to read: it shows on long texts what this notebook shows on short ones.
