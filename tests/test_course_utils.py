"""The helper module: its feedback, its figures, its seed, and that it stays small and quick to import."""

import _thread
import ast
import base64
import contextlib
import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
import textwrap
import threading
import time
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

import course_utils
from course_utils import COLOR, LINE, check, course_file, guard, plotting, setup, show, show_film, show_table, tables

FOLDER = Path(course_utils.__file__).parent

# --- check


def add(x, y):
    return x + y


CASES = [((1, 2), 3), ((0.1, 0.2), 0.3)]


@pytest.fixture
def said(capsys):
    """Call check and return what it printed."""

    def check_and_read(*arguments, **options):
        assert check(*arguments, **options) is None
        return capsys.readouterr().out

    return check_and_read


def test_an_untouched_stub_is_not_attempted(said):
    def stub(x, y):
        return ...

    assert said(stub, CASES, {}) == "stub: not attempted yet.\n"


def test_a_forgotten_return_is_named(said):
    def forgetful(x, y):
        x + y

    assert "Hint: the function returned nothing" in said(forgetful, CASES, {})


def test_a_mistake_is_named_although_one_of_its_cases_raises(said):
    cases = [((1, 2), 0.5), ((3, 4), 0.75), ((0, 0), 1.0)]
    mistakes = {"upside down": lambda x, y: y / x if x else 7.0, "product": lambda x, y: x * y}

    text = said(lambda x, y: y / x, cases, mistakes)

    assert "Hint: upside down" in text
    assert "product" not in text


def test_a_right_answer_is_told_on_how_many_cases(said):
    assert said(add, CASES, {"subtracted": lambda x, y: x - y}) == "add: correct, on all 2 cases.\n"


def test_a_mistake_is_named_and_shown_on_its_first_case(said):
    text = said(lambda x, y: x - y, CASES, {"you subtracted": lambda x, y: x - y, "you multiplied": lambda x, y: x * y})

    assert text.splitlines() == [
        "<lambda>: not yet, 2 of 2 cases differ. The first:",
        "  gave -1 instead of 3",
        "  in the case <lambda>(1, 2)",
        "  Hint: you subtracted",
    ]


def test_the_first_wrong_case_is_shown_not_the_first_case(said):
    text = said(lambda x, y: 3, CASES, {})

    assert "1 of 2 cases differ" in text
    assert "gave 3 instead of 0.3" in text
    assert "(0.1, 0.2)" in text


def test_half_an_answer_is_wrong_and_not_unattempted(said):
    assert "gave None instead of 0.3" in said(lambda x, y: 3 if x == 1 else None, CASES, {})


def test_numbers_are_equal_up_to_the_tolerance(said):
    assert "correct" in said(lambda x, y: x + y + 1e-9, CASES, {})
    assert "not yet" in said(lambda x, y: x + y + 1e-4, CASES, {})
    assert "correct" in said(lambda x, y: x + y + 1e-4, CASES, {}, tolerance=1e-3)


@pytest.mark.parametrize("given, expected, same", [
    (torch.tensor(0.5), 0.5, True),
    (np.float64(0.5), 0.5, True),
    (torch.tensor([0.1, 0.2], dtype=torch.float64), [0.1, 0.2], True),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]], True),
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), True),
    (torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 2.0]]), False),
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0]), False),
    ((1, 2), [1, 2], True),
    ([1, 2], [2, 1], False),
    ({"a": 0.1 + 0.2}, {"a": 0.3}, True),
    ({"a": 1}, {"b": 1}, False),
    ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2 + 1e-12}]}, True),
    ({1, 2}, {2, 1}, True),
    ({(0, 2)}, {(0, 2)}, True),
    ({(0, 2)}, {(0, 3)}, False),
    (np.str_("a"), "a", True),
    ("1", 1, False),
    (82_176, 82_177, False),
    (10**400, 0.5, False),
    (1 / 3 + 1e-5, 1 / 3, False),
    (np.float32(1 / 3), 1 / 3, True),
    (torch.tensor([1 / 3, 2 / 3]), [1 / 3, 2 / 3], True),
    (torch.tensor([1 / 3, 2 / 3]).tolist(), [1 / 3, 2 / 3], True),
    (torch.tensor([1 / 3, 0.667]), [1 / 3, 2 / 3], False),
    (float("inf"), float("inf"), True),
    (float("nan"), 1.0, False),
    ([], [], True),
    (0, [], False),
])  # fmt: skip
def test_answers_are_compared_by_value(said, given, expected, same):
    assert ("correct" in said(lambda: given, [((), expected)], {})) is same


