"""Student code at arm's length: it may loop, exit, print or break things, and the kernel stays as it was."""

import math
import random
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from contextvars import copy_context
from ctypes import c_ulong, py_object, pythonapi
from threading import Thread
from time import monotonic, sleep
from unittest.mock import patch

import numpy as np
import psutil
import torch
from IPython import get_ipython

PAGE, LINES = 2000, 30  # characters and lines that an attempt may print
MEMORY = 2 * 2**30  # bytes that an attempt may take
ORIGINALS = [
    (module, *item) for module in (math, random, np, torch) for item in vars(module).items() if item[0][0] != "_"
]


class Stopped(SystemExit):
    """What ends an attempt from outside: `except Exception` lets it pass, and a thread dies of it without a word."""


def first_page(text):
    """What was printed, or the beginning of it."""
    page = "\n".join(text[:PAGE].split("\n")[:LINES])
    return text if page == text else f"{page}\n… what follows is cut\n"


def repair_modules():
    """Put back what was replaced in math, random, NumPy and torch; return its names, e.g. ["math.log"]."""
    replaced = []
    for module, name, value in ORIGINALS:
        now = getattr(module, name, None)
        # PyTorch itself wraps manual_seed when the first optimizer is made.
        if now is not value and getattr(now, "__wrapped__", None) is not value:
            setattr(module, name, value)
            replaced.append(f"{module.__name__}.{name}")
    return replaced


@contextmanager
def undisturbed(output):
    """Print to an output in memory; restore modules, generators, default dtype and standard streams afterwards."""
    with ExitStack() as after, redirect_stderr(sys.stderr), redirect_stdout(output):
        after.callback(random.setstate, random.getstate())
        after.callback(np.random.set_state, np.random.get_state())
        after.callback(torch.set_rng_state, torch.get_rng_state())
        after.callback(torch.set_default_dtype, torch.get_default_dtype())
        after.callback(repair_modules)
        # quit() and exit() would end the kernel; where there is none, anything stands in for it.
        after.enter_context(patch.object(get_ipython() or output, "ask_exit", sys.exit, create=True))
        yield


def limited(seconds, function, *arguments):
    """Return function(*arguments) or the exception that it raised; stop it when it takes too long or too much memory.

    It runs in a thread of its own, because only a thread can be stopped on every system: between two steps of
    Python. A long call of compiled code cannot; it is left to itself.
    """
    answers, context, process = [], copy_context(), psutil.Process()
    # An outcome of an outcome: Stopped may come a second time, while the first is caught.
    worker = Thread(target=lambda: answers.append(context.run(outcome, outcome, function, *arguments)), daemon=True)
    end, most = monotonic() + seconds, process.memory_info().rss + MEMORY
    worker.start()
    try:
        while not answers and monotonic() < end and process.memory_info().rss < most:
            worker.join(0.02)
    finally:  # an interrupt of the kernel comes here, too
        for _ in range(100):  # again and again: a bare `except` catches even this
            if not answers:
                pythonapi.PyThreadState_SetAsyncExc(c_ulong(worker.ident), py_object(Stopped))
                sleep(0.02)
    if answers and not isinstance(answers[0], Stopped):
        return answers[0]
    advice = "is there a loop that never ends?" if answers else "it cannot be stopped: restart the kernel"
    late = TimeoutError(f"no answer after {seconds} s; {advice}")
    problem = late if monotonic() > end else MemoryError(f"more than {MEMORY / 2**30:.2g} GB were needed")
    return problem.with_traceback(answers[0].__traceback__ if answers else None)


def outcome(function, *arguments, **options):
    """What a function returns or, an answer like any other, raises."""
    try:
        return function(*arguments, **options)
    except BaseException as error:
        return error
