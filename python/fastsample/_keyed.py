"""Draws by a key from the frame of an engine, whose rows have no fixed order.

::

    rows of a frame ─▶ count ─▶ a window of numbers ─▶ tasks: rows below it, numbers within
                                                       └─▶ the threshold: the number of the last row
    rows of a frame ─▶ those whose key has at most that number

The number of a row depends on the seed and its key alone, so it does not matter how rows lie in
partitions.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from fastsample import _fastsample
from fastsample._arguments import check_seed, names, optional, string, whole
from fastsample._engines import DecidedSample
from fastsample._sampling.report import Report
from fastsample.errors import ArgumentError, ColumnError, SourceChangedError
from fastsample.parts.draw import check_version

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Numbers = npt.NDArray[np.uint64]
    Counts = npt.NDArray[np.int64]


class Window(NamedTuple):
    """Numbers among which the threshold is looked for, in bins of ``2 ** shift`` of them."""

    low: int
    high: int
    shift: int = 0


#: All numbers, in bins of which a state has at most 65,536.
_ALL = Window(0, 2**64 - 1, 48)

#: Rows within a window that a task keeps before it adds them up.
_WAITING = 1 << 16

#: What :meth:`KeyedDraw.observe` tells in a row: rows, those without a key, those below the window,
#: and of the bins that rows lie in the places and numbers of rows.
_NAMES = ["rows", "nulls", "below", "bins", "counts"]
FIELDS = "rows long, nulls long, below long, bins binary, counts binary"


@dataclass(frozen=True)
class KeyedDraw:
    """What all tasks have to agree in: small, and it can be pickled."""

    n: int
    key: str
    seed: int
    columns: tuple[str, ...] | None
    version: str = _fastsample.__version__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        check_version(self.version)

    def observe(
        self, batches: Iterable[pa.RecordBatch], window: Window
    ) -> Iterator[pa.RecordBatch]:
        """Yield one row: what some batches say of their keys."""
        import numpy as np
        import pyarrow as pa

        rows = nulls = below = waiting = 0
        bins: list[Numbers] = [np.empty(0, np.uint64)]
        counts: list[Counts] = [np.empty(0, np.int64)]
        for batch in batches:
            rows += batch.num_rows
            keys = batch.select([self.key])
            nulls += keys.column(0).null_count
            numbers = self._numbers(keys.filter(keys.column(0).is_valid()))
            below += int((numbers < window.low).sum())
            within = numbers[(numbers >= window.low) & (numbers <= window.high)]
            bins.append((within - np.uint64(window.low)) >> np.uint64(window.shift))
            counts.append(np.ones(len(within), np.int64))
            waiting += len(within)
            if waiting > _WAITING:
                found, totals = _totals(bins, counts)
                bins, counts, waiting = [found], [totals], 0
        told = [pa.array([count], pa.int64()) for count in (rows, nulls, below)]
        found, totals = _totals(bins, counts)
        data = (found.astype("<u8").tobytes(), totals.astype("<i8").tobytes())
        told += [pa.array([each], pa.binary()) for each in data]
        yield pa.RecordBatch.from_arrays(told, _NAMES)

    def keep(
        self, batches: Iterable[pa.RecordBatch], last: int, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows whose keys have numbers from `first` to `last`."""
        import pyarrow as pa

        for batch in batches:
            numbers = self._numbers(batch.select([self.key]))
            yield batch.filter(pa.array((numbers >= first) & (numbers <= last)))

    def check(self, known: Sequence[str], kind: pa.DataType | None) -> None:
        """Refuse columns that are not there, and a key without plain values of the type `kind`."""
        import pyarrow as pa

        for option, wanted in (("key", (self.key,)), ("columns", self.columns or ())):
            for name in wanted:
                if (found := list(known).count(name)) != 1:
                    there = f"are {found} columns" if found else "is no column"
                    raise ColumnError(
                        f"{option}: there {there} {name!r}; the columns are {', '.join(known)}"
                    )
        if kind is not None:
            self._numbers(pa.RecordBatch.from_arrays([pa.array([], kind)], [self.key]))

    @property
    def needed(self) -> list[str] | None:
        """The columns that are read for the rows; None for all."""
        return None if self.columns is None else list(dict.fromkeys((*self.columns, self.key)))

    def _numbers(self, batch: pa.RecordBatch) -> Numbers:
        import pyarrow as pa

        numbers: Numbers = pa.array(_fastsample.key_numbers(batch, self.key, self.seed)).to_numpy()
        return numbers


