"""`sample` and `score` on the command line: names in order, folders, terms, words of errors."""

import json
import re
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from data import drawn_ids, write_parquet
from fastsample.cli._words import in_flags


@pytest.fixture
def source(table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_parquet(table, Path("in.parquet"), row_group_size=1000)


def test_names_in_order(source: Path, table: pa.Table) -> None:
    assert run("sample", source, "out.parquet", "-n", 100).returncode == 0
    assert pq.read_table("out.parquet").equals(table.take(drawn_ids(3000, 100, 42)))
    assert run("sample", "-i", source, "by_flag.parquet", "-n", 100).returncode == 0
    assert run("sample", source, "-o", "other.parquet", "-n", 100).returncode == 0
    for name in ("by_flag.parquet", "other.parquet"):
        assert pq.read_table(name).equals(pq.read_table("out.parquet"))
    done = run("sample", source, source, "-n", 10, "-o", "twice.parquet")
    assert done.returncode == 0, done.stderr
    assert "rows before" in done.stdout


def test_a_glob_of_a_shell_overwrites_no_data(source: Path) -> None:
    """`sample data/*.parquet -n 5` names a file of data last."""
    Path("more.parquet").write_bytes(source.read_bytes())
    before = source.read_bytes()
    done = run("sample", source, "more.parquet", "-n", 10)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "more.parquet: the file exists; --overwrite replaces it" in done.stderr
    assert Path("more.parquet").read_bytes() == before
    Path("third.parquet").write_bytes(before)
    done = run("sample", source, "more.parquet", "third.parquet", "-n", 10)
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert Path("third.parquet").read_bytes() == before
    assert run("sample", source, "more.parquet", "-n", 10, "--overwrite").returncode == 0
    assert pq.read_metadata("more.parquet").num_rows == 10
    assert run("sample", source, source, "-n", 10, "--overwrite").returncode == 1
    assert source.read_bytes() == before


@pytest.mark.parametrize("arguments", [[], ["in.parquet"], ["-i", "in.parquet"],
                                       ["in.parquet", "-i", "in.parquet", "-o", "o.parquet"],
                                       ["-o", "o.parquet"]])  # fmt: skip
def test_a_name_that_is_missing_is_asked_for(arguments: list[str], source: Path) -> None:
    done = run("sample", *arguments, "-n", 5)
    assert done.returncode == 2
    assert re.search("--input|--output|SOURCE OUTPUT", done.stderr.split("Error")[-1])
    assert [path.name for path in Path().iterdir()] == ["in.parquet"]


def test_folders_are_made_and_taken_away_again(source: Path) -> None:
    assert run("sample", source, "a/b/out.parquet", "-n", 5).returncode == 0
    assert pq.read_metadata("a/b/out.parquet").num_rows == 5
    done = run("sample", source, "c/d/out.parquet", "-n", 5, "--compression", "zip")
    assert done.returncode == 2
    done = run("sample", source, "c/d/out.parquet", "-n", 5, "--compression", "zstd", "--shards",
               100_000_000)  # fmt: skip
    assert done.returncode != 0
    assert not Path("c").exists()
    done = run("sample", source, "in.parquet/out.parquet", "-n", 5)
    assert done.returncode == 1
    assert "in.parquet: cannot make the folder" in done.stderr


def test_the_order_of_rows_is_reported(source: Path) -> None:
    for flag, order in (("--shuffle", "shuffled"), ("--no-shuffle", "source")):
        done = run("sample", "-i", source, "-o", "o.parquet", "-n", 500, flag, "--json")
        assert json.loads(done.stdout)["order"] == order
    printed = run("sample", "-i", source, "-o", "o.parquet", "-n", 5).stdout
    assert re.search("order of rows +that of the source", printed)
    written = fastsample.sample(source, 5).write_parquet("o.parquet", shuffle=True)
    assert written.order == "shuffled"
    assert "random (shuffled)" in str(written)
    mixture = fastsample.mix({"a": source, "b": source}, 10)
    assert mixture.write_parquet("m.parquet").order == "mixed"


def test_terms_of_a_smart_draw(source: Path) -> None:
    options = ["--strength", "duplicates=0", "--strength", "length=1", "--min-chars", 5]
    done = run("sample", source, "out.parquet", "-n", 300, *options, "--max-chars", 99, "--json")
    assert done.returncode == 0, done.stderr
    rule = fastsample.Smart(duplicates=0, length=1, min_chars=5, max_chars=99)
    drawn = fastsample.sample(source, 300, smart=rule)
    assert pq.read_table("out.parquet").equals(drawn.to_arrow())
    assert "duplicates" not in json.loads(done.stdout)["smart"]["shares"]
    for wrong in ("duplicate=1", "length", "length=much"):
        done = run("sample", source, "no.parquet", "-n", 300, "--strength", wrong)
        assert done.returncode == 2
        assert "--strength" in done.stderr
    assert not Path("no.parquet").exists()


def test_scores(source: Path) -> None:
    pq.write_table(pq.read_table(source)[:50], "good.parquet")
    done = run("score", source, "new/scores.parquet", "--target", "good.parquet", "--strength",
               "commonness=1", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    rule = fastsample.Smart(commonness=1, target="good.parquet")
    written = pq.read_table("new/scores.parquet")
    assert written.equals(fastsample.score(source, rule).to_arrow())
    report = json.loads(done.stdout)
    assert report["rows_after"] == 3000
    assert report["smart"]["text"] == ["prompt", "response"]
    done = run("score", source, "by.parquet", "--target", "good.parquet", "--target-method",
               "classifier")  # fmt: skip
    assert done.returncode == 0, done.stderr
    rule = fastsample.Smart(target="good.parquet", target_method="classifier")
    assert pq.read_table("by.parquet").equals(fastsample.score(source, rule).to_arrow())
    pq.write_table(pq.read_table(source)[50:80], "more.parquet")
    done = run("score", source, "several.parquet", "--target", "good.parquet", "--target",
               "more.parquet", "--avoid", "more.parquet", "--strength", "avoid=2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    named = {name: name for name in ("good.parquet", "more.parquet")}
    rule = fastsample.Smart(target=named, avoid="more.parquet", avoid_strength=2)
    assert pq.read_table("several.parquet").equals(fastsample.score(source, rule).to_arrow())
    done = run("score", source, "no.parquet", "--target", "good.parquet", "--target",
               "good.parquet")  # fmt: skip
    assert "good.parquet comes twice" in done.stderr
    done = run("score", source, "scores.csv")
    assert "effective rows" in done.stdout


#: Arguments of the Python API, and words of Python.
PYTHON = re.compile(
    r"\b[a-z_]+=(?=[\s,;)]|$)|\bNone\b|\bTrue\b|\bFalse\b|\bn is\b|[{}]|\bpass\b|"
    r"(?<!-)\b(text_columns|budget_tokens|max_tokens|chat_template|new_epochs|seconds_per_step)\b"
)

WRONG: list[tuple[list[Any], str]] = [
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--seed", 2**64], "--seed is"),
    (["sample", "in.parquet", "o.parquet", "--fraction", 2], "--fraction is 2"),
    (["sample", "in.parquet", "o.parquet", "-n", 9999, "--exactly"], "--num_samples is 9999"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--max-tokens", 5], "need a tokenizer"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--tokenizer", "t"], "--tokenizer is for"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--chat-template"], "--chat-template"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--allocation", "equal"], "with --by"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--by", "id", "--allocation", "most"],
     "--allocation is 'most'"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--weight", "id", "--entropy"],
     "--weight and entropy exclude"),
    (["sample", "in.parquet", "o.parquet", "-n", 5, "--replace", "--max-tokens", 9,
      "--tokenizer", "t", "--by", "id"], "--by or with --replace"),
    (["sample", "in.parquet", "o.parquet", "--budget-tokens", 5, "--tokenizer", "t", "--weights"],
     "have no weights"),
    (["plan", "--rows", 100, "--seconds-per-step", 1], "give --batch-size"),
    (["plan", "--rows", 100, "--seconds-per-step", 1, "--batch-size", 4, "-n", 5, "--hours", 1],
     "--num_samples and --hours"),
    (["plan", "--rows", 100, "--seconds-per-step", 1, "--batch-size", 4, "--new-max-length", 5],
     "--new-max-length needs --max-length"),
    (["plan", "--rows", 100, "--seconds-per-step", 1, "--batch-size", 4, "--write", "s.toml"],
     "--new-epochs"),
    (["plan", "--rows", 100, "--seconds-per-step", 1, "--batch-size", 4, "--lengths"],
     "--lengths needs a data set"),
    (["mix", "-o", "o.parquet", "-n", 5, "--source", "a=in.parquet:1", "--max-epochs", 2],
     "--exhausted repeat"),
    (["mix", "-o", "o.parquet", "-n", 5, "--source", "a=in.parquet:1", "--temperature", 2],
     "--temperature makes"),
    (["mix", "-o", "o.parquet", "-n", 5, "--source", "a=in.parquet:1", "--exhausted", "no"],
     "--exhausted is 'no'"),
    (["compare", "in.parquet", "in.parquet", "--by", "none"], "none"),
    (["split", "a=1.5", "-i", "in.parquet", "-o", "s"], "share of 'a'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_errors_speak_of_flags(arguments: list[Any], message: str, source: Path) -> None:
    done = run(*arguments)
    assert done.returncode in (1, 2)
    text = done.stderr
    assert message in text
    assert PYTHON.search(text.split("Error: ")[-1]) is None, text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "message",
    [
        "/data/text_columns/n=5/x.parquet: no format is known by the ending '.x'",
        "'text_columns' is named twice",
        "max_tokens.parquet: no such file",
    ],
)
def test_names_of_files_and_columns_stay(message: str) -> None:
    assert in_flags(message) == message


def test_no_flag_is_in_angle_brackets() -> None:
    message = "tokenizer= is for budget_tokens= or max_tokens=; pass one of them"
    told = "--tokenizer is for --budget-tokens or --max-tokens; give one of them"
    assert in_flags(message) == told


def test_completion_of_a_shell() -> None:
    done = run(_FASTSAMPLE_COMPLETE="bash_source")
    assert "complete -o nosort -F" in done.stdout
    done = run(_FASTSAMPLE_COMPLETE="bash_complete", COMP_WORDS="fastsample s", COMP_CWORD="1")
    assert done.stdout.split() == ["plain,sample", "plain,split", "plain,score"]


def test_a_file_an_epoch(source: Path, table: pa.Table) -> None:
    done = run("sample", source, "new/out.parquet", "-n", 900, "--epochs", 4, "--no-shuffle")
    assert done.returncode == 0, done.stderr
    epochs = fastsample.epochs(table, 900)
    for epoch in range(4):
        rows = pq.read_table(f"new/out-epoch{epoch}.parquet")
        assert rows.equals(table.take(epochs[epoch].row_ids))
    assert "epoch 3" in done.stdout
    assert "rows come again from epoch 3 on" in " ".join(done.stdout.split())
    done = run("sample", source, "s.jsonl", "-n", 900, "--epochs", 4, "--smart")
    assert done.returncode == 2
    assert "--epochs is 4, but a draw by weight has 3" in done.stderr
    for option in (["--replace"], ["--shards", 2], ["--weights"]):
        done = run("sample", source, "s.jsonl", "-n", 900, "--epochs", 2, *option)
        assert done.returncode == 2
        assert f"{option[0]} does not go with --epochs" in done.stderr
    assert not list(Path().glob("s*"))