@pytest.mark.parametrize("given, expected, told", [
    (np.array([1.5]), 1.5, "right numbers, [1.5] instead of 1.5"),
    (torch.tensor([[0.5, 1.5]]), [0.5, 1.5], "right numbers, shape (1, 2) instead of (2,)"),
    ([[0.5], [1.5]], np.array([0.5, 1.5]), "right numbers, shape (2, 1) instead of (2,)"),
    (map(abs, [1, 2]), [1, 2], "right numbers, an iterator over [1, 2] instead of [1, 2]"),
    ((x for x in "ab"), ["a", "b"], "right values, an iterator over ['a', 'b'] instead of ['a', 'b']"),
    (zip([1, 2], [3, 4]), {1: 3, 2: 4}, None),
    ([(1, 2), (3, 4)], {(1, 2), (3, 4)}, "right numbers, [[1, 2], [3, 4]] instead of {(1, 2), (3, 4)}"),
    ({"a": 0.5, "b": 1.5}, [0.5, 1.5], "right numbers, {'a': 0.5, 'b': 1.5} instead of [0.5, 1.5]"),
    ({"b": 2}, {"a": 2}, "right numbers, keys ['b'] instead of ['a']"),
])  # fmt: skip
def test_right_numbers_in_another_container_or_shape_are_nearly_right(said, given, expected, told):
    text = said(lambda: given, [((), expected)], {})

    assert text.startswith(f"<lambda>: nearly: {told}\n" if told else "<lambda>: not yet")


@pytest.mark.parametrize("given, expected, told", [
    ([[1, 2, 3]], [[1, 2], [3, 4]], "shape (1, 3) instead of (2, 2)"),
    ([[1, 2], [3, 5]], [[1, 2], [3, 4]], "5 instead of 4 in entry [1][1]"),
    ([[1, 2], [3]], [[1], [2, 4]], "shape (2,) instead of (1,) in entry [0]"),
    ({"a": [1, 2]}, {"a": [1, 3]}, "2 instead of 3 in entry ['a'][1]"),
    ({"a": 1, "b": 1}, {"a": 1}, "keys ['a', 'b'] instead of ['a']"),
    (0.333334, 1 / 3 + 1e-12, "0.333334 instead of 0.333333"),
    (0.12345678, 0.12345671, "0.12345678 instead of 0.12345671"),
    ("1", 1, "'1' instead of 1"),
])  # fmt: skip
def test_shapes_are_told_first_and_then_the_first_entry_that_differs(said, given, expected, told):
    assert f"  gave {told}\n" in said(lambda: given, [((), expected)], {}, tolerance=1e-9)


def divide(x):
    return 1 / x


def test_an_attempt_that_fails_is_shown_with_its_error_and_its_line(said):
    line = divide.__code__.co_firstlineno + 1

    text = said(divide, [((0,), 1)], {})

    assert f"  raised ZeroDivisionError: division by zero\n    in line {line}: return 1 / x\n" in text


def test_the_line_is_one_of_the_attempt_where_a_library_raises(said):
    def deep(x):
        x = [x, x]
        return json.loads(x)

    assert re.search(r"TypeError: .*\n    in line \d+: return json.loads\(x\)\n", said(deep, [((0,), 1)], {}))


def test_an_attempt_with_the_wrong_arguments_is_shown_with_its_error(said):
    assert "raised TypeError: " in said(lambda x: x, CASES, {})


def test_a_mistake_that_fails_has_its_hint_too(said):
    mistakes = {"the key may be missing": lambda d: d["anything"], "one": lambda d: 1}

    text = said(lambda d: d["x"], [(({},), 0)], mistakes)

    assert re.findall("Hint: (.*)", text) == ["the key may be missing"]


def test_a_mistake_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="cannot tell this mistake from the truth: you added"):
        check(add, CASES, {"you added": lambda x, y: y + x})


def test_an_attempt_that_changes_its_arguments_changes_nobody_elses(said):
    def spoil(words):
        words.clear()
        return 0

    cases = [((["a", "b"],), 2)]

    assert "spoil(['a', 'b'])" in said(spoil, cases, {"length off by one": lambda words: len(words) + 1})
    assert cases == [((["a", "b"],), 2)]
    assert "correct" in said(len, cases, {})


