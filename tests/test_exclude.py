"""`exclude`: rows that share text with benchmarks are left out, against plain Python."""

import json
import pickle
from itertools import accumulate
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from data import in_two, stream, write_parquet
from fastsample import ArgumentError, ColumnError
from fastsample.cli import app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Words of some scripts, in upper and lower case, with marks between them.
WORDS = [
    "the",
    "Fox",
    "jumps,",
    "over",
    "你好",
    "世界。",
    "Größe",
    "こんにちは",
    "한국어",
    "42",
    "!?",
]
WORDS += ["ＡＢ"]


def length(letter: str) -> int:
    """Return how many letters a letter counts for."""
    if "\u4e00" <= letter <= "\u9fff":
        return 4
    return 2 if "\u3040" <= letter <= "\u30ff" or "\uac00" <= letter <= "\ud7a3" else 1


def letters_of(text: str | None) -> str:
    """Return the letters and digits of a text, in lower case."""
    usual = {wide: wide - 0xFF01 + 0x21 for wide in range(0xFF01, 0xFF5F)}
    return "".join(letter.translate(usual).lower() for letter in text or "" if letter.isalnum())


def runs(letters: str, n: int) -> set[str]:
    """Return the shortest runs of n letters or more from each letter on."""
    found = set()
    ends = list(accumulate(map(length, letters), initial=0))
    for start in range(len(letters)):
        end = next((end for end in range(len(ends)) if ends[end] - ends[start] >= n), None)
        if end is not None:
            found.add(letters[start:end])
    return found


def sharing(rows: list[list[str | None]], bench: list[list[str | None]], n: int) -> set[int]:
    """Return the rows of which a text has a run of a benchmark, or is a short text of it."""
    theirs = [letters_of(text) for other in bench for text in other]
    whole = {text for text in theirs if sum(map(length, text)) * 2 >= n}
    known = set().union(*(runs(text, n) for text in theirs))
    found = set()
    for place, row in enumerate(rows):
        mine = [letters_of(text) for text in row]
        if any(runs(text, n) & known or text in whole for text in mine):
            found.add(place)
    return found


def texts(count: int, seed: int) -> list[str | None]:
    """Return some texts, of which some repeat parts of one another."""
    rng = np.random.default_rng(seed)
    made: list[str | None] = []
    for _ in range(count):
        words = [str(rng.choice(WORDS)) for _ in range(rng.integers(0, 9))]
        made.append(" ".join(words) if rng.random() > 0.05 else None)
    return made


ROWS = 120
TABLE = pa.table(
    {
        "id": range(ROWS),
        "kind": [f"kind {row % 3}" for row in range(ROWS)],
        "prompt": pa.array(texts(ROWS, 1), pa.string()),
        "response": pa.array(texts(ROWS, 2), pa.string()),
    }
)
TEXTS = ["prompt", "response"]


def benchmark(rows: int, seed: int) -> pa.Table:
    made = {name: texts(rows, seed + place) for place, name in enumerate(TEXTS)}
    return pa.table({name: pa.array(column, pa.string()) for name, column in made.items()})


