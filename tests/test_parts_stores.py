"""Draws in parts that write into a folder of an object store: as into one of this machine."""

from __future__ import annotations

import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import fastsample
import pyarrow.parquet as pq
import pytest
from data import pairs
from fastsample import RemoteFiles, errors, parts
from servers import BUCKET, S3

pytestmark = pytest.mark.cloud

TABLE = pairs(900, mean_chars=60)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for part in range(4):
        pq.write_table(TABLE[part * 225 : part * 225 + 225], folder / f"{part}.parquet")
    (tmp_path / "staging").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "staging"))
    return folder


def decided(job: parts.Draw) -> parts.Decision:
    decision = None
    while decision is None or not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]
        decision = job.decide(parts.merge(states), decision)
    return decision


def test_an_output_appears_with_its_manifest(s3: S3, source: Path, tmp_path: Path) -> None:
    job = parts.Draw(source, 100, seed=3, target_bytes=20_000)
    decision = decided(job)
    url = f"s3://{BUCKET}/out/first"
    files = [job.write(part, decision, url) for part in job.parts]
    files += [job.write(job.parts[0], decision, url)]  # a task that ran twice
    with pytest.raises(
        errors.SourceNotFoundError, match=r"not committed; finish it, or remove s3:"
    ):
        fastsample.sample(url, 5)
    with pytest.raises(errors.CorruptDataError, match="the file of part 0 is missing"):
        job.commit(files[1:-1], url)
    done = job.commit(files, url)
    assert (done.url, done.rows) == (url, 100)
    assert job.commit(files, url) == done  # after a failure it is called again
    local = tmp_path / "local"
    near = job.commit([job.write(part, decision, local) for part in job.parts], local)
    assert [path.name for path in done.files] == [path.name for path in near.files]
    assert s3.names("out/first") == sorted(
        ["_fastsample.json", *(path.name for path in done.files)]
    )
    expected = fastsample.sample(source, 100, seed=3).to_arrow()
    assert fastsample.sample(url, 100).to_arrow().equals(expected)
    assert not list((tmp_path / "staging").iterdir())


def test_readers_go_by_the_manifest(s3: S3, source: Path) -> None:
    job = parts.Draw(source, 100, target_bytes=20_000)
    decision, url = decided(job), f"s3://{BUCKET}/out/read"
    done = job.commit([job.write(part, decision, url) for part in job.parts], url)
    # What is no part of it is not read from its folder.
    s3.put("out/read/other.parquet", (source / "0.parquet").read_bytes())
    assert len(fastsample.sample(url, fraction=1)) == 100
    with pytest.raises(errors.OutputError, match=r"other\.parquet: .* holds other data files"):
        job.commit([job.write(part, decision, url) for part in job.parts], url)
    s3.delete("out/read/other.parquet")
    s3.delete(f"out/read/{done.files[0].name}")
    with pytest.raises(errors.CorruptDataError, match=r"no such file, but _fastsample\.json names"):
        fastsample.sample(url, 5)
    s3.put(f"out/read/{done.files[0].name}", b"PAR1")
    with pytest.raises(errors.CorruptDataError, match="the file has 4 bytes, but"):
        fastsample.sample(url, 5)
    s3.put("out/read/_fastsample.json", b"{}")
    with pytest.raises(errors.CorruptDataError, match="a manifest of another version"):
        fastsample.sample(url, 5)


def test_another_output_is_replaced_only_if_that_was_said(s3: S3, source: Path) -> None:
    url = f"s3://{BUCKET}/out/again"
    first, second = (parts.Draw(source, n, target_bytes=20_000) for n in (100, 60))
    for job in (first, second):
        decision = decided(job)
        files = [job.write(part, decision, url) for part in job.parts]
        if job is first:
            job.commit(files, url)
            continue
        with pytest.raises(errors.OutputError, match="holds the output of another draw"):
            job.commit(files, url)
        assert len(fastsample.sample(url, fraction=1)) == 100
        done = job.commit(files, url, overwrite=True)
        assert s3.names("out/again") == sorted(
            ["_fastsample.json", *(path.name for path in done.files)]
        )
    assert len(fastsample.sample(url, fraction=1)) == 60


def test_a_part_that_was_lost_is_named(s3: S3, source: Path) -> None:
    job = parts.Draw(source, 100, target_bytes=20_000)
    decision, url = decided(job), f"s3://{BUCKET}/out/lost"
    files = [job.write(part, decision, url) for part in job.parts]
    s3.delete(files[1].path.removeprefix(f"s3://{BUCKET}/"))
    with pytest.raises(errors.SourceNotFoundError, match="a part whose file was lost"):
        job.commit(files, url)
    files[1] = job.write(job.parts[1], decision, url)
    s3.put(files[2].path.removeprefix(f"s3://{BUCKET}/"), b"PAR1")
    with pytest.raises(errors.CorruptDataError, match="another size than when it was written"):
        job.commit(files, url)


def test_the_root_of_a_bucket_is_a_folder(s3: S3, source: Path) -> None:
    job = parts.Draw(source, 100, target_bytes=20_000)
    decision, url = decided(job), f"s3://{BUCKET}"
    files = [job.write(part, decision, url) for part in job.parts]
    s3.put("deep/other.parquet", (source / "0.parquet").read_bytes())
    with pytest.raises(errors.OutputError, match=r"s3://bucket/deep/other\.parquet: .* other data"):
        job.commit(files, url)
    for name in s3.names("deep"):
        s3.delete(f"deep/{name}")
    for name in s3.names("out"):
        s3.delete(f"out/{name}")
    done = job.commit(files, url)
    assert len(fastsample.sample(url, fraction=1)) == done.rows == 100
    for path in done.files:
        s3.delete(path.name)
    s3.delete("_fastsample.json")


def test_options_and_stores(s3: S3, source: Path) -> None:
    job = parts.Draw(source, 100, target_bytes=20_000)
    decision = decided(job)
    folder = RemoteFiles("out/held", store=s3.store())
    done = job.commit([job.write(part, decision, folder) for part in job.parts], folder)
    assert done.rows == 100
    assert len(fastsample.sample(f"s3://{BUCKET}/out/held", fraction=1)) == 100
    manifest = json.loads(s3.get("out/held/_fastsample.json"))
    assert manifest["rows"] == 100
    with pytest.raises(errors.OutputError, match="not of a web server"):
        job.write(job.parts[0], decision, "https://host/out")
    with pytest.raises(errors.OutputError, match="folder names 2 places"):
        job.write(job.parts[0], decision, RemoteFiles([f"s3://{BUCKET}/a", f"s3://{BUCKET}/b"]))


@pytest.mark.dask
def test_tasks_of_a_cluster_write_into_a_store(s3: S3, source: Path) -> None:
    from fastsample import dask as draws

    distributed: Any = import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        drawn = draws.sample(client, source, 100, seed=3)
        for folder in (
            f"s3://{BUCKET}/out/dask",
            RemoteFiles(f"s3://{BUCKET}/out/dask2", storage_options={"region": "us-east-1"}),
        ):
            done = drawn.write_parquet(folder)
            expected = fastsample.sample(source, 100, seed=3).to_arrow()
            assert fastsample.sample(done.url, 100).to_arrow().equals(expected)
