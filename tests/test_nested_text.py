"""Text in nested columns, beside ids, labels and links: chats are split, weighed and measured."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers_made import make

ROWS, DISTINCT = 1000, 300


def sentence(i: int) -> str:
    rng = random.Random(i)
    words = ["模型", "数据", "train", "采样", "文本", "token", "方法", "结果", "问题", "我们"]
    return " ".join(rng.choice(words) for _ in range(rng.randint(3, 30))) + f"，{i}。"


def which(row: int) -> int:
    """Return the text of a row: 300 texts in 1,000 rows, in no order."""
    return random.Random(row + 7).randrange(DISTINCT)


#: Rows in the schemas of chats: each row's texts are those of `which(row)` alone.
CHATS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "OpenAI": (
        "messages",
        lambda i: [
            {"role": "user", "content": sentence(i)},
            {"role": "assistant", "content": sentence(i + 1000)},
        ],
    ),
    "ShareGPT": (
        "conversations",
        lambda i: [{"from": ("human", "gpt")[k % 2], "value": sentence(i * 5 + k)}
                   for k in range(i % 4 + 1)],
    ),
    "tool calls": (
        "messages",
        lambda i: [
            {"role": "user", "content": sentence(i), "tool_calls": None},
            {"role": "assistant", "content": None,
             "tool_calls": [{"function": {"name": "get", "arguments": sentence(i + 500)}}]},
        ],
    ),
    "parts": (
        "messages",
        lambda i: [{"role": "user", "content": [
            {"type": "text", "text": sentence(i)}, {"type": "text", "text": sentence(i + 400)},
        ]}],
    ),
    "a list of strings": ("dialog", lambda i: [sentence(i), sentence(i + 2000)]),
    "a struct": ("translation", lambda i: {"en": sentence(i), "zh": sentence(i + 3000)}),
}  # fmt: skip


def chats(name: str, rows: int = ROWS) -> pa.Table:
    column, chat = CHATS[name]
    return pa.table({"id": [f"row-{i}" for i in range(rows)],
                     column: [chat(which(i)) for i in range(rows)]})  # fmt: skip


def dpo(rows: int = ROWS) -> pa.Table:
    def answers(i: int, other: int) -> list[dict[str, str]]:
        return [{"role": "user", "content": sentence(i)},
                {"role": "assistant", "content": sentence(i + other)}]  # fmt: skip

    return pa.table({
        "prompt": [sentence(which(i)) for i in range(rows)],
        "chosen": [answers(which(i), 1000) for i in range(rows)],
        "rejected": [answers(which(i), 2000) for i in range(rows)],
        "score": [i / 7 for i in range(rows)],
    })  # fmt: skip


def texts(table: pa.Table) -> list[str]:
    """Return each row without its id, as a string that equal rows share."""
    kept = [name for name in table.column_names if name not in ("id", "score")]
    return [json.dumps(row, ensure_ascii=False) for row in table.select(kept).to_pylist()]


def on_both(split: fastsample.Split) -> int:
    first, second = (set(texts(side.to_arrow())) for side in split.values())
    return len(first & second)


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("name", [*CHATS, "DPO"])
def test_a_conversation_is_on_one_side_of_a_split(name: str, near: bool) -> None:
    table = dpo() if name == "DPO" else chats(name)
    split = fastsample.split(table, {"train": 0.9, "valid": 0.1}, near_duplicates=near)
    assert on_both(split) == 0
    assert len(split["valid"]) == 100


def pairs(rows: int, **added: Callable[[int], Any]) -> pa.Table:
    """Return pairs of which many occur several times, with columns that tell rows apart."""
    columns: dict[str, Any] = {
        "prompt": [sentence(which(i) // 3) for i in range(rows)],
        "response": [sentence(which(i) + 5000) for i in range(rows)],
    }
    return pa.table(columns | {n: [value(i) for i in range(rows)] for n, value in added.items()})


ADDED: list[dict[str, Callable[[int], Any]]] = [
    {"source": lambda i: f"books/{i // 100}"},
    {"id": lambda i: f"{i:08x}"},
    {"label": lambda i: ("good", "bad", "ugly")[i % 3]},
    {"url": lambda i: f"https://example.com/{i}"},
    {
        "key": lambda i: f"k{i}",
        "kind": lambda i: str(i % 5),
        "seen": lambda i: f"2024-01-01 00:{i}",
    },
]


@pytest.mark.parametrize("added", ADDED)
def test_ids_labels_and_links_do_not_tell_rows_apart(
    added: dict[str, Callable[[int], Any]], tmp_path: Path
) -> None:
    plain, table = pairs(ROWS), pairs(ROWS, **added)
    split = fastsample.split(table, {"train": 0.9, "valid": 0.1})
    sides = [set(zip(*side.to_arrow().select(["prompt", "response"]).to_pydict().values(),
                     strict=True)) for side in split.values()]  # fmt: skip
    assert not sides[0] & sides[1]
    named = fastsample.sample(table, 250, smart=True, text_columns=["prompt", "response"])
    drawn = fastsample.sample(table, 250, smart=True)
    assert drawn.row_ids.tolist() == named.row_ids.tolist()
    assert drawn.row_ids.tolist() == fastsample.sample(plain, 250, smart=True).row_ids.tolist()
    assert fastsample.inspect(table).copies == fastsample.inspect(plain).copies
    whole = fastsample.sample(table, ROWS)
    assert whole.write_parquet(tmp_path / "all.parquet").copies == ROWS - len(
        set(zip(table["prompt"].to_pylist(), table["response"].to_pylist(), strict=True))
    )


@pytest.mark.shared
@pytest.mark.parametrize("added", [None, "id", "label", "url"])
def test_real_pairs_are_on_one_side(shared: Path, added: str | None) -> None:
    table = pq.read_table(shared / "data" / "dev_text.parquet")
    rows = range(table.num_rows)
    made = {"id": [f"{i:08x}" for i in rows], "label": [f"c{i % 9}" for i in rows],
            "url": [f"https://example.com/{i}" for i in rows]}  # fmt: skip
    if added is not None:
        table = table.append_column(added, pa.array(made[added]))
    split = fastsample.split(table, {"train": 150_000, "valid": 15_000})
    text = ["prompt", "response"]
    sides = [
        set(zip(*side.to_arrow().select(text).to_pydict().values(), strict=True))
        for side in split.values()
    ]
    assert not sides[0] & sides[1]
    drawn = fastsample.sample(table, 50_000, smart=True)
    named = fastsample.sample(table, 50_000, smart=True, text_columns=text)
    assert np.array_equal(drawn.row_ids, named.row_ids)


def one_turn(rows: int = ROWS) -> tuple[pa.Table, pa.Table]:
    """Return the same texts as a flat column and as chats of one turn."""
    found = [sentence(which(i)) for i in range(rows)]
    flat = pa.table({"text": found})
    chat = pa.table({"messages": [[{"role": "user", "content": text}] for text in found]})
    return flat, chat


@pytest.mark.parametrize("smart", [True, "entropy", "target"])
def test_chats_of_one_turn_are_drawn_like_flat_text(smart: Any) -> None:
    flat, chat = one_turn()
    rules = [smart, smart]
    if smart == "target":
        rules = [fastsample.Smart(target=table.slice(0, 50)) for table in (flat, chat)]
    drawn = [
        fastsample.sample(table, 200, smart=rule)
        for table, rule in zip((flat, chat), rules, strict=True)
    ]
    assert drawn[0].row_ids.tolist() == drawn[1].row_ids.tolist()
    found = [each.report.smart for each in drawn]
    copies = ROWS - len({which(i) for i in range(ROWS)})
    assert [each and each.copies for each in found] == [copies, copies]


def test_chats_of_one_turn_are_split_scored_compared_and_counted_like_flat_text(
    tmp_path: Path,
) -> None:
    flat, chat = one_turn()
    sides = [fastsample.split(table, {"a": 0.8, "b": 0.1}) for table in (flat, chat)]
    for name in ("a", "b"):
        assert sides[0][name].row_ids.tolist() == sides[1][name].row_ids.tolist()
    scores = [fastsample.score(table).to_arrow() for table in (flat, chat)]
    assert scores[0].equals(scores[1])
    compared = [
        fastsample.compare(table, table.take(np.arange(0, ROWS, 3))) for table in (flat, chat)
    ]
    plain = [found.to_dict() for found in compared]
    assert compared[1].text == ("messages[].content",)
    assert plain[0].pop("columns")["text"] == plain[1].pop("columns")["messages[].content"]
    del plain[0]["text"], plain[1]["text"]
    assert plain[0] == plain[1]
    inspected = [fastsample.inspect(table) for table in (flat, chat)]
    assert inspected[0].row_lengths == inspected[1].row_lengths
    assert inspected[0].copies == inspected[1].copies
    tokenizer = make("bpe", tmp_path / "tokenizer.json")
    tokens = [fastsample.token_lengths(table, tokenizer) for table in (flat, chat)]
    assert np.array_equal(tokens[0], tokens[1])
    budget = [
        fastsample.sample(table, budget_tokens=3000, tokenizer=tokenizer) for table in (flat, chat)
    ]
    assert budget[0].row_ids.tolist() == budget[1].row_ids.tolist()
    assert budget[1].report.text_columns == ("messages[].content",)


@pytest.mark.parametrize("name", CHATS)
def test_lengths_of_chats_are_those_of_their_texts(name: str, tmp_path: Path) -> None:
    table = chats(name, 200)

    def chars(value: Any, key: str = "") -> int:
        if isinstance(value, dict):
            return sum(chars(v, k) for k, v in value.items())
        if isinstance(value, list):
            return sum(chars(v, key) for v in value)
        return 0 if value is None or key in ("role", "from", "name", "type") else len(value)

    column = CHATS[name][0]
    expected = [chars(value) for value in table[column].to_pylist()]
    found = fastsample.inspect(table)
    assert found.row_lengths is not None
    assert found.row_lengths.mean == pytest.approx(sum(expected) / len(expected))
    dataset = fastsample.sample(table, 200).cache(tmp_path)
    assert dataset.lengths().tolist() == expected
    assert dataset.lengths([column]).tolist() == expected
    batches = fastsample.LengthBatchSampler(dataset, batch_size=8)
    assert batches.padding().used == sum(expected)
    plan = fastsample.plan(
        table, 100, seconds_per_step=1.0, epochs=1, batch_size=8, max_length=64, lengths=True
    )
    assert 0 < plan.lengths[0].mean <= 64


def test_rows_without_text_have_no_lengths(tmp_path: Path) -> None:
    table = pa.table({"n": list(range(50)), "v": [[1.0, 2.0]] * 50})
    dataset = fastsample.sample(table, 50).cache(tmp_path)
    with pytest.raises(fastsample.ColumnError, match="no text column to measure rows by"):
        fastsample.LengthBatchSampler(dataset, batch_size=8)


def test_hugging_face_datasets_of_chats_have_lengths(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    table = chats("OpenAI", 100)
    rows = fastsample.sample(table, 100).cache(tmp_path).to_hf()
    expected = [sum(len(turn["content"]) for turn in m) for m in table["messages"].to_pylist()]
    assert rows["length"][:] == expected
    numbers = pa.table({"n": list(range(5))})
    without = fastsample.sample(numbers, 5).cache(tmp_path).to_hf()
    assert without.column_names == ["n"]


def layouts(table: pa.Table) -> dict[str, pa.Table]:
    """Return the same chats in other layouts."""
    turn = table.schema.field("messages").type.value_type
    texts = {
        "large strings": pa.large_string(), "views": pa.string_view(),
        "dictionaries": pa.dictionary(pa.int32(), pa.string()),
    }  # fmt: skip
    made = {}
    for name, kind in texts.items():
        fields = [pa.field("role", kind), pa.field("content", kind)]
        made[name] = pa.large_list(pa.struct(fields))
    made["list views"] = pa.list_view(turn)
    made["large list views"] = pa.large_list_view(turn)
    made["lists of two"] = pa.list_(turn, 2)
    column = table["messages"].combine_chunks()
    values = column.to_pylist()
    tables = {
        name: table.set_column(1, "messages", pa.chunked_array([pa.array(values, kind)]))
        for name, kind in made.items()
    }
    padded = pa.concat_tables([table.slice(500), table, table.slice(0, 3)])
    tables["slices"] = padded.slice(500, table.num_rows).combine_chunks()
    tables["chunks"] = pa.concat_tables([table.slice(0, 333), table.slice(333)])
    return tables


def test_layouts_do_not_matter(tmp_path: Path) -> None:
    table = chats("OpenAI")
    expected = fastsample.sample(table, 200, smart=True).row_ids.tolist()
    side = fastsample.split(table, {"a": 0.9, "b": 0.1})["b"].row_ids.tolist()
    files = {"parquet": tmp_path / "a.parquet", "ipc": tmp_path / "a.arrow"}
    pq.write_table(table, files["parquet"], row_group_size=100, data_page_size=500)
    with pa.ipc.new_file(files["ipc"], table.schema) as writer:
        writer.write_table(table, max_chunksize=77)
    for name, source in {**layouts(table), **files}.items():
        for threads in (1, 2):
            drawn = fastsample.sample(source, 200, smart=True, threads=threads)
            assert drawn.row_ids.tolist() == expected, name
        split = fastsample.split(source, {"a": 0.9, "b": 0.1})
        assert split["b"].row_ids.tolist() == side, name


def test_boundaries_between_turns_tell_conversations_apart() -> None:
    def turns(*words: str | None) -> list[dict[str, str | None]]:
        return [{"role": "user", "content": text} for text in words]

    rows = [turns("ab", "c"), turns("a", "bc"), turns("abc"), turns("abc", ""), turns("", "abc"),
            turns("ab", "c"), turns("abc", None), None, []]  # fmt: skip
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    table = pa.table({"messages": pa.array(rows, kind)})
    assert fastsample.score(table).to_arrow()["copies"].to_pylist() == [2, 1, 1, 2, 1, 2, 2, 2, 2]
