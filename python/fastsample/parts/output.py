"""Output of a draw in parts: a file for each part, and one manifest that makes all of them visible.

::

    folder/_fastsample/<fingerprint>/part-00003-of-00013-<fingerprint>.parquet   written
    folder/part-00003-of-00013-<fingerprint>.parquet                            renamed by commit
    folder/_fastsample.json                                                     written last

A folder of a store goes by the same rules.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fastsample import _fastsample
from fastsample._committed import STAGING, VERSION
from fastsample._public import public_in
from fastsample._sampling import formats
from fastsample._sampling.write import write as write_samples
from fastsample.errors import CorruptDataError, OutputError, SourceTypeError
from fastsample.parts.folder import Folder


@public_in("fastsample.parts")
@dataclass(frozen=True)
class PartOutput:
    """A file that a part was written to, not yet visible; `path` is empty if it has no rows.

    All parts of the draw have `drawn` rows together.
    """

    part: int
    path: str
    rows: int
    bytes: int
    sha256: str
    fingerprint: str
    drawn: int


@public_in("fastsample.parts")
@dataclass(frozen=True)
class Committed:
    """The files of an output, in the order of their rows, and their rows and bytes in all.

    An output in a store has the `url` of its folder; the paths are relative to what that lies in.
    """

    folder: Path
    files: tuple[Path, ...]
    rows: int
    bytes: int
    url: str | None = None


class Place(NamedTuple):
    """Where a part is written."""

    folder: Folder
    part: int
    parts: int
    fingerprint: str

    @property
    def name(self) -> str:
        """The name of the file: parts sort by their number."""
        return f"part-{self.part:05}-of-{self.parts:05}-{self.fingerprint}.parquet"

    @property
    def staged(self) -> str:
        """The name of the file before it is visible."""
        return f"{STAGING}/{self.fingerprint}/{self.name}"


def write(drawn: _fastsample.Sample, place: Place, rows: int) -> PartOutput:
    """Write the rows of a part, of `rows` in all, where readers don't look."""
    if len(drawn) == 0:
        return PartOutput(place.part, "", 0, 0, "", place.fingerprint, rows)
    with place.folder.writing(place.staged) as path:
        write_samples([drawn], [path], formats.parquet(path), progress=False)
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    where, sha256 = place.folder.place(place.staged), digest.hexdigest()
    return PartOutput(place.part, where, len(drawn), size, sha256, place.fingerprint, rows)


def commit(
    files: Sequence[PartOutput],
    folder: Folder,
    *,
    fingerprint: str,
    parts: int,
    overwrite: bool,
    made: Mapping[str, Any],
) -> Committed:
    """Rename the files of all parts to their names, and write the manifest."""
    outputs = _one_of_each(files, fingerprint, parts)
    rows = sum(file.rows for file in outputs)
    before = folder.manifest()
    if before is not None and before["fingerprint"] != fingerprint and not overwrite:
        raise OutputError(
            f"{folder.place('')}: the folder holds the output of another draw; choose another "
            "folder, or pass overwrite=True"
        )
    places = {file.part: Place(folder, file.part, parts, fingerprint) for file in outputs}
    named = {place.name for place in places.values()}
    old = {file["path"] for file in before["files"]} if before else set()
    folder.refuse_others(named | old)
    for file in outputs:
        place = places[file.part]
        folder.publish(place.staged, place.name, file.bytes)
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
    folder.write_manifest(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    folder.sweep(sorted(old - named))
    paths = tuple(folder.path / place.name for place in places.values())
    size = sum(file.bytes for file in outputs)
    return Committed(folder.path, paths, rows, size, folder.url)


def _one_of_each(files: Sequence[PartOutput], fingerprint: str, parts: int) -> list[PartOutput]:
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
    rows = {file.drawn for file in found.values()}
    if rows != {written} or len(found) != parts:
        raise CorruptDataError(
            f"the files have {written:,} rows in {len(found)} parts, not {max(rows):,} in {parts}; "
            "write all parts of one draw"
        )
    return [found[part] for part in range(parts) if found[part].rows]
