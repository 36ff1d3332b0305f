"""`weight` with `smart`: a column times the weights of the terms, against plain Python."""

import json
import math
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from click.testing import CliRunner
from data import in_two, stream, write_parquet
from fastsample import ArgumentError, Smart
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 240
RNG = np.random.default_rng(12)
#: Some rows are equal, some nearly so, and some too short.
TEXTS = [
    f"问题 {row % 90}: what is {row % 90} times {row % 7}?" if row % 11 else "short"
    for row in RNG.integers(0, 150, ROWS).tolist()
]
SCORES: list[float] = ((RNG.gamma(0.7, 2.0, ROWS) + 0.3) * (RNG.random(ROWS) > 0.2)).tolist()
TABLE = pa.table(
    {
        "id": range(ROWS),
        "text": TEXTS,
        "score": SCORES,
        "kind": [f"kind {row % 3}" for row in range(ROWS)],
    }
)
OFF = Smart(duplicates=0, commonness=0, length=0, repetition=0)
RULES = [Smart(), Smart(duplicates=0), Smart(commonness=2, length=0), OFF]


def smart_weights(smart: Smart) -> list[int]:
    """Return the weights of all rows in units of 2**-31."""
    scores = fastsample.score(TABLE, smart, text_columns=["text"]).to_arrow()
    return [int(weight * 2**31) for weight in scores["weight"].to_pylist()]


WEIGHTS = {rule: smart_weights(rule) for rule in RULES}


def fixed(rows: list[int]) -> list[int]:
    """Return the scores of some rows in 32 bits, and 0 for others."""
    largest = max(SCORES[row] for row in rows)

    def one(row: int) -> int:
        if row not in rows or SCORES[row] <= 0:
            return 0
        return max(1, int(SCORES[row] / largest * (2**32 - 1) + 0.5))

    return [one(row) for row in range(ROWS)]


def products(weights: list[int], factors: list[int]) -> list[int]:
    """Return the products in 31 bits, rounded up."""
    exact = [weight * factor for weight, factor in zip(weights, factors, strict=True)]
    shift = max(0, max(exact).bit_length() - 31)
    return [-(-product >> shift) for product in exact]


def ranked(smart: Smart, seed: int, rows: list[int]) -> list[int]:
    """Return all rows that may be drawn, in the order in which they are."""
    factors = fixed(rows)
    weights = factors if smart == OFF else products(WEIGHTS[smart], factors)
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))

    def priority(row: int) -> tuple[bool, Fraction | int, int]:
        u = xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)
        return weights[row] == 0, Fraction(u, weights[row]) if weights[row] else u, row

    drawn = [row for row in rows if factors[row]]
    classes = {row: int(smart != OFF and WEIGHTS[smart][row] == 0) for row in drawn}
    if smart.duplicates:
        equal = defaultdict(list)
        for row in drawn:
            equal[TEXTS[row]].append(row)
        for group in equal.values():
            classes.update(dict.fromkeys(sorted(group, key=priority)[1:], 2))
    return sorted(drawn, key=lambda row: (classes[row], priority(row)))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("weight")
    parts = in_two(TABLE, 100, folder, row_group_size=30)
    return [parts, TABLE]


@given(
    rule=st.sampled_from(RULES),
    share=st.floats(0.01, 1),
    condition=st.booleans(),
    by=st.booleans(),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 2),
    threads=st.integers(1, 3),
)
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    rule: Smart,
    share: float,
    condition: bool,
    by: bool,
    seed: int,
    layout: int,
    threads: int,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    order = ranked(rule, seed, [row for row in range(ROWS) if not condition or row >= 50])
    n = max(1, int(len(order) * share))
    drawn = fastsample.sample(
        source,
        n,
        weight="score",
        smart=rule,
        where="id >= 50" if condition else None,
        by="kind" if by else None,
        seed=seed,
        text_columns=["text"],
        threads=threads,
    )
    if by:
        found = drawn.report.groups
        assert found is not None
        numbers = {group.values[0]: group.drawn for group in found.largest}
        order = [
            row
            for kind, number in numbers.items()
            for row in [row for row in order if f"kind {row % 3}" == kind][:number]
        ]
    assert drawn.row_ids.tolist() == sorted(order[:n])
    assert drawn.report.weight == "score"
    assert drawn.report.smart is not None


