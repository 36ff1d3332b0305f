"""Shared by the commands: consoles, common options, errors, formatted numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fastsample import ArgumentError, FastSampleError
from fastsample._sampling.report import left_out_note

_BARS = " ▁▂▃▄▅▆▇█"
_PLAIN_BARS = " .-=#"

#: Tables for programs have no need to fit a screen.
_PIPED_WIDTH = 10_000

_ON_TERMINAL = sys.stdout is not None and sys.stdout.isatty()

# Names of files and columns are printed as they are, not as Rich's markup or emoji.
out = Console(
    highlight=False, markup=False, emoji=False, width=None if _ON_TERMINAL else _PIPED_WIDTH
)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)

Threads = Annotated[int | None, typer.Option(help="Cores to use.", min=1, show_default="all")]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Where = Annotated[
    str | None,
    typer.Option(help="Take rows that match a condition: \"lang = 'zh' AND score > 0.5\"."),
]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="Keep only this column. Repeatable.")
]


def facts() -> Table:
    """Return a table of names and values without lines."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    return table


def size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024
    return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"


def sparkline(shares: Sequence[float]) -> str:
    """Return a histogram as a line of text; a bin that is not empty has at least the lowest bar."""
    bars = _BARS if out.encoding.lower().startswith("utf") else _PLAIN_BARS
    top = max(shares, default=0) or 1
    return "".join(
        bars[max(1, round(share / top * (len(bars) - 1)))] if share else bars[0] for share in shares
    )


def tell_left_out(left_out: Mapping[str, str]) -> None:
    """Print in one line which columns of strings are not text by default."""
    if left_out:
        note = f"note: not counted as text: {left_out_note(left_out)}; --text-column names others"
        err.print(note, style="yellow", markup=False, soft_wrap=True)


def tell_notes(notes: Iterable[str]) -> None:
    """Print notes on the source, a line each."""
    for note in notes:
        err.print(f"note: {note}", style="yellow", soft_wrap=True)


def print_json(report: dict[str, Any]) -> None:
    # Where the encoding lacks a character, JSON has an escape for it.
    is_unicode = out.encoding.lower().startswith("utf")
    sys.stdout.write(json.dumps(report, ensure_ascii=not is_unicode, indent=2) + "\n")


@contextmanager
def reported() -> Iterator[None]:
    """Turn errors into one line and an exit code: 2 for arguments, 130 for Ctrl-C, or 1."""
    try:
        yield
    except FastSampleError as error:
        err.print(f"error: {error}", style="red", soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, ArgumentError) else 1) from None
    except KeyboardInterrupt:
        err.print("interrupted; no file is half written")
        raise typer.Exit(130) from None
