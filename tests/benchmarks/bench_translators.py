"""The three translators of notebook 07 on number words: exact match by length of the source, with equal parameters."""

import random
import statistics
from functools import partial

import torch

from course_utils.taught.seq2seq import (
    PAD,
    Attentive,
    Dot,
    Translator,
    build_vocab,
    draw_numbers,
    english,
    exact_match,
    german,
    greedy,
    pad_batch,
    train_translator,
)
from publish.taught import taught_in
from tests.benchmarks.bench_networks import SEEDS, spread
from tests.benchmarks.bench_ngram import seconds

# As in the notebook: units for nearly equal numbers of parameters, steps for about equal seconds.
MODELS = {"v": (102, 250), "dot": (96, 200), "additive": (88, 100)}
GROUPS = {"2–6": (2, 6), "7–9": (7, 9), "10–12": (10, 12), "13–14": (13, 14), "15–17": (15, 17)}


class Numbers:
    """The notebook's numbers as rows: for training, held out, and held out below a million."""

    def __init__(self, taught):
        numbers = draw_numbers(21_000, seed=0)
        self.taught, self.train, self.test = taught, numbers[:20_000], numbers[20_000:]
        known = set(self.train)
        self.below = [n for n in random.Random(1).sample(range(10**6), 1100) if n not in known][:1000]
        spellings = english, german
        self.sides = [(spell, build_vocab(map(spell, self.train))) for spell in spellings]

    def rows(self, numbers):
        return [pad_batch(map(spell, numbers), number) for spell, number in self.sides]

    def new(self, name):
        V_x, V_y = (len(number) + 3 for _, number in self.sides)
        H = MODELS[name][0]
        if name == "v":
            return Translator(V_x, V_y, 32, H)
        score = Dot() if name == "dot" else self.taught.Additive(H)
        return Attentive(V_x, V_y, 32, H, score)


def table(taught, seeds=SEEDS, share=1.0, lr=0.02):
    """Exact match in per cent, mean ± sd over the starts; `share` of the steps, to try it quickly."""
    numbers = Numbers(taught)
    x, y = numbers.rows(numbers.test)
    words = (x != PAD).sum(dim=1) - 1
    print(f"\nNumber words, exact match in %, 1,000 held out, starts {list(seeds)}, learning rate {lr}, mean ± sd")
    headings = ["all", "below 10⁶", *(f"{group} words" for group in GROUPS)]
    print("\n" + " " * 10 + "".join(f"{heading:>14}" for heading in headings) + "   training")
    for name, (_, steps) in MODELS.items():
        results, taken = [], []
        for seed in seeds:
            torch.manual_seed(seed)
            model = numbers.new(name)
            rows = numbers.rows(numbers.train)
            fit = partial(train_translator, model, *rows, seed, int(share * steps), lr=lr)
            taken.append(seconds(fit)[1])
            right = exact_match(greedy(model, x, 30), y).double()
            below_x, below_y = numbers.rows(numbers.below)
            below = exact_match(greedy(model, below_x, 30), below_y).double()
            groups = [right[(words >= low) & (words <= high)] for low, high in GROUPS.values()]
            results.append([100 * part.mean().item() for part in (right, below, *groups)])
        cells = "".join(f"{spread(column, '.1f'):>14}" for column in zip(*results))
        print(f"{name:10}{cells}{statistics.mean(taken):9.1f} s", flush=True)


def main():
    torch.set_num_threads(1)
    table(taught_in("07_seq2seq"))


if __name__ == "__main__":
    main()
