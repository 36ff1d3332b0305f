"""CSV gives the rows that Python's `csv` gives, and bad ones clear errors."""

from __future__ import annotations

import csv
import gzip
import io
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
from lines_made import fast_gzip, save, whole, written_csv, zstd
from test_bad_input import refused

# What a field becomes.


def test_types(tmp_path: Path) -> None:
    text = (
        "i,u,f,b,t,code,mixed,day,none,quoted\n"
        '1,18446744073709551615,1,true,x,007,1,2026-11-29,,"5"\n'
        '-2,0,.5,FALSE,,010,x,2026-11-30,,"-6"\n'
        ',,1e-3,False,"",,,,,""\n'
    )
    found = whole(save(tmp_path, text, "a.csv"))
    string = pa.string()
    assert found.schema == pa.schema(
        {
            "i": pa.int64(), "u": pa.uint64(), "f": pa.float64(), "b": pa.bool_(), "t": string,
            "code": string, "mixed": string, "day": string, "none": pa.null(), "quoted": pa.int64(),
        }
    )  # fmt: skip
    assert found["t"].to_pylist() == ["x", None, ""]
    assert found["mixed"].to_pylist() == ["1", "x", None]
    assert found["f"].to_pylist() == [1.0, 0.5, 0.001]
    assert found["quoted"].to_pylist() == [5, -6, None]
    assert found["b"].to_pylist() == [True, False, False]


def test_types_of_all_rows_decide(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(400_000))
    path = save(tmp_path, f"a,b\n{rows}x,1.5\n", "a.csv")
    for threads in (1, 8):
        table = fastsample.sample(path, 400_001, threads=threads).to_arrow()
        assert table.schema == pa.schema({"a": pa.string(), "b": pa.float64()})
        assert table.slice(400_000).to_pylist() == [{"a": "x", "b": 1.5}]


def test_files_of_one_source_share_their_types(tmp_path: Path) -> None:
    """Columns may stand in another order, or be missing."""
    save(tmp_path, "n,t,x\n1,a,\n", "a.csv")
    save(tmp_path, fast_gzip(b"t\tn\ty\nb\t0.5\t7\n"), "b.tsv.gz")
    pq.write_table(pa.table({"n": [2.5]}), tmp_path / "c.parquet")
    assert whole(tmp_path).to_pylist() == [
        {"n": 1.0, "t": "a", "x": None, "y": None},
        {"n": 0.5, "t": "b", "x": None, "y": 7},
        {"n": 2.5, "t": None, "x": None, "y": None},
    ]


def test_lines(tmp_path: Path) -> None:
    """Empty lines are no rows; a mark, CRLF and a last line without an end are passed over."""
    text = b'\xef\xbb\xbf\r\n"a",b\r\n\n1,2\r\n\r\n3,"x\r\n\ny"\n4,5" disk\r'
    found = whole(save(tmp_path, text, "a.csv"))
    assert found.to_pylist() == [
        {"a": 1, "b": "2"},
        {"a": 3, "b": "x\r\n\ny"},
        {"a": 4, "b": '5" disk'},
    ]


def test_a_file_of_one_column(tmp_path: Path) -> None:
    found = whole(save(tmp_path, 'text\nhello\n""\n  \nbye\n', "a.csv"))
    assert found["text"].to_pylist() == ["hello", "", "  ", "bye"]


#: Texts whose type can't be mistaken.
TEXT = st.text(st.sampled_from('ab é,\t;"\n\r😀'), max_size=8).map(lambda text: "_" + text)
ROWS_OF_TEXT = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(max_examples=80, deadline=None)
@given(
    rows=ROWS_OF_TEXT,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    tabs=st.booleans(),
    marked=st.booleans(),
)
def test_values_are_those_of_python(
    rows: list[list[str]],
    quoting: Any,
    end: str,
    tabs: bool,
    marked: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    delimiter, name = ("\t", "a.tsv") if tabs else (",", "a.csv")
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting, lineterminator=end, delimiter=delimiter)
    names = [f"c{i}" for i in range(len(rows[0]))]
    if end == "\n":  # then Python may leave carriage returns without quotes, and can't read them
        rows = [[text.replace("\r", "") for text in row] for row in rows]
    writer.writerows([names, *rows])
    mark = "\ufeff" if marked else ""
    path = save(tmp_path_factory.mktemp("p"), mark + file.getvalue(), name)
    read = list(csv.DictReader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter))
    assert whole(path).to_pylist() == read


