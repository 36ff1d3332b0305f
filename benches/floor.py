"""The floor: what decompression and compression alone cost, with nothing else done.

Any tool that draws rows at random from Parquet must decompress nearly every page of the columns it
reads, and one that writes Parquet must compress what it writes. This measures just that, on all
cores, with the codecs of pyarrow (which lets go of the GIL in them)::

    page ─▶ decompress ─▶ compress the first ``fraction`` of it (zstd level 1) ─▶ throw away

A page is decompressed and compressed by one thread while it is still in that core's cache, and no
page outlives its turn: memory that is kept would cost page faults, which are no part of the floor.
The seconds are those of the clock, shared out to the two parts as the threads spent them.

Pages are found beforehand and are not timed; neither are the start of Python, reading the footer,
decoding, UTF-8 checks, gathering and writing. The file is mapped: warm the page cache first.
A page is never split between threads, so a file of two huge pages has a high floor.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from benches.pages import Page, find_pages

OUTPUT_PAGE: Final = 1 << 20
"""Bytes compressed at a time: the usual size of a data page."""


@dataclass(frozen=True)
class Floor:
    """Seconds and bytes of the two parts; ``seconds`` is the time for both together.

    ``cpu_seconds / threads`` is what ``seconds`` would be on a machine that does nothing else.
    """

    decompress_seconds: float
    compress_seconds: float
    seconds: float
    cpu_seconds: float
    pages: int
    compressed_bytes: int
    decompressed_bytes: int
    output_bytes: int
    output_compressed_bytes: int
    threads: int


class Codecs(threading.local):
    """The codecs of one thread: some carry state and must not be shared."""

    def __init__(self, output: str, level: int | None) -> None:
        self.output = pa.Codec(output, compression_level=level)
        self.input: dict[str, pa.Codec] = {}

    def decompressor(self, name: str) -> pa.Codec:
        """Return this thread's codec of that name."""
        if name not in self.input:
            self.input[name] = pa.Codec(name)
        return self.input[name]


def measure(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    fraction: float = 0.3,
    output_codec: str = "zstd",
    output_level: int | None = 1,
    threads: int | None = None,
) -> Floor:
    """Decompress every page of ``columns`` and compress ``fraction`` of their bytes.

    Parameters
    ----------
    path
        A Parquet file, or a folder of them.
    columns
        Names of top-level columns; None for all.
    fraction
        Share of the bytes to compress, 0 to 1; 0 for a sample that is not written.
    output_codec, output_level
        What to compress with.
    threads
        Default: one a core.
    """
    count = threads or os.cpu_count() or 1
    codecs = Codecs(output_codec, output_level)
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    seconds = cpu = decompressing = compressing = 0.0
    pages = taken = plain = output = 0

    def work(mapped: pa.Buffer, page: Page) -> tuple[float, float, int, int]:
        begin = time.perf_counter()
        buffer = mapped.slice(page.begin, page.size)
        if page.codec is not None and page.decompressed_size:
            codec = codecs.decompressor(page.codec)
            buffer = codec.decompress(buffer, page.decompressed_size)
        middle = time.perf_counter()
        wanted = round(buffer.size * fraction)
        written = 0
        for start in range(0, wanted, OUTPUT_PAGE):
            piece = buffer.slice(start, min(OUTPUT_PAGE, wanted - start))
            written += codecs.output.compress(piece).size
        return middle - begin, time.perf_counter() - middle, buffer.size, written

    with ThreadPoolExecutor(count) as pool:
        for file in files:
            mapped, found = find_pages(file, columns)
            begin, begin_cpu = time.perf_counter(), time.process_time()
            done = list(pool.map(work, [mapped] * len(found), found))
            seconds += time.perf_counter() - begin
            cpu += time.process_time() - begin_cpu
            pages += len(found)
            taken += sum(page.size for page in found)
            for first, second, size, written in done:
                decompressing += first
                compressing += second
                plain += size
                output += written
    share = decompressing / max(decompressing + compressing, 1e-9)
    return Floor(
        decompress_seconds=seconds * share,
        compress_seconds=seconds * (1.0 - share),
        seconds=seconds,
        cpu_seconds=cpu,
        pages=pages,
        compressed_bytes=taken,
        decompressed_bytes=plain,
        output_bytes=round(plain * fraction),
        output_compressed_bytes=output,
        threads=count,
    )


def main() -> None:
    """Measure one file and print the seconds, or everything as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--columns", nargs="*", default=None)
    parser.add_argument("--fraction", type=float, default=0.3)
    parser.add_argument("--output-codec", default="zstd")
    parser.add_argument("--output-level", type=int, default=1)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    level = (
        options.output_level if pa.Codec.supports_compression_level(options.output_codec) else None
    )
    floor = measure(
        options.input,
        columns=options.columns,
        fraction=options.fraction,
        output_codec=options.output_codec,
        output_level=level,
        threads=options.threads,
    )
    if options.json:
        print(json.dumps(asdict(floor)))
        return
    print(f"pages       {floor.pages:,} on {floor.threads} threads")
    print(
        f"decompress  {floor.decompress_seconds:.2f} s  "
        f"{floor.compressed_bytes:,} to {floor.decompressed_bytes:,} bytes"
    )
    print(
        f"compress    {floor.compress_seconds:.2f} s  "
        f"{floor.output_bytes:,} to {floor.output_compressed_bytes:,} bytes"
    )
    print(f"floor       {floor.seconds:.2f} s, {floor.cpu_seconds:.2f} s of CPU")


if __name__ == "__main__":
    main()
