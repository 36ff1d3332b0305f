"""Kills at random times: whole sets only, and the next run leaves nothing but outputs.

``FASTSAMPLE_KILLS=200`` (``make faults``) says how many of each kind.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

KILLS = int(os.environ.get("FASTSAMPLE_KILLS", "12"))

JOBS = {
    "plain": "draw(version).write_parquet(home / 'out.parquet')",
    "shuffled": "draw(version).write_parquet(home / 'out.parquet', **shuffle)",
    "shards": "draw(version).write_parquet(home / 'out.parquet', shards=4)",
    "split": "sides(version).write_parquet(home)",
    "cache": "draw(version).cache(home)",
    "ipc": "draw(version).write_ipc(home / 'out.arrow')",
}

DRIVER = """
import os, random, shutil, signal, sys, time
from pathlib import Path

import fastsample
import filelock, numpy, pandas, pyarrow.ipc, pyarrow.parquet

job, kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
source, home = Path(sys.argv[4]), Path(sys.argv[5])
shuffle = {"shuffle": True, "memory_limit": 100_000}
random.seed(seed)

def draw(version):
    return fastsample.sample(source, 20_000, seed=version)

def sides(version):
    return fastsample.split(source, {"train": 15_000, "valid": 5_000}, seed=version)

def start(version):
    child = os.fork()
    if child == 0:
        try:
            exec(job, {**globals(), "version": version})
        finally:
            os._exit(0)
    return child

def ids(version):
    "The rows of each version, found without writing."
    if "sides" in job:
        return {name: side.row_ids.tolist() for name, side in sides(version).items()}
    return draw(version).row_ids.tolist()

def rows():
    "Every row of all outputs, by file."
    found = {}
    for file in sorted(home.iterdir()):
        if file.suffix == ".parquet":
            found[file.stem] = pyarrow.parquet.read_table(file)["id"].to_pylist()
        elif file.suffix == ".arrow":
            opened = pyarrow.ipc.open_stream if ".cache(" in job else pyarrow.ipc.open_file
            found[file.stem] = opened(str(file)).read_all()["id"].to_pylist()
    return found

def version_of(found):
    for version in range(3):
        wanted = expected[version]
        if "sides" in job:
            if found == wanted:
                return version
        elif found and sorted(sum(found.values(), [])) == wanted:
            return version
    return None

def look():
    child = os.fork()
    if child == 0:
        try:
            fastsample.inspect(home, lengths=False)
        except fastsample.SourceNotFoundError:
            pass
        finally:
            os._exit(0)
    os.waitpid(child, 0)

is_cache = ".cache(" in job
expected = {}
for version in range(3):
    read, written = os.pipe()
    if os.fork() == 0:
        import json
        with os.fdopen(written, "w") as file:
            json.dump(ids(version), file)
        os._exit(0)
    os.close(written)
    import json
    with os.fdopen(read) as file:
        expected[version] = json.load(file)
home.mkdir()
times = []
for version in (2, 0):
    if is_cache:
        shutil.rmtree(home)
        home.mkdir()
    began = time.monotonic()
    os.waitpid(start(version), 0)
    times.append(time.monotonic() - began)
took, before = min(times), 0
names = sorted(file.name for file in home.iterdir())
kill = killed = finished = 0
while killed < kills:
    kill += 1
    assert kill < 9 * kills, (killed, kill)
    version = 1 - before
    if is_cache:
        shutil.rmtree(home)
        home.mkdir()
    child = start(version)
    # Most kills while files get their names, which is near the end.
    time.sleep(took * random.choice([random.random(), random.uniform(0.8, 1.1)]))
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    # A machine that does other things, too, is slower or faster than before.
    took *= 1.03 if os.WIFSIGNALED(status) else 0.93
    killed += os.WIFSIGNALED(status)
    look()
    left = rows()
    found = version_of(left)
    if is_cache:
        assert not left or found == version, kill
    else:
        assert found in (before, version), (kill, found, sorted(left))
        before = found
        finished += found == version
    # The next run removes whatever is left.
    if is_cache or random.random() < 0.3:
        os.waitpid(start(version), 0)
        before = version
        assert version_of(rows()) == version
        there = sorted(file.name for file in home.iterdir())
        assert is_cache and len(there) == 1 or there == names, (kill, there)
print(killed, finished)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "source.parquet"
    texts = [f"第 {i} 句话，说的是 {i * 7919 % 1000}" * 4 for i in range(40_000)]
    pq.write_table(pa.table({"id": range(40_000), "text": texts}), path)
    return path


@pytest.mark.slow
@pytest.mark.timeout(60 + 3 * KILLS)
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_random(source: Path, tmp_path: Path, job: str) -> None:
    seed = random.randrange(2**32)
    arguments = [JOBS[job], KILLS, seed, source, tmp_path / "home"]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-3000:]}"
    killed, finished = map(int, done.stdout.split())
    assert killed == KILLS
    print(f"{job}: {killed} killed, {finished} of them after their files were in place")
