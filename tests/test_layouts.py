"""Any layout of the same rows gives the same draw: a differential fuzz against pyarrow.

Tables of random types are laid out at random (Parquet of either page version, with and without an
index, a dictionary, any codec; Arrow IPC; slices and streams in memory; folders and globs) and
drawn from. The row ids are held against the written formula, the rows against those of the table.

``FASTSAMPLE_FUZZ_SECONDS`` sets how long it runs (some seconds by default), and
``FASTSAMPLE_FUZZ_SEED`` where it begins; a failure names its seed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from data import drawn_ids

SECONDS = float(os.environ.get("FASTSAMPLE_FUZZ_SECONDS", "6"))
FIRST_SEED = int(os.environ.get("FASTSAMPLE_FUZZ_SEED", "0"))

CODECS = ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]


def some_type(rng: random.Random, depth: int = 2) -> pa.DataType:
    """Choose a type, perhaps a nested one."""
    leaves = [
        pa.int64(), pa.int16(), pa.uint8(), pa.float64(), pa.bool_(), pa.string(), pa.string(),
        pa.large_string(), pa.binary(), pa.binary(5), pa.decimal128(12, 2), pa.date32(),
        pa.timestamp("us", "UTC"), pa.string_view(), pa.dictionary(pa.int32(), pa.string()),
    ]  # fmt: skip
    kind = rng.random()
    if depth == 0 or kind < 0.6:
        return rng.choice(leaves)
    inner = some_type(rng, depth - 1)
    # Neither Parquet nor pyarrow's own writer take every type inside of others.
    if pa.types.is_dictionary(inner) or pa.types.is_string_view(inner):
        inner = pa.string()
    if kind < 0.75:
        return pa.struct([("a", inner), ("b", pa.int32())])
    if kind < 0.95:
        return pa.list_(inner)
    return pa.map_(pa.string(), inner)


def some_value(rng: random.Random, kind: pa.DataType, nulls: float) -> Any:
    """Make a value of a type, or None."""
    if rng.random() < nulls:
        return None
    if pa.types.is_struct(kind):
        return {field.name: some_value(rng, field.type, nulls) for field in kind}
    if pa.types.is_map(kind):
        return [(f"k{i}", some_value(rng, kind.item_type, nulls)) for i in range(rng.randrange(3))]
    if pa.types.is_list(kind):
        return [some_value(rng, kind.value_type, nulls) for _ in range(rng.randrange(4))]
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    if pa.types.is_fixed_size_binary(kind):
        return rng.randbytes(5)
    if pa.types.is_dictionary(kind) or kind in (pa.string(), pa.large_string(), pa.string_view()):
        return rng.choice(["", "人", "好的" * rng.randrange(40), "abc"]) + str(rng.randrange(20))
    if pa.types.is_binary(kind):
        return rng.randbytes(rng.randrange(9))
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return rng.randrange(1000)
    return rng.randrange(100)


def some_table(rng: random.Random) -> pa.Table:
    rows = rng.choice([1, 2, 50, 400, 1500])
    columns = {"id": pa.array(range(rows), pa.int64())}
    for index in range(rng.randrange(1, 4)):
        kind, nulls = some_type(rng), rng.choice([0.0, 0.1, 0.9, 1.0])
        values = [some_value(rng, kind, nulls) for _ in range(rows)]
        columns[f"c{index}"] = pa.array(values, kind)
    return pa.table(columns)


def write_parquet(rng: random.Random, table: pa.Table, path: Path) -> None:
    pq.write_table(
        table,
        path,
        version=rng.choice(["1.0", "2.6"]),
        data_page_version=rng.choice(["1.0", "2.0"]),
        compression=rng.choice(CODECS),
        use_dictionary=rng.random() < 0.6,
        row_group_size=rng.choice([1, 7, 100, 10_000]),
        data_page_size=rng.choice([1, 64, 1000, 1 << 20]),
        write_batch_size=rng.choice([1, 16, 1024]),
        dictionary_pagesize_limit=rng.choice([64, 1 << 20]),
        write_page_index=rng.random() < 0.5,
        write_page_checksum=rng.random() < 0.5,
        write_statistics=rng.random() < 0.5,
        store_schema=True,
    )


def write_ipc(rng: random.Random, table: pa.Table, path: Path) -> None:
    options = pa.ipc.IpcWriteOptions(
        compression=rng.choice([None, "lz4", "zstd"]),
        use_legacy_format=rng.random() < 0.2,
        emit_dictionary_deltas=False,
        unify_dictionaries=True,
    )
    new = rng.choice([pa.ipc.new_file, pa.ipc.new_stream])
    with new(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rng.choice([1, 13, 300, 10_000]))


def files(rng: random.Random, table: pa.Table, folder: Path) -> Any:
    """Write the rows to one or more files; return a name for them."""
    folder.mkdir()
    write, ending = rng.choice([(write_parquet, "parquet"), (write_ipc, "arrow")])
    parts = rng.choice([1, 1, 1, 3])
    ends = [0, *sorted(rng.randrange(table.num_rows + 1) for _ in range(parts - 1)), table.num_rows]
    for part, (start, end) in enumerate(pairwise(ends)):
        write(rng, table.slice(start, end - start), folder / f"{part}.{ending}")
    names = [folder / f"{part}.{ending}" for part in range(parts)]
    return rng.choice([folder, folder / f"*.{ending}", names, folder.parent / f"{folder.name}*"])


def slices(rng: random.Random, table: pa.Table, folder: Path) -> Any:
    """Cut the rows out of a longer table in memory, in pieces."""
    before, after = rng.randrange(table.num_rows + 1), rng.randrange(table.num_rows + 1)
    long = pa.concat_tables([table.slice(0, before), table, table.slice(0, after)])
    cut = long.combine_chunks().slice(before, table.num_rows)
    if rng.random() < 0.5:
        return cut.to_reader(max_chunksize=rng.choice([1, 10, 1000]))
    if rng.random() < 0.5:
        middle = rng.randrange(table.num_rows + 1)
        return pa.concat_tables([cut.slice(0, middle), cut.slice(middle)])
    return cut


LAYOUTS: list[Callable[[random.Random, pa.Table, Path], Any]] = [files, files, slices]


def check(seed: int, folder: Path) -> None:
    rng = random.Random(seed)
    table = some_table(rng)
    rows = table.num_rows
    n = rng.choice([1, rows, max(1, rows // 3), rng.randrange(rows) + 1])
    draw_seed = rng.randrange(2**64)
    expected_ids = drawn_ids(rows, n, draw_seed)
    source = rng.choice(LAYOUTS)(rng, table, folder)
    columns = None
    if rng.random() < 0.3:
        columns = rng.sample(table.column_names, rng.randrange(1, table.num_columns + 1))
    drawn = fastsample.sample(
        source, n, seed=draw_seed, columns=columns, threads=rng.choice([1, 2, None])
    )
    assert drawn.row_ids.tolist() == expected_ids
    found = drawn.to_arrow()
    found.validate(full=True)
    expected = table if columns is None else table.select(columns)
    assert found.column_names == expected.column_names
    rows = expected.to_pylist()
    assert found.to_pylist() == [rows[i] for i in expected_ids]


def test_any_layout_gives_the_same_draw(tmp_path: Path) -> None:
    end = time.monotonic() + min(SECONDS, 110)
    seed = FIRST_SEED
    while time.monotonic() < end:
        try:
            check(seed, tmp_path / str(seed))
        except Exception as error:
            pytest.fail(f"FASTSAMPLE_FUZZ_SEED={seed}: {type(error).__name__}: {error}")
        seed += 1
    assert seed > FIRST_SEED
