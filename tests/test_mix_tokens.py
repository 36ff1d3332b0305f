"""`mix(budget_tokens=...)`: of each source its share of the tokens, exact, by whole rows."""

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from click.testing import CliRunner
from data import plain, stream
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixtures_made import (
    SIZES,
    TABLES,
    even_order,
    given_shares,
    laid_out,
    largest_remainder,
    mixed_rows,
)
from tokenizers_made import make

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mix")
    make("bpe", folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="module")
def layouts(folder: Path) -> dict[str, list[Any]]:
    return laid_out(folder)


@pytest.fixture(scope="module")
def lengths(folder: Path) -> dict[str, list[int]]:
    """Return the tokens of each row, as the library `tokenizers` counts them."""
    from tokenizers import Tokenizer

    counter = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return {
        name: [len(counter.encode(text)) for text in table["text"].to_pylist()]
        for name, table in TABLES.items()
    }


def draw_order(rows: int, seed: int) -> list[int]:
    """Return all rows in the order of a uniform draw."""
    key = xxhash.xxh3_64_intdigest(seed.to_bytes(8, "little"))
    return sorted(
        range(rows), key=lambda row: xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"), seed=key)
    )


def quotas_of(
    budget: int, weights: Sequence[Fraction], totals: Sequence[int], exhausted: str
) -> list[int] | None:
    """Return the tokens of each source, or None where the mixture can't be met."""
    quotas = largest_remainder(budget, list(weights))
    short = [s for s, total in enumerate(totals) if quotas[s] > total]
    if exhausted == "renormalise":
        met = sum(totals) >= budget
        return largest_remainder(budget, list(weights), list(totals)) if met else None
    if exhausted == "stop" and short:
        bound = min(math.floor(totals[s] / weights[s]) for s in short)
        return largest_remainder(bound, list(weights))
    return None if exhausted == "error" and short else quotas


def rows_of(quota: int, lengths: Sequence[int], seed: int) -> list[int]:
    """Return the rows that a source gives: whole passes, and those that fit into what is left."""
    whole, left = divmod(quota, sum(lengths))
    drawn, tokens = [], 0
    for row in draw_order(len(lengths), seed) if left or not whole else ():
        tokens += lengths[row]
        if tokens > left:
            break
        drawn.append(row)
    return list(range(len(lengths))) * whole + sorted(drawn)


def worst(ids: Sequence[Sequence[int]], lengths: Sequence[Sequence[int]]) -> list[int]:
    """Return by how many tokens each source is off its share at the worst prefix."""
    given_ = [sum(lengths[s][row] for row in each) for s, each in enumerate(ids)]
    left = [iter(each) for each in ids]
    seen, found = [0] * len(ids), [Fraction(0)] * len(ids)
    for source in even_order([len(each) for each in ids]):
        seen[source] += lengths[source][next(left[source])]
        for s in range(len(ids)):
            off = seen[s] - Fraction(sum(seen) * given_[s], sum(given_) or 1)
            found[s] = max(found[s], abs(off))
    return [math.ceil(off) for off in found]


@given(
    st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 30), min_size=4, max_size=4),
    st.sampled_from(["error", "stop", "renormalise", "repeat"]),
    st.integers(1, 9000),
    st.integers(0, 2**64 - 1),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
    st.sampled_from([1, 2, 8]),
)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_mixture_by_tokens_is_that_of_plain_python(
    folder: Path,
    layouts: dict[str, list[Any]],
    lengths: dict[str, list[int]],
    names: list[str],
    parts: list[int],
    exhausted: str,
    budget: int,
    seed: int,
    kinds: list[int],
    threads: int,
) -> None:
    shares = given_shares(parts[: len(names)])
    of = [lengths[name] for name in names]
    quotas = quotas_of(budget, [Fraction(repr(s)) for s in shares], list(map(sum, of)), exhausted)
    ids = [rows_of(q, each, seed) for q, each in zip(quotas or [], of, strict=bool(quotas))]
    sources = {
        name: (layouts[name][kind] if kind < 5 else stream(TABLES[name], 17), share)
        for name, kind, share in zip(names, kinds, shares, strict=False)
    }
    options: dict[str, Any] = {
        "budget_tokens": budget,
        "tokenizer": folder,
        "text_columns": ["text"],
        "exhausted": exhausted,
        "seed": seed,
        "threads": threads,
    }
    if not ids or not all(ids):
        with pytest.raises(fastsample.ArgumentError, match=r"tokens"):
            fastsample.mix(sources, **options)
        return
    drawn = fastsample.mix(sources, **options)
    assert plain(drawn).to_pylist() == mixed_rows(names, ids)
    assert [each.tolist() for each in drawn.source_ids.values()] == ids
    tokens = [sum(o[row] for row in each) for o, each in zip(of, ids, strict=True)]
    report = drawn.report
    assert (report.tokens, report.sampled) == (sum(tokens), sum(map(len, ids)))
    found = [
        (each.tokens, each.quota, each.drawn, each.share, each.epochs, each.text_columns)
        for each in report.sources
    ]
    assert found == [
        (t, q, len(each), t / (sum(tokens) or 1), len(each) / SIZES[name], ("text",))
        for t, q, each, name in zip(tokens, quotas or [], ids, names, strict=True)
    ]
    assert [each.deviation for each in report.sources] == worst(ids, of)
    assert ("the mixture ends at" in str(report.notes)) == (
        exhausted == "stop" and sum(quotas or []) < budget
    )


