"""The taught gated cells, deep networks, batches, language models and tasks against PyTorch and slow definitions."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, softmax

from publish.taught import taught_in

taught = taught_in("05_lstm_gru")
pytestmark = pytest.mark.usefixtures("double_precision")
taught.KINDS = KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
BLOCKS = {"RNN": 1, "GRU": 3, "LSTM": 4}
SIZES = [(3, 7, 4, 5), (1, 1, 2, 3), (2, 13, 6, 1)]  # B, T, E, H


def equal(ours, theirs, atol=1e-10):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


def all_equal(ours, theirs, atol=1e-10):
    for one, other in zip(ours, theirs, strict=True):
        equal(one, other, atol)


def derivatives(outputs, leaves):
    """The gradients of a fixed random weighing of all entries of the outputs."""
    generator = torch.Generator().manual_seed(5)
    J = sum((output * torch.randn(output.shape, generator=generator)).sum() for output in outputs)
    return torch.autograd.grad(J, leaves)


def leaves_of(*shapes):
    return [torch.randn(shape).requires_grad_() for shape in shapes]


# --- the LSTM


@pytest.mark.parametrize("B, T, E, H", SIZES)
@pytest.mark.parametrize("at_once", [False, True], ids=["four products", "one product"])
def test_the_taught_lstm_is_torchs_in_states_memory_and_gradients(B, T, E, H, at_once):
    theirs = nn.LSTM(E, H, batch_first=True)
    x, h, c = leaves_of((B, T, E), (B, H), (B, H))
    weights, step = taught.weights_of(theirs, 0), taught.lstm_step
    if at_once:
        weights, step = (torch.cat(weights[:4], dim=1), torch.cat(weights[4:])), taught.lstm_step_fused
    else:
        weights = (weights,)

    ours = taught.lstm(x, h, c, step, *weights)

    expected, (_, memory) = theirs(x, (h[None], c[None]))
    leaves = [x, h, c, *theirs.parameters()]
    all_equal(ours, (expected, memory[0]))
    all_equal(derivatives(ours, leaves), derivatives((expected, memory[0]), leaves))


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_weights_survive_the_way_to_torch_and_back(B, T, E, H):
    W, b = torch.randn(E + H, 4 * H), torch.randn(4 * H)

    theirs = taught.to_torch(W, b)

    back = taught.weights_of(theirs, 0)
    equal(torch.cat(back[:4], dim=1), W)
    equal(torch.cat(back[4:]), b)


@pytest.mark.parametrize("bias", [0.0, 1.0, 5.0])
def test_with_cut_gates_the_derivative_is_the_product_of_the_forget_gates(bias):
    weights = taught.with_forget_bias(taught.new_lstm(E=3, H=5), bias)

    gradients, f, d = taught.reach(torch.randn(2, 12, 3), weights, cut=True)

    for t in range(12):
        equal(gradients[t], d * f[t:].prod(dim=0), atol=1e-12)


def test_along_all_paths_the_derivative_is_a_difference_quotient():
    weights, x, small = taught.new_lstm(E=3, H=4), torch.randn(2, 6, 3), 1e-5
    zero = torch.zeros(2, 4)

    gradients, _, d = taught.reach(x, weights, cut=False)

    for row, unit in itertools.product(range(2), range(4)):
        changed = torch.zeros(2, 4)
        changed[row, unit] = small
        ends = [taught.lstm(x, zero, c, taught.lstm_step, weights)[1] for c in (changed, -changed)]
        quotient = ((ends[0] - ends[1]) * d).sum() / (2 * small)
        equal(gradients[0, row, unit], quotient, atol=1e-8)


def test_the_reach_of_a_plain_cell_is_the_product_of_its_jacobians():
    W, b, x = torch.randn(3 + 4, 4) / 2, torch.randn(4), torch.randn(1, 5, 3)
    states = [torch.zeros(1, 4)]
    for x_t in x.unbind(dim=1):
        states.append(torch.tanh(torch.cat([x_t, states[-1]], dim=1) @ W + b))
    d = nn.functional.normalize(torch.randn(1, 4, generator=torch.Generator().manual_seed(1)))

    ours = taught.plain_reach(x, W, b)

    for t in reversed(range(5)):
        d = (d * (1 - states[t + 1] ** 2)) @ W[3:].T
        equal(ours[t], d)


def test_opened_forget_gates_start_with_the_bias_in_all_layers():
    theirs = nn.LSTM(3, 4, num_layers=2)
    before = [taught.weights_of(theirs, layer) for layer in (0, 1)]

    taught.init_forget_bias(theirs, bias=1.5)

    for layer in (0, 1):
        after = taught.weights_of(theirs, layer)
        equal(after[4], torch.full((4,), 1.5))
        all_equal(after[:4] + after[5:], before[layer][:4] + before[layer][5:])


@pytest.mark.parametrize("coupled", [False, True])
def test_a_memory_that_is_written_to_at_each_step_is_a_geometric_series(coupled):
    f, g = 1 / (1 + math.exp(-3)), math.tanh(3)
    for steps in (0, 1, 9):
        series = g * (1 - f**steps) / (1 - f)

        assert math.isclose(taught.written(steps, coupled), (1 - f) * series if coupled else series, abs_tol=1e-12)


# --- exercises on the LSTM


@pytest.mark.parametrize("H", [1, 2, 7])
def test_the_step_of_the_exercise_is_the_lstm_step(H):
    sums, c = 2 * torch.randn(4, H), torch.randn(H)
    of_nothing = [*torch.zeros(4, 1 + H, H), *sums[[0, 1, 2, 3]]]

    ours = taught.step_from_sums_solution(*sums.numpy(), c.numpy())

    expected = taught.lstm_step(torch.zeros(1, 1), torch.zeros(1, H), c[None], of_nothing)
    assert np.allclose(ours, [a[0] for a in expected], rtol=0, atol=1e-12)


@pytest.mark.parametrize("H", [1, 2, 7])
def test_without_peepholes_the_step_is_the_plain_one(H):
    rng = np.random.default_rng(H)
    sums, c = rng.normal(size=(4, H)), rng.normal(size=H)

    ours = taught.peephole_step_solution(*sums, c, *np.zeros((3, H)))

    assert np.allclose(ours, taught.step_from_sums_solution(*sums, c), rtol=0, atol=1e-14)


def test_peepholes_add_the_old_memory_to_two_sums_and_the_new_one_to_the_third():
    a_f, a_i, a_g, a_o, c, p_f, p_i, p_o = np.random.default_rng(0).normal(size=(8, 5))

    h, new = taught.peephole_step_solution(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o)

    expected = taught.step_from_sums_solution(a_f + p_f * c, a_i + p_i * c, a_g, a_o + p_o * new, c)
    assert np.allclose((h, new), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("H", [1, 2, 7])
def test_the_coupled_step_is_the_plain_one_with_one_minus_f_as_input_gate(H):
    a_f, a_g, a_o, c = np.random.default_rng(H).normal(size=(4, H))

    ours = taught.coupled_step_solution(a_f, a_g, a_o, c)

    expected = taught.step_from_sums_solution(a_f, -a_f, a_g, a_o, c)  # 1 − σ(a) = σ(−a)
    assert np.allclose(ours, expected, rtol=0, atol=1e-14)


# --- the GRU


def gru_weights(E, H, biases=3):
    return leaves_of(*3 * [(E + H, H)], *biases * [(H,)])


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_the_torch_form_is_torchs_gru_in_states_and_gradients(B, T, E, H):
    theirs = nn.GRU(E, H, batch_first=True)
    x, h = leaves_of((B, T, E), (B, H))
    blocks = [theirs.weight_ih_l0.chunk(3), theirs.weight_hh_l0.chunk(3)]
    W_r, W_z, W_h = (torch.cat([W.T, U.T]) for W, U in zip(*blocks))
    (b_r, b_z, b_h), (c_r, c_z, c_h) = theirs.bias_ih_l0.chunk(3), theirs.bias_hh_l0.chunk(3)

    ours = taught.gru(x, h, taught.gru_torch, [W_z, W_r, W_h, b_z + c_z, b_r + c_r, b_h, c_h])

    expected, leaves = theirs(x, h[None])[0], [x, h, *theirs.parameters()]
    equal(ours, expected)
    all_equal(derivatives([ours], leaves), derivatives([expected], leaves))


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_a_negated_update_gate_turns_one_convention_into_the_other(B, T, E, H):
    x, h, *weights = [*leaves_of((B, T, E), (B, H)), *gru_weights(E, H)]
    leaves = [x, h, *weights]

    cs224n = taught.gru(x, h, taught.gru_cs224n, weights)
    cho = taught.gru(x, h, taught.gru_cho, taught.negated(weights))

    equal(cs224n, cho)
    all_equal(derivatives([cs224n], leaves), derivatives([cho], leaves))
    all_equal(taught.negated(taught.negated(weights)), weights)


@pytest.mark.parametrize("case", ["one unit", "open reset gate", "general"])
def test_reset_inside_and_outside_agree_only_where_they_must(case):
    E, H = 3, 1 if case == "one unit" else 4
    weights = gru_weights(E, H)
    if case == "open reset gate":
        weights[4] = torch.full((H,), 60.0)
    x, h = torch.randn(2, 5, E), torch.randn(2, H)

    inside = taught.gru(x, h, taught.gru_cho, weights)
    outside = taught.gru(x, h, taught.gru_torch, [*weights, torch.zeros(H)])

    assert torch.allclose(inside, outside, rtol=0, atol=1e-10) == (case != "general")


@pytest.mark.parametrize("bias", [-4.0, 0.0, 2.5])
def test_the_share_that_is_left_is_the_state_of_a_cell_that_sees_nothing(bias):
    H = 3
    weights = [*torch.zeros(3, 2 + H, H), torch.full((H,), bias), *torch.zeros(2, H)]
    nothing, one = torch.zeros(1, 9, 2), torch.ones(1, H)
    for convention, step in (("small u keeps", taught.gru_cs224n), ("large z keeps", taught.gru_cho)):
        left = taught.state_left(bias, convention, T=9)

        assert np.allclose(left[1:], taught.gru(nothing, one, step, weights)[0, :, 0], rtol=0, atol=1e-12)


# --- units, tasks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget, E", [(1520, 8), (33_280, 64), (700, 3)])
def test_one_more_unit_exceeds_the_budget(kind, budget, E):
    H = taught.units_for(kind, budget, E)

    sizes = [BLOCKS[kind] * units * (E + units + 2) for units in (H, H + 1)]  # PyTorch has two biases
    assert sizes[0] <= budget < sizes[1]
    assert taught.parameter_count(KINDS[kind](E, H)) == sizes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_one_more_unit_of_a_language_model_exceeds_the_budget(kind):
    V, E, budget = 11, 5, 2000

    H = taught.lm_units(KINDS[kind], V, E, budget)

    cells = [BLOCKS[kind] * units * (E + units + 2) for units in (H, H + 1)]
    sizes = [V * E + cell + 2 * units + (units + 1) * V for cell, units in zip(cells, (H, H + 1))]
    assert sizes[0] <= budget < sizes[1]


def slow_count(brackets):
    depth, answers = 0, []
    for bracket in brackets:
        depth += 1 if bracket == 0 else -1
        answers.append(0 if depth < 0 else 1 if depth == 0 else 2)
    return answers


def slow_keep(symbols):
    kept, answers = None, []
    for symbol in symbols:
        kept = symbol - 8 if symbol >= 8 else kept
        answers.append(kept)
    return answers


def slow_echo(symbols):
    return [symbols[t - 3] if t >= 3 else -100 for t in range(len(symbols))]


@pytest.mark.parametrize("task, slow, V", [("count", slow_count, 2), ("keep", slow_keep, 16), ("echo", slow_echo, 8)])
def test_the_answers_of_a_task_are_those_of_a_slow_loop(task, slow, V):
    x, y = getattr(taught, f"{task}_task")(30, 41, seed=3)

    assert x.shape == y.shape == (30, 41)
    assert set(x.flatten().tolist()) == set(range(V))
    assert y.tolist() == [slow(row) for row in x.tolist()]


@pytest.mark.parametrize("kind, blocks", BLOCKS.items())
def test_a_racer_starts_with_orthogonal_squares_and_open_forget_gates(kind, blocks):
    racer = taught.Racer(kind, V=5, H=6, out=3)

    squares = racer.rnn.weight_hh_l0.detach().view(blocks, 6, 6)

    equal(squares @ squares.transpose(1, 2), torch.eye(6).repeat(blocks, 1, 1))
    if kind == "LSTM":
        equal(taught.weights_of(racer.rnn, 0)[4], torch.ones(6))


# --- deep networks


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_the_deep_lstm_is_torchs_with_three_layers(B, T, E, H):
    theirs = nn.LSTM(E, H, num_layers=3, batch_first=True)
    (x,) = leaves_of((B, T, E))

    history = taught.deep_lstm(x, [taught.weights_of(theirs, layer) for layer in range(3)])

    output, (h_n, c_n) = theirs(x)
    top = torch.stack([state[-1][0] for state in history], dim=1)
    ours = [top, *map(torch.stack, zip(*history[-1]))]
    leaves = [x, *theirs.parameters()]
    all_equal(ours, (output, h_n, c_n))
    all_equal(derivatives(ours, leaves), derivatives((output, h_n, c_n), leaves))


@pytest.mark.parametrize("T, L", [(1, 1), (4, 1), (1, 3), (6, 3)])
def test_the_derivative_of_a_linear_stack_sums_over_its_paths(T, L):
    number = taught.paths(T - 1, L - 1)

    assert number == math.comb(T + L - 2, L - 1)
    assert math.isclose(taught.of_linear_stack(T, L), number * 0.9 ** (T - 1) * 0.7**L, rel_tol=1e-12)


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_the_sizes_of_the_derivatives_are_those_of_the_jacobian(bias):
    stack = nn.LSTM(4, 3, num_layers=2, batch_first=True)
    taught.C, taught.L = nn.Embedding(5, 4), 2
    taught.layers = [taught.weights_of(stack, layer) for layer in (0, 1)]
    layers = [taught.with_forget_bias(weights, bias) for weights in taught.layers]
    x = taught.C(torch.arange(5))[None].detach()

    sizes = taught.sizes_of_derivatives(bias)

    jacobian = torch.autograd.functional.jacobian(lambda x: taught.deep_lstm(x, layers)[-1][-1][0][0], x)
    equal(sizes[-1], jacobian[:, 0].square().sum(dim=(0, 2)).sqrt())
    states = taught.deep_lstm(x, layers)
    (h, c), (below, _) = states[-1][-1], states[-1][0]
    W_o, b_o = layers[1][3], layers[1][7]
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
    rows, model = some_names(), taught.NameLM(8, 4, 5)

    x, y = taught.padded(rows)

    scores = model(x)
    for row, together, wanted in zip(rows, scores, y):
        n = len(row) - 1
        equal(together[:n], model(row[None, :-1])[0])
        assert wanted.tolist() == row[1:].tolist() + [0] * (y.shape[1] - n)


def test_the_gradient_per_token_does_not_depend_on_the_batches():
    rows = taught.rows_to_test = some_names()
    model = taught.name_lm = taught.NameLM(8, 4, 5)
    taught.n = torch.tensor([len(row) - 1 for row in rows])
    losses = torch.cat([cross_entropy(model(row[None, :-1])[0], row[1:], reduction="none") for row in rows])
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_model_ends_with_the_best_weights_of_its_curve(kind):
    model, ids = taught.LM(KINDS[kind], 6, 4, 5), torch.randint(6, (121,))
    validation = torch.randint(6, (60,))  # nothing to learn: the more passes, the worse

    curve = taught.fit_lm(model, ids, validation, checks=2, B=2, T=10, epochs=6, lr=0.03, weight_decay=0.0)

    passes, seconds, perplexities = zip(*curve)
    assert np.allclose(passes, np.arange(1, 13) / 2)
    assert list(seconds) == sorted(seconds)
    assert min(perplexities) < perplexities[-1]
    assert math.isclose(taught.stream_perplexity(model, validation), min(perplexities), rel_tol=1e-12)


@pytest.mark.parametrize(
    "perplexities, patience, checks",
    [
        ([5, 4, 3, 4, 5, 6, 1], 2, 5),  # the best check is two checks ago
        ([5, 4, 3, 4, 5, 6, 1], 3, 6),
        ([5, 4, 3, 4, 5, 6, 1], 4, 7),  # one check before its end the training recovers
        ([5, 6, 1, 2, 0.5, 3, 4], 2, 7),
        ([5, 6, 7, 8], 1, 2),
        ([5, 6, 7, 8], math.inf, 4),
        ([5, 5, 5, 5], 2, 3),  # of equals the first is the best
    ],
)
def test_training_stops_when_the_best_check_is_patience_checks_ago(monkeypatch, perplexities, patience, checks):
    model = nn.Linear(1, 1)

    def training(model, ids):
        for step in range(1, len(perplexities) + 1):
            model.weight.data.fill_(step)
            yield step / 2

    monkeypatch.setattr(taught, "training", training)
    monkeypatch.setattr(taught, "stream_perplexity", lambda model, _: perplexities[int(model.weight) - 1])

    curve = taught.fit_lm(model, None, None, checks=2, patience=patience)

    assert [perplexity for *_, perplexity in curve] == perplexities[:checks]
    assert model.weight.item() == 1 + np.argmin(perplexities[:checks])


# --- looking inside


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_the_gates_give_the_states_of_the_lstm_at_all_steps(B, T, E, H):
    theirs, x = nn.LSTM(E, H, batch_first=True), torch.randn(B, T, E)

    gates = taught.gates_of(theirs, x)

    states, c = theirs(x)[0].detach(), torch.zeros(B, H)
    for t in range(T):
        c = gates["f"][:, t] * c + gates["i"][:, t] * gates["g"][:, t]
        equal(gates["o"][:, t] * torch.tanh(c), states[:, t])


def test_our_step_reads_brackets_like_the_trained_network():
    reader, (x, _, y) = taught.BracketReader(5), taught.bracket_strings(7, 12, seed=0)

    memories, states, scores = taught.read_brackets(reader, x)

    expected, (h_n, c_n) = reader.lstm(reader.C(x))
    all_equal((states, memories[:, -1], scores), (expected.detach(), c_n[0].detach(), reader(x).detach()))
    assert y.tolist() == [slow_count(row) for row in x.tolist()]


def test_a_held_unit_keeps_its_values_and_changes_what_comes_after():
    reader, (x, *_) = taught.BracketReader(5), taught.bracket_strings(7, 12, seed=0)
    free = taught.read_brackets(reader, x)

    held = taught.read_brackets(reader, x, unit=2, at=(0.25, -0.5))

    assert (held[0][..., 2] == 0.25).all() and (held[1][..., 2] == -0.5).all()
    others = [0, 1, 3, 4]
    equal(held[0][:, 0, others], free[0][:, 0, others])  # not held before the first step
    assert not torch.allclose(held[0][:, 1:, others], free[0][:, 1:, others])


def test_correlations_are_those_of_numpy():
    memories, depth = torch.randn(6, 9, 4), taught.bracket_strings(6, 9, seed=1)[1]

    ours = taught.correlations(memories, depth)

    columns = memories.reshape(-1, 4).numpy().T
    assert np.allclose(ours, [np.corrcoef(column, depth.flatten())[0, 1] for column in columns])


def test_the_share_of_right_answers_is_counted_step_by_step():
    scores, y = torch.randn(3, 5, 3), torch.randint(3, (3, 5))

    right = [scores[b, t].tolist().index(scores[b, t].max()) == y[b, t] for b in range(3) for t in range(5)]

    assert math.isclose(taught.share_of_right(scores, y), np.mean(right), abs_tol=1e-6)
