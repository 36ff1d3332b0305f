"""Files, columns and copies of an inspection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastsample._public import public


@public
@dataclass(frozen=True)
class FileInfo:
    """A file: path (None for a table), format, rows, row groups or batches, bytes, codecs.

    The path of a file in an object store is its URL, a string.
    """

    path: Path | str | None
    format: str
    rows: int
    row_groups: int
    bytes: int
    codecs: tuple[str, ...]


@public
@dataclass(frozen=True)
class ColumnInfo:
    """A column: its name, its Arrow type, whether it may be null."""

    name: str
    type: str
    nullable: bool


@public
@dataclass(frozen=True)
class Copies:
    """Rows whose texts all equal those of an earlier row.

    Exact up to 1,048,576 distinct rows; beyond, estimated from that many of them (bottom-k
    sampling by content; Cohen and Kaplan, 2008), to about 0.1 % of the rows.
    """

    rows: int
    share: float
    exact: bool
