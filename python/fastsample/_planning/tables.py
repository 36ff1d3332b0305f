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
    assumptions: Sequence[str],
) -> Iterator[Block]:
    """Yield the parts of the report; the first of the alternatives is training as it is."""
    now = alternatives[0]
    yield Table(
        f"Training on {now.rows:,} rows",
        ("plan", "rows", "epochs", "steps", "s/step", "h/epoch", "hours", "speed-up"),
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
            )
            for each in alternatives
        ],
        strong=[place for place, each in enumerate(alternatives) if each is wanted],
    )
    if budget_hours is not None and wanted is not None:
        yield Sentences([
            f"{budget_hours:g} hours are enough for {wanted.rows:,} rows, "
            f"{wanted.epochs} times."
        ])  # fmt: skip
    if lengths:
        yield Table(
            "Rows cut at a limit of tokens; padding as a share of a batch",
            ("limit", "rows cut", "text lost", "padding", "to longest", "grouped by length"),
            [
                (
                    f"{each.limit:,}",
                    f"{each.cut_rows:.1%}",
                    f"{each.lost:.1%}",
                    *(f"{each.waste(way):.1%}" for way in ("max_length", "longest", "grouped")),
                )
                for each in lengths
            ],
        )
    yield Sentences(assumptions, title="Assumptions")
