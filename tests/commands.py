"""Programs in child processes that are forked, not started: without the imports.

A new interpreter spends most of its time on imports of pyarrow, torch and others. One process does
them once and forks a child for each program, which has standard streams, an environment, a folder
and an exit status of its own. What is decided when an interpreter starts (the encoding of its
streams, streams that are closed) needs a new one; so does a test of what is imported.
"""

from __future__ import annotations

import atexit
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Imports, then forks for each order that comes: arguments of the interpreter, folder, environment.
_SERVER = """
import gc, importlib, json, os, runpy, socket, sys

for name in sys.argv[2:]:
    importlib.import_module(name)
if "fastsample" in sys.modules:
    for name in sys.modules["fastsample"].__all__:
        getattr(sys.modules["fastsample"], name)
connection = socket.socket(fileno=int(sys.argv[1]))
gc.freeze()

def forked():
    while True:
        message, streams, *_ = socket.recv_fds(connection, 1 << 20, 2)
        if not message:
            os._exit(0)
        child = os.fork()
        if child == 0:
            connection.close()
            return json.loads(message), streams
        for stream in streams:
            os.close(stream)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.send(str(status).encode())

order, streams = forked()
for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
    os.dup2(stream, number)
    os.close(stream)
os.chdir(order["cwd"])
os.environ.clear()
os.environ.update(order["env"])
sys.argv = order["argv"]
if sys.argv[0] == "-m":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
"""

_COMMANDS = ("compare", "inspect", "mix", "plan", "reproduce", "sample", "score", "split")
_OF_COMMANDS = (
    "filelock", "pyarrow.parquet", "rich.console", "rich.progress", "fastsample",
    *(f"fastsample.cli._{name}" for name in _COMMANDS),
)  # fmt: skip

#: Dynamo is what an optimizer imports with its first step.
_OF_EXAMPLES = ("filelock", "pyarrow", "torch._dynamo", "torch.utils.data", "fastsample")
_TRANSFORMERS = ("transformers.trainer", "transformers.models.llama.modeling_llama")
_OF_TRAINERS = {
    "with_lightning.py": ("lightning", "torchdata.stateful_dataloader"),
    "with_packing.py": _TRANSFORMERS,
    "with_trainer.py": _TRANSFORMERS,
}

#: Variables that are read when an interpreter starts, or the command line is imported.
_AT_START = ("LC_", "LANG", "PYTHON", "NO_COLOR")


class _Server:
    """The process that forks: it ends with the one that asks."""

    def __init__(self, imports: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            number = there.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVER, str(number), *imports],
                pass_fds=[number], start_new_session=True, env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self._owner = os.getpid()

    def run(self, order: Mapping[str, Any], timeout: float) -> subprocess.CompletedProcess[str]:
        """Have a program run to its end."""
        self._here.settimeout(timeout)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            message = json.dumps(order).encode()
            socket.send_fds(self._here, [message], [out.fileno(), err.fileno()])
            answer = self._here.recv(100)
            assert answer, "the process that forks has died"
            out.seek(0)
            err.seek(0)
            printed = [stream.read().decode("utf-8") for stream in (out, err)]
        return subprocess.CompletedProcess(order["argv"], int(answer), *printed)

    def stop(self) -> None:
        """End the process and what it has forked, if this process has started it."""
        self._here.close()
        if self._owner == os.getpid() and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


#: By what they have imported, and by what was set when they were started.
_servers: dict[tuple[tuple[str, ...], str], _Server] = {}


def stop(module: str | None = None) -> None:
    """End the processes that fork: all, or those that have imported a module."""
    for key in [key for key in _servers if module is None or module in key[0]]:
        _servers.pop(key).stop()


atexit.register(stop)


def _run(
    argv: list[str],
    imports: tuple[str, ...],
    cwd: str | Path | None,
    timeout: float,
    environment: Mapping[str, str],
    at_start: Mapping[str, str],
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **at_start, **environment}
    if not sys.platform.startswith("linux") or any(k.startswith(_AT_START) for k in environment):
        return subprocess.run(
            [sys.executable, *argv], env=env, cwd=cwd, timeout=timeout,
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
    key = (imports, str(at_start))
    if key not in _servers:
        _servers[key] = _Server(imports, {**os.environ, **at_start})
    order = {"argv": argv, "cwd": str(cwd or Path.cwd()), "env": env}
    try:
        return _servers[key].run(order, timeout)
    except TimeoutError:
        _servers.pop(key).stop()
        raise subprocess.TimeoutExpired(shlex.join(argv), timeout) from None


def run(
    *arguments: object, cwd: str | Path | None = None, timeout: float = 60, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``fastsample`` with arguments; its streams are files in place of a terminal."""
    argv = ["-m", "fastsample", *map(str, arguments)]
    return _run(argv, _OF_COMMANDS, cwd, timeout, environment, {})


def run_example(
    path: Path, *arguments: object, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script of ``examples``, without warnings and on one core."""
    argv = [str(path), *map(str, arguments)]
    imports = _OF_EXAMPLES + _OF_TRAINERS.get(path.name, ())
    return _run(argv, imports, cwd, 300, {}, {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"})
