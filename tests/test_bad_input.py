"""Bad input gets a clear error: the right class, the file, the column, what to do; no panic."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fastsample
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from data import run_fresh
from fastsample import errors

#: A message must tell the reader what to do, in one of these words.
REMEDY = re.compile(
    r"\b(add|ask|call|cast|check|choose|clean|convert|create|decrypted|draw|fetch|give|join|"
    r"leave|make|must be|name|pass|rename|rewrite|use|write)\b",
    re.IGNORECASE,
)

Build = Callable[[Path], object]


@pytest.fixture(autouse=True)
def _no_panic(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert "panicked" not in capfd.readouterr().err


def refused(folder: Path, call: Callable[[], object], error: type[Exception], *words: str) -> str:
    """Assert that `call` fails as it should and leaves nothing behind; return its message."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(fastsample.FastSampleError) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, error), f"{type(caught.value)}: {message}"
    assert isinstance(caught.value, BUILT_IN[error]), message
    for word in words:
        assert word in message
    assert REMEDY.search(message.replace(str(folder), "")), f"no advice in: {message}"
    assert sorted(folder.rglob("*")) == before
    return message


def read_whole(source: Any, **options: Any) -> pa.Table:
    return fastsample.sample(source, 10, **options).to_arrow()


BUILT_IN: dict[type[Exception], type[Exception]] = {
    errors.ArgumentError: ValueError,
    errors.ColumnError: KeyError,
    errors.CorruptDataError: ValueError,
    errors.SchemaError: TypeError,
    errors.SourceNotFoundError: FileNotFoundError,
    errors.SourceTypeError: TypeError,
    errors.StreamError: OSError,
    errors.UnsupportedDataError: ValueError,
    errors.FastSampleError: Exception,
}


def texts(rows: int = 10) -> pa.Table:
    words = [f"问题 {i} " * (i % 50) for i in range(rows)]
    return pa.table({"id": pa.array(range(rows), pa.int32()), "text": words})


def parquet(table: pa.Table | None = None, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(texts(1000) if table is None else table, sink, **options)
    return sink.getvalue()


def ipc(stream: bool = False, codec: str | None = None) -> bytes:
    sink, table = io.BytesIO(), texts(200)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, max_chunksize=70)
    return sink.getvalue()


def damaged_page(codec: str, **options: Any) -> bytes:
    """Overwrite bytes in the middle of the text column's last data page."""
    data = bytearray(parquet(compression=codec, use_dictionary=False, **options))
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(1)
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 64] = b"\xff" * 64
    return bytes(data)


def flipped_bit() -> bytes:
    """Flip one bit in a page that has a checksum and would be read without complaint else."""
    data = bytearray(parquet(compression="none", use_dictionary=False, write_page_checksum=True))
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    data[column.data_page_offset + column.total_compressed_size - 10] ^= 1
    return bytes(data)


def with_codec(codec: int) -> bytes:
    """Patch the codec's number in the footer: field 4, behind the path of the column."""
    data = bytearray(parquet(compression="snappy"))
    marker = b"\x19\x18\x04text\x15"
    assert data.count(marker) == 1
    data[data.index(marker) + len(marker)] = codec << 1
    return bytes(data)


