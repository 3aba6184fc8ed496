"""The taught roles of names: labels against the grammar, tables, taggers and the widget against slow definitions."""

import ast
import random
import sys
import unicodedata
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from course_utils.data import load_stdlib_sources
from publish.taught import taught_in

taught = taught_in("06_bidirectional")
new_in_3_12 = pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
SHORT = {"L": "load", "S": "store", "C": "call", "M": "method", "R": "attribute read", "W": "attribute written",
         "P": "parameter", "K": "keyword argument", "F": "function definition", "D": "class definition",
         "I": "import"}  # fmt: skip


def names_of(source):
    return [(text, role) for text, role in taught.names_and_roles(source) if role]


# --- labels


@pytest.mark.parametrize(
    "source, expected",
    [
        ("a = b", "a S, b L"),
        ("a = b = c", "a S, b S, c L"),
        ("a.b.c = d.e", "a L, b R, c W, d L, e R"),
        ("a += a.b", "a S, a L, b R"),
        ("a.b -= 1", "a L, b W"),
        ("a: b.c = d", "a S, b L, c R, d L"),
        ("a.b: c", "a L, b W, c L"),
        ("del a, b.c, d[e]", "a S, b L, c W, d L, e L"),
        ("a[b] = c", "a L, b L, c L"),
        ("(a, *b), [c.d] = e", "a S, b S, c L, d W, e L"),
        ("a(b)(c)", "a C, b L, c L"),
        ("a.b().c.d()", "a L, b M, c R, d M"),
        ("(a).b", "a L, b R"),
        ("(a)(b)", "a C, b L"),
        ("((a) . b)(c)", "a L, b M, c L"),
        ("(a.\n  b  # why\n  .c())", "a L, b R, c M"),
        ("a = \\\n  b.\\\n  c", "a S, b L, c R"),
        ("a(b, *c, d=e, **f)", "a C, b L, c L, d K, e L, f L"),
        ("a(**b.c)", "a C, b L, c R"),
        ("a((b := c), d)", "a C, b S, c L, d L"),
        ("a[b:c, ...]", "a L, b L, c L"),
        ("lambda a, *b, c=d, **e: f(a)", "a P, b P, c P, d L, e P, f C, a L"),
        ("def a(b, /, c: d, *e, f=g, **h) -> i: pass", "a F, b P, c P, d L, e P, f P, g L, h P, i L"),
        ("def a(*, b): return b", "a F, b P, b L"),
        ("@a\n@b.c\n@d(e)\ndef f(): pass", "a L, b L, c R, d C, e L, f F"),
        (
            "async def a():\n async with b as c, d() as (e, f.g): await h\n async for i in j: pass",
            "a F, b L, c S, d C, e S, f L, g W, h L, i S, j L",
        ),
        ("@a\nclass b(c.d, e=f): g = 1", "a L, b D, c L, d R, e K, f L, g S"),
        ("class a:\n def b(self): self.c = self.d()", "a D, b F, self P, self L, c W, self L, d M"),
        ("import a.b as c, d", "a I, b I, c I, d I"),
        ("from .a.b import (c as d,\n e)", "a I, b I, c I, d I, e I"),
        ("from . import *", ""),
        ("[a(b) for b, c in d if e]", "a C, b L, b S, c S, d L, e L"),
        ("{a: b for a.c in b}", "a L, b L, a L, c W, b L"),
        ("def a():\n global b, c\n def d():\n  nonlocal e", "a F, b S, c S, d F, e S"),
        ("try: pass\nexcept a: pass\nexcept (b, c.d) as e: raise f from e", "a L, b L, c L, d R, e S, f L, e L"),
        ("try: pass\nexcept* a(b) as c: pass", "a C, b L, c S"),
        ("with a as b, c: pass", "a L, b S, c L"),
        (
            "match a:\n case b.c | d() as e: pass\n case [f, *g] if h: pass\n case _: pass",
            "a L, b L, c R, d L, e S, f S, g S, h L",
        ),
        ("match a, b:\n case {'c': d, e.f: 1, **g}: pass", "a L, b L, d S, e L, f R, g S"),
        ("match a:\n case b(c, d=e, f=(g(h=1))): pass", "a L, b L, c S, d K, e S, f K, g L, h K"),
        ("match a:\n case [*_] | {**b, }: pass\n case c, (d as e): pass", "a L, b S, c S, d S, e S"),
        ("match = case = type = _ = 1", "match S, case S, type S, _ S"),
        ("match(case, _).type", "match C, case L, _ L, type R"),
        ("match match:\n case case: type(_)", "match L, case S, type C, _ L"),
        ("def match(type, case=_): pass", "match F, type P, case P, _ L"),
        ("from type import match as case", "type I, match I, case I"),
        ("try: pass\nexcept match as type: pass", "match L, type S"),
        ("print(f'{a.b(c)!r:>{d}}', e)", "print C, e L"),
        ("f'{a}' f'{b:{c}}' 'd' % e", "e L"),
        ("rb'a' + Rf'{b}'.c(d)", "c M, d L"),
        ("'''a\nb'''; c = 'ä' + d", "c S, d L"),
        ("ä.ö(ü=é)", "ä L, ö M, ü K, é L"),
        ("'äöü', a.b, '𝔸𝔸' + c", "a L, b R, c L"),
        ("x.ﬁ(ﬀ=ℌ)", "x L, ﬁ M, ﬀ K, ℌ L"),
        ("a = 1 if b else 2", "a S, b L"),
        ("a if b else c  # d", "a L, b L, c L"),
        ("\tif_ = not_", None),
        ("if a: b; c.d\nelif e: pass", "a L, b L, c L, d R, e L"),
        ("assert a, b; return_ = c", "a L, b L, return_ S, c L"),
        ("print(*a, sep=b)", "print C, a L, sep K, b L"),
        pytest.param("type a[b: c, *d, **e] = f[b]", "a S, b P, c L, d P, e P, f L, b L", marks=new_in_3_12),
        pytest.param("type type = type", "type S, type L", marks=new_in_3_12),
        pytest.param(
            "def a[b](c: b): pass\nclass d[e](f): pass", "a F, b P, c P, b L, d D, e P, f L", marks=new_in_3_12
        ),
        pytest.param("a = f'{b['c']}' + d", "a S, d L", marks=new_in_3_12),
        pytest.param("a(f'{f'{b}'}{c}').d", "a C, d R", marks=new_in_3_12),
    ],
)
def test_each_name_has_the_role_that_the_grammar_gives_it(source, expected):
    if expected is None:
        with pytest.raises(IndentationError):
            taught.names_and_roles(source)
        return
    pairs = [pair.split() for pair in expected.split(", ") if pair]

    assert names_of(source) == [(name, SHORT[letter]) for name, letter in pairs]


