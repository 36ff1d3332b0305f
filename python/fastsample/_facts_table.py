"""Facts as a table: of text in a terminal, of HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import chain, repeat

#: Values get this many columns however narrow the terminal.
_LEAST_COLUMNS = 20


def as_text(facts: Iterable[tuple[str, str]], width: int | None = None) -> str:
    """Return a table of text, of lines of at most `width` columns.

    Chinese characters are two columns wide.
    """
    from rich.cells import cell_len

    rows = [(name, printable(value)) for name, value in facts]
    names = max(cell_len(name) for name, _ in rows)
    room = None if width is None else max(width - names - 2, _LEAST_COLUMNS)
    return "\n".join(
        f"{name}{' ' * (names - cell_len(name))}  {line}"
        for fact, value in rows
        for name, line in zip(chain([fact], repeat("")), _lines(value, room), strict=False)
    )


def _lines(text: str, width: int | None) -> list[str]:
    """Return lines of at most `width` columns, broken between words where that is possible."""
    from rich.cells import cell_len, chop_cells

    if width is None or cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines += chop_cells(word, width)
    return lines


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
