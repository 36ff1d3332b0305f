"""Damaged files, made from sound ones by a seeded mutator, and what reading them does.

Flipped bits, overwritten words, cut ends, footers of other files, and numbers, lengths and types
changed within the Thrift structures of a footer or a page header, so that all else stays sound.
Each mutant is read in a child process with 2 GiB of address space. It must be read or refused with
the right class, within 10 seconds and 512 MiB, and never abort, hang or panic. Rows under a
checksum must be the true ones.

``python tests/mutants.py --count 100000 --record FILE`` runs many and writes down what happened.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import thrift

ROWS = 60
SECONDS = 10
MEMORY = 512 << 20
BATCH = 250


def table() -> pa.Table:
    """Make rows of several types, always the same."""
    rng = random.Random(5)
    words = ["的", "是", "abc", "", "text "]
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "text": ["".join(rng.choices(words, k=i % 9)) if i % 7 else None for i in range(ROWS)],
            "list": [[f"{j}" for j in range(i % 4)] if i % 5 else None for i in range(ROWS)],
            "struct": [{"a": i, "b": {"c": "x" * (i % 9)}} for i in range(ROWS)],
            "fixed": pa.array([bytes([i, 1, 2]) for i in range(ROWS)], pa.binary(3)),
            "price": pa.array(range(ROWS), pa.decimal128(9, 2)),
        }
    )


def parquet(**options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink, **options)
    return sink.getvalue()


def ipc(stream: bool, codec: str | None, dictionary: bool = False) -> bytes:
    sink, rows = io.BytesIO(), table()
    if dictionary:
        rows = rows.set_column(1, "text", rows["text"].combine_chunks().dictionary_encode())
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(rows, max_chunksize=25)
    return sink.getvalue()


#: Columns in delta encodings, which few writers use.
DELTA = {"id": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "price": "PLAIN"}

SOUND: dict[str, bytes] = {}


def sound() -> dict[str, bytes]:
    """Return the files that mutants are made from."""
    if not SOUND:
        SOUND.update(
            {
                "checksum": parquet(write_page_checksum=True, compression="none"),
                "dictionary": parquet(compression="snappy", row_group_size=25),
                "plain": parquet(compression="none", use_dictionary=False, store_schema=False),
                "v2": parquet(
                    compression="zstd", data_page_version="2.0", data_page_size=64,
                    write_batch_size=8, write_page_index=True,
                ),
                "gzip": parquet(compression="gzip", use_dictionary=False),
                "brotli": parquet(compression="brotli", data_page_version="2.0"),
                "lz4": parquet(compression="lz4", write_page_index=True),
                "delta": parquet(
                    compression="none", use_dictionary=False, column_encoding=DELTA,
                    data_page_version="2.0",
                ),
                "file": ipc(False, None),
                "file-zstd": ipc(False, "zstd"),
                "file-lz4": ipc(False, "lz4", dictionary=True),
                "stream": ipc(True, None, dictionary=True),
                "stream-zstd": ipc(True, "zstd"),
            }
        )  # fmt: skip
    return SOUND


#: Numbers that counts, sizes and offsets are replaced by.
ODD = [
    0, 1, 2, 3, 7, 127, 128, 255, 256, 1000, 65_535, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1,
    1 << 40, (1 << 63) - 1, -1, -2, -128, -(1 << 31), -(1 << 63),
]  # fmt: skip


class Reader:
    """A reader of Thrift structures, to change them with knowledge of what they are."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        """Read a byte."""
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        """Read a number without a sign."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7

    def number(self) -> int:
        """Read a number with a sign."""
        zigzag = self.varint()
        return zigzag >> 1 ^ -(zigzag & 1)

    def value(self, kind: int) -> Any:
        """Read a value of a type."""
        if kind in (thrift.TRUE, thrift.FALSE):
            return kind == thrift.TRUE
        if kind == thrift.I8:
            return self.byte()
        if kind in (thrift.I16, thrift.I32, thrift.I64):
            return self.number()
        if kind == thrift.DOUBLE:
            self.at += 8
            return self.data[self.at - 8 : self.at]
        if kind == thrift.BINARY:
            length = self.varint()
            self.at += length
            return self.data[self.at - length : self.at]
        if kind == thrift.LIST:
            head = self.byte()
            count = self.varint() if head >> 4 == 15 else head >> 4
            return [head & 15, [self.value(head & 15) for _ in range(count)]]
        return self.fields()

    def fields(self) -> list[list[Any]]:
        """Read a struct: a list of [id, type, value]."""
        found, last = [], 0
        while head := self.byte():
            last = last + (head >> 4) if head >> 4 else self.number()
            found.append([last, head & 15, self.value(head & 15)])
        return found


