"""The taught gradients, cells, clipping and truncation against autograd, PyTorch and slow definitions."""

import itertools
import math
import random

import numpy as np
import pytest
import torch
from agreement import equal
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from publish.taught import taught_in

taught = taught_in("04_vanishing_gradients")
pytestmark = pytest.mark.usefixtures("double_precision")
taught.BLOCKS = {taught.tanh_cell: 1, taught.relu_cell: 1, taught.lstm_cell: 4, taught.gru_cell: 3}
taught.NAMES, taught.ROOMS = ["John", "Mary", "Daniel", "Emma"], ["hallway", "garden"]
# torch's module for each cell
MODULES = {
    taught.tanh_cell: nn.RNN,
    taught.relu_cell: lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    taught.lstm_cell: nn.LSTM,
    taught.gru_cell: nn.GRU,
}


# --- the chain of numbers


def random_chain(T, seed):
    """Inputs (T,), start and the three weights of a chain."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=T), *rng.normal(size=4)


@pytest.mark.parametrize("T, seed", [*itertools.product((1, 2, 3, 17), range(3))])
def test_the_general_formula_is_the_gradient_by_each_weight(T, seed):
    x, s_0, W_S, W_I, b = random_chain(T, seed)
    leaves = [torch.tensor(weight, requires_grad=True) for weight in (W_S, W_I, b)]
    taught.f(taught.chain(x, torch.tensor(s_0), *leaves)[1][-1]).backward()

    t, s = taught.chain(x, s_0, W_S, W_I, b)
    ours = [taught.chain_gradient(t, W_S, taught.f_prime(s[-1]), last) for last in (s[:-1], x, np.ones(T))]

    assert np.allclose(ours, [leaf.grad.item() for leaf in leaves], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_of_the_exercise_sum_to_the_gradient(seed):
    x, s_0, W_S, W_I, b = random_chain(9, seed)
    t, s = taught.chain(x, s_0, W_S, W_I, b)

    parts = taught.gradient_parts_solution(x, t, W_S, taught.f_prime(s[-1]))

    assert math.isclose(sum(parts), taught.chain_gradient(t, W_S, taught.f_prime(s[-1]), x), rel_tol=1e-9)


def test_the_two_judges_agree_on_a_known_slope():
    assert math.isclose(taught.by_autograd(lambda w: w**3, 2.0), 12)
    assert math.isclose(taught.by_differences(lambda w: w**3, 2.0), 12, rel_tol=1e-9)


# --- networks


@pytest.mark.parametrize("B, T, E, H", [(3, 7, 4, 5), (1, 1, 2, 3), (2, 20, 6, 1)])
def test_backpropagation_through_time_gives_the_gradient_by_each_copy(B, T, E, H):
    taught.H, taught.W_hh, taught.b_h = H, torch.randn(H, H), torch.randn(H)
    x, d_states = torch.randn(B, T, E), torch.randn(B, T, H)
    copies = [torch.randn(E, H).requires_grad_()]
    copies += [copies[0].detach().clone().requires_grad_() for _ in range(T - 1)]
    states = taught.states_of(x, copies)
    (states * d_states).sum().backward()

    delta = taught.bptt(states.detach(), taught.W_hh, d_states)

    equal(torch.einsum("bte,bth->teh", x, delta), torch.stack([copy.grad for copy in copies]))


@pytest.mark.parametrize("B, T, H", [(3, 7, 5), (1, 1, 3)])
def test_the_influence_of_the_start_is_the_jacobian(B, T, H):
    W_hh, drives = torch.randn(H, H), torch.randn(B, T, H)

    def last(h):
        for a in drives[-1]:
            h = torch.tanh(a + h @ W_hh)
        return h

    ours = taught.influence_of_start(W_hh, drives)

    equal(ours[-1].T, torch.autograd.functional.jacobian(last, torch.zeros(H)))


@pytest.mark.parametrize("cell", MODULES, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_networks_side_by_side_are_torch_networks_one_by_one(cell, bias):
    R, V, H, K, B, T = 3, 6, 5, 2, 4, 7
    weights = [W.requires_grad_() for W in taught.new_networks(cell, R, V, H, K, bias=bias)]
    x, direction = torch.randint(V, (B, T)), torch.randn(R, B, K)

    scores = taught.scores(cell, weights, x)
    (scores * direction).sum().backward()

    for r in range(R):
        module = MODULES[cell](V, H, batch_first=True)
        W_xh, W_hh, b_h, W_hy, b_y = (W[r].detach() for W in weights)
        for theirs, ours in zip(module.parameters(), (W_xh.T, W_hh.T, b_h[0], 0 * b_h[0])):
            theirs.data = ours.clone()
        expected = module(one_hot(x, V).double())[0][:, -1] @ W_hy + b_y
        (expected * direction[r]).sum().backward()
        equal(scores[r], expected)
        equal(weights[0].grad[r], module.weight_ih_l0.grad.T)
        equal(weights[1].grad[r], module.weight_hh_l0.grad.T)


def test_the_starts_of_the_recurrent_weights_are_what_their_names_say():
    identity, orthogonal = (
        taught.new_networks(taught.tanh_cell, 2, 3, 6, 2, W_hh=name)[1] for name in ("identity", "orthogonal")
    )

    equal(identity, torch.eye(6).repeat(2, 1, 1))
    equal(orthogonal @ orthogonal.transpose(1, 2), torch.eye(6).repeat(2, 1, 1))


@pytest.mark.parametrize("cell", MODULES, ids=lambda cell: cell.__name__)
def test_a_profile_holds_the_parts_of_the_gradient(cell):
    weights = taught.new_networks(cell, 2, 12, 5, 4)
    x, y = taught.recall(9, torch.Generator().manual_seed(0))(6)
    leaves = [W.clone().requires_grad_() for W in weights]
    (cross_entropy(taught.scores(cell, leaves, x).flatten(0, 1), y.repeat(2)) * 2).backward()

    parts, norms = taught.profile(cell, weights, x, y)

    equal(parts.sum(0), leaves[0].grad)
    equal(norms, parts.square().sum(dim=(2, 3)).sqrt())


def test_clipping_each_network_is_clipping_it_alone():
    limit = torch.tensor([0.5, math.inf, 100.0])
    weights = [nn.Parameter(torch.zeros(3, 2, 4)), nn.Parameter(torch.zeros(3, 1, 5))]
    for W in weights:
        W.grad = torch.randn_like(W) * 3
    alone = [[nn.Parameter(torch.zeros_like(W[r])) for W in weights] for r in range(3)]
    for r, network in enumerate(alone):
        for W, stacked in zip(network, weights):
            W.grad = stacked.grad[r].clone()
        if limit[r] < math.inf:
            nn.utils.clip_grad_norm_(network, limit[r].item())

    taught.clip_each(weights, limit)

    for r, network in enumerate(alone):
        for W, stacked in zip(network, weights):
            equal(stacked.grad[r], W.grad, atol=1e-5)


def test_networks_side_by_side_learn_as_if_alone():
    def fitted(rows):
        torch.manual_seed(0)
        weights = [W[rows].clone().requires_grad_() for W in taught.new_networks(taught.gru_cell, 3, 12, 5, 4)]
        draw, adam = taught.recall(6, torch.Generator().manual_seed(1)), torch.optim.Adam(weights, 0.01)
        taught.fit(taught.gru_cell, weights, draw, adam, 5, torch.ones(len(weights[0])))
        return weights

    together, alone = fitted([0, 1, 2]), fitted([1])

    for all_three, one in zip(together, alone):
        equal(all_three[1:2], one, atol=1e-8)


# --- the cliff, stories, truncation


@pytest.mark.parametrize("w, b", [(5.0, -1.0), (4.0, -3.0), (6.5, 0.2)])
def test_the_slope_of_the_cliff_is_a_difference_quotient(w, b):
    _, gradient = taught.slope(w, b)
    in_w = taught.by_differences(lambda w: taught.slope(w, b)[0], w)
    in_b = taught.by_differences(lambda b: taught.slope(w, b)[0], b)

    assert np.allclose(gradient, [in_w, in_b], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("k", [0, 1, 4])
def test_a_story_is_about_the_friend_who_walked_in_too(k):
    for seed in range(20):
        words, friend = taught.story(k, random.Random(seed))
        assert len(words) == 13 + 5 * k
        assert words[5:9] == [friend, "walked", "in", "too"]
        assert words[0] == words[-4] != friend
        assert friend not in words[9:]
        assert len({*words} & {*taught.NAMES}) == (3 if k else 2)  # all between are about one other person


@pytest.mark.parametrize("T, k1, k2", [(6, 2, 4), (12, 4, 4), (7, 1, 3), (10, 4, 6), (5, 5, 9)])
def test_truncated_gradients_flow_through_the_passes_of_the_exercise(T, k1, k2):
    reached = []
    for t in range(k1, T + 1, k1):
        kept = [torch.zeros(1)] + [torch.ones(1, requires_grad=True) for _ in range(T)]
        first = max(0, t - k2)
        sum(kept[first + 1 : t + 1]).backward()
        steps = [i for i, h in enumerate(kept) if i and h.grad is not None]
        reached.append((steps[0], steps[-1]))

    assert taught.passes_solution(T, k1, k2) == reached


def test_a_state_carried_over_windows_gives_the_scores_of_one_run():
    taught.DELAYS, taught.K, taught.B, taught.H = range(1, 4), 4, 2, 5
    weights = taught.new_networks(taught.tanh_cell, 3, 4, 5, 4, "orthogonal")
    x, y = taught.delayed(24, torch.Generator().manual_seed(0))
    zero = (torch.zeros(3, 2, 5),)

    whole, _ = taught.scores_along(weights, x, zero)
    first, states = taught.scores_along(weights, x[:, :9], zero)
    second, _ = taught.scores_along(weights, x[:, 9:], states[-1])

    equal(torch.cat([first, second], dim=1), whole)
    assert torch.equal(y[1, :, 2:], x[:, :-2])  # delay 2
