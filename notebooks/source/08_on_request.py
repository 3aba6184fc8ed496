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
#       cells: {most: 103, why: "to be recut"}
#       lines: {most: 742, why: "to be recut"}
#       minutes: {most: 106, why: "to be recut"}
#       slides: {most: 68, why: "to be recut"}
#       pictures: {most: 7.6, why: "to be recut"}
#       slide_lines: {most: 15, why: "to be recut"}
#       code_share: {most: 66.2, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 8 · Text on request
#
# > A writer that says anything is a toy. A writer that says what it was asked for is a tool, and a tool can be checked.
#
# **You will** compare characters with words, let a writer invent names for colours and languages, measure whether it listens, and discuss what should not be asked for.<br>
# **You need** `08_char_rnn` (the writer, Kneser–Ney), notebook 3 (names), notebook 5 (forget gates), `07_translation` (beam search).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for a name for the colour of the wall, then for a country in invented Finnish. How would the class decide whether a name fits?

# %% slideshow={"slide_type": "skip"}
import math
import random
import re
import time
from collections import Counter
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import ColorPicker, Dropdown, FloatSlider, interact
from matplotlib.colors import XKCD_COLORS, to_rgb
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import load_names, load_prose

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x$ | `x` | `(B, …)` | requests, one for each text |
# | $v$ | `v` | `(B, H)` | what the encoder makes of them: the first cell state |
# | $y$ | `y` | `(B, T)` | rows of characters as numbers, each ended by EOS, then PAD |
# | $w_t$ | `w` | `(B,)` | the characters of one step |
# | $h_t, c_t$ (drawings: $s_t$) | `state` | `(B, H)` each | hidden and cell state of the LSTM |
# | $p$ | `log_p` | `(B, V)` | probabilities of the next character, as logarithms |
# | $T$ | `T` | | temperature; above a product, the last step of a text; in a shape, the width of the rows |
#
# A **model** is anything with `start(x)`, which gives a state, and `step(w, state)`, which gives log-probabilities and the new state. Numbers 0, 1, 2 stand for PAD, BOS, EOS.

# %% [markdown] slideshow={"slide_type": "notes"}
# New beside 08_char_rnn are only the first two rows.

# %% slideshow={"slide_type": "skip"}
# Derived in notebooks 1 (rare words), 3 (the classifier of names), 07_seq2seq, 07_translation (search) and 08_char_rnn:
from course_utils.taught.char_rnn import (
    KneserNey,
    Writer,
    decode_texts,
    nats_per_character,
    ngram_rows,
    train_writer,
    write,
)
from course_utils.taught.lstm_gru import init_forget_bias
from course_utils.taught.ngram_lm import UNK, replace_rare
from course_utils.taught.seq2seq import BOS, EOS, PAD, build_vocab, pad_batch, shift_right, trim_padding
from course_utils.taught.translation import beam_search, log_p_of
from course_utils.taught.vanilla_rnn import NameRNN, parameter_count, to_tensors, train_names

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Which unit: characters or words?
#
# A model of words chooses among thousands and is done in five steps where a model of characters needs thirty. Its mistakes are of another kind, and so are its numbers: a perplexity of 100 **per word** and one of 3 **per character** say nothing about which model is better.
#
# Four models, one text, one scale: counting (Kneser–Ney) and an LSTM, each over words and over characters.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for guesses before any number: which of the four will predict unseen English best? And what does a word model do with a word that it has never seen?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same text, in two units
#
# The prose of notebooks 1 to 5. The text of a sentence is its tokens with **one space** between them; nothing is lost, since no token has a space in it. Words seen once in training become UNK.

# %%
prose = load_prose(seed=0)._asdict()
spelled = {part: [" ".join(sentence) for sentence in corpus] for part, corpus in prose.items()}
letter_number = build_vocab([text for texts in spelled.values() for text in texts])
letter_rows = {part: pad_batch(texts, letter_number) for part, texts in spelled.items()}
with_unk = replace_rare(prose, min_count=2)
word_number = build_vocab(with_unk["train"])
word_rows = {part: pad_batch(corpus, word_number) for part, corpus in with_unk.items()}
for part in prose:
    letters, words = ((rows[part] != PAD).sum().item() for rows in (letter_rows, word_rows))
    unknown = np.mean([word == UNK for sentence in with_unk[part] for word in sentence])
    print(f"{part:10} {letters:7,} characters, {words:7,} words, EOS counted; UNK {unknown:.1%}")
print(len(letter_number), "different characters,", len(word_number), "different words")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("the text gives back its words:", all(text.split(" ") == words for text, words in zip(spelled["test"], prose["test"])))

# %% [markdown] slideshow={"slide_type": "notes"}
# The alphabet is that of all parts: which characters exist is no secret. EOS is one more symbol in both units: the model has to say where the sentence ends. A word that is rare in training is more often unknown in the test, because modules bring words of their own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One scale
#
# ![Above, a sentence as four words, the last one EOS, with a cost each; below, the same sentence as twelve characters with a cost each. Both sums are divided by twelve and give bits per character.](../figures/one_scale.svg)
#
# A sentence is a sentence, in whatever pieces it is predicted: its probability is the product over its pieces. So take the **bits of the whole sentence**, $-\log_2 p$, and spread them over its characters, EOS being one.

# %% [markdown] slideshow={"slide_type": "notes"}
# A model of words pays for a word at once, with its space; a model of characters in instalments.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### An unknown word has two costs
#
# - That it is unknown: $p(\text{UNK} \mid \text{context})$.
# - Which word it is: $p(\text{spelling} \mid \text{UNK})$.
#
# A model that stops at UNK has not predicted the text. A model of characters pays for the spelling anyway.

# %% [markdown] slideshow={"slide_type": "notes"}
# Bits per character is not a property of character models. It is what a text costs, divided by its length: a file that is compressed has bits per character, too, in whatever units the program works.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · Bits per character of a model of words
#
# For each sentence: `log_p`, an array with $\ln p$ of each of its words and of EOS; `spelling`, an array of the same length with $\ln p$ of the spelling where the word is UNK, and 0 elsewhere; and the sentence, a list of words. Return the bits per character of all sentences together. **Predict:** a model of words has perplexity 64 per word, EOS counted as a word. On average, a word has five letters and one space or EOS after it. How many bits per character?
#
# <details><summary>Answer</summary>log₂ 64 = 6 bits per word, spread over 5 + 1 characters: 1 bit.</details>

