"""A job whose k-th call to the system fails, or is its last, for every k: outputs are old or new.

Jobs run in children of one process per test, which has a library loaded (``faults.c``) that makes
calls fail. What a child left is judged by others: one that reads the folder, as any reader does
that knows of unfinished sets, and one that does the job again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: Each leaves files in the folder `home`: for `version` 0 some, for 1 and 2 others of those names.
JOBS = {
    "plain": "draw(version).write_parquet(home / 'out.parquet')",
    "new": "draw(version).write_parquet(home / 'out.parquet', overwrite=False)",
    "ipc": "draw(version).write_ipc(home / 'out.arrow')",
    "shuffled": "draw(version, 3000).write_parquet(home / 'out.parquet', **shuffle)",
    "shards": "draw(version).write_parquet(home / 'out.parquet', shards=3)",
    "new shards": "draw(version).write_ipc(home / 'out.arrow', shards=3, overwrite=False)",
    "many shards": "draw(version).write_ipc(home / 'out.arrow', shards=70)",
    "shuffled shards": "draw(version, 3000).write_ipc(home / 'o.arrow', shards=2, **shuffle)",
    "split": "sides(version).write_parquet(home)",
    "cache": "draw(version).cache(home)",
    "cache by content": "fastsample.sample(rows(version), 100).cache(home)",
    "pickle": "pickle.dumps(draw(version))",
    "pickle of a table": "pickle.dumps(fastsample.sample(rows(version), 100))",
    "small file": "write_files({home / 'a.html': page(version)})",
    "features": "fastsample.score(source, like(version), features=home / 'kept')",
    "settings": "write_files({home / 'a.toml': page(version), home / 'b.toml': page(version)})",
}

#: Jobs once more where no file can be without a name, as on systems other than Linux.
NAMED = {f"{job}, named": JOBS[job] for job in ("plain", "new")}
JOBS |= NAMED

#: As in faults.c.
MODES = {
    "EIO": 1,
    "ENOSPC": 2,
    "EINTR": 3,
    "short": 4,
    "EIO from there on": 5,
    "killed before": 6,
    "killed after": 7,
}

DRIVER = """
import ctypes, hashlib, os, pickle, shutil, sys, traceback
from pathlib import Path

import fastsample
# What a cache needs, so that not every child imports it.
import filelock, numpy, pandas, pyarrow, pyarrow.ipc
from fastsample._files import write_files

