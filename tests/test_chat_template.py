"""Tokens of chats by the tokenizer's chat template, held against `apply_chat_template`."""

import json
import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from data import texts
from fastsample import _fastsample
from fastsample.cli import app

pytest.importorskip("tokenizers")

from tokenizers_made import make

Row = list[dict[str, Any]]

CHATML = """{% for message in messages %}
{%- if loop.first and message.role != 'system' -%}
    {{ '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}
{%- endif -%}
{%- if message.content is string -%}
    {%- set text = message.content -%}
{%- else -%}
    {%- set parts = namespace(text='') -%}
    {%- for part in message.content if part.type == 'text' -%}
        {%- set parts.text = parts.text ~ part.text -%}
    {%- endfor -%}
    {%- set text = parts.text -%}
{%- endif -%}
{{ '<|im_start|>' + message['role'] + '\\n' + text + '<|im_end|>' + '\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""

HEADERS = """{{ bos_token }}
{%- set date = strftime_now('%d %b %Y') if use_date is defined else '26 Jul 2024' -%}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set system, rest = '', messages %}
{%- endif %}
{{- '<|start|>system<|end|>\\n\\nToday: ' + date + '\\n' + system + '<|eot|>' }}
{%- for message in rest %}
    {{- '<|start|>' + message.role + '<|end|>\\n\\n' }}
    {%- generation -%}
    {%- if 'tool_calls' in message and message.tool_calls %}
        {%- if message.tool_calls | length != 1 %}
            {{- raise_exception('one call at a time, not ' ~ message.tool_calls | length) }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '{"name": "' ~ call.name ~ '", "parameters": ' ~ call.arguments | tojson ~ '}' }}
    {%- elif message.content is iterable and message.content is not string %}
        {{- message.content | map(attribute='text') | select('string') | join('|') }}
    {%- else %}
        {{- message.content | default('', true) | trim }}
    {%- endif %}
    {%- endgeneration -%}
    {{- '<|eot|>' }}
{%- endfor %}"""

ALTERNATING = """{%- if messages[0].role == 'system' %}
{%- set system = messages[0].content + '\\n\\n' %}
{%- set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif -%}
{{ bos_token }}
{%- for message in turns %}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('user and assistant take turns, but message ' ~ loop.index ~ ' does not') }}
{%- endif %}
{%- if message.role == 'user' %}
{{- '[INST] ' + (system if loop.last or loop.nextitem is not defined else '') }}
{{- message.content.strip() + ' [/INST]' }}
{%- elif message.role == 'assistant' %}
{{- ' ' ~ message.content.split('</think>')[-1].lstrip('\\n') ~ eos_token }}
{%- endif %}
{%- endfor %}"""

TOOLS = """{%- macro show(value, depth=0) -%}
{%- if value is mapping -%}
{%- for key, inner in value | dictsort -%}
{{ '  ' * depth }}{{ key | title }}: {{ show(inner, depth + 1) }}{{ '; ' if not loop.last }}
{%- endfor -%}
{%- elif value is sequence and value is not string -%}
{%- for inner in value -%}{{ show(inner, depth + 1) }},{%- endfor -%}
{%- else -%}{{ value }}{%- endif -%}
{%- endmacro -%}
{%- for message in messages -%}
<{{ message.role | upper }}>{% if message.reasoning_content %}[{{ message.thinking }}]{% endif %}
{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
<call>{{ call | tojson(indent=2) }} {{ show(call.function) }} {{ call.function }}</call>
{%- endfor %}
</{{ message.role }}>
{% endfor -%}"""

TEMPLATES = {
    "chatml": CHATML,
    "headers": HEADERS,
    "alternating": ALTERNATING,
    "tools": TOOLS,
}


def words(count: int) -> list[str]:
    return texts(count, 20.0, np.random.default_rng(3))


def openai(rows: int = 60) -> list[Row]:
    """Make chats of text, some with a system prompt."""
    said = words(4 * rows)
    spaces = ["", " ", "\n", "\x1f\u3000", " it's </think>\n\n"]
    return [
        [
            *([{"role": "system", "content": said[4 * row]}] if row % 3 == 0 else []),
            {"role": "user", "content": spaces[row % 5] + said[4 * row + 1]},
            {"role": "assistant", "content": said[4 * row + 2] + spaces[row % 4]},
            *([{"role": "user", "content": said[4 * row + 3] + "\r\n"}] if row % 4 == 0 else []),
        ]
        for row in range(rows)
    ]


def calls() -> list[Row]:
    """Make chats with tool calls, nulls and thoughts."""
    call = {"id": "a1", "type": "function"}
    rows: list[Row] = []
    for row, text in enumerate(words(20)):
        arguments = {
            "城市": text[:4],
            "days": row,
            "exact": row % 2 == 0,
            "share": row / 7,
            "n": None,
        }
        rows.append(
            [
                {"role": "user", "content": text},
                {
                    "role": "assistant",
                    "content": None if row % 2 else "",
                    "reasoning": text if row % 3 == 0 else None,
                    "tool_calls": [
                        {**call, "function": {"name": "weather", "arguments": arguments}}
                    ],
                },
                {
                    "role": "tool",
                    "name": "weather",
                    "content": '{"temp": 20, "note": "it\'s \\"ok\\""}',
                },
                {
                    "role": "assistant",
                    "content": "好的。",
                    "thinking": "想" if row % 4 == 0 else None,
                },
            ]
        )
    return rows


def parts() -> list[Row]:
    """Make chats whose content is a list of parts."""
    return [
        [
            {
                "role": "user",
                "content": [{"type": "image", "text": None}, {"type": "text", "text": text}],
            },
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "好"}, {"type": "text", "text": " ok"}],
            },
        ]
        for text in words(20)
    ]


DATA = {"openai": openai(), "calls": calls(), "parts": parts()}


@cache
def trained() -> bytes:
    """Train a tokenizer once."""
    from tokenizers import Tokenizer

    with TemporaryDirectory() as folder:
        made = Tokenizer.from_file(str(make("bpe", Path(folder) / "tokenizer.json")))
    made.add_special_tokens(["<s>", "</s>", "<|im_start|>", "<|im_end|>"])
    return made.to_str().encode()


def model(folder: Path, template: Any, **config: Any) -> Path:
    """Save a tokenizer with its chat template, as models are published."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_bytes(trained())
    tokens = {"bos_token": "<s>", "eos_token": {"__type": "AddedToken", "content": "</s>"}}
    settings = {"chat_template": template, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | tokens | config))
    return folder


