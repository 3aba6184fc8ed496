"""Open JupyterLab with the settings of the course, and not in the middle of a slideshow.

python -m publish.lab [ARGUMENTS OF JUPYTERLAB]
"""

import re
import sys
from pathlib import Path

from jupyterlab.commands import get_user_settings_dir
from jupyterlab.labapp import LabApp

from publish.files import write_file

SETTINGS = Path(__file__).with_name("settings")


def end_slideshow(settings):
    """Let JupyterLab start with the notebook: the slideshow's own settings remember that it was on.

    Args:
        settings: the folder of the reader's settings, of which nothing else changes.
    """
    remembered = settings / "jupyterlab-slideshow" / "plugin.jupyterlab-settings"
    if remembered.is_file():
        text = remembered.read_text("utf-8")
        write_file(remembered, re.sub(r'("active"\s*:\s*)true', r"\1false", text).encode())


def main(arguments):
    """Open JupyterLab."""
    end_slideshow(Path(get_user_settings_dir()))
    LabApp.launch_instance([f"--LabApp.app_settings_dir={SETTINGS}", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
