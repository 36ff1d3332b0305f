"""Every type and all metadata pass through as they are."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import fastsample
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import write_parquet

ROWS = 300
N = 120

ZONED = dt.datetime(2024, 2, 29, 23, 59, 59, 999_000, zoneinfo.ZoneInfo("Asia/Shanghai"))
NAIVE = dt.datetime(1969, 12, 31, 23, 59, 59)
POINT = pa.struct([("x", pa.int32()), ("说", pa.list_(pa.string()))])
POINTS = [{"x": 1, "说": ["你", None]}, {"x": None, "说": None}, {"x": 3, "说": []}]

#: A type and some of its values; nulls are added.
TYPES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "null": (pa.null(), [None]),
    "bool": (pa.bool_(), [True, False, False]),
    "int8": (pa.int8(), [-128, 0, 127]),
    "int16": (pa.int16(), [-(2**15), 5]),
    "int32": (pa.int32(), [-(2**31), 5]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1]),
    "uint8": (pa.uint8(), [0, 255]),
    "uint16": (pa.uint16(), [0, 2**16 - 1]),
    "uint32": (pa.uint32(), [0, 2**32 - 1]),
    "uint64": (pa.uint64(), [0, 2**64 - 1]),
    "float16": (pa.float16(), [np.float16(0.5), np.float16(-0.0)]),
    "float32": (pa.float32(), [1.5, float("inf")]),
    "float64": (pa.float64(), [5e-324, -float("inf")]),
    "decimal32": (pa.decimal32(7, 2), [Decimal("12345.67"), Decimal("-0.01")]),
    "decimal64": (pa.decimal64(18, 3), [Decimal("123456789012345.678")]),
    "decimal128": (pa.decimal128(38, 10), [Decimal("1234567890123456789012345678.0123456789")]),
    "decimal128, small": (pa.decimal128(5, 2), [Decimal("-123.45"), Decimal("0")]),
    "decimal256": (pa.decimal256(76, 5), [Decimal("9" * 70 + ".12345"), Decimal("-1")]),
    "date32": (pa.date32(), [dt.date(1, 1, 1), dt.date(2024, 2, 29)]),
    "date64": (pa.date64(), [dt.date(1969, 12, 31), dt.date(2024, 2, 29)]),
    "time32[s]": (pa.time32("s"), [dt.time(23, 59, 59)]),
    "time32[ms]": (pa.time32("ms"), [dt.time(23, 59, 59, 999_000)]),
    "time64[us]": (pa.time64("us"), [dt.time(23, 59, 59, 999_999)]),
    "time64[ns]": (pa.time64("ns"), [dt.time(23, 59, 59, 999_999)]),
    "timestamp[s]": (pa.timestamp("s"), [NAIVE]),
    "timestamp[ms]": (pa.timestamp("ms"), [NAIVE]),
    "timestamp[us]": (pa.timestamp("us"), [NAIVE]),
    "timestamp[ns]": (pa.timestamp("ns"), [NAIVE]),
    "timestamp[ms, zone]": (pa.timestamp("ms", "Asia/Shanghai"), [ZONED]),
    "timestamp[us, UTC]": (pa.timestamp("us", "UTC"), [ZONED]),
    "timestamp[ns, offset]": (pa.timestamp("ns", "+08:00"), [ZONED]),
    "duration[s]": (pa.duration("s"), [dt.timedelta(days=-1)]),
    "duration[ns]": (pa.duration("ns"), [dt.timedelta(microseconds=1)]),
    "month_day_nano": (pa.month_day_nano_interval(), [pa.MonthDayNano([1, -2, 3])]),
    "string": (pa.string(), ["你好", "", "😀" * 9]),
    "large_string": (pa.large_string(), ["你好", "", "😀" * 9]),
    "string_view": (pa.string_view(), ["你好", "", "😀" * 9]),
    "binary": (pa.binary(), [b"\xff\x00", b"", b"x" * 40]),
    "large_binary": (pa.large_binary(), [b"\xff\x00", b"", b"x" * 40]),
    "binary_view": (pa.binary_view(), [b"\xff\x00", b"", b"x" * 40]),
    "fixed_size_binary": (pa.binary(3), [b"abc", b"\x00\xff\x00"]),
    "list": (pa.list_(pa.string()), [["a", None], [], ["你"]]),
    "large_list": (pa.large_list(pa.int64()), [[1, None], [], [3]]),
    "fixed_size_list": (pa.list_(pa.float32(), 2), [[1.0, None], [0.5, 2.0]]),
    "list_view": (pa.list_view(pa.int32()), [[1, None], [], [3]]),
    "large_list_view": (pa.large_list_view(pa.string()), [["a", None], [], ["你"]]),
    "list of lists": (pa.list_(pa.list_(pa.int8())), [[[1], None, []], [], [[2, 3]]]),
    "list of views": (pa.list_(pa.string_view()), [["a" * 20, None], [], ["你"]]),
    "struct": (POINT, POINTS),
    "struct of views": (pa.struct([("v", pa.string_view())]), [{"v": "a" * 20}, {"v": None}]),
    "list of structs": (pa.list_(POINT), [POINTS, [], [None]]),
    "map": (pa.map_(pa.string(), pa.int32()), [[("a", 1), ("b", None)], []]),
    "map of lists": (pa.map_(pa.int32(), pa.list_(pa.string())), [[(1, ["a"]), (2, None)], []]),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), ["甲", "乙", ""]),
    "dictionary, int8": (pa.dictionary(pa.int8(), pa.string()), ["甲", "乙", ""]),
    "dictionary, uint16": (pa.dictionary(pa.uint16(), pa.large_string()), ["甲", "乙"]),
    "dictionary, int64": (pa.dictionary(pa.int64(), pa.string()), ["甲", "乙"]),
    "dictionary, ordered": (pa.dictionary(pa.int8(), pa.string(), ordered=True), ["s", "m", "l"]),
    "dictionary of int64": (pa.dictionary(pa.int16(), pa.int64()), [2**40, -1]),
    "dictionary of binary": (pa.dictionary(pa.int32(), pa.binary()), [b"\xff", b""]),
    "dictionary of dates": (pa.dictionary(pa.int8(), pa.date32()), [dt.date(2024, 2, 29)]),
    "list of dictionaries": (
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        [["甲", None], [], ["乙", "甲"]],
    ),
    "struct of dictionary": (
        pa.struct([("d", pa.dictionary(pa.int32(), pa.string()))]),
        [{"d": "甲"}, {"d": None}],
    ),
    "run_end_encoded": (pa.run_end_encoded(pa.int32(), pa.string()), ["甲", "甲", "乙"]),
}


#: Types that Parquet has no place for.
NOT_IN_PARQUET = {"month_day_nano"}


def column(name: str) -> pa.ChunkedArray:
    """Values with a null now and then, in chunks; each chunk has a dictionary of its own."""
    kind, values = TYPES[name]
    values = [None if i % 5 == 3 else values[i % len(values)] for i in range(ROWS)]
    chunks = [values[:1], values[1:100], values[100:101], [], values[101:200], values[200:][::-1]]
    if pa.types.is_dictionary(kind):
        arrays = [
            pa.array(chunk, kind.value_type).dictionary_encode().cast(kind) for chunk in chunks
        ]
    elif pa.types.is_run_end_encoded(kind):
        arrays = [pa.compute.run_end_encode(pa.array(c, kind.value_type)) for c in chunks]
    else:
        arrays = [pa.array(chunk, kind) for chunk in chunks]
    return pa.chunked_array(arrays, kind)


def as_table(table: pa.Table, _: Path) -> tuple[Any, pa.Table]:
    return table, table


def as_stream(table: pa.Table, _: Path) -> tuple[Any, pa.Table]:
    return table.to_reader(max_chunksize=37), table


def as_ipc(table: pa.Table, folder: Path) -> tuple[Any, pa.Table]:
    path = folder / "in.arrow"
    with pa.ipc.new_file(path, table.schema, options=UNIFIED) as writer:
        writer.write_table(table)
    return path, table


def as_ipc_stream(table: pa.Table, folder: Path) -> tuple[Any, pa.Table]:
    path = folder / "in.arrows"
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
    return path, table


def as_parquet(table: pa.Table, folder: Path) -> tuple[Any, pa.Table]:
    path = folder / "in.parquet"
    try:
        pq.write_table(table, path, row_group_size=64)
    except pa.ArrowNotImplementedError:
        pytest.skip("Parquet has no such type")
    return path, pq.read_table(path)


UNIFIED = pa.ipc.IpcWriteOptions(unify_dictionaries=True)
SOURCES = [as_table, as_stream, as_ipc, as_ipc_stream, as_parquet]


def untold(schema: pa.Schema) -> pa.Schema:
    """Return a schema without what made its rows."""
    found = dict(schema.metadata or {})
    found.pop(b"fastsample.provenance", None)
    return schema.with_metadata(found or None)


def same(left: pa.Table, right: pa.Table) -> bool:
    """Compare schemas and values; equal values may be laid out differently."""
    assert untold(left.schema).equals(untold(right.schema), check_metadata=True)
    return bool(left.to_pylist() == right.to_pylist())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", TYPES)
def test_type(name: str, source: Callable[..., tuple[Any, pa.Table]], tmp_path: Path) -> None:
    table = pa.table({"id": pa.array(range(ROWS), pa.int32()), "列": column(name)})
    given, whole = source(table, tmp_path)
    sample = fastsample.sample(given, N)
    ids = set(sample.row_ids.tolist())
    rows = [row for row in whole.to_pylist() if row["id"] in ids]
    expected_type = table.schema.field("列").type

    taken = sample.to_arrow()
    assert sample.schema == taken.schema
    assert taken.to_pylist() == rows
    assert taken.schema.field("列").type == (
        expected_type if source is not as_parquet else pq_type(tmp_path / "in.parquet")
    )
    assert [sample[i] for i in range(N)] == rows

    sample.write_ipc(tmp_path / "out.arrow")
    with pa.ipc.open_file(tmp_path / "out.arrow") as reader:
        assert same(reader.read_all(), taken)

    if name in NOT_IN_PARQUET:
        with pytest.raises(fastsample.OutputError, match="Parquet can't hold this data"):
            sample.write_parquet(tmp_path / "out.parquet")
        return
    sample.write_parquet(tmp_path / "out.parquet")
    ours = pq.read_table(tmp_path / "out.parquet")
    try:
        pq.write_table(taken, tmp_path / "theirs.parquet")
    except pa.ArrowNotImplementedError:
        assert ours["id"].to_pylist() == sample.row_ids.tolist()
        return
    theirs = pq.read_table(tmp_path / "theirs.parquet")
    assert ours.schema.types == theirs.schema.types
    assert ours.to_pylist() == theirs.to_pylist()


def pq_type(path: Path) -> pa.DataType:
    """Return the type that was written, from the Arrow schema in the footer."""
    return fastsample.sample(path, 1).schema.field("列").type


@pytest.mark.parametrize("name", TYPES)
def test_shuffled_rows_keep_their_type(name: str, tmp_path: Path) -> None:
    table = pa.table({"id": pa.array(range(ROWS), pa.int32()), "列": column(name)})
    sample = fastsample.sample(table, N)
    rows = sorted(sample.to_arrow().to_pylist(), key=lambda row: row["id"])
    for limit in (None, 1):
        sample.write_ipc(tmp_path / "out.arrow", shuffle=True, memory_limit=limit)
        with pa.ipc.open_file(tmp_path / "out.arrow") as reader:
            shuffled = reader.read_all()
        assert shuffled.schema == table.schema
        assert sorted(shuffled.to_pylist(), key=lambda row: row["id"]) == rows
        assert shuffled["id"].to_pylist() != [row["id"] for row in rows]


def outgrown() -> tuple[fastsample.Sample, list[str]]:
    """Two batches with 8-bit keys, each with a dictionary that fits; both together don't."""
    kind = pa.dictionary(pa.int8(), pa.string())
    halves = [[f"{half}{i}" for i in range(100)] for half in "ab"]
    chunks = [pa.array(half).dictionary_encode().cast(kind) for half in halves]
    return fastsample.sample(pa.table({"d": pa.chunked_array(chunks)}), 200), halves[0] + halves[1]


