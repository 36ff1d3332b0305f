"""Reads that fail, are interrupted or come short, and limits of the system: each by its name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="needs LD_PRELOAD and a C compiler",
)

#: Fails, interrupts or shortens the k-th read of files whose name holds FAULT_NAME.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int count;

static int is_ours(int fd) {
    const char *name = getenv("FAULT_NAME");
    char link[64], path[4096];
    if (!name) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, name) != 0;
}

static ssize_t fault(size_t *size) {
    const char *kind = getenv("FAULT_KIND");
    int at = atoi(getenv("FAULT_AT"));
    int now = __sync_fetch_and_add(&count, 1);
    if (!strcmp(kind, "SHORT")) {
        if (*size > 1) *size = *size / 2;
        return 0;
    }
    if (now != at) return 0;
    errno = !strcmp(kind, "EINTR") ? EINTR : EIO;
    return -1;
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset) {
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pread64");
    if (is_ours(fd) && fault(&size) < 0) return -1;
    return real(fd, buffer, size, offset);
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
    return pread64(fd, buffer, size, offset);
}

ssize_t read(int fd, void *buffer, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "read");
    if (is_ours(fd) && fault(&size) < 0) return -1;
    return real(fd, buffer, size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) real = dlsym(RTLD_NEXT, "pthread_create");
    if (getenv("FAULT_THREADS")) return EAGAIN;
    return real(thread, attr, run, arg);
}
"""

#: Reads once with each of the faults, in a child that counts from its own reads on.
READ = """
import json, os, sys, numpy, pyarrow, fastsample
for faults in json.loads(sys.argv[2]):
    if os.fork():
        assert os.wait()[1] == 0
        continue
    os.environ.update(faults)
    try:
        table = fastsample.sample(sys.argv[1], 500, threads=1).to_arrow()
        print("read", sum(table["id"].to_pylist()), table.num_rows, flush=True)
    except fastsample.FastSampleError as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(SHIM)
    library = folder / "shim.so"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(folder / "shim.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


def run(shim: Path, source: Path, *faults: dict[str, str]) -> list[str]:
    """Return what was read with each of the faults."""
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(source), json.dumps(faults)],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-600:]
    assert "panicked" not in done.stderr
    told = done.stdout.splitlines()
    assert len(told) == len(faults)
    return told


def fault(path: Path, kind: str, at: int) -> dict[str, str]:
    return {"FAULT_NAME": path.name, "FAULT_KIND": kind, "FAULT_AT": str(at)}


def write(folder: Path, kind: str) -> Path:
    table = pa.table({"id": range(500), "text": [f"text {i}" * 20 for i in range(500)]})
    path = folder / f"rows.{kind}"
    if kind == "arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=200)
    elif kind == "arrows":
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=200)
    elif kind == "huge":
        # A page of more than 8 MiB, which is inflated bit by bit.
        table = table.set_column(1, "text", [[f"text {i}" * 3000 for i in range(500)]])
        pq.write_table(
            table, path, compression="gzip", use_dictionary=False, data_page_size=1 << 30
        )
    else:
        pq.write_table(table, path, row_group_size=200)
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "arrows", "huge"])
def test_input_output_errors(tmp_path: Path, shim: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    failed = 0
    for at, told in enumerate(run(shim, path, *(fault(path, "EIO", at) for at in range(14)))):
        # What only saves time is done without, and some reads are never made.
        if told == f"read {sum(range(500))} 500":
            continue
        failed += 1
        assert told.startswith("ReadError"), (at, told)
        assert str(path) in told
        assert "Input/output error" in told
    assert failed > 3


@pytest.mark.parametrize("kind", ["parquet", "arrow", "arrows", "huge"])
@pytest.mark.parametrize("event", ["EINTR", "SHORT"])
def test_interrupted_and_short_reads(tmp_path: Path, shim: Path, kind: str, event: str) -> None:
    path = write(tmp_path, kind)
    for told in run(shim, path, *(fault(path, event, at) for at in (0, 1, 2, 5))):
        assert told == f"read {sum(range(500))} 500"


def test_no_threads(tmp_path: Path, shim: Path) -> None:
    (told,) = run(shim, write(tmp_path, "parquet"), {"FAULT_THREADS": "1"})
    assert "no thread could be started" in told
    assert "ulimit" in told
    assert "internal error" not in told


FILES = """
import os, resource, sys, fastsample, pyarrow
path = sys.argv[1]
fastsample.sample(path, 1).to_arrow()
sample = fastsample.sample(path, 500)
taken = []
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
        if len(taken) == 1:
            resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 40,) * 2)
except OSError:
    pass
for call in (lambda: sample.to_arrow(), lambda: fastsample.sample(path, 500)):
    try:
        call()
        print("read")
    except fastsample.FastSampleError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize("kind", ["parquet", "arrow", "huge"])
def test_too_many_open_files(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    command = [sys.executable, "-c", FILES, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-600:]
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for told in lines:
        assert told.startswith("ReadError"), told
        assert "Too many open files" in told
