"""Draws in parts as tests make them: files of every format, random merges, all rounds."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.feather as pf
import pyarrow.parquet as pq
import xxhash
from fastsample import _fastsample
from fastsample.parts import Decision, Draw, merge


def _lines(table: pa.Table, path: Path) -> None:
    frame = table.to_pandas()
    frame.to_json(path, orient="records", lines=True, force_ascii=False)


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet": lambda table, path: pq.write_table(table, path, row_group_size=97),
    "arrow": lambda table, path: pf.write_feather(
        table, path, chunksize=101, compression="uncompressed"
    ),
    "jsonl": _lines,
    "csv": lambda table, path: pc.write_csv(table, path),
}


def write_files(folder: Path, table: pa.Table, ending: str, cuts: Sequence[int]) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    limits = [0, *sorted(cuts), len(table)]
    for number, (start, end) in enumerate(pairwise(limits)):
        if end > start:
            WRITERS[ending](table[start:end], folder / f"{number:03}.{ending}")
    return folder


def merged(states: list[bytes], chance: random.Random) -> bytes:
    """Merge in a random order and a random tree."""
    states = list(states)
    chance.shuffle(states)
    while len(states) > 1:
        size = chance.randint(2, len(states))
        some, states = states[:size], states[size:]
        states.insert(chance.randrange(len(states) + 1), merge(some))
    return merge(states)


def decide(job: Draw, seed: int = 0) -> Decision:
    chance = random.Random(seed)
    decision = None
    for _ in range(5):
        states = [job.observe(part, decision) for part in job.parts]
        decision = job.decide(merged(states, chance), decision)
        if decision.is_final:
            return decision
    raise AssertionError("a draw has five rounds at most")


def messages(job: _fastsample.PartedDraw, names: Sequence[str]) -> list[tuple[int, str]]:
    """Return the length and a hash of all states and decisions of a draw from whole files."""
    parts = [
        _fastsample.PartFiles.local(part, [(Path(name), (0, 1))]) for part, name in enumerate(names)
    ]
    made: list[bytes] = []
    decision, is_final = None, False
    while not is_final:
        states = [job.observe(part, decision, threads=1) for part in parts]
        decision, known = job.decide(merge(states), decision, threads=1)
        is_final = known["drawn"] is not None
        made += [*states, decision]
    return [(len(data), xxhash.xxh3_64_hexdigest(data)) for data in made]


def ids_of(job: Draw, decision: Decision) -> np.ndarray:
    return np.concatenate([job.row_ids(part, decision) for part in job.parts])
