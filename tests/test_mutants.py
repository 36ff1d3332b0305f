"""A short run of the mutator; ``make mutants`` makes a long one."""

from __future__ import annotations

import os

import mutants
import thrift

SECONDS = float(os.environ.get("FASTSAMPLE_FUZZ_SECONDS", "8"))


def test_mutants_are_read_or_refused() -> None:
    counts, failures = mutants.run(0, 10_000, min(SECONDS, 100))
    assert not failures, failures[:5]
    assert counts["CorruptDataError"] > 20
    assert counts["read"] > 20


def test_structures_are_rewritten_as_they_were() -> None:
    for data in mutants.sound().values():
        if data.startswith(b"PAR1"):
            _, footer = mutants.split(data)
            assert mutants.encode(thrift.STRUCT, mutants.Reader(footer).fields()) == footer
