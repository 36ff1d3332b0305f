"""Options of smart draws and scores: the terms of the weight and their strengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import fastsample
from fastsample._sampling.smart import METHODS, SmartLike
from fastsample.cli._common import several

#: The terms, and their arguments.
_TERMS = {
    **{term: term for term in ("duplicates", "commonness", "length", "repetition")},
    "target": "target_strength",
    "avoid": "avoid_strength",
}

strengths = several(
    "--strength",
    help="TERM=NUMBER: duplicates, commonness, length, repetition, target, avoid; 0 is off. "
    "Repeatable.",
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
target = several(
    "--target",
    help="Prefer rows like those of this file. Repeatable: rows count by the one they fit best.",
)
target_method = click.option(
    "--target-method",
    type=click.Choice(METHODS),
    show_default="classifier",
    help="How they are told.",
)
features = click.option(
    "--features",
    type=click.Path(path_type=Path),
    help="Keep what a smart draw reads of all rows in this file, or read it from there.",
)
avoid = click.option("--avoid", help="Prefer rows unlike those of this file.")


def terms(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that :func:`smart_options` takes."""
    for option in (avoid, target_method, target, max_chars, min_chars, strengths):
        command = option(command)
    return command


def smart_options(
    strengths: list[str] | None,
    min_chars: int | None,
    max_chars: int | None,
    targets: list[str] | None,
    target_method: str | None,
    avoid: str | None,
) -> fastsample.Smart | None:
    """Return what was asked for, or None if nothing was."""
    options: dict[str, Any] = {
        "min_chars": min_chars,
        "max_chars": max_chars,
        "target": targets[0] if targets and len(targets) == 1 else _by_path(targets),
        "target_method": target_method,
        "avoid": avoid,
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
        options[_TERMS[term]] = number
    given = {name: value for name, value in options.items() if value is not None}
    return fastsample.Smart(**given) if given else None


def _by_path(targets: list[str] | None) -> dict[str, str] | None:
    """Return several targets by their paths."""
    for path in targets or ():
        if (targets or []).count(path) > 1:
            raise fastsample.ArgumentError(f"--target: {path} comes twice; name each file once")
    return {path: path for path in targets} if targets else None


def rule_of(smart: bool, entropy: bool, options: fastsample.Smart | None) -> SmartLike:
    """Return how rows are judged; False if they are not."""
    if entropy and (smart or options is not None):
        given: dict[str, Any] = {"--smart": smart}
        if options is not None:
            given |= {"--target": options.target, "--avoid": options.avoid}
        other = next((name for name, value in given.items() if value), "--strength")
        raise fastsample.ArgumentError(f"{other} and --entropy exclude each other")
    return "entropy" if entropy else options or smart
