"""All Python of the project, the notebooks' sources included, passes ruff with the rules of pyproject.toml."""

import subprocess
import sys

from publish.course import ROOT


def ruff(*arguments):
    """Run ruff on some paths with the project's rules."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)


def test_all_python_passes_ruff():
    run = ruff(".")

    assert run.returncode == 0, run.stdout


def test_an_unused_import_is_reported(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("import os\n")

    run = ruff(planted)

    assert run.returncode == 1 and "F401" in run.stdout
