"""The record of a quality benchmark: tables as Markdown, a plot, every single result as JSON."""
# mypy: disable-error-code="import-not-found,unused-ignore"

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Final

Figures = Mapping[str, float]

VIEWS: Final = ("uniform_all", "source_all", "uniform_clean", "source_clean")
TITLES: Final = ("all", "all, by source", "cleaned", "cleaned, by source")
LOOKS: Final = (
    "rows",
    "mean_characters",
    "distinct_3grams",
    "self_repetition",
    "compression",
    "exact_copies",
    "near_copies",
    "kl",
)
REGIMES: Final = {"compute": "compute-bound", "data": "data-bound"}


@dataclass(frozen=True)
class Job:
    """One measurement: who judges, in which regime, which sample, which seed."""

    judge: str
    regime: str
    sampler: str
    share: float
    unit: str
    seed: int


Results = Mapping[Job, Figures]


def _without_effect(job: Job) -> set[str]:
    """Return the parts of a plan that do not matter to a job."""
    if job.judge == "transformer":
        return {"once"} if job.regime == "data" else {"characters"}
    # `characters` settles how large a pool of the data-bound regime is.
    return {"once", "width", "layers", "batch", "judge"} | (
        {"characters"} if job.regime == "compute" else set()
    )


def load(cache: Path, plan: Mapping[str, Any]) -> dict[Job, Figures]:
    """Return the results of the same plan, as far as it matters to them.

    A last line cut short by an interruption is left out.
    """
    found: dict[Job, Figures] = {}
    if not cache.exists():
        return found
    for line in cache.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        job = Job(**entry["job"])
        free = _without_effect(job)
        if all(entry["plan"].get(key) == plan[key] for key in plan if key not in free):
            found[job] = entry["figures"]
    return found


def brief(figures: Figures) -> str:
    """Return the four figures of a judge, or the first figures of a look, on one line."""
    keys = VIEWS if VIEWS[0] in figures else LOOKS
    return " ".join(f"{figures[key]:.4g}" for key in keys if key in figures)


def equal_share(value: float, curve: Sequence[tuple[float, float]]) -> str:
    """Return the random share that needs as many bits, linear in the logarithm of the share."""
    points = sorted(curve)
    if len(points) < 2:
        return "-"
    if value >= points[0][1]:
        return f"< {points[0][0]:.0%}"
    for (low, high_bits), (high, low_bits) in pairwise(points):
        if low_bits <= value <= high_bits and high_bits > low_bits:
            part = (high_bits - value) / (high_bits - low_bits)
            return f"{math.exp(math.log(low) + part * math.log(high / low)):.0%}"
    return f"> {points[-1][0]:.0%}"


def is_flat(judge: str, regime: str) -> bool:
    """Tell whether all random shares are alike: with compute fixed and no row seen twice."""
    return judge == "transformer" and regime == "compute"


Group = tuple[str, float, str]


def _groups(results: Results, judge: str, regime: str) -> dict[Group, dict[int, Figures]]:
    groups: dict[Group, dict[int, Figures]] = defaultdict(dict)
    for job, figures in results.items():
        if (job.judge, job.regime) == (judge, regime):
            groups[job.sampler, job.share, job.unit][job.seed] = figures
    return groups


@dataclass(frozen=True)
class Curve:
    """Random samples by their share, over the seeds that all of them have: pools differ by seed."""

    seeds: frozenset[int]
    runs: Mapping[float, Mapping[int, Figures]]

    @classmethod
    def of(cls, groups: Mapping[Group, Mapping[int, Figures]]) -> Curve:
        """Take the random samples out of all groups."""
        runs = {
            share: found
            for (sampler, share, unit), found in groups.items()
            if sampler == "random" and unit == "characters"
        }
        every = map(frozenset, runs.values())
        return cls(frozenset.intersection(*every) if runs else frozenset(), runs)

    def points(self, view: str) -> list[tuple[float, float]]:
        """Return each share, ascending, with its mean bits."""
        if not self.seeds:
            return []
        means = {s: mean(runs[seed][view] for seed in self.seeds) for s, runs in self.runs.items()}
        return sorted(means.items())

    def equal(self, runs: Mapping[int, Figures], view: str) -> str:
        """Return the share that does as well as `runs`, if there is a curve to tell."""
        if len(self.runs) < 2 or not self.seeds or not self.seeds <= runs.keys():
            return ""
        value = mean(runs[seed][view] for seed in self.seeds)
        return f" = {equal_share(value, self.points(view))}"


def _cell(
    runs: Mapping[int, Figures],
    base: Mapping[int, Figures] | None,
    view: str,
    curve: Curve | None,
) -> str:
    values = [figures[view] for figures in runs.values()]
    text = f"{mean(values):.3f}"
    if len(values) > 1:
        text += f" ± {stdev(values):.3f}"
    if base is not None:
        pairs = [100 * (runs[seed][view] / base[seed][view] - 1) for seed in runs if seed in base]
        if pairs:
            text += f" ({mean(pairs):+.2f} %)"
    return text if curve is None else text + curve.equal(runs, view)


