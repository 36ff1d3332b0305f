"""Run one command as a fresh process and measure its time and memory.

``resource.getrusage(RUSAGE_CHILDREN)`` adds up all children and keeps the largest peak among them;
``os.wait4`` gives the figures of the one that ended (and of those that it waited for itself).

Two things to know about the peak: pages of a mapped file count as resident while they are mapped,
and a child starts with the peak of the process that started it. So the runner stays small: it
imports nothing but the standard library, and leaves the reading of Parquet to children.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
_COUNT: Final = """
import sys, pyarrow.dataset
print(f"rows={pyarrow.dataset.dataset(sys.argv[1]).count_rows()}")
"""


@dataclass(frozen=True)
class Run:
    """What one process cost.

    ``error`` is None after a run that ended well, otherwise one line that says why it did not.
    ``rows`` is the number that the process printed as ``rows=...`` last, None if it did not.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    rows: int | None
    output: str
    error: str | None


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _reason(code: int, timed_out: bool, timeout: float, stderr: str) -> str | None:
    """Return in a line why a process failed, or None if it did not."""
    if timed_out:
        return f"timed out after {timeout:g} s"
    if code == 0:
        return None
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if code < 0:
        name = signal.Signals(-code).name
        return f"killed by {name}" + (f": {lines[-1]}" if lines else "")
    return lines[-1] if lines else f"exit code {code}, nothing on stderr"


def run(command: Sequence[str], *, cwd: Path, timeout: float) -> Run:
    """Run ``command`` in ``cwd``; kill it and its children after ``timeout`` seconds."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        begin = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        late = threading.Event()

        def kill() -> None:
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, kill)
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            kill()
            child.wait()
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        output = _text(stdout)
        error = _reason(child.returncode, late.is_set(), timeout, _text(stderr))
    printed = re.findall(r"^rows=(\d+)$", output, re.MULTILINE)
    return Run(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * _RSS_UNIT,
        rows=int(printed[-1]) if printed else None,
        output=output,
        error=error,
    )


def count_rows(path: Path) -> int | None:
    """Return the number of rows of a Parquet file, read by a child; None if it cannot be read."""
    command = [sys.executable, "-c", _COUNT, str(path)]
    return run(command, cwd=path.parent, timeout=60.0).rows


def warm(path: Path) -> int:
    """Read a file, or every file of a folder, into the page cache; return the bytes read."""
    buffer = bytearray(8 << 20)
    total = 0
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb", buffering=0) as stream:
                while size := stream.readinto(buffer):
                    total += size
    return total