def keyed_draw(n: int, key: str, seed: int, columns: Sequence[str] | None) -> KeyedDraw:
    """Return the draw that arguments describe."""
    kept = optional(names, "columns", columns)
    return KeyedDraw(
        whole("n", n, least=1),
        string("key", key),
        check_seed(seed),
        None if kept is None else tuple(kept),
    )


class Frame(ABC):
    """Rows of an engine, and what its tasks say of them."""

    def __init__(self, draw: KeyedDraw) -> None:
        self.draw = draw

    @abstractmethod
    def check(self) -> None:
        """Refuse columns that are not there or do not fit."""

    @abstractmethod
    def count(self) -> int:
        """Return the number of rows."""

    @abstractmethod
    def observed(self, window: Window) -> Iterable[Mapping[str, Any]]:
        """Return what tasks say of all rows."""

    @abstractmethod
    def key_of(self, number: int) -> Any:
        """Return a key that has this number."""

    @abstractmethod
    def plain_errors(self) -> AbstractContextManager[None]:
        """Raise what a task failed with, without what the engine puts around it."""


F = TypeVar("F", bound=Frame)


class FrameSample(DecidedSample, Generic[F]):
    """A sample of a frame; tasks filter its rows when they are asked for."""

    def __init__(self, frame: F, started: float) -> None:
        self._frame, draw = frame, frame.draw
        with frame.plain_errors():
            frame.check()
            rows = frame.count()
            self._threshold, self._rounds = _threshold(frame, rows)
        seconds = time.perf_counter() - started
        super().__init__(Report(rows, draw.n, draw.seed, seconds, key=draw.key))

    @property
    def threshold(self) -> int:
        """The rows are those whose keys have at most this number, of 64 bits."""
        return self._threshold

    @property
    def rounds(self) -> int:
        """How often the column of keys was read to find the threshold: once, rarely three times."""
        return self._rounds


def _threshold(frame: Frame, rows: int) -> tuple[int, int]:
    """Return the number of the last of `n` rows, and how many rounds found it."""
    import numpy as np

    n = frame.draw.n
    if n > rows:
        raise ArgumentError(
            f"n is {n}, but the source has only {rows} rows; ask for at most {rows}"
        )
    window = Window(*_fastsample.key_window(rows, n))
    for round_ in range(1, 4):
        below, bins, counts = _told(frame, rows, window)
        if below == n:
            return window.low - 1, round_
        up_to = below + counts.cumsum()
        place = int(np.searchsorted(up_to, n))
        if n < below or place == len(bins):  # a chance below 10^-6, or keys that are not distinct
            window = _ALL
            continue
        first = window.low + (int(bins[place]) << window.shift)
        if window.shift:
            window = Window(first, first + (1 << window.shift) - 1)
        elif up_to[place] == n:
            return first, round_
        else:
            raise _divided(frame, first, int(counts[place]), int(up_to[place]))
    raise SourceChangedError(f"the frame has other rows each time it is computed; {_KEEP}")


#: What to do about a frame that changes.
_KEEP = "keep it (cache, persist, materialize) or write it to files, and draw again"


def _told(frame: Frame, rows: int, window: Window) -> tuple[int, Numbers, Counts]:
    """Return how many rows lie below a window, and the numbers of rows of bins within."""
    import numpy as np

    seen = list(frame.observed(window))
    counted, nulls, below = (sum(part[name] for part in seen) for name in _NAMES[:3])
    if counted != rows:
        raise SourceChangedError(
            f"the frame had {rows} rows, and {counted} when it was computed again; {_KEEP}"
        )
    if nulls:
        raise ArgumentError(
            f"key: column {frame.draw.key!r} is null in {nulls} of {rows} rows; each row needs a "
            "key: filter such rows out, or mend them"
        )
    return below, *_totals(
        [np.frombuffer(part["bins"], "<u8") for part in seen],
        [np.frombuffer(part["counts"], "<i8") for part in seen],
    )


def _totals(bins: Sequence[Numbers], counts: Sequence[Counts]) -> tuple[Numbers, Counts]:
    """Return the bins, ascending, each once, and the sums of their counts."""
    import numpy as np

    found, place = np.unique(np.concatenate(bins), return_inverse=True)
    sums = np.zeros(len(found), np.int64)
    np.add.at(sums, place, np.concatenate(counts))
    return found, sums


def _divided(frame: Frame, number: int, rows: int, up_to: int) -> ArgumentError:
    draw = frame.draw
    fits = " or ".join(f"{count}" for count in (up_to - rows, up_to) if count)
    return ArgumentError(
        f"key: {rows} rows have the key {frame.key_of(number)!r} in column {draw.key!r}, and n = "
        f"{draw.n} ends between them; rows of one key are drawn together: ask for {fits} rows, or "
        "name a column of distinct values"
    )
