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
#     corpora: [surnames]
#     run: 1
#     over:
#       pictures: {most: 6, why: "to be recut with its lecture"}
#       slide_lines: {most: 15, why: "to be recut with its lecture"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 3 · Surnames: when one class is half of the data
#
# > Half of these surnames are Russian. A classifier that has learned nothing else is right every second time.
#
# **You will** train notebook 3's name classifier on a well-known list, see why accuracy alone misleads, and trade it against fairness to small classes.<br>
# **You need** notebook 3, and a connection: 18 small files (0.2 MB) are downloaded once.<br>
# **Time** {minutes} min; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# This list has been used in tutorials for years. Most of them report accuracy on names that were also in training.

# %% slideshow={"slide_type": "skip"}
import random
import unicodedata
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, setup, show  # not found? Open it in the folder of the course
from course_utils.data import fetch_corpus
from course_utils.taught.vanilla_rnn import NameRNN, marked, name_batches, to_tensors  # derived in notebook 3

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | meaning |
# |---|---|---|
# | $N$, $N_k$ | `len(train)`, `frequency` | number of training names, and of those of language $k$ |
# | $u_k = N / (18\, N_k)$ | `balanced` | weight of language $k$ in the loss; 1 if all are equally frequent |
# | accuracy | | share of right names |
# | macro-averaged recall | `balanced_accuracy_score` | mean over languages of the share of right names in each |

# %% [markdown] slideshow={"slide_type": "notes"}
# Macro-averaged recall asks: how good is it for a language drawn at random? Always answering Russian scores one eighteenth.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The list
#
# One file a language. The same name occurs many times in some files, and several languages share some names: a split by line would leak. So each *distinct name* goes to one part, with all its languages.

# %%
folder = fetch_corpus("surnames")
languages_of = {}
for path in sorted(folder.glob("*.txt")):
    for line in path.read_text("utf-8").splitlines():
        name = unicodedata.normalize("NFC", line.strip())
        languages_of.setdefault(name, set()).add(path.stem)

shared = np.mean([len(languages) > 1 for languages in languages_of.values()])
print(f"{len(languages_of):,} distinct names, {shared:.1%} of them in several languages")

# %% [markdown] slideshow={"slide_type": "notes"}
# A name that two languages share can be right in one of them only: no classifier reaches 100 %.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training, and test
#
# Nine tenths for training, one for the test; nothing is tuned here, so there is no validation part.

# %%
distinct = sorted(languages_of)
random.Random(0).shuffle(distinct)
cut = int(0.9 * len(distinct))
train, test = (
    [(name, language) for name in part for language in sorted(languages_of[name])]
    for part in (distinct[:cut], distinct[cut:])
)
LANGUAGES = sorted({language for _, language in train})
len(train), len(test), len(LANGUAGES)

# %% [markdown] slideshow={"slide_type": "notes"}
# Had we split by line, a name that occurs twenty times would be in training and in the test.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How many of each?
#
# Training names by language; note the logarithmic axis.

# %% slideshow={"slide_type": "skip"}
frequency = Counter(language for _, language in train)


def plot_frequencies():
    """Draw the number of training names of each language."""
    names, counts = zip(*frequency.most_common())
    fig, ax = plt.subplots()
    bars = ax.bar(names, counts, color=COLOR["input"])
    ax.bar_label(bars, fontsize=10)
    ax.set(ylabel="training names", yscale="log")
    ax.tick_params(axis="x", rotation=60)
    ax.grid(axis="x", visible=False)
    return fig

# %% tags=["output-only"]
show(plot_frequencies(), "Russian has a hundred times as many names as Vietnamese (logarithmic axis).")

# %% [markdown] slideshow={"slide_type": "notes"}
# After removing repeated lines; before that, Arabic has two thousand lines with about a hundred different names.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two baselines, two yardsticks

# %%
def report(name, guesses, truth):
    """Print accuracy and macro-averaged recall."""
    accuracy = np.mean(np.array(guesses) == np.array(truth))
    print(f"{name:26} accuracy {accuracy:4.0%}   macro-averaged recall {balanced_accuracy_score(truth, guesses):4.0%}")


truth = marked(test)[1]
report("always Russian", ["Russian"] * len(test), truth)

# %%
counter = CountVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False)
bayes = make_pipeline(counter, MultinomialNB(alpha=0.3)).fit(*marked(train))
report("naïve Bayes, 3-grams", bayes.predict(marked(test)[0]), truth)

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the first line twice: half right, having read no name at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The RNN of notebook 3
#
# With one addition: a weight for each language in the loss, $-u_k \log \hat y_k$.

