"""Provenance: outputs tell what made them, and the same rows are drawn again, or what differs."""

import gc
import json
from pathlib import Path
from typing import Any

import fastsample
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from click.testing import CliRunner
from data import pairs, write_ipc, write_parquet
from fastsample import (
    ArgumentError,
    CorruptDataError,
    SourceChangedError,
    SourceNotFoundError,
    _fastsample,
)
from fastsample._sampling.provenance import as_json, hashed
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers_made import make

ROWS = 600
KEY = b"fastsample.provenance"
#: What no output may tell: the folder of its source.
FOLDER = "私人-folder"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = pairs(ROWS).append_column("kind", pa.array([str(row % 3) for row in range(ROWS)]))
    table = table.append_column("talk", pa.array([row // 4 for row in range(ROWS)]))
    source = tmp_path / FOLDER
    source.mkdir()
    write_parquet(table.slice(0, 250), source / "a.parquet")
    write_ipc(table.slice(250), source / "b.arrow")
    write_parquet(table.slice(30, 4), source / "bench.parquet")
    write_parquet(pairs(80, seed=3), source / "target.parquet")
    make("bpe", source / "tokenizer.json")
    return source


def files(folder: Path) -> list[Path]:
    return [folder / "a.parquet", folder / "b.arrow"]


def schema_of(path: Path) -> pa.Schema:
    if path.suffix == ".parquet":
        return pq.read_schema(path)
    with pa.memory_map(str(path)) as file:
        return (pa.ipc.open_file if path.suffix == ".arrow" else pa.ipc.open_stream)(file).schema


def text_of(path: Path) -> str:
    found: bytes = schema_of(path).metadata[KEY]
    return found.decode()


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text_of(path))
    return found


def rewritten(path: Path, other: Path, text: str) -> Path:
    """Write the rows of a file with another provenance."""
    table = pq.read_table(path)
    metadata = {**(table.schema.metadata or {}), KEY: text.encode("utf-8", "surrogatepass")}
    pq.write_table(table.replace_schema_metadata(metadata), other)
    return other


def forged(found: dict[str, Any]) -> str:
    """Return a provenance with a checksum that fits."""
    found = {name: value for name, value in found.items() if name != "checksum"}
    return as_json({**found, "checksum": hashed(as_json(found))})


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def check_again(drawn: fastsample.Sample, output: Path, source: Any, **written: Any) -> None:
    """Hold what `output` tells against what was drawn and written."""
    text = text_of(output)
    assert FOLDER not in output.read_bytes().decode("utf-8", "replace")
    assert str(output.parent) not in text
    made = json.loads(text)
    assert made["fastsample"] == fastsample.__version__
    assert made["row_ids"] == xxhash.xxh3_128_hexdigest(drawn.row_ids.tobytes())
    assert (made["rows"], made["source_rows"]) == (len(drawn), drawn.report.rows)
    again = fastsample.reproduce(output, source)
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert again.to_arrow().equals(drawn.to_arrow())
    other = output.with_name(f"again{output.suffix}")
    write = again.write_parquet if output.suffix == ".parquet" else again.write_ipc
    write(other, **written)
    assert other.read_bytes() == output.read_bytes()


OPTIONS: list[dict[str, Any]] = [
    {"n": 50, "seed": 2**64 - 1, "columns": ["kind", "id"]},
    {"fraction": 0.13, "where": "kind = '1' and prompt != '旧'"},
    {"n": 60, "by": ["kind"], "allocation": {"0": 0.25, "2": 0.75}},
    {"n": 50, "replace": True, "weight": "id"},
    {"n": 50, "smart": True, "exclude": ["bench.parquet"], "weights": True},
    {"budget_tokens": 900, "tokenizer": "tokenizer.json"},
    {"n": 50, "smart": fastsample.Smart(target={"a": "target.parquet"}, text=["response"])},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_draw_is_made_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.chdir(folder)
    drawn = fastsample.sample(files(folder), **options)
    output = tmp_path / "out.parquet"
    drawn.write_parquet(output, shuffle=True)
    check_again(drawn, output, folder, shuffle=True)
    made = told(output)
    assert [file["name"] for file in made["files"]] == ["a.parquet", "b.arrow"]
    others = {"exclude": "bench.parquet", "tokenizer": "tokenizer.json", "smart": "target.parquet"}
    wanted = {name for option, name in others.items() if options.get(option) not in (None, True)}
    assert {file["name"] for file in made["other_inputs"]} == wanted
    assert made["written"] == {"shuffle": True, "shards": 1}
    monkeypatch.chdir(tmp_path)
    assert len(fastsample.reproduce(output, files(folder) if not wanted else folder)) == len(drawn)


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".arrows"])
def test_splits_epochs_and_mixtures(folder: Path, tmp_path: Path, ending: str) -> None:
    name = "write_parquet" if ending == ".parquet" else "write_ipc"
    sides = fastsample.split(files(folder), {"train": 0.8, "valid": 40})
    epochs = fastsample.epochs(files(folder), 100, group="talk")
    sources = {"一": (files(folder)[0], 0.7), "b": ([files(folder)[1]], 0.3)}
    mixed = fastsample.mix(sources, 80)
    for drawn in (sides["valid"], epochs[1], mixed):
        output = tmp_path / f"out{ending}"
        getattr(drawn, name)(output)
        check_again(drawn, output, folder)
        assert isinstance(fastsample.reproduce(output, folder), type(drawn))
    moved = folder.rename(tmp_path / "moved")
    where = {
        name: [moved / Path(file).name for file in files(moved)][place : place + 1]
        for place, name in enumerate(sources)
    }
    again = fastsample.reproduce(output, where)
    assert again.row_ids.tolist() == mixed.row_ids.tolist()
    with pytest.raises(ArgumentError, match=r"source has 'c', but the sources .* '一', 'b'"):
        fastsample.reproduce(output, {**where, "c": moved})


def test_an_update_tells_what_a_fresh_draw_tells(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.parquet"
    fastsample.sample(files(folder)[:1], fraction=0.2).write_parquet(old, manifest=True)
    updated = fastsample.update(old, files(folder))
    updated.write_parquet(tmp_path / "out.parquet")
    fastsample.sample(files(folder), fraction=0.2).write_parquet(tmp_path / "fresh.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "fresh.parquet").read_bytes()
    check_again(updated, tmp_path / "out.parquet", folder)


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_bytes_do_not_depend_on_threads_or_folders(
    folder: Path, tmp_path: Path, ending: str
) -> None:
    described = {b"%d" % number: b"x" * number for number in range(40)}
    table = pa.concat_tables([pairs(400), pairs(300)]).replace_schema_metadata(described)
    written = set()
    for threads in (1, 2, 8):
        where = tmp_path / str(threads)
        where.mkdir()
        source = write_parquet(table, where / "rows.parquet", row_group_size=90)
        drawn = fastsample.sample(source, 100, smart=True, threads=threads)
        output = where / f"out.{ending}"
        getattr(drawn, "write_parquet" if ending == "parquet" else "write_ipc")(output)
        written.add(output.read_bytes())
    assert len(written) == 1


def test_many_files_and_long_options_take_little_room(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    table = pairs(4)
    for number in range(300):
        write_parquet(table, folder / f"{'x' * 200}-{number:03}.parquet")
    output = tmp_path / "out.parquet"
    drawn = fastsample.sample(folder, 50)
    drawn.write_parquet(output)
    size = sum(path.stat().st_size for path in folder.iterdir())
    found = told(output)["files"]
    assert (found["count"], found["bytes"]) == (300, size)
    assert len(text_of(output)) < 2000
    check_again(drawn, output, folder)
    with pytest.raises(ArgumentError, match=r"drawn from 300 files.*name them, or their folder"):
        fastsample.reproduce(output)
    one = folder / f"{'x' * 200}-007.parquet"
    write_parquet(pairs(4, seed=5), one)
    with pytest.raises(SourceChangedError, match=r"source files: ([\d,]+ bytes|as long as)"):
        fastsample.reproduce(output, folder)
    one.unlink()
    with pytest.raises(SourceChangedError, match="299 source files, not 300"):
        fastsample.reproduce(output, folder)

    where = " or ".join(f"id = {row}" for row in range(9000))
    fastsample.sample(table, 1, where=where).write_parquet(output)
    assert len(text_of(output)) < 1000
    with pytest.raises(ArgumentError, match=r"can't be drawn again.*more than 65,536 characters"):
        fastsample.reproduce(output)


def test_rows_of_no_file_tell_their_options(folder: Path, tmp_path: Path) -> None:
    table, output = pairs(60), tmp_path / "out.parquet"
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    target = fastsample.Smart(target={"t": table}, avoid=files(folder)[0])
    for drawn, why in [
        (fastsample.sample(table, 7, seed=5), "an object in memory"),
        (fastsample.sample(stream, 7, seed=5), "an object in memory"),
        (fastsample.sample(files(folder)[0], 7, seed=5, smart=target), "target= of its smart"),
    ]:
        drawn.write_parquet(output)
        made = told(output)
        assert made["options"]["seed"] == drawn.report.seed
        assert made["row_ids"] == xxhash.xxh3_128_hexdigest(drawn.row_ids.tobytes())
        assert "0x" not in text_of(output)
        with pytest.raises(ArgumentError, match=rf"can't be drawn again, since .*{why}"):
            fastsample.reproduce(output, folder)


def test_a_pickled_sample_tells_the_same_rows(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    monkeypatch.setenv("FASTSAMPLE_CACHE", str(tmp_path / "cache"))
    drawn = fastsample.sample(files(folder), 20)
    drawn.write_parquet(tmp_path / "one.parquet")
    pickle.loads(pickle.dumps(drawn)).write_parquet(tmp_path / "two.parquet")
    assert (tmp_path / "two.parquet").read_bytes() == (tmp_path / "one.parquet").read_bytes()
    gc.collect()  # what maps the cache


def test_a_source_that_tells_what_made_it(folder: Path, tmp_path: Path) -> None:
    first, second = folder / "first.parquet", tmp_path / "second.parquet"
    fastsample.sample(files(folder), 300).write_parquet(first)
    drawn = fastsample.sample(first, 30)
    assert KEY not in (drawn.schema.metadata or {})
    assert KEY not in (drawn.to_arrow().schema.metadata or {})
    drawn.write_parquet(second)
    made = told(second)
    assert made["files"][0]["provenance"] == hashed(text_of(first))
    assert made["source_rows"] == 300
    check_again(drawn, second, folder)
    for write, path in [
        (drawn.write_parquet, tmp_path / "none.parquet"),
        (drawn.write_ipc, tmp_path / "none.arrow"),
    ]:
        write(path, provenance=False)
        assert KEY not in (schema_of(path).metadata or {})
        with pytest.raises(ArgumentError, match=r"none\..*does not tell what made it"):
            fastsample.reproduce(path, folder)
    # The rows stay, and what made them is another draw.
    other = told(first)
    other["options"]["seed"] = 43
    rewritten(first, first, forged(other))
    with pytest.raises(SourceChangedError, match=r"first\.parquet: "):
        fastsample.reproduce(second, folder)


def test_other_metadata_is_kept(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"id": datasets.Value("int32"), "kind": datasets.ClassLabel(2)})
    rows = datasets.Dataset.from_dict({"id": range(50), "kind": [0, 1] * 25}, features=features)
    rows.to_parquet(tmp_path / "rows.parquet")
    frame = pd.DataFrame({"id": range(50)}, index=pd.Index(range(7, 57), name="place"))
    frame.to_parquet(tmp_path / "frame.parquet")
    for name in ("rows", "frame"):
        source = tmp_path / f"{name}.parquet"
        before = pq.read_schema(source)
        for written in (tmp_path / f"{name}-out.parquet", tmp_path / f"{name}-out.arrow"):
            drawn = fastsample.sample(source, 20)
            (drawn.write_parquet if written.suffix == ".parquet" else drawn.write_ipc)(written)
            after = schema_of(written)
            assert after.remove_metadata().equals(before.remove_metadata())
            assert {KEY, *before.metadata} <= set(after.metadata)
            assert all(after.metadata[key] == value for key, value in before.metadata.items())
    again = datasets.Dataset.from_parquet(
        str(tmp_path / "rows-out.parquet"), cache_dir=str(tmp_path / "cache")
    )
    assert again.features == features
    assert len(pd.read_parquet(tmp_path / "frame-out.parquet")) == 20


def test_other_readers_read_it(folder: Path, tmp_path: Path) -> None:
    datasets, duckdb = pytest.importorskip("datasets"), pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    drawn = fastsample.sample(files(folder), 20)
    wanted = drawn.to_arrow()["id"].to_pylist()
    parquet, arrow, arrows = (tmp_path / f"out.{end}" for end in ("parquet", "arrow", "arrows"))
    drawn.write_parquet(parquet)
    drawn.write_ipc(arrow)
    drawn.write_ipc(arrows)
    loaded = datasets.load_dataset(
        "parquet", data_files=str(parquet), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded["id"][:] == wanted
    assert datasets.Dataset.from_file(str(arrows))["id"][:] == wanted
    assert polars.read_parquet(parquet)["id"].to_list() == wanted
    assert polars.read_ipc(arrow)["id"].to_list() == wanted
    assert pd.read_parquet(parquet)["id"].to_list() == wanted
    assert pd.read_feather(arrow)["id"].to_list() == wanted
    rows = duckdb.sql(f"select id from '{parquet}'").fetchall()
    assert [row[0] for row in rows] == wanted
    keys = duckdb.sql(f"select key from parquet_kv_metadata('{parquet}')").fetchall()
    assert (KEY,) in keys


def test_shards_and_rows_that_another_program_kept(folder: Path, tmp_path: Path) -> None:
    drawn = fastsample.sample(files(folder), 50)
    report = drawn.write_parquet(tmp_path / "out.parquet", shards=3)
    texts = {text_of(file.path) for file in report.files}
    assert len(texts) == 1
    for file in report.files:
        assert fastsample.reproduce(file.path, folder).row_ids.tolist() == drawn.row_ids.tolist()
    few = tmp_path / "few.parquet"
    pq.write_table(pq.read_table(report.files[0].path).slice(0, 9), few)
    with pytest.raises(SourceChangedError, match=r"few\.parquet: it has 9 rows.*of 50 in 3 files"):
        fastsample.reproduce(few, folder)


def test_what_differs_is_told(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    drawn = fastsample.sample(files(folder), 500, exclude=folder / "bench.parquet")
    drawn.write_parquet(output)
    with pytest.raises(SourceNotFoundError, match=r"a\.parquet: no such file; .*a\.parquet, b\.ar"):
        fastsample.reproduce(output)
    first, bench = files(folder)[0], folder / "bench.parquet"
    whole, texts = first.read_bytes(), bench.read_bytes()
    middle = len(whole) // 3
    first.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(SourceChangedError, match=r"a\.parquet: as long as before, but with other"):
        fastsample.reproduce(output, folder)
    # So few rows are left that they can't be drawn.
    write_parquet(pairs(20), first)
    with pytest.raises(SourceChangedError, match=r"a\.parquet: [\d,]+ bytes, not [\d,]+"):
        fastsample.reproduce(output, folder)
    first.write_bytes(whole)
    write_parquet(pairs(3, seed=9), bench)
    with pytest.raises(SourceChangedError, match=r"bench\.parquet: "):
        fastsample.reproduce(output, folder)
    bench.write_bytes(texts)
    files(folder)[1].rename(folder / "c.arrow")
    with pytest.raises(SourceNotFoundError, match=r"b\.arrow: no such file"):
        fastsample.reproduce(output, folder)
    moved = [first, folder / "c.arrow"]
    assert fastsample.reproduce(output, moved).row_ids.tolist() == drawn.row_ids.tolist()
    with pytest.raises(SourceChangedError, match="1 source files, not 2"):
        fastsample.reproduce(output, moved[:1])


def test_forged_provenance_is_refused(folder: Path, tmp_path: Path) -> None:
    output, other = tmp_path / "out.parquet", tmp_path / "other.parquet"
    drawn = fastsample.sample(files(folder), 50, tokenizer=folder / "tokenizer.json", max_tokens=90)
    drawn.write_parquet(output)
    made = told(output)
    assert forged(made) == text_of(output)
    options = made["options"]
    changed: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"options": {**options, "seed": 43}}, SourceChangedError, "other rows .*0.1.0 made"),
        ({"options": {**options, "loud": True}}, CorruptDataError, "loud"),
        ({"options": {**options, "n": "x"}}, fastsample.SourceTypeError, "n is"),
        ({"options": []}, CorruptDataError, r"'options' is \[\]"),
        ({"rows": 49}, SourceChangedError, "it has 50 rows, but what it tells is of 49"),
        ({"source_rows": 7}, SourceChangedError, "other rows"),
        ({"row_ids": None}, CorruptDataError, "'row_ids' is None"),
        ({"files": [{"name": "a.parquet"}]}, CorruptDataError, "'bytes' is None"),
        ({"untold": 5}, CorruptDataError, "'untold' is 5"),
        ({"provenance": 2}, ArgumentError, "provenance version 2; this fastsample reads 1"),
        ({"written": {"shards": 0}}, SourceChangedError, "other rows|not 2"),
        ({"sources": 3}, CorruptDataError, "'sources' is 3"),
        ({"side": 4}, CorruptDataError, "'side' is 4"),
    ]
    # Names that lead out of the folder that was named.
    for name in ("../a.parquet", "/etc/passwd", "..", "", "a\0b"):
        file = {**made["files"][0], "name": name}
        changed.append(({"files": [file]}, CorruptDataError, "is no name of a file"))
        changed.append(
            ({"options": {**options, "tokenizer": name}}, CorruptDataError, "is no name of a file")
        )
    for change, error, what in changed:
        rewritten(output, other, forged({**made, **change}))
        if change == {"written": {"shards": 0}}:
            assert len(fastsample.reproduce(other, folder)) == 50
            continue
        with pytest.raises(error, match=what):
            fastsample.reproduce(other, folder)
    for text in ("", "{", "[]", "{}", "null", '{"provenance":1}', "[" * 100_000, "1" * 5000):
        rewritten(output, other, text)
        with pytest.raises(CorruptDataError, match=r"other\.parquet: .* is damaged: "):
            fastsample.reproduce(other, folder)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write_parquet(pairs(90), folder / "rows.parquet")
    fastsample.sample(folder / "rows.parquet", 9, columns=["id"]).write_parquet(
        folder / "out.parquet"
    )
    return folder


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(data=st.data())
def test_damage_is_told(data: st.DataObject, written: Path) -> None:
    text = text_of(written / "out.parquet")
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    damaged = data.draw(st.sampled_from([text[:place], text[:place] + letter + text[place + 1 :]]))
    rewritten(written / "out.parquet", written / "other.parquet", damaged)
    if damaged == text:
        assert len(fastsample.reproduce(written / "other.parquet")) == 9
    else:
        with pytest.raises((CorruptDataError, ArgumentError), match=r"other\.parquet: "):
            fastsample.reproduce(written / "other.parquet")


@pytest.mark.parametrize("size", [0, 1, 4096, 65_536, 65_537, 3_456_789])
def test_fingerprints_are_those_of_plain_python(size: int, tmp_path: Path) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    path = tmp_path / "rows.bin"
    path.write_bytes(content[:size])
    piece, pieces = 4 << 10, 16
    hashed_ = xxhash.xxh3_128(size.to_bytes(8, "little"))
    if size <= piece * pieces:
        hashed_.update(content[:size])
    else:
        for number in range(pieces):
            start = (size - piece) * number // (pieces - 1)
            hashed_.update(content[:size][start : start + piece])
    assert _fastsample.fingerprints([path], None) == [(path.stat().st_size, hashed_.hexdigest())]


def test_the_command_line(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "out.parquet", tmp_path / "again.parquet"
    run("sample", *files(folder), "-o", first, "-n", 50, "--shuffle")
    found = json.loads(run("reproduce", first, "--input", folder, "-o", second, "--json"))
    assert found["rows_after"] == 50
    assert second.read_bytes() == first.read_bytes()
    missing = run("reproduce", first, "-o", tmp_path / "third.parquet", code=1)
    assert "a.parquet: no such file" in missing
    assert not (tmp_path / "third.parquet").exists()

    mixture = tmp_path / "mixture.json"
    sources = [{"name": path.stem, "path": str(path), "share": 0.5} for path in files(folder)]
    mixture.write_text(json.dumps({"sources": sources}), encoding="utf-8")
    run("mix", mixture, "-n", 30, "-o", first)
    run("reproduce", first, "--input", folder, "-o", second, "--overwrite")
    assert second.read_bytes() == first.read_bytes()
    run("sample", files(folder)[0], second, "-n", 50, "--no-provenance", "--overwrite")
    assert KEY not in (pq.read_schema(second).metadata or {})
    run("sample", files(folder)[0], tmp_path / "out.jsonl", "-n", 5, "--no-provenance")