def test_a_factor_that_is_equal_changes_nothing() -> None:
    table = TABLE.append_column("one", pa.array([0.7] * ROWS))
    for n in (5, 60, 200):
        expected = fastsample.sample(TABLE, n, smart=True, text_columns=["text"], weights=True)
        drawn = fastsample.sample(
            table, n, smart=True, weight="one", text_columns=["text"], weights=True
        )
        assert drawn.row_ids.tolist() == expected.row_ids.tolist()
        weights = drawn.to_arrow()["_weight"].to_numpy()
        np.testing.assert_allclose(weights, expected.to_arrow()["_weight"].to_numpy())
        off = fastsample.sample(
            TABLE, n // 2, smart=OFF, weight="score", text_columns=["text"], weights=True
        )
        alone = fastsample.sample(TABLE, n // 2, weight="score", weights=True)
        assert off.row_ids.tolist() == alone.row_ids.tolist()
        weights = off.to_arrow()["_weight"].to_numpy()
        np.testing.assert_allclose(weights, alone.to_arrow()["_weight"].to_numpy())


def test_inverse_probabilities_estimate_totals() -> None:
    """Horvitz and Thompson: among rows of equal text and other scores, too."""
    n, weights = 40, WEIGHTS[RULES[0]]
    rows = [row for row in range(ROWS) if SCORES[row] > 0 and weights[row] > 0]
    assert n < len({TEXTS[row] for row in rows}) < len(rows) - 20
    values = np.array([[1.0, row % 5, SCORES[row]] for row in range(ROWS)])
    totals = []
    for seed in range(160):
        options: dict[str, Any] = {"text_columns": ["text"], "threads": 1}
        drawn = fastsample.sample(
            TABLE, n, weight="score", smart=True, weights=True, seed=seed, **options
        )
        totals.append(drawn.to_arrow()["_weight"].to_numpy() @ values[drawn.row_ids.tolist()])
    error = np.std(totals, axis=0, ddof=1) / math.sqrt(len(totals))
    assert (abs(np.mean(totals, axis=0) - values[rows].sum(axis=0)) < 3.5 * error).all()
    assert (error < values[rows].sum(axis=0) / 10).all()


def test_epochs_are_windows_of_the_order() -> None:
    order = ranked(RULES[0], 42, list(range(ROWS)))
    draws = fastsample.epochs(
        TABLE, fraction=0.2, weight="score", smart=True, text_columns=["text"]
    )
    n = len(draws[0])
    assert n == round(0.2 * len(order))
    assert len(draws) == len(order) // n
    for epoch, drawn in enumerate(draws):
        assert drawn.row_ids.tolist() == sorted(order[epoch * n :][:n])
    with pytest.raises(IndexError):
        draws[len(draws)]


@pytest.mark.parametrize("rule", [RULES[0], OFF])
@pytest.mark.parametrize("allocation", ["proportional", "equal"])
def test_epochs_by_group_are_windows_of_each_group(rule: Smart, allocation: str) -> None:
    order = ranked(rule, 5, list(range(ROWS)))
    options: dict[str, Any] = {"weight": "score", "smart": rule, "text_columns": ["text"]}
    options |= {"by": "kind", "allocation": allocation, "seed": 5}
    draws = fastsample.epochs(TABLE, 40, **options)
    groups = draws[0].report.groups
    assert groups is not None
    numbers = {group.values[0]: group.drawn for group in groups.largest}
    orders = {kind: [row for row in order if f"kind {row % 3}" == kind] for kind in numbers}
    assert len(draws) == min(len(orders[kind]) // n for kind, n in numbers.items())
    for epoch in (0, 1, len(draws) - 1, len(draws), 10**9):
        wanted = [
            orders[kind][(epoch * n + place) % len(orders[kind])]
            for kind, n in numbers.items()
            for place in range(n)
        ]
        assert draws[epoch].row_ids.tolist() == sorted(wanted)
        assert draws[epoch].report.smart is not None
    assert draws[0].row_ids.tolist() == fastsample.sample(TABLE, 40, **options).row_ids.tolist()


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ArgumentError, match="weight and entropy exclude each other"):
        fastsample.sample(TABLE, 5, weight="score", smart="entropy")
    with pytest.raises(ArgumentError, match="group and entropy exclude each other"):
        fastsample.sample(TABLE, 5, group="kind", smart="entropy")
    with pytest.raises(ArgumentError, match="have no weights"):
        fastsample.sample(TABLE, 5, weight="score", smart=True, by="kind", weights=True)
    above = sum(score > 0 for score in SCORES)
    with pytest.raises(ArgumentError, match=f"only {above} of {ROWS} rows have a weight above 0"):
        fastsample.sample(TABLE, ROWS, weight="score", smart=True)


def test_the_command_line_takes_both(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "all.parquet")
    out = tmp_path / "out.parquet"
    line = f"sample -i {source} -o {out} -n 40 --weight score --smart --text-column text --json"
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["weight"], found["smart"]["text"]) == ("score", ["text"])
    expected = sorted(ranked(RULES[0], 42, list(range(ROWS)))[:40])
    assert pq.read_table(out)["id"].to_pylist() == expected
