"""`where`: draws from the rows that match a condition, with the three-valued logic of SQL."""

import datetime
import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import drawn_ids, stream, write_ipc, write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers_made import make

ROWS = 900


def _rows() -> dict[str, list[Any]]:
    rng = np.random.default_rng(8)

    def some(values: list[Any]) -> list[Any]:
        picked = rng.integers(0, len(values) + 1, ROWS).tolist()
        return [None if place == len(values) else values[place] for place in picked]

    return {
        "lang": some(["zh", "en", "de", "", "it's", "100%", "你好"]),
        "score": some([0.0, -0.0, 0.5, -1.5, 1e300, math.nan, math.inf, 0.1]),
        "stars": some([-5, -1, 0, 1, 2, 127]),
        "big": some([0, 1, 2**63, 2**64 - 1]),
        "good": some([True, False]),
        "price": some([Decimal("0.10"), Decimal("-2.55"), Decimal("99.99")]),
        "day": some([datetime.date(2024, 2, 29), datetime.date(1969, 12, 31)]),
    }


TYPES = {
    "lang": pa.string(),
    "score": pa.float64(),
    "stars": pa.int8(),
    "big": pa.uint64(),
    "good": pa.bool_(),
    "price": pa.decimal128(9, 2),
    "day": pa.date32(),
}
VALUES = _rows()
RECORDS = [dict(zip(VALUES, row, strict=True)) for row in zip(*VALUES.values(), strict=True)]
TABLE = pa.table(
    {"id": pa.array(range(ROWS), pa.int32())}
    | {name: pa.array(values, TYPES[name]) for name, values in VALUES.items()}
)

#: A condition on a row: True, False, or None where it is unknown.
Oracle = Callable[[dict[str, Any]], bool | None]


def _key(value: Any) -> Any:
    """Return what a value is ordered by: NaN is above all numbers."""
    if isinstance(value, float):
        return (math.isnan(value), 0.0 if math.isnan(value) else value)
    return (False, value) if isinstance(value, (int, Decimal)) else value


TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: _key(a) == _key(b),
    "!=": lambda a, b: _key(a) != _key(b),
    "<>": lambda a, b: _key(a) != _key(b),
    "<": lambda a, b: _key(a) < _key(b),
    "<=": lambda a, b: _key(a) <= _key(b),
    ">": lambda a, b: _key(a) > _key(b),
    ">=": lambda a, b: _key(a) >= _key(b),
}

LITERALS: dict[str, list[tuple[str, Any]]] = {
    "lang": [("'zh'", "zh"), ("''", ""), ("'it''s'", "it's"), ("'f'", "f"), ("'你好'", "你好")],
    "score": [("0", 0.0), ("0.5", 0.5), ("-2", -2.0), ("1e300", 1e300), (".1", 0.1)],
    "stars": [("0", 0), ("0.5", 0.5), ("-1.5", -1.5), ("127", 127), ("1e9", 10**9), ("-300", -300)],
    "big": [
        ("0", 0),
        ("-1", -1),
        ("9223372036854775808", 2**63),
        ("18446744073709551615.5", 2**64),
    ],
    "price": [("0.1", Decimal("0.1")), ("-2.555", Decimal("-2.555")), ("1e20", Decimal("1e20"))],
    "day": [
        ("'2024-02-29'", datetime.date(2024, 2, 29)),
        ("'1970-01-01'", datetime.date(1970, 1, 1)),
    ],
}


def _compare(column: str, sign: str, value: Any) -> Oracle:
    def holds(row: dict[str, Any]) -> bool | None:
        return None if row[column] is None else TESTS[sign](row[column], value)

    return holds


def _negated(oracle: Oracle) -> Oracle:
    def holds(row: dict[str, Any]) -> bool | None:
        found = oracle(row)
        return None if found is None else not found

    return holds


def _joined(first: Oracle, second: Oracle, decides: bool) -> Oracle:
    """Return AND (which False decides) or OR (which True decides)."""

    def holds(row: dict[str, Any]) -> bool | None:
        found = (first(row), second(row))
        if decides in found:
            return decides
        return None if None in found else not decides

    return holds


def _like(pattern: str, expression: str) -> tuple[str, Oracle]:
    fits = re.compile(expression, re.DOTALL)

    def holds(row: dict[str, Any]) -> bool | None:
        return None if row["lang"] is None else fits.fullmatch(row["lang"]) is not None

    return f"lang LIKE '{pattern}'", holds


def _is_long(row: dict[str, Any]) -> bool | None:
    return None if row["lang"] is None else len(row["lang"]) >= 3


