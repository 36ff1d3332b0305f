"""`fastsample mix`: mixtures from options and from files."""

import json
import sys
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import write_parquet
from fastsample.cli import app

SOURCES = [
    {"name": "wiki", "path": "wiki.parquet", "share": 0.75},
    {"name": "chat", "path": ["chat-*.parquet"], "share": 0.25},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    words = pa.table({"text": [f"article {row}" for row in range(400)]})
    chats = pa.table({"text": [f"hello {row}" for row in range(50)], "turns": range(50)})
    write_parquet(words, tmp_path / "wiki.parquet")
    write_parquet(chats[:20], tmp_path / "chat-0.parquet")
    write_parquet(chats[20:], tmp_path / "chat-1.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["mix", *map(str, arguments)])


def toml(sources: list[dict[str, Any]]) -> str:
    return "".join(
        "[[sources]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in each.items())
        for each in sources
    )


def test_options_and_files_give_the_mixture_of_python(folder: Path) -> None:
    wanted = fastsample.mix(
        {"wiki": ("wiki.parquet", 0.75), "chat": (["chat-*.parquet"], 0.25)}, 80, seed=5
    ).to_arrow()
    Path("m.json").write_text(json.dumps({"sources": SOURCES}))
    Path("m.toml").write_text(toml(SOURCES))
    given = [["--source", "wiki=wiki.parquet:0.75", "--source", "chat=chat-*.parquet:0.25"]]
    given += [["m.json"], ["m.toml"]] if sys.version_info >= (3, 11) else [["m.json"]]
    for arguments in given:
        done = run(*arguments, "-n", 80, "-o", "o.parquet", "--seed", 5)
        assert done.exit_code == 0, done.output
        assert pq.read_table(folder / "o.parquet").equals(wanted)
        assert "share 25.00%" in done.output
        assert "wiki has no column turns: null in its rows" in done.output


def test_options_are_those_of_python(folder: Path) -> None:
    sources: dict[str, Any] = {"wiki": "wiki.parquet", "chat": "chat-*.parquet"}
    wanted = fastsample.mix(
        sources, 900, temperature=2, exhausted="repeat", max_epochs=9, source_column="of"
    )
    done = run(
        "--source", "wiki=wiki.parquet", "--source", "chat=chat-*.parquet", "-n", 900,
        "--temperature", 2, "--exhausted", "repeat", "--max-epochs", 9, "--source-column", "of",
        "--column", "text", "-o", "o.jsonl", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["sources"]
    assert [each["drawn"] for each in found] == [each.drawn for each in wanted.report.sources]
    lines = (folder / "o.jsonl").read_text().splitlines()
    rows = wanted.to_arrow().select(["text", "of"]).to_pylist()
    assert [json.loads(line) for line in lines] == rows


def test_a_name_with_a_colon_is_a_path(folder: Path) -> None:
    Path("wiki.parquet").rename("a:b.parquet")
    done = run("--source", "wiki=a:b.parquet", "-n", 9, "-o", "o.parquet", "--source-column", "")
    assert done.exit_code == 0, done.output
    assert pq.read_schema(folder / "o.parquet").names == ["text"]


A, B = SOURCES
WRONG_FILES: list[tuple[Any, str]] = [
    ("{", "can't be read"),
    ("[" * 100_000, "can't be read"),
    ([], "must have a list of sources"),
    ({"sources": {}}, "must have a list of sources"),
    ({"sources": [A, B], "seed": 3}, "the file has the key 'seed'; known keys are sources"),
    ({"sources": [A, {**B, "wait": 3}]}, "source 2 has the key 'wait'"),
    ({"sources": [A, "chat"]}, "source 2 is 'chat'"),
    ({"sources": [A, {**B, "name": "wiki"}]}, "source 2: 'wiki' is named twice"),
    ({"sources": [{**A, "name": 3}]}, "source 1: name is 3; it must be a text"),
    ({"sources": [{"name": "a"}]}, "source 1: path is missing"),
    ({"sources": [{**A, "path": []}]}, r"source 1: path is []"),
    ({"sources": [{**A, "path": [3]}]}, r"source 1: path is [3]"),
    ({"sources": [{**A, "share": "1"}]}, "source 1: share is '1'; it must be a number"),
    ({"sources": [{**A, "share": True}]}, "source 1: share is True"),
    ({"sources": [A, {**B, "share": 0.2}]}, "shares of the sources sum to 0.95"),
    ({"sources": [A, {**B, "share": -0.25}]}, "the share of 'chat' is -0.25"),
    ({"sources": [A, {"name": "b", "path": "chat-0.parquet"}]}, "'b' has no share"),
    ({"sources": []}, "sources is empty"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("described", "message"), WRONG_FILES)
def test_a_file_that_is_wrong_says_where(described: Any, message: str) -> None:
    text = described if isinstance(described, str) else json.dumps(described)
    Path("m.json").write_text(text)
    done = run("m.json", "-n", 80, "-o", "o.parquet")
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())
    assert not Path("o.parquet").exists()


@pytest.mark.usefixtures("folder")
def test_wrong_options_write_nothing() -> None:
    wiki = ["--source", "wiki=wiki.parquet:1"]
    Path("m.yaml").write_text("sources: []")
    Path("m.toml").write_bytes(b"\xff")
    for arguments, code, message in [
        ([*wiki, "-n", 401], 2, "at most 400 rows"),
        ([*wiki, "-n", 9, "--exhausted", "x"], 2, "exhausted is 'x'"),
        ([*wiki, *wiki, "-n", 9], 2, "'wiki' is named twice"),
        ([*wiki, "-n", 9, "--temperature", 2], 2, "shares are given"),
        (["--source", "wiki", "-n", 9], 2, "is no NAME=PATH:SHARE"),
        (["--source", "wiki=gone.parquet:1", "-n", 9], 1, "gone.parquet"),
        (["gone.json", "-n", 9], 1, "gone.json: no such file"),
        (["m.yaml", "-n", 9], 2, "sources is empty"),
        (["wiki.parquet", "-n", 9], 2, "a mixture is read from .json, .toml or .yaml"),
        (["m.toml", "-n", 9], 2, "it is not UTF-8"),
        ([".", "-n", 9], 2, "a mixture is read from"),
        (["m.yaml", *wiki, "-n", 9], 2, "give either"),
        (["-n", 9], 2, "give either"),
    ]:
        done = run(*arguments, "-o", "o.parquet")
        assert done.exit_code == code, done.output
        assert message in " ".join(done.output.replace("│", " ").split())
        assert not Path("o.parquet").exists()
