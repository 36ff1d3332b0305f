"""Token counts, compared with the Python package `tokenizers`, and draws by tokens."""

import json
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import drawn_ids, pairs, stream, write_ipc, write_parquet
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers_made import make

KINDS = ("bpe", "wordpiece", "unigram", "wordlevel")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tokenizers")
    return {kind: make(kind, folder / f"{kind}.json") for kind in KINDS}


def oracle(path: Path, columns: list[list[str | None]], special: bool = True) -> list[int]:
    """Count with the Python package, row by row."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(path))
    made.no_truncation()
    made.no_padding()

    def count(text: str | None) -> int:
        return len(made.encode(text or "", add_special_tokens=special).ids)

    return [sum(map(count, row)) for row in zip(*columns, strict=True)]


def columns_of(table: pa.Table) -> list[list[str | None]]:
    return [table[name].to_pylist() for name in ("prompt", "response")]


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_those_of_the_package(kind: str, files: dict[str, Path]) -> None:
    table = pairs(700, seed=4)
    for special in (True, False):
        found = fastsample.token_lengths(table, files[kind], special_tokens=special)
        assert found.dtype == np.uint32
        assert found.tolist() == oracle(files[kind], columns_of(table), special)
    one = fastsample.token_lengths(table, files[kind], text_columns=["response"])
    assert one.tolist() == oracle(files[kind], columns_of(table)[1:])


@pytest.mark.parametrize("kind", KINDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(st.none() | st.text(max_size=60), min_size=1, max_size=20))
def test_lengths_of_any_text(kind: str, files: dict[str, Path], texts: list[str | None]) -> None:
    found = fastsample.token_lengths(pa.table({"text": pa.array(texts, pa.string())}), files[kind])
    assert found.tolist() == oracle(files[kind], [texts])


def test_lengths_of_every_kind_of_source(files: dict[str, Path], tmp_path: Path) -> None:
    table = pairs(3000, seed=8)
    expected = fastsample.token_lengths(table, files["bpe"], threads=1).tolist()
    written = write_parquet(table, tmp_path / "a.parquet", row_group_size=700)
    cached = fastsample.sample(table, 3000).cache()
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(files["bpe"].read_bytes())
    sources: list[Any] = [written, write_ipc(table, tmp_path / "a.arrow"), stream(table), cached]
    for source in sources:
        for_all = fastsample.token_lengths(source, folder, threads=3)
        assert for_all.tolist() == expected
    empty = fastsample.token_lengths(table.slice(0, 0), files["bpe"])
    assert empty.tolist() == []


def test_files_that_are_no_tokenizer(tmp_path: Path, table: pa.Table) -> None:
    bad = tmp_path / "tokenizer.json"
    for content in (b"", b"{}", b'{"model": 1}', b"\xff\x00binary", b'["a"]'):
        bad.write_bytes(content)
        with pytest.raises(
            fastsample.CorruptDataError, match=r"tokenizer\.json: not the tokenizer\.json .*save_"
        ):
            fastsample.token_lengths(table, bad)
    with pytest.raises(fastsample.SourceNotFoundError, match="no such file"):
        fastsample.token_lengths(table, tmp_path / "absent.json")
    with pytest.raises(fastsample.SourceTypeError, match=r"pass the path of a tokenizer\.json"):
        fastsample.token_lengths(table, object())  # type: ignore[arg-type]
    bad.unlink()
    with pytest.raises(fastsample.SourceNotFoundError, match=r"tokenizer\.json"):
        fastsample.token_lengths(table, tmp_path)


def test_columns_that_are_no_text(files: dict[str, Path], table: pa.Table) -> None:
    for names, message in [(["x"], "no column 'x'"), (["id"], "not text"), ([], "is empty")]:
        with pytest.raises(fastsample.ColumnError, match=message.replace("'", '"')):
            fastsample.token_lengths(table, files["bpe"], text_columns=names)
    with pytest.raises(fastsample.ColumnError, match="no text column"):
        fastsample.token_lengths(table.select(["id"]), files["bpe"])


def in_order(table: pa.Table, seed: int, smart: Any) -> list[int]:
    """Return all rows in the order of a draw, by draws of 1, 2, 3, ... rows."""
    order: list[int] = []
    for n in range(1, table.num_rows + 1):
        ids = fastsample.sample(table, n, seed=seed, smart=smart).row_ids.tolist()
        order += sorted(set(ids) - set(order))
    return order


def walk(order: list[int], tokens: npt.NDArray[Any], budget: float, most: float) -> list[int]:
    taken: list[int] = []
    for row in order:
        if tokens[row] <= most:
            if tokens[[*taken, row]].sum() > budget:
                break
            taken.append(row)
    return taken


@pytest.mark.parametrize("smart", [False, True, "entropy"])
def test_draws_are_the_naive_ones(smart: Any, files: dict[str, Path]) -> None:
    table, tokenizer = pairs(120, seed=9), files["bpe"]
    tokens = fastsample.token_lengths(table, tokenizer).astype(int)
    order = in_order(table, 7, smart)
    assert sorted(order) == list(range(120))
    for most in (None, 60, 120):
        fits = int((tokens <= (most or np.inf)).sum())
        for budget in (300, 1000, 2500, 10**9):
            expected = walk(order, tokens, budget, most or np.inf)
            drawn = fastsample.sample(
                table,
                budget_tokens=budget,
                max_tokens=most,
                tokenizer=tokenizer,
                seed=7,
                smart=smart,
            )
            assert drawn.row_ids.tolist() == sorted(expected)
            assert drawn.report.tokens == tokens[drawn.row_ids].sum() <= budget
            assert drawn.report.sampled == len(expected)
        if most is None:
            continue
        for n in (1, fits // 2, fits):
            drawn = fastsample.sample(
                table, n, max_tokens=most, tokenizer=tokenizer, seed=7, smart=smart
            )
            short = [row for row in order if tokens[row] <= most]
            assert drawn.row_ids.tolist() == sorted(short[:n])
        with pytest.raises(fastsample.ArgumentError, match=f"only {fits} of 120 rows have at most"):
            fastsample.sample(table, fits + 1, max_tokens=most, tokenizer=tokenizer, smart=smart)


def test_the_smart_report_is_of_the_rows_drawn(files: dict[str, Path], table: pa.Table) -> None:
    short = fastsample.sample(table, 500, smart=True, max_tokens=90, tokenizer=files["bpe"], seed=3)
    assert short.report.smart is not None
    chars = short.to_arrow()
    lengths = [len(p or "") + len(r or "") for p, r in zip(*columns_of(chars), strict=True)]
    assert short.report.smart.chars_after[1.0] == max(lengths)
    assert short.report.smart.excluded_drawn == sum(length < 10 for length in lengths)
    everything = fastsample.sample(
        table, smart=True, budget_tokens=10**9, tokenizer=files["bpe"]
    ).report.smart
    assert everything == fastsample.sample(table, 3000, smart=True).report.smart


def test_budgets_are_nested_and_the_same_for_any_layout(
    files: dict[str, Path], tmp_path: Path
) -> None:
    table, tokenizer = pairs(20_000, seed=6, mean_chars=8.0), files["wordlevel"]
    tokens = fastsample.token_lengths(table, tokenizer)
    path = write_parquet(table, tmp_path / "a.parquet", row_group_size=3000)
    before: set[int] = set()
    for budget in (5_000, 20_000, 60_000):
        drawn = fastsample.sample(table, budget_tokens=budget, tokenizer=tokenizer, threads=1)
        ids = set(drawn.row_ids.tolist())
        assert before <= ids
        assert ids == set(drawn_ids(20_000, len(ids), 42))
        assert tokens[drawn.row_ids].sum() <= budget
        next_row = set(drawn_ids(20_000, len(ids) + 1, 42)) - ids
        assert tokens[drawn.row_ids].sum() + tokens[list(next_row)].sum() > budget
        for source in (path, stream(table, 999)):
            same = fastsample.sample(source, budget_tokens=budget, tokenizer=tokenizer, threads=3)
            assert same.row_ids.tolist() == drawn.row_ids.tolist()
        before = ids


def test_bad_arguments_are_refused(files: dict[str, Path], table: pa.Table) -> None:
    path = files["bpe"]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"n": 5, "budget_tokens": 5, "tokenizer": path}, "exclude each other"),
        ({"n": 5, "max_tokens": 5}, "need a tokenizer"),
        ({"budget_tokens": 5}, "need a tokenizer"),
        ({"n": 5, "tokenizer": path}, "pass one of them"),
        ({"budget_tokens": 0, "tokenizer": path}, "budget_tokens is 0"),
        ({"n": 5, "max_tokens": 0, "tokenizer": path}, "max_tokens is 0"),
        ({"n": 5, "max_tokens": 9, "tokenizer": path, "weights": True}, "no weights"),
        ({"budget_tokens": 1, "tokenizer": path}, "first row of the draw has .* tokens"),
        ({"n": 3001, "max_tokens": 9, "tokenizer": path}, "only 3000 rows"),
    ]
    for options, message in wrong:
        with pytest.raises(fastsample.ArgumentError, match=message):
            fastsample.sample(table, **options)


def test_the_command(files: dict[str, Path], table: pa.Table, tmp_path: Path) -> None:
    source, output = write_parquet(table, tmp_path / "a.parquet"), tmp_path / "b.parquet"
    command = ["sample", "-i", str(source), "-o", str(output), "--tokenizer", str(files["bpe"])]
    run = CliRunner().invoke
    done = run(app, [*command, "--budget-tokens", "20000", "--max-tokens", "100", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    expected = fastsample.sample(
        table, budget_tokens=20_000, max_tokens=100, tokenizer=files["bpe"]
    )
    assert report["rows_after"] == len(expected)
    assert report["tokens"] == expected.report.tokens
    assert report["too_long"] == expected.report.too_long
    done = run(app, [*command, "--budget-tokens", "20000"])
    assert "tokens" in done.stdout
    done = run(app, [*command, "-n", "50", "--max-tokens", "100"])
    assert done.exit_code == 0
    done = run(app, command)
    assert done.exit_code == 2
    assert "--fraction, --budget-tokens" in " ".join(done.stderr.split())
    assert "--budget-tokens" in done.stderr


def test_batches_by_tokens(files: dict[str, Path], table: pa.Table) -> None:
    rows = fastsample.sample(table, 2000).cache()
    tokens = fastsample.token_lengths(rows, files["bpe"])
    sampler = fastsample.LengthBatchSampler(tokens, max_tokens=2000, window=20)
    padding = sampler.padding()
    batches = list(sampler)
    assert sorted(row for batch in batches for row in batch) == list(range(2000))
    assert all(tokens[b].max() * len(b) <= 2000 for b in batches if len(b) > 1)
    assert padding.used == tokens.sum()
    assert padding.padded == sum(int(tokens[b].max()) * len(b) for b in batches)
    assert padding.saved > 0.2
