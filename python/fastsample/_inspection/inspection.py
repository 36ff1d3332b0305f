"""`Inspection`: the result of `inspect` as classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastsample._arguments import output_path
from fastsample._inspection.model import ColumnInfo, Copies, FileInfo
from fastsample._layout import Block, as_html, as_text
from fastsample._public import public
from fastsample._text_lengths import TextLengths


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
    #: Lengths of a row's texts of each role: ``system``, ``prompt``, ``response``, ``tool``, and
    #: ``other`` for those whose role neither a name nor a speaker tells. `nulls` are rows without
    #: text of the role. Empty if no text has a role.
    roles: dict[str, TextLengths] = field(default_factory=dict)
    #: Columns of strings that are not text by default, and why not.
    left_out: dict[str, str] = field(default_factory=dict)
    #: What one should know of the files and the types of their columns, a sentence each.
    notes: tuple[str, ...] = ()
    #: Lengths in tokens of each text column, and of whole rows, if a tokenizer was given. Only of
    #: whole rows if a chat template rendered them.
    tokens: dict[str, TextLengths] = field(default_factory=dict)
    row_tokens: TextLengths | None = None
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
        named = (plain["text"], plain["roles"], plain["tokens"])
        by_column = (lengths for each in named for lengths in each.values())
        for lengths in (*by_column, plain["row_lengths"], plain["row_tokens"]):
            if lengths is not None:
                del lengths["histogram"]
                lengths["quantiles"] = {str(q): n for q, n in lengths["quantiles"].items()}
        return plain

    def _blocks(self) -> Iterator[Block]:
        from fastsample._inspection.tables import blocks

        return blocks(
            self.files,
            self.columns,
            self.text,
            self.roles,
            self.row_lengths,
            self.tokens,
            self.row_tokens,
            self.copies,
        )

    def __str__(self) -> str:
        """Return the tables that the command line prints."""
        return as_text(self._blocks())

    def _repr_html_(self) -> str:
        return as_html(self._blocks())
