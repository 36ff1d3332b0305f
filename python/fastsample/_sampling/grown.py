"""Sources that have grown: whether their first files are those of an earlier draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._sampling.inputs import is_stored, told_object
from fastsample._sampling.manifest import changes
from fastsample._stored import ToldObject
from fastsample._training.mapped import fingerprint, head_fingerprint
from fastsample.errors import ArgumentError, SourceChangedError

#: Files of lines, to which more can be appended.
_LINES = (".jsonl", ".ndjson", ".csv", ".tsv")


def unchanged(found: Mapping[str, Any], opened: _fastsample.Source) -> list[dict[str, Any]]:
    """Return what a manifest says of the files of a source, which are the first of those opened.

    Raise an error that says what differs.
    """
    was_stored, now_stored = any(map(is_stored, found["files"])), bool(opened.objects)
    if was_stored != now_stored:
        places = ("on this machine", "in a store")
        raise SourceChangedError(
            f"the files of the earlier sample were {places[was_stored]}, and these are "
            f"{places[now_stored]}, so it can't be told whether they are the same; draw anew with "
            "fastsample.sample"
        )
    if now_stored:
        _check_stored(found["files"], opened.objects)
        return []
    return _unchanged(found, opened.inputs)


def _check_stored(old: Sequence[Mapping[str, Any]], objects: Sequence[ToldObject]) -> None:
    """Raise an error unless the first objects of a store are the old ones, by their ETags."""
    for before, now in zip(old, map(told_object, objects), strict=False):
        if before.get("etag") is None or now["etag"] is None:
            raise ArgumentError(
                f"{now['path']}: the server gives no ETag, so it can't be told whether this is the "
                "object of before; draw anew with fastsample.sample"
            )
    told = list(changes("", old, objects))
    if len(objects) < len(old):
        told.append(_too_few(objects, old))
    if told:
        raise _not_grown(told)


def _too_few(now: Sequence[Any], old: Sequence[Any]) -> str:
    return f"{len(now)} files, not the {len(old)} there were and new ones behind them"


def _not_grown(told: Sequence[str]) -> SourceChangedError:
    return SourceChangedError(
        f"the first files are not those of the earlier sample: {'; '.join(told)}; put new rows "
        "into files of their own, behind the others, or draw anew with fastsample.sample"
    )


def _unchanged(found: Mapping[str, Any], paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what a manifest says of local files, which are the first of `paths`.

    A file of the size and time of change that it had is taken to be the same. Of others, the hash
    tells: they were copied. The last may be a file of lines with more lines behind the old ones; it
    is not among those returned.
    """
    old, told, same = found["files"], [], []
    if len(paths) < len(old):
        told.append(_too_few(paths, old))
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
        raise _not_grown(told)
    return same
