"""The base of resumable samplers: a position in an epoch that can be saved and loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from fastsample._arguments import check_seed, whole
from fastsample.errors import ArgumentError, SourceTypeError

T = TypeVar("T")
Batch = TypeVar("Batch")


class Cursor(ABC, Generic[T]):
    """An iterator over the rest of an epoch with torchdata's state_dict protocol."""

    def __init__(self, order: ResumableOrder[T], epoch: int, place: int) -> None:
        self._order = order
        self._seek(epoch, place)

    @abstractmethod
    def _seek(self, epoch: int, place: int) -> None:
        """Go to a position in an epoch."""

    @abstractmethod
    def __next__(self) -> T:
        """Return the next item, or mark the epoch of the order as exhausted."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the position, counting what was drawn."""

    def __iter__(self) -> Iterator[T]:
        return self

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a saved position."""
        self._seek(state["epoch"], state["place"])


class ResumableOrder(ABC, Generic[T]):
    """The order of an epoch, and how much of it has been consumed.

    ``_place`` counts what all ranks together have consumed of epoch ``_epoch``; it moves when the
    consumer says so, not when items are drawn, because data loaders draw ahead.
    """

    def __init__(self, seed: int, num_replicas: int, rank: int) -> None:
        self.seed = check_seed(seed)
        self.num_replicas = whole("num_replicas", num_replicas, least=1)
        self.rank = whole("rank", rank, least=0, most=self.num_replicas - 1)
        self._epoch = 0
        self._place = 0
        self._loaded_epoch = 0
        self._drawn_epoch: int | None = None

    @property
    def epoch(self) -> int:
        """The epoch, from 0."""
        return self._epoch

    @property
    def consumed(self) -> int:
        """Rows, or batches of every rank, that all ranks together have consumed of the epoch."""
        return self._place

    @abstractmethod
    def _end(self) -> int:
        """Return the position at which the epoch ends."""

    @abstractmethod
    def _identity(self) -> dict[str, Any]:
        """Return the values that must equal those of a saved state, by name."""

    @abstractmethod
    def _cursor(self, epoch: int, place: int) -> Cursor[T]:
        """Return an iterator from a position on."""

    @abstractmethod
    def _per_step(self, loader: Any) -> int:
        """Return how far a batch of `loader` moves the position."""

    @abstractmethod
    def _has_step(self, step: int) -> bool:
        """Return whether a whole step of every rank is left of the epoch."""

    def __iter__(self) -> Iterator[T]:
        """Yield what is left of the epoch; of the next one, if nothing is left."""
        if self._upcoming != self._epoch:
            self._begin(self._upcoming)
        return self._cursor(self._epoch, self._place)

    @property
    def _upcoming(self) -> int:
        """The epoch that iteration begins with."""
        return self._epoch + 1 if self._drawn_epoch == self._epoch else self._epoch

    def _begin(self, epoch: int) -> None:
        self._epoch, self._place, self._drawn_epoch = epoch, 0, None

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch; keep the position if it is the current one.

        After a state was loaded, earlier epochs are ignored: loaders that count their own
        epochs begin at 0 again when a run is resumed.
        """
        epoch = whole("epoch", epoch, least=0)
        if epoch != self._epoch and epoch >= self._loaded_epoch:
            self._begin(epoch)

    def advance(self, count: int) -> None:
        """Count `count` as consumed, by all ranks together."""
        self._place += whole("count", count, least=0)
        if self._place >= self._end():
            self._begin(self._epoch + 1)

    def follow(self, loader: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the batches of a loader and count each as consumed when it is handed over.

        A state that is saved in the body of the loop includes the current batch: save it when
        the step is done. A loop that is left early goes on with the next batch.
        """
        if not hasattr(loader, "__iter__"):
            raise SourceTypeError(f"loader is {loader!r}; it must be a data loader")
        step, drops = self._per_step(loader), drops_last(loader)
        epoch: int | None = None
        finished = False
        try:
            for batch in loader:
                epoch = self._epoch
                self._count(step, drops)
                yield batch
            finished = True
        finally:
            self._drawn_epoch = None
            # Without a batch, what is left of the epoch is less than one, and is dropped.
            if finished and epoch in (None, self._epoch):
                self._begin(self._epoch + 1)

    def _count(self, step: int, drops: bool) -> None:
        """Count a step as consumed, and what is left of the epoch with it, if that is dropped."""
        epoch = self._epoch
        self.advance(step)
        if drops and self._epoch == epoch and not self._has_step(step):
            self._begin(epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the run: a few integers, and what they belong to."""
        return {**self._identity(), "epoch": self._epoch, "consumed": self._place}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the saved position of a run.

        Raises
        ------
        ArgumentError
            The state belongs to other data, another seed or another kind of sampler.
        """
        if not isinstance(state, Mapping):
            raise SourceTypeError(f"state is {state!r}; it must be what state_dict() returned")
        for name, mine in self._identity().items():
            if name not in state:
                raise ArgumentError(f"this is no state of a {type(self).__name__}: no {name!r}")
            if state[name] != mine:
                raise ArgumentError(
                    f"the state was saved with {name} {state[name]!r}, but this "
                    f"{type(self).__name__} has {mine!r}; resume with the same data and options"
                )
        epoch = whole("the state's epoch", state.get("epoch"), least=0)
        place = whole("the state's consumed", state.get("consumed"), least=0)
        self._begin(epoch)
        self.advance(place)
        self._loaded_epoch = self._epoch


def drops_last(loader: Any) -> bool:
    """Return whether a loader drops a last batch that is not full."""
    sampler = getattr(loader, "batch_sampler", None)
    return bool(getattr(loader, "drop_last", False) or getattr(sampler, "drop_last", False))
