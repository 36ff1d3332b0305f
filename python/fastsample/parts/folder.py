"""Folders that parts are written into: of this machine, or in a store."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from fastsample import _fastsample
from fastsample._committed import MANIFEST, STAGING, parsed, read_manifest
from fastsample._destination import StoredFolder, destination_folder
from fastsample._files import write_text
from fastsample.errors import CorruptDataError, OutputError, SourceNotFoundError


class Folder(ABC):
    """A folder with the files of an output; names are relative to it.

    `path` is the folder, or its name in a store, `url` that of a store.
    """

    path: Path
    url: str | None = None

    @abstractmethod
    def place(self, name: str) -> str:
        """Return the path or the URL of a file, or of the folder without a name."""

    @abstractmethod
    def writing(self, name: str) -> AbstractContextManager[Path]:
        """Give the path to write a file to; it is in the folder when the context ends."""

    @abstractmethod
    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, None if there is none."""

    @abstractmethod
    def write_manifest(self, text: str) -> None:
        """Write the manifest, whole."""

    @abstractmethod
    def refuse_others(self, ours: set[str]) -> None:
        """Refuse data files that readers would take for a part of the output."""

    @abstractmethod
    def sweep(self, old: Sequence[str]) -> None:
        """Remove files of an earlier output, and what was not published."""

    @abstractmethod
    def _size(self, name: str) -> int | None: ...

    @abstractmethod
    def _rename(self, name: str, new: str) -> None: ...

    def publish(self, staged: str, name: str, size: int) -> None:
        """Give a file that was written its name, unless it has it already."""
        found = self._size(staged)
        if found is not None:
            if found != size:
                raise CorruptDataError(
                    f"{self.place(staged)}: the file has another size than when it was written; "
                    "write the part again"
                )
            self._rename(staged, name)
        elif self._size(name) != size:
            raise SourceNotFoundError(
                f"{self.place(staged)}: the file is not there; all processes have to see the "
                "folder, and a part whose file was lost has to be written again"
            )


def _other(place: str) -> OutputError:
    return OutputError(
        f"{place}: the folder of the output holds other data files, which readers would take for a "
        "part of it; choose a folder of its own"
    )


class LocalFolder(Folder):
    """A folder that all processes see."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def place(self, name: str) -> str:
        """Return the path of a file."""
        return str(self.path / name)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give the path of a file, whose folder is made."""
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path.parent}: cannot write: {error.strerror}") from None
        yield path

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, whose files are there."""
        return read_manifest(self.path)

    def write_manifest(self, text: str) -> None:
        """Write the manifest."""
        write_text(self.path / MANIFEST, text)

    def refuse_others(self, ours: set[str]) -> None:
        """Refuse other data files in the folder, and below."""
        try:
            found, _ = _fastsample.find_files([self.path])
        except SourceNotFoundError:
            return
        others = [path for path in found if path.parent != self.path or path.name not in ours]
        if others:
            raise _other(str(others[0]))

    def sweep(self, old: Sequence[str]) -> None:
        """Remove earlier files."""
        for name in old:
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / STAGING, ignore_errors=True)

    def _size(self, name: str) -> int | None:
        path = self.path / name
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError(f"{path}: cannot write: {error.strerror}") from None

    def _rename(self, name: str, new: str) -> None:
        try:
            os.replace(self.path / name, self.path / new)  # noqa: PTH105
        except OSError as error:
            raise OutputError(f"{self.path / new}: cannot write: {error.strerror}") from None


class RemoteFolder(Folder):
    """A folder in a store. Files are made in a temporary folder, and uploaded."""

    def __init__(self, stored: StoredFolder) -> None:
        self._stored, self.url = stored, stored.url()
        self.path = Path(stored.url().rpartition("/")[2])

    def place(self, name: str) -> str:
        """Return the URL of an object."""
        return self._stored.url(name)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give the path of a temporary file, and upload that."""
        with tempfile.TemporaryDirectory(prefix="fastsample-") as folder:
            path = Path(folder) / Path(name).name
            yield path
            self._stored.put(path, name)

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest."""
        text = self._stored.text(MANIFEST)
        return None if text is None else parsed(self.place(MANIFEST), text)

    def write_manifest(self, text: str) -> None:
        """Put the manifest."""
        self._stored.put_text(MANIFEST, text)

    def refuse_others(self, ours: set[str]) -> None:
        """Refuse other data files in the folder, and below."""
        names = [name for name in self._stored.names() if name not in ours]
        if not names:
            return
        chosen, _ = _fastsample.choose_names("", names)
        if chosen:
            raise _other(self.place(names[chosen[0]]))

    def sweep(self, old: Sequence[str]) -> None:
        """Remove earlier objects."""
        begun = [name for name in self._stored.names() if name.startswith(f"{STAGING}/")]
        self._stored.remove([*old, *begun])

    def _size(self, name: str) -> int | None:
        return self._stored.size(name)

    def _rename(self, name: str, new: str) -> None:
        self._stored.rename(name, new)


def folder_of(value: object) -> Folder:
    """Return the folder that a path, a URL or files of a store name."""
    found = destination_folder("folder", value)
    return RemoteFolder(found) if isinstance(found, StoredFolder) else LocalFolder(found)
