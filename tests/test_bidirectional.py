"""The taught two-way networks, ceilings, spans, sequence labellers and leak detector against slow definitions."""

import itertools
import math
import random
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from agreement import all_equal, derivatives, equal
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from torch import nn

from course_utils.data import Grammar
from publish.taught import taught_in

taught = taught_in("06_bidirectional")
pytestmark = pytest.mark.usefixtures("double_precision")
SIZES = [(3, 6, 4, 5), (1, 1, 2, 3), (2, 9, 5, 1)]  # B, T, E, H
BIO = ["O", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


# --- two chains


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_two_taught_rnn_chains_are_torchs_bidirectional_rnn(B, T, E, H):
    theirs, x = nn.RNN(E, H, batch_first=True, bidirectional=True), torch.randn(B, T, E).requires_grad_()
    chains = [
        (getattr(theirs, f"weight_ih_{end}").T, getattr(theirs, f"weight_hh_{end}").T,
         getattr(theirs, f"bias_ih_{end}") + getattr(theirs, f"bias_hh_{end}"))
        for end in ("l0", "l0_reverse")
    ]  # fmt: skip

    ours = taught.read_both_ways(taught.read_rnn, x, *chains)

    leaves = [x, *theirs.parameters()]
    equal(ours, theirs(x)[0])
    all_equal(derivatives([ours], leaves), derivatives([theirs(x)[0]], leaves))


@pytest.mark.parametrize("B, T, E, H", SIZES)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_stacked_two_way_layers_are_torchs(B, T, E, H, layers):
    theirs, x = nn.LSTM(E, H, layers, batch_first=True, bidirectional=True), torch.randn(B, T, E).requires_grad_()

    ours = taught.stacked(theirs, x)

    leaves = [x, *theirs.parameters()]
    equal(ours, theirs(x)[0])
    all_equal(derivatives([ours], leaves), derivatives([theirs(x)[0]], leaves))


@pytest.mark.parametrize("length", [[4, 6, 2], [6, 6, 6], [1, 6, 1]])
def test_padded_rows_get_the_states_that_they_get_alone(length, T=6, E=4, H=5):
    theirs, x, length = nn.LSTM(E, H, batch_first=True, bidirectional=True), torch.randn(3, T, E), torch.tensor(length)

    chains = (taught.weights_of(theirs, ending) for ending in ("l0", "l0_reverse"))
    ours = taught.read_padded(x, length, *chains)
    packed = taught.read_packed(theirs, x, length)

    for b, n in enumerate(length):
        alone = theirs(x[b : b + 1, :n])[0][0]
        equal(ours[b, :n], alone)
        equal(packed[b, :n], alone)


def test_turning_round_is_the_exercise_and_undoes_itself():
    x, length = torch.randn(4, 7, 3), torch.tensor([7, 1, 4, 6])

    turned = taught.reverse_padded(x, length)

    for k in range(3):
        np.testing.assert_array_equal(turned[:, :, k], taught.reverse_own_solution(x[:, :, k].numpy(), length.tolist()))
    equal(taught.reverse_padded(turned, length), x)


def test_reaches_finds_exactly_the_inputs_that_matter():
    x, window = torch.randn(1, 5, 3), torch.tensor([[0, 1, 1, 0, 0.0]])

    found = taught.reaches(
        lambda x: torch.stack([x[:, 0], x[:, 3] * x[:, 1], (x * window[:, :, None]).sum(1)], dim=1), x
    )

    assert found.tolist() == [[True, False, False, False, False], [False, True, False, True, False],
                              [False, True, True, False, False]]  # fmt: skip


# --- the tagger


@pytest.mark.parametrize("kind", [{}, {"delay": 2}, {"bidirectional": True}])
def test_a_tagger_scores_a_sentence_the_same_in_any_batch(kind):
    tagger = taught.Tagger(V=9, K=4, H=5, E=3, **kind)
    rows = [[1, 2, 3, 4, 5], [6, 7], [8]]
    batch = taught.numbered_batch(rows, {n: n for n in range(9)}, padding=0)

    scores = tagger(batch)

    assert scores.shape == (3, 5, 4)
    for row, of_row in zip(rows, scores):
        equal(of_row[: len(row)], tagger(torch.tensor([row]))[0])


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_tagger_that_waits_d_words_sees_exactly_d_words_ahead(delay, T=7):
    tagger, w = taught.Tagger(V=9, K=4, H=5, delay=delay), torch.tensor([[1, 2, 3, 4, 5, 6, 7]])

    before = tagger(w)
    for k in range(T):
        changed = w.clone()
        changed[0, k] = 8
        moved = (tagger(changed) - before)[0].abs().amax(dim=1) > 1e-12

        assert moved.tolist() == [t >= k - delay for t in range(T)]


def test_the_loss_by_token_leaves_pad_out_and_weighs_tokens_alike():
    scores, y = torch.randn(2, 3, 4), torch.tensor([[1, 3, 0], [2, -1, -1]])

    log_p = torch.log_softmax(scores, dim=2)
    expected = -(log_p[0, 0, 1] + log_p[0, 1, 3] + log_p[0, 2, 0] + log_p[1, 0, 2]) / 4

    equal(taught.loss_by_token(scores, y), expected)


# --- headlines


FINITE = Grammar(
    {
        "S": [(3, [("a", "X", "1"), "W"]), (1, [("a", "X", "2"), "W", ("b", "X", "1")])],
        "W": [(1, [("c", "X", "1")]), (1, [("d", "X", "1"), ("e", "X", "1")])],
    }
)


def test_all_derivations_are_listed_with_their_probabilities():
    found = {" ".join(word for word, *_ in headline): p for p, headline in taught.derivations(FINITE, ("S",))}

    assert found == pytest.approx({"a c": 3 / 8, "a d e": 3 / 8, "a c b": 1 / 8, "a d e b": 1 / 8})


def test_the_ceiling_is_the_best_that_any_rule_can_reach():
    everything = list(taught.derivations(FINITE, ("S",)))

    assert taught.ceiling(everything, n=1, position=0) == pytest.approx(3 / 4)
    assert taught.ceiling(everything, n=2, position=0) == pytest.approx(3 / 4)
    assert taught.ceiling(everything, n=3, position=0) == pytest.approx(7 / 8)  # only "a d e" is open then
    assert taught.ceiling(everything, n=9, position=0) == pytest.approx(1)


def test_the_second_word_of_a_labelled_name_is_inside():
    assert taught.labelled("isle of man|rockall", "PROPN", "B-LOC") == [
        (1, [("isle", "PROPN", "B-LOC"), ("of", "PROPN", "I-LOC"), ("man", "PROPN", "I-LOC")]),
        (1, [("rockall", "PROPN", "B-LOC")]),
    ]


# --- names as spans


def test_spans_and_f1_are_seqevals_on_random_labels():
    rng = random.Random(1)
    for _ in range(200):
        truth, predicted = ([rng.choices(BIO, k=n) for n in (1, 5, 9)] for _ in range(2))

        theirs = seqeval_f1(truth, predicted, mode="strict", scheme=IOB2, zero_division=0)

        assert taught.entity_f1(truth, predicted) == pytest.approx(theirs, abs=1e-12)


def test_f1_of_nothing_is_zero_and_of_the_truth_one():
    assert taught.entity_f1([["O", "O"]], [["O", "O"]]) == 0
    assert taught.entity_f1([["B-LOC", "I-LOC"]], [["B-LOC", "I-LOC"]]) == 1


@pytest.mark.parametrize("truth, predicted", [
    ([["B-X"]], [["B-X", "O"]]),
    ([["B-X", "O"]], [["B-X"]]),
    (["B-X", "O"], ["B-X", "O"]),
])  # fmt: skip
def test_labels_that_do_not_belong_to_the_same_tokens_have_no_f1(truth, predicted):
    with pytest.raises(ValueError, match="one for each token"):
        taught.entity_f1(truth, predicted)


def test_brackets_and_bio_say_the_same():
    words, labels = taught.bio_of("[New York GPE] meets [Ada Lovelace PERSON] [Monday DATE]")

    assert words == ["New", "York", "meets", "Ada", "Lovelace", "Monday"]
    assert labels == ["B-GPE", "I-GPE", "O", "B-PERSON", "I-PERSON", "B-DATE"]
    assert taught.spans_of_solution(labels) == {(0, 2, "GPE"), (3, 5, "PERSON"), (5, 6, "DATE")}


def test_illegal_labels_are_those_that_open_no_span():
    rng = random.Random(2)
    for _ in range(200):
        labels = rng.choices(BIO, k=8)

        inside = sum(end - start for start, end, _ in taught.spans_of_solution(labels))
        orphans = sum(label != "O" for label in labels) - inside

        assert (taught.illegal(labels) == 0) == (orphans == 0)


def test_slots_are_filled_with_the_names_given_and_labelled():
    names = {
        "CITY": ["oslo", "new york"],
        "COUNTRY": ["mali"],
        "LANGUAGE": ["thai"],
        "CURRENCY": ["euro"],
        "DAY": ["friday"],
    }
    found = Counter()
    for sentence in taught.slot_grammar(names).sample(400):
        words, labels = zip(*sentence)
        assert taught.illegal(labels) == 0
        found.update((kind, " ".join(words[i:j])) for i, j, kind in taught.spans_of_solution(list(labels)))

    expected = {(slot, name) for slot in ("FROM", "TO", "CITY") for name in names["CITY"]}
    expected |= {("COUNTRY", "mali"), ("LANGUAGE", "thai"), ("CURRENCY", "euro"), ("DAY", "friday")}
    assert set(found) == expected


def test_plain_names_are_names_without_remarks_and_digits():
    assert taught.plain(["Congo (Republic)", "St. Lucia", "GMT+1", "Côte d’Ivoire", "Port-au-Prince", "A - B"]) == [
        "congo", "côte d’ivoire", "port-au-prince", "st. lucia",
    ]  # fmt: skip


# --- labels that fit together


def lattice(T, K):
    return torch.randn(T, K), torch.randn(K + 1, K)


@pytest.mark.parametrize("T, K", [(1, 1), (1, 4), (5, 2), (4, 3)])
def test_viterbi_and_log_partition_equal_enumeration(T, K):
    P, A = lattice(T, K)
    paths = list(itertools.product(range(K), repeat=T))
    scores = torch.stack(
        [A[-1, y[0]] + sum(A[i, j] for i, j in itertools.pairwise(y)) + sum(P[range(T), y]) for y in paths]
    )

    equal(torch.stack([taught.path_score(P, A, y) for y in paths]), scores)
    assert taught.viterbi(P, A) == list(paths[scores.argmax()])
    equal(taught.log_partition(P[None], A, torch.ones(1, T, dtype=torch.bool))[0], torch.logsumexp(scores, dim=0))
    equal(taught.path_scores(P.expand(len(paths), T, K), A, torch.tensor(paths), torch.ones(len(paths), T)), scores)


def test_a_padded_batch_has_the_loss_of_its_sentences_and_no_gradient_at_pad():
    P, A, y = (
        torch.randn(3, 5, 4).requires_grad_(),
        torch.randn(5, 4),
        torch.tensor([[1, 0, 3, 2, 2], [3, 3, -1, -1, -1], [0, -1, -1, -1, -1]]),
    )

    loss = taught.crf_loss(P, y, A)
    single = [taught.crf_loss(P[b : b + 1, :n], y[b : b + 1, :n], A) for b, n in enumerate((5, 2, 1))]

    equal(loss, sum(single) / 3)
    assert (torch.autograd.grad(loss, P)[0][y < 0] == 0).all()


def test_a_sentence_of_nothing_but_pad_has_no_loss():
    P, A, y = torch.randn(2, 3, 4), torch.randn(5, 4), torch.tensor([[1, 0, -1], [-1, -1, -1]])

    with pytest.raises(ValueError, match="nothing but PAD"):
        taught.crf_loss(P, y, A)


def test_the_gradient_is_expected_minus_observed_and_the_forward_step_is_the_exercise():
    (P, A), y = lattice(4, 3), (2, 0, 0, 1)
    A.requires_grad_()
    paths = list(itertools.product(range(3), repeat=4))
    p = torch.softmax(torch.stack([taught.path_score(P, A.detach(), path) for path in paths]), dim=0)

    gradient = torch.autograd.grad(taught.crf_loss(P[None], torch.tensor([y]), A), A)[0]

    equal(gradient, sum(q * taught.follows(path) for q, path in zip(p, paths)) - taught.follows(y))
    alpha = (A[-1] + P[0]).detach().numpy()
    for P_t in P[1:]:
        alpha = taught.forward_step_solution(alpha, A[:-1].detach().numpy(), P_t.numpy())
    log_Z = taught.log_partition(P[None], A, torch.ones(1, 4, dtype=torch.bool)).item()
    assert np.logaddexp.reduce(alpha) == pytest.approx(log_Z, abs=1e-12)


def test_the_hmm_counts_by_hand():
    A, E = taught.fit_hmm([([0, 2, 2], [1, 0, 0]), ([2], [1])], V=3, K=2, k=0.5)

    expected_A = [[1.5 / 2, 0.5 / 2], [1.5 / 2, 0.5 / 2], [0.5 / 3, 2.5 / 3]]
    expected_E = [[0.5 / 3.5, 1.5 / 3.5], [0.5 / 3.5, 0.5 / 3.5], [2.5 / 3.5, 1.5 / 3.5]]
    equal(A, torch.log(torch.tensor(expected_A)))
    equal(E, torch.log(torch.tensor(expected_E)))


def test_the_perceptron_learns_labels_that_depend_on_the_word_before():
    rng = random.Random(0)
    taught.slot_word = dict.fromkeys(range(5))
    sentences = []
    for _ in range(60):
        words = rng.choices(range(1, 5), k=6)
        sentences.append((words, [before % 3 for before in [0, *words[:-1]]]))

    A, W = taught.fit_perceptron(sentences[:40], F=15, K=3, passes=5)

    found = [taught.viterbi(W[taught.features_of(words)].sum(dim=1), A) for words, _ in sentences[40:]]
    assert found == [labels for _, labels in sentences[40:]]


def test_the_rules_forbid_exactly_the_illegal_steps():
    taught.LABELS = BIO
    scores = taught.forbidden()

    assert scores.shape == (6, 5)
    for labels in itertools.product(range(5), repeat=3):
        names = [BIO[j] for j in labels]
        steps = [scores[i, j].item() for i, j in zip([-1, *labels], labels)]
        assert (min(steps) < 0) == (taught.illegal(names) > 0)


# --- the leak


def causal(w, K=3):
    torch.manual_seed(0)
    return torch.cumsum(nn.Embedding(20, K)(w), dim=1)


def centred(w):
    return (causal(w) + nn.functional.pad(causal(w)[:, 1:], (0, 0, 0, 1))) / 2


@pytest.mark.parametrize(
    "model, leaks",
    [
        (causal, []),
        (lambda w: causal(w).flip(1), [0, 1, 2, 3, 4]),
        (lambda w: causal(w) - causal(w).mean(dim=1, keepdim=True), [0, 1, 2, 3, 4]),
        (lambda w: torch.cat([causal(w)[:, :4], centred(w)[:, 4:]], dim=1), [4]),
        (lambda w: causal(w) + 1e-9 * causal(w).mean(dim=1, keepdim=True), []),
    ],
    ids=["causal", "turned round", "normalised over time", "one step only", "below the tolerance"],
)
def test_the_detector_finds_leaks_and_nothing_else(model, leaks):
    generator = torch.Generator().manual_seed(0)
    w, other = (torch.randint(low, low + 10, (3, 6), generator=generator) for low in (0, 10))

    assert taught.sees_the_future(model, w, other) == leaks


def test_a_left_to_right_model_has_the_same_perplexity_from_prefixes():
    torch.manual_seed(0)
    w = torch.tensor([[1, 4, 2, 3], [1, 5, 0, 0]])
    y = torch.tensor([[4, 2, 3, 1], [5, 1, -1, -1]])

    for kind, same in (({}, True), ({"bidirectional": True}, False)):
        model = taught.Tagger(V=6, K=6, H=4, **kind)
        together = taught.perplexity_of(model(w).detach(), y)

        assert math.isclose(together, taught.honest_perplexity(model, w, y), rel_tol=1e-9) == same


def test_the_pair_around_a_token_has_not_read_it_in_one_layer_only():
    assert [taught.around_moves(layers) for layers in (1, 2, 3)] == [False, True, True]


def test_training_lowers_the_loss_and_hides_the_share_of_words_that_is_asked_for():
    torch.set_default_dtype(torch.float32)
    w, y = torch.tensor([[2, 3, 4], [4, 3, 0]]).repeat(8, 1), torch.tensor([[0, 1, 2], [2, 1, -1]]).repeat(8, 1)
    seen, tagger = [], taught.Tagger(V=5, K=3, H=8, bidirectional=True)
    tagger.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))

    before = taught.loss_by_token(tagger(w), y).item()
    taught.train_tagger(tagger, w, y, seed=0, steps=60, B=16, lr=0.03, unknown=0.25)
    hidden = torch.cat([(rows == 1)[rows > 0] for rows in seen[1:]]).double().mean()

    assert taught.loss_by_token(tagger(w), y).item() < before / 4
    assert abs(hidden - 0.25) < 0.05
    assert all((rows[:, 0] > 0).all() for rows in seen)


def test_a_crf_learns_what_single_decisions_cannot_see():
    """Labels alternate from a random start that no word shows: each alone is a coin toss, together they are bound."""
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    starts = torch.randint(2, (64, 1))
    y, w = (starts + torch.arange(6)) % 2, torch.ones(64, 6, dtype=torch.long)
    tagger, A = taught.Tagger(V=2, K=2, H=4), nn.Parameter(torch.zeros(3, 2))

    taught.train_tagger(tagger, w, y, seed=0, steps=80, lr=0.1, loss_of=partial(taught.crf_loss, A=A), extra=[A])

    path = taught.viterbi(tagger(w[:1])[0].detach(), A.detach())
    assert all(i != j for i, j in itertools.pairwise(path))
