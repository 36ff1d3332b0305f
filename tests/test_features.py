"""Kept features: the rows of a draw without them, and a refusal of all that is not theirs."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from data import pairs, run_fresh, stream
from fastsample import KeptFeatures, Smart
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers_made import make


def _rows(count: int, seed: int) -> pa.Table:
    """Return rows: some are copies, some nearly so, some are short, some repeat themselves."""
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    for row in range(count):
        kind = rng.integers(6) if texts else 0
        if kind == 1:
            texts.append(texts[rng.integers(len(texts))])
        elif kind == 2:
            texts.append(texts[rng.integers(len(texts))] + f" {row}")
        elif kind == 3:
            texts.append("哈" * int(rng.integers(1, 30)))
        else:
            texts.append("".join(map(chr, rng.integers(0x4E00, 0x4E00 + 300, rng.integers(40)))))
    kinds = [f"k{kind}" for kind in rng.integers(0, 4, count)]
    weights = rng.random(count) + 0.1
    ids = np.arange(count)
    names = ("id", "text", "kind", "weight", "trio")
    return pa.table([ids, texts, kinds, weights, ids // 3], names=names)


def _write(table: pa.Table, folder: Path, form: str) -> list[Path]:
    """Write a table to two files of a format."""
    paths = [folder / f"{name}.{form}" for name in "ab"]
    half = table.num_rows // 2
    for path, part in zip(paths, (table[:half], table[half:]), strict=True):
        if form == "parquet":
            pq.write_table(part, path, row_group_size=100)
        elif form == "arrow":
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, part.schema) as writer:
                writer.write_table(part, 100)
        elif form == "csv":
            pyarrow.csv.write_csv(part, path)
        else:
            part.to_pandas().to_json(path, orient="records", lines=True, force_ascii=False)
    return paths


def _told(report: fastsample.Report) -> fastsample.Report:
    """Return a report without what differs where features are kept."""
    assert report.smart is not None
    smart = dataclasses.replace(report.smart, features=None)
    return dataclasses.replace(report, seconds=0.0, smart=smart)


def _features(drawn: fastsample.Sample) -> KeptFeatures:
    assert drawn.report.smart is not None
    assert drawn.report.smart.features is not None
    return drawn.report.smart.features


_STRENGTHS = st.sampled_from([0.0, 0.5, 1.0, 2.0])
_SMART = st.builds(Smart, duplicates=_STRENGTHS, length=_STRENGTHS, repetition=_STRENGTHS)
_OPTIONS = st.sampled_from(
    [
        {},
        {"where": "id >= 3"},
        {"by": "kind"},
        {"group": "trio"},
        {"weight": "weight"},
        {"weights": True},
        {"columns": ["text", "kind"]},
    ]
)

_DRAW = st.tuples(_SMART, st.integers(20, 40), st.integers(0, 9), _OPTIONS)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(60, 300),
    st.integers(0, 2**32),
    st.sampled_from(["parquet", "arrow", "jsonl", "csv"]),
    st.lists(_DRAW, min_size=2, max_size=3),
    st.sampled_from([1, 2, 8]),
)  # fmt: skip
def test_draws_have_the_rows_of_those_without(
    count: int,
    data: int,
    form: str,
    draws: list[tuple[Smart, int, int, dict[str, Any]]],
    threads: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths, kept = _write(_rows(count, data), folder, form), folder / "kept"
        for number, (smart, n, seed, options) in enumerate(draws):
            how: dict[str, Any] = {
                "smart": smart,
                "seed": seed,
                "text_columns": ["text"],
                **options,
            }
            found = fastsample.sample(paths, n, features=kept, threads=threads, **how)
            fresh = fastsample.sample(paths, n, **how)
            assert found.row_ids.tolist() == fresh.row_ids.tolist()
            assert found.to_arrow().equals(fresh.to_arrow())
            assert _told(found.report) == _told(fresh.report)
            assert found.report.smart is not None
            assert found.report.smart.features == KeptFeatures(str(kept), number > 0, None)
        score = fastsample.score(paths, draws[0][0], features=kept, text_columns=["text"])
        assert _features(score).read
        fresh_scores = fastsample.score(paths, draws[0][0], text_columns=["text"])
        assert score.to_arrow().equals(fresh_scores.to_arrow())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    _write(_rows(1000, 1), folder, "parquet")
    return folder


def test_epochs_splits_and_tokens_read_them(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert not _features(fastsample.sample(source, 10, smart=True, features=kept)).read
    epochs = fastsample.epochs(source, 100, smart=True, features=kept)
    fresh = fastsample.epochs(source, 100, smart=True)
    assert [epoch.row_ids.tolist() for epoch in epochs] == [e.row_ids.tolist() for e in fresh]
    assert _features(epochs[3]).read
    sizes = {"train": 500, "valid": 50}
    sides = fastsample.split(source, sizes, smart=True, features=kept)
    for name, side in fastsample.split(source, sizes, smart=True).items():
        assert side.row_ids.tolist() == sides[name].row_ids.tolist()
    assert _features(sides["train"]).read
    tokenizer = make("bpe", tmp_path / "tokenizer.json")
    budget: dict[str, Any] = {"budget_tokens": 2000, "tokenizer": tokenizer, "smart": True}
    found = fastsample.sample(source, features=kept, **budget)
    assert found.row_ids.tolist() == fastsample.sample(source, **budget).row_ids.tolist()
    assert _features(found).read


def test_a_draw_that_reads_them_reads_no_text(tmp_path: Path) -> None:
    path, kept = tmp_path / "a.parquet", tmp_path / "kept"
    pq.write_table(pairs(20_000, mean_chars=300.0), path, compression="none")
    script = """
