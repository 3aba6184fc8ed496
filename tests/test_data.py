"""The texts that every Python brings along: a grammar whose entropy is exact, and prose split by module."""

import ast
import inspect
import math
import random
import time
from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest

from course_utils.data import Grammar, library, load_grammar, load_prose, load_stdlib_sources, prose, tokenize

# --- the grammar

FINITE = {
    "S": [(3, ["NP", "V"]), (1, ["NP", "V", "NP"])],
    "NP": [(1, ["cats"]), (2, ["A", "cats"])],
    "A": [(1, []), (1, ["small"])],
    "V": [(0.2, ["sleep"]), (0.6, ["sing"])],
}
AMBIGUOUS = {
    "S": [(1, ["A", "B"]), (1, ["a", "b"])],
    "A": [(2, ["a"]), (1, []), (1, ["a", "A"])],
    "B": [(1, ["b"]), (2, ["b", "B"])],
}
RECURSIVE = {"S": [(2, ["a", "S", "b"]), (3, ["c"]), (1, ["T", "T"])], "T": [(1, ["t", "T"]), (3, ["u"])]}


def derivations(grammar, least=1e-13):
    """(probability, sentence) of every derivation that is likelier than a bound."""
    found, growing = [], [(1.0, (), (grammar.start,))]
    while growing:
        p, sentence, rest = growing.pop()
        if not rest:
            found.append((p, sentence))
        elif rest[0] not in grammar.rules:
            growing.append((p, (*sentence, rest[0]), rest[1:]))
        else:
            expanded = [(p * q, sentence, (*body, *rest[1:])) for q, body in grammar.rules[rest[0]]]
            growing += [item for item in expanded if item[0] > least]
    return found


def inside(grammar, sentence):
    """Probability of a sentence and number of its derivations, by the inside algorithm."""

    @cache
    def symbol(name, i, j):
        if name not in grammar.rules:
            return (1.0, 1) if sentence[i:j] == [name] else (0.0, 0)
        found = [(p, sequence(tuple(body), i, j)) for p, body in grammar.rules[name]]
        return sum(p * q for p, (q, _) in found), sum(count for _, (_, count) in found)

    @cache
    def sequence(body, i, j):
        if not body:
            return (1.0, 1) if i == j else (0.0, 0)
        if len(body) == 1:
            return symbol(body[0], i, j)
        firsts = [(k, symbol(body[0], i, k)) for k in range(i, j + 1)]
        pairs = [(first, sequence(body[1:], k, j)) for k, first in firsts if first[1]]
        return sum(a[0] * b[0] for a, b in pairs), sum(a[1] * b[1] for a, b in pairs)

    return symbol(grammar.start, 0, len(sentence))


@pytest.mark.parametrize("rules", [FINITE, RECURSIVE], ids=["finite", "recursive"])
def test_entropy_and_length_equal_those_of_all_derivations(rules):
    grammar = Grammar(rules)
    all_of_them = derivations(grammar)

    nats, tokens = grammar.entropy()

    assert math.fsum(p for p, _ in all_of_them) == pytest.approx(1, abs=1e-8)
    assert nats == pytest.approx(math.fsum(-p * math.log(p) for p, _ in all_of_them), abs=1e-6)
    assert tokens == pytest.approx(math.fsum(p * (len(words) + 1) for p, words in all_of_them), abs=1e-6)
    assert grammar.optimal_perplexity() == pytest.approx(math.exp(nats / tokens))


def test_a_grammar_of_one_sentence_has_no_entropy():
    grammar = Grammar({"S": [(5, ["hello", "world"])]})

    assert grammar.entropy() == (0, 3)
    assert grammar.optimal_perplexity() == 1


def test_a_fair_choice_among_eight_words_and_the_end_has_the_floor_of_its_tokens():
    grammar = Grammar({"S": [(1, [word]) for word in "abcdefgh"]})

    assert grammar.optimal_perplexity() == pytest.approx(math.sqrt(8))


def test_the_floor_of_the_english_grammar_is_the_perplexity_of_its_samples_under_the_inside_algorithm(size=800):
    grammar = load_grammar("english")
    sampled = grammar.sample(size, seed=5)
    surprises = [-math.log(inside(grammar, sentence)[0]) for sentence in sampled]
    tokens = sum(len(sentence) + 1 for sentence in sampled)

    mean = sum(surprises) / tokens
    rest = [surprise - mean * (len(sentence) + 1) for surprise, sentence in zip(surprises, sampled)]
    error = math.sqrt(sum(x * x for x in rest)) / tokens

    assert abs(mean - math.log(grammar.optimal_perplexity())) < 3 * error < 0.03
    assert tokens / size == pytest.approx(grammar.entropy()[1], rel=0.05)


