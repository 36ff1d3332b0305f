"""`fastsample mix`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import fastsample
from fastsample.cli._common import Columns, Json, Threads, print_json, reported, tell_left_out
from fastsample.cli._mixture_file import read_mixture
from fastsample.cli._written import check_compression, print_written, write, written_report


def mix(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write: Parquet, or by its ending: .arrow, .jsonl, .csv, .tsv, and .gz.",
        ),
    ],
    num_samples: Annotated[
        int, typer.Option("--num_samples", "--num-samples", "-n", help="Rows to draw.", min=1)
    ],
    mixture: Annotated[
        Path | None,
        typer.Argument(help="Sources with their paths and shares: a .json or .toml file."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH:SHARE, as wiki=wiki.parquet:0.3, or NAME=PATH. Repeatable."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Without shares: a source of r rows weighs r^(1/T). From 1 to 1000.",
            show_default="1",
        ),
    ] = None,
    exhausted: Annotated[
        str,
        typer.Option(help="Where a source has too few rows: error, renormalise, repeat."),
    ] = "error",
    max_epochs: Annotated[
        int | None,
        typer.Option(help="With --exhausted repeat: how often a row may come at most.", min=1),
    ] = None,
    source_column: Annotated[
        str, typer.Option(help="Column that has the name of the source; none if empty.")
    ] = "source",
    seed: Annotated[int, typer.Option(help="The same seed draws the same rows.", min=0)] = 42,
    column: Columns = None,
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Shuffle the rows of each source among its places.")
    ] = False,
    shards: Annotated[int, typer.Option(help="Number of files to write.", min=1)] = 1,
    compression: Annotated[
        str | None,
        typer.Option(
            help="Codec.", show_default="zstd; none for .arrow; by the name for .jsonl and .csv"
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file of the same name.")] = True,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Draw exactly n rows of several sources by their shares, evenly mixed, and write them."""
    if (mixture is None) == (not source):
        raise typer.BadParameter("give either a file of sources or --source")
    started = time.perf_counter()
    with reported():
        check_compression(output, compression)
        sources = read_mixture(mixture) if mixture is not None else _sources(source or [])
        drawn = fastsample.mix(
            sources,
            num_samples,
            temperature=temperature,
            exhausted=exhausted,
            max_epochs=max_epochs,
            seed=seed,
            columns=column,
            source_column=source_column or None,
            threads=threads,
        )
        options = {"shuffle": shuffle, "shards": shards, "overwrite": overwrite}
        written = write(drawn, output, compression, **options)
        seconds = time.perf_counter() - started
        tell_left_out(written.left_out)
        if as_json:
            print_json(_report(drawn.report, written, seconds))
        else:
            print_written(drawn.report, written, seconds)


def _sources(options: list[str]) -> dict[str, Any]:
    sources: dict[str, Any] = {}
    for option in options:
        name, equals, rest = option.partition("=")
        if not (name and equals and rest):
            raise fastsample.ArgumentError(
                f"--source: {option!r} is no NAME=PATH:SHARE; write wiki=wiki.parquet:0.3"
            )
        if name in sources:
            raise fastsample.ArgumentError(f"--source: {name!r} is named twice")
        path, colon, share = rest.rpartition(":")
        try:
            sources[name] = ([path], float(share)) if colon and path else [rest]
        except ValueError:  # a name with a colon in it
            sources[name] = [rest]
    return sources


def _report(
    drawn: fastsample.Report, written: fastsample.WriteReport, seconds: float
) -> dict[str, Any]:
    return {
        "rows_before": drawn.rows,
        "rows_after": written.rows,
        "sources": [asdict(source) for source in drawn.sources],
        "seed": drawn.seed,
        **written_report(drawn, written, seconds),
    }
