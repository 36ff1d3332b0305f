"""`DrawPlan`: one description of a draw, for all draws; the core draws what it says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import check_text_columns, optional, whole
from fastsample._progress import Callback
from fastsample._sampling.exclusion import excluded, left_out_rows
from fastsample._sampling.groups import (
    AllocationLike,
    Shares,
    check_by,
    check_strata,
    group_notes,
    to_groups,
)
from fastsample._sampling.report import Groups, Report, known_text
from fastsample._sampling.smart import SmartLike, check_features, check_rule, rule, text_of
from fastsample._sampling.smart_report import SmartReport, to_report
from fastsample._sampling.tokens import counter_of
from fastsample._sampling.weights import WeightLike, check_weight, weight_name
from fastsample._stored import ToldObject
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class DrawPlan:
    """Which rows are drawn, by which weight, and how many.

    The core reads the fields; those of `smart` and `tokenizer` are opened for it.
    """

    amount: int | float | None
    seed: int
    smart: SmartLike = False
    features: Path | None = None
    budget_tokens: int | None = None
    n_groups: int | None = None
    at_most: bool = False
    max_tokens: int | None = None
    tokenizer: str | os.PathLike[str] | None = None
    chat_template: bool | None = None
    by: list[str] | None = None
    allocation: str | float | Shares = "proportional"
    group: list[str] | None = None
    weight: str | pa.Array | None = None
    key: str | None = None
    replace: bool = False
    weights: bool = False
    text_columns: list[str] | None = None

    @property
    def text(self) -> list[str] | None:
        """The text columns that were named, by themselves or in the options of `smart`."""
        return text_of(self.smart, self.text_columns)

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens of rows are counted."""
        return (self.budget_tokens, self.max_tokens, self.tokenizer) != (None, None, None)

    @property
    def arguments(self) -> dict[str, Any]:
        """Its part of the arguments of `sample`, by name, as far as they decide which rows."""
        others = ("amount", "features", "at_most")
        names = (each.name for each in fields(self) if each.name not in others)
        amount = self.amount
        return {
            "n": amount if isinstance(amount, int) else None,
            "fraction": amount if isinstance(amount, float) else None,
            **{name: getattr(self, name) for name in names},
        }

    def check(self, *, epochs: bool = False) -> None:
        """Refuse what does not go together; with `epochs`, in draws that follow each other."""
        parts = {
            "by": self.by is not None,
            "group": self.group is not None,
            "n_groups": self.n_groups is not None,
            "weight": self.weight is not None,
            "key": self.key is not None,
            "smart": self.smart is not False,
            "entropy": isinstance(self.smart, str),
            "features": self.features is not None,
            "draws by tokens": self.counts_tokens,
            "replace": self.replace,
            "weights": self.weights,
            "epochs": epochs,
        }
        _fastsample.check_draw([part for part, is_given in parts.items() if is_given])
        if self.chat_template is not None and not self.counts_tokens:
            raise ArgumentError(
                "chat_template is for tokenizer=; pass one, with budget_tokens= or max_tokens="
            )

    def judge(self, threads: int | None, progress: Callback | None) -> _fastsample.Rule | None:
        """Return the rule of `smart`, with its target opened; None if rows are not judged."""
        if self.smart is False:
            return None
        return rule(self.smart, self.text_columns, threads, progress, self.features)

    def counter(self) -> _fastsample.Tokenizer | None:
        """Return what counts tokens; None if they are not counted."""
        if not self.counts_tokens:
            return None
        limits = (self.budget_tokens, self.max_tokens)
        return counter_of(self.tokenizer, self.chat_template, *limits)


def check_plan(
    amount: int | float | None,
    seed: int,
    *,
    smart: SmartLike,
    by: str | Sequence[str] | None,
    allocation: AllocationLike,
    group: str | Sequence[str] | None,
    weight: WeightLike | None,
    text_columns: Sequence[str] | None,
    features: str | os.PathLike[str] | None = None,
    max_tokens: int | None = None,
    **others: Any,
) -> DrawPlan:
    """Return what arguments describe, each of them checked by itself."""
    check_rule(smart, text_columns)
    columns, shares = check_strata(by, allocation)
    return DrawPlan(
        amount,
        seed,
        smart,
        check_features(features),
        by=columns,
        allocation=shares,
        group=None if group is None else check_by(group, "group"),
        weight=check_weight(weight),
        text_columns=check_text_columns(text_columns),
        max_tokens=optional(whole, "max_tokens", max_tokens, least=1, most=2**32 - 1),
        **others,
    )


@dataclass(frozen=True)
class Drawn:
    """The rows of a draw, and what was found.

    `epochs` are draws of these numbers of rows that share no row, `n_groups` the groups that were
    drawn whole, `objects` those of stores that rows were judged by.
    """

    rows: _fastsample.Sample
    smart: SmartReport | None
    groups: Groups | None
    tokens: int | None
    too_long: int | None
    notes: list[str]
    epochs: int
    n_groups: int | None = None
    objects: Sequence[ToldObject] = ()


def draw(
    opened: _fastsample.Source,
    plan: DrawPlan,
    threads: int | None,
    progress: Callback | None,
    epoch: int = 0,
) -> Drawn:
    """Draw the rows that `plan` describes: those of an epoch."""
    judge = plan.judge(threads, progress)
    rows, found = _fastsample.draw_rows(
        opened,
        plan,
        rule=judge,
        tokenizer=plan.counter(),
        epoch=epoch,
        threads=threads,
        progress=progress,
    )
    return to_drawn(rows, found, plan, judge)


def to_drawn(
    rows: _fastsample.Sample,
    found: _fastsample.DrawFound,
    plan: DrawPlan,
    judge: _fastsample.Rule | None,
) -> Drawn:
    """Return what the core drew and found of it, by the rule `judge`."""
    smart, groups, whole_groups = found["smart"], found["groups"], found["whole"]
    tokens, too_long = found["tokens"] or (None, None)
    notes = [] if plan.chat_template is False else found["notes"]
    if whole_groups is not None:
        by_rule = smart is not None
        told = group_notes(
            whole_groups, plan.group or [], weight_name(plan.weight), by_rule, len(rows)
        )
        notes = told + notes
    return Drawn(
        rows,
        None if smart is None else to_report(smart, whole_groups is not None),
        None if groups is None else to_groups(groups, plan.by or [], plan.allocation),
        tokens,
        too_long,
        notes,
        found["epochs"],
        None if whole_groups is None else whole_groups[1],
        () if judge is None else judge.objects,
    )


def report_of(
    drawn: Drawn, plan: DrawPlan, opened: _fastsample.Source, where: str | None, seconds: float
) -> Report:
    """Return what is reported of a draw from the rows of `opened` that match `where`."""
    rows, left_out, amount = drawn.rows, excluded(opened), plan.amount
    return Report(
        rows.source_rows,
        len(rows),
        plan.seed,
        seconds,
        drawn.smart,
        drawn.tokens,
        drawn.too_long,
        *known_text(rows),
        notes=(*opened.notes, *drawn.notes),
        where=where,
        matching=None if where is None else rows.population + left_out_rows(left_out),
        exclude=left_out,
        fraction=amount if isinstance(amount, float) else None,
        groups=drawn.groups,
        weight=weight_name(plan.weight),
        key=plan.key,
        group=tuple(plan.group or ()),
        n_groups=drawn.n_groups,
        replace=plan.replace,
        distinct=rows.distinct,
    )
