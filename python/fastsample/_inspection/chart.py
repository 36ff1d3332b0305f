"""Histograms of lengths as bars of text, each with its axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from fastsample._layout import Line, cells, has_unicode, printable, wrap
from fastsample._text_lengths import TextLengths, bin_edges, is_logarithmic, shares_of

_BARS = " ▁▂▃▄▅▆▇█"
_PLAIN_BARS = " .-=#"

#: Bars of a histogram, where there is room.
_MOST_BARS = 60

#: Columns that are drawn.
_MOST_COLUMNS = 8


class Histograms:
    """How many rows have which length: bars and an axis for each text column."""

    def __init__(self, lengths: Mapping[str, TextLengths]) -> None:
        self._lengths = dict(list(lengths.items())[:_MOST_COLUMNS])

    def lines(self, width: int) -> Iterator[Line]:
        """Yield a title, the bars and the lengths below them, for each column."""
        yield Line("Rows by length", strong=True)
        for name, lengths in self._lengths.items():
            edges = bin_edges(lengths, min(width, _MOST_BARS))
            shares = shares_of(lengths.histogram, edges)
            scale = ", logarithmic scale" if is_logarithmic(edges) else ""
            longer = "" if lengths.max < edges[-1] else f", last bar up to {lengths.max:,}"
            title = f"{printable(name)}: highest bar {max(shares):.1%}{scale}{longer}"
            yield from map(Line, wrap(title, width))
            yield Line(sparkline(shares).rstrip())
            yield Line(_axis(edges))

    def html(self) -> str:
        """Return the bars as preformatted text."""
        text = "\n".join(line.text for line in self.lines(_MOST_BARS))
        return f"<pre>{escape(text)}</pre>"


def sparkline(shares: Sequence[float]) -> str:
    """Return a histogram as a line of text; a bin that is not empty has at least the lowest bar."""
    bars = _BARS if has_unicode() else _PLAIN_BARS
    top = max(shares, default=0) or 1
    return "".join(
        bars[max(1, round(share / top * (len(bars) - 1)))] if share else bars[0] for share in shares
    )


def _axis(edges: Sequence[float]) -> str:
    """Return lengths, each below the bar that begins with it."""
    last = len(edges) - 2
    step = max(6, *(len(f"{edge:,.0f}") + 2 for edge in edges))
    line = ""
    for place in range(0, last + 1, step):
        label = f"{edges[place]:,.0f}"
        if place + cells(label) > last + 1:
            break
        line = line.ljust(place) + label
    return line
