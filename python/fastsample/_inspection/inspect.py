"""`inspect`: rows, columns, files and texts of a data set, without drawing from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import check_text_columns, check_threads, flag, optional
from fastsample._inspection.inspection import Inspection
from fastsample._inspection.model import ColumnInfo, Copies, FileInfo
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.tokens import open_tokenizer
from fastsample._source import SourceLike, open_source
from fastsample._text_lengths import QUANTILES, counted_lengths, text_lengths
from fastsample.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@public
def inspect(
    source: SourceLike,
    *,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    text_columns: Sequence[str] | None = None,
    lengths: bool = True,
    tokenizer: str | os.PathLike[str] | None = None,
    chat_template: bool | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> Inspection:
    """Describe a data set: rows, columns, types, row groups, codecs, sizes, texts, copies.

    Parameters
    ----------
    source
        As in :func:`fastsample.sample`, except for streams that can be read once.
    columns
        Columns to describe. All by default.
    text_columns
        Text columns to measure: names of columns, or paths such as ``messages[].content``. By
        default those that look like text; ids, labels and links do not.
    lengths
        Read the text columns, for lengths and copies. Without it only footers are read.
    tokenizer
        Count the tokens of texts, too, with this ``tokenizer.json``, or that of a folder.
    chat_template
        As in :func:`fastsample.token_lengths`. True counts the tokens of whole rows, as the
        template renders their chats, and not those of each column.
    schema, threads, progress
        As in :func:`fastsample.sample`.

    Examples
    --------
    >>> import pyarrow as pa, fastsample
    >>> found = fastsample.inspect(pa.table({"prompt": ["你好", "早上好"]}))
    >>> found.rows, found.text["prompt"].max
    (2, 3)
    """
    import pyarrow as pa

    threads = check_threads(threads)
    text = check_text_columns(text_columns)
    lengths = flag("lengths", lengths)
    if tokenizer is not None and not lengths:
        raise ArgumentError("tokenizer= counts tokens of texts; leave out lengths=False")
    renders = optional(flag, "chat_template", chat_template)
    if renders is not None and tokenizer is None:
        raise ArgumentError("chat_template is for tokenizer=; pass one")
    counter = None
    if tokenizer is not None:
        counter = open_tokenizer(tokenizer, chat_template=renders is True)
    with reporting(progress, "reading") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        files = tuple(_file(part) for part in _fastsample.parts(opened))
        found = (
            _fastsample.text_statistics(
                opened, QUANTILES, text=text, threads=threads, progress=callback
            )
            if lengths
            else None
        )
        counts: dict[str, npt.NDArray[np.uint32]] = {}
        chosen: list[str] = []
        whole = None
        if counter is not None and renders:
            each, _, chosen = counter.lengths(opened, text=text, threads=threads, progress=callback)
            whole = counted_lengths([pa.array(each).to_numpy()])
        elif counter is not None:
            counts, chosen = _lengths_by_column(opened, text, counter, threads, callback)
            whole = counted_lengths(counts.values())
    schema = pa.schema(opened.schema)
    rows = sum(file.rows for file in files)
    nulls = {name: each["nulls"] for name, each in found["columns"].items()} if found else {}
    return Inspection(
        rows=rows,
        bytes=sum(file.bytes for file in files),
        files=files,
        columns=tuple(ColumnInfo(f.name, str(f.type), f.nullable) for f in schema),
        text={name: text_lengths(each) for name, each in found["columns"].items()} if found else {},
        roles={name: text_lengths(each) for name, each in found["roles"].items()} if found else {},
        row_lengths=text_lengths(found["rows"]) if found else None,
        copies=Copies(round(found["repeated"] * rows), found["repeated"], found["exact"])
        if found
        else None,
        left_out=dict(found["left_out"]) if found else {},
        notes=(*opened.notes, *(() if renders is False else chosen)),
        tokens={name: counted_lengths([each], nulls[name]) for name, each in counts.items()},
        row_tokens=whole,
        _inputs=tuple(opened.inputs),
    )


def count_rows(
    source: SourceLike,
    columns: Sequence[str] | None,
    schema: pa.Schema | None,
    threads: int | None,
    progress: bool | Callback | None,
) -> tuple[int, tuple[Path, ...], tuple[str, ...]]:
    """Return the rows of a data set by its footers alone, its files, and notes on them."""
    threads = check_threads(threads)
    with reporting(progress, "reading") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        rows = sum(sum(part["fragments"]) for part in _fastsample.parts(opened))
        return rows, tuple(opened.inputs), tuple(opened.notes)


def measure_columns(
    source: SourceLike,
    text: list[str] | None,
    tokenizer: str | os.PathLike[str] | None,
    columns: Sequence[str] | None,
    schema: pa.Schema | None,
    threads: int | None,
    progress: bool | Callback | None,
) -> tuple[int, tuple[Path, ...], tuple[str, ...], dict[str, npt.NDArray[np.uint32]]]:
    """Return the length of each text column in every row: characters, or tokens.

    With the rows of the data set, its files, and notes on them. `text` names the columns; None
    takes those that look like text. Chats are counted text by text.
    """
    threads = check_threads(threads)
    counter = None if tokenizer is None else open_tokenizer(tokenizer)
    with reporting(progress, "measuring texts") as callback:
        opened = open_source(source, columns, threads, callback, schema)
        found, _ = _lengths_by_column(opened, text, counter, threads, callback)
    rows = len(next(iter(found.values())))
    return rows, tuple(opened.inputs), tuple(opened.notes), found


def _lengths_by_column(
    opened: _fastsample.Source,
    text: Sequence[str] | None,
    counter: _fastsample.Tokenizer | None,
    threads: int | None,
    callback: Callback | None,
) -> tuple[dict[str, npt.NDArray[np.uint32]], list[str]]:
    import pyarrow as pa

    paths, _, arrays, notes = _fastsample.column_lengths(
        opened, text=text, tokenizer=counter, threads=threads, progress=callback
    )
    found = zip(paths, arrays, strict=True)
    return {name: pa.array(each).to_numpy() for name, each in found}, notes


def _file(part: _fastsample.PartFound) -> FileInfo:
    return FileInfo(
        path=part["url"] if part["path"] is None else Path(part["path"]),
        format=part["format"],
        rows=sum(part["fragments"]),
        row_groups=len(part["fragments"]),
        bytes=part["bytes"],
        codecs=tuple(part["codecs"]),
    )
