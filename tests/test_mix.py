"""`mix`: of each source its share, exact, in an order that is even at every prefix."""

import json
import math
import pickle
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import drawn_ids, plain, stream, write_ipc, write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixtures_made import (
    SIZES,
    TABLES,
    given_shares,
    laid_out,
    largest_remainder,
    mixed_rows,
    passes,
)


def check_prefixes(of: list[str], numbers: dict[str, int]) -> float:
    """Hold that each source has its share at every prefix, and return the largest deviation."""
    n, bound = len(of), 1 - 1 / max(2 * sum(map(bool, numbers.values())) - 2, 2)
    worst = 0.0
    for name, number in numbers.items():
        seen = np.cumsum(np.array(of) == name)
        off = np.abs(seen - np.arange(1, n + 1) * number / n)
        worst = max(worst, float(off.max()))
    assert worst <= bound + 1e-9
    return worst


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    return laid_out(tmp_path_factory.mktemp("mix"))


@given(
    st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 30), min_size=4, max_size=4),
    st.sampled_from(["error", "stop", "renormalise", "repeat"]),
    st.integers(1, 700),
    st.integers(0, 2**64 - 1),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
    st.sampled_from([1, 2, 8]),
)
@settings(
    deadline=None, max_examples=90, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_mixture_is_that_of_plain_python(
    layouts: dict[str, list[Any]],
    names: list[str],
    parts: list[int],
    exhausted: str,
    n: int,
    seed: int,
    kinds: list[int],
    threads: int,
) -> None:
    shares = given_shares(parts[: len(names)])
    rows = [SIZES[name] for name in names]
    weights = [Fraction(repr(share)) for share in shares]
    if exhausted == "renormalise":
        asked = n = min(n, sum(rows))
        numbers = largest_remainder(n, weights, rows)
    else:
        asked, most = n, min(math.floor(r / w) for r, w in zip(rows, weights, strict=True))
        if exhausted == "error":
            asked = n = max(1, min(n, most))
        elif exhausted == "stop" and any(map(int.__gt__, largest_remainder(n, weights), rows)):
            n = most
        numbers = largest_remainder(n, weights)
    sources = {
        name: (layouts[name][kind] if kind < 5 else stream(TABLES[name], 17), share)
        for name, kind, share in zip(names, kinds, shares, strict=False)
    }
    drawn = fastsample.mix(sources, asked, exhausted=exhausted, seed=seed, threads=threads)
    ids = [passes(SIZES[name], number, seed) for name, number in zip(names, numbers, strict=True)]
    wanted = mixed_rows(names, ids)
    assert plain(drawn).to_pylist() == wanted
    assert [each.tolist() for each in drawn.source_ids.values()] == ids
    of = [row["source"] for row in wanted]
    check_prefixes(of, dict(zip(names, numbers, strict=True)))
    report = drawn.report
    assert (len(drawn), report.rows, report.sampled) == (n, sum(rows), n)
    assert any("the mixture ends at" in note for note in report.notes) == (n < asked)
    for each, number, share, size in zip(report.sources, numbers, shares, rows, strict=True):
        assert (each.rows, each.drawn, each.wanted) == (size, number, share)
        assert (each.share, each.epochs) == (number / n, number / size)


@given(
    st.floats(1, 1000),
    st.integers(1, 200),
    st.lists(st.sampled_from(sorted(TABLES)), min_size=2, max_size=4, unique=True),
)
@settings(deadline=None, max_examples=60)
def test_shares_by_size_and_temperature(temperature: float, n: int, names: list[str]) -> None:
    with localcontext(prec=60):
        power = 1 / Decimal(temperature)
        weights = [Fraction(Decimal(SIZES[name]) ** power) for name in names]
    rows = [SIZES[name] for name in names]
    n = min(n, sum(rows))
    sources = {name: TABLES[name] for name in names}
    drawn = fastsample.mix(sources, n, temperature=temperature, exhausted="renormalise")
    found = [each.drawn for each in drawn.report.sources]
    # Weights have 39 bits: a tie that is closer may fall the other way.
    near = largest_remainder(n, weights, rows)
    assert sum(found) == n
    assert found == near or max(abs(a - b) for a, b in zip(found, near, strict=True)) == 1
    plain_size = fastsample.mix({name: (TABLES[name], None) for name in names}, n)
    sizes = [each.drawn for each in plain_size.report.sources]
    assert sizes == largest_remainder(n, [Fraction(size) for size in rows])


def test_many_sources_are_even_at_every_prefix() -> None:
    table = pa.table({"id": range(4000)})
    parts = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
    shares = given_shares(parts)
    sources = {str(place): (table, share) for place, share in enumerate(shares)}
    drawn = fastsample.mix(sources, 9973, columns=["id"])
    of = drawn.to_arrow()["source"].to_pylist()
    numbers = {each.name: each.drawn for each in drawn.report.sources}
    assert sum(numbers.values()) == 9973
    assert check_prefixes(of, numbers) < 1
    # Numbers are whole, so of the shares as they were asked for the bound is wider.
    for place, share in enumerate(shares):
        seen = np.cumsum(np.array(of) == str(place))
        assert np.abs(seen - np.arange(1, 9974) * share).max() < 2


def two(**options: Any) -> fastsample.Mixture:
    sources = {"wiki": (TABLES["wiki"], 0.6), "code": (TABLES["code"], 0.4)}
    return fastsample.mix(sources, **{"n": 200, "seed": 3, **options})


def test_files_have_the_rows_in_their_order(tmp_path: Path) -> None:
    drawn = two()
    rows = plain(drawn).to_pylist()
    drawn.write_parquet(tmp_path / "o.parquet", row_group_size=33)
    assert plain(pq.read_table(tmp_path / "o.parquet")).to_pylist() == rows
    drawn.write_ipc(tmp_path / "o.arrow")
    assert plain(fastsample.Dataset(tmp_path / "o.arrow").to_arrow()).to_pylist() == rows
    drawn.write_jsonl(tmp_path / "o.jsonl")
    lines = (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    report = drawn.write_parquet(tmp_path / "s.parquet", shards=3)
    shards = pa.concat_tables(pq.read_table(file.path) for file in report.files)
    assert plain(shards).to_pylist() == rows
    assert drawn.to_pandas()["id"].tolist() == [row["id"] for row in rows]
    assert drawn[5] == rows[5]


@pytest.mark.parametrize("limit", [None, 1, 20_000])
@pytest.mark.parametrize("exhausted", ["error", "repeat"])
def test_a_shuffle_keeps_the_places_of_sources(
    limit: int | None, exhausted: str, tmp_path: Path
) -> None:
    drawn = two(n=200 if exhausted == "error" else 1000, exhausted=exhausted)
    drawn.write_parquet(tmp_path / "o.parquet", shuffle=True, memory_limit=limit)
    found = pq.read_table(tmp_path / "o.parquet")
    plain_order = drawn.to_arrow()
    assert found["source"].to_pylist() == plain_order["source"].to_pylist()
    for name in ("wiki", "code"):
        own = [row["id"] for row in found.to_pylist() if row["source"] == name]
        ids = drawn.source_ids[name].tolist()
        assert own != ids
        assert sorted(own) == sorted(ids)
        size = SIZES[name]
        for start in range(0, len(own), size):  # a pass stays a pass
            assert sorted(own[start : start + size]) == sorted(ids[start : start + size])
        alone = fastsample.sample(TABLES[name], min(size, len(own)), seed=3)
        alone.write_parquet(tmp_path / "alone.parquet", shuffle=True)
        assert own[:size] == pq.read_table(tmp_path / "alone.parquet")["id"].to_pylist()
        if exhausted == "repeat":
            assert own[:size] != own[size : 2 * size]


def test_the_cache_knows_mixtures_apart(tmp_path: Path) -> None:
    files = [
        write_parquet(TABLES[name].select(["id", "text"]), tmp_path / f"{name}.parquet")
        for name in ("wiki", "chat")
    ]

    def cached(first: str, second: str) -> fastsample.Dataset:
        sources = {first: (files[0], 0.75), second: (files[1], 0.25)}
        return fastsample.mix(sources, 40).cache(tmp_path / "cache")

    one, same, other = cached("a", "b"), cached("a", "b"), cached("b", "a")
    assert one.path == same.path != other.path
    assert one[0]["source"] == "a"
    assert other[0]["source"] == "b"
    assert one.to_hf()["source"][:4] == one.to_arrow()["source"][:4].to_pylist()
    # Rows in memory have no file that could tell them apart.
    changed = TABLES["chat"].set_column(1, "text", pa.array(["b"] * 40))
    paths = [
        fastsample.mix({"a": (files[0], 0.75), "b": (table, 0.25)}, 40).cache(tmp_path).path
        for table in (TABLES["chat"], changed, TABLES["chat"])
    ]
    assert paths[0] == paths[2] != paths[1]


def test_a_pickled_mixture_has_its_rows_and_ids() -> None:
    drawn = two()
    again = pickle.loads(pickle.dumps(drawn))
    assert again.to_arrow().equals(drawn.to_arrow())
    assert again.report == drawn.report
    for name, ids in drawn.source_ids.items():
        assert again.source_ids[name].tolist() == ids.tolist()


def test_columns_are_those_of_all_sources() -> None:
    drawn = two()
    assert drawn.schema.names == ["id", "text", "lang", "score", "source"]
    assert [each.missing for each in drawn.report.sources] == [("score",), ("lang",)]
    assert "code has no column lang: null in its rows" in drawn.report.notes
    chosen = two(columns=["score", "id"], source_column="of")
    assert chosen.schema.names == ["score", "id", "of"]
    assert two(columns=["lang"], source_column=None).schema.names == ["lang"]
    # A column of that name that is not kept is not in the way.
    named = TABLES["chat"].append_column("source", pa.array(["x"] * 40))
    drawn = fastsample.mix({"a": named, "b": named}, 10, columns=["id"])
    assert set(drawn.to_arrow()["source"].to_pylist()) == {"a", "b"}
    with pytest.raises(fastsample.ColumnError, match=r'"source" already; .* source_column='):
        fastsample.mix({"a": named, "b": TABLES["chat"]}, 10)


def test_a_source_without_any_column_that_is_kept(tmp_path: Path) -> None:
    path = write_parquet(TABLES["wiki"], tmp_path / "wiki.parquet")
    lines = tmp_path / "chat.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in TABLES["chat"].to_pylist()))
    ipc = write_ipc(TABLES["chat"], tmp_path / "chat.arrow")
    for other in (lines, ipc, TABLES["chat"]):
        drawn = fastsample.mix({"a": (path, 0.5), "b": (other, 0.5)}, 60, columns=["lang"])
        langs = drawn.to_arrow().to_pylist()
        assert [row["lang"] for row in langs if row["source"] == "b"] == [None] * 30


def test_columns_that_may_not_be_null_are_filled() -> None:
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False)])
    strict = pa.table({"id": range(9)}, schema=schema)
    drawn = fastsample.mix({"a": strict, "b": pa.table({"x": range(9)})}, 18)
    assert drawn.to_arrow()["id"].null_count == 9
    assert not fastsample.mix({"a": strict, "b": strict}, 18).schema.field("id").nullable


