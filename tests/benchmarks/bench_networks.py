"""The networks of notebooks 02 and 03, with several starts, beside counting: perplexity, accuracy, seconds."""

import math
import statistics
from functools import partial

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score

from course_utils.taught.fixed_window_lm import log_probs, train, window_model, windows
from course_utils.taught.ngram_lm import (
    BOS,
    count_ngrams,
    estimate_discount,
    kneser_ney,
    perplexity,
    replace_rare,
    token_probs,
    vocabulary,
)
from course_utils.taught.vanilla_rnn import (
    NameRNN,
    marked,
    parameter_count,
    stream,
    stream_perplexity,
    to_tensors,
    train_names,
)
from publish.taught import taught_in
from tests.benchmarks.bench_ngram import seconds

SEEDS = (0, 1, 2)


def spread(values, form=".2f"):
    """Mean ± standard deviation as text."""
    return f"{statistics.mean(values):{form}} ± {statistics.stdev(values):{form}}"


def numbered(splits):
    """The numbers of the words of the training part, those that can be predicted first, BOS last."""
    words = [*sorted(vocabulary(splits["train"])), BOS]
    return {word: number for number, word in enumerate(words)}


def count_model(splits, n):
    counts = count_ngrams(splits["train"], n)
    return kneser_ney(counts, n, estimate_discount(counts))


def perplexity_of(log_p):
    return math.exp(-log_p.mean())


class Corpus:
    """A corpus, its numbers, and what trains and scores the taught networks on it."""

    def __init__(self, taught, splits):
        self.taught, self.splits, self.number = taught, splits, numbered(splits)
        self.V = len(self.number) - 1

    def window(self, seed, n, E, H, **settings):
        """A trained window model and the seconds of its training."""
        data = windows(self.splits["train"], n, self.number)
        torch.manual_seed(seed)
        model = window_model(self.V, E, H, n)
        return seconds(lambda: train(model, *data, **settings))

    def window_log_p(self, model, n, part="test"):
        return log_probs(model, *windows(self.splits[part], n, self.number)).double().numpy()

    def rnn(self, seed, E, H, **settings):
        """A trained recurrent model and the seconds of its training."""
        ids = stream(self.splits["train"], self.number)
        torch.manual_seed(seed)
        model = self.taught.RNNLM(self.V, E, H)
        return seconds(lambda: self.taught.train_lm(model, ids, **settings))

    def rnn_perplexity(self, model):
        return stream_perplexity(model, stream(self.splits["test"], self.number))


def row(name, models, taken, values):
    size = parameter_count(models[0])
    print(f"{name:28}{spread(values):>16}{size:12,}{statistics.mean(taken):10.1f} s", flush=True)


def grammar_table(taught):
    """Test perplexity on the grammar of window models of several orders and of the RNN."""
    grammar = taught.load_grammar("english")
    sampled = grammar.sample(12_000, seed=0)
    corpus = Corpus(taught, replace_rare({"train": sampled[:10_000], "test": sampled[11_000:]}, min_count=1))
    kn = perplexity(count_model(corpus.splits, 5), corpus.splits["test"])
    settings = {"epochs": 4, "lr": 0.02, "weight_decay": 0.01}
    print(f"Grammar, test perplexity per token, starts {SEEDS}: E 16, H 64, {settings}")
    print(f"uniform {corpus.V}, Kneser-Ney n = 5 {kn:.2f}, floor {grammar.optimal_perplexity():.2f}\n")
    print(f"{'':28}{'mean ± sd':>16}{'parameters':>12}{'training':>12}")
    for n in (2, 3, 5, 6, 7):
        models, taken = zip(*(corpus.window(seed, n, 16, 64, batch=512, **settings) for seed in SEEDS))
        values = [perplexity_of(corpus.window_log_p(model, n)) for model in models]
        row(f"window, n = {n}", models, taken, values)
    models, taken = zip(*(corpus.rnn(seed, 16, 64, B=64, T=16, **settings) for seed in SEEDS))
    row("RNN, B 64, T 16", models, taken, [corpus.rnn_perplexity(model) for model in models])


def mixed(log_p, by_count, lam):
    return np.log(lam * np.exp(log_p) + (1 - lam) * np.exp(by_count))


