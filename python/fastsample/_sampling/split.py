"""`split`: disjoint training, validation and test rows, equal texts on one side."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import (
    check_alone,
    check_schema,
    check_seed,
    check_text_columns,
    check_threads,
    flag,
    names,
    number,
    optional,
    string,
    whole,
)
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.exclusion import (
    LETTERS,
    check_exclude,
    excluded,
    excluding,
    left_out_rows,
    read_benchmarks,
)
from fastsample._sampling.groups import AllocationLike, check_by, check_strata
from fastsample._sampling.recipe import recipe
from fastsample._sampling.report import Report
from fastsample._sampling.sample import Sample
from fastsample._sampling.sides import Split
from fastsample._sampling.smart import SmartLike, check_features, check_rule, rule
from fastsample._sampling.split_report import side_reports
from fastsample._sampling.weights import WeightLike, check_weight, weight_name
from fastsample._source import SourceLike, matching, open_source
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa


@public
def split(
    source: SourceLike,
    sizes: Mapping[str, int | float] | None = None,
    *,
    folds: int | None = None,
    group: str | Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
    allocation: AllocationLike = "proportional",
    weight: WeightLike | None = None,
    smart: SmartLike = False,
    features: str | os.PathLike[str] | None = None,
    near_duplicates: bool = False,
    seed: int = 42,
    where: str | None = None,
    exclude: SourceLike | Sequence[SourceLike] | None = None,
    exclude_letters: int = LETTERS,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    text_columns: Sequence[str] | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Split:
    """Draw disjoint samples of given sizes, equal texts, or groups, never in two of them.

    Parameters
    ----------
    source
        As in :func:`fastsample.sample`, except for streams that can be read once.
    sizes
        For each name a number of rows (int), or a share of all rows (float, above 0 to 1). Numbers
        are exact. Shares are exact where equal texts can be kept together so, else the nearest
        that whole groups of equal texts make; ``report.notes`` of a side says so.
    folds
        In place of `sizes`: k sides ``fold1`` to ``foldk`` of equal shares that have all rows
        together, for cross-validation. :meth:`Split.pairs` has training and validation rows of
        each turn.
    group
        A column, or a list of columns, such as ``"conversation_id"``: rows of equal values are on
        one side all together, or on none, in place of rows of equal texts. A row that is null in
        all of the columns is a group of its own. Goes without `smart`, `near_duplicates` and
        `text_columns`.
    smart
        Draw the first side by weight, as :func:`fastsample.sample` does with the same `smart`. The
        other sides are drawn first, uniformly among all rows. The first side takes from the rest
        the first rows in the order of the smart draw of the whole source with the same seed.
    near_duplicates
        Keep near-duplicates on one side, too: rows that share two of the eight bands of their
        MinHash signatures, and the near-duplicates of those (union-find). It finds most copies
        with a few edited characters, not all of them, and it may keep rows together that only
        share a long template.
    seed
        From 0 to 2**64 - 1.
    where
        Split the rows that match a condition, as in :func:`fastsample.sample`; sizes are of those.
    exclude, exclude_letters
        Leave out rows that share text with these sources, as in :func:`fastsample.sample`.
    columns
        Columns to keep, in this order. All by default.
    text_columns
        Rows that agree in all of these are kept on one side: ``["prompt"]`` keeps a prompt with
        several responses out of the validation rows if it is trained on. By default all columns
        that look like text; ids, labels and links do not. A null equals an empty text. An empty
        list splits rows by position.
    schema, threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Split
        A mapping from names to samples, which can be written at once. The report of the first one
        has what a smart draw found, and notes on the source.

    Raises
    ------
    ArgumentError
        There are not enough rows, or not with equal texts kept together. Where a number of rows
        can't be met, the message has the nearest that can.

    Notes
    -----
    Rows are ranked by a keyed hash of their texts, or of the values of `group`, and whole groups of
    equal rows go to the first side that they fit into. A side that would miss its size takes a part
    of a group of equal texts; the other rows of that group are on no side. Where another side would
    lack them, and with `group`, sides are made of whole groups: exact if a search finds how (subset
    sums), else the nearest, side by side; shares that make up the whole then still leave no row
    out, and a group that is larger than each of them has the largest side for itself.
    Near-duplicates may be on two sides, unless `near_duplicates` is set.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"prompt": [f"question {i // 2}" for i in range(1000)]})
    >>> sides = fastsample.split(table, {"train": 700, "valid": 70, "test": 0.1})
    >>> {name: len(side) for name, side in sides.items()}
    {'train': 700, 'valid': 70, 'test': 100}
    """
    seed = check_seed(seed)
    near = flag("near_duplicates", near_duplicates)
    threads = check_threads(threads)
    text = check_text_columns(text_columns)
    where = optional(string, "where", where)
    benchmarks = check_exclude(exclude, exclude_letters)
    check_rule(smart, None)
    kept = check_features(features)
    strata, shares = check_strata(by, allocation)
    weight = check_weight(weight)
    parts = {
        "by": strata is not None,
        "weight": weight is not None,
        "smart": smart is not False,
        "entropy": isinstance(smart, str),
        "features": bool(kept),
    }
    _fastsample.check_draw([part for part, is_given in parts.items() if is_given])
    together = None if group is None else check_by(group, "group")
    others = {
        "smart": smart is not False,
        "weight": weight is not None,
        "near_duplicates": near,
        "text_columns": text is not None,
    }
    check_alone("group", together is not None, others)
    count = optional(whole, "folds", folds, least=2, most=_MOST_FOLDS)
    if count is not None:
        if sizes is not None:
            raise ArgumentError("sizes and folds exclude each other; pass one of them")
        sizes = {f"fold{fold + 1}": 1 / count for fold in range(count)}
    if not isinstance(sizes, Mapping) or not all(isinstance(name, str) for name in sizes):
        raise SourceTypeError(
            f'sizes is {sizes!r}; it must map names to sizes: {{"train": 0.9, "valid": 0.1}}'
        )
    if not sizes:
        raise ArgumentError("sizes is empty; name at least one side and its size")
    started = time.perf_counter()
    with reporting(progress, "splitting") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        if opened.rows is None:
            raise ArgumentError("a stream can be read once; write it to a file to split it")
        rows = opened.rows
        opened = matching(opened, where, threads, callback)
        shared = read_benchmarks(benchmarks, exclude_letters, threads, callback)
        opened = excluding(opened, shared, text or None, threads, callback)
        left_out = excluded(opened)
        population = opened.count(1.0)
        wanted = _counts(sizes, population)
        judge = None if smart is False else rule(smart, None, threads, callback, kept)
        drawn, found = _fastsample.split(
            opened,
            wanted,
            seed,
            text=text,
            group=together,
            by=strata,
            allocation=shares,
            near=near,
            weight=weight,
            rule=judge,
            threads=threads,
            progress=callback,
        )
    common = Report(
        rows,
        0,
        seed,
        time.perf_counter() - started,
        notes=tuple(opened.notes),
        where=where,
        matching=None if where is None else population + left_out_rows(left_out),
        exclude=left_out,
        weight=weight_name(weight),
        group=tuple(together or ()),
    )
    reports = side_reports(common, drawn, wanted, found, strata, shares)
    options = {
        "sizes": {
            name: int(size) if is_exact else float(size)
            for (name, size), (_, is_exact) in zip(sizes.items(), wanted, strict=True)
        },
        "group": together,
        "by": strata,
        "allocation": shares,
        "weight": weight,
        "smart": smart,
        "near_duplicates": near,
        "seed": seed,
        "where": where,
        "exclude": benchmarks or None,
        "exclude_letters": exclude_letters,
        "columns": optional(names, "columns", columns),
        "schema": check_schema(schema),
        "text_columns": text,
    }
    opened_for = [each for each in (judge, shared) if each is not None]
    made = recipe(source, options, kept, [told for each in opened_for for told in each.objects])
    sides = {
        name: Sample(side, report, replace(made, part={"side": name}))
        for name, side, report in zip(sizes, drawn, reports, strict=True)
    }
    return Split(sides)


#: Sides that one split may have.
_MOST_FOLDS = 254


def _counts(sizes: Mapping[str, int | float], rows: int) -> list[tuple[int, bool]]:
    """Return the rows of each side, and whether they are exact.

    Shares that make up the whole leave no row out.
    """
    counts, before = [], 0.0
    for name, size in sizes.items():
        if isinstance(size, Real) and not isinstance(size, Integral):
            size = number(f"the share of {name!r}", size, above=0, most=1)
            counts.append((round((before + size) * rows) - round(before * rows), False))
            before += size
        else:
            counts.append((whole(f"the size of {name!r}", size, least=1), True))
        if counts[-1][0] == 0:
            raise ArgumentError(f"{name!r} would have no rows: {size} of {rows}")
    return counts
