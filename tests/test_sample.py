"""What a Sample is to Python: its facts, its rows, and a source of Arrow data."""

import operator
from collections.abc import Iterator
from typing import Any

import duckdb
import fastsample
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from data import drawn_ids, plain, run_fresh, stream

N = 50


@pytest.fixture
def sample(table: pa.Table) -> fastsample.Sample:
    return fastsample.sample(table, N)


@pytest.fixture(scope="module")
def expected(table: pa.Table) -> pa.Table:
    return table.take(drawn_ids(table.num_rows, N, 42)).combine_chunks()


def test_facts(sample: fastsample.Sample, table: pa.Table) -> None:
    assert len(sample) == N
    assert repr(sample) == "<fastsample.Sample: 50 of 3,000 rows, seed 42>"
    assert sample.schema == table.schema
    assert sample.row_ids.dtype == np.uint64
    assert sample.row_ids.shape == (N,)


def test_report(sample: fastsample.Sample) -> None:
    report = sample.report
    assert (report.rows, report.sampled, report.seed) == (3000, N, 42)
    assert 0 <= report.seconds < 10
    assert report.to_dict() == {
        "rows": 3000,
        "sampled": N,
        "seed": 42,
        "seconds": report.seconds,
        "smart": None,
        "tokens": None,
        "too_long": None,
        "text_columns": [],
        "left_out": {},
        "notes": [],
        "where": None,
        "matching": None,
        "fraction": None,
        "weight": None,
        "key": None,
        "n_groups": None,
        "group": [],
        "replace": False,
        "distinct": None,
        "exclude": None,
        "groups": None,
        "sources": [],
    }
    with pytest.raises(AttributeError):
        report.rows = 1  # type: ignore[misc]


def test_to_arrow(sample: fastsample.Sample, expected: pa.Table) -> None:
    assert sample.to_arrow().equals(expected)
    assert sample.to_arrow().equals(expected)


def test_to_pandas(sample: fastsample.Sample, expected: pa.Table) -> None:
    pd.testing.assert_frame_equal(sample.to_pandas(), expected.to_pandas())
    types = sample.to_pandas(types_mapper=pd.ArrowDtype).dtypes
    assert types["prompt"] == pd.ArrowDtype(pa.string())


def test_other_libraries_take_it_as_it_is(sample: fastsample.Sample, expected: pa.Table) -> None:
    assert pa.table(sample).equals(expected)
    assert pa.RecordBatchReader.from_stream(sample).read_all().equals(expected)
    assert plain(pl.DataFrame(sample)).equals(plain(expected))
    assert plain(pd.DataFrame.from_arrow(sample)).equals(plain(expected))
    query = duckdb.sql("select count(*), sum(id) from sample")
    assert query is not None
    found = query.fetchall()
    assert found == [(N, sum(drawn_ids(3000, N, 42)))]
    assert fastsample.sample(sample, N).to_arrow().equals(expected)


def test_the_stream_honours_a_requested_schema(sample: fastsample.Sample) -> None:
    wanted = pa.schema([("id", pa.int64()), ("prompt", pa.large_string())])
    wanted = wanted.append(pa.field("response", pa.string_view()))
    assert pa.table(sample, schema=wanted).schema == wanted


def test_a_stream_that_is_left_early_stops(table: pa.Table) -> None:
    many = pa.concat_tables([table] * 100)
    reader = pa.RecordBatchReader.from_stream(fastsample.sample(many, 200_000))
    assert reader.read_next_batch().num_rows > 0
    del reader


def test_a_sample_of_a_stream_can_be_read_again(table: pa.Table, expected: pa.Table) -> None:
    sample = fastsample.sample(stream(table), N)
    for _ in range(2):
        assert pa.table(sample).equals(expected)
        assert sample.to_arrow().equals(expected)


def test_rows_by_index(sample: fastsample.Sample, expected: pa.Table) -> None:
    rows = expected.to_pylist()
    assert sample[0] == rows[0]
    assert sample[N - 1] == sample[-1] == rows[-1]
    assert sample[-N] == rows[0]
    assert sample[np.int64(3)] == rows[3]  # type: ignore[call-overload]


@pytest.mark.parametrize("index", [N, -N - 1, 2**63, -(2**63) - 1])
def test_index_out_of_range(sample: fastsample.Sample, index: int) -> None:
    with pytest.raises(IndexError, match=f"row {index} of a sample of 50 rows"):
        sample[index]


@pytest.mark.parametrize("index", ["prompt", 1.0, None, (1, 2)])
def test_index_of_a_wrong_type(sample: fastsample.Sample, index: Any) -> None:
    with pytest.raises(TypeError):
        operator.getitem(sample, index)


