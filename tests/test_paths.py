"""Files, folders and globs: every name that a user can have, in the order of their paths."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
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
    for name in ("a.orc", "b.orc", "c.json", "d.parquet.tmp", "e.txt"):
        (tmp_path / name).write_text("no data")
    with pytest.raises(errors.SourceNotFoundError, match=r"passed over .*a\.orc.* and 2 more"):
        fastsample.sample(tmp_path, 1)


def folder_with_others(folder: Path) -> Path:
    write(folder / "a.parquet", 0)
    write(folder / "deep" / ".b.parquet", 10)
    write(folder / "_c.parquet", 20)
    for name in ("d.orc", "e.parquet.tmp"):
        (folder / name).write_text("no data")
    # What other programs keep beside data, and folders that are hidden, are no news.
    for name in ("_SUCCESS", ".DS_Store", ".git"):
        (folder / name).write_text("")
    write(folder / ".cache" / "f.parquet", 30)
    return folder


def test_reports_tell_what_was_passed_over(tmp_path: Path) -> None:
    folder = folder_with_others(tmp_path / "data")
    drawn = fastsample.sample(folder, 5)
    (note,) = drawn.report.notes
    assert note.startswith("4 files were passed over, ")
    assert note.endswith(f"_c.parquet, {folder}/d.orc, {folder}/deep/.b.parquet and 1 more")
    assert note in str(drawn.report)
    assert drawn.report.to_dict()["notes"] == [note]
    assert fastsample.inspect(folder).notes == (note,)
    assert fastsample.epochs(folder, 5)[1].report.notes == (note,)
    sides = fastsample.split(folder, {"a": 5, "b": 5}, text_columns=[])
    assert [side.report.notes for side in sides.values()] == [(note,), ()]
    assert note in fastsample.plan(folder, 5, batch_size=1, seconds_per_step=1).assumptions
    pq.write_table(pa.table({"text": ["one text", "another"] * 5}), folder / "a.parquet")
    assert fastsample.score(folder).report.notes == (note,)
    assert fastsample.compare(folder, folder).notes == (note, note)


def test_reports_tell_what_a_glob_passed_over(tmp_path: Path) -> None:
    folder = folder_with_others(tmp_path / "data")
    # `_c.parquet` matches.
    assert fastsample.sample(folder / "*.parquet", 5).report.notes == ()
    write(folder / ".g.parquet", 40)
    (note,) = fastsample.sample(folder / "*.parquet", 5).report.notes
    assert note.startswith("1 file was passed over, ")
    assert note.endswith(f": {folder}/.g.parquet")
    # What is named outright is read, and not passed over.
    both = [folder, folder / ".g.parquet"]
    (note,) = fastsample.sample(both, 5).report.notes
    assert ".g.parquet" not in note
    assert fastsample.sample(folder / "a.parquet", 5).report.notes == ()


def test_reports_tell_what_the_target_passed_over(tmp_path: Path) -> None:
    folder = folder_with_others(tmp_path / "target")
    texts = pa.table({"text": [f"a text that is long enough, number {i}" for i in range(30)]})
    pq.write_table(texts, folder / "a.parquet")
    smart = fastsample.Smart(target=folder, target_method="ratio")
    report = fastsample.sample(texts, 5, smart=smart).report
    assert report.smart is not None
    (note,) = report.smart.notes
    assert note.startswith("of the target, 4 files were passed over, ")
    assert note in str(report)
    assert note in report.to_dict()["smart"]["notes"]
    scored = fastsample.score(texts, smart=smart).report
    assert note in str(scored)


@pytest.mark.parametrize("command", ["sample", "inspect", "compare", "split", "plan"])
@pytest.mark.parametrize("as_json", [False, True])
def test_commands_tell_what_was_passed_over(command: str, as_json: bool, tmp_path: Path) -> None:
    folder = folder_with_others(tmp_path / "data")
    rows = pa.table({"text": [f"text {i}" for i in range(10)]})
    pq.write_table(rows, folder / "a.parquet")
    out = tmp_path / "out"
    arguments: dict[str, list[Any]] = {
        "sample": ["-i", folder, "-o", out.with_suffix(".parquet"), "-n", "5"],
        "inspect": [folder],
        "compare": [folder, folder / "a.parquet"],
        "split": ["-i", folder, "-o", out, "a=5", "b=5"],
        "plan": [folder, "-n", "5", "--batch-size", "1", "--seconds-per-step", "1"],
    }
    done = run(command, *arguments[command], *(["--json"] if as_json else []))
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("4 files were passed over") == (
        2 if as_json and command in ("inspect", "compare") else 1
    )
    if as_json:
        assert "4 files were passed over" in done.stdout
        json.loads(done.stdout)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("hdfs://host/k.parquet", "hdfs://host/k.parquet"),
        ("ftp://x.org/*.parquet", "ftp://x.org/"),
        (Path("s3://bucket/k.parquet"), "s3://bucket/k.parquet"),
    ],
)
def test_addresses(source: str | Path, shown: str) -> None:
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
