"""Build wheel and sdist of HEAD twice and compare their bytes.

The two builds share the sources of the registry and nothing else: each has a clone, a target folder
and a home of cargo in a place of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.crates import tree

PLACES = ("first", "another/folder/of/another/length")


def build(place: Path) -> dict[str, str]:
    """Clone HEAD into ``place``, build there, and return the SHA-256 of every file by its name."""
    registry = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry"
    home, clone = place / "home", place / "clone"
    home.mkdir(parents=True)
    (home / "registry").symlink_to(registry.resolve())
    subprocess.run(["git", "clone", "--quiet", tree.ROOT, clone], check=True)
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in {"CARGO_TARGET_DIR", "RUSTFLAGS", "MAKEFLAGS", "MAKELEVEL"}
    }
    command = ["make", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/installed", "wheel"]
    subprocess.run(command, cwd=clone, check=True, env=variables | {"CARGO_HOME": str(home)})
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((clone / "dist").iterdir())
    }


def main() -> None:
    """Build twice, print the sums, and fail if they differ."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--keep", type=Path, help="build in this folder and keep what is built")
    keep = options.parse_args().keep
    with tempfile.TemporaryDirectory() as folder:
        first, second = (build((keep or Path(folder)) / place) for place in PLACES)
    for name in sorted(first | second):
        print(f"{name}: {first.get(name)} {second.get(name)}")
    same = bool(first) and first == second
    print("the same bytes" if same else "DIFFERENT bytes")
    raise SystemExit(not same)


if __name__ == "__main__":
    main()
