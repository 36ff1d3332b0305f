"""`fastsample split`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample._arguments import choice
from fastsample._layout import size
from fastsample._sampling.exclusion import excluded_facts
from fastsample._sampling.formats import LINES
from fastsample._sampling.report import GROUPS_PRINTED
from fastsample.cli._common import (
    allocation,
    allocation_of,
    as_json,
    by,
    columns,
    exclude,
    overwrite,
    print_facts,
    print_json,
    reported,
    schema,
    seed,
    several,
    shuffle,
    tell_left_out,
    text_columns,
    threads,
    where,
)
from fastsample.cli._rule import features
from fastsample.cli._written import manifest, provenance

#: Endings of the files, without the dot: one for each format and compression.
_FORMATS = ["parquet", *(end[1:] for end in LINES if not end.startswith(".ndjson"))]


@click.command()
@click.argument("sides", metavar="[NAME=SIZE...]", nargs=-1)
@click.option(
    "--input",
    "-i",
    "inputs",
    multiple=True,
    required=True,
    help="File, glob or folder. Repeatable.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for the files; created if missing.",
)
@text_columns("Rows that agree in these stay together. Repeatable.")
@click.option("--folds", type=int, help="In place of sides: this many of equal size.")
@several("--group", help="Rows of equal values of this column stay together. Repeatable.")
@by("Each side has its share of each value of this column. Repeatable.")
@allocation
@click.option("--weight", help="Draw the first side by this column of numbers as weights.")
@click.option("--smart", is_flag=True, help="Draw the first side by weight, as sample --smart.")
@features
@click.option("--near-duplicates", is_flag=True, help="Keep near-duplicates in one file, too.")
@seed
@where
@exclude
@columns
@schema
@shuffle
@click.option(
    "--format",
    "file_format",
    default="parquet",
    help="Ending of the files: parquet, jsonl, csv, tsv, or jsonl.gz, jsonl.zst and so on.",
)
@manifest
@provenance
@overwrite
@threads
@as_json
def split(
    sides: tuple[str, ...],
    inputs: tuple[str, ...],
    output: Path,
    text_column: list[str] | None,
    folds: int | None,
    group: list[str] | None,
    by: list[str] | None,
    allocation: str,
    weight: str | None,
    smart: bool,
    features: Path | None,
    near_duplicates: bool,
    seed: int,
    where: str | None,
    exclude: list[str] | None,
    exclude_letters: int,
    column: list[str] | None,
    schema: Any,
    shuffle: bool,
    file_format: str,
    manifest: bool,
    provenance: bool,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw training, validation and test rows: disjoint, equal texts never in two files.

    A SIZE is a number of rows (train=3000000), exactly, or a share (test=0.01). With --group, rows
    of equal values are in one file, whatever their texts.
    """
    started = time.perf_counter()
    with reported():
        choice("--format", file_format, _FORMATS)
        drawn = fastsample.split(
            list(inputs),
            _sizes(sides) if sides or folds is None else None,
            folds=folds,
            group=group,
            by=by,
            allocation=allocation_of(allocation),
            weight=weight,
            smart=smart,
            features=features,
            near_duplicates=near_duplicates,
            seed=seed,
            where=where,
            exclude=exclude,
            exclude_letters=exclude_letters,
            columns=column,
            schema=schema,
            text_columns=text_column,
            threads=threads,
        )
        options = {"shuffle": shuffle, "overwrite": overwrite, "manifest": manifest}
        options["provenance"] = provenance
        written = _write(drawn, output, file_format, **options)
    seconds = time.perf_counter() - started
    files = {name: report.files[0] for name, report in written.items()}
    notes = [f"{name}: {note}" for name, side in drawn.items() for note in side.report.notes]
    first = next(iter(drawn.values())).report
    strata = [side.report.groups for side in drawn.values()]
    tell_left_out(first.left_out)
    text, together = list(first.text_columns), list(first.group)
    if as_json:
        found = {
            name: {"path": str(file.path), "rows": file.rows, "bytes": file.bytes}
            | {"groups": groups and groups.to_dict()}
            for (name, file), groups in zip(files.items(), strata, strict=True)
        }
        kept = {"group": together, "text_columns": text, "left_out": first.left_out}
        drawn_by = {"seed": seed, "weight": first.weight, **kept}
        facts_of = {**drawn_by, "seconds": round(seconds, 3), "notes": notes}
        matched = {"where": first.where, "matching": first.matching}
        left_out = {"exclude": first.exclude and first.exclude.to_dict()}
        print_json({"sides": found, **matched, **left_out, **facts_of})
        return
    facts = [
        (name, f"{file.rows:,} rows, {size(file.bytes)}: {file.path}")
        for name, file in files.items()
    ]
    if first.matching is not None:
        facts.append(("rows that match", f"{first.matching:,} of {first.rows:,}: {first.where}"))
    if first.exclude is not None:
        facts += excluded_facts(first.exclude)
    if first.groups is not None:
        facts += _strata_facts(dict(zip(drawn, filter(None, strata), strict=True)))
    facts += [("note", note) for note in notes]
    if text or together:
        facts.append(("kept together by", ", ".join(together or text)))
    print_facts([*facts, ("seed", str(seed)), ("time", f"{seconds:.1f} s")])


def _write(
    drawn: fastsample.Split, folder: Path, file_format: str, **options: Any
) -> dict[str, fastsample.WriteReport]:
    if file_format == "parquet":
        return drawn.write_parquet(folder, **options)
    name, codec = LINES[f".{file_format}"]
    if name == "jsonl":
        return drawn.write_jsonl(folder, compression=codec, **options)
    delimiter = "\t" if file_format.startswith("tsv") else ","
    return drawn.write_csv(folder, delimiter=delimiter, compression=codec, **options)


def _strata_facts(sides: dict[str, fastsample.Groups]) -> list[tuple[str, str]]:
    """Return the rows that each side has of the largest groups."""
    first = next(iter(sides.values()))
    facts = [("groups", f"{first.count:,} by {', '.join(first.by)}, {first.allocation}")]
    shown = list(zip(*(side.largest for side in sides.values()), strict=True))[:GROUPS_PRINTED]
    for group in shown:
        rows = ", ".join(f"{name} {of.drawn:,}" for name, of in zip(sides, group, strict=True))
        facts.append((f"  {group[0].name}", f"{rows} of {group[0].rows:,}"))
    if first.count > len(shown):
        facts.append(("  others", f"{first.count - len(shown):,} groups"))
    return facts


def _sizes(sides: tuple[str, ...]) -> dict[str, int | float]:
    sizes: dict[str, int | float] = {}
    for side in sides:
        name, _, value = side.partition("=")
        if name in sizes:
            raise fastsample.ArgumentError(f"{name!r} is named twice")
        try:
            sizes[name] = float(value) if "." in value else int(value.replace("_", ""))
        except ValueError:
            raise fastsample.ArgumentError(
                f"{side!r} is no NAME=SIZE; write train=3000000 or test=0.01"
            ) from None
    return sizes
