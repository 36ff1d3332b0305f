"""`PackedBatchSampler`: rows whose tokens together come close to a number, without padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastsample import _fastsample
from fastsample._arguments import choice, whole
from fastsample._public import public
from fastsample._training.planned import PlannedOrder, part, slices
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastsample._training.dataset import Dataset
    from fastsample._training.token_dataset import TokenDataset

_TOO_LONG = ("error", "drop", "truncate")


@public
@dataclass(frozen=True)
class Packing:
    """What the packs of an epoch hold.

    Attributes
    ----------
    packs : int
        Packs of all ranks together.
    rows : int
        Rows in them.
    tokens : int
        Tokens in them, in the unit of the lengths.
    max_tokens : int
        Tokens of a pack, at most.
    dropped, truncated : int
        Rows that are longer, and were left out, or count as `max_tokens`.
    """

    packs: int
    rows: int
    tokens: int
    max_tokens: int
    dropped: int
    truncated: int

    @property
    def padding(self) -> float:
        """The share of the places that are empty, 0 to 1: padding, if packs are padded."""
        return 1 - self.tokens / (self.packs * self.max_tokens)


@public
class PackedBatchSampler(PlannedOrder["_Plan"]):
    """Batches of rows to lay end to end: at most `max_tokens` tokens, and nearly as many.

    Rows are taken in the random order of the epoch. In windows of `window` packs they are packed by
    best fit: each row, long ones first, goes into the fullest pack that has room. Then all packs
    of the epoch are shuffled. Each row is in one pack; packs don't depend on the number of ranks.

    A batch is a list of rows, one pack. The collator lays them end to end and marks where each
    begins, for instance ``transformers.DataCollatorWithFlattening``.

    Parameters
    ----------
    lengths
        The tokens of each row: a :class:`fastsample.TokenDataset`, or an array, as
        :func:`fastsample.token_lengths` counts them; or a :class:`fastsample.Dataset`, whose rows
        are measured in characters.
    max_tokens
        Tokens of a pack, at most, in the unit of the lengths.
    too_long
        What to do with longer rows: ``"error"`` refuses them, ``"drop"`` leaves them out,
        ``"truncate"`` counts them as `max_tokens`, for a collator that cuts them.
    seed
        From 0 to 2**64 - 1. Each epoch has packs of its own.
    num_replicas, rank
        How many processes share the packs, and which of them this is. Rank r of R has the packs
        r, r + R, r + 2R, ...
    drop_last
        Drop the packs at the end that are too few for all ranks, up to R - 1. Otherwise ranks that
        lack a pack repeat one of the first of the epoch.
    window
        Packs that are filled together. More leave less space empty.

    Examples
    --------
    >>> import numpy as np, fastsample
    >>> lengths = np.arange(1000) * 7919 % 1000
    >>> packs = fastsample.PackedBatchSampler(lengths, max_tokens=4096, seed=1)
    >>> len(packs), packs.packing().padding < 0.01
    (122, True)
    >>> max(int(lengths[pack].sum()) for pack in packs) <= 4096
    True
    """

    def __init__(
        self,
        lengths: Dataset | TokenDataset | npt.ArrayLike,
        max_tokens: int,
        *,
        too_long: Literal["error", "drop", "truncate"] = "error",
        seed: int = 42,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
        window: int = 1000,
    ) -> None:
        self.max_tokens = whole("max_tokens", max_tokens, least=1, most=2**32 - 1)
        self.too_long = choice("too_long", too_long, _TOO_LONG)
        self._window = whole("window", window, least=1)
        super().__init__(
            lengths, seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last
        )
        longer = self._lengths > self.max_tokens
        self._longer = int(longer.sum())
        if self._longer and self.too_long == "error":
            first = int(longer.argmax())
            raise ArgumentError(
                f"{self._longer:,} of {len(longer):,} rows are longer than max_tokens "
                f"{self.max_tokens:,}, first row {first} with {self._lengths[first]:,}; leave them "
                'out with too_long="drop", or pass too_long="truncate" if the collator cuts them'
            )
        if self._longer == len(longer) and self.too_long == "drop":
            raise ArgumentError(
                f"all rows are longer than max_tokens {self.max_tokens:,}; raise max_tokens"
            )

    def packing(self) -> Packing:
        """Return what the packs of the epoch hold, and the share of places that are empty."""
        return self._plan(self._upcoming).packing

    @property
    def _stride(self) -> int:
        return self.num_replicas

    def _made(self, epoch: int) -> _Plan:
        return _Plan(self, epoch)

    def _identity(self) -> dict[str, Any]:
        return {
            "sampler": "packed",
            "data": self._data(),
            "seed": self.seed,
            "max_tokens": self.max_tokens,
            "too_long": self.too_long,
            "window": self._window,
        }


class _Plan:
    """The packs of an epoch."""

    def __init__(self, sampler: PackedBatchSampler, epoch: int) -> None:
        import pyarrow as pa

        rows, ends, tokens = _fastsample.pack_rows(
            pa.array(sampler._lengths),
            seed=sampler.seed,
            epoch=epoch,
            capacity=sampler.max_tokens,
            cut=sampler.too_long == "truncate",
            window=sampler._window,
        )
        self._rows, self._ends = slices((rows, ends))
        packs = len(self._ends)
        longer, drops = sampler._longer, sampler.too_long == "drop"
        self.packing = Packing(
            packs=packs,
            rows=len(self._rows),
            tokens=tokens,
            max_tokens=sampler.max_tokens,
            dropped=longer if drops else 0,
            truncated=0 if drops else longer,
        )
        # Positions from which on too few packs are left for all ranks.
        self.end = packs - sampler.num_replicas + 1 if sampler.drop_last else packs

    def batch(self, place: int, rank: int) -> list[int]:
        """Return the pack of a rank; of the first ones, if it would be beyond the last."""
        pack: list[int] = part(self._rows, self._ends, (place + rank) % len(self._ends)).tolist()
        return pack
