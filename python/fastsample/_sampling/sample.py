"""`Sample`: the rows of a draw, read on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from fastsample import _fastsample
from fastsample._arguments import flag
from fastsample._destination import Destination, destination, file_name
from fastsample._progress import Callback, check_progress, reporting
from fastsample._public import public
from fastsample._remote import RemoteFiles
from fastsample._sampling import formats
from fastsample._sampling.ids_file import load_ids, save_ids
from fastsample._sampling.provenance import Origin, described
from fastsample._sampling.recipe import Recipe
from fastsample._sampling.report import Report, WriteReport
from fastsample._sampling.token_cache import Tokens, check_unused
from fastsample._sampling.write_drawn import upload_drawn, write_drawn
from fastsample._training.cache import cache_file, cache_folder, once
from fastsample._training.dataset import Dataset, positions, positions_of
from fastsample._training.token_dataset import TokenDataset
from fastsample.errors import SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa


#: Of rows that no draw of one source or mixture made, such as those of several sides.
_UNTOLD = Recipe([], {}, untold="it was not drawn by fastsample.sample, mix, split or epochs")


@public
class Sample:
    """Rows that were drawn by :func:`fastsample.sample`.

    Rows are chosen at once and read on demand. Any tool that takes Arrow data takes a sample:
    ``pa.table(s)``, ``pl.DataFrame(s)``, ``duckdb.sql("from s")``, ``pd.DataFrame.from_arrow(s)``.
    It is also a map-style dataset for ``torch.utils.data.DataLoader``.
    """

    #: The order in which rows are written without a shuffle.
    _order = "source"

    def __init__(
        self,
        native: _fastsample.Sample,
        report: Report,
        recipe: Recipe = _UNTOLD,
    ) -> None:
        self._native = native
        self._report = report
        self._recipe = recipe
        self._told: dict[str, Any] | None = None
        self._rows: _fastsample.Rows | None = None
        self._ids_file: Path | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle by path: the rows are cached first, and mapped where they are unpickled."""
        path, ids = self.cache().path, self.row_ids
        # Samples of equal rows share the file of the rows, but not the places of these rows.
        digest = hashlib.blake2b(ids.data, digest_size=8).hexdigest()
        ids_file = path.with_suffix(f".rows-{digest}.npy")
        once(ids_file, lambda: save_ids(ids_file, ids))
        return {
            "rows": str(path),
            "row_ids": str(ids_file),
            "report": self._report,
            "told": described([self._origin({})], self._native.threads)[0],
            "text": self._native.text and self._native.text[0],
            "inputs": [str(file) for file in self._native.inputs],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        report: Report = state["report"]
        rows = Dataset(state["rows"])
        inputs = [rows.path, *map(Path, state["inputs"])]
        opened = _fastsample.Source.from_table(rows.to_arrow(), None, inputs)
        self._native = _fastsample.all_rows(opened, report.seed, text=state["text"])
        self._report = report
        self._recipe = Recipe([], {}, untold="it was pickled, and is read from the cache")
        self._told = state["told"]
        self._rows = None
        self._ids_file = Path(state["row_ids"])

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
    def __fastsample_inputs__(self) -> list[Path]:
        return self._native.inputs

    @property
    def schema(self) -> pa.Schema:
        """The columns, with the metadata of the source."""
        import pyarrow as pa

        exact = self._exact_schema()
        return pa.schema(self._native.schema) if exact is None else exact

    @property
    def row_ids(self) -> npt.NDArray[np.uint64]:
        """Positions of the rows in the source: uint64, shape (n,), ascending, from 0.

        Rows are numbered through all files in order.
        """
        import pyarrow as pa

        if self._ids_file is not None:
            return load_ids(self._ids_file)
        ids: npt.NDArray[np.uint64] = pa.array(self._native.row_ids()).to_numpy()
        return ids

    def _origin(self, written: Mapping[str, Any]) -> Origin:
        """Return what made the rows, and how they are written."""
        return Origin(self._native, self._recipe, self._report.seed, written, self._told)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the rows as an Arrow C stream. They are read while the stream is consumed."""
        exact = self._exact_schema()
        if exact is None:
            return self._source_stream().__arrow_c_stream__(requested_schema)
        import pyarrow as pa

        reader = pa.RecordBatchReader.from_stream(self._source_stream()).cast(exact)
        return reader.__arrow_c_stream__(requested_schema)

    @overload
    def cache(
        self,
        dir: str | os.PathLike[str] | None = None,
        *,
        progress: bool | Callback | None = None,
    ) -> Dataset: ...
    @overload
    def cache(
        self,
        dir: str | os.PathLike[str] | None = None,
        *,
        tokenizer: str | os.PathLike[str],
        max_tokens: int | None = None,
        chat_template: bool | None = None,
        text_columns: Sequence[str] | None = None,
        special_tokens: bool | None = None,
        assistant_only_loss: bool | None = None,
        progress: bool | Callback | None = None,
    ) -> TokenDataset: ...
    def cache(
        self,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002
        *,
        tokenizer: str | os.PathLike[str] | None = None,
        max_tokens: int | None = None,
        chat_template: bool | None = None,
        text_columns: Sequence[str] | None = None,
        special_tokens: bool | None = None,
        assistant_only_loss: bool | None = None,
        progress: bool | Callback | None = None,
    ) -> Dataset | TokenDataset:
        """Write the rows to a file that all processes map, once, and open it.

        The file is named by the source files (path, size, time of change), the columns and the
        rows drawn, so that the same request finds it again. Any number of processes may ask at
        once: one writes, under a lock, and the file appears whole or not at all. Rows that come
        from no file are written each time and named by their content.

        With a `tokenizer` the token ids are written, too, to a file beside the rows, so that no
        step of a training run tokenizes again: they are, id for id, what the tokenizer of
        ``transformers`` returns for the text. Another tokenizer, or other options, is another file.

        Parameters
        ----------
        dir
            The folder. By default the environment variable ``FASTSAMPLE_CACHE``, or else
            ``fastsample`` in the user's cache folder. fastsample removes nothing from it. You may
            remove any file that is not in use.
        tokenizer
            A ``tokenizer.json``, or the folder of a model that has one.
        max_tokens
            Cut each sequence to this number of tokens, special ones included, as
            ``truncation=True, max_length=max_tokens`` does, at the tokenizer's
            ``truncation_side``. To leave long rows out instead, draw with `max_tokens`.
        chat_template
            True makes one sequence of the chat of each row, rendered by the chat template of the
            tokenizer, as in :func:`fastsample.token_lengths`.
        text_columns
            One column of text, the ``input_ids``; or two, of which the first is the ``input_ids``
            and the second the ``labels``, each a sequence of its own. By default the text that
            the draw went by, or else what looks like text: one column, or a prompt and a response
            by their names. With `chat_template`: the chat, if there are several.
        special_tokens
            False leaves out the tokens that the tokenizer's post-processor adds to each text. A
            rendered chat has those that its template writes, and no others.
        assistant_only_loss
            True makes the labels of a batch -100 but for the answers of the assistant, padded and
            packed, so that only those are learned. Needs `chat_template`. Where the template has
            ``{% generation %}``, answers are what is in it, token for token the mask of
            ``apply_chat_template(..., return_assistant_tokens_mask=True)``. Without, an answer is
            what its message adds to the text of the messages before it and the generation prompt.
        progress
            As in :func:`fastsample.sample`.

        Raises
        ------
        ColumnError
            The text is no sequence: several texts a row, or columns that are not a prompt and a
            response.
        ArgumentError
            An option of token ids without a `tokenizer`; `max_tokens` is less than the special
            tokens; the tokenizer has no chat template, or it fails on a chat; or it can't be told
            which of the text is an answer: the message names the row, and what to do.
        """
        tokens = None
        if tokenizer is None:
            check_unused(
                max_tokens=max_tokens,
                chat_template=chat_template,
                text_columns=text_columns,
                special_tokens=special_tokens,
                assistant_only_loss=assistant_only_loss,
            )
        else:
            tokens = Tokens.of(
                tokenizer,
                max_tokens,
                chat_template,
                text_columns,
                special_tokens,
                assistant_only_loss,
            )
        with reporting(progress, "caching") as callback:
            folder = cache_folder(dir)
            try:
                rows = Dataset(cache_file(self._native, folder, callback))
            except SourceTypeError:  # the file is there, but it is damaged
                rows = Dataset(cache_file(self._native, folder, callback, again=True))
        if tokens is None:
            return rows
        known = self._native.text and self._native.text[0]
        with reporting(progress, "tokenizing") as callback:
            return tokens.cached(
                rows, None if chat_template else known, self._native.threads, callback
            )

    def to_arrow(self, *, mmap: bool = False, progress: bool | Callback | None = None) -> pa.Table:
        """Read the rows into a pyarrow table, in the order of the source.

        Text may exceed 2 GiB in all: the table then has several chunks. With `mmap` the table
        refers to the mapped file of :meth:`cache` instead of memory of its own.
        """
        import pyarrow as pa

        if flag("mmap", mmap):
            return self.cache(progress=progress).to_arrow()

        stream = self._materialise(progress).stream()
        table = pa.RecordBatchReader.from_stream(stream).read_all()
        exact = self._exact_schema()
        return table if exact is None else table.cast(exact)

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
            return self.__getitems__(positions_of(index, len(self)))
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Return several rows at once; data loaders call this with the indices of a batch."""
        import pyarrow as pa

        wanted = positions(indices, len(self))
        batches = self._materialise(False).take(wanted)
        return [row for batch in batches for row in pa.record_batch(batch).to_pylist()]

    def write_parquet(
        self,
        path: str | os.PathLike[str] | RemoteFiles,
        *,
        compression: str = "zstd",
        compression_level: int | None = None,
        row_group_size: int | None = None,
        shuffle: bool = False,
        shards: int = 1,
        overwrite: bool = True,
        memory_limit: int | None = None,
        manifest: bool = False,
        provenance: bool = True,
        progress: bool | Callback | None = None,
    ) -> WriteReport:
        """Write the rows to a Parquet file, whole or not at all.

        Parameters
        ----------
        path
            The file. With ``shards=k`` it becomes ``name-00000-of-0000k.parquet`` and so on. Or an
            object of a store, by its URL or as a :class:`fastsample.RemoteFiles` with options: the
            file is made in a temporary folder of this machine, and uploaded.
        compression
            ``zstd``, ``snappy``, ``gzip``, ``lz4``, ``brotli`` or ``none``.
        compression_level
            Level of the codec; by default 1 for zstd, 6 for gzip, 1 for brotli.
        row_group_size
            Rows of a row group, 131,072 by default. Groups of more than 128 MiB are closed early.
        shuffle
            Write the rows in a random order: a permutation of the whole sample that depends only
            on the seed and n. By default rows keep the order of the source.
        shards
            Number of files; their lengths differ by at most one row.
        overwrite
            Replace a file of the same name. Inputs of the sample are never replaced.
        memory_limit
            Bytes of rows that a shuffle may hold in memory, 256 MiB by default; beyond that it
            uses temporary files in the folder of `path`.
        manifest
            Also write ``<path>.manifest.json``: what made the rows, from which
            :func:`fastsample.reproduce` draws them again. All inputs are read for their hashes.
            For samples that :func:`fastsample.sample` or :func:`fastsample.mix` drew from files,
            and for sides and epochs of those. Objects of stores are told by their ETags.
        provenance
            Let the file itself tell what made it, in its metadata under
            ``fastsample.provenance``: the version, the options, names (without folders), sizes and
            fingerprints of the files that were read, a hash of the row ids.
            :func:`fastsample.reproduce` reads it. Less than 64 KiB; files are read in part for it.
        progress
            As in :func:`fastsample.sample`.

        Raises
        ------
        OutputError
            The file can't be written: no such folder, no space, it is an input, it exists.
        SourceChangedError
            The source was modified since the sample was drawn.
        """
        target = destination("path", path)
        return self._write(
            target,
            formats.parquet(
                file_name(target),
                compression=compression,
                compression_level=compression_level,
                row_group_size=row_group_size,
            ),
            shuffle=shuffle,
            shards=shards,
            overwrite=overwrite,
            memory_limit=memory_limit,
            manifest=manifest,
            provenance=provenance,
            progress=progress,
        )

    def write_ipc(
        self,
        path: str | os.PathLike[str] | RemoteFiles,
        *,
        compression: str = "none",
        shuffle: bool = False,
        shards: int = 1,
        overwrite: bool = True,
        memory_limit: int | None = None,
        manifest: bool = False,
        provenance: bool = True,
        progress: bool | Callback | None = None,
    ) -> WriteReport:
        """Write the rows to an Arrow IPC file (Feather 2), whole or not at all.

        `compression` is ``none`` (the file can be mapped into memory), ``lz4`` or ``zstd``; the
        rest is as in :meth:`write_parquet`. A name that ends in ``.arrows`` gets the streaming
        format.
        """
        target = destination("path", path)
        return self._write(
            target,
            formats.ipc(file_name(target), compression=compression),
            shuffle=shuffle,
            shards=shards,
            overwrite=overwrite,
            memory_limit=memory_limit,
            manifest=manifest,
            provenance=provenance,
            progress=progress,
        )

    def write_jsonl(
        self,
        path: str | os.PathLike[str] | RemoteFiles,
        *,
        compression_level: int | None = None,
        shuffle: bool = False,
        shards: int = 1,
        overwrite: bool = True,
        memory_limit: int | None = None,
        manifest: bool = False,
        progress: bool | Callback | None = None,
    ) -> WriteReport:
        """Write the rows to a JSON Lines file, an object a line, whole or not at all.

        The name ends in ``.jsonl`` or ``.ndjson``; ``.gz`` or ``.zst`` behind it compresses the
        file. `compression_level` is 6 by default for gzip (from 0 to 9), 1 for Zstandard (1 to
        22). The rest is as in :meth:`write_parquet`.

        Lines of JSON Lines files are copied byte for byte: the order of keys, the notation of
        numbers and escapes stay as they are. Weights are put behind the last key of each object.
        Other rows are written anew, nulls included: those of other formats, of `columns`, and of
        files of several formats.
        """
        target = destination("path", path)
        return self._write(
            target,
            formats.jsonl(file_name(target), compression_level=compression_level),
            shuffle=shuffle,
            shards=shards,
            overwrite=overwrite,
            memory_limit=memory_limit,
            manifest=manifest,
            progress=progress,
        )

    def write_csv(
        self,
        path: str | os.PathLike[str] | RemoteFiles,
        *,
        compression_level: int | None = None,
        shuffle: bool = False,
        shards: int = 1,
        overwrite: bool = True,
        memory_limit: int | None = None,
        manifest: bool = False,
        progress: bool | Callback | None = None,
    ) -> WriteReport:
        """Write the rows to a CSV file with a header, whole or not at all.

        The name ends in ``.csv`` or, for tabs between the fields, ``.tsv``; ``.gz`` or ``.zst``
        behind it compresses the file. The rest is as in :meth:`write_jsonl`.

        Records of CSV files with the same delimiter are copied byte for byte, with weights as one
        more field. Other rows have quotes where they need them; a null is an empty field, an empty
        text ``""``. Nested columns are refused: write JSON Lines.
        """
        target = destination("path", path)
        return self._write(
            target,
            formats.csv(file_name(target), compression_level=compression_level),
            shuffle=shuffle,
            shards=shards,
            overwrite=overwrite,
            memory_limit=memory_limit,
            manifest=manifest,
            progress=progress,
        )

    def _write(
        self,
        path: Path | Destination,
        format: _fastsample.Format,  # noqa: A002
        **options: Any,
    ) -> WriteReport:
        if isinstance(path, Destination):
            report = upload_drawn(self, path, format, **options)
        else:
            report = write_drawn([self], [path], format, **options)[0]
        return report if report.order != "source" else replace(report, order=self._order)

    def _exact_schema(self) -> pa.Schema | None:
        """Return the schema if exported rows lack a part of it: sorted keys of maps."""
        message = self._native.schema_message()
        if message is None:
            return None
        import pyarrow as pa

        return pa.ipc.open_stream(message).schema

    def _materialise(self, progress: bool | Callback | None) -> _fastsample.Rows:
        check_progress(progress)
        if self._rows is None:
            with reporting(progress, "reading") as callback:
                self._rows = self._native.collect(callback)
        return self._rows

    def _source_stream(self) -> _fastsample.ArrowStream:
        return self._native.stream() if self._rows is None else self._rows.stream()