def prose_table(taught, n=5):
    """Test perplexity on the prose of window model, RNN and the mixture of window model and Kneser-Ney."""
    corpus = Corpus(taught, replace_rare(taught.load_prose(seed=0)._asdict(), min_count=2))
    kn = count_model(corpus.splits, n)
    by_count = {
        part: np.log([q for sentence in corpus.splits[part] for q in token_probs(kn, sentence)])
        for part in ("validation", "test")
    }
    print(f"\nProse, test perplexity per token, starts {SEEDS}: E 64, H 64, weight decay 0.3")
    print(f"uniform {corpus.V}, Kneser-Ney n = {n} {perplexity_of(by_count['test']):.1f}, floor unknown\n")
    print(f"{'':28}{'mean ± sd':>16}{'parameters':>12}{'training':>12}")
    for epochs in (1, 2):
        settings = {"batch": 512, "epochs": epochs, "lr": 0.03, "weight_decay": 0.3}
        models, taken = zip(*(corpus.window(seed, n, 64, 64, **settings) for seed in SEEDS))
        tests = [corpus.window_log_p(model, n) for model in models]
        row(f"window, n = {n}, epochs {epochs}", models, taken, [perplexity_of(log_p) for log_p in tests])
    chosen = []
    for model, test in zip(models, tests):
        validation = corpus.window_log_p(model, n, "validation")
        lam = max(np.arange(0.05, 1, 0.05), key=lambda lam: mixed(validation, by_count["validation"], lam).mean())
        chosen.append((perplexity_of(mixed(test, by_count["test"], lam)), lam))
    lams = ", ".join(f"{lam:.2f}" for _, lam in chosen)
    print(f"{'  and Kneser-Ney, mixed':28}{spread([value for value, _ in chosen]):>16}    λ = {lams}", flush=True)
    for epochs in (1, 2, 4):
        settings = {"B": 16, "T": 8, "epochs": epochs, "lr": 0.01, "weight_decay": 0.3}
        models, taken = zip(*(corpus.rnn(seed, 64, 64, **settings) for seed in SEEDS))
        values = [corpus.rnn_perplexity(model) for model in models]
        row(f"RNN, B 16, T 8, epochs {epochs}", models, taken, values)


def naive_bayes(taught):
    """Naïve Bayes on character n-grams, and its n and smoothing, which are chosen on validation names."""
    settings = [(n, alpha) for n in (2, 3, 4) for alpha in (0.1, 0.3)]
    validation = marked(taught.names.validation)
    best = max(settings, key=lambda setting: taught.naive_bayes(*setting).score(*validation))
    return taught.naive_bayes(*best), best


def name_row(taught, name, guess, taken):
    truth = taught.tensors["test"][2].numpy()
    accuracy, macro = np.mean(guess == truth), balanced_accuracy_score(truth, guess)
    print(f"{name:36}{accuracy:10.1%}{macro:12.1%}{taken:10.1f} s", flush=True)


def on_split(taught, split, seeds):
    """Rows of the table of names for one split: naïve Bayes, and NameRNN from several starts."""
    names = taught.names = taught.load_names(seed=split)
    taught.LANGUAGES = sorted({language for _, language in names.train})
    characters = sorted({character for name, _ in names.train for character in name})
    number = {character: number for number, character in enumerate(characters, start=1)}
    taught.tensors = {part: to_tensors(pairs, number, taught.LANGUAGES) for part, pairs in zip(names._fields, names)}
    (bayes, (n, alpha)), taken = seconds(lambda: naive_bayes(taught))
    guess = np.searchsorted(taught.LANGUAGES, bayes.predict(marked(names.test)[0]))
    name_row(taught, f"split {split}, naïve Bayes, n = {n}, α = {alpha}", guess, taken)
    for seed in seeds:
        torch.manual_seed(seed)
        untrained = NameRNN(len(characters) + 1, E=64, H=128, out=len(taught.LANGUAGES))
        model, taken = seconds(partial(train_names, untrained, *taught.tensors["train"]))
        name_row(taught, f"split {split}, RNN, start {seed}", taught.predicted(model, "test").numpy(), taken)


def names_table(taught):
    """Test accuracy of NameRNN and of naïve Bayes on several splits of the names."""
    print("\nNames: test accuracy, and its mean over languages\n")
    print(f"{'':36}{'accuracy':>10}{'languages':>12}{'training':>12}")
    for split, seeds in ((0, SEEDS), (1, (0,)), (2, (0,))):
        on_split(taught, split, seeds)


def speed_table(taught):
    """Training speed for sequences of several lengths."""
    print("\nTraining speed relative to the window model's layer, one thread\n")
    print("   T   taught loop   torch.nn.RNN")
    for T in (4, 16, 64, 256):
        print("{:4}{:14.3f}{:15.3f}".format(T, *taught.relative_speeds(T)), flush=True)


def main():
    torch.set_num_threads(1)
    taught = taught_in("03_vanilla_rnn")
    grammar_table(taught)
    prose_table(taught)
    names_table(taught)
    speed_table(taught)


if __name__ == "__main__":
    main()
