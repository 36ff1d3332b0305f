"""Provenance: what made the rows of an output, as its own metadata tells."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._remote import find, remote_files
from fastsample._sampling.inputs import difference, is_stored, sizes_alone, told_object
from fastsample._sampling.recipe import Recipe
from fastsample._stored import ToldObject
from fastsample.errors import FastSampleError

#: The version of the keys. Others are refused.
VERSION = 1

#: Files of a source that are listed; of more there are the number, the bytes and one fingerprint.
_LISTED = 16

#: Characters of the whole text. What is longer than that has no options.
_LONGEST = 1 << 16

#: Options that name files.
_PATHS = ("tokenizer", "exclude")
_SMART_PATHS = ("target", "avoid")


@dataclass(frozen=True)
class Origin:
    """Rows, what drew them, and how they are written; of a cache what is `told` of its rows."""

    native: _fastsample.Sample
    made: Recipe
    seed: int
    written: Mapping[str, Any]
    told: dict[str, Any] | None = None

    # Each path is made anew whenever the core is asked for it, and there may be many.
    @cached_property
    def paths(self) -> list[Path]:
        """The files of the rows."""
        return self.native.paths

    @cached_property
    def others(self) -> list[Path]:
        """Files that had a part in the choice, and have no rows of it."""
        return _others(self.native.inputs, self.paths, self.made)


def provenances(origins: Sequence[Origin], threads: int | None) -> list[str]:
    """Return what outputs tell of what made them. Each file is looked at once for all of them."""
    return [_text(each) for each in described(origins, threads)]


def described(origins: Sequence[Origin], threads: int | None) -> list[dict[str, Any]]:
    """Return what made the rows, as plain values, the same wherever and whenever they are drawn."""
    listed = dict.fromkeys(path for each in origins for path in _all_files(each))
    found = _facts([path for path in listed if path.is_file()], threads)
    return [_described(each, found) for each in origins]


def _all_files(origin: Origin) -> Iterator[Path]:
    if origin.told is not None:
        return
    yield from origin.paths
    yield from origin.others
    for each in origin.made.mixed:
        yield from each.files


def _described(origin: Origin, facts: Mapping[Path, dict[str, Any]]) -> dict[str, Any]:
    native, made = origin.native, origin.made
    if origin.told is not None:
        return {**origin.told, "written": dict(origin.written)}
    parents = {path: hashed(text) for path, text in native.provenances}

    def told(paths: Iterable[Path], objects: Iterable[ToldObject] = ()) -> Any:
        files = [_file(path, facts, parents) for path in paths]
        return _files([*files, *(_object(each, parents) for each in objects)])

    sources: dict[str, Any] = {"files": told(origin.paths, native.objects)}
    if made.mixed:
        mixed = [
            {
                "name": each.name,
                "share": each.share,
                "files": told(each.files, each.objects),
            }
            for each in made.mixed
        ]
        sources = {"sources": mixed}
    least = {
        "provenance": VERSION,
        "fastsample": _fastsample.__version__,
        "seed": origin.seed,
        "source_rows": native.source_rows,
        "rows": len(native),
        "row_ids": native.row_ids_digest(),
        "written": dict(origin.written),
    }
    whole = {
        **least,
        **sources,
        **made.part,
        "options": _named(made.options),
        "other_inputs": told(origin.others, made.objects),
        "untold": made.untold,
    }
    if len(_text(whole)) > _LONGEST:
        return {**least, "untold": f"what made it takes more than {_LONGEST:,} characters"}
    return whole


def _text(found: Mapping[str, Any]) -> str:
    return as_json({**found, "checksum": hashed(as_json(found))})


def as_json(found: Mapping[str, Any]) -> str:
    """Return plain values as JSON, in one way; an object in memory is told by its type."""
    text = json.dumps(
        found,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
        default=lambda value: type(value).__name__,
    )
    # Names of files need not be text: what is none is escaped, as JSON has it.
    return text.encode("utf-8", "backslashreplace").decode()


def hashed(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def other_inputs(native: _fastsample.Sample, made: Recipe) -> list[Path]:
    """Return files that had a part in the choice, and have no rows of it."""
    return _others(native.inputs, native.paths, made)


def _others(inputs: Iterable[Path], paths: Iterable[Path], made: Recipe) -> list[Path]:
    apart = {*paths, *made.aside}
    return [path for path in dict.fromkeys(inputs) if path not in apart]


def _facts(paths: Sequence[Path], threads: int | None) -> dict[Path, dict[str, Any]]:
    """Return what is told of files that are there."""
    found = _fastsample.fingerprints(paths, threads)
    return {
        path: {"name": path.name, "bytes": size, "fingerprint": text}
        for path, (size, text) in zip(paths, found, strict=True)
    }


def _file(
    path: Path, facts: Mapping[Path, dict[str, Any]], parents: Mapping[Path, str]
) -> dict[str, Any]:
    """Return what is told of a file, and of what made it."""
    told = facts.get(path) or {"name": path.name, "bytes": 0, "fingerprint": ""}
    return {**told, "provenance": parents[path]} if path in parents else told


def _object(told: ToldObject, parents: Mapping[Path, str]) -> dict[str, Any]:
    """Return what is told of an object of a store, and of what made it."""
    facts = told_object(told)
    named = {"name": facts.pop("path").rpartition("/")[2], **facts}
    path = Path(told[0])
    return {**named, "provenance": parents[path]} if path in parents else named


def _files(files: list[dict[str, Any]]) -> Any:
    return files if len(files) <= _LISTED else summary(files)


def summary(files: Any) -> dict[str, Any]:
    """Return the number, the bytes and one fingerprint of files, or one of the ETags of objects.

    There is none of objects of which some have no ETag.
    """
    if isinstance(files, dict):
        return files
    stored = any(map(is_stored, files))
    key = "etag" if stored else "fingerprint"
    prints = [[each["bytes"], each.get(key)] for each in files]
    is_known = all(each.get(key) is not None for each in files)
    return {
        "count": len(files),
        "bytes": sum(each["bytes"] for each in files),
        "etags" if stored else key: hashed(json.dumps(prints)) if is_known else None,
    }


def _name(path: str) -> str:
    """Return the name of a file, folder or glob without what it lies in."""
    return Path(os.path.abspath(path)).name  # noqa: PTH100 - keeps what `..` stands for


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the names of files in place of their paths."""
    found = with_paths(options, _name)
    if isinstance(found.get("smart"), dict):
        found["smart"] = with_paths(found["smart"], _name, _SMART_PATHS)
    return found


