"""The compressed pages of a Parquet file, found without decoding anything.

A column chunk is pages back to back, each behind a header in Thrift's compact protocol::

    ┌────────┬───────────────┬────────┬───────────────┬─
    │ header │ dictionary    │ header │ data page     │ ...   all of it total_compressed_size bytes
    └────────┴───────────────┴────────┴───────────────┴─

The reader here knows as much of Thrift as a page header needs. It is meant for well-formed files
that this folder made, as an oracle for speed, not as a Parquet reader.

Format: https://github.com/apache/parquet-format (``PageHeader`` in ``parquet.thrift``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

CODECS: Final = {
    "UNCOMPRESSED": None,
    "SNAPPY": "snappy",
    "GZIP": "gzip",
    "ZSTD": "zstd",
    "LZ4": "lz4_raw",  # the metadata of pyarrow calls LZ4_RAW so
    "LZ4_RAW": "lz4_raw",
    "BROTLI": "brotli",
}
"""Parquet's names of the codecs, and pyarrow's."""

# Thrift compact protocol: types of fields.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
# PageHeader and DataPageHeaderV2: field ids.
_UNCOMPRESSED_SIZE, _COMPRESSED_SIZE, _HEADER_V2 = 2, 3, 8
_DEFINITION_LENGTH, _REPETITION_LENGTH, _IS_COMPRESSED = 5, 6, 7

Value = int | bool | bytes | list["Value"] | dict[int, "Value"] | None


class Thrift:
    """A cursor over bytes in Thrift's compact protocol. Doubles and maps are not read."""

    def __init__(self, data: memoryview, position: int = 0) -> None:
        self.data = data
        self.position = position

    def varint(self) -> int:
        """Read an unsigned integer, seven bits a byte, low bits first."""
        result = shift = 0
        while True:
            byte = self.data[self.position]
            self.position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
            shift += 7

    def zigzag(self) -> int:
        """Read a signed integer."""
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def value(self, kind: int) -> Value:
        """Read one value of the given type."""
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind == _BYTE:
            self.position += 1
            return self.data[self.position - 1]
        if kind in (_I16, _I32, _I64):
            return self.zigzag()
        if kind == _BINARY:
            size = self.varint()
            self.position += size
            return bytes(self.data[self.position - size : self.position])
        if kind in (_LIST, _SET):
            head = self.data[self.position]
            self.position += 1
            size = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 0x0F) for _ in range(size)]
        if kind == _STRUCT:
            return self.struct()
        raise ValueError(f"thrift type {kind} in a page header at byte {self.position}")

    def struct(self) -> dict[int, Value]:
        """Read the fields of a struct, by id."""
        fields: dict[int, Value] = {}
        field = 0
        while head := self.data[self.position]:
            self.position += 1
            step = head >> 4
            field = field + step if step else self.zigzag()
            fields[field] = self.value(head & 0x0F)
        self.position += 1
        return fields


@dataclass(frozen=True)
class Page:
    """Where the compressed part of a page lies, and what becomes of it.

    Levels that a version 2 page keeps uncompressed are not part of it.
    """

    codec: str | None
    begin: int
    size: int
    decompressed_size: int


def _integer(fields: dict[int, Value], field: int) -> int:
    value = fields[field]
    if not isinstance(value, int):
        raise TypeError(f"field {field} of a page header is {value!r}, not an integer")
    return value


def _chunk_pages(data: memoryview, codec: str | None, begin: int, end: int) -> Iterator[Page]:
    """Yield the pages of the column chunk that lies from ``begin`` to ``end``."""
    position = begin
    while position < end:
        cursor = Thrift(data, position)
        header = cursor.struct()
        start = cursor.position
        size = _integer(header, _COMPRESSED_SIZE)
        position = start + size
        plain = _integer(header, _UNCOMPRESSED_SIZE)
        used = codec
        second = header.get(_HEADER_V2)
        if isinstance(second, dict):
            levels = _integer(second, _DEFINITION_LENGTH) + _integer(second, _REPETITION_LENGTH)
            start, size, plain = start + levels, size - levels, plain - levels
            used = codec if second.get(_IS_COMPRESSED, True) else None
        yield Page(used, start, size, plain)


def find_pages(path: Path, columns: Sequence[str] | None = None) -> tuple[pa.Buffer, list[Page]]:
    """Map a file and find the pages of its columns.

    Parameters
    ----------
    path
        A Parquet file.
    columns
        Names of top-level columns; None for all.

    Returns
    -------
    The bytes of the file, memory-mapped, and the pages in file order.
    """
    metadata = pq.read_metadata(path)
    with pa.memory_map(str(path)) as mapped:
        buffer = mapped.read_buffer()
    data = memoryview(buffer).cast("B")
    pages: list[Page] = []
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            if columns is not None and chunk.path_in_schema.split(".")[0] not in columns:
                continue
            begin = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                begin = min(begin, chunk.dictionary_page_offset)
            end = begin + chunk.total_compressed_size
            pages.extend(_chunk_pages(data, CODECS[chunk.compression], begin, end))
    return buffer, pages
