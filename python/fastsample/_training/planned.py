"""The base of samplers that plan the batches of an epoch out of the lengths of the rows."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from fastsample._arguments import flag
from fastsample._training.mapped import MappedRows, fingerprint
from fastsample._training.resume import Cursor, ResumableOrder
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Plan(Protocol):
    """The batches of an epoch. Positions are those of the order."""

    end: int  #: The epoch ends at this position or after it.

    def batch(self, place: int, rank: int) -> list[int]:
        """Return the batch of a rank in the step that begins at a position."""


P = TypeVar("P", bound=Plan)


class PlannedOrder(ResumableOrder[list[int]], Generic[P]):
    """Batches out of lengths: what a step is, and how far it moves, is up to the sampler."""

    def __init__(
        self,
        lengths: MappedRows | npt.ArrayLike,
        *,
        seed: int,
        num_replicas: int,
        rank: int,
        drop_last: bool,
    ) -> None:
        import numpy as np

        super().__init__(seed, num_replicas, rank)
        self.drop_last = flag("drop_last", drop_last)
        found = lengths.lengths() if isinstance(lengths, MappedRows) else np.asarray(lengths)
        if found.size and not np.issubdtype(found.dtype, np.integer):
            raise SourceTypeError("lengths must be one whole number for each row")
        if found.ndim != 1 or len(found) == 0:
            raise ArgumentError("lengths must be one whole number for each row, at least one")
        if int(found.min()) < 0 or int(found.max()) >= 2**32:
            raise ArgumentError("lengths must be from 0 to 2**32 - 1")
        # Its file is read when a state is saved or loaded.
        self._file = lengths.path if isinstance(lengths, MappedRows) else None
        self._lengths = np.ascontiguousarray(found, dtype=np.uint32)
        self._planned: tuple[int, P] | None = None

    @property
    @abstractmethod
    def _stride(self) -> int:
        """How far a step of all ranks moves the position."""

    @abstractmethod
    def _made(self, epoch: int) -> P:
        """Return the plan of an epoch."""

    def __len__(self) -> int:
        """Return the batches of a rank in the epoch. Epochs may differ if tokens limit a batch."""
        return -(-max(0, self._plan(self._upcoming).end) // self._stride)

    def _plan(self, epoch: int) -> P:
        if self._planned is None or self._planned[0] != epoch:
            self._planned = epoch, self._made(epoch)
        return self._planned[1]

    def _end(self) -> int:
        return max(1, self._plan(self._epoch).end)

    def _data(self) -> str:
        """Return a hash of the lengths, and of the file that they belong to."""
        data = hashlib.blake2b(self._lengths.data, digest_size=16)
        if self._file is not None:
            data.update(fingerprint(self._file).encode())
        return data.hexdigest()

    def _cursor(self, epoch: int, place: int) -> _StepCursor:
        return _StepCursor(self, epoch, place)

    def _per_step(self, loader: Any) -> int:
        del loader
        return self._stride

    def _has_step(self, step: int) -> bool:
        del step
        return self._place < self._plan(self._epoch).end


class _StepCursor(Cursor[list[int]]):
    _order: PlannedOrder[Any]

    def _seek(self, epoch: int, place: int) -> None:
        self._epoch, self._place = epoch, place
        self._plan: Plan = self._order._plan(epoch)

    def __next__(self) -> list[int]:
        if self._place >= self._plan.end:
            self._order._drawn_epoch = self._epoch
            raise StopIteration
        batch = self._plan.batch(self._place, self._order.rank)
        self._place += self._order._stride
        return batch

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self._epoch, "place": self._place}


def slices(arrays: tuple[Any, Any]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the rows of a plan, and where each of its parts ends in them, as NumPy arrays."""
    import pyarrow as pa

    rows, ends = arrays
    return pa.array(rows).to_numpy(), pa.array(ends).to_numpy()


def part(
    rows: npt.NDArray[np.uint64], ends: npt.NDArray[np.uint64], index: int
) -> npt.NDArray[np.uint64]:
    """Return the rows of a part of a plan."""
    start = int(ends[index - 1]) if index else 0
    return rows[start : int(ends[index])]
