"""`compare`: tests whether a sample is representative of its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import check_text_columns, check_threads, flag, optional, string, whole
from fastsample._comparison.dropped import dropped, smart_options
from fastsample._comparison.examples import examples as find_examples
from fastsample._comparison.facts import biases
from fastsample._comparison.model import Distance, Dropped, Side
from fastsample._comparison.report import Comparison
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.smart import Smart
from fastsample._source import SourceLike, open_source
from fastsample._text_lengths import QUANTILES, text_lengths

if TYPE_CHECKING:
    import pyarrow as pa


@public
def compare(
    source: SourceLike,
    sample: SourceLike,
    *,
    by: str | None = None,
    text_columns: Sequence[str] | None = None,
    max_chars: int = 512,
    smart: bool | Smart | None = None,
    examples: int = 0,
    schema: pa.Schema | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Comparison:
    """Test whether a sample is representative of its source, and report what it lost.

    Both are read once, in parallel. That needs about 120 MiB a thread, whatever their size. A
    stream or a :class:`fastsample.Sample` is read into memory first.

    Parameters
    ----------
    source, sample
        As in :func:`fastsample.sample`.
    by
        A column whose values' shares are compared, such as ``"source"``; up to 10,000 values.
    text_columns
        Text columns that are compared: names, or paths such as ``messages[].content``. By default
        those of the source that look like text, but `by`.
    max_chars
        Characters (of all text columns together) at which training cuts a row off.
    smart
        Whether the sample is a smart one, whose bias is intended: reports say so, raise no alarm,
        and tell why rows were dropped. Options, if others than the defaults were used. By default
        what the sample itself or the manifest beside its file says.
    examples
        Rows of the sample, and rows of the source that are not in it, that reports show: so many of
        each, and for each reason why rows were dropped, drawn at random. Reports with examples
        have text of the data in them.
    schema
        Types of columns of the source, as in :func:`fastsample.sample`; and of the sample, where
        that is JSON Lines or CSV, too.
    threads, progress
        As in :func:`fastsample.sample`.

    Raises
    ------
    ArgumentError
        One of the two has no rows; `by` has too many values.
    ColumnError
        A column is missing in one of the two, or is no text; there is no text column.

    Notes
    -----
    A sample is called *identical* if it has the same rows in any order, *representative* if every
    distance is within its limit, otherwise *biased*. Lengths are tested by Kolmogorov-Smirnov,
    shares by Pearson's chi-square, both for draws without replacement, n-grams by a permutation
    test with 999 random samples of the source; limits are Bonferroni's for 1 % in all.

    N-grams are counted in about 200,000 rows of the source, chosen by a hash of their content, and
    in the rows of the sample with the same content; and in the first 16,384 characters of a text.
    Everything else is counted in all rows.

    An n-gram is a character with the one before it, in Latin script with the three before it. About
    2,000 distinct texts (a tenth at most) are held out of both by a hash of their content, and
    predicted by n-gram models of the sample and of a random sample of the same size.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"text": [f"第{i}句话，说的是{i * 7}" for i in range(2000)]})
    >>> fastsample.compare(table, table).verdict
    'identical'
    >>> fastsample.compare(table, table[:300]).verdict
    'biased'
    """
    columns = check_text_columns(text_columns)
    by = optional(string, "by", by)
    max_chars = whole("max_chars", max_chars, least=1)
    threads = check_threads(threads)
    given = smart if isinstance(smart, Smart) else optional(flag, "smart", smart)
    count = whole("examples", examples, least=0, most=1000)
    with reporting(progress, "comparing") as callback:
        sides = [
            open_source(source, None, threads, callback, schema),
            open_source(sample, None, threads, callback, schema, lenient=True),
        ]
        found = _fastsample.compare(
            sides[0],
            sides[1],
            text=columns,
            by=by,
            max_chars=max_chars,
            quantiles=QUANTILES,
            threads=threads,
            progress=callback,
        )
        shown = find_examples(sides[0], sides[1], found["text"], count, threads)
        is_smart, options = smart_options(sample, tuple(sides[1].inputs))
        if given is not None:
            is_smart, options = _told(given, is_smart, options)
        reasons: tuple[Dropped, ...] = ()
        unknown = None
        if options is not None:
            text = found["text"]
            reasons, unknown = dropped(
                sides[0], sides[1], sample, options, text, count, threads, callback
            )
    inputs = tuple(path for side in sides for path in side.inputs)
    notes = tuple(note for side in sides for note in side.notes)
    files = tuple(sides[0].inputs), tuple(sides[1].inputs)
    notes += () if unknown is None else (unknown,)
    return replace(
        _comparison(found, by, max_chars, inputs, files, notes),
        smart=is_smart,
        examples=shown,
        dropped=reasons,
    )


def _told(given: bool | Smart, is_smart: bool, known: Smart | None) -> tuple[bool, Smart | None]:
    """Return whether a draw was a smart one, and its options, of what a caller says.

    The defaults are taken where nothing but the caller says so.
    """
    if isinstance(given, Smart):
        return True, given
    return given, None if not given else known if is_smart else Smart()


def _comparison(
    found: _fastsample.CompareFound,
    by: str | None,
    max_chars: int,
    inputs: tuple[Path, ...],
    files: tuple[tuple[Path, ...], tuple[Path, ...]],
    notes: tuple[str, ...],
) -> Comparison:
    values = {value: (a, b) for value, a, b in found["counts"]}
    shares = None if found["by"] is None else Distance(*found["by"])
    source, sample = _side(found["source"]), _side(found["sample"])
    length, grams = Distance(*found["length"]), Distance(*found["grams"])
    if found["identical"] and not (shares and shares.is_bias):
        verdict, sentences = "identical", tuple[str, ...]()
    else:
        sentences = tuple(biases(source, sample, length, shares, grams, values, by))
        verdict = "biased" if sentences else "representative"
    return Comparison(
        verdict=verdict,
        biases=sentences,
        text=tuple(found["text"]),
        source=source,
        sample=sample,
        columns={
            name: (text_lengths(a), text_lengths(b)) for name, (a, b) in found["columns"].items()
        },
        contained=found["contained"],
        length=length,
        length_at=found["length_at"],
        by=shares,
        values=values,
        grams=grams,
        divergence=found["divergence"],
        coverage=found["coverage"],
        types=found["types"],
        copies_expected=found["repeated_expected"],
        bits=found["bits"],
        held_out=found["held_out"],
        over=tuple(found["over"]),
        under=tuple(found["under"]),
        max_chars=max_chars,
        column=by,
        load=found["load"],
        left_out=dict(found["left_out"]),
        notes=notes,
        _inputs=inputs,
        _sides=files,
    )


def _side(found: _fastsample.SideFound) -> Side:
    rows, chars = found["rows"], found["chars"]
    return Side(
        rows=rows,
        chars=chars,
        lengths=text_lengths(found["lengths"]),
        cut_rows=found["cut_rows"] / max(rows, 1),
        cut_chars=found["cut_chars"] / max(chars, 1),
        copies=found["repeated"],
        near=found["near"],
    )
