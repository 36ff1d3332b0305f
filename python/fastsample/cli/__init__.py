"""The command line. One file a command; each is registered here."""

from __future__ import annotations

import signal
from typing import NoReturn

import typer

from fastsample.cli._compare import compare
from fastsample.cli._inspect import inspect
from fastsample.cli._mix import mix
from fastsample.cli._plan import plan
from fastsample.cli._sample import sample
from fastsample.cli._split import split
from fastsample.cli._streams import run_with_streams

app = typer.Typer(
    help="Fast, exact, reproducible training samples out of big text data sets.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (sample, mix, split, inspect, compare, plan):
    app.command()(command)


def _terminate(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> None:
    """Run the command line."""
    # As an exception, a signal lets work stop and temporary files be removed. One that is ignored,
    # as `nohup` has it, stays ignored.
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _terminate)
    run_with_streams(app)
