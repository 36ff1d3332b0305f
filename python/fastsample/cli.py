"""The command line: `fastsample sample` and `fastsample inspect`."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

import fastsample
from fastsample import FastSampleError, Inspection, Report, WriteReport

app = typer.Typer(
    help="Fast, exact, reproducible training samples out of big text data sets.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

#: Tables for programs have no need to fit a screen.
_PIPED_WIDTH = 10_000

_out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
_err = Console(stderr=True, highlight=False)

_IPC_SUFFIXES = {".arrow", ".feather", ".ipc"}

Threads = Annotated[int | None, typer.Option(help="Cores to use. [default: all]", min=1)]
Json = Annotated[bool, typer.Option("--json", help="Print a report for programs instead.")]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="Keep only this column. Repeatable.")
]


@app.command()
def sample(
    inputs: Annotated[
        list[str],
        typer.Option("--input", "-i", help="File, glob or folder to draw from. Repeatable."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="File to write: Parquet, or Arrow IPC for .arrow."),
    ],
    num_samples: Annotated[
        int, typer.Option("--num_samples", "--num-samples", "-n", help="Rows to draw.", min=1)
    ],
    smart: Annotated[
        bool, typer.Option("--smart", help="Weigh rows by what they add to the others.")
    ] = False,
    entropy: Annotated[
        bool, typer.Option("--entropy", help="Take the rows of highest character entropy.")
    ] = False,
    text_column: Annotated[
        list[str] | None,
        typer.Option("--text-column", help="Judge rows by this column. Repeatable. [default: all]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same rows.", min=0)] = 42,
    column: Columns = None,
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Write the rows in random order.")
    ] = False,
    shards: Annotated[int, typer.Option(help="Write so many files.", min=1)] = 1,
    compression: Annotated[
        str | None, typer.Option(help="Codec. [default: zstd; none for .arrow]")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file of the same name.")] = True,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Draw exactly so many rows at random and write them to a file."""
    started = time.perf_counter()
    with _reported():
        if smart and entropy:
            raise fastsample.ArgumentError("--smart and --entropy exclude each other")
        rows = fastsample.inspect(inputs, columns=column, lengths=False, threads=threads).rows
        if num_samples > rows:
            _err.print(
                f"warning: --num_samples is {num_samples:,}, but there are only {rows:,} rows; "
                "keeping all of them",
                style="yellow",
                soft_wrap=True,
            )
        if rows == 0:
            raise fastsample.ArgumentError(f"{', '.join(inputs)}: there are no rows to draw")
        drawn = fastsample.sample(
            inputs,
            min(num_samples, rows),
            smart="entropy" if entropy else smart,
            seed=seed,
            columns=column,
            text_columns=text_column,
            threads=threads,
        )
        options: dict[str, Any] = {"shuffle": shuffle, "shards": shards, "overwrite": overwrite}
        if compression is not None:
            options["compression"] = compression
        is_ipc = output.suffix.lower() in _IPC_SUFFIXES
        write = drawn.write_ipc if is_ipc else drawn.write_parquet
        written = write(output, **options)
        seconds = time.perf_counter() - started
        if as_json:
            _print_json(_sample_report(drawn.report, written, seconds))
        else:
            _print_sample(drawn.report, written, seconds)


def _sample_report(drawn: Report, written: WriteReport, seconds: float) -> dict[str, Any]:
    return {
        "rows_before": drawn.rows,
        "rows_after": written.rows,
        "seed": drawn.seed,
        "smart": drawn.smart and drawn.smart.to_dict(),
        "mean_chars": written.mean_chars,
        "duplicates": written.copies,
        "files": [
            {"path": str(file.path), "rows": file.rows, "bytes": file.bytes}
            for file in written.files
        ],
        "bytes": written.bytes,
        "seconds": round(seconds, 3),
    }


def _print_sample(drawn: Report, written: WriteReport, seconds: float) -> None:
    table = _facts()
    table.add_row("rows before", f"{drawn.rows:,}")
    table.add_row("rows after", f"{written.rows:,} ({written.rows / drawn.rows:.1%})")
    if drawn.smart is not None:
        found = drawn.smart
        table.add_row("judged by", ", ".join(found.text))
        table.add_row("copies found", f"{found.copies:,} ({found.copies_drawn:,} drawn)")
        table.add_row("rows with near-duplicates", f"{found.near_duplicates:,}")
        table.add_row("rows excluded", f"{found.excluded:,} ({found.excluded_drawn:,} drawn)")
        table.add_row("effective rows", f"{found.effective_rows:,.0f}")
    for name, mean in written.mean_chars.items():
        table.add_row(f"mean length of {name}", f"{mean:,.1f} characters")
    table.add_row("duplicates among them", f"{written.copies:,}")
    table.add_row("file size", _size(written.bytes))
    table.add_row("seed", str(drawn.seed))
    table.add_row("time", f"{seconds:.1f} s")
    for file in written.files:
        table.add_row("written", str(file.path))
    _out.print(table)


@app.command()
def inspect(
    inputs: Annotated[list[str], typer.Argument(help="Files, globs or folders.")],
    column: Columns = None,
    lengths: Annotated[bool, typer.Option(help="Read the text columns for their lengths.")] = True,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Show rows, columns, types, row groups, codecs, sizes and lengths of texts."""
    with _reported():
        found = fastsample.inspect(inputs, columns=column, lengths=lengths, threads=threads)
        if as_json:
            _print_json(found.to_dict())
        else:
            _print_inspection(found)


def _print_inspection(found: Inspection) -> None:
    files = Table("file", "format", "codec", title="Files", title_justify="left")
    for heading in ("rows", "row groups", "size"):
        files.add_column(heading, justify="right")
    for file in found.files:
        numbers = f"{file.rows:,}", f"{file.row_groups:,}", _size(file.bytes)
        files.add_row(str(file.path), file.format, ", ".join(file.codecs) or "-", *numbers)
    if len(found.files) > 1:
        groups = sum(file.row_groups for file in found.files)
        total = f"{found.rows:,}", f"{groups:,}", _size(found.bytes)
        files.add_row(f"{len(found.files)} files", "", "", *total, style="bold")
    _out.print(files)
    columns = Table("column", "type", "nullable", title="Columns", title_justify="left")
    for column in found.columns:
        columns.add_row(column.name, column.type, "yes" if column.nullable else "no")
    _out.print(columns)
    if found.text:
        _print_lengths(found)


def _print_lengths(found: Inspection) -> None:
    lengths = Table("column", title="Length in characters", title_justify="left")
    quantiles = next(iter(found.text.values())).quantiles
    for heading in ("nulls", "mean", *(_quantile(q) for q in quantiles), "max"):
        lengths.add_column(heading, justify="right")
    for name, text in found.text.items():
        numbers = [f"{length:,}" for length in text.quantiles.values()]
        lengths.add_row(name, f"{text.nulls:,}", f"{text.mean:,.1f}", *numbers, f"{text.max:,}")
    _out.print(lengths)


def _quantile(share: float) -> str:
    return {0.0: "min", 0.5: "median"}.get(share, f"{share:.0%}")


def _facts() -> Table:
    """Return a table of names and values without lines."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    return table


def _size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"


def _print_json(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def _reported() -> Iterator[None]:
    """Turn errors into one line and exit code 1, an interruption into exit code 130."""
    try:
        yield
    except FastSampleError as error:
        _err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        _err.print("interrupted; nothing was written")
        raise typer.Exit(130) from None


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Run the command line."""
    # A character that the terminal's encoding lacks must not end a run that went well.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # As an exception, the signal lets temporary files be removed.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
