"""What several test files share."""

import pytest
import torch


@pytest.fixture
def double_precision():
    """Models are made and compared with 64 bits: their rounding errors are far below any bound of these tests."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)
