"""One environment, described in five places that must agree, and the script that installs it.

Each gate is a function that returns problems; planted defects show that it can turn red.
"""

import ast
import errno
import importlib.metadata
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import zipfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from publish import conda, install
from publish.course import ROOT

SYSTEMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}
# What torch asks for in its CUDA builds; the course installs the CPU build.
ACCELERATOR = re.compile(r"^(nvidia|cuda|triton)\b")


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture
def project():
    return tomllib.loads(text_of("pyproject.toml"))["project"]


def minors(project):
    """The Python versions that the project supports, as text: 3.11, 3.12, …"""
    allowed = SpecifierSet(project["requires-python"])
    return [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed]


# --- environment.yml is pyproject.toml in conda's words -----------------------------------------------------------


def conda_problems(environment, pyproject):
    """Where environment.yml is not what publish.conda writes, or asks for a Python that the course does not support."""
    problems = []
    if environment != conda.environment(pyproject):
        problems.append("environment.yml is old: run `python -m publish.conda`")
    (python,) = re.findall(r"^  - python=(3\.\d+) ", environment, re.MULTILINE)
    if python not in minors(tomllib.loads(pyproject)["project"]):
        problems.append(f"environment.yml asks for Python {python}, which pyproject.toml does not allow")
    return problems


def test_conda_users_get_what_pip_users_get():
    assert conda_problems(text_of("environment.yml"), text_of("pyproject.toml")) == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("jupyterlab>=4.4,<5", "jupyterlab>=4.4,<6", "environment.yml is old"),
        ('    "tqdm>=4.66,<5",\n', "", "environment.yml is old"),
        (">=3.11,<3.", ">=3.13,<3.", "asks for Python 3.12, which pyproject.toml does not allow"),
    ],
)
def test_the_conda_gate_turns_red(old, new, problem):
    planted = text_of("pyproject.toml").replace(old, new)

    assert any(problem in found for found in conda_problems(text_of("environment.yml"), planted))


SMALL = """
[project]
dependencies = ["torch>=2.6,<3", "numpy>=2"]
optional-dependencies = {lab = ["jupyterlab>=4"], test = ["pytest>=8"]}
"""


def test_what_is_written_is_what_conda_reads():
    written = conda.environment(SMALL)

    environment = yaml.safe_load(written)
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    expected = ["python=3.12", "pytorch-cpu>=2.6,<3", "numpy>=2", "jupyterlab>=4", "pip", {"pip": ["-e ."]}]
    assert environment["dependencies"] == expected


@pytest.mark.parametrize("requirement", ["torch~=2.6", "torch[all]>=2.6", "torch>=2.6; os_name == 'nt'", "torch"])
def test_a_requirement_that_conda_would_misread_is_refused(requirement):
    with pytest.raises(ValueError, match="conda has no word for .torch"):
        conda.in_conda(requirement)


# --- constraints.txt pins everything that is installed, and nothing else ------------------------------------------


def environments(project):
    """The marker environments of every system and Python version that the course supports."""
    for (system, (platform, os_name)), minor in itertools.product(SYSTEMS.items(), minors(project)):
        names = {"sys_platform": system, "platform_system": platform, "os_name": os_name}
        yield {**default_environment(), **names, "python_version": minor, "python_full_version": f"{minor}.9"}


def closure(project):
    """The names of all packages that the course and its extras need somewhere, directly or not."""
    own = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    waiting = [(Requirement(line), "") for line in own]
    places, seen = list(environments(project)), set()
    while waiting:
        requirement, extra = waiting.pop()
        name, marker = canonicalize_name(requirement.name), requirement.marker
        if ACCELERATOR.match(name) or marker and not any(marker.evaluate({**p, "extra": extra}) for p in places):
            continue
        for key in [(name, extra) for extra in {"", *requirement.extras}]:
            if key not in seen:
                seen.add(key)
                waiting += [(Requirement(line), key[1]) for line in requires(name)]
    return {name for name, _ in seen}


