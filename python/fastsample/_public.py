"""What is public, by name: it lives in private modules and says that it is of `fastsample`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Public = TypeVar("_Public")


def public(thing: _Public) -> _Public:
    """Let tracebacks, pickles and `help` name the package, not the file of a class or function."""
    return public_in("fastsample")(thing)


def public_in(module: str) -> Callable[[_Public], _Public]:
    """Return what does the same for a module of the package."""

    def mark(thing: _Public) -> _Public:
        thing.__module__ = module
        return thing

    return mark
