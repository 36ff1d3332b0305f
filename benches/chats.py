"""Time what reads text on the same texts as pairs and as chats, in memory and from Parquet.

::

    python -m benches.chats
    python -m benches.chats --rows 50_000 --only split --record /tmp/record

*flat* has the columns ``prompt`` and ``response``; *chats* has ``messages: list<struct<role,
content>>`` with one turn of each; *turns* has the same texts cut into turns of 24 characters;
*wide* has chats whose turns also have an id and tool calls of as many bytes as the texts.
Everything runs in one process on one thread, by turns. Ratios are of CPU time, so that other work
on the machine counts little, and each is the median over rounds.
"""

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

import fastsample
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benches.arguments import arguments
from benches.generate import generate
from benches.process import warm
from benches.report import write_page

ROUNDS: Final = 7
TURN_CHARS: Final = 24

Rows: TypeAlias = Any  # A table, or the path of a file.
Operation: TypeAlias = Callable[[Any], object]

OPERATIONS: Final[dict[str, Operation]] = {
    "uniform": lambda rows: fastsample.sample(rows, len_of(rows) * 3 // 10, threads=1).to_arrow(),
    "smart": lambda rows: fastsample.sample(rows, len_of(rows) * 3 // 10, smart=True, threads=1),
    "score": lambda rows: fastsample.score(rows, threads=1),
    "split": lambda rows: fastsample.split(rows, {"train": 0.9, "valid": 0.1}, threads=1),
    "inspect": lambda rows: fastsample.inspect(rows, threads=1),
}


def len_of(rows: Rows) -> int:
    """Return the number of rows of a table or a file."""
    return int(rows.num_rows if isinstance(rows, pa.Table) else pq.read_metadata(rows).num_rows)


def forms(pairs: pa.Table) -> dict[str, pa.Table]:
    """Return the pairs as they are, and as chats of three kinds."""
    pairs = pairs.select(["prompt", "response"]).combine_chunks()
    rows = pairs.num_rows
    texts = pa.concat_arrays([column.combine_chunks() for column in pairs.columns])
    turns = np.arange(2 * rows)
    content = texts.take(pa.array(turns // 2 + (turns % 2) * rows))
    roles = pa.array(["user", "assistant"]).take(pa.array(turns % 2))
    ids = pa.array([f"msg_{turn:032x}" for turn in turns])
    calls = content.take(pa.array((turns + rows) % (2 * rows)))
    twos = np.arange(rows + 1, dtype=np.int32) * 2

    def chats(offsets: npt.NDArray[np.int32], **fields: pa.Array) -> pa.Table:
        turn = pa.StructArray.from_arrays(list(fields.values()), list(fields))
        return pa.table({"messages": pa.ListArray.from_arrays(pa.array(offsets), turn)})

    pieces = [
        [text[start : start + TURN_CHARS] for start in range(0, len(text), TURN_CHARS)]
        for text in content.to_pylist()
    ]
    ends = np.cumsum([0, *map(len, pieces)], dtype=np.int32)
    short = pa.array([piece for turn in pieces for piece in turn])
    return {
        "flat": pairs,
        "chats": chats(twos, role=roles, content=content),
        "turns": chats(
            ends[::2],
            role=roles.take(pa.array(np.repeat(turns, np.diff(ends)))),
            content=short,
        ),
        "wide": chats(twos, id=ids, role=roles, tool_calls=calls, content=content),
    }


def cpu_seconds(operation: Operation, rows: Rows) -> float:
    """Return the CPU seconds of one run."""
    start = time.process_time()
    operation(rows)
    return time.process_time() - start


def measure(name: str, kinds: dict[str, dict[str, Rows]], rounds: int) -> list[tuple[str, ...]]:
    """Time an operation on all forms by turns; return the lines of the table."""
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(rounds + 1):
        for kind, sources in kinds.items():
            for form, rows in sources.items():
                seconds = cpu_seconds(OPERATIONS[name], rows)
                if turn:  # The first turn warms up.
                    found.setdefault((kind, form), []).append(seconds)
    lines: list[tuple[str, ...]] = []
    for kind, sources in kinds.items():
        flat = found[kind, "flat"]
        for form in sources:
            times = found[kind, form]
            ratio = median(b / a for a, b in zip(flat, times, strict=True))
            line = (name, kind, form, f"{median(times):.3f}", f"{ratio:.2f}")
            print(("{:10}{:9}{:8}{:>9}{:>7}").format(*line), flush=True)
            lines.append(line)
    return lines


def main() -> None:
    """Read the command line, measure, write the record."""
    parser = arguments(__doc__, rounds=ROUNDS)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--only", default=",".join(OPERATIONS), help="operations")
    parser.add_argument("--kinds", default="memory,parquet")
    options = parser.parse_args()

    kinds: dict[str, dict[str, Rows]] = {}
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-") as folder:
        generate(Path(folder) / "pairs.parquet", options.rows)
        tables = forms(pq.read_table(Path(folder) / "pairs.parquet"))
        if "memory" in options.kinds:
            kinds["memory"] = dict(tables)
        if "parquet" in options.kinds:
            kinds["parquet"] = {}
            for form, table in tables.items():
                path = Path(folder) / f"{form}.parquet"
                pq.write_table(table, path, compression="snappy", row_group_size=100_000)
                warm(path)
                kinds["parquet"][form] = str(path)
        lines = [
            line
            for name in options.only.split(",")
            for line in measure(name, kinds, options.rounds)
        ]
    today = datetime.datetime.now().astimezone().date().isoformat()
    parts = [
        f"# Text of chats beside flat columns: {options.rows:,} rows",
        "",
        f"{today}. CPU seconds on one thread, medians of {options.rounds} rounds by turns in one "
        "process; × flat is the median ratio within a round.",
        "",
        "| operation | source | form | CPU seconds | × flat |",
        "|---|---|---|---:|---:|",
        *("| " + " | ".join(line) + " |" for line in lines),
    ]
    write_page(parts, options.record / f"{today}-chats.md")


if __name__ == "__main__":
    main()
