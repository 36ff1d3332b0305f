"""Small files made to harm: each is read or refused, soon, in little memory, and never aborts."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import thrift
from thrift import (
    BINARY,
    DOUBLE,
    LIST,
    STRUCT,
    TRUE,
    Value,
    element,
    list_of,
    one_column,
    page,
)

#: Bytes of address space that a child may use, and of memory that a file may make it use.
ADDRESS_SPACE = 2 << 30
MEMORY = 512 << 20

CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
import fastsample
try:
    rows = fastsample.inspect(sys.argv[1], lengths=False, threads=2).rows
    if rows:
        table = fastsample.sample(sys.argv[1], min(rows, 100), threads=2).to_arrow()
        table.validate(full=True)
    print("read", min(rows, 100))
except fastsample.FastSampleError as error:
    assert sys.argv[1] in str(error), error
    assert "internal error" not in str(error), error
    print(type(error).__name__, error)
with open("/proc/self/status") as status:
    lines = dict(line.split(":", 1) for line in status)
print(int(lines["VmHWM"].split()[0]) * 1024)
"""

CORRUPT, UNSUPPORTED = "CorruptDataError", "UnsupportedDataError"


def outcome(path: Path, data: bytes, space: int = ADDRESS_SPACE) -> str:
    """Read a file in a process of its own, which may crash or hang; return what it says."""
    path.write_bytes(data)
    command = [sys.executable, "-c", CHILD, str(path), str(space)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        pytest.fail("no end after 10 s")
    assert done.returncode == 0, (done.returncode, done.stderr[-800:])
    assert "panicked" not in done.stderr
    *told, peak = done.stdout.splitlines()
    assert int(peak) < MEMORY, f"{int(peak) >> 20} MiB: {told}"
    return "\n".join(told)


def deep_schema(depth: int) -> bytes:
    groups = [element(f"g{i}", children=1, repetition=0) for i in range(depth)]
    leaf = element("x", type=6, repetition=0)
    return thrift.parquet(b"", thrift.footer([*groups, leaf], [], 0))


def wide_schema(columns: int, name: int, shared: int = 0) -> bytes:
    """Make many columns with long names, below a group whose name each of their paths repeats."""
    leaves = [element(f"{i:0{name}x}", type=6, repetition=0) for i in range(columns)]
    if shared:
        leaves.insert(0, element("g" * shared, children=columns, repetition=0))
    root = element("schema", children=1 if shared else columns)
    return thrift.parquet(b"", thrift.footer([root, *leaves], [], 0))


def children(count: int) -> bytes:
    root = element("schema", children=count)
    return thrift.parquet(b"", thrift.footer([root, element("x", type=6, repetition=0)], [], 0))


def plain(values: int, size: int, header: bytes) -> bytes:
    return one_column(header + bytes(size), values)


def dictionary_entries(physical: int, entries: int) -> bytes:
    head = page(16, 16, kind=2, values=entries) + struct.pack("<I4x", 4) + bytes(8)
    data = page(10, 10, values=5, encoding=8) + b"\x01" + bytes(9)
    return one_column(head + data, 5, physical=physical, dictionary=len(head))


def skipped(field: Value) -> bytes:
    """Make a page header with an unknown field in front of eight values."""
    return one_column(page(64, 64, values=8, more={20: field}) + bytes(64), 8)


def unknown_in_footer(field: Value) -> bytes:
    sound = thrift.footer(
        [element("schema", children=1), element("x", type=6, repetition=0)], [], 0, more={30: field}
    )
    return thrift.parquet(b"", sound)


def booleans(lists: int) -> Value:
    """Make lists of 2^31 booleans, each of which takes a reader time and no byte."""
    inner = bytes([0xF0 | TRUE]) + thrift.varint(2**31 - 1)
    return list_of(LIST, [inner] * lists)


def brotli(size: int) -> bytes:
    return bytes(pa.Codec("brotli").compress(bytes(size), asbytes=True))


def claims_less(codec: int, stored: bytes) -> bytes:
    """Make a page of 13 numbers that says 104 bytes and holds far more."""
    return one_column(page(len(stored), 104, values=13) + stored, 13, physical=2, codec=codec)


def honest(codec: int, stored: bytes, size: int) -> bytes:
    """Make a page of text that holds what it says, far more than the file."""
    pages = page(len(stored), size, values=1) + stored
    return one_column(pages, 1, physical=6, codec=codec, uncompressed=size)


def text_of(size: int) -> bytes:
    return (size - 4).to_bytes(4, "little") + b"a" * (size - 4)


def delta(encoding: int, claimed: int) -> bytes:
    """Make lengths in a delta encoding: 128 values in 4 miniblocks, so many values, the first 0."""
    body = b"\x80\x01\x04" + thrift.varint(claimed) + b"\x00" + b"\x00\x00\x00\x00\x00" * 8
    pages = page(len(body), len(body), values=10, encoding=encoding) + body
    return one_column(pages, 10, physical=6)


def long_prefixes(size: int, values: int) -> bytes:
    """Write DELTA_BYTE_ARRAY: a long text, which each of the following shares as its prefix."""
    sink = io.BytesIO()
    table = pa.table({"x": ["a" * size] * values})
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=False,
        column_encoding={"x": "DELTA_BYTE_ARRAY"},
        data_page_size=1 << 30,
    )
    return sink.getvalue()