@pytest.mark.parametrize("rules", [FINITE, RECURSIVE, AMBIGUOUS], ids=["finite", "recursive", "ambiguous"])
def test_the_probability_of_a_sentence_is_the_sum_over_its_derivations(rules):
    grammar, expected = Grammar(rules), defaultdict(float)
    for p, words in derivations(grammar):
        expected[words] += p
    likely = {words: p for words, p in expected.items() if p > 1e-6}

    found = {words: grammar.probability(list(words)) for words in likely}

    assert len(likely) > 5
    assert found == pytest.approx(likely, rel=1e-5)
    assert all(grammar.probability(list(words)) == 0 for words in [("nonsense",), (), next(iter(likely)) * 2])


def test_english_sentences_have_the_probability_of_the_inside_algorithm():
    grammar = load_grammar("english")
    sampled = grammar.sample(100, seed=7)

    found = [grammar.probability(sentence) for sentence in sampled]

    assert found == pytest.approx([inside(grammar, sentence)[0] for sentence in sampled], rel=1e-12)
    assert min(found) > 0


def test_the_perplexity_on_sentences_counts_each_end_as_a_token():
    grammar = Grammar({"S": [(3, ["a"]), (1, ["b", "c"])]})

    assert grammar.perplexity([["a"], ["b", "c"]]) == pytest.approx((3 / 4 * 1 / 4) ** (-1 / 5))


def test_no_sampled_english_sentence_has_two_derivations():
    grammar = load_grammar("english")

    assert {inside(grammar, sentence)[1] for sentence in grammar.sample(300, seed=6)} == {1}


def test_samples_are_as_frequent_as_their_probability():
    grammar = Grammar(FINITE)
    expected = defaultdict(float)
    for p, words in derivations(grammar):
        expected[words] += p

    seen = Counter(map(tuple, grammar.sample(20_000, seed=1)))

    assert set(seen) <= set(expected)
    assert all(seen[words] / 20_000 == pytest.approx(p, abs=0.015) for words, p in expected.items())


def test_equal_seeds_give_equal_samples_and_leave_other_generators_alone():
    grammar, state = load_grammar(), random.getstate()

    assert grammar.sample(20, seed=3) == grammar.sample(20, seed=3) != grammar.sample(20, seed=4)
    assert random.getstate() == state


@pytest.mark.parametrize("rules, message", [
    ({"S": [(0, ["a"])]}, "weights of 'S'"),
    ({"S": [(2, ["a"]), (-1, ["b"])]}, "weights of 'S'"),
    ({"S": []}, "weights of 'S'"),
    ({"T": [(1, ["a"])]}, "no rule for its start symbol 'S'"),
    ({"S": [(1, ["S", "S"]), (1, ["a"])]}, "1.00 new symbols"),
    ({"S": [(1, ["T"])], "T": [(1, ["S"])]}, "1.00 new symbols"),
])  # fmt: skip
def test_a_grammar_that_cannot_be_is_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        Grammar(rules)


def test_an_unknown_grammar_is_a_file_that_is_missed():
    with pytest.raises(FileNotFoundError, match="klingon.toml"):
        load_grammar("klingon")


# --- the prose


@pytest.fixture(scope="module")
def splits():
    start = time.process_time()
    splits = load_prose.__wrapped__(seed=0)
    assert time.process_time() - start < 5
    return splits


def test_the_prose_is_the_same_for_the_same_seed_only(splits):
    assert load_prose(seed=0) == splits
    assert load_prose.__wrapped__(seed=1) != splits


def test_there_is_enough_prose_and_its_parts_are_eight_to_one_to_one(splits):
    total = sum(map(len, splits))

    assert total > 5000
    for part, share in zip(splits, (0.8, 0.1, 0.1)):
        assert len(part) / total == pytest.approx(share, abs=0.02)


def test_no_sentence_stands_in_two_parts_or_twice_in_one(splits):
    everything = Counter(tuple(sentence) for part in splits for sentence in part)

    # Sentences are told apart before case and spaces are dropped; hardly any fall together afterwards.
    assert sum(times > 1 for times in everything.values()) < 0.01 * len(everything)


