"""The taught gated cells, the race's tasks, and the counter, against PyTorch and slow definitions."""

import itertools
import math

import numpy as np
import pytest
import torch
from agreement import all_equal, derivatives, equal, leaves_of
from torch import nn
from torch.nn.functional import cross_entropy

from publish.taught import taught_in

taught = taught_in("05_lstm_gru")
pytestmark = pytest.mark.usefixtures("double_precision")
taught.KINDS = KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
BLOCKS = {"RNN": 1, "GRU": 3, "LSTM": 4}
SIZES = [(3, 7, 4, 5), (1, 1, 2, 3), (2, 13, 6, 1)]  # B, T, E, H


# --- the LSTM


@pytest.mark.parametrize("B, T, E, H", SIZES)
@pytest.mark.parametrize("at_once", [False, True], ids=["four products", "one product"])
def test_the_taught_lstm_is_torchs_in_states_memory_and_gradients(B, T, E, H, at_once):
    theirs = nn.LSTM(E, H, batch_first=True)
    x, h, c = leaves_of((B, T, E), (B, H), (B, H))
    W, b = taught.weights_of(theirs)

    if at_once:
        ours = taught.lstm(x, h, c, taught.lstm_step_fused, W, b)
    else:
        ours = taught.lstm(x, h, c, taught.lstm_step, *W.chunk(4, dim=1), *b.chunk(4))

    expected, (_, memory) = theirs(x, (h[None], c[None]))
    leaves = [x, h, c, *theirs.parameters()]
    all_equal(ours, (expected, memory[0]))
    all_equal(derivatives(ours, leaves), derivatives((expected, memory[0]), leaves))


def test_the_weights_of_any_layer_and_direction_are_found_by_their_ending():
    theirs = nn.LSTM(3, 4, num_layers=2, bidirectional=True)

    W, b = taught.weights_of(theirs, "l1_reverse")

    equal(W, torch.cat([theirs.weight_ih_l1_reverse, theirs.weight_hh_l1_reverse], dim=1).T)
    equal(b, theirs.bias_ih_l1_reverse + theirs.bias_hh_l1_reverse)


@pytest.mark.parametrize("bias", [0.0, 1.0, 5.0])
def test_with_cut_gates_the_derivative_is_the_product_of_the_forget_gates(bias):
    weights = taught.with_forget_bias(*taught.new_lstm(E=3, H=5), bias)

    gradients, f, d = taught.reach(torch.randn(2, 12, 3), *weights, cut=True)

    for t in range(12):
        equal(gradients[t], d * f[t:].prod(dim=0), atol=1e-12)


def test_the_cut_derivative_is_that_of_the_sum_with_gates_and_candidates_held():
    (W, b), x, small = taught.new_lstm(E=3, H=4), torch.randn(2, 6, 3), 1e-5
    zero = torch.zeros(2, 4)
    states, _ = taught.lstm(x, zero, zero, taught.lstm_step_fused, W, b)
    before = torch.cat([zero[:, None], states[:, :-1]], dim=1)
    i, f, g, _ = (torch.cat([x, before], dim=2) @ W + b).chunk(4, dim=2)

    gradients, _, d = taught.reach(x, W, b, cut=True)

    def end(c):
        for t in range(6):
            c = torch.sigmoid(f[:, t]) * c + torch.sigmoid(i[:, t]) * torch.tanh(g[:, t])
        return c

    equal(gradients[0], d * (end(zero + small) - end(zero - small)) / (2 * small), atol=1e-8)


def test_along_all_paths_the_derivative_is_a_difference_quotient():
    (W, b), x, small = taught.new_lstm(E=3, H=4), torch.randn(2, 6, 3), 1e-5
    zero = torch.zeros(2, 4)

    gradients, _, d = taught.reach(x, W, b, cut=False)

    for row, unit in itertools.product(range(2), range(4)):
        changed = torch.zeros(2, 4)
        changed[row, unit] = small
        ends = [taught.lstm(x, zero, c, taught.lstm_step_fused, W, b)[1] for c in (changed, -changed)]
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


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_that_keep_start_with_the_bias_in_all_layers_and_no_other_number_changes(kind):
    theirs = KINDS[kind](3, 4, num_layers=2)
    before = {name: parameter.clone() for name, parameter in theirs.named_parameters()}

    taught.init_forget_bias(theirs, bias=1.5)

    keeps = [1 if 4 <= row < 8 else 0 for row in range(4 * BLOCKS[kind])]  # f of i, f, g, o; z of r, z, n
    for name, parameter in theirs.named_parameters():
        expected = before[name]
        if name.startswith("bias"):
            expected = torch.where(torch.tensor(keeps) == 1, 1.5 if "_ih_" in name else 0.0, expected)
        equal(parameter, expected)


