"""The samplers: random, the entropy rule, the numpy prototype, fastsample itself.

A sampler puts the rows of a pool into an order; a sample is a beginning of it, as many rows as hold
a number of characters (equal characters) or as many as asked for (equal rows). A name says all::

    random
    entropy
    proto:duplicates=1,commonness=0.25,gram=3     the prototype, see ``prototype.Weighting``
    fastsample                                    fastsample.sample(..., smart=True)
    fastsample:commonness=0.5,length=0            fastsample.Smart(commonness=0.5, length=0)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from research.quality.data import END, SEP, TEXT_COLUMNS, Corpus, Ints
from research.quality.prototype import Floats, Scores, Weighting

ENTROPY_MIN_CHARS: Final = 10
ENTROPY_MAX_CHARS: Final = 1_000


class Drawer:
    """Draws samples from one pool. ``table`` holds the pool's rows as they were read, uncut."""

    def __init__(self, pool: Corpus, table: pa.Table) -> None:
        self.pool = pool
        self.table = table.select(list(TEXT_COLUMNS))
        self.scores = Scores(pool)
        lengths = [pc.fill_null(pc.utf8_length(self.table[name]), 0) for name in TEXT_COLUMNS]
        self.characters: Ints = pc.add(*lengths).to_numpy().astype(np.int64)

    def by_characters(self, name: str, seed: int, characters: int) -> Ints:
        """Return the longest beginning of the order with at most ``characters`` characters."""
        if name.partition(":")[0] == "fastsample":
            return self._bisect(name, seed, characters)
        order = self.order(name, seed)
        total = np.cumsum(self.pool.lengths[order])
        return order[: int(np.searchsorted(total, characters, side="right"))]

    def by_rows(self, name: str, seed: int, rows: int) -> Ints:
        """Return the first ``rows`` rows of the order."""
        if name.partition(":")[0] == "fastsample":
            return self._fastsample(name, seed, rows)
        return self.order(name, seed)[:rows]

    def order(self, name: str, seed: int) -> Ints:
        """Return all rows in the order in which a growing sample takes them."""
        kind, _, options = name.partition(":")
        if kind == "random":
            return priority_order(np.ones(self.pool.rows), seed)
        if kind == "entropy":
            return np.lexsort(
                [np.arange(self.pool.rows), -entropy_score(self.pool, self.characters)]
            )
        if kind == "proto":
            return priority_order(self.scores.weight(weighting(options)), seed)
        raise SystemExit(f"unknown sampler {name!r}: random, entropy, proto:..., fastsample[:...]")

    def _fastsample(self, name: str, seed: int, rows: int) -> Ints:
        try:
            module = importlib.import_module("fastsample")
        except ImportError as error:
            raise SystemExit(f"sampler {name!r} needs fastsample installed: {error}") from error
        smart: Any = True
        options = name.partition(":")[2]
        if options == "entropy":
            smart = "entropy"
        elif options:
            if not hasattr(module, "Smart"):
                raise SystemExit(f"sampler {name!r} needs fastsample.Smart, not in this version")
            smart = module.Smart(**parse(options))
        try:
            drawn = module.sample(self.table, rows, smart=smart, seed=seed, progress=False)
        except TypeError as error:
            raise SystemExit(f"sampler {name!r}: this fastsample cannot do it: {error}") from error
        return np.asarray(drawn.row_ids, dtype=np.int64)

    def _bisect(self, name: str, seed: int, characters: int) -> Ints:
        # Samples of one seed are nested, so characters grow with rows.
        low, high = 0, self.pool.rows
        best = np.zeros(0, dtype=np.int64)
        while low < high:
            middle = (low + high + 1) // 2
            chosen = self._fastsample(name, seed, middle)
            if int(self.pool.lengths[chosen].sum()) <= characters:
                low, best = middle, chosen
            else:
                high = middle - 1
        return best


def parse(options: str) -> dict[str, float | int]:
    """Turn ``a=1,b=0.5`` into a dict."""
    found: dict[str, float | int] = {}
    for part in filter(None, options.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise SystemExit(f"expected name=value, got {part!r}")
        found[key] = float(value) if "." in value else int(value)
    return found


def weighting(options: str) -> Weighting:
    """Return the prototype's weighting for ``a=1,b=0.5``; terms not named are off."""
    kinds: dict[str, Callable[[Any], Any]] = {
        field.name: {"int": int, "bool": bool}.get(str(field.type), float)
        for field in fields(Weighting)
    }
    given = parse(options)
    unknown = set(given) - set(kinds)
    if unknown:
        raise SystemExit(f"unknown term {sorted(unknown)}; known: {sorted(kinds)}")
    start: dict[str, Any] = {"duplicates": 0.0}
    return Weighting(**(start | {key: kinds[key](value) for key, value in given.items()}))


def priority_order(weight: Floats, seed: int) -> Ints:
    """Order rows by u / w, smallest first (priority sampling), rows of weight 0 last."""
    uniform = np.random.default_rng([seed, 0x5A]).random(len(weight))
    with np.errstate(divide="ignore"):
        key = np.where(weight > 0, uniform / weight, np.inf)
    return np.lexsort([uniform, key])


def entropy_score(pool: Corpus, characters: Ints) -> Floats:
    """Shannon entropy in bits of the characters of the prompt; -1 for rows outside 10 to 1,000.

    ``characters`` are those of the rows before they were cut.
    """
    rows = pool.row_of()
    marks = np.flatnonzero(pool.codes == SEP)
    first_mark = np.full(pool.rows, np.iinfo(np.int64).max)
    np.minimum.at(first_mark, rows[marks], marks)
    prompt = (np.arange(len(pool.codes)) < first_mark[rows]) & (pool.codes != END)
    cells, counts = np.unique(
        (rows[prompt] << 16) | pool.codes[prompt].astype(np.int64), return_counts=True
    )
    owner = cells >> 16
    total = np.bincount(owner, weights=counts, minlength=pool.rows)
    share = counts / total[owner]
    score = np.bincount(owner, weights=-share * np.log2(share), minlength=pool.rows)
    fits = (characters >= ENTROPY_MIN_CHARS) & (characters <= ENTROPY_MAX_CHARS)
    return np.where(fits, score, -1.0)
