"""Draws from files: the steps of :mod:`fastsample.parts` as Spark jobs."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

from fastsample import _engines
from fastsample._engines import MERGED_AT_ONCE, ClusterSample, Engine
from fastsample._public import public_in
from fastsample._remote import RemoteFiles
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.smart import Smart
from fastsample._source import SourceLike
from fastsample.errors import FastSampleError, SourceTypeError
from fastsample.parts import Decision, Draw, PartOutput
from fastsample.spark.errors import NAME, plain_errors
from fastsample.spark.types import spark_types

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    Batches: TypeAlias = Iterable[pa.RecordBatch]
    Task: TypeAlias = Callable[[Batches], Iterator[pa.RecordBatch]]

#: What tasks send: bytes in pieces, those of one sender in one group, or an error.
_SENT = "group long, sender long, piece long, failed boolean, data binary"

#: Bytes of a piece. Spark puts 10,000 rows into one Arrow batch, which may have 2 GiB.
_PIECE = 128 << 10


@public_in("fastsample.spark")
def sample(
    spark: SparkSession,
    source: SourceLike,
    n: int | None = None,
    *,
    smart: bool | Smart = False,
    where: str | None = None,
    weight: str | None = None,
    by: str | Sequence[str] | None = None,
    allocation: AllocationLike = "proportional",
    group: str | Sequence[str] | None = None,
    n_groups: int | None = None,
    key: str | None = None,
    seed: int = 42,
    columns: Sequence[str] | None = None,
    text_columns: Sequence[str] | None = None,
    target_bytes: int | str = "256MiB",
) -> SparkSample:
    """Draw exactly `n` rows on a Spark cluster: those of :func:`fastsample.sample`.

    With `group` they are as many as whole groups make of `n`, or those of `n_groups` groups.

    Parameters
    ----------
    spark
        The session, ``SparkSession.builder.getOrCreate()``. A task uses as many cores as
        ``spark.task.cpus`` says, and is run again up to ``spark.task.maxFailures``
        times if its executor dies. Errors of data are not tried again.
    source, n, smart, where, weight, by, allocation, group, n_groups, key, seed, columns
        As for :class:`fastsample.parts.Draw`.
    text_columns, target_bytes
        As for :class:`fastsample.parts.Draw`. DataFrames are no source: their rows have no fixed
        order.

    Raises
    ------
    MissingDependencyError
        PySpark is not installed, or an executor has no fastsample, or another version.
    FastSampleError
        As :class:`fastsample.parts.Draw` and its steps.
    """
    pyspark = _engines.needed("pyspark", "Spark", "spark")
    if not hasattr(spark, "range") or type(spark).__name__ != "SparkSession":
        raise SourceTypeError(
            f"spark is {type(spark).__qualname__}; pass a session, such as "
            "SparkSession.builder.getOrCreate()"
        )
    started = time.perf_counter()
    job = Draw(
        source,
        n,
        smart=smart,
        where=where,
        weight=weight,
        by=by,
        allocation=allocation,
        group=group,
        n_groups=n_groups,
        key=key,
        seed=seed,
        columns=columns,
        text_columns=text_columns,
        target_bytes=target_bytes,
        threads=int(spark.conf.get("spark.task.cpus", "1") or 1),
    )
    jobs = _Jobs(pyspark, spark, job)
    return SparkSample(jobs, *_engines.decided(jobs, started))


@public_in("fastsample.spark")
class SparkSample(ClusterSample):
    """A sample that was decided on a cluster; jobs read its rows when they are asked for."""

    _engine: _Jobs

    def dataframe(self) -> DataFrame:
        """Return the rows as a Spark DataFrame, in order: a partition for each part.

        They are read when an action asks for them, and again for each one; an error of data is
        then one of Spark. Types that Spark lacks become wider ones: unsigned integers, categories,
        half floats.

        Raises
        ------
        SchemaError
            A column has a type that Spark has nothing for.
        """
        job, decision = self._engine.job, self._decision
        arrow, schema = spark_types(job.schema(decision))
        gather, sent = _engines.gather, self._engine.sent

        def rows(batches: Batches) -> Iterator[pa.RecordBatch]:
            for index in _indices(batches):
                for batch in gather(sent, index, decision):
                    yield batch.cast(arrow)

        return self._engine.parts().mapInArrow(rows, schema)


class _Jobs(Engine):
    """The steps of a draw over a DataFrame of parts, of which each is a partition."""

    name = NAME

    def __init__(self, pyspark: Any, spark: SparkSession, job: Draw) -> None:
        super().__init__(job)
        self._pyspark, self._spark = pyspark, spark

    def parts(self) -> DataFrame:
        """Return the numbers of the parts, each in a partition of its own."""
        count = len(self.job.parts)
        return self._spark.range(0, count, 1, count)

    def of_parts(self, step: Callable[..., Any], *arguments: Any) -> DataFrame:
        """Run a step for each part."""
        sent = self.sent

        def task(batches: Batches) -> Iterator[pa.RecordBatch]:
            for index in _indices(batches):
                yield from _pieces(index, _tried(step, sent, index, *arguments))

        return self.parts().mapInArrow(task, _SENT)

    def decided(self) -> Decision:
        while True:
            states, count = self.of_parts(_engines.observe, self.last), len(self.job.parts)
            while count > MERGED_AT_ONCE:
                count = -(-count // MERGED_AT_ONCE)
                states = states.repartition(count, "group").mapInArrow(_merging(), _SENT)
            states = states.repartition(1).mapInArrow(self._deciding(), _SENT)
            ((self.last, is_final),) = self._collect(states)
            if is_final:
                decision: Decision = self.last
                return decision

    def written(self, folder: str | RemoteFiles) -> list[PartOutput]:
        return self._collect(self.of_parts(_engines.write, self.last, folder))

    def _deciding(self) -> Task:
        join, decide, sent, decision = _engines.join, _engines.decide, self.sent, self.last

        def task(batches: Batches) -> Iterator[pa.RecordBatch]:
            def made() -> Any:
                return decide(sent, join(*_received(batches)), decision)

            yield from _pieces(0, _tried(made))

        return task

    def _collect(self, frame: DataFrame) -> list[Any]:
        """Return what tasks made, or raise what one failed with."""
        made = _Received()
        for row in frame.collect():
            made.add(row.sender, row.piece, row.failed, bytes(row.data))
        return list(made.values())

    def plain_errors(self) -> AbstractContextManager[None]:
        return plain_errors(self._pyspark)


def _merging() -> Task:
    join = _engines.join

    def task(batches: Batches) -> Iterator[pa.RecordBatch]:
        senders: list[int] = []

        def made() -> Any:
            received = _received(batches, senders)
            return join(*received) if received else None

        state = _tried(made)
        if senders:
            yield from _pieces(min(senders) // MERGED_AT_ONCE, state)

    return task


def _indices(batches: Batches) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


def _tried(make: Callable[..., Any], *arguments: Any) -> tuple[bool, bytes]:
    """Return whether it failed, and what was made or the error, as bytes.

    Spark would try again what fails, and raise it as an error of its own.
    """
    try:
        return False, pickle.dumps(make(*arguments))
    except FastSampleError as error:
        return True, pickle.dumps(error)


def _pieces(sender: int, made: tuple[bool, bytes]) -> Iterator[pa.RecordBatch]:
    """Yield what a task sends."""
    import pyarrow as pa

    failed, data = made
    for piece, at in enumerate(range(0, len(data), _PIECE)):
        columns = [
            pa.array([number], pa.int64()) for number in (sender // MERGED_AT_ONCE, sender, piece)
        ]
        columns += [pa.array([failed]), pa.array([data[at : at + _PIECE]], pa.binary())]
        names = ["group", "sender", "piece", "failed", "data"]
        yield pa.RecordBatch.from_arrays(columns, names)


class _Received:
    """Pieces by sender."""

    def __init__(self) -> None:
        self._pieces: dict[int, dict[int, bytes]] = {}
        self._failed: set[int] = set()

    def add(self, sender: int, piece: int, failed: bool, data: bytes) -> None:
        self._pieces.setdefault(sender, {})[piece] = data
        if failed:
            self._failed.add(sender)

    def values(self) -> Iterator[Any]:
        """Yield what was sent, in the order of senders; raise the first error that was."""
        for sender in (*sorted(self._failed), *sorted(self._pieces)):
            pieces = self._pieces[sender]
            value = pickle.loads(b"".join(pieces[piece] for piece in sorted(pieces)))
            if sender in self._failed:
                raise value
            yield value


def _received(batches: Batches, senders: list[int] | None = None) -> list[Any]:
    """Return what other tasks sent, and who they are."""
    made = _Received()
    for batch in batches:
        columns = [batch.column(name) for name in ("sender", "piece", "failed", "data")]
        for row in range(batch.num_rows):
            sender, piece, failed, data = (column[row].as_py() for column in columns)
            made.add(sender, piece, failed, data)
            if senders is not None:
                senders.append(sender)
    return list(made.values())
