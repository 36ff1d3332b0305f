"""Splits: disjoint sides of exact sizes; equal texts are never on two."""

import json
import re
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import drawn_ids, pairs, quantile_999, stream, write_parquet
from fastsample.cli import app
from hypothesis import given, settings
from hypothesis import strategies as st


def check(table: pa.Table, sides: fastsample.Split, columns: list[str]) -> None:
    """Each row on one side at most, and so each text."""
    ids = np.concatenate([side.row_ids for side in sides.values()])
    assert len(set(ids.tolist())) == len(ids)
    side_of: dict[Any, str] = {}
    rows = table.select(columns).to_pylist()
    for name, side in sides.items():
        for row in side.row_ids:
            text = tuple(value or "" for value in rows[row].values())
            assert side_of.setdefault(text, name) == name


@given(
    texts=st.lists(st.integers(0, 60), min_size=20, max_size=400),
    seed=st.integers(0, 2**64 - 1),
)
def test_sides_share_no_text(texts: list[int], seed: int) -> None:
    table = pa.table({"prompt": [f"文{text}" for text in texts], "id": range(len(texts))})
    sizes = {"train": len(texts) // 2, "valid": 3, "test": 2}
    try:
        sides = fastsample.split(table, sizes, seed=seed)
    except fastsample.ArgumentError as error:
        assert "equal texts must stay together" in str(error)  # noqa: PT017
        assert len(set(texts)) < 12
        return
    assert {name: len(side) for name, side in sides.items()} == sizes
    check(table, sides, ["prompt"])


def test_it_depends_on_text_and_seed_alone(table: pa.Table, tmp_path: Path) -> None:
    sizes = {"train": 2000, "valid": 200, "test": 0.1}
    sides = fastsample.split(table, sizes)
    assert [len(side) for side in sides.values()] == [2000, 200, 300]
    assert repr(sides) == "<fastsample.Split: train: 2,000, valid: 200, test: 300>"
    check(table, sides, ["prompt", "response"])
    path = write_parquet(table, tmp_path / "source.parquet", row_group_size=700)
    for name, side in fastsample.split(path, sizes, threads=1).items():
        assert np.array_equal(side.row_ids, sides[name].row_ids)
        assert side.to_arrow().equals(sides[name].to_arrow())
    backwards = table.take(list(range(2999, -1, -1)))
    for name, side in fastsample.split(backwards, sizes).items():
        texts = zip(*side.to_arrow().to_pydict().values(), strict=True)
        expected = zip(*sides[name].to_arrow().to_pydict().values(), strict=True)
        assert len(set(texts) ^ set(expected)) <= 12  # which of equal rows are left out may differ
    other = fastsample.split(table, sizes, seed=1)
    assert len(set(other["train"].row_ids.tolist()) & set(sides["train"].row_ids.tolist())) < 1500


def test_every_row_has_the_same_chance() -> None:
    table = pairs(60, seed=2)
    counts = np.zeros(60)
    for seed in range(600):
        counts[fastsample.split(table, {"valid": 15}, seed=seed)["valid"].row_ids] += 1
    mean = 600 * 15 / 60
    chi = ((counts - mean) ** 2 / (mean * 0.75)).sum() * 59 / 60
    assert chi < quantile_999(59)


def test_shares_that_make_a_whole_leave_no_row_out() -> None:
    table = pairs(101)
    sides = fastsample.split(table, {"train": 10 / 11, "valid": 1 / 11}, text_columns=[])
    assert [len(side) for side in sides.values()] == [92, 9]


def reachable(sizes: list[int]) -> set[int]:
    """Return every number of rows that whole groups can make: the oracle of tolerances."""
    sums = {0}
    for size in sizes:
        sums |= {size + each for each in sums}
    return sums


@pytest.mark.parametrize("smart", [False, True])
def test_shares_are_exact_where_whole_groups_allow(smart: bool) -> None:
    """Texts occur three or four times: a part of a group would leave rows to neither side."""
    rng = np.random.default_rng(5)
    texts = np.repeat(np.arange(290), rng.permutation([3] * 160 + [4] * 130))[:1000]
    table = pa.table({"prompt": [f"第{text}个问题，请回答一下" for text in rng.permutation(texts)]})
    for seed in range(5):
        sides = fastsample.split(table, {"train": 0.9, "valid": 0.1}, seed=seed, smart=smart)
        assert {name: len(side) for name, side in sides.items()} == {"train": 900, "valid": 100}
        assert sides["valid"].report.notes == ()
        check(table, sides, ["prompt"])
        whole = fastsample.split(table, {"train": 900, "valid": 100}, seed=seed, smart=smart)
        for name, side in sides.items():
            assert np.array_equal(side.row_ids, whole[name].row_ids)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=40),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**64 - 1),
)
@settings(deadline=None)
def test_shares_that_can_not_be_met_take_the_nearest(
    sizes: list[int], share: float, seed: int
) -> None:
    texts = [f"文{number}" for number, size in enumerate(sizes) for _ in range(size)]
    table = pa.table({"prompt": texts})
    wanted = round(share * len(texts))
    if not 0 < wanted < len(texts):
        return
    sides = fastsample.split(table, {"train": share, "valid": 1 - share}, seed=seed)
    found = {name: len(side) for name, side in sides.items()}
    assert sum(found.values()) == len(texts)
    check(table, sides, ["prompt"])
    sums = reachable(sizes) - {0, len(texts)}
    assert abs(found["train"] - wanted) == min(abs(each - wanted) for each in sums)
    note = () if found["train"] == wanted else (f"{found['train']} rows, not {wanted}",)
    assert tuple(each.split(":")[0] for each in sides["train"].report.notes) == note
    # Numbers are exact, or an error has those that can be met.
    numbers = {"train": wanted, "valid": len(texts) - wanted}
    if wanted in sums:
        exact = fastsample.split(table, numbers, seed=seed)
        assert {name: len(side) for name, side in exact.items()} == numbers
        return
    with pytest.raises(fastsample.ArgumentError, match="whole groups make") as caught:
        fastsample.split(table, numbers, seed=seed)
    made, side = re.findall(r"whole groups make (.*) rows of side (\d)", str(caught.value))[0]
    assert {int(each) for each in made.split(" or ")} <= reachable(sizes)
    assert side in ("1", "2")


