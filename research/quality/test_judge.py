"""What is judged, by which rows, and how sure: on text small enough to know the answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from research.quality import draws, run
from research.quality.data import CUT, Corpus, collections, encode, halves, overlap, trial
from research.quality.interval import MEANS, gain


def pairs(count: int, seed: int, length: int = 30) -> list[tuple[str, str]]:
    """Return pairs of random characters."""
    random = np.random.default_rng(seed)
    return [
        tuple("".join(map(chr, random.integers(0x4E00, 0x4F00, length))) for _ in range(2))  # type: ignore[misc]
        for _ in range(count)
    ]


def to_table(rows: list[tuple[str, str]], source: str = "s") -> pa.Table:
    """Return the pairs as a table of one source."""
    prompts, responses = ([row[i] for row in rows] for i in (0, 1))
    return pa.table({"prompt": prompts, "response": responses, "source": [source] * len(rows)})


def test_the_response_is_what_follows_the_first_separator() -> None:
    """Its end counts, the prompt and the separator don't; both texts are cut apart."""
    corpus = encode(to_table([("ab", "xyz"), ("", ""), ("a", "x\x1ey"), ("p" * 900, "r" * 900)]))
    assert corpus.response_lengths().tolist() == [4, 1, 4, CUT + 1]
    assert corpus.lengths.tolist() == [7, 2, 6, 2 * CUT + 2]
    first = corpus.take(np.array([0])).in_response()
    assert first.tolist() == [False] * 3 + [True] * 4
    again = corpus.take(np.array([2, 0, 1]))
    assert again.response_lengths().tolist() == [4, 4, 1]


def test_halves_share_no_collection() -> None:
    """Each collection is in one half, and both halves are of similar size."""
    sizes = {"a/x": 50, "a/y": 10, "b": 40, "c": 30, "d": 20, "e": 5}
    table = pa.concat_tables(to_table(pairs(size, 1), name) for name, size in sizes.items())
    parts = [Counter(collections(half).to_pylist()) for half in halves(table)]
    assert parts == [{"a": 60, "d": 20, "e": 5}, {"b": 40, "c": 30}]


def test_rows_by_groups_have_no_copies_in_the_pool() -> None:
    """By groups nothing that is held out resembles the pool; row by row, much does."""
    rows = pairs(1_000, 3)
    table = to_table([row for row in rows for _ in range(2)])
    cut = trial(table, 300, 0)
    every = np.concatenate([cut.pool, cut.by_rows, cut.by_groups])
    assert sorted(every) == list(range(2_000))
    assert len(cut.by_rows) == 300
    assert len(cut.by_groups) == pytest.approx(300, abs=20)
    corpus = encode(table)
    pool = corpus.take(cut.pool)
    assert overlap(corpus.take(cut.by_groups), pool) == 0
    assert overlap(corpus.take(cut.by_rows), pool) > 0.6
    small = trial(table, 300, 0, pool=500)
    assert len(small.pool) == pytest.approx(500, abs=40)
    # Copies stay together: of almost all rows both are there, but for those held out row by row.
    kept = set(small.pool) | set(small.by_rows)
    assert {row ^ 1 for row in kept} == kept


def test_all_samples_have_one_random_number_a_row() -> None:
    """Without copies, samples differ by what the terms do alone."""
    table = to_table(pairs(400, 4))
    pool = draws.Pool(table, encode(table))
    random = pool.by_rows("random", 100, 7)
    assert pool.by_rows("no exact copies", 100, 7).tolist() == random.tolist()
    assert pool.by_rows(
        "smart:duplicates=0,commonness=0,length=0,repetition=0", 100, 7
    ).tolist() == (random.tolist())
    within = pool.by_characters("random", 150 * int(pool.corpus.lengths[0]), 7)
    assert len(within) == 150  # all rows are of one length
    assert set(random) < set(within)
    first, second = pool.epochs("random", 100, 2, 7)
    assert first.tolist() == random.tolist()
    assert not set(first) & set(second)


def test_copies_are_left_out() -> None:
    """Of equal rows one is drawn, while there are others."""
    table = to_table(pairs(50, 5) * 2)
    rows = draws.Pool(table, encode(table)).by_rows("no exact copies", 50, 1)
    assert len({row % 50 for row in rows}) == 50


