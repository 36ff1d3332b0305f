"""Smart sampling: no copies, unusual texts, and the same rows whatever the layout."""

import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import Smart

OFF = Smart(duplicates=0, commonness=0, length=0, repetition=0)


def chinese(rng: np.random.Generator, chars: int) -> str:
    """Make a text in which no shingle is likely to occur twice."""
    return "".join(map(chr, rng.integers(0x4E00, 0x4E00 + 8000, chars)))


def edited(rng: np.random.Generator, text: str, share: float) -> str:
    """Replace a share of the characters of a text."""
    characters = list(text)
    for place in rng.choice(len(text), round(len(text) * share), replace=False):
        characters[place] = chr(rng.integers(0x4E00, 0x4E00 + 8000))
    return "".join(characters)


def planted(unique: int, clusters: int, size: int, share: float) -> tuple[pa.Table, np.ndarray]:
    """Return unique rows and clusters of (near-)copies, shuffled; and each row's item."""
    rng = np.random.default_rng(5)
    texts = [chinese(rng, 200) for _ in range(unique)]
    items = list(range(unique))
    for cluster in range(clusters):
        first = chinese(rng, 200)
        texts += [first] + [edited(rng, first, share) for _ in range(size - 1)]
        items += [unique + cluster] * size
    order = rng.permutation(len(texts))
    table = pa.table({"text": [texts[i] for i in order]})
    return table, np.array(items)[order]


def test_golden_ids_of_the_rules() -> None:
    """The default of early versions keeps its rows under a name."""
    rare = ["".join(chr(0x4E00 + (i * 31 + j * 7) % 5000) for j in range(20)) for i in range(300)]
    lines = [
        f"今天天气很好，我们去第{i % 17}个公园。" * (1 + i % 7) + rare[i][: i % 20]
        for i in range(300)
    ]
    table = pa.table({"text": lines})
    golden = {
        Smart(): [15, 39, 55, 84, 93, 148, 168, 192, 200, 204, 282, 299],
        Smart.rare_text(): [15, 39, 49, 84, 93, 148, 154, 192, 200, 238, 282, 299],
    }
    for rule, ids in golden.items():
        assert fastsample.sample(table, 12, smart=rule).row_ids.tolist() == ids
    assert fastsample.sample(table, 12, smart=True).row_ids.tolist() == golden[Smart()]
    assert Smart.rare_text() == Smart(duplicates=1, commonness=0.3, length=0.125, repetition=0.5)


@pytest.mark.parametrize(
    ("share", "least"), [(0.0, 8500), (0.01, 8000), (0.03, 6200), (0.05, 5000)]
)
def test_planted_copies_are_thinned_out(share: float, least: int) -> None:
    """10,000 unique rows and 1,000 clusters of 20: random draws 3,999 distinct items of 9,000."""
    table, items = planted(10_000, 1000, 20, share)
    drawn = fastsample.sample(table, 9000, smart=True).row_ids
    assert len(set(items[drawn])) >= least
    random_rows = fastsample.sample(table, 9000).row_ids
    assert len(set(items[random_rows])) < 4300


def test_all_terms_off_is_the_uniform_draw(table: pa.Table) -> None:
    for n in (1, 100, 3000):
        plain = fastsample.sample(table, n, seed=9).row_ids
        assert plain.tolist() == fastsample.sample(table, n, seed=9, smart=OFF).row_ids.tolist()


def test_no_copy_is_drawn_while_others_are_left() -> None:
    table = pa.table({"text": [f"这是第{i % 60}个不同的句子，写得足够长" for i in range(600)]})
    drawn = fastsample.sample(table, 60, smart=True)
    assert len(set(drawn.to_arrow()["text"].to_pylist())) == 60
    more = fastsample.sample(table, 100, smart=True)
    assert len(set(more.to_arrow()["text"].to_pylist())) == 60
    assert more.report.smart is not None
    assert (more.report.smart.copies, more.report.smart.copies_drawn) == (540, 40)


