"""Paired bootstrap over rows: the interval of a difference in bits a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Numbers of rows drawn with replacement at once: 64 MiB of counts.
_NUMBERS = 2**23


def paired_interval(
    differences: npt.NDArray[np.float64],
    chars: npt.NDArray[np.int64],
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of ``sum(differences) / sum(chars)``.

    Rows are drawn with replacement, each with both models' losses (Efron and Tibshirani, 1993,
    chapter 8: the pairs stay together).
    """
    import numpy as np

    rows = len(chars)
    rng = np.random.default_rng(seed)
    at_once = max(1, _NUMBERS // rows)
    found = []
    for start in range(0, resamples, at_once):
        times = rng.multinomial(rows, np.full(rows, 1 / rows), min(at_once, resamples - start))
        found.append((times @ differences) / (times @ chars))
    low, high = np.quantile(np.concatenate(found), (0.025, 0.975))
    return float(low), float(high)