def requires(name):
    """What an installed package requires; nothing if it is not installed, as Windows' own packages elsewhere."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def constraint_problems(constraints, pyproject):
    """Where constraints.txt misses a package, pins one that nobody needs, or breaks a bound of pyproject.toml."""
    project, build = pyproject["project"], pyproject["build-system"]["requires"]
    lines = [line for line in constraints.splitlines() if line and not line.startswith("#")]
    pins = dict(line.split("==") for line in lines if re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.a-z]*", line))
    needed = closure(project)

    problems = [f"not a pin: {line}" for line in lines if line.split("==")[0] not in pins]
    problems += [f"needed, but not pinned: {name}" for name in sorted(needed - pins.keys())]
    problems += [f"pinned, but not needed: {name}" for name in sorted(pins.keys() - needed)]
    own = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values()), *build]
    for requirement in map(Requirement, own):
        pin = pins.get(canonicalize_name(requirement.name))
        if pin and pin not in requirement.specifier:
            problems.append(f"{requirement} in pyproject.toml forbids the pinned {pin}")
    if lines != sorted(lines):
        problems.append("the pins are not in alphabetical order")
    return problems


@pytest.fixture
def pyproject():
    return tomllib.loads(text_of("pyproject.toml"))


def test_the_helper_alone_brings_no_jupyterlab(project):
    alone = closure({**project, "optional-dependencies": {}})

    assert "ipywidgets" in alone and "jupyterlab" not in alone
    assert "jupyterlab" in closure(project)


def test_a_wheel_holds_every_package_of_the_helper(pyproject):
    packages = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "course_utils").rglob("__init__.py")}

    assert {name.replace(".", "/") for name in pyproject["tool"]["setuptools"]["packages"]} == packages


def test_every_package_is_pinned_and_every_pin_is_needed(pyproject):
    assert constraint_problems(text_of("constraints.txt"), pyproject) == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        (r"^tornado==.*\n", "", "needed, but not pinned: tornado"),
        (r"^colorama==.*\n", "", "needed, but not pinned: colorama"),
        (r"^(zipp==|widgetsnbextension==)", r"sphinx==9.0.4\n\1", "pinned, but not needed: sphinx"),
        (r"^torch==.*$", "torch==1.13.1", "forbids the pinned 1.13.1"),
        (r"^setuptools==.*$", "setuptools==70.0", "forbids the pinned 70.0"),
        (r"^numpy==.*$", "numpy>=2", "not a pin: numpy>=2"),
        (r"^(anyio==.*\n)", r"\1aaa==1.0\n", "not in alphabetical order"),
    ],
)
def test_the_pin_gate_turns_red(pyproject, old, new, problem):
    planted = re.sub(old, new, text_of("constraints.txt"), count=1, flags=re.MULTILINE)

    assert any(problem in found for found in constraint_problems(planted, pyproject))


# --- README, Makefile and the workflow name what exists -----------------------------------------------------------


def targets(makefile):
    """The targets that the Makefile declares."""
    return set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split())


def makefile_problems(makefile):
    """Where make help differs from the targets, or a target runs a script or module that does not exist."""
    listed = set(re.findall(r"^make (\w+)  ", makefile, re.MULTILINE)) | {"help"}
    rules = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    problems = [f"make help does not list {name}" for name in sorted(targets(makefile) - listed)]
    problems += [f"make help lists {name}, which is no target" for name in sorted(listed - targets(makefile))]
    problems += [f"no rule makes {name}" for name in sorted(targets(makefile) - rules)]
    scripts = re.findall(r"(?<=\s)[\w/]+\.py", makefile)
    problems += [f"{name} does not exist" for name in scripts if not (ROOT / name).is_file()]
    modules = re.findall(r"(?<=-m )[\w.]+", makefile)
    return problems + [f"no module is called {name}" for name in modules if not module_exists(name)]


def module_exists(name):
    """Whether Python finds a module, here or among what is installed."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of its package
        return False


def readme_problems(readme, makefile, environment, project):
    """Where the README names a command, a file, an environment or a Python version that does not exist."""
    first, *_, last = minors(project)
    used = set(re.findall(r"(?:^ *|`|\$ )make (\w+)", readme, re.MULTILINE))
    problems = [f"make {name} is no target" for name in sorted(used - targets(makefile))]
    needed = ("make lab", "make test", "conda env create -f environment.yml")
    problems += [f"the README does not say: {command}" for command in needed if command not in readme]
    for low, high in re.findall(r"Python (3\.\d+)\s*(?:–|-|to|through)\s*(3\.\d+)", readme):
        if (low, high) != (first, last):
            problems.append(f"Python {low} to {high}, but pyproject.toml says {first} to {last}")
    for version in re.findall(r"Python\s*(?:≥|>=|from)\s*(3\.\d+)", readme):
        if version != first:
            problems.append(f"Python ≥ {version}, but pyproject.toml says {first}")
    name = yaml.safe_load(environment)["name"]
    for used_name in re.findall(r"conda activate ([\w-]+)", readme):
        if used_name != name:
            problems.append(f"conda activate {used_name}, but environment.yml says {name}")
    return problems


