"""Orders that ranks share and that resume at any place."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import quantile_999
from fastsample import LengthBatchSampler, ResumableSampler, _fastsample
from hypothesis import given
from hypothesis import strategies as st


def order(n: int, seed: int = 42, epoch: int = 0) -> list[int]:
    whole = _fastsample.Permutation(n, seed, epoch).strided(0, 1, n)
    rows: list[int] = pa.array(whole).to_numpy().tolist()
    return rows


def test_the_order_is_pinned() -> None:
    assert order(12) == PINNED


PINNED = [1, 7, 5, 0, 2, 8, 11, 3, 4, 6, 9, 10]


@pytest.mark.parametrize("chunk", range(4))
def test_it_is_a_bijection_for_every_small_n(chunk: int) -> None:
    for n in range(1 + chunk, 2001, 4):
        assert sorted(order(n, seed=n)) == list(range(n))


@pytest.mark.parametrize("bits", [11, 16, 20, 31, 32, 33, 40])
def test_it_is_a_bijection_near_powers_of_two(bits: int) -> None:
    for n in (2**bits - 1, 2**bits, 2**bits + 1):
        permutation = _fastsample.Permutation(n, 7, 3)
        step = max(1, n // 997)
        rows = pa.array(permutation.strided(0, step, 1000)).to_numpy().tolist()
        assert len(set(rows)) == len(rows)
        assert max(rows) < n
        assert [permutation.position_of(row) for row in rows] == list(range(0, n, step))[:1000]


def test_every_row_is_as_likely_at_every_position() -> None:
    n, seeds = 24, 4000
    counts = np.zeros((n, n))
    for seed in range(seeds):
        counts[np.arange(n), order(n, seed)] += 1
    chi = ((counts - seeds / n) ** 2 / (seeds / n)).sum()
    assert chi < quantile_999((n - 1) ** 2)


@given(
    n=st.integers(1, 300),
    ranks=st.integers(1, 6),
    drop_last=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_ranks_share_one_order(n: int, ranks: int, drop_last: bool, epoch: int) -> None:
    samplers = [
        ResumableSampler(n, 1, num_replicas=ranks, rank=rank, drop_last=drop_last)
        for rank in range(ranks)
    ]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    shares = [list(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])}
    together = [row for rows in zip(*shares, strict=True) for row in rows]
    whole = order(n, 1, epoch)
    if drop_last:
        assert together == whole[: n // ranks * ranks]
    else:
        padded = (whole * ranks)[: -(-n // ranks) * ranks]
        assert together == padded


@given(
    n=st.integers(1, 300),
    before=st.integers(1, 4),
    after=st.integers(1, 4),
    share=st.floats(0, 1),
)
def test_a_run_resumes_with_other_ranks(n: int, before: int, after: int, share: float) -> None:
    first = ResumableSampler(n, 1, num_replicas=before)
    consumed = int(n * share)
    first.advance(consumed)
    state = json.loads(json.dumps(first.state_dict()))
    resumed = [ResumableSampler(n, 1, num_replicas=after, rank=rank) for rank in range(after)]
    for sampler in resumed:
        sampler.load_state_dict(state)
    together = [row for rows in zip(*map(list, resumed), strict=True) for row in rows]
    whole, epoch = (order(n, 1, 1), 0) if consumed == n else (order(n, 1), consumed)
    assert together[: n - epoch] == whole[epoch:]
    assert len(together) - (n - epoch) < after


def batches(sampler: ResumableSampler, size: int) -> Any:
    """Stand in for a loader that draws ahead."""

    class Loader:
        batch_size = size

        def __iter__(self) -> Any:
            rows = list(sampler)
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    return Loader()


@pytest.mark.parametrize("stop", range(1, 14))
def test_stopping_after_any_batch_leaves_the_exact_rest(stop: int) -> None:
    n, size = 50, 4
    whole = [list(batches(ResumableSampler(n), size))]
    again = ResumableSampler(n)
    again.set_epoch(1)
    whole.append(list(batches(again, size)))

    sampler = ResumableSampler(n)
    seen = []
    for batch in sampler.follow(batches(sampler, size)):
        seen.append(batch)
        if len(seen) == stop:
            break
    state = sampler.state_dict()
    resumed = ResumableSampler(n)
    resumed.load_state_dict(state)
    for some in (sampler, resumed):  # the same process goes on, or another one does
        rest = list(some.follow(batches(some, size)))
        assert seen + rest == whole[0] or (stop == 13 and rest == whole[1])
    assert sampler.state_dict() == resumed.state_dict()


def test_epochs_follow_each_other() -> None:
    sampler = ResumableSampler(30)
    plain = [list(sampler) for _ in range(3)]
    assert plain == [order(30, 42, epoch) for epoch in range(3)]
    followed = ResumableSampler(30)
    for epoch in range(3):
        rows = [row for batch in followed.follow(batches(followed, 7)) for row in batch]
        assert rows == plain[epoch]
        assert (followed.epoch, followed.consumed) == (epoch + 1, 0)


def test_set_epoch_of_loaders_that_count_from_zero() -> None:
    first = ResumableSampler(30)
    first.set_epoch(2)
    first.advance(11)
    resumed = ResumableSampler(30)
    resumed.load_state_dict(first.state_dict())
    resumed.set_epoch(0)
    assert list(resumed) == order(30, 42, 2)[11:]
    resumed.set_epoch(1)
    assert list(resumed) == order(30, 42, 3)
    resumed.set_epoch(7)
    assert list(resumed) == order(30, 42, 7)


def test_foreign_states_are_refused(table: pa.Table) -> None:
    mine, other = (fastsample.sample(table, 60, seed=seed).cache() for seed in (1, 2))
    state = ResumableSampler(mine).state_dict()
    ResumableSampler(mine).load_state_dict(state)
    for sampler, found in [
        (ResumableSampler(other), "data"),
        (ResumableSampler(61), "rows"),
        (ResumableSampler(mine, seed=1), "seed"),
    ]:
        with pytest.raises(fastsample.ArgumentError, match=f"was saved with {found}"):
            sampler.load_state_dict(state)
    with pytest.raises(fastsample.ArgumentError, match="no state of a ResumableSampler"):
        ResumableSampler(mine).load_state_dict({"epoch": 1})
    with pytest.raises(fastsample.ArgumentError, match="was saved with sampler"):
        LengthBatchSampler(mine, 4).load_state_dict(state)


@pytest.mark.parametrize(
    "options", [{"rank": 2, "num_replicas": 2}, {"num_replicas": 0}, {"seed": -1}, {"rank": -1}]
)
def test_bad_arguments(options: dict[str, int]) -> None:
    with pytest.raises(fastsample.ArgumentError):
        ResumableSampler(10, **options)  # type: ignore[arg-type]


LENGTHS = np.random.default_rng(1).gamma(2.0, 100.0, 1003).astype(int)


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("options", [{"batch_size": 8}, {"max_tokens": 2000}])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_of_similar_length(ranks: int, options: dict[str, int], drop_last: bool) -> None:
    samplers = [
        LengthBatchSampler(LENGTHS, num_replicas=ranks, rank=rank, drop_last=drop_last, **options)
        for rank in range(ranks)
    ]
    ratios = []
    for _ in range(2):
        count = len(samplers[0])
        shares = [list(sampler) for sampler in samplers]
        assert [len(share) for share in shares] == [count] * ranks
        seen = Counter(row for share in shares for batch in share for row in batch)
        missing = len(LENGTHS) - len(seen)
        extra = sum(seen.values()) - len(seen)
        assert extra < ranks
        assert missing < ranks * 8 if drop_last else missing == 0
        assert not drop_last or extra == 0
        for step in zip(*shares, strict=True):
            longest = [max(LENGTHS[batch]) for batch in step]
            assert {len(batch) for batch in step} == {len(step[0])}
            for batch, length in zip(step, longest, strict=True):
                fits = len(batch) * length <= options.get("max_tokens", 10**9)
                assert fits or len(batch) == 1
            ratios.append(max(longest) / max(1, min(longest)))
    # Within a step, ranks have rows of about the same length.
    assert np.mean(ratios) < 1.1


def test_length_batches_resume() -> None:
    whole = [list(LengthBatchSampler(LENGTHS, 8)), []]
    second = LengthBatchSampler(LENGTHS, 8)
    second.set_epoch(1)
    whole[1] = list(second)
    assert whole[0] != whole[1]
    for stop in (1, 17, 125, 126):
        sampler = LengthBatchSampler(LENGTHS, 8)
        sampler.advance(stop)
        # The same rows a step, dealt to two ranks.
        resumed = [LengthBatchSampler(LENGTHS, 4, num_replicas=2, rank=rank) for rank in range(2)]
        for some in resumed:
            some.load_state_dict(sampler.state_dict())
        steps = [sorted({*a, *b}) for a, b in zip(*map(list, resumed), strict=True)]
        rest = whole[0][stop:] or whole[1]
        assert steps == [sorted(batch) for batch in rest]
    with pytest.raises(fastsample.ArgumentError, match="was saved with rows_per_step 8"):
        LengthBatchSampler(LENGTHS, 9).load_state_dict(sampler.state_dict())
    with pytest.raises(fastsample.ArgumentError, match="was saved with data"):
        LengthBatchSampler(LENGTHS + 1, 8).load_state_dict(sampler.state_dict())


def test_the_padding_report_is_what_padding_costs() -> None:
    sampler = LengthBatchSampler(LENGTHS, 8)
    found = sampler.padding()
    assert found.used == LENGTHS.sum()
    assert found.padded == sum(len(batch) * max(LENGTHS[batch]) for batch in sampler)
    unsorted = [LENGTHS[order(len(LENGTHS))[i : i + 8]] for i in range(0, len(LENGTHS), 8)]
    assert found.padded_unsorted == sum(len(batch) * max(batch) for batch in unsorted)
    assert 0 < found.saved < found.padding_saved < 1


@pytest.mark.shared
def test_padding_saved_on_real_rows(shared: Path) -> None:
    path = shared / "data" / "my_train_dataset_3k.parquet"
    rows = fastsample.sample(path, 3000).cache()
    found = LengthBatchSampler(rows, 24).padding()
    print(found, found.saved, found.padding_saved)
    assert found.padding_saved > 0.8


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"batch_size": 0},
        {"max_tokens": 0},
        {"batch_size": 2, "window": 0},
        {"lengths": [], "batch_size": 2},
        {"lengths": [-1], "batch_size": 2},
        {"lengths": [2**32], "batch_size": 2},
    ],
)
def test_bad_arguments_of_length_batches(arguments: dict[str, Any]) -> None:
    with pytest.raises(fastsample.ArgumentError):
        LengthBatchSampler(**{"lengths": [1, 2, 3], **arguments})
    with pytest.raises(fastsample.SourceTypeError):
        LengthBatchSampler([0.5], 2)


class Loader:
    """A loader that draws ahead, with `drop_last` as torch's has it."""

    def __init__(self, sampler: ResumableSampler, batch_size: int, drop_last: bool) -> None:
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        rows = list(self.sampler)
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch


