"""The conventions of the GRU, the relatives of the LSTM and the paths through a stack, against slow programs."""

import math

import numpy as np
import pytest
import torch
from agreement import all_equal, derivatives, equal, leaves_of
from torch import nn

from publish.taught import taught_in

taught, lecture = taught_in("deeper/05_gru_conventions"), taught_in("05_lstm_gru")
pytestmark = pytest.mark.usefixtures("double_precision")
SIZES = [(3, 7, 4, 5), (1, 1, 2, 3), (2, 13, 6, 1)]  # B, T, E, H


# --- three conventions


def gru_weights(E, H, biases=3):
    return leaves_of(*3 * [(E + H, H)], *biases * [(H,)])


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_the_torch_form_is_torchs_gru_in_states_and_gradients(B, T, E, H):
    theirs = nn.GRU(E, H, batch_first=True)
    x, h = leaves_of((B, T, E), (B, H))
    blocks = [theirs.weight_ih_l0.chunk(3), theirs.weight_hh_l0.chunk(3)]
    W_r, W_z, W_h = (torch.cat([W.T, U.T]) for W, U in zip(*blocks))
    (b_r, b_z, b_h), (c_r, c_z, c_h) = theirs.bias_ih_l0.chunk(3), theirs.bias_hh_l0.chunk(3)

    ours = taught.gru(x, h, taught.gru_torch, W_z, W_r, W_h, b_z + c_z, b_r + c_r, b_h, c_h)

    expected, leaves = theirs(x, h[None])[0], [x, h, *theirs.parameters()]
    equal(ours, expected)
    all_equal(derivatives([ours], leaves), derivatives([expected], leaves))


@pytest.mark.parametrize("B, T, E, H", SIZES)
def test_a_negated_update_gate_turns_one_convention_into_the_other(B, T, E, H):
    x, h, *weights = [*leaves_of((B, T, E), (B, H)), *gru_weights(E, H)]
    leaves = [x, h, *weights]

    cs224n = taught.gru(x, h, taught.gru_cs224n, *weights)
    cho = taught.gru(x, h, taught.gru_cho, *taught.negated(weights))

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

    inside = taught.gru(x, h, taught.gru_cho, *weights)
    outside = taught.gru(x, h, taught.gru_torch, *weights, torch.zeros(H))

    assert torch.allclose(inside, outside, rtol=0, atol=1e-10) == (case != "general")


@pytest.mark.parametrize("bias", [-4.0, 0.0, 2.5])
def test_the_share_that_is_left_is_the_state_of_a_cell_that_sees_nothing(bias):
    H = 3
    weights = [*torch.zeros(3, 2 + H, H), torch.full((H,), bias), *torch.zeros(2, H)]
    nothing, one = torch.zeros(1, 9, 2), torch.ones(1, H)
    for convention, step in (("small u keeps", taught.gru_cs224n), ("large z keeps", taught.gru_cho)):
        left = taught.state_left(bias, convention, T=9)

        assert np.allclose(left[1:], taught.gru(nothing, one, step, *weights)[0, :, 0], rtol=0, atol=1e-12)


# --- relatives of the LSTM


@pytest.mark.parametrize("coupled", [False, True])
def test_a_memory_that_is_written_to_at_each_step_is_a_geometric_series(coupled):
    f, g = 1 / (1 + math.exp(-3)), math.tanh(3)
    for steps in (0, 1, 9):
        series = g * (1 - f**steps) / (1 - f)

        assert math.isclose(taught.written(steps, coupled), (1 - f) * series if coupled else series, abs_tol=1e-12)


@pytest.mark.parametrize("H", [1, 2, 7])
def test_without_peepholes_the_step_is_the_plain_one(H):
    rng = np.random.default_rng(H)
    sums, c = rng.normal(size=(4, H)), rng.normal(size=H)

    ours = taught.peephole_step_solution(*sums, c, *np.zeros((3, H)))

    assert np.allclose(ours, lecture.step_from_sums_solution(*sums, c), rtol=0, atol=1e-14)


def test_peepholes_add_the_old_memory_to_two_sums_and_the_new_one_to_the_third():
    a_f, a_i, a_g, a_o, c, p_f, p_i, p_o = np.random.default_rng(0).normal(size=(8, 5))

    h, new = taught.peephole_step_solution(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o)

    expected = lecture.step_from_sums_solution(a_f + p_f * c, a_i + p_i * c, a_g, a_o + p_o * new, c)
    assert np.allclose((h, new), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("H", [1, 2, 7])
def test_the_coupled_step_is_the_plain_one_with_one_minus_f_as_input_gate(H):
    a_f, a_g, a_o, c = np.random.default_rng(H).normal(size=(4, H))

    ours = taught.coupled_step_solution(a_f, a_g, a_o, c)

    expected = lecture.step_from_sums_solution(a_f, -a_f, a_g, a_o, c)  # 1 − σ(a) = σ(−a)
    assert np.allclose(ours, expected, rtol=0, atol=1e-14)


# --- a stack


@pytest.mark.parametrize("T, L", [(1, 1), (4, 1), (1, 3), (6, 3)])
def test_the_derivative_of_a_linear_stack_sums_over_its_paths(T, L):
    number = taught.paths(T - 1, L - 1)

    assert number == math.comb(T + L - 2, L - 1)
    assert math.isclose(taught.of_linear_stack(T, L), number * 0.9 ** (T - 1) * 0.7**L, rel_tol=1e-12)
