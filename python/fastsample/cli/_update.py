"""`fastsample update`."""

from __future__ import annotations

import time
from pathlib import Path

import click

import fastsample
from fastsample.cli._common import as_json, overwrite, reported, shuffle, threads
from fastsample.cli._paths import inputs
from fastsample.cli._sample import sample_keys
from fastsample.cli._written import (
    check_compression,
    compression,
    manifest,
    output,
    provenance,
    shards,
    show_written,
    write,
)


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@inputs
@output(required=True)
@shuffle
@shards
@compression
@manifest
@provenance
@overwrite
@threads
@as_json
def update(
    old: Path,
    inputs: tuple[str, ...],
    output: Path,
    shuffle: bool,
    shards: int,
    compression: str | None,
    manifest: bool,
    provenance: bool,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw the sample of a source that has grown, with the options of OLD, and write it.

    OLD is an output that was written with --manifest and without --shuffle. --input names the files
    that it was drawn from, and the new ones behind them. Rows that OLD has are read from it.
    """
    if not inputs:
        raise click.UsageError("name the source with --input: the old files, and then the new ones")
    started = time.perf_counter()
    with reported():
        check_compression(output, compression)
        drawn = fastsample.update(old, list(inputs), threads=threads)
        options = {"shuffle": shuffle, "shards": shards, "overwrite": overwrite}
        written = write(
            drawn, output, compression, manifest=manifest, provenance=provenance, **options
        )
        first = sample_keys(drawn.report, written) if as_json else None
        show_written(drawn.report, written, started, first)
