"""Sentences of a comparison: what is biased, and what each number means."""

from __future__ import annotations

from collections.abc import Iterator

from fastsample._comparison.model import Compared, Distance, Fact, Side

#: Values of a column that are named as over- or under-represented.
_NAMED = 3


def biases(
    source: Side,
    sample: Side,
    length: Distance,
    shares: Distance | None,
    grams: Distance,
    values: dict[str, tuple[int, int]],
    column: str | None,
) -> Iterator[str]:
    """Name what differs by more than chance, a sentence each."""
    if length.is_bias:
        a, b = source.lengths.mean, sample.lengths.mean
        how = "longer" if b > a else "shorter"
        yield (
            f"biased by length: rows are {how}, {b:,.1f} characters in the mean, not {a:,.1f} "
            f"(distance {length.value:.3f}, chance explains {length.limit:.3f})"
        )
    if shares is not None and shares.is_bias:
        yield f"biased by {column}: {_moved(values, source.rows, sample.rows)}"
    if grams.is_bias:
        yield (
            f"biased by wording: n-grams diverge by {grams.value:.2g} bits, "
            f"chance explains {grams.limit:.2g}"
        )


def _moved(values: dict[str, tuple[int, int]], rows: int, drawn: int) -> str:
    shares = [(name, a / rows, b / drawn) for name, (a, b) in values.items()]
    shares.sort(key=lambda each: abs(each[2] - each[1]), reverse=True)
    return ", ".join(
        f"{name!r} is {percent(b)} of the sample, {percent(a)} of the source"
        for name, a, b in shares[:_NAMED]
    )


def facts(found: Compared) -> Iterator[Fact]:
    """Return the numbers, each with its meaning in a sentence."""
    a, b = found.source, found.sample
    yield Fact(
        "rows", f"{a.rows:,}", f"{b.rows:,}", f"The sample has {percent(b.rows / a.rows)} of them."
    )
    yield Fact(
        "found in the source", percent(1), percent(found.contained),
        "Share of the sample's rows that occur in the source.",
    )  # fmt: skip
    yield Fact(
        "mean length", f"{a.lengths.mean:,.1f}", f"{b.lengths.mean:,.1f}",
        "Characters of a row, all text columns together.",
    )  # fmt: skip
    yield Fact(
        "median length", f"{a.lengths.quantiles[0.5]:,}", f"{b.lengths.quantiles[0.5]:,}",
        "Half of the rows are not longer.",
    )  # fmt: skip
    yield Fact(
        "length distance", _limit(found.length), f"{found.length.value:.4f}",
        f"Difference of the shares of rows up to {found.length_at:,} characters; "
        f"{_judged(found.length)}.",
    )  # fmt: skip
    if found.by is not None:
        yield Fact(
            f"{found.column} distance", _limit(found.by), f"{found.by.value:.4f}",
            f"How far the shares of the {len(found.values):,} values are off (Cohen's w); "
            f"{_judged(found.by)}.",
        )  # fmt: skip
    yield Fact(
        "n-gram distance", _limit(found.grams), f"{found.grams.value:.3g}",
        f"Divergence of n-grams in 1,024 classes, in bits; {_judged(found.grams)}.",
    )  # fmt: skip
    yield Fact(
        "n-gram divergence", f"random {found.divergence[1]:.4f}", f"{found.divergence[0]:.4f}",
        "Bits by which all n-grams differ from the source's, and those of a random sample.",
    )  # fmt: skip
    yield Fact(
        "n-grams covered", f"random {percent(found.coverage[1])}", percent(found.coverage[0]),
        "Share of the source's n-gram occurrences whose n-gram the sample has.",
    )  # fmt: skip
    yield Fact(
        "distinct trigrams", percent(1), percent(found.types),
        "Share of the source's distinct trigrams that occur in the sample.",
    )  # fmt: skip
    if found.bits is not None:
        ours, random, error = found.bits
        off = ours - random
        how = (
            "no better and no worse than a random sample, within the error"
            if abs(off) <= 2 * error
            else f"{'worse' if off > 0 else 'better'} than a random sample by {abs(off):.3f}"
        )
        yield Fact(
            "held-out text", f"random {random:.3f}", f"{ours:.3f}",
            f"Bits a character to predict {found.held_out[0]:,} texts by an n-gram model, "
            f"fewer is better: {how} (standard error {error:.3f}).",
        )  # fmt: skip
    yield Fact(
        "copies", percent(a.copies), percent(b.copies),
        f"Rows whose texts equal an earlier row's; a random sample has "
        f"{percent(found.copies_expected)}.",
    )  # fmt: skip
    yield Fact(
        "near-duplicates", percent(a.near), percent(b.near),
        "Rows that have another one nearly the same, estimated; fewer in a smaller sample anyway.",
    )  # fmt: skip
    yield Fact(
        "rows cut off", percent(a.cut_rows), percent(b.cut_rows),
        f"Rows longer than {found.max_chars:,} characters, where training cuts them.",
    )  # fmt: skip
    yield Fact(
        "text cut off", percent(a.cut_chars), percent(b.cut_chars),
        f"Characters beyond the first {found.max_chars:,} of a row.",
    )  # fmt: skip


def _limit(distance: Distance) -> str:
    return f"up to {distance.limit:.3g}"


def _judged(distance: Distance) -> str:
    return "more than chance explains" if distance.is_bias else "within the sampling error"


def percent(share: float) -> str:
    """Format a share as a percentage; small ones get one more digit."""
    return f"{share:.2%}" if 0 < share < 0.1 else f"{share:.1%}"
