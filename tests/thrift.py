"""A small writer of Parquet's Thrift structures, for files that no library would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: Types of the compact protocol.
TRUE, FALSE, I8, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 12


class Value(NamedTuple):
    """An encoded value and its type."""

    kind: int
    data: bytes


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def zigzag(number: int) -> bytes:
    return varint((number << 1) ^ (number >> 63))


def i16(number: int) -> Value:
    return Value(I16, zigzag(number))


def i32(number: int) -> Value:
    return Value(I32, zigzag(number))


def i64(number: int) -> Value:
    return Value(I64, zigzag(number))


def text(data: str | bytes) -> Value:
    data = data.encode() if isinstance(data, str) else data
    return Value(BINARY, varint(len(data)) + data)


def list_of(kind: int, items: Sequence[Value | bytes], claimed: int | None = None) -> Value:
    """Encode a list that claims to have as many items as it has, or `claimed`."""
    count = len(items) if claimed is None else claimed
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)
    return Value(LIST, head + b"".join(i.data if isinstance(i, Value) else i for i in items))


def struct(fields: dict[int, Value]) -> Value:
    """Encode a struct from its fields by id."""
    out, last = bytearray(), 0
    for field, value in sorted(fields.items()):
        delta = field - last
        out += (
            bytes([delta << 4 | value.kind]) if delta < 16 else bytes([value.kind]) + zigzag(field)
        )
        out += value.data
        last = field
    return Value(STRUCT, bytes(out) + b"\0")


def element(name: str | bytes, **fields: int) -> Value:
    """Encode a SchemaElement."""
    ids = {"type": 1, "length": 2, "repetition": 3, "children": 5, "converted": 6, "scale": 7}
    ids["precision"] = 8
    values = {ids[field]: i32(number) for field, number in fields.items()}
    return struct({**values, 4: text(name)})


def column(
    offset: int,
    size: int,
    values: int,
    *,
    physical: int = 6,
    codec: int = 0,
    uncompressed: int | None = None,
    dictionary: int | None = None,
) -> Value:
    """Encode a ColumnChunk."""
    meta = {
        1: i32(physical),
        2: list_of(I32, [i32(0)]),
        3: list_of(BINARY, [text("x")]),
        4: i32(codec),
        5: i64(values),
        6: i64(size if uncompressed is None else uncompressed),
        7: i64(size),
        9: i64(offset),
    }
    if dictionary is not None:
        meta[11] = i64(dictionary)
    return struct({2: i64(0), 3: struct(meta)})


def group(columns: Sequence[Value], rows: int, claimed: int | None = None) -> Value:
    """Encode a RowGroup."""
    return struct({1: list_of(STRUCT, columns, claimed), 2: i64(100), 3: i64(rows)})


def page(
    compressed: int,
    uncompressed: int,
    *,
    values: int = 0,
    kind: int = 0,
    encoding: int = 0,
    more: dict[int, Value] | None = None,
) -> bytes:
    """Encode a PageHeader of a data page of version 1 (kind 0) or of a dictionary (kind 2)."""
    data = {1: i32(values), 2: i32(encoding)}
    if kind == 0:
        data |= {3: i32(3), 4: i32(3)}
    fields = {
        1: i32(kind),
        2: i32(uncompressed),
        3: i32(compressed),
        (5 if kind == 0 else 7): struct(data),
    }
    return struct({**fields, **(more or {})}).data


def footer(
    elements: Sequence[Value],
    groups: Sequence[Value],
    rows: int,
    *,
    claimed_groups: int | None = None,
    claimed_elements: int | None = None,
    more: dict[int, Value] | None = None,
) -> bytes:
    """Encode a FileMetaData."""
    fields = {
        1: i32(1),
        2: list_of(STRUCT, elements, claimed_elements),
        3: i64(rows),
        4: list_of(STRUCT, groups, claimed_groups),
    }
    return struct({**fields, **(more or {})}).data


def parquet(body: bytes, metadata: bytes) -> bytes:
    """Assemble a file whose first page begins at byte 4."""
    return b"PAR1" + body + metadata + len(metadata).to_bytes(4, "little") + b"PAR1"


def one_column(
    pages: bytes,
    rows: int,
    *,
    physical: int = 6,
    codec: int = 0,
    repetition: int = 0,
    values: int | None = None,
    dictionary: int | None = None,
    uncompressed: int | None = None,
    **fields: int,
) -> bytes:
    """Assemble a file with one column, whose pages are given."""
    root = element("schema", children=1)
    leaf = element("x", type=physical, repetition=repetition, **fields)
    first = 4 if dictionary is None else 4 + dictionary
    chunk = column(
        first,
        len(pages) - (first - 4) if dictionary is None else len(pages),
        rows if values is None else values,
        physical=physical,
        codec=codec,
        uncompressed=uncompressed,
        dictionary=None if dictionary is None else 4,
    )
    return parquet(pages, footer([root, leaf], [group([chunk], rows)], rows))
