"""Any layout of the same rows gives the same draw: a differential fuzz against pyarrow.

Tables of random types are laid out at random (Parquet of either page version, with and without an
index, a dictionary, any codec and encoding; Arrow IPC; slices and streams in memory; folders and
globs) and drawn from with any number of threads. The row ids are held against the written formula,
the rows against what pyarrow reads from the same layout, and against the table.

``FASTSAMPLE_LAYOUT_SECONDS`` sets how long it runs: some seconds of the same cases by default, else
cases that begin at a random seed. A failure prints the ``FASTSAMPLE_LAYOUT_SEED`` that repeats it.
"""

from __future__ import annotations

import os
import random
import shutil
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

#: In all. Half of the cases run in each of two tests, which may run side by side.
SECONDS = float(os.environ.get("FASTSAMPLE_LAYOUT_SECONDS", "6"))
IS_LONG = "FASTSAMPLE_LAYOUT_SECONDS" in os.environ
FIRST_SEED = int(os.environ.get("FASTSAMPLE_LAYOUT_SEED", random.getrandbits(32) if IS_LONG else 0))

CODECS = ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]

LEAVES = [
    pa.int64(), pa.int16(), pa.uint8(), pa.uint64(), pa.float64(), pa.float32(), pa.bool_(),
    pa.string(), pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.binary(5),
    pa.decimal128(12, 2), pa.decimal256(40, 2), pa.date32(), pa.time64("us"),
    pa.timestamp("us", "UTC"), pa.string_view(), pa.dictionary(pa.int32(), pa.string()), pa.null(),
]  # fmt: skip

