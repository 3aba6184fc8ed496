"""Set up the course in .venv, from pinned versions, and run a command there. The Makefile's targets call this.

    python -m publish.install [--extra test] [--this-python] [-- ARGUMENTS OF THE COURSE'S PYTHON]
    python -m publish.install --clean

It needs nothing but Python, and says so clearly where that Python cannot serve: hence no newer syntax here.
"""

import argparse
import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import uuid
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

from publish.course import ROOT

VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "course.json"  # written last: a .venv without it is not complete
MAKER = VENV / "maker.txt"  # names the set-up that works on this .venv: whoever else finds its own name gone stops
LOCK = ROOT / ".venv.lock"  # held by whoever changes .venv
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
    if not compare(extras, this_python)[0]:
        return
    with only_set_up():
        missing, want, keep = compare(extras, this_python)  # a set-up that was waited for may have done it
        if missing:
            renew(want, keep)


def compare(extras, this_python):
    """Return whether anything is missing, the stamp that is wanted, and whether .venv can be brought up to date."""
    have, want = installed(), wanted(extras)
    keep = have is not None and have["root"] == want["root"] and not (this_python and have["python"] != want["python"])
    if keep:
        want.update(python=have["python"], extras=sorted({*have["extras"], *extras}))
    return have != want, want, keep


def renew(want, keep):
    """Bring .venv up to date, or make it anew, and stamp it."""
    if keep:
        print("The course's requirements have changed: bringing .venv up to date.", flush=True)
        STAMP.unlink()
    else:
        check_python()
        replaced = " in the place of an incomplete one" if VENV.exists() else ""
        print(f"Setting up the course in .venv{replaced}, with Python {sys.version.split()[0]}:", flush=True)
        make_venv()
    maker = uuid.uuid4().hex
    MAKER.write_text(maker, encoding="utf-8")
    install_torch()
    install_course(want["extras"])
    if not MAKER.exists() or MAKER.read_text(encoding="utf-8") != maker:
        raise SetupError("Something else has made or removed .venv in the meantime; run this again.")
    STAMP.write_text(json.dumps(want), encoding="utf-8")
    print("Set up.", flush=True)


def make_venv():
    """Make an empty .venv in the place of whatever is there."""
    print("1/3 an empty environment", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(command, env=own_environment(), close_fds=False).returncode:
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
        print(f"    {CPU_INDEX} has not given it: taking the same version from PyPI, perhaps with CUDA.", flush=True)
    if not pip("--report", str(report), pin):
        raise SetupError(f"Could not install torch. {reason(pin)}")
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
    if not pip("--quiet", "--editable", f".[{','.join(['lab', *extras])}]"):
        raise SetupError(f"Could not install the course. {reason()}\nThe next call starts afresh.")


def pip(*arguments, constraints="constraints.txt", output=None):
    """Run pip install in .venv, held to the pins in a file; return whether it succeeded."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    # As variables the pins also hold for what pip installs to build the course; a relative path survives spaces.
    pins = {"PIP_CONSTRAINT": constraints, "PIP_BUILD_CONSTRAINT": constraints, "PIP_USER": "0"}
    settings = {"env": {**own_environment(), **pins}, "cwd": str(ROOT), "stdout": output, "stderr": output}
    return subprocess.run(command, close_fds=False, **settings).returncode == 0


def reason(pin=None):
    """Say why pip could not install something; `pin` is the package, if it was a single one.

    pip says "no matching distribution" both without a network and without a wheel, so it is asked again: for itself,
    a package that every index has and every machine can use, and then for the one in question.
    """
    if not can_find("pip"):
        return (
            "pip finds no packages at all: is there an internet connection? If pip is set to use another index or a "
            "proxy, does it answer?"
        )
    if pin and not can_find(pin):
        return (
            f"There is no {pin} for this machine: {this_machine()}.\nThe course runs on Linux with glibc (x86_64, "
            "aarch64), on Windows (x86_64), and on Macs with Apple silicon, there with a Python made for it."
        )
    return "pip's reason stands above."


def can_find(requirement):
    """Whether pip finds a package that this machine can use; nothing is installed."""
    quickly = ["--dry-run", "--ignore-installed", "--no-deps", "--retries", "1"]
    return pip(*quickly, requirement, constraints="", output=subprocess.DEVNULL)


def this_machine():
    """Name the Python and the kind of machine that it was made for."""
    musl = " with musl" if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")) else ""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]} for {sysconfig.get_platform()}{musl}"


# --- One set-up at a time -----------------------------------------------------------------------------------------


@contextmanager
def only_set_up():
    """Wait until nobody else changes .venv, then keep others waiting.

    The system takes the lock back from a process that ends, however it ends: no lock is ever stale.
    """
    lock = os.open(str(LOCK), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not take(lock):
            holder = LOCK.read_text(encoding="utf-8") or "just started"
            print(f"Another set-up is running ({holder}): waiting for its end. Ctrl-C gives up.", flush=True)
            while not take(lock):
                time.sleep(0.5)
        # A pip whose set-up was killed goes on writing: it holds the lock, too, until it ends.
        os.set_inheritable(lock, os.name != "nt")
        os.ftruncate(lock, 0)
        os.lseek(lock, 0, os.SEEK_SET)
        os.write(lock, f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}".encode())
        yield
    finally:
        os.close(lock)


def take(lock):
    """Take the lock of an open file; return whether this process has it now, or the file system knows no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(lock, 2**30, os.SEEK_SET)  # far behind the text, which others could not read otherwise
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN)
    return True


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
    with only_set_up():
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
