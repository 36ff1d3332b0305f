"""Checks of arguments."""

from __future__ import annotations

import operator

from fastsample.errors import ArgumentError, SourceTypeError


def check_threads(threads: int | None) -> int | None:
    """Return `threads` as a plain int, if it makes sense."""
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
