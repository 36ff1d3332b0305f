"""A sample beside its source: is it representative, and what did it lose."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastsample._checks import check_threads
from fastsample._inspect import QUANTILES, TextLengths, text_lengths
from fastsample._progress import Callback, reporting
from fastsample._source import SourceLike, open_source
from fastsample.errors import ArgumentError


@dataclass(frozen=True)
class Distance:
    """A distance between source and sample.

    Attributes
    ----------
    value : float
        The distance found.
    limit : float
        The largest one that is within the sampling error: random samples exceed the limits of all
        distances together once in a hundred times.
    p : float
        The probability that chance makes one as large as `value`.
    """

    value: float
    limit: float
    p: float

    @property
    def is_bias(self) -> bool:
        """Whether the distance is larger than chance explains."""
        return self.value > self.limit


@dataclass(frozen=True)
class Side:
    """Facts of the source or of the sample.

    Attributes
    ----------
    rows, chars : int
        Rows, and characters of all text columns.
    lengths : TextLengths
        Lengths of whole rows.
    cut_rows, cut_chars : float
        Share of the rows longer than `max_chars`, share of the characters beyond it.
    copies : float
        Share of the rows whose texts equal those of an earlier row.
    near : float
        Share of the rows that share a MinHash band with another row, copies included: estimated;
        a pair of Jaccard similarity J over trigrams is seen with probability J**4.
    """

    rows: int
    chars: int
    lengths: TextLengths
    cut_rows: float
    cut_chars: float
    copies: float
    near: float


@dataclass(frozen=True)
class Comparison:
    """What :func:`fastsample.compare` found. Prints as text, shows as HTML in a notebook.

    Attributes
    ----------
    verdict : str
        ``identical``, ``representative`` or ``biased``.
    biases : tuple of str
        What is biased, a sentence each.
    text : tuple of str
        The text columns that were compared.
    source, sample : Side
        Facts of both.
    columns : dict of str to tuple of TextLengths
        Lengths of each text column: source, sample.
    contained : float
        Share of the sample's rows that the source has.
    length : Distance
        Kolmogorov-Smirnov distance of the lengths of whole rows.
    length_at : int
        The length at which the two distributions differ most.
    by : Distance or None
        Cohen's w of the shares of the chosen column's values; None without such a column.
    values : dict of str to tuple of int
        Rows of each value: source, sample.
    grams : Distance
        Jensen-Shannon divergence of n-grams in 1,024 classes, in bits.
    divergence, coverage : tuple of float
        Of all n-grams, for the sample and for a random sample of the same size: the divergence
        from the source in bits; the share of the source's n-gram occurrences whose n-gram occurs.
    types : float
        Share of the source's distinct trigrams that the sample has.
    copies_expected : float
        `Side.copies` of a random sample of the same size.
    bits : tuple of float or None
        Bits a character of held-out texts under an n-gram model of the sample, of a random sample
        of the same size, and the standard error of the difference. None if there is too little.
    held_out : tuple of int
        Texts held out, characters in them.
    over, under : tuple of (str, float, float)
        N-grams that the sample has more, or less, of; per million characters of source and sample.
    max_chars : int
        Characters at which a row counts as cut off.
    column : str or None
        The column of `values`.
    load : float
        Share of the n-gram table in use. Rare n-grams share cells when it is high.
    """

    verdict: str
    biases: tuple[str, ...]
    text: tuple[str, ...]
    source: Side
    sample: Side
    columns: dict[str, tuple[TextLengths, TextLengths]]
    contained: float
    length: Distance
    length_at: int
    by: Distance | None
    values: dict[str, tuple[int, int]]
    grams: Distance
    divergence: tuple[float, float]
    coverage: tuple[float, float]
    types: float
    copies_expected: float
    bits: tuple[float, float, float] | None
    held_out: tuple[int, int]
    over: tuple[tuple[str, float, float], ...]
    under: tuple[tuple[str, float, float], ...]
    max_chars: int
    column: str | None
    load: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        lengths = [plain["source"]["lengths"], plain["sample"]["lengths"]]
        for both in plain["columns"].values():
            lengths.extend(both)
        for each in lengths:
            del each["histogram"]
            each["quantiles"] = {str(q): n for q, n in each["quantiles"].items()}
        plain["facts"] = [asdict(fact) for fact in self.facts()]
        return plain

    def facts(self) -> tuple[Fact, ...]:
        """Return the numbers for people, each with what it means."""
        from fastsample._compare_facts import facts

        return tuple(facts(self))

    def to_html(self) -> str:
        """Return a report as one HTML page that needs nothing else."""
        from fastsample._compare_html import page

        return page(self)

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a file, whole or not at all."""
        from fastsample._settings import write_text

        write_text(Path(path).expanduser(), self.to_html())

    def _repr_html_(self) -> str:
        from fastsample._compare_html import body

        return body(self)

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {sentence}" for sentence in self.biases] or [self.verdict]
        lines += [f"{f.name}: {f.reference} | {f.sample}. {f.means}" for f in self.facts()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Fact:
    """A number of the sample as text, what to hold it against, and what it means in one sentence.

    The reference is the source's number, that of a random sample, or the limit of chance.
    """

    name: str
    reference: str
    sample: str
    means: str


def compare(
    source: SourceLike,
    sample: SourceLike,
    *,
    by: str | None = None,
    text_columns: Sequence[str] | None = None,
    max_chars: int = 512,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Comparison:
    """Tell whether a sample is representative of its source, and what it lost.

    Both are read once, in parallel, in memory that does not grow with them: about 120 MiB a
    thread, and more for a stream or a :class:`fastsample.Sample`, which are read into memory first.

    Parameters
    ----------
    source, sample
        As in :func:`fastsample.sample`.
    by
        A column whose values' shares are compared, such as ``"source"``; up to 10,000 values.
    text_columns
        Text columns that are compared. Every top-level text column of the source but `by` by
        default.
    max_chars
        Characters (of all text columns together) at which training cuts a row off.
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
    shares by Pearson's chi-square, n-grams by random groups of rows (Wolter, 2007), all of them for
    draws without replacement; limits are Bonferroni's for 1 % in all.

    N-grams are counted in about 500,000 rows of the source, chosen by a hash of their content, and
    in those rows of the sample that are among them; all else in all rows.

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
    if isinstance(text_columns, str):
        raise ArgumentError(f"text_columns is the text {text_columns!r}; pass [{text_columns!r}]")
    if isinstance(max_chars, bool) or not isinstance(max_chars, int) or max_chars < 1:
        raise ArgumentError(f"max_chars is {max_chars!r}; it must be a whole number from 1 on")
    threads = check_threads(threads)
    with reporting(progress, "comparing") as callback:
        sides = [open_source(side, None, threads, callback) for side in (source, sample)]
        found = sides[0].compare(
            sides[1],
            text=None if text_columns is None else list(text_columns),
            by=by,
            max_chars=max_chars,
            quantiles=QUANTILES,
            threads=threads,
            progress=callback,
        )
    return _comparison(found, by, max_chars)


def _comparison(found: dict[str, Any], by: str | None, max_chars: int) -> Comparison:
    from fastsample._compare_facts import biases

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
    )


def _side(found: dict[str, Any]) -> Side:
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
