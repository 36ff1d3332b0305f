"""The crates of the extension: licences, sources, bans, and the notices that go along."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.crates import check, licence, notices, tree

RULES: dict[str, Any] = {
    "licenses": {"allow": ["Apache-2.0", "MIT"]},
    "bans": {"deny": [{"crate": "reqwest"}]},
    "sources": {"allow-registry": ["https://crates.example"]},
}


def crate(**changes: Any) -> tree.Crate:
    sound = tree.Crate("a", "1.0", "MIT", "registry+https://crates.example", None, Path(), ())
    return sound._replace(**changes)


def test_the_dependency_tree_keeps_the_rules() -> None:
    crates = tree.packages()
    assert len(crates) > 150
    assert list(check.violations(crates, check.rules())) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"licence": "GPL-3.0-only"}, "licence GPL-3.0-only is not"),
        ({"licence": "MIT AND GPL-3.0-only"}, "licence MIT AND GPL-3.0-only is not"),
        ({"licence": ""}, "licence (none) is not"),
        ({"source": "git+https://example.com/a"}, "comes from git"),
        ({"source": "registry+https://other.example"}, "comes from registry"),
        ({"name": "reqwest"}, "stands in `bans.deny`"),
        ({"source": None, "requirements": (("b", "*", "registry+x"),)}, "any version of b"),
    ],
)
def test_what_the_rules_forbid_is_found(changes: dict[str, Any], words: str) -> None:
    (line,) = check.violations([crate(), crate(**changes)], RULES)
    assert words in line


def test_both_platforms_link_the_same_crates() -> None:
    one, other = map(tree.linked, tree.PLATFORMS)
    assert one == other


def test_the_notices_are_those_of_the_locked_crates() -> None:
    kept = notices.NOTICES.read_text("utf-8")
    assert kept == notices.current(), "run `make notices`"
    for package in tree.linked(tree.PLATFORMS[0]):
        assert f"\n{package}: " in kept
    assert "Copyright (c) 2016 Dropbox, Inc." in kept
    # Of the C code in a crate of Rust
    assert "For Zstandard software" in kept
    assert "GNU GENERAL PUBLIC" not in kept


EXPRESSIONS = st.recursive(
    st.sampled_from(["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"]),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=6,
)


def written(expression: Any) -> str:
    if isinstance(expression, str):
        return expression
    left, word, right = expression
    return f"({written(left)}) {word} ({written(right)})"


def true(expression: Any, held: set[str]) -> bool:
    if isinstance(expression, str):
        return expression in held
    left, word, right = expression
    both = [true(left, held), true(right, held)]
    return all(both) if word == "AND" else any(both)


@given(EXPRESSIONS)
def test_alternatives_are_what_fulfils_an_expression(expression: Any) -> None:
    sets = licence.alternatives(written(expression))
    names = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"]
    for size in range(len(names) + 1):
        for held in map(set, itertools.combinations(names, size)):
            assert any(ids <= held for ids in sets) == true(expression, held)


def test_and_binds_closer_than_or() -> None:
    assert licence.alternatives("MIT OR Zlib AND BSL-1.0") == [{"MIT"}, {"Zlib", "BSL-1.0"}]
    assert licence.fitting("MIT/Apache-2.0", ["Apache-2.0", "MIT"]) == [{"Apache-2.0"}, {"MIT"}]


@pytest.mark.parametrize("expression", ["", "MIT OR", "(MIT", "MIT Zlib", "AND", "MIT)"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"expression|missing|closed"):
        licence.alternatives(expression)


def test_a_crate_without_its_text_is_refused(tmp_path: Path) -> None:
    lone = crate(licence="MIT", folder=tmp_path)
    with pytest.raises(LookupError, match="no text of its licence"):
        notices.render([lone], ["MIT"])
    (tmp_path / "LICENSE").write_text("Copyright A\n\n" + licence.MARKS["MIT"])
    assert "Copyright A" in notices.render([lone], ["MIT"])
    # Another crate of its repository lends its text; one of another repository does not.
    (tmp_path / "b").mkdir()
    bare = crate(name="b", folder=tmp_path / "b")
    near = lone._replace(repository="https://one.example")
    assert "a 1.0, b 1.0" in notices.render(
        [near, bare._replace(repository=near.repository)], ["MIT"]
    )
    for repository in (None, "https://other.example"):
        with pytest.raises(LookupError, match=r"b 1\.0"):
            notices.render([lone, bare._replace(repository=repository)], ["MIT"])
