"""Tables, facts and sentences as lines that fit the terminal, and the same as HTML.

A table that is too wide is transposed, or else printed row by row. Words and numbers stay whole
unless one of them alone is wider than the terminal.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple, Protocol, TextIO

#: Width of output that is no terminal's: nothing is wrapped.
UNLIMITED = 10_000

_GAP = "  "

#: A column of words is not made narrower than this, a column of sentences than `_SENTENCE`.
_WORDS = 16
_SENTENCE = 32

#: Tables of more rows are not transposed.
_MOST_TRANSPOSED = 6

#: Longer words are paths and the like, which may break anywhere.
_LONG_WORD = 24

#: Spaces; a wide character, after which a line may break unless a closing mark follows; a word.
_TOKENS = (
    r"\s+|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uffef\U0001f000-\U0003ffff]"
    r"[、。，．：；！？）」』】》〉”’…]*|[^\s\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    r"\ufe30-\uffef\U0001f000-\U0003ffff]+"
)


class Line(NamedTuple):
    """A line of text, and whether it stands out."""

    text: str
    strong: bool = False


class Block(Protocol):
    """A part of a report."""

    def lines(self, width: int) -> Iterator[Line]:
        """Yield lines that are not wider than `width`."""

    def html(self) -> str:
        """Return the same as HTML."""


def as_text(blocks: Iterable[Block], width: int | None = None) -> str:
    """Return a report as text for the terminal, or of a given width."""
    return "\n".join(line.text for line in as_lines(blocks, width))


def as_html(blocks: Iterable[Block]) -> str:
    """Return a report as HTML, as notebooks show it."""
    return "\n".join(block.html() for block in blocks)


def as_lines(blocks: Iterable[Block], width: int | None = None) -> Iterator[Line]:
    """Yield the lines of a report, with an empty one between its parts."""
    wide = max(20, terminal_width(sys.stdout) if width is None else width)
    for number, block in enumerate(blocks):
        if number:
            yield Line("")
        yield from block.lines(wide)


def terminal_width(stream: TextIO | None) -> int:
    """Return the columns of the terminal that a stream is, or `UNLIMITED`."""
    if stream is None or not stream.isatty():
        return UNLIMITED
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and int(said) else columns or 80


def has_unicode() -> bool:
    """Tell whether standard output takes lines and bars that are not ASCII."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return encoding.lower().startswith("utf")


def printable(text: str) -> str:
    """Return a text without control characters and without halves of a file name's bytes."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) == "Cc" else each
        for each in text
    )


def size(count: float) -> str:
    """Return a number of bytes in a unit that people read."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024
    return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"


def wrap(text: str, width: int) -> list[str]:
    """Break a text at spaces and between Chinese characters; wider words are cut."""
    if cells(text) <= width:
        return [text.rstrip()]
    lines, line, used = [], "", 0
    for token in re.findall(_TOKENS, text):
        size = cells(token)
        if used + size > width:
            if line.strip():
                lines.append(line.rstrip())
            line, used = "", 0
            if token.isspace():
                continue
            while size > width:
                end = _most(token, width)
                lines.append(token[:end])
                token = token[end:]
                size = cells(token)
        line += token
        used += size
    return [*lines, line.rstrip()]


