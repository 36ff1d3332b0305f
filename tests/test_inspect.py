"""Inspections: lengths, copies, how they look in a terminal, plots."""

import json
from itertools import pairwise
from pathlib import Path

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from commands import run
from data import pairs, write_parquet
from fastsample import _figure, _text_lengths
from rich.cells import cell_len


@pytest.fixture
def table() -> pa.Table:
    """Return 3,000 rows of which 300 are copies, with Chinese names of columns."""
    rows = pairs(2700, seed=5)
    return pa.concat_tables([rows, rows[:300]]).rename_columns(["id", "提示", "回答"])


def test_copies_and_whole_rows(table: pa.Table) -> None:
    found = fastsample.inspect(table)
    rows = [(row["提示"] or "", row["回答"] or "") for row in table.to_pylist()]
    assert found.copies is not None
    assert found.copies.exact
    assert found.copies.rows == len(rows) - len(set(rows))
    lengths = np.array([len(a + b) for a, b in rows])
    assert found.row_lengths is not None
    assert found.row_lengths.mean == pytest.approx(lengths.mean())
    expected = dict(zip(*np.unique(lengths, return_counts=True), strict=True))
    assert dict(found.row_lengths.histogram) == expected


def test_beyond_a_million_distinct_rows_copies_are_estimated() -> None:
    rows = 1_500_000
    ids = np.arange(rows) % 1_200_000
    found = fastsample.inspect(pa.table({"t": pa.array(ids).cast(pa.string())}))
    assert found.copies is not None
    assert not found.copies.exact
    assert found.copies.share == pytest.approx(0.2, abs=0.002)


def test_without_texts_there_are_no_lengths() -> None:
    found = fastsample.inspect(pa.table({"i": [1, 2]}))
    assert (found.row_lengths, found.copies, found.text) == (None, None, {})
    with pytest.raises(fastsample.ArgumentError, match="no lengths of texts"):
        found.plot("a.svg")


def test_tables_align_with_chinese_names(table: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(table, tmp_path / "数据.parquet")
    printed = run("inspect", path).stdout
    for title, columns in (("Columns", 3), ("Length in characters", 11)):
        (part,) = [part for part in printed.split("\n\n") if part.startswith(title)]
        _, heading, rule, *rows = part.splitlines()
        assert cell_len(heading) == len(rule)
        assert any(row.startswith("提示") for row in rows)
        # The last column is numbers, which end where the rule does; or words, which begin together.
        ends = {cell_len(row) for row in rows}
        assert ends == {len(rule)} or columns == 3
        assert all(len(row.split("  ")) >= columns for row in rows)
    assert "█" in printed
    assert "Copies: 300 rows (10.00%)" in printed or "Copies: 3" in printed
    assert "\x1b" not in printed


def test_bars_of_a_plain_terminal(table: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(table, tmp_path / "a.parquet")
    done = run("inspect", path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "#" in done.stdout


def test_json_has_copies(table: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(table, tmp_path / "a.parquet")
    plain = json.loads(run("inspect", path, "--json").stdout)
    found = fastsample.inspect(path)
    assert plain == json.loads(json.dumps(found.to_dict()))
    assert plain["copies"]["exact"] is True
    assert "histogram" not in plain["row_lengths"]


# Plots


@pytest.mark.parametrize("spread", [0.3, 2.5])
def test_bins_reach_over_a_long_tail(spread: float) -> None:
    """One text of a million characters, among lengths that are close together or far apart."""
    chars = np.exp(np.random.default_rng(0).normal(4, spread, 3000)).astype(int)
    chars[0] = 1_000_000
    lengths = fastsample.inspect(pa.table({"t": ["字" * count for count in chars]})).text["t"]
    edges = _text_lengths.bin_edges(lengths, 40)
    assert edges[0] == 0
    assert edges[-1] == lengths.quantiles[0.99] + 1
    assert all(a < b for a, b in pairwise(edges))
    shares = _text_lengths.shares_of(lengths.histogram, edges)
    inside = np.histogram(chars, [*edges[:-1], np.inf])[0] / len(chars)
    # Above 4,096 characters a length is known to within 1/64.
    assert shares == pytest.approx(inside.tolist(), abs=1e-3)
    # Legible: the rows are not all in a bar or two.
    assert max(shares) < 0.3
    label = _text_lengths.axis_label(lengths, edges, "texts")
    assert label.endswith("the last bin holds all longer texts, up to 1,000,000")
    assert ("logarithmic" in label) == (spread > 1)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot(table: pa.Table, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = write_parquet(table, tmp_path / "a.parquet")
    done = run("inspect", path, "--plot", tmp_path / f"p.{suffix}")
    assert done.returncode == 0, done.stderr
    assert "Glyph" not in done.stderr
    head = (tmp_path / f"p.{suffix}").read_bytes()[:300]
    assert head.startswith(b"\x89PNG") or b"<svg" in head or b"<?xml" in head


def test_without_a_chinese_font_names_are_escaped(
    table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escapes instead of boxes: every glyph that is drawn is in the font."""
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.setattr(_figure, "_cjk_font", lambda: None)
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    fastsample.inspect(table).plot(tmp_path / "p.svg")
    drawn = (tmp_path / "p.svg").read_text()
    assert r"\u63d0\u793a" in drawn
    assert "提示" not in drawn
