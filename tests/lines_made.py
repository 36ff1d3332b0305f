"""Rows, flat and as chats, and files of them in formats of lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
from data import texts

ROWS = 9_000

Row = dict[str, Any]


def zstd(data: bytes) -> bytes:
    compressed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return compressed


def in_parts(compress: Callable[[bytes], bytes], size: int) -> Callable[[bytes], bytes]:
    """Compress pieces by themselves: the members and frames of a file need not end with lines."""
    return lambda data: b"".join(compress(data[at : at + size]) for at in range(0, len(data), size))


def fast_gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1)


def pairs_of_texts() -> list[Row]:
    rng = np.random.default_rng(1)
    found: list[Row] = []
    pairs = zip(texts(ROWS, 60, rng), texts(ROWS, 120, rng), strict=True)
    for i, (prompt, response) in enumerate(pairs):
        row: Row = {"id": i, "prompt": prompt, "response": response or None, "score": i / 4}
        if i % 9 == 0:
            row["response"] = found[i // 2]["response"] if found else ""
        found.append(row)
    return found


def flat() -> list[Row]:
    """Return rows with line feeds, quotes and delimiters in their texts, among other columns."""
    found = []
    for i, row in enumerate(pairs_of_texts()):
        prompt = row["prompt"]
        if i % 7 == 0:
            prompt = f'{prompt[:9]}\n"{prompt[9:30]}", and\r\n{prompt[30:]}\t'
        found.append({**row, "prompt": prompt, "ok": i % 3 == 0})
    return found


def chats() -> list[Row]:
    return [
        {
            "messages": [
                {"role": "user", "content": row["prompt"], "name": None},
                {"role": "assistant", "content": row["response"], "name": "b" if i % 3 else None},
            ]
            * (1 + i % 2),
            "meta": {"lang": ["zh", "en"][i % 2], "ok": i % 5 == 0, "tags": ["a", "b"][: i % 3]},
        }
        for i, row in enumerate(pairs_of_texts())
    ]


def lines(rows: list[Row], ascii_only: bool = False) -> bytes:
    return b"".join(
        json.dumps(row, ensure_ascii=ascii_only or i % 2 == 0).encode() + b"\n"
        for i, row in enumerate(rows)
    )


def cell(value: Any) -> str:
    """Write a value as Python's csv module would, with null and the empty text told apart."""
    if value is None:
        return ""
    text = str(value)
    if text == "" or any(c in text for c in '",\t\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def written_csv(rows: Sequence[Row], delimiter: str = ",", end: str = "\n") -> bytes:
    names = list(rows[0])
    table = [map(cell, names), *(map(cell, row.values()) for row in rows)]
    return "".join(delimiter.join(row) + end for row in table).encode()


def save(folder: Path, data: bytes | str, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def whole(path: Path | list[Path], **options: Any) -> pa.Table:
    rows = fastsample.inspect(path, lengths=False, **options).rows
    return fastsample.sample(path, rows, **options).to_arrow()
