"""Which columns are text: the default for the schemas of published data sets, names, paths."""

import random
from pathlib import Path
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from fastsample import ColumnError

ROWS = 120
WORDS = ["模型", "数据", "训练", "采样", "文本", "语言", "方法", "结果", "问题", "我们", "认为"]
ENGLISH = ["the", "a", "model", "sample", "draws", "from", "big", "text", "data", "and", "it"]


def prose(i: int, topic: str = "") -> str:
    """Return a text of some sentences, another one for each row."""
    rng = random.Random(f"{topic}{i}")
    return topic + "".join(rng.choice(WORDS) for _ in range(20)) + f"第{i}条。"


def english(i: int, topic: str = "") -> str:
    rng = random.Random(f"{topic}{i}")
    return " ".join(rng.choice(ENGLISH) for _ in range(14)) + f" ({topic} {i})."


def word(i: int) -> str:
    return f"{random.Random(i).getrandbits(64):016x}"


def link(i: int) -> str:
    return f"https://example.com/a/{i}?q={word(i)}"


def moment(i: int) -> str:
    return f"2024-03-{i % 28 + 1:02} 12:{i % 60:02}:00"


def same(value: Any) -> Any:
    return lambda _: value


def label(*names: str | None) -> Any:
    return lambda i: names[i * 7 % len(names)]


def turns(text: str, speaker: str, **more: Any) -> Any:
    """Return a function that makes a chat whose structs have these two fields."""

    def chat(i: int) -> list[dict[str, Any]]:
        names = ("system", "user", "assistant")
        others = {name: value(i) for name, value in more.items()}
        return [{speaker: who, text: prose(i, who), **others} for who in names[i % 2 :]]

    return chat


