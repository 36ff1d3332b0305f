"""Stores that fail: what passes is tried again, all else is an error that says what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import fastsample
import pyarrow.parquet as pq
import pytest
from data import pairs
from fastsample import errors
from servers import Fault, Web, web_server

pytestmark = pytest.mark.cloud

#: Obstore tries for three minutes by default, and waits between.
QUICK = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=1),
        "max_backoff": timedelta(milliseconds=5),
        "base": 2,
    },
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "pairs.parquet"
    pq.write_table(pairs(60_000), path, row_group_size=10_000, compression="none")
    return path


@pytest.fixture
def web(path: Path) -> Iterator[Web]:
    with web_server() as server:
        server.files["/pairs.parquet"] = path.read_bytes()
        yield server


def files(web: Web, **client: object) -> fastsample.RemoteFiles:
    options = {"retry_config": QUICK, "client_options": client}
    return fastsample.RemoteFiles(f"{web.url}/pairs.parquet", storage_options=options)


def every_third(fault: str) -> Fault:
    return lambda number, _path, _range: fault if number % 3 == 1 else None


def always(fault: str) -> Fault:
    return lambda _number, _path, wanted: fault if wanted is not None else None


@pytest.mark.parametrize("fault", ["503", "429", "500", "reset", "short"])
def test_what_passes_is_tried_again(path: Path, web: Web, fault: str) -> None:
    web.fault = every_third(fault)
    found = fastsample.sample(files(web), 1000, smart=True).to_arrow()
    assert found.equals(fastsample.sample(path, 1000, smart=True).to_arrow())


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("503", errors.ReadError, "503"),
        ("403", errors.ReadError, "access is denied; check the credentials"),
        ("401", errors.ReadError, "access is denied; check the credentials"),
        ("404", errors.SourceNotFoundError, "no such file; check the URL"),
        ("412", errors.SourceChangedError, "changed or replaced"),
        ("reset", errors.ReadError, "check the network"),
        ("short", errors.ReadError, "cannot read"),
        ("no-ranges", errors.ReadError, "does not send parts of files; download the file"),
    ],
)
def test_what_stays_is_an_error(web: Web, fault: str, error: type[Exception], message: str) -> None:
    drawn = fastsample.sample(files(web), 1000)
    web.fault = always(fault)
    for call in (lambda: fastsample.sample(files(web), 10), drawn.to_arrow):
        with pytest.raises(error, match=message) as raised:
            call()
        assert f"{web.url}/pairs.parquet: " in str(raised.value)
        assert str(raised.value).count(web.url + "/pairs.parquet: ") == 1


def test_another_version_is_noticed_whatever_the_server_says(path: Path, web: Web) -> None:
    for tags in (True, False):
        web.tags = tags
        web.files["/pairs.parquet"] = path.read_bytes()
        drawn = fastsample.sample(files(web), 1000)
        web.files["/pairs.parquet"] = path.read_bytes()[::-1]
        web.fault = always("ignore-if-match")
        if tags:
            with pytest.raises(errors.SourceChangedError, match="changed or replaced"):
                drawn.to_arrow()
        else:  # nothing tells, but the bytes make no sense
            with pytest.raises(errors.FastSampleError):
                drawn.to_arrow()
        web.fault = None


def test_what_web_servers_do_not_have_is_refused(web: Web) -> None:
    for url, message in (
        (f"{web.url}/*.parquet", "does not list its files; name each file"),
        (f"{web.url}/", "does not list its files"),
        (f"{web.url}/pairs.parquet?signature=1", "URLs with a query"),
        (f"{web.url}/other.parquet", "no such file; check the URL"),
    ):
        with pytest.raises(errors.FastSampleError, match=message):
            fastsample.sample(url, 10)


def test_wrong_arguments_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from obstore.store import MemoryStore

    for call, message in (
        (lambda: fastsample.RemoteFiles([]), "the list of locations is empty"),
        (lambda: fastsample.RemoteFiles("data.parquet"), "no URL of a store"),
        (lambda: fastsample.RemoteFiles([Path("x")]), "must be a string"),  # type: ignore[list-item]
        (
            lambda: fastsample.RemoteFiles("x", store=MemoryStore(), storage_options={}),
            "exclude each other",
        ),
        (
            lambda: fastsample.sample(fastsample.RemoteFiles("x", store=object()), 1),
            "pass a store of obstore",
        ),
        (
            lambda: fastsample.sample(
                fastsample.RemoteFiles("s3://b/x", storage_options={"colour": "red"}), 1
            ),
            "storage_options: .*colour",
        ),
        (lambda: fastsample.sample(["s3://b/x", tmp_path / "x"], 1), "holds URLs and paths"),
        (lambda: fastsample.sample("s3:///x", 1), "names no bucket"),
        (lambda: fastsample.sample("ftp://b/x", 1), "address"),
    ):
        with pytest.raises(errors.FastSampleError, match=message):
            call()
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(errors.MissingDependencyError, match=r"pip install 'fastsample\[cloud\]'"):
        fastsample.sample("s3://b/x", 1)


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    options = {
        # Where a machine of Amazon would be asked.
        "metadata_endpoint": "http://127.0.0.1:1",
        "client_options": {"allow_http": True},
        "retry_config": {**QUICK, "max_retries": 0},
        "region": "us-east-1",
    }
    closed = fastsample.RemoteFiles("s3://bucket/x.parquet", storage_options=options)
    with pytest.raises(errors.ReadError, match=r"no credentials.*AWS_ACCESS_KEY_ID"):
        fastsample.sample(closed, 1)


def test_a_forked_child_is_told_so(web: Web) -> None:
    drawn = fastsample.sample(files(web), 1000)
    cached = drawn.cache().path
    for call, expected in (
        (lambda: fastsample.sample(files(web), 10), "forked"),
        (lambda: drawn.to_arrow(), "forked"),
        (lambda: fastsample.Dataset(cached).to_arrow().num_rows, "1000"),
    ):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                said = str(call())
            except BaseException as error:
                said = f"{type(error).__name__}: {error}"
            os.write(writing, said.encode()[:4000])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            said = pipe.read()
        assert os.waitpid(child, 0)[1] == 0, "it hung"
        assert expected in said, said


SCRIPT = """
import sys, fastsample
drawn = fastsample.sample(sys.argv[1], 1000, threads=2)
print("drawn", flush=True)
{}
"""


@pytest.mark.parametrize(
    ("code", "sent", "expected"),
    [
        ("drawn.to_arrow()", signal.SIGINT, -signal.SIGINT),
        ("drawn.to_arrow()", signal.SIGTERM, -signal.SIGTERM),
        # The process ends while threads wait for the server.
        ("drawn.__arrow_c_stream__()", None, 0),
    ],
)
def test_a_server_that_hangs_stops_nobody(
    web: Web, code: str, sent: signal.Signals | None, expected: int
) -> None:
    script = SCRIPT.format(code)
    # Opening takes three requests.
    web.fault = lambda number, _path, _range: "stall" if number > 2 else None
    command = [sys.executable, "-c", script, f"{web.url}/pairs.parquet"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "drawn\n"
        if sent is not None:
            time.sleep(0.5)
            started = time.monotonic()
            process.send_signal(sent)
        else:
            started = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - started < 5
    assert process.returncode == expected, said
    assert "panicked" not in said
    assert "Fatal" not in said
