"""Comparisons: verdicts that hold over many seeds, and numbers held against plain Python."""

import json
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from commands import run
from data import pairs, stream, texts, write_ipc, write_parquet


@pytest.fixture(scope="module")
def mixed() -> pa.Table:
    """Rows of three sources of different vocabulary and length, every tenth a copy."""
    rng = np.random.default_rng(8)
    parts = []
    kinds = (("诗", 1500, 30), ("问答", 4000, 60), ("docs", 500, 90))
    for number, (name, rows, chars) in enumerate(kinds):
        lines = texts(rows, chars, np.random.default_rng(number))
        lines = [line.translate({ord("的"): "甲乙丙"[number]}) for line in lines]
        parts.append(pa.table({"text": lines, "source": [name] * rows}))
    table = pa.concat_tables(parts)
    order = rng.permutation(len(table))
    order[::10] = order[1::10]
    return table.take(order).combine_chunks()


def test_a_source_is_identical_to_itself(mixed: pa.Table, tmp_path: Path) -> None:
    path = write_parquet(mixed, tmp_path / "a.parquet", row_group_size=700)
    shuffled = mixed.take(np.random.default_rng(0).permutation(len(mixed)))
    for other in (path, mixed, shuffled, stream(mixed), write_ipc(mixed, tmp_path / "a.arrow")):
        found = fastsample.compare(path, other, by="source")
        assert found.verdict == "identical"
        assert (found.length.value, found.grams.value) == (0, 0)
        assert found.coverage == (1, 1)
        assert found.divergence == pytest.approx((0, 0), abs=1e-12)
        assert found.contained == found.types == 1


def test_one_row_changed_is_not_identical(mixed: pa.Table) -> None:
    other = pa.concat_tables([mixed[:-1], pa.table({"text": ["别的"], "source": ["诗"]})])
    assert fastsample.compare(mixed, other).verdict != "identical"


#: 1 % is the rate that the limits are made for; more than 3 of 40 has a chance of 1 in 1,400 then.
SEEDS, MOST_ALARMS = 40, 3


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", [0.3, 0.05])
def test_random_samples_are_representative(mixed: pa.Table, share: float) -> None:
    alarms = 0
    for seed in range(SEEDS):
        drawn = fastsample.sample(mixed, int(len(mixed) * share), seed=seed).to_arrow()
        found = fastsample.compare(mixed, drawn, by="source", threads=1)
        inside = not any(each.is_bias for each in (found.length, found.grams, found.by) if each)
        assert inside == (found.verdict == "representative")
        alarms += not inside
    assert alarms <= MOST_ALARMS


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", [0.1, 0.9, 0.97])
def test_random_samples_of_rows_of_all_lengths_are_representative(share: float) -> None:
    """A few rows are a hundred times as long as most, as in real data; one value is rare."""
    rng = np.random.default_rng(6)
    means = 15 / (rng.random(1000) + 0.003)
    lines = [texts(1, mean + 20, rng)[0] for mean in means]
    kinds = ["rare" if row == 500 else "abc"[row % 3] for row in range(1000)]
    table = pa.table({"text": lines, "source": kinds})
    alarms = 0
    for seed in range(SEEDS):
        drawn = fastsample.sample(table, round(1000 * share), seed=seed).to_arrow()
        alarms += fastsample.compare(table, drawn, by="source").verdict == "biased"
    assert alarms <= MOST_ALARMS
    # What is biased is still called so: rows that lack half of one kind, or the shortest.
    chars = pc.utf8_length(table["text"])
    shortest = pc.sort_indices(chars, sort_keys=[("", "descending")])[: round(1000 * share)]
    assert fastsample.compare(table, table.take(shortest)).verdict == "biased"
    rank = rng.random(1000) + np.array([kind == "a" for kind in kinds])
    others = table.take(np.sort(np.argsort(rank)[: round(1000 * share)]))
    assert fastsample.compare(table, others, by="source").verdict == "biased"


def test_a_bias_by_length_is_named(mixed: pa.Table) -> None:
    chars = pc.utf8_length(mixed["text"])
    for name, order in (("shorter", "ascending"), ("longer", "descending")):
        rows = pc.sort_indices(chars, sort_keys=[("", order)])[:3000]
        found = fastsample.compare(mixed, mixed.take(rows))
        assert found.verdict == "biased"
        assert found.biases[0].startswith(f"biased by length: rows are {name}")


