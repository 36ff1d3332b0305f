"""`plan`: hours of training now and with changes, and rows that fit into a number of hours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from fastsample._arguments import check_schema, choice, file_path, flag, number, optional, whole
from fastsample._inspection.inspection import Inspection
from fastsample._planning.alternatives import Alternatives, changed
from fastsample._planning.limits import UNITS, columns_of, compared
from fastsample._planning.measured import Unit, measure
from fastsample._planning.memory import gpu_memory as memory_of
from fastsample._planning.model import Schedule, StepTime
from fastsample._planning.recipes import RECIPES
from fastsample._planning.report import Plan
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._source import SourceLike
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import pyarrow as pa


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
    max_length: int | Mapping[str, int] | None = None,
    limit_in: Literal["tokens", "characters"] = "tokens",
    padding: Literal["max_length", "longest"] = "max_length",
    hours: float | None = None,
    recipe: Literal["balanced", "conservative"] | None = None,
    new_epochs: int | None = None,
    new_max_length: int | Mapping[str, int] | None = None,
    new_seconds_per_step: float | None = None,
    fixed_share: float = 0.1,
    gpu_memory: float | None = None,
    parameters: int | None = None,
    lengths: bool = False,
    chars_per_token: float = 1.0,
    tokenizer: str | os.PathLike[str] | None = None,
    chat_template: bool | None = None,
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
        Where rows are cut now: one number for the texts of a row joined, or a limit for each text
        column that is cut by itself, as ``{"prompt": 256, "response": 256}``.
    limit_in
        What limits count: ``tokens``, or ``characters``.
    padding
        What shorter rows are filled up to: ``max_length``, or the ``longest`` row of the batch.
    hours
        Instead of `n`: the time available for all epochs. The plan finds how many rows fit.
    recipe
        Changes for what is not given: ``balanced`` takes 30 % of the rows, 3 epochs at most, 75 %
        of the length, and 1.5 times the learning rate in written settings; ``conservative`` 50 % of
        the rows, 3 epochs at most, and 1.2 times the learning rate. The other recipe is shown, too.
    new_epochs, new_max_length, new_seconds_per_step
        Planned values; as now by default. With both of the latter, the two pairs of length and
        seconds are measured, and times of other lengths lie on the line through them.
    fixed_share
        The share of a step's time that does not depend on the length, where there is no such pair.
    gpu_memory, parameters
        GiB at the peak on a device, measured now, and parameters of the model: memory at other
        lengths is estimated, for mixed precision with Adam.
    lengths
        Read the texts, to compute what is cut off and what padding costs.
    chars_per_token
        Characters of a token in the mean, by your tokenizer.
    tokenizer
        Count tokens with this ``tokenizer.json``, or that of a folder, instead; reads the texts.
    chat_template
        Count those of chats as the tokenizer's chat template renders them, as in
        :func:`fastsample.token_lengths`.
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
    gpu_memory = optional(number, "gpu_memory", gpu_memory, above=0, most=1e6)
    parameters = optional(whole, "parameters", parameters, least=1)
    lengths = flag("lengths", lengths) or tokenizer is not None
    unit = _unit(limit_in, chars_per_token, tokenizer, chat_template)
    schema = check_schema(schema)
    chosen = None if recipe is None else RECIPES[choice("recipe", recipe, RECIPES)]
    has_new_seconds = new_seconds_per_step is not None
    change = changed(
        epochs, new_epochs, max_length, new_max_length, padding, has_new_seconds, chosen
    )
    memory = memory_of(gpu_memory, parameters, change.max_length)
    cut = columns_of(change.max_length or change.new_length)
    found = measure(source, unit, cut, lengths, columns, schema, threads, progress)
    rows = found.rows
    if rows == 0:
        raise ArgumentError("there are no rows to train on")
    schedule = Schedule(rows, batch_size, devices, accumulation, steps)
    per_batch = batch_size or max(1, round(schedule.rows_per_step))
    facts = found.facts(compared(change.max_length, change.new_length), per_batch, unit)
    time = StepTime(
        seconds_per_step, change.max_length, padding, new_seconds_per_step, change.new_length,
        fixed_share, facts, unit.name,
    )  # fmt: skip
    if hours is not None:
        seconds = time.of(change.new_length, padding, new=True)[0]
        n = schedule.rows_within(hours, change.new_epochs, seconds)
    elif n is None and chosen is not None:
        n = chosen.n(rows)
    if n is not None and n > rows:
        raise ArgumentError(f"n is {n:,}, but there are only {rows:,} rows")
    alternatives = Alternatives(
        rows, n, change, schedule, time, lengths_known=bool(facts), memory=memory, recipe=recipe
    )
    assumptions = (*schedule.assumptions(), *time.assumptions(bool(facts)))
    if facts:
        assumptions += (
            f"lengths are those of {', '.join(found.text)}" + (", cut apart" if cut else ""),
            *found.shares(),
            found.assumption(unit),
        )
    if memory is not None:
        assumptions += (memory.assumption(),)
    assumptions += (
        "evaluation, checkpoints and waiting for data are not counted",
        "hours say nothing about quality: measure the trained models on held-out rows",
        *found.notes,
    )
    settings = {"devices": devices, "accumulation": accumulation, "batch_size": batch_size}
    return Plan(
        rows,
        alternatives.now,
        alternatives.wanted,
        tuple(alternatives.table()),
        hours,
        tuple(facts.values()),
        assumptions,
        settings,
        found.inputs,
        recipe,
        unit.name,
    )


def _unit(
    limit_in: str,
    chars_per_token: float,
    tokenizer: str | os.PathLike[str] | None,
    chat_template: bool | None,
) -> Unit:
    """Check what limits count, and how it is found."""
    name = choice("limit_in", limit_in, UNITS)
    chars = number("chars_per_token", chars_per_token, above=0, most=1e6)
    optional(file_path, "tokenizer", tokenizer)
    if chars != 1 and tokenizer is not None:
        raise ArgumentError("chars_per_token and tokenizer exclude each other; leave out one")
    if name == "characters" and (chars != 1 or tokenizer is not None):
        other = "tokenizer" if tokenizer is not None else "chars_per_token"
        raise ArgumentError(f"{other} is for limits in tokens; leave out limit_in='characters'")
    renders = optional(flag, "chat_template", chat_template)
    if renders is not None and tokenizer is None:
        raise ArgumentError("chat_template is for tokenizer=; pass one")
    return Unit(name, chars, tokenizer, renders is True)
