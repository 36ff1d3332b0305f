"""Manifests: what made the rows of a file, and the same rows again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._sampling.manifest_file import VERSION
from fastsample._sampling.provenance import files_of, other_inputs
from fastsample._sampling.recipe import Recipe
from fastsample._training.mapped import fingerprint, head_fingerprint
from fastsample.errors import SourceChangedError


def described(
    native: _fastsample.Sample, made: Recipe, written: Mapping[str, Any], files: Sequence[Any]
) -> dict[str, Any]:
    """Return what made the rows of a file: enough to draw them again, and to tell if they differ.

    `written` are options of the output, `files` what was written. All inputs whose hashes are not
    known are read for them.
    """
    known = {Path(each["path"]): each for each in made.known}

    def told(paths: Sequence[Path]) -> list[dict[str, Any]]:
        return [_file(path, known.get(path)) for path in paths]

    sources: dict[str, Any] = {"source": made.source, "files": told(native.paths)}
    if made.mixed:
        mixed = [
            {
                "name": each.name,
                "source": each.source,
                "share": each.share,
                "files": told(each.files),
            }
            for each in made.mixed
        ]
        sources = {"sources": mixed}
    return {
        "manifest": VERSION,
        "fastsample": _fastsample.__version__,
        **sources,
        **made.part,
        "options": made.options,
        "other_inputs": told(other_inputs(native, made)),
        "source_rows": native.source_rows,
        "rows": len(native),
        "row_ids": rows_digest(native),
        "written": dict(written),
        "outputs": [
            {"path": str(file.path), "rows": file.rows, "bytes": file.bytes} for file in files
        ],
    }


def differences(
    found: Mapping[str, Any], made: Recipe, native: _fastsample.Sample
) -> Iterator[str]:
    """Yield how the inputs of a draw differ from those of a manifest, a sentence each."""
    now = [each.files for each in made.mixed] or [native.paths]
    for (name, before), files in zip(files_of(found), now, strict=True):
        if len(before) != len(files):
            yield f"{name}{len(files)} source files, not {len(before)}"
        yield from _changes(name, before, files)
    before, others = found["other_inputs"], other_inputs(native, made)
    if len(before) != len(others):
        yield f"{len(others)} other input files, not {len(before)}"
    yield from _changes("", before, others)


def changed_in_place(found: Mapping[str, Any]) -> list[str]:
    """Return how the files of a manifest have changed since, as far as they are there."""
    told: list[str] = []
    for name, before in [*files_of(found), ("", found["other_inputs"])]:
        there = [file for file in before if Path(file["path"]).is_file()]
        told += _changes(name, there, [Path(file["path"]) for file in there])
    return told


def _changes(name: str, before: Sequence[Mapping[str, Any]], now: Sequence[Path]) -> Iterator[str]:
    for old, path in zip(before, now, strict=False):
        size = path.stat().st_size
        if size != old["bytes"]:
            yield f"{name}{path}: {size:,} bytes, not {old['bytes']:,}"
        elif fingerprint(path) != old["sha256"]:
            yield f"{name}{path}: as long as before, but with other content"


def check_same(found: Mapping[str, Any], made: Recipe, native: _fastsample.Sample) -> None:
    """Raise an error that says what differs if a draw has other inputs or rows."""
    if told := list(differences(found, made, native)):
        raise changed(told)
    if (len(native), rows_digest(native)) != (found["rows"], found["row_ids"]):
        raise other_rows(found, "the manifest")


def other_rows(found: Mapping[str, Any], what: str) -> SourceChangedError:
    """Return the error that says that the inputs are the same, and the rows are not."""
    return SourceChangedError(
        f"other rows were drawn out of the same inputs: fastsample {found['fastsample']} made "
        f"{what}, this is {_fastsample.__version__}"
    )


def changed(told: Sequence[str]) -> SourceChangedError:
    """Return the error that says how inputs differ from those of an earlier draw."""
    return SourceChangedError(f"the inputs are not those of the earlier draw: {'; '.join(told)}")


def rows_digest(native: _fastsample.Sample) -> str:
    """Return a hash of the ids of all rows, in order."""
    import pyarrow as pa

    return hashlib.sha256(pa.array(native.row_ids()).to_numpy().tobytes()).hexdigest()


#: Files of lines, to which more can be appended.
_LINES = (".jsonl", ".ndjson", ".csv", ".tsv")


def unchanged(found: Mapping[str, Any], paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what a manifest says of the files of a source, which are the first of `paths`.

    A file of the size and time of change that it had is taken to be the same. Of others, the hash
    tells: they were copied. The last may be a file of lines with more lines behind the old ones; it
    is not among those returned. Raise an error that says what differs.
    """
    old, told, same = found["files"], [], []
    if len(paths) < len(old):
        told.append(f"{len(paths)} files, not the {len(old)} there were and new ones behind them")
    for before, path in zip(old, paths, strict=False):
        now = path.stat()
        is_longer = before is old[-1] and now.st_size > before["bytes"]
        if is_longer and path.suffix.lower() in _LINES:
            if head_fingerprint(path, before["bytes"]) != before["sha256"]:
                told.append(f"{path}: not the old lines and new ones behind them")
        elif now.st_size != before["bytes"]:
            told.append(f"{path}: {now.st_size:,} bytes, not {before['bytes']:,}")
        elif before.get("modified") != now.st_mtime_ns and fingerprint(path) != before["sha256"]:
            told.append(f"{path}: as long as before, but with other content")
        else:
            same.append({**before, "path": str(path), "modified": now.st_mtime_ns})
    if told:
        raise SourceChangedError(
            f"the first files are not those of the earlier sample: {'; '.join(told)}; put new rows "
            "into files of their own, behind the others, or draw anew with fastsample.sample"
        )
    return same


def _file(path: Path, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what is told of a file; its hash may be known, if it has not changed since."""
    now = path.stat()
    if known is not None and (known["bytes"], known["modified"]) == (now.st_size, now.st_mtime_ns):
        digest = known["sha256"]
    else:
        digest = fingerprint(path)
    facts = {"path": str(path), "bytes": now.st_size, "modified": now.st_mtime_ns}
    return {**facts, "sha256": digest}
