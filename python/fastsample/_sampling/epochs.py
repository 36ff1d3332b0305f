"""`epochs`: different rows for every epoch, as windows of the order in which rows are drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from fastsample import _fastsample
from fastsample._arguments import (
    check_amount,
    check_seed,
    check_text_columns,
    check_threads,
    optional,
    string,
    whole,
)
from fastsample._progress import Callback, reporting
from fastsample._sampling.report import Report, known_text
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import SmartLike, check_rule, rank
from fastsample._sampling.smart_report import SmartReport, to_report
from fastsample._source import SourceLike, matching, open_source
from fastsample.errors import ArgumentError, SourceTypeError


def epochs(
    source: SourceLike,
    n: int | None = None,
    *,
    fraction: float | None = None,
    where: str | None = None,
    smart: SmartLike = False,
    seed: int = 42,
    columns: Sequence[str] | None = None,
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
    threads = check_threads(threads)
    with reporting(progress, "opening") as callback:
        opened = open_source(source, columns, threads, callback)
        if opened.rows is None:
            raise ArgumentError(
                "a stream can be read once, but every epoch reads the source; write it to a file "
                "first"
            )
        opened = matching(opened, where, threads, callback)
    asked = {"where": where, "fraction": amount if isinstance(amount, float) else None}
    n = opened.count(amount)
    return Epochs(opened, n, seed, smart, text_columns, threads, progress, asked)


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
        smart: SmartLike,
        text_columns: Sequence[str] | None,
        threads: int | None,
        progress: bool | Callback | None,
        asked: dict[str, Any],
    ) -> None:
        self._opened = opened
        self._n = n
        self._seed = seed
        self._smart = smart
        self._text_columns = text_columns
        self._threads = threads
        self._progress = progress
        self._rows = opened.population or 0
        self._asked = asked
        self._ranking: _fastsample.Ranking | None = None

    def __len__(self) -> int:
        """Return the number of epochs of which no two share a row."""
        return self._rows // self._n

    def __iter__(self) -> Iterator[Sample]:
        """Draw the epochs of which no two share a row."""
        return (self[epoch] for epoch in range(len(self)))

    def __getitem__(self, epoch: int) -> Sample:
        """Draw the rows of an epoch, from 0. After `len` epochs, uniform draws begin again."""
        epoch = whole("epoch", epoch, least=0)
        if self._smart is not False and (epoch + 1) * self._n > self._rows:
            raise IndexError(f"epoch {epoch} of {len(self)}; a smart draw has no more rows")
        started = time.perf_counter()
        with reporting(self._progress, "drawing") as callback:
            drawn, found = self._draw(epoch, callback)
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
            notes=tuple(self._opened.notes),
            **self._asked,
            matching=None if self._asked["where"] is None else drawn.population,
        )
        return Sample(drawn, report)

    def _draw(
        self, epoch: int, progress: Callback | None
    ) -> tuple[_fastsample.Sample, SmartReport | None]:
        n, seed, threads, first = self._n, self._seed, self._threads, epoch * self._n
        if self._smart is False:
            window = _fastsample.draw_window(
                self._opened,
                n,
                seed,
                first=first % self._rows,
                text=check_text_columns(self._text_columns),
                threads=threads,
                progress=progress,
            )
            return window, None
        if self._ranking is None:
            columns = self._text_columns
            self._ranking = rank(self._opened, seed, self._smart, columns, threads, progress)
        drawn, found = self._ranking.window(n, first, threads)
        return drawn, to_report(found)
