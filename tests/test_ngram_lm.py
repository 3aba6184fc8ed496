"""The taught n-gram models against slow formulas and against NLTK, on small random corpora."""

import math
import random
from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pytest
from nltk.lm import KneserNeyInterpolated

from publish.taught import taught_in

taught = taught_in("01_ngram_lm")
BOS, EOS = taught.BOS, taught.EOS
WORDS = list("abcde")


def random_corpus(seed, size=40, longest=7):
    """Sentences over five words of very different frequency; some are empty, some repeat."""
    rng = random.Random(seed)
    return [rng.choices(WORDS, [8, 4, 2, 1, 1], k=rng.randrange(longest)) for _ in range(size)]


def random_histories(seed, size=30):
    """Histories, also of words that no corpus holds and longer than any sentence."""
    rng = random.Random(seed)
    return [[], *(rng.choices([*WORDS, "new"], k=rng.randrange(1, 12)) for _ in range(size))]


def levels_of(corpus, n):
    return [taught.count_ngrams(corpus, m) for m in range(1, n + 1)]


def models(corpus, n, d=0.7):
    """Every taught model that claims to be a probability, on one corpus."""
    levels, V = levels_of(corpus, n), len(taught.vocabulary(corpus))
    return {
        "add k": taught.add_k(levels[-1], n, 0.3, V),
        "interpolation": taught.ladder(levels, taught.interpolation(0.6)),
        "absolute discounting": taught.ladder(levels, taught.discounting(d)),
        "Kneser-Ney": kneser_ney(corpus, n, d),
        "modified Kneser-Ney": modified_kneser_ney(corpus, n),
    }


def kneser_ney(corpus, n, d):
    return taught.kneser_ney(taught.count_ngrams(corpus, n), n, d)


def modified_kneser_ney(corpus, n):
    return taught.modified_kneser_ney(taught.count_ngrams(corpus, n), n)


def pack_ngrams(corpus, n, d, text):
    """Probabilities of the predicted tokens of a text under the vectorised model of a corpus."""
    ids = {token: number for number, token in enumerate([BOS, *sorted(taught.vocabulary(corpus))])}
    levels = taught.packed_kneser_ney(*taught.to_ids(corpus, ids, n), n, len(ids), d)
    x, predicted = taught.to_ids(text, ids, n)
    return taught.packed_score(levels, x, len(ids))[predicted]


def nltk_model(corpus, n, d):
    """NLTK's model on the n-grams that end at a predicted token, so that BOS is a context and never predicted."""
    padded = [[BOS] * (n - 1) + sentence + [EOS] for sentence in corpus]
    grams = [[tuple(tokens[t - m : t + 1]) for t in range(n - 1, len(tokens)) for m in range(n)] for tokens in padded]
    model = KneserNeyInterpolated(n, discount=d)
    model.fit(grams, vocabulary_text=[token for tokens in padded for token in tokens])
    return model


def nltk_probabilities(model, text, n):
    padded = [[BOS] * (n - 1) + sentence + [EOS] for sentence in text]
    return [
        model.unmasked_score(tokens[t], tuple(tokens[t - n + 1 : t]))
        for tokens in padded
        for t in range(n - 1, len(tokens))
    ]


# --- counting


def test_there_is_one_ngram_for_each_token_to_predict():
    assert taught.ngrams(["a", "b"], 3) == [(BOS, BOS, "a"), (BOS, "a", "b"), ("a", "b", EOS)]
    assert taught.ngrams(["a", "b"], 1) == [("a",), ("b",), (EOS,)]


def test_an_empty_sentence_predicts_its_end_alone():
    assert taught.ngrams([], 4) == [(BOS, BOS, BOS, EOS)]
    assert taught.count_ngrams([[]], 2) == {(BOS,): Counter({EOS: 1})}


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_counts_of_one_order_add_up_to_those_of_the_order_below(n):
    corpus = random_corpus(seed=n)
    counts = taught.count_ngrams(corpus, n)

    assert sum(words.total() for words in counts.values()) == sum(len(sentence) + 1 for sentence in corpus)
    assert all(len(context) == n - 1 and BOS not in words for context, words in counts.items())