def test_a_source_gives_the_rows_of_a_draw_by_tokens(folder: Path) -> None:
    budget: dict[str, Any] = {"tokenizer": folder, "seed": 7}
    sources = {"wiki": (TABLES["wiki"], 0.75), "code": (TABLES["code"], 0.25)}
    drawn = fastsample.mix(sources, budget_tokens=4000, **budget)
    for name, tokens in (("wiki", 3000), ("code", 1000)):
        alone = fastsample.sample(TABLES[name], budget_tokens=tokens, **budget)
        assert drawn.source_ids[name].tolist() == alone.row_ids.tolist()
    assert "tokens in text" in str(drawn.report)
    # What is not kept is not counted, and rows that share text with a benchmark are left out.
    bench = TABLES["wiki"].slice(3, 1).select(["text"])
    kept = fastsample.mix(
        sources, budget_tokens=4000, columns=["text"], exclude=bench, exclude_letters=9, **budget
    )
    assert [each.text_columns for each in kept.report.sources] == [("text",)] * 2
    assert 3 not in kept.source_ids["wiki"]
    by_size = fastsample.mix(
        {name: TABLES[name] for name in ("wiki", "code")}, budget_tokens=4200, **budget
    )
    assert [each.quota for each in by_size.report.sources] == [3000, 1200]


def test_max_epochs_bounds_tokens(folder: Path, lengths: dict[str, list[int]]) -> None:
    total = sum(lengths["chat"])
    options: dict[str, Any] = {"tokenizer": folder, "exhausted": "repeat", "max_epochs": 3}
    drawn = fastsample.mix({"chat": TABLES["chat"]}, budget_tokens=3 * total, **options)
    assert drawn.report.sources[0].epochs == 3
    expected = rf"{3 * total} tokens with max_epochs=3, .* at most {3 * total} tokens"
    with pytest.raises(fastsample.ArgumentError, match=expected):
        fastsample.mix({"chat": TABLES["chat"]}, budget_tokens=3 * total + 1, **options)


CHAT = TABLES["chat"]
BLANK = pa.table({"id": range(3), "text": ["", None, ""]})
WRONG: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ({"a": CHAT}, {"tokenizer": None}, fastsample.ArgumentError, "pass tokenizer="),
    ({"a": CHAT}, {"n": 3}, fastsample.ArgumentError, "n and budget_tokens exclude each other"),
    ({"a": CHAT}, {"budget_tokens": None, "n": 3}, fastsample.ArgumentError, "tokenizer= is for"),
    ({"a": CHAT}, {"budget_tokens": None}, fastsample.SourceTypeError, "n is None"),
    (
        {"a": CHAT},
        {"budget_tokens": None, "tokenizer": None, "n": 3, "text_columns": ["text"]},
        fastsample.ArgumentError,
        "text_columns is for budget_tokens=",
    ),
    ({"a": CHAT}, {"budget_tokens": 0}, fastsample.ArgumentError, "budget_tokens is 0"),
    ({"a": CHAT[:0]}, {}, fastsample.ArgumentError, r'"a" has 0 rows'),
    (
        {"a": TABLES["code"], "b": TABLES["code"]},
        {"budget_tokens": 2},
        fastsample.ArgumentError,
        r'source "a": the first row of its draw has \d+ tokens, but its share of 2 tokens is 1',
    ),
    (
        {"a": (TABLES["wiki"], 0.5), "b": (CHAT, 0.5)},
        {"budget_tokens": 3000},
        fastsample.ArgumentError,
        r'"b" has \d+ tokens, but its share of 3000 tokens is 1500; ask for at most \d+ tokens, '
        r'or .*"renormalise".*"repeat".*"stop"',
    ),
    (
        {"a": (CHAT, 0.5), "b": (CHAT, 0.5)},
        {"budget_tokens": 3000, "exhausted": "renormalise"},
        fastsample.ArgumentError,
        r"budget_tokens is 3000, but the sources .* only \d+ tokens",
    ),
    (
        {"a": (CHAT, 0.5), "b": (BLANK, 0.5)},
        {"exhausted": "repeat", "text_columns": ["text"]},
        fastsample.ArgumentError,
        'source "b" has no tokens in text',
    ),
    ({"a": CHAT}, {"text_columns": ["nope"]}, fastsample.ColumnError, '"nope" in any source'),
    (
        {"a": CHAT, "b": CHAT.rename_columns(["id", "body"])},
        {"text_columns": ["text"]},
        fastsample.ColumnError,
        r'source "b": .*"text"',
    ),
    (
        {"a": CHAT, "b": pa.table({"id": range(9)})},
        {},
        fastsample.ColumnError,
        r'source "b": ',
    ),
    (
        {"a": CHAT, "b": pa.table({"other": ["some text"] * 9})},
        {"columns": ["text"]},
        fastsample.ColumnError,
        'source "b" has none of the columns that are kept',
    ),
]


