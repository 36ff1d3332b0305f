"""Sets of files for readers: all old or all new, while others write, and after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_faults import library

__all__ = ["library"]

ROWS = 4000

WRITER = """
import sys, fastsample
source, home, first = sys.argv[1:]
for version in range(int(first), int(first) + 25):
    drawn = fastsample.sample(source, 1000, seed=version % 4)
    drawn.write_parquet(home + "/out.parquet", shards=4)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.parquet"
    table = pa.table({"id": range(ROWS), "text": [f"第 {i} 句话" for i in range(ROWS)]})
    pq.write_table(table, path)
    return path


@pytest.mark.slow
def test_readers_and_writers_at_once(source: Path, tmp_path: Path) -> None:
    versions = [fastsample.sample(source, 1000, seed=seed).row_ids.tolist() for seed in range(4)]
    home = tmp_path / "home"
    home.mkdir()
    fastsample.sample(source, 1000, seed=0).write_parquet(home / "out.parquet", shards=4)
    command = [sys.executable, "-c", WRITER, str(source), str(home)]
    writers = [subprocess.Popen([*command, str(first)]) for first in (0, 2)]
    seen, changed = set(), 0
    while any(writer.poll() is None for writer in writers):
        try:
            rows = fastsample.sample(home, 1000).to_arrow(progress=False)["id"].to_pylist()
        except fastsample.SourceChangedError:
            changed += 1
            continue
        assert sorted(rows) in versions
        seen.add(versions.index(sorted(rows)))
        time.sleep(0.002)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(seen) > 1
    assert len(list(home.iterdir())) == 4


#: Kills runs at the first call that touches the folder, at the second and so on, until one has
#: placed some files of three. Each run is a child of this process, so nothing is imported again.
KILLED = """
import ctypes, os, shutil, sys
from pathlib import Path
import fastsample
library, source, home = ctypes.CDLL(sys.argv[1]), sys.argv[2], Path(sys.argv[3])

def write(seed, k=0):
    child = os.fork()
    if child == 0:
        try:
            drawn = fastsample.sample(source, 1000, seed=seed)
            if k:
                library.fault_arm(os.fsencode(home), ctypes.c_long(k), 6)
            drawn.write_parquet(home / "out.parquet", shards=3)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for k in range(1, 200):
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    assert write(0) == 0
    assert write(1, k) == -9, "the run ended before it put its files in place"
    for staging in home.glob(".fastsample/*"):
        if (staging / "commit").exists() and not (staging / "0").exists():
            assert (staging / "1").exists()
            print(staging)
            sys.exit()
sys.exit("no kill came between two renames")
"""


def half_placed(library: Path, source: Path, home: Path) -> Path:
    """Kill a run between two of its renames, and return its staging folder."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(library), str(source), str(home.resolve())],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.mark.slow
@pytest.mark.parametrize("how", ["folder", "glob", "first", "last"])
def test_reading_completes_a_set(library: Path, source: Path, tmp_path: Path, how: str) -> None:
    home = tmp_path / "home"
    half_placed(library, source, home)
    mixed = [pq.read_table(file)["id"].to_pylist() for file in sorted(home.glob("*.parquet"))]
    whole = fastsample.sample(source, 1000, seed=1).row_ids.tolist()
    assert list(chain(*mixed)) != whole
    files = sorted(home.glob("*.parquet"))
    given = {"folder": home, "glob": home / "*.parquet", "first": files[0], "last": files[-1]}
    rows = fastsample.inspect(given[how], lengths=False).rows
    assert rows == (1000 if how in ("folder", "glob") else len(mixed[0]) - (how == "last"))
    read = [pq.read_table(file)["id"].to_pylist() for file in files]
    assert list(chain(*read)) == whole
    assert sorted(home.iterdir()) == files


@pytest.mark.slow
def test_a_reader_that_cannot_complete_a_set(library: Path, source: Path, tmp_path: Path) -> None:
    """It reads the new files where they lie."""
    home = tmp_path / "home"
    staging = half_placed(library, source, home)
    folders = [str(folder) for folder in (staging, staging.parent, home)]
    if subprocess.run(["chattr", "+i", *folders], check=False, capture_output=True).returncode:
        pytest.skip("folders can't be locked here")
    try:
        whole = fastsample.sample(source, 1000, seed=1).row_ids.tolist()
        for given in (home, home / "*.parquet"):
            drawn = fastsample.sample(given, 1000).to_arrow(progress=False)
            assert drawn["id"].to_pylist() == whole
    finally:
        subprocess.run(["chattr", "-i", *folders], check=True)
    assert fastsample.inspect(home, lengths=False).rows == 1000
    assert len(list(home.iterdir())) == 3
