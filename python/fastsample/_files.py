"""Small files, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fastsample.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    try:
        number, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
            Path(scratch).chmod(0o666 & ~_umask())
            Path(scratch).replace(path)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
