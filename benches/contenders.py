"""The tasks of a comparison, and the command of each contender.

A *task* is ``n`` rows drawn in some way: at random to a file, at random to a table in memory,
smart to a file, or as an option of ``sample`` chooses them, to a file. The others are compared with
the first contender of a task.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benches.baselines import choice_peers
from benches.baselines.choice_peers import KIND, TALK, WEIGHT, WHERE, benchmark_of

#: What choices of rows ask of ``sample``. The file has the columns of ``generate --wide 4``.
CHOICES: Final = {
    "by": ["--by", KIND, "--allocation", "equal"],
    "where": ["--where", WHERE],
    "weight": ["--weight", WEIGHT],
    "group": ["--group", TALK],
    "replace": ["--replace"],
    "exclude": ["--exclude"],  # the benchmark beside the file
}
TASKS: Final = {
    "random-file": 3_000_000,
    "random-table": 10_000,
    "smart-file": 3_000_000,
    **dict.fromkeys(CHOICES, 3_000_000),
}
"""The tasks, and how many rows each draws by default."""

PEERS: Final = (
    "pyarrow-row-groups",
    "polars-eager",
    "polars-mask",
    "duckdb-reservoir",
    "duckdb-hash",
    "datasets",
)
APPROXIMATE: Final = frozenset({"duckdb-hash"})
"""Contenders that draw about n rows: they may be off by ``APPROXIMATE_SLACK`` of n."""
APPROXIMATE_SLACK: Final = 0.1


@dataclass(frozen=True)
class Job:
    """One draw: ``output`` is None where the sample becomes a table."""

    input: Path
    output: Path | None
    n: int
    seed: int


@dataclass(frozen=True)
class Contender:
    """A name, the command that does a job, and whether it draws exactly n rows."""

    name: str
    command: Callable[[Job], list[str]]
    exact: bool = True

    def fault(self, job: Job, rows: int | None) -> str | None:
        """Return what is wrong with the number of rows, or None."""
        if rows is None:
            return "wrote no readable Parquet" if job.output else "did not say how many rows"
        slack = 0.0 if self.exact else APPROXIMATE_SLACK * job.n
        if abs(rows - job.n) > slack:
            return f"{rows:,} rows instead of {job.n:,}"
        return None


def _flags(job: Job, count: str) -> list[str]:
    output = [] if job.output is None else ["--output", str(job.output)]
    return ["--input", str(job.input), *output, count, str(job.n), "--seed", str(job.seed)]


def _command_line(*extra: str) -> Callable[[Job], list[str]]:
    head = [sys.executable, "-m", "fastsample", "sample"]
    return lambda job: [*head, *_flags(job, "--num_samples"), *extra]


def _ours(smart: str) -> Callable[[Job], list[str]]:
    head = [sys.executable, "-m", "benches.baselines.ours"]
    return lambda job: [*head, *_flags(job, "--n"), "--smart", smart]


def _pandas(*extra: str) -> Callable[[Job], list[str]]:
    head = [sys.executable, "-m", "benches.baselines.pandas_script"]
    return lambda job: [*head, *_flags(job, "--num_samples"), *extra]


def _peer(name: str) -> Callable[[Job], list[str]]:
    head = [sys.executable, "-m", "benches.baselines.peers", name]
    return lambda job: [*head, *_flags(job, "--n")]


def _choice(task: str) -> list[Contender]:
    """Return the contenders of a choice of rows. Whole groups, and equal ones, are about n rows."""

    def ours(job: Job) -> list[str]:
        bench = [str(benchmark_of(job.input))] if task == "exclude" else []
        return _command_line(*CHOICES[task], *bench)(job)

    def peer(name: str) -> Callable[[Job], list[str]]:
        head = [sys.executable, "-m", "benches.baselines.choice_peers", task, name]
        return lambda job: [*head, *_flags(job, "--n")]

    names = choice_peers.PEERS[task]
    peers = [Contender(name, peer(name), task not in ("by", "group")) for name in names]
    return [Contender("fastsample", ours, task != "group"), *peers]


def contenders(task: str) -> list[Contender]:
    """Return the contenders for ``task``, the one to compare with first."""
    if task in CHOICES:
        return _choice(task)
    if task == "smart-file":
        return [
            Contender("fastsample-smart", _command_line("--smart")),
            Contender("fastsample-entropy", _ours("entropy")),
            Contender("pandas-smart", _pandas("--smart")),
        ]
    ours = _command_line() if task == "random-file" else _ours("none")
    peers = [Contender(name, _peer(name), name not in APPROXIMATE) for name in PEERS]
    return [Contender("fastsample", ours), Contender("pandas", _pandas()), *peers]
