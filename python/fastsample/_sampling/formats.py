"""File formats by the ending of a name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fastsample.errors import ArgumentError

_PARQUET = (".parquet", ".pq", ".parq")
_IPC = (".arrow", ".feather", ".ipc", ".arrows")
_JSONL = (".jsonl", ".ndjson")

#: Endings of compressed JSON Lines behind that of the format, by codec.
COMPRESSED = {"gzip": ".gz", "zstd": ".zst"}

#: Formats that are not written: a file of such a name would not be what its name says.
_NOT_WRITTEN = (".csv", ".tsv", ".json")

_KNOWN = (
    f"Parquet files end in {', '.join(_PARQUET)}, Arrow IPC files in {', '.join(_IPC)}, JSON Lines "
    f"in {', '.join(_JSONL)}, alone or with {' or '.join(COMPRESSED.values())}"
)

Format = Literal["parquet", "ipc", "jsonl"]


def file_format(path: Path) -> Format:
    """Return the format of a file by the end of its name; without one, it is Parquet."""
    found = _by_ending(path)
    if found is not None:
        return found
    if not path.suffix:
        return "parquet"
    raise ArgumentError(f"{path}: no format is known by the ending {path.suffix!r}; {_KNOWN}")


def is_stream(path: Path) -> bool:
    """Return whether the name stands for the streaming format of Arrow IPC."""
    return path.suffix.lower() == ".arrows"


def check_ending(path: Path) -> Path:
    """Return the path of a Parquet or Arrow output unless its name promises another format."""
    if path.suffix.lower() in _NOT_WRITTEN or _by_ending(path) == "jsonl":
        raise ArgumentError(f"{path}: {path.suffix} files are not written so; {_KNOWN}")
    return path


def _by_ending(path: Path) -> Format | None:
    ending = path.suffix.lower()
    if ending in _IPC:
        return "ipc"
    if ending in _PARQUET:
        return "parquet"
    plain = path.with_suffix("") if ending in COMPRESSED.values() else path
    return "jsonl" if plain.suffix.lower() in _JSONL else None
