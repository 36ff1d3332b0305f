"""The command line. One file a command; each is registered here."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import NoReturn

import typer

from fastsample.cli._compare import compare
from fastsample.cli._inspect import inspect
from fastsample.cli._plan import plan
from fastsample.cli._sample import sample
from fastsample.cli._split import split

app = typer.Typer(
    help="Fast, exact, reproducible training samples out of big text data sets.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (sample, split, inspect, compare, plan):
    app.command()(command)


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Run the command line."""
    # A character that the terminal's encoding lacks must not end a run that went well.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # As an exception, the signal lets temporary files be removed.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
