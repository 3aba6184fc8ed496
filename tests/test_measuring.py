"""The taught BLEU against sacrebleu, and what the taught experiments with true and own words feed and measure."""

import math
import random
from collections import Counter

import pytest
import torch
from sacrebleu.metrics import BLEU

from publish.taught import taught_in

taught = taught_in("07_translation")
SMOOTHING = pytest.mark.parametrize("smooth", [False, True], ids=["none", "exp"])


def by_sacrebleu(hypotheses, references, smooth):
    """sacrebleu's BLEU; sentences with fewer references than others leave the later columns empty."""
    metric = BLEU(tokenize="none", smooth_method="exp" if smooth else "none", force=True)
    R = max(map(len, references))
    columns = [[" ".join(its[k]) if k < len(its) else None for its in references] for k in range(R)]
    return metric.corpus_score([" ".join(tokens) for tokens in hypotheses], columns).score


def sentences(*lines):
    return [line.split() for line in lines]


# --- BLEU


@SMOOTHING
@pytest.mark.parametrize("words", [2, 4, 30])
def test_bleu_is_sacrebleus_on_random_corpora(smooth, words):
    rng = random.Random(words)
    for _ in range(400):
        N = rng.randint(1, 6)
        references = [
            [rng.choices(range(words), k=rng.randint(1, 12)) for _ in range(rng.randint(1, 4))] for _ in range(N)
        ]
        references = [[[str(word) for word in tokens] for tokens in its] for its in references]
        hypotheses = [changed(rng.choice(its), words, rng) for its in references]

        ours = taught.bleu(hypotheses, references, smooth)

        assert math.isclose(ours, by_sacrebleu(hypotheses, references, smooth), rel_tol=0, abs_tol=1e-9)


def changed(tokens, words, rng):
    """Tokens with some of them replaced, left out, or repeated."""
    kept = [rng.choices([[token], [str(rng.randrange(words))], [], [token] * 2], [8, 1, 1, 1])[0] for token in tokens]
    return [token for part in kept for token in part]


@SMOOTHING
@pytest.mark.parametrize(
    "hypothesis, references",
    [
        ("", ["a b c d e"]),
        ("a", ["a"]),
        ("a b c", ["a b c"]),
        ("a b c", ["a b c d e f"]),
        ("a b c d", ["a b c d"]),
        ("a b c x d e f", ["a b c d e f"]),
        ("x x x x x", ["a b c d e"]),
        ("a x a x a x", ["a b a b a b"]),
        ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
        ("a b c d e f g h", ["a b c d"]),
        ("a b c d e f", ["a b c d", "a b c d e f g h"]),
        ("a b c d e f", ["a b c d e f g h", "a b c d"]),
        ("a b c d e f", ["x", "a b c d e y z u v"]),
        ("a b a b c", ["a b c d a", "b a b c e"]),
    ],
)
def test_bleu_is_sacrebleus_at_the_edges(hypothesis, references, smooth):
    case = sentences(hypothesis), [sentences(*references)]

    assert math.isclose(taught.bleu(*case, smooth), by_sacrebleu(*case, smooth), rel_tol=0, abs_tol=1e-9)


def test_the_taught_edges_and_the_taught_call_of_sacrebleu_agree_with_ours():
    for hypothesis, references in taught.EDGES.values():
        case = sentences(hypothesis), [sentences(*references)]
        for smooth in (False, True):
            assert taught.sacrebleu_score(*case, smooth) == by_sacrebleu(*case, smooth)


def test_bleu_by_hand():
    reference = list("abcdefg")

    assert taught.bleu([[*reference[:6], "x"]], [[reference]]) == pytest.approx(100 * (3 / 7) ** 0.25)
    assert taught.bleu([reference[:6]], [[reference]]) == pytest.approx(100 * math.exp(1 - 7 / 6))
    assert taught.bleu([reference + ["x"]], [[reference]]) == pytest.approx(
        100 * (7 / 8 * 6 / 7 * 5 / 6 * 4 / 5) ** 0.25
    )


def test_the_corpus_is_counted_as_a_whole():
    pair, other = sentences("a b c", "a b c d e x"), [sentences("a b c"), sentences("a b c d e f")]

    assert taught.bleu(pair, other) == pytest.approx(100 * (8 / 9 * 6 / 7 * 4 / 5 * 2 / 3) ** 0.25)


def test_hypotheses_without_references_of_their_own_are_refused():
    with pytest.raises(ValueError):
        taught.bleu(sentences("a b", "c d"), [sentences("a b")])


@pytest.mark.parametrize("hypotheses, references", [
    (sentences("a b c d"), sentences("a b c d")),
    (["a b c d"], [sentences("a b c d")]),
    (sentences("a b c d"), [["a b c d"]]),
    (sentences("a b c d"), [[]]),
])  # fmt: skip
def test_lists_that_are_nested_too_flatly_have_no_bleu(hypotheses, references):
    with pytest.raises(ValueError, match="a list of references, each a list of tokens"):
        taught.bleu(hypotheses, references)


def test_matches_with_one_reference_are_those_of_the_exercise():
    rng = random.Random(0)
    for _ in range(200):
        a, b = (rng.choices("abc", k=rng.randint(0, 8)) for _ in range(2))
        n = rng.randint(1, 4)

        found = taught.matches(a, [b], n)

        assert found == taught.shared_ngrams_solution(a, b, n) == matches_one_by_one(a, b, n)


