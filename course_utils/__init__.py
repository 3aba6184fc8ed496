"""What every notebook of the course imports: seed, style, `show` and its kin, `check`, files and data."""

import random
from pathlib import Path

import numpy as np
import torch

from course_utils.checks import check
from course_utils.plotting import COLOR, LINE, show, show_film, use_course_style
from course_utils.tables import show_table
from course_utils.turns import let_widgets_wait

__all__ = ["COLOR", "LINE", "check", "course_file", "setup", "show", "show_film", "show_table"]


def setup(seed=0):
    """Make a notebook repeatable: seed all generators, compute on one thread, draw in the course's style.

    Widgets wait for the running cell.

    One thread keeps the sums of a matrix product in one order, hence the numbers equal from run to run.

    Args:
        seed: non-negative int given to `random`, NumPy and torch.

    Raises:
        ValueError, TypeError: if the seed is not a non-negative int below 2**32.
    """
    np.random.seed(seed)  # the most particular one first
    torch.manual_seed(seed)
    random.seed(seed)
    torch.set_num_threads(1)
    use_course_style()
    let_widgets_wait()


def course_file(name):
    """Return the path of a file of the course, whatever folder the notebook that asks for it runs in.

    Args:
        name: its path within the course, e.g. "notebooks/models/python_writer.safetensors".

    Raises:
        FileNotFoundError: if neither the folder that holds course_utils nor one around the working folder has it.
    """
    home = Path(__file__).resolve().parents[1]
    for folder in [home, *(Path.cwd() / "here").parents]:
        if (folder / name).is_file():
            return folder / name
    advice = "put the notebook into a folder of the whole course, the one with README.md and Makefile"
    raise FileNotFoundError(f"{name} is neither in {home} nor in a folder around {Path.cwd()}: {advice}")
