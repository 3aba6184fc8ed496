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
#       cells: {most: 82, why: "to be recut"}
#       lines: {most: 565, why: "to be recut"}
#       slides: {most: 56, why: "to be recut"}
#       pictures: {most: 9.4, why: "to be recut"}
#       slide_lines: {most: 15, why: "to be recut"}
#       code_share: {most: 75, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 7 · Which translation, and how good is it?
#
# > A translator gives a probability to every sentence there is. Somebody has to choose one of them, and somebody has to judge it.
#
# **You will** search with a beam and check it against exhaustive search, write BLEU, and measure what happens to a model that reads its own words.<br>
# **You need** `07_seq2seq` (encoder–decoder, attention).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Two questions that papers on architectures pass over in a line or two. Ask the class: what is the likeliest sentence of English, of all lengths?

# %% slideshow={"slide_type": "skip"}
import math
import random
import time
from collections import Counter
from itertools import product
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from babel import Locale
from ipywidgets import IntSlider, Text, interact
from sacrebleu.metrics import BLEU
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x, y$ | `x`, `y` | `(B, S)`, `(B, T)` | rows of a source and a target: words, EOS, then PAD |
# | $\hat y$ | | | the likeliest target of a source |
# | $\lvert y \rvert$ | `length` | | the length of $y$, EOS included |
# | $k$ | `k` | | hypotheses that a beam keeps |
# | $\alpha$ | `alpha` | | power of the length by which a score is divided |
# | $p_n$ | | | share of the $n$-grams of a translation that are in the reference |
# | $V$ | `V` | | size of the vocabulary of the target |
#
# A **model** is anything with `start(x)`, which gives a state, a tuple of tensors, and `step(w, state)`, which gives log-probabilities `(B, V)` after the words `w` and the new state. Numbers 0, 1, 2 stand for PAD, BOS, EOS.

# %% [markdown] slideshow={"slide_type": "notes"}
# In notebook 7 alpha was a weight of attention; here it is the power in the length normalisation, as in the papers on beam search.

