"""Every command of the guide runs, in both languages, and prints what the guide says."""

import re
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from data import write_parquet

DOCS = Path(__file__).resolve().parents[1] / "docs"


def commands(name: str) -> list[str]:
    guide = (DOCS / name).read_text(encoding="utf-8")
    return [
        line for block in re.findall(r"```sh\n(.*?)```", guide, re.S) for line in block.splitlines()
    ]


def snippets(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.S)


def test_both_languages_have_the_same_commands() -> None:
    assert commands("guide.md") == commands("guide.zh.md")
    assert snippets("guide.md") == snippets("guide.zh.md")
    assert len(commands("guide.md")) >= 7


def test_fresh_rows_are_in_one_epoch_only(
    table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(table, tmp_path / "train.parquet")
    monkeypatch.chdir(tmp_path)
    (snippet,) = snippets("guide.md")
    exec(snippet, {})
    epochs = [pq.read_table(f"fresh-epoch{epoch}.parquet")["id"].to_pylist() for epoch in range(3)]
    assert [len(rows) for rows in epochs] == [600, 600, 600]
    assert len(set().union(*epochs)) == 1800


def test_every_command_runs(table: pa.Table, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_parquet(table, tmp_path / "train.parquet")
    printed = ""
    for command in commands("guide.md"):
        program, *arguments = shlex.split(command)
        assert program == "fastsample"
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        printed += done.stdout
    guides = [(DOCS / name).read_text(encoding="utf-8") for name in ("guide.md", "guide.zh.md")]
    for fact in ("183,605", "51.0", "255", "55,081", "13.8", "41.3", "6.2"):
        assert fact in printed
        assert all(fact in guide for guide in guides)
    assert "representative" in printed
    for output in ("lengths.svg", "settings.original.toml", "report.html", "train_larger.parquet"):
        assert (tmp_path / output).exists()
