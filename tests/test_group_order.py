"""`group` with weights, tokens and epochs: whole groups in their order, against plain Python."""

import functools
import json
from collections import defaultdict
from fractions import Fraction
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
from tokenizers_made import make

ROWS = 400
RNG = np.random.default_rng(9)
TALKS = [f"talk {talk}" for talk in RNG.zipf(1.7, ROWS).clip(max=200) * 7 % 97]
SCORES = (RNG.gamma(0.7, 2.0, ROWS) * (RNG.random(ROWS) > 0.3)).tolist()
TEXTS = [" ".join(["你好"] * int(words)) for words in RNG.integers(1, 12, ROWS)]
TABLE = pa.table({"id": range(ROWS), "talk": TALKS, "score": SCORES, "text": TEXTS})

GROUPS: dict[str, list[int]] = defaultdict(list)
for _row, _talk in enumerate(TALKS):
    GROUPS[_talk].append(_row)


def number(talk: str, seed: int) -> int:
    """Return the random number of a group: of its value alone."""
    text = talk.encode()
    packed = xxhash.xxh3_128_intdigest(len(text).to_bytes(8, "little") + text)
    high, low = divmod(packed, 2**64)
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    key = xxhash.xxh3_64_intdigest(b"groups", seed=key)
    return xxhash.xxh3_64_intdigest((high ^ low).to_bytes(8, "little"), seed=key)


@functools.cache
def smart_weights() -> list[int]:
    """Return the weights of all rows by their text in units of 2**-31."""
    scores = fastsample.score(TABLE, text_columns=["text"]).to_arrow()["weight"].to_pylist()
    return [int(weight * 2**31) for weight in scores]


