"""Writing samples: all files of all samples appear together, or none of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import flag, optional, string, whole
from fastsample._progress import Callback, reporting
from fastsample._sampling.report import WriteReport, WrittenFile

if TYPE_CHECKING:
    from typing import TypeAlias

#: Files as (path, rows, bytes), characters of text columns, copies, columns that are not text.
_Written: TypeAlias = (
    "tuple[list[tuple[Path, int, int]], list[tuple[str, int]], int, list[tuple[str, str]]]"
)


def write_parquet(
    samples: Sequence[_fastsample.Sample],
    paths: Sequence[Path],
    *,
    compression: str = "zstd",
    compression_level: int | None = None,
    row_group_size: int | None = None,
    shuffle: bool = False,
    shards: int = 1,
    overwrite: bool = True,
    memory_limit: int | None = None,
    progress: bool | Callback | None = None,
) -> list[WriteReport]:
    """Write each sample to its path, as :meth:`fastsample.Sample.write_parquet` does."""
    started = time.perf_counter()
    with reporting(progress, "writing") as callback:
        written = _fastsample.write_parquet(
            samples,
            paths,
            compression=string("compression", compression),
            compression_level=optional(
                whole, "compression_level", compression_level, least=-128, most=127
            ),
            row_group_size=optional(whole, "row_group_size", row_group_size, least=1),
            shuffle=flag("shuffle", shuffle),
            shards=whole("shards", shards, least=1),
            overwrite=flag("overwrite", overwrite),
            memory_limit=optional(whole, "memory_limit", memory_limit, least=1),
            progress=callback,
        )
    return _reports(samples, written, started)


def write_ipc(
    samples: Sequence[_fastsample.Sample],
    paths: Sequence[Path],
    *,
    compression: str = "none",
    stream: bool = False,
    shuffle: bool = False,
    shards: int = 1,
    overwrite: bool = True,
    memory_limit: int | None = None,
    progress: bool | Callback | None = None,
) -> list[WriteReport]:
    """Write each sample to its path, as :meth:`fastsample.Sample.write_ipc` does."""
    started = time.perf_counter()
    with reporting(progress, "writing") as callback:
        written = _fastsample.write_ipc(
            samples,
            paths,
            compression=string("compression", compression),
            stream=stream,
            shuffle=flag("shuffle", shuffle),
            shards=whole("shards", shards, least=1),
            overwrite=flag("overwrite", overwrite),
            memory_limit=optional(whole, "memory_limit", memory_limit, least=1),
            progress=callback,
        )
    return _reports(samples, written, started)


def write_jsonl(
    samples: Sequence[_fastsample.Sample],
    paths: Sequence[Path],
    *,
    compression_level: int | None = None,
    shuffle: bool = False,
    shards: int = 1,
    overwrite: bool = True,
    memory_limit: int | None = None,
    progress: bool | Callback | None = None,
) -> list[WriteReport]:
    """Write each sample to its path, as :meth:`fastsample.Sample.write_jsonl` does."""
    started = time.perf_counter()
    with reporting(progress, "writing") as callback:
        written = _fastsample.write_jsonl(
            samples,
            paths,
            compression_level=optional(
                whole, "compression_level", compression_level, least=-128, most=127
            ),
            shuffle=flag("shuffle", shuffle),
            shards=whole("shards", shards, least=1),
            overwrite=flag("overwrite", overwrite),
            memory_limit=optional(whole, "memory_limit", memory_limit, least=1),
            progress=callback,
        )
    return _reports(samples, written, started)


def _reports(
    samples: Sequence[_fastsample.Sample],
    written: list[_Written],
    started: float,
) -> list[WriteReport]:
    seconds = time.perf_counter() - started
    reports = []
    for sample, (found, chars, copies, left_out) in zip(samples, written, strict=True):
        files = tuple(WrittenFile(*file) for file in found)
        reports.append(
            WriteReport(
                files=files,
                rows=len(sample),
                bytes=sum(file.bytes for file in files),
                copies=copies,
                mean_chars={name: count / max(len(sample), 1) for name, count in chars},
                seconds=seconds,
                left_out=dict(left_out),
            )
        )
    return reports
