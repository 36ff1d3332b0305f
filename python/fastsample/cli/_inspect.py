"""`fastsample inspect`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

import fastsample
from fastsample import Inspection
from fastsample._text_lengths import bin_edges, shares_of
from fastsample.cli._common import (
    as_json,
    columns,
    print_json,
    reported,
    say,
    size,
    sparkline,
    tell_left_out,
    tell_notes,
    text_columns,
    threads,
)
from fastsample.cli._tables import out

#: Bars of a histogram in a cell of a table.
_BARS = 24


@click.command()
@click.argument("inputs", metavar="FILES...", nargs=-1, required=True)
@columns
@text_columns("Measure this text column. Repeatable.")
@click.option(
    "--lengths/--no-lengths", default=True, help="Read the texts, for lengths and copies."
)
@threads
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Plot the lengths of the texts: .png or .svg."
)
@as_json
def inspect(
    inputs: tuple[str, ...],
    column: list[str] | None,
    text_column: list[str] | None,
    lengths: bool,
    threads: int | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show rows, columns, types, row groups, codecs, sizes, lengths of texts, copies."""
    with reported():
        found = fastsample.inspect(
            list(inputs), columns=column, text_columns=text_column, lengths=lengths, threads=threads
        )
        tell_left_out(found.left_out)
        tell_notes(found.notes)
        if plot is not None:
            found.plot(plot)
            say(f"written {plot}")
        if as_json:
            print_json(found.to_dict())
        else:
            _print_inspection(found)


def _print_inspection(found: Inspection) -> None:
    files = Table("file", "format", "codec", title="Files", title_justify="left")
    for heading in ("rows", "row groups", "size"):
        files.add_column(heading, justify="right")
    for file in found.files:
        numbers = f"{file.rows:,}", f"{file.row_groups:,}", size(file.bytes)
        files.add_row(str(file.path), file.format, ", ".join(file.codecs) or "-", *numbers)
    if len(found.files) > 1:
        groups = sum(file.row_groups for file in found.files)
        total = f"{found.rows:,}", f"{groups:,}", size(found.bytes)
        files.add_row(f"{len(found.files)} files", "", "", *total, style="bold")
    out.print(files)
    columns = Table("column", "type", "nullable", title="Columns", title_justify="left")
    for column in found.columns:
        columns.add_row(column.name, column.type, "yes" if column.nullable else "no")
    out.print(columns)
    if found.text:
        _print_lengths(found)


def _print_lengths(found: Inspection) -> None:
    lengths = Table("column", title="Length in characters", title_justify="left")
    quantiles = next(iter(found.text.values())).quantiles
    for heading in ("nulls", "mean", *(_quantile(q) for q in quantiles), "max"):
        lengths.add_column(heading, justify="right")
    lengths.add_column("up to 99%", no_wrap=True)
    rows = dict(found.text)
    if found.row_lengths is not None and len(rows) > 1:
        rows["whole row"] = found.row_lengths
    for name, text in rows.items():
        numbers = [f"{length:,}" for length in text.quantiles.values()]
        shape = sparkline(shares_of(text.histogram, bin_edges(text, _BARS)))
        lengths.add_row(
            name, f"{text.nulls:,}", f"{text.mean:,.1f}", *numbers, f"{text.max:,}", shape
        )
    out.print(lengths)
    if found.copies is not None:
        about = "" if found.copies.exact else "about "
        out.print(
            f"Copies: {about}{found.copies.rows:,} rows ({found.copies.share:.2%}) "
            "whose texts all equal those of an earlier row"
        )


def _quantile(share: float) -> str:
    return {0.0: "min", 0.5: "median"}.get(share, f"{share:.0%}")
