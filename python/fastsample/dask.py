"""Draws on a Dask cluster: the steps of :mod:`fastsample.parts` as tasks of a client.

Needs Dask: ``pip install 'fastsample[dask]'``, on all workers. All of them have to see the files
under the same names, in a shared folder or an object store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from fastsample import _engines
from fastsample._arguments import whole
from fastsample._engines import MERGED_AT_ONCE, ClusterSample, Engine
from fastsample._public import public_in
from fastsample._remote import RemoteFiles
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.smart import Smart
from fastsample._source import SourceLike
from fastsample.errors import FastSampleError, SourceTypeError
from fastsample.parts import Decision, Draw, PartOutput

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["DaskSample", "sample"]


@public_in("fastsample.dask")
def sample(
    client: Any,
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
    threads: int = 1,
    target_bytes: int | str = "256MiB",
) -> DaskSample:
    """Draw exactly `n` rows on a Dask cluster: those of :func:`fastsample.sample`.

    With `group` they are as many as whole groups make of `n`, or those of `n_groups` groups.

    Parameters
    ----------
    client
        The client, ``dask.distributed.Client(...)``. A task whose worker died is run again as often
        as ``distributed.scheduler.allowed-failures`` says. Errors of data come at once.
    source, n, smart, where, weight, by, allocation, group, n_groups, key, seed, columns
        As for :class:`fastsample.parts.Draw`.
    text_columns, target_bytes
        As for :class:`fastsample.parts.Draw`. Dask DataFrames are no source: their rows have no
        fixed order.
    threads
        Cores that a task uses. A worker runs as many tasks at a time as it has threads.

    Raises
    ------
    MissingDependencyError
        Dask is not installed, or a worker has no fastsample, or another version.
    FastSampleError
        As :class:`fastsample.parts.Draw` and its steps.
    """
    distributed = _engines.needed("distributed", "Dask", "dask")
    if not isinstance(client, distributed.Client) or client.asynchronous:
        raise SourceTypeError(
            f"client is {type(client).__qualname__}; pass a client that waits for what it asked "
            'for, such as dask.distributed.Client("tcp://scheduler:8786")'
        )
    cores = whole("threads", threads, least=1)
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
        threads=cores,
    )
    tasks = _Tasks(distributed, client, job)
    return DaskSample(tasks, *_engines.decided(tasks, started))


@public_in("fastsample.dask")
class DaskSample(ClusterSample):
    """A sample that was decided on a cluster; tasks read its rows when they are asked for."""

    _engine: _Tasks

    def dataframe(self) -> Any:
        """Return the rows as a Dask DataFrame, in order: a partition for each part.

        They are read when they are computed, and again each time. Columns have the types of Arrow
        (``pandas.ArrowDtype``).
        """
        dask, frames = import_module("dask"), import_module("dask.dataframe")
        engine, frame = self._engine, dask.delayed(_frame, pure=False)
        sent = dask.delayed(engine.sent)
        parts = [frame(sent, part.index, engine.last) for part in engine.job.parts]
        meta = _to_pandas(engine.job.schema(self._decision).empty_table())
        return frames.from_delayed(parts, meta=meta, verify_meta=False)


class _Tasks(Engine):
    """The steps of a draw as tasks of a client."""

    name = "Dask"

    def __init__(self, distributed: Any, client: Any, job: Draw) -> None:
        super().__init__(job)
        self._distributed, self._client = distributed, client
        # A task and not data that is scattered: it is made again when its worker dies.
        self._stored = self.task(bytes, self.sent)

    def task(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._client.submit(function, *arguments, pure=False)

    def of_parts(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run a step for each part."""
        return [
            self.task(function, self._stored, part.index, *arguments) for part in self.job.parts
        ]

    def decided(self) -> Decision:
        while True:
            states = self.of_parts(_engines.observe, self.last)
            while len(states) > 1:
                starts = range(0, len(states), MERGED_AT_ONCE)
                states = [
                    self.task(_engines.join, *states[at : at + MERGED_AT_ONCE]) for at in starts
                ]
            made = self.task(_engines.decide, self._stored, states[0], self.last)
            self.last, is_final = (self.task(itemgetter(place), made) for place in (0, 1))
            if is_final.result():
                decision: Decision = self.last.result()
                return decision

    def written(self, folder: str | RemoteFiles) -> list[PartOutput]:
        files: list[PartOutput] = self._client.gather(
            self.of_parts(_engines.write, self.last, folder)
        )
        return files

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        distributed = self._distributed
        given_up = (distributed.KilledWorker, distributed.CancelledError, OSError)
        try:
            yield
        except FastSampleError:
            raise
        except (*given_up, ModuleNotFoundError, RuntimeError) as error:
            if "No module named 'fastsample" not in str(error) and not isinstance(error, given_up):
                raise
            raise _engines.lost(
                self.name,
                error,
                ", or send it with distributed.PipInstall",
                "a higher distributed.scheduler.allowed-failures or lower target_bytes",
            ) from error


def _frame(sent: bytes, index: int, decision: Decision) -> pd.DataFrame:
    return _to_pandas(_engines.gather(sent, index, decision).read_all())


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    return table.to_pandas(types_mapper=pd.ArrowDtype)
