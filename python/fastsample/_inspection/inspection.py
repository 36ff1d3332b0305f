"""`Inspection`: the result of `inspect` as classes."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastsample._arguments import output_path
from fastsample._public import public
from fastsample._text_lengths import TextLengths


@public
@dataclass(frozen=True)
class FileInfo:
    """A file: path (None for a table), format, rows, row groups or batches, bytes, codecs."""

    path: Path | None
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


@public
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
    #: Columns of strings that are not text by default, and why not.
    left_out: dict[str, str] = field(default_factory=dict)
    #: Files that were passed over in a folder or glob, in a sentence.
    notes: tuple[str, ...] = ()
    #: Files that no plot may replace.
    _inputs: tuple[Path, ...] = field(default=(), repr=False, compare=False)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the lengths of the texts into a PNG or SVG file. Needs the extra ``plot``."""
        from fastsample._inspection.plot import plot_lengths

        plot_lengths(self.text, self.row_lengths, output_path("path", path), self._inputs)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        del plain["_inputs"]
        for file in plain["files"]:
            file["path"] = None if file["path"] is None else str(file["path"])
        for lengths in (*plain["text"].values(), plain["row_lengths"]):
            if lengths is not None:
                del lengths["histogram"]
                lengths["quantiles"] = {str(q): n for q, n in lengths["quantiles"].items()}
        return plain
