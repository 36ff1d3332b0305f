"""Type-check the core and the binding for other systems, whose standard libraries rustup has.

::

    rustup target add x86_64-pc-windows-gnu aarch64-apple-darwin
    make check-targets

Zig compiles what is C in the crates. Nothing is linked or run: code for Windows and macOS is held
against their types and signatures, no more.
"""

from __future__ import annotations

import argparse
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.crates import tree

#: Targets of the wheels that have a standard library to check against, as Zig calls them.
TARGETS = {
    "x86_64-pc-windows-gnu": "x86_64-windows-gnu",
    "aarch64-apple-darwin": "aarch64-macos",
    "x86_64-apple-darwin": "x86_64-macos",
    "aarch64-unknown-linux-gnu": "aarch64-linux-gnu.2.28",
    "aarch64-unknown-linux-musl": "aarch64-linux-musl",
    "x86_64-unknown-linux-musl": "x86_64-linux-musl",
}

#: Zig has names of its own for targets, so those that come with a call are left out.
_COMPILER = """\
#!/bin/sh
for word; do
    case "$word" in --target=*) ;; *) set -- "$@" "$word" ;; esac
    shift
done
exec {python} -m ziglang cc -target {target} "$@"
"""
_ARCHIVER = '#!/bin/sh\nexec {python} -m ziglang ar "$@"\n'


def installed() -> set[str]:
    """Return the targets whose standard libraries are there."""
    command = ["rustup", "target", "list", "--installed"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tree.ROOT)
    return set(done.stdout.split())


def tool(path: Path, text: str) -> str:
    """Write a script that can be run, and return its path."""
    path.write_text(text, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def check(target: str, folder: Path) -> bool:
    """Type-check for a target; return whether there was neither an error nor a warning."""
    told = {"python": sys.executable, "target": TARGETS[target]}
    name = target.replace("-", "_")
    variables = {
        f"CC_{name}": tool(folder / f"cc-{target}", _COMPILER.format_map(told)),
        f"AR_{name}": tool(folder / f"ar-{target}", _ARCHIVER.format_map(told)),
        # The binding is built against the stable ABI, without an interpreter of the target.
        "PYO3_CROSS": "1",
        "PYO3_CROSS_PYTHON_VERSION": "3.11",
        "PYO3_NO_PYTHON": "1",
        # An extension is a shared library, of musl too.
        "RUSTFLAGS": "-D warnings" + " -C target-feature=-crt-static" * ("musl" in target),
        "CARGO_TARGET_DIR": str(tree.ROOT / "target" / "check"),
    }
    command = ["cargo", "check", "--workspace", "--locked", "--target", target]
    return subprocess.run(command, cwd=tree.ROOT, env=os.environ | variables).returncode == 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the targets that are there, and say which are not."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("targets", nargs="*", help=f"some of {', '.join(TARGETS)}")
    chosen = options.parse_args(arguments).targets or list(TARGETS)
    if unknown := sorted(set(chosen) - set(TARGETS)):
        options.error(f"unknown: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    there = installed()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            target: check(target, Path(folder)) if target in there else None for target in chosen
        }
    words = {True: "sound", False: "does not pass", None: "no standard library here"}
    for target, is_sound in found.items():
        print(f"{target}: {words[is_sound]}")
    if not any(found.values()) or False in found.values():
        raise SystemExit(1)


if __name__ == "__main__":
    main()