# --- exercises


@pytest.mark.parametrize("H", [1, 2, 7])
def test_the_step_of_the_exercise_is_the_lstm_step(H):
    a_f, a_i, a_g, a_o = 2 * torch.randn(4, H)
    c, nothing = torch.randn(H), torch.zeros(1 + H, 4 * H)

    ours = taught.step_from_sums_solution(*(a.numpy() for a in (a_f, a_i, a_g, a_o, c)))

    b = torch.cat([a_i, a_f, a_g, a_o])
    expected = taught.lstm_step_fused(torch.zeros(1, 1), torch.zeros(1, H), c[None], nothing, b)
    assert np.allclose(ours, [a[0] for a in expected], rtol=0, atol=1e-12)


@pytest.mark.parametrize("left, T", [(0.5, 100), (0.9, 3), (0.01, 1)])
def test_a_gate_with_the_bias_of_the_exercise_leaves_the_share(left, T):
    bias = taught.bias_for_solution(left, T)

    assert math.isclose(torch.sigmoid(torch.tensor(bias)).item() ** T, left, rel_tol=1e-9)


def test_drops_by_ablation_are_counted_row_by_row():
    rng = np.random.default_rng(0)
    states, W, b, y = rng.normal(size=(30, 4)), rng.normal(size=(4, 3)), rng.normal(size=3), rng.integers(3, size=30)

    ours = taught.ablation_drops_solution(states, W, b, y)

    for unit in range(4):
        lost = 0
        for row, answer in zip(states, y):
            ablated = [states[:, k].sum() / 30 if k == unit else value for k, value in enumerate(row)]
            lost += int((row @ W + b).argmax() == answer) - int((ablated @ W + b).argmax() == answer)
        assert math.isclose(ours[unit], lost / 30, abs_tol=1e-12)


# --- the GRU


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_the_taught_gru_is_torchs_in_states_and_gradients(B, T, E, H):
    theirs = nn.GRU(E, H, batch_first=True)
    x, h = leaves_of((B, T, E), (B, H))
    weights = theirs.weight_ih_l0.T, theirs.weight_hh_l0.T, theirs.bias_ih_l0, theirs.bias_hh_l0

    ours = taught.gru(x, h, taught.gru_step, *weights)

    expected, leaves = theirs(x, h[None])[0], [x, h, *theirs.parameters()]
    equal(ours, expected)
    all_equal(derivatives([ours], leaves), derivatives([expected], leaves))


@pytest.mark.parametrize("r, z", [(0, 1), (0, 0), (1, 0)], ids=["keeps", "forgets", "plain cell"])
def test_with_gates_at_their_ends_a_gru_is_something_simpler(r, z, E=3, H=4):
    x_t, h, other = torch.randn(2, E), torch.randn(2, H), torch.randn(2, H)
    W_x, W_h, b_x, b_h = torch.randn(E, 3 * H), torch.randn(H, 3 * H), torch.zeros(3 * H), torch.randn(3 * H)
    b_x[:H], b_x[H : 2 * H] = 200 * r - 100, 200 * z - 100

    new, from_other = (taught.gru_step(x_t, state, W_x, W_h, b_x, b_h) for state in (h, other))

    if z:
        equal(new, h)
    elif r:
        equal(new, torch.tanh(x_t @ W_x[:, 2 * H :] + h @ W_h[:, 2 * H :] + b_h[2 * H :]))
    else:
        equal(new, from_other)


