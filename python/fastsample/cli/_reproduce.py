"""`fastsample reproduce`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample._sampling.manifest_file import kind_of
from fastsample._sampling.reproduce import read_made
from fastsample.cli._common import as_json, overwrite, reported, threads
from fastsample.cli._mix import mixture_keys
from fastsample.cli._paths import inputs
from fastsample.cli._sample import sample_keys
from fastsample.cli._written import (
    check_compression,
    compression,
    manifest,
    output,
    provenance,
    show_written,
    write,
)


@click.command()
@click.argument("made_by", metavar="FILE", type=click.Path(path_type=Path))
@output(required=True)
@inputs
@compression
@manifest
@provenance
@overwrite
@threads
@as_json
def reproduce(
    made_by: Path,
    output: Path,
    inputs: tuple[str, ...],
    compression: str | None,
    manifest: bool,
    provenance: bool,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw the rows of a file again and write them, or say what differs and write nothing.

    FILE is a Parquet or Arrow file that fastsample wrote, which tells what made it, or a manifest.
    --input is the folder with the files that it was drawn from, by default that of FILE; or says
    where the source is now; of a mixture NAME=PATH. A side of a split or an epoch is drawn alone.
    """
    started = time.perf_counter()
    with reported():
        check_compression(output, compression)
        found = read_made(made_by, threads)
        is_mixture = kind_of(found) == "sources"
        keys = mixture_keys if is_mixture else sample_keys
        source: Any = inputs[0] if len(inputs) == 1 else list(inputs)
        if is_mixture and not (len(inputs) == 1 and Path(inputs[0]).is_dir()):
            source = _by_name(inputs)
        drawn = fastsample.reproduce(made_by, source or None, threads=threads)
        options = {**found["written"], "overwrite": overwrite}
        written = write(
            drawn, output, compression, manifest=manifest, provenance=provenance, **options
        )
        show_written(
            drawn.report, written, started, keys(drawn.report, written) if as_json else None
        )


def _by_name(inputs: tuple[str, ...]) -> dict[str, list[str]]:
    """Return where sources of a mixture are now."""
    found: dict[str, list[str]] = {}
    for each in inputs:
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise fastsample.ArgumentError(
                f"--input: {each!r} is no NAME=PATH; the rows are of a mixture, whose sources "
                "have names"
            )
        found.setdefault(name, []).append(path)
    return found
