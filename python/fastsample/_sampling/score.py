"""`score`: the value of each term of a smart weight, and the weight, for each row."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import check_threads
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.report import Report
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import (
    Smart,
    check_features,
    check_kept,
    check_smart,
    weighted,
)
from fastsample._sampling.smart_report import to_report
from fastsample._source import SourceLike, open_source

if TYPE_CHECKING:
    import pyarrow as pa


@public
class Scores(Sample):
    """The scores of all rows: a row for each row of the source, in its order.

    Use it as a :class:`fastsample.Sample`: ``to_arrow()``, ``to_pandas()``, ``write_parquet()``,
    ``write_ipc()``, ``pl.DataFrame(scores)``. ``report.smart`` has totals.
    """

    def __repr__(self) -> str:
        return f"<fastsample.Scores: {len(self):,} rows of {', '.join(self.schema.names)}>"


@public
def score(
    source: SourceLike,
    smart: Smart | None = None,
    *,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    text_columns: Sequence[str] | None = None,
    features: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Scores:
    """Score every row of a source as a smart draw does, without drawing.

    Parameters
    ----------
    source, columns, schema, text_columns, threads, progress
        As in :func:`fastsample.sample`.
    smart
        The terms and their strengths; the defaults of :class:`fastsample.Smart` if None.
    features
        A file that keeps what was read of all rows, or has it, as in :func:`fastsample.sample`.

    Returns
    -------
    Scores
        These columns:

        ============ ======= ===============================================================
        ``chars``       uint32  characters in all text columns
        ``copies``      uint32  rows with the same texts, itself included
        ``duplicates``  float32 estimated rows nearly the same, itself included
        ``novelty``     float32 estimated share of its shingles that such a row does not have;
                                null if they are fewer than three
        ``commonness``  float32 mean log2(other rows of the pilot with a shingle + 1) of its
                                shingles, one other row counting as none; null without
                                shingles, or where the term is off
        ``repetition``  float32 distinct shingles / all shingles, of the first 1,024; of long
                                texts some 6 % less, as hashes collide
        ``target``      float32 log2 of the odds that it is of the target; with the ratio, mean
                                log2(share in the target / share in the source) of its
                                shingles; of several targets the largest; only with a target
        ``avoid``       float32 log2 of the odds that it is of the rows to avoid; only with such
                                rows
        ``weight``      float64 the product of the terms; 0 for a row too short. Only ratios count
        ============ ======= ===============================================================

    Raises
    ------
    ColumnError
        There is no text column, or one that is named does not exist or is no text.
    ArgumentError
        A strength is out of range.
    SourceNotFoundError, CorruptDataError, UnsupportedDataError, ReadError, StreamError
        The data can't be read.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"text": ["早上好，今天天气真不错"] * 2 + ["哈" * 20, "好"]})
    >>> scores = fastsample.score(table).to_arrow()
    >>> scores["chars"].to_pylist(), scores["copies"].to_pylist()
    ([11, 11, 20, 1], [2, 2, 1, 1])
    """
    options = check_smart(True if smart is None else smart, text_columns)
    threads, kept = check_threads(threads), check_features(features)
    started = time.perf_counter()
    with reporting(progress, "scoring") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        check_kept(kept, opened)
        rule = weighted(options, threads, callback, kept)
        scores, found = _fastsample.score(opened, rule, threads=threads, progress=callback)
    seconds = time.perf_counter() - started
    report = to_report(found)
    rows, text = len(scores), (report.text, report.left_out)
    notes = tuple(opened.notes)
    return Scores(scores, Report(rows, rows, 0, seconds, report, None, None, *text, notes))
