"""Rich's console, for the commands that print more than facts: importing it takes a while."""

from __future__ import annotations

import sys

from rich.console import Console

#: Tables for programs have no need to fit a screen.
_PIPED_WIDTH = 10_000

_ON_TERMINAL = sys.stdout is not None and sys.stdout.isatty()

# Names of files and columns are printed as they are, not as Rich's markup or emoji.
out = Console(
    highlight=False, markup=False, emoji=False, width=None if _ON_TERMINAL else _PIPED_WIDTH
)
