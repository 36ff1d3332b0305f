"""Draws by a key from Spark DataFrames."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastsample import _engines
from fastsample._keyed import FIELDS, Frame, FrameSample, KeyedDraw, Window, keyed_draw
from fastsample._public import public_in
from fastsample.errors import ColumnError, SourceTypeError
from fastsample.spark.errors import plain_errors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@public_in("fastsample.spark")
def sample_dataframe(
    frame: DataFrame,
    n: int,
    *,
    key: str,
    seed: int = 42,
    columns: Sequence[str] | None = None,
) -> DataFrameSample:
    """Draw exactly `n` rows of a Spark DataFrame: those that `key` decides.

    Rows of a DataFrame have no fixed order, so the values of a column decide which are drawn. They
    are the rows of ``fastsample.sample(files, n, key=key, seed=seed)`` from files with the same
    rows, however these lie in partitions. No row crosses to the driver.

    Parameters
    ----------
    frame
        A DataFrame. It is computed several times: one that has other rows each time has to be kept
        before, with ``frame.persist()`` or in files.
    n
        Rows to draw.
    key
        A column of distinct values: texts, numbers, dates or truth values. The value 7 and the
        text "7" are one key.
    seed
        The seed.
    columns
        The columns to keep, in this order; all by default.

    Returns
    -------
    DataFrameSample
        The rows, as a DataFrame, and a report.

    Raises
    ------
    MissingDependencyError
        PySpark is not installed, or an executor has no fastsample.
    SourceTypeError
        `frame` is no Spark DataFrame.
    ColumnError
        A column is not there, or the key has no plain values.
    ArgumentError
        There are fewer than `n` rows, a key is null, or `n` would divide rows of one key.
    SourceChangedError
        The DataFrame has other rows each time it is computed.

    Examples
    --------
    >>> rows = spark.read.parquet("train/")  # doctest: +SKIP
    >>> drawn = fastsample.spark.sample_dataframe(rows, 1000, key="id")  # doctest: +SKIP
    >>> drawn.dataframe().write.parquet("sample/")  # doctest: +SKIP
    """
    pyspark = _engines.needed("pyspark", "Spark", "spark")
    if not hasattr(frame, "mapInArrow"):
        raise SourceTypeError(
            f"frame is {type(frame).__qualname__}; pass a Spark DataFrame, or files to "
            "fastsample.spark.sample"
        )
    draw = keyed_draw(n, key, seed, columns)
    return DataFrameSample(_DataFrame(pyspark, frame, draw), time.perf_counter())


@public_in("fastsample.spark")
class DataFrameSample(FrameSample["_DataFrame"]):
    """A sample of a Spark DataFrame, drawn by a key."""

    def dataframe(self) -> DataFrame:
        """Return the rows as a DataFrame, which filters the given one when an action asks."""
        draw = self._frame.draw
        rows = self._frame.kept(draw.needed, self.threshold)
        return rows if draw.columns is None else rows.select(_quoted(draw.columns))


class _DataFrame(Frame):
    """Functions over the partitions of a DataFrame."""

    def __init__(self, pyspark: Any, rows: DataFrame, draw: KeyedDraw) -> None:
        super().__init__(draw)
        self._pyspark, self._rows = pyspark, rows

    def kept(self, columns: list[str] | None, last: int, first: int = 0) -> DataFrame:
        """Return the rows whose keys have numbers from `first` to `last`."""
        rows = self._rows if columns is None else self._rows.select(_quoted(columns))
        plain, draw = self._plain(rows)
        keep = draw.keep
        kept = plain.mapInArrow(lambda batches: keep(batches, last, first), plain.schema)
        return kept.toDF(*rows.columns)

    def _plain(self, rows: DataFrame) -> tuple[DataFrame, KeyedDraw]:
        """Return rows with other names of columns: Spark's `mapInArrow` takes none with a dot."""
        names = [f"column_{place}" for place in range(len(rows.columns))]
        return rows.toDF(*names), replace(self.draw, key=names[rows.columns.index(self.draw.key)])

    def check(self) -> None:
        schema = self._rows.schema
        of_arrow = import_module("pyspark.sql.pandas.types").to_arrow_type
        kinds = {field.name: field.dataType for field in schema}
        kind = kinds.get(self.draw.key)
        if kind is not None and kind.simpleString() == "timestamp":
            raise ColumnError(
                f"key: column {self.draw.key!r} is a timestamp, whose text depends on the time "
                "zone of the session; cast it to a number or a text"
            )
        self.draw.check(schema.names, None if kind is None else of_arrow(kind))

    def count(self) -> int:
        return self._rows.count()

    def observed(self, window: Window) -> list[dict[str, Any]]:
        keys, draw = self._plain(self._rows.select(_quoted([self.draw.key])))
        observe = draw.observe
        seen = keys.mapInArrow(lambda batches: observe(batches, window), FIELDS)
        return [row.asDict() for row in seen.collect()]

    def key_of(self, number: int) -> Any:
        ((key,),) = self.kept([self.draw.key], number, number).take(1)
        return key

    def plain_errors(self) -> AbstractContextManager[None]:
        return plain_errors(self._pyspark)


def _quoted(columns: Sequence[str]) -> list[str]:
    """Return columns as Spark takes their names, whatever characters these have."""
    return ["`" + name.replace("`", "``") + "`" for name in columns]