# %% [markdown] slideshow={"slide_type": "notes"}
# The model, the batches and the tensors are notebook 3's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Names as tensors
#
# Characters become numbers, languages too; what the test names hold beyond the training characters is read as 0.

# %%
character_number = {c: number for number, c in enumerate(sorted({c for name, _ in train for c in name}), start=1)}
x, length, y = to_tensors(train, character_number, LANGUAGES)
test_x, test_length, _ = to_tensors(test, character_number, LANGUAGES)
f"{len(character_number)} characters, longest name {x.shape[1]}"

# %% [markdown] slideshow={"slide_type": "notes"}
# Nothing new so far.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training with weights
#
# One function trains a network from a random start and returns its answers to the test names. Where the weight of a language is large, so is the gradient of its names.

# %%
def fitted(weight, seed, epochs=5, B=128, lr=3e-3):
    """A NameRNN's answers to the test names, trained with these weights of the languages."""
    torch.manual_seed(seed)
    model = NameRNN(len(character_number) + 1, E=64, H=128, out=len(LANGUAGES))
    optimizer = torch.optim.Adam(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * -(-len(y) // B))
    for rows in (rows for _ in range(epochs) for rows in name_batches(length, B)):
        optimizer.zero_grad()
        scores = model(x[rows, : length[rows].max()], length[rows])
        cross_entropy(scores, y[rows], weight).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return [LANGUAGES[k] for k in model(test_x, test_length).argmax(dim=1)]

# %% [markdown] slideshow={"slide_type": "notes"}
# The hyperparameters are those of notebook 3 with fewer passes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Plain, and balanced
#
# Weights $u_k$ make mistakes more expensive, the rarer the language is. Full balance, and its square root, a compromise; two seeds each:

# %%
balanced = torch.tensor([len(train) / (len(LANGUAGES) * frequency[language]) for language in LANGUAGES])
{language: round(balanced[LANGUAGES.index(language)].item(), 2) for language in ("Russian", "Vietnamese")}

# %%
weights = {"plain": None, "root of balanced": balanced.sqrt(), "balanced": balanced}
guesses = {(name, seed): fitted(weight, seed) for name, weight in weights.items() for seed in (0, 1)}
for (name, seed), guess in guesses.items():
    report(f"{name}, seed {seed}", guess, truth)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
by_plain, by_balanced = (np.array([guesses[name, seed] for seed in (0, 1)]) for name in ("plain", "balanced"))
truths = np.array(truth)
macro = [[balanced_accuracy_score(truth, guess) for guess in pair] for pair in (by_plain, by_balanced)]
print("balanced weights raise macro-averaged recall:", max(macro[0]) < min(macro[1]))
print("and cost accuracy:                           ", (by_balanced == truths).mean() < (by_plain == truths).mean())

# %% [markdown] slideshow={"slide_type": "notes"}
# Among the RNNs that depends on what it is for; choose the yardstick before looking. Naïve Bayes, unweighted, is about as good as the balanced RNN in macro-averaged recall, and better than all of them in accuracy: weights are no substitute for a better model.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Language by language
#
# From the most frequent to the rarest: who gains, who pays? The share of right test names for each, from the first of the two seeds.

# %% slideshow={"slide_type": "skip"}
def plot_recalls():
    """Draw the share of right names of each language, plain and balanced, the most frequent language first."""
    fig, ax = plt.subplots()
    order = [language for language, _ in frequency.most_common()]
    for dx, name, color in ((-0.2, "plain", "rnn"), (0.2, "balanced", "gate")):
        hits = np.array(guesses[name, 0]) == truths
        ax.bar(np.arange(18) + dx, [100 * hits[truths == k].mean() for k in order], 0.38, color=COLOR[color], label=name)
    ax.set_xticks(range(18), labels=order, rotation=60)
    ax.set(ylabel="right test names (%)", ylim=(0, 118))
    ax.legend(ncols=2, loc="upper right")
    ax.grid(axis="x", visible=False)
    return fig

# %% tags=["output-only"]
show(plot_recalls(), "Balanced weights help most of the rarer languages, at the expense of the frequent ones on the left.")

# %% [markdown] slideshow={"slide_type": "notes"}
# The rarest languages have fewer than a dozen test names: their bars jump by ten per cent with a single name.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - A reason to print macro-averaged recall beside accuracy whenever classes differ in size.
# - A weighted loss, and what it costs; counting trigrams, unweighted, still does as well or better.
# - A split that does not leak: by distinct name, not by line.
#
# **Next:** on to notebook 4, where the gradient shows why the RNN forgets the beginning of a name.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask which of the two models an immigration office should use. The best answer is neither: a surname is no evidence of where a person comes from.
