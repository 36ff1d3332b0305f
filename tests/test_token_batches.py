"""Batches of token ids: a plain NumPy oracle, the collators of transformers, loaders."""

import pickle
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from data import pairs
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers_made import make

Ids = npt.NDArray[Any]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("unigram", tmp_path_factory.mktemp("model") / "tokenizer.json")


@pytest.fixture(scope="module")
def two(tokenizer: Path) -> fastsample.TokenDataset:
    return fastsample.sample(pairs(500, seed=2), 500).cache(tokenizer=tokenizer, max_tokens=40)


@pytest.fixture(scope="module")
def one(tokenizer: Path) -> fastsample.TokenDataset:
    table = pairs(500, seed=3).select(["prompt"])
    table = pa.concat_tables([table, pa.table({"prompt": pa.array([None], pa.string())})])
    return fastsample.sample(table, 501).cache(tokenizer=tokenizer, special_tokens=False)


def matrix(rows: list[Ids], fill: int, side: str, multiple: int) -> Ids:
    """Pad rows the plain way."""
    width = -(-max(map(len, rows), default=0) // multiple) * multiple
    made = np.full((len(rows), width), fill, np.int64)
    for line, ids in zip(made, rows, strict=True):
        start = 0 if side == "right" else width - len(ids)
        line[start : start + len(ids)] = ids
    return made


@settings(deadline=None, max_examples=40)
@given(
    places=st.lists(st.integers(0, 499), min_size=1, max_size=24),
    pad_id=st.integers(0, 2**32 - 1),
    side=st.sampled_from(["right", "left"]),
    multiple=st.none() | st.integers(1, 64),
    own=st.booleans(),
)
def test_padded_batches_are_those_of_numpy(
    one: fastsample.TokenDataset,
    two: fastsample.TokenDataset,
    places: list[int],
    pad_id: int,
    side: Any,
    multiple: int | None,
    own: bool,
) -> None:
    rows = two if own else one
    collate = rows.collator(
        pad_id=pad_id, padding_side=side, pad_to_multiple_of=multiple, return_tensors="np"
    )
    ids: list[Ids] = [rows[i]["input_ids"] for i in places]
    labels: list[Ids] = [rows[i]["labels"] for i in places] if own else ids
    expected = {
        "input_ids": matrix(ids, pad_id, side, multiple or 1),
        "attention_mask": matrix([np.ones(len(row)) for row in ids], 0, side, multiple or 1),
        "labels": matrix(labels, -100, side, multiple or 1),
    }
    # A batch of a loader, and rows that somebody took out of it.
    for batch in (rows.__getitems__(places), [rows[i] for i in places]):
        found = collate(batch)
        assert list(found) == list(expected)
        for name, made in found.items():
            assert made.dtype == np.int64
            assert made.flags.writeable
            assert made.tolist() == expected[name].tolist()


@settings(deadline=None, max_examples=40)
@given(places=st.lists(st.integers(0, 500), min_size=1, max_size=24))
def test_packs_are_those_of_numpy(one: fastsample.TokenDataset, places: list[int]) -> None:
    collate = one.collator(packed=True, return_flash_attn_kwargs=True, return_tensors="np")
    found = collate(one.__getitems__(places))
    ids = [one[i]["input_ids"].astype(np.int64) for i in places]
    ends = np.cumsum([0, *map(len, ids)])
    labels = [np.concatenate([[-100], row[1:]])[: len(row)] for row in ids]
    assert found["input_ids"].tolist() == [np.concatenate(ids).tolist()]
    assert found["labels"].tolist() == [np.concatenate(labels).tolist()]
    assert found["position_ids"].tolist() == [[i for row in ids for i in range(len(row))]]
    for side in ("q", "k"):
        assert found[f"cu_seq_lens_{side}"].dtype == np.int32
        assert found[f"cu_seq_lens_{side}"].tolist() == ends.tolist()
        assert found[f"max_length_{side}"] == max(map(len, ids))
    plain = one.collator(packed=True, return_tensors="np")(one.__getitems__(places))
    assert list(plain) == ["input_ids", "labels", "position_ids"]


def test_samplers_take_lengths_from_the_file(one: fastsample.TokenDataset) -> None:
    by_hand = fastsample.PackedBatchSampler(one.lengths(), 300, seed=1)
    packs = fastsample.PackedBatchSampler(one, 300, seed=1)
    assert list(packs) == list(by_hand)
    batches = list(fastsample.LengthBatchSampler(one, 24, seed=1))
    assert batches == list(fastsample.LengthBatchSampler(one.lengths(), 24, seed=1))
    # The state belongs to the file: one of the same lengths is refused.
    with pytest.raises(fastsample.ArgumentError, match="saved with data"):
        by_hand.load_state_dict(packs.state_dict())
    rows = fastsample.ResumableSampler(one, seed=1)
    assert rows.state_dict()["data"] == one.fingerprint


def test_options_that_do_not_fit(
    one: fastsample.TokenDataset, two: fastsample.TokenDataset, tmp_path: Path
) -> None:
    with pytest.raises(fastsample.ArgumentError, match="leave out pad_to_multiple_of or packed"):
        one.collator(packed=True, pad_to_multiple_of=8)
    with pytest.raises(fastsample.ArgumentError, match="is for packs; pass packed=True"):
        one.collator(return_flash_attn_kwargs=True)
    with pytest.raises(fastsample.SourceTypeError, match="can't be laid end to end"):
        two.collator(packed=True)
    with pytest.raises(fastsample.ArgumentError, match="padding_side is 'top'"):
        one.collator(padding_side="top")  # type: ignore[arg-type]
    with pytest.raises(fastsample.ArgumentError, match="return_tensors is 'tf'"):
        one.collator(return_tensors="tf")  # type: ignore[arg-type]
    path = make("bpe", tmp_path / "tokenizer.json")
    without = fastsample.sample(pairs(5, seed=1), 5).cache(tokenizer=path)
    with pytest.raises(fastsample.ArgumentError, match=r"no pad token.*pass pad_id="):
        without.collator()
    assert without.collator(pad_id=3, return_tensors="np")(without[:2])["input_ids"].max() > 3
    for bad in ([1, 2], [{"x": [1]}], [{"input_ids": ["a"]}], [{"input_ids": [0.5]}]):
        with pytest.raises(fastsample.SourceTypeError, match="pass rows of a TokenDataset"):
            one.collator()(bad)


def test_a_batch_is_a_list_of_rows(one: fastsample.TokenDataset) -> None:
    batch = one.__getitems__([4, 9, 4, -1])
    assert len(batch) == 4
    assert [row["input_ids"].tolist() for row in batch] == [
        one[i]["input_ids"].tolist() for i in (4, 9, 4, 500)
    ]
    assert batch[1]["input_ids"].tolist() == one[9]["input_ids"].tolist()
    assert [row["input_ids"].tolist() for row in batch[1:3]] == [
        one[i]["input_ids"].tolist() for i in (9, 4)
    ]
    assert batch[-1]["input_ids"].tolist() == []
    with pytest.raises(IndexError):
        batch[4]
    with pytest.raises(IndexError, match="row 501"):
        one.__getitems__([501])
    again = pickle.loads(pickle.dumps(one.collator(pad_id=7, return_tensors="np")))
    assert again(batch)["input_ids"][3].tolist() == [7] * len(again(batch)["input_ids"][0])
