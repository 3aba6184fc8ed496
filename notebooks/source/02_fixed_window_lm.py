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
#       cells: {most: 75, why: "to be recut"}
#       lines: {most: 583, why: "to be recut"}
#       minutes: {most: 93.8, why: "to be recut"}
#       slides: {most: 64, why: "to be recut"}
#       pictures: {most: 6.4, why: "to be recut"}
#       slide_lines: {most: 17, why: "to be recut"}
#       code_share: {most: 68.8, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 2 · What do we gain when words get vectors?
#
# > Counting treats *cat* and *dog* as strangers. A network that learns a vector for each word lets them share what they know.
#
# **You will** go from counts to a log-linear model and on to a neural network with word vectors, derive its gradient, train it, and see what the vectors learned.<br>
# **You need** notebook 1 (perplexity, Kneser–Ney), matrix products, the chain rule.<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# The previous lecture ended with two complaints: what lies beyond the window is lost, and an unseen context learns nothing from similar ones. Today cures the second, and measures that the first remains.

# %% slideshow={"slide_type": "skip"}
import math
from collections import Counter, defaultdict
from functools import cache
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import Text, interact
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import silhouette_score
from sklearn.naive_bayes import MultinomialNB
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, check, setup, show  # not found? Open it in the folder of the course
from course_utils.data import load_grammar, load_prose, tokenize

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $f(h)$ | `features` | `(K,)` | a description of the context $h$, $K$ numbers |
# | $\theta$ | `theta` | `(V, K)` | weights: a description times $\theta_w$ is a score |
# | $C$ | `C` | `(V + 1, E)` | word vectors: row $e_w$ for word $w$; the last for BOS |
# | $x = h^0$ | `x` | `(B, (n-1)E)` | the vectors of the $n-1$ context words, side by side |
# | $h^l$ | `h` | `(B, H)` | the values of layer $l$ |
# | $W_l, b_l$, $f_l$ | `W`, `b`, `f` | | weights, bias and activation function of layer $l$ |
# | $a^l$, $\delta^l$ | `a`, `delta` | `(B, H)` | the sums in layer $l$, and $\partial J / \partial a^l$ |
# | $\hat y$ | `y` | `(B, V)` | predicted probabilities of the next word |
# | $J$, $\lambda$ | `J`, `lam` | | mean loss in nats; weight of a penalty, later of a mixture |
#
# In the first part, $h$ is the context, as in notebook 1; later, what a network has made of it. `B` contexts are treated at once.

# %% [markdown] slideshow={"slide_type": "notes"}
# The letter h is the history in statistics and the hidden layer in networks. By the end of the lecture the two meet: the hidden layer is the network's description of the history.

