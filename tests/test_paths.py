"""Files, folders and globs: every name that a user can have, in the order of their paths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import errors

#: A name in GBK, as archives from a Chinese Windows have them. It is not UTF-8.
GBK = os.fsdecode("数据".encode("gbk"))


def write(path: Path, first: int, rows: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # pyarrow itself takes no names that are not UTF-8.
    with path.open("wb") as file:
        pq.write_table(pa.table({"id": range(first, first + rows)}), file)
    return path


def ids(source: Any) -> list[int]:
    """Return the rows of a source, all of them."""
    rows = fastsample.inspect(source, lengths=False).rows
    found: list[int] = fastsample.sample(source, rows).to_arrow()["id"].to_pylist()
    return found


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", 0)
    write(tmp_path / f"{GBK}.parquet", 10)
    assert ids(tmp_path) == list(range(20))
    assert ids(tmp_path / "*.parquet") == list(range(20))
    assert ids(tmp_path / "????.parquet") == list(range(10, 20))
    assert ids(tmp_path / f"{GBK}.parquet") == list(range(10, 20))
    assert ids(tmp_path / f"{GBK}*") == list(range(10, 20))


def test_shards_of_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    sample = fastsample.sample(write(tmp_path / "in" / f"{GBK}.parquet", 0), 10)
    (tmp_path / "out").mkdir()
    sample.write_parquet(tmp_path / "out" / f"{GBK}.parquet", shards=2)
    names = sorted(os.fsencode(path.name) for path in (tmp_path / "out").iterdir())
    stem = os.fsencode(GBK)
    assert [stem + b"-00000-of-00002.parquet", stem + b"-00001-of-00002.parquet"] == names
    assert ids(tmp_path / "out") == list(range(10))


def test_hidden_files_are_not_matched(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", 0)
    write(tmp_path / ".hidden.parquet", 10)
    write(tmp_path / ".cache" / "b.parquet", 20)
    for glob in ("*.parquet", "*", "**/*.parquet", "**"):
        assert ids(tmp_path / glob) == list(range(10)), glob
    assert ids(tmp_path / ".h*") == list(range(10, 20))


def test_folders_that_match_are_searched(tmp_path: Path) -> None:
    write(tmp_path / "2023" / "b.parquet", 10)
    write(tmp_path / "2023" / "deep" / "c.parquet", 20)
    write(tmp_path / "2024" / "a.parquet", 30)
    write(tmp_path / "other" / "a.parquet", 40)
    (tmp_path / "2023" / "notes.txt").write_text("no data")
    assert ids(tmp_path / "20*") == list(range(10, 40))
    assert ids(tmp_path / "20*") == ids(tmp_path / "20*" / "**" / "*.parquet")
    # A folder and what is in it match, but no file counts twice.
    assert ids(tmp_path / "**") == list(range(10, 50))


@pytest.mark.parametrize("source", ["", ["a.parquet", ""]])
def test_empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Any) -> None:
    write(tmp_path / "a.parquet", 0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.ArgumentError, match="empty path"):
        fastsample.sample(source, 1)
    assert ids(".") == list(range(10))


def test_endings(tmp_path: Path) -> None:
    for at, ending in enumerate(("parquet", "parq", "pq", "PARQUET")):
        write(tmp_path / f"{at}.{ending}", 10 * at)
    assert ids(tmp_path) == list(range(40))


def test_files_passed_over_are_named(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.json", "d.parquet.tmp", "e.txt"):
        (tmp_path / name).write_text("no data")
    with pytest.raises(errors.SourceNotFoundError, match=r"passed over .*a\.csv.* and 2 more"):
        fastsample.sample(tmp_path, 1)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("s3://bucket/k.parquet", "s3://bucket/k.parquet"),
        ("https://x.org/*.parquet", "https://x.org/"),
        ("hf://datasets/x/y.parquet", "hf://datasets/x/y.parquet"),
    ],
)
def test_addresses(source: str, shown: str) -> None:
    with pytest.raises(errors.UnsupportedDataError, match="an address") as caught:
        fastsample.sample(source, 1)
    assert shown in str(caught.value)


def test_tilde_in_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "~x.parquet", 0)
    monkeypatch.chdir(tmp_path)
    assert ids("~x.parquet") == list(range(10))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ids("~/~x.parquet") == list(range(10))


def test_bracket_in_a_name(tmp_path: Path) -> None:
    write(tmp_path / "data[v1].parquet", 0)
    assert ids(tmp_path / "data[v1].parquet") == list(range(10))
    assert ids(tmp_path / "data[[]v1].parquet") == list(range(10))
    with pytest.raises(errors.ArgumentError, match="bracket"):
        fastsample.sample(tmp_path / "data[v2.parquet", 1)
