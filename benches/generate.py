"""Write a seeded data set of Chinese-looking (prompt, response) rows to Parquet.

Ten million rows, 590 bytes each, take about a minute on two cores::

    python -m benches.generate --rows 10_000_000 --out /tmp/rows.parquet

The same seed gives the same rows, whatever the number of threads, files and row groups, the codec
or the writer: blocks of rows are made by threads (numpy and pyarrow let go of the GIL) and written
in order. How the text is made: see :mod:`benches.language`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from benches.language import block

Codec = Literal["none", "snappy", "zstd", "lz4", "gzip"]
Writer = Literal["pyarrow", "fastparquet"]

FASTPARQUET_CODECS: Final = {
    "none": "UNCOMPRESSED",
    "snappy": "SNAPPY",
    "zstd": "ZSTD",
    "lz4": "LZ4_RAW",
    "gzip": "GZIP",
}


@dataclass
class Rows:
    """The rows in order, handed out in tables of any length.

    ``rest`` is what the last table left of its last block, never empty.
    """

    blocks: Iterator[pa.RecordBatch]
    rest: pa.RecordBatch | None = None

    def take(self, rows: int) -> pa.Table:
        """Return the next ``rows`` rows. There must be as many left."""
        parts: list[pa.RecordBatch] = []
        missing = rows
        while missing or not parts:
            batch = next(self.blocks) if self.rest is None else self.rest
            part = batch.slice(0, missing)
            self.rest = batch.slice(missing) if len(part) < len(batch) else None
            parts.append(part)
            missing -= len(part)
        return pa.Table.from_batches(parts)


def _blocks(seed: int, duplicates: float, wide: int, threads: int) -> Iterator[pa.RecordBatch]:
    """Yield block after block without end, ``threads + 1`` of them made ahead of need."""
    make = partial(block, seed=seed, duplicates=duplicates, wide=wide)
    make(0)  # the vocabulary is made here, before any thread needs it
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[pa.RecordBatch]] = deque()
        index = 0
        try:
            while True:
                while len(pending) <= threads:
                    pending.append(pool.submit(make, index))
                    index += 1
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _write_pyarrow(path: Path, feed: Rows, rows: int, codec: Codec, row_group_rows: int) -> None:
    """Write one file, one row group in memory at a time."""
    first = feed.take(min(rows, row_group_rows))
    with pq.ParquetWriter(path, first.schema, compression=codec) as writer:
        writer.write_table(first, row_group_size=max(1, len(first)))
        left = rows - len(first)
        del first
        while left:
            table = feed.take(min(left, row_group_rows))
            writer.write_table(table, row_group_size=len(table))
            left -= len(table)


def _write_fastparquet(
    path: Path, feed: Rows, rows: int, codec: Codec, row_group_rows: int
) -> None:
    """Write one file the way fastparquet does it: huge pages, no page index; all in memory."""
    import fastparquet

    frame = feed.take(rows).to_pandas()
    fastparquet.write(
        str(path),
        frame,
        compression=FASTPARQUET_CODECS[codec],
        row_group_offsets=list(range(0, max(rows, 1), row_group_rows)),
        write_index=False,
    )


def generate(
    path: str | os.PathLike[str],
    rows: int,
    *,
    seed: int = 42,
    codec: Codec = "snappy",
    row_group_rows: int = 1_000_000,
    writer: Writer = "pyarrow",
    files: int = 1,
    wide: int = 0,
    duplicates: float = 0.0,
    threads: int | None = None,
) -> None:
    """Write ``rows`` rows to the file ``path``, or to a folder of that name.

    Parameters
    ----------
    path
        The file; with ``files`` above 1 the folder, which gets ``part-00000.parquet`` and so on.
        A file appears under its name when it is whole.
    rows, seed, duplicates, wide
        What the rows are: see :func:`benches.language.block`.
    codec, row_group_rows, writer, files
        How they are stored.
    threads
        Threads that make text; default: one a core. Never changes a row.
    """
    if rows < 0 or row_group_rows < 1 or files < 1:
        raise ValueError("rows must be at least 0, row_group_rows and files at least 1")
    target = Path(path)
    if files == 1:
        targets = [target]
    else:
        targets = [target / f"part-{number:05d}.parquet" for number in range(files)]
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    blocks = _blocks(seed, duplicates, wide, threads or os.cpu_count() or 1)
    feed = Rows(blocks)
    write = _write_pyarrow if writer == "pyarrow" else _write_fastparquet
    for number, name in enumerate(targets):
        part = name.with_name(name.name + ".part")
        share = rows * (number + 1) // files - rows * number // files
        try:
            write(part, feed, share, codec, row_group_rows)
            part.replace(name)
        finally:
            part.unlink(missing_ok=True)


def main() -> None:
    """Read the command line, write the files, print their size and the time it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--codec", choices=get_args(Codec), default="snappy")
    parser.add_argument("--row-group-rows", type=int, default=1_000_000)
    parser.add_argument("--writer", choices=get_args(Writer), default="pyarrow")
    parser.add_argument(
        "--files", type=int, default=1, help="above 1: write a folder of this many files"
    )
    parser.add_argument("--wide", type=int, default=0, help="extra columns")
    parser.add_argument("--duplicates", type=float, default=0.0, help="share of copied rows")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    begin = time.perf_counter()
    generate(
        options.out,
        options.rows,
        seed=options.seed,
        codec=options.codec,
        row_group_rows=options.row_group_rows,
        writer=options.writer,
        files=options.files,
        wide=options.wide,
        duplicates=options.duplicates,
        threads=options.threads,
    )
    seconds = time.perf_counter() - begin
    written = sorted(options.out.glob("*.parquet")) if options.out.is_dir() else [options.out]
    size = sum(file.stat().st_size for file in written)
    print(f"{options.rows:,} rows, {size:,} bytes in {len(written)} file(s), {seconds:.1f} s")


if __name__ == "__main__":
    main()
