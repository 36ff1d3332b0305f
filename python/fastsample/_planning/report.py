"""`Plan`: the result of `plan` as a table, JSON, a plot, and settings to train with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastsample._arguments import file_path, flag, number, optional, output_path
from fastsample._layout import Block, as_html, as_text
from fastsample._planning.model import Scenario
from fastsample._planning.padding import LengthFacts
from fastsample._planning.recipes import RECIPES
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
    recipe : str or None
        The recipe that was asked for.
    limit_in : str
        What limits count: ``tokens`` or ``characters``.
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
    recipe: str | None = None
    limit_in: str = "tokens"

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
            "recipe": self.recipe,
            "limit_in": self.limit_in,
        }

    def _blocks(self) -> Iterator[Block]:
        from fastsample._planning.tables import blocks

        return blocks(
            self.alternatives,
            self.wanted,
            self.budget_hours,
            self.lengths,
            self.limit_in,
            self.assumptions,
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
        self,
        path: str | os.PathLike[str],
        *,
        preset: str | None = None,
        names: Mapping[str, str] | None = None,
        train_file: str | os.PathLike[str] | None = None,
        learning_rate: float | None = None,
        new_learning_rate: float | None = None,
        overwrite: bool = False,
    ) -> tuple[Path, Path]:
        """Write the wanted settings, and the present ones beside them for rolling back.

        Parameters
        ----------
        path
            ``name.toml``, ``.json``, ``.yaml``, or ``.args``: flags for a shell, one a line. The
            present settings go to ``name.original.toml`` and so on.
        preset
            Write the settings that a trainer has under its names: ``huggingface`` (fields of
            ``TrainingArguments``), ``llama-factory``, ``axolotl``, ``chatlm-mini`` (``TrainConfig``
            of ChatLM-mini-Chinese). Without `preset` and `names`, all settings under our names.
        names
            Names of your own trainer: ``{"epochs": "num_epochs"}``. They add to those of `preset`.
        train_file
            The file of the sample. The present one is the source of the plan, if it is one file.
        learning_rate, new_learning_rate
            Now and as wanted, to be written; they change nothing in the plan. With a recipe, the
            wanted one is that of now times the recipe's factor by default.
        overwrite
            Replace files that are there with other contents.

        Returns
        -------
        tuple of Path
            The file of the wanted settings, and that of the present ones.

        Raises
        ------
        ArgumentError
            Nothing was asked for, a name is unknown, or the ending of the file is.
        OutputError
            A file can't be written, or is there already.
        """
        from fastsample._planning.names import added_length, check_names, renamed
        from fastsample._planning.settings import write_pair

        overwrite = flag("overwrite", overwrite)
        theirs = check_names(preset, names)
        rate = optional(number, "learning_rate", learning_rate, above=0)
        new_rate = optional(number, "new_learning_rate", new_learning_rate, above=0)
        optional(file_path, "train_file", train_file)
        # As it was given: what a `~` stands for is the trainer's affair.
        file = None if train_file is None else os.fspath(train_file)
        if self.wanted is None:
            raise ArgumentError(
                "there are no changed settings to write; ask for a sample (n=), hours=, new_epochs="
                ", new_max_length= or new_seconds_per_step="
            )
        if new_rate is None and rate is not None and self.recipe is not None:
            # Without the last digits of a product in binary.
            new_rate = float(f"{rate * RECIPES[self.recipe].rate:.12g}")
        source = str(self._inputs[0]) if len(self._inputs) == 1 else None
        cut = added_length(preset) if self.limit_in == "characters" else 0
        original = {**_changing(self.now, cut), "learning_rate": rate, "train_file": source}
        wanted = {
            **_changing(self.wanted, cut),
            "learning_rate": rate if new_rate is None else new_rate,
            "train_file": file,
        }
        return write_pair(
            output_path("path", path),
            renamed(self._settings | original, theirs),
            renamed(self._settings | wanted, theirs),
            overwrite,
            self._inputs,
        )


def _changing(scenario: Scenario, added: int) -> dict[str, Any]:
    """Return the settings of a scenario; a limit that all columns share is `max_length`, too."""
    limits = scenario.max_length
    by_column = {}
    if isinstance(limits, dict):
        by_column = {f"max_length_{name}": limit + added for name, limit in limits.items()}
        shared = set(by_column.values())
        limits = shared.pop() if len(shared) == 1 else None
    return {
        "rows": scenario.rows,
        "epochs": scenario.epochs,
        "max_length": limits,
        **by_column,
        "padding": scenario.padding,
        "seconds_per_step": scenario.seconds_per_step,
        "steps_per_epoch": scenario.steps,
        "hours": round(scenario.hours, 3),
    }
