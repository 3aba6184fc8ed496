"""Writers that are asked for something, the judge of colours, Bayes' rule and the reviews of notebook 08."""

import itertools
import math
import random

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.taught.seq2seq import shift_right
from publish.taught import taught_in

taught = taught_in("08_on_request")
PAD, BOS, EOS = taught.PAD, taught.BOS, taught.EOS


@pytest.fixture
def reviews():
    """The vocabulary of the reviews, whose definitions are assignments, put where the taught functions look."""
    things, good, bad = ["soup", "staff"], ["fresh", "great"], ["cold", "rude"]
    clauses = {
        f"the {thing} was {degree}{word}": (1 if word in good else -1) * (-1 if "not" in degree else 1)
        for thing, degree, word in itertools.product(things, ["", "very ", "not "], good + bad)
    }
    of_sign = {sign: [text for text in clauses if clauses[text] == sign] for sign in (1, -1)}
    values = {"CLAUSES": clauses, "CLAUSES_OF": of_sign, "GOOD": good, "BAD": bad}
    for function in (taught.review, taught.sentiment, taught.by_words):
        function.__globals__.update(values)
    return clauses


def random_writer(encoder, seed=0, V=5, H=4, scale=4):
    """An untrained writer with weights large enough to have preferences."""
    torch.manual_seed(seed)
    model = taught.ConditionalLM(encoder, V, 3, H)
    for part in model.parameters():
        part.data *= scale
    return model.eval()


def table(K, H=4, seed=3):
    torch.manual_seed(seed)
    return nn.Embedding(K, H)


# --- a request sets the first state


def test_a_request_that_says_nothing_gives_the_plain_writer(double_precision, V=9, E=5, H=7):
    silent = nn.Linear(3, H)
    nn.init.zeros_(silent.weight)
    nn.init.zeros_(silent.bias)
    asked, plain = taught.ConditionalLM(silent, V, E, H).eval(), taught.Writer(V, E, H).eval()
    plain.load_state_dict(asked.state_dict(), strict=False)
    x, y = torch.randn(4, 3), torch.randint(3, V, (4, 6))

    torch.testing.assert_close(asked(x, y), plain(x, y), rtol=0, atol=0)
    torch.testing.assert_close(asked.start(x), plain.start(x), rtol=0, atol=0)


@pytest.mark.parametrize("encoder, x", [
    (nn.Linear(3, 6), torch.rand(5, 3)),
    (nn.Embedding(24, 6), torch.tensor([0, 23, 4, 4, 1])),
    (nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 6)), torch.rand(5, 2)),
])  # fmt: skip
def test_state_and_memory_have_a_row_for_each_request(encoder, x):
    h, c = taught.ConditionalLM(encoder, 9, 4, 6).start(x)

    assert h.shape == c.shape == (5, 6)
    torch.testing.assert_close(c, encoder(x))
    torch.testing.assert_close(h, torch.tanh(encoder(x)))


def test_steps_give_what_teacher_forcing_gives(double_precision, V=8):
    model, x = random_writer(table(3), V=V, scale=1), torch.tensor([0, 2, 1, 2])
    y = torch.randint(3, V, (4, 5))

    state, at_once = model.start(x), torch.log_softmax(model(x, y), dim=2)

    for t, w in enumerate(shift_right(y).T):
        log_p, state = model.step(w, state)
        torch.testing.assert_close(log_p, at_once[:, t], rtol=0, atol=1e-12)


def test_the_encoder_is_trained_with_the_rest():
    model = taught.ConditionalLM(table(2, 16), 6, 8, 16)
    before = model.encoder.weight.detach().clone()
    x, y = torch.tensor([0, 1] * 20), torch.tensor([[3, 4, EOS], [4, 5, EOS]] * 20)

    losses = list(taught.train_writer(model, x, y, 0, passes=20, B=20, lr=0.05))

    assert losses[-1] < 0.2 < losses[0]
    assert (model.encoder.weight != before).all(dim=1).all()
    assert taught.write(model.eval(), torch.tensor([1, 0]), lambda log_p: log_p.argmax(dim=1), 3).tolist() == [
        [4, 5, EOS],
        [3, 4, EOS],
    ]


def test_losses_of_letters_add_up_to_log_p(double_precision, V=7):
    model, x = random_writer(table(2), V=V), torch.tensor([1, 0, 1])
    y = torch.tensor([[3, 4, EOS], [5, EOS, PAD], [EOS, PAD, PAD]])

    losses = taught.letter_losses(model, x, y)

    assert (losses[y == PAD] == 0).all()
    ended = torch.where(y == PAD, EOS, y)
    torch.testing.assert_close(-losses.sum(dim=1), taught.log_p_of(model, x, ended), rtol=0, atol=1e-10)


# --- searching and drawing


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_that_drops_nothing_is_exhaustive_search(double_precision, seed, V=4, longest=4):
    model, x = random_writer(table(3), seed, V), torch.tensor([2, 0])
    words = [w for w in range(V) if w != EOS]
    rows = [
        [*row, *[EOS] * (longest - n)] for n in range(longest + 1) for row in itertools.product(words, repeat=n)
    ]  # fmt: skip
    every = torch.tensor(rows)

    kept, total = taught.beam_search(model, x, len(rows), longest)

    for b in range(2):
        log_p = taught.log_p_of(model, x[b : b + 1].expand(len(rows)), every).sort(descending=True)
        assert torch.equal(kept[b], every[log_p.indices])
        torch.testing.assert_close(total[b], log_p.values, rtol=0, atol=1e-10)
        assert total[b].exp().sum().item() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("T", [0.5, 1.0, 2.0])
