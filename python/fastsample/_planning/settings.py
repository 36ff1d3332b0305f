"""Settings as small TOML or JSON files, written in pairs: the new ones and the original ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastsample._files import write_files
from fastsample.errors import ArgumentError, OutputError


def write_pair(
    path: Path,
    original: dict[str, Any],
    changed: dict[str, Any],
    overwrite: bool,
    inputs: Iterable[Path] = (),
) -> tuple[Path, Path]:
    """Write `changed` to `path` and `original` beside it: both appear, or none."""
    form = {".toml": _toml, ".json": _json}.get(path.suffix.lower())
    if form is None:
        raise ArgumentError(f"{path}: settings are written as .toml or .json")
    beside = path.with_name(f"{path.stem}.original{path.suffix}")
    texts = {beside: form(original), path: form(changed)}
    for target, text in texts.items():
        if not overwrite and target.exists() and target.read_text(encoding="utf-8") != text:
            raise OutputError(f"{target}: the file exists with other contents; choose another name")
    write_files({target: text.encode() for target, text in texts.items()}, inputs)
    return path, beside


def _json(settings: dict[str, Any]) -> str:
    return json.dumps(settings, indent=2) + "\n"


def _toml(settings: dict[str, Any]) -> str:
    # Numbers and plain words look the same in JSON and TOML; TOML has no null.
    known = {name: value for name, value in settings.items() if value is not None}
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in known.items())
