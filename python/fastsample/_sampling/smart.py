"""Options of smart sampling, and rules made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fastsample import _fastsample
from fastsample._arguments import (
    check_text_columns,
    choice,
    number,
    optional,
    output_path,
    string,
    whole,
)
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._source import SourceLike, open_source
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    from typing import TypeAlias

#: What `fastsample.sample(smart=...)` takes.
SmartLike: TypeAlias = "bool | Smart | Literal['entropy']"


#: How a target is learned.
TargetMethod: TypeAlias = "Literal['ratio', 'classifier']"
METHODS = ("ratio", "classifier")

_NUMBERS = (
    "duplicates",
    "commonness",
    "length",
    "repetition",
    "target_strength",
    "target_clip",
    "avoid_strength",
)

#: What a single target is called in reports.
ONE_TARGET = "target"


@public
@dataclass(frozen=True)
class Smart:
    """Strengths of the terms of a smart draw. A row's weight is the product of the terms.

    A strength of 1 is the formula below, 2 its square, 0.5 its square root; 0 switches the term
    off. With all of them off, the draw is the uniform one, row for row. What to expect of a smart
    draw: ``docs/smart.md``.

    Parameters
    ----------
    text
        Text columns to read: names, or paths such as ``messages[].content``. By default those
        that look like text.
    duplicates
        1.5 / c and at most 1, where c is the estimated number of near-duplicates of the row,
        itself included (one-permutation MinHash over shingles of 3 characters, 5 in Latin script;
        Li, Owen, Zhang 2012). Rows that fill in one template are near-duplicates, too: if their
        near-duplicates lack a quarter of the row's shingles, the row counts like any other; if
        less, by the cube of that share. Above 0, equal rows are never drawn twice while others
        are left.
    commonness
        1 / the geometric mean of the document frequencies of the row's shingles: of the number of
        other rows of a pilot that have each. Limited to the 5 % and 80 % quantiles of the rows.
        Prefers rare text, and is off by default: it shifts the mix of kinds of text. The pilot is
        all rows of a small source, else 128 blocks of 256 rows.
    length
        The square root of the length, up to `max_chars`, where training cuts a row off. Above 0,
        rows shorter than `min_chars` come last.
    repetition
        Twice the distinct shingles over all shingles of the row (of its first 1,024), between 1/16
        and 1: lowers texts that repeat themselves, such as laughter and lines of dashes.
    min_chars, max_chars
        In characters (Unicode code points) of all text columns together.
    target
        Rows of the kind that is wanted: a path or an object, as `source` of
        :func:`fastsample.sample`; several paths are one kind. A mapping of names to such sources
        is several kinds: a row counts by the one that it fits best, so a small target is not
        drowned by a large one. Of the columns those are read that have the names of the weighed
        columns; all text columns if there are none of those.
    target_method
        How rows are held against the target. "classifier": the odds that the row is of the target,
        by logistic regression on shingles, learned from the target and a pilot of the source.
        "ratio": share of a shingle in the target over its share in the source, geometric mean over
        the row's shingles: the DSIR importance weight (Xie, Santurkar, Ma, Liang 2023).
    target_strength
        Exponent of the ratio, or of the odds.
    target_clip
        Ratio and odds are limited to 2**-target_clip and 2**target_clip, those of `avoid`, too.
    avoid
        Rows of a kind that is not wanted, as `target`: 1 / the odds that the row is of it, by
        logistic regression on shingles, learned from these rows and a pilot of the source.
    avoid_strength
        Exponent of these odds.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"text": ["同样的一句话，说了三遍"] * 3 + ["这是另外的一句，只说一遍"]})
    >>> s = fastsample.sample(table, 2, smart=fastsample.Smart(max_chars=256))
    >>> sorted(set(s.to_arrow()["text"].to_pylist())) == sorted(set(table["text"].to_pylist()))
    True
    """

    text: Sequence[str] | None = None
    duplicates: float = 1.0
    commonness: float = 0.0
    length: float = 0.25
    repetition: float = 0.5
    min_chars: int = 10
    max_chars: int = 512
    target: SourceLike | Mapping[str, SourceLike] | None = None
    target_method: TargetMethod = "classifier"
    target_strength: float = 8.0
    target_clip: float = 1.0
    avoid: SourceLike | None = None
    avoid_strength: float = 8.0

    @classmethod
    def rare_text(cls) -> Smart:
        """Return the rule that prefers rare text: ``Smart(commonness=0.3, length=0.125)``.

        It was the default of early versions, and draws the rows that they drew.
        """
        return cls(commonness=0.3, length=0.125)

    def __post_init__(self) -> None:
        columns = check_text_columns(self.text, "text")
        checked: dict[str, Any] = {"text": None if columns is None else tuple(columns)}
        for name in _NUMBERS:
            checked[name] = number(name, getattr(self, name))
        for name in ("min_chars", "max_chars"):
            checked[name] = whole(name, getattr(self, name), least=0, most=2**32 - 1)
        checked["target_method"] = choice("target_method", self.target_method, METHODS)
        if isinstance(self.target, Mapping):
            checked["target"] = _named(self.target)
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # the class is frozen


def _named(targets: Mapping[str, SourceLike]) -> dict[str, SourceLike]:
    """Check the names of several targets."""
    if not targets:
        raise ArgumentError("target is empty; name a source, or several as {name: source}")
    named = {string("the name of a target", name): each for name, each in targets.items()}
    if "" in named:
        raise ArgumentError("the name of a target is empty; give each one a name")
    return named


def targets_of(options: Smart) -> dict[str, SourceLike]:
    """Return the targets by name."""
    if options.target is None:
        return {}
    if isinstance(options.target, Mapping):
        return dict(options.target)
    return {ONE_TARGET: options.target}


def rule(
    smart: SmartLike,
    text_columns: Sequence[str] | None,
    threads: int | None,
    progress: Callback | None,
    features: Path | None = None,
) -> _fastsample.Rule:
    """Return the rule that `smart` names, with the rows that it has opened."""
    options = check_rule(smart, text_columns)
    if options is None:
        return _fastsample.Rule.entropy(check_text_columns(text_columns))
    return weighted(options, threads, progress, features)


def check_rule(smart: object, text_columns: Sequence[str] | None) -> Smart | None:
    """Check what `smart` names; return the options if it has any."""
    columns = check_text_columns(text_columns)
    if smart is False or (isinstance(smart, str) and smart == "entropy"):
        return None
    return check_smart(smart, columns)


def text_of(smart: SmartLike, text_columns: Sequence[str] | None) -> list[str] | None:
    """Return `text_columns`, or else the text columns of the options."""
    columns = check_text_columns(text_columns)
    if columns is None and isinstance(smart, Smart):
        return None if smart.text is None else list(smart.text)
    return columns


def check_smart(smart: object, text_columns: Sequence[str] | None = None) -> Smart:
    """Return `smart` as options, with `text_columns` if they are given."""
    if smart is not True and not isinstance(smart, Smart):
        kind = ArgumentError if isinstance(smart, str) else SourceTypeError
        raise kind(f"smart is {smart!r}; it must be True, False, 'entropy' or a fastsample.Smart")
    options = Smart() if smart is True else smart
    columns = check_text_columns(text_columns)
    return options if columns is None else replace(options, text=columns)


def weighted(
    options: Smart,
    threads: int | None,
    progress: Callback | None,
    features: Path | None = None,
) -> _fastsample.Rule:
    """Return the rule that weighs rows by `options`, with the rows that it has opened."""
    targets = [
        (name, open_source(each, None, threads, progress))
        for name, each in targets_of(options).items()
    ]
    avoid = None
    if options.avoid is not None:
        avoid = open_source(options.avoid, None, threads, progress)
    return _fastsample.Rule.weighted(options, targets, avoid, features)


def check_features(features: object) -> Path | None:
    """Return the path of a file of features, or None for none."""
    return optional(output_path, "features", features)


def check_kept(features: Path | None, opened: _fastsample.Source) -> None:
    """Refuse to keep features of a stream, before it is read."""
    if features is not None and opened.rows is None:
        raise ArgumentError(
            "features are kept of files alone, since the rows of a stream can't be told from "
            "others later; write them to a file first, or leave out features"
        )
