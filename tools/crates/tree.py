"""The dependency tree as cargo resolves it from ``Cargo.lock``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BINDING = "fastsample-python"
#: What wheels are built for. Both link the same crates; a test holds that.
PLATFORMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")


class Crate(NamedTuple):
    """A package of the dependency tree."""

    name: str
    version: str
    #: The SPDX expression of its manifest.
    licence: str
    #: The registry or repository it comes from; ``None`` for the project's own.
    source: str | None
    repository: str | None
    folder: Path
    #: Requirements on other packages as written in its manifest, with where they come from.
    requirements: tuple[tuple[str, str, str | None], ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def cargo(*arguments: str) -> str:
    """Run cargo on the locked dependency tree and return what it prints."""
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def packages() -> list[Crate]:
    """Return every package that builds and tests for the platforms of the wheels may use."""
    filters = [word for platform in PLATFORMS for word in ("--filter-platform", platform)]
    found = json.loads(cargo("metadata", "--format-version", "1", *filters))
    used = {node["id"] for node in found["resolve"]["nodes"]}
    return [
        Crate(
            package["name"],
            package["version"],
            package["license"] or "",
            package["source"],
            package["repository"],
            Path(package["manifest_path"]).parent,
            tuple((r["name"], r["req"], r["source"]) for r in package["dependencies"]),
        )
        for package in found["packages"]
        if package["id"] in used
    ]


def linked(platform: str) -> list[Crate]:
    """Return the packages of others whose code is in the shared object, sorted by name."""
    edges = ("--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe")
    lines = cargo(
        "tree", "--package", BINDING, "--target", platform, *edges, "--format", "{p}"
    ).splitlines()
    names = {tuple(line.split()[:2]) for line in lines if line.strip()}
    return sorted(
        package
        for package in packages()
        if package.source is not None and (package.name, f"v{package.version}") in names
    )
