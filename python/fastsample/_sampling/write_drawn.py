"""Writing samples as they were drawn: rows, and in or beside each output what made them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from fastsample import _fastsample
from fastsample._arguments import flag
from fastsample._destination import Destination
from fastsample._files import check_output, write_files
from fastsample._progress import Callback as Progress
from fastsample._progress import reporting
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
    url: Callable[[str], str] | None = None,
    **options: Any,
) -> list[WriteReport]:
    """Write samples as `write` does; then their manifests, all of them or none.

    With `provenance` the files tell what made them, if their format has metadata. `url` says where
    files of these names are going to be, if not where they are written.
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
    if url is not None:
        reports = [_going_to(report, url) for report in reports]
    if recipes:
        _write_manifests(natives, paths, recipes, said, reports)
    return reports


def upload_drawn(
    sample: Made,
    to: Destination,
    format: _fastsample.Format,  # noqa: A002
    *,
    overwrite: bool = True,
    progress: bool | Progress | None = None,
    **options: Any,
) -> WriteReport:
    """Write a sample as :func:`write_drawn` does, and put it into a store."""
    overwrite = flag("overwrite", overwrite)
    to.check([*sample._native.objects, *sample._recipe.objects], overwrite=overwrite)
    with to.local() as path:
        report = write_drawn([sample], [path], format, url=to.url, progress=progress, **options)[0]
        with reporting(progress, "uploading") as callback:
            to.upload(path.parent, overwrite=overwrite, progress=callback)
    return report


def _going_to(report: WriteReport, url: Callable[[str], str]) -> WriteReport:
    names = (file.path.name for file in report.files)
    files = tuple(
        replace(file, path=Path(name), url=url(name))
        for file, name in zip(report.files, names, strict=True)
    )
    return replace(report, files=files)


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
