"""Options and data of ``pytest benches --benchmark-only``."""

from pathlib import Path

import pytest

from benches.baselines import choice_peers
from benches.generate import generate


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the size of the data."""
    parser.addoption("--rows", type=int, default=100_000, help="rows of the generated file")


@pytest.fixture(scope="session")
def rows(pytestconfig: pytest.Config) -> int:
    """Return the rows of the generated file."""
    return int(pytestconfig.getoption("--rows"))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory, rows: int) -> Path:
    """Return a generated Parquet file: Chinese-looking pairs, Snappy."""
    path = tmp_path_factory.mktemp("benches") / "pairs.parquet"
    generate(path, rows)
    return path


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory, rows: int) -> Path:
    """Return such a file with columns of weights, groups and kinds, and a benchmark beside it."""
    path = tmp_path_factory.mktemp("wide") / "wide.parquet"
    generate(path, rows, wide=4)
    choice_peers.prepare(path)
    return path
