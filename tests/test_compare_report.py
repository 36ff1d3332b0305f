"""The HTML report of a comparison: facts on top, examples, and smart samples."""

from __future__ import annotations

import re
from pathlib import Path

import fastsample
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import pairs, stream, write_parquet
from fastsample.cli import app


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return pairs(2000, seed=9)


def test_examples_are_rows_kept_and_rows_dropped(rows: pa.Table) -> None:
    sample = rows.slice(500, 700)
    found = fastsample.compare(rows, sample, examples=6)
    columns, kept, dropped = found.examples
    assert columns == ("prompt", "response")
    inside = {(r["prompt"] or "", r["response"] or "") for r in sample.to_pylist()}
    everything = {(r["prompt"] or "", r["response"] or "") for r in rows.to_pylist()}
    assert len(kept) == len(dropped) == 6
    assert set(kept) <= inside
    assert set(dropped) <= everything - inside
    assert found.examples == fastsample.compare(rows, sample, examples=6, threads=1).examples
    page = found.to_html()
    assert "Rows of the sample" in page
    assert "Rows it does not have" in page
    whole = fastsample.compare(rows, rows, examples=3)
    assert whole.examples[2] == ()
    assert "Rows it does not have" not in whole.to_html()


def test_text_is_escaped_and_cut() -> None:
    table = pa.table({"text": [f"<script>{i}" + "字" * 500 for i in range(200)]})
    page = fastsample.compare(table, table[:50], examples=2).to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "字…" in page
    assert "字" * 300 not in page


def test_nested_texts_have_no_examples() -> None:
    chats = [[{"role": "user", "content": f"第{i}个问题是什么？"}] for i in range(300)]
    table = pa.table({"messages": chats})
    found = fastsample.compare(table, table[:100], examples=5)
    assert found.text == ("messages[].content",)
    assert found.examples == ((), (), ())


def test_streams_have_no_examples(rows: pa.Table) -> None:
    found = fastsample.compare(stream(rows), stream(rows[:500]), examples=5)
    assert found.examples == ((), (), ())


def test_the_switch_leaves_text_out(rows: pa.Table, tmp_path: Path) -> None:
    source = write_parquet(rows, tmp_path / "a.parquet")
    sample = write_parquet(rows[:300], tmp_path / "b.parquet")
    flags = ["compare", str(source), str(sample), "--html"]
    shown, hidden = tmp_path / "shown.html", tmp_path / "hidden.html"
    assert CliRunner().invoke(app, [*flags, str(shown)]).exit_code == 0
    assert CliRunner().invoke(app, [*flags, str(hidden), "--no-examples"]).exit_code == 0
    assert "Rows of the sample" in shown.read_text(encoding="utf-8")
    assert "Rows of the sample" not in hidden.read_text(encoding="utf-8")


def test_the_bias_of_a_smart_sample_is_no_alarm(tmp_path: Path) -> None:
    lengths = [5 if i % 2 else 60 for i in range(3000)]
    texts = ["".join(chr(0x4E00 + (i * 31 + j * j) % 3000) for j in range(n))
             for i, n in enumerate(lengths)]  # fmt: skip
    source = write_parquet(pa.table({"text": texts}), tmp_path / "a.parquet")
    drawn = fastsample.sample(source, 900, smart=True)
    drawn.write_parquet(tmp_path / "smart.parquet", manifest=True)
    by_manifest = fastsample.compare(source, tmp_path / "smart.parquet")
    by_itself = fastsample.compare(source, drawn)
    told_not = fastsample.compare(source, drawn, smart=False)
    assert by_manifest.verdict == by_itself.verdict == told_not.verdict == "biased"
    assert (by_manifest.smart, by_itself.smart, told_not.smart) == (True, True, False)
    page = by_manifest.to_html()
    assert "biased, as a smart sample is meant to be" in page
    assert 'class="verdict biased"' not in page
    assert 'aria-label="intended"' in page
    assert "as a smart sample is meant to be" in str(by_itself)
    alarmed = told_not.to_html()
    assert 'class="verdict biased"' in alarmed
    assert 'aria-label="attention"' in alarmed
    fastsample.sample(source, 900).write_parquet(tmp_path / "plain.parquet", manifest=True)
    assert not fastsample.compare(source, tmp_path / "plain.parquet").smart


@pytest.fixture(scope="module")
def mixed() -> pa.Table:
    """Rows of every kind that a smart draw leaves out, last."""
    texts = [text or "" for text in pairs(1200, seed=4)["response"].to_pylist()]
    texts = list(dict.fromkeys(text for text in texts if len(text) >= 20))[:600]
    near = "".join(chr(0x5000 + i * i % 7919) for i in range(120))
    texts += texts[:20] + [f"{near}{i}" for i in range(40)] + ["短"] * 1 + ["哈" * 90, "-" * 200]
    return pa.table({"response": texts})


