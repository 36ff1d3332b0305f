"""Rows as flat arrays of character ids, and which of them are drawn from and which are judged by.

A row is cut as the trainer of ChatLM-mini-Chinese cuts it, prompt and response apart, so its ids
are ``prompt[:CUT]`` SEP ``response[:CUT]`` END::

    codes    [ p p p SEP r r END  p p SEP r END ... ]   uint16, one entry a character
    offsets  [ 0                  7             ... ]   row i is codes[offsets[i]:offsets[i + 1]]

Ids go by frequency, so "the V most frequent characters" is ``code < V``. An alphabet of more than
65,000 characters lets the rarest share one id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import fastsample
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
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
CUT: Final = 251
OVERLAP_GRAM: Final = 10
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Corpus:
    """Rows of text as character ids, with the collection of each row.

    Invariants: ``len(offsets) == rows + 1``; the last code of every row is END and its first SEP
    begins the response; no code is PAD; ``alphabet`` is one more than the largest id in any part of
    the same data set.
    """

    codes: Codes
    offsets: Ints
    collection: Ints
    names: tuple[str, ...]
    alphabet: int

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

    def in_response(self) -> Mask:
        """Mark the characters of responses. END is one of them: a model has to learn to stop."""
        mark = self.codes == SEP
        marks = np.cumsum(mark)
        starts = self.offsets[:-1]
        within = marks - np.repeat(marks[starts] - mark[starts], self.lengths)
        return np.asarray((within > 1) | ((within == 1) & ~mark), dtype=np.bool_)

    def response_lengths(self) -> Ints:
        """Characters of each response, END included."""
        return np.add.reduceat(self.in_response().astype(np.int64), self.offsets[:-1])

    def take(self, rows: Ints) -> Corpus:
        """Return the given rows, in the order given."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return replace(
            self, codes=self.codes[index], offsets=offsets, collection=self.collection[rows]
        )


@dataclass(frozen=True)
class Trial:
    """Row numbers of the pool that is drawn from, and of two kinds of rows that are judged by.

    ``by_rows`` were held out row by row, as a user holds out validation rows, so some have copies
    in the pool. ``by_groups`` were held out by groups of near-duplicates: none has.
    """

    pool: Ints
    by_rows: Ints
    by_groups: Ints


def read_table(path: Path) -> pa.Table:
    """Read prompt, response and source; a file without ``source`` is one source."""
    table = pq.read_table(path)
    missing = [name for name in TEXT_COLUMNS if name not in table.column_names]
    if missing:
        raise SystemExit(f"{path}: no column {missing[0]!r}; found {table.column_names}")
    if "source" not in table.column_names:
        table = table.append_column("source", pa.array(["all"] * table.num_rows))
    return table.select([*TEXT_COLUMNS, "source"])


def collections(table: pa.Table) -> pa.Array:
    """Return the collection of each row: what stands before the first slash of its source."""
    names = pc.list_element(pc.split_pattern(table["source"], "/"), 0)
    return names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names