@pytest.mark.parametrize("n, history, context", [
    (3, [], (BOS, BOS)), (3, ["a"], (BOS, "a")), (3, ["a", "b", "c"], ("b", "c")), (1, ["a", "b"], ()),
])  # fmt: skip
def test_the_last_tokens_of_a_history_are_padded_with_bos(n, history, context):
    assert taught.context_of(history, n) == context


def test_the_classroom_sentence_has_the_lectures_numbers():
    corpus = [["students", "opened", "their", word] for word in ["books"] * 400 + ["exams"] * 100 + ["x"] * 500]
    p = taught.relative_frequency(corpus, 4)

    assert p("books", ["students", "opened", "their"]) == 0.4
    assert p("exams", ["students", "opened", "their"]) == 0.1
    assert (
        p("exams", ["as", "the", "proctor", "started", "the", "clock", ",", "the", "students", "opened", "their"])
        == 0.1
    )


def test_the_maximum_likelihood_bigram_is_a_ratio_of_counts():
    p = taught.relative_frequency([["a", "b", "a"], ["a"], ["b"]], 2)

    assert (p("a", []), p("b", ["a"]), p(EOS, ["b", "a"]), p("a", ["b"])) == (2 / 3, 1 / 3, 2 / 3, 1 / 2)


def test_a_corpus_of_one_word_has_only_this_word_and_the_end():
    p = kneser_ney([["a"]], 3, 0.5)

    assert p("a", []) + p(EOS, []) == pytest.approx(1)
    assert p("a", []) > 0.5 > p("a", ["a"])


def test_no_bigram_model_gives_its_training_text_more_than_maximum_likelihood():
    corpus = random_corpus(seed=1)
    best = taught.perplexity(taught.relative_frequency(corpus, 2), corpus)

    assert all(taught.perplexity(p, corpus) >= best for p in models(corpus, 2).values())


# --- smoothing


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_add_k_is_its_formula(n, k=0.3):
    corpus = random_corpus(seed=2)
    counts, V = Counter(gram for sentence in corpus for gram in taught.ngrams(sentence, n)), 6
    totals = Counter(gram[:-1] for sentence in corpus for gram in taught.ngrams(sentence, n))
    p = taught.add_k(taught.count_ngrams(corpus, n), n, k, V)

    for history in random_histories(seed=2):
        h = tuple([BOS] * (n - 1) + history)[len(history) :]
        for word in [*WORDS, EOS]:
            assert p(word, history) == pytest.approx((counts[(*h, word)] + k) / (totals[h] + k * V), rel=1e-12)


def slow_estimate(corpus, h, word, combine):
    """The recursive definition, counts taken anew from the corpus for each context."""
    grams = [gram for sentence in corpus for gram in taught.ngrams(sentence, len(h) + 1)]
    after = Counter(gram[-1] for gram in grams if gram[:-1] == h)
    if not h:
        return after[word] / after.total()
    lower = slow_estimate(corpus, h[1:], word, combine)
    return combine(after[word], after.total(), len(after), lower) if after else lower


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("method, combine", [
    ("interpolation", lambda c, total, types, lower: 0.6 * c / total + 0.4 * lower),
    ("absolute discounting", lambda c, total, types, lower: (max(c - 0.7, 0) + 0.7 * types * lower) / total),
])  # fmt: skip
def test_interpolated_models_are_their_recursive_formula(n, method, combine):
    corpus = random_corpus(seed=3, size=25)
    p = models(corpus, n)[method]

    for history in random_histories(seed=3, size=15):
        h = tuple([BOS] * (n - 1) + history)[len(history) :]
        for word in ["a", "e", EOS]:
            assert p(word, history) == pytest.approx(slow_estimate(corpus, h, word, combine), rel=1e-12)


def test_stupid_back_off_multiplies_by_0_4_for_each_step_down():
    score = taught.stupid_back_off(levels_of([["a", "b", "c"], ["c", "a"]], 3))

    assert score("c", ["a", "b"]) == 1
    assert score("a", ["b", "c"]) == pytest.approx(0.4 * 1 / 2)
    assert score("b", ["new", "a"]) == pytest.approx(0.4 * 1 / 2)
    assert score("a", ["a", "b"]) == pytest.approx(0.4 * 0.4 * 2 / 7)
    assert score("new", ["a", "b"]) == 0


