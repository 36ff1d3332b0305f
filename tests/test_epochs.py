"""Fresh rows in every epoch."""

import itertools
from pathlib import Path

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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


@pytest.mark.parametrize("name", ["a.b.parquet", "a.arrow", "a.jsonl.gz", "a.csv", "a"])
def test_each_epoch_is_a_file(table: pa.Table, tmp_path: Path, name: str) -> None:
    epochs = fastsample.epochs(table, 900, seed=3)
    written = epochs.write(tmp_path / name)
    stem, dot, ending = name.replace("a.b", "a_b").partition(".")
    names = [f"{stem}-epoch{epoch}{dot}{ending}".replace("a_b", "a.b") for epoch in range(3)]
    assert [report.files[0].path.name for report in written] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for epoch, file in enumerate(names):
        ids = epochs[epoch].row_ids.tolist()
        whole = fastsample.sample(tmp_path / file, 900, seed=1)
        assert whole.to_arrow()["id"].to_pylist() == ids
        shuffled = epochs.write(tmp_path / name, 3, shuffle=True)[epoch].files[0].path
        again = fastsample.sample(shuffled, 900).to_arrow()["id"].to_pylist()
        assert again != ids
        assert sorted(again) == ids
        epochs.write(tmp_path / name)


def test_all_files_of_epochs_or_none(table: pa.Table, tmp_path: Path) -> None:
    epochs = fastsample.epochs(table, 900)
    (tmp_path / "a-epoch2.parquet").write_bytes(b"mine")
    with pytest.raises(fastsample.OutputError, match=r"a-epoch2\.parquet: cannot write: it exists"):
        epochs.write(tmp_path / "a.parquet", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a-epoch2.parquet"]
    for name, expected in (
        ("a.xlsx", "no format is known"),
        ("a.jsonl", r"end it in \.jsonl\.gz"),
    ):
        with pytest.raises(fastsample.ArgumentError, match=expected):
            epochs.write(tmp_path / name, compression="zstd")
    with pytest.raises(fastsample.ArgumentError, match="epochs is 4, but a draw by weight has 3"):
        fastsample.epochs(table, 900, smart=True).write(tmp_path / "b.parquet", 4)
    assert [path.name for path in tmp_path.iterdir()] == ["a-epoch2.parquet"]
    # By rank rows begin again.
    written = epochs.write(tmp_path / "c.parquet", 4, compression="snappy")
    assert written[3].rows == 900
    assert pq.ParquetFile(written[3].files[0].path).metadata.row_group(0).column(0).compression == (
        "SNAPPY"
    )
