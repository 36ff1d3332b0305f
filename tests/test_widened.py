"""Columns whose type is that of a few values: a note says so, with the first of them."""

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pytest
from click.testing import CliRunner
from fastsample.cli import app


def csv(path: Path, values: list[str], name: str = "n") -> Path:
    lines = "".join(f'{value},"a, b"\n' for value in values)
    data = f"{name},text\n{lines}".encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def jsonl(path: Path, values: list[object]) -> Path:
    path.write_text("".join(f'{{"n": {json.dumps(value)}}}\n' for value in values))
    return path


def noted(source: Path, **options: Any) -> list[str]:
    notes = fastsample.sample(source, 1, **options).report.notes
    return [note for note in notes if "schema=" in note and "sets the types" not in note]


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_one_value_among_many_is_shown(tmp_path: Path, threads: int, ending: str) -> None:
    """The file has several chunks; the value is in a late one."""
    values = [str(i) for i in range(700_000)]
    values[600_000] = "n/a"
    path = csv(tmp_path / f"a.{ending}", values)
    (note,) = noted(path, threads=threads)
    assert note == (
        f'{path}: line 600002: column "n" is string because of 1 of its 700000 values, "n/a"; the '
        "others are int64; mend them, or set the type with schema= (--schema n=string)"
    )


@pytest.mark.parametrize(
    ("others", "odd", "kinds"),
    [
        ("1", "x", ("string", "int64")),
        ("1", "0017", ("string", "int64")),
        ("1", "2.5", ("double", "int64")),
        ("1", "NaN", ("double", "int64")),
        ("1.5", "none", ("string", "double")),
        ("true", "yes", ("string", "bool")),
        ("true", "1", ("string", "bool")),
        ("-1", "18446744073709551615", ("string", "int64")),
    ],
)
def test_kinds_of_csv(tmp_path: Path, others: str, odd: str, kinds: tuple[str, str]) -> None:
    path = csv(tmp_path / "a.csv", [others] * 9 + [odd])
    (note,) = noted(path)
    assert note.startswith(
        f'{path}: line 11: column "n" is {kinds[0]} because of 1 of its 10 values, "{odd}"; the '
        f"others are {kinds[1]};"
    )
    assert fastsample.inspect(path).columns[0].type == kinds[0]
    for usual in ([others] * 8 + [odd], [others] * 8 + [odd] * 2, [odd] * 300, [others] * 300):
        assert noted(csv(tmp_path / "b.csv", usual)) == []
    several = csv(tmp_path / "c.csv", [others] * 200 + [odd] * 2)
    assert 'because of 2 of its 202 values, the first of them "' in noted(several)[0]


def test_kinds_of_json_lines(tmp_path: Path) -> None:
    (note,) = noted(jsonl(tmp_path / "a.jsonl", [1] * 9 + [1e3]))
    assert note == (
        f'{tmp_path / "a.jsonl"}: line 10: column "n" is double because of 1 of its 10 values, '
        '"1000.0"; the others are int64; mend them, or set the type with schema= '
        "(--schema n=double)"
    )
    nested = [{"score": [1, 2]}] * 9 + [{"score": [0.5]}]
    (note,) = noted(jsonl(tmp_path / "b.jsonl", list(nested)))
    assert 'column "n.score[]" is double because of 1 of its 19 values, "0.5"' in note
    for usual in ([1] * 8 + [1.5], [1.5] * 20, [1] * 20, [1] * 150 + [1.5] * 2, ["x"] * 20):
        assert noted(jsonl(tmp_path / "c.jsonl", list(usual))) == []


def test_whole_numbers_that_floats_do_not_hold(tmp_path: Path) -> None:
    big = 2**53 + 1
    values = [1, 0.5, 2.5, 2**53, big, big + 2, 3.5] * 3
    for path in (
        jsonl(tmp_path / "a.jsonl", list(values)),
        csv(tmp_path / "a.csv", [str(value) for value in values]),
    ):
        (note,) = noted(path)
        assert "is double, which holds 6 of its whole numbers only nearly" in note
        assert f"the first of them {big};" in note
        assert f"line {6 if path.suffix == '.csv' else 5}: column" in note
        assert noted(path, schema=pa.schema([("n", pa.string())])) == []
    whole = [1, big, big + 2] * 5
    assert noted(jsonl(tmp_path / "b.jsonl", list(whole))) == []


def test_the_first_file_is_named_and_all_are_counted(tmp_path: Path) -> None:
    for number in range(3):
        csv(tmp_path / f"{number}.csv", ["7"] * 20 + (["-"] if number == 1 else []))
    (note,) = noted(tmp_path)
    assert note.startswith(f"{tmp_path / '1.csv'}: line 22: column")
    assert 'because of 1 of its 61 values, "-"' in note
    csv(tmp_path / "3.csv", ["7"] * 200 + ["--"])
    (note,) = noted(tmp_path)
    assert note.startswith(f"{tmp_path / '1.csv'}: line 22: column")
    assert 'because of 2 of its 262 values, the first of them "-"' in note


def test_a_type_that_is_set_needs_no_note(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", ["1"] * 20 + ["n/a"])
    assert len(noted(path)) == 1
    assert noted(path, schema=pa.schema([("n", pa.string())])) == []
    assert noted(path, columns=["text"]) == []
    assert len(noted(path, schema=pa.schema([("text", pa.string())]))) == 1
    with pytest.raises(fastsample.SchemaError, match="n/a"):
        fastsample.sample(path, 1, schema=pa.schema([("n", pa.int64())]))


def test_values_are_cut_and_printed(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", ["1"] * 20 + ["好" * 100])
    (note,) = noted(path)
    assert f'"{"好" * 40}"' in note
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fastsample.inspect(path).notes == (note,)
    done = CliRunner().invoke(app, ["inspect", str(path)])
    assert "schema=" in done.stderr or "--schema" in done.stderr
