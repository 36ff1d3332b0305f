"""Limits of a plan: of whole rows or by column, in tokens or characters; token counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from commands import run
from data import pairs, write_parquet

STEP: dict[str, Any] = {"batch_size": 16, "seconds_per_step": 1.0}


@pytest.fixture
def rows() -> pa.Table:
    return pairs(1000, seed=3)


def lengths_of(rows: pa.Table) -> dict[str, Any]:
    return {
        name: np.array([len(text or "") for text in rows[name].to_pylist()])
        for name in ("prompt", "response")
    }


def test_columns_that_are_cut_apart(rows: pa.Table, tmp_path: Path) -> None:
    """Against the arithmetic of a trainer that cuts and pads each column by itself."""
    path = write_parquet(rows, tmp_path / "t.parquet")
    limits = {"prompt": 20, "response": 50}
    plan = fastsample.plan(path, **STEP, max_length=limits, limit_in="characters", lengths=True)
    (facts,) = [each for each in plan.lengths if each.columns == limits]
    lengths = lengths_of(rows)
    kept = {name: np.minimum(lengths[name], limit) for name, limit in limits.items()}
    cut = (lengths["prompt"] > 20) | (lengths["response"] > 50)
    assert 0.1 < cut.mean() < 1
    assert facts.limit == 70
    assert facts.cut_rows == pytest.approx(cut.mean())
    total = sum(map(np.sum, lengths.values()))
    assert facts.lost == pytest.approx(1 - sum(map(np.sum, kept.values())) / total)
    assert facts.mean == pytest.approx(sum(map(np.mean, kept.values())))
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 1000, (4000, 16))
    longest = sum(column[drawn].max(axis=1).mean() for column in kept.values())
    assert facts.longest == pytest.approx(longest, rel=0.01)
    order = np.argsort(kept["prompt"] + kept["response"], kind="stable")
    grouped = sum(
        np.mean([column[order[at : at + 16]].max() for at in range(0, 1000, 16)])
        for column in kept.values()
    )
    assert facts.grouped == pytest.approx(grouped)
    assert [each.columns["prompt"] for each in plan.lengths] == [20, 128, 192, 256, 512]
    assert plan.now.max_length == limits
    assert any("cut apart" in sentence for sentence in plan.assumptions)


def test_the_time_goes_with_the_sum_of_the_limits() -> None:
    plan = fastsample.plan(
        1000, **STEP, max_length={"a": 300, "b": 100}, new_max_length={"a": 100, "b": 100},
        fixed_share=0.0, limit_in="characters",
    )  # fmt: skip
    assert plan.wanted is not None
    assert plan.wanted.seconds_per_step == pytest.approx(0.5)
    assert any("in proportion to the characters" in each for each in plan.assumptions)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    pytest.importorskip("tokenizers")
    from tokenizers_made import make

    (tmp_path / "model").mkdir()
    return make("wordpiece", tmp_path / "model" / "tokenizer.json")


def test_tokens_are_counted(rows: pa.Table, tokenizer: Path) -> None:
    whole = fastsample.token_lengths(rows, tokenizer)
    each = {
        name: fastsample.token_lengths(rows, tokenizer, text_columns=[name])
        for name in ("prompt", "response")
    }
    plan = fastsample.plan(rows, **STEP, max_length=128, tokenizer=tokenizer.parent)
    for facts in plan.lengths:
        assert facts.cut_rows == pytest.approx((whole > facts.limit).mean())
    limits = {"prompt": 30, "response": 90}
    plan = fastsample.plan(rows, **STEP, max_length=limits, tokenizer=tokenizer)
    (facts,) = [one for one in plan.lengths if one.columns == limits]
    cut = (each["prompt"] > 30) | (each["response"] > 90)
    assert facts.cut_rows == pytest.approx(cut.mean())
    assert any("tokens are counted" in sentence for sentence in plan.assumptions)
    found = fastsample.inspect(rows, tokenizer=tokenizer)
    assert set(found.tokens) == {"prompt", "response"}
    for name, lengths in found.tokens.items():
        assert lengths.mean == pytest.approx(each[name].mean())
        assert lengths.quantiles[0.5] == np.quantile(each[name], 0.5, method="inverted_cdf")
        assert lengths.nulls == found.text[name].nulls
    assert found.row_tokens is not None
    assert found.row_tokens.max == whole.max()
    assert "Length in tokens" in str(found)
    again = fastsample.plan(found, **STEP, max_length=128)
    assert again.lengths == fastsample.plan(
        rows, **STEP, max_length=128, tokenizer=tokenizer
    ).lengths  # fmt: skip


def test_no_rows_have_no_tokens(tokenizer: Path, rows: pa.Table) -> None:
    found = fastsample.inspect(rows.slice(0, 0), tokenizer=tokenizer)
    assert found.row_tokens is not None
    assert (found.row_tokens.max, found.row_tokens.histogram) == (0, ())


BAD: list[tuple[dict[str, Any], str]] = [
    ({"max_length": {}}, "max_length is empty"),
    ({"max_length": {"a": 0}}, r"max_length\['a'\] is 0"),
    ({"max_length": {"a": 9}, "new_max_length": 5}, "limits of different columns"),
    ({"max_length": {"a": 9}, "new_max_length": {"b": 5}}, "limits of different columns"),
    ({"limit_in": "words"}, "limit_in is 'words'"),
    ({"limit_in": "characters", "chars_per_token": 2.0}, "chars_per_token is for limits in tokens"),
    ({"tokenizer": "t.json", "chars_per_token": 2.0}, "exclude each other"),
    ({"tokenizer": "t.json", "limit_in": "characters"}, "tokenizer is for limits in tokens"),
    ({"gpu_memory": 8.0}, "belong together"),
    ({"gpu_memory": 2.0, "parameters": 10**9, "max_length": 9}, "take 14.9 GiB"),
    ({"recipe": "bold"}, "recipe is 'bold'"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(fastsample.ArgumentError, match=message):
        fastsample.plan(1000, **STEP, **changes)


def test_an_inspection_has_no_rows(rows: pa.Table, tokenizer: Path) -> None:
    found = fastsample.inspect(rows)
    with pytest.raises(fastsample.ArgumentError, match="the data set itself"):
        fastsample.plan(found, **STEP, max_length={"prompt": 9})
    with pytest.raises(fastsample.ArgumentError, match="the data set itself"):
        fastsample.plan(found, **STEP, tokenizer=tokenizer)
    with pytest.raises(fastsample.ArgumentError, match="leave out lengths=False"):
        fastsample.inspect(rows, lengths=False, tokenizer=tokenizer)
    with pytest.raises(fastsample.ColumnError, match='"answer"'):
        fastsample.plan(rows, **STEP, max_length={"answer": 9}, lengths=True)


def test_command_line(rows: pa.Table, tmp_path: Path, tokenizer: Path) -> None:
    path = write_parquet(rows, tmp_path / "t.parquet")
    step = ["--batch-size", 16, "--seconds-per-step", 1]
    apart = ["--max-length", "prompt=20", "--max-length", "response=50"]
    shorter = ["--new-max-length", "prompt=10", "--new-max-length", "response=25"]
    done = run("plan", path, *step, *apart, *shorter, "--limit-in", "characters", "--lengths")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Rows cut at a limit of characters" in done.stdout
    assert "20 + 50" in done.stdout
    assert "128 each" in done.stdout
    done = run("plan", path, *step, *apart, "--tokenizer", tokenizer.parent, "--json")
    assert json.loads(done.stdout)["limit_in"] == "tokens"
    assert json.loads(done.stdout)["now"]["max_length"] == {"prompt": 20, "response": 50}
    done = run("inspect", path, "--tokenizer", tokenizer, "--json")
    assert json.loads(done.stdout)["row_tokens"]["max"] > 0
    for wrong in (["prompt=x"], ["20", "prompt=3"], ["a=1", "a=2"], ["=3"]):
        flags = [part for each in wrong for part in ("--max-length", each)]
        done = run("plan", path, *step, *flags)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "--max-length" in done.stderr


def test_a_sentence_piece_model_says_how_to_convert_it(rows: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes(b"\n")
    for call in (
        lambda: fastsample.inspect(rows, tokenizer=tmp_path),
        lambda: fastsample.plan(rows, **STEP, tokenizer=tmp_path),
    ):
        with pytest.raises(fastsample.SourceNotFoundError, match=r"spiece\.model.*convert it once"):
            call()


@pytest.mark.shared
def test_what_the_real_trainer_cuts(shared: Path) -> None:
    """Its `LowMemDataset` cuts prompt and response apart, in characters, at `max_seq_len - 5`."""
    # Of 192.
    path = shared / "data" / "my_train_dataset_3k.parquet"
    limits = {"prompt": 187, "response": 187}
    plan = fastsample.plan(path, **STEP, max_length=limits, limit_in="characters", lengths=True)
    (facts,) = [each for each in plan.lengths if each.columns == limits]
    assert (round(facts.cut_rows, 3), round(facts.lost, 3)) == (0.464, 0.170)
