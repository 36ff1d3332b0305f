"""Samples with a target, by both methods: bits of the response on held-out rows of the target.

Rows of one kind are the target. All rows are split by groups of near-duplicates into a pool to draw
from, rows that describe the target, and held-out rows, so that nothing that is judged by resembles
what is drawn. Each sample has as many rows as the random one. The judge is the n-gram model, on the
response after the prompt::

    python -m research.quality.target --data text.parquet --targets csl/kg gaokao/data --seeds 3

It prints a line of JSON for each target, share and seed, and a table at last.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import fastsample
import numpy as np
import pyarrow as pa

from research.quality.data import SEP, TEXT_COLUMNS, Corpus, Ints, Mask, encode, read_table
from research.quality.ngram import NgramModel, keys

SIDES: Final = {"pool": 0.8, "describe": 0.1, "held": 0.1}
DESCRIBE: Final = 300
HELD: Final = 500
OVERLAP_GRAM: Final = 10


def samplers(target: pa.Table) -> dict[str, fastsample.Smart | bool]:
    """Return what `smart` is for each way to draw."""
    off = fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0)
    return {
        "random": off,
        "smart": True,
        "ratio": fastsample.Smart(target=target, target_method="ratio"),
        "classifier": fastsample.Smart(target=target, target_method="classifier"),
    }


def response_bits(model: NgramModel, held: Corpus) -> float:
    """Return the mean bits of a character of the responses, given all that stands before it."""
    cost = -np.log2(model.probability(keys(held, model.order)))
    separators = np.cumsum(held.codes == SEP)
    before_row = np.repeat((separators - (held.codes == SEP))[held.offsets[:-1]], held.lengths)
    in_response = (separators > before_row) & (held.codes != SEP)
    return float(cost[in_response].mean())


def overlap(held: Corpus, pool: Corpus) -> float:
    """Return the share of characters of held-out rows that share half of their 10-grams."""
    grams = [_long_grams(corpus) for corpus in (held, pool)]
    known = np.isin(grams[0][0], grams[1][0])
    shared = np.bincount(grams[0][1], known, held.rows)
    all_grams = np.maximum(np.bincount(grams[0][1], minlength=held.rows), 1)
    alike = shared / all_grams >= 0.5
    return float(held.lengths[alike].sum() / held.lengths.sum())


def _long_grams(corpus: Corpus) -> tuple[np.ndarray[Any, Any], Ints]:
    """Hash each 10-gram that lies within a row; return the hashes and their rows."""
    hashes = np.zeros(max(len(corpus.codes) - OVERLAP_GRAM + 1, 0), dtype=np.uint64)
    for place in range(OVERLAP_GRAM):
        codes = corpus.codes[place : place + len(hashes)].astype(np.uint64)
        hashes = (hashes ^ codes) * np.uint64(0x9E3779B97F4A7C15)
    rows = corpus.row_of()
    inside = rows[: len(hashes)] == rows[OVERLAP_GRAM - 1 :]
    return hashes[inside], rows[: len(hashes)][inside]


def measure(options: argparse.Namespace, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of one seed."""
    table = read_table(options.data)
    names = np.asarray(table["source"].to_pylist(), dtype=str)
    texts = table.select(list(TEXT_COLUMNS))
    split = fastsample.split(texts, SIDES, near_duplicates=True, seed=seed, progress=False)
    side: dict[str, Ints] = {
        name: np.asarray(split[name].row_ids, dtype=np.int64) for name in SIDES
    }
    corpus = encode(table, options.max_chars)
    pool, pool_texts = corpus.take(side["pool"]), texts.take(pa.array(side["pool"]))
    for name in options.targets:
        wanted: Mask = np.char.startswith(names, name)
        rng = np.random.default_rng([seed, 0x1C])
        describe, judged = (
            rng.permutation(side[rows][wanted[side[rows]]])[:most]
            for rows, most in (("describe", DESCRIBE), ("held", HELD))
        )
        held = corpus.take(judged)
        ways = samplers(texts.take(pa.array(describe)))
        facts = {"target": name, "seed": seed, "describe": len(describe), "held": held.rows}
        facts["overlap"] = round(overlap(held, pool), 4)
        facts["share of pool"] = round(float(wanted[side["pool"]].mean()), 4)
        for share in options.shares:
            n = round(share * pool.rows)
            found = facts | {"share": share}
            for way, smart in ways.items():
                drawn = fastsample.sample(pool_texts, n, smart=smart, seed=seed, progress=False)
                sample = pool.take(np.asarray(drawn.row_ids, dtype=np.int64))
                found[way] = round(response_bits(NgramModel(sample), held), 4)
            yield found


def table_of(found: Sequence[dict[str, Any]]) -> str:
    """Return bits against random in percent: mean over seeds, and their standard deviation."""
    ways = ("smart", "ratio", "classifier")
    lines = ["| target | share | overlap | random, bits | " + " | ".join(ways) + " |"]
    lines.append("|---|---:|---:|---:|" + "---:|" * len(ways))
    for name, share in dict.fromkeys((line["target"], line["share"]) for line in found):
        rows = [line for line in found if (line["target"], line["share"]) == (name, share)]
        cells = [name, f"{share:.0%}"]
        cells.append(f"{np.mean([line['overlap'] for line in rows]):.1%}")
        cells.append(f"{np.mean([line['random'] for line in rows]):.3f}")
        for way in ways:
            gains = [100 * (line[way] / line["random"] - 1) for line in rows]
            spread = f" ± {np.std(gains, ddof=1):.1f}" if len(gains) > 1 else ""
            cells.append(f"{np.mean(gains):+.1f} %{spread}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line of JSON a figure, and a table."""
    parser = argparse.ArgumentParser(prog="python -m research.quality.target", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="Parquet with prompt, response, source")
    add("--targets", nargs="+", required=True, help="prefixes of the sources that are wanted")
    add("--shares", nargs="+", type=float, default=[0.05, 0.15])
    add("--max-chars", type=int, default=2_000)
    add("--seeds", type=int, default=1)
    options = parser.parse_args(arguments)
    found = []
    for seed in range(options.seeds):
        for line in measure(options, seed):
            print(json.dumps(line, ensure_ascii=False), flush=True)
            found.append(line)
    print(table_of(found))


if __name__ == "__main__":
    main()