def test_dictionaries_may_not_fit_into_one() -> None:
    sample, values = outgrown()
    assert sample.to_arrow()["d"].to_pylist() == values


def test_an_arrow_file_has_one_dictionary(tmp_path: Path) -> None:
    sample, _ = outgrown()
    with pytest.raises(fastsample.SchemaError, match=r'"d".*distinct values'):
        sample.write_ipc(tmp_path / "out.arrow")
    assert not list(tmp_path.iterdir())


def test_a_parquet_file_that_is_written_can_be_read(tmp_path: Path) -> None:
    sample, values = outgrown()
    try:
        sample.write_parquet(tmp_path / "out.parquet")
    except fastsample.SchemaError:
        return
    assert fastsample.sample(tmp_path / "out.parquet", 200).to_arrow()["d"].to_pylist() == values


# Metadata.


def described() -> pa.Table:
    text = pa.field("text", pa.string(), nullable=False, metadata={"unit": "字"})
    inner = pa.field("item", pa.int32(), nullable=False, metadata={"deep": "yes"})
    fields = [text, pa.field("list", pa.list_(inner))]
    schema = pa.schema(fields, metadata={"made by": "测试", "empty": ""})
    return pa.table([[f"t{i}" for i in range(ROWS)], [[i, 1] for i in range(ROWS)]], schema)


