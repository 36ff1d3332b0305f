"""Run jobs of every kind under limits of the address space, and say what becomes of each.

::

    python -m tools.memory.ladder --record benches/record/2026-11-30-out-of-memory

A job has a process, which imports everything and runs the job on small data. For each limit it is
forked, and the child may take so many MiB more. What becomes of it:

=====  ================================================================
done   the job ended well
ours   a FastSampleError
MiB    a MemoryError that is none: Python, pyarrow or numpy lacked memory
other  another exception
died   a signal, which is what this looks for
hung   no end within the time
=====  ================================================================
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import fastsample

from tools.memory import jobs

#: MiB that a job may take beyond what its process has.
ROOMS = (0, 4, 16, 32, 44, 48, 56, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024, 2048)
#: Seconds until a job counts as hung.
PATIENCE = 120
#: Exit status of a child by what became of it.
OUTCOMES = {0: "done", 10: "ours", 11: "memory", 12: "other"}


@dataclass(frozen=True)
class Rung:
    """What became of a job under a limit."""

    job: str
    room: int
    outcome: str
    told: str
    seconds: float


def taken() -> int:
    """Return the address space of this process in bytes."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmSize:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmSize in /proc/self/status")


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """Make a folder, and remove it again; a child that is forked meanwhile does not remove it."""
    folder = Path(tempfile.mkdtemp(prefix="fastsample-memory-"))
    owner = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder)


def attempt(job: str, data: Path, out: Path, room: int) -> int:
    """Run a job within a limit; return the exit status. Runs in a child."""
    size = taken() + (room << 20)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    try:
        jobs.JOBS[job](data, out)
    except fastsample.FastSampleError as error:
        print(f"told: {type(error).__name__}: {error}", file=sys.stderr)
        return 10
    except MemoryError as error:
        print(f"told: {type(error).__name__}: {error}", file=sys.stderr)
        return 11
    except BaseException as error:
        print(f"told: {type(error).__name__}: {error}", file=sys.stderr)
        traceback.print_exc()
        return 12
    return 0


def rung(job: str, data: Path, room: int, patience: float) -> Rung:
    """Fork, attempt, and wait."""
    with temporary() as folder, tempfile.TemporaryFile() as told:
        began = time.perf_counter()
        gc.collect()
        child = os.fork()
        if child == 0:
            os.dup2(told.fileno(), 2)
            status = attempt(job, data, folder, room)
            sys.stderr.flush()
            # As a program ends, with the hooks of the extension.
            atexit._run_exitfuncs()
            os._exit(status)
        ended = wait(child, began + patience)
        seconds = time.perf_counter() - began
        told.seek(0)
        words = told.read().decode("utf-8", "replace").strip().splitlines()
        left = [path.name for path in folder.rglob(".*") if path.is_file()]
    outcome = "hung" if ended is None else named(ended)
    said = next((line[6:] for line in words if line.startswith("told: ")), "")
    if outcome in ("died", "hung", "other"):
        said = " | ".join([said, *words[-6:]])
    if left:
        said += f" | left behind: {left}"
    return Rung(job, room, outcome, said[:600], round(seconds, 2))


def named(status: int) -> str:
    """Return what an exit status stands for."""
    if os.WIFEXITED(status):
        return OUTCOMES.get(os.WEXITSTATUS(status), "died")
    return "died"


def wait(child: int, until: float) -> int | None:
    """Wait for a child; kill it if it takes too long."""
    while time.perf_counter() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def climb(job: str, data: Path, small: Path, rooms: Sequence[int], patience: float) -> list[Rung]:
    """Try one limit after the other until the job is done twice."""
    found: list[Rung] = []
    jobs.warm(job, small)
    for room in rooms:
        found.append(rung(job, data, room, patience))
        if [each.outcome for each in found[-2:]] == ["done", "done"]:
            break
    return found


def apart(job: str, data: Path, small: Path, rooms: Sequence[int], patience: float) -> list[Rung]:
    """Climb in a process of its own."""
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            found = climb(job, data, small, rooms, patience)
            os.write(file.fileno(), json.dumps([asdict(each) for each in found]).encode())
            os._exit(0)
        os.waitpid(child, 0)
        file.seek(0)
        text = file.read()
    if not text:
        return [Rung(job, -1, "died", "while it was warmed up", 0.0)]
    return [Rung(**each) for each in json.loads(text)]


def table(found: Sequence[Rung]) -> str:
    """Return a Markdown table: a row for each job."""
    head = "| job | done from MiB | errors of ours | MemoryError of others | other | died | hung |"
    rows = [head, "|---|---|---|---|---|---|---|"]
    for job in dict.fromkeys(each.job for each in found):
        mine = [each for each in found if each.job == job]
        counts = Counter(each.outcome for each in mine)
        done = [each.room for each in mine if each.outcome == "done"]
        first = str(min(done)) if done else "never"
        figures = [str(counts[name]) for name in ("ours", "memory", "other", "died", "hung")]
        rows.append(" | ".join([f"| {job}", first, *figures]) + " |")
    return "\n".join(rows)


def main() -> None:
    """Make the data, try all jobs, print the table; fail if one died or hung."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", nargs="*", help="these jobs")
    options.add_argument("--rooms", type=lambda text: [int(x) for x in text.split(",")])
    options.add_argument("--rows", type=int, default=jobs.ROWS)
    options.add_argument("--many-rows", type=int, default=jobs.MANY_ROWS)
    options.add_argument("--long-bytes", type=int, default=jobs.LONG_BYTES)
    options.add_argument("--patience", type=float, default=PATIENCE)
    options.add_argument("--folder", type=Path, help="where the data is, or is to be made")
    options.add_argument("--record", type=Path, help="write the table (.md) and all rungs (.json)")
    given = options.parse_args()
    os.environ["FASTSAMPLE_PROGRESS"] = "0"
    with temporary() as made:
        folder = given.folder or made
        data, small = folder / "data", folder / "small"
        if not data.exists():
            # In a process of its own: memory that was used and freed would be there for the jobs.
            child = os.fork()
            if child == 0:
                jobs.make(data, given.rows, given.many_rows, given.long_bytes)
                jobs.make(small, 600, 600, 600)
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                raise SystemExit("the data could not be made")
        found: list[Rung] = []
        for job in jobs.JOBS:
            if given.only is None or job in given.only:
                climbed = apart(job, data, small, given.rooms or ROOMS, given.patience)
                found.extend(climbed)
                marks = " ".join(f"{each.room}:{each.outcome}" for each in climbed)
                print(f"{job}: {marks}", flush=True)
                for each in climbed:
                    if each.outcome in ("died", "hung", "other"):
                        print(f"    {each.room} MiB: {each.told}", flush=True)
    shown = table(found)
    print(shown)
    if given.record:
        given.record.with_suffix(".md").write_text(shown + "\n", encoding="utf-8")
        rungs = [asdict(each) for each in found]
        given.record.with_suffix(".json").write_text(json.dumps(rungs, indent=1), "utf-8")
    raise SystemExit(any(each.outcome in ("died", "hung") for each in found))


if __name__ == "__main__":
    main()
