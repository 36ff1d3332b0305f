"""Rows of the sample, and rows of the source that the sample does not have, as examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._sampling.draw_plan import DrawPlan

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows of the source that are looked up in the sample, for each example wanted.
_TRIED = 64

#: Stands between the texts of a row.
_BETWEEN = "\x1f"

#: Which rows are shown is the same in every run.
_SEED = 0


def examples(
    source: _fastsample.Source,
    sample: _fastsample.Source,
    text: Sequence[str],
    count: int,
    threads: int | None,
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    """Return columns, texts of rows that are in the sample, and of rows that are not.

    Both are drawn at random. A row is in the sample if its texts are; so nothing is said of texts
    in nested columns. Without other columns, and of streams, there are no examples.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not count or source.rows is None or sample.rows is None:  # a stream is read once
        return (), (), ()
    columns = flat_columns(source, text)
    if not columns:
        return (), (), ()
    kept = _drawn(sample, count, columns, threads)
    tried = _drawn(source, count * _TRIED, columns, threads)
    keys = _keys(tried)
    found = pa.array([False] * len(keys), pa.bool_())
    rows = pa.RecordBatchReader.from_stream(_fastsample.all_rows(sample, 0, text=None).stream())
    for batch in rows:
        table = pa.Table.from_batches([batch]).select(list(columns))
        found = pc.or_(found, pc.is_in(keys, value_set=_keys(table)))
    return columns, _texts(kept), _texts(tried.filter(pc.invert(found)).slice(0, count))


def flat_columns(source: _fastsample.Source, text: Sequence[str]) -> tuple[str, ...]:
    """Return those of the text columns that are not nested."""
    import pyarrow as pa

    flat = set(pa.schema(source.schema).names)
    return tuple(name for name in text if name in flat)


def texts_of(rows: _fastsample.Sample, columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the texts of rows, a tuple each; a null is empty."""
    import pyarrow as pa

    table = pa.RecordBatchReader.from_stream(rows.stream()).read_all()
    return _texts(table.select(list(columns)))


def _drawn(
    source: _fastsample.Source, count: int, columns: Sequence[str], threads: int | None
) -> pa.Table:
    """Return the texts of some rows; a null is empty."""
    import pyarrow as pa

    plan = DrawPlan(min(count, source.rows or 0), _SEED)
    drawn, _ = _fastsample.draw_rows(source, plan, threads=threads, progress=None)
    return pa.RecordBatchReader.from_stream(drawn.stream()).read_all().select(list(columns))


def _keys(table: pa.Table) -> pa.Array:
    """Return the texts of each row as one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [pc.fill_null(column.cast(pa.large_string()), "") for column in table.columns]
    joined = pc.binary_join_element_wise(*texts, pa.scalar(_BETWEEN, pa.large_string()))
    return joined.combine_chunks()


def _texts(table: pa.Table) -> tuple[tuple[str, ...], ...]:
    columns = (column.to_pylist() for column in table.columns)
    return tuple(tuple(text or "" for text in row) for row in zip(*columns, strict=True))