@pytest.mark.parametrize("source", SOURCES)
def test_metadata_and_nullability_are_kept(
    source: Callable[..., tuple[Any, pa.Table]], tmp_path: Path
) -> None:
    given, whole = source(described(), tmp_path)
    sample = fastsample.sample(given, N)
    assert sample.schema.metadata == {b"made by": "测试".encode(), b"empty": b""}
    assert sample.schema.field("text").metadata[b"unit"] == "字".encode()
    assert not sample.schema.field("text").nullable
    assert not sample.schema.field("list").type.value_field.nullable
    assert sample.schema.field("list").type.value_field.metadata[b"deep"] == b"yes"
    assert sample.to_arrow().schema.equals(sample.schema, check_metadata=True)

    sample.write_ipc(tmp_path / "out.arrow")
    with pa.ipc.open_file(tmp_path / "out.arrow") as reader:
        assert untold(reader.schema).equals(sample.schema, check_metadata=True)
    sample.write_parquet(tmp_path / "out.parquet")
    written = pq.read_table(tmp_path / "out.parquet")
    assert untold(written.schema).metadata == sample.schema.metadata
    assert written.schema.field("text").metadata[b"unit"] == "字".encode()
    assert not written.schema.field("text").nullable
    assert not written.schema.field("list").type.value_field.nullable
    assert written.equals(whole.take(sample.row_ids))


