"""`replace`: draws with replacement, against plain Python, and what they estimate."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from click.testing import CliRunner
from data import in_two, quantile_999, stream, write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers_made import make

ROWS = 300
RNG = np.random.default_rng(8)
SCORES = (RNG.gamma(0.7, 2.0, ROWS) * (RNG.random(ROWS) > 0.1)).tolist()
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int32()),
        "score": pa.array(SCORES, pa.float64()),
        "kind": pa.array([f"kind {row % 3}" for row in range(ROWS)]),
        "text": pa.array([f"text {row}" * (row % 5) for row in range(ROWS)]),
    }
)


def poisson_bounds() -> list[int]:
    """Return 2**64 P(K <= k) of a Poisson number K of mean 1, by the series of 1 / e."""
    term, inverse = Fraction(1), Fraction(0)
    for k in range(1, 40):
        inverse += term
        term /= -k
    total, term, bounds = Fraction(0), inverse, []
    for k in range(1, 21):
        total += term
        term /= k
        bounds.append(int(total * 2**64))
    return bounds


BOUNDS = poisson_bounds()


def arrivals(row: int, key: int) -> Iterator[Fraction]:
    """Yield the times at which a row of weight 1 arrives."""

    def number(period: int, nth: int) -> int:
        numbers = b"".join(each.to_bytes(8, "little") for each in (row, period, nth))
        return xxhash.xxh3_64_intdigest(numbers, seed=key)

    for period in count():
        found = sum(bound <= number(period, 0) for bound in BOUNDS)
        times = (number(period, nth + 1) for nth in range(found))
        yield from (period + Fraction(time, 2**64) for time in sorted(times))


def order_by(weights: dict[int, int], seed: int) -> Iterator[int]:
    """Yield rows as they arrive."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    key = xxhash.xxh3_64_intdigest(b"arrivals", seed=key)
    positive = {row: weight for row, weight in weights.items() if weight > 0}
    streams = {row: arrivals(row, key) for row in positive}
    due = {row: next(streams[row]) / positive[row] for row in positive}
    while True:
        row = min(due, key=lambda each: (due[each], each))
        yield row
        due[row] = next(streams[row]) / positive[row]


def drawn_by(weights: dict[int, int], n: int, seed: int) -> list[int]:
    """Return the rows of the first n arrivals."""
    return sorted(islice(order_by(weights, seed), n))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("replace")
    parts = in_two(TABLE, 130, folder, row_group_size=40)
    whole = write_parquet(TABLE, folder / "c.parquet", row_group_size=64, data_page_size=64)
    fastsample.sample(TABLE, ROWS).write_jsonl(folder / "d.jsonl")
    return [parts, whole, folder / "d.jsonl", TABLE]


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 2 * ROWS),
    st.integers(0, 2**64 - 1),
    st.integers(0, 4),
    st.sampled_from([1, 2, 8]),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    weight: bool,
    where: bool,
    by: bool,
    n: int,
    seed: int,
    layout: int,
    threads: int,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    rows = [row for row in range(ROWS) if not where or row % 3 != 1]
    weights = dict.fromkeys(rows, 1)
    if weight:
        largest = max(SCORES[row] for row in rows)
        weights = {row: int(SCORES[row] / largest * (2**32 - 1) + 0.5) for row in rows}
    drawn = fastsample.sample(
        source,
        n,
        replace=True,
        weight="score" if weight else None,
        where="kind != 'kind 1'" if where else None,
        by="kind" if by else None,
        allocation="equal" if by else "proportional",
        weights=True,
        seed=seed,
        columns=["id"],
        threads=threads,
    )
    inverse: list[float] = []
    expected: list[int] = []
    groups = [[row for row in rows if row % 3 == kind] for kind in range(3)] if by else [rows]
    groups = [group for group in groups if group]
    for place, group in enumerate(groups):
        share = n // len(groups) + (place < n % len(groups))
        expected += drawn_by({row: weights[row] for row in group}, share, seed)
    for row in sorted(expected):
        group = next(group for group in groups if row in group)
        share = sum(each in group for each in expected)
        inverse.append(sum(weights[each] for each in group) / (share * weights[row]))
    assert len(drawn) == n
    assert drawn.row_ids.tolist() == sorted(expected)
    table = drawn.to_arrow()
    assert table["id"].to_pylist() == sorted(expected)
    np.testing.assert_allclose(table["_weight"].to_numpy(), inverse, rtol=1e-12)
    assert (drawn.report.replace, drawn.report.distinct) == (True, len(set(expected)))