# %% slideshow={"slide_type": "skip"}
# Derived in notebook 07_seq2seq:
from course_utils.taught.seq2seq import (
    BOS,
    EOS,
    PAD,
    Attentive,
    Dot,
    OneVector,
    Translator,
    ancestral,
    build_vocab,
    decode_ids,
    draw_numbers,
    english,
    exact_match,
    german,
    greedy,
    pad_batch,
    sequence_loss,
    shift_right,
    train_translator,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two translators to work with
#
# The task of `07_seq2seq`: numbers below $10^9$, from English words to German parts, 20,000 to learn from and 1,000 held out. One model hands over a vector, the other attends with the dot product; their sizes make their parameters nearly equal. Both are trained for a short time only, so that one of them stays unsure.

# %% slideshow={"slide_type": "skip"}
numbers = draw_numbers(21_000, seed=0)
number_x, number_y = (build_vocab(spell(n) for n in numbers[:20_000]) for spell in (english, german))
words_y = ["PAD", "BOS", "EOS", *number_y]
train_x, test_x = (pad_batch([english(n) for n in part], number_x) for part in (numbers[:20_000], numbers[20_000:]))
train_y, test_y = (pad_batch([german(n) for n in part], number_y) for part in (numbers[:20_000], numbers[20_000:]))

# %%
torch.manual_seed(0)
sizes = {"V_x": len(number_x) + 3, "V_y": len(number_y) + 3, "E": 32}
translators = {"v": Translator(**sizes, H=102), "dot": Attentive(**sizes, H=96, score=Dot())}
for name, model in translators.items():
    train_translator(model, train_x, train_y, seed=0, steps=150, lr=0.02)
    right = exact_match(greedy(model, test_x, test_y.shape[1]), test_y)
    print(f"{name:3} {right.double().mean():.3f} of the held-out numbers right")

# %% [markdown] slideshow={"slide_type": "notes"}
# The model without attention is the interesting one here: it is often unsure, and the better one hardly ever.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Which sentence to write?
#
# The decoder gives a probability to *every* row of words. Which one is the answer? The likeliest, say:
#
# $$\hat y = \operatorname*{argmax}_y \; p(y \mid x) \qquad \log p(y \mid x) = \sum_{t=1}^{T} \log p(y_t \mid y_1 \ldots y_{t-1}, x)$$
#
# There is no table to look it up in. Each $y_t$ may be any word, so there are $V^T$ rows of $T$ tokens; for the German numbers:

# %%
print(f"{len(words_y)} to the power of {test_y.shape[1]}: {float(len(words_y)) ** test_y.shape[1]:.0e} rows")

# %% [markdown]
# Viterbi (notebook 6) was exact, since its scores joined neighbours only. Here each word depends on *all* words before it: no two beginnings share a state. What follows are ways to search, none of them exact and quick.

# %% [markdown] slideshow={"slide_type": "notes"}
# Training never asked this question: it scored given sentences. Only who wants to write must choose. In the lattice of notebook 6 paths meet again in each column; in a tree they never do.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Greedy falls into a trap
#
# ![A tree over the letters a and b, the probability at each branch: the greedy path takes a (0.6), then a again (0.4), and ends at 0.24; a beam of two also keeps b (0.4) and finds b b, at 0.36 the likeliest of all.](../figures/greedy_and_beam.svg)
#
# Two letters at most, then END, as EOS is called in drawings. Greedy takes the likelier letter at each step and never goes back.

# %% [markdown] slideshow={"slide_type": "notes"}
# Multiply along the branches. The best first letter is a, the best sentence begins with b: a model may be unsure after a good beginning and sure after a bad one. The highlighted pair of nodes is a beam of two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The tree as a model
#
# All searches below need only `start` and `step`. The tree has them, too; its state is the number of letters written:

# %%
class TwoLetters:
    """The tree of the figure: words 3 and 4 are the letters a and b."""

    p = torch.tensor(
        [[0, 0, 1, 0, 0], [0, 0, 0, 0.6, 0.4], [0, 0, 1, 0, 0], [0, 0, 0.3, 0.4, 0.3], [0, 0, 0.05, 0.05, 0.9]]
    )  # a row for each word before: PAD, BOS, END, a, b

    def start(self, x):
        return (torch.zeros(len(x), dtype=torch.long),)

    def step(self, w, state):
        p = torch.where(state[0][:, None] < 2, self.p[w], self.p[EOS])
        return torch.log(p), (state[0] + 1,)

# %% [markdown] slideshow={"slide_type": "notes"}
# Probabilities of zero are allowed: their logarithm is minus infinity, and no search will go there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Greedy on the tree

# %% tags=["nbval-check-output"]
LETTERS = ["PAD", "BOS", "END", "a", "b"]
tree, no_source = TwoLetters(), torch.zeros(1, 1, dtype=torch.long)
print("greedy writes", *decode_ids(greedy(tree, no_source, longest=3), LETTERS)[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# There is no source to translate here, so x is a row of one zero that nobody reads. PAD and BOS are words like any others to a decoder; training makes them unlikely, here they have probability 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What is a given row worth?
#
# Feed it in word by word and add up the logarithms. A row ends at its first EOS; whatever follows counts nothing.

# %% tags=["export"]
@torch.no_grad()
def log_p_of(model, x, y):
    """log p(y | x) (N,) of rows y (N, T), each counted up to its first EOS."""
    state, w, log_p = model.start(x), torch.full((len(x),), BOS), 0
    for y_t in y.T:
        log_p_t, state = model.step(w, state)
        ended = (w == EOS)[:, None]
        log_p = log_p + torch.where(ended, 0, log_p_t).gather(1, y_t[:, None])[:, 0]
        w = torch.where(ended[:, 0], EOS, y_t)
    return log_p

# %% [markdown]
# For small vocabularies we can list *everything* that can be written in `longest` steps: rows that end, filled up with EOS, and rows that are cut off.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def all_sequences(V, longest):
    """All rows (N, longest) over V words: some words, then EOS to the end, or words all the way."""
    words = [word for word in range(V) if word != EOS]
    rows = [[*row, *[EOS] * (longest - n)] for n in range(longest + 1) for row in product(words, repeat=n)]
    return torch.tensor(rows)

# %% slideshow={"slide_type": "skip"}
all_sequences(V=5, longest=3).shape

# %% [markdown] slideshow={"slide_type": "notes"}
# Any model with start and step can be asked in this way. With a trained model's forward it would be one call; for the tree there is no forward.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The six sentences of the tree
#
# All 85 rows of at most three tokens, those with a probability of their own printed:

# %% tags=["nbval-check-output"]
tree_rows = all_sequences(V=5, longest=3)
tree_p = log_p_of(tree, no_source.expand(len(tree_rows), 1), tree_rows).exp()
for i in tree_p.argsort(descending=True, stable=True)[: (tree_p > 0).sum()]:
    print(f"{' '.join(decode_ids(tree_rows[i : i + 1], LETTERS)[0]):3}  {tree_p[i]:.2f}")
print(f"sum  {tree_p.sum():.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Six sentences, together 1. Greedy's answer, a a, has 0.24; b b has 0.36.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Draw instead of choosing
#
# **Sampling:** draw each word with the probability that the model gives it. Then a sentence comes out in the long run as often as $p(y \mid x)$ says, the chain rule once more. Of 20,000 drawn from the tree:

# %% tags=["nbval-check-output"]
drawn = ancestral(tree, no_source.expand(20_000, 1), longest=3)
share = (drawn[:, None] == tree_rows).all(dim=2).double().mean(dim=0)  # of each of the 85 rows
print("each share within 0.02 of p:", ((share - tree_p).abs() < 0.02).all().item())

# %% [markdown] slideshow={"slide_type": "notes"}
# Good for stories and names, where any likely text will do, and notebook 8 is about that; who asks for a translation wants no lottery.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Beam search: keep $k$ beginnings
#
# Start with the empty beginning. Then, at each step:
#
# 1. try every word after each of the $k$ kept beginnings, the **hypotheses**;
# 2. of all these continuations together, keep the $k$ likeliest;
# 3. a hypothesis that has written EOS has **ended**: it stays in the race with the score that it has.
#
# It is over when all $k$ have ended, or after `longest` steps. $k = 1$ is greedy search. What is dropped never comes back, so a larger $k$ may still miss the best; only when *nothing* is dropped is it sure to be exact.

# %% [markdown] slideshow={"slide_type": "notes"}
# The method comes from speech recognition in the 1970s. Next is the one step that matters, as an exercise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · One step of the beam
#
# NumPy arrays: `scores` $(k,)$, the log-probabilities of the hypotheses; `log_p` $(k, V)$, those of each next word; `ended` $(k,)$, bools. An ended hypothesis has one continuation only: EOS (number 2), at no cost. Return the $k$ likeliest continuations, best first, as pairs (row, word) such as `[(0, 4), (0, 1)]`; the row is the number of the hypothesis. **Predict:** of how many candidates for $k = 4$, $V = 30$, none ended? How many of the winners may come from the same hypothesis?
#
# <details><summary>Answer</summary>Of 120. All four: nothing says that each hypothesis must live on. One that nobody continues is pruned.</details>

# %% tags=["exercise-1-stub"]
def best_continuations(scores, log_p, ended):
    """The k best continuations as pairs (row, word), best first, of hypotheses with scores (k,)."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_best_continuations(attempt):
    """Try an attempt on random hypotheses, some of them ended."""
    rng, log_p = np.random.default_rng(0), np.log([[0.125, 0.375, 0.5], [0.5, 0.375, 0.125]])
    cases = [((np.array([-1.0, -2.0]), log_p, np.array([False, False])),)]
    for k, V, over in ((2, 5, 0), (7, 9, 0), (3, 4, 1), (4, 6, 2), (5, 7, 2), (6, 4, 2)):
        log_p = np.log(rng.dirichlet(np.full(V, 0.6), size=k))
        cases.append(((-np.sort(rng.uniform(0.1, 4, k)), log_p, rng.permutation(np.arange(k) < over)),))

    def table(log_p, ended, other=-np.inf, end=0.0):
        own = np.where(np.arange(log_p.shape[1]) == EOS, end, other)
        return np.where(ended[:, None], own, log_p)

    def first(total, k):
        return [divmod(int(i), total.shape[1]) for i in np.argsort(-total.ravel(), kind="stable")[:k]]

    def right(s, p, e):
        return first(s[:, None] + table(p, e), len(s))

    return check(
        attempt,
        cases=[(*case, right(*case[0])) for case in cases],
        misconceptions={
            "add the scores of the hypotheses, by rows": lambda s, p, e: first(table(p, e), len(s)),
            "logarithms are added, not multiplied": lambda s, p, e: first(s[:, None] * table(p, e), len(s)),
            "scores are logarithms: add log_p, not probabilities": lambda s, p, e: first(s[:, None] + np.exp(table(p, e)), len(s)),
            "all hypotheses compete for k places: some get several, some none": (
                lambda s, p, e: sorted(
                    ((i, int(w)) for i, w in enumerate(table(p, e).argmax(1))),
                    key=lambda pair: -(s[pair[0]] + table(p, e)[pair]),
                )
            ),
            "this keeps the best word of each hypothesis; let all of them compete for k places": (
                lambda s, p, e: [(i, int(w)) for i, w in enumerate((s[:, None] + table(p, e)).argmax(1))]
            ),
            "pairs (row, word), not two lists: zip them": lambda s, p, e: list(zip(*right(s, p, e))),
            "that follows the best hypothesis only: greedy": (
                lambda s, p, e: [(int(s.argmax()), w) for _, w in first(table(p, e)[[s.argmax()]], len(s))]
            ),
            "an ended hypothesis cannot be continued by other words": lambda s, p, e: first(s[:, None] + p, len(s)),
            "an ended hypothesis stays in the race, as itself": lambda s, p, e: first(s[:, None] + table(p, e, end=-np.inf), len(s)),
            "its one EOS costs an ended hypothesis nothing": (
                lambda s, p, e: first(s[:, None] + np.where(np.arange(p.shape[1]) == EOS, p, table(p, e)), len(s))
            ),
            "an ended hypothesis has one continuation, not one for each word": (
                lambda s, p, e: first(s[:, None] + table(p, e, other=0.0), len(s))
            ),
            "it is EOS, number 2, by which an ended hypothesis goes on": lambda s, p, e: [(i, 0 if e[i] else w) for i, w in right(s, p, e)],
            "those are the least likely": lambda s, p, e: first(-(s[:, None] + table(p, e)), len(s)),
            "the best comes first; yours comes last": lambda s, p, e: right(s, p, e)[::-1],
            "sort by score, not by row": lambda s, p, e: sorted(right(s, p, e)),
            "a flat index is row · V + word: divide by V, not by k": (
                lambda s, p, e: [divmod(i * p.shape[1] + w, len(s)) for i, w in right(s, p, e)]
            ),
            "the row first, then the word": lambda s, p, e: [(w, i) for i, w in right(s, p, e)],
            "k continuations are kept, not all": lambda s, p, e: first(s[:, None] + table(p, e), p.size),
            "an ended hypothesis has one continuation, not one for each word; they tie, and yours begin with the last": (
                lambda s, p, e: [
                    divmod(int(i), p.shape[1]) for i in np.argsort((s[:, None] + table(p, e, other=0.0)).ravel(), kind="stable")[::-1][: len(s)]
                ]
            ),
        },
    )


check_best_continuations(best_continuations)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def best_continuations_solution(scores, log_p, ended):
    """The k best continuations as pairs (row, word), best first, of hypotheses with scores (k,)."""
    V = log_p.shape[1]
    itself = np.where(np.arange(V) == EOS, 0, -np.inf)
    total = scores[:, None] + np.where(ended[:, None], itself, log_p)
    best = np.argsort(-total.ravel())[: len(scores)]
    return [divmod(int(i), V) for i in best]


check_best_continuations(best_continuations_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two slips to expect: the best of each hypothesis is taken instead of the best of all, or ended hypotheses are forgotten. Forget them, and an answer that has ended is lost at the next step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same for a batch
#
# $B$ sources with $k$ hypotheses each. `alpha` divides by a power of the length; it waits for its slide, and 0 divides by 1.

# %% tags=["topic-B3", "export"]
def beam_step(log_p, y, total, alpha):
    """Rows, words and log-probabilities (B, k) of the best continuations of y (B, k, t) by log_p (B, k, V)."""
    V, ended = log_p.shape[2], (y[:, :, -1] == EOS)[:, :, None]
    itself = torch.where(torch.arange(V) == EOS, 0.0, -math.inf)
    candidates = total[:, :, None] + torch.where(ended, itself, log_p)  # (B, k, V)
    length = (y != EOS).sum(dim=2, keepdim=True)  # with the next word, in place of BOS
    best = (candidates / length**alpha).flatten(1).topk(y.shape[1]).indices  # (B, k)
    return best // V, best % V, candidates.flatten(1).gather(1, best)

# %% [markdown] slideshow={"slide_type": "notes"}
# The k · V continuations of a source stand in one row, so that topk compares them all; a division tells row and word apart.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The exercise, six sources at a time

# %% tags=["nbval-check-output"]
log_p, total = torch.log_softmax(torch.randn(6, 4, 9), dim=2), -torch.rand(6, 4)
kept = torch.randint(EOS, EOS + 2, (6, 4, 1))  # about half of them have ended
row, word, _ = beam_step(log_p, kept, total, alpha=0)
cases = zip(total.numpy(), log_p.numpy(), (kept[:, :, 0] == EOS).numpy())
by_exercise = torch.tensor([best_continuations_solution(*case) for case in cases])  # (B, k, 2)
print("the exercise's answer for each source:", torch.equal(torch.stack([row, word], dim=2), by_exercise))

# %% [markdown] slideshow={"slide_type": "notes"}
# Half of the hypotheses of this test have ended, so both branches are tried.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From step to search
#
# To the model the hypotheses are a batch of $B \cdot k$ rows. After each choice, states and beginnings follow their hypotheses:

# %% tags=["topic-B3", "export"]
@torch.no_grad()
def beams(model, x, k, longest, alpha=0.0):
    """Yield for each t the hypotheses y (B, k, t), best first, their log p (B, k) and the rows they continue (B, k)."""
    B, state = len(x), tuple(part.repeat_interleave(k, dim=0) for part in model.start(x))
    y, total = torch.full((B, k, 1), BOS), torch.full((B, k), -math.inf)
    total[:, 0] = 0  # one empty beginning; the others do not exist
    for _ in range(longest):
        log_p, state = model.step(y[:, :, -1].flatten(), state)  # (B k, V)
        row, word, total = beam_step(log_p.unflatten(0, (B, k)), y, total, alpha)
        source = (row + k * torch.arange(B)[:, None]).flatten()
        state = tuple(part[source] for part in state)
        y = torch.cat([y.flatten(0, 1)[source].unflatten(0, (B, k)), word[:, :, None]], dim=2)
        yield y[:, :, 1:], total, row
        if (word == EOS).all():
            return

# %% [markdown] slideshow={"slide_type": "notes"}
# If the states did not follow, hypothesis 1 would go on with the memory of hypothesis 3, and nothing would crash.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The search is the last of these steps

# %% tags=["topic-B3", "export"]
def beam_search(model, x, k, longest, alpha=0.0):
    """The k hypotheses y (B, k, T) of each row of x, best first, and their log-probabilities (B, k)."""
    *_, (y, total, _) = beams(model, x, k, longest, alpha)
    return y, total

# %% [markdown] slideshow={"slide_type": "notes"}
# A hypothesis of probability 0, log −∞, fills the places until there are k real ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### On the tree
#
# Each line is a step; the probabilities stand after the hypotheses. **Predict** the second line for $k = 2$.

# %% tags=["nbval-check-output"]
for k in (1, 2):
    print("k =", k)
    for kept, total, _ in beams(tree, no_source, k, longest=3):
        texts = [" ".join(LETTERS[w] for w in hypothesis) for hypothesis in kept[0].tolist()]
        print("  ", "   ".join(f"{text:7} {p:.2f}" for text, p in zip(texts, total[0].exp())))

# %% [markdown]
# With two places, *b* survives its weak beginning and wins. Two hypotheses can also share their beginning: both might have come from *a*.

# %% [markdown] slideshow={"slide_type": "notes"}
# In the second step b b comes first with 0.36, and a a second with 0.24. In the third both write END, which is certain.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three checks on a trained model
#
# The number model without attention and thirty held-out numbers. A beam of one is greedy; a batch gives what its rows give alone, without PAD; the search counts what teacher forcing counts.

# %% slideshow={"slide_type": "skip"}
number_v, some_x = translators["v"], test_x[:30]
some_y, some_total = beam_search(number_v, some_x, k=4, longest=30)
some_alone = [beam_search(number_v, x[x != PAD][None], k=4, longest=30) for x in some_x]
print("for instance:", *decode_ids(some_y[:1, 0], words_y)[0])

# %% tags=["nbval-check-output"]
by_one, by_greedy = beam_search(number_v, some_x, k=1, longest=30)[0][:, 0], greedy(number_v, some_x, longest=30)
print("k = 1 is greedy:    ", decode_ids(by_one, words_y) == decode_ids(by_greedy, words_y))
likeliest = some_y[:, 0]
by_row = [decode_ids(y[:, 0], words_y)[0] for y, _ in some_alone]
print("a batch is its rows:", decode_ids(likeliest, words_y) == by_row)
with torch.no_grad():
    log_p = torch.log_softmax(number_v(some_x, likeliest), dim=2).gather(2, likeliest[:, :, None])[:, :, 0]
log_p = log_p * (shift_right(likeliest) != EOS)  # nothing after EOS counts
print("as teacher-forced:  ", torch.allclose(log_p.sum(dim=1), some_total[:, 0], atol=1e-3))

# %% [markdown] slideshow={"slide_type": "notes"}
# The last check feeds the answer in at once, through forward, and adds up the log-probabilities up to EOS.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Wide enough, it is exact
#
# Twenty untrained models of five words; at most four tokens, so 341 rows in all, and a beam of 341 drops nothing. Does it find what trying every row finds, in the same order?

# %% tags=["nbval-check-output"]
all_rows = all_sequences(V=5, longest=4)
tiny_x, tiny, exact = torch.tensor([[3, 4, EOS]]), [], []
for seed in range(20):
    torch.manual_seed(seed)
    tiny.append(OneVector(V_x=5, V_y=5, E=3, H=4).double())
    for part in tiny[-1].parameters():
        part.data *= 5  # larger weights, overconfident models
    log_p = log_p_of(tiny[-1], tiny_x.expand(len(all_rows), 3), all_rows).sort(descending=True)
    kept, total = beam_search(tiny[-1], tiny_x, k=len(all_rows), longest=4)
    exact.append(torch.equal(kept[0], all_rows[log_p.indices]) and torch.allclose(total[0], log_p.values))
print(len(all_rows), "rows of each model in the order of brute force:", all(exact))
print("the last model's probabilities sum to 1:", math.isclose(total.exp().sum().item(), 1, abs_tol=1e-9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Brute force knows nothing of beams: it lists the rows and adds up log-probabilities. Rows that end, and rows that are cut off after four tokens; together they have probability 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Narrow, it errs
#
# A **search error**: the answer is not the likeliest row. How many of the twenty tiny models get one?

# %%
best_of = [log_p_of(m, tiny_x.expand(len(all_rows), 3), all_rows).max() for m in tiny]
for k in (1, 2, 4, 8):
    missed = sum(bool(beam_search(m, tiny_x, k, 4)[1][0, 0] < best - 1e-9) for m, best in zip(tiny, best_of))
    print(f"k = {k}: {missed} of 20 miss the likeliest row")

# %% [markdown] slideshow={"slide_type": "notes"}
# Search errors become rare as the beam grows; with 341 places there are none.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### On numbers, too
#
# For how many of 200 held-out numbers is the answer of a beam of $k$ likelier than greedy's, or less likely?

# %%
number_found = {k: beam_search(number_v, test_x[:200], k, longest=30) for k in (1, 2, 4, 16)}
for k, (kept, total) in number_found.items():
    more, less = (int((sign * (total[:, 0] - number_found[1][1][:, 0]) > 1e-3).sum()) for sign in (1, -1))
    exact_share = exact_match(kept[:, 0], test_y[:200]).double().mean()
    print(f"k = {k:2}: likelier than greedy's {more:3}, less likely {less}, exact match {exact_share:.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A wider beam is no guarantee: a hypothesis that greedy would have followed may be pushed out by two that look better and end worse. The last column but one counts such cases.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Likelier is not better
#
# A hand-made model that knows nothing: at each step it takes one of five words, 0.19 each, or ends, 0.05: after 0.95 / 0.05 = 19 words on average. **Predict:** which sentence is the likeliest?

# %%
class Clueless:
    """The same probabilities at each step: END 0.05, and five words of 0.19."""

    def start(self, x):
        return (torch.zeros(len(x)),)

    def step(self, w, state):
        return torch.log(torch.tensor([0, 0, 0.05] + 5 * [0.19])).expand(len(w), 8), state

# %% [markdown] slideshow={"slide_type": "notes"}
# Draw a few sentences from it in your head: long ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The likeliest sentence of a model that knows nothing

# %% tags=["nbval-check-output"]
for k in (1, 5, 6, 50):
    kept, total = beam_search(Clueless(), no_source, k, longest=20)
    ending = "END" if kept[0, 0, -1] == EOS else "cut off"
    print(f"k = {k:2}: {int((kept[0, 0] != EOS).sum()):2} words, {ending:7}  log p {total[0, 0]:.1f}")

# %% [markdown]
# The *empty* sentence, with 0.05: any one sentence of $n$ words has $0.19^n \cdot 0.05$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Narrow beams miss it, since five words come before END in the first step. The more sentences share the probability, the less each one gets, and there are more long ones than short ones. Nineteen in twenty drawn sentences are not empty, and the empty one is the argmax. Stahlberg and Byrne 2019 found the same in a real translator: for more than half of the sentences of a test set the empty translation was the likeliest. Beam search had hidden it by its errors.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where does a trained model not know?
#
# German numbers have a strict grammar: however unsure the model, it knows about how long they are. *Names* are different. How Babel's countries, languages and currencies are called in German, letter by letter, a hundred held out:

# %% slideshow={"slide_type": "skip"}
def named_in(tag, longest=16):
    """Names of territories, languages and currencies in a language, in lower case: {(table, code): name}."""
    tables = {table: getattr(Locale(tag), table) for table in ("territories", "languages", "currencies")}
    names = {(table, code): name.lower() for table, by_code in tables.items() for code, name in by_code.items()}
    return {key: name for key, name in names.items() if len(name) <= longest and not key[1].isdigit()}


named_in("en")["territories", "DE"], named_in("de")["territories", "DE"]

# %% slideshow={"slide_type": "skip"}
named_en, named_de = named_in("en"), named_in("de")
name_pairs = sorted({(named_en[key], named_de[key]) for key in named_en.keys() & named_de.keys()})
random.Random(0).shuffle(name_pairs)
print(f"{len(name_pairs)} pairs:", ", ".join(f"{source} → {target}" for source, target in name_pairs[:3]))

# %% [markdown] slideshow={"slide_type": "skip"}
# As rows of letters, like sentences of words:

# %% slideshow={"slide_type": "skip"}
letter_x, letter_y = (build_vocab(side) for side in zip(*name_pairs))
letters_y = ["", "", "", *letter_y]
name_x, name_y = (pad_batch(side, number) for side, number in zip(zip(*name_pairs), (letter_x, letter_y)))
name_test_x, name_test_y = name_x[-100:], name_y[-100:]

# %%
name_models = []
for seed in (0, 1):
    torch.manual_seed(seed)
    name_models.append(OneVector(len(letter_x) + 3, len(letters_y), E=32, H=64))
    train_translator(name_models[-1], name_x[:-100], name_y[:-100], seed, steps=200, B=32)

# %% [markdown]
# The `OneVector` of `07_seq2seq`, two seeds, trained too little on purpose. Greedy's answers, and those of a beam of 32:

# %% tags=["output-only"]
guesses = [
    ["".join(row) for row in decode_ids(beam_search(name_models[0], name_test_x, k, 20)[0][:, 0], letters_y)]
    for k in (1, 32)
]
for pair, one, widest in list(zip(name_pairs[-100:], *guesses))[:6]:
    print(f"{' → '.join(pair):36} k = 1: {one:20} k = 32: {widest}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Nobody can say from its English name alone what a language or a currency is called in German, so an honest model must be unsure. The endings are German, the rest is guessed; compare the lengths.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Length normalisation
#
# Each further word lowers $\log p$. So compare the mean of the steps, or something between sum and mean:
#
# $$\text{score}(y) = \frac{\log p(y \mid x)}{|y|^{\alpha}} \qquad \alpha = 0: \text{ sum} \qquad \alpha = 1: \text{ mean}$$
#
# $|y|$ counts EOS. Wu and others (2016) divide by $\big( (5 + |y|) / 6 \big)^{\alpha}$ instead. In `beam_step` each *running* hypothesis is compared at its own length with the new word, each *ended* one at the length at which it ended. A beam without pruning is exact again:

# %% tags=["nbval-check-output"]
length = ((all_rows != EOS).sum(dim=1) + 1).clamp(max=4)
found = []
for m, alpha in product(tiny, (0.5, 1.0)):
    score = log_p_of(m, tiny_x.expand(len(all_rows), 3), all_rows) / length**alpha
    kept, _ = beam_search(m, tiny_x, k=len(all_rows), longest=4, alpha=alpha)
    found.append(torch.equal(kept[0, 0], all_rows[score.argmax()]))
print("the row of the highest score, for α = 0.5 and 1:", all(found))

# %% [markdown] slideshow={"slide_type": "notes"}
# A row that was cut off after four words has four tokens and no EOS. With normalisation the score of a running hypothesis can rise: a sure word lifts the mean. That matters for stopping, three slides on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The length bias, measured
#
# The name models with wider and wider beams: means over the held-out names.

# %% slideshow={"slide_type": "skip"}
WIDTHS, LONGEST = (1, 2, 4, 8, 16, 32), 20


def widen(model, x, y, alpha):
    """Mean log p and mean length of the answers and the share of exact ones, for each width: (widths, 3)."""
    rows = []
    for k in WIDTHS:
        best, total = (part[:, 0] for part in beam_search(model, x, k, LONGEST, alpha))
        length = (best != EOS).sum(dim=1).double().mean()
        rows.append([total.mean().item(), length.item(), exact_match(best, y).double().mean().item()])
    return np.array(rows)

# %% slideshow={"slide_type": "skip"}
by_width = {alpha: [widen(m, name_test_x, name_test_y, alpha) for m in name_models] for alpha in (0, 0.5, 1)}
of_numbers = widen(number_v, test_x[:60], test_y[:60], alpha=0)
true_length, true_number = ((y > EOS).sum(dim=1).double().mean().item() for y in (name_test_y, test_y[:60]))

# %% [markdown] slideshow={"slide_type": "skip"}
# Length and exact match without normalisation, in figures:

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
for k, *measured in zip(WIDTHS, of_numbers, *by_width[0]):
    number, one, two = (f"{length:4.1f} ({exact:3.0%} exact)" for _, length, exact in measured)
    print(f"k = {k:2}: numbers {number}, names {one} and {two}")
print(f"true:   numbers {true_number:.1f}, names {true_length:.1f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
narrow, *_, widest = zip(*by_width[0])
shorter = [w[0] > n[0] and w[1] < n[1] - 1 for n, w in zip(narrow, widest)]
print("α = 0, k = 32: likelier and more than a letter shorter than greedy's:", all(shorter))
print("α = 1, k = 32: longer than greedy's:", all(of[-1, 1] > of[0, 1] for of in by_width[1]))

# %% [markdown] slideshow={"slide_type": "skip"}
# The plot:

# %% slideshow={"slide_type": "skip"}
def plot_widths(by_width, true_length):
    """Draw mean log p and mean length against the width of the beam, a line for each seed; return the figure."""
    fig, axes = plt.subplots(1, 2, figsize=(8.2, 3.2), layout="constrained")
    looks = {0: ("output", "-", "o"), 0.5: ("gate", "--", "s"), 1: ("state", ":", "^")}
    for (alpha, runs), column in product(by_width.items(), (0, 1)):
        color, line, marker = looks[alpha]
        for i, run in enumerate(runs):
            label = f"$\\alpha = {alpha}$" if i == 0 else None
            axes[column].plot(WIDTHS, run[:, column], line, marker=marker, color=COLOR[color], label=label)
    axes[1].axhline(true_length, color=COLOR["floor"], linewidth=1)
    axes[1].text(WIDTHS[-1], true_length + 0.1, "true names", ha="right")
    axes[0].set(ylabel="mean log p (nats)")
    axes[1].set(ylabel="mean length (letters)")
    for ax in axes:
        ax.set_xscale("log", base=2)
        ax.set(xlabel="width of the beam, $k$", xticks=WIDTHS, xticklabels=WIDTHS)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig

# %% tags=["output-only"]
show(
    plot_widths(by_width, true_length),
    "Names, two seeds: without normalisation wider beams find likelier and shorter answers; with α = 1 longer ones.",
)

# %% [markdown]
# Neither end is right: $\alpha$ and $k$ are tuned on held-out sentences. This is a bias of *length*; that shorter answers are worse is not shown here.

# %% [markdown] slideshow={"slide_type": "notes"}
# The better the search, the shorter the answer. Numbers keep their length (the notebook has the figures); exact match is near zero for all names, whatever the width. Koehn and Knowles 2017 found more in large translators, quality that falls with wide beams, and call it the beam problem. Two lines of each kind are two seeds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Whose fault is it?
#
# Compare the answer with the true name *under the model*. If the model finds its own answer likelier than the truth, a perfect search will not help: a **model error**. If the truth is likelier, the search has missed it: a **search error** that cost the right answer, the kind counted here.

# %%
true_log_p = log_p_of(name_models[0], name_test_x, torch.where(name_test_y == PAD, EOS, name_test_y))
for k in (1, 32):
    kept, total = beam_search(name_models[0], name_test_x, k, longest=20)
    correct = exact_match(kept[:, 0], name_test_y)
    search = ~correct & (true_log_p > total[:, 0])
    print(f"k = {k:2}: right {correct.sum()}, search errors {search.sum()}, model errors {(~correct & ~search).sum()}")
print(f"mean log p: true names {true_log_p.mean():.1f}, answers {total[:, 0].mean():.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Of search errors only those are counted here that lost the truth; a still likelier wrong row may have been missed as well. Training longer, on more data, with attention is what helps against model errors.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### When may the search stop?
#
# Once *all* $k$ have ended, nothing changes. The *best* one is settled sooner: when it has ended, and no running hypothesis can still pass it. Since $\log p$ only falls and $|y|$ grows to `longest` at most, the score of a running one can rise to
#
# $$\frac{\log p(y_1 \ldots y_t \mid x)}{\text{longest}^{\alpha}} \quad \text{and no further.}$$

# %%
def settled(y, total, longest, alpha):
    """Whether the best of the hypotheses y (B, k, t) can change no more: bools (B,)."""
    ended = y[:, :, -1] == EOS
    score = total[:, 0] / ((y[:, 0] != EOS).sum(dim=1) + 1) ** alpha
    hope = torch.where(ended, -math.inf, total / longest**alpha).amax(dim=1)
    return ended[:, 0] & (score >= hope)

# %% tags=["output-only"]
for alpha, rule in product((0, 1), ("settled", "best ended")):
    run = [(y, total) for y, total, _ in beams(name_models[0], name_test_x, 8, 20, alpha)]
    stop = [settled(y, total, 20, alpha) if rule == "settled" else y[:, 0, -1] == EOS for y, total in run]
    stop = torch.stack([*stop[:-1], torch.ones(100, dtype=torch.bool)]).int().argmax(dim=0)
    early = [decode_ids(run[t][0][b : b + 1, 0], letters_y)[0] for b, t in enumerate(stop)]
    changed = sum(one != other for one, other in zip(early, decode_ids(run[-1][0][:, 0], letters_y)))
    steps = stop.double().mean() + 1
    print(f"α = {alpha}, stop when {rule:10}: {steps:4.1f} of {len(run)} steps, {changed:2} of 100 answers change")

# %% [markdown] slideshow={"slide_type": "notes"}
# For α = 0 both rules are one: the best comes first, so it has the highest log p, and the others only fall. With α above 0 a running hypothesis may climb, and who stops at the first ended winner gives away some of what normalisation was to bring.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The beam grows
#
# A column for each step; in a box the letter and the $\log p$ so far; grey: no living continuation. Do all living ones share their first letter?

# %% slideshow={"slide_type": "skip"}
def living(came_from, k):
    """For each step the rows that the hypotheses of the last step come from, as sets; came_from: rows (k,) by step."""
    alive = [set(range(k))]
    for rows in reversed(came_from[1:]):
        alive.append({rows[i] for i in alive[-1]})
    return alive[::-1]


living([[0, 0], [0, 1], [1, 1]], k=2)

# %% slideshow={"slide_type": "skip"}
def plot_beam(name, k, step):
    """Draw the first steps of a beam search for the German name; return the figure."""
    x = pad_batch([name], letter_x)
    run = [(y[0], total[0].tolist(), row[0].tolist()) for y, total, row in beams(name_models[0], x, k, 20)][:step]
    alive = living([row for *_, row in run], k)
    fig, ax = plt.subplots(figsize=(8.6, 3.0), layout="constrained")
    for t, (y, total, row) in enumerate(run):
        for i in (i for i in range(k) if total[i] > -math.inf):
            color = COLOR["output" if i in alive[t] else "baseline"]
            ax.plot([t - 0.76, t - 0.24], [-row[i] if t else 0, -i], color=color, linewidth=1)
            letter = {EOS: "END", letter_y.get(" "): "␣"}.get(int(y[i, -1]), letters_y[y[i, -1]])
            ax.text(t, -i, f"{letter}\n{total[i]:.1f}", ha="center", va="center", fontsize=9,
                    bbox={"boxstyle": "round,pad=0.25", "fc": "white", "ec": color})  # fmt: skip
    y, total, _ = run[-1]
    for i in (i for i in range(k) if total[i] > -math.inf):
        ax.text(len(run) - 0.3, -i, "".join(decode_ids(y[i : i + 1], letters_y)[0]), va="center")
    ax.set(xlim=(-0.8, max(len(run), 8) + 4), ylim=(-max(k, 4) + 0.4, 0.6))
    ax.axis("off")
    return fig

# %% [markdown] slideshow={"slide_type": "skip"}
# A widget's text may hold anything; the model knows only the letters of the names.

# %% slideshow={"slide_type": "skip"}
def show_beam(name, k, step):
    """Show the beam for a name, or say why there is none."""
    known = " ".join("".join(letter for letter in name.lower() if letter in letter_x).split())[:16].strip()
    if not known:
        print("Type a name, with letters such as those from a to z; others are left out, and all after the sixteenth.")
        return
    show(plot_beam(known, k, step), f"“{known}” in German: a beam of {k}, up to {step} steps or until all have ended, α = 0.")

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
show_beam("kannada", k=4, step=9)

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    name=Text("kannada", description="name", continuous_update=False),
    k=IntSlider(4, min=1, max=6, description="k"),
    step=IntSlider(9, min=1, max=14, description="steps", continuous_update=False),
)
def grow_beam(name, k, step):
    """Draw the beam for a name of the student's."""
    show_beam(normalize("NFC", name), k, step)

# %% [markdown] slideshow={"slide_type": "notes"}
# Not always: two families may live side by side to the end. Move the steps one by one: in the first all k are children of the empty beginning; soon whole families die out, and what is left may share its first letters. Then k from 1 to 6, and names of your own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What a batch is worth
#
# All hypotheses of all sources go through the network as one batch. Fifty names, $k = 8$:

# %% tags=["volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ between machines"
def search_seconds(batches):
    """Seconds for beam searches over batches of names."""
    begin = time.perf_counter()
    for x in batches:
        beam_search(name_models[0], x, k=8, longest=20)
    return time.perf_counter() - begin


fifty = name_test_x[:50]
print(f"together {search_seconds([fifty]):.2f} s, one at a time {search_seconds(fifty.split(1)):.2f} s")

# %% [markdown]
# The price of $k$ is $k$ times greedy's arithmetic, but hardly more calls. What search cannot repair is the model; how to *measure* what it writes is the next question.

# %% [markdown] slideshow={"slide_type": "notes"}
# One matrix product with 400 rows instead of fifty with eight. Ended hypotheses are still computed along; a faster search would drop finished sources from the batch.



# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · How good is a translation?
#
# | measure | what it compares | unit | needs |
# |---|---|---|---|
# | exact match | the whole output with the reference: all or nothing | share of sentences | one right answer |
# | perplexity | the probability of the reference, word by word, the true words before it given | choices per token | a model's probabilities |
# | BLEU | runs of one to four words of the output with those of the reference | 0 to 100 | outputs and references |
#
# None of them reads for meaning. A *reference* is a translation that somebody made; there may be several.

# %% [markdown] slideshow={"slide_type": "notes"}
# Exact match suits number words and dates: there is one right answer. For sentences there are many, and a translator is not wrong because it chose another. Perplexity needs the model itself; BLEU can compare systems of which only the outputs are known, people included.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exact match and perplexity
#
# One wrong word makes the whole sentence wrong. Perplexity is that of all notebooks before: $e^J$, mean over tokens, EOS counted, BOS and PAD not; each word is predicted after the *true* words before it.

# %% slideshow={"slide_type": "skip"}
outputs = {name: greedy(model, test_x, test_y.shape[1]) for name, model in translators.items()}
exact_of = {name: exact_match(rows, test_y).float().mean().item() for name, rows in outputs.items()}

# %%
uniform_V, perplexities = len(number_y) + 1, {}  # the words and EOS
print("             words right   sentences right   perplexity   (words: after true ones)")
for name, model in translators.items():
    with torch.no_grad():
        scores_of_truth = model(test_x, test_y)
    perplexities[name] = sequence_loss(scores_of_truth, test_y).exp().item()
    words_right = (scores_of_truth.argmax(dim=2) == test_y)[test_y != PAD].float().mean()
    print(f"{name:12} {words_right:11.1%}   {exact_of[name]:15.1%}   {perplexities[name]:10.3f}")
print(f"{'uniform':12} {1 / uniform_V:11.1%}   {'0':>15}   {uniform_V:10}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Words right is counted after true words, sentences right after the model's own. For the vector v a few wrong words in a hundred spoil many sentences: with T words, each right with probability p and independently, p to the power T would survive.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The two need not agree
#
# Exact match asks only which word is likeliest, perplexity how likely the true one is. Divide all scores of the model with dot attention by 20: the order of the words stays, the probabilities become flat. `Flattened` is such a translator, with the same `start`, `step` and call as the others.

# %% slideshow={"slide_type": "skip"}
class Flattened(nn.Module):
    """A translator whose scores are divided by a temperature."""

    def __init__(self, model, temperature):
        super().__init__()
        self.model, self.temperature, self.start = model, temperature, model.start

    def step(self, w, state):
        log_p, state = self.model.step(w, state)
        return torch.log_softmax(log_p / self.temperature, dim=1), state

    def forward(self, x, y):
        return self.model(x, y) / self.temperature

# %% tags=["nbval-check-output"]
flat = Flattened(translators["dot"], temperature=20)
flat_exact = exact_match(greedy(flat, test_x, test_y.shape[1]), test_y).float().mean().item()
with torch.no_grad():
    flat_perplexity = sequence_loss(flat(test_x, test_y), test_y).exp().item()
print("as many sentences right as before:            ", flat_exact == exact_of["dot"])
print("a worse perplexity than either of the two has:", flat_perplexity > max(perplexities.values()))
print(f"perplexity {flat_perplexity:.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# An artificial case, but an exact one: the flattened model writes exactly what it wrote before, and by perplexity it is now the worst of the three. Perplexity punishes a model that is unsure, or sure of the wrong thing; exact match does not ask how sure it was. Report both where you can.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · What do two sentences share?
#
# An *n-gram* is a run of n words. Return two counts: how many n-grams the `hypothesis` has, repeated ones counted each time, and before it how many of them find a partner in the `reference`. A partner can be used once. Both are lists of words; `n` is at least 1.
#
# **Predict:** hypothesis *the the the the*, reference *the cat is on the chair*: how many single words find a partner?
#
# <details><summary>Answer</summary>Two of four: the reference has only two <i>the</i>. Without that rule a hypothesis of nothing but <i>the</i> would be perfect.</details>

# %% tags=["exercise-2-stub"]
def shared_ngrams(hypothesis, reference, n):
    """(n-grams of the hypothesis with a partner in the reference, n-grams of the hypothesis)."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_shared_ngrams(attempt):
    """Try an attempt on repeated words, unequal lengths, and sentences shorter than n."""

    def grams(tokens, n, start=0, end=0, step=1):
        return [tuple(tokens[i : i + n]) for i in range(start, len(tokens) - n + 1 - end, step)]

    def count(ours, theirs):
        return (Counter(ours) & Counter(theirs)).total(), len(ours)

    def by(ngrams):
        return lambda a, b, n: count(ngrams(a, n), ngrams(b, n))

    def unclipped(a, b, n):
        return sum(gram in grams(b, n) for gram in grams(a, n)), len(grams(a, n))

    def recall(a, b, n):
        return count(grams(b, n), grams(a, n))

    def up_to_n(a, n):
        return [gram for k in range(1, n + 1) for gram in grams(a, k)]

    texts = ["a a a a b", "a b c a", "b a b a c a", "c a b", "a b", "c b a c b a b", "d c a b a d"]
    texts += ["an a an", "an", "a an the", "the a", "a", "", "a a a a", "a a a", "then a", "the na"]
    pairs = [(0, 1), (1, 0), (2, 5), (5, 2), (3, 6), (6, 3), (4, 0), (4, 4), (6, 5), (2, 1)]
    pairs += [(7, 8), (9, 10), (11, 1), (12, 11), (13, 14), (10, 15), (15, 16)]
    lists = [(texts[i].split(), texts[j].split()) for i, j in pairs]
    return check(
        attempt,
        cases=[((a, b, n), by(grams)(a, b, n)) for a, b in lists for n in (1, 2, 3)],
        misconceptions={
            "a partner is used again and again: a word can match only as often as the reference has it": unclipped,
            "the second count is that of the reference: this is recall, asked is precision": recall,
            "the second count is that of the longer sentence": (
                lambda a, b, n: (recall(a, b, n)[0], max(len(grams(a, n)), len(grams(b, n))))
            ),
            "different n-grams are counted; repeated ones count each time": by(lambda a, n: set(grams(a, n))),
            "the matches are different n-grams; a repeated one may have several partners": (
                lambda a, b, n: (len({*grams(a, n)} & {*grams(b, n)}), len(grams(a, n)))
            ),
            "the larger of the two counts is taken; a partner is needed on both sides, so the smaller one": (
                lambda a, b, n: ((Counter(grams(a, n)) | Counter(grams(b, n))).total(), len(grams(a, n)))
            ),
            "the end is passed: the last runs are shorter than n words": by(lambda a, n: [tuple(a[i : i + n]) for i in range(len(a))]),
            "the last n-gram is missing: there are len - n + 1": by(lambda a, n: grams(a, n, end=1)),
            "the first n-gram is missing: count from 0": by(lambda a, n: grams(a, n, start=1)),
            "the n-grams must overlap: the next one starts one word later, not n": by(lambda a, n: grams(a, n, step=n)),
            "all runs of up to n words are counted; only those of exactly n are asked for": by(up_to_n),
            "single words are counted, whatever n is": lambda a, b, n: by(grams)(a, b, 1),
            "the order within an n-gram matters": by(lambda a, n: [tuple(sorted(gram)) for gram in grams(a, n)]),
            "n-grams match wherever they stand, not only at the same place": (
                lambda a, b, n: (sum(g == h for g, h in zip(grams(a, n), grams(b, n))), len(grams(a, n)))
            ),
            "a sentence of fewer than n words has no n-gram: 0, not less": lambda a, b, n: (by(grams)(a, b, n)[0], len(a) - n + 1),
            "the hypothesis keeps its n-grams, however short the reference is": (
                lambda a, b, n: (0, 0) if len(b) < n else by(grams)(a, b, n)
            ),
            "asked are two counts, not their quotient": lambda a, b, n: by(grams)(a, b, n)[0] / max(len(grams(a, n)), 1),
            "the two counts are exchanged": lambda a, b, n: by(grams)(a, b, n)[::-1],
            "joined without a space, 'the na' and 'then a' are one: keep the words apart, as tuples": (
                by(lambda a, n: ["".join(gram) for gram in grams(a, n)])
            ),
            "a repeated n-gram is counted again at each place, with all its partners: count each different one once": (
                lambda a, b, n: (sum(min(grams(a, n).count(g), grams(b, n).count(g)) for g in grams(a, n)), len(grams(a, n)))
            ),
        },
    )


check_shared_ngrams(shared_ngrams)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def shared_ngrams_solution(hypothesis, reference, n):
    """(n-grams of the hypothesis with a partner in the reference, n-grams of the hypothesis)."""
    ours, theirs = (
        Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)) for tokens in (hypothesis, reference)
    )
    return (ours & theirs).total(), ours.total()


check_shared_ngrams(shared_ngrams_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Five minutes. The & of two counters keeps the smaller of each two counts: that is the clipping. Sentences shorter than n have no n-gram at all: zero of zero, and no division here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### BLEU
#
# Sum both counts over *all* sentences $i$ of the test, for $n = 1 \ldots 4$; $c$ is the length of all outputs, $r$ that of all references:
#
# $$p_n = \frac{\sum_i \text{matches}_n(i)}{\sum_i \text{total}_n(i)} \qquad \text{BP} = \min\left(1, e^{1 - r/c}\right)$$
#
# $$\text{BLEU} = 100 \cdot \text{BP} \cdot \sqrt[4]{p_1\, p_2\, p_3\, p_4}$$
#
# - Precision alone would reward short, safe outputs; the **brevity penalty** BP stands in for recall.
# - With several references an n-gram counts as often as in the reference that has most of it, and $r$ takes the reference closest in length, the shorter one of two.

# %% [markdown] slideshow={"slide_type": "notes"}
# Papineni, Roukos, Ward and Zhu, 2002. Recall is not defined with several references: nobody should say all of them at once. BP is one for outputs that are long enough in total; longer ones lose precision by themselves.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Matches in code
#
# The exercise with several references: `|` of two counters keeps the larger of two counts, `&` the smaller. The example is that of the prediction, now with a second reference that has three *the*:

# %%
def ngrams_of(tokens, n):
    """How often each n-gram occurs in a list of tokens."""
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def matches(hypothesis, references, n):
    """Clipped matches of a hypothesis with its references, and its number of n-grams."""
    found, allowed = ngrams_of(hypothesis, n), Counter()
    for reference in references:
        allowed |= ngrams_of(reference, n)  # the larger of two counts
    return (found & allowed).total(), found.total()


the_cat = ["the cat is on the chair".split(), "the cat on the chair by the door".split()]
matches(["the"] * 4, the_cat[:1], 1), matches(["the"] * 4, the_cat, 1)

# %% [markdown] slideshow={"slide_type": "notes"}
# found & allowed is the clipping. More references can only raise the matches: every count that is allowed grows or stays.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### BLEU in code
#
# Count over the whole corpus, divide once at the end. `m` and `total` hold the four numerators and denominators of $p_1 \ldots p_4$.

# %%
def bleu(hypotheses, references, smooth=False):
    """BLEU, 0 to 100, of lists of tokens, each against a list of references; smooth as sacrebleu by default."""
    counts, c, r = np.zeros((4, 2)), 0, 0
    for hypothesis, its in zip(hypotheses, references, strict=True):
        if not its or any(isinstance(tokens, str) for tokens in (hypothesis, *its)):
            raise ValueError("each hypothesis is a list of tokens and has a list of references, each a list of tokens")
        counts += [matches(hypothesis, its, n) for n in (1, 2, 3, 4)]
        c += len(hypothesis)
        r += min((abs(len(reference) - len(hypothesis)), len(reference)) for reference in its)[1]
    m, total = counts.T
    if m[0] == 0 or total[3] == 0 or (m[3] == 0 and not smooth):
        return 0.0
    p = np.where(m > 0, m, 0.5 ** np.cumsum(m == 0)) / total  # smoothed: ½, ¼, … of a match instead of none
    return float(100 * np.exp(min(0, 1 - r / c) + np.log(p).mean()))

# %% [markdown] slideshow={"slide_type": "notes"}
# Our default is the definition of 2002: no smoothing. smooth=True is what sacrebleu calls exp, its default: the first p_n without a match gets half a match, the next a quarter, and so on. Without a single word in common, or without any 4-gram in the whole output, both are zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### By hand: one wrong word, at each place
#
# Reference of 7 words. Last word wrong: $\frac67 \cdot \frac56 \cdot \frac45 \cdot \frac34 = \frac37$, and $\sqrt[4]{3/7} = 0.809$. Last word missing: all $p_n = 1$, $\text{BP} = e^{1 - 7/6} = 0.846$.

# %% tags=["nbval-check-output"]
by_hand = "neun und zwanzig tausend drei hundert vier".split()
for i in range(7):
    spoilt = [*by_hand[:i], "sieben", *by_hand[i + 1 :]]
    fractions = ["{}/{}".format(*matches(spoilt, [by_hand], n)) for n in (1, 2, 3, 4)]
    print(f"word {i + 1} wrong   {' '.join(fractions)}   BLEU {bleu([spoilt], [[by_hand]]):5.1f}")
print(f"word 7 missing                   BLEU {bleu([by_hand[:6]], [[by_hand]]):5.1f}")

# %% [markdown]
# The cost of a wrong word hangs on its *place*, not on its meaning: in the middle it breaks all four 4-grams, at either end one.

# %% [markdown] slideshow={"slide_type": "notes"}
# Word 1 changes the number by two thousand, word 7 by three: the same BLEU. One word in the middle costs everything, because the sentence is short and BLEU is meant for a corpus, where the counts are summed first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to `sacrebleu`
#
# The tool that papers report. It takes lines of text and cuts them itself; `tokenize="none"` cuts at spaces. Random corpora of few words, 1–3 references of 1 to 9 words, outputs of 0 to 9:

# %%
def sacrebleu_score(hypotheses, references, smooth):
    """BLEU of the same lists of tokens by sacrebleu, which wants lines, and the references as columns."""
    metric = BLEU(tokenize="none", smooth_method="exp" if smooth else "none", force=True)
    columns = [[" ".join(tokens) for tokens in column] for column in zip(*references)]
    return metric.corpus_score([" ".join(tokens) for tokens in hypotheses], columns).score

# %% tags=["nbval-check-output"]
dice, gaps = random.Random(0), []
for _ in range(300):
    N, R = dice.randint(1, 4), dice.randint(1, 3)
    invented = [dice.choices("abc", k=dice.randint(0, 9)) for _ in range(N)]
    its = [[dice.choices("abc", k=dice.randint(1, 9)) for _ in range(R)] for _ in range(N)]
    for smooth in (False, True):
        gaps.append(abs(bleu(invented, its, smooth) - sacrebleu_score(invented, its, smooth)))
print(f"{len(gaps)} scores, largest difference below 1e-9:", max(gaps) < 1e-9)

# %% [markdown] slideshow={"slide_type": "notes"}
# Three different words only, so that runs of four do match by chance. An implementation of one's own is for understanding; in a report use sacrebleu, so that others can compare.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### At the edges
#
# Where definitions differ: empty or short outputs, no match at some length, several references. Without smoothing, and with sacrebleu's default, which gives the first $p_n$ without a match half a match, the next a quarter:

# %% slideshow={"slide_type": "skip"}
EDGES = {
    "empty": ("", ["a b c d e"]),
    "identical": ("a b c d", ["a b c d"]),
    "identical, but three words": ("a b c", ["a b c"]),
    "no word right": ("x x x x", ["a b c d"]),
    "no 4-gram right": ("a b c x e f", ["a b c d e f"]),
    "longer than the reference": ("a b c d e f g", ["a b c d e"]),
    "two references, one each half": ("a b c d e f", ["a b c d x y", "x y c d e f"]),
    "references of 4 and 8 words": ("a b c d e f", ["a b c d", "a b c d e f g h"]),
}

# %% tags=["nbval-check-output"]
print("                                 BLEU  smoothed   as sacrebleu")
for name, (line, answers) in EDGES.items():
    case = [line.split()], [[answer.split() for answer in answers]]
    ours = [bleu(*case, smooth) for smooth in (False, True)]
    theirs = [sacrebleu_score(*case, smooth) for smooth in (False, True)]
    print(f"{name:30} {ours[0]:6.1f} {ours[1]:9.1f}   {np.allclose(ours, theirs, rtol=0, atol=1e-9)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Three words have no 4-gram: zero even if identical, by sacrebleu too, unless one asks for effective_order, which takes only the orders that exist. The sixth row: precision falls, no penalty. The last: both references are two words off; the shorter one counts, so there is no penalty.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A corpus is not the mean of its sentences
#
# Matches and lengths are summed first, then divided. A mean of BLEUs by sentence is something else; so is the smoothed mean.

# %%
truths = [[words] for words in decode_ids(test_y, words_y)]
print("            BLEU of the corpus   mean by sentence   mean, smoothed   sentences right")
for name in translators:
    told = decode_ids(outputs[name], words_y)
    by_sentence = [[bleu([one], [its], smooth) for one, its in zip(told, truths)] for smooth in (False, True)]
    means = "   ".join(f"{np.mean(scores):{width}.1f}" for scores, width in zip(by_sentence, (16, 14)))
    print(f"{name:12} {bleu(told, truths):17.1f}   {means}   {100 * exact_of[name]:15.1f}")

# %% [markdown] slideshow={"slide_type": "skip"}
# Two sentences suffice: one of three words and one of nine, both perfect.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
two_lines = [list("abc"), list("abcdefghi")]
mean_of_two = np.mean([bleu([one], [[one]]) for one in two_lines])
print(f"corpus {bleu(two_lines, [[one] for one in two_lines]):.0f}, mean {mean_of_two:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Even perfect outputs have a mean below 100 if some sentences are shorter than four words, as the numbers up to twenty are. BLEU is kinder to v than exact match: it pays for the parts that are right. Say which one you report; nearly always it is the BLEU of the corpus.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What BLEU does not see
#
# The reference says: *the new network can, today, not read the long sentence*.

# %% tags=["nbval-check-output"]
meant = "das neue Netz kann den langen Satz heute nicht lesen".split()
turned = "heute kann das neue Netz den langen Satz nicht lesen".split()
OFFERS = {
    "the same, other order": turned,
    "'not' dropped": [word for word in meant if word != "nicht"],
    "the opposite": "das neue Netz kann den langen Satz heute gut lesen".split(),
    "the same, other words": "das neuartige Netzwerk vermag lange Sätze derzeit nicht zu lesen".split(),
}
print("                        one reference   two")
for name, offer in OFFERS.items():
    print(f"{name:24} {bleu([offer], [[meant]]):12.1f} {bleu([offer], [[meant, turned]]):5.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# German may put today first: nothing changes in meaning; the 0 means that no run of four words is left, and there is no smoothing. BLEU prefers both sentences that say the opposite. A second reference repairs the case that it foresees, and no other. Papineni and others meant BLEU as a number about a system over many sentences, not about one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Cut differently, score differently
#
# One comma is missing. The *signature* tells how a score was made; without it two BLEUs cannot be compared. `13a` is the default and splits punctuation from words:

# %%
line, answer = "Der Stuhl ist alt aber er ist schön.", "Der Stuhl ist alt, aber er ist schön."
for cut in ("none", "13a", "char"):
    metric = BLEU(tokenize=cut)
    score = metric.corpus_score([line], [[answer]]).score
    print(f"{score:5.1f}   {metric.get_signature()}")

# %% [markdown] slideshow={"slide_type": "notes"}
# nrefs: number of references; eff: effective order; tok: how words are cut; smooth: what replaces a zero. Post (2018) found differences of up to 1.8 points between settings in common use, for one and the same output, and wrote sacrebleu for that reason.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Cut into words, or into parts of words?
#
# Our numbers are cut into morphemes. German writes those below a million as one word; joined, no 4-gram is left:

# %% tags=["nbval-check-output"]
in_one = [[["".join(words)]] for [words] in truths]
print("the truth against itself, in morphemes:", bleu([its[0] for its in truths], truths))
print("the truth against itself, in one word: ", bleu([its[0] for its in in_one], in_one))

# %% [markdown] slideshow={"slide_type": "notes"}
# Zero for a perfect answer: what counts as a word has to be said, and to be the same for all systems that are compared.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Reading its own words
#
# Teacher forcing feeds *true* words; in use the decoder reads its *own*: **exposure bias**. Give it a mixture: each word true with probability $\varepsilon$ (`share`), else drawn from the model.

# %%
@torch.no_grad()
def mixed_words(model, x, y, share):
    """Words (B, T) for the decoder to read: those of y (B, T) with probability share, else drawn by the model."""
    state, w, read = model.start(x), torch.full((len(x),), BOS), []
    for y_t in y.unbind(dim=1):
        log_p, state = model.step(w, state)
        own = log_p.exp().multinomial(1).squeeze(1)
        w = torch.where(torch.rand(len(y)) < share, y_t, own)
        read.append(w)
    return torch.stack(read, dim=1)

# %%
@torch.no_grad()
def losses_after(model, x, y, read):
    """−log p of each word of y (B, T) in nats, after reading the words before it in read (B, T); 0 at PAD."""
    return cross_entropy(model(x, read).transpose(1, 2), y, reduction="none", ignore_index=PAD)

# %% [markdown] slideshow={"slide_type": "notes"}
# The name is due to Ranzato and others 2016. model(x, read) shifts its second argument, as in training: at step t it has read the words before t. With the true words as read this is the loss of teacher forcing; with words of the model it asks: how likely is the true next word after what you have said yourself?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The loss by position, after true and after own words
#
# Own words are either the likeliest of each step, as in greedy search, or drawn at random from the model.

# %% slideshow={"slide_type": "skip"}
def loss_by_position(model):
    """Mean loss at each step t after true words, own likeliest words, and own drawn words: arrays by name."""
    T = test_y.shape[1]
    reads = {"true": test_y, "likeliest": greedy(model, test_x, T), "drawn": mixed_words(model, test_x, test_y, 0)}
    count = (test_y != PAD).sum(dim=0)
    sums = {name: losses_after(model, test_x, test_y, read).sum(dim=0) for name, read in reads.items()}
    return {name: (total / count)[count >= 100].numpy() for name, total in sums.items()}


torch.manual_seed(0)
positions = {name: loss_by_position(translators[name]) for name in ("v", "dot")}

# %% slideshow={"slide_type": "skip"}
def plot_positions():
    """Draw the loss by position of two translators, for three kinds of words read."""
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.1), sharey=True)
    looks = [("true", "-", "o"), ("likeliest", "--", "s"), ("drawn", ":", "^")]
    for ax, (name, title) in zip(axes, [("v", "one vector v"), ("dot", "dot attention")]):
        for kind, style, mark in looks:
            values = positions[name][kind]
            color = COLOR["floor"] if kind == "true" else COLOR["output"]
            ax.plot(range(1, len(values) + 1), values, style, marker=mark, ms=4, color=color, label=kind)
        ax.set(xlabel="position $t$", title=title, xticks=range(1, len(values) + 1, 2))
    axes[0].set(ylabel="loss at $t$ (nats)")
    axes[1].legend(title="words read")
    return fig

# %% [markdown] slideshow={"slide_type": "skip"}
# Positions that fewer than 100 test sentences reach are left out.

# %% tags=["output-only"]
show(plot_positions(), "After its own words the vector model loses much more; with attention, a little.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
rises = {kind: np.mean(losses - positions["v"]["true"]) for kind, losses in positions["v"].items()}
print("v: loss after own words above that after true words:", 0 < rises["likeliest"] < rises["drawn"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Positions alternate: after a digit the next word, hundert or und, is easy; the next digit is hard. Read the rise with care. After a mistake the reference may no longer fit: a model that left out a part, or stopped, is compared with words at the wrong places. So this curve mixes two things: errors that move everything after them, and a model that is at a loss after words that it has never read. The next experiment separates them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One wrong word, and the answer stays
#
# Replace *one* digit word among those that the decoder reads, *zwei* … *neun* by another: the true words after it remain the right ones. Whatever changes now is the model's fault.

# %%
def one_digit_changed(y, digits, seed=0):
    """Rows y (B, T) with one word of digits replaced by another of them, and its place (B,); −1 if there is none."""
    dice, changed, place = random.Random(seed), y.clone(), []
    for row in changed:
        places = [t for t, word in enumerate(row.tolist()) if word in digits]
        place.append(dice.choice(places) if places else -1)
        if places:
            row[place[-1]] = dice.choice([word for word in digits if word != row[place[-1]]])
    return changed, torch.tensor(place)

# %% [markdown] slideshow={"slide_type": "skip"}
# Counted is how often the likeliest word is the true one, one, two, three and four steps after the changed place; steps behind the end of a sentence do not count.

# %% slideshow={"slide_type": "skip"}
def right_after(model, read, place, steps):
    """Share of rows whose likeliest word k steps after the place is the true one, for each k, after reading read."""
    with torch.no_grad():
        right = model(test_x, read).argmax(dim=2) == test_y  # (B, T)
    k = torch.arange(test_y.shape[1]) - place[:, None]
    counts = (place[:, None] >= 0) & (test_y != PAD)
    return [100 * right[counts & (k == step)].float().mean().item() for step in steps]

# %% [markdown] slideshow={"slide_type": "notes"}
# Ein is left out because it becomes eins at the end. All other digits may stand wherever one of them stands, so the changed prefix is a possible number, only not this one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Who recovers?
#
# Share of right words one to four steps after the digit. The next but one is the next *digit*; what stands between is *hundert*, *und*, *tausend*.

# %% slideshow={"slide_type": "skip"}
DIGIT_WORDS = "zwei drei vier fünf sechs sieben acht neun".split()
changed_y, changed_at = one_digit_changed(test_y, [number_y[word] for word in DIGIT_WORDS])
recovery = {
    (name, kind): right_after(translators[name], read, changed_at, steps=(1, 2, 3, 4))
    for name in ("v", "dot")
    for kind, read in (("true", test_y), ("one wrong", changed_y))
}


def plot_recovery():
    """Draw how often the next words are right after true words and after one wrong word."""
    fig, ax = plt.subplots(figsize=(8.6, 3.3))
    for (name, kind), values in recovery.items():
        color, style = COLOR["lstm" if name == "v" else "output"], "o-" if kind == "true" else "X--"
        ax.plot((1, 2, 3, 4), values, style, color=color, label=f"{name}, {kind}")
    ax.set(xlabel="steps after the word in question", ylabel="right word, %", ylim=(0, 105), xticks=(1, 2, 3, 4))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% tags=["output-only"]
show(plot_recovery(), "One wrong word is read, and the vector model misses the next digits; attention does not.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
lost = {name: np.mean(recovery[name, "true"]) - np.mean(recovery[name, "one wrong"]) for name in ("v", "dot")}
print("one wrong word costs v more than dot:", lost["v"] > lost["dot"])
print("dot loses fewer than 5 in 100:       ", lost["dot"] < 5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Here the reference stays right, so nothing but the words read can be the cause. A reading, not a proof: the decoder with one vector tells by its last words what is still to come, and a wrong word misleads it; with attention the next word is read off the source, and the mistake stays alone. Both were trained in the same way: how much exposure bias there is depends on the model.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Scheduled sampling: own words in training, too
#
# Bengio and others (2015) train on the mixture. `mixed_words` draws what is read, then the step is the usual one; no gradient flows through the draw.

# %%
class ReadsOwnWords(nn.Module):
    """A translator that in training reads each true word with probability share, else a word of its own."""

    def __init__(self, model, share):
        super().__init__()
        self.model, self.share = model, share

    def forward(self, x, y):
        return self.model(x, mixed_words(self.model, x, y, self.share))

# %% [markdown] slideshow={"slide_type": "notes"}
# The draw is made anew in every step, with the model as it is then.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A small task
#
# Numbers below 1,000, 500 of them for training and 400 for the test, and the `OneVector` of `07_seq2seq`.

# %% tags=["nbval-check-output"]
below = random.Random(1).sample(range(1000), 900)
few_x, few_y = pad_batch(map(english, below), number_x), pad_batch(map(german, below), number_y)
novice = OneVector(len(number_x) + 3, len(number_y) + 3, E=16, H=48)
only_true = mixed_words(novice, few_x, few_y, share=1)
print("with share 1 the words read are the true ones:", torch.equal(only_true, few_y))

# %% [markdown] slideshow={"slide_type": "notes"}
# The paper lowers the share during training, hence scheduled; we keep it fixed in each run, so that its effect can be read off.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The share of true words, swept
#
# Each run: a new model, 100 steps, then three measures on the 400 test numbers.

# %% slideshow={"slide_type": "skip"}
def trained_with(share, seed):
    """Exact match, loss after true words and loss after own words on the 400 test numbers, after training."""
    torch.manual_seed(seed)
    model = OneVector(len(number_x) + 3, len(number_y) + 3, E=16, H=48)
    train_translator(ReadsOwnWords(model, share), few_x[:500], few_y[:500], seed, steps=100, B=64, lr=0.03)
    x, y = few_x[500:], few_y[500:]
    reads = y, mixed_words(model, x, y, 0)
    losses = [losses_after(model, x, y, read)[y != PAD].mean().item() for read in reads]
    return [100 * exact_match(greedy(model, x, y.shape[1]), y).float().mean().item(), *losses]


SHARES = (1.0, 0.5, 0.0)
swept = np.array([[trained_with(share, seed) for seed in range(3)] for share in SHARES])  # (3, 3, 3)

# %% [markdown]
# Three seeds for each share, mean ± standard deviation; the gap is the loss after own words minus that after true ones, seed by seed:

# %%
print("true words   exact match, %   loss after true words   after own words   gap")
for share, runs in zip(SHARES, swept):
    measured = np.column_stack([runs, runs[:, 2] - runs[:, 1]])  # (3, 4)
    mean, sd = measured.mean(axis=0), measured.std(axis=0, ddof=1)
    print(f"{share:10}   {mean[0]:8.0f} ± {sd[0]:2.0f}", *(f"{m:12.2f} ± {s:.2f}" for m, s in zip(mean[1:], sd[1:])))

# %% [markdown] slideshow={"slide_type": "notes"}
# Where does the gap close: from above or from below? Compare the first row with the last. The gap is taken within each seed, so most of the spread of the seeds drops out of it. Exact match is measured in use, after the model's own likeliest words.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does it pay?
#
# Left: what counts in use. Right: the gap that the method is meant to close.

# %% slideshow={"slide_type": "skip"}
def plot_shares():
    """Draw exact match and the gap between the losses against the share of true words, starts as points."""
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
    for ax, values in zip(axes, (swept[:, :, 0], swept[:, :, 2] - swept[:, :, 1])):
        ax.plot(SHARES, values, ".", color=COLOR["ink"], ms=5)
        ax.errorbar(SHARES, values.mean(axis=1), values.std(axis=1, ddof=1), fmt="-o", color=COLOR["output"], capsize=3)
        ax.set(xlabel="share of true words in training")
    axes[0].set(ylabel="exact match (%)", ylim=(0, 100))
    axes[1].set(ylabel="gap of the losses (nats)")
    return fig

# %% tags=["output-only"]
show(plot_shares(), "Own words in training close the gap; in exact match no share is ahead beyond the spread.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
gap = (swept[:, :, 2] - swept[:, :, 1]).mean(axis=1)
print("gap smaller without true words than with true words alone:", gap[-1] < gap[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Points are seeds, bars their standard deviation. The right panel is the effect that was promised: a model that has read its own words is no longer worse after them. The left panel says what that is worth in use, in a short training of a small model: read the bars before the means. Closing the gap is not the aim; it can be closed by losing more after true words, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What does that objective want?
#
# Huszár (2015): its optimum is not the true distribution. One source, two answers, equally often: *ja ja* and *nein nein*. After an own *ja*, the reference still says *nein* half of the time.

# %%
yes_x, yes_y = torch.tensor([[3, EOS], [3, EOS]]), torch.tensor([[3, 3, EOS], [4, 4, EOS]])
print("share of true words   sampled answers that are one of the two")
for share in (1.0, 0.0):
    fits = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = OneVector(4, 5, E=8, H=16)
        train_translator(ReadsOwnWords(model, share), yes_x, yes_y, seed, steps=40, B=64, lr=0.05)
        said = mixed_words(model, yes_x[:1].expand(1000, 2), yes_y[:1].expand(1000, 3), 0)
        fits.append(100 * (said[:, 0] == said[:, 1]).float().mean().item())
    print(f"{share:19}   {np.mean(fits):16.0f} ± {np.std(fits, ddof=1):.0f} %")

# %% [markdown] slideshow={"slide_type": "notes"}
# Without true words the first own word tells nothing about the reference, so the best second word is a coin toss: half of the samples are ja nein or nein ja. Teacher forcing learns the true pairs. For number words there is one right answer to each source, so this harm does not show there; for real sentences it can.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - A batched beam search, equal to exhaustive search where that is possible, with its search errors counted.
# - The length bias, seen and explained: the likeliest sentence is often a short one, and dividing by the length is a remedy that has to be tuned.
# - BLEU, equal to `sacrebleu`'s, and an idea of what it does not see.
# - What reading its own words does to a model, measured, and what scheduled sampling changes.
#
# **Next:** notebook 8 lets a network write. For real sentences, French to English, see `real_corpora/07_tatoeba`.

# %% [markdown] slideshow={"slide_type": "notes"}
# Search, measure and training objective are three different things; most surprises of this lecture come from taking one for another.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References for search
#
# - Y. Wu and others: *Google's Neural Machine Translation System …* arXiv:1609.08144, 2016.
# - P. Koehn, R. Knowles: *Six Challenges for Neural Machine Translation.* Workshop on Neural Machine Translation, 2017.
# - F. Stahlberg, B. Byrne: *On NMT Search Errors and Model Errors: Cat Got Your Tongue?* EMNLP, 2019.

# %% [markdown] slideshow={"slide_type": "notes"}
# Koehn and Knowles saw quality fall as the beam grew; Stahlberg and Byrne searched exactly: the models themselves prefer short answers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### References for measures and training
#
# - K. Papineni and others: *BLEU: a Method for Automatic Evaluation of Machine Translation.* ACL, 2002.
# - M. Post: *A Call for Clarity in Reporting BLEU Scores.* Conference on Machine Translation, 2018.
# - S. Bengio and others: *Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks.* NIPS, 2015.
# - F. Huszár: *How (not) to Train your Generative Model …* arXiv:1511.05101, 2015.
# - M. Ranzato and others: *Sequence Level Training with Recurrent Neural Networks.* ICLR, 2016.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ranzato and others gave exposure bias its name.