def test_dropped_rows_are_told_by_reason(mixed: pa.Table, tmp_path: Path) -> None:
    """The numbers add up to what was dropped; examples are rows that the sample lacks."""
    source = write_parquet(mixed, tmp_path / "a.parquet")
    drawn = fastsample.sample(source, 300, smart=True)
    drawn.write_parquet(tmp_path / "smart.parquet", manifest=True)
    found = fastsample.compare(source, tmp_path / "smart.parquet", examples=4)
    assert found.dropped == fastsample.compare(source, drawn, examples=4, threads=1).dropped
    assert sum(each.rows for each in found.dropped) == mixed.num_rows - 300
    rows = {each.reason: each.rows for each in found.dropped}
    assert rows["exact copy"] == 20
    assert rows["too short"] == 1
    assert rows["near-duplicate"] >= 30
    assert rows["chance"] > 100
    kept = set(drawn.to_arrow()["response"].to_pylist())
    for each in found.dropped:
        texts = {text for (text,) in each.examples}
        assert len(texts) == min(len(each.examples), 4)
        assert each.reason == "exact copy" or not texts & kept
    page = found.to_html()
    assert "Dropped: near-duplicate" in page
    assert "by why they were dropped" in str(found)
    # Without examples the numbers stay and the texts do not.
    hidden = fastsample.compare(source, tmp_path / "smart.parquet")
    assert [(e.reason, e.rows) for e in hidden.dropped] == list(rows.items())
    assert not any(each.examples for each in hidden.dropped)
    assert "Dropped: near-duplicate" not in hidden.to_html()
    assert "near-duplicate</th>" in hidden.to_html()


def test_reasons_are_told_only_where_the_terms_decided(mixed: pa.Table, tmp_path: Path) -> None:
    source = write_parquet(mixed, tmp_path / "a.parquet")
    assert not fastsample.compare(source, fastsample.sample(source, 300)).dropped
    where = fastsample.sample(source, 300, smart=True, where="chars(response) > 30")
    assert fastsample.compare(source, where).smart
    assert not fastsample.compare(source, where).dropped
    entropy = fastsample.sample(source, 300, smart="entropy")
    assert not fastsample.compare(source, entropy).dropped
    # In memory nothing says which options were used, unless the caller does.
    drawn = fastsample.sample(mixed, 300, smart=fastsample.Smart(commonness=0, repetition=8))
    assert not fastsample.compare(mixed, drawn).dropped
    told = fastsample.compare(mixed, drawn, smart=fastsample.Smart(commonness=0, repetition=8))
    assert told.smart
    assert "common text" not in {each.reason for each in told.dropped}
    assert not fastsample.compare(stream(mixed), stream(mixed[:99]), smart=True).dropped
    target = write_parquet(mixed[:50], tmp_path / "target.parquet")
    options = fastsample.Smart(target=str(target))
    fastsample.sample(source, 300, smart=options).write_parquet(
        tmp_path / "smart.parquet", manifest=True
    )
    assert fastsample.compare(source, tmp_path / "smart.parquet").dropped
    target.unlink()
    lost = fastsample.compare(source, tmp_path / "smart.parquet")
    assert lost.smart
    assert not lost.dropped
    assert any("why rows were dropped is not told" in note for note in lost.notes)


def test_three_facts_are_on_top(rows: pa.Table) -> None:
    copies = pa.concat_tables([rows[:100]] * 5)
    page = fastsample.compare(rows, copies).to_html()
    (top,) = re.findall(r'<ul class="top">(.*?)</ul>', page)
    assert top.count("<li>") == 3
    assert "80.0% copies" in top
    assert 'aria-label="attention"' in top
    good = fastsample.compare(rows, rows[:900]).to_html()
    (top,) = re.findall(r'<ul class="top">(.*?)</ul>', good)
    assert 'aria-label="attention"' not in top


def test_the_page_is_accessible_and_prints(rows: pa.Table) -> None:
    """A landmark, headings of rows and columns, colours and whole rows on paper."""
    page = fastsample.compare(rows, rows[:300], examples=2).to_html()
    assert page.count("<main") == 1
    assert "<main" not in fastsample.compare(rows, rows[:300])._repr_html_()
    assert "<th></th>" not in page
    assert page.count("<thead>") == page.count("<table")
    assert page.count('<th scope="row">') == len(fastsample.compare(rows, rows[:300]).facts())
    (printed,) = re.findall(r"@media print \{(.*?)\n\}", page, re.S)
    assert "print-color-adjust: exact" in printed
    assert re.search(r"\btr\) \{ break-inside: avoid; \}", printed)
    assert re.search(r"\bh2\b.*\{ break-after: avoid; \}", printed)
    # Neither paper as narrow as a phone nor a dark screen changes what is printed.
    assert not re.findall(r"@media (?!screen and |print)", page)


def test_headings_of_tables_have_text(rows: pa.Table) -> None:
    """A table of any report: no heading without text, no empty caption."""
    found = fastsample.plan(fastsample.inspect(rows), seconds_per_step=1, batch_size=1)
    pages = [fastsample.inspect(rows)._repr_html_(), found._repr_html_()]
    pages.append(fastsample.sample(rows, 5, smart=True).report._repr_html_())
    for page in pages:
        assert not re.search("<(th|caption)[^>]*></", page)
        assert "<table>" in page
