"""The samples that are compared.

The name of each says all::

    random                                  every term off, by the same seed
    no exact copies                         random, of equal rows the first
    smart                                   fastsample.sample(..., smart=True)
    entropy                                 fastsample.sample(..., smart="entropy")
    smart:duplicates=1,commonness=0         fastsample.Smart(duplicates=1, commonness=0)
    response^0.25*smart:commonness=0        that, times a power of the length of the response

All come from fastsample with one seed, so a row has one random number in all of them and the noise
of the draw cancels where samples are compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import fastsample
import numpy as np
import pyarrow as pa

from research.quality.data import TEXT_COLUMNS, Corpus, Ints

OFF: Final = fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0)
COPIES_ONLY: Final = "smart:commonness=0,length=0,repetition=0"


class Pool:
    """Rows that samples are drawn from, whole and as a corpus."""

    def __init__(self, table: pa.Table, corpus: Corpus) -> None:
        self.texts = table.select(list(TEXT_COLUMNS))
        self.corpus = corpus

    def by_rows(self, name: str, n: int, seed: int) -> Ints:
        """Return the numbers of ``n`` rows."""
        return _draw(self.texts, n, name, seed)

    def by_characters(self, name: str, characters: int, seed: int) -> Ints:
        """Return the numbers of as many rows as hold so many characters once cut, to 1 in 1,000."""
        n = round(self.corpus.rows * characters / len(self.corpus.codes))
        for _ in range(8):
            rows = self.by_rows(name, n, seed)
            found = int(self.corpus.lengths[rows].sum())
            if abs(found - characters) * 1_000 <= characters or n == self.corpus.rows:
                return rows
            n = min(max(1, round(n * characters / found)), self.corpus.rows)
        raise SystemExit(f"{name}: no number of rows has {characters:,} characters, to 1 in 1,000")

    def epochs(self, name: str, n: int, epochs: int, seed: int) -> list[Ints]:
        """Return ``n`` fresh rows for each epoch."""
        drawn = fastsample.epochs(self.texts, n, smart=rule(name), seed=seed, progress=False)
        return [np.asarray(drawn[epoch].row_ids, dtype=np.int64) for epoch in range(epochs)]


def rule(name: str) -> Any:
    """Return what ``smart`` is for a name."""
    if name == "random":
        return OFF
    if name == "no exact copies":
        # Equal rows are never drawn twice. Else so small a strength lets near-copies weigh what
        # other rows do.
        return replace(OFF, duplicates=0.001)
    if name == "smart":
        return True
    if name == "entropy":
        return "entropy"
    kind, colon, options = name.partition(":")
    if kind != "smart" or not colon:
        raise SystemExit(f"unknown sample {name!r}; see draws.py")
    pairs = (part.partition("=") for part in options.split(","))
    strengths: dict[str, Any] = {key: float(value) for key, _, value in pairs}
    return fastsample.Smart(**strengths)


def _draw(texts: pa.Table, n: int, name: str, seed: int) -> Ints:
    power, star, inner = name.partition("*")
    if star:
        exponent = float(power.removeprefix("response^"))
        scores = fastsample.score(texts, rule(inner), progress=False).to_arrow()["weight"]
        lengths = np.asarray([len(text or "") for text in texts["response"].to_pylist()])
        weight = scores.to_numpy() * np.maximum(lengths, 1) ** exponent
        texts = texts.append_column("weight", pa.array(weight))
        drawn = fastsample.sample(texts, n, weight="weight", seed=seed, progress=False)
    else:
        drawn = fastsample.sample(texts, n, smart=rule(name), seed=seed, progress=False)
    return np.asarray(drawn.row_ids, dtype=np.int64)