def workflow_problems(workflow, makefile, project):
    """Where the workflow tests other Python versions or systems, or not through the Makefile."""
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    matrix, commands = job["strategy"]["matrix"], " ".join(step.get("run", "") for step in job["steps"])
    problems = unpinned_actions(workflow)
    if matrix["python"] != minors(project):
        problems.append(f"it tests Python {matrix['python']}, but pyproject.toml allows {minors(project)}")
    if {system.split("-")[0] for system in matrix["system"]} != {"ubuntu", "macos", "windows"}:
        problems.append(f"it tests {matrix['system']}: Linux, macOS or Windows is missing")
    if "make test" not in commands or not set(re.findall(r"make (\w+)", commands)) <= targets(makefile):
        problems.append("it does not run make test")
    companions = [extra for extra in matrix["include"] if extra.get("companions")]
    if len(companions) != 1 or "!matrix.companions && '--ignore=notebooks/real_corpora'" not in commands:
        problems.append("not exactly one job runs the companions")
    if any(extra["system"] not in matrix["system"] or extra["python"] not in matrix["python"] for extra in companions):
        problems.append("the companions' job is none of the matrix: it would be one more")
    return problems


def newest_problems(workflow, project):
    """Where the weekly workflow would not try the newest versions on the newest Python, or not say what broke."""
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    commands, lines = "\n".join(step.get("run", "") for step in job["steps"]), workflow.splitlines()
    problems = unpinned_actions(workflow)
    if f'          python-version: "{minors(project)[-1]}"' not in lines:
        problems.append(f"it does not try Python {minors(project)[-1]}")
    if "pip install" not in commands or "-c constraints.txt" in commands or "make " in commands:
        problems.append("it installs the pins")
    if "-m pytest" not in commands:
        problems.append("it runs no tests")
    for name in re.findall(r"--deselect \S+::(\w+)", commands):
        if name not in globals():
            problems.append(f"it leaves out {name}, which does not exist")
    if "gh issue create" not in commands or not any(step.get("if") == "failure()" for step in job["steps"]):
        problems.append("it tells nobody what broke")
    return problems


def unpinned_actions(workflow):
    """The actions that a workflow does not name by a commit and, for people, a version."""
    used = re.findall(r"uses: (.*)", workflow)
    return [f"not pinned: {action}" for action in used if not re.fullmatch(r"\S+@[0-9a-f]{40}  # v[\d.]+", action)]


def test_make_help_lists_every_target():
    assert makefile_problems(text_of("Makefile")) == []


def test_the_readme_names_what_exists(project):
    assert readme_problems(text_of("README.md"), text_of("Makefile"), text_of("environment.yml"), project) == []


def test_the_weekly_workflow_tries_the_newest_versions(project):
    assert newest_problems(text_of(".github/workflows/newest.yml"), project) == []


def test_the_workflow_tests_what_is_supported(project):
    assert workflow_problems(text_of(".github/workflows/ci.yml"), text_of("Makefile"), project) == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("make bench ", "make speed ", "make help does not list bench"),
        ("make bench ", "make speed ", "make help lists speed"),
        ("figures:\n", "drawings:\n", "no rule makes figures"),
        ("figures/render.py", "figures/draw_all.py", "figures/draw_all.py does not exist"),
        ("publish.slides", "publish.decks", "no module is called publish.decks"),
        ("publish.slides", "publishing.slides", "no module is called publishing.slides"),
    ],
)
def test_the_makefile_gate_turns_red(old, new, problem):
    planted = text_of("Makefile").replace(old, new)

    assert any(problem in found for found in makefile_problems(planted))


