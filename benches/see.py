"""Time `compare` of a sample with its source, beside a smart draw of a sample of that size.

::

    python -m benches.see --input /tmp/rows.parquet

The comparison should take at most three times as long as the draw, by the clock and by CPU time, in
memory that does not grow with the rows. ``inspect`` reads the same texts once; ``plan`` reads the
footer only and should answer within a second, the start of Python included. Every run is a fresh
process, commands take turns, and each has a row of the table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from benches.compare import ROOT
from benches.process import Run, count_rows, run, warm
from benches.report import Entry, Record, machine, versions, write

_DRAW: Final = "import sys, fastsample as f; f.sample(sys.argv[1], int(sys.argv[2]), smart=True)"
_PLAN: Final = ("--batch-size", "16", "--seconds-per-step", "1.0", "--epochs", "5")


@dataclass(frozen=True)
class Sides:
    """A source, a random sample of it, the rows of the sample."""

    source: str
    sample: str
    n: int

    def commands(self) -> dict[str, list[str]]:
        """Return what is timed, the reference first."""
        tool = [sys.executable, "-m", "fastsample"]
        return {
            "smart draw": [sys.executable, "-c", _DRAW, self.source, str(self.n)],
            "compare": [*tool, "compare", self.source, self.sample],
            "inspect": [*tool, "inspect", self.source],
            "plan": [*tool, "plan", self.source, *_PLAN],
        }


def measure(sides: Sides, rounds: int, timeout: float) -> list[Entry]:
    """Run every command ``rounds`` times; commands take turns."""
    runs: dict[str, list[Run]] = {name: [] for name in sides.commands()}
    failed: dict[str, str] = {}
    for turn in range(rounds):
        for name, command in sides.commands().items():
            if name in failed:
                continue
            result = run(command, cwd=ROOT, timeout=timeout)
            if result.error is not None:
                failed[name] = f"round {turn + 1}: {result.error}"
            else:
                runs[name].append(result)
            cost = f"{result.seconds:8.2f} s {result.cpu_seconds:8.2f} CPU s"
            peak = f"{result.peak_bytes / 2**20:8.0f} MiB"
            print(f"round {turn + 1}  {name:12}{cost}{peak}  {result.error or ''}", flush=True)
    return [Entry(name, True, runs[name], failed.get(name)) for name in runs]


def main() -> None:
    """Read the command line, run, write the record, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--input", type=Path, required=True, help="a file of benches.generate")
    parser.add_argument("--share", type=float, default=0.3, help="of the rows, in the sample")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds a run")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--record", type=Path, default=ROOT / "benches" / "record")
    parser.add_argument("--name", default="see", help="of the record")
    options = parser.parse_args()

    source = options.input.resolve()
    if (rows := count_rows(source)) is None:
        raise SystemExit(f"{source} is not Parquet; make it with python -m benches.generate")
    n = max(1, int(rows * options.share))
    begun = datetime.now().astimezone()
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-", dir=options.scratch) as folder:
        sides = Sides(str(source), str(Path(folder) / "sample.parquet"), n)
        command = [sys.executable, "-m", "fastsample", "sample", "--num_samples", str(n)]
        command += ["--input", sides.source, "--output", sides.sample]
        drawn = run(command, cwd=ROOT, timeout=options.timeout)
        if drawn.error is not None:
            raise SystemExit(f"the sample cannot be drawn: {drawn.error}")
        size = warm(source)
        entries = measure(sides, options.rounds, options.timeout)
    record = Record(
        task="see",
        date=begun.isoformat(timespec="seconds"),
        rows=rows,
        n=n,
        input_bytes=size,
        rounds=options.rounds,
        machine=machine(),
        versions=versions(),
        entries=entries,
    )
    name = f"{begun.date().isoformat()}-{options.name}"
    print(write(record, options.record, name))
    cpu = {entry.name: entry.middle(lambda run: run.cpu_seconds) for entry in entries}
    if cpu["compare"] and cpu["smart draw"]:
        print(f"compare / smart draw by CPU time: {cpu['compare'] / cpu['smart draw']:.2f}")
    print(f"record: {options.record / name}.md and .json")


if __name__ == "__main__":
    main()
