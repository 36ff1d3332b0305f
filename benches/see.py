"""Time `compare` of a sample with its source, beside a smart draw of a sample of that size.

::

    python -m benches.see --input /tmp/rows.parquet

The comparison should take at most three times as long as the draw, by the clock and by CPU time, in
memory that does not grow with the rows. ``inspect`` reads the same texts once; ``plan`` reads the
footer only and should answer within a second, the start of Python included. Every run is a fresh
process, commands take turns, and each has a row of the table.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from benches.arguments import ROOT, input_arguments, rows_of
from benches.process import Run, run, warm
from benches.report import Entry, Record, write
from benches.turns import by_turns

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


def main() -> None:
    """Read the command line, run, write the record, print the table."""
    parser = input_arguments(__doc__, rounds=3, name="see")
    parser.add_argument("--share", type=float, default=0.3, help="of the rows, in the sample")
    options = parser.parse_args()

    source = options.input.resolve()
    rows = rows_of(source)
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
        commands = sides.commands()

        def one(name: str) -> Run:
            return run(commands[name], cwd=ROOT, timeout=options.timeout)

        runs, failed = by_turns(list(commands), options.rounds, one)
    entries = [Entry(name, True, runs[name], failed.get(name)) for name in commands]
    record = Record(
        task="see",
        date=begun.isoformat(timespec="seconds"),
        rows=rows,
        n=n,
        input_bytes=size,
        rounds=options.rounds,
        entries=entries,
    )
    write(record, options.record, options.name)
    cpu = {entry.name: entry.middle(lambda run: run.cpu_seconds) for entry in entries}
    if cpu["compare"] and cpu["smart draw"]:
        print(f"compare / smart draw by CPU time: {cpu['compare'] / cpu['smart draw']:.2f}")


if __name__ == "__main__":
    main()
