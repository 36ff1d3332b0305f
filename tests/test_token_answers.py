"""Labels of answers alone: masks of transformers, and a plain oracle where there are no tags."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from fastsample import ArgumentError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers_made import LINES, make

Chat = list[dict[str, str]]

#: What lies around answers is such that tokens overlap their ends.
TAGGED = """{{ bos_token }}{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
{{ ' assistant: ' }}{% generation %}{{ message.content }}{% endgeneration %}{{ ' end\\n' }}
{%- if loop.last %}{% generation %}{{ eos_token }}{% endgeneration %}{% endif -%}
{%- else -%}
{{ message.role ~ ': ' ~ message.content ~ '\\n' }}
{%- endif -%}
{%- endfor -%}"""

CHATML = """{%- for message in messages -%}
{{ '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}"""

#: Leaves out what was thought in earlier answers, and demands a message.
THOUGHTS = """{%- if not messages[0].role %}{{ raise_exception('no message') }}{% endif -%}
{%- for message in messages -%}
{%- set content = message.content -%}
{%- if not loop.last %}{% set content = content.split('</think>')[-1] %}{% endif -%}
{{ '<' ~ message.role ~ '>' ~ content }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<assistant>' }}{% endif -%}"""


def model(folder: Path, kind: str, template: str, **config: Any) -> Path:
    """Save a tokenizer with a chat template; a byte-level one trims spaces, as that of Llama 3."""
    from tokenizers import Tokenizer, processors

    folder.mkdir(exist_ok=True)
    made = Tokenizer.from_file(str(make(kind, folder / "tokenizer.json")))
    made.no_truncation()
    made.no_padding()
    made.add_special_tokens(["<s>", "</s>", "<|im_start|>", "<|im_end|>"])
    if kind == "bpe":
        made.post_processor = processors.ByteLevel(trim_offsets=True)
    made.save(str(folder / "tokenizer.json"))
    told = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "[PAD]"}
    told |= {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(told | config), encoding="utf-8")
    return folder


def talks() -> list[Chat]:
    """Chats of one to five turns, in Chinese and English, some of them without an answer."""
    turns = [*LINES[:12], "", " ", "  x"]
    roles = ["user", "assistant"]
    found = [
        [
            {"role": roles[turn % 2], "content": turns[(row * 3 + turn) % len(turns)]}
            for turn in range(1 + row % 5)
        ]
        for row in range(25)
    ]
    found += [[{"role": "system", "content": "简短"}, *found[4]], [*found[3], found[3][-1]]]
    return found


def table_of(chats: list[Chat] | list[Chat | None]) -> pa.Table:
    kind = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    return pa.table({"messages": pa.array(chats, kind)})


def cached(folder: Path, chats: Any, **options: Any) -> fastsample.TokenDataset:
    return fastsample.sample(table_of(chats), len(chats)).cache(
        tokenizer=folder, chat_template=True, assistant_only_loss=True, **options
    )


def check(rows: fastsample.TokenDataset, wanted: list[tuple[list[int], list[int]]]) -> None:
    """Hold rows and their batches against ids and masks."""
    assert rows.assistant_only_loss
    for row, (ids, mask) in zip(rows[:], wanted, strict=True):
        assert row["input_ids"].tolist() == ids
        assert row["assistant_masks"].tolist() == mask
    assert rows.rows_unanswered == sum(not any(mask) for _, mask in wanted)
    labels = [np.where(np.array(mask) == 1, ids, -100).tolist() for ids, mask in wanted]
    width = max(len(ids) for ids, _ in wanted)
    places = range(len(wanted))
    for side in ("left", "right"):
        collate = rows.collator(pad_id=0, padding_side=side, return_tensors="np")
        filled = [[-100] * (width - len(row)) for row in labels]
        both = zip(filled, labels, strict=True)
        padded = [empty + row if side == "left" else row + empty for empty, row in both]
        for batch in (rows.__getitems__(places), [rows[place] for place in places]):
            assert collate(batch)["labels"].tolist() == padded
    packed = rows.collator(packed=True, return_tensors="np")
    ends = [[-100, *row[1:]][: len(row)] for row in labels]
    # Rows as datasets reads them from the file have the bounds of answers.
    bounds = rows.to_arrow()["answers"].to_pylist()
    read = [
        {"input_ids": row["input_ids"], "answers": some}
        for row, some in zip(rows[:], bounds, strict=True)
    ]
    for batch in (rows.__getitems__(places), [rows[place] for place in places], read):
        assert packed(batch)["labels"].tolist() == [[label for row in ends for label in row]]


def theirs(folder: Path) -> Callable[[Chat, int | None], tuple[list[int], list[int]]]:
    """Return what transformers makes of a chat: ids and mask."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    def made(chat: Chat, most: int | None) -> tuple[list[int], list[int]]:
        cut = {} if most is None else {"truncation": True, "max_length": most}
        found = tokenizer.apply_chat_template(
            chat, tokenize=True, return_dict=True, return_assistant_tokens_mask=True, **cut
        )
        return found["input_ids"], found["assistant_masks"]

    return made


@pytest.mark.torch
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram"])
def test_masks_are_those_of_transformers(kind: str, side: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "model", kind, TAGGED, truncation_side=side)
    oracle, chats = theirs(folder), talks()
    for most in (None, 5, 24):
        wanted = [oracle(chat, most) for chat in chats]
        if most is None:
            assert 0 < sum(sum(mask) for _, mask in wanted) < sum(len(ids) for ids, _ in wanted)
        check(cached(folder, chats, max_tokens=most), wanted)


@pytest.mark.torch
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    chats=st.lists(
        st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=12)}
            ),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    ),
    most=st.none() | st.integers(1, 30),
)
def test_masks_of_any_text(
    chats: list[Chat], most: int | None, tagged: Path, plain: Path, tmp_path: Path
) -> None:
    oracle = theirs(tagged)
    check(cached(tagged, chats, max_tokens=most), [oracle(chat, most) for chat in chats])
    check(cached(plain, chats, max_tokens=most), [naive(plain, chat, most) for chat in chats])


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model(tmp_path_factory.mktemp("tagged"), "bpe", TAGGED)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model(tmp_path_factory.mktemp("plain"), "bpe", CHATML)


def naive(folder: Path, chat: Chat, most: int | None = None) -> tuple[list[int], list[int]]:
    """Return ids and mask of a chat in ChatML, written down by hand."""
    from tokenizers import Tokenizer

    text, answers = "", []
    for message in chat:
        text += f"<|im_start|>{message['role']}\n"
        start = len(text)
        text += f"{message['content']}<|im_end|>\n"
        if message["role"] == "assistant":
            answers.append(range(start, len(text)))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if most is not None:
        tokenizer.enable_truncation(most)
    found = tokenizer.encode(text, add_special_tokens=False)

    def is_learned(token: tuple[int, int]) -> bool:
        return any(token[0] < answer.stop and token[1] > answer.start for answer in answers)

    return found.ids, [int(is_learned(token)) for token in found.offsets]


def test_templates_without_tags(plain: Path) -> None:
    chats = talks()
    for most in (None, 9):
        check(cached(plain, chats, max_tokens=most), [naive(plain, chat, most) for chat in chats])
    rows = cached(plain, [None, *chats[:2]])
    check(rows, [([], []), *(naive(plain, chat) for chat in chats[:2])])
    assert "labels of answers alone (2 rows have none)" in repr(rows)
    check(pickle.loads(pickle.dumps(rows)), [([], []), *(naive(plain, c) for c in chats[:2])])


def test_files_do_not_depend_on_threads_and_old_ones_stay(plain: Path, tmp_path: Path) -> None:
    table = table_of(talks() * 20)
    files, names = set(), set()
    for threads in (1, 2, 8):
        drawn = fastsample.sample(table, 500, threads=threads)
        options: dict[str, Any] = {"tokenizer": plain, "chat_template": True}
        rows = drawn.cache(tmp_path / str(threads), assistant_only_loss=True, **options)
        files.add(rows.path.read_bytes())
        names.add(rows.path.name)
        whole = drawn.cache(tmp_path / str(threads), **options)
        names.add(whole.path.name)
        # Files without answers are as they were.
        assert (whole._told["layout"], rows._told["layout"]) == (2, 3)
        assert whole.to_arrow().column_names == ["input_ids"]
        assert list(whole[0]) == ["input_ids"]
        assert (whole.assistant_only_loss, whole.rows_unanswered) == (False, 0)
    assert (len(files), len(names)) == (1, 2)


def test_what_can_not_be_told_is_an_error(tmp_path: Path, plain: Path) -> None:
    folder = model(tmp_path / "model", "wordlevel", THOUGHTS)
    turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>b</think>c"}]
    masks = [row["assistant_masks"] for row in cached(folder, [turn[:1], turn])[:]]
    assert not masks[0].any()
    # "<user>a<assistant><think>b</think>c": "><" is a token that overlaps the answer.
    assert masks[1].tolist() == [0] * 6 + [1] * 8
    told = r"row 1 \(counted from 0\), column .messages.: .*the answer in message 2: .*generation"
    with pytest.raises(ArgumentError, match=told):
        cached(folder, [turn, turn + turn])
    with pytest.raises(ArgumentError, match=r"row 0 .*message 1: .* on the first 0 messages"):
        cached(folder, [turn[1:]])
    within = "{% macro say(m) %}{% generation %}{{ m.content }}{% endgeneration %}{% endmacro %}"
    folder = model(tmp_path / "within", "wordlevel", within + "{{ say(messages[0]) }}")
    with pytest.raises(ArgumentError, match=r"row 0 .*generation %} is in a macro"):
        cached(folder, [turn])
    assert len(fastsample.sample(table_of([turn]), 1).cache(tokenizer=folder, chat_template=True))
    long = turn * 1001
    with pytest.raises(ArgumentError, match="more than 1000"):
        cached(plain, [long])
    with pytest.raises(ArgumentError, match="assistant_only_loss is for chats"):
        fastsample.sample(table_of([turn]), 1).cache(tokenizer=plain, assistant_only_loss=True)
    with pytest.raises(ArgumentError, match="assistant_only_loss is for token ids"):
        fastsample.sample(table_of([turn]), 1).cache(assistant_only_loss=True)  # type: ignore[call-overload]