def test_short_rows_come_last() -> None:
    table = pa.table(
        {"text": ["好", "", None] * 10 + [f"一个足够长的第{i}句子啊" for i in range(20)]}
    )
    drawn = fastsample.sample(table, 20, smart=True)
    assert drawn.row_ids.tolist() == list(range(30, 50))
    more = fastsample.sample(table, 22, smart=True)
    assert set(drawn.row_ids) < set(more.row_ids)
    assert more.report.smart is not None
    assert (more.report.smart.excluded, more.report.smart.excluded_drawn) == (30, 2)


def test_samples_are_nested(table: pa.Table) -> None:
    sizes = (10, 500, 1500, 2900)
    drawn = [set(fastsample.sample(table, n, smart=True, seed=3).row_ids.tolist()) for n in sizes]
    assert drawn[0] < drawn[1] < drawn[2] < drawn[3]


@pytest.mark.parametrize("rule", [True, "entropy"])
def test_the_layout_does_not_matter(table: pa.Table, tmp_path: Path, rule: Any) -> None:
    expected = fastsample.sample(table, 700, smart=rule, threads=1).row_ids.tolist()
    folder = tmp_path / "parts"
    folder.mkdir()
    for part in range(3):
        rows = table.slice(part * 1000, 1000)
        pq.write_table(rows, folder / f"{part}.parquet", row_group_size=100 + part)
    text = table.schema.names[-1]
    views = table.set_column(len(table.schema) - 1, text, table[text].cast(pa.large_string()))
    sources = [folder, views, table.to_reader(77), pa.concat_tables([table[:1], table[1:]])]
    for source in sources:
        for threads in (2, 8):
            if isinstance(source, pa.RecordBatchReader):
                source = table.to_reader(77)
            drawn = fastsample.sample(source, 700, smart=rule, threads=threads)
            assert drawn.row_ids.tolist() == expected


def test_the_layout_does_not_matter_where_a_part_is_counted(tmp_path: Path) -> None:
    """Of more than 32,768 rows the shingles of some blocks are counted, wherever those lie."""
    table = numbered(40_000)
    smart = Smart(commonness=0.5, target=table[::400])
    drawn = fastsample.sample(table, 3000, smart=smart, threads=1).row_ids.tolist()
    for part, (first, last) in enumerate([(0, 777), (777, 25_000), (25_000, 40_000)]):
        rows = table.slice(first, last - first)
        pq.write_table(rows, tmp_path / f"{part}.parquet", row_group_size=3001)
    for source in (tmp_path, table.to_reader(999)):
        assert fastsample.sample(source, 3000, smart=smart, threads=3).row_ids.tolist() == drawn


def numbered(rows: int) -> pa.Table:
    return pa.table({"text": [f"第{i}行的文字，" * (1 + i % 5) + str(i * i) for i in range(rows)]})


@pytest.mark.parametrize("rows", [200, 40_000])
def test_rows_drawn_are_pinned(rows: int) -> None:
    drawn = fastsample.sample(numbered(rows), 8, smart=True, seed=1)
    assert drawn.row_ids.tolist() == PINNED[rows]


PINNED = {
    200: [35, 36, 57, 86, 92, 136, 143, 157],
    40_000: [5022, 11971, 16398, 16794, 26193, 29663, 32063, 35912],
}


def test_inclusion_follows_the_weights() -> None:
    """Priority sampling: a row is drawn with probability min(1, weight * tau)."""
    rng = np.random.default_rng(2)
    lengths = [32, 128, 512]
    texts = [chinese(rng, chars) for chars in lengths for _ in range(400)]
    table = pa.table({"text": texts})
    only_length = Smart(duplicates=0, commonness=0, length=1, repetition=0, max_chars=512)
    seeds, n = 300, 240
    counts = np.zeros(1200)
    for seed in range(seeds):
        counts[fastsample.sample(table, n, smart=only_length, seed=seed).row_ids] += 1
    found = counts.reshape(3, 400).mean(axis=1) / seeds
    weights = np.sqrt(np.array(lengths) / 512)
    expected = weights / (400 * weights.sum()) * n
    # A group's share is a mean over 300 seeds of 400 rows; 5 standard errors.
    error = 5 * np.sqrt(expected / (seeds * 400))
    assert np.all(np.abs(found - expected) < error + 0.002)


