"""Errors of tasks on a Ray cluster, without what Ray puts around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastsample import _engines
from fastsample.errors import FastSampleError

#: The engine, as messages call it.
NAME = "Ray"


@contextmanager
def plain_errors(ray: Any) -> Iterator[None]:
    """Raise what a task failed with."""
    try:
        yield
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, FastSampleError):
            raise cause from None
        is_missing = "No module named 'fastsample" in str(error)
        if cause is not None and not is_missing:
            raise
        raise _engines.lost(
            NAME,
            error,
            ', or name it in the runtime_env of ray.init: {"pip": ["fastsample[ray]"]}',
            "a higher max_retries or lower target_bytes",
        ) from error
