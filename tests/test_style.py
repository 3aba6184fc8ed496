"""All Python of the project passes ruff, and all but the notebooks' sources has its format."""

import subprocess
import sys

from publish.course import ROOT


def ruff(command, path):
    """Run a command of ruff on a path with the project's rules."""
    command = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, cwd=ROOT)


def test_all_python_passes_ruff():
    run = ruff(["check"], ".")

    assert run.returncode == 0, run.stdout


def test_all_python_is_formatted():
    run = ruff(["format", "--check", "--quiet"], ".")

    assert run.returncode == 0, f"{run.stdout}\nrun `ruff format`"


def test_an_unused_import_is_reported(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("import os\n")

    run = ruff(["check"], planted)

    assert run.returncode == 1 and "F401" in run.stdout


def test_another_layout_is_reported(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("numbers = [1,2]\n")

    run = ruff(["format", "--check"], planted)

    assert run.returncode == 1 and "planted.py" in run.stdout
