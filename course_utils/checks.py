"""Feedback on exercises: right, nearly, not attempted yet, or which misconception it looks like."""

import cmath
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from copy import deepcopy
from io import StringIO
from numbers import Number
from traceback import extract_tb

import numpy as np

from course_utils.guard import first_page, limited, outcome, repair_modules, undisturbed


def check(attempt, cases, misconceptions, tolerance=1e-6, seconds=10):
    """Run a student's function on cases with known answers and print what to do next.

    The attempt can do no harm: it is stopped when it takes too long, what it prints ends after a page, and what
    it changes in the kernel is restored.

    Args:
        attempt: the student's function; an untouched stub ends in `return ...`. One whose name ends in
            "_solution" is called the solution.
        cases: list of (arguments, expected answer) pairs; the arguments form a tuple. The first one that differs
            is shown: begin with a small one in round numbers.
        misconceptions: dict from a hint to a function that makes that mistake. An attempt gets the hint
            if it gives that function's answers; where one of both raises an exception, the other cases decide.
        tolerance: largest accepted relative or absolute difference between numbers, integers apart; what was
            computed in float32 may differ by its precision.
        seconds: the longest time that a case may take.

    Raises:
        ValueError: if a misconception answers every case correctly, hence is none.
    """
    if replaced := repair_modules():
        print(f"{', '.join(replaced)} had been replaced. The original is back: run this cell again.")
        return
    expected = [_plain(answer) for _, answer in cases]
    hints = {hint: [outcome(_answer, wrong, given) for given, _ in cases] for hint, wrong in misconceptions.items()}
    for hint, mistakes in hints.items():
        if not any(_differences(mistakes, expected, tolerance)):
            raise ValueError(f"the cases cannot tell this mistake from the truth: {hint}")
    answers, output = [], StringIO()
    for given, _ in cases:
        late = answers and isinstance(answers[-1], TimeoutError)  # what is late once, is so again
        with undisturbed(output):
            answers.append(answers[-1] if late else limited(seconds, _answer, attempt, given))
    print(first_page(output.getvalue()), end="")
    print(*_verdict(attempt, cases, answers, expected, hints, tolerance), sep="\n  ")


def _verdict(attempt, cases, answers, expected, hints, tolerance):
    """The lines that a student reads."""
    name = getattr(attempt, "__name__", "your function")
    speaker = "the solution" if name.endswith("_solution") else name
    differences = _differences(answers, expected, tolerance)
    wrong = [i for i, difference in enumerate(differences) if difference]
    if all(answer is ... for answer in answers):
        return [f"{speaker}: not attempted yet."]
    if not wrong:
        return [f"{speaker}: correct, on all {len(cases)} cases."]
    answer, problem = answers[wrong[0]], differences[wrong[0]]
    if not any(_differences([*map(_leaves, answers)], [*map(_leaves, expected)], tolerance)):
        right = "numbers" if all(isinstance(leaf, Number) for leaf in _leaves(expected)) else "values"
        lines = [f"{speaker}: nearly: right {right}, {problem}"]
    else:
        told = f"raised {_told(answer, attempt)}" if isinstance(answer, BaseException) else f"gave {problem}"
        lines = [f"{speaker}: not yet, {len(wrong)} of {len(cases)} cases differ. The first:", told]
    lines += [f"in the case {name}({', '.join(map(_short, cases[wrong[0]][0]))})"]
    hints |= {"the function returned nothing; its last line should be `return` and the result": [None] * len(cases)}
    return lines + [f"Hint: {hint}" for hint in hints if _alike(answers, hints[hint], wrong, tolerance)]


def _told(error, attempt):
    """An exception, with the last line of the attempt's cell that it passed."""
    file = getattr(getattr(attempt, "__code__", None), "co_filename", None)
    passed = [frame for frame in extract_tb(error.__traceback__) if frame.filename == file]
    text = f"{type(error).__name__}: {error}".removesuffix(": ")[:200]
    return text + (f"\n    in line {passed[-1].lineno}: {passed[-1].line}" if passed else "")


class _Once(list):
    """What came out of an iterator."""

    def __repr__(self):
        return f"an iterator over {[*self]}"


def _answer(function, arguments):
    """The function's answer to a copy of the arguments, as a plain value."""
    answer = function(*deepcopy(arguments))
    return _Once(_plain(answer)) if isinstance(answer, Iterator) else _plain(answer)


def _plain(value):
    """A value of lists, dicts, sets, numbers and texts: arrays, tensors, tuples and iterators become lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Set):
        return [_plain(item) for item in value]
    return value


def _leaves(value):
    """The entries of nested lists, dicts and sets in one list; those of sets sorted."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, Set):
        value = [*map(_plain, sorted(value, key=repr))]
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]


def _shape(value):
    """The shape of nested lists, as far as they are rectangular."""
    return np.array(value, dtype=object).shape


def _alike(answers, mistakes, wrong, tolerance):
    """Equal wherever neither raised an exception, at least once wrongly; or equal in exceptions, too."""
    differences = _differences(answers, mistakes, tolerance)
    told = [i for i, pair in enumerate(zip(answers, mistakes)) if not any(isinstance(x, BaseException) for x in pair)]
    return not any(differences[i] for i in told) and (any(i in wrong for i in told) or not any(differences))


def _differences(given, wanted, tolerance):
    """For each case how the answer differs from the wanted one, or None."""
    return [_difference(*pair, tolerance) for pair in zip(given, wanted)]


def _difference(given, wanted, tolerance, place=""):
    """How a plain value differs, in words: in its shape or keys, else in the first entry; None if it does not."""
    at = f" in entry {place}" if place else ""
    for kind, outline in ((list, _shape), (dict, lambda keys: sorted(keys, key=repr))):
        if type(given) is type(wanted) is kind:
            if outline(given) != outline(wanted):
                return f"{'keys' if kind is dict else 'shape'} {outline(given)} instead of {outline(wanted)}{at}"
            keys = wanted if kind is dict else range(len(wanted))
            entries = (_difference(given[key], wanted[key], tolerance, f"{place}[{key!r}]") for key in keys)
            return next(filter(None, entries), None)
    if _same(given, wanted, tolerance):
        return None
    text = _short if _short(given) != _short(wanted) else repr
    return f"{text(given)} instead of {text(wanted)}{at}"


def _same(given, wanted, tolerance):
    """Equal; numbers, integers apart, up to the tolerance, or to float32's precision if it is a number of float32."""
    if not (isinstance(given, Number) and isinstance(wanted, Number)):
        return type(given) is type(wanted) and (isinstance(given, BaseException) or given == wanted)
    if isinstance(given, int) and isinstance(wanted, int) or given != given:  # nan is nan
        return given == wanted or wanted != wanted
    if isinstance(given, float) and given % 1 and float(np.float32(given)) == given:
        tolerance = max(tolerance, 2e-5)
    return given == wanted or outcome(cmath.isclose, given, wanted, rel_tol=tolerance, abs_tol=tolerance) is True


def _short(value, most=60):
    """A value in one line: numbers with 6 digits; what is too long is cut, of an array the shape is left."""
    text = " ".join(str(getattr(value, "__name__", None) or outcome(repr, value)).split())
    text = re.sub(r"\d+\.\d{6,}(e[-+]\d+)?", lambda number: f"{float(number[0]):.6g}", text)
    if len(text) <= most:
        return text
    return f"{type(value).__name__} of shape {tuple(value.shape)}" if hasattr(value, "shape") else text[:most] + "…"
