"""Writing samples as they were drawn: rows, and in or beside each output what made them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from fastsample import _fastsample
from fastsample._arguments import flag
from fastsample._files import check_output, write_files
from fastsample._sampling.manifest import described
from fastsample._sampling.manifest_file import manifest_path
from fastsample._sampling.provenance import Origin, provenances
from fastsample._sampling.recipe import Recipe
from fastsample._sampling.report import WriteReport
from fastsample._sampling.write import write
from fastsample.errors import ArgumentError


class Made(Protocol):
    """Rows that were drawn, and by which arguments: a :class:`fastsample.Sample`."""

    _native: _fastsample.Sample
    _recipe: Recipe

    def _origin(self, written: Mapping[str, Any]) -> Origin: ...


def write_drawn(
    samples: Sequence[Made],
    paths: Sequence[Path],
    format: _fastsample.Format,  # noqa: A002
    *,
    manifest: bool = False,
    provenance: bool = True,
    overwrite: bool = True,
    shuffle: bool = False,
    shards: int = 1,
    **options: Any,
) -> list[WriteReport]:
    """Write samples as `write` does; then their manifests, all of them or none.

    With `provenance` the files tell what made them, if their format has metadata.
    """
    recipes = recipes_of(samples, manifest=manifest)
    for sample, path, _ in zip(samples, paths, recipes, strict=False):
        check_output(
            manifest_path(path), sample._native.inputs, overwrite=flag("overwrite", overwrite)
        )
    said: dict[str, Any] = {"shuffle": shuffle, "shards": shards}
    natives = [sample._native for sample in samples]
    if flag("provenance", provenance) and format.has_metadata:
        origins = [sample._origin(said) for sample in samples]
        options["provenances"] = provenances(origins, natives[0].threads)
    reports = write(natives, paths, format, overwrite=overwrite, **said, **options)
    if recipes:
        _write_manifests(natives, paths, recipes, said, reports)
    return reports


def recipes_of(samples: Iterable[Made], *, manifest: bool) -> list[Recipe]:
    """Return what manifests of samples tell, or raise an error that says why there are none.

    Without `manifest` return nothing.
    """
    recipes: list[Recipe] = []
    for sample in samples if flag("manifest", manifest) else ():
        if sample._recipe.untold is not None:
            why = sample._recipe.untold
            raise ArgumentError(f"there is no manifest of this sample, since {why}")
        recipes.append(sample._recipe)
    return recipes


def _write_manifests(
    natives: Sequence[_fastsample.Sample],
    paths: Sequence[Path],
    recipes: Sequence[Recipe],
    said: dict[str, Any],
    reports: Sequence[WriteReport],
) -> None:
    manifests: dict[Path, bytes] = {}
    hashed: list[dict[str, Any]] = []  # each input once, though all samples are drawn from it
    for native, path, recipe, report in zip(natives, paths, recipes, reports, strict=True):
        told = replace(recipe, known=[*recipe.known, *hashed])
        made = described(native, told, said, report.files)
        hashed = [*made.get("files", ()), *made["other_inputs"]]
        text = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
        manifests[manifest_path(path)] = text.encode()
    write_files(manifests)
