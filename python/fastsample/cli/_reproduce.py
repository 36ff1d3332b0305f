"""`fastsample reproduce`."""

from __future__ import annotations

import time
from pathlib import Path

import click

import fastsample
from fastsample._sampling.manifest import read_manifest
from fastsample.cli._common import as_json, overwrite, reported, threads
from fastsample.cli._paths import inputs
from fastsample.cli._sample import sample_keys
from fastsample.cli._written import (
    check_compression,
    compression,
    manifest,
    output,
    show_written,
    write,
)


@click.command()
@click.argument("made_by", metavar="MANIFEST", type=click.Path(path_type=Path))
@output(required=True)
@inputs
@compression
@manifest
@overwrite
@threads
@as_json
def reproduce(
    made_by: Path,
    output: Path,
    inputs: tuple[str, ...],
    compression: str | None,
    manifest: bool,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw the rows of a manifest again and write them, or say what differs and write nothing.

    --input says where the source is now, if it was moved.
    """
    started = time.perf_counter()
    with reported():
        check_compression(output, compression)
        drawn = fastsample.reproduce(made_by, list(inputs) or None, threads=threads)
        options = {**read_manifest(made_by)["written"], "overwrite": overwrite}
        written = write(drawn, output, compression, manifest=manifest, **options)
        first = sample_keys(drawn.report, written) if as_json else None
        show_written(drawn.report, written, started, first)
