"""`ResumableSampler`: a random permutation of the rows for several ranks, resumable anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any

from fastsample import _fastsample
from fastsample._arguments import flag, is_whole, whole
from fastsample._public import public
from fastsample._training.mapped import MappedRows, fingerprint
from fastsample._training.resume import Cursor, ResumableOrder
from fastsample._training.weighted_places import WeightedPlaces
from fastsample.errors import ArgumentError, SourceTypeError

#: Indices computed at once: enough to hide the call, few enough to cost no memory.
_CHUNK = 4096


@public
class ResumableSampler(ResumableOrder[int]):
    """A sampler in random order, the same for any number of ranks, resumable at any batch.

    The order of an epoch is a keyed bijection on [0, n), computed on the fly (a Feistel network
    with cycle walking: Black and Rogaway, 2002), so it takes no memory. Rank r of R yields the
    positions r, r + R, r + 2R, ... of it: what all ranks process in a step does not depend on R as
    long as all their batches together have the same size.

    Parameters
    ----------
    data
        The number of rows, or the dataset.
    seed
        From 0 to 2**64 - 1. Each epoch has an order of its own.
    num_replicas, rank
        How many processes share the rows, and which of them this is. With ``accelerate``, which
        deals batches out itself, leave both as they are.
    drop_last
        Drop the rows at the end that are too few for all ranks, up to R - 1. Otherwise ranks that
        lack a row repeat one of the first rows of the epoch.
    shuffle
        Whether the order is random. If not, rows come as they are stored, the same each epoch: so
        the rows of a mixture stay evenly mixed.
    weights
        A number for each row, finite and not negative. A row comes in an epoch as often as its
        share of them says, rounded up or down (systematic sampling); which way, and where it
        comes, is another for each epoch. It takes 8 bytes a row.
    num_samples
        With `weights`, the rows of an epoch, repeated ones counted. By default as many as there
        are rows.

    Raises
    ------
    ArgumentError
        A number out of range, weights that are no weights or not one for each row, or options
        that do not go together.

    Examples
    --------
    >>> import fastsample
    >>> sampler = fastsample.ResumableSampler(5, seed=1)
    >>> epoch = list(sampler)
    >>> sorted(epoch) == [0, 1, 2, 3, 4] and list(sampler) != epoch
    True
    >>> sampler.set_epoch(0)
    >>> sampler.advance(2)
    >>> list(sampler) == epoch[2:]
    True
    >>> sorted(fastsample.ResumableSampler(3, weights=[2, 0, 4], num_samples=6))
    [0, 0, 2, 2, 2, 2]
    """

    def __init__(
        self,
        data: int | Sized,
        seed: int = 42,
        *,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
        shuffle: bool = True,
        weights: Any = None,
        num_samples: int | None = None,
    ) -> None:
        super().__init__(seed, num_replicas, rank)
        try:
            rows = data if is_whole(data) else len(data)  # type: ignore[arg-type]
        except TypeError:
            raise SourceTypeError(
                f"data is {data!r}; it must be a number of rows or a dataset"
            ) from None
        self._n = whole("the number of rows", rows, least=1)
        # Of a dataset the path alone is kept: its file is read when a state is saved or loaded.
        self._file = data.path if isinstance(data, MappedRows) else None
        self._fingerprint = None if self._file else getattr(data, "fingerprint", None)
        self._drop_last = flag("drop_last", drop_last)
        self._shuffle = flag("shuffle", shuffle)
        self._weighted = self._weighted_places(weights, num_samples)

    def _weighted_places(self, weights: Any, num_samples: int | None) -> WeightedPlaces | None:
        if weights is None:
            if num_samples is not None:
                raise ArgumentError("num_samples is the number of rows drawn by weights; give both")
            return None
        if not self._shuffle:
            raise ArgumentError("weights draws rows in random order; leave out shuffle=False")
        rows = self._n
        self._n = rows if num_samples is None else whole("num_samples", num_samples, least=1)
        return WeightedPlaces(weights, rows, self._n, self.seed)

    def __len__(self) -> int:
        """Return the rows of a rank in a whole epoch."""
        return self._share(self._n)

    def _share(self, rows: int) -> int:
        return rows // self.num_replicas if self._drop_last else -(-rows // self.num_replicas)

    def _end(self) -> int:
        # Fewer rows than ranks are left: those are dropped.
        return max(1, self._n - self.num_replicas + 1) if self._drop_last else self._n

    def _identity(self) -> dict[str, Any]:
        known = self._fingerprint if self._file is None else fingerprint(self._file)
        data = known if isinstance(known, str) else None
        order: dict[str, Any] = {
            "sampler": "resumable" if self._shuffle else "resumable, unshuffled"
        }
        if self._weighted is not None:
            order = {"sampler": "resumable, weighted", "weights": self._weighted.fingerprint}
        return {**order, "rows": self._n, "data": data, "seed": self.seed}

    def _cursor(self, epoch: int, place: int) -> _RowCursor:
        return _RowCursor(self, epoch, place)

    def _per_step(self, loader: Any) -> int:
        if getattr(loader, "total_batch_size", None) is not None:  # accelerate
            return int(loader.total_batch_size)
        size = getattr(loader, "batch_size", None)
        if size is None:
            size = getattr(getattr(loader, "batch_sampler", None), "batch_size", None)
        if size is None:
            raise ArgumentError("the loader has no batch_size; call advance(rows) yourself")
        return int(size) * self.num_replicas

    def _has_step(self, step: int) -> bool:
        return self._share(self._n - self._place) * self.num_replicas >= step


class _RowCursor(Cursor[int]):
    _order: ResumableSampler

    def _seek(self, epoch: int, place: int) -> None:
        sampler = self._order
        self._epoch, self._start = epoch, place
        self._drawn = 0
        self._left = sampler._share(sampler._n - place) if place < sampler._n else 0
        self._permutation = _fastsample.Permutation(sampler._n, sampler.seed, epoch)
        self._chunk: Iterator[int] = iter(())

    def __next__(self) -> int:
        row = next(self._chunk, None)
        if row is None:
            if self._left == 0:
                self._order._drawn_epoch = self._epoch
                raise StopIteration
            self._chunk = iter(self._compute())
            row = next(self._chunk)
        self._drawn += 1
        return row

    def _compute(self) -> list[int]:
        sampler, step = self._order, self._order.num_replicas
        position = self._start + self._drawn * step + sampler.rank
        count = min(self._left, _CHUNK)
        if position >= sampler._n:  # padding, at most one row
            position, count = position % sampler._n, 1
        found = self._rows(position, step, count)
        self._left -= len(found)
        return found

    def _rows(self, position: int, step: int, count: int) -> list[int]:
        """Return the rows at `count` positions of the epoch, or at fewer if it ends."""
        import pyarrow as pa

        sampler = self._order
        if not sampler._shuffle:
            return list(range(position, min(position + step * count, sampler._n), step))
        places = pa.array(self._permutation.strided(position, step, count)).to_numpy()
        if sampler._weighted is not None:
            places = sampler._weighted.rows(self._epoch, places)
        found: list[int] = places.tolist()
        return found

    def state_dict(self) -> dict[str, Any]:
        place = self._start + self._drawn * self._order.num_replicas
        return {"epoch": self._epoch, "place": place}
