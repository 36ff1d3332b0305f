"""Text as flat arrays of character ids, cut into a pool to draw from and held-out rows to judge by.

A row is ``prompt`` SEP ``response``, cut to ``max_chars`` as training would cut it, then END::

    codes    [ p p p SEP r r END  p p SEP r END ... ]   uint16, one entry a character
    offsets  [ 0                  7             ... ]   row i is codes[offsets[i]:offsets[i + 1]]

Ids go by frequency, so "the V most frequent characters" is ``code < V``. An alphabet of more than
65,000 characters lets the rarest share one id.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint16]
Hashes = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

PAD: Final = 0
END: Final = 1
SEP: Final = 2
FIRST_CHARACTER: Final = 3
LARGEST_ALPHABET: Final = 65_000
SEP_TEXT: Final = "\x1e"
END_TEXT: Final = "\x1f"
TEXT_COLUMNS: Final = ("prompt", "response")
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Corpus:
    """Rows of text as character ids, with the source of each row.

    Invariants: ``len(offsets) == rows + 1``; the last code of every row is END; no code is PAD;
    ``alphabet`` is one more than the largest id in any part of the same data set.
    """

    codes: Codes
    offsets: Ints
    source: Ints
    source_names: tuple[str, ...]
    alphabet: int
    characters: npt.NDArray[np.uint32]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """Characters of each row, SEP and END included."""
        return np.diff(self.offsets)

    def row_of(self) -> Ints:
        """Return the row number of each code."""
        return np.repeat(np.arange(self.rows), self.lengths)

    def take(self, rows: Ints) -> Corpus:
        """Return the given rows, in the order given."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Corpus(
            self.codes[index],
            offsets,
            self.source[rows],
            self.source_names,
            self.alphabet,
            self.characters,
        )

    def text(self, rows: Ints) -> str:
        """Return the characters of the given rows as one string."""
        points = self.characters[self.take(rows).codes]
        return points.astype("<u4").tobytes().decode("utf-32-le")


@dataclass(frozen=True)
class Split:
    """A pool to draw from, held-out rows, and which held-out rows count where.

    ``uniform`` marks the held-out rows drawn uniformly (the others top up small sources), ``clean``
    those that share no long n-gram with the pool. ``pool_rows`` are row numbers of the input.
    """

    pool: Corpus
    held: Corpus
    pool_rows: Ints
    uniform: Mask
    clean: Mask


def read_table(path: Path) -> pa.Table:
    """Read prompt, response and source; a file without ``source`` is one source."""
    table = pq.read_table(path)
    missing = [name for name in TEXT_COLUMNS if name not in table.column_names]
    if missing:
        raise SystemExit(f"{path}: no column {missing[0]!r}; found {table.column_names}")
    if "source" not in table.column_names:
        table = table.append_column("source", pa.array(["all"] * table.num_rows))
    return table.select([*TEXT_COLUMNS, "source"])


def encode(table: pa.Table, max_chars: int) -> Corpus:
    """Turn a table of prompt, response, source into a corpus, rows cut to ``max_chars``."""
    columns = [pc.fill_null(table[name].cast(pa.large_string()), "") for name in TEXT_COLUMNS]
    joined = pc.binary_join_element_wise(*columns, pa.scalar(SEP_TEXT, pa.large_string()))
    texts: list[str] = pc.utf8_slice_codeunits(joined, 0, max_chars).to_pylist()
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts)) + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat = (END_TEXT.join(texts) + END_TEXT).encode("utf-32-le", "replace")
    points: npt.NDArray[np.uint32] = np.frombuffer(flat, dtype="<u4")
    counts: Any = np.bincount(points)
    counts[[ord(END_TEXT), ord(SEP_TEXT)]] = 0
    order = np.argsort(-counts, kind="stable")
    order = order[: int(np.count_nonzero(counts))]
    ids = np.full(len(counts), LARGEST_ALPHABET, dtype=np.uint16)
    kept = order[: LARGEST_ALPHABET - FIRST_CHARACTER]
    ids[kept] = np.arange(FIRST_CHARACTER, FIRST_CHARACTER + len(kept), dtype=np.uint16)
    ids[ord(END_TEXT)], ids[ord(SEP_TEXT)] = END, SEP
    codes = ids[points]
    codes[offsets[1:] - 1] = END
    characters = np.full(LARGEST_ALPHABET + 1, 0xFFFD, dtype=np.uint32)
    characters[[PAD, END, SEP]] = [0x20, 0x0A, 0x20]
    characters[FIRST_CHARACTER : FIRST_CHARACTER + len(kept)] = kept
    names, source = np.unique(
        np.asarray(table["source"].to_pylist(), dtype=str), return_inverse=True
    )
    return Corpus(
        codes,
        offsets,
        source.astype(np.int64),
        tuple(str(name) for name in names),
        int(codes.max()) + 1,
        characters,
    )


