"""What the command line prints: any name, any encoding, and streams that can't be written."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from commands import run
from data import write_parquet

MODULE = [sys.executable, "-m", "fastsample"]

#: Rich would take these for styles, for the end of a style, for a link, for an emoji.
NAMES = ["data[v1]", "data[bold red]x[_bold red]", "[", "a[link=x]b", "x:smile:"]


def in_shell(
    *arguments: object, after: str = "", **environment: str
) -> subprocess.CompletedProcess[Any]:
    """Run the command line in a shell, with redirections `after` it."""
    command = shlex.join([*MODULE, *map(str, arguments)])
    return subprocess.run(
        f"exec {command} {after}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


def shown(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files_and_columns_are_printed_as_they_are(name: str, tmp_path: Path) -> None:
    column = f"{name}[/x]"
    table = pa.table({column: [f"text {i}" for i in range(50)], "n": ["[/y]", "b[z]"] * 25})
    source = write_parquet(table, tmp_path / f"{name}.parquet")
    output = tmp_path / f"{name}.out.parquet"
    page, plot = tmp_path / f"{name}.html", tmp_path / f"{name}.svg"
    settings = tmp_path / f"{name}.toml"

    drawn = shown(run("sample", "-i", source, "-o", output, "-n", 50, "--smart"))
    assert str(output) in drawn
    assert f"mean length of {column}" in drawn
    looked = shown(run("inspect", source, "--plot", plot))
    assert looked.count(column) == 3  # columns, lengths, histogram
    assert str(source) in looked
    assert f"written {plot}" in looked
    compared = shown(run("compare", source, output, "--by", "n", "--html", page))
    assert f"written {page}" in compared
    assert "[/y]" in compared
    assert "b[z]" in compared
    by = shown(run("compare", source, output, "--by", column))
    assert f"Shares of {column}" in by
    assert f"{column} distance" in by
    planned = [
        "plan",
        "--seconds-per-step",
        1,
        source,
        "--batch-size",
        4,
        "--new-epochs",
        2,
        "--write",
        settings,
    ]
    assert f"written {settings}" in shown(run(*planned))
    sides = shown(run("split", "a[b]=5", "-i", source, "-o", tmp_path / name))
    assert str(tmp_path / name / "a[b].parquet") in sides


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk", "utf-8", "utf-8-sig"])
def test_json_is_json_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    source = write_parquet(
        pa.table({"é 你 😀": ["ü 好 🐼"] * 9, "text": ["x"] * 9}), tmp_path / "数 ß 🐼.parquet"
    )
    target = tmp_path / "样 ö 🐼.parquet"
    for arguments in (
        ["sample", "-i", source, "-o", target, "-n", 9, "--json"],
        ["inspect", source, "--json"],
        ["compare", source, target, "--by", "é 你 😀", "--json"],
        ["split", "é😀=3", "-i", source, "-o", tmp_path / "ß🐼", "--json"],
    ):
        done = in_shell(*arguments, PYTHONIOENCODING=encoding)
        assert done.returncode == 0
        found = json.dumps(json.loads(done.stdout.decode(encoding)), ensure_ascii=False)
        assert "🐼" in found or "😀" in found


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_json_of_a_name_that_is_not_utf8(encoding: str, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode("数据.parquet".encode("gbk"))
    write_parquet(pa.table({"text": ["x"] * 9}), tmp_path / "a.parquet").rename(source)
    done = in_shell("inspect", source, "--json", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    (file,) = json.loads(done.stdout.decode())["files"]
    assert os.fsencode(file["path"]) == os.fsencode(source)


COMMANDS: list[list[Any]] = [
    ["inspect", "in.parquet"],
    ["inspect", "in.parquet", "--json"],
    ["sample", "-i", "in.parquet", "-o", "out.parquet", "-n", 5],
    ["split", "a=5", "-i", "in.parquet", "-o", "sides"],
    ["plan", "--seconds-per-step", 1, "--rows", 100, "--batch-size", 4],
    ["--help"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(map(str, arguments)))
@pytest.mark.parametrize("after", [">&-", ">/dev/full", ">&- 2>&-", "2>&- <&-"])
def test_streams_that_cannot_be_written(
    arguments: list[Any], after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_parquet(pa.table({"text": [f"text {i}" for i in range(50)]}), Path("in.parquet"))
    done = in_shell(*arguments, after=after)
    message = done.stderr.decode()
    if after == "2>&- <&-":
        assert (done.returncode, message) == (0, "")
        return
    assert done.returncode == 1
    if after == ">&- 2>&-":
        assert message == ""
    else:
        *notes, error = message.splitlines()
        assert error.startswith("error: ")
        assert all(note.startswith("note: ") for note in notes), message
        reason = os.strerror(errno.ENOSPC) if "full" in after else "closed"
        assert reason in message
        assert "standard output" in message
    if ">&-" in after:
        assert not Path("out.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "--seconds-per-step", 1], "--rows"),
        (["plan", "--seconds-per-step", 1, "in.parquet", "--rows", 5], "--rows"),
        (["sample", "-i", "in.parquet", "-o", "o.parquet", "-n", 5, "--smart", "--entropy"],
         "--smart and --entropy exclude each other"),
        (["sample", "-i", "in.parquet", "-o", "o.parquet", "-n", 5, "--seed", 2**64], "seed"),
        (["sample", "-i", "in.parquet", "-o", "o.parquet", "-n", 5, "--threads", 5000], "threads"),
        (["sample", "-i", "in.parquet", "-o", "o.parquet", "-n", 5, "--compression", "zip"], "zip"),
        (["sample", "-i", "in.parquet", "-o", "o.json", "-n", 5], ".json"),
        (["sample", "-i", "in.parquet", "-o", "o.parqet", "-n", 5], ".parqet"),
        (["split", "train", "-i", "in.parquet", "-o", "sides"], "NAME=SIZE"),
        (["split", "a=1", "a=2", "-i", "in.parquet", "-o", "sides"], "named twice"),
        (["split", "a=many", "-i", "in.parquet", "-o", "sides"], "NAME=SIZE"),
        (["split", "a=0", "-i", "in.parquet", "-o", "sides"], "size of 'a' is 0"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(
    arguments: list[Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_parquet(pa.table({"text": [f"text {i}" for i in range(50)]}), Path("in.parquet"))
    done = run(*arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert [path.name for path in Path().iterdir()] == ["in.parquet"]


def test_help_tells_the_defaults() -> None:
    for command in ("sample", "compare", "split", "inspect"):
        text = " ".join(shown(run(command, "--help", COLUMNS="200")).split())
        assert "[default: (all" in text, command
    assert "(zstd" in shown(run("sample", "--help", COLUMNS="200"))


def test_the_help_imports_no_command() -> None:
    """A list of commands is read often, and is there at once."""
    code = (
        "import contextlib, sys\n"
        "from fastsample.cli import app\n"
        "with contextlib.suppress(SystemExit):\n"
        "    app(['--help'])\n"
        "heavy = ('rich', 'pyarrow', 'numpy', 'fastsample.cli._sample')\n"
        "sys.exit(' '.join(name for name in heavy if name in sys.modules) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    for name in ("sample", "mix", "split", "inspect", "compare", "plan"):
        assert f"\n  {name} " in done.stdout.decode()