def test_a_power_of_the_response_prefers_long_ones() -> None:
    """Longer responses are drawn more often."""
    table = to_table(
        [(prompt, response * (1 + i % 2 * 7)) for i, (prompt, response) in enumerate(pairs(600, 6))]
    )
    pool = draws.Pool(table, encode(table))
    long = [
        float(np.mean(pool.by_rows(name, 100, 1) % 2)) for name in ("random", "response^1*random")
    ]
    assert long[1] > long[0] + 0.2
    with pytest.raises(SystemExit, match="unknown sample"):
        pool.by_rows("snart", 10, 1)


@pytest.mark.parametrize("mean", MEANS)
def test_the_gain_is_the_plain_difference(mean: str) -> None:
    """Each mean against a program that says what it is."""
    random = np.random.default_rng(8)
    bits, base = random.uniform(1, 2, (3, 40)), random.uniform(1, 2, (3, 40))
    lengths, collection = random.integers(1, 9, 40), np.arange(40) % 4

    def plain(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
        if mean == "rows":
            return float(
                np.mean(
                    [bits / n for seed in values for bits, n in zip(seed, lengths, strict=True)]
                )
            )
        kinds = [0] if mean == "characters" else [0, 1, 2, 3]
        rates = []
        for seed in values:
            for kind in kinds:
                own = [i for i in range(40) if mean == "characters" or collection[i] == kind]
                rates.append(sum(seed[i] for i in own) / sum(lengths[i] for i in own))
        return float(np.mean(rates))

    found = gain(bits, base, lengths, collection, mean)
    assert found.percent == pytest.approx(100 * (plain(bits) / plain(base) - 1))
    assert found.low < found.percent < found.high


def test_the_interval_holds_what_it_says() -> None:
    """Of 200 comparisons of which the truth is known, some 95 % cover it."""
    random = np.random.default_rng(9)
    lengths, collection = np.full(400, 10), np.zeros(400, dtype=np.int64)
    covered = 0
    for trial_number in range(200):
        base = random.uniform(20, 40, 400) + random.normal(0, 1, (6, 400))
        # The truth is no difference: one by seed, one by row, and noise.
        changed = base * (
            1
            + random.normal(0, 0.004, (6, 1))
            + random.normal(0, 0.06, 400)
            + random.normal(0, 0.02, (6, 400))
        )
        found = gain(changed, base, lengths, collection, "characters", seed=trial_number)
        covered += found.low <= 0 <= found.high
    assert 180 <= covered <= 200


def test_the_transformer_learns_responses_and_repeats_itself() -> None:
    """Same seed, same bits; what a response always is is learnt, and training goes on from it."""
    transformer = pytest.importorskip("research.quality.transformer", exc_type=ImportError)
    corpus: Corpus = encode(
        to_table([(prompt, "一二三四五六七八九十") for prompt, _ in pairs(120, 10)])
    )
    settings = transformer.Settings(context=64, width=32, layers=1, vocabulary=300, batch=8)
    transformer.prepare()
    pool, held = np.arange(100), np.arange(100, 120)
    first, again = (transformer.train(corpus, [pool] * 6, settings, 1, None) for _ in range(2))
    bits = [transformer.bits(each, corpus, held, settings) for each in (first, again)]
    assert bits[0].tolist() == bits[1].tolist()
    start = transformer.bits(
        transformer.CharacterModel(settings).state_dict(), corpus, held, settings
    )
    assert bits[0].sum() < 0.3 * start.sum()
    further = transformer.train(corpus, [pool], settings, 2, first)
    assert transformer.bits(further, corpus, held, settings).sum() < bits[0].sum()
    # The order in which rows are asked for changes nothing but rounding.
    assert transformer.bits(first, corpus, held[::-1], settings)[::-1] == pytest.approx(
        bits[0], rel=1e-4
    )


def test_a_run_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table for each cost, the same from the cache; nothing is measured twice."""
    file = tmp_path / "text.parquet"
    pq.write_table(
        pa.concat_tables([to_table(pairs(300, 11), "a/1"), to_table(pairs(300, 12), "b")]), file
    )
    arguments = [
        "--data",
        str(file),
        "--held",
        "50",
        "--seeds",
        "2",
        "--cache",
        str(tmp_path / "cache"),
    ]
    arguments += ["--samples", "random", "smart", "--costs", "rows", "characters"]
    run.main(arguments)
    page = capsys.readouterr().out
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    assert len(kept) == 8
    run.main(arguments)
    assert capsys.readouterr().out == page
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == kept
    assert page.count("| smart |") == 2
    assert "collections: a, b" in page
