"""A cached sample: one file for all processes, written once, opened anywhere."""

import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import stream, write_parquet
from filelock import FileLock


@pytest.fixture
def source(table: pa.Table, tmp_path: Path) -> Path:
    return write_parquet(table, tmp_path / "source.parquet", row_group_size=500)


def test_the_cached_rows_are_the_sample(source: Path, tmp_path: Path) -> None:
    sample = fastsample.sample(source, 700)
    cached = sample.cache(tmp_path / "c")
    assert cached.path.parent == tmp_path / "c"
    assert cached.to_arrow().equals(sample.to_arrow())
    assert pa.table(cached).equals(sample.to_arrow())
    assert sample.to_arrow(mmap=True).equals(sample.to_arrow())


def test_equal_requests_find_the_same_file(source: Path) -> None:
    first = fastsample.sample(source, 700).cache()
    written = first.path.stat().st_mtime_ns
    assert fastsample.sample([str(source)], 700, threads=1).cache().path == first.path
    assert first.path.stat().st_mtime_ns == written
    others = [
        fastsample.sample(source, 700, seed=1).cache().path,
        fastsample.sample(source, 701).cache().path,
        fastsample.sample(source, 700, columns=["id"]).cache().path,
        fastsample.sample(source, 700, smart=True).cache().path,
    ]
    os.utime(source, ns=(1, 1))
    others.append(fastsample.sample(source, 700).cache().path)
    assert len({first.path, *others}) == 6


def test_equal_rows_with_other_weights_are_other_files(tmp_path: Path) -> None:
    rows = pa.table({"text": [f"{i} {'x' * (i % 7 * 50)}" for i in range(200)]})
    path = write_parquet(rows, tmp_path / "rows.parquet")
    kinds = [fastsample.Smart(duplicates=0, commonness=0, length=s) for s in (0.125, 0.126)]
    samples = [fastsample.sample(path, 100, smart=kind, weights=True, seed=3) for kind in kinds]
    assert samples[0].row_ids.tolist() == samples[1].row_ids.tolist()
    weights = [some.to_arrow()["_weight"].to_pylist() for some in samples]
    assert weights[0] != weights[1]
    for some in samples:
        assert some.cache().to_arrow().equals(some.to_arrow())
        assert pickle.loads(pickle.dumps(some)).to_arrow().equals(some.to_arrow())
    again = fastsample.sample(path, 100, smart=kinds[0], weights=True, seed=3)
    assert again.cache().path == samples[0].cache().path


def test_samples_of_equal_rows_keep_their_places() -> None:
    table = pa.table({"text": ["a", "b"] * 50})
    samples = [fastsample.sample(table, 1, seed=seed) for seed in range(20)]
    assert len({sample[0]["text"] for sample in samples}) == 2
    ids = [sample.row_ids.tolist() for sample in samples]
    assert len({tuple(some) for some in ids}) > 2
    pickled = [pickle.dumps(sample) for sample in samples]
    assert [pickle.loads(one).row_ids.tolist() for one in pickled] == ids


def test_rows_that_come_from_no_file_are_named_by_content(table: pa.Table) -> None:
    path = fastsample.sample(table, 50).cache().path
    assert fastsample.sample(table, 50, threads=1).cache().path == path
    streamed = fastsample.sample(stream(table), 50)
    assert streamed.cache().path == streamed.cache().path
    assert streamed.cache().to_arrow().equals(streamed.to_arrow())
    assert fastsample.sample(table, 51).cache().path != path
    assert not list(path.parent.glob(".*"))


ASK = """
import sys, fastsample
print(fastsample.sample(sys.argv[1], 2000).cache(sys.argv[2]).path)
"""


