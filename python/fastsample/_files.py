"""Small files, written whole or not at all, by the rule for every output of the core.

An output is never an input of the call, a folder, a device or a pipe; links are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from fastsample import _fastsample


def is_there(path: Path, kind: Callable[[Path], bool] = Path.exists) -> bool:
    """Whether there is a file of this kind: ``Path.exists``, ``Path.is_file`` or ``Path.is_dir``.

    There is none where the system can't look the name up, because it is too long, say. What opens
    the file then tells why.
    """
    try:
        return kind(path)
    except OSError:
        return False


def write_text(path: Path, text: str, inputs: Iterable[Path] = ()) -> None:
    """Write a text file."""
    write_files({path: text.encode()}, inputs)


def write_files(
    files: Mapping[Path, bytes], inputs: Iterable[Path] = (), *, overwrite: bool = True
) -> None:
    """Write several files of one folder: all of them appear, or none."""
    _fastsample.write_files(list(files.items()), inputs=list(inputs), overwrite=overwrite)


def check_output(path: Path, inputs: Iterable[Path] = (), *, overwrite: bool = True) -> None:
    """Raise `OutputError` if `path` may not be written, before long work for it begins."""
    _fastsample.check_output(path, inputs=list(inputs), overwrite=overwrite)
