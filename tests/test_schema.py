"""Types that `schema` sets for columns of JSON Lines and CSV, and columns that fit no type."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from data import pairs, write_ipc
from fastsample import errors
from fastsample.cli import app

Open = Callable[..., Any]


def save(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def whole(path: Path | list[Path], **options: Any) -> pa.Table:
    return fastsample.sample(path, fraction=1.0, **options).to_arrow()


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


TEXTS = '{"a": "x"}\n{"a": 1.50}\n{"a": 18446744073709551616}\n{"a": true}\n{"a": null}\n{}\n'


@pytest.mark.parametrize("threads", [1, 3])
def test_texts_hold_what_is_written(tmp_path: Path, threads: int) -> None:
    path = save(tmp_path, TEXTS, "rows.jsonl")
    found = whole(path, schema=pa.schema({"a": pa.string()}), threads=threads)
    expected = ["x", "1.50", "18446744073709551616", "true", None, None]
    assert found["a"].to_pylist() == expected
    path = save(tmp_path, 'a,b\n007,1\n"",2\n,3\n1.50,4\n', "rows.csv")
    found = whole(path, schema=pa.schema({"a": pa.string()}), threads=threads)
    assert found["a"].to_pylist() == ["007", "", None, "1.50"]
    assert found.schema.field("b").type == pa.int64()


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.float64(), pa.string()])
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_whole_numbers_as_other_types(tmp_path: Path, ending: str, kind: pa.DataType) -> None:
    text = "a,t\n1,x\n,y\n30,z\n" if ending == "csv" else lines([{"a": 1}, {}, {"a": 30}])
    found = whole(save(tmp_path, text, f"rows.{ending}"), schema=pa.schema({"a": kind}))
    assert found["a"].type == kind
    assert found["a"].to_pylist() == pa.array([1, None, 30]).cast(kind).to_pylist()


def test_the_same_ids_and_lines_with_other_types(tmp_path: Path) -> None:
    text = lines([{"t": f"row {i}", "zip": i} for i in range(500)])
    path = save(tmp_path, text, "rows.jsonl")
    plain = fastsample.sample(path, 40)
    typed = fastsample.sample(path, 40, schema=pa.schema({"zip": pa.string()}))
    assert typed.row_ids.tolist() == plain.row_ids.tolist()
    plain.write_jsonl(tmp_path / "plain.jsonl")
    typed.write_jsonl(tmp_path / "typed.jsonl")
    assert (tmp_path / "typed.jsonl").read_bytes() == (tmp_path / "plain.jsonl").read_bytes()


def test_nested_columns_in_part(tmp_path: Path) -> None:
    rows = [
        {"m": [{"role": "user", "content": 5, "n": 1}]},
        {"m": [{"role": "user", "content": "x"}]},
        {"m": []},
    ]
    path = save(tmp_path, lines(rows), "rows.jsonl")
    with pytest.raises(errors.SchemaError, match=r"content.*schema="):
        whole(path)
    turn = pa.struct({"content": pa.large_string()})
    found = whole(path, schema=pa.schema({"m": pa.large_list(turn)}))["m"]
    turn = pa.struct({"role": pa.string(), "content": pa.string(), "n": pa.int64()})
    assert found.type == pa.list_(pa.field("item", turn))
    assert found.to_pylist()[0] == [{"role": "user", "content": "5", "n": 1}]
    # Where no value is there, the type is the one that is set.
    path = save(tmp_path, '{"m": []}\n{"m": null}\n', "empty.jsonl")
    kind = pa.list_(pa.struct({"content": pa.string()}))
    assert whole(path, schema=pa.schema({"m": kind}))["m"].type == kind


def test_a_schema_of_polars(tmp_path: Path) -> None:
    path = save(tmp_path, '{"a": 1}\n{"a": "x"}\n', "rows.jsonl")
    schema = pl.DataFrame({"a": ["x"]}).to_arrow().schema
    assert schema.field("a").type != pa.string()
    assert whole(path, schema=schema)["a"].to_pylist() == ["1", "x"]


MISFITS: dict[str, tuple[str, pa.DataType, str]] = {
    "fraction": ('{"a": 1}\n\n{"a": 1.5}\n', pa.int64(), "line 3.*fraction.*int64"),
    "wide": ('{"a": 1}\n{"a": 9223372036854775808}\n', pa.int64(), "line 2.*above"),
    "below zero": ('{"a": 1}\n{"a": -1}\n', pa.uint64(), "line 2.*below zero.*uint64"),
    "huge": ('{"a": 18446744073709551616}\n', pa.uint64(), "line 1.*beyond 64 bits"),
    "text": ('{"a": 1}\n{"a": "x"}\n{"a": []}\n', pa.float64(), "line 2.*a text.*double"),
    "list": ('{"a": 1}\n{"a": "x"}\n{"a": []}\n', pa.string(), "line 3.*a list.*string"),
    "truth": ('{"a": true}\n{"a": 1}\n', pa.bool_(), "line 2.*a number.*bool"),
    "item": ('{"a": [1]}\n{"a": ["x"]}\n', pa.list_(pa.int64()), r'line 2.*"a\[\]" is a text'),
    "object": ('{"a": {"b": "x"}}\n', pa.struct({"b": pa.bool_()}), 'line 1.*"a.b" is a text'),
}


@pytest.mark.parametrize("name", MISFITS)
def test_json_that_does_not_fit(tmp_path: Path, name: str) -> None:
    text, kind, message = MISFITS[name]
    schema = pa.schema({"a": kind})
    path = save(tmp_path, text + '{"t": "x"}\n', "rows.jsonl")
    for threads in (1, 2):
        with pytest.raises(errors.SchemaError, match=message) as error:
            whole(path, schema=schema, threads=threads)
        assert str(path) in str(error.value)
        assert "another type" in str(error.value)
    # A column that is not asked for need not fit.
    assert whole(path, schema=schema, columns=["t"])["t"].to_pylist()[-1] == "x"


FIELDS: dict[str, tuple[list[str], pa.DataType]] = {
    "fraction": (["1", "1.5"], pa.int64()),
    "beyond": (["1", "9223372036854775808"], pa.int64()),
    "below zero": (["1", "-1"], pa.uint64()),
    "text": (["1", "nine"], pa.float64()),
    "beyond floats": (["inf", "1e999"], pa.float64()),
    "truth": (["true", "1"], pa.bool_()),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_that_do_not_fit(tmp_path: Path, name: str) -> None:
    (good, bad), kind = FIELDS[name]
    schema = pa.schema({"a": kind})
    # Over several chunks of 4 MiB.
    filler = f'{good},"{"x" * 4000}"\n' * 2500
    path = save(tmp_path, f"a,t\n{filler}\n{bad},x\n{bad},x\n", "rows.csv")
    for threads in (1, 2):
        with pytest.raises(errors.SchemaError, match=f'line 2503: column "a" is "{bad}" here'):
            whole(path, schema=schema, threads=threads)
    assert whole(path, schema=schema, columns=["t"]).num_rows == 2502


def test_several_files(tmp_path: Path) -> None:
    paths = [save(tmp_path, f"a\n{value}\n", f"{value}.csv") for value in ("1", "x", "2")]
    with pytest.raises(errors.SchemaError, match=f"{paths[1]}: line 2"):
        whole(paths, schema=pa.schema({"a": pa.int64()}))
    assert whole(paths[::2], schema=pa.schema({"a": pa.string()}))["a"].to_pylist() == ["1", "2"]


def test_schemas_that_can_not_hold(tmp_path: Path) -> None:
    objects = save(tmp_path, '{"a": {"b": 1}}\n', "rows.jsonl")
    records = save(tmp_path, "a\n1\n", "rows.csv")
    rows = write_ipc(pairs(5), tmp_path / "rows.arrow")

    def refused(source: Any, schema: Any, error: type[Exception], *words: str) -> None:
        with pytest.raises(error) as found:
            fastsample.sample(source, 1, schema=schema)
        assert all(word in str(found.value) for word in words), found.value

    text = pa.schema({"b": pa.string()})
    refused(objects, text, errors.ColumnError, 'no column "b"', "the columns are a")
    refused(records, text, errors.ColumnError, 'no column "b"')
    nested = pa.schema({"a": pa.struct({"c": pa.int64()})})
    refused(objects, nested, errors.ColumnError, 'no key "c"', "their keys are b")
    refused(records, nested, errors.ArgumentError, "have no parts", "string")
    day = pa.schema({"a": pa.date32()})
    refused(records, day, errors.ArgumentError, '"a" is Date32', "double")
    refused(records, pa.schema([]), errors.ArgumentError, "leave it out")
    twice = pa.schema([("a", pa.string()), ("a", pa.string())])
    refused(records, twice, errors.ColumnError, '"a" twice')
    prompt = pa.schema({"prompt": pa.string()})
    for source in (rows, [records, rows], pairs(5), pairs(5).to_pandas(), pairs(5).to_reader()):
        refused(source, prompt, errors.ArgumentError, "schema= is for JSON Lines and CSV")
    refused(records, {"a": pa.string()}, errors.SourceTypeError, "pyarrow.Schema")


CONFLICT = lines([{"a": 1, "t": f"row {i}", "k": i} for i in range(9)]) + '{"a": "x", "t": "y"}\n'


@pytest.mark.parametrize("option", [{"where": "a = 1"}, {"by": "a"}, {"weight": "a"}])
def test_a_column_of_several_types_that_is_read(tmp_path: Path, option: dict[str, Any]) -> None:
    """It is left out of the sample, and must not pass for nulls."""
    path = save(tmp_path, CONFLICT, "rows.jsonl")
    with pytest.raises(errors.SchemaError, match=r'line 10: column "a" is a text here.*schema='):
        fastsample.sample(path, 3, columns=["t"], **option)


def test_a_column_of_several_types_beside(tmp_path: Path) -> None:
    path = save(tmp_path, CONFLICT, "rows.jsonl")
    drawn = fastsample.sample(path, 3, columns=["t"], where="k >= 3 AND t LIKE 'row%'", by="k")
    assert len(drawn) == 3
    assert min(drawn.row_ids) >= 3
    with pytest.raises(errors.ColumnError, match='"a"'):
        fastsample.sample(path, 3, columns=["t"], text_columns=["a"], smart=True)
    # Set to texts, it can be compared.
    text = pa.schema({"a": pa.string()})
    found = fastsample.sample(path, 1, columns=["t"], where="a = 'x'", schema=text)
    assert found.to_arrow()["t"].to_pylist() == ["y"]
    # The sources of a mixture are asked for the columns of the mixture alone.
    mixed = fastsample.mix({"one": path}, 3, columns=["t"])
    assert mixed.to_arrow().column_names == ["t", "source"]
    with pytest.raises(errors.SchemaError, match="schema="):
        fastsample.mix({"one": path}, 3)


def _tokenizer(folder: Path) -> str:
    from tokenizers_made import make

    return str(make("bpe", folder / "tokenizer.json"))


#: What every function that opens files does with a schema, and the notes that tell of it.
CALLS: dict[str, Callable[[Path, Any, str], Any]] = {
    "sample": lambda path, schema, _: fastsample.sample(path, 3, schema=schema).report.notes,
    "epochs": lambda path, schema, _: fastsample.epochs(path, 3, schema=schema)[0].report.notes,
    "mix": lambda path, schema, _: (
        fastsample.mix({"a": path}, 3, schema={"a": schema}).report.notes
    ),
    "split": lambda path, schema, _: (
        fastsample.split(path, {"x": 3}, schema=schema)["x"].report.notes
    ),
    "score": lambda path, schema, _: fastsample.score(path, schema=schema).report.notes,
    "compare": lambda path, schema, _: fastsample.compare(path, path, schema=schema).notes,
    "inspect": lambda path, schema, _: fastsample.inspect(path, schema=schema).notes,
    "plan": lambda path, schema, _: (
        fastsample.plan(path, 3, seconds_per_step=1, batch_size=1, schema=schema).assumptions
    ),
    "plan with lengths": lambda path, schema, _: (
        fastsample.plan(
            path, 3, seconds_per_step=1, batch_size=1, schema=schema, lengths=True
        ).assumptions
    ),
    "token_lengths": lambda path, schema, tokenizer: [
        f"schema= sets {len(fastsample.token_lengths(path, tokenizer, schema=schema))}"
    ],
}


@pytest.mark.parametrize("name", CALLS)
def test_every_function_takes_a_schema(tmp_path: Path, name: str) -> None:
    path = save(tmp_path, CONFLICT, "rows.jsonl")
    call, tokenizer = CALLS[name], _tokenizer(tmp_path)
    notes = call(path, pa.schema({"a": pa.string()}), tokenizer)
    assert any("schema= sets" in note for note in notes), notes
    with pytest.raises(errors.SchemaError, match="int64"):
        call(path, pa.schema({"a": pa.int64()}), tokenizer)


def test_compare_with_a_sample_of_another_format(tmp_path: Path) -> None:
    path = save(tmp_path, CONFLICT, "rows.jsonl")
    schema = pa.schema({"a": pa.string()})
    drawn = fastsample.sample(path, 5, schema=schema)
    drawn.write_parquet(tmp_path / "drawn.parquet")
    for sample in (drawn, tmp_path / "drawn.parquet"):
        assert fastsample.compare(path, sample, schema=schema).sample.rows == 5


def _run(*words: str) -> Any:
    return CliRunner().invoke(app, words)


def test_the_command_line(tmp_path: Path) -> None:
    path = str(save(tmp_path, CONFLICT, "rows.jsonl"))
    out = str(tmp_path / "out.parquet")
    draw = ["sample", "-i", path, "-o", out, "-n", "3"]
    assert "schema= (string)" in _run(*draw).output
    done = _run(*draw, "--schema", "a=string", "--schema", "k=double")
    assert done.exit_code == 0, done.output
    assert "schema= sets the types of a string, k double" in done.output
    assert pa.parquet.read_schema(out).field("k").type == pa.float64()
    bad = _run(*draw, "--schema", "a=text")
    assert bad.exit_code == 2
    assert "'a=text' is no NAME=TYPE" in bad.output
    for words in (
        ["inspect", path],
        ["compare", path, path],
        ["split", "x=3", "-i", path, "-o", str(tmp_path / "sides")],
        ["score", path, str(tmp_path / "scores.parquet")],
        ["plan", path, "--seconds-per-step", "1", "--batch-size", "1", "-n", "3"],
    ):
        assert _run(*words).exit_code == 1
        done = _run(*words, "--schema", "a=string")
        assert done.exit_code == 0, done.output
        assert "schema= sets the types of a string" in done.output


def test_the_file_of_a_mixture(tmp_path: Path) -> None:
    path = str(save(tmp_path, CONFLICT, "rows.jsonl"))
    source = {"name": "chat", "path": path, "schema": {"a": "string"}}
    mixture = save(tmp_path, json.dumps({"sources": [source]}), "mixture.json")
    out = tmp_path / "out.jsonl"
    done = _run("mix", str(mixture), "-o", str(out), "-n", "4")
    assert done.exit_code == 0, done.output
    assert "chat: schema= sets the types of a string" in done.output
    save(tmp_path, json.dumps({"sources": [{**source, "schema": {"a": 5}}]}), "mixture.json")
    bad = _run("mix", str(mixture), "-o", str(out), "-n", "4")
    assert bad.exit_code == 2
    assert "schema is {'a': 5}" in bad.output