@pytest.mark.parametrize("shuffle", [False, True])
def test_metadata_of_chosen_columns_is_kept(shuffle: bool, tmp_path: Path) -> None:
    sample = fastsample.sample(described(), N, columns=["list"])
    sample.write_parquet(tmp_path / "out.parquet", shuffle=shuffle)
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert schema.names == ["list"]
    assert schema.metadata[b"made by"] == "测试".encode()


@pytest.mark.parametrize("columns", [["id", "list", "text"], ["text"], ["text", "id"]])
@pytest.mark.parametrize("source", SOURCES)
def test_columns_come_in_the_order_asked_for(
    source: Callable[..., tuple[Any, pa.Table]], columns: list[str], tmp_path: Path
) -> None:
    given, whole = source(described().append_column("id", [list(range(ROWS))]), tmp_path)
    sample = fastsample.sample(given, N, columns=columns)
    assert sample.to_arrow().equals(whole.select(columns).take(sample.row_ids))


def test_pandas_index(tmp_path: Path) -> None:
    plain = pd.DataFrame({"x": range(ROWS)})
    named = plain.set_index(pd.Index([f"行{i}" for i in range(ROWS)], name="名"))
    for frame, is_range in ((plain, True), (named, False)):
        frame.to_parquet(tmp_path / "in.parquet")
        for source in (frame, tmp_path / "in.parquet"):
            sample = fastsample.sample(source, N)
            sample.write_parquet(tmp_path / "out.parquet")
            chosen = frame.iloc[sample.row_ids.astype(int)]
            expected = chosen.reset_index(drop=True) if is_range else chosen
            read = pd.read_parquet(tmp_path / "out.parquet")
            pd.testing.assert_frame_equal(read, expected)
            pd.testing.assert_frame_equal(sample.to_pandas(), expected)


