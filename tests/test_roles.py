"""Lengths by role: by names of columns and by who speaks, in every shape and layout."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fastsample.cli import app
from hypothesis import given, settings
from hypothesis import strategies as st

SPEAKERS = {"system": "system", "User": "prompt", "gpt": "response", "observation": "tool"}
ROLES = ("system", "prompt", "response", "tool", "other")

PART = st.none() | st.fixed_dictionaries({"text": st.none() | st.sampled_from(["", "a", "你好"])})
CALL = st.fixed_dictionaries({"arguments": st.sampled_from(["", "x" * 7])})
TURN = st.none() | st.fixed_dictionaries({
    "from": st.none() | st.sampled_from([*SPEAKERS, "moderator"]),
    "content": st.none() | st.lists(PART, max_size=3),
    "calls": st.none() | st.lists(CALL, max_size=2),
})  # fmt: skip
CHATS = st.lists(st.none() | st.lists(TURN, max_size=4), min_size=1, max_size=8)

PARTS = pa.list_(pa.struct([("text", pa.string())]))
CALLS = pa.list_(pa.struct([("arguments", pa.string())]))
KIND = pa.struct([("from", pa.string()), ("content", PARTS), ("calls", CALLS)])


def views(chats: pa.Array, step: int) -> pa.Array:
    """Return the chats as views of turns that lie in their order, or the other way round."""
    turned = chats[::step]
    sizes = pa.array([len(chat or ()) for chat in turned.to_pylist()], pa.int32())
    starts = [sum(sizes[:i].to_pylist()) for i in range(len(sizes))]
    mask = chats.is_null()
    return pa.ListViewArray.from_arrays(
        pa.array(starts, pa.int32())[::step], sizes[::step], turned.flatten(), mask=mask
    )


LAYOUTS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "list": lambda chats: chats,
    "large list": lambda chats: chats.cast(pa.large_list(KIND)),
    "slice": lambda chats: pa.concat_arrays([chats, chats]).slice(len(chats)),
    "view": lambda chats: views(chats, 1),
    "turned view": lambda chats: views(chats, -1),
}


def told(chats: list[Any]) -> Iterator[dict[str, int]]:
    """Yield the characters of each chat by role, turn by turn."""
    for chat in chats:
        chars = dict.fromkeys(ROLES, 0)
        for turn in chat or ():
            if turn is not None:
                role = SPEAKERS.get(turn["from"], "other")
                chars[role] += sum(len((p or {}).get("text") or "") for p in turn["content"] or ())
                chars["tool"] += sum(len(call["arguments"]) for call in turn["calls"] or ())
        yield chars


def found_in(source: Any, **options: Any) -> dict[str, tuple[float, int, int]]:
    found = fastsample.inspect(source, **options).roles
    return {name: (each.mean, each.max, each.nulls) for name, each in found.items()}


def expected(rows: list[dict[str, int]]) -> dict[str, Any]:
    by_role = {role: [row[role] for row in rows] for role in ROLES}
    return {
        role: (pytest.approx(sum(chars) / len(chars)), max(chars), chars.count(0))
        for role, chars in by_role.items()
        if any(chars)
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=40, deadline=None)
@given(chats=CHATS)
def test_chats_of_any_layout(layout: str, chats: list[Any]) -> None:
    column = LAYOUTS[layout](pa.array(chats, pa.list_(KIND)))
    table = pa.table({"talk": column})
    assert found_in(table) == expected(list(told(chats)))


def test_what_lies_beneath_a_null_is_not_counted() -> None:
    turns = pa.array([{"role": "user", "content": "abc"}, {"role": "assistant", "content": "de"}])
    hidden = pa.ListArray.from_arrays(
        pa.array([0, 1, 2], pa.int32()), turns, mask=pa.array([True, False])
    )
    assert found_in(pa.table({"messages": hidden})) == {"response": (1.0, 2, 1)}


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_formats_and_threads_agree(tmp_path: Path, threads: int) -> None:
    rows = [
        {"conversations": [{"from": "human", "value": "h" * i}, {"from": "gpt", "value": "g" * 5}]}
        for i in range(3000)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=700)
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    wanted = {"prompt": (1499.5, 2999, 1), "response": (5.0, 5, 0)}
    for name in ("a.parquet", "a.jsonl"):
        assert found_in(tmp_path / name, threads=threads) == wanted


def test_columns_tell_roles_by_name() -> None:
    table = pa.table({
        "system": ["be brief", None], "instruction": ["what?", "why?"], "输入": ["", "abc"],
        "output": ["so", ""], "history": [[["a", "bc"]], []], "title": ["T", ""],
    })  # fmt: skip
    assert found_in(table) == {
        "system": (4.0, 8, 1), "prompt": (7.5, 8, 0), "response": (1.0, 2, 1), "other": (0.5, 1, 1),
    }  # fmt: skip


def test_preferences_are_told_by_their_speakers() -> None:
    turns = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    table = pa.table({
        name: [[{"role": role, "content": name}]] for name, role in turns.items()
    })  # fmt: skip
    assert found_in(table) == {"prompt": (6.0, 6, 0), "response": (14.0, 14, 0)}


def test_documents_have_no_roles() -> None:
    assert fastsample.inspect(pa.table({"text": ["a", "b"]})).roles == {}


def test_the_texts_that_are_named_are_told(tmp_path: Path) -> None:
    """A speaker that is named as text is text of its own turn."""
    table = pa.table({"messages": [[{"role": "user", "content": "abc"}]], "text": ["xy"]})
    assert found_in(table) == {"prompt": (3.0, 3, 0), "other": (2.0, 2, 0)}
    named = found_in(table, text_columns=["messages[].role", "messages[].content"])
    assert named == {"prompt": (7.0, 7, 0)}


def test_reports_name_roles(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "你好" * 40}, {"role": "assistant", "content": "好"}]
    pq.write_table(pa.table({"messages": [turns] * 20}), tmp_path / "chats.parquet")
    arguments = ["inspect", str(tmp_path / "chats.parquet")]
    printed = CliRunner().invoke(app, arguments).stdout
    (part,) = [part for part in printed.split("\n\n") if part.startswith("Length in characters by")]
    assert [line.split()[0] for line in part.splitlines()[3:]] == ["prompt", "response"]
    assert max(map(len, part.splitlines())) <= 80
    plain = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert plain["roles"]["prompt"]["mean"] == 80
    found = fastsample.inspect(tmp_path / "chats.parquet")
    assert "Length in characters by role" in found._repr_html_()
    planned = fastsample.plan(found, 10, batch_size=2, seconds_per_step=1, lengths=True)
    assert "of their characters: prompt 99%, response 1%" in planned.assumptions


def test_a_role_a_column_is_one_table() -> None:
    found = str(fastsample.inspect(pa.table({"prompt": ["what?"], "response": ["so"]})))
    assert "by role" not in found
