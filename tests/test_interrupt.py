"""Ctrl-C, SIGTERM and SIGHUP stop any long call within half a second, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

#: The contract says half a second. The rest is for a machine that is busy with other tests, and
#: for the interpreter to shut down.
SLACK_SECONDS = 1.5

ROWS = 3000


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of files that take many seconds to read: each is there a thousand times."""
    folder = tmp_path_factory.mktemp("slow")
    noise = [os.urandom(1500).hex() for _ in range(ROWS)]
    table = pa.table({"id": range(ROWS), "kind": [i % 3 for i in range(ROWS)], "text": noise})
    pq.write_table(table, folder / "0.parquet", compression="gzip", use_dictionary=False)
    for link in range(1, 400):
        (folder / f"{link}.parquet").hardlink_to(folder / "0.parquet")
    return folder


#: Names are asked for first. An interrupt within their import would come within the `exec` of a
#: dataclass, and CPython then ends by the signal, even if the program catches the exception.
PRELUDE = """
import sys, time, fastsample, pyarrow as pa
for name in fastsample.__all__:
    getattr(fastsample, name)
source, output = sys.argv[1:]
def ready():
    print("ready", flush=True)
def end():
    print("interrupted", flush=True)
"""

DRAWN = """
drawn = fastsample.sample(source, 600_000)
ready()
"""

LONG_CALLS = {
    "to_arrow": DRAWN + "drawn.to_arrow()",
    # The consumer gets a message, and raises an error of its own, which programs catch and try
    # again. The interrupt follows as soon as Python code runs.
    "arrow stream": DRAWN
    + "while True:\n    try:\n        pa.table(drawn)\n    except OSError:\n        pass",
    "arrow stream, by hand": DRAWN
    + "reader = pa.RecordBatchReader.from_stream(drawn)\n"
    + "while True:\n    try:\n        reader.read_next_batch()\n    except OSError as error:\n"
    + "        assert 'stopped by a signal' in str(error)",
    "inspect": "ready(); fastsample.inspect(source)",
    "compare": "ready(); fastsample.compare(source, source)",
    "compare, one thread": "ready(); fastsample.compare(source, source, threads=1)",
    "compare, by value": "ready(); fastsample.compare(source, source, by='kind')",
    "smart": "ready(); fastsample.sample(source, 1000, smart=True)",
    "score": "ready(); fastsample.score(source)",
    "features": "ready(); fastsample.score(source, features=output + '.kept')",
    "entropy": "ready(); fastsample.sample(source, 1000, smart='entropy')",
    "plan": "ready(); fastsample.plan(source, seconds_per_step=1, batch_size=8, lengths=True)",
    "write": DRAWN + "drawn.write_parquet(output)",
    "write slowly": DRAWN + "drawn.write_parquet(output, compression_level=19)",
    "write shards": DRAWN + "drawn.write_parquet(output, shards=5)",
    "write ipc": DRAWN + "drawn.write_ipc(output)",
    "shuffle": DRAWN + "drawn.write_parquet(output, shuffle=True, memory_limit=2**24)",
    "one thread": "drawn = fastsample.sample(source, 600_000, threads=1); ready()\n"
    "drawn.write_parquet(output)",
    "with progress": DRAWN + "drawn.write_parquet(output, progress=lambda *_: None)",
    "draw": """
nulls = pa.Array.from_buffers(pa.null(), 2**33, [None])
ready()
fastsample.sample(pa.table({"i": nulls}), 2**31)
""",
    "blocking stream": """
def batches():
    ready()
    time.sleep(60)
    yield pa.record_batch({"i": [1]})
fastsample.sample(pa.RecordBatchReader.from_batches(pa.schema({"i": pa.int64()}), batches()), 1)
""",
    "endless stream": """
def batches():
    batch = pa.record_batch({"i": list(range(1000))})
    ready()
    while True:
        yield batch
fastsample.sample(pa.RecordBatchReader.from_batches(pa.schema({"i": pa.int64()}), batches()), 9)
""",
}


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def stop(child: subprocess.Popen[str], number: int) -> float:
    """Send a signal; return the seconds until the child was gone."""
    started = time.monotonic()
    child.send_signal(number)
    try:
        child.wait(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        pytest.fail("the signal was ignored")
    return time.monotonic() - started


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    """Yield the path of an output; afterwards there must be nothing but the old file."""
    path = tmp_path / "out.parquet"
    path.write_bytes(b"old")
    yield path
    assert listing(tmp_path) == [path]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("delay", [0.05, 0.7])
@pytest.mark.parametrize("name", LONG_CALLS)
def test_ctrl_c(slow: Path, output: Path, name: str, delay: float) -> None:
    lines = LONG_CALLS[name].splitlines()
    body = "\n".join(f"    {line}" for line in lines)
    code = (
        f"{PRELUDE}\ntry:\n{body}\nexcept KeyboardInterrupt:\n"
        f"    end()\nelse:\n    print('too quick to be interrupted')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(slow), str(output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(delay)
    seconds = stop(child, signal.SIGINT)
    out, err = child.communicate()
    assert out == "interrupted\n", err
    assert err == ""
    assert child.returncode == 0
    assert seconds < SLACK_SECONDS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("options", [[], ["--shuffle", "--shards", "3"]], ids=["plain", "shuffled"])
def test_command_line(slow: Path, output: Path, number: int, options: list[str]) -> None:
    command = [sys.executable, "-m", "fastsample", "sample", "--num_samples", "600000"]
    command += ["--input", str(slow), "--output", str(output), *options]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_scratch(child, output.parent)
    seconds = stop(child, number)
    out, err = child.communicate()
    assert child.returncode == 128 + number
    assert out == ""
    assert "Traceback" not in err
    assert "panicked" not in err
    if number == signal.SIGINT:
        assert "interrupted" in err
    assert seconds < SLACK_SECONDS


def test_hang_up_that_is_ignored(slow: Path, tmp_path: Path) -> None:
    """A run under `nohup` goes on."""
    command = ["nohup", sys.executable, "-m", "fastsample", "sample", "--num_samples", "1000"]
    command += ["--input", str(slow / "0.parquet"), "--output", str(tmp_path / "out.parquet")]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    time.sleep(0.3)
    child.send_signal(signal.SIGHUP)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("arguments", [["inspect", "{}"], ["compare", "{}", "{}", "--html", "a"]])
def test_command_line_while_it_looks(slow: Path, tmp_path: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "fastsample", *(each.format(slow) for each in arguments)]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    time.sleep(1.5)
    seconds = stop(child, signal.SIGINT)
    out, err = child.communicate()
    assert child.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert seconds < SLACK_SECONDS
    assert listing(tmp_path) == []


@pytest.mark.parametrize("name", ["inspect", "compare"])
def test_progress_is_reported_and_can_stop_the_call(slow: Path, name: str) -> None:
    """The callback gets rows done and rows in all; what it raises ends the call."""
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if done > 3 * ROWS:
            raise InterruptedError("enough")

    sources = [slow] * (2 if name == "compare" else 1)
    started = time.monotonic()
    with pytest.raises(InterruptedError, match="enough"):
        getattr(fastsample, name)(*sources, progress=progress)
    assert time.monotonic() - started < 20
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1][1] == 400 * ROWS
    assert seen[-1][0] < 400 * ROWS


def wait_for_scratch(child: subprocess.Popen[str], folder: Path) -> None:
    """Wait until a process writes to a file in a folder, be it one without a name."""
    deadline = time.monotonic() + 30
    while not is_writing(child.pid, folder):
        assert time.monotonic() < deadline, "writing never began"
        assert child.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)


