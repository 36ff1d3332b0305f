"""Other tools that choose rows as `by`, `where`, `weight`, `group`, `replace` and `exclude` do.

::

    python -m benches.baselines.choice_peers TASK NAME --input A --output B --n N [--seed S]

The file has the extra columns of ``python -m benches.generate --wide 4``. Each function does what
users of the tool write: it draws about ``n`` rows, writes them with zstd level 1 and returns their
number. Packages are imported by the functions that use them.

``exclude`` leaves out rows that share 13 letters in a row with a benchmark (:func:`prepare`). The
letters of this text are Chinese, so these are the rows that 50 letters of fastsample leave out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from benches.baselines.peers import CODEC, LEVEL, _duckdb, _rows_of

#: Columns: weights from 0 to 1, words of conversations, 90 kinds and null.
WEIGHT, TALK, KIND = "extra_001", "extra_002", "extra_003"
KINDS: Final = 91
#: A condition that two of three rows meet.
WHERE: Final = f"{WEIGHT} < 0.8 AND {KIND} >= 20"
#: Letters of a run that rows may not share with the benchmark, and rows of the benchmark.
RUN_LETTERS: Final = 13
BENCHMARK_ROWS: Final = 1000
TEXTS: Final = ("prompt", "response")

Peer = Callable[[Path, Path, int, int], int]


def benchmark_of(source: Path) -> Path:
    """Return the path of the benchmark beside a source."""
    return source.with_name(f"{source.stem}-benchmark.parquet")


def prepare(source: Path) -> None:
    """Write a benchmark: half of its rows are the first ones of the source, half are others."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benches.language import block

    own = next(pq.ParquetFile(source).iter_batches(BENCHMARK_ROWS // 2, columns=list(TEXTS)))
    others = block(0, seed=99).slice(0, BENCHMARK_ROWS // 2)
    pq.write_table(pa.Table.from_batches([own, others]), benchmark_of(source))


def _written(sample: Any, output: Path) -> int:
    sample.write_parquet(output, compression=CODEC, compression_level=LEVEL)
    return int(sample.height)


def polars_by(path: Path, output: Path, n: int, seed: int) -> int:
    """Keep the first rows of each group in a random order."""
    import polars as pl

    place = pl.int_range(pl.len()).shuffle(seed).over(KIND)
    return _written(pl.read_parquet(path).filter(place < n // KINDS), output)


def duckdb_by(path: Path, output: Path, n: int, seed: int) -> int:
    """Keep the first rows of each group in the order of a hash."""
    place = f"row_number() OVER (PARTITION BY {KIND} ORDER BY hash(file_row_number, {seed}))"
    rows = f"read_parquet('{path}', file_row_number = true)"
    query = f"SELECT * EXCLUDE (file_row_number) FROM {rows} QUALIFY {place} <= {n // KINDS}"
    return _duckdb(query, output)


def polars_where(path: Path, output: Path, n: int, seed: int) -> int:
    """Filter, collect, sample."""
    import polars as pl

    matching = (pl.col(WEIGHT) < 0.8) & (pl.col(KIND) >= 20)
    return _written(pl.scan_parquet(path).filter(matching).collect().sample(n, seed=seed), output)


def duckdb_where(path: Path, output: Path, n: int, seed: int) -> int:
    """Fill a reservoir from the rows that match."""
    rows = f"(SELECT * FROM read_parquet('{path}') WHERE {WHERE})"
    sample = f"USING SAMPLE reservoir({n} ROWS) REPEATABLE ({seed})"
    return _duckdb(f"SELECT * FROM {rows} {sample}", output)


def polars_weight(path: Path, output: Path, n: int, seed: int) -> int:
    """Take the n smallest exponential numbers over the weight (Efraimidis and Spirakis)."""
    import polars as pl

    rows = pl.read_parquet(path)
    numbers = pl.Series("_key", np.random.default_rng(seed).exponential(size=rows.height))
    drawn = rows.with_columns(numbers / rows[WEIGHT]).bottom_k(n, by="_key").drop("_key")
    return _written(drawn, output)


def duckdb_weight(path: Path, output: Path, n: int, seed: int) -> int:
    """Order by exponential numbers over the weight."""
    key = f"-ln((hash(file_row_number, {seed}) + 1.0) / 18446744073709551616.0) / {WEIGHT}"
    rows = f"read_parquet('{path}', file_row_number = true)"
    query = f"SELECT * EXCLUDE (file_row_number) FROM {rows} ORDER BY {key} LIMIT {n}"
    return _duckdb(query, output)


def pandas_weight(path: Path, output: Path, n: int, seed: int) -> int:
    """``DataFrame.sample`` with weights."""
    return _pandas(path, output, n=n, weights=WEIGHT, random_state=seed)


def _pandas(path: Path, output: Path, **options: Any) -> int:
    import pandas as pd

    drawn = pd.read_parquet(path).sample(**options)
    drawn.to_parquet(output, index=False, compression=CODEC, compression_level=LEVEL)
    return len(drawn)


def polars_group(path: Path, output: Path, n: int, seed: int) -> int:
    """Take groups in random order up to n rows, and join their rows."""
    import polars as pl

    rows = pl.scan_parquet(path)
    sizes = (
        rows.group_by(TALK).len().sort(TALK).collect().sample(fraction=1, shuffle=True, seed=seed)
    )
    drawn = sizes.filter(pl.col("len").cum_sum() <= n).lazy()
    return _written(rows.join(drawn, on=TALK, how="semi").collect(), output)


def duckdb_group(path: Path, output: Path, n: int, seed: int) -> int:
    """Take groups by a hash up to n rows, and join their rows."""
    rows = f"read_parquet('{path}')"
    sizes = f"SELECT {TALK}, count(*) AS size FROM {rows} GROUP BY {TALK}"
    so_far = f"sum(size) OVER (ORDER BY hash({TALK}, {seed}))"
    drawn = f"SELECT {TALK} FROM ({sizes}) QUALIFY {so_far} <= {n}"
    return _duckdb(f"SELECT * FROM {rows} WHERE {TALK} IN ({drawn})", output)


def polars_replace(path: Path, output: Path, n: int, seed: int) -> int:
    """``DataFrame.sample`` with replacement."""
    import polars as pl

    return _written(pl.read_parquet(path).sample(n, with_replacement=True, seed=seed), output)


def duckdb_replace(path: Path, output: Path, n: int, seed: int) -> int:
    """Join n random row numbers with the rows."""
    total = _rows_of(path)
    numbers = f"SELECT (hash(i, {seed}) % {total})::BIGINT AS row FROM range({n}) numbers(i)"
    rows = f"read_parquet('{path}', file_row_number = true)"
    joined = f"({numbers}) drawn JOIN {rows} ON file_row_number = drawn.row"
    return _duckdb(f"SELECT * EXCLUDE (file_row_number, row) FROM {joined}", output)


def pandas_replace(path: Path, output: Path, n: int, seed: int) -> int:
    """``DataFrame.sample`` with replacement."""
    return _pandas(path, output, n=n, replace=True, random_state=seed)


def python_exclude(path: Path, output: Path, n: int, seed: int) -> int:
    """Look each run of letters up in a set, row by row."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def runs(text: str) -> Iterator[str]:
        letters = "".join(filter(str.isalnum, text.lower()))
        return (letters[i : i + RUN_LETTERS] for i in range(len(letters) - RUN_LETTERS + 1))

    bench = pq.read_table(benchmark_of(path))
    known = {run for name in TEXTS for text in bench[name].to_pylist() for run in runs(text)}
    rows = pq.read_table(path)
    is_clean = [
        not any(run in known for text in texts for run in runs(text))
        for texts in zip(*(rows[name].to_pylist() for name in TEXTS), strict=True)
    ]
    clean = pc.indices_nonzero(pa.array(is_clean)).to_numpy()
    drawn = np.sort(np.random.default_rng(seed).choice(clean, n, replace=False))
    pq.write_table(rows.take(pa.array(drawn)), output, compression=CODEC, compression_level=LEVEL)
    return n


PEERS: Final[dict[str, dict[str, Peer]]] = {
    "by": {"polars": polars_by, "duckdb": duckdb_by},
    "where": {"polars": polars_where, "duckdb": duckdb_where},
    "weight": {"polars": polars_weight, "duckdb": duckdb_weight, "pandas": pandas_weight},
    "group": {"polars": polars_group, "duckdb": duckdb_group},
    "replace": {"polars": polars_replace, "duckdb": duckdb_replace, "pandas": pandas_replace},
    "exclude": {"python": python_exclude},
}


def main() -> None:
    """Run one peer once, or write the benchmark, and print the number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=PEERS)
    parser.add_argument("name", help="of the peer; prepare writes what the task needs")
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--n", type=int, default=0)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    if options.name == "prepare":
        prepare(options.input)
        return
    peer = PEERS[options.task][options.name]
    print(f"rows={peer(options.input, options.output, options.n, options.seed)}")


if __name__ == "__main__":
    main()
