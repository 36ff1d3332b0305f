"""Folders of several files that became visible by one manifest: how readers find them.

``folder/_fastsample.json`` names the files and is written last. What is being written lies in
``folder/_fastsample/``. Both names are hidden to what lists data files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastsample._files import is_there
from fastsample.errors import CorruptDataError, ReadError, SourceNotFoundError

#: The manifest, and the folder of what is not committed.
MANIFEST = "_fastsample.json"
STAGING = "_fastsample"

#: The version of the keys. Others are refused.
VERSION = 1


def committed(path: Path) -> list[Path]:
    """Return the files that a folder's manifest names; the path itself if there is none."""
    if not is_there(path, Path.is_dir):
        return [path]
    manifest = read_manifest(path)
    if manifest is not None:
        return [path / file["path"] for file in manifest["files"]]
    if is_there(path / STAGING, Path.is_dir):
        raise not_committed(str(path), str(path / STAGING))
    return [path]


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder, None if it has none; all files that it names are there."""
    where = folder / MANIFEST
    try:
        manifest = parsed(str(where), where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReadError(f"{where}: cannot read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CorruptDataError(f"{where}: no manifest: {error}; write the output again") from None
    for file in manifest["files"]:
        path = folder / file["path"]
        try:
            size = path.stat().st_size
        except OSError as error:
            raise CorruptDataError(
                f"{path}: {error.strerror}, but {MANIFEST} names the file; write the output again"
            ) from None
        check_size(str(path), size, file)
    return manifest


def parsed(where: str, text: str) -> dict[str, Any]:
    """Return the manifest that a text is, of a version that is known, which names files."""
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise CorruptDataError(f"{where}: no manifest: {error}; write the output again") from None
    if not isinstance(manifest, dict) or manifest.get("manifest") != VERSION:
        raise CorruptDataError(
            f"{where}: a manifest of another version than {VERSION}; read it with the version of "
            "fastsample that wrote it, or write the output again"
        )
    files = manifest.get("files")
    if not isinstance(files, list) or not files or not all(map(_is_file, files)):
        raise CorruptDataError(f"{where}: it names no files; write the output again")
    return manifest


def check_size(path: str, size: int, file: Mapping[str, Any]) -> None:
    """Raise an error unless a file has the size that a manifest tells."""
    if size != file["bytes"]:
        raise CorruptDataError(
            f"{path}: the file has {size:,} bytes, but {file['bytes']:,} in {MANIFEST}; write "
            "the output again"
        )


def not_committed(folder: str, staging: str) -> SourceNotFoundError:
    """Return the error that says that an output was begun and not finished."""
    return SourceNotFoundError(
        f"{folder}: the folder holds the beginning of an output that was not committed; finish "
        f"it, or remove {staging}"
    )


def _is_file(file: object) -> bool:
    if not isinstance(file, Mapping):
        return False
    path, size, rows = (file.get(key) for key in ("path", "bytes", "rows"))
    is_name = isinstance(path, str) and path not in ("", ".", "..") and "/" not in path
    return is_name and isinstance(size, int) and isinstance(rows, int)
