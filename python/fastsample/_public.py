"""What is public, by name: it lives in private modules and says that it is of `fastsample`."""

from __future__ import annotations

from typing import TypeVar

_Public = TypeVar("_Public")


def public(thing: _Public) -> _Public:
    """Let tracebacks, pickles and `help` name the package, not the file of a class or function."""
    thing.__module__ = "fastsample"
    return thing
