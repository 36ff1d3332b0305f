"""Drawing a sample, and what can be done with it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from fastsample import _fastsample
from fastsample._cache import cache_file, cache_folder, once
from fastsample._checks import check_threads, whole
from fastsample._dataset import Dataset, positions
from fastsample._progress import Callback, reporting
from fastsample._report import as_html, as_text, draw_facts, write_facts
from fastsample._smart import SmartLike, SmartReport, draw
from fastsample._source import SourceLike, open_source
from fastsample._tokens import draw_by_tokens
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Report:
    """What a draw did.

    Attributes
    ----------
    rows : int
        Rows in the source.
    sampled : int
        Rows drawn.
    seed : int
        The seed of the draw.
    seconds : float
        Time that the draw took.
    smart : SmartReport or None
        What was found among all rows; None for a uniform draw, which does not look at them.
    tokens : int or None
        Tokens of the rows drawn, if they were counted.
    too_long : int or None
        Rows that the draw came by and left because of `max_tokens`.
    """

    rows: int
    sampled: int
    seed: int
    seconds: float
    smart: SmartReport | None = None
    tokens: int | None = None
    too_long: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain values, for JSON."""
        return {**asdict(self), "smart": self.smart and self.smart.to_dict()}

    def __str__(self) -> str:
        """Return the facts as a table of text."""
        return as_text(draw_facts(self))

    def _repr_html_(self) -> str:
        return as_html("fastsample: the draw", draw_facts(self))


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written: its path, its rows, its size in bytes."""

    path: Path
    rows: int
    bytes: int


@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes
    ----------
    files : tuple of WrittenFile
        The files, in order; one unless there are shards.
    rows : int
        Rows in all files.
    bytes : int
        Size of all files in bytes.
    copies : int
        Rows whose texts all equal those of another row written, the first of them not counted.
    mean_chars : dict of str to float
        Mean length of each text column in characters (Unicode code points); a null counts 0.
    seconds : float
        Time that reading and writing took.
    """

    files: tuple[WrittenFile, ...]
    rows: int
    bytes: int
    copies: int
    mean_chars: dict[str, float]
    seconds: float

    def __str__(self) -> str:
        """Return the facts as a table of text."""
        return as_text(write_facts(self))

    def _repr_html_(self) -> str:
        return as_html("fastsample: what was written", write_facts(self))


