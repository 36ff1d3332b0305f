"""`Comparison`: the result of `compare` as fields, text, JSON and HTML."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from fastsample._arguments import output_path
from fastsample._comparison.model import Compared, Fact
from fastsample._layout import Block, as_text
from fastsample._public import public


@public
@dataclass(frozen=True)
class Comparison(Compared):
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
    left_out : dict of str to str
        Columns of strings that are not text by default, and why not.
    notes : tuple of str
        Files that were passed over in a folder or glob, a sentence for each of the two.
    smart : bool
        Whether the sample is a smart one: then a bias is intended.
    examples : tuple of tuple
        Columns; texts of rows of the sample; texts of rows of the source that it does not have.
        Empty unless they were asked for.
    dropped : tuple of Dropped
        Of a smart sample: the rows that it does not have, by why the draw left them out. Empty
        where its options are unknown, and where more than its terms decided.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        del plain["_inputs"], plain["_sides"]
        lengths = [plain["source"]["lengths"], plain["sample"]["lengths"]]
        for both in plain["columns"].values():
            lengths.extend(both)
        for each in lengths:
            del each["histogram"]
            each["quantiles"] = {str(q): n for q, n in each["quantiles"].items()}
        plain["facts"] = [asdict(fact) for fact in self.facts()]
        return plain

    def facts(self) -> tuple[Fact, ...]:
        """Return the numbers as text, each with its meaning."""
        from fastsample._comparison.facts import facts

        return tuple(facts(self))

    def to_html(self) -> str:
        """Return a report as one self-contained HTML page."""
        from fastsample._comparison.html import page

        return page(self)

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a file, whole or not at all, and never over what was compared."""
        from fastsample._files import write_text

        write_text(output_path("path", path), self.to_html(), self._inputs)

    def _repr_html_(self) -> str:
        from fastsample._comparison.html import body

        return body(self)

    def _blocks(self) -> Iterator[Block]:
        from fastsample._comparison.tables import blocks

        return blocks(self)

    def __str__(self) -> str:
        """Return the tables that the command line prints."""
        return as_text(self._blocks())
