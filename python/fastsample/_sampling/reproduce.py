"""`reproduce`: the rows of a manifest, drawn again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fastsample._arguments import check_threads
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._sampling.draw import sample
from fastsample._sampling.epochs import epochs
from fastsample._sampling.manifest import changed, changed_in_place, check_same
from fastsample._sampling.manifest_file import kind_of, read_manifest
from fastsample._sampling.mixture import mix
from fastsample._sampling.recipe import Recipe, options_of
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
    """Draw the rows of a manifest again, or say what differs.

    Parameters
    ----------
    manifest
        A file that ``write_parquet(..., manifest=True)`` of a sample, a mixture or a split wrote,
        or :meth:`fastsample.Epochs.write`.
    source
        Where the files of the source are now, if they were moved: paths, as in
        :func:`fastsample.sample`; of a mixture by the names of the sources that were moved. By
        default the paths of the manifest, which are relative to the working folder if they were
        given so.
    threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Sample
        The same rows: of a split those of the side that the manifest is beside, of epochs those of
        the epoch; of a mixture a :class:`fastsample.Mixture`.

    Raises
    ------
    ArgumentError
        The file is no manifest.
    SourceChangedError
        A file has another size or content, or other rows were drawn: the message lists all that
        differs, in a mixture with the names of the sources. Content is compared by SHA-256, so all
        inputs are read.

    Examples
    --------
    >>> import pyarrow as pa, pyarrow.parquet as pq, pathlib, tempfile, fastsample
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     pq.write_table(pa.table({"id": range(1000)}), folder / "all.parquet")
    ...     s = fastsample.sample(folder / "all.parquet", 10)
    ...     written = s.write_parquet(folder / "ten.parquet", manifest=True)
    ...     again = fastsample.reproduce(folder / "ten.parquet.manifest.json")
    ...     again.row_ids.tolist() == s.row_ids.tolist()
    True
    """
    threads = check_threads(threads)
    found = read_manifest(manifest)
    try:
        options = {**options_of(found), "threads": threads, "progress": progress}
        drawn = _again(found, source, options)
    except FastSampleError as error:
        if source is None and (told := changed_in_place(found)):
            raise changed(told) from error
        raise
    except (TypeError, ValueError) as error:  # options that there are not, or other values
        raise ArgumentError(f"{manifest}: it is no manifest: {error}") from None
    if not isinstance(drawn._recipe, Recipe):
        raise ArgumentError(f"the rows can't be told from those of the manifest: {drawn._recipe}")
    check_same(found, drawn._recipe, drawn._native)
    return drawn


def _again(found: Mapping[str, Any], moved: Any, options: Mapping[str, Any]) -> Sample:
    """Draw what a manifest is of; its source may have been `moved`."""
    kind = kind_of(found)
    if kind == "sources":
        return mix(_sources(found, moved), **options)
    source = found["source"] if moved is None else moved
    if kind == "side":
        sides, name = split(source, **options), found["side"]
        if name not in sides:
            known = ", ".join(map(repr, sides))
            raise ArgumentError(f"side is {name!r}, but the sides are {known}")
        return sides[name]
    if kind == "epoch":
        try:
            return epochs(source, **options)[found["epoch"]]
        except IndexError as error:
            raise ArgumentError(str(error)) from None
    return sample(source, **options)


def _sources(found: Mapping[str, Any], moved: object) -> dict[str, Any]:
    """Return the sources of a mixture with their shares; some of them were `moved`."""
    sources = {each["name"]: (each["source"], each["share"]) for each in found["sources"]}
    if moved is None:
        return sources
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
