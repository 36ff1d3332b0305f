"""A comparison as one HTML page without scripts and other files, for any size of screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from html import escape
from pathlib import Path

from fastsample._comparison.facts import facts, percent
from fastsample._comparison.highlights import examples, marks, top
from fastsample._comparison.model import Compared
from fastsample._fastsample import __version__
from fastsample._figure import COLOURS
from fastsample._layout import printable
from fastsample._text_lengths import axis_label, bin_edges, is_logarithmic, shares_of

_MOST_VALUES = 20
_BINS = 48
_MOST_CHARS = 80

# Sizes are in rem: a phone has 16 px, a wide screen (a projector) up to 24. Text is never a part of
# a drawing, so that it keeps its size where the drawing shrinks.
_STYLE = f"""
:root {{ font-size: clamp(16px, 1.25vw, 24px); }}
.fs {{ --ink: #1a1a1a; --paper: #fff; --line: #ccc; --faint: #555; --good: #eef5fa;
  --bad: #fdf1e8; --source: {COLOURS[0]}; --sample: {COLOURS[5]}; color-scheme: light dark;
  color: var(--ink); background: var(--paper); max-width: 60rem; margin: 0 auto;
  padding: 1rem; line-height: 1.5; overflow-wrap: break-word; font-family: system-ui,
  "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }}
@media screen and (prefers-color-scheme: dark) {{
  .fs {{ --ink: #eee; --paper: #1a1a1a; --line: #555; --faint: #aaa; --good: #16303f;
    --bad: #432a14; --source: {COLOURS[4]}; --sample: {COLOURS[1]}; }}
}}
.fs h1 {{ font-size: 1.6rem; }} .fs h2 {{ font-size: 1.2rem; margin-top: 2rem; }}
.fs .verdict {{ border-left: .5rem solid var(--source); padding: .5rem 1rem;
  background: var(--good); }}
.fs .verdict.biased {{ border-color: var(--sample); background: var(--bad); }}
.fs .verdict strong {{ font-size: 1.4rem; }}
.fs table {{ border-collapse: collapse; width: 100%; font-size: 1rem; color: inherit; }}
.fs tr {{ background: none; }}
.fs th, .fs td {{ padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; }}
.fs .n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
.fs .facts tbody th {{ white-space: nowrap; }}
.fs .plot {{ max-width: 42rem; }}
.fs svg {{ width: 100%; height: 14rem; display: block; border-bottom: 1px solid var(--ink); }}
.fs .ticks {{ position: relative; height: 1.6rem; }}
.fs .ticks span {{ position: absolute; transform: translateX(-50%); }}
.fs .ticks span:first-child {{ transform: none; }}
.fs .ticks span:last-child {{ transform: translateX(-100%); }}
.fs .legend {{ display: flex; gap: 1.5rem; align-items: center; margin-top: .5rem; }}
.fs .legend i {{ display: inline-block; width: 1.5rem; height: .8rem; margin-right: .4rem; }}
.fs .area {{ fill: var(--source); opacity: .4; }}
.fs .line {{ fill: none; stroke: var(--sample); stroke-width: 3; stroke-dasharray: 7 3; }}
.fs .source {{ background: var(--source); opacity: .6; }}
.fs .sample {{ background: var(--sample); }}
.fs .dashed {{ border-top: 3px dashed var(--sample); height: 0 !important; }}
.fs .value {{ margin-bottom: .6rem; }}
.fs .bar {{ display: flex; align-items: center; gap: .5rem; line-height: 1.25; }}
.fs .bar i {{ height: .8rem; }}
.fs .top {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr));
  gap: .5rem 1.5rem; list-style: none; padding: 0; }}
.fs .wide {{ overflow-x: auto; }} .fs .wide td {{ min-width: 8rem; }}
.fs .note {{ color: var(--faint); }}
@media screen and (max-width: 40rem) {{
  .fs .facts thead {{ display: none; }}
  .fs .facts tr {{ display: grid; grid-template-columns: 1fr 1fr;
    border-bottom: 1px solid var(--line); padding: .4rem 0; }}
  .fs .facts tbody :is(th, td) {{ border: 0; padding: .1rem .3rem; white-space: normal;
    text-align: left; }}
  .fs .facts tbody th, .fs .facts td:last-child {{ grid-column: 1 / -1; }}
  .fs .facts td[data-of]:not(:empty)::before {{ content: attr(data-of); color: var(--faint);
    display: block; }}
}}
.fs code span {{ display: inline-block; max-width: 100%; }}
@media print {{
  :root {{ font-size: 10.5pt; }}
  .fs {{ max-width: none; padding: 0; color-scheme: light; print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }}
  .fs .wide {{ overflow: visible; }}
  .fs :is(h1, h2, h3, h4, thead) {{ break-after: avoid; }}
  .fs :is(.plot, .verdict, .value, .top li, tr) {{ break-inside: avoid; }}
}}
"""


def page(found: Compared) -> str:
    """Return the report as a page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>fastsample compare: {escape(found.verdict)}</title>\n"
        "<style>body { margin: 0; } @media screen and (prefers-color-scheme: dark) "
        "{ body { background: #1a1a1a; } }</style>\n</head>\n<body>\n"
        f"<main>\n{body(found)}\n</main>\n</body>\n</html>\n"
    )


