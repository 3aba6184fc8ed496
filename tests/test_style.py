"""All Python of the project, the notebooks' sources included, passes ruff's rules, and is formatted by it."""

import subprocess
import sys

from publish.course import ROOT


def ruff(path, *command):
    """Run one of ruff's commands on a path with the project's rules."""
    command = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, cwd=ROOT)


def test_all_python_passes_ruff():
    run = ruff(".", "check")

    assert run.returncode == 0, run.stdout


def test_an_unused_import_is_reported(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("import os\n")

    run = ruff(planted, "check")

    assert run.returncode == 1 and "F401" in run.stdout


def test_all_python_is_formatted():
    run = ruff(".", "format", "--check")

    assert run.returncode == 0, run.stdout


def test_a_file_that_is_formatted_otherwise_is_reported(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("x = [1,2]\n")

    run = ruff(planted, "format", "--check")

    assert run.returncode == 1 and "planted.py" in run.stdout