def one_dictionary_entry(size: int, values: int) -> bytes:
    """Write a long text in a dictionary, to which every row refers."""
    sink = io.BytesIO()
    text = pa.DictionaryArray.from_arrays(
        pa.array([0] * values, pa.int32()), pa.array(["a" * size])
    )
    pq.write_table(
        pa.table({"x": text.cast(pa.string()) if size * values < 1 << 31 else text}),
        sink,
        compression="zstd",
    )
    return sink.getvalue()


def repeated_levels(values: int) -> bytes:
    """Make a list of numbers in one row: levels as two runs, numbers as one of a dictionary."""

    def run(count: int, level: int) -> bytes:
        return thrift.varint(count << 1) + bytes([level])

    repetition = run(1, 0) + run(values - 1, 1)
    definition = run(values, 1)
    levels = b"".join(len(part).to_bytes(4, "little") + part for part in (repetition, definition))
    body = levels + b"\x01" + run(values, 0)
    head = page(8, 8, kind=2, values=1) + bytes(8)
    pages = head + page(len(body), len(body), values=values, encoding=8) + body
    return one_column(pages, 1, repetition=2, values=values, dictionary=len(head), uncompressed=100)


def fixed_width(width: int) -> bytes:
    """Make nulls of a fixed width, in a run of levels."""
    levels = thrift.varint(1000 << 1) + b"\x00"
    body = len(levels).to_bytes(4, "little") + levels
    pages = page(len(body), len(body), values=1000) + body
    return one_column(pages, 1000, physical=7, repetition=1, length=width)


def missing_values(width: int) -> bytes:
    """Make values of a fixed width that are not there."""
    levels = thrift.varint(2000 << 1) + b"\x01"
    body = len(levels).to_bytes(4, "little") + levels
    pages = page(len(body), len(body), values=2000) + body
    return one_column(pages, 2000, physical=7, repetition=1, length=width)


def decimal(precision: int, scale: int = 0) -> bytes:
    pages = page(80, 80, values=10) + bytes(80)
    return one_column(pages, 10, physical=2, converted=5, precision=precision, scale=scale)


def no_groups(claimed: int) -> bytes:
    elements = [element("schema", children=1), element("x", type=6, repetition=0)]
    return thrift.parquet(b"", thrift.footer(elements, [], 0, claimed_groups=claimed))


