"""Manifests of mixtures: what made them, and the same rows again, or what differs."""

import json
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import write_parquet
from fastsample import ArgumentError, SourceChangedError, SourceNotFoundError, SourceTypeError
from fastsample.cli import app
from manifests_made import check_other_rows_are_told, read
from mixtures_made import TABLES, laid_out
from tokenizers_made import make

pytest.importorskip("tokenizers")

#: The layout of each source: two files, Parquet, JSON Lines, packed.
LAYOUTS = {"wiki": 0, "code": 2, "chat": 3}
SHARES = {"wiki": 0.5, "code": 0.3, "chat": 0.2}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make("bpe", tmp_path / "tokenizer.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sources(folder: Path) -> dict[str, Any]:
    layouts = laid_out(folder)
    return {name: (layouts[name][place], SHARES[name]) for name, place in LAYOUTS.items()}


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def names_of(files: list[dict[str, Any]]) -> list[str]:
    return [Path(file["path"]).name for file in files]


BY_TOKENS = {"tokenizer": "tokenizer.json", "text_columns": ["text"]}
OPTIONS: list[dict[str, Any]] = [
    {"n": 100},
    {"n": 300, "exhausted": "stop", "seed": 2**63},
    {"n": 400, "exhausted": "renormalise", "columns": ["id", "text"]},
    {"n": 500, "exhausted": "repeat", "max_epochs": 3, "source_column": None},
    {"n": 90, "exclude": ["bench.parquet"], "exclude_letters": 20},
    {"n": 90, "schema": {"code": pa.schema({"score": pa.string()})}},
    {"budget_tokens": 900, **BY_TOKENS},
    {"budget_tokens": 90_000, "exhausted": "stop", **BY_TOKENS},
    {"budget_tokens": 2000, "exhausted": "renormalise", "chat_template": False, **BY_TOKENS},
    {"budget_tokens": 9000, "exhausted": "repeat", "source_column": "of", **BY_TOKENS},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_mixture_is_made_again(
    folder: Path, sources: dict[str, Any], options: dict[str, Any]
) -> None:
    write_parquet(TABLES["wiki"].slice(3, 2), folder / "bench.parquet")
    drawn = fastsample.mix(sources, **options)
    drawn.write_parquet("out.parquet", manifest=True, shuffle="seed" in options)
    again = fastsample.reproduce("out.parquet.manifest.json")
    assert isinstance(again, fastsample.Mixture)
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert again.to_arrow().equals(drawn.to_arrow())
    assert again.report.sources == drawn.report.sources
    made = read(folder / "out.parquet.manifest.json")
    told = {each["name"]: names_of(each["files"]) for each in made["sources"]}
    wiki = ["wikia.parquet", "wikib.arrow"]
    assert told == {"wiki": wiki, "code": ["code.jsonl"], "chat": ["chat.jsonl.gz"]}
    assert [each["share"] for each in made["sources"]] == list(SHARES.values())
    assert made["fastsample"] == fastsample.__version__
    assert (made["rows"], made["options"]["seed"]) == (len(drawn), options.get("seed", 42))
    others = {"tokenizer": "tokenizer.json", "exclude": "bench.parquet"}
    wanted = [name for option, name in others.items() if option in options]
    assert names_of(made["other_inputs"]) == wanted
    again.write_parquet("again.parquet", shuffle="seed" in options)
    assert Path("again.parquet").read_bytes() == Path("out.parquet").read_bytes()


@pytest.mark.parametrize("temperature", [None, 3.5])
def test_shares_by_size_are_made_again(sources: dict[str, Any], temperature: float | None) -> None:
    by_size = {name: paths for name, (paths, _) in sources.items()}
    drawn = fastsample.mix(by_size, 100, temperature=temperature)
    drawn.write_jsonl("out.jsonl", manifest=True, shards=3)
    again = fastsample.reproduce("out.jsonl.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()


def test_a_source_that_changed_is_named(folder: Path, sources: dict[str, Any]) -> None:
    drawn = fastsample.mix(sources, 190)
    drawn.write_parquet("out.parquet", manifest=True)
    manifest = folder / "out.parquet.manifest.json"
    code, wiki = folder / "code.jsonl", folder / "wikia.parquet"
    lines, whole = code.read_bytes(), wiki.read_bytes()

    turned = b"\n".join([*reversed(lines.rstrip().split(b"\n")), b""])
    code.write_bytes(turned)
    with pytest.raises(SourceChangedError, match=r": code: .*code\.jsonl: as long as before"):
        fastsample.reproduce(manifest)
    write_parquet(TABLES["wiki"].slice(0, 90), wiki)
    with pytest.raises(SourceChangedError, match=r"wiki: .*wikia\.parquet: .*; code: .*jsonl: "):
        fastsample.reproduce(manifest)
    wiki.write_bytes(whole)
    # So few rows are left that they can't be drawn.
    code.write_bytes(lines[: lines.index(b"\n") + 1])
    with pytest.raises(SourceChangedError, match=r"code: .*code\.jsonl: \d+ bytes, not"):
        fastsample.reproduce(manifest)
    code.write_bytes(lines)
    fastsample.reproduce(manifest)

    check_other_rows_are_told(manifest, folder / "other.json")


def test_sources_may_have_been_moved(folder: Path, sources: dict[str, Any]) -> None:
    drawn = fastsample.mix(sources, 100)
    drawn.write_parquet("out.parquet", manifest=True, provenance=False)
    manifest, moved = folder / "out.parquet.manifest.json", folder / "moved=.jsonl"
    (folder / "code.jsonl").rename(moved)
    with pytest.raises(SourceNotFoundError, match=r"code\.jsonl"):
        fastsample.reproduce(manifest)
    again = fastsample.reproduce(manifest, {"code": moved})
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    run("reproduce", manifest, "--input", f"code={moved}", "-o", "again.parquet", "--no-provenance")
    assert Path("again.parquet").read_bytes() == Path("out.parquet").read_bytes()
    with pytest.raises(SourceChangedError, match="code: 2 source files, not 1"):
        fastsample.reproduce(manifest, {"code": [moved, moved]})
    with pytest.raises(ArgumentError, match=r"the rows can't be told .* 'code' .* in memory"):
        fastsample.reproduce(manifest, {"code": TABLES["code"]})
    with pytest.raises(ArgumentError, match=r"source has 'poems', but .* 'wiki', 'code', 'chat'"):
        fastsample.reproduce(manifest, {"poems": moved})
    with pytest.raises(SourceTypeError, match=r'a mixture; map .*\{"wiki": '):
        fastsample.reproduce(manifest, moved)
    told = run("reproduce", manifest, "--input", moved.name[:5], "-o", "b.parquet", code=2)
    assert "is no NAME=PATH" in " ".join(told.split())


#: What becomes of a sound manifest, and what is said of it.
DAMAGES: list[tuple[Any, str]] = [
    (lambda made: made.update(sources={}), "'sources' is {}"),
    (lambda made: made.update(sources=["wiki"]), "an item of 'sources' is 'wiki'"),
    (lambda made: made["sources"][0].pop("name"), "'name' is None"),
    (lambda made: made["sources"][0].update(source="a.parquet"), "'source' is 'a.parquet'"),
    (lambda made: made["sources"][0].update(source=[3]), "an item of 'source' is 3"),
    (lambda made: made["sources"][0].update(share="0.5"), "'share' is '0.5'"),
    (lambda made: made["sources"][0].update(share=0.4), r"sum to 0\.9"),
    (lambda made: made["sources"][0]["files"][0].pop("sha256"), "'sha256' is None"),
    (lambda made: made["sources"][1].update(name="wiki"), "'wiki' is named twice"),
    (lambda made: made.update(rows=True), "'rows' is True"),
    (lambda made: made.update(other_inputs=[{}]), "'path' is None"),
    (lambda made: made["options"].update(loud=True), "loud"),
    (lambda made: made["options"].update(exhausted="never"), "exhausted is 'never'"),
    (lambda made: made["options"].update(schema={"wiki": "!"}), "it is no manifest"),
    (lambda made: made["options"].update(smart="clever"), "smart is 'clever'"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_damaged_manifests_are_refused(
    folder: Path, sources: dict[str, Any], damage: Any, message: str
) -> None:
    fastsample.mix(sources, 9).write_parquet("out.parquet", manifest=True)
    manifest = folder / "out.parquet.manifest.json"
    made = read(manifest)
    damage(made)
    manifest.write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(ArgumentError, match=message):
        fastsample.reproduce(manifest)


def test_mixtures_without_a_manifest_say_why(folder: Path, sources: dict[str, Any]) -> None:
    mixed = fastsample.mix({**sources, "chat": (TABLES["chat"], 0.2)}, 9)
    with pytest.raises(ArgumentError, match="its source 'chat' comes from an object in memory"):
        mixed.write_parquet("out.parquet", manifest=True)
    mixed = fastsample.mix(sources, 9, exclude=TABLES["chat"].slice(0, 1))
    with pytest.raises(ArgumentError, match="its exclude comes from an object in memory"):
        mixed.write_parquet("out.parquet", manifest=True)
    assert not list(folder.glob("out*"))


def test_mixtures_are_not_updated(sources: dict[str, Any]) -> None:
    mixed = fastsample.mix(sources, 9)
    mixed.write_parquet("out.parquet", manifest=True)
    files = ["wikia.parquet", "wikib.arrow"]
    for old, what in ((mixed, "the earlier sample"), ("out.parquet", r"out\.parquet")):
        with pytest.raises(ArgumentError, match=f"{what}.* is of a mixture, whose rows lie among"):
            fastsample.update(old, files)


def test_the_command_line(folder: Path, sources: dict[str, Any]) -> None:
    pytest.importorskip("yaml")
    write_parquet(TABLES["旧书"], folder / "旧书.parquet")
    Path("m.yaml").write_text(
        "n: 120\nexhausted: repeat\nmax_epochs: 9\nsources:\n"
        "  - {name: wiki, path: [wikia.parquet, wikib.arrow], share: 0.5}\n"
        "  - {name: code, path: code.jsonl, share: 0.3, schema: {id: string}}\n"
        "  - {name: 旧书, path: 旧书.parquet, share: 0.2}\n",
        encoding="utf-8",
    )  # fmt: skip
    del sources
    with pytest.raises(AssertionError, match='"id"'):  # types that do not fit
        run("mix", "m.yaml", "-o", "out.parquet", "--manifest")
    Path("m.yaml").write_text(
        Path("m.yaml").read_text(encoding="utf-8").replace("{id: string}", "{score: string}"),
        encoding="utf-8",
    )
    run("mix", "m.yaml", "-o", "out.parquet", "--shuffle", "--manifest", "--seed", 5)
    Path("m.yaml").unlink()  # its options are in the manifest
    found = json.loads(
        run("reproduce", "out.parquet.manifest.json", "-o", "again.parquet", "--json", "--manifest")
    )
    assert (found["rows_after"], [each["name"] for each in found["sources"]]) == (
        120, ["wiki", "code", "旧书"],
    )  # fmt: skip
    assert Path("again.parquet").read_bytes() == Path("out.parquet").read_bytes()
    made = [read(folder / f"{name}.parquet.manifest.json") for name in ("out", "again")]
    assert {**made[0], "outputs": 0} == {**made[1], "outputs": 0}
    (folder / "旧书.parquet").unlink()
    pq.write_table(TABLES["旧书"].slice(1), folder / "旧书.parquet")
    told = run("reproduce", "out.parquet.manifest.json", "-o", "third.parquet", code=1)
    assert "旧书: " in told
    assert not Path("third.parquet").exists()
