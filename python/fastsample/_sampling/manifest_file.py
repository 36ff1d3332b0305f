"""The file of a manifest: where it is, and what it must have."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastsample._arguments import file_path
from fastsample.errors import ArgumentError, ReadError, SourceNotFoundError

#: The version of the keys. Others are refused.
VERSION = 1

#: What a manifest has: of keys the kinds of their values, of lists that of their items.
_LOCAL = {"path": str, "bytes": int, "sha256": str}
_STORED = {"path": str, "bytes": int, "etag": (str, type(None))}


def _file(value: Any) -> dict[str, Any]:
    """Return what is told of a local file, or of an object of a store."""
    return _STORED if isinstance(value, dict) and "etag" in value else _LOCAL


_OUTPUT = {"path": str, "rows": int, "bytes": int}
_FILES = {"source": [str], "files": [_file]}
_MIXED = {"sources": [{"name": str, "share": (int, float, type(None)), **_FILES}]}
_SIDE = {**_FILES, "side": str, "options": {"sizes": dict}}
_WITHOUT = {**_FILES, "without": str, "options": {"sizes": dict}}
_EPOCH = {**_FILES, "epoch": int}
#: What else manifests have, by the key that only those of a kind have; None for a sample.
_KINDS: dict[str | None, dict[str, Any]] = {
    None: _FILES,
    "sources": _MIXED,
    "side": _SIDE,
    "without": _WITHOUT,
    "epoch": _EPOCH,
}
_ALL = {
    "options": dict, "other_inputs": [_file], "rows": int, "row_ids": str, "written": dict,
    "fastsample": str, "outputs": [_OUTPUT], "source_rows": int,
}  # fmt: skip


def manifest_path(path: Path) -> Path:
    """Return where the manifest of an output is."""
    return path.with_name(path.name + ".manifest.json")


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return a manifest that was written."""
    where = file_path("manifest", path)
    try:
        found = json.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceNotFoundError(f"{where}: no such file") from None
    except OSError as error:
        raise ReadError(f"{where}: cannot read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{where}: it is no manifest, since it is no JSON: {error}") from None
    version = found.get("manifest") if isinstance(found, dict) else None
    if version is None:
        raise ArgumentError(
            f"{where}: it is no manifest; one is written by write_parquet(..., manifest=True)"
        )
    if version != VERSION:
        raise ArgumentError(f"{where}: manifest version {version}; this fastsample reads {VERSION}")
    wrong = wrong_part(found, {**_ALL, **_KINDS[kind_of(found)]}, "it")
    names = [each["name"] for each in found.get("sources", ())] if wrong is None else []
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        wrong = f"{twice[0]!r} is named twice"
    if wrong is not None:
        raise ArgumentError(f"{where}: it is no manifest: {wrong}")
    return dict(found)


def kind_of(found: Mapping[str, Any]) -> str | None:
    """Return what a manifest is of: None for a sample, else the key that only its kind has.

    A mixture has ``sources`` with names, a side of a split its ``side``, all other sides together
    the one that they are ``without``, an epoch its ``epoch``.
    """
    return next((key for key in _KINDS if key in found), None)


def wrong_part(value: Any, kind: Any, name: str) -> str | None:
    """Return what of a value is not as it must be, or None. A function says the kind of a value."""
    if callable(kind) and not isinstance(kind, type):
        kind = kind(value)
    if isinstance(kind, dict) and isinstance(value, dict):
        told = (wrong_part(value.get(key), each, repr(key)) for key, each in kind.items())
    elif isinstance(kind, list) and isinstance(value, list):
        told = (wrong_part(item, kind[0], f"an item of {name}") for item in value)
    elif isinstance(kind, (dict, list)) or isinstance(value, bool) or not isinstance(value, kind):
        return f"{name} is {value!r}"
    else:
        return None
    return next((each for each in told if each is not None), None)