def test_the_discount_is_estimated_from_ngrams_seen_once_and_twice():
    assert taught.estimate_discount({("x",): Counter(a=1, b=1, c=1, d=2, e=7)}) == 3 / 5
    assert 0 < taught.estimate_discount({("x",): Counter(a=5)}) < 1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", [4, 5])
def test_conditional_probabilities_sum_to_one_after_any_history(n, seed):
    corpus = random_corpus(seed)
    for name, p in models(corpus, n).items():
        for history in random_histories(seed):
            total = math.fsum(p(word, history) for word in taught.vocabulary(corpus))
            assert total == pytest.approx(1, abs=1e-12), name


def test_the_probabilities_of_all_sentences_sum_to_one_up_to_those_left_out():
    p = kneser_ney([["a", "b"], ["b"], ["a", "a"], []], 3, 0.6)
    enumerated = [list(words) for length in range(11) for words in product("ab", repeat=length)]

    total = math.fsum(math.prod(taught.token_probs(p, sentence)) for sentence in enumerated)

    assert 0.99 < total < 1


# --- Kneser–Ney


def test_continuation_counts_are_numbers_of_different_left_neighbours():
    counts = {("san",): Counter(francisco=40), ("in",): Counter(francisco=2, may=1), ("the",): Counter(cup=3)}

    assert taught.continuation_counts(counts) == {(): Counter(francisco=2, may=1, cup=1)}


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", [6, 7])
@pytest.mark.parametrize("d", [0.1, 0.75])
def test_kneser_ney_equals_nltk_to_1e_9(n, seed, d):
    corpus, text = random_corpus(seed), random_corpus(seed + 100)  # text: with contexts that are new
    reference = nltk_probabilities(nltk_model(corpus, n, d), text, n)
    p = kneser_ney(corpus, n, d)

    ours = [q for sentence in text for q in taught.token_probs(p, sentence)]

    np.testing.assert_allclose(ours, reference, rtol=1e-9, atol=0)
    np.testing.assert_allclose(pack_ngrams(corpus, n, d, text), reference, rtol=1e-9, atol=0)


def slow_continuation_unigram(corpus, word):
    left = {(a, b) for sentence in corpus for a, b in taught.ngrams(sentence, 2)}
    return sum(b == word for _, b in left) / len(left)


