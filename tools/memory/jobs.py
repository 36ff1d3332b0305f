"""Jobs of every kind, and the data that they read."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
from fastsample import Smart

from benches.generate import generate

#: Rows of the data that most jobs read: about 75 MB of text.
ROWS = 120_000
#: Rows of the file whose rows are next to nothing: what is kept of each counts.
MANY_ROWS = 6_000_000
#: Long texts, and lists of numbers: a row has this many bytes.
LONG_BYTES = 20 << 20

Job = Callable[[Path, Path], object]


def make(folder: Path, rows: int = ROWS, many: int = MANY_ROWS, long: int = LONG_BYTES) -> None:
    """Write the data of all jobs into ``folder``."""
    folder.mkdir(parents=True)
    plain = folder / "plain.parquet"
    generate(plain, rows, row_group_rows=max(1, rows // 6))
    table = pq.read_table(plain)
    extra = {
        "kind": pa.array([f"kind {i % 7}" for i in range(rows)]),
        "author": pa.array([i // 3 for i in range(rows)]),
        "worth": pa.array([float(1 + i % 11) for i in range(rows)]),
        "codes": pa.array([[i, i + 1, i + 2] for i in range(rows)]),
    }
    for name, column in extra.items():
        table = table.append_column(name, column)
    pq.write_table(table, folder / "pairs.parquet", row_group_size=max(1, rows // 6))
    flat = table.drop_columns(["codes"])
    with pa.ipc.new_file(folder / "pairs.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, rows // 3))
    pa.csv.write_csv(flat, folder / "pairs.csv")
    lines = fastsample.sample(folder / "pairs.parquet", rows, progress=False)
    for ending in ("jsonl", "jsonl.gz", "jsonl.zst"):
        lines.write_jsonl(folder / f"pairs.{ending}")
    pq.write_table(table.slice(0, max(1, rows // 20)), folder / "target.parquet")
    code = pa.DictionaryArray.from_arrays(
        pa.array([i % 5 for i in range(many // 6)], pa.int8()), [f"a text {i}" for i in range(5)]
    )
    worth = pa.array([float(1 + i % 11) for i in range(many // 6)])
    part = pa.table({"text": code, "kind": code, "worth": worth})
    with pq.ParquetWriter(folder / "many.parquet", part.schema) as file:
        for _ in range(6):
            file.write_table(part)
    texts = pa.table({"text": ["哈" * (long // 3 + i) for i in range(6)]})
    pq.write_table(texts, folder / "long.parquet", compression="zstd", use_dictionary=False)
    with pa.ipc.new_file(folder / "long.arrow", texts.schema) as writer:
        writer.write_table(texts)
    with (folder / "long.jsonl").open("w", encoding="utf-8") as out:
        for text in texts["text"].to_pylist():
            out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    numbers = pa.array(range(long // 8))
    offsets = pa.array([0, *range(1, 20), long // 8], pa.int32())
    lists = pa.table(
        {
            "text": [f"row {i}" for i in range(20)],
            "codes": pa.ListArray.from_arrays(offsets, numbers),
        }
    )
    pq.write_table(lists, folder / "lists.parquet", use_dictionary=False)


def _draw(name: str, share: float = 0.3, **options: Any) -> Job:
    def job(data: Path, _out: Path) -> object:
        return fastsample.sample(data / name, fraction=share, **options).to_arrow()

    return job


def _written(ending: str, name: str = "pairs.parquet", **options: Any) -> Job:
    def job(data: Path, out: Path) -> object:
        drawn = fastsample.sample(data / name, fraction=0.5)
        write: dict[str, Callable[..., object]] = {
            "parquet": drawn.write_parquet,
            "arrow": drawn.write_ipc,
            "csv": drawn.write_csv,
            "jsonl": drawn.write_jsonl,
        }
        return write[ending.split(".", 1)[0]](out / f"out.{ending}", **options)

    return job


def _from_table(data: Path, _out: Path) -> object:
    table = pa.ipc.open_file(pa.memory_map(str(data / "pairs.arrow"))).read_all()
    return fastsample.sample(table, fraction=0.3).to_arrow()


def _stream(data: Path) -> pa.RecordBatchReader:
    file = pq.ParquetFile(data / "pairs.parquet")
    return pa.RecordBatchReader.from_batches(file.schema_arrow, _batches(file))


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    yield from file.iter_batches(4096)


def _rows_of(data: Path) -> int:
    return int(pq.ParquetFile(data / "pairs.parquet").metadata.num_rows)


def _from_stream(data: Path, _out: Path) -> object:
    return fastsample.sample(_stream(data), _rows_of(data) // 3).to_arrow()


def _read_by_pyarrow(data: Path, _out: Path) -> object:
    drawn = fastsample.sample(data / "pairs.parquet", fraction=0.3)
    return sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(drawn))


def _cached(data: Path, out: Path) -> object:
    rows = fastsample.sample(data / "pairs.parquet", fraction=0.3).cache(out)
    return rows[0], rows.__getitems__(list(range(0, len(rows), 7)))


def _picked(data: Path, _out: Path) -> object:
    drawn = fastsample.sample(data / "pairs.parquet", fraction=0.3)
    return len(drawn.__getitems__(list(range(len(drawn)))))


def _split(name: str = "pairs.parquet", **options: Any) -> Job:
    def job(data: Path, _out: Path) -> object:
        sides = fastsample.split(data / name, {"train": 0.8, "test": 0.1}, **options)
        return [side.row_ids for side in sides.values()]

    return job


def _mixed(data: Path, out: Path) -> object:
    sources = {"a": (data / "pairs.parquet", 0.7), "b": (data / "target.parquet", 0.3)}
    few = _rows_of(data) // 40
    return fastsample.mix(sources, few).write_parquet(out / "mix.parquet", shuffle=True)


def _epochs(data: Path, _out: Path) -> object:
    drawn = fastsample.epochs(data / "pairs.parquet", fraction=0.3, smart=True)
    return [drawn[epoch].row_ids for epoch in range(2)]


def _compared(data: Path, _out: Path) -> object:
    return fastsample.compare(data / "pairs.parquet", data / "target.parquet")


def _inspected(data: Path, _out: Path) -> object:
    return fastsample.inspect(data / "pairs.parquet")


def _scored(name: str) -> Job:
    return lambda data, _out: fastsample.score(data / name)


def _ids(**options: Any) -> Job:
    return lambda data, _out: (
        fastsample.sample(data / "many.parquet", fraction=0.9, **options).row_ids
    )


def _aimed(data: Path, out: Path) -> object:
    return _draw("pairs.parquet", smart=Smart(target=data / "target.parquet"))(data, out)


def _excluding(data: Path, out: Path) -> object:
    return _draw("pairs.parquet", exclude=data / "target.parquet")(data, out)


JOBS: dict[str, Job] = {
    "uniform to a table": _draw("pairs.parquet"),
    "smart": _draw("pairs.parquet", smart=True),
    "target": _aimed,
    "entropy": _draw("pairs.parquet", smart="entropy"),
    "by": _draw("pairs.parquet", by="kind", weights=True),
    "group": _draw("pairs.parquet", group="author"),
    "weight": _draw("pairs.parquet", weight="worth", weights=True),
    "replace": _draw("pairs.parquet", replace=True),
    "where": _draw("pairs.parquet", where="worth > 3"),
    "exclude": _excluding,
    "split": _split(),
    "split near-duplicates": _split(near_duplicates=True),
    "split groups": _split(group="author"),
    "score": _scored("pairs.parquet"),
    "compare": _compared,
    "inspect": _inspected,
    "mix, shuffled": _mixed,
    "epochs": _epochs,
    "JSON Lines": _draw("pairs.jsonl"),
    "JSON Lines, gzip": _draw("pairs.jsonl.gz"),
    "JSON Lines, Zstandard": _draw("pairs.jsonl.zst"),
    "CSV": _draw("pairs.csv"),
    "Arrow IPC": _draw("pairs.arrow"),
    "a table in memory": _from_table,
    "a stream": _from_stream,
    "read by pyarrow": _read_by_pyarrow,
    "cache and rows": _cached,
    "rows of a sample": _picked,
    "write Parquet": _written("parquet"),
    "write Parquet, shuffled": _written("parquet", shuffle=True),
    "write Parquet, shuffled on disk": _written("parquet", shuffle=True, memory_limit=8 << 20),
    "write shards of Arrow IPC": _written("arrow", shards=3, compression="zstd"),
    "write JSON Lines": _written("jsonl"),
    "write JSON Lines, Zstandard": _written("jsonl.zst"),
    "copy lines, gzip": _written("jsonl.gz", name="pairs.jsonl"),
    "write CSV": _written("csv", name="pairs.csv"),
    "many rows, ids": _ids(),
    "many rows, smart": _ids(smart=True),
    "many rows, by": _ids(by="kind"),
    "many rows, weight": _ids(weight="worth"),
    "many rows, replace": _ids(replace=True),
    "many rows, score": _scored("many.parquet"),
    "many rows, split": _split("many.parquet"),
    "many rows, written": _written("parquet", name="many.parquet"),
    "long texts": _draw("long.parquet", 1.0),
    "long texts, Arrow IPC": _draw("long.arrow", 0.5),
    "long texts, JSON Lines": _draw("long.jsonl", 1.0),
    "long texts, written": _written("jsonl.gz", name="long.parquet"),
    "long lists": _draw("lists.parquet", 1.0),
}


@functools.cache
def warm(job: str, small: Path) -> None:
    """Run a job on small data, so that everything it imports is there. It may not suit the data."""
    out = small / f"out {os.getpid()}"
    out.mkdir(exist_ok=True)
    with contextlib.suppress(fastsample.FastSampleError):
        JOBS[job](small, out)
