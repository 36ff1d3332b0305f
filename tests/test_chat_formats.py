"""Rows in the chat formats of TRL and LLaMA-Factory pass through untouched, in every format."""

import json
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data import write_ipc

Row = dict[str, Any]

COUNT, N = 40, 15


def _turn(role: str, text: str) -> Row:
    return {"role": role, "content": text}


def _message_rows(i: int) -> Row:
    turns = [_turn("user", f"问题 {i}"), _turn("assistant", f"answer\n{i}")]
    return {"messages": [_turn("system", "简短。"), *turns] if i % 3 else turns}


def _tool_rows(i: int) -> Row:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": i, "b": 1.0}}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    answered = {"role": "tool", "content": str(i + 1), "name": "add"}
    parameters = {"type": "object", "properties": {"a": {"type": "number"}}}
    tool = {"type": "function", "function": {"name": "add", "parameters": parameters}}
    return {"messages": [_turn("user", f"{i} + 1?"), asked, answered], "tools": [tool]}


def _preferences(i: int) -> Row:
    prompt = [_turn("user", f"which {i}?")]
    chosen, rejected = [_turn("assistant", "好" * (i + 1))], [_turn("assistant", "")]
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, "margin": i / 4}


def _alpaca(i: int) -> Row:
    row: Row = {"instruction": f"instruction {i}", "input": "", "output": f"out\t{i}"}
    return {**row, "system": "s", "history": [["早", "早上好"], ["a", "b"]][: i % 3]}


def _sharegpt(i: int) -> Row:
    talk = [{"from": "human", "value": f"h{i}"}, {"from": "gpt", "value": "g" * i}]
    tools = json.dumps([{"name": "f"}])
    return {"conversations": talk * (1 + i % 2), "system": None if i % 2 else "s", "tools": tools}


#: TRL: language modelling, tool calls, prompt and completion, preferences, labels.
#: LLaMA-Factory: alpaca, ShareGPT, ranking, multimodal.
SHAPES: dict[str, Any] = {
    "trl messages": _message_rows,
    "trl tools": _tool_rows,
    "trl prompt and completion": lambda i: {
        "prompt": [_turn("user", f"q{i}")],
        "completion": [_turn("assistant", f"a{i}")],
    },
    "trl preferences": _preferences,
    "trl labels": lambda i: {**_preferences(i), "label": i % 2 == 0},
    "llama-factory alpaca": _alpaca,
    "llama-factory sharegpt": _sharegpt,
    "llama-factory ranking": lambda i: {
        **_sharegpt(i),
        "chosen": {"from": "gpt", "value": f"better {i}"},
        "rejected": {"from": "gpt", "value": "worse"},
    },
    "llama-factory images": lambda i: {
        "messages": [_turn("user", "<image>what?"), _turn("assistant", f"{i}")],
        "images": [f"images/{i}.jpg"],
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_pass_through_untouched(tmp_path: Path, shape: str) -> None:
    rows = [SHAPES[shape](i) for i in range(COUNT)]
    lines = [json.dumps(row, ensure_ascii=i % 2 == 0) for i, row in enumerate(rows)]
    table = pa.Table.from_pylist(rows)
    (tmp_path / "rows.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    pq.write_table(table, tmp_path / "rows.parquet")
    write_ipc(table, tmp_path / "rows.arrow")
    ids = fastsample.sample(table, N).row_ids.tolist()
    wanted = [table.to_pylist()[i] for i in ids]
    for source in (table, *(tmp_path / f"rows.{end}" for end in ("jsonl", "parquet", "arrow"))):
        drawn = fastsample.sample(source, N)
        assert drawn.row_ids.tolist() == ids
        assert drawn.to_arrow().to_pylist() == wanted
        for write, out in (
            (drawn.write_parquet, tmp_path / "out.parquet"),
            (drawn.write_ipc, tmp_path / "out.arrow"),
            (drawn.write_jsonl, tmp_path / "out.jsonl"),
        ):
            write(out)
            again = fastsample.sample(out, N).to_arrow().to_pylist()
            assert again == wanted, (source, out)
        written = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
        if str(source).endswith("rows.jsonl"):
            assert written == [lines[i] for i in ids]
        assert [json.loads(line) for line in written] == (
            [rows[i] for i in ids] if str(source).endswith("rows.jsonl") else wanted
        )
