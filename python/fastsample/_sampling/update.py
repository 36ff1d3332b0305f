"""`update`: the sample of a source that has grown, by what the earlier sample has of it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._arguments import check_amount, check_seed, check_threads, file_path
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.draw_plan import DrawPlan, check_plan, draw, report_of
from fastsample._sampling.grown import unchanged
from fastsample._sampling.manifest import rows_digest
from fastsample._sampling.manifest_file import kind_of, manifest_path, read_manifest
from fastsample._sampling.recipe import options_of, recipe
from fastsample._sampling.sample import Sample
from fastsample._source import SourceLike, matching, open_source
from fastsample.errors import ArgumentError, SourceChangedError, SourceNotFoundError

#: Options with which the rows that were drawn need not belong any more, or can't be told, and why.
_REFUSED = {
    "smart": "the weight of a row depends on all others",
    "budget_tokens": "tokens of rows all over the source have to be counted",
    "max_tokens": "tokens of rows all over the source have to be counted",
    "exclude": "the texts of all rows have to be read",
    "replace": "a row may come several times",
    "weights": "the column _weight depends on the number of rows",
}

#: How the name of a manifest ends.
_ENDING = ".manifest.json"


@public
def update(
    old: Sample | str | os.PathLike[str],
    source: SourceLike,
    *,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Sample:
    """Draw the sample of a source that has grown, and read only what the earlier one lacks.

    The rows are those of :func:`fastsample.sample` with the options of the earlier sample: the
    same `n` or `fraction`, the same seed. Most rows of the earlier sample still belong. They are
    read from its output, and the others from the source: those of the new files, and with
    `fraction` a few of the old ones.

    Parameters
    ----------
    old
        The earlier sample: a file that was written with ``manifest=True`` and without a shuffle,
        or its manifest; or a :class:`fastsample.Sample` of files, of which rows that are in memory
        are not read again.
    source
        The files that the earlier sample was drawn from, and new ones behind them, as in
        :func:`fastsample.sample`: all of this machine, or all of a store. A folder or glob is
        sorted by name. The last of the old files may have more lines now, if it is JSON Lines or
        CSV of this machine that is not compressed.
    threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Sample
        The rows of a fresh draw, in the same order. The earlier output is an input, which no
        output may replace.

    Raises
    ------
    SourceChangedError
        The first files are not those of the earlier sample, as they were. Their sizes and times of
        change are compared, and their SHA-256 where the time is another one; of objects of stores
        their sizes and ETags. Or the earlier output has another size, or is of other rows; its
        content is not compared.
    ArgumentError
        There is no manifest; the earlier sample was drawn with ``smart``, by tokens, with
        ``exclude``, ``replace`` or ``weights``, was shuffled, or is a mixture. Or the store gives
        no ETags, by which its objects could be told from those of before.
    SchemaError
        A column of the output has another type than in the source.

    Notes
    -----
    A uniform draw takes the rows of the smallest hashes of seed and position, and positions do not
    change when files are appended. With ``where``, ``by``, ``group`` and ``weight``, their columns
    are read of all rows; only rows are read from the output.

    Examples
    --------
    >>> import pyarrow as pa, pyarrow.parquet as pq, pathlib, tempfile, fastsample
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     pq.write_table(pa.table({"id": range(1000)}), folder / "a.parquet")
    ...     s = fastsample.sample(folder / "a.parquet", fraction=0.1)
    ...     written = s.write_parquet(folder / "old.parquet", manifest=True)
    ...     pq.write_table(pa.table({"id": range(1000, 1100)}), folder / "b.parquet")
    ...     files = [folder / "a.parquet", folder / "b.parquet"]
    ...     updated = fastsample.update(folder / "old.parquet", files)
    ...     fresh = fastsample.sample(files, fraction=0.1)
    ...     updated.to_arrow().equals(fresh.to_arrow())
    True
    """
    threads = check_threads(threads)
    started = time.perf_counter()
    written = None if isinstance(old, Sample) else _written(old)
    if isinstance(old, Sample):
        if (why := old._recipe.untold) is not None:
            raise ArgumentError(f"the earlier sample can't be updated, since {why}")
        _check_plain("the earlier sample", old._recipe.kind)
        what, options = "the earlier sample", options_of({"options": old._recipe.options})
    elif written is not None:
        what, options = written.what, written.options
    plan, where, schema = _plan(what, options), options.get("where"), options.get("schema")
    with reporting(progress, "updating") as callback:

        def rows_of(opened: _fastsample.Source) -> _fastsample.Source:
            return matching(opened, where, threads, callback)

        opened = open_source(source, options.get("columns"), threads, callback, schema)
        made = recipe(source, {**options, **plan.arguments})
        if made.untold is not None:
            raise ArgumentError(
                f"the source can't be told from the earlier one, since {made.untold}"
            )
        known = [] if written is None else unchanged(written.found, opened)
        population = rows_of(opened)
        drawn = draw(population, plan, threads, callback)
        output = None
        if isinstance(old, Sample):
            before = old._native
            drawn.rows.check_grown(before)
            if old._rows is not None:
                output = _fastsample.Source.from_table(old.to_arrow(), None, before.inputs)
        elif written is not None:
            head = opened.head(written.found["source_rows"])
            before = draw(rows_of(head), plan, threads, callback).rows
            written.check_rows(before)
            output = written.open(drawn.rows, threads)
        if output is not None:
            drawn = replace(drawn, rows=drawn.rows.with_kept(before, output))
            made = replace(made, known=known, aside=output.inputs)
    report = report_of(drawn, plan, population, where, time.perf_counter() - started)
    if output is not None:
        kept, n = drawn.rows.kept, len(drawn.rows)
        note = f"{kept:,} of {n:,} rows are read from {what}, {n - kept:,} from the source"
        report = replace(report, notes=(*report.notes, note))
    return Sample(drawn.rows, report, made)


@dataclass(frozen=True)
class _Written:
    """An earlier output, as its manifest tells of it."""

    manifest: Path
    found: dict[str, Any]
    options: dict[str, Any]

    @property
    def what(self) -> str:
        return str(self.manifest.with_name(self.manifest.name.removesuffix(_ENDING)))

    def check_rows(self, before: _fastsample.Sample) -> None:
        """Raise an error if other rows than those of `before` were written."""
        if (len(before), rows_digest(before)) != (self.found["rows"], self.found["row_ids"]):
            raise SourceChangedError(
                f"{self.manifest}: other rows are drawn out of the same files: fastsample "
                f"{self.found['fastsample']} made it, this is {_fastsample.__version__}"
            )

    def open(self, now: _fastsample.Sample, threads: int | None) -> _fastsample.Source:
        """Open the files that were written, with the columns of `now`."""
        paths = []
        for file in self.found["outputs"]:
            path = Path(file["path"])
            if not path.exists():  # it was moved, together with its manifest
                path = self.manifest.with_name(path.name)
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                raise SourceNotFoundError(
                    f"{path}: no such file; the earlier output has to be there"
                ) from None
            if size != file["bytes"]:
                was = f"{size:,} bytes, not {file['bytes']:,} as written"
                raise SourceChangedError(f"{path}: {was}; draw anew with fastsample.sample")
            paths.append(path)
        # Files of lines do not tell their types.
        return _fastsample.Source.from_paths(
            paths, None, threads, None, schema=now.schema, lenient=True
        )


def _written(old: str | os.PathLike[str]) -> _Written:
    """Return an output, or what its manifest tells, whose rows lie in the order of the source."""
    manifest = file_path("old", old)
    if not manifest.name.endswith(_ENDING):
        manifest = manifest_path(manifest)
    found = read_manifest(manifest)
    _check_plain(str(manifest), kind_of(found))
    if found["written"].get("shuffle"):
        raise ArgumentError(
            f"{manifest}: the rows were shuffled, and are not in the order of the source any more; "
            "write the earlier sample without a shuffle (the updated one may be shuffled), or draw "
            "anew with fastsample.sample"
        )
    try:
        return _Written(manifest, found, options_of(found))
    except (TypeError, ValueError, KeyError) as error:
        raise ArgumentError(f"{manifest}: it is no manifest: {error}") from None


#: Why draws other than those of `sample` are not updated, by their kinds.
_OTHERS = {
    "sources": "a mixture, whose rows lie among those of other sources; draw it anew with "
    "fastsample.mix",
    "side": "a side of a split, whose rows depend on the other sides; draw them anew with "
    "fastsample.split",
    "without": "several sides of a split, whose rows depend on the other side; draw them anew with "
    "fastsample.split",
    "epoch": "an epoch, whose rows depend on the other epochs; draw them anew with "
    "fastsample.epochs",
}


def _check_plain(what: str, kind: str | None) -> None:
    """Refuse what was not drawn by `sample`."""
    if kind is not None:
        raise ArgumentError(f"{what} is of {_OTHERS[kind]}")


def _plan(what: str, options: Mapping[str, Any]) -> DrawPlan:
    """Return the plan of the earlier draw, if its rows can be found again."""
    for name, why in _REFUSED.items():
        if options.get(name):
            raise ArgumentError(
                f"{what} was drawn with {name}, where {why}; draw anew with fastsample.sample"
            )
    n_groups = options.get("n_groups")
    amount = check_amount(options.get("n"), options.get("fraction"), n_groups=n_groups)
    if amount is None and n_groups is None:
        raise ArgumentError(f"{what}: its manifest has no n, fraction or n_groups; draw anew")
    return check_plan(
        amount,
        check_seed(options.get("seed")),
        smart=False,
        by=options.get("by"),
        allocation=options.get("allocation", "proportional"),
        group=options.get("group"),
        n_groups=n_groups,
        weight=options.get("weight"),
        key=options.get("key"),
        text_columns=options.get("text_columns"),
    )
