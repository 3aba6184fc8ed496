"""The taught stacks, batches, loops and language models of the second lecture on gates against slow definitions."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from agreement import all_equal, derivatives, equal, leaves_of
from torch import nn
from torch.nn.functional import cross_entropy, softmax

from publish.taught import taught_in

taught = taught_in("05_gated_lm")
pytestmark = pytest.mark.usefixtures("double_precision")
KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
SIZES = [(3, 7, 4, 5), (1, 1, 2, 3), (2, 13, 6, 1)]  # B, T, E, H


# --- deep networks


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_the_deep_lstm_is_torchs_with_three_layers(B, T, E, H):
    theirs = nn.LSTM(E, H, num_layers=3, batch_first=True)
    (x,) = leaves_of((B, T, E))

    history = taught.deep_lstm(x, [taught.weights_of(theirs, f"l{layer}") for layer in range(3)])

    output, (h_n, c_n) = theirs(x)
    top = torch.stack([state[-1][0] for state in history], dim=1)
    ours = [top, *map(torch.stack, zip(*history[-1]))]
    leaves = [x, *theirs.parameters()]
    all_equal(ours, (output, h_n, c_n))
    all_equal(derivatives(ours, leaves), derivatives((output, h_n, c_n), leaves))


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_the_sizes_of_the_derivatives_are_those_of_the_jacobian(bias):
    taught.encoder = nn.LSTM(4, 3, num_layers=2, batch_first=True)
    taught.C, taught.L = nn.Embedding(5, 4), 2
    x = taught.C(torch.arange(5))[None].detach()

    sizes = taught.sizes_of_derivatives(bias)

    layers = [[a.detach() for a in taught.weights_of(taught.encoder, f"l{layer}")] for layer in (0, 1)]
    assert all(torch.equal(b[3:6], torch.full((3,), bias)) for _, b in layers)
    jacobian = torch.autograd.functional.jacobian(lambda x: taught.deep_lstm(x, layers)[-1][-1][0][0], x)
    equal(sizes[-1], jacobian[:, 0].square().sum(dim=(0, 2)).sqrt())
    states = taught.deep_lstm(x, layers)
    (h, c), (below, _) = states[-1][-1], states[-1][0]
    W_o, b_o = (a.chunk(4, dim=-1)[3] for a in layers[1])
    o = torch.sigmoid(torch.cat([below, states[-2][-1][0]], dim=1) @ W_o + b_o)
    equal(h, o * torch.tanh(c))
    equal(sizes[0, -1], (o * (1 - torch.tanh(c) ** 2)).norm())


# --- batches of different lengths


@pytest.mark.parametrize("N, B", [(50, 8), (7, 7), (9, 20), (5, 1)])
def test_batches_of_names_hold_each_name_once(N, B):
    batches = list(taught.name_batches(torch.randint(2, 19, (N,)), B))

    assert sorted(torch.cat(batches).tolist()) == list(range(N))
    assert sorted(map(len, batches))[1:] == [B] * (len(batches) - 1)


def test_waste_is_the_share_of_padding_counted_cell_by_cell():
    taught.lengths = torch.tensor([3, 9, 4, 4, 1])
    batches = [torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4])]

    cells = [t < taught.lengths[i] for rows in batches for i in rows for t in range(taught.lengths[rows].max())]

    assert math.isclose(taught.waste(batches), 1 - np.mean(cells), abs_tol=1e-6)
    assert taught.waste(torch.arange(5).split(1)) == 0


def test_batches_of_similar_length_waste_less_than_random_ones():
    taught.lengths = torch.randint(2, 19, (2000,))

    similar, at_random = taught.name_batches(taught.lengths, 64), torch.randperm(2000).split(64)

    assert taught.waste(list(similar)) < taught.waste(at_random) / 3


def test_the_mean_loss_of_the_exercise_counts_the_real_steps_one_by_one():
    rng = np.random.default_rng(0)
    for B, T in ((1, 1), (4, 6), (9, 3)):
        losses, length = rng.normal(size=(B, T)), rng.integers(1, T + 1, size=B)

        ours = taught.mean_loss_solution(losses, length)

        assert math.isclose(ours, np.mean([losses[b, t] for b in range(B) for t in range(length[b])]))


def test_names_are_numbered_between_two_ends_and_unknown_characters_share_a_number():
    taught.character_number = {"a": 3, "b": 4}

    rows = taught.numbered([("ab", "Irish"), ("bxa", "Greek")])

    assert [row.tolist() for row in rows] == [[1, 3, 4, 1], [1, 4, 2, 3, 1]]


def some_names(count=9, V=8):
    return [torch.cat([torch.tensor([1]), torch.randint(2, V, (n % 5 + 1,)), torch.tensor([1])]) for n in range(count)]


def test_padding_changes_no_score_of_a_real_step():
    rows, model = some_names(), taught.LM(nn.LSTM, 8, 4, 5)

    x, y = taught.padded(rows)

    scores, _ = model(x)
    for row, together, wanted in zip(rows, scores, y):
        n = len(row) - 1
        equal(together[:n], model(row[None, :-1])[0][0])
        assert wanted.tolist() == row[1:].tolist() + [0] * (y.shape[1] - n)


def test_the_gradient_per_token_does_not_depend_on_the_batches():
    rows = taught.rows_to_test = some_names()
    model = taught.name_lm = taught.LM(nn.LSTM, 8, 4, 5)
    taught.n = torch.tensor([len(row) - 1 for row in rows])
    losses = torch.cat([cross_entropy(model(row[None, :-1])[0][0], row[1:], reduction="none") for row in rows])
    gradients = torch.autograd.grad(losses.mean(), model.parameters())
    expected = torch.cat([gradient.flatten() for gradient in gradients])

    ours = [taught.gradient(torch.arange(9).split(B)) for B in (1, 4, 9)]

    for gradient in (*ours, taught.gradient([torch.arange(9)], extra=3)):
        equal(gradient, expected)


# --- windows of a long text

WINDOWS = [[1.0, 2.0, 1.0], [3.0], [1.0, -1.0], [0.5, 2.0, -1.0, 4.0]]


def by_differences(f, w, small=1e-6):
    return (f(w + small) - f(w - small)) / (2 * small)


@pytest.mark.parametrize("w", [0.9, -0.5, 1.1])
def test_the_gradients_of_the_exercise_hold_the_carried_state_fixed(w):
    h, expected = 0.0, []
    for window in WINDOWS:
        expected.append(by_differences(lambda w, h=h, window=window: taught.read_window(w, h, window), w))
        h = taught.read_window(w, h, window)

    gradients, sizes = zip(*taught.window_gradients_solution(w, WINDOWS))

    assert np.allclose(gradients, expected, rtol=0, atol=1e-5)  # float32
    alone = [taught.read_window(torch.tensor(w, requires_grad=True), 0.0, window) for window in WINDOWS]
    assert [*sizes] == [taught.graph_size(h) for h in alone]


@pytest.mark.parametrize("w", [0.9, -0.5])
def test_careless_gradients_run_back_to_the_beginning_on_a_growing_graph(w):
    whole = [sum(WINDOWS[: k + 1], []) for k in range(len(WINDOWS))]
    expected = [by_differences(lambda w, text=text: taught.read_window(w, 0.0, text), w) for text in whole]

    gradients, sizes = zip(*taught.careless_gradients(w, WINDOWS))

    assert np.allclose(gradients, expected, rtol=0, atol=0.0051)  # rounded to two places
    assert [*np.diff(sizes)] == [2 * len(window) for window in WINDOWS[1:]]  # a product and a sum for each step


# --- language models


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_carried_from_window_to_window_gives_the_scores_of_one_run(kind):
    model, ids = taught.LM(KINDS[kind], 7, 4, 5), torch.randint(7, (3, 11))

    whole, last = model(ids)
    first, state = model(ids[:, :4])
    second, after = model(ids[:, 4:], taught.detach_state(state))

    equal(torch.cat([first, second], dim=1), whole)
    pairs = zip(after, last) if kind == "LSTM" else [(after, last)]
    for ours, theirs in pairs:
        equal(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_detached_state_has_the_same_values_and_no_past(kind):
    _, state = taught.LM(KINDS[kind], 7, 4, 5)(torch.randint(7, (3, 11)))

    cut = taught.detach_state(state)

    assert type(cut) is type(state)
    for now, before in zip(cut, state) if kind == "LSTM" else [(cut, state)]:
        assert torch.equal(now, before)
        assert before.requires_grad and not now.requires_grad


def slowly_trained(model, ids, B, T, epochs, lr, weight_decay):
    """The training with rows and windows cut by hand, and an optimizer that is not fused."""
    N = (len(ids) - 1) // B
    starts = range(0, N, T)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.0, 0.999), weight_decay=weight_decay)
    schedule = taught.lr_schedule(optimizer, lr, epochs * len(starts))
    carried = None
    for _, t in itertools.product(range(epochs), starts):
        stop = min(t + T, N)
        x = torch.stack([ids[b * N + t : b * N + stop] for b in range(B)])
        y = torch.stack([ids[b * N + t + 1 : b * N + stop + 1] for b in range(B)])
        scores, carried = model(x, carried if t else None)
        carried = tuple(a.data for a in carried) if isinstance(carried, tuple) else carried.data
        loss = sum(cross_entropy(scores[b], y[b]) for b in range(B)) / B
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_the_slow_loop_and_counts_its_passes(kind):
    ids, settings = torch.randint(6, (100,)), {"B": 3, "T": 5, "epochs": 2, "lr": 0.02, "weight_decay": 0.1}
    model = taught.LM(KINDS[kind], 6, 4, 5)
    slow = copy.deepcopy(model)

    passes = list(taught.training(model, ids, **settings))
    slowly_trained(slow, ids, **settings)

    assert np.allclose(passes, np.arange(1, 15) / 7)  # 33 steps in 7 windows
    all_equal(list(model.parameters()), list(slow.parameters()), atol=1e-8)


def test_the_perplexity_of_a_stream_is_that_of_its_tokens_read_one_by_one():
    model, ids = taught.LM(nn.LSTM, 7, 4, 5), torch.randint(7, (20,))
    state, nats = None, []
    for x, y in itertools.pairwise(ids):
        scores, state = model(x.view(1, 1), state)
        nats.append(-math.log(softmax(scores[0, 0], dim=0)[y].item()))

    assert math.isclose(taught.stream_perplexity(model, ids), math.exp(np.mean(nats)), rel_tol=1e-10)


def test_an_output_layer_that_starts_from_frequencies_predicts_them():
    model, ids = taught.LM(nn.GRU, 5, 3, 4), torch.tensor([4, 0, 0, 2, 4, 0])
    model.output_layer.weight.data.zero_()

    taught.start_from_frequencies(model, ids)

    shares = softmax(model(ids[None, :3])[0][0, -1], dim=0)
    equal(shares, torch.tensor([4, 1, 2, 1, 2]) / 10)


# --- the contest


def words_text():
    """A small corpus as the contest wants it; every word of validation and test occurs in training."""
    splits = {
        "train": [["a", "b", "c"], ["b"], ["c", "a", "a", "b"], ["a"]],
        "validation": [["b", "a"], ["c"]],
        "test": [["a", "c"], ["b", "b", "a", "c", "a"], ["c"]],
    }
    return taught.text_of(splits, 5, {"RNN": 9, "GRU": 7, "LSTM": 6}, B=2, T=3, weight_decay=0.0)


def tokens_of(corpus):
    return [token for sentence in corpus for token in (*sentence, taught.EOS)]


def test_a_text_numbers_the_words_that_its_training_part_predicts():
    text = words_text()

    assert text["sizes"] == {"V": 4, "E": 5}
    names = {number: word for word, number in text["number"].items()}
    assert [names[k] for k in text["streams"]["test"].tolist()] == [taught.EOS, *tokens_of(text["splits"]["test"])]


@pytest.mark.parametrize("kind", KINDS)
def test_contestants_start_with_open_gates_and_the_frequencies_of_the_words(kind):
    text = words_text()
    H = text["units"][kind]

    model, again, other = (taught.new_lm(kind, text, seed) for seed in (1, 1, 2))

    all_equal(list(model.parameters()), list(again.parameters()))
    assert not torch.equal(model.C.weight, other.C.weight)
    shares = torch.bincount(text["streams"]["train"][1:], minlength=4) + 1
    equal(model.output_layer.bias, torch.log(shares / shares.sum()))
    if kind != "RNN":  # f is the second block of an LSTM, z that of a GRU
        equal((model.rnn.bias_ih_l0 + model.rnn.bias_hh_l0)[H : 2 * H], torch.ones(H))


@pytest.mark.parametrize("kind", KINDS)
def test_a_contestant_reads_a_share_of_the_training_part_once_and_nothing_else(kind, monkeypatch):
    text, seen = words_text(), []
    monkeypatch.setattr(taught, "training", lambda model, ids, **settings: seen.append((ids, settings)) or [])

    taught.trained_lm(kind, text, seed=3, lr=0.1, share=0.5)

    ((ids, settings),) = seen
    assert torch.equal(ids, text["streams"]["train"][: len(text["streams"]["train"]) // 2])
    assert settings == {"epochs": 1, "lr": 0.1, "B": 2, "T": 3, "weight_decay": 0.0}


@pytest.mark.parametrize("kind", KINDS)
def test_within_a_sentence_every_token_is_scored_as_if_the_sentence_stood_alone(kind):
    text = words_text()
    model, alone = taught.new_lm(kind, text, 0), []
    for sentence in text["splits"]["test"]:
        ids = torch.tensor([text["number"][word] for word in (taught.EOS, *sentence, taught.EOS)])
        logits, _ = model(ids[None, :-1])
        alone += [softmax(row, dim=0)[token].item() for row, token in zip(logits[0], ids[1:])]

    assert np.allclose(taught.probs_within(model, text, "test"), alone, rtol=1e-10, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_across_sentences_the_state_is_carried_from_token_to_token(kind):
    text = words_text()
    model, state, one_by_one = taught.new_lm(kind, text, 0), None, []
    for x, y in itertools.pairwise(text["streams"]["test"]):
        logits, state = model(x.view(1, 1), state)
        one_by_one.append(softmax(logits[0, 0], dim=0)[y].item())

    assert np.allclose(taught.probs_across(model, text, "test"), one_by_one, rtol=1e-10, atol=0)


def test_counting_sees_the_training_part_alone_and_scores_each_token_of_the_part_asked_for():
    text = words_text()
    p = taught.modified_kneser_ney(taught.count_ngrams(text["splits"]["train"], 3), 3)

    q = taught.probs_by_counting(text, "test", n=3)

    expected = [p(word, s[:t]) for s in text["splits"]["test"] for t, word in enumerate([*s, taught.EOS])]
    assert np.allclose(q, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("K", [1, 3, 100])
def test_a_cache_counts_the_tokens_just_before_and_never_the_one_to_come(K):
    ids = torch.randint(4, (40,))

    q = taught.cache_probs(ids, K)

    recent = [ids[max(0, t - K) : t].tolist() for t in range(1, 40)]
    assert np.allclose(q, [before.count(token) / len(before) for before, token in zip(recent, ids[1:].tolist())])


def test_the_shares_of_all_words_in_a_cache_sum_to_one():
    text = [0, 1, 1, 2, 0]

    mass = sum(taught.cache_probs(torch.tensor([*text, word]), 3)[-1] for word in range(3))

    assert math.isclose(mass, 1)


def test_the_best_mixture_is_found_among_all_weights_of_the_grid():
    rng = np.random.default_rng(0)
    q, cache = rng.random(50), rng.random(50)

    lam = taught.best_mixture(q, cache)

    grid = np.arange(21) / 50
    perplexities = [math.exp(-np.log((1 - a) * q + a * cache).mean()) for a in grid]
    assert math.isclose(lam, grid[np.argmin(perplexities)], abs_tol=1e-12)


def test_three_contexts_mix_the_test_part_with_a_weight_that_only_the_validation_part_chose():
    text = taught.text = words_text()
    model = taught.new_lm("GRU", text, 0)
    taught.caches = {part: taught.cache_probs(text["streams"][part], 3) for part in ("validation", "test")}

    within, across, mixed = taught.three_contexts(model)

    lam = taught.best_mixture(taught.probs_across(model, text, "validation"), taught.caches["validation"])
    assert np.array_equal(within, taught.probs_within(model, text, "test"))
    assert np.allclose(mixed, (1 - lam) * across + lam * taught.caches["test"], rtol=1e-14)


def test_the_paired_gap_of_the_exercise_is_mean_and_standard_error_of_the_differences():
    a, b = np.random.default_rng(1).random((2, 30))
    differences = [x - y for x, y in zip(a, b)]
    mean = sum(differences) / 30

    gap, error = taught.paired_gap_solution(a, b)

    assert math.isclose(gap, mean)
    assert math.isclose(error, math.sqrt(sum((d - mean) ** 2 for d in differences) / 29 / 30))


def test_gaps_are_in_per_cent_of_the_log_perplexity_and_of_whole_sentences():
    taught.text = {"splits": {"test": [["a", "b"], [], ["a"]]}}  # 3, 1 and 2 tokens
    q, rival = np.array([0.5, 0.5, 0.25, 0.5, 0.25, 0.5]), np.full(6, 0.5)

    gap, error = taught.gap_in_percent(q, rival, "test")

    nats = np.array([1, 0, 1]) * math.log(2)
    assert math.isclose(gap, 100 * nats.sum() / 6)
    assert math.isclose(error, 100 * nats.std(ddof=1) / math.sqrt(3) / 2)


@pytest.mark.parametrize(
    "gaps, says",
    [
        ([(-3, 1), (-2.5, 1), (-4, 1)], "ahead"),
        ([(3, 1), (2.5, 1), (4, 1)], "behind"),
        ([(-3, 1), (-1.5, 1), (-4, 1)], "undecided"),  # one seed within two errors
        ([(3, 1), (-3, 1), (3, 1)], "undecided"),
    ],
)
def test_a_verdict_needs_all_seeds_by_more_than_two_standard_errors(gaps, says):
    assert taught.verdict(gaps) == says