@pytest.mark.parametrize(
    "source, expected",
    [
        ("a = 1  # b", "a = <num> <nl>"),
        ("if a:\n    b\n\n# c\nd", "if a : <nl> b <nl> d <nl>"),
        ("f('a' \"b\" '''c\nd''')", "f ( <str> <str> <str> ) <nl>"),
        ("f(f'{a}' f'{{' 'b')", "f ( <str> <str> <str> ) <nl>"),
        ("f'{a!r:>{b}}{c=}{{}}', d", "<str> , d <nl>"),
        ('f"""{\na\n}{b:{c}}\n""".d', "<str> . d <nl>"),
        ("(a,\n b)", "( a , b ) <nl>"),
        ("a \\\n - b", "a - b <nl>"),
        ("a; b\n", "a ; b <nl>"),
        ("0x_f + 1_0j", "<num> + <num> <nl>"),
        ("", ""),
        ("# a", ""),
    ],
)
def test_tokens_are_the_same_in_all_versions(source, expected):
    assert " ".join(text for text, _ in taught.python_tokens(source) if text) == expected


def test_places_are_rows_and_bytes():
    tokens = list(taught.python_tokens("ä = 'ö', b\nẞ.c"))

    assert [place for text, place in tokens if text in "bc"] == [(1, 11), (2, 4)]


