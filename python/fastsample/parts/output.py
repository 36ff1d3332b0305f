"""Output of a draw in parts: a file for each part, and one manifest that makes all of them visible.

::

    folder/_fastsample/<fingerprint>/part-00003-of-00013-<fingerprint>.parquet   written
    folder/part-00003-of-00013-<fingerprint>.parquet                            renamed by commit
    folder/_fastsample.json                                                     written last
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fastsample import _fastsample
from fastsample._committed import MANIFEST, STAGING, VERSION, read_manifest
from fastsample._files import write_text
from fastsample._public import public_in
from fastsample._sampling import formats
from fastsample._sampling.write import write as write_samples
from fastsample.errors import (
    CorruptDataError,
    OutputError,
    SourceNotFoundError,
    SourceTypeError,
)


@public_in("fastsample.parts")
@dataclass(frozen=True)
class PartOutput:
    """A file that a part was written to, not yet visible; `path` is empty if it has no rows."""

    part: int
    path: str
    rows: int
    bytes: int
    sha256: str
    fingerprint: str


@public_in("fastsample.parts")
@dataclass(frozen=True)
class Committed:
    """The files of an output, in the order of their rows, and their rows and bytes in all."""

    folder: Path
    files: tuple[Path, ...]
    rows: int
    bytes: int


class Place(NamedTuple):
    """Where a part is written."""

    folder: Path
    part: int
    parts: int
    fingerprint: str

    @property
    def name(self) -> str:
        """The name of the file: parts sort by their number."""
        return f"part-{self.part:05}-of-{self.parts:05}-{self.fingerprint}.parquet"

    @property
    def staged(self) -> Path:
        """The file before it is visible."""
        return self.folder / STAGING / self.fingerprint / self.name


def write(drawn: _fastsample.Sample, place: Place) -> PartOutput:
    """Write the rows of a part where readers don't look."""
    if len(drawn) == 0:
        return PartOutput(place.part, "", 0, 0, "", place.fingerprint)
    path = place.staged
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot write: {error.strerror}") from None
    write_samples([drawn], [path], formats.parquet(path), progress=False)
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return PartOutput(
        place.part, str(path), len(drawn), size, digest.hexdigest(), place.fingerprint
    )


def commit(
    files: Sequence[PartOutput],
    folder: Path,
    *,
    fingerprint: str,
    parts: int,
    rows: int,
    overwrite: bool,
    made: Mapping[str, Any],
) -> Committed:
    """Rename the files of all parts to their names, and write the manifest."""
    outputs = _one_of_each(files, fingerprint, parts, rows)
    before = read_manifest(folder)
    if before is not None and before["fingerprint"] != fingerprint and not overwrite:
        raise OutputError(
            f"{folder}: the folder holds the output of another draw; choose another folder, or "
            "pass overwrite=True"
        )
    places = {file.part: Place(folder, file.part, parts, fingerprint) for file in outputs}
    named = {place.name for place in places.values()}
    old = {file["path"] for file in before["files"]} if before else set()
    _refuse_others(folder, named | old)
    for file in outputs:
        _rename(file, places[file.part])
    listed = [
        {
            "path": places[file.part].name,
            "rows": file.rows,
            "bytes": file.bytes,
            "sha256": file.sha256,
        }
        for file in outputs
    ]
    manifest = {
        "manifest": VERSION,
        "fastsample": _fastsample.__version__,
        "fingerprint": fingerprint,
        **made,
        "rows": rows,
        "files": listed,
    }
    write_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    for name in old - named:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / STAGING, ignore_errors=True)
    paths = tuple(folder / place.name for place in places.values())
    return Committed(folder, paths, rows, sum(file.bytes for file in outputs))


def _one_of_each(
    files: Sequence[PartOutput], fingerprint: str, parts: int, rows: int
) -> list[PartOutput]:
    """Return the file of each part that has rows, in order; copies of a file are one."""
    found: dict[int, PartOutput] = {}
    for file in files:
        if not isinstance(file, PartOutput):
            raise SourceTypeError(f"a file is {file!r}; pass what Draw.write returns")
        if file.fingerprint != fingerprint:
            raise CorruptDataError(
                f"{file.path}: a file of another draw; pass those that this one wrote"
            )
        known = found.setdefault(file.part, file)
        if (known.rows, known.sha256) != (file.rows, file.sha256):
            raise CorruptDataError(
                f"{file.path}: part {file.part} was written twice with other rows; all processes "
                "need the same files and the same version of fastsample"
            )
    missing = [part for part in range(parts) if part not in found]
    if missing:
        raise CorruptDataError(
            f"the file of part {missing[0]} is missing, {len(missing)} of {parts} are; write all "
            "parts first"
        )
    written = sum(file.rows for file in found.values())
    if written != rows or len(found) != parts:
        raise CorruptDataError(
            f"the files have {written:,} rows in {len(found)} parts, not {rows:,} in {parts}; "
            "write all parts of one draw"
        )
    return [found[part] for part in range(parts) if found[part].rows]


def _refuse_others(folder: Path, ours: set[str]) -> None:
    """Refuse a folder with data files that readers would take for a part of the output."""
    try:
        found, _ = _fastsample.find_files([folder])
    except SourceNotFoundError:
        return
    others = [path for path in found if path.parent != folder or path.name not in ours]
    if others:
        raise OutputError(
            f"{others[0]}: the folder of the output holds other data files, which readers would "
            "take for a part of it; choose a folder of its own"
        )


def _rename(file: PartOutput, place: Place) -> None:
    target = place.folder / place.name
    try:
        if place.staged.exists():
            if place.staged.stat().st_size != file.bytes:
                raise CorruptDataError(
                    f"{place.staged}: the file has another size than when it was written; write "
                    "the part again"
                )
            os.replace(place.staged, target)  # noqa: PTH105
        elif not target.exists() or target.stat().st_size != file.bytes:
            raise SourceNotFoundError(
                f"{place.staged}: the file is not there; all processes have to see the folder, and "
                "a part whose file was lost has to be written again"
            )
    except OSError as error:
        if isinstance(error, SourceNotFoundError):
            raise
        raise OutputError(f"{target}: cannot write: {error.strerror}") from None
