"""Recipes: named sets of changes, with the rows, epochs, length and learning rate of each."""

from __future__ import annotations

from dataclasses import dataclass

from fastsample._planning.limits import Limit, scaled


@dataclass(frozen=True)
class Recipe:
    """Changes in proportion to the present."""

    #: Share of the rows.
    rows: float
    #: Epochs at most.
    epochs: int
    #: Share of the length.
    length: float
    #: Factor of the learning rate.
    rate: float

    def n(self, rows: int) -> int:
        """Return the rows of the sample."""
        return max(1, int(rows * self.rows))

    def new_epochs(self, epochs: int) -> int:
        """Return the epochs."""
        return min(epochs, self.epochs)

    def new_length(self, length: Limit | None) -> Limit | None:
        """Return the length; as now where it is not known or stays."""
        return length if length is None or self.length == 1 else scaled(length, self.length)


#: The two that users of ChatLM-mini-Chinese choose between: 3 or 5 of 10 million rows, 3 of 5
#: epochs, 192 or all of 256 positions, learning rate 1.5 or 1.2 times as high.
RECIPES = {
    "balanced": Recipe(rows=0.3, epochs=3, length=0.75, rate=1.5),
    "conservative": Recipe(rows=0.5, epochs=3, length=1.0, rate=1.2),
}
