"""`fastsample mix`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample.cli._common import (
    Rows,
    as_json,
    chat_template,
    columns,
    exclude,
    overwrite,
    reported,
    seed,
    several,
    tell_left_out,
    text_columns,
    threads,
    where,
)
from fastsample.cli._mixture_file import read_mixture
from fastsample.cli._rule import rule_of, smart_options, terms
from fastsample.cli._written import (
    check_compression,
    compression,
    manifest,
    output,
    provenance,
    shards,
    show_written,
    write,
)


@click.command()
@click.argument("mixture", type=click.Path(path_type=Path), required=False)
@output(required=True)
@click.option(
    "--num_samples",
    "--num-samples",
    "-n",
    type=Rows(),
    help="Rows to draw: 3000000, 3m.",
)
@click.option(
    "--budget-tokens",
    type=Rows(),
    help="In place of --num_samples: the tokens to draw, divided by the shares: 1b.",
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="tokenizer.json to count tokens with, or its folder.",
)
@chat_template
@text_columns("Judge the rows, and count the tokens, of this text column. Repeatable.")
@several("--source", help="NAME=PATH:SHARE, as wiki=wiki.parquet:0.3, or NAME=PATH. Repeatable.")
@click.option(
    "--temperature",
    type=float,
    show_default="1",
    help="Without shares: a source of r rows weighs r^(1/T). From 1 to 1000.",
)
@where
@click.option("--weight", help="Column of weights of the rows of all sources.")
@click.option("--smart", is_flag=True, help="Weigh the rows of each source by their text.")
@click.option("--entropy", is_flag=True, help="Take the rows of highest character entropy.")
@terms
@several("--repeat", help="NAME=K: count that source as K copies of itself, as code=4. Repeatable.")
@click.option(
    "--exhausted",
    show_default="error",
    help="Where a source has too few rows or tokens: error, stop, renormalise, repeat.",
)
@click.option(
    "--max-epochs",
    type=click.IntRange(1),
    help="With --exhausted repeat: how often a row may come at most.",
)
@click.option(
    "--epoch",
    type=click.IntRange(0),
    show_default="0",
    help="The epoch of a training run that the rows are for; each has others.",
)
@click.option(
    "--source-column",
    default="source",
    help="Column that has the name of the source; none if empty.",
)
@exclude
@seed
@columns
@click.option("--shuffle", is_flag=True, help="Shuffle the rows of each source among its places.")
@shards
@compression
@manifest
@provenance
@overwrite
@threads
@as_json
def mix(
    mixture: Path | None,
    output: Path,
    num_samples: int | None,
    budget_tokens: int | None,
    tokenizer: Path | None,
    chat_template: bool | None,
    text_column: list[str] | None,
    source: list[str] | None,
    temperature: float | None,
    where: str | None,
    weight: str | None,
    smart: bool,
    entropy: bool,
    strength: list[str] | None,
    min_chars: int | None,
    max_chars: int | None,
    target: list[str] | None,
    target_method: str | None,
    avoid: str | None,
    repeat: list[str] | None,
    exhausted: str | None,
    max_epochs: int | None,
    epoch: int | None,
    source_column: str,
    exclude: list[str] | None,
    exclude_letters: int,
    seed: int,
    column: list[str] | None,
    shuffle: bool,
    shards: int,
    compression: str | None,
    manifest: bool,
    provenance: bool,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw n rows, or a budget of tokens, of several sources by their shares, evenly mixed.

    With --repeat and without shares, all rows are drawn unless n says otherwise.
    """
    if (mixture is None) == (not source):
        raise click.UsageError("give either a file of sources or --source")
    started = time.perf_counter()
    with reported():
        check_compression(output, compression)
        options: dict[str, Any] = {}
        if mixture is not None:
            sources, options = read_mixture(mixture)
        else:
            sources = _sources(source or [])
        if num_samples is not None or budget_tokens is not None:
            for amount in ("n", "budget_tokens"):
                options.pop(amount, None)
        rule = rule_of(
            smart,
            entropy,
            smart_options(strength, min_chars, max_chars, target, target_method, avoid),
        )
        given = {
            "n": num_samples,
            "budget_tokens": budget_tokens,
            "tokenizer": tokenizer,
            "chat_template": chat_template,
            "text_columns": text_column,
            "where": where,
            "weight": weight,
            "smart": rule or None,
            "temperature": temperature,
            "epoch": epoch,
            "exhausted": exhausted,
            "max_epochs": max_epochs,
        }
        options |= {name: value for name, value in given.items() if value is not None}
        if repeat is not None:
            options["repeat"] = {**(options.get("repeat") or {}), **_copies(repeat)}
        if not any(options.get(name) for name in ("n", "budget_tokens", "repeat")):
            raise click.UsageError("give one of --num_samples, --budget-tokens and --repeat")
        drawn = fastsample.mix(
            sources,
            **options,
            exclude=exclude,
            exclude_letters=exclude_letters,
            seed=seed,
            columns=column,
            source_column=source_column or None,
            threads=threads,
        )
        files: dict[str, Any] = {
            "shuffle": shuffle,
            "shards": shards,
            "overwrite": overwrite,
            "manifest": manifest,
        }
        files["provenance"] = provenance
        written = write(drawn, output, compression, **files)
        tell_left_out(written.left_out)
        first = mixture_keys(drawn.report, written) if as_json else None
        show_written(drawn.report, written, started, first)


def _sources(options: list[str]) -> dict[str, Any]:
    sources: dict[str, Any] = {}
    for option in options:
        name, equals, rest = option.partition("=")
        if not (name and equals and rest):
            raise fastsample.ArgumentError(
                f"--source: {option!r} is no NAME=PATH:SHARE; write wiki=wiki.parquet:0.3"
            )
        if name in sources:
            raise fastsample.ArgumentError(f"--source: {name!r} is named twice")
        path, colon, share = rest.rpartition(":")
        try:
            sources[name] = ([path], float(share)) if colon and path else [rest]
        except ValueError:  # a name with a colon in it
            sources[name] = [rest]
    return sources


def _copies(options: list[str]) -> dict[str, int]:
    """Return what options of the form NAME=K say."""
    found = {}
    for option in options:
        name, _, times = option.rpartition("=")
        if not (name and times.isdecimal()):
            raise fastsample.ArgumentError(f"--repeat: {option!r} is no NAME=K; write code=4")
        found[name] = int(times)
    return found


def mixture_keys(drawn: fastsample.Report, written: fastsample.WriteReport) -> dict[str, Any]:
    """Return what the JSON of a mixture begins with."""
    return {
        "rows_before": drawn.rows,
        "rows_after": written.rows,
        "sources": [source.to_dict() for source in drawn.sources],
        "seed": drawn.seed,
        "tokens": drawn.tokens,
    }
