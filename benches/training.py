"""Measure what training costs: memory of all processes, batches, an epoch, padding.

::

    python -m benches.training

generates rows under the folder for temporary files (removed afterwards), prints a table and writes
``benches/record/<date>-training.md``. Everything that is compared runs by turns in one process, on
the same rows. ``--rows`` makes it smaller.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import fastsample
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benches.arguments import RECORD
from benches.process import warm
from benches.report import write_page

BATCH: Final = 24
RANKS: Final = 3
WORKERS: Final = 4
ROUNDS: Final = 11
SLOW_ROUNDS: Final = 3
BATCHES: Final = 200
SLOW: Final = "pyarrow take"

Line = tuple[str, str]
Batches = Callable[[list[int]], Any]


class Trivial:
    """As many rows as a file has, and no file."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, str]]:
        return [{"prompt": "", "response": ""} for _ in indices]


class Mapped:
    """What one writes over a mapped pyarrow table, or over a copy of it in one chunk."""

    def __init__(self, path: Path, *, copied: bool = False) -> None:
        table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
        self.table = table.combine_chunks() if copied else table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitems__(self, indices: Sequence[int]) -> Any:
        return self.table.take(indices).to_pylist()


def rank(kind: str, path: Path, rows: int) -> None:
    """Be one of the processes of a run: go through all rows, then wait to be measured."""
    data = fastsample.Dataset(path) if kind == "fastsample" else Trivial(rows)
    # Large batches: every page is touched, in less time.
    loader = loader_of(data, WORKERS, batch_size=1000)
    iterator = iter(loader)
    assert sum(iterator) == rows
    print("ready", flush=True)
    sys.stdin.readline()


def loader_of(rows: Any, workers: int, batch_size: int = BATCH) -> Any:
    """Return a shuffled loader whose workers stay, and send no more than the size of a batch."""
    from torch.utils.data import DataLoader

    options: dict[str, Any] = {"num_workers": workers, "persistent_workers": True}
    return DataLoader(rows, batch_size, shuffle=True, collate_fn=len, **options)


