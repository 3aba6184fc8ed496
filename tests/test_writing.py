"""The taught generation of notebook 08 (sampling rules, writing, Kneser–Ney, the writer) against slow definitions."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import power_divergence

from publish.taught import taught_in

taught = taught_in("08_char_rnn")
PAD, BOS, EOS = taught.PAD, taught.BOS, taught.EOS
pytestmark = pytest.mark.usefixtures("double_precision")

DISTRIBUTIONS = {
    "one token": [1.0],
    "one of two": [1.0, 0.0],
    "ties": [0.25, 0.25, 0.25, 0.25],
    "ties at the edge": [0.125, 0.5, 0.125, 0.25],
    "impossible ones": [0.0, 0.3, 0.0, 0.6, 0.1],
    "sure": [1e-12, 1 - 2e-12, 1e-12],
    "random": np.random.default_rng(0).dirichlet(np.full(9, 0.5)).tolist(),
    "many": np.random.default_rng(1).dirichlet(np.full(40, 0.3)).tolist(),
}


def log_of(*distributions):
    return torch.tensor(distributions).log()


def scaled(weights):
    return [weight / sum(weights) for weight in weights]


def likeliest_first(p):
    """The numbers of a distribution, likeliest first; of equal ones the smaller number."""
    return sorted(range(len(p)), key=lambda i: (-p[i], i))


def slow_temperature(p, T):
    if T == 0:
        return scaled([float(p_i == max(p)) for p_i in p])
    return scaled([(p_i / max(p)) ** (1 / T) for p_i in p])


def slow_top_k(p, k):
    stay = likeliest_first(p)[:k]
    return scaled([p_i if i in stay else 0 for i, p_i in enumerate(p)])


def slow_top_p(p, top_p):
    """Add the likeliest characters one by one until they have top_p; the first is always there."""
    stay, total = [], 0
    for i in likeliest_first(p):
        if stay and (total >= top_p and top_p < 1):
            break
        stay.append(i)
        total += p[i]
    return scaled([p_i if i in stay else 0 for i, p_i in enumerate(p)])


# --- temperature, top-k, top-p


@pytest.mark.parametrize("T", [0, 0.01, 0.5, 1.0, 3.0])
def test_temperature_is_a_power(T):
    for p in DISTRIBUTIONS.values():
        found = taught.tempered(log_of(p), T).exp()[0].tolist()
        assert found == pytest.approx(slow_temperature(p, T), abs=1e-9)


def test_the_limits_are_the_likeliest_and_all_alike():
    for p in DISTRIBUTIONS.values():
        coldest, hottest = (taught.tempered(log_of(p), T).exp()[0].tolist() for T in (1e-300, 1e300))
        assert coldest == pytest.approx(slow_temperature(p, 0), abs=1e-9)
        assert hottest == pytest.approx(scaled([float(p_i > 0) for p_i in p]), abs=1e-9)


def test_single_precision_gives_no_nan_at_any_temperature():
    log_p = log_of([0.2, 0.5, 0.3, 0.0]).float()

    for T in (0, 1e-320, 1e-45, 1e-38, 1e-10, 1, 1e38, 1e308):
        found = taught.tempered(log_p, T).exp()
        assert found.sum().item() == pytest.approx(1) and found[0, 3] == 0


@pytest.mark.parametrize("k", [1, 2, 3, 9, 1000])
def test_top_k_keeps_the_k_likeliest(k):
    for p in DISTRIBUTIONS.values():
        assert taught.keep_top_k(log_of(p), k).exp()[0].tolist() == pytest.approx(slow_top_k(p, k), abs=1e-12)


@pytest.mark.parametrize("top_p", [0, 1e-9, 0.2, 0.45, 0.5, 0.7, 0.97, 1])
def test_top_p_keeps_the_smallest_set_that_reaches_p(top_p):
    for p in DISTRIBUTIONS.values():
        assert taught.keep_top_p(log_of(p), top_p).exp()[0].tolist() == pytest.approx(slow_top_p(p, top_p), abs=1e-12)


def test_a_whole_probability_keeps_the_least_likely_too():
    p = scaled(np.geomspace(1, 1e-18, 90).tolist())

    assert (taught.keep_top_p(log_of(p), 1) > -math.inf).all()


def test_settings_without_sense_are_errors():
    wrong = {"tempered": (-1, -1e-9, math.inf, math.nan), "keep_top_k": (0, -3), "keep_top_p": (-0.1, 1.01, math.nan)}

    for rule, settings in wrong.items():
        for setting in settings:
            with pytest.raises(ValueError, match="must"):
                getattr(taught, rule)(log_of([0.5, 0.5]), setting)
    for settings in ({"T": -1}, {"top_k": 0}, {"top_p": 90}):
        with pytest.raises(ValueError, match="must"):
            taught.sampler(**settings)


def test_each_row_is_cut_by_itself():
    rng = np.random.default_rng(2)
    rows = [rng.dirichlet(np.full(12, alpha)).tolist() for alpha in (0.05, 0.3, 1, 5, 50)]

    for rule, setting in ((taught.tempered, 0.6), (taught.keep_top_k, 4), (taught.keep_top_p, 0.8)):
        together = rule(log_of(*rows), setting)
        alone = torch.cat([rule(log_of(row), setting) for row in rows])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    kept = (taught.keep_top_p(log_of(*rows), 0.8) > -math.inf).sum(dim=1)
    assert kept.tolist() == [sum(q > 0 for q in slow_top_p(row, 0.8)) for row in rows] and len(set(kept.tolist())) > 2


@pytest.mark.parametrize("top_p", [0.0, 0.6])
def test_the_exercise_and_the_batched_rule_agree(top_p):
    p = np.random.default_rng(3).dirichlet(np.full(15, 0.4), size=20)

    found = taught.keep_top_p(torch.tensor(p).log(), top_p).exp().numpy()

    np.testing.assert_allclose(found, [taught.nucleus_solution(row, top_p) for row in p], atol=1e-12)


@pytest.mark.parametrize("T, top_k, top_p", [(1, None, 1.0), (0.5, 4, 1.0), (2.0, 6, 0.7), (0, 3, 0.9)])
def test_the_sampling_rule_is_temperature_then_top_k_then_top_p(T, top_k, top_p):
    p = np.random.default_rng(4).dirichlet(np.full(11, 0.8)).tolist()

    found = taught.sampling_rule(log_of(p), T, top_k, top_p).exp()[0].tolist()

    slow = slow_temperature(scaled([0] * EOS + p[EOS:]), T)
    slow = slow_top_p(slow_top_k(slow, top_k or len(p)), top_p)
    assert found == pytest.approx(slow, abs=1e-12)
    assert found[PAD] == found[BOS] == 0


SETTINGS = [(1.0, None, 1.0), (1.4, 5, 0.9), (0.5, None, 1.0), (2.0, 6, 1.0), (1.0, None, 0.6), (0, None, 1.0)]
MANY = np.random.default_rng(5).dirichlet(np.full(60, 0.4)).tolist()


def by_chance(settings, drawn_with):
    """The p-value of draws with some settings under the rule of others."""
    choose = taught.sampler(*drawn_with, torch.Generator().manual_seed(0))
    return taught.g_test(taught.counted(choose, log_of(MANY)), taught.sampling_rule(log_of(MANY), *settings)[0].exp())


@pytest.mark.parametrize("settings", SETTINGS)
def test_draws_follow_the_rule_as_far_as_chance_allows(settings):
    assert by_chance(settings, settings) > 0.001


@pytest.mark.parametrize("silent", [
    (1.0, None, 0.95), (1.0, None, 0.99), (1.0, 30, 1.0), (0.95, None, 1.0), (1.05, None, 1.0),
])  # fmt: skip
def test_a_cut_or_a_temperature_that_nobody_asked_for_is_no_chance(silent):
    assert by_chance((1.0, None, 1.0), silent) < 1e-6


def test_the_g_test_is_scipys_where_no_character_is_rare():
    p = torch.tensor([0.1, 0.2, 0.3, 0.4])
    counts = torch.tensor([110, 180, 310, 400])

    theirs = power_divergence(counts.numpy(), 1000 * p.numpy(), lambda_="log-likelihood")

    assert taught.g_test(counts, p) == pytest.approx(theirs.pvalue, rel=1e-6)


def test_p_values_of_right_draws_are_spread_evenly():
    torch.manual_seed(0)
    p = torch.tensor(MANY)
    values = [taught.g_test(taught.counted(taught.draw, p.log()[None], 2000), p) for _ in range(400)]

    assert 0.01 < np.mean(np.array(values) < 0.05) < 0.1 and 0.4 < np.mean(values) < 0.6


def test_making_a_sampler_draws_no_random_number():
    before = torch.get_rng_state()

    taught.sampler(T=0.7, top_k=5, top_p=0.9)

    assert torch.equal(torch.get_rng_state(), before)


# --- writing


def random_writer(seed=0, V=9, **settings):
    torch.manual_seed(seed)
    model = taught.Writer(V, 4, 6, **settings).eval()
    model.output_layer.weight.data *= 4
    return model


def greedy(log_p):
    return log_p.argmax(dim=1)


def test_step_by_step_is_at_once():
    model, y = random_writer(), torch.randint(3, 9, (4, 7))

    at_once = torch.log_softmax(model(torch.zeros(4, 0), y), dim=2)
    state = model.start(torch.zeros(4, 0))
    for t, w in enumerate(taught.shift_right(y).T):
        log_p, state = model.step(w, state)
        torch.testing.assert_close(log_p, at_once[:, t], rtol=0, atol=1e-12)


def test_what_is_written_begins_with_the_prompt_and_goes_on_from_it():
    model, prompt = random_writer(), [5, 3, 8]

    rows = taught.write(model, torch.zeros(2, 0), greedy, 10, prompt)

    assert rows.shape == (2, 10) and rows[:, :3].tolist() == [prompt, prompt]
    scores = model(torch.zeros(2, 0), rows)
    assert torch.equal(scores.argmax(dim=2)[:, 3:], rows[:, 3:])


@pytest.mark.parametrize("longest", [2, 5])
def test_writing_stops_even_inside_a_prompt(longest):
    rows = taught.write(random_writer(), torch.zeros(3, 0), greedy, longest, [4, 4, 4])

    assert rows.shape == (3, longest) and rows[0].tolist()[:3] == [4, 4, 4][:longest]


def test_rows_of_a_batch_are_written_independently():
    model, beginnings = random_writer(1), ["ab", "ca", "bb"]
    taught.number = {"a": 3, "b": 4, "c": 5}

    together = taught.write(model, torch.zeros(3, 0), taught.begun(beginnings, greedy), 8)

    assert together[:, :2].tolist() == [[3, 4], [5, 3], [4, 4]]
    alone = [taught.write(model, torch.zeros(1, 0), taught.begun([text], greedy), 8)[0] for text in beginnings]
    assert torch.equal(together, torch.stack(alone))


def test_texts_end_at_eos_and_what_follows_becomes_pad():
    rows = torch.tensor([[3, 4, EOS, 4, EOS], [EOS, 3, 3, 3, 3], [4, 4, 4, 4, 4]])

    assert taught.decode_texts(rows, {3: "a", 4: "b"}) == ["ab", "", "bbbbb"]
    assert taught.ended_rows(rows).tolist() == [[3, 4, EOS, PAD, PAD], [EOS, PAD, PAD, PAD, PAD], [4, 4, 4, 4, 4]]


def rows_of_lengths(*lengths, V=9):
    return taught.pad_sequence(
        [torch.cat([torch.randint(3, V, (n - 1,)), torch.tensor([EOS])]) for n in lengths], batch_first=True
    )


def slow_nats(model, y):
    """Nats of each row, read alone and without PAD."""
    rows = [row[row != PAD][None] for row in y]
    return [
        -torch.log_softmax(model(row[:, :0], row), dim=2)[0].gather(1, row.T).sum().item() for row in rows
    ]  # fmt: skip


@pytest.mark.parametrize("B", [1, 2, 64])
def test_nats_per_character_are_those_of_the_rows_read_alone(B):
    model, y = random_writer(dropout=0.5), rows_of_lengths(5, 1, 9, 3, 7)

    found = taught.nats_per_character(model.train(), y[:, :0], y, B)

    assert found == pytest.approx(sum(slow_nats(model.eval(), y)) / 25, abs=1e-12)


def test_nats_of_rows_are_those_of_the_rows_read_alone():
    model, y = random_writer(), rows_of_lengths(4, 8, 2)

    nats, length = taught.nats_of_rows(model, y)

    assert nats.tolist() == pytest.approx(slow_nats(model, y), abs=1e-12) and length.tolist() == [4, 8, 2]


# --- Kneser–Ney


def slow_kneser_ney(y, n, V):
    """p(context, w): interpolated Kneser–Ney with dictionaries, from lists of tokens that end in EOS."""
    padded = [[BOS] * (n - 1) + row for row in y]
    counts = Counter(tuple(row[t : t + n]) for row in padded for t in range(len(row) - n + 1))
    levels = {n: counts}
    for order in range(n - 1, 0, -1):
        levels[order] = Counter(gram[1:] for gram in levels[order + 1])  # different left neighbours

    def p(context, w, order=n):
        if order == 0:
            return 1 / (V - 2) if w >= EOS else 0.0
        counts, context = levels[order], tuple(context)
        below = p(context[1:], w, order - 1)
        followers = {gram: count for gram, count in counts.items() if gram[:-1] == context}
        if not followers:
            return below
        once, twice = (sum(count == times for count in counts.values()) for times in (1, 2))
        d = once / (once + 2 * twice) if once else 0.5
        first = max(counts[context + (w,)] - d, 0)
        return (first + d * len(followers) * below) / sum(followers.values())

    return p


def few_rows(seed, V, count=12):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(V - 3))
    rows = [[*rng.choice(np.arange(3, V), rng.integers(1, 7), p=p).tolist(), EOS] for _ in range(count)]
    return rows, taught.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_kneser_ney_is_the_one_of_dictionaries(n, seed, V=7):
    rows, y = few_rows(seed, V)
    slow, model = slow_kneser_ney(rows, n, V), taught.KneserNey(y, n, V)
    contexts = np.array([[BOS] * (n - 1), *np.random.default_rng(seed).integers(3, V, (30, n - 1)).tolist()])
    contexts[1, :-1] = BOS

    found = model.p(contexts, np.arange(V)[None].repeat(31, axis=0))

    expected = [[slow(context, w) for w in range(V)] for context in contexts.tolist()]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[:, EOS:].sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (found[:, :EOS] == 0).all()


@pytest.mark.parametrize("n", [2, 5, 9])
def test_kneser_ney_gives_a_batch_what_it_gives_single_rows(n, V=99):
    rows, y = few_rows(3, 12, count=40)
    model, w = taught.KneserNey(y, n, V), torch.tensor([BOS, 3, 8, 98])
    state = (torch.cat([torch.full((4, max(0, n - 2)), BOS), torch.tensor([[3], [4], [11], [50]])], dim=1),)

    log_p, (after,) = model.step(w, state)

    for b in range(4):
        alone, (after_alone,) = model.step(w[b : b + 1], (state[0][b : b + 1],))
        torch.testing.assert_close(log_p[b : b + 1], alone, rtol=0, atol=0)
        assert torch.equal(after[b : b + 1], after_alone)
    assert log_p.exp().sum(dim=1).tolist() == pytest.approx([1] * 4, abs=1e-5)


def test_nats_of_kneser_ney_are_those_of_its_steps(n=4, V=8):
    rows, y = few_rows(5, V)
    model, (unseen, unseen_y) = taught.KneserNey(y, n, V), few_rows(6, V, count=5)

    found = taught.kneser_ney_nats(model, unseen_y)

    total = 0.0
    for row in unseen:
        state = model.start(torch.zeros(1, 0))
        for w, target in zip([BOS, *row], row):
            log_p, state = model.step(torch.tensor([w]), state)
            total -= log_p[0, target].item()
    assert found == pytest.approx(total / sum(map(len, unseen)), abs=1e-5)


def test_what_kneser_ney_writes_is_text():
    torch.manual_seed(0)
    _, y = few_rows(7, 8)

    rows = taught.write(taught.KneserNey(y, 3, 8), torch.zeros(50, 0), taught.draw, 12)

    assert rows.min() >= EOS and rows.max() < 8


# --- the data


def test_functions_come_without_docstrings_decorators_and_comments():
    source = (
        '@cache\ndef f(x):\n    """Says f."""\n    return x  # why\n\n'
        "class A:\n    @property\n    def g(self):\n        'only this'\n"
    )

    assert sorted(taught.functions_of(source)) == ["def f(x):\n    return x", "def g(self):\n    pass"]


def test_a_file_that_begins_with_a_byte_order_mark_is_read():
    assert list(taught.functions_of("\ufeffdef f():\n    pass\n")) == ["def f():\n    pass"]


def test_files_that_do_not_parse_are_left_out_and_counted(monkeypatch, capsys):
    broken = ["def f(:\n", "if x:\n        y\n\tz\n", "x = '\0'\n"]
    monkeypatch.setattr(taught, "library", lambda: {"ast": [*broken, "def f():\n    pass\n"]})

    functions = taught.python_functions()

    assert functions == {"train": ["def f():\n    pass"], "validation": [], "test": []}
    assert capsys.readouterr().out == "files left out because this Python cannot parse them: 3\n"


def test_long_functions_and_other_alphabets_are_left_out():
    body = "\n".join(f"    x = {i}" for i in range(45))
    wide, naive = f"def wide():\n    return '{'a' * 250}'", "def naïf():\n    pass"
    source = "\n\n".join([f"def many():\n{body}", wide, naive, "def ok():\n    pass"])

    assert list(taught.functions_of(source)) == ["def ok():\n    pass"]


def test_the_part_of_a_module_never_changes():
    parts = {
        "ast": "train",
        "json": "train",
        "random": "train",
        "tkinter": "train",
        "asyncio.tasks": "train",
        "email": "train",
        "unittest": "train",
        "http": "train",
        "zipfile": "train",
        "turtle": "validation",
    }

    assert {name: taught.part_of(name) for name in parts} == parts


def test_similar_rows_hold_each_row_once():
    torch.manual_seed(0)
    y = rows_of_lengths(*torch.randint(1, 20, (23,)).tolist())

    batches = taught.bucket_batches(y, 5)

    assert sorted(torch.cat(batches).tolist()) == list(range(23))


# --- the judge


@pytest.mark.filterwarnings("error")
def test_only_one_function_definition_parses():
    good = ["def f():\n    pass", "def f(x): return x", "def f():\n    return '\\d'"]
    bad = ["", "x = 1", "def f(): 1\nx = 1", "class A:\n    pass", "async def f():\n    pass", "def f(:\n    pass"]
    broken = ["def f(): '\x00'", "def f(): " + "(" * 500 + ")" * 500, "def f(): return " + 5000 * "9"]

    assert all(map(taught.parses, good))
    assert not any(map(taught.parses, bad + broken))


def test_a_text_that_did_not_end_is_not_python():
    taught.characters = dict(enumerate("  \n" + "".join(map(chr, range(32, 127)))))
    number = {character: w for w, character in taught.characters.items() if w > EOS}
    text = [number[character] for character in "def f(): pass"]

    texts, good = taught.judged(torch.tensor([[*text, EOS, 5], [*text, number[" "], number[" "]]]))

    assert texts == ["def f(): pass", "def f(): pass  "] and good == [True, False]


def test_shapes_forget_names_and_constants_only():
    same = ("def f(a, b=1):\n    return a.x(b, 'y')", "def g(c, d=None):\n    return d.z(c, 3.5)")
    other = "def f(a, b=1):\n    return a.x(b)"

    assert taught.shape(same[0]) == taught.shape(same[1]) != taught.shape(other)


def test_spans_are_distances_to_the_partner():
    assert taught.spans("f(x, 'abc')[0]") == [4, 9, 2]
    assert sorted(taught.spans("def f(a):\n    return [{1: (2)}, '[']")) == [2, 2, 2, 7, 14]


def test_the_ends_of_an_interval_are_z_deviations_away():
    for count, n in ((0, 10), (3, 7), (10, 10), (150, 200)):
        for p in taught.wilson(count, n):
            variance = max(p * (1 - p) / n, 0)  # the end at 0 or 1 is exact up to rounding
            assert abs(count / n - p) == pytest.approx(1.96 * math.sqrt(variance), abs=1e-7)
