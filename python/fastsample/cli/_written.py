"""Shared by the commands that write one sample: writing it, and the report on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample import Report, WriteReport
from fastsample._layout import size
from fastsample._sampling.formats import file_format
from fastsample._sampling.report import draw_facts, write_facts
from fastsample.cli._common import print_facts, print_json, say
from fastsample.cli._paths import Output, folder_of


def output(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that names the file to write."""
    return click.option(
        "--output",
        "-o",
        type=Output(),
        required=required,
        help="File or URL to write: Parquet, or by its ending .arrow, .jsonl, .csv, .tsv, and .gz.",
    )


shards = click.option(
    "--shards", type=click.IntRange(1), default=1, help="Number of files to write."
)
compression = click.option(
    "--compression",
    show_default="zstd; none for .arrow; by the name for .jsonl and .csv",
    help="Codec.",
)


manifest = click.option(
    "--manifest",
    is_flag=True,
    help="Also write FILE.manifest.json beside each file: what made it.",
)


provenance = click.option(
    "--provenance/--no-provenance",
    default=True,
    help="Let each Parquet or Arrow file tell in its metadata what made it.",
)


def check_compression(output: Path | str, compression: str | None) -> None:
    """Fail before anything is drawn if the name of the output says another codec."""
    kind = file_format(Path(output))
    if kind in ("jsonl", "csv") and compression is not None:
        raise fastsample.ArgumentError(
            f"--compression {compression}: the compression of JSON Lines and CSV is that of the "
            f"name; end it in .{kind}.gz or .{kind}.zst"
        )


def write(
    drawn: fastsample.Sample,
    output: Path | str,
    compression: str | None,
    *,
    provenance: bool = True,
    **options: Any,
) -> WriteReport:
    """Write a sample in the format that the name of the output tells; its folder is made."""
    if compression is not None:
        options["compression"] = compression
    kind = file_format(Path(output))
    if kind in ("parquet", "ipc"):  # lines have no metadata
        options["provenance"] = provenance
    with folder_of(output):
        written: WriteReport = getattr(drawn, f"write_{kind}")(output, **options)
    return written


def tell_order(shuffle: bool | None) -> None:
    """Say in which order rows are written, where nobody chose."""
    if shuffle is None:
        say(
            "note: rows are in the order of the source; --shuffle writes them in random order, "
            "--no-shuffle keeps this one",
            "yellow",
        )


def show_written(
    drawn: Report, written: WriteReport, started: float, first: dict[str, Any] | None
) -> None:
    """Print what was drawn and written: as JSON behind the keys of `first`, or as a table."""
    seconds = time.perf_counter() - started
    if first is not None:
        print_json({**first, **_plain(drawn, written, seconds)})
    else:
        print_facts(_facts(drawn, written, seconds))


def _plain(drawn: Report, written: WriteReport, seconds: float) -> dict[str, Any]:
    return {
        "text_columns": list(drawn.text_columns or written.mean_chars),
        "left_out": drawn.left_out or written.left_out,
        "notes": list(drawn.notes),
        "mean_chars": written.mean_chars,
        "duplicates": written.copies,
        "order": written.order,
        "files": [
            {"path": file.place, "rows": file.rows, "bytes": file.bytes} for file in written.files
        ],
        "bytes": written.bytes,
        "seconds": round(seconds, 3),
    }


def _facts(drawn: Report, written: WriteReport, seconds: float) -> Iterator[tuple[str, str]]:
    for name, value in draw_facts(drawn):
        if name not in ("time", "not text"):
            yield name, value
    for name, value in write_facts(written):
        if name == "file size":
            yield name, size(written.bytes)
        elif name == "time":
            yield name, f"{seconds:.1f} s"
        elif name != "rows written":
            yield name, value
