"""Files of many writers, sound, broken and mutated: rows or a clear error."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from fastsample import errors

#: Sound files (pyarrow reads most of them) that are refused, and the words that say why. Every
#: entry is explained in docs/unsupported.md.
UNSUPPORTED = {
    "dict-page-offset-zero.parquet": errors.CorruptDataError,
    "repeated_no_annotation.parquet": errors.UnsupportedDataError,
}

#: Two rows with a GiB of text each inside a map: they can't be in one batch.
HUGE = "large_string_map.brotli.parquet"

#: Damaged files among the sound ones: their pages don't match their checksums.
BAD_CHECKSUM = {
    "datapage_v1-corrupt-checksum.parquet",
    "rle-dict-uncompressed-corrupt-checksum.parquet",
}

#: Broken in a way that pyarrow bears as well: an index of zero bits into a dictionary of one value.
READABLE = {"ARROW-GH-43605.parquet"}

#: A map whose keys are optional, which the format forbids; pyarrow refuses it, we needn't.
ONLY_OURS = {"incorrect_map_schema.parquet"}

#: Rows with a time that 64 bits of nanoseconds can't hold: every reader makes up another one.
OUT_OF_RANGE = {"int96_from_spark.parquet": [5]}


@pytest.fixture
def files(shared: Path) -> Path:
    return shared / "data" / "parquet-testing"


def listing(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if ".parquet" in path.name[1:])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each file."""
    root = Path(__file__).parents[2] / "shared" / "data" / "parquet-testing"
    for argument, folder in (("sound", "data"), ("bad", "bad_data")):
        if argument in metafunc.fixturenames:
            found = [path for path in listing(root / folder) if path.suffix != ".json"]
            found = [path for path in found if path.name != HUGE]
            names = [str(path.relative_to(root / folder)) for path in found]
            metafunc.parametrize(argument, names)


def read_all(path: Path) -> pa.Table:
    rows = fastsample.inspect(path, lengths=False).rows
    return fastsample.sample(path, rows).to_arrow()


def rows_of(table: pa.Table) -> list[str]:
    """Return rows as text, in which a NaN equals itself and -0.0 differs from 0.0."""
    return [repr(row) for row in table.to_pylist()]


@pytest.mark.shared
def test_sound_file(files: Path, sound: str) -> None:
    path = files / "data" / sound
    name = path.name
    if ".encrypted" in name:
        with pytest.raises(errors.UnsupportedDataError, match="encrypted") as caught:
            read_all(path)
        assert str(path) in str(caught.value)
    elif name in UNSUPPORTED:
        with pytest.raises(UNSUPPORTED[name], match=r"(re)?write the file") as refused:
            read_all(path)
        assert str(path) in str(refused.value)
    elif name in BAD_CHECKSUM:
        with pytest.raises(errors.CorruptDataError, match="checksum") as mismatch:
            read_all(path)
        assert str(path) in str(mismatch.value)
    elif name in ONLY_OURS:
        assert read_all(path).num_rows == 1
    else:
        assert_same_rows(path)


def assert_same_rows(path: Path) -> None:
    expected = pq.ParquetFile(path).read()
    if expected.num_rows == 0:
        with pytest.raises(errors.ArgumentError, match="0 rows"):
            fastsample.sample(path, 1)
        return
    found = read_all(path)
    found.validate(full=True)
    assert found.schema.equals(expected.schema)
    kept = [i for i in range(found.num_rows) if i not in OUT_OF_RANGE.get(path.name, ())]
    found, expected = found.take(kept), expected.take(kept)
    # Tables with a NaN are never equal; others may hold dates that Python has no words for.
    assert found.equals(expected) or rows_of(found) == rows_of(expected)


@pytest.mark.shared
def test_bad_file(files: Path, bad: str) -> None:
    path = files / "bad_data" / bad
    if bad in READABLE:
        assert_same_rows(path)
        return
    with pytest.raises(errors.CorruptDataError) as caught:
        read_all(path)
    assert str(path) in str(caught.value)


