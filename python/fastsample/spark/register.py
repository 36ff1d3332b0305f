"""What lets a session read draws by the name of a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastsample import _engines
from fastsample._public import public_in

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@public_in("fastsample.spark")
def register(spark: SparkSession) -> None:
    """Let a session read uniform draws: ``spark.read.format("fastsample")``.

    The options are `path`, `n`, `seed` (42), `key`, `columns` (names with commas between them) and
    `target_bytes` ("256MiB", about the bytes of a partition). The rows are those of
    :func:`fastsample.sample`. The driver decides the draw: it reads the footers of Parquet and
    Arrow files, the lines of others, and the column of keys if there is one.

    Parameters
    ----------
    spark
        The session, ``SparkSession.builder.getOrCreate()``.

    Raises
    ------
    MissingDependencyError
        PySpark is not installed.

    Examples
    --------
    >>> fastsample.spark.register(spark)  # doctest: +SKIP
    >>> draw = spark.read.format("fastsample").option("n", 1000)  # doctest: +SKIP
    >>> rows = draw.load("train/*.parquet")  # doctest: +SKIP
    """
    _engines.needed("pyspark", "Spark", "spark")
    from fastsample.spark.source import DrawSource

    spark.dataSource.register(DrawSource)
