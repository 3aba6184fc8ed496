"""Set up the course in .venv, from pinned versions, and run a command there. The Makefile's targets call this.

    python -m publish.install [--extra test] [--this-python] [-- ARGUMENTS OF THE COURSE'S PYTHON]
    python -m publish.install --clean

It needs nothing but Python, and says so clearly where that Python cannot serve: hence no newer syntax here.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from urllib.parse import urlsplit

from publish.course import ROOT

VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "course.json"  # written last: a .venv without it is not complete
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# Settings of other environments, which must not leak into this one.
FOREIGN = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSAFEPATH",
    "VIRTUAL_ENV",
    "PIP_TARGET",
    "PIP_PREFIX",
    "__PYVENV_LAUNCHER__",
)


class SetupError(Exception):
    """The course cannot be set up; the message says why and what to do."""


# --- Can this Python serve? ---------------------------------------------------------------------------------------


def supported_minors():
    """The minor versions of Python 3 that pyproject.toml allows."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    first, end = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', text, re.MULTILINE).groups()
    return range(int(first), int(end))


def check_python(version=sys.version_info):
    """Raise SetupError if this Python is too old or too new, or lacks what makes a virtual environment."""
    minors = supported_minors()
    if version[0] != 3 or version[1] not in minors:
        raise SetupError(
            f"This is Python {version[0]}.{version[1]} ({sys.executable}); the course needs Python 3.{minors[0]} to "
            f"3.{minors[-1]}.\n{python_advice(minors)}"
        )
    if not (find_spec("venv") and find_spec("ensurepip")):
        raise SetupError(
            f"This Python ({sys.executable}) cannot make virtual environments: its venv or ensurepip module is "
            f"missing.\nOn Debian or Ubuntu: sudo apt install python3.{version[1]}-venv"
        )


def python_advice(minors):
    """One sentence on which other Python to take: one that is installed, if any works."""
    for minor in reversed(minors):
        name = f"python3.{minor}"
        if shutil.which(name) and subprocess.call([name, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return f"This machine has one; give it its name, for instance: make lab PYTHON={name}"
    return "Install one, from python.org or your system's packages, and try again."


# --- What is installed, and what is wanted? -----------------------------------------------------------------------


def wanted(extras):
    """Describe the environment that the repository asks for now, as the stamp describes the one that is there."""
    requirements = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return {
        "root": str(ROOT),  # an environment that was moved or copied does not work
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "requirements": hashlib.sha256(requirements).hexdigest(),
        "extras": sorted(extras),
    }


def installed():
    """Return the stamp of a complete environment, or None if there is none."""
    try:
        return json.loads(STAMP.read_text(encoding="utf-8")) if VENV_PYTHON.exists() else None
    except (OSError, ValueError):
        return None


# --- Set up -------------------------------------------------------------------------------------------------------


def set_up(extras, this_python=False):
    """Make .venv hold the course and the given extras; do nothing if it does already.

    Args:
        extras: names of optional dependencies in pyproject.toml.
        this_python: whether a .venv of another Python version has to give way.

    Raises:
        SetupError: if this Python cannot serve, or an installation fails.
    """
    have, want = installed(), wanted(extras)
    keep = have is not None and have["root"] == want["root"] and not (this_python and have["python"] != want["python"])
    if keep:
        want.update(python=have["python"], extras=sorted({*have["extras"], *extras}))
    if have == want:
        return
    if keep:
        print("The course's requirements have changed: bringing .venv up to date.", flush=True)
        STAMP.unlink()
    else:
        check_python()
        replaced = " in the place of an incomplete one" if VENV.exists() else ""
        print(f"Setting up the course in .venv{replaced}, with Python {sys.version.split()[0]}:", flush=True)
        make_venv()
    install_torch()
    install_course(want["extras"])
    STAMP.write_text(json.dumps(want), encoding="utf-8")
    print("Set up.", flush=True)


def make_venv():
    """Make an empty .venv in the place of whatever is there."""
    print("1/3 an empty environment", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], env=own_environment()).returncode:
        raise SetupError(f"Could not make {VENV}; the reason stands above.")


def install_torch():
    """Install the pinned torch, on Linux as its CPU build if that can be had, and say where it came from.

    Linux alone needs the special index: there the ordinary build brings gigabytes of CUDA libraries.
    """
    print("2/3 torch, as its CPU build (some 200 MB)", flush=True)
    report = VENV / "torch.json"
    pin = re.search(r"^torch==.+$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE).group()
    from_cpu_index = ["--no-deps", "--index-url", CPU_INDEX, "--timeout", "15", "--retries", "1"]
    if sys.platform == "linux" and pip(*from_cpu_index, "--report", str(report), pin, constraints=""):
        print(f"    {origin(report)}", flush=True)
        return
    if sys.platform == "linux":
        print(f"    {CPU_INDEX} did not answer: taking the same version from PyPI, perhaps with CUDA.", flush=True)
    if not pip("--report", str(report), pin):
        raise SetupError("Could not install torch; pip's reason stands above. Is there an internet connection?")
    print(f"    {origin(report)}", flush=True)


def origin(report):
    """Say which torch a pip report tells of, and where it was found."""
    for item in json.loads(report.read_text(encoding="utf-8"))["install"]:
        if item["metadata"]["name"] == "torch":
            host = urlsplit(item["download_info"]["url"]).hostname
            return f"torch {item['metadata']['version']} from {host or 'a local folder'}"
    return "torch was there already"


def install_course(extras):
    """Install the course itself, editable, with everything it needs."""
    print("3/3 JupyterLab and the rest (a minute or two, in silence)", flush=True)
    if not pip("--quiet", "--editable", f".[{','.join(extras)}]" if extras else "."):
        raise SetupError("Could not install the course; pip's reason stands above. The next call starts afresh.")
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}})
    (settings / "overrides.json").write_text(text, encoding="utf-8")  # do not ask a newcomer about news


