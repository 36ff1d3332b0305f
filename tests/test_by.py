"""`by`: of each group of rows its own number, exact by the method of the largest remainder."""

import datetime
import json
import math
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from allocated import Group, divided
from click.testing import CliRunner
from data import in_two, quantile_999, run_fresh, stream, write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 800
RNG = np.random.default_rng(4)
SOURCES = [
    ("wiki", "code", "chat", None, "旧书")[place]
    for place in RNG.choice(5, ROWS, p=[0.5, 0.3, 0.15, 0.04, 0.01])
]
STARS = RNG.integers(0, 3, ROWS).tolist()
GOOD = [(True, False, None)[place] for place in RNG.integers(0, 3, ROWS)]
COLUMNS: dict[str, list[Any]] = {"source": SOURCES, "stars": STARS, "good": GOOD}
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int32()),
        "source": pa.array(SOURCES, pa.string()),
        "stars": pa.array(STARS, pa.int8()),
        "good": pa.array(GOOD, pa.bool_()),
    }
)


def groups_of(by: list[str]) -> dict[Group, list[int]]:
    """Return the rows of each group, groups by their first row."""
    groups: dict[Group, list[int]] = defaultdict(list)
    for row, values in enumerate(zip(*(COLUMNS[name] for name in by), strict=True)):
        groups[values].append(row)
    return groups


