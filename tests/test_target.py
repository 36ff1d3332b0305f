"""Targets and rows to avoid: rows like those of a given file are preferred, or not."""

import functools
import re
import shlex
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import stream
from fastsample import Smart
from fastsample.cli import app

ONLY_TARGET: dict[str, Any] = {"duplicates": 0, "commonness": 0, "length": 0, "repetition": 0}


@functools.cache
def topics(rows: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Make texts of four topics, each with words of its own among words that all share."""
    rng = np.random.default_rng(seed)
    words = ["".join(map(chr, rng.integers(0x4E00, 0x9000, 4))) for _ in range(500)]
    topic = rng.integers(0, 4, rows)
    texts = []
    for t in topic:
        own = rng.integers(100 * t, 100 * t + 100, 25)
        shared = rng.integers(400, 500, 25)
        texts.append("".join(words[i] for i in rng.permutation(np.concatenate([own, shared]))))
    return texts, topic


@pytest.fixture(scope="module")
def mixed() -> tuple[pa.Table, np.ndarray, pa.Table]:
    texts, topic = topics(5000, 1)
    wanted = [text for text, t in zip(texts[4000:], topic[4000:], strict=True) if t == 2]
    return pa.table({"text": texts[:4000]}), topic[:4000], pa.table({"text": wanted})


@pytest.fixture(params=["ratio", "classifier"])
def method(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_rows_like_the_target_are_drawn(
    mixed: tuple[pa.Table, np.ndarray, pa.Table], method: Any
) -> None:
    table, topic, target = mixed
    smart = Smart(target=target, target_method=method, **ONLY_TARGET)
    drawn = fastsample.sample(table, 800, smart=smart)
    assert (topic[drawn.row_ids] == 2).mean() > 0.8
    at_random = fastsample.sample(table, 800)
    assert (topic[at_random.row_ids] == 2).mean() < 0.35
    assert drawn.report.smart is not None
    assert drawn.report.smart.shares == {"target": 1.0}


def divergence(rows: list[str], target: list[str]) -> float:
    """Return KL(target || rows) of character 3-grams in bits, one count added to each."""
    grams = [
        [text[i : i + 3] for text in texts for i in range(len(text) - 2)]
        for texts in (rows, target)
    ]
    kinds = {gram: i for i, gram in enumerate(sorted({*grams[0], *grams[1]}))}
    counts = [np.bincount([kinds[g] for g in some], minlength=len(kinds)) + 1.0 for some in grams]
    q, p = (count / count.sum() for count in counts)
    return float((p * np.log2(p / q)).sum())


def test_the_divergence_to_the_target_falls(
    mixed: tuple[pa.Table, np.ndarray, pa.Table], method: Any
) -> None:
    table, _, target = mixed
    smart = Smart(target=target, target_method=method, **ONLY_TARGET)
    wanted = target["text"].to_pylist()
    drawn = fastsample.sample(table, 500, smart=smart).to_arrow()["text"].to_pylist()
    at_random = fastsample.sample(table, 500).to_arrow()["text"].to_pylist()
    assert divergence(drawn, wanted) < 0.8 * divergence(at_random, wanted)


def test_strength_0_is_the_uniform_draw(mixed: tuple[pa.Table, np.ndarray, pa.Table]) -> None:
    table, _, target = mixed
    off = Smart(target=target, target_strength=0, **ONLY_TARGET)
    drawn = fastsample.sample(table, 300, smart=off).row_ids
    assert drawn.tolist() == fastsample.sample(table, 300).row_ids.tolist()


def test_the_targets_layout_does_not_matter(
    mixed: tuple[pa.Table, np.ndarray, pa.Table], tmp_path: Path, method: Any
) -> None:
    table, _, target = mixed
    smart = Smart(target=target, target_method=method)
    expected = fastsample.sample(table, 300, smart=smart).row_ids.tolist()
    path = tmp_path / "good.parquet"
    pq.write_table(target, path, row_group_size=17)
    for other in (path, str(path), target.to_pandas(), target.to_batches()[0]):
        for threads in (1, 3):
            smart = Smart(target=other, target_method=method)
            drawn = fastsample.sample(table, 300, smart=smart, threads=threads)
            assert drawn.row_ids.tolist() == expected


def test_columns_of_the_target(mixed: tuple[pa.Table, np.ndarray, pa.Table]) -> None:
    table, topic, target = mixed
    noise = pa.array(["完全不相干的文字"] * target.num_rows)
    both = target.append_column("note", noise)
    alone = fastsample.score(table, Smart(target=target, **ONLY_TARGET)).to_arrow()
    for text in (["text"], None):
        smart = Smart(text=text, target=both, **ONLY_TARGET)
        assert fastsample.score(table, smart).to_arrow().equals(alone)
    # A column that is no text there is passed over, unless it is named.
    noted = table.append_column("note", pa.array(["注"] * table.num_rows))
    numbers = target.append_column("note", pa.array(range(target.num_rows)))
    assert len(fastsample.sample(noted, 300, smart=Smart(target=numbers, **ONLY_TARGET))) == 300
    with pytest.raises(fastsample.ColumnError, match='in the target, column "note" is Int64'):
        fastsample.sample(noted, 300, smart=Smart(text=["note"], target=numbers, **ONLY_TARGET))
    # A target whose columns have other names is taken whole.
    renamed = Smart(target=target.rename_columns(["answer"]), **ONLY_TARGET)
    ids = fastsample.sample(table, 300, smart=renamed).row_ids
    assert (topic[ids] == 2).mean() > 0.8


def test_the_order_of_rows_does_not_teach(
    mixed: tuple[pa.Table, np.ndarray, pa.Table], tmp_path: Path
) -> None:
    """A classifier is the same for any order of the rows: their scores move with them."""
    table, _, target = mixed
    order = np.random.default_rng(3).permutation(table.num_rows)
    smart = Smart(target=target, target_method="classifier", **ONLY_TARGET)
    scores = fastsample.score(table, smart).to_arrow()["target"].to_numpy()
    moved = fastsample.score(table.take(order), smart).to_arrow()["target"].to_numpy()
    assert moved.tolist() == scores[order].tolist()
    assert len(set(scores.tolist())) > 1000
    for rows in (7, 1000):
        pq.write_table(table, tmp_path / f"{rows}.parquet", row_group_size=rows)
        again = fastsample.score(tmp_path / f"{rows}.parquet", smart, threads=3).to_arrow()
        assert again["target"].to_numpy().tolist() == scores.tolist()


def spare(topic: int | None, rows: int) -> pa.Table:
    """Return rows of a topic, or of all, that the table does not have."""
    texts, topics_of = topics(5000, 1)
    chosen = [texts[i] for i in range(4000, 5000) if topic in (None, topics_of[i])]
    return pa.table({"text": chosen[-rows:]})


def test_rows_to_avoid_are_left_to_the_end(
    mixed: tuple[pa.Table, np.ndarray, pa.Table],
) -> None:
    table, topic, target = mixed
    avoid = spare(1, 60)
    drawn = fastsample.sample(table, 2000, smart=Smart(avoid=avoid, **ONLY_TARGET))
    assert (topic[drawn.row_ids] == 1).mean() < 0.05
    found = drawn.report.smart
    assert found is not None
    assert found.shares == {"avoid": 1.0}
    assert found.avoid is not None
    assert (found.targets, found.avoid.name, found.avoid.rows) == ((), "avoid", 60)
    # By both, each has its say.
    wanted = spare(1, 200)
    both = Smart(target=wanted, avoid=avoid, **ONLY_TARGET)
    scores = fastsample.score(table, both).to_arrow()
    like, unlike = scores["target"].to_numpy(), scores["avoid"].to_numpy()
    alone: list[Any] = [{"target": wanted}, {"avoid": avoid}]
    by_one = [fastsample.score(table, Smart(**each, **ONLY_TARGET)).to_arrow() for each in alone]
    assert by_one[0]["target"].to_numpy().tolist() == like.tolist()
    assert by_one[1]["avoid"].to_numpy().tolist() == unlike.tolist()
    naive = 2.0 ** (8 * (np.clip(like, -1, 1) - 1 + np.clip(-unlike, -1, 1) - 1))
    np.testing.assert_allclose(scores["weight"].to_numpy(), naive, rtol=1e-4, atol=1e-9)
    off = Smart(avoid=avoid, avoid_strength=0, **ONLY_TARGET)
    uniform = fastsample.sample(table, 300).row_ids.tolist()
    assert fastsample.sample(table, 300, smart=off).row_ids.tolist() == uniform
    by_ratio = Smart(target=target, target_method="ratio", avoid=avoid, **ONLY_TARGET)
    ids = fastsample.sample(table, 800, smart=by_ratio).row_ids
    assert (topic[ids] == 2).mean() > 0.8


def test_rows_dropped_for_a_kind_are_told(
    mixed: tuple[pa.Table, np.ndarray, pa.Table],
) -> None:
    """Of rows to avoid nearly all are dropped, for that reason, and examples are such rows."""
    table, topic, target = mixed
    kinds = dict(zip(table["text"].to_pylist(), topic.tolist(), strict=True))
    for smart, reason, of_kind in (
        (Smart(avoid=spare(1, 60), **ONLY_TARGET), "like rows to avoid", {1}),
        (Smart(target=target, **ONLY_TARGET), "unlike the target", {0, 1, 3}),
    ):
        drawn = fastsample.sample(table, 1000, smart=smart)
        found = fastsample.compare(table, drawn, smart=smart, examples=9)
        told = {each.reason: each for each in found.dropped}
        assert sum(each.rows for each in told.values()) == 3000
        assert told[reason].rows > 0.8 * np.isin(topic, list(of_kind)).sum()
        examples = [kinds[text] for (text,) in told[reason].examples]
        assert len(examples) == 9
        assert set(examples) <= of_kind
        assert f"Dropped: {reason}" in found.to_html()


def test_a_small_target_is_not_drowned_by_a_large_one(
    mixed: tuple[pa.Table, np.ndarray, pa.Table], method: Any
) -> None:
    table, topic, large = mixed
    small = spare(0, 40)
    targets = {"large": large, "small": small}
    rule: dict[str, Any] = {"target_method": method, **ONLY_TARGET}
    drawn = fastsample.sample(table, 1200, smart=Smart(target=targets, **rule))
    as_one = Smart(target=pa.concat_tables([large, small]), **rule)
    of_small, drowned = (
        (topic[ids] == 0).mean()
        for ids in (drawn.row_ids, fastsample.sample(table, 1200, smart=as_one).row_ids)
    )
    assert of_small > 1.5 * drowned
    assert (topic[drawn.row_ids] == 2).mean() > 0.5
    # The likeness is the largest, and the report counts by it.
    scores = [fastsample.score(table, Smart(target=each, **rule)).to_arrow()["target"].to_numpy()
              for each in (targets, large, small)]  # fmt: skip
    assert scores[0].tolist() == np.maximum(scores[1], scores[2]).tolist()
    found = drawn.report.smart
    assert found is not None
    for place, (name, rows) in enumerate(targets.items()):
        is_it = (scores[0] > 0) & ((scores[1] >= scores[2]) == (place == 0))
        each = found.targets[place]
        counts = (int(is_it.sum()), int(is_it[drawn.row_ids].sum()))
        assert (each.name, each.rows, each.resembling, each.drawn) == (name, len(rows), *counts)
        assert (each.separation is None) == (method == "ratio")
    assert "like small" in str(found)


def test_a_target_like_the_source_is_told(
    mixed: tuple[pa.Table, np.ndarray, pa.Table], tmp_path: Path
) -> None:
    table, _, target = mixed
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=500)
    alike = spare(None, 400)

    def found(rows: Any = table, threads: int = 1, **kinds: Any) -> Any:
        rule = Smart(**kinds, **ONLY_TARGET)
        return fastsample.sample(rows, 100, smart=rule, threads=threads).report.smart

    told = found(target={"own": target, "like all": alike}, avoid=alike)
    assert told.targets[0].separation > 0.8
    assert abs(told.targets[1].separation - 0.5) < 0.08
    assert told.targets[1].separation == told.avoid.separation
    words = "resembles the source, so it gains nothing and may do harm"
    assert [note.split(words)[0] for note in told.notes] == [
        "the target like all ", "the source to avoid ",
    ]  # fmt: skip
    assert f"in {told.avoid.separation:.0%} of pairs" in told.notes[1]
    assert found(target=target).notes == ()
    assert found(target=alike).notes[0].startswith(f"the target {words}")
    # No bit of it depends on threads or layout.
    again = found(
        tmp_path / "rows.parquet", 3, target={"own": target, "like all": alike}, avoid=alike
    )
    assert (again.targets, again.avoid) == (told.targets, told.avoid)
    few = found(target=target.slice(0, 7))
    assert few.targets[0].separation is None
    assert few.notes == ()


def test_the_page_runs(
    mixed: tuple[pa.Table, np.ndarray, pa.Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Snippets and the command of docs/smart.md on targets, with fewer rows."""
    page = Path(__file__).resolve().parents[1] / "docs" / "smart.md"
    section = page.read_text(encoding="utf-8").split("\n## A target\n")[1].split("\n## ")[0]
    monkeypatch.chdir(tmp_path)
    pq.write_table(mixed[0].slice(0, 1000), "train.parquet")
    for topic, name in enumerate(["law", "medicine", "good", "bad"]):
        pq.write_table(spare(topic, 60), f"{name}.parquet")
    names: dict[str, Any] = {"fastsample": fastsample}
    snippets = re.findall(r"```python\n(.*?)```", section, re.S)
    assert len(snippets) == 3
    for snippet in snippets:
        exec(snippet.replace("3_000_000", "300"), names)
    assert "\nmedicine 60 " in capsys.readouterr().out
    (command,) = re.findall(r"`fastsample (sample [^`]+)`", section)
    done = CliRunner().invoke(app, shlex.split(command.replace("3m", "300")))
    assert done.exit_code == 0, done.output
    assert pq.read_table("part.parquet").equals(names["s"].to_arrow())


def test_clear_errors(table: pa.Table, tmp_path: Path) -> None:
    def drawn(target: Any, **options: Any) -> None:
        fastsample.sample(table, 5, smart=Smart(target=target, **options))

    with pytest.raises(fastsample.SourceNotFoundError, match="nowhere"):
        drawn(tmp_path / "nowhere.parquet")
    with pytest.raises(fastsample.ColumnError, match="in the target, there is no text column"):
        drawn(pa.table({"x": [1, 2]}))
    with pytest.raises(fastsample.ArgumentError, match="the target has no rows"):
        drawn(table[:0])
    empty = pa.table({"prompt": ["", ""], "response": [None, ""]}, table.schema.remove(0))
    with pytest.raises(fastsample.ArgumentError, match="no text to learn from"):
        drawn(empty, target_method="classifier")
    with pytest.raises(fastsample.ArgumentError, match="'ratio' or 'classifier'"):
        drawn(table, target_method="fasttext")
    with pytest.raises(fastsample.ArgumentError, match="target_strength is -1"):
        drawn(table, target_strength=-1)
    with pytest.raises(fastsample.ArgumentError, match="target_clip is 99"):
        drawn(table, target_clip=99)
    with pytest.raises(fastsample.ArgumentError, match="stream"):
        drawn(stream(table))
    with pytest.raises(fastsample.ColumnError, match='in the target "b", there is no text column'):
        drawn({"a": table, "b": pa.table({"x": [1, 2]})})
    with pytest.raises(fastsample.ColumnError, match="in the source to avoid, there is no text"):
        drawn(None, avoid=pa.table({"x": [1, 2]}))
    with pytest.raises(fastsample.ArgumentError, match="the source to avoid has no rows"):
        drawn(table, avoid=table[:0])
    with pytest.raises(fastsample.ArgumentError, match="target is empty"):
        drawn({})
    with pytest.raises(fastsample.ArgumentError, match="the name of a target is empty"):
        drawn({"": table})
    with pytest.raises(fastsample.FastSampleError, match="the name of a target is 3"):
        drawn({3: table})
    with pytest.raises(fastsample.ArgumentError, match="avoid_strength is 17"):
        drawn(None, avoid=table, avoid_strength=17)