def test_types_that_do_not_fit_are_named() -> None:
    other = pa.table({"id": ["a", "b"], "text": ["x", "y"]})
    with pytest.raises(fastsample.SchemaError, match=r'^source "b": column "id" is Utf8 here'):
        fastsample.mix({"a": (TABLES["chat"], 0.5), "b": (other, 0.5)}, 2)


def test_dictionaries_of_all_sources_fit_or_say_so() -> None:
    def words(letter: str, count: int) -> pa.Table:
        values = pa.array([f"{letter}{word % count}" for word in range(200)])
        column = values.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
        return pa.table({"word": column})

    few = fastsample.mix({"a": words("a", 40), "b": words("b", 40)}, 400)
    assert len(set(few.to_arrow()["word"].to_pylist())) == 80
    many = fastsample.mix({"a": words("a", 100), "b": words("b", 100)}, 400)
    with pytest.raises(fastsample.SchemaError, match=r'"word" has more distinct values'):
        many.to_arrow()


def test_files_of_values_fit_to_typed_ones(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("id,text\n" + "".join(f"{row},line {row}\n" for row in range(60)))
    drawn = fastsample.mix({"csv": (rows, 0.5), "chat": (TABLES["chat"], 0.5)}, 60)
    ids = [row["id"] for row in drawn.to_arrow().to_pylist() if row["source"] == "csv"]
    assert ids == drawn_ids(60, 30, 42)


def test_a_sample_is_a_source() -> None:
    part = fastsample.sample(TABLES["wiki"], 100, where="lang = 'zh'")
    drawn = fastsample.mix({"zh": (part, 0.8), "chat": (TABLES["chat"], 0.2)}, 100)
    zh = [row for row in drawn.to_arrow().to_pylist() if row["source"] == "zh"]
    assert len(zh) == 80
    assert {row["lang"] for row in zh} == {"zh"}


def test_an_input_is_not_replaced_and_a_change_is_told(tmp_path: Path) -> None:
    path = write_parquet(TABLES["chat"], tmp_path / "chat.parquet")
    drawn = fastsample.mix({"a": (TABLES["wiki"], 0.5), "b": (path, 0.5)}, 20)
    with pytest.raises(fastsample.OutputError):
        drawn.write_parquet(path)
    write_parquet(TABLES["wiki"], path)
    with pytest.raises(fastsample.SourceChangedError):
        drawn.to_arrow()
    with pytest.raises(fastsample.SourceChangedError):
        drawn.write_parquet(tmp_path / "o.parquet", shuffle=True)
    assert [file.name for file in tmp_path.iterdir()] == ["chat.parquet"]


CHAT = TABLES["chat"]
EMPTY = CHAT.slice(0, 0)
WRONG: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ({"a": (CHAT, 0.5), "b": (CHAT, 0.4)}, {}, fastsample.ArgumentError, r"sum to 0\.9"),
    ({"a": (CHAT, 0.5), "b": CHAT}, {}, fastsample.ArgumentError, "'b' has no share"),
    ({"a": (CHAT, 1.5)}, {}, fastsample.ArgumentError, "share of 'a' is 1.5"),
    ({"a": (CHAT, float("nan"))}, {}, fastsample.ArgumentError, "share of 'a' is nan"),
    ({"a": (CHAT, "0.5")}, {}, fastsample.SourceTypeError, "list of sources"),
    ({"a": (CHAT, True)}, {}, fastsample.SourceTypeError, "share of 'a' is True"),
    ({"a": EMPTY}, {}, fastsample.ArgumentError, r'source "a" has 0 rows'),
    ({}, {}, fastsample.ArgumentError, "sources is empty"),
    ([CHAT], {}, fastsample.SourceTypeError, "must map names"),
    ({3: CHAT}, {}, fastsample.SourceTypeError, "name of a source"),
    ({"a": 3}, {}, fastsample.SourceTypeError, "can't draw rows"),
    ({"a": CHAT}, {"n": 41}, fastsample.ArgumentError, "at most 40 rows"),
    (
        {"a": (TABLES["wiki"], 0.5), "b": (CHAT, 0.5)},
        {"n": 100},
        fastsample.ArgumentError,
        r'"b" has 40 rows, but its share of 100 rows is 50; ask for at most 80 rows, or .*'
        r'"renormalise".*"repeat"',
    ),
    (
        {"a": (CHAT, 0.5), "b": (CHAT, 0.5)},
        {"n": 81, "exhausted": "renormalise"},
        fastsample.ArgumentError,
        "only 80 rows",
    ),
    (
        {"a": CHAT},
        {"n": 121, "exhausted": "repeat", "max_epochs": 3},
        fastsample.ArgumentError,
        "120 rows with max_epochs=3.* at most 120",
    ),
    ({"a": CHAT}, {"max_epochs": 2}, fastsample.ArgumentError, 'pass exhausted="repeat"'),
    ({"a": (CHAT, 1)}, {"temperature": 2}, fastsample.ArgumentError, "shares are given"),
    ({"a": CHAT}, {"temperature": 0.5}, fastsample.ArgumentError, "from 1 to 1000"),
    ({"a": CHAT}, {"columns": ["nope"]}, fastsample.ColumnError, '"nope" in any source'),
    ({"a": CHAT}, {"columns": ["id", "id"]}, fastsample.ColumnError, "asked for twice"),
    ({"a": CHAT}, {"columns": []}, fastsample.ColumnError, "columns= is empty"),
    ({"a": CHAT}, {"source_column": ""}, fastsample.ArgumentError, "source_column is empty"),
    (
        {"a": CHAT},
        {"n": 2**54, "exhausted": "repeat"},
        fastsample.ArgumentError,
        "can be mixed",
    ),
]


@pytest.mark.parametrize(("sources", "options", "error", "message"), WRONG)
def test_what_can_not_be_mixed_says_why(
    sources: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fastsample.mix(sources, **{"n": 10, **options})


def test_all_remedies_of_the_error_work() -> None:
    sources: dict[str, Any] = {"a": (TABLES["wiki"], 0.5), "b": (CHAT, 0.5)}
    numbers = [
        [each.drawn for each in fastsample.mix(sources, **options).report.sources]
        for options in (
            {"n": 80},
            {"n": 100, "exhausted": "stop"},
            {"n": 100, "exhausted": "renormalise"},
            {"n": 100, "exhausted": "repeat"},
        )
    ]
    assert numbers == [[40, 40], [40, 40], [60, 40], [50, 50]]


def test_a_source_of_share_0_gives_nothing() -> None:
    drawn = fastsample.mix({"a": (CHAT, 1.0), "b": (TABLES["wiki"], 0.0)}, 20)
    assert drawn.to_arrow()["source"].to_pylist() == ["a"] * 20
    assert drawn.source_ids["b"].tolist() == []