def mix(values: Hashes) -> Hashes:
    """Spread 64-bit values over all 64 bits (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def gram_hashes(codes: Codes, n: int) -> Hashes:
    """Hash the n-gram that ends at each position from n-1 on; 64 bits, so collisions are rare.

    With 10⁸ distinct n-grams about one pair in 2⁶⁴/10¹⁶ ≈ 1,800 such sets collides.
    """
    size = max(0, len(codes) - n + 1)
    value = np.zeros(size, dtype=np.uint64)
    for i in range(n):
        value = value * MULTIPLIER + codes[i : i + size].astype(np.uint64) + np.uint64(1)
    return mix(value)


def clean_rows(held: Corpus, pool: Corpus, n: int, share: float) -> Mask:
    """Mark the held-out rows of whose n-grams at most ``share`` occur in the pool.

    An n-gram that reaches over the end of a row belongs to neither row and is left out. A row
    shorter than n has none and is clean.
    """

    def grams(corpus: Corpus) -> tuple[Hashes, Ints]:
        rows = corpus.row_of()
        inside = rows[: len(rows) - n + 1] == rows[n - 1 :]
        return gram_hashes(corpus.codes, n)[inside], rows[n - 1 :][inside]

    known = np.sort(grams(pool)[0])
    values, rows = grams(held)
    place = np.minimum(np.searchsorted(known, values), max(0, len(known) - 1))
    seen = known[place] == values if len(known) else np.zeros(len(values), dtype=np.bool_)
    shared = np.bincount(rows, weights=seen, minlength=held.rows)
    total = np.bincount(rows, minlength=held.rows)
    return np.asarray(shared <= share * np.maximum(total, 1), dtype=np.bool_)


def thin(pool: Corpus, share: float, seed: int) -> Ints:
    """Return the rows of a smaller pool in which near-duplicates stay together.

    A uniform part of a pool loses its duplicates: a tenth of the rows holds a hundredth of the
    pairs. So a row stays by the hash of the two smallest of its 5-gram hashes (two orders), which
    near-duplicates share: every row stays with probability ``share``, a pair of Jaccard
    similarity J together with about J² times that. The last four 5-grams of a row reach into the
    next one, so some copies are torn apart: of pairs of 100 characters 17 %, of 240 characters 9 %.
    """
    if share >= 1.0:
        return np.arange(pool.rows)
    codes = np.concatenate([pool.codes, np.full(4, END, dtype=np.uint16)])
    hashes = gram_hashes(codes, 5)
    first = np.minimum.reduceat(hashes, pool.offsets[:-1])
    second = np.minimum.reduceat(mix(hashes + MULTIPLIER), pool.offsets[:-1])
    key = mix(first * MULTIPLIER + second + mix(np.asarray([seed + 1], dtype=np.uint64)))
    return np.flatnonzero(key < np.uint64(int(share * 2.0**64)))


def split(
    corpus: Corpus, held_rows: int, seed: int, *, clean_gram: int, clean_share: float, top_up: int
) -> Split:
    """Hold out ``held_rows`` rows uniformly, and more of each source up to ``top_up`` rows."""
    order = np.random.default_rng(seed).permutation(corpus.rows)
    source = corpus.source[order]
    before = np.empty(len(order), dtype=np.int64)
    for name in range(len(corpus.source_names)):
        members = np.flatnonzero(source == name)
        # A source gives at most a fifth of its rows, unless the uniform draw takes more.
        limit = min(top_up, len(members) // 5)
        before[members] = np.arange(len(members)) - limit
    place = np.arange(len(order))
    chosen = (place < held_rows) | (before < 0)
    held_ids, pool_ids = order[chosen], np.sort(order[~chosen])
    held, pool = corpus.take(held_ids), corpus.take(pool_ids)
    clean = clean_rows(held, pool, clean_gram, clean_share)
    return Split(pool, held, pool_ids, place[chosen] < held_rows, clean)


def summarise(bits: npt.NDArray[np.float64], split: Split, least_rows: int) -> dict[str, float]:
    """Bits per character of held-out rows: uniform and by source, all rows and cleaned ones.

    Uniform is all bits over all characters of the uniformly drawn rows. By source is the plain
    mean over the sources with at least ``least_rows`` rows of each source's bits over characters.
    """
    lengths = split.held.lengths
    found: dict[str, float] = {}
    for label, keep in (("all", np.ones_like(split.clean)), ("clean", split.clean)):
        rows = keep & split.uniform
        found[f"uniform_{label}"] = float(bits[rows].sum() / max(1, lengths[rows].sum()))
        rates = []
        for name in range(len(split.held.source_names)):
            rows = keep & (split.held.source == name)
            if rows.sum() >= least_rows:
                rates.append(bits[rows].sum() / lengths[rows].sum())
        found[f"source_{label}"] = float(np.mean(rates)) if rates else float("nan")
    return found