def test_an_open_quotation_mark_is_an_error_in_all_versions():
    with pytest.raises((SyntaxError, taught.tokenize.TokenError)):
        list(taught.python_tokens("a = 'b"))


# --- labels of whole files


@pytest.fixture(scope="module")
def files():
    """Some files of the standard library that are not too long."""
    short = [file for part in load_stdlib_sources(seed=0) for file in part if len(file) < 30_000]
    return random.Random(0).sample(short, min(200, len(short)))


class Nodes(ast.NodeVisitor):
    """All nodes of a program outside f-strings, by type; and the nodes that are called."""

    def __init__(self, source):
        self.found, self.called = [], set()
        self.visit(ast.parse(source))

    def generic_visit(self, node):
        self.found.append(node)
        if isinstance(node, ast.Call):
            self.called.add(id(node.func))
        if not isinstance(node, ast.JoinedStr):
            super().generic_visit(node)

    def of(self, *types):
        return [node for node in self.found if isinstance(node, types)]


def test_every_name_node_gets_its_role_at_its_place(files):
    for source in files:
        places = [place for _, place in taught.python_tokens(source)]
        labels = dict(zip(places, taught.names_and_roles(source), strict=True))
        nodes = Nodes(source)
        for node in nodes.of(ast.Name):
            text, role = labels[node.lineno, node.col_offset]
            loads = "call" if id(node) in nodes.called else "load"
            assert unicodedata.normalize("NFKC", text) == node.id
            assert role == (loads if isinstance(node.ctx, ast.Load) else "store")


def test_there_are_as_many_roles_as_nodes(files):
    for source in files:
        nodes, roles = Nodes(source), Counter(role for _, role in names_of(source))
        attributes = nodes.of(ast.Attribute)
        methods = sum(id(node) in nodes.called for node in attributes)
        written = sum(not isinstance(node.ctx, ast.Load) for node in attributes)

        assert roles["method"] == methods
        assert roles["attribute written"] == written
        assert roles["attribute read"] == len(attributes) - methods - written
        type_parameters = sum(type(node).__name__ in {"TypeVar", "TypeVarTuple", "ParamSpec"} for node in nodes.found)
        assert roles["parameter"] == len(nodes.of(ast.arg)) + type_parameters
        in_patterns = sum(len(node.kwd_attrs) for node in nodes.of(ast.MatchClass))
        assert roles["keyword argument"] == sum(bool(node.arg) for node in nodes.of(ast.keyword)) + in_patterns
        assert roles["function definition"] == len(nodes.of(ast.FunctionDef, ast.AsyncFunctionDef))
        assert roles["class definition"] == len(nodes.of(ast.ClassDef))
        assert roles["other"] == 0


def test_roles_do_not_depend_on_the_layout(files):
    for source in files:
        names, printed_anew = names_of(source), names_of(ast.unparse(ast.parse(source)))

        assert Counter((unicodedata.normalize("NFKC", name), role) for name, role in names) == Counter(printed_anew)


def test_lines_hold_all_names_and_end_where_statements_end(files):
    for source in files[:60]:
        lines, whole = taught.logical_lines(source), taught.logical_lines(source, longest=10**9)

        assert all(line[-1][0] == "<nl>" and any(role for _, role in line) for line in lines + whole)
        assert [(text, role) for line in whole for text, role in line if role] == names_of(source)
        assert max(map(len, lines), default=0) <= 48
        cut = [line if len(line) <= 48 else [*line[:47], line[-1]] for line in whole]
        assert lines == [line for line in cut if any(role for _, role in line)]


def test_too_long_files_are_left_out_and_lines_are_sorted():
    lines = taught.lines_of(["a.b = c\nd", "e = 1\n" * 10_000], most=100)

    assert [[text for text, _ in line] for line in lines] == [["d", "<nl>"], ["a", ".", "b", "=", "c", "<nl>"]]


# --- tables