def chat(i: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = turns("content", "role")(i)
    return made


def pile(i: int) -> dict[str, str]:
    return {"pile_set_name": ("Github", "ArXiv")[i % 2]}


#: For each data set: its columns as functions of the row, and the text.
SCHEMAS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "Alpaca": (
        {"instruction": prose, "input": same(""), "output": english, "text": prose},
        ["instruction", "input", "output", "text"],
    ),
    "ShareGPT": (
        {"id": word, "conversations": turns("value", "from")},
        ["conversations[].value"],
    ),
    "OpenAI chat": ({"messages": chat}, ["messages[].content"]),
    "Dolly": (
        {
            "instruction": english,
            "context": lambda i: english(i, "context") if i % 3 else "",
            "response": english,
            "category": label("open_qa", "closed_qa", "classification", "brainstorming"),
        },
        ["instruction", "context", "response"],
    ),
    "OASST1": (
        {
            "message_id": word,
            "parent_id": word,
            "user_id": word,
            "created_date": moment,
            "text": english,
            "role": label("prompter", "assistant"),
            "lang": label("en", "zh", "es"),
            "message_tree_id": word,
            "tree_state": label("ready_for_export"),
            "labels": same({"name": ["spam", "quality"], "value": [0.0, 0.5]}),
        },
        ["text"],
    ),
    "UltraFeedback": (
        {
            "source": label("evol_instruct", "ultrachat", "flan"),
            "instruction": english,
            "models": same(["alpaca-7b", "gpt-4", "llama-2-7b-chat"]),
            "completions": lambda i: [
                {"model": "gpt-4", "response": english(i, "a"), "principle": "helpfulness"},
                {"model": "alpaca-7b", "response": english(i, "b"), "principle": "honesty"},
            ],
        },
        ["instruction", "completions[].response"],
    ),
    "UltraFeedback binarized": (
        {"prompt": english, "prompt_id": word, "chosen": chat, "rejected": chat, "messages": chat},
        ["prompt", "chosen[].content", "rejected[].content", "messages[].content"],
    ),
    "Orca DPO pairs": (
        {"system": label("", "You are an AI."), "question": english, "chosen": prose,
         "rejected": english},
        ["system", "question", "chosen", "rejected"],
    ),
    "HH-RLHF": ({"chosen": english, "rejected": prose}, ["chosen", "rejected"]),
    "FLAN": (
        {"inputs": english, "targets": lambda i: ("yes", "no")[i % 2],
         "_template_type": label("fs_opt", "zs_noopt"), "_task_name": label("rte", "cb", "boolq")},
        ["inputs", "targets"],
    ),
    "C4": ({"text": english, "timestamp": moment, "url": link}, ["text"]),
    "The Pile": ({"text": english, "meta": pile}, ["text"]),
    "FineWeb": (
        {
            "text": english, "id": lambda i: f"<urn:uuid:{word(i)}>", "dump": label("CC-MAIN-2024"),
            "url": link, "date": moment, "file_path": lambda i: f"s3://cc/crawl/{word(i)}.warc.gz",
            "language": label("en"), "language_score": lambda i: i / ROWS,
            "token_count": lambda i: i,
        },
        ["text"],
    ),
    "FineWeb-Edu": (
        {"text": english, "id": word, "dump": label("CC-MAIN-2023"), "url": link,
         "score": lambda i: i / 7},
        ["text"],
    ),
    "CSL": (
        {
            "title": prose, "abstract": prose,
            "keywords": lambda i: [f"关键词{i}", f"方法{i % 9}"],
            "discipline": label("计算机", "数学", "医学"), "category": label("工学", "理学"),
        },
        ["title", "abstract"],
    ),
    "BELLE": ({"instruction": prose, "input": label("", None), "output": prose},
              ["instruction", "input", "output"]),
    "BELLE chats": ({"id": word, "conversations": turns("value", "from")},
                    ["conversations[].value"]),
    "Firefly": (
        {"kind": label("NLI", "Couplet", "MRC"), "input": prose, "target": prose},
        ["input", "target"],
    ),
    "COIG-CQIA": (
        {
            "instruction": prose, "input": same(""), "output": prose,
            "task_type": same({"major": ["问答"], "minor": ["百科问答"]}),
            "domain": lambda i: ["百科", "医学"][: i % 2 + 1],
            "metadata": lambda i: f'{{"来源": "{prose(i, "m")}"}}',
            "answer_from": label("human", "llm"), "copyright": label("暂无版权及作者信息"),
        },
        ["instruction", "input", "output"],
    ),
    "MS MARCO": (
        {
            "query": english, "query_id": lambda i: i, "query_type": label("DESCRIPTION", "ENTITY"),
            "answers": lambda i: [english(i)],
            "passages": lambda i: {
                "is_selected": [0, 1],
                "passage_text": [english(i, "p"), english(i, "q")],
                "url": [link(i), link(i + 1)],
            },
        },
        ["query", "answers[]", "passages.passage_text[]"],
    ),
    "SQuAD": (
        {
            "id": word, "title": label("Notre_Dame", "Beyonce"), "context": english,
            "question": english,
            "answers": lambda i: {"text": [f"in {i}"], "answer_start": [i]},
        },
        ["title", "context", "question", "answers.text[]"],
    ),
    "GSM8K": ({"question": english, "answer": english}, ["question", "answer"]),
    "CodeAlpaca": ({"prompt": english, "completion": lambda i: f"def f():\n    return {i}"},
                   ["prompt", "completion"]),
    "The Stack": (
        {
            "hexsha": word, "size": lambda i: i, "ext": label("py", "rs"), "lang": label("Python"),
            "max_stars_repo_path": lambda i: f"src/a{i}.py",
            "max_stars_repo_name": lambda i: f"user{i}/repo",
            "max_stars_repo_licenses": same(["MIT"]),
            "content": lambda i: f"import os\n\ndef f{i}(x):\n    return x + {i}\n",
        },
        ["content"],
    ),
    "Wikipedia": (
        {"id": lambda i: str(i), "url": link, "title": lambda i: f"条目{i}", "text": prose},
        ["title", "text"],
    ),
    "CulturaX": ({"text": prose, "timestamp": moment, "url": link, "source": label("mC4", "OSCAR")},
                 ["text"]),
    "OSCAR": (
        {
            "id": lambda i: i, "text": prose,
            "meta": lambda i: {
                "warc_headers": {
                    "warc-record-id": f"<urn:uuid:{word(i)}>", "warc-date": moment(i),
                    "content-type": "text/plain", "content-length": 100 + i,
                    "warc-type": "conversion", "warc-identified-content-language": "zho,eng",
                    "warc-refers-to": f"<urn:uuid:{word(i + 1000)}>",
                    "warc-target-uri": link(i), "warc-block-digest": f"sha1:{word(i).upper()}",
                },
                "identification": {"label": "zh", "prob": 0.9},
                "harmful_pp": 1.5 + i, "tlsh": f"tlsh:3:{word(i)}",
                "quality_warnings": ["short_sentences", "header"][i % 2 :] or None,
                "categories": ["adult"] if i % 9 == 0 else None,
                "sentence_identifications": [{"label": "zh", "prob": 0.8}, None][: i % 3],
            },
        },
        ["text"],
    ),
    "WMT": ({"translation": lambda i: {"en": english(i), "zh": prose(i)}},
            ["translation.en", "translation.zh"]),
    "CNN/DailyMail": ({"article": english, "highlights": english, "id": word},
                      ["article", "highlights"]),
    "HotpotQA": (
        {
            "id": word, "question": english, "answer": label("yes", "no"),
            "type": label("bridge", "comparison"), "level": label("hard", "easy"),
            "context": lambda i: {
                "title": [f"T{i}"], "sentences": [[english(i, "s"), english(i, "t")]],
            },
        },
        ["question", "answer", "context.title[]", "context.sentences[][]"],
    ),
    "LIMA": ({"conversations": lambda i: [english(i), prose(i)], "source": label("stack", "wiki")},
             ["conversations[]"]),
    "DailyDialog": ({"dialog": lambda i: [f"Hi {i}.", "Hello!"][: i % 3], "act": same([1, 2])},
                    ["dialog[]"]),
    "BELLE history": (
        {"instruction": prose, "output": prose, "history": lambda i: [[prose(i), prose(i, "b")]]},
        ["instruction", "output", "history[][]"],
    ),
    "Hermes function calling": (
        {
            "id": word, "conversations": turns("value", "from"),
            "tools": lambda i: f'[{{"name": "tool_{i}"}}]', "category": label("Finance", "Travel"),
        },
        ["conversations[].value", "tools"],
    ),
    "tool calls": (
        {
            "messages": lambda i: [
                {"role": "user", "content": prose(i), "tool_calls": None},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": word(i), "type": "function",
                     "function": {"name": "get", "arguments": f'{{"city": "{i}"}}'}},
                ]},
            ],
        },
        ["messages[].content", "messages[].tool_calls[].function.arguments"],
    ),
    "parts": (
        {
            "messages": lambda i: [
                {"role": "user", "content": [
                    {"type": "image_url", "text": None, "image_url": link(i)},
                    {"type": "text", "text": prose(i), "image_url": None},
                ]},
            ],
        },
        ["messages[].content[].text"],
    ),
    "KTO": ({"prompt": english, "completion": english, "label": lambda i: i % 2 == 0},
            ["prompt", "completion"]),
    "MMLU": (
        {"question": english, "subject": label("anatomy", "law"),
         "choices": same(["a", "b", "c"]), "answer": lambda i: i % 4},
        ["question", "choices[]"],
    ),
    "RedPajama": ({"text": english, "meta": lambda i: f"{{'url': '{link(i)}', 'n': {i}}}"},
                  ["text"]),
    "chats of another name": ({"session": word, "log": turns("text", "speaker")}, ["log[].text"]),
    "two unknown texts": ({"a": prose, "b": english, "c": word}, ["a", "b"]),
    "an unknown text beside a known one": ({"text": prose, "notes": english}, ["text", "notes"]),
    "short strings alone": (
        {"词": lambda i: f"词语{i}", "义": lambda i: f"意思{i}"}, ["词", "义"],
    ),
    "labels alone": ({"kind": label("a", "b"), "key": word}, ["kind", "key"]),
    "one column of ids": ({"key": word, "n": lambda i: i}, ["key"]),
}  # fmt: skip


