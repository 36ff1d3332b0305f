"""`fraction`: a share of the rows, as the nearest number of rows, half a row to the even number."""

import json
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import drawn_ids, stream, write_parquet
from fastsample.cli import app
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers_made import make


def rows_of(fraction: float, rows: int) -> int:
    """Return the nearest number of rows, by decimal arithmetic."""
    exact = Decimal(repr(fraction)) * rows
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def numbers(rows: int) -> pa.Table:
    return pa.table({"x": pa.array(range(rows), pa.int32())})


@given(st.integers(1, 300), st.floats(1e-4, 1) | st.integers(1, 100).map(lambda part: part / 100))
@settings(deadline=None, max_examples=100)
def test_it_is_the_nearest_number_of_rows(rows: int, fraction: float) -> None:
    n = rows_of(fraction, rows)
    if n == 0:
        with pytest.raises(fastsample.ArgumentError, match="is 0 rows; ask for a larger one"):
            fastsample.sample(numbers(rows), fraction=fraction)
        return
    drawn = fastsample.sample(numbers(rows), fraction=fraction, seed=3)
    assert drawn.row_ids.tolist() == drawn_ids(rows, n, 3)
    assert (drawn.report.fraction, drawn.report.sampled) == (fraction, n)


@pytest.mark.parametrize(
    ("fraction", "rows", "n"), [(0.3, 5, 2), (0.5, 5, 2), (0.5, 7, 4), (0.7, 5, 4), (1, 7, 7)]
)
def test_half_a_row_is_rounded_to_the_even_number(fraction: float, rows: int, n: int) -> None:
    assert len(fastsample.sample(numbers(rows), fraction=fraction)) == n


def test_a_stream_gives_the_rows_of_the_table() -> None:
    drawn = fastsample.sample(stream(numbers(1000)), fraction=0.25)
    assert drawn.row_ids.tolist() == drawn_ids(1000, 250, 42)


def test_smart_tokens_and_epochs_take_it(tmp_path: Path, table: pa.Table) -> None:
    n = rows_of(0.1, table.num_rows)
    by_n = fastsample.sample(table, n, smart=True)
    drawn = fastsample.sample(table, fraction=0.1, smart=True)
    assert drawn.row_ids.tolist() == by_n.row_ids.tolist()
    tokenizer = make("wordlevel", tmp_path / "tokenizer.json")
    short = fastsample.sample(table, fraction=0.1, tokenizer=tokenizer, max_tokens=60)
    by_n = fastsample.sample(table, n, tokenizer=tokenizer, max_tokens=60)
    assert short.row_ids.tolist() == by_n.row_ids.tolist()
    epochs = fastsample.epochs(table, fraction=0.1)
    assert (len(epochs), len(epochs[9])) == (10, n)
    assert epochs[0].row_ids.tolist() == drawn_ids(table.num_rows, n, 42)
    assert epochs[1].report.fraction == 0.1


@pytest.mark.parametrize("fraction", [0, -0.5, 1.5, float("nan"), float("inf")])
def test_a_share_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(fastsample.ArgumentError, match=r"fraction is .* above 0 and at most 1"):
        fastsample.sample(numbers(5), fraction=fraction)


@pytest.mark.parametrize("fraction", ["0.3", True, [0.3]])
def test_a_wrong_type_is_refused(fraction: Any) -> None:
    with pytest.raises(fastsample.SourceTypeError, match="fraction is"):
        fastsample.sample(numbers(5), fraction=fraction)


def test_amounts_exclude_each_other() -> None:
    with pytest.raises(fastsample.ArgumentError, match="n and fraction exclude each other"):
        fastsample.sample(numbers(5), 2, fraction=0.3)
    with pytest.raises(fastsample.ArgumentError, match="fraction and budget_tokens exclude"):
        fastsample.sample(numbers(5), fraction=0.3, budget_tokens=5)
    with pytest.raises(fastsample.ArgumentError, match="n and fraction exclude each other"):
        fastsample.epochs(numbers(5), 2, fraction=0.3)
    with pytest.raises(fastsample.SourceTypeError, match="pass one, or fraction"):
        fastsample.epochs(numbers(5))


def test_the_report_says_what_it_is_of() -> None:
    drawn = fastsample.sample(numbers(1000), fraction=np.float64(0.3))
    assert "0.3 of 1,000, half a row rounded to even" in str(drawn.report)
    assert drawn.report.to_dict()["fraction"] == 0.3


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    source = write_parquet(numbers(1000), tmp_path / "rows.parquet")
    out = tmp_path / "out.parquet"
    command = ["sample", "-i", str(source), "-o", str(out)]
    done = CliRunner().invoke(app, [*command, "--fraction", "0.3", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["fraction"], report["rows_after"]) == (0.3, 300)
    assert pq.read_table(out)["x"].to_pylist() == drawn_ids(1000, 300, 42)
    for wrong in (["--fraction", "0.3", "-n", "5"], ["--fraction", "1.5"], []):
        assert CliRunner().invoke(app, [*command, *wrong]).exit_code == 2, wrong
