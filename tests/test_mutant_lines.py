"""Damaged JSON Lines, made by a seeded mutator: read exactly as Python reads them, or refused.

Bytes are flipped, cut off, doubled and exchanged for pieces of JSON, in plain files and before or
behind compression. What is read must be what :mod:`json` reads from each line, and lines
copied to an output must be those of the input. ``FASTSAMPLE_FUZZ_SECONDS`` sets how long it runs.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa

SECONDS = float(os.environ.get("FASTSAMPLE_FUZZ_SECONDS", "8"))

LINES = [
    '{"id": %d, "text": "你好，世界", "score": 1.5, "tags": ["a", "b"], "meta": {"lang": "zh"}}',
    '{"id": %d, "text": "\\u4f60\\n\\ud83d\\ude00 abc", "score": -2e3, "tags": [], "meta": null}',
    ' { "id" : %d , "text" : "" , "meta" : { "lang" : "en" , "n" : 18446744073709551615 } } ',
    '{"id":%d,"messages":[{"role":"user","content":"好"},{"role":"assistant","content":null}]}',
    '{"id": %d, "ok": true, "text": null}\r',
]

#: What bytes are exchanged for.
PIECES = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\n\n", b" ", b"null",
    b"true", b"0", b"-", b"1e999", b"01", b"1.", b"\\ud83d", b"\\u12", b"\xff", b"\xed\xa0\x80",
    b"\x00", b"\xef\xbb\xbf", b'"id": 1, ', b'"text": [], ', b"18446744073709551616", b"{}",
    b"[" * 70,
]  # fmt: skip


def sound(rng: random.Random) -> bytes:
    """Make a file of some lines."""
    rows = rng.choice([1, 3, 20])
    return "\n".join(rng.choice(LINES) % i for i in range(rows)).encode() + rng.choice([b"", b"\n"])


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Change a few things."""
    out = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 5])):
        place = rng.randrange(len(out) + 1)
        end = min(len(out), place + rng.choice([0, 0, 1, 1, 2, 9]))
        match rng.randrange(4):
            case 0:
                out[place:end] = rng.choice(PIECES)
            case 1 if place < len(out):
                out[place] ^= 1 << rng.randrange(8)
            case 2:
                out[place:place] = out[place:end]
            case _:
                del out[place:end]
    return bytes(out[: rng.randrange(len(out) + 1)] if rng.random() < 0.05 else out)


def packed(data: bytes, codec: str) -> bytes:
    """Compress, in two members or frames."""
    middle = len(data) // 2
    if codec == "gzip":
        return gzip.compress(data[:middle], 1) + gzip.compress(data[middle:], 1)
    if codec == "zstd":
        parts = (data[:middle], data[middle:])
        return b"".join(pa.compress(part, "zstd", asbytes=True) for part in parts)
    return data


def no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a key that is there twice."""
    found = dict(pairs)
    assert len(found) == len(pairs), "a key twice"
    return found


def is_part(found: Any, wanted: Any) -> bool:
    """Whether a value of an Arrow row is that of a line: missing keys are nulls."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            is_part(value, wanted.get(key)) for key, value in found.items()
        )
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(is_part, found, wanted))
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def check(seed: int, folder: Path) -> str:
    """Read one file; return what came of it."""
    rng = random.Random(seed)
    data = damaged(rng, sound(rng))
    codec = rng.choice(["plain", "plain", "gzip", "zstd"])
    written = packed(data, codec)
    behind = codec != "plain" and rng.random() < 0.3
    if behind:
        written = damaged(rng, written)
    path = folder / f"{seed}.jsonl"
    path.write_bytes(written)
    refusal = None
    try:
        rows = fastsample.inspect(path, lengths=False).rows
        assert rows
        drawn = fastsample.sample(path, rows, threads=rng.choice([1, 2]))
        found = drawn.to_arrow()
        drawn.write_jsonl(folder / "out.jsonl")
    except fastsample.FastSampleError as error:
        refusal = error
    if refusal is not None:
        assert str(path) in str(refusal), refusal
        assert "internal error" not in str(refusal), refusal
        return type(refusal).__name__
    if behind:
        return "read, damaged behind compression"
    found.validate(full=True)
    plain = data.removeprefix(b"\xef\xbb\xbf")
    lines = [line for line in plain.split(b"\n") if line.strip(b" \t\r")]
    values = [json.loads(line, object_pairs_hook=no_twice) for line in lines]
    assert len(values) == found.num_rows == rows
    assert all(map(is_part, found.to_pylist(), values)), (found.to_pylist(), values)
    keys = {key for value in values for key in value}
    assert keys == set(found.column_names)
    assert (folder / "out.jsonl").read_bytes() == b"".join(line + b"\n" for line in lines)
    return "read"


def test_damaged_lines_are_read_exactly_or_refused(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        seed = outcomes.total()
        try:
            outcomes[check(seed, tmp_path)] += 1
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        (tmp_path / f"{seed}.jsonl").unlink()
    assert outcomes["read"] > 20, outcomes
    assert outcomes["CorruptDataError"] > 20, outcomes
    print(outcomes)
