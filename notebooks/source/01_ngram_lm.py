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
#     over:
#       cells: {most: 84, why: "to be recut"}
#       lines: {most: 565, why: "to be recut"}
#       minutes: {most: 99.2, why: "to be recut"}
#       slides: {most: 73, why: "to be recut"}
#       pictures: {most: 10.5, why: "to be recut"}
#       slide_lines: {most: 20, why: "to be recut"}
#       code_share: {most: 76.8, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 1 · How far does counting get us?
#
# > A model that only counts can already finish your sentence. It is also where every neural model has to start: as the number to beat.
#
# **You will** build n-gram language models from nothing but counts, smooth them up to modified Kneser–Ney, and measure all of them with one yardstick, perplexity.<br>
# **You need** Python and the idea of a conditional probability. Notebook 0 explains how exercises work.<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask the room to finish "students opened their …" before showing anything. Keep the answers on the board: the first model will give books 0.4 and exams 0.1, and somebody will have said laptops.

# %% slideshow={"slide_type": "skip"}
import math
import random
from collections import Counter, defaultdict
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import IntSlider, Text, interact

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import load_grammar, load_prose

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | meaning |
# |---|---|---|
# | $w_1 \dots w_T$ | `sentence` | a sentence: a list of $T$ tokens (words, numbers, punctuation marks) |
# | BOS, EOS | `BOS`, `EOS` | markers before the first and after the last token |
# | $h$ | `context` | the $n-1$ tokens before the next one, a tuple |
# | $c(h\,w)$ | `counts[context][word]` | how often $w$ follows $h$ |
# | $p(w \mid h)$ | `p(word, history)` | probability of the next token; a model *is* this function |
# | $\lvert V\rvert$ | `V` | number of tokens that can come next: all words, and EOS |
#
# A model receives the whole *history* of a sentence and cuts it to the context itself. In notebook 0, and from notebook 3 on, $h$ is a hidden state.

# %% [markdown] slideshow={"slide_type": "notes"}
# Everything in this lecture is a function p(word, history). Say it twice: the same interface serves the recurrent networks of notebook 3 and later, so they can all be compared with one perplexity function.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What comes next?
#
# ![A sentence of tokens: the three before the blank are the context of a 4-gram, the older ones are greyed out.](../figures/ngram_window.svg)
#
# A **language model** gives each possible next token a probability. An **n-gram model** looks at the last $n-1$ tokens only, the *context*, and asks a corpus what followed them.

# %% [markdown] slideshow={"slide_type": "notes"}
# The picture is the whole idea and also its weakness: the grey tokens never reach the model. Ask which word the grey part suggests.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why model language?
#
# | use | what the probability decides |
# |---|---|
# | predictive typing | which words the keyboard offers |
# | spelling and grammar correction | which repair is likeliest in its sentence |
# | speech and handwriting recognition | which of two similar sounding or looking texts was meant |
# | machine translation, summarisation, dialogue | which output reads like language |
# | authorship identification | whose model finds the text least surprising |
#
# It is a benchmark, too: who predicts well must have learned spelling, grammar, topic and some facts.

# %% [markdown] slideshow={"slide_type": "notes"}
# Two of these rows are run live at the end of this lecture. Large language models are the same function p(word, history), with a longer history and more parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Counting n-grams
#
# The first word has no predecessors, so contexts are padded with BOS. EOS is predicted like a word: a model must know when to stop.

# %% tags=["export"]
BOS, EOS, UNK = "<s>", "</s>", "<unk>"


def ngrams(sentence, n):
    """The n-grams of a sentence, one for each token to predict: its words and EOS."""
    tokens = [BOS] * (n - 1) + sentence + [EOS]
    return [tuple(tokens[t : t + n]) for t in range(len(sentence) + 1)]

# %%
ngrams(["students", "opened", "their", "books"], n=3)

# %% [markdown] slideshow={"slide_type": "notes"}
# Let the room count the trigrams of the four-word sentence before you run the cell: five, because EOS is predicted too. A classic slip is a negative index at the start of the sentence; padding avoids it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Counting what follows a context
#
# One table per order: for each context, how often each word came next.

# %% tags=["export"]
def count_ngrams(corpus, n):
    """counts[context][word]: how often the word follows the n - 1 tokens of the context."""
    counts = defaultdict(Counter)
    for sentence in corpus:
        for *context, word in ngrams(sentence, n):
            counts[tuple(context)][word] += 1
    return dict(counts)