def entropy(text: str) -> float:
    counts = Counter(text).values()
    return -math.fsum(c / len(text) * math.log2(c / len(text)) for c in sorted(counts))


def test_entropy_is_the_rule_of_the_script() -> None:
    rng = random.Random(4)
    words = ["你好", "世界", "哈哈", "的", "abc", "。", "学习", "模型", "1"]
    prompts = ["".join(rng.choices(words, k=rng.randrange(0, 30))) for _ in range(4000)]
    answers = ["字" * rng.choice([0, 5, 990]) for _ in range(4000)]
    table = pa.table({"prompt": prompts, "response": answers})
    fits = [i for i in range(4000) if 10 <= len(prompts[i]) + len(answers[i]) <= 1000]
    # Rounding makes equal entropies equal, whatever the order of summation.
    ranked = sorted(fits, key=lambda i: (-round(entropy(prompts[i]), 9) if prompts[i] else 0, i))
    drawn = fastsample.sample(table, 500, smart="entropy")
    assert drawn.row_ids.tolist() == sorted(ranked[:500])


def test_equal_entropies_are_in_the_order_of_rows() -> None:
    """A text said several times over has the entropy of the text; the first row is drawn."""
    for letters in range(10, 27):
        text = "abcdefghijklmnopqrstuvwxyz"[:letters]
        for times in (3, 5, 7, 9):
            table = pa.table({"text": [text, text * times]})
            assert fastsample.sample(table, 1, smart="entropy").row_ids.tolist() == [0]
            assert fastsample.sample(table[::-1], 1, smart="entropy").row_ids.tolist() == [0]


TEXTS = {
    "nothing but empty strings": [""] * 50,
    "nothing but nulls": pa.array([None] * 50, pa.string()),
    "nothing but copies": ["同一句话，说了很多很多遍"] * 50,
    "emoji": ["😀" * i for i in range(50)],
    "right to left": ["שלום עולם " * i for i in range(50)],
    "code": [f"def f{i}(x):\n    return x + {i}\n" for i in range(50)],
    "a megabyte each": ["大" * 350_000 + str(i) for i in range(6)],
    "English": [f"The quick brown fox number {i} jumps over the lazy dog." for i in range(50)],
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("rule", [True, "entropy"])
def test_unusual_texts_can_be_drawn(name: str, rule: Any) -> None:
    table = pa.table({"text": TEXTS[name]})
    for n in {1, 5, table.num_rows}:
        ids = fastsample.sample(table, n, smart=rule).row_ids
        assert len(set(ids.tolist())) == n


def test_clear_errors(table: pa.Table) -> None:
    with pytest.raises(fastsample.ColumnError, match="no text column"):
        fastsample.sample(pa.table({"x": [1, 2, 3]}), 1, smart=True)
    with pytest.raises(fastsample.ColumnError, match='no column "nope"'):
        fastsample.sample(table, 1, smart=True, text_columns=["nope"])
    with pytest.raises(fastsample.ColumnError, match="not text"):
        fastsample.sample(pa.table({"x": [1], "t": ["a"]}), 1, smart=Smart(text=["x"]))
    with pytest.raises(fastsample.ArgumentError, match="duplicates"):
        fastsample.sample(table, 1, smart=Smart(duplicates=-1))
    with pytest.raises(fastsample.ArgumentError, match="min_chars"):
        fastsample.sample(table, 1, smart=Smart(min_chars=9, max_chars=8))
    with pytest.raises(fastsample.ArgumentError, match="smart is 'clever'"):
        fastsample.sample(table, 1, smart="clever")  # type: ignore[arg-type]
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    with pytest.raises(fastsample.CorruptDataError, match="UTF-8"):
        fastsample.sample(pa.table({"t": bad}), 1, smart=True)
