"""Weights in an array beside the rows: the draw of a column of the same numbers."""

from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from data import in_two, texts, write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 300
RNG = np.random.default_rng(23)
SCORES = np.where(RNG.random(ROWS) < 0.2, 0, RNG.random(ROWS) * 9).round(3)
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "text": pa.array(texts(ROWS, 12, RNG), pa.string()),
        "kind": pa.array([f"k{row % 4}" for row in range(ROWS)]),
        "score": pa.array(SCORES),
    }
)
#: The same numbers as users have them.
ARRAYS: dict[str, Any] = {
    "arrow": pa.array(SCORES),
    "chunks": pa.chunked_array([SCORES[:100], SCORES[100:]]),
    "numpy": SCORES,
    "pandas": pd.Series(SCORES),
    "polars": pl.Series(SCORES),
}


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("weights")
    return [
        TABLE,
        write_parquet(TABLE, folder / "c.parquet"),
        in_two(TABLE, 90, folder, row_group_size=41),
    ]


@given(
    st.sampled_from(sorted(ARRAYS)),
    st.integers(0, 2),
    st.sampled_from(
        [
            {},
            {"where": "id >= 40"},
            {"by": "kind"},
            {"group": "kind"},
            {"smart": True},
            {"replace": True},
        ]
    ),
    st.booleans(),
    st.integers(1, 40),
    st.integers(0, 2**64 - 1),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_they_draw_as_a_column_does(
    layouts: list[Any],
    kind: str,
    layout: int,
    options: dict[str, Any],
    weights: bool,
    n: int,
    seed: int,
) -> None:
    n = n + 75 if "group" in options else n
    if weights and not (
        "by" in options or "group" in options or ("smart" in options and "replace" in options)
    ):
        options = {**options, "weights": True}
    asked = {**options, "n": n, "seed": seed}
    drawn = fastsample.sample(layouts[layout], weight=ARRAYS[kind], **asked)
    column = fastsample.sample(TABLE, weight="score", **asked)
    assert drawn.row_ids.tolist() == column.row_ids.tolist()
    assert drawn.to_arrow().equals(column.to_arrow())
    assert drawn.report.weight == "an array"
    assert drawn.report.smart == column.report.smart


def test_epochs_splits_and_mixtures_take_them() -> None:
    array = pa.array(SCORES)
    for one, other in zip(
        fastsample.epochs(TABLE, 50, weight=array),
        fastsample.epochs(TABLE, 50, weight="score"),
        strict=True,
    ):
        assert one.row_ids.tolist() == other.row_ids.tolist()
    sizes = {"train": 100, "valid": 20}
    sides = [fastsample.split(TABLE, sizes, weight=weight) for weight in (array, "score")]
    for name in sizes:
        assert sides[0][name].row_ids.tolist() == sides[1][name].row_ids.tolist()
    assert sides[0]["train"].report.weight == "an array"
    sources = {"a": (TABLE, 0.5), "b": (TABLE[:90], 0.5)}
    mixed = [
        fastsample.mix(sources, 60, weight={"a": weight}, where={"b": "id > 3"})
        for weight in (array, "score")
    ]
    assert mixed[0].row_ids.tolist() == mixed[1].row_ids.tolist()
    assert [each.weight for each in mixed[0].report.sources] == ["an array", None]


def test_they_are_not_told_in_a_manifest(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "in.parquet")
    drawn = fastsample.sample(source, 20, weight=SCORES)
    drawn.write_parquet(tmp_path / "plain.parquet")
    with pytest.raises(fastsample.ArgumentError, match="its weight comes from an array in memory"):
        drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    with pytest.raises(fastsample.FastSampleError, match="its weight comes from an array"):
        fastsample.reproduce(tmp_path / "plain.parquet")


WRONG: list[tuple[Any, type[Exception], str]] = [
    (SCORES[:-1], fastsample.ArgumentError, "weight has 299 numbers, but the source has 300 rows"),
    (-SCORES, fastsample.ArgumentError, r"the array has the weight -[\d.]+ in row"),
    (SCORES * np.nan, fastsample.ArgumentError, "the array has the weight NaN in row 0"),
    (
        pa.array([None] + [1.0] * 299),
        fastsample.ArgumentError,
        "the array has the weight null in row 0",
    ),
    (SCORES * 0, fastsample.ArgumentError, "have a weight above 0 in the array"),
    (
        pa.array(["x"] * ROWS),
        fastsample.ColumnError,
        "weight: the array is string; weights are numbers",
    ),
    (
        SCORES.reshape(2, -1),
        fastsample.SourceTypeError,
        "weight is a ndarray that is no array of numbers",
    ),
    (TABLE, fastsample.FastSampleError, "weight"),
    ([1.0] * ROWS, fastsample.SourceTypeError, "weight is a list|weight is"),
]


@pytest.mark.parametrize(("weight", "kind", "message"), WRONG)
def test_what_is_wrong_is_told(weight: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        fastsample.sample(TABLE, 9, weight=weight)