def pss(pid: int) -> int:
    """Return the proportional set size of a process and its children, in bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return own * 1024 + sum(pss(int(child)) for child in children)


def memory_of(kind: str, path: Path, rows: int) -> int:
    """Return the PSS of all ranks and their workers after an epoch."""
    command = [sys.executable, "-W", "ignore", "-m", "benches.training", "--rank", kind]
    command += ["--cached", str(path), "--rows", str(rows)]
    ranks = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(RANKS)
    ]
    try:
        for each in ranks:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n", "a rank failed"
        return sum(pss(each.pid) for each in ranks)
    finally:
        for each in ranks:
            each.communicate("\n")


def memory(path: Path, rows: int) -> Iterator[Line]:
    """Measure how many copies of the rows all processes have together."""
    size = path.stat().st_size
    found = {kind: memory_of(kind, path, rows) for kind in ("trivial", "fastsample")}
    processes = f"{RANKS} ranks with {WORKERS} workers each"
    yield "file of rows", f"{size / 1e9:.3f} GB, {rows:,} rows"
    for kind, total in found.items():
        yield f"PSS of {processes}, {kind}", f"{total / 1e9:.3f} GB"
    copies = (found["fastsample"] - found["trivial"]) / size
    yield "copies of the rows beyond the interpreters", f"{copies:.2f}"


def opening(path: Path) -> Iterator[Line]:
    """Measure how long it takes to open a cached file."""
    yield "opening the cached file", spread([seconds(fastsample.Dataset, path) for _ in range(21)])


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begin


def spread(values: Sequence[float]) -> str:
    """Return the median and the span of some times."""
    low, middle, high = (f"{1e3 * v:,.1f}" for v in (min(values), median(values), max(values)))
    return f"{middle} ms ({low} to {high})"


def contenders(path: Path) -> dict[str, Any]:
    """Return map-style datasets over the same file."""
    import datasets

    return {
        "fastsample": fastsample.Dataset(path),
        "datasets": datasets.Dataset.from_file(str(path)),
        SLOW: Mapped(path),
        "pyarrow take, copied to memory": Mapped(path, copied=True),
    }


def takes_part(name: str, turn: int) -> bool:
    """Return whether a contender runs in a round; a much slower one runs in a few."""
    return name != SLOW or turn < SLOW_ROUNDS


def batches(path: Path) -> Iterator[Line]:
    """Compare batches of random rows in one process."""
    rng = np.random.default_rng(1)
    found = contenders(path)
    rows = len(found["fastsample"])
    times: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(ROUNDS):
        wanted = rng.integers(0, rows, (BATCHES, BATCH)).tolist()
        for name, each in found.items():
            if takes_part(name, turn):
                begin = time.perf_counter()
                for indices in wanted:
                    each.__getitems__(indices)
                times[name].append(time.perf_counter() - begin)
    yield from by_turns(f"{BATCHES} batches of {BATCH} by __getitems__", times)


def epochs(path: Path) -> Iterator[Line]:
    """Compare shuffled epochs through a loader with two workers."""
    times: dict[str, list[float]] = {}
    loaders = {name: loader_of(each, 2) for name, each in contenders(path).items()}
    # The first epoch starts the workers, and does not count.
    for loader in loaders.values():
        sum(loader)
    for turn in range(ROUNDS):
        for name, loader in loaders.items():
            if takes_part(name, turn):
                times.setdefault(name, []).append(seconds(sum, loader))
    yield from by_turns("a shuffled epoch, DataLoader with 2 workers", times)


def by_turns(what: str, times: dict[str, list[float]]) -> Iterator[Line]:
    """Return the times of each contender, and their ratio to ours."""
    base = median(times["fastsample"])
    for name, values in times.items():
        yield f"{what}: {name}", f"{spread(values)}, × {median(values) / base:.2f}"


def scaled(path: Path, rows: int) -> npt.NDArray[np.uint32]:
    """Return lengths like those of a file, in characters: drawn again, each up to 10 % off."""
    found = fastsample.sample(path, fastsample.inspect(path, lengths=False).rows).cache().lengths()
    rng = np.random.default_rng(1)
    lengths = rng.choice(found, rows) * rng.uniform(0.9, 1.1, rows)
    return lengths.astype(np.uint32)


def padding(path: Path, rows: int) -> Iterator[Line]:
    """Measure what batches of similar length save."""
    for name, ranks in (("one rank", 1), ("three ranks", 3)):
        sampler = fastsample.LengthBatchSampler(scaled(path, rows), BATCH, num_replicas=ranks)
        found = sampler.padding()
        yield (
            f"elements of an epoch of {rows:,} real lengths in batches of {BATCH}, {name}",
            f"{found.padded_unsorted:,} in random order, {found.padded:,} by length "
            f"({found.saved:.0%} less; {found.padding_saved:.1%} of the padding), "
            f"of which text {found.used:,}",
        )


def generate(rows: int, folder: Path) -> Path:
    """Generate rows and cache all of them; the Parquet file goes away."""
    made = folder / "rows.parquet"
    command = [sys.executable, "-m", "benches.generate", "--rows", str(rows), "--out", str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    cached = fastsample.sample(made, rows).cache(folder).path
    made.unlink()
    warm(cached)
    return cached


def measure(rows: int, epoch_rows: int, real: Path | None) -> Iterator[Line]:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="fastsample-training-") as name:
        folder = Path(name)
        os.environ["FASTSAMPLE_CACHE"] = name
        cached = generate(rows, folder)
        yield from memory(cached, rows)
        yield from opening(cached)
        yield from batches(cached)
        few = fastsample.sample(fastsample.Dataset(cached).to_arrow(), epoch_rows).cache(folder)
        yield "rows of the epochs below", f"{epoch_rows:,}"
        yield from epochs(few.path)
        if real is not None:
            yield from padding(real, 100 * 3000)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_700_000, help="rows in memory: 1 GB")
    parser.add_argument("--epoch-rows", type=int, default=100_000, help="rows of an epoch")
    parser.add_argument("--real", type=Path, help="file whose rows have real lengths")
    parser.add_argument("--record", type=Path, default=RECORD, help="folder for the record")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    parser.add_argument("--cached", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank is not None:
        rank(options.rank, options.cached, options.rows)
        return
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    page = [f"# Training: {options.rows:,} rows", "", f"{date}. `python -m benches.training`", ""]
    page += ["| what | found |", "|---|---|"]
    for what, found in measure(options.rows, options.epoch_rows, options.real):
        page.append(f"| {what} | {found} |")
        print(page[-1], flush=True)
    write_page(page, options.record / f"{date}-training.md")


if __name__ == "__main__":
    main()
