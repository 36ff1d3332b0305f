"""The hours of a plan's alternatives as a plot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fastsample._figure import COLOURS, figure
from fastsample._planning.model import Scenario


def plot_hours(
    alternatives: Sequence[Scenario],
    wanted: Scenario | None,
    now: Scenario,
    path: Path,
    inputs: Iterable[Path] = (),
) -> None:
    """Draw the hours of every alternative, and how many times faster than `now` it is."""
    shown = alternatives[::-1]
    with figure(path, 8, 1.2 + 0.5 * len(shown), inputs) as (axes, label):
        chosen = [scenario is wanted for scenario in shown]
        bars = axes.barh(
            [label(scenario.name) for scenario in shown],
            [scenario.hours for scenario in shown],
            color=[COLOURS[1] if mark else COLOURS[0] for mark in chosen],
            hatch=["//" if mark else "" for mark in chosen],
        )
        texts = [f" {each.hours:,.1f} h ({now.hours / each.hours:.1f} x)" for each in shown]
        axes.bar_label(bars, texts)
        axes.margins(x=0.25)
        axes.set_xlabel("hours of training")
        axes.set_title(f"Hours of training on {now.rows:,} rows", loc="left")
