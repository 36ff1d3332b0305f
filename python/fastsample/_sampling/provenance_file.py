"""The provenance of an output: read from the file, and the files that it names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._remote import is_url
from fastsample._sampling.inputs import is_stored
from fastsample._sampling.manifest_file import wrong_part
from fastsample._sampling.provenance import VERSION, as_json, files_of, hashed, with_paths
from fastsample.errors import (
    ArgumentError,
    CorruptDataError,
    SourceChangedError,
    SourceNotFoundError,
)

#: What files that have metadata begin with: Parquet, Arrow IPC, its streaming format.
_BEGINNINGS = (b"PAR1", b"ARRO", b"\xff\xff\xff\xff")

_LOCAL = {"name": str, "bytes": int, "fingerprint": str}
_STORED = {"name": str, "bytes": int, "etag": (str, type(None))}
_MANY_LOCAL = {"count": int, "bytes": int, "fingerprint": str}
_MANY_STORED = {"count": int, "bytes": int, "etags": (str, type(None))}
_LEAST = {
    "fastsample": str, "seed": int, "source_rows": int, "rows": int, "row_ids": str,
    "written": {"shards": int},
}  # fmt: skip
_PARTS = {"side": str, "without": str, "epoch": int}


def tells_itself(path: Path) -> bool:
    """Return whether a file is of a format that may tell what made it."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _BEGINNINGS
    except OSError:  # told by whoever opens it
        return False


