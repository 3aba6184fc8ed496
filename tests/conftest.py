"""What several test files share."""

import pytest
import torch
from browser import browser_or_skip, skip_or_fail
from lab import SCREEN, course_copy, running_lab

from publish.assets import AssetError, install_vendor

SLOWEST = ("test_lab.py", "test_modes.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what opens a browser; run the slowest files first, so that no worker waits for them in the end."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("lecture")
    items.sort(key=lambda item: item.path.name not in SLOWEST)


@pytest.fixture
def double_precision():
    """Models are made and compared with 64 bits: their rounding errors are far below any bound of these tests."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def browser():
    with browser_or_skip() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for decks, with the JavaScript that they need."""
    folder = tmp_path_factory.mktemp("slides")
    try:
        install_vendor(folder / "vendor")
    except AssetError as error:
        skip_or_fail(str(error))
    return folder


@pytest.fixture(scope="module")
def context(browser):
    return browser.new_context(viewport=SCREEN)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A copy of what notebooks need."""
    return course_copy(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def lab(home):
    with running_lab(home, home / "lab.log") as lab:
        yield lab
