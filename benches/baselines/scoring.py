"""Scoring text on one core: rensa's MinHash, DSIR, and fastsample, each in a fresh process.

::

    pip install rensa data-selection
    python -m benches.baselines.scoring NAME --input A [--rows N]

Prints the bytes of text, the seconds that scoring took, and MB/s. A scorer gets all texts of a row
joined by a line feed. Reading and imports are left out, and so is bringing the texts into the form
that the scorer takes: a list, or an Arrow table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

PERMUTATIONS: Final = 128
SHINGLE_CHARS: Final = 3
DSIR_BUCKETS: Final = 10_000
"""The default of ``data-selection``, with words and pairs of words."""


Scorer = Callable[[Sequence[str]], Callable[[], int]]
"""Takes the texts, converts them to its own input, and returns the function that is measured."""


def rensa(texts: Sequence[str]) -> Callable[[], int]:
    """MinHash of 128 permutations over the character 3-grams of each text; no pairs are sought."""
    from rensa import RMinHash

    def score() -> int:
        for text in texts:
            sketch = RMinHash(num_perm=PERMUTATIONS, seed=42)
            last = max(1, len(text) - SHINGLE_CHARS + 1)
            sketch.update([text[i : i + SHINGLE_CHARS] for i in range(last)])
            sketch.digest()
        return len(texts)

    return score


def dsir(texts: Sequence[str]) -> Callable[[], int]:
    """Hashed n-gram features of each text, times a weight vector: DSIR's work on a raw row."""
    import numpy as np
    from data_selection.hashed_ngram_dsir import get_ngram_counts

    weights = np.random.default_rng(42).standard_normal(DSIR_BUCKETS)

    def score() -> int:
        for text in texts:
            float(weights @ get_ngram_counts(text, n=2, num_buckets=DSIR_BUCKETS))
        return len(texts)

    return score


def ours(texts: Sequence[str]) -> Callable[[], int]:
    """Score with the default terms of a smart draw, on one core."""
    import fastsample

    table = pa.table({"text": texts})
    return lambda: len(fastsample.score(table, threads=1))


def ours_with_target(texts: Sequence[str]) -> Callable[[], int]:
    """Score as for a draw towards a target: the first 500 texts."""
    import fastsample

    table = pa.table({"text": texts})
    smart = fastsample.Smart(target=table[:500])
    return lambda: len(fastsample.score(table, smart, threads=1))


SCORERS: Final[dict[str, Scorer]] = {
    "rensa": rensa,
    "dsir": dsir,
    "fastsample": ours,
    "fastsample-target": ours_with_target,
}


def read_texts(path: Path, rows: int) -> list[str]:
    """Return the text columns of the first rows, joined row by row."""
    batch = next(pq.ParquetFile(path).iter_batches(batch_size=rows))
    columns = [column for column in batch.columns if pa.types.is_string(column.type)]
    return [
        "\n".join(filter(None, row)) for row in zip(*(c.to_pylist() for c in columns), strict=True)
    ]


def main() -> None:
    """Read the command line, score once, print the speed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=SCORERS)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    texts = read_texts(options.input, options.rows)
    size = sum(len(text.encode()) for text in texts)
    score = SCORERS[options.name](texts)
    begin = time.perf_counter()
    begin_cpu = time.process_time()
    scored = score()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    print(
        f"bytes={size} seconds={seconds:.3f} cpu={cpu:.3f} MB/s={size / 1e6 / max(cpu, 1e-9):.1f}"
    )
    print(f"rows={scored}")


if __name__ == "__main__":
    main()
