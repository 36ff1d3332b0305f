"""Hold the dependency tree to ``deny.toml``: licences, sources, bans.

cargo-deny does the same and more. It is some hundred crates to compile, so continuous integration
runs this, which reads the same lists.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from tools.crates import licence, tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def rules() -> dict[str, Any]:
    """Read ``deny.toml``."""
    return tomllib.loads((tree.ROOT / "deny.toml").read_text())


def violations(crates: Iterable[tree.Crate], rules: dict[str, Any]) -> Iterator[str]:
    """Yield a line for everything that the rules forbid."""
    allowed = rules["licenses"]["allow"]
    registries = {f"registry+{address}" for address in rules["sources"]["allow-registry"]}
    banned = {ban["crate"] for ban in rules["bans"]["deny"]}
    for crate in crates:
        if not crate.licence or not licence.fitting(crate.licence, allowed):
            yield f"{crate}: the licence {crate.licence or '(none)'} is not in `licenses.allow`"
        if crate.source is not None and crate.source not in registries:
            yield f"{crate}: comes from {crate.source}, which is not in `sources.allow-registry`"
        if crate.name in banned:
            yield f"{crate}: stands in `bans.deny`"
        for name, version, source in crate.requirements if crate.source is None else ():
            if version == "*" and source is not None:
                yield f"{crate}: takes any version of {name}"


def main() -> None:
    """Print what is forbidden, and fail if anything is."""
    crates = tree.packages()
    found = list(violations(crates, rules()))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(crates)} crates, {len(found)} against the rules of deny.toml")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
