"""Plots as PNG or SVG files, by matplotlib (the extra ``plot``)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample.errors import ArgumentError, MissingDependencyError, OutputError

if TYPE_CHECKING:
    from fastsample._inspect import Inspection, TextLengths
    from fastsample._plan_report import Plan

#: Okabe and Ito (2008): told apart by colour-blind readers, and in print.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")

_BINS = 60

#: Fonts with Chinese, Japanese and Korean glyphs, on Linux, macOS and Windows.
_CJK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB",
    "Microsoft YaHei", "SimHei", "Droid Sans Fallback",
)  # fmt: skip


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator[tuple[Any, Any]]:
    """Yield axes and a function that makes labels drawable; write the figure at the end."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise ArgumentError(f"{path}: plots are written as .png or .svg")
    try:
        import matplotlib
    except ImportError:
        raise MissingDependencyError(
            "plots need matplotlib; install it with: pip install matplotlib"
        ) from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    font = _cjk_font()
    families = ["DejaVu Sans"] if font is None else ["DejaVu Sans", font]
    with matplotlib.rc_context({"font.family": families, "svg.hashsalt": "fastsample"}):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes, (lambda text: text) if font else _escaped
        scratch = path.with_name(f".{path.name}.part")
        try:
            with warnings.catch_warnings():
                # A character that no font has (an emoji) is drawn as a space-holder.
                warnings.filterwarnings("ignore", message="Glyph .* missing")
                figure.savefig(scratch, format=path.suffix[1:].lower())
            scratch.replace(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot write: {error.strerror}") from error
        finally:
            scratch.unlink(missing_ok=True)


def _cjk_font() -> str | None:
    from matplotlib import font_manager

    known = set(font_manager.get_font_names())
    return next((name for name in _CJK_FONTS if name in known), None)


def _escaped(text: str) -> str:
    r"""Write characters for which there is no font as \u4f60, which is better than boxes."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")


def plot_plan(plan: Plan, path: Path) -> None:
    """Draw the hours of every alternative, and its speed-up."""
    shown = plan.alternatives[::-1]
    with _figure(path, 8, 1.2 + 0.5 * len(shown)) as (axes, label):
        chosen = [scenario is plan.wanted for scenario in shown]
        bars = axes.barh(
            [label(scenario.name) for scenario in shown],
            [scenario.hours for scenario in shown],
            color=[COLOURS[1] if mark else COLOURS[0] for mark in chosen],
            hatch=["//" if mark else "" for mark in chosen],
        )
        texts = [f" {each.hours:,.1f} h ({plan.speed_up(each):.1f} x)" for each in shown]
        axes.bar_label(bars, texts)
        axes.margins(x=0.25)
        axes.set_xlabel("hours of training")


def plot_lengths(found: Inspection, path: Path) -> None:
    """Draw how many rows have which length, a line for each text column."""
    if not found.text or found.row_lengths is None:
        raise ArgumentError("there are no lengths of texts to draw")
    median = min(lengths.quantiles[0.5] for lengths in found.text.values())
    edges = bin_edges(found.row_lengths, _BINS, median)
    with _figure(path, 8, 4.5) as (axes, label):
        styles = ("-", "--", "-.", ":")
        for number, (name, lengths) in enumerate(found.text.items()):
            axes.stairs(
                shares_of(lengths.histogram, edges),
                edges,
                color=COLOURS[number % len(COLOURS)],
                linestyle=styles[number % len(styles)],
                linewidth=2,
                label=label(name),
            )
        if _is_logarithmic(edges):
            axes.set_xscale("symlog", linthresh=1)
        else:
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel(label(axis_label(found.row_lengths, edges, "texts")))
        axes.set_ylabel("share of rows")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.legend(frameon=False)


#: Lengths are drawn on a logarithmic scale when the 99 % quantile is more than so many medians.
_LONG_TAIL = 20


def bin_edges(lengths: TextLengths, bins: int, median: int | None = None) -> list[float]:
    """Return the edges of bins up to the 99 % quantile; longer texts belong into the last.

    Bins are equally wide. Where that quantile is far beyond the median (of `lengths`, or the one
    given), they widen in proportion to the length; the first holds the empty texts alone.
    """
    import numpy as np

    end = max(1, lengths.quantiles[0.99]) + 1
    if end > _LONG_TAIL * max(1, lengths.quantiles[0.5] if median is None else median):
        # Lengths are whole numbers, so that narrower bins would stay empty.
        found = np.unique(np.round(np.geomspace(1, end, bins)))
        return [0.0, *found.tolist()]
    edges: list[float] = np.linspace(0, end, min(bins, end) + 1).tolist()
    return edges


def shares_of(histogram: Sequence[tuple[int, int]], edges: Sequence[float]) -> list[float]:
    """Return the share of texts in each bin; longer ones are in the last."""
    import numpy as np

    found = np.array(histogram, dtype=float).reshape(-1, 2)
    places = np.searchsorted(edges, found[:, 0], side="right") - 1
    counts = np.bincount(
        np.clip(places, 0, len(edges) - 2), weights=found[:, 1], minlength=len(edges) - 1
    )
    shares: list[float] = (counts / max(counts.sum(), 1)).tolist()
    return shares


def _is_logarithmic(edges: Sequence[float]) -> bool:
    return edges[-1] - edges[-2] > 2 * (edges[1] - edges[0])


def axis_label(lengths: TextLengths, edges: Sequence[float], what: str) -> str:
    """Say what the horizontal axis is, and what is beyond its end."""
    scale = "characters, on a logarithmic scale" if _is_logarithmic(edges) else "characters"
    if lengths.max < edges[-1]:
        return scale
    return f"{scale}; the last bin holds all longer {what}, up to {lengths.max:,}"