def rows_of(table: pa.Table) -> list[list[str | None]]:
    return [list(row.values()) for row in table.select(TEXTS).to_pylist()]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the same rows in several layouts."""
    folder = tmp_path_factory.mktemp("exclude")
    parts = in_two(TABLE, 50, folder, row_group_size=40)
    fastsample.sample(TABLE, ROWS).write_jsonl(folder / "d.jsonl")
    return [parts, folder / "d.jsonl", TABLE]


@given(
    st.integers(1, 12),
    st.integers(0, 12),
    st.integers(8, 40),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([1, 2, 8]),
    st.integers(0, 99),
)
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_left_is_that_of_plain_python(
    sources: list[Any],
    first: int,
    second: int,
    n: int,
    where: bool,
    layout: int,
    threads: int,
    seed: int,
) -> None:
    source = sources[layout] if layout < len(sources) else stream(TABLE)
    benches = [benchmark(count, seed + count) for count in (first, second) if count]
    rows = [row for row in range(ROWS) if not where or row % 3 != 1]
    mine = rows_of(TABLE)
    shared = [sharing(mine, rows_of(each), n) & set(rows) for each in benches]
    left = [row for row in rows if row not in set().union(*shared)]
    options: dict[str, Any] = {"exclude": benches, "exclude_letters": n, "text_columns": TEXTS}
    if where:
        options["where"] = "kind != 'kind 1'"
    if not left:
        return
    drawn = fastsample.sample(source, fraction=1.0, threads=threads, seed=seed, **options)
    found = drawn.report.exclude
    assert found is not None
    assert drawn.row_ids.tolist() == left
    assert (found.rows, found.left_out) == (len(rows), len(rows) - len(left))
    assert [each.left_out for each in found.sources] == [len(each) for each in shared]
    for each, mine_of in zip(found.sources, shared, strict=True):
        assert len(each.examples) == min(3, len(mine_of))
        assert {row.row for row in each.examples} <= mine_of
    assert drawn.report.matching == (len(rows) if where else None)


BENCH = pa.table(
    {
        "question": [
            "What is the capital of the country that lies to the north of Spain?",
            "1+1=?",
        ],
        "answer": ["The capital is Paris, of course, and nothing else.", "2"],
    }
)
ANSWERED = pa.table(
    {
        "prompt": [
            "Tell me: what is the CAPITAL of the country, that lies to the north of Spain",
            "What is the capital of Italy?",
            "中国的首都是哪座城市？请用一句话回答这个问题。",
            "1+1=?",
        ]
        * 5,
        "response": ["Paris", "Rome", "北京", "2"] * 5,
    }
)


def test_the_report_says_what_was_left_out_and_shows_it() -> None:
    drawn = fastsample.sample(ANSWERED, 15, exclude=BENCH)
    found = drawn.report.exclude
    assert found is not None
    assert (found.letters, found.rows, found.left_out) == (50, 20, 5)
    (source,) = found.sources
    assert (source.name, source.rows, source.left_out) == ("source 1", 2, 5)
    assert source.too_short == 2
    assert [row.row for row in source.examples] == [0, 4, 8]
    text = "what is the CAPITAL of the country, that lies to the north of Spain"
    assert {(row.letters, row.text) for row in source.examples} == {(53, text)}
    shown = str(drawn.report)
    assert "5 of 20 (25.0%)" in shown
    assert "53 letters: what is the CAPITAL" in shown
    with pytest.raises(ArgumentError, match="share no run of 50 letters with exclude; ask for at"):
        fastsample.sample(ANSWERED, 16, exclude=BENCH)
    assert len(fastsample.sample(ANSWERED, 16, exclude=BENCH, at_most=True)) == 15


def test_thirteen_chinese_characters_are_a_run() -> None:
    def left(text: str) -> int:
        bench = pa.table({"text": [text]})
        return len(fastsample.sample(ANSWERED, fraction=1.0, exclude=bench))

    shared = "首都是哪座城市请用一句话回"
    assert len(shared) == 13
    assert left(f"关于{shared}复") == 15
    assert left(f"关于{shared[:-1]}复") == 20
    # A whole text may be shorter, but not below half of it.
    short = pa.table({"prompt": ["今天天气怎么样", "今天天气好", "今天天气怎么样呢"]})
    kept = fastsample.sample(
        short, 2, exclude=pa.table({"text": ["今天天气怎么样?", "今天天气好"]})
    )
    assert kept.row_ids.tolist() == [1, 2]


def test_it_goes_with_all_draws(tmp_path: Path) -> None:
    weights = pa.array([row % 5 + 1 for row in range(20)])
    table = ANSWERED.append_column("w", weights)
    clean = [row for row in range(20) if row % 4]

    def ids(**options: Any) -> list[int]:
        drawn = fastsample.sample(table, exclude=BENCH, **options)
        return [int(row) for row in drawn.row_ids]

    assert ids(n=15, smart=True) == clean
    assert ids(n=15, by="w") == clean
    assert ids(n=15, weight="w") == clean
    assert set(ids(n=90, replace=True)) == set(clean)
    assert ids(n=15, group="response") == clean
    assert ids(n=3, where="response = 'Rome'") != ids(n=3, where="response = '2'")
    sides = fastsample.split(table, {"a": 0.7, "b": 0.3}, exclude=BENCH)
    assert sorted(row for side in sides.values() for row in side.row_ids) == clean
    assert [len(side) for side in sides.values()] == [10, 5]
    epochs = fastsample.epochs(table, 5, exclude=BENCH)
    assert sorted(row for each in epochs for row in each.row_ids) == clean
    left_out = epochs[1].report.exclude
    assert left_out is not None
    assert left_out.left_out == 5
    mixed = fastsample.mix({"a": (table, 0.5), "b": (table[1:4], 0.5)}, 6, exclude=[BENCH])
    assert [(each.rows, each.left_out) for each in mixed.report.sources] == [(15, 5), (3, 0)]
    assert "a: 5 rows share text with exclude" in mixed.report.notes
    # Rows are counted with those that were left out.
    for name, source in (("a", table), ("b", table[1:4])):
        alone = fastsample.sample(source, 3, exclude=BENCH)
        assert mixed.source_ids[name].tolist() == alone.row_ids.tolist()
        assert pickle.loads(pickle.dumps(mixed)).source_ids[name].tolist() == alone.row_ids.tolist()
    # Benchmarks are read once for all sources, so they may be a stream.
    streamed = fastsample.mix(
        {"a": (table, 0.5), "b": (table[1:4], 0.5)}, 6, exclude=BENCH.to_reader()
    )
    assert streamed.row_ids.tolist() == mixed.row_ids.tolist()
    bench, source = tmp_path / "bench.jsonl", tmp_path / "in.parquet"
    fastsample.sample(BENCH, 2).write_jsonl(bench)
    drawn = fastsample.sample(write_parquet(table, source), 4, exclude=bench)
    drawn.write_parquet(tmp_path / "out.parquet", manifest=True)
    again = fastsample.reproduce(tmp_path / "out.parquet.manifest.json")
    assert again.row_ids.tolist() == drawn.row_ids.tolist()
    with pytest.raises(fastsample.OutputError):
        drawn.write_jsonl(bench)
    other = fastsample.sample(source, 4, exclude=BENCH)
    with pytest.raises(ArgumentError, match="its exclude comes from an object in memory"):
        other.write_parquet(tmp_path / "other.parquet", manifest=True)
    bench.write_text(bench.read_text().replace("Spain", "Italy"))
    with pytest.raises(fastsample.SourceChangedError, match=r"bench\.jsonl"):
        fastsample.reproduce(tmp_path / "out.parquet.manifest.json")


def test_the_command_line(tmp_path: Path) -> None:
    source = write_parquet(ANSWERED, tmp_path / "in.parquet")
    bench = write_parquet(BENCH, tmp_path / "bench.parquet")

    def run(line: str) -> Any:
        done = CliRunner().invoke(app, line.split())
        assert done.exit_code == 0, done.output
        return done

    start = f"sample -i {source} -o {tmp_path / 'out.parquet'} -n 18 --no-shuffle"
    done = run(f"{start} --exclude {bench} --json")
    found = json.loads(done.stdout)
    assert (found["rows_after"], found["exclude"]["left_out"]) == (15, 5)
    assert found["exclude"]["sources"][0]["name"] == str(bench)
    assert "--exclude leaves only 15 rows" in done.stderr
    done = run(f"{start} --exclude {bench} --exclude-letters 60 --overwrite")
    assert "0 of 20" in done.stdout
    done = run(f"split -i {source} -o {tmp_path / 'sides'} --exclude {bench} a=0.8 b=0.2")
    assert "5 of 20 (25.0%)" in done.stdout
    done = CliRunner().invoke(app, f"{start} --exclude-letters 9 --overwrite".split())
    assert done.exit_code != 0
    assert "--exclude-letters is for --exclude" in done.stderr


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ArgumentError, match=r"exclude: source 1 has 0 rows"):
        fastsample.sample(ANSWERED, 1, exclude=BENCH[:0])
    with pytest.raises(ColumnError, match="source 2 has no text to compare rows with"):
        fastsample.sample(ANSWERED, 1, exclude=[BENCH, pa.table({"x": [1]})])
    with pytest.raises(ArgumentError, match="exclude_letters is 7; it must be from 8 to 10000"):
        fastsample.sample(ANSWERED, 1, exclude=BENCH, exclude_letters=7)
    with pytest.raises(ColumnError, match="compare with exclude"):
        fastsample.sample(pa.table({"x": [1, 2]}), 1, exclude=BENCH)
    with pytest.raises(ArgumentError, match="none of the 1 rows share no run of 50 letters"):
        fastsample.sample(ANSWERED[:1], 1, exclude=ANSWERED)
