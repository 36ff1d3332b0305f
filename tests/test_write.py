"""Writing samples: options, shards, random order, and files that other tools read."""

import os
from pathlib import Path
from typing import Any

import fastparquet
import fastsample
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from data import drawn_ids, mean_chars, plain, quantile_999, stream, write_parquet

N = 1500


@pytest.fixture
def sample(table: pa.Table) -> fastsample.Sample:
    return fastsample.sample(table, N)


@pytest.fixture(scope="module")
def expected(table: pa.Table) -> pa.Table:
    return table.take(drawn_ids(table.num_rows, N, 42)).combine_chunks()


def read_ipc(path: Path) -> pa.Table:
    with pa.ipc.open_file(path) as reader:
        return reader.read_all()


def codecs(path: Path) -> set[str]:
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return {group.column(c).compression for group in groups for c in range(group.num_columns)}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("zstd", "ZSTD"),
        ("snappy", "SNAPPY"),
        ("gzip", "GZIP"),
        ("lz4", "LZ4"),
        ("brotli", "BROTLI"),
        ("none", "UNCOMPRESSED"),
    ],
)
def test_compression(
    name: str, written: str, sample: fastsample.Sample, expected: pa.Table, tmp_path: Path
) -> None:
    sample.write_parquet(tmp_path / "out.parquet", compression=name)
    assert codecs(tmp_path / "out.parquet") == {written}
    assert pq.read_table(tmp_path / "out.parquet").equals(expected)


