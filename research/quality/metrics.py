"""Figures of a sample without a model: diversity, repetition, duplicates, distance to the pool.

Each figure compares samples of about the same number of characters only: distinct n-grams grow
with the sample.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from research.quality.data import Corpus
from research.quality.ngram import runs
from research.quality.prototype import (
    distinct_share,
    inside_grams,
    later_copies,
    near_duplicates,
    signatures,
)

COMPRESSED_BYTES: Final = 4_000_000
DISTINCT_CHARACTERS: Final = 2_000_000


def describe(sample: Corpus, pool: Corpus, seed: int) -> dict[str, float]:
    """Return the figures of a sample.

    - ``rows``, ``characters``, ``mean_characters``: its size, END and SEP included.
    - ``distinct_3grams``: different 3-grams of its first 2,000,000 characters in random row order,
      in thousands.
    - ``self_repetition``: 1 - distinct / total 4-grams inside a row, mean over rows.
    - ``compression``: bytes / zlib level 6 bytes of its first 4,000,000 bytes in random row order.
    - ``exact_copies``, ``near_copies``: share of rows that repeat an earlier row; share that are
      superfluous by the estimated number c of near-duplicates, the mean of 1 - 1/c.
    - ``kl``: Kullback-Leibler divergence of its 3-grams from the pool's, in bits a 3-gram.
    """
    rows = np.random.default_rng([seed, 0x3E]).permutation(sample.rows)
    start = rows[
        : max(1, int(np.searchsorted(np.cumsum(sample.lengths[rows]), DISTINCT_CHARACTERS)))
    ]
    raw = sample.text(start).encode("utf-8", "replace")[:COMPRESSED_BYTES]
    distinct = runs(np.sort(inside_grams(sample.take(start), 3)[0]))[0]
    copies = near_duplicates(signatures(sample), bands=8)
    return {
        "rows": float(sample.rows),
        "characters": float(len(sample.codes)),
        "mean_characters": len(sample.codes) / max(1, sample.rows),
        "distinct_3grams": len(distinct) / 1_000,
        "self_repetition": float(1.0 - distinct_share(sample).mean()),
        "compression": len(raw) / max(1, len(zlib.compress(raw, 6))),
        "exact_copies": float(later_copies(sample).mean()),
        "near_copies": float((1.0 - 1.0 / copies).mean()),
        "kl": divergence(sample, pool, 3),
    }


def divergence(sample: Corpus, pool: Corpus, n: int) -> float:
    """Return KL(sample || pool) of their n-grams in bits; the sample's rows come from the pool."""
    grams, _, counts = runs(np.sort(inside_grams(sample, n)[0]))
    every, _, of_pool = runs(np.sort(inside_grams(pool, n)[0]))
    place = np.minimum(np.searchsorted(every, grams), len(every) - 1)
    # An n-gram that the pool lacks would make the divergence infinite: it counts as seen once.
    known = np.where(every[place] == grams, of_pool[place], 1)
    share = counts / counts.sum()
    return float((share * np.log2(share / (known / of_pool.sum()))).sum())