def with_paths(
    options: Mapping[str, Any], each: Any, names: Sequence[str] = _PATHS
) -> dict[str, Any]:
    """Return options, of which those that name files have something else for each path."""

    def changed(value: Any) -> Any:
        if isinstance(value, str):
            return each(value)
        if isinstance(value, Mapping):
            return {name: changed(paths) for name, paths in value.items()}
        return [changed(path) for path in value] if isinstance(value, (list, tuple)) else value

    return {name: changed(value) if name in names else value for name, value in options.items()}


def differences(found: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the inputs of a draw differ from those that made an output, a sentence each."""
    for name, what, before, after in _inputs_of(found, now):
        yield from _changes(name, before, after, what)


def only_sizes(found: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return a sentence on inputs of which nothing but the size could be compared, or None."""
    return sizes_alone(
        (what, old, new)
        for _, kind, before, after in _inputs_of(found, now)
        for what, old, new in _pairs(before, after, kind)
    )


def _inputs_of(
    found: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[str, str, Any, Any]]:
    for (name, before), (_, after) in zip(files_of(found), files_of(now), strict=True):
        yield name, "source files", before, after
    yield "", "other input files", found["other_inputs"], now["other_inputs"]


def differences_at(found: Mapping[str, Any], source: Any, threads: int | None) -> Iterator[str]:
    """Yield how inputs that are there differ, if a source is a list of files, or in a store."""
    sources = [paths for paths, _ in source.values()] if isinstance(source, dict) else [source]
    for (name, before), paths in zip(files_of(found), sources, strict=True):
        now = _there(paths, threads)
        if now is not None:
            yield from _changes(name, before, _files(now), "source files")


def _there(source: Any, threads: int | None) -> list[dict[str, Any]] | None:
    """Return what is told of the files of a source, if it is a list of them, or in a store."""
    if isinstance(source, list) and all(Path(path).is_file() for path in source):
        files = [Path(path) for path in source]
        facts = _facts(files, threads)
        return [facts[path] for path in files]
    try:
        remote = remote_files(source)
        return None if remote is None else [_object(each[:5], {}) for each in find(remote)[0]]
    except FastSampleError:
        return None


def files_of(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the files of each source; with the beginning of a sentence about one of a mixture."""
    if "sources" in found:
        return [(f"{each['name']}: ", each["files"]) for each in found["sources"]]
    return [("", found["files"])]


def _changes(name: str, before: Any, now: Any, what: str) -> Iterator[str]:
    old, new = summary(before), summary(now)
    if old["count"] != new["count"]:
        yield f"{name}{new['count']} {what}, not {old['count']}"
        return
    for each, was, is_now in _pairs(before, now, what):
        if (how := difference(was, is_now)) is not None:
            yield f"{name}{each}: {how}"


def _pairs(before: Any, now: Any, what: str) -> list[tuple[str, Any, Any]]:
    """Return names of inputs, what was told of them and what is now; `what` if they are many."""
    if isinstance(before, list) and isinstance(now, list):
        return [(new["name"], old, new) for old, new in zip(before, now, strict=True)]
    return [(what, summary(before), summary(now))]
