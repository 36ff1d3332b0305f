"""Orders of `ResumableSampler` other than a permutation of all rows: by weights, and as stored."""

import json
from collections import Counter
from fractions import Fraction
from math import ceil, floor
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import quantile_999
from fastsample import ResumableSampler
from hypothesis import given
from hypothesis import strategies as st

ANY_WEIGHTS = st.lists(st.floats(0, 1000) | st.just(0.0), min_size=1, max_size=40).filter(
    lambda weights: sum(weights) > 1e-3
)


def together(samplers: list[ResumableSampler]) -> list[int]:
    """Return the rows of all ranks in the order of the epoch."""
    return [row for rows in zip(*map(list, samplers), strict=True) for row in rows]


@given(ANY_WEIGHTS, st.integers(1, 200), st.integers(0, 2**64 - 1), st.integers(0, 3))
def test_a_row_comes_as_often_as_its_share_says(
    weights: list[float], num_samples: int, seed: int, epoch: int
) -> None:
    sampler = ResumableSampler(len(weights), seed, weights=weights, num_samples=num_samples)
    sampler.set_epoch(epoch)
    assert len(sampler) == num_samples
    counts = Counter(sampler)
    total = sum(map(Fraction, weights))
    # Sums are rounded by their last bits.
    slack = Fraction(1, 10**9)
    for row, weight in enumerate(weights):
        due = num_samples * Fraction(weight) / total
        assert floor(due - slack) <= counts.pop(row, 0) <= ceil(due + slack)
        assert weight > 0 or row not in counts
    assert not counts


def test_weights_are_met_exactly_on_average_and_orders_differ() -> None:
    weights = np.array([0.5, 3.0, 0.0, 1.25, 7.1])
    epochs, num_samples = 3000, 7
    sampler = ResumableSampler(5, 3, weights=weights, num_samples=num_samples)
    counts, firsts = np.zeros(5), np.zeros(5)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        rows = list(sampler)
        counts += np.bincount(rows, minlength=5)
        firsts[rows[0]] += 1
    due = epochs * num_samples * weights / weights.sum()
    # The count of a row in an epoch is one of two neighbours: a variance of 1/4 at most.
    assert (abs(counts - due) < 3.5 * np.sqrt(epochs / 4)).all()
    expected = (epochs * weights / weights.sum())[weights > 0]
    assert ((firsts[weights > 0] - expected) ** 2 / expected).sum() < quantile_999(3)


@given(
    st.sampled_from([{"shuffle": False}, {"weights": range(1, 98)}]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 96),
)
def test_ranks_share_one_order_and_resume(
    options: dict[str, Any], before: int, after: int, consumed: int
) -> None:
    whole = list(ResumableSampler(97, 1, **options))
    first = [ResumableSampler(97, 1, num_replicas=before, rank=r, **options) for r in range(before)]
    assert together(first)[:97] == whole
    for sampler in first:
        sampler.set_epoch(1)
        sampler.set_epoch(0)
    first[0].advance(consumed)
    state = json.loads(json.dumps(first[0].state_dict()))
    second = [ResumableSampler(97, 1, num_replicas=after, rank=r, **options) for r in range(after)]
    for sampler in second:
        sampler.load_state_dict(state)
    assert together(second)[: 97 - consumed] == whole[consumed:]


def test_a_cached_mixture_stays_mixed(table: pa.Table) -> None:
    sources = {"a": (table.slice(0, 600), 0.75), "b": (table.slice(600), 0.25)}
    rows = fastsample.mix(sources, 400).cache()
    sampler = ResumableSampler(rows, shuffle=False)
    for _ in range(2):
        assert list(sampler) == list(range(400))
    names = [rows[row]["source"] for row in sampler]
    for end in range(1, 401):
        assert abs(names[:end].count("a") - 0.75 * end) <= 1


def test_foreign_states_are_refused() -> None:
    plain, stored = ResumableSampler(5), ResumableSampler(5, shuffle=False)
    one, two = (ResumableSampler(5, weights=[1, 1, 1, 1, last]) for last in (1, 2))
    kinds = [plain, stored, one]
    for mine in kinds:
        for other in kinds:
            if mine is not other:
                with pytest.raises(fastsample.ArgumentError, match="was saved with sampler"):
                    mine.load_state_dict(other.state_dict())
    with pytest.raises(fastsample.ArgumentError, match="was saved with weights"):
        two.load_state_dict(one.state_dict())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": [1, 2]}, "weights has 2 numbers for 3 rows; give one for each row"),
        ({"weights": [1, -2, 3]}, r"the weight of row 1 \(counted from 0\) is -2.0; weights are"),
        ({"weights": [1, 2, float("nan")]}, r"the weight of row 2 \(counted from 0\) is nan"),
        ({"weights": pa.array([1, None, 3])}, r"the weight of row 1 \(counted from 0\) is nan"),
        ({"weights": [0, 0, 0]}, "the weights sum to 0.0; at least one row needs a weight above"),
        ({"weights": [1e308, 1e308, 1e308]}, "the weights sum to inf"),
        ({"weights": ["a", "b", "c"]}, "weights is list; it must be one number for each row"),
        ({"weights": [[1], [2], [3]]}, "weights is list; it must be one number for each row"),
        ({"weights": 5}, "weights is int; it must be one number for each row"),
        ({"weights": [1, 2, 3], "shuffle": False}, "leave out shuffle=False"),
        ({"weights": [1, 2, 3], "num_samples": 0}, "num_samples is 0; it must be"),
        ({"num_samples": 5}, "num_samples is the number of rows drawn by weights"),
        ({"shuffle": 1}, "shuffle is 1; it must be True or False"),
    ],
)
def test_bad_arguments(options: dict[str, Any], words: str) -> None:
    with pytest.raises(fastsample.FastSampleError, match=words):
        ResumableSampler(3, **options)
