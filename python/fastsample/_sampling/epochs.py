"""`epochs`: different rows for every epoch, as windows of the order in which rows are drawn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import (
    check_alone,
    check_amount,
    check_seed,
    check_text_columns,
    check_threads,
    optional,
    output_path,
    string,
    whole,
)
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling import formats
from fastsample._sampling.exclusion import (
    LETTERS,
    check_exclude,
    excluded,
    excluding,
    left_out_rows,
    read_benchmarks,
)
from fastsample._sampling.groups import (
    AllocationLike,
    Shares,
    check_allocation,
    check_by,
    draw_by_groups,
    draw_whole_groups,
)
from fastsample._sampling.report import Groups, Report, WriteReport, known_text
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import SmartLike, check_rule, rank, text_of
from fastsample._sampling.smart_report import SmartReport, to_report
from fastsample._sampling.write import write
from fastsample._source import SourceLike, matching, open_source
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa


@public
def epochs(
    source: SourceLike,
    n: int | None = None,
    *,
    fraction: float | None = None,
    where: str | None = None,
    exclude: SourceLike | Sequence[SourceLike] | None = None,
    exclude_letters: int = LETTERS,
    by: str | Sequence[str] | None = None,
    allocation: AllocationLike = "proportional",
    group: str | Sequence[str] | None = None,
    weight: str | None = None,
    smart: SmartLike = False,
    seed: int = 42,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    text_columns: Sequence[str] | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Epochs:
    """Draw `n` different rows for every epoch of a training run.

    This is the recommended way to train for several epochs. Three epochs of 3 million rows out of
    10 million show 9 million different rows, in the time of three epochs over the same 3 million.

    Epoch e consists of the rows of rank e * n to (e + 1) * n in the order in which rows are drawn.
    Epoch 0 is :func:`fastsample.sample` itself, and no row comes again before all rows have been
    drawn.

    Parameters are those of :func:`fastsample.sample`; `fraction` and `n` are of each epoch, and
    epochs consist of the rows that match `where`. A `source` that can be read only once is
    refused. With `smart`, later epochs have rows of lower weight, copies come last, and there are
    no epochs beyond ``len(epochs)``. The text of all rows is read once, for the first epoch that is
    requested; after that 8 bytes a row are kept.

    With `by` each epoch has the same number of rows of each group, as `allocation` says: the next
    ones in the order of the group, which begins again where the group ends. ``len(epochs)`` is the
    number of epochs until the first group does. With `weight` later epochs have rows of lower
    weight, and there are none beyond ``len(epochs)``. With `group` each epoch has whole groups: of
    those that were not drawn yet, each that still fits into `n` rows; when all have been drawn,
    they begin again. The columns of these are read for every epoch.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"prompt": [f"question {i}" for i in range(10)]})
    >>> epochs = fastsample.epochs(table, 3)
    >>> rows = [row for e in range(3) for row in epochs[e].row_ids.tolist()]
    >>> len(epochs), len(set(rows))
    (3, 9)
    """
    amount = check_amount(n, fraction)
    if amount is None:
        raise SourceTypeError("n is None, not a whole number of rows; pass one, or fraction")
    where = optional(string, "where", where)
    seed = check_seed(seed)
    check_rule(smart, text_columns)
    groups = None if by is None else check_by(by)
    if by is None and allocation != "proportional":
        raise ArgumentError("allocation divides rows among groups; name their column with by")
    shares = check_allocation(allocation, len(groups or ()))
    weight = optional(string, "weight", weight)
    together = None if group is None else check_by(group, "group")
    for name, option in (("by", by), ("weight", weight), ("group", group)):
        if option is not None and smart is not False:
            raise ArgumentError(f"{name} and smart exclude each other in epochs; leave out one")
    check_alone("group", group is not None, {"by": by is not None})
    benchmarks = check_exclude(exclude, exclude_letters)
    threads = check_threads(threads)
    with reporting(progress, "opening") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        if opened.rows is None:
            raise ArgumentError(
                "a stream can be read once, but every epoch reads the source; write it to a file "
                "first"
            )
        opened = matching(opened, where, threads, callback)
        shared = read_benchmarks(benchmarks, exclude_letters, threads, callback)
        opened = excluding(opened, shared, text_of(smart, text_columns), threads, callback)
    asked: dict[str, Any] = {"where": where}
    asked |= {"fraction": amount if isinstance(amount, float) else None}
    asked |= {"weight": weight, "group": tuple(together or ()), "exclude": excluded(opened)}
    n = opened.count(amount)
    order = _Order(amount, smart, groups, shares, together, weight)
    return Epochs(opened, n, seed, order, text_columns, threads, progress, asked)


@dataclass(frozen=True)
class _Order:
    """How many rows an epoch has, and in which order they are drawn."""

    amount: int | float
    smart: SmartLike
    by: list[str] | None
    allocation: str | Shares
    group: list[str] | None
    weight: str | None

    @property
    def by_weight(self) -> bool:
        """Whether rows come by weight, so that there are no epochs once all have come."""
        return self.smart is not False or (self.weight is not None and self.by is None)


@public
class Epochs:
    """The samples of a training run, one an epoch: ``epochs[0]``, ``epochs[1]``, ...

    ``len(epochs)`` is the number of epochs until rows come again, and a loop over all of them ends
    there. Uniform draws have later epochs, too, under their number.
    """

    def __init__(
        self,
        opened: _fastsample.Source,
        n: int,
        seed: int,
        order: _Order,
        text_columns: Sequence[str] | None,
        threads: int | None,
        progress: bool | Callback | None,
        asked: dict[str, Any],
    ) -> None:
        self._opened = opened
        self._n = n
        self._seed = seed
        self._order = order
        self._text_columns = text_columns
        self._threads = threads
        self._progress = progress
        self._rows = opened.population or 0
        self._asked = asked
        self._ranking: _fastsample.Ranking | None = None
        self._counts: tuple[int, int, int] | None = None

    def __len__(self) -> int:
        """Return the number of epochs of which no two share a row."""
        return self._counted()[2]

    def _counted(self) -> tuple[int, int, int]:
        """Return the rows of an epoch, those that may be drawn, and the number of epochs.

        Columns of groups and weights are read for that, once.
        """
        order = self._order
        if order.by is None and order.weight is None and order.group is None:
            return self._n, self._rows, self._rows // self._n
        if self._counts is None:
            with reporting(self._progress, "drawing") as callback:
                drawn, _, groups, _, count = self._draw(0, callback)
            n, rows = len(drawn), drawn.population
            if count is None:
                count = rows // n if groups is None else groups.epochs
            self._counts = n, rows, count
        return self._counts

    def __iter__(self) -> Iterator[Sample]:
        """Draw the epochs of which no two share a row."""
        return (self[epoch] for epoch in range(len(self)))

    def __getitem__(self, epoch: int) -> Sample:
        """Draw the rows of an epoch, from 0. After `len` epochs, uniform draws begin again."""
        epoch = whole("epoch", epoch, least=0)
        if self._order.by_weight and epoch > 0 and epoch >= len(self):
            raise IndexError(f"epoch {epoch} of {len(self)}; a draw by weight has no more rows")
        started = time.perf_counter()
        with reporting(self._progress, "drawing") as callback:
            drawn, found, groups, notes, _ = self._draw(epoch, callback)
        seconds = time.perf_counter() - started
        report = Report(
            drawn.source_rows,
            len(drawn),
            self._seed,
            seconds,
            found,
            None,
            None,
            *known_text(drawn),
            notes=(*self._opened.notes, *notes),
            **self._asked,
            matching=None
            if self._asked["where"] is None
            else drawn.population + left_out_rows(self._asked["exclude"]),
            groups=groups,
        )
        return Sample(drawn, report)

    def write(
        self,
        path: str | os.PathLike[str],
        epochs: int | None = None,
        *,
        compression: str | None = None,
        shuffle: bool = False,
        overwrite: bool = True,
        memory_limit: int | None = None,
        progress: bool | Callback | None = None,
    ) -> list[WriteReport]:
        """Write each epoch to a file of its own: ``train-epoch0.parquet`` and so on.

        For trainers that read one file an epoch. All files appear together, or none of them.

        Parameters
        ----------
        path
            The name of the files without ``-epoch0``. Its ending says the format, as in
            ``train.parquet``, ``train.arrow``, ``train.jsonl.gz``, ``train.csv``.
        epochs
            The number of files; ``len(epochs)`` if None.
        compression
            The codec of Parquet and Arrow files; by default that of
            :meth:`fastsample.Sample.write_parquet` and :meth:`fastsample.Sample.write_ipc`.
        shuffle, overwrite, memory_limit, progress
            As in :meth:`fastsample.Sample.write_parquet`.

        Raises
        ------
        ArgumentError
            A draw by weight has fewer epochs; the name promises no format that is known.
        OutputError, SourceChangedError
            As in :meth:`fastsample.Sample.write_parquet`.

        Examples
        --------
        >>> import fastsample, pyarrow as pa, tempfile
        >>> table = pa.table({"prompt": [f"question {i}" for i in range(10)]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = fastsample.epochs(table, 3).write(f"{folder}/train.jsonl", 2)
        >>> [report.files[0].path.name for report in written]
        ['train-epoch0.jsonl', 'train-epoch1.jsonl']
        """
        files = {"shuffle": shuffle, "overwrite": overwrite, "memory_limit": memory_limit}
        _, written = write_epochs(self, path, epochs, compression, progress=progress, **files)
        return written

    def _draw(
        self, epoch: int, progress: Callback | None
    ) -> tuple[_fastsample.Sample, SmartReport | None, Groups | None, list[str], int | None]:
        """Return the rows of an epoch, what was found, notes, and the epochs of whole groups."""
        seed, threads, order = self._seed, self._threads, self._order
        if order.group is not None:
            drawn, notes, count = draw_whole_groups(
                self._opened,
                order.amount,
                seed,
                order.group,
                order.weight,
                self._text_columns,
                threads=threads,
                progress=progress,
                epoch=epoch,
            )
            return drawn, None, None, notes, count
        if order.by is not None:
            drawn, report, groups = draw_by_groups(
                self._opened,
                order.amount,
                seed,
                False,
                self._text_columns,
                False,
                weight=order.weight,
                by=order.by,
                allocation=order.allocation,
                threads=threads,
                progress=progress,
                epoch=epoch,
            )
            return drawn, report, groups, [], None
        if order.smart is not False:
            if self._ranking is None:
                columns = self._text_columns
                self._ranking = rank(self._opened, seed, order.smart, columns, threads, progress)
            drawn, found = self._ranking.window(self._n, epoch * self._n, threads)
            return drawn, to_report(found), None, [], None
        text = check_text_columns(self._text_columns)
        if order.weight is not None:
            drawn = _fastsample.draw_weighted(
                self._opened,
                order.amount,
                seed,
                weight=order.weight,
                weights=False,
                text=text,
                threads=threads,
                progress=progress,
                first=epoch * self._counted()[0] if epoch else 0,
            )
        else:
            drawn = _fastsample.draw_window(
                self._opened,
                self._n,
                seed,
                first=epoch * self._n % self._rows,
                text=text,
                threads=threads,
                progress=progress,
            )
        return drawn, None, None, [], None


def write_epochs(
    draws: Epochs,
    path: str | os.PathLike[str],
    epochs: int | None,
    compression: str | None,
    **options: Any,
) -> tuple[list[Report], list[WriteReport]]:
    """Write epochs as :meth:`Epochs.write` does; return how each was drawn, and written."""
    target = output_path("path", path)
    form = formats.by_ending(target, optional(string, "compression", compression))
    count = len(draws) if epochs is None else whole("epochs", epochs, least=1)
    if count > len(draws) and draws._order.by_weight:
        raise ArgumentError(f"epochs is {count}, but a draw by weight has {len(draws)} here")
    drawn = [draws[epoch] for epoch in range(count)]
    paths = [formats.with_label(target, f"epoch{epoch}") for epoch in range(count)]
    written = write([sample._native for sample in drawn], paths, form, **options)
    return [sample.report for sample in drawn], written
