"""`epochs`: different rows for every epoch, as windows of the order in which rows are drawn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import (
    check_amount,
    check_schema,
    check_seed,
    check_threads,
    names,
    optional,
    output_path,
    string,
    whole,
)
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling import formats
from fastsample._sampling.draw_plan import (
    Drawn,
    DrawPlan,
    check_plan,
    draw,
    report_of,
    to_drawn,
)
from fastsample._sampling.exclusion import LETTERS, check_exclude, excluding, read_benchmarks
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.recipe import Recipe, recipe
from fastsample._sampling.report import Report, WriteReport
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import SmartLike
from fastsample._sampling.smart_report import to_report
from fastsample._sampling.weights import WeightLike
from fastsample._sampling.write_drawn import write_drawn
from fastsample._source import SourceLike, matching, open_source
from fastsample._stored import ToldObject
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
    n_groups: int | None = None,
    weight: WeightLike | None = None,
    budget_tokens: int | None = None,
    max_tokens: int | None = None,
    tokenizer: str | os.PathLike[str] | None = None,
    chat_template: bool | None = None,
    smart: SmartLike = False,
    features: str | os.PathLike[str] | None = None,
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

    Parameters are those of :func:`fastsample.sample`; `fraction`, `n`, `n_groups` and
    `budget_tokens` are of each epoch, and epochs consist of the rows that match `where`. A `source`
    that can be read only once is refused. With `smart`, later epochs have rows of lower weight,
    copies come last, and there are no epochs beyond ``len(epochs)``. The text of all rows is read
    once, for the first epoch that is requested; after that 8 bytes a row are kept.

    With `by` each epoch has the same number of rows of each group, as `allocation` says: the next
    ones in the order of the group, which begins again where the group ends. ``len(epochs)`` is the
    number of epochs until the first group does. With `weight` later epochs have rows of lower
    weight, and there are none beyond ``len(epochs)``. With `group` each epoch has whole groups: of
    those that were not drawn yet, each that still fits into `n` rows, or the next `n_groups`; when
    all have been drawn, they begin again. The columns of these are read for every epoch, and with
    `smart` the text of all rows, too.

    With `budget_tokens` each epoch has the next rows, until one more would exceed the budget, and
    with `max_tokens` those that are short enough. Rows are counted as far as epochs are drawn, none
    twice, and 12 bytes of each are kept; for ``len(epochs)`` all rows are counted. There are no
    epochs beyond that.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"prompt": [f"question {i}" for i in range(10)]})
    >>> epochs = fastsample.epochs(table, 3)
    >>> rows = [row for e in range(3) for row in epochs[e].row_ids.tolist()]
    >>> len(epochs), len(set(rows))
    (3, 9)
    """
    amount = check_amount(n, fraction, budget_tokens, n_groups)
    if amount is None and n_groups is None and budget_tokens is None:
        raise SourceTypeError(
            "n is None, not a whole number of rows; pass one, or fraction, budget_tokens or "
            "n_groups"
        )
    where = optional(string, "where", where)
    plan = check_plan(
        amount,
        check_seed(seed),
        smart=smart,
        features=features,
        by=by,
        allocation=allocation,
        group=group,
        n_groups=n_groups,
        weight=weight,
        budget_tokens=budget_tokens,
        max_tokens=max_tokens,
        tokenizer=tokenizer,
        chat_template=chat_template,
        text_columns=text_columns,
    )
    plan.check(epochs=True)
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
        opened = excluding(opened, shared, plan.text, threads, callback)
    options = {
        **{name: plan.arguments[name] for name in _PLANNED},
        "where": where,
        "exclude": benchmarks or None,
        "exclude_letters": exclude_letters,
        "columns": optional(names, "columns", columns),
        "schema": check_schema(schema),
    }
    objects = [] if shared is None else shared.objects
    made = recipe(source, options, plan.features, objects)
    return Epochs(opened, plan, where, made, threads, progress)


#: Arguments of `epochs` that a plan has. It has others, which are refused here.
_PLANNED = (
    "n", "fraction", "by", "allocation", "group", "n_groups", "weight", "budget_tokens",
    "max_tokens", "tokenizer", "chat_template", "smart", "seed", "text_columns",
)  # fmt: skip


