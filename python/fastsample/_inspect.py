"""What is in a data set, before anything is drawn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastsample._progress import Callback, reporting
from fastsample._sample import check_threads
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
    characters, to within 1/64 above.
    """

    nulls: int
    mean: float
    max: int
    quantiles: dict[float, int]


@dataclass(frozen=True)
class Inspection:
    """What :func:`fastsample.inspect` found."""

    rows: int
    bytes: int
    files: tuple[FileInfo, ...]
    columns: tuple[ColumnInfo, ...]
    text: dict[str, TextLengths]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        for file in plain["files"]:
            file["path"] = None if file["path"] is None else str(file["path"])
        for lengths in plain["text"].values():
            lengths["quantiles"] = {str(q): length for q, length in lengths["quantiles"].items()}
        return plain


def inspect(
    source: SourceLike,
    *,
    columns: Sequence[str] | None = None,
    lengths: bool = True,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Inspection:
    """Look at a data set: rows, columns, types, row groups, codecs, sizes, lengths of texts.

    Parameters
    ----------
    source
        As in :func:`fastsample.sample`, except for streams that can be read once.
    columns
        Columns to look at. All by default.
    lengths
        Read every text column for its lengths. Without it only footers are read.
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
        found = opened.text_lengths(QUANTILES, threads, callback) if lengths else {}
    schema = pa.schema(opened.schema)
    return Inspection(
        rows=sum(file.rows for file in files),
        bytes=sum(file.bytes for file in files),
        files=files,
        columns=tuple(ColumnInfo(f.name, str(f.type), f.nullable) for f in schema),
        text={name: _lengths(found[name]) for name in schema.names if name in found},
    )


def _file(part: dict[str, Any]) -> FileInfo:
    return FileInfo(
        path=None if part["path"] is None else Path(part["path"]),
        format=part["format"],
        rows=sum(part["fragments"]),
        row_groups=len(part["fragments"]),
        bytes=part["bytes"],
        codecs=tuple(part["codecs"]),
    )


def _lengths(found: dict[str, Any]) -> TextLengths:
    quantiles = dict(zip(QUANTILES, found["quantiles"], strict=True))
    return TextLengths(found["nulls"], found["mean"], found["max"], quantiles)