def halves(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Deal the collections, largest first, to a half to tune on and a half to report on.

    They are dealt like cards, there and back, so that both halves have as many rows, roughly. No
    text is looked at.
    """
    names = collections(table)
    counted = sorted(
        zip(*(names.value_counts().field(i).to_pylist() for i in (1, 0)), strict=True),
        key=lambda pair: (-pair[0], pair[1]),
    )
    first = [name for place, (_, name) in enumerate(counted) if place % 4 in {0, 3}]
    tuned = pc.is_in(names, value_set=pa.array(first))
    return table.filter(tuned), table.filter(pc.invert(tuned))


def encode(table: pa.Table, cut: int = CUT) -> Corpus:
    """Turn a table of prompt, response, source into a corpus."""
    columns = [
        pc.utf8_slice_codeunits(pc.fill_null(table[name].cast(pa.large_string()), ""), 0, cut)
        for name in TEXT_COLUMNS
    ]
    joined = pc.binary_join_element_wise(*columns, pa.scalar(SEP_TEXT, pa.large_string()))
    texts: list[str] = joined.to_pylist()
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts)) + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat = (END_TEXT.join(texts) + END_TEXT).encode("utf-32-le", "replace")
    points: npt.NDArray[np.uint32] = np.frombuffer(flat, dtype="<u4")
    counts: Any = np.bincount(points)
    counts[[ord(END_TEXT), ord(SEP_TEXT)]] = 0
    order = np.argsort(-counts, kind="stable")[: int(np.count_nonzero(counts))]
    ids = np.full(len(counts), LARGEST_ALPHABET, dtype=np.uint16)
    kept = order[: LARGEST_ALPHABET - FIRST_CHARACTER]
    ids[kept] = np.arange(FIRST_CHARACTER, FIRST_CHARACTER + len(kept), dtype=np.uint16)
    ids[ord(END_TEXT)], ids[ord(SEP_TEXT)] = END, SEP
    codes = ids[points]
    codes[offsets[1:] - 1] = END
    names, collection = np.unique(
        np.asarray(collections(table).to_pylist(), dtype=str), return_inverse=True
    )
    return Corpus(
        codes,
        offsets,
        collection.astype(np.int64),
        tuple(str(name) for name in names),
        int(codes.max()) + 1,
    )


def trial(table: pa.Table, held: int, seed: int, pool: int | None = None) -> Trial:
    """Hold out about ``held`` rows by groups of near-duplicates, then ``held`` rows at random.

    With ``pool``, about so many rows are drawn from. They are chosen by groups, too, since a random
    part of a pool loses its near-duplicates: a tenth of the rows has a hundredth of the pairs.
    """
    texts = table.select(list(TEXT_COLUMNS))
    most = table.num_rows - held
    rest = most if pool is None else min(pool + held, most)
    sides = {"rest": rest, "held": held, "left out": most - rest}
    shares = {name: rows / table.num_rows for name, rows in sides.items() if rows}
    split = fastsample.split(texts, shares, near_duplicates=True, seed=seed, progress=False)
    kept, by_groups = (np.asarray(split[name].row_ids, dtype=np.int64) for name in ("rest", "held"))
    order = np.random.default_rng([seed, 0x48]).permutation(kept)
    return Trial(np.sort(order[held:]), np.sort(order[:held]), by_groups)


def _long_grams(corpus: Corpus) -> tuple[Hashes, Ints]:
    """Hash each 10-gram that lies within a row; return the hashes and their rows."""
    hashes = np.zeros(max(len(corpus.codes) - OVERLAP_GRAM + 1, 0), dtype=np.uint64)
    for place in range(OVERLAP_GRAM):
        codes = corpus.codes[place : place + len(hashes)].astype(np.uint64)
        hashes = (hashes ^ codes) * MULTIPLIER
    rows = corpus.row_of()
    inside = rows[: len(hashes)] == rows[OVERLAP_GRAM - 1 :]
    return hashes[inside], rows[: len(hashes)][inside]


def overlap(held: Corpus, pool: Corpus) -> float:
    """Return the share of characters of held-out rows that share half of their 10-grams."""
    grams = [_long_grams(corpus) for corpus in (held, pool)]
    own, place = np.unique(grams[0][0], return_inverse=True)
    # The few of the held-out rows are sorted, not the many of the pool.
    at = np.minimum(np.searchsorted(own, grams[1][0]), len(own) - 1)
    met = np.zeros(len(own), dtype=np.bool_)
    met[at[own[at] == grams[1][0]]] = True
    known = met[place]
    shared = np.bincount(grams[0][1], known, held.rows)
    all_grams = np.maximum(np.bincount(grams[0][1], minlength=held.rows), 1)
    alike = shared / all_grams >= 0.5
    return float(held.lengths[alike].sum() / held.lengths.sum())