import sys, fastsample
read = lambda: int(open("/proc/self/io").read().split()[1])
before = read()
fastsample.sample(sys.argv[1], 10, smart=True, features=sys.argv[2])
print(read() - before)
"""
    (first,), (second,) = (run_fresh(script, path, kept) for _ in range(2))
    assert first > 0.5 * path.stat().st_size
    assert second < 0.1 * path.stat().st_size
    assert 16 * 20_000 < kept.stat().st_size < 17 * 20_000


def test_a_file_that_lacks_something_is_replaced(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    rows = pq.read_table(source).slice(0, 200)
    other = rows.slice(100, 50)
    rules = {
        "plain": (Smart(), None),
        "commonness": (Smart(commonness=0.5), "commonness"),
        "target": (Smart(target=rows), "this target"),
        "other target": (Smart(target=other), "this target"),
        "avoid": (Smart(avoid=rows), "these rows to avoid"),
        "all": (Smart(target=rows, avoid=other), "this target and these rows to avoid"),
    }
    for rule, lacked in rules.values():
        fresh = fastsample.sample(source, 50, smart=rule)
        for is_read in (False, True):
            drawn = fastsample.sample(source, 50, smart=rule, features=kept)
            found = None if is_read else lacked
            assert _features(drawn) == KeptFeatures(str(kept), is_read, found)
            notes = drawn.report.smart.notes if drawn.report.smart else ()
            assert any("since it lacked" in note for note in notes) == (found is not None)
            assert drawn.row_ids.tolist() == fresh.row_ids.tolist()
            assert _told(drawn.report) == _told(fresh.report)
    # What a draw does not need may be there.
    for rule in (Smart(), Smart(target=rows), Smart(avoid=other), Smart(target_strength=2)):
        drawn = fastsample.sample(source, 50, smart=rule, features=kept)
        fresh = fastsample.sample(source, 50, smart=rule)
        assert _features(drawn).read
        assert (drawn.row_ids.tolist(), _told(drawn.report)) == (
            fresh.row_ids.tolist(),
            _told(fresh.report),
        )


def _renamed(source: Path) -> Path:
    (source / "b.parquet").rename(source / "c.parquet")
    return source


def _longer(source: Path) -> Path:
    pq.write_table(_rows(600, 3), source / "b.parquet")
    return source


def _touched(source: Path) -> Path:
    os.utime(source / "a.parquet", ns=(0, (source / "a.parquet").stat().st_mtime_ns + 1))
    return source


def _one_more(source: Path) -> Path:
    pq.write_table(_rows(60, 3), source / "c.parquet")
    return source


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_renamed, "they are of b.parquet, where c.parquet is now; name another file"),
        (_longer, r"they are of b.parquet of [\d]+ bytes, which has [\d]+ now"),
        (_touched, "they are of a.parquet as it was before it was changed or copied"),
        (_one_more, "they are of 2 files, not 3; name another file, or remove this one"),
    ],
)
def test_those_of_another_source_are_refused(
    source: Path, tmp_path: Path, change: Callable[[Path], Path], told: str
) -> None:
    kept = tmp_path / "kept"
    fastsample.sample(source, 10, smart=True, features=kept)
    before = kept.read_bytes()
    change(source)
    with pytest.raises(fastsample.ArgumentError, match=rf"kept: .* not of this source: {told}"):
        fastsample.sample(source, 10, smart=True, features=kept)
    assert kept.read_bytes() == before


def test_those_of_other_text_columns_are_refused(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    fastsample.sample(source, 10, smart=True, features=kept, text_columns=["text"])
    told = r"of the text columns text \(Utf8\), not kind \(Utf8\), text \(Utf8\)"
    with pytest.raises(fastsample.ArgumentError, match=told):
        fastsample.sample(source, 10, smart=True, features=kept, text_columns=["kind", "text"])


def test_moved_files_keep_theirs(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    fastsample.sample(source, 10, smart=True, features=kept)
    moved = source.rename(tmp_path / "moved")
    assert _features(fastsample.sample(moved, 10, smart=True, features=kept)).read
    shutil.copytree(moved, tmp_path / "copied")  # with the times of change
    assert _features(fastsample.sample(tmp_path / "copied", 10, smart=True, features=kept)).read


@pytest.mark.parametrize(
    ("damage", "error", "told"),
    [
        (lambda whole: whole[:-1], fastsample.CorruptDataError, "damaged or were cut short"),
        (lambda whole: whole + b"x", fastsample.CorruptDataError, "damaged or were cut short"),
        (lambda whole: whole[:20], fastsample.CorruptDataError, "damaged or were cut short"),
        (
            lambda whole: whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:],
            fastsample.CorruptDataError,
            "damaged or were cut short; remove the file to have them computed anew",
        ),
        (
            lambda whole: whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
            fastsample.CorruptDataError,
            "damaged or were cut short",
        ),
        (
            lambda whole: whole[:12] + bytes([whole[12] ^ 1]) + whole[13:],
            fastsample.UnsupportedDataError,
            "another version of fastsample kept these features; remove the file",
        ),
        (lambda whole: whole[:0], fastsample.ArgumentError, "no file of kept features"),
        (lambda whole: b"PAR1" + whole, fastsample.ArgumentError, "name another file, or remove"),
    ],
)
def test_damage_is_told_and_nothing_is_replaced(
    source: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    error: type[Exception],
    told: str,
) -> None:
    kept = tmp_path / "kept"
    fastsample.sample(source, 10, smart=True, features=kept)
    damaged = damage(kept.read_bytes())
    kept.write_bytes(damaged)
    with pytest.raises(error, match=told):
        fastsample.sample(source, 10, smart=True, features=kept)
    assert kept.read_bytes() == damaged


def test_what_has_no_features_is_refused(source: Path, tmp_path: Path, table: pa.Table) -> None:
    kept = tmp_path / "kept"
    for options, told in (
        ({}, "features are what a smart draw keeps; draw with smart, or leave out features"),
        ({"smart": "entropy"}, "features and entropy exclude each other; leave out one of them"),
    ):
        for draw in (
            lambda options=options: fastsample.sample(source, 9, features=kept, **options),
            lambda options=options: fastsample.epochs(source, 9, features=kept, **options),
            lambda options=options: fastsample.split(source, {"a": 9}, features=kept, **options),
        ):
            with pytest.raises(fastsample.ArgumentError, match=told):
                draw()
    with pytest.raises(fastsample.ArgumentError, match="rows in memory can't be told from others"):
        fastsample.sample(table, 9, smart=True, features=kept)
    rows = stream(table)
    with pytest.raises(fastsample.ArgumentError, match="the rows of a stream can't be told"):
        fastsample.sample(rows, 9, smart=True, features=kept)
    assert rows.read_next_batch().num_rows > 0, "it was not read"
    with pytest.raises(fastsample.ArgumentError, match="the rows of a stream can't be told"):
        fastsample.score(stream(table), features=kept)
    with pytest.raises(fastsample.SourceTypeError, match="features is 3"):
        fastsample.sample(source, 9, smart=True, features=3)  # type: ignore[arg-type]
    assert not kept.exists()


def test_neither_they_nor_the_source_are_replaced(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.parquet"
    drawn = fastsample.sample(source, 9, smart=True, features=kept)
    with pytest.raises(fastsample.OutputError, match="it is the input"):
        drawn.write_parquet(kept)
    again = fastsample.sample(source, 9, smart=True, features=kept)
    with pytest.raises(fastsample.OutputError, match="it is the input"):
        again.write_parquet(kept)
    before = (source / "a.parquet").read_bytes()
    with pytest.raises(fastsample.ArgumentError, match="no file of kept features"):
        fastsample.sample(source, 9, smart=True, features=source / "a.parquet")
    assert (source / "a.parquet").read_bytes() == before
    with pytest.raises(fastsample.OutputError, match="there is no folder"):
        fastsample.sample(source, 9, smart=True, features=tmp_path / "none" / "kept")


def test_a_manifest_needs_no_file_of_features(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for name in ("first", "second"):
        drawn = fastsample.sample(source, 9, smart=True, features=kept)
        drawn.write_parquet(tmp_path / f"{name}.parquet", manifest=True)
    manifest = (tmp_path / "second.parquet.manifest.json").read_text()
    assert str(kept) not in manifest
    kept.unlink()
    again = fastsample.reproduce(tmp_path / "second.parquet.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()


def test_a_folder_is_told_from_a_file_of_features(tmp_path: Path) -> None:
    rows = _write(_rows(20, 1), tmp_path, "parquet")
    with pytest.raises(fastsample.UnsupportedDataError, match="it is a folder; name a file"):
        fastsample.sample(rows, 5, smart=True, features=tmp_path)
