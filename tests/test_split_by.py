"""Stratified splits: each side has its share of each value of a column; first sides by weight."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from allocated import divided
from click.testing import CliRunner
from data import in_two, quantile_999, write_parquet
from fastsample.cli import app
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = 600
RNG = np.random.default_rng(9)
SOURCE = np.array(["wiki", "code", "chat", "旧书", None])[
    RNG.choice(5, ROWS, p=[0.5, 0.3, 0.15, 0.04, 0.01])
]
TABLE = pa.table(
    {
        "text": [f"第{row}段，各不相同" for row in range(ROWS)],
        "source": pa.array(SOURCE.tolist(), pa.string()),
        "score": pa.array(np.round(RNG.random(ROWS) * 9, 3)),
    }
)


def cells(table: pa.Table, sides: fastsample.Split, by: str = "source") -> dict[str, Counter[Any]]:
    """Return the rows of each value on each side."""
    values = table[by].to_pylist()
    return {name: Counter(values[row] for row in side.row_ids) for name, side in sides.items()}


def check_cells(
    found: Mapping[str, Counter[Any]], sizes: Mapping[str, int], amounts: Mapping[Any, int]
) -> None:
    """Both kinds of sums are exact, and each cell is its quota rounded down or up."""
    total = sum(sizes.values())
    assert {name: sum(counts.values()) for name, counts in found.items()} == sizes
    for value, amount in amounts.items():
        assert sum(counts[value] for counts in found.values()) == amount
        for name, counts in found.items():
            quota = Fraction(sizes[name] * amount, total)
            assert math.floor(quota) <= counts[value] <= math.ceil(quota)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("split_by")
    parts = in_two(TABLE, 250, folder, row_group_size=60)
    encoded = TABLE.set_column(1, "source", TABLE["source"].combine_chunks().dictionary_encode())
    return [parts, encoded, TABLE]


@given(
    sizes=st.lists(st.integers(1, 150), min_size=1, max_size=6),
    is_whole=st.booleans(),
    allocation=st.sampled_from(["proportional", "equal", "sqrt"]),
    layout=st.integers(0, 2),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**64 - 1),
)
@settings(deadline=None, max_examples=100)
def test_cells_are_quotas_rounded(
    sources: list[Any],
    sizes: list[int],
    is_whole: bool,
    allocation: str,
    layout: int,
    threads: int,
    seed: int,
) -> None:
    if is_whole:
        sizes = [*sizes, ROWS - sum(sizes)]
    if sum(sizes) > ROWS or sizes[-1] < 1:
        return
    wanted = {f"side{place}": size for place, size in enumerate(sizes)}
    options: dict[str, Any] = {"by": "source", "allocation": allocation, "seed": seed}
    sides = fastsample.split(sources[layout], wanted, threads=threads, **options)
    rows = Counter(SOURCE.tolist())
    firsts = {value: rows[value] for value in dict.fromkeys(SOURCE.tolist())}
    weights = {
        value: Fraction(
            {"proportional": count, "equal": 1, "sqrt": math.isqrt(count << 60)}[allocation]
        )
        for value, count in firsts.items()
    }
    amounts = divided(sum(sizes), firsts, weights)
    check_cells(cells(TABLE, sides), wanted, amounts)
    same = fastsample.split(TABLE, wanted, **options)
    for name, side in sides.items():
        assert np.array_equal(side.row_ids, same[name].row_ids)
        groups = side.report.groups
        assert groups is not None
        told = {group.values[0]: group.drawn for group in groups.largest}
        assert told == {value: cells(TABLE, sides)[name][value] for value in rows}
        assert side.report.notes == ()


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(ROWS)
    shuffled = TABLE.take(order)
    sides = fastsample.split(TABLE, folds=5, by="source")
    for name, side in fastsample.split(shuffled, folds=5, by="source").items():
        assert set(order[side.row_ids].tolist()) == set(sides[name].row_ids.tolist())


def test_each_row_of_a_rare_value_has_the_same_chance() -> None:
    """Thirty values of a row each, and more: a side of a quarter has a quarter of each."""
    values = [*range(30), *np.repeat(np.arange(30, 35), 2), *[35] * 20]
    table = pa.table({"text": [f"文{row}" for row in range(60)], "kind": values})
    counts = np.zeros(60)
    for seed in range(800):
        side = fastsample.split(table, {"valid": 0.25, "train": 0.75}, by="kind", seed=seed)[
            "valid"
        ]
        assert len(side) == 15
        counts[side.row_ids] += 1
    mean = 800 / 4
    assert ((counts - mean) ** 2 / (mean * 0.75)).sum() < quantile_999(60)


def beyond(rows: int, quota: Fraction) -> int:
    """Return how far a number of rows is from its share, rounded down or up."""
    return max(rows - math.ceil(quota), math.floor(quota) - rows, 0)


def talks(
    rng: np.random.Generator, sizes: list[int], mixed: bool = False
) -> tuple[pa.Table, list[int]]:
    """Return rows of whole talks, of the labels a, b and c; with `mixed` each row has its own."""
    talk = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    of = rng.choice(["a", "b", "c"], sum(sizes) if mixed else len(sizes), p=[0.6, 0.3, 0.1])
    labels = of if mixed else of[talk]
    return pa.table({"talk": talk, "label": labels.tolist()}), talk.tolist()


@given(
    sizes=st.lists(st.integers(1, 9), min_size=12, max_size=120),
    folds=st.integers(2, 5),
    kind=st.sampled_from(["group", "texts", "mixed"]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=100)
def test_what_stays_together_does_so_and_sizes_come_first(
    sizes: list[int], folds: int, kind: str, seed: int
) -> None:
    table, talk = talks(np.random.default_rng(seed), sizes, kind == "mixed")
    options: dict[str, Any] = {"group": "talk"}
    if kind == "texts":
        table = table.append_column("text", pa.array([f"文{each}" for each in talk]))
        options = {"text_columns": ["text"]}
    plain = fastsample.split(table, folds=folds, seed=seed, **options)
    sides = fastsample.split(table, folds=folds, seed=seed, by="label", **options)
    assert [len(side) for side in sides.values()] == [len(side) for side in plain.values()]
    of: dict[int, set[str]] = defaultdict(set)
    for name, side in sides.items():
        for row in side.row_ids:
            of[talk[row]].add(name)
    assert all(len(names) == 1 for names in of.values())
    found, labels = cells(table, sides, "label"), Counter(table["label"].to_pylist())
    for name, side in sides.items():
        off = [
            beyond(found[name][label], Fraction(len(side) * rows, sum(sizes)))
            for label, rows in labels.items()
        ]
        told = [note for note in side.report.notes if "of label have" in note]
        rows = {0: "", 1: "a row"}.get(max(off), f"up to {max(off)} rows")
        assert len(told) == (max(off) > 0)
        assert not told or told[0].startswith(
            f"{sum(map(bool, off))} of {len(off)} values of label have {rows} more or fewer"
        )
    if kind == "mixed":
        several = {each for each in talk if len({*_labels(table, each)}) > 1}
        notes = sides["fold1"].report.notes
        assert any(f"{len(several):,} groups of equal talk have" in note for note in notes) == bool(
            several
        )


def _labels(table: pa.Table, talk: int) -> list[str]:
    labels: list[str] = table.filter(pc.equal(table["talk"], talk))["label"].to_pylist()
    return labels


def test_groups_of_one_size_are_divided_as_well_as_can_be() -> None:
    """In units of groups each cell is its share rounded."""
    table, _ = talks(np.random.default_rng(2), [7] * 143)
    labels = Counter(table["label"].to_pylist())
    for seed in range(10):
        sides = fastsample.split(table, folds=5, by="label", group="talk", seed=seed)
        for name, counts in cells(table, sides, "label").items():
            for label, rows in labels.items():
                quota = len(sides[name]) * rows / len(table) / 7
                assert counts[label] / 7 in (math.floor(quota), math.ceil(quota))


def test_talks_of_many_lengths_are_stratified_nearly_exactly() -> None:
    rng = np.random.default_rng(5)
    for seed in range(10):
        table, _ = talks(rng, rng.integers(1, 8, 300).tolist())
        labels = Counter(table["label"].to_pylist())

        def furthest(sides: fastsample.Split, labels: Any = labels, table: Any = table) -> float:
            off = [
                abs(counts[label] - rows * sum(counts.values()) / len(table))
                for counts in cells(table, sides, "label").values()
                for label, rows in labels.items()
            ]
            return float(max(off))

        plain = fastsample.split(table, folds=5, group="talk", seed=seed)
        sides = fastsample.split(table, folds=5, by="label", group="talk", seed=seed)
        assert 3 * furthest(sides) < furthest(plain)


def order_of(table: pa.Table, **options: Any) -> list[int]:
    """Return the rows in the order in which samples of growing size take them."""
    order: list[int] = []
    there = int(options.pop("there"))
    for n in range(1, there + 1):
        drawn = set(fastsample.sample(table, n, **options).row_ids.tolist())
        order += sorted(drawn - set(order))
    return order


@pytest.mark.parametrize("smart", [False, True])
@pytest.mark.parametrize("weight", [None, "score"])
@pytest.mark.parametrize("by", [None, "source"])
def test_the_first_side_has_the_best_of_what_is_left(
    smart: bool, weight: str | None, by: str | None
) -> None:
    if not smart and weight is None:
        return
    table = TABLE.slice(0, 120)
    table = table.set_column(
        2, "score", pa.array([0.0 if row % 10 == 3 else row % 7 + 0.5 for row in range(120)])
    )
    sizes = {"train": 50, "valid": 20, "test": 10}
    options: dict[str, Any] = {"smart": smart, "weight": weight, "seed": 3}
    sides = fastsample.split(table, sizes, by=by, **options)
    assert {name: len(side) for name, side in sides.items()} == sizes
    others = {row for name in ("valid", "test") for row in sides[name].row_ids.tolist()}
    assert len(others) == 30
    assert not others & set(sides["train"].row_ids.tolist())
    assert [side.report.weight for side in sides.values()] == [weight, None, None]
    assert (sides["train"].report.smart is not None) == smart
    values = table["source"].to_pylist()
    weighed = [row for row in range(120) if weight is None or row % 10 != 3]
    best: list[int] = []
    for value in dict.fromkeys(values) if by else [None]:
        rows = [row for row in weighed if by is None or values[row] == value]
        where = None
        if by is not None:
            where = "source IS NULL" if value is None else f"source = '{value}'"
        order = order_of(table, there=len(rows), where=where, **options)
        n = sizes["train"] if by is None else cells(table, sides)["train"][value]
        best += [row for row in order if row not in others][:n]
    assert sorted(best) == sides["train"].row_ids.tolist()
    if by:
        check_cells(
            {name: cells(table, sides)[name] for name in ("valid", "test")},
            {"valid": 20, "test": 10},
            cells(table, sides)["valid"] + cells(table, sides)["test"],
        )


def test_where_and_exclude_come_first() -> None:
    sides = fastsample.split(TABLE, {"a": 0.5, "b": 0.5}, by="source", where="score > 3")
    matching = [row for row, score in enumerate(TABLE["score"].to_pylist()) if score > 3]
    assert sorted(row for side in sides.values() for row in side.row_ids) == matching
    amounts = Counter(SOURCE[row] for row in matching)
    sizes = {name: len(side) for name, side in sides.items()}
    check_cells(cells(TABLE, sides), sizes, amounts)


def test_texts_of_several_sources_are_on_one_side() -> None:
    rng = np.random.default_rng(8)
    texts = [f"文{text}" for text in rng.integers(0, 150, 400)]
    table = pa.table({"text": texts, "source": rng.choice(["a", "b", "c"], 400).tolist()})
    sides = fastsample.split(
        table, {"train": 0.8, "valid": 0.2}, by="source", text_columns=["text"]
    )
    on = {name: {texts[row] for row in side.row_ids} for name, side in sides.items()}
    assert not on["train"] & on["valid"]
    assert sum(len(side) for side in sides.values()) == 400
    of: dict[str, set[str]] = defaultdict(set)
    for text, source in zip(texts, table["source"].to_pylist(), strict=True):
        of[text].add(source)
    mixed = sum(len(sources) > 1 for sources in of.values())
    (told,) = (note for note in sides["train"].report.notes if "several values" in note)
    assert told == (
        f"{mixed} equal texts have rows of several values of source; each counts as most of its "
        "rows do"
    )


def test_wrong_arguments_are_named() -> None:
    sizes = {"train": 0.8, "valid": 0.2}
    nulls = TABLE.set_column(2, "score", pa.array([None, *range(ROWS - 1)]))
    zeros = TABLE.set_column(2, "score", pa.array([0.0] * 300 + [1.0] * 300))
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (TABLE, {"by": "sauce"}, 'by: there is no column "sauce"'),
        (TABLE, {"by": []}, "by"),
        (TABLE, {"allocation": "equal"}, "name their column with by"),
        (TABLE, {"by": "source", "allocation": "most"}, "allocation"),
        (TABLE, {"by": "source", "allocation": {"wiki": 0.5}}, "sum to 0.5"),
        (TABLE, {"by": "source", "allocation": {"wiki": 0.5, "web": 0.5}}, '"web"'),
        (TABLE, {"by": "source", "allocation": {"wiki": 1.0}}, "have only"),
        (TABLE, {"weight": "score", "group": "source"}, "group and weight exclude each other"),
        (TABLE, {"weight": "score", "smart": "entropy"}, "weight and entropy exclude each other"),
        (TABLE, {"weight": "source"}, "weights are numbers"),
        (nulls, {"weight": "score"}, "null"),
    ]
    for table, options, message in cases:
        with pytest.raises((ValueError, TypeError, LookupError)) as caught:
            fastsample.split(table, sizes, **options)
        assert isinstance(caught.value, fastsample.FastSampleError)
        assert message in str(caught.value), options
    with pytest.raises(fastsample.ArgumentError, match=r"side 1 .* have a weight above 0"):
        fastsample.split(zeros, {"train": 290, "valid": 100}, weight="score")


def test_the_command_and_its_manifest(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "source.parquet")
    out = tmp_path / "out"
    command = ["split", "-i", str(source), "-o", str(out), "train=0.8", "valid=0.2"]
    options = ["--by", "source", "--allocation", "proportional", "--weight", "score"]
    run = CliRunner().invoke
    done = run(app, [*command, *options, "--json", "--manifest"])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    expected = fastsample.split(source, {"train": 0.8, "valid": 0.2}, by="source", weight="score")
    for name, side in expected.items():
        assert pq.read_table(out / f"{name}.parquet").equals(side.to_arrow())
        assert side.report.groups is not None
        assert told["sides"][name]["groups"] == side.report.groups.to_dict()
    assert told["weight"] == "score"
    again = fastsample.reproduce(out / "valid.parquet.manifest.json")
    assert np.array_equal(again.row_ids, expected["valid"].row_ids)
    done = run(app, [*command, *options, "--overwrite"])
    wiki = [cells(TABLE, expected)[name]["wiki"] for name in ("train", "valid")]
    rows = f"wiki train {wiki[0]}, valid {wiki[1]} of {SOURCE.tolist().count('wiki')}"
    assert rows in " ".join(done.stdout.split())
    assert all(len(line) <= 80 or str(out) in line for line in done.stdout.splitlines())
