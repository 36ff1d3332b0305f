"""`fastsample sample`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

import fastsample
from fastsample import Report, WriteReport
from fastsample._sampling.draw import draw_sample
from fastsample._sampling.groups import AllocationLike
from fastsample._sampling.smart import SmartLike
from fastsample.cli._common import (
    Columns,
    Json,
    Threads,
    Where,
    err,
    print_json,
    reported,
    tell_left_out,
)
from fastsample.cli._written import check_compression, print_written, write, written_report


def sample(
    inputs: Annotated[
        list[str],
        typer.Option("--input", "-i", help="File, glob or folder to draw from. Repeatable."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write: Parquet, or by its ending: .arrow, .jsonl, .csv, .tsv, and .gz.",
        ),
    ],
    num_samples: Annotated[
        int | None,
        typer.Option("--num_samples", "--num-samples", "-n", help="Rows to draw.", min=1),
    ] = None,
    fraction: Annotated[
        float | None,
        typer.Option(help="In place of --num_samples: the share of the rows, as 0.3."),
    ] = None,
    where: Where = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Draw a number of rows of each value of this column. Repeatable."),
    ] = None,
    allocation: Annotated[
        str,
        typer.Option(help="With --by: proportional, equal, sqrt, or shares: a=0.7,b=0.3."),
    ] = "proportional",
    weight: Annotated[
        str | None, typer.Option(help="Draw by this column of numbers as the weights of rows.")
    ] = None,
    budget_tokens: Annotated[
        int | None,
        typer.Option(help="In place of --num_samples: the most tokens to draw.", min=1),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Leave out rows with more tokens.", min=1)
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json to count tokens with, or its folder.")
    ] = None,
    smart: Annotated[
        bool, typer.Option("--smart", help="Draw by weight: no copies, few near-duplicates.")
    ] = False,
    entropy: Annotated[
        bool, typer.Option("--entropy", help="Take the rows of highest character entropy.")
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(help="Prefer rows like those of this file. Implies --smart."),
    ] = None,
    weights: Annotated[
        bool,
        typer.Option("--weights", help="Add a column _weight: 1 / probability of being drawn."),
    ] = False,
    text_column: Annotated[
        list[str] | None,
        typer.Option(
            "--text-column",
            help="Weigh rows by this text column. Repeatable.",
            show_default="all that looks like text",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same rows.", min=0)] = 42,
    column: Columns = None,
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Write the rows in random order.")
    ] = False,
    shards: Annotated[int, typer.Option(help="Number of files to write.", min=1)] = 1,
    compression: Annotated[
        str | None,
        typer.Option(
            help="Codec.", show_default="zstd; none for .arrow; by the name for .jsonl and .csv"
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file of the same name.")] = True,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Draw exactly n rows, a share, or rows up to a budget of tokens, and write them to a file."""
    if sum(amount is not None for amount in (num_samples, fraction, budget_tokens)) != 1:
        raise typer.BadParameter("give one of --num_samples, --fraction and --budget-tokens")
    started = time.perf_counter()
    with reported():
        if entropy and (smart or target is not None):
            other = "--smart" if smart else "--target"
            raise fastsample.ArgumentError(f"{other} and --entropy exclude each other")
        check_compression(output, compression)
        drawn = draw_sample(
            inputs,
            num_samples,
            fraction=fraction,
            where=where,
            by=by,
            allocation=_allocation(allocation),
            weight=weight,
            budget_tokens=budget_tokens,
            max_tokens=max_tokens,
            tokenizer=tokenizer,
            smart=_rule(smart, entropy, target),
            seed=seed,
            columns=column,
            text_columns=text_column,
            weights=weights,
            threads=threads,
            at_most=True,
        )
        if num_samples is not None and len(drawn) < num_samples:
            _warn(num_samples, drawn.report)
        options = {"shuffle": shuffle, "shards": shards, "overwrite": overwrite}
        written = write(drawn, output, compression, **options)
        seconds = time.perf_counter() - started
        tell_left_out(drawn.report.left_out or written.left_out)
        if as_json:
            print_json(_sample_report(drawn.report, written, seconds))
        else:
            print_written(drawn.report, written, seconds)


def _warn(num_samples: int, drawn: Report) -> None:
    rows, matching = drawn.rows, drawn.matching
    what = f"there are only {rows:,} rows" if matching is None else f"only {matching:,} rows match"
    err.print(
        f"warning: --num_samples is {num_samples:,}, but {what}; keeping all of them",
        style="yellow",
        soft_wrap=True,
    )


def _allocation(text: str) -> AllocationLike:
    if "=" not in text:
        return text
    shares: dict[Any, float] = {}
    for part in text.split(","):
        name, _, share = part.rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            raise fastsample.ArgumentError(
                f"--allocation: {part!r} is no NAME=SHARE; write a=0.7,b=0.3"
            ) from None
    return shares


def _rule(smart: bool, entropy: bool, target: str | None) -> SmartLike:
    if target is not None:
        return fastsample.Smart(target=target)
    return "entropy" if entropy else smart


def _sample_report(drawn: Report, written: WriteReport, seconds: float) -> dict[str, Any]:
    return {
        "rows_before": drawn.rows,
        "rows_after": written.rows,
        "where": drawn.where,
        "matching": drawn.matching,
        "fraction": drawn.fraction,
        "weight": drawn.weight,
        "groups": drawn.groups and drawn.groups.to_dict(),
        "seed": drawn.seed,
        "tokens": drawn.tokens,
        "too_long": drawn.too_long,
        "smart": drawn.smart and drawn.smart.to_dict(),
        **written_report(drawn, written, seconds),
    }
