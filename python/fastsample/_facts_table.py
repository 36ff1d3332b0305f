"""Facts as a table: of text in a terminal, of HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterable

from fastsample._layout import Facts
from fastsample._layout import as_text as lines_of


def as_text(facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of text; Chinese characters are two columns wide."""
    return lines_of([Facts(facts)])


def as_html(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of HTML."""
    return Facts(facts, title).html()