# %% tags=["exercise-1-stub"]
def bits_per_character(log_p, spelling, sentences):
    """Bits per character of sentences from ln p of their words and EOS and of the spelling of unknown words."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_bits_per_character(attempt):
    """Try an attempt on random sentences of different lengths."""
    rng, cases = np.random.default_rng(0), [([np.log([0.5, 0.25])], [np.zeros(2)], [["a"]])]
    for lengths in ((3,), (2, 5), (7, 1, 4), (6, 2), (4, 9, 3, 5)):
        sentences = [["abcdefghijklm"[: rng.integers(1, 12)] for _ in range(n)] for n in lengths]
        log_p = [-rng.uniform(0.5, 6, n + 1) for n in lengths]
        spelling = [np.append(-rng.uniform(5, 20, n) * (np.arange(n) % 3 == 0), 0.0) for n in lengths]
        cases.append((log_p, spelling, sentences))

    def total(parts):
        return sum(np.sum(part) for part in parts)

    def size(sentences, space=1, end=1):
        return sum(sum(map(len, s)) + space * (len(s) - 1) + end for s in sentences)

    def bits(p, q):
        return -(total(p) + total(q)) / math.log(2)

    def right(p, q, s):
        return bits(p, q) / size(s)

    return check(
        attempt,
        cases=[(case, right(*case)) for case in cases],
        misconceptions={
            "those are nats: a bit is ln 2 nats": lambda p, q, s: right(p, q, s) * math.log(2),
            "divide by ln 2, do not multiply": lambda p, q, s: right(p, q, s) * math.log(2) ** 2,
            "a cost is positive: minus the logarithm": lambda p, q, s: -right(p, q, s),
            "EOS is a character, too, one for each sentence": lambda p, q, s: bits(p, q) / size(s, end=0),
            "the spaces between words are characters of the text": lambda p, q, s: bits(p, q) / size(s, space=0),
            "characters are letters, spaces and EOS, not letters only": lambda p, q, s: bits(p, q) / size(s, 0, 0),
            "no space follows the last word: EOS does": lambda p, q, s: bits(p, q) / size(s, end=2),
            "that is per word: spread it over the characters": lambda p, q, s: bits(p, q) / sum(map(len, p)),
            "per character, not per sentence": lambda p, q, s: bits(p, q) / len(s),
            "add all bits, then divide once: long sentences count more": (
                lambda p, q, s: np.mean([right([a], [b], [c]) for a, b, c in zip(p, q, s)])
            ),
            "the spelling of an unknown word has to be paid": lambda p, q, s: bits(p, ()) / size(s),
            "an unknown word pays for UNK and for its spelling": (
                lambda p, q, s: bits([np.where(b < 0, 0, a) for a, b in zip(p, q)], q) / size(s)
            ),
            "a spelling is paid beside UNK, it is no discount": lambda p, q, s: bits(p, [-b for b in q]) / size(s),
            "EOS has a probability, too": lambda p, q, s: bits([a[:-1] for a in p], q) / size(s),
            "that is the sum of all: divide it by the characters": lambda p, q, s: bits(p, q),
            "that is the sum of all, in nats: divide by ln 2 and by the characters": lambda p, q, s: -(total(p) + total(q)),
            "one number for all sentences together": (
                lambda p, q, s: [right([a], [b], [c]) for a, b, c in zip(p, q, s)]
            ),
            "EOS ends every sentence, not only the last one": (
                lambda p, q, s: bits(p, q) / (size(s, end=0) + 1) if len(s) > 1 else np.nan
            ),
            "bits, not a perplexity": lambda p, q, s: 2 ** right(p, q, s),
            "divide the logarithms, not the lengths by them": lambda p, q, s: 1 / right(p, q, s),
            "these are logarithms already": (
                lambda p, q, s: -total([np.log2(np.abs(a + b)) for a, b in zip(p, q)]) / size(s)
            ),
        },
    )


check_bits_per_character(bits_per_character)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def bits_per_character_solution(log_p, spelling, sentences):
    """Bits per character of sentences from ln p of their words and EOS and of the spelling of unknown words."""
    nats = -sum(np.sum(words) + np.sum(unknown) for words, unknown in zip(log_p, spelling))
    characters = sum(len(" ".join(sentence)) + 1 for sentence in sentences)
    return nats / np.log(2) / characters


check_bits_per_character(bits_per_character_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two slips to expect: EOS or the spaces are not counted, or unknown words are had for nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### As a formula
#
# $$\text{bits} = -\sum_t \log_2 p(w_t \mid w_1 \dots w_{t-1}) \;-\; \sum_{w_t = \text{UNK}} \log_2 p(\text{spelling} \mid \text{UNK})$$
#
# $$\text{bits per character} = \frac{\text{bits of all sentences}}{\text{their letters, spaces and EOS}}$$
#
# A table of bits for each number of each row comes first: here for Kneser–Ney, in the notebook for a `Writer`, too.

# %%
def kneser_ney_bits(model, y):
    """Bits (B, T) of each number of rows y (B, T) under a KneserNey model, 0 at PAD."""
    grams, bits = ngram_rows(y, model.n), np.zeros(y.shape)
    bits[y.numpy() != PAD] = -np.log2(model.p(grams[:, :-1], grams[:, -1:])[:, 0])
    return bits

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def writer_bits(model, y, B=32):
    """Bits (N, T) of each number of rows y (N, T) under a Writer that is asked for nothing, 0 at PAD; dropout off."""
    training, bits = model.training, np.zeros(y.shape)
    model.eval()
    for rows in (y != PAD).sum(dim=1).argsort().split(B):
        target = trim_padding(y[rows])
        nats = cross_entropy(model(target[:, :0], target).mT, target, ignore_index=PAD, reduction="none")
        bits[rows.numpy(), : target.shape[1]] = nats / math.log(2)
    model.train(training)
    return bits

# %% [markdown] slideshow={"slide_type": "notes"}
# The spelling is 0 for known words. Both functions give one number for each piece, so that later we can ask where the bits go.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Who spells the unknown words?
#
# A small model of characters, Kneser–Ney of order 5, trained on the words that became UNK in training, EOS at the end of each. What three of the test's unknown words cost:

# %%
def speller(rare):
    """A model of the spelling of the words of a list; a word counts as often as it stands there."""
    return KneserNey(pad_batch(rare, letter_number), n=5, V=len(letter_number) + 3)


def spelling_bits(model, sentences, known):
    """Bits (N, T) of the spelling of each unknown word of N sentences, 0 for known words and EOS."""
    places = [(n, t) for n, words in enumerate(sentences) for t, word in enumerate(words) if word not in known]
    unknown = pad_batch([sentences[n][t] for n, t in places], letter_number)
    bits = np.zeros((len(sentences), max(map(len, sentences)) + 1))
    bits[tuple(zip(*places))] = kneser_ney_bits(model, unknown).sum(axis=1)
    return bits

# %% tags=["output-only"]
frequency = Counter(word for sentence in prose["train"] for word in sentence)
spell = speller([word for word, times in frequency.items() if times == 1])
unknown_words = [word for sentence in prose["test"] for word in sentence if word not in word_number]
for word, bits in zip(unknown_words[:3], spelling_bits(spell, [unknown_words[:3]], word_number)[0]):
    print(f"{word:16} {bits:5.1f} bits")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
bits = spelling_bits(spell, prose["test"], word_number)
alphabet = np.arange(spell.V)[None].repeat(len(unknown_words), axis=0)
start = np.full((len(unknown_words), 4), BOS)
print("first letters' probabilities sum to 1:", np.allclose(spell.p(start, alphabet).sum(axis=1), 1, rtol=0, atol=1e-12))
print("a price for each unknown word:", (bits > 0).sum() == len(unknown_words) and len(unknown_words) > 0)

# %% [markdown] slideshow={"slide_type": "notes"}
# The speller may also spell known words, which never happens; so it wastes a little probability, and the price is an upper bound. It never sees the context: a better one would.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A better perplexity, for nothing
#
# Kneser–Ney of order 5 over words, four vocabularies: words seen at least `min_count` times, all others UNK. **Predict:** which vocabulary gives the lowest perplexity? Which the fewest bits per character?

# %% slideshow={"slide_type": "skip"}
letters_in_test, words_in_test = ((rows["test"] != PAD).sum().item() for rows in (letter_rows, word_rows))


def offer(min_count):
    """Share of UNK, perplexity with UNK free, and bits per character with all paid, of Kneser–Ney over words."""
    corpus = replace_rare(prose, min_count)
    known = build_vocab(corpus["train"])
    model = KneserNey(pad_batch(corpus["train"], known), n=5, V=len(known) + 3)
    free = kneser_ney_bits(model, pad_batch(corpus["test"], known)).sum()
    rare = [word for sentence in prose["train"] for word in sentence if frequency[word] < min_count]
    paid = free + spelling_bits(speller(rare), prose["test"], known).sum()
    share = np.mean([word == UNK for sentence in corpus["test"] for word in sentence])
    return share, 2 ** (free / words_in_test), paid / letters_in_test

# %% tags=["topic-G3"]
offers = {min_count: offer(min_count) for min_count in (2, 5, 20, 100)}
print("min_count    UNK    perplexity, UNK for nothing    bits per character, all paid")
for min_count, (share, free, paid) in offers.items():
    print(f"{min_count:6} {share:10.0%} {free:20.0f} {paid:30.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
_, free, paid = zip(*offers.values())
print("the fewer words, the lower the perplexity:              ", list(free) == sorted(free, reverse=True))
print("with the fewest it costs the most bits, all paid:       ", paid[-1] == max(paid) > 1.05 * paid[0])

# %% [markdown]
# The perplexity falls because the task gets easier: UNK is often right. The text does not get cheaper. Per-word perplexities over different vocabularies cannot be compared, nor can a perplexity whose share of UNK is not told.

# %% [markdown] slideshow={"slide_type": "notes"}
# In the limit of a vocabulary of UNK alone only the length of the sentence has to be guessed. The same trap waits wherever models have different pieces, subwords included.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Train on the same text, for about the same time
#
# Two `Writer`s, one pass of the training text each; their sizes are chosen so that a pass takes both about equally long. Learning rates and sizes were tried out on the validation text.

# %% tags=["volatile", "nbval-ignore-output"] nbval_ignore_reason="seconds differ from machine to machine"
settings = {
    "LSTM words": (word_rows, len(word_number) + 3, {"E": 64, "H": 96}, {"B": 32, "lr": 0.015}),
    "LSTM characters": (letter_rows, len(letter_number) + 3, {"E": 32, "H": 128}, {"B": 16, "lr": 0.03}),
}
four = {}
for name, (both_rows, size, units, recipe) in settings.items():
    torch.manual_seed(0)
    four[name], start = Writer(size, **units), time.perf_counter()
    for _ in train_writer(four[name], both_rows["train"][:, :0], both_rows["train"], seed=0, passes=1, **recipe):
        pass
    count = sum(p.numel() for p in four[name].parameters())
    print(f"{name:16} {count:,} parameters, {time.perf_counter() - start:.0f} s")

# %% [markdown] slideshow={"slide_type": "notes"}
# One step over words is expensive, because of the softmax over four thousand words; over characters there are five times as many steps. Equal passes and about equal seconds, but neither equal parameters nor equal numbers of steps: no comparison can hold everything equal.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Four models on one scale
#
# Test text. Each model's bits over its characters, and its perplexity per word, $2^{\text{bits per word}}$: models of characters have one, too. Kneser–Ney: order 5 over words, 8 over characters.

# %% slideshow={"slide_type": "skip"}
four["Kneser–Ney words"] = KneserNey(word_rows["train"], n=5, V=len(word_number) + 3)
four["Kneser–Ney characters"] = KneserNey(letter_rows["train"], n=8, V=len(letter_number) + 3)
table, of_spelling = {}, spelling_bits(spell, prose["test"], word_number)
for name, model in sorted(four.items()):
    y = (word_rows if "words" in name else letter_rows)["test"]
    table[name] = (kneser_ney_bits if "Kneser" in name else writer_bits)(model, y)
print({name: bits.shape for name, bits in table.items()})

# %% tags=["topic-G3", "output-only"]
print(f"{'':23} all paid: bits   perplexity    UNK for nothing: bits   perplexity")
print(f"{'':23} per character      per word            per character     per word\n")
for name, bits in table.items():
    free, total = bits.sum(), bits.sum() + of_spelling.sum() * ("words" in name)
    print(f"{name:23} {total / letters_in_test:13.2f} {2 ** (total / words_in_test):13.0f}", end="")
    print(f"{free / letters_in_test:25.2f} {2 ** (free / words_in_test):12.0f}" if "words" in name else "")
print(f"{'uniform over characters':23} {math.log2(len(letter_number) + 1):13.2f}")

# %% [markdown]
# With unknown words for nothing, words seem far ahead of characters. When all is paid, a large part of this lead is gone: over half of it between the two models that count.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
nats = [-table["LSTM words"][n, : len(words) + 1] * math.log(2) for n, words in enumerate(prose["test"])]
of_unknown = [-of_spelling[n, : len(words) + 1] * math.log(2) for n, words in enumerate(prose["test"])]
by_exercise = bits_per_character_solution(nats, of_unknown, prose["test"])
cost = {name: (bits.sum() + of_spelling.sum() * ("words" in name)) / letters_in_test for name, bits in table.items()}
print("the exercise's answer:                                   ", math.isclose(by_exercise, cost["LSTM words"], rel_tol=1e-9))
print("counting: words cost less than characters, all paid:     ", cost["Kneser–Ney words"] < cost["Kneser–Ney characters"])
print("LSTMs of one pass: the same, by more than 5 %:           ", 1.05 * cost["LSTM words"] < cost["LSTM characters"])
free = table["Kneser–Ney words"].sum() / letters_in_test
lead, lead_if_free = (cost["Kneser–Ney characters"] - words for words in (cost["Kneser–Ney words"], free))
print("counting: over half of the lead of words is UNK for nothing:", lead < lead_if_free / 2)
print("UNK for nothing would make words over 10 % better still: ", free < 0.9 * cost["Kneser–Ney words"])
print("over words, LSTM and counting are within 8 %:            ", abs(cost["LSTM words"] / cost["Kneser–Ney words"] - 1) < 0.08)

# %% [markdown] slideshow={"slide_type": "notes"}
# Perplexities of 92 and 304 look far apart; in bits per character they are 1.30 and 1.64. The perplexity per word of a model of characters has to pay for all spellings, so it must be compared with the column in which the models of words pay, too.

# %% slideshow={"slide_type": "skip"}
def pieces(bits, sentence):
    """The bits (T,) of a sentence's characters, cut into one piece for each word: letters, then space or EOS."""
    ends = np.cumsum([len(word) + 1 for word in sentence])
    return np.split(bits[: ends[-1]], ends[:-1])


words_of_test = [word for sentence in prose["test"] for word in sentence]
paid_words = {}
for name, bits in table.items():
    if "words" in name:
        each = bits[:, : of_spelling.shape[1]] + of_spelling
        paid_words[name] = [cost for row, sentence in zip(each, prose["test"]) for cost in row[: len(sentence)]]
    else:
        cut = [piece for row, sentence in zip(bits, prose["test"]) for piece in pieces(row, sentence)]
        paid_words[name] = [piece.sum() for piece in cut]
        eight_letters = [piece for piece in cut if len(piece) == 9]
        paid_words[name + ", by letter"] = np.mean(eight_letters, axis=0)