def test_a_bias_by_source_is_named(mixed: pa.Table) -> None:
    """Half of the poems are missing; lengths stay as they are."""
    keep = np.ones(len(mixed), bool)
    poems = np.flatnonzero(np.array(mixed["source"].to_pylist()) == "诗")
    keep[poems[::2]] = False
    rows = np.random.default_rng(1).permutation(np.flatnonzero(keep))[:2000]
    found = fastsample.compare(mixed, mixed.take(rows), by="source")
    assert found.verdict == "biased"
    assert any("biased by source: '" in each and "'诗' is" in each for each in found.biases)
    # Without the column, the wording tells; the sign of the poems comes too seldom.
    assert any(
        each.startswith("biased by wording")
        for each in fastsample.compare(mixed, mixed.take(poems)).biases
    )
    under = [gram for gram, _, _ in found.under]
    assert any("甲" in gram for gram in under)


def test_a_source_that_is_not_in_the_source(mixed: pa.Table) -> None:
    other = pa.table({"text": texts(2000, 60, np.random.default_rng(99))})
    found = fastsample.compare(mixed.select(["text"]), other)
    assert found.contained < 0.01
    assert found.verdict == "biased"


# The numbers, in plain Python


@pytest.fixture(scope="module")
def sides() -> tuple[pa.Table, pa.Table]:
    table = pairs(4000, seed=3)
    table = pa.concat_tables([table, table[:400]]).combine_chunks()
    return table, fastsample.sample(table, 1100, seed=9).to_arrow()


def rows_of(table: pa.Table) -> list[tuple[str, str]]:
    return [(row["prompt"] or "", row["response"] or "") for row in table.to_pylist()]


def test_lengths_and_cuts(sides: tuple[pa.Table, pa.Table]) -> None:
    found = fastsample.compare(*sides, max_chars=80)
    lengths = [np.array([len(a + b) for a, b in rows_of(side)]) for side in sides]
    for facts, each in zip((found.source, found.sample), lengths, strict=True):
        assert facts.rows == len(each)
        assert facts.chars == each.sum()
        assert facts.lengths.mean == pytest.approx(each.mean())
        assert facts.cut_rows == pytest.approx((each > 80).mean())
        assert facts.cut_chars == pytest.approx(np.maximum(each - 80, 0).sum() / each.sum())
        assert sum(count for _, count in facts.lengths.histogram) == len(each)
    values = np.unique(np.concatenate(lengths))
    shares = [np.searchsorted(np.sort(each), values, side="right") / len(each) for each in lengths]
    assert found.length.value == pytest.approx(np.abs(shares[0] - shares[1]).max())
    assert set(found.columns) == {"prompt", "response"}
    assert found.columns["prompt"][0].nulls == sides[0]["prompt"].null_count


def test_copies(sides: tuple[pa.Table, pa.Table]) -> None:
    found = fastsample.compare(*sides)
    for facts, side in zip((found.source, found.sample), sides, strict=True):
        rows = rows_of(side)
        assert facts.copies == pytest.approx(1 - len(set(rows)) / len(rows))
    counts = Counter(rows_of(sides[0]))
    f = 1100 / 4400
    distinct = sum(1 - (1 - f) ** count for count in counts.values())
    assert found.copies_expected == pytest.approx(1 - distinct / (f * 4400))


def test_near_duplicates_are_seen() -> None:
    rng = np.random.default_rng(4)
    lines = texts(600, 200, rng)
    lines = [line for line in lines if len(line) > 50]
    twins = [line[:20] + "改" + line[21:] for line in lines[:200]]
    table = pa.table({"text": lines + twins})
    found = fastsample.compare(table, table)
    assert found.source.copies == 0
    assert 0.5 * 400 / len(table) < found.source.near < 1.2 * 400 / len(table)


def test_shares(mixed: pa.Table) -> None:
    drawn = mixed[:1500]
    found = fastsample.compare(mixed, drawn, by="source")
    counts = [Counter(side["source"].to_pylist()) for side in (mixed, drawn)]
    assert found.values == {name: (counts[0][name], counts[1][name]) for name in counts[0]}
    shares = [(counts[0][name] / len(mixed), counts[1][name] / 1500) for name in counts[0]]
    expected = math.sqrt(sum((p - q) ** 2 / q for q, p in shares))
    assert found.by is not None
    assert found.by.value == pytest.approx(expected)


def test_shares_of_any_type(mixed: pa.Table) -> None:
    flags = pa.array([None if i % 7 == 0 else i % 3 for i in range(len(mixed))], pa.int8())
    table = mixed.append_column("flag", flags)
    found = fastsample.compare(table, table, by="flag")
    assert set(found.values) == {"0", "1", "2", "(null)"}
    assert found.values["(null)"][0] == flags.null_count


