"""Fresh rows in every epoch."""

import itertools
from pathlib import Path

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import drawn_ids, stream, write_parquet


def test_epochs_are_windows_of_one_order(table: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(table, tmp_path / "source.parquet", row_group_size=700)
    for source in (table, path):
        epochs = fastsample.epochs(source, 900, seed=3)
        assert len(epochs) == 3
        assert np.array_equal(epochs[0].row_ids, fastsample.sample(table, 900, seed=3).row_ids)
        seen: set[int] = set()
        for epoch in range(3):
            ids = epochs[epoch].row_ids.tolist()
            assert len(ids) == 900
            assert seen.isdisjoint(ids)
            seen |= set(ids)
            assert seen == set(drawn_ids(3000, 900 * (epoch + 1), 3))
            assert epochs[epoch].to_arrow()["id"].to_pylist() == ids
        # The 300 rows that are left, then the first ones again.
        again = set(epochs[3].row_ids.tolist())
        assert again == set(range(3000)) - seen | set(drawn_ids(3000, 600, 3))
        assert epochs[3].cache().path != epochs[0].cache().path


@pytest.mark.parametrize("smart", [False, True])
def test_a_loop_over_the_epochs_ends(table: pa.Table, smart: bool) -> None:
    epochs = fastsample.epochs(table, 1400, smart=smart)
    rows = [drawn.row_ids.tolist() for drawn in itertools.islice(epochs, 9)]
    assert rows == [epochs[0].row_ids.tolist(), epochs[1].row_ids.tolist()]
    assert len(list(epochs)) == len(epochs) == 2
    assert [len(drawn) for drawn in reversed(epochs)] == [1400, 1400]


def test_every_row_comes_equally_often(table: pa.Table) -> None:
    epochs = fastsample.epochs(table, 800)
    counts = np.zeros(3000, int)
    for epoch in range(15):
        counts[epochs[epoch].row_ids] += 1
    assert counts.tolist() == [4] * 3000


def test_all_rows_every_epoch(table: pa.Table) -> None:
    epochs = fastsample.epochs(table, 3000)
    assert [len(epochs[epoch].row_ids) for epoch in (0, 1)] == [3000, 3000]


@pytest.mark.parametrize("smart", [True, "entropy"])
def test_smart_epochs(table: pa.Table, smart: bool) -> None:
    epochs = fastsample.epochs(table, 900, smart=smart)
    seen: set[int] = set()
    for epoch in range(3):
        ids = set(epochs[epoch].row_ids.tolist())
        assert len(ids) == 900
        assert seen.isdisjoint(ids)
        seen |= ids
        more = fastsample.sample(table, 900 * (epoch + 1), smart=smart).row_ids
        assert seen == set(more.tolist())
        assert epochs[epoch].report.smart is not None
    backwards = fastsample.epochs(table, 900, smart=smart)
    assert [backwards[e].row_ids.tolist() for e in (2, 0)] == [
        epochs[e].row_ids.tolist() for e in (2, 0)
    ]
    with pytest.raises(IndexError, match="epoch 3 of 3"):
        epochs[3]


def test_a_smart_epoch_reads_the_source_once(table: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(table, tmp_path / "source.parquet")
    epochs = fastsample.epochs(path, 900, smart=True)
    expected = [fastsample.epochs(table, 900, smart=True)[e].row_ids.tolist() for e in range(3)]
    first = epochs[0].row_ids.tolist()
    path.unlink()
    assert [first, *(epochs[e].row_ids.tolist() for e in (1, 2))] == expected


def test_bad_arguments_are_refused(table: pa.Table) -> None:
    with pytest.raises(fastsample.ArgumentError, match="a stream can be read once"):
        fastsample.epochs(stream(table), 10)
    with pytest.raises(fastsample.ArgumentError, match="only 3000 rows"):
        fastsample.epochs(table, 3001)
    with pytest.raises(fastsample.ArgumentError):
        fastsample.epochs(table, 10)[-1]
