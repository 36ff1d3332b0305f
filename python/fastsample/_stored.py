"""What is told of files in object stores, wherever they are, and which of them a path names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from fastsample import _fastsample
from fastsample.errors import FastSampleError, ReadError, SourceChangedError, SourceNotFoundError

#: What the core takes: URL, bytes, version, ETag, id of the version in the store, and what reads a
#: range.
StoredObject: TypeAlias = tuple[str, int, str, str | None, str | None, Callable[[int, int], bytes]]

#: An object that a draw has read from: URL, bytes, version, ETag, id of the version in the store.
ToldObject: TypeAlias = tuple[str, int, str, str | None, str | None]

_WILDCARD = re.compile(r"[*?\[]")


def is_pattern(path: str) -> bool:
    """Return whether a path is a glob."""
    return _WILDCARD.search(path) is not None


def folder_of(path: str) -> str:
    """Return the folder below which all lies that a path names, a file, a folder or a glob."""
    path = path.rstrip("/")
    if not is_pattern(path):
        return path
    parts = path.split("/")
    return "/".join(parts[: next(at for at, part in enumerate(parts) if is_pattern(part))])


def choose(url: str, path: str, names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the places of the names that a path stands for, in order, and of others there."""
    chosen, others = _fastsample.choose_names(path.rstrip("/"), names)
    if not chosen:
        what = "no file matches this glob" if is_pattern(path) else "no such file or folder"
        raise SourceNotFoundError(
            f"{url}: {what} ({len(names):,} files were looked at); check the URL"
        )
    return chosen, others


def check_length(url: str, data: bytes, start: int, end: int) -> bytes:
    """Return the bytes of a range, or raise an error if there are too few or too many."""
    if len(data) != end - start:
        raise ReadError(
            f"{url}: cannot read: the server sent {len(data)} bytes of {end - start} at byte "
            f"{start}; try again later"
        )
    return data


def changed(url: str) -> FastSampleError:
    """Return the error that says that an object is another one than was opened."""
    return SourceChangedError(
        f"{url}: the file was changed or replaced while it was in use; "
        "draw the sample again once nothing writes to it"
    )


def no_parts(url: str, text: str) -> FastSampleError:
    """Return the error that says that a server does not answer requests for ranges."""
    return ReadError(
        f"{url}: cannot read: the server does not send parts of files; download the file, or "
        f"serve it from one that answers requests with a Range ({text})"
    )