@pytest.mark.shared
@pytest.mark.slow
def test_huge_nested_text(files: Path) -> None:
    """Read the rows, or say that it is not supported, but don't call a sound file damaged."""
    code = """
import sys, fastsample
try:
    print(fastsample.sample(sys.argv[1], 2).to_arrow().num_rows)
except fastsample.UnsupportedDataError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(files / "data" / HUGE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-600:]
    assert done.stdout == "2\n" or HUGE in done.stdout


def test_every_exception_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "unsupported.md").read_text()
    for name in [*UNSUPPORTED, HUGE]:
        assert name in page


ROWS = 120


def texts() -> pa.Table:
    """Make rows of several types, nested ones among them, always the same."""
    rng = random.Random(1)
    words = ["the", "人", "好", "a", "bb", "ccc", ""]
    text = ["".join(rng.choices(words, k=rng.randrange(12))) for _ in range(ROWS)]
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "text": [value if i % 7 else None for i, value in enumerate(text)],
            "list": [[str(j) for j in range(i % 4)] if i % 5 else None for i in range(ROWS)],
            "struct": [{"a": i, "b": "x" * (i % 9)} for i in range(ROWS)],
            "word": pa.array(words * 20)[:ROWS].dictionary_encode(),
        }
    )


def parquet(**options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(texts(), sink, **options)
    return sink.getvalue()


def ipc(stream: bool, codec: str | None) -> bytes:
    sink, table = io.BytesIO(), texts()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, max_chunksize=50)
    return sink.getvalue()


FORMATS = {
    "parquet": lambda: parquet(row_group_size=50),
    "parquet-plain": lambda: parquet(compression="none", use_dictionary=False, store_schema=False),
    "parquet-v2": lambda: parquet(
        compression="zstd", data_page_version="2.0", data_page_size=64, write_page_index=True
    ),
    "arrow": lambda: ipc(False, None),
    "arrow-lz4": lambda: ipc(False, "lz4"),
    "stream": lambda: ipc(True, None),
    "stream-zstd": lambda: ipc(True, "zstd"),
}

#: Runs in a process of its own, which may crash, hang, or want more memory than it may have. It
#: prints what it is about to do, so that the last line names the culprit.
FUZZ = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
import fastsample
import test_parquet_testing as cases
name, folder = sys.argv[1:]
for seed, data in enumerate(cases.mutations(cases.FORMATS[name](), 300)):
    path = cases.Path(folder) / f"{seed}.data"
    path.write_bytes(data)
    print(f"mutation {seed}", flush=True)
    started = time.monotonic()
    try:
        rows = fastsample.inspect(path, lengths=False, threads=2).rows
        if rows:
            n = min(rows, cases.ROWS)
            table = fastsample.sample(path, n, threads=2).to_arrow()
            table.validate(full=True)
            assert table.num_rows == n
    except fastsample.FastSampleError as error:
        assert str(path) in str(error), error
        assert "internal error" not in str(error), error
    assert time.monotonic() - started < 5, "too slow"
    path.unlink()
print("done")
"""


def mutations(sound: bytes, count: int) -> list[bytes]:
    """Damage some bytes, with a liking for the end, where the footer is; sometimes cut it off."""
    found = []
    for seed in range(count):
        rng = random.Random(seed)
        data = bytearray(sound)
        for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
            first = max(0, len(data) - 1500) if rng.random() < 0.4 else 0
            place = rng.randrange(first, len(data))
            flipped = data[place] ^ (1 << rng.randrange(8))
            data[place] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256), flipped))
        if rng.random() < 0.15:
            del data[rng.randrange(len(data)) :]
        found.append(bytes(data))
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_mutations(tmp_path: Path, name: str) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", FUZZ, name, str(tmp_path)],
            capture_output=True,
            cwd=Path(__file__).parent,
            text=True,
            timeout=30,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        last = (expired.stdout or b"").decode().splitlines()[-1:]
        pytest.fail(f"no end: {last}, see {tmp_path}")
    end = done.stdout.splitlines()[-1]
    assert end == "done", f"{end}, see {tmp_path}: {done.stderr[-600:]}"
    assert "panicked" not in done.stderr


def claim(rows: int) -> bytes:
    """Write a Parquet file of 12,345 nulls whose footer claims another number of rows."""
    sink, true = io.BytesIO(), 12_345
    table = pa.table({"id": pa.nulls(true, pa.int64())})
    pq.write_table(table, sink, store_schema=False, write_statistics=False)
    data = sink.getvalue()
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    assert data[start:-8].count(zigzag(true)) >= 3
    footer = data[start:-8].replace(zigzag(true), zigzag(rows))
    return data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def zigzag(number: int) -> bytes:
    number, out = number << 1, bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


CLAIM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
import fastsample
try:
    fastsample.sample(sys.argv[1], 5).to_arrow()
except fastsample.CorruptDataError as error:
    print(error)
"""


@pytest.mark.parametrize("rows", [0, 12_346, 10**7, 10**10, 10**12, 2**62])
def test_footer_that_claims_rows(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(claim(rows))
    if rows == 0:
        with pytest.raises(errors.ArgumentError, match="0 rows"):
            fastsample.sample(path, 5)
        return
    if rows == 12_346:
        with pytest.raises(errors.CorruptDataError):
            fastsample.sample(path, rows).to_arrow()
        return
    try:
        done = subprocess.run(
            [sys.executable, "-c", CLAIM, str(path)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.fail("no end")
    assert done.returncode == 0, done.stderr[-600:]
    assert str(path) in done.stdout
