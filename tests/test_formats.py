"""The same rows in every format give the same draws, for any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import fastsample
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import write_ipc
from lines_made import (
    ROWS,
    Row,
    chats,
    fast_gzip,
    flat,
    in_parts,
    lines,
    written_csv,
    zstd,
)
from tokenizers_made import make

N, SEED = 900, 5

#: Files of JSON Lines, by ending: what is made of the lines.
JSONL: dict[str, Callable[[bytes], bytes]] = {
    "jsonl": lambda data: data,
    "ndjson": lambda data: data.replace(b"\n", b"\r\n\r\n \t\n"),
    "bom.json": lambda data: b"\xef\xbb\xbf" + data.rstrip(b"\n"),
    "jsonl.gz": fast_gzip,
    "parts.jsonl.gz": in_parts(fast_gzip, 1_000_003),
    "zeros.jsonl.gz": lambda data: fast_gzip(data[:100]) + fast_gzip(data[100:]) + bytes(512),
    "jsonl.zst": zstd,
    "parts.jsonl.zst": in_parts(zstd, 3_000_001),
    "small.jsonl.zst": in_parts(zstd, 400_000),
}

#: Files of CSV, by ending.
CSV: dict[str, Callable[[list[Row]], bytes]] = {
    "csv": written_csv,
    "crlf.csv": lambda rows: written_csv(rows, end="\r\n"),
    "bom.csv": lambda rows: b"\xef\xbb\xbf" + written_csv(rows).rstrip(b"\n"),
    "tsv": lambda rows: written_csv(rows, "\t"),
    "csv.gz": lambda rows: fast_gzip(written_csv(rows)),
    "parts.csv.gz": lambda rows: in_parts(fast_gzip, 1_000_003)(written_csv(rows)),
    "csv.zst": lambda rows: in_parts(zstd, 3_000_001)(written_csv(rows)),
    "TSV.ZST": lambda rows: zstd(written_csv(rows, "\t", "\r\n")),
}

#: The formats that are held against each other by every draw; objects are made of the table.
FORMATS = ("parquet", "arrow", "jsonl", "parts.jsonl.gz", "parts.jsonl.zst", "csv", "parts.csv.gz")
OBJECTS: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow": lambda table: table,
    "polars": pl.DataFrame,
}


class Written(NamedTuple):
    """Rows, and the folder that has them in every format that can hold them."""

    folder: Path
    rows: list[Row]
    table: pa.Table

    def endings(self) -> list[str]:
        """Return the endings of all files of lines."""
        return [*JSONL, *(CSV if self.is_flat() else ())]

    def is_flat(self) -> bool:
        """Return whether the rows have no nested columns."""
        return "messages" not in self.rows[0]

    def sources(self) -> dict[str, Any]:
        """Return what the draws are held against each other on."""
        files = [name for name in FORMATS if self.is_flat() or "csv" not in name]
        found: dict[str, Any] = {name: self.folder / f"rows.{name}" for name in files}
        return {**found, **{name: make(self.table) for name, make in OBJECTS.items()}}


@pytest.fixture(scope="module", params=[flat, chats])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("formats")
    rows: list[Row] = request.param()
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, folder / "rows.parquet", row_group_size=1000)
    pq.write_table(table.slice(0, 500), folder / "target.parquet")
    write_ipc(table, folder / "rows.arrow")
    data = lines(rows)
    # Several chunks.
    assert len(data) > 4_400_000
    for ending, file in JSONL.items():
        (folder / f"rows.{ending}").write_bytes(file(data))
    if "messages" not in rows[0]:
        for ending, write in CSV.items():
            (folder / f"rows.{ending}").write_bytes(write(rows))
        # Several files, cut where a row ends.
        (folder / "csv").mkdir()
        for number, at in enumerate(range(0, ROWS, 5000)):
            (folder / "csv" / f"{number}.csv").write_bytes(written_csv(rows[at : at + 5000]))
    make("bert", folder / "tokenizer.json")
    return Written(folder, rows, table)


Draw = Callable[..., Any]

DRAWS: dict[str, Draw] = {
    "uniform": lambda source, _, **how: fastsample.sample(source, N, seed=SEED, **how),
    "smart": lambda source, _, **how: fastsample.sample(source, N, seed=SEED, smart=True, **how),
    "entropy": lambda source, _, **how: fastsample.sample(source, N, smart="entropy", **how),
    "target": lambda source, folder, **how: fastsample.sample(
        source, N, smart=fastsample.Smart(target=folder / "target.parquet"), **how
    ),
    "split": lambda source, _, **how: fastsample.split(source, {"a": 0.8, "b": 0.1}, **how)["b"],
    "budget": lambda source, folder, **how: fastsample.sample(
        source, budget_tokens=20_000, tokenizer=folder / "tokenizer.json", **how
    ),
}


@pytest.mark.parametrize("how", DRAWS)
def test_the_same_rows_are_drawn_from_every_format(written: Written, how: str) -> None:
    expected = None
    for name, source in written.sources().items():
        for threads in (1, 2, 8):
            drawn = DRAWS[how](source, written.folder, threads=threads)
            found = drawn.row_ids.tolist()
            expected = expected or found
            assert found == expected, (name, threads)
        assert drawn.to_arrow().to_pylist() == [written.rows[i] for i in found], name
    assert expected


def test_every_layout_of_lines_gives_the_same_rows(written: Written) -> None:
    """Members, frames, marks, CRLF, blank lines, several files: all rows, and a draw of some."""
    expected = DRAWS["uniform"](written.table, written.folder).row_ids.tolist()
    kind = pq.read_schema(written.folder / "rows.parquet").remove_metadata()
    paths = [written.folder / f"rows.{ending}" for ending in written.endings()]
    for number, path in enumerate(
        [*paths, *([written.folder / "csv"] if written.is_flat() else [])]
    ):
        drawn = DRAWS["uniform"](path, written.folder, threads=(1, 2, 8)[number % 3])
        assert drawn.row_ids.tolist() == expected, path
        table = fastsample.sample(path, ROWS).to_arrow()
        assert table.to_pylist() == written.rows, path
        # JSON has no order of keys that all objects have.
        assert not written.is_flat() or table.schema == kind, path


def test_formats_and_codecs_are_told(written: Written) -> None:
    for ending in written.endings():
        path = written.folder / f"rows.{ending}"
        found = fastsample.inspect(path, lengths=False)
        words = ending.lower().split(".")
        told = next((name for name in ("csv", "tsv") if name in words), "jsonl")
        assert (found.rows, found.files[0].format) == (ROWS, told)
        codecs = {".gz": ("gzip",), ".zst": ("zstd",)}
        assert found.files[0].codecs == codecs.get(path.suffix.lower(), ())


def test_columns(written: Written) -> None:
    names = [*written.rows[0]][::-1][:2]
    for ending in ("jsonl.gz", "csv.gz")[: 1 + written.is_flat()]:
        drawn = fastsample.sample(written.folder / f"rows.{ending}", 50, columns=names)
        wanted = [{name: written.rows[i][name] for name in names} for i in drawn.row_ids]
        assert drawn.to_arrow().to_pylist() == wanted