def encrypted(plaintext_footer: bool) -> bytes:
    import base64

    import pyarrow.parquet.encryption as pe

    class Kms(pe.KmsClient):  # type: ignore[misc]
        def wrap_key(self, key_bytes: bytes, _: str) -> str:
            return base64.b64encode(key_bytes).decode()

        def unwrap_key(self, wrapped_key: str, _: str) -> bytes:
            return base64.b64decode(wrapped_key)

    config = pe.EncryptionConfiguration(
        footer_key="a", column_keys={"b": ["text"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: Kms())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    return parquet(encryption_properties=properties)


GOOD = parquet()
FOOTER = int.from_bytes(GOOD[-8:-4], "little")

FILES: dict[str, tuple[bytes, type[Exception], tuple[str, ...]]] = {
    "empty": (b"", errors.CorruptDataError, ("0 bytes",)),
    "text": (b"prompt,response\n1,2\n", errors.CorruptDataError, ("Parquet",)),
    "start": (b"PARX" + GOOD[4:], errors.CorruptDataError, ()),
    "end": (GOOD[:-4] + b"PARX", errors.CorruptDataError, ()),
    "magic": (b"PAR1", errors.CorruptDataError, ()),
    "twice": (b"PAR1PAR1", errors.CorruptDataError, ()),
    "long-footer": (GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", errors.CorruptDataError, ()),
    "negative-footer": (GOOD[:-8] + b"\xff\xff\xff\xffPAR1", errors.CorruptDataError, ()),
    "footer": (
        GOOD[: -8 - FOOTER] + b"\xff" * FOOTER + GOOD[-8:],
        errors.CorruptDataError,
        (),
    ),
    "snappy": (damaged_page("snappy"), errors.CorruptDataError, ("'text'",)),
    "zstd": (damaged_page("zstd"), errors.CorruptDataError, ("'text'",)),
    "gzip": (damaged_page("gzip"), errors.CorruptDataError, ("'text'",)),
    "lz4": (damaged_page("lz4"), errors.CorruptDataError, ("'text'",)),
    "v2": (damaged_page("zstd", data_page_version="2.0"), errors.CorruptDataError, ("'text'",)),
    "checksum": (flipped_bit(), errors.CorruptDataError, ("'id'", "checksum")),
    "encrypted": (encrypted(False), errors.UnsupportedDataError, ("encrypted",)),
    "plain-footer": (encrypted(True), errors.UnsupportedDataError, ("encrypted",)),
    "lzo": (with_codec(3), errors.UnsupportedDataError, ("LZO", "text")),
    "codec": (with_codec(60), errors.UnsupportedDataError, ("codec",)),
    "feather": (b"FEA1" + bytes(64), errors.UnsupportedDataError, ("Feather", "version 2")),
    "arrow": (ipc()[:-20], errors.CorruptDataError, ("truncated",)),
    "arrow-magic": (b"ARROW1", errors.CorruptDataError, ()),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("threads", [1, None])
def test_bad_file(tmp_path: Path, name: str, threads: int | None) -> None:
    data, error, words = FILES[name]
    path = tmp_path / "data.parquet"
    path.write_bytes(data)
    # Columns are quoted as Rust does it.
    words = tuple(word.replace("'", '"') for word in words)
    refused(tmp_path, lambda: read_whole(path, threads=threads), error, str(path), *words)

    def write() -> None:
        fastsample.sample(path, 10, threads=threads).write_parquet(tmp_path / "out.parquet")

    refused(tmp_path, write, error, str(path), *words)
    good = tmp_path / "a.parquet"
    good.write_bytes(GOOD)
    refused(tmp_path, lambda: read_many([good, path]), error, str(path))


def read_many(paths: list[Path]) -> pa.Table:
    """Read all rows, so that the bad file is read for sure."""
    rows = fastsample.inspect(paths, lengths=False).rows
    return fastsample.sample(paths, rows).to_arrow()


@pytest.mark.parametrize("codec", ["snappy", "none"])
def test_parquet_truncated_anywhere(tmp_path: Path, codec: str) -> None:
    data = parquet(texts(300), compression=codec)
    path = tmp_path / "data.parquet"
    for end in [*range(1, 12), *range(12, len(data) - 1, len(data) // 40), len(data) - 1]:
        path.write_bytes(data[:end])
        refused(tmp_path, lambda: read_whole(path), errors.CorruptDataError, str(path))


@pytest.mark.parametrize("codec", [None, "zstd"])
@pytest.mark.parametrize("stream", [False, True])
def test_arrow_truncated_anywhere(tmp_path: Path, stream: bool, codec: str | None) -> None:
    data = ipc(stream, codec)
    # A stream may end after any message; nothing tells that more was meant to come.
    ends = {0, len(data)}
    if stream:
        source = pa.BufferReader(data)
        for _ in range(4):
            pa.ipc.read_message(source)
            ends.add(source.tell())
    path = tmp_path / "data.arrow"
    for end in [*range(1, 12), *range(12, len(data), 41), *(e + 5 for e in ends), len(data) - 1]:
        if end < len(data) and end not in ends:
            path.write_bytes(data[:end])
            refused(tmp_path, lambda: read_many([path]), errors.CorruptDataError, str(path))


def missing(folder: Path) -> Path:
    return folder / "missing.parquet"


def empty_folder(folder: Path) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / "notes.txt").write_text("no data")
    (folder / "data" / "_hidden.parquet").write_bytes(GOOD)
    return folder / "data"


def folder_like_a_file(folder: Path) -> Path:
    (folder / "x.parquet").mkdir()
    return folder / "x.parquet"


def dangling_link(folder: Path) -> Path:
    (folder / "x.parquet").symlink_to(folder / "gone.parquet")
    return folder / "x.parquet"


def glob(folder: Path) -> Path:
    return folder / "*.parquet"


@pytest.mark.parametrize("build", [missing, empty_folder, folder_like_a_file, dangling_link, glob])
def test_missing_files(tmp_path: Path, build: Callable[[Path], Path]) -> None:
    path = build(tmp_path)
    refused(tmp_path, lambda: read_whole(path), errors.SourceNotFoundError, str(path))
    good = tmp_path.parent / f"{tmp_path.name}.parquet"
    good.write_bytes(GOOD)
    refused(tmp_path, lambda: read_whole([good, path]), errors.SourceNotFoundError, str(path))


def test_folder_that_holds_itself(tmp_path: Path) -> None:
    """A link back up must not make every row appear many times, or the search go on for ever."""
    (tmp_path / "data.parquet").write_bytes(GOOD)
    (tmp_path / "up").symlink_to(tmp_path)
    assert fastsample.sample(tmp_path, 10).report.rows == 1000


@pytest.mark.parametrize("kind", ["fifo", "socket", "fifo in a folder", "device"])
def test_special_file(tmp_path: Path, kind: str) -> None:
    path = source = tmp_path / "x.parquet"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "device":
        source = path = Path("/dev/null")
    else:
        os.mkfifo(path)
        source = tmp_path if "folder" in kind else path
    code = """
import sys, fastsample
try:
    fastsample.sample(sys.argv[1], 1)
except fastsample.FastSampleError as error:
    print(error)
"""
    found = run_python(code, str(source), timeout=10)
    assert found.returncode == 0, found.stderr
    assert str(path) in found.stdout
    assert REMEDY.search(found.stdout), found.stdout


def run_python(code: str, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, which may crash or hang without harm to the tests."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as expired:
        output = [
            (part or b"").decode(errors="replace") for part in (expired.stdout, expired.stderr)
        ]
        pytest.fail(f"no end after {timeout} s: {output}")
    assert "panicked" not in done.stderr
    return done


def test_nul_in_path(tmp_path: Path) -> None:
    refused(tmp_path, lambda: read_whole("a\0b.parquet"), errors.FastSampleError)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(errors.ReadError, match=re.escape(str(path))):
        read_whole(path)


@pytest.mark.parametrize(
    ("n", "error"),
    [
        (0, errors.ArgumentError),
        (-1, errors.ArgumentError),
        (1001, errors.ArgumentError),
        (2**64, errors.ArgumentError),
        (-(2**70), errors.ArgumentError),
        (5.0, errors.SourceTypeError),
        (True, errors.SourceTypeError),
        ("5", errors.SourceTypeError),
        (None, errors.SourceTypeError),
    ],
)
@pytest.mark.parametrize("kind", ["file", "table", "stream"])
def test_bad_n(tmp_path: Path, kind: str, n: Any, error: type[Exception]) -> None:
    table = texts(1000)
    path = tmp_path / "data.parquet"
    path.write_bytes(GOOD)
    sources = {"file": path, "table": table, "stream": table.to_reader()}
    message = refused(tmp_path, lambda: fastsample.sample(sources[kind], n), error, "n is")
    if n == 1001:
        assert "1000" in message


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1"])
def test_bad_seed(seed: Any) -> None:
    with pytest.raises(fastsample.FastSampleError, match="seed is"):
        fastsample.sample(texts(), 1, seed=seed)


def test_zero_rows(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    path.write_bytes(parquet(texts(0)))
    for source in (path, texts(0), texts(0).to_reader()):
        message = refused(tmp_path, partial(read_whole, source), errors.ArgumentError)
        # Asking for none is refused as well, so it is no advice.
        assert "at most 0" not in message


def duplicate_names() -> pa.Table:
    return pa.table([range(20), range(20), range(20)], names=["id", "text", "text"])


def test_duplicate_column_names(tmp_path: Path) -> None:
    path = tmp_path / "twice.parquet"
    path.write_bytes(parquet(duplicate_names()))
    refused(tmp_path, lambda: read_whole(path), errors.ColumnError, str(path), '"text"')
    for source in (duplicate_names(), duplicate_names().to_reader()):
        refused(tmp_path, partial(read_whole, source), errors.ColumnError, '"text"')
    assert read_whole(path, columns=["id"]).column_names == ["id"]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        (["nope"], errors.ColumnError),
        (["text", "text"], errors.ColumnError),
        ([], errors.ColumnError),
        ("text", errors.SourceTypeError),
        ([1], TypeError),
        (5, TypeError),
    ],
)
def test_bad_columns(tmp_path: Path, columns: Any, error: type[Exception]) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(GOOD)
    with pytest.raises(error) as caught:
        read_whole(path, columns=columns)
    message = str(caught.value)
    assert isinstance(caught.value, fastsample.FastSampleError), message
    if columns == ["nope"]:
        assert str(path) in message
        assert '"nope"' in message
        assert "id, text" in message


def test_types_that_do_not_fit(tmp_path: Path) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(pa.table({"id": [1, 2], "text": ["a", "b"]}), first)
    pq.write_table(pa.table({"id": [1, 2], "text": [1.5, 2.5]}), second)
    both = str(first), str(second)
    for source in ([first, second], tmp_path, tmp_path / "*.parquet"):
        refused(tmp_path, partial(read_whole, source), errors.SchemaError, '"text"', *both)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, ("NoneType",)),
        (5, ("int",)),
        (object(), ("object",)),
        ({"id": [1, 2]}, ("dict",)),
        ([], ("empty",)),
        ((row for row in range(5)), ("generator",)),
        ([texts(), texts()], ("Table",)),
        (["a.parquet", texts()], ("Table",)),
        ([["a.parquet"]], ("list",)),
        (pl.LazyFrame({"id": [1, 2]}), ("LazyFrame", ".collect()")),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else "",
)
def test_no_source(tmp_path: Path, source: object, words: tuple[str, ...]) -> None:
    refused(tmp_path, lambda: read_whole(source), errors.SourceTypeError, *words)


def failing_stream(good_batches: int) -> pa.RecordBatchReader:
    table = texts(100)

    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(good_batches):
            yield from table.to_batches()
        raise RuntimeError("the cable was pulled")

    return pa.RecordBatchReader.from_batches(table.schema, batches())


@pytest.mark.parametrize("good_batches", [0, 1, 50])
def test_stream_that_fails(tmp_path: Path, good_batches: int) -> None:
    refused(
        tmp_path,
        lambda: read_whole(failing_stream(good_batches)),
        errors.StreamError,
        "the cable was pulled",
        f"{good_batches * 100} rows",
    )


def test_stream_that_was_read_already(tmp_path: Path) -> None:
    reader = texts().to_reader()
    assert read_whole(reader).num_rows == 10
    with pytest.raises(errors.ArgumentError, match="0 rows"):
        read_whole(reader)


def invalid_text(kind: str) -> pa.Array:
    """Ten values, one of which is not UTF-8, under a type that promises that it is."""
    values = [b"good"] * 7 + [b"bad \xff\xfe"] + [b"good"] * 2
    if kind == "large_string":
        return reinterpret(pa.array(values, pa.large_binary()), pa.large_string())
    if kind == "view":
        return reinterpret(pa.array(values, pa.binary_view()), pa.string_view())
    text = reinterpret(pa.array(values, pa.binary()), pa.string())
    if kind == "list":
        return pa.ListArray.from_arrays(list(range(11)), text)
    if kind == "struct":
        return pa.StructArray.from_arrays([text], ["inner"])
    if kind == "map":
        keys = pa.array([str(i) for i in range(10)])
        return pa.MapArray.from_arrays(list(range(11)), keys, text)
    if kind == "dictionary":
        return pa.DictionaryArray.from_arrays(pa.array(range(10), pa.int8()), text)
    return text


def reinterpret(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(array), array.buffers())


@pytest.mark.parametrize("source", ["table", "stream", "parquet", "ipc", "ipc stream"])
@pytest.mark.parametrize(
    "kind", ["string", "large_string", "view", "dictionary", "list", "struct", "map"]
)
def test_invalid_utf8(tmp_path: Path, kind: str, source: str) -> None:
    table = pa.table({"id": pa.array(range(10)), "reply": invalid_text(kind)})
    path = tmp_path / "data"
    words = ['"reply"', "UTF-8"]
    data: object = table
    if source == "stream":
        data = table.to_reader()
    elif source != "table":
        data, words = path, [*words, str(path)]
        if source == "parquet":
            pq.write_table(table, path)
        else:
            new = pa.ipc.new_file if source == "ipc" else pa.ipc.new_stream
            with new(path, table.schema) as writer:
                writer.write_table(table)
    refused(tmp_path, lambda: read_whole(data), errors.CorruptDataError, *words)


def test_value_of_200_megabytes(tmp_path: Path) -> None:
    source, output = tmp_path / "big.parquet", tmp_path / "out.parquet"
    big = "大" * 70_000_000
    table = pa.table({"id": range(20), "text": ["small"] * 10 + [big] + ["small"] * 9})
    pq.write_table(table, source, compression="zstd", use_dictionary=False)
    code = """
import sys, fastsample
fastsample.sample(sys.argv[1], 20).write_parquet(sys.argv[2])
print(peak())
"""
    (peak,) = run_fresh(code, source, output, timeout=60)
    assert pq.read_table(output).equals(table)
    # The value is there compressed, decompressed, copied out, in the dictionary that the encoder
    # tries first, in a page, and compressed again.
    assert peak < 10 * 210_000_000


def test_a_thousand_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    pq.write_table(texts(10_000), path, row_group_size=10)
    assert pq.read_metadata(path).num_row_groups == 1000
    drawn = fastsample.sample(path, 3000)
    ids = drawn.row_ids
    assert drawn.to_arrow().equals(texts(10_000).take(pa.array(ids)))


def test_two_million_rows_in_one_row_group(tmp_path: Path) -> None:
    path, rows = tmp_path / "one.parquet", 2_000_000
    numbers = pa.array(range(rows), pa.int32())
    table = pa.table({"id": numbers, "text": numbers.cast(pa.string())})
    pq.write_table(table, path, row_group_size=rows)
    assert pq.read_metadata(path).num_row_groups == 1
    drawn = fastsample.sample(path, 700_000)
    found = drawn.to_arrow()
    assert found.equals(table.take(pa.array(drawn.row_ids)))
