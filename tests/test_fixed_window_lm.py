"""The taught log-linear model, networks and window model against SciPy, scikit-learn, PyTorch and slow formulas."""

import ast
import math
import random
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from torch import nn

from publish.course import NOTEBOOKS
from publish.taught import taught_in

taught, counted = taught_in("02_fixed_window_lm"), taught_in("01_ngram_lm")
BOS, EOS = taught.BOS, taught.EOS
TORCH = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU, "identity": nn.Identity}


def computed(name):
    """The value of a variable that the notebook computes from its definitions."""
    tree = ast.parse((NOTEBOOKS / "source" / "02_fixed_window_lm.py").read_text("utf-8"))
    [node] = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == [name]
    ]
    return eval(compile(ast.Expression(node.value), name, "eval"), taught.__dict__)


GRAMMAR = taught.grammar = taught.load_grammar("english")
ACTIVATIONS = taught.ACTIVATIONS = computed("ACTIVATIONS")
VERBS = taught.verbs_of(GRAMMAR)
QUESTIONS = taught.QUESTIONS = computed("QUESTIONS")
pytestmark = pytest.mark.usefixtures("double_precision")
DISTANCES = [between + 1 for between in taught.BETWEEN]


def slopes(f, at, step=1e-5):
    """The gradient of a number f() by an array that f reads, by finite differences."""
    gradient = np.empty_like(at)
    for i in np.ndindex(*at.shape):
        value = at[i]
        at[i] = value + step
        high = f()
        at[i] = value - step
        gradient[i] = (high - f()) / (2 * step)
        at[i] = value
    return gradient


# --- the log-linear model


@pytest.mark.parametrize("size, scale", [(1, 1), (2, 1), (7, 30), (40, 2000)])
def test_softmax_equals_those_of_scipy_and_torch(size, scale):
    scores = scale * np.random.default_rng(size).normal(size=size)

    ours = taught.softmax_solution(list(scores))

    np.testing.assert_allclose(ours, softmax(scores), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(ours, torch.softmax(torch.tensor(scores), dim=0), rtol=1e-12, atol=1e-300)


def random_counts(rng, U, V):
    """Counts (U, V) of very different size, many of them 0; no row and no column is empty."""
    N = rng.poisson(3, size=(U, V)) * rng.integers(0, 2, size=(U, V)) * 1.0
    N[np.arange(max(U, V)) % U, np.arange(max(U, V)) % V] += 1
    return N


def random_maxent(seed, U, K, V):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(V, K)), rng.normal(size=V), rng.normal(size=(U, K)), random_counts(rng, U, V)


