"""The file that describes a mixture, as JSON, TOML or YAML.

The standard library reads the first two (TOML from Python 3.11 on). YAML needs PyYAML, which most
packages for training bring along.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastsample.cli._common import TYPES, schema_of
from fastsample.errors import ArgumentError, ReadError, SourceNotFoundError

_KEYS = ("name", "path", "share", "repeat", "where", "weight", "schema")

_WHOLE = ((int,), "a whole number")
#: Options of `mix` that the file may have; those of the command line come first.
_OPTIONS: dict[str, tuple[tuple[type, ...], str]] = {
    "n": _WHOLE,
    "budget_tokens": _WHOLE,
    "tokenizer": ((str,), "a text"),
    "temperature": ((int, float), "a number"),
    "smart": ((bool,), "true or false"),
    "exhausted": ((str,), "a text"),
    "max_epochs": _WHOLE,
}


def read_mixture(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a file has: pairs of paths and a share by name, and options of `mix`."""
    found = _parse(path)
    if not isinstance(found, dict) or not isinstance(found.get("sources"), list):
        raise ArgumentError(f"{path}: it must have a list of sources; write {_EXAMPLE}")
    _check_keys(path, "the file", found, ("sources", *_OPTIONS))
    options = {name: found[name] for name in _OPTIONS if name in found}
    for name, value in options.items():
        kinds, wanted = _OPTIONS[name]
        if isinstance(value, bool) != (bool in kinds) or not isinstance(value, kinds):
            raise ArgumentError(f"{path}: {name!r} is {value!r}; it must be {wanted}")
    sources: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    repeat: dict[str, int] = {}
    named: dict[str, dict[str, str]] = {"where": {}, "weight": {}}
    for number, source in enumerate(found["sources"], 1):
        where = f"source {number}"
        if not isinstance(source, dict):
            raise ArgumentError(f"{path}: {where} is {source!r}; write {_EXAMPLE}")
        _check_keys(path, where, source, _KEYS)
        name = _text(path, where, source, "name")
        if name in sources:
            raise ArgumentError(f"{path}: {where}: {name!r} is named twice")
        files = source.get("path")
        if not isinstance(files, list):
            files = [_text(path, where, source, "path")]
        if not files or not all(isinstance(file, str) and file for file in files):
            raise ArgumentError(f"{path}: {where}: path is {files!r}; it must be paths as texts")
        share = source.get("share")
        if share is not None and (isinstance(share, bool) or not isinstance(share, (int, float))):
            raise ArgumentError(f"{path}: {where}: share is {share!r}; it must be a number")
        sources[name] = (files, share)
        if (times := source.get("repeat")) is not None:
            if isinstance(times, bool) or not isinstance(times, int):
                raise ArgumentError(
                    f"{path}: {where}: repeat is {times!r}; it must be a whole number"
                )
            repeat[name] = times
        for key, of in named.items():
            if source.get(key) is not None:
                of[name] = _text(path, where, source, key)
        if (types := source.get("schema")) is not None:
            schemas[name] = _schema(path, where, types)
    by_source = {**named, "schema": schemas, "repeat": repeat}
    return sources, {**options, **{key: of or None for key, of in by_source.items()}}


def _schema(path: Path, where: str, types: Any) -> Any:
    is_sound = isinstance(types, dict) and types and all(each in TYPES for each in types.values())
    if not is_sound:
        raise ArgumentError(
            f"{path}: {where}: schema is {types!r}; it must map columns to types, which are "
            f"{', '.join(TYPES)}"
        )
    return schema_of(types)


def _parse(path: Path) -> Any:
    ending = path.suffix.lower()
    if ending not in _READERS:
        raise ArgumentError(
            f"{path}: a mixture is read from .json, .toml or .yaml; write {_EXAMPLE}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SourceNotFoundError(f"{path}: no such file; check the path") from None
    except UnicodeDecodeError:
        raise ArgumentError(f"{path}: it is not UTF-8; write it again") from None
    except OSError as error:
        raise ReadError(f"{path}: cannot read: {error.strerror}") from None
    try:
        return _READERS[ending](path, text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path}: it can't be read: {error}; write {_EXAMPLE}") from None


def _toml(path: Path, text: str) -> Any:
    try:
        import tomllib
    except ModuleNotFoundError:
        raise ArgumentError(f"{path}: TOML needs Python 3.11 or newer; write JSON") from None
    return tomllib.loads(text)


def _yaml(path: Path, text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise ArgumentError(
            f"{path}: YAML needs PyYAML; pip install pyyaml, or write JSON"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


_READERS: dict[str, Callable[[Path, str], Any]] = {
    ".json": lambda _, text: json.loads(text),
    ".toml": _toml,
    ".yaml": _yaml,
    ".yml": _yaml,
}


def _check_keys(path: Path, where: str, found: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise ArgumentError(
                f"{path}: {where} has the key {key!r}; known keys are {', '.join(known)}"
            )


def _text(path: Path, where: str, source: dict[str, Any], key: str) -> str:
    value = source.get(key)
    if not isinstance(value, str) or not value:
        found = f"is {value!r}" if key in source else "is missing"
        raise ArgumentError(f"{path}: {where}: {key} {found}; it must be a text")
    return value


_EXAMPLE = '{"sources": [{"name": "wiki", "path": "wiki.parquet", "share": 1.0}]}'
