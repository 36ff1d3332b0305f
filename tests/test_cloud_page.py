"""Every snippet and command of docs/cloud.md runs as written, against a server of S3."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastsample
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import pairs
from fastsample.cli import app
from hub import hub_server, set_endpoint
from servers import s3_server

pytestmark = pytest.mark.cloud

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cloud.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    table = pairs(3000)
    with s3_server(tmp_path) as server, hub_server() as hub:
        set_endpoint(hub, monkeypatch)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for part in range(2):
            path = tmp_path / "train" / f"{part}.parquet"
            path.parent.mkdir(exist_ok=True)
            pq.write_table(table.slice(part * 1500, 1500), path)
            server.put(f"train/{part}.parquet", path.read_bytes())
        files = {f"data/{path.name}": path.read_bytes() for path in tmp_path.glob("train/*")}
        hub.push("org/pairs", files)
        monkeypatch.chdir(tmp_path)
        yield tmp_path


def test_every_snippet_and_command_runs(folder: Path) -> None:
    names: dict[str, Any] = {}
    snippets = blocks("python")
    assert len(snippets) == 7
    for snippet in snippets:
        exec(snippet, names)
    local = fastsample.sample("train", 1000, seed=42)
    assert pq.read_table("sample.parquet").equals(local.to_arrow())
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 4
    assert commands[0] == "pip install 'fastsample[cloud]'"
    assert len(names["parts"]) == 500
    for command in commands[1:]:
        words = shlex.split(command)[1:]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        written = words[words.index("--output") + 1]
        assert len(fastsample.sample(written, fraction=1)) == 1000
