"""`fastsample plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

import fastsample
from fastsample import Plan
from fastsample.cli._common import Columns, Json, Threads, err, out, print_json, reported

_SECONDS = Annotated[float, typer.Option(help="Seconds of an optimizer step, measured now.")]


def plan(
    seconds_per_step: _SECONDS,
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Files, globs or folders; or give --rows.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Rows of the data set.", min=1)] = None,
    num_samples: Annotated[
        int | None,
        typer.Option("--num_samples", "--num-samples", "-n", help="Rows of a sample.", min=1),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours available for all epochs: how many rows fit?")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Epochs now.", min=1)] = 1,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows per device and step now.", min=1)
    ] = None,
    devices: Annotated[int, typer.Option(help="Devices.", min=1)] = 1,
    accumulation: Annotated[int, typer.Option(help="Batches accumulated to a step.", min=1)] = 1,
    steps: Annotated[
        int | None,
        typer.Option(help="Steps of an epoch now, in place of --batch-size.", min=1),
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens of a row now.", min=1)] = None,
    padding: Annotated[
        Literal["max_length", "longest"], typer.Option(help="What rows are padded to now.")
    ] = "max_length",
    new_epochs: Annotated[int | None, typer.Option(help="Epochs wanted.", min=1)] = None,
    new_max_length: Annotated[int | None, typer.Option(help="Tokens wanted.", min=1)] = None,
    new_seconds_per_step: Annotated[
        float | None, typer.Option(help="Seconds of a step as wanted, if measured.")
    ] = None,
    fixed_share: Annotated[
        float, typer.Option(help="Share of a step's time that does not depend on the length.")
    ] = 0.1,
    lengths: Annotated[
        bool, typer.Option("--lengths", help="Read the texts: shares of rows cut and of padding.")
    ] = False,
    chars_per_token: Annotated[float, typer.Option(help="Characters of a token.")] = 1.0,
    column: Columns = None,
    threads: Threads = None,
    plot: Annotated[Path | None, typer.Option(help="Plot the hours: .png or .svg.")] = None,
    write: Annotated[
        Path | None,
        typer.Option(help="Write the new settings (.toml, .json), and the present ones beside."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace settings of the same name.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show hours of training now, and with a sample, fewer epochs or shorter texts."""
    with reported():
        if (rows is None) == (not inputs):
            raise fastsample.ArgumentError("give files, or the number of rows with --rows")
        made = fastsample.plan(
            inputs if rows is None else rows,
            num_samples,
            seconds_per_step=seconds_per_step,
            epochs=epochs,
            batch_size=batch_size,
            devices=devices,
            accumulation=accumulation,
            steps=steps,
            max_length=max_length,
            padding=padding,
            hours=hours,
            new_epochs=new_epochs,
            new_max_length=new_max_length,
            new_seconds_per_step=new_seconds_per_step,
            fixed_share=fixed_share,
            lengths=lengths,
            chars_per_token=chars_per_token,
            columns=column,
            threads=threads,
        )
        if write is not None:
            for path in made.write_settings(write, overwrite=overwrite):
                err.print(f"written {path}", soft_wrap=True)
        if plot is not None:
            made.plot(plot)
            err.print(f"written {plot}", soft_wrap=True)
        if as_json:
            print_json(made.to_dict())
        else:
            _print_plan(made)


def _print_plan(made: Plan) -> None:
    title = f"Training on {made.rows:,} rows"
    table = Table("plan", title=title, title_justify="left")
    for heading in ("rows", "epochs", "steps", "s/step", "h/epoch", "hours", "speed-up"):
        table.add_column(heading, justify="right")
    for each in made.alternatives:
        mark = "" if each.basis == "measured" else "~"
        table.add_row(
            each.name,
            f"{each.rows:,}",
            str(each.epochs),
            f"{each.steps:,}",
            f"{mark}{each.seconds_per_step:.3g}",
            f"{each.hours_per_epoch:,.1f}",
            f"{each.hours:,.1f}",
            f"{made.speed_up(each):.1f} x",
            style="bold" if each is made.wanted else "",
        )
    out.print(table)
    if made.budget_hours is not None and made.wanted is not None:
        out.print(
            f"{made.budget_hours:g} hours are enough for {made.wanted.rows:,} rows, "
            f"{made.wanted.epochs} times."
        )
    if made.lengths:
        _print_lengths(made)
    out.print("Assumptions")
    for sentence in made.assumptions:
        out.print(f"- {sentence}", soft_wrap=True)


def _print_lengths(made: Plan) -> None:
    title = "Rows cut at a limit of tokens; padding as a share of a batch"
    table = Table(title=title, title_justify="left")
    headings = ("limit", "rows cut", "text lost", "padding", "to longest", "grouped by length")
    for heading in headings:
        table.add_column(heading, justify="right")
    for each in made.lengths:
        wastes = (f"{each.waste(way):.1%}" for way in ("max_length", "longest", "grouped"))
        table.add_row(f"{each.limit:,}", f"{each.cut_rows:.1%}", f"{each.lost:.1%}", *wastes)
    out.print(table)
