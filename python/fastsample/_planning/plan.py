"""`plan`: hours of training now and with changes, and rows that fit into a number of hours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastsample._arguments import check_schema, choice, flag, is_whole, number, optional, whole
from fastsample._inspection.inspect import count_rows, inspect
from fastsample._inspection.inspection import Inspection
from fastsample._planning.alternatives import Alternatives, changed
from fastsample._planning.model import Schedule, StepTime
from fastsample._planning.padding import LengthFacts, length_facts
from fastsample._planning.report import Plan
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._source import SourceLike
from fastsample._text_lengths import TextLengths
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

#: Sequence lengths in tokens that trainers usually cut at.
_LIMITS = (128, 192, 256, 512)


@public
def plan(
    source: SourceLike | int | Inspection,
    n: int | None = None,
    *,
    seconds_per_step: float,
    epochs: int = 1,
    batch_size: int | None = None,
    devices: int = 1,
    accumulation: int = 1,
    steps: int | None = None,
    max_length: int | None = None,
    padding: Literal["max_length", "longest"] = "max_length",
    hours: float | None = None,
    new_epochs: int | None = None,
    new_max_length: int | None = None,
    new_seconds_per_step: float | None = None,
    fixed_share: float = 0.1,
    lengths: bool = False,
    chars_per_token: float = 1.0,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Plan:
    """Compute hours of training now, and with a sample, fewer epochs or shorter texts.

    Parameters
    ----------
    source
        The number of rows, a data set as in :func:`fastsample.inspect`, or what `inspect` found.
    n
        Rows of the planned sample.
    seconds_per_step
        Of an optimizer step, measured now: all devices, all accumulated batches.
    epochs
        Passes over the data now.
    batch_size, devices, accumulation
        Rows per device, devices, batches accumulated to a step. An epoch has
        ``ceil(rows / (batch_size * devices * accumulation))`` steps.
    steps
        Instead of those three: the trainer's number of steps in an epoch now. The steps of a
        sample are in proportion, rounded down.
    max_length
        Tokens at which rows are cut now.
    padding
        What shorter rows are filled up to: ``max_length``, or the ``longest`` row of the batch.
    hours
        Instead of `n`: the time available for all epochs. The plan finds how many rows fit.
    new_epochs, new_max_length, new_seconds_per_step
        Planned values; as now by default. With both of the latter, the two pairs of length and
        seconds are measured, and times of other lengths lie on the line through them.
    fixed_share
        The share of a step's time that does not depend on the length, where there is no such pair.
    lengths
        Read the texts, to compute what is cut off and what padding costs.
    chars_per_token
        Characters of a token in the mean, by your tokenizer.
    columns, schema, threads, progress
        As in :func:`fastsample.inspect`.

    Raises
    ------
    ArgumentError
        A number is out of range, or two arguments exclude each other.

    Examples
    --------
    >>> import fastsample
    >>> p = fastsample.plan(10_000_000, 3_000_000, steps=183_605, seconds_per_step=1.0, epochs=5,
    ...                     new_epochs=3, new_seconds_per_step=0.9)
    >>> f"{p.now.hours:.0f} h, {p.wanted.hours:.1f} h, {p.speed_up(p.wanted):.1f} x"
    '255 h, 41.3 h, 6.2 x'
    """
    if n is not None and hours is not None:
        raise ArgumentError("n and hours are both given; one follows from the other")
    padding = choice("padding", padding, ("max_length", "longest"))
    n = optional(whole, "n", n, least=1)
    hours = optional(number, "hours", hours, above=0, most=1e9)
    batch_size = optional(whole, "batch_size", batch_size, least=1)
    seconds_per_step = number("seconds_per_step", seconds_per_step, above=0, most=1e9)
    new_seconds_per_step = optional(
        number, "new_seconds_per_step", new_seconds_per_step, above=0, most=1e9
    )
    fixed_share = number("fixed_share", fixed_share, least=0, most=1)
    chars_per_token = number("chars_per_token", chars_per_token, above=0, most=1e6)
    lengths = flag("lengths", lengths)
    schema = check_schema(schema)
    change = changed(
        epochs, new_epochs, max_length, new_max_length, padding, new_seconds_per_step is not None
    )
    rows, row_lengths, text, inputs, notes = _looked_at(
        source, lengths, columns, schema, threads, progress
    )
    if rows == 0:
        raise ArgumentError("there are no rows to train on")
    schedule = Schedule(rows, batch_size, devices, accumulation, steps)
    facts: tuple[LengthFacts, ...] = ()
    if row_lengths is not None:
        limits = sorted({*_LIMITS, *filter(None, (change.max_length, change.new_length))})
        per_batch = batch_size or max(1, round(schedule.rows_per_step))
        facts = tuple(length_facts(row_lengths, limits, per_batch, chars_per_token))
    time = StepTime(
        seconds_per_step, change.max_length, padding, new_seconds_per_step, change.new_length,
        fixed_share, {each.limit: each for each in facts},
    )  # fmt: skip
    if hours is not None:
        seconds = time.of(change.new_length, padding, new=True)[0]
        n = schedule.rows_within(hours, change.new_epochs, seconds)
    if n is not None and n > rows:
        raise ArgumentError(f"n is {n:,}, but there are only {rows:,} rows")
    alternatives = Alternatives(rows, n, change, schedule, time, lengths_known=bool(facts))
    assumptions = (*schedule.assumptions(), *time.assumptions(bool(facts)))
    if facts:
        assumptions += (
            f"lengths are those of {', '.join(text)}",
            f"a token is {chars_per_token:g} characters; templates are not counted",
        )
    assumptions += (
        "evaluation, checkpoints and waiting for data are not counted",
        "hours say nothing about quality: measure the trained models on held-out rows",
        *notes,
    )
    settings = {"devices": devices, "accumulation": accumulation, "batch_size": batch_size}
    return Plan(
        rows,
        alternatives.now,
        alternatives.wanted,
        tuple(alternatives.table()),
        hours,
        facts,
        assumptions,
        settings,
        inputs,
    )


def _looked_at(
    source: SourceLike | int | Inspection,
    lengths: bool,
    columns: Sequence[str] | None,
    schema: pa.Schema | None,
    threads: int | None,
    progress: bool | Callback | None,
) -> tuple[int, TextLengths | None, tuple[str, ...], tuple[Path, ...], tuple[str, ...]]:
    """Return the rows; their lengths and text columns if known or asked for; files and notes."""
    is_number = isinstance(source, bool) or is_whole(source)
    if schema is not None and (is_number or isinstance(source, Inspection)):
        raise ArgumentError("schema= sets the types of a data set, which is not read here")
    if isinstance(source, Inspection):
        found = source
        return found.rows, found.row_lengths, tuple(found.text), found._inputs, found.notes
    if is_number:
        if lengths:
            raise ArgumentError("lengths=True needs a data set; a number of rows has no texts")
        return whole("rows", source, least=1), None, (), (), ()
    if not lengths:
        rows, inputs, notes = count_rows(source, columns, schema, threads, progress)
        return rows, None, (), inputs, notes
    found = inspect(source, columns=columns, schema=schema, threads=threads, progress=progress)
    if found.row_lengths is None:
        names = ", ".join(f"{column.name} ({column.type})" for column in found.columns)
        raise ArgumentError(f"there is no text column to measure lengths of; found {names}")
    return found.rows, found.row_lengths, tuple(found.text), found._inputs, found.notes