#: Encodings for columns without a dictionary.
ENCODINGS = {
    pa.int64(): ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    pa.int16(): ["PLAIN", "DELTA_BINARY_PACKED"],
    pa.float64(): ["PLAIN", "BYTE_STREAM_SPLIT"],
    pa.bool_(): ["PLAIN", "RLE"],
    pa.string(): ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    pa.binary(5): ["PLAIN", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"],
}


def some_type(rng: random.Random, depth: int = 3) -> pa.DataType:
    """Choose a type, perhaps a nested one."""
    kind = rng.random()
    if depth == 0 or kind < 0.5:
        return rng.choice(LEAVES)
    inner = some_type(rng, depth - 1)
    # Neither Parquet nor pyarrow's own writer take every type inside of others.
    if pa.types.is_dictionary(inner) or pa.types.is_string_view(inner) or pa.types.is_null(inner):
        inner = pa.string()
    if kind < 0.7:
        return pa.struct([("a", inner), ("b", pa.int32())])
    if kind < 0.85:
        return rng.choice([pa.list_(inner), pa.large_list(inner)])
    if kind < 0.95:
        return pa.list_(inner, 2)
    return pa.map_(pa.string(), inner)


def some_value(rng: random.Random, kind: pa.DataType, nulls: float) -> Any:
    """Make a value of a type, or None."""
    if rng.random() < nulls:
        return None
    if pa.types.is_struct(kind):
        return {field.name: some_value(rng, field.type, nulls) for field in kind}
    if pa.types.is_map(kind):
        return [(f"k{i}", some_value(rng, kind.item_type, nulls)) for i in range(rng.randrange(3))]
    if pa.types.is_null(kind):
        return None
    if pa.types.is_fixed_size_list(kind):
        return [some_value(rng, kind.value_type, nulls) for _ in range(kind.list_size)]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [some_value(rng, kind.value_type, nulls) for _ in range(rng.randrange(4))]
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    if pa.types.is_fixed_size_binary(kind):
        return rng.randbytes(5)
    if pa.types.is_dictionary(kind) or kind in (pa.string(), pa.large_string(), pa.string_view()):
        return rng.choice(["", "人", "好的" * rng.randrange(40), "abc"]) + str(rng.randrange(20))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
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
    encodings = {
        field.name: rng.choice(ENCODINGS[field.type])
        for field in table.schema
        if field.type in ENCODINGS and rng.random() < 0.5
    }
    dictionaries = [name for name in table.column_names if name not in encodings]
    pq.write_table(
        table,
        path,
        column_encoding=encodings or None,
        version=rng.choice(["1.0", "2.6"]),
        data_page_version=rng.choice(["1.0", "2.0"]),
        compression=rng.choice(CODECS),
        use_dictionary=dictionaries if encodings else rng.random() < 0.6,
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


#: A layout: what to draw from, and how pyarrow reads it.
Layout = tuple[Any, Callable[[], pa.Table]]


def files(rng: random.Random, table: pa.Table, folder: Path) -> Layout:
    """Write the rows to one or more files; return a name for them."""
    folder.mkdir()
    write, ending = rng.choice([(write_parquet, "parquet"), (write_ipc, "arrow")])
    parts = rng.choice([1, 1, 1, 3])
    ends = [0, *sorted(rng.randrange(table.num_rows + 1) for _ in range(parts - 1)), table.num_rows]
    for part, (start, end) in enumerate(pairwise(ends)):
        write(rng, table.slice(start, end - start), folder / f"{part}.{ending}")
    names = [folder / f"{part}.{ending}" for part in range(parts)]
    named = rng.choice([folder, folder / f"*.{ending}", names, folder.parent / f"{folder.name}*"])
    read = pq.read_table if ending == "parquet" else read_ipc
    return named, lambda: pa.concat_tables([read(name) for name in names])


def read_ipc(path: Path) -> pa.Table:
    with path.open("rb") as file:
        is_file = file.read(6) == b"ARROW1"
        file.seek(0)
        return (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file).read_all()


def slices(rng: random.Random, table: pa.Table, _: Path) -> Layout:
    """Cut the rows out of a longer table in memory, in pieces."""
    before, after = rng.randrange(table.num_rows + 1), rng.randrange(table.num_rows + 1)
    long = pa.concat_tables([table.slice(0, before), table, table.slice(0, after)])
    cut = long.combine_chunks().slice(before, table.num_rows)
    if rng.random() < 0.5:
        return cut.to_reader(max_chunksize=rng.choice([1, 10, 1000])), lambda: cut
    if rng.random() < 0.5:
        middle = rng.randrange(table.num_rows + 1)
        pieces = pa.concat_tables([cut.slice(0, middle), cut.slice(middle)])
        return pieces, lambda: pieces
    return cut, lambda: cut


LAYOUTS: list[Callable[[random.Random, pa.Table, Path], Layout]] = [files, files, slices]


def taken(table: pa.Table, ids: list[int]) -> list[dict[str, Any]]:
    """Return rows of a table, not by `take`, which errs in slices of nested fixed-size lists."""
    rows = table.to_pylist()
    return [rows[i] for i in ids]


def check(seed: int, folder: Path) -> bool:
    """Hold one draw against the formula, the table and pyarrow; False if pyarrow cannot read it."""
    rng = random.Random(seed)
    table = some_table(rng)
    rows = table.num_rows
    n = rng.choice([1, rows, max(1, rows // 3), rng.randrange(rows) + 1])
    draw_seed = rng.randrange(2**64)
    expected_ids = drawn_ids(rows, n, draw_seed)
    source, read = rng.choice(LAYOUTS)(rng, table, folder)
    columns = table.column_names
    if rng.random() < 0.3:
        columns = rng.sample(columns, rng.randrange(1, table.num_columns + 1))
    drawn = fastsample.sample(
        source, n, seed=draw_seed, columns=columns, threads=rng.choice([1, 2, 5, None])
    )
    assert drawn.row_ids.tolist() == expected_ids
    found = drawn.to_arrow()
    found.validate(full=True)
    assert found.to_pylist() == taken(table.select(columns), expected_ids)
    try:
        by_pyarrow = read().select(columns)
    except pa.ArrowInvalid:
        # Maps of one row each, for example: the reader finds fewer rows than were written.
        return False
    assert found.schema.equals(by_pyarrow.schema), (found.schema, by_pyarrow.schema)
    assert found.to_pylist() == taken(by_pyarrow, expected_ids)
    return True


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("half", [0, 1])
def test_any_layout_gives_the_same_draw(half: int, tmp_path: Path) -> None:
    end = time.monotonic() + SECONDS / 2
    seed = first = FIRST_SEED + half
    unread = 0
    while time.monotonic() < end or seed == first:
        folder = tmp_path / str(seed)
        try:
            unread += not check(seed, folder)
        except Exception as error:
            pytest.fail(f"FASTSAMPLE_LAYOUT_SEED={seed}: {type(error).__name__}: {error}")
        shutil.rmtree(folder, ignore_errors=True)
        seed += 2
    cases = (seed - first) // 2
    assert unread <= 1 + cases // 25, f"pyarrow did not read {unread} of {cases} layouts"
    print(f"{cases} cases from FASTSAMPLE_LAYOUT_SEED={first}; pyarrow did not read {unread}")