def test_no_document_is_in_two_parts(splits):
    parts = [{tuple(sentence) for sentence in part} for part in splits]
    texts = {name: {tuple(tokenize(s)) for s in prose.sentences(text)} for name, text in prose._documents().items()}
    owners = Counter(sentence for sentences in texts.values() for sentence in sentences)

    for name, sentences in texts.items():
        own = {sentence for sentence in sentences if owners[sentence] == 1}
        assert sum(bool(own & part) for part in parts) <= 1, name


def test_a_sentence_is_a_list_of_lower_case_tokens(splits):
    for sentence in splits.train[:2000]:
        assert len(sentence) >= 3
        assert sentence[-1] in ".!?"
        assert all(token == token.lower() and token.strip() == token != "" for token in sentence)


@pytest.mark.parametrize("module", ["argparse", "textwrap", "collections", "asyncio.tasks", "logging", "json"])
def test_docstrings_are_found_without_parsing(module):
    source = inspect.getsource(__import__(module, fromlist=["_"]))
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)]
    lines, first = source.splitlines(keepends=True), [n.body[0] for n in nodes if ast.get_docstring(n) is not None]
    strings = ["".join(lines[n.lineno - 1 : n.end_lineno]).strip().lstrip("rRuU") for n in first]
    expected = [string[3:-3] for string in strings if string.startswith(('"""', "'''"))]

    found = {match[2] for match in prose.DOCSTRING.finditer(source)}

    assert len(expected) > 2
    assert sum(docstring in found for docstring in expected) >= 0.99 * len(expected)


@pytest.mark.parametrize("text, expected", [
    ("A plain sentence about the weather.", ["A plain sentence about the weather."]),
    ("First comes one of them. Then comes the other.", ["First comes one of them.", "Then comes the other."]),
    ("A sentence on\n   two lines of text.", ["A sentence on two lines of text."]),
    ("- An item that is a whole sentence.", ["An item that is a whole sentence."]),
    ("Note: This is an important remark here.", ["This is an important remark here."]),
    ("A word in ``quotes`` or *emphasis* is kept.", ["A word in quotes or emphasis is kept."]),
    (">>> print('This is not a sentence.')", []),
    ("stmt ::= This is a grammar rule.", []),
    ("x = f(y) if this_is(code) else 3.", []),
    ("Too short.", []),
    ("no capital letter at its beginning.", []),
    ("A Title Without An End", []),
])  # fmt: skip
def test_sentences_are_english_and_code_is_left_out(text, expected):
    assert list(prose.sentences(text)) == expected


def test_tokens_are_words_numbers_and_marks():
    assert tokenize("It's a well-known fact: 42 isn't 24!") == [
        "it's", "a", "well-known", "fact", ":", "42", "isn't", "24", "!"
    ]  # fmt: skip


def test_a_python_without_its_library_source_is_an_error_that_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(library.sysconfig, "get_path", lambda name: str(tmp_path))

    with pytest.raises(FileNotFoundError, match="no library source under .*install Python from"):
        library.library.__wrapped__()


def test_what_cannot_be_read_is_left_out_of_the_library(monkeypatch, tmp_path):
    monkeypatch.setattr(library.sysconfig, "get_path", lambda name: str(tmp_path))
    (tmp_path / "argparse.py").write_text("x = 1\n", "utf-8-sig")
    (tmp_path / "latin.py").write_bytes("# naïve\n".encode("latin-1"))
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "dangling.py").symlink_to(tmp_path / "nowhere.py")

    found = library.library.__wrapped__()

    assert found == {"argparse": ["x = 1\n"], "latin": ["# na\ufffdve\n"], "package": [""]}


def test_the_library_is_split_by_module_about_eight_to_one_to_one():
    parts = load_stdlib_sources(seed=1)
    owners = {source: name for name, sources in library.library().items() for source in sources if len(source) > 200}
    modules = [{owners[source] for source in part if source in owners} for part in parts]
    shares = np.array([sum(map(len, part)) for part in parts]) / sum(len(source) for part in parts for source in part)

    assert not (modules[0] & modules[1] or modules[0] & modules[2] or modules[1] & modules[2])
    assert all(abs(shares - [0.8, 0.1, 0.1]) < 0.06)
    assert parts != load_stdlib_sources(seed=0)


def test_the_library_s_programs_can_be_parsed():
    for source in load_stdlib_sources().validation:
        ast.parse(source)
