"""Draw n rows of a file of JSON Lines into another one, each with the tools that people use.

::

    python -m benches.baselines.line_peers polars --input rows.jsonl --output few.jsonl --n 1000

- ``polars`` reads all rows, since a lazy frame has no sample, and writes those chosen.
- ``duckdb`` draws by its reservoir while it reads.
- ``datasets`` turns the file into its cache, and shuffles the indices.
- ``shuf`` is that of the GNU core utilities, between gzip or zstd where the file is compressed.
- ``python`` is a loop over lines: a reservoir of whole lines, in one pass.
"""

from __future__ import annotations

import argparse
import gzip
import random
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

FILTERS = {"": ("cat", "cat"), ".gz": ("gzip -dc", "gzip -6"), ".zst": ("zstd -dcq", "zstd -1q")}


def polars(source: Path, output: Path, n: int, seed: int) -> None:
    """Read everything, sample, write."""
    import polars as pl

    drawn = pl.scan_ndjson(source).collect().sample(n, seed=seed)
    if output.suffix == ".gz":
        with gzip.open(output, "wb", compresslevel=6) as file:
            drawn.write_ndjson(file)  # type: ignore[call-overload]
    elif output.suffix == ".zst":
        drawn.write_ndjson(output, compression="zstd", compression_level=1)
    else:
        drawn.write_ndjson(output)


def duckdb(source: Path, output: Path, n: int, seed: int) -> None:
    """Draw by a reservoir while reading."""
    import duckdb as db

    codec = {"": "none", ".gz": "gzip", ".zst": "zstd"}[_compressed(output)]
    db.sql(
        f"COPY (SELECT * FROM read_json('{source}', format='newline_delimited') "
        f"USING SAMPLE reservoir({n} ROWS) REPEATABLE ({seed})) "
        f"TO '{output}' (FORMAT json, COMPRESSION {codec})"
    )


def datasets(source: Path, output: Path, n: int, seed: int) -> None:
    """Make the cache, shuffle the indices, write the first n."""
    import datasets as hf

    with tempfile.TemporaryDirectory(dir=output.parent) as cache:
        rows: Any = hf.load_dataset("json", data_files=str(source), split="train", cache_dir=cache)
        drawn = rows.shuffle(seed=seed).select(range(n))
        codec = {"": None, ".gz": "gzip", ".zst": "zstd"}[_compressed(output)]
        drawn.to_json(str(output), force_ascii=False, compression=codec)


def shuf(source: Path, output: Path, n: int, seed: int) -> None:
    """Shuffle lines by GNU shuf."""
    unpack, pack = FILTERS[_compressed(source)]
    a, b = shlex.quote(str(source)), shlex.quote(str(output))
    seeded = f"shuf -n {n} --random-source=<(yes {seed})"
    whole = f"{seeded} {a} -o {b}"
    if _compressed(source):
        whole = f"{unpack} {a} | {seeded} | {pack} > {b}"
    subprocess.run(["bash", "-o", "pipefail", "-c", whole], check=True)


def python(source: Path, output: Path, n: int, seed: int) -> None:
    """Keep a reservoir of lines (Vitter's algorithm R)."""
    rng = random.Random(seed)
    kept: list[bytes] = []
    unpack, pack = FILTERS[_compressed(source)]
    with (
        source.open("rb") as file,
        subprocess.Popen(unpack.split(), stdin=file, stdout=subprocess.PIPE) as reader,
    ):
        assert reader.stdout is not None
        for i, line in enumerate(reader.stdout):
            if i < n:
                kept.append(line)
            elif (place := rng.randrange(i + 1)) < n:
                kept[place] = line
    with output.open("wb") as packed:
        subprocess.run(pack.split(), input=b"".join(kept), stdout=packed, check=True)


def _compressed(path: Path) -> str:
    return path.suffix if path.suffix in FILTERS else ""


PEERS = {peer.__name__: peer for peer in (polars, duckdb, datasets, shuf, python)}


def main() -> None:
    """Draw as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    PEERS[options.peer](options.input, options.output, options.n, options.seed)


if __name__ == "__main__":
    main()
