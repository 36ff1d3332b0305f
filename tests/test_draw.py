"""Which rows are drawn: exactly n, the ones that the specification says, in order."""

from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import drawn_ids, stream
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**64 - 1)


def numbers(rows: int) -> pa.Table:
    return pa.table({"x": pa.array(range(rows), pa.int32())})


def ids(rows: int, n: int, seed: int = 42) -> list[int]:
    ids: list[int] = fastsample.sample(numbers(rows), n, seed=seed).row_ids.tolist()
    return ids


@st.composite
def draws(draw: st.DrawFn) -> tuple[int, int]:
    rows = draw(st.integers(1, 400))
    return rows, draw(st.integers(1, rows))


# A release that changes this list draws other rows from everybody's data.
GOLDEN = [
    148, 200, 282, 519, 553, 556, 565, 578, 634, 650,
    691, 720, 723, 737, 739, 856, 913, 935, 944, 969,
]  # fmt: skip


def test_golden_ids() -> None:
    assert ids(1000, 20) == GOLDEN


def test_golden_ids_from_a_stream() -> None:
    sample = fastsample.sample(stream(numbers(1000)), 20)
    assert sample.row_ids.tolist() == GOLDEN


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 9_999, 10_000])
@pytest.mark.parametrize("as_stream", [False, True])
def test_exactly_n_distinct_rows_in_order(n: int, as_stream: bool) -> None:
    source = stream(numbers(10_000), 1000) if as_stream else numbers(10_000)
    sample = fastsample.sample(source, n, seed=7)
    drawn = sample.row_ids
    assert len(drawn) == len(sample) == n
    assert drawn.dtype == np.uint64
    assert np.all(drawn[1:] > drawn[:-1])
    assert drawn[-1] < 10_000
    assert sample.to_arrow()["x"].to_pylist() == drawn.tolist()


def test_one_row_of_one() -> None:
    assert ids(1, 1) == [0]


def test_all_rows() -> None:
    assert ids(500, 500) == list(range(500))


@given(draws(), SEEDS)
@settings(deadline=None, max_examples=100)
def test_agrees_with_the_specification(draw: tuple[int, int], seed: int) -> None:
    rows, n = draw
    assert ids(rows, n, seed) == drawn_ids(rows, n, seed)


@given(draws(), SEEDS, st.integers(1, 50))
@settings(deadline=None, max_examples=100)
def test_streams_agree_with_the_specification(
    draw: tuple[int, int], seed: int, batch_rows: int
) -> None:
    rows, n = draw
    sample = fastsample.sample(stream(numbers(rows), batch_rows), n, seed=seed)
    assert sample.row_ids.tolist() == drawn_ids(rows, n, seed)
    assert sample.to_arrow()["x"].to_pylist() == sample.row_ids.tolist()


def test_many_rows_agree_with_the_specification() -> None:
    assert ids(200_000, 50_000, 3) == drawn_ids(200_000, 50_000, 3)


@given(st.integers(2, 400), SEEDS, st.data())
@settings(deadline=None, max_examples=50)
def test_smaller_samples_are_part_of_larger_ones(rows: int, seed: int, data: st.DataObject) -> None:
    more = data.draw(st.integers(2, rows))
    fewer = data.draw(st.integers(1, more - 1))
    assert set(ids(rows, fewer, seed)) < set(ids(rows, more, seed))


def test_the_seed_changes_the_draw() -> None:
    draws = {tuple(ids(1000, 100, seed)) for seed in range(50)}
    assert len(draws) == 50


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63, 2**64 - 1])
def test_every_64_bit_seed_is_allowed(seed: int) -> None:
    assert ids(100, 10, seed) == drawn_ids(100, 10, seed)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_other_seeds_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed") as caught:
        ids(100, 10, seed)
    assert isinstance(caught.value, fastsample.ArgumentError)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64])
def test_numpy_integers_are_integers(kind: Any) -> None:
    sample = fastsample.sample(numbers(1000), kind(20), seed=kind(42))
    assert sample.row_ids.tolist() == GOLDEN
    assert type(sample.report.seed) is int


@pytest.mark.parametrize("value", [10.0, "10", None, True, np.float64(10)])
def test_other_numbers_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"n is .*whole number"):
        fastsample.sample(numbers(100), value)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"seed is .*whole number"):
        fastsample.sample(numbers(100), 10, seed=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("as_stream", [False, True])
@pytest.mark.parametrize("n", [-1, 0, 101, 2**64, 2**70])
def test_n_is_from_one_to_the_number_of_rows(n: int, as_stream: bool) -> None:
    source = stream(numbers(100)) if as_stream else numbers(100)
    with pytest.raises(ValueError, match=r"\b(n|rows?)\b") as caught:
        fastsample.sample(source, n)
    assert isinstance(caught.value, fastsample.ArgumentError)
