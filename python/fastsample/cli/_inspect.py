"""`fastsample inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample.cli._common import (
    as_json,
    chat_template,
    columns,
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


@click.command()
@click.argument("inputs", metavar="FILES...", nargs=-1, required=True)
@columns
@schema
@text_columns("Measure this text column. Repeatable.")
@click.option(
    "--lengths/--no-lengths", default=True, help="Read the texts, for lengths and copies."
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="Count tokens, too, with this tokenizer.json, or that of a folder.",
)
@chat_template
@threads
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Plot the lengths of the texts: .png or .svg."
)
@as_json
def inspect(
    inputs: tuple[str, ...],
    column: list[str] | None,
    schema: Any,
    text_column: list[str] | None,
    lengths: bool,
    tokenizer: Path | None,
    chat_template: bool | None,
    threads: int | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show rows, columns, types, row groups, codecs, sizes, lengths of texts, copies."""
    with reported():
        found = fastsample.inspect(
            list(inputs),
            columns=column,
            schema=schema,
            text_columns=text_column,
            lengths=lengths,
            tokenizer=tokenizer,
            chat_template=chat_template,
            threads=threads,
        )
        tell_left_out(found.left_out)
        tell_notes(found.notes)
        if plot is not None:
            found.plot(plot)
            say(f"written {plot}")
        if as_json:
            print_json(found.to_dict())
        else:
            show(found._blocks())