@pytest.fixture
def small():
    """The taught module with a small vocabulary and untrained taggers."""
    taught.CODE_WORDS = ["<unk>", "<nl>", "(", ")", "=", ".", "def", "f", "x", ",", "<num>"]
    taught.code_number = {text: number for number, text in enumerate(taught.CODE_WORDS)}
    taught.ROLES_OF_NAMES = ["load", "store", "call", "parameter", "function definition", "method", "other"]
    torch.manual_seed(0)
    taught.role_taggers = {reader: [taught.RoleTagger(reader, H).eval()] for reader, H in taught.UNITS.items()}
    return taught


def test_names_have_their_neighbours_and_rare_ones_are_unknown(small):
    lines = [small.logical_lines("x = f(rare)")[0], small.logical_lines("x")[0]]

    assert small.names_in(lines) == [
        ("<nl>", "x", "=", "store"),
        ("=", "f", "(", "call"),
        ("(", "<unk>", ")", "load"),
        ("<nl>", "x", "<nl>", "load"),
    ]


def test_a_table_answers_with_the_most_frequent_role_of_its_key_and_backs_off(small):
    small.train_names = [("(", "x", ")", "load")] * 3 + [("(", "x", "=", "store")] * 2 + [("def", "f", "(", "call")] * 9
    small.test_names = [("(", "x", "=", "store"), (".", "x", ")", "load"), ("=", "y", ",", "load")]

    assert small.table_guesses(lambda p, name, n: [(name, n), (name,), ()]).tolist() == ["store", "load", "call"]


def test_accuracies_are_of_all_known_and_unknown_names(small):
    small.true_roles = np.array(["load", "store", "call", "load"])
    small.is_unknown = np.array([True, False, False, False])

    assert small.accuracies(np.array(["load", "store", "load", "store"])).tolist() == [50, pytest.approx(100 / 3), 100]


@pytest.mark.parametrize("seed", range(5))
def test_f1_is_scikit_learns_also_for_roles_that_do_not_occur(small, seed):
    rng = np.random.default_rng(seed)
    true, guessed = (rng.choice(small.ROLES_OF_NAMES[: 2 + seed], size=20) for _ in range(2))

    theirs = f1_score(true, guessed, labels=small.ROLES_OF_NAMES, average=None, zero_division=0)

    assert np.allclose(small.f1_by_role(true, guessed), theirs, rtol=0, atol=1e-12)


# --- taggers


def seen_at(model, t, T=6):
    """The tokens on which the scores at step t depend, found by changing one at a time."""
    x = torch.arange(1, T + 1)[None]
    with torch.no_grad():
        return {k for k in range(T) if not torch.equal(model(x)[0, t], model(x.where(torch.arange(T) != k, 0))[0, t])}


@pytest.mark.parametrize("t", [0, 2, 4])
def test_each_reader_sees_what_it_is_said_to_see(small, t):
    expected = {"RNN": range(t + 1), "LSTM": range(t + 1), "LSTM, one late": range(t + 2), "BiLSTM": range(6)}

    for reader, tokens in expected.items():
        assert seen_at(small.role_taggers[reader][0], t) == set(tokens)


def test_readers_have_nearly_equal_parameters_apart_from_their_embeddings(small):
    small.ROLES_OF_NAMES = list("abcdefghijkl")
    models = [small.RoleTagger(reader, H) for reader, H in small.UNITS.items()]

    sizes = [small.parameter_count(model) - small.parameter_count(model.C) for model in models]

    assert max(sizes) < 1.01 * min(sizes)


def test_batches_hold_each_line_once_and_lines_of_one_length(small):
    programs = [("f(" + "x, " * n + ")\nx\n") * n for n in range(1, 9)]
    lines = sorted([line for program in programs for line in small.logical_lines(program)], key=len)
    tables = small.as_numbers(lines)

    batches = small.line_batches(tables, tokens=20)

    found = Counter(tuple(zip(*pair)) for x, y in batches for pair in zip(x.tolist(), y.tolist(), strict=True))
    number = {role: k for k, role in enumerate(small.ROLES_OF_NAMES)}
    numbers = [[(small.code_number.get(text, 0), number.get(role, -100)) for text, role in line] for line in lines]
    assert found == Counter(map(tuple, numbers))
    assert all(x.shape == y.shape and (x.numel() <= 20 or len(x) == 1) for x, y in batches)


