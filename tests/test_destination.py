"""Outputs in object stores: put whole, replaced only if that was said, read again as they were."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs
from fastsample import RemoteFiles, errors
from fastsample.cli import app
from servers import BUCKET, S3, web_server

pytestmark = pytest.mark.cloud

TABLE = pairs(900, mean_chars=60)


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which temporary folders are made: nothing may be left there."""
    folder = tmp_path / "staging"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.parquet", "write_parquet"),
        ("a.arrow", "write_ipc"),
        ("a.jsonl.gz", "write_jsonl"),
        ("a.csv", "write_csv"),
    ],
)
def test_every_format_is_put_whole(
    s3: S3, tmp_path: Path, staging: Path, name: str, how: str
) -> None:
    drawn = fastsample.sample(TABLE, 200, seed=3)
    url = f"s3://{BUCKET}/formats/{name}"
    report = getattr(drawn, how)(url)
    assert [file.place for file in report.files] == [url]
    local = tmp_path / name
    getattr(drawn, how)(local)
    assert fastsample.sample(url, 200).to_arrow().equals(fastsample.sample(local, 200).to_arrow())
    assert report.bytes == local.stat().st_size
    assert not list(staging.iterdir())


def test_shards_and_manifests_come_together(s3: S3, tmp_path: Path, staging: Path) -> None:
    source = tmp_path / "rows.parquet"
    pq.write_table(TABLE, source)
    url = f"s3://{BUCKET}/shards/part.parquet"
    seen: list[tuple[int, int]] = []
    drawn = fastsample.sample(source, 300)
    report = drawn.write_parquet(
        url, shards=3, shuffle=True, manifest=True, progress=lambda *told: seen.append(told)
    )
    expected = [f"part-0000{shard}-of-00003.parquet" for shard in range(3)]
    assert s3.names("shards") == sorted([*expected, "part.parquet.manifest.json"])
    assert [file.place for file in report.files] == [
        f"s3://{BUCKET}/shards/{name}" for name in expected
    ]
    puts = [line for line in s3.requests() if line.startswith("PUT") and "/shards/" in line]
    assert puts[-1].split()[1].endswith(".manifest.json")
    assert seen[-1][0] == seen[-1][1] > 0
    made = json.loads(s3.get("shards/part.parquet.manifest.json"))
    assert [each["path"] for each in made["outputs"]] == [file.place for file in report.files]
    there = fastsample.sample(f"s3://{BUCKET}/shards", fraction=1).to_arrow()
    assert sorted(there["id"].to_pylist()) == sorted(drawn.to_arrow()["id"].to_pylist())
    assert not list(staging.iterdir())