def test_long_values_are_cut(said):
    text = said(lambda x: list(range(1000)), [(("w" * 1000,), 1)], {})

    assert max(map(len, text.splitlines())) < 150


def test_a_large_array_is_shown_by_its_shape(said):
    assert "in the case <lambda>(ndarray of shape (30, 40), 2)\n" in said(
        lambda x, y: 0, [((np.ones((30, 40)), 2), 1)], {}
    )


def test_the_solution_speaks_as_the_solution(said):
    def add_solution(x, y):
        return x + y

    def sub_solution(x, y):
        return x - y

    assert said(add_solution, CASES, {}) == "the solution: correct, on all 2 cases.\n"
    assert said(sub_solution, CASES, {}).startswith("the solution: not yet, ")


# --- check holds what attempts do at arm's length


def loop(x):
    while True:
        pass


def stubborn(x):
    while True:
        with contextlib.suppress(Exception):
            loop(x)


def deaf(x):
    while True:
        try:
            abs(x)
        except BaseException:
            x += 1


def endless(x):
    return itertools.count()


def ends_with(threads):
    """True as soon as no more threads run than before; a stopped one may need a moment."""
    return any(threading.active_count() <= threads or time.sleep(0.01) for _ in range(100))


@pytest.mark.parametrize("attempt", [loop, stubborn, deaf, endless])
@pytest.mark.parametrize("in_main_thread", [True, False])
def test_an_attempt_without_end_is_stopped_and_leaves_no_thread(said, attempt, in_main_thread):
    threads, start, texts = threading.active_count(), time.monotonic(), []

    def read():
        texts.append(said(attempt, [((1,), 1), ((2,), 2), ((3,), 3)], {}, seconds=0.1))

    if in_main_thread:
        read()
    else:
        caller = threading.Thread(target=read)
        caller.start()
        caller.join()

    assert "raised TimeoutError: no answer after 0.1 s; is there a loop that never ends?\n" in texts[0]
    assert f"in the case {attempt.__name__}(1)\n" in texts[0]
    assert ends_with(threads)
    assert time.monotonic() - start < 2.5


def test_the_line_that_never_ends_is_named(said):
    assert re.search(r"in line \d+: (while True:|pass)\n", said(loop, [((1,), 1)], {}, seconds=0.1))


def test_a_long_call_of_compiled_code_is_left_to_itself_and_said_to_be_so(said):
    text = said(lambda x: time.sleep(3), [((1,), 1)], {}, seconds=0.1)

    assert "it cannot be stopped: restart the kernel" in text


def test_an_attempt_that_takes_too_much_memory_is_stopped(said, monkeypatch):
    def hoard(x):
        heap = []
        while True:
            heap.append(b"1" * 10**6)

    monkeypatch.setattr(guard, "MEMORY", 50 * 10**6)

    assert "raised MemoryError: more than 0.047 GB were needed\n" in said(hoard, [((1,), 1)], {})