@settings(max_examples=60, deadline=None)
@given(
    columns=st.fixed_dictionaries(
        {
            "i": st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=5, max_size=5),
            "f": st.lists(st.none() | st.floats(allow_nan=False), min_size=5, max_size=5),
            "b": st.lists(st.none() | st.booleans(), min_size=5, max_size=5),
            "t": st.lists(st.none() | st.just("") | TEXT, min_size=5, max_size=5),
        }
    )
)
def test_values_of_other_types(
    columns: dict[str, list[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    found = whole(save(tmp_path_factory.mktemp("p"), written_csv(rows), "a.csv"))
    for name, values in columns.items():
        assert found[name].to_pylist() == values


# What is refused.


def numbered(bad: str, at: int = 70_001) -> str:
    """Return records of which one, in another chunk than the first, is `bad`."""
    fill = "x" * 100
    good = ["id,t", *(f'{i},"{fill}"' for i in range(at + 50_000))]
    good[at - 1] = bad
    return "\n".join(good)


BAD_RECORDS = {
    "too few": ("1", "byte 1: the row has 1 field, but the header has 2 columns"),
    "too many": ("1,2,", "byte 1: the row has 3 fields, but the header has 2 columns"),
    "text behind a quote": ('1,"a"b', 'byte 6: there is "b'),
    "a quote": ('1,"He said "no"', 'byte 13: there is "no'),
    "a carriage return": ("1,a\rb", "byte 4: a carriage return without a line feed"),
}


@pytest.mark.parametrize("bad", BAD_RECORDS)
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_bad_record_is_named(tmp_path: Path, bad: str, ending: str) -> None:
    record, message = BAD_RECORDS[bad]
    data = numbered(record).encode()
    path = save(tmp_path, fast_gzip(data) if ending.endswith("gz") else data, f"rows.{ending}")
    said = {
        refused(
            tmp_path,
            lambda threads=threads: fastsample.sample(path, 5, threads=threads),  # type: ignore[misc]
            errors.CorruptDataError,
            str(path),
            "line 70001, ",
            message,
            "mend the line",
        )
        for threads in (1, 2, 8)
    }
    assert len(said) == 1


def test_lines_are_counted_within_quotes(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\n1,"x\n\ny"\n2,"z\n" \n', "a.csv")
    message = 'line 6, byte 2: there is " " behind the quote'
    refused(tmp_path, lambda: whole(path), errors.CorruptDataError, str(path), message)


def test_a_quote_that_never_ends(tmp_path: Path) -> None:
    """The line that it opens in is named, though all of the file behind it is one field."""
    text = numbered('1,"opened').replace('"xx', "xx").replace('xx"', "xx")
    for name, data in (("a.csv", text.encode()), ("a.csv.gz", fast_gzip(text.encode()))):
        path = save(tmp_path, data, name)
        for threads in (1, 8):
            refused(
                tmp_path,
                lambda threads=threads, path=path: fastsample.sample(path, 5, threads=threads),  # type: ignore[misc]
                errors.CorruptDataError,
                f"{path}: line 70001, byte 3: a quote opens a field here and is never closed",
            )


def test_invalid_utf8(tmp_path: Path) -> None:
    path = save(tmp_path, b'a,b\n1,"x\ny"\n2,a\xff\n', "a.csv")
    message = "line 4, byte 4: the text is not valid UTF-8"
    refused(tmp_path, lambda: whole(path), errors.CorruptDataError, str(path), message)


BAD_FILES: dict[str, tuple[str, bytes, type[Exception], str]] = {
    "empty": ("a.csv", b"", errors.CorruptDataError, "the file is empty"),
    "blank": ("a.csv", b"\n\r\n", errors.CorruptDataError, "the file has no header"),
    "empty gzip": ("a.tsv.gz", gzip.compress(b""), errors.CorruptDataError, "has no header"),
    "header only": ("a.csv", b"a,b\n", errors.CorruptDataError, "a header and no rows"),
    "utf-16": ("a.csv", "a,b\n1,2\n".encode("utf-16"), errors.UnsupportedDataError, "UTF-16"),
    "a name twice": ("a.csv", b"a,b,a\n1,2,3\n", errors.CorruptDataError, 'names "a" twice'),
    "no name": ("a.csv", b",a\n0,1\n", errors.CorruptDataError, "column 1 of 2 has no name"),
    "semicolons": ("a.csv", b"a;b\n1;2\n", errors.CorruptDataError, "one column"),
    "tabs": ("a.csv", b"a\tb\n1\t2\n", errors.CorruptDataError, "one column"),
    "bad header": ("a.csv", b'\na,"b\n1,2\n', errors.CorruptDataError, "line 2, byte 3: a quote"),
    "header not UTF-8": ("a.csv", b"a,b\xff\n1,2\n", errors.CorruptDataError, "line 1, byte 4"),
    "mac": ("a.csv", b"a,b\r1,2\r", errors.CorruptDataError, "line 1, byte 4: a carriage return"),
    "other name": ("a.txt", b"a,b\n1,2\n", errors.CorruptDataError, "called .csv or .tsv"),
    "a list": ("a.csv", b"[1]\n", errors.CorruptDataError, "a header and no rows"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_other_files(tmp_path: Path, what: str) -> None:
    name, data, error, message = BAD_FILES[what]
    path = save(tmp_path, data, name)
    refused(tmp_path, lambda: fastsample.sample(path, 1), error, str(path), message)


@pytest.mark.parametrize("compress", [fast_gzip, zstd])
def test_compressed_files_that_are_cut_off(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    text = "".join(f"{i},text {i * 7919}\n" for i in range(100_000))
    data = compress(f"id,t\n{text}".encode())
    for end in (12, len(data) // 2, len(data) - 3):
        path = save(tmp_path, data[:end], "a.csv")
        said = refused(tmp_path, partial(whole, path), errors.CorruptDataError, str(path))
        assert "cut off" in said or end == 12


def test_a_field_of_100_megabytes(tmp_path: Path) -> None:
    big = "长\n" * (100_000_000 // 4)
    path = tmp_path / "rows.csv"
    path.write_text(f'id,t\n1,a\n2,"{big}"\n3,b\n', encoding="utf-8")
    drawn = fastsample.sample(path, 3, threads=2)
    assert [len(row["t"]) for row in drawn.to_arrow().to_pylist()] == [1, len(big), 1]
    # The header's chunk may have no rows.
    path.write_text(f't\n"{big[:10_000_000]}"\n', encoding="utf-8")
    assert len(whole(path)["t"][0].as_py()) == 10_000_000
    packed = save(tmp_path, fast_gzip(path.read_bytes() + b"5\n"), "rows.csv.gz")
    assert whole(packed, threads=2)["t"].to_pylist() == [big[:10_000_000], "5"]


def test_a_small_file_can_not_claim_a_gigabyte(tmp_path: Path) -> None:
    path = save(tmp_path, fast_gzip(b't\n"' + b" " * 300_000_000), "rows.csv.gz")
    refused(
        tmp_path, lambda: whole(path), errors.UnsupportedDataError, "quote at byte 3", "256 MiB"
    )


def test_json_lines_by_the_name_of_csv(tmp_path: Path) -> None:
    """What begins with a brace is no header."""
    rows = [{"a": 1, "b": "x"}]
    path = save(tmp_path, json.dumps(rows[0]), "a.csv")
    assert whole(path).to_pylist() == rows
