"""Standard streams that are closed, full, or of another encoding than UTF-8."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def run_with_streams(run: Callable[[], object]) -> None:
    """Call `run`; output that can't be written ends it with one line and exit code 1."""
    _occupy_closed_numbers()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        _fail("it is closed; redirect it to a file or to /dev/null")
    # A character that the terminal's encoding lacks must not end a run that went well.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        _discard_output()
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is not None:  # a file, not a stream
            raise
        _discard_output()
        _fail(error.strerror or str(error))


def _occupy_closed_numbers() -> None:
    """Open what is closed of 0, 1, 2: an output file of that number would get what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _discard_output() -> None:
    """Let what is still in the buffer go nowhere when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(reason: str) -> NoReturn:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: cannot write to standard output: {reason}\n")
        sys.stderr.flush()
    raise SystemExit(1)