# --- units, tasks, the race


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget, E", [(1520, 8), (33_280, 64), (700, 3)])
def test_one_more_unit_exceeds_the_budget(kind, budget, E):
    H = taught.units_for(kind, budget, E)

    sizes = [BLOCKS[kind] * units * (E + units + 2) for units in (H, H + 1)]  # PyTorch has two biases
    assert sizes[0] <= budget < sizes[1]
    assert taught.parameter_count(KINDS[kind](E, H)) == sizes[0]


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
def test_a_racer_starts_with_orthogonal_squares_and_open_gates(kind, blocks):
    racer = taught.Racer(kind, V=5, H=6, out=3)

    squares = racer.rnn.weight_hh_l0.detach().view(blocks, 6, 6)

    equal(squares @ squares.transpose(1, 2), torch.eye(6).repeat(blocks, 1, 1))
    if kind != "RNN":
        equal((racer.rnn.bias_ih_l0 + racer.rnn.bias_hh_l0)[6:12], torch.ones(6))


def test_a_run_of_the_race_is_the_slow_loop_and_no_batch_comes_twice(monkeypatch):
    monkeypatch.setattr(taught, "CHECKPOINTS", (2, 3))
    seen = []

    def task(B, T, seed):
        seen.append((B, T, seed))
        return taught.echo_task(B, T, seed)

    shares = taught.run_race(task, "GRU", seed=7, lr=0.02, T=6, T_test=9, V=8, out=8, test_seed=5)

    torch.manual_seed(7)
    model = taught.Racer("GRU", 8, taught.units_for("GRU", 1520, 8), 8)
    optimizer, expected = torch.optim.Adam(model.parameters(), lr=0.02), []
    for step in (1, 2, 3):
        x, y = taught.echo_task(32, 6, 8_000_000 + step)
        optimizer.zero_grad()
        cross_entropy(model(x)[:, 3:].flatten(0, 1), y[:, 3:].flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        x, y = taught.echo_task(500, 9, seed=5)
        expected.append((model(x).argmax(dim=2) == y)[:, 3:].float().mean().item())
    assert seen == [(500, 9, 5), (32, 6, 8_000_001), (32, 6, 8_000_002), (32, 6, 8_000_003)]
    assert np.allclose(shares, expected[1:], rtol=0, atol=1e-6)


def test_the_rate_is_chosen_by_its_mean_on_seeds_and_sequences_that_are_not_reported(monkeypatch):
    asked = []

    def run_race(task, kind, seed, lr, test_seed, **sizes):
        asked.append((seed, test_seed))
        return [{1.0: 0.5, 2.0: 0.7, 3.0: 0.6}[lr] + 0.2 * (seed == 100 and lr == 3.0), 0.5]

    monkeypatch.setattr(taught, "run_race", run_race)
    taught.TASKS = {"echo": (None, {})}

    chosen = taught.choose_rate("echo", "RNN", grid=(1.0, 2.0, 3.0))

    assert chosen == 2.0
    assert {test_seed for _, test_seed in asked} == {1} and not {seed for seed, _ in asked} & set(range(5))


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


def test_the_share_of_right_answers_is_counted_step_by_step_where_there_is_one():
    scores, y = torch.randn(3, 5, 3), torch.randint(3, (3, 5))
    y[:, :2] = -100

    right = [scores[b, t].tolist().index(scores[b, t].max()) == y[b, t] for b in range(3) for t in range(2, 5)]

    assert math.isclose(taught.share_of_right(scores, y), np.mean(right), abs_tol=1e-6)


def test_drops_of_a_reader_are_those_of_running_it_with_each_unit_held():
    reader = taught.BracketReader(4)
    x, _, y = taught.bracket_strings(9, 11, seed=0)
    taught.x, taught.y = x, y

    drops = taught.drops_of(reader)

    cells, states, scores = taught.read_brackets(reader, x)
    for unit in range(4):
        at = cells[..., unit].mean().item(), states[..., unit].mean().item()
        held = taught.read_brackets(reader, x, unit, at)[2]
        lost = (scores.argmax(dim=2) == y).sum() - (held.argmax(dim=2) == y).sum()
        assert math.isclose(drops[unit], 100 * lost / y.numel(), abs_tol=1e-4)
