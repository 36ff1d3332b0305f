"""How much fewer bits a sample needs than a random one, with an interval over seeds and rows.

Bits are an array of seeds x held-out rows for the sample and for the random sample of the same
seeds. Three means:

- ``characters``: all bits over all characters, the loss that training prints;
- ``rows``: the mean over rows of each row's bits a character, nearer to BLEU;
- ``collections``: the mean over collections of each one's bits a character.

The interval is a bootstrap over both at once: seeds and rows are drawn with replacement, alike for
the sample and the random one, and the 2.5 % and 97.5 % quantiles of the difference are kept. A
difference that spans zero isn't seen. Owen & Eckles 2012, "Bootstrapping data arrays of arbitrary
order", show that this overstates the spread a little, which is the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from research.quality.data import Floats, Ints

MEANS: Final = ("characters", "rows", "collections")
DRAWS: Final = 1_000


@dataclass(frozen=True)
class Gain:
    """Difference in percent, fewer bits is negative, and its 95 % interval."""

    percent: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        """Return the difference with half the width of its interval."""
        if self.seeds < 2:
            return f"{self.percent:+.2f}"
        return f"{self.percent:+.2f} ± {(self.high - self.low) / 2:.2f}"

    @property
    def seen(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def totals(bits: Floats, lengths: Ints, collection: Ints, mean: str, weights: Floats) -> Floats:
    """Return the mean of each seed (columns) under each weighing of the rows (rows)."""
    if mean == "rows":
        return np.asarray(weights @ (bits / lengths).T / weights.sum(axis=1, keepdims=True))
    if mean == "characters":
        return np.asarray(weights @ bits.T / (weights @ lengths)[:, None])
    parts = []
    for name in np.unique(collection):
        own = collection == name
        characters = weights[:, own] @ lengths[own]
        with np.errstate(invalid="ignore"):
            parts.append(weights[:, own] @ bits[:, own].T / characters[:, None])
    return np.asarray(np.nanmean(np.stack(parts), axis=0))


def gain(
    bits: Floats, random: Floats, lengths: Ints, collection: Ints, mean: str, seed: int = 0
) -> Gain:
    """Compare a sample with the random one; ``bits`` and ``random`` are seeds x rows."""
    seeds, rows = bits.shape
    generator = np.random.default_rng([seed, 0x1B])
    own = generator.multinomial(rows, np.full(rows, 1 / rows), size=DRAWS).astype(np.float64)
    runs = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS).astype(np.float64)

    def difference(weights: Floats, over: Floats) -> Floats:
        means = [
            (totals(each, lengths, collection, mean, weights) * over).sum(axis=1)
            for each in (bits, random)
        ]
        return np.asarray(100 * (means[0] / means[1] - 1))

    found = difference(np.ones((1, rows)), np.ones((1, seeds)))[0]
    low, high = np.quantile(difference(own, runs), [0.025, 0.975])
    return Gain(float(found), float(low), float(high), seeds)
