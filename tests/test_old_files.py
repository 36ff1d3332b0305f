"""Files of old and of other writers, which pyarrow reads: they are read, or refused by name."""

from __future__ import annotations

from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import thrift
from fastsample import errors
from pyarrow.ipc import IpcWriteOptions, MetadataVersion
from thrift import FALSE, Value, column, element, group, i32, one_column, page


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("version", [MetadataVersion.V4, MetadataVersion.V5])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("codec", [None, "zstd"])
def test_ipc_of_every_version(
    tmp_path: Path, codec: str | None, stream: bool, version: MetadataVersion, legacy: bool
) -> None:
    words = pa.array(["a", "b", None] * 40).dictionary_encode()
    table = pa.table({"id": range(120), "text": [f"人{i}" for i in range(120)], "word": words})
    options = IpcWriteOptions(metadata_version=version, use_legacy_format=legacy, compression=codec)
    path = tmp_path / "data.arrow"
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=50)
    assert fastsample.sample(path, 120).to_arrow().to_pylist() == table.to_pylist()


def test_more_than_32767_row_groups(tmp_path: Path) -> None:
    rows, path = 70_001, tmp_path / "many.parquet"
    numbers = pa.array(range(rows), pa.int32())
    pq.write_table(pa.table({"id": numbers}), path, row_group_size=2, compression="none")
    assert pq.read_metadata(path).num_row_groups == 35_001
    drawn = fastsample.sample(path, 500)
    assert drawn.to_arrow()["id"].to_pylist() == drawn.row_ids.tolist()
    assert fastsample.inspect(path, lengths=False).rows == rows


def plain(values: list[bytes]) -> bytes:
    return b"".join(len(value).to_bytes(4, "little") + value for value in values)


@pytest.mark.parametrize("more", [{}, {"scale": 0}, {"scale": 3, "precision": 9}])
@pytest.mark.parametrize("converted", [24, 22, 99, -1])
def test_unknown_converted_type(tmp_path: Path, converted: int, more: dict[str, int]) -> None:
    """fastparquet writes 24 for a column of nulls; it says nothing of how values are stored."""  # noqa: D403
    path = tmp_path / "data.parquet"
    levels = bytes([3 << 1, 0])
    body = len(levels).to_bytes(4, "little") + levels
    pages = page(len(body), len(body), values=3) + body
    path.write_bytes(one_column(pages, 3, physical=2, repetition=1, converted=converted, **more))
    assert fastsample.sample(path, 3).to_arrow()["x"].to_pylist() == [None] * 3
    if converted == 24:
        assert pq.read_table(path)["x"].to_pylist() == [None] * 3


@pytest.mark.parametrize(
    ("writer", "compressed"),
    [("parquet-cpp version 1.5.1-SNAPSHOT", True), ("parquet-cpp version 2.0.0", False)],
)
def test_pages_that_deny_their_compression(tmp_path: Path, writer: str, compressed: bool) -> None:
    """parquet-cpp before 2.0.0 compressed pages of version 2 and wrote that it did not."""
    values = plain([b"one", b"two", b"three"])
    body = pa.Codec("zstd").compress(values, asbytes=True) if compressed else values
    data = {1: i32(3), 2: i32(0), 3: i32(3), 4: i32(0), 5: i32(0), 6: i32(0), 7: Value(FALSE, b"")}
    header = {1: i32(3), 2: i32(len(values)), 3: i32(len(body)), 8: thrift.struct(data)}
    pages = thrift.struct(header).data + body
    elements = [element("schema", children=1), element("x", type=6, repetition=0)]
    chunk = column(4, len(pages), 3, codec=6)
    footer = thrift.footer(elements, [group([chunk], 3)], 3, more={6: thrift.text(writer)})
    path = tmp_path / "data.parquet"
    path.write_bytes(thrift.parquet(pages, footer))
    assert pq.read_table(path)["x"].to_pylist() == [b"one", b"two", b"three"]
    assert fastsample.sample(path, 3).to_arrow()["x"].to_pylist() == [b"one", b"two", b"three"]


def test_dictionary_at_offset_zero(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pages = page(24, 24, values=3) + (7).to_bytes(8, "little") * 3
    elements = [element("schema", children=1), element("x", type=2, repetition=0)]
    chunk = column(4, len(pages), 3, physical=2, dictionary=0)
    path.write_bytes(thrift.parquet(pages, thrift.footer(elements, [group([chunk], 3)], 3)))
    assert fastsample.sample(path, 3).to_arrow()["x"].to_pylist() == [7, 7, 7]


def test_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    footer = thrift.footer([element("schema", children=0)], [group([], 5)], 5)
    path.write_bytes(thrift.parquet(b"", footer))
    with pytest.raises(errors.UnsupportedDataError, match="no columns"):
        fastsample.sample(path, 1)


def test_group_without_columns(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    elements = [
        element("schema", children=2),
        element("x", type=2, repetition=0),
        element("nothing", repetition=1, children=0),
    ]
    path.write_bytes(thrift.parquet(b"", thrift.footer(elements, [], 0)))
    with pytest.raises(errors.UnsupportedDataError, match='"nothing" is a group without columns'):
        fastsample.sample(path, 1)


def test_rows_in_other_files(tmp_path: Path) -> None:
    """A `_metadata` file lists row groups of other files."""
    table = pa.table({"x": range(10)})
    found: list[pq.FileMetaData] = []
    pq.write_to_dataset(table, tmp_path / "data", metadata_collector=found)
    metadata = tmp_path / "data" / "_metadata"
    pq.write_metadata(table.schema, metadata, metadata_collector=found)
    with pytest.raises(errors.UnsupportedDataError, match="other files"):
        fastsample.sample(metadata, 1)
    assert fastsample.sample(tmp_path / "data", 10).to_arrow()["x"].to_pylist() == list(range(10))


@pytest.mark.parametrize(("schema", "stored"), [(1, 2), (2, 1), (5, 2), (6, 7)])
def test_chunk_of_another_type(tmp_path: Path, schema: int, stored: int) -> None:
    path = tmp_path / "data.parquet"
    pages = page(80, 80, values=10) + bytes(80)
    elements = [element("schema", children=1), element("x", type=schema, repetition=0)]
    chunk = column(4, len(pages), 10, physical=stored)
    path.write_bytes(thrift.parquet(pages, thrift.footer(elements, [group([chunk], 10)], 10)))
    with pytest.raises(errors.CorruptDataError, match=f"type {stored}.*schema says {schema}"):
        fastsample.sample(path, 1)
