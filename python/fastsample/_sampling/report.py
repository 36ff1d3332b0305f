"""What a draw did and what was written: classes for Python, facts for tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._layout import Facts, as_text
from fastsample._public import public
from fastsample._sampling.exclusion import Excluded, excluded_facts, left_out_rows
from fastsample._sampling.mixture_report import MixedSource, source_facts
from fastsample._sampling.smart_report import SmartReport, left_out_note, smart_facts


@public
@dataclass(frozen=True)
class Group:
    """A group of rows: its values as texts (None for a null), its rows, how many were drawn.

    `tokens` are those of the rows drawn, if they were counted.
    """

    values: tuple[str | None, ...]
    rows: int
    drawn: int
    tokens: int | None = None

    @property
    def name(self) -> str:
        """The values in one text."""
        return " / ".join("null" if value is None else value for value in self.values)


@public
@dataclass(frozen=True)
class Groups:
    """The groups that rows were drawn from.

    Attributes
    ----------
    by : tuple of str
        The columns whose values make groups.
    allocation : str
        ``proportional``, ``equal``, ``sqrt``, a ``temperature``, or ``shares`` if they were named.
    count : int
        All groups.
    largest : tuple of Group
        The groups of most rows, at most 100 of them.
    short : int
        Groups that have less than their share, and gave all they have.
    moved : int
        Rows, or tokens, that those lack, which others gave.
    unnamed : int
        Groups that no share was given to; none of their rows is drawn.
    epochs : int
        Draws of these numbers of rows that share no row.
    measure : str
        What shares are of: ``rows``, ``tokens`` of a budget, or ``groups`` that are drawn whole.
    empty : int
        Groups that gave no row, since their share is less than the next one takes.
    """

    by: tuple[str, ...]
    allocation: str
    count: int
    largest: tuple[Group, ...]
    short: int = 0
    moved: int = 0
    unnamed: int = 0
    epochs: int = 1
    measure: str = "rows"
    empty: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about groups that did not get their share."""
        notes = []
        if self.short:
            given = f"; the others gave {self.moved:,} {self.measure} in their place"
            less = f"{self.short:,} groups have fewer {self.measure} than their share"
            notes.append(less + given * (self.moved > 0))
        if self.empty:
            why = "no whole group of rows fits into their share"
            if self.measure == "tokens":
                why = "the next has more tokens than their share"
            notes.append(f"{self.empty:,} groups gave no row: {why}")
        if self.unnamed:
            notes.append(f"{self.unnamed:,} groups have no share; none of their rows was drawn")
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain values, for JSON."""
        largest = [{**asdict(group), "values": list(group.values)} for group in self.largest]
        lists = {"by": list(self.by), "largest": largest, "notes": list(self.notes)}
        return {**asdict(self), **lists}

    def __str__(self) -> str:
        """Return the facts as a table of text."""
        return as_text([Facts(_group_facts(self))])

    def _repr_html_(self) -> str:
        return Facts(_group_facts(self), "fastsample: the groups").html()


@public
@dataclass(frozen=True)
class Report:
    """What a draw did.

    Attributes
    ----------
    rows : int
        Rows in the source.
    sampled : int
        Rows drawn.
    seed : int
        The seed of the draw.
    seconds : float
        Time that the draw took.
    smart : SmartReport or None
        What was found among all rows; None for a uniform draw, which does not read them.
    tokens : int or None
        Tokens of the rows drawn, if they were counted.
    too_long : int or None
        Rows that were skipped because of `max_tokens`.
    text_columns : tuple of str
        The text columns that the draw went by; empty for a draw that looks at no text.
    left_out : dict of str to str
        Columns of strings that are not text by default, and why not. Name text columns with
        ``text_columns=``.
    where : str or None
        The condition that rows had to match.
    matching : int or None
        Rows of the source that match it.
    fraction : float or None
        The share of the rows that was asked for: of those that match, if there is a condition. It
        is taken as the decimal number that it is written as, and half a row is rounded to the even
        number of rows.
    exclude : Excluded or None
        What was left out since it shares text with the sources `exclude`.
    weight : str or None
        The column of weights that rows were drawn by.
    key : str or None
        The column that decided which rows were drawn, in place of the order of rows.
    replace : bool
        Whether a row could be drawn again.
    distinct : int or None
        Rows drawn with replacement, each counted once; None without replacement.
    groups : Groups or None
        The groups that rows were drawn from.
    group : tuple of str
        The columns whose equal values keep rows together.
    n_groups : int or None
        Groups of such rows that were drawn, each whole.
    sources : tuple of MixedSource
        The sources of a mixture; empty for other draws.
    notes : tuple of str
        Where the rows are not exactly what was asked for, and files that were passed over in a
        folder or glob, a sentence each.
    """

    rows: int
    sampled: int
    seed: int
    seconds: float
    smart: SmartReport | None = None
    tokens: int | None = None
    too_long: int | None = None
    text_columns: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    where: str | None = None
    matching: int | None = None
    fraction: float | None = None
    groups: Groups | None = None
    weight: str | None = None
    sources: tuple[MixedSource, ...] = ()
    group: tuple[str, ...] = ()
    replace: bool = False
    distinct: int | None = None
    exclude: Excluded | None = None
    key: str | None = None
    n_groups: int | None = None

    @property
    def _available(self) -> int:
        """Rows that could be drawn: those that match, without those that were left out."""
        rows = self.rows if self.matching is None else self.matching
        return rows - left_out_rows(self.exclude)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain values, for JSON."""
        lists = {
            "notes": list(self.notes),
            "text_columns": list(self.text_columns),
            "group": list(self.group),
        }
        found = {
            "smart": self.smart and self.smart.to_dict(),
            "groups": self.groups and self.groups.to_dict(),
            "exclude": self.exclude and self.exclude.to_dict(),
            "sources": [source.to_dict() for source in self.sources],
        }
        return {**asdict(self), **lists, **found}

    def __str__(self) -> str:
        """Return the facts as a table of text."""
        return as_text([Facts(draw_facts(self))])

    def _repr_html_(self) -> str:
        return Facts(draw_facts(self), "fastsample: the draw").html()


