"""Pickled samples: a path and what the draw did, whatever the number of rows."""

from __future__ import annotations

import pickle
from pathlib import Path

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import pairs, stream

EMPTY = pa.table({"text": pa.array([], pa.string()), "other": pa.array([], pa.string())})


def things() -> dict[str, fastsample.Sample]:
    """Return a sample of each kind, with rows and without."""
    table = pairs(300)
    sides = fastsample.split(table, {"train": 200, "valid": 50})
    return {
        "plain": fastsample.sample(table, 100, seed=7),
        "stream": fastsample.sample(stream(table), 100, seed=7),
        "smart": fastsample.sample(table, 100, seed=7, smart=True, weights=True),
        "side": sides["train"],
        "scores": fastsample.score(table),
        "scores without rows": fastsample.score(EMPTY),
        "all rows": fastsample.sample(table, 300, seed=7),
    }


@pytest.mark.parametrize("kind", list(things()))
def test_a_pickled_sample_is_the_same(kind: str, tmp_path: Path) -> None:
    drawn = things()[kind]
    again = pickle.loads(pickle.dumps(drawn))
    assert type(again) is type(drawn)
    assert len(again) == len(drawn)
    assert again.report == drawn.report
    assert again.schema.equals(drawn.schema)
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    assert again.to_arrow().equals(drawn.to_arrow())
    assert again[:] == drawn[:]
    # A pickle of a pickle, too.
    assert pickle.loads(pickle.dumps(again)).to_arrow().equals(drawn.to_arrow())
    # As a dataset.
    cached = again.cache(tmp_path / "cache")
    assert len(cached) == len(drawn)
    assert cached.to_arrow().equals(drawn.to_arrow())
    assert pickle.loads(pickle.dumps(cached))[:] == drawn[:]
    # Shuffled, by the same seed.
    for name, rows in (("before", drawn), ("after", again)):
        rows.write_parquet(tmp_path / f"{name}.parquet", shuffle=True)
        rows.write_ipc(tmp_path / f"{name}.arrow")
    before, after = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("before", "after"))
    assert after.equals(before)
    assert (tmp_path / "after.arrow").read_bytes() == (tmp_path / "before.arrow").read_bytes()


def test_a_pickled_sample_keeps_its_text_columns(tmp_path: Path) -> None:
    texts = {"text": [f"第{i}句话" for i in range(90)], "kind": ["甲类", "甲类", "乙类"] * 30}
    drawn = fastsample.sample(pa.table(texts), 60, smart=True, text_columns=["kind"])
    again = pickle.loads(pickle.dumps(drawn))
    written = [some.write_parquet(tmp_path / "out.parquet") for some in (drawn, again)]
    assert list(written[0].mean_chars) == ["kind"]
    assert written[1].mean_chars == written[0].mean_chars
    assert written[1].copies == written[0].copies == 58


def test_scores_of_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    pq.write_table(EMPTY, path)
    scores = pickle.loads(pickle.dumps(fastsample.score(path)))
    assert (len(scores), scores[:], scores.row_ids.tolist()) == (0, [], [])
    with pytest.raises(fastsample.OutputError, match="it is the input"):
        scores.write_parquet(path)
