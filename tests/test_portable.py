"""``FASTSAMPLE_PORTABLE``: without what only Linux has, draws write the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from data import pairs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no other way")

DRAWS = """
import hashlib, sys
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq

source, home = Path(sys.argv[1]), Path(sys.argv[2])
rows = fastsample.sample(source, 3_000)
rows.write_parquet(home / "plain.parquet", shuffle=True, memory_limit=100_000)
rows.write_jsonl(home / "lines.jsonl")
fastsample.sample(source, 3_000, smart=True).write_parquet(home / "smart.parquet", shards=3)
fastsample.split(source, {"train": 0.9, "test": 0.1}).write_parquet(home, overwrite=True)
rows.cache(home / "cache")
for path in sorted(home.rglob("*")):
    if path.is_file() and path.suffix in (".parquet", ".jsonl", ".arrow"):
        print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""

MAPPED = """
import sys

import fastsample
import pyarrow as pa

table = pa.ipc.open_file(pa.memory_map(sys.argv[1])).read_all()
print(fastsample.sample(table, 100).row_ids.tolist()[:3])
fastsample.sample(table, 100).write_ipc(sys.argv[1], overwrite=True)
"""

#: The system ends the process at the first byte beyond 50,000.
KILLED = """
import resource, signal, sys

import fastsample

rows = fastsample.sample(sys.argv[1], fraction=1.0)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
rows.write_parquet(sys.argv[2])
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "pairs.parquet"
    pq.write_table(pairs(10_000), path, row_group_size=2_000)
    return path


def run(program: str, *arguments: object, portable: bool) -> subprocess.CompletedProcess[str]:
    switch = {"FASTSAMPLE_PORTABLE": "1"} if portable else {}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, **switch}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_all_outputs_have_the_same_bytes(source: Path, tmp_path: Path) -> None:
    printed = []
    for portable in (False, True):
        home = tmp_path / str(portable)
        home.mkdir()
        done = run(DRAWS, source, home, portable=portable)
        assert done.returncode == 0, done.stderr
        assert not (home / ".fastsample").exists()
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) == 8


@pytest.mark.parametrize("portable", [False, True])
def test_what_a_kill_leaves_goes_with_the_next_run(
    source: Path, tmp_path: Path, portable: bool
) -> None:
    out = tmp_path / "out.parquet"
    assert run(KILLED, source, out, portable=portable).returncode < 0
    # A file that was open without a name is gone; one in a staging folder is not.
    assert [path.name for path in tmp_path.iterdir()] == [".fastsample"] * portable
    assert run(DRAWS, source, tmp_path, portable=portable).returncode == 0
    assert not (tmp_path / ".fastsample").exists()


@pytest.mark.parametrize("portable", [False, True])
def test_only_linux_knows_the_file_behind_mapped_rows(
    source: Path, tmp_path: Path, portable: bool
) -> None:
    import fastsample

    path = tmp_path / "rows.arrow"
    fastsample.sample(source, 1_000).write_ipc(path)
    done = run(MAPPED, path, portable=portable)
    assert "[" in done.stdout
    assert ("input" in done.stderr, done.returncode) == ((False, 0) if portable else (True, 1))
