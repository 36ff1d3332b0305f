"""Manifests of the sides of a split and of epochs: the same rows again, or what differs."""

import json
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs, write_parquet
from fastsample import ArgumentError, OutputError, SourceChangedError, SourceNotFoundError
from fastsample._comparison.dropped import smart_options
from fastsample._sampling import manifest as manifests
from fastsample.cli import app
from manifests_made import check_other_rows_are_told, read

ROWS = 600
FILES = ["a.parquet", "b.parquet"]


def rows_made() -> pa.Table:
    table = pairs(ROWS).append_column("kind", pa.array([str(row % 3) for row in range(ROWS)]))
    return table.append_column("talk", pa.array([row // 4 for row in range(ROWS)]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    table = rows_made()
    (tmp_path / "source").mkdir()
    write_parquet(table.slice(0, 250), tmp_path / "source" / "a.parquet")
    write_parquet(table.slice(250), tmp_path / "source" / "b.parquet")
    write_parquet(table.slice(30, 4), tmp_path / "bench.parquet")
    write_parquet(pairs(80, seed=3), tmp_path / "target.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def names_of(files: list[dict[str, Any]]) -> list[str]:
    return sorted(Path(file["path"]).name for file in files)


def check_again(drawn: fastsample.Sample, output: Path, *, shuffle: bool = False) -> None:
    """Hold what a manifest beside `output` draws against what was drawn and written."""
    again = fastsample.reproduce(f"{output}.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert again.to_arrow().equals(drawn.to_arrow())
    again.write_parquet("again.parquet", shuffle=shuffle)
    assert Path("again.parquet").read_bytes() == output.read_bytes()


SIZES = {"train": 300, "valid": 0.1, "测试": 30}
SPLITS: list[dict[str, Any]] = [
    {"sizes": SIZES},
    {"sizes": SIZES, "seed": 2**63, "columns": ["kind", "prompt"], "text_columns": ["prompt"]},
    {"sizes": {"all": 1.0}, "text_columns": []},
    {"sizes": {"a": np.int64(90), "b": np.float32(0.3)}, "where": "kind = '1'"},
    {"sizes": {"a": 0.5, "b": 0.5}, "group": "talk"},
    {"folds": 7, "group": ["talk", "kind"]},
    {"folds": 3, "near_duplicates": True},
    {"sizes": SIZES, "smart": True},
    {"sizes": SIZES, "smart": True, "features": "kept.features"},
    {"sizes": SIZES, "smart": fastsample.Smart(target="target.parquet", avoid="bench.parquet")},
    {"sizes": SIZES, "exclude": "bench.parquet", "exclude_letters": 20},
]


@pytest.mark.parametrize("options", SPLITS, ids=str)
def test_sides_are_made_again(folder: Path, options: dict[str, Any]) -> None:
    is_shuffled = "seed" in options
    sides = fastsample.split("source", **options)
    sides.write_parquet("sides", shuffle=is_shuffled, manifest=True)
    made = {name: read(f"sides/{name}.parquet.manifest.json") for name in sides}
    for name, side in sides.items():
        check_again(side, folder / "sides" / f"{name}.parquet", shuffle=is_shuffled)
        assert (made[name]["side"], made[name]["rows"]) == (name, len(side))
        assert names_of(made[name]["files"]) == FILES
        # The sides differ in their rows, and in nothing that made them.
        own = {"side": 0, "rows": 0, "row_ids": 0, "outputs": 0}
        assert {**made[name], **own} == {**next(iter(made.values())), **own}
    used = {name for name in ("bench.parquet", "target.parquet") if name in str(options)}
    assert set(names_of(made[name]["other_inputs"])) == used
    assert list(made[name]["options"]["sizes"]) == list(sides)


BY_TARGET = fastsample.Smart(target={"a": "target.parquet"}, avoid="bench.parquet")
EPOCHS: list[dict[str, Any]] = [
    {"n": 70},
    {"n": 70, "seed": 2**63, "columns": ["kind", "id"]},
    {"fraction": 0.13, "where": "kind = '1'"},
    {"n": 60, "by": "kind", "allocation": "sqrt"},
    {"n": 60, "by": ["kind"], "allocation": {"0": 0.25, "2": 0.75}},
    {"n": 50, "group": "talk"},
    {"n": 50, "weight": "id"},
    {"n": 50, "smart": True},
    {"n": 50, "smart": True, "features": "kept.features"},
    {"n": 50, "smart": BY_TARGET, "text_columns": ["prompt"]},
    {"n": 50, "smart": True, "group": "talk"},
    {"n": 50, "exclude": ["bench.parquet"], "exclude_letters": 20},
]


@pytest.mark.parametrize("options", EPOCHS, ids=str)
def test_epochs_are_made_again(folder: Path, options: dict[str, Any]) -> None:
    is_shuffled = "seed" in options
    epochs = fastsample.epochs("source", **options)
    epochs.write("out.parquet", 3, shuffle=is_shuffled, manifest=True)
    for epoch in range(3):
        check_again(epochs[epoch], folder / f"out-epoch{epoch}.parquet", shuffle=is_shuffled)
        made = read(f"out-epoch{epoch}.parquet.manifest.json")
        assert (made["epoch"], made["rows"]) == (epoch, len(epochs[epoch]))
        assert (made["source"], names_of(made["files"])) == (["source"], FILES)
        used = {name for name in ("bench.parquet", "target.parquet") if name in str(options)}
        assert set(names_of(made["other_inputs"])) == used


def test_a_side_and_an_epoch_are_written_alone(folder: Path) -> None:
    epochs = fastsample.epochs("source", 100)
    for drawn in (fastsample.split("source", SIZES)["valid"], epochs[0], epochs[9]):
        drawn.write_jsonl("out.jsonl", manifest=True, shards=2)
        again = fastsample.reproduce(folder / "out.jsonl.manifest.json")
        assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert read("out.jsonl.manifest.json")["epoch"] == 9


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_types_of_lines_are_kept(folder: Path, kind: str) -> None:
    lines = {"csv": "zip,text\n" + "0123,abc\n" * 20, "jsonl": '{"zip": 12, "text": "a"}\n' * 20}
    Path(f"rows.{kind}").write_text(lines[kind], encoding="utf-8")
    options: dict[str, Any] = {"schema": pa.schema({"zip": pa.string()})}
    sides = fastsample.split(f"rows.{kind}", {"a": 5, "b": 5}, text_columns=[], **options)
    getattr(sides, f"write_{kind}")("sides", compression="gzip", manifest=True)
    fastsample.epochs(f"rows.{kind}", 5, **options).write(f"e.{kind}", 2, manifest=True)
    for output in (f"sides/b.{kind}.gz", f"e-epoch1.{kind}"):
        again = fastsample.reproduce(folder / f"{output}.manifest.json").to_arrow()
        assert again["zip"].to_pylist() == ["0123" if kind == "csv" else "12"] * 5


def written(kind: str) -> Path:
    """Write two sides or two epochs; return the manifest of the second one."""
    if kind == "side":
        sides = fastsample.split("source", {"train": 400, "valid": 0.1}, text_columns=[])
        sides.write_parquet("out", manifest=True)
        return Path("out/valid.parquet.manifest.json")
    fastsample.epochs("source", 200, weight="id").write("out.parquet", 2, manifest=True)
    return Path("out-epoch1.parquet.manifest.json")


@pytest.mark.parametrize("kind", ["side", "epoch"])
def test_a_source_that_changed_is_named(folder: Path, kind: str) -> None:
    manifest, first = written(kind), folder / "source" / "a.parquet"
    whole, table = first.read_bytes(), pq.read_table(first)
    write_parquet(table.take(list(range(table.num_rows))[::-1]), first)
    with pytest.raises(SourceChangedError, match=r"a\.parquet: .*(content|bytes)"):
        fastsample.reproduce(manifest)
    first.unlink()
    write_parquet(table.slice(0, 1), first)
    # So few rows are left that there is no such side, or epoch.
    second = folder / "source" / "b.parquet"
    others = second.read_bytes()
    write_parquet(table.slice(1, 30), second)
    with pytest.raises(SourceChangedError, match=r"a\.parquet: .*; .*b\.parquet: "):
        fastsample.reproduce(manifest)
    first.write_bytes(whole)
    second.write_bytes(others)
    fastsample.reproduce(manifest)

    check_other_rows_are_told(manifest, folder / "other.json")


@pytest.mark.parametrize("kind", ["side", "epoch"])
def test_the_source_may_have_been_moved(folder: Path, kind: str) -> None:
    manifest, moved = written(kind), folder / "moved"
    (folder / "source").rename(moved)
    with pytest.raises(SourceNotFoundError, match="source"):
        fastsample.reproduce(manifest)
    assert len(fastsample.reproduce(manifest, moved)) == read(manifest)["rows"]
    with pytest.raises(SourceChangedError, match="4 source files, not 2"):
        fastsample.reproduce(manifest, [moved, moved])
    with pytest.raises(ArgumentError, match=r"the rows can't be told .* in memory"):
        fastsample.reproduce(manifest, rows_made())


#: What becomes of a sound manifest, and what is said of it.
DAMAGES: list[tuple[str, Any, str]] = [
    ("side", lambda made: made.update(side=3), "'side' is 3"),
    ("side", lambda made: made.update(side="test"), "side is 'test', but .* 'train', 'valid'"),
    ("side", lambda made: made["options"].pop("sizes"), "'sizes' is None"),
    ("side", lambda made: made["options"].update(sizes=[0.9]), r"'sizes' is \[0\.9\]"),
    ("side", lambda made: made["options"].update(sizes={"valid": "a"}), "the size of 'valid'"),
    ("side", lambda made: made["options"].update(n=5), "it is no manifest: .*'n'"),
    ("side", lambda made: made["files"][0].pop("sha256"), "'sha256' is None"),
    ("side", lambda made: made.pop("side"), "it is no manifest: .*'sizes'"),
    ("epoch", lambda made: made.update(epoch="1"), "'epoch' is '1'"),
    ("epoch", lambda made: made.update(epoch=True), "'epoch' is True"),
    ("epoch", lambda made: made.update(epoch=-1), "epoch is -1"),
    ("epoch", lambda made: made.update(epoch=4), "epoch 4 of 2"),
    ("epoch", lambda made: made["options"].update(replace=True), "it is no manifest: .*'replace'"),
    ("epoch", lambda made: made.pop("source"), "'source' is None"),
]


@pytest.mark.parametrize(("kind", "damage", "message"), DAMAGES)
def test_damaged_manifests_are_refused(folder: Path, kind: str, damage: Any, message: str) -> None:
    manifest = folder / written(kind)
    made = read(manifest)
    damage(made)
    manifest.write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises((ArgumentError, fastsample.errors.SourceTypeError), match=message):
        fastsample.reproduce(manifest)


def test_what_has_no_manifest_says_why(folder: Path) -> None:
    table = rows_made()
    sides = fastsample.split(table, SIZES)
    with pytest.raises(ArgumentError, match="its rows come from an object in memory"):
        sides.write_parquet("out", manifest=True)
    sides = fastsample.split("source", SIZES, exclude=table.slice(0, 1))
    with pytest.raises(ArgumentError, match="its exclude comes from an object in memory"):
        sides.write_csv("out", manifest=True)
    epochs = fastsample.epochs("source", 9, smart=fastsample.Smart(target=table))
    with pytest.raises(ArgumentError, match="target= of its smart draw comes from an object"):
        epochs.write("out.parquet", 2, manifest=True)
    assert not list(folder.glob("out*"))


def test_manifests_replace_nothing_that_they_may_not(folder: Path) -> None:
    (folder / "out").mkdir()
    for beside in ("out/valid.parquet.manifest.json", "out-epoch1.parquet.manifest.json"):
        Path(beside).write_text("mine", encoding="utf-8")
    sides = fastsample.split("source", SIZES)
    with pytest.raises(OutputError, match=r"valid\.parquet\.manifest\.json"):
        sides.write_parquet("out", manifest=True, overwrite=False)
    with pytest.raises(OutputError, match=r"epoch1\.parquet\.manifest\.json"):
        fastsample.epochs("source", 9).write("out.parquet", 2, manifest=True, overwrite=False)
    assert len(list(folder.rglob("out*/*"))) == 1
    assert len(list(folder.glob("out-*"))) == 1


def test_inputs_are_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def fingerprint(path: Path) -> str:
        hashed.append(path.name)
        return "0"

    monkeypatch.setattr(manifests, "fingerprint", fingerprint)
    sides = fastsample.split("source", SIZES, exclude="bench.parquet")
    sides.write_parquet("out", manifest=True)
    assert sorted(hashed) == [*FILES, "bench.parquet"]
    assert len(list(folder.glob("out/*.manifest.json"))) == 3


@pytest.mark.parametrize("kind", ["side", "epoch"])
def test_they_are_not_updated(folder: Path, kind: str) -> None:
    manifest = folder / written(kind)
    drawn = fastsample.reproduce(manifest)
    for old, what in ((drawn, "the earlier sample"), (manifest, r"manifest\.json")):
        with pytest.raises(ArgumentError, match=f"{what} is of an? {kind}"):
            fastsample.update(old, ["source"])


def test_smart_sides_and_epochs_are_told_apart(folder: Path) -> None:
    """Rows that a comparison misses may be on other sides, or in earlier epochs."""
    sides = fastsample.split("source", SIZES, smart=True)
    sides.write_parquet("out", manifest=True)
    epochs = fastsample.epochs("source", 9, smart=True)
    epochs.write("out.parquet", 2, manifest=True)
    for path, is_smart, drawn in [
        ("out/train.parquet", True, sides["train"]),
        ("out/valid.parquet", False, sides["valid"]),
        ("out-epoch1.parquet", True, epochs[1]),
    ]:
        assert smart_options(path, [folder / path]) == (is_smart, None)
        assert smart_options(drawn, []) == (is_smart, None)


def test_the_command_line(folder: Path) -> None:
    run("split", "-i", "source", "-o", "sides", "train=0.8", "valid=60", "--shuffle", "--manifest",
        "--group", "talk")  # fmt: skip
    run("sample", "source", "e.arrow", "-n", 90, "--epochs", 2, "--smart", "--manifest")
    for output, rows in (("sides/valid.parquet", 60), ("e-epoch1.arrow", 90)):
        again = folder / f"again{Path(output).suffix}"
        words = [f"{output}.manifest.json", "-o", again, "--json", "--manifest"]
        assert json.loads(run("reproduce", *words))["rows_after"] == rows
        assert again.read_bytes() == Path(output).read_bytes()
        made = [read(f"{path}.manifest.json") for path in (output, again)]
        assert {**made[0], "outputs": 0} == {**made[1], "outputs": 0}
    (folder / "source").rename("moved")
    run("reproduce", "sides/train.parquet.manifest.json", "-i", "moved", "-o", "t.parquet")
    assert Path("t.parquet").read_bytes() == Path("sides/train.parquet").read_bytes()
    write_parquet(pairs(10), folder / "moved" / "a.parquet")
    for output in ("sides/train.parquet", "e-epoch0.arrow"):
        words = [f"{output}.manifest.json", "-i", "moved", "-o", "third.parquet"]
        run("reproduce", *words, code=1)
        assert not Path("third.parquet").exists()