def test_smaller_draws_are_parts_of_larger_ones() -> None:
    def ids(n: int, **options: Any) -> Counter[int]:
        return Counter(fastsample.sample(TABLE, n, replace=True, **options).row_ids.tolist())

    for options in ({}, {"weight": "score"}, {"where": "kind = 'kind 2'"}):
        draws = [ids(n, **options) for n in (1, 20, 21, 300, 1000)]
        for small, large in pairwise(draws):
            assert small <= large


def test_a_source_that_has_grown_keeps_its_draws() -> None:
    before = Counter(fastsample.sample(TABLE.slice(0, 250), 250, replace=True).row_ids.tolist())
    after = Counter(fastsample.sample(TABLE, 300, replace=True).row_ids.tolist())
    # The n-th arrival of more rows comes about as late, so nearly all draws are shared.
    assert (before & after).total() > 230


def test_multiplicities_are_those_of_independent_draws() -> None:
    """With n draws of N rows, the number of times a row comes is binomial, of n trials of 1 / N."""
    rows, seeds = 200, 60
    table = pa.table({"x": range(rows)})
    times: Counter[int] = Counter()
    each = np.zeros(rows)
    for seed in range(seeds):
        ids = fastsample.sample(table, rows, replace=True, seed=seed).row_ids
        counts = np.bincount(np.asarray(ids), minlength=rows)
        each += counts
        times.update(counts.tolist())
    binomial = [
        math.comb(rows, k) * (1 / rows) ** k * (1 - 1 / rows) ** (rows - k) for k in range(5)
    ]
    expected = [rows * seeds * share for share in binomial]
    expected.append(rows * seeds - sum(expected))
    found = [times[k] for k in range(5)] + [sum(n for k, n in times.items() if k > 4)]
    chi = sum((a - b) ** 2 / b for a, b in zip(found, expected, strict=True))
    assert chi < quantile_999(5), (found, expected)
    assert float(((each - seeds) ** 2 / seeds).sum()) < quantile_999(rows - 1)


def test_rows_come_in_proportion_to_their_weight() -> None:
    table = pa.table({"w": pa.array([0.0, 1.0, 2.0, 5.0, 12.0])})
    n = 20_000
    ids = fastsample.sample(table, n, replace=True, weight="w", seed=3).row_ids
    found = np.bincount(np.asarray(ids), minlength=5)
    expected = np.array([0, 1, 2, 5, 12]) / 20 * n
    assert found[0] == 0
    assert float(((found - expected)[1:] ** 2 / expected[1:]).sum()) < quantile_999(3)


def test_sums_are_estimated_without_bias() -> None:
    values = np.arange(ROWS) % 17 + 1.0
    table = pa.table({"w": values**0.5, "x": values})
    estimates = []
    for seed in range(300):
        drawn = fastsample.sample(table, 40, replace=True, weight="w", weights=True, seed=seed)
        found = drawn.to_arrow()
        estimates.append(float((found["x"].to_numpy() * found["_weight"].to_numpy()).sum()))
    error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - values.sum()) < 3.5 * error