def test_drawn_shares_are_the_probabilities_at_the_temperature(T, draws=20_000):
    torch.manual_seed(0)
    p = torch.tensor([0.5, 0.3, 0.2])

    drawn = taught.drawn_at(T)(p.log().expand(draws, 3)).bincount(minlength=3) / draws

    expected = p ** (1 / T) / (p ** (1 / T)).sum()
    assert (drawn - expected).abs().max() < 5 * math.sqrt(0.25 / draws)


# --- mixing and exchanging encoders


def test_a_mixture_goes_from_one_label_to_the_other(double_precision):
    encoder = table(4)
    mixture = taught.Mixture(encoder, 3, 1)

    v = mixture(torch.tensor([0.0, 1.0, 0.25], dtype=torch.float64))

    expected = [encoder.weight[3], encoder.weight[1], 0.75 * encoder.weight[3] + 0.25 * encoder.weight[1]]
    torch.testing.assert_close(v, torch.stack(expected).detach())


def test_a_writer_behind_its_own_encoder_is_itself(double_precision):
    model = random_writer(table(3))
    x, y = torch.tensor([0, 2]), torch.tensor([[3, 4, EOS], [4, EOS, PAD]])

    torch.testing.assert_close(taught.with_encoder(model, model.encoder)(x, y), model(x, y), rtol=0, atol=0)
    other = taught.with_encoder(model, nn.Linear(2, 4))
    torch.testing.assert_close(other.lstm.weight_hh_l0, model.lstm.weight_hh_l0)
    assert other(torch.rand(2, 2), y).shape == (2, 3, 5)


# --- Bayes' rule


@pytest.mark.parametrize("K", [2, 5, 24])
def test_bayes_rule_is_the_share_among_drawn_pairs(K):
    rng = np.random.default_rng(K)
    p_text, prior = rng.dirichlet(np.full(7, 0.5), size=K), rng.dirichlet(np.full(K, 2.0))
    joint = prior[:, None] * p_text  # (K labels, 7 texts)

    for text in range(7):
        found = taught.label_probabilities_solution(np.log(p_text[:, text]), prior)
        np.testing.assert_allclose(found, joint[:, text] / joint[:, text].sum(), rtol=1e-10)


def test_texts_of_any_length_have_probabilities():
    found = taught.label_probabilities_solution(np.array([-8000.0, -8001.0]), np.array([0.5, 0.5]))

    np.testing.assert_allclose(found, [math.e / (1 + math.e), 1 / (1 + math.e)])


# --- colours


@pytest.mark.parametrize("rgb, expected", [
    ((1, 1, 1), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (53.24, 80.09, 67.20)),
    ((0, 1, 0), (87.73, -86.18, 83.18)), ((0, 0, 1), (32.30, 79.19, -107.86)), ((0.5, 0.5, 0.5), (53.39, 0, 0)),
])  # fmt: skip
def test_lab_has_the_published_values(rgb, expected):
    taught.lab.__globals__["TO_XYZ"] = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )

    np.testing.assert_allclose(taught.lab(np.array([rgb], dtype=float))[0], expected, atol=0.02)


@pytest.mark.parametrize("names", [
    ("greenish blue", "green blue", "bluegreen", "blue/green", "bluey green"),
    ("purple", "purplish", "purpley"), ("grey", "gray", "greyish"),
])  # fmt: skip
def test_near_duplicates_are_one_family(names):
    assert len({taught.family(name) for name in names}) == 1


def test_strangers_are_not():
    assert taught.family("red") != taught.family("blue") != taught.family("light blue")


def test_places_in_words_count_the_letters_before():
    assert taught.place_in_word(["red rose", "a/bc"]).tolist() == [
        [0, 1, 2, 3, 0, 1, 2, 3, 4],
        [0, 1, 0, 1, 2, *[-1] * 4],
    ]


# --- reviews


def test_the_sentiment_of_all_reviews_is_that_of_their_last_clause(reviews):
    for text, sign in reviews.items():
        assert taught.sentiment(text) == sign
    for (a, sign_a), (b, sign_b) in itertools.product(reviews.items(), repeat=2):
        right, wrong = ("and", "but") if sign_a == sign_b else ("but", "and")
        assert taught.sentiment(f"{a} {right} {b}") == sign_b
        assert taught.sentiment(f"{a} {wrong} {b}") == 0


@pytest.mark.parametrize("text", [
    "", " ", "the soup", "the soup was", "the soup was fresh.", "the soup was not not fresh", "soup was fresh", "and",
    "the soup was fresh and", "the soup was fresh but",
    "the soup was fresh and the staff was great and the soup was fresh",
    "the soup was fresh\n", " the soup was fresh", "the soup  was fresh",
])  # fmt: skip
def test_what_is_no_review_has_no_sentiment(reviews, text):
    assert taught.sentiment(text) == 0


def test_drawn_reviews_have_the_sign_asked_for(reviews):
    dice = random.Random(0)
    for sign in (1, -1):
        drawn = [taught.review(sign, dice) for _ in range(500)]
        assert {taught.sentiment(text) for text in drawn} == {sign}
        assert 0.4 < np.mean([text in reviews for text in drawn]) < 0.6


def test_counting_words_misses_negation(reviews):
    assert taught.by_words("the soup was fresh") == 1 == -taught.by_words("the staff was rude")
    assert taught.by_words("the soup was not fresh") == 1
    assert taught.by_words("the soup was fresh but the staff was rude") == 0
