"""Scores: a row for each row of the source, each term by its formula."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import stream
from fastsample import Smart
from hypothesis import given, settings
from hypothesis import strategies as st
from test_smart import chinese

ALL = Smart(duplicates=1, commonness=0.5, length=1, repetition=1)


def rows_of(table: pa.Table) -> list[tuple[str, str]]:
    texts = zip(table["prompt"].to_pylist(), table["response"].to_pylist(), strict=True)
    return [(prompt or "", response or "") for prompt, response in texts]


def test_a_row_for_each_row(table: pa.Table) -> None:
    scores = fastsample.score(table, ALL)
    assert len(scores) == table.num_rows
    assert scores.schema.names == [
        "chars",
        "copies",
        "duplicates",
        "novelty",
        "commonness",
        "repetition",
        "weight",
    ]
    assert "3,000 rows" in repr(scores)
    found = scores.to_arrow()
    texts = rows_of(table)
    assert found["chars"].to_pylist() == [len(p) + len(r) for p, r in texts]
    copies = Counter(texts)
    assert found["copies"].to_pylist() == [copies[row] for row in texts]
    assert scores.report.smart is not None
    assert scores.report.smart.copies == 3000 - len(copies)


@pytest.mark.parametrize("strength", [0, 0.5, 1, 2])
def test_the_weight_is_the_product_of_the_terms(table: pa.Table, strength: float) -> None:
    # A form, filled in with up to twenty characters: from copies with an edit to rows of their own.
    rng = np.random.default_rng(1)
    form = "".join(map(chr, range(0x4E00, 0x4E40)))
    filled = [form + "".join(map(chr, rng.integers(0x5000, 0x9000, i % 21))) for i in range(300)]
    family = pa.table({"prompt": filled, "response": [""] * 300})
    table = pa.concat_tables([table.select(["prompt", "response"]), family])
    found = fastsample.score(table, replace(ALL, duplicates=strength)).to_pandas()
    judged = np.sort(found["commonness"].dropna())
    assert len(judged) < len(found)
    low, middle, high = judged[(len(judged) * np.array([0.05, 0.5, 0.8])).astype(int)]
    common = found["commonness"].fillna(32).clip(low, high) - low
    chars = found["chars"].to_numpy()
    length = np.sqrt(np.minimum(chars, 512) / 512)
    commonness = 2.0 ** (-0.5 * common)
    duplicates = np.minimum(1, 1.5 / found["duplicates"])
    # A row of a family is common too, and is left what is its own of a row of middling commonness.
    middling = 2.0 ** (-0.5 * (middle - low)) / commonness
    novelty = np.minimum(1, found["novelty"].fillna(0) / 0.25) ** 3 * middling
    assert (novelty > duplicates).sum() > 100
    counted = np.minimum(np.maximum(duplicates, novelty) ** strength, np.maximum(middling, 1))
    redundancy = commonness * counted
    repetition = (2 * found["repetition"]).clip(1 / 16, 1)
    expected = redundancy * np.where(chars < 10, 0, length) * repetition
    np.testing.assert_allclose(found["weight"], expected, rtol=2e-3)
    assert (found["weight"] == 0).sum() == (chars < 10).sum() > 0


def test_near_duplicates_are_counted() -> None:
    text = "".join(chr(0x4E00 + 7 * i) for i in range(200))
    others = ["".join(chr(0x4E00 + (i * j) % 8000) for i in range(9, 200)) for j in range(50, 150)]
    near = [text[:i] + "改" + text[i + 1 :] for i in range(0, 200, 10)]
    found = fastsample.score(pa.table({"text": near + others})).to_arrow()["duplicates"].to_pylist()
    assert np.median(found[:20]) > 15
    assert np.median(found[20:]) < 1.5


def test_off_terms_are_null_or_plain(table: pa.Table) -> None:
    found = fastsample.score(table).to_arrow()
    assert "target" not in found.column_names
    off = fastsample.score(table, Smart(commonness=0)).to_arrow()
    assert off["commonness"].null_count == table.num_rows
    with_target = fastsample.score(table, Smart(target=table[:100])).to_arrow()
    assert with_target["target"].null_count == 0


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_scores_do_not_depend_on_the_layout(table: pa.Table, tmp_path: Path, threads: int) -> None:
    smart = Smart(commonness=0.5, target=table[100:300])
    expected = fastsample.score(table, smart, threads=1).to_arrow().combine_chunks()
    pq.write_table(table[:1111], tmp_path / "a.parquet", row_group_size=100)
    pq.write_table(table[1111:], tmp_path / "b.parquet", row_group_size=999, compression="zstd")
    views = table.set_column(1, "prompt", table["prompt"].cast(pa.string_view()))
    encoded = table.set_column(1, "prompt", table["prompt"].combine_chunks().dictionary_encode())
    sources: list[Any] = [tmp_path, views, encoded, stream(table), table.to_pandas()]
    for source in sources:
        found = fastsample.score(source, smart, threads=threads).to_arrow().combine_chunks()
        assert found.equals(expected)


def test_empty_rows_change_nothing_for_others() -> None:
    """A form filled in keeps its weight, however many rows have no text at all."""
    rng = np.random.default_rng(1)
    form = chinese(rng, 60)
    texts = [chinese(rng, 80) for _ in range(600)]
    texts += [form + chinese(rng, 40) for _ in range(300)]
    alone = fastsample.score(pa.table({"text": texts})).to_arrow()["weight"].to_numpy()
    with_empty = pa.table({"text": texts + [""] * 2700})
    found = fastsample.score(with_empty).to_arrow()["weight"].to_numpy()
    np.testing.assert_array_equal(found[:900], alone)
    assert np.median(alone[600:]) > 0.8 * np.median(alone[:600])


def test_nothing_can_be_scored_and_written(tmp_path: Path) -> None:
    scores = fastsample.score(pa.table({"text": pa.array([], pa.string())}))
    assert len(scores) == 0
    assert "rows before" in str(scores.report)
    assert "rows before" in scores.report._repr_html_()
    for shuffle in (False, True):
        path = tmp_path / f"none-{shuffle}.parquet"
        assert scores.write_parquet(path, shuffle=shuffle).rows == 0
        assert pq.read_table(path).equals(scores.to_arrow())
    with pytest.raises(fastsample.ArgumentError, match=r"shards is 2; .* 1 to 1 files"):
        scores.write_parquet(tmp_path / "x.parquet", shards=2)


def test_scores_go_to_a_file(table: pa.Table, tmp_path: Path) -> None:
    scores = fastsample.score(table)
    scores.write_parquet(tmp_path / "scores.parquet")
    assert pq.read_table(tmp_path / "scores.parquet").equals(scores.to_arrow())


def test_clear_errors(table: pa.Table) -> None:
    with pytest.raises(fastsample.ColumnError, match="no text column"):
        fastsample.score(pa.table({"x": [1]}))
    with pytest.raises(fastsample.ArgumentError, match="commonness is 17"):
        fastsample.score(table, Smart(commonness=17))
    with pytest.raises(fastsample.ArgumentError, match="smart is 'entropy'"):
        fastsample.score(table, "entropy")  # type: ignore[arg-type]
    with pytest.raises(fastsample.SourceTypeError, match=r"pass a list: \['prompt'\]"):
        fastsample.score(table, Smart(text="prompt"))
    with pytest.raises(fastsample.SourceTypeError, match=r"text_columns is .*: \['prompt'\]"):
        fastsample.score(table, text_columns="prompt")
    with pytest.raises(fastsample.ColumnError, match='"prompt" is named twice'):
        fastsample.score(table, Smart(text=["prompt", "prompt"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_chars": -1}, "min_chars is -1; it must be from 0 to 4294967295"),
        ({"max_chars": 2**32}, "max_chars is 4294967296; it must be from 0 to"),
        ({"min_chars": 2.5}, "min_chars is 2.5; it must be a whole number"),
        ({"duplicates": "x"}, "duplicates is 'x'; it must be a number"),
        ({"length": None}, "length is None; it must be a number"),
        ({"commonness": float("nan")}, "commonness is NaN; it must be from 0"),
        ({"target_clip": True}, "target_clip is True; it must be a number"),
        ({"text": [3]}, "text holds 3; it must be a list of column names"),
        ({"text": 3}, "text is 3; it must be a list of column names"),
    ],
)
def test_options_that_make_no_sense(table: pa.Table, options: dict[str, Any], message: str) -> None:
    with pytest.raises(fastsample.FastSampleError, match=message):
        fastsample.score(table, Smart(**options))
    with pytest.raises(fastsample.FastSampleError, match=message):
        fastsample.sample(table, 5, smart=Smart(**options))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=40))
def test_any_text_can_be_scored(texts: list[str]) -> None:
    found = fastsample.score(pa.table({"text": pa.array(texts, pa.string())}), ALL).to_arrow()
    assert found["chars"].to_pylist() == [len(text) for text in texts]
    assert found["copies"].to_pylist() == [texts.count(text) for text in texts]
    weights = found["weight"].to_numpy()
    assert np.all((weights >= 0) & (weights <= 1))
    assert np.all(found["repetition"].to_numpy() > 0)
    assert np.all(found["duplicates"].to_numpy() >= 1)
