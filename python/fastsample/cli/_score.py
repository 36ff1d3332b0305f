"""`fastsample score`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample.cli._common import (
    as_json,
    overwrite,
    reported,
    schema,
    tell_left_out,
    tell_notes,
    text_columns,
    threads,
)
from fastsample.cli._paths import inputs, paths, source_and_output
from fastsample.cli._rule import features, smart_options, terms
from fastsample.cli._written import (
    check_compression,
    compression,
    output,
    shards,
    show_written,
    write,
)


@click.command()
@paths
@inputs
@output(required=False)
@terms
@features
@text_columns("Score by this text column. Repeatable.")
@schema
@shards
@compression
@overwrite
@threads
@as_json
def score(
    paths: tuple[str, ...],
    inputs: tuple[str, ...],
    output: Path | None,
    strength: list[str] | None,
    min_chars: int | None,
    max_chars: int | None,
    target: list[str] | None,
    target_method: str | None,
    avoid: str | None,
    features: Path | None,
    text_column: list[str] | None,
    schema: Any,
    shards: int,
    compression: str | None,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Write what a smart draw finds in each row: copies, novelty, commonness, weight and so on."""
    started = time.perf_counter()
    with reported():
        sources, target_file = source_and_output(paths, inputs, output)
        check_compression(target_file, compression)
        scores = fastsample.score(
            sources,
            smart_options(strength, min_chars, max_chars, target, target_method, avoid),
            text_columns=text_column,
            schema=schema,
            features=features,
            threads=threads,
        )
        written = write(scores, target_file, compression, shards=shards, overwrite=overwrite)
        tell_left_out(scores.report.left_out)
        tell_notes(scores.report.notes)
        smart = scores.report.smart and scores.report.smart.to_dict()
        first = {"rows_after": written.rows, "smart": smart} if as_json else None
        show_written(scores.report, written, started, first)
