"""The taught beam search, sampling and exhaustive listing of notebook 07 against slow definitions."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from publish.taught import taught_in

taught = taught_in("07_translation")
EOS = taught.EOS
pytestmark = pytest.mark.usefixtures("double_precision")


def random_model(seed, V=5, scale=4):
    """An untrained translator of sources over five words, with weights large enough to have preferences."""
    torch.manual_seed(seed)
    model = taught.OneVector(V_x=5, V_y=V, E=3, H=4)
    for part in model.parameters():
        part.data *= scale
    return model


def sources(*lengths):
    """A padded batch of random sources, each ended by EOS."""
    return pad_sequence(
        [torch.cat([torch.randint(3, 5, (n - 1,)), torch.tensor([EOS])]) for n in lengths], batch_first=True
    )


def rows_and_scores(model, x, V, longest, alpha=0.0):
    """All that can be written for one source, {words up to EOS: (log p, score)}, from the teacher-forced scores."""
    found = {}
    for row in itertools.product(range(V), repeat=longest):
        y = row[: row.index(EOS) + 1] if EOS in row else row
        log_p = torch.log_softmax(model(x, torch.tensor([y])), dim=2)[0]
        total = sum(log_p[t, word].item() for t, word in enumerate(y))
        found[y] = total, total / len(y) ** alpha
    return found


def up_to_eos(row):
    row = row.tolist()
    return tuple(row[: row.index(EOS) + 1] if EOS in row else row)


def slow_beam(model, x, k, longest, alpha):
    """Beam search for one source over lists of words; each beginning is read from its start at every step."""
    kept = [((), 0.0)]
    for _ in range(longest):
        longer = []
        for y, total in kept:
            if EOS in y:
                longer.append((y, total))
                continue
            with_any = torch.tensor([[*y, 0]])  # the last word is to be predicted
            log_p = torch.log_softmax(model(x, with_any), dim=2)[0, -1].tolist()
            longer += [((*y, word), total + log_p[word]) for word in range(len(log_p))]
        kept = sorted(longer, key=lambda found: -found[1] / len(found[0]) ** alpha)[:k]
    return kept


# --- what can be written


@pytest.mark.parametrize("V, longest", [(3, 1), (4, 3), (5, 4)])
def test_everything_lists_each_row_once(V, longest):
    rows = [up_to_eos(row) for row in taught.all_sequences(V, longest)]

    n = V - 1
    assert len(set(rows)) == len(rows) == sum(n**t for t in range(longest + 1))


@pytest.mark.parametrize("seed", range(3))
def test_log_p_is_the_teacher_forced_one_and_sums_to_one(seed, V=4, longest=3):
    model, x, rows = random_model(seed, V), sources(4), taught.all_sequences(V, longest)

    log_p = taught.log_p_of(model, x.expand(len(rows), -1), rows)

    slow = rows_and_scores(model, x, V, longest)
    assert log_p.tolist() == pytest.approx([slow[up_to_eos(row)][0] for row in rows], abs=1e-10)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-10)


def test_what_follows_the_first_eos_does_not_count():
    model, x = random_model(0), sources(4, 2)

    ended = taught.log_p_of(model, x, torch.tensor([[3, EOS, EOS, EOS], [EOS, EOS, EOS, EOS]]))
    followed = taught.log_p_of(model, x, torch.tensor([[3, EOS, 4, 3], [EOS, 4, 0, 1]]))

    torch.testing.assert_close(ended, followed, rtol=0, atol=0)


def test_sampled_shares_are_the_probabilities():
    model, x, rows = random_model(1, V=4, scale=2), sources(3), taught.all_sequences(4, 3)

    drawn = [up_to_eos(row) for row in taught.ancestral(model, x.expand(20_000, -1), longest=3)]

    p = taught.log_p_of(model, x.expand(len(rows), -1), rows).exp()
    for row, p_y in zip(rows, p.tolist()):
        share = drawn.count(up_to_eos(row)) / len(drawn)
        assert abs(share - p_y) < 5 * math.sqrt(p_y * (1 - p_y) / len(drawn)) + 1e-9


# --- beam search


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_beam_that_drops_nothing_is_exhaustive_search(seed, alpha, V=4, longest=4):
    model, x, N = random_model(seed, V), sources(5), 1 + 3 + 9 + 27 + 81

    y, total = taught.beam_search(model, x, N, longest, alpha)

    slow = rows_and_scores(model, x, V, longest, alpha)
    best = sorted(slow, key=lambda row: -slow[row][1])
    assert [up_to_eos(row) for row in y[0]] == best
    assert total[0].tolist() == pytest.approx([slow[row][0] for row in best], abs=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_a_batch_gives_what_a_slow_beam_gives_for_each_source(k, alpha, longest=6):
    model, x = random_model(5), sources(6, 1, 3, 4)

    y, total = taught.beam_search(model, x, k, longest, alpha)

    assert y.shape[:2] == total.shape == (4, k)
    for b in range(4):
        slow = slow_beam(model, x[b][x[b] != taught.PAD][None], k, longest, alpha)
        assert [up_to_eos(row) for row in y[b]] == [row for row, _ in slow]
        assert total[b].tolist() == pytest.approx([log_p for _, log_p in slow], abs=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_beam_of_one_is_greedy(alpha):
    for seed in range(10):
        model, x = random_model(seed), sources(2, 5, 3)

        y, _ = taught.beam_search(model, x, 1, 7, alpha)

        assert [up_to_eos(row) for row in y[:, 0]] == [up_to_eos(row) for row in taught.greedy(model, x, 7)]


def test_it_works_with_attention_too():
    torch.manual_seed(3)
    model, x = taught.Attentive(5, 6, 3, 4, taught.Dot()), sources(6, 2, 4)

    y, total = taught.beam_search(model, x, 3, 6)

    for i in range(3):
        torch.testing.assert_close(taught.log_p_of(model, x, y[:, i]), total[:, i], rtol=0, atol=1e-10)
    alone, _ = taught.beam_search(model, x[1:2, :2], 3, 6)
    assert [up_to_eos(row) for row in alone[0]] == [up_to_eos(row) for row in y[1]]


def test_hypotheses_that_do_not_exist_come_last_with_probability_zero():
    y, total = taught.beam_search(taught.TwoLetters(), torch.zeros(2, 1, dtype=torch.long), 9, longest=3)

    assert torch.equal(y[0, :6], y[1, :6])
    assert total[0, :6].exp().tolist() == pytest.approx([0.36, 0.24, 0.18, 0.18, 0.02, 0.02], abs=1e-6)
    assert (total[:, 6:] == -math.inf).all()


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_one_step_is_the_exercise_with_the_score_divided_by_the_length(alpha, k=3, V=7):
    log_p, total = torch.log_softmax(torch.randn(2, k, V), dim=2), -torch.rand(2, k)
    y = torch.tensor([[[1, 3, 4], [1, 3, EOS], [1, 4, 4]], [[1, EOS, EOS], [1, 5, 6], [1, 6, EOS]]])

    row, word, found = taught.beam_step(log_p, y, total, alpha)

    ended = (y[:, :, -1] == EOS).numpy()
    for b, lengths in enumerate(([3, 2, 3], [1, 3, 2])):  # with the next word, or with EOS
        divide = np.array(lengths) ** alpha
        pairs = taught.best_continuations_solution(
            total[b].numpy() / divide, log_p[b].numpy() / divide[:, None], ended[b]
        )
        assert list(zip(row[b].tolist(), word[b].tolist())) == pairs
        expected = [total[b, i] + (0 if ended[b, i] else log_p[b, i, w]) for i, w in pairs]
        torch.testing.assert_close(found[b], torch.stack(expected), rtol=0, atol=1e-12)


# --- stopping, and the picture


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_a_settled_best_never_changes(alpha, longest=7):
    early = 0
    for seed in range(12):
        run = list(taught.beams(random_model(seed), sources(4, 2, 6), 4, longest, alpha))
        final = [up_to_eos(row) for row in run[-1][0][:, 0]]
        for t, (y, total, _) in enumerate(run, start=1):
            for b in taught.settled(y, total, longest, alpha).nonzero()[:, 0].tolist():
                early += t < len(run)
                assert up_to_eos(y[b, 0]) == final[b]

    assert early > 0


def test_without_normalisation_the_best_is_settled_once_it_has_ended():
    for seed in range(6):
        for y, total, _ in taught.beams(random_model(seed), sources(4, 2, 6), 4, 7):
            assert torch.equal(taught.settled(y, total, 7, 0), y[:, 0, -1] == EOS)


def test_the_rows_lead_back_to_the_beginnings_and_the_dead_ones_are_found():
    run = list(taught.beams(random_model(2), sources(4), 3, 6))
    alive = taught.living([row[0].tolist() for *_, row in run], 3)

    for (y, *_), (longer, _, row) in itertools.pairwise(run):
        assert torch.equal(longer[0, :, :-1], y[0, row[0]])
    last = run[-1][0][0]
    for t, (y, *_) in enumerate(run):
        beginnings = {tuple(y[0, i].tolist()) for i in alive[t]}
        assert beginnings == {tuple(row[: t + 1].tolist()) for row in last}


def test_the_clueless_model_likes_the_empty_sentence_best():
    for k, words in ((5, 20), (6, 0)):
        y, total = taught.beam_search(taught.Clueless(), torch.zeros(1, 1), k, longest=20)

        assert (y[0, 0] != EOS).sum() == words
        expected = math.log(0.05) if words == 0 else 20 * math.log(0.19)
        assert total[0, 0].item() == pytest.approx(expected, rel=1e-6)
