"""Looking inside the writer of notebook 08, and its scale for characters and words, against slow definitions."""

import math

import numpy as np
import pytest
import torch

from course_utils.taught.seq2seq import shift_right
from publish.taught import taught_in

inside, units = taught_in("08_char_rnn"), taught_in("08_on_request")
PAD, BOS, EOS = inside.PAD, inside.BOS, inside.EOS
pytestmark = pytest.mark.usefixtures("double_precision")

TEXTS = [
    "def f(x):\n    return x",
    "def f(x):\n    return g(x['a)'], [y])\n",
    "def f():\n    a = 'it\\'s (' + \"\\\\\"\n    return (a, '')",
    "def f():\n    '''two\n    (lines'''\n    return {'a': [1, (2, 3)]}",
    'def f():\n    return """a "quoted" word""" + r"\\d"',
    "class A:\n\n    def f(self):\n        x = ''\n        return f'{x}(' + b'\\x00'.decode()",
]


def slow_features(text):
    """The five features after each beginning, by an automaton that reads one character after another."""
    rows, opened, t, depth, blanks, line = [(False, 0, 0, 0, False)], None, 0, 0, 0, ""
    while t < len(text):
        quote = next((q for q in ("'''", '"""', "'", '"') if text.startswith(q, t)), None)
        if opened is None and quote:
            step, opened = len(quote), quote
        elif opened is None:
            step, depth = 1, depth + (text[t] in "([{") - (text[t] in ")]}")
        elif text[t] == "\\":
            step = 2
        elif text.startswith(opened, t):
            step, opened = len(opened), None
        else:
            step = 1
        for k, character in enumerate(text[t : t + step], start=1):
            line = "" if character == "\n" else line + character
            blanks = len(line) - len(line.lstrip(" "))
            within = opened is not None or (k < step and quote is not None)
            rows.append((within, depth, blanks, len(line), line[blanks : blanks + 4] == "def "))
        t += step
    return rows


def random_writer(seed, V=7, E=3, H=5):
    """An untrained Writer with weights large enough to have preferences."""
    torch.manual_seed(seed)
    writer = inside.Writer(V, E, H).eval()
    for part in writer.parameters():
        part.data *= 3
    return writer


def random_rows(*lengths, V=7):
    """Rows of random numbers from EOS + 1 to V - 1, each ended by EOS."""
    return inside.pad_sequence(
        [torch.cat([torch.randint(EOS + 1, V, (n,)), torch.tensor([EOS])]) for n in lengths], batch_first=True
    )


# --- features and decisions


@pytest.mark.parametrize("text", TEXTS)
def test_the_features_are_those_of_an_automaton(text):
    assert inside.features_after(text) == slow_features(text)


@pytest.mark.parametrize("text", TEXTS)
def test_strings_and_depth_are_those_of_the_tokenizer(text):
    assert [row[:2] for row in inside.features_after(text)] == inside.by_tokenize(text)


@pytest.mark.parametrize("text", TEXTS)
def test_outside_of_strings_the_features_do_not_look_ahead(text):
    rows = inside.features_after(text)

    for t in range(len(text) + 1):
        if not any(row[0] for row in rows[max(t - 3, 0) : t + 3]):
            assert inside.features_after(text[:t]) == rows[: t + 1]


def test_decisions_stand_where_they_were_marked_by_hand():
    text = "def f(x):\n    return g('a', \")\")"
    marks = {
        "closing quotes": [text.index("',"), text.rindex('"')],
        "closing brackets": [text.index(")"), len(text) - 1],
        "indentation": [*range(text.index("\n") + 1, text.index("return") + 1)],
        "line breaks": [text.index("\n")],
        "colon of a def": [text.index(":")],
    }

    decisions = inside.decisions_of(text)

    found = {name: np.flatnonzero(which).tolist() for name, which in zip(inside.DECISIONS, zip(*decisions))}
    assert len(decisions) == len(text) + 1 and found == marks


@pytest.mark.parametrize("text", TEXTS)
def test_each_string_ends_once_and_each_bracket_closes_once(text):
    closing_quotes, closing_brackets, _, line_breaks, colons = np.sum(inside.decisions_of(text), axis=0)

    code = inside.re.sub(inside.STRING, "", text)
    assert closing_quotes == len(inside.re.findall(inside.STRING, text))
    assert closing_brackets == sum(map(code.count, ")]}"))
    assert (line_breaks, colons) == (text.count("\n"), text.count("def "))


# --- reading