def test_hugging_face_features(tmp_path: Path) -> None:
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["坏", "好"]),
            "tokens": datasets.List(datasets.Value("int32")),
        }
    )
    rows = {
        "text": [f"t{i}" for i in range(ROWS)],
        "label": [i % 2 for i in range(ROWS)],
        "tokens": [[i] * (i % 3) for i in range(ROWS)],
    }
    dataset = datasets.Dataset.from_dict(rows, features)
    dataset.to_parquet(tmp_path / "in.parquet")
    for source in (dataset, tmp_path / "in.parquet"):
        sample = fastsample.sample(source, N)
        sample.write_parquet(tmp_path / "out.parquet")
        read = datasets.Dataset.from_parquet(
            str(tmp_path / "out.parquet"), cache_dir=str(tmp_path / "cache"), keep_in_memory=True
        )
        assert read.features == features
        assert read.to_list() == dataset.select(sample.row_ids).to_list()


# Batches and row groups without rows.


def with_gaps(table: pa.Table) -> list[pa.RecordBatch]:
    batches = table.to_batches(max_chunksize=50)
    empty = batches[0].slice(0, 0)
    return [empty] + [part for batch in batches for part in (batch, empty, empty)]


@pytest.mark.parametrize("kind", ["table", "stream", "arrow", "arrows", "parquet"])
def test_empty_batches_in_between(kind: str, tmp_path: Path) -> None:
    table = described()
    batches = with_gaps(table)
    path = tmp_path / f"in.{kind}"
    source: Any = path
    if kind == "table":
        source = pa.Table.from_batches(batches)
    elif kind == "stream":
        source = pa.RecordBatchReader.from_batches(table.schema, batches)
    elif kind == "parquet":
        with pq.ParquetWriter(path, table.schema) as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]))
    else:
        new = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with new(path, table.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    sample = fastsample.sample(source, N)
    assert sample.to_arrow().equals(table.take(sample.row_ids))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1]] * 50_000),
        pa.array([[]] * 50_000, pa.list_(pa.string())),
        pa.array([[("a", 1)]] * 50_000, pa.map_(pa.string(), pa.int8())),
        pa.nulls(200_000, pa.list_(pa.int8())),
        pa.nulls(200_000),
        pa.array([{"x": 1}] * 50_000),
    ],
    ids=["lists", "empty lists", "maps", "null lists", "nulls", "structs"],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_many_rows_in_few_bytes(values: pa.Array, version: str, tmp_path: Path) -> None:
    # Run-length encoding makes 50,000 equal lists a page of 100 bytes; that is no damage.
    table = pa.table({"list": values})
    path = write_parquet(table, tmp_path / "in.parquet", data_page_version=version)
    sample = fastsample.sample(path, N)
    assert sample.to_arrow()["list"].to_pylist() == values[:N].to_pylist()


@pytest.mark.parametrize("nested", [False, True])
def test_maps_keep_the_order_of_their_keys(nested: bool, tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.int32(), keys_sorted=True)
    values: list[Any] = [[("a", 1), ("b", None)], [], None] * 5
    if nested:
        kind, values = pa.list_(pa.struct([("m", kind)])), [[{"m": value}] for value in values]
    table = pa.table({"m": pa.array(values, kind), "n": range(15)})
    drawn = fastsample.sample(table, 15)
    path = write_parquet(table, tmp_path / "in.parquet")
    for found in (
        drawn.schema,
        drawn.to_arrow().schema,
        pa.table(drawn).schema,
        drawn.cache().schema,
        fastsample.sample(path, 15).schema,
        fastsample.sample(path, 15).to_arrow().schema,
    ):
        assert "keys_sorted" in str(found.field("m").type)
    assert drawn.to_arrow().to_pylist() == table.to_pylist()