_LONG: tuple[str, Oracle] = ("chars(lang) >= 3", _is_long)


@st.composite
def simple(draw: st.DrawFn) -> tuple[str, Oracle]:
    kind = draw(st.sampled_from(["compare", "compare", "in", "between", "null", "good", "other"]))
    column = draw(st.sampled_from(sorted(LITERALS)))
    literal = st.sampled_from(LITERALS[column])
    if kind == "compare":
        sign = draw(st.sampled_from(sorted(TESTS)))
        text, value = draw(literal)
        return f"{column} {sign} {text}", _compare(column, sign, value)
    if kind == "in":
        chosen = draw(st.lists(literal, min_size=1, max_size=4))
        found = _compare(column, "=", chosen[0][1])
        for _, value in chosen[1:]:
            found = _joined(found, _compare(column, "=", value), True)
        return f"{column} in ({', '.join(text for text, _ in chosen)})", found
    if kind == "between":
        (low, least), (high, most) = draw(literal), draw(literal)
        both = _joined(_compare(column, ">=", least), _compare(column, "<=", most), False)
        return f"{column} BETWEEN {low} AND {high}", both
    if kind == "null":
        return f'"{column}" IS NULL', lambda row: row[column] is None
    if kind == "good":
        return "good", lambda row: row["good"]
    return draw(st.sampled_from([_LONG, _like("%_n%", ".*.n.*"), _like(r"%\%", ".*%")]))


def _extend(inner: st.SearchStrategy[tuple[str, Oracle]]) -> st.SearchStrategy[tuple[str, Oracle]]:
    def join(parts: tuple[tuple[str, Oracle], tuple[str, Oracle], bool]) -> tuple[str, Oracle]:
        (one, first), (two, second), decides = parts
        return f"({one}) {'OR' if decides else 'and'} ({two})", _joined(first, second, decides)

    negated = inner.map(lambda part: (f"NOT ({part[0]})", _negated(part[1])))
    return negated | st.tuples(inner, inner, st.booleans()).map(join)


CONDITIONS = st.recursive(simple(), _extend, max_leaves=5)


def _matching(oracle: Oracle) -> list[int]:
    return [row for row, record in enumerate(RECORDS) if oracle(record) is True]


def _expected(matching: list[int], n: int, seed: int) -> list[int]:
    """Return the n rows that match and come first in a draw of all rows."""
    wanted, low, high = set(matching), n, ROWS
    while low < high:  # the smallest draw of all rows that has n of them
        middle = (low + high) // 2
        if len(wanted.intersection(drawn_ids(ROWS, middle, seed))) < n:
            low = middle + 1
        else:
            high = middle
    return sorted(wanted.intersection(drawn_ids(ROWS, low, seed)))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("where")
    parts = [
        write_parquet(TABLE.slice(0, 500), folder / "a.parquet", row_group_size=170),
        write_ipc(TABLE.slice(500), folder / "b.arrow", "lz4", 33),
    ]
    lang = TABLE.schema.get_field_index("lang")
    encoded = TABLE.set_column(lang, "lang", TABLE["lang"].combine_chunks().dictionary_encode())
    whole = write_parquet(TABLE, folder / "c.parquet", row_group_size=64, data_page_size=64)
    # Of row groups so small, the extremes rule many out.
    small = write_parquet(TABLE, folder / "d.parquet", row_group_size=2)
    large = TABLE.set_column(lang, "lang", TABLE["lang"].cast(pa.large_string()))
    return [parts, whole, small, encoded, large, TABLE]


@given(
    CONDITIONS,
    st.floats(0.01, 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 6),
    st.integers(1, 3),
)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    condition: tuple[str, Oracle],
    share: float,
    seed: int,
    layout: int,
    threads: int,
) -> None:
    where, oracle = condition
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    matching = _matching(oracle)
    n = max(1, int(len(matching) * share))
    if not matching:
        with pytest.raises(fastsample.ArgumentError, match="none of the 900 rows"):
            fastsample.sample(source, n, where=where, seed=seed)
        return
    drawn = fastsample.sample(source, n, where=where, seed=seed, columns=["id"], threads=threads)
    assert drawn.row_ids.tolist() == _expected(matching, n, seed), where
    assert drawn.to_arrow()["id"].to_pylist() == drawn.row_ids.tolist()
    report = drawn.report
    assert (report.rows, report.matching, report.where) == (ROWS, len(matching), where)


GERMAN = [row for row, lang in enumerate(VALUES["lang"]) if lang == "de"]


def test_a_condition_that_all_rows_match_changes_nothing() -> None:
    drawn = fastsample.sample(TABLE, 50, where="id >= 0")
    assert drawn.row_ids.tolist() == drawn_ids(ROWS, 50, 42)


