"""Draws by a key from frames in any order: those of one process, by small states."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from fastsample import (
    ArgumentError,
    ColumnError,
    MissingDependencyError,
    SourceChangedError,
    _fastsample,
)
from fastsample._keyed import Frame, FrameSample, KeyedDraw, Window, keyed_draw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class _Listed(Frame):
    """Tables as the partitions of a frame; each batch has a few rows."""

    batch_rows = 7

    def __init__(self, draw: KeyedDraw, parts: Sequence[pa.Table]) -> None:
        super().__init__(draw)
        self.parts, self.sent = parts, 0

    def check(self) -> None:
        schema = self.parts[0].schema
        known = schema.names
        self.draw.check(known, schema.field(self.draw.key).type if self.draw.key in known else None)

    def count(self) -> int:
        return sum(map(len, self.parts))

    def observed(self, window: Window) -> Iterator[dict[str, Any]]:
        for part in self.parts:
            (batch,) = self.draw.observe(part.to_batches(self.batch_rows), window)
            self.sent = max(self.sent, batch.nbytes)
            yield from batch.to_pylist()

    def kept(self, last: int, first: int = 0) -> list[Any]:
        batches = (part.to_batches(self.batch_rows) for part in self.parts)
        kept = (keys for part in batches for keys in self.draw.keep(part, last, first))
        return [key for keys in kept for key in keys[self.draw.key].to_pylist()]

    def key_of(self, number: int) -> Any:
        return self.kept(number, number)[0]

    def plain_errors(self) -> AbstractContextManager[None]:
        return nullcontext()


def drawn(table: pa.Table, n: int, cuts: Sequence[int] = (), seed: int = 42) -> FrameSample[Any]:
    return FrameSample(listed(table, n, cuts, seed), 0.0)


def listed(table: pa.Table, n: int, cuts: Sequence[int] = (), seed: int = 42) -> _Listed:
    ends = sorted({0, len(table), *(cut % (len(table) + 1) for cut in cuts)})
    parts = [table[start:end] for start, end in pairwise(ends)] or [table]
    return _Listed(keyed_draw(n, "id", seed, None), parts)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), misses=st.booleans())
def test_rows_are_those_of_one_process(
    data: st.DataObject, misses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let keys repeat, and windows miss the threshold."""
    count, seed = data.draw(st.integers(1, 400)), data.draw(st.integers(0, 2**64 - 1))
    made: Any = data.draw(
        st.sampled_from([str, int, lambda key: key % 2 == 0, lambda key: -key / 8])
    )
    keys = np.random.default_rng(data.draw(st.integers(0, 9))).permutation(count)
    keys = keys // data.draw(st.sampled_from([1, 1, 3, 100]))
    n = data.draw(st.integers(1, count))
    table = pa.table({"id": [made(int(key)) for key in keys]})
    frame = listed(table, n, data.draw(st.lists(st.integers(0, 400), max_size=4)), seed)
    with monkeypatch.context() as patch:
        if misses:
            low = data.draw(st.integers(0, 2**64 - 1))
            high = data.draw(st.integers(low, min(low + 2**60, 2**64 - 1)))
            patch.setattr(_fastsample, "key_window", lambda *_: (low, high))
        try:
            expected = fastsample.sample(table, n, key="id", seed=seed).to_arrow()["id"]
        except ArgumentError:
            with pytest.raises(ArgumentError, match=rf"rows have the key .* n = {n} ends between"):
                FrameSample(frame, 0.0)
            return
        found = FrameSample(frame, 0.0)
    assert Counter(frame.kept(found.threshold)) == Counter(expected.to_pylist())
    assert len(found) == n
    assert found.rounds <= (3 if misses or len(set(keys.tolist())) < count else 1)


def test_states_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"id": range(200_000)})
    frame = listed(table, 60_000, (50_000, 51_000))
    frame.batch_rows = 10_000
    once = FrameSample(frame, 0.0)
    assert (once.rounds, once.report.rows, once.report.key) == (1, 200_000, "id")
    assert frame.sent < 17 * 60_000**0.5 * 16 * 0.8
    monkeypatch.setattr(_fastsample, "key_window", lambda *_: (5, 5))
    again = FrameSample(frame, 0.0)
    assert (again.rounds, again.threshold) == (3, once.threshold)
    assert 2**16 * 8 < frame.sent < 2**16 * 16 + 100


def test_a_divided_key_is_named_with_what_fits() -> None:
    table = pa.table({"id": ["a"] * 3 + ["b"] * 5})
    assert len(drawn(table, 3, (2, 5))) == 3
    with pytest.raises(ArgumentError, match=r"3 rows have the key 'a' in .* ask for 3 rows, or"):
        drawn(table, 1, (2, 5))
    with pytest.raises(ArgumentError, match=r"5 rows have the key 'b' in .* ask for 3 or 8 rows,"):
        drawn(table, 7)


def test_what_does_not_fit_is_refused() -> None:
    table = pa.table({"id": ["a", None, "b", None]})
    with pytest.raises(ArgumentError, match="column 'id' is null in 2 of 4 rows; each row needs"):
        drawn(table, 2, (2,))
    with pytest.raises(ArgumentError, match="n is 5, but the source has only 4 rows; ask for at m"):
        drawn(table, 5)
    with pytest.raises(ColumnError, match=r"key: column \"id\" is .*columns of texts, numbers"):
        drawn(pa.table({"id": [[1]]}), 1)
    with pytest.raises(ColumnError, match="key: there is no column 'id'; the columns are ID, x"):
        drawn(pa.table({"ID": [1], "x": [1]}), 1)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([1])], ["id", "id"])
    with pytest.raises(ColumnError, match="key: there are 2 columns 'id'"):
        FrameSample(_only_names(twice), 0.0)
    draw = keyed_draw(1, "id", 42, ["x"])
    with pytest.raises(ColumnError, match="columns: there is no column 'x'; the columns are id"):
        draw.check(["id"], None)
    draw.__dict__["version"] = "9.9.9"
    with pytest.raises(MissingDependencyError, match=r"the draw was made by 9\.9\.9"):
        KeyedDraw(1, "id", 42, None).__setstate__(draw.__dict__)


def _only_names(table: pa.Table) -> _Listed:
    frame = listed(table, 1)
    frame.check = lambda: frame.draw.check(table.schema.names, None)  # type: ignore[method-assign]
    return frame


class _Growing(_Listed):
    """Has more rows each time it is computed."""

    def observed(self, window: Window) -> Iterator[dict[str, Any]]:
        yield from super().observed(window)
        self.parts = [*self.parts, pa.table({"id": [99]})]


class _Other(_Listed):
    """Has other keys each time it is computed."""

    def observed(self, window: Window) -> Iterator[dict[str, Any]]:
        low = int(self.parts[0]["id"][0].as_py())
        self.parts = [pa.table({"id": range(low + 300, low + 600)})]
        return super().observed(window)


def test_a_frame_that_changes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fastsample, "key_window", lambda *_: (5, 5))
    table = pa.table({"id": range(300)})
    draw = keyed_draw(20, "id", 42, None)
    with pytest.raises(SourceChangedError, match="had 300 rows, and 301 when it was computed aga"):
        FrameSample(_Growing(draw, [table]), 0.0)
    with pytest.raises(SourceChangedError, match="other rows each time it is computed; keep it"):
        FrameSample(_Other(draw, [table]), 0.0)
