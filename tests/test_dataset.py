"""The map-style dataset over a cached sample."""

import pickle
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import pairs, write_ipc
from hypothesis import given
from hypothesis import strategies as st

N = 400
ROWS = pairs(N, seed=5)


@pytest.fixture
def dataset(tmp_path: Path) -> fastsample.Dataset:
    return fastsample.Dataset(write_ipc(ROWS, tmp_path / "rows.arrow", rows=33))


def test_it_is_a_list_of_dicts(dataset: fastsample.Dataset) -> None:
    rows = ROWS.to_pylist()
    assert len(dataset) == N
    assert dataset[0] == rows[0]
    assert dataset[-1] == rows[-1]
    assert dataset[np.int64(7)] == rows[7]  # type: ignore[call-overload]
    assert dataset[3:90:7] == rows[3:90:7]
    assert list(dataset) == rows  # type: ignore[call-overload]
    assert repr(dataset) == "<fastsample.Dataset: 400 rows of id, prompt, response>"


@given(indices=st.lists(st.integers(-N, N - 1), max_size=60))
def test_batches_are_those_of_a_list(
    tmp_path_factory: pytest.TempPathFactory, indices: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "given.arrow"
    if not path.exists():
        write_ipc(ROWS, path, rows=33)
    rows = ROWS.to_pylist()
    assert fastsample.Dataset(path).__getitems__(indices) == [rows[i] for i in indices]


@given(texts=st.lists(st.none() | st.text(), max_size=20))
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]
) -> None:
    path = tmp_path_factory.getbasetemp() / "texts.arrow"
    dataset = fastsample.Dataset(write_ipc(pa.table({"text": pa.array(texts, pa.string())}), path))
    assert [row["text"] for row in dataset[:]] == texts


@pytest.mark.parametrize("index", [N, -N - 1, 2**63])
def test_out_of_range(dataset: fastsample.Dataset, index: int) -> None:
    with pytest.raises(IndexError, match=f"row {index} of a sample of {N} rows"):
        dataset[index]
    with pytest.raises(IndexError):
        dataset.__getitems__([0, index])


@pytest.mark.parametrize("index", ["prompt", 1.0, None, slice("a", "b")])
def test_wrong_types(dataset: fastsample.Dataset, index: Any) -> None:
    for rows in (dataset, fastsample.sample(ROWS, 5)):
        with pytest.raises(fastsample.SourceTypeError, match="rows are numbered by whole numbers"):
            rows[index]
        with pytest.raises(fastsample.SourceTypeError):
            rows.__getitems__([0, index])


def shout(row: tuple[str | None, str | None]) -> str:
    return f"{row[0]}!"


def test_columns_tuples_and_transform(dataset: fastsample.Dataset) -> None:
    rows = ROWS.to_pylist()
    some = fastsample.Dataset(
        dataset.path, columns=["response", "prompt"], tuples=True, transform=shout
    )
    assert some[5] == f"{rows[5]['response']}!"
    assert pickle.loads(pickle.dumps(some)).__getitems__([5, 6]) == some[5:7]
    assert some.schema.names == ["response", "prompt"]


