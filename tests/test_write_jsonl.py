"""JSON Lines output: lines are copied byte for byte, other rows are values that read back."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import errors
from lines_made import fast_gzip, in_parts, save, zstd

#: Lines as people write them: no two of one layout.
ODD = [
    '{"b":1,"a":"x"}',
    ' { "a" : "\\u00e9\\/" , "b" : 1.50 } ',
    '{"a":"é😀\\ud83d\\ude00","b":-0,"new":[1e0, 2E+1],"k":{"deep":null}}',
    '{"b":1e2}\r',
    '{"messages":[{"role":"user","content":"你好"},{"content":"","role":"assistant"}]}',
    '{"conversations": [{"from": "human", "value": "hi"}], "tools": "[]", "system": ""}',
    "{}",
]
ROWS = 3_000


def odd_lines() -> list[bytes]:
    """Return lines of which each has a key of its own place."""
    found = []
    for i in range(ROWS):
        line = ODD[i % len(ODD)]
        inside = "" if line == "{}" else ", "
        at = line.rindex("}")
        found.append(f'{line[:at]}{inside}"id": {i}{line[at:]}'.encode())
    return found


def read(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        with pa.input_stream(path, compression="zstd") as file:
            data = file.read()
    assert not data or data.endswith(b"\n")
    return data.split(b"\n")[:-1]


def hashes(found: list[bytes]) -> list[str]:
    return [hashlib.sha256(line).hexdigest() for line in found]


@pytest.mark.parametrize("source", ["jsonl", "jsonl.gz", "jsonl.zst"])
@pytest.mark.parametrize("target", ["jsonl", "ndjson.gz", "jsonl.zst"])
@pytest.mark.parametrize("smart", [False, True])
def test_lines_are_copied_byte_for_byte(
    tmp_path: Path, source: str, target: str, smart: bool
) -> None:
    lines = odd_lines()
    data = b"\xef\xbb\xbf\n" + b"\n\n".join(lines)
    compress = {"gz": in_parts(fast_gzip, 50_000), "zst": zstd}.get(source[6:], bytes)
    path = save(tmp_path, compress(data), f"in.{source}")
    drawn = fastsample.sample(path, 700, smart=smart)
    written = drawn.write_jsonl(tmp_path / f"out.{target}")
    assert hashes(read(written.files[0].path)) == hashes([lines[i] for i in drawn.row_ids])
    assert written.rows == 700
    assert written.bytes == written.files[0].path.stat().st_size


def test_the_same_bytes_for_any_number_of_threads(tmp_path: Path) -> None:
    lines = [json.dumps({"id": i, "t": f"{i * 7919} " * 90}).encode() for i in range(30_000)]
    save(tmp_path, b"\n".join(lines), "in.jsonl")
    save(tmp_path, fast_gzip(b"\n".join(lines)), "in.jsonl.gz")
    for ending in ("jsonl", "jsonl.gz", "jsonl.zst"):
        for source in ("in.jsonl", "in.jsonl.gz"):
            found = set()
            for threads in (1, 2, 8):
                drawn = fastsample.sample(tmp_path / source, 20_000, threads=threads)
                out = tmp_path / f"out.{ending}"
                drawn.write_jsonl(out)
                found.add(out.read_bytes())
            assert len(found) == 1
        assert read(out) == [lines[i] for i in drawn.row_ids]
        # What is written is a source again.
        again = fastsample.sample(out, 20_000)
        assert again.to_arrow().equals(drawn.to_arrow())


def test_shuffled_and_in_shards(tmp_path: Path) -> None:
    lines = odd_lines()
    path = save(tmp_path, b"\n".join(lines))
    drawn = fastsample.sample(path, 1000, seed=3)
    for limit in (None, 10_000):
        report = drawn.write_jsonl(
            tmp_path / "out.jsonl.gz", shuffle=True, shards=3, memory_limit=limit
        )
        names = [file.path.name for file in report.files]
        assert names == [f"out-{i:05}-of-00003.jsonl.gz" for i in range(3)]
        assert [file.rows for file in report.files] == [334, 333, 333]
        found = [line for file in report.files for line in read(file.path)]
        drawn.write_parquet(tmp_path / "out.parquet", shuffle=True)
        ids = pq.read_table(tmp_path / "out.parquet")["id"].to_pylist()
        assert found == [lines[i] for i in ids]
        for file in report.files:
            file.path.unlink()


def test_weights_stand_behind_the_last_key(tmp_path: Path) -> None:
    lines = odd_lines()
    path = save(tmp_path, b"\n".join(lines))
    drawn = fastsample.sample(path, 500, smart=True, weights=True)
    drawn.write_jsonl(tmp_path / "out.jsonl")
    weights = drawn.to_arrow()["_weight"].to_pylist()
    for line, i, weight in zip(read(tmp_path / "out.jsonl"), drawn.row_ids, weights, strict=True):
        assert json.loads(line) == json.loads(lines[i]) | {"_weight": weight}
        assert line.startswith(lines[i].rstrip()[:-1].rstrip())


def test_columns_are_written_anew(tmp_path: Path) -> None:
    path = save(tmp_path, '{"b": 1.50, "a": "\\u00e9"}\n{"a": null}')
    drawn = fastsample.sample(path, 2, columns=["a", "b"])
    drawn.write_jsonl(tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl") == ['{"a":"é","b":1.5}'.encode(), b'{"a":null,"b":null}']


def test_files_of_two_formats_are_written_anew(tmp_path: Path) -> None:
    path = save(tmp_path, '{"a": "\\u00e9"}')
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "b.parquet")
    fastsample.sample([path, tmp_path / "b.parquet"], 2).write_jsonl(tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl") == ['{"a":"é"}'.encode(), b'{"a":"x"}']


def typed() -> pa.Table:
    return pa.table(
        {
            "i": pa.array([1, -(2**63), None], pa.int64()),
            "u": pa.array([2**64 - 1, 0, None], pa.uint64()),
            "f": [0.1, 5e-324, None],
            "t": ['"\\\n\x01\u2028é😀', "", None],
            "b": [True, False, None],
            "m": [[{"role": "a", "content": "x"}], [], None],
            "d": pa.array(["k", "k", None]).dictionary_encode(),
            "n": pa.nulls(3),
        }
    )


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_rows_of_parquet_read_back(tmp_path: Path, ending: str) -> None:
    pq.write_table(typed(), tmp_path / "in.parquet")
    drawn = fastsample.sample(tmp_path / "in.parquet", 3)
    drawn.write_jsonl(tmp_path / f"out.{ending}")
    found = [json.loads(line) for line in read(tmp_path / f"out.{ending}")]
    assert found == typed().to_pylist()
    assert fastsample.sample(tmp_path / f"out.{ending}", 3).to_arrow().to_pylist() == found


def test_nulls_are_written_as_datasets_writes_them(tmp_path: Path) -> None:
    import datasets

    table = pa.table({"a": ["x", None], "b": [1, 2]})
    datasets.Dataset(table).to_json(tmp_path / "theirs.jsonl")
    fastsample.sample(table, 2).write_jsonl(tmp_path / "ours.jsonl")
    assert (tmp_path / "ours.jsonl").read_bytes() == (tmp_path / "theirs.jsonl").read_bytes()


def test_other_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "day": [dt.date(2026, 11, 29)],
            "time": [dt.datetime(2026, 11, 29, 1, 2, 3)],
            "nan": [float("nan")],
            "bytes": [b"\x00\xff"],
        }
    )
    fastsample.sample(table, 1).write_jsonl(tmp_path / "out.jsonl")
    row = {"day": "2026-11-29", "time": "2026-11-29T01:02:03", "nan": None, "bytes": "00ff"}
    assert [json.loads(line) for line in read(tmp_path / "out.jsonl")] == [row]


@pytest.mark.parametrize("name", ["out.parquet", "out.json", "out", "out.gz", "out.jsonl.xz"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    drawn = fastsample.sample(pa.table({"a": [1]}), 1)
    with pytest.raises(errors.ArgumentError, match=r"JSON Lines files end in \.jsonl"):
        drawn.write_jsonl(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "level"), [("a.jsonl", 1), ("a.jsonl.gz", 10), ("a.jsonl.zst", 0)]
)
def test_levels(tmp_path: Path, name: str, level: int) -> None:
    drawn = fastsample.sample(pa.table({"a": [1]}), 1)
    with pytest.raises(errors.ArgumentError, match="compression_level is"):
        drawn.write_jsonl(tmp_path / name, compression_level=level)


def test_the_source_is_not_replaced(tmp_path: Path) -> None:
    path = save(tmp_path, b"\n".join(odd_lines()))
    before = path.read_bytes()
    with pytest.raises(errors.OutputError, match="it is the input"):
        fastsample.sample(path, 5).write_jsonl(path)
    assert path.read_bytes() == before


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    path = save(tmp_path, b"\n".join(odd_lines()))
    drawn = fastsample.sample(path, 5)
    save(tmp_path, b"\n".join(odd_lines()[1:]))
    with pytest.raises(errors.SourceChangedError):
        drawn.write_jsonl(tmp_path / "out.jsonl.gz", shards=2)
    assert list(tmp_path.iterdir()) == [path]


def test_split_and_epochs(tmp_path: Path) -> None:
    lines = odd_lines()
    path = save(tmp_path, b"\n".join(lines))
    sides = fastsample.split(path, {"train": 0.8, "valid": 0.2}, text_columns=[])
    written = sides.write_jsonl(tmp_path / "sides", compression="zstd")
    found = sorted(line for report in written.values() for line in read(report.files[0].path))
    assert found == sorted(lines)
    assert [report.files[0].path.name for report in written.values()] == [
        "train.jsonl.zst",
        "valid.jsonl.zst",
    ]
    for epoch, drawn in enumerate(fastsample.epochs(path, 1000)):
        drawn.write_jsonl(tmp_path / f"{epoch}.jsonl")
        assert read(tmp_path / f"{epoch}.jsonl") == [lines[i] for i in drawn.row_ids]


CHATS: dict[str, Callable[[int], Any]] = {
    "TRL": lambda i: {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"问题 {i}"},
            {"role": "assistant", "content": f"answer {i * 7}"},
        ]
    },
    "TRL preferences": lambda i: {
        "prompt": [{"role": "user", "content": f"q{i}"}],
        "chosen": [{"role": "assistant", "content": f"good {i}"}],
        "rejected": [{"role": "assistant", "content": f"bad {i}"}],
    },
    "LLaMA-Factory ShareGPT": lambda i: {
        "conversations": [
            {"from": "human", "value": f"q{i}"},
            {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
            {"from": "observation", "value": "[1]"},
            {"from": "gpt", "value": f"a{i}"},
        ],
        "system": "",
        "tools": '[{"name": "f"}]',
    },
    "LLaMA-Factory Alpaca": lambda i: {
        "instruction": f"do {i}",
        "input": "",
        "output": f"done {i}",
        "history": [["q", "a"]] * (i % 3),
    },
    "tool calls": lambda i: {
        "messages": [
            {"role": "user", "content": f"q{i}"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"type": "function", "function": {"name": "f", "arguments": {"x": i}}}]},
            {"role": "tool", "name": "f", "content": "1"},
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("smart", [False, True])
def test_chats_pass_untouched(tmp_path: Path, chat: str, smart: bool) -> None:
    lines = [json.dumps(CHATS[chat](i), ensure_ascii=i % 2 == 0).encode() for i in range(600)]
    path = save(tmp_path, b"\n".join(lines))
    drawn = fastsample.sample(path, 300, smart=smart)
    drawn.write_jsonl(tmp_path / "out.jsonl")
    assert hashes(read(tmp_path / "out.jsonl")) == hashes([lines[i] for i in drawn.row_ids])
    sides = fastsample.split(path, {"train": 0.9, "valid": 0.1})
    texts = [{lines[i] for i in side.row_ids} for side in sides.values()]
    assert not texts[0] & texts[1]


UNION = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array("ab")])


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (UNION, "unions"),
        (pa.StructArray.from_arrays([UNION], ["u"]), "unions"),
        (pa.array([[(1, "a")], []], pa.map_(pa.int64(), pa.string())), "maps whose keys are not"),
    ],
)
def test_types_that_no_object_has(column: pa.Array, kind: str, tmp_path: Path) -> None:
    sample = fastsample.sample(pa.table({"id": [0, 1], "u": column}), 2)
    with pytest.raises(errors.OutputError, match=f'column "u" holds {kind}.*leave the column out'):
        sample.write_jsonl(tmp_path / "x.jsonl")
    assert not any(tmp_path.iterdir())
