r"""Measure samples by the loss of the response given the prompt, on rows that were held out.

From the root of the repository::

    python -m research.quality.run --data text.parquet --quick            # does it work?
    python -m research.quality.run --data text.parquet --half tune        # to choose settings by
    python -m research.quality.run --data text.parquet --half report      # once, at the end
    python -m research.quality.run --data text.parquet --judge checkpoint --pool 15000 --epochs 3 \
        --samples random smart "fresh random" "fresh smart"

The bits of every held-out row are kept in a file of ``--cache`` for each sample and seed, and not
measured again. So a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from research.quality import record
from research.quality.data import (
    Corpus,
    Floats,
    Ints,
    encode,
    halves,
    overlap,
    read_table,
    trial,
)
from research.quality.draws import COPIES_ONLY, Pool
from research.quality.ngram import NgramModel

SAMPLES: Final = ("random", "no exact copies", COPIES_ONLY, "smart", "entropy")
FRESH: Final = "fresh "
PASSES_BEFORE: Final = 2
BATCH: Final = 24


@dataclass(frozen=True)
class Plan:
    """What makes two results comparable; all of it is part of the name of a result."""

    data: str
    half: str
    judge: str
    share: float
    epochs: int
    held: int
    pool: int | None
    limit: int | None
    version: int = 1


class Bench:
    """A pool, and the rows by which its samples are judged."""

    def __init__(self, path: Path, plan: Plan, cache: Path) -> None:
        table = read_table(path)
        if plan.half != "all":
            table = halves(table)[("tune", "report").index(plan.half)]
        if plan.limit is not None and plan.limit < table.num_rows:
            rows = np.random.default_rng(0).permutation(table.num_rows)[: plan.limit]
            table = table.take(pa.array(np.sort(rows)))
        self.plan = plan
        self.cache = cache
        corpus = encode(table)
        cut = trial(table, plan.held, 0, plan.pool)
        self.corpus = corpus.take(cut.pool)
        self.pool = Pool(table.take(pa.array(cut.pool)), self.corpus)
        self.held = corpus.take(np.concatenate([cut.by_rows, cut.by_groups]))
        self.of_rows = len(cut.by_rows)

    def facts(self) -> dict[str, Any]:
        """Return what a reader has to know of the pool and the rows that are judged by."""
        kinds = {
            "by rows": np.arange(self.of_rows),
            "by groups": np.arange(self.of_rows, self.held.rows),
        }
        return {
            "rows in the pool": self.corpus.rows,
            "characters in the pool": len(self.corpus.codes),
            "collections": [self.corpus.names[i] for i in np.unique(self.corpus.collection)],
        } | {
            f"held out {kind}": {
                "rows": len(rows),
                "response characters": int(self.held.take(rows).response_lengths().sum()),
                "overlap": round(overlap(self.held.take(rows), self.corpus), 4),
            }
            for kind, rows in kinds.items()
        }

    def draw(self, sample: str, cost: str, seed: int) -> list[Ints]:
        """Return the rows of each epoch."""
        n = round(self.plan.share * self.corpus.rows)
        if sample.startswith(FRESH):
            return self.pool.epochs(sample.removeprefix(FRESH), n, self.plan.epochs, seed)
        if cost == "rows":
            rows = self.pool.by_rows(sample, n, seed)
        else:
            most = int(self.plan.share * len(self.corpus.codes))
            rows = self.pool.by_characters(sample, most, seed)
        return [rows] * self.plan.epochs

    def bits(self, epochs: Sequence[Ints], seed: int) -> Floats:
        """Return the bits of the response of each held-out row."""
        if self.plan.judge == "ngram":
            return NgramModel(self.corpus.take(epochs[0])).bits(self.held)
        from research.quality import transformer  # noqa: PLC0415, RUF100

        transformer.prepare()
        settings = transformer.Settings()
        start = None
        if self.plan.judge == "checkpoint":
            # All that the weights depend on; the same for any share and number of epochs.
            name = _name(asdict(self.plan) | {"share": 0, "epochs": 0, "passes": PASSES_BEFORE})
            everything = [np.arange(self.corpus.rows)] * PASSES_BEFORE
            file = self.cache / f"{name}.pt"
            start = transformer.checkpoint(self.corpus, everything, settings, file)
        weights = transformer.train(self.corpus, epochs, settings, seed, start)
        return transformer.bits(weights, self.held, np.arange(self.held.rows), settings)


def _name(job: dict[str, Any]) -> str:
    """Return the name of a result in the cache: a hash of all that made it."""
    return hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:24]


def look(corpus: Corpus, epochs: Sequence[Ints], seed: int) -> dict[str, float]:
    """Return rows, characters, and what batches of 24 hold once padded to their longest row."""
    padded = 0
    for epoch, rows in enumerate(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(rows)
        part = corpus.take(order)
        response = part.response_lengths()
        for lengths in (response, part.lengths - response):
            padded += BATCH * int(
                np.maximum.reduceat(lengths, np.arange(0, len(rows), BATCH)).sum()
            )
    rows = np.concatenate(epochs)
    part = corpus.take(rows)
    return {
        "rows": len(rows),
        "distinct rows": len(np.unique(rows)),
        "characters": len(part.codes),
        "response characters": int(part.response_lengths().sum()),
        "padded": padded,
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m research.quality.run", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="Parquet with prompt, response, source")
    add("--half", choices=("tune", "report", "all"), default="all", help="of the collections")
    add("--judge", choices=("ngram", "scratch", "checkpoint"), default="ngram")
    add("--samples", nargs="+", default=list(SAMPLES), help='see draws.py; "fresh NAME": epochs')
    add("--costs", nargs="+", choices=("rows", "characters"), default=["rows"])
    add("--share", type=float, default=0.3)
    add("--epochs", type=int, default=1, help="passes of the transformers")
    add("--seeds", type=int, default=6)
    add("--held", type=int, default=5_000, help="rows held out of each kind")
    add("--pool", type=int, help="draw from a part of the rows, chosen by groups")
    add("--limit", type=int, help="use only so many rows of the file, at random")
    add("--cache", type=Path, default=Path("quality-cache"))
    add("--record", type=Path, help="write the table to this file, too")
    add("--quick", action="store_true", help="small data, two seeds, figures without meaning")
    options = parser.parse_args(arguments)
    if options.quick:
        options.limit, options.held, options.seeds = 6_000, 300, 2
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, then print the tables."""
    options = parse(arguments)
    fixed = (options.epochs, options.held, options.pool, options.limit)
    plan = Plan(options.data.name, options.half, options.judge, options.share, *fixed)
    options.cache.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.data, plan, options.cache)
    results: dict[tuple[str, str, int], record.Result] = {}
    for seed in range(options.seeds):
        for cost in options.costs:
            for sample in options.samples:
                job = asdict(plan) | {"sample": sample, "cost": cost, "seed": seed}
                file = options.cache / f"{_name(job)}.npz"
                if not file.exists():
                    epochs = bench.draw(sample, cost, seed)
                    bits = bench.bits(epochs, seed)
                    facts = look(bench.corpus, epochs, seed)
                    with file.with_suffix(".part").open("wb") as part:
                        np.savez(part, bits=bits, facts=json.dumps(facts), job=json.dumps(job))
                    file.with_suffix(".part").rename(file)
                with np.load(file) as kept:
                    found = record.Result(kept["bits"], json.loads(str(kept["facts"])))
                results[sample, cost, seed] = found
                rate = found.bits.sum() / bench.held.response_lengths().sum()
                print(f"seed {seed} {cost} {sample}: {rate:.4f}", flush=True)
    page = record.page(asdict(plan) | bench.facts(), bench.held, bench.of_rows, results)
    print(page)
    if options.record is not None:
        options.record.write_text(page + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
