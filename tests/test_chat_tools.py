"""Function definitions beside a chat, given to its template; tokens of chats in plans."""

import json
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fastsample.cli import app

pytest.importorskip("tokenizers")

from test_chat_template import PLAIN, calls, count, model, openai, plain, rendered

#: In the manner of published templates: functions as JSON before the chat.
SHOWING = """{%- if tools %}
{{- '<tools>' }}{% for tool in tools %}{{ '\\n' }}{{ tool | tojson }}{% endfor %}{{ '</tools>\\n' }}
{%- endif %}
{%- for m in messages %}{{ '<' ~ m.role ~ '>' ~ m.content ~ '\\n' }}{% endfor %}"""


def functions(row: int) -> list[dict[str, Any]]:
    properties = {"城市": {"type": "string"}, f"a{row}": {"type": "number", "maximum": row / 4}}
    tool = {"name": f"f{row}", "parameters": {"type": "object", "properties": properties}}
    return [{"type": "function", "function": tool}] * (1 + row % 2)


def shown(tools: Any, chat: Any) -> str:
    lines = "".join(f"\n{json.dumps(tool, ensure_ascii=False)}" for tool in tools or ())
    return (f"<tools>{lines}</tools>\n" if tools else "") + plain(chat)


def test_functions_as_text_and_as_structs(tmp_path: Path) -> None:
    folder, chats = model(tmp_path / "model", SHOWING), openai(12)
    given = [functions(row) if row % 3 else None for row in range(12)]
    texts = [shown(*pair) for pair in zip(given, chats, strict=True)]
    written = [None if tools is None else json.dumps(tools) for tools in given]
    blank = ["" if text is None else text for text in written]
    each = [None if tools is None else [json.dumps(tool) for tool in tools] for tools in given]
    for tools in (written, blank, each):
        table = pa.table({"tools": tools, "messages": chats})
        assert rendered(table, folder) == texts
    lines = (json.dumps({"messages": c, "tools": t}) for c, t in zip(chats, written, strict=True))
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = fastsample.token_lengths(tmp_path / "a.jsonl", folder, chat_template=True)
    assert found.tolist() == count(folder, texts)
    # Structs of Arrow have the same fields in all rows, with nulls where a function has none.
    table = pa.table({"messages": chats, "tools": given})
    assert rendered(table, folder) == [shown(r["tools"], r["messages"]) for r in table.to_pylist()]


@pytest.mark.torch
def test_functions_are_shown_as_by_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = model(tmp_path / "model", SHOWING)
    theirs = AutoTokenizer.from_pretrained(folder)
    chats = openai(8)
    table = pa.table({"messages": chats, "tools": [functions(row) for row in range(8)]})
    texts = pa.table({"messages": chats, "tools": [json.dumps(functions(r)) for r in range(8)]})
    for source in (table, texts):
        rows = source.to_pylist()
        for row in rows:
            if isinstance(row["tools"], str):
                row["tools"] = json.loads(row["tools"])
        expected = [
            theirs.apply_chat_template(row["messages"], tools=row["tools"], tokenize=False)
            for row in rows
        ]
        assert rendered(source, folder) == expected


def test_all_chats_of_a_row_are_given_them(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", SHOWING)
    table = pa.table({
        "chosen": [[{"role": "user", "content": "a"}]], "tools": ['[{"name": "f"}]'],
        "rejected": [[{"role": "user", "content": "b"}]],
    })  # fmt: skip
    tools = '<tools>\n{"name": "f"}</tools>\n'
    assert rendered(table, folder) == [f"{tools}<user>a\n{tools}<user>b\n"]


def test_what_is_chosen_is_said(tmp_path: Path) -> None:
    showing, without = model(tmp_path / "a", SHOWING), model(tmp_path / "b", PLAIN)
    chats = {"messages": openai(4)}
    tools = [json.dumps(functions(row)) for row in range(4)]

    def notes(table: pa.Table, folder: Path) -> list[str]:
        options: dict[str, Any] = {"tokenizer": folder, "chat_template": True}
        report = fastsample.sample(table, budget_tokens=10**6, **options).report
        return [note for note in report.notes if "functions" in note]

    with_tools = pa.table(chats | {"tools": tools})
    assert notes(with_tools, showing) == ["the chat template is given the functions in tools"]
    assert notes(with_tools, without) == []
    assert notes(pa.table(chats), showing) == []
    (note,) = notes(pa.table(chats | {"tools": [1, 2, 3, 4]}), showing)
    assert note.startswith("the chat template is given no functions: tools is Int64")


@pytest.mark.parametrize(
    ("tools", "what"),
    [
        ("[{]", "the functions are no JSON"),
        ("{}", "the functions are no list"),
        ('[{"a": 1}, 3]', "item 2 of the functions is no object"),
        (["nope"], "the functions are no JSON"),
    ],
)
def test_functions_that_are_none(tmp_path: Path, tools: Any, what: str) -> None:
    folder = model(tmp_path / "model", SHOWING)
    kind = pa.array([None, tools])
    table = pa.table({"messages": openai(2), "tools": kind})
    expected = rf'row 1 \(counted from 0\), column "tools": {what}.*; mend the row'
    with pytest.raises(fastsample.ArgumentError, match=expected):
        fastsample.token_lengths(table, folder, chat_template=True)


# Plans


def test_a_plan_counts_tokens(tmp_path: Path) -> None:
    folder, chats = model(tmp_path / "model", PLAIN), calls()
    path = tmp_path / "chats.parquet"
    pq.write_table(pa.table({"messages": chats}), path)
    options: dict[str, Any] = {"batch_size": 4, "seconds_per_step": 1, "max_length": 40}
    for template in (True, False):
        counted = fastsample.token_lengths(path, folder, chat_template=template)
        plan = fastsample.plan(path, **options, tokenizer=folder, chat_template=template)
        facts = next(each for each in plan.lengths if each.limit == 40)
        assert facts.cut_rows == pytest.approx((counted > 40).mean())
        assert facts.mean == pytest.approx(counted.clip(max=40).mean())
        said = "tokens are counted, in chats as the chat template renders them"
        assert (said in plan.assumptions) == template
    arguments = ["plan", str(path), "--batch-size", "4", "--seconds-per-step", "1", "--json"]
    arguments += ["--max-length", "40", "--tokenizer", str(folder), "--chat-template"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    wanted = fastsample.plan(path, **options, tokenizer=folder, chat_template=True).to_dict()
    assert json.loads(done.stdout) == json.loads(json.dumps(wanted))


def test_plans_that_contradict_themselves(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    table = pa.table({"messages": openai(4)})
    options: dict[str, Any] = {"batch_size": 4, "seconds_per_step": 1}
    with pytest.raises(fastsample.ArgumentError, match="chat_template is for tokenizer="):
        fastsample.plan(table, **options, chat_template=True)
    limits = {"messages": 5}
    with pytest.raises(fastsample.ArgumentError, match="chat_template counts whole chats"):
        fastsample.plan(table, **options, tokenizer=folder, chat_template=True, max_length=limits)