def test_notes_stand_in_reports(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["一"] * 7 + ["二"] * 11 + ["三"] * 22})
    sides = fastsample.split(table, {"train": 0.9, "valid": 0.1})
    assert {name: len(side) for name, side in sides.items()} == {"train": 33, "valid": 7}
    for name, note in (("train", "33 rows, not 36: "), ("valid", "7 rows, not 4: ")):
        (found,) = sides[name].report.notes
        assert found.startswith(note)
        assert found in str(sides[name].report)
        assert sides[name].report.to_dict()["notes"] == [found]
    source = write_parquet(table, tmp_path / "a.parquet")
    command = ["split", "-i", str(source), "-o", str(tmp_path), "train=0.9", "valid=0.1"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(done.stdout)["notes"][1].startswith("valid: 7 rows, not 4")
    assert "7 rows, not 4" in " ".join(CliRunner().invoke(app, command).stdout.split())


def test_text_columns_and_rows_without_text() -> None:
    table = pa.table(
        {"prompt": [f"p{i % 40}" for i in range(400)], "response": map(str, range(400))}
    )
    check(table, fastsample.split(table, {"a": 200, "b": 100}), ["prompt", "response"])
    check(table, fastsample.split(table, {"a": 200, "b": 100}, text_columns=["prompt"]), ["prompt"])
    numbers = table.select([]).append_column("id", pa.array(range(400)))
    assert len(fastsample.split(numbers, {"a": 399})["a"]) == 399


def edited(text: str, share: float, rng: np.random.Generator) -> str:
    """Replace a share of the characters."""
    characters = list(text)
    for place in rng.choice(len(text), max(1, round(share * len(text))), replace=False):
        characters[place] = chr(0x4E00 + int(rng.integers(5000)))
    return "".join(characters)


@pytest.mark.parametrize(("share", "torn"), [(0.01, 0.02), (0.03, 0.06), (0.05, 0.16)])
def test_near_duplicates_stay_together(share: float, torn: float) -> None:
    """Planted copies of 150 characters: how many of 600 are torn apart, with and without."""
    rng = np.random.default_rng(11)
    originals = ["".join(map(chr, 0x4E00 + rng.integers(0, 5000, 150))) for _ in range(600)]
    others = ["".join(map(chr, 0x4E00 + rng.integers(0, 5000, 150))) for _ in range(1200)]
    copies = [edited(text, share, rng) for text in originals]
    table = pa.table({"text": [*originals, *copies, *others]})

    def torn_apart(near: bool) -> float:
        sides = fastsample.split(table, {"a": 0.5, "b": 0.5}, near_duplicates=near)
        side_of = np.full(2400, -1)
        for number, side in enumerate(sides.values()):
            side_of[side.row_ids] = number
        assert (side_of >= 0).all()
        return float((side_of[:600] != side_of[600:1200]).mean())

    assert torn_apart(False) > 0.4
    assert torn_apart(True) <= torn


def test_without_near_duplicates_nothing_changes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    texts = ["".join(map(chr, 0x4E00 + rng.integers(0, 5000, 60))) for _ in range(900)]
    table = pa.table({"text": texts + texts[:90]})
    path = write_parquet(table, tmp_path / "source.parquet", row_group_size=100)
    sizes = {"train": 600, "valid": 90, "test": 90}
    plain = fastsample.split(table, sizes)
    for source, threads in ((table, 1), (path, 3)):
        near = fastsample.split(source, sizes, near_duplicates=True, threads=threads)
        for name, side in near.items():
            assert np.array_equal(side.row_ids, plain[name].row_ids)


@given(
    texts=st.lists(st.integers(0, 60), min_size=40, max_size=120),
    seed=st.integers(0, 2**64 - 1),
    near=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_the_smart_side_has_the_rows_of_highest_priority(
    texts: list[int], seed: int, near: bool
) -> None:
    rows = [f"第{text}个问题，{'说来话长' * (text % 7)}" for text in texts]
    table = pa.table({"prompt": rows, "id": range(len(rows))})
    sizes = {"train": len(rows) // 3, "valid": 4, "test": 3}
    try:
        sides = fastsample.split(table, sizes, seed=seed, smart=True, near_duplicates=near)
    except fastsample.ArgumentError as error:
        assert "must stay together" in str(error)  # noqa: PT017
        return
    assert {name: len(side) for name, side in sides.items()} == sizes
    check(table, sides, ["prompt"])
    # The others are those of a split without the first side.
    others = {name: size for name, size in sizes.items() if name != "train"}
    alone = fastsample.split(table, others, seed=seed, near_duplicates=near)
    same = all(np.array_equal(sides[name].row_ids, alone[name].row_ids) for name in others)
    if near:
        return
    # Unless they leave too few rows, because they take parts of groups.
    kept = {rows[row] for name in others for row in alone[name].row_ids}
    assert same or sum(text not in kept for text in rows) < sizes["train"]
    # The first has the best of the rows whose texts no other side has.
    taken = {rows[row] for name in others for row in sides[name].row_ids}
    rest = {row for row, text in enumerate(rows) if text not in taken}
    order: list[int] = []
    for n in range(1, len(rows) + 1):
        drawn = set(fastsample.sample(table, n, seed=seed, smart=True).row_ids.tolist())
        order += sorted(drawn - set(order))
    best = [row for row in order if row in rest][: sizes["train"]]
    assert sides["train"].row_ids.tolist() == sorted(best)


def test_smart_sides(table: pa.Table) -> None:
    sizes = {"train": 900, "valid": 0.1}
    sides = fastsample.split(table, sizes, smart=True, threads=1)
    assert sides["train"].report.smart is not None
    assert sides["train"].report.smart.copies_drawn == 0
    assert sides["valid"].report.smart is None
    same = fastsample.split(table, sizes, smart=fastsample.Smart(), threads=3)
    assert np.array_equal(same["train"].row_ids, sides["train"].row_ids)
    off = fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0)
    uniform = fastsample.split(table, sizes, smart=off)["train"]
    order = [row for row in drawn_ids(3000, 3000, 42) if row not in set(sides["valid"].row_ids)]
    assert len(set(uniform.row_ids.tolist()) - set(order)) == 0
    assert len(fastsample.split(table, sizes, smart="entropy")["train"]) == 900
    with pytest.raises(fastsample.ArgumentError, match=r"side 1 .* lacks"):
        fastsample.split(pa.table({"text": ["早上好啊"] * 10}), {"a": 4, "b": 4}, smart=True)
    with pytest.raises(fastsample.ArgumentError, match="smart is 'x'"):
        fastsample.split(table, sizes, smart="x")  # type: ignore[arg-type]


def test_bad_arguments_are_refused(table: pa.Table) -> None:
    cases: list[tuple[Any, str]] = [
        ({"a": 3000, "b": 1}, "3001 rows together, but the source has only 3000"),
        ({"a": 0}, "size of 'a' is 0"),
        ({"a": 1.5}, "share of 'a' is 1.5"),
        ({"a": 0.0001}, "'a' would have no rows"),
    ]
    for sizes, message in cases:
        with pytest.raises(fastsample.ArgumentError, match=message):
            fastsample.split(table, sizes)
    with pytest.raises(fastsample.SourceTypeError, match="it must map names to sizes"):
        fastsample.split(table, [1, 2])  # type: ignore[arg-type]
    with pytest.raises(fastsample.ColumnError, match="no column"):
        fastsample.split(table, {"a": 1}, text_columns=["x"])
    with pytest.raises(fastsample.ColumnError, match="not text"):
        fastsample.split(table, {"a": 1}, text_columns=["id"])
    with pytest.raises(fastsample.SourceTypeError, match=r"pass a list: \['prompt'\]"):
        fastsample.split(table, {"a": 1}, text_columns="prompt")
    with pytest.raises(fastsample.ArgumentError, match="a stream can be read once"):
        fastsample.split(stream(table), {"a": 1})
    for sizes in ({"a": 0.8, "b": 0.2}, {"a": 1}):
        with pytest.raises(fastsample.ArgumentError, match="none of the 3000 rows match where"):
            fastsample.split(table, sizes, where="id < 0")
    same = pa.table({"text": ["x"] * 10})
    with pytest.raises(fastsample.ArgumentError, match=r"side 2 .* lacks 4 of its 4 rows"):
        fastsample.split(same, {"a": 4, "b": 4})
    with pytest.raises(fastsample.OutputError, match="can't be the name of a file"):
        fastsample.split(table, {"../a": 1}).write_parquet("x")


def test_files(table: pa.Table, tmp_path: Path) -> None:
    sides = fastsample.split(table, {"train": 100, "valid": 10})
    written = sides.write_parquet(tmp_path / "new" / "folder", compression="snappy")
    assert written["train"].rows == 100
    for name, side in sides.items():
        assert pq.read_table(tmp_path / "new" / "folder" / f"{name}.parquet").equals(
            side.to_arrow()
        )


def test_the_command(table: pa.Table, tmp_path: Path) -> None:
    source = write_parquet(table, tmp_path / "source.parquet")
    command = ["split", "-i", str(source), "-o", str(tmp_path / "out")]
    run = CliRunner().invoke
    done = run(app, [*command, "train=1_000", "valid=0.1", "--json"])
    assert done.exit_code == 0
    assert {n: s["rows"] for n, s in json.loads(done.stdout)["sides"].items()} == {
        "train": 1000,
        "valid": 300,
    }
    assert pq.read_table(tmp_path / "out" / "valid.parquet").num_rows == 300
    done = run(app, [*command, "train=1000", "valid=100", "--smart", "--near-duplicates"])
    assert done.exit_code == 0
    expected = fastsample.split(
        source, {"train": 1000, "valid": 100}, smart=True, near_duplicates=True
    )
    assert pq.read_table(tmp_path / "out" / "train.parquet").equals(expected["train"].to_arrow())
    done = run(app, [*command, "train=1000"])
    assert "1,000 rows" in done.stdout
    for sides, message in [(["a"], "is no NAME=SIZE"), (["a=1", "a=2"], "named twice")]:
        done = run(app, [*command, *sides])
        assert done.exit_code == 2
        assert message in done.stderr
