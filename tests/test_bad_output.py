"""Output appears whole or not at all, never over an input, and failures leave no debris."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from fastsample import errors

ROWS = 5000

WRITERS = ["write_parquet", "write_ipc"]


def texts() -> pa.Table:
    return pa.table({"id": range(ROWS), "text": [f"{i} 问题" * 20 for i in range(ROWS)]})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.parquet"
    pq.write_table(texts(), path, row_group_size=1000)
    return path


def contents(folder: Path) -> dict[Path, object]:
    """Everything below a folder: names, and the bytes of files."""
    found = sorted(folder.rglob("*"))
    return {path: path.read_bytes() if path.is_file() else path.is_dir() for path in found}


def refused(folder: Path, write: Callable[[], object], *words: str) -> str:
    """Assert that `write` fails as it should and that nothing in `folder` has changed."""
    before = contents(folder)
    with pytest.raises(errors.OutputError) as caught:
        write()
    assert isinstance(caught.value, OSError)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert contents(folder) == before
    return message


def write(drawn: fastsample.Sample, writer: str, path: Any, **options: Any) -> object:
    return getattr(drawn, writer)(path, **options)


@pytest.mark.parametrize("writer", WRITERS)
def test_folder_is_missing(tmp_path: Path, source: Path, writer: str) -> None:
    drawn = fastsample.sample(source, 10)
    path = tmp_path / "nope" / "out.parquet"
    message = refused(tmp_path, lambda: write(drawn, writer, path), str(path))
    assert "create" in message


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("shards", [1, 3])
def test_output_is_a_folder(tmp_path: Path, source: Path, writer: str, shards: int) -> None:
    drawn = fastsample.sample(source, 10)
    path = tmp_path / "out.parquet"
    (tmp_path / ("out.parquet" if shards == 1 else "out-00001-of-00003.parquet")).mkdir()
    message = refused(tmp_path, lambda: write(drawn, writer, path, shards=shards), "folder")
    assert "name a file" in message


@pytest.mark.parametrize("writer", WRITERS)
def test_output_is_no_regular_file(tmp_path: Path, source: Path, writer: str) -> None:
    """A pipe or a device (say /dev/null, by root) must not be replaced by a file."""
    drawn = fastsample.sample(source, 10)
    path = tmp_path / "out.parquet"
    os.mkfifo(path)
    refused(tmp_path, lambda: write(drawn, writer, path), str(path))
    assert path.is_fifo()


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_takes_the_place_of_the_folder(tmp_path: Path, source: Path, writer: str) -> None:
    drawn = fastsample.sample(source, 10)
    refused(tmp_path, lambda: write(drawn, writer, source / "out.parquet"), str(source))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("path", ["", ".", "..", "/"])
def test_path_without_a_name(tmp_path: Path, source: Path, writer: str, path: str) -> None:
    drawn = fastsample.sample(source, 10)
    refused(tmp_path, lambda: write(drawn, writer, path))


@pytest.mark.parametrize("writer", WRITERS)
def test_nul_in_path(tmp_path: Path, source: Path, writer: str) -> None:
    drawn = fastsample.sample(source, 10)
    refused(tmp_path, lambda: write(drawn, writer, f"{tmp_path}/a\0b.parquet"))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_folder_that_takes_no_files(source: Path, writer: str, folder: str) -> None:
    # Refuses even root, as a folder without write permission refuses others.
    if not Path(folder).is_dir():
        pytest.skip(f"no {folder} here")
    drawn = fastsample.sample(source, 10)
    path = f"{folder}/out.parquet"
    message = refused(source.parent, lambda: write(drawn, writer, path), path)
    # The temporary file is no business of the user.
    assert ".tmp" not in message


@pytest.mark.parametrize("writer", WRITERS)
def test_read_only_folder(tmp_path: Path, source: Path, writer: str) -> None:
    drawn = fastsample.sample(source, 10)
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):
        if subprocess.run(["chattr", "+i", folder], check=False, capture_output=True).returncode:
            pytest.skip("this user may write everywhere, and the folder can't be locked")
        unlock = ["chattr", "-i", str(folder)]
    else:
        unlock = ["chmod", "755", str(folder)]
    try:
        path = folder / "out.parquet"
        message = refused(tmp_path, lambda: write(drawn, writer, path), str(path))
        assert re.search("[Pp]ermi", message)
    finally:
        subprocess.run(unlock, check=True)


def same(source: Path) -> Path:
    return source


def symlink(source: Path) -> Path:
    path = source.with_name("link.parquet")
    path.symlink_to(source)
    return path


def symlink_of_symlink(source: Path) -> Path:
    path = source.with_name("second.parquet")
    path.symlink_to(symlink(source).name)
    return path


def hard_link(source: Path) -> Path:
    path = source.with_name("hard.parquet")
    path.hardlink_to(source)
    return path


def relative(source: Path) -> Path:
    return Path(os.path.relpath(source))


def dotted(source: Path) -> Path:
    (source.parent / "sub").mkdir()
    return source.parent / "sub" / ".." / source.name


def through_folder_link(source: Path) -> Path:
    folder = source.parent.parent / f"{source.parent.name}-link"
    folder.symlink_to(source.parent)
    return folder / source.name


ALIASES = [same, symlink, symlink_of_symlink, hard_link, relative, dotted, through_folder_link]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("alias", ALIASES)
def test_output_is_an_input(
    tmp_path: Path, source: Path, writer: str, alias: Callable[[Path], Path]
) -> None:
    path = alias(source)
    for drawn in (fastsample.sample(source, 10), fastsample.sample(path, 10)):
        for output in (path, source):
            message = refused(tmp_path, partial(write, drawn, writer, output), "input")
            assert "choose another name" in message


@pytest.mark.parametrize("kind", ["list", "folder", "glob"])
def test_output_is_one_of_many_inputs(tmp_path: Path, source: Path, kind: str) -> None:
    others = [source.with_name(f"{name}.parquet") for name in "xyz"]
    for other in others:
        other.write_bytes(source.read_bytes())
    given = {"list": others, "folder": tmp_path, "glob": tmp_path / "*.parquet"}[kind]
    drawn = fastsample.sample(given, 10)
    refused(tmp_path, lambda: drawn.write_parquet(others[1]), "input", str(others[1]))


def test_shard_is_an_input(tmp_path: Path, source: Path) -> None:
    shard = tmp_path / "out-00002-of-00003.parquet"
    source.rename(shard)
    drawn = fastsample.sample(shard, 10)
    refused(tmp_path, lambda: drawn.write_parquet(tmp_path / "out.parquet", shards=3), str(shard))


@pytest.mark.parametrize("shards", [1, 3])
def test_existing_output(tmp_path: Path, source: Path, shards: int) -> None:
    drawn = fastsample.sample(source, 10)
    path = tmp_path / "out.parquet"
    drawn.write_parquet(path, shards=shards)

    def again() -> object:
        return drawn.write_parquet(path, shards=shards, overwrite=False)

    assert "exists" in refused(tmp_path, again)
    drawn.write_parquet(path, shards=shards)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzo"},
        {"compression_level": 99},
        {"compression": "snappy", "compression_level": 1},
        {"row_group_size": 0},
        {"row_group_size": -1},
        {"shards": 0},
        {"shards": -1},
        {"shards": 11},
        {"memory_limit": -1},
    ],
    ids=str,
)
def test_bad_options(tmp_path: Path, source: Path, options: dict[str, Any]) -> None:
    drawn, before = fastsample.sample(source, 10), contents(tmp_path)
    name = next(reversed(options))
    with pytest.raises(errors.ArgumentError, match=name.replace("_", ".")):
        drawn.write_parquet(tmp_path / "out.parquet", **options)
    assert contents(tmp_path) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def noise(folder: Path) -> Path:
    """Write some megabytes that no codec can make smaller."""
    path = folder / "noise.parquet"
    values = [os.urandom(4000) for _ in range(2000)]
    pq.write_table(pa.table({"id": range(2000), "noise": values}), path)
    return path


# The scratch files of a shuffle fill the disk as well.
LARGE = [{}, {"shards": 4}, {"shuffle": True}, {"shuffle": True, "memory_limit": 100_000}]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("options", LARGE, ids=str)
def test_disk_full(tmp_path: Path, small_disk: Path, writer: str, options: dict[str, Any]) -> None:
    drawn = fastsample.sample(noise(tmp_path), 2000)
    path = small_disk / "out.parquet"
    message = refused(tmp_path, lambda: write(drawn, writer, path, **options), "out")
    assert "No space left" in message
    path.write_bytes(b"old")
    refused(tmp_path, lambda: write(drawn, writer, path, **options), "No space left")


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("options", LARGE, ids=str)
def test_file_size_limit(tmp_path: Path, writer: str, options: dict[str, Any]) -> None:
    """As on a full disk, a write fails halfway; this needs no permissions."""
    source, output = noise(tmp_path), tmp_path / "out.parquet"
    output.write_bytes(b"old")
    code = f"""
