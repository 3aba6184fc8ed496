"""The taught recurrent cell, optimizers and language model against PyTorch's own and against slow formulas."""

import math
import random
from collections import Counter

import numpy as np
import pytest
import torch
from agreement import equal
from scipy.special import softmax
from torch import nn

from course_utils.taught.ngram_lm import ngrams
from publish.taught import taught_in

taught = taught_in("03_vanilla_rnn")
EOS = taught.EOS
pytestmark = pytest.mark.usefixtures("double_precision")
SIZES = [(3, 7, 4, 5), (1, 1, 2, 3), (5, 1, 3, 2), (2, 20, 6, 1), (4, 3, 1, 6)]  # B, T, E, H


def random_cell(E, H):
    """W_xh (E, H), W_hh (H, H) and b_h (H,)."""
    return torch.randn(E, H), torch.randn(H, H) / H**0.5, torch.randn(H)


def cell_of(module):
    """The weights of PyTorch's cell or RNN, transposed and with one bias."""
    W_ih, W_hh, b_ih, b_hh = module.parameters()
    return W_ih.T, W_hh.T, b_ih + b_hh


# --- the cell


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_states_and_all_gradients_equal_those_of_torch_rnn(B, T, E, H):
    reference, direction, last_direction = nn.RNN(E, H, batch_first=True), torch.randn(B, T, H), torch.randn(B, H)
    x, h_0 = torch.randn(B, T, E, requires_grad=True), torch.randn(B, H, requires_grad=True)
    ours = [tensor.detach().clone().requires_grad_() for tensor in (x, h_0, *cell_of(reference))]
    their_states, their_last = reference(x, h_0[None])
    ((their_states * direction).sum() + (their_last[0] * last_direction).sum()).backward()

    states, last = taught.rnn(*ours)
    ((states * direction).sum() + (last * last_direction).sum()).backward()

    assert states.shape == (B, T, H)
    equal(states, their_states)
    equal(last, their_last[0])
    W_ih, W_hh, b_ih, _ = (p.grad for p in reference.parameters())
    for gradient, theirs in zip([tensor.grad for tensor in ours], [x.grad, h_0.grad, W_ih.T, W_hh.T, b_ih]):
        equal(gradient, theirs)


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_each_state_is_a_step_of_torch_rnn_cell(B, T, E, H):
    reference, x, h = nn.RNNCell(E, H), torch.randn(B, T, E), torch.randn(B, H)
    states, last = taught.rnn(x, h, *cell_of(reference))

    for t in range(T):
        equal(taught.rnn_step(x[:, t], h, *cell_of(reference)), reference(x[:, t], h))
        h = reference(x[:, t], h)
        equal(states[:, t], h)
    equal(last, h)


def test_reading_in_two_parts_is_reading_at_once():
    x, h, cell = torch.randn(2, 9, 3), torch.randn(2, 4), random_cell(3, 4)

    states, last = taught.rnn(x, h, *cell)

    first, between = taught.rnn(x[:, :5], h, *cell)
    second, end = taught.rnn(x[:, 5:], between, *cell)
    assert torch.equal(torch.cat([first, second], dim=1), states) and torch.equal(end, last)


def test_the_solution_with_numpy_is_the_step_with_tensors():
    x, h, cell = torch.randn(3), torch.randn(5), random_cell(3, 5)

    ours = taught.one_step_solution(*(tensor.numpy() for tensor in (x, h, *cell)))

    equal(torch.tensor(ours), taught.rnn_step(x[None], h[None], *cell)[0])


def test_the_pencils_network_is_the_cell_and_a_softmax():
    words = ["<s>", *taught.WORDS[:3]]
    W_xh, W_hh = torch.tensor([taught.W_XH[word] for word in words]), torch.tensor(taught.W_HH).double()
    W_hy = np.array(taught.W_HY)
    h = [0.3, -0.8]

    for word in [*words, *reversed(words)]:
        x_t = torch.eye(4)[[words.index(word)]]
        by_tensors = taught.rnn_step(x_t, torch.tensor([h]), W_xh.double(), W_hh, torch.zeros(2))
        h = taught.pencil_step(word, h)
        equal(torch.tensor([h]), by_tensors, atol=1e-14)
        np.testing.assert_allclose(taught.pencil_output_layer(h), softmax(np.array(h) @ W_hy), rtol=1e-12)


