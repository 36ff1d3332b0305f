"""`Dataset`: a map-style dataset over a memory-mapped file."""

from __future__ import annotations

import hashlib
import operator
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from fastsample import _fastsample
from fastsample._arguments import callback, check_text_columns, file_path, flag, names, optional
from fastsample._files import write_files
from fastsample._public import public
from fastsample._training.cache import once
from fastsample._training.mapped import MappedRows, is_unicode, map_file
from fastsample.errors import ColumnError, SourceTypeError, UnsupportedDataError

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


def positions(indices: Sequence[int], n: int) -> list[int]:
    """Return indices into `n` rows as positions, negative ones counted from the end."""
    try:
        wanted = [operator.index(i) for i in indices]
    except TypeError as error:
        raise SourceTypeError(f"{error}; rows are numbered by whole numbers") from None
    for i in wanted:
        if not -n <= i < n:
            raise IndexError(f"row {i} of a sample of {n} rows")
    return [i % n for i in wanted]


def positions_of(index: slice, n: int) -> range:
    """Return a slice of `n` rows as positions."""
    try:
        return range(*index.indices(n))
    except TypeError as error:
        raise SourceTypeError(f"{error}; rows are numbered by whole numbers") from None


@public
class Dataset(MappedRows):
    """A map-style dataset over an Arrow IPC file that every process maps into memory.

    All processes of a machine share one copy of the rows, which are read in place. It is pickled
    as a path, so workers may be forked or spawned. Reading rows starts no thread and decodes
    nothing. :meth:`fastsample.Sample.cache` makes one.

    Parameters
    ----------
    path
        An Arrow IPC file or stream, not compressed.
    columns
        Columns of each row, in this order. All by default.
    tuples
        Return rows as tuples instead of dicts.
    transform
        Called with each row; its result is returned instead of the row. It must be picklable if
        workers are not forked.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    SourceTypeError
        The file is not Arrow IPC.
    ColumnError
        There is no such column.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> table = pa.table({"prompt": ["你好", "早上好"], "id": [0, 1]})
    >>> rows = fastsample.sample(table, 2).cache()
    >>> len(rows), rows[-1], rows.__getitems__([1, 0])[1]["prompt"]
    (2, {'prompt': '早上好', 'id': 1}, '你好')
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Sequence[str] | None = None,
        tuples: bool = False,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self._path = file_path("path", path).absolute()
        self._columns = optional(names, "columns", columns)
        self._tuples = flag("tuples", tuples)
        self._transform = optional(callback, "transform", transform)
        self._open()

    def _open(self) -> None:
        table = map_file(self._path)
        for name in self._columns or []:
            if table.schema.names.count(name) != 1:
                names = ", ".join(table.schema.names)
                raise ColumnError(f"{self._path}: no column {name!r}; the columns are {names}")
        self._table = table if self._columns is None else table.select(self._columns)
        self._names: list[str] = self._table.schema.names
        plain = [_is_plain_text(kind) for kind in self._table.schema.types]
        self._texts = [i for i, text in enumerate(plain) if text]
        self._others = [i for i, text in enumerate(plain) if not text]
        self._rows = _fastsample.Rows.from_table(self._table)
        self._other_rows = _fastsample.Rows.from_table(self._table.select(self._others))

    def __getstate__(self) -> dict[str, Any]:
        """Return what makes the dataset, without rows."""
        kept = "_path", "_columns", "_tuples", "_transform"
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __repr__(self) -> str:
        return f"<fastsample.Dataset: {len(self):,} rows of {', '.join(self._names)}>"

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return a row, or a slice as a list of rows. Indices are those of a list."""
        if isinstance(index, slice):
            return self.__getitems__(positions_of(index, len(self)))
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Return several rows at once; data loaders call this with the indices of a batch."""
        wanted = positions(indices, len(self))
        columns: list[list[Any]] = [[]] * len(self._names)
        for i, texts in zip(self._texts, self._rows.texts(self._texts, wanted), strict=True):
            columns[i] = texts
        if self._others:
            import pyarrow as pa

            for i in self._others:
                columns[i] = []
            for batch in self._other_rows.take(wanted):
                for i, values in zip(self._others, pa.record_batch(batch).columns, strict=True):
                    columns[i].extend(values.to_pylist())
        values = zip(*columns, strict=True)
        if self._tuples:
            rows: list[Any] = list(values)
        else:
            rows = [dict(zip(self._names, row, strict=True)) for row in values]
        return rows if self._transform is None else [self._transform(row) for row in rows]

    def lengths(self, columns: Sequence[str] | None = None) -> npt.NDArray[np.uint32]:
        """Return each row's length in characters, all its text columns (or `columns`) together.

        Parameters
        ----------
        columns
            Names of text columns, or paths such as ``messages[].content``. By default those that
            look like text.

        Returns
        -------
        numpy.ndarray
            uint32, shape (n,). A null counts 0.

        Raises
        ------
        ColumnError
            There is no text column, or one that is named does not exist or is no text.
        """
        import pyarrow as pa

        found = self._rows.lengths(check_text_columns(columns, "columns"))
        lengths: npt.NDArray[np.uint32] = pa.array(found).to_numpy()
        return lengths

    def to_hf(self) -> datasets.Dataset:
        """Return the rows as a Hugging Face dataset that maps the same file.

        It has a column ``length`` (characters of all text columns together, int64), by which
        ``transformers`` can group rows; the column lies in a small file beside the rows. Rows
        without text have no such column.
        """
        import datasets
        import pyarrow as pa

        if not is_unicode(self._path):
            raise UnsupportedDataError(
                f"{self._path}: datasets opens no files whose names are not UTF-8; cache the rows "
                "in another folder"
            )
        rows = datasets.Dataset.from_file(str(self._path))
        if self._columns is not None:
            rows = rows.select_columns(self._columns)
        if "length" in rows.column_names:
            return rows
        names = hashlib.blake2b("\0".join(self._names).encode(), digest_size=4).hexdigest()
        beside = self._path.with_suffix(f".chars-{names}.arrow")

        def write() -> None:
            table = pa.table({"length": pa.array(self.lengths(), pa.int64())})
            file = pa.BufferOutputStream()
            with pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table)
            write_files({beside: file.getvalue().to_pybytes()})

        try:
            once(beside, write)
        except ColumnError:  # no text
            return rows
        lengths = datasets.Dataset.from_file(str(beside))
        return datasets.concatenate_datasets([rows, lengths], axis=1)


def _is_plain_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
