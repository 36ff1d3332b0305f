"""CSV output: records are copied byte for byte, other rows are fields that read back."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastsample import errors
from hypothesis import given, settings
from hypothesis import strategies as st
from lines_made import fast_gzip, save, whole, zstd
from test_csv import TEXT

#: Records as people write them: no two of one layout.
ODD = ['{},"x, y",', '"{}",x,"two\n""lines"""', '{},"",1e3\r', '{}, 5" disk,001', '"{}","",\r']
HEADER = '"id",text,c'


def odd_records(count: int = 3000) -> list[bytes]:
    return [ODD[i % len(ODD)].format(i).encode() for i in range(count)]


def contents(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        with pa.input_stream(path, compression="zstd") as file:
            return bytes(file.read())
    return data


@pytest.mark.parametrize("source", ["csv", "csv.gz", "csv.zst"])
@pytest.mark.parametrize("target", ["csv", "csv.gz", "csv.zst"])
def test_records_are_copied(tmp_path: Path, source: str, target: str) -> None:
    records = odd_records()
    data = b"\n".join([HEADER.encode(), *records])
    packed = {"csv": data, "csv.gz": fast_gzip(data), "csv.zst": zstd(data)}[source]
    path = save(tmp_path, packed, f"in.{source}")
    drawn = fastsample.sample(path, 1000, seed=3)
    drawn.write_csv(tmp_path / f"out.{target}")
    expected = [HEADER.encode(), *(records[i] for i in drawn.row_ids)]
    assert contents(tmp_path / f"out.{target}") == b"".join(line + b"\n" for line in expected)
    assert whole(tmp_path / f"out.{target}")["text"] == drawn.to_arrow()["text"]


def test_weights_are_the_last_field(tmp_path: Path) -> None:
    records = odd_records()
    path = save(tmp_path, b"\n".join([HEADER.encode() + b"\r", *records]), "in.csv")
    drawn = fastsample.sample(path, 500, smart=True, weights=True)
    drawn.write_csv(tmp_path / "out.csv")
    expected = [HEADER + ",_weight\r"]
    weights = drawn.to_arrow()["_weight"].to_pylist()
    for i, weight in zip(drawn.row_ids, weights, strict=True):
        record = records[i].decode()
        end = "\r" if record.endswith("\r") else ""
        expected.append(f"{record.removesuffix(end)},{weight!r}{end}")
    found = contents(tmp_path / "out.csv").decode()
    assert found == "".join(line + "\n" for line in expected)
    drawn.write_csv(tmp_path / "out.tsv")
    assert whole(tmp_path / "out.tsv")["_weight"].to_pylist() == weights


def test_shuffled_shards_have_headers(tmp_path: Path) -> None:
    records = odd_records()
    path = save(tmp_path, b"\n".join([HEADER.encode(), *records]), "in.csv")
    drawn = fastsample.sample(path, 1000)
    report = drawn.write_csv(tmp_path / "out.csv.gz", shuffle=True, shards=3)
    names = [file.path.name for file in report.files]
    assert names == [f"out-{i:05}-of-00003.csv.gz" for i in range(3)]
    read = [row for file in report.files for row in whole(file.path)["id"].to_pylist()]
    assert read != sorted(read)
    assert sorted(read) == drawn.row_ids.tolist()
    assert sum(file.rows for file in report.files) == 1000


def test_other_layouts_are_written_anew(tmp_path: Path) -> None:
    first = save(tmp_path, 'a,b\n"x",1.50\n', "a.csv")
    second = save(tmp_path, 'b,a\n2,"y"\n', "b.csv")
    third = save(tmp_path, '"a","b"\n"z",3\n', "c.csv")
    fastsample.sample([first, second], 2).write_csv(tmp_path / "out.csv")
    assert contents(tmp_path / "out.csv") == b"a,b\nx,1.5\ny,2.0\n"
    # The quotes of a header don't matter.
    fastsample.sample([first, third], 2).write_csv(tmp_path / "out.csv")
    assert contents(tmp_path / "out.csv") == b'a,b\n"x",1.50\n"z",3\n'
    fastsample.sample(first, 1).write_csv(tmp_path / "out.tsv")
    assert contents(tmp_path / "out.tsv") == b"a\tb\nx\t1.5\n"
    fastsample.sample(first, 1, columns=["b"]).write_csv(tmp_path / "out.csv")
    assert contents(tmp_path / "out.csv") == b"b\n1.5\n"
    fastsample.sample(first, 1).write_jsonl(tmp_path / "out.jsonl")
    assert contents(tmp_path / "out.jsonl") == b'{"a":"x","b":1.5}\n'


def typed() -> pa.Table:
    return pa.table(
        {
            "i": pa.array([1, -(2**63), None], pa.int64()),
            "u": pa.array([2**64 - 1, 0, None], pa.uint64()),
            "f": [0.1, 5e-324, None],
            "e": [float("inf"), 1e300, -1.0],
            "t": ['"\\,\n\x01\u2028é😀', "", None],
            "b": [True, False, None],
            "d": pa.array(["k", "k", None]).dictionary_encode(),
            "v": pa.array(["x;y", " ", None], pa.string_view()),
            "n": pa.nulls(3),
        }
    )


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv.zst"])
def test_rows_of_parquet_read_back(tmp_path: Path, ending: str) -> None:
    pq.write_table(typed(), tmp_path / "in.parquet")
    fastsample.sample(tmp_path / "in.parquet", 3).write_csv(tmp_path / f"out.{ending}")
    assert whole(tmp_path / f"out.{ending}").to_pylist() == typed().to_pylist()


def test_other_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "day": [dt.date(2026, 11, 29)],
            "time": [dt.datetime(2026, 11, 29, 1, 2, 3)],
            "nan": [float("nan")],
            "bytes": [b"\x00\xff"],
        }
    )
    fastsample.sample(table, 1).write_csv(tmp_path / "out.csv")
    row = b"2026-11-29,2026-11-29T01:02:03,NaN,00ff\n"
    assert contents(tmp_path / "out.csv") == b"day,time,nan,bytes\n" + row


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_values_without_a_text(tmp_path: Path, name: str) -> None:
    """A point of time beyond all calendars is an error, not a text about one."""
    times = pa.array([0, 2**62], pa.timestamp("s"))
    table = pa.table({"id": ["ERROR: Cast error", '"ERROR: '], "when": times})
    writers = {".csv": "write_csv", ".jsonl": "write_jsonl"}
    path = tmp_path / name
    with pytest.raises(errors.OutputError, match=r'column "when" has a value without a text'):
        getattr(fastsample.sample(table, 2), writers[path.suffix])(path)
    assert list(tmp_path.iterdir()) == []
    getattr(fastsample.sample(table.slice(0, 1), 1), writers[path.suffix])(path)
    assert whole(path)["when"].to_pylist() == ["1970-01-01T00:00:00"]


