"""Test data, and naive implementations of what fastsample computes."""

import heapq
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

_CHARACTERS = np.concatenate(
    [
        np.frombuffer("的一是不了在人有我他这，。？！：\n".encode("utf-32-le"), np.uint32),
        np.arange(0x4E00, 0x4E00 + 3000, dtype=np.uint32),
        np.frombuffer("abcxyz 0189😀🎉🐼👍é".encode("utf-32-le"), np.uint32),
    ]
)


def snippets_of(page: str) -> list[str]:
    """Return the snippets of Python on a page of the documentation."""
    path = Path(__file__).resolve().parents[1] / "docs" / page
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S)


def texts(count: int, mean_chars: float, rng: np.random.Generator) -> list[str]:
    """Return texts of Chinese characters, some of them far more common than others, and emoji."""
    lengths = rng.gamma(2.0, mean_chars / 2.0, count).astype(int)
    ends = np.cumsum(lengths)
    places = rng.random(int(ends[-1])) ** 3 * len(_CHARACTERS)
    text = _CHARACTERS[places.astype(int)].tobytes().decode("utf-32-le")
    return [text[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def pairs(rows: int, seed: int = 0, mean_chars: float = 40.0) -> pa.Table:
    """Return a table of `id` (the row's position), `prompt` and `response`, some of them null."""
    rng = np.random.default_rng(seed)
    columns: dict[str, pa.Array] = {"id": pa.array(range(rows), pa.int64())}
    for name, chars in (("prompt", mean_chars / 2), ("response", mean_chars)):
        nulls = rng.random(rows) < 0.05
        columns[name] = pa.array(np.array(texts(rows, chars, rng), object), pa.string(), mask=nulls)
    return pa.table(columns)


def drawn_ids(rows: int, n: int, seed: int) -> list[int]:
    """Return the rows of a uniform draw: those with the n smallest hashes of (seed, position)."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))

    def number(row: int) -> int:
        return xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)

    return sorted(heapq.nsmallest(n, range(rows), key=number))


def plain(data: Any) -> pa.Table:
    """Return any Arrow data as one table without metadata whose text columns are `string`."""
    table = data if isinstance(data, pa.Table) else pa.table(data)
    fields = [
        pa.field(field.name, pa.string() if _is_text(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def batches(table: pa.Table, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table in batches of `rows`, each with memory of its own."""
    for start in range(0, table.num_rows, rows):
        indices = pa.array(range(start, min(start + rows, table.num_rows)))
        yield table.take(indices).combine_chunks().to_batches()[0]


def stream(table: pa.Table, rows: int = 97) -> pa.RecordBatchReader:
    """Return the rows of a table as a stream that can be read once."""
    return pa.RecordBatchReader.from_batches(table.schema, batches(table, rows))


def write_ipc(table: pa.Table, path: Path, codec: str | None = None, rows: int = 257) -> Path:
    """Write an Arrow IPC file."""
    options = pa.ipc.IpcWriteOptions(compression=codec, unify_dictionaries=True)
    with pa.ipc.new_file(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


def write_parquet(table: pa.Table, path: Path, **options: Any) -> Path:
    """Write a Parquet file with pyarrow."""
    pq.write_table(table, path, **options)
    return path


def in_two(table: pa.Table, cut: int, folder: Path, *, row_group_size: int) -> list[Path]:
    """Write the rows before `cut` to a Parquet file, and the others to an IPC file."""
    return [
        write_parquet(table.slice(0, cut), folder / "a.parquet", row_group_size=row_group_size),
        write_ipc(table.slice(cut), folder / "b.arrow", "zstd", 41),
    ]


def quantile_999(degrees: int) -> float:
    """Return the 99.9 % quantile of the chi-square distribution (Wilson and Hilferty, 1931)."""
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + 3.0902 * math.sqrt(spread)) ** 3


def mean_chars(column: pa.ChunkedArray) -> float:
    """Return the mean length in characters; a null counts as 0."""
    return (pc.sum(pc.utf8_length(column)).as_py() or 0) / len(column)


#: Peak memory of a process. `ru_maxrss` won't do: it starts at the peak of the process's parent.
_PEAK = """
def peak():
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmHWM"].split()[0]) * 1024
"""


def run_fresh(script: str, *arguments: object, timeout: float = 100) -> list[int]:
    """Run a script in a new process and return the numbers it prints; `peak()` is bytes so far."""
    command = [sys.executable, "-c", _PEAK + script, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout)
    return [int(word) for word in done.stdout.split()]