def test_the_fraction_is_of_the_rows_that_match() -> None:
    drawn = fastsample.sample(TABLE, fraction=0.5, where="lang = 'de'", weights=True)
    n = round(len(GERMAN) / 2)
    assert drawn.row_ids.tolist() == _expected(GERMAN, n, 42)
    assert drawn.to_arrow()["_weight"].to_pylist() == [len(GERMAN) / n] * n
    assert f"0.5 of {len(GERMAN)}" in str(drawn.report)
    assert "lang = 'de'" in str(drawn.report)


def test_epochs_go_through_the_rows_that_match() -> None:
    epochs = fastsample.epochs(TABLE, 20, where="lang = 'de'")
    assert len(epochs) == len(GERMAN) // 20
    seen = [row for epoch in epochs for row in epoch.row_ids.tolist()]
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(GERMAN)
    assert epochs[0].row_ids.tolist() == _expected(GERMAN, 20, 42)
    later = epochs[len(epochs)]
    assert (len(later), later.report.matching) == (20, len(GERMAN))
    smart = fastsample.epochs(TABLE, 20, where="lang = 'de'", smart=True, text_columns=["lang"])
    rows = [row for epoch in smart for row in epoch.row_ids.tolist()]
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(GERMAN)


def test_smart_draws_take_rows_that_match(table: pa.Table) -> None:
    where = "chars(response) > 40"
    long = [row for row, text in enumerate(table["response"].to_pylist()) if len(text or "") > 40]
    drawn = fastsample.sample(table, 200, smart=True, where=where, weights=True)
    assert len(drawn) == 200
    assert set(drawn.row_ids.tolist()) <= set(long)
    off = fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0)
    plain = fastsample.sample(table, 200, where=where, weights=True)
    switched_off = fastsample.sample(table, 200, smart=off, where=where, weights=True)
    assert switched_off.to_arrow().equals(plain.to_arrow())
    every = fastsample.sample(table, len(long), smart=True, where=where, weights=True)
    assert every.row_ids.tolist() == long
    assert set(every.to_arrow()["_weight"].to_pylist()) == {1.0}


def test_weights_of_a_smart_draw_estimate_the_rows_that_match(table: pa.Table) -> None:
    where = "chars(response) > 40"
    long = sum(len(text or "") > 40 for text in table["response"].to_pylist())
    totals = [
        sum(drawn.to_arrow()["_weight"].to_pylist())
        for seed in range(60)
        for drawn in [
            fastsample.sample(table, 150, smart=True, where=where, weights=True, seed=seed)
        ]
    ]
    error = np.std(totals, ddof=1) / math.sqrt(len(totals))
    assert abs(np.mean(totals) - long) < 3.5 * error


def test_budgets_of_tokens_are_of_rows_that_match(tmp_path: Path, table: pa.Table) -> None:
    tokenizer = make("wordlevel", tmp_path / "tokenizer.json")
    where = "id < 1500 AND prompt IS NOT NULL"
    matching = {
        row
        for row, prompt in enumerate(table["prompt"].to_pylist())
        if row < 1500 and prompt is not None
    }
    lengths = fastsample.token_lengths(table, tokenizer)
    order = [fastsample.sample(table, n, where=where).row_ids.tolist() for n in (1, 2, 3)]
    for smart in (False, True):
        drawn = fastsample.sample(
            table, budget_tokens=900, tokenizer=tokenizer, where=where, smart=smart
        )
        rows = drawn.row_ids.tolist()
        assert set(rows) <= matching
        tokens = sum(lengths[rows].tolist())
        assert tokens == drawn.report.tokens
        assert tokens <= 900
        assert drawn.report.matching == len(matching)
    uniform = fastsample.sample(table, budget_tokens=900, tokenizer=tokenizer, where=where)
    assert all(set(first) <= set(uniform.row_ids.tolist()) for first in order)


def test_sides_of_a_split_match(table: pa.Table) -> None:
    sides = fastsample.split(table, {"train": 0.8, "valid": 0.2}, where="id < 1000")
    rows = [row for side in sides.values() for row in side.row_ids.tolist()]
    assert sorted(rows) == list(range(1000))
    assert sides["train"].report.matching == 1000
    with pytest.raises(fastsample.ArgumentError, match="only 1000 of 3000 rows match"):
        fastsample.split(table, {"train": 1001}, where="id < 1000")


