"""Find the Chromium or Chrome of this machine and start it."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

BROWSER_HELP = (
    "No Chromium or Chrome was found. Debian: apt install chromium; others: .venv/bin/playwright install chromium"
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/usr/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
# No GPU, because containers offer none; the rest keeps the browser from calling home.
FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class BrowserError(Exception):
    """The browser is there, but does not start; the message says which and why."""


@contextmanager
def open_browser():
    """Yield a running browser, or None where none is installed.

    Raises:
        BrowserError: if the browser is there, but does not start.
    """
    with sync_playwright() as playwright:
        path = find_browser(playwright)
        browser = path and launch(playwright, path)
        try:
            yield browser
        finally:
            if browser:
                browser.close()


def find_browser(playwright):
    """Return the path of an installed Chromium or Chrome, or None."""
    found = [shutil.which(name) for name in NAMES]
    for path in [*found, *PLACES, playwright.chromium.executable_path]:
        if path and Path(path).exists():
            return str(path)
    return None


def launch(playwright, path):
    """Start a browser: in its sandbox, but for root, whom it refuses, and on CI, whose machines often forbid one."""
    sandbox = getattr(os, "geteuid", lambda: 1000)() != 0 and os.environ.get("CI") != "true"
    try:
        return playwright.chromium.launch(executable_path=path, args=list(FLAGS), chromium_sandbox=sandbox)
    except Error as error:
        raise BrowserError(f"{path} does not start: {error.message.splitlines()[0]}") from error
