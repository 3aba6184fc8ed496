"""What several test files share."""

import pytest
import torch
from browser import browser_or_skip, skip_or_fail

from publish.assets import AssetError, install_vendor


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