def test_the_lowest_level_of_kneser_ney_is_the_share_of_different_bigrams():
    corpus = random_corpus(seed=8)
    p = kneser_ney(corpus, 2, 0.75)

    for word in [*WORDS, EOS]:
        assert p(word, ["new"]) == pytest.approx(slow_continuation_unigram(corpus, word), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size, longest", [(1, 2), (3, 1), (200, 12)])
def test_the_vectorised_model_equals_the_dictionary_one(n, size, longest):
    corpus = [["b", "a"], *random_corpus(9, size, longest)]
    known = sorted(taught.vocabulary(corpus) - {EOS})
    text = [[word for word in sentence if word in known] for sentence in random_corpus(10, 50, 15)]
    p = kneser_ney(corpus, n, 0.6)

    slow = [q for sentence in text for q in taught.token_probs(p, sentence)]

    np.testing.assert_allclose(pack_ngrams(corpus, n, 0.6, text), slow, rtol=1e-9, atol=0)


def test_packed_ngrams_are_numbered_by_what_they_are():
    x = np.array([3, 1, 2, 1, 2, 1])

    keys, grams = taught.number_grams(x, 2, 4)

    assert [len(key) for key in keys] == [1, 3, 4]
    assert grams[2].tolist()[1:] == [grams[2][1], *[grams[2][2], grams[2][3]] * 2]
    assert len(set(grams[2].tolist())) == 4


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("model", [lambda corpus, n: kneser_ney(corpus, n, 0.5), modified_kneser_ney])
def test_a_word_that_was_never_seen_is_refused_with_what_to_do(model, n):
    p = model(random_corpus(1), n)

    with pytest.raises(ValueError, match="'new' was never seen in training: read it as <unk>"):
        taught.perplexity(p, [["a", "new", "b"]])


# --- modified Kneser–Ney


def test_three_discounts_are_estimated_from_ngrams_seen_one_to_four_times():
    counts = {("x",): Counter(a=1, b=1, c=1, d=1, e=2, f=2), ("y",): Counter(a=3, b=4, c=4, d=9)}

    d_1, d_2, d_3 = taught.estimate_discounts(counts)

    assert (d_1, d_2, d_3) == pytest.approx((1 - 2 * 0.5 * 2 / 4, 2 - 3 * 0.5 * 1 / 2, 3 - 4 * 0.5 * 2 / 1))
    assert d_1 == taught.estimate_discount(counts)


def test_where_no_ngram_was_seen_so_often_half_a_count_is_taken():
    assert taught.estimate_discounts({("x",): Counter(a=7)}) == [0.5, 1, 1.5]


def padded(sentence, n):
    return (BOS,) * (n - 1) + tuple(sentence) + (EOS,)


def types_of(corpus, n):
    """The counts of Chen and Goodman's equations, of all orders: the longest real ones, N1+(• gram) below."""
    texts = [padded(sentence, n) for sentence in corpus]
    of_order = {
        m: [text[t - m : t] for text in texts for t in range(n, len(text) + 1)] for m in range(1, n + 1)
    }  # each ends at a predicted token
    return {n: Counter(of_order[n])} | {m: Counter(gram[1:] for gram in set(of_order[m + 1])) for m in range(1, n)}


def slow_modified(counts, context, word):
    """Equations of Chen and Goodman's modified smoothing, one context at a time."""
    order = len(context) + 1
    after = {gram[-1]: count for gram, count in counts[order].items() if gram[:-1] == context}
    if order == 1:
        return after[word] / sum(after.values())
    lower = slow_modified(counts, context[1:], word)
    if not after:
        return lower
    n = [sum(count == k for count in counts[order].values()) for k in range(5)]
    Y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
    D = [0] + [k - (k + 1) * Y * n[k + 1] / n[k] if n[k] else k / 2 for k in (1, 2, 3)]
    N = [sum(count == 1 for count in after.values()), sum(count == 2 for count in after.values())]
    gamma = D[1] * N[0] + D[2] * N[1] + D[3] * (len(after) - sum(N))
    count = after.get(word, 0)
    return (count - D[min(count, 3)] + gamma * lower) / sum(after.values())


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("seed, size", [(6, 12), (7, 60)])
def test_modified_kneser_ney_is_the_equations_of_chen_and_goodman(n, seed, size):
    corpus, text = [WORDS, *random_corpus(seed, size)], random_corpus(seed + 100, 8)
    counts, p = types_of(corpus, n), modified_kneser_ney(corpus, n)

    ours = [q for sentence in text for q in taught.token_probs(p, sentence)]

    tokens = [padded(sentence, n) for sentence in text]
    slow = [slow_modified(counts, t[k - n + 1 : k], t[k]) for t in tokens for k in range(n - 1, len(t))]
    np.testing.assert_allclose(ours, slow, rtol=1e-12, atol=0)


def test_with_one_discount_for_all_counts_it_is_plain_kneser_ney(monkeypatch):
    monkeypatch.setattr(taught, "estimate_discounts", lambda counts: 3 * [0.7])
    corpus = random_corpus(seed=8)
    p, plain = modified_kneser_ney(corpus, 3), kneser_ney(corpus, 3, 0.7)

    for history in random_histories(seed=8):
        for word in [*WORDS, EOS]:
            assert p(word, history) == pytest.approx(plain(word, history), rel=1e-12)


# --- perplexity


def test_a_uniform_model_has_the_size_of_the_vocabulary_and_a_perfect_one_has_one():
    corpus = random_corpus(seed=11)

    assert taught.perplexity(lambda word, history: 1 / 6, corpus) == pytest.approx(6)
    assert taught.perplexity(lambda word, history: 1.0, corpus) == 1


def test_perplexity_is_infinite_where_a_token_is_impossible():
    assert taught.perplexity(lambda word, history: float(word != "b"), [["a", "b"]]) == math.inf


def test_perplexity_weighs_tokens_not_sentences_and_scores_the_end_but_not_the_beginning():
    scored = []

    def p(word, history):
        scored.append((word, tuple(history)))
        return 0.5 if len(history) < 2 else 0.125

    assert taught.perplexity(p, [["a"], ["a", "b", "c"]]) == pytest.approx(2 ** ((1 + 1 + 1 + 1 + 3 + 3) / 6))
    assert scored == [("a", ()), (EOS, ("a",)), ("a", ()), ("b", ("a",)), ("c", ("a", "b")), (EOS, ("a", "b", "c"))]


def test_perplexity_does_not_underflow_on_a_long_sentence():
    assert taught.perplexity(lambda word, history: 1e-5, [["a"] * 5000]) == pytest.approx(1e5)


def test_no_model_beats_the_entropy_of_the_source_it_reads():
    grammar = taught.load_grammar("english")
    sampled = grammar.sample(2500, seed=3)

    assert taught.perplexity(kneser_ney(sampled[:2000], 3, 0.75), sampled[2000:]) > grammar.optimal_perplexity()


# --- generation and spelling


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_generated_sentences_end_and_hold_seen_ngrams_only(n):
    corpus, rng = random_corpus(seed=12), random.Random(0)
    counts = taught.count_ngrams(corpus, n)

    for _ in range(100):
        sentence = taught.generate(counts, n, rng)
        assert all(gram[-1] in counts[gram[:-1]] for gram in taught.ngrams(sentence, n))


def test_generated_words_are_as_frequent_as_their_probability():
    counts, rng = taught.count_ngrams([["a"]] * 3 + [["b"]], 2), random.Random(0)

    share = sum(taught.generate(counts, 2, rng) == ["a"] for _ in range(4000)) / 4000

    assert share == pytest.approx(0.75, abs=0.03)


def distance(a, b):
    """Optimal string alignment distance: insertions, deletions, replacements, swaps of neighbours."""
    D = defaultdict(lambda: math.inf, {(0, 0): 0})
    for i, j in product(range(len(a) + 1), range(len(b) + 1)):
        same = i and j and a[i - 1] == b[j - 1]
        swapped = i > 1 and j > 1 and a[i - 2 : i] == b[j - 2 : j][::-1]
        D[i, j] = min(
            D[i, j],
            D[i - 1, j] + 1,
            D[i, j - 1] + 1,
            D[i - 1, j - 1] + (not same),
            D[i - 2, j - 2] + 1 if swapped else math.inf,
        )
    return D[len(a), len(b)]


@pytest.mark.parametrize("word", ["", "a", "aa", "ab", "abca"])
def test_edits_are_all_strings_at_distance_one(word, monkeypatch):
    monkeypatch.setattr(taught, "LETTERS", "abc")
    lengths = range(max(len(word) - 1, 0), len(word) + 2)
    near = {"".join(s) for k in lengths for s in product("abc", repeat=k) if distance(word, "".join(s)) == 1}

    assert taught.edits(word) == near


def test_a_typo_becomes_the_candidate_whose_sentence_is_likeliest(monkeypatch):
    corpus = [["the", "cat", "sat"], ["a", "hat", "fell"], ["the", "cat", "ran"]]
    monkeypatch.setattr(taught, "known_words", taught.vocabulary(corpus), raising=False)
    p = kneser_ney(corpus, 2, 0.5)

    assert taught.candidates("hat") == ["cat", "hat", "sat"]
    assert taught.correct(p, ["the", "hat", "sat"], 1) == ["the", "cat", "sat"]
    assert taught.correct(p, ["a", "zat", "fell"], 1) == ["a", "hat", "fell"]


def test_a_sentence_is_corrected_among_words_that_the_model_does_not_know(monkeypatch):
    corpus = [["the", "cat", "sat"], [taught.UNK, "hat", "fell"], ["the", "cat", "ran"]]
    monkeypatch.setattr(taught, "known_words", taught.vocabulary(corpus), raising=False)
    p = kneser_ney(corpus, 2, 0.5)

    assert taught.correct(p, ["zebras", "zat", "fell"], 1) == ["zebras", "hat", "fell"]


def test_a_word_without_candidates_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(taught, "known_words", {"a"}, raising=False)

    assert taught.correct(lambda word, history: 0.5, ["the", "qqqqq"], 1) == ["the", "qqqqq"]


def test_rare_words_are_replaced_by_what_the_training_part_alone_says():
    splits = {"train": [["a", "a", "b"]], "test": [["a", "b", "c"], ["b", "b"]]}

    replaced = taught.replace_rare(splits, min_count=2)

    assert replaced == {
        "train": [["a", "a", taught.UNK]],
        "test": [["a", taught.UNK, taught.UNK], [taught.UNK, taught.UNK]],
    }
