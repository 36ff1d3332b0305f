"""What stands out on the page: three facts, marks of what was tested, and examples of rows."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from fastsample._comparison.facts import percent
from fastsample._comparison.model import Compared

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
    """Return rows of the sample and rows that it does not have, drawn at random."""
    columns, kept, dropped = found.examples
    for title, rows in (("Rows of the sample", kept), ("Rows it does not have", dropped)):
        if rows:
            yield f"<h2>{title}</h2>"
            heads = "".join(f"<th>{escape(name)}</th>" for name in columns)
            lines = "".join(
                f"<tr>{''.join(f'<td>{escape(_start(text))}</td>' for text in row)}</tr>"
                for row in rows
            )
            yield (
                f'<div class="wide" tabindex="0" role="region" aria-label="{title}">'
                f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
            )
    if kept or dropped:
        yield '<p class="note">Drawn at random. Texts are cut to their beginnings.</p>'


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
