"""`group`: rows of equal values are drawn, or split, all together."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from click.testing import CliRunner
from data import in_two, quantile_999, stream, write_parquet
from fastsample import ArgumentError
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 900
RNG = np.random.default_rng(5)
#: Conversations of 1 to some 30 rows, not side by side; some rows belong to none.
TALKS = [
    None if talk == 0 else f"talk {talk}" for talk in RNG.zipf(1.6, ROWS).clip(max=300) * 7 % 149
]
SITES = [("a", "b", None)[place] for place in RNG.integers(0, 3, ROWS)]
COLUMNS: dict[str, list[Any]] = {"talk": TALKS, "site": SITES}
TABLE = pa.table({"id": range(ROWS), "talk": TALKS, "site": pa.array(SITES, pa.string())})


def groups_of(by: list[str], rows: list[int]) -> dict[tuple[Any, ...], list[int]]:
    """Return the rows of each group; a row of nulls is one by itself."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in rows:
        values = tuple(COLUMNS[name][row] for name in by)
        groups[(row,) if set(values) == {None} else values].append(row)
    return groups


def number(values: tuple[Any, ...], seed: int) -> int:
    """Return the random number of a group: of its values alone."""

    def word(value: int) -> bytes:
        return value.to_bytes(8, "little")

    if isinstance(values[0], int):
        packed = word(2**64 - 2) + word(values[0])
    else:
        texts = [None if value is None else value.encode() for value in values]
        packed = b"".join(
            word(2**64 - 1) if text is None else word(len(text)) + text for text in texts
        )
    high, low = divmod(xxhash.xxh3_128_intdigest(packed), 2**64)
    key = xxhash.xxh3_64_intdigest(b"groups", seed=xxhash.xxh3_64_intdigest(word(seed)))
    return xxhash.xxh3_64_intdigest(word(high ^ low), seed=key)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("group")
    parts = in_two(TABLE, 300, folder, row_group_size=70)
    encoded = TABLE.set_column(1, "talk", TABLE["talk"].combine_chunks().dictionary_encode())
    return [parts, encoded, TABLE]


@given(
    by=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=2, unique=True),
    n=st.integers(1, 400),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 3),
    threads=st.integers(1, 3),
    condition=st.booleans(),
)
@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    by: list[str],
    n: int,
    seed: int,
    layout: int,
    threads: int,
    condition: bool,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    where = "id >= 200" if condition else None
    groups = groups_of(by, list(range(200 if condition else 0, ROWS)))
    expected: list[int] = []
    for values in sorted(groups, key=lambda values: number(values, seed)):
        if len(groups[values]) <= n - len(expected):
            expected += groups[values]
    drawn = fastsample.sample(source, n, group=by, where=where, seed=seed, threads=threads)
    assert drawn.row_ids.tolist() == sorted(expected)
    whole, *short = drawn.report.notes
    found = len({values for values, rows in groups.items() if rows[0] in expected})
    assert whole.startswith(f"{found:,} of {len(groups):,} groups of equal {', '.join(by)}")
    assert bool(short) == (len(expected) < n)
    assert drawn.report.group == tuple(by)


def test_the_order_of_rows_does_not_matter() -> None:
    table = TABLE.filter(pa.compute.is_valid(TABLE["talk"]))
    turned = table.take(RNG.permutation(table.num_rows))
    for n in (20, 200):
        found, other = (
            fastsample.sample(some, n, group="talk").to_arrow() for some in (table, turned)
        )
        assert sorted(found["id"].to_pylist()) == sorted(other["id"].to_pylist())


