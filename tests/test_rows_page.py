"""Every snippet and command of docs/rows.md runs as written."""

import re
import shlex
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import pairs, write_parquet
from fastsample.cli import app
from tokenizers_made import make

PAGE = Path(__file__).resolve().parents[1] / "docs" / "rows.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = 9000
    table = pairs(rows)
    columns = {
        "source": pa.array([f"source {row % 5}" for row in range(rows)]),
        "lang": pa.array([("zh", "en", "de")[row % 3] for row in range(rows)]),
        "conversation_id": pa.array([row // 4 for row in range(rows)]),
        "score": pa.array([row % 100 / 100 for row in range(rows)]),
    }
    for name, column in columns.items():
        table = table.append_column(name, column)
    write_parquet(table, tmp_path / "train.parquet")
    write_parquet(table[:900], tmp_path / "new.parquet")
    (tmp_path / "wiki").mkdir()
    table = table.drop_columns(["source"])
    write_parquet(table, tmp_path / "chat.parquet")
    fastsample.sample(table, rows).write_jsonl(tmp_path / "code.jsonl")
    write_parquet(table, tmp_path / "wiki" / "a.parquet")
    (tmp_path / "mixture.json").write_text(*blocks("json"))
    bench = pa.table({"question": [pairs(1)["prompt"][0].as_py()], "answer": ["yes"]})
    fastsample.sample(bench, 1).write_jsonl(tmp_path / "benchmark.jsonl")
    (tmp_path / "more").mkdir()
    write_parquet(bench, tmp_path / "more" / "a.parquet")
    make("bpe", tmp_path / "tokenizer.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_every_snippet_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    snippets = blocks("python")
    assert len(snippets) == 17
    for snippet in snippets:
        exec(snippet, names)
    assert "rows that match" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_every_command_runs() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 39
    for command in commands:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}\n{done.output}"