@public
class Epochs:
    """The samples of a training run, one an epoch: ``epochs[0]``, ``epochs[1]``, ...

    ``len(epochs)`` is the number of epochs until rows come again, and a loop over all of them ends
    there. Uniform draws have later epochs, too, under their number.
    """

    def __init__(
        self,
        opened: _fastsample.Source,
        plan: DrawPlan,
        where: str | None,
        recipe: Recipe,
        threads: int | None,
        progress: bool | Callback | None,
    ) -> None:
        self._opened = opened
        self._n = opened.count(plan.amount or 1)
        self._plan = plan
        self._where = where
        self._recipe = recipe
        self._threads = threads
        self._progress = progress
        self._ranking: _fastsample.Ranking | None = None
        self._counted: _fastsample.CountedEpochs | None = None
        self._judge: _fastsample.Rule | None = None
        self._objects: Sequence[ToldObject] = ()
        self._count: int | None = None

    def __len__(self) -> int:
        """Return the number of epochs of which no two share a row.

        Columns of groups and weights are read for that, once.
        """
        plan = self._plan
        is_plain = plan.by is None and plan.weight is None and plan.group is None
        if is_plain and not plan.counts_tokens:
            return (self._opened.population or 0) // self._n
        if self._count is None:
            with reporting(self._progress, "drawing") as callback:
                if plan.counts_tokens:
                    counted = self._of_tokens(callback)
                    self._count = counted.count(threads=self._threads, progress=callback)
                else:
                    self._count = self._draw(0, callback).epochs
        return self._count

    @property
    def _ends(self) -> str | None:
        """By what rows come, if there are no epochs once all have come."""
        plan = self._plan
        if plan.counts_tokens:
            return "tokens"
        by_weight = plan.by is None and (plan.smart is not False or plan.weight is not None)
        return "weight" if by_weight else None

    def __iter__(self) -> Iterator[Sample]:
        """Draw the epochs of which no two share a row."""
        return (self[epoch] for epoch in range(len(self)))

    def __getitem__(self, epoch: int) -> Sample:
        """Draw the rows of an epoch, from 0. After `len` epochs, uniform draws begin again."""
        epoch = whole("epoch", epoch, least=0)
        if self._ends == "weight" and epoch > 0 and epoch >= len(self):
            raise self._no_more(epoch)
        started = time.perf_counter()
        with reporting(self._progress, "drawing") as callback:
            drawn = self._draw(epoch, callback)
        seconds = time.perf_counter() - started
        report = report_of(drawn, self._plan, self._opened, self._where, seconds)
        objects = [*self._recipe.objects, *drawn.objects]
        made = replace(self._recipe, part={"epoch": epoch}, objects=objects)
        return Sample(drawn.rows, report, made)

    def write(
        self,
        path: str | os.PathLike[str],
        epochs: int | None = None,
        *,
        compression: str | None = None,
        shuffle: bool = False,
        overwrite: bool = True,
        memory_limit: int | None = None,
        manifest: bool = False,
        provenance: bool = True,
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
        provenance
            As there; lines, which have no metadata, tell nothing.
        manifest
            Also write a manifest beside each file: ``train-epoch0.parquet.manifest.json``, from
            which :func:`fastsample.reproduce` draws that epoch.

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
        files |= {"manifest": manifest, "provenance": provenance}
        _, written = write_epochs(self, path, epochs, compression, progress=progress, **files)
        return written

    def _no_more(self, epoch: int) -> IndexError:
        return IndexError(f"epoch {epoch} of {len(self)}; a draw by {self._ends} has no more rows")

    def _of_tokens(self, progress: Callback | None) -> _fastsample.CountedEpochs:
        """Return the epochs whose rows are counted; rows are ranked for the first that is drawn."""
        plan, threads = self._plan, self._threads
        if self._counted is None:
            self._judge = plan.judge(threads, progress)
            self._counted = _fastsample.CountedEpochs(
                self._opened,
                plan,
                rule=self._judge,
                tokenizer=plan.counter(),
                threads=threads,
                progress=progress,
            )
        return self._counted

    def _draw(self, epoch: int, progress: Callback | None) -> Drawn:
        plan, threads = self._plan, self._threads
        if plan.counts_tokens:
            counted = self._of_tokens(progress)
            drawn = counted.draw(epoch, threads=threads, progress=progress)
            if drawn is None:
                self._count = counted.count(threads=threads, progress=progress)
                raise self._no_more(epoch)
            return to_drawn(*drawn, plan, self._judge)
        if plan.by is not None or plan.group is not None:
            return draw(self._opened, plan, threads, progress, epoch)
        judge = plan.judge(threads, progress) if self._ranking is None else None
        if judge is not None:
            self._objects = judge.objects
            self._ranking = _fastsample.rank(
                self._opened, plan, rule=judge, threads=threads, progress=progress
            )
        if self._ranking is None:
            return draw(self._opened, plan, threads, progress, epoch)
        rows, found, count = self._ranking.window(plan.amount or 0, epoch, threads)
        objects = self._objects
        return Drawn(rows, to_report(found), None, None, None, [], count, objects=objects)


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
    if draws._ends == "weight" and count > len(draws):
        raise ArgumentError(f"epochs is {count}, but a draw by weight has {len(draws)} here")
    try:
        drawn = [draws[epoch] for epoch in range(count)]
    except IndexError:  # by tokens; it is not known before
        raise ArgumentError(
            f"epochs is {count}, but a draw by tokens has {len(draws)} here"
        ) from None
    paths = [formats.with_label(target, f"epoch{epoch}") for epoch in range(count)]
    written = write_drawn(drawn, paths, form, **options)
    return [sample.report for sample in drawn], written
