"""Feedback on exercises: right, not attempted yet, or which misconception it looks like."""

import math
from copy import deepcopy
from numbers import Real


def check(attempt, cases, misconceptions, tolerance=1e-9):
    """Run a student's function on cases with known answers and print what to do next.

    Args:
        attempt: the student's function; an untouched stub ends in `return ...`.
        cases: list of (arguments, expected answer) pairs; the arguments form a tuple.
        misconceptions: dict from a hint to a function that makes that mistake. An attempt gets the hint
            if it gives that function's answers; where one of both raises an exception, the other cases decide.
        tolerance: largest accepted relative or absolute difference between numbers.

    Raises:
        ValueError: if a misconception answers every case correctly, hence is none.
    """
    expected = [answer for _, answer in cases]
    answers = [_answer(attempt, arguments) for arguments, _ in cases]
    name = getattr(attempt, "__name__", "your function")
    hints = {}
    for hint, mistaken in misconceptions.items():
        mistakes = [_answer(mistaken, arguments) for arguments, _ in cases]
        if _same(mistakes, expected, tolerance):
            raise ValueError(f"the cases cannot tell this mistake from the truth: {hint}")
        hints[hint] = mistakes

    if all(answer is ... for answer in answers):
        print(f"{name}: not attempted yet.")
    elif _same(answers, expected, tolerance):
        print(f"{name}: correct, on all {len(cases)} cases.")
    else:
        wrong = [i for i in range(len(cases)) if not _same(answers[i], expected[i], tolerance)]
        arguments = ", ".join(_short(argument) for argument in cases[wrong[0]][0])
        print(f"{name}: not yet, {len(wrong)} of {len(cases)} cases differ. The first:")
        print(f"  {name}({arguments})\n  gave {_short(answers[wrong[0]])}, expected {_short(expected[wrong[0]])}")
        if all(answer is None for answer in answers):
            print("  Hint: the function returned nothing; its last line should be `return` and the result")
        for hint, mistakes in hints.items():
            if _alike(answers, mistakes, expected, tolerance):
                print(f"  Hint: {hint}")


def _answer(function, arguments):
    """The function's answer, or the exception that it raised: a wrong answer like any other."""
    try:
        return function(*deepcopy(arguments))
    except Exception as error:
        return error


def _alike(answers, mistakes, expected, tolerance):
    """Equal wherever neither raised an exception, at least once wrongly; or equal in exceptions, too."""
    raised = [isinstance(a, Exception) or isinstance(m, Exception) for a, m in zip(answers, mistakes)]
    told = [i for i in range(len(answers)) if not raised[i]]
    if not all(_same(answers[i], mistakes[i], tolerance) for i in told):
        return False
    return not all(_same(answers[i], expected[i], tolerance) for i in told) or _same(answers, mistakes, tolerance)


def _same(a, b, tolerance):
    """Equal up to the tolerance: numbers (tensors and arrays of one item too), and sequences or dicts of them."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key], tolerance) for key in b)
    if isinstance(a, Exception) or isinstance(b, Exception):
        return type(a) is type(b)
    if hasattr(a, "tolist") or hasattr(b, "tolist"):
        a, b = (x.tolist() if hasattr(x, "tolist") else x for x in (a, b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(x, y, tolerance) for x, y in zip(a, b))
    if isinstance(a, Real) and isinstance(b, Real):
        return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)  # nan is nan
    return type(a) is type(b) and a == b


def _short(value):
    """A value as a student reads it: numbers to 6 digits, exceptions with their message, long text cut."""
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {value}"
    text = f"{value:.6g}" if isinstance(value, float) else getattr(value, "__name__", repr(value))
    return text if len(text) <= 200 else text[:197] + "..."
