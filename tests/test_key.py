"""`key`: which rows are drawn depends on a column, whatever the order of rows and files."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from click.testing import CliRunner
from data import quantile_999, stream
from drawn_in_parts import WRITERS, decide, ids_of, write_files
from fastsample import ArgumentError, ColumnError
from fastsample.cli import app
from fastsample.parts import Draw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 700
KEYS = [f"行-{row}" for row in range(ROWS)]


def number(key: str, seed: int) -> int:
    """Return the random number of a key."""
    data = key.encode()
    digest = xxhash.xxh3_128_intdigest(len(data).to_bytes(8, "little") + data)
    folded = (digest >> 64) ^ (digest & (2**64 - 1))
    of_seed = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    of_use = xxhash.xxh3_64_intdigest(b"groups", seed=of_seed)
    return xxhash.xxh3_64_intdigest(folded.to_bytes(8, "little"), seed=of_use)


def smallest(keys: list[str], n: int, seed: int) -> set[str]:
    return set(sorted(keys, key=lambda key: number(key, seed))[:n])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_same_keys_come_of_any_order_files_and_formats(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows, seed = data.draw(st.integers(1, ROWS)), data.draw(st.integers(0, 2**64 - 1))
    n = data.draw(st.integers(1, rows))
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(rows)
    table = pa.table({"id": KEYS[:rows], "place": range(rows)}).take(order)
    form = data.draw(st.sampled_from([*WRITERS, "table", "stream", "large"]))
    if form in WRITERS:
        cuts = data.draw(st.lists(st.integers(0, rows), max_size=4))
        source: Any = write_files(tmp_path_factory.mktemp("key") / "s", table, form, cuts)
    elif form == "stream":
        source = stream(table)
    else:
        types = pa.schema([("id", pa.large_string()), ("place", pa.int64())])
        source = table.cast(types) if form == "large" else table
    threads = data.draw(st.sampled_from([1, 2, 8]))
    drawn = fastsample.sample(source, n, key="id", seed=seed, threads=threads)
    expected = smallest(KEYS[:rows], n, seed)
    assert set(drawn.to_arrow()["id"].to_pylist()) == expected
    assert len(drawn) == n
    assert drawn.report.key == "id"
    assert {table["id"][int(row)].as_py() for row in drawn.row_ids} == expected
    if form in WRITERS:
        size = data.draw(st.sampled_from(["1KiB", "4KiB", "1MiB"]))
        job = Draw(source, n, key="id", seed=seed, target_bytes=size)
        decision = decide(job, data.draw(st.integers(0, 99)))
        assert np.array_equal(ids_of(job, decision), drawn.row_ids)


def test_keys_of_any_plain_type_are_their_texts(tmp_path: Path) -> None:
    numbers = pa.table({"id": pa.array(range(300), pa.int32())})
    texts = pa.table({"id": [str(row) for row in reversed(range(300))]})
    lines = write_files(tmp_path / "s", numbers, "csv", (100,))
    expected = set(map(int, smallest([str(row) for row in range(300)], 40, 42)))
    for source in (numbers, texts, texts.cast(pa.schema([("id", pa.string_view())])), lines):
        found = fastsample.sample(source, 40, key="id").to_arrow()["id"]
        assert set(map(int, found.to_pylist())) == expected


def test_it_is_a_draw_of_groups_of_one_row() -> None:
    table = pa.table({"id": KEYS, "score": range(ROWS)})
    for n, where in ((50, None), (699, None), (700, None), (80, "score > 400")):
        by_key = fastsample.sample(table, n, key="id", where=where, columns=["score"])
        of_groups = fastsample.sample(table, n, group="id", where=where)
        assert np.array_equal(by_key.row_ids, of_groups.row_ids)
        assert by_key.to_arrow().column_names == ["score"]
        assert by_key.report.matching == of_groups.report.matching


def test_smaller_samples_are_parts_of_larger_ones() -> None:
    table = pa.table({"id": KEYS})
    few = set(fastsample.sample(table, 60, key="id").row_ids.tolist())
    assert few < set(fastsample.sample(table, fraction=0.3, key="id").row_ids.tolist())


def test_rows_of_one_key_are_drawn_together_or_refused(tmp_path: Path) -> None:
    table = pa.table({"id": [f"{row // 3}" for row in range(300)], "row": range(300)})
    source = write_files(tmp_path / "s", table, "parquet", (100,))
    drawn = fastsample.sample(source, 60, key="id")
    assert set(Counter(drawn.to_arrow()["id"].to_pylist()).values()) == {3}
    job = Draw(source, 60, key="id", target_bytes="1KiB")
    assert np.array_equal(ids_of(job, decide(job)), drawn.row_ids)
    told = r"rows \d+ and \d+ have the same key in column \"id\", and n = 61 ends between them"
    with pytest.raises(ArgumentError, match=told) as alone:
        fastsample.sample(source, 61, key="id")
    one, other = map(int, re.findall(r"rows (\d+) and (\d+)", str(alone.value))[0])
    assert one // 3 == other // 3
    with pytest.raises(ArgumentError, match=told):
        decide(Draw(source, 61, key="id", target_bytes="1KiB"))


def test_most_rows_may_have_one_key() -> None:
    table = pa.table({"id": ["same"] * 500 + [f"{row}" for row in range(20)]})
    rank = sorted(["same", *(f"{row}" for row in range(20))], key=lambda key: number(key, 42))
    n = rank.index("same") + 500
    drawn = fastsample.sample(table, n, key="id")
    assert set(drawn.to_arrow()["id"].to_pylist()) == set(rank[: rank.index("same") + 1])


def test_keys_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    rows = {"id": ["a", "b", None, "c"] * 5, "turns": [[1]] * 20, "n": range(20)}
    source = write_files(tmp_path / "s", pa.table(rows), "parquet", (10,))
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"key": "id"}, ArgumentError, r"column \"id\" is null in row \d+; each row needs a key"),
        ({"key": "nope"}, ColumnError, r"key: there is no column \"nope\"; the columns are id,"),
        ({"key": "turns"}, ColumnError, r"key: column \"turns\" is .*columns of texts, numbers"),
        ({"key": "n", "by": "id"}, ArgumentError, "key and by exclude each other"),
        ({"key": "n", "smart": True}, ArgumentError, "key and smart exclude each other"),
        ({"key": "n", "weight": "n"}, ArgumentError, "key and weight exclude each other"),
    ]
    for options, kind, told in cases:
        with pytest.raises(kind, match=told):
            fastsample.sample(source, 3, **options)
        with pytest.raises(kind, match=told):
            decide(Draw(source, 3, target_bytes=1, **options))
    for options in ({"group": "id"}, {"replace": True}, {"weights": True}):
        with pytest.raises(ArgumentError, match=r"key and \w+ exclude each other: a draw by key"):
            fastsample.sample(source, 3, key="n", **options)
    where = "id IS NOT NULL"
    assert len(fastsample.sample(source, 15, key="id", where=where)) == 15


def test_all_keys_have_the_same_chance() -> None:
    table = pa.table({"id": [f"key {row}" for row in range(30)]})
    draws, n = 1500, 6
    drawn = [fastsample.sample(table, n, key="id", seed=seed).row_ids for seed in range(draws)]
    counts = np.bincount(np.concatenate(drawn), minlength=30)
    expected = draws * n / 30
    # Of draws without replacement the statistic is smaller by this factor.
    chi2 = ((counts - expected) ** 2 / expected).sum() * 29 / (30 - n)
    assert chi2 < quantile_999(29)
    pairs = sum({3, 4} <= set(rows.tolist()) for rows in drawn)
    chance = n * (n - 1) / (30 * 29)
    assert abs(pairs - draws * chance) < 4 * (draws * chance) ** 0.5


def test_the_command_line(tmp_path: Path) -> None:
    source = write_files(tmp_path / "s", pa.table({"id": KEYS}), "parquet", (300,))
    out = tmp_path / "out.csv"
    words = ["--input", source, "--output", out, "--num_samples", 50, "--key", "id", "--json"]
    done = CliRunner().invoke(app, ["sample", *map(str, words)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["key"] == "id"
    assert set(out.read_text().split()[1:]) == smallest(KEYS, 50, 42)
    done = CliRunner().invoke(app, ["sample", *map(str, words), "--smart"])
    assert "--key and --smart exclude each other" in done.stderr
    done = CliRunner().invoke(app, ["sample", *map(str, words), "--epochs", "2"])
    assert done.exit_code != 0
    assert "--key" in done.stderr
