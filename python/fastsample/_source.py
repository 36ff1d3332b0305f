"""Conversion of the argument `source` to a source of the core."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fastsample import _fastsample
from fastsample._arguments import check_schema, file_path, names, optional, string
from fastsample._committed import committed
from fastsample._remote import RemoteFiles, find, remote_files
from fastsample.errors import ArgumentError, FastSampleError, SourceTypeError, StreamError

if TYPE_CHECKING:
    import pyarrow as pa

    from fastsample._progress import Callback


class ArrowStream(Protocol):
    """An object with the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the rows."""
        ...


#: What :func:`fastsample.sample` draws from.
SourceLike = (
    str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | RemoteFiles | ArrowStream | Any
)

_BATCH_ROWS = 8192


def open_source(
    source: SourceLike,
    columns: Sequence[str] | None,
    threads: int | None,
    progress: Callback | None,
    schema: pa.Schema | None = None,
    *,
    read: Sequence[str] | None = None,
    lenient: bool = False,
) -> _fastsample.Source:
    """Open files, refer to a table, or take over a stream.

    `schema` sets types of columns of JSON Lines and CSV. A source that tells its types itself is
    refused then, or with `lenient` read as it is. `read` are the columns that will be read, if not
    all.
    """
    wanted = optional(names, "columns", columns)
    schema = check_schema(schema)
    remote = remote_files(source)
    if remote is not None:
        objects, passed_over = find(remote)
        return _fastsample.Source.from_objects(
            objects,
            passed_over,
            wanted,
            threads,
            progress,
            read=read,
            schema=schema,
            lenient=lenient,
        )
    paths = source_paths(source)
    if paths is not None:
        return _fastsample.Source.from_paths(
            paths, wanted, threads, progress, read=read, schema=schema, lenient=lenient
        )
    try:
        opened = _open_object(source, wanted)
    except FastSampleError:
        raise
    except (TypeError, ValueError, NotImplementedError) as error:
        # A column by itself, or values that Arrow does not have.
        raise SourceTypeError(
            f"can't draw rows from {_type_of(source)}: {error}; pass a table"
        ) from error
    except Exception as error:
        raise StreamError(
            f"{_type_of(source)} failed to hand over its rows: {error}; check the object"
        ) from error
    if opened is not None:
        if schema is not None and not lenient:
            raise ArgumentError(
                "schema= is for JSON Lines and CSV, which tell no types, but the source is "
                f"{_type_of(source)}; leave schema= out, and cast the rows before"
            )
        return opened
    hint = "; call .collect() first" if hasattr(source, "collect") else ""
    if isinstance(source, Mapping) and any(isinstance(each, list) for each in source.values()):
        hint = "; make a table of it, for example with pyarrow.table()"
    elif isinstance(source, Mapping) and source:  # a DatasetDict
        hint = f"; pass one of its values, such as the one of the key {next(iter(source))!r}"
    raise SourceTypeError(
        f"can't draw rows from {_type_of(source)}{hint}; "
        "pass a path, a glob, a folder, a URL, a list of those, or an Arrow-compatible object "
        "(pyarrow, polars, pandas, DuckDB, datasets)"
    )


def open_population(
    source: SourceLike,
    columns: Sequence[str] | None,
    where: str | None,
    threads: int | None,
    progress: Callback | None,
    schema: pa.Schema | None = None,
) -> _fastsample.Source:
    """Open a source, and find the rows that match `where`, if it is given."""
    where = optional(string, "where", where)
    opened = open_source(source, columns, threads, progress, schema)
    return matching(opened, where, threads, progress)


def matching(
    opened: _fastsample.Source, where: str | None, threads: int | None, progress: Callback | None
) -> _fastsample.Source:
    """Find the rows that match `where`, if it is given."""
    if where is None:
        return opened
    return opened.matching(where, threads=threads, progress=progress)


def _open_object(source: Any, columns: list[str] | None) -> _fastsample.Source | None:
    """Open an object that hands over Arrow data; return None if it is none."""
    inputs = _files_of(source)
    source = _as_arrow(source)
    if _is_in_memory(source):
        return _fastsample.Source.from_table(source, columns, inputs)
    if hasattr(source, "__arrow_c_stream__"):
        return _fastsample.Source.from_stream(source, columns, inputs)
    if hasattr(source, "__arrow_c_array__"):
        return _fastsample.Source.from_table(source, columns, inputs)
    return None


def _type_of(source: object) -> str:
    return f"{type(source).__module__}.{type(source).__qualname__}"


def source_paths(source: SourceLike) -> list[Path] | None:
    """Return the paths of the source, or None if it is an object with rows.

    A folder that became visible by a manifest stands for the files that the manifest names.
    """
    paths = _paths(source)
    return None if paths is None else [file for path in paths for file in committed(path)]


def _paths(source: SourceLike) -> list[Path] | None:
    """Return the paths of the source, or None if it is an object with rows."""
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    if not isinstance(source, (list, tuple)):
        return None
    if not source:
        raise SourceTypeError("the list of paths is empty; name at least one file")
    for each in source:
        if not isinstance(each, (str, os.PathLike)):
            raise SourceTypeError(
                f"a list of sources holds paths only, but one is {type(each).__qualname__}; "
                "join tables into one first"
            )
    return [file_path("source", each) for each in source]


def _files_of(source: Any) -> list[Path]:
    """Return the local files that an object reads its rows from, as far as it tells.

    Objects of this package tell by ``__fastsample_inputs__``, a pyarrow dataset by ``files``, a
    Hugging Face dataset by ``cache_files``.
    """
    if hasattr(source, "__fastsample_inputs__"):
        return list(source.__fastsample_inputs__)
    if hasattr(source, "scanner"):
        files = getattr(source, "files", [])
    elif hasattr(source, "with_format") and hasattr(source, "features"):
        found = getattr(source, "cache_files", [])
        files = [each["filename"] for each in found] if isinstance(found, list) else []
    else:
        files = []
    return [Path(file) for file in files]


def _is_in_memory(source: Any) -> bool:
    """Return whether an object is a table, which can be read again, and not a stream."""
    held = any(hasattr(source, name) for name in ("num_rows", "height", "iloc"))
    return held and hasattr(source, "__arrow_c_stream__")


def _as_arrow(source: Any) -> Any:
    """Convert objects without the Arrow PyCapsule interface to one that has it."""
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return source
    if hasattr(source, "with_format") and hasattr(source, "features"):
        return _from_datasets(source)
    if hasattr(source, "scanner"):  # pyarrow.dataset.Dataset
        source = source.scanner()
    if hasattr(source, "to_reader"):  # pyarrow.dataset.Scanner
        return source.to_reader()
    return source


def _from_datasets(dataset: Any) -> Any:
    """Read a Hugging Face dataset: its mapped table if it has one, else batch by batch."""
    import pyarrow as pa

    arrow = dataset.with_format("arrow")
    if hasattr(dataset, "num_rows") and getattr(dataset, "_indices", None) is None:
        return arrow[:]
    schema = dataset.features.arrow_schema if dataset.features is not None else None

    def batches() -> Iterator[pa.RecordBatch]:
        for table in arrow.iter(batch_size=_BATCH_ROWS):
            yield from table.to_batches()

    if schema is None:
        raise SourceTypeError("the dataset does not know its columns; call .cast() on it first")
    return pa.RecordBatchReader.from_batches(schema, batches())
