"""`LengthBatchSampler`: batches of rows of similar length (bucketing), to save padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import optional, whole
from fastsample._public import public
from fastsample._training.planned import PlannedOrder, part, slices
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastsample._training.dataset import Dataset
    from fastsample._training.token_dataset import TokenDataset

_MOST_ROWS = 2**31


@public
@dataclass(frozen=True)
class Padding:
    """Elements of an epoch's batches, padding included, in the unit of the lengths.

    Attributes
    ----------
    used : int
        Sum of the lengths of all rows.
    padded : int
        Rows times the longest of them, summed over all batches.
    padded_unsorted : int
        The same for batches of the same mean number of rows in random order.
    """

    used: int
    padded: int
    padded_unsorted: int

    @property
    def saved(self) -> float:
        """The share of all elements that batches of similar length save: 0 to 1."""
        return 1 - self.padded / self.padded_unsorted if self.padded_unsorted else 0.0

    @property
    def padding_saved(self) -> float:
        """The share of the padding alone that they save: 0 to 1."""
        waste = self.padded_unsorted - self.used
        return 1 - (self.padded - self.used) / waste if waste else 0.0


@public
class LengthBatchSampler(PlannedOrder["_Plan"]):
    """Random batches of rows of similar length, equally many for every rank, resumable.

    Rows are taken in the random order of the epoch, sorted by length within windows of `window`
    steps, and cut into steps; then the steps are shuffled. In a step all ranks have rows of about
    the same length.

    Parameters
    ----------
    lengths
        The length of each row, in characters or tokens, as an array; or a
        :class:`fastsample.Dataset`, whose rows are measured in characters, or a
        :class:`fastsample.TokenDataset`, in tokens.
    batch_size
        Rows of a rank's batch; the most rows if `max_tokens` is given.
    max_tokens
        Rows of a batch times the longest of them, at most, in the unit of the lengths. A row that
        is longer alone is a batch of its own.
    seed
        From 0 to 2**64 - 1.
    num_replicas, rank
        How many processes share the rows, and which of them this is.
    drop_last
        Drop the last step if it is not full. Otherwise its rows are distributed, and a rank
        without a row repeats one of the step.
    window
        Steps that are sorted together. More save more padding and mix less.

    Examples
    --------
    >>> import numpy as np, fastsample
    >>> lengths = np.arange(1000) * 7919 % 1000
    >>> batches = fastsample.LengthBatchSampler(lengths, batch_size=10, seed=1)
    >>> len(batches), batches.padding().saved > 0.4
    (100, True)
    """

    def __init__(
        self,
        lengths: Dataset | TokenDataset | npt.ArrayLike,
        batch_size: int | None = None,
        *,
        max_tokens: int | None = None,
        seed: int = 42,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
        window: int = 100,
    ) -> None:
        if batch_size is None and max_tokens is None:
            raise ArgumentError("pass batch_size, max_tokens or both")
        self.batch_size = optional(whole, "batch_size", batch_size, least=1)
        self.max_tokens = optional(whole, "max_tokens", max_tokens, least=1)
        self._window = whole("window", window, least=1)
        super().__init__(
            lengths, seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last
        )

    def padding(self) -> Padding:
        """Return the elements of the epoch's batches, padding included, and of random batches."""
        return self._plan(self._upcoming).padding

    @property
    def _stride(self) -> int:
        return 1

    def _made(self, epoch: int) -> _Plan:
        return _Plan(self, epoch)

    def _identity(self) -> dict[str, Any]:
        shape: dict[str, Any] = {"window": self._window, "max_tokens": self.max_tokens}
        if self.max_tokens is None and self.batch_size is not None:
            shape["rows_per_step"] = self.batch_size * self.num_replicas
        else:
            shape |= {"batch_size": self.batch_size, "num_replicas": self.num_replicas}
        return {"sampler": "length", "data": self._data(), "seed": self.seed, **shape}


class _Plan:
    """The steps of an epoch."""

    def __init__(self, sampler: LengthBatchSampler, epoch: int) -> None:
        import pyarrow as pa

        self._ranks = ranks = sampler.num_replicas
        rows, ends, sums = _fastsample.plan_batches(
            pa.array(sampler._lengths),
            seed=sampler.seed,
            epoch=epoch,
            ranks=ranks,
            rows=_MOST_ROWS if sampler.batch_size is None else sampler.batch_size,
            budget=sampler.max_tokens,
            window=sampler._window,
        )
        self._rows, self._ends = slices((rows, ends))
        self.padding = Padding(*sums)
        last = part(self._rows, self._ends, len(self._ends) - 1)
        full = len(last) % ranks == 0
        if sampler.max_tokens is None and sampler.batch_size is not None:
            full = len(last) == ranks * sampler.batch_size
        self.end = len(self._ends) - (1 if sampler.drop_last and not full else 0)

    def batch(self, place: int, rank: int) -> list[int]:
        """Return the rows of a rank in a step; as many for each, some twice if need be."""
        import numpy as np

        step = part(self._rows, self._ends, place)
        each = -(-len(step) // self._ranks)
        batch: list[int] = step[(np.arange(each) * self._ranks + rank) % len(step)].tolist()
        return batch
