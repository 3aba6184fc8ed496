"""What every notebook of the course imports: a seed, a style, `show`, `show_film`, `check`, and data."""

import random

import numpy as np
import torch

from course_utils.checks import check
from course_utils.plotting import COLOR, show, show_film, use_course_style
from course_utils.turns import let_widgets_wait

__all__ = ["COLOR", "check", "setup", "show", "show_film"]


def setup(seed=0):
    """Make a notebook repeatable: seed all generators, compute on one thread, draw in the course's style.

    Widgets wait for the running cell.

    One thread keeps the sums of a matrix product in one order, hence the numbers equal from run to run.

    Args:
        seed: non-negative int given to `random`, NumPy and torch.

    Raises:
        ValueError: if the seed is not a non-negative int below 2**32.
    """
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an int from 0 to 2**32 - 1, not {seed!r}")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    use_course_style()
    let_widgets_wait()
