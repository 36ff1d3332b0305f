"""Cache of a sample: one file for all processes, written once, mapped by each."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import output_path
from fastsample.errors import OutputError, ReadError, SourceNotFoundError

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from fastsample._progress import Callback

#: Part of every key: another layout of the file gets another name.
_LAYOUT = b"fastsample cache 1"

#: How long to wait for another process that writes the same file.
_PATIENCE_SECONDS = 600.0

#: How often a process that waits looks whether it still has to.
_LOOK_SECONDS = 0.5


def cache_folder(folder: str | os.PathLike[str] | None) -> Path:
    """Return the folder for cached samples, which is created if need be."""
    if folder is None:
        folder = os.environ.get("FASTSAMPLE_CACHE") or _user_folder()
    path = output_path("dir", folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot create the folder: {error.strerror}") from None
    return path.absolute()


def _user_folder() -> Path:
    """Return the folder in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(base or Path.home() / ".cache") / "fastsample"
    except RuntimeError as error:
        raise OutputError(f"there is no cache folder ({error}); set FASTSAMPLE_CACHE") from None


def cache_file(
    native: _fastsample.Sample, folder: Path, progress: Callback | None, *, again: bool = False
) -> Path:
    """Return the file that holds the rows of a sample, written by the first who asks for it.

    With `again` it is written even if it is there, because it is damaged.
    """
    if not native.paths and not native.objects:
        return _by_content(native, folder, progress)
    path = folder / f"{_key(native)}.arrow"
    if again:
        _write(native, path, progress)
    else:
        once(path, lambda: _write(native, path, progress))
    return path


def once(path: Path, write: Callable[[], object]) -> None:
    """Call `write`, which creates `path`, unless it is there: in one process at a time.

    The file appears whole without a lock, too: at worst several processes write it. So the lock is
    removed as soon as this call has no use for it, also the one of a process that was killed.
    """
    name = path.with_name(f"{path.name}.lock")
    if _exists(path):
        _remove(name)
        return
    lock = _acquire(name, path)
    try:
        # If it can't be written, `write` says so.
        if not _exists(path):
            write()
    finally:
        if lock is not None or _exists(path):
            _remove(name)
        # What can't be unlocked is unlocked when the process ends.
        if lock is not None:
            with suppress(OSError):
                lock.release()


def _acquire(name: Path, path: Path) -> BaseFileLock | None:
    """Lock `name` while `path` is not there.

    None where there is no such lock (it is another user's, the file system has none, the folder is
    gone or can't be written), where `path` has appeared, or where another process has held the
    lock for very long: it may be stopped.
    """
    # Imported where it is needed: it takes longer than the rest of the package.
    from filelock import FileLock, Timeout

    lock = FileLock(name)
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            lock.acquire(timeout=_LOOK_SECONDS)
        except Timeout:
            # Some versions also wait for a folder that is not there to come back.
            if _exists(path) or not _exists(path.parent):
                return None
        except (OSError, NotImplementedError):
            return None
        else:
            return lock
    return None


def _exists(path: Path) -> bool:
    """Return whether a file is there, and in a folder that this user may look into."""
    try:
        return path.exists()
    except OSError:
        return False


def _remove(lock: Path) -> None:
    """Remove the file of a lock; where another user made it, it stays."""
    with suppress(OSError):
        lock.unlink(missing_ok=True)


def _key(native: _fastsample.Sample) -> str:
    """Name the rows: the files they come from, as they are now, the columns, which rows."""
    import pyarrow as pa

    digest = hashlib.blake2b(_LAYOUT, digest_size=16)
    for path in native.paths:
        try:
            found = path.stat()
        except FileNotFoundError:
            raise SourceNotFoundError(f"{path}: no such file; it may have been removed") from None
        except OSError as error:
            raise ReadError(f"{path}: cannot read: {error.strerror}") from None
        digest.update(os.fsencode(path.absolute()))
        digest.update(f"\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    for url, size, version, *_ in native.objects:
        digest.update(f"{url}\0{size}\0{version}\0".encode())
    digest.update(pa.schema(native.schema).serialize())
    digest.update(pa.array(native.row_ids()).to_numpy())
    if native.sources:  # the column that names the source is made of these
        digest.update(repr(native.sources).encode())
    weights = native.weights()
    if weights is not None:  # the same rows have others under other options
        digest.update(pa.array(weights).to_numpy())
    return digest.hexdigest()


def _by_content(native: _fastsample.Sample, folder: Path, progress: Callback | None) -> Path:
    """Write rows that come from no file, and name the result by what is in it."""
    return _write(native, folder / "rows.arrow", progress, name_by_content=True)


def _write(
    native: _fastsample.Sample,
    path: Path,
    progress: Callback | None,
    *,
    name_by_content: bool = False,
) -> Path:
    written = _fastsample.write(
        [native],
        [path],
        _fastsample.Format.ipc(compression="none", stream=True),
        shuffle=False,
        shards=1,
        overwrite=True,
        memory_limit=None,
        progress=progress,
        name_by_content=name_by_content,
    )
    return written[0][0][0][0]