def drawn_by(groups: dict[Group, list[int]], amounts: dict[Group, int], seed: int) -> list[int]:
    """Return of each group the rows with the smallest hashes."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))

    def number(row: int) -> int:
        return xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)

    return sorted(
        row for group, rows in groups.items() for row in sorted(rows, key=number)[: amounts[group]]
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("by")
    parts = in_two(TABLE, 300, folder, row_group_size=70)
    encoded = TABLE.set_column(1, "source", TABLE["source"].combine_chunks().dictionary_encode())
    large = TABLE.set_column(1, "source", TABLE["source"].cast(pa.large_string()))
    whole = write_parquet(large, folder / "c.parquet", row_group_size=64, data_page_size=64)
    return [parts, whole, encoded, large, TABLE]


@given(
    st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3, unique=True),
    st.sampled_from(["proportional", "equal", "sqrt", 1, 1.5, 3.3, 40.0, "shares"]),
    st.integers(1, ROWS),
    st.integers(0, 2**64 - 1),
    st.integers(0, 5),
    st.integers(1, 3),
    st.data(),
)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    by: list[str],
    allocation: str | float,
    n: int,
    seed: int,
    layout: int,
    threads: int,
    data: st.DataObject,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    groups = groups_of(by)
    rows = {group: len(places) for group, places in groups.items()}
    given_: Any = allocation
    if allocation in ("proportional", 1):
        weights = {group: Fraction(count) for group, count in rows.items()}
    elif allocation == "equal":
        weights = dict.fromkeys(rows, Fraction(1))
    elif allocation == "sqrt":
        weights = {group: Fraction(math.isqrt(count << 60)) for group, count in rows.items()}
    elif not isinstance(allocation, str):
        # To the last bits but some: sums of them are never as near to a tie.
        weights = {group: Fraction(count ** (1 / allocation)) for group, count in rows.items()}
    else:
        chosen = data.draw(st.lists(st.sampled_from(list(rows)), min_size=1, unique=True))
        parts = data.draw(st.lists(st.integers(1, 20), min_size=len(chosen), max_size=len(chosen)))
        shares = [round(part / sum(parts), 12) for part in parts]
        shares[0] = round(1 - sum(shares[1:]), 12)
        given_ = {
            group if len(by) > 1 else group[0]: share
            for group, share in zip(chosen, shares, strict=True)
        }
        weights = {g: Fraction(repr(share)) for g, share in zip(chosen, shares, strict=True)}
        n = min(n, sum(rows[group] for group in chosen))
    drawn = fastsample.sample(
        source, n, by=by, allocation=given_, seed=seed, columns=["id"], threads=threads
    )
    amounts = divided(n, rows, weights)
    assert drawn.row_ids.tolist() == drawn_by(groups, amounts, seed)
    assert drawn.to_arrow()["id"].to_pylist() == drawn.row_ids.tolist()
    found = drawn.report.groups
    assert found is not None
    assert found.count == len(groups)
    assert [(group.rows, group.drawn) for group in found.largest] == [
        (rows[group], amounts[group]) for group in sorted(rows, key=lambda group: -rows[group])
    ]
    assert (found.short > 0) == (found.moved > 0)


def test_a_group_too_small_passes_its_share_on() -> None:
    groups = groups_of(["source"])
    drawn = fastsample.sample(TABLE, 500, by="source", allocation="equal")
    counts = Counter(SOURCES[row] for row in drawn.row_ids.tolist())
    small = {group[0]: len(rows) for group, rows in groups.items() if len(rows) <= 100}
    assert {name: counts[name] for name in small} == small
    assert counts["wiki"] == counts["code"] or abs(counts["wiki"] - counts["code"]) <= 1
    found = drawn.report.groups
    assert found is not None
    assert found.short == len(small)
    assert found.moved == sum(100 - rows for rows in small.values())
    assert f"gave {found.moved:,} rows in their place" in str(drawn.report)


def test_groups_are_named_by_their_values() -> None:
    day = datetime.date(2024, 5, 6)
    table = pa.table(
        {
            "day": pa.array([day, None, day, day]),
            "half": pa.array([0.0, -0.0, 0.5, None]),
            "flag": pa.array([True, True, False, None]),
        }
    )
    halves = fastsample.sample(table, 3, by="half", allocation="equal").report.groups
    assert halves is not None
    assert [(group.values, group.rows) for group in halves.largest] == [
        (("0.0",), 2),
        (("0.5",), 1),
        ((None,), 1),
    ]
    drawn = fastsample.sample(table, 1, by=["day", "flag"], allocation={(day, False): 1})
    assert drawn.row_ids.tolist() == [2]
    drawn = fastsample.sample(table, 2, by="flag", allocation={None: 0.5, True: 0.5})
    assert len(set(drawn.row_ids.tolist()) & {0, 1}) == 1
    assert 3 in drawn.row_ids.tolist()


def test_it_goes_with_where_fraction_and_smart(table: pa.Table) -> None:
    kinds = pa.array([f"kind {row % 7 % 3}" for row in range(table.num_rows)])
    table = table.append_column("kind", kinds)
    drawn = fastsample.sample(
        table, fraction=0.1, by="kind", allocation="equal", where="id < 2000 AND kind != 'kind 2'"
    )
    counts = Counter(table["kind"].to_pylist()[row] for row in drawn.row_ids.tolist())
    matching = sum(row % 7 % 3 != 2 for row in range(2000))
    assert sum(counts.values()) == round(matching / 10)
    assert set(counts) == {"kind 0", "kind 1"}
    assert abs(counts["kind 0"] - counts["kind 1"]) <= 1
    assert max(drawn.row_ids.tolist()) < 2000
    smart = fastsample.sample(table, 300, by="kind", allocation="equal", smart=True)
    counts = Counter(table["kind"].to_pylist()[row] for row in smart.row_ids.tolist())
    assert set(counts.values()) == {100}
    for kind in counts:
        alone = fastsample.sample(table, 100, where=f"kind = '{kind}'", smart=True)
        mine = [row for row in smart.row_ids.tolist() if kinds[row].as_py() == kind]
        # Which of equal rows is drawn may differ: a copy elsewhere comes first or not.
        assert len(set(mine) & set(alone.row_ids.tolist())) >= 99
    off = fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0)
    plain = fastsample.sample(table, 300, by="kind").row_ids.tolist()
    assert fastsample.sample(table, 300, by="kind", smart=off).row_ids.tolist() == plain


def test_weights_estimate_totals_of_the_source() -> None:
    totals = []
    for seed in range(40):
        drawn = fastsample.sample(
            TABLE, 200, by="source", allocation="equal", weights=True, seed=seed
        )
        rows = drawn.to_arrow()
        weights = rows["_weight"].to_numpy()
        by_group: Counter[str | None] = Counter()
        for name, weight in zip(rows["source"].to_pylist(), weights, strict=True):
            by_group[name] += weight
        expected = Counter(SOURCES)
        assert all(abs(by_group[name] - expected[name]) < 1e-6 for name in expected)
        totals.append(float(np.dot(weights, rows["stars"].to_numpy())))
    error = np.std(totals, ddof=1) / math.sqrt(len(totals))
    assert abs(np.mean(totals) - sum(STARS)) < 3.5 * error


def test_every_row_of_a_group_has_the_same_chance() -> None:
    wiki = groups_of(["source"])[("wiki",)]
    seen: Counter[int] = Counter()
    for seed in range(400):
        drawn = fastsample.sample(TABLE, 100, by="source", seed=seed, allocation={"wiki": 1.0})
        seen.update(drawn.row_ids.tolist())
    assert set(seen) <= set(wiki)
    expected = 400 * 100 / len(wiki)
    # Draws without replacement: counts vary by the share that is not drawn.
    spread = expected * (1 - 100 / len(wiki))
    chi_square = sum((seen[row] - expected) ** 2 for row in wiki) / spread
    assert chi_square < quantile_999(len(wiki) - 1)


MEMORY = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
import fastsample
fastsample.sample(sys.argv[1], 1000, by="few")
before = peak()
s = fastsample.sample(sys.argv[1], 300_000, by="many", allocation="equal", threads=2)
print(peak() - before, s.report.groups.count, len(s))
"""


