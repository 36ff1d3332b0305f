"""What stands out on the page: three facts, marks of what was tested, and examples of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from fastsample._comparison.facts import percent
from fastsample._comparison.model import Compared
from fastsample._comparison.tables import dropped_rows

#: Characters of a text that is shown as an example.
_EXAMPLE = 240

#: Shares of rows cut off, or of copies, that ask for attention where a random sample has fewer.
_MUCH = 0.05


def top(found: Compared) -> str:
    """Return the three facts that matter, each with a mark: rows, what is cut off, copies."""
    a, b = found.source, found.sample
    facts = (
        (found.contained == 1, f"{b.rows:,} rows", f"{percent(found.contained)} from the source"),
        (
            b.cut_rows <= a.cut_rows or b.cut_rows < _MUCH,
            f"{percent(b.cut_rows)} cut off",
            f"rows above {found.max_chars:,} characters; source {percent(a.cut_rows)}",
        ),
        (
            b.copies <= found.copies_expected or b.copies < _MUCH,
            f"{percent(b.copies)} copies",
            f"a random sample has {percent(found.copies_expected)}",
        ),
    )
    items = "".join(
        f"<li>{_mark(is_good)} <b>{escape(fact)}</b><br>{escape(means)}</li>"
        for is_good, fact, means in facts
    )
    return f'<ul class="top">{items}</ul>'


def _mark(is_good: bool) -> str:
    if is_good:
        return '<span role="img" aria-label="passed">✓</span>'
    return '<span role="img" aria-label="attention">⚠</span>'


def examples(found: Compared) -> Iterator[str]:
    """Return rows of the sample and rows that it does not have, drawn at random.

    The latter by why a smart draw left them out, where that is known.
    """
    columns, kept, missing = found.examples
    if kept:
        yield f"<h2>Rows of the sample</h2>{_rows('Rows of the sample', columns, kept)}"
    if found.dropped or missing:
        yield "<h2>Rows it does not have</h2>"
    if found.dropped:
        heads = (
            '<th>reason</th><th class="n">rows</th><th class="n">share</th><th>what it means</th>'
        )
        lines = "".join(
            f'<tr><th scope="row">{reason}</th><td class="n">{rows}</td><td class="n">{share}</td>'
            f"<td>{means}</td></tr>"
            for reason, rows, share, means in dropped_rows(found)
        )
        yield f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
        yield (
            '<p class="note">A row is counted once, by the term that took the most of its weight. '
            "It is left to chance if it has at least half of the geometric mean of all weights.</p>"
        )
        for each in found.dropped:
            if each.examples:
                yield f"<h3>Dropped: {each.reason}</h3>"
                yield _rows(f"Dropped: {each.reason}", columns, each.examples)
    elif missing:
        yield _rows("Rows it does not have", columns, missing)
    if kept or missing:
        yield '<p class="note">Drawn at random. Texts are cut to their beginnings.</p>'


def _rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return texts of rows as a table that can be scrolled sideways."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = "".join(
        f"<tr>{''.join(f'<td>{escape(_start(text))}</td>' for text in row)}</tr>" for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _start(text: str) -> str:
    return text if len(text) <= _EXAMPLE else text[: _EXAMPLE - 1] + "…"


def marks(found: Compared) -> dict[str, str]:
    """Return a mark for each distance that is tested: within chance, intended, or beyond it."""
    tested = {
        "length distance": found.length,
        f"{found.column} distance": found.by,
        "n-gram distance": found.grams,
    }
    intended = ' <span role="img" aria-label="intended">○</span>'
    return {
        name: intended if found.smart and distance.is_bias else f" {_mark(not distance.is_bias)}"
        for name, distance in tested.items()
        if distance is not None
    }
