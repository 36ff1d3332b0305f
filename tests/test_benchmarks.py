"""The benchmarks that pytest runs do run, and check what they draw."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pytest_benchmarks_run_on_few_rows() -> None:
    options = ["--benchmark-only", "--benchmark-max-time=0.01", "--benchmark-min-rounds=1"]
    command = [sys.executable, "-m", "pytest", "benches", "-q", "--rows", "2000", *options]
    # Below pytest-xdist, pytest-benchmark would not measure.
    inherited = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    done = subprocess.run(
        command, cwd=ROOT, env=inherited, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 passed" in done.stdout
    assert "test_random_file[fastsample]" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_lines_are_drawn_by_ours_and_by_a_loop(tmp_path: Path) -> None:
    options = ["--rows", "2000", "--rounds", "1", "--only", "fastsample,python"]
    command = [sys.executable, "-m", "benches.lines", *options, "--record", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = tmp_path.iterdir()
    page = record.read_text()
    assert page.startswith("# JSON Lines: 600 of 2,000 rows")
    for kind in ("jsonl", "jsonl.gz", "jsonl.zst", "parquet"):
        (ours,) = [line for line in page.splitlines() if line.startswith(f"| rows.{kind} | fast")]
        assert "failed" not in ours
    (loop,) = [line for line in page.splitlines() if line.startswith("| rows.jsonl | python")]
    assert "failed" not in loop


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_second_draw_is_timed_beside_a_uniform_one(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    for command in (
        ["benches.generate", "--rows", "3000", "--out", str(rows)],
        ["benches.kept", "--input", str(rows), "--rounds", "1", "--record", str(tmp_path / "r")],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "features: 16." in done.stdout
    (page,) = (tmp_path / "r").glob("*.md")
    for name in ("uniform", "second smart draw", "smart", "smart, keeps features"):
        (line,) = [line for line in page.read_text().splitlines() if line.startswith(f"| {name} |")]
        assert "failed" not in line


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("options", "title", "peer"),
    [
        (["--only", "fastsample,datasets"], "600 of 2,000 rows", "datasets"),
        (["--tokens"], "60,000 tokens out of 2,000 rows", "datasets-tokens"),
    ],
)
def test_mixtures_are_made_by_ours_and_by_datasets(
    tmp_path: Path, options: list[str], title: str, peer: str
) -> None:
    options = ["--rows", "2000", "--rounds", "1", *options]
    command = [sys.executable, "-m", "benches.mixtures", *options, "--record", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = tmp_path.iterdir()
    page = record.read_text()
    assert page.startswith(f"# Mixture: {title}")
    for name in ("fastsample", peer):
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} ")]
        assert "failed" not in line


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.timeout(300)
def test_batches_of_token_ids_are_equal_and_timed(tmp_path: Path) -> None:
    options = ["--rows", "300", "--rounds", "1", "--record", str(tmp_path)]
    command = [sys.executable, "-m", "benches.tokens", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = tmp_path.iterdir()
    for way in ("collator", "datasets.map", "fastsample"):
        assert f"| a batch of 24: {way} |" in record.read_text()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_passes_of_a_draw_from_lines_are_timed(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"a": "x"}\n' * 2000)
    options = ["--input", str(source), "--rounds", "2", "--record", str(tmp_path / "r")]
    command = [sys.executable, "-m", "benches.line_passes", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = (tmp_path / "r").iterdir()
    for name in ("open", "write", "both"):
        (line,) = [
            line
            for line in record.read_text().splitlines()
            if line.startswith(f"| python | {name} |")
        ]
        assert float(line.split("|")[3]) > 0
        assert line.endswith("| 1.00 |")
