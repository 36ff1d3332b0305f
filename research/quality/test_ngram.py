"""The n-gram judge against the plainest program for the same formula."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest

from research.quality.data import PAD, SEP, Corpus, encode
from research.quality.ngram import NgramModel, keys

TEXTS = ("abracadabra", "床前明月光", "疑是地上霜", "abcabcabc", "", "a", "明月光光光光")


def corpus(texts: tuple[str, ...] = TEXTS) -> Corpus:
    """Return a corpus whose prompts are the first character of each text."""
    prompts, responses = [text[:1] for text in texts], [text[1:] for text in texts]
    sources = ["s"] * len(texts)
    return encode(pa.table({"prompt": prompts, "response": responses, "source": sources}))


def plain_bits(train: Corpus, held: Corpus, order: int) -> list[float]:
    """Kneser-Ney with dictionaries, one character at a time."""

    def grams(rows: Corpus) -> list[list[tuple[int, ...]]]:
        found = []
        for row in range(rows.rows):
            codes = [int(code) for code in rows.codes[rows.offsets[row] : rows.offsets[row + 1]]]
            codes = [PAD] * (order - 1) + codes
            found.append(
                [tuple(codes[i - order + 1 : i + 1]) for i in range(order - 1, len(codes))]
            )
        return found

    counts = {order: Counter(gram for row in grams(train) for gram in row)}
    for k in range(order - 1, 0, -1):
        counts[k] = Counter(gram[1:] for gram in counts[k + 1])

    def discount(k: int) -> float:
        once = sum(count == 1 for count in counts[k].values())
        twice = sum(count == 2 for count in counts[k].values())
        return min(max(once / max(1, once + 2 * twice), 0.05), 0.95)

    after: dict[int, dict[tuple[int, ...], list[int]]] = {}
    for k in counts:
        after[k] = defaultdict(list)
        for gram, count in counts[k].items():
            after[k][gram[:-1]].append(count)

    def probability(gram: tuple[int, ...]) -> float:
        if not gram:
            return 1 / train.alphabet
        k = len(gram)
        lower = probability(gram[1:])
        followers = after[k].get(gram[:-1])
        if not followers:
            return lower
        d, total = discount(k), sum(followers)
        return max(counts[k][gram] - d, 0) / total + d * len(followers) / total * lower

    return [
        # Nothing counts up to the first separator, the separator included.
        float(
            -sum(np.log2(probability(gram)) for gram in row[[g[-1] for g in row].index(SEP) + 1 :])
        )
        for row in grams(held)
    ]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equals_the_plain_program(order: int) -> None:
    """Every row costs the same bits by both programs."""
    data = corpus()
    train, held = data.take(np.arange(4)), data.take(np.arange(2, 7))
    assert NgramModel(train, order).bits(held) == pytest.approx(plain_bits(train, held, order))


def test_sums_to_one() -> None:
    """After any context, seen or not, the probabilities of the alphabet sum to 1."""
    data = corpus()
    model = NgramModel(data.take(np.arange(4)))
    for gram in keys(data)[::5]:
        context = (gram >> np.uint64(16)) << np.uint64(16)
        every = context | np.arange(data.alphabet, dtype=np.uint64)
        assert model.probability(every).sum() == pytest.approx(1.0)
