"""Errors of jobs on a Spark cluster, without what Spark puts around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from fastsample import _engines

#: The engine, as messages call it.
NAME = "Spark"


@contextmanager
def plain_errors(pyspark: Any) -> Iterator[None]:
    """Raise what a task failed with."""
    errors = (pyspark.errors.PySparkException, import_module("py4j.protocol").Py4JError)
    try:
        yield
    except errors as error:
        is_plain = type(error).__name__ in ("PythonException", "AnalysisException")
        if is_plain and "No module named 'fastsample" not in str(error):
            raise
        raise _engines.lost(
            NAME,
            error,
            ", or send it with spark.archives",
            "a higher spark.task.maxFailures or lower target_bytes",
        ) from error
