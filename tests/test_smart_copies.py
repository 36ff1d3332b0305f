"""Smart sampling thins out copies and near-copies, at full size."""

import fastsample
import numpy as np
import pyarrow as pa
import pytest

CHARS = 200
UNIQUE, CLUSTERS, SIZE = 100_000, 10_000, 20
N = 90_000


def planted(share: float) -> tuple[pa.Table, np.ndarray]:
    """Return unique rows and clusters of (near-)copies, shuffled; and each row's item.

    A near-copy is its cluster's first row with a share of the characters replaced.
    """
    rng = np.random.default_rng(5)
    codes = rng.integers(0x4E00, 0x4E00 + 8000, (UNIQUE + CLUSTERS, CHARS), dtype=np.uint32)
    items = np.concatenate([np.arange(UNIQUE), np.repeat(np.arange(UNIQUE, len(codes)), SIZE)])
    rows = codes[items]
    copies = np.flatnonzero(items[:-1] == items[1:]) + 1
    edits = round(CHARS * share)
    places = rng.random((len(copies), CHARS)).argsort(axis=1)[:, :edits]
    rows[copies[:, None], places] = rng.integers(0x4E00, 0x4E00 + 8000, places.shape)
    order = rng.permutation(len(rows))
    # Every character here takes three bytes in UTF-8.
    text = rows[order].tobytes().decode("utf-32-le").encode()
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * CHARS * 3
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return (
        pa.table({"text": pa.Array.from_buffers(pa.large_string(), len(rows), buffers)}),
        items[order],
    )


@pytest.mark.parametrize(
    ("share", "least"), [(0.0, 85_000), (0.01, 80_000), (0.03, 62_000), (0.05, 50_000)]
)
def test_a_smart_draw_has_many_distinct_items(share: float, least: int) -> None:
    """Of 90,000 rows drawn at random, 39,992 are distinct items in expectation."""
    table, items = planted(share)
    drawn = fastsample.sample(table, N, smart=True).row_ids
    assert len(np.unique(items[drawn])) >= least
    at_random = fastsample.sample(table, N).row_ids
    assert len(np.unique(items[at_random])) < 41_000