def matches_one_by_one(a, b, n):
    """Each n-gram of a takes one of the same kind out of those of b."""
    left, found = [b[i : i + n] for i in range(len(b) - n + 1)], 0
    ours = [a[i : i + n] for i in range(len(a) - n + 1)]
    for gram in ours:
        if gram in left:
            left.remove(gram)
            found += 1
    return found, len(ours)


# --- true words and own words


class Counting(torch.nn.Module):
    """After word w the likeliest is w + 1 (from 4 to 9 and round again), whatever the source."""

    def __init__(self, sure=30.0):
        super().__init__()
        self.scores = torch.zeros(10, 10)
        for w in range(10):
            self.scores[w, w + 1 if 3 < w < 9 else 4] = sure

    def start(self, x):
        return (torch.zeros(len(x), 1),)

    def step(self, w, state):
        return torch.log_softmax(self.scores[w], dim=1), state

    def forward(self, x, y):
        return self.scores[taught.shift_right(y)]


@pytest.fixture
def rows():
    x = torch.full((500, 2), 3)
    y = torch.tensor([[4, 5, 6, 7, 2], [8, 8, 8, 2, 0]]).repeat(250, 1)
    return x, y


def test_mixed_words_are_the_true_ones_or_the_models_own(rows):
    torch.manual_seed(0)
    x, y = rows

    assert torch.equal(taught.mixed_words(Counting(), x, y, share=1), y)
    own = taught.mixed_words(Counting(), x, y, share=0)
    assert torch.equal(own, torch.tensor([4, 5, 6, 7, 8]).expand_as(own))
    true = (taught.mixed_words(Counting(sure=0.0), x, y, share=0.7) == y).double().mean()
    assert abs(true - (0.7 + 0.3 / 10)) < 0.03


def test_own_words_are_continued_from_own_words(rows):
    torch.manual_seed(0)
    x, y = rows

    read = taught.mixed_words(Counting(), x, y, share=0.5)

    before, after = read[:, :-1], read[:, 1:]
    continued = torch.where((before > 3) & (before < 9), before + 1, 4)
    assert ((after == y[:, 1:]) | (after == continued)).all()


def test_losses_after_true_words_are_those_of_training_and_zero_at_pad(rows):
    x, y = rows
    losses = taught.losses_after(Counting(sure=2.0), x, y, y)

    assert (losses[y == 0] == 0).all()
    assert losses.sum() / (y != 0).sum() == pytest.approx(
        taught.sequence_loss(Counting(sure=2.0)(x, y), y).item(), rel=1e-5
    )


def test_losses_depend_on_the_words_before_only(rows):
    x, y = rows
    read = y.clone()
    read[:, 1] = 9

    moved = taught.losses_after(Counting(sure=2.0), x, y, read) != taught.losses_after(Counting(sure=2.0), x, y, y)

    assert not moved[:, [0, 1, 3, 4]].any()
    assert moved[0, 2]


def test_exactly_one_digit_is_changed_into_another():
    y, digits = torch.tensor([[4, 11, 5, 2], [12, 2, 0, 0], [6, 2, 0, 0]] * 20), [4, 5, 6]

    changed_y, place = taught.one_digit_changed(y, digits)

    assert (place.view(-1, 3)[:, 1] == -1).all() and (place.view(-1, 3)[:, 2] == 0).all()
    assert set(place.view(-1, 3)[:, 0].tolist()) == {0, 2}
    for row, new, t in zip(y, changed_y, place):
        assert (row != new).nonzero().flatten().tolist() == ([] if t < 0 else [t])
        assert t < 0 or new[t] in digits


def test_right_after_counts_real_words_at_each_distance_from_the_place():
    taught.test_x = torch.full((3, 2), 3)
    taught.test_y = torch.tensor([[4, 5, 6, 7], [4, 8, 9, 0], [5, 5, 5, 5]])
    place = torch.tensor([0, 0, -1])

    right = taught.right_after(Counting(), taught.test_y, place, steps=(1, 2, 3))

    assert right == [50, 100, 100]


def test_a_flattened_translator_writes_the_same_with_other_probabilities(rows):
    x, y = rows
    flat = taught.Flattened(Counting(), temperature=20)

    assert torch.equal(taught.greedy(flat, x, 6), taught.greedy(Counting(), x, 6))
    log_p = flat.step(y[:, 0], flat.start(x))[0]
    torch.testing.assert_close(log_p, torch.log_softmax(flat(x, y)[:, 1], dim=1))
    torch.testing.assert_close(log_p, torch.log_softmax(Counting(sure=1.5)(x, y)[:, 1], dim=1))


def test_training_on_own_words_reads_the_mixture_and_scores_the_truth(rows):
    torch.manual_seed(0)
    x, y = rows

    scores = taught.ReadsOwnWords(Counting(), share=0)(x, y)

    assert torch.equal(scores.argmax(dim=2), torch.tensor([4, 5, 6, 7, 8]).expand(500, 5))
    assert torch.equal(taught.ReadsOwnWords(Counting(), share=1)(x, y), Counting()(x, y))


def test_ngrams_are_counted_within_the_sentence():
    assert taught.ngrams_of(list("abab"), 2) == Counter({("a", "b"): 2, ("b", "a"): 1})
    assert taught.ngrams_of(list("ab"), 3) == Counter()
