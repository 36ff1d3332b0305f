"""Threads of ours never outlive the interpreter, and a forked child never waits for them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

STREAM = """
import os, sys, time, threading, signal, fastsample, pyarrow as pa
def batches(seconds):
    while True:
        time.sleep(seconds)
        yield pa.record_batch({"i": list(range(1000))})
def stream(seconds):
    return pa.RecordBatchReader.from_batches(pa.schema({"i": pa.int64()}), batches(seconds))
"""

TABLE = """
import os, sys, threading, fastsample, numpy as np, pyarrow as pa
table = pa.table({f"c{i}": np.arange(3_000_000) for i in range(4)})
drawn = fastsample.sample(table, 2_000_000)
reader = pa.RecordBatchReader.from_stream(drawn)
first = reader.read_next_batch()
"""

#: The child leaves by `sys.exit`, so that everything it has inherited is torn down as usual.
FORK = """
child = os.fork()
if child == 0:
    signal.alarm(20)
    {}
    sys.exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print("child", status, flush=True)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("seconds", [0.3, 0.35, 0.6, 0.75, 30])
def test_exit_after_ctrl_c_while_a_generator_feeds_the_draw(seconds: float) -> None:
    """The generator sleeps, and wakes when the interpreter is being taken down."""
    code = f"""{STREAM}
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    fastsample.sample(stream({seconds}), 9)
except KeyboardInterrupt:
    print("caught", flush=True)
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "caught\n"), done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("call", ["sample(stream(0.01), 9)", "sample(stream(0.2), 9, smart=True)"])
def test_exit_while_a_daemon_thread_draws(call: str) -> None:
    code = f"""{STREAM}
def work():
    try:
        fastsample.{call}
    except KeyboardInterrupt:
        pass
threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
print("end", flush=True)
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
    assert "Fatal" not in done.stderr


def test_exit_while_a_stream_is_read_ahead() -> None:
    done = run(TABLE + "print(first.num_rows > 0, flush=True)\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_a_forked_child_gets_an_error_from_a_stream_of_its_parent() -> None:
    body = """
    try:
        reader.read_all()
    except OSError as error:
        assert "began in another process" in str(error), error
        print("refused", flush=True)
    """
    code = "import signal" + TABLE + FORK.format(body.strip())
    done = run(code + "print(first.num_rows + reader.read_all().num_rows)\n")
    assert done.stdout == "refused\nchild 0\n2000000\n", done.stderr


def test_a_forked_child_draws_and_reads_by_itself() -> None:
    body = """
    print(len(drawn.to_arrow()), len(fastsample.sample(table, 10).to_arrow()), flush=True)
    """
    done = run("import signal" + TABLE + FORK.format(body.strip()))
    assert done.stdout == "2000000 10\nchild 0\n", done.stderr


def test_a_child_forked_while_another_thread_draws() -> None:
    """Whatever a thread of the parent holds at that moment, the child does not wait for it."""
    code = f"""{STREAM}
table = pa.table({{"text": [f"text {{i}}" * 20 for i in range(50_000)]}})
stop = False
def work():
    while not stop:
        fastsample.sample(table, 20_000, smart=True).to_arrow()
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(20):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        assert len(fastsample.sample(table, 10).to_arrow()) == 10
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = True
for thread in threads:
    thread.join()
print("end", flush=True)
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


@pytest.mark.parametrize("attempt", range(3))
def test_children_forked_during_the_first_call_of_another_thread(attempt: int) -> None:
    """What is made once, at the first call, is not left half made in a child.

    The main thread goes on whenever the other lets the GIL go, and forks.
    """
    code = f"""{STREAM}
table = pa.table({{"text": [f"text {{i}}" * 20 for i in range(1_000)]}})
fastsample.sample
def draw():
    return fastsample.sample(table, 9, smart=True, weights=True, threads=1).to_arrow()
sys.setswitchinterval(1000)
thread = threading.Thread(target=draw)
thread.start()
children = []
while thread.is_alive() and len(children) < 40:
    child = os.fork()
    if child == 0:
        signal.alarm(40)
        assert len(draw()) == 9
        os._exit(0)
    children.append(child)
    time.sleep(0)
thread.join()
print({{os.waitpid(child, 0)[1] for child in children}})
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "{0}\n"), done.stderr


#: What a child does that is forked inside of a progress callback, and how it ends.
CHILDREN = {
    "goes on": ("pass", 7),
    "raises": ("raise ValueError('in the child')", 8),
    "exits": ("sys.exit(9)", 9),
    "draws": ("assert len(fastsample.sample(pa.table({'i': [1, 2]}), 2).to_arrow()) == 2", 7),
}

#: Takes a second, so that progress is reported many times however fast the machine.
WRITE = "drawn.write_parquet(out, shards=70, compression_level=19, progress=fork)"


@pytest.mark.parametrize(
    ("does", "call"),
    [(does, WRITE) for does in CHILDREN]
    + [("goes on", "fastsample.sample(slow(), 9, progress=fork)")],
)
def test_a_child_forked_by_a_progress_callback(does: str, call: str, tmp_path: Path) -> None:
    """It gets an error instead of the result, and leaves the files of its parent alone."""
    body, expected = CHILDREN[does]
    code = f"""
import os, signal, sys, time, fastsample, pyarrow as pa
drawn = fastsample.sample(pa.table({{"i": range(500_000)}}), 400_000)
def slow():
    def batches():
        for _ in range(20):
            time.sleep(0.02)
            yield pa.record_batch({{"i": list(range(100))}})
    return pa.RecordBatchReader.from_batches(pa.schema({{"i": pa.int64()}}), batches())
out = {str(tmp_path / "out.parquet")!r}
parent, children = os.getpid(), []
def fork(done, total):
    if os.getpid() != parent or len(children) == 3:
        return
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        {body}
    else:
        children.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    {call}
except fastsample.StreamError as error:
    assert "began in another process" in str(error), error
    assert os.getpid() != parent
    sys.exit(7)
except ValueError:
    assert os.getpid() != parent
    sys.exit(8)
print(children)
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    found = ast.literal_eval(done.stdout)
    assert found
    assert set(found) == {expected}, done.stderr
    if "write" in call:
        assert len(list(tmp_path.iterdir())) == 70
