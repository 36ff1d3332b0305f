"""A comparison as tables, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from fastsample._comparison.facts import facts, percent
from fastsample._comparison.model import Compared
from fastsample._layout import Block, Sentences, Table

#: N-grams that are printed; the HTML report has more.
_PRINTED = 8

#: Values of a column that are printed.
_PRINTED_VALUES = 20

#: What the reasons of a smart draw mean.
_REASONS = {
    "exact copy": "Another row has the same texts.",
    "near-duplicate": "Other rows are nearly the same.",
    "too short": "Shorter than a row may be, or than most.",
    "repeats itself": "The same characters come again and again.",
    "common text": "Its character sequences are in many other rows.",
    "unlike the target": "It has little of the kind that was wanted.",
    "like rows to avoid": "It has much of the kind that was not wanted.",
    "chance": "No term says much against it: the draw took others.",
}


def blocks(found: Compared) -> Iterator[Block]:
    """Yield the parts of the report."""
    if found.biases:
        intended = ", as a smart sample is meant to be" if found.smart else ""
        yield Sentences(found.biases, title=f"{found.verdict}{intended}")
    else:
        yield Sentences([found.verdict], strong=True)
    yield Sentences([f"Text columns: {', '.join(found.text)}"])
    yield Table(
        "Source and sample",
        ("", "reference", "sample", "what it means"),
        [(fact.name, fact.reference, fact.sample, fact.means) for fact in facts(found)],
        prose=True,
    )
    if found.dropped:
        yield Table(
            "Rows the sample does not have, by why they were dropped",
            ("reason", "rows", "share", "what it means"),
            dropped_rows(found),
            prose=True,
        )
    if found.values:
        yield from _values(found)
    for title, listed in (("more", found.over), ("less", found.under)):
        if listed:
            yield Table(
                f"N-grams the sample has {title} of, per million characters",
                ("n-gram", "source", "sample"),
                [
                    (text.replace(" ", "␣"), f"{a:,.1f}", f"{b:,.1f}")
                    for text, a, b in listed[:_PRINTED]
                ],
            )


def dropped_rows(found: Compared) -> list[tuple[str, str, str, str]]:
    """Return a row for each reason: rows, share of all that were dropped, meaning."""
    total = sum(each.rows for each in found.dropped)
    return [
        (each.reason, f"{each.rows:,}", percent(each.rows / total), _REASONS[each.reason])
        for each in found.dropped
    ]


def _values(found: Compared) -> Iterator[Block]:
    ranked = sorted(found.values.items(), key=lambda each: each[1], reverse=True)
    yield Table(
        f"Shares of {found.column}",
        (str(found.column), "source", "sample"),
        [
            (name, percent(a / found.source.rows), percent(b / found.sample.rows))
            for name, (a, b) in ranked[:_PRINTED_VALUES]
        ],
    )
    if len(ranked) > _PRINTED_VALUES:
        yield Sentences([f"and {len(ranked) - _PRINTED_VALUES:,} values more"])
