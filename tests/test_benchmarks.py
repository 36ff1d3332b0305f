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
    assert "19 passed" in done.stdout
    assert "test_random_file[fastsample]" in done.stdout
