"""A progress bar for long work, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastsample.errors import SourceTypeError

#: Called repeatedly with the rows done and the rows in all (0 while unknown).
Callback = Callable[[int, int], object]

#: Work shorter than this shows nothing.
_PATIENCE_SECONDS = 0.8


def check_progress(progress: object) -> None:
    """Refuse what :func:`reporting` does not take."""
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise SourceTypeError(
            f"progress is {progress!r}; it must be True, False, None or a function"
        )


@contextmanager
def reporting(progress: bool | Callback | None, task: str) -> Iterator[Callback | None]:
    """Turn the `progress` argument of a public function into a callback.

    None shows a bar when standard error is a terminal and the work takes long, True shows it
    always, False never; a callable is passed on.
    """
    check_progress(progress)
    if callable(progress):
        yield progress
    elif progress is True or (progress is None and sys.stderr is not None and sys.stderr.isatty()):
        bar = _Bar(task, 0.0 if progress else _PATIENCE_SECONDS)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield None


#: Columns of a terminal that the numbers of a bar take, the rate and ten bars included.
_WIDTH_OF_RATE = 72


class _Bar:
    """A bar with rate and time left, which appears once the work has taken a while."""

    def __init__(self, task: str, patience: float) -> None:
        self._task = task
        self._visible_from = time.monotonic() + patience
        self._bar: Any = None
        self._id: Any = None

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() < self._visible_from:
            return
        if self._bar is None:
            self._open()
        rate = f"{done / max(time.monotonic() - self._started, 1e-3):,.0f} rows/s"
        self._bar.update(self._id, completed=done, total=total or None, rate=rate)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._started = time.monotonic()
        console = Console(stderr=True)
        # The numbers stay whole on a narrow terminal; the bar and the rate go first.
        shown = [TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn()]
        if console.width >= _WIDTH_OF_RATE:
            shown.insert(2, TextColumn("{task.fields[rate]}"))
            shown.insert(1, BarColumn(min(40, console.width - _WIDTH_OF_RATE + 10)))
        self._bar = Progress(*shown, console=console, transient=True)
        self._bar.start()
        self._id = self._bar.add_task(self._task, total=None, rate="")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