# %% slideshow={"slide_type": "skip"}
# Derived in notebook 1:
from course_utils.taught.ngram_lm import (
    BOS,
    EOS,
    UNK,
    context_of,
    count_ngrams,
    estimate_discount,
    kneser_ney,
    ngrams,
    perplexity,
    replace_rare,
    token_probs,
    vocabulary,
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three ways from a context to a probability
#
# ![Three models from context to probability: the n-gram counts exact words, the log-linear model learns weights for hand-made features, the neural model learns everything, word vectors and weights.](../figures/maxent_to_neural.svg)
#
# Dark blue is learned, grey is made by hand. We go from left to right.

# %% [markdown] slideshow={"slide_type": "notes"}
# The n-gram's counts come from data as well, but nothing is learned about the words: each is an exact match or a stranger.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The corpora and the number to beat
#
# The data, the vocabulary and interpolated Kneser–Ney are those of notebook 1, unchanged.

# %%
grammar = load_grammar("english")
sampled = grammar.sample(12_000, seed=0)
toy = {"train": sampled[:10_000], "validation": sampled[10_000:11_000], "test": sampled[11_000:]}
corpora = {
    "grammar": replace_rare(toy, min_count=1),
    "prose": replace_rare(load_prose(seed=0)._asdict(), min_count=2),
}
words, ids = {}, {}
for name, splits in corpora.items():
    words[name] = [*sorted(vocabulary(splits["train"])), BOS]
    ids[name] = {word: number for number, word in enumerate(words[name])}
    print(f"{name:8} |V| = {len(words[name]) - 1:4}, and BOS, which is never predicted")

# %% [markdown] slideshow={"slide_type": "notes"}
# Words become numbers here: row numbers of tables. BOS gets the last number, because it is an input but never an output.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From counts to scores
#
# Give each word a **score** $s_w = \theta \cdot f(h, w)$: a weighted sum of features that describe context and word. Exponentials make the scores positive, a division makes them sum to 1:
#
# $$p(w \mid h) = \text{softmax}(s)_w = \frac{e^{\theta \cdot f(h, w)}}{\sum_{v} e^{\theta \cdot f(h, v)}}$$
#
# Up to a term that is the same for all words, $\log p$ is linear in the features: a **log-linear** model. Some lecture notes write $p \propto \text{softmax}$; it is $=$, as softmax has divided already.

# %% [markdown] slideshow={"slide_type": "notes"}
# What is proportional to p is the exponential of the score. Dividing by the sum makes it equal.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · Softmax
#
# **Predict first:** scores 0, 0 and $\log 2$; what are the probabilities? And what if 1000 is added to each score? Write softmax for a list of scores; it must survive scores of 1000.
#
# <details><summary>Answer</summary>¼, ¼, ½, in both cases: a constant cancels. Hence subtract the largest score before taking exponentials.</details>

# %% tags=["exercise-1-stub"]
def softmax(scores):
    """Probabilities, as a list, from a list of scores."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_softmax(attempt):
    """Try an attempt on small, negative and huge scores."""
    half = math.log(2)

    def share(values):
        return [value / sum(values) for value in values]

    return check(
        attempt,
        cases=[
            (([0.0, 0.0, half],), [0.25, 0.25, 0.5]),
            (([-half, half],), [0.2, 0.8]),
            (([1000.0, 1000.0 + half, 1000.0 + half],), [0.2, 0.4, 0.4]),
            (([2 * half],), [1.0]),
            (([0.0, 1000.0],), [0.0, 1.0]),
            (([0.3, -1.1],), [1 / (1 + math.exp(-1.4)), 1 / (1 + math.exp(1.4))]),
            (([0.0, 0.0, 0.0, 1000.0],), [0.0, 0.0, 0.0, 1.0]),
            (([2000.0, 2000.0],), [0.5, 0.5]),
        ],
        misconceptions={
            "exp(1000) overflows: subtract the largest score from all of them first": lambda scores: share([math.exp(s) for s in scores]),
            "exp(1000) is inf in NumPy and torch, and inf / inf is nan: subtract the largest score first": (
                lambda scores: share([math.exp(s) if s < 700 else math.inf for s in scores])
            ),
            "you divided the scores by their sum: take exponentials first, scores may be negative": (
                lambda scores: [s / sum(scores) if sum(scores) else math.nan for s in scores]
            ),
            "you divided by the largest: the probabilities must sum to 1": lambda scores: [math.exp(s - max(scores)) for s in scores],
            "you divided by the number of scores instead of the sum of the exponentials": (
                lambda scores: [math.exp(s - max(scores)) / len(scores) for s in scores]
            ),
            "this is the logarithm of the softmax: take the exponential": (
                lambda scores: [math.log(q) for q in share([math.exp(s - max(scores)) for s in scores])]
            ),
            "the sign is turned round: the largest score must get the largest probability": (
                lambda scores: share([math.exp(min(scores) - s) for s in scores])
            ),
            "you shifted the numerator only: use the same exponentials above and below": (
                lambda scores: [math.exp(s - max(scores)) / sum(math.exp(min(r, 700)) for r in scores) for s in scores]
            ),
            "a sigmoid for each score does not sum to 1: divide by the sum of all exponentials": (
                lambda scores: [1 / (1 + math.exp(-s)) if s > -700 else 0.0 for s in scores]
            ),
            "rounded: return the probabilities as they are": (
                lambda scores: [round(q, 2) for q in share([math.exp(s - max(scores)) for s in scores])]
            ),
            "you took powers of 2: softmax takes powers of e": lambda scores: share([2 ** (s - max(scores)) for s in scores]),
            "subtracting the mean is not enough: one score can lie far above it, and exp overflows; subtract the largest": (
                lambda scores: share([math.exp(s - sum(scores) / len(scores)) for s in scores])
            ),
            "subtracting the mean leaves inf where one score lies far above it, and inf / inf is nan: subtract the largest": (
                lambda scores: share([math.exp(s - mean) if s - (mean := sum(scores) / len(scores)) < 700 else math.inf for s in scores])
            ),
            "a fixed number is not enough: scores can be larger still; subtract the largest, whatever it is": (
                lambda scores: share([math.exp(s - 700 * (max(scores) > 700)) for s in scores])
            ),
            "cutting the scores off makes large ones equal: subtract the largest from all of them instead": (
                lambda scores: share([math.exp(min(s, 700)) for s in scores])
            ),
        },
    )


check_softmax(softmax)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def softmax_solution(scores):
    """Probabilities, as a list, from a list of scores."""
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


check_softmax(softmax_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# Nearly everybody forgets the overflow. Adding a constant to all scores changes nothing: softmax sees differences only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## An n-gram model is a log-linear model
#
# One feature for each context, "is it this one?", and $\theta_{h,w} = \log \frac{c(h\,w)}{c(h)}$ ($-\infty$ for unseen pairs): the softmax gives the relative frequencies back.

# %% tags=["topic-A8", "nbval-check-output"]
bigrams = count_ngrams(corpora["grammar"]["train"], n=2)
V = len(words["grammar"]) - 1
tokens, worst = words["grammar"][:V], 0
for seen in bigrams.values():
    theta = [math.log(max(seen[w], 1e-300) / seen.total()) for w in tokens]  # 1e-300 for log 0
    p = softmax_solution(theta)
    worst = max(worst, *(abs(p[i] - seen[w] / seen.total()) for i, w in enumerate(tokens)))
print(f"{len(bigrams)} contexts, {V * len(bigrams):,} weights")
print("the probabilities of the bigram model, to 1e-12:", worst < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# So nothing is lost by going log-linear. What is gained: features may overlap, and may be shared by many contexts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Features made by hand
#
# What about the last two words would help to guess the next one of the grammar? A linguist might ask:

# %% tags=["topic-A8"]
QUESTIONS = {
    "the sentence begins": lambda a, b: b == BOS,
    "after a determiner": lambda a, b: b in {"the", "a", "this", "some", "these"},
    "after a singular determiner": lambda a, b: b in {"a", "this"},
    "after a plural determiner": lambda a, b: b in {"some", "these"},
    "after an adjective": lambda a, b: b in {"small", "young", "happy", "red", "quiet"},
    "after a word in -s": lambda a, b: b.endswith("s"),
    "after a preposition": lambda a, b: b in {"near", "behind"},
    "after 'that'": lambda a, b: b == "that",
    "one word after 'that'": lambda a, b: a == "that",
}


def features(context):
    """The answers (K,) to all questions about the last two words, 1 for yes and 0 for no."""
    return np.array([float(question(*context)) for question in QUESTIONS.values()])


features(("the", "cats"))

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask the room for features before showing these. Two things will be noticed: it takes an expert, and a new language needs a new expert.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One description, or one for each word?
#
# Textbooks write $f(h, w)$, features of context *and* word. With a copy of each question per word ("after *the*, and the next word is *cat*"), that is the same as one weight row per word:
#
# $$\theta \cdot f(h, w) = \theta_w \cdot f(h)$$

# %% tags=["nbval-check-output"]
f_h, w = features(("that", "cats")), ids["grammar"]["sleep"]
K = len(f_h)
theta = np.random.default_rng(0).normal(size=(V, K))
f_hw = np.zeros((V, K))
f_hw[w] = f_h  # the joint features: all zero but for the row of the word
print("the same score:", np.isclose(np.sum(theta * f_hw), theta[w] @ f_h))

# %% [markdown] slideshow={"slide_type": "notes"}
# This small identity connects the maxent literature with what PyTorch calls Linear plus softmax.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which way is downhill?
#
# $J$ is the mean negative log-likelihood of notebook 1. For one token, with scores $s$ and $p = \text{softmax}(s)$:
#
# $$-\log p_w = -s_w + \log \sum_v e^{s_v}$$
#
# To train, we need its derivative with respect to *each* score: the right word's, and all the others', which share the denominator.

# %% [markdown] slideshow={"slide_type": "notes"}
# Derive it on the board with the class: minus s_w gives minus one, the logarithm of the sum gives softmax again. The exercise asks for the result.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · The gradient with respect to the scores
#
# **Predict first:** probabilities 0.7, 0.2, 0.1, and the second word was right. Which scores should rise, and what is the sum of the three derivatives of $-\log p_w$? Return the list of derivatives for any probabilities; `w` is the number of the right word, from 0.
#
# <details><summary>Answer</summary>0.7, −0.8, 0.1: a step against the gradient lifts only the right word. The sum is 0.</details>

# %% tags=["exercise-2-stub"]
def score_gradient(probabilities, w):
    """Derivatives, as a list, of -log p_w with respect to each score."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_score_gradient(attempt):
    """Try an attempt on two predictions."""
    return check(
        attempt,
        cases=[(([0.7, 0.2, 0.1], 1), [0.7, -0.8, 0.1]), (([0.15, 0.05, 0.55, 0.25], 2), [0.15, 0.05, -0.45, 0.25]), (([0.125, 0.875], 0), [-0.875, 0.875])],
        misconceptions={
            "the sign is turned round: this is the gradient of log p_w, and J has a minus": (
                lambda p, w: [(v == w) - q for v, q in enumerate(p)]
            ),
            "all scores take part, since they share the denominator: the others have derivative p_v": (
                lambda p, w: [(q - 1) * (v == w) for v, q in enumerate(p)]
            ),
            "you forgot to take 1 from the right word": (lambda p, w: list(p)),
            "this is the derivative with respect to the probability, not to the score": (
                lambda p, w: [-(v == w) / q for v, q in enumerate(p)]
            ),
            "these are the derivatives of −p_w: that of its logarithm lacks the factor p_w": (
                lambda p, w: [-p[w] * ((v == w) - q) for v, q in enumerate(p)]
            ),
            "these are the derivatives of p_w: mind the logarithm and the minus": (
                lambda p, w: [p[w] * ((v == w) - q) for v, q in enumerate(p)]
            ),
            "this is the right word's derivative only: there is one for each score": (lambda p, w: p[w] - 1),
            "p_w − 1 belongs to the right word, not 1 − p_w": (
                lambda p, w: [1 - q if v == w else q for v, q in enumerate(p)]
            ),
            "you forgot the probability of the right word: its derivative is p_w − 1": (
                lambda p, w: [-1 if v == w else q for v, q in enumerate(p)]
            ),
            "this is p(1 − p), the derivative of each probability by its own score": (
                lambda p, w: [q * (1 - q) for q in p]
            ),
            "you subtracted the word's number from all entries: subtract 1, from entry w only": (
                lambda p, w: [q - w for q in p]
            ),
            "1 is taken from the right word only": (lambda p, w: [q - 1 for q in p]),
            "rounded: return the derivatives as they are": lambda p, w: [round(q - (v == w), 2) for v, q in enumerate(p)],
            "words are numbered from 0: entry w is the right word's, not entry w − 1": (
                lambda p, w: [q - (v == w - 1) for v, q in enumerate(p)]
            ),
            "1 is taken from the right word, w, not from the likeliest": lambda p, w: [q - (q == max(p)) for q in p],
        },
    )


check_score_gradient(score_gradient)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def score_gradient_solution(probabilities, w):
    """Derivatives, as a list, of -log p_w with respect to each score."""
    return [p - (v == w) for v, p in enumerate(probabilities)]


check_score_gradient(score_gradient_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The derivatives sum to zero: what one word gains, the others lose. This p minus one-hot is the error that all networks of the course send backwards.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the gradient says
#
# $[v = w]$ is 1 if the statement holds, else 0. With $s = \theta f(h)$:
#
# $$\frac{\partial (-\log p_w)}{\partial s_v} = p_v - [v = w] \qquad\qquad \frac{\partial J}{\partial \theta} = \frac{\text{expected} - \text{observed features}}{N}$$
#
# Where this vanishes, the model expects each feature, with each word, exactly as often as it was seen among the $N$ tokens (`N.sum()` in the code).

# %% [markdown] slideshow={"slide_type": "notes"}
# Expected: the feature's value times the model's probability of the word, summed over all tokens. Observed: summed over the words that came.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Loss and gradient as code
#
# `F` has one row for each of the `U` different lists of answers, `N` the counts of the words that followed. $\lambda$ keeps weights small: without it, pairs of feature and word that were never seen would drive them to $-\infty$.

# %%
def maxent_loss(theta, bias, F, N, lam):
    """J + λ/2 |θ|², and its gradients, from features F (U, K) and counts N (U, V)."""
    scores = F @ theta.T + bias
    log_p = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    expected = N.sum(axis=1, keepdims=True) * np.exp(log_p)
    d_scores = (expected - N) / N.sum()  # (U, V)
    J = -np.sum(N * log_p) / N.sum() + lam / 2 * np.sum(theta**2)
    return J, d_scores.T @ F + lam * theta, d_scores.sum(axis=0)


# %% [markdown] slideshow={"slide_type": "notes"}
# The line with d_scores is the exercise, weighted by counts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Contexts with equal answers are one
#
# The model cannot tell them apart, so we add their counts.

# %%
def design(counts, number):
    """Different answers F (U, K), and how often each word followed contexts that gave them, N (U, V)."""
    followers = defaultdict(Counter)
    for context, seen in counts.items():
        followers[tuple(features(context))] += seen
    N = np.zeros((len(followers), len(number) - 1))
    for row, seen in enumerate(followers.values()):
        for word, times in seen.items():
            N[row, number[word]] = times
    return np.array(list(followers)), N


trigrams = count_ngrams(corpora["grammar"]["train"], n=3)
F, N = design(trigrams, ids["grammar"])
print(f"{N.sum():.0f} tokens, {len(trigrams)} contexts, {len(F)} different lists of answers")

# %% [markdown] slideshow={"slide_type": "notes"}
# The same loss, from sixteen rows instead of seventy thousand tokens: much faster.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is the gradient right?
#
# Ask autograd, which knows nothing of our derivation:

# %% tags=["nbval-check-output"]
bias, lam = np.random.default_rng(1).normal(size=V), 1e-4
J, d_theta, d_bias = maxent_loss(theta, bias, F, N, lam)

t, b = (torch.tensor(a, requires_grad=True) for a in (theta, bias))
log_p = torch.log_softmax(torch.tensor(F) @ t.T + b, dim=1)
loss = -(torch.tensor(N) * log_p).sum() / N.sum() + lam / 2 * (t**2).sum()
loss.backward()
print("loss agrees to 1e-12:     ", abs(loss.item() - J) < 1e-12)
worst = max(np.abs(t.grad.numpy() - d_theta).max(), np.abs(b.grad.numpy() - d_bias).max())
print("gradients agree to 1e-12: ", worst < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# Autograd is the first independent oracle of today; finite differences and PyTorch's own layers will follow.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training: downhill
#
# The loss is convex: there is one valley, and every descent ends at its bottom. SciPy's L-BFGS walks there with our loss and our gradient.

# %% tags=["topic-A8"]
def fit_maxent(F, N, lam):
    """Weights (V, K) and bias (V,) of least loss."""
    V, K = N.shape[1], F.shape[1]

    def objective(flat):
        J, d_theta, d_bias = maxent_loss(flat[: V * K].reshape(V, K), flat[V * K :], F, N, lam)
        return J, np.r_[d_theta.ravel(), d_bias]

    options = {"maxiter": 5000, "maxfun": 6000, "gtol": 1e-9, "ftol": 0}
    flat = minimize(objective, np.zeros(V * K + V), jac=True, method="L-BFGS-B", options=options).x
    return flat[: V * K].reshape(V, K), flat[V * K :]


lam = 1 / N.sum()
theta, bias = fit_maxent(F, N, lam)

# %% [markdown] slideshow={"slide_type": "notes"}
# In the objective, one flat vector holds all weights, because SciPy wants it so.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The weights can be read
#
# The words that an answer *yes* raises most:

# %%
for question in ("after a plural determiner", "after 'that'"):
    row = theta[:, list(QUESTIONS).index(question)]
    best = [words["grammar"][w] for w in np.argsort(-row)[:6]]
    print(f"{question:26} raises {', '.join(best)}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The learned weights can be read, that is the charm of these models. The penalty makes them unique; without it, weights of pairs that were never seen run away. A constant added to all biases still changes nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What the minimum means: expected = observed
#
# The **maximum entropy** principle says: among all models that expect each feature as often as it was observed, take the most uncertain one. The solution is this log-linear model without penalty. With it, at the minimum $\text{expected} - \text{observed} = -\lambda N \theta$, and $\lambda N = 1$ here:

# %% tags=["topic-A9", "nbval-check-output"]
p = np.exp(F @ theta.T + bias)
p /= p.sum(axis=1, keepdims=True)
expected = (N.sum(axis=1, keepdims=True) * p).T @ F  # (V, K): word and feature together
observed = N.T @ F
print("they differ by θ, the pull of the penalty:", np.abs(expected - observed + theta).max() < 0.01)
print("that is, by less than 10 occurrences:     ", np.abs(expected - observed).max() < 10)
print(f"where the most frequent pair of word and feature occurs {observed.max():.0f} times")

# %% [markdown] slideshow={"slide_type": "notes"}
# With a smaller lambda the gap closes. Uncertain means: of large conditional entropy, averaged over the contexts. Berger and colleagues 1996 made the principle popular in language processing; Rosenfeld built large language models with it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One model, many names
#
# | name | who says so | what it stresses |
# |---|---|---|
# | log-linear model | statistics | $\log p$ is linear in the features |
# | multinomial logistic regression, softmax regression | statistics, machine learning | the logistic function for more than two classes |
# | maximum entropy (MaxEnt) | physics, language processing | the least committed model with the right averages |
# | generalised linear model | statistics | a linear score behind a link function |
# | discriminative naïve Bayes | machine learning | the same form, trained for $p(w \mid h)$ itself |
# | a very shallow sigmoidal network | neural networks | an output layer without hidden layers |
#
# Names differ; the next slides put the numbers side by side.

# %% [markdown] slideshow={"slide_type": "notes"}
# When two communities meet the same model they name it twice; the generalised linear model is Nelder and Wedderburn's of 1972. The next slides run four names on one data set: three agree to the last digit that the optimisers reach, the fourth shares the form only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Logistic regression: the same weights
#
# scikit-learn minimises $\sum_i J_i + \frac{1}{2C} |\theta|^2$ ($J_i$: the loss of token $i$; $C$ is its name for a number, not our table). With $C = 1/(\lambda N)$ that is our loss. Ours is $\lambda = 1/N$: hence $C = 1$.

# %% tags=["topic-A9", "nbval-check-output"]
row, word = np.nonzero(N)
regression = LogisticRegression(C=1, tol=1e-9, max_iter=5000)
regression.fit(F[row], word, sample_weight=N[row, word])
weights = max(np.abs(regression.coef_ - theta).max(), np.abs(regression.intercept_ - bias).max())
print("the same weights, to 1e-3:       ", weights < 1e-3)
print("the same probabilities, to 1e-5: ", np.abs(regression.predict_proba(F) - p).max() < 1e-5)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two programs, written by different people, meet in the same minimum: that is what convexity buys. The biases agree because both programs start them at 0; a constant added to all of them would change no probability.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A shallow network, and the sigmoid
#
# PyTorch's `nn.Linear` with our weights gives the same probabilities. With two words only, softmax *is* the sigmoid of the difference of their scores.

# %% tags=["topic-A9", "nbval-check-output"]
layer = nn.Linear(K, V).double()
layer.load_state_dict({"weight": torch.tensor(theta), "bias": torch.tensor(bias)})
with torch.no_grad():
    network = torch.softmax(layer(torch.tensor(F)), dim=1).numpy()
print("nn.Linear and softmax:    ", np.abs(network - p).max() < 1e-12)

s = np.array([0.3, -1.1])
sigmoid = 1 / (1 + np.exp(-(s[0] - s[1])))
print("two words, one sigmoid:   ", math.isclose(softmax_solution(list(s))[0], sigmoid))

# %% [markdown] slideshow={"slide_type": "notes"}
# Hence a classifier for two classes needs one output unit, not two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Naïve Bayes: the same form, other weights
#
# Multinomial naïve Bayes counts each feature's share of all yes answers before $w$, and reverses them with Bayes' rule. Its log-probability is linear in the features, too, so its counts are a $\theta$. Only the training differs: ours is *discriminative*, aimed at $p(w \mid h)$.

# %% tags=["topic-A9", "nbval-check-output"]
bayes = MultinomialNB(alpha=1e-3).fit(F[row], word, sample_weight=N[row, word])
scores = F @ bayes.feature_log_prob_.T + bayes.class_log_prior_  # weights: log shares
from_counts = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
print("naïve Bayes is log-linear:", np.allclose(from_counts, bayes.predict_proba(F)))

naive, trained = (math.exp(-np.sum(N * np.log(q)) / N.sum()) for q in (from_counts, p))
print(f"perplexity on the training text: naïve Bayes {naive:.1f}, trained {trained:.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Naive Bayes believes that the features are independent, given the word; ours overlap heavily (a plural determiner is also a determiner), so it double-counts. Ng and Jordan 2001 call such a pair generative and discriminative.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How good are nine questions?
#
# Perplexity on the test sentences of the grammar, per token as always:

# %%
def maxent(word, history):
    """p(word | history) by the questions about the last two words."""
    scores = theta @ features(context_of(history, 3)) + bias
    return math.exp(scores[ids["grammar"][word]] - np.logaddexp.reduce(scores))


test = corpora["grammar"]["test"]
floor = grammar.perplexity(test)  # of the true model on the same sentences
for n in (1, 2, 3):
    counts = count_ngrams(corpora["grammar"]["train"], n)
    value = perplexity(kneser_ney(counts, n, estimate_discount(counts)), test)
    print(f"Kneser–Ney, n = {n}      {value:5.1f}")
print(f"nine questions, n = 3  {perplexity(maxent, test):5.1f}     true model {floor:.2f}, uniform {V}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Nine questions explain most of what the bigram model knows, with nine weights a word instead of forty-five, and need an expert. Which question is missing? Let the machine find out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What was hand-made is now learned
#
# Give each word a **vector** $e_w$ of $E$ numbers, a row of a table $C$: its answers to $E$ questions that nobody asked. All are random at first, and trained like any weight.
#
# Reading row $w$ is the product of a one-hot vector with $C$, only cheaper. `nn.Embedding` is that table:

# %% tags=["topic-A8", "nbval-check-output"]
C = nn.Embedding(num_embeddings=5, embedding_dim=3)
w = torch.tensor([4, 0, 4])
one_hot = nn.functional.one_hot(w, 5).float()
print("row = one-hot vector times table:", torch.equal(C(w), one_hot @ C.weight))

# %% [markdown] slideshow={"slide_type": "notes"}
# A one-hot vector as input is the same model with a slower first product. The rows of the table are called word vectors or embeddings.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Bengio's fixed-window model
#
# ![Bengio's window model: students, opened, their pass through one shared table C, their vectors side by side form x, W_xh and tanh give h, W_hy and a softmax give probabilities for the missing next word.](../figures/window_model.svg)
#
# $$x = [\,e_{w_{t-n+1}} \dots e_{w_{t-1}}\,] \quad\; h = \tanh(x W_{xh} + b_h) \quad\; \hat y = \text{softmax}(h W_{hy} + b_y)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Bengio, Ducharme, Vincent, Jauvin 2003. The bars are an illustration. Compare with the log-linear picture: h has taken the place of the features, and column w of W_hy that of theta_w. The paper also had direct connections from x to the output; we leave them out.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The three formulas as code

# %% tags=["topic-A8"]
def window_scores(context, C, W_xh, b_h, W_hy, b_y):
    """Scores (B, V) of the next word from contexts of word numbers (B, n - 1)."""
    x = C[context].flatten(start_dim=1)  # (B, (n-1)E)
    h = torch.tanh(x @ W_xh + b_h)  # (B, H)
    return h @ W_hy + b_y


B, E, H, V, n = 2, 3, 4, 5, 4
C, W_xh, b_h = torch.randn(V + 1, E), torch.randn((n - 1) * E, H), torch.randn(H)
W_hy, b_y = torch.randn(H, V), torch.randn(V)
context = torch.randint(V + 1, (B, n - 1))
y = torch.softmax(window_scores(context, C, W_xh, b_h, W_hy, b_y), dim=1)
print(tuple(y.shape), "each row sums to 1:", torch.allclose(y.sum(dim=1), torch.ones(B)))

# %% [markdown] slideshow={"slide_type": "notes"}
# Follow the shapes by finger. The same table C serves all positions; position enters only through the rows of W_xh.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · How many parameters?
#
# A window model of order $n$ with $V$ words, vectors of $E$ numbers and $H$ hidden units; the table has one row more, for BOS. **Predict:** which parts depend on $n$? Then write the number of all parameters.
#
# <details><summary>Answer</summary>Only W<sub>xh</sub>: it grows by E · H for each further word of context. An n-gram table can grow V-fold.</details>

# %% tags=["exercise-3-stub"]
def count_parameters(V, E, H, n):
    """Number of parameters of C, W_xh, b_h, W_hy and b_y."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_count_parameters(attempt):
    """Try an attempt on three sizes."""
    return check(
        attempt,
        cases=[
            ((5, 3, 4, 4), 6 * 3 + 9 * 4 + 4 + 4 * 5 + 5),
            ((45, 16, 64, 2), 46 * 16 + 16 * 64 + 64 + 64 * 45 + 45),
            ((4063, 64, 48, 5), 4064 * 64 + 4 * 64 * 48 + 48 + 48 * 4063 + 4063),
        ],
        misconceptions={
            "the context has n − 1 words: the n-th is the one to predict": (
                lambda V, E, H, n: (V + 1) * E + n * E * H + H + H * V + V
            ),
            "you gave each position its own table: all share C": (
                lambda V, E, H, n: (n - 1) * (V + 1) * E + (n - 1) * E * H + H + H * V + V
            ),
            "you left out b_h, one number for each hidden unit": (
                lambda V, E, H, n: (V + 1) * E + (n - 1) * E * H + H * V + V
            ),
            "you left out b_y, one number for each word": (
                lambda V, E, H, n: (V + 1) * E + (n - 1) * E * H + H + H * V
            ),
            "you left out the biases b_h and b_y": (lambda V, E, H, n: (V + 1) * E + (n - 1) * E * H + H * V),
            "you left out the table C: word vectors are parameters, too": (
                lambda V, E, H, n: (n - 1) * E * H + H + H * V + V
            ),
            "the table has V + 1 rows: BOS is an input, too": (
                lambda V, E, H, n: V * E + (n - 1) * E * H + H + H * V + V
            ),
            "BOS is never predicted: the output has V scores": (
                lambda V, E, H, n: (V + 1) * E + (n - 1) * E * H + H + H * (V + 1) + V + 1
            ),
            "the vectors are set side by side, not added: W_xh has (n − 1)E rows": (
                lambda V, E, H, n: (V + 1) * E + E * H + H + H * V + V
            ),
            "x holds word vectors, not one-hot vectors: W_xh has (n − 1)E rows, not (n − 1)V": (
                lambda V, E, H, n: (V + 1) * E + (n - 1) * V * H + H + H * V + V
            ),
            "each layer has one bias here; nn.RNN stores two": (
                lambda V, E, H, n: (V + 1) * E + (n - 1) * E * H + 2 * H + H * V + 2 * V
            ),
        },
    )


check_count_parameters(count_parameters)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def count_parameters_solution(V, E, H, n):
    """Number of parameters of C, W_xh, b_h, W_hy and b_y."""
    return (V + 1) * E + (n - 1) * E * H + H + H * V + V


check_count_parameters(count_parameters_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the answer to storage that explodes with n: a longer window costs E times H numbers per word, whatever the corpus.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Layers: the general network
#
# ![A feed-forward network of L layers: the input x = h⁰ goes through weights W_1, W_2, … W_L and functions f_1, f_2, … f_L to h^L, then through θ and a softmax to ŷ.](../figures/mlp_layers.svg)
#
# $$h^0 = x \qquad h^l = f_l(a^l), \quad a^l = h^{l-1} W_l + b_l \qquad \hat y = \text{softmax}(h^L \theta^{\mathsf T})$$

# If only the likeliest word is asked for, $\text{argmax}(h^L \theta^{\mathsf T})$ will do: softmax keeps the order.

# %% [markdown] slideshow={"slide_type": "notes"}
# The window model is this with L = 1; theta transposed is called W_hy there, and has a bias. With column vectors one writes W h instead of h W.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Activation functions and their derivatives
#
# A function for each entry, between the layers:

# %%
ACTIVATIONS = {  # name: (f, its derivative)
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "ReLU": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(float)),
    "identity": (lambda a: a, np.ones_like),
}

# %% tags=["topic-A10", "nbval-check-output"]
a = torch.linspace(-4, 4, 1000, dtype=torch.float64, requires_grad=True)
TORCH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "ReLU": torch.relu, "identity": nn.Identity()}
for name, (f, derivative) in ACTIVATIONS.items():
    y = TORCH[name](a)
    (slope,) = torch.autograd.grad(y.sum(), a)
    values = a.detach().numpy()
    agree = np.allclose(f(values), y.detach()) and np.allclose(derivative(values), slope)
    print(f"{name:9} and its derivative agree with PyTorch: {agree}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for the largest slope of each before showing the next slide: a quarter, and one for the three others.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same as curves

# %% slideshow={"slide_type": "skip"}
def plot_activations():
    """Draw the activation functions on the left and their derivatives on the right."""
    a = np.linspace(-4, 4, 401)
    fig, axes = plt.subplots(1, 2)
    for (name, pair), color in zip(ACTIVATIONS.items(), ("gate", "state", "output", "baseline")):
        for ax, f in zip(axes, pair):
            ax.plot(a, f(a), color=COLOR[color], label=name, ls="--" if name == "identity" else "-")
    axes[0].set(xlabel="$a$", ylabel="$f(a)$", ylim=(-1.3, 2.3))
    axes[1].set(xlabel="$a$", ylabel="$f'(a)$", ylim=(-0.05, 1.25))
    axes[0].legend()
    return fig

# %% tags=["topic-A10", "output-only"]
show(plot_activations(), "The slope of the sigmoid never exceeds ¼; that of tanh is 1 at a = 0 and falls off; that of ReLU is 0 or 1.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The right panel matters in notebook 4: gradients are multiplied by these slopes at each layer or step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Forwards, in NumPy

# %% tags=["topic-A10"]
def forward(x, layers):
    """Values h^0 … h^L and sums a^1 … a^L, for x (B, D) and layers of (W, b, activation's name)."""
    h, a = [x], []
    for W, b, name in layers:
        a.append(h[-1] @ W + b)
        h.append(ACTIVATIONS[name][0](a[-1]))
    return h, a


def random_layers(rng, sizes, names):
    """Layers with random weights between these sizes."""
    shapes = zip(sizes, sizes[1:], names)
    return [(rng.normal(size=(D, H)) / D**0.5, rng.normal(size=H), name) for D, H, name in shapes]


rng = np.random.default_rng(0)
layers = random_layers(rng, (3, 6, 5, 4), ("tanh", "sigmoid", "identity"))
x = rng.normal(size=(2, 3))
h, a = forward(x, layers)
print([value.shape for value in h])
print("likeliest words:", h[-1].argmax(axis=1))

# %% [markdown] slideshow={"slide_type": "notes"}
# The last layer is theta with a bias: identity, because its scores go into the softmax of the loss.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Without $f$, all layers are one
#
# Three linear layers are one matrix and one bias: depth is worth nothing without a nonlinear function between the layers.

# %% tags=["topic-A10", "nbval-check-output"]
linear = [(W, b, "identity") for W, b, _ in layers]
(W_1, b_1, _), (W_2, b_2, _), (W_3, b_3, _) = linear
one = x @ (W_1 @ W_2 @ W_3) + (b_1 @ W_2 + b_2) @ W_3 + b_3
print("three linear layers are one:       ", np.allclose(forward(x, linear)[0][-1], one))
print("with tanh and sigmoid they are not:", not np.allclose(h[-1], one))

# %% [markdown] slideshow={"slide_type": "notes"}
# The same will be true of a recurrent network without its tanh: notebook 3 has that bug as an exercise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Backwards, by the chain rule
#
# $\delta^l = \partial J / \partial a^l$. The output is one more layer, $W_{L+1} = \theta^{\mathsf T}$ with $f$ = identity; there, exercise 2 says what $\delta$ is. From there, layer by layer:
#
# $$\delta^{L+1} = \frac{\hat y - \text{one-hot}(w)}{B} \qquad \delta^{l-1} = (\delta^l\, W_l^{\mathsf T}) \odot f_{l-1}'(a^{l-1})$$
#
# $$\frac{\partial J}{\partial W_l} = (h^{l-1})^{\mathsf T}\, \delta^l \qquad \frac{\partial J}{\partial b_l} = \sum_{\text{rows}} \delta^l \qquad \frac{\partial J}{\partial x} = \delta^1\, W_1^{\mathsf T}$$
#
# Forwards through $W$, backwards through $W^{\mathsf T}$; $\odot$ multiplies entry by entry. $\partial J / \partial x$ trains the table $C$: each row collects what belongs to its word.

# %% [markdown] slideshow={"slide_type": "notes"}
# Rumelhart, Hinton and Williams made this known in 1986. Check each formula by shapes alone: only one order of the factors fits. In the code, lists start at 0: layers[l] holds W of layer l + 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 4 · One layer backwards
#
# One layer, $h = \tanh(x W)$. Given `x` (B, D), `W` (D, H) and `d_h` = $\partial J / \partial h$ (B, H), return $\partial J / \partial W$, as a NumPy array. **Predict:** its shape, and what happens where $h$ is almost 1.
#
# <details><summary>Answer</summary>(D, H), like W. Where h is near 1 the slope 1 − h² is near 0: a saturated unit learns next to nothing.</details>

# %% tags=["exercise-4-stub"]
def layer_gradient(x, W, d_h):
    """∂J/∂W (D, H) of h = tanh(x W), from x (B, D), W (D, H) and d_h = ∂J/∂h (B, H)."""
    return ...

# %% tags=["exercise-4-check"] slideshow={"slide_type": "skip"}
def check_layer_gradient(attempt):
    """Try an attempt on two layers of different shapes."""
    rng = np.random.default_rng(2)
    shapes = [(1, 2), (2, 3), (1, 3)], [(4, 3), (3, 2), (4, 2)], [(3, 3), (3, 2), (3, 2)]
    cases = [(np.array([[1.0, 2.0]]), np.zeros((2, 3)), np.array([[1.0, -1.0, 3.0]]))]
    cases += [tuple(rng.normal(size=shape).round(1) for shape in case) for case in shapes]

    def right(x, W, d_h):
        return x.T @ (d_h * (1 - np.tanh(x @ W) ** 2))

    return check(
        attempt,
        cases=[(arguments, right(*arguments)) for arguments in cases],
        misconceptions={
            "you left out the slope of tanh: multiply d_h by 1 − tanh²": (lambda x, W, d_h: x.T @ d_h),
            "the derivative of tanh is 1 − tanh², not 1 − tanh": (
                lambda x, W, d_h: x.T @ (d_h * (1 - np.tanh(x @ W)))
            ),
            "h(1 − h) is the slope of the sigmoid; that of tanh is 1 − h²": (
                lambda x, W, d_h: x.T @ (d_h * np.tanh(x @ W) * (1 - np.tanh(x @ W)))
            ),
            "you applied tanh twice: the slope is 1 − h² with h = tanh(x W)": (
                lambda x, W, d_h: x.T @ (d_h * (1 - np.tanh(np.tanh(x @ W)) ** 2))
            ),
            "1 − a² takes the sum a = x W where the value h = tanh(a) belongs": (
                lambda x, W, d_h: x.T @ (d_h * (1 - (x @ W) ** 2))
            ),
            "this is the transpose: ∂J/∂W has the shape of W": (lambda x, W, d_h: right(x, W, d_h).T),
            "this is ∂J/∂x; for W, the input x takes part": (
                lambda x, W, d_h: (d_h * (1 - np.tanh(x @ W) ** 2)) @ W.T
            ),
            "this is ∂J/∂a, by the sums a = x W: one chain-rule step is missing": (
                lambda x, W, d_h: d_h * (1 - np.tanh(x @ W) ** 2)
            ),
            "@ and * bind equally and go from left to right: put d_h * (1 − h²) in parentheses": (
                lambda x, W, d_h: x.T @ d_h * (1 - np.tanh(x @ W) ** 2)
            ),
            "d_h is missing: the chain rule starts with what comes from above": (
                lambda x, W, d_h: x.T @ (1 - np.tanh(x @ W) ** 2)
            ),
            "only the last row of the batch counts here: the rows' gradients add up": (
                lambda x, W, d_h: x[-1:].T @ (d_h * (1 - np.tanh(x @ W) ** 2))[-1:]
            ),
            "the slope of tanh is taken at the sums a = x W, not at d_h": (
                lambda x, W, d_h: x.T @ (1 - np.tanh(d_h) ** 2)
            ),
            "the sign is turned round: the step goes against the gradient, the gradient itself has no minus": (
                lambda x, W, d_h: -right(x, W, d_h)
            ),
            "you averaged over the rows: d_h already belongs to the J that is differentiated": (
                lambda x, W, d_h: right(x, W, d_h) / len(x) if len(x) > 1 else right(x, W, d_h)
            ),
            "this is the gradient of a bias: the input x takes part in that of W": (
                lambda x, W, d_h: (d_h * (1 - np.tanh(x @ W) ** 2)).sum(axis=0)
            ),
        },
    )


check_layer_gradient(layer_gradient)

# %% tags=["exercise-4-solution"] slideshow={"slide_type": "skip"}
def layer_gradient_solution(x, W, d_h):
    """∂J/∂W (D, H) of h = tanh(x W), from x (B, D), W (D, H) and d_h = ∂J/∂h (B, H)."""
    h = np.tanh(x @ W)
    return x.T @ (d_h * (1 - h**2))


check_layer_gradient(layer_gradient_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The two favourite mistakes: the slope of the sigmoid, and the transposed product. Shapes catch the second.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Backwards, in NumPy

# %% tags=["topic-A10"]
def log_softmax(scores):
    """log p (B, V) from scores (B, V)."""
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def backward(h, a, layers, w):
    """Gradients (∂J/∂W, ∂J/∂b) of each layer, and ∂J/∂x (B, D), for the right words w (B,)."""
    B = len(w)
    d = np.exp(log_softmax(h[-1]))
    d[np.arange(B), w] -= 1
    d /= B  # derivative with respect to the scores
    gradients = []
    for l in reversed(range(len(layers))):
        W, b, name = layers[l]
        delta = d * ACTIVATIONS[name][1](a[l])
        gradients.insert(0, (h[l].T @ delta, delta.sum(axis=0)))
        d = delta @ W.T
    return gradients, d

# %% [markdown] slideshow={"slide_type": "notes"}
# Ten lines that are the whole of backpropagation for feed-forward networks. The loop is the chain rule, one layer a turn.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two oracles: PyTorch's layers, and autograd

# %% tags=["topic-A10", "nbval-check-output"]
w = np.array([3, 0])
gradients, d_x = backward(h, a, layers, w)
network = nn.Sequential(
    nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 4), nn.Identity()
).double()
with torch.no_grad():
    for linear, (W, b, _) in zip(network[::2], layers):
        linear.weight.copy_(torch.tensor(W.T))
        linear.bias.copy_(torch.tensor(b))
inputs = torch.tensor(x, requires_grad=True)
scores = network(inputs)
cross_entropy(scores, torch.tensor(w)).backward()
theirs = [(linear.weight.grad.T.numpy(), linear.bias.grad.numpy()) for linear in network[::2]]
print("scores equal nn.Linear's, to 1e-12: ", np.abs(scores.detach().numpy() - h[-1]).max() < 1e-12)
pairs = [pair for layer in zip(gradients, theirs) for pair in zip(*layer)]
worst = max(np.abs(a - b).max() for a, b in [*pairs, (d_x, inputs.grad.numpy())])
print("gradients equal autograd's, to 1e-12:", worst < 1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# The same weights in a network of PyTorch's own: equal scores, equal gradients. Two programs that share only the mathematics.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The third oracle: finite differences
#
# Move one weight a little both ways, and look at the loss. No calculus at all:

# %% tags=["topic-A10", "nbval-check-output"]
def loss(x, layers, w):
    """Mean negative log-likelihood of the right words, in nats."""
    return -log_softmax(forward(x, layers)[0][-1])[np.arange(len(w)), w].mean()


(W_1, b_1, _), *others = layers
slopes, step = np.zeros_like(W_1), 1e-5
for i, j in np.ndindex(*W_1.shape):
    for sign in (1, -1):
        moved = W_1.copy()
        moved[i, j] += sign * step
        slopes[i, j] += sign * loss(x, [(moved, b_1, "tanh"), *others], w) / (2 * step)
print("W_1's gradient equals finite differences, to 1e-9:", np.abs(slopes - gradients[0][0]).max() < 1e-9)

# %% [markdown] slideshow={"slide_type": "notes"}
# Finite differences know nothing of calculus: the most independent oracle of all, and the slowest. From here on autograd does this work for us.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The window model with `torch.nn`

# %% tags=["export"]
def window_model(V, E, H, n):
    """Bengio's model of order n: word numbers (B, n - 1) to scores (B, V)."""
    C = nn.Embedding(V + 1, E)
    nn.init.normal_(C.weight, std=0.1)
    return nn.Sequential(C, nn.Flatten(), nn.Linear((n - 1) * E, H), nn.Tanh(), nn.Linear(H, V))

# %%
model = window_model(V=45, E=16, H=64, n=5)
size = sum(p.numel() for p in model.parameters())
print(f"{size:,} parameters")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
C, _, hidden, _, output = model
context = torch.randint(46, (7, 4))
ours = window_scores(context, C.weight, hidden.weight.T, hidden.bias, output.weight.T, output.bias)
print("the same scores as our three formulas:", torch.allclose(ours, model(context), atol=1e-6))
print("as many parameters as exercise 3 says:", size == count_parameters_solution(45, 16, 64, 5))

# %% [markdown] slideshow={"slide_type": "notes"}
# Sequential reads like the formula from left to right. PyTorch stores weights transposed, as notebook 0 showed.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### From sentences to batches
#
# One row per token to predict, the words and EOS. Notebook 1's n-grams, as numbers:

# %% tags=["export"]
def windows(corpus, n, number):
    """Contexts (N, n - 1) and targets (N,) of a corpus, as word numbers."""
    grams = torch.tensor([[number[word] for word in gram] for sentence in corpus for gram in ngrams(sentence, n)])
    return grams[:, :-1], grams[:, -1]

# %%
contexts, targets = windows([["the", "cats", "sleep"]], 3, ids["grammar"])
for context, target in zip(contexts, targets):
    print([words["grammar"][w] for w in context], "→", words["grammar"][target])

# %% [markdown] slideshow={"slide_type": "notes"}
# Check for the shift: no row may contain its own target. Copying the input would give perplexity one, as in notebook 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Before any training
#
# With small random weights, the model knows nothing: its loss should be near $\log |V|$.

# %% tags=["nbval-check-output"]
contexts, targets = windows(corpora["grammar"]["train"], 5, ids["grammar"])
with torch.no_grad():
    start = cross_entropy(model(contexts), targets).item()
print("loss at the start is within 3 % of log |V|:", abs(start / math.log(45) - 1) < 0.03)

# %% [markdown] slideshow={"slide_type": "notes"}
# A loss at the start that is far from log V is an early warning: a wrong scale, a wrong target, a softmax too many.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Softmax once
#
# `cross_entropy` takes *scores* and applies the softmax itself. Given probabilities, it runs without complaint, but then even a model that is always right has a loss:

# %% tags=["nbval-check-output"]
certain = torch.eye(45)[:1]  # probability 1 for the right word
twice = cross_entropy(certain, torch.tensor([0])).item()
print(f"loss of a perfect model after a second softmax: {twice:.2f} nats, perplexity {math.exp(twice):.1f}")
print("log(e + |V| − 1) − 1 agrees:", math.isclose(twice, math.log(math.e + 44) - 1, abs_tol=1e-6))

# %% [markdown] slideshow={"slide_type": "notes"}
# The double softmax is among the most frequent bugs in student code: no error, a loss that falls a bit, then stalls.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Training
#
# Predict a batch, measure the loss, ask autograd for its gradient, make a step. AdamW chooses the size of the step for each weight (notebook 3 looks inside) and shrinks weights a little; the learning rate rises, then falls to 0.

# %% tags=["export"]
def lr_schedule(optimizer, lr, steps):
    """A rate that rises to lr in the first twentieth of the steps, two at least, then falls to 0."""
    if steps < 1:
        raise ValueError("there is no step to make: the text is too short, or the number of epochs is 0")
    steps = max(3, steps)  # one or two steps are the beginning of three
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, steps, pct_start=max(0.05, 2 / steps), anneal_strategy="linear", cycle_momentum=False
    )

# %% [markdown] slideshow={"slide_type": "notes"}
# The hyperparameters were chosen on validation text.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Pass after pass
#
# One pass reads all windows once, in a new random order: an n-gram does not care about it.

# %% tags=["export"]
def train(model, contexts, targets, batch, epochs, lr, weight_decay):
    """Fit a model to contexts (N, n - 1) and targets (N,) by AdamW."""
    steps = epochs * math.ceil(len(targets) / batch)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=weight_decay)
    schedule = lr_schedule(optimizer, lr, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(targets)).split(batch):
            optimizer.zero_grad()
            cross_entropy(model(contexts[rows]), targets[rows]).backward()
            optimizer.step()
            schedule.step()
    return model

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask which line does what: predict, compare, gradient, step. Without zero_grad the gradients of all batches would add up.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Scoring
#
# The perplexity needs the log-probability of each token; its mean is over *tokens*, not over batches, whose last one is shorter.

# %% tags=["export"]
def log_probs(model, contexts, targets):
    """log p (N,) of each target under a model, in nats."""
    with torch.no_grad():
        parts = zip(contexts.split(4096), targets.split(4096))
        return -torch.cat([cross_entropy(model(x), w, reduction="none") for x, w in parts])

# %%
print(f"perplexity of the untrained model: {math.exp(-log_probs(model, contexts, targets).mean()):.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Averaging the batches' means instead would weigh the tokens of the last, shorter batch too much.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### One perplexity for all models
#
# As a function $p(w \mid h)$, the network fits into notebook 1's `perplexity`:

# %% tags=["export"]
def window_function(model, n, number):
    """A window model as p(word, history)."""

    @cache
    def distribution(*context):
        with torch.no_grad():
            return torch.softmax(model(torch.tensor([[number[w] for w in context]])), dim=1)[0]

    return lambda word, history: distribution(*context_of(history, n))[number[word]].item()

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
model = window_model(45, 16, 64, n=5)
train(model, contexts, targets, batch=512, epochs=3, lr=0.02, weight_decay=0.01)
some = corpora["grammar"]["test"][:20]
slow = perplexity(window_function(model, 5, ids["grammar"]), some)
fast = math.exp(-log_probs(model, *windows(some, 5, ids["grammar"])).mean())
print("equal, in batches and token by token:", math.isclose(slow, fast, rel_tol=1e-5))

# %% [markdown] slideshow={"slide_type": "notes"}
# One yardstick for the whole course: whatever the model, the same tokens are scored, EOS among them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The grammar: how close to the floor?
#
# Four orders, three random seeds each; $E = 16$, $H = 64$.

# %%
SEEDS, ORDERS = (0, 1, 2), (2, 3, 5, 7)
nets, results = {}, {}
for n in ORDERS:
    data = windows(corpora["grammar"]["train"], n, ids["grammar"])
    held_out = windows(corpora["grammar"]["test"], n, ids["grammar"])
    for seed in SEEDS:
        torch.manual_seed(seed)
        net = window_model(45, 16, 64, n)
        nets[n, seed] = train(net, *data, batch=512, epochs=3, lr=0.02, weight_decay=0.01)
        results["window", n, seed] = math.exp(-log_probs(nets[n, seed], *held_out).mean())
    counts = count_ngrams(corpora["grammar"]["train"], n)
    results["Kneser–Ney", n] = perplexity(kneser_ney(counts, n, estimate_discount(counts)), test)

# %% [markdown] slideshow={"slide_type": "notes"}
# Equal hyperparameters for all orders, nothing tuned per order. Write down bets: will the window model profit from n = 7?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The table

# %% tags=["topic-A8", "output-only"]
print("grammar, test perplexity per token\n")
print("order   Kneser–Ney    window, three seeds   parameters")
for n in ORDERS:
    three = [results["window", n, seed] for seed in SEEDS]
    size = count_parameters_solution(45, 16, 64, n)
    print(f"n = {n} {results['Kneser–Ney', n]:12.1f} {np.mean(three):12.2f} ± {np.std(three, ddof=1):.2f} {size:15,}")
print(f"\nuniform 45, true model {floor:.2f} (in expectation {grammar.optimal_perplexity():.2f})")

# %% [markdown] slideshow={"slide_type": "notes"}
# The standard deviation over three seeds is about a hundredth: the differences between orders are no accident. Kneser–Ney stops gaining at n = 3, the network goes on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Longer contexts help, if they can be shared

# %% slideshow={"slide_type": "skip"}
def plot_orders():
    """Draw test perplexity on the grammar against the order, for both models, with the floor."""
    fig, ax = plt.subplots()
    ax.plot(ORDERS, [results["Kneser–Ney", n] for n in ORDERS], "o-", color=COLOR["ngram"], label="Kneser–Ney")
    three = np.array([[results["window", n, seed] for seed in SEEDS] for n in ORDERS])
    ax.plot(ORDERS, three.mean(axis=1), "s-", color=COLOR["window"], label="window model, mean of three seeds")
    ax.plot(np.repeat(ORDERS, len(SEEDS)), three.ravel(), ".", color=COLOR["ink"], markersize=4, label="each seed")
    ax.axhline(floor, color=COLOR["floor"], lw=1.2)
    ax.annotate("true model", (7, floor), xytext=(0, -3), textcoords="offset points", va="top", ha="right")
    ax.set(xlabel="order $n$", ylabel="test perplexity", xticks=ORDERS, ylim=(5.5, 8.6))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 0.12))
    return fig

# %% tags=["output-only"] picture="../figures/window_by_order.png"
show(plot_orders(), "Longer contexts bring the window model nearer to the floor; Kneser–Ney cannot use them.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
means = {n: np.mean([results["window", n, seed] for seed in SEEDS]) for n in ORDERS}
print("the window gains with each order:         ", means[2] > means[3] > means[5] > means[7])
print("at n = 5 it beats Kneser–Ney by over 10 %:", means[5] < 0.9 * results["Kneser–Ney", 5])

# %% [markdown] slideshow={"slide_type": "notes"}
# Both models see the same words. Counting needs to have seen a context of four words; the network needs to have seen similar ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Real text: the prose of notebook 1
#
# Order 5, 4063 words, 64 numbers a word. One seed here; two passes over the text take most of this notebook's time.

# %%
n, number = 5, ids["prose"]
train_prose, test_prose = corpora["prose"]["train"], corpora["prose"]["test"]
torch.manual_seed(0)
V = len(words["prose"]) - 1
prose_net = window_model(V, 64, 64, n)
train(prose_net, *windows(train_prose, n, number), batch=512, epochs=2, lr=0.03, weight_decay=0.3)

prose_counts = count_ngrams(train_prose, n)
prose_kn = kneser_ney(prose_counts, n, estimate_discount(prose_counts))

# %% tags=["output-only"]
log_p = {
    part: {
        "Kneser–Ney": np.log([q for sentence in corpora["prose"][part] for q in token_probs(prose_kn, sentence)]),
        "window model": log_probs(prose_net, *windows(corpora["prose"][part], n, number)).double().numpy(),
    }
    for part in ("validation", "test")
}
print("prose, order 5, test perplexity per token")
for name, values in log_p["test"].items():
    print(f"   {name:14}{math.exp(-values.mean()):7.0f}")
print(f"   uniform       {V:7}, floor unknown")

# %% [markdown] slideshow={"slide_type": "notes"}
# About equal, with ten lines of model and half a minute of training. One seed; the benchmark of the course shows three.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two heads are better than one
#
# Bengio and colleagues mixed their model with an n-gram model and gained. So do we: $\lambda\, p_{\text{window}} + (1 - \lambda)\, p_{\text{KN}}$, with $\lambda$ chosen on validation text.

# %%
def mixture(part, lam):
    """log p of each token under the mixture of both models."""
    p = {name: np.exp(values) for name, values in log_p[part].items()}
    return np.log(lam * p["window model"] + (1 - lam) * p["Kneser–Ney"])


lam = max(np.arange(0.05, 1, 0.05), key=lambda lam: mixture("validation", lam).mean())
print(f"λ = {lam:.2f}: test perplexity {math.exp(-mixture('test', lam).mean()):.0f}")

# %% tags=["nbval-check-output"]
mixed, *single = (math.exp(-v.mean()) for v in (mixture("test", lam), *log_p["test"].values()))
print("the mixture is more than 10 % better than either:", mixed < 0.9 * min(single))

# %% [markdown] slideshow={"slide_type": "notes"}
# A mixture gains most where its members err differently: one remembers exact phrases, the other generalises.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does the network win?
#
# Sort the test tokens by how often the training text holds their context of four words:

# %% slideshow={"slide_type": "skip"}
def times_seen(corpus, counts, n):
    """How often the context of each token of a corpus occurs in the counts, (N,)."""
    grams = [gram for sentence in corpus for gram in ngrams(sentence, n)]
    return np.array([counts[gram[:-1]].total() if gram[:-1] in counts else 0 for gram in grams])


toy_counts = count_ngrams(corpora["grammar"]["train"], n)
toy_kn = kneser_ney(toy_counts, n, estimate_discount(toy_counts))
compared = {
    "grammar": (
        times_seen(test, toy_counts, n),
        np.log([q for sentence in test for q in token_probs(toy_kn, sentence)]),
        log_probs(nets[n, 0], *windows(test, n, ids["grammar"])).double().numpy(),
    ),
    "prose": (times_seen(test_prose, prose_counts, n), *log_p["test"].values()),
}
GROUPS = {"never": (0, 0), "1–9": (1, 9), "10–99": (10, 99), "100 +": (100, np.inf)}

# %% slideshow={"slide_type": "skip"}
def plot_sharing():
    """Draw the mean loss of both models for test tokens grouped by how often their context was seen."""
    fig, axes = plt.subplots(1, 2)
    for ax, (name, (seen, kn, window)) in zip(axes, compared.items()):
        for i, (low, high) in enumerate(GROUPS.values()):
            group = (seen >= low) & (seen <= high)
            ax.bar(i - 0.2, -kn[group].mean(), 0.38, color=COLOR["ngram"], label="Kneser–Ney" if i == 0 else None)
            ax.bar(i + 0.2, -window[group].mean(), 0.38, color=COLOR["window"], label="window" if i == 0 else None)
            ax.annotate(f"{group.mean():.0%}", (i, 0.15), ha="center", fontsize=12)
        ax.set(xlabel="occurrences of the context in training", ylabel="mean loss (nats)", title=name)
        ax.set_xticks(range(len(GROUPS)), labels=GROUPS)
        ax.grid(axis="x", visible=False)
        ax.margins(y=0.3)
    axes[0].legend(loc="upper right", ncols=2)
    return fig

# %% tags=["topic-A8", "output-only"]
show(plot_sharing(), "Compare the two bars of a group: in contexts that are new, the network is better on both corpora. (%: share of tokens)")

# %% [markdown] slideshow={"slide_type": "notes"}
# Left group: contexts that never occurred. There Kneser–Ney must back off, and the network treats the new context like its relatives. On the grammar the network's lead shrinks to nothing where contexts are frequent; on prose counting wins between 1 and 9. The frequent contexts of the prose are all beginnings of sentences, where much can come: their loss is high for both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Contexts that never occurred
#
# The first new contexts of the grammar's test text, not selected, with $\log p$ of the word that followed, in nats:

# %%
seen, kn, window = compared["grammar"]
grams = [gram for sentence in test for gram in ngrams(sentence, n)]
print(f"{'context':34}{'next':10}{'Kneser–Ney':>10}{'window':>10}")
for i in np.flatnonzero(seen == 0)[:8]:
    *context, word = grams[i]
    print(f"{' '.join(context):34}{word:10}{kn[i]:10.2f}{window[i]:10.2f}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
new = seen == 0
print("in new contexts, the network is better on average:", window[new].mean() > kn[new].mean())
print("and for more than half of these tokens:            ", (window[new] > kn[new]).mean() > 0.5)
seen, kn, window = compared["prose"]
print("on prose, too, it is better on average:            ", window[seen == 0].mean() > kn[seen == 0].mean())

# %% [markdown] slideshow={"slide_type": "notes"}
# Read one line: all words of the context are known, their combination is not. Some lines favour Kneser–Ney; the mean is what counts.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What did the vectors learn?
#
# The neighbours of a word are those whose vectors point in the most similar direction, by the cosine:

# %%
def neighbours(word, table, vocabulary, best=5):
    """The words whose vectors have the largest cosine with that of a word, as text."""
    unit = table / table.norm(dim=1, keepdim=True)
    cosine = unit @ unit[vocabulary.index(word)]
    nearest = cosine.argsort(descending=True)[1 : best + 1]
    return "   ".join(f"{vocabulary[i]} {cosine[i]:.2f}" for i in nearest)


toy_table = nets[5, 0][0].weight.detach()
for word in ("cat", "cats", "sleep", "these"):
    print(f"{word:8} {neighbours(word, toy_table, words['grammar'])}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Nobody told the model that cat and dog are alike: they are followed by the same words. So are sleep and sleeps: after the plural verbs come the singular ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### And on real text?
#
# Neighbours are words that can stand in the same places, whether their meanings agree or not:

# %%
prose_table = prose_net[0].weight.detach()
for word in ("may", "returns", "two", "string", "dictionary"):
    print(f"{word:8} {neighbours(word, prose_table, words['prose'])}")

# %% [markdown] slideshow={"slide_type": "notes"}
# May has found the other modal verbs. Numbers fare worse. Rare words have poor vectors: they were trained a few times only.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A map of the grammar
#
# **Principal components:** the two directions in which the vectors differ most; the 43 words that have a word class.

# %% slideshow={"slide_type": "skip"}
CLASSES = {
    "Ns": "noun, singular", "Np": "noun, plural", "Vis": "verb alone, singular", "Vip": "verb alone, plural",
    "Vts": "verb + object, singular", "Vtp": "verb + object, plural", "Dets": "determiner", "Detp": "determiner",
    "Adj": "adjective", "Adv": "adverb", "P": "preposition",
}  # fmt: skip
word_class = {word: name for symbol, name in CLASSES.items() for _, (word,) in grammar.rules[symbol]}


def principal_components(vectors):
    """Coordinates (N, 2) of vectors (N, E) along the two directions of largest variance, and its share."""
    centred = vectors - vectors.mean(axis=0)
    _, stretch, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T, (stretch[:2] ** 2).sum() / (stretch**2).sum()


def plot_map(vectors, labels):
    """Draw word vectors (N, E) on their two principal components, coloured by word class."""
    places, share = principal_components(vectors)
    fig, ax = plt.subplots(figsize=(8.6, 4.0))
    for i, name in enumerate(dict.fromkeys(CLASSES.values())):
        chosen = [row for row, word in enumerate(labels) if word_class[word] == name]
        members = " ".join(labels[row] for row in chosen)
        ax.plot(*places[chosen].T, "osD^vP*X<>"[i], color=plt.cm.tab10(i), label=f"{name}\n{members}", alpha=0.8)
    ax.set(xlabel="first component", ylabel="second component", title=f"{share:.0%} of the variance")
    ax.legend(bbox_to_anchor=(1, 1.08), loc="upper left", fontsize=9, labelspacing=0.25)
    return fig

# %% tags=["output-only"]
labels = [word for word in words["grammar"] if word in word_class]
vectors = np.array([toy_table[ids["grammar"][word]].numpy() for word in labels])
show(plot_map(vectors, labels), "Trained only to predict the next word, the vectors have sorted themselves by word class.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Let the room name the clusters before opening the legend. The map shows two of sixteen dimensions; the next slide measures in all of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is that real? Measure it
#
# **Nearest-neighbour purity:** how often is a word's nearest neighbour of its own class? **Silhouette:** 1 if classes are tight and far apart, 0 if they overlap, negative if mixed. Both by the cosine, in all dimensions, against random vectors.

# %%
def purity(vectors, labels):
    """The share of words whose nearest neighbour, by the cosine, has the same class."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T - 2 * np.eye(len(unit))  # no word is its own neighbour
    nearest = zip(labels, cosine.argmax(axis=1))
    return np.mean([word_class[word] == word_class[labels[i]] for word, i in nearest])


print(f"{purity(vectors, labels):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Purity looks at one neighbour, silhouette at all distances. Ask what a random table would score.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Against random vectors

# %%
classes = [word_class[word] for word in labels]
rows = [ids["grammar"][word] for word in labels]
rng = np.random.default_rng(0)
measured = {
    "trained, three seeds": [nets[5, seed][0].weight.detach().numpy()[rows] for seed in SEEDS],
    "random, ten draws": [rng.normal(size=vectors.shape) for _ in range(10)],
}
for name, tables in measured.items():
    pure = [purity(table, labels) for table in tables]
    tight = [silhouette_score(table, classes, metric="cosine") for table in tables]
    print(f"{name:22}  purity {np.mean(pure):.2f} ± {np.std(pure, ddof=1):.2f}", end="")
    print(f"   silhouette {np.mean(tight):5.2f} ± {np.std(tight, ddof=1):.2f}")

# %% tags=["nbval-check-output"]
trained, untrained = (np.mean([purity(t, labels) for t in tables]) for tables in measured.values())
print("trained vectors are at least twice as pure as random ones:", trained > 2 * untrained)

# %% [markdown] slideshow={"slide_type": "notes"}
# Without the random baseline a purity means nothing: with ten classes of unequal size chance is not zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Type, and compare
#
# The five likeliest next words after a text, by counting and by the network. (UNK is left out.)

# %% slideshow={"slide_type": "skip"}
def known(text):
    """The words of a text as the models read them: lower case, unknown words as UNK."""
    return [word if word in number else UNK for word in tokenize(text)]


def likeliest(text, best=5):
    """For both models of order 5, the likeliest next words of the prose and their probabilities."""
    history = known(text)
    with torch.no_grad():
        context = torch.tensor([[number[word] for word in context_of(history, 5)]])
        by_net = torch.softmax(prose_net(context), dim=1)[0].tolist()
    by_count = [prose_kn(word, history) for word in words["prose"][:V]]
    unk = number[UNK]
    for name, p in {"Kneser–Ney": by_count, "window": by_net}.items():
        order = sorted((i for i in range(V) if i != unk), key=lambda i: -p[i])[:best]
        yield name, [words["prose"][i] for i in order], [p[i] for i in order]


def plot_likeliest(text):
    """Draw the likeliest next words after a text, one panel a model."""
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.0))
    for ax, (name, best, p), color in zip(axes, likeliest(text), ("ngram", "window")):
        bars = ax.barh([word.replace(EOS, "(end)") for word in best[::-1]], p[::-1], color=COLOR[color])
        ax.bar_label(bars, fmt="%.2f", padding=3)
        ax.set(title=name, xlabel="$p(w \\mid h)$", xlim=(0, 1.1))
        ax.grid(axis="y", visible=False)
    return fig

# %% tags=["output-only"]
show(plot_likeliest("return the length of"), "The five likeliest words after “return the length of”, by counting and by the network.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Try a phrase from the documentation, then the same phrase with one word exchanged for a similar one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Try it
#
# Type a text, and press Enter.

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(text=Text("return the width of", description="text", continuous_update=False))
def typing_for_both(text):
    """Show the likeliest next words by both models while the text changes."""
    text = normalize("NFC", text)
    show(plot_likeliest(text), f"The likeliest words after: {' '.join(known(text)) or '(the beginning)'}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Unknown words are read as UNK, the caption shows it. Good inputs: "if the file", "if the directory", "returns a new".

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The window's edge
#
# Verbs of the grammar agree with their subject. Push the verb away from it, from distance 4 on with a noun of the *other* number in between (at 7 a whole clause), and ask each model: singular or plural?

# %% tags=["export"]
SINGULAR = ["cat", "dog", "child", "teacher", "robot", "poet"]
PLURAL = ["cats", "dogs", "children", "teachers", "robots", "poets"]
BETWEEN = {  # words between subject and verb: "the cats … sleep"
    0: "", 1: "that", 3: "near the {}", 4: "near the small {}", 5: "near the small red {}",
    6: "that the happy young {} {}",
}  # fmt: skip


def agreement_tests(distance):
    """Histories after which a verb must come, and whether it must be plural."""
    for subjects, others, is_plural in ((SINGULAR, PLURAL, False), (PLURAL, SINGULAR, True)):
        for subject, other in zip(subjects, others[1:] + others[:1]):
            between = BETWEEN[distance - 1].format(other, "sees" if is_plural else "see")
            yield f"the {subject} {between}".split(), is_plural

# %% tags=["output-only"]
" ".join(list(agreement_tests(distance=7))[6][0])

# %% [markdown] slideshow={"slide_type": "notes"}
# The distance counts how many tokens back the subject stands: at distance 1 it is the last word.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Who agrees?
#
# Verbs must come next; how is their probability shared between singular and plural?

# %% tags=["export"]
def verbs_of(grammar):
    """The verbs of the grammar by number, {True: plural ones, False: singular ones}."""
    return {
        plural: [word for symbol in symbols for _, (word,) in grammar.rules[symbol]]
        for plural, symbols in {True: ("Vip", "Vtp"), False: ("Vis", "Vts")}.items()
    }


def agreement(p, verbs, distance):
    """The share of the verbs' probability that falls on the right number, averaged over the tests."""
    shares = []
    for history, is_plural in agreement_tests(distance):
        mass = {plural: sum(p(verb, history) for verb in verbs[plural]) for plural in verbs}
        shares.append(mass[is_plural] / (mass[True] + mass[False]))
    return np.mean(shares)

# %% slideshow={"slide_type": "skip"}
verbs = verbs_of(grammar)
distances = [between + 1 for between in BETWEEN]
models = {f"window, n = {n}": window_function(nets[n, 0], n, ids["grammar"]) for n in (3, 5, 7)}
models["Kneser–Ney, n = 5"] = toy_kn
cliff = {name: [agreement(p, verbs, distance) for distance in distances] for name, p in models.items()}

# %% [markdown] slideshow={"slide_type": "notes"}
# The tests of distance 7 end in a clause, “that the happy young dog sees”; the grammar has no phrase of this kind for distance 3. A window model of order n sees n minus one words. Take bets: at which distance does each line fall?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A cliff

# %% slideshow={"slide_type": "skip"}
def plot_cliff():
    """Draw the agreement of each model against the distance of the subject."""
    fig, ax = plt.subplots()
    for (name, shares), mark in zip(cliff.items(), ("^--", "s-.", "D-", "o:")):
        color = COLOR["ngram" if "Kneser" in name else "window"]
        ax.plot(distances, shares, mark, color=color, label=name)
    ax.axhline(0.5, color=COLOR["baseline"], lw=1)
    ax.annotate("a coin", (7.4, 0.5), va="bottom", ha="right", color=COLOR["baseline"])
    ax.set(xlabel="distance from subject to verb (tokens)", ylabel="right number, share of $p$", xticks=distances)
    ax.set(ylim=(-0.03, 1.05), xlim=(0.8, 7.5))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig

# %% tags=["topic-A8", "output-only"]
show(plot_cliff(), "A window model agrees with a subject inside its window of n − 1 words; outside, it does worse than a coin.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
at = {name: dict(zip(distances, shares)) for name, shares in cliff.items()}
print("n = 5 agrees at distance 4, in its window:  ", at["window, n = 5"][4] > 0.8)
print("n = 5 is worse than a coin at distance 5:   ", at["window, n = 5"][5] < 0.5)
print("n = 7 still agrees there, and fails at 7:   ", at["window, n = 7"][5] > 0.8 > 0.5 > at["window, n = 7"][7])

# %% [markdown] slideshow={"slide_type": "notes"}
# Kneser–Ney of order 5 sees the subject at distance 4 as well, but has hardly ever counted that very context: sparsity bites before the window does. Beyond the window every model trusts the nearest noun; at distance 7 the clause before the verb itself ends in a verb, and they are nearly at a loss. With n = 3 even distance 1 is not sure: after “the cats” it cannot know whether the cats are the subject. How long must a window be? No length is enough; notebook 3 has another idea.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - Log-linear models, under any of their names: a score that is linear in features, and a softmax.
# - A network with word vectors, its gradient by hand, and three oracles that confirm it.
# - Numbers to beat: on the grammar the window model gets much nearer to the floor than counting; on prose it is about as good as Kneser–Ney, and their mixture beats both.
# - A cure for unseen contexts, and none for the window's edge.
#
# **Next:** notebook 3 replaces the window by a state that one cell updates word by word.

# %% [markdown] slideshow={"slide_type": "notes"}
# Keep two pictures: the map, and the cliff. The next lecture starts at the cliff.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin: *A neural probabilistic language model.* Journal of Machine Learning Research 3, 2003.
# - A. L. Berger, S. A. Della Pietra, V. J. Della Pietra: *A maximum entropy approach to natural language processing.* Computational Linguistics 22, 1996.
# - R. Rosenfeld: *A maximum entropy approach to adaptive statistical language modelling.* Computer Speech & Language 10, 1996.
# - J. A. Nelder, R. W. M. Wedderburn: *Generalized linear models.* Journal of the Royal Statistical Society A 135, 1972.
# - A. Y. Ng, M. I. Jordan: *On discriminative vs. generative classifiers.* NIPS 14, 2001.
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams: *Learning representations by back-propagating errors.* Nature 323, 1986.

# %% [markdown] slideshow={"slide_type": "notes"}
# Bengio and colleagues is the paper to read: the window model, its word vectors and its mixture with an n-gram are all there.
