"""Outputs in object stores: written to a folder of this machine, and then put there whole.

::

    draw ─▶ files in a temporary folder ─▶ objects, the manifest last
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from fastsample._arguments import output_path
from fastsample._hub import is_hub
from fastsample._progress import Callback as Progress
from fastsample._remote import RemoteFiles, beside, is_url, place_of, why_not
from fastsample._stored import ToldObject, is_pattern
from fastsample.errors import OutputError

#: Bytes that are read and sent at once.
_CHUNK = 8 << 20

#: The largest object that is put by one request, which can be told to replace nothing.
_SINGLE = 64 << 20

#: How the names of manifests end. They come last.
_MANIFEST = ".manifest.json"


_T = TypeVar("_T")


class Destination:
    """An object of a store that is going to be written, or several beside each other."""

    def __init__(self, name: str, files: RemoteFiles) -> None:
        location = _only(name, files)
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
        self.store, self.path = place.store, PurePosixPath(place.path)
        self._kind = place.kind
        if not self.path.name or place.path.endswith("/") or is_pattern(place.path):
            raise OutputError(f"{location}: the URL names no file to write; end it in one")
        self._folder = place.url("/".join(self.path.parent.parts)).rstrip("/")

    @property
    def name(self) -> Path:
        """The name of the file, which says its format."""
        return Path(self.path.name)

    def url(self, name: str) -> str:
        """Return the URL of an object beside this one, or of this one."""
        return f"{self._folder}/{name}"

    def check(self, inputs: Sequence[ToldObject], *, overwrite: bool) -> None:
        """Raise an error if the object is an input, or is there and may not be replaced."""
        url = self.url(self.path.name)
        if url in (told[0] for told in inputs):
            raise OutputError(f"{url}: the sample is read from it; write to another name")
        if not overwrite and self.is_there(self.path):
            raise OutputError(f"{url}: the object exists; overwrite=True replaces it")

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Make a folder for what is going to be uploaded, and remove it afterwards."""
        with tempfile.TemporaryDirectory(prefix="fastsample-") as folder:
            yield Path(folder) / self.path.name

    def upload(self, folder: Path, *, overwrite: bool, progress: Progress | None) -> None:
        """Put all files of a folder into the store: each appears whole, and manifests come last."""
        files = sorted(folder.iterdir(), key=lambda file: (file.name.endswith(_MANIFEST), file))
        total, before = sum(file.stat().st_size for file in files), 0
        for file in files:

            def told(done: int, before: int = before) -> None:
                if progress is not None:
                    progress(before + done, total)

            self.put(file, file.name, overwrite=overwrite, told=told)
            before += file.stat().st_size

    def put(
        self,
        file: Path,
        name: str,
        *,
        overwrite: bool,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Put a file beside this object under a name; `told` gets the bytes that were read."""
        import obstore

        path, size = self.path.parent / name, file.stat().st_size
        if not overwrite and size > _SINGLE and self.is_there(path):
            raise OutputError(f"{self.url(name)}: the object exists; overwrite=True replaces it")
        options: dict[str, Any] = {"chunk_size": _CHUNK}
        if size <= _SINGLE:
            options |= {"use_multipart": False, "mode": "overwrite" if overwrite else "create"}
        try:
            chunks = _chunks(file, told)
            data = b"".join(chunks) if size <= _SINGLE else chunks
            obstore.put(self.store, str(path), data, **options)
        except Exception as error:
            raise self.failure(name, error) from None

    def is_there(self, path: PurePosixPath) -> bool:
        """Return whether there is an object of this path."""
        import obstore

        try:
            obstore.head(self.store, str(path))
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self.failure(path.name, error) from None
        return True

    def failure(self, name: str, error: BaseException) -> OutputError:
        """Return the error of an object beside this one that an error of obstore stands for."""
        url = self.url(name)
        if type(error).__name__ == "AlreadyExistsError":
            return OutputError(f"{url}: the object exists; overwrite=True replaces it")
        return OutputError(f"{url}: cannot write: {why_not(url, self._kind, error)}")


class StoredFolder:
    """A folder of a store, in which several objects are written."""

    def __init__(self, name: str, files: RemoteFiles) -> None:
        location = _only(name, files).rstrip("/")
        self._object = Destination(name, beside(files, f"{location}/{_ANY}"))
        self._store, self._path = self._object.store, self._object.path.parent

    def url(self, name: str = "") -> str:
        """Return the URL of an object in the folder, or of the folder."""
        return self._object.url(name).rstrip("/")

    def put(self, name: str, file: Path) -> None:
        """Put a file into the folder under a name, whole."""
        self._object.put(file, name, overwrite=True)

    def put_text(self, name: str, text: str) -> None:
        """Put a text into the folder under a name, whole."""
        self._try(name, lambda obstore, path: obstore.put(self._store, path, text.encode()))

    def text(self, name: str) -> str | None:
        """Return the text of an object, None if there is none."""
        try:
            return self._try(
                name, lambda obstore, path: bytes(obstore.get(self._store, path).bytes()).decode()
            )
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        """Return the size of an object, None if there is none."""
        try:
            return self._try(
                name, lambda obstore, path: int(obstore.head(self._store, path)["size"])
            )
        except FileNotFoundError:
            return None

    def rename(self, name: str, new: str) -> None:
        """Give an object another name: the store copies and removes it."""
        to = str(self._path / new)
        self._try(name, lambda obstore, path: obstore.rename(self._store, path, to))

    def names(self) -> list[str]:
        """Return the names of all objects in the folder and below, relative to it."""

        def listed(obstore: Any, path: str) -> list[str]:
            chunks = obstore.list(self._store, prefix=path)
            return [str(meta["path"]) for chunk in chunks for meta in chunk]

        found = self._try("", listed)
        return [str(PurePosixPath(path).relative_to(self._path)) for path in found]

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, as far as they are there."""
        for name in names:
            with suppress(FileNotFoundError):
                self._try(name, lambda obstore, path: obstore.delete(self._store, path))

    def _try(self, name: str, call: Callable[[Any, str], _T]) -> _T:
        """Call obstore with the path of a name; its errors but a missing file are ours."""
        import obstore

        try:
            return call(obstore, str(self._path / name))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._object.failure(name, error) from None


#: The name of an object that stands for any in its folder.
_ANY = "object"


def _only(name: str, files: RemoteFiles) -> str:
    """Return the location of files that is the only one."""
    if len(files._locations) > 1:
        raise OutputError(f"{name} names {len(files._locations)} places; name one to write to")
    return files._locations[0]


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
    if isinstance(value, RemoteFiles):
        return Destination(name, value)
    if isinstance(value, str) and is_url(value):
        return Destination(name, RemoteFiles(value))
    return output_path(name, value)


def destination_folder(name: str, value: object) -> Path | StoredFolder:
    """Return the folder to write to, of this machine or in a store."""
    if isinstance(value, RemoteFiles):
        return StoredFolder(name, value)
    if isinstance(value, str) and is_url(value):
        return StoredFolder(name, RemoteFiles(value))
    return output_path(name, value)


def file_name(target: Path | Destination) -> Path:
    """Return the name that says the format of an output."""
    return target.name if isinstance(target, Destination) else target
