"""Settings as small files, written in pairs: the new ones and the original ones."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fastsample._files import is_there, write_files
from fastsample.errors import ArgumentError, OutputError


def write_pair(
    path: Path,
    original: dict[str, Any],
    changed: dict[str, Any],
    overwrite: bool,
    inputs: Iterable[Path] = (),
) -> tuple[Path, Path]:
    """Write `changed` to `path` and `original` beside it: both appear, or none."""
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise ArgumentError(f"{path}: settings are written as {', '.join(_FORMS)}")
    beside = path.with_name(f"{path.stem}.original{path.suffix}")
    texts = {beside: form(original), path: form(changed)}
    for target, text in texts.items():
        if not overwrite and is_there(target) and target.read_text(encoding="utf-8") != text:
            raise OutputError(f"{target}: the file exists with other contents; choose another name")
    write_files({target: text.encode() for target, text in texts.items()}, inputs)
    return path, beside


def _json(settings: dict[str, Any]) -> str:
    return json.dumps(settings, indent=2) + "\n"


def _toml(settings: dict[str, Any]) -> str:
    # Numbers and texts look the same in JSON and TOML; TOML has no null.
    return "".join(f"{name} = {_value(value)}\n" for name, value in _known(settings))


def _yaml(settings: dict[str, Any]) -> str:
    return "".join(f"{name}: {_value(value)}\n" for name, value in _known(settings))


def _flags(settings: dict[str, Any]) -> str:
    """Return flags for a shell, one a line."""
    return "".join(f"--{name}={shlex.quote(str(value))}\n" for name, value in _known(settings))


def _known(settings: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    return ((name, value) for name, value in settings.items() if value is not None)


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # YAML 1.1 takes 1e-05 for a text, and 1.0e-05 for a number.
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")
    return text


_FORMS: dict[str, Callable[[dict[str, Any]], str]] = {
    ".toml": _toml,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".args": _flags,
}
