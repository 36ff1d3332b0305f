"""Reports print as tables: text in a terminal, HTML in a notebook."""

from html.parser import HTMLParser
from pathlib import Path

import fastsample
import pyarrow as pa
from data import pairs
from rich.cells import cell_len


def test_a_draw_as_text_and_as_html(table: pa.Table) -> None:
    report = fastsample.sample(table, 600, seed=7).report
    lines = str(report).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["rows before", "rows after", "seed", "time"]
    assert "3,000" in lines[0]
    assert "600 (20.0%)" in lines[1]
    page = report._repr_html_()
    assert "<th" in page
    assert "600 (20.0%)" in page
    HTMLParser().feed(page)


def test_a_smart_draw_reports_what_it_found(table: pa.Table) -> None:
    report = fastsample.sample(table, 600, smart=True).report
    assert report.smart is not None
    assert f"{report.smart.copies:,}" in str(report)
    assert "effective rows" in report._repr_html_()


def test_chinese_names_align_and_are_escaped(tmp_path: Path) -> None:
    table = pairs(50).rename_columns(["id", "提示", "<b>"])
    written = fastsample.sample(table, 20).write_parquet(tmp_path / "a.parquet")
    lines = str(written).splitlines()
    starts = {cell_len(line[: line.rindex("  ") + 2]) for line in lines}
    assert len(starts) == 1
    assert any("提示" in line for line in lines)
    assert "&lt;b&gt;" in written._repr_html_()