@pytest.mark.parametrize("sentence", taught.SENTENCES, ids=" ".join)
def test_the_pencils_network_expects_each_next_word_of_a_sentence_once_it_knows_the_first(sentence):
    h, likeliest = taught.pencil_step("<s>", [0, 0]), []

    for word in sentence:
        h = taught.pencil_step(word, h)
        y = taught.pencil_output_layer(h)
        likeliest.append(taught.WORDS[y.index(max(y))])

    assert likeliest == [*sentence[1:], "</s>"]


def test_no_network_without_memory_can_do_what_the_pencils_does():
    read = [(word, after) for s in taught.SENTENCES for word, after in zip(["<s>", *s], [*s, "</s>"])]

    ambiguous = [word for word, times in Counter(word for word, _ in set(read)).items() if times > 1]

    assert set(ambiguous) == {"<s>", "language", "processing"}


# --- what training keeps, and the cell with a fault


@pytest.mark.parametrize("B, E, H", [(1, 5, 7), (2, 7, 3)])
def test_what_is_kept_for_the_way_back_are_all_inputs_and_states_so_it_grows_linearly_with_the_steps(B, E, H):
    for T in (1, 2, 3, 11, 41):
        inputs, states = T * B * E, (T + 1) * B * H  # the state before the first step, too

        assert taught.kept_bytes(T, B=B, E=E, H=H) == 8 * (inputs + states)


@pytest.mark.parametrize("E, H", [(4, 5), (16, 3)])
def test_the_number_of_parameters_is_that_of_the_weights_whatever_was_read(E, H):
    model = nn.RNN(E, H, batch_first=True)

    counts = []
    for T in (1, 50):
        model(torch.randn(2, T, E))
        counts.append(taught.parameter_count(model))

    assert counts == [E * H + H * H + 2 * H] * 2


def test_the_suspicious_cell_only_adds():
    W, b = np.random.default_rng(0).normal(size=(3 + 4, 4)) / 2, np.zeros(4)
    one, other = np.random.default_rng(1).normal(size=(2, 6, 3))

    def states(inputs):
        return taught.run(taught.suspicious_step, W, b, inputs)

    np.testing.assert_allclose(states(one + 3 * other), states(one) + 3 * states(other), rtol=0, atol=1e-10)
    slow = [sum(one[k] @ W[:3] @ np.linalg.matrix_power(W[3:], t - k) for k in range(t + 1)) for t in range(6)]
    np.testing.assert_allclose(states(one), slow, rtol=0, atol=1e-10)


def test_the_repaired_cell_does_not_only_add_and_is_bounded_and_our_cell():
    rng = np.random.default_rng(0)
    W, b = 2 * rng.normal(size=(3 + 4, 4)), rng.normal(size=4)
    one, other = rng.normal(size=(2, 40, 3))

    def states(inputs, step=taught.repaired_step_solution):
        return taught.run(step, W, b, inputs)

    assert np.abs(states(one + other) - states(one) - states(other)).max() > 0.1
    assert np.abs(states(100 * one)).max() <= 1 < 1e6 < np.abs(states(one, taught.suspicious_step)).max()
    ours, _ = taught.rnn(*(torch.tensor(array) for array in (one[None], np.zeros((1, 4)), W[:3], W[3:], b)))
    np.testing.assert_allclose(states(one), ours[0], rtol=0, atol=1e-10)


# --- loss and steps


@pytest.mark.parametrize("B, out, scale", [(1, 2, 1), (6, 4, 1), (9, 5, 300), (4, 7, 1e5)])
def test_the_loss_and_its_gradient_equal_cross_entropy(B, out, scale):
    scores, y = (scale * torch.randn(B, out)).requires_grad_(), torch.randint(out, (B,))
    theirs = scores.detach().clone().requires_grad_()
    reference = nn.functional.cross_entropy(theirs, y)
    reference.backward()

    loss = taught.nll(scores, y)
    loss.backward()

    torch.testing.assert_close(loss, reference, rtol=1e-12, atol=1e-12)
    equal(scores.grad, theirs.grad, atol=1e-12)


def two_copies_of_weights():
    ours = [
        torch.randn(3, 2, requires_grad=True),
        torch.randn(5, requires_grad=True),
        torch.randn(1, requires_grad=True),
    ]
    return ours, [p.detach().clone().requires_grad_() for p in ours]


