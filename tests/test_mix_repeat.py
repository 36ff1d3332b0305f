"""`mix(repeat=...)`: sources that count as several copies of themselves, against plain Python."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import plain, write_parquet
from fastsample import ArgumentError
from fastsample.cli import app
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
from tokenizers_made import make

NAMES = st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=4, unique=True)
TIMES = st.lists(st.sampled_from([None, 1, 2, 3, 7]), min_size=4, max_size=4)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    return laid_out(tmp_path_factory.mktemp("repeat"))


def named(names: list[str], times: list[int | None]) -> dict[str, int]:
    return {name: each for name, each in zip(names, times, strict=False) if each is not None}


@given(
    NAMES, TIMES, st.lists(st.integers(0, 4), min_size=4, max_size=4), st.sampled_from([1, 2, 8])
)
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_all_rows_come_exactly_so_often(
    layouts: dict[str, list[Any]],
    names: list[str],
    times: list[int | None],
    kinds: list[int],
    threads: int,
) -> None:
    repeat = named(names, times)
    sources = {name: layouts[name][kind] for name, kind in zip(names, kinds, strict=False)}
    drawn = fastsample.mix(sources, repeat=repeat, threads=threads)
    ids = [list(range(SIZES[name])) * repeat.get(name, 1) for name in names]
    assert plain(drawn).to_pylist() == mixed_rows(names, ids)
    for each in drawn.report.sources:
        seen = Counter(drawn.source_ids[each.name].tolist())
        assert set(seen.values()) == {repeat.get(each.name, 1)}
        assert each.epochs == repeat.get(each.name, 1)
        assert len(seen) == each.rows == SIZES[each.name]


@given(
    NAMES,
    TIMES,
    st.lists(st.integers(1, 30), min_size=4, max_size=4),
    st.sampled_from(["error", "stop", "renormalise"]),
    st.booleans(),
    st.integers(1, 2000),
    st.integers(0, 2**64 - 1),
)
@settings(deadline=None, max_examples=60)
def test_a_mixture_is_that_of_plain_python(
    names: list[str],
    times: list[int | None],
    parts: list[int],
    exhausted: str,
    by_size: bool,
    n: int,
    seed: int,
) -> None:
    repeat = named(names, times)
    there = [SIZES[name] * repeat.get(name, 1) for name in names]
    shares = given_shares(parts[: len(names)])
    weights = [Fraction(rows) for rows in there] if by_size else [Fraction(repr(s)) for s in shares]
    n = min(n, sum(there))
    numbers = largest_remainder(n, weights)
    short = any(map(int.__gt__, numbers, there))
    if exhausted == "renormalise":
        numbers = largest_remainder(n, weights, there)
    elif exhausted == "stop" and short:
        bound = min(
            rows * sum(weights) // weight
            for rows, weight, number in zip(there, weights, numbers, strict=True)
            if number > rows
        )
        numbers = largest_remainder(int(bound), weights)
    sources: dict[str, Any] = {
        name: TABLES[name] if by_size else (TABLES[name], share)
        for name, share in zip(names, shares, strict=True)
    }
    options: dict[str, Any] = {"repeat": repeat, "exhausted": exhausted, "seed": seed}
    if exhausted == "error" and short:
        with pytest.raises(ArgumentError, match="ask for at most"):
            fastsample.mix(sources, n, **options)
        return
    drawn = fastsample.mix(sources, n, **options)
    ids = [passes(SIZES[name], number, seed) for name, number in zip(names, numbers, strict=True)]
    assert plain(drawn).to_pylist() == mixed_rows(names, ids)
    for name, each in drawn.source_ids.items():
        assert max(Counter(each.tolist()).values(), default=0) <= repeat.get(name, 1)


def test_copies_of_one_are_no_copies() -> None:
    sources: dict[str, Any] = {"wiki": TABLES["wiki"], "code": TABLES["code"]}
    for n in (3, 200, 420):
        drawn = fastsample.mix(sources, n, repeat={"wiki": 1})
        assert drawn.row_ids.tolist() == fastsample.mix(sources, n).row_ids.tolist()


def test_tokens_are_bounded_by_copies(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    make("bpe", tmp_path / "tokenizer.json")
    options: dict[str, Any] = {"tokenizer": tmp_path, "text_columns": ["text"]}
    lengths = fastsample.token_lengths(TABLES["chat"], tmp_path, text_columns=["text"])
    total = int(lengths.sum())
    drawn = fastsample.mix(
        {"chat": TABLES["chat"]}, budget_tokens=3 * total, repeat={"chat": 3}, **options
    )
    assert (drawn.report.sources[0].epochs, drawn.report.tokens) == (3, 3 * total)
    wrong = rf"has {total} tokens, which is {3 * total} tokens with repeat=3, .* {3 * total} tokens"
    with pytest.raises(ArgumentError, match=wrong):
        fastsample.mix(
            {"chat": TABLES["chat"]}, budget_tokens=3 * total + 1, repeat={"chat": 3}, **options
        )
    sources = {"chat": (TABLES["chat"], 0.9), "wiki": (TABLES["wiki"], 0.1)}
    for times in (1, 2):
        drawn = fastsample.mix(
            sources,
            budget_tokens=3 * total,
            repeat={"chat": times},
            exhausted="renormalise",
            **options,
        )
        assert [each.quota for each in drawn.report.sources] == [times * total, (3 - times) * total]
        again = fastsample.mix(
            sources,
            budget_tokens=5 * total,
            repeat={"chat": times},
            exhausted="stop",
            **options,
        )
        bound = int(times * total / Fraction("0.9"))
        wanted = largest_remainder(bound, [Fraction(9, 10), Fraction(1, 10)])
        assert [each.quota for each in again.report.sources] == wanted


CHAT = TABLES["chat"]
WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"repeat": {"b": 2}}, ArgumentError, "repeat has 'b', but the sources are 'a'"),
    ({"repeat": {"a": 0}}, ArgumentError, "repeat of 'a' is 0; it must be at least 1"),
    ({"repeat": {"a": 1.5}}, fastsample.SourceTypeError, "repeat of 'a' is 1.5"),
    ({"repeat": 4}, fastsample.SourceTypeError, "repeat is a int; it must map names"),
    ({"repeat": {"a": 2}, "exhausted": "repeat"}, ArgumentError, "leave out one of them"),
    ({"repeat": {"a": 2}, "temperature": 2}, fastsample.SourceTypeError, "n is None"),
    ({"repeat": {"a": 2}, "n": 81}, ArgumentError, "80 rows with repeat=2, .* at most 80 rows"),
    (
        {"repeat": {"a": 2}, "n": 81, "exhausted": "renormalise"},
        ArgumentError,
        "only 80 rows; ask for at most 80",
    ),
    ({"repeat": {"a": 2**62}}, ArgumentError, "can be mixed"),
    ({}, fastsample.SourceTypeError, "n is None"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG)
def test_what_can_not_be_repeated_says_why(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fastsample.mix({"a": CHAT}, **options)
    with pytest.raises(fastsample.SourceTypeError, match="n is None"):
        fastsample.mix({"a": (CHAT, 1.0)}, repeat={"a": 2})


def test_options_and_files_give_the_mixture_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("code", "chat"):
        write_parquet(TABLES[name], tmp_path / f"{name}.parquet")
    paths = {name: f"{name}.parquet" for name in ("code", "chat")}
    drawn = fastsample.mix(paths, repeat={"chat": 3})
    listed = [{"name": name, "path": path} for name, path in paths.items()]
    listed[1]["repeat"] = 3  # type: ignore[assignment]
    Path("m.json").write_text(json.dumps({"sources": listed}))
    flags = [f"--source={name}={path}" for name, path in paths.items()]
    for arguments in ([*flags, "--repeat", "chat=3"], ["m.json"], ["m.json", "--repeat", "code=1"]):
        done = CliRunner().invoke(app, ["mix", *arguments, "-o", "o.parquet", "--manifest"])
        assert done.exit_code == 0, done.output
        assert plain(pq.read_table("o.parquet")).equals(plain(drawn))
    again = fastsample.reproduce("o.parquet.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    for arguments, message in (
        ([*flags, "--repeat", "chat"], "is no NAME=K"),
        ([*flags, "--repeat", "poems=2"], "--repeat has 'poems'"),
        (flags, "give one of --num_samples, --budget-tokens and --repeat"),
    ):
        done = CliRunner().invoke(app, ["mix", *arguments, "-o", "p.parquet"])
        assert done.exit_code == 2, done.output
        assert message in " ".join(done.output.replace("│", " ").split())
        assert not Path("p.parquet").exists()
    listed[1]["repeat"] = 1.5  # type: ignore[assignment]
    Path("m.json").write_text(json.dumps({"sources": listed}))
    done = CliRunner().invoke(app, ["mix", "m.json", "-o", "p.parquet"])
    assert "source 2: repeat is 1.5; it must be a whole number" in " ".join(done.output.split())
