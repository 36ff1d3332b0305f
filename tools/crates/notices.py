"""Write ``THIRD_PARTY_NOTICES``: the licence texts of every crate in the shared object.

A wheel holds the compiled code of these crates, and their licences ask that the texts go along.
Of a choice of licences the first of ``deny.toml`` is taken. A text that several crates share stands
once. The registry sources of the crates hold the texts.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.crates import check, licence, tree

NOTICES = tree.ROOT / "THIRD_PARTY_NOTICES"
FILES = re.compile(r"(?i)(un)?licen[cs]e|copying|notice|copyright")
#: The terms of Apache-2.0 and nothing else, with or without the appendix on how to apply them.
APACHE = re.compile(
    r"Apache License Version 2\.0, January 2004 .* END OF TERMS AND CONDITIONS"
    r"( APPENDIX: How to apply .* limitations under the License\.)?"
)
NOT_LINKED = {"tests", "test", "benches", "examples", "fuzz", "docs"}
RULE = "=" * 80

HEAD = f"""\
Third-party notices of fastsample
{RULE}

The shared object in the wheels of fastsample holds compiled code of the crates below, each under
the licence beside its name. Their texts follow. It also holds parts of the Rust standard library,
Copyright (c) The Rust Project Contributors, and of the crates that it is built of, under the
Apache License, Version 2.0, and the MIT licence, whose texts are below too.

This file is made by `make notices`.
"""


def texts(crate: tree.Crate, chosen: frozenset[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the texts in a crate that go along, with the licences that each is.

    A text goes along if it is a licence that was chosen, or none that is known: a notice, or the
    statement of somebody else whose code is in the crate.
    """
    for path in sorted(crate.folder.rglob("*")):
        inside = path.relative_to(crate.folder)
        if not FILES.match(path.name) or not path.is_file() or NOT_LINKED & set(inside.parts[:-1]):
            continue
        if path.suffix in {".rs", ".c", ".h", ".py", ".html"}:
            continue
        text = path.read_text("utf-8", errors="replace")
        ids = licence.recognise(text)
        if not ids or ids & {part for name in chosen for part in name.split(" WITH ")}:
            yield text.replace("\r\n", "\n").strip("\n"), ids


def plain(text: str) -> str:
    """Return what makes two texts the same: their words, and of Apache-2.0 the terms alone."""
    words = " ".join(text.split())
    return "Apache-2.0" if APACHE.fullmatch(words) else words


def keep(
    crate: tree.Crate, crates: Iterable[tree.Crate], allowed: list[str]
) -> tuple[frozenset[str], list[str]]:
    """Return the licences of a crate to keep and their texts: the first choice with all texts.

    Raises
    ------
    LookupError
        If the crate and the others of its repository lack a text of every choice.
    """
    for chosen in licence.fitting(crate.licence, allowed):
        pairs = list(texts(crate, chosen))
        for name in sorted(chosen.difference(*(ids for _, ids in pairs))):
            # The text of Apache-2.0 is the same for all; others name who holds the copyright.
            if name == "Apache-2.0":
                pairs.append(((tree.ROOT / "LICENSE").read_text("utf-8").strip("\n"), {name}))
                continue
            home = crate.repository
            family = (other for other in crates if home and other.repository == home)
            shared = (pair for other in family for pair in texts(other, frozenset({name})))
            pairs += [pair for pair in shared if name in pair[1]][:1]
        if chosen <= set().union(*(ids for _, ids in pairs)):
            return chosen, [text for text, _ in pairs]
    raise LookupError(f"{crate} ({crate.licence}): no text of its licence in {crate.folder}")


def render(crates: list[tree.Crate], allowed: list[str]) -> str:
    """Return the whole file."""
    table: list[str] = []
    found: dict[str, tuple[str, dict[str, None]]] = {}
    for crate in crates:
        chosen, kept = keep(crate, crates, allowed)
        table.append(f"{crate}: {' AND '.join(sorted(chosen))}")
        for text in kept:
            found.setdefault(plain(text), (text, {}))[1][str(crate)] = None
    parts = [HEAD, "\n".join(table) + "\n"]
    for text, names in found.values():
        title = textwrap.fill(", ".join(names), 80, break_long_words=False, break_on_hyphens=False)
        parts.append(f"{RULE}\n{title}\n{RULE}\n\n{text}\n")
    lines = "\n".join(parts).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def current() -> str:
    """Return what the file has to hold for the ``Cargo.lock`` of now."""
    return render(tree.linked(tree.PLATFORMS[0]), check.rules()["licenses"]["allow"])


def main(path: Path = NOTICES) -> None:
    """Write the file."""
    path.write_text(current(), "utf-8")


if __name__ == "__main__":
    main()