# %%
count_ngrams([["a", "b", "a"], ["a", "a"]], n=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# Follow one line of the output by finger: after BOS came a, twice. Ask what the entry for the context b must be before showing it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From counts to probabilities
#
# Suppose *students opened their* occurred 1000 times. The estimate is a ratio of counts:
#
# $$p(w \mid h) = \frac{c(h\,w)}{c(h)}$$

# %%
followers = {"books": 400, "laptops": 250, "minds": 150, "exams": 100, "umbrellas": 100}
classroom = [
    ["students", "opened", "their", word]
    for word, times in followers.items()
    for _ in range(times)
]
classroom_counts = count_ngrams(classroom, n=4)

# %% tags=["topic-A3", "nbval-check-output"]
context = ("students", "opened", "their")
seen, total = classroom_counts[context], classroom_counts[context].total()
print(f"c(h) = {total}")
print(f"p(books | h) = {seen['books'] / total}   p(exams | h) = {seen['exams'] / total}")

# %% [markdown] slideshow={"slide_type": "notes"}
# These are the lecture's numbers: 1000, 400, 100. The estimate is the maximum-likelihood one; a later slide shows what is wrong with it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the window throws away
#
# *As the proctor started the clock, the students opened their …* Everybody says **exams**. A 4-gram cannot prefer it: it never sees the proctor.

# %% tags=["export"]
def context_of(history, n):
    """The last n - 1 tokens of a history, BOS where the sentence had not begun."""
    padded = [BOS] * (n - 1) + list(history)
    return tuple(padded[len(padded) - (n - 1) :])

# %% tags=["topic-A3", "nbval-check-output"]
proctor = "as the proctor started the clock , the students opened their".split()
plain = "the students opened their".split()
print(context_of(proctor, n=4))
same_counts = classroom_counts[context_of(proctor, 4)] == classroom_counts[context_of(plain, 4)]
print("same distribution with and without the proctor:", same_counts)

# %% [markdown] slideshow={"slide_type": "notes"}
# The discarded context is the point of the example, not a detail. Why not n = 12, then? Let them guess; the slide on sparsity answers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Why padding?
#
# Why not just take `words[t - 1]`? Before the first word, Python silently takes the *last* one:

# %%
words = ["natural", "language", "processing"]
t = 0
words[t - 1], context_of(words[:t], n=2)

# %% [markdown] slideshow={"slide_type": "notes"}
# No error, no warning: a model trained this way believes that sentences are circles.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · Which denominator?
#
# **Predict first:** *their* was followed 4 times by books, once by exams, 5 times by keys. What is $p(\text{books} \mid \text{their})$? Then write it for any counts.
#
# <details><summary>Answer</summary>4 / 10: only what followed <em>their</em> counts, not the whole corpus.</details>

# %% tags=["exercise-1-stub"]
def conditional(counts, context, word):
    """p(word | context) from counts[context][word]."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_conditional(attempt):
    """Try an attempt on a corpus of two contexts."""
    small = {("their",): Counter(books=4, exams=1, keys=5), ("the",): Counter(books=3, end=7, way=2), ("a",): Counter(end=1, way=2)}
    everything = sum(words.total() for words in small.values())
    return check(
        attempt,
        cases=[((small, ("their",), "books"), 0.4), ((small, ("the",), "books"), 0.25), ((small, ("the",), "keys"), 0), ((small, ("a",), "end"), 1 / 3)],
        misconceptions={
            "you divided by all tokens of the corpus: that is p(context and word), not p(word | context)": (
                lambda counts, context, word: counts[context][word] / everything
            ),
            "you divided by the count of the word: that is p(context | word), the condition turned round": (
                lambda counts, context, word: counts[context][word] / sum(words[word] for words in counts.values())
            ),
            "you divided by the number of different words after the context, not by how often it occurred": (
                lambda counts, context, word: counts[context][word] / len(counts[context])
            ),
            "you divided by the number of different contexts, not by how often this one occurred": (
                lambda counts, context, word: counts[context][word] / len(counts)
            ),
            "a count is not a probability yet: divide by the count of the context": (
                lambda counts, context, word: counts[context][word]
            ),
            "these are odds, this word against all others: divide by the count of the context, this word included": (
                lambda counts, context, word: counts[context][word]
                / (counts[context].total() - counts[context][word])
            ),
            "you divided by the most frequent word: the probabilities must sum to 1": (
                lambda counts, context, word: counts[context][word] / max(counts[context].values())
            ),
            "numerator and denominator are exchanged": (
                lambda counts, context, word: counts[context].total() / counts[context][word]
            ),
            "you rounded down: // gives whole numbers, / gives fractions": (
                lambda counts, context, word: counts[context][word] // counts[context].total()
            ),
            "rounded: return the fraction as it is": lambda counts, context, word: round(counts[context][word] / counts[context].total(), 2),
            "this is in per cent: a probability lies between 0 and 1": (
                lambda counts, context, word: 100 * counts[context][word] / counts[context].total()
            ),
            "an unseen word has no entry: .get(word) gives None there, but counts[context][word] gives 0, since it is a Counter": (
                lambda counts, context, word: counts[context].get(word) / counts[context].total()
            ),
        },
    )


check_conditional(conditional)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def conditional_solution(counts, context, word):
    """p(word | context) from counts[context][word]."""
    return counts[context][word] / counts[context].total()


check_conditional(conditional_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two minutes in pairs. The favourite wrong answer is the joint probability: dividing by all tokens of the corpus.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The chain rule, and where we cut it
#
# ![The factors of a sentence's probability: all earlier tokens condition each factor in the chain rule, only the last one in the bigram model.](../figures/markov_chain_rule.svg)
#
# $$p(w_1 \dots w_T) = \prod_{t=1}^{T+1} p(w_t \mid w_0 \dots w_{t-1}) \approx \prod_{t=1}^{T+1} p(w_t \mid w_{t-1})$$
#
# This is the chain rule of *probability*: $w_0$ = BOS is given, $w_{T+1}$ = EOS is predicted.

# %% [markdown] slideshow={"slide_type": "notes"}
# The equality is exact, the approximation is the Markov assumption. EOS in the product lets the probabilities of all sentences of all lengths sum to one; without it each length would have its own total of one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A corpus small enough to check by eye

# %%
tiny = [line.split() for line in """
natural language processing
statistical natural language processing
natural language processing needs statistical models
statistical language models give sentences a probability
statistical natural language processing counts words
is language natural or learned
natural processing of speech takes time
language models help natural language processing
""".strip().splitlines()]  # fmt: skip
bigrams = count_ngrams(tiny, n=2)
bigrams[("natural",)]

# %% [markdown] slideshow={"slide_type": "notes"}
# Eight sentences, written for this page. Have somebody count what follows natural and compare with the Counter that the cell prints.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A model is a function p(word, history)
#
# This one divides counts. It is the *maximum-likelihood* model: among all models of its order, it gives its own training corpus the highest probability.

# %%
def relative_frequency(corpus, n):
    """The maximum-likelihood n-gram model, as a function p(word, history)."""
    counts = count_ngrams(corpus, n)

    def p(word, history):
        words = counts[context_of(history, n)]
        return words[word] / words.total()

    return p


bigram = relative_frequency(tiny, n=2)
bigram("language", ["statistical", "natural"])

# %% [markdown] slideshow={"slide_type": "notes"}
# The same interface serves every model of the course. This one raises a KeyError for a context that it has never seen; a later slide gives that problem a name.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · The log-probability of a sentence
#
# Products of small numbers underflow to 0, sums of logarithms do not. Given any model `p(word, history)`, return $\sum_t \log p(w_t \mid w_1 \dots w_{t-1})$, with natural logarithms: the unit is then the *nat*, with $\log_2$ it would be the *bit*.
#
# **Predict first:** how many terms does the sum have for a sentence of three words?
#
# <details><summary>Answer</summary>Four: three words and EOS. BOS is given, never predicted.</details>

# %% tags=["exercise-2-stub"]
def sentence_log_prob(p, sentence):
    """Sum of log p(word, history) over the words of a sentence and EOS, in nats."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_sentence_log_prob(attempt):
    """Try an attempt on a model that looks at the last two tokens."""

    def p(word, history):
        before, previous = context_of(history, 3)
        likely = {BOS: "a", "a": "b", "b": EOS}.get(previous)
        return (0.5 if word == likely else 0.1) / (1 if before == BOS else 2)

    log, long = math.log, ["a", "b"] * 200
    return check(
        attempt,
        cases=[
            ((p, ["a", "b"]), log(0.5) + log(0.5) + log(0.25)),
            ((p, ["b"]), log(0.1) + log(0.5)),
            ((p, []), log(0.1)),
            ((p, long), 2 * log(0.5) + 199 * log(0.05) + 199 * log(0.25) + log(0.25)),
        ],
        misconceptions={
            "you left out EOS: without it a model need not know when to stop": (
                lambda p, s: sum(log(p(w, s[:t])) for t, w in enumerate(s))
            ),
            "you left out the first word: its history is empty, [] in code": (
                lambda p, s: sum(log(p(w, (s + [EOS])[:t])) for t, w in enumerate(s + [EOS]) if t)
            ),
            "you scored BOS as if it were a word: it is given, never predicted": (
                lambda p, s: log(p(BOS, [])) + sum(log(p(w, s[:t])) for t, w in enumerate(s + [EOS]))
            ),
            "you took logarithms to base 2: the result is in bits, not in nats": (
                lambda p, s: sum(math.log2(p(w, s[:t])) for t, w in enumerate(s + [EOS]))
            ),
            "you took logarithms to base 10: use the natural logarithm, math.log": (
                lambda p, s: sum(math.log10(p(w, s[:t])) for t, w in enumerate(s + [EOS]))
            ),
            "the product underflows to 0 before you take its logarithm: add logarithms instead": (
                lambda p, s: log(math.prod(p(w, s[:t]) for t, w in enumerate(s + [EOS])))
            ),
            "the history held the word itself: sentence[:t] ends just before token t": (
                lambda p, s: sum(log(p(w, s[: t + 1])) for t, w in enumerate(s + [EOS]))
            ),
            "you gave EOS an empty history: its history is the whole sentence": (
                lambda p, s: sum(log(p(w, s[:t])) for t, w in enumerate(s)) + log(p(EOS, []))
            ),
            "you gave every word an empty history": (lambda p, s: sum(log(p(w, [])) for w in s + [EOS])),
            "you gave each word only the one before it: the model wants the whole history, sentence[:t]": (
                lambda p, s: sum(log(p(w, s[max(t - 1, 0) : t])) for t, w in enumerate(s + [EOS]))
            ),
            "the sign: the logarithm of a probability is negative, and no minus was asked for": (
                lambda p, s: -sum(log(p(w, s[:t])) for t, w in enumerate(s + [EOS]))
            ),
            "you took the mean: the sum was asked for": (
                lambda p, s: sum(log(p(w, s[:t])) for t, w in enumerate(s + [EOS])) / (len(s) + 1)
            ),
            "you multiplied probabilities: take the logarithm of each, and add": (
                lambda p, s: math.prod(p(w, s[:t]) for t, w in enumerate(s + [EOS]))
            ),
            "-inf is the logarithm of 0: the product underflows before you take it; add logarithms instead": (
                lambda p, s: log(product) if (product := math.prod(p(w, s[:t]) for t, w in enumerate(s + [EOS]))) else -math.inf
            ),
            "these are the terms: add them up": lambda p, s: [log(p(w, s[:t])) for t, w in enumerate(s + [EOS])],
        },
    )


check_sentence_log_prob(sentence_log_prob)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def sentence_log_prob_solution(p, sentence):
    """Sum of log p(word, history) over the words of a sentence and EOS, in nats."""
    return sum(math.log(p(word, sentence[:t])) for t, word in enumerate(sentence + [EOS]))


check_sentence_log_prob(sentence_log_prob_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The check recognises many wrong answers by name. The last case is a sentence of 4000 words: its product underflows. Collect what the room wrote: EOS forgotten is the most frequent.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One product, factor by factor

# %% tags=["topic-A2", "export"]
def token_probs(p, sentence):
    """The factors p(w_t | w_1 … w_{t-1}) of a sentence, EOS the last."""
    return [p(word, sentence[:t]) for t, word in enumerate(sentence + [EOS])]

# %%
sentence = "natural language processing".split()
for previous, word, q in zip([BOS, *sentence], [*sentence, EOS], token_probs(bigram, sentence)):
    seen = bigrams[(previous,)]
    print(f"p({word:<10} | {previous:<10}) = {seen[word]} / {seen.total()} = {q:.4f}")
print(f"p(sentence) = {math.prod(token_probs(bigram, sentence)):.4f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Check one factor by hand: how often does natural start a line of the corpus, and how many lines are there?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### $p(w_1)$ is not $p(w_1 \mid \text{BOS})$
#
# The first factor was $p(\text{natural} \mid \text{BOS})$: how often a sentence *starts* with natural. The plain frequency $p(\text{natural})$ is another number:

# %% tags=["nbval-check-output"]
unigram = relative_frequency(tiny, n=1)
print(f"p(natural)       = {unigram('natural', []):.3f}")
print(f"p(natural | BOS) = {bigram('natural', []):.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Point at the first factor. Lecture slides and blog posts often write p(w1) there. It is not the unigram probability.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Word order has a probability
#
# The same four words, in two orders:

# %% tags=["topic-A1", "nbval-check-output"]
good = "statistical natural language processing".split()
odd = "statistical language natural processing".split()
for words in (good, odd):
    print(f"p({' '.join(words)}) = {math.prod(token_probs(bigram, words)):.6f}")
preferred = max(good, odd, key=lambda words: math.prod(token_probs(bigram, words)))
print("the model prefers English:", preferred == good)

# %% [markdown]
# A unigram model cannot tell them apart: the same factors in another order have the same product.

# %% tags=["nbval-check-output"]
same = math.isclose(math.prod(token_probs(unigram, good)), math.prod(token_probs(unigram, odd)))
print("equal under the unigram model:", same)

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing here knows grammar. The ratio of the two probabilities is what a recogniser or a translator uses to choose between candidates.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One yardstick for all models: perplexity
#
# $J$ is the mean negative log-likelihood per token; $T$ now counts all tokens of a *corpus*, each EOS included. Perplexity is its exponential, the inverse geometric mean of the probabilities:
#
# $$J = -\frac{1}{T} \sum_{t=1}^{T} \log p(w_t \mid w_{<t}), \qquad \text{PP} = e^{J} = \sqrt[T]{\prod_{t=1}^{T} \frac{1}{p(w_t \mid w_{<t})}}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Per token, not per sentence; EOS is scored, BOS and padding never. Read it as a number of choices: a model of perplexity 12 is as unsure as one that picks among 12 equally likely tokens.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · Perplexity of two sentences
#
# A model gave the tokens of one sentence the probabilities ½ and ½, those of another ⅛, ⅛, ⅛ and ⅛. **Predict:** is its perplexity 4, 5, or about 5.04? Then compute it for any list of sentences.
#
# <details><summary>Answer</summary>2<sup>(1+1+3+3+3+3)/6</sup> = 2<sup>7/3</sup> ≈ 5.04: all six tokens weigh the same.</details>

# %% tags=["exercise-3-stub"]
def token_perplexity(sentences):
    """Perplexity, given a list of token probabilities for each sentence, EOS included."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_token_perplexity(attempt):
    """Try an attempt on sentences of unequal lengths."""

    def nats(sentence):
        return [-math.log(q) for q in sentence]

    def mean(values):
        return sum(values) / len(values)

    def flat(sentences):
        return [q for sentence in sentences for q in sentence]

    return check(
        attempt,
        cases=[
            (([[1 / 2, 1 / 2], [1 / 8] * 4],), 2 ** (7 / 3)),
            (([[0.1], [0.4, 0.2], [0.9]],), (1 / (0.1 * 0.4 * 0.2 * 0.9)) ** (1 / 4)),
        ],
        misconceptions={
            "you averaged the sentences' perplexities: short sentences weigh too much, and exp is not linear": (
                lambda sentences: mean([math.exp(mean(nats(s))) for s in sentences])
            ),
            "you averaged per sentence first: each token must weigh the same": (
                lambda sentences: math.exp(mean([mean(nats(s)) for s in sentences]))
            ),
            "you left out the last token, EOS: it is predicted like any other": (
                lambda sentences: math.exp(mean(nats([q for s in sentences for q in s[:-1]])))
            ),
            "the logarithm and the power have different bases: log goes with exp, log2 with 2 **": (
                lambda sentences: 2 ** mean(nats(flat(sentences)))
            ),
            "you took log2 and exp: log2 goes with 2 **, exp with log": (
                lambda sentences: math.exp(mean(nats(flat(sentences))) / math.log(2))
            ),
            "you left out the T-th root: perplexity is per token": (
                lambda sentences: math.exp(sum(nats(flat(sentences))))
            ),
            "you averaged 1/p: perplexity is the geometric mean of the 1/p": (
                lambda sentences: mean([1 / q for q in flat(sentences)])
            ),
            "this is 1 / perplexity: take the inverse, or mind the sign of the logarithm": (
                lambda sentences: math.exp(-mean(nats(flat(sentences))))
            ),
            "you averaged probabilities: perplexity needs their geometric mean": (
                lambda sentences: 1 / mean(flat(sentences))
            ),
            "you divided by the number of sentences instead of the number of tokens": (
                lambda sentences: math.exp(sum(nats(flat(sentences))) / len(sentences))
            ),
            "you forgot the power: this is J, in bits per token": (
                lambda sentences: mean(nats(flat(sentences))) / math.log(2)
            ),
            "you forgot the exponential: this is J, in nats per token": (
                lambda sentences: mean(nats(flat(sentences)))
            ),
        },
    )  # fmt: skip


check_token_perplexity(token_perplexity)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def token_perplexity_solution(sentences):
    """Perplexity, given a list of token probabilities for each sentence, EOS included."""
    nats = [-math.log(q) for sentence in sentences for q in sentence]
    return math.exp(sum(nats) / len(nats))


check_token_perplexity(token_perplexity_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Vote on 4, 5 and 5.04 first. 5 is the mean of the two sentences' perplexities 2 and 8, 4 comes from averaging per sentence.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Perplexity in four lines

# %% tags=["export"]
def perplexity(p, corpus):
    """exp of the mean negative log-likelihood per token: EOS counts, BOS does not."""
    probabilities = [q for sentence in corpus for q in token_probs(p, sentence)]
    nats = [-math.log(q) if q > 0 else math.inf for q in probabilities]
    return math.exp(sum(nats) / len(nats))

# %%
perplexity(bigram, tiny)

# %% [markdown] slideshow={"slide_type": "notes"}
# Read it as a number of choices, each equally likely. Two papers' perplexities compare only over the same tokens and the same treatment of rare words.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four facts that keep perplexity honest

# %% tags=["topic-A7", "nbval-check-output"]
tokens = {EOS} | {word for sentence in tiny for word in sentence}
probabilities = [q for sentence in tiny for q in token_probs(bigram, sentence)]
T = len(probabilities)
bits = -sum(math.log2(q) for q in probabilities) / T

PP = perplexity(bigram, tiny)
uniform = perplexity(lambda word, history: 1 / len(tokens), tiny)
print("a uniform model has |V|:", math.isclose(uniform, len(tokens)))
print("a perfect model has 1:  ", perplexity(relative_frequency(tiny[3:4], 4), tiny[3:4]) == 1)
print("2^bits = e^nats:        ", math.isclose(2**bits, PP))
print("the T-th root form:     ", math.isclose(math.prod(probabilities) ** (-1 / T), PP))

# %% [markdown]
# The perfect model has counted one sentence and is tested on that same sentence: worthless. The base of the logarithm cancels. The mean weighs every token alike: a sentence of forty words, 41 tokens, counts almost fourteen times as much as one of two.

# %% [markdown] slideshow={"slide_type": "notes"}
# The perfect model here has learned a corpus of one sentence by heart and is tested on that sentence: perplexity 1, and worthless.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A perfect score that means nothing
#
# Score a word with a model that *has just read it*, and a model that copies its input looks perfect. Predict $w_t$ from what came **before** it.

# %% tags=["topic-A7", "nbval-check-output"]
def copycat(word, history):
    """A model that has learned to repeat the last token of its history."""
    return 0.99 if [word] == history[-1:] else 0.01 / (len(tokens) - 1)


off_by_one = [copycat(word, sentence[: t + 1]) for sentence in tiny for t, word in enumerate(sentence)]
print(f"scored after reading the word:  {math.exp(-np.mean(np.log(off_by_one))):.2f}")
print(f"scored before reading the word: {perplexity(copycat, tiny):.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The bug is one index: sentence[: t + 1] instead of sentence[:t]. It will come back with recurrent networks, whose state after step t has read word t.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two corpora, nothing to download
#
# **Prose**: the Python language reference and the standard library's docstrings, split *by module*. **Grammar**: 44 words and rules with probabilities; its entropy, hence the best possible perplexity, can be computed exactly.

# %%
prose = load_prose(seed=0)
grammar = load_grammar("english")
sampled = grammar.sample(12_000, seed=0)
toy = {
    "train": sampled[:10_000],
    "validation": sampled[10_000:11_000],
    "test": sampled[11_000:],
}
print("prose:  ", " ".join(min(prose.train, key=lambda sentence: abs(len(sentence) - 12))))
print("grammar:", " ".join(toy["train"][3]))

# %% [markdown] slideshow={"slide_type": "notes"}
# The prose is dry but real: about 170 thousand tokens that nobody has to download. Splitting by module matters so much that it gets a slide of its own at the end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Rare words and the vocabulary
#
# Rare words become UNK, by a vocabulary built on the *training* part alone: one that has peeked at the test text would leak.

# %% tags=["export"]
def replace_rare(splits, min_count):
    """Replace by UNK what occurs fewer than min_count times in the training part."""
    frequency = Counter(word for sentence in splits["train"] for word in sentence)
    known = {word for word, times in frequency.items() if times >= min_count}
    return {
        part: [[word if word in known else UNK for word in sentence] for sentence in corpus]
        for part, corpus in splits.items()
    }


def vocabulary(corpus):
    """All tokens that can come next: the words of a training corpus and EOS."""
    return {EOS} | {word for sentence in corpus for word in sentence}

# %% [markdown] slideshow={"slide_type": "notes"}
# Perplexities compare only between models with the same vocabulary and the same rate of UNK: a model that calls every word UNK is never surprised.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What we train and test on
#
# A model counts the **training** part. Settings such as $k$ or $\lambda$ are chosen on the **validation** part. The **test** part stands for text that nobody has seen: it only reports the result.

# %%
corpora = {
    "prose": replace_rare(prose._asdict(), min_count=2),
    "grammar": replace_rare(toy, min_count=1),
}
for name, splits in corpora.items():
    V = len(vocabulary(splits["train"]))
    T = sum(len(sentence) + 1 for sentence in splits["test"])
    unknown = sum(sentence.count(UNK) for sentence in splits["test"]) / T
    print(f"{name:8} |V| = {V:4}   train {len(splits['train'])} sentences   ", end="")
    print(f"test {T} tokens, {unknown:.1%} UNK")

# %% [markdown] slideshow={"slide_type": "notes"}
# Same words as in the table of symbols: |V| counts what can come next, EOS among it, BOS not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How good can a model be?
#
# A uniform model has perplexity $|V|$: what knowing nothing costs. The floor is set by the *entropy*, the mean of $-\log p$ under the true distribution: no model does better on average. For the grammar it can be computed. Divided by the mean number of tokens in a sentence, and under the exponential, it is a perplexity. That is an expectation; our test sentences are a sample, so the true model is scored on them, too:

# %%
nats, length = grammar.entropy()
print(f"{nats:.3f} nats, {length:.3f} tokens a sentence: floor {math.exp(nats / length):.3f}")
floor = grammar.perplexity(corpora["grammar"]["test"])
print(f"the true model on the {len(corpora['grammar']['test'])} test sentences: {floor:.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# For real text nobody knows the floor. Having one corpus where it is known lets us say how much of the remaining perplexity is the model's fault.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sparsity: most of what comes is new
#
# How many n-grams of the test text are new? How many must be stored?

# %% slideshow={"slide_type": "skip"}
orders = range(1, 6)
train, validation, test = (corpora["prose"][part] for part in ("train", "validation", "test"))
levels = [count_ngrams(train, n) for n in orders]  # levels[m]: contexts of m tokens


def unseen_share(n):
    """The share of n-grams of the test text that the training text does not hold."""
    grams = [gram for sentence in test for gram in ngrams(sentence, n)]
    return sum(gram[-1] not in levels[n - 1].get(gram[:-1], ()) for gram in grams) / len(grams)


def stored(n, share):
    """The number of different n-grams in a share of the training sentences."""
    return len({gram for sentence in train[: int(share * len(train))] for gram in ngrams(sentence, n)})

# %% slideshow={"slide_type": "skip"}
def plot_sparsity(shares=(0.1, 0.4, 0.7, 1.0)):
    """Draw the share of unseen test n-grams against n, and the stored n-grams against the corpus' size."""
    fig, (left, right) = plt.subplots(1, 2)
    bars = left.bar(orders, [100 * unseen_share(n) for n in orders], color=COLOR["ngram"])
    left.bar_label(bars, fmt="%.0f %%")
    left.set(xlabel="order $n$", ylabel="unseen test n-grams (%)", ylim=(0, 105))
    for n in orders:
        right.plot([100 * s for s in shares], [stored(n, s) / 1000 for s in shares], color=plt.cm.viridis(0.17 * (n - 1)))
        right.annotate(f"$n={n}$", (101, stored(n, 1) / 1000), va="center", fontsize=12, annotation_clip=False)
    right.set(xlabel="training text used (%)", ylabel="stored n-grams (thousands)", xlim=(8, 118))
    return fig

# %% tags=["topic-A4", "output-only"]
show(plot_sparsity(), "Most 5-grams of new prose were never seen, and storing them costs four entries for every five tokens.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Left: why n = 12 would not help. Right: memory grows with n and with the corpus, and the higher n, the straighter the line; the unigram line is bounded by the vocabulary.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two kinds of zero
#
# An unseen **continuation** makes the numerator 0, and one zero makes the whole sentence impossible: perplexity ∞. An unseen **context** makes the denominator 0: no estimate at all.

# %% tags=["topic-A4"]
print("bigrams:", perplexity(relative_frequency(train, 2), test))
try:
    perplexity(relative_frequency(train, 3), test)
except KeyError as unseen:
    print("trigrams: KeyError,", unseen, "was never seen as a context")

# %% [markdown] slideshow={"slide_type": "notes"}
# Write both zeros on the board as fractions. Everything on the next slides is a remedy for one or both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How often?
#
# The bars of the last figure, taken apart: of all n-grams of the test text, these shares have one zero or the other.

# %% tags=["topic-A4"]
for n in orders:
    counts, numerator, denominator = levels[n - 1], 0, 0
    grams = [gram for sentence in test for gram in ngrams(sentence, n)]
    for *context, word in grams:
        words = counts.get(tuple(context))
        denominator += words is None
        numerator += words is not None and word not in words
    print(f"n = {n}   numerator 0 for {numerator / len(grams):5.1%}", end="")
    print(f"   denominator 0 for {denominator / len(grams):5.1%}")

# %% [markdown]
# The first calls for *smoothing*, the second for *backing off* to a shorter context.

# %% [markdown] slideshow={"slide_type": "notes"}
# The two columns add up to the bars of the figure; a trigram's context is unseen exactly as often as a bigram is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Add k
#
# Pretend that each word had been seen $k$ more times after each context:
#
# $$p(w \mid h) = \frac{c(h\,w) + k}{c(h) + k\,|V|}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Both zeros are gone at one stroke: the numerator is at least k, the denominator at least k|V|.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 4 · Add k
#
# A context was seen 10 times, 3 of them before *cat*; $|V| = 50$, $k = 0.2$. **Predict:** is $p(\text{cat} \mid h)$ now more or less than 0.3? Write the formula.
#
# <details><summary>Answer</summary>(3 + 0.2) / (10 + 0.2 · 50) = 0.16: half of the probability is now spread evenly over all 50 words.</details>

# %% tags=["exercise-4-stub"]
def add_k_estimate(count, total, k, V):
    """p(w | h) from c(hw) = count, c(h) = total, the added k and the vocabulary size V."""
    return ...

# %% tags=["exercise-4-check"] slideshow={"slide_type": "skip"}
def check_add_k_estimate(attempt):
    """Try an attempt on seen and unseen words."""
    return check(
        attempt,
        cases=[((3, 10, 0.2, 50), 0.16), ((0, 10, 0.2, 50), 0.01), ((0, 0, 1, 4), 0.25), ((1, 2, 0.5, 8), 0.25), ((2, 7, 0.25, 4), 2.25 / 8)],
        misconceptions={
            "the denominator lacks k|V|: the probabilities then sum to more than 1": (
                lambda count, total, k, V: (count + k) / total
            ),
            "the denominator has k once: k is added for each of the |V| words": (
                lambda count, total, k, V: (count + k) / (total + k)
            ),
            "the denominator has |V| instead of k|V|": (lambda count, total, k, V: (count + k) / (total + V)),
            "the numerator lacks k: unseen words keep probability 0": (
                lambda count, total, k, V: count / (total + k * V)
            ),
            "this is the formula without smoothing": (lambda count, total, k, V: count / total),
            "you added k|V| in the numerator, too: one word gets k only": (
                lambda count, total, k, V: (count + k * V) / (total + k * V)
            ),
            "mind the parentheses: the whole sum c(h) + k|V| is the denominator": (
                lambda count, total, k, V: (count + k) / total + k * V
            ),
            "EOS is one of the |V| tokens already: do not take one off": (
                lambda count, total, k, V: (count + k) / (total + k * (V - 1))
            ),
            "you added 1 (Laplace), not k": (lambda count, total, k, V: (count + 1) / (total + V)),
            "rounded: return the fraction as it is": lambda count, total, k, V: round((count + k) / (total + k * V), 2),
            "mind the parentheses around the numerator: the whole sum c(hw) + k is divided": (
                lambda count, total, k, V: count + k / (total + k * V)
            ),
        },
    )


check_add_k_estimate(add_k_estimate)

# %% tags=["exercise-4-solution"] slideshow={"slide_type": "skip"}
def add_k_estimate_solution(count, total, k, V):
    """p(w | h) from c(hw) = count, c(h) = total, the added k and the vocabulary size V."""
    return (count + k) / (total + k * V)


check_add_k_estimate(add_k_estimate_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The point of the prediction: a modest looking k of 0.2 halves the probability of a word that we saw in 30 % of cases.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### As a model

# %%
def add_k(counts, n, k, V):
    """Additive smoothing; k = 1 is Laplace's."""

    def p(word, history):
        words = counts.get(context_of(history, n), Counter())
        return (words[word] + k) / (words.total() + k * V)

    return p

# %% [markdown] slideshow={"slide_type": "notes"}
# Take bets on the best k before the next slide.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which k is best?

# %%
V = len(vocabulary(train))
print("perplexity on validation")
print(f"unigram              {perplexity(relative_frequency(train, 1), validation):7.1f}")
for k in (1, 0.1, 0.01, 0.001):
    print(f"trigram, k = {k:<6}  {perplexity(add_k(levels[2], 3, k, V), validation):7.1f}")

# %% [markdown]
# For trigrams, all four values of $k$ do worse than a model that ignores the context: one amount for all words and all contexts is too blunt.

# %% [markdown] slideshow={"slide_type": "notes"}
# The result is poor. The reason: after a rare context almost all the probability goes to words that did not follow it in training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A ladder of contexts
#
# ![A ladder from the longest context to the empty one: students opened their, opened their, their, nothing.](../figures/backoff_ladder.svg)
#
# A shorter context has been seen more often but says less. *Back-off* goes down to the first rung that helps; *interpolation* adds up all rungs, with weights λ. Neither lets a context learn from a *similar* one: what followed *the file* says nothing about *a file*.

# %% [markdown] slideshow={"slide_type": "notes"}
# Trust grows downwards, information grows upwards. Three of the next methods are one formula each for what happens on a rung. The classical back-off that does give probabilities is Katz's of 1987: discount, and renormalise what the shorter context gets.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One ladder, many formulas
#
# On each rung `blend` mixes the counts with the estimate from below, of $h'$: $h$ without its oldest token. An unseen context leaves that: $p(w \mid h) = p(w \mid h')$.

# %% tags=["export"]
def ladder(levels, blend):
    """A model that climbs to the longest seen context; levels[m] has contexts of m tokens."""
    totals = [{context: words.total() for context, words in level.items()} for level in levels]

    def p(word, history):
        if word not in levels[0][()]:
            raise ValueError(f"{word!r} was never seen in training: read it as {UNK}, as replace_rare does")
        longest = context_of(history, len(levels))
        estimate = levels[0][()][word] / totals[0][()]
        for m in range(1, len(levels)):
            context = longest[len(longest) - m :]
            if context not in levels[m]:
                break  # a longer context was not seen either
            words = levels[m][context]
            estimate = blend(words[word], totals[m][context], len(words), estimate)
        return estimate
    return p

# %% [markdown] slideshow={"slide_type": "notes"}
# The bottom is plain frequency. This is the only code of some length today, and the next methods share it; `types` is the number of different words after a context. Walk through p with one history in mind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Interpolation
#
# Mix the relative frequency with the estimate of the shorter context $h'$:
#
# $$p(w \mid h) = \lambda\, \frac{c(h\,w)}{c(h)} + (1 - \lambda)\, p(w \mid h')$$

# %%
def interpolation(lam):
    """The blend of Jelinek and Mercer with one weight for all contexts."""
    return lambda count, total, types, lower: lam * count / total + (1 - lam) * lower

# %% [markdown] slideshow={"slide_type": "notes"}
# Jelinek and Mercer 1980. In the original the weight depends on how often the context was seen; one weight is enough to see the effect.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which λ?

# %%
print("trigram perplexity   validation   training")
for lam in (0.2, 0.4, 0.6, 0.8, 1.0):
    p = ladder(levels[:3], interpolation(lam))
    on_validation = perplexity(p, validation)
    print(f"λ = {lam:<15} {on_validation:12.1f} {perplexity(p, train[:500]):10.1f}")

# %% [markdown]
# Hence $\lambda$ is chosen on validation text: the training text would choose $\lambda = 1$.

# %% [markdown] slideshow={"slide_type": "notes"}
# Show the first column, then ask which λ the training text would choose.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Stupid back-off
#
# Use the longest context after which the word was seen, and multiply by 0.4 for each step down:
#
# $$S(w \mid h) = \begin{cases} c(h\,w) / c(h) & \text{if } c(h\,w) > 0 \\ 0.4\; S(w \mid h') & \text{otherwise} \end{cases}$$

# %%
def stupid_back_off(levels):
    """Scores, not probabilities, for ranking (Brants et al. 2007)."""

    def score(word, history):
        for steps, counts in enumerate(reversed(levels)):
            words = counts.get(context_of(history, len(levels) - steps), Counter())
            if words[word]:
                return 0.4**steps * words[word] / words.total()
        return 0.0

    return score

# %% [markdown] slideshow={"slide_type": "notes"}
# These are scores, not probabilities: why can their sum exceed 1? Words seen after the long context keep their full share, and the others get more on top. So there is no perplexity to report; for ranking that does not matter. The name is the authors' own. Its translations approached the quality of those with Kneser–Ney as the data grew, and it was affordable where Kneser–Ney was not.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Absolute discounting
#
# Take the same amount $d$ from each count that is there, and give what was taken to the shorter context. $N(h)$ is the number of *different* words after $h$:
#
# $$p(w \mid h) = \frac{\max(c(h\,w) - d,\, 0)}{c(h)} + \frac{d\, N(h)}{c(h)}\, p(w \mid h')$$

# %% tags=["export"]
def discounting(d):
    """The blend of absolute discounting, 0 < d < 1."""
    return lambda count, total, types, lower: (max(count - d, 0) + d * types * lower) / total

# %% [markdown] slideshow={"slide_type": "notes"}
# Large counts hardly notice the discount, small ones lose most of their weight: what one occurrence tells is uncertain. The mass that is redistributed depends on how many different words followed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How large is d?
#
# The more n-grams were seen just once, the less one occurrence tells, and the more should be taken away. With $n_1$ and $n_2$ the numbers of n-grams seen once and twice, Ney, Essen and Kneser derive a close upper bound of the best $d$, which serves as estimate:
#
# $$d = \frac{n_1}{n_1 + 2\, n_2}$$

# %% tags=["export"]
def estimate_discount(counts):
    """d from the numbers of n-grams seen once and twice; 0.5 if none was seen once."""
    seen = Counter(count for words in counts.values() for count in words.values())
    return seen[1] / (seen[1] + 2 * seen[2]) if seen[1] else 0.5

# %%
d = estimate_discount(levels[2])
p = ladder(levels[:3], discounting(d))
print(f"d = {d:.3f}   trigram perplexity on validation {perplexity(p, validation):.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# No search on validation text is needed: the counts themselves say how much to take away. We take one d, from the highest order, for all rungs; one for each order is usual and changes little.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Kneser–Ney: count company, not occurrences
#
# *Francisco* is frequent, but only after *San*. When we must fall back to a shorter context, how *often* a word occurred matters less than after **how many different words** it occurred:
#
# $$c_{\text{lower}}(h'\,w) = \big|\{\, v : c(v\,h'\,w) > 0 \,\}\big|$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Kneser and Ney 1995; the interpolated form that we use is Chen and Goodman's. In the data behind a language model Francisco is frequent, but it needs San: after another word it is a bad guess.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 5 · Continuation count
#
# `pairs` counts bigrams: `pairs["san", "francisco"]` is 40. **Predict** the continuation count of *francisco*, seen 40 times after *san* and twice after *in*.
#
# <details><summary>Answer</summary>2: two different left neighbours.</details>

# %% tags=["exercise-5-stub"]
def continuation_count(pairs, word):
    """After how many different words the word occurs; pairs is a Counter of (left, word)."""
    return ...

# %% tags=["exercise-5-check"] slideshow={"slide_type": "skip"}
def check_continuation_count(attempt):
    """Try an attempt on a few bigrams."""
    pairs = Counter({("san", "francisco"): 40, ("in", "francisco"): 2, ("a", "cup"): 3, ("the", "cup"): 1,
                     ("my", "cup"): 1, ("cup", "of"): 4, ("cup", "cup"): 2, ("francisco", "is"): 5, ("a", "tea"): 6})  # fmt: skip
    return check(
        attempt,
        cases=[((pairs, "francisco"), 2), ((pairs, "cup"), 4), ((pairs, "san"), 0)],
        misconceptions={
            "you counted occurrences: Kneser–Ney asks after how many different words": (
                lambda pairs, word: sum(times for (left, right), times in pairs.items() if right == word)
            ),
            "you counted right neighbours: the context of an n-gram stands on the left": (
                lambda pairs, word: sum(left == word for left, right in pairs)
            ),
            "you counted neighbours on both sides: only left ones matter here": (
                lambda pairs, word: sum(word in pair for pair in pairs)
            ),
            "you counted all different bigrams, whatever their second word": (lambda pairs, word: len(pairs)),
            "these are the words themselves: how many are there?": (
                lambda pairs, word: {left for left, right in pairs if right == word}
            ),
            "this lists the words: how many are there?": (
                lambda pairs, word: [left for left, right in pairs if right == word]
            ),
            "you divided by the number of different bigrams: the count was asked for": (
                lambda pairs, word: sum(right == word for left, right in pairs) / len(pairs)
            ),
            "you counted the words seen once only: every different left neighbour counts": (
                lambda pairs, word: sum(right == word and times == 1 for (left, right), times in pairs.items())
            ),
            "the word itself is a left neighbour, too, where it follows itself": (
                lambda pairs, word: sum(right == word and left != word for left, right in pairs)
            ),
        },
    )


check_continuation_count(continuation_count)

# %% tags=["exercise-5-solution"] slideshow={"slide_type": "skip"}
def continuation_count_solution(pairs, word):
    """After how many different words the word occurs; pairs is a Counter of (left, word)."""
    return sum(right == word for left, right in pairs)


check_continuation_count(continuation_count_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The right answer is 2; 42 is the occurrence count.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Continuation counts for all contexts

# %% tags=["export"]
def continuation_counts(counts):
    """Counts for contexts one token shorter: each different left neighbour counts once."""
    lower = defaultdict(Counter)
    for context, words in counts.items():
        for word in words:
            lower[context[1:]][word] += 1
    return dict(lower)

# %%
continuation_counts({("san",): Counter(francisco=40), ("in",): Counter(francisco=2, june=1)})

# %% [markdown] slideshow={"slide_type": "notes"}
# Forty-two occurrences of Francisco become a count of two. A detail: contexts that begin with BOS have BOS as their only left neighbour, so their continuation counts are all 1; toolkits keep real counts there, and the difference is small.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who keeps company in our prose?
#
# Among the words seen at least 60 times, the one with the fewest and the one with the most different left neighbours for its frequency:

# %% tags=["topic-A4"]
occurrences, company = levels[0][()], continuation_counts(levels[1])[()]
frequent = [word for word in occurrences if occurrences[word] >= 60 and word.isalpha()]
by_company = sorted(frequent, key=lambda word: company[word] / occurrences[word])
for word in (by_company[0], by_company[-1]):
    times, neighbours = occurrences[word], company[word]
    print(f"{word!r:12} occurs {times:3} times, after {neighbours:2} different words")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for more words that keep little company: Angeles, versa, lieu.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One formula, two kinds of count
#
# Kneser–Ney is absolute discounting on other levels: real counts for the longest context, continuation counts for all shorter ones. At the foot of the ladder stands
#
# $$p(w) = \frac{|\{v : c(v\,w) > 0\}|}{\sum_{w'} |\{v : c(v\,w') > 0\}|}$$

# %% tags=["export"]
def kneser_ney_levels(counts, n):
    """Real counts for the longest context, continuation counts for all shorter ones."""
    levels = [counts]
    while len(levels) < n:
        levels.insert(0, continuation_counts(levels[0]))
    return levels

# %% [markdown] slideshow={"slide_type": "notes"}
# Follow the loop for n = 3: real trigram counts, then continuation counts of bigrams made from them, then of single words made from those.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Kneser–Ney in one line

# %% tags=["export"]
def kneser_ney(counts, n, d):
    """Interpolated Kneser–Ney from the counts of order n."""
    return ladder(kneser_ney_levels(counts, n), discounting(d))

# %%
p = kneser_ney(levels[2], 3, d)
print(f"trigram perplexity on validation {perplexity(p, validation):.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Compare with the perplexity of absolute discounting: the same ladder, the same discount, only the lower counts differ.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What one discount misses: modified Kneser–Ney
#
# Kneser–Ney takes the same $d$ from every count. That is right for words seen once, and too little for all others. Chen and Goodman (1999) take $d_1$, $d_2$ or $d_3$ from a count of 1, of 2, or of 3 and more, on each rung its own. With $n_k$ n-grams seen $k$ times:
#
# $$d_k = k - (k + 1)\, d\, \frac{n_{k+1}}{n_k}, \qquad d = \frac{n_1}{n_1 + 2\,n_2}, \quad k = 1, 2, 3$$

# %% tags=["export"]
def estimate_discounts(counts):
    """d_1, d_2, d_3 from the numbers of n-grams seen one to four times; k / 2 if none was seen k times."""
    seen, d = Counter(count for words in counts.values() for count in words.values()), estimate_discount(counts)
    return [k - (k + 1) * d * seen[k + 1] / seen[k] if seen[k] else k / 2 for k in (1, 2, 3)]

# %%
for m, level in enumerate(kneser_ney_levels(levels[2], 3)):
    print(f"{m} words of context:", "  ".join(f"d_{k} = {d_k:.2f}" for k, d_k in enumerate(estimate_discounts(level), 1)))

# %% [markdown] slideshow={"slide_type": "notes"}
# For k = 1 the formula gives d itself: let the room check it. The idea behind it is Good and Turing's: n-grams seen k times should count as often as those do, on average, in a second text of the same size, and the numbers n_k tell how often. "Modified" means these three numbers, nothing else.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same ladder, three discounts
#
# What is taken after a context depends on how many of its words were seen once, twice, or more often:
#
# $$p(w \mid h) = \frac{c(h\,w) - d_{c(h\,w)}}{c(h)} + \frac{d_1 N_1(h) + d_2 N_2(h) + d_3 N_{3+}(h)}{c(h)}\, p(w \mid h')$$

# %% tags=["export"] slideshow={"slide_type": "skip"}
def modified_kneser_ney(counts, n):
    """Interpolated Kneser–Ney with three discounts on each rung, from the counts of order n."""
    levels = kneser_ney_levels(counts, n)
    d = [(0, *estimate_discounts(level)) for level in levels]  # nothing is taken from a count of 0
    taken = [
        {context: sum(d_m[min(count, 3)] for count in words.values()) for context, words in level.items()}
        for level, d_m in zip(levels, d)
    ]
    totals = [{context: words.total() for context, words in level.items()} for level in levels]
    foot = ladder(levels[:1], blend=None)

    def p(word, history):
        longest, estimate = context_of(history, n), foot(word, history)
        for m in range(1, n):
            context = longest[n - 1 - m :]
            if context not in levels[m]:
                break
            count = levels[m][context][word]
            estimate = (count - d[m][min(count, 3)] + taken[m][context] * estimate) / totals[m][context]
        return estimate
    return p

# %% [markdown] slideshow={"slide_type": "notes"}
# The notebook's cell is Kneser–Ney's with three numbers for one, and a program that counts anew at each call finds the same to twelve digits. With the same number three times it is plain Kneser–Ney.

# %% [markdown] slideshow={"slide_type": "skip"}
# Is that the formula? A program that counts anew at each call, on the tiny corpus, must find the same:

# %% slideshow={"slide_type": "skip"}
def slow_count(gram, n):
    """How often an n-gram stands in the tiny corpus; for a shorter one, after how many different words."""
    longer = [g for sentence in tiny for g in ngrams(sentence, min(len(gram) + 1, n))]
    return longer.count(gram) if len(gram) == n else len({g for g in longer if g[1:] == gram})


def slow_modified(word, context, n):
    """Modified Kneser–Ney of the tiny corpus by its formulas, recursively."""
    every = {gram: slow_count(gram, n) for sentence in tiny for gram in ngrams(sentence, len(context) + 1)}
    after = {gram: count for gram, count in every.items() if gram[:-1] == context}
    if not context:
        return after[(word,)] / sum(after.values())
    lower = slow_modified(word, context[1:], n)
    if not after:
        return lower
    d = [0, *estimate_discounts({(): Counter(every)})]
    taken = {gram: d[min(count, 3)] for gram, count in after.items()}
    gram = (*context, word)
    return (after.get(gram, 0) - taken.get(gram, 0) + sum(taken.values()) * lower) / sum(after.values())

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
p, pairs = modified_kneser_ney(count_ngrams(tiny, 3), 3), {gram for sentence in tiny for gram in ngrams(sentence, 2)}
gaps = [abs(p(word, h) - slow_modified(word, context_of(h, 3), 3)) for h in pairs if EOS not in h for word in vocabulary(tiny)]
print(f"{len(gaps)} probabilities equal those of the slow program to 1e-12:", max(gaps) < 1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Are they probabilities at all?
#
# After any context, the conditional probabilities must sum to 1: after a frequent context, a rare one, one never seen, and none at all.

# %% tags=["nbval-check-output"]
models = {
    "add k": add_k(levels[2], 3, 0.01, V),
    "interpolation": ladder(levels[:3], interpolation(0.4)),
    "absolute discounting": ladder(levels[:3], discounting(d)),
    "Kneser–Ney": kneser_ney(levels[2], 3, d),
    "modified Kneser–Ney": modified_kneser_ney(levels[2], 3),
    "stupid back-off": stupid_back_off(levels[:3]),
}
all_words, histories = vocabulary(train), [["this"], ["objects", "that"], ["of", "the", "?"], []]
for name, p in models.items():
    masses = [sum(p(word, history) for word in all_words) for history in histories]
    proper = sum(math.isclose(mass, 1, abs_tol=1e-9) for mass in masses)
    print(f"{name:21} sums to 1 after {proper} of {len(masses)} contexts")

# %% [markdown] slideshow={"slide_type": "notes"}
# The most valuable test of this lecture. A model whose conditionals sum to more than 1 can show any perplexity.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All models, all orders, both corpora
#
# $k$ and $\lambda$ are chosen per order on 400 validation sentences, $d$ by its formula; no choice is made on the test text.

# %% slideshow={"slide_type": "skip"}
def test_perplexities(splits, levels):
    """Test perplexity of each model on these levels, its parameter chosen on validation sentences."""
    n, V, d = len(levels), len(vocabulary(splits["train"])), estimate_discount(levels[-1])
    candidates = {
        "add k": [add_k(levels[-1], n, k, V) for k in (0.1, 0.01, 0.001)],
        "interpolation": [ladder(levels, interpolation(lam)) for lam in (0.3, 0.5, 0.7, 0.9, 0.99)],
    }
    best = {
        name: min(models, key=lambda p: perplexity(p, splits["validation"][:400]))
        for name, models in candidates.items()
    }
    best["absolute disc."] = ladder(levels, discounting(d))
    best["Kneser–Ney"] = kneser_ney(levels[-1], n, d)
    best["modified KN"] = modified_kneser_ney(levels[-1], n)
    return {name: perplexity(p, splits["test"]) for name, p in best.items()}


results = {}
for name, splits in corpora.items():
    counted = [count_ngrams(splits["train"], n) for n in orders]
    for n in orders:
        for model, value in test_perplexities(splits, counted[:n]).items():
            results[name, model, n] = value

# %% tags=["topic-A7", "output-only"]
for name, splits in corpora.items():
    print(f"{name + ', test perplexity per token':34}" + "".join(f"  n = {n}" for n in orders))
    for model in ("add k", "interpolation", "absolute disc.", "Kneser–Ney", "modified KN"):
        row = "".join(f"{results[name, model, n]:7.1f}" for n in orders)
        print(f"   {model:31}{row}")
    true = f"{floor:.2f} (in expectation {grammar.optimal_perplexity():.2f})" if name == "grammar" else "unknown"
    print(f"   uniform {len(vocabulary(splits['train']))}, true model {true}\n")

# %% [markdown] slideshow={"slide_type": "notes"}
# Give the room a minute with the table. On prose, beyond n = 3 only the two Kneser–Neys still gain, and three discounts beat one for every n. On the grammar nobody gets near the floor: part of that gap is the window, part is lack of data. How could one tell them apart? Sample more sentences: the grammar gives as many as you like.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The table as a picture

# %% slideshow={"slide_type": "skip"}
def plot_orders():
    """Draw test perplexity against the order, one panel a corpus, with uniform baseline and floor."""
    fig, axes = plt.subplots(1, 2)
    ticks = {"prose": [100, 300, 1000, 3000], "grammar": [5, 10, 20, 40]}
    style = {"add k": ":", "interpolation": "--", "absolute disc.": "-.", "Kneser–Ney": (0, (7, 3)), "modified KN": "-"}
    for ax, (name, splits) in zip(axes, corpora.items()):
        for model, line in style.items():
            color = COLOR["ngram"] if "K" in model else COLOR["ink"]
            ax.semilogy(orders, [results[name, model, n] for n in orders], linestyle=line, color=color, label=model)
        V = len(vocabulary(splits["train"]))
        ax.axhline(V, color=COLOR["baseline"], lw=1.2)
        ax.annotate("uniform", (1, V), va="bottom", color=COLOR["baseline"], fontsize=12)
        ax.set(xlabel="order $n$", ylabel="test perplexity", title=name, xticks=orders, ylim=(0.8 * ticks[name][0], 1.5 * V))
        ax.set_yticks(ticks[name], labels=ticks[name])
        ax.minorticks_off()
    axes[1].axhline(floor, color=COLOR["floor"], lw=1.2)
    axes[1].annotate("true model", (1, floor), xytext=(0, -3), textcoords="offset points", va="top", fontsize=12)
    axes[1].legend(loc="upper right", bbox_to_anchor=(1, 0.92), labelspacing=0.2)
    return fig

# %% tags=["output-only"] picture="../figures/perplexity_by_order.png"
show(plot_orders(), "Beyond n = 3 only Kneser–Ney, plain and modified, still gains on prose; on the grammar a gap to the true model remains for every n.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The split by module is a random draw as well; the next slide repeats it. Keep this picture: the neural models of the next notebooks enter it. The question to carry along: what would it take to reach the floor?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One split is one draw
#
# Which modules fall into the test part is chance. Kneser–Ney on three different splits:

# %%
for seed in (0, 1, 2):
    splits = replace_rare(load_prose(seed)._asdict(), min_count=2)
    trigrams = count_ngrams(splits["train"], n=3)
    p = kneser_ney(trigrams, 3, estimate_discount(trigrams))
    print(f"seed {seed}   trigram perplexity {perplexity(p, splits['test']):6.1f}")

# %% [markdown]
# Another draw can change a number about as much as another model does. Compare models on the *same* split only.

# %% [markdown] slideshow={"slide_type": "notes"}
# All comparisons of this course share seed 0. Ask what a paper should report that has only one test set.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does not depend on the machine
#
# Another Python version has a somewhat different documentation. These statements should survive:

# %% tags=["nbval-check-output"]
kn = {(name, n): results[name, "Kneser–Ney", n] for name in corpora for n in orders}
trigrams = [value for (name, _, n), value in results.items() if (name, n) == ("prose", 3)]
on_grammar = [value for (name, _, _), value in results.items() if name == "grammar"]
print("Kneser–Ney 3-grams beat 2-grams on prose: ", kn["prose", 3] < kn["prose", 2])
print("modified Kneser–Ney is the best trigram:  ", results["prose", "modified KN", 3] == min(trigrams))
print("all stay 25 % above the true model:       ", min(on_grammar) > 1.25 * floor)

# %% [markdown] slideshow={"slide_type": "notes"}
# Claims that hold although the numbers differ a little from one Python version to the next. Ask which of them would survive a corpus a thousand times larger.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The leak: how to look much better
#
# Docstrings of one module repeat each other. Deal out *sentences* instead of modules, in parts of the same sizes, and near-copies of the test text land in training:

# %%
everything = [sentence for part in prose for sentence in part]
random.Random(0).shuffle(everything)
a, b = len(prose.train), len(prose.train) + len(prose.test)
by_sentence = {"train": everything[:a], "test": everything[a:b]}
shuffled = replace_rare(by_sentence, min_count=2)
for name, splits in {"module": corpora["prose"], "sentence": shuffled}.items():
    unknown = sum(sentence.count(UNK) for sentence in splits["test"])
    T = sum(len(sentence) + 1 for sentence in splits["test"])
    print(f"by {name:8} |V| = {len(vocabulary(splits['train']))}, test UNK {unknown / T:.1%}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask first: same text, same model, another shuffle. How much can it matter? Vocabulary and UNK rate differ a little, in favour of the split by module: fewer UNK mean more hard words to predict.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the leak does to the numbers

# %%
counted = [count_ngrams(shuffled["train"], n) for n in orders]
leaky = {}
for n in orders:
    d = estimate_discount(counted[n - 1])
    leaky["Kneser–Ney", n] = perplexity(kneser_ney(counted[n - 1], n, d), shuffled["test"])
    leaky["absolute disc.", n] = perplexity(ladder(counted[:n], discounting(d)), shuffled["test"])

# %% tags=["output-only"]
print(f"{'test perplexity':34}" + "".join(f"  n = {n}" for n in orders))
for model in ("absolute disc.", "Kneser–Ney"):
    print(f"{model:15}, by module       " + "".join(f"{results['prose', model, n]:7.1f}" for n in orders))
    print(f"{model:15}, by sentence     " + "".join(f"{leaky[model, n]:7.1f}" for n in orders))

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the table by rows, then look for the best n in each. Which of the rows would you put into a paper, and which would a reader measure on a new module?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A leak does not flatter all alike

# %% tags=["nbval-check-output"]
flattery = {n: kn["prose", n] / leaky["Kneser–Ney", n] for n in orders}
print("the split by sentence flatters the 5-gram by more than 30 %:", flattery[5] > 1.3)
print("and the 5-gram more than the bigram:                        ", flattery[5] > flattery[2])

# %% [markdown]
# The longer the context, the more a model profits from near-copies. Look for the best $n$ of absolute discounting: a leak can change which model seems best.

# %% [markdown] slideshow={"slide_type": "notes"}
# Real data sets leak by author, by document, by time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What lies beyond the window
#
# The grammar's verbs agree with their subject: *the **cats** that see the dog **sleep***. With a clause between them, the subject is out of reach of a trigram.

# %% tags=["nbval-check-output"]
counts = count_ngrams(corpora["grammar"]["train"], 3)
trigram = kneser_ney(counts, 3, estimate_discount(counts))
for subject in ("cat", "cats"):
    history = f"the {subject} that see{'' if subject == 'cats' else 's'} the dog".split()
    singular = trigram("sleeps", history) > trigram("sleep", history)
    print(f"the {subject} that … the dog {'sleeps' if singular else 'sleep'}")

# %% [markdown]
# Both times the trigram votes for the singular: *the dog* is all it sees. Notebook 3 builds a model that remembers the subject.

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the plural sentence aloud: "the cats that see the dog sleeps". This error is the reason for recurrent networks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Let it write
#
# Draw the next word from $p(w \mid h)$, append it, repeat until EOS.

# %%
def generate(counts, n, rng):
    """One sentence, sampled from raw counts of order n."""
    sentence = []
    while True:
        words = counts[context_of(sentence, n)]
        word = rng.choices(list(words), words.values())[0]
        if word == EOS:
            return sentence
        sentence.append(word)

# %% [markdown] slideshow={"slide_type": "notes"}
# Sampling in two lines: look up the counts, draw in proportion. The history grows by what was drawn; this feeding back is the one-to-many family of notebook 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### n = 1 … 5

# %% tags=["topic-A5"]
spoken = {n: count_ngrams(prose.train, n) for n in orders}  # without UNK
rng = random.Random(0)
for n in orders:
    print(f"n = {n}   {' '.join(generate(spoken[n], n, rng))[:80]}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Read them aloud, n = 1 first. Fluent at n = 4. Is it good, or is it copying? The next slide measures that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Writing, or copying?
#
# The share of 300 generated sentences that stand word for word in the training text:

# %% tags=["topic-A5"]
training_sentences = {tuple(sentence) for sentence in prose.train}
rng = random.Random(1)
for n in orders:
    copies = [tuple(generate(spoken[n], n, rng)) in training_sentences for _ in range(300)]
    forced = sum(len(words) == 1 for words in spoken[n].values()) / len(spoken[n])
    print(f"n = {n}   copied {sum(copies) / 300:4.0%}   contexts with one continuation {forced:4.0%}")

# %% [markdown]
# After most contexts of four words, raw counts know one continuation only. What reads well at $n = 5$ is mostly memory.

# %% [markdown] slideshow={"slide_type": "notes"}
# The question returns for every generator in this course: novelty must be measured, fluency alone proves nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Use 1: predictive typing
#
# A keyboard ranks all words by $p(w \mid h)$ and shows the best. Kneser–Ney of any order serves as keyboard:

# %%
def with_unk(words):
    """Words as the models were trained on them: unknown ones are UNK."""
    return [word if word in known_words else UNK for word in words]


def next_words(text, n, best=5):
    """The likeliest next tokens after a text, by Kneser–Ney of order n."""
    history = with_unk(text.lower().split())
    guesses = [(typist[n](word, history), word) for word in known_words - {UNK}]
    return [(word, round(q, 3)) for q, word in sorted(guesses, reverse=True)[:best]]


known_words = vocabulary(train)
typist = {n: kneser_ney(levels[n - 1], n, estimate_discount(levels[n - 1])) for n in orders}
next_words("return the name of", n=3)

# %% [markdown] slideshow={"slide_type": "notes"}
# Note that n = 1 ignores the text, and that UNK is never offered to the user.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Five guesses

# %% slideshow={"slide_type": "skip"}
def plot_next_words(text, n):
    """Draw the five likeliest next tokens after a text as bars."""
    guesses = next_words(text, n)[::-1]
    fig, ax = plt.subplots(figsize=(8.6, 2.9))
    bars = ax.barh([word.replace(EOS, "(end)") for word, _ in guesses], [q for _, q in guesses], color=COLOR["ngram"])
    ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.set(xlabel=f"$p(w \\mid$ {text or 'BOS'}$)$, order {n}", xlim=(0, 1))
    ax.grid(axis="y", visible=False)
    return fig

# %% tags=["topic-A6", "output-only"]
show(plot_next_words("return the name of", n=3), "The trigram's five likeliest words after “return the name of”.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for sentences from the room. Move n from 1 to 5: at 1 the text is ignored.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it

# %% tags=["widget", "topic-A6", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    text=Text("this method is", description="text", continuous_update=False),
    n=IntSlider(3, 1, 5, description="n", continuous_update=False),
)
def typing(text, n):
    """Show the likeliest next words while text or order change."""
    text = normalize("NFC", text)  # é in one character, however it was typed
    show(plot_next_words(text.replace("$", ""), n), f"Order {n} after “{text}”.")

# %% [markdown] slideshow={"slide_type": "notes"}
# In the offline deck the controls show the stored state; live they move. Good inputs: "if the", "raise an", "return the number of".

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Use 2: spelling correction
#
# A typo often has several repairs that are words. Candidates are one edit away:

# %%
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def edits(word):
    """All strings one deletion, transposition, replacement or insertion away."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    shorter = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    changed = {a + letter + b[skip:] for a, b in cuts for letter in LETTERS for skip in (0, 1)}
    return (shorter | swapped | changed) - {word}


sorted(edits("on"))[:12]

# %% [markdown] slideshow={"slide_type": "notes"}
# The strings one edit away from a word of seven letters are some four hundred; only a few of them are words.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Choose by the sentence
#
# The **noisy channel**: the best word maximises $p(\text{typo} \mid \text{word}) \cdot p(\text{sentence with the word})$. We call all single edits equally likely, so the sentence decides.

# %%
def candidates(typo):
    """The known words that a typo may stand for: itself, or one edit away."""
    return sorted((edits(typo) | {typo}) & known_words)


def log_prob(p, sentence):
    """Log-probability of a sentence in nats, EOS included."""
    return sum(math.log(q) for q in token_probs(p, sentence))


def correct(p, sentence, t):
    """The likeliest sentence in which token t is replaced by one of its candidates."""
    words = candidates(sentence[t])
    repaired = [sentence[:t] + [word] + sentence[t + 1 :] for word in words]
    return max(repaired, key=lambda s: log_prob(p, with_unk(s)), default=sentence)

# %% [markdown] slideshow={"slide_type": "notes"}
# The language model is half of the noisy channel; the other half, how likely each typo is, is uniform here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three typos

# %% tags=["topic-A6"]
typos = {"the nest element of the list": 1, "return the lust of names": 2, "the fist line": 1}
for typo, t in typos.items():
    print(f"{typo:28} →  {' '.join(correct(typist[3], typo.split(), t))}")

# %% [markdown]
# *Next* was meant in the first line, and was a candidate. The trigram knows three words in a row, and no meaning.

# %% [markdown] slideshow={"slide_type": "notes"}
# All three typos are English words, though our small vocabulary may lack them; their neighbours give them away.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does context help?
#
# Plant 300 random typos that have two or more candidates in test sentences, and repair them; mean and standard deviation of three samples:

# %% slideshow={"slide_type": "skip"}
def planted_typos(seed, size=300):
    """Triples of a sentence, the same with one misspelt word, and that word's position."""
    rng, planted = random.Random(seed), []
    while len(planted) < size:
        sentence = rng.choice(test)
        t = rng.randrange(len(sentence))
        typo = rng.choice(sorted(edits(sentence[t])))
        if sentence[t].isalpha() and len(sentence[t]) > 1 and len(candidates(typo)) > 1:
            planted.append((sentence, sentence[:t] + [typo] + sentence[t + 1 :], t))
    return planted


def repaired_share(p, planted):
    """The share of planted typos that a model repairs."""
    return sum(correct(p, typo, t) == sentence for sentence, typo, t in planted) / len(planted)

# %% tags=["topic-A6"]
planted = [planted_typos(seed) for seed in (1, 2, 3)]
chance = np.mean([1 / len(candidates(typo[t])) for part in planted for _, typo, t in part])
print(f"chance  repaired {chance:.1%}")
shares = {n: [repaired_share(typist[n], part) for part in planted] for n in (1, 2, 3)}
for n, share in shares.items():
    print(f"n = {n}   repaired {np.mean(share):.1%} ± {np.std(share, ddof=1):.1%}")

# %% tags=["nbval-check-output"]
context_helps = np.mean(shares[2]) > np.mean(shares[1])
print("a bigram repairs more than word frequency alone:", context_helps)

# %% [markdown] slideshow={"slide_type": "notes"}
# Between n = 2 and n = 3 these samples show no difference: the deviation is larger than the gap. Typos with a single candidate are left out: anybody repairs those. Chance picks a candidate at random; n = 1 picks the most frequent one; context does the rest.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Optional: the same model on sorted arrays
#
# Skip this section on a first reading. Number the different contexts; then *(number of the context) · base + word* is one integer for each n-gram, with a base above all word ids. The context of an n-gram is the (n − 1)-gram that ends one token earlier.

# %% tags=["export"]
def number_grams(x, n, base):
    """For m = 0 … n: the different m-grams, packed, and which ends at each place of x (N,)."""
    keys, grams = [np.zeros(1, int)], [np.zeros_like(x)]
    for _ in range(n):
        context = np.r_[0, grams[-1][:-1]]
        key, gram = np.unique(context * base + x, return_inverse=True)
        keys.append(key)
        grams.append(gram)
    return keys, grams

# %% [markdown] slideshow={"slide_type": "notes"}
# Show it only to a class that likes NumPy. The trick is general: number the n-grams once per order, and the number of the context is already known from the order below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Fitting: the same formula, all n-grams at once

# %% tags=["export"]
def packed_kneser_ney(x, predicted, n, base, d):
    """Keys, p(word | context) and d N(h) / c(h) of each level, from padded ids x (N,)."""
    keys, grams = number_grams(x, n, base)
    ends = [np.zeros(len(key), int) for key in keys]
    for end, gram in zip(ends, grams):
        end[gram] = np.arange(len(x))  # any one place where this m-gram ends
    counts = [np.bincount(grams[n][predicted], minlength=len(keys[n]))]
    for m in range(n - 1, 0, -1):  # one for each different longer n-gram
        longer = ends[m + 1][counts[0] > 0]
        counts.insert(0, np.bincount(grams[m][longer], minlength=len(keys[m])))
    levels = [(keys[1], counts[0] / counts[0].sum(), np.ones(1))]
    for m, c in enumerate(counts[1:], start=2):
        context = keys[m] // base
        total = np.bincount(context, c, len(keys[m - 1]))
        types = np.bincount(context, c > 0, len(keys[m - 1]))
        rest = np.divide(d * types, total, out=np.ones_like(total), where=total > 0)
        lower = levels[-1][1][grams[m - 1][ends[m]]]
        p = np.maximum(c - d, 0) / np.maximum(total, 1)[context] + rest[context] * lower
        levels.append((keys[m], p, rest))
    return levels

# %% [markdown] slideshow={"slide_type": "notes"}
# Line by line it is the discounting formula: max(c - d, 0) / c(h), plus rest times the lower estimate.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Scoring: climb the ladder with the whole text

# %% tags=["export"]
def packed_score(levels, x, base):
    """p(token | context) at each place of padded ids x (N,), as an array (N,)."""
    gram, q = np.zeros_like(x), np.zeros(len(x))
    for keys, p, rest in levels:
        context = np.r_[0, gram[:-1]]  # -1 where the context was never seen
        key = np.where(context < 0, -1, context * base + x)
        found = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        hit = keys[found] == key
        q = np.where(hit, p[found], np.where(context < 0, q, rest[context] * q))
        gram = np.where(hit, found, -1)
    return q


def to_ids(corpus, ids, n):
    """Ids (N,) of a corpus with n - 1 BOS a sentence, and a mask (N,) of what is predicted."""
    padded = [[BOS] * (n - 1) + sentence + [EOS] for sentence in corpus]
    x = np.array([ids[token] for sentence in padded for token in sentence])
    return x, x != ids[BOS]

# %% [markdown] slideshow={"slide_type": "notes"}
# searchsorted is a binary search for all tokens in one call; that is where a dictionary look-up per token went.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same numbers

# %% tags=["nbval-check-output"]
ids = {token: number for number, token in enumerate([BOS, *sorted(vocabulary(train))])}
for n in (2, 5):
    d = estimate_discount(levels[n - 1])
    packed = packed_kneser_ney(*to_ids(train, ids, n), n, len(ids), d)
    x, predicted = to_ids(test, ids, n)
    slow = [q for sentence in test for q in token_probs(typist[n], sentence)]
    same = np.allclose(packed_score(packed, x, len(ids))[predicted], slow, rtol=1e-9, atol=0)
    print(f"n = {n}: equal to the dictionary version, token by token: {same}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Two implementations that share little more than the formula agree to nine digits: that is how this course checks its code. Equality first, speed second: the bench of the course puts the array version beside NLTK's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - Six ways to smooth counts, four of them on one ladder; modified Kneser–Ney is the one to beat.
# - One `perplexity` for every model of the course: per token, EOS scored, BOS never.
# - Two corpora with their uniform baselines and, for one of them, the exact floor.
# - Two reasons to go on: what lies beyond the window is lost, and an unseen context learns nothing from similar ones.
#
# **Next:** notebook 2 gives words vectors, so that similar contexts can help each other.

# %% [markdown] slideshow={"slide_type": "notes"}
# Close with the picture of the orders: modified Kneser–Ney on prose is the number that the networks of notebook 5 have to beat.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - F. Jelinek, R. L. Mercer: *Interpolated estimation of Markov source parameters from sparse data.* Pattern Recognition in Practice, 1980.
# - H. Ney, U. Essen, R. Kneser: *On structuring probabilistic dependences in stochastic language modelling.* Computer Speech & Language 8, 1994.
# - R. Kneser, H. Ney: *Improved backing-off for m-gram language modeling.* ICASSP 1995.
# - S. F. Chen, J. Goodman: *An empirical study of smoothing techniques for language modeling.* Computer Speech & Language 13, 1999.
# - T. Brants et al.: *Large language models in machine translation.* EMNLP-CoNLL 2007.

# %% [markdown] slideshow={"slide_type": "notes"}
# Chen and Goodman is the paper to read: all the classical methods, measured side by side.
