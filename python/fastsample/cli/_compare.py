"""`fastsample compare`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

import fastsample
from fastsample import Comparison
from fastsample._comparison.facts import percent
from fastsample._files import check_output
from fastsample.cli._common import (
    as_json,
    print_json,
    reported,
    say,
    tell_left_out,
    tell_notes,
    text_columns,
    threads,
)
from fastsample.cli._tables import out

#: N-grams that are printed; the HTML report has more.
_PRINTED = 8

#: Values of a column that are printed.
_PRINTED_VALUES = 20


@click.command()
@click.argument("source")
@click.argument("sample")
@click.option("--by", help="Compare the shares of this column's values.")
@text_columns("Compare this column. Repeatable.")
@click.option(
    "--max-chars",
    type=click.IntRange(1),
    default=512,
    help="Characters at which training cuts a row off.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Write a report as one HTML page.")
@threads
@as_json
def compare(
    source: str,
    sample: str,
    by: str | None,
    text_column: list[str] | None,
    max_chars: int,
    html: Path | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Test whether a sample is representative of its source, and show what it lost.

    Both are files, globs or folders.
    """
    with reported():
        if html is not None:
            check_output(html)
        found = fastsample.compare(
            source,
            sample,
            by=by,
            text_columns=text_column,
            max_chars=max_chars,
            threads=threads,
        )
        if html is not None:
            found.write_html(html)
            say(f"written {html}")
        tell_left_out(found.left_out)
        tell_notes(found.notes)
        if as_json:
            print_json(found.to_dict())
        else:
            _print(found)


def _print(found: Comparison) -> None:
    out.print(found.verdict, style="bold")
    for sentence in found.biases:
        out.print(f"- {sentence}", soft_wrap=True)
    out.print(f"Text columns: {', '.join(found.text)}", soft_wrap=True)
    table = Table("", title="Source and sample", title_justify="left")
    table.add_column("reference", justify="right")
    table.add_column("sample", justify="right")
    table.add_column("what it means")
    for fact in found.facts():
        table.add_row(fact.name, fact.reference, fact.sample, fact.means)
    out.print(table)
    if found.values:
        _print_values(found)
    for title, listed in (("more", found.over), ("less", found.under)):
        grams = Table("n-gram", title=f"N-grams the sample has {title} of, per million characters")
        for heading in ("source", "sample"):
            grams.add_column(heading, justify="right")
        for text, a, b in listed[:_PRINTED]:
            grams.add_row(text.replace(" ", "␣"), f"{a:,.1f}", f"{b:,.1f}")
        if listed:
            out.print(grams)


def _print_values(found: Comparison) -> None:
    table = Table(str(found.column), title=f"Shares of {found.column}", title_justify="left")
    for heading in ("source", "sample"):
        table.add_column(heading, justify="right")
    ranked = sorted(found.values.items(), key=lambda each: each[1], reverse=True)
    for name, (a, b) in ranked[:_PRINTED_VALUES]:
        shares = percent(a / found.source.rows), percent(b / found.sample.rows)
        table.add_row(name, *shares)
    out.print(table)
    if len(ranked) > _PRINTED_VALUES:
        out.print(f"and {len(ranked) - _PRINTED_VALUES:,} values more")
