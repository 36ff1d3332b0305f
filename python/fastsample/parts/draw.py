"""`Draw`: the steps of a draw, each a function of what is passed to it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import (
    check_amount,
    check_seed,
    check_text_columns,
    check_threads,
    flag,
    names,
    optional,
    string,
    whole,
)
from fastsample._public import public_in
from fastsample._remote import RemoteFiles
from fastsample._sampling.groups import (
    AllocationLike,
    check_by,
    check_strata,
    to_groups,
)
from fastsample._sampling.report import Report
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import Smart, check_smart
from fastsample._sampling.smart_report import to_report
from fastsample._source import SourceLike
from fastsample.errors import ArgumentError, MissingDependencyError, SourceTypeError
from fastsample.parts import output, plan
from fastsample.parts.decision import Decision
from fastsample.parts.folder import folder_of
from fastsample.parts.output import Committed, PartOutput
from fastsample.parts.plan import Part

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@public_in("fastsample.parts")
class Draw:
    """A draw of `n` rows from files, in parts. It is small and can be pickled.

    Only names and sizes of files are looked at here. Their footers, and all lines of JSON Lines and
    CSV, are read by :meth:`observe`.

    Parameters
    ----------
    source
        Files as for :func:`fastsample.sample`: paths, globs, folders, URLs, or
        :class:`fastsample.RemoteFiles`. All processes have to see them under these names.
    n, seed, columns, text_columns
        As for :func:`fastsample.sample`.
    smart
        True or a :class:`fastsample.Smart` without a target.
    where, weight
        As for :func:`fastsample.sample`: a condition that rows have to match, a column of numbers
        to draw by.
    by, allocation
        As for :func:`fastsample.sample`: of each group of rows its own number, in a uniform draw.
    group, n_groups
        As for :func:`fastsample.sample`: whole groups, of `n` rows at the most, or in place of `n`
        this number of groups, in a uniform draw.
    key
        As for :func:`fastsample.sample`: the column that decides which rows are drawn, in place of
        the order of rows, in a uniform draw.
    target_bytes
        About the bytes of a part: a number, or a text such as ``"256MiB"``. Small files are put
        together; large Parquet and Arrow IPC files are cut between row groups or batches, or
        between rows where these are larger. Which rows are drawn does not depend on it.
    threads
        Cores that a step uses. One by default, since parts run side by side; None for all.
    """

    def __init__(
        self,
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
        threads: int | None = 1,
    ) -> None:
        check_amount(n, None, n_groups=n_groups)
        self._n_groups = optional(whole, "n_groups", n_groups, least=1)
        self._n = None if self._n_groups is not None else whole("n", n, least=1)
        self._seed = check_seed(seed)
        self._columns = optional(names, "columns", columns)
        self._threads = check_threads(threads)
        text = check_text_columns(text_columns)
        self._smart = None if smart is False else check_smart(smart, text)
        for name in ("target", "avoid"):
            if self._smart is not None and getattr(self._smart, name) is not None:
                raise ArgumentError(
                    f"a smart draw with {name}= is not drawn in parts; draw in one process, or "
                    f"leave {name}= out"
                )
        self._where = optional(string, "where", where)
        self._weight = optional(string, "weight", weight)
        self._key = optional(string, "key", key)
        self._by, self._allocation = check_strata(by, allocation)
        self._group = None if group is None else check_by(group, "group")
        parts = {
            "draws in parts": True,
            "smart": self._smart is not None,
            "weight": weight is not None,
            "by": by is not None,
            "group": group is not None,
            "n_groups": n_groups is not None,
            "key": key is not None,
        }
        _fastsample.check_draw([part for part, is_given in parts.items() if is_given])
        target = plan.check_bytes("target_bytes", target_bytes)
        files, passed_over, self._remote = plan.list_files(source)
        self._passed_over = tuple(passed_over)
        self._parts = plan.cut(files, target)
        self._version = _fastsample.__version__
        made = [
            self._version,
            [self._n, self._seed, self._columns, self._smart and asdict(self._smart)],
            [self._where, self._weight, self._by, self._allocation, self._key],
            [self._group, self._n_groups],
            [asdict(part) for part in self._parts],
        ]
        digest = hashlib.blake2b(json.dumps(made).encode(), digest_size=8).digest()
        self._fingerprint = int.from_bytes(digest, "little")
        self._core()  # a condition that can't be read is refused here

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        check_version(self._version)

    def __repr__(self) -> str:
        asked = f"{self._n:,} rows" if self._n_groups is None else f"{self._n_groups:,} groups"
        return f"<fastsample.parts.Draw: {asked}, {len(self._parts):,} parts>"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts, in the order of their rows."""
        return self._parts

    @property
    def n(self) -> int | None:
        """The rows to draw; of whole groups the most; None for a number of groups."""
        return self._n

    @property
    def n_groups(self) -> int | None:
        """The groups to draw, in place of a number of rows."""
        return self._n_groups

    @property
    def seed(self) -> int:
        """The seed."""
        return self._seed

    @property
    def where(self) -> str | None:
        """The condition that rows have to match."""
        return self._where

    @property
    def weight(self) -> str | None:
        """The column of weights."""
        return self._weight

    @property
    def by(self) -> tuple[str, ...]:
        """The columns whose values make groups of which each gives its own number of rows."""
        return tuple(self._by or ())

    @property
    def group(self) -> tuple[str, ...]:
        """The columns whose values make groups that are drawn whole."""
        return tuple(self._group or ())

    @property
    def key(self) -> str | None:
        """The column that decides which rows are drawn."""
        return self._key

    @property
    def notes(self) -> tuple[str, ...]:
        """Files that lie in the folders or match the globs, and are not read, in a sentence."""
        count = len(self._passed_over)
        if not count:
            return ()
        some = ", ".join(self._passed_over[:3]) + (f" and {count - 3} more" if count > 3 else "")
        return (f"{count} files are not read, by their name or ending: {some}",)

    @property
    def fingerprint(self) -> str:
        """A hash of the options and of the names, sizes and versions of all files."""
        return f"{self._fingerprint:016x}"

    def observe(self, part: Part, decision: Decision | None = None) -> bytes:
        """Return what a part has to say in the round that `decision` begins.

        The first round has no decision. The state can be sent anywhere; :func:`merge` joins those
        of all parts.

        Raises
        ------
        SourceNotFoundError, SourceChangedError
            This process does not see the files, or sees other ones.
        """
        data = None if decision is None else decision.data
        return self._core().observe(self._open(part), data, threads=self._threads)

    def decide(self, state: bytes, decision: Decision | None = None) -> Decision:
        """Return what follows from the merged state of all parts: the next round, or the rows.

        `decision` is what the parts were observed by.

        Raises
        ------
        CorruptDataError
            Parts are missing, or the state is of another draw or round.
        ArgumentError
            The source has fewer than `n` rows.
        ColumnError, SchemaError
            As of :func:`fastsample.sample`.
        """
        data = None if decision is None else decision.data
        made, found = self._core().decide(state, data, threads=self._threads)
        groups, whole_groups = (
            (None, None) if decision is None else (decision.groups, decision.whole)
        )
        if found["groups"] is not None:
            groups = to_groups(found["groups"], self.by, self._allocation)
        return Decision(
            made,
            found["drawn"] is not None,
            found["rows"],
            None if found["smart"] is None else to_report(found["smart"]),
            found["matching"],
            groups,
            found["drawn"],
            found["whole"] or whole_groups,
        )

    def gather(self, part: Part, decision: Decision) -> pa.RecordBatchReader:
        """Return the chosen rows of a part, in order, as a stream of Arrow batches."""
        import pyarrow as pa

        drawn = self._core().sample(self._open(part), decision.data, threads=self._threads)
        report = Report(drawn.source_rows, len(drawn), self._seed, 0.0)
        return pa.RecordBatchReader.from_stream(Sample(drawn, report))

    def row_ids(self, part: Part, decision: Decision) -> npt.NDArray[np.uint64]:
        """Return the positions of the chosen rows of a part in the source. No file is read."""
        import pyarrow as pa

        ids: npt.NDArray[np.uint64] = pa.array(
            self._core().row_ids(part.index, decision.data)
        ).to_numpy()
        return ids

    def schema(self, decision: Decision) -> pa.Schema:
        """Return the columns of the rows, as :meth:`gather` gives them. No file is read."""
        import pyarrow as pa

        return pa.schema(self._core().schema(decision.data))

    def first_rows(self, decision: Decision) -> list[int]:
        """Return the position of the first row of each part, and last the number of all rows."""
        return self._core().firsts(decision.data)

    def write(
        self, part: Part, decision: Decision, folder: str | os.PathLike[str] | RemoteFiles
    ) -> PartOutput:
        """Write the chosen rows of a part as Parquet, for :meth:`commit` to make visible.

        The bytes depend on the part and the decision alone, so a part may be written twice. The
        file lies in ``folder/_fastsample/``, where readers don't look. The folder may lie in a
        store: ``s3://bucket/folder``.
        """
        drawn = self._core().sample(self._open(part), decision.data, threads=self._threads)
        return output.write(drawn, self._place(part, folder), decision.drawn or 0)

    def commit(
        self,
        files: Iterable[PartOutput],
        folder: str | os.PathLike[str] | RemoteFiles,
        *,
        overwrite: bool = False,
    ) -> Committed:
        """Make the files of all parts visible; the manifest ``_fastsample.json`` comes last.

        What else earlier or doubled tasks left in ``folder/_fastsample/`` is removed. It can be
        called again after a failure. `overwrite` replaces an output that was committed before.

        Raises
        ------
        CorruptDataError
            A part is missing, or is there in two versions.
        OutputError
            The folder holds another output, or other data files.
        """
        return output.commit(
            list(files),
            folder_of(folder),
            fingerprint=self.fingerprint,
            parts=len(self._parts),
            overwrite=flag("overwrite", overwrite),
            made={
                "n": self._n,
                "seed": self._seed,
                "smart": self._smart and asdict(self._smart),
                "where": self._where,
                "weight": self._weight,
                "by": self._by,
                "allocation": self._by and self._allocation,
                "group": self._group,
                "n_groups": self._n_groups,
                "key": self._key,
            },
        )

    def _place(self, part: Part, folder: str | os.PathLike[str] | RemoteFiles) -> output.Place:
        return output.Place(folder_of(folder), part.index, len(self._parts), self.fingerprint)

    def _open(self, part: Part) -> _fastsample.PartFiles:
        if not isinstance(part, Part):
            raise SourceTypeError(f"part is {part!r}; it must be one of the parts of the draw")
        if part.index >= len(self._parts) or self._parts[part.index] != part:
            raise ArgumentError(f"part {part.index} is one of another draw; take it from .parts")
        return plan.open_files(part, self._remote)

    def _core(self) -> _fastsample.PartedDraw:
        rule = None if self._smart is None else _fastsample.Rule.weighted(self._smart, [], None)
        return _fastsample.PartedDraw(
            self._n or 1,
            self._seed,
            rule,
            columns=self._columns,
            parts=len(self._parts),
            fingerprint=self._fingerprint,
            condition=self._where,
            weight=self._weight,
            by=None if self._by is None else (self._by, self._allocation),
            group=self._group,
            n_groups=self._n_groups,
            key=self._key,
        )


def check_version(made_by: str) -> None:
    """Refuse a draw that another version of fastsample made, in another process."""
    if made_by != _fastsample.__version__:
        raise MissingDependencyError(
            f"this process has fastsample {_fastsample.__version__}, but the draw was made by "
            f"{made_by}; install the same version everywhere"
        )
