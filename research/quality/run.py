"""Measure the quality of samples: judge after judge, sampler after sampler, seed after seed.

From the root of the repository::

    python -m research.quality.run --data text.parquet --quick           # minutes: does it work?
    python -m research.quality.run --data text.parquet --judges ngram    # tens of minutes
    python -m research.quality.run --data text.parquet                   # hours; can be stopped

Every single result is a line of ``--cache``; what is there already is not measured again, so an
interrupted benchmark goes on where it was and a longer list of samplers adds to a shorter one.
``--no-measuring`` writes the record of all results that are there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from research.quality import record
from research.quality.data import Corpus, Split, encode, read_table, split, summarise, thin
from research.quality.metrics import describe
from research.quality.ngram import NgramModel
from research.quality.record import Job
from research.quality.samplers import Drawer

DEFAULT_RECORD: Final = Path(__file__).parents[2] / "benches" / "record"
CURVE: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
SHARES: Final = (0.1, 0.3)
TERMS: Final = (
    "fastsample:duplicates=1,commonness=0,length=0,repetition=0",
    "fastsample:duplicates=0,commonness=0.3,length=0,repetition=0",
    "fastsample:duplicates=0,commonness=0,length=0.125,repetition=0",
    "fastsample:duplicates=0,commonness=0,length=0,repetition=0.5",
)
PASSES: Final = 4
LEAST_ROWS: Final = 15
# Raise it when the transformer changes: its older results then do not mix with new ones.
JUDGE: Final = 2


@dataclass(frozen=True)
class Plan:
    """What makes two results comparable: all of it is part of the key of a result."""

    data: str
    rows: int
    max_chars: int
    held_rows: int
    top_up: int
    split_seed: int
    clean_gram: int
    clean_share: float
    characters: int
    once: int
    width: int
    layers: int
    batch: int
    judge: int = JUDGE


class Bench:
    """A data set, its split, and the pools of each regime."""

    def __init__(self, path: Path, plan: Plan, limit: int | None) -> None:
        self.plan = plan
        self.table: pa.Table = read_table(path)
        if limit is not None and limit < self.table.num_rows:
            chosen = np.random.default_rng(plan.split_seed).permutation(self.table.num_rows)[:limit]
            self.table = self.table.take(pa.array(np.sort(chosen)))
        corpus = encode(self.table, plan.max_chars)
        self.split: Split = split(
            corpus,
            plan.held_rows,
            plan.split_seed,
            clean_gram=plan.clean_gram,
            clean_share=plan.clean_share,
            top_up=plan.top_up,
        )
        self.drawers: dict[tuple[str, int], Drawer] = {}

    def drawer(self, regime: str, seed: int) -> Drawer:
        """Return who draws from the pool of a regime.

        Compute-bound: the whole pool. Data-bound: a part of it (another one for each seed) that
        keeps near-duplicates together, so small that 30 % of it last for four passes.
        """
        key = (regime, seed if regime == "data" else 0)
        if key not in self.drawers:
            whole = self.split.pool
            rows = np.arange(whole.rows)
            if regime == "data":
                wanted = self.plan.characters / PASSES / 0.3
                rows = thin(whole, wanted / len(whole.codes), seed)
            table = self.table.take(pa.array(self.split.pool_rows[rows]))
            self.drawers = {k: v for k, v in self.drawers.items() if k[0] != regime}
            self.drawers[key] = Drawer(whole.take(rows), table)
        return self.drawers[key]

    def sample(self, job: Job) -> tuple[Corpus, Corpus]:
        """Return the sample of a job and the pool it comes from."""
        drawer = self.drawer(job.regime, job.seed)
        pool = drawer.pool
        if job.unit == "rows":
            rows = drawer.by_rows(job.sampler, job.seed, round(job.share * pool.rows))
        else:
            wanted = round(job.share * len(pool.codes))
            rows = drawer.by_characters(job.sampler, job.seed, wanted)
        return pool.take(rows), pool

    def measure(self, job: Job) -> dict[str, float]:
        """Do one job; return its figures."""
        sample, pool = self.sample(job)
        extra = {"rows": float(sample.rows), "characters": float(len(sample.codes))}
        if job.judge == "look":
            return describe(sample, pool, job.seed)
        if job.judge == "ngram":
            bits = NgramModel(sample).bits(self.split.held)
            return summarise(bits, self.split, LEAST_ROWS) | extra
        from research.quality import transformer  # noqa: PLC0415, RUF100

        settings = transformer.Settings(
            characters=self.plan.once if job.regime == "compute" else self.plan.characters,
            width=self.plan.width,
            layers=self.plan.layers,
            batch=self.plan.batch,
        )
        if job.unit == "rows":
            # The same number of visits to rows: longer rows, more characters to learn from.
            ratio = len(sample.codes) / (job.share * len(pool.codes))
            settings = replace(settings, characters=int(settings.characters * ratio))
        found = transformer.judge(sample, self.split.held, settings, job.seed)
        return (
            summarise(found.bits, self.split, LEAST_ROWS)
            | extra
            | {
                "passes": found.passes,
                "train_loss": found.train_loss,
                "speed": found.characters_per_second,
            }
        )


def jobs(options: argparse.Namespace) -> Iterator[Job]:
    """Yield everything to measure: seed by seed, cheap judges first."""
    judges = ("ngram", "transformer") if options.judges == "both" else (options.judges,)
    if options.looks:
        judges = ("look", *judges)
    regimes = ("compute", "data") if options.regime == "both" else (options.regime,)
    samplers: Sequence[str] = options.samplers
    terms: Sequence[str] = options.terms
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for judge in judges:
            for regime in regimes:
                flat = record.is_flat(judge, regime)
                for share in sorted({0.3} if flat else {*options.curve, *options.shares}):
                    yield Job(judge, regime, "random", share, "characters", seed)
                for sampler in (*samplers, "entropy"):
                    for share in options.shares:
                        yield Job(judge, regime, sampler, share, "characters", seed)
                if options.equal_rows:
                    for sampler in ("random", *samplers, "entropy"):
                        for share in options.shares:
                            yield Job(judge, regime, sampler, share, "rows", seed)
                for term in terms:
                    yield Job(judge, regime, term, 0.3, "characters", seed)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m research.quality.run", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="Parquet with prompt, response, source")
    add("--limit", type=int, help="use only this many rows of it, at random")
    add("--judges", choices=("ngram", "transformer", "both"), default="both")
    add("--regime", choices=("compute", "data", "both"), default="both")
    add(
        "--samplers", nargs="*", default=["fastsample"], help="see samplers.py; default: fastsample"
    )
    add("--terms", nargs="*", default=list(TERMS), help="measured at 30 %% only")
    add("--shares", nargs="*", type=float, default=list(SHARES))
    add("--curve", nargs="*", type=float, default=list(CURVE), help="shares of the random curve")
    add("--seeds", type=int, default=3)
    add("--first-seed", type=int, default=0)
    add("--equal-rows", action=argparse.BooleanOptionalAction, default=True)
    add(
        "--looks", action=argparse.BooleanOptionalAction, default=True, help="figures of metrics.py"
    )
    add("--once", type=int, default=4_900_000, help="characters to learn from, each seen once")
    add("--characters", type=int, default=1_600_000, help="the same, where rows are repeated")
    add("--width", type=int, default=128)
    add("--layers", type=int, default=2)
    add("--batch", type=int, default=8)
    add("--max-chars", type=int, default=1_000, help="rows are cut to this")
    add("--held-rows", type=int, default=2_000)
    add("--top-up", type=int, default=40, help="held-out rows of a source, if it has them")
    add("--clean-gram", type=int, default=10)
    add("--clean-share", type=float, default=0.0)
    add("--split-seed", type=int, default=0)
    add("--record", type=Path, default=DEFAULT_RECORD)
    add("--name", default="quality")
    add("--cache", type=Path, help="default: <record>/<name>-runs.jsonl")
    add("--no-measuring", action="store_true", help="write the record of what the cache holds")
    add("--quick", action="store_true", help="small data, one seed, figures without meaning")
    options = parser.parse_args(arguments)
    if options.quick:
        options.limit = min(options.limit or 8_000, 8_000)
        options.seeds, options.held_rows, options.top_up = 1, 200, 10
        options.once = options.characters = 32_768
        options.curve, options.width, options.layers = [0.2, 0.3, 0.6, 1.0], 64, 2
    options.cache = options.cache or options.record / f"{options.name}-runs.jsonl"
    return options


def _place(job: Job) -> tuple[int, str, str, float, int]:
    """Return where a job belongs in a record: random first, then fastsample as it comes."""
    known = ("random", "fastsample", "entropy")
    rank = known.index(job.sampler) if job.sampler in known else len(known)
    return rank, job.sampler, job.unit, job.share, job.seed


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, then write the record."""
    options = parse(arguments)
    bench: Bench | None = None
    rows = options.limit or -1
    plan = Plan(
        options.data.name,
        rows,
        options.max_chars,
        options.held_rows,
        options.top_up,
        options.split_seed,
        options.clean_gram,
        options.clean_share,
        options.characters,
        options.once,
        options.width,
        options.layers,
        options.batch,
    )
    done = record.load(options.cache, asdict(plan))
    wanted = sorted(done, key=_place) if options.no_measuring else list(jobs(options))
    options.cache.parent.mkdir(parents=True, exist_ok=True)
    for number, job in enumerate(wanted, start=1):
        if job in done:
            continue
        bench = bench or Bench(options.data, plan, options.limit)
        began = time.perf_counter()
        done[job] = bench.measure(job)
        seconds = time.perf_counter() - began
        line = {"plan": asdict(plan), "job": asdict(job), "figures": done[job], "seconds": seconds}
        with options.cache.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")
        print(
            f"{number}/{len(wanted)} {job.judge} {job.regime} {job.sampler} {job.share:.0%} "
            f"{job.unit} seed {job.seed}: {record.brief(done[job])} ({seconds:.0f} s)",
            flush=True,
        )
    page = record.write(
        {job: done[job] for job in wanted}, asdict(plan), options.record, options.name
    )
    print(page)


if __name__ == "__main__":
    main()