GOOD_README = """
You need Python 3.11–3.14; on Debian, Python ≥ 3.11 is `python3`.

    make lab
    make test
    conda env create -f environment.yml
    conda activate rnn-course
"""


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("", "", None),
        ("make lab", "make jupyter", "make jupyter is no target"),
        ("make test", "pytest", "does not say: make test"),
        ("3.11–3.14", "3.10–3.14", "Python 3.10 to 3.14"),
        ("3.11–3.14", "3.11 to 3.15", "Python 3.11 to 3.15"),
        ("≥ 3.11", "≥ 3.9", "Python ≥ 3.9"),
        ("activate rnn-course", "activate rnn", "conda activate rnn,"),
        ("-f environment.yml", "", "does not say: conda env create"),
    ],
)
def test_the_readme_gate_turns_red(project, old, new, problem):
    planted = GOOD_README.replace(old, new)

    problems = readme_problems(planted, text_of("Makefile"), text_of("environment.yml"), project)

    assert any(problem in found for found in problems) if problem else problems == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        (', "3.14"]', "]", "it tests Python ['3.11', '3.12', '3.13']"),
        (", windows-latest", "", "Linux, macOS or Windows is missing"),
        ("make test", "pytest", "does not run make test"),
        ("            companions: true\n", "", "not exactly one job runs the companions"),
        ("!matrix.companions && ", "", "not exactly one job runs the companions"),
        ('python: "3.12"', 'python: "3.10"', "the companions' job is none of the matrix"),
        (
            "checkout@11bd71901bbe5b1630ceea73d27597364c9af683  # v4.2.2",
            "checkout@v4",
            "not pinned: actions/checkout@v4",
        ),
    ],
)
def test_the_workflow_gate_turns_red(project, old, new, problem):
    planted = text_of(".github/workflows/ci.yml").replace(old, new)

    assert any(problem in found for found in workflow_problems(planted, text_of("Makefile"), project))


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ('version: "3.14"', 'version: "3.13"', "does not try Python 3.14"),
        ("--editable", "-c constraints.txt --editable", "it installs the pins"),
        ("python -m pytest", "make test", "it runs no tests"),
        ("every_pin_is_needed", "every_pin_is_old", "which does not exist"),
        ("if: failure()", "if: false", "it tells nobody what broke"),
        ("5.6.0", "", "not pinned: actions/setup-python"),
    ],
)
def test_the_gate_of_the_weekly_workflow_turns_red(project, old, new, problem):
    planted = text_of(".github/workflows/newest.yml").replace(old, new)

    assert any(problem in found for found in newest_problems(planted, project))


# --- publish/install.py -------------------------------------------------------------------------------------------


def installer_problems(text):
    """Where a file uses newer syntax than Python 3.6, or imports more than the standard library and publish.course."""
    try:
        tree = ast.parse(text, feature_version=(3, 6))
    except SyntaxError as error:
        return [str(error)]
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    known = sys.stdlib_module_names | {"publish.course"}
    return [f"it imports {name}" for name in sorted(modules) if not {name, name.split(".")[0]} & known]


def test_the_installer_is_readable_by_old_pythons_and_needs_the_standard_library_alone():
    assert installer_problems(text_of("publish/install.py")) == []
    assert installer_problems(text_of("publish/course.py")) == []


@pytest.mark.parametrize(
    "planted, problem",
    [
        ("import requests.adapters", "it imports requests.adapters"),
        ("from publish.build import build", "it imports publish.build"),
        ("if (a := 1):\n    pass", "Assignment expressions are only supported in Python 3.8"),
    ],
)
def test_the_gate_of_the_installer_turns_red(planted, problem):
    (found,) = installer_problems(planted)

    assert problem in found


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 15)])
def test_a_python_that_is_too_old_or_too_new_is_told_what_the_course_needs(version, monkeypatch):
    monkeypatch.setattr(install.shutil, "which", lambda name: None)

    with pytest.raises(install.SetupError, match=rf"Python {version[0]}.{version[1]} .*Python 3.11 to 3.14.\n.*org"):
        install.check_python(version)


@pytest.mark.parametrize("works, advice", [(0, "make lab PYTHON=python3.12"), (127, "Install one")])
def test_another_python_is_named_only_if_it_works(works, advice, monkeypatch):
    monkeypatch.setattr(install.shutil, "which", lambda name: name if name == "python3.12" else None)
    monkeypatch.setattr(install.subprocess, "call", lambda *args, **kwargs: works)

    assert advice in install.python_advice([11, 12, 13])


