"""The record of a comparison: medians and ratios as a Markdown table, every run as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Final

from benches.process import Run

PACKAGES: Final = ("fastsample", "pyarrow", "pandas", "polars", "duckdb", "datasets", "numpy")
FLOOR: Final = "floor"
REASON_CHARS: Final = 160


@dataclass(frozen=True)
class Entry:
    """A contender and its good runs; with a ``failure`` it counts as failed all the same."""

    name: str
    exact: bool
    runs: Sequence[Run]
    failure: str | None

    def middle(self, figure: Callable[[Run], float]) -> float | None:
        """Return the median of a figure over the runs, or None without runs."""
        return median(map(figure, self.runs)) if self.runs else None

    @property
    def seconds(self) -> float | None:
        """Median seconds by the clock."""
        return self.middle(lambda run: run.seconds)


@dataclass(frozen=True)
class Record:
    """All that a reader needs to judge a comparison or to run it again."""

    task: str
    date: str
    rows: int
    n: int
    input_bytes: int
    rounds: int
    entries: Sequence[Entry]
    machine: dict[str, str] = field(default_factory=lambda: machine())
    versions: dict[str, str] = field(default_factory=lambda: versions())


def _after_colon(path: str, key: str) -> str:
    """Return the value of the first line ``key : value`` of a file of /proc, or ``unknown``."""
    try:
        with Path(path).open(encoding="utf-8") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return "unknown"


def machine() -> dict[str, str]:
    """Describe the machine: processor, cores, memory, system, Python, load."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "processor": _after_colon("/proc/cpuinfo", "model name"),
        "cores": str(len(affinity(0)) if affinity else os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "load at the end": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def versions() -> dict[str, str]:
    """Return the installed version of every package that takes part."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _ratio(seconds: float | None, base: float | None) -> str:
    return f"{seconds / base:.2f}" if seconds is not None and base else "-"


def _line(entry: Entry, first: float | None, floor: float | None) -> str:
    name = entry.name if entry.exact else f"{entry.name} (about n)"
    seconds, cpu = entry.seconds, entry.middle(lambda run: run.cpu_seconds)
    peak = entry.middle(lambda run: run.peak_bytes)
    if entry.failure is not None:
        reason = entry.failure.replace("|", "\\|")[:REASON_CHARS]
        return f"| {name} | failed | {reason} | | | | |"
    if seconds is None or cpu is None or peak is None:
        return f"| {name} | not run | | | | | |"
    span = f"{min(r.seconds for r in entry.runs):.2f} to {max(r.seconds for r in entry.runs):.2f}"
    memory = "-" if entry.name == FLOOR else f"{peak / 2**20:,.0f}"
    return (
        f"| {name} | {seconds:.2f} | {span} | {cpu:.2f} | {memory} "
        f"| {_ratio(seconds, first)} | {_ratio(seconds, floor)} |"
    )


def markdown(record: Record) -> str:
    """Return the record as a page: what was done, the table, the machine."""
    by_name = {entry.name: entry for entry in record.entries}
    first = record.entries[0]
    base = first.seconds if first.failure is None else None
    floor = by_name[FLOOR].seconds if FLOOR in by_name else None
    gigabytes = record.input_bytes / 1e9
    parts = [
        f"# {record.task}: {record.n:,} of {record.rows:,} rows",
        "",
        f"{record.date}. Input {gigabytes:.2f} GB of Parquet, page cache warm. Medians of "
        f"{record.rounds} rounds, each run a fresh process, contenders by turns. The floor is "
        "measured inside its process; its peak is left out.",
        "",
        f"| contender | seconds | span | CPU seconds | peak MiB | × {first.name} | × floor |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_line(entry, base, floor) for entry in record.entries),
        "",
    ]
    return "\n".join([*parts, *_listed(record.machine | record.versions)]) + "\n"


def _listed(facts: dict[str, str]) -> list[str]:
    return [f"- {key}: {value}" for key, value in facts.items()]


def _plain(record: Record) -> dict[str, object]:
    """Return the record for JSON, without what the processes printed."""
    plain = asdict(record)
    for entry in plain["entries"]:
        for figures in entry["runs"]:
            del figures["output"]
    return plain


def write(record: Record, folder: Path, name: str | None) -> None:
    """Write a record as Markdown and JSON, named by its date and by ``name`` or its task."""
    path = folder / f"{record.date[:10]}-{name or record.task}.md"
    _put(markdown(record), path)
    text = json.dumps(_plain(record), indent=1, ensure_ascii=False) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")


def write_page(lines: Sequence[str], path: Path) -> None:
    """Write a page, with the machine and the versions at its end."""
    _put(with_machine(lines), path)


def with_machine(lines: Sequence[str]) -> str:
    """Return a page: its lines, then the machine and the versions."""
    return "\n".join([*lines, "", *_listed(machine() | versions())]) + "\n"


def _put(page: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    print(page)
    print(f"record: {path}")
