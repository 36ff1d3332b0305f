"""`by` with tokens: of each group its share of the rows or of a budget, against plain Python."""

import functools
import json
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from allocated import Group, divided
from click.testing import CliRunner
from data import in_two, stream, write_parquet
from fastsample import ArgumentError
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers_made import make

ROWS = 500
RNG = np.random.default_rng(8)
KINDS = [
    ("wiki", "code", "chat", None, "旧书")[place]
    for place in RNG.choice(5, ROWS, p=[0.5, 0.3, 0.15, 0.04, 0.01])
]
#: Rows of a kind have lengths of its own; some have no token.
WORDS = {"wiki": 30, "code": 9, "chat": 4, None: 2, "旧书": 60}
TEXTS = [" ".join(["你好"] * int(RNG.integers(0, WORDS[kind]))) for kind in KINDS]
SCORES = (RNG.gamma(0.7, 2.0, ROWS) + 0.01).tolist()
TABLE = pa.table(
    {"id": range(ROWS), "kind": KINDS, "many": [row % 90 for row in range(ROWS)], "score": SCORES,
     "text": TEXTS}
)  # fmt: skip
COLUMNS: dict[str, list[Any]] = {"kind": KINDS, "many": TABLE["many"].to_pylist()}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("by-tokens")
    parts = in_two(TABLE, 200, folder, row_group_size=70)
    return [parts, TABLE]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make("bpe", tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@functools.cache
def smart_weights() -> list[float]:
    scores = fastsample.score(TABLE, text_columns=["text"]).to_arrow()
    return scores["weight"].to_pylist()  # type: ignore[no-any-return]


def in_order(rows: list[int], seed: int, by: str) -> list[int]:
    """Return rows in the order in which they are drawn: all of them, in a plain draw."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))

    def number(row: int) -> int:
        return xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)

    if by == "weight":
        most = max(SCORES)
        weights = [max(1, int(score / most * (2**32 - 1) + 0.5)) for score in SCORES]
        return sorted(rows, key=lambda row: Fraction(number(row), weights[row]))
    return sorted(rows, key=number)


def expected(
    groups: dict[Group, list[int]],
    lengths: list[int],
    weights: dict[Group, Fraction],
    goal: int,
    tokens: bool,
    longest: int,
) -> dict[Group, list[int]] | None:
    """Return the rows of each group: shares of the goal, and again where groups have less."""
    ended_groups: set[Group] = set()
    most = {g: goal if tokens else len(rows) for g, rows in groups.items()}
    while True:
        given = [most[g] for g in groups if weights.get(g, 0) > 0]
        if sum(given) < goal and not tokens:
            return None
        quotas = divided(goal, most, weights) if sum(given) >= goal else dict(most)
        drawn: dict[Group, list[int]] = {}
        done = True
        for group, rows in groups.items():
            taken: list[int] = []
            amount, ended = 0, True
            for row in rows:
                cost = lengths[row] if tokens else 1
                if not tokens and amount == quotas[group]:
                    ended = False
                    break
                if lengths[row] > longest:
                    continue
                if amount + cost > quotas[group]:
                    ended = False
                    break
                amount += cost
                taken.append(row)
            # One of which all rows were looked at gives those without a token, too.
            is_asked = bool(quotas[group]) or group in ended_groups
            drawn[group] = taken if weights.get(group, 0) > 0 and is_asked else []
            if quotas[group] and ended and amount < most[group] and weights.get(group, 0) > 0:
                most[group] = amount
                ended_groups.add(group)
                done = done and amount == quotas[group]
        if done or sum(given) < goal:
            return drawn


@given(
    by=st.sampled_from(["kind", "many"]),
    allocation=st.sampled_from(["proportional", "equal", {"wiki": 0.5, "chat": 0.5}]),
    goal=st.integers(1, 1500),
    tokens=st.booleans(),
    longest=st.one_of(st.none(), st.integers(2, 150)),
    seed=st.integers(0, 2**64 - 1),
    layout=st.integers(0, 2),
    threads=st.integers(1, 3),
    how=st.sampled_from(["plain", "weight"]),
    where=st.booleans(),
)
@settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_draw_is_that_of_plain_python(
    sources: list[Any],
    words: str,
    by: str,
    allocation: Any,
    goal: int,
    tokens: bool,
    longest: int | None,
    seed: int,
    layout: int,
    threads: int,
    how: str,
    where: bool,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    if by == "many" and isinstance(allocation, dict):
        allocation = {3: 0.5, 4: 0.5}
    rows = [row for row in range(ROWS) if not where or row >= 100]
    goal = goal * 10 if tokens else min(goal, len(rows))
    options: dict[str, Any] = {
        "by": by,
        "allocation": allocation,
        "tokenizer": words,
        "text_columns": ["text"],
        "seed": seed,
        "threads": threads,
        "budget_tokens" if tokens else "n": goal,
    }
    if longest is not None or not tokens:
        options["max_tokens"] = longest or 10_000
    if how == "weight":
        options["weight"] = "score"
    if where:
        options["where"] = "id >= 100"
    groups: dict[Group, list[int]] = defaultdict(list)
    for row in in_order(rows, seed, how):
        groups[(COLUMNS[by][row],)].append(row)
    # Groups are numbered by their first row, which settles ties.
    groups = dict(sorted(groups.items(), key=lambda item: min(item[1])))
    if isinstance(allocation, dict):
        weights = {(name,): Fraction(repr(share)) for name, share in allocation.items()}
    elif allocation == "equal":
        weights = dict.fromkeys(groups, Fraction(1))
    else:
        weights = {group: Fraction(len(mine)) for group, mine in groups.items()}
    lengths = fastsample.token_lengths(TABLE, words, text_columns=["text"]).tolist()
    drawn = expected(groups, lengths, weights, goal, tokens, longest or 10_000)
    if drawn is None or not any(drawn.values()):
        with pytest.raises(ArgumentError, match=r"rows are asked for|no row fits"):
            fastsample.sample(source, **options)
        return
    found = fastsample.sample(source, **options)
    assert found.row_ids.tolist() == sorted(row for mine in drawn.values() for row in mine)
    report = found.report
    assert report.tokens == sum(lengths[row] for mine in drawn.values() for row in mine)
    assert report.groups is not None
    assert report.groups.measure == ("tokens" if tokens else "rows")
    for group in report.groups.largest:
        value = None if group.values[0] is None else group.values[0]
        mine = next(rows for (name,), rows in drawn.items() if str(name) == str(value))
        assert (group.drawn, group.tokens) == (len(mine), sum(lengths[row] for row in mine))


def test_shares_of_a_budget_are_met(words: str) -> None:
    """A group stops before the row with which it would exceed its share."""
    options: dict[str, Any] = {"tokenizer": words, "text_columns": ["text"]}
    longest = int(fastsample.token_lengths(TABLE, words, text_columns=["text"]).max())
    shares = {"wiki": 0.25, "code": 0.5, "chat": 0.25}
    drawn = fastsample.sample(TABLE, by="kind", allocation=shares, budget_tokens=1200, **options)
    groups = drawn.report.groups
    assert groups is not None
    for group in groups.largest:
        share = shares.get(group.values[0] or "", 0) * 1200
        assert share - longest < (group.tokens or 0) <= share
    assert "tokens" in str(drawn.report)
    assert groups.unnamed == 2


def test_the_rest_goes_to_others(words: str) -> None:
    options: dict[str, Any] = {"tokenizer": words, "text_columns": ["text"], "by": "kind"}
    drawn = fastsample.sample(TABLE, budget_tokens=3000, allocation="equal", **options)
    groups = drawn.report.groups
    assert groups is not None
    assert groups.short >= 1
    assert groups.moved > 0
    told = f"{groups.short} groups have fewer tokens than their share; the others gave"
    assert told in str(groups.notes)
    everything = fastsample.sample(TABLE, budget_tokens=10**6, allocation="equal", **options)
    assert len(everything) == ROWS
    assert everything.report.groups is not None
    assert (everything.report.groups.short, everything.report.groups.moved) == (5, 0)


def test_groups_whose_rows_do_not_fit_are_told(words: str) -> None:
    options: dict[str, Any] = {"tokenizer": words, "text_columns": ["text"], "by": "many"}
    drawn = fastsample.sample(TABLE, budget_tokens=900, allocation="equal", **options)
    groups = drawn.report.groups
    assert groups is not None
    kinds = Counter(TABLE["many"].take(drawn.row_ids).to_pylist())
    assert groups.empty == 90 - len(kinds) > 0
    assert f"{groups.empty} groups gave no row" in str(groups.notes)
    options |= {"by": "kind"}
    where = "chars(text) > 20"
    with pytest.raises(ArgumentError, match="no row fits into the tokens of its group: 3 groups"):
        fastsample.sample(TABLE, budget_tokens=9, allocation="equal", where=where, **options)


def test_with_smart_copies_come_last(words: str) -> None:
    options: dict[str, Any] = {"tokenizer": words, "text_columns": ["text"], "by": "kind"}
    drawn = fastsample.sample(TABLE, 60, allocation="equal", max_tokens=90, smart=True, **options)
    plain = fastsample.sample(TABLE, 60, allocation="equal", smart=True, by="kind",
                              text_columns=["text"])  # fmt: skip
    lengths = fastsample.token_lengths(TABLE, words, text_columns=["text"])
    assert len(drawn) == 60
    assert lengths[drawn.row_ids].max() <= 90
    assert drawn.report.smart is not None
    # Without a limit that matters it is the draw without tokens.
    same = fastsample.sample(TABLE, 60, allocation="equal", max_tokens=9999, smart=True, **options)
    assert same.row_ids.tolist() == plain.row_ids.tolist()


def test_too_few_short_rows(words: str) -> None:
    with pytest.raises(
        ArgumentError, match=r"400 rows are asked for, .* have only \d+ rows of at most 3 tokens"
    ):
        fastsample.sample(
            TABLE, 400, by="kind", max_tokens=3, tokenizer=words, text_columns=["text"]
        )


def test_the_command_line(tmp_path: Path, words: str) -> None:
    source = write_parquet(TABLE, tmp_path / "in.parquet")
    line = f"sample -i {source} -o {tmp_path / 'out.parquet'} --by kind --allocation equal"
    line += f" --budget-tokens 900 --tokenizer {words} --text-column text --no-shuffle --json"
    done = CliRunner().invoke(app, [*line.split(), "--manifest"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    same = fastsample.sample(
        source, by="kind", allocation="equal", budget_tokens=900, tokenizer=words,
        text_columns=["text"],
    )  # fmt: skip
    assert (found["rows_after"], found["tokens"]) == (len(same), same.report.tokens)
    assert found["groups"]["measure"] == "tokens"
    again = fastsample.reproduce(tmp_path / "out.parquet.manifest.json")
    assert again.row_ids.tolist() == same.row_ids.tolist()
