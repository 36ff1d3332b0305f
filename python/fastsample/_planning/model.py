"""The arithmetic of a plan: steps of an epoch, seconds of a step."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from fastsample._arguments import whole
from fastsample._planning.limits import Limit, total
from fastsample._planning.padding import LengthFacts
from fastsample._public import public
from fastsample.errors import ArgumentError


@public
@dataclass(frozen=True)
class Scenario:
    """A way to train, and how long it takes.

    Attributes
    ----------
    name : str
        What is different from now.
    rows, epochs : int
        Rows of an epoch, epochs.
    steps : int
        Optimizer steps of an epoch.
    seconds_per_step : float
        Of an optimizer step.
    max_length : int, dict of str to int, or None
        Tokens at which rows are cut, or those of each column that is cut apart.
    padding : str
        ``max_length``, ``longest`` (row of the batch) or ``grouped`` (batches of similar lengths).
    distinct_rows : int
        Rows that the model sees at least once.
    basis : str
        Where `seconds_per_step` comes from: ``measured``, ``line`` through a measured pair, or
        ``model``.
    gpu_memory : float or None
        GiB on a device: as measured at the length now, an estimate at other lengths.
    """

    name: str
    rows: int
    epochs: int
    steps: int
    seconds_per_step: float
    max_length: int | dict[str, int] | None
    padding: str
    distinct_rows: int
    basis: str
    gpu_memory: float | None = None

    @property
    def hours_per_epoch(self) -> float:
        """Hours of one epoch."""
        return self.steps * self.seconds_per_step / 3600

    @property
    def hours(self) -> float:
        """Hours of all epochs."""
        return self.hours_per_epoch * self.epochs

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {**asdict(self), "hours_per_epoch": self.hours_per_epoch, "hours": self.hours}


class Schedule:
    """The number of steps for a number of rows, and back."""

    def __init__(
        self, rows: int, batch_size: int | None, devices: int, accumulation: int, steps: int | None
    ) -> None:
        if (batch_size is None) == (steps is None):
            raise ArgumentError(
                "give batch_size (rows per device), or steps (the trainer's count for an epoch now)"
            )
        self._rows = rows
        self._measured = steps is not None
        parts = whole("devices", devices, least=1), whole("accumulation", accumulation, least=1)
        if steps is not None:
            steps = whole("steps", steps, least=1)
            if steps > rows:
                raise ArgumentError(f"steps is {steps:,}, more than the {rows:,} rows")
            self._per_step = Fraction(rows, steps)
        else:
            self._per_step = Fraction(whole("batch_size", batch_size, least=1) * math.prod(parts))

    @property
    def rows_per_step(self) -> float:
        """Rows of a step."""
        return float(self._per_step)

    def steps(self, rows: int) -> int:
        """Return the steps of an epoch of `rows` rows, at least one."""
        exact = rows / self._per_step
        return max(1, math.floor(exact) if self._measured else math.ceil(exact))

    def rows_within(self, hours: float, epochs: int, seconds_per_step: float) -> int:
        """Return the largest number of rows whose epochs fit into `hours`."""
        # A hair more: 41.3 h must not lose a step to rounding.
        steps = math.floor(hours * 3600 / (epochs * seconds_per_step) * (1 + 1e-12))
        if steps < 1:
            shortest = epochs * seconds_per_step / 3600
            raise ArgumentError(
                f"{hours:g} h are not enough for one step an epoch ({shortest:.3g} h)"
            )
        if self._measured:
            return min(self._rows, math.ceil((steps + 1) * self._per_step) - 1)
        return min(self._rows, math.floor(steps * self._per_step))

    def assumptions(self) -> tuple[str, ...]:
        """Return the assumptions behind the number of steps."""
        if self._measured:
            return (
                f"steps are in proportion to rows ({self.rows_per_step:.2f} a step now), "
                "rounded down",
            )
        return (f"a step takes {self._per_step} rows; the last step of an epoch may take fewer",)


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step as a function of what it processes.

    With a measured pair (seconds at two lengths), times lie on the line through it. Otherwise
    seconds = now x (fixed + (1 - fixed) x tokens / tokens now). The part of attention that grows
    with the square of the length is left out; it makes cutting long texts pay more than this says.
    """

    seconds: float
    length: Limit | None
    padding: str
    new_seconds: float | None
    new_length: Limit | None
    fixed_share: float
    facts: dict[Limit, LengthFacts]
    unit: str = "tokens"

    def of(self, length: Limit | None, padding: str, *, new: bool) -> tuple[float, str]:
        """Return the seconds of a step and where they come from."""
        if new and self.new_seconds is not None and padding == self.padding:
            return self.new_seconds, "measured"
        if length == self.length and padding == self.padding:
            return self.seconds, "measured"
        if length is None or self.length is None:
            return (self.new_seconds if new and self.new_seconds else self.seconds), "measured"
        tokens, now = self._tokens(length, padding), self._tokens(self.length, self.padding)
        if self.new_seconds is not None and self.new_length not in (None, self.length):
            other = self._tokens(self.new_length or 0, self.padding)
            slope = (self.new_seconds - self.seconds) / (other - now) if other != now else 0.0
            line = self.seconds + slope * (tokens - now)
            return max(line, self.seconds * 0.01), "line"
        base = self.seconds if self.new_seconds is None or not new else self.new_seconds
        return base * (self.fixed_share + (1 - self.fixed_share) * tokens / now), "model"

    def _tokens(self, length: Limit, padding: str) -> float:
        facts = self.facts.get(length)
        return float(total(length)) if facts is None else max(facts.padded(padding), 1e-9)

    def assumptions(self, known: bool) -> tuple[str, ...]:
        """Return the assumptions behind the time of a step."""
        if self.new_seconds is not None and self.new_length not in (None, self.length):
            how = (
                f"times of other lengths lie on the line through {self.seconds:g} s at "
                f"{_named(self.length)} {self.unit} and {self.new_seconds:g} s at "
                f"{_named(self.new_length)}"
            )
        elif self.length is None:
            how = "a step takes as long as measured; lengths are not modelled"
        else:
            how = (
                f"{self.fixed_share:.0%} of a step's time does not depend on the length, the rest "
                f"is in proportion to the {self.unit}; attention's square is left out"
            )
        where = f"{self.unit} are those of the batch padded" if known else "every row is padded"
        return how, f"{where} to {self.padding.replace('_', ' ')}"


def _named(limit: Limit | None) -> str:
    """Return a limit in words."""
    if isinstance(limit, tuple):
        return " + ".join(f"{each} ({name})" for name, each in limit)
    return str(limit)
