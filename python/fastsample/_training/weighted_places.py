"""Places of an epoch shared out to rows by their weights."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class WeightedPlaces:
    """`places` places of an epoch, of which a row has so many as its weight says.

    Systematic sampling (Madow, 1949): the rows lie on a line, each as long as its weight, and one
    point in each of `places` equal steps chooses the row that it falls on. So a row of share s has
    ``places * s`` places, rounded up or down, and on the average of the epochs exactly.
    """

    def __init__(self, weights: Any, rows: int, places: int, seed: int) -> None:
        import numpy as np

        found = _as_floats(weights)
        if found.shape != (rows,):
            raise ArgumentError(
                f"weights has {len(found):,} numbers for {rows:,} rows; give one for each row"
            )
        wrong = ~(np.isfinite(found) & (found >= 0))
        if wrong.any():
            row = int(wrong.argmax())
            raise ArgumentError(
                f"the weight of row {row} (counted from 0) is {found[row]}; weights are finite "
                "and not negative"
            )
        with np.errstate(over="ignore"):
            self._ends = np.cumsum(found)
        if not 0 < self._ends[-1] < np.inf:
            raise ArgumentError(
                f"the weights sum to {self._ends[-1]}; at least one row needs a weight above 0"
            )
        self._places, self._seed = places, seed
        self.fingerprint = hashlib.sha256(found.tobytes()).hexdigest()

    def rows(self, epoch: int, places: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return the rows at some places of an epoch."""
        import numpy as np

        digest = hashlib.sha256(f"{self._seed} {epoch}".encode()).digest()
        start = (int.from_bytes(digest[:8], "little") >> 11) / 2**53
        points = (places + start) * (self._ends[-1] / self._places)
        found = np.searchsorted(self._ends, points, side="right")
        # The last point may be rounded up to the end of the line.
        last = np.searchsorted(self._ends, self._ends[-1], side="left")
        rows: npt.NDArray[np.int64] = np.minimum(found, last)
        return rows


def _as_floats(weights: Any) -> npt.NDArray[np.float64]:
    import numpy as np

    try:
        found = np.array(weights, np.float64)
    except (TypeError, ValueError):
        found = None
    if found is None or found.ndim != 1:
        raise SourceTypeError(
            f"weights is {type(weights).__name__}; it must be one number for each row: a list, or "
            "an array of numpy or Arrow"
        )
    return found
