"""Notebook 07_seq2seq: number words, the translator, attention, and the stack in one number."""

import random
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from publish.taught import taught_in

CASES = {
    0: ("zero", "null"),
    1: ("one", "eins"),
    16: ("sixteen", "sechzehn"),
    21: ("twenty one", "ein und zwanzig"),
    70: ("seventy", "siebzig"),
    100: ("one hundred", "ein hundert"),
    101: ("one hundred and one", "ein hundert eins"),
    1_000: ("one thousand", "ein tausend"),
    1_001: ("one thousand and one", "ein tausend eins"),
    17_030: ("seventeen thousand and thirty", "siebzehn tausend dreißig"),
    101_000: ("one hundred and one thousand", "ein hundert ein tausend"),
    321_721: (
        "three hundred and twenty one thousand seven hundred and twenty one",
        "drei hundert ein und zwanzig tausend sieben hundert ein und zwanzig",
    ),
    1_000_000: ("one million", "eine Million"),
    1_000_001: ("one million and one", "eine Million eins"),
    21_000_000: ("twenty one million", "ein und zwanzig Millionen"),
    300_000_005: ("three hundred million and five", "drei hundert Millionen fünf"),
}


@pytest.fixture(scope="module")
def taught():
    return taught_in("07_seq2seq")


@pytest.mark.parametrize("n", CASES)
def test_numbers_are_spelt_as_in_a_grammar_book(taught, n):
    assert (" ".join(taught.english(n)), " ".join(taught.german(n))) == CASES[n]


def test_no_two_numbers_share_a_form(taught):
    numbers = [*range(20_000), *random.Random(0).sample(range(20_000, 10**9), 20_000)]

    for spell in (taught.english, taught.german):
        assert len({tuple(spell(n)) for n in numbers}) == len(numbers)


def test_drawn_numbers_differ_and_leave_out_the_disputed_ones(taught):
    numbers = taught.draw_numbers(3000, seed=1)

    assert len(set(numbers)) == 3000 and max(numbers) < 10**9
    assert not any(n // 10**6 % 100 == 1 and n // 10**6 != 1 for n in numbers)
    assert numbers == taught.draw_numbers(3000, seed=1) != taught.draw_numbers(3000, seed=2)


def model_of(taught, name, V_x=11, V_y=9, E=6, H=8):
    """A translator in float64, untrained."""
    torch.manual_seed(3)
    if name == "v":
        return taught.Translator(V_x, V_y, E, H).double()
    score = taught.Dot() if name == "dot" else taught.Additive(H)
    return taught.Attentive(V_x, V_y, E, H, score).double()


def rows(B, longest, V, seed):
    """Random rows (B, longest) that end with EOS = 2, the shorter ones padded; the first one is full."""
    rng = random.Random(seed)
    lengths = [longest, *(rng.randint(1, longest) for _ in range(B - 1))]
    table = torch.zeros(B, longest, dtype=torch.long)
    for row, n in zip(table, lengths):
        row[: n - 1] = torch.tensor([rng.randrange(3, V) for _ in range(n - 1)])
        row[n - 1] = 2
    return table


@pytest.mark.parametrize("name", ["v", "dot", "additive"])
def test_one_step_after_the_other_equals_all_steps_at_once(taught, name):
    model, x, y = model_of(taught, name), rows(4, 5, 11, seed=0), rows(4, 7, 9, seed=1)

    at_once = torch.log_softmax(model(x, y), dim=2)
    state, one_by_one = model.start(x), []
    for w in taught.shift_right(y).unbind(dim=1):
        log_p, state = model.step(w, state)
        one_by_one.append(log_p)

    torch.testing.assert_close(torch.stack(one_by_one, dim=1), at_once, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["v", "dot", "additive"])
def test_scores_depend_neither_on_padding_nor_on_the_other_rows(taught, name):
    model, x, y = model_of(taught, name), rows(4, 5, 11, seed=0), rows(4, 7, 9, seed=1)

    together = model(torch.cat([x, torch.zeros(4, 3, dtype=torch.long)], dim=1), y)
    alone = torch.cat([model(source[source > 0][None], target[None]) for source, target in zip(x, y)])

    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["v", "dot", "additive"])
