"""What became of the sources of a mixture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from fastsample._public import public
from fastsample._sampling.smart_report import SmartReport, smart_facts, to_report

if TYPE_CHECKING:
    from fastsample._fastsample import _MixedFound


@public
@dataclass(frozen=True)
class MixedSource:
    """A source of a mixture.

    Attributes
    ----------
    name : str
        Its name.
    rows : int
        Its rows that may be drawn: those that match, without those that were left out.
    wanted : float
        The share of the mixture that was asked for: given, or by size and temperature.
    drawn : int
        Rows drawn of it, each counted as often as it comes.
    share : float
        The share of the mixture that it has: of the rows, or of the tokens if there is a budget of
        them.
    epochs : float
        How often a row of it comes, on average.
    missing : tuple of str
        Columns of other sources that it lacks; they are null in its rows.
    left_out : int
        Its rows that share text with `exclude`.
    tokens : int or None
        Tokens of the rows drawn, if there is a budget of tokens. The next row would exceed `quota`.
    quota : int or None
        Tokens that it was to give at the most: its share of the budget, exact by the largest
        remainder, after what `exhausted` says.
    deviation : int or None
        By how many tokens it is ahead of its share of the tokens, or behind, at the worst prefix
        of the mixture in its order without a shuffle.
    text_columns : tuple of str
        The text columns whose tokens were counted.
    source_rows : int
        Its rows in all, by which `row_ids` are counted.
    where : str or None
        The condition that its rows match.
    weight : str or None
        The column of weights by which it was drawn; rows of weight 0 may not be drawn.
    smart : SmartReport or None
        What a smart draw found of it.
    """

    name: str
    rows: int
    wanted: float
    drawn: int
    share: float
    epochs: float
    missing: tuple[str, ...] = ()
    left_out: int = 0
    tokens: int | None = None
    quota: int | None = None
    deviation: int | None = None
    text_columns: tuple[str, ...] = ()
    source_rows: int = 0
    where: str | None = None
    weight: str | None = None
    smart: SmartReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**found, "smart": self.smart and self.smart.to_dict()}


def to_sources(
    found: Sequence[_MixedFound],
    source_rows: Sequence[int],
    left_out: Sequence[int],
    where: Mapping[str, str],
    weight: Mapping[str, str | None],
) -> tuple[MixedSource, ...]:
    """Return what the core found of each source as its report."""
    n = sum(each[3] for each in found)
    all_tokens = sum(each[5][1] for each in found if each[5] is not None)
    sources = []
    for each, all_rows, gone in zip(found, source_rows, left_out, strict=True):
        name, rows, wanted, drawn, missing, tokens, smart = each
        source = MixedSource(
            name,
            rows,
            wanted,
            drawn,
            share=drawn / n,
            epochs=drawn / rows,
            missing=tuple(missing),
            left_out=gone,
            source_rows=all_rows,
            where=where.get(name),
            weight=weight.get(name),
            smart=None if smart is None else to_report(smart),
        )
        if tokens is not None:
            quota, given, deviation, text, _ = tokens
            source = replace(
                source,
                share=given / (all_tokens or 1),
                tokens=given,
                quota=quota,
                deviation=deviation,
                text_columns=tuple(text),
            )
        sources.append(source)
    return tuple(sources)


def source_notes(sources: Sequence[MixedSource], asked: int, ended: int | None) -> Iterator[str]:
    """Yield sentences on sources that lack columns, or did not give their share of what was asked.

    `ended` is the number of the source that ended the mixture early, if one did.
    """
    for source in sources:
        if source.missing:
            columns = ", ".join(source.missing)
            yield f"{source.name} has no column {columns}: null in its rows"
    for source in sources:
        if source.left_out:
            yield f"{source.name}: {source.left_out:,} rows share text with exclude"
    by_tokens = any(source.quota is not None for source in sources)
    unit = "tokens" if by_tokens else "rows"
    given = [source.drawn if source.quota is None else source.quota for source in sources]
    n = sum(given)
    if ended is not None:
        yield (
            f"the mixture ends at {n:,} of {asked:,} {unit}, where {sources[ended].name} has no "
            "more rows"
        )
    for source, number in zip(sources, given, strict=True):
        if abs(number - source.wanted * n) >= 1 + 1e-6 * n:
            yield (
                f"{source.name} has {source.share:.2%} of the {unit}, and {source.wanted:.2%} was "
                "asked for"
            )


def source_facts(sources: Sequence[MixedSource]) -> Iterator[tuple[str, str]]:
    """Yield a line for each source."""
    for source in sources:
        told = (
            f"{source.drawn:,} of {source.rows:,}: share {source.share:.2%}, "
            f"wanted {source.wanted:.2%}, epochs {source.epochs:.2f}"
        )
        if source.tokens is not None:
            told += (
                f", {source.tokens:,} of {source.quota:,} tokens in "
                f"{', '.join(source.text_columns) or 'no column'}, at any prefix off by at most "
                f"{source.deviation:,}"
            )
        if source.where is not None:
            told += f", where {source.where}"
        if source.weight is not None:
            told += f", by weight {source.weight}"
        yield f"  {source.name}", told
        if source.smart is not None:
            yield "    judged by", ", ".join(source.smart.text)
            yield from ((f"    {name}", fact) for name, fact in smart_facts(source.smart))
