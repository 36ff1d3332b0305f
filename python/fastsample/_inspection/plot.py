"""The lengths of the texts as a plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from fastsample._figure import COLOURS, figure
from fastsample._text_lengths import TextLengths, axis_label, bin_edges, is_logarithmic, shares_of
from fastsample.errors import ArgumentError

_BINS = 60


def plot_lengths(
    text: Mapping[str, TextLengths],
    row_lengths: TextLengths | None,
    path: Path,
    inputs: Iterable[Path] = (),
) -> None:
    """Draw how many rows have which length, a line for each text column."""
    if not text or row_lengths is None:
        raise ArgumentError("there are no lengths of texts to draw")
    median = min(lengths.quantiles[0.5] for lengths in text.values())
    edges = bin_edges(row_lengths, _BINS, median)
    with figure(path, 8, 4.5, inputs) as (axes, label):
        styles = ("-", "--", "-.", ":")
        for number, (name, lengths) in enumerate(text.items()):
            axes.stairs(
                shares_of(lengths.histogram, edges),
                edges,
                color=COLOURS[number % len(COLOURS)],
                linestyle=styles[number % len(styles)],
                linewidth=2,
                label=label(name),
            )
        if is_logarithmic(edges):
            axes.set_xscale("symlog", linthresh=1)
            # 0, 1, 10, 100 and so on: those of the scale leave some out.
            axes.set_xticks([0, *(10**digits for digits in range(len(str(int(edges[-1])))))])
        else:
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel(label(axis_label(row_lengths, edges, "texts")))
        axes.set_ylabel("share of rows")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_title("Rows by the length of their texts", loc="left")
        axes.legend(frameon=False)
