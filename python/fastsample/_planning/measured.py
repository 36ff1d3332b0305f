"""What a plan reads of a data set: rows, and lengths of texts in the unit of the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample._arguments import check_threads, is_whole, whole
from fastsample._inspection.inspect import count_rows, inspect, measure_columns
from fastsample._inspection.inspection import Inspection
from fastsample._planning.limits import Limit, total
from fastsample._planning.padding import LengthFacts, column_facts, length_facts
from fastsample._progress import Callback, reporting
from fastsample._sampling.tokens import open_tokenizer
from fastsample._source import SourceLike, open_source
from fastsample._text_lengths import TextLengths, counted_lengths
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import os

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True)
class Unit:
    """What limits count, and how it is found: by a tokenizer, or by characters."""

    name: str
    chars: float
    tokenizer: str | os.PathLike[str] | None
    #: Whether chats are rendered by the tokenizer's chat template.
    renders: bool = False


@dataclass(frozen=True)
class Measured:
    """Rows of a data set; lengths of rows or of each column if they were read."""

    rows: int
    inputs: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    of_rows: TextLengths | None = None
    by_column: dict[str, npt.NDArray[np.uint32]] = field(default_factory=dict)
    #: Whether lengths are tokens that were counted, and whether a template rendered the chats.
    is_counted: bool = False
    is_rendered: bool = False
    roles: dict[str, TextLengths] = field(default_factory=dict)

    def shares(self) -> Iterator[str]:
        """Yield the shares of the roles, of which trainers may mask some."""
        if len(self.roles) > 1:
            whole_row = sum(lengths.mean for lengths in self.roles.values())
            shares = (f"{name} {each.mean / whole_row:.0%}" for name, each in self.roles.items())
            yield f"of their characters: {', '.join(shares)}"

    def assumption(self, unit: Unit) -> str:
        """Say what a length is."""
        if self.is_rendered:
            return "tokens are counted, in chats as the chat template renders them"
        if self.is_counted:
            return "tokens are counted, each text by itself; templates are not counted"
        if unit.name == "characters":
            return "lengths and limits are in characters; templates are not counted"
        chars = "a character" if unit.chars == 1 else f"{unit.chars:g} characters"
        return f"a token is {chars}; templates are not counted"

    def facts(
        self, limits: Sequence[Limit], batch_size: int, unit: Unit
    ) -> dict[Limit, LengthFacts]:
        """Return what each limit does, if lengths are known."""
        if self.of_rows is not None:
            wholes = [total(limit) for limit in limits]
            found = length_facts(self.of_rows, wholes, batch_size, unit.chars)
        elif self.by_column:
            lengths = {name: each / unit.chars for name, each in self.by_column.items()}
            pairs = [dict(limit) for limit in limits if isinstance(limit, tuple)]
            found = column_facts(lengths, pairs, batch_size)
        else:
            return {}
        return dict(zip(limits, found, strict=False))


def measure(
    source: SourceLike | int | Inspection,
    unit: Unit,
    cut: Sequence[str],
    lengths: bool,
    columns: Sequence[str] | None,
    schema: pa.Schema | None,
    threads: int | None,
    progress: bool | Callback | None,
) -> Measured:
    """Count the rows, and read the lengths of texts if they are asked for.

    `cut` names the columns that are cut apart; without them the texts of a row are joined.
    """
    is_number = isinstance(source, bool) or is_whole(source)
    if schema is not None and (is_number or isinstance(source, Inspection)):
        raise ArgumentError("schema= sets the types of a data set, which is not read here")
    if isinstance(source, Inspection):
        return _inspected(source, unit, cut)
    if is_number:
        if lengths:
            raise ArgumentError("lengths=True needs a data set; a number of rows has no texts")
        return Measured(whole("rows", source, least=1))
    if not lengths:
        return Measured(*count_rows(source, columns, schema, threads, progress))
    if not cut and unit.tokenizer is None:
        found = inspect(source, columns=columns, schema=schema, threads=threads, progress=progress)
        if found.row_lengths is None:
            names = ", ".join(f"{column.name} ({column.type})" for column in found.columns)
            raise ArgumentError(f"there is no text column to measure lengths of; found {names}")
        return _inspected(found, unit, cut)
    if unit.renders and unit.tokenizer is not None:
        if cut:
            raise ArgumentError("chat_template counts whole chats; give one limit for all columns")
        return _rendered(source, unit.tokenizer, columns, schema, threads, progress)
    rows, inputs, notes, found_lengths = measure_columns(
        source, list(cut) or None, unit.tokenizer, columns, schema, threads, progress
    )
    text = tuple(found_lengths)
    measured = Measured(rows, inputs, notes, text, is_counted=unit.tokenizer is not None)
    if cut:
        return replace(measured, by_column=found_lengths)
    return replace(measured, of_rows=counted_lengths(found_lengths.values()))


def _rendered(
    source: SourceLike,
    tokenizer: str | os.PathLike[str],
    columns: Sequence[str] | None,
    schema: pa.Schema | None,
    threads: int | None,
    progress: bool | Callback | None,
) -> Measured:
    import pyarrow as pa

    threads = check_threads(threads)
    counter = open_tokenizer(tokenizer, chat_template=True)
    with reporting(progress, "counting tokens") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        found, text, notes = counter.lengths(opened, text=None, threads=threads, progress=callback)
    counts = pa.array(found).to_numpy()
    return Measured(
        len(counts),
        tuple(opened.inputs),
        (*opened.notes, *notes),
        tuple(text),
        counted_lengths([counts]),
        is_counted=True,
        is_rendered=True,
    )


def _inspected(found: Inspection, unit: Unit, cut: Sequence[str]) -> Measured:
    if cut:
        raise ArgumentError("limits of columns need the data set itself, not what inspect found")
    if unit.tokenizer is not None:
        raise ArgumentError("tokenizer= needs the data set itself, not what inspect found")
    lengths, counted = found.row_lengths, False
    if found.row_tokens is not None and unit.name == "tokens" and unit.chars == 1:
        lengths, counted = found.row_tokens, True
    return Measured(
        found.rows,
        found._inputs,
        found.notes,
        tuple(found.text),
        lengths,
        is_counted=counted,
        is_rendered=counted and not found.tokens,
        roles=found.roles,
    )