@pytest.mark.parametrize("code, told", [
    ("sys.exit(3)", "SystemExit: 3"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("np.ones(10**17)", "MemoryError: Unable to allocate"),
    ("attempt(x)", "RecursionError: maximum recursion depth exceeded"),
    ("max([x], key=attempt)", "RecursionError: maximum recursion depth exceeded"),
])  # fmt: skip
def test_an_attempt_cannot_end_the_kernel(said, code, told):
    names = {"sys": sys, "np": np}
    exec(f"def attempt(x):\n    {code}", names)

    assert f"  raised {told}" in said(names["attempt"], [((1,), 1)], {})


def test_what_an_attempt_prints_is_shown_up_to_a_page(said):
    def talk(x):
        for i in range(x):
            print("line", i)
        return x

    assert said(talk, [((2,), 2), ((1,), 1)], {}) == "line 0\nline 1\nline 0\ntalk: correct, on all 2 cases.\n"
    long = said(talk, [((10**5,), 10**5)], {}).splitlines()
    assert long[29:] == ["line 29", "… what follows is cut", "talk: correct, on all 1 cases."]
    assert len(said(lambda x: print("w" * x), [((10**6,), None)], {})) < 2100


def test_the_kernel_is_as_it_was_whatever_an_attempt_changes(said):
    def vandal(x):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        torch.set_default_dtype(torch.float64)
        math.log = np.exp = torch.tanh = random.random = abs
        print("seen")
        sys.stdout = sys.stderr = None
        return x

    streams, functions = (sys.stdout, sys.stderr), (math.log, np.exp, torch.tanh, random.random)
    setup(seed=5)
    expected = drawn()
    setup(seed=5)

    text = said(vandal, [((1,), 1), ((math.e,), 1)], {"you took exp": lambda x: math.log(x) + 1})

    assert text.startswith("seen\nseen\nvandal: not yet, 1 of 2 cases differ.")
    assert (sys.stdout, sys.stderr) == streams
    assert (math.log, np.exp, torch.tanh, random.random) == functions
    assert torch.get_default_dtype() == torch.float32
    assert drawn() == expected


def test_quit_in_a_notebook_ends_nothing(said, monkeypatch):
    class Shell:
        def ask_exit(self):
            raise AssertionError("the kernel ends")

    shell = Shell()
    monkeypatch.setattr(guard, "get_ipython", lambda: shell)

    assert "raised SystemExit" in said(lambda x: shell.ask_exit(), [((1,), 1)], {})
    assert "ask_exit" not in vars(shell)


def test_a_function_of_a_library_that_was_replaced_before_is_put_back_and_named(said):
    right = math.log
    math.log = abs

    text = said(add, CASES, {"a mistake only with the true logarithm": lambda x, y: x + y})

    assert text == "math.log had been replaced. The original is back: run this cell again.\n"
    assert math.log is right


def test_what_pytorch_wraps_itself_when_an_optimizer_is_made_counts_as_the_original():
    code = """
        import torch
        from course_utils import check
        torch.optim.Adam([torch.ones(1, requires_grad=True)])
        import torch._dynamo
        check(abs, [((-1,), 1)], {})
    """

    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=FOLDER.parent
    )

    assert said.stdout == "abs: correct, on all 1 cases.\n"


def test_an_interrupt_of_the_kernel_stops_the_attempt_and_passes():
    timer, threads = threading.Timer(0.3, _thread.interrupt_main), threading.active_count()

    timer.start()
    with pytest.raises(KeyboardInterrupt):
        check(loop, [((1,), 1)], {}, seconds=60)
    timer.join()

    assert ends_with(threads)


# --- show


@pytest.fixture
def shown(monkeypatch):
    """What show, show_film and show_table display: (object, options) pairs."""
    found = []
    for module in (plotting, tables):
        monkeypatch.setattr(module, "display", lambda value, **options: found.append((value, options)))
    return found


def test_a_figure_is_shown_once_with_its_message_as_caption_and_alternative_text(shown):
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot([1, 2])

    show(figure, "It rises.")

    (bundle, options), (caption, _) = shown
    assert bundle["text/plain"] == "It rises."
    assert options["metadata"]["image/png"]["alt"] == "It rises."
    assert caption.data == '<p class="caption"><em>It rises.</em></p>'


def test_the_caption_is_escaped_and_the_alternative_text_is_not(shown):
    show(plt.figure(), 'p < 1 & "so on"')

    assert "<em>p &lt; 1 &amp; &quot;so on&quot;</em>" in shown[1][0].data
    assert shown[0][1]["metadata"]["image/png"]["alt"] == 'p < 1 & "so on"'


def test_a_shown_figure_is_closed(shown):
    figure = plt.figure()

    show(figure, "Nothing.")

    assert not plt.fignum_exists(figure.number)


def test_the_alternative_text_names_the_axes_before_the_finding(shown):
    figure, (left, right) = plt.subplots(1, 2)
    left.set(xlabel="order, $n$", ylabel="perplexity")
    right.set(xlabel="steps\nback")

    show(figure, "It falls.")

    alt = shown[0][1]["metadata"]["image/png"]["alt"]
    assert alt == "Plot of perplexity against order, n; steps back. It falls."


def picture_in(bundle):
    """The picture that show has displayed."""
    return Image.open(BytesIO(base64.b64decode(bundle["image/png"])))


def test_the_picture_has_twice_the_pixels_that_a_deck_shows(shown):
    figure, ax = plt.subplots(figsize=(3, 2), dpi=100)

    show(figure, "A frame.")

    bundle, options = shown[0]
    assert picture_in(bundle).size == (675, 450)
    assert (options["metadata"]["image/png"]["width"], options["metadata"]["image/png"]["height"]) == (300, 200)


