"""The record of a measurement: a table as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import mean
from typing import Any, Final

import numpy as np

from research.quality.data import Corpus, Floats, Ints
from research.quality.interval import MEANS, gain

# Which held-out rows, and which mean over them.
COLUMNS: Final = tuple((kind, name) for kind in ("by rows", "by groups") for name in MEANS)


@dataclass(frozen=True)
class Result:
    """The bits of the response of each held-out row, and the size of the sample."""

    bits: Floats
    facts: Mapping[str, float]


Results = Mapping[tuple[str, str, int], Result]


def page(plan: Mapping[str, Any], held: Corpus, of_rows: int, results: Results) -> str:
    """Return the page: what was measured, then a table for each cost."""
    lines = [
        f"# Response bits of samples, {date.today().isoformat()}",
        "",
        "Bits of the response given the prompt, in percent of those after a random sample: fewer",
        "is better. ± is half the 95 % interval, a bootstrap over seeds and held-out rows at once;",
        "bold where it leaves out zero. *Characters*: all bits over all characters; *rows*: the",
        "mean over rows; *collections*: the mean over collections. *By rows*: held-out rows drawn",
        "at random; *by groups*: held out by groups of near-duplicates. *Overlap*: the share of",
        "their characters in rows that share half of their 10-grams with the pool.",
        "",
        *(f"- {name}: {_words(value)}" for name, value in plan.items()),
    ]
    for cost in dict.fromkeys(cost for _, cost, _ in results):
        lines += ["", f"## Equal {cost}", "", *table(held, of_rows, results, cost)]
    return "\n".join(lines)


def table(held: Corpus, of_rows: int, results: Results, cost: str) -> list[str]:
    """Return the lines of a table: a sample a row, each against ``random``."""
    seeds = sorted({seed for _, known, seed in results if known == cost})
    kinds = {
        "by rows": np.arange(of_rows, dtype=np.int64),
        "by groups": np.arange(of_rows, held.rows, dtype=np.int64),
    }
    names = list(dict.fromkeys(name for name, known, _ in results if known == cost))
    heads = [f"{kind}, {name}" for kind, name in COLUMNS]
    sizes = ("rows", "distinct rows", "response characters", "padded")
    lines = [f"| sample | {' | '.join(heads)} | {' | '.join(sizes)} |"]
    lines.append("|---|" + "---:|" * (len(heads) + len(sizes)))
    random = np.stack([results["random", cost, seed].bits for seed in seeds])
    for name in names:
        runs = [results[name, cost, seed] for seed in seeds]
        bits = np.stack([run.bits for run in runs])
        cells = [
            _cell(name, bits, random, held.take(kinds[kind]), kinds[kind], how)
            for kind, how in COLUMNS
        ]
        cells += [_size(results, name, cost, seeds, size) for size in sizes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _cell(name: str, bits: Floats, random: Floats, held: Corpus, rows: Ints, mean_over: str) -> str:
    lengths = held.response_lengths()
    if name == "random":
        return f"{(random[:, rows].sum(axis=1) / lengths.sum()).mean():.3f} bits"
    found = gain(bits[:, rows], random[:, rows], lengths, held.collection, mean_over)
    return f"**{found}**" if found.seen and found.seeds > 1 else str(found)


def _size(results: Results, name: str, cost: str, seeds: list[int], size: str) -> str:
    own = mean(results[name, cost, seed].facts[size] for seed in seeds)
    if size == "rows":
        return f"{own:,.0f}"
    random = mean(results["random", cost, seed].facts[size] for seed in seeds)
    return f"{own:,.0f}" if name == "random" else f"{100 * (own / random - 1):+.1f} %"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
