"""A cached sample: one file for all processes, written once, opened anywhere."""

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import stream, write_parquet


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
