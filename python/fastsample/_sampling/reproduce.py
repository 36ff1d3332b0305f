"""`reproduce`: the rows of an output or a manifest, drawn again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastsample._arguments import check_threads, file_path
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._remote import is_url
from fastsample._sampling.draw import sample
from fastsample._sampling.epochs import epochs
from fastsample._sampling.inputs import is_stored
from fastsample._sampling.manifest import changed, changed_in_place, check_same, other_rows
from fastsample._sampling.manifest_file import kind_of, read_manifest
from fastsample._sampling.mixture import mix
from fastsample._sampling.provenance import described, differences, differences_at, only_sizes
from fastsample._sampling.provenance_file import damaged, located, read_provenance, tells_itself
from fastsample._sampling.recipe import options_of
from fastsample._sampling.sample import Sample
from fastsample._sampling.split import split
from fastsample._source import SourceLike
from fastsample.errors import ArgumentError, FastSampleError, SourceTypeError


@public
def reproduce(
    manifest: str | os.PathLike[str],
    source: SourceLike | Mapping[str, SourceLike] | None = None,
    *,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Sample:
    """Draw the rows of an output again, or say what differs.

    Parameters
    ----------
    manifest
        A Parquet or Arrow file that fastsample wrote, which tells what made it, unless it was
        written with ``provenance=False``. Or a manifest, which stands beside a file of any format
        that was written with ``manifest=True``.
    source
        Where the files of the source are now.

        For an output: a folder, in which the files are found by their names, those of targets and
        tokenizers, too; by default the folder of the output. Or paths, as in
        :func:`fastsample.sample`; of a mixture by the names of its sources.

        For a manifest: paths; of a mixture by the names of the sources that were moved. By default
        the paths of the manifest, which are relative to the working folder if they were given so.
    threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Sample
        The same rows: of a split those of the side that was written, or of the sides that were
        written together (:meth:`fastsample.Split.pairs`); of epochs those of the epoch; of a
        mixture a :class:`fastsample.Mixture`.

    Raises
    ------
    ArgumentError
        The file is no manifest, or doesn't tell what made it; or that can't be drawn again, since
        it was drawn from rows in memory. Or it was drawn from a store, and no source says where.
    CorruptDataError
        What the file tells is damaged.
    SourceNotFoundError
        A file of the source is not in the folder.
    SourceChangedError
        A file has another size or content, or other rows were drawn: the message lists all that
        differs, in a mixture with the names of the sources. For a manifest, content is compared by
        SHA-256, so all inputs are read; for an output by the fingerprint, which sees 16 pieces of
        4 KiB of each file. Objects of stores are compared by size and ETag; without ETags by size
        alone, which ``report.notes`` says. Or the output has other rows than it tells of.

    Examples
    --------
    >>> import pyarrow as pa, pyarrow.parquet as pq, pathlib, tempfile, fastsample
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     pq.write_table(pa.table({"id": range(1000)}), folder / "all.parquet")
    ...     s = fastsample.sample(folder / "all.parquet", 10)
    ...     written = s.write_parquet(folder / "ten.parquet")
    ...     again = fastsample.reproduce(folder / "ten.parquet")
    ...     again.row_ids.tolist() == s.row_ids.tolist()
    True
    """
    threads = check_threads(threads)
    path = file_path("manifest", manifest)
    found = read_made(path, threads)
    if "provenance" in found:
        return _of_output(path, found, source, threads, progress)
    try:
        options = {**options_of(found), "threads": threads, "progress": progress}
        drawn = _draw(found, _source(found, source), options)
    except FastSampleError as error:
        if source is None and (told := changed_in_place(found)):
            raise changed(told) from error
        raise
    except (TypeError, ValueError) as error:  # options that there are not, or other values
        raise ArgumentError(f"{manifest}: it is no manifest: {error}") from None
    _check_told(drawn)
    return _noting(drawn, check_same(found, drawn._recipe, drawn._native))


def read_made(path: Path, threads: int | None) -> dict[str, Any]:
    """Return what a manifest tells, or an output of itself."""
    return read_provenance(path, threads) if tells_itself(path) else read_manifest(path)


def _check_told(drawn: Sample) -> None:
    if (why := drawn._recipe.untold) is not None:
        raise ArgumentError(f"the rows can't be told from those of the manifest: {why}")


def _of_output(
    output: Path,
    found: Mapping[str, Any],
    moved: Any,
    threads: int | None,
    progress: bool | Callback | None,
) -> Sample:
    """Draw the rows again that an output tells of itself."""
    source, options = located(found, output, moved)
    try:
        options = {**options_of({"options": options}), "threads": threads, "progress": progress}
        drawn = _draw(found, source, options)
    except FastSampleError as error:
        if told := list(differences_at(found, source, threads)):
            raise changed(told) from error
        raise
    except (TypeError, ValueError, KeyError) as error:
        raise damaged(output, str(error)) from None
    _check_told(drawn)
    now = described([drawn._origin(found["written"])], threads)[0]
    if told := list(differences(found, now)):
        raise changed(told)
    if any(found[name] != now[name] for name in ("rows", "row_ids", "source_rows")):
        raise other_rows(found, str(output))
    return _noting(drawn, only_sizes(found, now))


def _noting(drawn: Sample, note: str | None) -> Sample:
    """Add a note to the report of a sample."""
    if note is not None:
        drawn._report = replace(drawn._report, notes=(*drawn._report.notes, note))
    return drawn


def _draw(found: Mapping[str, Any], source: Any, options: Mapping[str, Any]) -> Sample:
    """Draw what was written of a source, or of those of a mixture."""
    kind = kind_of(found)
    if kind == "sources":
        return mix(source, **options)
    if kind in ("side", "without"):
        sides, name = split(source, **options), found[kind]
        if name not in sides:
            known = ", ".join(map(repr, sides))
            raise ArgumentError(f"{kind} is {name!r}, but the sides are {known}")
        if kind == "side":
            return sides[name]
        return dict(zip(sides, sides.pairs(), strict=True))[name][0]
    if kind == "epoch":
        try:
            return epochs(source, **options)[found["epoch"]]
        except IndexError as error:
            raise ArgumentError(str(error)) from None
    return sample(source, **options)


def _source(found: Mapping[str, Any], moved: Any) -> Any:
    """Return the source of a manifest, those of a mixture with their shares; some were `moved`."""
    if kind_of(found) != "sources":
        return _place(found) if moved is None else moved
    if moved is None:
        return {each["name"]: (_place(each), each["share"]) for each in found["sources"]}
    sources = {each["name"]: (each["source"], each["share"]) for each in found["sources"]}
    if not isinstance(moved, Mapping):
        raise SourceTypeError(
            f"source is a {type(moved).__qualname__}, but the manifest is of a mixture; map the "
            f'names of sources that were moved to paths: {{"{next(iter(sources), "wiki")}": ...}}'
        )
    for name, paths in moved.items():
        if name not in sources:
            raise ArgumentError(
                f"source has {name!r}, but the sources of the mixture are "
                f"{', '.join(map(repr, sources))}"
            )
        sources[name] = (paths, sources[name][1])
    return sources


def _place(found: Mapping[str, Any]) -> list[str]:
    """Return where a source was, if that can be read without a store that was passed."""
    source: list[str] = found["source"]
    if any(map(is_stored, found["files"])) and not all(map(is_url, source)):
        raise ArgumentError(
            f"the rows come from {source[0]}, of a store that was passed as store=; pass it again: "
            "source=fastsample.RemoteFiles(..., store=...)"
        )
    return source
