"""The ending of an output tells its format on the command line, and docs/csv.md runs as written."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from data import pairs, write_parquet
from fastsample.cli import app
from lines_made import whole

LINES = ["jsonl", "jsonl.gz", "ndjson.zst", "csv", "csv.gz", "tsv", "tsv.zst"]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pa.Table:
    table = pairs(600)
    write_parquet(table, tmp_path / "in.parquet")
    (tmp_path / "data").mkdir()
    write_parquet(table, tmp_path / "data" / "in.parquet")
    monkeypatch.chdir(tmp_path)
    return table


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("ending", LINES)
def test_sample_writes_the_format_of_the_name(ending: str, table: pa.Table) -> None:
    output = f"out.{ending}"
    done = run("sample", "-i", "in.parquet", "-o", output, "-n", 50, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["files"][0]["path"] == output
    expected = fastsample.sample("in.parquet", 50).to_arrow()
    assert whole(Path(output)).to_pylist() == expected.to_pylist()
    # Once more, from lines.
    done = run("sample", "-i", output, "-o", f"again.{ending}", "-n", 20, "--shards", 2)
    assert done.exit_code == 0, done.output
    shards = sorted(Path().glob(f"again-*.{ending}"))
    assert len(shards) == 2
    wanted = fastsample.sample(output, 20).to_arrow().to_pylist()
    assert whole(shards).to_pylist() == wanted


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv", "csv.zst", "tsv", "tsv.gz"])
def test_split_writes_a_format(ending: str, table: pa.Table) -> None:
    done = run("split", "a=0.9", "b=0.1", "-i", "in.parquet", "-o", "sides", "--format", ending)
    assert done.exit_code == 0, done.output
    paths = [Path(f"sides/a.{ending}"), Path(f"sides/b.{ending}")]
    assert sorted(Path("sides").iterdir()) == paths
    assert sorted(whole(paths)["id"].to_pylist()) == sorted(table["id"].to_pylist())


@pytest.mark.usefixtures("table")
def test_other_endings_are_refused() -> None:
    done = run("sample", "-i", "in.parquet", "-o", "out.xlsx", "-n", 5)
    assert done.exit_code == 2
    for ending in (".parquet", ".arrow", ".jsonl", ".csv", ".tsv", ".gz", ".zst"):
        assert ending in done.stderr
    done = run("split", "a=5", "-i", "in.parquet", "-o", "sides", "--format", "xml")
    assert done.exit_code == 2
    assert "csv.gz" in done.stderr
    done = run("sample", "-i", "in.parquet", "-o", "o.csv", "-n", 5, "--compression", "gzip")
    assert done.exit_code == 2
    assert ".csv.gz" in done.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["data", "in.parquet"]


@pytest.mark.usefixtures("table")
def test_every_snippet_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "csv.md"
    text = page.read_text(encoding="utf-8").replace("100_000", "100")
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.S)
    exec(snippet, {})
    assert whole(Path("sample.csv.gz")).num_rows == 100
    for command in re.findall(r"`(fastsample [^`]*)`", text):
        arguments = shlex.split(command.removeprefix("fastsample "))
        done = run(*arguments, "a=5", "-i", "in.parquet", "-o", "sides")
        assert done.exit_code == 0, done.output