def test_many_groups_need_little_memory(tmp_path: Path) -> None:
    rows = 600_000
    table = pa.table({"many": pa.array([f"group {row // 2:012d}" for row in range(rows)])})
    table = table.append_column("few", pa.array([str(row % 3) for row in range(rows)]))
    path = write_parquet(table, tmp_path / "rows.parquet", row_group_size=100_000)
    grown, count, drawn = run_fresh(MEMORY, path)
    assert (count, drawn) == (rows // 2, 300_000)
    assert grown < 160 * 2**20


FAULTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"by": "sauce"}, fastsample.ColumnError, 'by: there is no column "sauce"; the columns are id'),
    ({"by": []}, fastsample.ColumnError, "by is empty"),
    ({"by": ["stars", "stars"]}, fastsample.ColumnError, "twice"),
    ({"by": 5}, fastsample.SourceTypeError, "by is 5"),
    ({"by": "source", "allocation": "even"}, fastsample.ArgumentError, "'equal' or 'sqrt'"),
    ({"by": "source", "allocation": 0.5}, fastsample.ArgumentError, "0.5; it must be from 1 to"),
    ({"by": "source", "allocation": math.nan}, fastsample.ArgumentError, "nan; it must be from 1"),
    ({"by": "source", "allocation": True}, fastsample.SourceTypeError, "a temperature such as"),
    ({"by": "source", "allocation": [5]}, fastsample.SourceTypeError, "map groups to shares"),
    ({"by": "source", "allocation": {}}, fastsample.ArgumentError, "allocation is empty"),
    (
        {"by": "source", "allocation": {"wiki": 0.7, "code": 0.2}},
        fastsample.ArgumentError,
        "shares of allocation sum to 0.9",
    ),
    (
        {"by": "source", "allocation": {"wiki": 0.7, "books": 0.3}},
        fastsample.ArgumentError,
        'names group "books", which no row is in; groups are "wiki", "code", "chat", null',
    ),
    (
        {"by": "source", "allocation": {"wiki": 1.7, "code": -0.7}},
        fastsample.ArgumentError,
        "the share of 'wiki' is 1.7",
    ),
    ({"by": "source", "allocation": {0.5: 1}}, fastsample.SourceTypeError, "names the group 0.5"),
    (
        {"by": ["source", "stars"], "allocation": {"wiki": 1}},
        fastsample.ArgumentError,
        "a group is a tuple of 2 values",
    ),
    ({"allocation": "equal"}, fastsample.ArgumentError, "name their column with by"),
    (
        {"by": "source", "allocation": {"旧书": 1.0}},
        fastsample.ArgumentError,
        "the groups that may give some have only",
    ),
    (
        {"by": "source", "smart": True, "weights": True, "text_columns": ["source"]},
        fastsample.ArgumentError,
        "have no weights",
    ),
]


@pytest.mark.parametrize(("options", "kind", "message"), FAULTS)
def test_what_makes_no_sense_is_refused(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as raised:
        fastsample.sample(TABLE, 100, **options)
    assert message in str(raised.value)


def test_nested_columns_make_no_groups() -> None:
    table = pa.table({"tags": pa.array([["a"], ["b"]])})
    with pytest.raises(fastsample.ColumnError, match="rows are grouped by columns of texts"):
        fastsample.sample(table, 1, by="tags")


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    out = tmp_path / "out.parquet"
    command = ["sample", "-i", str(source), "-o", str(out), "-n", "100", "--by", "source"]
    done = CliRunner().invoke(app, [*command, "--allocation", "wiki=0.7,code=0.3", "--json"])
    assert done.exit_code == 0, done.output
    groups = json.loads(done.stdout)["groups"]
    assert groups["largest"][0] == {
        "values": ["wiki"],
        "rows": SOURCES.count("wiki"),
        "drawn": 70,
        "tokens": None,
    }
    assert groups["unnamed"] == 3
    assert Counter(pq.read_table(out)["source"].to_pylist()) == {"wiki": 70, "code": 30}
    done = CliRunner().invoke(app, [*command, "--by", "stars"])
    assert done.exit_code == 0, done.output
    assert "by source, stars, proportional" in " ".join(done.stdout.split())
    for wrong in ("wiki=a", "even"):
        done = CliRunner().invoke(app, [*command, "--allocation", wrong])
        assert done.exit_code == 2, wrong


def test_values_of_groups_are_in_the_order_of_by() -> None:
    for by in (["stars", "source"], ["source", "stars"]):
        largest = fastsample.sample(TABLE, 50, by=by).report.groups
        assert largest is not None
        rows = {group: len(places) for group, places in groups_of(by).items()}
        found = {tuple(group.values): group.rows for group in largest.largest}
        expected = {
            tuple(None if value is None else str(value) for value in group): count
            for group, count in rows.items()
        }
        assert found == expected
