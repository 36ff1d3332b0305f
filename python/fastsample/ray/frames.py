"""Draws by a key from Ray Datasets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from fastsample import _engines
from fastsample._keyed import Frame, FrameSample, KeyedDraw, Window, keyed_draw
from fastsample._public import public_in
from fastsample.errors import SourceTypeError
from fastsample.ray.errors import plain_errors

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset


@public_in("fastsample.ray")
def sample_dataset(
    dataset: Dataset,
    n: int,
    *,
    key: str,
    seed: int = 42,
    columns: Sequence[str] | None = None,
) -> DatasetSample:
    """Draw exactly `n` rows of a Ray Dataset: those that `key` decides.

    Rows of a Dataset have no fixed order, so the values of a column decide which are drawn. They
    are the rows of ``fastsample.sample(files, n, key=key, seed=seed)`` from files with the same
    rows, however these lie in blocks. No row leaves the cluster's workers.

    Parameters
    ----------
    dataset
        A Ray Dataset. It is computed several times: one that has other rows each time has to be
        kept before, with ``dataset.materialize()``.
    n
        Rows to draw.
    key
        A column of distinct values: texts, numbers, dates, times or truth values. The value 7 and
        the text "7" are one key.
    seed
        The seed.
    columns
        The columns to keep, in this order; all by default.

    Returns
    -------
    DatasetSample
        The rows, as a Ray Dataset, and a report.

    Raises
    ------
    MissingDependencyError
        Ray is not installed, or a worker has no fastsample, or another version.
    SourceTypeError
        `dataset` is no Ray Dataset.
    ColumnError
        A column is not there, or the key has no plain values.
    ArgumentError
        There are fewer than `n` rows, a key is null, or `n` would divide rows of one key.
    SourceChangedError
        The Dataset has other rows each time it is computed.

    Examples
    --------
    >>> import ray.data  # doctest: +SKIP
    >>> rows = ray.data.read_parquet("train/")  # doctest: +SKIP
    >>> drawn = fastsample.ray.sample_dataset(rows, 1000, key="id")  # doctest: +SKIP
    >>> drawn.dataset().write_parquet("sample/")  # doctest: +SKIP
    """
    ray = _engines.needed("ray", "Ray", "ray")
    if not hasattr(dataset, "map_batches"):
        raise SourceTypeError(
            f"dataset is {type(dataset).__qualname__}; pass a Ray Dataset, or files to "
            "fastsample.ray.sample"
        )
    draw = keyed_draw(n, key, seed, columns)
    return DatasetSample(_Dataset(ray, dataset, draw), time.perf_counter())


@public_in("fastsample.ray")
class DatasetSample(FrameSample["_Dataset"]):
    """A sample of a Ray Dataset, drawn by a key."""

    def dataset(self) -> Dataset:
        """Return the rows as a Ray Dataset, which filters the given one when it is computed."""
        draw = self._frame.draw
        rows: Dataset = self._frame.mapped(draw.needed, _keep, self.threshold)
        return rows if draw.columns is None else rows.select_columns(list(draw.columns))


class _Dataset(Frame):
    """Functions over the blocks of a Dataset."""

    def __init__(self, ray: Any, rows: Any, draw: KeyedDraw) -> None:
        super().__init__(draw)
        self._ray, self._rows = ray, rows

    def mapped(self, columns: list[str] | None, step: Callable[..., Any], *arguments: Any) -> Any:
        """Run a step for each block, with these columns of it.

        It asks for nothing but the defaults of Ray, which runs it in the tasks that read blocks.
        """
        rows = self._rows if columns is None else self._rows.select_columns(columns)
        return rows.map_batches(
            step,
            batch_size=None,
            batch_format="pyarrow",
            zero_copy_batch=True,
            fn_args=(self.draw, *arguments),
        )

    def check(self) -> None:
        schema = self._rows.schema()
        known = dict(zip(schema.names, schema.types, strict=True)) if schema is not None else {}
        kind = known.get(self.draw.key)
        # Blocks of pandas have types of its own; their tasks tell what is wrong.
        self.draw.check(list(known), kind if type(kind).__module__.startswith("pyarrow") else None)

    def count(self) -> int:
        rows: int = self._rows.count()
        return rows

    def observed(self, window: Window) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = self.mapped([self.draw.key], _observe, window).take_all()
        return seen

    def key_of(self, number: int) -> Any:
        (row,) = self.mapped([self.draw.key], _keep, number, number).take(1)
        return row[self.draw.key]

    def plain_errors(self) -> AbstractContextManager[None]:
        return plain_errors(self._ray)


def _observe(block: pa.Table, draw: KeyedDraw, window: Window) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches(list(draw.observe(block.to_batches(), window)))


def _keep(block: pa.Table, draw: KeyedDraw, last: int, first: int = 0) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches(list(draw.keep(block.to_batches(), last, first)), block.schema)