def cells(text: str) -> int:
    """Return the columns of a terminal that a text takes: a Chinese character has two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _most(text: str, width: int) -> int:
    """Return how many characters of a text fit into a width, at least one."""
    used = 0
    for end, each in enumerate(text):
        used += cells(each)
        if used > width:
            return max(end, 1)
    return len(text)


def _pad(text: str, width: int, *, right: bool) -> str:
    spaces = " " * (width - cells(text))
    return spaces + text if right else text + spaces


class Facts:
    """Names with their values, a line each."""

    def __init__(self, facts: Iterable[tuple[str, str]], title: str = "") -> None:
        self._title = title
        self._facts = [(printable(name), printable(value)) for name, value in facts]

    def lines(self, width: int) -> Iterator[Line]:
        """Yield a line a fact; a value that is too long continues below."""
        most = width * 3 // 5
        column = max((n for n in (cells(name) for name, _ in self._facts) if n <= most), default=0)
        left = width - column - len(_GAP)
        for name, value in self._facts:
            # Spaces before a name show what it belongs to.
            if cells(name) <= column and (cells(value) <= left or left >= _SENTENCE):
                head = _pad(name, column, right=False) + _GAP
                for line in wrap(value, left):
                    yield Line((head + line).rstrip())
                    head = " " * (column + len(_GAP))
                continue
            yield from map(Line, wrap(name, width))
            for line in wrap(value, width - 4):
                yield Line(f"    {line}")

    def html(self) -> str:
        """Return a table of two columns."""
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
            f'<td style="{_left(value)}">{escape(value)}</td></tr>'
            for name, value in self._facts
        )
        return f"<table>{_caption(self._title)}{rows}</table>"


@dataclass(frozen=True)
class Sentences:
    """Sentences, a paragraph each; with a title, as a list."""

    sentences: Sequence[str]
    title: str = ""
    strong: bool = False

    def lines(self, width: int) -> Iterator[Line]:
        """Yield the title and the sentences."""
        if self.title:
            yield Line(self.title, strong=True)
        mark = "- " if self.title else ""
        for sentence in self.sentences:
            head = mark
            for line in wrap(printable(sentence), width - len(mark)):
                yield Line(head + line, strong=self.strong)
                head = " " * len(mark)

    def html(self) -> str:
        """Return paragraphs, or a list."""
        each = [escape(printable(sentence)) for sentence in self.sentences]
        if not self.title:
            return "".join(f"<p>{sentence}</p>" for sentence in each)
        items = "".join(f"<li>{sentence}</li>" for sentence in each)
        return f"<p><b>{escape(self.title)}</b></p><ul>{items}</ul>"


class Table:
    """Rows with a name each: the first `left` columns are words, the others numbers.

    With `prose`, the last column is sentences.
    """

    def __init__(
        self,
        title: str,
        headings: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        left: int = 1,
        prose: bool = False,
        strong: Iterable[int] = (),
    ) -> None:
        self._title = printable(title)
        self._headings = [printable(heading) for heading in headings]
        self._rows = [[printable(cell) for cell in row] for row in rows]
        self._prose = prose
        self._strong = set(strong)
        last = len(self._headings) - 1
        self._right = [place >= left and not (prose and place == last) for place in range(last + 1)]

    def lines(self, width: int) -> Iterator[Line]:
        """Yield the table as a grid, transposed, or row by row: whichever fits first."""
        for line in wrap(self._title, width):
            yield Line(line, strong=True)
        sizes = self._sizes(width)
        if sizes is not None:
            yield from self._grid(sizes, width)
            return
        if not self._prose and 1 < len(self._rows) <= _MOST_TRANSPOSED:
            names, *columns = zip(self._headings, *self._rows, strict=True)
            other = Table("", names, columns)
            widths = other._sizes(width)
            if widths is not None:
                yield from other._grid(widths, width)
                return
        yield from self._row_by_row(width)

    def html(self) -> str:
        """Return a table of HTML."""

        def cell_of(cell: str, tag: str, *, right: bool) -> str:
            # A heading without text says nothing to a screen reader.
            tag, style = tag if cell else "td", "text-align:right" if right else _left(cell)
            return f'<{tag} style="{style}">{escape(cell)}</{tag}>'

        def cells_of(row: Sequence[str], tag: str) -> str:
            both = zip(row, self._right, strict=True)
            return "".join(cell_of(cell, tag, right=right) for cell, right in both)

        rows = "".join(
            f"<tr>{cells_of(row, 'th' if number in self._strong else 'td')}</tr>"
            for number, row in enumerate(self._rows)
        )
        head = f"<thead><tr>{cells_of(self._headings, 'th')}</tr></thead>"
        return f"<table>{_caption(self._title)}{head}<tbody>{rows}</tbody></table>"

    def _sizes(self, width: int) -> list[int] | None:
        """Return the widths of the columns of a grid; None if words would have to be cut."""
        columns = list(zip(self._headings, *self._rows, strict=True))
        natural = [max(map(cells, column)) for column in columns]
        least = list(natural)
        last = len(columns) - 1
        for place, column in enumerate(columns):
            if not self._right[place]:
                word = max(cells(token) for cell in column for token in _words(cell))
                narrow = _SENTENCE if self._prose and place == last else _WORDS
                least[place] = min(natural[place], max(word, narrow))
        spare = width - sum(least) - len(_GAP) * last
        if spare < 0:
            return None
        sizes = []
        for wanted, size in zip(natural, least, strict=True):
            more = min(wanted - size, spare)
            spare -= more
            sizes.append(size + more)
        return sizes

    def _grid(self, sizes: Sequence[int], width: int) -> Iterator[Line]:
        if any(self._headings):
            yield from self._grid_row(self._headings, sizes, strong=True)
            rule = "─" if has_unicode() else "-"
            yield Line(rule * min(width, sum(sizes) + len(_GAP) * (len(sizes) - 1)))
        for number, row in enumerate(self._rows):
            yield from self._grid_row(row, sizes, strong=number in self._strong)

    def _grid_row(
        self, row: Sequence[str], sizes: Sequence[int], *, strong: bool
    ) -> Iterator[Line]:
        wrapped = [wrap(cell, size) for cell, size in zip(row, sizes, strict=True)]
        for number in range(max(map(len, wrapped))):
            parts = [
                _pad(cell[number] if number < len(cell) else "", size, right=right)
                for cell, size, right in zip(wrapped, sizes, self._right, strict=True)
            ]
            yield Line(_GAP.join(parts).rstrip(), strong)

    def _row_by_row(self, width: int) -> Iterator[Line]:
        """Yield each row as its name, and below it pairs of heading and value."""
        for name, *values in self._rows:
            for line in wrap(name or "-", width):
                yield Line(line, strong=True)
            sentence = values.pop() if self._prose else ""
            line = ""
            for heading, value in zip(self._headings[1:], values, strict=False):
                if not value:
                    continue
                pair = f"{heading} {value}"
                if line and cells(line) + len(_GAP) + cells(pair) > width - 2:
                    yield from (Line(f"  {each}") for each in wrap(line, width - 2))
                    line = ""
                line = f"{line}{_GAP}{pair}" if line else pair
            if line:
                yield from (Line(f"  {each}") for each in wrap(line, width - 2))
            if sentence:
                yield from (Line(f"  {each}") for each in wrap(sentence, width - 2))


def _left(cell: str) -> str:
    """Return the style of a cell of words. Tables fit on paper if paths may break anywhere."""
    longest = max(map(len, cell.split()), default=0)
    return "text-align:left" + (";overflow-wrap:anywhere" if longest > _LONG_WORD else "")


def _caption(title: str) -> str:
    return f"<caption>{escape(title)}</caption>" if title else ""


def _words(cell: str) -> list[str]:
    return re.findall(_TOKENS, cell) or [""]