def read_provenance(path: Path, threads: int | None) -> dict[str, Any]:
    """Return what made the rows of an output."""
    opened = _fastsample.Source.from_paths([path], None, threads, None)
    told = dict(opened.provenances).get(path)
    if told is None:
        raise ArgumentError(
            f"{path}: it does not tell what made it; fastsample writes that into Parquet and Arrow "
            "files unless provenance=False, and beside any file with manifest=True"
        )
    try:
        found = json.loads(told)
        version = found.get("provenance") if isinstance(found, dict) else None
        wrong = None if version is not None and version != VERSION else _wrong(found)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is no JSON: {error}") from None
    if wrong is not None:
        raise damaged(path, wrong)
    if version != VERSION:
        raise ArgumentError(
            f"{path}: provenance version {version!r}; this fastsample reads {VERSION}"
        )
    if found["untold"] is not None:
        raise ArgumentError(f"{path}: its rows can't be drawn again, since {found['untold']}")
    rows, shards = found["rows"], max(1, found["written"]["shards"])
    if opened.rows not in (rows // shards, -(-rows // shards)):
        of_each = "" if shards == 1 else f" in {shards} files"
        raise SourceChangedError(
            f"{path}: it has {opened.rows:,} rows, but what it tells is of {rows:,}{of_each}; "
            "another program kept some of the rows, and the metadata"
        )
    return dict(found)


def damaged(path: Path, what: str) -> CorruptDataError:
    """Return the error that says what of a provenance can't be."""
    return CorruptDataError(
        f"{path}: what it tells of what made it is damaged: {what}; write the file again"
    )


def _wrong(found: Any) -> str | None:
    """Return what of a provenance is not as it must be, or None."""
    if not isinstance(found, dict) or found.get("provenance") != VERSION:
        return "it has no version"
    rest = {name: value for name, value in found.items() if name != "checksum"}
    if found.get("checksum") != hashed(as_json(rest)):
        return "its checksum is another one"
    wrong = wrong_part(found, _LEAST, "it")
    if wrong is None and not isinstance(found.get("untold", ""), (str, type(None))):
        wrong = f"'untold' is {found.get('untold', '')!r}"
    if wrong is not None or found.get("untold") is not None:
        return wrong
    shape: dict[str, Any] = {"options": dict, "other_inputs": _shape(found.get("other_inputs"))}
    if "sources" in found:
        shape["sources"] = [{"name": str, "share": (int, float, type(None))}]
    else:
        shape["files"] = _shape(found.get("files"))
    shape |= {name: kind for name, kind in _PARTS.items() if name in found}
    wrong = wrong_part(found, shape, "it")
    if wrong is None and "sources" in found:
        told = (
            wrong_part(each, {"files": _shape(each.get("files"))}, "it")
            for each in found["sources"]
        )
        wrong = next((each for each in told if each is not None), None)
    return wrong


def _shape(files: Any) -> Any:
    """Return what must be told of files, or of objects of a store; of many in one."""
    if isinstance(files, dict):
        return _MANY_STORED if is_stored(files) else _MANY_LOCAL
    return [lambda each: _STORED if isinstance(each, dict) and is_stored(each) else _LOCAL]


def located(found: Mapping[str, Any], output: Path, moved: Any) -> tuple[Any, dict[str, Any]]:
    """Return the source, or those of a mixture by name, and the options with paths of files.

    `moved` is where the source is: a folder with its files, or what `sample` takes; by default the
    folder of the output.
    """
    folders = [*_folders(moved), output.parent]

    def path_of(name: str) -> str:
        _check_name(output, name)
        there = [where / name for where in folders]
        return str(next((path for path in there if path.exists()), there[0]))

    options = with_paths(found["options"], path_of)
    if isinstance(options.get("smart"), dict):
        options["smart"] = with_paths(options["smart"], path_of, ("target", "avoid"))
    if "sources" not in found:
        return _source(found["files"], output, moved, folders), options
    named = dict(moved) if isinstance(moved, Mapping) else {}
    sources = {}
    for (_, files), each in zip(files_of(found), found["sources"], strict=True):
        where = named.pop(each["name"], None if isinstance(moved, Mapping) else moved)
        sources[each["name"]] = (_source(files, output, where, folders), each["share"])
    if named:
        raise ArgumentError(
            f"source has {next(iter(named))!r}, but the sources of the mixture are "
            f"{', '.join(map(repr, sources))}"
        )
    return sources, options


def _folders(moved: Any) -> list[Path]:
    """Return the folders that are named, and those of files that are."""
    if is_url(moved):
        return []
    if isinstance(moved, (str, os.PathLike)):
        path = Path(moved)
        return [path if path.is_dir() else path.parent]
    named = moved.values() if isinstance(moved, Mapping) else moved
    listed = named if isinstance(named, Iterable) else ()
    return list(dict.fromkeys(folder for each in listed for folder in _folders(each)))


def _source(files: Any, output: Path, moved: Any, folders: Sequence[Path]) -> Any:
    """Return the files of a source by their names, or the source that was named."""
    names = [each["name"] for each in files] if isinstance(files, list) else []
    for name in names:
        _check_name(output, name)
    stored = is_stored(files) if isinstance(files, dict) else any(map(is_stored, files))
    is_folder = moved is None or (isinstance(moved, (str, os.PathLike)) and Path(moved).is_dir())
    if names and is_folder and len(set(names)) == len(names):
        there = [folders[0] / name for name in names]
        missing = [path for path in there if not path.exists()]
        if not missing:
            return [str(path) for path in there]
        if stored and moved is None:
            raise _nowhere(output, files)
        if moved is None or len(missing) < len(names):
            raise SourceNotFoundError(
                f"{missing[0]}: no such file; {output} was drawn from {', '.join(names)}: name the "
                "folder that has them, or the files, as the source"
            )
    if stored and moved is None:
        raise _nowhere(output, files)
    if moved is None:
        what = f"{files['count']:,} files" if isinstance(files, dict) else "files of one name"
        raise ArgumentError(
            f"{output} was drawn from {what}, which it can't tell apart by name; name them, or "
            "their folder, as the source"
        )
    return moved


def _nowhere(output: Path, files: Any) -> ArgumentError:
    count = files["count"] if isinstance(files, dict) else len(files)
    return ArgumentError(
        f"{output} was drawn from {count:,} files in an object store or on a web server, and does "
        "not tell where; name their URL as the source"
    )


def _check_name(output: Path, name: str) -> None:
    """Refuse a name that leads out of the folder in which it is looked for."""
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise damaged(output, f"{name!r} is no name of a file")
