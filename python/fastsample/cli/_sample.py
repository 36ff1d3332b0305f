"""`fastsample sample`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample import Report, WriteReport
from fastsample._sampling.epochs import write_epochs
from fastsample.cli._common import (
    Rows,
    allocation,
    allocation_of,
    as_json,
    by,
    chat_template,
    columns,
    exclude,
    overwrite,
    reported,
    say,
    schema,
    seed,
    several,
    tell_left_out,
    text_columns,
    threads,
    where,
)
from fastsample.cli._epochs import check_epochs, show_epochs
from fastsample.cli._paths import folder_of, inputs, paths, source_and_output
from fastsample.cli._rule import features, rule_of, smart_options, terms
from fastsample.cli._written import (
    check_compression,
    compression,
    manifest,
    output,
    provenance,
    shards,
    show_written,
    tell_order,
    write,
)


@click.command()
@paths
@inputs
@output(required=False)
@click.option(
    "--num_samples", "--num-samples", "-n", type=Rows(), help="Rows to draw: 3000000, 3m."
)
@click.option(
    "--at-most/--exactly",
    default=True,
    help="Where there are fewer rows: keep all of them, or fail.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="Draw fresh rows for each of this many epochs, a file each: NAME-epoch0.",
)
@click.option(
    "--fraction", type=float, help="In place of --num_samples: the share of the rows, as 0.3."
)
@where
@exclude
@by("Draw a number of rows of each value of this column. Repeatable.")
@allocation
@several("--group", help="Draw rows of equal values of this column all or none. Repeatable.")
@click.option(
    "--num_groups",
    "--num-groups",
    type=Rows(),
    help="In place of --num_samples, with --group: the groups to draw.",
)
@click.option(
    "--weight",
    help="Draw by this column of numbers as the weights of rows; with --smart, times theirs.",
)
@click.option("--key", help="Draw by the values of this column, not by the order of rows.")
@click.option("--replace", is_flag=True, help="Draw with replacement: a row may come again.")
@click.option(
    "--budget-tokens",
    type=click.IntRange(1),
    help="In place of --num_samples: the most tokens to draw.",
)
@click.option("--max-tokens", type=click.IntRange(1), help="Leave out rows with more tokens.")
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="tokenizer.json to count tokens with, or its folder.",
)
@chat_template
@click.option("--smart", is_flag=True, help="Draw by weight: no copies, few near-duplicates.")
@click.option("--entropy", is_flag=True, help="Take the rows of highest character entropy.")
@terms
@features
@click.option(
    "--weights", is_flag=True, help="Add a column _weight: 1 / probability of being drawn."
)
@text_columns("Weigh rows by this text column. Repeatable.")
@seed
@columns
@schema
@click.option(
    "--shuffle/--no-shuffle",
    default=None,
    show_default="the order of the source, with a note",
    help="Write the rows in random order.",
)
@shards
@compression
@manifest
@provenance
@overwrite
@threads
@as_json
def sample(
    paths: tuple[str, ...],
    inputs: tuple[str, ...],
    output: Path | None,
    num_samples: int | None,
    at_most: bool,
    epochs: int | None,
    fraction: float | None,
    where: str | None,
    exclude: list[str] | None,
    exclude_letters: int,
    by: list[str] | None,
    allocation: str,
    group: list[str] | None,
    num_groups: int | None,
    weight: str | None,
    key: str | None,
    replace: bool,
    budget_tokens: int | None,
    max_tokens: int | None,
    tokenizer: Path | None,
    chat_template: bool | None,
    smart: bool,
    entropy: bool,
    strength: list[str] | None,
    min_chars: int | None,
    max_chars: int | None,
    target: list[str] | None,
    target_method: str | None,
    avoid: str | None,
    features: Path | None,
    weights: bool,
    text_column: list[str] | None,
    seed: int,
    column: list[str] | None,
    schema: Any,
    shuffle: bool | None,
    shards: int,
    compression: str | None,
    manifest: bool,
    provenance: bool,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw exactly n rows, a share, or rows up to a budget of tokens, and write them to a file."""
    amounts = (num_samples, fraction, budget_tokens, num_groups)
    if sum(amount is not None for amount in amounts) != 1:
        raise click.UsageError(
            "give one of --num_samples, --fraction, --budget-tokens and --num_groups"
        )
    started = time.perf_counter()
    with reported():
        sources, file = source_and_output(paths, inputs, output)
        rule = rule_of(
            smart,
            entropy,
            smart_options(strength, min_chars, max_chars, target, target_method, avoid),
        )
        check_compression(file, compression)
        asked: dict[str, Any] = {
            "fraction": fraction,
            "where": where,
            "exclude": exclude,
            "exclude_letters": exclude_letters,
            "by": by,
            "allocation": allocation_of(allocation),
            "group": group,
            "n_groups": num_groups,
            "weight": weight,
            "budget_tokens": budget_tokens,
            "max_tokens": max_tokens,
            "tokenizer": tokenizer,
            "chat_template": chat_template,
            "smart": rule,
            "features": features,
            "seed": seed,
            "columns": column,
            "schema": schema,
            "text_columns": text_column,
            "threads": threads,
        }
        if epochs is not None:
            check_epochs(
                {
                    "--key": key,
                    "--replace": replace or None,
                    "--weights": weights or None,
                    "--shards": shards if shards > 1 else None,
                }
            )
            draws = fastsample.epochs(sources, num_samples, **asked)
            files = {"shuffle": shuffle is True, "overwrite": overwrite}
            files |= {"manifest": manifest, "provenance": provenance}
            with folder_of(file):
                reports = write_epochs(draws, file, epochs, compression, **files)
            tell_order(shuffle)
            # By tokens no two of them share a row, and to count all of them takes all tokens.
            distinct = None if tokenizer is not None else len(draws)
            show_epochs(distinct, *reports, started, as_json=as_json)
            return
        drawn = fastsample.sample(
            sources,
            num_samples,
            **asked,
            key=key,
            replace=replace,
            weights=weights,
            at_most=at_most,
        )
        if num_samples is not None and drawn.report._available < num_samples and not replace:
            _warn(num_samples, drawn.report)
        groups = drawn.report.n_groups or 0
        if num_groups is not None and groups < num_groups:
            kept = f"only {groups:,} groups can be drawn; keeping all of them"
            say(f"warning: --num_groups is {num_groups:,}, but {kept}", "yellow")
        options: dict[str, Any] = {
            "shuffle": shuffle is True,
            "shards": shards,
            "overwrite": overwrite,
        }
        options |= {"manifest": manifest, "provenance": provenance}
        written = write(drawn, file, compression, **options)
        tell_left_out(drawn.report.left_out or written.left_out)
        tell_order(shuffle)
        first = sample_keys(drawn.report, written) if as_json else None
        show_written(drawn.report, written, started, first)


def _warn(num_samples: int, drawn: Report) -> None:
    rows = drawn._available
    what = f"only {rows:,} rows match"
    if drawn.exclude is not None:
        what = f"--exclude leaves only {rows:,} rows"
    elif drawn.matching is None:
        what = f"there are only {rows:,} rows"
    say(f"warning: --num_samples is {num_samples:,}, but {what}; keeping all of them", "yellow")


def sample_keys(drawn: Report, written: WriteReport) -> dict[str, Any]:
    """Return what the JSON of a sample begins with."""
    return {
        "rows_before": drawn.rows,
        "rows_after": written.rows,
        "where": drawn.where,
        "matching": drawn.matching,
        "exclude": drawn.exclude and drawn.exclude.to_dict(),
        "fraction": drawn.fraction,
        "weight": drawn.weight,
        "key": drawn.key,
        "replace": drawn.replace,
        "distinct": drawn.distinct,
        "group": list(drawn.group),
        "n_groups": drawn.n_groups,
        "groups": drawn.groups and drawn.groups.to_dict(),
        "seed": drawn.seed,
        "tokens": drawn.tokens,
        "too_long": drawn.too_long,
        "smart": drawn.smart and drawn.smart.to_dict(),
    }
