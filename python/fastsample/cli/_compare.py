"""`fastsample compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample._files import check_output
from fastsample.cli._common import (
    as_json,
    print_json,
    reported,
    say,
    schema,
    show,
    tell_left_out,
    tell_notes,
    text_columns,
    threads,
)

#: Rows of each kind on the page.
_EXAMPLES = 5


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
@click.option(
    "--examples/--no-examples",
    default=True,
    help="Show rows of the sample, and rows it does not have, on that page.",
)
@click.option(
    "--smart/--no-smart",
    default=None,
    show_default="what the manifest says",
    help="The sample is a smart one: its bias is intended.",
)
@schema
@threads
@as_json
def compare(
    source: str,
    sample: str,
    by: str | None,
    text_column: list[str] | None,
    max_chars: int,
    html: Path | None,
    examples: bool,
    smart: bool | None,
    schema: Any,
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
            smart=smart,
            examples=_EXAMPLES if examples and html is not None else 0,
            schema=schema,
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
            show(found._blocks())
