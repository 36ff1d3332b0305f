"""Pages on chats, text and formats run as written; Chinese pages have the code of the English."""

from __future__ import annotations

import json
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

DOCS = Path(__file__).resolve().parents[1] / "docs"
CHINESE = sorted(page.name for page in DOCS.glob("*.zh.md"))

#: Drawings, whose words are translated, begin with one of these.
_DRAWN = "─▶"


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the language and the text of each block of code."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        (language, code)
        for language, code in re.findall(r"^```(\w*)\n(.*?)^```", text, re.S | re.M)
        if not set(_DRAWN) & set(code)
    ]


@pytest.mark.parametrize("page", CHINESE)
def test_both_languages_have_the_same_code(page: str) -> None:
    """So that the test of the English page holds for both; and the same numbers of sections."""
    english = page.replace(".zh", "")
    assert blocks(page) == blocks(english)
    counts = [
        (len(re.findall(r"^#+ ", text, re.M)), len(re.findall(r"^ *\|", text, re.M)))
        for text in ((DOCS / name).read_text(encoding="utf-8") for name in (page, english))
    ]
    assert counts[0] == counts[1]
    assert "抽样" not in (DOCS / page).read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the files that the pages name."""
    table = pairs(1000)
    chats = [
        {"id": number, "messages": [
            {"role": "user", "content": row["prompt"] or ""},
            {"role": "assistant", "content": row["response"] or ""},
        ]}
        for number, row in enumerate(table.to_pylist())
    ]  # fmt: skip
    lines = "".join(json.dumps(chat, ensure_ascii=False) + "\n" for chat in chats)
    (tmp_path / "chats.jsonl").write_text(lines, encoding="utf-8")
    write_parquet(pa.Table.from_pylist(chats), tmp_path / "chats.parquet")
    turns = table.append_column("conversation_id", pa.array([row // 4 for row in range(1000)]))
    write_parquet(turns, tmp_path / "turns.parquet")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_text(lines, encoding="utf-8")
    write_parquet(table, tmp_path / "data" / "a.parquet")
    make("bpe", tmp_path / "tokenizer.json")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tokenizer.json").symlink_to(tmp_path / "tokenizer.json")
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
    (tmp_path / "model" / "chat_template.jinja").write_text(template, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", ["chats", "csv", "jsonl", "text"])
def test_every_snippet_and_command_runs(page: str, folder: Path) -> None:
    names: dict[str, Any] = {"fastsample": fastsample}
    for language, code in blocks(f"{page}.md"):
        if language == "sh":
            for line in code.splitlines():
                done = CliRunner().invoke(app, shlex.split(line)[1:])
                assert done.exit_code == 0, f"{line}\n{done.output}"
        elif language == "python":
            exec(code.replace("100_000", "100"), names)
    if page == "chats":
        assert names["s"].report.text_columns == ("messages[].content",)
        assert 0 < names["budget"].report.tokens <= 20_000
        whole = (folder / "chats.jsonl").read_text(encoding="utf-8").splitlines()
        part = (folder / "part.jsonl").read_text(encoding="utf-8").splitlines()
        assert (len(part), len(set(whole) & set(part))) == (600, 600)
