"""Kneser–Ney on tiny Shakespeare: notebook 01's vectorised version beside NLTK's."""

import random
import sys
import time

import numpy as np
from nltk.lm import KneserNeyInterpolated

from course_utils.data import CorpusError, fetch_corpus, tokenize
from course_utils.taught.ngram_lm import (
    BOS,
    EOS,
    ngrams,
    packed_kneser_ney,
    packed_score,
    replace_rare,
    to_ids,
    vocabulary,
)

ORDERS = (2, 3, 4, 5)
DISCOUNT = 0.75
REPEATS = 5
NLTK_SECONDS = 5.0  # NLTK scores a random sample of tokens for so long, at each order


def shakespeare():
    """Lines of tiny Shakespeare as lists of tokens, the first 90 % and the rest; rare words are UNK."""
    text = (fetch_corpus("tiny_shakespeare") / "input.txt").read_text("utf-8")
    lines = [tokenize(line) for line in text.splitlines() if line.strip()]
    cut = int(0.9 * len(lines))
    splits = replace_rare({"train": lines[:cut], "test": lines[cut:]}, min_count=2)
    return splits["train"], splits["test"]


def seconds(function):
    """The result of a call and the seconds that it took."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def best(function, repeats=REPEATS):
    """The result of a call and the fewest seconds that it took in some repeats."""
    runs = [seconds(function) for _ in range(repeats)]
    return runs[0][0], min(taken for _, taken in runs)


def ours(train, test, n):
    """Probabilities of the test tokens; seconds to fit from token ids, and to score."""
    ids = {token: number for number, token in enumerate([BOS, *sorted(vocabulary(train))])}
    x, predicted = to_ids(train, ids, n)
    y, scored = to_ids(test, ids, n)
    levels, fit = best(lambda: packed_kneser_ney(x, predicted, n, len(ids), DISCOUNT))
    q, score = best(lambda: packed_score(levels, y, len(ids)))
    return q[scored], fit, score


def nltks(train, test, n, seed=0):
    """Sampled places and their probabilities; seconds to fit on all, and to score one token of the sample."""
    grams = [[gram[n - 1 - m :] for gram in ngrams(line, n) for m in range(n)] for line in train]
    model = KneserNeyInterpolated(n, discount=DISCOUNT)
    words = [token for line in train for token in (BOS, *line, EOS)]
    _, fit = seconds(lambda: model.fit(grams, vocabulary_text=words))
    places = [gram for line in test for gram in ngrams(line, n)]
    chosen, found = random.Random(seed).sample(range(len(places)), len(places)), []
    start = time.perf_counter()
    while len(found) < len(chosen) and time.perf_counter() - start < NLTK_SECONDS:
        *context, word = places[chosen[len(found)]]
        found.append(model.unmasked_score(word, tuple(context)))
    return chosen[: len(found)], found, fit, (time.perf_counter() - start) / len(found)


def main():
    try:
        train, test = shakespeare()
    except CorpusError as error:
        sys.exit(str(error))
    tokens = [sum(len(line) + 1 for line in lines) for lines in (train, test)]
    print(f"Interpolated Kneser-Ney on tiny Shakespeare: {tokens[0]:,} tokens fitted, {tokens[1]:,} scored.")
    print(f"Notebook 01: best of {REPEATS}, all tokens. NLTK: fitted once on all tokens; scored on a random sample")
    print(f"for {NLTK_SECONDS:.0f} s, and its seconds for all tokens extrapolated (~) from that.\n")
    print("        fit                            score                           largest relative")
    print("order   01       NLTK      ratio       01       NLTK       ratio       difference    on tokens")
    for n in ORDERS:
        q, fit, score = ours(train, test, n)
        chosen, reference, nltk_fit, nltk_token = nltks(train, test, n)
        difference = np.max(np.abs(q[chosen] / reference - 1))
        nltk_score = nltk_token * len(q)
        print(
            f"{n:<7} {1000 * fit:3.0f} ms  {nltk_fit:5.1f} s  {nltk_fit / fit:7,.0f}     "
            f"{1000 * score:4.1f} ms  ~{nltk_score:6,.0f} s  ~{nltk_score / score:8,.0f}     "
            f"{difference:10.0e}  {len(chosen):11,}",
            flush=True,
        )


if __name__ == "__main__":
    main()
