"""The terms of a smart weight in numpy: to try terms and strengths before they are fast.

For every row of a pool: the number of near-duplicates, how ordinary its n-grams are, its length,
how repetitive it is. Scores come first (one number a row, no strengths), the weight after::

    weight = copies^-duplicates · exp(-commonness · l) · length · repetition^strength

Floating point will do here: this decides what is worth building, it is not what is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from research.quality.data import (
    END,
    MULTIPLIER,
    Corpus,
    Hashes,
    Ints,
    gram_hashes,
    mix,
)
from research.quality.ngram import runs

Floats = npt.NDArray[np.float64]

SHINGLE: Final = 5
BINS: Final = 32
SATURATION: Final = 255
FLOOR_OF_REPETITION: Final = 0.05


@dataclass(frozen=True)
class Weighting:
    """The strength of each term; 0 switches it off.

    ``commonness`` is the exponent of the mean log count of ``gram``-grams. ``trim`` cuts the
    weight of rows in either tail of commonness. ``length`` 1 is the square root of the length.
    ``first_copy`` draws no second row of equal text while others are left.
    """

    duplicates: float = 1.0
    commonness: float = 0.0
    gram: int = 3
    trim: float = 0.0
    length: float = 0.0
    repetition: float = 0.0
    min_chars: int = 0
    max_chars: int = 1_000
    first_copy: bool = True
    bands: int = 8


def inside_grams(corpus: Corpus, n: int) -> tuple[Hashes, Ints]:
    """Return the hashes of the n-grams inside rows, END included, and their rows."""
    rows = corpus.row_of()
    inside = rows[: len(rows) - n + 1] == rows[n - 1 :]
    return gram_hashes(corpus.codes, n)[inside], rows[n - 1 :][inside]


def signatures(corpus: Corpus, bins: int = BINS) -> Hashes:
    """Return one-permutation MinHash signatures, one row of ``bins`` values a text.

    Each shingle falls into one bin by its hash; a bin keeps its smallest value. An empty bin takes
    the value of the next full one, mixed with the distance (densification by rotation, Shrivastava
    & Li 2014). A text shorter than a shingle is one shingle.
    """
    codes = np.concatenate([corpus.codes, np.full(SHINGLE - 1, END, dtype=np.uint16)])
    rows = corpus.row_of()
    hashes = gram_hashes(codes, SHINGLE)
    inside = np.concatenate([rows, np.full(SHINGLE - 1, -1)])[SHINGLE - 1 :] == rows
    # The first shingle of a row always counts: it is all that a short text has. What it reads of
    # the next row is cut off by hashing the text up to its END only.
    short = np.flatnonzero(corpus.lengths < SHINGLE)
    for row in short:
        start, end = int(corpus.offsets[row]), int(corpus.offsets[row + 1])
        hashes[start] = gram_hashes(corpus.codes[start:end], end - start)[0]
        inside[start] = True
    empty = np.iinfo(np.uint64).max
    flat: Hashes = np.full(corpus.rows * bins, empty, dtype=np.uint64)
    cell = rows * bins + (hashes % np.uint64(bins)).astype(np.int64)
    np.minimum.at(flat, cell[inside], (hashes // np.uint64(bins))[inside])
    table = flat.reshape(corpus.rows, bins)
    filled = table.copy()
    for distance in range(1, bins):
        gaps = filled == empty
        if not gaps.any():
            break
        donor = np.roll(table, -distance, axis=1)
        usable = gaps & (donor != empty)
        filled[usable] = mix(donor[usable] * MULTIPLIER + np.uint64(distance))
    return filled


def near_duplicates(signature: Hashes, bands: int) -> Floats:
    """Estimate how many rows are nearly the same as each row, itself included.

    The signature is cut into bands; each band counts into a table of saturating counters, at least
    twice as many as rows; the estimate is the mean over the bands, less the collisions expected.
    """
    rows, bins = signature.shape
    width = bins // bands
    slots = 1 << int(np.ceil(np.log2(max(2, 2 * rows))))
    total = np.zeros(rows)
    for band in range(bands):
        key = np.full(rows, band, dtype=np.uint64)
        for column in range(band * width, (band + 1) * width):
            key = mix(key * MULTIPLIER + signature[:, column])
        slot = (key % np.uint64(slots)).astype(np.int64)
        count = np.minimum(np.bincount(slot, minlength=slots), SATURATION)
        total += count[slot] - (rows - count[slot]) / slots
    return np.maximum(1.0, total / bands)


def commonness(corpus: Corpus, n: int) -> Floats:
    """Return the mean log count of the n-grams of each row, between the 5 % and 95 % quantiles."""
    hashes, rows = inside_grams(corpus, n)
    order = np.argsort(hashes)
    _, _, counts = runs(hashes[order])
    logs = np.empty(len(hashes))
    logs[order] = np.repeat(np.log(counts), counts)
    total = np.bincount(rows, weights=logs, minlength=corpus.rows)
    kinds = np.bincount(rows, minlength=corpus.rows)
    mean: Floats = total / np.maximum(1, kinds)
    known = kinds > 0
    mean[~known] = np.median(mean[known]) if known.any() else 0.0
    low, high = np.quantile(mean, [0.05, 0.95])
    return np.clip(mean, low, high)


def distinct_share(corpus: Corpus) -> Floats:
    """Return distinct / total 4-grams of each row; 1 for rows that have none."""
    hashes, rows = inside_grams(corpus, 4)
    pairs = (rows.astype(np.uint64) << np.uint64(32)) | (hashes >> np.uint64(32))
    distinct, _, _ = runs(np.sort(pairs))
    kinds = np.bincount((distinct >> np.uint64(32)).astype(np.int64), minlength=corpus.rows)
    total = np.bincount(rows, minlength=corpus.rows)
    return np.where(total > 0, np.maximum(kinds / np.maximum(1, total), FLOOR_OF_REPETITION), 1.0)


def later_copies(corpus: Corpus) -> npt.NDArray[np.bool_]:
    """Mark every row whose text an earlier row has."""
    place = np.arange(len(corpus.codes)) - np.repeat(corpus.offsets[:-1], corpus.lengths)
    spread = mix(place.astype(np.uint64) * MULTIPLIER + corpus.codes.astype(np.uint64))
    whole = np.add.reduceat(spread, corpus.offsets[:-1])
    _, first = np.unique(whole, return_index=True)
    later = np.ones(corpus.rows, dtype=np.bool_)
    later[first] = False
    return later


class Scores:
    """The scores of the rows of a pool, each computed once when first asked for."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.found: dict[str, Floats] = {}
        self.signature: Hashes | None = None

    def copies(self, bands: int) -> Floats:
        """Return the estimated number of near-duplicates."""
        if self.signature is None:
            self.signature = signatures(self.corpus)
        if f"copies{bands}" not in self.found:
            self.found[f"copies{bands}"] = near_duplicates(self.signature, bands)
        return self.found[f"copies{bands}"]

    def common(self, n: int) -> Floats:
        """Return the clipped mean log count of n-grams."""
        if f"common{n}" not in self.found:
            self.found[f"common{n}"] = commonness(self.corpus, n)
        return self.found[f"common{n}"]

    def repetition(self) -> Floats:
        """Return the share of distinct 4-grams."""
        if "repetition" not in self.found:
            self.found["repetition"] = distinct_share(self.corpus)
        return self.found["repetition"]

    def later(self) -> Floats:
        """Return 1 for rows whose text an earlier row has, else 0."""
        if "later" not in self.found:
            self.found["later"] = later_copies(self.corpus).astype(np.float64)
        return self.found["later"]

    def weight(self, how: Weighting) -> Floats:
        """Return the weight of each row; rows of weight 0 come last in a draw."""
        weight = np.ones(self.corpus.rows)
        lengths = (self.corpus.lengths - 1).astype(np.float64)
        if how.duplicates:
            weight *= self.copies(how.bands) ** -how.duplicates
        if how.commonness:
            weight *= np.exp(-how.commonness * self.common(how.gram))
        if how.trim:
            common = self.common(how.gram)
            low, high = np.quantile(common, [0.1, 0.9])
            weight *= np.where((common <= low) | (common >= high), 1.0 - how.trim, 1.0)
        if how.length:
            shape = np.sqrt(lengths) * np.minimum(1.0, how.max_chars / np.maximum(1.0, lengths))
            weight *= np.maximum(shape, 1e-9) ** how.length
        if how.repetition:
            weight *= self.repetition() ** how.repetition
        weight = weight * (lengths >= how.min_chars)
        return weight * (1.0 - self.later()) if how.first_copy else weight
