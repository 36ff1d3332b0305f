"""What the commands print fits terminals of 40, 80, 120 and 200 columns, Chinese names included."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pytest
from data import pairs, write_parquet
from fastsample._layout import Block, Facts, Sentences, Table, as_text, cells, wrap
from hypothesis import given
from hypothesis import strategies as st

WIDTHS = [40, 80, 120, 200]


def on_terminal(width: int, *arguments: object, folder: Path) -> list[str]:
    """Return the lines that a command prints on a terminal of a width."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "fastsample", *map(str, arguments)]
    with os.fdopen(master, "rb", buffering=0) as terminal:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        printed = b""
        try:
            while chunk := terminal.read(65536):
                printed += chunk
        except OSError:  # the other end is closed
            pass
        assert child.wait(60) == 0, printed.decode()
    # Each state of a progress bar is a line of its own here.
    text = printed.decode().replace("\r\n", "\n").replace("\r", "\n").replace("\x1b[2K", "\n")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a file of a long Chinese name, and a sample of it."""
    folder = tmp_path_factory.mktemp("宽度")
    rows = pairs(2000, mean_chars=300)
    kinds = pa.array([f"来源：第{i % 5}类 source/kind-{i % 5}" for i in range(2000)])
    rows = rows.append_column("数据来源", kinds).rename_columns(["id", "提示", "回答", "数据来源"])
    write_parquet(rows, folder / "一个名字很长的训练数据集.parquet", row_group_size=500)
    fastsample.sample(rows, 400).write_parquet(folder / "样本.parquet")
    return folder


PLAN = ["plan", "--rows", 10_000_000, "--steps", 183_605, "--seconds-per-step", 1.0, "--epochs", 5,
        "-n", "3m", "--new-epochs", 3, "--new-seconds-per-step", 0.9]  # fmt: skip
SOURCE = "一个名字很长的训练数据集.parquet"
COMMANDS: dict[str, list[Any]] = {
    "inspect": ["inspect", SOURCE],
    "several": ["inspect", SOURCE, "样本.parquet"],
    "plan": PLAN,
    "lengths": ["plan", SOURCE, "--batch-size", 8, "--seconds-per-step", 1, "--lengths"],
    "compare": ["compare", SOURCE, "样本.parquet", "--by", "数据来源"],
    "sample": ["sample", "-i", SOURCE, "-o", "o.parquet", "-n", 300, "--smart", "--by", "数据来源"],
    "more": ["sample", "-i", SOURCE, "-o", "o.parquet", "-n", 5000],
    "split": ["split", "-i", SOURCE, "-o", "s", "train=0.8", "验证=0.1"],
    "mix": ["mix", "-o", "m.parquet", "-n", 100, "--source", f"中文={SOURCE}:0.5",
            "--source", "样本=样本.parquet:0.5"],
}  # fmt: skip

#: Commands that are tried on wide terminals, too.
WIDE = ("inspect", "plan", "compare", "sample")

#: Numbers and headings that each command shows in one piece.
WHOLE: dict[str, list[str]] = {
    "inspect": ["2,000", "row groups", "nullable", "median", "whole row", "数据来源", "99%"],
    "several": ["2,400", "2 files", "row groups"],
    "plan": ["10,000,000", "183,605", "3,000,000", "255.0", "speed-up", "h/epoch", "6.2 x"],
    "lengths": ["rows cut", "text lost", "grouped by length", "512", "Assumptions"],
    "compare": ["reference", "sample", "n-gram distance", "held-out text", "2,000"],
    "sample": ["rows before", "2,000", "rows with near-duplicates", "effective rows", "300"],
    "more": ["warning:", "--num_samples", "5,000"],
    "split": ["train", "验证", "seed"],
    "mix": ["rows after", "样本", "50.00%"],
}


@pytest.mark.parametrize(
    ("name", "width"),
    [(name, width) for name in COMMANDS for width in WIDTHS if width < 100 or name in WIDE],
)
def test_what_a_command_prints_fits(name: str, width: int, folder: Path) -> None:
    lines = on_terminal(width, *COMMANDS[name], folder=folder)
    assert [line for line in lines if cells(line) > width] == []
    text = "\n".join(lines)
    assert "…" not in text, "something is cut off"
    for whole in WHOLE[name]:
        assert whole in text
    # No column is so narrow that words stand letter by letter.
    single = [line for line in lines if re.fullmatch(r"\s*\w\s*", line)]
    assert len(single) <= 1, single


def test_a_histogram_has_an_axis(folder: Path) -> None:
    lines = on_terminal(80, "inspect", SOURCE, folder=folder)
    bars = [place for place, line in enumerate(lines) if "█" in line]
    assert len(bars) == 3
    for place in bars:
        lengths = [int(number.replace(",", "")) for number in lines[place + 1].split()]
        assert lengths[0] == 0
        assert len(lengths) >= 3
        assert lengths == sorted(set(lengths))
        assert "highest bar" in lines[place - 1]


def test_python_prints_what_the_command_prints(folder: Path) -> None:
    found = fastsample.inspect(folder / SOURCE)
    assert "Length in characters" in str(found)
    plan = fastsample.plan(1000, 300, batch_size=10, seconds_per_step=1)
    assert "Training on 1,000 rows" in str(plan)
    assert "speed-up" in str(plan)
    compared = fastsample.compare(folder / SOURCE, folder / "样本.parquet")
    assert "representative" in str(compared)
    assert "median length" in str(compared)
    smart = fastsample.sample(folder / SOURCE, 300, smart=True).report.smart
    for report in (found, plan, compared, smart):
        page = report._repr_html_()  # type: ignore[union-attr]
        assert "<table" in page
        assert page.count("<table") == page.count("</table>")


def test_long_paths_may_break_where_tables_are_printed() -> None:
    path = "/data/" + "文" * 40 + ".parquet"
    style = "text-align:left;overflow-wrap:anywhere"
    for block in (Table("", ("file", "rows"), [(path, "5")]), Facts([("written", path)])):
        assert f'<td style="{style}">{path}</td>' in block.html()
        assert block.html().count("overflow-wrap") == 1


TEXT = st.text(st.sampled_from("ab, 提示。，12_/x😀"), max_size=60)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=9), st.integers(20, 120))
def test_any_report_fits_and_loses_nothing(rows: list[tuple[str, str, str]], width: int) -> None:
    blocks: list[Block] = [
        Facts((name, value) for name, value, _ in rows),
        Table("标题 title", ("name", "数", "b"), rows, left=1),
        Table("prose", ("name", "数", "sentences"), rows, prose=True),
        Sentences([row[2] for row in rows], title="list"),
    ]
    for block in blocks:
        text = as_text([block], width)
        assert all(cells(line) <= width for line in text.splitlines())
        for row in rows:
            for each in set("".join(row[1:2])) - set(" "):
                assert each in text or isinstance(block, Sentences)


@given(TEXT, st.integers(2, 40))
def test_wrapping_keeps_every_character_and_whole_words(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cells(line) <= width for line in lines)
    for word in re.findall(r"[a-z0-9_/,]+", text):
        if len(word) <= width // 2:
            assert any(word in line for line in lines)


def test_control_characters_of_names_are_escaped() -> None:
    text = as_text([Facts([("a\x1b[31m", "b\nc\td")])])
    assert text == r"a\x1b[31m  b\nc\td"
