"""`Decision`: what is known after a round, and `merge`: states of parts as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastsample import _fastsample
from fastsample._public import public_in
from fastsample._sampling.report import Groups
from fastsample._sampling.smart_report import SmartReport
from fastsample.errors import SourceTypeError


@public_in("fastsample.parts")
@dataclass(frozen=True)
class Decision:
    """What is known after a round: small, and the same for all parts.

    Attributes
    ----------
    data : bytes
        What the core goes by.
    is_final : bool
        Whether rows can be gathered by it; else all parts have to be observed by it.
    rows : int
        Rows of the source.
    smart : SmartReport or None
        What a smart draw found, in the last decision.
    matching : int or None
        Rows that match `where`, in the last decision of a draw of these.
    groups : Groups or None
        The groups that rows are drawn from, since it was decided how many rows each gives.
    drawn : int or None
        Rows that are drawn, in the last decision.
    whole : tuple of int, or None
        In a draw of whole groups, since they were decided: all groups, those that are drawn, and
        the rows that were asked for, 0 for a number of groups.
    """

    data: bytes
    is_final: bool
    rows: int
    smart: SmartReport | None = None
    matching: int | None = None
    groups: Groups | None = None
    drawn: int | None = None
    whole: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        state = "final" if self.is_final else "to be observed by"
        return f"<fastsample.parts.Decision: {state}, {len(self.data):,} bytes>"


@public_in("fastsample.parts")
def merge(states: Iterable[bytes]) -> bytes:
    """Merge states of different parts of one round, in any order and any tree.

    Raises
    ------
    CorruptDataError
        A state is damaged, comes twice, or is of another draw or round.
    """
    listed = list(states)
    for state in listed:
        if not isinstance(state, bytes):
            raise SourceTypeError(f"a state is {type(state).__qualname__}; it must be bytes")
    return _fastsample.merge_states(listed)
