"""A file that is changed between drawing and reading is noticed, not read as if it were the old."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from fastsample import errors
from lines_made import zstd

ROWS = 20_000


def save(path: Path, first: int = 0) -> None:
    ids = range(first, first + ROWS)
    table = pa.table({"id": ids, "text": [f"row {i} " * 5 for i in ids]})
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=2000)
        return
    rows = table.to_pylist()
    if ".jsonl" in path.name or ".csv" in path.name:
        lines = [json.dumps(row) for row in rows]
        if ".csv" in path.name:
            lines = ["id,text", *(f"{row['id']},{row['text']}" for row in rows)]
        data = "".join(line + "\n" for line in lines).encode()
        compress = {".gz": gzip.compress, ".zst": zstd}.get(path.suffix, bytes)
        path.write_bytes(compress(data))
        return
    new = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with new(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2000)


def replace(path: Path) -> None:
    """Rename another file of the same length over it."""
    other = path.with_name("other." + path.name.partition(".")[2])
    save(other, first=1)
    other.rename(path)


def replace_same_times(path: Path) -> None:
    """As `replace`, and copy the times, as `cp -p` and `rsync` do."""
    before = path.stat()
    replace(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def overwrite(path: Path) -> None:
    save(path, first=1)


def overwrite_in_place(path: Path) -> None:
    """Change some bytes without any change of length."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\0" * 100)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


CHANGES = [replace, replace_same_times, overwrite, overwrite_in_place, truncate, empty, append]


def to_arrow(drawn: fastsample.Sample, folder: Path) -> object:
    return drawn.to_arrow()


def stream(drawn: fastsample.Sample, folder: Path) -> object:
    return pa.table(drawn)


def rows(drawn: fastsample.Sample, folder: Path) -> object:
    return drawn[0]


def write_parquet(drawn: fastsample.Sample, folder: Path) -> object:
    return drawn.write_parquet(folder / "out.parquet")


def shuffle(drawn: fastsample.Sample, folder: Path) -> object:
    return drawn.write_parquet(folder / "out.parquet", shuffle=True, memory_limit=10_000)


def write_ipc(drawn: fastsample.Sample, folder: Path) -> object:
    return drawn.write_ipc(folder / "out.arrow", shards=2)


READS = [to_arrow, rows, write_parquet, shuffle, write_ipc]

Change = Callable[[Path], None]
Read = Callable[[fastsample.Sample, Path], object]


@pytest.mark.parametrize(
    "suffix", ["parquet", "arrow", "arrows", "jsonl", "jsonl.gz", "csv", "csv.zst"]
)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("read", READS)
def test_changed_before_it_is_read(tmp_path: Path, suffix: str, change: Change, read: Read) -> None:
    path = tmp_path / f"data.{suffix}"
    save(path)
    drawn = fastsample.sample(path, 500)
    change(path)
    with pytest.raises(errors.SourceChangedError) as caught:
        read(drawn, tmp_path)
    assert isinstance(caught.value, OSError)
    assert str(path) in str(caught.value)
    assert "draw the sample again" in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_before_it_is_streamed(tmp_path: Path, change: Change) -> None:
    path = tmp_path / "data.parquet"
    save(path)
    drawn = fastsample.sample(path, 500)
    change(path)
    with pytest.raises(OSError, match="draw the sample again") as caught:
        pa.table(drawn)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_while_it_is_streamed(tmp_path: Path, change: Change) -> None:
    """What was read before the change is right, or an error comes; other rows never do."""
    path = tmp_path / "data.parquet"
    save(path)
    drawn = fastsample.sample(path, ROWS, threads=1)
    reader = pa.RecordBatchReader.from_stream(drawn)
    ids = reader.read_next_batch()["id"].to_pylist()
    change(path)
    try:
        for batch in reader:
            ids += batch["id"].to_pylist()
    except OSError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert len(ids) == ROWS
    assert ids == list(range(len(ids)))


@pytest.mark.parametrize("read", READS)
def test_removed(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "data.parquet"
    save(path)
    drawn = fastsample.sample(path, 500)
    path.unlink()
    with pytest.raises((errors.SourceNotFoundError, errors.SourceChangedError), match=str(path)):
        read(drawn, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", CHANGES)
def test_one_of_many(tmp_path: Path, change: Change) -> None:
    paths = [tmp_path / f"{name}.parquet" for name in "abc"]
    for path in paths:
        save(path)
    drawn = fastsample.sample(paths, 500)
    change(paths[1])
    with pytest.raises(errors.SourceChangedError, match=str(paths[1])):
        drawn.to_arrow()


def test_touched_is_changed_but_what_was_read_stays(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    save(path)
    drawn = fastsample.sample(path, 500)
    table = drawn.to_arrow()
    replace(path)
    assert drawn.to_arrow().equals(table)
    assert pa.table(drawn).equals(table)
