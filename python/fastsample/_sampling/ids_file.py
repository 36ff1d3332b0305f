"""The row ids of a pickled sample: a NumPy file beside its rows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample._files import write_files
from fastsample.errors import SourceNotFoundError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def save_ids(path: Path, ids: npt.NDArray[np.uint64]) -> None:
    """Write row ids to a file, whole or not at all."""
    import numpy as np

    file = io.BytesIO()
    np.save(file, ids)
    write_files({path: file.getvalue()})


def load_ids(path: Path) -> npt.NDArray[np.uint64]:
    """Read the row ids that :func:`save_ids` wrote."""
    import numpy as np

    try:
        ids: npt.NDArray[np.uint64] = np.load(path)
    except FileNotFoundError:
        raise SourceNotFoundError(f"{path}: no such file; it may have been removed") from None
    except (OSError, ValueError, EOFError) as error:
        raise SourceTypeError(
            f"{path}: it holds no row ids ({error}); remove it, and pickle the sample again"
        ) from None
    return ids
