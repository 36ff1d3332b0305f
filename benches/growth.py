"""How draws grow with the columns, row groups and files of a source, beside polars.

::

    python -m benches.growth                       # half an hour, 2 GB of disk
    python -m benches.growth columns --rounds 3

30 % of the rows are drawn to one file of Parquet, by fastsample and by polars, which streams with a
mask drawn beforehand. They take turns, in fresh processes, and the first place moves on by one each
round. Each point has about the same number of values, so a flat curve is linear growth.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from benches.arguments import ROOT, run_arguments
from benches.process import Run, run, warm
from benches.report import write_page
from benches.turns import by_turns

SHARE: Final = 0.3
#: Points of each axis: how many, and rows of the source.
AXES: Final = {
    "columns": [(100, 400_000), (1_000, 40_000), (2_000, 20_000), (10_000, 4_000)],
    "row-groups": [(1_000, 2_000_000), (20_000, 2_000_000), (100_000, 2_000_000)],
    "files": [(100, 2_000_000), (5_000, 2_000_000), (10_000, 2_000_000)],
}
COMMANDS: Final[dict[str, str]] = {
    "fastsample": """
import sys, fastsample
drawn = fastsample.sample(sys.argv[1], int(sys.argv[3]), progress=False)
drawn.write_parquet(sys.argv[2])
print(f"rows={len(drawn)}")
""",
    "polars": """
import sys, numpy, polars as pl
source, output, n, rows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
mask = numpy.zeros(rows, dtype=bool)
mask[numpy.random.default_rng(42).choice(rows, n, replace=False)] = True
is_drawn = lambda index: pl.Series(mask[index.to_numpy()])
drawn = pl.col("_row").map_batches(is_drawn, return_dtype=pl.Boolean, is_elementwise=True)
found = pl.scan_parquet(source).with_row_index("_row").filter(drawn).drop("_row")
found.sink_parquet(output, compression="zstd", compression_level=1, engine="streaming")
print(f"rows={n}")
""",
}
MAKE: Final = """
import sys
from pathlib import Path
from benches.growth import make
make(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
"""


def make(axis: str, count: int, rows: int, path: Path) -> None:
    """Write the source of a point: whole numbers, floats and short texts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(7)
    words = np.array([f"word {i} of some" for i in range(500)])

    def column(number: int, length: int) -> pa.Array:
        if number % 3 == 0:
            return pa.array(random.integers(0, 1 << 40, length))
        if number % 3 == 1:
            return pa.array(random.random(length))
        return pa.array(words[random.integers(0, len(words), length)])

    def table(columns: int, length: int) -> pa.Table:
        return pa.table({f"c{i}": column(i, length) for i in range(columns)})

    if axis == "columns":
        pq.write_table(table(count, rows), path)
    elif axis == "row-groups":
        pq.write_table(table(3, rows), path, row_group_size=rows // count)
    else:
        path.mkdir()
        part = table(3, rows // count)
        for number in range(count):
            pq.write_table(part, path / f"{number:05}.parquet")


def point(axis: str, count: int, rows: int, rounds: int, scratch: Path, timeout: float) -> str:
    """Measure a point; return a row of the table."""
    with tempfile.TemporaryDirectory(prefix="fastsample-growth-", dir=scratch) as folder:
        source = Path(folder) / ("source" if axis == "files" else "source.parquet")
        made = [sys.executable, "-c", MAKE, axis, str(count), str(rows), str(source)]
        if (error := run(made, cwd=ROOT, timeout=timeout).error) is not None:
            raise SystemExit(error)
        warm(source)
        n = round(rows * SHARE)

        def one(name: str) -> Run:
            output = Path(folder) / "out.parquet"
            arguments = [str(source), str(output), str(n), str(rows)]
            done = run(
                [sys.executable, "-c", COMMANDS[name], *arguments], cwd=ROOT, timeout=timeout
            )
            output.unlink(missing_ok=True)
            os.sync()
            return done

        runs, failed = by_turns(list(COMMANDS), rounds, one, f"{count:,} {axis}  ")
    return row(axis, count, rows, runs, failed)


def row(
    axis: str, count: int, rows: int, runs: dict[str, list[Run]], failed: dict[str, str]
) -> str:
    """Return a row: medians of seconds and CPU seconds, their ratios, and peaks."""
    from statistics import median

    def middle(name: str, figure: Callable[[Run], float]) -> float:
        return median(map(figure, runs[name])) if runs[name] else float("nan")

    cells = [axis, f"{count:,}", f"{rows:,}"]
    for figure in (lambda run: run.seconds, lambda run: run.cpu_seconds):
        ours, theirs = (middle(name, figure) for name in COMMANDS)
        cells += [f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}"]
    cells += [f"{middle(name, lambda run: run.peak_bytes / 2**20):.0f}" for name in COMMANDS]
    return f"| {' | '.join(cells)} |" + "".join(f" {name}: {why}" for name, why in failed.items())


def main() -> None:
    """Read the command line, measure all points, print the table and write the record."""
    parser = run_arguments(__doc__)
    parser.add_argument("axes", nargs="*", default=list(AXES), help=", ".join(AXES))
    parser.add_argument("--most", type=int, default=10**9, help="leave larger points out")
    options = parser.parse_args()
    head = (
        "| axis | number | rows | seconds | polars | ratio | CPU seconds | polars | ratio "
        "| peak MiB | polars |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    begun = datetime.now().astimezone()
    lines = [head]
    for axis in options.axes:
        for count, rows in AXES[axis]:
            if count <= options.most:
                lines.append(
                    point(axis, count, rows, options.rounds, options.scratch, options.timeout)
                )
                print(lines[-1], flush=True)
    title = [f"# Growth, {begun.date()}", "", f"Medians of {options.rounds} rounds by turns.", ""]
    write_page([*title, *lines], options.record / f"{begun.date()}-growth.md")


if __name__ == "__main__":
    main()