@pytest.mark.parametrize(("sources", "options", "error", "message"), WRONG)
def test_what_can_not_be_mixed_by_tokens_says_why(
    folder: Path,
    sources: dict[str, Any],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        fastsample.mix(sources, **{"budget_tokens": 20, "tokenizer": folder, **options})


def test_a_tokenizer_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.parquet"  # whatever it is called
    words.write_bytes((folder / "tokenizer.json").read_bytes())
    drawn = fastsample.mix({"chat": CHAT}, tokenizer=words, budget_tokens=50)
    with pytest.raises(fastsample.OutputError):
        drawn.write_parquet(words)


def test_options_and_files_give_the_mixture_of_python(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("wiki", "chat"):
        pq.write_table(TABLES[name], f"{name}.parquet")
    tokenizer = str(folder)
    options: dict[str, Any] = {"budget_tokens": 2000, "exhausted": "repeat", "max_epochs": 9}
    shares = {"wiki": 0.4, "chat": 0.6}
    sources = {name: (f"{name}.parquet", share) for name, share in shares.items()}
    drawn = fastsample.mix(sources, tokenizer=tokenizer, text_columns=["text"], **options)
    listed = [{"name": n, "path": f"{n}.parquet", "share": s} for n, s in shares.items()]
    described = {"sources": listed, "tokenizer": tokenizer, **options}
    Path("m.json").write_text(json.dumps(described))
    # JSON is YAML; so is this, which people write.
    Path("m.yaml").write_text(
        f"# a mixture\ntokenizer: {tokenizer}\nbudget_tokens: 7\nexhausted: repeat\n"
        "max_epochs: 9\nsources:\n"
        + "".join(f"  - {{name: {n}, path: {n}.parquet, share: {s}}}\n" for n, s in shares.items())
    )
    flags = [f"--source={name}={path}:{share}" for name, (path, share) in sources.items()]
    flags += ["--tokenizer", tokenizer, "--budget-tokens", "2k", "--exhausted", "repeat"]
    by_flags, by_yaml = [*flags, "--max-epochs", "9"], ["m.yaml", "--budget-tokens=2000"]
    for arguments in (by_flags, ["m.json"], by_yaml):
        command = ["mix", *arguments, "--text-column", "text", "-o", "o.parquet", "--json"]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert plain(pq.read_table("o.parquet")).equals(plain(drawn))
        found = json.loads(done.stdout)
        assert found["tokens"] == drawn.report.tokens
        assert [each["quota"] for each in found["sources"]] == [800, 1200]
    Path("w.yaml").write_text("sources: [")
    Path("x.json").write_text(json.dumps({**described, "budget_tokens": "2000"}))
    for arguments, message in (
        (["w.yaml"], "can't be read"),
        (["x.json"], "'budget_tokens' is '2000'; it must be a whole number"),
        (["m.json", "--exhausted", "error", "--budget-tokens", "2000"], "--max-epochs"),
        (flags[:2], "give one of --num_samples, --budget-tokens and --repeat"),
        ([*flags[:2], "--budget-tokens", "2k"], "--tokenizer"),
    ):
        done = CliRunner().invoke(app, ["mix", *arguments, "-o", "p.parquet"])
        assert done.exit_code == 2, done.output
        assert message in " ".join(done.output.replace("│", " ").split())
        assert not Path("p.parquet").exists()
