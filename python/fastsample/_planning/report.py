"""`Plan`: the result of `plan` as a table, JSON, a plot, and settings to train with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastsample._arguments import flag, output_path
from fastsample._layout import Block, as_html, as_text
from fastsample._planning.model import Scenario
from fastsample._planning.padding import LengthFacts
from fastsample._public import public
from fastsample.errors import ArgumentError, SourceTypeError


@public
@dataclass(frozen=True)
class Plan:
    """What :func:`fastsample.plan` found.

    Attributes
    ----------
    rows : int
        Rows of the data set.
    now : Scenario
        Training as it is.
    wanted : Scenario or None
        Training with everything that was asked for; None if nothing was.
    alternatives : tuple of Scenario
        The present, single changes, and all of them together.
    budget_hours : float or None
        The hours that `wanted` was fitted into.
    lengths : tuple of LengthFacts
        Per limit in tokens, what is cut off and what padding costs. Empty if lengths are unknown.
    assumptions : tuple of str
        What the numbers rest on, a sentence each.
    """

    rows: int
    now: Scenario
    wanted: Scenario | None
    alternatives: tuple[Scenario, ...]
    budget_hours: float | None
    lengths: tuple[LengthFacts, ...]
    assumptions: tuple[str, ...]
    _settings: dict[str, Any] = field(repr=False)
    #: Files that no plot and no settings may replace.
    _inputs: tuple[Path, ...] = field(default=(), repr=False, compare=False)

    def speed_up(self, scenario: Scenario) -> float:
        """Return how many times faster a scenario is than training as it is."""
        if not isinstance(scenario, Scenario):
            raise SourceTypeError(f"scenario is {scenario!r}; pass one of plan.alternatives")
        return self.now.hours / scenario.hours

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""

        def plain(scenario: Scenario) -> dict[str, Any]:
            return {**scenario.to_dict(), "speed_up": self.speed_up(scenario)}

        return {
            "rows": self.rows,
            "now": plain(self.now),
            "wanted": None if self.wanted is None else plain(self.wanted),
            "alternatives": [plain(scenario) for scenario in self.alternatives],
            "budget_hours": self.budget_hours,
            "lengths": [facts.to_dict() for facts in self.lengths],
            "assumptions": list(self.assumptions),
        }

    def _blocks(self) -> Iterator[Block]:
        from fastsample._planning.tables import blocks

        return blocks(
            self.alternatives, self.wanted, self.budget_hours, self.lengths, self.assumptions
        )

    def __str__(self) -> str:
        """Return the tables that the command line prints."""
        return as_text(self._blocks())

    def _repr_html_(self) -> str:
        return as_html(self._blocks())

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the hours of all alternatives into a PNG or SVG file. Needs the extra ``plot``."""
        from fastsample._planning.plot import plot_hours

        target = output_path("path", path)
        plot_hours(self.alternatives, self.wanted, self.now, target, self._inputs)

    def write_settings(
        self, path: str | os.PathLike[str], *, overwrite: bool = False
    ) -> tuple[Path, Path]:
        """Write the wanted settings, and the present ones beside them for rolling back.

        Parameters
        ----------
        path
            ``name.toml`` or ``name.json``. The present settings go to ``name.original.toml``.
        overwrite
            Replace files that are there with other contents.

        Returns
        -------
        tuple of Path
            The file of the wanted settings, and that of the present ones.

        Raises
        ------
        ArgumentError
            Nothing was asked for, or the file is neither TOML nor JSON.
        OutputError
            A file can't be written, or is there already.
        """
        from fastsample._planning.settings import write_pair

        overwrite = flag("overwrite", overwrite)
        if self.wanted is None:
            raise ArgumentError(
                "there are no changed settings to write; ask for a sample (n=), hours=, new_epochs="
                ", new_max_length= or new_seconds_per_step="
            )
        original = self._settings | _changing(self.now)
        return write_pair(
            output_path("path", path),
            original,
            self._settings | _changing(self.wanted),
            overwrite,
            self._inputs,
        )


def _changing(scenario: Scenario) -> dict[str, Any]:
    return {
        "rows": scenario.rows,
        "epochs": scenario.epochs,
        "max_length": scenario.max_length,
        "padding": scenario.padding,
        "seconds_per_step": scenario.seconds_per_step,
        "steps_per_epoch": scenario.steps,
        "hours": round(scenario.hours, 3),
    }