def order(seed: int, weight: bool, smart: bool, rows: list[int]) -> list[list[int]]:
    """Return the groups in the order in which they are drawn."""
    groups = {talk: [row for row in mine if row in rows] for talk, mine in GROUPS.items()}
    groups = {talk: mine for talk, mine in groups.items() if mine}
    largest = max(SCORES[row] for row in rows)
    column = [
        max(1, int(SCORES[row] / largest * (2**32 - 1) + 0.5))
        if SCORES[row] > 0 and row in rows
        else 0
        for row in range(ROWS)
    ]
    weights = column if weight else [1] * ROWS
    if smart and not weight:
        weights = smart_weights()
    elif smart:
        exact = [one * other for one, other in zip(smart_weights(), column, strict=True)]
        shift = max(0, max(exact).bit_length() - 31)
        weights = [-(-product >> shift) for product in exact]

    def mean(mine: list[int]) -> int:
        total = sum(weights[row] for row in mine)
        return max(total // len(mine), int(total > 0))

    def priority(talk: str) -> tuple[bool, Fraction | int, int]:
        u, w = number(talk, seed), mean(groups[talk])
        return w == 0, Fraction(u, w) if w else u, groups[talk][0]

    drawn = [talk for talk in groups if not weight or any(column[row] for row in groups[talk])]
    return [groups[talk] for talk in sorted(drawn, key=priority)]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("group")
    parts = in_two(TABLE, 150, folder, row_group_size=40)
    return [parts, TABLE]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make("bpe", tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@given(
    n=st.integers(1, ROWS),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 2),
    threads=st.sampled_from([1, 2, 8]),
    condition=st.booleans(),
    weight=st.booleans(),
    smart=st.booleans(),
    limit=st.sampled_from([None, "n", "budget", "both"]),
    count=st.one_of(st.none(), st.integers(1, 97)),
    most=st.integers(20, 90),
)
@settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    words: str,
    n: int,
    seed: int,
    layout: int,
    threads: int,
    condition: bool,
    weight: bool,
    smart: bool,
    limit: str | None,
    count: int | None,
    most: int,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    options: dict[str, Any] = {"group": "talk", "seed": seed, "threads": threads}
    if condition:
        options["where"] = "id >= 100"
    if weight:
        options["weight"] = "score"
    if smart:
        options |= {"smart": True, "text_columns": ["text"]}
    rows = list(range(100 if condition else 0, ROWS))
    n = min(n, len(rows))
    tokens = fastsample.token_lengths(TABLE, words, text_columns=["text"]).tolist()
    budget = None
    if limit is not None:
        options |= {"tokenizer": words, "text_columns": ["text"]}
    if limit in ("n", "both"):
        options["max_tokens"] = most
    if limit in ("budget", "both"):
        options["budget_tokens"] = budget = n * 20
    elif count is None:
        options["n"] = n
    else:
        options["n_groups"] = count
    expected: list[int] = []
    talks = 0
    for mine in order(seed, weight, smart, rows):
        if "max_tokens" in options and any(tokens[row] > most for row in mine):
            continue
        if budget is not None:
            if sum(tokens[row] for row in [*expected, *mine]) > budget:
                break
        elif talks == options.get("n_groups"):
            break
        elif "n" in options and len(mine) > n - len(expected):
            continue
        expected += mine
        talks += 1
    if not expected or talks < options.get("n_groups", 0):
        with pytest.raises(ArgumentError, match="group"):
            fastsample.sample(source, **options)
        return
    drawn = fastsample.sample(source, **options)
    assert drawn.row_ids.tolist() == sorted(expected)
    assert drawn.report.n_groups == talks
    if limit is not None:
        assert drawn.report.tokens == sum(tokens[row] for row in expected)
    factors = ["score"] * weight + ["smart weight"] * smart
    note = f"the weight of a group is the mean {' times '.join(factors)} of its rows"
    assert (note in drawn.report.notes) == bool(factors)
    found = drawn.report.smart
    assert (found is not None) == smart
    if found is not None:
        short = [row for row in expected if smart_weights()[row] == 0]
        copies = len(expected) - len({TEXTS[row] for row in expected})
        assert found.copies_drawn == copies
        # Those of a text of another short row are copies.
        assert found.excluded_drawn <= len({TEXTS[row] for row in short})
        assert all("since groups are drawn whole" in note for note in found.notes)


def test_equal_weights_draw_what_none_would() -> None:
    table = TABLE.append_column("one", pa.array([0.25] * ROWS))
    for n in (5, 100, 333):
        plain = fastsample.sample(table, n, group="talk").row_ids.tolist()
        assert fastsample.sample(table, n, group="talk", weight="one").row_ids.tolist() == plain


def test_groups_are_drawn_in_proportion_to_their_mean_weight() -> None:
    """A group of twice the mean weight is drawn about twice as often, however many rows it has."""
    means = np.array([1, 2, 4, 8] * 50)
    sizes = np.array([1, 1, 1, 1, 3, 3, 3, 3] * 25)
    talks = np.repeat(np.arange(200), sizes)
    table = pa.table({"talk": talks, "w": means[talks]})
    counts = np.zeros(200)
    for seed in range(400):
        rows = fastsample.sample(table, 12, group="talk", weight="w", seed=seed).row_ids
        counts[np.unique(talks[rows])] += 1
    found = np.array([counts[means == mean].sum() for mean in (1, 2, 4, 8)])
    expected = np.array([1, 2, 4, 8]) / 15 * found.sum()
    assert float(((found - expected) ** 2 / expected).sum()) < quantile_999(3)


@pytest.mark.parametrize("smart", [False, True])
@pytest.mark.parametrize("weight", [None, "score"])
@pytest.mark.parametrize("n", [7, 60, 150, ROWS])
def test_epochs_have_whole_groups_and_share_none(n: int, weight: str | None, smart: bool) -> None:
    options: dict[str, Any] = {"group": "talk", "weight": weight, "smart": smart, "seed": 3}
    options |= {"text_columns": ["text"]} if smart else {}
    epochs = fastsample.epochs(TABLE, n, **options)
    plain = fastsample.sample(TABLE, n, **options)
    assert epochs[0].row_ids.tolist() == plain.row_ids.tolist()
    groups = order(3, weight is not None, smart, list(range(ROWS)))
    left = [mine for mine in groups if len(mine) <= n]
    seen: list[int] = []
    for epoch in range(len(epochs)):
        missing, expected = n, []
        for mine in left:
            if len(mine) <= missing:
                missing -= len(mine)
                expected += mine
        left = [mine for mine in left if mine[0] not in expected]
        drawn = epochs[epoch]
        assert drawn.row_ids.tolist() == sorted(expected)
        assert drawn.report.group == ("talk",)
        assert (drawn.report.smart is not None) == smart
        seen += expected
    assert len(seen) == len(set(seen))
    assert sum(map(len, left)) < n
    if weight is not None or smart:
        with pytest.raises(IndexError):
            epochs[len(epochs)]
    else:
        again = set(epochs[len(epochs)].row_ids.tolist())
        talks = {TALKS[row] for row in again}
        assert again == {row for talk in talks for row in GROUPS[talk]}


def test_the_command_line(tmp_path: Path, words: str) -> None:
    source = write_parquet(TABLE, tmp_path / "in.parquet")
    line = f"sample -i {source} -o {tmp_path / 'out.parquet'} --group talk --weight score"
    line += f" --budget-tokens 900 --tokenizer {words} --text-column text --no-shuffle --json"
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    expected = fastsample.sample(
        source, budget_tokens=900, tokenizer=words, group="talk", weight="score",
        text_columns=["text"],
    )  # fmt: skip
    assert (found["rows_after"], found["tokens"]) == (len(expected), expected.report.tokens)
    assert "the weight of a group is the mean score of its rows" in found["notes"]


def test_what_does_not_go_together() -> None:
    with pytest.raises(ArgumentError, match="draws by tokens go with by or with group"):
        fastsample.sample(
            TABLE, 5, group="talk", by="talk", max_tokens=9, tokenizer="tokenizer.json"
        )
    table = TABLE.append_column("none", pa.array([0] * ROWS))
    with pytest.raises(ArgumentError, match="no row that may be drawn has a weight above 0"):
        fastsample.sample(table, 5, group="talk", weight="none")