def sample(
    source: SourceLike,
    n: int | None = None,
    *,
    budget_tokens: int | None = None,
    max_tokens: int | None = None,
    tokenizer: str | os.PathLike[str] | None = None,
    smart: SmartLike = False,
    seed: int = 42,
    columns: Sequence[str] | None = None,
    text_columns: Sequence[str] | None = None,
    weights: bool = False,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Sample:
    """Draw exactly `n` rows without replacement, or as many as a budget of tokens pays for.

    The same rows in the same order, `n` and `seed` give the same sample on any machine, however
    many threads work and however the rows are split into files and row groups. A sample of fewer
    rows with the same seed is a part of a sample of more.

    Parameters
    ----------
    source
        A path, a glob, a folder (searched through, sorted by path), a list of those; or an
        object with rows: a pyarrow table, batch, reader or dataset, a polars or pandas frame, a
        DuckDB result, a Hugging Face dataset. Files are Parquet or Arrow IPC. An object that can
        be read once (a reader, a DuckDB result) is read to its end.
    n
        Rows to draw, from 1 to the number of rows in the source.
    budget_tokens
        Instead of `n`: rows are drawn until the next one would bring all of them above so many
        tokens. Needs a `tokenizer`. A sample of a larger budget contains that of a smaller one.
    max_tokens
        Rows with more tokens are not drawn. Needs a `tokenizer`.
    tokenizer
        The ``tokenizer.json`` of a Hugging Face tokenizer, or the folder in which it lies. Tokens
        are counted as in :func:`fastsample.token_lengths`, special tokens included, and only in
        rows that the draw comes by; a stream is kept in memory.
    smart
        True weighs rows by what they add: fewer near-duplicates, more of what is rare, fewer texts
        that are too short or repeat themselves. A :class:`fastsample.Smart` sets the strength of
        each term. ``"entropy"`` takes the rows of highest character entropy of the first text
        column among those of 10 to 1000 characters. All read the text of every row first, and keep
        75 to 125 bytes a row while they decide, by the number of threads; a stream is kept in
        memory.
    seed
        From 0 to 2**64 - 1.
    columns
        Columns to keep, in this order. All by default.
    text_columns
        Text columns that `smart` looks at and whose tokens count. Every top-level text column by
        default.
    weights
        Add a column ``_weight``: 1 / the probability with which the row was drawn (float64). A
        mean over the sample with these weights estimates the mean over the source, and a sum the
        sum. Among rows of equal text, one stands for all of them. Rows too short for `smart` are
        represented only where no others are left.
    threads
        Cores to use. All by default.
    progress
        None shows a bar on a terminal when the work takes long, True always, False never; or a
        function that is called with (rows done, rows in all).

    Returns
    -------
    Sample
        The chosen rows. Files are read when rows are asked for.

    Raises
    ------
    SourceNotFoundError
        A path leads to nothing.
    ArgumentError
        `n`, `seed` or `threads` is out of range, or too few rows have at most `max_tokens`.
    ColumnError
        A column does not exist, or its name is used twice.
    SchemaError
        The files do not fit together.
    CorruptDataError, UnsupportedDataError, ReadError, StreamError
        The data can't be read.

    Notes
    -----
    Each row's position in the source is hashed with the seed, and the rows with the n smallest
    numbers are drawn: bottom-k sampling (Cohen and Kaplan, 2008), with XXH3 as the hash. With
    weights, the number is divided by the weight: priority sampling (Duffield, Lund, Thorup, 2007).

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"prompt": [f"question {i}" for i in range(1000)]})
    >>> s = fastsample.sample(table, 3)
    >>> len(s), s.row_ids.tolist()
    (3, [200, 634, 969])
    """
    if n is None and budget_tokens is None:
        raise SourceTypeError("n is None, not a whole number of rows; pass one, or budget_tokens")
    if n is not None and budget_tokens is not None:
        raise ArgumentError("n and budget_tokens exclude each other; pass one of them")
    n = None if n is None else whole("n", n, least=1, most=2**63 - 1)
    seed = whole("seed", seed, least=0, most=2**64 - 1)
    threads = check_threads(threads)
    by_tokens = (budget_tokens, max_tokens, tokenizer) != (None, None, None)
    if by_tokens and weights:
        raise ArgumentError("rows that are drawn by their tokens have no weights")
    tokens = too_long = None
    started = time.perf_counter()
    with reporting(progress, "drawing") as callback:
        opened = open_source(source, columns, threads, callback)
        if n is None or by_tokens:
            drawn, found, tokens, too_long = draw_by_tokens(
                opened,
                n,
                seed,
                smart,
                tokenizer=tokenizer,
                budget=budget_tokens,
                max_tokens=max_tokens,
                text_columns=text_columns,
                threads=threads,
                progress=callback,
            )
        else:
            drawn, found = draw(opened, n, seed, smart, text_columns, weights, threads, callback)
    seconds = time.perf_counter() - started
    report = Report(drawn.source_rows, len(drawn), seed, seconds, found, tokens, too_long)
    return Sample(drawn, report)


def _level(value: int | None) -> int | None:
    return None if value is None else whole("compression_level", value, least=-128, most=127)


def _positive(name: str, value: int | None) -> int | None:
    return None if value is None else whole(name, value, least=1, most=2**62)


class Sample:
    """Rows that were drawn by :func:`fastsample.sample`.

    Rows are chosen at once and read when they are asked for. The object hands itself to any tool
    that takes Arrow data: ``pa.table(s)``, ``pl.DataFrame(s)``, ``duckdb.sql("from s")``,
    ``pd.DataFrame.from_arrow(s)``; and to a ``torch.utils.data.DataLoader`` as a map-style dataset.
    """

    def __init__(self, native: _fastsample.Sample, report: Report) -> None:
        self._native = native
        self._report = report
        self._rows: _fastsample.Rows | None = None
        self._ids_file: Path | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by path: the rows are cached first, and mapped where they are unpickled."""
        path = self.cache().path
        ids_file = path.with_suffix(".rows.npy")
        once(ids_file, lambda: _save_ids(ids_file, self.row_ids))
        return _unpickle, (str(path), self._report)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._native)

    def __repr__(self) -> str:
        rows, seed = self._report.rows, self._report.seed
        return f"<fastsample.Sample: {len(self):,} of {rows:,} rows, seed {seed}>"

    @property
    def report(self) -> Report:
        """What the draw did."""
        return self._report

    @property
    def schema(self) -> pa.Schema:
        """The columns, with the metadata of the source."""
        import pyarrow as pa

        return pa.schema(self._native.schema)

    @property
    def row_ids(self) -> npt.NDArray[np.uint64]:
        """Positions of the rows in the source: uint64, shape (n,), ascending, from 0.

        Rows are numbered through all files in order.
        """
        import numpy as np
        import pyarrow as pa

        ids: npt.NDArray[np.uint64]
        if self._ids_file is not None:
            ids = np.load(self._ids_file)
        else:
            ids = pa.array(self._native.row_ids()).to_numpy()
        return ids

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the rows as an Arrow C stream. They are read while the stream is consumed."""
        return self._source_stream().__arrow_c_stream__(requested_schema)

    def cache(
        self,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002
        *,
        progress: bool | Callback | None = None,
    ) -> Dataset:
        """Write the rows to a file that all processes map, once, and open it.

        The file is named by the source files (path, size, time of change), the columns and the
        rows drawn, so that the same request finds it again. Any number of processes may ask at
        once: one writes, under a lock, and the file appears whole or not at all. Rows that come
        from no file are written each time and named by their content.

        Parameters
        ----------
        dir
            The folder. By default the environment variable ``FASTSAMPLE_CACHE``, or else
            ``fastsample`` in the user's cache folder. Nothing in it is ever removed; anything in
            it may be, when nothing uses it.
        progress
            As in :func:`fastsample.sample`.
        """
        with reporting(progress, "caching") as callback:
            return Dataset(cache_file(self._native, cache_folder(dir), callback))

    def to_arrow(self, *, mmap: bool = False, progress: bool | Callback | None = None) -> pa.Table:
        """Read the rows into a pyarrow table, in the order of the source.

        Text may exceed 2 GiB in all: the table then has several chunks. With `mmap` the table
        refers to the mapped file of :meth:`cache` instead of memory of its own.
        """
        import pyarrow as pa

        if mmap:
            return self.cache(progress=progress).to_arrow()

        stream = self._materialise(progress).stream()
        return pa.RecordBatchReader.from_stream(stream).read_all()

    def to_pandas(self, *, progress: bool | Callback | None = None, **options: Any) -> pd.DataFrame:
        """Read the rows into a pandas frame. `options` go to :meth:`pyarrow.Table.to_pandas`."""
        return self.to_arrow(progress=progress).to_pandas(**options)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """Return a row as a dict, or a slice as a list of dicts.

        The first access reads the whole sample into memory.
        """
        if isinstance(index, slice):
            return self.__getitems__(list(range(*index.indices(len(self)))))
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Return several rows at once; data loaders call this with the indices of a batch."""
        import pyarrow as pa

        wanted = positions(indices, len(self))
        rows = self._materialise(False).take(wanted)
        taken: list[dict[str, Any]] = pa.record_batch(rows).to_pylist()
        return taken

    def write_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        compression: str = "zstd",
        compression_level: int | None = None,
        row_group_size: int | None = None,
        shuffle: bool = False,
        shards: int = 1,
        overwrite: bool = True,
        memory_limit: int | None = None,
        progress: bool | Callback | None = None,
    ) -> WriteReport:
        """Write the rows to a Parquet file, whole or not at all.

        Parameters
        ----------
        path
            The file. With ``shards=k`` it becomes ``name-00000-of-0000k.parquet`` and so on.
        compression
            ``zstd``, ``snappy``, ``gzip``, ``lz4``, ``brotli`` or ``none``.
        compression_level
            Level of the codec; by default 1 for zstd, 6 for gzip, 1 for brotli.
        row_group_size
            Rows of a row group, 131,072 by default. Groups of more than 128 MiB are closed early.
        shuffle
            Write the rows in a random order, a true permutation of the whole sample, which
            depends on the seed and n alone. By default rows keep the order of the source.
        shards
            Write so many files of equal length, to within a row.
        overwrite
            Replace a file of the same name. Inputs of the sample are never replaced.
        memory_limit
            Bytes of rows that a shuffle may hold in memory, 256 MiB by default; beyond that it
            uses temporary files in the folder of `path`.
        progress
            As in :func:`fastsample.sample`.

        Raises
        ------
        OutputError
            The file can't be written: no such folder, no space, it is an input, it exists.
        SourceChangedError
            The source was modified since the sample was drawn.
        """
        started = time.perf_counter()
        with reporting(progress, "writing") as callback:
            result = self._native.write_parquet(
                Path(path).expanduser(),
                compression=compression,
                compression_level=_level(compression_level),
                row_group_size=_positive("row_group_size", row_group_size),
                shuffle=shuffle,
                shards=whole("shards", shards, least=1, most=2**62),
                overwrite=overwrite,
                memory_limit=_positive("memory_limit", memory_limit),
                progress=callback,
            )
        return self._written(result, started)

    def write_ipc(
        self,
        path: str | os.PathLike[str],
        *,
        compression: str = "none",
        shuffle: bool = False,
        shards: int = 1,
        overwrite: bool = True,
        memory_limit: int | None = None,
        progress: bool | Callback | None = None,
    ) -> WriteReport:
        """Write the rows to an Arrow IPC file (Feather 2), whole or not at all.

        `compression` is ``none`` (the file can be mapped into memory), ``lz4`` or ``zstd``; the
        rest is as in :meth:`write_parquet`.
        """
        started = time.perf_counter()
        with reporting(progress, "writing") as callback:
            result = self._native.write_ipc(
                Path(path).expanduser(),
                compression=compression,
                stream=False,
                shuffle=shuffle,
                shards=whole("shards", shards, least=1, most=2**62),
                overwrite=overwrite,
                memory_limit=_positive("memory_limit", memory_limit),
                progress=callback,
            )
        return self._written(result, started)

    def _written(
        self,
        result: tuple[list[tuple[Path, int, int]], list[tuple[str, int]], int],
        started: float,
    ) -> WriteReport:
        files = tuple(WrittenFile(*file) for file in result[0])
        return WriteReport(
            files=files,
            rows=len(self),
            bytes=sum(file.bytes for file in files),
            copies=result[2],
            mean_chars={name: chars / len(self) for name, chars in result[1]},
            seconds=time.perf_counter() - started,
        )

    def _materialise(self, progress: bool | Callback | None) -> _fastsample.Rows:
        if self._rows is None:
            with reporting(progress, "reading") as callback:
                self._rows = self._native.collect(callback)
        return self._rows

    def _source_stream(self) -> _fastsample.ArrowStream:
        return self._native.stream() if self._rows is None else self._rows.stream()


def _save_ids(path: Path, ids: npt.NDArray[np.uint64]) -> None:
    import numpy as np

    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        np.save(file, ids)
    draft.replace(path)


def _unpickle(path: str, report: Report) -> Sample:
    opened = _fastsample.Source.from_table(Dataset(path).to_arrow(), None)
    sample = Sample(opened.uniform(report.sampled, report.seed, False, None, None), report)
    sample._ids_file = Path(path).with_suffix(".rows.npy")
    return sample
