"""The numbers of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fastsample._public import public
from fastsample._text_lengths import TextLengths


@public
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


@public
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


@public
@dataclass(frozen=True)
class Fact:
    """A number of the sample as text, a reference to compare it with, and its meaning.

    The reference is the source's number, that of a random sample, or the limit of chance.
    """

    name: str
    reference: str
    sample: str
    means: str


@public
@dataclass(frozen=True)
class Dropped:
    """Rows of the source that a smart sample does not have, for one reason.

    Attributes
    ----------
    reason : str
        ``exact copy``, ``near-duplicate``, ``too short``, ``repeats itself``, ``common text``,
        ``unlike the target``, ``like rows to avoid`` or ``chance``: what took the most of the row's
        weight, if that is less than half of the geometric mean; else chance.
    rows : int
        How many there are. Those of all reasons add up to the rows that were dropped.
    examples : tuple of tuple of str
        Texts of some of them, drawn at random; the columns are those of `Comparison.examples`.
    """

    reason: str
    rows: int
    examples: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Compared:
    """The fields of a comparison; :class:`fastsample.Comparison` documents them."""

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
    left_out: dict[str, str]
    notes: tuple[str, ...]
    #: Files that no report may replace.
    _inputs: tuple[Path, ...] = field(repr=False, compare=False)
    #: The files of the source and of the sample; none of tables.
    _sides: tuple[tuple[Path, ...], tuple[Path, ...]] = field(
        default=((), ()), repr=False, compare=False
    )
    #: Whether the bias is that of a smart draw.
    smart: bool = False
    #: Columns, texts of rows in the sample, texts of rows that are not.
    examples: tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]] = (
        (), (), (),
    )  # fmt: skip
    #: Why rows of the source are not in a smart sample.
    dropped: tuple[Dropped, ...] = ()
