"""Manifests: what made an output, and the same rows again, or what differs."""

import json
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs, write_parquet
from fastsample.cli import app
from tokenizers_made import make

ROWS = 600


@pytest.fixture
def source(tmp_path: Path) -> Path:
    table = pairs(ROWS).append_column("kind", pa.array([str(row % 3) for row in range(ROWS)]))
    table = table.append_column("talk", pa.array([row // 4 for row in range(ROWS)]))
    (tmp_path / "source").mkdir()
    write_parquet(table.slice(0, 250), tmp_path / "source" / "a.parquet")
    write_parquet(table.slice(250), tmp_path / "source" / "b.parquet")
    return tmp_path / "source"


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


OPTIONS: list[dict[str, Any]] = [
    {"n": 50},
    {"n": 50, "seed": 7, "columns": ["id", "kind"]},
    {"fraction": 0.13, "where": "kind = '1'"},
    {"n": 60, "by": "kind", "allocation": "sqrt"},
    {"n": 60, "by": "kind", "allocation": 3.3},
    {"n": 60, "by": ["kind"], "allocation": {"0": 0.25, "2": 0.75}, "weights": True},
    {"n": 50, "group": "talk"},
    {"n": 50, "weight": "id"},
    {"n": 50, "smart": True},
    {"n": 50, "smart": "entropy", "text_columns": ["prompt"]},
    {"n": 50, "smart": fastsample.Smart(duplicates=0.5, text=["response"])},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_draw_is_made_again(source: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    drawn = fastsample.sample(source, **options)
    drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    again = fastsample.reproduce(tmp_path / "out.parquet.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert again.to_arrow().equals(drawn.to_arrow())
    made = json.loads((tmp_path / "out.parquet.manifest.json").read_text(encoding="utf-8"))
    assert made["fastsample"] == fastsample.__version__
    assert [Path(file["path"]).name for file in made["files"]] == ["a.parquet", "b.parquet"]
    assert (made["source_rows"], made["rows"]) == (ROWS, len(drawn))
    assert made["outputs"][0]["bytes"] == (tmp_path / "out.parquet").stat().st_size


def test_a_target_and_a_tokenizer_are_inputs(source: Path, tmp_path: Path) -> None:
    target = write_parquet(pairs(80, seed=3), tmp_path / "target.parquet")
    avoid = write_parquet(pairs(20, seed=5), tmp_path / "avoid.parquet")
    make("bpe", tmp_path / "tokenizer.json")
    drawn = fastsample.sample(
        source,
        30,
        smart=fastsample.Smart(target={"a": target, "b": [target]}, avoid=avoid),
        tokenizer=tmp_path / "tokenizer.json",
        max_tokens=100,
    )
    manifest = tmp_path / "out.arrow.manifest.json"
    drawn.write_ipc(tmp_path / "out.arrow", manifest=True)
    assert fastsample.reproduce(manifest).row_ids.tolist() == drawn.row_ids.tolist()
    write_parquet(pairs(80, seed=4), target)
    write_parquet(pairs(20, seed=6), avoid)
    error = r"avoid\.parquet: .*target\.parquet: |target\.parquet: .*avoid\.parquet: "
    with pytest.raises(fastsample.SourceChangedError, match=error):
        fastsample.reproduce(manifest)


def test_types_of_lines_are_kept(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("zip,text\n" + "1234,abc\n" * 20, encoding="utf-8")
    schema = pa.schema({"zip": pa.string()})
    drawn = fastsample.sample(tmp_path / "rows.csv", 5, schema=schema)
    drawn.write_csv(tmp_path / "out.csv", manifest=True)
    again = fastsample.reproduce(tmp_path / "out.csv.manifest.json").to_arrow()
    assert again["zip"].to_pylist() == ["1234"] * 5


def test_what_differs_is_told(source: Path, tmp_path: Path) -> None:
    fastsample.sample(source, 50).write_parquet(tmp_path / "out.parquet", manifest=True)
    manifest = tmp_path / "out.parquet.manifest.json"
    first = source / "a.parquet"
    whole = first.read_bytes()

    turned = pq.read_table(first)
    write_parquet(turned.take(list(range(turned.num_rows))[::-1]), first)
    with pytest.raises(fastsample.SourceChangedError, match=r"a\.parquet: .*(content|bytes)"):
        fastsample.reproduce(manifest)
    first.write_bytes(whole)
    fastsample.reproduce(manifest)

    moved = tmp_path / "moved"
    source.rename(moved)
    with pytest.raises(fastsample.SourceNotFoundError):
        fastsample.reproduce(manifest)
    assert len(fastsample.reproduce(manifest, moved)) == 50

    write_parquet(turned, moved / "c.parquet")
    with pytest.raises(fastsample.SourceChangedError, match="3 source files, not 2"):
        fastsample.reproduce(manifest, moved)
    (moved / "c.parquet").unlink()

    made = json.loads(manifest.read_text(encoding="utf-8"))
    made["options"]["seed"] = 43
    manifest.write_text(json.dumps({**made, "fastsample": "0.0.1"}), encoding="utf-8")
    error = r"other rows .* fastsample 0\.0\.1 made the manifest"
    with pytest.raises(fastsample.SourceChangedError, match=error):
        fastsample.reproduce(manifest, moved)


def test_samples_without_a_manifest_say_why(source: Path, tmp_path: Path) -> None:
    table = pairs(50)
    in_memory = fastsample.sample(table, 5)
    by_target = fastsample.sample(source, 5, smart=fastsample.Smart(target=table))
    to_avoid = fastsample.sample(source, 5, smart=fastsample.Smart(avoid=table))
    epoch = fastsample.epochs(table, 10)[1]
    for drawn, why in [
        (in_memory, "an object in memory"),
        (by_target, "target= of its smart draw"),
        (to_avoid, "avoid= of its smart draw"),
        (epoch, "an object in memory"),
    ]:
        with pytest.raises(fastsample.ArgumentError, match=f"no manifest of this sample.*{why}"):
            drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    assert not list(tmp_path.glob("out*"))


def test_a_manifest_replaces_nothing_that_it_may_not(source: Path, tmp_path: Path) -> None:
    beside = tmp_path / "out.parquet.manifest.json"
    beside.write_text("mine", encoding="utf-8")
    with pytest.raises(fastsample.OutputError, match=r"manifest\.json"):
        fastsample.sample(source, 5).write_parquet(
            tmp_path / "out.parquet", manifest=True, overwrite=False
        )
    assert beside.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "no JSON"),
        ("[]", "it is no manifest"),
        ("{}", "it is no manifest"),
        ('{"manifest": 99}', "manifest version 99"),
        ('{"manifest": 1}', "'options' is None"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "m.json").write_text(text, encoding="utf-8")
    with pytest.raises(fastsample.ArgumentError, match=error):
        fastsample.reproduce(tmp_path / "m.json")


def test_unknown_options_are_refused(source: Path, tmp_path: Path) -> None:
    fastsample.sample(source, 5).write_parquet(tmp_path / "out.parquet", manifest=True)
    manifest = tmp_path / "out.parquet.manifest.json"
    made = json.loads(manifest.read_text(encoding="utf-8"))
    made["options"]["loud"] = True
    manifest.write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(fastsample.ArgumentError, match="loud"):
        fastsample.reproduce(manifest)


@pytest.mark.parametrize("options", [{"folds": 3, "group": "talk"}, {"folds": 3, "smart": True}])
def test_pairs_of_folds_are_made_again(
    source: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    out, manifest = tmp_path / "out.parquet", tmp_path / "out.parquet.manifest.json"
    folds = fastsample.split(source, **options)
    found = set()
    for train, valid in folds.pairs():
        for drawn in (train, valid):
            drawn.write_parquet(out, manifest=True)
            for again in (fastsample.reproduce(manifest), fastsample.reproduce(out, source)):
                assert again.row_ids.tolist() == drawn.row_ids.tolist()
                assert again.to_arrow().equals(drawn.to_arrow())
            found.add(tuple(drawn.row_ids))
    assert len(found) == 6
    assert json.loads(run("reproduce", manifest, "-o", tmp_path / "b.parquet", "--json"))
    made = json.loads(manifest.read_text(encoding="utf-8"))
    train.write_parquet(out, manifest=True)
    with pytest.raises(fastsample.ArgumentError, match=r"several sides of a split, whose rows"):
        fastsample.update(out, source)
    del made["side"]
    manifest.write_text(json.dumps({**made, "without": "fold9"}), encoding="utf-8")
    with pytest.raises(fastsample.ArgumentError, match=r"without is 'fold9', but .* 'fold3'"):
        fastsample.reproduce(manifest)


def test_the_command_line(source: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "out.parquet", tmp_path / "again.parquet"
    run("sample", source, first, "-n", 50, "--shuffle", "--manifest")
    manifest = tmp_path / "out.parquet.manifest.json"
    found = json.loads(run("reproduce", manifest, "-o", second, "--json"))
    assert found["rows_after"] == 50
    assert second.read_bytes() == first.read_bytes()
    write_parquet(pairs(10), source / "a.parquet")
    told = run("reproduce", manifest, "-o", tmp_path / "third.parquet", code=1)
    assert "a.parquet" in told
    assert not (tmp_path / "third.parquet").exists()
