"""Other tools that draw rows: one function for each, each run as a fresh process.

::

    python -m benches.baselines.peers NAME --input A [--output B] --n N [--seed S]

Every function draws ``n`` rows of a Parquet file, writes them to ``output`` or, where that is
None, builds a table in memory, and returns the number of rows. Each package is imported by the
function that uses it, so that a process carries only its own. All that leave the choice to the
caller write zstd level 1, as fastsample does, so that no tool wins by a cheaper codec; ``datasets``
does not, and the pandas script, which stands for itself, writes the default (snappy).

``duckdb-hash`` keeps the rows whose hash is below a bound: about n rows, not n.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

CODEC: Final = "zstd"
LEVEL: Final = 1


def _rows_of(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _drawn(total: int, n: int, seed: int) -> npt.NDArray[np.int64]:
    """Return ``n`` distinct ordinals below ``total``, ascending."""
    return np.sort(np.random.default_rng(seed).choice(total, n, replace=False))


def _mask(total: int, n: int, seed: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(total, dtype=np.bool_)
    mask[_drawn(total, n, seed)] = True
    return mask


def pyarrow_row_groups(path: Path, output: Path | None, n: int, seed: int) -> int:
    """Read a row group, take the drawn rows of it, write them, go on."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    drawn = _drawn(file.metadata.num_rows, n, seed)
    kept: list[pa.Table] = []
    writer = None
    if output is not None:
        writer = pq.ParquetWriter(
            output, file.schema_arrow, compression=CODEC, compression_level=LEVEL
        )
    begin = rows = 0
    for group in range(file.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        low, high = np.searchsorted(drawn, [begin, end])
        part = file.read_row_group(group).take(pa.array(drawn[low:high] - begin))
        rows += len(part)
        if writer is not None:
            writer.write_table(part)
        else:
            kept.append(part)
        begin = end
    if writer is not None:
        writer.close()
        return rows
    return len(pa.concat_tables(kept))


def polars_eager(path: Path, output: Path | None, n: int, seed: int) -> int:
    """Read everything, ``DataFrame.sample``, write."""
    import polars as pl

    sample = pl.read_parquet(path).sample(n, seed=seed)
    if output is not None:
        sample.write_parquet(output, compression=CODEC, compression_level=LEVEL)
    return sample.height


def polars_mask(path: Path, output: Path | None, n: int, seed: int) -> int:
    """Stream with a row index and keep the rows of a mask drawn beforehand."""
    import polars as pl

    mask = _mask(_rows_of(path), n, seed)

    def is_drawn(index: pl.Series) -> pl.Series:
        return pl.Series(mask[index.to_numpy()])

    drawn = pl.col("_row").map_batches(is_drawn, return_dtype=pl.Boolean, is_elementwise=True)
    rows = pl.scan_parquet(path).with_row_index("_row").filter(drawn).drop("_row")
    if output is None:
        return rows.collect(engine="streaming").height
    rows.sink_parquet(output, compression=CODEC, compression_level=LEVEL, engine="streaming")
    return _rows_of(output)


def _duckdb(query: str, output: Path | None) -> int:
    import duckdb

    connection = duckdb.connect()
    if output is None:
        return int(connection.sql(query).to_arrow_table().num_rows)
    connection.execute(
        f"COPY ({query}) TO '{output}' "
        f"(FORMAT parquet, COMPRESSION {CODEC}, COMPRESSION_LEVEL {LEVEL})"
    )
    return _rows_of(output)


def duckdb_reservoir(path: Path, output: Path | None, n: int, seed: int) -> int:
    """Let ``USING SAMPLE`` fill a reservoir: exactly n rows."""
    source = f"SELECT * FROM read_parquet('{path}')"
    return _duckdb(f"{source} USING SAMPLE reservoir({n} ROWS) REPEATABLE ({seed})", output)


def duckdb_hash(path: Path, output: Path | None, n: int, seed: int) -> int:
    """Keep rows by a hash of their number: about n rows, in one pass."""
    bound = n * 2**64 // _rows_of(path)
    source = f"read_parquet('{path}', file_row_number = true)"
    condition = f"hash(file_row_number, {seed}) < {bound}::UBIGINT"
    query = f"SELECT * EXCLUDE (file_row_number) FROM {source} WHERE {condition}"
    return _duckdb(query, output)


def datasets(path: Path, output: Path | None, n: int, seed: int) -> int:
    """Hugging Face: load into a private cache, shuffle, select, write."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    near = None if output is None else output.parent
    with tempfile.TemporaryDirectory(prefix="datasets-", dir=near) as cache:
        os.environ["HF_HOME"] = cache
        from datasets import load_dataset

        rows = load_dataset("parquet", data_files=str(path), cache_dir=cache, split="train")
        sample = rows.shuffle(seed=seed).select(range(n))
        if output is None:
            return int(sample.with_format("arrow")[:].num_rows)
        sample.to_parquet(str(output))  # chooses the codec of each column itself
        return len(sample)


PEERS: Final[dict[str, Callable[[Path, Path | None, int, int], int]]] = {
    "pyarrow-row-groups": pyarrow_row_groups,
    "polars-eager": polars_eager,
    "polars-mask": polars_mask,
    "duckdb-reservoir": duckdb_reservoir,
    "duckdb-hash": duckdb_hash,
    "datasets": datasets,
}


def main() -> None:
    """Run one peer once and print the number of rows it drew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    rows = PEERS[options.name](options.input, options.output, options.n, options.seed)
    print(f"rows={rows}")


if __name__ == "__main__":
    main()