@pytest.mark.parametrize(
    "index",
    [slice(None), slice(3, 9), slice(-4, None), slice(None, None, -7), slice(40, 99), slice(5, 5)],
)
def test_slices(sample: fastsample.Sample, expected: pa.Table, index: slice) -> None:
    assert sample[index] == expected.to_pylist()[index]


@pytest.mark.parametrize("indices", [[3, 1, 4, 1, 5, -9], [], np.array([7, 0])])
def test_batches_of_a_data_loader(
    sample: fastsample.Sample, expected: pa.Table, indices: list[int]
) -> None:
    rows = expected.to_pylist()
    assert sample.__getitems__(indices) == [rows[i] for i in indices]


def test_iteration(sample: fastsample.Sample, expected: pa.Table) -> None:
    rows: Iterator[dict[str, object]] = iter(sample)
    assert list(rows) == expected.to_pylist()


def test_columns_and_their_order(table: pa.Table) -> None:
    sample = fastsample.sample(table, N, columns=["response", "id"])
    assert sample.schema.names == ["response", "id"]
    assert sample.to_arrow().equals(table.select(["response", "id"]).take(sample.row_ids))
    assert sample.row_ids.tolist() == drawn_ids(3000, N, 42)


def addresses(table: pa.Table) -> list[tuple[int, int]]:
    arrays = (chunk for column in table.columns for chunk in column.chunks)
    buffers = (buffer for array in arrays for buffer in array.buffers() if buffer is not None)
    return [(buffer.address, buffer.address + buffer.size) for buffer in buffers if buffer.size]


def test_a_table_is_not_copied(table: pa.Table) -> None:
    # A sample of all rows consists of slices of the batches that were handed over.
    source = pa.concat_tables([table] * 40).combine_chunks()
    taken = fastsample.sample(source, source.num_rows).to_arrow()
    assert taken.equals(source)
    held = addresses(source)
    outside = [
        (start, end)
        for start, end in addresses(taken)
        if not any(first <= start and end <= last for first, last in held)
    ]
    assert not outside


def test_drawing_from_a_table_takes_no_memory() -> None:
    # 640 MB; a copy of any column would show.
    script = """
import numpy as np, pyarrow as pa, fastsample
rows = 1 << 24
offsets = pa.py_buffer(np.arange(0, 30 * rows + 1, 30, dtype=np.int32))
text = pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(np.full(30 * rows, 97, np.uint8)))
table = pa.table({"text": text, "x": pa.array(np.zeros(rows, np.int32))})
fastsample.sample(table.slice(0, 1000), 10).to_arrow()
before = peak()
sample = fastsample.sample(table, 10)
taken = sample.to_arrow()
print(table.nbytes, before, peak(), taken.num_rows)
"""
    size, before, after, rows = run_fresh(script)
    assert rows == 10
    assert size > 600 << 20
    assert before > size
    assert after - before < size // 20


def test_a_dict_of_tables_is_told_from_a_table(table: pa.Table) -> None:
    datasets = pytest.importorskip("datasets")
    splits = datasets.DatasetDict({"train": datasets.Dataset(table)})
    for source in (splits, {"train": table}):
        with pytest.raises(fastsample.SourceTypeError, match="such as the one of the key 'train'"):
            fastsample.sample(source, 5)
    with pytest.raises(fastsample.SourceTypeError, match="make a table of it"):
        fastsample.sample({"text": ["a", "b"]}, 1)


def test_a_number_of_rows_beyond_all_limits(table: pa.Table) -> None:
    with pytest.raises(fastsample.ArgumentError, match=r"n is 1180.*; it must be from 1 to "):
        fastsample.sample(table, 2**70)


class Failing:
    """An object whose rows can't be had."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("lost it"), fastsample.StreamError),
        (OSError("lost it"), fastsample.StreamError),
        (ValueError("lost it"), fastsample.SourceTypeError),
        (NotImplementedError("lost it"), fastsample.SourceTypeError),
    ],
)
def test_the_words_of_an_object_that_fails_are_kept(
    error: Exception, expected: type[fastsample.FastSampleError]
) -> None:
    for call in (fastsample.inspect, fastsample.score, lambda source: fastsample.sample(source, 1)):
        with pytest.raises(expected, match="lost it") as caught:
            call(Failing(error))
        assert caught.value.__cause__ is error


def test_interruptions_are_not_turned_into_errors() -> None:
    with pytest.raises(KeyboardInterrupt):
        fastsample.sample(Failing(KeyboardInterrupt()), 1)  # type: ignore[arg-type]
