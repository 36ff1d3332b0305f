"""Options of smart sampling, and what a smart draw reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from fastsample import _fastsample
from fastsample._progress import Callback
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    from typing import TypeAlias

#: What `fastsample.sample(smart=...)` takes.
SmartLike: TypeAlias = "bool | Smart | Literal['entropy']"


@dataclass(frozen=True)
class Smart:
    """How strongly each property of a row counts. A row's weight is the product of the terms.

    A strength of 1 is the formula below, 2 its square, 0.5 its square root; 0 switches the term
    off. With all three off, the draw is the uniform one, row for row.

    Parameters
    ----------
    text
        Text columns to look at. Every top-level text column by default.
    duplicates
        1 / c, where c is the estimated number of rows that are nearly the same (one-permutation
        MinHash over shingles of 3 characters, 5 in Latin script; Li, Owen, Zhang 2012). Above 0,
        equal rows are never drawn twice while others are left.
    length
        The square root of the length up to `max_chars`, falling as ``max_chars / length`` beyond,
        where training cuts a row off. Above 0, rows shorter than `min_chars` come last.
    repetition
        Distinct shingles over all shingles of the row, at least 1/16: lowers laughter and dashes.
    min_chars, max_chars
        In characters (Unicode code points) of all text columns together.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"text": ["同样的一句话，说了三遍"] * 3 + ["这是另外的一句，只说一遍"]})
    >>> s = fastsample.sample(table, 2, smart=fastsample.Smart(max_chars=256))
    >>> sorted(set(s.to_arrow()["text"].to_pylist())) == sorted(set(table["text"].to_pylist()))
    True
    """

    text: Sequence[str] | None = None
    duplicates: float = 1.0
    length: float = 1.0
    repetition: float = 1.0
    min_chars: int = 10
    max_chars: int = 512


@dataclass(frozen=True)
class SmartReport:
    """What a smart draw found among all rows of the source.

    Attributes
    ----------
    text : tuple of str
        The text columns that were looked at.
    excluded, excluded_drawn : int
        Rows of weight 0 (too short; outside the limits of the entropy rule), and how many of them
        were drawn because no others were left.
    copies, copies_drawn : int
        Rows whose texts equal those of another row, one of each group not counted; and how many of
        them were drawn because no others were left.
    near_duplicates : int
        Rows with an estimated two or more rows nearly the same, copies included.
    effective_rows : float
        (sum of weights)**2 / sum of squared weights: how many rows of equal weight are as diverse.
    """

    text: tuple[str, ...]
    excluded: int
    copies: int
    near_duplicates: int
    excluded_drawn: int
    copies_drawn: int
    effective_rows: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain values, for JSON."""
        return {**asdict(self), "text": list(self.text)}


def draw(
    opened: _fastsample.Source,
    n: int,
    seed: int,
    smart: SmartLike,
    text_columns: Sequence[str] | None,
    threads: int | None,
    progress: Callback | None,
) -> tuple[_fastsample.Sample, SmartReport | None]:
    """Draw by whatever rule `smart` names."""
    if isinstance(text_columns, str):
        raise ArgumentError(f"text_columns is the text {text_columns!r}; pass [{text_columns!r}]")
    if smart is False:
        return opened.uniform(n, seed, threads, progress), None
    if smart == "entropy":
        sample, found = opened.entropy(
            n, seed, text=text_columns, threads=threads, progress=progress
        )
    elif smart is True or isinstance(smart, Smart):
        options = Smart() if smart is True else smart
        if text_columns is not None:
            options = replace(options, text=text_columns)
        sample, found = opened.smart(
            n,
            seed,
            text=None if options.text is None else list(options.text),
            duplicates=options.duplicates,
            length=options.length,
            repetition=options.repetition,
            min_chars=options.min_chars,
            max_chars=options.max_chars,
            threads=threads,
            progress=progress,
        )
    else:
        raise ArgumentError(
            f"smart is {smart!r}; it must be True, False, 'entropy' or a fastsample.Smart"
        )
    return sample, SmartReport(**{**found, "text": tuple(found["text"])})
