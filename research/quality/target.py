"""Samples with a target, by both methods: bits of the response on held-out rows of the target.

Rows of one kind are the target. All rows are split by groups of near-duplicates into a pool to draw
from, rows that describe the target, and held-out rows, so that nothing that is judged by resembles
what is drawn. Each sample has as many rows as the random one. The judge is the n-gram model, on the
response after the prompt::

    python -m research.quality.target --data text.parquet --targets csl/kg gaokao/data --seeds 6

``--ways`` names the samples: random, smart, ratio, classifier, and ``classifier 4`` for another
strength. ``--avoid`` names a kind of rows that is avoided: by ``both`` beside the target.

It prints a line of JSON for each target, share and seed, and a table at last. *Separation* is what
fastsample reports of the target. Every seed is another
split, so the interval is over seeds: splits, rows that describe, held-out rows and draws at once.
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

from research.quality.data import TEXT_COLUMNS, Ints, Mask, encode, overlap, read_table
from research.quality.draws import OFF
from research.quality.ngram import NgramModel

SIDES: Final = {"pool": 0.8, "describe": 0.1, "held": 0.1}
DESCRIBE: Final = 300
HELD: Final = 500
# The 97.5 % quantile of Student's t for a mean of so many values.
STUDENT: Final = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}


def sampler(way: str, target: pa.Table, avoid: pa.Table | None) -> fastsample.Smart | bool:
    """Return what `smart` is for a way to draw."""
    name, _, strength = way.partition(" ")
    if name == "classifier":
        return fastsample.Smart(target=target, target_strength=float(strength or 8))
    if name == "both":
        return fastsample.Smart(target=target, avoid=avoid)
    ratio = fastsample.Smart(target=target, target_method="ratio")
    rules: dict[str, fastsample.Smart | bool] = {"random": OFF, "smart": True, "ratio": ratio}
    return rules[way]


def measure(options: argparse.Namespace, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of one seed."""
    table = read_table(options.data)
    names = np.asarray(table["source"].to_pylist(), dtype=str)
    texts = table.select(list(TEXT_COLUMNS))
    split = fastsample.split(texts, SIDES, near_duplicates=True, seed=seed, progress=False)
    side: dict[str, Ints] = {
        name: np.asarray(split[name].row_ids, dtype=np.int64) for name in SIDES
    }
    corpus = encode(table)
    pool, pool_texts = corpus.take(side["pool"]), texts.take(pa.array(side["pool"]))
    for name in options.targets:
        wanted: Mask = np.char.startswith(names, name)
        rng = np.random.default_rng([seed, 0x1C])
        describe, judged = (
            rng.permutation(side[rows][wanted[side[rows]]])[:most]
            for rows, most in (("describe", DESCRIBE), ("held", HELD))
        )
        held = corpus.take(judged)
        target, avoid = texts.take(pa.array(describe)), None
        unwanted: Mask = np.zeros(len(names), dtype=np.bool_)
        if options.avoid is not None:
            unwanted = np.char.startswith(names, options.avoid)
            avoid = texts.take(pa.array(side["describe"][unwanted[side["describe"]]][:DESCRIBE]))
        facts = {"target": name, "seed": seed, "describe": len(describe), "held": held.rows}
        facts["overlap"] = round(overlap(held, pool), 4)
        facts["share of pool"] = round(float(wanted[side["pool"]].mean()), 4)
        for share in options.shares:
            n = round(share * pool.rows)
            found = facts | {"share": share}
            for way in options.ways:
                smart = sampler(way, target, avoid)
                drawn = fastsample.sample(pool_texts, n, smart=smart, seed=seed, progress=False)
                ids = np.asarray(drawn.row_ids, dtype=np.int64)
                bits = NgramModel(pool.take(ids)).bits(held).sum() / held.response_lengths().sum()
                found[way] = round(float(bits), 4)
                found[f"{way}, avoided"] = round(float(unwanted[side["pool"][ids]].mean()), 4)
                kinds = drawn.report.smart.targets if drawn.report.smart else ()
                if kinds and kinds[0].separation is not None:
                    found["separation"] = round(kinds[0].separation, 4)
            yield found


def table_of(found: Sequence[dict[str, Any]]) -> str:
    """Return bits against random in percent, with half the 95 % interval by Student's t."""
    ways = [way for way in found[0] if f"{way}, avoided" in found[0] and way != "random"]
    heads = ["target", "rows drawn", "overlap", "separation", "random, bits", *ways]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    for name, share in dict.fromkeys((line["target"], line["share"]) for line in found):
        rows = [line for line in found if (line["target"], line["share"]) == (name, share)]
        cells = [name, f"{share:.0%}"]
        cells.append(f"{np.mean([line['overlap'] for line in rows]):.1%}")
        told = [line["separation"] for line in rows if "separation" in line]
        cells.append(f"{min(told):.2f} to {max(told):.2f}" if told else "-")
        cells.append(f"{np.mean([line['random'] for line in rows]):.3f}")
        gains = {way: [100 * (line[way] / line["random"] - 1) for line in rows] for way in ways}
        cells += [_with_interval(each) for each in gains.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _with_interval(values: Sequence[float]) -> str:
    count = len(values)
    if count not in STUDENT:
        return f"{np.mean(values):+.1f} %"
    half = STUDENT[count] * np.std(values, ddof=1) / np.sqrt(count)
    return f"{np.mean(values):+.1f} ± {half:.1f} %"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line of JSON a figure, and a table."""
    parser = argparse.ArgumentParser(prog="python -m research.quality.target", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="Parquet with prompt, response, source")
    add("--targets", nargs="+", required=True, help="prefixes of the sources that are wanted")
    add("--shares", nargs="+", type=float, default=[0.05, 0.15])
    add("--ways", nargs="+", default=["random", "smart", "ratio", "classifier"])
    add("--avoid", help="prefix of the sources that are avoided")
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
