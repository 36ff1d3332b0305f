"""Outputs in object stores: written to a folder of this machine, and then put there whole.

::

    draw ─▶ files in a temporary folder ─▶ objects, the manifest last
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from fastsample._arguments import output_path
from fastsample._hub import is_hub
from fastsample._progress import Callback as Progress
from fastsample._remote import Place, RemoteFiles, is_url, place_of, why_not
from fastsample._stored import ToldObject, is_pattern
from fastsample.errors import OutputError

#: Bytes that are read and sent at once.
_CHUNK = 8 << 20

#: The largest object that is put by one request, which can be told to replace nothing.
_SINGLE = 64 << 20

#: How the names of manifests end. They come last.
_MANIFEST = ".manifest.json"


_T = TypeVar("_T")


class StoredFolder:
    """A folder of a store, in which objects are written; their names are relative to it."""

    def __init__(self, place: Place, path: PurePosixPath) -> None:
        self._store, self._path, self._kind = place.store, path, place.kind
        self._url = place.url("/".join(path.parts))

    def url(self, name: str = "") -> str:
        """Return the URL of an object in the folder, or of the folder."""
        return f"{self._url}/{name}" if name else self._url

    def put(
        self,
        file: Path,
        name: str,
        *,
        overwrite: bool = True,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Put a file into the folder under a name, whole; `told` gets the bytes that were read."""
        chunks = _chunks(file, told)
        if file.stat().st_size <= _SINGLE:
            mode = "overwrite" if overwrite else "create"
            self._put(name, b"".join(chunks), use_multipart=False, mode=mode)
            return
        if not overwrite and self.size(name) is not None:
            raise self.exists(name)
        self._put(name, chunks, chunk_size=_CHUNK)

    def put_text(self, name: str, text: str) -> None:
        """Put a text into the folder under a name, whole."""
        self._put(name, text.encode())

    def text(self, name: str) -> str | None:
        """Return the text of an object, None if there is none."""
        found = self._if_there(name, lambda obstore, path: obstore.get(self._store, path).bytes())
        return None if found is None else bytes(found).decode()

    def size(self, name: str) -> int | None:
        """Return the size of an object, None if there is none."""
        found = self._if_there(name, lambda obstore, path: obstore.head(self._store, path))
        return None if found is None else int(found["size"])

    def rename(self, name: str, new: str) -> None:
        """Give an object another name: the store copies and removes it."""
        to = str(self._path / new)
        self._try(name, lambda obstore, path: obstore.rename(self._store, path, to))

    def names(self) -> list[str]:
        """Return the names of all objects in the folder and below."""
        prefix = str(self._path) if self._path.parts else None

        def listed(obstore: Any, _: str) -> list[PurePosixPath]:
            chunks = obstore.list(self._store, prefix=prefix)
            return [PurePosixPath(meta["path"]) for chunk in chunks for meta in chunk]

        return [str(path.relative_to(self._path)) for path in self._try("", listed)]

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, as far as they are there."""
        for name in names:
            self._if_there(name, lambda obstore, path: obstore.delete(self._store, path))

    def exists(self, name: str) -> OutputError:
        """Return the error that says that an object is there and may not be replaced."""
        return OutputError(f"{self.url(name)}: the object exists; overwrite=True replaces it")

    def _put(self, name: str, data: bytes | Iterator[bytes], **options: Any) -> None:
        self._try(name, lambda obstore, path: obstore.put(self._store, path, data, **options))

    def _if_there(self, name: str, call: Callable[[Any, str], _T]) -> _T | None:
        """Call obstore with the path of a name; None if there is no such object."""
        try:
            return self._try(name, call)
        except _MissingError:
            return None

    def _try(self, name: str, call: Callable[[Any, str], _T]) -> _T:
        """Call obstore with the path of a name."""
        import obstore

        try:
            return call(obstore, str(self._path / name))
        except Exception as error:
            if type(error).__name__ == "AlreadyExistsError":
                raise self.exists(name) from None
            kind = _MissingError if isinstance(error, FileNotFoundError) else OutputError
            url = self.url(name)
            why = why_not(url, self._kind, error)
            raise kind(f"{url}: cannot write: {why}") from None


class _MissingError(OutputError):
    """There is no such object, or no such bucket."""


class Destination:
    """An object of a store that is going to be written, or several beside each other."""

    def __init__(self, place: Place) -> None:
        path = PurePosixPath(place.path)
        if not path.name or place.path.endswith("/"):
            raise _no_file(place)
        self._folder, self._name = StoredFolder(place, path.parent), path.name

    @property
    def name(self) -> Path:
        """The name of the file, which says its format."""
        return Path(self._name)

    def url(self, name: str) -> str:
        """Return the URL of an object beside this one, or of this one."""
        return self._folder.url(name)

    def check(self, inputs: Sequence[ToldObject], *, overwrite: bool) -> None:
        """Raise an error if the object is an input, or is there and may not be replaced."""
        url = self.url(self._name)
        if url in (told[0] for told in inputs):
            raise OutputError(f"{url}: the sample is read from it; write to another name")
        if not overwrite and self._folder.size(self._name) is not None:
            raise self._folder.exists(self._name)

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Make a folder for what is going to be uploaded, and remove it afterwards."""
        with tempfile.TemporaryDirectory(prefix="fastsample-") as folder:
            yield Path(folder) / self._name

    def upload(self, folder: Path, *, overwrite: bool, progress: Progress | None) -> None:
        """Put all files of a folder into the store: each appears whole, and manifests come last."""
        files = sorted(folder.iterdir(), key=lambda file: (file.name.endswith(_MANIFEST), file))
        total, before = sum(file.stat().st_size for file in files), 0
        for file in files:

            def told(done: int, before: int = before) -> None:
                if progress is not None:
                    progress(before + done, total)

            self._folder.put(file, file.name, overwrite=overwrite, told=told)
            before += file.stat().st_size


def _chunks(file: Path, told: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the bytes of a file, and tell how many have been read."""
    done = 0
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            done += len(chunk)
            yield chunk
            told(done)


def destination(name: str, value: object) -> Path | Destination:
    """Return where to write: a path, or an object of a store by its URL or with its options."""
    place = _place(name, value)
    return Destination(place) if isinstance(place, Place) else place


def destination_folder(name: str, value: object) -> Path | StoredFolder:
    """Return the folder to write to, of this machine or in a store."""
    place = _place(name, value)
    if isinstance(place, Place):
        return StoredFolder(place, PurePosixPath(place.path.strip("/")))
    return place


def _place(name: str, value: object) -> Path | Place:
    """Return the path that a value is, or the place in a store that can be written to."""
    if isinstance(value, str) and is_url(value):
        value = RemoteFiles(value)
    if not isinstance(value, RemoteFiles):
        return output_path(name, value)
    location, *others = value._locations
    if others:
        raise OutputError(f"{name} names {len(others) + 1} places; name one to write to")
    if is_hub(location):
        raise OutputError(
            f"{location}: outputs are local files or objects of a store; write a file, and "
            "upload it (hf upload)"
        )
    place = place_of(value)
    if place.kind == "http":
        raise OutputError(
            f"{location}: outputs are local files or objects of a store, not of a web server; "
            "write a file, and upload it"
        )
    if is_pattern(place.path):
        raise _no_file(place)
    return place


def _no_file(place: Place) -> OutputError:
    return OutputError(f"{place.url(place.path)}: the URL names no file to write; end it in one")


def file_name(target: Path | Destination) -> Path:
    """Return the name that says the format of an output."""
    return target.name if isinstance(target, Destination) else target
