"""File formats by the ending of a name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fastsample.errors import ArgumentError

_PARQUET = (".parquet", ".pq", ".parq")
_IPC = (".arrow", ".feather", ".ipc", ".arrows")

#: Formats that are not written: a file of such a name would not be what its name says.
_NOT_WRITTEN = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")

_KNOWN = f"Parquet files end in {', '.join(_PARQUET)}, Arrow IPC files in {', '.join(_IPC)}"


def file_format(path: Path) -> Literal["parquet", "ipc"]:
    """Return the format of a file by the end of its name; without one, it is Parquet."""
    ending = path.suffix.lower()
    if ending in _IPC:
        return "ipc"
    if ending in _PARQUET or not ending:
        return "parquet"
    raise ArgumentError(f"{path}: no format is known by the ending {path.suffix!r}; {_KNOWN}")


def is_stream(path: Path) -> bool:
    """Return whether the name stands for the streaming format of Arrow IPC."""
    return path.suffix.lower() == ".arrows"


def check_ending(path: Path) -> Path:
    """Return the path of an output unless its name promises another format."""
    if path.suffix.lower() in _NOT_WRITTEN:
        raise ArgumentError(f"{path}: {path.suffix} files are not written; {_KNOWN}")
    return path