def known_text(drawn: _fastsample.Sample) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the text columns that a draw went by, and what it left out."""
    text, left_out = drawn.text or ((), ())
    return tuple(text), dict(left_out)


@public
@dataclass(frozen=True)
class WrittenFile:
    """A file that was written: its path, its rows, its size in bytes.

    An object that was put into a store has its `url`, and its name as the path.
    """

    path: Path
    rows: int
    bytes: int
    url: str | None = None

    @property
    def place(self) -> str:
        """The URL, or else the path."""
        return str(self.path) if self.url is None else self.url


@public
@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes
    ----------
    files : tuple of WrittenFile
        The files, in order; one unless there are shards.
    rows : int
        Rows in all files.
    bytes : int
        Size of all files in bytes.
    copies : int
        Rows whose texts all equal those of another row written, the first of them not counted.
    mean_chars : dict of str to float
        Mean length of each text column in characters (Unicode code points); a null counts 0.
    seconds : float
        Time that reading and writing took.
    order : str
        The order of the rows: that of the ``source``, ``shuffled``, or ``mixed``: that of a
        mixture, even at every prefix.
    left_out : dict of str to str
        Columns of strings that are not text by default, and why not. Name text columns with
        ``text_columns=``.
    """

    files: tuple[WrittenFile, ...]
    rows: int
    bytes: int
    copies: int
    mean_chars: dict[str, float]
    seconds: float
    left_out: dict[str, str] = field(default_factory=dict)
    order: str = "source"

    def __str__(self) -> str:
        """Return the facts as a table of text."""
        return as_text([Facts(write_facts(self))])

    def _repr_html_(self) -> str:
        return Facts(write_facts(self), "fastsample: what was written").html()


def draw_facts(report: Report) -> Iterator[tuple[str, str]]:
    """Return what a draw did, by name."""
    yield "rows before", f"{report.rows:,}"
    if report.matching is not None:
        matched = f" ({report.matching / report.rows:.1%})" if report.rows else ""
        yield "rows that match", f"{report.matching:,}{matched}: {report.where}"
    if report.exclude is not None:
        yield from excluded_facts(report.exclude)
    if report.fraction is not None:
        yield "fraction", f"{report.fraction} of {report._available:,}, half a row rounded to even"
    share = f" ({report.sampled / report.rows:.1%})" if report.rows else ""
    yield "rows after", f"{report.sampled:,}{share}"
    if report.distinct is not None:
        yield "with replacement", f"{report.distinct:,} rows, each once or several times"
    yield from source_facts(report.sources)
    if report.weight is not None:
        yield "drawn by weight", report.weight
    if report.key is not None:
        yield "drawn by key", report.key
    if report.group:
        yield "kept together by", ", ".join(report.group)
    if report.groups is not None:
        yield from _group_facts(report.groups)
    if report.tokens is not None:
        mean = report.tokens / report.sampled
        yield "tokens", f"{report.tokens:,} ({mean:,.1f} a row)"
        if report.too_long:
            yield "rows left as too long", f"{report.too_long:,}"
    found = report.smart
    if found is not None:
        yield "judged by", ", ".join(found.text)
    elif report.text_columns:
        yield "text columns", ", ".join(report.text_columns)
    if report.left_out:
        yield "not text", left_out_note(report.left_out)
    if found is not None:
        yield from smart_facts(found)
    for note in report.notes:
        yield "note", note
    yield "seed", str(report.seed)
    yield "time", f"{report.seconds:.1f} s"


def _group_facts(groups: Groups) -> Iterator[tuple[str, str]]:
    yield "groups", f"{groups.count:,} by {', '.join(groups.by)}, {groups.allocation}"
    shown = groups.largest[:GROUPS_PRINTED]
    for group in shown:
        tokens = "" if group.tokens is None else f", {group.tokens:,} tokens"
        yield f"  {group.name}", f"{group.drawn:,} of {group.rows:,}{tokens}"
    if groups.count > len(shown):
        yield "  others", f"{groups.count - len(shown):,} groups"
    for note in groups.notes:
        yield "note", note


#: Groups that a table has; the report has more.
GROUPS_PRINTED = 20


#: What the order of written rows is called.
_ORDERS = {
    "source": "that of the source",
    "shuffled": "random (shuffled)",
    "mixed": "mixed evenly; rows of a source in its order",
}


def write_facts(report: WriteReport) -> Iterator[tuple[str, str]]:
    """Return what was written, by name."""
    yield "rows written", f"{report.rows:,}"
    for name, mean in report.mean_chars.items():
        yield f"mean length of {name}", f"{mean:,.1f} characters"
    yield "duplicates among them", f"{report.copies:,}"
    yield "order of rows", _ORDERS[report.order]
    yield "file size", f"{report.bytes:,} bytes"
    yield "time", f"{report.seconds:.1f} s"
    for file in report.files:
        yield "written", file.place
