"""A probabilistic grammar: endless simple English whose best possible perplexity is known exactly."""

import math
import random
import tomllib
from functools import cache
from pathlib import Path

import numpy as np


class Grammar:
    """A probabilistic context-free grammar.

    Args:
        rules: dict from a symbol to a list of (weight, symbols) alternatives; weights need not sum to 1.
            A symbol without rules is a word.
        start: the symbol that every sentence grows from.

    Raises:
        ValueError: if a weight is not positive, the start has no rule, or sentences can grow for ever.
    """

    def __init__(self, rules, start="S"):
        if start not in rules:
            raise ValueError(f"the grammar has no rule for its start symbol {start!r}")
        self.start, self.rules = start, {}
        for symbol, alternatives in rules.items():
            total = sum(weight for weight, _ in alternatives)
            if not alternatives or min(weight for weight, _ in alternatives) <= 0:
                raise ValueError(f"the weights of {symbol!r} must be positive numbers: {alternatives}")
            self.rules[symbol] = [(weight / total, list(symbols)) for weight, symbols in alternatives]
        growth = max(abs(np.linalg.eigvals(self._expected_children()[0])))
        if growth >= 1:
            raise ValueError(f"a symbol yields {growth:.2f} new symbols on average: below 1 sentences end surely")

    def sample(self, n, seed=0):
        """Return n sentences, each a list of words, drawn independently; equal seeds give equal sentences."""
        rng = random.Random(seed)
        return [self._expand(rng) for _ in range(n)]

    def entropy(self):
        """Return the entropy of a sentence in nats and its expected number of tokens, end marker included.

        The entropy of a symbol is that of the choice of its rule plus the expected entropy of what the
        rule yields: one linear equation a symbol. The result is that of derivations, hence that of
        sentences where no sentence has two derivations.
        """
        children, words = self._expected_children()
        choice = np.array([sum(-p * math.log(p) for p, _ in rules) for rules in self.rules.values()])
        system = np.eye(len(children)) - children
        i = list(self.rules).index(self.start)
        return float(np.linalg.solve(system, choice)[i]), float(np.linalg.solve(system, words)[i]) + 1

    def optimal_perplexity(self):
        """Return the perplexity that no model can beat: exp(entropy per token), the end marker being a token."""
        nats, tokens = self.entropy()
        return math.exp(nats / tokens)

    def probability(self, sentence):
        """Return the exact probability of a sentence, a list of words: the sum over all its derivations.

        Raises:
            RecursionError: if a symbol can begin with itself (left recursion).
        """

        @cache
        def rest(symbols, t):
            """The probability that the symbols yield all words from number t on."""
            if not symbols:
                return float(t == len(sentence))
            if symbols[0] in self.rules:
                return sum(p * rest((*body, *symbols[1:]), t) for p, body in self.rules[symbols[0]])
            return rest(symbols[1:], t + 1) if sentence[t : t + 1] == [symbols[0]] else 0.0

        return rest((self.start,), 0)

    def perplexity(self, corpus):
        """Return the true model's perplexity per token on sentences; its expectation is `optimal_perplexity`."""
        nats = [-math.log(self.probability(sentence)) for sentence in corpus]
        return math.exp(sum(nats) / sum(len(sentence) + 1 for sentence in corpus))

    def _expand(self, rng):
        sentence, done = [self.start], 0
        while done < len(sentence):
            if sentence[done] in self.rules:
                probabilities, bodies = zip(*self.rules[sentence[done]])
                sentence[done : done + 1] = rng.choices(bodies, probabilities)[0]
            else:
                done += 1
        return sentence

    def _expected_children(self):
        """Expected number of each symbol (S, S) and of words (S,) that one expansion of each symbol yields."""
        rows = self.rules.values()
        children = [[sum(p * body.count(symbol) for p, body in row) for symbol in self.rules] for row in rows]
        words = [sum(p * sum(part not in self.rules for part in body) for p, body in row) for row in rows]
        return np.array(children), np.array(words)


def load_grammar(name="english"):
    """Return a grammar of the course.

    Args:
        name: the stem of a file in `grammars`, in which each alternative reads "weight symbol symbol …".

    Raises:
        FileNotFoundError: if the course has no such grammar.
    """
    rules = tomllib.loads((Path(__file__).with_name("grammars") / f"{name}.toml").read_text("utf-8"))
    return Grammar({name: [(float(w), body) for w, *body in map(str.split, texts)] for name, texts in rules.items()})
