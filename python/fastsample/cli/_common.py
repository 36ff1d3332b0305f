"""Shared by the commands: common options, printed lines, errors, formatted numbers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

import click

from fastsample._layout import Block, Facts, as_lines, has_unicode, terminal_width, wrap
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.smart_report import left_out_note
from fastsample.cli._words import in_flags
from fastsample.errors import ArgumentError, ColumnError, FastSampleError, SourceTypeError

#: Colours are for terminals, if they are wanted.
_COLOR = False if os.environ.get("NO_COLOR") else None

_Command = Callable[..., None]
_Decorator = Callable[[_Command], _Command]


def several(*names: str, **attributes: Any) -> _Decorator:
    """Return an option that may be given several times; its value is None without one."""
    attributes["callback"] = lambda _context, _option, values: list(values) or None
    return click.option(*names, multiple=True, **attributes)


threads = click.option(
    "--threads", type=click.IntRange(1), show_default="all", help="Cores to use."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
where = click.option(
    "--where", help="Take rows that match a condition: \"lang = 'zh' AND score > 0.5\"."
)
_exclude = several(
    "--exclude", help="Leave out rows that share text with this file of a benchmark. Repeatable."
)
_exclude_letters = click.option(
    "--exclude-letters", type=int, default=50, help="With --exclude: the letters of a shared run."
)


def exclude(command: _Command) -> _Command:
    """Add the options of decontamination."""
    return _exclude(_exclude_letters(command))


def by(purpose: str) -> _Decorator:
    """Return the option that names columns of strata."""
    return several("--by", help=purpose)


allocation = click.option(
    "--allocation",
    default="proportional",
    help="With --by: proportional, equal, sqrt, a temperature (2.5), or shares: a=0.7,b=0.3.",
)


def allocation_of(text: str) -> AllocationLike:
    """Return the formula, the temperature or the shares that an option names."""
    if "=" not in text:
        try:
            return float(text)
        except ValueError:
            return text
    shares: dict[Any, float] = {}
    for part in text.split(","):
        name, _, share = part.rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            raise ArgumentError(
                f"--allocation: {part!r} is no NAME=SHARE; write a=0.7,b=0.3"
            ) from None
    return shares


columns = several("--column", help="Keep only this column. Repeatable.")


def _schema(_context: click.Context, _option: click.Parameter, values: Sequence[str]) -> Any:
    """Return the schema that options of the form NAME=TYPE make, or None without one."""
    return schema_of(dict(_named_type(value) for value in values)) if values else None


def _named_type(option: str) -> tuple[str, str]:
    name, equals, kind = option.rpartition("=")
    if not equals or kind not in TYPES:
        raise click.BadParameter(f"{option!r} is no NAME=TYPE; types are {', '.join(TYPES)}")
    return name, kind


def schema_of(types: Mapping[str, str]) -> Any:
    """Return the schema of columns whose types are named as in :data:`TYPES`."""
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])


#: Types that columns of JSON Lines and CSV may be given.
TYPES = ("string", "int64", "uint64", "double", "bool")

schema = click.option(
    "--schema",
    multiple=True,
    callback=_schema,
    metavar="NAME=TYPE",
    help=f"Type of a column of JSON Lines or CSV: {', '.join(TYPES)}. Repeatable.",
)
chat_template = click.option(
    "--chat-template/--no-chat-template",
    default=None,
    help="Count the tokens of chats as the tokenizer's chat template renders them.",
)
seed = click.option(
    "--seed", type=click.IntRange(0), default=42, help="The same seed draws the same rows."
)
shuffle = click.option("--shuffle", is_flag=True, help="Write the rows in random order.")
overwrite = click.option(
    "--overwrite/--no-overwrite", default=True, help="Replace a file of the same name."
)


def text_columns(purpose: str) -> _Decorator:
    """Return the option that names text columns, with what they are for."""
    return several("--text-column", show_default="all that looks like text", help=purpose)


class Rows(click.ParamType):  # type: ignore[type-arg]
    """A number of rows: 3000000, 3_000_000, 3e6, 3m, 500k."""

    name = "rows"
    _UNITS: ClassVar = {"k": 10**3, "m": 10**6, "b": 10**9}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, which must be whole and at least 1."""
        if isinstance(value, int):
            return value
        text = value.strip().lower().replace("_", "").replace(",", "")
        unit = self._UNITS.get(text[-1:], 1)
        try:
            number = Decimal(text[:-1] if unit > 1 else text) * unit
            rows = int(number)
        except (ArithmeticError, ValueError):
            self.fail(f"{value!r} is no number of rows; write 3000000, 3e6 or 3m", param, ctx)
        if rows != number or rows < 1:
            self.fail(f"{value!r} is no whole number of rows from 1 on", param, ctx)
        return rows


def say(message: str, colour: str | None = None) -> None:
    """Print a message on standard error: one line, on a terminal broken at words."""
    for line in wrap(message, max(20, terminal_width(sys.stderr))):
        click.secho(line, err=True, fg=colour, color=_COLOR)


def show(blocks: Iterable[Block]) -> None:
    """Print a report so that it fits the terminal."""
    for line in as_lines(blocks):
        click.secho(line.text, bold=line.strong or None, color=_COLOR)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values as a table without lines."""
    show([Facts(facts)])


def tell_left_out(left_out: Mapping[str, str]) -> None:
    """Print in one line which columns of strings are not text by default."""
    if left_out:
        note = f"note: not counted as text: {left_out_note(left_out)}; --text-column names others"
        say(note, "yellow")


def tell_notes(notes: Iterable[str]) -> None:
    """Print notes on the source, a line each."""
    for note in notes:
        say(f"note: {note}", "yellow")


def print_json(report: dict[str, Any]) -> None:
    # Where the encoding lacks a character, JSON has an escape for it.
    click.echo(json.dumps(report, ensure_ascii=not has_unicode(), indent=2))


@contextmanager
def reported() -> Iterator[None]:
    """Turn errors into one line and an exit code: 2 for arguments, 130 for Ctrl-C, or 1."""
    try:
        yield
    except FastSampleError as error:
        is_usage = isinstance(error, ArgumentError)
        message = str(error)
        if is_usage or isinstance(error, (SourceTypeError, ColumnError)):
            message = in_flags(message)
        say(f"error: {message}", "red")
        raise click.exceptions.Exit(2 if is_usage else 1) from None
    except KeyboardInterrupt:
        say("interrupted; no file is half written")
        raise click.exceptions.Exit(130) from None
