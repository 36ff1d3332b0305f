"""`PackedBatchSampler`: each row in one pack, no pack too long, the same packs on any ranks."""

import json
from typing import Any

import fastsample
import numpy as np
import pytest
from fastsample import ArgumentError, PackedBatchSampler
from hypothesis import given, settings
from hypothesis import strategies as st

LENGTHS = np.random.default_rng(1).gamma(2.0, 100.0, 1003).astype(int).clip(max=1000)

Steps = list[list[list[int]]]


def steps_of(samplers: list[PackedBatchSampler]) -> Steps:
    """Return the packs of all ranks, step by step; all ranks have equally many."""
    count = len(samplers[0])
    shares = [list(sampler) for sampler in samplers]
    assert [len(share) for share in shares] == [count] * len(samplers)
    return [list(step) for step in zip(*shares, strict=True)]


def on_ranks(lengths: Any, ranks: int, *arguments: Any, **options: Any) -> list[PackedBatchSampler]:
    return [
        PackedBatchSampler(lengths, *arguments, num_replicas=ranks, rank=rank, **options)
        for rank in range(ranks)
    ]


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=200),
    max_tokens=st.integers(1, 100),
    too_long=st.sampled_from(["drop", "truncate"]),
    ranks=st.integers(1, 5),
    drop_last=st.booleans(),
    window=st.integers(1, 30),
    epoch=st.integers(0, 3),
    seed=st.integers(0, 2**64 - 1),
)
def test_each_row_is_in_one_pack_on_any_number_of_ranks(
    lengths: list[int],
    max_tokens: int,
    too_long: str,
    ranks: int,
    drop_last: bool,
    window: int,
    epoch: int,
    seed: int,
) -> None:
    options: Any = {"too_long": too_long, "seed": seed, "window": window}
    kept = [row for row, length in enumerate(lengths) if length <= max_tokens]
    if not kept and too_long == "drop":
        with pytest.raises(ArgumentError, match="all rows are longer"):
            PackedBatchSampler(lengths, max_tokens, **options)
        return
    alone = PackedBatchSampler(lengths, max_tokens, **options)
    alone.set_epoch(epoch)
    found, packs = alone.packing(), list(alone)
    expected = kept if too_long == "drop" else list(range(len(lengths)))
    assert sorted(row for pack in packs for row in pack) == expected
    sums = [sum(min(lengths[row], max_tokens) for row in pack) for pack in packs]
    assert max(sums) <= max_tokens
    assert (found.packs, found.rows, found.tokens) == (len(packs), len(expected), sum(sums))
    assert found.dropped + found.truncated == len(lengths) - len(kept)
    assert found.padding == 1 - sum(sums) / (len(packs) * max_tokens)

    shared = on_ranks(lengths, ranks, max_tokens, drop_last=drop_last, **options)
    for sampler in shared:
        sampler.set_epoch(epoch)
    together = [pack for step in steps_of(shared) for pack in step]
    if drop_last:
        assert together == packs[: len(packs) // ranks * ranks]
    else:
        assert together == (packs * ranks)[: -(-len(packs) // ranks) * ranks]


@settings(deadline=None)
@given(
    before=st.integers(1, 4),
    after=st.integers(1, 4),
    steps=st.integers(0, 150),
    drop_last=st.booleans(),
)
def test_a_run_that_resumes_on_other_ranks_equals_one_that_never_stopped(
    before: int, after: int, steps: int, drop_last: bool
) -> None:
    whole = [list(PackedBatchSampler(LENGTHS, 1000)), []]
    second = PackedBatchSampler(LENGTHS, 1000)
    second.set_epoch(1)
    whole[1] = list(second)
    assert whole[0] != whole[1]

    first = PackedBatchSampler(LENGTHS, 1000, num_replicas=before, drop_last=drop_last)
    steps = min(steps, len(first))
    first.advance(steps * before)
    state = json.loads(json.dumps(first.state_dict()))
    resumed = on_ranks(LENGTHS, after, 1000, drop_last=drop_last)
    for sampler in resumed:
        sampler.load_state_dict(state)
    assert {sampler.epoch for sampler in resumed} == {int(steps == len(first))}
    rest = whole[0][steps * before :] if steps < len(first) else whole[1]
    if drop_last and len(rest) < after:
        return  # too few for a step: the next epoch begins
    together = [pack for step in zip(*map(list, resumed), strict=True) for pack in step]
    if drop_last:
        assert together == rest[: len(rest) // after * after]
    else:
        assert together[: len(rest)] == rest
        assert len(together) - len(rest) < after


class Loader:
    """A loader that draws ahead."""

    def __init__(self, sampler: PackedBatchSampler) -> None:
        self.batch_sampler = sampler

    def __iter__(self) -> Any:
        return iter(list(self.batch_sampler))


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_followed_loop_stops_and_goes_on_anywhere(drop_last: bool) -> None:
    def made() -> PackedBatchSampler:
        return PackedBatchSampler(
            LENGTHS[:100], 1000, num_replicas=3, rank=1, drop_last=drop_last, seed=7
        )

    whole_run = made()
    whole = [pack for _ in range(2) for pack in whole_run.follow(Loader(whole_run))]
    for stop in range(1, len(whole)):
        sampler = made()
        seen: list[list[int]] = []
        while len(seen) < stop:
            for pack in sampler.follow(Loader(sampler)):
                seen.append(pack)
                if len(seen) == stop:
                    break
        resumed = made()
        resumed.load_state_dict(json.loads(json.dumps(sampler.state_dict())))
        while len(seen) < len(whole):
            seen += resumed.follow(Loader(resumed))
        assert seen == whole


def test_packs_are_nearly_full_and_windows_keep_the_order_random() -> None:
    lengths = np.random.default_rng(1).gamma(2.0, 100.0, 20_000).astype(int).clip(1, 2048)
    found = PackedBatchSampler(lengths, 2048).packing()
    assert found.packs == -(-lengths.sum() // 2048)
    small = PackedBatchSampler(lengths, 2048, window=100)
    assert small.packing().padding < 0.01
    # The lengths of the rows do not tell when a row comes.
    places = np.empty(len(lengths))
    for place, pack in enumerate(small):
        places[pack] = place
    assert abs(np.corrcoef(lengths, places)[0, 1]) < 4 / np.sqrt(small.packing().packs)


def test_states_of_other_packs_are_refused() -> None:
    state = PackedBatchSampler(LENGTHS, 1000).state_dict()
    others: list[tuple[PackedBatchSampler | fastsample.LengthBatchSampler, str]] = [
        (PackedBatchSampler(LENGTHS, 1001), "max_tokens 1000"),
        (PackedBatchSampler(LENGTHS, 1000, window=7), "window 1000"),
        (PackedBatchSampler(LENGTHS, 1000, too_long="drop"), "too_long 'error'"),
        (PackedBatchSampler(LENGTHS[::-1], 1000), "data"),
        (fastsample.LengthBatchSampler(LENGTHS, 8), "sampler 'packed'"),
    ]
    for sampler, found in others:
        with pytest.raises(ArgumentError, match=f"was saved with {found}"):
            sampler.load_state_dict(state)


def test_rows_that_are_too_long_are_named() -> None:
    with pytest.raises(
        ArgumentError, match=r"2 of 3 rows are longer than max_tokens 5, first row 1 with 6.*drop"
    ):
        PackedBatchSampler([5, 6, 7], 5)
    assert list(PackedBatchSampler([5, 6, 7], 5, too_long="drop")) == [[0]]
    cut = PackedBatchSampler([5, 6, 7], 5, too_long="truncate")
    assert sorted(cut) == [[0], [1], [2]]
    assert cut.packing().tokens == 15
