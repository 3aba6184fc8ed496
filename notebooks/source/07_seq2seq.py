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
#     run: 3
#     over:
#       cells: {most: 121, why: "to be recut"}
#       lines: {most: 931, why: "to be recut"}
#       minutes: {most: 124.2, why: "to be recut"}
#       slides: {most: 89, why: "to be recut"}
#       pictures: {most: 6, why: "to be recut"}
#       slide_lines: {most: 16, why: "to be recut"}
#       code_share: {most: 76.5, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 7 · From one sequence to another
#
# > A translation has its own length and its own order. No tagger can write it: nobody says which word belongs to which.
#
# **You will** build an encoder–decoder from two LSTMs, find the limits of the one vector between them, and let it look back with attention.<br>
# **You need** notebooks 5 and 6 (LSTM, padding, reading both ways).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask the class to translate "twenty one" into German, aloud, and to say in which order the parts came. Then ask how a network that writes one word for each word it reads could ever do that.

# %% slideshow={"slide_type": "skip"}
import importlib
import math
import random
import time
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import product
from typing import NamedTuple
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from babel import Locale
from babel.dates import format_date
from ipywidgets import BoundedIntText, Dropdown, IntSlider, Text, interact
from torch import nn
from torch.nn.functional import cross_entropy, pad, scaled_dot_product_attention
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.taught.bidirectional import reverse_padded  # derived in notebook 6
from course_utils.taught.fixed_window_lm import lr_schedule  # derived in notebook 2
from course_utils.taught.lstm_gru import init_forget_bias, lstm, lstm_step_fused, weights_of  # derived in notebook 5
from course_utils.taught.vanilla_rnn import parameter_count  # derived in notebook 3

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_j$ | `x` | `(B, S)` | word $j$ of the source; every row ends with EOS, then PAD |
# | $y_t$ | `y` | `(B, T)` | word $t$ of the target, likewise |
# | $h_j$ | `h` | `(B, S, H)` | state of the encoder at $x_j$ |
# | $v$ | | `(B, H)` twice | hidden and cell state that the encoder hands over |
# | $s_t$ | `s` | `(B, T, H)` | state of the decoder before it writes $y_t$ |
# | $\alpha_{tj}$ | `alpha` | `(B, T, S)` | weight of source word $j$ while $y_t$ is written |
# | $c_t$ | `context` | `(B, T, H)` | $\sum_j \alpha_{tj} h_j$ |
# | $V_x, V_y$ | `V_x`, `V_y` | | sizes of the two vocabularies |
#
# Numbers 0, 1, 2 stand for PAD, BOS, EOS everywhere; $|y|$ is the length of $y$, EOS included.

# %% [markdown] slideshow={"slide_type": "notes"}
# Two lengths, S and T, and two indices, j and t: the whole lecture is about having both. In earlier notebooks c was the LSTM's cell state; papers on attention call the context c too, so it is c with an index t here.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · One vector between two chains
#
# ![The encoder reads I like neural networks EOS. Its last state is the vector v, all that is handed on. The decoder starts from v, reads BOS Ich mag neuronale Netze and writes Ich mag neuronale Netze EOS.](../figures/encoder_decoder.svg)
#
# $$p(y \mid x) = \prod_t p(y_t \mid y_1 \ldots y_{t-1}, v)$$
#
# $v$ is the encoder's last hidden and cell state. $N$ words in, $M$ words out; none comes out before all are read.

# %% [markdown] slideshow={"slide_type": "notes"}
# Sutskever, Vinyals and Le 2014; Cho and others 2014. Of the families of notebook 0 this is N → M with delay. The left half is a summary, N → 1. The right half is a language model that starts from the summary instead of from zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Sentences as rows of numbers
#
# Three numbers are taken: PAD fills rows up, BOS starts the decoder, EOS says "the sentence ends here". Words follow.

# %% tags=["topic-B6b", "export"]
PAD, BOS, EOS = 0, 1, 2


def build_vocab(sentences):
    """A number for each word of the sentences, after those of PAD, BOS and EOS."""
    words = sorted({word for sentence in sentences for word in sentence})
    return {word: number for number, word in enumerate(words, start=3)}


def pad_batch(sentences, number):
    """Sentences as rows of numbers (B, T), each ended by EOS, the shorter ones filled up with PAD."""
    rows = [torch.tensor([*(number[word] for word in sentence), EOS]) for sentence in sentences]
    return pad_sequence(rows, batch_first=True, padding_value=PAD)

# %% [markdown] slideshow={"slide_type": "notes"}
# PAD is 0, so that a row of zeros is an empty row. The words are in alphabetical order; the order means nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two German sentences

# %% tags=["topic-B6b"]
two_targets = ["Ich mag neuronale Netze".split(), "Ich mag Netze".split()]
y = pad_batch(two_targets, build_vocab(two_targets))
print(build_vocab(two_targets))
y

# %% [markdown]
# Each row ends with EOS, 2. The shorter one is filled up with PAD, 0. An embedding table for these rows has $V = 4 + 3$ rows: four words, and the three numbers that are taken.

# %% [markdown] slideshow={"slide_type": "notes"}
# Without EOS the decoder would not know when to stop, nor would we. EOS is a word like any other: it is predicted and it counts. PAD is no word at all: it only makes the table rectangular.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Teacher forcing
#
# ![Under teacher forcing the decoder's next input is the true word, so its mistake dog for cat is not read. When it runs free it reads its own output: after dog it goes on with barks at me.](../figures/teacher_forcing.svg)

# %% tags=["export"]
def shift_right(y):
    """What the decoder reads, (B, T), while it is to write y (B, T): BOS first, the last column left out."""
    return torch.cat([torch.full_like(y[:, :1], BOS), y[:, :-1]], dim=1)

# %% tags=["output-only"]
shift_right(y)

# %% [markdown] slideshow={"slide_type": "notes"}
# In training the true words are known, so all steps can be computed in one go. Compare with y on the slide before: one column later, BOS in front. The short row reads its own EOS; nothing that comes after it counts. What the difference between the two modes costs is measured in the next notebook, `07_translation`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Encode: the chain stands still at PAD
#
# Rows end at different steps, but each needs the state after its own EOS. Notebook 5's step gets one more input column: 1 at a word, 0 at PAD. At 0 hidden and cell state stay as they are.

# %% tags=["topic-B6b"]
def step_at_words(x_t, h, c, W, b):
    """lstm_step_fused in the rows whose last column of x_t (B, E + 1) is 1; the others keep h and c."""
    is_word = x_t[:, -1:] == 1
    new_h, new_c = lstm_step_fused(x_t[:, :-1], h, c, W, b)
    return torch.where(is_word, new_h, h), torch.where(is_word, new_c, c)


