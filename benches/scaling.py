"""Curves of time, CPU time and memory against rows, the share drawn, threads, and storage.

::

    python -m benches.scaling --rows 10_000_000            # hours, 20 GB of disk
    python -m benches.scaling --rows 200_000 --only threads,codecs --record /tmp/record

A *curve* changes one thing and leaves the rest alone: ``--rows`` rows of (prompt, response) in
snappy, row groups of a tenth of the rows, one file, 30 % drawn to a file, all cores. A point is the
median of ``--rounds`` fresh processes; a round goes through all points of a curve. The data of a
curve is made before it and deleted after it. There is a plot for each curve and one table for all.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benches.arguments import ROOT, run_arguments
from benches.process import Run, run, warm
from benches.report import machine, with_machine

SHARE: Final = 0.3
COLORS: Final = ("#0072B2", "#D55E00", "#009E73")
"""Blue, vermilion and green of Okabe and Ito, which colour-blind readers can distinguish."""


@dataclass(frozen=True)
class Point:
    """One measurement: its place on the axis, the data, the draw."""

    label: str
    rows: int
    n: int
    stored: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """What distinguishes its data from those of other points."""
        return f"{self.rows} {self.stored}"


@dataclass(frozen=True)
class Curve:
    """What changes, and the points."""

    name: str
    axis: str
    points: tuple[Point, ...]


def curves(rows: int, cores: int) -> list[Curve]:
    """Return every curve for ``rows`` rows."""
    n = max(1, round(rows * SHARE))
    shares = (0.00001, 0.001, 0.01, 0.1, 0.3, 1.0)
    sizes = [max(1, round(rows * factor)) for factor in (0.1, 0.3, 1, 3)]
    two = ("--columns", "prompt", "response")
    return [
        Curve("rows", "rows", tuple(Point(f"{r:,}", r, max(1, round(r * SHARE))) for r in sizes)),
        Curve(
            "share",
            "share of the rows drawn",
            tuple(Point(f"{s:.3%}", rows, max(1, round(rows * s))) for s in shares),
        ),
        Curve(
            "threads",
            "threads",
            tuple(Point(str(t), rows, n, {}, ("--threads", str(t))) for t in range(1, cores + 1)),
        ),
        Curve(
            "codecs",
            "codec",
            tuple(
                Point(c, rows, n, {"codec": c}) for c in ("none", "snappy", "zstd", "lz4", "gzip")
            ),
        ),
        Curve(
            "row-groups",
            "row groups",
            tuple(
                Point(f"{g:,}", rows, n, {"row_group_rows": -(-rows // g)}) for g in (1, 10, 1000)
            ),
        ),
        Curve("files", "files", tuple(Point(str(f), rows, n, {"files": f}) for f in (1, 100))),
        Curve(
            "columns",
            "columns in the file (two are kept)",
            tuple(Point(str(2 + w), rows, n, {"wide": w}, two) for w in (0, 48)),
        ),
        Curve(
            "fastparquet",
            "threads, one GZIP row group of fastparquet",
            tuple(
                Point(
                    str(t),
                    max(1, rows // 5),
                    max(1, n // 5),
                    {"codec": "gzip", "writer": "fastparquet", "row_group_rows": rows},
                    ("--threads", str(t)),
                )
                for t in range(1, cores + 1)
            ),
        ),
    ]


def _apart(task: Callable[..., None], *arguments: object) -> None:
    """Run a task in a process of its own: what is measured starts with the peak of this one."""
    process = multiprocessing.get_context("spawn").Process(target=task, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{task.__name__} failed, see above")


def _make(path: Path, rows: int, stored: dict[str, Any]) -> None:
    from benches.generate import generate

    generate(path, rows, **stored)


def _command(point: Point, source: Path, output: Path) -> list[str]:
    head = [sys.executable, "-m", "benches.baselines.ours", "--input", str(source)]
    return [*head, "--output", str(output), "--n", str(point.n), *point.flags]


def measure(curve: Curve, rounds: int, scratch: Path, timeout: float) -> list[list[Run]]:
    """Make the data of a curve, run its points in turn, and delete everything."""
    found: list[list[Run]] = [[] for _ in curve.points]
    with tempfile.TemporaryDirectory(prefix="fastsample-scaling-", dir=scratch) as folder:
        made: dict[str, Path] = {}
        for point in curve.points:
            if point.data not in made:
                name = f"data-{len(made)}" + (
                    "" if point.stored.get("files", 1) > 1 else ".parquet"
                )
                made[point.data] = Path(folder) / name
                groups = {"row_group_rows": max(1, -(-point.rows // 10)), **point.stored}
                _apart(_make, made[point.data], point.rows, groups)
        for _ in range(rounds):
            for index, point in enumerate(curve.points):
                source = made[point.data]
                warm(source)
                output = Path(folder) / "sample.parquet"
                result = run(_command(point, source, output), cwd=ROOT, timeout=timeout)
                output.unlink(missing_ok=True)
                os.sync()
                if result.error is not None or result.rows != point.n:
                    raise SystemExit(f"{curve.name}, {point.label}: {result.error or 'rows'}")
                found[index].append(result)
                print(f"{curve.name:12} {point.label:>12} {result.seconds:8.2f} s", flush=True)
    return found


def _figures(runs: Sequence[Run]) -> tuple[float, float, float]:
    """Return median seconds, CPU seconds and peak MiB."""
    return (
        median(r.seconds for r in runs),
        median(r.cpu_seconds for r in runs),
        median(r.peak_bytes for r in runs) / 2**20,
    )


def plot(curve: Curve, figures: Sequence[tuple[float, float, float]], path: Path) -> None:
    """Draw time, CPU time and memory of a curve, one panel each, from zero."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    labels = [point.label for point in curve.points]
    panels = plt.subplots(1, 3, figsize=(10.5, 3.2), layout="constrained")
    shapes = zip(("seconds", "CPU seconds", "peak MiB"), "os^", COLORS, strict=True)
    for index, (name, marker, color) in enumerate(shapes):
        axes = panels[1][index]
        axes.plot(labels, [row[index] for row in figures], marker=marker, color=color)
        axes.set(title=name, xlabel=curve.axis, ylim=(0, None))
        axes.tick_params(axis="x", rotation=30)
    panels[0].savefig(path, dpi=110)
    plt.close(panels[0])


