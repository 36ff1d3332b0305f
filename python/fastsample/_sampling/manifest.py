"""Manifests: what made the rows of a file, and the same rows again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fastsample import _fastsample
from fastsample._remote import RemoteFiles, find
from fastsample._sampling.inputs import difference, is_stored, sizes_alone, told_object
from fastsample._sampling.manifest_file import VERSION
from fastsample._sampling.provenance import files_of, other_inputs
from fastsample._sampling.recipe import Recipe
from fastsample._stored import ToldObject
from fastsample._training.mapped import fingerprint
from fastsample.errors import FastSampleError, SourceChangedError


def described(
    native: _fastsample.Sample, made: Recipe, written: Mapping[str, Any], files: Sequence[Any]
) -> dict[str, Any]:
    """Return what made the rows of a file: enough to draw them again, and to tell if they differ.

    `written` are options of the output, `files` what was written. All inputs whose hashes are not
    known are read for them.
    """
    known = {Path(each["path"]): each for each in made.known}

    def told(paths: Sequence[Path], objects: Sequence[ToldObject] = ()) -> list[dict[str, Any]]:
        return [*(_file(path, known.get(path)) for path in paths), *map(told_object, objects)]

    of_source = told(native.paths, native.objects)
    sources: dict[str, Any] = {"source": made.source, "files": of_source}
    if made.mixed:
        mixed = [
            {
                "name": each.name,
                "source": each.source,
                "share": each.share,
                "files": told(each.files, each.objects),
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
        "other_inputs": told(other_inputs(native, made), made.objects),
        "source_rows": native.source_rows,
        "rows": len(native),
        "row_ids": rows_digest(native),
        "written": dict(written),
        "outputs": [{"path": file.place, "rows": file.rows, "bytes": file.bytes} for file in files],
    }


#: An input as it is now: a local file, or an object of a store.
_Input: TypeAlias = "Path | ToldObject"


def _compared(
    found: Mapping[str, Any], made: Recipe, native: _fastsample.Sample
) -> Iterator[tuple[str, str, list[dict[str, Any]], list[_Input]]]:
    """Yield the inputs of a draw beside those of a manifest: of which source, what they are."""
    now: list[list[_Input]] = [[*each.files, *each.objects] for each in made.mixed]
    now = now or [[*native.paths, *native.objects]]
    for (name, before), inputs in zip(files_of(found), now, strict=True):
        yield name, "source files", before, inputs
    others: list[_Input] = [*other_inputs(native, made), *made.objects]
    yield "", "other input files", found["other_inputs"], others


def _differences(
    found: Mapping[str, Any], made: Recipe, native: _fastsample.Sample
) -> Iterator[str]:
    """Yield how the inputs of a draw differ from those of a manifest, a sentence each."""
    for name, what, before, inputs in _compared(found, made, native):
        if len(before) != len(inputs):
            yield f"{name}{len(inputs)} {what}, not {len(before)}"
        yield from changes(name, before, inputs)


def changed_in_place(found: Mapping[str, Any]) -> list[str]:
    """Return how the inputs of a manifest have changed since, as far as they are there."""
    told: list[str] = []
    for name, before in [*files_of(found), ("", found["other_inputs"])]:
        there = [(each, _there(each)) for each in before]
        inputs = [(each, now) for each, now in there if now is not None]
        told += changes(name, [each for each, _ in inputs], [now for _, now in inputs])
    return told


def _there(told: Mapping[str, Any]) -> _Input | None:
    """Return what is now where an input was, or None."""
    if not is_stored(told):
        path = Path(told["path"])
        return path if path.is_file() else None
    try:
        return find(RemoteFiles(told["path"]))[0][0][:5]
    except FastSampleError:
        return None


def changes(
    name: str, before: Sequence[Mapping[str, Any]], inputs: Sequence[_Input]
) -> Iterator[str]:
    for old, each in zip(before, inputs, strict=False):
        now, what = _now(old, each)
        if (how := difference(old, now)) is not None:
            yield f"{name}{what}: {how}"


def _now(old: Mapping[str, Any], each: _Input) -> tuple[dict[str, Any], str]:
    """Return what is told of an input now, and its name; the content is hashed if that decides."""
    if not isinstance(each, Path):
        told = told_object(each)
        return told, told["path"]
    size = each.stat().st_size
    decides = size == old["bytes"] and "sha256" in old
    return {"bytes": size, "sha256": fingerprint(each) if decides else None}, str(each)


def check_same(found: Mapping[str, Any], made: Recipe, native: _fastsample.Sample) -> str | None:
    """Raise an error that says what differs if a draw has other inputs or rows.

    Return a sentence on inputs of which nothing but the size could be compared, or None.
    """
    if told := list(_differences(found, made, native)):
        raise changed(told)
    if (len(native), rows_digest(native)) != (found["rows"], found["row_ids"]):
        raise other_rows(found, "the manifest")
    pairs = [
        (what, old, now)
        for _, _, before, inputs in _compared(found, made, native)
        for old, each in zip(before, inputs, strict=True)
        for now, what in [_now(old, each)]
    ]
    return sizes_alone(pairs)


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


def _file(path: Path, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what is told of a file; its hash may be known, if it has not changed since."""
    now = path.stat()
    if known is not None and (known["bytes"], known["modified"]) == (now.st_size, now.st_mtime_ns):
        digest = known["sha256"]
    else:
        digest = fingerprint(path)
    facts = {"path": str(path), "bytes": now.st_size, "modified": now.st_mtime_ns}
    return {**facts, "sha256": digest}
