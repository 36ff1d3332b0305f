"""The arguments that benchmarks have in common."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from benches.process import count_rows

ROOT: Final = Path(__file__).resolve().parent.parent
RECORD: Final = ROOT / "benches" / "record"


def arguments(about: str | None, *, rounds: int = 5) -> argparse.ArgumentParser:
    """Return a parser of ``--rounds`` and ``--record``, with the docstring of a module as help."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--record", type=Path, default=RECORD, help="folder for the record")
    return parser


def run_arguments(
    about: str | None, *, rounds: int = 5, timeout: float = 600.0
) -> argparse.ArgumentParser:
    """Return a parser for runs in fresh processes: also ``--timeout`` and ``--scratch``."""
    parser = arguments(about, rounds=rounds)
    parser.add_argument("--timeout", type=float, default=timeout, help="seconds a run")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    return parser


def input_arguments(about: str | None, *, rounds: int = 5, name: str) -> argparse.ArgumentParser:
    """Return a parser for runs on a file that is there: also ``--input`` and ``--name``."""
    parser = run_arguments(about, rounds=rounds)
    parser.add_argument("--input", type=Path, required=True, help="a file of benches.generate")
    parser.add_argument("--name", default=None, help=f"of the record; default: {name}")
    return parser


def rows_of(source: Path) -> int:
    """Return the rows of a file, or end the program with what to do."""
    if (rows := count_rows(source)) is None:
        raise SystemExit(f"{source} is not Parquet; make it with python -m benches.generate")
    return rows