def test_large_objects_go_up_in_parts(
    s3: S3, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastsample import _destination

    monkeypatch.setattr(_destination, "_SINGLE", 100_000)
    rows = pa.table({"text": [f"{row} " * 400 for row in range(8000)]})
    drawn = fastsample.sample(rows, 8000)
    url = f"s3://{BUCKET}/large/all.parquet"
    report = drawn.write_parquet(url, compression="none")
    assert report.bytes > 8 << 20
    posts = [line for line in s3.requests() if "/large/all.parquet" in line]
    assert any(line.startswith("POST") and "uploads" in line for line in posts)
    assert fastsample.sample(url, 8000).to_arrow().equals(drawn.to_arrow())
    with pytest.raises(errors.OutputError, match="the object exists"):
        drawn.write_parquet(url, overwrite=False)
    assert not list(staging.iterdir())


def test_what_is_there_is_replaced_only_if_that_was_said(s3: S3, staging: Path) -> None:
    url = f"s3://{BUCKET}/once/a.jsonl"
    fastsample.sample(TABLE, 10).write_jsonl(url, overwrite=False)
    before = s3.get("once/a.jsonl")
    with pytest.raises(errors.OutputError, match=r"a\.jsonl: the object exists; overwrite=True"):
        fastsample.sample(TABLE, 20).write_jsonl(url, overwrite=False)
    assert s3.get("once/a.jsonl") == before
    fastsample.sample(TABLE, 20).write_jsonl(url)
    assert len(fastsample.sample(url, fraction=1)) == 20
    # A second writer comes in between: the store itself refuses.
    late = f"s3://{BUCKET}/once/b.jsonl"
    drawn = fastsample.sample(TABLE, 20)
    original = type(drawn)._write

    def overtaken(self: Any, *arguments: Any, **options: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            from fastsample._destination import Destination

            patch.setattr(Destination, "check", lambda *_, **__: s3.put("once/b.jsonl", b"{}\n"))
            return original(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(drawn), "_write", overtaken)
        with pytest.raises(errors.OutputError, match="the object exists"):
            drawn.write_jsonl(late, overwrite=False)
    assert s3.get("once/b.jsonl") == b"{}\n"
    assert not list(staging.iterdir())


def test_inputs_are_never_replaced(s3: S3, tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    s3.put("inputs/rows.parquet", (tmp_path / "rows.parquet").read_bytes())
    url = f"s3://{BUCKET}/inputs/rows.parquet"
    with pytest.raises(errors.OutputError, match="the sample is read from it"):
        fastsample.sample(url, 10).write_parquet(url)
    by_target = fastsample.sample(TABLE, 10, smart=fastsample.Smart(target=url))
    with pytest.raises(errors.OutputError, match="the sample is read from it"):
        by_target.write_parquet(url)
    files = RemoteFiles(url, storage_options={"region": "us-east-1"})
    with pytest.raises(errors.OutputError, match="the sample is read from it"):
        fastsample.sample(url, 10).write_parquet(files)


def test_an_upload_that_fails_leaves_nothing(
    s3: S3, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastsample import _destination

    monkeypatch.setattr(_destination, "_SINGLE", 1000)

    def cut_off(*_: object) -> Iterator[bytes]:
        yield b"x" * (9 << 20)
        raise OSError(5, "the disk fails")

    monkeypatch.setattr(_destination, "_chunks", cut_off)
    with pytest.raises(errors.OutputError, match=r"a\.parquet: cannot write"):
        fastsample.sample(TABLE, 300).write_parquet(f"s3://{BUCKET}/failed/a.parquet")
    assert s3.names("failed") == []
    assert not list(staging.iterdir())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"s3://{BUCKET}/", "names no file to write"),
        (f"s3://{BUCKET}/folder/", "names no file to write"),
        (f"s3://{BUCKET}/*.parquet", "names no file to write"),
        ("s3://no-such-bucket/a.parquet", "there is no such bucket"),
        ("hf://datasets/org/name/a.parquet", r"upload it \(hf upload\)"),
        ("https://host/a.parquet", "not of a web server"),
        ("https://host/a.csv", "csv files are not written so|not of a web server"),
    ],
)
def test_what_can_not_be_written_is_told(s3: S3, staging: Path, url: str, message: str) -> None:
    with pytest.raises(errors.OutputError, match=message) as raised:
        fastsample.sample(TABLE, 10).write_parquet(url)
    assert url.rstrip("/") in str(raised.value)
    assert not list(staging.iterdir())


def test_one_place_is_written_to(s3: S3) -> None:
    files = RemoteFiles([f"s3://{BUCKET}/a.parquet", f"s3://{BUCKET}/b.parquet"])
    with pytest.raises(errors.OutputError, match="path names 2 places; name one to write to"):
        fastsample.sample(TABLE, 10).write_parquet(files)


def test_a_name_that_promises_another_format_is_refused(s3: S3) -> None:
    with pytest.raises(errors.ArgumentError, match=r"\.csv files are not written so"):
        fastsample.sample(TABLE, 10).write_parquet(f"s3://{BUCKET}/a.csv")
    for write in (
        lambda url: fastsample.epochs(TABLE, 10).write(url),
        lambda url: fastsample.split(TABLE, {"a": 10}).write_parquet(url),
    ):
        with pytest.raises(errors.OutputError, match="outputs are local files"):
            write(f"s3://{BUCKET}/a")


def test_mixtures_and_the_command_line(s3: S3, tmp_path: Path, staging: Path) -> None:
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    url = f"s3://{BUCKET}/cli/out.jsonl"
    mixed = fastsample.mix({"a": TABLE, "b": TABLE}, 40)
    mixed.write_parquet(f"s3://{BUCKET}/cli/mixed.parquet")
    assert (
        fastsample.sample(f"s3://{BUCKET}/cli/mixed.parquet", 40)
        .to_arrow()
        .equals(mixed.to_arrow())
    )
    for words in (["--output", url, "--input", tmp_path / "rows.parquet"],
                  [tmp_path / "rows.parquet", url]):  # fmt: skip
        line = ["sample", *map(str, words), "-n", "50", "--no-shuffle", "--manifest", "--json"]
        done = CliRunner().invoke(app, line)
        assert done.exit_code == 0, done.output
        assert [each["path"] for each in json.loads(done.stdout)["files"]] == [url]
    assert len(fastsample.sample(url, fraction=1)) == 50
    assert s3.names("cli") == ["mixed.parquet", "out.jsonl", "out.jsonl.manifest.json"]
    line = ["sample", str(tmp_path / "rows.parquet"), url, "-n", "50", "--no-overwrite"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 1
    assert "the object exists" in " ".join(done.stderr.split())
    with web_server() as web:
        done = CliRunner().invoke(app, ["sample", str(tmp_path / "rows.parquet"),
                                        f"{web.url}/a.parquet", "-n", "5"])  # fmt: skip
    assert done.exit_code == 1
    assert "not of a web server" in " ".join(done.stderr.split())
    assert not list(staging.iterdir())