def encode(kind: int, value: Any) -> bytes:
    """Write what :class:`Reader` reads; lengths may be given as [length, bytes]."""
    if kind in (thrift.TRUE, thrift.FALSE):
        return b""
    if kind == thrift.I8:
        return bytes([value & 255])
    if kind in (thrift.I16, thrift.I32, thrift.I64):
        return thrift.zigzag(value)
    if kind == thrift.DOUBLE:
        return bytes(value)
    if kind == thrift.BINARY:
        length, data = value if isinstance(value, list) else (len(value), value)
        return thrift.varint(length) + bytes(data)
    if kind == thrift.LIST:
        inner, items = value[:2]
        count = value[2] if len(value) > 2 else len(items)
        head = (
            bytes([count << 4 | inner])
            if count < 15
            else bytes([0xF0 | inner]) + thrift.varint(count)
        )
        return head + b"".join(encode(inner, item) for item in items)
    out, last = bytearray(), 0
    for field, kind, inner in value:
        delta = field - last
        out += (
            bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + thrift.zigzag(field)
        )
        out += encode(kind, inner)
        last = field
    return bytes(out) + b"\0"


def places(kind: int, value: Any) -> Iterator[tuple[Any, Any, int, bool]]:
    """Yield each value within another: where it is kept, its type, and whether it is a field."""
    if kind == thrift.STRUCT:
        for field in value:
            yield field, 2, field[1], True
            yield from places(field[1], field[2])
    elif kind == thrift.LIST:
        for index, item in enumerate(value[1]):
            yield value[1], index, value[0], False
            yield from places(value[0], item)


def edit(rng: random.Random, fields: list[list[Any]]) -> bytes:
    """Change one thing in a structure."""
    found = list(places(thrift.STRUCT, fields))
    holder, key, kind, is_field = rng.choice(found)
    value, action = holder[key], rng.random()
    if action < 0.1 and is_field:
        holder[0] += rng.choice([1, 2, 20])
    elif kind in (thrift.I8, thrift.I16, thrift.I32, thrift.I64):
        holder[key] = rng.choice(
            [rng.choice(ODD), value + rng.choice([-1, 1, 8, -8]), rng.getrandbits(20)]
        )
        if kind != thrift.I64:
            holder[key] = max(-(1 << 31), min((1 << 31) - 1, holder[key]))
    elif kind == thrift.BINARY:
        length = rng.choice([*ODD[:17], len(value) + 1])
        holder[key] = rng.choice([b"", value[:-1], b"\xff" + value[1:], [length, value]])
    elif kind == thrift.LIST:
        claimed = rng.choice([*ODD[:17], len(value[1]) + 1])
        items = rng.choice([value[1][:-1], value[1] * 2, value[1]])
        holder[key] = [value[0], items, claimed] if rng.random() < 0.5 else [value[0], items]
    return encode(thrift.STRUCT, fields)


def split(data: bytes) -> tuple[bytes, bytes]:
    """Split a Parquet file into its body and its footer."""
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length], data[-8 - length : -8]


def join(body: bytes, footer: bytes) -> bytes:
    return body + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def page_header(rng: random.Random, data: bytes) -> bytes:
    """Change the header of a page, at the cost of those behind it unless it keeps its length."""
    body, footer = split(data)
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    column = metadata.row_group(rng.randrange(metadata.num_row_groups)).column(
        rng.randrange(metadata.num_columns)
    )
    start = column.dictionary_page_offset or column.data_page_offset
    reader = Reader(data, start)
    fields = reader.fields()
    header = edit(rng, fields)
    return join(body[:start] + header + body[reader.at :], footer)


class Mutant(NamedTuple):
    """A damaged file."""

    name: str
    how: str
    data: bytes


def mutant(seed: int) -> Mutant:
    """Make the mutant of a number."""
    rng = random.Random(seed)
    files = sound()
    name = rng.choice(list(files))
    data = files[name]
    is_parquet = data.startswith(b"PAR1")
    hows = ["flip", "flip", "words", "cut"]
    hows += (
        ["splice", "footer", "footer", "header", "header"] if is_parquet else ["ipc", "ipc", "ipc"]
    )
    how = rng.choice(hows)
    if how == "cut":
        return Mutant(name, how, data[: rng.randrange(len(data))])
    if how == "splice":
        other = rng.choice([key for key, file in files.items() if file.startswith(b"PAR1")])
        return Mutant(name, how, join(split(data)[0], split(files[other])[1]))
    if how == "footer":
        body, footer = split(data)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            try:
                footer = edit(rng, Reader(footer).fields())
            except (IndexError, ValueError, RecursionError):
                break
        return Mutant(name, how, join(body, footer))
    if how == "header":
        return Mutant(name, how, page_header(rng, data))
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        first = max(0, len(out) - 1500) if rng.random() < 0.4 else 0
        place = rng.randrange(first, len(out) - 8)
        if how == "flip":
            out[place] ^= 1 << rng.randrange(8)
        elif how == "words":
            out[place] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        else:
            size = rng.choice([2, 4, 4, 8])
            place -= place % size
            out[place : place + size] = (rng.choice(ODD) & ((1 << 8 * size) - 1)).to_bytes(
                size, "little"
            )
    return Mutant(name, how, bytes(out))


