"""`reproduce`: the rows of a manifest, drawn again."""

from __future__ import annotations

import os

from fastsample._arguments import check_threads
from fastsample._progress import Callback
from fastsample._public import public
from fastsample._sampling.draw import sample
from fastsample._sampling.manifest import check_same, options_of, read_manifest
from fastsample._sampling.sample import Sample
from fastsample._source import SourceLike
from fastsample.errors import ArgumentError, FastSampleError


@public
def reproduce(
    manifest: str | os.PathLike[str],
    source: SourceLike | None = None,
    *,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Sample:
    """Draw the rows of a manifest again, or say what differs.

    Parameters
    ----------
    manifest
        A file that ``write_parquet(..., manifest=True)`` of a sample wrote.
    source
        Where the files of the source are now, if they were moved: paths, as in
        :func:`fastsample.sample`. By default the paths of the manifest, which are relative to the
        working folder if they were given so.
    threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Sample
        The same rows.

    Raises
    ------
    ArgumentError
        The file is no manifest.
    SourceChangedError
        A file has another size or content, or other rows were drawn: the message lists all that
        differs. Content is compared by SHA-256, so all inputs are read.

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
        options = options_of(found)
        drawn = sample(
            found["source"] if source is None else source,
            **options,
            threads=threads,
            progress=progress,
        )
    except FastSampleError:
        raise
    except TypeError as error:  # options that sample does not have
        raise ArgumentError(f"{manifest}: it is no manifest: {error}") from None
    check_same(found, drawn._native)
    return drawn