def body(found: Compared) -> str:
    """Return the report as a part of a page, as notebooks show it."""
    parts = "\n".join(_parts(found))
    return f'<style>{_STYLE}</style>\n<div class="fs">\n{parts}\n</div>'


def _parts(found: Compared) -> Iterator[str]:
    yield "<h1>A sample beside its source</h1>"
    yield _made_from(found)
    sentences = found.biases or (
        {
            "identical": "Both have the same rows.",
            "representative": "Every distance is within the sampling error.",
        }[found.verdict],
    )
    lines = "<br>".join(escape(sentence) for sentence in sentences)
    kind, title = found.verdict, found.verdict
    if found.smart and found.biases:
        kind, title = "intended", "biased, as a smart sample is meant to be"
    yield f'<p class="verdict {kind}"><strong>{title}</strong><br>{lines}</p>'
    yield top(found)
    yield (
        '<table class="facts"><thead><tr><th>number</th><th class="n">reference</th>'
        '<th class="n">sample</th><th>what it means</th></tr></thead><tbody>'
    )
    tested = marks(found)
    for fact in facts(found):
        cells = "".join(
            f'<td class="n" data-of="{side}">{escape(value)}</td>'
            for side, value in (("reference", fact.reference), ("sample", fact.sample))
        )
        name, means = escape(fact.name), escape(fact.means)
        mark = tested.get(fact.name, "")
        yield f'<tr><th scope="row">{name}{mark}</th>{cells}<td>{means}</td></tr>'
    yield "</tbody></table>"
    yield (
        '<p class="note">Reference: the number of the source; where it says <i>random</i>, that of '
        "a random sample of the same size; where it says <i>up to</i>, what chance explains.</p>"
    )
    yield f"<h2>Lengths</h2>{_lengths(found)}"
    yield from examples(found)
    if found.values:
        yield f"<h2>Shares of {escape(str(found.column))}</h2>{_values(found)}"
    for title, listed in (("more", found.over), ("less", found.under)):
        if listed:
            yield f"<h2>N-grams the sample has {title} of</h2>"
            yield _grams(listed)
    columns = escape(", ".join(found.text))
    yield (
        f'<p class="note">Compared by {columns}. Limits hold for all distances together with 99 %. '
        f"{percent(found.load)} of the n-gram table is in use; rare n-grams share cells when it "
        "is full. N-grams are listed by how much they stand out; with a representative sample, "
        "that is chance. An n-gram model is a weak judge: whether a model trained on the sample is "
        "better shows only when one is trained.</p>"
    )


def _made_from(found: Compared) -> str:
    """Name the files, the version and the time, and the command that makes the report again."""
    both = list(zip(("Source", "Sample"), found._sides, strict=True))
    lines = [
        f"{side}: {escape(printable(_named(files)))}, {rows:,} rows"
        for (side, files), rows in zip(both, (found.source.rows, found.sample.rows), strict=True)
    ]
    if all(len(files) == 1 for _, files in both):
        options = ["--max-chars", str(found.max_chars)]
        options += [] if found.column is None else ["--by", found.column]
        options += [part for name in found.text for part in ("--text-column", name)]
        paths = [str(files[0]) for _, files in both]
        words = map(shlex.quote, ["fastsample", "compare", *paths, *options])
        # A line breaks between words, not after the hyphens of an option.
        command = " ".join(f"<span>{escape(printable(word))}</span>" for word in words)
        lines.append(f"Again: <code>{command}</code>")
    now = datetime.now(timezone.utc)
    lines.append(f"fastsample {__version__}, {now:%Y-%m-%d %H:%M} UTC")
    return f'<p class="note">{"<br>".join(lines)}</p>'