def descend(ours, step, theirs, optimizer, steps):
    """Take steps on losses that differ in each step and in scale; yield both weights after each step."""
    for k in range(steps):
        slopes = [10.0 ** -(i + k % 3) * torch.randn_like(p) for i, p in enumerate(ours)]
        for weights in (ours, theirs):
            sum((slope * p.sin()).sum() for slope, p in zip(slopes, weights)).backward()
        step(ours)
        assert all(p.grad is None for p in ours)
        optimizer.step()
        optimizer.zero_grad()
        yield from zip(ours, theirs)


def test_a_step_equals_torch_sgd():
    ours, theirs = two_copies_of_weights()
    start = [p.detach().clone() for p in ours]

    for p, q in descend(ours, lambda w: taught.sgd_step(w, 0.3), theirs, torch.optim.SGD(theirs, lr=0.3), 50):
        equal(p, q, atol=1e-13)

    assert all((p - q).abs().max() > 1e-3 for p, q in zip(ours, start))


@pytest.mark.parametrize("settings", [{}, {"beta_1": 0.6, "beta_2": 0.95, "eps": 1e-3}])
def test_the_steps_of_adam_equal_torch_adam(settings):
    ours, theirs = two_copies_of_weights()
    betas = settings.get("beta_1", 0.9), settings.get("beta_2", 0.999)
    optimizer = torch.optim.Adam(theirs, lr=0.03, betas=betas, eps=settings.get("eps", 1e-8))
    start = [p.detach().clone() for p in ours]

    for p, q in descend(ours, taught.Adam(lr=0.03, **settings), theirs, optimizer, 300):
        equal(p, q)

    assert all((p - q).abs().max() > 1e-3 for p, q in zip(ours, start))


# --- names


LETTERS = {letter: number for number, letter in enumerate("abcdé ", start=1)}
LANGUAGES = ["Elvish", "German", "Klingon"]


@pytest.fixture
def name_tensors():
    """Padded names, lengths and languages, with names of one letter and of the full length."""
    pairs = [("abc", "German"), ("é", "Elvish"), ("bad cab", "Klingon"), ("dad", "German"), ("c dé", "Elvish")]
    return taught.to_tensors(pairs, LETTERS, LANGUAGES)


def test_short_names_are_padded_with_0_and_unseen_characters_are_0():
    pairs = [("é", "Klingon"), ("bxd ", "Elvish"), ("ca", "German")]

    x, length, y = taught.to_tensors(pairs, LETTERS, LANGUAGES)

    assert x.tolist() == [[5, 0, 0, 0], [2, 0, 4, 6], [3, 1, 0, 0]]
    assert length.tolist() == [1, 4, 2]
    assert y.tolist() == [2, 0, 1]


def scores_by_hand(x, length, weights):
    return taught.score_languages(taught.encode_names(x, length, weights), weights)


def copied(weights):
    """A NameRNN with the weights of the network by hand."""
    C, W_xh, W_hh, b_h, W_hy, b_y = (p.detach() for p in weights)
    model = taught.NameRNN(*C.shape, *W_hy.shape)
    model.load_state_dict({
        "C.weight": C, "rnn.weight_ih_l0": W_xh.T, "rnn.weight_hh_l0": W_hh.T, "rnn.bias_ih_l0": b_h,
        "rnn.bias_hh_l0": torch.zeros_like(b_h), "output_layer.weight": W_hy.T, "output_layer.bias": b_y,
    })  # fmt: skip
    return model


def random_weights():
    weights = taught.new_weights(V=7, E=3, H=5, out=4)
    with torch.no_grad():
        for p in weights:
            p.normal_()
    return weights


def test_an_empty_sequence_has_no_last_state(name_tensors):
    states, weights = np.zeros((2, 3, 4)), taught.new_weights(5, 2, 3, 2)

    with pytest.raises(ValueError, match="empty"):
        taught.final_states_solution(states, np.array([2, 0]))
    with pytest.raises(ValueError, match="empty"):
        taught.encode_names(torch.zeros(2, 3, dtype=int), torch.tensor([2, 0]), weights)
    with pytest.raises(ValueError, match="empty"):
        taught.NameRNN(5, 2, 3, 2)(torch.zeros(2, 3, dtype=int), torch.tensor([2, 0]))


def test_new_weights_have_their_shapes_and_ask_for_gradients():
    weights = taught.new_weights(V=7, E=3, H=5, out=4)

    assert [tuple(p.shape) for p in weights] == [(7, 3), (3, 5), (5, 5), (5,), (5, 4), (4,)]
    assert all(p.requires_grad and p.is_leaf for p in weights)


