"""Pack rows to a number of tokens: `PackedBatchSampler` beside TRL and a best fit in Python.

::

    python -m benches.packing                     # 1,000,000 rows
    python -m benches.packing --rows 10_000_000 --only fastsample,python

Rows have lengths of a log-normal distribution, 150 tokens in the middle, and go into packs of
2,048 tokens. Contenders take turns, each run a fresh process. ``python`` sorts all rows by length
and puts each into the fullest pack that has room (best fit decreasing). ``trl`` is
``trl.pack_dataset``, if TRL is installed: it packs the tokens themselves, 1,000 rows at a time, and
is timed without the making of its data set. fastsample plans by lengths, in windows, in a random
order.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from bisect import bisect_left, insort
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from statistics import median
from typing import Final

from benches.arguments import ROOT, run_arguments
from benches.process import Run, run
from benches.report import write_page
from benches.turns import by_turns

CAPACITY: Final = 2048
MIDDLE: Final = 150
SEED: Final = 42

#: Packs, and the seconds they took.
Packed = tuple[int, float]


def lengths_of(rows: int) -> list[int]:
    """Return the lengths of rows, from 1 to the tokens of a pack."""
    import numpy as np

    drawn = np.random.default_rng(SEED).lognormal(np.log(MIDDLE), 0.9, rows)
    found: list[int] = drawn.clip(1, CAPACITY).astype(int).tolist()
    return found


def best_fit(lengths: list[int]) -> list[list[int]]:
    """Put each row, the longest first, into the fullest pack that has room."""
    packs: list[list[int]] = []
    room: list[int] = []  # the rooms that there are, ascending
    with_room: dict[int, list[int]] = {}
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        place = bisect_left(room, lengths[row])
        if place == len(room):
            pack, free = len(packs), CAPACITY
            packs.append([])
        else:
            free = room[place]
            pack = with_room[free].pop()
            if not with_room[free]:
                del room[place]
        packs[pack].append(row)
        left = free - lengths[row]
        if left:
            there = with_room.setdefault(left, [])
            if not there:
                insort(room, left)
            there.append(pack)
    return packs


def fastsample_packs(rows: int) -> Packed:
    """Plan the packs of an epoch, and go through all."""
    import fastsample
    import numpy as np

    lengths = np.array(lengths_of(rows), np.uint32)
    list(fastsample.PackedBatchSampler(lengths[:9], CAPACITY))  # what is imported when first used
    begun = time.perf_counter()
    packs = sum(1 for _ in fastsample.PackedBatchSampler(lengths, CAPACITY, seed=SEED))
    return packs, time.perf_counter() - begun


def python_packs(rows: int) -> Packed:
    """Best fit over all rows."""
    lengths = lengths_of(rows)
    begun = time.perf_counter()
    return len(best_fit(lengths)), time.perf_counter() - begun


def trl_packs(rows: int) -> Packed:
    """Pack tokens that are all 0."""
    import datasets
    import numpy as np
    import pyarrow as pa
    from trl.data_utils import pack_dataset

    lengths = np.array(lengths_of(rows))
    offsets = np.concatenate([[0], lengths.cumsum()])
    tokens = pa.array(np.zeros(offsets[-1], np.int32))
    ids = pa.LargeListArray.from_arrays(pa.array(offsets), tokens)
    made = datasets.Dataset(pa.table({"input_ids": ids}))
    begun = time.perf_counter()
    packs = len(pack_dataset(made, CAPACITY, map_kwargs={"keep_in_memory": True}))
    return packs, time.perf_counter() - begun


PACKERS: Final[dict[str, Callable[[int], Packed]]] = {
    "fastsample": fastsample_packs,
    "python": python_packs,
    "trl": trl_packs,
}


def one(name: str, *, rows: int, timeout: float) -> Run:
    """Run a contender once; the rows that it prints are packs."""
    command = [sys.executable, "-m", "benches.packing", "--packer", name, "--rows", str(rows)]
    return run(command, cwd=ROOT, timeout=timeout)


def line(name: str, runs: list[Run], failure: str | None, tokens: int, base: float | None) -> str:
    """Return a line of the table."""
    if failure is not None or not runs:
        return f"| {name} | failed | {failure} | | | |"
    packing = [float(run.output.rsplit("seconds=", 1)[1]) for run in runs]
    packs, peak = runs[0].rows or 1, median(run.peak_bytes for run in runs)
    padding = 1 - tokens / (packs * CAPACITY)
    ratio = f"{median(packing) / base:.2f}" if base else "-"
    return (
        f"| {name} | {median(packing):.2f} | {packs:,} | {padding:.2%} | {peak / 2**20:,.0f} "
        f"| {ratio} |"
    )


def main() -> None:
    """Measure, print and write the table."""
    parser = run_arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default=None, help="contenders; default: all that are there")
    parser.add_argument("--packer", choices=PACKERS, default=None, help="run one once")
    options = parser.parse_args()
    if options.packer is not None:
        with tempfile.TemporaryDirectory(dir=options.scratch) as cache:
            os.environ.update(
                HF_HOME=cache, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1"
            )
            packs, seconds = PACKERS[options.packer](options.rows)
        print(f"rows={packs}\nseconds={seconds}")
        return
    there = [name for name in PACKERS if name != "trl" or find_spec("trl")]
    names = options.only.split(",") if options.only else there
    begun = datetime.now().astimezone()

    def run_one(name: str) -> Run:
        return one(name, rows=options.rows, timeout=options.timeout)

    runs, failed = by_turns(names, options.rounds, run_one)
    tokens = sum(lengths_of(options.rows))
    base = None
    if runs[names[0]]:
        base = median(float(each.output.rsplit("seconds=", 1)[1]) for each in runs[names[0]])
    page = [
        f"# Packing: {options.rows:,} rows to packs of {CAPACITY:,} tokens",
        "",
        f"{begun.isoformat(timespec='seconds')}. {tokens:,} tokens. Medians of {options.rounds} "
        "rounds, each run a fresh process, contenders by turns; seconds are of the packing alone, "
        "peaks of the whole process.",
        "",
        f"| contender | seconds | packs | padding | peak MiB | × {names[0]} |",
        "|---|---:|---:|---:|---:|---:|",
        *(line(name, runs[name], failed.get(name), tokens, base) for name in names),
    ]
    write_page(page, options.record / f"{begun.date().isoformat()}-packing.md")


if __name__ == "__main__":
    main()