def read_all(first: int, last: int, folder: Path) -> None:
    """Read mutants one after the other, saying what comes of each. Runs in a child process."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    import fastsample

    true_rows = [repr(row) for row in table().to_pylist()]
    bodies = {name: split(data)[0] for name, data in sound().items() if name == "checksum"}
    for seed in range(first, last):
        found = mutant(seed)
        path = folder / f"{seed}.data"
        path.write_bytes(found.data)
        print(f"start {seed} {found.name} {found.how}", flush=True)
        Path("/proc/self/clear_refs").write_text("5")
        started = time.monotonic()
        try:
            rows = fastsample.inspect(path, lengths=False, threads=2).rows
            outcome = "no rows"
            if rows:
                n = min(rows, ROWS)
                read = fastsample.sample(path, n, threads=2).to_arrow()
                read.validate(full=True)
                outcome = "read" if read.num_rows == n else "WRONG COUNT"
                # Damage in a page that has a checksum must not come through.
                if found.name in bodies and found.how in ("flip", "words") and n == ROWS:
                    body = bodies[found.name]
                    if found.data[len(body) :] == sound()[found.name][len(body) :]:
                        same = [repr(row) for row in read.to_pylist()] == true_rows
                        outcome = "read" if same or read.schema != table().schema else "WRONG ROWS"
        except Exception as error:
            outcome = type(error).__name__
            if "does not fit in precision" in str(error):
                # No reader holds a decimal against its type, and these have no checksum.
                outcome = "read"
            elif not isinstance(error, fastsample.FastSampleError):
                outcome = f"FOREIGN {outcome}: {error}"
            elif "internal error" in str(error) or str(path) not in str(error):
                outcome = f"BAD WORDS {outcome}: {error}"
        seconds = time.monotonic() - started
        if seconds > SECONDS:
            outcome = f"SLOW {seconds:.1f} s {outcome}"
        if peak() > MEMORY:
            outcome = f"LARGE {peak() >> 20} MiB {outcome}"
        print(f"end {seed} {outcome}".replace("\n", " "), flush=True)
        path.unlink()


def peak() -> int:
    """Return the most memory this process has used since it was last asked to forget."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Outcome(NamedTuple):
    """What came of the mutants."""

    counts: Counter[str]
    failures: list[str]


def run(first: int, count: int, seconds: float = float("inf")) -> Outcome:
    """Read mutants in child processes until there are so many, or time is up."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    end, seed = time.monotonic() + seconds, first
    while seed < first + count and time.monotonic() < end:
        last = min(seed + BATCH, first + count)
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--child", str(seed), str(last), folder]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, errors="replace", check=False,
                    timeout=SECONDS + BATCH * 0.5,
                )  # fmt: skip
                code, told, said = done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired as expired:
                code, said = -1, "no end"
                told = (expired.stdout or b"").decode(errors="replace")
        lines = told.splitlines()
        begun = ""
        for line in lines:
            kind, number, *rest = line.split(" ", 2)
            if kind == "start":
                begun, seed = line, int(number) + 1
                continue
            outcome, begun = rest[0], ""
            counts[outcome.split(" ")[0]] += 1
            if outcome.split(" ")[0].isupper():
                failures.append(f"mutant {number}: {outcome}")
        if begun:
            counts["DIED"] += 1
            failures.append(f"{begun}: exit {code}: {said[-300:]}")
        elif "panicked" in said:
            failures.append(f"a panic was printed: {said[-300:]}")
        elif not lines:
            failures.append(f"nothing was read from {seed} on: exit {code}: {said[-300:]}")
            break
    return Outcome(counts, failures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--record", type=Path, help="write what happened to this JSON file")
    arguments = parser.parse_args()
    if arguments.child:
        read_all(int(arguments.child[0]), int(arguments.child[1]), Path(arguments.child[2]))
        return
    started = time.monotonic()
    counts, failures = run(arguments.first, arguments.count, arguments.seconds)
    found = {
        "first": arguments.first,
        "mutants": sum(counts.values()),
        "seconds": round(time.monotonic() - started),
        "outcomes": dict(counts.most_common()),
        "failures": failures,
    }
    text = json.dumps(found, indent=2, ensure_ascii=False)
    print(text)
    if arguments.record is not None:
        arguments.record.write_text(text + "\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
