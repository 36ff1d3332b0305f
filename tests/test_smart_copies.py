"""Smart sampling thins out copies and near-copies, at full size."""

from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import texts

CHARS = 200
UNIQUE, CLUSTERS, SIZE = 100_000, 10_000, 20
N = 90_000


def planted(
    share: float, unique: int = UNIQUE, clusters: int = CLUSTERS, size: int = SIZE
) -> tuple[pa.Table, np.ndarray]:
    """Return unique rows and clusters of (near-)copies, shuffled; and each row's item.

    A near-copy is its cluster's first row with a share of the characters replaced.
    """
    rng = np.random.default_rng(5)
    codes = rng.integers(0x4E00, 0x4E00 + 8000, (unique + clusters, CHARS), dtype=np.uint32)
    items = np.concatenate([np.arange(unique), np.repeat(np.arange(unique, len(codes)), size)])
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


OFF = fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0)


@pytest.mark.parametrize(
    "rule", [True, "entropy", fastsample.Smart(duplicates=0), OFF], ids=["smart", "e", "d", "off"]
)
def test_the_report_counts_copies_whatever_the_rule(rule: Any) -> None:
    """Of 300 rows, 240 are copies; two columns count together, and nulls as empty texts."""
    rng = np.random.default_rng(3)
    lines = [line for line in texts(90, 60, rng) if len(line) > 10][:60]
    rows = rng.permutation(np.repeat(np.arange(60), 5))
    prompts = [lines[row] for row in rows]
    answers = [None if row % 7 == 0 else lines[row % 5] for row in rows]
    table = pa.table({"prompt": prompts, "response": pa.array(answers, pa.string())})

    def copies(ids: Any) -> int:
        return len(ids) - len({(prompts[row], answers[row] or "") for row in ids})

    assert copies(range(300)) == 240
    for n in (40, 59, 61, 120, 300):
        drawn = fastsample.sample(table, n, smart=rule)
        found = drawn.report.smart
        assert found is not None
        assert (found.copies, found.copies_drawn) == (240, copies(drawn.row_ids))
        assert f"240 ({found.copies_drawn} drawn)" in str(drawn.report)
        assert any("copies were drawn" in note for note in found.notes) == (found.copies_drawn > 0)
        if rule is True:
            assert found.copies_drawn == max(0, n - 60)
        # What nobody looked for is not said to be none.
        looked = rule is True or rule == fastsample.Smart(duplicates=0)
        assert (found.near_duplicates is not None) == looked
        assert ("near-duplicates" in str(drawn.report)) == looked
        lengths = sorted(len(prompts[row] + (answers[row] or "")) for row in drawn.row_ids)
        assert (found.chars_after[0.0], found.chars_after[1.0]) == (lengths[0], lengths[-1])


@pytest.mark.parametrize("rule", ["entropy", True])
def test_epochs_count_their_own_copies(rule: Any) -> None:
    table = pa.table({"text": [f"第{i % 20}句话，{'说来' * (i % 20)}话长" for i in range(100)]})
    for epoch in list(fastsample.epochs(table, 25, smart=rule)):
        found = epoch.report.smart
        assert found is not None
        distinct = len(set(epoch.to_arrow()["text"].to_pylist()))
        assert (found.copies, found.copies_drawn) == (80, 25 - distinct)


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05, 0.1])
def test_rows_of_one_template_are_kept(share: float) -> None:
    """Of 10,000 near-copies, 1 / c alone would leave a row or two."""
    table, items = planted(share, unique=50_000, clusters=1, size=10_000)
    family = items == 50_000
    # A shingle of three characters is the same in two rows if none of its six was edited.
    shared = (1 - share) ** 6
    similarity = shared / (2 - shared)
    own = (1 - similarity) / (1 + similarity)
    scores = fastsample.score(table).to_arrow()
    found = scores["novelty"].to_numpy(zero_copy_only=False)
    # Too high, by up to a half, for rows of which few bands match those of others.
    assert 0.9 * own < np.nanmedian(found[family]) < 1.5 * own
    assert np.isnan(found[~family]).all()
    weights = scores["weight"].to_numpy()
    # A quarter is enough to count like any other row, less counts by its cube.
    asked = np.flatnonzero(~np.isnan(found))
    kept = np.minimum(1, found[asked] / 0.25) ** 3
    assert weights[asked].mean() == pytest.approx(kept.mean() * np.median(weights), rel=0.02)
    drawn = fastsample.sample(table, 10_000, smart=True).row_ids
    expected = 10_000 * weights[family].sum() / weights.sum()
    # Five standard deviations of a count.
    assert abs(family[drawn].sum() - expected) < 5 * np.sqrt(expected)
