"""`TokenBatch`: rows of token ids as views, picked by position where they lie."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, overload

from fastsample import _fastsample
from fastsample._training.dataset import positions, positions_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    #: A row: for each of its sequences the ids, uint16 or uint32, which can't be written to; and
    #: perhaps which of them are of answers, uint8.
    Row = dict[str, npt.NDArray[np.uint16] | npt.NDArray[np.uint32] | npt.NDArray[np.uint8]]

    #: The first row of each part of a table, and the name, offsets and ids of its columns.
    Parts = tuple[list[int], list[list[tuple[str, Any, Any]]]]


#: The column with the bounds of answers, and what rows have in its place, as in `transformers`.
ANSWERS = "answers"
MASK = "assistant_masks"


class TokenRows:
    """The rows of a table of token ids."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.native = _fastsample.TokenRows.from_table(table)
        self._parts: Parts | None = None

    def __len__(self) -> int:
        return len(self.native)

    def _opened(self) -> Parts:
        """Return the parts of the table as arrays.

        Two threads may both make them at first: there is no lock for a forked child to wait for.
        """
        batches = self._table.to_batches()
        starts = list(accumulate((batch.num_rows for batch in batches[:-1]), initial=0))

        def arrays(lists: pa.ListArray) -> tuple[Any, Any]:
            return lists.offsets.to_numpy(), lists.values.to_numpy()

        names = self._table.schema.names
        parts = [
            [(name, *arrays(batch.column(i))) for i, name in enumerate(names)] for batch in batches
        ]
        return starts, parts

    def view(self, position: int) -> Row:
        """Return the row at a position. Its ids are not copied."""
        opened = self._parts
        if opened is None:
            opened = self._parts = self._opened()
        starts, parts = opened
        part = bisect_right(starts, position) - 1
        row = position - starts[part]
        found = {name: ids[offsets[row] : offsets[row + 1]] for name, offsets, ids in parts[part]}
        if ANSWERS in found:
            found[MASK] = _mask(found.pop(ANSWERS), len(found["input_ids"]))
        return found


def _mask(bounds: Any, length: int) -> npt.NDArray[np.uint8]:
    """Return 1 for each token of an answer, else 0, from where answers begin and end."""
    import numpy as np

    steps = np.zeros(length + 1, np.uint8)
    steps[bounds] = 1
    mask: npt.NDArray[np.uint8] = np.bitwise_xor.accumulate(steps)[:length]
    return mask


def bounds_of(mask: Any) -> npt.NDArray[np.uint32]:
    """Return where answers begin and end, from 1 for each of their tokens and 0 for others."""
    import numpy as np

    edges = np.diff(np.asarray(mask) != 0, prepend=False, append=False)
    return np.flatnonzero(edges).astype(np.uint32)


class TokenBatch(Sequence["Row"]):
    """Rows of token ids: a list of dicts of NumPy views, each made when it is asked for."""

    def __init__(self, rows: TokenRows, wanted: Sequence[int]) -> None:
        self.rows = rows
        self.positions = positions(wanted, len(rows))

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> TokenBatch: ...
    def __getitem__(self, index: int | slice) -> Row | TokenBatch:
        if isinstance(index, slice):
            chosen = positions_of(index, len(self))
            return TokenBatch(self.rows, [self.positions[i] for i in chosen])
        return self.rows.view(self.positions[index])

    def __iter__(self) -> Iterator[Row]:
        return map(self.rows.view, self.positions)

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of token ids>"