def test_a_debian_without_venv_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(install, "find_spec", lambda name: None if name == "ensurepip" else name)

    with pytest.raises(install.SetupError, match=r"sudo apt install python3\.12-venv"):
        install.check_python((3, 12))


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A stand-in for .venv; records what the installer does to it, and pip's commands, all of which succeed."""

    class Workshop:
        venv, log, refused = tmp_path / ".venv", [], None

        def make_venv(self):
            self.log.append("make")
            (self.venv / "bin").mkdir(parents=True, exist_ok=True)
            install.VENV_PYTHON.touch()

        def pip(self, *arguments, constraints=None, output=None):
            self.log.append(" ".join(arguments))
            if "--report" in arguments:
                url = install.CPU_INDEX if install.CPU_INDEX in arguments else "https://pypi.org/torch.whl"
                metadata = {"name": "torch", "version": "2.13.0"}
                report = {"install": [{"metadata": metadata, "download_info": {"url": url}}]}
                Path(arguments[arguments.index("--report") + 1]).write_text(json.dumps(report))
            return not (self.refused and any(self.refused in argument for argument in arguments))

    shop = Workshop()
    monkeypatch.setattr(install, "VENV", shop.venv)
    monkeypatch.setattr(install, "VENV_PYTHON", shop.venv / "bin" / "python")
    monkeypatch.setattr(install, "STAMP", shop.venv / "course.json")
    monkeypatch.setattr(install, "MAKER", shop.venv / "maker.txt")
    monkeypatch.setattr(install, "LOCK", tmp_path / ".venv.lock")
    monkeypatch.setattr(install, "make_venv", shop.make_venv)
    monkeypatch.setattr(install, "pip", shop.pip)
    monkeypatch.setattr(install.sys, "platform", "linux")
    shop.log.clear()
    return shop


def test_a_complete_environment_is_left_alone(workshop):
    install.set_up(["test"])
    workshop.log.clear()

    install.set_up(["test"])
    install.set_up([])  # asks for less than is there

    assert workshop.log == []


def test_a_missing_extra_is_added_to_what_is_there(workshop):
    install.set_up([])
    workshop.log.clear()

    install.set_up(["test"])

    assert "make" not in workshop.log
    assert workshop.log[-1].endswith(".[lab,test]")


@pytest.mark.parametrize(
    "refused, reason",
    [("torch", "There is no torch==.* for this machine"), ("--editable", "pip's reason stands above")],
)
def test_a_failed_installation_is_never_taken_for_complete(workshop, refused, reason):
    workshop.refused = refused
    with pytest.raises(install.SetupError, match=reason):
        install.set_up([])
    workshop.refused = None
    workshop.log.clear()

    install.set_up([])

    assert workshop.log[0] == "make"


