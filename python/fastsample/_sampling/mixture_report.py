"""What became of the sources of a mixture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastsample._public import public


@public
@dataclass(frozen=True)
class MixedSource:
    """A source of a mixture.

    Attributes
    ----------
    name : str
        Its name.
    rows : int
        Its rows, without those that were left out.
    wanted : float
        The share of the mixture that was asked for: given, or by size and temperature.
    drawn : int
        Rows drawn of it, each counted as often as it comes.
    share : float
        The share of the mixture that it has.
    epochs : float
        How often a row of it comes, on average.
    missing : tuple of str
        Columns of other sources that it lacks; they are null in its rows.
    left_out : int
        Its rows that share text with `exclude`.
    """

    name: str
    rows: int
    wanted: float
    drawn: int
    share: float
    epochs: float
    missing: tuple[str, ...] = ()
    left_out: int = 0


def to_sources(
    found: Sequence[tuple[str, int, float, int, Sequence[str]]], left_out: Sequence[int]
) -> tuple[MixedSource, ...]:
    """Return what the core found of each source as its report."""
    n = sum(drawn for _, _, _, drawn, _ in found)
    return tuple(
        MixedSource(name, rows, wanted, drawn, drawn / n, drawn / rows, tuple(missing), gone)
        for (name, rows, wanted, drawn, missing), gone in zip(found, left_out, strict=True)
    )


def source_notes(sources: Sequence[MixedSource]) -> Iterator[str]:
    """Yield sentences on sources that lack columns, or did not give their share."""
    n = sum(source.drawn for source in sources)
    for source in sources:
        if source.missing:
            columns = ", ".join(source.missing)
            yield f"{source.name} has no column {columns}: null in its rows"
    for source in sources:
        if source.left_out:
            yield f"{source.name}: {source.left_out:,} rows share text with exclude"
    for source in sources:
        if abs(source.drawn - source.wanted * n) >= 1 + 1e-6 * n:
            yield (
                f"{source.name} has {source.share:.2%} of the rows, and {source.wanted:.2%} was "
                "asked for"
            )


def source_facts(sources: Sequence[MixedSource]) -> Iterator[tuple[str, str]]:
    """Yield a line for each source."""
    for source in sources:
        yield (
            f"  {source.name}",
            f"{source.drawn:,} of {source.rows:,}: share {source.share:.2%}, "
            f"wanted {source.wanted:.2%}, epochs {source.epochs:.2f}",
        )
