"""Options of smart draws and scores: the terms of the weight and their strengths."""

from __future__ import annotations

from typing import Any

import click

import fastsample
from fastsample._sampling.smart import METHODS
from fastsample.cli._common import several

_TERMS = ("duplicates", "commonness", "length", "repetition", "target")

strengths = several(
    "--strength",
    help="TERM=NUMBER: duplicates, commonness, length, repetition, target; 0 is off. Repeatable.",
)
min_chars = click.option(
    "--min-chars", type=click.IntRange(0), show_default="10", help="Shorter rows come last."
)
max_chars = click.option(
    "--max-chars",
    type=click.IntRange(0),
    show_default="512",
    help="Characters at which training cuts a row off.",
)
target = click.option("--target", help="Prefer rows like those of this file.")
target_method = click.option(
    "--target-method",
    type=click.Choice(METHODS),
    show_default="classifier",
    help="How they are told.",
)


def smart_options(
    strengths: list[str] | None,
    min_chars: int | None,
    max_chars: int | None,
    target: str | None,
    target_method: str | None,
) -> fastsample.Smart | None:
    """Return what was asked for, or None if nothing was."""
    options: dict[str, Any] = {
        "min_chars": min_chars,
        "max_chars": max_chars,
        "target": target,
        "target_method": target_method,
    }
    for each in strengths or ():
        term, _, strength = each.partition("=")
        if term not in _TERMS:
            raise fastsample.ArgumentError(
                f"--strength: {term!r} is no term; write one of {', '.join(_TERMS)}, as length=0"
            )
        try:
            number = float(strength)
        except ValueError:
            raise fastsample.ArgumentError(
                f"--strength: {each!r} is no TERM=NUMBER; write {term}=0.5"
            ) from None
        options["target_strength" if term == "target" else term] = number
    given = {name: value for name, value in options.items() if value is not None}
    return fastsample.Smart(**given) if given else None