def largest_change(picture, figure, dpi):
    """By how much a picture differs from what matplotlib draws, of 255, in the colour that differs most."""
    full = BytesIO()
    figure.savefig(full, format="png", dpi=dpi)
    drawn = np.asarray(Image.open(full).convert("RGB")).astype(int)
    return np.abs(np.asarray(picture.convert("RGB")) - drawn).max()


def many_lines():
    """A figure in the course's style with a line for each model, and shades that cross."""
    plotting.use_course_style()
    figure, ax = plt.subplots()
    for i, line in enumerate(LINE.values()):
        ax.plot(np.sin(np.linspace(i, 3 * i + 1, 30)), **line, label=f"line {i}")
        ax.fill_between([4 * i, 4 * i + 6], -1, 1, color=line["color"], alpha=0.2)
    ax.legend()
    return figure


def test_a_picture_shows_all_its_colours_as_they_were_drawn(shown):
    figure = many_lines()

    show(figure, "Waves.")

    assert largest_change(picture_in(shown[0][0]), figure, dpi=225) <= 24


def test_a_picture_of_40_colours_changes_them():
    coarse = plotting._pixels(many_lines(), 2.25).quantize(40, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)

    assert largest_change(coarse, many_lines(), dpi=225) > 24


DECK = 960 / 860  # a deck enlarges plots, see publish/template/deck/theme.css


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_every_text_in_the_courses_style_is_at_least_14_pixels_high_in_a_deck(shown, columns):
    plotting.use_course_style()
    figure, axes = plt.subplots(1, columns, squeeze=False)
    for ax in axes.flat:
        ax.semilogy([1, 20, 300], label="a line")
        ax.set(xlabel="steps", ylabel="loss", title="A title")
        ax.annotate("here", (1, 20))
        ax.legend(title="Legend")

    show(figure, "It rises.")

    assert DECK * shown[0][1]["metadata"]["image/png"]["smallest_text"] >= 14


def test_the_smallest_text_of_a_figure_is_measured_and_what_is_not_drawn_does_not_count(shown):
    figure, ax = plt.subplots(dpi=100)
    ax.set_title("A title", fontsize=20)
    ax.set_xlabel("steps", fontsize=7.2)
    ax.text(0, 0, "unseen", fontsize=4, visible=False)

    show(figure, "Small print.")

    assert shown[0][1]["metadata"]["image/png"]["smallest_text"] == 10


def test_equal_figures_are_equal_bytes(shown):
    for _ in range(2):
        figure, ax = plt.subplots()
        ax.plot([1, 3, 2], color=COLOR["rnn"])
        show(figure, "A zigzag.")

    assert shown[0][0]["image/png"] == shown[2][0]["image/png"]


@pytest.mark.parametrize("message", ["", "  \n"])
def test_a_figure_without_a_message_is_refused(shown, message):
    with pytest.raises(ValueError, match="needs a message"):
        show(plt.figure(), message)
    assert shown == []


@pytest.mark.filterwarnings("error")
def test_characters_that_the_font_lacks_are_drawn_without_a_warning(shown):
    plotting.use_course_style()
    figure, ax = plt.subplots()
    ax.set(title="中文, עברית")

    show(figure, "Words in other scripts.")

    assert len(shown) == 2


# --- films


def three_pictures():
    """Figures of a point that moves."""
    for x in range(3):
        figure, ax = plt.subplots(figsize=(3, 2), dpi=100)
        ax.plot(x, 0, "o")
        ax.set(xlim=(-1, 3))
        yield figure


