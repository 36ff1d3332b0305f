"""`sample`: draw rows from a source."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastsample._arguments import (
    check_amount,
    check_schema,
    check_seed,
    check_threads,
    flag,
    names,
    optional,
    string,
)
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.draw_plan import check_plan, draw, report_of
from fastsample._sampling.exclusion import LETTERS, check_exclude, excluding, read_benchmarks
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.recipe import recipe
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import SmartLike, check_kept
from fastsample._sampling.weights import WeightLike
from fastsample._source import SourceLike, open_population
from fastsample.errors import SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa


@public
def sample(
    source: SourceLike,
    n: int | None = None,
    *,
    at_most: bool = False,
    fraction: float | None = None,
    where: str | None = None,
    exclude: SourceLike | Sequence[SourceLike] | None = None,
    exclude_letters: int = LETTERS,
    by: str | Sequence[str] | None = None,
    allocation: AllocationLike = "proportional",
    group: str | Sequence[str] | None = None,
    n_groups: int | None = None,
    weight: WeightLike | None = None,
    key: str | None = None,
    replace: bool = False,
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
    weights: bool = False,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Sample:
    """Draw exactly `n` rows, without replacement by default, or rows up to a budget of tokens.

    The same rows in the same order, `n` and `seed` give the same sample on any machine, with any
    number of threads and any division of the rows into files and row groups. A smaller sample
    with the same seed is a subset of a larger one.

    Parameters
    ----------
    source
        A path, a glob, a folder (searched recursively, sorted by path), a list of those; or an
        object with rows: a pyarrow table, batch, reader or dataset, a polars or pandas frame, a
        DuckDB result, a Hugging Face dataset. Files are Parquet, Arrow IPC, JSON Lines, CSV or TSV.
        An object that can be read once (a reader, a DuckDB result) is read to its end.
    n
        Rows to draw, from 1 to the number of rows in the source.
    at_most
        Where there are fewer than `n` rows, fewer match `where`, or there are fewer than `n_groups`
        groups: True draws all of them, False raises :class:`ArgumentError`. A stream must have `n`
        rows. On the command line, ``sample`` warns and keeps all; ``--exactly`` makes it fail.
    fraction
        Instead of `n`: the share of the rows to draw, above 0 to 1, as the nearest number of rows.
        It is taken as the decimal number that it is written as, and half a row is rounded to the
        even number: 0.3 of 5 rows is 2. A stream is kept in memory.
    where
        Draw from the rows that match a condition, written as in SQL:
        ``"lang = 'zh' AND score > 0.5"``. Top-level columns are compared with ``=``, ``!=``, ``<``,
        ``<=``, ``>``, ``>=``, ``IN (...)``, ``BETWEEN``, ``LIKE``, ``IS NULL``; ``chars(text)`` is
        the number of characters; ``AND``, ``OR``, ``NOT`` and parentheses join them. A row of which
        the condition is unknown, since a value is null, does not match. `n` and `fraction` are of
        the rows that match; row ids are those of the source. A column need not be among `columns`.
        The columns of the condition are read first. A stream is kept in memory.
    exclude
        A source, or a list of sources, such as benchmarks: rows that share text with one of them
        are left out (decontamination), as if they were not there. A row shares text if one of its
        text columns has a run of `exclude_letters` letters that a text of the source has, too, or
        equals a whole text of it that is shorter, but not below half of that. Letters and digits
        count, in lower case; spaces and punctuation do not. A Chinese character counts as four
        letters, a kana or a syllable of Hangul as two: so a run of 50 letters is one of 13 Chinese
        characters. Texts of the row are `text_columns`, those of the source its default ones.
        ``report.exclude`` says what was left out because of which source, with examples. The
        texts of all rows are read first, and some 40 bytes are needed for each letter of the
        sources. A stream is kept in memory.
    exclude_letters
        The length of a run, from 8 to 10,000 letters.
    by
        A column, or a list of columns, whose values make groups (strata). Each group gives its own
        number of rows, as `allocation` says: exact by the method of the largest remainder. A null
        is a value. The columns are read first; 12 bytes a row are needed meanwhile, and some a
        group. A stream is kept in memory. A smaller sample may have a row of a group more than a
        larger one, so it is nearly a subset.
    allocation
        ``"proportional"`` to the rows of each group, ``"equal"``, ``"sqrt"`` (in proportion to the
        square root of the rows: between the two), a temperature T from 1 to 1000 (a group of r rows
        weighs r**(1/T): 1 is proportional, 2 the square root), or shares of groups that sum to 1:
        ``{"a": 0.7, "b": 0.3}``, where others give no rows. With several columns a group is a
        tuple. A group with fewer rows than its share gives all it has, and the others give the rest
        in proportion; ``report.groups`` says so.
    group
        A column, or a list of columns, such as ``"conversation_id"``: rows of equal values are
        drawn all together or not at all (cluster sampling). Groups are taken in the random order of
        their values, each that still fits in whole, so the sample has at most `n` rows;
        ``report.notes`` says so if it has fewer. With `weight` or `smart`, the mean weight of its
        rows is the weight of a group. With `max_tokens`, a group that has a longer row is not
        drawn; with `budget_tokens`, groups are drawn until the next one would exceed it. Which
        groups are drawn does not depend on where their rows are. A row that is null in all of the
        columns is a group of its own. Samples of growing `n` share all groups but some of the last.
        Memory is needed as for `by`. With `by` each stratum gives its own number of rows in whole
        groups, of which each has to be of one stratum.
    n_groups
        Instead of `n`: the number of groups to draw, such as 1,000 conversations, each with all its
        rows. A smaller sample is then a subset of a larger one. With `max_tokens` exactly as many
        of the groups without a longer row. With `by` it is divided among the strata, as
        `allocation` says of their groups.
    weight
        A column of numbers by which rows are drawn (priority sampling): a row of twice the weight
        is drawn about twice as often. Rows of weight 0 are not drawn; only ratios count, and one
        below 2**-32 of the largest counts as that. Nulls, NaN and negative numbers are errors. With
        `smart`, the weight of a row is this one times that of the terms. With `budget_tokens` rows
        are taken in this order until the next one would exceed it. The column is read first; 16
        bytes a row are needed meanwhile. A stream is kept in memory. Or an array (of Arrow, NumPy,
        pandas, polars) that has a number for each row of the source, in order, those included that
        `where` leaves out: what another scorer found. Such a draw has no manifest.
    key
        The name of a column, such as ``"id"``, whose value decides whether a row is drawn, instead
        of its place in the source: the same keys are drawn whatever the order of rows, files and
        formats. The draw is uniform. A value counts as its text, so 7 of a CSV is 7 of a Parquet
        file. A null is an error that names the row. Rows of equal keys are drawn together; where
        `n` would divide them, that is an error that names them. Row ids are those of the source.
        The column is read first; 16 bytes a row are needed meanwhile. A stream is kept in memory.
    replace
        True draws `n` times from all rows, so that a row may come several times, and `n` may exceed
        their number; with `weight` in proportion to it, with `by` in each group; with
        `budget_tokens` until the next row would exceed it. With `smart` it is
        in proportion to the smart weight, where of rows of equal text one stands for all, and rows
        that are too short are not drawn. Copies of a row stand beside each other, and its row id
        repeats; ``report.distinct`` is the number of rows that were drawn at all. The draw of a
        smaller `n` is a part of that of a larger one. A stream is kept in memory.
    budget_tokens
        Instead of `n`: the sample has at most this many tokens. Rows are drawn until the next one
        would exceed it. Needs a `tokenizer`. The sample of a larger budget contains that of a
        smaller one. With `by` it is divided among the groups, as `allocation` says of rows.
    max_tokens
        Rows with more tokens are not drawn. Needs a `tokenizer`.
    tokenizer
        The ``tokenizer.json`` of a Hugging Face tokenizer, or its folder. Tokens are counted as in
        :func:`fastsample.token_lengths`, special tokens included, and only in rows that the draw
        considers. A stream is kept in memory.
    chat_template
        True counts the tokens of chats as the chat template of the tokenizer renders them, as in
        :func:`fastsample.token_lengths`. False and None count their texts one by one; with None,
        ``report.notes`` says so if there is a template.
    smart
        True draws by weight (priority sampling): no copies while other rows are left, fewer
        near-duplicates, fewer texts that are very short or repeat themselves. A
        :class:`fastsample.Smart` sets the strength of each term. ``"entropy"`` takes the rows of
        highest character entropy of the first text column among those of 10 to 1000 characters.
        All of these read the text of every row first, those that don't match `where` included, and
        need some 78 bytes a row with two threads, 103 with nine. A stream is kept in memory.
        For several epochs, prefer fresh rows: :func:`fastsample.epochs`.
    features
        A file that keeps what `smart` has read of all rows, some 16 bytes each, for other draws
        from the same files: with another `n`, `seed`, `where`, `by` or `weight`, or other
        strengths. If it is not there, it is written; if it is, it is read in place of the text, and
        the draw has the same rows. The files, their sizes and times of change, and the text columns
        must be those that it was made of. A file without the commonness or the target that is asked
        for is replaced, with a note. ``report.smart.features`` says what was done. Rows in memory
        and streams can't be told from others later, so they are refused, and so is
        ``smart="entropy"``.
    seed
        From 0 to 2**64 - 1.
    columns
        Columns to keep, in this order. All by default.
    schema
        Types of columns of JSON Lines and CSV, in place of those that their values have: a
        ``pyarrow.Schema`` with some of the columns. A value that does not fit is an error that
        names the line. The types are bool, int64, uint64, double, string, and lists and structs of
        those; texts hold numbers, true and false as they are written. All columns may be null.
        Other formats tell their types, and refuse a schema.
    text_columns
        Text columns that `smart` reads and whose tokens are counted: names of columns, or paths
        such as ``messages[].content``. By default those that look like text; ids, labels and links
        do not. The choice is in ``report.text_columns``.
    weights
        Add a column ``_weight``: 1 / the probability with which the row was drawn (float64). A
        mean over the sample with these weights estimates the mean over the source, and a sum the
        sum. Among rows of equal text, one stands for all of them. Rows too short for `smart` are
        represented only where no others are left. With `group` only for `n_groups`.
    threads
        Cores to use. All by default.
    progress
        None shows a bar on a terminal when the work takes long, True always, False never; or a
        function that is called with (rows done, rows in all).

    Returns
    -------
    Sample
        The chosen rows. Files are read when rows are asked for.

    Raises
    ------
    SourceNotFoundError
        There is no file at a path.
    ArgumentError
        `n`, `seed` or `threads` is out of range, `where` can't be read, too few rows have at most
        `max_tokens`, or `features` are of another source.
    ColumnError
        A column does not exist, or its name is used twice.
    SchemaError
        The files do not fit together.
    CorruptDataError, UnsupportedDataError, ReadError, StreamError
        The data can't be read.

    Notes
    -----
    Each row's position in the source is hashed with the seed, and the rows with the n smallest
    numbers are drawn: bottom-k sampling (Cohen and Kaplan, 2008), with XXH3 as the hash. With
    weights, the number is divided by the weight: priority sampling (Duffield, Lund, Thorup, 2007).
    With replacement, each row arrives again and again at random times that its position and the
    seed give, and the first n arrivals are drawn (a Poisson process; Kingman, 1993).

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"prompt": [f"question {i}" for i in range(1000)]})
    >>> s = fastsample.sample(table, 3)
    >>> len(s), s.row_ids.tolist()
    (3, [200, 634, 969])
    """
    amount = check_amount(n, fraction, budget_tokens, n_groups)
    if amount is None and budget_tokens is None and n_groups is None:
        raise SourceTypeError(
            "n is None, not a whole number of rows; pass one, or fraction, budget_tokens or "
            "n_groups"
        )
    at_most = flag("at_most", at_most)
    threads = check_threads(threads)
    plan = check_plan(
        amount,
        check_seed(seed),
        smart=smart,
        features=features,
        by=by,
        allocation=allocation,
        group=group,
        n_groups=n_groups,
        at_most=at_most,
        weight=weight,
        key=optional(string, "key", key),
        replace=flag("replace", replace),
        weights=flag("weights", weights),
        budget_tokens=budget_tokens,
        max_tokens=max_tokens,
        tokenizer=tokenizer,
        chat_template=chat_template,
        text_columns=text_columns,
    )
    plan.check()
    benchmarks = check_exclude(exclude, exclude_letters)
    started = time.perf_counter()
    with reporting(progress, "drawing") as callback:
        opened = open_population(source, columns, where, threads, callback, schema)
        check_kept(plan.features, opened)
        shared = read_benchmarks(benchmarks, exclude_letters, threads, callback)
        opened = excluding(opened, shared, plan.text, threads, callback)
        if at_most and not plan.replace and isinstance(amount, int) and opened.population:
            plan = dataclasses.replace(plan, amount=min(amount, opened.population))
        drawn = draw(opened, plan, threads, callback)
    if plan.n_groups is not None:
        plan = dataclasses.replace(plan, n_groups=drawn.n_groups)
    report = report_of(drawn, plan, opened, where, time.perf_counter() - started)
    others = {
        "where": where,
        "exclude": benchmarks or None,
        "exclude_letters": exclude_letters,
        "columns": optional(names, "columns", columns),
        "schema": check_schema(schema),
    }
    objects = [*drawn.objects, *([] if shared is None else shared.objects)]
    made = recipe(source, {**plan.arguments, **others}, plan.features, objects)
    return Sample(drawn.rows, report, made)
