"""`weight` with tokens: rows in the order of u / w up to limits of tokens, against plain Python."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from click.testing import CliRunner
from data import in_two, stream, write_parquet
from fastsample import ArgumentError
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers_made import make

ROWS = 400
RNG = np.random.default_rng(5)
SCORES = (RNG.gamma(0.7, 2.0, ROWS) * (RNG.random(ROWS) > 0.2)).tolist()
TEXTS = [" ".join(["你好"] * int(words)) for words in RNG.integers(0, 12, ROWS)]
TABLE = pa.table({"id": range(ROWS), "score": SCORES, "text": TEXTS})
POSITIVE = sum(score > 0 for score in SCORES)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("bpe", tmp_path_factory.mktemp("tokenizer") / "tokenizer.json")


@pytest.fixture(scope="module")
def lengths(words: Path) -> list[int]:
    """Return the tokens of each row, as the library `tokenizers` counts them."""
    from tokenizers import Tokenizer

    counter = Tokenizer.from_file(str(words))
    return [len(counter.encode(text)) for text in TEXTS]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("weight")
    parts = in_two(TABLE, 150, folder, row_group_size=40)
    fastsample.sample(TABLE, ROWS).write_jsonl(folder / "c.jsonl")
    return [parts, folder / "c.jsonl", TABLE]


def order(seed: int, rows: range) -> list[int]:
    """Return the rows of weight above 0 by growing u / w, weights in 32 bits."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    largest = max(SCORES[row] for row in rows)

    def priority(row: int) -> tuple[Fraction, int]:
        fixed = max(1, math.floor(SCORES[row] / largest * (2**32 - 1) + 0.5))
        return Fraction(xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key), fixed), row

    return sorted((row for row in rows if SCORES[row] > 0), key=priority)


@given(
    n=st.one_of(st.none(), st.integers(1, ROWS)),
    budget=st.integers(1, 5000),
    most=st.one_of(st.none(), st.integers(1, 40)),
    condition=st.booleans(),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 3),
    threads=st.sampled_from([1, 2, 8]),
)
@settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    words: Path,
    lengths: list[int],
    n: int | None,
    budget: int,
    most: int | None,
    condition: bool,
    seed: int,
    layout: int,
    threads: int,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    most = (most or 40) if n is not None else most
    rows = range(100 if condition else 0, ROWS)
    expected: list[int] = []
    for row in order(seed, rows):
        if most is not None and lengths[row] > most:
            continue
        if n is None and sum(lengths[each] for each in [*expected, row]) > budget:
            break
        if n is not None and len(expected) == n:
            break
        expected.append(row)
    options: dict[str, Any] = {
        "weight": "score",
        "max_tokens": most,
        "budget_tokens": budget if n is None else None,
        "tokenizer": words,
        "text_columns": ["text"],
        "where": "id >= 100" if condition else None,
        "seed": seed,
        "threads": threads,
    }
    if not expected or (n is not None and len(expected) < n):
        with pytest.raises(ArgumentError, match=r"tokens|rows (match|have a weight)|rows"):
            fastsample.sample(source, n, **options)
        return
    drawn = fastsample.sample(source, n, **options)
    assert drawn.row_ids.tolist() == sorted(expected)
    assert drawn.report.tokens == sum(lengths[row] for row in expected)
    assert (drawn.report.weight, drawn.report.smart) == ("score", None)


def test_equal_weights_draw_what_none_would(words: Path) -> None:
    table = TABLE.append_column("one", pa.array([0.25] * ROWS))
    options: dict[str, Any] = {"tokenizer": words, "text_columns": ["text"]}
    for budget in (50, 900, 10**6):
        plain = fastsample.sample(table, budget_tokens=budget, **options).row_ids.tolist()
        drawn = fastsample.sample(table, budget_tokens=budget, weight="one", **options)
        assert drawn.row_ids.tolist() == plain


def test_many_rows_are_counted_a_part_at_a_time(words: Path) -> None:
    """More rows than are looked at together, so that the order goes on where it ended."""
    rows = 30_000
    weights = np.random.default_rng(2).random(rows)
    table = pa.table({"w": weights, "text": ["你好"] * rows})
    each = int(fastsample.token_lengths(table[:1], words, text_columns=["text"])[0])
    drawn = fastsample.sample(
        table, budget_tokens=20_000 * each, tokenizer=words, weight="w", text_columns=["text"]
    )
    plain = fastsample.sample(table, 20_000, weight="w")
    assert drawn.row_ids.tolist() == plain.row_ids.tolist()


def test_too_few_rows_have_a_weight(words: Path) -> None:
    options: dict[str, Any] = {"weight": "score", "max_tokens": 99, "tokenizer": words}
    with pytest.raises(ArgumentError, match=f"only {POSITIVE} of {ROWS} rows have a weight above"):
        fastsample.sample(TABLE, POSITIVE + 1, **options)
    with pytest.raises(ArgumentError, match="rows that are drawn by their tokens have no weights"):
        fastsample.sample(TABLE, 5, weights=True, **options)
    with pytest.raises(fastsample.ColumnError, match='weight: there is no column "sauce"'):
        fastsample.sample(TABLE, budget_tokens=50, weight="sauce", tokenizer=words)


def test_the_command_line(tmp_path: Path, words: Path) -> None:
    source, out = write_parquet(TABLE, tmp_path / "in.parquet"), tmp_path / "out.parquet"
    line = f"sample -i {source} -o {out} --weight score --budget-tokens 700 --tokenizer {words}"
    done = CliRunner().invoke(app, [*line.split(), "--manifest", "--json"])
    assert done.exit_code == 0, done.output
    drawn = fastsample.sample(source, budget_tokens=700, weight="score", tokenizer=words)
    found = json.loads(done.stdout)
    assert (found["rows_after"], found["weight"]) == (len(drawn), "score")
    again = fastsample.reproduce(f"{out}.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