def pictures_in(page):
    """The pictures that an HTML text holds, in order."""
    found = re.findall(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", page)
    return [Image.open(BytesIO(base64.b64decode(text))).convert("RGBA") for text in found]


def test_a_film_holds_each_picture_whole(shown):
    """Laid over each other, pictures show ghosts as soon as the page is scaled."""
    show_film(three_pictures(), ["a", "b", "c"], "It moves.")

    found = pictures_in(shown[0][0].data)
    expected = [plotting._pixels(figure, 2).convert("RGBA") for figure in three_pictures()]
    assert [picture.size for picture in found] == 3 * [(600, 400)]
    assert 'width="300" height="200"' in shown[0][0].data
    assert [picture.tobytes() for picture in found] == [picture.tobytes() for picture in expected]


def test_a_film_names_its_pictures_and_its_message_escaped(shown):
    show_film(three_pictures(), [0, "<b>", "</script><!--"], 'p < 1 & "so on"')

    page = shown[0][0].data
    assert 'alt="p &lt; 1 &amp; &quot;so on&quot;"' in page and "<em>p &lt; 1 &amp; &quot;so on&quot;</em>" in page
    assert json.loads(re.search(r"labels = (\[.*?\]);", page)[1]) == ["0", "<b>", "</script><!--"]
    assert page.count("</script>") == 1 and "<!--" not in page
    assert "http" not in page


def test_films_have_one_name_exactly_if_they_show_the_same(shown):
    for labels in ("abc", "abd", "abc"):
        show_film(three_pictures(), labels, "It moves.")

    names = [re.search(r'id="(film-\w+)"', value.data)[1] for value, _ in shown]
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize("count, labels, message", [(3, "ab", "It moves."), (3, "abc", " "), (0, "", "Nothing.")])
def test_a_film_without_message_or_pictures_or_with_wrong_labels_is_refused(shown, count, labels, message):
    with pytest.raises(ValueError, match="show_film"):
        show_film(list(three_pictures())[:count], labels, message)
    assert shown == []
    plt.close("all")


# --- tables

RESULTS = [
    {"model": "LSTM", "perplexity": 6.02, "seeds": "3", "note": "p < 0.01"},
    {"model": "Kneser–Ney & cache", "perplexity": "10.10 ± 0.2", "seeds": "–", "note": "counted"},
]


def test_a_table_is_plain_text_with_numbers_to_the_right_and_a_star_at_the_winner(shown):
    show_table(RESULTS, "The LSTM wins.", best="LSTM")

    assert shown[0][0]["text/plain"].splitlines() == [
        "The LSTM wins.",
        "",
        "model                perplexity  seeds  note",
        "LSTM *                     6.02      3  p < 0.01",
        "Kneser–Ney & cache  10.10 ± 0.2      –  counted",
    ]


def test_a_table_is_html_with_its_message_as_caption_the_winner_bold_and_all_text_escaped(shown):
    show_table(RESULTS, "p < 1 & so on.", best=["LSTM"])

    page = shown[0][0]["text/html"]
    assert page.startswith('<table class="results"><caption>p &lt; 1 &amp; so on.</caption><thead>')
    (winner,) = re.findall(r'<tr class="best">(.*?)</tr>', page)
    assert re.findall(r"<strong>(.*?)</strong>", page) == ["LSTM", "6.02", "3", "p &lt; 0.01"]
    assert winner.count("<strong>") == 4
    assert "Kneser–Ney &amp; cache" in page
    assert page.count("text-align: right") == 6


def test_a_table_may_have_no_winner_or_several(shown):
    show_table(RESULTS, "Two models.")
    show_table(RESULTS, "Level.", best={row["model"] for row in RESULTS})

    assert [bundle["text/html"].count('class="best"') for bundle, _ in shown] == [0, 2]


@pytest.mark.parametrize("rows, message, best, said", [
    ([], "Nothing.", None, "needs a message, and rows"),
    (RESULTS, " ", None, "needs a message, and rows"),
    ([*RESULTS, {"model": "GRU"}], "Uneven.", None, "with the same keys"),
    ([RESULTS[0], dict(reversed(RESULTS[1].items()))], "Uneven.", None, "in one order"),
    (RESULTS, "Wins.", "GRU", "there is no GRU"),
])  # fmt: skip
def test_a_table_that_cannot_be_shown_is_refused_with_the_reason(shown, rows, message, best, said):
    with pytest.raises(ValueError, match=said):
        show_table(rows, message, best)
    assert shown == []


# --- setup


def drawn():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_equal_seeds_give_equal_numbers_everywhere():
    setup(seed=3)
    first = drawn()
    setup(seed=3)
    again = drawn()
    setup(seed=4)

    assert first == again
    assert all(a != b for a, b in zip(first, drawn()))


def test_all_is_computed_on_one_thread_and_drawn_in_the_course_style():
    before = torch.get_num_threads()
    try:
        setup()
        assert torch.get_num_threads() == 1
        assert plt.rcParams["axes.spines.top"] is False
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", None])
def test_a_seed_that_not_all_generators_take_is_refused(seed):
    with pytest.raises((ValueError, TypeError)):
        setup(seed)


# --- files


def test_a_file_of_the_course_is_found_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    found = course_file("course_utils/course.mplstyle")

    assert found == FOLDER / "course.mplstyle"


def test_a_file_is_found_in_the_folder_around_where_course_utils_is_installed_elsewhere(monkeypatch, tmp_path):
    (tmp_path / "mine" / "deeper").mkdir(parents=True)
    (tmp_path / "model").touch()
    monkeypatch.chdir(tmp_path / "mine" / "deeper")

    assert course_file("model") == tmp_path / "model"


def test_a_missing_file_says_where_it_was_looked_for_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(FileNotFoundError, match=f"models/none is neither in .* around {tmp_path}: put the notebook"):
        course_file("models/none")


# --- small and quick


def lines_of_code(source):
    """The number of lines that hold code: blank lines, comments and docstrings are not counted."""
    tree = ast.parse(source)
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)]
    doc_lines = {line for node in docstrings for line in range(node.lineno, node.end_lineno + 1)}
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and i not in doc_lines for i, line in lines)


