"""`fastsample sample --epochs`: fresh rows for each epoch, a file each."""

from __future__ import annotations

import time
from typing import Any

import fastsample
from fastsample import Report, WriteReport
from fastsample._layout import size
from fastsample._sampling.exclusion import excluded_facts
from fastsample.cli._common import print_facts, print_json, tell_left_out


def check_epochs(options: dict[str, object]) -> None:
    """Refuse options that epochs do not have; None stands for one that was not given."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise fastsample.ArgumentError(f"{given[0]} does not go with --epochs; leave out one")


def show_epochs(
    distinct: int | None,
    drawn: list[Report],
    written: list[WriteReport],
    started: float,
    *,
    as_json: bool,
) -> None:
    """Print the files, as JSON or as a table; the first `distinct` epochs share no row.

    None stands for epochs of which none share any.
    """
    first = drawn[0]
    seconds = time.perf_counter() - started
    notes = [*first.notes]
    if distinct is not None and len(written) > distinct:
        notes.append(f"rows come again from epoch {distinct} on: all have been drawn by then")
    tell_left_out(first.left_out or written[0].left_out)
    if as_json:
        print_json(
            {
                "rows_before": first.rows,
                "where": first.where,
                "matching": first.matching,
                "exclude": first.exclude and first.exclude.to_dict(),
                "seed": first.seed,
                "distinct_epochs": distinct,
                "epochs": [_epoch(*pair) for pair in zip(drawn, written, strict=True)],
                "text_columns": list(first.text_columns or written[0].mean_chars),
                "left_out": first.left_out or written[0].left_out,
                "notes": notes,
                "order": written[0].order,
                "bytes": sum(report.bytes for report in written),
                "seconds": round(seconds, 3),
            }
        )
        return
    facts = [("rows before", f"{first.rows:,}")]
    if first.matching is not None:
        facts.append(("rows that match", f"{first.matching:,}: {first.where}"))
    if first.exclude is not None:
        facts += excluded_facts(first.exclude)
    for epoch, report in enumerate(written):
        file = report.files[0]
        tokens = drawn[epoch].tokens
        told = f"{file.rows:,} rows" + ("" if tokens is None else f", {tokens:,} tokens")
        facts.append((f"epoch {epoch}", f"{told}, {size(file.bytes)}: {file.path}"))
    facts += [("note", note) for note in notes]
    facts.append(("order", written[0].order))
    print_facts([*facts, ("seed", str(first.seed)), ("time", f"{seconds:.1f} s")])


def _epoch(drawn: Report, written: WriteReport) -> dict[str, Any]:
    file = written.files[0]
    return {
        "path": str(file.path),
        "rows": file.rows,
        "bytes": file.bytes,
        "mean_chars": written.mean_chars,
        "duplicates": written.copies,
        "tokens": drawn.tokens,
        "too_long": drawn.too_long,
        "smart": drawn.smart and drawn.smart.to_dict(),
    }