def test_nested_values_without_a_text(tmp_path: Path) -> None:
    times = pa.array([[{"at": 2**62}]], pa.list_(pa.struct({"at": pa.timestamp("s")})))
    with pytest.raises(errors.OutputError, match=r'column "m" has a value without a text'):
        fastsample.sample(pa.table({"m": times}), 1).write_jsonl(tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_empty_values_are_no_nulls(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "bytes": [b"", None], "none": pa.nulls(2)})
    fastsample.sample(table, 2).write_csv(tmp_path / "out.csv")
    assert contents(tmp_path / "out.csv") == b'id,bytes,none\n1,"",\n2,,\n'


@pytest.mark.parametrize("name", ["{a}", "a,b", "\ufeffa", " {", "x;y", '"'])
def test_names_of_columns_read_back(tmp_path: Path, name: str) -> None:
    for table in (pa.table({name: [1]}), pa.table({name: [1], "b": ["{}"]})):
        fastsample.sample(table, 1).write_csv(tmp_path / "out.csv")
        assert whole(tmp_path / "out.csv").to_pylist() == table.to_pylist()


def test_a_file_of_one_column(tmp_path: Path) -> None:
    """A line of nothing is no row: the null of the only column has quotes."""
    for column in (["x", None, ""], [1, None, 2]):
        fastsample.sample(pa.table({"a,b": column}), 3).write_csv(tmp_path / "out.csv")
        expected = ["" if value is None and "x" in column else value for value in column]
        assert whole(tmp_path / "out.csv")["a,b"].to_pylist() == expected


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "t": st.none() | st.just("") | TEXT,
            "é": st.none() | st.just("") | TEXT,
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "f": st.none() | st.floats(allow_nan=False),
            "b": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, ending=st.sampled_from(["csv", "tsv", "csv.gz"]))
def test_rows_come_back(
    rows: list[dict[str, Any]], ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("p") / f"out.{ending}"
    schema = pa.schema(
        {
            "t": pa.string(), "é": pa.large_string(), "i": pa.int64(), "f": pa.float64(),
            "b": pa.bool_(),
        }
    )  # fmt: skip
    table = pa.Table.from_pylist(rows, schema)
    fastsample.sample(table, len(rows)).write_csv(path)
    assert whole(path).to_pylist() == rows
    # Python reads the same fields.
    delimiter = "\t" if ending == "tsv" else ","
    text = io.StringIO(contents(path).decode(), newline="")
    read = list(csv.DictReader(text, delimiter=delimiter))
    assert [row["t"] for row in read] == [row["t"] or "" for row in rows]
    # Once more, record by record.
    again = path.parent / f"again.{ending}"
    fastsample.sample(path, len(rows)).write_csv(again)
    assert contents(again) == contents(path)


NESTED = {
    "lists": pa.array([["a"]]),
    "structs": pa.array([{"a": 1}]),
    "maps": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("kind", NESTED)
def test_nested_columns_are_refused(tmp_path: Path, kind: str) -> None:
    drawn = fastsample.sample(pa.table({"id": [1], "m": NESTED[kind]}), 1)
    path = tmp_path / "out.csv"
    with pytest.raises(errors.OutputError, match=r"write_jsonl.*columns=") as caught:
        drawn.write_csv(path)
    assert str(caught.value).startswith(f'{path}: cannot write: column "m" holds {kind}')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.parquet", "out.txt", "out", "out.gz", "out.csv.xz"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    drawn = fastsample.sample(pa.table({"a": [1]}), 1)
    with pytest.raises(errors.ArgumentError, match=r"CSV files end in \.csv, \.tsv"):
        drawn.write_csv(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_split(tmp_path: Path) -> None:
    records = odd_records()
    path = save(tmp_path, b"\n".join([HEADER.encode(), *records]), "in.csv")
    sides = fastsample.split(path, {"train": 0.8, "valid": 0.2}, text_columns=[])
    for delimiter, names in ((",", ["train.csv.zst", "valid.csv.zst"]), ("\t", None)):
        written = sides.write_csv(tmp_path / "sides", compression="zstd", delimiter=delimiter)
        paths = [report.files[0].path for report in written.values()]
        assert names is None or [path.name for path in paths] == names
        found = [row for path in paths for row in whole(path)["id"].to_pylist()]
        assert sorted(found) == list(range(len(records)))