class SilentLoader(Loader):
    """One that does not tell whether it drops a last batch."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._drops = self.drop_last
        del self.drop_last

    def __iter__(self) -> Iterator[list[int]]:
        self.drop_last = self._drops
        yield from list(super().__iter__())
        del self.drop_last


@pytest.mark.parametrize("kind", [Loader, SilentLoader])
@pytest.mark.parametrize(
    ("n", "size", "ranks", "drops"),
    [
        (62, 15, 1, "loader"),
        (62, 15, 2, "loader"),
        (61, 10, 2, "sampler"),
        (61, 10, 2, "both"),
        (61, 7, 3, "both"),
    ],
)
def test_a_run_saved_after_the_last_batch_that_is_not_dropped_goes_on(
    kind: type[Loader], n: int, size: int, ranks: int, drops: str
) -> None:
    def made() -> ResumableSampler:
        return ResumableSampler(n, num_replicas=ranks, drop_last=drops in ("sampler", "both"))

    def run(sampler: ResumableSampler) -> Iterator[list[int]]:
        return sampler.follow(kind(sampler, size, drops in ("loader", "both")))

    whole = made()
    epochs = [list(run(whole)) for _ in range(3)]
    assert whole.epoch == 3
    assert all(epochs)

    stopped = made()
    for done, _ in enumerate(run(stopped), 1):
        if done == len(epochs[0]):
            state = json.loads(json.dumps(stopped.state_dict()))
            break
    resumed = made()
    resumed.load_state_dict(state)
    later = [batches for _ in range(3) if (batches := list(run(resumed)))]
    assert later[:2] == epochs[1:]
    if kind is Loader or drops == "sampler":
        # The state says that the epoch is over, so that loops over epochs count right.
        assert (state["epoch"], state["consumed"]) == (1, 0)


def test_a_state_at_the_end_of_an_epoch_is_the_next_one() -> None:
    sampler = ResumableSampler(61, num_replicas=2, drop_last=True)
    sampler.load_state_dict({**sampler.state_dict(), "epoch": 4, "consumed": 60})
    assert (sampler.epoch, sampler.consumed) == (5, 0)
    batches = LengthBatchSampler(np.arange(10), 3, drop_last=True)
    batches.load_state_dict({**batches.state_dict(), "epoch": 4, "consumed": 3})
    assert (batches.epoch, len(list(batches))) == (5, 3)


def test_a_loader_without_a_batch_ends() -> None:
    sampler = ResumableSampler(3)
    assert list(sampler.follow(Loader(sampler, 5, True))) == []