def test_each_group_has_the_same_chance() -> None:
    table = pa.table({"talk": [row // 4 for row in range(240)]})
    counts = np.zeros(60)
    for seed in range(600):
        rows = fastsample.sample(table, 60, group="talk", seed=seed).row_ids
        counts[rows[::4] // 4] += 1
    mean = 600 * 15 / 60
    assert ((counts - mean) ** 2 / (mean * 0.75)).sum() * 59 / 60 < quantile_999(59)


def test_a_sample_of_whole_groups_is_never_too_large() -> None:
    table = pa.table({"talk": [row // 4 for row in range(240)]})
    drawn = fastsample.sample(table, fraction=0.105, group="talk")
    assert len(drawn) == 24
    assert drawn.report.notes[1] == "24 rows, not 25: no other group fits in whole"
    with pytest.raises(ArgumentError, match="3 rows are asked for, but the smallest group has 4"):
        fastsample.sample(table, 3, group="talk")


def sides_of(sides: fastsample.Split, by: list[str]) -> dict[tuple[Any, ...], str]:
    """Return the side of each group, which is on one whole or on none."""
    side_of = {int(row): name for name, side in sides.items() for row in side.row_ids}
    assert len(side_of) == sum(map(len, sides.values()))
    found = {}
    for values, rows in groups_of(by, list(range(ROWS))).items():
        names = {side_of.get(row) for row in rows}
        assert len(names) == 1
        found[values] = names.pop() or ""
    return found


@given(
    by=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=2, unique=True),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 2),
)
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_group_is_on_two_sides(
    sources: list[Any], by: list[str], share: float, seed: int, layout: int
) -> None:
    sizes = {"train": 1 - share, "valid": share}
    sides = fastsample.split(sources[layout], sizes, group=by, seed=seed)
    assert "" not in sides_of(sides, by).values()
    for side, wanted in zip(
        sides.values(), (ROWS - round(share * ROWS), share * ROWS), strict=True
    ):
        # There are rows that are groups by themselves, so the shares are met.
        assert abs(len(side) - wanted) <= 1
        assert side.report.group == tuple(by)
        assert not side.report.notes


def test_sides_of_large_groups_are_the_nearest_and_say_so() -> None:
    table = pa.table({"talk": [row // 30 for row in range(300)]})
    sides = fastsample.split(table, {"train": 0.8, "valid": 0.1, "test": 0.1}, group="talk")
    assert [len(side) for side in sides.values()] == [240, 30, 30]
    sides = fastsample.split(table, {"train": 0.75, "valid": 0.25}, group="talk")
    assert [len(side) for side in sides.values()] in ([240, 60], [210, 90])
    note = r"rows, not 75: the nearest that keeps groups of equal talk together"
    assert note in sides["valid"].report.notes[0]
    with pytest.raises(
        ArgumentError, match="groups of equal talk stay whole; whole groups make 60 or 90 rows"
    ):
        fastsample.split(table, {"valid": 75}, group="talk")


def test_small_sides_have_no_larger_groups_than_others() -> None:
    """An exact size is not bought by a choice of large groups."""
    sizes = [2 + row * row % 39 for row in range(200)]
    table = pa.table({"talk": np.repeat(np.arange(200), sizes)})
    means = []
    for seed in range(40):
        side = fastsample.split(table, {"train": 0.8, "valid": 0.2}, group="talk", seed=seed)
        found = Counter(table["talk"].take(side["valid"].row_ids).to_pylist())
        means.append(np.mean(list(found.values())))
    assert abs(np.mean(means) / np.mean(sizes) - 1) < 0.1


def test_a_group_larger_than_a_fold_has_one_for_itself() -> None:
    groups = groups_of(["talk"], list(range(ROWS)))
    sizes = sorted((len(rows) for rows in groups.values()), reverse=True)
    giants: list[int] = []
    while sizes[len(giants)] > (ROWS - sum(giants)) / (5 - len(giants)):
        giants.append(sizes[len(giants)])
    assert giants
    folds = fastsample.split(TABLE, folds=5, group="talk")
    found = sorted(map(len, folds.values()), reverse=True)
    assert found[: len(giants)] == giants
    others = found[len(giants) :]
    assert sum(others) == ROWS - sum(giants)
    assert others[0] - others[-1] <= len(giants)  # shares are rounded after each


@pytest.mark.parametrize("group", [None, "talk"])
def test_folds(group: str | None) -> None:
    talks = pa.array(RNG.integers(0, 200, ROWS))
    table = TABLE.set_column(1, "talk", talks).append_column(
        "prompt", pa.array([f"question {row // 2}" for row in range(ROWS)])
    )
    folds = fastsample.split(table, folds=5, group=group, columns=["id"])
    assert list(folds) == ["fold1", "fold2", "fold3", "fold4", "fold5"]
    assert [len(side) for side in folds.values()] == [180] * 5
    validated = []
    for train, valid in folds.pairs():
        ids = [side.to_arrow()["id"].to_pylist() for side in (train, valid)]
        assert sorted(ids[0] + ids[1]) == list(range(ROWS))
        assert ids[0] == train.row_ids.tolist() == sorted(ids[0])
        assert train.report.sampled == len(train) == 720
        validated += ids[1]
    assert sorted(validated) == list(range(ROWS))
    some = fastsample.split(table, folds=3, where="id < 300", group=group)
    assert all(max(train.row_ids) < 300 for train, _ in some.pairs())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"sizes": {"a": 5}, "folds": 2}, "sizes and folds exclude each other"),
        ({"folds": 1}, "folds is 1; it must be from 2"),
        ({"folds": 2, "group": "talk", "smart": True}, "group and smart exclude"),
        ({"folds": 2, "group": "talk", "near_duplicates": True}, "group and near_duplicates"),
        ({"folds": 2, "group": "talk", "text_columns": ["talk"]}, "group and text_columns"),
        ({"folds": 2, "group": []}, "group is empty"),
        ({"folds": 2, "group": ["talk", "talk"]}, 'group names column "talk" twice'),
        ({"folds": 2, "group": "tlak"}, "tlak"),
        (
            {"folds": 200, "group": "site", "where": "site IS NOT NULL"},
            "groups of equal site stay whole",
        ),
    ],
)
def test_bad_arguments_of_split(options: dict[str, Any], error: str) -> None:
    with pytest.raises(fastsample.FastSampleError, match=error):
        fastsample.split(TABLE, **options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"smart": "entropy"}, "group and entropy exclude"),
        ({"weights": True}, "known for a number of groups alone"),
        ({"group": []}, "group is empty"),
        ({"group": "tlak"}, "tlak"),
    ],
)
def test_bad_arguments_of_sample(options: dict[str, Any], error: str) -> None:
    with pytest.raises(fastsample.FastSampleError, match=error):
        fastsample.sample(TABLE, 50, **{"group": "talk", **options})


def test_the_command_line(tmp_path: Path) -> None:
    source = str(write_parquet(TABLE, tmp_path / "rows.parquet"))
    out = str(tmp_path / "out.parquet")
    words = ["sample", "-i", source, "-o", out, "-n", "50", "--group", "talk", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["group"] == ["talk"]
    assert found["rows_after"] == len(fastsample.sample(TABLE, 50, group="talk"))
    folder = str(tmp_path / "folds")
    words = ["split", "-i", source, "-o", folder, "--folds", "3", "--group", "site", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["group"] == ["site"]
    rows = [len(side) for side in fastsample.split(TABLE, folds=3, group="site").values()]
    assert [side["rows"] for side in found["sides"].values()] == rows
    done = CliRunner().invoke(app, ["split", "-i", source, "-o", folder])
    assert done.exit_code != 0