JUDGE = {"checks.py", "guard.py"}


def test_the_helper_beside_its_judge_has_at_most_400_lines_of_code_by_hand_data_sources_included():
    by_hand = [path for path in FOLDER.rglob("*.py") if path.parent.name != "taught" and path.name not in JUDGE]

    assert sum(lines_of_code(path.read_text("utf-8")) for path in by_hand) <= 400


def test_the_judge_of_exercises_has_at_most_170_lines_of_code():
    """It has a budget of its own: a program that anybody's program cannot break takes lines that no lecture needs."""
    assert sum(lines_of_code((FOLDER / name).read_text("utf-8")) for name in JUDGE) <= 170


def test_lines_of_code_are_counted_without_comments_and_docstrings():
    assert lines_of_code('"""Doc\nstring."""\n\n# why\ndef f():\n    """What."""\n    return "#"  # yes\n') == 2


def test_the_helper_imports_nothing_of_ours_but_itself():
    ours = {path.name for path in FOLDER.parent.iterdir() if path.is_dir()} - {"course_utils"}
    imports = re.compile(r"^\s*(?:from|import) (\w+)", re.M)
    imported = {name for path in FOLDER.rglob("*.py") for name in imports.findall(path.read_text("utf-8"))}

    assert imported.isdisjoint(ours)
    assert "ipywidgets" not in imported


def is_quick_to_import(modules, beyond, path="", limit=0.3):
    """True if an import after others takes few processor seconds, in one of three tries: other programs run too."""
    code = f"import time, {beyond}; start = time.process_time(); import {modules}; print(time.process_time() - start)"
    run = {"args": [sys.executable, "-c", code], "env": {**os.environ, "PYTHONPATH": str(path)}}
    return any(float(subprocess.check_output(**run)) < limit for _ in range(3))


def test_importing_the_helper_takes_less_than_0_3_s_beyond_torch_and_matplotlib():
    assert is_quick_to_import("course_utils, course_utils.data", beyond="torch, matplotlib.pyplot")


def test_an_import_that_takes_longer_is_found(tmp_path):
    (tmp_path / "slow.py").write_text("import time\nwhile time.process_time() < 0.5:\n    pass\n", "utf-8")

    assert not is_quick_to_import("slow", beyond="sys", path=tmp_path)


def test_importing_the_helper_opens_no_connection_and_prints_nothing():
    no_network = str(Path(__file__).with_name("no_network"))
    run = subprocess.run(
        [sys.executable, "-c", "import course_utils, course_utils.data"],
        env={**os.environ, "PYTHONPATH": no_network},
        capture_output=True,
        text=True,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_each_folder_with_modules_is_installed():
    declared = re.search(r"^packages = (\[.*\])$", (FOLDER.parent / "pyproject.toml").read_text("utf-8"), re.M)[1]

    folders = {path.parent.relative_to(FOLDER.parent) for path in FOLDER.rglob("*.py")}
    assert sorted(json.loads(declared)) == sorted(".".join(folder.parts) for folder in folders)


def test_the_style_and_the_data_files_are_part_of_the_package():
    declared = (FOLDER.parent / "pyproject.toml").read_text("utf-8")
    patterns = json.loads(re.search(r"^course_utils = (\[.*\])$", declared, re.M)[1])
    packaged = {path for pattern in patterns for path in FOLDER.glob(pattern)}

    needed = {path for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert needed == packaged