def test_the_decoder_does_not_see_the_words_that_it_is_to_write(taught, name):
    model, x, y = model_of(taught, name), rows(2, 5, 11, seed=0), rows(2, 7, 9, seed=1)
    changed = y.clone()
    changed[:, 3:] = 5

    torch.testing.assert_close(model(x, y)[:, :4], model(x, changed)[:, :4], rtol=0, atol=0)
    assert not torch.equal(model(x, y)[:, 4:], model(x, changed)[:, 4:])


def test_attention_equals_torchs(taught, B=3, S=6, T=4, H=5):
    s, h = torch.randn(B, T, H, dtype=torch.float64), torch.randn(B, S, H, dtype=torch.float64)
    is_word = torch.arange(S) < torch.tensor([[6], [1], [4]])

    context, alpha = taught.attend(taught.Dot(), s, h, is_word)

    expected = scaled_dot_product_attention(s, h, h, attn_mask=is_word[:, None])
    torch.testing.assert_close(context, expected, rtol=0, atol=1e-12)
    assert (alpha.sum(dim=2) - 1).abs().max() < 1e-12 and (alpha[1, :, 1:] == 0).all()


def test_attention_to_nothing_but_pad_is_refused(taught):
    s, h = torch.randn(2, 4, 5), torch.randn(2, 3, 5)
    is_word = torch.tensor([[True, True, False], [False, False, False]])

    with pytest.raises(ValueError, match="nothing but PAD"):
        taught.attend(taught.Dot(), s, h, is_word)


def test_additive_scores_equal_a_loop(taught, B=2, S=4, T=3, H=5):
    score = taught.Additive(H).double()
    s, h = torch.randn(B, T, H, dtype=torch.float64), torch.randn(B, S, H, dtype=torch.float64)
    W_s, W_h, u = score.W_s.weight.T, score.W_h.weight.T, score.u.weight.T

    found = score(s, h)

    for b, t, j in np.ndindex(B, T, S):
        expected = (torch.tanh(s[b, t] @ W_s + h[b, j] @ W_h) @ u).item()
        assert found[b, t, j].item() == pytest.approx(expected, abs=1e-12)


def test_both_ends_of_padded_rows_are_those_of_a_bidirectional_lstm(taught, E=4, H=3):
    theirs = torch.nn.LSTM(E, H, batch_first=True, bidirectional=True).double()
    chains = [torch.nn.LSTM(E, H, batch_first=True).double() for _ in range(2)]
    for chain, ending in zip(chains, ("", "_reverse")):
        chain.load_state_dict({name: getattr(theirs, name + ending).detach() for name in chain.state_dict()})
    e, length = torch.randn(3, 6, E, dtype=torch.float64), torch.tensor([4, 6, 1])

    states, h, c = taught.read_both_ends(*chains, e, length)

    for b, n in enumerate(length):
        expected, (h_n, c_n) = theirs(e[b : b + 1, :n])
        torch.testing.assert_close(states[b, :n], expected[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(h[b], h_n[:, 0].flatten(), rtol=0, atol=1e-12)
        torch.testing.assert_close(c[b], c_n[:, 0].flatten(), rtol=0, atol=1e-12)


def test_a_translator_learns_to_copy(taught):
    x = rows(64, 5, 9, seed=4)
    torch.manual_seed(0)
    model = taught.Attentive(9, 9, 16, 16, taught.Dot())

    losses = taught.train_translator(model, x, x, seed=0, steps=200, B=32, lr=0.02)

    assert taught.exact_match(taught.greedy(model, x, 6), x).float().mean() > 0.9
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("bits", [[], [0], [1, 1, 0], [0, 1, 0, 0, 1, 1, 1, 0]])
def test_the_stack_gives_its_bits_back(taught, bits):
    s = Fraction(0)
    for bit in bits:
        s = taught.push(s, bit)

    popped = []
    for _ in bits:
        bit, s = taught.pop(s)
        popped.append(bit)

    assert popped == bits[::-1] and s == 0
