"""`weight`: draws by a column of weights (priority sampling), and what they estimate."""

import heapq
import json
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from click.testing import CliRunner
from data import drawn_ids, in_two, stream, write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 700
RNG = np.random.default_rng(6)
SCORES = (RNG.gamma(0.7, 2.0, ROWS) * (RNG.random(ROWS) > 0.1)).tolist()
STARS = RNG.integers(0, 4, ROWS).tolist()
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int32()),
        "score": pa.array(SCORES, pa.float64()),
        "stars": pa.array(STARS, pa.uint8()),
        "kind": pa.array([f"kind {row % 3}" for row in range(ROWS)]),
    }
)


def drawn_by(weights: dict[int, float], n: int, seed: int, largest: float) -> list[int]:
    """Return the n rows of the smallest u / w, weights in 32 bits."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))

    def priority(row: int) -> tuple[Fraction, int]:
        fixed = max(1, math.floor(weights[row] / largest * (2**32 - 1) + 0.5))
        u = xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)
        return Fraction(u, fixed), row

    return sorted(heapq.nsmallest(n, (row for row in weights if weights[row] > 0), key=priority))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("weight")
    parts = in_two(TABLE, 300, folder, row_group_size=70)
    whole = write_parquet(TABLE, folder / "c.parquet", row_group_size=64, data_page_size=64)
    return [parts, whole, TABLE]


@given(
    st.sampled_from(["score", "stars"]),
    st.booleans(),
    st.booleans(),
    st.floats(0.001, 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 3),
    st.integers(1, 3),
)
@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    weight: str,
    where: bool,
    by: bool,
    share: float,
    seed: int,
    layout: int,
    threads: int,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    column = SCORES if weight == "score" else STARS
    weights = {row: column[row] for row in range(ROWS) if not where or row % 3 != 1}
    positive = {row: found for row, found in weights.items() if found > 0}
    n = max(1, int(len(positive) * share))
    drawn = fastsample.sample(
        source,
        n,
        weight=weight,
        where="kind != 'kind 1'" if where else None,
        by="kind" if by else None,
        seed=seed,
        columns=["id"],
        threads=threads,
    )
    largest = max(weights.values())
    if by:
        found = drawn.report.groups
        assert found is not None
        expected = []
        for group in found.largest:
            kind = int(str(group.values[0])[-1])
            mine = {row: found for row, found in weights.items() if row % 3 == kind}
            assert group.rows == sum(found > 0 for found in mine.values())
            expected += drawn_by(mine, group.drawn, seed, largest)
        assert sum(group.drawn for group in found.largest) == n
        assert drawn.row_ids.tolist() == sorted(expected)
    else:
        assert drawn.row_ids.tolist() == drawn_by(weights, n, seed, largest)
    assert drawn.to_arrow()["id"].to_pylist() == drawn.row_ids.tolist()


def test_equal_weights_are_a_uniform_draw() -> None:
    table = TABLE.append_column("one", pa.array([0.25] * ROWS))
    for n in (1, 50, ROWS):
        drawn = fastsample.sample(table, n, weight="one", weights=True)
        assert drawn.row_ids.tolist() == drawn_ids(ROWS, n, 42)


def test_draws_are_nested() -> None:
    small = fastsample.sample(TABLE, 50, weight="score").row_ids.tolist()
    large = fastsample.sample(TABLE, 200, weight="score").row_ids.tolist()
    assert set(small) < set(large)


@pytest.mark.parametrize("where", [None, "kind != 'kind 1'"])
def test_inverse_probabilities_estimate_totals(where: str | None) -> None:
    """Horvitz and Thompson: the sum of value times `_weight` estimates the sum over the rows."""
    rows = [row for row in range(ROWS) if SCORES[row] > 0 and (where is None or row % 3 != 1)]
    counts, stars, scores = [], [], []
    for seed in range(400):
        drawn = fastsample.sample(
            TABLE, 60, weight="score", where=where, weights=True, seed=seed
        ).to_arrow()
        inverse = drawn["_weight"].to_numpy()
        counts.append(inverse.sum())
        stars.append(inverse @ drawn["stars"].to_numpy())
        scores.append(inverse @ drawn["score"].to_numpy())
    truth = (len(rows), sum(STARS[row] for row in rows), sum(SCORES[row] for row in rows))
    for totals, total in zip((counts, stars, scores), truth, strict=True):
        error = np.std(totals, ddof=1) / math.sqrt(len(totals))
        assert abs(np.mean(totals) - total) < 3.5 * error


def test_a_row_is_drawn_in_proportion_to_its_weight() -> None:
    weights = [1.0, 2.0, 4.0, 8.0] * 100
    table = pa.table({"w": weights})
    seen: Counter[float] = Counter()
    for seed in range(500):
        rows = fastsample.sample(table, 1, weight="w", seed=seed).row_ids.tolist()
        seen.update(weights[row] for row in rows)
    expected = {weight: 500 * weight / 15 for weight in (1.0, 2.0, 4.0, 8.0)}
    chi_square = sum((seen[w] - count) ** 2 / count for w, count in expected.items())
    assert chi_square < 16.27  # 99.9 % of the chi-square distribution with 3 degrees of freedom


FAULTS: list[tuple[list[Any], str]] = [
    ([1.0, None, 2.0], "has the weight null in row 1"),
    ([1.0, 2.0, math.nan], "has the weight NaN in row 2"),
    ([-1.0, 2.0, 3.0], "has the weight -1 in row 0"),
    ([math.inf, 2.0, 3.0], "has the weight inf in row 0"),
    ([0.0, 0.0, 0.0], 'none of the 3 rows have a weight above 0 in column "w"'),
    ([0.0, 0.0, 1.0], "only 1 of 3 rows have a weight above 0"),
    (["a", "b", "c"], 'column "w" is Utf8; weights are numbers'),
]


@pytest.mark.parametrize(("weights", "message"), FAULTS)
def test_weights_that_are_none_are_refused(weights: list[Any], message: str) -> None:
    with pytest.raises(fastsample.FastSampleError) as raised:
        fastsample.sample(pa.table({"w": weights}), 2, weight="w")
    assert message in str(raised.value)


def test_wrong_weights_of_rows_that_do_not_match_do_no_harm() -> None:
    table = pa.table({"w": [1.0, None, math.nan, 3.0]})
    drawn = fastsample.sample(table, 2, weight="w", where="w < 5")
    assert drawn.row_ids.tolist() == [0, 3]


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(fastsample.ColumnError, match='weight: there is no column "sauce"'):
        fastsample.sample(TABLE, 5, weight="sauce")
    with pytest.raises(fastsample.ArgumentError, match="have no weights"):
        fastsample.sample(TABLE, 5, weight="score", by="kind", weights=True)
    with pytest.raises(fastsample.SourceTypeError, match="weight is 5; it must be a text"):
        fastsample.sample(TABLE, 5, weight=5)


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    command = ["sample", "-i", str(source), "-o", str(tmp_path / "out.parquet"), "-n", "50"]
    done = CliRunner().invoke(app, [*command, "--weight", "score", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["weight"] == "score"