def encoded(x, C, W, b):
    """The vector v, hidden and cell state (B, H) each, after the EOS of each row of x (B, S); C (V, E) embeds."""
    zero = C.new_zeros(len(x), len(b) // 4)
    inputs = torch.cat([C[x], (x != PAD)[:, :, None]], dim=2)  # (B, S, E + 1)
    states, c = lstm(inputs, zero, zero, step_at_words, W, b)
    return states[:, -1], c

# %% [markdown] slideshow={"slide_type": "notes"}
# lstm and lstm_step_fused are notebook 5's. v is hidden and cell state side by side: the decoder gets both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Decode: a language model that starts from v
#
# The same step, with weights of its own, started from $v$ instead of zero. With teacher forcing all inputs are known in advance: states over the shifted targets, then a score for each word of the vocabulary.

# %% tags=["topic-B6b"]
def scored(v, y, C, W, b, U, a):
    """Scores (B, T, V) of each word of y (B, T), given the words before it and v; U (H, V) and a (V,) read out."""
    states, _ = lstm(C[shift_right(y)], *v, lstm_step_fused, W, b)
    return states @ U + a

# %% [markdown] slideshow={"slide_type": "notes"}
# U and a read the scores off the states, as in every language model of the course.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One pass, with random weights
#
# Source and target have vocabularies, lengths and weights of their own:

# %% tags=["topic-B6b"]
two_sources = ["I like neural networks".split(), "I like networks".split()]
x = pad_batch(two_sources, build_vocab(two_sources))
E, H, V_x, V_y = 3, 5, x.max() + 1, y.max() + 1
weights = [torch.randn(shape) for shape in ((V_x, E), (E + H, 4 * H), (4 * H,))]
output_layer = [torch.randn(shape) for shape in ((V_y, E), (E + H, 4 * H), (4 * H,), (H, V_y), (V_y,))]
v = encoded(x, *weights)
print("x", tuple(x.shape), "  v", [tuple(part.shape) for part in v], "  scores", tuple(scored(v, y, *output_layer).shape))

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten numbers per sentence cross from one half to the other, however long the sentence is. Everything the decoder knows of the source it knows through v.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### With `torch.nn.LSTM`: a translator has three methods
#
# | call | gives |
# |---|---|
# | `model.start(x)` | the state that starts the decoder, here $v$: a tuple of tensors, batch first |
# | `model.step(w, state)` | log-probabilities `(B, V_y)` of the word after `w` `(B,)`, and the new state |
# | `model(x, y)` | scores `(B, T, V_y)` under teacher forcing, all steps at once |
#
# Packing (notebook 5) lets each row end at its own EOS. Every later translator has the same three.

# %% tags=["export"] slideshow={"slide_type": "skip"}
class OneVector(nn.Module):
    """An encoder LSTM whose last hidden and cell state, the vector v, start a decoder LSTM."""

    def __init__(self, V_x, V_y, E, H):
        super().__init__()
        self.C_x, self.C_y = nn.Embedding(V_x, E), nn.Embedding(V_y, E)
        self.encoder, self.decoder = nn.LSTM(E, H, batch_first=True), nn.LSTM(E, H, batch_first=True)
        self.output_layer = nn.Linear(H, V_y)

    def start(self, x):
        """Hidden and cell state (B, H) of the encoder after the EOS of each row of x (B, S)."""
        length = (x != PAD).sum(dim=1)
        packed = pack_padded_sequence(self.C_x(x), length, batch_first=True, enforce_sorted=False)
        h, c = self.encoder(packed)[1]
        return h[0], c[0]

    def step(self, w, state):
        """Log-probabilities (B, V_y) of the word after w (B,), and the new state."""
        h, (s, c) = self.decoder(self.C_y(w)[:, None], tuple(part[None] for part in state))
        return torch.log_softmax(self.output_layer(h[:, 0]), dim=1), (s[0], c[0])

    def forward(self, x, y):
        """Scores (B, T, V_y) of each word of y (B, T), given the words before it."""
        s, _ = self.decoder(self.C_y(shift_right(y)), tuple(part[None] for part in self.start(x)))
        return self.output_layer(s)

# %% tags=["topic-B6b"]
model = OneVector(V_x, V_y, E, H)
{
    name: sum(p.numel() for p in getattr(model, name).parameters())
    for name in ("C_x", "encoder", "C_y", "decoder", "output_layer")
}

# %% [markdown] slideshow={"slide_type": "notes"}
# start and step are for translating, where the next input is known only after the last word is chosen. forward is for training. The beam search of the next notebook needs only start and step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal in scores and in all gradients
#
# `from_scratch` calls `encoded` and `scored` with the model's own weights, taken out by notebook 5's `weights_of`; gradients flow through. Rows of 5 and 4 words, then with three columns of PAD more:

# %% slideshow={"slide_type": "skip"}
def from_scratch(model, x, y):
    """The scores (B, T, V_y) of a OneVector, computed by encoded and scored with its own weights."""
    v = encoded(x, model.C_x.weight, *weights_of(model.encoder, "l0"))
    U, a = model.output_layer.weight.T, model.output_layer.bias
    return scored(v, y, model.C_y.weight, *weights_of(model.decoder, "l0"), U, a)

# %% tags=["topic-B6b", "nbval-check-output"]
model = model.double()
for more in (0, 3):
    x_padded, y_padded = pad(x, (0, more)), pad(y, (0, more))
    pair = from_scratch(model, x_padded, y_padded), model(x_padded, y_padded)
    weigh = torch.randn_like(pair[0])
    gradients = [torch.autograd.grad((scores * weigh).sum(), model.parameters()) for scores in pair]
    same_scores = torch.allclose(*pair, rtol=0, atol=1e-10)
    same_gradients = [torch.allclose(*two, rtol=0, atol=1e-10) for two in zip(*gradients)]
    print(f"{more} more PADs: scores {same_scores}, {sum(same_gradients)} of {len(same_gradients)} gradients to 1e-10")

# %% [markdown] slideshow={"slide_type": "notes"}
# Two embeddings, four tensors for each LSTM, matrix and bias of the output layer: twelve. The sum weighs every score with a random number of its own, so that no entry can hide. The loss is compared below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A small German, and its English
#
# "I like …", "today she does not need …": a *meaning* is a row of choices, realised in both languages. Verbs agree with the person, articles and adjectives with the noun. Capitals stay as in the lecture's sentences: at the start, and on German nouns.

# %%
PERSONS = {"I": ("ich", 0), "you": ("du", 1), "he": ("er", 2), "she": ("sie", 2), "we": ("wir", 3), "they": ("sie", 3)}
VERBS = {  # after ich, du, er or sie, and in the plural
    "like": ["mag", "magst", "mag", "mögen"],
    "see": ["sehe", "siehst", "sieht", "sehen"],
    "need": ["brauche", "brauchst", "braucht", "brauchen"],
}
ADJECTIVES = {"big": "groß", "small": "klein", "old": "alt", "new": "neu", "beautiful": "schön", "neural": "neuronal"}
DECLENSION = {  # article and ending of the adjective, as objects
    "the": {"m": ("den", "en"), "f": ("die", "e"), "n": ("das", "e"), "plural": ("die", "en")},
    "a": {"m": ("einen", "en"), "f": ("eine", "e"), "n": ("ein", "es"), "plural": ("", "e")},
    "no": {"m": ("keinen", "en"), "f": ("keine", "e"), "n": ("kein", "es"), "plural": ("keine", "en")},
}

# %% slideshow={"slide_type": "skip"}
ADVERBS = {"": "", "today": "heute", "now": "jetzt"}
NOUNS = {  # singular, plural, gender
    "dog": ("Hund", "Hunde", "m"),
    "tree": ("Baum", "Bäume", "m"),
    "table": ("Tisch", "Tische", "m"),
    "cat": ("Katze", "Katzen", "f"),
    "flower": ("Blume", "Blumen", "f"),
    "lamp": ("Lampe", "Lampen", "f"),
    "house": ("Haus", "Häuser", "n"),
    "network": ("Netz", "Netze", "n"),
    "model": ("Modell", "Modelle", "n"),
}

# %% [markdown] slideshow={"slide_type": "notes"}
# The English "you" is always du here, so that each English sentence has one translation. Nouns and adverbs are in a table of their own: nine nouns, three of each gender. Ask for the ending in "ein … Haus", "das … Haus", "keine … Häuser".

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One meaning, two sentences
#
# A German noun phrase needs gender and number of the noun before its first word can be written. Nothing here is aligned word by word: *not* goes to the end of the German sentence, or melts into the article.

# %% slideshow={"slide_type": "skip"}
def as_sentence(*words):
    """The words that are not empty, the first with a capital."""
    first, *others = [word for word in words if word]
    return [first[0].upper() + first[1:], *others]


def english_phrase(article, adjective, noun, plural):
    """An English noun phrase; article and adjective may be empty."""
    words = [adjective, noun + "s" * plural] if adjective else [noun + "s" * plural]
    return ["an" if article == "a" and words[0][0] in "aeiou" else article, *words]


def like_in_english(adverb, person, verb, negated, article, adjective, noun, plural):
    """The English sentence of a meaning: Today she does not need an old lamp."""
    third = person in ("he", "she")
    verbs = ["does" if third else "do", "not", verb] if negated else [verb + "s" * third]
    article = "" if article == "a" and plural else article
    return as_sentence(adverb, person, *verbs, *english_phrase(article, adjective, noun, plural))

# %%
def like_in_german(adverb, person, verb, negated, article, adjective, noun, plural):
    """The German sentence of a meaning: Heute braucht sie keine alte Lampe."""
    (subject, row), (singular, many, gender) = PERSONS[person], NOUNS[noun]
    start = [subject, VERBS[verb][row]]
    start = [ADVERBS[adverb], *reversed(start)] if adverb else start  # the verb stays second
    kind = "no" if negated and article == "a" else article
    word, ending = DECLENSION[kind]["plural" if plural else gender]
    adjective = ADJECTIVES[adjective] + ending if adjective else ""
    last = "nicht" if negated and article == "the" else ""
    return as_sentence(*start, word, adjective, many if plural else singular, last)

# %% [markdown] slideshow={"slide_type": "notes"}
# Three things to see: after an adverb the verb comes before the subject; "not" with the definite article is "nicht" at the end, with the indefinite one it becomes kein; the adjective's ending depends on article, gender and number. like_in_english is in the notebook.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three meanings
#
# Adverb, person, verb, negated, article, adjective, noun, plural:

# %% tags=["topic-B6b", "nbval-check-output"]
for meaning in [
    ("", "I", "like", False, "a", "neural", "network", True),
    ("today", "she", "need", True, "a", "old", "lamp", False),
    ("now", "you", "see", True, "the", "big", "dog", False),
]:
    print(" ".join(like_in_english(*meaning)), " →  ", " ".join(like_in_german(*meaning)))

# %% [markdown] slideshow={"slide_type": "notes"}
# The first is the lecture's example. In the second, two English words, does and not, have become part of one German word, keine. In the third, not has moved to the end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A small French, and its English
#
# French nouns have two genders, article and adjective follow them, and both change again before a vowel. Adjectives with a fifth form, for a masculine noun that starts with a vowel, stand *before* the noun; the others after it.

# %%
FRENCH_ADJECTIVES = {  # m and f, m and f in the plural, m before a vowel
    "old": ["vieux", "vieille", "vieux", "vieilles", "vieil"],
    "beautiful": ["beau", "belle", "beaux", "belles", "bel"],
    "new": ["nouveau", "nouvelle", "nouveaux", "nouvelles", "nouvel"],
    "red": ["rouge", "rouge", "rouges", "rouges"],
    "black": ["noir", "noire", "noirs", "noires"],
}
FRENCH_ARTICLES = {  # m, f, plural, before a vowel; "the" elides before both genders
    "the": ["le", "la", "les", "l'"],
    "a": ["un", "une", "des", "un"],
    "this": ["ce", "cette", "ces", "cet"],
}

# %% slideshow={"slide_type": "skip"}
SUBJECTS = {"cat": ("chat", "m"), "bird": ("oiseau", "m"), "book": ("livre", "m"), "apple": ("pomme", "f")}
PLACES = {
    "chair": ("chaise", "f"),
    "table": ("table", "f"),
    "house": ("maison", "f"),
    "school": ("école", "f"),
    "tree": ("arbre", "m"),
}
PREPOSITIONS = {"on": "sur", "under": "sous", "in front of": "devant"}
ENGLISH_ARTICLES = {"the": ("the", "the"), "a": ("a", "some"), "this": ("this", "these")}
VOWELS = "aéo"  # with which French words begin here

# %% [markdown] slideshow={"slide_type": "notes"}
# Old, beautiful and new, the three adjectives with a form of their own before a vowel: un vieil arbre. Four nouns can be subjects, five can be places; no noun begins with an h, so that the question of the aspirated h does not come up.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A French noun phrase
#
# Two choices depend on the *next* word: the adjective's form, then the article's. *De* replaces *des* before an adjective; *le* and *la* become *l'* before a vowel.

# %%
def french_phrase(article, adjective, noun, plural):
    """A French noun phrase; the adjective may be empty."""
    word, gender = {**SUBJECTS, **PLACES}[noun]
    words, form = [word + ("x" if word.endswith("eau") else "s") * plural], 2 * plural + (gender == "f")
    before = adjective and len(FRENCH_ADJECTIVES[adjective]) == 5
    if adjective:
        form = 4 if before and form == 0 and word[0] in VOWELS else form
        words.insert(0 if before else 1, FRENCH_ADJECTIVES[adjective][form])
    if article == "a" and plural and before:
        return ["de", *words]  # de vieux arbres
    elided = words[0][0] in VOWELS and (gender == "m" or article == "the")
    which = 2 if plural else 3 if elided else int(gender == "f")
    return [FRENCH_ARTICLES[article][which], *words]

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the function from top to bottom: number, then the adjective with its form and its place, then the article, which looks at the word that now comes first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Four noun phrases
#
# Article, adjective, noun, plural. **Predict** the first two with a cat, *un chat*, and a table, *une table*, instead.
#
# <details><summary>Answer</summary>le chat noir, cette vieille table</details>

# %% tags=["topic-B6a", "nbval-check-output"]
phrases = [
    ("the", "black", "bird", 0),
    ("this", "old", "tree", 0),
    ("a", "beautiful", "apple", 1),
    ("the", "", "school", 0),
]
[" ".join(french_phrase(*phrase)) for phrase in phrases]

# %% [markdown] slideshow={"slide_type": "notes"}
# The apostrophe stays with the article, as a word of its own: l' école. So a word of the source can depend on what comes after it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### … and the whole sentence
#
# A subject, singular or plural, is or is not somewhere; at most one of the two nouns has an adjective.

# %% tags=["topic-B6a"]
def place_in_french(subject, negated, preposition, place):
    """The French sentence of a meaning: L' oiseau n' est pas sur ce vieil arbre."""
    be = "sont" if subject[3] else "est"
    verbs = ["n'" if be == "est" else "ne", be, "pas"] if negated else [be]
    return as_sentence(*french_phrase(*subject), *verbs, PREPOSITIONS[preposition], *french_phrase(*place))


def place_in_english(subject, negated, preposition, place):
    """The English sentence of a meaning: The bird is not on this old tree."""
    of = [english_phrase(ENGLISH_ARTICLES[kind][plural], *rest, plural) for kind, *rest, plural in (subject, place)]
    verbs = ["are" if subject[3] else "is", "not" if negated else ""]
    return as_sentence(*of[0], *verbs, *preposition.split(), *of[1])


meaning = ("the", "", "cat", False), False, "on", ("the", "", "chair", False)
" ".join(place_in_french(*meaning)), " ".join(place_in_english(*meaning))

# %% [markdown] slideshow={"slide_type": "notes"}
# The lecture's example, made by the grammar. One French word, devant, is three English ones; two, ne and pas, are one: so N and M differ.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### All sentences, each with one translation
#
# An example holds source, target, and the pairs of adjective and noun in it. Every meaning is realised once, so all sentences of both small languages are known, and none has two right translations.

# %% slideshow={"slide_type": "skip"}
def german_examples():
    """(English, German, pairs) of every meaning of the small German; only networks and models are neural."""
    ways = product(ADVERBS, PERSONS, VERBS, (False, True), ("the", "a"), ["", *ADJECTIVES], NOUNS, (False, True))
    meanings = [m for m in ways if m[5] != "neural" or m[6] in ("network", "model")]
    return [(like_in_english(*m), like_in_german(*m), {m[5:7]} if m[5] else set()) for m in meanings]


def french_examples():
    """(French, English, pairs) of every meaning of the small French."""
    articles, adjectives = FRENCH_ARTICLES, ["", *FRENCH_ADJECTIVES]
    subjects, places = (
        product(articles, adjectives, SUBJECTS, (False, True)),
        product(articles, adjectives, PLACES, [False]),
    )
    ways = product(subjects, (False, True), PREPOSITIONS, places)
    meanings = [m for m in ways if not (m[0][1] and m[3][1])]
    pairs = [{phrase[1:3] for phrase in (m[0], m[3]) if phrase[1]} for m in meanings]
    return [(place_in_french(*m), place_in_english(*m), p) for m, p in zip(meanings, pairs)]

# %% tags=["nbval-check-output"]
de_examples, fr_examples = german_examples(), french_examples()
for name, examples in (("English → German", de_examples), ("French → English", fr_examples)):
    sources, targets, pairs = zip(*examples)
    distinct, words = len({tuple(source) for source in sources}), [len(build_vocab(side)) for side in (sources, targets)]
    print(f"{name}: {len(examples)} sentences, {distinct} different sources; {words[0]} → {words[1]} words", end="; ")
    print(f"lengths {min(map(len, targets))} to {max(map(len, targets))}; {len(set.union(*pairs))} pairs")

# %% [markdown] slideshow={"slide_type": "notes"}
# The claim that no source occurs twice is checked here: as many different sources as sentences.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A few of them
#
# Drawn at random. They are grammatical; sense was not asked for:

# %%
for source, target, _ in random.Random(0).sample(de_examples, 3) + random.Random(1).sample(fr_examples, 4):
    print(" ".join(source), " →  ", " ".join(target))

# %% [markdown] slideshow={"slide_type": "notes"}
# As many sources as sentences: no source occurs twice, so there is exactly one right answer, and exact match is a fair measure. The sentences are grammatical, not sensible.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What is kept out of training
#
# A fifth of the pairs, drawn at random: *old* and *house* are both in training, *old house* perhaps never. Every word must stay in training. The lecture's two sentences are kept out, too.

# %% slideshow={"slide_type": "skip"}
class Task(NamedTuple):
    """Numbers of the words, and rows (x, y) for training and for two tests."""

    number_x: dict
    number_y: dict
    train: tuple
    seen: tuple
    held_out: tuple

# %%
def split_by_pairs(examples, lecture, N=6000, tests=500, seed=0):
    """A Task of N training sentences; tests with pairs seen in training, and with pairs kept out of it."""
    rng = random.Random(seed)
    pairs = sorted({pair for *_, found in examples for pair in found if pair[0] != "neural"})
    examples = [example for example in rng.sample(examples, len(examples)) if example[0] != lecture.split()]
    numbers, usual = [build_vocab(example[side] for example in examples) for side in (0, 1)], []
    while [build_vocab(example[side] for example in usual[:N]) for side in (0, 1)] != numbers:  # until no word is missing
        kept_out = set(rng.sample(pairs, len(pairs) // 5))
        usual = [example for example in examples if not example[2] & kept_out]
    unseen = [example for example in examples if example[2] & kept_out]
    parts = usual[:N], usual[N : N + tests], unseen[:tests]
    rows = [tuple(pad_batch([e[side] for e in part], numbers[side]) for side in (0, 1)) for part in parts]
    return Task(*numbers, *rows)

# %% [markdown] slideshow={"slide_type": "notes"}
# A test of new sentences of known pairs asks for a new combination of known parts in many ways at once. A test of held-out pairs asks whether adjective and noun are understood one by one. The pairs of "neural" are not drawn, because it goes with two nouns only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two tasks
#
# From the same grammars: 6000 sentences for training, 500 new ones whose pairs were all seen, and 500 with a pair that was kept out. If a test sentence stood in training, too, a table of sentences would do; so count:

# %% tags=["nbval-check-output"]
de_task = split_by_pairs(de_examples, "I like neural networks")
fr_task = split_by_pairs(fr_examples, "Le chat est sur la chaise")
for name, task in (("English → German", de_task), ("French → English", fr_task)):
    train, *tests = ({tuple(row) for row in pad(x, (0, 12 - x.shape[1])).tolist()} for x, _ in task[2:])
    print(f"{name}: {len(train)} to learn from,", " and ".join(f"{len(test)} to test" for test in tests), end="; ")
    print("in both:", [len(train & test) for test in tests])

# %% [markdown] slideshow={"slide_type": "notes"}
# Training sees about a quarter of all sources, and no test sentence.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Translate, and compare
#
# Running free, there is no true word to read: the likeliest word becomes the next input, right or wrong. The next notebook has better ways to search. A row is right only if every word up to EOS is right.

# %% tags=["topic-B6b", "export"]
@torch.no_grad()
def greedy(model, x, longest):
    """The likeliest word at each step, for each row of x: numbers (B, longest), EOS among them where it comes."""
    state, w, written = model.start(x), torch.full((len(x),), BOS), []
    for _ in range(longest):
        log_p, state = model.step(w, state)
        w = log_p.argmax(dim=1)
        written.append(w)
    return torch.stack(written, dim=1)


def decode_ids(rows, words):
    """The words of each row of numbers, up to its first EOS."""
    lists = [row[: row.index(EOS)] if EOS in row else row for row in rows.tolist()]
    return [[words[number] for number in row] for row in lists]

# %% [markdown] slideshow={"slide_type": "notes"}
# After EOS the decoder may write what it likes: decode_ids cuts it off.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Right, or not
#
# Compare up to and including the target's EOS. What stands after it does not matter, since a translation ends there. A right row, one with a wrong word, one that does not stop, and one cut off before its EOS:

# %% tags=["export"]
def exact_match(rows, y):
    """Whether each row (B, T) equals its target y (B, T') up to and including EOS: bools (B,)."""
    width = min(rows.shape[1], y.shape[1])
    real = y != PAD
    return ((rows[:, :width] == y[:, :width]) | ~real[:, :width]).all(dim=1) & ~real[:, width:].any(dim=1)

# %% tags=["nbval-check-output"]
target, words = torch.tensor([[5, 4, EOS, PAD]]), ["PAD", "BOS", "EOS", "like", "you", "I"]
for row in ([5, 4, EOS, 3], [5, 3, EOS, 3], [5, 4, 4, EOS], [5, 4]):
    rows = torch.tensor([row])
    print(f"{row!s:13} {' '.join(*decode_ids(rows, words)):9} {exact_match(rows, target).item()}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Exact match is strict: one wrong ending, and the whole sentence is wrong. The next notebook has a milder measure.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A training loop, as found
#
# A step takes `B` random sentences. One line of this loop is wrong; nothing crashes. **Read it, and guess.**

# %%
def train_as_found(model, x, y, seed, steps, B, lr):
    """Train on rows x (N, S) and y (N, T), B random ones in each step; return the losses (steps,)."""
    torch.manual_seed(seed)
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=lr), []
    rate = lr_schedule(optimizer, lr, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (B,))
        source, target = x[rows], y[rows]
        loss = cross_entropy(model(source, target).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        losses.append(loss.item())
    return np.array(losses)

# %% [markdown] slideshow={"slide_type": "notes"}
# Let everybody write down a line before going on. The usual suspects: the shift, the clipping, the order of zero_grad and backward. Those are all right. lr_schedule is notebook 2's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The symptom
#
# English → German, 40 steps of 64 sentences. The table of targets is 16 columns wide: room for longer sentences, should they come. Uniform guessing costs $\ln V$ nats. Is this model good?

# %% [markdown] slideshow={"slide_type": "skip"}
# All forget gates begin open, by notebook 5's `init_forget_bias`: $v$ has to survive several words of reading and of writing. Try `bias=0`: the same number of steps then teaches far less.

# %% slideshow={"slide_type": "skip"}
SIZES, SETTINGS = {"E": 64, "H": 96}, {"steps": 100, "B": 64, "lr": 0.02}


def new_translator(task, seed):
    """A OneVector for a task, its weights drawn from the seed, its forget gates open."""
    torch.manual_seed(seed)
    model = OneVector(len(task.number_x) + 3, len(task.number_y) + 3, **SIZES)
    init_forget_bias(model.encoder, bias=2)
    init_forget_bias(model.decoder, bias=2)
    return model


def share_translated(model, rows):
    """The share of rows (x, y) that a model translates without any mistake."""
    x, y = rows
    return exact_match(greedy(model, x, y.shape[1]), y).float().mean().item()

# %%
wide = pad(de_task.train[1], (0, 16 - de_task.train[1].shape[1]))
hasty = new_translator(de_task, seed=0)
losses = train_as_found(hasty, de_task.train[0], wide, seed=0, **{**SETTINGS, "steps": 40})
print(f"uniform {math.log(len(de_task.number_y) + 3):.2f} nats; loss of the last ten steps {losses[-10:].mean():.2f}")
print(f"as if choosing among {np.exp(losses[-10:].mean()):.1f} words;", end=" ")
print(f"translated without a mistake: {share_translated(hasty, de_task.seen):.1%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# By the loss, the model hesitates between two words at a step. Yet hardly any sentence is right. Somewhere easy answers are being counted.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The evidence
#
# The same model and the same 500 sentences, whose longest fits into 8 columns; only columns of PAD are added to the targets. Nothing about the translations changes.

# %%
x, y = de_task.seen
with torch.no_grad():
    for more in (0, 4, 16):
        padded = pad(y, (0, more))
        loss = cross_entropy(hasty(x, padded).flatten(0, 1), padded.flatten())
        print(f"{more:2} more PADs: {(padded == PAD).float().mean():4.0%} of the targets are PAD, loss {loss:.2f} nats")

# %% [markdown]
# A loss must not depend on how far the longest sentence in the batch makes the others be filled up. **Which line is it?**
#
# <details><summary>Answer</summary>The one that computes the loss: it takes PAD for a word, and PAD after EOS is easy to predict.</details>

# %% [markdown] slideshow={"slide_type": "notes"}
# After EOS comes PAD, after PAD comes PAD: the model learns that within a few steps, and is praised for it at every filled-up position.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · Nats per token
#
# `log_p` $(B, T, V)$ holds log-probabilities of all words at each step, `y` $(B, T)$ the numbers of the target words; 0 is PAD, 2 is EOS. Both are NumPy arrays. Return the mean number of nats per token; EOS is a token, PAD is none. **Predict:** take PAD into the mean, with a model that is sure of PAD after EOS. Too high or too low? And with a model that has never been asked for PAD?
#
# <details><summary>Answer</summary>Too low with the first, as on the slides before. Too high with the second: to it, PAD is a very unlikely word.</details>

# %% tags=["exercise-1-stub"]
def nats_per_token(log_p, y):
    """The mean loss per token, from log-probabilities (B, T, V) and targets (B, T)."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_nats_per_token(attempt):
    """Try an attempt on batches with full, short and single rows."""
    rng = np.random.default_rng(7)
    targets = [[[3, 5, 4, 2, 0], [4, 2, 0, 0, 0], [6, 3, 3, 5, 2]], [[5, 2, 0, 0], [3, 4, 6, 2]], [[4, 5, 2]]]
    scores = [(2 * rng.normal(size=(len(y), len(y[0]), 7)), np.array(y)) for y in targets]
    batches = [(np.log([[[1, 1, 2, 4], [2, 2, 2, 2], [4, 2, 1, 1]]]) - np.log(8), np.array([[3, 2, 0]]))]
    batches += [(s - np.log(np.exp(s).sum(axis=2, keepdims=True)), y) for s, y in scores]

    def picked(log_p, y):
        return -np.take_along_axis(log_p, y[:, :, None], axis=2)[:, :, 0]

    def truth(log_p, y):
        return picked(log_p, y)[y != 0].mean()

    def by_sentence(log_p, y):
        return (picked(log_p, y) * (y != 0)).sum(axis=1)

    return check(
        attempt,
        cases=[((log_p.copy(), y.copy()), truth(log_p, y)) for log_p, y in batches],
        misconceptions={
            "PAD is counted as a word, above and below the line": lambda p, y: picked(p, y).mean(),
            "the sum is right, but it is divided by the size of the table": lambda p, y: (
                by_sentence(p, y).sum() / y.size
            ),
            "the sum still contains PAD": lambda p, y: picked(p, y).sum() / (y != 0).sum(),
            "the sign is missing: log-probabilities are negative, a loss is not": lambda p, y: -truth(p, y),
            "a word in a short sentence weighs more than one in a long sentence: divide once, by all tokens": (
                lambda p, y: (by_sentence(p, y) / (y != 0).sum(axis=1)).mean()
            ),
            "these are nats per sentence; asked for are nats per token": lambda p, y: by_sentence(p, y).mean(),
            "this is one mean for each sentence; asked for is one number": lambda p, y: by_sentence(p, y) / (y != 0).sum(axis=1),
            "this is the sum; asked for is the mean": lambda p, y: by_sentence(p, y).sum(),
            "EOS is left out; it is predicted, so it counts": lambda p, y: picked(p, y)[y > 2].mean(),
            "this is the likeliest word's log-probability, not the target's": lambda p, y: (
                -p.max(axis=2)[y != 0].mean()
            ),
            "the mean runs over all words of the vocabulary: pick the target's log-probability first": (
                lambda p, y: -p[y != 0].mean()
            ),
            "this is the mean probability; the logarithms are given, so nothing needs an exp": (
                lambda p, y: np.exp(-picked(p, y))[y != 0].mean()
            ),
            "this is the perplexity, the exp of what is asked for": lambda p, y: np.exp(truth(p, y)),
            "these are bits; nats are natural logarithms, as given": lambda p, y: truth(p, y) / np.log(2),
            "shifted twice: log_p[:, t] belongs to y[:, t] already": lambda p, y: truth(p[:, :-1], y[:, 1:]),
            "PAD is left out, but nothing is averaged": lambda p, y: picked(p, y)[y != 0],
            "2 is EOS, and it counts; PAD is 0": lambda p, y: picked(p, y)[y != 2].mean(),
            "only the first sentence is counted": lambda p, y: truth(p[:1], y[:1]),
            "the mask is the wrong way round: only PAD counts": lambda p, y: (
                picked(p, y)[y == 0].sum() / max((y == 0).sum(), 1)
            ),
            "PAD is where y is 0, not where the model finds PAD likeliest": (
                lambda p, y: picked(p, y)[p.argmax(axis=2) != 0].mean()
            ),
            "one column too far left: word k stands in column k, since PAD has a column, too": (
                lambda p, y: truth(p, y - (y > 0))
            ),
            "log_p[:, :, y] pairs every step with all targets of the batch: each step has its own, log_p[b, t, y[b, t]]": (
                lambda p, y: -p[:, :, y].mean()
            ),
        },
    )


check_nats_per_token(nats_per_token)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def nats_per_token_solution(log_p, y):
    """The mean loss per token, from log-probabilities (B, T, V) and targets (B, T)."""
    picked = np.take_along_axis(log_p, y[:, :, None], axis=2)[:, :, 0]
    return -picked[y != 0].mean()


check_nats_per_token(nats_per_token_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten minutes. Pick first, then mask, then one mean over everything that is left. Two loops over rows and steps are just as good.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What counts
#
# ![The targets Ich mag Netze EOS PAD and Wir mögen neuronale Netze EOS; the decoder reads BOS and then the targets one step late; the loss counts nine positions: EOS counts, PAD does not.](../figures/target_masks.svg)

# %% tags=["export"]
def sequence_loss(scores, y):
    """Mean nats per token of the targets y (B, T) under scores (B, T, V); EOS counts, PAD does not."""
    return cross_entropy(scores.flatten(0, 1), y.flatten(), ignore_index=PAD)

# %% [markdown] slideshow={"slide_type": "notes"}
# One argument mends the loop: ignore_index. PyTorch then picks, masks and divides as in the exercise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three losses, one number
#
# `sequence_loss` on scores of `OneVector`, beside the exercise's formula in NumPy, beside the network written from scratch with its gradients; and, last, the test that the loop as found has failed:

# %% tags=["topic-B6b", "nbval-check-output"]
model, x, y = new_translator(de_task, seed=0).double(), *(rows[:100] for rows in de_task.seen)
both = [sequence_loss(scores, y) for scores in (model(x, y), from_scratch(model, x, y))]
log_p = torch.log_softmax(model(x, y), dim=2).detach().numpy()
gradients = [torch.autograd.grad(loss, model.parameters()) for loss in both]
wider = sequence_loss(model(x, pad(y, (0, 16))), pad(y, (0, 16))).item()
ours, scratch = (loss.item() for loss in both)
theirs = nats_per_token_solution(log_p, y.numpy())
print("equal to the exercise's loss:     ", math.isclose(ours, theirs, rel_tol=1e-10))
print("equal to the loss from scratch:   ", math.isclose(ours, scratch, rel_tol=1e-10))
print("all twelve gradients to 1e-10:    ", all(torch.allclose(*two, rtol=0, atol=1e-10) for two in zip(*gradients)))
print("the same with 16 more PADs:       ", math.isclose(ours, wider, rel_tol=1e-10))

# %% [markdown] slideshow={"slide_type": "notes"}
# The last line is the test to write before any training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The loop, mended
#
# The loss is `sequence_loss`: PAD neither raises nor lowers it. Columns of nothing but PAD are left out, too, which saves time and changes nothing.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def trim_padding(rows):
    """Rows (B, T) without the columns at the end that hold nothing but PAD."""
    return rows[:, : (rows != PAD).sum(dim=1).max()]

# %% slideshow={"slide_type": "skip"}
trim_padding(torch.tensor([[3, EOS, PAD], [EOS, PAD, PAD]]))

# %% tags=["topic-B6b", "export"]
def train_translator(model, x, y, seed, steps, B=128, lr=0.01):
    """Train on rows x (N, S) and y (N, T), B random ones in each step; return the losses (steps,)."""
    torch.manual_seed(seed)
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=lr), []
    rate = lr_schedule(optimizer, lr, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (B,))
        source, target = trim_padding(x[rows]), trim_padding(y[rows])
        loss = sequence_loss(model(source, target), target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        losses.append(loss.item())
    return np.array(losses)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two lines differ; only the one with the loss changes the result, as the slide before has shown. Both loops draw the same sentences in the same order, so that they can be compared.

# %% [markdown] slideshow={"slide_type": "skip"}
# Both loops from the same three seeds, 100 steps each, and the mended loop on French. The loop as found gets its 16 columns:

# %% slideshow={"slide_type": "skip"}
def three_runs(train, task, x, y):
    """Models and losses (3, steps) of three seeds, trained on rows x and y of a task."""
    models = [new_translator(task, seed) for seed in range(3)]
    return models, np.array([train(model, x, y, seed=seed, **SETTINGS) for seed, model in enumerate(models)])


runs = {
    "PAD counted": three_runs(train_as_found, de_task, de_task.train[0], wide),
    "mended": three_runs(train_translator, de_task, *de_task.train),
}
de_models, (fr_models, fr_losses) = runs["mended"][0], three_runs(train_translator, fr_task, *fr_task.train)
print("French, nats per token in the last ten steps:", fr_losses[:, -10:].mean(axis=1).round(2))

# %% slideshow={"slide_type": "skip"}
def plot_two_losses(width=5):
    """Draw the loss of both loops, three seeds each, averaged over windows of steps."""
    fig, ax = plt.subplots(figsize=(8.6, 3))
    for name, color, line in (("mended", COLOR["lstm"], "-"), ("PAD counted", COLOR["baseline"], "--")):
        for seed, losses in enumerate(runs[name][1]):
            smooth = losses.reshape(-1, width).mean(axis=1)
            steps = width * (np.arange(len(smooth)) + 0.5)
            ax.plot(steps, smooth, line, color=color, lw=1.5, label=name if seed == 0 else None)
    ax.axhline(math.log(len(de_task.number_y) + 3), color=COLOR["floor"], lw=1, ls=":", label="uniform")
    ax.set(xlabel="step", ylabel="loss (nats per token)", ylim=0)
    ax.legend()
    return fig


def spread(values):
    """Mean and standard deviation of shares, in per cent."""
    return f"{100 * np.mean(values):5.1f} ± {100 * np.std(values, ddof=1):4.1f}"

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the bug costs: the number, and the words
#
# Three seeds, 100 steps.

# %% tags=["output-only"]
show(plot_two_losses(), "The loss with PAD falls faster at first, since PAD is easy; the mended one ends lower.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The mean over three seeds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### … in numbers
#
# *Reported*: by the loop itself; *without PAD*: the same models on 500 new sentences. Exact match: mean ± standard deviation of three seeds.

# %% tags=["output-only"]
print("loop         reported     without PAD   exact match: known pairs   held-out pairs   (%)")
x, y = de_task.seen
for name, (models, losses) in runs.items():
    with torch.no_grad():
        honest = np.mean([sequence_loss(model(x, y), y).item() for model in models])
    right = [spread([share_translated(model, rows) for model in models]) for rows in (de_task.seen, de_task.held_out)]
    print(f"{name:11}  {losses[:, -10:].mean():.2f} nats    {honest:.2f} nats {right[0]:>26} {right[1]:>16}")
lower = runs["PAD counted"][1] < runs["mended"][1]
first, last = lower[:, :20].mean(), lower[:, 50:].mean()
print(f"the loss with PAD is the lower one in {first:.0%} of the first 20 steps, {last:.0%} of the last 50")

# %% [markdown] slideshow={"slide_type": "notes"}
# Two costs. The number: what is reported is far below what the words of the same model really cost, and it cannot be compared, neither with other batches nor with other models nor with ln V. The words: more than half of the mean is PAD, and after equal steps the model is behind. With rows filled up only to the batch's own longest sentence, the second cost is smaller; try it.

# %% [markdown] slideshow={"slide_type": "skip"}
# A baseline that reads word by word: for each source word the target word that shares most sentences with it, $2 n_{xy} / (n_x + n_y)$:

# %% slideshow={"slide_type": "skip"}
def word_for_word(task):
    """For each word of the source the target word that goes with it most (Dice), counted in training sentences."""
    has_x, has_y = (
        torch.zeros(len(rows), len(number) + 3).scatter_(1, rows, 1)
        for rows, number in zip(task.train, (task.number_x, task.number_y))
    )
    both = has_x.T @ has_y
    dice = 2 * both / (has_x.sum(dim=0)[:, None] + has_y.sum(dim=0)).clamp(min=1)
    dice[:, : EOS + 1] = 0
    partner = dice.argmax(dim=1)
    partner[: EOS + 1] = torch.arange(EOS + 1)
    return partner

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Do they translate?
#
# Exact match in per cent, mean ± standard deviation of three seeds, 500 sentences each; beside it a dictionary, word by word.

# %% tags=["topic-B6a", "topic-B6b"]
print("                    new sentences of known pairs   with a held-out pair")
for name, task, models in (("English → German", de_task, de_models), ("French → English", fr_task, fr_models)):
    tests = task.seen, task.held_out
    print(f"{name}, v     ", *(f"{spread([share_translated(model, rows) for model in models]):>20}   " for rows in tests))
    partner = word_for_word(task)
    print(
        "  word by word         ",
        *(f"{100 * exact_match(partner[x], y).float().mean():9.1f}              " for x, y in tests),
    )

# %% [markdown] slideshow={"slide_type": "notes"}
# New sentences are nearly always right. With an adjective and a noun that never met, about half are right in German, a quarter in French. The dictionary cannot agree, reorder, or write two words for one. The network can, but has it understood adjectives and nouns one by one? Only partly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What becomes of a held-out pair?
#
# In which part of the sentence is the mistake: article, ending, word order, or the adjective and the noun themselves? The first mistakes of the first start in each task:

# %% slideshow={"slide_type": "skip"}
def translated(model, task, sentence, longest=12):
    """The words that a model writes for a sentence, a string of words of the task."""
    rows = greedy(model, pad_batch([sentence.split()], task.number_x), longest)
    return " ".join(decode_ids(rows, ["PAD", "BOS", "EOS", *task.number_y])[0])

# %% slideshow={"slide_type": "skip"}
def show_mistakes(task, model, count):
    """Print the first few sentences with a held-out pair that a model gets wrong."""
    x, y = task.held_out
    wrong = (~exact_match(greedy(model, x, y.shape[1]), y)).nonzero()[:count, 0]
    sides = [decode_ids(rows[wrong], ["PAD", "BOS", "EOS", *number]) for rows, number in zip((x, y), task[:2])]
    for source, target in zip(*sides):
        print(
            f"{' '.join(source)}\n   right    {' '.join(target)}\n   written  {translated(model, task, ' '.join(source))}"
        )

# %%
show_mistakes(de_task, de_models[0], 2)
show_mistakes(fr_task, fr_models[0], 2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Look at what is wrong in these: not the grammar. The sentence stays well formed, agreement and all, but another noun or another adjective stands in it, or the adjective is gone. The decoder is a good language model; what went wrong lies in v, or in the reading of v.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The lecture's two sentences
#
# Both were kept out of training, and each of their words was met often, in other company. Three seeds each, whatever comes out. First the English sentence, through one vector $v$ of hidden and cell state:

# %% tags=["topic-B6b"]
for model in de_models:
    print("I like neural networks  →  ", translated(model, de_task, "I like neural networks"))

# %% [markdown]
# Then the French one, through another model with a vector of the same size:

# %% tags=["topic-B6a"]
for model in fr_models:
    print("Le chat est sur la chaise  →  ", translated(model, fr_task, "Le chat est sur la chaise"))

# %% [markdown] slideshow={"slide_type": "notes"}
# These two sentences are new, but each of their words was met often. Both halves of the network are needed: the sentence was gone from view when the first word was written.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What lies near in v?
#
# The training sentences whose $v$, hidden and cell state side by side, has the largest cosine with that of a given one. In how many words do they differ from it, and in which?

# %% tags=["topic-B6b"]
@torch.no_grad()
def nearest_by_v(model, task, sentence, count=4):
    """The training sentences with the vectors v nearest to that of a sentence (largest cosine)."""
    given = torch.cat(model.start(pad_batch([sentence.split()], task.number_x)), dim=1)
    others = torch.cat(model.start(task.train[0]), dim=1)
    nearest = torch.cosine_similarity(given, others).topk(count).indices
    return [" ".join(words) for words in decode_ids(task.train[0][nearest], ["PAD", "BOS", "EOS", *task.number_x])]


nearest_by_v(de_models[0], de_task, "I like neural networks")

# %% [markdown] slideshow={"slide_type": "notes"}
# Near are sentences that share most of their words, even if one of them says the opposite.

# %% slideshow={"slide_type": "skip"}
TO_STEP_THROUGH = {
    "I like neural networks": (de_task, de_models[0]),
    "Now you do not see the big dog": (de_task, de_models[0]),
    "Today she does not need an old lamp": (de_task, de_models[0]),
    "Le chat est sur la chaise": (fr_task, fr_models[0]),
    "L' oiseau n' est pas sur ce vieil arbre": (fr_task, fr_models[0]),
    "De beaux livres sont devant l' école": (fr_task, fr_models[0]),
}


@torch.no_grad()
def translation_steps(sentence):
    """Each step of a translation: the word read, the state after it (H,), and p of the next word (V,) or None."""
    task, model = TO_STEP_THROUGH[sentence]
    x, names = pad_batch([sentence.split()], task.number_x), ["PAD", "BOS", "EOS", *task.number_y]
    steps = [(word, model.start(x[:, : t + 1])[0][0], None) for t, word in enumerate([*sentence.split(), "EOS"])]
    state, w = model.start(x), torch.tensor([BOS])
    for _ in range(12):
        log_p, state = model.step(w, state)
        steps.append((names[w], state[0][0], log_p[0].exp()))
        w = log_p.argmax(dim=1)
        if w == EOS:
            break
    return steps

# %% slideshow={"slide_type": "skip"}
def plot_walk(sentence, t, best=6):
    """Draw the states of the first t steps of a translation, and the likeliest next words."""
    steps = translation_steps(sentence)
    p, names = steps[t - 1][2], ["PAD", "BOS", "EOS", *TO_STEP_THROUGH[sentence][0].number_y]
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4), width_ratios=(3, 2))
    strip = np.full((SIZES["H"], len(steps)), np.nan)
    strip[:, :t] = torch.stack([h for _, h, _ in steps[:t]], dim=1)
    left.imshow(strip, aspect="auto", cmap="PuOr", vmin=-1, vmax=1, interpolation="nearest")
    left.axvline(len(sentence.split()) + 0.5, color=COLOR["ink"], lw=1.5)
    labels = [word if k < t else "" for k, (word, _, _) in enumerate(steps)]
    left.set_xticks(range(len(steps)), labels=labels, rotation=45, ha="right")
    left.set(ylabel="unit of the state", yticks=(0, SIZES["H"] - 1), title="encoder | decoder")
    left.grid(False)
    if p is not None:
        likeliest = p.argsort(descending=True)[:best].tolist()[::-1]
        right.barh([names[w] for w in likeliest], p[likeliest], color=COLOR["output"])
    right.set(xlabel=r"$p(y_t \mid y_1 \ldots y_{t-1}, v)$", xlim=(0, 1), title="next word")
    right.grid(axis="y", visible=False)
    return fig


def message(sentence, t):
    """What has been read and written after t steps."""
    words, S = [word for word, _, _ in translation_steps(sentence)], len(sentence.split()) + 1
    if t <= S:
        return f"Read: {' '.join(words[:t])}. Nothing is written yet."
    return f"All is read; the decoder has read {' '.join(words[S:t])} and says what comes next."

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Half-way through a translation
#
# All five words are read, EOS included; the decoder has read BOS and its own first word, and is about to choose a verb that agrees with it.

# %% tags=["topic-B6b", "output-only"]
show(plot_walk("I like neural networks", 7), message("I like neural networks", 7))

# %% [markdown] slideshow={"slide_type": "notes"}
# A column is a state; left of the line the encoder, right of it the decoder, which starts from the last column on the left. The label is the word that was read in that step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step through it
#
# Each step reads one word: first those of the source, then BOS and what the decoder has written itself. Where does a probability fall below 0.9?

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    sentence=Dropdown(options=list(TO_STEP_THROUGH), description="sentence"),
    step=IntSlider(5, min=1, max=21, description="step", continuous_update=False),
)
def step_through(sentence, step):
    """Show one step of the translation of a sentence; past the end, the last one."""
    t = min(step, len(translation_steps(sentence)))
    show(plot_walk(sentence, t), message(sentence, t))

# %% [markdown] slideshow={"slide_type": "notes"}
# Tasks: stop at EOS of the source, where v is complete. In the sentence with "does not", watch for the step in which keine must be chosen: the English word for it was read before the noun whose gender it needs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · A task with one right answer
#
# ![Lines join three and drei, hundred and hundert, twenty and zwanzig, one and ein; the last two lines cross because German says units before tens, and und has no partner.](../figures/crossing.svg)
#
# Numbers in words: an endless supply of pairs, each with one right translation by our rule, and an order that changes on the way.

# %% [markdown] slideshow={"slide_type": "notes"}
# A German compound is one word on paper; here it is cut into its parts, the morphemes. Real sentences have many good translations, which makes measuring hard; the next notebook comes back to that. Here right is right.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### English counts

# %% tags=["export"] slideshow={"slide_type": "skip"}
# fmt: off
UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
EINER = [
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
]
ZEHNER = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
# fmt: on

# %% tags=["export"]
def english(n):
    """The words of a number below 10⁹."""
    if n < 20:
        return [UNITS[n]]
    if n < 100:
        return [TENS[n // 10 - 2], *(english(n % 10) if n % 10 else [])]
    size, word = next(pair for pair in ((10**6, "million"), (1000, "thousand"), (100, "hundred")) if n >= pair[0])
    rest = n % size
    return [*english(n // size), word, *(["and"] if 0 < rest < 100 else []), *(english(rest) if rest else [])]

# %%
" ".join(english(1_000_021))

# %% [markdown] slideshow={"slide_type": "notes"}
# British: with "and". Hyphens and commas are left out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### German counts
#
# Units come before tens, joined by *und*. A one at the end is *eins*, inside a number *ein*, before *Million* it is *eine*:

# %% tags=["export"]
def german(n, last=True):
    """The morphemes of a number below 10⁹; a one that ends the number is "eins", inside it is "ein"."""
    if n < 20:
        return ["ein" if n == 1 and not last else EINER[n]]
    if n < 100:
        return [*([*german(n % 10, last=False), "und"] if n % 10 else []), ZEHNER[n // 10 - 2]]
    if n >= 10**6:
        count, rest = divmod(n, 10**6)
        millions = ["eine", "Million"] if count == 1 else [*german(count), "Millionen"]
        return [*millions, *(german(rest) if rest else [])]
    size, word = (1000, "tausend") if n >= 1000 else (100, "hundert")
    return [*german(n // size, last=False), word, *(german(n % size, last) if n % size else [])]

# %%
" ".join(german(1_021_321))

# %% [markdown] slideshow={"slide_type": "notes"}
# A network that translates word by word would have to hold the tens back while it writes the units.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Read back
#
# Do two numbers ever share a German form? A second function reads the number off the parts again:

# %% slideshow={"slide_type": "skip"}
WORTH = {word: n for n, word in enumerate(EINER)} | {word: 10 * n for n, word in enumerate(ZEHNER, start=2)}
WORTH |= {"ein": 1, "eine": 1, "und": 0}

# %%
def value_of(morphemes):
    """The number that German morphemes stand for: parts add up, hundert, tausend and Million multiply."""
    total = below = 0
    for word in morphemes:
        if word == "hundert":
            below *= 100
        elif word in ("tausend", "Million", "Millionen"):
            total, below = total + below * (1000 if word == "tausend" else 10**6), 0
        else:
            below += WORTH[word]
    return total + below


value_of(german(1_021_321))

# %% [markdown] slideshow={"slide_type": "notes"}
# Only the tables of words are shared with german.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### There and back

# %% tags=["nbval-check-output"]
tried = [random.randrange(10 ** random.randint(1, 9)) for _ in range(20_000)]
print("read back:", all(value_of(german(n)) == n for n in tried))

# %% [markdown] slideshow={"slide_type": "notes"}
# What can be read back is not shared with another number. The other way round there is freedom: hundert or ein hundert, elf hundert or ein tausend ein hundert. One form of each number is right here, by our rule.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Numbers to learn from, numbers to be tested on
#
# Below 10, 100, … or $10^9$, each bound equally often; but there are few short numbers. Left out are numbers such as 101 million, whose German form is disputed.

# %% tags=["export"] slideshow={"slide_type": "skip"}
def draw_numbers(count, seed):
    """Different numbers below 10⁹ in random order."""
    rng, numbers = random.Random(seed), set()
    while len(numbers) < count:
        n = rng.randrange(10 ** rng.randint(1, 9))
        if n // 10**6 == 1 or n // 10**6 % 100 != 1:
            numbers.add(n)
    return rng.sample(sorted(numbers), count)

# %% slideshow={"slide_type": "skip"}
draw_numbers(6, seed=1)

# %% [markdown]
# 20,000 to learn from, and two sets to be tested on:

# %%
numbers = draw_numbers(21_000, seed=0)
train_numbers, test_numbers = numbers[:20_000], numbers[20_000:]
below_million = [n for n in random.Random(1).sample(range(10**6), 1100) if n not in set(train_numbers)][:1000]
print(len(train_numbers), len(test_numbers), len(below_million), test_numbers[:6])

# %% tags=["nbval-check-output"]
print("held out:", not set(train_numbers) & {*test_numbers, *below_million})

# %% [markdown] slideshow={"slide_type": "notes"}
# Two test sets: 1,000 numbers drawn like the training numbers, for the question of length, and 1,000 numbers drawn evenly below a million. What is disputed: hunderteins Millionen, hunderteine Millionen, hunderteine Million?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### As rows

# %%
number_x = build_vocab(english(n) for n in train_numbers)
number_y = build_vocab(german(n) for n in train_numbers)
words_x, words_y = (["PAD", "BOS", "EOS", *number] for number in (number_x, number_y))
V_x, V_y = len(words_x), len(words_y)


def number_rows(numbers):
    """English and German of numbers as rows, (B, S) and (B, T)."""
    return pad_batch([english(n) for n in numbers], number_x), pad_batch([german(n) for n in numbers], number_y)


train_x, train_y = number_rows(train_numbers)
test_x, test_y = number_rows(test_numbers)
source_words = (test_x != PAD).sum(dim=1) - 1
print(V_x, "and", V_y, "words; source words:", sorted(Counter(source_words.tolist()).items()))

# %% [markdown] slideshow={"slide_type": "notes"}
# Two vocabularies of three dozen words; all of them occur in training. Only the combinations are new.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A better encoder, still one vector
#
# Notebook 6's two chains; the decoder starts from both ends, hidden and cell states side by side:

# %% tags=["export"] slideshow={"slide_type": "skip"}
def make_lstm(E, H):
    """An LSTM, batch first, whose forget gates begin open."""
    lstm = nn.LSTM(E, H, batch_first=True)
    init_forget_bias(lstm, bias=1.0)
    return lstm

# %% tags=["export"]
def read_to_end(lstm, e, length):
    """All states (B, S, H) of an LSTM over vectors e (B, S, E); hidden and cell state (B, H) after step length[b]."""
    packed = pack_padded_sequence(e, length, batch_first=True, enforce_sorted=False)
    states, (h, c) = lstm(packed)
    return pad_packed_sequence(states, batch_first=True, total_length=e.shape[1])[0], h[0], c[0]


def read_both_ends(ahead, back, e, length):
    """States (B, S, H) of two chains over e (B, S, E), and the hidden and cell state (B, H) at their ends."""
    rightwards, h, c = read_to_end(ahead, e, length)
    leftwards, h_back, c_back = read_to_end(back, reverse_padded(e, length), length)
    states = torch.cat([rightwards, reverse_padded(leftwards, length)], dim=2)
    return states, torch.cat([h, h_back], dim=1), torch.cat([c, c_back], dim=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# Each chain has half of the units. The backward chain matters: the word that the decoder needs first is the last that this chain has read, so it is fresh. Sutskever, Vinyals and Le reversed the source sentence for the same reason.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One step, and all steps at once
#
# Both follow from `start` and `read`, which a subclass has to bring:

# %% tags=["export"]
class EncoderDecoder(nn.Module):
    """start(x) gives a state; read(w, state) gives the scores after the words w, and the new state."""

    def look(self, s, h, is_word):
        """What words are written from: nothing but the decoder's states s (B, T, H)."""
        return s

    def step(self, w, state):
        """Log-probabilities (B, V_y) of the word after w (B,), and the new state."""
        scores, state = self.read(w[:, None], state)
        return torch.log_softmax(scores[:, 0], dim=1), state

    def forward(self, x, y):
        """Scores (B, T, V_y) of each word of y (B, T), given the words before it."""
        return self.read(shift_right(y), self.start(x))[0]

# %% [markdown] slideshow={"slide_type": "notes"}
# In training the decoder reads all true words in one call; in use it reads one word of its own at a time. Both go through the same read, so they cannot drift apart.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The translator

# %% tags=["export"]
class Translator(EncoderDecoder):
    """A two-way encoder; its two ends start the decoder."""

    def __init__(self, V_x, V_y, E, H):
        super().__init__()
        self.C_x, self.C_y = nn.Embedding(V_x, E), nn.Embedding(V_y, E)
        self.ahead, self.back, self.decoder = make_lstm(E, H // 2), make_lstm(E, H // 2), make_lstm(E, H)
        self.combine, self.output_layer = nn.Linear(H, H), nn.Linear(H, V_y)

    def start(self, x):
        is_word = x != PAD  # (B, S)
        h, s, c = read_both_ends(self.ahead, self.back, self.C_x(x), is_word.sum(dim=1))
        return s, c, h, is_word

    def read(self, w, state):
        s, c, h, is_word = state
        states, (s, c) = self.decoder(self.C_y(w), (s[None], c[None]))
        seen = torch.tanh(self.combine(self.look(states, h, is_word)))
        return self.output_layer(seen), (s[0], c[0], h, is_word)

# %% [markdown] slideshow={"slide_type": "notes"}
# The state carries the encoder's states along although this model does not look at them; part 3 will change one method, look.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Numbers through one vector
#
# 250 batches of 128 numbers. Then the exact match of all held-out numbers, and of those drawn evenly below a million.

# %% slideshow={"slide_type": "skip"}
def share_of_numbers(model, numbers, longest=30):
    """The share of the numbers that a model translates without a mistake."""
    x, y = number_rows(numbers)
    return exact_match(greedy(model, x, longest), y).double().mean().item()


translators, seconds = {}, {}

# %% [markdown] slideshow={"slide_type": "skip"}
# The first of three translators:

# %% tags=["nbval-ignore-output", "volatile"] nbval_ignore_reason="prints seconds"
start = time.perf_counter()
translators["v"] = Translator(V_x, V_y, E=32, H=102)
losses_v = train_translator(translators["v"], train_x, train_y, seed=0, steps=250, lr=0.02)
seconds["v"] = time.perf_counter() - start
print(f"{seconds['v']:.0f} s, loss {losses_v[-20:].mean():.3f} nats per morpheme, uniform {math.log(V_y):.2f}")

# %%
right_v = exact_match(greedy(translators["v"], test_x, 30), test_y)
print(f"right: {right_v.double().mean():.2f} of all, {share_of_numbers(translators['v'], below_million):.2f} below a million")

# %% [markdown] slideshow={"slide_type": "notes"}
# Exact match: one wrong morpheme and the whole number is wrong. A guess has no chance at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Predict: which numbers come out right?
#
# <details><summary>Answer</summary>The short ones. All must pass through the same vector, however long they are.</details>

# %%
def right_by_length(right):
    """Share and count of right rows whose sources have 2–6, 7–9, 10–12, 13–14 and 15–17 words."""
    edges = (1, 6, 9, 12, 14, 17)
    groups = [right[(source_words > low) & (source_words <= high)] for low, high in zip(edges, edges[1:])]
    return [(group.double().mean().item(), len(group)) for group in groups]


for words, (share, count) in zip(("2–6", "7–9", "10–12", "13–14", "15–17"), right_by_length(right_v)):
    print(f"{words:>5} words: {share:.2f} of {count}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The counts stand beside the shares: short numbers are rare, since there are not many of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What goes wrong

# %%
wrong = (~right_v).nonzero()[:, 0][:4]
answers = decode_ids(greedy(translators["v"], test_x[wrong], 30), words_y)
for source, answer in zip(decode_ids(test_x[wrong], words_x), answers):
    print(" ".join(source), "\n  ", " ".join(answer))

# %% [markdown]
# Grammatical numbers, of about the right size, with some digits exchanged: the form is learned, some contents got lost on the way.

# %% [markdown] slideshow={"slide_type": "notes"}
# Compare word by word. A language model of German numbers would write such numbers too; what is missing is the tie to the source.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is the vector too small?
#
# How much does it have to hold, and how much could it hold?

# %%
numbers_in_v = sum(part.shape[1] for part in translators["v"].start(test_x[:1])[:2])
print(f"a number below 10⁹: {math.log2(10**9):.0f} bits; v: {numbers_in_v} numbers of 32 bits")

# %% [markdown]
# Room is hardly the limit. What fails in this time must be *learning* to pack every digit into the vector so that the decoder finds it again, twenty steps later. Attention spares the network both.

# %% [markdown] slideshow={"slide_type": "notes"}
# The usual picture of a bottleneck is half the truth. On shorter sources the same model is right more often. The longer the sources, the more there is to pack, and the longer the way of every gradient.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Attention: look back
#
# ![The decoder state s_t is scored against the encoder states h_1 to h_4 of three hundred twenty one, softmax turns the scores into the weights α_t1 to α_t4 (0.06, 0.04, 0.16, 0.74), the weighted sum of the states is the context c_t, and s_t and c_t together give ŷ_t.](../figures/attention.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# The decoder need not remember the sentence: it may look at every state of the encoder, each time it writes. Where to look is learned, too. The numbers in the picture are an example, made up.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Score, weigh, sum
#
# $$e_{tj} = \operatorname{score}(s_t, h_j) \qquad \alpha_{tj} = \frac{\exp e_{tj}}{\sum_i \exp e_{ti}} \qquad c_t = \sum_j \alpha_{tj} h_j$$
#
# A soft look-up: the weights $\alpha_{t1}, \alpha_{t2}, \ldots$ are not negative and sum to one, so $c_t$ is a mean of the encoder's states, and everything has a gradient.
#
# The score can be a scaled dot product, $e_{tj} = s_t \cdot h_j / \sqrt H$: how much the two vectors point the same way, and how long they are.

# %% [markdown] slideshow={"slide_type": "notes"}
# Dot products of vectors with H independent entries of mean 0 and variance 1 have variance H; the root keeps the scores, and with them the softmax, in a range where it can still learn.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · One look
#
# NumPy: state `s` $(H,)$, encoder states `h` $(S, H)$, of which only the first `n` belong to words; the rest is PAD. Return the context $(H,)$, with the scaled dot product as the score. **Predict:** what is the context if all scores are equal?
#
# <details><summary>Answer</summary>The plain mean of the first n states. If one score is far above the others: nearly that state.</details>

# %% tags=["exercise-2-stub"]
def look_once(s, h, n):
    """The context (H,) for a state s (H,) over the first n of the encoder states h (S, H)."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_look_once(attempt):
    """Try an attempt on states with much, little and no padding."""
    rng = np.random.default_rng(0)
    cases = [(np.array([2.0, 0, 0, 0]), np.array([[1.0, 1, 0, 0], [1, 3, 0, 0], [9, 9, 9, 9]]), 2)]
    cases += [(2 * rng.normal(size=H), 2 * rng.normal(size=(S, H)), n) for H, S, n in ((4, 6, 3), (9, 5, 5), (3, 7, 2), (6, 4, 1))]

    def softmax(e):
        return np.exp(e - e.max()) / np.exp(e - e.max()).sum()

    def looked(score=None, weights=softmax, over=None):
        """An attempt of which one step is replaced."""

        def attempt(s, h, n):
            words = h[:n] if over is None else over(h, n)
            e = words @ s / np.sqrt(len(s)) if score is None else score(words, s)
            return weights(e) @ words

        return attempt

    def masked_after(s, h, n):
        alpha = softmax(h @ s / np.sqrt(len(s)))
        return alpha[:n] @ h[:n]

    def masked_by_zero(s, h, n):
        return softmax(np.where(np.arange(len(h)) < n, h @ s / np.sqrt(len(s)), 0)) @ h

    def weights_only(s, h, n):
        return softmax(h[:n] @ s / np.sqrt(len(s)))

    return check(
        attempt,
        cases=[((s.copy(), h.copy(), n), looked()(s, h, n)) for s, h, n in cases],
        misconceptions={
            "states of zeros at PAD still get exp(0) as their weight: leave them out of the softmax": (
                lambda s, h, n: masked_by_zero(s, np.where(np.arange(len(h))[:, None] < n, h, 0), n)
            ),
            "PAD is looked at, too: only the first n states belong to words": looked(over=lambda h, n: h),
            "the mask comes after the softmax: PAD has taken its share, and the weights sum to less than 1": masked_after,
            "a score of 0 does not remove PAD: exp(0) is 1": masked_by_zero,
            "the scores are not scaled: divide them by √H": looked(lambda h, s: h @ s),
            "scaled by H, not by its root": looked(lambda h, s: h @ s / len(s)),
            "scaled by √n: it is the size of the vectors that matters, not their number": (
                looked(lambda h, s: h @ s / np.sqrt(len(h)))
            ),
            "multiplied by √H instead of divided": looked(lambda h, s: h @ s * np.sqrt(len(s))),
            "the sign of the scores is turned: similar states should weigh more": looked(lambda h, s: -h @ s / np.sqrt(len(s))),
            "no softmax: the raw scores are the weights": looked(weights=lambda e: e),
            "neither scaled nor without PAD: two things to mend": looked(lambda h, s: h @ s, over=lambda h, n: h),
            "the weights are right, but the states are not summed": lambda s, h, n: weights_only(s, h, n)[:, None] * h[:n],
            "the weights are exp(score), but nothing makes them sum to 1": looked(weights=np.exp),
            "the scores are divided by their sum: that is no softmax, weights can be negative": (
                looked(weights=lambda e: e / e.sum())
            ),
            "only the best state is taken: that is a hard look-up, without a gradient": (
                looked(weights=lambda e: np.eye(len(e))[e.argmax()])
            ),
            "a plain mean: the state s has no say in it": looked(weights=lambda e: np.full(len(e), 1 / len(e))),
            "these are the weights; the context is the sum of the states, weighed by them": weights_only,
            "the state s is added: the context is made of encoder states only": lambda s, h, n: looked()(s, h, n) + s,
            "scaled by √S: it is the size H of the vectors that matters, not their number": (
                lambda s, h, n: looked(lambda words, s: words @ s / np.sqrt(len(h)))(s, h, n)
            ),
            "this is the cosine: the lengths of the states count, too; divide by √H only": (
                looked(lambda h, s: h @ s / np.linalg.norm(s) / np.linalg.norm(h, axis=1))
            ),
        },
    )


check_look_once(look_once)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def look_once_solution(s, h, n):
    """The context (H,) for a state s (H,) over the first n of the encoder states h (S, H)."""
    e = h[:n] @ s / np.sqrt(len(s))
    alpha = np.exp(e - e.max())
    return alpha / alpha.sum() @ h[:n]


check_look_once(look_once_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Eight minutes. The two masking mistakes are the interesting ones: zero is not "nothing" before a softmax, and after it is too late.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### For a whole batch
#
# A score of $-\infty$ becomes a weight of exactly 0: so PAD is masked *before* the softmax.

# %% tags=["export"]
class Dot(nn.Module):
    """Scores (B, T, S) of encoder states h (B, S, H) for decoder states s (B, T, H)."""

    def forward(self, s, h):
        return s @ h.transpose(1, 2) / math.sqrt(h.shape[2])


def attend(score, s, h, is_word):
    """Contexts (B, T, H) and weights (B, T, S) for states s (B, T, H) over h (B, S, H); is_word is (B, S)."""
    if not is_word.any(dim=1).all():
        raise ValueError("a row of nothing but PAD has no word to look at: leave it out")
    e = score(s, h).masked_fill(~is_word[:, None], -math.inf)
    alpha = torch.softmax(e, dim=2)
    return alpha @ h, alpha

# %% [markdown] slideshow={"slide_type": "notes"}
# All T steps at once: a matrix of weights for each sentence.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exact zeros
#
# Three sentences of 6, 2 and 4 words; where does the first decoder step of the second one look?

# %%
B, S, T, H = 3, 6, 4, 5
s, h = torch.randn(B, T, H).double(), torch.randn(B, S, H).double()
is_word = torch.arange(S) < torch.tensor([6, 2, 4])[:, None]
context, alpha = attend(Dot(), s, h, is_word)
alpha[1, 0].tolist()

# %% [markdown] slideshow={"slide_type": "notes"}
# The second sentence has two words: four exact zeros.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to PyTorch's, and to the exercise
#
# `scaled_dot_product_attention(query, key, value)`: here the decoder's states are the query, and the encoder's states are both key and value.

# %% tags=["nbval-check-output"]
s.requires_grad_()
h.requires_grad_()
ours = attend(Dot(), s, h, is_word)[0]
theirs = scaled_dot_product_attention(s, h, h, attn_mask=is_word[:, None])
weigh = torch.randn_like(ours)
gradients = [torch.autograd.grad((c * weigh).sum(), [s, h]) for c in (ours, theirs)]
arrays = s.detach().numpy(), h.detach().numpy()
loop = np.array([[look_once_solution(s_t, h_b, n) for s_t in s_b] for s_b, h_b, n in zip(*arrays, (6, 2, 4))])
print("contexts equal to 1e-12:  ", (ours - theirs).abs().max().item() < 1e-12)
print("gradients equal to 1e-12: ", max((a - b).abs().max() for a, b in zip(*gradients)).item() < 1e-12)
print("the exercise, in a loop:  ", np.abs(ours.detach().numpy() - loop).max() < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# Query, key, value: the names of the Transformer (Vaswani and others 2017). There the three are different linear maps of their inputs, several times side by side; the core is what stands here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The additive score
#
# $$e_{tj} = u \cdot \tanh(s_t W_s + h_j W_h)$$
#
# A small network gives the score: Bahdanau, Cho and Bengio's choice, and the first. It needs a vector of $H$ numbers for every pair $(t, j)$ where the dot product needs one number.

# %%
class Additive(nn.Module):
    """Scores (B, T, S) of encoder states h (B, S, H) for decoder states s (B, T, H)."""

    def __init__(self, H):
        super().__init__()
        self.W_s, self.W_h = nn.Linear(H, H, bias=False), nn.Linear(H, H, bias=False)
        self.u = nn.Linear(H, 1, bias=False)

    def forward(self, s, h):
        return self.u(torch.tanh(self.W_s(s)[:, :, None] + self.W_h(h)[:, None])).squeeze(3)

# %% [markdown] slideshow={"slide_type": "notes"}
# The two bracketed None insert axes, so that every s meets every h.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Every pair $(t, j)$
#
# The class against the formula, one number at a time:

# %% tags=["nbval-check-output"]
additive = Additive(H).double()
W_s, W_h, u = (part.weight.T for part in (additive.W_s, additive.W_h, additive.u))
gap = max(
    (additive(s, h)[b, t, j] - torch.tanh(s[b, t] @ W_s + h[b, j] @ W_h) @ u).abs().item()
    for b, t, j in product(range(B), range(T), range(S))
)
print("equal to a loop over b, t, j:", gap < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# Bahdanau's decoder also looks before its step, with the state s of the step before, and feeds the context into the step. Here the decoder takes its step first and looks then, as in Luong, Pham and Manning 2015: so in training one call of the LSTM gives all states, and one product all scores.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Into the translator: one method
#
# The output is written from state and context together.

# %% tags=["export"]
class Attentive(Translator):
    """A Translator that looks back at all states of its encoder."""

    def __init__(self, V_x, V_y, E, H, score):
        super().__init__(V_x, V_y, E, H)
        self.score, self.combine = score, nn.Linear(2 * H, H)

    def look(self, s, h, is_word):
        """States and contexts side by side, (B, T, 2H)."""
        return torch.cat([s, attend(self.score, s, h, is_word)[0]], dim=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# The vector still starts the decoder; attention comes on top: a wider combine, and a score.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal parameters
#
# Three models with nearly the same number of parameters; what attention needs, it takes from $H$:

# %%
translators["dot"] = Attentive(V_x, V_y, E=32, H=96, score=Dot())
translators["additive"] = Attentive(V_x, V_y, E=32, H=88, score=Additive(88))
{name: parameter_count(model) for name, model in translators.items()}

# %% [markdown] slideshow={"slide_type": "notes"}
# Comparing at equal H would give attention more parameters for nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### About the same seconds
#
# A step of attention takes longer, one of the additive score longest: so they get fewer steps.

# %% tags=["nbval-ignore-output", "volatile"] nbval_ignore_reason="prints seconds"
for name, steps in (("dot", 200), ("additive", 100)):
    start = time.perf_counter()
    losses = train_translator(translators[name], train_x, train_y, seed=0, steps=steps, lr=0.02)
    seconds[name] = time.perf_counter() - start
    print(f"{name:8} {steps} steps, loss {losses[-20:].mean():.3f}")
print({name: f"{time:.0f} s" for name, time in seconds.items()})

# %% [markdown] slideshow={"slide_type": "notes"}
# Seconds are those of the machine that built this page, on one thread.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Nearly all right
#
# Of 1,000 held-out numbers of all lengths, and of 1,000 drawn evenly below a million:

# %%
right = {name: exact_match(greedy(model, test_x, 30), test_y) for name, model in translators.items()}
print("          all held out   below a million")
for name, model in translators.items():
    print(f"{name:8} {right[name].double().mean():13.3f} {share_of_numbers(model, below_million):17.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# One seed each here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Too little, or too slow?
#
# Is one vector too little, or does it only learn more slowly? The first model once more, with three times the steps:

# %%
longer = Translator(V_x, V_y, E=32, H=102)
train_translator(longer, train_x, train_y, seed=0, steps=750, lr=0.02)
right["v, longer"] = exact_match(greedy(longer, test_x, 30), test_y)
print(f"right after 750 steps: {right['v, longer'].double().mean():.2f} of all")

# %% [markdown] slideshow={"slide_type": "notes"}
# Let the class bet before the cell runs: as good as attention, or still behind?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exact match against length

# %% slideshow={"slide_type": "skip"}
STYLES = {  # colour, marker, line, label
    "v": ("rnn", "o", "-", "one vector, 250 steps"), "v, longer": ("rnn", "D", "--", "one vector, 750 steps"),
    "dot": ("lstm", "s", "-", "dot, 200 steps"), "additive": ("gru", "^", "-", "additive, 100 steps")
}  # fmt: skip


def plot_right_by_length(results):
    """Share of right rows against the number of source words; return the figure."""
    fig, ax = plt.subplots()
    for name, right in results.items():
        color, marker, line, label = STYLES[name]
        shares = [share for share, _ in right_by_length(right)]
        ax.plot(range(len(shares)), shares, line, marker=marker, color=COLOR[color], label=label)
    counts = [count for _, count in right_by_length(right)]
    words = ["2–6", "7–9", "10–12", "13–14", "15–17"]
    ax.set_xticks(range(len(words)), [f"{group}\n({count})" for group, count in zip(words, counts)])
    ax.set(xlabel="words of the source (numbers of that length)", ylabel="exact match", ylim=(-0.04, 1.04))
    ax.legend()
    return fig

# %% tags=["output-only"]
show(plot_right_by_length(right), "Attention learns it sooner: through one vector exact match falls with the length after 250 steps, and hardly any more after 750.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Bahdanau and others 2015 have this picture for real sentences: BLEU against sentence length, with attention and without. Here it is a question of time: one vector can hold these numbers, and learns to, at three times the price.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What holds

# %% tags=["nbval-check-output"]
print("99.5 % below a million with attention:", share_of_numbers(translators["dot"], below_million) >= 0.995)
by_length = {name: [share for share, _ in right_by_length(right[name])] for name in right}
print("after 250 steps one vector loses with length:  ", by_length["v"][1] > by_length["v"][3] > by_length["v"][4])
print("after 750 it is above 90 % from 7 words on:    ", min(by_length["v, longer"][1:]) > 0.9)
print("dot attention is above 95 % after 200:         ", min(by_length["dot"][1:]) > 0.95)

# %% [markdown] slideshow={"slide_type": "notes"}
# One seed each. Other seeds of v differ by several points.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where does it look?

# %% slideshow={"slide_type": "skip"}
def alignment_of(model, x, y):
    """Weights (B, T, S) with which a model looks at x (B, S) while it is fed y (B, T)."""
    s, c, h, is_word = model.start(x)
    states = model.decoder(model.C_y(shift_right(y)), (s[None], c[None]))[0]
    return attend(model.score, states, h, is_word)[1]


@torch.no_grad()
def looks(model, n):
    """English words, German morphemes and weights (T, S) of a model that writes a number greedily."""
    x, _ = number_rows([n])
    y = greedy(model, x, 30)
    y = y[:, : (y[0] == EOS).int().argmax() + 1] if (y == EOS).any() else y
    return [words_x[i] for i in x[0]], [words_y[i] for i in y[0]], alignment_of(model, x, y)[0].numpy()


def plot_looks(n, step=None, name="dot"):
    """The weights with which each morpheme was written, one row marked; return the figure."""
    source, target, alpha = looks(translators[name], n)
    fig, ax = plt.subplots(figsize=(8.6, 4.2))
    ax.imshow(alpha, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(source)), source, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(target)), target)
    ax.set(xlabel="read, $x_j$", ylabel="written, $y_t$")
    ax.grid(False)
    if step is not None:
        row = min(step, len(target)) - 1
        ax.add_patch(plt.Rectangle((-0.5, row - 0.5), len(source), 1, fill=False, color=COLOR["gradient"], lw=2.5))
        ax.set_yticks(range(row + 1), target[: row + 1])
        ax.images[0].set_data(np.where(np.arange(len(target))[:, None] <= row, alpha, 0))
    return fig

# %% tags=["output-only"]
show(plot_looks(365_421), "Units before tens: at “ein und zwanzig” and “fünf und sechzig” the order turns round.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the map row by row. Nobody told the model which word belongs to which: the alignment has been learned from pairs alone. The states are those of a two-way encoder, so a state knows its neighbours, too, and a map need not be as sharp as this.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Do the lines cross?
#
# In numbers such as 365 421 the English says *twenty one*, the German *ein und zwanzig*. Over many held-out numbers: which source word has the most weight when the unit, and when the ten is written?

# %% slideshow={"slide_type": "skip"}
@torch.no_grad()
def looked_at(name, numbers):
    """How often the unit, "und" and the ten of "unit und ten" look most at the unit, at the ten, or elsewhere."""
    x, y = number_rows(numbers)
    best = alignment_of(translators[name], x, y).argmax(dim=2)  # (B, T)
    counts = {part: Counter() for part in ("unit", "und", "ten")}
    for row, ends_x, ends_y in zip(best, (x == EOS).int().argmax(dim=1), (y == EOS).int().argmax(dim=1)):
        for part, t in zip(counts, (ends_y - 3, ends_y - 2, ends_y - 1)):
            counts[part][{1: "unit", 2: "ten"}.get((ends_x - row[t]).item(), "elsewhere")] += 1
    return {part: dict(found) for part, found in counts.items()}

# %%
crossing = [n for n in test_numbers if n % 100 > 20 and n % 10 > 0]
print(len(crossing), "numbers; most weight while unit, und, ten are written:")
for name in ("dot", "additive"):
    print(f"{name:8}", looked_at(name, crossing))

# %% [markdown] slideshow={"slide_type": "notes"}
# Read off while the models are fed the right morphemes. A weight says where the context came from; it is no proof that the word was written because of it, and the state at a word holds its neighbours as well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Move through the output

# %% tags=["output-only", "widget", "nbval-ignore-output"] nbval_ignore_reason="a widget"
@interact(number=BoundedIntText(365_421, min=0, max=10**9 - 1), step=IntSlider(4, min=1, max=20))
def look_back(number, step):
    verdict = "right" if looks(translators["dot"], number)[1][:-1] == german(number) else f"wrong: {' '.join(german(number))}"
    show(plot_looks(number, step), f"Up to step {step}, framed. The whole answer will be {verdict}.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Start at step 1 and let the class say which source word will be dark before each move. Try 777 777, then numbers such as 0 and 1 000 000: rare in training, and often wrong.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Without the mask
#
# The same trained model, its mask taken away. What do columns of PAD, added to the batch, change?

# %% slideshow={"slide_type": "skip"}
class Unmasked(nn.Module):
    """A model whose attention takes PAD for words."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def start(self, x):
        s, c, h, is_word = self.model.start(x)
        return s, c, h, torch.ones_like(is_word)

    def step(self, w, state):
        return self.model.step(w, state)

# %%
short = test_x[source_words <= 9][:, :10], test_y[source_words <= 9]
print("PADs   masked   without the mask")
for pads in (0, 10, 30, 100):
    x = torch.cat([short[0], torch.zeros(len(short[0]), pads, dtype=torch.long)], dim=1)
    found = [exact_match(greedy(model, x, 30), short[1]) for model in (translators["dot"], Unmasked(translators["dot"]))]
    print(f"{pads:4} {found[0].double().mean():8.3f} {found[1].double().mean():18.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten columns hold sources of up to nine words and EOS; shorter ones have a few PADs even in the first row. The states at PAD are zeros here, so each PAD gets exp(0) in the softmax and draws the context towards zero. The translation of a sentence must not depend on its neighbours in the batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Longer, or put together anew?
#
# A new model sees only numbers of at most eight English words; then come longer ones. But eight words are hardly ever enough for millions, thousands *and* a rest: a longer number may also be a new **composition**. So the two are counted apart: numbers with all three groups, and those with fewer.

# %% slideshow={"slide_type": "skip"}
def draw_brief_numbers(count, barred):
    """Different numbers of at most eight English words, none of them barred; each group of three digits is often 0."""
    rng, found = random.Random(0), set()
    while len(found) < count:
        n = sum(rng.choice((0, rng.randrange(1000))) * 1000**k for k in range(3))
        if len(english(n)) <= 8 and (n // 10**6 == 1 or n // 10**6 % 100 != 1) and n not in barred:
            found.add(n)
    return rng.sample(sorted(found), count)


brief_numbers = draw_brief_numbers(8000, barred=set(test_numbers))


def has_all_groups(n):
    """Whether a number has millions, thousands and a rest."""
    return n >= 10**6 and n // 1000 % 1000 > 0 and n % 1000 > 0


print(f"{sum(map(has_all_groups, brief_numbers))} of {len(brief_numbers)} have all three groups,", end=" ")
print(f"{np.mean([n >= 10**6 for n in brief_numbers]):.0%} have millions, such as", " ".join(english(brief_numbers[0])))

# %% tags=["output-only"]
brief = Attentive(V_x, V_y, E=32, H=96, score=Dot())
train_translator(brief, *number_rows(brief_numbers), seed=0, steps=120, lr=0.02)
written = greedy(brief, test_x, 30)
right_brief, all_groups = exact_match(written, test_y), torch.tensor([*map(has_all_groups, test_numbers)])
print("source        fewer groups           all three groups")
for low, high in ((2, 8), (9, 10), (11, 12), (13, 17)):
    group = (source_words >= low) & (source_words <= high)
    found = [right_brief[group & chosen].tolist() for chosen in (~all_groups, all_groups)]
    print(f"{low:2}–{high:2} words", *(f"   {sum(some):3} of {len(some):3} right" for some in found))

# %% [markdown]
# At the same length, nine to twelve words, most numbers of two groups come out right, and next to none of three. Length costs something; what the model cannot do is put the parts together in a way that it has not seen. A test of "length" would have mixed the two up.

# %% [markdown] slideshow={"slide_type": "notes"}
# No word is new, and millions are frequent in training. A person who can say the short numbers can say the long ones. Always ask what else changes along with what one wants to measure.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How does it fail?

# %%
for i in (source_words == 17).nonzero()[:2, 0]:
    for name, rows, words in (("source", test_x, words_x), ("written", written, words_y), ("right", test_y, words_y)):
        print(f"{name:8}", *decode_ids(rows[i : i + 1], words)[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# Compare what is missing, and whether what is there is a number at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Too short
#
# Longer than any answer in training, but shorter than needed:

# %%
lengths = [(rows == EOS).int().argmax(dim=1)[source_words > 12].double() for rows in (written, test_y)]
print("morphemes, sources of 13 words and more: written {:.1f}, right {:.1f}".format(*(n.mean() for n in lengths)), end="; ")
print("longest in training:", max(len(german(n)) for n in brief_numbers))

# %% tags=["nbval-check-output"]
middle = (source_words >= 9) & (source_words <= 12)
groups = {"at most eight words": source_words <= 8, "fewer": middle & ~all_groups, "all three": middle & all_groups}
brief_shares = {name: right_brief[group].double().mean().item() for name, group in groups.items()}
print("right up to eight words, more than 90 %:        ", brief_shares["at most eight words"] > 0.9)
print("nine to twelve words, fewer groups, over 50 %:  ", brief_shares["fewer"] > 0.5)
print("nine to twelve words, all groups, below 10 %:   ", brief_shares["all three"] < 0.1)

# %% [markdown] slideshow={"slide_type": "notes"}
# New compositions and new lengths are open problems for other architectures, too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Dates in fourteen languages
#
# Fifteen countries or languages, English counting twice; the same network, character by character: from a date as people write it, in the forms that the Unicode consortium collects (Babel), to ISO 8601.

# %%
LANGUAGES = "cs da de en_GB en_US es fi fr hu it nl pl pt sv tr".split()
days = [date(1900, 1, 1) + timedelta(days=n) for n in random.Random(0).sample(range(73_000), 11_000)]


def long_dates(days, languages):
    """Pairs of a date written out in one of the languages, in small letters, and in ISO 8601."""
    rng = random.Random(0)
    return [(format_date(day, "long", rng.choice(languages)).lower(), day.isoformat()) for day in days]


for language in LANGUAGES[:6]:
    print(f"{language:6}", *long_dates(days[:1], [language])[0], sep="   ")

# %% [markdown] slideshow={"slide_type": "notes"}
# 200 years of days, up to 2099. Hungarian puts the year first, American English the month. No rule is told to the network.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two countries, one notation
#
# A part of the dates is in digits only, month first as in the USA or day first as in Britain. The source does not say which.

# %% slideshow={"slide_type": "skip"}
def digit_dates(days):
    """Pairs of a date in digits, American or British, and in ISO 8601."""
    rng = random.Random(1)
    return [(day.strftime(rng.choice(["%m/%d/%Y", "%d/%m/%Y"])), day.isoformat()) for day in days]



digit_dates(days[:3])

# %%
train_dates = long_dates(days[:10_000], LANGUAGES) + digit_dates(days[:2_500])
number_written, number_iso = build_vocab(written for written, _ in train_dates), build_vocab(iso for _, iso in train_dates)
characters_iso = ["PAD", "BOS", "EOS", *number_iso]
dates_x, dates_y = pad_batch([w for w, _ in train_dates], number_written), pad_batch([iso for _, iso in train_dates], number_iso)
print(train_dates[0], train_dates[-1], tuple(dates_x.shape), tuple(dates_y.shape))

# %%
date_reader = Attentive(len(number_written) + 3, len(number_iso) + 3, E=32, H=64, score=Dot())
losses_of_dates = train_translator(date_reader, dates_x, dates_y, seed=0, steps=250, B=96, lr=0.015)
print(f"last twenty steps: {losses_of_dates[-20:].mean():.3f} nats per character")

# %% [markdown] slideshow={"slide_type": "notes"}
# A string is a sequence of characters, so the functions for words serve as they are.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### New days

# %%
def read_dates(texts):
    """The ISO form that the network writes for each text; characters that it does not know are left out."""
    known = [[character for character in text.lower() if character in number_written] for text in texts]
    rows = greedy(date_reader, pad_batch(known, number_written), 14)
    return ["".join(word) for word in decode_ids(rows, characters_iso)]


def dates_right(language):
    """The share of 300 held-out days that are read without a mistake."""
    texts, isos = zip(*long_dates(days[10_000:10_300], [language]))
    return np.mean([found == iso for found, iso in zip(read_dates(texts), isos)])


known = {language: dates_right(language) for language in LANGUAGES}
print(f"the fifteen of training: {np.mean(list(known.values())):.3f}, the worst {min(known, key=known.get)} {min(known.values()):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Days are new; the languages are those of training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Languages it has never seen
#
# One date, what the network makes of it, and the share of 300 held-out days that are right:

# %%
for language in ("nb", "sl", "id", "ro", "mt", "cy", "vi", "lt", "hr"):
    text = long_dates([date(2031, 10, 28)], [language])[0][0]
    print(f"{Locale.parse(language).english_name:17} {text:23} {read_dates([text])[0]:13} {dates_right(language):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Norwegian, Slovenian and Indonesian month names resemble those of languages in training. Croatian listopada is October; in Polish it is November, and Polish was in training. Layouts count, too: no date in training ends with a year and a dot, and none has Lithuanian's letters between the numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A source with two right answers
#
# 03/04/2031 is in March or in April. Let the network draw its answer 400 times, each character from its probabilities:

# %% tags=["export"] slideshow={"slide_type": "skip"}
@torch.no_grad()
def ancestral(model, x, longest):
    """A row of words drawn from p(y | x) for each row of x: numbers (B, longest)."""
    state, w, written = model.start(x), torch.full((len(x),), BOS), []
    for _ in range(longest):
        log_p, state = model.step(w, state)
        w = torch.multinomial(log_p.exp(), 1)[:, 0]
        written.append(w)
    return torch.stack(written, dim=1)

# %% slideshow={"slide_type": "skip"}
def draw_date(text, times):
    """How often the network writes which date for a text, if each character is drawn from its probabilities."""
    drawn = ancestral(date_reader, pad_batch([text], number_written).expand(times, -1), longest=11)
    return Counter("".join(word) for word in decode_ids(drawn, characters_iso))


draw_date("28. mai 1987", times=50).most_common(1)

# %%
for text in ("03/04/2031", "25/12/2031", "12/25/2031"):
    print(text, draw_date(text, 400).most_common(4))

# %% [markdown]
# Where the text does not tell, the draws fall on two dates, and on mixtures of them; where only one reading is a date, the network is nearly sure. Greedy decoding would show one reading and hide the other.

# %% [markdown] slideshow={"slide_type": "notes"}
# The network was never told that there are twelve months. Where an answer is in doubt, the draws show it, though not as the half and half of the training data; the argmax hides it. That is the bridge to the next notebook.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Write a date

# %% tags=["output-only"]
def answer_date(text):
    """What the network reads in a text, with the most frequent of 200 drawn answers, or what is missing."""
    text = text.strip()
    unknown = sorted({character for character in text.lower() if character not in number_written})
    if len(unknown) == len(set(text.lower())):
        return "Write a date, such as 4 July 1976: nothing here occurs in the training dates."
    drawn = draw_date([c for c in text.lower() if c in number_written], 200).most_common(3)
    left_out = f"   (left out: {' '.join(unknown)})" if unknown else ""
    return f"{read_dates([text])[0]}   drawn: {', '.join(f'{iso} {n}×' for iso, n in drawn)}{left_out}"


print(answer_date("4 July 1976"))

# %% tags=["output-only", "widget", "nbval-ignore-output"] nbval_ignore_reason="a widget"
@interact(text=Text("4 July 1976", continuous_update=False))
def write_a_date(text):
    print(answer_date(normalize("NFC", text)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Let the class bring dates: their own language, a format with dots, the 31st of February, ISO 8601 itself, "next Tuesday". It answers whatever it is asked: the network has never seen anything but dates, and knows no way to refuse.



# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · What else goes in, what else comes out?
#
# ![Two encoder–decoder pairs with many inputs and few outputs: on the left a document's words become a short text, on the right numbered moves of a game or frames of a film become sentences; in neither is it given which inputs belong to which output.](../figures/summarisation.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# Summarisation: encoded is a document, decoded a short text. Sequential description: encoded is a sequence of events, moves or frames, decoded are sentences about them. The code of this lecture stays; only what is embedded at the left changes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Summaries that people wrote
#
# Python's own modules carry a description, and its first line sums it up: pairs of a long and a short text. How much shorter?

# %% tags=["topic-B6c"]
described = []
for name in ("argparse", "bisect", "calendar", "csv", "difflib", "heapq", "imaplib", "json", "string", "textwrap"):
    summary, _, rest = (importlib.import_module(name).__doc__ or "").strip().partition("\n")
    if rest.strip():
        described.append((name, len(rest.split()), len(summary.split()), summary))
for name, document, words, summary in described[:6]:
    print(f"{name:9} {document:4} → {words:2} words   {summary[:62]}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The length of the output has nothing to do with an alignment: most of the input has no counterpart at all. Measuring is harder, too: many summaries are good, and an n-gram overlap with one of them says little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Five pictures, one story
#
# ![Five pictures pass through the same CNN, a GRU encoder reads the five vectors from the last picture to the first, and its last state starts a GRU decoder that writes the story as sentence 1 to sentence 5.](../figures/visual_storytelling.svg)
#
# Visual storytelling (Huang and others 2016): encoded are five pictures of an album, decoded is a story.

# %% [markdown] slideshow={"slide_type": "notes"}
# A story is more than five captions: it says what the pictures do not show. Notebook 11 takes up pictures; this is the same encoder–decoder with another kind of input.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is such a network a computer?
#
# ![A stack of bits held in one number s on lines from 0 to 1: pushing 1, 0, 1 onto the empty stack 0 gives 0.75, 0.4375 and 0.859375; s lies between ¼ and ½ if the top is 0 and between ¾ and 1 if it is 1.](../figures/stack_number.svg)
#
# Siegelmann and Sontag 1995: a recurrent network can simulate any Turing machine, if its state has unlimited precision and it may take as many steps as it needs. The trick: one number holds a whole stack.

# %% [markdown] slideshow={"slide_type": "notes"}
# Base 4, digits 1 and 3 only: between the numbers whose top is 0 and those whose top is 1 there is a gap, so a saturated linear unit can tell them apart. Two stacks make a tape.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How deep is the stack of a real number format?

# %% tags=["topic-G5"]
def push(s, bit):
    """The stack s, a number in [0, 1), with a bit on top."""
    return s / 4 + type(s)(2 * bit + 1) / 4


def pop(s):
    """The bit on top of the stack, and the stack without it."""
    bit = int(s >= type(s)(1) / 2)
    return bit, s * 4 - type(s)(2 * bit + 1)


print(push(push(0.0, 1), 0), pop(push(0.25, 1)))

# %% tags=["topic-G5"] slideshow={"slide_type": "skip"}
def bits_kept(number):
    """How many bits, pushed one after the other, come back unchanged; at most 100."""
    bits = random.Random(0).choices((0, 1), k=100)
    for depth in range(1, 101):
        s, popped = number(0), []
        for bit in bits[:depth]:
            s = push(s, bit)
        for _ in range(depth):
            bit, s = pop(s)
            popped.append(bit)
        if popped[::-1] != bits[:depth]:
            return depth - 1
    return 100

# %% tags=["topic-G5", "nbval-check-output"]
for name, number in {"float16": np.float16, "float32": np.float32, "float64": np.float64, "Fraction": Fraction}.items():
    print(f"{name:9} keeps {bits_kept(number):3} bits")

# %% [markdown] slideshow={"slide_type": "notes"}
# Two binary digits of the significand for each bit: formats have 11, 24 and 53. Fractions are exact, and their size grows with every push; the hundred is where the loop stops. A theorem about unlimited precision says nothing about what a network with 32-bit numbers can learn. What it can learn of running programs (Zaremba and Sutskever 2014) is the question of notebook 12.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - An encoder–decoder from notebook 5's cells, equal to PyTorch's, with teacher forcing and a loss that leaves PAD out.
# - Attention, equal to `scaled_dot_product_attention`: it learns long sources sooner than one vector, which gets there with three times the steps; and its maps cross.
# - Number words, and dates in languages never seen; and a test of length that was one of composition.
#
# **Next:** `07_translation` asks which of all sentences to write, and how good it is; `real_corpora/07_tatoeba` translates real ones; notebook 12 lets a network run programs.

# %% [markdown] slideshow={"slide_type": "notes"}
# Attention was found as a help for recurrent translators. Three years later a network did without recurrence: attention and feed-forward layers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - K. Cho and others: *Learning Phrase Representations using RNN Encoder–Decoder …* EMNLP, 2014.
# - I. Sutskever, O. Vinyals, Q. Le: *Sequence to Sequence Learning with Neural Networks.* NIPS, 2014.
# - D. Bahdanau, K. Cho, Y. Bengio: *Neural Machine Translation by Jointly Learning to Align and Translate.* ICLR, 2015.
# - M.-T. Luong, H. Pham, C. Manning: *Effective Approaches to Attention-based Neural Machine Translation.* EMNLP, 2015.
# - A. Vaswani and others: *Attention Is All You Need.* NIPS, 2017.
# - T.-H. Huang and others: *Visual Storytelling.* NAACL, 2016.

# %% [markdown] slideshow={"slide_type": "notes"}
# Cho and others encode phrases and score them inside a classical translation system; Sutskever and others translate whole sentences.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### References for networks as computers
#
# - H. Siegelmann, E. Sontag: *On the Computational Power of Neural Nets.* Journal of Computer and System Sciences, 1995.
# - W. Zaremba, I. Sutskever: *Learning to Execute.* arXiv:1410.4615, 2014.

# %% [markdown] slideshow={"slide_type": "notes"}
# The first is a construction on paper, the second an experiment with trained networks.
