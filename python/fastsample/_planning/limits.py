"""Limits at which a trainer cuts: of whole rows, or of each text column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from fastsample._arguments import string, whole
from fastsample.errors import ArgumentError

#: One number for whole rows; or names of columns with their limits, in the order given.
Limit: TypeAlias = "int | tuple[tuple[str, int], ...]"

#: Limits that are shown beside those that were asked for.
USUAL = (128, 192, 256, 512)

#: What limits may count.
UNITS = ("tokens", "characters")


def check_limit(name: str, value: object) -> Limit:
    """Return a limit: a whole number, or one for each of some columns."""
    if not isinstance(value, Mapping):
        return whole(name, value, least=1)
    if not value:
        raise ArgumentError(f"{name} is empty; give a number, or one for each text column")
    return tuple(
        (string(f"a column of {name}", column), whole(f"{name}[{column!r}]", limit, least=1))
        for column, limit in value.items()
    )


def check_pair(now: Limit | None, new: Limit | None) -> None:
    """Refuse limits, now and as wanted, that are of different columns."""
    if now is not None and new is not None and columns_of(now) != columns_of(new):
        raise ArgumentError(
            "max_length and new_max_length are limits of different columns; give both as one "
            "number, or for the same columns in the same order"
        )


def columns_of(limit: Limit | None) -> tuple[str, ...]:
    """Return the columns that are cut apart; none where rows are cut as a whole."""
    return tuple(name for name, _ in limit) if isinstance(limit, tuple) else ()


def total(limit: Limit) -> int:
    """Return what a row takes at most."""
    return sum(each for _, each in limit) if isinstance(limit, tuple) else limit


def shown(limit: Limit | None) -> int | dict[str, int] | None:
    """Return a limit as the user gave it."""
    return dict(limit) if isinstance(limit, tuple) else limit


def scaled(limit: Limit, share: float) -> Limit:
    """Return a share of a limit, at least 1."""
    if isinstance(limit, tuple):
        return tuple((name, max(1, round(each * share))) for name, each in limit)
    return max(1, round(limit * share))


def compared(now: Limit | None, new: Limit | None) -> list[Limit]:
    """Return the limits of a table, in order: usual ones, that of now and that wanted."""
    columns = columns_of(now)
    usual: list[Limit] = [
        tuple((name, each) for name in columns) if columns else each for each in USUAL
    ]
    given: list[Limit] = [each for each in (now, new) if each is not None]
    return sorted({*usual, *given}, key=lambda limit: (total(limit), str(limit)))
