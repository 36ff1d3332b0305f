"""SPDX expressions of crates, and which licence a text is."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Words that stand in one licence and in no other of these, spaces made one. The first that fits.
MARKS = {
    "GPL": "GNU GENERAL PUBLIC LICENSE",
    "LGPL": "GNU LESSER GENERAL PUBLIC LICENSE",
    "LLVM-exception": "LLVM Exceptions to the Apache 2.0 License",
    "Apache-2.0": "Apache License Version 2.0, January 2004",
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy of this"
    " software and associated documentation files",
    "BSL-1.0": "Boost Software License - Version 1.0",
    "Zlib": "the authors be held liable for any damages arising from the use of this software",
    "Unlicense": "This is free and unencumbered software released into the public domain",
    "Unicode-3.0": "UNICODE LICENSE V3",
    "CC0-1.0": "CC0 1.0 Universal",
    "BSD-3-Clause": "to endorse or promote products derived from this software",
    "BSD-2-Clause": "Redistributions in binary form must reproduce the above copyright notice",
}


def alternatives(expression: str) -> list[frozenset[str]]:
    """Return the sets of licences of which one has to be kept, in the order of the expression.

    >>> alternatives("MIT OR Apache-2.0")
    [frozenset({'MIT'}), frozenset({'Apache-2.0'})]
    >>> [sorted(every) for every in alternatives("(MIT OR Zlib) AND Unicode-3.0")]
    [['MIT', 'Unicode-3.0'], ['Unicode-3.0', 'Zlib']]
    """
    # Cargo once took a slash for OR.
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    found, rest = either(words)
    if rest or not words:
        raise ValueError(f"{expression!r} is no SPDX expression")
    return found


def either(words: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    """Read terms joined by OR; return them and the words after them."""
    found, words = every(words)
    while words[:1] == ["OR"]:
        more, words = every(words[1:])
        found = found + more
    return found, words


def every(words: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    """Read terms joined by AND, which binds closer than OR."""
    found, words = term(words)
    while words[:1] == ["AND"]:
        more, words = term(words[1:])
        found = [one | other for one in found for other in more]
    return found, words


def term(words: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    """Read a licence, with its exception, or terms in brackets."""
    if words[:1] == ["("]:
        found, words = either(words[1:])
        if words[:1] != [")"]:
            raise ValueError("a bracket is not closed")
        return found, words[1:]
    if not words or words[0] in {"AND", "OR", "WITH", ")"}:
        raise ValueError("a licence is missing")
    if words[1:2] == ["WITH"]:
        return [frozenset({" ".join(words[:3])})], words[3:]
    return [frozenset({words[0]})], words[1:]


def fitting(expression: str, allowed: Sequence[str]) -> list[frozenset[str]]:
    """Return the sets of licences that are all allowed, by the order of ``allowed``."""
    fit = [ids for ids in alternatives(expression) if ids <= set(allowed)]
    return sorted(fit, key=lambda ids: sorted(map(allowed.index, ids)))


def recognise(text: str) -> set[str]:
    """Return the licences whose words stand in a text."""
    words = " ".join(text.split())
    found = {name for name, mark in MARKS.items() if mark.lower() in words.lower()}
    # The longer one holds the words of the shorter one.
    return found - {"BSD-2-Clause"} if "BSD-3-Clause" in found else found
