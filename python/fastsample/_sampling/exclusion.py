"""Decontamination: rows that share text with benchmarks are left out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastsample import _fastsample
from fastsample._arguments import check_text_columns, whole
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._source import SourceLike, open_source
from fastsample.errors import ArgumentError

#: The length of a run in letters, if nothing else is asked for.
LETTERS = 50


@public
@dataclass(frozen=True)
class ExcludedRow:
    """A row that was left out: its position, what it shares, and how many letters that is."""

    row: int
    letters: int
    text: str


@public
@dataclass(frozen=True)
class ExcludedBy:
    """What was left out because of one source.

    Attributes
    ----------
    name : str
        The path of the source, or its place among those given.
    rows : int
        Its rows.
    text_columns : tuple of str
        Its text columns, which rows were compared with.
    too_short : int
        Its texts that are too short to be compared.
    left_out : int
        Rows that share text with it. A row that shares text with two sources counts for both.
    examples : tuple of ExcludedRow
        The rows that share the longest stretches, three at most.
    """

    name: str
    rows: int
    text_columns: tuple[str, ...]
    too_short: int
    left_out: int
    examples: tuple[ExcludedRow, ...]


@public
@dataclass(frozen=True)
class Excluded:
    """Rows that were left out since they share text with benchmarks.

    Attributes
    ----------
    letters : int
        The length of a run of letters that rows may not share.
    rows : int
        Rows that were looked at: those that match `where`, if there is a condition.
    left_out : int
        Rows that were left out, each counted once.
    text_columns : tuple of str
        The text columns of the rows.
    sources : tuple of ExcludedBy
        What was left out because of each source.
    """

    letters: int
    rows: int
    left_out: int
    text_columns: tuple[str, ...]
    sources: tuple[ExcludedBy, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain values, for JSON."""
        sources = [
            {
                **asdict(source),
                "text_columns": list(source.text_columns),
                "examples": [asdict(row) for row in source.examples],
            }
            for source in self.sources
        ]
        return {**asdict(self), "text_columns": list(self.text_columns), "sources": sources}


def check_exclude(exclude: SourceLike | Sequence[SourceLike] | None, letters: object) -> list[Any]:
    """Return the sources whose texts rows may not share, one by one."""
    if exclude is None:
        if letters != LETTERS:
            raise ArgumentError("exclude_letters is for exclude=; name a source")
        return []
    whole("exclude_letters", letters, least=8, most=10_000)
    sources = list(exclude) if isinstance(exclude, (list, tuple)) else [exclude]
    if not sources:
        raise ArgumentError("exclude is empty; name at least one source, or leave it out")
    return sources


def read_benchmarks(
    exclude: Sequence[Any], letters: int, threads: int | None, progress: Callback | None
) -> _fastsample.Benchmarks | None:
    """Read the texts that rows may not share, once for all sources; None without any."""
    if not exclude:
        return None
    sources = [
        (_name(source, place), open_source(source, None, threads, progress))
        for place, source in enumerate(exclude, 1)
    ]
    return _fastsample.Benchmarks.read(sources, letters=letters, threads=threads, progress=progress)


def excluding(
    opened: _fastsample.Source,
    benchmarks: _fastsample.Benchmarks | None,
    text_columns: Sequence[str] | None,
    threads: int | None,
    progress: Callback | None,
) -> _fastsample.Source:
    """Leave out the rows that share text with benchmarks."""
    if benchmarks is None:
        return opened
    text = check_text_columns(text_columns)
    return opened.excluding(benchmarks, text=text, threads=threads, progress=progress)


def _name(source: object, place: int) -> str:
    return os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else f"source {place}"


def excluded(opened: _fastsample.Source) -> Excluded | None:
    """Return what was left out, if anything was to be."""
    found = opened.excluded
    if found is None:
        return None
    sources = [
        ExcludedBy(
            name,
            rows,
            tuple(text),
            too_short,
            left_out,
            tuple(ExcludedRow(*example) for example in examples),
        )
        for name, rows, text, too_short, left_out, examples in found["sources"]
    ]
    return Excluded(
        found["letters"], found["rows"], found["left_out"], tuple(found["text"]), tuple(sources)
    )


def left_out_rows(found: Excluded | None) -> int:
    """Return how many rows were left out."""
    return 0 if found is None else found.left_out


def excluded_facts(found: Excluded) -> Iterator[tuple[str, str]]:
    """Return what was left out, by name."""
    share = f" ({found.left_out / found.rows:.1%})" if found.rows else ""
    yield "left out by exclude", f"{found.left_out:,} of {found.rows:,}{share}"
    yield "compared", f"{', '.join(found.text_columns)}: runs of {found.letters} letters"
    for source in found.sources:
        # The name is the value: a long path would take the width from all others.
        yield "  benchmark", f"{source.left_out:,} rows share text with {source.name}"
        for row in source.examples:
            text = " ".join(row.text.split())
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            yield f"    row {row.row:,}", f"{row.letters:,} letters: {shown}"


#: Characters of an example in a table.
_SHOWN = 60