def is_writing(process: int, folder: Path) -> bool:
    if not Path("/proc/self/fd").is_dir():
        return len(listing(folder)) > 1
    for handle in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            if str(handle.readlink()).startswith(f"{folder}/"):
                return True
    return False


def test_killed_while_writing(tmp_path: Path, slow: Path) -> None:
    """A kill leaves the old file whole, and nothing else where files can be without a name."""
    path = tmp_path / "out.parquet"
    path.write_bytes(b"old")
    code = PRELUDE + DRAWN + "drawn.write_parquet(output)"
    command = [sys.executable, "-c", code, str(slow), str(path)]
    child = subprocess.Popen(command, text=True)
    wait_for_scratch(child, tmp_path)
    stop(child, signal.SIGKILL)
    assert path.read_bytes() == b"old"
    if sys.platform == "linux":
        assert listing(tmp_path) == [path]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("options", ["", ", shuffle=True, memory_limit=2**24", ", shards=3"])
def test_signal_in_a_script(tmp_path: Path, slow: Path, number: int, options: str) -> None:
    """A script that handles no signals dies of them, and leaves nothing."""
    path = tmp_path / "out.parquet"
    path.write_bytes(b"old")
    code = f"{PRELUDE}{DRAWN}drawn.write_parquet(output{options})"
    command = [sys.executable, "-c", code, str(slow), str(path)]
    child = subprocess.Popen(command, text=True)
    wait_for_scratch(child, tmp_path)
    stop(child, number)
    assert child.returncode == -number
    assert path.read_bytes() == b"old"
    if sys.platform == "linux":
        assert listing(tmp_path) == [path]
