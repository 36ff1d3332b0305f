"""Run the fuzz targets, each for so many seconds of processor time, and write what they found.

::

    make fuzz FUZZ_SECONDS=3600

``make fuzz`` builds the targets first. Time is that of the processor, so that an hour is an hour on
a machine that does other work too. A target goes on from the corpus that earlier runs left, and the
first finding ends everything: its input is in ``fuzz/artifacts``.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.crates import tree

FOLDER = tree.ROOT / "fuzz"
TARGETS = tuple(sorted(path.stem for path in (FOLDER / "fuzz_targets").glob("*.rs")))
#: Seconds between two looks at the processor time.
LOOK = 2.0
#: Bounds of one input: MiB, and seconds on the clock, which other work may stretch.
MEMORY, PATIENCE = 2048, 120
#: What libFuzzer ends with when somebody interrupts it, who has found nothing.
INTERRUPTED = 72

TITLE = """\
| target | processor seconds | inputs run | edges | inputs kept | finding |
|---|---:|---:|---:|---:|---|"""


@dataclass(frozen=True)
class Run:
    """What a run of a target came to."""

    target: str
    seconds: float
    inputs: int
    edges: int
    kept: int
    is_clean: bool

    def __str__(self) -> str:
        """Return a row of the table below :data:`TITLE`."""
        finding = "none" if self.is_clean else "**see fuzz/artifacts**"
        return (
            f"| {self.target} | {self.seconds:,.0f} | {self.inputs:,} | {self.edges:,} "
            f"| {self.kept:,} | {finding} |"
        )


def processor_seconds(process: psutil.Process) -> float:
    """Return the seconds that the processor worked for ``process``."""
    times = process.cpu_times()
    return float(times.user + times.system)


def last(pattern: str, log: str) -> int:
    """Return the number of the last match of ``pattern`` in ``log``, 0 where there is none."""
    found = re.findall(pattern, log)
    return int(found[-1]) if found else 0


def run(target: str, binaries: Path, seconds: float, log: Path) -> Run:
    """Run ``target`` until it has had ``seconds`` of the processor, or has found something."""
    corpus, artifacts, kept = (FOLDER / name / target for name in ("corpus", "artifacts", "kept"))
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [
        str(binaries / target),
        str(corpus),
        *([str(kept)] if kept.is_dir() else []),
        f"-artifact_prefix={artifacts}/",
        f"-timeout={PATIENCE}",
        # Seconds on the clock as well: an input that waited for the processor is no finding.
        f"-report_slow_units={PATIENCE}",
        f"-rss_limit_mb={MEMORY}",
        "-print_final_stats=1",
    ]
    spent = 0.0
    with log.open("wb") as output:
        variables = os.environ | {
            "FASTSAMPLE_FUZZ_CORPUS": str(FOLDER / "corpus"),
            "LSAN_OPTIONS": f"suppressions={FOLDER / 'leaks.txt'}",
        }
        child = subprocess.Popen(command, stdout=output, stderr=output, env=variables)
        process = psutil.Process(child.pid)
        while child.poll() is None and spent < seconds:
            time.sleep(LOOK)
            try:
                spent = processor_seconds(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                break
        if child.poll() is None:
            child.send_signal(signal.SIGUSR1)  # libFuzzer ends well after the input it is at
        status = child.wait()
    text = log.read_text("utf-8", errors="replace")
    return Run(
        target,
        spent,
        last(r"stat::number_of_executed_units:\s+(\d+)", text) or last(r"(?m)^#(\d+)\s", text),
        last(r"cov: (\d+)", text),
        sum(1 for _ in corpus.iterdir()),
        status in (0, INTERRUPTED) and not any(artifacts.iterdir()),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the targets one after another and print a row for each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("targets", nargs="*", metavar="TARGET", help="some of the targets")
    options.add_argument("--binaries", type=Path, required=True, help="where they were built")
    options.add_argument("--seconds", type=float, default=3600, help="of the processor, for each")
    options.add_argument("--record", type=Path, help="also append the table to this file")
    chosen = options.parse_args(arguments)
    if unknown := sorted(set(chosen.targets) - set(TARGETS)):
        options.error(f"unknown: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    head = f"{datetime.date.today()}, {chosen.seconds:,.0f} seconds asked for each.\n\n{TITLE}"
    say(head, chosen.record)
    for target in chosen.targets or TARGETS:
        done = run(target, chosen.binaries, chosen.seconds, FOLDER / f"{target}.log")
        say(str(done), chosen.record)
        if not done.is_clean:
            raise SystemExit(f"{target} found something: see {FOLDER / f'{target}.log'}")


def say(line: str, record: Path | None) -> None:
    """Print ``line``, and append it to ``record`` where there is one."""
    print(line, flush=True)
    if record is not None:
        with record.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


if __name__ == "__main__":
    main()