def _named(files: Sequence[Path]) -> str:
    if not files:
        return "a table in memory"
    first = str(files[0])
    return first if len(files) == 1 else f"{len(files):,} files, {first} to {files[-1]}"


def _lengths(found: Compared) -> str:
    """Draw the source as an area, the sample as a dashed line."""
    scale = found.source.lengths
    edges = bin_edges(scale, _BINS)
    source, sample = (
        shares_of(side.lengths.histogram, edges) for side in (found.source, found.sample)
    )
    top = max(*source, *sample, 1e-9)

    def outline(shares: Sequence[float]) -> str:
        heights = [98 - 96 * share / top for share in shares]
        return " ".join(f"{x},{y:.2f}" for i, y in enumerate(heights) for x in (i, i + 1))

    last = len(source)
    ticks = "".join(
        f'<span style="left:{100 * place / last:.2f}%">{length:,.0f}</span>'
        for place, length in _ticks(edges)
    )
    label = f"Lengths of rows, from 0 to {top:.1%} of the rows a bar"
    return (
        f'<div class="plot"><div>{top:.1%}</div>'
        f'<svg viewBox="0 0 {last} 100" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<polygon class="area" points="0,100 {outline(source)} {last},100"/>'
        f'<polyline class="line" vector-effect="non-scaling-stroke" points="{outline(sample)}"/>'
        "</svg>"
        f'<div class="ticks">{ticks}</div>'
        f"<div>{axis_label(scale, edges, 'rows')}</div>"
        '<div class="legend"><span><i class="source"></i>source</span>'
        '<span><i class="dashed"></i>sample</span></div></div>'
    )


def _ticks(edges: Sequence[float]) -> list[tuple[float, float]]:
    """Return places and lengths: quarters, or 0, 1, 10, 100 and so on where bins widen."""
    last = len(edges) - 1
    if not is_logarithmic(edges):
        return [(i, edges[i]) for i in sorted({round(part * last / 4) for part in range(5)})]
    import numpy as np

    powers = [0.0] + [10.0**digits for digits in range(len(f"{edges[-1]:.0f}"))]
    return [(float(np.interp(length, edges, range(last + 1))), length) for length in powers]


def _values(found: Compared) -> str:
    """Draw two bars a value, the most frequent values first."""
    shares = [
        (name, a / max(found.source.rows, 1), b / max(found.sample.rows, 1))
        for name, (a, b) in found.values.items()
    ]
    shares.sort(key=lambda each: max(each[1:]), reverse=True)
    shown = shares[:_MOST_VALUES]
    top = max((max(each[1:]) for each in shown), default=1) or 1

    def bar(side: str, share: float) -> str:
        style = f"width:{75 * share / top:.2f}%"
        return f'<div class="bar"><i class="{side}" style="{style}"></i>{percent(share)}</div>'

    bars = "".join(
        f'<div class="value">{escape(_short(name))}{bar("source", a)}{bar("sample", b)}</div>'
        for name, a, b in shown
    )
    left = len(shares) - len(shown)
    note = f'<p class="note">and {left:,} values more</p>' if left else ""
    return (
        f'<div class="plot">{bars}<div class="legend">'
        '<span><i class="source"></i>source (above)</span>'
        f'<span><i class="sample"></i>sample (below)</span></div></div>{note}'
    )


def _short(name: str) -> str:
    shown = name if len(name) <= _MOST_CHARS else name[: _MOST_CHARS - 1] + "…"
    return shown or "(empty)"


def _grams(listed: Sequence[tuple[str, float, float]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(text.replace(' ', '␣'))}</td><td class='n'>{a:,.1f}</td>"
        f"<td class='n'>{b:,.1f}</td><td class='n'>{f'{b / a:.2f} x' if a else 'new'}</td></tr>"
        for text, a, b in listed
    )
    return (
        "<table><thead><tr><th>n-gram</th><th class='n'>source</th><th class='n'>sample</th>"
        f"<th class='n'>ratio</th></tr></thead><tbody>{rows}</tbody></table>"
        "<p class='note'>per million characters</p>"
    )
