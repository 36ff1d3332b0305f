"""`fastsample plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

import fastsample
from fastsample._planning.limits import UNITS
from fastsample._planning.recipes import RECIPES
from fastsample.cli._common import (
    Rows,
    as_json,
    chat_template,
    columns,
    print_json,
    reported,
    say,
    schema,
    several,
    show,
    threads,
)

_POSITIVE = click.IntRange(1)


@click.command()
@click.argument("inputs", metavar="[FILES]...", nargs=-1)
@click.option(
    "--seconds-per-step",
    type=float,
    required=True,
    help="Seconds of an optimizer step, measured now.",
)
@click.option("--rows", type=Rows(), help="Rows of the data set, in place of files.")
@click.option("--num_samples", "--num-samples", "-n", type=Rows(), help="Rows of a sample.")
@click.option("--hours", type=float, help="Hours available for all epochs: how many rows fit?")
@click.option("--epochs", type=_POSITIVE, default=1, help="Epochs now.")
@click.option("--batch-size", type=_POSITIVE, help="Rows per device and step now.")
@click.option("--devices", type=_POSITIVE, default=1, help="Devices.")
@click.option("--accumulation", type=_POSITIVE, default=1, help="Batches accumulated to a step.")
@click.option("--steps", type=_POSITIVE, help="Steps of an epoch now, in place of --batch-size.")
@several(
    "--max-length",
    metavar="LIMIT",
    help="Tokens of a row now; COLUMN=LIMIT for a column that is cut by itself. Repeatable.",
)
@click.option(
    "--limit-in",
    type=click.Choice(UNITS),
    default="tokens",
    help="What limits count.",
)
@click.option(
    "--padding",
    type=click.Choice(["max_length", "longest"]),
    default="max_length",
    help="What rows are padded to now.",
)
@click.option(
    "--recipe",
    type=click.Choice(list(RECIPES)),
    help="Changes for what is not given. balanced: 30 % of the rows, 3 epochs, 75 % of the length, "
    "learning rate x 1.5. conservative: 50 % of the rows, 3 epochs, learning rate x 1.2.",
)
@click.option("--new-epochs", type=_POSITIVE, help="Epochs wanted.")
@several("--new-max-length", metavar="LIMIT", help="Limit wanted, as --max-length. Repeatable.")
@click.option(
    "--new-seconds-per-step", type=float, help="Seconds of a step as wanted, if measured."
)
@click.option(
    "--fixed-share",
    type=float,
    default=0.1,
    help="Share of a step's time that does not depend on the length.",
)
@click.option("--gpu-memory", type=float, help="GiB at the peak on a device, measured now.")
@click.option(
    "--parameters", type=Rows(), help="Parameters of the model, to estimate GPU memory: 200m."
)
@click.option("--lengths", is_flag=True, help="Read the texts: shares of rows cut and of padding.")
@click.option("--chars-per-token", type=float, default=1.0, help="Characters of a token.")
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="Count tokens with this tokenizer.json, or that of a folder.",
)
@chat_template
@columns
@schema
@threads
@click.option("--plot", type=click.Path(path_type=Path), help="Plot the hours: .png or .svg.")
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Write the new settings, and the present ones beside: .toml, .json, .yaml; .args: flags.",
)
@click.option(
    "--preset", help="Names of a trainer: huggingface, llama-factory, axolotl, chatlm-mini."
)
@several("--map", "names", help="A name of your trainer: epochs=num_epochs. Repeatable.")
@click.option("--train-file", help="File of the sample, to be written.")
@click.option("--learning-rate", type=float, help="Learning rate now, to be written.")
@click.option("--new-learning-rate", type=float, help="Learning rate wanted, to be written.")
@click.option("--overwrite", is_flag=True, help="Replace settings of the same name.")
@as_json
def plan(
    inputs: tuple[str, ...],
    seconds_per_step: float,
    rows: int | None,
    num_samples: int | None,
    hours: float | None,
    epochs: int,
    batch_size: int | None,
    devices: int,
    accumulation: int,
    steps: int | None,
    max_length: list[str] | None,
    limit_in: Literal["tokens", "characters"],
    padding: Literal["max_length", "longest"],
    recipe: Literal["balanced", "conservative"] | None,
    new_epochs: int | None,
    new_max_length: list[str] | None,
    new_seconds_per_step: float | None,
    fixed_share: float,
    gpu_memory: float | None,
    parameters: int | None,
    lengths: bool,
    chars_per_token: float,
    tokenizer: Path | None,
    chat_template: bool | None,
    column: list[str] | None,
    schema: Any,
    threads: int | None,
    plot: Path | None,
    write: Path | None,
    preset: str | None,
    names: list[str] | None,
    train_file: str | None,
    learning_rate: float | None,
    new_learning_rate: float | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Show hours of training now, and with a sample, fewer epochs or shorter texts."""
    with reported():
        if (rows is None) == (not inputs):
            raise fastsample.ArgumentError("give files, or the number of rows with --rows")
        made = fastsample.plan(
            list(inputs) if rows is None else rows,
            num_samples,
            seconds_per_step=seconds_per_step,
            epochs=epochs,
            batch_size=batch_size,
            devices=devices,
            accumulation=accumulation,
            steps=steps,
            max_length=_limits("--max-length", max_length),
            limit_in=limit_in,
            padding=padding,
            hours=hours,
            recipe=recipe,
            new_epochs=new_epochs,
            new_max_length=_limits("--new-max-length", new_max_length),
            new_seconds_per_step=new_seconds_per_step,
            fixed_share=fixed_share,
            gpu_memory=gpu_memory,
            parameters=parameters,
            lengths=lengths,
            chars_per_token=chars_per_token,
            tokenizer=tokenizer,
            chat_template=chat_template,
            columns=column,
            schema=schema,
            threads=threads,
        )
        if write is not None:
            for path in made.write_settings(
                write,
                preset=preset,
                names=_names(names),
                train_file=train_file,
                learning_rate=learning_rate,
                new_learning_rate=new_learning_rate,
                overwrite=overwrite,
            ):
                say(f"written {path}")
        if plot is not None:
            made.plot(plot)
            say(f"written {plot}")
        if as_json:
            print_json(made.to_dict())
        else:
            show(made._blocks())


def _limits(flag: str, given: list[str] | None) -> int | dict[str, int] | None:
    """Return one limit, or those of columns."""
    if given is None:
        return None
    pairs = [each.rpartition("=") for each in given]
    for text, (_, _, limit) in zip(given, pairs, strict=True):
        if not (limit.isascii() and limit.isdecimal()):
            raise fastsample.ArgumentError(f"{flag}: {text!r} is no limit; write 256 or prompt=256")
    if len(pairs) == 1 and not pairs[0][1]:
        return int(pairs[0][2])
    if not all(name for name, _, _ in pairs) or len({name for name, _, _ in pairs}) < len(pairs):
        raise fastsample.ArgumentError(
            f"{flag} {' '.join(given)}: give one limit, or one for each column: prompt=256"
        )
    return {name: int(limit) for name, _, limit in pairs}


def _names(given: list[str] | None) -> dict[str, str] | None:
    if given is None:
        return None
    names: dict[str, str] = {}
    for each in given:
        ours, _, theirs = each.partition("=")
        if not (ours and theirs):
            raise fastsample.ArgumentError(
                f"--map: {each!r} is no OURS=THEIRS; write epochs=num_train_epochs"
            )
        names[ours] = theirs
    return names
