"""Formats of the output: by the ending of a name, and with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fastsample._arguments import choice, optional, string, whole
from fastsample._fastsample import Format
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

FormatName = Literal["parquet", "ipc", "jsonl"]


def file_format(path: Path) -> FormatName:
    """Return the format of a file by the end of its name; without one, it is Parquet."""
    found = _by_ending(path)
    if found is not None:
        return found
    if not path.suffix:
        return "parquet"
    raise ArgumentError(f"{path}: no format is known by the ending {path.suffix!r}; {_KNOWN}")


def parquet(
    path: Path,
    *,
    compression: str = "zstd",
    compression_level: int | None = None,
    row_group_size: int | None = None,
) -> Format:
    """Return Parquet with these options, unless the name promises another format."""
    _check_ending(path)
    return Format.parquet(
        compression=string("compression", compression),
        compression_level=_level(compression_level),
        row_group_size=optional(whole, "row_group_size", row_group_size, least=1),
    )


def ipc(path: Path, *, compression: str = "none") -> Format:
    """Return Arrow IPC, as a stream if the name says so, unless it promises another format."""
    _check_ending(path)
    stream = path.suffix.lower() == ".arrows"
    return Format.ipc(compression=string("compression", compression), stream=stream)


def jsonl(path: Path, *, compression_level: int | None = None) -> Format:
    """Return JSON Lines, compressed as the name says."""
    return Format.jsonl(path, compression_level=_level(compression_level))


def compressed(codec: str) -> str:
    """Return the ending that stands for the compression of a file of lines."""
    return {"none": "", **COMPRESSED}[choice("compression", codec, ["none", *COMPRESSED])]


def _level(level: int | None) -> int | None:
    return optional(whole, "compression_level", level, least=-128, most=127)


def _check_ending(path: Path) -> None:
    if path.suffix.lower() in _NOT_WRITTEN or _by_ending(path) == "jsonl":
        raise ArgumentError(f"{path}: {path.suffix} files are not written so; {_KNOWN}")


def _by_ending(path: Path) -> FormatName | None:
    ending = path.suffix.lower()
    if ending in _IPC:
        return "ipc"
    if ending in _PARQUET:
        return "parquet"
    plain = path.with_suffix("") if ending in COMPRESSED.values() else path
    return "jsonl" if plain.suffix.lower() in _JSONL else None
