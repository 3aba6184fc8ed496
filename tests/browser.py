"""What the tests with a browser share: opening one, serving a folder, noting what a page asks for and complains of."""

import functools
import http.server
import os
import threading
from contextlib import contextmanager

import pytest

from publish.browser import BROWSER_HELP, open_browser


def skip_or_fail(reason):
    """Skip a test for want of something on this machine; where CI=true, nothing may be wanting: fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true makes this a failure)")
    pytest.skip(reason)


@contextmanager
def browser_or_skip():
    """Yield a running browser; skip, or fail on CI, where none is installed."""
    with open_browser() as browser:
        if browser is None:
            skip_or_fail(BROWSER_HELP)
        yield browser


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing: a test's output is for its findings."""


@contextmanager
def serve(folder):
    """Serve a folder on this machine and yield its address, without a final slash."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def listen(page, home):
    """Note from now on where a page asks for more than its home has, and what goes wrong on it.

    Args:
        page: a page of playwright.
        home: what the addresses of the page's own files start with.

    Returns:
        (requests, errors): two lists that grow, of the addresses asked for outside the home (data: and blob: carry
        their content along and are left out) and of the errors on the console or uncaught.
    """
    requests, errors = [], []

    def note_request(request):
        if not request.url.startswith((home, "data:", "blob:", "about:")):
            requests.append(request.url)

    page.on("request", note_request)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    return requests, errors