def table(results: Results, judge: str, regime: str) -> list[str]:
    """Return the table of one judge in one regime, or nothing without results."""
    groups = _groups(results, judge, regime)
    if not groups:
        return []
    curve = None if is_flat(judge, regime) else Curve.of(groups)
    lines = [
        f"## {judge}, {REGIMES[regime]}",
        "",
        "| sampler | share | equal | " + " | ".join(TITLES) + " |",
        "|---|---:|---|" + "---:|" * len(VIEWS),
    ]
    for group, runs in groups.items():
        sampler, share, unit = group
        base = None if sampler == "random" else groups.get(("random", share, unit))
        cells = [_cell(runs, base, view, None if sampler == "random" else curve) for view in VIEWS]
        lines.append(f"| {sampler} | {share:.0%} | {unit} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def looks(results: Results, regime: str) -> list[str]:
    """Return the table of figures without a judge, means over the seeds."""
    groups = _groups(results, "look", regime)
    if not groups:
        return []
    lines = [
        f"## The samples, {REGIMES[regime]} pool",
        "",
        "| sampler | share | equal | " + " | ".join(LOOKS) + " |",
        "|---|---:|---|" + "---:|" * len(LOOKS),
    ]
    for (sampler, share, unit), runs in groups.items():
        cells = [f"{mean(figures[key] for figures in runs.values()):,.4g}" for key in LOOKS]
        lines.append(f"| {sampler} | {share:.0%} | {unit} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def markdown(results: Results, plan: Mapping[str, Any], today: str) -> str:
    """Return the page."""
    seeds = sorted({job.seed for job in results})
    parts = [
        f"# Quality of samples, {today}",
        "",
        f"Bits per character on held-out rows, fewer is better; mean ± spread over seeds {seeds}; "
        "in brackets the difference from a random sample of the same size, pairs of one seed; "
        "after = the random share that does as well, over the seeds that the whole curve has.",
        "",
        *(f"- {key}: {value}" for key, value in plan.items()),
        "",
    ]
    for judge in ("transformer", "ngram"):
        for regime in REGIMES:
            parts += table(results, judge, regime)
    for regime in REGIMES:
        parts += looks(results, regime)
    return "\n".join(parts)


def plot(results: Results, path: Path) -> None:
    """Draw the random curve and every other sample, a panel a judge and regime."""
    import matplotlib  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415, RUF100

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415, RUF100

    panels = [
        (judge, regime, groups)
        for judge in ("transformer", "ngram")
        for regime in REGIMES
        if (groups := _groups(results, judge, regime))
    ]
    if not panels:
        return
    size = (6 * len(VIEWS), 4.5 * len(panels) + 1)
    figure, axes = pyplot.subplots(
        len(panels), len(VIEWS), figsize=size, squeeze=False, layout="constrained"
    )
    samplers = dict.fromkeys(name for _, _, groups in panels for name, _, _ in groups)
    colours = {name: f"C{i}" for i, name in enumerate(n for n in samplers if n != "random")}
    marks = {}
    for row, (judge, regime, groups) in zip(axes, panels, strict=True):
        for axis, view, title in zip(row, VIEWS, TITLES, strict=True):
            points = {"random": Curve.of(groups).points(view)}
            for (sampler, share, unit), runs in groups.items():
                if sampler != "random" and unit == "characters":
                    value = mean(figures[view] for figures in runs.values())
                    points.setdefault(sampler, []).append((share, value))
            for sampler, found in points.items():
                shares, bits = [share for share, _ in found], [bits for _, bits in found]
                style = "o-" if sampler == "random" else "x"
                colour = colours.get(sampler, "grey")
                (marks[sampler],) = axis.plot(shares, bits, style, color=colour)
            # What the entropy rule needs would leave no room to tell the others apart.
            shown = [b for s, found in points.items() if s != "entropy" for _, b in found]
            margin = 0.05 * (max(shown) - min(shown)) + 0.005
            axis.set_ylim(min(shown) - margin, max(shown) + margin)
            axis.set(title=f"{judge}, {REGIMES[regime]}: {title}", xlabel="share of characters")
            axis.set_ylabel("bits per character")
    labels = [name + " (mostly off the scale)" * (name == "entropy") for name in marks]
    figure.legend(marks.values(), labels, loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def write(results: Results, plan: Mapping[str, Any], folder: Path, name: str) -> str:
    """Write ``<date>-<name>.md``, ``.json`` and ``.png`` into ``folder``; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    today = date.today().isoformat()
    page = markdown(results, plan, today)
    (folder / f"{today}-{name}.md").write_text(page + "\n", encoding="utf-8")
    plain = [asdict(job) | {"figures": figures} for job, figures in results.items()]
    text = json.dumps({"plan": plan, "results": plain}, indent=1) + "\n"
    (folder / f"{today}-{name}.json").write_text(text, encoding="utf-8")
    plot(results, folder / f"{today}-{name}.png")
    return page
