"""Write environment.yml, the course for conda users and for Binder, from the bounds in pyproject.toml.

python -m publish.conda
"""

import re
import tomllib

from publish.course import ROOT
from publish.files import write_file

CONDA_NAMES = {"torch": "pytorch-cpu"}  # where conda-forge calls a package otherwise
ENVIRONMENT = ROOT / "environment.yml"
TEMPLATE = """\
# The course for conda users (conda env create -f environment.yml), Windows among them, and for Binder.
# Written by `python -m publish.conda` from pyproject.toml: edit that.
name: rnn-course
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.12  # Binder reads only this form
  - {packages}
  - pip
  - pip:
      - -e .
"""


def environment(pyproject):
    """Return the text of environment.yml for the text of pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    return TEMPLATE.format(packages="\n  - ".join(map(in_conda, requirements)))


def in_conda(requirement):
    """Return a requirement as conda reads it, such as pytorch-cpu>=2.6,<3 for torch>=2.6,<3.

    Raises:
        ValueError: if it holds more than a name and bounds.
    """
    found = re.fullmatch(r"([a-z0-9-]+)((?:(?:>=|<)[0-9.]+,?)+)", requirement)
    if not found:
        raise ValueError(f"conda has no word for {requirement!r}: write it with >= and < alone")
    name, bounds = found.groups()
    return CONDA_NAMES.get(name, name) + bounds


if __name__ == "__main__":
    write_file(ENVIRONMENT, environment((ROOT / "pyproject.toml").read_text("utf-8")).encode())
