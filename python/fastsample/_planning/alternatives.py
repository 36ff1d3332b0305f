"""The scenarios of a plan: the present, single changes, all changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastsample._arguments import optional, whole
from fastsample._planning.limits import Limit, check_limit, check_pair, shown
from fastsample._planning.memory import GpuMemory
from fastsample._planning.model import Scenario, Schedule, StepTime
from fastsample._planning.recipes import RECIPES, Recipe
from fastsample.errors import ArgumentError

#: Shares of the rows that are shown when neither `n` nor `hours` is given.
_SHARES = (0.1, 0.3, 0.5)


@dataclass(frozen=True)
class Change:
    """Epochs and lengths now and as wanted; equal where nothing changes."""

    epochs: int
    new_epochs: int
    max_length: Limit | None
    new_length: Limit | None
    padding: str
    new_seconds: bool

    @property
    def more_epochs(self) -> bool:
        """Whether the number of epochs changes."""
        return self.new_epochs != self.epochs

    @property
    def step_time(self) -> bool:
        """Whether the time of a step changes."""
        return self.new_length != self.max_length or self.new_seconds


def changed(
    epochs: int,
    new_epochs: int | None,
    max_length: object,
    new_max_length: object,
    padding: str,
    new_seconds: bool,
    recipe: Recipe | None,
) -> Change:
    """Check the present and the wanted values; what is not given is that of the recipe."""
    now = whole("epochs", epochs, least=1)
    then = now if recipe is None else recipe.new_epochs(now)
    if new_epochs is not None:
        then = whole("new_epochs", new_epochs, least=1)
    limit = optional(check_limit, "max_length", max_length)
    new_limit = optional(check_limit, "new_max_length", new_max_length)
    check_pair(limit, new_limit)
    if limit is None and new_limit is not None and not new_seconds:
        raise ArgumentError(
            "new_max_length needs max_length, the tokens now, or new_seconds_per_step"
        )
    if new_limit is None:
        new_limit = limit if recipe is None else recipe.new_length(limit)
    return Change(now, then, limit, new_limit, padding, new_seconds)


class Alternatives:
    """The present, single changes, and all of them together.

    `wanted` has everything that was asked for; it is None if nothing was.
    """

    def __init__(
        self,
        rows: int,
        n: int | None,
        change: Change,
        schedule: Schedule,
        time: StepTime,
        *,
        lengths_known: bool,
        memory: GpuMemory | None = None,
        recipe: str | None = None,
    ) -> None:
        self._rows = rows
        self._n = n
        self._change = change
        self._schedule = schedule
        self._time = time
        self._lengths_known = lengths_known
        self._memory = memory
        self._recipe = recipe
        self.now = self._scenario("as it is", rows, change.epochs)
        self.wanted = None
        if n is not None or change.step_time or change.more_epochs:
            self.wanted = self._all_changes("all changes")

    def table(self) -> Iterator[Scenario]:
        """Yield the scenarios, the present first."""
        yield self.now
        yield from self._single_changes()
        if self.wanted is None:
            return
        yield self.wanted
        change = self._change
        if self._lengths_known and change.new_length is not None:
            yield self._all_changes("all changes, length batching", padding="grouped")
        if self._wanted_rows < self._rows and change.new_epochs > 1:
            yield self._all_changes("all changes, fresh rows every epoch", fresh=True)
        if self._recipe is not None:
            yield from self._other_recipes(self._recipe)

    @property
    def _wanted_rows(self) -> int:
        return self._rows if self._n is None else self._n

    def _single_changes(self) -> Iterator[Scenario]:
        rows, n, change = self._rows, self._n, self._change
        if change.more_epochs:
            yield self._scenario("other epochs", rows, change.new_epochs)
        if change.step_time:
            name = "other length" if change.new_length != change.max_length else "other step time"
            yield self._scenario(name, rows, change.epochs, length=change.new_length, new=True)
        if self._lengths_known and change.max_length is not None:
            yield self._scenario("length batching", rows, change.epochs, padding="grouped")
        samples = [n] if n is not None else [max(1, int(rows * share)) for share in _SHARES]
        for size in samples:
            if size < rows:
                yield self._scenario(f"sample of {size:,}", size, change.epochs)
        if n is not None and change.more_epochs:
            yield self._scenario("sample, other epochs", n, change.new_epochs)

    def _other_recipes(self, chosen: str) -> Iterator[Scenario]:
        for name, recipe in RECIPES.items():
            if name != chosen:
                length = recipe.new_length(self._change.max_length)
                epochs = recipe.new_epochs(self._change.epochs)
                yield self._scenario(
                    f"recipe {name}", recipe.n(self._rows), epochs, length=length, new=True
                )

    def _all_changes(
        self, name: str, *, padding: str | None = None, fresh: bool = False
    ) -> Scenario:
        change = self._change
        return self._scenario(
            name,
            self._wanted_rows,
            change.new_epochs,
            length=change.new_length,
            padding=padding,
            new=True,
            fresh=fresh,
        )

    def _scenario(
        self,
        name: str,
        rows: int,
        epochs: int,
        *,
        length: Limit | None = None,
        padding: str | None = None,
        new: bool = False,
        fresh: bool = False,
    ) -> Scenario:
        """Return a scenario of `rows` an epoch; without `new`, lengths are those of now."""
        change = self._change
        limit = length if new else change.max_length
        way = change.padding if padding is None else padding
        seconds, basis = self._time.of(limit, way, new=new)
        distinct = min(self._rows, rows * epochs) if fresh else rows
        steps = self._schedule.steps(rows)
        memory = None if self._memory is None else self._memory.of(limit)
        return Scenario(
            name, rows, epochs, steps, seconds, shown(limit), way, distinct, basis, memory
        )
