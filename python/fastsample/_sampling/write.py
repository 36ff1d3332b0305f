"""Writing samples: all files of all samples appear together, or none of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import flag, optional, whole
from fastsample._progress import Callback, reporting
from fastsample._sampling.report import WriteReport, WrittenFile

if TYPE_CHECKING:
    from typing import TypeAlias

#: Files as (path, rows, bytes), characters of text columns, copies, columns that are not text.
_Written: TypeAlias = (
    "tuple[list[tuple[Path, int, int]], list[tuple[str, int]], int, list[tuple[str, str]]]"
)


def write(
    samples: Sequence[_fastsample.Sample],
    paths: Sequence[Path],
    format: _fastsample.Format,  # noqa: A002
    *,
    shuffle: bool = False,
    shards: int = 1,
    overwrite: bool = True,
    memory_limit: int | None = None,
    provenances: Sequence[str] | None = None,
    progress: bool | Callback | None = None,
) -> list[WriteReport]:
    """Write each sample to its path, as :meth:`fastsample.Sample.write_parquet` does.

    `provenances` are what the files tell of what made each of them.
    """
    started = time.perf_counter()
    with reporting(progress, "writing") as callback:
        written = _fastsample.write(
            samples,
            paths,
            format,
            shuffle=flag("shuffle", shuffle),
            shards=whole("shards", shards, least=1),
            overwrite=flag("overwrite", overwrite),
            memory_limit=optional(whole, "memory_limit", memory_limit, least=1),
            progress=callback,
            provenances=provenances,
        )
    return _reports(samples, written, started, "shuffled" if shuffle else "source")


def _reports(
    samples: Sequence[_fastsample.Sample],
    written: list[_Written],
    started: float,
    order: str,
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
                order=order,
            )
        )
    return reports
