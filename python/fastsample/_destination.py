"""Outputs in object stores: written to a folder of this machine, and then put there whole.

::

    draw ─▶ files in a temporary folder ─▶ objects, the manifest last
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from fastsample._arguments import output_path
from fastsample._hub import is_hub
from fastsample._progress import Callback
from fastsample._remote import RemoteFiles, is_url, place_of, why_not
from fastsample._stored import ToldObject, is_pattern
from fastsample.errors import OutputError

#: Bytes that are read and sent at once.
_CHUNK = 8 << 20

#: The largest object that is put by one request, which can be told to replace nothing.
_SINGLE = 64 << 20

#: How the names of manifests end. They come last.
_MANIFEST = ".manifest.json"


class Destination:
    """An object of a store that is going to be written, or several beside each other."""

    def __init__(self, name: str, files: RemoteFiles) -> None:
        location = files.locations[0]
        if len(files.locations) > 1:
            raise OutputError(f"{name} names {len(files.locations)} places; name one to write to")
        if is_hub(location):
            raise OutputError(
                f"{location}: outputs are local files or objects of a store; write a file, and "
                "upload it (hf upload)"
            )
        place = place_of(files)
        if place.kind == "http":
            raise OutputError(
                f"{location}: outputs are local files or objects of a store, not of a web server; "
                "write a file, and upload it"
            )
        self._store, self._path = place.store, PurePosixPath(place.path)
        self._kind = place.kind
        if not self._path.name or place.path.endswith("/") or is_pattern(place.path):
            raise OutputError(f"{location}: the URL names no file to write; end it in one")
        self._folder = place.url("/".join(self._path.parent.parts)).rstrip("/")

    @property
    def name(self) -> Path:
        """The name of the file, which says its format."""
        return Path(self._path.name)

    def url(self, name: str) -> str:
        """Return the URL of an object beside this one, or of this one."""
        return f"{self._folder}/{name}"

    def check(self, inputs: Sequence[ToldObject], *, overwrite: bool) -> None:
        """Raise an error if the object is an input, or is there and may not be replaced."""
        url = self.url(self._path.name)
        if url in (told[0] for told in inputs):
            raise OutputError(f"{url}: the sample is read from it; write to another name")
        if not overwrite and self._is_there(self._path):
            raise OutputError(f"{url}: the object exists; overwrite=True replaces it")

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Make a folder for what is going to be uploaded, and remove it afterwards."""
        with tempfile.TemporaryDirectory(prefix="fastsample-") as folder:
            yield Path(folder) / self._path.name

    def upload(self, folder: Path, *, overwrite: bool, progress: Callback | None) -> None:
        """Put all files of a folder into the store: each appears whole, and manifests come last."""
        files = sorted(folder.iterdir(), key=lambda file: (file.name.endswith(_MANIFEST), file))
        total, before = sum(file.stat().st_size for file in files), 0
        for file in files:
            self._put(file, before, total, overwrite, progress)
            before += file.stat().st_size

    def _put(
        self, file: Path, before: int, total: int, overwrite: bool, progress: Callback | None
    ) -> None:
        import obstore

        path, size = str(self._path.parent / file.name), file.stat().st_size
        if not overwrite and size > _SINGLE and self._is_there(PurePosixPath(path)):
            raise OutputError(
                f"{self.url(file.name)}: the object exists; overwrite=True replaces it"
            )
        options: dict[str, Any] = {"chunk_size": _CHUNK}
        if size <= _SINGLE:
            options |= {"use_multipart": False, "mode": "overwrite" if overwrite else "create"}
        try:
            chunks = _chunks(file, before, total, progress)
            data = b"".join(chunks) if size <= _SINGLE else chunks
            obstore.put(self._store, path, data, **options)
        except Exception as error:
            raise self._failure(file.name, error) from None

    def _is_there(self, path: PurePosixPath) -> bool:
        import obstore

        try:
            obstore.head(self._store, str(path))
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._failure(path.name, error) from None
        return True

    def _failure(self, name: str, error: BaseException) -> OutputError:
        url = self.url(name)
        if type(error).__name__ == "AlreadyExistsError":
            return OutputError(f"{url}: the object exists; overwrite=True replaces it")
        return OutputError(f"{url}: cannot write: {why_not(url, self._kind, error)}")


def _chunks(file: Path, before: int, total: int, progress: Callback | None) -> Iterator[bytes]:
    """Yield the bytes of a file, and say how much of all has been read."""
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            before += len(chunk)
            yield chunk
            if progress is not None:
                progress(before, total)


def destination(name: str, value: object) -> Path | Destination:
    """Return where to write: a path, or an object of a store by its URL or with its options."""
    if isinstance(value, RemoteFiles):
        return Destination(name, value)
    if isinstance(value, str) and is_url(value):
        return Destination(name, RemoteFiles(value))
    return output_path(name, value)


def file_name(target: Path | Destination) -> Path:
    """Return the name that says the format of an output."""
    return target.name if isinstance(target, Destination) else target