def test_the_network_by_hand_equals_the_one_of_torch_in_scores_and_gradients(name_tensors):
    x, length, y = name_tensors
    weights = random_weights()
    model = copied(weights)
    reference = model(x, length)
    nn.functional.cross_entropy(reference, y % 4).backward()

    scores = scores_by_hand(x, length, weights)
    taught.nll(scores, y % 4).backward()

    equal(scores, reference)
    C, W_xh, W_hh, b_h, W_hy, b_y = (p.grad for p in weights)
    theirs = {name: p.grad for name, p in model.named_parameters()}
    equal(C, theirs["C.weight"])
    equal(W_xh.T, theirs["rnn.weight_ih_l0"])
    equal(W_hh.T, theirs["rnn.weight_hh_l0"])
    equal(b_h, theirs["rnn.bias_ih_l0"])
    equal(W_hy.T, theirs["output_layer.weight"])
    equal(b_y, theirs["output_layer.bias"])


@pytest.mark.parametrize("kind", ["by hand", "NameRNN"])
def test_padding_and_the_order_of_names_change_no_answer(name_tensors, kind):
    x, length, _ = name_tensors
    weights = random_weights()
    model = copied(weights) if kind == "NameRNN" else lambda x, length: scores_by_hand(x, length, weights)
    scores, order = model(x, length), torch.tensor([3, 0, 4, 2, 1])

    longer = nn.functional.pad(x, (0, 6))
    garbage = torch.where(longer == 0, 5, longer)

    equal(model(longer, length), scores, atol=1e-14)
    equal(model(garbage, length), scores, atol=1e-14)
    equal(model(x[order], length[order]), scores[order], atol=1e-14)
    for row in range(len(x)):
        equal(model(x[row : row + 1, : length[row]], length[row : row + 1])[0], scores[row], atol=1e-14)


