"""Draws on a Ray cluster: the steps of :mod:`fastsample.parts` as Ray tasks.

Needs Ray: ``pip install 'fastsample[ray]'``, on all nodes. All nodes have to see the files under
the same names, in a shared folder or an object store.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastsample._arguments import flag, number, output_path, whole
from fastsample._public import public_in
from fastsample._sampling.report import Report
from fastsample._sampling.smart import Smart
from fastsample._source import SourceLike
from fastsample.errors import FastSampleError, MissingDependencyError
from fastsample.parts import Committed, Decision, Draw, PartOutput, merge

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["RaySample", "sample"]

#: States that one task merges.
_MERGED_AT_ONCE = 16


@public_in("fastsample.ray")
def sample(
    source: SourceLike,
    n: int,
    *,
    smart: bool | Smart = False,
    seed: int = 42,
    columns: Sequence[str] | None = None,
    text_columns: Sequence[str] | None = None,
    num_cpus: float = 1,
    max_retries: int = 3,
    target_bytes: int | str = "256MiB",
) -> RaySample:
    """Draw exactly `n` rows on a Ray cluster: those of :func:`fastsample.sample`.

    Parameters
    ----------
    source, n, smart, seed, columns, text_columns, target_bytes
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
    ray = _ray()
    cpus = number("num_cpus", num_cpus, above=0)
    retries = whole("max_retries", max_retries, least=0)
    started = time.perf_counter()
    job = Draw(
        source,
        n,
        smart=smart,
        seed=seed,
        columns=columns,
        text_columns=text_columns,
        target_bytes=target_bytes,
        threads=max(int(cpus), 1),
    )
    tasks = _Tasks(ray, job, {"num_cpus": cpus, "max_retries": retries})
    with _plain_errors(ray):
        final = tasks.decided()
        decision: Decision = ray.get(final)
    seconds = time.perf_counter() - started
    text = () if decision.smart is None else tuple(decision.smart.text)
    report = Report(
        decision.rows, job.n, job.seed, seconds, decision.smart, text_columns=text,
        notes=job.notes,
    )  # fmt: skip
    return RaySample(tasks, final, report)


@public_in("fastsample.ray")
class RaySample:
    """A sample that was decided on a cluster; tasks read its rows when they are asked for."""

    def __init__(self, tasks: _Tasks, decision: Any, report: Report) -> None:
        self._tasks, self._decision, self._report = tasks, decision, report

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._report.sampled

    def __repr__(self) -> str:
        rows, seed = self._report.rows, self._report.seed
        return f"<fastsample.ray.RaySample: {len(self):,} of {rows:,} rows, seed {seed}>"

    @property
    def report(self) -> Report:
        """What the draw did."""
        return self._report

    def row_ids(self) -> npt.NDArray[np.uint64]:
        """Return the positions of the rows in the source, ascending. No file is read."""
        import numpy as np

        job = self._tasks.job
        with _plain_errors(self._tasks.ray):
            decision: Decision = self._tasks.ray.get(self._decision)
        return np.concatenate([job.row_ids(part, decision) for part in job.parts])

    def dataset(self) -> Any:
        """Return the rows as a Ray Dataset, in order: a block for each part."""
        return import_module("ray.data").from_arrow_refs(
            self._tasks.of_parts(_gather, self._decision)
        )

    def write_parquet(
        self, folder: str | os.PathLike[str], *, overwrite: bool = False
    ) -> Committed:
        """Write a Parquet file for each part into a folder that all nodes see.

        All of them become visible together: readers of the folder see nothing of them before. A
        task that ran twice, or died in between, leaves nothing behind.
        """
        path = output_path("folder", folder).absolute()
        again = flag("overwrite", overwrite)
        written = self._tasks.of_parts(_write, self._decision, str(path))
        with _plain_errors(self._tasks.ray):
            files: list[PartOutput] = self._tasks.ray.get(written)
        return self._tasks.job.commit(files, path, overwrite=again)


class _Tasks:
    """The steps of a draw as remote functions."""

    def __init__(self, ray: Any, job: Draw, options: dict[str, Any]) -> None:
        self.ray, self.job, self._options = ray, job, options
        # As bytes, so that a worker of another version says so and does not fail to begin.
        self._sent = ray.put(pickle.dumps(job))

    def remote(self, function: Callable[..., Any], **options: Any) -> Any:
        return self.ray.remote(**self._options, **options)(function)

    def of_parts(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run a step for each part."""
        task = self.remote(function)
        return [task.remote(self._sent, part.index, *arguments) for part in self.job.parts]

    def decided(self) -> Any:
        """Run the rounds; return the last decision, which stays in the cluster."""
        decide = self.remote(_decide, num_returns=2)
        join = self.remote(_merge)
        decision = None
        while True:
            states = self.of_parts(_observe, decision)
            while len(states) > 1:
                starts = range(0, len(states), _MERGED_AT_ONCE)
                states = [join.remote(*states[at : at + _MERGED_AT_ONCE]) for at in starts]
            decision, is_final = decide.remote(self._sent, states[0], decision)
            if self.ray.get(is_final):
                return decision


def _observe(sent: bytes, index: int, decision: Decision | None) -> bytes:
    job: Draw = pickle.loads(sent)
    return job.observe(job.parts[index], decision)


def _merge(*states: bytes) -> bytes:
    return merge(states)


def _decide(sent: bytes, state: bytes, decision: Decision | None) -> tuple[Decision, bool]:
    job: Draw = pickle.loads(sent)
    made = job.decide(state, decision)
    return made, made.is_final


def _gather(sent: bytes, index: int, decision: Decision) -> pa.Table:
    job: Draw = pickle.loads(sent)
    return job.gather(job.parts[index], decision).read_all()


def _write(sent: bytes, index: int, decision: Decision, folder: str) -> PartOutput:
    job: Draw = pickle.loads(sent)
    return job.write(job.parts[index], decision, folder)


def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError:
        raise MissingDependencyError(
            "draws on a Ray cluster need Ray; install it with: pip install 'fastsample[ray]'"
        ) from None


@contextmanager
def _plain_errors(ray: Any) -> Iterator[None]:
    """Raise what a task failed with, without what Ray puts around it."""
    try:
        yield
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, FastSampleError):
            raise cause from None
        text = str(error)
        if "No module named 'fastsample" in text:
            raise MissingDependencyError(
                "a worker of the Ray cluster has no fastsample; install it on all nodes, or name "
                'it in the runtime_env of ray.init: {"pip": ["fastsample[ray]"]}'
            ) from error
        if cause is not None:
            raise
        raise FastSampleError(
            f"Ray gave a task up: {text.strip().splitlines()[0]}; see whether nodes of the cluster "
            "died or ran out of memory, and draw again, with a higher max_retries or lower "
            "target_bytes"
        ) from error
