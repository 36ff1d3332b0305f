"""A limit on the address space: an error that says what the memory was for, not an abort."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

#: Memory that a child may take beyond what it has once everything is imported and opened, in MiB.
#: 40 of it are the reserve of a call. What is refused has to be larger than an arena of glibc, too:
#: 64 MiB that a thread set aside.
ROOM = 96

ROOT = Path(__file__).resolve().parents[1]

#: More rows than there is room for their features, ordinals or hashes.
ROWS = 14_000_000

CHILD = """
import resource, sys
from pathlib import Path
import fastsample
import fastsample._sampling.draw
from fastsample import Smart, sample, score, split

path, room = sys.argv[1], int(sys.argv[3]) << 20
most = sample(path, 12_000_000, threads=1) if "most" in sys.argv[2] else None
# A thread has been started before, so that its memory counts as taken.
sample(sys.argv[4], 1, threads=1).to_arrow()
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmSize:"):
        size = int(line.split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + room, size + room))
try:
    eval(sys.argv[2])
except fastsample.OutOfMemoryError as error:
    assert isinstance(error, MemoryError)
    print("refused:", error)
else:
    print("done")
"""


def run(path: Path, call: str, room: int = ROOM) -> subprocess.CompletedProcess[str]:
    """Evaluate ``call`` in a process that may take ``room`` MiB more."""
    small = path.with_name("small.parquet")
    if not small.exists():
        pq.write_table(pa.table({"text": ["a few words"]}), small)
    command = [sys.executable, "-c", CHILD, str(path), call, str(room), str(small)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def many_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small file of many rows."""
    path = tmp_path_factory.mktemp("rows") / "many.parquet"
    code = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int8()), ["a text"])
    table = pa.table({"text": pa.chunked_array([code] * (ROWS // 1_000_000))})
    pq.write_table(table, path, row_group_size=2_000_000)
    return path


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("sample(path, 10, smart=True, threads=1)", "the features of 14000000 rows"),
        ("sample(path, 10, smart='entropy', threads=1)", "the hashes and lengths of 14000000 rows"),
        ("score(path, threads=1)", "the features of 14000000 rows"),
        ("split(path, {'test': 10}, threads=1)", "the hashes of the texts of 14000000 rows"),
        ("most.row_ids", "the ordinals of 12000000 rows"),
    ],
)
def test_what_is_kept_of_each_row(many_rows: Path, call: str, words: str) -> None:
    done = run(many_rows, call, 64 if "most" in call else ROOM)
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.startswith("refused: no memory for " + words), done.stdout
    assert "ulimit -v" in done.stdout


@pytest.mark.parametrize("form", ["parquet", "ipc", "compressed ipc"])
def test_what_is_read_of_a_file(tmp_path: Path, form: str) -> None:
    table = pa.table({"text": ["哈" * 350_000] * 140})
    path = tmp_path / "big"
    if form == "parquet":
        pq.write_table(table, path, use_dictionary=False, data_page_size=1 << 30)
    else:
        options = pa.ipc.IpcWriteOptions(compression="zstd" if "compressed" in form else None)
        with pa.ipc.new_file(path, table.schema, options=options) as writer:
            writer.write_table(table)
    call = "sample(path, 100, threads=1).to_arrow()"
    done = run(path, call)
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.startswith("refused: no memory for a part of"), done.stdout
    assert str(path) in done.stdout
    # With memory enough the same call is done.
    assert run(path, call, 1500).stdout == "done\n"
    assert len(fastsample.sample(path, 3)) == 3


def test_rows_that_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table({"text": [f"{i}" + "哈" * 100_000 for i in range(600)]})
    pq.write_table(table, path, row_group_size=20, use_dictionary=False, compression="snappy")
    done = run(path, "sample(path, 599, threads=1).to_arrow()")
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.startswith("refused: no memory for"), done.stdout


def test_what_nobody_asks_for_by_name(tmp_path: Path) -> None:
    # Room for the reserve of a call, and never for the counts of two million groups.
    path = tmp_path / "groups.parquet"
    code = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000_000, pa.int8()), ["a text"])
    table = pa.table({"text": code, "group": range(2_000_000)})
    pq.write_table(table, path, row_group_size=500_000, use_dictionary=["text"])
    done = run(path, "sample(path, 100, by='group', threads=1)")
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.startswith("refused: no memory for the rest of the call"), done.stdout


#: Jobs of each way to read, draw and write, which are quick on small data.
JOBS = (
    "uniform to a table",
    "smart",
    "by",
    "JSON Lines, Zstandard",
    "a stream",
    "read by pyarrow",
    "write Parquet, shuffled on disk",
)


def test_no_job_dies_or_hangs(tmp_path: Path) -> None:
    record = tmp_path / "record"
    sizes = ["--rows", "9000", "--many-rows", "600", "--long-bytes", "60000"]
    rooms = ["--rooms", "1,41,42,44,256,257", "--patience", "30", "--record", str(record)]
    command = [sys.executable, "-m", "tools.memory.ladder", *sizes, *rooms, "--only", *JOBS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    rungs = json.loads(record.with_suffix(".json").read_text("utf-8"))
    for job in JOBS:
        outcomes = {each["room"]: each["outcome"] for each in rungs if each["job"] == job}
        assert outcomes[1] == "ours", outcomes
        assert "done" in outcomes.values(), outcomes
    told = [each["told"] for each in rungs if each["outcome"] == "ours"]
    # A thread takes memory, too.
    words = ("OutOfMemoryError: no memory", "FastSampleError: no thread could be started")
    assert all(each.startswith(words) for each in told), told