def test_too_many_values_in_all_parts_together(tmp_path: Path) -> None:
    """No part has more than 10,000 values, but all of them have."""
    rows = 12_000
    kinds = pa.array(range(rows)).cast(pa.string())
    table = pa.table({"text": ["同样的话"] * rows, "kind": kinds})
    path = write_parquet(table, tmp_path / "a.parquet", row_group_size=rows // 4)
    for threads in (1, 4):
        with pytest.raises(fastsample.ArgumentError, match="more than 10000 values"):
            fastsample.compare(path, path, by="kind", threads=threads)


def test_nulls_and_dictionaries_are_texts_like_any_other(mixed: pa.Table) -> None:
    text = pa.array([None if i % 5 == 0 else each for i, each in enumerate(mixed["text"])])
    kinds = mixed["source"].combine_chunks()
    plain = pa.table({"text": text, "source": kinds})
    encoded = pa.table({"text": text.dictionary_encode(), "source": kinds.dictionary_encode()})
    drawn = fastsample.sample(plain, 1500).to_arrow()
    expected = fastsample.compare(plain, drawn, by="source")
    assert expected.columns["text"][0].nulls == text.null_count
    assert fastsample.compare(encoded, drawn, by="source") == expected
    assert fastsample.compare(plain, encoded).verdict == "identical"
    nothing = pa.table({"text": pa.nulls(50, pa.string())})
    assert fastsample.compare(nothing, nothing).verdict == "identical"
    assert fastsample.compare(nothing, nothing[:9]).verdict == "representative"


def test_one_long_row_does_not_outweigh_the_others(mixed: pa.Table) -> None:
    """With a million characters in one row, n-grams still tell poems from the rest."""
    book = pa.table({"text": ["很长的一行，" * 170_000], "source": ["诗"]})
    table = pa.concat_tables([mixed, book]).combine_chunks()
    drawn = pa.concat_tables([fastsample.sample(mixed, 2000).to_arrow(), book])
    assert fastsample.compare(table, drawn).verdict == "representative"
    poems = table.filter(pc.equal(table["source"], "诗"))
    found = fastsample.compare(table, poems)
    assert any(each.startswith("biased by wording") for each in found.biases)


def test_a_poor_sample_predicts_worse() -> None:
    """A sample of one kind of text, among two, knows nothing of the other."""
    kinds = [texts(1500, 60, np.random.default_rng(7)), ["abc def " * 8] * 0]
    latin = [" ".join(np.random.default_rng(i).choice(list("abcdefgh"), 30)) for i in range(1500)]
    table = pa.table({"text": kinds[0] + latin, "kind": ["中文"] * len(kinds[0]) + ["x"] * 1500})
    random = fastsample.compare(table, fastsample.sample(table, 900).to_arrow())
    assert random.bits is not None
    assert abs(random.bits[0] - random.bits[1]) < 3 * random.bits[2] + 0.02
    poor = fastsample.compare(table, table[:900])
    assert poor.bits is not None
    assert poor.bits[0] > poor.bits[1] + 0.5
    assert poor.coverage[0] < poor.coverage[1]
    assert poor.divergence[0] > 2 * poor.divergence[1]


def test_the_same_for_any_threads_and_row_groups(mixed: pa.Table, tmp_path: Path) -> None:
    drawn = mixed[:2000]
    expected = fastsample.compare(mixed, drawn, by="source", threads=1)
    layouts: list[dict[str, Any]] = [{"row_group_size": 333}, {"compression": "gzip"}]
    for number, options in enumerate(layouts):
        paths = [tmp_path / f"{side}{number}.parquet" for side in "ab"]
        write_parquet(mixed, paths[0], **options)
        write_parquet(drawn, paths[1], **options)
        assert fastsample.compare(*paths, by="source", threads=3) == expected


def test_a_sample_object_and_a_stream(mixed: pa.Table) -> None:
    drawn = fastsample.sample(mixed, 900)
    expected = fastsample.compare(mixed, drawn.to_arrow())
    assert fastsample.compare(mixed, drawn) == expected
    assert fastsample.compare(stream(mixed), drawn) == expected


# Bad input

ARGUMENT, COLUMN = fastsample.ArgumentError, fastsample.ColumnError
EMPTY = pa.table({"text": pa.array([], pa.string()), "source": pa.array([], pa.string())})


OTHER = pa.table({"t": ["x"]})
NUMBERS = pa.table({"text": [1], "source": ["a"]})
BAD: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    (None, EMPTY, {}, ARGUMENT, "the sample has no rows"),
    (EMPTY, None, {}, ARGUMENT, "the source has no rows"),
    (None, OTHER, {}, COLUMN, r'in the sample, there is no column "text"; the text columns are t;'),
    (
        pa.table({"i": [1]}),
        None,
        {},
        COLUMN,
        r"in the source, there is no text column.*i \(Int64\)",
    ),
    (None, None, {"by": "origin"}, COLUMN, 'no column "origin"'),
    (None, None, {"text_columns": []}, COLUMN, "empty"),
    (None, None, {"text_columns": "text"}, fastsample.SourceTypeError, r"list: \['text'\]"),
    (None, NUMBERS, {"text_columns": ["text"]}, COLUMN, "is Int64, not text"),
    (None, None, {"max_chars": 0}, ARGUMENT, "max_chars is 0"),
    (None, None, {"by": "nested"}, COLUMN, r'"nested" of the source is Struct.*choose a column'),
    (None, None, {"by": "many"}, ARGUMENT, "more than 10000 values"),
    (None, "missing.parquet", {}, fastsample.SourceNotFoundError, "missing.parquet"),
    (None, 3, {}, fastsample.SourceTypeError, "int"),
]


