"""Facts as a table: of text in a terminal, of HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def as_text(facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of text; Chinese characters are two columns wide."""
    from rich.cells import cell_len

    rows = [(name, printable(value)) for name, value in facts]
    width = max(cell_len(name) for name, _ in rows)
    return "\n".join(f"{name}{' ' * (width - cell_len(name))}  {value}" for name, value in rows)


def as_html(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of HTML."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(printable(value))}</td></tr>'
        for name, value in facts
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"


def printable(text: str) -> str:
    """Return a text in which bytes of a file name that is not UTF-8 are replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
