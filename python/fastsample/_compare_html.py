"""A comparison as one HTML page: no script, no file beside it, legible on any screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from fastsample._plots import COLOURS, binned

if TYPE_CHECKING:
    from fastsample._compare import Comparison

_SOURCE, _SAMPLE = COLOURS[0], COLOURS[5]
_MOST_VALUES = 20

# Sizes are in rem: a phone has 16 px, a wide screen (a projector) up to 24.
_STYLE = f"""
:root {{ --ink: #1a1a1a; --paper: #fff; --line: #ccc; font-size: clamp(16px, 1.25vw, 24px); }}
.fs {{ color: var(--ink); background: var(--paper); max-width: 60rem; margin: 0 auto;
  padding: 1rem; line-height: 1.5; font-family: system-ui, "Noto Sans CJK SC",
  "PingFang SC", "Microsoft YaHei", sans-serif; }}
.fs h1 {{ font-size: 1.6rem; }} .fs h2 {{ font-size: 1.2rem; margin-top: 2rem; }}
.fs .verdict {{ border-left: .5rem solid {_SOURCE}; padding: .5rem 1rem; background: #eef5fa;
  color: #1a1a1a; }}
.fs .verdict.biased {{ border-color: {_SAMPLE}; background: #fdf1e8; }}
.fs .verdict strong {{ font-size: 1.4rem; }}
.fs table {{ border-collapse: collapse; width: 100%; }}
.fs th, .fs td {{ padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; }}
.fs .n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
.fs svg {{ width: 100%; max-width: 42rem; height: auto; display: block; }}
.fs svg text {{ fill: var(--ink); }}
.fs small {{ color: #555; }}
@media (max-width: 40rem) {{
  .fs thead {{ display: none; }}
  .fs .facts tr {{ display: grid; grid-template-columns: 1fr 1fr;
    border-bottom: 1px solid var(--line); padding: .4rem 0; }}
  .fs .facts td {{ border: 0; padding: .1rem .3rem; white-space: normal; text-align: left; }}
  .fs .facts td:first-child, .fs .facts td:last-child {{ grid-column: 1 / -1; }}
  .fs .facts td[data-of]:not(:empty)::before {{ content: attr(data-of) " "; color: #555; }}
}}
@media print {{ .fs {{ max-width: none; }} .fs svg {{ break-inside: avoid; }} }}
"""


def page(found: Comparison) -> str:
    """Return the report as a page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>fastsample compare: {escape(found.verdict)}</title>\n"
        "<style>body { margin: 0; }</style>\n</head>\n<body>\n"
        f"{body(found)}\n</body>\n</html>\n"
    )


def body(found: Comparison) -> str:
    """Return the report as a part of a page, as notebooks show it."""
    return f'<style>{_STYLE}</style>\n<div class="fs">\n' + "\n".join(_parts(found)) + "\n</div>"


def _parts(found: Comparison) -> Iterator[str]:
    yield "<h1>A sample beside its source</h1>"
    sentences = found.biases or (
        {
            "identical": "Both have the same rows.",
            "representative": "Every distance is within the sampling error.",
        }[found.verdict],
    )
    lines = "<br>".join(escape(sentence) for sentence in sentences)
    yield f'<p class="verdict {found.verdict}"><strong>{found.verdict}</strong><br>{lines}</p>'
    yield (
        '<table class="facts"><thead><tr><th></th><th class="n">reference</th>'
        '<th class="n">sample</th><th>what it means</th></tr></thead><tbody>'
    )
    for fact in found.facts():
        cells = "".join(
            f'<td class="n" data-of="{side}">{escape(value)}</td>'
            for side, value in (("reference", fact.reference), ("sample", fact.sample))
        )
        name, means = escape(fact.name), escape(fact.means)
        yield f"<tr><td><b>{name}</b></td>{cells}<td>{means}</td></tr>"
    yield "</tbody></table>"
    yield f"<h2>Lengths</h2>{_lengths(found)}"
    if found.values:
        yield f"<h2>Shares of {escape(str(found.column))}</h2>{_values(found)}"
    for title, listed in (("more", found.over), ("less", found.under)):
        if listed:
            yield f"<h2>N-grams the sample has {title} of</h2>"
            yield _grams(listed)
    columns = escape(", ".join(found.text))
    yield (
        f"<p><small>Compared by {columns}. Limits hold for all distances together with 99 %. "
        f"{_percent(found.load)} of the n-gram table is in use; rare n-grams share cells when it "
        "is full. N-grams are listed by how much they stand out; with a representative sample, "
        "that is chance. A bigram model is a weak judge: whether a model trained on the sample is "
        "better shows only when one is trained.</small></p>"
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _svg(height: int, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 640 {height}" role="img" aria-label="{escape(label)}" '
        f'font-size="20">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend(y: int) -> list[str]:
    return [
        f'<rect x="60" y="{y - 11}" width="22" height="12" fill="{_SOURCE}" opacity=".35"/>',
        _text(88, y, "source"),
        f'<path d="M160 {y - 5}h26" stroke="{_SAMPLE}" stroke-width="3" stroke-dasharray="7 3"/>',
        _text(192, y, "sample"),
    ]


def _lengths(found: Comparison) -> str:
    """Draw the source as an area, the sample as a dashed line."""
    scale = found.source.lengths
    edges, source = binned(scale.histogram, scale, bins=48)
    _, sample = binned(found.sample.lengths.histogram, scale, bins=48)
    top = max(*source, *sample, 1e-9)

    def outline(shares: list[float]) -> str:
        points = [
            f"{60 + 540 * edge / edges[-1]:.1f},{230 - 200 * share / top:.1f}"
            for i, share in enumerate(shares)
            for edge in edges[i : i + 2]
        ]
        return " ".join(points)

    parts = [
        f'<polygon points="60,230 {outline(source)} 600,230" fill="{_SOURCE}" opacity=".35"/>',
        f'<polyline points="{outline(sample)}" fill="none" stroke="{_SAMPLE}" stroke-width="3" '
        'stroke-dasharray="7 3"/>',
        '<path d="M60 230h540" stroke="currentColor"/>',
        _text(54, 40, f"{top:.0%}", "end"),
        _text(54, 235, "0", "end"),
    ]
    ticks = (0, edges[-1] / 4, edges[-1] / 2, edges[-1] * 3 / 4, edges[-1])
    parts += [_text(60 + 540 * x / edges[-1], 254, f"{x:,.0f}", "middle") for x in ticks]
    parts += [_text(320, 282, "characters of a row; the last bar holds all longer", "middle")]
    return _svg(322, parts + _legend(312), "Lengths of rows in source and sample")


def _values(found: Comparison) -> str:
    """Draw two bars a value, the most frequent values first."""
    shares = [
        (name, a / max(found.source.rows, 1), b / max(found.sample.rows, 1))
        for name, (a, b) in found.values.items()
    ]
    shares.sort(key=lambda each: max(each[1:]), reverse=True)
    shown = shares[:_MOST_VALUES]
    top = max((max(each[1:]) for each in shown), default=1) or 1
    parts = []
    for i, (name, a, b) in enumerate(shown):
        y = 10 + 58 * i
        short = name if cell_len(name) <= 18 else set_cell_size(name, 17).rstrip() + "…"
        parts.append(_text(212, y + 28, short, "end"))
        for offset, share, colour, opacity in ((0, a, _SOURCE, 0.5), (22, b, _SAMPLE, 1.0)):
            width = 330 * share / top
            parts.append(
                f'<rect x="222" y="{y + offset}" width="{width:.1f}" height="20" '
                f'fill="{colour}" opacity="{opacity}"/>'
            )
            parts.append(_text(228 + width, y + offset + 17, f"{share:.1%}"))
    left = len(shares) - len(shown)
    note = f"<p><small>and {left:,} values more</small></p>" if left else ""
    y = 58 * len(shown) + 30
    legend = [
        f'<rect x="60" y="{y - 12}" width="15" height="15" fill="{_SOURCE}" opacity=".5"/>',
        _text(82, y, "source (above)"),
        f'<rect x="260" y="{y - 12}" width="15" height="15" fill="{_SAMPLE}"/>',
        _text(282, y, "sample (below)"),
    ]
    return _svg(y + 10, parts + legend, f"Shares of {found.column}") + note


def _grams(listed: Sequence[tuple[str, float, float]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(text.replace(' ', '␠'))}</td><td class='n'>{a:,.1f}</td>"
        f"<td class='n'>{b:,.1f}</td><td class='n'>{f'{b / a:.2f} x' if a else 'new'}</td></tr>"
        for text, a, b in listed
    )
    return (
        "<table><tr><th>n-gram</th><th class='n'>source</th><th class='n'>sample</th>"
        f"<th class='n'>ratio</th></tr>{rows}</table><p><small>per million characters</small></p>"
    )
