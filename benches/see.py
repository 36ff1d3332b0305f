"""Time a comparison of a sample with its source, beside a smart draw of a sample of that size.

The comparison should take at most three times as long as the draw::

    python -m benches.see --input /tmp/rows.parquet
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

#: Prints seconds and peak memory (`VmHWM`, KiB) of one call.
_RUN = """
import json, sys, time, fastsample
task, source, sample, n = sys.argv[1:]
started = time.perf_counter()
if task == "smart draw":
    fastsample.sample(source, int(n), smart=True)
else:
    fastsample.compare(source, sample)
seconds = time.perf_counter() - started
with open("/proc/self/status") as status:
    lines = dict(line.split(":", 1) for line in status)
print(json.dumps([seconds, int(lines["VmHWM"].split()[0]) / 1024]))
"""


def main() -> None:
    """Run both by turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows = pq.read_metadata(options.input).num_rows
    n = max(1, int(rows * options.share))
    tasks = ("smart draw", "compare")
    found: dict[str, list[list[float]]] = {task: [] for task in tasks}
    with tempfile.TemporaryDirectory(dir=options.input.parent) as folder:
        sample = Path(folder) / "sample.parquet"
        write = "import sys, fastsample as f; f.sample(sys.argv[1], int(sys.argv[3]))"
        write += ".write_parquet(sys.argv[2])"
        arguments = [str(options.input), str(sample), str(n)]
        subprocess.run([sys.executable, "-c", write, *arguments], check=True)
        for _ in range(options.rounds):
            for task in tasks:
                command = [sys.executable, "-c", _RUN, task, *arguments]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[task].append(json.loads(done.stdout))
    print(f"{rows:,} rows, a sample of {n:,}")
    for task in tasks:
        seconds = statistics.median(run[0] for run in found[task])
        peak = max(run[1] for run in found[task])
        print(f"{task:12} {seconds:8.2f} s {peak:8.0f} MiB")
    ratios = [c[0] / d[0] for d, c in zip(found["smart draw"], found["compare"], strict=True)]
    print(f"compare / smart draw: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