@pytest.mark.parametrize("N, B", [(1, 4), (50, 8), (64, 8), (203, 20)])
def test_batches_of_names_hold_each_name_once_and_names_of_similar_length(N, B):
    length = torch.randint(1, 30, (N,))

    batches = list(taught.name_batches(length, B))

    assert sorted(torch.cat(batches).tolist()) == list(range(N))
    assert sorted(map(len, batches), reverse=True) == [B] * (N // B) + [N % B] * (N % B > 0)
    in_order = sorted(batches, key=lambda rows: length[rows].double().mean())
    for shorter, longer in zip(in_order, in_order[1:]):
        assert length[shorter].max() <= length[longer].min() + 2


def test_batches_of_names_are_others_in_another_order_each_time():
    length = torch.randint(1, 30, (100,))

    first, second = ([frozenset(rows.tolist()) for rows in taught.name_batches(length, 10)] for _ in range(2))

    assert set(first) != set(second)
    assert [length[list(rows)].max() for rows in first] != sorted(length[list(rows)].max() for rows in first)


def test_accuracy_is_the_share_of_right_answers(name_tensors):
    x, length, _ = name_tensors
    weights = random_weights()
    guesses = scores_by_hand(x, length, weights).argmax(dim=1)

    assert taught.accuracy(x, length, guesses, weights) == 1
    assert taught.accuracy(x, length, guesses + torch.tensor([1, 0, 1, 0, 0]), weights) == pytest.approx(3 / 5)


def telling_names(size=200):
    """Names whose first letter alone tells the language, with other letters after it."""
    rng = random.Random(0)
    first = dict(zip(LANGUAGES, "abc"))
    languages = rng.choices(LANGUAGES, k=size)
    return [(first[language] + "".join(rng.choices("dé ", k=rng.randrange(5))), language) for language in languages]


def test_by_hand_and_with_torch_training_finds_the_letter_that_tells(name_tensors, monkeypatch):
    x, length, y = tensors = taught.to_tensors(telling_names(), LETTERS, LANGUAGES)
    monkeypatch.setattr(taught, "tensors", {"train": tensors}, raising=False)
    weights, model = taught.new_weights(7, 8, 16, 3), taught.NameRNN(7, 8, 16, 3)

    losses = taught.walk(weights, taught.Adam(lr=0.01), epochs=15, B=16)
    taught.train_names(model, x, length, y, epochs=15, B=16, lr=0.01)

    assert len(losses) == 15 * math.ceil(200 / 16)
    assert np.mean(losses[:3]) > 0.9 and np.mean(losses[-10:]) < 0.2
    assert taught.accuracy(x, length, y, weights) > 0.95
    assert (taught.predicted(model, "train") == y).double().mean() > 0.95


# --- the language model


def random_corpus(seed, size=25, longest=6):
    rng = random.Random(seed)
    return [rng.choices("abc", [5, 2, 1], k=rng.randrange(longest)) for _ in range(size)]


NUMBER = {word: number for number, word in enumerate([EOS, "a", "b", "c"])}


def test_a_stream_begins_with_eos_and_has_eos_after_each_sentence():
    assert taught.stream([["b", "a"], [], ["c"]], NUMBER).tolist() == [0, 2, 1, 0, 0, 3, 0]


@pytest.mark.parametrize("size", [1, 30])
def test_a_stream_scores_each_word_and_each_end_once(size):
    corpus = random_corpus(size, size)
    scored = Counter(NUMBER[gram[-1]] for sentence in corpus for gram in ngrams(sentence, 2))

    assert Counter(taught.stream(corpus, NUMBER)[1:].tolist()) == scored


@pytest.mark.parametrize("N, B, T", [(17, 2, 4), (24, 3, 4), (101, 4, 7), (9, 8, 5), (8, 1, 3)])
def test_windows_of_a_stream_hold_successors_and_continue_row_by_row(N, B, T):
    ids = torch.randperm(1000)[:N]
    follows = dict(zip(ids.tolist(), ids[1:].tolist()))

    windows = list(taught.stream_batches(ids, B, T))

    assert [x.shape for x, _ in windows][:-1] == [(B, T)] * (len(windows) - 1)
    assert all(x.shape == y.shape for x, y in windows) and 1 <= windows[-1][0].shape[1] <= T
    for x, y in windows:
        assert y.flatten().tolist() == [follows[w] for w in x.flatten().tolist()]
    for (_, y), (x, _) in zip(windows, windows[1:]):
        assert torch.equal(x[:, 0], y[:, -1])
    read = torch.cat([x for x, _ in windows], dim=1)
    assert read.flatten().tolist() == ids[: (N - 1) // B * B].tolist()


@pytest.mark.parametrize("N", [0, 1, 8])
def test_a_text_that_is_too_short_for_its_rows_is_refused(N):
    with pytest.raises(ValueError, match=f"{N} tokens are too few for 8 rows"):
        next(taught.stream_batches(torch.arange(N), B=8, T=5))


def test_batches_without_end_are_refused_where_there_would_be_none():
    companion, translator = taught_in("real_corpora/08_tiny_shakespeare"), taught_in("real_corpora/07_tatoeba")
    companion.stream_batches = taught.stream_batches

    with pytest.raises(ValueError, match="8 tokens are too few for 8 rows"):
        next(companion.endless_batches(torch.arange(8), B=8, T=5))
    with pytest.raises(ValueError, match="no rows"):
        next(translator.like_lengths(torch.zeros(0, 3), torch.zeros(0, 3), B=2))


@pytest.mark.parametrize("B, T, epochs", [(3, 4, 1), (2, 7, 2), (4, 100, 2)])
def test_training_carries_the_state_from_window_to_window_and_starts_each_epoch_anew(B, T, epochs, monkeypatch):
    ids, model, losses = taught.stream(random_corpus(1), NUMBER), taught.RNNLM(V=4, E=3, H=5), []
    N = (len(ids) - 1) // B
    rows, targets = ids[: B * N].view(B, N), ids[1 : B * N + 1].view(B, N)
    reference, _ = model(rows)
    calls = []
    model.register_forward_hook(lambda module, inputs, outputs: calls.append((*inputs, *outputs)))

    def recorded(scores, y):
        losses.append((nn.functional.cross_entropy(scores, y), len(y)))
        return losses[-1][0]

    monkeypatch.setattr(taught, "cross_entropy", recorded)

    taught.train_lm(model, ids, B, T, epochs, lr=0.0, weight_decay=0.0)  # no weight moves: all windows, one model

    in_epoch = math.ceil(N / T)
    assert len(calls) == epochs * in_epoch
    for epoch in range(epochs):
        part = slice(epoch * in_epoch, (epoch + 1) * in_epoch)
        equal(torch.cat([scores for _, _, scores, _ in calls[part]], dim=1), reference, atol=1e-12)
        (_, start, _, _), *later = calls[part]
        assert start is None and not any(h.requires_grad for _, h, _, _ in later)
        mean = sum(J.item() * size for J, size in losses[part]) / (B * N)
        whole = nn.functional.cross_entropy(reference.flatten(0, 1), targets.flatten())
        assert mean == pytest.approx(whole.item(), rel=1e-12)


def test_states_of_the_language_model_equal_one_run_of_the_cell_by_hand():
    ids, model = taught.stream(random_corpus(2), NUMBER), taught.RNNLM(V=4, E=3, H=5)
    x = model.C(ids[None])
    states, last = taught.rnn(x, torch.zeros(1, 5), *cell_of(model.rnn))

    h, scores = None, []
    for start in range(0, len(ids), 8):
        part, h = model(ids[None, start : start + 8], h)
        scores.append(part)

    equal(h[0], last)
    equal(torch.cat(scores, dim=1), states @ model.output_layer.weight.T + model.output_layer.bias)


def test_a_stream_read_from_zero_or_in_short_windows_would_be_another_one():
    ids, model = taught.stream(random_corpus(2), NUMBER), taught.RNNLM(V=4, E=3, H=5)

    whole, _ = model(ids[None, :16])
    second_alone, _ = model(ids[None, 8:16])

    assert (whole[:, 8:] - second_alone).abs().max() > 1e-3


def test_the_perplexity_of_a_stream_is_that_of_its_words_one_by_one():
    corpus, model = random_corpus(3), bolder(taught.RNNLM(V=4, E=3, H=5))

    value = taught.stream_perplexity(model, taught.stream(corpus, NUMBER))

    nats = []
    for i, sentence in enumerate(corpus):
        p = taught.as_function(model, NUMBER, before=corpus[:i])
        nats += [-math.log(p(word, sentence[:t])) for t, word in enumerate([*sentence, EOS])]
    assert value == pytest.approx(math.exp(np.mean(nats)), rel=1e-12)


def bolder(model):
    """The model with larger weights, whose probabilities differ strongly."""
    with torch.no_grad():
        for p in model.parameters():
            p.normal_()
    return model


def test_the_model_as_a_function_is_a_probability_that_depends_on_everything_read():
    model = bolder(taught.RNNLM(V=4, E=3, H=5))
    p, after = taught.as_function(model, NUMBER), taught.as_function(model, NUMBER, before=[["b"]])
    history = list("abcacba")

    assert math.fsum(p(word, history) for word in NUMBER) == pytest.approx(1, abs=1e-12)
    assert abs(p("a", history) - p("a", ["c", *history[1:]])) > 1e-9
    assert abs(p("a", history) - after("a", history)) > 1e-9


def test_before_training_the_loss_is_near_log_V():
    model, ids = taught.RNNLM(V=45, E=16, H=64), torch.randint(45, (2000,))

    assert math.log(taught.stream_perplexity(model, ids)) == pytest.approx(math.log(45), rel=0.03)


def test_training_learns_what_a_window_of_two_words_cannot_tell():
    corpus = [[start, "c", "c", start] for start in random.Random(0).choices("ab", k=400)]
    ids, model = taught.stream(corpus, NUMBER), taught.RNNLM(V=4, E=8, H=16)
    before = taught.stream_perplexity(model, ids)

    trained = taught.train_lm(model, ids, B=16, T=10, epochs=10, lr=0.03, weight_decay=0.0)

    assert trained is model
    coins = {1: 2 ** (1 / 5), 2: 2 ** (2 / 5)}  # one coin in five tokens, or two for who forgets the first word
    assert before > 3 > coins[2] > 1.22 > taught.stream_perplexity(model, ids) > 0.95 * coins[1]


# --- the same word in two sentences


@pytest.mark.parametrize("kind", ["by hand", "torch"])
def test_states_are_equal_bit_by_bit_until_the_first_word_that_differs(kind):
    C, reference = nn.Embedding(9, 6), nn.RNN(6, 8, batch_first=True)
    rows = {"fruit": [0, 1, 2, 3, 4], "company": [0, 1, 5, 3, 4], "other fruit": [7, 1, 2, 3, 4]}

    states = {}
    for name, row in rows.items():
        x, h_0 = C(torch.tensor([row])), torch.zeros(1, 8)
        states[name] = (taught.rnn(x, h_0, *cell_of(reference)) if kind == "by hand" else reference(x, h_0[None]))[0][0]

    assert torch.equal(states["fruit"][:2], states["company"][:2])
    assert (states["fruit"][2:] - states["company"][2:]).norm(dim=1).min() > 1e-3
    assert (states["fruit"] - states["other fruit"]).norm(dim=1).min() > 1e-4