def rendered(table: Any, folder: Path, **options: Any) -> list[str]:
    from fastsample._source import open_source

    tokenizer = _fastsample.Tokenizer(
        folder / "tokenizer.json", special_tokens=True, chat_template=True
    )
    source = open_source(table, None, None, None)
    found = pa.array(tokenizer.rendered(source, text=options.get("text"), threads=None))
    texts: list[str] = found.to_pylist()
    return texts


@pytest.mark.torch
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", TEMPLATES)
def test_chats_are_those_of_transformers(name: str, data: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = model(tmp_path / "model", TEMPLATES[name])
    theirs = AutoTokenizer.from_pretrained(folder)
    assert theirs.bos_token == "<s>"
    table = pa.table({"id": range(len(DATA[data])), "messages": DATA[data]})
    compared = 0
    for row, chat in enumerate(table["messages"].to_pylist()):
        one = table.slice(row, 1)
        try:
            text = theirs.apply_chat_template(chat, tokenize=False)
        except Exception:
            with pytest.raises(fastsample.ArgumentError, match="the chat template fails on row 0"):
                fastsample.token_lengths(one, folder, chat_template=True)
            continue
        ids = theirs.apply_chat_template(chat, tokenize=True, return_dict=False)
        assert rendered(one, folder) == [text]
        assert fastsample.token_lengths(one, folder, chat_template=True).tolist() == [len(ids)]
        compared += 1
    assert compared == len(DATA[data]) or (name, data) in {
        ("alternating", "calls"),
        ("alternating", "parts"),
        ("chatml", "calls"),
        ("tools", "parts"),
        ("headers", "calls"),
        ("alternating", "openai"),
    }


def plain(chat: Row) -> str:
    return "".join(f"<{m['role']}>{m['content']}\n" for m in chat if m["content"] is not None)


#: What `plain` makes of a chat.
PLAIN = (
    "{% for m in messages %}{% if m.content is defined %}"
    "{{ '<' ~ m.role ~ '>' ~ m.content ~ '\\n' }}{% endif %}{% endfor %}"
)


def count(folder: Path, texts: list[str]) -> list[int]:
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return [len(made.encode(text, add_special_tokens=False).ids) for text in texts]


def test_all_kinds_of_sources_and_threads(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    rows = openai(500)
    table = pa.table({"id": range(500), "note": words(500), "messages": rows})
    expected = count(folder, [plain(row) for row in rows])
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=70)
    lines = [json.dumps({"id": row, "messages": chat}) for row, chat in enumerate(rows)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    view = pa.table(
        {
            "messages": table["messages"]
            .combine_chunks()
            .cast(pa.large_list(table["messages"].type.value_type))
        }
    )
    cached = fastsample.sample(table, 500).cache()
    for source in (table, tmp_path / "a.parquet", tmp_path / "a.jsonl", view, cached):
        for threads in (1, 3):
            found = fastsample.token_lengths(source, folder, chat_template=True, threads=threads)
            assert found.tolist() == expected
    named = fastsample.token_lengths(
        table, folder, text_columns=["messages[].content"], chat_template=True
    )
    assert named.tolist() == expected


def test_sharegpt_is_renamed_and_said(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    roles = {"human": "user", "gpt": "assistant", "system": "system", "observation": "observation"}
    chats = [
        [{"from": speaker, "value": f"第{row}句"} for speaker in list(roles)[: row % 5]]
        for row in range(40)
    ]
    expected = [
        "".join(f"<{roles[turn['from']]}>{turn['value']}\n" for turn in chat) for chat in chats
    ]
    table = pa.table({"conversations": chats})
    assert rendered(table, folder) == expected
    drawn = fastsample.sample(table, 10, max_tokens=10**6, tokenizer=folder, chat_template=True)
    assert drawn.report.tokens == sum(count(folder, [expected[row] for row in drawn.row_ids]))
    assert drawn.report.text_columns == ("conversations[].value",)
    assert any(
        "from is the role (human is user, gpt is assistant), and value the content" in note
        for note in drawn.report.notes
    )


def test_chats_without_a_message_have_no_tokens(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "{{ bos_token }}" + PLAIN)
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    chats = pa.array([None, [], [{"role": "user", "content": "a"}]], kind)
    found = fastsample.token_lengths(pa.table({"m": chats}), folder, chat_template=True)
    assert found.tolist()[:2] == [0, 0]
    assert found[2] > 0


def test_pairs_of_chats_count_together(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    rows = openai(30)
    table = pa.table({"chosen": rows, "rejected": rows[::-1], "score": [0.5] * 30})
    found = fastsample.token_lengths(table, folder, chat_template=True)
    one = np.array(count(folder, [plain(row) for row in rows]))
    assert found.tolist() == (one + one[::-1]).tolist()


def test_where_the_template_is_found(tmp_path: Path) -> None:
    table = pa.table({"m": openai(3)})
    file = tmp_path / "file"
    model(file, "from the configuration")
    (file / "chat_template.jinja").write_text("from {{ bos_token }} file\n\n", encoding="utf-8")
    assert rendered(table, file) == ["from <s> file\n"] * 3
    named = model(
        tmp_path / "named",
        [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "usual"}],
    )
    assert rendered(table, named) == ["usual"] * 3
    (named / "special_tokens_map.json").write_text(json.dumps({"bos_token": {"content": "<b>"}}))
    (named / "chat_template.jinja").write_text("{{ bos_token }}", encoding="utf-8")
    assert rendered(table, named) == ["<b>"] * 3
    model(named, None, added_tokens_decoder={})
    assert rendered(table, named) == ["<s>"] * 3


def test_templates_that_are_missing_or_wrong(tmp_path: Path) -> None:
    table = pa.table({"m": openai(3), "text": ["a"] * 3})

    def refused(folder: Path, error: type[Exception], match: str, **options: Any) -> None:
        with pytest.raises(error, match=match):
            fastsample.token_lengths(table, folder, chat_template=True, **options)

    none = model(tmp_path / "none", None)
    refused(none, fastsample.ArgumentError, r"no chat template, .*save_pretrained")
    several = model(tmp_path / "several", [{"name": "rag", "template": ""}])
    refused(several, fastsample.CorruptDataError, "templates rag, and no default; set")
    number = model(tmp_path / "number", 5)
    refused(number, fastsample.CorruptDataError, "neither text nor a list")
    broken = model(tmp_path / "broken", "a\n{% if %}")
    refused(
        broken, fastsample.CorruptDataError, r"tokenizer_config\.json: .*line 2 of the template"
    )
    (broken / "tokenizer_config.json").write_text("{")
    refused(broken, fastsample.CorruptDataError, "not a JSON object")
    usual = model(tmp_path / "usual", PLAIN)
    refused(usual, fastsample.ColumnError, '"text" is no chat', text_columns=["text"])
    with pytest.raises(fastsample.ColumnError, match=r"no chat for the chat template: .*text"):
        fastsample.token_lengths(table.select(["text"]), usual, chat_template=True)
    with pytest.raises(fastsample.ArgumentError, match="chat_template is for tokenizer"):
        fastsample.sample(table, 2, chat_template=True)
    with pytest.raises(fastsample.SourceTypeError, match="chat_template"):
        fastsample.token_lengths(table, usual, chat_template="yes")  # type: ignore[arg-type]


def test_the_row_of_an_error_is_that_of_the_source(tmp_path: Path) -> None:
    refusing = "{% if messages | length > 2 %}{{ raise_exception('too long') }}{% endif %}"
    folder = model(tmp_path / "model", refusing)
    short = {"role": "user", "content": "a"}
    table = pa.table(
        {"id": range(900), "m": [[short] * (3 if row == 777 else 1) for row in range(900)]}
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=100)
    message = (
        r"tokenizer_config\.json: the chat template fails on row 777 \(counted from 0\), "
        r'column "m": it refuses the chat: "too long" \(line 1 of the template\); mend'
    )
    for threads in (1, 2):
        with pytest.raises(fastsample.ArgumentError, match=message):
            fastsample.token_lengths(
                tmp_path / "a.parquet", folder, chat_template=True, threads=threads
            )
        with pytest.raises(fastsample.ArgumentError, match=message):
            fastsample.sample(
                tmp_path / "a.parquet",
                budget_tokens=10**9,
                tokenizer=folder,
                chat_template=True,
                where="id > 500",
                threads=threads,
            )
    endless = model(tmp_path / "endless", "{% for a in range(99999) %}" * 2 + "{% endfor %}" * 2)
    with pytest.raises(fastsample.ArgumentError, match=r"row 0 .* more than 1000000 steps"):
        fastsample.token_lengths(table, endless, chat_template=True)


def test_the_choice_is_said_once(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    table = pa.table({"messages": openai(30)})
    with pytest.warns(UserWarning, match="chat_template=True"):
        summed = fastsample.token_lengths(table, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            fastsample.token_lengths(table, folder, chat_template=False).tolist() == summed.tolist()
        )
        by_template = fastsample.token_lengths(table, folder, chat_template=True)
    assert (by_template > summed).all()
    options: dict[str, Any] = {"budget_tokens": 500, "tokenizer": folder}
    silent = fastsample.sample(table, chat_template=False, **options).report
    said = fastsample.sample(table, **options).report
    assert silent.notes == ()
    assert silent.tokens == said.tokens
    assert [note for note in said.notes if "--chat-template" in note] == list(said.notes)
    with_template = fastsample.sample(table, chat_template=True, **options)
    assert with_template.report.tokens == by_template[with_template.row_ids].sum()
    assert "rendered with the chat template of" in with_template.report.notes[0]
    smart = fastsample.sample(table, chat_template=True, smart=True, **options)
    assert smart.report.tokens == by_template[smart.row_ids].sum()


def test_inspect_counts_whole_chats(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    table = pa.table({"messages": openai(30), "name": [f"第{row}段对话" for row in range(30)]})
    by_template = fastsample.token_lengths(table, folder, chat_template=True)
    found = fastsample.inspect(table, tokenizer=folder, chat_template=True)
    assert found.row_tokens is not None
    assert (found.tokens, found.row_tokens.max) == ({}, by_template.max())
    assert found.row_tokens.mean == pytest.approx(by_template.mean())
    assert "rendered with the chat template of" in found.notes[0]
    assert "Length in tokens" in str(found)
    plan = fastsample.plan(found, seconds_per_step=1, batch_size=2, max_length=128)
    read: dict[str, Any] = {"tokenizer": folder, "chat_template": True}
    again = fastsample.plan(table, seconds_per_step=1, batch_size=2, max_length=128, **read)
    assert plan.lengths == again.lengths
    assert "as the chat template renders them" in " ".join(plan.assumptions)
    # Without a choice it is said that there is one.
    (note,) = fastsample.inspect(table, tokenizer=folder).notes
    assert "chat_template=True" in note
    assert fastsample.inspect(table, tokenizer=folder, chat_template=False).notes == ()
    with pytest.raises(fastsample.ArgumentError, match="chat_template is for tokenizer="):
        fastsample.inspect(table, chat_template=True)
    pq.write_table(table, tmp_path / "a.parquet")
    command = ["inspect", str(tmp_path / "a.parquet"), "--tokenizer", str(folder), "--json"]
    done = CliRunner().invoke(app, [*command, "--chat-template"])
    assert json.loads(done.stdout)["row_tokens"]["max"] == by_template.max()


def test_the_date_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "{{ strftime_now('%d %b %Y') }}")
    table = pa.table({"m": openai(3)})
    assert rendered(table, folder) == ["26 Jul 2024"] * 3
    notes = fastsample.sample(
        table, 1, max_tokens=99, tokenizer=folder, chat_template=True
    ).report.notes
    assert any("always 26 Jul 2024" in note for note in notes)


def test_the_command(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    table = pa.table({"messages": openai(60)})
    source, output = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(table, source)
    command = ["sample", "-i", str(source), "-o", str(output), "--tokenizer", str(folder)]
    command += ["--budget-tokens", "900", "--json"]
    run = CliRunner().invoke
    for flag, choice in (("--chat-template", True), ("--no-chat-template", False)):
        done = run(app, [*command, flag])
        assert done.exit_code == 0, done.output
        report = json.loads(done.stdout)
        expected = fastsample.sample(
            table, budget_tokens=900, tokenizer=folder, chat_template=choice
        )
        assert report["tokens"] == expected.report.tokens
        assert bool(report["notes"]) == choice
    done = run(app, command)
    assert "--chat-template" in json.loads(done.stdout)["notes"][0]


def test_no_output_replaces_the_template(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", PLAIN)
    drawn = fastsample.sample(
        pa.table({"messages": openai(9)}), 3, max_tokens=10**6, tokenizer=folder, chat_template=True
    )
    template = folder / "tokenizer_config.json"
    (folder / "c.parquet").symlink_to(template)
    with pytest.raises(fastsample.OutputError):
        drawn.write_parquet(folder / "c.parquet")
    assert PLAIN in json.loads(template.read_text())["chat_template"]
