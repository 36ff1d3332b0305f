"""JSON Lines give the rows that Python's `json` gives, and bad ones clear errors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import errors
from hypothesis import given, settings
from hypothesis import strategies as st
from lines_made import Row, fast_gzip, in_parts, lines, save, whole, zstd
from test_bad_input import refused

# What a value becomes.


def test_types_of_all_rows_decide(tmp_path: Path) -> None:
    rows: list[Row] = [{"a": None}] * 5000 + [{"b": 1, "c": [], "d": {}}, {"a": 1.5, "b": -2}]
    rows += [{"c": [{"x": True}], "d": {"k": "v"}, "e": 2**63}, {"a": 3, "e": 0}]
    found = whole(save(tmp_path, lines(rows)))
    assert found.schema == pa.schema(
        {
            "a": pa.float64(),
            "b": pa.int64(),
            "c": pa.list_(pa.field("item", pa.struct({"x": pa.bool_()}))),
            "d": pa.struct({"k": pa.string()}),
            "e": pa.uint64(),
        }
    )
    assert found.to_pylist()[-2:] == [
        {"a": None, "b": None, "c": [{"x": True}], "d": {"k": "v"}, "e": 2**63},
        {"a": 3.0, "b": None, "c": None, "d": None, "e": 0},
    ]


def test_columns_stand_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    rows: list[Row] = [{"z": 1, "a": {"q": 1}}, {"m": 1, "z": 2}, {"a": {"b": 1}, "c": 1}]
    path = save(tmp_path, lines(rows))
    assert whole(path).column_names == ["z", "a", "m", "c"]
    assert [field.name for field in whole(path).schema.field("a").type] == ["q", "b"]


def test_numbers_at_their_limits(tmp_path: Path) -> None:
    texts = ["-0", "0", "9223372036854775807", "-9223372036854775808", "1e308", "5e-324", "0.1"]
    path = save(tmp_path, "".join(f'{{"n": {text}}}\n' for text in texts))
    assert whole(path)["n"].to_pylist() == [float(text) for text in texts]
    whole_numbers = save(tmp_path, "".join(f'{{"n": {text}}}\n' for text in texts[:4]))
    assert whole(whole_numbers)["n"].to_pylist() == [int(text) for text in texts[:4]]


def test_files_of_one_source_share_their_types(tmp_path: Path) -> None:
    """What one file lacks, another may have, within nested columns as well."""
    first = save(tmp_path, '{"m": [{"role": "a"}], "n": 1, "x": null}\n', "a.jsonl")
    second = save(tmp_path, fast_gzip(b'{"m": [{"tool": "b"}], "n": 0.5, "y": "t"}'), "b.jsonl.gz")
    third = tmp_path / "c.parquet"
    pq.write_table(pa.table({"n": [2.5]}), third)
    rows = [
        {"m": [{"role": "a", "tool": None}], "n": 1.0, "x": None, "y": None},
        {"m": [{"role": None, "tool": "b"}], "n": 0.5, "x": None, "y": "t"},
        {"m": None, "n": 2.5, "x": None, "y": None},
    ]
    assert whole([first, second]).to_pylist() == rows[:2]
    assert whole([first, second, third]).to_pylist() == rows
    assert whole(tmp_path).to_pylist() == rows


def test_folders_and_globs_find_them(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.ndjson", "c.jsonl.gz", "d.JSONL.ZST", "e.json", "f.gz", "g.txt"):
        data = f'{{"name": "{name}"}}'.encode()
        compress = fast_gzip if name.endswith("gz") else zstd if name.endswith("ZST") else bytes
        save(tmp_path, compress(data), name)
    names = ["a.jsonl", "b.ndjson", "c.jsonl.gz", "d.JSONL.ZST"]
    assert whole(tmp_path)["name"].to_pylist() == names
    assert whole(tmp_path / "*.*")["name"].to_pylist() == [*names, "e.json", "f.gz", "g.txt"]


#: Columns of one type each.
TYPED = st.fixed_dictionaries(
    {},
    optional={
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "t": st.none() | st.text(),
        "l": st.lists(st.none() | st.text(max_size=3), max_size=4),
        "o": st.fixed_dictionaries({}, optional={"a": st.text(max_size=3), "b": st.booleans()}),
        'é"\\': st.booleans(),
    },
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(TYPED, min_size=1, max_size=12).filter(any),
    ascii_only=st.booleans(),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :\r ")]),
)
def test_values_are_those_of_python(
    rows: list[Row], ascii_only: bool, separators: tuple[str, str], tmp_path_factory: Any
) -> None:
    data = [json.dumps(row, ensure_ascii=ascii_only, separators=separators) for row in rows]
    path = save(tmp_path_factory.mktemp("p"), "\n".join(data))
    found = whole(path)
    for row, wanted in zip(found.to_pylist(), map(json.loads, data), strict=True):
        for name in found.column_names:
            assert filled(row[name], wanted.get(name)), (name, row[name], wanted.get(name))


def filled(found: Any, wanted: Any) -> bool:
    """Tell whether a value is the wanted one, with nulls for the keys that it lacks."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(filled(value, wanted.get(key)) for key, value in found.items())
    return bool(found == wanted)


