"""Manifests: what made the rows of a file, and the same rows again."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._arguments import file_path
from fastsample._remote import remote_files
from fastsample._sampling.smart import ONE_TARGET, Smart, targets_of
from fastsample._source import SourceLike
from fastsample._training.mapped import fingerprint, head_fingerprint
from fastsample.errors import ArgumentError, ReadError, SourceChangedError, SourceNotFoundError

#: The version of the keys. Others are refused.
VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """The arguments of a draw, as plain values: paths as they were given, and options by name.

    `known` are files whose hashes are known, and `aside` files that had no part in the choice,
    though rows are read from them.
    """

    source: list[str]
    options: dict[str, Any]
    known: list[dict[str, Any]] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)


def recipe(source: SourceLike, options: Mapping[str, Any]) -> Recipe | str:
    """Return the arguments of a draw as plain values, or why they can't be written down."""
    # Their files are hashed, which those of a store can't be without reading them whole.
    if remote_files(source) is not None:
        return "its rows come from an object store, not from local files"
    paths = _paths(source)
    if paths is None:
        return "its rows come from an object in memory, not from files"
    found = dict(options)
    smart = found["smart"]
    if isinstance(smart, Smart):
        kinds: dict[str | None, tuple[str, SourceLike]] = {
            name: ("target", each) for name, each in targets_of(smart).items()
        }
        if smart.avoid is not None:
            kinds[None] = ("avoid", smart.avoid)
        given: dict[str | None, list[str]] = {}
        for name, (option, each) in kinds.items():
            if remote_files(each) is not None:
                return f"{option}= of its smart draw lies in an object store, not in local files"
            given_paths = _paths(each)
            if given_paths is None:
                return f"{option}= of its smart draw is an object in memory, not a file"
            given[name] = given_paths
        avoid = given.pop(None, None)
        target = given if isinstance(smart.target, Mapping) else given.get(ONE_TARGET)
        found["smart"] = {**asdict(smart), "target": target, "avoid": avoid}
    if found["exclude"] is not None:
        if any(remote_files(each) is not None for each in found["exclude"]):
            return "its exclude lies in an object store, not in local files"
        listed = [_paths(each) for each in found["exclude"]]
        if None in listed:
            return "its exclude is an object in memory, not a file"
        found["exclude"] = [paths[0] if len(paths) == 1 else paths for paths in listed if paths]
    if found["tokenizer"] is not None:
        found["tokenizer"] = os.fsdecode(found["tokenizer"])
    if found["schema"] is not None:
        found["schema"] = base64.b64encode(found["schema"].serialize()).decode()
    return Recipe(paths, found)


def manifest_path(path: Path) -> Path:
    """Return where the manifest of an output is."""
    return path.with_name(path.name + ".manifest.json")


def described(
    native: _fastsample.Sample, made: Recipe, written: Mapping[str, Any], files: Sequence[Any]
) -> dict[str, Any]:
    """Return what made the rows of a file: enough to draw them again, and to tell if they differ.

    `written` are options of the output, `files` what was written. All inputs whose hashes are not
    known are read for them.
    """
    paths = native.paths
    others = [path for path in native.inputs if path not in [*paths, *made.aside]]
    known = {Path(each["path"]): each for each in made.known}
    return {
        "manifest": VERSION,
        "fastsample": _fastsample.__version__,
        "source": made.source,
        "options": made.options,
        "files": [_file(path, known.get(path)) for path in paths],
        "other_inputs": [_file(path) for path in others],
        "source_rows": native.source_rows,
        "rows": len(native),
        "row_ids": rows_digest(native),
        "written": dict(written),
        "outputs": [
            {"path": str(file.path), "rows": file.rows, "bytes": file.bytes} for file in files
        ],
    }


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return a manifest that was written."""
    where = file_path("manifest", path)
    try:
        found = json.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceNotFoundError(f"{where}: no such file") from None
    except OSError as error:
        raise ReadError(f"{where}: cannot read: {error.strerror}") from None
    except ValueError as error:
        raise ArgumentError(f"{where}: it is no manifest, since it is no JSON: {error}") from None
    version = found.get("manifest") if isinstance(found, dict) else None
    if version is None:
        raise ArgumentError(
            f"{where}: it is no manifest; one is written by write_parquet(..., manifest=True)"
        )
    kinds: dict[str, type] = {
        "source": list, "options": dict, "files": list, "other_inputs": list, "rows": int,
        "row_ids": str, "written": dict, "fastsample": str, "outputs": list,
        "source_rows": int,
    }  # fmt: skip
    if version != VERSION:
        raise ArgumentError(f"{where}: manifest version {version}; this fastsample reads {VERSION}")
    for name, kind in kinds.items():
        if not isinstance(found.get(name), kind):
            raise ArgumentError(f"{where}: it is no manifest: {name!r} is {found.get(name)!r}")
    return dict(found)


def options_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a draw that a manifest has."""
    options = dict(found["options"])
    if isinstance(options.get("smart"), dict):
        options["smart"] = Smart(**options["smart"])
    if options.get("schema") is not None:
        import pyarrow as pa

        encoded = pa.py_buffer(base64.b64decode(options["schema"]))
        options["schema"] = pa.ipc.read_schema(encoded)
    if isinstance(options.get("allocation"), list):
        shares = {tuple(values): share for values, share in options["allocation"]}
        options["allocation"] = shares
    return options


