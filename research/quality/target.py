"""Samples with a target: their share of the target's source, and bits on held-out rows of it.

Rows of some sources are the target. They are split three ways: some describe the target to the
sampler, some are held out to judge by, the rest stay in the pool among all other rows. Samples of
equal characters are drawn from the pool at random and with the target, and judged on the held-out
rows of the target: bits per character, and KL divergence of character 3-grams::

    python -m research.quality.target --data text.parquet --sources csl            # minutes
    python -m research.quality.target --data text.parquet --sources csl --judges ngram
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from research.quality.data import TEXT_COLUMNS, Corpus, Ints, encode, read_table
from research.quality.metrics import divergence
from research.quality.ngram import NgramModel

DESCRIBE: Final = 500
HELD: Final = 500


def draw(table: pa.Table, pool: Corpus, target: pa.Table, characters: int, seed: int) -> Ints:
    """Return the rows of the largest target draw with at most ``characters`` characters."""
    import fastsample

    def rows(n: int) -> Ints:
        smart = fastsample.Smart(target=target)
        drawn = fastsample.sample(table, n, smart=smart, seed=seed, progress=False)
        return np.asarray(drawn.row_ids, dtype=np.int64)

    low, high = 0, table.num_rows
    while low < high:
        middle = (low + high + 1) // 2
        fits = int(pool.lengths[rows(middle)].sum()) <= characters
        low, high = (middle, high) if fits else (low, middle - 1)
    return rows(low)


def measure(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Return the figures of one seed."""
    table = read_table(options.data)
    names = np.asarray(table["source"].to_pylist(), dtype=str)
    wanted = np.zeros(len(names), dtype=np.bool_)
    for prefix in options.sources:
        wanted |= np.char.startswith(names, prefix)
    order = np.random.default_rng([seed, 0x1C]).permutation(np.flatnonzero(wanted))
    if len(order) < DESCRIBE + HELD + 1:
        raise SystemExit(f"{options.sources}: {len(order)} rows, too few")
    describe, held_rows = order[:DESCRIBE], order[DESCRIBE : DESCRIBE + HELD]
    kept = np.ones(len(names), dtype=np.bool_)
    kept[order[: DESCRIBE + HELD]] = False
    corpus = encode(table, options.max_chars)
    pool, held = corpus.take(np.flatnonzero(kept)), corpus.take(held_rows)
    texts = table.select(list(TEXT_COLUMNS))
    rows = texts.filter(pa.array(kept))
    wanted_in_pool = wanted[kept]
    at_random = np.random.default_rng([seed, 0x1D]).permutation(pool.rows)
    total = np.cumsum(pool.lengths[at_random])
    samples = {
        "random": at_random[: int(np.searchsorted(total, options.characters, side="right"))],
        "target": draw(rows, pool, texts.take(describe), options.characters, seed),
    }
    found: dict[str, Any] = {"seed": seed, "sources": options.sources}
    for name, ids in samples.items():
        sample = pool.take(ids)
        figures = {
            "rows": sample.rows,
            "share_of_target": float(wanted_in_pool[ids].mean()),
            "kl": divergence(held, sample, 3),
            "ngram": float(NgramModel(sample).bits(held).sum() / held.lengths.sum()),
        }
        if options.judges != "ngram":
            from research.quality import transformer  # noqa: PLC0415, RUF100

            settings = transformer.Settings(characters=options.characters, layers=options.layers)
            bits = transformer.judge(sample, held, settings, seed).bits
            figures["transformer"] = float(bits.sum() / held.lengths.sum())
        found[name] = figures
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line of JSON a seed."""
    parser = argparse.ArgumentParser(prog="python -m research.quality.target", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="Parquet with prompt, response, source")
    add("--sources", nargs="+", required=True, help="prefixes of the sources that are wanted")
    add("--judges", choices=("ngram", "both"), default="both")
    add("--characters", type=int, default=1_600_000)
    add("--layers", type=int, default=2)
    add("--max-chars", type=int, default=1_000)
    add("--seeds", type=int, default=1)
    options = parser.parse_args(arguments)
    for seed in range(options.seeds):
        print(json.dumps(measure(options, seed)), flush=True)


if __name__ == "__main__":
    main()