def test_the_history_is_what_the_lstm_goes_through():
    writer, y = random_writer(0), random_rows(6, 3, 4)

    history = inside.history_of(writer, y)

    states, (_, last_memory) = writer.lstm(writer.C(shift_right(y)))
    torch.testing.assert_close(history[0], states, rtol=0, atol=1e-12)
    torch.testing.assert_close(history[1, :, -1], last_memory[0], rtol=0, atol=1e-12)


def test_nats_step_by_step_are_those_of_reading_at_once():
    writer, y = random_writer(1), random_rows(6, 3, 4)

    nats = inside.nats_of(writer, y)

    log_p = torch.log_softmax(writer(y[:, :0], y), dim=2)
    torch.testing.assert_close(nats, -log_p.gather(2, y[:, :, None])[:, :, 0], rtol=0, atol=1e-12)


# --- finding


def test_the_best_unit_is_chosen_on_one_part_and_reported_on_the_other():
    features = [torch.randn(400, 2) for _ in range(2)]
    memories = [torch.randn(400, 6) for _ in range(2)]
    memories[0][:, 4] = -3 * features[0][:, 1]  # follows feature 1, but only where units are chosen
    memories[1][:, 2] = features[1][:, 1]  # would be better where they are reported

    unit, r = inside.best_unit(memories, features, k=1)

    assert unit == 4
    assert r == pytest.approx(abs(np.corrcoef(memories[1][:, 4], features[1][:, 1])[0, 1]), abs=1e-10)
    assert r < 0.2


def test_the_probe_finds_a_weighted_sum_with_a_bias_and_nothing_in_noise():
    memories = [torch.randn(300, 6) for _ in range(2)]
    weights = torch.tensor([2.0, -1.0, 0.0, 0.5, 3.0, 0.0])
    features = [torch.stack([7 + table @ weights, *torch.randn(4, 300)], dim=1) for table in memories]

    r = inside.probe(memories, features)

    assert r[0] == pytest.approx(1, abs=1e-10)
    assert max(map(abs, r[1:])) < 0.25


# --- holding


def test_with_nothing_held_it_is_the_writer():
    writer, y = random_writer(2), random_rows(5, 4)
    held = inside.MeanAblated(writer, torch.zeros(2, 5, dtype=torch.bool), torch.randn(2, 5))

    torch.testing.assert_close(inside.nats_of(held, y), inside.nats_of(writer, y), rtol=0, atol=1e-12)


def test_with_all_held_it_says_the_same_whatever_it_reads():
    writer, at = random_writer(3), torch.randn(2, 5)
    held = inside.MeanAblated(writer, torch.ones(3, 5, dtype=torch.bool), at)

    log_p, _ = held.step(torch.tensor([3, 4, 5]), held.start(torch.zeros(3, 0)))

    expected = torch.log_softmax(writer.output_layer(writer.norm(at[0])), dim=0)
    torch.testing.assert_close(log_p, expected.expand(3, -1), rtol=0, atol=1e-12)


def test_held_units_keep_their_values_and_other_rows_are_not_touched():
    writer, y, at = random_writer(4), random_rows(5, 5), torch.randn(2, 5)
    mask = torch.tensor([[False, True, False, True, False], 5 * [False]])

    history = inside.history_of(inside.MeanAblated(writer, mask, at), y)

    intact = inside.history_of(writer, y)
    for kind in range(2):
        torch.testing.assert_close(history[kind, 0][:, [1, 3]], at[kind, [1, 3]].expand(6, -1), rtol=0, atol=0)
    torch.testing.assert_close(history[:, 1], intact[:, 1], rtol=0, atol=1e-12)
    assert (history[:, 0, 2:, [0, 2, 4]] - intact[:, 0, 2:, [0, 2, 4]]).abs().max() > 1e-6


@pytest.fixture
def small(monkeypatch):
    """The module with a small writer, its units held at random values."""
    monkeypatch.setattr(inside, "writer", random_writer(5), raising=False)
    monkeypatch.setattr(inside, "averages", torch.randn(2, 5), raising=False)
    return inside


def test_masks_stand_in_blocks_of_rows(small):
    mask = small.masks([[], [3], [0, 4]], B=2)

    assert mask.int().tolist() == 2 * [[0] * 5] + 2 * [[0, 0, 0, 1, 0]] + 2 * [[1, 0, 0, 0, 1]]


def test_damage_is_the_difference_of_means_at_decisions_and_elsewhere(small):
    y, groups = random_rows(6, 4, 5), [[], [2], [0, 3]]
    decisions = (torch.rand(*y.shape, 5) < 0.4) & (y != PAD)[:, :, None]

    at_decisions, elsewhere = small.damage(groups, y, decisions)

    intact = small.nats_of(small.writer, y)
    for g, units_held in enumerate(groups[1:]):
        mask = torch.zeros(3, 5, dtype=torch.bool)
        mask[:, units_held] = True
        more = small.nats_of(small.MeanAblated(small.writer, mask, small.averages), y) - intact
        for k in range(5):
            here, there = decisions[:, :, k], (y != PAD) & ~decisions[:, :, k]
            assert at_decisions[g, k] == pytest.approx(more[here].mean().item(), abs=1e-10)
            assert elsewhere[g, k] == pytest.approx(more[there].mean().item(), abs=1e-10)


