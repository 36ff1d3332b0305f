"""The same rows are drawn whatever their layout, format and container."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import duckdb
import fastparquet
import fastsample
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from data import drawn_ids, plain, stream, texts, write_ipc, write_parquet

N = 700
SEED = 5

Layout = Callable[[pa.Table, Path], Any]


def parquet(**options: Any) -> Layout:
    return lambda table, folder: write_parquet(table, folder / "rows.parquet", **options)


def ipc(codec: str | None, rows: int = 257) -> Layout:
    return lambda table, folder: write_ipc(table, folder / "rows.arrow", codec, rows)


def ipc_stream(table: pa.Table, folder: Path) -> Path:
    path = folder / "rows.arrows"
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return path


def eight_files(table: pa.Table, folder: Path) -> list[Path]:
    rows = -(-table.num_rows // 8)
    return [
        write_parquet(table.slice(i * rows, rows), folder / f"part-{i}.parquet", row_group_size=100)
        for i in range(8)
    ]


def mixed_formats(table: pa.Table, folder: Path) -> list[str]:
    first = write_parquet(table.slice(0, 1000), folder / "z.parquet")
    second = write_ipc(table.slice(1000, 1), folder / "y.feather", "lz4")
    return [str(first), str(second), str(write_ipc(table.slice(1001), folder / "x.arrow"))]


def glob(table: pa.Table, folder: Path) -> str:
    eight_files(table, folder)
    write_parquet(table, folder / "other.parquet")
    return f"{folder}/part-*.parquet"


def nested_folder(table: pa.Table, folder: Path) -> Path:
    (folder / "b" / "c").mkdir(parents=True)
    write_parquet(table.slice(0, 1), folder / "a.parquet")
    write_parquet(table.slice(1, 1500), folder / "b" / "a.parquet")
    write_parquet(table.slice(1501), folder / "b" / "c" / "a.parquet")
    write_parquet(table, folder / ".hidden.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "README.md").touch()
    return folder


def gzip_of_fastparquet(table: pa.Table, folder: Path) -> Path:
    frame = table.to_pandas().astype({"prompt": object, "response": object})
    fastparquet.write(str(folder / "rows.parquet"), frame, compression="GZIP")
    return folder / "rows.parquet"


def chunked(table: pa.Table, _: Path) -> pa.Table:
    starts = range(0, table.num_rows, 113)
    return pa.concat_tables([table.slice(start, 113) for start in starts])


def scanner(table: pa.Table, _: Path) -> ds.Scanner:
    return ds.dataset(table).scanner(batch_size=100)


def dataset_of_files(table: pa.Table, folder: Path) -> ds.Dataset:
    return ds.dataset(eight_files(table, folder))


def views(table: pa.Table, _: Path) -> pa.Table:
    return table.cast(
        pa.schema(
            [("id", pa.int64()), ("prompt", pa.string_view()), ("response", pa.string_view())]
        )
    )


LAYOUTS: dict[str, Layout] = {
    "one row group": parquet(),
    "many row groups": parquet(row_group_size=50),
    "snappy": parquet(compression="snappy"),
    "gzip": parquet(compression="gzip", row_group_size=1000),
    "lz4": parquet(compression="lz4"),
    "brotli": parquet(compression="brotli", row_group_size=999),
    "zstd": parquet(compression="zstd", compression_level=9),
    "no compression": parquet(compression="none"),
    "no dictionary": parquet(use_dictionary=False),
    "byte stream split": parquet(use_dictionary=False, use_byte_stream_split=["id"]),
    "delta encoded": parquet(
        use_dictionary=False,
        column_encoding={
            "id": "DELTA_BINARY_PACKED",
            "prompt": "DELTA_BYTE_ARRAY",
            "response": "DELTA_LENGTH_BYTE_ARRAY",
        },
    ),
    "page index": parquet(write_page_index=True, data_page_size=1024),
    "no page index": parquet(write_page_index=False, data_page_size=1024),
    "data pages v2": parquet(data_page_version="2.0", row_group_size=500),
    "tiny pages": parquet(data_page_size=1, write_batch_size=3, dictionary_pagesize_limit=64),
    "tiny v2 pages, index": parquet(
        data_page_version="2.0", data_page_size=1, write_batch_size=7, write_page_index=True
    ),
    "page checksums": parquet(write_page_checksum=True),
    "no arrow schema": parquet(store_schema=False),
    "fastparquet": gzip_of_fastparquet,
    "list of eight files": eight_files,
    "tuple of eight files": lambda table, folder: tuple(eight_files(table, folder)),
    "folder": lambda table, folder: eight_files(table, folder) and folder,
    "folder with a slash": lambda table, folder: eight_files(table, folder) and f"{folder}/",
    "nested folder": nested_folder,
    "glob": glob,
    "list of mixed formats": mixed_formats,
    "arrow file": ipc(None),
    "arrow file, one batch": ipc(None, 10**9),
    "arrow file, lz4": ipc("lz4"),
    "arrow file, zstd": ipc("zstd"),
    "arrow stream file": ipc_stream,
    "table": lambda table, _: table,
    "chunked table": chunked,
    "sliced table": lambda table, _: pa.concat_tables([table, table]).slice(0, table.num_rows),
    "table of views": views,
    "record batch": lambda table, _: table.combine_chunks().to_batches()[0],
    "stream": lambda table, _: stream(table),
    "stream of one batch": lambda table, _: stream(table, 10**9),
    "stream of single rows": lambda table, _: stream(table, 1),
    "dataset": lambda table, _: ds.dataset(table),
    "dataset of files": dataset_of_files,
    "scanner": scanner,
    "polars": lambda table, _: pl.DataFrame(table),
    "polars, rechunked": lambda table, _: pl.DataFrame(table).rechunk(),
    "pandas": lambda table, _: table.to_pandas(),
    "pandas with arrow types": lambda table, _: table.to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": lambda table, _: duckdb.connect().from_arrow(table),
    "hugging face": lambda table, _: datasets.Dataset(table),
    "hugging face, formatted": lambda table, _: datasets.Dataset(table).with_format("numpy"),
    "hugging face, iterable": lambda table, _: datasets.Dataset(table).to_iterable_dataset(3),
}


@pytest.fixture(scope="module")
def expected(table: pa.Table) -> pa.Table:
    return plain(table.take(drawn_ids(table.num_rows, N, SEED)))


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(
    layout: str, threads: int, table: pa.Table, expected: pa.Table, tmp_path: Path
) -> None:
    sample = fastsample.sample(LAYOUTS[layout](table, tmp_path), N, seed=SEED, threads=threads)
    assert sample.report.rows == table.num_rows
    assert sample.row_ids.tolist() == expected["id"].to_pylist()
    assert plain(sample.to_arrow()).equals(expected)
    assert plain(sample).equals(expected)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_hugging_face_dataset_keeps_its_own_order(table: pa.Table, threads: int) -> None:
    dataset = datasets.Dataset(table).shuffle(seed=1).select(range(100, 2900))
    sample = fastsample.sample(dataset, N, seed=SEED, threads=threads)
    ids = drawn_ids(2800, N, SEED)
    assert sample.row_ids.tolist() == ids
    assert plain(sample).equals(plain(table.take(dataset.with_format("arrow")[:]["id"]).take(ids)))


# Row groups above 96 MiB are shared out between threads at page limits.


def large_text() -> pa.Table:
    rows = 70_000
    text = texts(rows, 560.0, np.random.default_rng(3))
    return pa.table({"id": range(rows), "text": pa.array(text, pa.large_string())})


@pytest.fixture(scope="module")
def large() -> pa.Table:
    table = large_text()
    assert table.nbytes > 110 << 20
    return table


SMALL_PAGES = {"data_page_size": 64 << 10, "compression": "lz4", "use_dictionary": False}

LARGE: dict[str, dict[str, Any]] = {
    "small pages": SMALL_PAGES,
    "small pages, index": {**SMALL_PAGES, "write_page_index": True},
    "small pages, v2": {**SMALL_PAGES, "data_page_version": "2.0"},
    "unequal pages": {**SMALL_PAGES, "data_page_size": 20 << 20},
    "dictionary": {"compression": "lz4", "use_dictionary": True},
    "huge pages": {**SMALL_PAGES, "data_page_size": 1 << 30},
}


@pytest.mark.parametrize("pages", LARGE)
def test_a_large_row_group(pages: str, large: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(large, tmp_path / "large.parquet", row_group_size=10**6, **LARGE[pages])
    group = pq.read_metadata(path).row_group(0)
    assert group.num_rows == large.num_rows
    assert group.total_byte_size > 96 << 20
    for n in (100, 20_000, large.num_rows):
        sample = fastsample.sample(path, n, threads=2)
        assert sample.to_arrow().equals(large.take(sample.row_ids))


def test_a_large_row_group_of_one_page(large: pa.Table, tmp_path: Path) -> None:
    frame = large.to_pandas().astype({"text": object})
    fastparquet.write(str(tmp_path / "large.parquet"), frame, compression="LZ4")
    assert pq.read_metadata(tmp_path / "large.parquet").num_row_groups == 1
    sample = fastsample.sample(tmp_path / "large.parquet", 20_000, threads=2)
    assert plain(sample).equals(plain(large.take(sample.row_ids)))


@pytest.mark.parametrize("index", [False, True])
def test_a_large_row_group_with_lists(index: bool, large: pa.Table, tmp_path: Path) -> None:
    texts = large["text"].to_pylist()
    halves = pa.array([[text[: len(text) // 2], None, text[len(text) // 2 :]] for text in texts])
    nested = large.select(["id"]).append_column("halves", halves)
    path = tmp_path / "large.parquet"
    write_parquet(nested, path, row_group_size=10**6, write_page_index=index, **SMALL_PAGES)
    sample = fastsample.sample(path, 20_000, threads=2)
    assert sample.to_arrow().equals(nested.take(sample.row_ids))