library, job, modes = ctypes.CDLL(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
source, home = Path(sys.argv[4]), Path(sys.argv[5])
shuffle = {"shuffle": True, "memory_limit": 1}
step = 13 if "shards=70" in job else 1
is_set = "shards" in job or "sides" in job or "toml" in job
is_cache = ".cache(" in job or "pickle" in job
is_new = "overwrite=False" in job or "features=" in job or is_cache
os.environ["FASTSAMPLE_CACHE"] = str(home)

def draw(version, n=300):
    return fastsample.sample(source, n, seed=version)

def sides(version):
    return fastsample.split(source, {"train": 200, "valid": 50}, seed=version)

def rows(version):
    import pyarrow
    return pyarrow.table({"id": range(version, version + 1000)})

def like(version):
    import pyarrow
    texts = [f"版本 {version} 的第 {i} 句话" for i in range(50)]
    return fastsample.Smart(target=pyarrow.table({"text": texts}))

def page(version):
    return f"version {version}".encode() * 50

def in_child(work, fault=0, mode=0):
    "Run `work` in a child: its exit code, and the calls it made that touch the folder."
    calls, written = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            if fault:
                library.fault_arm(os.fsencode(home), ctypes.c_long(fault), mode)
            code = work() or 0
        except fastsample.OutputError as error:
            code = 10
            if not str(error).startswith(str(home)) or "uncategorized" in str(error):
                traceback.print_exc()
                code = 98
        except BaseException:
            traceback.print_exc()
        try:
            os.write(written, str(library.fault_count()).encode())
        finally:
            os._exit(code)
    os.close(written)
    count = os.read(calls, 100)
    os.close(calls)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, int(count or 0)

def run(version):
    exec(job, {**globals(), "version": version})

def look():
    "Read the folder as users do, which completes what a killed run left."
    try:
        fastsample.inspect(home, lengths=False)
    except fastsample.SourceNotFoundError:
        pass

def found():
    "Hash every file."
    files = (file for file in home.rglob("*") if file.is_file())
    hashed = ((file, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files)
    return {str(file.relative_to(home)): digest for file, digest in hashed}

def reset():
    shutil.rmtree(home)
    if is_new:
        home.mkdir()
    else:
        shutil.copytree(first, home)

first = home.with_name("first")
home.mkdir()
if "FAULT_NAMED" in os.environ:
    try:
        os.open(home, os.O_TMPFILE | os.O_RDWR)
    except OSError:
        pass
    else:
        raise AssertionError("a file was made without a name")
states = []
for version in (0, 1, 2):
    if is_new:
        shutil.rmtree(home)
        home.mkdir()
    assert in_child(lambda: run(version)) == (0, 0), version
    states.append(found())
    if version == 0:
        shutil.copytree(home, first)
old, new, third = {} if is_new else states[0], states[1], states[2]
assert len({str(state) for state in (old, new, third)}) == 3
assert is_new or old.keys() == new.keys() == third.keys()

for mode in map(int, modes):
    k, injected, outcomes = 1 - step, 0, {"old": 0, "new": 0}
    while True:
        k += step
        reset()
        status, calls = in_child(lambda: run(1), k, mode)
        if status >= 0 and calls < k:
            assert status == 0
            break
        injected += 1
        assert status in (0, 10, -9), (k, status)
        is_left = (home / ".fastsample").exists()
        if is_set and is_left:
            in_child(look)
        left = {name: text for name, text in found().items() if not name.startswith(".fastsample")}
        # That of a killed run goes when the sample is asked for again.
        if status != 10 or mode == 5:
            left = {name: text for name, text in left.items() if not name.endswith(".lock")}
        outcome = "old" if left == old else "new" if left == new else "half"
        # The rows of a pickle are whole, whether or not their places follow.
        if "pickle" in job and outcome == "half" and left.items() <= new.items():
            outcome = "old"
        assert outcome != "half", (k, status, left, old, new)
        # An error means that nothing has changed; success that everything is there.
        assert status != 0 or outcome == "new", (k, status)
        # A failure for good can keep old files from being put back, until the next run.
        assert status != 10 or outcome == "old" or mode == 5, (k, status)
        outcomes[outcome] += 1
        if not is_left and k % 5:
            continue
        # The lock of a cached sample goes when that sample is asked for again.
        again = 1 if is_cache else 2
        if is_new and again == 2:
            for name in left:
                (home / name).unlink()
        assert in_child(lambda: run(again)) == (0, 0), k
        assert found() == states[again], (k, found(), states[again])
        assert sorted(home.iterdir()) == sorted(home / name for name in states[again]), k
    print(injected, outcomes["old"], outcomes["new"])
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("no compiler for Linux: NO FAULTS ARE INJECTED")
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(path), str(HERE / "faults.c"), "-ldl"]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("source") / "source.parquet"
    texts = [f"第 {i} 句话，说的是 {i * 7919 % 1000}" for i in range(6000)]
    pq.write_table(pa.table({"id": range(6000), "text": texts}), path)
    return path


#: What runs unless ``FASTSAMPLE_FAULTS=all`` asks for every mode of every job (`make faults`).
FEW = {job: ["EIO", "killed before"] for job in JOBS}
FEW["plain"] = list(MODES)
# Failed calls are those of "shards"; here there are hundreds.
for job in ("many shards", "new shards", "shuffled shards"):
    FEW[job] = ["killed before"]
for job in ("shards", "cache", "cache by content", "pickle", "pickle of a table"):
    FEW[job].append("ENOSPC")
ALL = {job: list(MODES) for job in JOBS}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("job", "modes"), (ALL if os.environ.get("FASTSAMPLE_FAULTS") == "all" else FEW).items(),
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} kinds",
)  # fmt: skip
def test_every_call_fails_once(
    library: Path, source: Path, tmp_path: Path, job: str, modes: list[str]
) -> None:
    named = ["FAULT_NAMED"] if job in NAMED else []
    numbers = ",".join(str(MODES[mode]) for mode in modes)
    arguments = [library, JOBS[job], numbers, source, tmp_path.resolve() / "home"]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *map(str, arguments)],
        env={**os.environ, "LD_PRELOAD": str(library), **dict.fromkeys(named, "1")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"after {done.stdout!r}: {done.stderr[-4000:]}"
    for mode, line in zip(modes, done.stdout.splitlines(), strict=True):
        injected, old, new = map(int, line.split())
        assert injected == old + new > 4
        print(f"{job}, {mode}: {injected} faults, {old} times the old files, {new} times the new")
