"""Facts as a table: of text in a terminal, of HTML in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastsample._sample import Report, WriteReport


def draw_facts(report: Report) -> Iterator[tuple[str, str]]:
    """Tell what a draw did."""
    yield "rows before", f"{report.rows:,}"
    share = f" ({report.sampled / report.rows:.1%})" if report.rows else ""
    yield "rows after", f"{report.sampled:,}{share}"
    if report.tokens is not None:
        mean = report.tokens / report.sampled
        yield "tokens", f"{report.tokens:,} ({mean:,.1f} a row)"
        if report.too_long:
            yield "rows left as too long", f"{report.too_long:,}"
    found = report.smart
    if found is not None:
        yield "judged by", ", ".join(found.text)
        yield "copies found", f"{found.copies:,} ({found.copies_drawn:,} drawn)"
        yield "rows with near-duplicates", f"{found.near_duplicates:,}"
        yield "rows excluded", f"{found.excluded:,} ({found.excluded_drawn:,} drawn)"
        yield "effective rows", f"{found.effective_rows:,.0f}"
        yield "characters before", _quantiles(found.chars_before)
        yield "characters after", _quantiles(found.chars_after)
        if found.weights:
            yield "weights", _quantiles(found.weights)
            shares = (f"{name} {share:.0%}" for name, share in found.shares.items())
            yield "what decides", ", ".join(shares)
        for note in found.notes:
            yield "note", note
    yield "seed", str(report.seed)
    yield "time", f"{report.seconds:.1f} s"


def _quantiles(values: Mapping[float, float]) -> str:
    """Return the least, the middle and the largest value, and where most of them lie."""
    if not values:
        return "-"
    formats = (f"{v:,}" if isinstance(v, int) else f"{v:.3g}" for v in values.values())
    least, low, _, middle, _, high, most = formats
    return f"{low} to {high} for 90 %, median {middle}, all {least} to {most}"


def write_facts(report: WriteReport) -> Iterator[tuple[str, str]]:
    """Tell what was written."""
    yield "rows written", f"{report.rows:,}"
    for name, mean in report.mean_chars.items():
        yield f"mean length of {name}", f"{mean:,.1f} characters"
    yield "duplicates among them", f"{report.copies:,}"
    yield "file size", f"{report.bytes:,} bytes"
    yield "time", f"{report.seconds:.1f} s"
    for file in report.files:
        yield "written", str(file.path)


def as_text(facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of text; Chinese characters are two columns wide."""
    from rich.cells import cell_len

    rows = list(facts)
    width = max(cell_len(name) for name, _ in rows)
    return "\n".join(f"{name}{' ' * (width - cell_len(name))}  {value}" for name, value in rows)


def as_html(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of HTML."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in facts
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