def test_an_interrupted_update_is_never_taken_for_complete(workshop, monkeypatch):
    install.set_up([])
    monkeypatch.setattr(install, "install_course", lambda extras: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        install.set_up(["test"])

    assert install.installed() is None


@pytest.mark.parametrize("field, value", [("root", "/elsewhere"), ("python", "3.99")])
def test_a_moved_environment_or_one_of_another_python_is_made_anew(workshop, field, value):
    install.set_up([])
    stamp = json.loads(install.STAMP.read_text())
    install.STAMP.write_text(json.dumps({**stamp, field: value}))
    workshop.log.clear()

    install.set_up([], this_python=True)

    assert workshop.log[0] == "make"


def test_the_cpu_build_of_torch_comes_first_and_the_source_is_said(workshop, capsys):
    install.set_up([])

    assert workshop.log[1].startswith(f"--no-deps --index-url {install.CPU_INDEX}")
    assert "torch 2.13.0 from download.pytorch.org" in capsys.readouterr().out


def test_without_the_cpu_index_torch_comes_from_pypi_and_that_is_said(workshop, capsys):
    workshop.refused = install.CPU_INDEX

    install.set_up([])

    output = capsys.readouterr().out
    assert "has not given it: taking the same version from PyPI, perhaps with CUDA" in output
    assert "torch 2.13.0 from pypi.org" in output


def test_whoever_finds_the_environment_replaced_writes_no_stamp(workshop, monkeypatch):
    monkeypatch.setattr(install, "install_course", lambda extras: install.MAKER.write_text("somebody else"))

    with pytest.raises(install.SetupError, match="has made or removed .venv in the meantime"):
        install.set_up([])

    assert install.installed() is None


# --- Two set-ups at once


HOLD = """
import sys
from pathlib import Path

from publish import install

install.LOCK = Path(sys.argv[1])
with install.only_set_up():
    print("held", flush=True)
    {}
"""


@contextmanager
def another_set_up(lock, then="sys.stdin.read()"):
    """A process that holds the lock until its standard input is closed."""
    command = [sys.executable, "-c", HOLD.format(then), str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def test_a_second_set_up_says_who_is_first_waits_and_finds_everything_done(workshop, monkeypatch, capsys):
    with another_set_up(install.LOCK) as other:

        def finish(_):
            install.STAMP.parent.mkdir()
            install.VENV_PYTHON.parent.mkdir()
            install.VENV_PYTHON.touch()
            install.STAMP.write_text(json.dumps(install.wanted([])))
            other.stdin.close()
            other.wait()

        monkeypatch.setattr(install.time, "sleep", finish)
        install.set_up([])

    said = capsys.readouterr().out
    assert re.match(rf"Another set-up is running \(process {other.pid}, since \d\d:\d\d:\d\d\): waiting", said)
    assert workshop.log == []


def test_the_lock_of_a_killed_set_up_blocks_nobody(workshop, capsys):
    with another_set_up(install.LOCK) as other:
        other.kill()
        other.wait()

        install.set_up([])

    assert "Another set-up" not in capsys.readouterr().out
    assert install.installed() == install.wanted([])


@pytest.mark.skipif(os.name == "nt", reason="Windows hands no lock on to a child process")
def test_a_pip_that_outlives_its_set_up_keeps_the_lock(tmp_path):
    path, python = tmp_path / "lock", tmp_path / "python"
    python.write_text("#!/bin/sh\necho pip runs\nexec cat\n")
    python.chmod(0o755)
    with another_set_up(path, f"install.VENV_PYTHON = {str(python)!r}; install.pip('torch')") as other:
        assert other.stdout.readline() == "pip runs\n"
        other.kill()
        other.wait()
        lock = os.open(path, os.O_RDWR)

        held = not install.take(lock)

        other.stdin.close()  # cat ends, with all that it holds
        end = time.monotonic() + 10
        while not install.take(lock):
            assert time.monotonic() < end
        os.close(lock)
        assert held


@pytest.mark.parametrize(
    "error, taken", [(None, True), (errno.EACCES, False), (errno.EAGAIN, False), (errno.ENOLCK, True)]
)
def test_windows_locks_a_byte_that_nobody_reads(error, taken, tmp_path, monkeypatch):
    class Windows:
        LK_NBLCK, places = 2, []

        def locking(self, file, mode, count):
            self.places.append((mode, os.lseek(file, 0, os.SEEK_CUR), count))
            if error:
                raise OSError(error, "refused")

    windows = Windows()
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "msvcrt", windows)
        patch.setattr(install.os, "name", "nt")

        assert install.take(lock) is taken

    os.close(lock)
    assert windows.places == [(2, 2**30, 1)]


# --- Why pip fails


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of wheels, the only place where pip looks; returns a function that puts one there."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, value in {"CONFIG_FILE": os.devnull, "NO_INDEX": "1", "FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    for name in ("INDEX_URL", "EXTRA_INDEX_URL"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setattr(install, "VENV_PYTHON", sys.executable)

    def put(name, version, tag="py3-none-any"):
        about = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as wheel:
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            wheel.writestr(f"{about}/RECORD", "")

    return put


def test_a_wheel_for_other_machines_only_is_told_from_a_missing_connection(shelf):
    shelf("pip", "99.0")
    shelf("torch", "2.13.0", "cp27-cp27m-win32")

    assert install.reason("torch==2.13.0").startswith("There is no torch==2.13.0 for this machine: Python 3.")
    assert sysconfig.get_platform() in install.reason("torch==2.13.0")


def test_where_the_wheel_is_there_pip_has_said_what_went_wrong(shelf):
    shelf("pip", "99.0")
    shelf("torch", "2.13.0")

    assert install.reason("torch==2.13.0") == "pip's reason stands above."
    assert install.reason() == "pip's reason stands above."


def test_an_empty_index_is_no_missing_wheel_and_asking_it_prints_nothing(shelf, capfd):
    assert "is there an internet connection?" in install.reason("torch==2.13.0")
    assert capfd.readouterr() == ("", "")


def test_a_refused_connection_is_no_missing_wheel(shelf, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening
        monkeypatch.setenv("PIP_NO_INDEX", "0")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple")

        assert "is there an internet connection?" in install.reason("torch==2.13.0")


def test_settings_of_other_environments_do_not_leak_in(monkeypatch):
    for name in install.FOREIGN:
        monkeypatch.setenv(name, "/another/python")

    environment = install.own_environment()

    assert environment["VIRTUAL_ENV"] == str(install.VENV)
    assert "/another/python" not in environment.values()
    assert environment["PATH"].startswith(str(install.SCRIPTS))
