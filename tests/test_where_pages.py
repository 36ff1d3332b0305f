"""`where`: pages in which no row can match are not read, and what is drawn stays the same."""

import math
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import write_parquet
from fastsample import parts
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import web_server

GROUP = 60_000
ROWS = 2 * GROUP + 30_000
RNG = np.random.default_rng(11)


def _table() -> pa.Table:
    place = np.arange(ROWS)
    day = pa.array(place // 500, mask=(place % 997 == 0) | (place // 5000 == 3))
    score = np.where(place % 40_000 < 30, math.nan, np.sort(RNG.normal(0, 1, ROWS)))
    words = [f"词{number:06}" for number in place // 700 * 7]
    return pa.table(
        {
            "id": place,
            "day": day,
            "score": score,
            "small": pa.array(score, pa.float32()),
            "word": pa.array(words),
            "kind": pa.array(words).dictionary_encode(),
            "grade": pa.array(np.where(np.isnan(score), 5, score)).dictionary_encode(),
            "back": place[::-1].astype("uint64") + 2**63,
            "good": place // 9000 % 3 == 0,
            "date": pa.array((place // 1000).astype("int32"), pa.date32()),
            "price": pa.array(place // 100).cast(pa.decimal128(21, 2)),
            "noise": RNG.integers(0, 5, ROWS),
        }
    )


TABLE = _table()
CONDITIONS = st.one_of(
    st.tuples(st.just("day"), st.integers(-3, 320)),
    st.tuples(
        st.sampled_from(["score", "small", "grade"]), st.floats(-3, 3).map(lambda x: round(x, 3))
    ),
    st.tuples(st.sampled_from(["word", "kind"]), st.integers(0, 1600).map(lambda n: f"'词{n:06}'")),
    st.tuples(st.just("back"), st.integers(2**63 - 5, 2**63 + ROWS)),
    st.tuples(st.just("date"), st.integers(0, 160).map(lambda n: f"'{np.datetime64(n, 'D')}'")),
    st.tuples(st.just("price"), st.integers(-100, 160_000).map(lambda cents: cents / 100)),
    st.tuples(st.just("noise"), st.integers(-1, 6)),
).flatmap(
    lambda pair: st.one_of(
        st.sampled_from(["=", "<>", "<", "<=", ">", ">="]).map(
            lambda sign: f"{pair[0]} {sign} {pair[1]}"
        ),
        st.just(f"{pair[0]} IS NULL"),
        st.just(f"{pair[0]} IN ({pair[1]})"),
        st.just(f"good AND {pair[0]} = {pair[1]}"),
    )
)
JOINED = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join),
        inner.map(lambda text: f"NOT ({text})"),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the same rows with an index of pages: small ones, and those of our writer."""
    folder = tmp_path_factory.mktemp("pages")
    pages: dict[str, Any] = {"write_page_index": True, "data_page_size": 4096}
    small = write_parquet(
        TABLE, folder / "small.parquet", row_group_size=GROUP, write_batch_size=512, **pages
    )
    own = folder / "own.parquet"
    fastsample.sample(TABLE, ROWS).write_parquet(own, row_group_size=GROUP)
    return [small, own]


def drawn(source: Any, where: str, **options: Any) -> list[int] | str:
    """Return the rows that match, or the error."""
    try:
        found = fastsample.sample(source, fraction=1, where=where, columns=["id"], **options)
    except fastsample.ArgumentError as error:
        return str(error)
    return found.row_ids.tolist()  # type: ignore[no-any-return]


@given(JOINED, st.integers(0, 1), st.integers(1, 3))
@settings(deadline=None, max_examples=100)
def test_rows_are_those_that_a_scan_finds(
    files: list[Path], where: str, layout: int, threads: int
) -> None:
    """Rows in memory have no pages, so all of them are looked at."""
    assert drawn(files[layout], where, threads=threads) == drawn(TABLE, where), where


def test_extremes_of_dictionaries_leave_room_for_nan(tmp_path: Path) -> None:
    values = pa.array([1.0, math.nan, 2.0, 3.0] * 5).dictionary_encode()
    table = pa.table({"id": range(20), "score": values})
    path = write_parquet(table, tmp_path / "rows.parquet", row_group_size=2)
    assert drawn(path, "score > 2.5") == drawn(table, "score > 2.5")
    assert len(drawn(path, "score > 2.5")) == 10


def _damaged(path: Path, column: str, share: tuple[float, float]) -> None:
    """Overwrite a share of the data pages of a column in the first row group."""
    data = bytearray(path.read_bytes())
    place = pq.read_schema(path).get_field_index(column)
    found = pq.ParquetFile(path).metadata.row_group(0).column(place)
    start, size = found.data_page_offset, found.total_compressed_size
    if found.has_dictionary_page:
        size -= start - found.dictionary_page_offset
    first, last = (start + int(size * part) for part in share)
    data[first:last] = b"\xff" * (last - first)
    path.write_bytes(data)


#: Rows at the beginning of the file.
FIRST = [
    "id < 9000",
    "id BETWEEN 1000 AND 9000 AND noise = 3",
    "id < 100 OR id IN (300, 7000)",
    "NOT id >= 9000",
    "day = 3",
    "word = '词000007'",
    "kind <= '词000010'",
    "date BETWEEN '1970-01-02' AND '1970-01-03'",
    "price <= 12.5",
    f"back > {2**63 + ROWS - 5000}",
    "score < -2",
    "small < -2",
    "grade < -2",
]


@pytest.mark.parametrize("where", FIRST)
@pytest.mark.parametrize("own", [False, True])
def test_pages_without_a_match_are_not_read(
    files: list[Path], tmp_path: Path, where: str, own: bool
) -> None:
    path = tmp_path / "rows.parquet"
    expected = drawn(files[own], where)
    assert isinstance(expected, list)
    column = where.removeprefix("NOT ").split(" ")[0]
    path.write_bytes(files[own].read_bytes())
    _damaged(path, column, (0.6, 1.0))
    assert drawn(path, where) == expected
    for others in (f"NOT ({where})", f"{where} OR noise = 3"):
        with pytest.raises(fastsample.CorruptDataError, match=path.name):
            drawn(path, others)


def test_a_damaged_index_is_passed_over(tmp_path: Path) -> None:
    """A column index has no checksum; one that makes no sense says nothing."""
    path = write_parquet(
        TABLE.select(["id", "word"]).slice(0, GROUP), tmp_path / "rows.parquet",
        write_page_index=True, data_page_size=4096, write_batch_size=512,
    )  # fmt: skip
    where = "word = '词000350' OR id < 7"
    expected = drawn(path, where)
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little") + 8
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    end = chunk.data_page_offset + chunk.total_compressed_size
    data = bytearray(path.read_bytes())
    indexes = range(end, len(data) - footer)
    assert len(indexes) > 1000
    for start in indexes[::97]:
        damaged = data.copy()
        damaged[start : start + 97] = bytes(RNG.integers(0, 256, 97, dtype=np.uint8))
        path.write_bytes(damaged)
        try:
            found = drawn(path, where)
        except fastsample.FastSampleError:
            continue
        assert isinstance(found, list)
        assert set(found) <= set(expected)
    path.write_bytes(bytes(data[: indexes[0]]) + bytes(len(indexes)) + bytes(data[-footer:]))
    assert drawn(path, where) == expected


def test_parts_read_no_page_without_a_match(files: list[Path], tmp_path: Path) -> None:
    where = "day BETWEEN 70 AND 90 AND noise = 1"
    expected = drawn(files[0], where)
    path = tmp_path / "rows.parquet"
    path.write_bytes(files[0].read_bytes())
    _damaged(path, "day", (0, 0.25))
    job = parts.Draw(path, len(expected), where=where, target_bytes=100_000)
    states = [job.observe(part) for part in job.parts]
    assert len(states) > 1
    decision = job.decide(parts.merge(states))
    while not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]
        decision = job.decide(parts.merge(states), decision)
    found = [int(row) for part in job.parts for row in job.row_ids(part, decision)]
    assert found == expected
    assert decision.matching == len(expected)


@pytest.mark.cloud
def test_pages_without_a_match_are_not_fetched() -> None:
    """Of an object far away only the index and the pages that may match come over the network."""
    noise = RNG.bytes(100 * 60_000).hex()
    texts = [f"{row:06} {noise[200 * row : 200 * row + 200]}" for row in range(60_000)]
    table = pa.table({"id": range(60_000), "text": texts})
    where = "text BETWEEN '030000' AND '031000'"
    fetched = {}
    with web_server() as web:
        for has_index in (True, False):
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, write_page_index=has_index, data_page_size=1 << 16)
            web.files[f"/{has_index}.parquet"] = sink.getvalue().to_pybytes()
            web.ranges.clear()
            found = fastsample.sample(f"{web.url}/{has_index}.parquet", fraction=1, where=where)
            assert found.row_ids.tolist() == list(range(30_000, 31_000))
            fetched[has_index] = sum(last - first for first, last in web.ranges)
    # The footer and its surroundings come in any case.
    assert fetched[True] < 2 << 20 < 5 << 20 < fetched[False]
