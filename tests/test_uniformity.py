"""Every row, and every pair of rows, has the same chance of being drawn.

Let c_i be how often row i was drawn over S independent draws of n out of N rows, and p = n/N. The
covariance of two rows in one draw is p(1-p) for a row with itself and -p(1-p)/(N-1) otherwise,
because the draws of a sample add up to n. The matrix has one eigenvalue 0 (the sum) and N-1 times
p(1-p)N/(N-1), so that

    sum of (c_i - Sp)^2  /  (S p(1-p) N/(N-1))       is chi-square with N-1 degrees of freedom.

For pairs let q, r and t be the chance that given 2, 3 and 4 rows are all drawn. Pairs that share a
row have covariance r - q^2, pairs that don't have t - q^2. Such a matrix has three eigenspaces
(Johnson scheme): the constants (eigenvalue 0, the number of pairs is fixed), those of the form
g_i + g_j (dimension N-1: in it lies what the rows above say already), and the rest, of dimension
N(N-3)/2 and eigenvalue (q - q^2) - 2(r - q^2) + (t - q^2) = q - 2r + t. With d_ij = c_ij - Sq and
R_i = sum over j of d_ij, the part in the rest has the square sum of d_ij^2 - (sum of R_i^2)/(N-2).
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from data import quantile_999, stream, write_parquet

SEEDS = 1000
ROWS = 40
N = 9

#: 99.9 % of the values of a standard normal variable are within plus and minus this.
NORMAL_999 = 3.2905


def numbers() -> pa.Table:
    return pa.table({"x": pa.array(range(ROWS), pa.int32())})


def table(_: Path) -> Callable[[], Any]:
    data = numbers()
    return lambda: data


def file(folder: Path) -> Callable[[], Any]:
    path = write_parquet(numbers(), folder / "rows.parquet", row_group_size=16)
    return lambda: path


def one_shot(_: Path) -> Callable[[], Any]:
    return lambda: stream(numbers(), 7)


@pytest.fixture(scope="module", params=[table, file, one_shot])
def drawn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> npt.NDArray[np.int64]:
    """Which rows were drawn: 0 or 1, shape (seeds, rows)."""
    source = request.param(tmp_path_factory.mktemp("uniformity"))
    drawn = np.zeros((SEEDS, ROWS), np.int64)
    for seed in range(SEEDS):
        sample = fastsample.sample(source(), N, seed=seed, threads=2)
        drawn[seed, sample.to_arrow()["x"].to_numpy()] = 1
    return drawn


def test_rows(drawn: npt.NDArray[np.int64]) -> None:
    p = N / ROWS
    counts = drawn.sum(axis=0)
    variance = SEEDS * p * (1 - p) * ROWS / (ROWS - 1)
    chi_square = np.sum((counts - SEEDS * p) ** 2) / variance
    # Too even would be as wrong as too uneven.
    assert ROWS / 4 < chi_square < quantile_999(ROWS - 1)


def test_pairs(drawn: npt.NDArray[np.int64]) -> None:
    q, r, t = (math.perm(N, k) / math.perm(ROWS, k) for k in (2, 3, 4))
    assert SEEDS * q > 20
    deviations = drawn.T @ drawn - SEEDS * q
    np.fill_diagonal(deviations, 0)
    of_pairs = np.sum(deviations**2) / 2
    of_rows = np.sum(deviations.sum(axis=1) ** 2) / (ROWS - 2)
    degrees = ROWS * (ROWS - 3) // 2
    chi_square = (of_pairs - of_rows) / (SEEDS * (q - 2 * r + t))
    assert degrees / 2 < chi_square < quantile_999(degrees)


@pytest.mark.parametrize(
    "moved",
    [lambda i: i, lambda i: i ^ 1, lambda i: i ^ 2, lambda i: (i + 1) % ROWS],
    ids=["same row", "neighbour swapped", "second neighbour swapped", "next row"],
)
@pytest.mark.parametrize("step", [1, 2, 256])
def test_draws_of_neighbouring_seeds_are_independent(
    drawn: npt.NDArray[np.int64], moved: Callable[[int], int], step: int
) -> None:
    # The overlap of two independent draws is hypergeometric. Each seed is in one couple only, so
    # that the overlaps are independent of one another.
    first = [seed for seed in range(SEEDS - step) if seed // step % 2 == 0]
    second = [seed + step for seed in first]
    places = [moved(row) for row in range(ROWS)]
    overlap = (drawn[first][:, places] * drawn[second]).sum()
    mean = N * N / ROWS
    variance = N * (N / ROWS) * (1 - N / ROWS) * (ROWS - N) / (ROWS - 1)
    z = (overlap - len(first) * mean) / math.sqrt(len(first) * variance)
    assert abs(z) < NORMAL_999


def test_large_sources_are_uniform_by_position_and_by_seed() -> None:
    rows, n, seeds, blocks = 1_000_000, 10_000, 500, 100
    source = pa.table({"x": np.zeros(rows, np.int8)})
    ids = [fastsample.sample(source, n, seed=seed).row_ids for seed in range(seeds)]
    counts = np.bincount(np.concatenate(ids) // (rows // blocks), minlength=blocks)
    # As for rows above, with blocks of rows: each draw is multivariate hypergeometric.
    share = 1 / blocks
    variance = seeds * n * share * (rows - n) / (rows - 1)
    chi_square = np.sum((counts - seeds * n * share) ** 2) / variance
    assert blocks / 4 < chi_square < quantile_999(blocks - 1)
