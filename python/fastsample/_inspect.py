"""What is in a data set, before anything is drawn from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastsample._checks import check_threads
from fastsample._progress import Callback, reporting
from fastsample._source import SourceLike, open_source

#: Shares of texts that are not longer than the reported quantiles.
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class FileInfo:
    """A file: path (None for a table), format, rows, row groups or batches, bytes, codecs."""

    path: Path | None
    format: str
    rows: int
    row_groups: int
    bytes: int
    codecs: tuple[str, ...]


@dataclass(frozen=True)
class ColumnInfo:
    """A column: its name, its Arrow type, whether it may be null."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class TextLengths:
    """Lengths of a text column in characters (Unicode code points). A null counts as length 0.

    `quantiles` maps a share of the rows to the length that they do not exceed; exact below 4,096
    characters, to within 1/64 above. `histogram` pairs each length that occurs (above 4,096
    characters: the largest of a class 1/64 wide) with the number of its texts.
    """

    nulls: int
    mean: float
    max: int
    quantiles: dict[float, int]
    histogram: tuple[tuple[int, int], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Copies:
    """Rows whose texts all equal those of an earlier row.

    Exact up to 1,048,576 distinct rows; beyond, estimated from that many of them (bottom-k
    sampling by content; Cohen and Kaplan, 2008), to about 0.1 % of the rows.
    """

    rows: int
    share: float
    exact: bool


@dataclass(frozen=True)
class Inspection:
    """What :func:`fastsample.inspect` found."""

    rows: int
    bytes: int
    files: tuple[FileInfo, ...]
    columns: tuple[ColumnInfo, ...]
    text: dict[str, TextLengths]
    #: Lengths of whole rows, all text columns together; None without text or with `lengths=False`.
    row_lengths: TextLengths | None = None
    copies: Copies | None = None

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the lengths of the texts into a PNG or SVG file. Needs the extra ``plot``."""
        from fastsample._plots import plot_lengths

        plot_lengths(self, Path(path).expanduser())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        for file in plain["files"]:
            file["path"] = None if file["path"] is None else str(file["path"])
        for lengths in (*plain["text"].values(), plain["row_lengths"]):
            if lengths is not None:
                del lengths["histogram"]
                lengths["quantiles"] = {str(q): n for q, n in lengths["quantiles"].items()}
        return plain


def inspect(
    source: SourceLike,
    *,
    columns: Sequence[str] | None = None,
    lengths: bool = True,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Inspection:
    """Look at a data set: rows, columns, types, row groups, codecs, sizes, texts, copies.

    Parameters
    ----------
    source
        As in :func:`fastsample.sample`, except for streams that can be read once.
    columns
        Columns to look at. All by default.
    lengths
        Read every text column, for lengths and copies. Without it only footers are read.
    threads, progress
        As in :func:`fastsample.sample`.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> found = fastsample.inspect(pa.table({"prompt": ["你好", "早上好"]}))
    >>> found.rows, found.text["prompt"].max
    (2, 3)
    """
    import pyarrow as pa

    threads = check_threads(threads)
    with reporting(progress, "reading") as callback:
        opened = open_source(source, columns, threads, callback)
        files = tuple(_file(part) for part in opened.parts())
        found = opened.text_statistics(QUANTILES, threads, callback) if lengths else None
    schema = pa.schema(opened.schema)
    rows = sum(file.rows for file in files)
    return Inspection(
        rows=rows,
        bytes=sum(file.bytes for file in files),
        files=files,
        columns=tuple(ColumnInfo(f.name, str(f.type), f.nullable) for f in schema),
        text={name: text_lengths(each) for name, each in found["columns"].items()} if found else {},
        row_lengths=text_lengths(found["rows"]) if found else None,
        copies=Copies(round(found["repeated"] * rows), found["repeated"], found["exact"])
        if found
        else None,
    )


def count_rows(
    source: SourceLike,
    columns: Sequence[str] | None,
    threads: int | None,
    progress: bool | Callback | None,
) -> int:
    """Return the rows of a data set by its footers alone, without the start of pyarrow."""
    threads = check_threads(threads)
    with reporting(progress, "reading") as callback:
        opened = open_source(source, columns, threads, callback)
        return sum(sum(part["fragments"]) for part in opened.parts())


def _file(part: dict[str, Any]) -> FileInfo:
    return FileInfo(
        path=None if part["path"] is None else Path(part["path"]),
        format=part["format"],
        rows=sum(part["fragments"]),
        row_groups=len(part["fragments"]),
        bytes=part["bytes"],
        codecs=tuple(part["codecs"]),
    )


def text_lengths(found: dict[str, Any]) -> TextLengths:
    """Return what the core tells of lengths as an object."""
    quantiles = dict(zip(QUANTILES, found["quantiles"], strict=True))
    histogram = tuple(found["histogram"])
    return TextLengths(found["nulls"], found["mean"], found["max"], quantiles, histogram)
