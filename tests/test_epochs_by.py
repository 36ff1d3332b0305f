"""Epochs of groups and of weights: windows in the order of each group, or of all rows."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from data import write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 500
RNG = np.random.default_rng(9)
KINDS = [("wiki", "code", "chat", None)[k] for k in RNG.choice(4, ROWS, p=[0.6, 0.25, 0.1, 0.05])]
SCORES = (RNG.gamma(0.7, 2.0, ROWS) * (RNG.random(ROWS) > 0.1)).tolist()
STARS = RNG.integers(1, 4, ROWS).tolist()
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int32()),
        "kind": pa.array(KINDS, pa.string()),
        "stars": pa.array(STARS, pa.int8()),
        "score": pa.array(SCORES, pa.float64()),
    }
)


def order_of(rows: list[int], seed: int, weights: list[float] | None) -> list[int]:
    """Return rows in the order in which they are drawn."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    among = weights and [weights[row] for row in range(ROWS)]
    largest = max(among) if among else 1.0

    def priority(row: int) -> tuple[Fraction, int]:
        u = xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)
        if weights is None:
            return Fraction(u), row
        fixed = max(1, math.floor(weights[row] / largest * (2**32 - 1) + 0.5))
        return Fraction(u, fixed), row

    return sorted((row for row in rows if weights is None or weights[row] > 0), key=priority)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in two layouts."""
    folder = tmp_path_factory.mktemp("epochs")
    return [TABLE, write_parquet(TABLE, folder / "rows.parquet", row_group_size=64)]


@given(
    st.integers(1, ROWS - 80),
    st.sampled_from([None, "score", "stars"]),
    st.sampled_from(["proportional", "equal", "sqrt", {"wiki": 0.6, "code": 0.4}]),
    st.integers(0, 2**64 - 1),
    st.lists(st.integers(0, 2**62), min_size=3, max_size=3),
    st.integers(0, 1),
    st.sampled_from([1, 2, 8]),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_epochs_by_group_are_windows_of_each_group(
    sources: list[Any],
    n: int,
    weight: str | None,
    allocation: Any,
    seed: int,
    far: list[int],
    layout: int,
    threads: int,
) -> None:
    options: dict[str, Any] = {"by": "kind", "allocation": allocation, "weight": weight}
    options |= {"seed": seed, "threads": threads}
    n = min(n, 300) if isinstance(allocation, dict) else n
    first = fastsample.sample(TABLE, n, **options)
    groups = first.report.groups
    assert groups is not None
    weights = None if weight is None else TABLE[weight].to_pylist()
    orders = {
        group.values[0]: order_of(
            [row for row in range(ROWS) if KINDS[row] == group.values[0]], seed, weights
        )
        for group in groups.largest
    }
    drawn = {group.values[0]: group.drawn for group in groups.largest}
    epochs = fastsample.epochs(sources[layout], n, **options)
    assert len(epochs) == min(len(orders[kind]) // n for kind, n in drawn.items() if n)
    for epoch in {0, len(epochs) - 1, len(epochs), *far}:
        wanted = [
            orders[kind][(epoch * n + i) % len(orders[kind])]
            for kind, n in drawn.items()
            for i in range(n)
        ]
        found = epochs[epoch]
        assert found.row_ids.tolist() == sorted(wanted)
        assert found.report.groups == groups
    assert epochs[0].row_ids.tolist() == first.row_ids.tolist()


@pytest.mark.parametrize("amount", [{"n": 90}, {"fraction": 0.2}])
@pytest.mark.parametrize("weight", ["score", "stars"])
@pytest.mark.parametrize("where", [None, "kind != 'wiki'"])
def test_epochs_by_weight_are_windows_of_one_order(
    sources: list[Any], amount: dict[str, Any], weight: str, where: str | None
) -> None:
    first = fastsample.sample(TABLE, weight=weight, where=where, seed=4, **amount)
    n, weights = len(first), TABLE[weight].to_pylist()
    rows = [row for row in range(ROWS) if where is None or KINDS[row] in ("code", "chat")]
    among = [weights[row] if row in rows else 0.0 for row in range(ROWS)]
    order = order_of(rows, 4, among)
    for source in sources:
        epochs = fastsample.epochs(source, weight=weight, where=where, seed=4, **amount)
        assert len(epochs) == len(order) // n
        for epoch in range(len(epochs)):
            found = epochs[epoch]
            assert found.row_ids.tolist() == sorted(order[epoch * n : (epoch + 1) * n])
            assert found.report.weight == weight
        with pytest.raises(IndexError, match="a draw by weight has no more rows"):
            epochs[len(epochs)]
    assert epochs[0].row_ids.tolist() == first.row_ids.tolist()


def test_a_mixture_of_groups_shows_every_row_before_one_comes_again(tmp_path: Path) -> None:
    epochs = fastsample.epochs(TABLE, 100, by="kind", allocation="equal")
    counts = np.zeros(ROWS, int)
    for epoch in range(40):
        counts[epochs[epoch].row_ids] += 1
    for kind in set(KINDS):
        own = counts[[k == kind for k in KINDS]]
        assert own.max() - own.min() <= 1
    epochs[3].write_parquet(tmp_path / "3.parquet", shuffle=True)
    assert len(fastsample.sample(tmp_path / "3.parquet", 100)) == 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allocation": "sqrt"}, "name their column with by"),
        ({"by": "kind", "allocation": "x"}, "allocation is 'x'"),
        ({"by": "kind", "allocation": {("a", "b"): 1.0}}, "with 1 columns in by"),
    ],
)
def test_what_does_not_go_together_says_so(options: dict[str, Any], message: str) -> None:
    with pytest.raises(fastsample.ArgumentError, match=message):
        fastsample.epochs(TABLE, 10, **options)


def test_columns_that_are_not_there_are_told() -> None:
    for epochs in (
        fastsample.epochs(TABLE, 10, by="nope"),
        fastsample.epochs(TABLE, 10, weight="nope"),
    ):
        with pytest.raises(fastsample.ColumnError, match="nope"):
            epochs[0]
