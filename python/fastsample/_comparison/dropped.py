"""Rows of the source that a smart sample does not have, by why the draw left them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._comparison.examples import flat_columns, texts_of
from fastsample._comparison.model import Dropped
from fastsample._files import is_there
from fastsample._sampling.manifest_file import kind_of, manifest_path, read_manifest
from fastsample._sampling.recipe import options_of
from fastsample._sampling.sample import Sample
from fastsample._sampling.smart import Smart, check_smart, weighted
from fastsample._source import SourceLike, open_source
from fastsample.errors import FastSampleError

if TYPE_CHECKING:
    from fastsample._progress import Callback

#: Options of a draw that leave rows out for reasons of their own.
_OTHERS = ("where", "exclude", "by", "group", "weight", "replace", "budget_tokens", "max_tokens")


def smart_options(sample: SourceLike, files: Sequence[Path]) -> tuple[bool, Smart | None]:
    """Tell whether a draw was a smart one, and its options if its terms alone decided.

    The sample itself says so, or the manifest beside its file.
    """
    try:
        if isinstance(sample, Sample):
            return sample.report.smart is not None, _of_sample(sample)
        if files and is_there(manifest_path(files[0]), Path.is_file):
            found = read_manifest(manifest_path(files[0]))
            options, kind = options_of(found), kind_of(found)
            # Of a split only the first side is drawn by weight.
            is_smart = kind != "side" or found["side"] == next(iter(options["sizes"]), None)
            return is_smart and bool(options.get("smart")), _decisive(kind, options)
    except (FastSampleError, TypeError, ValueError):  # a manifest that somebody edited
        pass
    return False, None


def dropped(
    source: _fastsample.Source,
    sample: _fastsample.Source,
    drawn: SourceLike,
    options: Smart,
    text: Sequence[str],
    count: int,
    threads: int | None,
    progress: Callback | None,
) -> tuple[tuple[Dropped, ...], str | None]:
    """Return why rows were dropped, with texts of `count` rows a reason; or why that is unknown.

    `sample` is `drawn`, opened. `text` is what the draw read unless its options say otherwise; of
    it, columns that are not nested are shown.
    """
    again = _again(sample, drawn, threads, progress)
    if source.rows is None or again is None:
        return (), None
    columns = flat_columns(source, text)
    options = options if options.text is not None else replace(options, text=text)
    try:
        rule = weighted(options, threads, progress)
        reasons, rows = _fastsample.dropped(
            source,
            again,
            rule,
            examples=count if columns else 0,
            threads=threads,
            progress=progress,
        )
    except FastSampleError as error:
        return (), f"why rows were dropped is not told: {error}"
    ids = sorted(row for _, _, those in reasons for row in those)
    texts = {} if rows is None else dict(zip(ids, texts_of(rows, columns), strict=True))
    shown = tuple(
        Dropped(reason, number, tuple(texts[row] for row in those))
        for reason, number, those in reasons
        if number
    )
    return shown, None


def _again(
    sample: _fastsample.Source,
    drawn: SourceLike,
    threads: int | None,
    progress: Callback | None,
) -> _fastsample.Source | None:
    """Return a sample that was read to be read again; None if it is a stream, which can't be."""
    if sample.rows is not None:
        return sample
    return open_source(drawn, None, threads, progress) if isinstance(drawn, Sample) else None


def _of_sample(sample: Sample) -> Smart | None:
    made = sample._recipe
    if made.untold is not None:
        return None
    return _decisive(made.kind, options_of({"options": made.options}))


def _decisive(kind: str | None, options: Mapping[str, Any]) -> Smart | None:
    smart = options.get("smart")
    is_smart = smart is True or isinstance(smart, Smart)
    # Other sides and earlier epochs leave rows out, too.
    if kind is not None or not is_smart or any(options.get(o) for o in _OTHERS):
        return None
    return check_smart(smart, options.get("text_columns"))
