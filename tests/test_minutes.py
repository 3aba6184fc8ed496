"""The minutes of a notebook are computed from its text, and follow it wherever they are shown."""

import jupytext
import pytest

from publish.build import NOTEBOOKS, canonical, is_stale, read_source, source_hash
from publish.minutes import filled, honest_minutes, minutes_of, run_of
from publish.taught import taught_in

HEADER = "# ---\n# jupyter:\n#   course:\n#     run: {run}\n# ---\n\n"
TITLE = "# %% [markdown]\n# # 7 · T\n#\n# **Time** {minutes} min; the cells run for {run} min.\n\n"
EXERCISE = (
    '# %% tags=["exercise-1-stub"]\ndef f():\n    ...\n\n'
    '# %% tags=["exercise-1-check"]\n' + "check(f)\n" * 50 + '\n# %% tags=["exercise-1-solution"]\n' + "f()\n" * 50
)


def text(words):
    return "# %% [markdown]\n# " + "word " * words + "\n\n"


def code(lines):
    return "# %%\n" + "x = 1\n\n" * lines + "\n"


def notes(words):
    return '# %% [markdown] slideshow={"slide_type": "notes"}\n# ' + "word " * words + "\n\n"


@pytest.mark.parametrize("run, body, minutes", [
    (0, text(1000), 5), (0, text(1001), 10), (0, code(50), 5), (0, code(51), 10), (5, "", 5), (6, "", 10),
    (0, EXERCISE, 10), (2, text(400) + code(28) + EXERCISE, 15), (0, text(900) + notes(5000), 5),
    (1, text(400) + code(8) + EXERCISE, 10), (1, text(400) + code(9) + EXERCISE, 15),
])  # fmt: skip
def test_minutes_are_words_code_exercises_and_the_run_up_to_the_next_five(run, body, minutes):
    notebook = jupytext.reads(HEADER.format(run=run) + body, fmt="py:percent")

    assert minutes_of(notebook) == minutes


def test_a_built_notebook_takes_as_long_as_its_source(tmp_path):
    source = tmp_path / "07_one.py"
    source.write_text(HEADER.format(run=1) + TITLE + notes(5000) + text(150), "utf-8")

    assert honest_minutes(read_source(source)) == honest_minutes(jupytext.reads(filled(source), fmt="py:percent"))


@pytest.fixture
def sources(tmp_path):
    """A table of minutes, two notebooks 07, and what writes a source."""

    def write(name, run, body=""):
        path = tmp_path / f"{name}.py"
        path.write_text(HEADER.format(run=run) + TITLE + body, "utf-8")
        return path

    write("07_one", 8)
    write("07_two", 20)
    table = "# %% [markdown]\n# | 07 | {minutes 07} |\n\n# %%\nprint(f'{minutes} {run}')\n"
    return write, write("00_start", 1, table)


def test_a_title_shows_its_own_minutes_and_a_table_those_of_others_but_code_keeps_its_braces(sources):
    title, table, code = (cell.source for cell in read_source(sources[1]).cells)

    assert "**Time** 5 min; the cells run for 1 min.\n" in title
    assert table == "| 07 | 10 + 25 |"
    assert code == "print(f'{minutes} {run}')"


def test_a_table_of_minutes_is_stale_when_those_of_another_notebook_change_and_only_then(sources, tmp_path):
    write, table = sources
    built, notebook = tmp_path / "00_start.ipynb", read_source(table)
    notebook.metadata["course"]["source"] = source_hash(table)
    built.write_text(canonical(notebook), "utf-8")

    write("07_one", 9)
    before = is_stale(table, built)
    write("07_one", 11)

    assert not before
    assert is_stale(table, built)


def test_a_header_without_the_run_is_named(tmp_path):
    source = tmp_path / "01_x.py"
    source.write_text(TITLE, "utf-8")

    with pytest.raises(ValueError, match="does not state the minutes that the cells run"):
        filled(source)


def test_the_seconds_that_notebook_00_scales_to_a_machine_are_those_of_the_headers():
    seconds = {number: seconds for number, (_, seconds) in taught_in("00_start_here").NOTEBOOKS.items()}
    runs = {
        number: [run_of(jupytext.read(path)) for path in (NOTEBOOKS / "source").glob(f"{number}_*.py")]
        for number in seconds
    }

    too_much = {number: sum(runs[number]) - seconds[number] / 60 for number in seconds}

    assert all(0 <= too_much[number] < len(runs[number]) for number in seconds), too_much
