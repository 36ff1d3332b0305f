"""Checks of arguments."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from numbers import Real

from fastsample.errors import ArgumentError, SourceTypeError


def check_threads(threads: int | None) -> int | None:
    """Return `threads` as a plain int, or None for all cores."""
    if threads is None:
        return None
    return whole("threads", threads, least=1, most=4096)


def whole(name: str, value: object, *, least: int, most: int) -> int:
    """Return `value` as a plain int within limits."""
    if isinstance(value, bool):
        raise SourceTypeError(f"{name} is {value}; it must be a whole number")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SourceTypeError(f"{name} is {value!r}; it must be a whole number") from None
    if not least <= number <= most:
        raise ArgumentError(f"{name} is {number}; it must be from {least} to {most}")
    return number


def number(name: str, value: object) -> None:
    """Refuse a value that is not a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise SourceTypeError(f"{name} is {value!r}; it must be a number")


def names(name: str, value: Sequence[str] | None) -> None:
    """Refuse a value that is not a list of names, such as a single str."""
    if isinstance(value, str):
        raise ArgumentError(f"{name} is the text {value!r}; pass [{value!r}]")
    try:
        wrong = [item for item in value or () if not isinstance(item, str)]
    except TypeError:
        raise SourceTypeError(f"{name} is {value!r}; it must be a list of columns") from None
    if wrong:
        raise SourceTypeError(f"{name} holds {wrong[0]!r}; it must be a list of columns' names")
