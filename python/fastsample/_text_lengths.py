"""Lengths of texts: quantiles, and the histogram that plots and tables share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._public import public

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Shares of texts that are not longer than the reported quantiles.
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@public
@dataclass(frozen=True)
class TextLengths:
    """Lengths of a text column in characters (Unicode code points) or tokens. A null has length 0.

    `quantiles` maps a share of the rows to the length that they do not exceed; characters are exact
    below 4,096, and to within 1/64 above. `histogram` pairs each length that occurs (above 4,096
    characters: the largest of a class 1/64 wide) with the number of its texts. Tokens are exact.
    """

    nulls: int
    mean: float
    max: int
    quantiles: dict[float, int]
    histogram: tuple[tuple[int, int], ...] = field(default=(), repr=False)


def text_lengths(found: _fastsample.LengthsFound) -> TextLengths:
    """Convert lengths as the core returns them."""
    quantiles = dict(zip(QUANTILES, found["quantiles"], strict=True))
    histogram = tuple(found["histogram"])
    return TextLengths(found["nulls"], found["mean"], found["max"], quantiles, histogram)


def counted_lengths(columns: Iterable[npt.NDArray[np.uint32]], nulls: int = 0) -> TextLengths:
    """Return what is reported of the lengths of all rows: those of some columns together."""
    import numpy as np

    lengths = reduce(np.add, columns)
    if not len(lengths):
        return TextLengths(nulls, 0.0, 0, dict.fromkeys(QUANTILES, 0))
    found, rows = np.unique(lengths, return_counts=True)
    reached = np.cumsum(rows) / len(lengths)
    quantiles = {share: int(found[np.searchsorted(reached, share)]) for share in QUANTILES}
    histogram = tuple(zip(found.tolist(), rows.tolist(), strict=True))
    return TextLengths(nulls, float(lengths.mean()), int(found[-1]), quantiles, histogram)


#: The scale is logarithmic when the 99 % quantile is more than this many medians.
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


def is_logarithmic(edges: Sequence[float]) -> bool:
    """Return whether the bins of :func:`bin_edges` widen with the length."""
    return edges[-1] - edges[-2] > 2 * (edges[1] - edges[0])


def axis_label(lengths: TextLengths, edges: Sequence[float], what: str) -> str:
    """Say what the horizontal axis is, and what is beyond its end."""
    scale = "characters, on a logarithmic scale" if is_logarithmic(edges) else "characters"
    if lengths.max < edges[-1]:
        return scale
    return f"{scale}; the last bin holds all longer {what}, up to {lengths.max:,}"
