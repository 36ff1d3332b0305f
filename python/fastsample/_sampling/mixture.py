"""`mix`: rows of several sources by their shares, in an order that is even at every prefix."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import check_threads
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.exclusion import (
    LETTERS,
    excluded,
    excluding,
    left_out_rows,
    read_benchmarks,
)
from fastsample._sampling.mixture_plan import check_mixture
from fastsample._sampling.mixture_report import source_notes, to_sources
from fastsample._sampling.mixture_sources import MixedLike, naming
from fastsample._sampling.recipe import mixture_recipe
from fastsample._sampling.report import Report, known_text
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import SmartLike
from fastsample._sampling.weights import WeightLike, weight_name
from fastsample._source import SourceLike, matching, open_source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@public
class Mixture(Sample):
    """Rows of several sources, by their shares, as :func:`fastsample.mix` draws them.

    Use it as a :class:`fastsample.Sample`. Rows come in an order that is even at every prefix;
    `row_ids` are in that order, too, and number the sources through. ``report.sources`` tells what
    became of each source. ``shuffle=True`` shuffles the rows of each source, which stay at the
    places of their source, so the order remains even. After unpickling the rows are those of a
    file, and a shuffle is of all of them.
    """

    _order = "mixed"

    def __repr__(self) -> str:
        listed = ", ".join(f"{each.name} {each.share:.0%}" for each in self.report.sources)
        return f"<fastsample.Mixture: {len(self):,} rows: {listed}>"

    @property
    def source_ids(self) -> dict[str, npt.NDArray[np.uint64]]:
        """Positions of the rows in each source, from 0, in the order in which they come."""
        ids, first, found = self.row_ids, 0, {}
        for each in self.report.sources:
            own = ids[(ids >= first) & (ids < first + each.source_rows)]
            found[each.name] = own - own.dtype.type(first)
            first += each.source_rows
        return found


@public
def mix(
    sources: Mapping[str, MixedLike],
    n: int | None = None,
    *,
    budget_tokens: int | None = None,
    tokenizer: str | os.PathLike[str] | None = None,
    chat_template: bool | None = None,
    text_columns: Sequence[str] | None = None,
    where: str | Mapping[str, str] | None = None,
    weight: str | Mapping[str, WeightLike] | None = None,
    smart: SmartLike = False,
    temperature: float | None = None,
    repeat: Mapping[str, int] | None = None,
    epoch: int = 0,
    exhausted: str = "error",
    max_epochs: int | None = None,
    exclude: SourceLike | Sequence[SourceLike] | None = None,
    exclude_letters: int = LETTERS,
    seed: int = 42,
    columns: Sequence[str] | None = None,
    schema: Mapping[str, pa.Schema] | None = None,
    source_column: str | None = "source",
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Mixture:
    """Draw rows of several sources by their shares of `n` rows, or of tokens, evenly mixed.

    Each source gives its share of the rows, exact by the method of the largest remainder: those
    that :func:`fastsample.sample` draws of it with the same seed, condition and weights. With
    `budget_tokens`, the tokens are divided so, and a source gives the rows that
    ``sample(budget_tokens=...)`` draws of it. The order of the rows is a function of these numbers
    of rows alone. In the first m rows each source has less than one row more or less than m times
    its share of the rows, for every m; so whoever stops early has seen the mixture.

    Parameters
    ----------
    sources
        For each name a source, as in :func:`fastsample.sample`, or a source and its share:
        ``{"wiki": ("wiki/*.parquet", 0.7), "chat": (table, 0.3)}``. Shares sum to 1. Without any,
        sources have shares by their size. A stream is kept in memory.
    n
        Rows to draw. With `repeat` and without shares None draws all rows.
    budget_tokens
        Instead of `n`: tokens that are divided by the shares. Each source gives rows, in the order
        of its draw, until the next one would exceed its part. Needs a `tokenizer`.
    tokenizer, chat_template
        What counts tokens, as in :func:`fastsample.sample`; only the rows drawn are counted, and
        all rows of a source that runs out.
    text_columns
        Text columns whose tokens are counted, and that `smart` judges: names or paths, of which
        each source has at least one. By default those of each source that look like text.
    where
        A condition that rows match, as in :func:`fastsample.sample`; for all sources, or for some
        by their names: ``{"wiki": "lang = 'zh'"}``. Shares by size are of the rows that match.
    weight
        The column of weights of all sources, or the weights of some by their names, as in
        :func:`fastsample.sample`.
    smart
        Judge the rows of each source by their text, as :func:`fastsample.sample` does. A source is
        judged by itself: copies of its rows in other sources do not count.
    temperature
        T, from 1 to 1000, for shares by size: a source of r rows weighs r ** (1 / T). 1, the
        default, is in proportion to the rows; the larger T, the more sources count alike.
    repeat
        For the names of some sources, how often each of their rows is there: such a source counts
        as that many copies of itself. ``{"code": 4}`` and no `n` draws all rows of the other
        sources once, and those of ``code`` exactly four times. With `n` or `budget_tokens` a row
        comes at most so often, and shares by size are in proportion to the copies.
    epoch
        Which epoch of a training run the rows are for, from 0: with the same amount and seed, each
        epoch has the next rows in the order of each source. No row of a source comes again before
        all of them have come; by tokens, by weight or with `smart` there are no epochs beyond that.
    exhausted
        Where a source, its copies counted, has fewer rows, or tokens, than its share:
        ``"error"``; ``"stop"``, where the mixture ends when it has no more, with all shares as
        asked; ``"renormalise"``, where it gives all it has and the others give the rest in
        proportion to their shares; or ``"repeat"``, where its rows come again, in whole passes and
        a draw at last.
    max_epochs
        With ``"repeat"``, how often a row of any source may come at most.
    exclude, exclude_letters
        Leave out rows that share text with these sources, as in :func:`fastsample.sample`;
        ``report.sources`` says how many of each source.
    seed
        From 0 to 2**64 - 1.
    columns
        Columns to keep, in this order. By default those of all sources, in the order of the first
        source and then of the others. What a source lacks is null in its rows.
    schema
        For the names of some sources, which are JSON Lines or CSV, types of their columns, as in
        :func:`fastsample.sample`: ``{"chat": pa.schema({"id": pa.string()})}``.
    source_column
        The name of a column, behind the others, that has the name of the source of each row; None
        for none.
    threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Mixture
        The chosen rows. Files are read when rows are asked for, all sources at once.

    Raises
    ------
    ArgumentError
        Shares do not sum to 1; a source has no rows, or too few of them, in an epoch of a draw by
        weight, too; its part of the tokens is less than its first row has; or there is no
        tokenizer.
    SchemaError
        A column has types in two sources that do not fit together.
    ColumnError
        A column does not exist in any source, or there is one of the name `source_column`.
    SourceNotFoundError, CorruptDataError, UnsupportedDataError, ReadError, StreamError
        The data can't be read.

    Notes
    -----
    The order solves the chairman assignment problem (Tijdeman, 1980): with k sources no count is
    off by more than 1 - 1 / (2 k - 2) rows at any prefix. Mixed by size with a temperature as in
    multilingual BERT and mT5 (Xue et al., 2021).

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> wiki = pa.table({"text": [f"article {i}" for i in range(1000)]})
    >>> chat = pa.table({"text": [f"hello {i}" for i in range(50)]})
    >>> m = fastsample.mix({"wiki": (wiki, 0.75), "chat": (chat, 0.25)}, 8)
    >>> m.to_arrow()["source"].to_pylist()
    ['wiki', 'wiki', 'chat', 'wiki', 'wiki', 'wiki', 'chat', 'wiki']
    >>> m.source_ids["chat"].tolist() == fastsample.sample(chat, 2).row_ids.tolist()
    True
    """
    plan = check_mixture(
        sources,
        n,
        budget_tokens=budget_tokens,
        tokenizer=tokenizer,
        chat_template=chat_template,
        text_columns=text_columns,
        where=where,
        weight=weight,
        smart=smart,
        temperature=temperature,
        repeat=repeat,
        epoch=epoch,
        exhausted=exhausted,
        max_epochs=max_epochs,
        exclude=exclude,
        exclude_letters=exclude_letters,
        seed=seed,
        columns=columns,
        schema=schema,
        source_column=source_column,
    )
    threads = check_threads(threads)
    counter = plan.counter()
    started = time.perf_counter()
    with reporting(progress, "mixing") as callback:
        shared = read_benchmarks(plan.exclude, exclude_letters, threads, callback)
        opened, files = {}, {}
        for name, each in plan.sources.items():
            types = plan.schema.get(name)
            source = open_source(each, None, threads, callback, types, read=plan.read)
            files[name] = (source.inputs, source.objects)
            with naming(name):
                source = matching(source, plan.where.get(name), threads, callback)
            opened[name] = excluding(source, shared, None, threads, callback)
        judge = plan.judge(threads, callback)
        drawn, found, ended = _fastsample.draw_mixture(
            list(opened.items()),
            plan.seed,
            n=plan.n,
            budget_tokens=plan.budget_tokens,
            tokenizer=counter,
            text=plan.text_columns,
            shares=plan.shares,
            repeat=[(plan.repeat or {}).get(name, 1) for name in opened],
            temperature=1.0 if plan.temperature is None else plan.temperature,
            weights=[plan.weight.get(name) for name in opened],
            rule=judge,
            epoch=plan.epoch,
            exhausted=plan.exhausted,
            max_epochs=plan.max_epochs,
            columns=plan.columns,
            source_column=plan.source_column,
            threads=threads,
            progress=callback,
        )
    left_out = [left_out_rows(excluded(source)) for source in opened.values()]
    rows = [rows for _, rows, _ in drawn.sources]
    weights = {name: weight_name(each) for name, each in plan.weight.items()}
    mixed = to_sources(found, rows, left_out, plan.where, weights)
    notes = [f"{name}: {note}" for name, source in opened.items() for note in source.notes]
    if chat_template is not False:
        notes += [f"{each[0]}: {note}" for each in found if each[5] for note in each[5][4]]
    asked = plan.budget_tokens or plan.n or len(drawn)
    report = Report(
        drawn.source_rows,
        len(drawn),
        plan.seed,
        time.perf_counter() - started,
        None,
        None if plan.budget_tokens is None else sum(each.tokens or 0 for each in mixed),
        None,
        *known_text(drawn),
        notes=(*source_notes(mixed, asked, ended), *notes),
        sources=mixed,
    )
    objects = [each for part in (shared, judge) if part is not None for each in part.objects]
    recipe = mixture_recipe(plan.sources, plan.shares, files, plan.options, objects)
    return Mixture(drawn, report, recipe)
