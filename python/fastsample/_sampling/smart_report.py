"""`SmartReport`: what a smart draw found among all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._layout import Facts, as_text
from fastsample._public import public

#: The separation below which a note says that rows of a kind resemble the source. Targets of 0.54
#: to 0.71 gained nothing or lost, targets of 0.83 and more gained
#: (benches/record/2026-11-30-target-separation.md).
RESEMBLES = 0.75


@public
@dataclass(frozen=True)
class Likeness:
    """What was found of rows of a kind: of a target, or of the rows to avoid.

    Attributes
    ----------
    name : str
        The name of the target; "target" if there is one, "avoid" of the rows to avoid.
    rows : int
        Rows that describe the kind.
    separation : float or None
        How well rows of the kind are told from those of the source: the share of pairs of one of
        each, kept out of learning, in which the first has the higher odds (the area under the ROC
        curve, by cross-validation). 0.5 is chance: rows of the kind are like those of the source.
        None with the ratio, or with fewer than eight rows.
    resembling : int
        Rows of the source that resemble it: odds or ratio above 1. Of several targets, those that
        fit this one best.
    drawn : int
        How many of them were drawn.
    """

    name: str
    rows: int
    separation: float | None
    resembling: int
    drawn: int


@public
@dataclass(frozen=True)
class KeptFeatures:
    """What a draw did with a file of features.

    Attributes
    ----------
    path : str
        The file.
    read : bool
        Whether the features were read from it. If not, they were computed, and are kept in it now.
    lacked : str or None
        What the file that was there did not have, which is why it was replaced.
    """

    path: str
    read: bool
    lacked: str | None

    @property
    def told(self) -> str:
        """The same in a few words."""
        return f"read from {self.path}" if self.read else f"computed, and kept in {self.path}"


@public
@dataclass(frozen=True)
class SmartReport:
    """What a smart draw found among all rows of the source.

    Attributes
    ----------
    text : tuple of str
        The text columns that were read.
    excluded, excluded_drawn : int
        Rows of weight 0 (too short; outside the limits of the entropy rule), and how many of them
        were drawn because no others were left.
    copies, copies_drawn : int
        Rows whose texts equal those of another row, one of each group not counted: among all rows,
        and among those drawn. Weights with `duplicates` above 0 draw copies only if no other rows
        are left; the entropy rule does not avoid them.
    near_duplicates : int or None
        Rows with an estimated two or more rows nearly the same, copies included. None where the
        rule does not look for them: by entropy, or with all terms off.
    effective_rows : float
        (sum of weights)**2 / sum of squared weights (Kish): 1 for one row with all the weight, the
        number of rows if all weights are equal.
    chars_before, chars_after : dict of float to int
        Characters of the rows of the source, and of those drawn: a share of the rows, and the
        length that they do not exceed. Exact below 4,096 characters, to within 1/64 above.
    weights : dict of float to float
        The same of the weights above 0, their mean being 1; empty for the entropy rule. All numbers
        are of the terms alone, without a column `weight`.
    shares : dict of str to float
        Each term that counts, with its share in the variance of the logarithm of the weights.
    left_out : dict of str to str
        Columns of strings that are not text by default, and why not.
    targets : tuple of Likeness
        What was found of each target; empty without one.
    avoid : Likeness or None
        What was found of the rows to avoid.
    target_passed_over, avoid_passed_over : str or None
        Files of the target, or of the rows to avoid, that were not read, in a sentence.
    features : KeptFeatures or None
        What was done with a file of features, if one was named.
    whole_groups : bool
        Whether rows were drawn in whole groups: these bring copies and rows of weight 0 along.
    """

    text: tuple[str, ...]
    excluded: int
    copies: int
    near_duplicates: int | None
    excluded_drawn: int
    copies_drawn: int
    effective_rows: float
    chars_before: dict[float, int]
    chars_after: dict[float, int]
    weights: dict[float, float]
    shares: dict[str, float]
    left_out: dict[str, str] = field(default_factory=dict)
    target_passed_over: str | None = None
    targets: tuple[Likeness, ...] = ()
    avoid: Likeness | None = None
    avoid_passed_over: str | None = None
    whole_groups: bool = False
    features: KeptFeatures | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on kinds like the source, files not read, and rows drawn for lack of others."""
        notes = []
        if self.features is not None and self.features.lacked is not None:
            kept = self.features
            notes.append(
                f"features were computed anew, and {kept.path} was replaced, since it lacked "
                f"{kept.lacked}"
            )
        if self.target_passed_over is not None:
            notes.append(f"of the target, {self.target_passed_over}")
        if self.avoid_passed_over is not None:
            notes.append(f"of the rows to avoid, {self.avoid_passed_over}")
        for each in self.targets:
            name = "the target" if len(self.targets) == 1 else f"the target {each.name}"
            notes += _resembles(name, each)
        if self.avoid is not None:
            notes += _resembles("the source to avoid", self.avoid)
        left = "since no others were left"
        if self.whole_groups:
            left = "since groups are drawn whole"
        if self.excluded_drawn:
            notes.append(f"{self.excluded_drawn:,} rows of weight 0 were drawn, {left}")
        if self.copies_drawn:
            avoided = "duplicates" in self.shares
            why = left if avoided else "which this rule does not avoid"
            notes.append(f"{self.copies_drawn:,} copies were drawn, {why}")
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain values, for JSON."""
        found = asdict(self)
        lists = {"text": list(self.text), "targets": list(found["targets"])}
        return {**found, **lists, "notes": list(self.notes)}

    def __str__(self) -> str:
        """Return the facts as a table of text."""
        return as_text([Facts(self._facts())])

    def _repr_html_(self) -> str:
        return Facts(self._facts(), "fastsample: the smart draw").html()

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "judged by", ", ".join(self.text)
        if self.left_out:
            yield "not text", left_out_note(self.left_out)
        yield from smart_facts(self)


def to_report(found: _fastsample.SmartFound, whole_groups: bool = False) -> SmartReport:
    """Turn what the core found into a report."""
    return SmartReport(
        text=tuple(found["text"]),
        excluded=found["excluded"],
        copies=found["copies"],
        near_duplicates=found["near_duplicates"],
        excluded_drawn=found["excluded_drawn"],
        copies_drawn=found["copies_drawn"],
        effective_rows=found["effective_rows"],
        chars_before=dict(found["chars_before"]),
        chars_after=dict(found["chars_after"]),
        weights=dict(found["weights"]),
        shares=dict(found["shares"]),
        left_out=dict(found["left_out"]),
        target_passed_over=found["target_passed_over"],
        targets=tuple(Likeness(*each) for each in found["targets"]),
        avoid=None if found["avoid"] is None else Likeness(*found["avoid"]),
        avoid_passed_over=found["avoid_passed_over"],
        whole_groups=whole_groups,
        features=None if found["features"] is None else _kept(*found["features"]),
    )


def _kept(path: Path, read: bool, lacked: str | None) -> KeptFeatures:
    return KeptFeatures(str(path), read, lacked)


def smart_facts(found: SmartReport) -> Iterator[tuple[str, str]]:
    """Return what was found among all rows, by name."""
    if found.features is not None:
        yield "features", found.features.told
    yield "copies found", f"{found.copies:,} ({found.copies_drawn:,} drawn)"
    if found.near_duplicates is not None:
        yield "rows with near-duplicates", f"{found.near_duplicates:,}"
    yield "rows excluded", f"{found.excluded:,} ({found.excluded_drawn:,} drawn)"
    yield "effective rows", f"{found.effective_rows:,.0f}"
    yield "characters before", _quantiles(found.chars_before)
    yield "characters after", _quantiles(found.chars_after)
    if found.weights:
        yield "weights", _quantiles(found.weights)
        shares = (f"{name} {share:.0%}" for name, share in found.shares.items())
        yield "what decides", ", ".join(shares)
    for each in found.targets:
        yield f"like {each.name}", _likeness(each)
    if found.avoid is not None:
        yield "like the rows to avoid", _likeness(found.avoid)
    for note in found.notes:
        yield "note", note


def _likeness(found: Likeness) -> str:
    """Return how many rows are like a kind, and how well its rows are told from the source."""
    told = "" if found.separation is None else f", told from the source {found.separation:.0%}"
    return f"{found.resembling:,} ({found.drawn:,} drawn){told}"


def _resembles(what: str, found: Likeness) -> list[str]:
    """Return a note on a kind whose rows are hardly told from the source."""
    if found.separation is None or found.separation >= RESEMBLES:
        return []
    return [
        f"{what} resembles the source, so it gains nothing and may do harm: of a row of each, the "
        f"right one is told in {found.separation:.0%} of pairs, and 50 % are chance; leave it out"
    ]


def left_out_note(left_out: Mapping[str, str]) -> str:
    """Return which columns of strings are not text, grouped by the reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        reasons.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())


def _quantiles(values: Mapping[float, float]) -> str:
    """Return the least, the middle and the largest value, and where most of them lie."""
    if not values:
        return "-"
    formats = (f"{v:,}" if isinstance(v, int) else f"{v:.3g}" for v in values.values())
    least, low, _, middle, _, high, most = formats
    return f"{low} to {high} for 90 %, median {middle}, all {least} to {most}"
