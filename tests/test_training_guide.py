"""Every snippet and command of docs/training.md runs as written, with a thousandth of the rows."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import commands
import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import write_parquet
from tokenizers_made import make

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [
    pytest.mark.torch,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes"),
    pytest.mark.filterwarnings("ignore:.*set_vital.*deprecated"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def blocks(language: str) -> list[str]:
    guide = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    guide = re.sub(r"\b\d[\d_]{5,}\b", lambda found: str(int(found[0]) // 1000), guide)
    return [
        body for name, body in re.findall(r"```(\w*)\n(.*?)```", guide, re.S) if name == language
    ]


def command_lines() -> list[list[str]]:
    lines = "".join(blocks("")).replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line and line[0] in ("fastsample", "python", "accelerate")]


@pytest.fixture(scope="module", autouse=True)
def _memory_of_trainers() -> Iterator[None]:
    yield
    commands.stop("torch.utils.data")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the files that the page names."""
    rows = 10_000
    texts = {
        "id": range(rows),
        "prompt": [f"第{row}个问题：{row * 7919 % 10007}加{row}等于多少？" for row in range(rows)],
        "response": [f"等于{row * 7919 % 10007 + row}。" * (row % 9 + 1) for row in range(rows)],
    }
    table = pa.table(texts)
    for name in ("train", "all", "rows"):
        write_parquet(table, tmp_path / f"{name}.parquet")
    make("bpe", tmp_path / "tokenizer.json")
    chats = [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
        for prompt, response in zip(texts["prompt"], texts["response"], strict=True)
    ]
    write_parquet(pa.table({"messages": chats}), tmp_path / "chats.parquet")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tokenizer.json").symlink_to(tmp_path / "tokenizer.json")
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
    (tmp_path / "model" / "chat_template.jinja").write_text(template, encoding="utf-8")
    config = '{"pad_token": "[PAD]"}'
    (tmp_path / "model" / "tokenizer_config.json").write_text(config, encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_snippet_runs(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader

    names: dict[str, Any] = {
        "fastsample": fastsample,
        "torch": torch,
        "DataLoader": DataLoader,
        "model": torch.nn.Linear(2, 2),
        "self": SimpleNamespace(),
        "path": folder / "train.parquet",
        "tokenized": [{"input_ids": [1, 2, 3]}] * 3000,
        "ranks": 2,
        "rank": 0,
    }
    snippets = blocks("python")
    assert len(snippets) >= 14
    for snippet in snippets:
        exec(snippet, names)
    assert (folder / "checkpoint.pt").exists()
    assert (folder / "data" / "valid.parquet").exists()
    assert names["worth"].report.tokens <= 50_000
    assert len(names["short"]) == 1000
    assert len(names["counted"]) == 10_000
    assert names["talks"].report.tokens <= 50_000
    assert len(names["ids"]) == len(names["self"].rows) == 3000
    assert names["ids"].lengths("input_ids").max() > 0
    assert len(names["chats"]) == 1000
    epochs = [pq.read_table(folder / f"fresh-epoch{epoch}.parquet") for epoch in range(3)]
    assert len(set(pa.concat_tables(epochs)["id"].to_pylist())) == 9000


@pytest.mark.parametrize("program", ["fastsample", "python", "accelerate"])
def test_every_command_runs(program: str, folder: Path) -> None:
    found = [line for line in command_lines() if line[0] == program]
    assert len(found) >= {"fastsample": 4, "python": 5, "accelerate": 1}[program]
    for _, *arguments in found:
        if program == "fastsample":
            done = commands.run(*arguments, cwd=folder)
        elif program == "python":
            done = commands.run_example(Path(arguments[0]), *arguments[1:], cwd=folder)
        else:
            launcher = "accelerate.commands.accelerate_cli"
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", launcher, *arguments],
                cwd=folder, capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
        assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stderr[-2000:]}"
