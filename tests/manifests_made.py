"""Manifests of tests: how they are read, and what none may be taken for."""

import json
from pathlib import Path
from typing import Any

import fastsample
import pytest
from fastsample import SourceChangedError


def read(path: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def check_other_rows_are_told(manifest: Path | str, other: Path) -> None:
    """Write a manifest with another seed to `other`, which draws other rows than it names."""
    made = read(manifest)
    made["options"]["seed"] = 43
    other.write_text(json.dumps({**made, "fastsample": "0.0.1"}), encoding="utf-8")
    with pytest.raises(SourceChangedError, match=r"other rows .* fastsample 0\.0\.1 made"):
        fastsample.reproduce(other)