TYPES: dict[str, pa.Array] = {
    "large": pa.array(["你好", None, "", "a😀"], pa.large_string()),
    "view": pa.array(["你好", None, "", "a text longer than a view"], pa.string_view()),
    "dictionary": pa.array(["x", None, "x", "y"]).dictionary_encode(),
    "list": pa.array([[1, 2], None, [], [3]]),
    "struct": pa.array([{"a": "b"}, None, {"a": None}, {"a": "你"}]),
    "float": pa.array([1.5, None, 0.0, -1.0]),
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type(tmp_path: Path, kind: str) -> None:
    table = pa.table({"text": ["a", "b", "c", "d"], kind: TYPES[kind], "n": [1, 2, 3, 4]})
    dataset = fastsample.Dataset(write_ipc(table, tmp_path / "rows.arrow", rows=3))
    rows = table.to_pylist()
    assert dataset.__getitems__([3, 0, 1, 2]) == [rows[i] for i in [3, 0, 1, 2]]


def test_lengths(dataset: fastsample.Dataset) -> None:
    rows = ROWS.to_pylist()
    both = [len(row["prompt"] or "") + len(row["response"] or "") for row in rows]
    assert dataset.lengths().dtype == np.uint32
    assert dataset.lengths().tolist() == both
    assert dataset.lengths(["prompt"]).tolist() == [len(row["prompt"] or "") for row in rows]
    with pytest.raises(fastsample.ColumnError, match='no column "x"'):
        dataset.lengths(["x"])
    with pytest.raises(fastsample.ColumnError, match="not text"):
        dataset.lengths(["id"])


def test_lengths_of_text_in_every_layout(tmp_path: Path) -> None:
    texts = ["x", None, "你好", "a text longer than a view"]
    plain = pa.array(texts)
    columns = {
        "plain": plain,
        "large": plain.cast(pa.large_string()),
        "view": plain.cast(pa.string_view()),
        "dictionary": plain.dictionary_encode(),
        "dictionary of large": plain.cast(pa.large_string()).dictionary_encode(),
        "id": pa.array([1, 2, 3, 4]),
    }
    dataset = fastsample.Dataset(write_ipc(pa.table(columns), tmp_path / "rows.arrow"))
    lengths = [len(text or "") for text in texts]
    for name in list(columns)[:-1]:
        assert dataset.lengths([name]).tolist() == lengths
    assert dataset.lengths().tolist() == [5 * length for length in lengths]
    found = fastsample.inspect(dataset.path)
    assert set(found.text) == set(columns) - {"id"}


def test_the_fingerprint_covers_the_whole_file(tmp_path: Path) -> None:
    rows = pa.table({"text": ["a" * 1000] * 1000})
    path = write_ipc(rows, tmp_path / "rows.arrow", rows=10)
    first = fastsample.Dataset(path)
    content = bytearray(path.read_bytes())
    middle = content.index(b"a" * 500, len(content) // 2)
    content[middle] = ord("b")
    other = tmp_path / "other.arrow"
    other.write_bytes(content)
    second = fastsample.Dataset(other)
    assert len(second) == 1000
    assert first.fingerprint == fastsample.Dataset(path).fingerprint != second.fingerprint
    copied = tmp_path / "copied.arrow"
    copied.write_bytes(path.read_bytes())
    assert fastsample.Dataset(copied).fingerprint == first.fingerprint
    for kind in (fastsample.ResumableSampler, fastsample.LengthBatchSampler):
        mine, theirs, same = (
            kind(dataset) if kind is fastsample.ResumableSampler else kind(dataset, 4)
            for dataset in (first, second, fastsample.Dataset(copied))
        )
        same.load_state_dict(mine.state_dict())
        with pytest.raises(fastsample.ArgumentError, match="the state was saved with data"):
            theirs.load_state_dict(mine.state_dict())
    path.write_bytes(content)
    assert first.fingerprint == second.fingerprint


def test_hugging_face_maps_the_same_file(table: pa.Table) -> None:
    cached = fastsample.sample(table, 60).cache()
    for _ in range(2):
        hf = cached.to_hf()
        assert hf.column_names == ["id", "prompt", "response", "length"]
        assert hf["length"] == cached.lengths().tolist()
        assert hf[7]["response"] == cached[7]["response"]
    assert {Path(file["filename"]) for file in hf.cache_files} >= {cached.path}


def test_bad_files(tmp_path: Path, dataset: fastsample.Dataset) -> None:
    with pytest.raises(fastsample.SourceNotFoundError, match="no such file"):
        fastsample.Dataset(tmp_path / "none.arrow")
    bad = tmp_path / "bad.arrow"
    for content in (b"", b"PAR1 and more", dataset.path.read_bytes()[:3000]):
        bad.write_bytes(content)
        with pytest.raises(fastsample.SourceTypeError, match="can't be mapped"):
            fastsample.Dataset(bad)
    with pytest.raises(fastsample.ColumnError, match="no column 'x'; the columns are id, prompt"):
        fastsample.Dataset(dataset.path, columns=["x"])


def test_text_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    bad: Any = pa.array([b"\xff\xfe", b"ok"]).view(pa.string())
    dataset = fastsample.Dataset(write_ipc(pa.table({"text": bad}), tmp_path / "bad.arrow"))
    assert dataset[1] == {"text": "ok"}
    with pytest.raises(fastsample.CorruptDataError, match=r"text. holds text that is not valid"):
        dataset[0]
    with pytest.raises(fastsample.CorruptDataError):
        dataset.lengths()
