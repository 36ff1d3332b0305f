"""Parts of a source: which files, or which slices of a file, one task reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastsample import _fastsample
from fastsample._arguments import whole
from fastsample._public import public_in
from fastsample._remote import RemoteFiles, find, remote_files, some_of
from fastsample._source import SourceLike, source_paths
from fastsample.errors import (
    ArgumentError,
    ReadError,
    SourceChangedError,
    SourceNotFoundError,
    SourceTypeError,
)

#: Endings of files whose fragments can be read alone. Files of lines are read whole.
_SLICED = (".parquet", ".parq", ".pq", ".arrow", ".feather", ".ipc")

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)

#: What draws from frames, whose rows have no fixed order, by their packages.
_BY_KEY = {
    "ray.data": ", or draw by a column of ids: fastsample.ray.sample_dataset(dataset, n, key=...)",
    "pyspark.sql": ", or draw by a column of ids: fastsample.spark.sample_dataframe(frame, n, "
    "key=...)",
}


@public_in("fastsample.parts")
@dataclass(frozen=True)
class PartFile:
    """A file of a part, as it was found: a path or URL, its bytes, its time of change or tag.

    `slice` of `slices` says which of its equal shares is meant: of row groups or batches, or of
    rows if there are fewer of these.
    """

    path: str
    bytes: int
    version: str
    slice: int = 0
    slices: int = 1


@public_in("fastsample.parts")
@dataclass(frozen=True)
class Part:
    """Files, or a slice of a file, that one task reads: `index` is its place among all parts."""

    index: int
    files: tuple[PartFile, ...]

    @property
    def bytes(self) -> int:
        """About the bytes that are read."""
        return sum(file.bytes // file.slices for file in self.files)


def check_bytes(name: str, value: object) -> int:
    """Return a number of bytes: a whole number, or a text such as ``"256MiB"``."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            raise ArgumentError(f'{name} is {value!r}; write a number of bytes, or "256MiB"')
        value = int(found[1]) * _UNITS[found[2].lower()]
    return whole(name, value, least=1)


def list_files(source: SourceLike) -> tuple[list[PartFile], list[str], RemoteFiles | None]:
    """Return the files of a source, in order, with those passed over, and where they are read."""
    remote = remote_files(source)
    if remote is not None:
        objects, others = find(remote)
        return [PartFile(url, size, tag) for url, size, tag, *_ in objects], others, remote
    paths = source_paths(source)
    if paths is None:
        kind = f"{type(source).__module__}.{type(source).__qualname__}"
        by_key = (each for package, each in _BY_KEY.items() if kind.startswith(f"{package}."))
        raise SourceTypeError(
            f"a draw in parts reads files, but the source is {kind}; write it to files that all "
            f"processes see{next(by_key, '')}"
        )
    files, passed_over = _fastsample.find_files(paths)
    return [_local(path.absolute()) for path in files], [str(path) for path in passed_over], None


def _local(path: Path) -> PartFile:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise SourceNotFoundError(
            f"{path}: this process does not see the file; put the source where all processes "
            "see it, in a shared folder or an object store"
        ) from None
    except OSError as error:
        raise ReadError(f"{path}: cannot read: {error.strerror}") from None
    return PartFile(str(path), status.st_size, str(status.st_mtime_ns))


def cut(files: Iterable[PartFile], target: int) -> tuple[Part, ...]:
    """Return parts of about `target` bytes: neighbouring small files, or slices of a large one."""
    groups: list[list[PartFile]] = []
    size = target
    for file in files:
        slices = list(_slices(file, target))
        if len(slices) > 1:
            groups += [[each] for each in slices]
            size = target
        elif size + file.bytes > target:
            groups.append(slices)
            size = file.bytes
        else:
            groups[-1] += slices
            size += file.bytes
    return tuple(Part(index, tuple(group)) for index, group in enumerate(groups))


def _slices(file: PartFile, target: int) -> Iterator[PartFile]:
    count = 1
    if file.path.lower().endswith(_SLICED):
        count = min(max(-(-file.bytes // target), 1), 2**32 - 1)
    for index in range(count):
        yield PartFile(file.path, file.bytes, file.version, index, count)


def open_files(part: Part, remote: RemoteFiles | None) -> _fastsample.PartFiles:
    """Return the files of a part for the core, if they are those that were found first."""
    slices = [(file.slice, file.slices) for file in part.files]
    if remote is None:
        for file in part.files:
            if _local(Path(file.path)) != PartFile(file.path, file.bytes, file.version):
                raise _changed(file.path)
        paths = [Path(file.path) for file in part.files]
        return _fastsample.PartFiles.local(part.index, list(zip(paths, slices, strict=True)))
    objects, _ = find(some_of(remote, [file.path for file in part.files]))
    for file, (url, size, tag, *_) in zip(part.files, objects, strict=True):
        if (url, size, tag) != (file.path, file.bytes, file.version):
            raise _changed(file.path)
    return _fastsample.PartFiles.stored(part.index, objects, slices)


def _changed(path: str) -> SourceChangedError:
    return SourceChangedError(
        f"{path}: the file has another size or time of change than when the draw began; draw "
        "again once nothing writes to it, and let all processes see the same file"
    )