def test_characters_beyond_the_basic_plane(tmp_path: Path) -> None:
    """arrow-json 59 reads the escapes of plane 2 as other characters; fastsample does not."""
    text = "😀 𠀀 𪚥 \\ud840 \U0010ffff \U00030000"
    path = save(tmp_path, lines([{"t": text}, {"t": text}], ascii_only=True))
    assert whole(path)["t"].to_pylist() == [text, text]


# What is refused.


def numbered(bad: str, at: int = 70_001) -> str:
    """Return lines of which one, in another chunk than the first, is `bad`."""
    fill = "x" * 100
    good = [f'{{"id": {i}, "t": "{fill}"}}' for i in range(at + 50_000)]
    good[at - 1] = bad
    return "\n".join(good)


BAD_LINES = {
    "a list": ("[1]", "each line must be a JSON object, but this is a list"),
    "text": ('"x"', "must be a JSON object, but this is a text"),
    "cut off": ('{"id": 1, "t": "abc', "the line ends within a text"),
    "a comma too many": ('{"id": 1,}', "a key in quotes is missing"),
    "two on one line": ('{"id": 1} {"id": 2}', "there is an object behind the object"),
    "NaN": ('{"id": NaN}', "a value is missing"),
    "a key twice": ('{"id": 1, "id": 2}', 'the key "id" is there twice'),
    "a lone surrogate": ('{"t": "\\ud83d"}', "surrogate"),
    "a raw tab": ('{"t": "a\tb"}', "\\u0009"),
    "too deep": ('{"id": ' + "[" * 100 + "]" * 100 + "}", "60 levels"),
    "a float out of range": ('{"id": 1e999}', "64-bit floats"),
}


@pytest.mark.parametrize("bad", BAD_LINES)
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_a_bad_line_is_named(tmp_path: Path, bad: str, ending: str) -> None:
    line, message = BAD_LINES[bad]
    data = numbered(line).encode()
    path = save(tmp_path, fast_gzip(data) if ending.endswith("gz") else data, f"rows.{ending}")
    said = {
        refused(
            tmp_path,
            lambda threads=threads: fastsample.sample(path, 5, threads=threads),  # type: ignore[misc]
            errors.CorruptDataError,
            str(path),
            "line 70001, byte",
            message,
        )
        for threads in (1, 2, 8)
    }
    assert len(said) == 1


def test_the_first_of_two_bad_lines_is_named(tmp_path: Path) -> None:
    path = save(tmp_path, numbered("[]", 40_000).replace('"id": 100000,', '"id": x,'))
    for threads in (1, 8):
        with pytest.raises(errors.CorruptDataError, match="line 40000, byte 1:"):
            fastsample.sample(path, 5, threads=threads)


def test_invalid_utf8(tmp_path: Path) -> None:
    path = save(tmp_path, b'{"t": "good"}\n\n{"t": "a\xff"}\n')
    message = "line 3, byte 9: the text is not valid UTF-8"
    refused(tmp_path, lambda: whole(path), errors.CorruptDataError, str(path), message)