@pytest.mark.parametrize("text", ["ab\nc", "abcd"])
def test_characters_stand_in_a_grid(text):
    assert inside.cells_of(text, width=3) == [(0, 0), (0, 1), (0, 2), (1, 0)]


# --- characters and words


def test_bits_of_counting_are_those_of_its_steps_and_zero_at_pad():
    y = random_rows(6, 2, 4, 4)
    model = units.KneserNey(random_rows(5, 7, 3, 6, 8), n=3, V=7)

    bits = units.kneser_ney_bits(model, y)

    state, slow = model.start(y), []
    for w, w_next in zip(shift_right(y).T, y.T):
        log_p, state = model.step(w, state)
        slow.append(-log_p.double().gather(1, w_next[:, None])[:, 0] / math.log(2))
    real = (y != PAD).numpy()
    np.testing.assert_allclose(bits[real], torch.stack(slow, dim=1).numpy()[real], rtol=1e-5)
    assert not bits[~real].any()


@pytest.mark.parametrize("B", [1, 3, 32])
def test_bits_of_a_writer_are_those_of_its_steps_and_its_mode_stays(B):
    torch.manual_seed(0)
    y, writer = random_rows(6, 2, 4, 4), units.Writer(7, 3, 5, dropout=0.5).train()

    bits = units.writer_bits(writer, y, B)

    assert writer.training
    slow = inside.nats_of(writer.eval(), y).numpy() / math.log(2) * (y != PAD).numpy()
    np.testing.assert_allclose(bits, slow, rtol=0, atol=1e-10)


def test_only_unknown_words_are_spelled_and_each_at_its_place(monkeypatch):
    letters = units.build_vocab(["abc "])
    monkeypatch.setattr(units, "letter_number", letters, raising=False)
    model = units.speller({"ab", "cab", "bca"})

    bits = units.spelling_bits(model, [["a", "cc"], ["bca", "a", "a", "ab"]], known={"a"})

    assert bits.shape == (2, 5)
    expected = np.zeros((2, 5))
    for (n, t), word in {(0, 1): "cc", (1, 0): "bca", (1, 3): "ab"}.items():
        expected[n, t] = units.kneser_ney_bits(model, units.pad_batch([word], letters)).sum()
    np.testing.assert_allclose(bits, expected, rtol=1e-12)
    assert (bits > 0).sum() == 3


def test_spellings_of_all_lengths_have_probability_one(monkeypatch):
    letters = units.build_vocab(["ab"])
    monkeypatch.setattr(units, "letter_number", letters, raising=False)
    model = units.speller({"ab", "b"})

    words, mass = [""], []
    for _ in range(14):
        words = [word + letter for word in words for letter in "ab"]
        mass.append(np.exp2(-units.kneser_ney_bits(model, units.pad_batch(words, letters)).sum(axis=1)).sum())

    empty = np.exp2(-units.kneser_ney_bits(model, torch.tensor([[EOS]])).sum())
    assert 0.98 < empty + sum(mass) < 1 + 1e-9


def test_pieces_are_words_with_their_space_or_eos():
    sentence = ["the", "cat", "is", "a", "cat"]
    bits = np.arange(20.0)

    pieces = units.pieces(bits, sentence)

    assert [len(piece) for piece in pieces] == [4, 4, 3, 2, 4]
    np.testing.assert_array_equal(np.concatenate(pieces), bits[: len(" ".join(sentence)) + 1])


def test_a_model_of_characters_gets_its_own_bits_per_character_from_the_exercise():
    sentences = [["ab", "c"], ["b"], ["cab", "a", "bc"]]
    letters = units.build_vocab([" ".join(sentence) for sentence in sentences])
    y = units.pad_batch([" ".join(sentence) for sentence in sentences], letters)
    bits = units.kneser_ney_bits(units.KneserNey(y, n=3, V=len(letters) + 3), y)

    log_p = [
        np.array([-piece.sum() * math.log(2) for piece in units.pieces(row, sentence)] + [0.0])
        for row, sentence in zip(bits, sentences)
    ]
    answer = units.bits_per_character_solution(log_p, [np.zeros_like(part) for part in log_p], sentences)

    assert answer == pytest.approx(bits.sum() / (y != PAD).sum().item(), rel=1e-12)
