"""The command line. One file a command; each is registered here."""

from __future__ import annotations

import signal
from typing import NoReturn

import typer

from fastsample.cli._compare import compare
from fastsample.cli._inspect import inspect
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
for command in (sample, split, inspect, compare, plan):
    app.command()(command)


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Run the command line."""
    # As an exception, the signal lets temporary files be removed.
    signal.signal(signal.SIGTERM, _terminate)
    run_with_streams(app)
