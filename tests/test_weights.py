"""The column `_weight`: 1 / the probability of being drawn, so that totals can be estimated."""

from pathlib import Path

import fastsample
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import Smart
from test_smart import chinese

SEEDS = 250
LENGTHS = Smart(duplicates=0, commonness=0, length=1, repetition=0, max_chars=512)


def weights_of(
    table: pa.Table, n: int, seed: int, smart: bool | Smart
) -> tuple[list[int], np.ndarray]:
    drawn = fastsample.sample(table, n, smart=smart, seed=seed, weights=True)
    return drawn.row_ids.tolist(), drawn.to_arrow()["_weight"].to_numpy()


@pytest.fixture(scope="module")
def lengths() -> pa.Table:
    rng = np.random.default_rng(3)
    chars = np.repeat([16, 64, 128, 512], [300, 300, 300, 300])
    return pa.table({"text": [chinese(rng, n) for n in chars], "chars": chars})


def test_frequencies_agree_with_the_weights(lengths: pa.Table) -> None:
    """A row is drawn with probability min(1, w tau), and `_weight` is its inverse."""
    n, counts, inverse = 240, np.zeros(1200), np.zeros(1200)
    for seed in range(SEEDS):
        ids, weights = weights_of(lengths, n, seed, LENGTHS)
        counts[ids] += 1
        inverse[ids] += 1 / weights
    # Groups of equal weight: how often they were drawn, and what the weights said.
    for group in range(4):
        rows = slice(300 * group, 300 * group + 300)
        drawn = counts[rows].sum() / (300 * SEEDS)
        said = inverse[rows].sum() / counts[rows].sum()
        # tau varies from draw to draw by about 1/sqrt(n).
        error = 5 * np.sqrt(drawn / (300 * SEEDS)) + said / n
        assert abs(drawn - said) < error


def assert_unbiased(table: pa.Table, n: int, smart: bool | Smart) -> None:
    """Estimate the rows and the characters of all rows, over many seeds."""
    totals = []
    for seed in range(SEEDS):
        ids, weights = weights_of(table, n, seed, smart)
        chars = table["chars"].to_numpy()[ids]
        totals.append([weights.sum(), (weights * chars).sum()])
    exact = np.array([table.num_rows, table["chars"].to_numpy().sum()])
    found, spread = np.mean(totals, axis=0), np.std(totals, axis=0)
    assert np.all(np.abs(found - exact) < 4.5 * spread / np.sqrt(SEEDS) + 1e-6 * exact)


@pytest.mark.parametrize("smart", [False, LENGTHS, True])
@pytest.mark.parametrize(("copied", "times"), [(slice(0, 600), 1), (slice(600, 1200), 2)])
def test_totals_are_estimated_without_bias(
    lengths: pa.Table, smart: bool | Smart, copied: slice, times: int
) -> None:
    """Half of the rows have copies, and some are shorter than `min_chars` allows."""
    table = pa.concat_tables([lengths, *[lengths[copied]] * times])
    if smart is True:
        table = table.filter(pa.compute.greater(table["chars"], 20))
    assert_unbiased(table, 240, smart)


def test_all_rows_have_weight_1(lengths: pa.Table) -> None:
    table = pa.concat_tables([lengths, lengths[:300]])
    for smart in (False, True, LENGTHS):
        _, weights = weights_of(table, 1500, 1, smart)
        assert weights.tolist() == [1.0] * 1500


@pytest.mark.parametrize("smart", [True, Smart(commonness=0, length=1, repetition=0)])
@pytest.mark.parametrize("n", [3, 30, 160])
def test_copies_that_had_to_be_drawn(smart: bool | Smart, n: int) -> None:
    """Three texts of different weights, two of them many times over; all three are drawn first."""
    rng = np.random.default_rng(4)
    chars, times = [16, 512, 64], [50, 150, 1]
    texts = [chinese(rng, length) for length in chars]
    table = pa.table({"text": np.repeat(texts, times), "chars": np.repeat(chars, times)})
    assert_unbiased(table, n, smart)
    ids, _ = weights_of(table, n, 1, smart)
    assert len(set(table["text"].to_numpy()[ids])) == 3


def test_a_uniform_draw_has_equal_weights(table: pa.Table) -> None:
    _, weights = weights_of(table, 120, 1, False)
    assert weights.tolist() == [25.0] * 120


def test_the_column_is_there_wherever_rows_go(table: pa.Table, tmp_path: Path) -> None:
    drawn = fastsample.sample(table, 500, smart=True, weights=True)
    assert drawn.schema.names == ["id", "prompt", "response", "_weight"]
    expected = drawn.to_arrow()
    by_id = dict(zip(expected["id"].to_pylist(), expected["_weight"].to_pylist(), strict=True))
    drawn.write_parquet(tmp_path / "s.parquet", shuffle=True, memory_limit=20_000)
    written = pq.read_table(tmp_path / "s.parquet")
    assert (
        dict(zip(written["id"].to_pylist(), written["_weight"].to_pylist(), strict=True)) == by_id
    )
    assert pl.DataFrame(fastsample.sample(table, 500, smart=True, weights=True)).equals(
        pl.DataFrame(expected)
    )
    assert drawn[3]["_weight"] == expected["_weight"][3].as_py()


def test_a_stream_has_weights_too(table: pa.Table) -> None:
    drawn = fastsample.sample(table.to_reader(100), 300, weights=True).to_arrow()
    assert drawn["_weight"].to_pylist() == [10.0] * 300


def test_clear_errors(table: pa.Table) -> None:
    taken = table.append_column("_weight", table["id"])
    for smart in (False, True):
        with pytest.raises(fastsample.ColumnError, match="_weight"):
            fastsample.sample(taken, 5, smart=smart, weights=True)
    with pytest.raises(fastsample.ArgumentError, match="entropy"):
        fastsample.sample(table, 5, smart="entropy", weights=True)
