"""Every exercise answers a student rightly: nothing yet, correct, or which misconception it is."""

import ast
import tomllib
from functools import partial
from pathlib import Path

import numpy
import pytest
import torch

from course_utils import check
from publish.build import read_source
from publish.cells import exercise_part
from publish.course import NOTEBOOKS, sources
from publish.taught import taught_in


class Exercise:
    """Stub, check and solution of one exercise, as functions of the taught module."""

    def __init__(self, notebook, number, parts):
        self.notebook, self.number = notebook, number
        self.name = defined_first(parts["stub"])
        self.module = taught_in(notebook)
        self.stub, self.check, self.solution = (
            getattr(self.module, name) for name in (self.name, f"check_{self.name}", f"{self.name}_solution")
        )

    def misconceptions(self):
        """The hints of this exercise and the mistaken functions that belong to them."""
        recorded = {}
        self.module.check = lambda attempt, cases, misconceptions, **options: recorded.update(misconceptions)
        try:
            self.check(self.stub)
        finally:
            self.module.check = check
        return recorded


def defined_first(cell):
    return next(node.name for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef))


def exercises():
    """Notebook, number and cells of each exercise of the course, by name."""
    found = {}
    for source in sources():
        notebook = source.relative_to(NOTEBOOKS / "source").with_suffix("").as_posix()
        for cell in read_source(source).cells:
            number, part = exercise_part(cell)
            if part:
                found.setdefault(f"{notebook} exercise {number}", (notebook, number, {}))[2][part] = cell
    return found


EXERCISES = exercises()


@pytest.fixture(params=EXERCISES)
def exercise(request):
    return Exercise(*EXERCISES[request.param])


def hints(text):
    return [line.strip().removeprefix("Hint: ") for line in text.splitlines() if line.strip().startswith("Hint: ")]


def test_an_untouched_stub_is_not_attempted_yet_and_no_mistake_warns(exercise, capsys, recwarn):
    exercise.check(exercise.stub)

    assert capsys.readouterr().out == f"{exercise.name}: not attempted yet.\n"
    assert not recwarn.list


def test_the_solution_is_correct(exercise, capsys):
    exercise.check(exercise.solution)

    assert capsys.readouterr().out.startswith("the solution: correct, on all ")


def test_each_misconception_gets_its_own_hint_and_no_other(exercise, capsys):
    misconceptions = exercise.misconceptions()

    assert len(misconceptions) >= 4
    for hint, mistaken in misconceptions.items():
        exercise.check(mistaken)
        assert hints(capsys.readouterr().out) == [hint]


def test_a_wrong_answer_of_no_known_kind_is_shown_beside_the_expected_one(exercise, capsys):
    def strange(*arguments):
        return "strange"

    exercise.check(strange)

    printed = capsys.readouterr().out
    assert "gave 'strange' instead of " in printed
    assert hints(printed) == []


def test_an_attempt_that_fails_is_told_the_error_and_not_a_traceback(exercise, capsys):
    def broken(*arguments):
        raise KeyError("books")

    exercise.check(broken)

    assert "raised KeyError: 'books'\n    in line " in capsys.readouterr().out


def test_stub_and_solution_have_the_same_arguments_and_docstring(exercise):
    stub, solution = exercise.stub, exercise.solution

    assert (
        stub.__code__.co_varnames[: stub.__code__.co_argcount]
        == (solution.__code__.co_varnames[: solution.__code__.co_argcount])
    )
    assert stub.__doc__ == solution.__doc__


def test_a_misconception_that_is_none_is_an_error(exercise):
    exercise.module.check = lambda attempt, cases, misconceptions, **options: check(
        attempt, cases, {"the truth": exercise.solution}, **options
    )

    with pytest.raises(ValueError, match="the truth"):
        exercise.check(exercise.stub)


# --- what readers answer

ATTEMPTS = tomllib.loads(Path(__file__).with_name("attempts.toml").read_text("utf-8"))
PLACES = [(name, i) for name, attempts in ATTEMPTS.items() for i in range(len(attempts))]


@pytest.mark.parametrize("name, i", PLACES, ids=[f"{name} attempt {i}" for name, i in PLACES])
def test_an_attempt_of_a_reader_is_told_what_it_is(name, i, capsys):
    """Right ones are accepted, or it is said in which container or shape they come; wrong ones get their hint."""
    exercise, says = Exercise(*EXERCISES[name]), ATTEMPTS[name][i]["says"]
    exercise.module.check = partial(check, seconds=2)

    exercise.check(attempted(ATTEMPTS[name][i]["code"], exercise.module))

    told = capsys.readouterr().out
    assert (says.removeprefix("Hint: ").removeprefix("told: ") in told) and len(told) < 1000, told
    assert len(hints(told)) == says.startswith("Hint: "), told


def attempted(code, module):
    """The function that a reader wrote, with the names of the notebook."""
    names = {"np": numpy, "torch": torch, **vars(module)}
    if code.startswith("lambda"):
        return eval(code, names)
    exec(code, names)
    return names["attempt"]