# %% slideshow={"slide_type": "skip"}
def plot_inside_words():
    """Draw the cost of each letter of words of eight letters, and the cost of whole words against their length."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.5), width_ratios=(1, 1.15))
    lengths = np.array([len(word) for word in words_of_test])
    for name, marker, line in (("Kneser–Ney", "s", "--"), ("LSTM", "o", "-")):
        color = COLOR["lstm" if name == "LSTM" else "ngram"]
        left.plot(range(1, 10), paid_words[f"{name} characters, by letter"], line, marker=marker, color=color, label=name)
        for unit, fill in (("words", "full"), ("characters", "none")):
            costs = np.array(paid_words[f"{name} {unit}"])
            means = [costs[lengths == n].mean() for n in range(1, 13)]
            right.plot(range(1, 13), means, line, marker=marker, fillstyle=fill, color=color, label=f"{name} {unit}")
    left.set_xticks(range(1, 10), labels=[*range(1, 9), "space"])
    left.set(xlabel="letter of words of eight", ylabel="bits", ylim=0)
    right.set(xlabel="letters of the word", ylabel="bits per word", ylim=0)
    left.legend(fontsize=10)
    right.legend(fontsize=10)
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where the bits go inside a word
#
# Left: the models of characters, letter by letter, in the test's words of eight letters; last the space or EOS. Right: what a whole word costs, by its length; unknown words with their spelling.

# %% tags=["topic-G3", "output-only"]
message = "First letters are expensive, later ones cheap; long words cost the LSTM over characters most."
show(plot_inside_words(), message)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
for name in ("Kneser–Ney", "LSTM"):
    by_letter = paid_words[f"{name} characters, by letter"]
    print(f"{name}: the first letter costs over three times the last one:", by_letter[0] > 3 * by_letter[7])
later = {name: paid_words[f"{name} characters, by letter"][3:8].sum() for name in ("Kneser–Ney", "LSTM")}
print("from the fourth letter on the LSTM pays over 1.2 times what counting pays:", later["LSTM"] > 1.2 * later["Kneser–Ney"])
long = np.array([len(word) for word in words_of_test]) >= 8
of_long = {name: np.array(paid_words[name])[long].mean() for name in table}
print("words of eight letters and more cost the LSTM over characters most:", max(of_long, key=of_long.get) == "LSTM characters")
sums = [np.sum(paid_words[f"{name} characters"]) / table[f"{name} characters"].sum() for name in ("Kneser–Ney", "LSTM")]
print("the pieces add up to the whole text:", np.allclose(sums, 1, rtol=1e-9))

# %% [markdown] slideshow={"slide_type": "notes"}
# A model of words decides at the first letter and has the rest for nothing. A model of characters decides step by step: after *langu* the rest is nearly certain. From the fourth letter on, counting is cheaper than the LSTM: it looks up what it has seen, the network is still learning to spell. In the right picture the cost of EOS is left out for the models of words; for the models of characters the separator after the word is in it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Known words and unknown ones
#
# Bits per word of the test, as in the right picture:

# %% tags=["topic-G3"]
is_known, by_kind = np.array([word in word_number for word in words_of_test]), {}
for name in sorted(table):
    costs = np.array(paid_words[name])
    by_kind[name] = costs[is_known].mean(), costs[~is_known].mean()
    print(f"{name:22} known {by_kind[name][0]:5.1f}    unknown {by_kind[name][1]:5.1f}")
print(f"share of unknown words: {1 - is_known.mean():.1%}")

# %% [markdown]
# On known words the models of words win. An unknown word is expensive in every model: the models of words pay for UNK, and then for a spelling by a model that has seen only rare words and knows nothing of the sentence; the models of characters have to spell what they have never seen.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
for name in ("Kneser–Ney", "LSTM"):
    of_words, of_characters = by_kind[f"{name} words"], by_kind[f"{name} characters"]
    print(f"{name}: known words cost the model of words over 5 % less:", of_words[0] < 0.95 * of_characters[0])
expensive = all(unknown > 2.5 * known for known, unknown in by_kind.values())
print("an unknown word costs over 2.5 times as much as a known one, in all four:", expensive)

# %% [markdown] slideshow={"slide_type": "notes"}
# The advantage of words on known words and its price on unknown ones explain most of the table of the four models (what follows the last word is left out here). With a text of many names or of word forms, as in German, the share of unknown words is larger.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What these numbers say, and what they do not
#
# - On this text and in this time, words cost fewer bits per character than characters do, also when unknown words are spelled: both for counting and for an LSTM.
# - The margin is smaller than it looks when UNK is free.
# - They do not say that characters are worse in general. One pass is little for a network that has to learn to spell first; and only a model of characters can write or read *any* word.
# - Not measured here: subwords, the compromise in large language models. The scale is the same.

# %% [markdown] slideshow={"slide_type": "notes"}
# One seed each, so differences of one or two hundredths of a bit between the LSTM and counting over words mean nothing. With minutes instead of seconds a character LSTM overtakes Kneser–Ney over characters: `08_char_rnn` ships such a writer, and the companion on Shakespeare trains one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · A name for a colour
#
# ![A colour goes through a linear layer, a language through an embedding, or nothing is asked for and there are zeros: this is the first state of an LSTM, which reads BOS and writes dusty rose, one character after another, each of which it reads next.](../figures/conditional_writer.svg)
#
# So far nothing was asked for. A **request** $x$ chooses the state in which the writer begins; all else stays.

# %% [markdown] slideshow={"slide_type": "notes"}
# One to N: a single vector goes in, a text of any length comes out. The decoder of notebook 7 began in the same way, from the vector of a sentence. Ask what else could be a request: a picture (notebook 11), a star rating, a date.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One more line of code
#
# An **encoder** is any module that turns a request into a vector $v$ of $H$ numbers. The LSTM starts with $v$ as its cell state:
#
# $$c_0 = v = \mathrm{encode}(x) \qquad h_0 = \tanh(v) \qquad p(y \mid x) = \prod_{t=1}^{T} p(y_t \mid y_1 \dots y_{t-1}, x)$$

# %% tags=["topic-G2"]
class ConditionalLM(Writer):
    """A Writer whose first state comes from an encoder, a module that makes vectors (B, H) of requests x."""

    def __init__(self, encoder, V, E, H, dropout=0.0):
        super().__init__(V, E, H, dropout)
        self.encoder = encoder

    def start(self, x):
        """The first hidden and cell state (B, H) for each row of x."""
        v = self.encoder(x)
        return torch.tanh(v), v

# %% [markdown] slideshow={"slide_type": "notes"}
# Hidden and cell state of an LSTM belong together: h is tanh of c times the output gate, here as if that gate were open. Training, writing, measuring and searching do not change: they all call start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### An encoder that says nothing
#
# If $v = 0$ for every request, a `ConditionalLM` writer must be a `Writer`. The test gives both the same weights:

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
silent = nn.Linear(3, 16)
nn.init.zeros_(silent.weight)
nn.init.zeros_(silent.bias)
asked, unasked = ConditionalLM(silent, 12, 8, 16), Writer(12, 8, 16)
unasked.load_state_dict(asked.state_dict(), strict=False)  # all but the encoder
some_rows, some_requests = torch.randint(3, 12, (5, 7)), torch.randn(5, 3)
with torch.no_grad():
    scores = asked(some_requests, some_rows), unasked(some_requests, some_rows)
print("the same scores as without a request:", torch.equal(*scores))
nn.init.normal_(silent.weight)
print("and with another encoder:            ", torch.allclose(asked(some_requests, some_rows), scores[1]))

# %% [markdown] slideshow={"slide_type": "notes"}
# The second line shows that the test can fail.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### 949 colours with names
#
# Randall Munroe, who draws the comic *xkcd*, asked visitors of his site to name colours, and published the most used names in 2010. They come with matplotlib.

# %%
colour_of = {name.removeprefix("xkcd:"): to_rgb(code) for name, code in XKCD_COLORS.items()}
colour_names = list(colour_of)
colour_number = build_vocab(colour_names)
colour_letters = ["", "", "", *colour_number]
print(f"{len(colour_names)} names, {len(colour_number)} characters, mean length {np.mean([*map(len, colour_names)]):.1f}")
for name in random.Random(0).sample(colour_names, 4):
    print(f"{name:18} red, green, blue:", *(f"{part:.2f}" for part in colour_of[name]))

# %% [markdown] slideshow={"slide_type": "notes"}
# A small corpus, ten thousand characters: it trains in seconds. The names are what people typed, so expect spellings and taste of all kinds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What would leak
#
# *Greenish blue*, *green blue*, *bluegreen*: who has learned one of them knows the others. So names are held out in families: word order, spaces and the endings *-ish* and *-y* do not count.

# %%
def family(name):
    """What near-duplicates of a colour's name have in common: the set of their letters, -ish, e and y left out."""
    return frozenset(re.sub(r"ish\b|[^a-z]|[ey]", "", name.replace("gray", "grey")))


