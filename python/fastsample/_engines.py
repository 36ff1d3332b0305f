"""What draws on clusters share: the steps of :mod:`fastsample.parts` as tasks, and the sample.

An engine runs functions of bytes anywhere. `Engine` says which, `ClusterSample` is what users get.
"""

from __future__ import annotations

import os
import pickle
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample._arguments import flag
from fastsample._destination import destination_folder
from fastsample._remote import RemoteFiles
from fastsample._sampling.groups import group_notes
from fastsample._sampling.report import Report
from fastsample.errors import FastSampleError, MissingDependencyError
from fastsample.parts import Committed, Decision, Draw, PartOutput, merge

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

#: States that one task merges.
MERGED_AT_ONCE = 16


class Engine(ABC):
    """A cluster that runs the steps of a draw."""

    #: As messages call it.
    name: str

    def __init__(self, job: Draw) -> None:
        self.job = job
        #: As bytes, so that a worker of another version says so and does not fail to begin.
        self.sent = pickle.dumps(job)
        #: The last decision, as tasks take it: it may stay in the cluster.
        self.last: Any = None

    @abstractmethod
    def decided(self) -> Decision:
        """Run the rounds; return the last decision."""

    @abstractmethod
    def written(self, folder: str | RemoteFiles) -> list[PartOutput]:
        """Write all parts."""

    @abstractmethod
    def plain_errors(self) -> AbstractContextManager[None]:
        """Raise what a task failed with, without what the engine puts around it."""


class DecidedSample:
    """A sample whose rows were decided on a cluster, and are there when they are asked for."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._report.sampled

    def __repr__(self) -> str:
        kind, rows, seed = type(self), self._report.rows, self._report.seed
        return f"<{kind.__module__}.{kind.__name__}: {len(self):,} of {rows:,} rows, seed {seed}>"

    @property
    def report(self) -> Report:
        """What the draw did."""
        return self._report


class ClusterSample(DecidedSample):
    """A sample of files; tasks read its rows when they are asked for."""

    _engine: Engine

    def __init__(self, engine: Engine, decision: Decision, report: Report) -> None:
        super().__init__(report)
        self._engine, self._decision = engine, decision

    def row_ids(self) -> npt.NDArray[np.uint64]:
        """Return the positions of the rows in the source, ascending. No file is read."""
        import numpy as np

        job = self._engine.job
        return np.concatenate([job.row_ids(part, self._decision) for part in job.parts])

    def write_parquet(
        self, folder: str | os.PathLike[str] | RemoteFiles, *, overwrite: bool = False
    ) -> Committed:
        """Write a Parquet file for each part into a folder that all nodes see, or in a store.

        All of them become visible together: readers of the folder see nothing of them before. A
        task that ran twice, or died in between, leaves nothing behind.
        """
        found = destination_folder("folder", folder)
        place: Any = str(found.absolute()) if isinstance(found, Path) else folder
        again = flag("overwrite", overwrite)
        with self._engine.plain_errors():
            files = self._engine.written(place)
        return self._engine.job.commit(files, place, overwrite=again)


def decided(engine: Engine, started: float) -> tuple[Decision, Report]:
    """Decide which rows are drawn, and report it; `started` is what the clock said before."""
    with engine.plain_errors():
        decision = engine.decided()
    seconds, job, found = time.perf_counter() - started, engine.job, decision.smart
    text = () if found is None else tuple(found.text)
    drawn, whole, notes = decision.drawn or 0, decision.whole, job.notes
    if whole is not None:
        notes += tuple(group_notes(whole, list(job.group), None, False, drawn))
    report = Report(
        decision.rows, drawn, job.seed, seconds, found, text_columns=text,
        notes=notes, where=job.where, matching=decision.matching,
        weight=job.weight, groups=decision.groups, group=job.group,
        n_groups=None if whole is None else whole[1],        key=job.key,
    )  # fmt: skip
    return decision, report


def observe(sent: bytes, index: int, decision: Decision | None) -> bytes:
    """Return the state of a part."""
    job: Draw = pickle.loads(sent)
    return job.observe(job.parts[index], decision)


def join(*states: bytes) -> bytes:
    """Merge states."""
    return merge(states)


def decide(sent: bytes, state: bytes, decision: Decision | None) -> tuple[Decision, bool]:
    """Return the next decision, and whether it is the last one."""
    job: Draw = pickle.loads(sent)
    made = job.decide(state, decision)
    return made, made.is_final


def gather(sent: bytes, index: int, decision: Decision) -> pa.RecordBatchReader:
    """Return the rows of a part."""
    job: Draw = pickle.loads(sent)
    return job.gather(job.parts[index], decision)


def write(sent: bytes, index: int, decision: Decision, folder: str | RemoteFiles) -> PartOutput:
    """Write the rows of a part."""
    job: Draw = pickle.loads(sent)
    return job.write(job.parts[index], decision, folder)


def needed(module: str, engine: str, extra: str) -> Any:
    """Import what an engine is driven by."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingDependencyError(
            f"draws on a {engine} cluster need {engine}; install it with: "
            f"pip install 'fastsample[{extra}]'"
        ) from None


def lost(engine: str, error: Exception, install: str, retry: str) -> FastSampleError:
    """Return what to raise where an engine gave a task up.

    `install` says how else than on all nodes fastsample gets to them, `retry` what to draw again
    with.
    """
    text = str(error)
    if "No module named 'fastsample" in text:
        return MissingDependencyError(
            f"a worker of the {engine} cluster has no fastsample; install it on all nodes{install}"
        )
    return FastSampleError(
        f"{engine} gave a task up: {text.strip().splitlines()[0]}; see whether nodes of the "
        f"cluster died or ran out of memory, and draw again, with {retry}"
    )
