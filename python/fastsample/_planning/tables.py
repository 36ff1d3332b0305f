"""A plan as tables, for the terminal and for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastsample._layout import Block, Sentences, Table
from fastsample._planning.model import Scenario
from fastsample._planning.padding import LengthFacts


def blocks(
    alternatives: Sequence[Scenario],
    wanted: Scenario | None,
    budget_hours: float | None,
    lengths: Sequence[LengthFacts],
    unit: str,
    assumptions: Sequence[str],
) -> Iterator[Block]:
    """Yield the parts of the report; the first of the alternatives is training as it is."""
    now = alternatives[0]
    memory = ("GPU GiB",) if now.gpu_memory is not None else ()
    yield Table(
        f"Training on {now.rows:,} rows",
        ("plan", "rows", "epochs", "steps", "s/step", "h/epoch", "hours", "speed-up", *memory),
        [
            (
                each.name,
                f"{each.rows:,}",
                str(each.epochs),
                f"{each.steps:,}",
                f"{'' if each.basis == 'measured' else '~'}{each.seconds_per_step:.3g}",
                f"{each.hours_per_epoch:,.1f}",
                f"{each.hours:,.1f}",
                f"{now.hours / each.hours:.1f} x",
                *_memory(each, now),
            )
            for each in alternatives
        ],
        strong=[place for place, each in enumerate(alternatives) if each is wanted],
    )
    if budget_hours is not None and wanted is not None:
        hours = "1 hour is" if budget_hours == 1 else f"{budget_hours:g} hours are"
        times = "once" if wanted.epochs == 1 else f"{wanted.epochs} times"
        yield Sentences([f"{hours} enough for {wanted.rows:,} rows, {times}."])
    if lengths:
        yield Table(
            f"Rows cut at a limit of {unit}; padding as a share of a batch",
            ("limit", "rows cut", "text lost", "padding", "to longest", "grouped by length"),
            [
                (
                    _limit(each),
                    f"{each.cut_rows:.1%}",
                    f"{each.lost:.1%}",
                    *(f"{each.waste(way):.1%}" for way in ("max_length", "longest", "grouped")),
                )
                for each in lengths
            ],
        )
    yield Sentences(assumptions, title="Assumptions")


def _memory(scenario: Scenario, now: Scenario) -> tuple[str, ...]:
    """Return a cell of GPU memory, if it is known."""
    if scenario.gpu_memory is None:
        return ()
    is_measured = scenario.max_length == now.max_length
    return (f"{'' if is_measured else '~'}{scenario.gpu_memory:.1f}",)


def _limit(facts: LengthFacts) -> str:
    """Return a limit: one number where all columns have the same, else each."""
    if not facts.columns:
        return f"{facts.limit:,}"
    limits = [f"{limit:,}" for limit in facts.columns.values()]
    return f"{limits[0]} each" if len(set(limits)) == 1 else " + ".join(limits)