def test_guesses_are_in_the_order_of_the_names(small):
    lines = sorted(small.logical_lines("x = f(x, x)\ndef f(x): x\nx\nx.f(x, 1)\n"), key=len)
    small.test_tables = small.as_numbers(lines)

    guesses = small.network_guesses(model := small.role_taggers["BiLSTM"][0])

    one_by_one = []
    for line in lines:
        scores = model(torch.tensor([[small.code_number.get(text, 0) for text, _ in line]]))[0]
        one_by_one += [small.ROLES_OF_NAMES[scores[i].argmax()] for i, (_, role) in enumerate(line) if role]
    assert guesses.tolist() == one_by_one


def test_training_learns_what_the_lines_show(small):
    small.train_tables = small.as_numbers(sorted(small.logical_lines("x = f(x)\nf(x, x)\n" * 60), key=len))
    small.test_tables = small.train_tables

    model = small.train_role_tagger("BiLSTM", seed=0, passes=40)

    truth = [small.ROLES_OF_NAMES[k] for _, y in small.test_tables.values() for k in y[y >= 0].tolist()]
    assert small.network_guesses(model).tolist() == truth


# --- the widget

LINES = ["x = f(x)", "def f(x):", "for x in y:", "else:", "elif x:", "except E as e:", "case f(x=y):", "@f", "@f(x=1)",
         "with x as y:  # z", "to be", "of the", "x =", "x = f(", "x = 'a", "a ? b", "a $ b", "", "   ", "#", "1 + 1",
         "'x'", "f'{x}'", "f'{", "x\\", "\0", "é.ü", "return x", "await x", "  x = y", "x\ty", ")", "x)", "...",
         "\\d = '\\d'",
         "lambda: (yield)", "x" * 300, "(" * 150 + ")" * 150, "1if x else y", "0_7", "x\u00a0y", "\u200b", "🐍 = 1",
         "x; y; z", "class A(b): c", "async def f(): pass", "global x", "match x:", "type X = int"]  # fmt: skip


def test_the_widget_answers_any_text_and_two_texts_differently(small, capsys):
    answers = []
    for line in LINES:
        small.describe_roles(line)
        answers.append(capsys.readouterr())

    assert all(answer.out.strip() and not answer.err for answer in answers)
    different = {line.strip() for line in LINES}
    assert len({answer.out for answer in answers}) == len(different)


@pytest.mark.parametrize(
    "line, expected",
    [
        ("x = f(x)", ["store", "call", "load"]),
        ("def f(x):", ["function definition", "parameter"]),
        ("for x in y:  # z", ["store", "load"]),
        ("elif x:", ["load"]),
        ("except E as e:", ["load", "store"]),
        ("case f(x=y):", ["– (a keyword here)", "load", "keyword argument", "store"]),
        ("else: x = y", ["store", "load"]),
        ("match x:", ["– (a keyword here)", "load"]),
        ("x = f(", ["?", "?"]),
        ("@f.g", ["load", "attribute read"]),
        ("to be", ["?", "?"]),
    ],
)
def test_the_widget_tells_the_true_role_where_there_is_one(small, capsys, line, expected):
    small.describe_roles(line)

    table = capsys.readouterr().out.splitlines()[3 : 3 + len(expected)]
    assert [row[69:].strip() for row in table] == expected


def test_the_widget_says_that_a_line_is_no_python(small, capsys):
    small.describe_roles("of the")
    assert "no true roles" in capsys.readouterr().out

    small.describe_roles("x = f(")
    assert "A bracket or a quotation mark is still open." in capsys.readouterr().out

    small.describe_roles("x = 'y")
    assert "A bracket or a quotation mark is still open." in capsys.readouterr().out