def test_repeats_are_written_shuffled_loaded_and_made_again(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = [json.dumps({"id": row, "text": f"text  {row}"}) + "  " for row in range(50)]
    source.write_text("\n".join(lines) + "\n")
    drawn = fastsample.sample(source, 400, replace=True)
    ids = drawn.row_ids.tolist()
    assert max(Counter(ids).values()) > 5
    # Lines are copied as they are.
    drawn.write_jsonl(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text().splitlines() == [lines[row] for row in ids]
    written = drawn.write_parquet(tmp_path / "out.parquet", shuffle=True, shards=3)
    table = fastsample.sample(tmp_path / "out-*.parquet", fraction=1.0).to_arrow()
    assert [file.rows for file in written.files] == [134, 133, 133]
    assert written.copies == 400 - len(set(ids))
    assert sorted(table["id"].to_pylist()) == ids != table["id"].to_pylist()
    cached = drawn.cache(dir=tmp_path / "cache")
    assert [cached[place]["id"] for place in range(400)] == ids
    sampler = fastsample.ResumableSampler(cached, seed=1)
    assert sorted(sampler) == list(range(400))
    drawn.write_ipc(tmp_path / "out.arrow", manifest=True)
    again = fastsample.reproduce(tmp_path / "out.arrow.manifest.json")
    assert again.row_ids.tolist() == ids


#: Some texts are empty, some too short, and most come several times.
TALK = TABLE.set_column(
    3, "text", pa.array([f"text {row % 120} and more" * (row % 5) for row in range(ROWS)])
)


@pytest.mark.parametrize(
    "rule",
    [
        fastsample.Smart(),
        fastsample.Smart(duplicates=0),
        fastsample.Smart(duplicates=0, commonness=0, length=0, repetition=0),
    ],
    ids=["all", "copies count", "off"],
)
@pytest.mark.parametrize("where", [None, "kind != 'kind 1'"])
@pytest.mark.parametrize("weight", [None, "score"])
def test_smart_weights_are_those_of_a_score(
    rule: fastsample.Smart, where: str | None, weight: str | None
) -> None:
    """In proportion to the smart weight; of rows of equal text one stands for all."""
    scores = fastsample.score(TALK, rule, text_columns=["text"]).to_arrow()["weight"].to_pylist()
    rows = [row for row in range(ROWS) if where is None or row % 3 != 1]
    is_off = rule.length == 0
    smart = [1 if is_off else int(score * 2**31) for score in scores]
    if weight is not None:
        largest = max(SCORES[row] for row in rows)
        column = [int(SCORES[row] / largest * (2**32 - 1) + 0.5) for row in range(ROWS)]
        products = [smart[row] * column[row] * (row in rows) for row in range(ROWS)]
        shift = 0 if is_off else max(0, max(products).bit_length() - 31)
        smart = [-(-product >> shift) for product in products]
    seed = 11
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))

    def priority(row: int) -> tuple[Fraction, int]:
        u = xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)
        return Fraction(u, smart[row]), row

    weights = {row: smart[row] for row in rows if smart[row]}
    if rule.duplicates:
        texts: dict[str, int] = {}
        for row in sorted(weights, key=priority):
            texts.setdefault(TALK["text"][row].as_py(), row)
        weights = {row: weights[row] for row in texts.values()}
    for n in (1, 40, 500):
        drawn = fastsample.sample(
            TALK,
            n,
            replace=True,
            smart=rule,
            weight=weight,
            where=where,
            text_columns=["text"],
            seed=seed,
        )
        assert drawn.row_ids.tolist() == drawn_by(weights, n, seed)
        assert drawn.report.distinct == len(set(drawn.row_ids.tolist()))
        assert drawn.report.smart is not None
        assert drawn.report.text_columns == ("text",)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make("bpe", tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@given(
    st.sampled_from([{}, {"weight": "score"}, {"where": "kind != 'kind 1'"}]),
    st.one_of(st.none(), st.integers(2, 25)),
    st.one_of(st.none(), st.integers(1, 4000)),
    st.integers(1, 2 * ROWS),
    st.integers(0, 2**64 - 1),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_tokens_are_those_of_plain_python(
    words: str, options: dict[str, Any], most: int | None, budget: int | None, n: int, seed: int
) -> None:
    """Rows as they arrive: those of at most `most` tokens, n of them or up to the budget."""
    if most is None and budget is None:
        return
    tokenizer: dict[str, Any] = {"tokenizer": words, "text_columns": ["text"]}
    lengths = fastsample.token_lengths(TABLE, **tokenizer).tolist()
    rows = [row for row in range(ROWS) if "where" not in options or row % 3 != 1]
    weights = dict.fromkeys(rows, 1)
    if "weight" in options:
        largest = max(SCORES[row] for row in rows)
        weights = {row: int(SCORES[row] / largest * (2**32 - 1) + 0.5) for row in rows}
    some = [lengths[row] for row, weight in weights.items() if weight]
    if budget is not None and not any(0 < length <= (most or length) for length in some):
        return
    expected: list[int] = []
    tokens = too_long = 0
    for row in order_by(weights, seed):
        if most is not None and lengths[row] > most:
            too_long += 1
            continue
        if budget is not None and tokens + lengths[row] > budget:
            break
        expected.append(row)
        tokens += lengths[row]
        if budget is None and len(expected) == n:
            break
    amount = {"n": n} if budget is None else {"budget_tokens": budget}
    options = {**options, **tokenizer, **amount, "max_tokens": most, "seed": seed}
    if not expected:
        with pytest.raises(fastsample.ArgumentError, match="the first row of the draw has"):
            fastsample.sample(TABLE, replace=True, **options)
        return
    drawn = fastsample.sample(TABLE, replace=True, **options)
    assert drawn.row_ids.tolist() == sorted(expected)
    assert (drawn.report.tokens, drawn.report.too_long) == (tokens, too_long)
    assert drawn.report.distinct == len(set(expected))


def test_tokens_by_smart_weights(words: str) -> None:
    options: dict[str, Any] = {"smart": True, "text_columns": ["text"], "replace": True}
    drawn = fastsample.sample(TALK, budget_tokens=3000, tokenizer=words, **options)
    assert drawn.report.tokens is not None
    assert 2900 < drawn.report.tokens <= 3000
    assert drawn.report.smart is not None
    same = fastsample.sample(TALK, len(drawn), **options)
    assert drawn.row_ids.tolist() == same.row_ids.tolist()


def test_no_row_is_short_enough(words: str) -> None:
    table = pa.table({"text": ["many words in a row, and more of them"] * 20})
    with pytest.raises(
        fastsample.ArgumentError,
        match=r"each of the first \d+ rows of the draw has more than 1 tokens",
    ):
        fastsample.sample(table, 5, replace=True, max_tokens=1, tokenizer=words)
    empty = pa.table({"text": ["", "many words in a row, and more of them"] * 20})
    with pytest.raises(fastsample.ArgumentError, match="or none at all"):
        fastsample.sample(empty, budget_tokens=5, replace=True, max_tokens=1, tokenizer=words)


def test_one_row_may_come_many_times() -> None:
    table = pa.table({"text": ["x" * 3000, "y"], "w": [1.0, 0.0]})
    drawn = fastsample.sample(table, 100_000, replace=True, weight="w")
    batches = list(pa.RecordBatchReader.from_stream(drawn))
    assert max(batch.num_rows for batch in batches) <= 8192
    assert (sum(batch.num_rows for batch in batches), drawn.report.distinct) == (100_000, 1)


def test_the_command_line(tmp_path: Path) -> None:
    source = write_parquet(TABLE, tmp_path / "in.parquet")
    line = f"sample -i {source} -o {tmp_path / 'out.parquet'} -n 1000 --replace --no-shuffle --json"
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    expected = fastsample.sample(source, 1000, replace=True)
    assert (found["rows_after"], found["replace"]) == (1000, True)
    assert found["distinct"] == expected.report.distinct
    assert "warning" not in done.stderr
    assert fastsample.sample(tmp_path / "out.parquet", 1000).to_arrow().equals(expected.to_arrow())


def test_what_does_not_go_together() -> None:
    for options in (
        {"smart": "entropy"},
        {"smart": True, "by": "kind"},
        {"smart": True, "weights": True},
        {"group": "kind"},
        {"max_tokens": 5, "by": "kind"},
    ):
        with pytest.raises(fastsample.ArgumentError, match=r"exclude each other|not with both"):
            fastsample.sample(TABLE, 5, replace=True, **options)
    with pytest.raises(fastsample.ArgumentError, match="with replacement at most"):
        fastsample.sample(TABLE, 2**31 + 1, replace=True)
    with pytest.raises(fastsample.ArgumentError, match="none of the 300 rows match"):
        fastsample.sample(TABLE, 1, replace=True, where="id < 0")
    with pytest.raises(fastsample.ArgumentError, match="0 rows"):
        fastsample.sample(TABLE.slice(0, 0), 1, replace=True)
