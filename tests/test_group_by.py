"""`by` with `group`: of each stratum its own number of rows in whole groups, or of groups."""

import json
import math
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from allocated import Group, divided
from click.testing import CliRunner
from data import in_two, stream, write_parquet
from fastsample import ArgumentError
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 600
RNG = np.random.default_rng(12)
TALKS = [int(talk) for talk in RNG.zipf(1.6, ROWS).clip(max=300) * 7 % 113]
#: The source of a conversation is one for all its rows.
SOURCES = [("wiki", "chat", "chat", "code", None)[talk % 5] for talk in TALKS]
SCORES = [0.1 + talk % 9 for talk in TALKS]
TABLE = pa.table({"id": range(ROWS), "talk": TALKS, "source": SOURCES, "score": SCORES})


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("group-by")
    parts = in_two(TABLE, 200, folder, row_group_size=70)
    return [parts, TABLE]


def number(talk: int, seed: int) -> int:
    """Return the random number of a group: of its value alone."""
    text = str(talk).encode()
    packed = xxhash.xxh3_128_intdigest(len(text).to_bytes(8, "little") + text)
    high, low = divmod(packed, 2**64)
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    key = xxhash.xxh3_64_intdigest(b"groups", seed=key)
    return xxhash.xxh3_64_intdigest((high ^ low).to_bytes(8, "little"), seed=key)


def order(rows: list[int], seed: int, weight: bool) -> dict[Group, list[list[int]]]:
    """Return the groups of each source in the order in which they are drawn."""
    groups: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        groups[TALKS[row]].append(row)
    most = max(SCORES[row] for row in rows)

    def priority(talk: int) -> Fraction:
        # All rows of a group have the same score.
        w = max(1, int(SCORES[groups[talk][0]] / most * (2**32 - 1) + 0.5)) if weight else 1
        return Fraction(number(talk, seed), w)

    strata: dict[Group, list[list[int]]] = {(SOURCES[row],): [] for row in rows}
    for talk in sorted(groups, key=priority):
        strata[(SOURCES[groups[talk][0]],)].append(groups[talk])
    return strata


def _weight(allocation: str, count: int) -> Fraction:
    if allocation == "equal":
        return Fraction(1)
    return Fraction(count if allocation == "proportional" else math.isqrt(count << 60))


@given(
    n=st.integers(1, ROWS),
    counted=st.booleans(),
    allocation=st.sampled_from(["proportional", "equal", "sqrt", {"wiki": 0.25, "chat": 0.75}]),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 2),
    threads=st.integers(1, 3),
    weight=st.booleans(),
    where=st.booleans(),
    epoch=st.integers(0, 2),
)
@settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    n: int,
    counted: bool,
    allocation: Any,
    seed: int,
    layout: int,
    threads: int,
    weight: bool,
    where: bool,
    epoch: int,
) -> None:
    rows = [row for row in range(ROWS) if not where or row >= 100]
    strata = order(rows, seed, weight)
    there = {
        name: len(groups) if counted else sum(map(len, groups)) for name, groups in strata.items()
    }
    if isinstance(allocation, dict):
        weights = {(name,): Fraction(repr(share)) for name, share in allocation.items()}
    else:
        weights = {name: _weight(allocation, count) for name, count in there.items()}
    options: dict[str, Any] = {"by": "source", "group": "talk", "allocation": allocation}
    options |= {"seed": seed, "threads": threads, "n_groups" if counted else "n": n}
    if weight:
        options["weight"] = "score"
    if where:
        options["where"] = "id >= 100"
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    if n > sum(there[name] for name in weights if name in there):
        with pytest.raises(ArgumentError, match=r"only \d+ (groups|of \d+ rows)|have only"):
            fastsample.sample(source, **options)
        return
    quotas = divided(n, there, weights)
    drawn: dict[Group, list[int]] = {}
    for name, groups in strata.items():
        taken: list[list[int]] = []
        for mine in groups:
            amount = len(taken) + 1 if counted else sum(map(len, taken)) + len(mine)
            if amount <= quotas[name]:
                taken.append(mine)
        drawn[name] = sorted(row for mine in taken for row in mine)
    if not any(drawn.values()):
        with pytest.raises(ArgumentError, match="no group fits into the share of its source"):
            fastsample.sample(source, **options)
        return
    found = fastsample.sample(source, **options)
    assert found.row_ids.tolist() == sorted(row for mine in drawn.values() for row in mine)
    report = found.report
    assert report.groups is not None
    assert report.groups.measure == ("groups" if counted else "rows")
    told = {group.values: group.drawn for group in report.groups.largest}
    assert told == {name: len(mine) for name, mine in drawn.items()}
    assert report.groups.empty == sum(quotas[name] > 0 and not drawn[name] for name in strata)
    assert report.n_groups == len({TALKS[row] for mine in drawn.values() for row in mine})
    if layout == 2 or epoch == 0:
        return
    # No group comes twice before the epochs of the report are over.
    epochs = fastsample.epochs(source, **options)
    seen: list[int] = []
    for number_ in range(min(len(epochs), 4)):
        talks = {TALKS[row] for row in epochs[number_].row_ids}
        assert not talks & set(seen)
        seen += talks


def test_a_group_of_two_strata_is_named() -> None:
    table = pa.table({"talk": ["a", "b", "b", "c"], "source": ["x", "x", "y", "y"]})
    told = r'the rows of group "b" are of several values of by: "x" and "y"'
    amounts: list[dict[str, Any]] = [{"n": 3}, {"n_groups": 2}]
    for options in amounts:
        with pytest.raises(ArgumentError, match=told):
            fastsample.sample(table, by="source", group="talk", **options)
    some = fastsample.sample(table, n_groups=2, by="source", group="talk", where="talk <> 'b'")
    assert some.row_ids.tolist() == [0, 3]


def test_smart_weights_choose_the_groups_of_each_stratum() -> None:
    texts = [f"question {talk // 2}" for talk in TALKS]
    table = TABLE.append_column("text", pa.array(texts))
    options: dict[str, Any] = {"smart": True, "text_columns": ["text"], "group": "talk"}
    drawn = fastsample.sample(table, n_groups=20, by="source", allocation="equal", **options)
    assert drawn.report.smart is not None
    expected: dict[Any, set[int]] = defaultdict(set)
    # Draws of growing numbers without strata have the groups in their order.
    for n_groups in range(1, len(set(TALKS)) + 1):
        for row in fastsample.sample(table, n_groups=n_groups, **options).row_ids:
            if len(expected[SOURCES[row]] | {TALKS[row]}) <= 5:
                expected[SOURCES[row]].add(TALKS[row])
    found: dict[Any, set[int]] = defaultdict(set)
    for row in drawn.row_ids:
        found[SOURCES[row]].add(TALKS[row])
    assert found == expected
    assert sorted(map(len, found.values())) == [5] * 4


def test_the_command_line(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    out = tmp_path / "out.parquet"
    line = f"sample {source} {out} --by source --group talk --num_groups 30 --allocation equal"
    done = CliRunner().invoke(app, [*line.split(), "--no-shuffle", "--manifest", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["n_groups"], found["groups"]["measure"]) == (30, "groups")
    same = fastsample.sample(source, n_groups=30, by="source", group="talk", allocation="equal")
    again = fastsample.reproduce(f"{out}.manifest.json")
    assert again.row_ids.tolist() == same.row_ids.tolist()
