"""Data of other libraries: slices of nested columns, and producers that break the rules."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastsample
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from fastsample import errors
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def _no_panic(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert "panicked" not in capfd.readouterr().err


def struct(depth: int, rows: int) -> list[Any]:
    """Return rows of structs in structs."""
    return [
        i if depth == 0 else {"a": struct(depth - 1, rows)[i], "t": f"{i}"} for i in range(rows)
    ]


NESTED: dict[str, Callable[[int], pa.Array]] = {
    "struct": lambda n: pa.array([{"a": i} for i in range(n)]),
    "struct-2": lambda n: pa.array([{"a": {"b": i, "t": f"{i}"}} for i in range(n)]),
    "struct-3": lambda n: pa.array([{"a": {"b": {"c": i if i % 3 else None}}} for i in range(n)]),
    "struct-null": lambda n: pa.array([{"a": {"b": i}} if i % 4 else None for i in range(n)]),
    "fixed": lambda n: pa.array([[i, i + 1] for i in range(n)], pa.list_(pa.int64(), 2)),
    "fixed-struct": lambda n: pa.array(
        [[{"b": i}, {"b": i + 1}] for i in range(n)], pa.list_(pa.struct([("b", pa.int64())]), 2)
    ),
    "fixed-fixed": lambda n: pa.array(
        [[[i, 1], [2, i]] for i in range(n)], pa.list_(pa.list_(pa.int64(), 2), 2)
    ),
    "struct-fixed": lambda n: pa.array(
        [{"f": [{"x": i}]} for i in range(n)],
        pa.struct([("f", pa.list_(pa.struct([("x", pa.int32())]), 1))]),
    ),
    "list-struct": lambda n: pa.array(
        [[{"role": "user", "content": {"text": f"{j}"}} for j in range(i % 3)] for i in range(n)]
    ),
    "map-struct": lambda n: pa.array(
        [[("k", {"v": {"w": i}})] for i in range(n)],
        pa.map_(pa.string(), pa.struct([("v", pa.struct([("w", pa.int64())]))])),
    ),
    "struct-list": lambda n: pa.array([{"l": [{"a": {"b": i}}]} for i in range(n)]),
    "struct-dictionary": lambda n: pa.StructArray.from_arrays(
        [pa.array([f"{i % 3}" for i in range(n)]).dictionary_encode()], ["d"]
    ),
    "struct-null-type": lambda n: pa.array([{"a": {"b": None}} for i in range(n)]),
    "union": lambda n: pa.UnionArray.from_sparse(
        pa.array([i % 2 for i in range(n)], pa.int8()),
        [pa.array([{"a": {"b": i}} for i in range(n)]), pa.array([f"{i}" for i in range(n)])],
    ),
}


def texts_of(kind: pa.DataType) -> Callable[[int], pa.Array]:
    return lambda n: pa.array([f"{i}" for i in range(n)], kind)


FLAT: dict[str, Callable[[int], pa.Array]] = {
    str(kind): texts_of(kind)
    for kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.string_view())
}


@pytest.mark.parametrize("kind", [*FLAT, *NESTED])
def test_empty_slices_among_the_pieces(kind: str) -> None:
    """An empty slice has offsets, but none of its values are handed over."""
    column = {**FLAT, **NESTED}[kind](60)
    pieces = [column.slice(28, 0), column.slice(10, 20), column.slice(60, 0), column.slice(30)]
    table = pa.table({"x": pa.chunked_array(pieces)})
    for data in (table, table.slice(5), pa.Table.from_batches(table.to_batches(), table.schema)):
        found = fastsample.sample(data, data.num_rows).to_arrow()
        found.validate(full=True)
        assert found.to_pylist() == data.to_pylist()
        assert found.schema.field("x").type == column.type


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("source", ["table", "stream", "batch", "chunks"])
def test_slices_of_nested_columns(kind: str, source: str) -> None:
    table = pa.table({"id": range(60), "x": NESTED[kind](60)})
    for start, rows in ((0, 60), (0, 7), (10, 20), (59, 1), (33, 27)):
        part = table.slice(start, rows)
        data: Any = part
        if source == "stream":
            data = part.to_reader(max_chunksize=6)
        elif source == "batch":
            data = part.combine_chunks().to_batches()[0]
        elif source == "chunks":
            data = pa.concat_tables(
                [table.slice(start, rows // 2), table.slice(start + rows // 2, rows - rows // 2)]
            )
        drawn = fastsample.sample(data, rows, seed=3).to_arrow()
        drawn.validate(full=True)
        assert drawn.to_pylist() == part.to_pylist()
        few = fastsample.sample(part, max(rows // 3, 1), seed=3)
        assert few.to_arrow().to_pylist() == [part.to_pylist()[i] for i in few.row_ids.tolist()]


@st.composite
def nested_types(draw: st.DrawFn, depth: int = 3) -> pa.DataType:
    leaves = [pa.int64(), pa.string(), pa.bool_(), pa.binary(3), pa.float32()]
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(leaves))
    inner = nested_types(depth=depth - 1)
    kind = draw(st.sampled_from(["struct", "list", "large", "fixed", "map"]))
    if kind == "struct":
        return pa.struct([(f"f{i}", draw(inner)) for i in range(draw(st.integers(1, 3)))])
    if kind == "map":
        return pa.map_(pa.string(), draw(inner))
    if kind == "fixed":
        return pa.list_(draw(inner), draw(st.integers(1, 3)))
    return (pa.list_ if kind == "list" else pa.large_list)(draw(inner))


def value(kind: pa.DataType, rng: random.Random, nulls: bool = True) -> Any:
    """Make a value of a type."""
    if nulls and rng.random() < 0.15:
        return None
    if pa.types.is_struct(kind):
        return {field.name: value(field.type, rng) for field in kind}
    if pa.types.is_fixed_size_list(kind):
        return [value(kind.value_type, rng) for _ in range(kind.list_size)]
    if pa.types.is_map(kind):
        return [(f"k{i}", value(kind.item_type, rng)) for i in range(rng.randrange(3))]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [value(kind.value_type, rng) for _ in range(rng.randrange(4))]
    if pa.types.is_string(kind):
        return "人a" * rng.randrange(4)
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    if pa.types.is_fixed_size_binary(kind):
        return rng.randbytes(3)
    return rng.randrange(1000)


@settings(max_examples=60, deadline=None)
@given(kind=nested_types(), seed=st.integers(0, 2**32), start=st.integers(0, 29))
def test_any_nested_type_in_slices(kind: pa.DataType, seed: int, start: int) -> None:
    rng = random.Random(seed)
    column = pa.array([value(kind, rng) for _ in range(40)], kind)
    part = pa.table({"x": column}).slice(start, 10)
    expected = part.to_pylist()
    assert fastsample.sample(part, 10).to_arrow().to_pylist() == expected
    assert fastsample.sample(part.to_reader(max_chunksize=3), 10).to_arrow().to_pylist() == expected


def test_hugging_face_selections() -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"id": i, "m": {"a": {"b": i}}} for i in range(400)]
    data = datasets.Dataset.from_list(rows)
    for part in (
        data.select(range(100, 300)),
        data.shuffle(seed=1),
        data.train_test_split(test_size=0.3, seed=1)["test"],
    ):
        drawn = fastsample.sample(part, 50, seed=2)
        assert drawn.to_arrow().to_pylist() == [part[i] for i in drawn.row_ids.tolist()]


def test_dataset_of_many_rows() -> None:
    rows = 300_000
    inner = pa.StructArray.from_arrays([pa.array(range(rows))], ["b"])
    table = pa.table({"x": pa.StructArray.from_arrays([inner], ["a"])})
    drawn = fastsample.sample(pa.dataset.dataset(table), 100)
    found = [row["x"]["a"]["b"] for row in drawn.to_arrow().to_pylist()]
    assert found == drawn.row_ids.tolist()


def test_polars_column_of_nulls(tmp_path: Any) -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": [None] * 3, "c": [{"d": None}] * 3})
    drawn = fastsample.sample(frame, 3)
    assert drawn.to_arrow().to_pylist() == frame.to_arrow().to_pylist()
    drawn.write_parquet(tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet")["b"].to_list() == [None] * 3


def other_batches(*batches: pa.RecordBatch) -> pa.RecordBatchReader:
    """Return a reader that promises one schema and yields batches of another."""
    schema = pa.schema([("a", pa.int64())])
    return pa.RecordBatchReader.from_batches(schema, iter(batches))


@pytest.mark.parametrize(
    "batch",
    [
        pa.record_batch({"a": ["x"]}),
        pa.record_batch({"b": [1.5], "c": ["x"]}),
        pa.record_batch({"a": [[1, 2]]}),
        pa.record_batch({"a": pa.array(["x"]).dictionary_encode()}),
        pa.record_batch({"a": pa.array([None])}),
    ],
    ids=["text", "columns", "list", "dictionary", "null"],
)
def test_batch_of_another_schema(batch: pa.RecordBatch) -> None:
    good = pa.record_batch({"a": pa.array([1, 2], pa.int64())})
    with pytest.raises(errors.StreamError, match=r"after 2 rows: .*schema"):
        fastsample.sample(other_batches(good, batch), 2)


class Producer:
    """Export a batch whose schema is damaged by hand before it is handed over."""

    def __init__(self, data: Any, damage: Callable[[Any], None]) -> None:
        self.capsules = data.__arrow_c_array__()
        schema = Schema.from_address(pointer(self.capsules[0], b"arrow_schema"))
        self.first = schema.children[0].contents
        self.sound = [(part, bytes(part)) for part in (schema, self.first)]
        damage(schema)

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        return self.capsules

    def repair(self) -> None:
        """Undo the damage, so that the schema can be released."""
        for part, sound in self.sound:
            ctypes.memmove(ctypes.addressof(part), sound, len(sound))
        self.sound[0][0].children[0] = ctypes.pointer(self.first)


class Schema(ctypes.Structure):
    """ArrowSchema of the C data interface."""


Schema._fields_ = [
    ("format", ctypes.c_void_p),
    ("name", ctypes.c_void_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


def pointer(capsule: object, name: bytes) -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(get(capsule, name))


#: Texts that must outlive the schemas which refer to them.
KEPT = [
    ctypes.create_string_buffer(text) for text in (b"\xc8\xcb", b"+l", b"\xff", b"w:x", b"+w:-3")
]
METADATA = ctypes.create_string_buffer(
    (1).to_bytes(4, "little") + (2).to_bytes(4, "little") + b"\xc8\xcb" + bytes(8)
)
NEGATIVE = ctypes.create_string_buffer((-1).to_bytes(4, "little", signed=True) + bytes(8))


def child(schema: Any) -> Any:
    return schema.children[0].contents


def put(name: str, text: Any, of_child: bool = True) -> Callable[[Any], None]:
    def damage(schema: Any) -> None:
        setattr(child(schema) if of_child else schema, name, ctypes.addressof(text))

    return damage


def cut_children(schema: Any) -> None:
    schema.children = None


def drop_child(schema: Any) -> None:
    schema.children[0] = ctypes.POINTER(Schema)()


def drop_format(schema: Any) -> None:
    child(schema).format = None


def less_than_no_children(schema: Any) -> None:
    schema.n_children = -1


DAMAGE: dict[str, tuple[Callable[[Any], None], str]] = {
    "name": (put("name", KEPT[0]), "not valid UTF-8"),
    "format": (put("format", KEPT[2]), "not UTF-8"),
    "list without a child": (put("format", KEPT[1]), "children"),
    "unknown width": (put("format", KEPT[3]), "can't be taken over"),
    "size below nothing": (put("format", KEPT[4]), "children"),
    "metadata": (put("metadata", METADATA), "metadata"),
    "metadata below nothing": (put("metadata", NEGATIVE), "metadata"),
    "no children": (cut_children, "no children"),
    "no child": (drop_child, "not there"),
    "no format": (drop_format, "no type"),
    "less than no children": (less_than_no_children, "no children"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_schema_that_breaks_the_rules(name: str) -> None:
    damage, words = DAMAGE[name]
    data = pa.record_batch({"a": pa.array([1, 2], pa.int64())})
    producer = Producer(data, damage)
    try:
        with pytest.raises(errors.SchemaError, match=words):
            fastsample.sample(producer, 1)
    finally:
        producer.repair()


@pytest.mark.parametrize(
    "kind", [pa.decimal128(38, 0), pa.decimal256(76, 4)], ids=["decimal128", "decimal256"]
)
def test_decimals_within_the_rules(kind: pa.DataType) -> None:
    table = pa.table({"x": pa.array([1, 2], kind)})
    assert fastsample.sample(table, 2).to_arrow() == table


def test_nested_too_deep() -> None:
    kind = pa.int8()
    for _ in range(62):
        kind = pa.struct([("a", kind)])
    table = pa.table({"x": pa.array([None], kind)})
    with pytest.raises(errors.FastSampleError, match="levels deep"):
        fastsample.sample(table, 1)


def unions() -> pa.Array:
    kinds = pa.array([0, 1, 0], pa.int8())
    return pa.UnionArray.from_sparse(kinds, [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])])


def dictionary_of_dictionary() -> pa.Array:
    inner = pa.array(["x", "y"]).dictionary_encode()
    return pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), inner)


UNSTORABLE: dict[str, Callable[[], pa.Array]] = {
    "unions": unions,
    "dictionaries of dictionaries": dictionary_of_dictionary,
    "structs without columns": lambda: pa.array([{}, {}, {}]),
}


@pytest.mark.parametrize("kind", UNSTORABLE)
@pytest.mark.parametrize("nested", [False, True])
def test_types_that_parquet_lacks(tmp_path: Path, kind: str, nested: bool) -> None:
    column = UNSTORABLE[kind]()
    if nested:
        column = pa.StructArray.from_arrays([column], ["inner"])
    sample = fastsample.sample(pa.table({"odd": column}), 3)
    with pytest.raises(errors.OutputError, match=f'"odd" holds {kind}.*write Arrow IPC'):
        sample.write_parquet(tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []
