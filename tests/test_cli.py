"""The command line: the flags of the script it replaces, what it prints, and how it ends."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from data import drawn_ids, mean_chars, write_parquet

MODULE = [sys.executable, "-m", "fastsample"]
SCRIPT = [str(Path(sys.executable).with_name("fastsample"))]


def started(command: list[str], *arguments: object) -> Any:
    """Run a program with a pipe in place of a terminal."""
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


def words(text: str) -> str:
    """Return a text as one line, because a narrow terminal breaks it anywhere."""
    return " ".join(text.split())


@pytest.fixture
def source(table: pa.Table, tmp_path: Path) -> Path:
    return write_parquet(table, tmp_path / "in.parquet", row_group_size=1000)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out.parquet"


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize("flag", ["--num_samples", "--num-samples"])
def test_the_flags_of_the_script_it_replaces(
    command: list[str], flag: str, source: Path, output: Path, table: pa.Table
) -> None:
    arguments = ["sample", "--input", source, "--output", output, flag, 100, "--seed", 7]
    done = started(command, *arguments)
    assert done.returncode == 0
    assert done.stderr == (
        "note: rows are in the order of the source; --shuffle writes them in random order, "
        "--no-shuffle keeps this one\n"
    )
    for chosen in ("--shuffle", "--no-shuffle"):
        assert started(command, *arguments, chosen).stderr == ""
    assert run(*arguments, "--no-shuffle").returncode == 0
    assert pq.read_table(output).equals(table.take(drawn_ids(3000, 100, 7)))


def test_the_default_seed_is_that_of_the_library(source: Path, output: Path) -> None:
    assert run("sample", "-i", source, "-o", output, "-n", 100).returncode == 0
    assert pq.read_table(output).equals(fastsample.sample(source, 100).to_arrow())


def test_statistics(source: Path, output: Path) -> None:
    done = run("sample", "--input", source, "--output", output, "--num_samples", 600)
    printed = words(done.stdout)
    written = pq.read_table(output)
    assert "rows before 3,000" in printed
    assert "rows after 600 (20.0%)" in printed
    for name in ("prompt", "response"):
        assert f"mean length of {name} {mean_chars(written[name]):.1f} characters" in printed
    assert f"file size {output.stat().st_size / 1024:.1f} KiB" in printed
    assert "seed 42" in printed
    assert re.search(r"time \d+\.\d s", printed)
    assert str(output) in done.stdout


def test_json(source: Path, output: Path) -> None:
    arguments = ["--input", source, "--output", output, "--num_samples", 600, "--seed", 3]
    done = run("sample", *arguments, "--json", "--shards", 2)
    report = json.loads(done.stdout)
    seconds = report.pop("seconds")
    assert 0 < seconds < 30
    means = report.pop("mean_chars")
    paths = [output.with_name(f"out-0000{i}-of-00002.parquet") for i in range(2)]
    sizes = [path.stat().st_size for path in paths]
    written = pa.concat_tables(map(pq.read_table, paths))
    texts = [(row["prompt"] or "", row["response"] or "") for row in written.to_pylist()]
    assert report == {
        "duplicates": len(texts) - len(set(texts)),
        "rows_before": 3000,
        "rows_after": 600,
        "seed": 3,
        "files": [
            {"path": str(path), "rows": 300, "bytes": size}
            for path, size in zip(paths, sizes, strict=True)
        ],
        "bytes": sum(sizes),
        "order": "source",
        "tokens": None,
        "too_long": None,
        "smart": None,
        "text_columns": ["prompt", "response"],
        "left_out": {},
        "notes": [],
        "where": None,
        "matching": None,
        "fraction": None,
        "weight": None,
        "key": None,
        "replace": False,
        "distinct": None,
        "exclude": None,
        "group": [],
        "n_groups": None,
        "groups": None,
    }
    expected = {name: mean_chars(written[name]) for name in ("prompt", "response")}
    assert means == pytest.approx(expected)


def test_more_than_there_is_keeps_all(source: Path, output: Path, table: pa.Table) -> None:
    arguments = ["--input", source, "--output", output, "--num_samples", 5000]
    done = run("sample", *arguments, "--json")
    assert done.returncode == 0
    assert "warning" in done.stderr
    assert "5,000" in done.stderr
    assert "3,000" in done.stderr
    assert json.loads(done.stdout)["rows_after"] == 3000
    assert pq.read_table(output).equals(table)


def test_exactly_fails_where_there_are_fewer(source: Path, output: Path) -> None:
    """Python fails unless it is told otherwise, the command line keeps all; each does both."""
    done = run("sample", source, output, "-n", 5000, "--exactly")
    assert done.returncode == 2
    assert "--num_samples is 5000, but the source has only 3000 rows" in done.stderr
    assert not output.exists()
    with pytest.raises(fastsample.ArgumentError, match="n is 5000"):
        fastsample.sample(source, 5000)
    assert len(fastsample.sample(source, 5000, at_most=True)) == 3000
    assert len(fastsample.sample(source, 5000, at_most=True, where="id < 10")) == 10
    assert len(fastsample.sample(source, 5000, at_most=True, smart=True)) == 3000
    assert len(fastsample.sample(source, 7, at_most=True)) == 7


def test_options(source: Path, output: Path, table: pa.Table) -> None:
    arguments = ["-i", source, "-o", output, "-n", 500, "--compression", "snappy"]
    done = run("sample", *arguments, "--shuffle", "--threads", 1, "--column", "response",
               "--column", "id")  # fmt: skip
    assert done.returncode == 0
    written = pq.read_table(output)
    assert written.column_names == ["response", "id"]
    assert written["id"].to_pylist() != drawn_ids(3000, 500, 42)
    assert sorted(written["id"].to_pylist()) == drawn_ids(3000, 500, 42)
    assert pq.read_metadata(output).row_group(0).column(0).compression == "SNAPPY"


@pytest.mark.parametrize("name", ["out.arrow", "out.feather", "out.ipc", "OUT.ARROW"])
def test_arrow_output(name: str, source: Path, tmp_path: Path, table: pa.Table) -> None:
    assert run("sample", "-i", source, "-o", tmp_path / name, "-n", 100).returncode == 0
    with pa.ipc.open_file(tmp_path / name) as reader:
        assert reader.read_all().equals(table.take(drawn_ids(3000, 100, 42)))


def test_several_inputs(table: pa.Table, tmp_path: Path, output: Path) -> None:
    (tmp_path / "more").mkdir()
    first = write_parquet(table.slice(0, 1000), tmp_path / "first.parquet")
    write_parquet(table.slice(1000), tmp_path / "more" / "rest.parquet")
    arguments = ["--input", first, "--input", f"{tmp_path}/more/*.parquet"]
    assert run("sample", *arguments, "-o", output, "-n", 100).returncode == 0
    assert pq.read_table(output).equals(table.take(drawn_ids(3000, 100, 42)))


def test_names_in_chinese(tmp_path: Path) -> None:
    source = tmp_path / "训练 数据 [1].parquet"
    write_parquet(pa.table({"问题": ["你好吗？"] * 10, "答案": ["😀"] * 10}), source)
    target = tmp_path / "样本 🐼.parquet"
    environments: list[dict[str, Any]] = [{}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "LANG": ""}]
    for environment in environments:
        arguments = ["sample", source, target, "-n", 5, "--no-shuffle", "--overwrite"]
        done = run(*arguments, "--column", "答案", **environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert pq.read_table(target).to_pydict() == {"答案": ["😀"] * 5}
        assert run("inspect", source, **environment).returncode == 0
    done = run("sample", "-i", source, "-o", target, "-n", 5, "--column", "答")
    assert done.returncode == 1
    assert "答" in done.stderr
    assert "问题" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_names_that_the_terminal_cannot_show(encoding: str, tmp_path: Path) -> None:
    source = tmp_path / "数据 🐼.parquet"
    write_parquet(pa.table({"答案 😀": ["a"] * 10}), source)
    target = tmp_path / "样本 🐼.parquet"
    for arguments in (
        ["sample", "-i", source, "-o", target, "-n", 5, "--no-shuffle"],
        ["sample", "-i", source, "-o", target, "-n", 5, "--no-shuffle", "--json"],
        ["inspect", source],
        ["inspect", source, "--json"],
    ):
        command = [*MODULE, *map(str, arguments)]
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(
            command, capture_output=True, env=environment, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--input", "missing.parquet", "--output", "out.parquet", "--num_samples", "5"],
        ["--input", "in.parquet", "--output", "in.parquet/x.parquet", "--num_samples", "5"],
        ["--input", "in.parquet", "--output", "in.parquet", "--num_samples", "5"],
        ["--input", "in.parquet", "--output", "o.parquet", "--num_samples", "5", "--column", "x"],
    ],
)
def test_failures_end_with_1_and_one_line(
    arguments: list[str], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("sample", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample"],
        ["sample", "--input", "in.parquet", "--output", "out.parquet"],
        ["sample", "-i", "in.parquet", "-o", "out.parquet", "-n", "0"],
        ["sample", "-i", "in.parquet", "-o", "out.parquet", "-n", "many"],
        ["sample", "-i", "in.parquet", "-o", "out.parquet", "-n", "5", "--sed", "1"],
        ["sample", "-i", "in.parquet", "-o", "out.parquet", "-n", "5", "--seed", "-1"],
        ["sample", "-i", "in.parquet", "-o", "out.parquet", "-n", "5", "--threads", "0"],
        ["inspect"],
        ["draw"],
        [],
    ],
)
def test_bad_usage_ends_with_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Usage" in done.stdout + done.stderr


def test_help() -> None:
    done = run("sample", "--help", COLUMNS="200")
    assert done.returncode == 0
    for flag in ("--input", "--output", "--num_samples", "--smart", "--seed", "--json"):
        assert flag in done.stdout


# inspect


@pytest.mark.parametrize("width", [52, 80, 120, 200])
def test_help_fits_the_terminal(width: int) -> None:
    for command in ((), ("sample",), ("mix",), ("split",), ("inspect",), ("compare",), ("plan",)):
        done = run(*command, "-h", COLUMNS=str(width))
        assert done.returncode == 0
        long = [line for line in done.stdout.splitlines() if len(line) > width]
        # An option's names are never broken; what it is for begins a line of its own.
        assert all(line.lstrip().startswith("-") for line in long), long
        assert "..." not in done.stdout.split("Commands:")[-1] or command, "a summary is cut off"


def test_version() -> None:
    assert run("--version").stdout == f"fastsample {fastsample.__version__}\n"


@pytest.mark.parametrize("rows", ["2_000", "2,000", "2e3", "2k", "2K", "0.002m", "2000"])
def test_numbers_of_rows_as_people_write_them(rows: str, source: Path, output: Path) -> None:
    assert run("sample", "-i", source, "-o", output, "-n", rows).returncode == 0
    assert pq.read_metadata(output).num_rows == 2000


@pytest.mark.parametrize("rows", ["", "k", "2.5", "0", "-3", "0.1k5", "1e", "nan", "inf", "两百"])
def test_what_is_no_number_of_rows(rows: str, source: Path, output: Path) -> None:
    done = run("sample", "-i", source, "-o", output, f"--num_samples={rows}")
    assert done.returncode == 2
    assert repr(rows) in done.stderr
    assert not output.exists()


def test_inspect(source: Path, tmp_path: Path) -> None:
    done = run("inspect", source, COLUMNS="300")
    assert (done.returncode, done.stderr) == (0, "")
    for fact in ("in.parquet", "parquet", "snappy", "3,000", "prompt", "string", "int64", "median"):
        assert fact in done.stdout


def test_inspect_hides_nothing_when_piped(source: Path) -> None:
    # Without a terminal there is no width to fit into.
    printed = run("inspect", source).stdout
    for fact in (str(source), "snappy", "3,000", "prompt", "string", "median", "99%"):
        assert fact in printed


def test_inspect_json(source: Path, table: pa.Table) -> None:
    found = json.loads(run("inspect", source, "--json").stdout)
    assert found["rows"] == 3000
    assert found["bytes"] == source.stat().st_size
    assert found["files"] == [
        {
            "path": str(source),
            "format": "parquet",
            "rows": 3000,
            "row_groups": 3,
            "bytes": source.stat().st_size,
            "codecs": ["snappy"],
        }
    ]
    assert found["columns"] == [
        {"name": field.name, "type": str(field.type), "nullable": field.nullable}
        for field in table.schema
    ]
    lengths = sorted(len(text or "") for text in table["prompt"].to_pylist())
    assert found["text"]["prompt"]["nulls"] == table["prompt"].null_count
    assert found["text"]["prompt"]["max"] == lengths[-1]
    assert found["text"]["prompt"]["mean"] == pytest.approx(sum(lengths) / 3000)
    median = found["text"]["prompt"]["quantiles"]["0.5"]
    assert lengths[1498] <= median <= lengths[1501]
    assert set(found["text"]) == {"prompt", "response"}
    assert json.loads(run("inspect", source, "--json", "--no-lengths").stdout)["text"] == {}


# Where the output goes


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "xterm-256color"}])
def test_a_pipe_gets_plain_text(environment: dict[str, Any], source: Path, output: Path) -> None:
    for arguments in (
        ["sample", "-i", source, "-o", output, "-n", 9999],
        ["sample", "-i", "missing", "-o", output, "-n", 5],
        ["sample", "--help"],
        ["inspect", source],
    ):
        done = run(*arguments, **environment)
        assert "\x1b" not in done.stdout + done.stderr


def test_a_long_path_is_printed_in_one_piece(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 30)
    folder.mkdir()
    done = run("sample", "-i", source, "-o", folder / "out.parquet", "-n", 5)
    assert str(folder / "out.parquet") in done.stdout


def test_no_color_on_a_terminal(source: Path, output: Path) -> None:
    def on_terminal(**environment: str) -> str:
        master, slave = os.openpty()
        arguments = ["sample", "-i", source, "-o", output, "-n", "9999"]
        with os.fdopen(master, "rb", buffering=0) as terminal:
            subprocess.run(
                [*MODULE, *map(str, arguments)],
                check=True,
                env={**os.environ, "TERM": "xterm", **environment},
                stderr=slave,
                stdout=subprocess.DEVNULL,
                timeout=60,
            )
            os.close(slave)
            return terminal.read(65536).decode()

    assert "\x1b[33m" in on_terminal()
    assert "\x1b[3" not in on_terminal(NO_COLOR="1")


def test_a_reader_that_leaves_is_no_error(source: Path) -> None:
    command = " ".join(f"'{part}'" for part in [*MODULE, "inspect", source])
    done = subprocess.run(
        f"{command} | head -c 1", shell=True, capture_output=True, check=False, timeout=60
    )
    assert done.stderr == b""


def test_a_target_and_weights(source: Path, output: Path, tmp_path: Path) -> None:
    pq.write_table(pq.read_table(source)[:50], tmp_path / "good.parquet")
    pq.write_table(pq.read_table(source)[50:90], tmp_path / "bad.parquet")
    options = [
        "--target",
        tmp_path / "good.parquet",
        "--weights",
        "--avoid",
        tmp_path / "bad.parquet",
    ]
    done = run("sample", "--input", source, "--output", output, "--num_samples", 300, *options)
    printed = words(done.stdout)
    assert "what decides duplicates" in printed
    assert "target" in printed
    written = pq.read_table(output)
    assert written.num_rows == 300
    assert min(written["_weight"].to_pylist()) >= 1
    failed = run("sample", "--input", source, "--output", output, "-n", 3, "--entropy", *options)
    assert "--target and --entropy exclude each other" in words(failed.stderr)
    assert failed.returncode == 2