@pytest.mark.parametrize(("name", "low", "high"), [("zstd", 1, 19), ("gzip", 1, 9)])
def test_compression_level(
    name: str, low: int, high: int, sample: fastsample.Sample, tmp_path: Path
) -> None:
    sizes = [
        sample.write_parquet(
            tmp_path / "out.parquet", compression=name, compression_level=level
        ).bytes
        for level in (low, high)
    ]
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zip"},
        {"compression": "zstd", "compression_level": 23},
        {"compression": "snappy", "compression_level": 1},
        {"compression": "gzip", "compression_level": -1},
        {"row_group_size": 0},
        {"shards": 0},
        {"shards": N + 1},
    ],
)
def test_bad_options_are_refused(
    options: dict[str, Any], sample: fastsample.Sample, tmp_path: Path
) -> None:
    with pytest.raises(fastsample.ArgumentError):
        sample.write_parquet(tmp_path / "out.parquet", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
def test_arrow_files(
    codec: str, sample: fastsample.Sample, expected: pa.Table, tmp_path: Path
) -> None:
    report = sample.write_ipc(tmp_path / "out.arrow", compression=codec)
    assert read_ipc(tmp_path / "out.arrow").equals(expected)
    assert report.rows == N
    if codec == "none":
        with pa.memory_map(str(tmp_path / "out.arrow")) as file:
            before = pa.total_allocated_bytes()
            mapped = pa.ipc.open_file(file).read_all()
            assert mapped.equals(expected)
            # Nothing was copied. Garbage of other tests may go away meanwhile.
            assert pa.total_allocated_bytes() - before < mapped.nbytes / 10


@pytest.mark.parametrize("size", [1, 7, 500, 1499, 1500, 1501])
def test_row_groups_have_exactly_the_size_asked_for(
    size: int, sample: fastsample.Sample, expected: pa.Table, tmp_path: Path
) -> None:
    sample.write_parquet(tmp_path / "out.parquet", row_group_size=size)
    metadata = pq.read_metadata(tmp_path / "out.parquet")
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sizes == [size] * (N // size) + [N % size] * (N % size > 0)
    assert pq.read_table(tmp_path / "out.parquet").equals(expected)


def test_row_groups_are_large_by_default(tmp_path: Path) -> None:
    rows = 300_000
    fastsample.sample(pa.table({"x": range(rows)}), rows).write_parquet(tmp_path / "out.parquet")
    metadata = pq.read_metadata(tmp_path / "out.parquet")
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sizes == [131_072, 131_072, 37_856]


def test_the_page_index_is_written(sample: fastsample.Sample, tmp_path: Path) -> None:
    sample.write_parquet(tmp_path / "out.parquet")
    column = pq.read_metadata(tmp_path / "out.parquet").row_group(0).column(1)
    assert column.has_offset_index
    assert column.has_column_index
    assert column.is_stats_set


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_shards(
    kind: str, shuffle: bool, sample: fastsample.Sample, expected: pa.Table, tmp_path: Path
) -> None:
    write = sample.write_parquet if kind == "parquet" else sample.write_ipc
    read = pq.read_table if kind == "parquet" else read_ipc
    report = write(tmp_path / f"out.{kind}", shards=7, shuffle=shuffle)
    names = [f"out-0000{i}-of-00007.{kind}" for i in range(7)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert [file.path.name for file in report.files] == names
    assert [file.rows for file in report.files] == [215, 215, 214, 214, 214, 214, 214]
    assert [file.bytes for file in report.files] == [f.path.stat().st_size for f in report.files]
    together = pa.concat_tables([read(file.path) for file in report.files])
    write(tmp_path / "one", shuffle=shuffle)
    assert together.equals(read(tmp_path / "one"))
    assert together.sort_by("id").equals(expected)


def test_report(sample: fastsample.Sample, expected: pa.Table, tmp_path: Path) -> None:
    report = sample.write_parquet(tmp_path / "out.parquet")
    size = (tmp_path / "out.parquet").stat().st_size
    file = fastsample.WrittenFile(tmp_path / "out.parquet", N, size)
    assert report.files == (file,)
    assert (report.rows, report.bytes) == (N, size)
    assert report.mean_chars == pytest.approx(
        {name: mean_chars(expected[name]) for name in ("prompt", "response")}
    )
    assert 0 < report.seconds < 10


def test_an_existing_file_is_kept_on_request(sample: fastsample.Sample, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    path.write_text("precious")
    with pytest.raises(fastsample.OutputError, match="exists"):
        sample.write_parquet(path, overwrite=False)
    assert path.read_text() == "precious"
    sample.write_parquet(path)
    assert pq.read_metadata(path).num_rows == N
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]


def test_an_existing_shard_is_kept_on_request(sample: fastsample.Sample, tmp_path: Path) -> None:
    path = tmp_path / "out-00002-of-00003.parquet"
    path.write_text("precious")
    with pytest.raises(fastsample.OutputError, match="exists"):
        sample.write_parquet(tmp_path / "out.parquet", shards=3, overwrite=False)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_have_the_permissions_of_any_new_file(
    umask: int, mode: int, sample: fastsample.Sample, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        sample.write_parquet(tmp_path / "out.parquet")
        sample.write_ipc(tmp_path / "out.arrow")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {mode}


def test_other_tools_read_it(sample: fastsample.Sample, expected: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "输出 1.parquet"
    sample.write_parquet(path)
    assert pq.read_table(path).equals(expected)
    pd.testing.assert_frame_equal(pd.read_parquet(path), expected.to_pandas())
    assert plain(pl.read_parquet(path)).equals(plain(expected))
    with path.open("rb") as file:
        frame = fastparquet.ParquetFile(file).to_pandas()
    texts = expected["prompt"].to_pylist()
    assert [None if pd.isna(text) else text for text in frame["prompt"]] == texts
    assert frame["id"].tolist() == expected["id"].to_pylist()


# Random order.


@pytest.mark.parametrize("memory_limit", [None, 1, 20_000, 100_000])
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_random_order_does_not_depend_on_threads_or_memory(
    threads: int, memory_limit: int | None, table: pa.Table, expected: pa.Table, tmp_path: Path
) -> None:
    sample = fastsample.sample(table, N, threads=threads)
    sample.write_parquet(tmp_path / "out.parquet", shuffle=True, memory_limit=memory_limit)
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]
    shuffled = pq.read_table(tmp_path / "out.parquet")
    assert shuffled.sort_by("id").equals(expected)
    fastsample.sample(stream(table), N).write_ipc(tmp_path / "reference.arrow", shuffle=True)
    assert shuffled.equals(read_ipc(tmp_path / "reference.arrow"))


@pytest.mark.parametrize("n", [1, 2, 3, 50, 1023, 1024, 1025])
def test_few_rows_in_random_order_and_little_memory(
    n: int, table: pa.Table, tmp_path: Path
) -> None:
    sample = fastsample.sample(table, n)
    sample.write_parquet(tmp_path / "out.parquet", shuffle=True, memory_limit=1)
    ids = pq.read_table(tmp_path / "out.parquet")["id"].to_pylist()
    assert sorted(ids) == sample.row_ids.tolist()


def test_the_random_order_differs_by_seed(table: pa.Table, tmp_path: Path) -> None:
    orders = set()
    for seed in range(20):
        sample = fastsample.sample(table, table.num_rows, seed=seed)
        sample.write_ipc(tmp_path / "out.arrow", shuffle=True)
        orders.add(tuple(read_ipc(tmp_path / "out.arrow")["id"].to_pylist()))
    assert len(orders) == 20


def test_every_row_is_equally_likely_at_every_position(tmp_path: Path) -> None:
    # Counts of (row, position) over S random permutations of m rows: row and column sums are
    # fixed, entries have mean S/m, and sum of (c - S/m)^2 * (m-1)/S is chi-square with (m-1)^2
    # degrees of freedom. All rows are drawn, so that the draw has no part in it.
    rows, seeds = 12, 600
    source = pa.table({"x": pa.array(range(rows), pa.int8())})
    counts = np.zeros((rows, rows))
    for seed in range(seeds):
        sample = fastsample.sample(source, rows, seed=seed, threads=1)
        sample.write_ipc(tmp_path / "out.arrow", shuffle=True)
        counts[read_ipc(tmp_path / "out.arrow")["x"].to_numpy(), range(rows)] += 1
    chi_square = np.sum((counts - seeds / rows) ** 2) * (rows - 1) / seeds
    degrees = (rows - 1) ** 2
    assert degrees / 2 < chi_square < quantile_999(degrees)


# Several files with different columns.


def test_files_with_other_column_orders_and_missing_columns(tmp_path: Path) -> None:
    text = pa.field("text", pa.string())
    first = pa.table(
        [range(100), [f"a{i}" for i in range(100)]], pa.schema([("id", pa.int8()), text])
    )
    second = pa.table(
        {"text": [f"b{i}" for i in range(100)], "id": pa.array(range(100), pa.int8())}
    )
    third = pa.table({"id": pa.array(range(100), pa.int8()), "extra": [i / 2 for i in range(100)]})
    tables = [first, second, third]
    paths = [write_parquet(t, tmp_path / f"{i}.parquet") for i, t in enumerate(tables)]
    sample = fastsample.sample(paths, 200)
    whole = pa.concat_tables(tables, promote_options="default")
    assert sample.schema.names == ["id", "text", "extra"]
    assert sample.to_arrow().equals(whole.take(sample.row_ids))
    sample.write_parquet(tmp_path / "out.parquet", shuffle=True)
    assert pq.read_table(tmp_path / "out.parquet").sort_by("id").num_rows == 200


def test_files_with_other_layouts_of_text(tmp_path: Path) -> None:
    kinds = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
    values = [f"字{i}" for i in range(100)]
    for i, kind in enumerate(kinds):
        table = pa.table({"text": pa.array(values).cast(kind)})
        write_parquet(table, tmp_path / f"{i}.parquet")
    sample = fastsample.sample(tmp_path, 300)
    assert sample.schema.field("text").type == pa.large_string()
    assert sample.to_arrow()["text"].to_pylist() == values * 3


# Much text.


@pytest.mark.slow
def test_more_than_2_gib_of_text(tmp_path: Path) -> None:
    # 290 rows that share one text of 8 MiB: small on disk, too much for 32-bit offsets in memory.
    size = 8 << 20
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 290, pa.int32()), ["a" * size])
    table = pa.table({"id": range(290), "text": text})
    options = {"store_schema": False, "dictionary_pagesize_limit": 2 * size}
    sample = fastsample.sample(write_parquet(table, tmp_path / "in.parquet", **options), 280)
    taken = sample.to_arrow()
    assert taken.schema.field("text").type == pa.string()
    assert taken["text"].num_chunks > 1
    assert pc.unique(pc.binary_length(taken["text"])).to_pylist() == [size]
    assert taken["id"].to_pylist() == sample.row_ids.tolist()


@pytest.mark.parametrize("writer", ["write_parquet", "write_ipc"])
@pytest.mark.parametrize("ending", [".csv", ".tsv.zst", ".json", ".JSONL.gz", ".ndjson"])
def test_a_name_of_another_format_is_refused(
    table: pa.Table, tmp_path: Path, writer: str, ending: str
) -> None:
    drawn = fastsample.sample(table, 5)
    with pytest.raises(fastsample.ArgumentError, match=r"Parquet files end in \.parquet"):
        getattr(drawn, writer)(tmp_path / f"out{ending}")
    assert not list(tmp_path.glob("*.*"))


def test_a_name_that_ends_in_arrows_gets_the_streaming_format(
    table: pa.Table, tmp_path: Path
) -> None:
    drawn = fastsample.sample(table, 50)
    drawn.write_ipc(tmp_path / "out.arrows")
    with pa.OSFile(str(tmp_path / "out.arrows")) as file:
        assert pa.ipc.open_stream(file).read_all().equals(drawn.to_arrow())
    drawn.write_ipc(tmp_path / "out.arrow")
    with pa.OSFile(str(tmp_path / "out.arrow")) as file:
        assert pa.ipc.open_file(file).read_all().equals(drawn.to_arrow())
