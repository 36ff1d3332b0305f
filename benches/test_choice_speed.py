"""Choices of rows and packs of fastsample and of the peers, timed by pytest-benchmark.

::

    pytest benches/test_choice_speed.py --benchmark-only

The records are made by ``benches.compare`` and ``benches.packing``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fastsample
import pyarrow.parquet as pq
import pytest

from benches import packing
from benches.baselines.choice_peers import KIND, KINDS, PEERS, TALK, WEIGHT, WHERE, benchmark_of

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

SEED: Final = 42
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "by": {"by": KIND, "allocation": "equal"},
    "where": {"where": WHERE},
    "weight": {"weight": WEIGHT},
    "group": {"group": TALK},
    "replace": {"replace": True},
    "exclude": {},
}


def ours(task: str, path: Path, output: Path, n: int) -> int:
    """Draw and write."""
    options = OPTIONS[task] if task != "exclude" else {"exclude": benchmark_of(path)}
    drawn = fastsample.sample(path, n, seed=SEED, progress=False, **options)
    return drawn.write_parquet(output, progress=False).rows


@pytest.mark.parametrize(
    ("task", "name"), [(task, name) for task in OPTIONS for name in ("fastsample", *PEERS[task])]
)
def test_choice(
    benchmark: BenchmarkFixture, wide: Path, rows: int, tmp_path: Path, task: str, name: str
) -> None:
    """Draw 30 % of the rows to a file."""
    benchmark.group = f"{task}, 30 % to Parquet"
    n, output = rows * 3 // 10, tmp_path / "sample.parquet"
    if name == "fastsample":
        found = benchmark(ours, task, wide, output, n)
    else:
        found = benchmark(PEERS[task][name], wide, output, n, SEED)
    assert found == pq.read_metadata(output).num_rows
    # Groups are whole, or of equal sizes: a few rows may be missing.
    slack = {"by": KINDS, "group": max(rows // 100, 10)}.get(task, 0)
    assert n - slack <= found <= n


@pytest.mark.benchmark(group="packing")
@pytest.mark.parametrize("name", ["fastsample", "python"])
def test_packing(benchmark: BenchmarkFixture, rows: int, name: str) -> None:
    """Pack rows of as many lengths to 2,048 tokens."""
    packs, _ = benchmark(packing.PACKERS[name], rows)
    tokens = sum(packing.lengths_of(rows))
    assert tokens <= packs * packing.CAPACITY <= 1.1 * tokens + packing.CAPACITY
