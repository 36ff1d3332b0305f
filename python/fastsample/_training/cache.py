"""A sample as one file for all processes: written once, mapped by each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import output_path
from fastsample.errors import OutputError

if TYPE_CHECKING:
    from fastsample._progress import Callback

#: Part of every key: another layout of the file gets another name.
_LAYOUT = b"fastsample cache 1"


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
    if not native.paths:
        return _by_content(native, folder, progress)
    path = folder / f"{_key(native)}.arrow"
    if again:
        _write(native, path, progress)
    else:
        once(path, lambda: _write(native, path, progress))
    return path


def once(path: Path, write: Callable[[], object]) -> None:
    """Call `write`, which creates `path`, unless it is there: in one process at a time.

    Once the file is there, the lock has nothing to guard: whoever still holds or gets it sees the
    file. So it is removed, also the one of a process that was killed.
    """
    name = path.with_name(f"{path.name}.lock")
    if not path.exists():
        # Imported where it is needed: it takes longer than the rest of the package.
        from filelock import FileLock

        lock = FileLock(name)
        try:
            lock.acquire()
        except (OSError, NotImplementedError):
            # The lock is another user's, the file system has none, or the folder can't be written.
            # The file appears whole without a lock, too: at worst several processes write it. If
            # it can't be written, `write` says so.
            write()
            return
        try:
            if not path.exists():
                write()
        finally:
            # What can't be unlocked is unlocked when the process ends.
            with suppress(OSError):
                lock.release()
    # Where another user made it, it stays.
    with suppress(OSError):
        name.unlink(missing_ok=True)


def _key(native: _fastsample.Sample) -> str:
    """Name the rows: the files they come from, as they are now, the columns, which rows."""
    import pyarrow as pa

    digest = hashlib.blake2b(_LAYOUT, digest_size=16)
    for path in native.paths:
        found = path.stat()
        digest.update(os.fsencode(path.absolute()))
        digest.update(f"\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    digest.update(pa.schema(native.schema).serialize())
    digest.update(pa.array(native.row_ids()).to_numpy())
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
    written = _fastsample.write_ipc(
        [native],
        [path],
        compression="none",
        stream=True,
        shuffle=False,
        shards=1,
        overwrite=True,
        memory_limit=None,
        progress=progress,
        name_by_content=name_by_content,
    )
    return written[0][0][0][0]