def table(columns: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(
        [{name: value(i) for name, value in columns.items()} for i in range(ROWS)]
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_text_of_published_data_sets_is_found(name: str, tmp_path: Path) -> None:
    columns, expected = SCHEMAS[name]
    made = table(columns)
    report = fastsample.sample(made, 10, smart=True).report
    assert list(report.text_columns) == expected
    assert report.smart is not None
    assert report.smart.text == report.text_columns
    strings = {f.name for f in made.schema if pa.types.is_string(f.type)}
    assert strings <= {*expected, *report.left_out}
    # Neither files nor streams change the choice.
    path = tmp_path / "made.parquet"
    pq.write_table(made, path, row_group_size=17)
    assert list(fastsample.inspect(path).text) == expected
    stream = made.to_reader(max_chunksize=13)
    assert list(fastsample.sample(stream, 10, smart=True).report.text_columns) == expected
    chunked = pa.concat_tables([made.slice(0, 50), made.slice(50)])
    sides = fastsample.split(chunked, {"train": 80, "valid": 20})
    assert list(sides["train"].report.text_columns) == expected


def test_choices_are_reported_and_left_out_columns_named(tmp_path: Path) -> None:
    made = table({"id": word, "text": prose, "kind": label("a", "b"), "key": word})
    reasons = {
        "id": "no text by its name",
        "kind": "few distinct values",
        "key": "identifiers, links, numbers or times",
    }
    drawn = fastsample.sample(made, 10, smart=True)
    assert drawn.report.left_out == reasons
    assert "kind (few distinct values)" in str(drawn.report)
    assert drawn.report.to_dict()["text_columns"] == ["text"]
    written = fastsample.sample(made, 10).write_parquet(tmp_path / "x.parquet")
    assert (list(written.mean_chars), written.left_out) == (["text"], reasons)
    assert fastsample.inspect(made).left_out == reasons
    compared = fastsample.compare(made, drawn.to_arrow())
    assert (compared.text, compared.left_out) == (("text",), reasons)
    assert fastsample.score(made).report.text_columns == ("text",)
    assert "lengths are those of text" in _plan(made).assumptions


def _plan(made: pa.Table) -> fastsample.Plan:
    return fastsample.plan(
        made, 10, seconds_per_step=1.0, epochs=1, batch_size=2, lengths=True, max_length=64
    )


def test_names_and_paths_are_taken() -> None:
    made = table({"id": word, "messages": chat, "meta": lambda i: {"note": prose(i), "n": i}})
    for name in ("messages[].content", "messages.content", "messages", "messages[]"):
        report = fastsample.sample(made, 10, smart=True, text_columns=[name]).report
        assert report.text_columns == ("messages[].content",)
        assert report.left_out == {}
    for names in (["meta.note", "id"], ["meta", "id"]):
        found = fastsample.inspect(made, text_columns=names)
        assert list(found.text) == ["meta.note", "id"]
    roles = fastsample.inspect(made, text_columns=["messages[].role"])
    assert list(roles.text) == ["messages[].role"]


@pytest.mark.parametrize("smart", [False, True, "entropy"])
@pytest.mark.parametrize(
    ("columns", "named", "says"),
    [
        (None, ["nope"], r"no column 'nope'.*text columns are id, text, .*chat\[\]\.content"),
        (None, ["n"], "'n' is Int64, not text"),
        (None, ["chat.nope"], "no column 'chat.nope'"),
        (None, ["vector"], r"'vector' is List.*not text"),
        (["id"], ["text"], r"'text' is not among the columns kept \(id\)"),
        (None, ["text", "text"], "'text' is named twice"),
        (None, ["chat", "chat[].content"], r"'chat\[\]\.content' is named twice"),
        (None, [], "empty"),
    ],
)
def test_names_that_lead_to_no_text_are_refused(
    smart: Any, columns: list[str] | None, named: list[str], says: str
) -> None:
    made = table({"id": word, "text": prose, "n": lambda i: i, "chat": chat,
                  "vector": same([1.0, 2.0])})  # fmt: skip
    for source in (made, made.to_reader()):
        with pytest.raises(ColumnError, match=says.replace("'", '"')):
            fastsample.sample(source, 10, smart=smart, columns=columns, text_columns=named)


def test_data_without_text_say_so() -> None:
    made = table({"n": lambda i: i, "vector": same([1.0])})
    with pytest.raises(ColumnError, match=r"no text column.*n \(Int64\), vector \(List"):
        fastsample.sample(made, 10, smart=True)
    assert fastsample.inspect(made).text == {}
    assert len(fastsample.split(made, {"a": 100, "b": 20})["a"]) == 100


def test_the_commands_tell_what_is_text(tmp_path: Path) -> None:
    path = str(tmp_path / "made.parquet")
    pq.write_table(table({"id": word, "text": prose, "kind": label("a", "b")}), path)
    out = str(tmp_path / "out")
    for command in (
        ["sample", "-i", path, "-o", f"{out}.parquet", "-n", "10", "--smart"],
        ["sample", "-i", path, "-o", f"{out}.parquet", "-n", "10"],
        ["split", "-i", path, "-o", out, "train=0.9", "valid=0.1"],
        ["inspect", path],
        ["compare", path, path],
    ):
        shown = run(*command)
        assert shown.returncode == 0, shown.stderr
        assert "text" in shown.stdout
        assert "id (no text by its name); kind (few distinct values)" in shown.stderr
        assert "--text-column" in shown.stderr
