"""Of nested columns in files, only the leaves that are text are read, and nothing else changes."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers_made import make

CALL = pa.struct([("name", pa.string()), ("arguments", pa.string())])
TURN = pa.struct([
    ("id", pa.string()), ("role", pa.string()), ("calls", pa.list_(CALL)),
    ("content", pa.string()), ("weight", pa.float64()),
])  # fmt: skip
WIDE = pa.schema([("key", pa.int64()), ("messages", pa.list_(TURN)), ("source", pa.string())])


def words(rng: random.Random) -> str:
    return "".join(rng.choices("模型数据采样文本方法结果问题我们", k=rng.randint(1, 40)))


def wide(rows: int) -> pa.Table:
    rng = random.Random(5)
    contents = [words(rng) for _ in range(rows // 3)]

    def turn() -> dict[str, Any]:
        calls = [{"name": f"f{rng.random()}", "arguments": words(rng)}]
        role = rng.choice(["user", "assistant"])
        return {"id": f"{rng.random()}", "role": role, "calls": calls,
                "content": rng.choice([*contents, None]), "weight": rng.random()}  # fmt: skip

    return pa.Table.from_pylist([
        {"key": i, "source": f"s{i % 3}",
         "messages": None if i % 50 == 7 else [turn() for _ in range(rng.randint(0, 2))]}
        for i in range(rows)
    ], schema=WIDE)  # fmt: skip


def damage(path: Path, *keep: str) -> int:
    """Overwrite the pages of all leaves of ``messages`` but these; return how many there were."""
    data = bytearray(path.read_bytes())
    metadata, damaged = pq.read_metadata(path), 0
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            name = chunk.path_in_schema
            if name.startswith("messages.") and not name.endswith(keep):
                offsets = [chunk.data_page_offset, chunk.dictionary_page_offset]
                start = min(offset for offset in offsets if offset)
                end = start + chunk.total_compressed_size
                data[start:end] = b"\xff" * (end - start)
                damaged += 1
    path.write_bytes(data)
    return damaged


TEXT: dict[str, Any] = {"text_columns": ["messages[].content"]}
READERS: dict[str, Callable[[Any, Path], object]] = {
    "smart": lambda rows, _: fastsample.sample(rows, 300, smart=True, **TEXT).row_ids.tolist(),
    "entropy": lambda rows, _: fastsample.sample(
        rows, 300, smart="entropy", **TEXT
    ).row_ids.tolist(),
    "score": lambda rows, _: fastsample.score(rows, **TEXT).to_arrow().to_pydict(),
    "split": lambda rows, _: [
        side.row_ids.tolist()
        for side in fastsample.split(rows, {"train": 0.9, "valid": 0.1}, **TEXT).values()
    ],
    "tokens": lambda rows, tokenizer: fastsample.token_lengths(rows, tokenizer, **TEXT).tolist(),
}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[pa.Table, Path]:
    path = tmp_path_factory.mktemp("wide") / "wide.parquet"
    table = wide(1500)
    pq.write_table(table, path, row_group_size=700)
    assert damage(path, "content") == 3 * 5
    return table, path


@pytest.mark.parametrize("reader", READERS)
def test_other_leaves_are_not_read(
    damaged: tuple[pa.Table, Path], tmp_path: Path, reader: str
) -> None:
    table, path = damaged
    tokenizer = make("bpe", tmp_path / "tokenizer.json") if reader == "tokens" else tmp_path
    assert READERS[reader](path, tokenizer) == READERS[reader](table, tokenizer)
    with pytest.raises(fastsample.CorruptDataError, match="messages"):
        fastsample.sample(path, 300).to_arrow()


def test_an_inspection_reads_texts_and_speakers(tmp_path: Path) -> None:
    table, path = wide(1500), tmp_path / "wide.parquet"
    pq.write_table(table, path, row_group_size=700)
    assert damage(path, "content", "role") == 3 * 4
    found = [fastsample.inspect(rows, **TEXT) for rows in (path, table)]
    assert found[0].roles == found[1].roles
    assert found[0].copies == found[1].copies
    assert (found[0].text, found[0].row_lengths) == (found[1].text, found[1].row_lengths)


def test_a_comparison_reads_texts_and_the_column_of_groups(
    damaged: tuple[pa.Table, Path],
) -> None:
    table, path = damaged
    found = [
        fastsample.compare(rows, table.slice(0, 600), by="source", **TEXT) for rows in (path, table)
    ]
    assert found[0].to_dict() == found[1].to_dict()


def test_a_damaged_text_is_blamed(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    pq.write_table(wide(200), path)
    damage(path, "role")
    with pytest.raises(fastsample.CorruptDataError, match="messages"):
        fastsample.score(path, **TEXT)


def test_files_whose_fields_are_in_another_order_do_not_fit(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "hello"}
    for number, names in enumerate([("role", "content"), ("content", "role")]):
        kind = pa.list_(pa.struct([(name, pa.string()) for name in names]))
        table = pa.table({"messages": pa.array([[turn]], kind)})
        pq.write_table(table, tmp_path / f"{number}.parquet")
    with pytest.raises(fastsample.SchemaError, match="messages"):
        fastsample.sample(tmp_path, 2)


TEXTS = st.none() | st.sampled_from(["", "a", "b", "ab", "你好", "x" * 30])
PART = st.none() | st.fixed_dictionaries({"type": TEXTS, "text": TEXTS})
PARTS = st.none() | st.lists(PART, max_size=3)
TURNS = st.fixed_dictionaries({"role": TEXTS, "name": TEXTS, "content": TEXTS, "parts": PARTS})
CHAT = st.none() | st.lists(st.none() | TURNS, max_size=3)
NESTED = pa.list_(pa.struct([
    ("role", pa.string()), ("content", pa.string()), ("name", pa.large_string()),
    ("parts", pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))),
]))  # fmt: skip


def naive(chat: Any) -> tuple[list[str], str]:
    """Return the texts of a row, and what equal rows share."""
    turns = chat or []
    contents = [(turn or {}).get("content") or "" for turn in turns]
    parts = [(turn or {}).get("parts") or [] for turn in turns]
    texts = [(part or {}).get("text") or "" for each in parts for part in each]
    counts = len(turns), [len(each) for each in parts]
    # One item is like the item itself.
    shapes = counts[0] != 1 and counts[0], counts != (1, [1]) and counts
    return contents + texts, repr((contents, texts, shapes))


@settings(max_examples=50, deadline=None)
@given(chats=st.lists(CHAT, min_size=1, max_size=12), size=st.integers(1, 5))
def test_texts_of_files_are_those_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, chats: list[Any], size: int
) -> None:
    folder = tmp_path_factory.mktemp("nested")
    around = pa.table({"chat": pa.array([*chats[:2], *chats, None], NESTED)})
    table = around.slice(len(chats[:2]), len(chats))
    pq.write_table(table, folder / "rows.parquet", row_group_size=size)
    feather.write_feather(table, folder / "rows.arrow")
    expected = [naive(chat) for chat in chats]
    copies = Counter(row for _, row in expected)
    for rows in (table, folder / "rows.parquet", folder / "rows.arrow"):
        text = ["chat[].content", "chat[].parts[].text"]
        scores = fastsample.score(rows, text_columns=text).to_arrow()
        assert scores["chars"].to_pylist() == [sum(map(len, texts)) for texts, _ in expected]
        assert scores["copies"].to_pylist() == [copies[row] for _, row in expected]
