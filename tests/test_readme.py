"""Every snippet and command of the README runs as written, with a thousandth of the rows."""

import re
import shlex
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from commands import run
from data import pairs, write_parquet

README = Path(__file__).resolve().parents[1] / "README.md"

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    text = re.sub(r"\b\d[\d_]{5,}\b", lambda found: str(int(found[0]) // 1000), text)
    return [
        body for name, body in re.findall(r"```(\w*)\n(.*?)```", text, re.S) if name == language
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the files that the README names."""
    rows = 10_000
    table = pairs(rows)
    for name in ("prompt", "response"):  # torch's loader takes no nulls
        filled = pc.fill_null(table[name], "")
        table = table.set_column(table.column_names.index(name), name, filled)
    table = table.append_column("source", pa.array([f"source {row % 5}" for row in range(rows)]))
    write_parquet(table, tmp_path / "train.parquet")
    write_parquet(table.slice(0, 500), tmp_path / "good.parquet")
    (tmp_path / "data").mkdir()
    write_parquet(table, tmp_path / "data" / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_every_snippet_runs(folder: Path) -> None:
    pytest.importorskip("torch")
    from torch.utils.data import DataLoader

    names: dict[str, Any] = {"fastsample": fastsample, "DataLoader": DataLoader}
    snippets = blocks("python")
    assert len(snippets) >= 5
    for snippet in snippets:
        exec(snippet, names)
    epochs = [pq.read_table(folder / f"fresh-epoch{epoch}.parquet") for epoch in range(3)]
    assert len(set(pa.concat_tables(epochs)["id"].to_pylist())) == 9000
    assert (folder / "scores.parquet").exists()


def test_every_command_runs(folder: Path) -> None:
    lines = [line for block in blocks("") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("fastsample ")]
    assert len(commands) >= 5
    for command in commands:
        done = run(*shlex.split(command, comments=True)[1:])
        assert done.returncode == 0, f"{command}\n{done.stderr}"
