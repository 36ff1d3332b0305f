"""What is reported of each side of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fastsample import _fastsample
from fastsample._sampling.groups import Shares, to_groups
from fastsample._sampling.report import Report
from fastsample._sampling.smart_report import to_report


def side_reports(
    common: Report,
    drawn: Sequence[_fastsample.Sample],
    wanted: Sequence[tuple[int, bool]],
    found: _fastsample.SplitFound,
    by: list[str] | None,
    allocation: str | float | Shares,
) -> list[Report]:
    """Return the report of each side; `common` has what they share, and the notes on the source.

    That of the first has those notes, and what its rule and its weight were.
    """
    what = f"groups of equal {', '.join(common.group)}" if common.group else "equal texts"
    text, left_out = tuple(found["text"]), dict(found["left_out"])
    smart = None if found["smart"] is None else to_report(found["smart"])
    reports = []
    for place, (side, (rows, _)) in enumerate(zip(drawn, wanted, strict=True)):
        notes = list(common.notes) if place == 0 else []
        if len(side) != rows:
            nearest = f"the nearest that keeps {what} together"
            notes.append(f"{len(side):,} rows, not {rows:,}: {nearest}")
        groups = None
        if by is not None:
            strata, off, furthest = found["strata"][place]
            groups = to_groups(strata, by, allocation)
            why = f"{what} stay together"
            if place == 0 and (smart is not None or common.weight is not None):
                why = "too few others were left"
            notes += _strata_notes(groups.count, off, furthest, ", ".join(by), why)
        report = replace(common, sampled=len(side), text_columns=text, left_out=left_out)
        is_first = {"smart": smart, "weight": common.weight} if place == 0 else {"weight": None}
        reports.append(replace(report, notes=tuple(notes), groups=groups, **is_first))
    if found["mixed"]:
        of = ", ".join(by or ())
        note = f"{found['mixed']:,} {what} have rows of several values of {of}; each counts as most"
        reports[0] = replace(reports[0], notes=(*reports[0].notes, f"{note} of its rows do"))
    return reports


def _strata_notes(count: int, off: int, furthest: int, by: str, why: str) -> list[str]:
    if not off:
        return []
    rows = "a row" if furthest == 1 else f"up to {furthest:,} rows"
    return [
        f"{off:,} of {count:,} values of {by} have {rows} more or fewer than their share: {why}"
    ]