def differences(found: Mapping[str, Any], native: _fastsample.Sample) -> list[str]:
    """Return how the inputs of a draw differ from those of a manifest, a sentence each."""
    told = []
    paths = native.paths
    others = [path for path in native.inputs if path not in paths]
    for name, what, now in (("files", "source", paths), ("other_inputs", "other input", others)):
        before = found[name]
        if len(before) != len(now):
            told.append(f"{len(now)} {what} files, not {len(before)}")
        for old, path in zip(before, now, strict=False):
            size = path.stat().st_size
            if size != old["bytes"]:
                told.append(f"{path}: {size:,} bytes, not {old['bytes']:,}")
            elif fingerprint(path) != old["sha256"]:
                told.append(f"{path}: as long as before, but with other content")
    return told


def check_same(found: Mapping[str, Any], native: _fastsample.Sample) -> None:
    """Raise an error that says what differs if a draw has other inputs or rows."""
    told = differences(found, native)
    if told:
        raise SourceChangedError(f"the inputs are not those of the manifest: {'; '.join(told)}")
    if (len(native), rows_digest(native)) != (found["rows"], found["row_ids"]):
        raise SourceChangedError(
            f"other rows were drawn out of the same inputs: fastsample {found['fastsample']} made "
            f"the manifest, this is {_fastsample.__version__}"
        )


def rows_digest(native: _fastsample.Sample) -> str:
    """Return a hash of the ids of all rows, in order."""
    import pyarrow as pa

    return hashlib.sha256(pa.array(native.row_ids()).to_numpy().tobytes()).hexdigest()


#: Files of lines, to which more can be appended.
_LINES = (".jsonl", ".ndjson", ".csv", ".tsv")


def unchanged(found: Mapping[str, Any], paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what a manifest says of the files of a source, which are the first of `paths`.

    A file of the size and time of change that it had is taken to be the same. Of others, the hash
    tells: they were copied. The last may be a file of lines with more lines behind the old ones; it
    is not among those returned. Raise an error that says what differs.
    """
    old, told, same = found["files"], [], []
    if len(paths) < len(old):
        told.append(f"{len(paths)} files, not the {len(old)} there were and new ones behind them")
    for before, path in zip(old, paths, strict=False):
        now = path.stat()
        is_longer = before is old[-1] and now.st_size > before["bytes"]
        if is_longer and path.suffix.lower() in _LINES:
            if head_fingerprint(path, before["bytes"]) != before["sha256"]:
                told.append(f"{path}: not the old lines and new ones behind them")
        elif now.st_size != before["bytes"]:
            told.append(f"{path}: {now.st_size:,} bytes, not {before['bytes']:,}")
        elif before.get("modified") != now.st_mtime_ns and fingerprint(path) != before["sha256"]:
            told.append(f"{path}: as long as before, but with other content")
        else:
            same.append({**before, "path": str(path), "modified": now.st_mtime_ns})
    if told:
        raise SourceChangedError(
            f"the first files are not those of the earlier sample: {'; '.join(told)}; put new rows "
            "into files of their own, behind the others, or draw anew with fastsample.sample"
        )
    return same


def _file(path: Path, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what is told of a file; its hash may be known, if it has not changed since."""
    now = path.stat()
    if known is not None and (known["bytes"], known["modified"]) == (now.st_size, now.st_mtime_ns):
        digest = known["sha256"]
    else:
        digest = fingerprint(path)
    facts = {"path": str(path), "bytes": now.st_size, "modified": now.st_mtime_ns}
    return {**facts, "sha256": digest}


def _paths(source: SourceLike) -> list[str] | None:
    """Return paths as they were given, or None for an object with rows."""
    listed = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(listed, (list, tuple)):
        return None
    if not all(isinstance(each, (str, os.PathLike)) for each in listed):
        return None
    return [os.fsdecode(each) for each in listed]