def bytes_for_a_number() -> bytes:
    """Make a footer whose version is a text, which some readers take for a number."""
    sound = thrift.footer([element("schema", children=0)], [], 0, more={1: thrift.text("\x02" * 9)})
    return thrift.parquet(b"", sound)


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "schema 10,000 deep": (lambda: deep_schema(10_000), UNSUPPORTED),
    "schema 61 deep": (lambda: deep_schema(61), UNSUPPORTED),
    "2^31 children": (lambda: children(2**31 - 1), CORRUPT),
    "fewer than no children": (lambda: children(-1), CORRUPT),
    "names in every path": (lambda: wide_schema(20_000, 4, 100_000), UNSUPPORTED),
    "100,000 columns": (lambda: wide_schema(100_000, 1), "read 0"),
    "2^31 row groups": (lambda: no_groups(2**31 - 1), CORRUPT),
    "2^31 texts in a dictionary": (lambda: dictionary_entries(6, 2**31 - 1), CORRUPT),
    "2^31 numbers in a dictionary": (lambda: dictionary_entries(2, 2**31 - 1), CORRUPT),
    "page of 2 GiB": (lambda: plain(8, 64, page(2**31 - 1, 2**31 - 1, values=8)), CORRUPT),
    "zstd page of 2 GiB": (
        lambda: one_column(page(64, 2**31 - 1, values=8) + bytes(64), 8, codec=6),
        CORRUPT,
    ),
    "snappy page of 2 GiB": (
        lambda: one_column(page(64, 2**31 - 1, values=8) + bytes(64), 8, codec=1),
        CORRUPT,
    ),
    "lz4 page of 2 GiB": (
        lambda: one_column(page(64, 2**31 - 1, values=8) + bytes(64), 8, codec=7),
        CORRUPT,
    ),
    "page of -1 bytes": (lambda: plain(8, 64, page(-1, 64, values=8)), CORRUPT),
    "page of -1 values": (lambda: plain(8, 64, page(64, 64, values=-1)), CORRUPT),
    "page of 2^31 values": (lambda: plain(8, 64, page(64, 64, values=2**31 - 1)), CORRUPT),
    "skipped doubles": (lambda: skipped(list_of(DOUBLE, [], 2**31 - 1)), CORRUPT),
    "skipped booleans": (lambda: skipped(booleans(500)), CORRUPT),
    "skipped text": (lambda: skipped(Value(BINARY, thrift.varint(2**40))), CORRUPT),
    "skipped structs": (lambda: skipped(Value(STRUCT, b"\x1c" * 1000)), CORRUPT),
    "doubles in a footer": (lambda: unknown_in_footer(list_of(DOUBLE, [], 2**31 - 1)), CORRUPT),
    "booleans in a footer": (lambda: unknown_in_footer(booleans(500)), CORRUPT),
    "structs in a footer": (lambda: unknown_in_footer(Value(STRUCT, b"\x1c" * 10_000)), CORRUPT),
    "text for a number": (bytes_for_a_number, CORRUPT),
    "brotli beyond its header": (lambda: claims_less(4, brotli(1200 << 20)), CORRUPT),
    "gzip beyond its header": (lambda: claims_less(2, gzip.compress(bytes(250 << 20), 1)), CORRUPT),
    "brotli as it says": (lambda: honest(4, brotli(1200 << 20), 1200 << 20), UNSUPPORTED),
    "delta lengths": (lambda: delta(6, 2**31 - 1), CORRUPT),
    "delta prefixes": (lambda: delta(7, 2**31 - 1), CORRUPT),
    "delta of more than 64 bits": (lambda: delta(6, 2**70), CORRUPT),
    "long prefixes": (lambda: long_prefixes(1 << 20, 1000), UNSUPPORTED),
    "values of one list": (lambda: repeated_levels(2**31 - 1), UNSUPPORTED),
    "fixed width of 2 GiB": (lambda: fixed_width(2**31 - 1), UNSUPPORTED),
    "fixed width of nothing": (lambda: fixed_width(0), CORRUPT),
    "fixed width of 1 MiB": (lambda: fixed_width(1 << 20), "read 100"),
    "77 digits": (lambda: decimal(77), CORRUPT),
    "no digits": (lambda: decimal(0), CORRUPT),
    "more digits behind the point": (lambda: decimal(5, 6), CORRUPT),
    "digits": (lambda: decimal(18, 6), "read 10"),
    "plain numbers": (
        lambda: one_column(page(64, 64, values=8) + bytes(64), 8, physical=2),
        "read 8",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_small_parquet_file(tmp_path: Path, name: str) -> None:
    build, expected = FILES[name]
    data = build()
    assert len(data) < 1_200_000
    assert outcome(tmp_path / "data.parquet", data).startswith(expected)


def ipc(table: pa.Table, codec: str | None = None, stream: bool = False) -> bytes:
    sink = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def claiming(codec: str, claimed: int) -> bytes:
    """Write an IPC file whose largest buffer claims to hold so many bytes."""
    rows = 5_000
    data = bytearray(ipc(pa.table({"x": range(rows)}), codec))
    length = (rows * 8).to_bytes(8, "little")
    assert data.count(length) >= 1
    at = data.index(length)
    while bytes(data[at + 8 : at + 12]) not in (b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"):
        at = data.index(length, at + 1)
    data[at : at + 8] = claimed.to_bytes(8, "little")
    return bytes(data)


def zeros(codec: str, megabytes: int) -> bytes:
    """Write an IPC file of zeros, which compress well."""
    zeros = pa.Array.from_buffers(
        pa.int64(), megabytes << 17, [None, pa.py_buffer(bytes(megabytes << 20))]
    )
    return ipc(pa.table({"x": zeros}), codec)


def nested(depth: int) -> bytes:
    kind = pa.int8()
    for _ in range(depth):
        kind = pa.struct([("a", kind)])
    return ipc(pa.table({"x": pa.array([None], kind)}))


IPC_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "lz4 of 43 GiB": (lambda: claiming("lz4", 43 << 30), CORRUPT),
    "zstd of 43 GiB": (lambda: claiming("zstd", 43 << 30), CORRUPT),
    "lz4 of 500 times its bytes": (lambda: claiming("lz4", 500 * 40_000), CORRUPT),
    "zstd of 2^63 - 1 bytes": (lambda: claiming("zstd", 2**63 - 1), CORRUPT),
    "64 MiB of zeros": (lambda: zeros("zstd", 64), "read 100"),
    "900 MiB of zeros": (lambda: zeros("zstd", 900), UNSUPPORTED),
    "nested 61 levels deep": (lambda: nested(61), ""),
    "nested 40 levels deep": (lambda: nested(40), "read 1"),
}


@pytest.mark.parametrize("name", IPC_FILES)
def test_small_ipc_file(tmp_path: Path, name: str) -> None:
    build, expected = IPC_FILES[name]
    data = build()
    assert len(data) < 1_200_000
    told = outcome(tmp_path / "data.arrow", data)
    if expected:
        assert told.startswith(expected), told
    else:
        assert "Error" in told


def test_one_long_text_in_a_dictionary(tmp_path: Path) -> None:
    """Rows that refer to one text of a megabyte are read in pieces, not all at once."""
    data = one_dictionary_entry(1 << 20, 100)
    assert outcome(tmp_path / "data.parquet", data).startswith("read 100")


def test_wide_values_that_are_not_there(tmp_path: Path) -> None:
    """Telling which column is damaged takes no more memory than reading it."""
    data = missing_values(578_140)
    assert outcome(tmp_path / "data.parquet", data, 1000 << 20).startswith(CORRUPT)