def pip(*arguments, constraints="constraints.txt"):
    """Run pip install in .venv, held to the pins in a file; return whether it succeeded."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    # As variables the pins also hold for what pip installs to build the course; a relative path survives spaces.
    pins = {"PIP_CONSTRAINT": constraints, "PIP_BUILD_CONSTRAINT": constraints, "PIP_USER": "0"}
    return subprocess.run(command, env={**own_environment(), **pins}, cwd=str(ROOT)).returncode == 0


# --- Run, clean, command line -------------------------------------------------------------------------------------


def own_environment():
    """Return the environment variables without those that point to other Pythons, and with .venv activated."""
    environment = {name: value for name, value in os.environ.items() if name.upper() not in FOREIGN}
    environment["VIRTUAL_ENV"] = str(VENV)
    environment["PATH"] = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")])
    return environment


def run(arguments):
    """Run .venv's Python with these arguments from the repository's root; return its exit status."""
    command = [str(VENV_PYTHON), *arguments]
    os.chdir(str(ROOT))
    if os.name == "nt":
        return subprocess.call(command, env=own_environment())
    sys.stdout.flush()
    # Become the command, so that Ctrl-C reaches JupyterLab alone, which asks before it stops.
    os.execve(command[0], command, own_environment())


def clean():
    """Remove what the targets made and git does not keep: .venv, dist and caches."""
    folders = [VENV, ROOT / "dist", *ROOT.glob("*.egg-info"), *ROOT.glob(".*_cache"), ROOT / "__pycache__"]
    for part in ("course_utils", "figures", "notebooks", "publish", "tests"):
        folders += [*(ROOT / part).rglob("__pycache__"), *(ROOT / part).rglob(".ipynb_checkpoints")]
    for folder in folders:
        shutil.rmtree(str(folder), ignore_errors=True)


def main(arguments):
    """Run the command line; return its exit status."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extra", action="append", default=[], help="optional dependencies to install as well")
    parser.add_argument("--this-python", action="store_true", help="replace a .venv of another Python version")
    parser.add_argument("--clean", action="store_true", help="remove .venv, dist and caches instead")
    options = parser.parse_args(arguments[:end])
    if options.clean:
        return clean()
    try:
        set_up(options.extra, options.this_python)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next call starts afresh.", file=sys.stderr)
        return 130
    return run(arguments[end + 1 :]) if arguments[end + 1 :] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