@pytest.mark.parametrize("U, K, V", [(6, 4, 5), (1, 3, 2), (9, 2, 7)])
@pytest.mark.parametrize("lam", [0, 0.3])
def test_the_maxent_gradient_equals_autograd_and_finite_differences(U, K, V, lam):
    theta, bias, F, N = random_maxent(U, U, K, V)
    t, b = (torch.tensor(array, requires_grad=True) for array in (theta, bias))
    tokens = [(u, w) for u, w in np.ndindex(U, V) for _ in range(int(N[u, w]))]
    rows, targets = torch.tensor(tokens).T
    reference = nn.functional.cross_entropy(torch.tensor(F)[rows] @ t.T + b, targets) + lam / 2 * t.pow(2).sum()
    reference.backward()

    J, d_theta, d_bias = taught.maxent_loss(theta, bias, F, N, lam)

    assert float(J) == pytest.approx(reference.item(), rel=1e-12)
    np.testing.assert_allclose(d_theta, t.grad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(d_bias, b.grad, rtol=0, atol=1e-12)
    for array, gradient in ((theta, d_theta), (bias, d_bias)):
        moved = slopes(lambda: taught.maxent_loss(theta, bias, F, N, lam)[0], array)
        np.testing.assert_allclose(gradient, moved, rtol=0, atol=1e-8)


@pytest.mark.parametrize("U, K, V, lam", [(8, 3, 4, 0.01), (5, 6, 3, 0.1), (12, 2, 6, 0.002)])
def test_maxent_finds_the_weights_of_logistic_regression(U, K, V, lam):
    _, _, F, N = random_maxent(V, U, K, V)
    row, word = np.nonzero(N)
    reference = LogisticRegression(C=1 / (lam * N.sum()), tol=1e-10, max_iter=20_000)
    reference.fit(F[row], word, sample_weight=N[row, word])

    theta, bias = taught.fit_maxent(F, N, lam)

    np.testing.assert_allclose(theta, reference.coef_, rtol=0, atol=1e-5)
    np.testing.assert_allclose(bias - bias.mean(), reference.intercept_ - reference.intercept_.mean(), atol=1e-5)
    np.testing.assert_allclose(softmax(F @ theta.T + bias, axis=1), reference.predict_proba(F), rtol=0, atol=1e-6)


@pytest.mark.parametrize("lam", [0.001, 0.05])
def test_at_the_minimum_expected_features_are_the_observed_ones_minus_the_penalty(lam):
    _, _, F, N = random_maxent(3, U=9, K=4, V=5)

    theta, bias = taught.fit_maxent(F, N, lam)

    p = softmax(F @ theta.T + bias, axis=1)
    expected = sum(N[u].sum() * np.outer(p[u], F[u]) for u in range(len(F)))
    observed = sum(N[u, w] * np.outer(np.eye(5)[w], F[u]) for u, w in np.ndindex(*N.shape))
    np.testing.assert_allclose(expected, observed - lam * N.sum() * theta, rtol=0, atol=1e-5)
    np.testing.assert_allclose(N.sum(axis=1) @ p, N.sum(axis=0), rtol=0, atol=1e-5)


def random_corpus(seed, size=60, longest=6, words="abcde"):
    rng = random.Random(seed)
    weights = [2**-i for i in range(len(words))]
    return [rng.choices(words, weights, k=rng.randrange(longest)) for _ in range(size)]


def numbers(words):
    """Word numbers as in the notebook: those that can be predicted first, BOS last."""
    return {word: number for number, word in enumerate([*sorted({EOS, *words}), BOS])}


def test_contexts_with_equal_answers_are_one_row_and_no_count_is_lost(monkeypatch):
    monkeypatch.setattr(taught, "features", lambda context: [float(context[1] in "ab"), float(context[0] == BOS)])
    counts, number = taught.count_ngrams(random_corpus(1), 3), numbers("abcde")

    F, N = taught.design(counts, number)

    assert F.shape == (4, 2) and N.shape == (4, 6)
    assert len({tuple(row) for row in F}) == 4
    for answers, row in zip(F, N):
        alike = [seen for context, seen in counts.items() if taught.features(context) == list(answers)]
        assert {w: row[number[w]] for w in [*"abcde", EOS]} == {
            w: sum(seen[w] for seen in alike) for w in [*"abcde", EOS]
        }
    assert N.sum() == sum(seen.total() for seen in counts.values())


def test_equal_contexts_may_be_added_because_the_loss_does_not_change():
    counts = taught.count_ngrams(GRAMMAR.sample(60, seed=0), 3)
    number = numbers({word for sentence in GRAMMAR.sample(60, seed=0) for word in sentence})
    F, N = taught.design(counts, number)
    rng = np.random.default_rng(0)
    theta, bias = rng.normal(size=(N.shape[1], F.shape[1])), rng.normal(size=N.shape[1])

    J, *_ = taught.maxent_loss(theta, bias, F, N, lam=0)

    nats = []
    for context, seen in counts.items():
        log_p = np.log(softmax(theta @ taught.features(context) + bias))
        nats += [-log_p[number[word]] for word in seen.elements()]
    assert len(F) < len(counts)
    assert float(J) == pytest.approx(np.mean(nats), rel=1e-12)


def test_questions_are_answered_for_the_last_two_words():
    yes = {context: [q for q, answer in zip(QUESTIONS, taught.features(context)) if answer] for context in
           [(BOS, BOS), ("that", "these"), ("the", "cats")]}  # fmt: skip

    assert yes[BOS, BOS] == ["the sentence begins"]
    assert yes["that", "these"] == ["after a determiner", "after a plural determiner", "one word after 'that'"]
    assert yes["the", "cats"] == ["after a word in -s"]


# --- the multilayer network


@pytest.mark.parametrize("name", TORCH)
def test_activations_and_their_derivatives_equal_autograd_and_finite_differences(name):
    f, derivative = ACTIVATIONS[name]
    a = torch.linspace(-7, 7, 98, requires_grad=True)
    reference = TORCH[name]()(a)
    reference.sum().backward()
    values = a.detach().numpy()

    np.testing.assert_allclose(f(values), reference.detach(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(derivative(values), a.grad, rtol=0, atol=1e-14)
    np.testing.assert_allclose(derivative(values), (f(values + 1e-5) - f(values - 1e-5)) / 2e-5, rtol=0, atol=1e-9)


NETWORKS = [
    (3, (2, 4), ["identity"]),
    (1, (4, 3, 5), ["tanh", "identity"]),
    (4, (3, 6, 5, 4), ["ReLU", "sigmoid", "identity"]),
    (5, (2, 3, 7, 4, 6), ["sigmoid", "tanh", "ReLU", "tanh"]),
]


def network_of(layers):
    """The same layers as a network of PyTorch's own."""
    modules = []
    for W, b, name in layers:
        linear = nn.Linear(*W.shape)
        linear.load_state_dict({"weight": torch.tensor(W.T), "bias": torch.tensor(b)})
        modules += [linear, TORCH[name]()]
    return nn.Sequential(*modules)


def random_network(B, sizes, names):
    rng = np.random.default_rng(B)
    layers = taught.random_layers(rng, sizes, names)
    return layers, rng.normal(size=(B, sizes[0])), rng.integers(sizes[-1], size=B)


@pytest.mark.parametrize("B, sizes, names", NETWORKS)
def test_the_numpy_network_equals_torch_in_all_values_and_gradients(B, sizes, names):
    layers, x, w = random_network(B, sizes, names)
    network, their_x = network_of(layers), torch.tensor(x, requires_grad=True)
    values = [their_x]
    for module in network:
        values.append(module(values[-1]))
    nn.functional.cross_entropy(values[-1], torch.tensor(w)).backward()

    h, a = taught.forward(x, layers)
    gradients, d_x = taught.backward(h, a, layers, w)

    assert len(h) - 1 == len(a) == len(gradients) == len(layers)
    for ours, theirs in zip([*h, *a], [*values[::2], *values[1::2]], strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=0, atol=1e-12)
    for (d_W, d_b), linear in zip(gradients, network[::2], strict=True):
        np.testing.assert_allclose(d_W, linear.weight.grad.T, rtol=0, atol=1e-12)
        np.testing.assert_allclose(d_b, linear.bias.grad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(d_x, their_x.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("B, sizes, names", NETWORKS)
def test_the_numpy_network_has_the_gradients_of_finite_differences(B, sizes, names):
    layers, x, w = random_network(B, sizes, names)

    def J():
        scores = taught.forward(x, layers)[0][-1]
        return -np.mean(np.log(softmax(scores, axis=1))[np.arange(B), w])

    gradients, d_x = taught.backward(*taught.forward(x, layers), layers, w)

    for (W, b, _), (d_W, d_b) in zip(layers, gradients, strict=True):
        np.testing.assert_allclose(d_W, slopes(J, W), rtol=0, atol=1e-8)
        np.testing.assert_allclose(d_b, slopes(J, b), rtol=0, atol=1e-8)
    np.testing.assert_allclose(d_x, slopes(J, x), rtol=0, atol=1e-8)


def test_log_softmax_survives_huge_scores():
    scores = np.array([[1000.0, -1000.0, 0.0], [1e5, 1e5, 1e5]])

    ours = taught.log_softmax(scores)

    np.testing.assert_allclose(ours, torch.log_softmax(torch.tensor(scores), dim=1), rtol=1e-12)


# --- the window model


@pytest.mark.parametrize("B, V, E, H, n", [(1, 5, 3, 4, 2), (7, 9, 2, 6, 4), (3, 4, 5, 3, 5)])
def test_the_three_formulas_equal_the_window_model(B, V, E, H, n):
    model = taught.window_model(V, E, H, n)
    w = model.state_dict()
    context = torch.randint(V + 1, (B, n - 1))
    context[0, 0] = V  # BOS

    scores = taught.window_scores(context, w["0.weight"], w["2.weight"].T, w["2.bias"], w["4.weight"].T, w["4.bias"])

    assert scores.shape == (B, V)
    torch.testing.assert_close(scores, model(context), rtol=0, atol=1e-12)


@pytest.mark.parametrize("V, E, H, n", [(5, 3, 4, 2), (9, 2, 6, 4), (45, 16, 64, 7)])
def test_the_number_of_parameters_is_that_of_the_model(V, E, H, n):
    model = taught.window_model(V, E, H, n)

    assert taught.count_parameters_solution(V, E, H, n) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_windows_are_the_ngrams_of_notebook_1(n):
    corpus, number = random_corpus(2), numbers("abcde")
    words = list(number)

    contexts, targets = taught.windows(corpus, n, number)

    read = [(*(words[w] for w in context), words[target]) for context, target in zip(contexts, targets)]
    assert read == [gram for sentence in corpus for gram in counted.ngrams(sentence, n)]
    assert contexts.shape == (len(read), n - 1)


def test_windows_pad_with_bos_and_end_with_eos():
    number = {EOS: 0, "a": 1, "b": 2, BOS: 3}

    contexts, targets = taught.windows([["a", "b"], []], 3, number)

    assert contexts.tolist() == [[3, 3], [3, 1], [1, 2], [3, 3]]
    assert targets.tolist() == [1, 2, 0, 0]


def bolder(model):
    """The model with larger weights, whose probabilities differ strongly."""
    with torch.no_grad():
        for p in model.parameters():
            p.normal_()
    return model


@pytest.mark.parametrize("rows", [1, 4096, 4097, 9000])
def test_log_probabilities_do_not_depend_on_how_rows_are_batched(rows, V=6, n=3):
    model = bolder(taught.window_model(V, 2, 4, n))
    contexts, targets = torch.randint(V + 1, (rows, n - 1)), torch.randint(V, (rows,))

    log_p = taught.log_probs(model, contexts, targets)

    reference = torch.log_softmax(model(contexts), dim=1)[torch.arange(rows), targets]
    torch.testing.assert_close(log_p, reference.detach(), rtol=0, atol=1e-12)
    assert not log_p.requires_grad


@pytest.mark.parametrize("n", [2, 4])
def test_batches_and_token_by_token_give_one_perplexity(n):
    corpus, number = random_corpus(3), numbers("abcde")
    model = bolder(taught.window_model(len(number) - 1, 3, 5, n))
    p = taught.window_function(model, n, number)

    log_p = taught.log_probs(model, *taught.windows(corpus, n, number))

    slow = [q for sentence in corpus for q in counted.token_probs(p, sentence)]
    np.testing.assert_allclose(log_p.exp(), slow, rtol=1e-12)
    assert counted.perplexity(p, corpus) == pytest.approx(math.exp(-log_p.mean()), rel=1e-12)


def test_the_network_as_a_function_is_a_probability_and_reads_its_window_only(n=3):
    number = numbers("abcde")
    p = taught.window_function(bolder(taught.window_model(6, 3, 5, n)), n, number)

    for history in ([], ["a"], ["e", "d", "c"]):
        assert math.fsum(p(word, history) for word in [*"abcde", EOS]) == pytest.approx(1, abs=1e-12)
    assert p("a", ["b", "c", "d"]) == p("a", ["e", "c", "d"]) != p("a", ["b", "e", "d"])


def test_before_training_the_loss_is_near_log_V():
    model = taught.window_model(45, 16, 64, n=5)
    contexts, targets = torch.randint(46, (3000, 4)), torch.randint(45, (3000,))

    assert -taught.log_probs(model, contexts, targets).mean().item() == pytest.approx(math.log(45), rel=0.03)


def test_training_approaches_what_can_be_known(V=4):
    contexts = torch.randint(V + 1, (1500, 2))
    targets = (contexts[:, 0] + contexts[:, 1]) % V  # certain, but not from one word of the context
    model = taught.window_model(V, 8, 16, n=3)
    before = -taught.log_probs(model, contexts, targets).mean()

    trained = taught.train(model, contexts, targets, batch=64, epochs=12, lr=0.03, weight_decay=0.0)

    assert trained is model
    assert before > 1 > 0.2 > -taught.log_probs(model, contexts, targets).mean()


class Recorder(nn.Module):
    """A model that writes down the contexts it is given, and always returns its bias."""

    def __init__(self, V):
        super().__init__()
        self.bias, self.read = nn.Parameter(torch.zeros(V)), []

    def forward(self, contexts):
        self.read.append(contexts[:, 0].tolist())
        return self.bias.expand(len(contexts), -1)


def test_each_epoch_of_training_reads_each_row_once_in_another_order():
    model, rows = Recorder(V=3), torch.arange(25)

    taught.train(model, rows[:, None], rows % 3, batch=7, epochs=3, lr=0.1, weight_decay=0.0)

    assert [len(batch) for batch in model.read] == 3 * [7, 7, 7, 4]
    epochs = [sum(model.read[i : i + 4], []) for i in (0, 4, 8)]
    assert all(sorted(epoch) == list(range(25)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


# --- what the vectors learned


def purity(monkeypatch, classes, vectors):
    monkeypatch.setattr(taught, "word_class", classes, raising=False)
    return taught.purity(np.array(vectors, dtype=float), list(classes))


def test_purity_is_one_where_each_class_has_its_own_direction(monkeypatch):
    classes = {"cat": "noun", "see": "verb", "dog": "noun", "sleep": "verb"}

    assert purity(monkeypatch, classes, [[1, 0], [0, 3], [5, 0.1], [0.2, 1]]) == 1


def test_purity_goes_by_the_angle_and_neither_by_the_distance_nor_by_the_product(monkeypatch):
    classes = {"cat": "noun", "see": "verb", "dog": "noun", "sleep": "verb"}

    assert purity(monkeypatch, classes, [[1, 0], [1, 0.9], [100, 1], [800, 990]]) == 1


def test_purity_is_the_share_of_words_with_a_neighbour_of_their_class(monkeypatch):
    angles = np.radians([0, 10, 40, 65])  # neighbours: the second, the first, the fourth, the third
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    assert purity(monkeypatch, {"a": 1, "b": 1, "c": 1, "d": 2}, vectors) == 0.5
    assert purity(monkeypatch, {"a": 1, "b": 2, "c": 1, "d": 2}, vectors) == 0
    assert purity(monkeypatch, {"a": 1, "b": 2, "c": 3, "d": 3}, -vectors) == 0.5


@pytest.mark.parametrize("N, E", [(20, 5), (4, 9)])
def test_principal_components_equal_those_of_scikit_learn_up_to_their_sign(N, E):
    vectors = np.random.default_rng(N).normal(size=(N, E)) * np.arange(1, E + 1) + 7
    reference = PCA(n_components=2).fit(vectors)

    places, share = taught.principal_components(vectors)

    theirs = reference.transform(vectors)
    signs = np.sign((places * theirs).sum(axis=0))
    np.testing.assert_allclose(places * signs, theirs, rtol=0, atol=1e-10)
    assert share == pytest.approx(reference.explained_variance_ratio_.sum(), rel=1e-12)


def test_neighbours_are_those_of_the_largest_cosine():
    table = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [-1.0, 0.1], [0.1, 9.0]])

    assert taught.neighbours("b", table, list("abcde"), best=3) == "e 1.00   c 0.71   d 0.10"


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_times_seen_counts_the_context_of_each_token(n):
    corpus, text = random_corpus(4, size=20), random_corpus(5, size=20)
    before = [[BOS] * (n - 1) + sentence for sentence in corpus]
    contexts = Counter(tuple(tokens[t : t + n - 1]) for tokens in before for t in range(len(tokens) - n + 2))

    seen = taught.times_seen(text, taught.count_ngrams(corpus, n), n)

    slow = [
        contexts[tuple(([BOS] * (n - 1) + sentence)[t : t + n - 1])]
        for sentence in text
        for t in range(len(sentence) + 1)
    ]
    assert seen.tolist() == slow


# --- agreement


def next_words(rules, prefix):
    """All words with which a sentence of the grammar can go on after a prefix, by trying all derivations."""

    def exposed(stacks):
        """The stacks of symbols after all expansions, until a word lies on top."""
        waiting, found, known = list(stacks), set(), set(stacks)
        while waiting:
            top, *rest = waiting.pop() or (EOS,)
            if top not in rules:
                found.add((top, *rest))
                continue
            new = {(*body, *rest) for _, body in rules[top]} - known
            known |= new
            waiting += new
        return found

    stacks = exposed({("S",)})
    for word in prefix:
        stacks = exposed({stack[1:] for stack in stacks if stack[0] == word})
    return {stack[0] for stack in stacks}


def test_the_oracle_of_the_next_words_follows_sampled_sentences():
    assert next_words(GRAMMAR.rules, []) == {"the", "a", "this", "some", "these"}
    assert next_words(GRAMMAR.rules, ["cat"]) == set()
    for sentence in GRAMMAR.sample(50, seed=1):
        assert all(word in next_words(GRAMMAR.rules, sentence[:t]) for t, word in enumerate([*sentence, EOS]))


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_subject_stands_at_its_distance_and_other_nouns_have_the_other_number(distance):
    number = {noun: False for noun in taught.SINGULAR} | {noun: True for noun in taught.PLURAL}

    tests = list(taught.agreement_tests(distance))

    assert Counter(plural for _, plural in tests) == {True: 6, False: 6}
    assert len({tuple(history) for history, _ in tests}) == 12
    for history, plural in tests:
        nouns = {len(history) - i: number[word] for i, word in enumerate(history) if word in number}
        assert nouns.pop(distance) == plural
        assert len(nouns) == (distance > 2) and all(other is not plural for other in nouns.values())


@pytest.mark.parametrize("distance", DISTANCES)
def test_agreement_tests_are_beginnings_of_the_grammars_sentences_that_only_the_right_verbs_continue(distance):
    for history, plural in taught.agreement_tests(distance):
        verbs = next_words(GRAMMAR.rules, history) & {*VERBS[True], *VERBS[False]}

        assert verbs == set(VERBS[plural]), history


def oracle(knows):
    """A model that puts 90 % on verbs of the number that it believes in, whatever the history."""

    def p(verb, history):
        plural = knows(history)
        return 0.9 / len(VERBS[plural]) if verb in VERBS[plural] else 0.0

    return p


def is_plural(noun):
    return noun in taught.PLURAL


@pytest.mark.parametrize("distance", DISTANCES)
def test_agreement_is_one_for_a_model_that_knows_the_subject_and_zero_for_one_that_follows_the_last_noun(distance):
    nouns = {*taught.SINGULAR, *taught.PLURAL}

    knows = taught.agreement(oracle(lambda history: is_plural(history[1])), VERBS, distance)
    follows = taught.agreement(
        oracle(lambda history: is_plural([word for word in history if word in nouns][-1])), VERBS, distance
    )

    assert knows == pytest.approx(1)
    assert follows == pytest.approx(float(distance <= 2))


def test_agreement_is_the_mean_share_of_the_verbs_probability():
    sizes = {plural: len(verbs) for plural, verbs in VERBS.items()}

    def mostly_plural(word, history):
        return 0.03 / sizes[True] if word in VERBS[True] else 0.01 / sizes[False]

    assert taught.agreement(mostly_plural, VERBS, 4) == pytest.approx((0.75 + 0.25) / 2)
    assert taught.agreement(oracle(lambda history: True), VERBS, 4) == pytest.approx(0.5)
