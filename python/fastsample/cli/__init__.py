"""The command line. One file a command, imported when it is called."""

from __future__ import annotations

import importlib
import signal
from typing import Any, NoReturn

import click

from fastsample import __version__
from fastsample.cli._streams import run_with_streams

#: The commands in the order of the help, and what each does.
_COMMANDS = {
    "sample": "Draw n rows, a share, or a budget of tokens.",
    "mix": "Draw n rows of several sources by their shares.",
    "split": "Draw training, validation and test rows.",
    "score": "Write the weight of each row, and what makes it.",
    "inspect": "Show columns, sizes, codecs, lengths, copies.",
    "reproduce": "Draw the rows of a manifest again, or say what differs.",
    "card": "Write the card of a folder of samples, for the Hugging Face Hub.",
    "update": "Draw the sample of a source that has grown, from the earlier one.",
    "compare": "Test a sample against its source.",
    "verify": "Compare two trained models on held-out rows.",
    "plan": "Show hours of training, now and with a sample.",
}


class _Commands(click.Group):
    """The commands by name. What a command needs is imported for that command alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does, without importing it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of a name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module: Any = importlib.import_module(f"fastsample.cli._{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    help="Fast, exact, reproducible training samples out of big text data sets.",
)
@click.version_option(__version__, prog_name="fastsample", message="%(prog)s %(version)s")
def app() -> None:
    """Run a command."""


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
    run_with_streams(lambda: app(prog_name="fastsample"))
