"""`fastsample sample`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

import fastsample
from fastsample import Report, WriteReport
from fastsample.cli._common import (
    Columns,
    Json,
    Threads,
    err,
    facts,
    out,
    print_json,
    reported,
    size,
)

_IPC_SUFFIXES = {".arrow", ".feather", ".ipc"}


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
    with reported():
        if smart and entropy:
            raise fastsample.ArgumentError("--smart and --entropy exclude each other")
        rows = fastsample.inspect(inputs, columns=column, lengths=False, threads=threads).rows
        if num_samples > rows:
            err.print(
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
            print_json(_sample_report(drawn.report, written, seconds))
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
    table = facts()
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
    table.add_row("file size", size(written.bytes))
    table.add_row("seed", str(drawn.seed))
    table.add_row("time", f"{seconds:.1f} s")
    for file in written.files:
        table.add_row("written", str(file.path))
    out.print(table)
