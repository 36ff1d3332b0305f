"""`epochs` by tokens: each goes on in the order of the draw where the one before ends."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import in_two, texts, write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tokenizers_made import make

pytest.importorskip("tokenizers")

ROWS = 400
#: No row has more tokens.
LONGEST = 200
RNG = np.random.default_rng(17)
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "text": pa.array(texts(ROWS, 25, RNG), pa.string()),
        "score": pa.array(np.where(RNG.random(ROWS) < 0.1, 0, RNG.random(ROWS))),
    }
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int], list[Any]]:
    """Return a tokenizer, the tokens of each row, and the rows in several layouts."""
    folder = tmp_path_factory.mktemp("tokens")
    words = make("bpe", folder / "tokenizer.json")
    lengths = fastsample.token_lengths(TABLE, words, text_columns=["text"])
    layouts = [TABLE, write_parquet(TABLE, folder / "c.parquet", data_page_size=64)]
    return words, lengths.tolist(), [*layouts, in_two(TABLE, 170, folder, row_group_size=60)]


@cache
def order_of(name: str, seed: int) -> list[int]:
    """Return the rows in the order in which they are drawn, by epochs of one row each."""
    epochs = fastsample.epochs(TABLE, 1, seed=seed, **OPTIONS[name])
    return [int(each.row_ids[0]) for each in epochs]


#: What ranks rows.
OPTIONS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "weight": {"weight": "score"},
    "smart": {"smart": True, "text_columns": ["text"]},
}


def in_plain_python(
    order: list[int], lengths: list[int], budget: int | None, n: int | None, most: int | None
) -> list[list[int]]:
    """Return the rows of each epoch: until the next would exceed the budget, or there are n."""
    epochs: list[list[int]] = []
    rows, left = list(order), True
    while rows and left:
        taken: list[int] = []
        tokens, is_full = 0, False
        while rows:
            length = lengths[rows[0]]
            if most is not None and length > most:
                rows.pop(0)
                continue
            if budget is not None and tokens + length > budget:
                is_full = True
                break
            tokens += length
            taken.append(rows.pop(0))
            if len(taken) == n:
                is_full = True
                break
        exactly = budget is not None and (tokens == budget or not epochs)
        left = bool(taken) and (is_full or exactly)
        if left:
            epochs.append(sorted(taken))
    return epochs


@given(
    st.sampled_from(sorted(OPTIONS)),
    st.one_of(
        st.tuples(st.integers(LONGEST, 2500), st.none()), st.tuples(st.none(), st.integers(5, 90))
    ),
    st.sampled_from([None, 20, 40]),
    st.integers(0, 3),
    st.sampled_from([1, 2, 8]),
    st.integers(0, 2),
)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_epochs_are_those_of_plain_python(
    made: tuple[Path, list[int], list[Any]],
    name: str,
    amount: tuple[int | None, int | None],
    most: int | None,
    seed: int,
    threads: int,
    layout: int,
) -> None:
    words, lengths, layouts = made
    budget, n = amount
    assume(budget is not None or most is not None)
    assert max(lengths) <= LONGEST
    wanted = in_plain_python(order_of(name, seed), lengths, budget, n, most)
    options = {**OPTIONS[name], "text_columns": ["text"]}
    epochs = fastsample.epochs(
        layouts[layout],
        n,
        budget_tokens=budget,
        max_tokens=most,
        tokenizer=words,
        **options,
        seed=seed,
        threads=threads,
    )
    assume(wanted)
    for epoch in (1, 0, len(wanted) - 1):
        if epoch < len(wanted):
            drawn = epochs[epoch]
            assert drawn.row_ids.tolist() == wanted[epoch]
            assert drawn.report.tokens == sum(lengths[row] for row in wanted[epoch])
    with pytest.raises(IndexError, match=f"epoch {len(wanted)} of {len(wanted)}; a draw by tokens"):
        epochs[len(wanted)]
    assert len(epochs) == len(wanted)
    assert [each.row_ids.tolist() for each in epochs] == wanted
    alone = fastsample.sample(
        TABLE, n, budget_tokens=budget, max_tokens=most, tokenizer=words,
        **options, seed=seed,
    )  # fmt: skip
    assert alone.row_ids.tolist() == wanted[0]
    assert epochs[0].report.smart == alone.report.smart


def test_no_row_is_counted_twice(made: tuple[Path, list[int], list[Any]]) -> None:
    words, lengths, _ = made
    seen: list[tuple[int, int]] = []
    epochs = fastsample.epochs(
        TABLE,
        budget_tokens=sum(lengths) // 4,
        tokenizer=words,
        text_columns=["text"],
        progress=lambda done, total: seen.append((done, total)),
    )
    for epoch in (2, 1, 0, 2):
        assert len(epochs[epoch])
    # All rows were counted at once, as there are few; later epochs count none.
    before = len(seen)
    assert len(epochs) in (3, 4)
    assert len(seen) == before


def test_the_command_writes_them(
    made: tuple[Path, list[int], list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, _, _ = made
    monkeypatch.chdir(tmp_path)
    write_parquet(TABLE, Path("in.parquet"))
    given = [
        "sample",
        "in.parquet",
        "out.jsonl",
        "--budget-tokens",
        "1500",
        "--tokenizer",
        str(words),
    ]
    given += ["--max-tokens", "40", "--text-column", "text", "--smart", "--manifest"]
    done = CliRunner().invoke(app, [*given, "--epochs", "3", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    wanted = fastsample.epochs(
        "in.parquet", budget_tokens=1500, max_tokens=40, tokenizer=words, text_columns=["text"],
        smart=True,
    )  # fmt: skip
    assert told["distinct_epochs"] is None
    for epoch, found in enumerate(told["epochs"]):
        drawn = wanted[epoch]
        assert (found["rows"], found["tokens"]) == (len(drawn), drawn.report.tokens)
        lines = Path(f"out-epoch{epoch}.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["id"] for line in lines] == drawn.to_arrow()["id"].to_pylist()
        again = fastsample.reproduce(f"out-epoch{epoch}.jsonl.manifest.json")
        assert again.row_ids.tolist() == drawn.row_ids.tolist()
    done = CliRunner().invoke(app, [*given, "--epochs", "99"])
    assert done.exit_code == 2
    assert f"but a draw by tokens has {len(wanted)} here" in done.output.replace("\n", " ")
    done = CliRunner().invoke(app, [*given[:-1], "--epochs", "2"])
    assert "tokens" in done.stdout


def test_what_is_wrong_is_told(made: tuple[Path, list[int], list[Any]]) -> None:
    words, lengths, _ = made
    by_tokens: dict[str, Any] = {"budget_tokens": 900, "tokenizer": words, "text_columns": ["text"]}
    for others, message in (
        ({"by": "id"}, "epochs by tokens do not go with by"),
        ({"group": "id"}, "epochs by tokens do not go with group"),
        ({"tokenizer": None}, "pass tokenizer="),
        ({"n": 5}, "n and budget_tokens exclude each other"),
        ({"budget_tokens": 0}, "budget_tokens is 0"),
    ):
        with pytest.raises(fastsample.ArgumentError, match=message):
            fastsample.epochs(TABLE, **{**by_tokens, **others})[0]
    # A row that exceeds the budget stands in the way, in whatever epoch it comes first.
    epochs = fastsample.epochs(TABLE, **{**by_tokens, "budget_tokens": max(lengths) - 1})
    with pytest.raises(fastsample.ArgumentError, match="leave long rows out with max_tokens"):
        len(epochs)
    with pytest.raises(fastsample.ArgumentError, match=r"the first row of the draw has \d+ tokens"):
        fastsample.epochs(TABLE, **{**by_tokens, "budget_tokens": 1})[0]
    with pytest.raises(
        fastsample.ArgumentError, match=r"only \d+ of 400 rows have at most 9 tokens"
    ):
        fastsample.epochs(TABLE, 399, max_tokens=9, tokenizer=words, text_columns=["text"])[0]
