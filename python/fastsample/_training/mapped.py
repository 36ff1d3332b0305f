"""Rows of Arrow IPC files mapped into memory, and the fingerprints by which they are known."""

from __future__ import annotations

import errno
import hashlib
import mmap
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample.errors import OutOfMemoryError, SourceNotFoundError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_FILE_MAGIC = b"ARROW1"
_PARQUET_MAGIC = b"PAR1"

#: Bytes read at once for a fingerprint.
_BLOCK_BYTES = 1 << 20


class MappedRows(ABC):
    """Rows of a file that every process maps into memory. Pickled, they are a path."""

    _path: Path
    _table: pa.Table

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._table.num_rows)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def __fastsample_inputs__(self) -> list[Path]:
        return [self._path]

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._table.schema

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the whole file, in hexadecimal, which identifies the rows.

        It takes about a second a gigabyte, once in a process.
        """
        return fingerprint(self._path)

    def to_arrow(self) -> pa.Table:
        """Return all rows as a pyarrow table that refers to the mapped file."""
        return self._table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the rows as an Arrow C stream."""
        return self._table.__arrow_c_stream__(requested_schema)

    @abstractmethod
    def lengths(self) -> npt.NDArray[np.uint32]:
        """Return the length of each row, in a unit of their own."""


def map_file(path: Path) -> pa.Table:
    """Map a file into memory. No column is read."""
    import pyarrow as pa

    try:
        with path.open("rb") as file:
            start = file.read(len(_FILE_MAGIC))
        if start.startswith(_PARQUET_MAGIC):
            raise SourceTypeError(
                f"{path}: a Parquet file, which can't be mapped; draw its rows with "
                "fastsample.sample, and cache() them"
            )
        is_file = start == _FILE_MAGIC
        source = _memory_map(path)
        reader = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source)
        table = reader.read_all()
        table.validate()
    except FileNotFoundError:
        raise SourceNotFoundError(f"{path}: no such file; it may have been removed") from None
    except IsADirectoryError:
        raise SourceTypeError(f"{path}: it is a folder; name a file") from None
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise OutOfMemoryError(
                f"{path}: no memory to map it ({error}); raise the limit (ulimit -v, that of the "
                "container)"
            ) from None
        raise SourceTypeError(
            f"{path}: can't be mapped as Arrow IPC ({error}); remove it and write it again, "
            "for example with Sample.cache()"
        ) from None
    return table


def _memory_map(path: Path) -> pa.NativeFile:
    """Map a file whose name need not be UTF-8, which pyarrow demands."""
    import pyarrow as pa

    if not is_unicode(path):
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.BufferReader(pa.py_buffer(mapped))
    return pa.memory_map(str(path))


def is_unicode(path: Path) -> bool:
    """Return whether a path is text; on Linux it may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def fingerprint(path: Path) -> str:
    """Return a hash of a file, computed once as long as the file is not changed."""
    try:
        found = path.stat()
        return _fingerprint(path, found.st_size, found.st_mtime_ns)
    except FileNotFoundError:
        raise SourceNotFoundError(f"{path}: no such file; it may have been removed") from None


def head_fingerprint(path: Path, size: int) -> str | None:
    """Return a hash of the first bytes of a file of lines; None if they do not end a line."""
    digest, left, last = hashlib.sha256(), size, b""
    with path.open("rb") as file:
        while left and (block := file.read(min(left, _BLOCK_BYTES))):
            digest.update(block)
            left, last = left - len(block), block[-1:]
    return digest.hexdigest() if last == b"\n" else None


@cache
def _fingerprint(path: Path, size: int, changed: int) -> str:
    del size, changed  # parts of the key
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