import resource, signal, fastsample
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    fastsample.sample({str(source)!r}, 2000).{writer}({str(output)!r}, **{options})
except fastsample.OutputError as error:
    print(error)
"""
    before = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "File too large" in done.stdout
    assert str(tmp_path / "out") in done.stdout
    assert done.stderr == ""
    assert contents(tmp_path) == before


@pytest.mark.parametrize("writer", WRITERS)
def test_bad_input_leaves_no_output(tmp_path: Path, writer: str) -> None:
    source, output = noise(tmp_path), tmp_path / "out.parquet"
    data = bytearray(source.read_bytes())
    column = pq.read_metadata(source).row_group(0).column(1)
    data[column.data_page_offset : column.data_page_offset + 8] = b"\xff" * 8
    source.write_bytes(data)
    drawn, before = fastsample.sample(source, 2000), contents(tmp_path)
    with pytest.raises(errors.CorruptDataError, match=str(source)):
        write(drawn, writer, output)
    assert contents(tmp_path) == before


def test_progress_callback_that_fails(tmp_path: Path, source: Path) -> None:
    def broken(done: int, total: int) -> None:
        raise RuntimeError("no terminal")

    drawn = fastsample.sample(noise(tmp_path), 2000)
    before = contents(tmp_path)
    try:
        drawn.write_parquet(tmp_path / "out.parquet", progress=broken, compression_level=19)
    except RuntimeError as error:
        assert str(error) == "no terminal"  # noqa: PT017
        assert contents(tmp_path) == before
