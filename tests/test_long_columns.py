"""A text column of more than 2 GiB: offsets of 32 bits would overflow.

The texts are zeros, and the file has holes in their place, so that it takes no room on the disk.
"""

import os
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pytest
from data import run_fresh

psutil = pytest.importorskip("psutil")

MIB = 1 << 20
ROWS = 2200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("FASTSAMPLE_REQUIRE_SHARED") != "1"
        and psutil.virtual_memory().available < 4 << 30,
        reason="less than 4 GiB of memory",
    ),
]


class WithHoles:
    """A file in which long runs of zeros become holes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.closed = False

    def write(self, data: pa.Buffer) -> int:
        """Write, or leave a hole."""
        view = memoryview(data)
        if len(view) >= MIB:
            return self._file.seek(len(view), os.SEEK_CUR) and len(view)
        return self._file.write(view)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def flush(self) -> None:
        """Write what is waiting."""
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        if not self.closed:
            self._file.truncate()
            self._file.close()
        self.closed = True


def write(path: Path, kind: pa.DataType, batches: int) -> Path:
    """Write ROWS rows of 1 MiB of text in `batches` batches, then a short one."""
    each = ROWS // batches
    schema = pa.schema([("id", pa.int64()), ("text", kind)])
    offsets = pa.array([i * MIB for i in range(each + 1)], pa.int64())
    if kind == pa.string():
        offsets = offsets.cast(pa.int32())
    zeros = pa.py_buffer(bytearray(each * MIB))  # Untouched pages take no memory.
    text = pa.Array.from_buffers(kind, each, [None, offsets.buffers()[1], zeros])
    with (
        pa.PythonFile(WithHoles(path), mode="w") as sink,
        pa.ipc.new_stream(sink, schema) as writer,
    ):
        for batch in range(batches):
            ids = pa.array(range(batch * each, (batch + 1) * each), pa.int64())
            writer.write_batch(pa.record_batch([ids, text], schema=schema))
        last = [pa.array([ROWS], pa.int64()), pa.array(["完"], kind)]
        writer.write_batch(pa.record_batch(last, schema=schema))
    return path


SLICE = """
import sys, fastsample
import pyarrow as pa
table = fastsample.Dataset(sys.argv[1]).to_arrow()
binary = pa.table({"id": table["id"], "text": table["text"].cast(pa.binary())})
with pa.OSFile(sys.argv[2], "wb") as file, pa.ipc.new_stream(file, binary.schema) as writer:
    writer.write_table(binary)
del table, binary
for rows in (
    fastsample.sample(sys.argv[1], 2201)[:],
    fastsample.Dataset(sys.argv[2])[:],
):
    assert [row["id"] for row in rows] == list(range(2201))
    assert sum(len(row["text"]) for row in rows[:-1]) == 2200 << 20
    assert len(rows[-1]["text"]) in (1, 3)
    del rows
"""


@pytest.mark.skipif(psutil.virtual_memory().available < 12 << 30, reason="less than 12 GiB")
def test_a_slice_beyond_two_gibibytes(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.arrow", pa.string(), 2)
    run_fresh(SLICE, path, tmp_path / "binary.arrow")


READ = """
import sys, fastsample
rows = fastsample.Dataset(sys.argv[1])
last = len(rows) - 1
batch = rows.__getitems__([last, last - 1, 0, last - 1])
assert [row["id"] for row in batch] == [last, last - 1, 0, last - 1]
assert batch[0]["text"] == rows[-1]["text"] == "完"
assert batch[1]["text"] == batch[2]["text"] == chr(0) * (1 << 20)
print(peak())
"""


@pytest.mark.parametrize(("kind", "batches"), [(pa.large_string(), 1), (pa.string(), 2)])
def test_rows_beyond_two_gibibytes(kind: pa.DataType, batches: int, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.arrow", kind, batches)
    assert path.stat().st_size > 2 << 30
    assert path.stat().st_blocks * 512 < 64 * MIB
    (peak,) = run_fresh(READ, path)
    assert peak < 300 * MIB
    rows = fastsample.Dataset(path)
    assert rows.lengths().tolist() == [MIB] * ROWS + [1]
    dataset = rows.to_hf()
    assert dataset[-1] == {"id": ROWS, "text": "完", "length": 1}
    assert dataset[ROWS - 1]["text"] == "\0" * MIB
    drawn: Any = fastsample.sample(rows.to_arrow(), 3, seed=1)
    assert [row["id"] for row in drawn] == drawn.row_ids.tolist()
