"""Time a second smart draw, with the features kept of the first, beside a uniform draw.

::

    python -m benches.kept --input /tmp/rows.parquet

The second draw has another seed and other strengths than the one that kept the features. It should
take at most 1.15 of the time of a uniform draw of as many rows. Every run is a fresh process that
writes a file, and contenders take turns.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benches.arguments import ROOT, input_arguments, rows_of
from benches.process import Run, count_rows, run, warm
from benches.report import Entry, Record, write
from benches.turns import by_turns


@dataclass(frozen=True)
class Draws:
    """A source, the rows to draw, and a folder for the features and the samples."""

    source: Path
    n: int
    folder: Path
    timeout: float

    @property
    def kept(self) -> Path:
        """The features of a draw before the first turn."""
        return self.folder / "kept"

    def options(self) -> dict[str, list[str]]:
        """Return the options of each contender, the reference first."""
        first = self.folder / "first"
        strengths = ["--strength", "duplicates=0.5", "--strength", "length=0.5"]
        return {
            "uniform": [],
            "second smart draw": ["--smart", *strengths, "--features", str(self.kept)],
            "smart": ["--smart"],
            "smart, keeps features": ["--smart", "--features", str(first)],
        }

    def draw(self, name: str, seed: int = 7) -> Run:
        """Draw and write; check the rows, and remove what is not needed again."""
        output = self.folder / "sample.parquet"
        command = [sys.executable, "-m", "fastsample", "sample", "--num_samples", str(self.n)]
        command += ["--input", str(self.source), "--output", str(output), "--seed", str(seed)]
        done = run([*command, *self.options()[name]], cwd=ROOT, timeout=self.timeout)
        if done.error is None and count_rows(output) != self.n:
            done = replace(done, error="other rows than were asked for")
        for path in (output, self.folder / "first"):
            path.unlink(missing_ok=True)
        os.sync()
        return done


def main() -> None:
    """Read the command line, run, write the record, print the table."""
    parser = input_arguments(__doc__, name="kept-features")
    parser.add_argument("--share", type=float, default=0.3, help="of the rows, in the sample")
    options = parser.parse_args()

    source = options.input.resolve()
    rows = rows_of(source)
    begun = datetime.now().astimezone()
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-", dir=options.scratch) as folder:
        draws = Draws(source, max(1, int(rows * options.share)), Path(folder), options.timeout)
        size = warm(source)
        before = draws.draw("second smart draw", seed=42)
        if before.error is not None:
            raise SystemExit(f"the features can't be kept: {before.error}")
        print(f"features: {draws.kept.stat().st_size / rows:.1f} bytes a row")
        names = list(draws.options())
        runs, failed = by_turns(names, options.rounds, draws.draw)
    entries = [Entry(name, True, runs[name], failed.get(name)) for name in names]
    record = Record(
        task="kept-features",
        date=begun.isoformat(timespec="seconds"),
        rows=rows,
        n=draws.n,
        input_bytes=size,
        rounds=options.rounds,
        entries=entries,
    )
    write(record, options.record, options.name)


if __name__ == "__main__":
    main()
