"""Sources of mixtures in several layouts, and what plain Python makes of mixtures."""

import gzip
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from data import drawn_ids, texts, write_ipc, write_parquet

RNG = np.random.default_rng(11)
#: The sources have other columns each; `id` is the position.
TABLES = {
    "wiki": pa.table(
        {
            "id": pa.array(range(300), pa.int64()),
            "text": pa.array(texts(300, 20, RNG), pa.string()),
            "lang": pa.array([("zh", None, "en")[row % 3] for row in range(300)]),
        }
    ),
    "code": pa.table(
        {
            "score": pa.array(RNG.random(120)),
            "text": pa.array(texts(120, 40, RNG), pa.large_string()),
            "id": pa.array(range(120), pa.int64()),
        }
    ),
    "chat": pa.table(
        {
            "id": pa.array(range(40), pa.int64()),
            "text": pa.array(texts(40, 5, RNG), pa.string()),
        }
    ),
    "旧书": pa.table({"id": pa.array(range(7), pa.int64()), "text": ["a"] * 7}),
}
SIZES = {name: table.num_rows for name, table in TABLES.items()}


def even_order(numbers: list[int]) -> list[int]:
    """Return the source of each row: the earliest deadline first, in exact fractions."""
    total, there = sum(numbers), sum(number > 0 for number in numbers)
    bound = 1 - Fraction(1, max(2 * there - 2, 2))
    taken, order = [0] * len(numbers), []
    for place in range(1, total + 1):
        open_ = []
        for source, number in enumerate(numbers):
            row = taken[source] + 1
            if row <= number and row <= Fraction(place * number, total) + bound:
                last = math.floor((row - 1 + bound) * total / number) + 1
                open_.append((last, source))
        _, source = min(open_)
        taken[source] += 1
        order.append(source)
    return order


def largest_remainder(n: int, weights: list[Fraction], rows: list[int] | None = None) -> list[int]:
    """Return rows of each source; with `rows`, those that have too few give all they have."""
    numbers: dict[int, int] = {}
    while True:
        open_ = [s for s in range(len(weights)) if s not in numbers]
        left, total = n - sum(numbers.values()), sum(weights[s] for s in open_)
        quotas = {s: left * weights[s] / total if total else Fraction(0) for s in open_}
        full = [s for s in open_ if rows is not None and weights[s] and quotas[s] >= rows[s]]
        if full and rows is not None:
            numbers |= {s: rows[s] for s in full}
            continue
        floors = {s: math.floor(quotas[s]) for s in open_}
        missing = left - sum(floors.values())
        for s in sorted(open_, key=lambda s: floors[s] - quotas[s])[:missing]:
            floors[s] += 1
        return [(numbers | floors)[s] for s in range(len(weights))]


def passes(rows: int, n: int, seed: int) -> list[int]:
    """Return the rows of a source: whole passes, then a draw."""
    return list(range(rows)) * (n // rows) + drawn_ids(rows, n % rows, seed)


def mixed_rows(names: list[str], ids: list[list[int]]) -> list[dict[str, Any]]:
    """Return the rows of a mixture of these rows of each source as plain values."""
    columns = dict.fromkeys(column for name in names for column in TABLES[name].column_names)
    rows, left = [], [iter(each) for each in ids]
    for source in even_order([len(each) for each in ids]):
        row = TABLES[names[source]].slice(next(left[source]), 1).to_pylist()[0]
        rows.append({**dict.fromkeys(columns), **row, "source": names[source]})
    return rows


def laid_out(folder: Path) -> dict[str, list[Any]]:
    """Return each source in several layouts."""
    found: dict[str, list[Any]] = {}
    for name, table in TABLES.items():
        cut = table.num_rows // 3
        parts = [
            write_parquet(table.slice(0, cut), folder / f"{name}a.parquet", row_group_size=13),
            write_ipc(table.slice(cut), folder / f"{name}b.arrow", "zstd", 11),
        ]
        whole = write_parquet(table, folder / f"{name}.parquet", data_page_size=64)
        lines = folder / f"{name}.jsonl"
        lines.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        packed = folder / f"{name}.jsonl.gz"
        packed.write_bytes(gzip.compress(lines.read_bytes()))
        found[name] = [parts, whole, lines, packed, table]
    return found


def given_shares(parts: list[int]) -> list[float]:
    """Return shares that sum to 1."""
    shares = [round(part / sum(parts), 12) for part in parts]
    shares[-1] = round(1 - sum(shares[:-1]), 12)
    return shares
