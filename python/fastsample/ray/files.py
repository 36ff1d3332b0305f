"""Draws from files: the steps of :mod:`fastsample.parts` as Ray tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastsample import _engines
from fastsample._arguments import number, whole
from fastsample._engines import MERGED_AT_ONCE, ClusterSample, Engine
from fastsample._public import public_in
from fastsample._remote import RemoteFiles
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.smart import Smart
from fastsample._source import SourceLike
from fastsample.parts import Decision, Draw, PartOutput
from fastsample.ray.errors import NAME, plain_errors

if TYPE_CHECKING:
    import pyarrow as pa


@public_in("fastsample.ray")
def sample(
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
    num_cpus: float = 1,
    max_retries: int = 3,
    target_bytes: int | str = "256MiB",
) -> RaySample:
    """Draw exactly `n` rows on a Ray cluster: those of :func:`fastsample.sample`.

    With `group` they are as many as whole groups make of `n`, or those of `n_groups` groups.

    Parameters
    ----------
    source, n, smart, where, weight, by, allocation, group, n_groups, key, seed, columns
        As for :class:`fastsample.parts.Draw`.
    text_columns, target_bytes
        As for :class:`fastsample.parts.Draw`.
    num_cpus
        CPUs that Ray reserves for a task, which uses as many cores, at least one.
    max_retries
        How often a task is run again whose worker or node died. Errors of data come at once.

    Raises
    ------
    MissingDependencyError
        Ray is not installed, or a worker has no fastsample, or another version.
    FastSampleError
        As :class:`fastsample.parts.Draw` and its steps.
    """
    ray = _engines.needed("ray", "Ray", "ray")
    cpus = number("num_cpus", num_cpus, above=0)
    retries = whole("max_retries", max_retries, least=0)
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
        threads=max(int(cpus), 1),
    )
    tasks = _Tasks(ray, job, {"num_cpus": cpus, "max_retries": retries})
    return RaySample(tasks, *_engines.decided(tasks, started))


@public_in("fastsample.ray")
class RaySample(ClusterSample):
    """A sample that was decided on a cluster; tasks read its rows when they are asked for."""

    _engine: _Tasks

    def dataset(self) -> Any:
        """Return the rows as a Ray Dataset, in order: a block for each part."""
        return import_module("ray.data").from_arrow_refs(
            self._engine.of_parts(_gather, self._engine.last)
        )


class _Tasks(Engine):
    """The steps of a draw as remote functions."""

    name = NAME

    def __init__(self, ray: Any, job: Draw, options: dict[str, Any]) -> None:
        super().__init__(job)
        self.ray, self._options = ray, options
        self._stored = ray.put(self.sent)

    def remote(self, function: Callable[..., Any], **options: Any) -> Any:
        return self.ray.remote(**self._options, **options)(function)

    def of_parts(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run a step for each part."""
        task = self.remote(function)
        return [task.remote(self._stored, part.index, *arguments) for part in self.job.parts]

    def decided(self) -> Decision:
        decide = self.remote(_engines.decide, num_returns=2)
        join = self.remote(_engines.join)
        while True:
            states = self.of_parts(_engines.observe, self.last)
            while len(states) > 1:
                starts = range(0, len(states), MERGED_AT_ONCE)
                states = [join.remote(*states[at : at + MERGED_AT_ONCE]) for at in starts]
            self.last, is_final = decide.remote(self._stored, states[0], self.last)
            if self.ray.get(is_final):
                decision: Decision = self.ray.get(self.last)
                return decision

    def written(self, folder: str | RemoteFiles) -> list[PartOutput]:
        files: list[PartOutput] = self.ray.get(self.of_parts(_engines.write, self.last, folder))
        return files

    def plain_errors(self) -> AbstractContextManager[None]:
        return plain_errors(self.ray)


def _gather(sent: bytes, index: int, decision: Decision) -> pa.Table:
    return _engines.gather(sent, index, decision).read_all()