def test_many_processes_ask_at_once_and_one_writes(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    command = [sys.executable, "-c", ASK, str(source), str(folder)]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {process.communicate(timeout=100)[0].strip() for process in asking}
    assert [process.returncode for process in asking] == [0] * 4
    assert len(answers) == 1
    assert [path.name for path in folder.glob("*.arrow")] == [Path(answers.pop()).name]


def test_pickles_are_small_and_hold_no_rows(source: Path) -> None:
    sample = fastsample.sample(source, 700)
    cached = sample.cache()
    for thing in (cached, sample):
        pickled = pickle.dumps(thing)
        assert len(pickled) < 4096
        again = pickle.loads(pickled)
        assert len(again) == 700
        assert again.to_arrow().equals(sample.to_arrow())
        assert again[5] == sample[5]
    assert np.array_equal(pickle.loads(pickle.dumps(sample)).row_ids, sample.row_ids)
    hf = cached.to_hf()
    assert len(pickle.dumps(hf)) < 4096


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_of_every_kind_after_a_parallel_draw(source: Path, method: str) -> None:
    sample = fastsample.sample(source, 700, threads=4)
    expected = sample.to_arrow().to_pylist()
    cached = sample.cache()
    wanted = [3, 699, 0, 41]
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        answers = pool.map_async(cached.__getitems__, [wanted] * 4).get(timeout=60)
    assert answers == [[expected[i] for i in wanted]] * 4


def test_a_failed_write_leaves_nothing(source: Path, tmp_path: Path) -> None:
    sample = fastsample.sample(source, 700)
    source.write_bytes(source.read_bytes() + b" ")
    with pytest.raises(fastsample.SourceChangedError):
        sample.cache(tmp_path / "c")
    assert not list((tmp_path / "c").glob("*.arrow"))


def test_a_folder_that_cannot_be_created(source: Path) -> None:
    with pytest.raises(fastsample.OutputError, match="cannot create the folder"):
        fastsample.sample(source, 5).cache(source / "c")


def test_importing_fastsample_imports_no_torch() -> None:
    script = "import sys, fastsample; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_damaged_cache_is_written_again(source: Path) -> None:
    sample = fastsample.sample(source, 700)
    path = sample.cache().path
    for content in (b"", path.read_bytes()[:5000], b"no Arrow at all"):
        path.write_bytes(content)
        with pytest.raises(fastsample.SourceTypeError, match="remove it and write it again"):
            fastsample.Dataset(path)
        assert sample.cache().path == path
        assert sample.cache().to_arrow().equals(sample.to_arrow())


def test_a_lock_that_cannot_be_had(source: Path) -> None:
    """Another user's lock file; here a folder of its name, since root may open any file."""
    sample = fastsample.sample(source, 700)
    first = sample.cache().path
    first.unlink()
    lock = first.with_name(f"{first.name}.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    assert sample.cache().path == first
    assert sample.cache().to_arrow().equals(sample.to_arrow())


def test_a_cache_folder_that_cannot_be_written(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sample = fastsample.sample(source, 700)
    where = Path("/sys") if os.geteuid() == 0 else folder  # root may write to any other
    folder.chmod(0o500)
    with pytest.raises(fastsample.OutputError, match=str(where)):
        sample.cache(where)


def test_names_that_are_not_utf8(table: pa.Table, tmp_path: Path) -> None:
    name = os.fsdecode("数据".encode("gbk"))
    source = tmp_path / f"{name}.parquet"
    fastsample.sample(table, 900).write_parquet(source)
    sample = fastsample.sample(source, 700)
    cached = sample.cache(tmp_path / name)
    assert cached.to_arrow().equals(sample.to_arrow())
    assert pickle.loads(pickle.dumps(cached))[3] == sample[3]
    assert pickle.loads(pickle.dumps(sample)).to_arrow().equals(sample.to_arrow())
    assert len(fastsample.Dataset(cached.path)) == 700
    with pytest.raises(fastsample.UnsupportedDataError, match="names are not UTF-8"):
        cached.to_hf()
    # Reports of such files can be printed.
    assert "�" in str(sample.write_parquet(tmp_path / name / "out.parquet")).encode().decode()


def test_a_source_that_is_gone(table: pa.Table, tmp_path: Path) -> None:
    source = write_parquet(table, tmp_path / "gone.parquet")
    sample = fastsample.sample(source, 700)
    source.unlink()
    for use in (sample.cache, lambda: pickle.dumps(sample), lambda: sample.to_arrow(mmap=True)):
        with pytest.raises(fastsample.SourceNotFoundError, match=str(source)):
            use()


def test_row_ids_of_a_pickle_that_are_gone_or_damaged(source: Path) -> None:
    pickled = pickle.dumps(fastsample.sample(source, 700))
    (ids,) = Path(os.environ["FASTSAMPLE_CACHE"]).glob("*.npy")
    for content in (b"", b"no numbers", ids.read_bytes()[:500]):
        ids.write_bytes(content)
        with pytest.raises(fastsample.SourceTypeError, match=f"{ids}: it holds no row ids"):
            _ = pickle.loads(pickled).row_ids
    ids.unlink()
    with pytest.raises(fastsample.SourceNotFoundError, match=str(ids)):
        _ = pickle.loads(pickled).row_ids


def test_a_dataset_of_what_is_no_arrow_file(source: Path) -> None:
    with pytest.raises(fastsample.SourceTypeError, match=r"a Parquet file.*cache"):
        fastsample.Dataset(source)
    with pytest.raises(fastsample.SourceTypeError, match="it is a folder"):
        fastsample.Dataset(source.parent)


def lock_of(path: Path) -> FileLock:
    return FileLock(f"{path}.lock")


def test_a_lock_is_waited_for_as_long_as_its_folder_is_there(source: Path, tmp_path: Path) -> None:
    sample = fastsample.sample(source, 700)
    name = sample.cache(tmp_path / "other").path.name
    folder = tmp_path / "c"
    folder.mkdir()
    with lock_of(folder / name):
        threading.Timer(0.3, shutil.rmtree, [folder]).start()
        began = time.monotonic()
        with pytest.raises(fastsample.OutputError, match="there is no folder"):
            sample.cache(folder)
        assert time.monotonic() - began < 20


def test_a_lock_that_is_held_for_long_is_not_waited_for(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastsample._training.cache._PATIENCE_SECONDS", 0.6)
    sample = fastsample.sample(source, 700)
    name = sample.cache(tmp_path / "other").path.name
    with lock_of(tmp_path / "c" / name):
        cached = sample.cache(tmp_path / "c")
    assert cached.to_arrow().equals(sample.to_arrow())


def test_a_lock_ends_once_the_file_is_there(source: Path, tmp_path: Path) -> None:
    """The one who has the lock may have been stopped after it wrote the file."""
    sample = fastsample.sample(source, 700)
    written = sample.cache(tmp_path / "other").path
    path = tmp_path / "c" / written.name
    path.parent.mkdir()
    with lock_of(path):
        threading.Timer(0.3, shutil.copy, [written, path]).start()
        assert sample.cache(path.parent).path == path


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may")
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o1777])
def test_the_folder_and_lock_of_another_user(source: Path, tmp_path: Path, mode: int) -> None:
    """The lock can't be had; then the folder decides, by a named error."""
    for parent in source.parents:  # one more of its own where tests run in several processes
        if parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(0o755)
    sample = fastsample.sample(source, 700)
    expected = sample.to_arrow()
    name = sample.cache(tmp_path / "other").path.name
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / f"{name}.lock").touch(0o600)
    folder.chmod(mode)
    os.seteuid(65534)
    try:
        if mode == 0o1777:
            assert sample.cache(folder).to_arrow().equals(expected)
        else:
            with pytest.raises(fastsample.OutputError, match=str(folder / name)):
                sample.cache(folder)
    finally:
        os.seteuid(0)
