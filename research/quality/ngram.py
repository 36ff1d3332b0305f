"""Judge (a): a character n-gram model with exact counts, interpolated Kneser-Ney smoothing.

Four characters of 16 bits make one 64-bit key, so counting is sorting: no hash table, no
collisions, which would reward diversity falsely. With c the count of an n-gram h·x (for orders
below the highest: the number of different characters before it)::

    P_k(x | h) = max(c(hx) - D_k, 0) / T(h) + D_k · N(h) / T(h) · P_{k-1}(x | h')
    T(h) = sum of c(hx) over x,  N(h) = number of x with c(hx) > 0,  D_k = n1 / (n1 + 2 n2)

An unseen context leaves all to P_{k-1}; P_0 is uniform over the alphabet of the whole data set,
the same for every sample. n1 and n2 are the n-grams of count one and two.

Kneser & Ney, "Improved backing-off for m-gram language modeling", 1995; Chen & Goodman 1999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from research.quality.data import PAD, Codes, Corpus, Floats, Hashes, Ints

ORDER: Final = 4
BITS: Final = 16


@dataclass(frozen=True)
class Level:
    """One order: sorted n-grams with their counts, sorted contexts with T(h) and N(h)."""

    grams: Hashes
    counts: Ints
    contexts: Hashes
    totals: Ints
    kinds: Ints
    discount: float


def keys(corpus: Corpus, order: int = ORDER) -> Hashes:
    """Return the n-gram that ends at each character, with ``order - 1`` PADs before each row."""
    rows = corpus.rows
    padded: Codes = np.full(len(corpus.codes) + rows * (order - 1), PAD, dtype=np.uint16)
    place = np.arange(len(corpus.codes)) + (corpus.row_of() + 1) * (order - 1)
    padded[place] = corpus.codes
    value = np.zeros(len(place), dtype=np.uint64)
    for back in range(order - 1, -1, -1):
        value = (value << np.uint64(BITS)) | padded[place - back].astype(np.uint64)
    return value


def runs(ordered: Hashes) -> tuple[Hashes, Ints, Ints]:
    """Return the distinct values of a sorted array, where each begins, and how often it occurs."""
    if not len(ordered):
        empty = np.zeros(0, dtype=np.int64)
        return ordered, empty, empty
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], starts, np.diff(np.append(starts, len(ordered)))


def _level(grams: Hashes, counts: Ints) -> Level:
    contexts, starts, kinds = runs(grams >> np.uint64(BITS))
    totals = np.add.reduceat(counts, starts) if len(starts) else kinds
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    # A discount of 0 or 1 would give unseen or once-seen characters no share at all.
    discount = min(max(once / max(1, once + 2 * twice), 0.05), 0.95)
    return Level(grams, counts, contexts, totals.astype(np.int64), kinds, discount)


def _find(ordered: Hashes, values: Hashes) -> tuple[Ints, npt.NDArray[np.bool_]]:
    if not len(ordered):
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.bool_)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return place, ordered[place] == values


class NgramModel:
    """An interpolated Kneser-Ney model of the rows of a corpus."""

    def __init__(self, corpus: Corpus, order: int = ORDER) -> None:
        self.order = order
        self.alphabet = corpus.alphabet
        grams, _, counts = runs(np.sort(keys(corpus, order)))
        levels = [_level(grams, counts)]
        for below in range(order - 1, 0, -1):
            # Lower orders count the different characters before an n-gram: drop the first one.
            mask = np.uint64((1 << (BITS * below)) - 1)
            grams, _, counts = runs(np.sort(grams & mask))
            levels.append(_level(grams, counts))
        self.levels = tuple(reversed(levels))

    def probability(self, grams: Hashes) -> Floats:
        """Return the probability of the last character of each n-gram after the others."""
        found: Floats = np.full(len(grams), 1.0 / self.alphabet)
        for k, level in enumerate(self.levels, start=1):
            mask = np.uint64((1 << (BITS * k)) - 1) if k * BITS < 64 else ~np.uint64(0)
            gram = grams & mask
            place, known = _find(level.contexts, gram >> np.uint64(BITS))
            at, seen = _find(level.grams, gram)
            if not len(level.grams):
                continue
            count = np.where(seen, level.counts[at], 0)
            total = level.totals[place]
            spare = level.discount * level.kinds[place] / total
            value = np.maximum(count - level.discount, 0.0) / total + spare * found
            found = np.where(known, value, found)
        return found

    def bits(self, held: Corpus) -> Floats:
        """Return the bits that the response of each row costs, its END included."""
        cost = -np.log2(self.probability(keys(held, self.order)))
        return np.add.reduceat(cost * held.in_response(), held.offsets[:-1])