def held_out_colours(seed):
    """The names to learn from and those of the fifth of the families that is held out."""
    families = sorted({family(name) for name in colour_names}, key=sorted)
    held_out = set(random.Random(seed).sample(families, len(families) // 5))
    parts = {True: [], False: []}
    for name in colour_names:
        parts[family(name) in held_out].append(name)
    return parts[False], parts[True]

# %% tags=["output-only"]
sizes = Counter(map(family, colour_names))
largest = max(sizes, key=sizes.get)
print("one family:", len({family(name) for name in ("greenish blue", "green blue", "bluegreen")}) == 1)
print(len(sizes), "families; the largest:", ", ".join(name for name in colour_names if family(name) == largest))

# %% [markdown] slideshow={"slide_type": "notes"}
# The letters as a set make it crude: it may put strangers in one family, which costs nothing, but it keeps relatives together. An e is left out because purple and purplish differ by it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training: nothing new
#
# The encoder is one linear layer on red, green and blue, from −1 to 1. Beside it a `Writer` that is told nothing. Three seeds, each with other families held out.

# %%
def colour_requests(names):
    """Red, green and blue (N, 3) of the colours, from −1 to 1."""
    return torch.tensor([colour_of[name] for name in names]) * 2 - 1


def trained_colour_writer(names, seed, told=True):
    """A writer of colour names, told the colour or not, after ten passes."""
    torch.manual_seed(seed)
    size = {"V": len(colour_letters), "E": 16, "H": 96, "dropout": 0.3}
    model = ConditionalLM(nn.Linear(3, size["H"]), **size) if told else Writer(**size)
    for _ in train_writer(model, colour_requests(names), pad_batch(names, colour_number), seed, passes=10, lr=0.02):
        pass
    return model.eval()

# %% [markdown] slideshow={"slide_type": "notes"}
# Rate, size and passes were chosen on other splits of the same names than the three shown here. Lab coordinates instead of RGB were tried there as well: no difference beyond the spread, so the simpler request stayed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does it listen?
#
# Nats per character on held-out names: with their own colour as the request, with the colour of another name, and from the writer that is told nothing. If the request were ignored, all three would be alike.

# %% tags=["topic-G2"]
colour_writers, colour_nats = [], []
for seed in range(3):
    train, test = held_out_colours(seed)
    x, y, other = colour_requests(test), pad_batch(test, colour_number), torch.randperm(len(test))
    colour_writers.append((trained_colour_writer(train, seed), trained_colour_writer(train, seed, told=False)))
    cases = [(0, x), (0, x[other]), (1, x)]
    colour_nats.append([nats_per_character(colour_writers[seed][which], z, y) for which, z in cases])
colour_nats = np.array(colour_nats)  # (3 seeds, 3 cases)

# %% tags=["output-only"]
for what, values in zip(("its own colour", "another's colour", "told nothing"), colour_nats.T):
    print(f"{what:17} {values.mean():.2f} ± {values.std(ddof=1):.2f} nats per character")
gain = colour_nats[:, 2] - colour_nats[:, 0]
print(f"told nothing − own {gain.mean():.2f} ± {gain.std(ddof=1):.2f}, seed by seed")
print(f"uniform over {len(colour_number) + 1} numbers: {math.log(len(colour_number) + 1):.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("the own colour helps for each seed:     ", (gain > 0).all())
print("another's colour hurts more than nothing:", (colour_nats[:, 1] > colour_nats[:, 2]).all())

# %% [markdown] slideshow={"slide_type": "notes"}
# The gain per character is small: why? Ask before the next slide. The loss by a wrong colour is large, since the writer trusts its request: asked for blue, it leaves little probability for red, and is wrong and sure.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where does the colour help?
#
# Most letters follow from the letters before: after *gre* comes *e*, whatever was asked for. The difference between the two writers, by the place of the letter in its *word*:

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def letter_losses(model, x, y):
    """Nats (N, T) of each character of the rows y given requests x; 0 at PAD."""
    log_p = torch.log_softmax(model(x, y), dim=2)
    return -log_p.gather(2, y[:, :, None])[:, :, 0] * (y != PAD)


def place_in_word(names):
    """For each character of each name, EOS included, how many letters of its word stand before it; −1 for PAD."""
    rows = [[len(re.search(r"[^ /]*$", name[:t])[0]) for t in range(len(name) + 1)] for name in names]
    return torch.tensor([row + [-1] * (max(map(len, rows)) - len(row)) for row in rows])


place_in_word(["red rose", "tan"])

# %% slideshow={"slide_type": "skip"}
def gain_by_place(places=6):
    """Mean gain in nats by being told the colour, for each seed and each place in the word: (3, places)."""
    table = []
    for seed, (told, untold) in enumerate(colour_writers):
        test = held_out_colours(seed)[1]
        x, y, place = colour_requests(test), pad_batch(test, colour_number), place_in_word(test)
        difference = letter_losses(untold, x, y) - letter_losses(told, x, y)
        table.append([difference[place == k].mean().item() for k in range(places)])
    return np.array(table)

# %% [markdown] slideshow={"slide_type": "skip"}
# The gain in nats, averaged over the letters at the same place of their word, in names that neither writer has learned from. Mean and standard deviation of the three seeds.

# %% tags=["output-only"]
gains = gain_by_place()
for k, values in enumerate(gains.T):
    print(f"letter {k + 1} of a word: {values.mean():5.2f} ± {values.std(ddof=1):.2f} nats gained")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("the first letter of a word gains most:", gains.mean(axis=0).argmax() == 0)

# %% [markdown] slideshow={"slide_type": "notes"}
# The colour decides which word begins. Once it has begun, its spelling is known, and being told the colour costs a little, if anything. A mean over all characters dilutes what the request does: look where the decision falls.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Ask for a colour
#
# `drawn_at` gives the rule by which `write` chooses: draw from $\mathrm{softmax}(\log p / T)$.

# %%
def drawn_at(T):
    """A rule for `write`: draw each character from its probability at temperature T > 0."""

    def choose(log_p):
        return torch.multinomial(torch.softmax(log_p / T, dim=1), 1)[:, 0]

    return choose


def names_for(rgb, count, T=0.8, seed=0):
    """Invented names for a colour, by the first of the trained writers."""
    torch.manual_seed(seed)
    x = torch.tensor([rgb]).float().expand(count, 3) * 2 - 1
    return decode_texts(write(colour_writers[0][0], x, drawn_at(T), 30), colour_letters)


names_for((0.9, 0.3, 0.6), 5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Five names for a strong pink. T = 0.8 is a little more careful than the model itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Invented names for eight colours
#
# Not one of these eight need be among the 949: a request is any point of the cube of red, green and blue.

# %% slideshow={"slide_type": "skip"}
def plot_invented(colours, count=5):
    """Draw colours as tiles with invented names below each; return the figure."""
    fig, axes = plt.subplots(2, 4, figsize=(8.6, 3.9), layout="constrained")
    for tile, (ax, rgb) in enumerate(zip(axes.flat, colours)):
        ax.add_patch(plt.Rectangle((0, count), count, 1.6, fc=rgb, ec=COLOR["baseline"]))
        for i, name in enumerate(names_for(rgb, count, seed=tile)):  # with one seed for all, first letters agree
            ax.text(0, count - 0.6 - i, name, va="center", fontsize=10)
        ax.set(xlim=(0, count), ylim=(0, count + 1.6))
        ax.axis("off")
    return fig

# %% tags=["output-only", "topic-G2"]
EIGHT = [(0.9, 0.1, 0.1), (1, 0.6, 0.1), (0.95, 0.9, 0.3), (0.3, 0.7, 0.2), (0.1, 0.6, 0.6), (0.1, 0.2, 0.7),
         (0.5, 0.2, 0.6), (0.45, 0.3, 0.2)]  # fmt: skip
show(plot_invented(EIGHT), "Five names for each of eight colours, drawn at temperature 0.8 and not selected.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The style of the survey, spellings included, comes for free. Which names are the class's favourites, and which colours are named wrongly? An opinion is not a measurement, so a judge is needed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A judge that has never seen the writer
#
# CIE **Lab**: a change of the same length looks about equally large everywhere. From linear light $r$ of the three channels to $X, Y, Z$, relative to white, then
#
# $$L = 116\, f(Y) - 16 \qquad a = 500\, (f(X) - f(Y)) \qquad b = 200\, (f(Y) - f(Z))$$
#
# with $f$ the cube root, made straight near 0.

# %% [markdown] slideshow={"slide_type": "notes"}
# L is lightness, a from green to red, b from blue to yellow. A judge should see colours as people do, and RGB does not: a step in dark blue is hardly seen, the same step in grey is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From red, green and blue to Lab

# %%
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])


def lab(rgb):
    """CIE Lab coordinates (N, 3) of sRGB colours (N, 3) between 0 and 1, white being that of daylight D65."""
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = light @ TO_XYZ.T / TO_XYZ.sum(axis=1)  # white is (1, 1, 1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    X, Y, Z = f.T
    return np.stack([116 * Y - 16, 500 * (X - Y), 200 * (Y - Z)], axis=1)

# %% tags=["nbval-check-output"]
print(lab(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])).round(1) + 0.0)  # published: 100, 0, 0 and 53.2, 80.1, 67.2

# %% [markdown] slideshow={"slide_type": "notes"}
# The published values for white and pure red check the code.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the judge asks
#
# Of the eleven basic colour words, take the *last* in the written name: *blue green* is a green. Its place in Lab is the mean of all training colours of which it is the last such word. How far is it from the colour that was asked for? Is it the *nearest* of the eleven?

# %%
BASIC = "black white grey red green blue yellow orange brown pink purple".split()


def basic_word(name):
    """The number of the last basic colour word of a name, −1 if there is none."""
    found = [word for word in re.findall("[a-z]+", name) if word in BASIC]
    return BASIC.index(found[-1]) if found else -1


def words_judged(names, rgb, centres):
    """Mean distance from the colours rgb (N, 3) to the centre of their name's word; how often it is the nearest."""
    word = np.array([basic_word(name) for name in names])
    far = np.linalg.norm(lab(rgb)[word >= 0, None] - centres, axis=2)  # (N', 11)
    word = word[word >= 0]
    return far[np.arange(len(word)), word].mean(), (far.argmin(axis=1) == word).mean()

# %% [markdown] slideshow={"slide_type": "notes"}
# The judge knows the training colours, not the writer. Names without a basic word, such as mustard, it passes over.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Do the names fit?
#
# Five names for each held-out colour, three seeds. For comparison: the same names, judged by colours for which they were *not* written, and the names that people gave to these colours, which nobody expects to beat.

# %% slideshow={"slide_type": "skip"}
def colour_rows(seed, T):
    """Names written at temperature T for held-out colours, the colours (N, 3), and the centres (11, 3) of words."""
    train, test = held_out_colours(seed)
    asked = torch.tensor([colour_of[name] for name in test]).repeat_interleave(5, dim=0)
    torch.manual_seed(seed)
    rows = write(colour_writers[seed][0], asked * 2 - 1, drawn_at(T), 30)
    word, known = np.array([basic_word(name) for name in train]), lab(np.array([colour_of[name] for name in train]))
    centres = np.array([known[word == i].mean(axis=0) for i in range(len(BASIC))])
    return decode_texts(rows, colour_letters), asked.double().numpy(), centres


def colour_fit(seed, T):
    """(distance, share nearest) of written names, of written names for other colours, and of people's names."""
    written, rgb, centres = colour_rows(seed, T)
    test = held_out_colours(seed)[1]
    people = words_judged(test, np.array([colour_of[name] for name in test]), centres)
    return words_judged(written, rgb, centres), words_judged(written, np.random.default_rng(seed).permutation(rgb), centres), people

# %% tags=["topic-G2"]
fits = np.array([colour_fit(seed, T=0.8) for seed in range(3)])  # (3 seeds, 3 kinds, 2 measures)
print(f"{'':25} distance in Lab   nearest of the eleven")
for what, values in zip(("written for this colour", "for another colour", "people, for this colour"), fits.swapaxes(0, 1)):
    mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
    print(f"{what:25} {mean[0]:6.1f} ± {sd[0]:3.1f}      {mean[1]:8.0%} ± {sd[1]:.0%}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("nearer than for another colour, each seed:", (fits[:, 0, 0] < fits[:, 1, 0]).all())
print("nearest more often, each seed:            ", (fits[:, 0, 1] > fits[:, 1, 1]).all())

# %% [markdown] slideshow={"slide_type": "notes"}
# The last row is the yardstick: people do not always use the word whose mean is nearest either.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is it invention, or memory?
#
# The same, at three temperatures: how many names stand in no list (neither learned nor held out), how many are different ones, how many hold a basic word, and how often it is the nearest?

# %%
print("  T   in no list   different   with a basic word   its word nearest")
for T in (0.5, 0.8, 1.2):
    measured = []
    for seed in range(3):
        written, rgb, centres = colour_rows(seed, T)
        new, basic = [name not in colour_of for name in written], [basic_word(name) >= 0 for name in written]
        measured.append([np.mean(new), len(set(written)) / len(written), np.mean(basic), words_judged(written, rgb, centres)[1]])
    mean, sd = np.mean(measured, axis=0), np.std(measured, axis=0, ddof=1)
    print(f"{T:4}", *(f"   {m:4.0%} ± {s:3.0%}" for m, s in zip(mean, sd)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Low temperature: safe words, often known names. High temperature: new names, and some of them are not words. Neither end is wrong; it depends on what the names are for.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Pick a colour
#
# A click on the small field opens a colour picker. Left stands the colour that was asked for, with five names drawn for it; right the one of the 949 that is nearest in Lab, with the name that people gave it.

# %% slideshow={"slide_type": "skip"}
def plot_picked(rgb, names, nearest):
    """Draw an asked colour with its invented names beside a real one with its name; return the figure."""
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.2), layout="constrained")
    for ax, colour, lines, title in zip(axes, (rgb, colour_of[nearest]), (names, [nearest]), ("asked for", "nearest real one")):
        ax.add_patch(plt.Rectangle((0, 0), 0.4, 1, fc=colour, ec=COLOR["baseline"]))
        for i, line in enumerate(lines):
            ax.text(0.45, 0.9 - 0.2 * i, line, va="center", fontsize=12)
        ax.set(xlim=(0, 1), ylim=(0, 1), title=title)
        ax.axis("off")
    return fig


def show_picked(colour, T):
    """Show five invented names for a colour such as "#4d9980"."""
    rgb = np.array(to_rgb(colour))
    every = np.array(list(colour_of.values()))
    nearest = colour_names[np.linalg.norm(lab(every) - lab(rgb[None]), axis=1).argmin()]
    message = f"Asked for: {colour}, temperature {T:.1f}; the nearest real colour is “{nearest}”."
    show(plot_picked(rgb, names_for(rgb.tolist(), 5, T), nearest), message)

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
show_picked("#4d9980", T=0.8)

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    colour=ColorPicker(value="#4d9980", concise=True, description="colour"),
    T=FloatSlider(0.8, min=0.2, max=1.5, step=0.1, description="temperature"),
)
def pick_colour(colour, T):
    """Draw names while the colour changes."""
    show_picked(colour, T)

# %% [markdown] slideshow={"slide_type": "notes"}
# Live: let the class choose a colour and vote on the five names. The dice are the same for every colour, so what changes, changes because of the request.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · A name in a language
#
# Now the request is a label, one of 24 languages, and the text a name of a country or a language as it is written there:
#
# $$p(y \mid x) = \prod_{t=1}^{T} p(y_t \mid y_1 \dots y_{t-1}, x)$$
#
# Two different wishes: *some* name of this language, drawn from $p$; or *the* likeliest name, $\operatorname*{argmax}_y p(y \mid x)$. The first is easy. The second is a search through a space without a map:

# %% slideshow={"slide_type": "skip"}
names = load_names(seed=0)
LANGUAGES = sorted({language for _, language in names.train})
name_number = build_vocab(name for name, _ in names.train)
name_letters = ["", "", "", *name_number]
name_V = len(name_letters)

# %% tags=["topic-B3"]
typical = round(np.mean([len(name) for name, _ in names.train]))
print(f"{len(LANGUAGES)} languages, {len(names.train)} names to learn from, {len(name_number)} different characters")
print(f"texts of {typical} characters, the mean length: {float(len(name_number)) ** typical:.0e}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The names of notebook 3: countries and languages, split by what they name. There a network read a name and guessed the language: p(x given y). Here it goes the other way round.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The encoder of a label
#
# A table with a row of $H$ numbers for each language: `nn.Embedding`. The writer and its training stay as they are.

# %%
def name_rows(pairs):
    """Language numbers (N,) and rows of characters (N, T) of the names whose characters are all known."""
    known = [(name, language) for name, language in pairs if set(name) <= name_number.keys()]
    x = torch.tensor([LANGUAGES.index(language) for _, language in known])
    return x, pad_batch([name for name, _ in known], name_number)


def trained_name_writer(seed, passes=2):
    """A writer of names, asked for by language, after some passes through the training names."""
    torch.manual_seed(seed)
    model = ConditionalLM(nn.Embedding(len(LANGUAGES), 96), name_V, E=32, H=96)
    for _ in train_writer(model, *name_rows(names.train), seed, passes, B=64, lr=0.03):
        pass
    return model.eval()

# %% [markdown] slideshow={"slide_type": "notes"}
# The rows of the table are learned together with the writer. Size, rate and passes were chosen on the validation names.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the label is worth
#
# Three seeds. Nats per character on held-out names, once with the right label, once with the label of another name, drawn at random. If the writer did not listen, the two would be equal:

# %% tags=["topic-B3a"]
name_writers = [trained_name_writer(seed) for seed in range(3)]
name_x, name_y = name_rows(names.test)
torch.manual_seed(0)
wrong_x = name_x[torch.randperm(len(name_x))]
for what, x in (("right label", name_x), ("another's label", wrong_x)):
    values = [nats_per_character(model, x, name_y) for model in name_writers]
    print(f"{what:16} {np.mean(values):.2f} ± {np.std(values, ddof=1):.2f} nats per character")
print(f"uniform          {math.log(len(name_number) + 1):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A wrong label costs 0.7 nats for each character, far more than a wrong colour. (About one in twenty of the "wrong" labels is right by chance.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Some names, please
#
# Drawn at temperature 0.8 and not selected. No country or language of these names need exist; no rule of any language was written by hand. Do they sound Finnish, do they sound Swahili? Decide before the judge comes, five slides on:

# %%
def invented_in(language, count, T=0.8, seed=0, model=None):
    """Invented names in a language, by the first of the trained writers or another model."""
    torch.manual_seed(seed)
    x = torch.full((count,), LANGUAGES.index(language))
    return decode_texts(write(model or name_writers[0], x, drawn_at(T), 40), name_letters)


for seed, language in enumerate(("Finnish", "French", "German", "Hungarian", "Swahili", "Vietnamese")):
    print(f"{language:11}", " · ".join(invented_in(language, 5, seed=seed)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Cover the left column and let the class guess the languages; then the class is the classifier of four slides on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The likeliest name, please
#
# Beam search keeps the $k$ likeliest beginnings, as in `07_translation`; a `ConditionalLM` writer has `start` and `step`, so it runs as it is. The best of 20 hypotheses:

# %% tags=["topic-B3"]
best_y, best_log_p = beam_search(name_writers[0], torch.arange(len(LANGUAGES)), k=20, longest=30)
best_names = decode_texts(best_y[:, 0], name_letters)
learned = {name for name, _ in names.train}
for language in ("Finnish", "French", "German", "Hungarian", "Swahili", "Vietnamese"):
    i = LANGUAGES.index(language)
    print(f"{language:11} p = {best_log_p[i, 0].exp():.4f}  {best_names[i]:12} learned by heart: {best_names[i] in learned}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
with_end = torch.where(best_y[:, 0] == PAD, EOS, best_y[:, 0])
by_steps = log_p_of(name_writers[0], torch.arange(len(LANGUAGES)), with_end)
at_once = torch.stack([
    -letter_losses(name_writers[0], torch.tensor([i]), pad_batch([name], name_number)).sum()
    for i, name in enumerate(best_names)
])  # fmt: skip
print("log p of the search, step by step:", torch.allclose(best_log_p[:, 0], by_steps, atol=1e-3))
print("and by teacher forcing:           ", torch.allclose(best_log_p[:, 0], at_once, atol=1e-3))

# %% [markdown] slideshow={"slide_type": "notes"}
# "False" does not mean invented: a name may be put together from parts that were learned. And a beam of 20 need not find the argmax. One in a hundred, often much less: that is all the probability there is for the likeliest name. So the likeliest name says little about what the model writes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Likely is not typical
#
# The likeliest names beside drawn ones and people's, over all 24 languages. *Learned by heart* means: letter for letter among the training names.

# %% slideshow={"slide_type": "skip"}
def kind_of_names(texts, labels):
    """Mean length, mean nats per character, and the share learned by heart of the names in the languages."""
    rows = pad_batch(texts, name_number)
    nats = letter_losses(name_writers[0], labels, rows).sum(dim=1) / (rows != PAD).sum(dim=1)
    return np.mean([*map(len, texts)]), nats.mean().item(), np.mean([text in learned for text in texts])


every_label = torch.arange(len(LANGUAGES))
drawn_names = {T: [invented_in(language, 10, T) for language in LANGUAGES] for T in (0.5, 1.0)}

# %% tags=["topic-B3"]
print("                  letters   nats per character   learned by heart")
kinds = {"likeliest (beam)": (best_names, every_label)}
kinds |= {f"drawn at T = {T}": (sum(rows, []), every_label.repeat_interleave(10)) for T, rows in drawn_names.items()}
kinds["people's, held out"] = (decode_texts(name_y, name_letters), name_x)
for what, (texts, labels) in kinds.items():
    length, nats, share = kind_of_names(texts, labels)
    print(f"{what:18} {length:6.1f} {nats:17.2f} {share:20.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The argmax is short, sure of itself, and for every third language a name from the training data. For a translation that is what one wants; for invention it is useless. Held-out names are not learned by heart, by the split.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A judge from notebook 3
#
# Do drawn names sound like the language that was asked for? Notebook 3's classifier reads them, trained on the same names with its own recipe. Its accuracy on *people's* held-out names is what to compare with:

# %% slideshow={"slide_type": "skip"}
CHARACTERS = sorted({character for name, _ in names.train for character in name})
character_number = {character: number for number, character in enumerate(CHARACTERS, start=1)}
tensors = {part: to_tensors(pairs, character_number, LANGUAGES) for part, pairs in zip(names._fields, names)}

# %%
torch.manual_seed(0)
name_rnn = train_names(NameRNN(len(CHARACTERS) + 1, E=64, H=128, out=len(LANGUAGES)), *tensors["train"])


def votes(texts):
    """The language number (N,) that the classifier gives to each text."""
    x, length, _ = to_tensors([(text or " ", LANGUAGES[0]) for text in texts], character_number, LANGUAGES)
    with torch.no_grad():
        return name_rnn(x, length).argmax(dim=1)


name_truth = torch.tensor([LANGUAGES.index(language) for _, language in names.test])
name_right = votes([name for name, _ in names.test]) == name_truth
print(f"right on people's held-out names: {name_right.double().mean():.0%}; chance: {1 / len(LANGUAGES):.0%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The judge errs on more than a quarter of real names; notebook 3 lists the confusions. Ask for guesses: can written names be recognised more often than real ones?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Agreement with what was asked for
#
# Forty names for each language, three seeds, three temperatures: the share for which the classifier names the language that was asked for.

# %% slideshow={"slide_type": "skip"}
def written_for_all(model, T, count=40, seed=0):
    """Names at temperature T, count for each language, and their language numbers (24 count,)."""
    torch.manual_seed(seed)
    asked = torch.arange(len(LANGUAGES)).repeat_interleave(count)
    return decode_texts(write(model, asked, drawn_at(T), 40), name_letters), asked


TEMPERATURES = (0.5, 0.8, 1.0)
judgement = {}  # per temperature: (agreement, new, different) for each start
agreed = {}  # per temperature: bools (3 seeds, 24, 40)
for T in TEMPERATURES:
    written = [written_for_all(model, T, seed=seed) for seed, model in enumerate(name_writers)]
    agreed[T] = torch.stack([(votes(texts) == asked).unflatten(0, (-1, 40)) for texts, asked in written])
    judgement[T] = [
        (agree.double().mean().item(), np.mean([text not in learned for text in texts]), len(set(texts)) / len(texts))
        for agree, (texts, _) in zip(agreed[T], written)
    ]

# %% tags=["topic-B3a"]
print("                      classifier agrees   not learned     different")
for T, runs in judgement.items():
    mean, sd = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1)
    print(f"drawn at T = {T}       ", *(f"   {m:4.0%} ± {s:2.0%} " for m, s in zip(mean, sd)))
print(f"people's, held out         {name_right.double().mean():.0%}            100%")
print(f"chance                      {1 / len(LANGUAGES):.0%}")
heard = {language: agreed[0.8][:, LANGUAGES.index(language)].double().mean() for language in ("Finnish", "Swahili")}
print("at T = 0.8, of those asked for as", ", as ".join(f"{language}: {share:.0%}" for language, share in heard.items()))

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
agreement = {T: np.mean([run[0] for run in runs]) for T, runs in judgement.items()}
print("the hotter, the less agreement:          ", agreement[0.5] > agreement[0.8] > agreement[1.0])
print("at T = 1 below people's names:           ", agreement[1.0] < name_right.double().mean().item() - 0.1)
print("new names are more frequent when hotter: ", judgement[0.5][0][1] < judgement[1.0][0][1])

# %% [markdown] slideshow={"slide_type": "notes"}
# Cold, the names are almost as recognisable as people's. At T = 1, which is the model itself, every second one is not. Which of two things is missing: what the label means, or how to write? The next slides ask.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equally likely, less recognisable
#
# Sort names by how likely the writer finds them, nats per character, and ask the classifier about each group: people's held-out names, and those written at $T = 1$ and $T = 0.5$.

# %% slideshow={"slide_type": "skip"}
def by_likelihood(labels, rows, edges=(0, 1.6, 2.2, 9)):
    """For each range of nats per character: how many of the rows, and how often the classifier names their label."""
    nats = letter_losses(name_writers[0], labels, rows).sum(dim=1) / (rows != PAD).sum(dim=1)
    right = votes(decode_texts(rows, name_letters)) == labels
    groups = [(nats >= low) & (nats < high) for low, high in zip(edges, edges[1:])]
    return [(group.double().mean().item(), right[group].double().mean().item()) for group in groups]


likelihood_groups = {"people's, held out": by_likelihood(name_x, name_y)}
for T in (1.0, 0.5):
    texts, asked = written_for_all(name_writers[0], T)
    likelihood_groups[f"written at T = {T}"] = by_likelihood(asked, pad_batch(texts, name_number))

# %%
print(f"{'nats per character':20} below 1.6          1.6 to 2.2         above 2.2")
for what, groups in likelihood_groups.items():
    print(f"{what:20}", *(f"{share:4.0%}, right {right:4.0%}  " for share, right in groups))

# %% [markdown]
# Low temperature draws likely names, and likely names are easy to recognise, people's too. At $T = 1$ written and real names are about equally likely, yet at equal likelihood the real ones are recognised more often: something that the classifier uses is missing, and nats do not show it.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
real, hot, cold = ([right for _, right in groups] for groups in likelihood_groups.values())
print("likely names are easiest, people's and written: ", real[0] > real[2] and hot[0] > hot[2])
print("above 1.6 nats, people's beat those of T = 1:    ", real[1] > hot[1] and real[2] > hot[2])

# %% [markdown] slideshow={"slide_type": "notes"}
# Agreement measures being recognisable, not being like the data. Who tunes on it alone ends at a low temperature: report novelty and diversity beside it. Why real names are easier at equal likelihood is open; look at odd ones of both kinds before you answer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Language by language
#
# Names drawn at $T = 1$, where the writer is not helped by temperature, beside people's held-out names of the same language:

# %% slideshow={"slide_type": "skip"}
def plot_agreement(T):
    """Draw, for each language, how often the classifier agrees on written names and on people's; return the figure."""
    real = np.array([100 * name_right[name_truth == i].double().mean() for i in range(len(LANGUAGES))])
    runs = 100 * agreed[T].double().mean(dim=2).numpy()  # (seeds, 24)
    order = np.argsort(-real)
    fig, ax = plt.subplots(figsize=(8.6, 3.6))
    ax.plot(real[order], "s", color=COLOR["floor"], label="people's held-out names")
    ax.errorbar(range(len(order)), runs.mean(axis=0)[order], runs.std(axis=0, ddof=1)[order], fmt="o",
                color=COLOR["lstm"], capsize=3, label="written, mean and sd of three seeds")  # fmt: skip
    ax.axhline(100 / len(LANGUAGES), color=COLOR["baseline"], linestyle=":", label="chance")
    ax.set_xticks(range(len(order)), labels=[LANGUAGES[i] for i in order], rotation=60, ha="right", fontsize=9)
    ax.set(ylabel="classifier agrees (%)", ylim=(0, 102))
    ax.legend(loc="lower left", fontsize=9)
    return fig

# %% tags=["output-only", "topic-B3a"]
show(plot_agreement(1.0), "Where real names are hard to recognise, written ones are, too; not always the other way round.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
real_shares = [name_right[name_truth == i].double().mean().item() for i in range(len(LANGUAGES))]
correlation = np.corrcoef(real_shares, agreed[1.0].double().mean(dim=(0, 2)))[0, 1]
print("the two go together, correlation above 0.4:", correlation > 0.4)

# %% [markdown] slideshow={"slide_type": "notes"}
# Where the classifier is unsure of real names, it is unsure of written ones: a part of the disagreement is the judge's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · Which language was it?
#
# The writer gives $\log p(y \mid x)$ of a name $y$ for every label $x$: `log_p`, a NumPy array (K,). How frequent the labels are is given as well: `prior` (K,), positive, with sum 1. Return the probability of each label, *given the name*: (K,). **Predict:** two equally frequent labels, $\log p = -800$ and $-801$. Which probabilities? And what is `np.exp(-800)`?
#
# <details><summary>Answer</summary>The first is e times as probable as the second: 0.73 and 0.27. But np.exp(−800) is 0, and 0/0 is no answer: only differences of the logarithms count, so take off the largest first.</details>

# %% tags=["exercise-2-stub"]
def label_probabilities(log_p, prior):
    """p(label | text) (K,) from log p(text | label) (K,) and p(label) (K,)."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_label_probabilities(attempt):
    """Try an attempt on short and on long texts, whose probabilities are too small for a float."""
    rng, cases = np.random.default_rng(0), []
    for K, shift in ((2, -3), (3, -12), (5, -30), (4, -800), (24, -1500)):
        cases.append((shift - rng.uniform(0, 4, K), rng.dirichlet(np.full(K, 2.0))))
    cases.insert(0, (np.log([0.25, 0.25]), np.array([0.75, 0.25])))
    cases += [(np.array([-800.0, -1600.0]), np.array([0.5, 0.5])), (np.array([-100.0, -2000, -2000, -2000]), np.full(4, 0.25))]

    def normal(a):
        return np.exp(a - a.max()) / np.exp(a - a.max()).sum()

    def quiet(function):
        def silent(log_p, prior):
            with np.errstate(all="ignore"):
                return function(log_p, prior)

        return silent

    return check(
        attempt,
        cases=[((log_p, prior), normal(log_p + np.log(prior))) for log_p, prior in cases],
        tolerance=1e-4,
        misconceptions={
            "the prior is left out: a frequent label needs less evidence": lambda l, p: normal(l),
            "the prior is added as a probability; beside log p its logarithm is needed": lambda l, p: normal(l + p),
            "the prior is multiplied with log p; multiply probabilities, or add logarithms": lambda l, p: normal(l * p),
            "you divide by the prior; Bayes' rule multiplies with it": lambda l, p: normal(l - np.log(p)),
            "right for short texts; for long ones exp gives 0: take off the largest logarithm first": quiet(
                lambda l, p: np.exp(l) * p / (np.exp(l) * p).sum()
            ),
            "not normalised: the probabilities of the labels must sum to 1": lambda l, p: np.exp(l - l.max()) * p,
            "not normalised, and too small for a float: p(text, label) is not yet p(label | text)": (
                lambda l, p: np.exp(l + np.log(p))
            ),
            "normalised before the prior came in: the sum is no longer 1": lambda l, p: normal(l) * p,
            "those are the logarithms; asked are probabilities": quiet(lambda l, p: np.log(normal(l + np.log(p)))),
            "log p is divided by its sum; take exp first": lambda l, p: (l + np.log(p)) / (l + np.log(p)).sum(),
            "the largest is 1 here; divide by the sum, not by the largest": (
                lambda l, p: np.exp(l + np.log(p) - (l + np.log(p)).max())
            ),
            "asked is the probability of each label, not the likeliest label": lambda l, p: int((l + np.log(p)).argmax()),
            "those are log p(text, label): take exp, then divide by the sum": lambda l, p: l + np.log(p),
            "the prior is left out, and exp alone is too small for a float": quiet(lambda l, p: np.exp(l) / np.exp(l).sum()),
            "the sign is turned round: unlikely labels get the probability": lambda l, p: normal(-(l + np.log(p))),
            "that is the prior; the text has to change it": lambda l, p: p,
            "take off the largest, not the smallest: exp overflows for the others": quiet(
                lambda l, p: np.exp(l - l.min()) * p / (np.exp(l - l.min()) * p).sum()
            ),
            "take off the largest, not the mean: others can lie far above it": quiet(
                lambda l, p: np.exp(l - l.mean()) * p / (np.exp(l - l.mean()) * p).sum()
            ),
        },
    )


check_label_probabilities(label_probabilities)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def label_probabilities_solution(log_p, prior):
    """p(label | text) (K,) from log p(text | label) (K,) and p(label) (K,)."""
    joint = log_p + np.log(prior)
    p = np.exp(joint - joint.max())  # the largest becomes 1
    return p / p.sum()


check_label_probabilities(label_probabilities_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Bayes' rule: p(label | text) is proportional to p(text | label) p(label). The trap is the underflow: a text of a few hundred characters has a probability that no float holds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A writer that classifies
#
# With Bayes' rule, a model of $p(y \mid x)$ answers the question of notebook 3. If the writer has learned what a label means, it must be good at this, too:
#
# $$\hat x = \operatorname*{argmax}_x \; p(x \mid y) = \operatorname*{argmax}_x \big( \log p(y \mid x) + \log p(x) \big)$$

# %%
@torch.no_grad()
def log_p_by_label(model, y):
    """log p(y | label) (N, 24) of names y (N, T) for every language."""
    found = torch.empty(len(y), len(LANGUAGES))
    for rows in (y != PAD).sum(dim=1).argsort().split(128):
        target = trim_padding(y[rows])
        for label in range(len(LANGUAGES)):
            found[rows, label] = -letter_losses(model, torch.full((len(rows),), label), target).sum(dim=1)
    return found

# %% [markdown] slideshow={"slide_type": "notes"}
# For each name 24 sums, one for each label. Batches of names of similar length, as in training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Writer against classifier
#
# The same held-out names for both. The prior is how often each language occurs among the training names; no parameter is fitted for this task.

# %% tags=["topic-B3a"]
some_x, some_y = name_x[:500], name_y[:500]  # of held-out names
counted = Counter(language for _, language in names.train)
name_prior = np.array([counted[language] for language in LANGUAGES]) / len(names.train)
by_label = [log_p_by_label(model, some_y).double().numpy() for model in name_writers]
by_bayes = [np.array([label_probabilities_solution(row, name_prior) for row in table]) for table in by_label]
writer_right = [np.mean(p.argmax(axis=1) == some_x.numpy()) for p in by_bayes]
print(f"writer and Bayes' rule {np.mean(writer_right):.1%} ± {np.std(writer_right, ddof=1):.1%} of 500 held-out names")
print(f"classifier             {(votes(decode_texts(some_y, name_letters)) == some_x).double().mean():.1%}")
print(f"chance                 {1 / len(LANGUAGES):.1%}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("the writer classifies at least ten times better than chance:", min(writer_right) > 10 / len(LANGUAGES))
print("each row of probabilities sums to 1:", all(np.allclose(p.sum(axis=1), 1) for p in by_bayes))

# %% [markdown] slideshow={"slide_type": "notes"}
# Nobody trained the writer to classify, and it is no worse than the network that was. So little is missing in what the label means to it; a reading, not a proof: what its names lack at T = 1 is care in writing, one drawn letter after another. Naïve Bayes of notebook 3 was the same idea with counted n-grams: a language model for each label, then Bayes' rule.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Ask for a language
#
# Choose a language and a temperature: five names come, the classifier's vote beside each, and a remark if the name was among the training names.

# %% slideshow={"slide_type": "skip"}
def show_names(language, T):
    """Print five invented names in a language, with the classifier's vote and whether the name was learned."""
    texts = invented_in(language, 5, T)
    print(f"{language}, temperature {T:.1f}")
    for text, vote in zip(texts, votes(texts).tolist()):
        print(f"  {text:32} classifier: {LANGUAGES[vote]:12} {'learned by heart' if text in learned else ''}")

# %% tags=["output-only"] slideshow={"slide_type": "skip"}
show_names("Icelandic", T=0.8)

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    language=Dropdown(options=LANGUAGES, value="Icelandic", description="language"),
    T=FloatSlider(0.8, min=0.2, max=2.0, step=0.1, description="temperature"),
)
def ask_for_language(language, T):
    """Print names while language and temperature change."""
    show_names(language, T)

# %% [markdown] slideshow={"slide_type": "notes"}
# Low: the same safe names again and again. High: letters from everywhere, and the classifier loses the thread.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · A review on request
#
# Reviews come with stars, so a writer can be asked for a good or a bad one. The same few lines, and a use that needs a discussion. The material is a tiny language of reviews, so that the sentiment of *every* text is decided exactly, by its grammar and not by opinion.

# %%
THINGS = "soup service coffee film music ending room staff".split()
GOOD, BAD = "fresh warm great lovely superb".split(), "stale cold dull awful rude".split()
DEGREES = ["", "very ", "so ", "really ", "not "]
CLAUSES = {
    f"the {thing} was {degree}{adjective}": (1 if adjective in GOOD else -1) * (-1 if "not" in degree else 1)
    for thing, degree, adjective in product(THINGS, DEGREES, GOOD + BAD)
}  # each clause with its sign
print(len(CLAUSES), "clauses:", *(f"{clause}: {CLAUSES[clause]:+}" for clause in list(CLAUSES)[::197]), sep="\n  ")

# %% [markdown] slideshow={"slide_type": "notes"}
# Not turns the sign round. The grammar is crude on purpose: what matters is that nobody can quarrel about the label.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One clause or two
#
# Two clauses of one sign are joined by *and*, of different signs by *but*, and then the last one decides: *the soup was cold but the staff was lovely* is a good review.

# %%
CLAUSES_OF = {sign: [text for text in CLAUSES if CLAUSES[text] == sign] for sign in (1, -1)}


def review(sign, dice):
    """A random review of sign +1 or −1: half of them have one clause only."""
    last, other = dice.choice(CLAUSES_OF[sign]), sign if dice.random() < 0.7 else -sign
    if dice.random() < 0.5:
        return last
    return f"{dice.choice(CLAUSES_OF[other])} {'and' if other == sign else 'but'} {last}"


def sentiment(text):
    """+1 or −1 if the text is a review of this language, else 0."""
    first, joint, last = re.fullmatch(r"(?:(.+) (and|but) )?(.+)", text, re.S).groups() if text else ("", None, "")
    if last not in CLAUSES or (joint and first not in CLAUSES):
        return 0
    fits = not joint or (joint == "and") == (CLAUSES[first] == CLAUSES[last])
    return CLAUSES[last] if fits else 0

# %% [markdown] slideshow={"slide_type": "notes"}
# Half of the reviews have one clause. Of the others, seven in ten repeat the sentiment, the rest turn round at but.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is every review decided right?
#
# The language is finite: all single clauses, and all pairs with the conjunction that fits. So the parser can be tried on *everything*, and the reviews can be counted.

# %% tags=["nbval-check-output"]
every_review = dict(CLAUSES)
for (a, sign_a), (b, sign_b) in product(CLAUSES.items(), repeat=2):
    every_review[f"{a} {'and' if sign_a == sign_b else 'but'} {b}"] = sign_b
print(f"{len(every_review):,} reviews, all decided right:", all(sentiment(t) == s for t, s in every_review.items()))
print("good ones among them:", sum(sign > 0 for sign in every_review.values()))

# %% [markdown] slideshow={"slide_type": "notes"}
# The whole language is listed: a luxury that no natural language offers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training on a small part
#
# 2,000 random reviews, about one in a hundred of all. The request is a label once more: +1 or −1. Four of the reviews:

# %%
dice = random.Random(0)
review_signs = np.array([dice.choice((1, -1)) for _ in range(2000)])
reviews = [review(sign, dice) for sign in review_signs]
review_number = build_vocab(reviews)
review_letters = ["", "", "", *review_number]
print(*reviews[:4], sep="\n")

# %% [markdown] slideshow={"slide_type": "notes"}
# The dice decide label and text; nobody has written a single review by hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The training: two changes
#
# The bias of the forget gates decides how much of the memory survives a step before anything is learned. And batches are random here: in a batch of *similar* rows all reviews have one clause, or all have two.

# %%
def sign_requests(signs):
    """The label numbers (N,) of signs: 0 for −1, 1 for +1."""
    return torch.tensor(signs > 0).long()


def random_rows(y, B):
    """The rows of y (N, T) in random batches of B row numbers."""
    return torch.randperm(len(y)).split(B)


def trained_reviewer(seed, forget):
    """A writer of reviews whose forget gates begin with this bias."""
    torch.manual_seed(seed)
    model = ConditionalLM(nn.Embedding(2, 64), len(review_letters), E=16, H=64)
    init_forget_bias(model.lstm, forget)
    x, y = sign_requests(review_signs), pad_batch(reviews, review_number)
    for _ in train_writer(model, x, y, seed, passes=3, B=16, lr=0.03, batches=random_rows):
        pass
    return model.eval()

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 5 measured what this bias does to a memory. So far it was 1. Each batch counts the same in training, whatever its length; with similar rows the end after one clause would weigh twice as much as the one after two, and the writer would stop too early.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Told once, and forgotten
#
# The request is told before the first letter; the adjective that it decides comes some fifteen letters later. Before training, a forget gate with bias 1 lets $\sigma(1) \approx 0.73$ through at each step, one with bias 6 0.998. And after it? The gates' values can be read off while a writer is fed reviews; what is left of $v$ after 15 steps is their product. Asked for 300 reviews of each sign:

# %%
asked_signs = np.repeat([1, -1], 300)


def reviews_on_request(model, signs, seed=0):
    """Reviews drawn from a writer, one for each sign asked for."""
    torch.manual_seed(seed)
    return decode_texts(write(model, sign_requests(signs), drawn_at(0.8), 70), review_letters)

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def left_of_v(model, steps=15):
    """The share of v that the forget gates leave after some steps of the training reviews: mean over units and reviews."""
    h, c = model.start(sign_requests(review_signs))
    e, left = model.C(shift_right(pad_batch(reviews, review_number))), 1.0
    W_x, W_h, b_x, b_h = (parameter.chunk(4)[1] for parameter in model.lstm.parameters())  # the block of f
    for e_t in e[:, :steps].unbind(dim=1):
        left = left * torch.sigmoid(e_t @ W_x.T + h @ W_h.T + b_x + b_h)
        h, c = (part[0] for part in model.lstm(e_t[:, None], (h[None], c[None]))[1])
    return left.mean().item()

# %% [markdown] slideshow={"slide_type": "notes"}
# Why do colours and names not have this problem? Their requests show in the first letters already.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does it remember?

# %% tags=["topic-B3b"]
reviewers = {forget: [trained_reviewer(seed, forget) for seed in range(3)] for forget in (1, 6)}
sign_shares = {}
for forget, models in reviewers.items():
    decided = np.array([[sentiment(text) for text in reviews_on_request(model, asked_signs)] for model in models])
    sign_shares[forget] = [100 * np.mean((row == asked_signs)[row != 0]) for row in decided]
    shares, left = ", ".join(f"{share:.0f}" for share in sign_shares[forget]), ", ".join(f"{left_of_v(m):.2f}" for m in models)
    at_first = (1 / (1 + math.exp(-forget))) ** 15
    print(f"bias {forget}: {shares} % have the sign asked for")
    print(f"        left of v after 15 steps: {left}; before training {at_first:.2f}")
print("chance: 50 %")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("with bias 6 each seed does better than each with bias 1:", min(sign_shares[6]) > max(sign_shares[1]))

# %% [markdown] slideshow={"slide_type": "notes"}
# Three seeds each. Try a bias of 4, which some seeds do not get away with, and longer training: the gates can learn to open, if any gradient arrives. Other remedies: tell the request at every step, or let the writer look back (attention, notebook 7).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does it write what was asked for?
#
# From here on we use the first writer with open gates. The grammar judges what it writes; beside it stands a naïve judge that only counts good and bad words, as many a simple sentiment program does.

# %%
def by_words(text):
    """The sign that counting words gives: +1 with more good words than bad ones, −1 with fewer, else 0."""
    words = text.split()
    return int(np.sign(sum(word in GOOD for word in words) - sum(word in BAD for word in words)))


written_reviews = reviews_on_request(reviewers[6][0], asked_signs, seed=1)
decided = np.array([sentiment(text) for text in written_reviews])
in_language = decided != 0
print(*(f"{sign:+}: {text}" for sign, text in list(zip(asked_signs, written_reviews))[::120]), sep="\n")

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the five aloud and have the class say whether each is what was asked for.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Does it write what was asked for, in figures
#
# The grammar's verdict on 600 written reviews, and how far the count of words agrees with it, on these and on the true ones:

# %% tags=["topic-B3b"]
known_reviews = set(reviews)
is_new, has_two = np.array([(t not in known_reviews, " and " in t or " but " in t) for t in written_reviews]).T
truly_counted = np.mean([by_words(text) == sign for text, sign in zip(reviews, review_signs)])
print(f"reviews of the language:                  {in_language.mean():.0%}")
print(f"of these, with the sign asked for:        {(decided == asked_signs)[in_language].mean():.0%}")
print(f"of these, not among the 2,000 learned:    {is_new[in_language].mean():.0%}")
print(f"  of those with two clauses:              {is_new[in_language & has_two].mean():.0%}")
print(f"the word count agrees with the grammar:   {np.mean([by_words(t) == s for t, s in zip(written_reviews, decided)]):.0%}")
print(f"and on the 2,000 true reviews:            {truly_counted:.0%}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("more than half are of the language:        ", in_language.mean() > 0.5)
print("of these, more than 3 in 4 have the sign:  ", (decided == asked_signs)[in_language].mean() > 0.75)
print("counting words misjudges many true reviews:", truly_counted < 0.85)

# %% [markdown] slideshow={"slide_type": "notes"}
# Single clauses are few, so most of them were learned; pairs are many, so what is written can be new. Counting words misses not and but. A judge that is wrong on true texts cannot tell whether written ones are right: test the judge first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Could a reader tell?
#
# Tell written reviews from fresh ones of the grammar, by the writer's own nats per character or by the length alone. The share of pairs in which the written one has the smaller number, **AUC**: 0.5 is guessing, 1 (or 0) is certainty.

# %%
fresh_dice = random.Random(1)
fresh = [review(sign, fresh_dice) for sign in asked_signs]


def auc(written, fresh):
    """The share of pairs in which the written text has the smaller number; ties count half."""
    a, b = np.array(written)[:, None], np.array(fresh)
    return ((a < b) + 0.5 * (a == b)).mean()

# %% tags=["output-only"]
nats_of = {}
for what, texts in (("fresh", fresh), ("written", written_reviews)):
    x, y = sign_requests(asked_signs), pad_batch(texts, review_number)
    nats_of[what] = (letter_losses(reviewers[6][0], x, y).sum(dim=1) / (y != PAD).sum(dim=1)).numpy()
lengths = np.array([len(text) for text in written_reviews]), [len(text) for text in fresh]
print("written reviews:          all   those of the language")
for what, (a, b) in {"nats per character": (nats_of["written"], nats_of["fresh"]), "length": lengths}.items():
    print(f"AUC by {what:18} {auc(a, b):.2f}   {auc(a[in_language], b):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Close to a half means: hardly to be told apart *by this measure*. A detector that fails proves nothing about other detectors: the length is another one, and slips of grammar give some reviews away with certainty. Written ones are drawn at temperature 0.8, which makes them likelier than true ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A page with twenty reviews
#
# A good review is five stars, a bad one is one star. A place whose guests like it three times in ten gets $5 \cdot 0.3 + 1 \cdot 0.7 = 2.2$ stars on average. Now its owner *adds* $n$ written ones to the twenty:
#
# $$\text{average after} = \frac{20 \cdot \text{average before} + 5\,n}{20 + n}$$

# %%
def page_average(share, added, seed):
    """The average stars of a page of 20 guests' reviews, of which a share is good, and of added written ones."""
    dice = random.Random(seed)
    page = [sentiment(review(1 if dice.random() < share else -1, dice)) for _ in range(20)]
    page += dice.sample(decided[(asked_signs == 1) & in_language].tolist(), added)
    return np.mean([5 if sign > 0 else 1 for sign in page])


ADDED = (0, 2, 5, 10, 20, 40)
pages = {share: np.array([[page_average(share, n, seed) for n in ADDED] for seed in range(200)]) for share in (0.3, 0.7)}

# %% [markdown] slideshow={"slide_type": "notes"}
# Two hundred pages each: twenty guests are few, so the honest average scatters, too. The stars of the written reviews come from the grammar, not from the request.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How many does it take?
#
# A poor place (3 of 10 guests happy) floods its page; a better one (7 of 10) does nothing.

# %% slideshow={"slide_type": "skip"}
def plot_flood():
    """Draw the average stars against the written reviews added, with the pages' spread and the formula."""
    fig, ax = plt.subplots(figsize=(8.6, 3.3))
    mean, sd = pages[0.3].mean(axis=0), pages[0.3].std(axis=0, ddof=1)
    ax.errorbar(ADDED, mean, sd, fmt="o", capsize=3, color=COLOR["lstm"], label="poor place, flooded: 200 pages, mean ± sd")
    n = np.linspace(0, max(ADDED))
    ax.plot(n, (20 * 2.2 + 5 * n) / (20 + n), "-", color=COLOR["ink"], label="the formula")
    honest = pages[0.7][:, 0]
    ax.axhline(honest.mean(), color=COLOR["output"], linestyle="--", label="better place, honest: mean")
    ax.axhspan(honest.mean() - honest.std(ddof=1), honest.mean() + honest.std(ddof=1), color=COLOR["output"], alpha=0.15)
    ax.set(xlabel="written reviews added to twenty guests' reviews", ylabel="average stars", ylim=(1, 5))
    ax.legend(loc="lower right", fontsize=10)
    return fig

# %% tags=["output-only", "topic-B3b"]
show(plot_flood(), "Forty written reviews lift the poor place from 2.2 stars to where the honest one is; the formula knows no slips.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("forty lift it to the honest mean at least, within a quarter star:", pages[0.3][:, -1].mean() > pages[0.7][:, 0].mean() - 0.25)
needed = next(n for n in range(100) if (20 * 2.2 + 5 * n) / (20 + n) > 3.8)
print("by the formula the poor place passes 3.8 stars with", needed, "written reviews")

# %% [markdown] slideshow={"slide_type": "notes"}
# Solve the inequality on the board. Who is harmed? The guest who goes there, the honest place that sinks below it, and later all readers, who stop believing reviews.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Question 1 · Why would one want such a writer?
#
# Text with a given sentiment: who could use it, and for what, openly? In pairs, two minutes (alone: write them down); find three uses to which nobody would object.
#
# <details><summary>Points that may come up</summary>
#
# - **Data to test with:** reviews whose label is certain try out a classifier, as `by_words` was tried out here: negation, *but*.
# - **More examples of what is rare:** a data set with few bad reviews is filled up. Danger: the writer repeats what it knows (how many of its texts were new?).
# - **Rewording:** *say it more kindly*, for answers to customers or for pupils' texts, with a person who reads it before it is sent.
# - **Voice:** a person who cannot speak picks a mood for what the device says.
# - **Games and novels:** a character who hates everything.
#
# In all of them the reader knows, or could know, who speaks.
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# Five minutes: two in pairs, then collect on the board, five uses at most. Keep this round free of objections, they have their own slides. Ask of each use: who reads the text, and what do they believe about its author? Open the list only when the class has run dry.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Question 2 · Which ethical aspects are there?
#
# Take one use from the board. Whose interests does it touch? Groups of four, five minutes, one use each: name the people, then the question that each of them would ask.
#
# <details><summary>Points that may come up</summary>
#
# - **Honesty:** a review says *I was there*. A writer was nowhere. Is the text false even if all that it says happens to be true?
# - **Consent and credit:** whose reviews was it trained on, and did they agree to that use?
# - **Responsibility:** who answers for a written text: who trained, who asked, who published?
# - **Fairness:** a writer learns its data's habits; which places are praised for what?
# - **Disclosure:** would it be all right with *written by a program* beside it? For which uses does that change everything, for which nothing?
# - **Proportion:** what does a ban cost those with a good use?
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten minutes: five in groups, one minute of report each, then one question for all: would a label beside the text settle it? If the board is empty: test data, examples of what is rare, rewording, a voice, games. There is no key to this slide. Your part is to ask for reasons and for the strongest argument of the other side. Groups with an easy use, such as test data, finish early: give them the flood as a second case.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Question 3 · Which harm can it do, and what helps?
#
# The flood again, in new groups. Each plays one part: *platform*, *owner of the honest place*, *guest*, *lawmaker*. Which measure would you take, what does it cost, how would the flooder answer it?
#
# <details><summary>Points that may come up</summary>
#
# - **Only guests who paid may write:** stops strangers, not owners who pay themselves; excludes those who paid in cash.
# - **A detector:** look at the AUCs above. And what happens to a true guest whose text it rejects?
# - **Other averages:** the median, or only old accounts. Try: what would the median of the flooded page be? (5, as soon as more than half of the reviews are good: worse than the mean.)
# - **Duty to mark generated text:** EU Regulation 2024/1689, Article 50, has providers mark it in a machine-readable way. Who flooded before will not mark now; for the others it makes honesty the default.
# - **Ban of the act:** fake reviews are forbidden, however they are written: in the US by 16 CFR Part 465 (in force since October 2024), in the EU by Directive 2019/2161. The hard part is proof.
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# Fifteen minutes. Three minutes to prepare, then the platform begins, each part answers the one before. End with a vote by hands: which one measure first? The legal points are pointers, not advice, and laws change: check before class. What the class has seen remains: a few dozen texts move the average of a page.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Building blocks
#
# ![A table: encoders of nothing, a window, a colour, a label, a text and a picture in its rows, decoders of one label, a label per token and a text in its columns; the cells name the notebooks in which a pair occurs, such as 08 for a colour and its name.](../figures/building_blocks.svg)
#
# What an encoder hands over is a vector. What a decoder wants is a vector. So they combine, if they are trained together.

# %% [markdown] slideshow={"slide_type": "notes"}
# Go through the pairs: a name to a label in notebook 3, a sentence to a sentence in notebook 7, a label to a name today, a picture to a caption in notebook 11. Ask for a pair that nobody has drawn.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One decoder, three encoders
#
# The writers of this notebook, taken apart: parameters of the encoder and of the rest, and what a request looks like.

# %% slideshow={"slide_type": "skip"}
asked_for = {
    "colours": (colour_writers[0][0], colour_requests(colour_names)),
    "names": (name_writers[0], name_x),
    "reviews": (reviewers[6][0], sign_requests(review_signs)),
}

# %% tags=["topic-G4"]
print("           encoder     its parameters   the rest   a request   v")
for what, (model, x) in asked_for.items():
    own, v = parameter_count(model.encoder), model.start(x[:1])[1]
    shape = "three numbers" if x.dim() == 2 else "a label"
    print(f"{what:9}  {type(model.encoder).__name__:9} {own:12,} {parameter_count(model) - own:14,}   {shape:13} {v.shape[1]} numbers")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("all three are of one class:", len({type(model) for model, _ in asked_for.values()}) == 1)

# %% [markdown] slideshow={"slide_type": "notes"}
# One class, one training loop, one loop of generation. The encoder of a colour has a few hundred parameters, that of a picture would have millions; the writer does not notice.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The style is that of the data
#
# The same few lines, three corpora, and what comes out at temperature 0.8:

# %% tags=["topic-G2"]
print("colours:", *(" · ".join(names_for(rgb, 3, seed=i)) for i, rgb in enumerate(EIGHT[:3])), sep="\n  ")
languages = enumerate(("Welsh", "Polish", "Turkish"))
print("names:  ", *(" · ".join(invented_in(language, 3, seed=i)) for i, language in languages), sep="\n  ")
print("reviews:", *reviews_on_request(reviewers[6][0], np.array([1, -1, 1]), seed=2), sep="\n  ")

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing in the code says what a colour or a language is. Add to this the Python functions of 08_char_rnn: any text will do, and its style comes along, mistakes and prejudices included.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A vector can be mixed
#
# A label is a row of a table, so there is something *between* two labels: $v = (1 - m)\, v_{\text{Lithuanian}} + m\, v_{\text{Swahili}}$. Nobody trained that. An encoder that gives it, and a writer behind it:

# %%
class Mixture(nn.Module):
    """An encoder of numbers m (B,): the vectors of two labels of another encoder, mixed (1 − m) : m."""

    def __init__(self, encoder, first, second):
        super().__init__()
        self.first, self.second = encoder.weight[first].detach(), encoder.weight[second].detach()

    def forward(self, m):
        return (1 - m[:, None]) * self.first + m[:, None] * self.second


def with_encoder(model, encoder):
    """The same writer behind another encoder."""
    other = ConditionalLM(encoder, len(model.C.weight), model.C.embedding_dim, model.H)
    other.load_state_dict({name: w for name, w in model.state_dict().items() if "encoder" not in name}, strict=False)
    return other.eval()

# %% [markdown] slideshow={"slide_type": "notes"}
# The encoder is exchanged, everything else is copied. Only v knows the difference.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From Lithuanian to Swahili
#
# Two hundred names for each mixture, three writers, temperature 0.5: for which language does the classifier vote? The two were taken because it recognises both well.

# %% slideshow={"slide_type": "skip"}
pair = [LANGUAGES.index(language) for language in ("Lithuanian", "Swahili")]
mixtures, mixed_shares = (0, 0.25, 0.5, 0.75, 1), []
for model in name_writers:
    mixed, runs = with_encoder(model, Mixture(model.encoder, *pair)), []
    for m in mixtures:
        torch.manual_seed(0)
        texts = decode_texts(write(mixed, torch.full((200,), float(m)), drawn_at(0.5), 40), name_letters)
        vote = votes(texts)
        runs.append([100 * (vote == label).double().mean().item() for label in pair])
    mixed_shares.append(runs)

# %% tags=["output-only"]
mean, sd = np.mean(mixed_shares, axis=0), np.std(mixed_shares, axis=0, ddof=1)
for m, first, second, (sd_first, sd_second) in zip(mixtures, *mean.T, sd):
    print(f"m = {m:4}: Lithuanian {first:3.0f} ± {sd_first:2.0f} %", end="")
    print(f"   Swahili {second:3.0f} ± {sd_second:2.0f} %   another language {100 - first - second:3.0f} %")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
print("the votes go along:", mean[0, 0] > mean[2, 0] and mean[-1, 1] > mean[0, 1])

# %% [markdown] slideshow={"slide_type": "notes"}
# Mean and standard deviation of three seeds. Half-way the votes are mostly for one of the two; where the change comes differs from start to start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Blocks fit only if they were trained together
#
# The colours' encoder also gives 96 numbers. Behind it, the names' writer runs without an error. Does it say anything about the colour?

# %%
painted = with_encoder(name_writers[0], colour_writers[0][0].encoder)
for colour, rgb in {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.1, 0.2, 0.8)}.items():
    torch.manual_seed(0)
    x = torch.tensor([rgb]).expand(200, 3) * 2 - 1
    texts = decode_texts(write(painted, x, drawn_at(0.5), 40), name_letters)
    (best, count), *_ = Counter(votes(texts).tolist()).most_common()
    print(f"{colour:6} {' · '.join(texts[:4]):60} most votes: {LANGUAGES[best]}, {count / 2:.0f} %")

# %% [markdown] slideshow={"slide_type": "notes"}
# It runs, and it means nothing: to the writer these vectors are places somewhere among its languages. The shapes are an agreement between blocks, the meaning is another; only training makes the second. In notebook 11 an encoder that was trained for something else is used all the same, with a layer between that learns to translate.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - A writer that can be asked: one encoder more, and the same training, sampling and search serve colours, languages and labels.
# - Ways to check that it listens: nats with the right and with a wrong request, a judge that was not trained with it, Bayes' rule.
# - A judge's agreement read with care: beside its own ceiling, novelty and diversity.
# - A case for discussion with numbers in it: what a few dozen written reviews do to an average.
#
# **Next:** notebook 11 puts a picture in front of the writer.

# %% [markdown] slideshow={"slide_type": "notes"}
# The pattern to take home: whenever a model claims to do what it was asked, exchange the requests and measure again.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - R. Munroe: *Color Survey Results.* blog.xkcd.com, 3 May 2010; the names are in matplotlib as `XKCD_COLORS`.
# - Unicode Common Locale Data Repository, through Babel: the names of countries and languages.
# - O. Vinyals, A. Toshev, S. Bengio, D. Erhan: *Show and Tell: A Neural Image Caption Generator.* CVPR, 2015.
# - Regulation (EU) 2024/1689 (Artificial Intelligence Act), Article 50.
# - Directive (EU) 2019/2161, on fake consumer reviews among other things.
# - US Federal Trade Commission: *Rule on the Use of Consumer Reviews and Testimonials.* 16 CFR Part 465, 2024.

# %% [markdown] slideshow={"slide_type": "notes"}
# Show and Tell is the same decoder with a picture as the request: notebook 11.
