"""`fastsample reproduce`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample._sampling.manifest_file import kind_of, read_manifest
from fastsample.cli._common import as_json, overwrite, reported, threads
from fastsample.cli._mix import mixture_keys
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

    The manifest of a split is that of one side, that of epochs of one epoch: those rows are drawn.
    --input says where the source is now, if it was moved; of a mixture NAME=PATH.
    """
    started = time.perf_counter()
    with reported():
        check_compression(output, compression)
        found = read_manifest(made_by)
        is_mixture = kind_of(found) == "sources"
        keys = mixture_keys if is_mixture else sample_keys
        source: Any = _by_name(inputs) if is_mixture else list(inputs)
        drawn = fastsample.reproduce(made_by, source or None, threads=threads)
        options = {**found["written"], "overwrite": overwrite}
        written = write(drawn, output, compression, manifest=manifest, **options)
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
                f"--input: {each!r} is no NAME=PATH; the manifest is of a mixture, whose sources "
                "have names"
            )
        found.setdefault(name, []).append(path)
    return found