def test_only_columns_of_the_condition_are_read_first(tmp_path: Path) -> None:
    path = write_parquet(TABLE, tmp_path / "rows.parquet", compression="none")
    column = (
        pq.ParquetFile(path).metadata.row_group(0).column(TABLE.schema.get_field_index("score"))
    )
    start = column.data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + column.total_compressed_size // 2] = b"\xff" * (
        column.total_compressed_size // 2
    )
    path.write_bytes(data)
    drawn = fastsample.sample(path, 5, where="lang = 'de'", columns=["id"])
    assert drawn.to_arrow()["id"].to_pylist() == _expected(GERMAN, 5, 42)
    with pytest.raises(fastsample.FastSampleError):
        fastsample.sample(path, 5, where="score > 0", columns=["id"])


def _with_damage(path: Path, groups: Sequence[int], column: str) -> None:
    """Overwrite the values of a column in some row groups."""
    data = bytearray(path.read_bytes())
    place = pq.read_schema(path).get_field_index(column)
    for group in groups:
        found = pq.ParquetFile(path).metadata.row_group(group).column(place)
        start = found.data_page_offset
        data[start : start + found.total_compressed_size] = b"\xff" * found.total_compressed_size
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("where", "groups"),
    [
        ("day = 4", [2, 3]),
        ("day IN (0, 7)", [0, 4]),
        ("day < 2", [0, 1]),
        ("NOT day >= 2", [0, 1]),
        ("day <= 1.5", [0, 1]),
        ("day > 7 OR day = 1", [0, 1, 4]),
        ("day >= 3 AND name <> '3'", [1, 2, 3, 4]),
        ("day BETWEEN 2 AND 3 AND name > '2'", [1, 2]),
        ("day IS NULL", [4]),
        ("day IS NOT NULL AND day > 100", []),
        ("name = '7'", [4]),
        ("score < 2", [0, 1]),
        # NaN is above all numbers.
        ("score > 7", [0, 1, 2, 3, 4]),
        ("chars(name) = 1 AND day = 7", [4]),
        ("name LIKE '7%'", [0, 1, 2, 3, 4]),
    ],
)
def test_row_groups_without_a_match_are_not_read(
    tmp_path: Path, where: str, groups: list[int]
) -> None:
    days = [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, None]
    rows = {"day": days, "name": [None if day is None else str(day) for day in days]}
    scores = [math.nan if day is None else day for day in days]
    table = pa.table({"id": range(15), **rows, "score": pa.array(scores, pa.float64())})
    path = write_parquet(table, tmp_path / "rows.parquet", row_group_size=3, use_dictionary=False)

    def matching() -> list[int] | str:
        try:
            drawn = fastsample.sample(path, 15, where=where, columns=["id"])
        except fastsample.ArgumentError as error:
            return str(error)
        return [*map(int, drawn.row_ids)]

    expected = matching()
    for column in ("day", "name", "score"):
        _with_damage(path, [group for group in range(5) if group not in groups], column)
    assert matching() == expected
    read = [column for column in ("day", "name", "score") if column in where]
    for group in groups:
        _with_damage(path, [group], read[0])
        with pytest.raises(fastsample.FastSampleError, match=path.name):
            matching()


def test_extremes_that_are_cut_are_still_bounds(tmp_path: Path) -> None:
    # Both share their first 64 bytes and more, at which statistics are cut.
    texts = ["你" * 40 + end for end in ("a", "b", "\U0010ffff", "")] + ["\U0010ffff" * 30, ""]
    table = pa.table({"text": texts * 3})
    path = tmp_path / "rows.parquet"
    fastsample.sample(table, 18).write_parquet(path)
    small = write_parquet(table, tmp_path / "small.parquet", row_group_size=1)
    for text in texts:
        for sign in TESTS:
            oracle = _compare("text", sign, text)
            expected = [row for row, other in enumerate(texts * 3) if oracle({"text": other})]
            for source in (path, small, table):
                if expected:
                    drawn = fastsample.sample(source, fraction=1, where=f"text {sign} '{text}'")
                    assert drawn.row_ids.tolist() == expected, (text, sign)


