"""Fixtures that many tests share."""

import os
from pathlib import Path

import pyarrow as pa
import pytest
from data import pairs

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("shared") is None or SHARED.is_dir():
        return
    reason = f"the real data is not there: {SHARED}"
    if os.environ.get("FASTSAMPLE_REQUIRE_SHARED") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def table() -> pa.Table:
    """3,000 rows of Chinese pairs."""
    return pairs(3000)
