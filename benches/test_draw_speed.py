"""Draws of fastsample, of the pandas script and of the peers, timed by pytest-benchmark.

::

    pytest benches --benchmark-only                                   # 100,000 rows
    pytest benches --benchmark-only --rows 1000000 --benchmark-autosave
    pytest benches --benchmark-only --benchmark-compare               # with the last saved run

All run in this process, so imports are not counted and memory is not measured: the records are
made by ``benches.compare``, which starts a fresh process for each draw. Every draw is checked for
its number of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import fastsample
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benches.baselines import pandas_script, peers
from benches.contenders import APPROXIMATE, APPROXIMATE_SLACK, PEERS

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

SEED = 42

#: Draws ``n`` rows of a file to another file, or to a table where that is None; returns the rows.
Draw = Callable[[Path, Path | None, int], int]


def _ours(smart: fastsample.Smart | bool | str) -> Draw:
    def draw(path: Path, output: Path | None, n: int) -> int:
        sample = fastsample.sample(path, n, smart=smart, seed=SEED, progress=False)  # type: ignore[arg-type]
        if output is None:
            return int(sample.to_arrow().num_rows)
        return sample.write_parquet(output, progress=False).rows

    return draw


def _pandas(choose: Callable[[pd.DataFrame, int, int], pd.DataFrame]) -> Draw:
    def draw(path: Path, output: Path | None, n: int) -> int:
        chosen = choose(pd.read_parquet(path), n, SEED)
        if output is not None:
            chosen.to_parquet(output, index=False)
        return len(chosen)

    return draw


def _peer(name: str) -> Draw:
    return lambda path, output, n: peers.PEERS[name](path, output, n, SEED)


RANDOM = {
    "fastsample": _ours(False),
    "pandas": _pandas(pandas_script.random_rows),
    **{name: _peer(name) for name in PEERS},
}
SMART = {
    "fastsample": _ours(True),
    "fastsample-entropy": _ours("entropy"),
    "pandas": _pandas(pandas_script.smart_rows),
}


def _check(name: str, found: int, n: int) -> None:
    # A draw by hash alone misses n by some standard deviations, which is much of a small n.
    slack = max(APPROXIMATE_SLACK * n, 5 * n**0.5) if name in APPROXIMATE else 0
    assert abs(found - n) <= slack


@pytest.mark.benchmark(group="random, 30 % to Parquet")
@pytest.mark.parametrize("name", RANDOM)
def test_random_file(
    benchmark: BenchmarkFixture, pairs: Path, rows: int, tmp_path: Path, name: str
) -> None:
    """Draw 30 % of the rows to a file."""
    n, output = rows * 3 // 10, tmp_path / "sample.parquet"
    _check(name, benchmark(RANDOM[name], pairs, output, n), n)
    _check(name, pq.read_metadata(output).num_rows, n)


@pytest.mark.benchmark(group="random, 1 % to a table")
@pytest.mark.parametrize("name", RANDOM)
def test_random_table(benchmark: BenchmarkFixture, pairs: Path, rows: int, name: str) -> None:
    """Draw 1 % of the rows to a table in memory."""
    n = rows // 100
    _check(name, benchmark(RANDOM[name], pairs, None, n), n)


@pytest.mark.benchmark(group="smart, 30 % to Parquet")
@pytest.mark.parametrize("name", SMART)
def test_smart_file(
    benchmark: BenchmarkFixture, pairs: Path, rows: int, tmp_path: Path, name: str
) -> None:
    """Draw 30 % of the rows to a file, by a rule."""
    n, output = rows * 3 // 10, tmp_path / "sample.parquet"
    assert benchmark(SMART[name], pairs, output, n) == n