CONFLICTS = {
    "a text": (['{"a": 1}', '{"a": "x"}'], 'line 2: column "a" is a text here, but a number in'),
    "an object": (
        ['{"m": [{"c": "x"}]}', '{"m": [{"c": [{"t": "x"}]}]}'],
        'line 2: column "m[].c" is a list here, but a text in line 1',
    ),
    "a list": (['{"a": {"b": [1]}}', '{"a": {"b": true}}'], 'column "a.b" is true or false here'),
    "beyond 64 bits": (['{"a": 1}', '{"a": 18446744073709551616}'], 'line 2: column "a" has a'),
    "64 bits of both signs": (['{"a": -1}', '{"a": 18446744073709551615}'], "some are below zero"),
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_conflicting_types(tmp_path: Path, conflict: str) -> None:
    bad, message = CONFLICTS[conflict]
    path = save(tmp_path, "\n".join(bad))
    refused(tmp_path, lambda: whole(path), errors.SchemaError, str(path), message, "columns=")
    # Other columns can be read.
    path = save(tmp_path, "\n".join([*bad, '{"t": "x"}']))
    assert whole(path, columns=["t"])["t"].to_pylist() == [None, None, "x"]


def test_types_that_differ_between_files(tmp_path: Path) -> None:
    paths = [save(tmp_path, f'{{"a": {value}}}', f"{value}.jsonl") for value in (1, "true")]
    message = f'{paths[1]}: line 1: column "a" is true or false here, but a number in line 1 of'
    refused(tmp_path, lambda: whole(paths), errors.SchemaError, message, str(paths[0]))


DAMAGED: dict[str, tuple[str, bytes, type[Exception], str]] = {
    "empty": ("a.jsonl", b"", errors.CorruptDataError, "the file is empty"),
    "blank": ("a.jsonl", b"\n \r\n", errors.CorruptDataError, "the file has no rows"),
    "empty gzip": ("a.jsonl.gz", gzip.compress(b""), errors.CorruptDataError, "has no rows"),
    "a list": ("a.json", b"[{}, {}]", errors.UnsupportedDataError, "jq -c"),
    "pretty": ("a.json", b'{\n "a": 1\n}\n', errors.CorruptDataError, "line 1"),
    "utf-16": ("a.jsonl", '{"a": 1}'.encode("utf-16"), errors.UnsupportedDataError, "UTF-16"),
    "csv": ("a.jsonl", b"a,b\n1,2\n", errors.CorruptDataError, "line 1, byte 1: each line must"),
    "csv by another name": ("a.txt", b"a,b\n1,2\n", errors.CorruptDataError, "JSON Lines"),
    "no columns": ("a.jsonl", b"{}\n{}\n", errors.SchemaError, "no columns"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_other_files(tmp_path: Path, what: str) -> None:
    name, data, error, message = DAMAGED[what]
    path = save(tmp_path, data, name)
    refused(tmp_path, lambda: fastsample.sample(path, 1), error, str(path), message)


@pytest.mark.parametrize("compress", [fast_gzip, zstd, in_parts(fast_gzip, 999_999)])
def test_compressed_files_that_are_cut_off_or_damaged(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(lines([{"id": i, "t": f"text {i * 7919}"} for i in range(100_000)]))
    for end in (12, len(data) // 2, len(data) - 3):
        path = save(tmp_path, data[:end])
        said = refused(
            tmp_path,
            partial(whole, path),
            errors.CorruptDataError,
            str(path),
        )
        assert "cut off" in said or end == 12
    middle = len(data) // 2
    path = save(tmp_path, data[:middle] + bytes(50) + data[middle + 50 :])
    for threads in (1, 4):
        refused(
            tmp_path,
            lambda threads=threads: fastsample.sample(path, 5, threads=threads),  # type: ignore[misc]
            errors.CorruptDataError,
            str(path),
            *([] if compress is zstd else ["behind line"]),
        )


def test_a_line_of_200_megabytes(tmp_path: Path) -> None:
    big = "长" * (200_000_000 // 3)
    path = tmp_path / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.write('{"t": "a"}\n{"t": "' + big + '"}\n{"t": "b"}\n')
    drawn = fastsample.sample(path, 3, threads=2)
    assert [len(row["t"]) for row in drawn.to_arrow().to_pylist()] == [1, len(big), 1]


def test_a_small_file_can_not_claim_a_gigabyte(tmp_path: Path) -> None:
    path = save(tmp_path, fast_gzip(b'{"t": "' + b" " * 400_000_000), "rows.jsonl.gz")
    refused(
        tmp_path, lambda: whole(path), errors.UnsupportedDataError, str(path), "longer than 256 MiB"
    )


@pytest.mark.parametrize("size", [700, 5_000, 900_000])
def test_members_and_frames_are_one_stream(tmp_path: Path, size: int) -> None:
    """Frames side by side, members in order: the rows of one frame, for any threads."""
    rows = [{"id": i, "text": "字" * (i % 90), "n": [i, None]} for i in range(6000)]
    data = "".join(f"{json.dumps(row, ensure_ascii=i % 2 > 0)}\n" for i, row in enumerate(rows))
    one = tmp_path / "one.jsonl.zst"
    one.write_bytes(zstd(data.encode()))
    wanted = fastsample.sample(one, 500, seed=3, smart=True)
    wanted.write_jsonl(tmp_path / "wanted.jsonl")
    for name, compress in (("many.jsonl.zst", zstd), ("many.jsonl.gz", fast_gzip)):
        many = tmp_path / name
        many.write_bytes(in_parts(compress, size)(data.encode()))
        for threads in (1, 2, 8):
            found = fastsample.sample(many, 500, seed=3, smart=True, threads=threads)
            assert found.row_ids.tolist() == wanted.row_ids.tolist()
            found.write_jsonl(tmp_path / "found.jsonl", overwrite=True)
            assert (tmp_path / "found.jsonl").read_bytes() == (
                tmp_path / "wanted.jsonl"
            ).read_bytes()
        cut = tmp_path / f"cut.{name}"
        cut.write_bytes(many.read_bytes()[:-30])
        errors = set()
        for threads in (1, 2, 8):
            with pytest.raises(fastsample.CorruptDataError, match="behind line") as error:
                fastsample.sample(cut, 5, threads=threads)
            errors.add(str(error.value))
        assert len(errors) == 1
