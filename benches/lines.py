"""Draw 30 % of a file of JSON Lines into another one: ours beside the tools that people use.

::

    python -m benches.lines
    python -m benches.lines --rows 50_000 --rounds 1 --only fastsample,shuf --record /tmp/record

The rows of :mod:`benches.generate`, an object a line, plain, and compressed by gzip and
Zstandard. Each run is a fresh process; contenders take turns. The lines of each output
are counted. The same rows as Parquet, drawn into Parquet, stand below.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from benches.arguments import ROOT, run_arguments
from benches.baselines.line_peers import PEERS
from benches.process import Run, count_rows, run, warm
from benches.report import Entry, write_page
from benches.turns import by_turns

OURS: Final = "fastsample"
SHARE: Final = 0.3
COMPRESSED: Final = {".gz": "gzip", ".zst": "zstd"}
_COUNT: Final = """
import sys, pyarrow
with pyarrow.input_stream(sys.argv[1], compression="detect") as file:
    print("rows=%d" % sum(piece.count(b"\\n") for piece in iter(lambda: file.read(4 << 20), b"")))
"""


def make(folder: Path, rows: int, seed: int) -> None:
    """Write the rows as Parquet, and as lines of each compression."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benches.generate import generate

    generate(folder / "rows.parquet", rows, seed=seed, codec="zstd")
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        for batch in pq.ParquetFile(folder / "rows.parquet").iter_batches(10_000):
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in batch.to_pylist())
    plain = folder / "rows.jsonl"
    for ending, codec in COMPRESSED.items():
        packed = str(plain) + ending
        with plain.open("rb") as file, pa.output_stream(packed, compression=codec) as out:
            while piece := file.read(4 << 20):
                out.write(piece)


def command(name: str, source: Path, output: Path, n: int) -> list[str]:
    """Return what draws n rows of `source` into `output`."""
    files = ["--input", str(source), "--output", str(output)]
    if name == OURS:
        return [sys.executable, "-m", "fastsample", "sample", *files, "--num_samples", str(n)]
    return [sys.executable, "-m", "benches.baselines.line_peers", name, *files, "--n", str(n)]


def count(path: Path) -> int | None:
    """Count the rows of an output in a child, which may use what memory it likes."""
    if path.suffix == ".parquet":
        return count_rows(path)
    return run([sys.executable, "-c", _COUNT, str(path)], cwd=path.parent, timeout=600.0).rows


def one(name: str, *, source: Path, n: int, timeout: float) -> Run:
    """Run a contender once, and check how many rows it wrote."""
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-", dir=source.parent) as folder:
        output = Path(folder) / source.name
        done = run(command(name, source, output, n), cwd=ROOT, timeout=timeout)
        if done.error is None and (rows := count(output)) != n:
            done = replace(done, error=f"{rows} rows instead of {n}")
    os.sync()
    return done


def line(source: Path, entry: Entry, base: Entry, megabytes: float) -> str:
    """Return a line of the table."""
    seconds, cpu = entry.seconds, entry.middle(lambda run: run.cpu_seconds)
    peak = entry.middle(lambda run: run.peak_bytes)
    if entry.failure is not None or seconds is None or cpu is None or peak is None:
        return f"| {source.name} | {entry.name} | failed | {entry.failure} | | | |"
    ratio = f"{seconds / base.seconds:.2f}" if base.seconds else "-"
    return (
        f"| {source.name} | {entry.name} | {seconds:.2f} | {cpu:.2f} | {megabytes / cpu:,.0f} "
        f"| {peak / 2**20:,.0f} | {ratio} |"
    )


def main() -> None:
    """Make the files, measure, print and write the table."""
    parser = run_arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--only", default=",".join([OURS, *PEERS]))
    parser.add_argument("--make", type=Path, default=None, help="only write the files, to here")
    options = parser.parse_args()
    if options.make is not None:
        make(options.make, options.rows, options.seed)
        return
    names = options.only.split(",")
    n = int(options.rows * SHARE)
    begun = datetime.now().astimezone()
    rows = []
    with tempfile.TemporaryDirectory(prefix="fastsample-lines-", dir=options.scratch) as folder:
        # A child: the peak of this process would be that of all contenders.
        shape = ["--rows", str(options.rows), "--seed", str(options.seed)]
        making = [sys.executable, "-m", "benches.lines", "--make", folder, *shape]
        subprocess.run(making, check=True, cwd=ROOT)
        plain = (Path(folder) / "rows.jsonl").stat().st_size / 1e6
        for kind in ["jsonl", *(f"jsonl{ending}" for ending in COMPRESSED), "parquet"]:
            source = Path(folder) / f"rows.{kind}"
            warm(source)
            chosen = [OURS] if kind == "parquet" else names
            run_one = partial(one, source=source, n=n, timeout=options.timeout)
            runs, failed = by_turns(chosen, options.rounds, run_one, f"{source.name:16} ")
            entries = [Entry(name, True, runs[name], failed.get(name)) for name in chosen]
            rows += [line(source, entry, entries[0], plain) for entry in entries]
    page = [
        f"# JSON Lines: {n:,} of {options.rows:,} rows",
        "",
        f"{begun.isoformat(timespec='seconds')}. {plain:,.0f} MB of plain lines, page cache warm. "
        f"Medians of {options.rounds} rounds, each run a fresh process, contenders by turns; the "
        "start of Python is counted. MB a CPU second are those of the plain lines.",
        "",
        f"| file | contender | seconds | CPU s | MB/CPU s | peak MiB | × {names[0]} |",
        "|---|---|---:|---:|---:|---:|---:|",
        *rows,
    ]
    write_page(page, options.record / f"{begun.date().isoformat()}-lines.md")


if __name__ == "__main__":
    main()
