"""Formats of the output: by the ending of a name, and with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fastsample._arguments import choice, optional, string, whole
from fastsample._fastsample import Format
from fastsample.errors import ArgumentError

FormatName = Literal["parquet", "ipc", "jsonl", "csv"]

_PARQUET = (".parquet", ".pq", ".parq")
_IPC = (".arrow", ".feather", ".ipc", ".arrows")
_JSONL = (".jsonl", ".ndjson")
_CSV = (".csv", ".tsv")

#: Endings of compressed files of lines behind that of the format, by codec.
COMPRESSED = {"gzip": ".gz", "zstd": ".zst"}

#: Endings of CSV by the delimiter.
DELIMITED = {",": ".csv", "\t": ".tsv"}

_PLAIN_LINES: dict[str, FormatName] = {
    **dict.fromkeys(_JSONL, "jsonl"),
    **dict.fromkeys(_CSV, "csv"),
}

#: Endings of files of lines, compressed or not, with the format and the codec of each.
LINES = {
    ending + behind: (name, codec)
    for ending, name in _PLAIN_LINES.items()
    for codec, behind in {"none": "", **COMPRESSED}.items()
}

_KNOWN = (
    f"Parquet files end in {', '.join(_PARQUET)}, Arrow IPC files in {', '.join(_IPC)}, JSON Lines "
    f"in {', '.join(_JSONL)}, CSV in {', '.join(_CSV)}, the last two alone or with "
    f"{' or '.join(COMPRESSED.values())}"
)


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


def csv(path: Path, *, compression_level: int | None = None) -> Format:
    """Return CSV or TSV, and compressed or not, as the name says."""
    return Format.csv(path, compression_level=_level(compression_level))


def by_ending(path: Path, compression: str | None = None) -> Format:
    """Return the format that the name promises, with a codec where the name says none."""
    kind = file_format(path)
    if kind in ("jsonl", "csv"):
        if compression is not None:
            raise ArgumentError(
                f"compression is {compression!r}; that of JSON Lines and CSV is in the name: end "
                f"it in .{kind}.gz or .{kind}.zst"
            )
        return jsonl(path) if kind == "jsonl" else csv(path)
    make = parquet if kind == "parquet" else ipc
    return make(path) if compression is None else make(path, compression=compression)


def with_label(path: Path, label: str) -> Path:
    """Return the path with a label before its ending: ``train-epoch0.jsonl.gz``."""
    name = path.name
    ending = next((end for end in LINES if name.lower().endswith(end)), path.suffix)
    return path.with_name(
        f"{name[: len(name) - len(ending)]}-{label}{name[len(name) - len(ending) :]}"
    )


def compressed(codec: str) -> str:
    """Return the ending that stands for the compression of a file of lines."""
    return {"none": "", **COMPRESSED}[choice("compression", codec, ["none", *COMPRESSED])]


def _level(level: int | None) -> int | None:
    return optional(whole, "compression_level", level, least=-128, most=127)


def _check_ending(path: Path) -> None:
    found = _by_ending(path)
    # A JSON file of one value is no format of ours.
    if found in ("jsonl", "csv") or path.suffix.lower() == ".json":
        raise ArgumentError(f"{path}: {path.suffix} files are not written so; {_KNOWN}")


def _by_ending(path: Path) -> FormatName | None:
    ending = path.suffix.lower()
    if ending in _IPC:
        return "ipc"
    if ending in _PARQUET:
        return "parquet"
    name = path.name.lower()
    return next((found for end, (found, _) in LINES.items() if name.endswith(end)), None)