@pytest.mark.parametrize(
    ("source", "sample", "options", "error", "message"),
    BAD,
)
def test_bad_input(
    mixed: pa.Table, source: Any, sample: Any, options: Any, error: type[Exception], message: str
) -> None:
    table = pa.concat_tables([mixed, mixed, mixed])
    table = table.append_column("many", pa.array(map(str, range(len(table)))))
    table = table.append_column("nested", pa.array([{"x": 1}] * len(table)))
    with pytest.raises(error, match=message):
        fastsample.compare(
            table if source is None else source, table if sample is None else sample, **options
        )


# The report


def test_the_page_is_whole_and_needs_nothing_else(mixed: pa.Table, tmp_path: Path) -> None:
    table = mixed.set_column(0, "<b>", mixed["text"])
    found = fastsample.compare(table, table[:900], by="source")
    found.write_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert found.verdict in page
    assert "诗" in page
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(src|href|url|@import)\s*[=(]", page)
    assert 'name="viewport"' in page
    open_tags: list[str] = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag: str, _attrs: Any) -> None:
            if tag not in ("meta", "br", "rect", "path", "polygon", "polyline"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("rect", "path", "polygon", "polyline"):
                assert open_tags.pop() == tag

    Balanced().feed(page)
    assert open_tags == []
    assert found._repr_html_() in page
    assert found.verdict in str(found)


def test_every_number_has_a_sentence(mixed: pa.Table) -> None:
    found = fastsample.compare(mixed, mixed[:900], by="source")
    for fact in found.facts():
        assert fact.means.endswith(".")
        assert fact.sample
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["verdict"] == found.verdict
    assert len(plain["facts"]) == len(found.facts())


def test_command_line(mixed: pa.Table, tmp_path: Path) -> None:
    source = write_parquet(mixed, tmp_path / "a.parquet")
    sample = tmp_path / "b.parquet"
    fastsample.sample(source, 900).write_parquet(sample)
    done = run("compare", source, sample, "--by", "source", "--html", tmp_path / "r.html")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for fact in ("representative", "n-grams covered", "held-out text", "诗", "what it means"):
        assert fact in done.stdout
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    plain = json.loads(run("compare", source, sample, "--by", "source", "--json").stdout)
    assert plain == json.loads(
        json.dumps(fastsample.compare(source, sample, by="source").to_dict())
    )
    assert run("compare", source, source).stdout.startswith("identical")
    done = run("compare", source, tmp_path / "c.parquet")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_the_page_names_what_it_is_made_from(tmp_path: Path) -> None:
    """Files, rows, version, time and command; a mark at each test; ticks at powers of ten."""
    lengths = np.exp(np.random.default_rng(0).normal(3, 2, 3000)).astype(int) + 1
    lengths = np.minimum(lengths, 20_000)
    table = pa.table({"t": ["字" * int(n) for n in lengths], "k": ["a", "b"] * 1500})
    whole = write_parquet(table, tmp_path / "全集 <b>.parquet")
    part = write_parquet(table[:600], tmp_path / "样本.parquet")
    page = fastsample.compare(whole, part, by="k").to_html()
    made = f"fastsample {fastsample.__version__}, 2"
    files = ("全集 &lt;b&gt;.parquet, 3,000 rows", "样本.parquet, 600 rows")
    text = re.sub("</?span>", "", page)
    for fact in (*files, made, "<code>fastsample compare", " --by k"):
        assert fact in text
    # Three facts on top, three tests.
    assert len(re.findall('aria-label="(passed|attention)"', page)) == 6
    ticks = re.findall(r'<span style="left:([\d.]+)%">([\d,]+)</span>', page)
    assert [label for _, label in ticks][:5] == ["0", "1", "10", "100", "1,000"]
    places = [float(place) for place, _ in ticks]
    assert places == sorted(set(places))
    assert places[-1] <= 100
    assert "a table in memory" in fastsample.compare(table, table).to_html()
