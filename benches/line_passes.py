"""CPU seconds of the two passes of a plain draw from JSON Lines, of several builds by turns.

::

    python -m benches.lines --rows 1_000_000 --make /tmp/lines
    python -m benches.line_passes --input /tmp/lines/rows.jsonl
    python -m benches.line_passes --input /tmp/lines/rows.jsonl --builds /tmp/old python

A build is a folder that holds the package ``fastsample``. Each run is a fresh process with one
thread, which draws 30 % of the lines and writes them as JSON Lines. What Python imports at first
use is imported before, by a draw from a small file, and not counted.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Final

from benches.arguments import ROOT, run_arguments
from benches.process import Run, run, warm
from benches.report import write_page
from benches.turns import by_turns

PASSES: Final = ("open", "write", "both")
_DRAW: Final = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import fastsample
source, output = sys.argv[2:]
first = output + ".first.jsonl"
with open(first, "w") as file:
    file.write('{"a": "x"}\\n' * 10)
fastsample.sample(first, 5, threads=1).write_jsonl(output + ".second.jsonl")
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
start = cpu()
sample = fastsample.sample(source, fraction=0.3, threads=1)
opened = cpu()
sample.write_jsonl(output)
written = cpu()
print(f"open={opened - start}\\nwrite={written - opened}\\nboth={written - start}")
"""


def seconds(output: str, name: str) -> float:
    """Return the CPU seconds of a pass that a run printed."""
    found = re.search(rf"^{name}=(\S+)$", output, re.MULTILINE)
    return float(found[1]) if found else float("nan")


def table(outputs: Mapping[str, Sequence[str]], megabytes: float) -> list[str]:
    """Return the lines of the table: medians, and medians of ratios within a round."""
    base = next(iter(outputs.values()))
    lines = [
        "| build | pass | CPU s | MB/CPU s | × the first build |",
        "|---|---|---:|---:|---:|",
    ]
    for build, runs in outputs.items():
        for name in PASSES:
            times = [seconds(output, name) for output in runs]
            firsts = [seconds(output, name) for output in base]
            ratio = median(time / first for time, first in zip(times, firsts, strict=False))
            middle = median(times)
            lines.append(
                f"| {build} | {name} | {middle:.3f} | {megabytes / middle:,.0f} | {ratio:.2f} |"
            )
    return lines


def main() -> None:
    """Measure, print and write the table."""
    parser = run_arguments(__doc__, rounds=9)
    parser.add_argument("--input", type=Path, required=True, help="a file of JSON Lines")
    parser.add_argument("--builds", nargs="+", default=["python"], help="folders of builds")
    options = parser.parse_args()
    begun = datetime.now().astimezone()
    megabytes = options.input.stat().st_size / 1e6
    warm(options.input)
    with tempfile.TemporaryDirectory(prefix="fastsample-passes-", dir=options.scratch) as folder:

        def one(build: str) -> Run:
            output = Path(folder) / "out.jsonl"
            command = [sys.executable, "-c", _DRAW, build, str(options.input), str(output)]
            done = run(command, cwd=ROOT, timeout=options.timeout)
            output.unlink(missing_ok=True)
            os.sync()
            return done

        runs, failed = by_turns(options.builds, options.rounds, one)
    if failed:
        raise SystemExit("\n".join(f"{build}: {why}" for build, why in failed.items()))
    outputs = {build: [done.output for done in runs[build]] for build in options.builds}
    page = [
        "# JSON Lines: the passes of a plain draw",
        "",
        f"{begun.isoformat(timespec='seconds')}. {megabytes:,.0f} MB of plain lines, page cache "
        f"warm, 30 % drawn and written as JSON Lines, one thread. Medians of {options.rounds} "
        "rounds by turns; imports are not counted.",
        "",
        *table(outputs, megabytes),
    ]
    write_page(page, options.record / f"{begun.date().isoformat()}-line-passes.md")


if __name__ == "__main__":
    main()
