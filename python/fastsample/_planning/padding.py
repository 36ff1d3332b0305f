"""Truncation and padding: shares of rows cut and of batches that are padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from fastsample._arguments import choice
from fastsample._public import public
from fastsample._text_lengths import TextLengths

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: To the limit, to the longest row of the batch, in batches of rows of similar length.
_WAYS = ("max_length", "longest", "grouped")


@public
@dataclass(frozen=True)
class LengthFacts:
    """What a limit does to the rows. Lengths are in tokens, or in characters if limits are.

    Attributes
    ----------
    limit : int
        Tokens at which rows are cut; where columns are cut apart, the sum of their limits.
    cut_rows : float
        Share of the rows that are longer, or of which a column is.
    lost : float
        Share of all tokens that lie beyond the limit.
    mean : float
        Tokens of a row after cutting, in the mean.
    longest, grouped : float
        The same with padding to the longest row of the batch, in batches at random, and in batches
        of rows sorted by length. Columns that are cut apart are padded apart.
    columns : dict of str to int
        The limit of each column; empty where rows are cut as a whole.
    """

    limit: int
    cut_rows: float
    lost: float
    mean: float
    longest: float
    grouped: float
    columns: dict[str, int] = field(default_factory=dict)

    def padded(self, padding: str) -> float:
        """Return the tokens a row takes in a batch."""
        padding = choice("padding", padding, _WAYS)
        return {"longest": self.longest, "grouped": self.grouped}.get(padding, float(self.limit))

    def waste(self, padding: str) -> float:
        """Return the share of the tokens in a batch that are padding."""
        padded = self.padded(padding)
        return 1 - self.mean / padded if padded else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {**asdict(self), "padding_share": {way: self.waste(way) for way in _WAYS}}


def length_facts(
    lengths: TextLengths, limits: Sequence[int], batch_size: int, chars_per_token: float
) -> Iterator[LengthFacts]:
    """Compute what each limit does.

    The longest of B rows at random is at most x with probability F(x)**B, where F is the
    distribution of the lengths; its mean follows. Sorted rows are cut into batches as they come.
    """
    import numpy as np

    found = np.array(lengths.histogram, dtype=float).reshape(-1, 2)
    tokens, rows = found[:, 0] / chars_per_token, found[:, 1]
    if not rows.sum():
        return
    share = np.cumsum(rows) / rows.sum()
    ends = np.arange(1, np.ceil(rows.sum() / batch_size) + 1) * batch_size
    last = np.minimum(np.searchsorted(np.cumsum(rows), ends), len(rows) - 1)
    for limit in limits:
        kept = np.minimum(tokens, limit)
        total = float(tokens @ rows)
        yield LengthFacts(
            limit=limit,
            cut_rows=float(rows[tokens > limit].sum() / rows.sum()),
            lost=1 - float(kept @ rows) / total if total else 0.0,
            mean=float(kept @ rows / rows.sum()),
            longest=float(kept @ np.diff(share**batch_size, prepend=0.0)),
            grouped=float(kept[last].mean()),
        )


def column_facts(
    lengths: Mapping[str, npt.NDArray[np.float64]],
    limits: Sequence[Mapping[str, int]],
    batch_size: int,
) -> Iterator[LengthFacts]:
    """Compute what each limit by column does; `lengths` has the length of every row.

    As :func:`length_facts`, for each column. Batches are sorted by the length of the whole row.
    """
    import numpy as np

    rows = len(next(iter(lengths.values())))
    if not rows:
        return
    total = float(sum(column.sum() for column in lengths.values()))
    reached = np.arange(1, rows + 1) / rows
    chance = np.diff(reached**batch_size, prepend=0.0)
    starts = np.arange(0, rows, batch_size)
    for limit in limits:
        kept = {name: np.minimum(column, limit[name]) for name, column in lengths.items()}
        whole = np.sum(list(kept.values()), axis=0)
        order = np.argsort(whole, kind="stable")
        is_cut = np.any([lengths[name] > limit[name] for name in lengths], axis=0)
        yield LengthFacts(
            limit=sum(limit.values()),
            cut_rows=float(is_cut.mean()),
            lost=1 - float(whole.sum()) / total if total else 0.0,
            mean=float(whole.mean()),
            longest=float(sum(np.sort(column) @ chance for column in kept.values())),
            grouped=float(
                sum(np.maximum.reduceat(column[order], starts).mean() for column in kept.values())
            ),
            columns=dict(limit),
        )
