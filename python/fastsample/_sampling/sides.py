"""`Split`: the sides of a split by name, which are written together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._arguments import choice, output_path
from fastsample._public import public
from fastsample._sampling import formats
from fastsample._sampling.report import WriteReport
from fastsample._sampling.sample import Sample
from fastsample._sampling.write_drawn import recipes_of, write_drawn
from fastsample.errors import ArgumentError, OutputError


@public
class Split(Mapping[str, Sample]):
    """Disjoint samples by name."""

    def __init__(self, sides: dict[str, Sample]) -> None:
        self._sides = sides

    def __getitem__(self, name: str) -> Sample:
        return self._sides[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sides)

    def __len__(self) -> int:
        """Return the number of sides."""
        return len(self._sides)

    def pairs(self) -> Iterator[tuple[Sample, Sample]]:
        """Yield for each side the rows of all others, to train on, and its own, to validate.

        Both tell what made them when they are written, and :func:`fastsample.reproduce` draws them
        again.

        Examples
        --------
        >>> import pyarrow as pa, fastsample
        >>> table = pa.table({"talk": [i // 3 for i in range(90)], "turn": [0, 1, 2] * 30})
        >>> folds = fastsample.split(table, folds=5, group="talk")
        >>> [(len(train), len(valid)) for train, valid in folds.pairs()]
        [(72, 18), (72, 18), (72, 18), (72, 18), (72, 18)]
        """
        if len(self) < 2:
            raise ArgumentError("there is one side alone; name two or more, or pass folds")
        for name, side in self.items():
            others = [other for key, other in self.items() if key != name]
            joined = others[0]._native.joined([other._native for other in others[1:]])
            report = replace(others[0].report, sampled=len(joined), notes=(), smart=None)
            made = replace(others[0]._recipe, part={"without": name})
            yield Sample(joined, report, made), side

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(side):,}" for name, side in self.items())
        return f"<fastsample.Split: {sizes}>"

    def write_parquet(
        self,
        folder: str | os.PathLike[str],
        *,
        compression: str = "zstd",
        compression_level: int | None = None,
        row_group_size: int | None = None,
        **options: Any,
    ) -> dict[str, WriteReport]:
        """Write each side to ``<folder>/<name>.parquet``; options are those of a sample.

        All files appear together, or none of them. ``manifest=True`` writes a manifest beside each:
        ``train.parquet.manifest.json``, from which :func:`fastsample.reproduce` draws that side.
        """
        form = partial(
            formats.parquet,
            compression=compression,
            compression_level=compression_level,
            row_group_size=row_group_size,
        )
        return self._write(folder, ".parquet", form, options)

    def write_jsonl(
        self,
        folder: str | os.PathLike[str],
        *,
        compression: str = "none",
        compression_level: int | None = None,
        **options: Any,
    ) -> dict[str, WriteReport]:
        """Write each side to ``<folder>/<name>.jsonl``; options are those of a sample.

        With `compression` ``gzip`` or ``zstd``, ``.gz`` or ``.zst`` is added to the names. All
        files appear together, or none of them.
        """
        form = partial(formats.jsonl, compression_level=compression_level)
        return self._write(folder, ".jsonl" + formats.compressed(compression), form, options)

    def write_csv(
        self,
        folder: str | os.PathLike[str],
        *,
        delimiter: str = ",",
        compression: str = "none",
        compression_level: int | None = None,
        **options: Any,
    ) -> dict[str, WriteReport]:
        """Write each side to ``<folder>/<name>.csv``, as :meth:`write_jsonl` does.

        With tabs as `delimiter` the names end in ``.tsv``.
        """
        ending = formats.DELIMITED[choice("delimiter", delimiter, list(formats.DELIMITED))]
        form = partial(formats.csv, compression_level=compression_level)
        return self._write(folder, ending + formats.compressed(compression), form, options)

    def _write(
        self,
        folder: str | os.PathLike[str],
        ending: str,
        form: Callable[[Path], _fastsample.Format],
        options: dict[str, Any],
    ) -> dict[str, WriteReport]:
        path = output_path("folder", folder)
        for name in self:
            if Path(name).name != name or name in ("", ".", ".."):
                raise OutputError(f"{name!r} can't be the name of a file")
        paths = [path / f"{name}{ending}" for name in self]
        chosen = form(paths[0])
        recipes_of(self.values(), manifest=options.get("manifest", False))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot create the folder: {error.strerror}") from None
        reports = write_drawn(list(self.values()), paths, chosen, **options)
        return dict(zip(self, reports, strict=True))