def main() -> None:
    """Read the command line, measure, write plots, a table and every run."""
    cores = int(machine()["cores"])
    known = curves(1, cores)
    parser = run_arguments(__doc__, timeout=900.0)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--only", default=",".join(curve.name for curve in known))
    parser.add_argument("--name", default="scaling", help="of the record, behind its date")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - {curve.name for curve in known}:
        raise SystemExit(f"no curve {', '.join(sorted(unknown))}")
    options.record.mkdir(parents=True, exist_ok=True)
    begun = datetime.now().astimezone()
    name = f"{begun.date().isoformat()}-{options.name}"
    lines = [
        f"# Scaling: {options.rows:,} rows",
        "",
        f"{begun.isoformat(timespec='seconds')}. Medians of {options.rounds} fresh processes.",
    ]
    page = options.record / f"{name}.md"
    plain = {}
    for curve in (curve for curve in curves(options.rows, cores) if curve.name in wanted):
        runs = measure(curve, options.rounds, options.scratch, options.timeout)
        figures = [_figures(point) for point in runs]
        image = f"{name}-{curve.name}.png"
        _apart(plot, curve, figures, options.record / image)
        lines += ["", f"## {curve.name}", "", f"![{curve.axis}]({image})", ""]
        lines += [f"| {curve.axis} | n | seconds | CPU seconds | peak MiB |", "|---|" + "---:|" * 4]
        lines += [
            f"| {point.label} | {point.n:,} | {seconds:.2f} | {cpu:.2f} | {peak:,.0f} |"
            for point, (seconds, cpu, peak) in zip(curve.points, figures, strict=True)
        ]
        plain[curve.name] = [
            {"point": asdict(point), "runs": [asdict(one) for one in found]}
            for point, found in zip(curve.points, runs, strict=True)
        ]
        # Curve by curve, so that whoever stops keeps those that were measured.
        page.write_text(with_machine(lines), encoding="utf-8")
        page.with_suffix(".json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    print(f"record: {page}")


if __name__ == "__main__":
    main()