FAULTS = [
    ("", 1, "found the end, expected the name of a column"),
    ("lang =", 7, "found the end, expected a value"),
    ("lang = zh", 8, "write texts as 'zh'"),
    ('lang = "zh"', 8, "texts are in single quotes"),
    ("lang = 'zh", 8, "is not closed"),
    ("lang = NULL", 8, "IS NULL"),
    ("lang = 'zh' score > 1", 13, "expected AND, OR or the end"),
    ("(lang = 'zh'", 13, 'expected ")"'),
    ("'zh' = lang", 1, "come before the value"),
    ("你 = 1", 1, "there is no column"),
    ("lang = 'zh' AND 你好 > 1", 17, 'there is no column "你好"; the columns are id, lang'),
    ("lang > 5", 8, "write a text in single quotes"),
    ("score > '5'", 9, "write a number without quotes"),
    ("good > TRUE", 8, "= TRUE"),
    ("score", 1, "not TRUE or FALSE"),
    ("day = 5", 7, "a date or time in single quotes"),
    ("day = 'Monday'", 7, "a date is written as '2024-12-31'"),
    ("lang IN ()", 10, "expected a value"),
    ("lang IN ('a', NULL)", 15, "IS NULL"),
    ("score LIKE 'a'", 1, "LIKE takes text"),
    ("chars(score) > 1", 7, "chars takes text"),
    ("length(lang) > 1", 1, "the only one is chars"),
    ("lang NOT 5", 10, "IN, LIKE or BETWEEN"),
    ("lang IS 5", 9, "expected NULL"),
    ("score > 1.2.3", 9, "is no number"),
    ("score ! 1", 7, "!="),
    ("lang; drop", 5, "has no meaning"),
    ("(" * 100 + "good" + ")" * 100, 65, "levels"),
    ("NOT " * 10_000 + "good", 257, "levels"),
]


@pytest.mark.parametrize(
    ("where", "at", "message"), FAULTS, ids=[where[:30] for where, *_ in FAULTS]
)
def test_what_is_wrong_is_told_with_its_place(where: str, at: int, message: str) -> None:
    kind = fastsample.ColumnError if "there is no column" in message else fastsample.ArgumentError
    with pytest.raises(kind) as raised:
        fastsample.sample(TABLE, 5, where=where)
    assert str(raised.value).startswith(f"where, at character {at}: ")
    assert message in str(raised.value)


def test_more_rows_than_match_are_refused() -> None:
    with pytest.raises(fastsample.ArgumentError, match=f"only {len(GERMAN)} of 900 rows match"):
        fastsample.sample(TABLE, len(GERMAN) + 1, where="lang = 'de'")
    with pytest.raises(fastsample.SourceTypeError, match="where is 5; it must be a text"):
        fastsample.sample(TABLE, 5, where=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("in_file", [False, True])
def test_times_and_other_types(tmp_path: Path, in_file: bool) -> None:
    moments = [datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 2, 3, 4, 5), None]
    table = pa.table(
        {
            "at": pa.array(moments, pa.timestamp("ms")),
            "half": pa.array([0.1, 0.2, None], pa.float32()),
            "tags": pa.array([["a"], None, []]),
            "none": pa.nulls(3),
            "a b": pa.array([1, 2, 3]),
        }
    )

    source = table
    if in_file:
        source = write_parquet(table, tmp_path / "rows.parquet", row_group_size=1)

    def ids(where: str) -> list[int]:
        found: list[int] = fastsample.sample(source, fraction=1, where=where).row_ids.tolist()
        return found

    assert ids("at < '2024-01-02'") == [0]
    assert ids("at = '2024-01-02 03:04:05'") == [1]
    assert ids("half = 0.1") == [0]
    assert ids("tags IS NOT NULL") == [0, 2]
    assert ids("none IS NULL") == [0, 1, 2]
    assert ids('none > 5 OR "a b" = 3') == [2]
    with pytest.raises(fastsample.ArgumentError, match="is finer than the column"):
        ids("at = '2024-01-02 03:04:05.0005'")
    with pytest.raises(fastsample.ArgumentError, match="only texts, numbers, dates"):
        ids("tags = 'a'")


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "rows.parquet")
    out = tmp_path / "out.parquet"
    command = ["sample", "-i", str(source), "-o", str(out), "--where", "lang = 'de'"]
    done = CliRunner().invoke(app, [*command, "-n", "20", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["where"], report["matching"]) == ("lang = 'de'", len(GERMAN))
    assert pq.read_table(out)["id"].to_pylist() == _expected(GERMAN, 20, 42)
    done = CliRunner().invoke(app, [*command, "-n", "500"])
    assert done.exit_code == 0
    assert f"only {len(GERMAN)} rows match; keeping all" in " ".join(done.stderr.split())
    assert pq.read_table(out)["id"].to_pylist() == GERMAN
    done = CliRunner().invoke(app, [*command[:-1], "lang = ", "-n", "5"])
    assert done.exit_code == 2
    assert "at character 8" in done.stderr
    sides = ["split", "a=10", "-i", str(source), "-o", str(tmp_path / "sides")]
    done = CliRunner().invoke(app, [*sides, "--where", "lang = 'de'", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["matching"] == len(GERMAN)
