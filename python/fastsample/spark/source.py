"""`spark.read.format("fastsample")`: a uniform draw from files, as a data source of Spark.

A partition is a part of :class:`fastsample.parts.Draw`. The draw is decided by the driver where a
query is planned: it reads footers of files, or lines, and the column of keys if there is one.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from fastsample import _engines
from fastsample.errors import ArgumentError, SchemaError
from fastsample.parts import Decision, Draw, merge
from fastsample.spark.types import spark_types

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

#: The options, in the order of messages.
_OPTIONS = ("path", "n", "seed", "key", "columns", "target_bytes")


class DrawSource(DataSource):
    """A uniform draw from the files of the option `path`."""

    @classmethod
    def name(cls) -> str:
        """Return what the format is called."""
        return "fastsample"

    def schema(self) -> StructType:
        """Return the columns of the rows."""
        job, decision = _decided(self.options)
        return spark_types(job.schema(decision))[1]

    def reader(self, schema: StructType) -> DrawReader:
        """Decide the draw. A schema that a user sets has to be that of the files."""
        job, decision = _decided(self.options)
        types, known = spark_types(job.schema(decision))
        if schema.simpleString() != known.simpleString():
            raise SchemaError(
                f"the schema is {schema.simpleString()}, but that of the files is "
                f"{known.simpleString()}; leave .schema() out, and cast columns of the rows"
            )
        return DrawReader(job, decision, types)


class DrawReader(DataSourceReader):
    """Reads the drawn rows of each part."""

    def __init__(self, job: Draw, decision: Decision, types: pa.Schema) -> None:
        self._sent, self._decision, self._parts = pickle.dumps(job), decision, len(job.parts)
        self._types = types

    def partitions(self) -> list[InputPartition]:
        """Return the parts, in order."""
        return [InputPartition(index) for index in range(self._parts)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part, in order."""
        for batch in _engines.gather(self._sent, partition.value, self._decision):
            yield batch.cast(self._types)


def _decided(options: Mapping[str, str]) -> tuple[Draw, Decision]:
    """Return the draw that options describe, and its last decision."""
    given = {name.lower(): value for name, value in options.items()}
    if unknown := sorted(given.keys() - set(_OPTIONS)):
        raise ArgumentError(
            f'format("fastsample") has no option {unknown[0]}, but {", ".join(_OPTIONS)}; other '
            "draws are made by fastsample.spark.sample"
        )
    for name in ("path", "n"):
        if name not in given:
            raise ArgumentError(f'format("fastsample") needs the option {name}')
    columns = given.get("columns")
    draw = partial(
        Draw,
        given["path"],
        _whole("n", given["n"]),
        seed=_whole("seed", given.get("seed", "42")),
        key=given.get("key"),
        columns=None if columns is None else [name.strip() for name in columns.split(",")],
        target_bytes=given.get("target_bytes", "256MiB"),
    )
    deciding, decision = draw(threads=None), None
    while decision is None or not decision.is_final:
        states = [deciding.observe(part, decision) for part in deciding.parts]
        decision = deciding.decide(merge(states), decision)
    return draw(), decision


def _whole(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ArgumentError(f"{name} is {value!r}; it must be a whole number") from None
