"""The baseline: a plain pandas script that samples a data set.

Random: read everything, ``DataFrame.sample``, write. Smart: on a random 60 % of the rows, of the
prompt only, keep 10 to 1,000 characters, rank by the Shannon entropy of the characters, take the
top n; if fewer are left than n, fill up at random::

    python -m benches.baselines.pandas_script --input A --output B --num_samples N [--smart]

Written from that description, for comparison only. Without ``--output`` the sample stays a table.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from math import log2
from pathlib import Path
from typing import Final

import pandas as pd

SCORED_SHARE: Final = 0.6
MIN_CHARS: Final = 10
MAX_CHARS: Final = 1_000


def entropy(text: str) -> float:
    """Return the Shannon entropy of the characters of ``text``, in bits a character."""
    total = len(text)
    if not total:
        return 0.0
    return -sum(count / total * log2(count / total) for count in Counter(text).values())


def random_rows(frame: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Return ``n`` rows of ``frame`` at random."""
    return frame.sample(n=n, random_state=seed)


def smart_rows(frame: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Return the ``n`` rows of highest prompt entropy in a random 60 %, filled up at random."""
    scored = frame.sample(frac=SCORED_SHARE, random_state=seed)
    chars = scored["prompt"].str.len()
    scored = scored[(chars >= MIN_CHARS) & (chars <= MAX_CHARS)].copy()
    scored["entropy"] = scored["prompt"].apply(entropy)
    chosen = scored.nlargest(n, "entropy").drop(columns="entropy")
    if len(chosen) < n:
        others = frame.drop(chosen.index)
        chosen = pd.concat([chosen, others.sample(n=n - len(chosen), random_state=seed)])
    return chosen


def describe(name: str, frame: pd.DataFrame) -> None:
    """Print the row count and the average lengths in characters."""
    print(f"{name}: {len(frame):,} rows")
    for column in ("prompt", "response"):
        if column in frame.columns and len(frame):
            print(f"  average {column} length: {frame[column].str.len().mean():.1f} characters")


def main() -> None:
    """Read the command line, sample, print rows and mean lengths."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--num_samples", type=int, required=True)
    parser.add_argument("--smart", action="store_true")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()

    begin = time.perf_counter()
    frame = pd.read_parquet(options.input)
    describe("before", frame)
    n = options.num_samples
    if n > len(frame):
        print(f"only {len(frame):,} rows: keeping all")
        n = len(frame)
    choose = smart_rows if options.smart else random_rows
    sample = choose(frame, n, options.seed)
    if options.output is not None:
        sample.to_parquet(options.output, index=False)
        print(f"file: {options.output.stat().st_size / 1e6:.1f} MB")
    describe("after", sample)
    print(f"time: {time.perf_counter() - begin:.1f} s")
    print(f"rows={len(sample)}")


if __name__ == "__main__":
    main()
