"""Draws, terms and the transformer judge on text small enough to know the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from research.quality.data import Corpus, encode, split
from research.quality.prototype import Scores, Weighting, later_copies, near_duplicates, signatures
from research.quality.record import Curve, equal_share
from research.quality.samplers import Drawer, entropy_score, priority_order


def rows(count: int, length: int, seed: int) -> list[str]:
    """Return texts of random characters."""
    random = np.random.default_rng(seed)
    return ["".join(map(chr, random.integers(0x4E00, 0x5E00, length))) for _ in range(count)]


def corpus(texts: list[str]) -> tuple[Corpus, pa.Table]:
    """Return a corpus of prompts without responses, and its table."""
    table = pa.table({"prompt": texts, "response": [""] * len(texts), "source": ["s"] * len(texts)})
    return encode(table, 1_000), table


def test_near_duplicates_are_counted() -> None:
    """Rows alone count about one, twenty near-copies about twenty, short texts are no copies."""
    base = rows(1, 200, 1)[0]
    edited = [base[:i] + "x" + base[i + 1 :] for i in range(0, 200, 10)]
    pool, _ = corpus(rows(500, 200, 2) + edited + ["ab", "cd", "e", ""])
    copies = near_duplicates(signatures(pool), bands=8)
    assert np.median(copies[:500]) < 1.1
    assert np.median(copies[500:520]) == pytest.approx(17, abs=4)
    assert copies[520:].max() < 1.5


def test_later_copies() -> None:
    """The first of equal rows is no copy."""
    pool, _ = corpus(["a", "b", "a", "", "ab", "a", ""])
    assert later_copies(pool).tolist() == [False, False, True, False, False, True, True]


def test_a_budget_is_kept_and_samples_are_nested() -> None:
    """As many rows as fit the characters; a larger sample holds the smaller one."""
    drawer = Drawer(*corpus(rows(300, 40, 3)))
    small = drawer.by_characters("proto:duplicates=1", 7, 4_200)
    large = drawer.by_characters("proto:duplicates=1", 7, 8_400)
    assert len(small) == 4_200 // int(drawer.pool.lengths[0])
    assert set(small) < set(large)


def test_all_terms_off_is_random() -> None:
    """With equal weights the prototype draws what random draws."""
    drawer = Drawer(*corpus(rows(100, 20, 4)))
    assert drawer.order("proto:", 5).tolist() == drawer.order("random", 5).tolist()


def test_weight_zero_comes_last() -> None:
    """Rows of weight 0 fill up a draw, in random order."""
    order = priority_order(np.asarray([0.0, 1.0, 0.0, 3.0]), 1)
    assert set(order[:2]) == {1, 3}
    assert set(order) == {0, 1, 2, 3}


def test_entropy_is_of_the_prompt() -> None:
    """Eight different characters are three bits; a row too short or too long scores -1."""
    pool, table = corpus(["abcdefghabcdefgh", "aaaaaaaaaaaa", "abc", "ab" * 700])
    characters = Drawer(pool, table).characters
    assert entropy_score(pool, characters).tolist() == pytest.approx([3.0, 0.0, -1.0, -1.0])


def test_each_term_moves_the_weight() -> None:
    """Every strength changes the weight of some row."""
    texts = rows(200, 60, 5) + ["哈哈哈哈" * 15] * 3 + rows(20, 10, 6)
    scores = Scores(corpus(texts)[0])
    off = Weighting(duplicates=0.0, first_copy=False)
    changed = [
        replace(off, duplicates=1.0),
        replace(off, commonness=0.5),
        replace(off, length=1.0),
        replace(off, repetition=1.0),
    ]
    for how in changed:
        assert len(np.unique(scores.weight(how))) > 1, how
    assert set(scores.weight(off)) == {1.0}


def test_equal_share() -> None:
    """Half-way in bits is half-way in the logarithm of the share."""
    curve = [(0.2, 3.0), (0.8, 2.0)]
    assert equal_share(2.5, curve) == "40%"
    assert equal_share(3.5, curve) == "< 20%"
    assert equal_share(1.5, curve) == "> 80%"


def test_a_curve_is_over_the_seeds_that_all_of_it_has() -> None:
    """A share with more seeds than the others, or fewer in common, moves nothing."""

    def random(share: float) -> tuple[str, float, str]:
        return ("random", share, "characters")

    groups = {
        random(0.2): {0: {"view": 3.0}, 1: {"view": 3.2}},
        random(0.4): {0: {"view": 2.0}, 1: {"view": 2.2}, 2: {"view": 9.0}},
        ("fastsample", 0.2, "characters"): {0: {"view": 2.0}, 1: {"view": 2.2}, 5: {"view": 0.0}},
    }
    curve = Curve.of(groups)
    assert dict(curve.points("view")) == pytest.approx({0.2: 3.1, 0.4: 2.1})
    assert curve.equal(groups["fastsample", 0.2, "characters"], "view") == " = 40%"
    assert curve.equal({1: {"view": 2.2}}, "view") == ""
    assert Curve.of({}).equal({1: {"view": 2.2}}, "view") == ""


def test_transformer_is_deterministic_and_learns() -> None:
    """Same seed, same bits; a text that repeats is learnt to far below a uniform guess."""
    transformer = pytest.importorskip("research.quality.transformer", exc_type=ImportError)
    data, _ = corpus(["一二三四五六七八九十" * 4] * 80)
    cut = split(data, 10, 0, clean_gram=10, clean_share=0.0, top_up=0)
    settings = transformer.Settings(
        characters=8_192, context=32, width=32, layers=1, vocabulary=16, batch=4
    )
    first = transformer.judge(cut.pool, cut.held, settings, 1)
    again = transformer.judge(cut.pool, cut.held, settings, 1)
    assert first.bits.tolist() == again.bits.tolist()
    assert first.bits.sum() / len(cut.held.codes) < 1.5
    assert first.passes == pytest.approx(8_192 / len(cut.pool.codes), rel=0.01)
