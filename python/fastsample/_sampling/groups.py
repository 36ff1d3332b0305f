"""Groups of rows: their arguments, and what is reported of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import choice, is_whole, names, number, string
from fastsample._sampling.report import Group, Groups
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    from typing import TypeAlias

#: How rows are divided among groups: a formula, a temperature, or shares of groups.
AllocationLike: TypeAlias = "str | float | Mapping[Any, float]"

FORMULAS = ("proportional", "equal", "sqrt")

Shares = list[tuple[list[str | None], float]]

#: The most that a temperature may be: at 1000, groups of 1 and of 10**9 rows weigh 1 and 1.02.
MOST_TEMPERATURE = 1000


def check_by(by: object, name: str = "by") -> list[str]:
    """Return the names of the columns that make groups."""
    return [string(name, by)] if isinstance(by, str) else names(name, by)


def check_strata(
    by: str | Sequence[str] | None, allocation: AllocationLike
) -> tuple[list[str] | None, str | float | Shares]:
    """Return the columns that make strata, if some do, and how rows are divided among these."""
    if by is None and allocation != "proportional":
        raise ArgumentError("allocation divides rows among groups; name their column with by")
    columns = None if by is None else check_by(by)
    return columns, check_allocation(allocation, len(columns or ()))


def check_allocation(allocation: object, columns: int) -> str | float | Shares:
    """Return a formula, a temperature, or the values of groups of so many columns with shares."""
    if not isinstance(allocation, Mapping):
        if isinstance(allocation, str):
            return choice("allocation", allocation, FORMULAS)
        if isinstance(allocation, Real) and not isinstance(allocation, bool):
            return number("allocation", allocation, least=1, most=MOST_TEMPERATURE)
        raise SourceTypeError(
            f"allocation is {allocation!r}; it must be 'proportional', 'equal', 'sqrt', a "
            'temperature such as 2.5, or map groups to shares: {"a": 0.7, "b": 0.3}'
        )
    if not allocation:
        raise ArgumentError("allocation is empty; give at least one group a share")
    shares = []
    for group, share in allocation.items():
        values = group if isinstance(group, tuple) else (group,)
        if len(values) != columns:
            raise ArgumentError(
                f"allocation names group {group!r}; with {columns} columns in by, a group is a "
                f"{'value' if columns == 1 else f'tuple of {columns} values'}"
            )
        found = number(f"the share of {group!r}", share, least=0, most=1)
        shares.append(([_text(value) for value in values], found))
    return shares


def _told(allocation: str | float | Shares) -> str:
    """Return how a report tells an allocation."""
    if isinstance(allocation, list):
        return "shares"
    return allocation if isinstance(allocation, str) else f"temperature {allocation:g}"


def _text(value: object) -> str | None:
    """Return a value of a column as the core writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_whole(value):
        return str(int(value))  # type: ignore[call-overload]
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    raise SourceTypeError(
        f"allocation names the group {value!r}; name groups by texts, whole numbers, True, False, "
        "dates or None"
    )


def group_notes(
    found: tuple[int, int, int], group: list[str], weight: str | None, smart: bool, rows: int
) -> list[str]:
    """Return what to note about a draw of whole groups."""
    count, whole, wanted = found
    notes = [f"{whole:,} of {count:,} groups of equal {', '.join(group)}, each whole"]
    factors = ([] if weight is None else [weight]) + (["smart weight"] if smart else [])
    if factors:
        notes.append(f"the weight of a group is the mean {' times '.join(factors)} of its rows")
    if rows < wanted:
        notes.append(f"{rows:,} rows, not {wanted:,}: no other group fits in whole")
    return notes


def to_groups(
    found: _fastsample.GroupsFound, by: Sequence[str], allocation: str | float | Shares
) -> Groups:
    """Return what the core found of groups as their report."""
    largest = tuple(
        Group(tuple(values), rows, drawn, tokens)
        for values, rows, drawn, tokens in found["largest"]
    )
    return Groups(
        by=tuple(by),
        allocation=_told(allocation),
        count=found["count"],
        largest=largest,
        short=found["short"],
        moved=found["moved"],
        unnamed=found["unnamed"],
        epochs=found["epochs"],
        measure=found["measure"],
        empty=found["empty"],
    )
