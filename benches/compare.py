"""Compare contenders, each run a fresh process, and write a dated record.

::

    python -m benches.compare random-file  --input /tmp/rows.parquet
    python -m benches.compare random-table --input /tmp/rows.parquet --only fastsample,polars-mask
    python -m benches.compare by --input /tmp/wide.parquet   # of benches.generate --wide 4

Contenders take turns within a round, so that a slow minute of the machine hits them all; the first
place moves on by one each round. The floor (:mod:`benches.floor`) takes its turn too. The input is
read into the page cache first. Between runs the previous output is deleted and ``sync`` called, so
that no run writes back the dirty pages of another. Every output's row count is checked. A contender
that fails is shown as failed with its last line of error and not run again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from benches.arguments import ROOT, input_arguments, rows_of
from benches.contenders import TASKS, Contender, Job, contenders
from benches.process import Run, count_rows, run, warm
from benches.report import Entry, Record, write
from benches.turns import by_turns

FLOOR: Final = "floor"


@dataclass(frozen=True)
class Plan:
    """What to run: the draw, how often, for how long at most, and where to write samples."""

    job: Job
    rounds: int
    timeout: float
    scratch: Path


def _floor(plan: Plan, fraction: float) -> Run:
    """Run the floor; its seconds are those it measured itself, without the start of Python."""
    command = [sys.executable, "-m", "benches.floor", "--json", "--input", str(plan.job.input)]
    result = run([*command, "--fraction", str(fraction)], cwd=ROOT, timeout=plan.timeout)
    if result.error is not None:
        return result
    figures = json.loads(result.output)
    return replace(result, seconds=figures["seconds"], cpu_seconds=figures["cpu_seconds"])


def _contender(plan: Plan, contender: Contender, to_file: bool) -> Run:
    """Run a contender in a folder of its own, check what it drew, and clean up."""
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-", dir=plan.scratch) as folder:
        output = Path(folder) / "sample.parquet" if to_file else None
        job = replace(plan.job, output=output)
        result = run(contender.command(job), cwd=ROOT, timeout=plan.timeout)
        if result.error is None:
            rows = result.rows if output is None else count_rows(output)
            result = replace(result, rows=rows, error=contender.fault(job, rows))
    os.sync()
    return result


def compare(
    plan: Plan, chosen: Sequence[Contender], *, to_file: bool, fraction: float
) -> list[Entry]:
    """Run every contender and the floor ``plan.rounds`` times; they take turns."""
    by_name = {contender.name: contender for contender in chosen}
    names = [*by_name, FLOOR]

    def one(name: str) -> Run:
        if name == FLOOR:
            return _floor(plan, fraction)
        return _contender(plan, by_name[name], to_file)

    runs, failed = by_turns(names, plan.rounds, one)
    exact = {name: name == FLOOR or by_name[name].exact for name in names}
    return [Entry(name, exact[name], runs[name], failed.get(name)) for name in names]


def _choose(task: str, only: str | None) -> list[Contender]:
    """Return the contenders named in ``only``, in that order, or all."""
    known = {contender.name: contender for contender in contenders(task)}
    if only is None:
        return list(known.values())
    names = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(
            f"no contender {', '.join(unknown)} in {task}; there are {', '.join(known)}"
        )
    return [known[name] for name in dict.fromkeys(names)]


def main() -> None:
    """Read the command line, compare, write the record, print the table."""
    parser = input_arguments(__doc__, name="the task")
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--n", type=int, default=None, help="rows to draw; default: by task")
    parser.add_argument("--only", default=None, help="contenders, separated by commas")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()

    chosen = _choose(options.task, options.only)
    source = options.input.resolve()
    rows = rows_of(source)
    n = TASKS[options.task] if options.n is None else options.n
    if not 0 < n <= rows:
        raise SystemExit(f"cannot draw {n:,} of {rows:,} rows; give --n")
    to_file = options.task != "random-table"
    plan = Plan(
        Job(source, None, n, options.seed), options.rounds, options.timeout, options.scratch
    )
    begun = datetime.now().astimezone()
    size = warm(source)
    if options.task == "exclude":
        making = [sys.executable, "-m", "benches.baselines.choice_peers", "exclude", "prepare"]
        if (
            error := run([*making, "--input", str(source)], cwd=ROOT, timeout=60.0).error
        ) is not None:
            raise SystemExit(error)
    entries = compare(plan, chosen, to_file=to_file, fraction=n / rows if to_file else 0.0)
    record = Record(
        task=options.task,
        date=begun.isoformat(timespec="seconds"),
        rows=rows,
        n=n,
        input_bytes=size,
        rounds=options.rounds,
        entries=entries,
    )
    write(record, options.record, options.name)


if __name__ == "__main__":
    main()
