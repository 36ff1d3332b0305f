"""Cached token ids: those of a tokenizer in the collator, one file for all processes."""

import json
import multiprocessing
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from data import pairs, stream, write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers_made import make

KINDS = ("bpe", "wordpiece", "unigram", "wordlevel")

Sequences = list[list[int]]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    return {kind: make(kind, folder / "tokenizer.json") for kind, folder in folders.items()}


def oracle(
    path: Path,
    texts: list[str | None],
    most: int | None,
    *,
    special: bool = True,
    side: str = "right",
) -> Sequences:
    """Encode with the Python package, text by text."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(path))
    made.no_padding()
    made.no_truncation()
    if most is not None:
        made.enable_truncation(most, direction=side)
    return [made.encode(text or "", add_special_tokens=special).ids for text in texts]


def ids_of(rows: fastsample.TokenDataset, name: str = "input_ids") -> Sequences:
    return [row[name].tolist() for row in rows[:]]


def check_cut(rows: fastsample.TokenDataset, whole: list[Sequences]) -> None:
    """Hold what was cut off against sequences that are not cut, of each row those of one text."""
    kept = [ids_of(rows, name) for name in rows.columns]
    lost = np.array(
        [
            [len(all_) - len(some) for all_, some in zip(*both, strict=True)]
            for both in zip(whole, kept, strict=True)
        ]
    ).sum(axis=0)
    assert (rows.rows_cut, rows.tokens_cut) == ((lost > 0).sum(), lost.sum())
    told = (
        f"{rows.rows_cut:,} rows cut at {rows.max_tokens} tokens ({rows.tokens_cut:,} tokens lost)"
    )
    assert (told in repr(rows)) == (rows.max_tokens is not None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [None, 2, 17])
@pytest.mark.parametrize("special", [True, False])
def test_ids_are_those_of_the_package(
    kind: str, most: int | None, special: bool, files: dict[str, Path]
) -> None:
    table = pairs(300, seed=4)
    rows = fastsample.sample(table, 300).cache(
        tokenizer=files[kind], max_tokens=most, special_tokens=special
    )
    assert rows.columns == {"input_ids": "prompt", "labels": "response"}
    for name, column in rows.columns.items():
        texts = table[column].to_pylist()
        assert ids_of(rows, name) == oracle(files[kind], texts, most, special=special)
    assert rows.max_tokens == most
    check_cut(
        rows,
        [
            oracle(files[kind], table[column].to_pylist(), None, special=special)
            for column in rows.columns.values()
        ],
    )
    assert rows.tokens_cut > 0 or most != 2


@pytest.mark.parametrize("kind", KINDS)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(
    texts=st.lists(st.none() | st.text(max_size=60), min_size=1, max_size=20),
    most=st.none() | st.integers(2, 30),
    special=st.booleans(),
)
def test_ids_of_any_text(
    kind: str, files: dict[str, Path], texts: list[str | None], most: int | None, special: bool
) -> None:
    table = pa.table({"text": pa.array(texts, pa.string())})
    rows = fastsample.sample(table, len(texts)).cache(
        tokenizer=files[kind], max_tokens=most, special_tokens=special
    )
    expected = oracle(files[kind], texts, most, special=special)
    assert ids_of(rows) == expected
    assert rows.lengths().tolist() == [len(ids) for ids in expected]


def configured(files: dict[str, Path], folder: Path, **config: Any) -> Path:
    """Return the folder of a tokenizer with a configuration."""
    folder.mkdir(exist_ok=True)
    shutil.copy(files["wordpiece"], folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_the_configuration_says_where_to_cut_and_to_pad(
    files: dict[str, Path], tmp_path: Path
) -> None:
    table = pairs(50, seed=1).select(["prompt"])
    texts = table["prompt"].to_pylist()
    left = configured(files, tmp_path / "left", truncation_side="left", padding_side="left")
    rows = fastsample.sample(table, 50).cache(tokenizer=left, max_tokens=6)
    assert ids_of(rows) == oracle(files["wordpiece"], texts, 6, side="left")
    check_cut(rows, [oracle(files["wordpiece"], texts, None)])
    assert rows.padding_side == "left"
    plain = fastsample.sample(table, 50).cache(tokenizer=files["wordpiece"], max_tokens=6)
    assert ids_of(plain) == oracle(files["wordpiece"], texts, 6)
    # tokenizer.json itself says how to pad: with "[PAD]", whatever id it says that this has.
    assert (plain.padding_side, plain.pad_id) == ("right", 3)
    named = configured(files, tmp_path / "named", pad_token={"content": "[SEP]"})
    assert fastsample.sample(table, 50).cache(tokenizer=named).pad_id == 2
    unknown = configured(files, tmp_path / "unknown", pad_token="<nothing>")
    assert fastsample.sample(table, 50).cache(tokenizer=unknown).pad_id is None


def test_large_vocabularies_have_wide_ids(tmp_path: Path) -> None:
    split = {"type": "Whitespace"}
    for size, kind in ((65_536, np.uint16), (65_537, np.uint32)):
        words = {f"w{i}": i for i in range(size)}
        model = {"type": "WordLevel", "vocab": words, "unk_token": "w0"}
        path = tmp_path / f"{size}.json"
        path.write_text(
            json.dumps(
                {"version": "1.0", "added_tokens": [], "model": model, "pre_tokenizer": split}
            ),
            encoding="utf-8",
        )
        table = pa.table({"text": [f"w{size - 1} w1", "w65535"]})
        rows = fastsample.sample(table, 2).cache(tokenizer=path)
        assert ids_of(rows) == [[size - 1, 1], [65_535]]
        assert rows[0]["input_ids"].dtype == kind


def test_columns_are_named_or_known_by_their_names(files: dict[str, Path]) -> None:
    table = pa.table({"response": ["a b", "c"], "prompt": ["x", "y z"], "id": [1, 2]})
    sample = fastsample.sample(table, 2)
    path = files["wordlevel"]
    by_name = sample.cache(tokenizer=path)
    assert by_name.columns == {"input_ids": "prompt", "labels": "response"}
    named = sample.cache(tokenizer=path, text_columns=["response", "prompt"])
    assert named.columns == {"input_ids": "response", "labels": "prompt"}
    assert ids_of(named, "labels") == ids_of(by_name)
    one = sample.cache(tokenizer=path, text_columns=["response"])
    assert one.columns == {"input_ids": "response"}
    # The text that the draw went by, whichever it is.
    drawn = fastsample.sample(table, 2, smart=True, text_columns=["prompt"])
    assert drawn.cache(tokenizer=path).columns == {"input_ids": "prompt"}
    more = table.append_column("text", table["prompt"])
    with pytest.raises(fastsample.ColumnError, match="not one sequence, nor a prompt and a resp"):
        fastsample.sample(more, 2).cache(
            tokenizer=path, text_columns=["response", "prompt", "text"]
        )
    chats = pa.table({"messages": [[{"role": "user", "content": "a"}]]})
    with pytest.raises(fastsample.ColumnError, match=r"several texts a row.*chat_template=True"):
        fastsample.sample(chats, 1).cache(tokenizer=path)


def test_two_columns_of_unknown_roles_have_to_be_named(files: dict[str, Path]) -> None:
    long = ["a sentence of several words that looks like text, row by row"] * 3
    table = pa.table({"prompt": long, "question": long})
    with pytest.raises(fastsample.ColumnError, match="prompt, question are not one sequence"):
        fastsample.sample(table, 3).cache(tokenizer=files["bpe"])


CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"


def test_a_chat_is_one_sequence(files: dict[str, Path], tmp_path: Path) -> None:
    folder = configured(files, tmp_path / "chat", chat_template=CHAT)
    chats = [
        [{"role": "user", "content": f"第{i}个问题"}, {"role": "assistant", "content": "答" * i}]
        for i in range(40)
    ]
    table = pa.table({"messages": [*chats, None, []], "other": ["text"] * 42})
    rendered = [f"<user>{one[0]['content']}<assistant>{one[1]['content']}" for one in chats]
    for most in (None, 1, 9):
        rows = fastsample.sample(table, 42).cache(
            tokenizer=folder, chat_template=True, max_tokens=most
        )
        expected = oracle(files["wordpiece"], list(rendered), most, special=False)
        assert ids_of(rows) == [*expected, [], []]
        whole = oracle(files["wordpiece"], list(rendered), None, special=False)
        check_cut(rows, [[*whole, [], []]])
        assert rows.columns == {"input_ids": "messages"}
    both = table.append_column("rejected", table["messages"])
    with pytest.raises(fastsample.ColumnError, match=r"several sequences.*name one"):
        fastsample.sample(both, 42).cache(tokenizer=folder, chat_template=True)
    with pytest.raises(fastsample.ArgumentError, match="has no chat template"):
        fastsample.sample(table, 42).cache(tokenizer=files["bpe"], chat_template=True)


def test_every_kind_of_sample_has_its_tokens(files: dict[str, Path], tmp_path: Path) -> None:
    table = pairs(3000, seed=8)
    written = write_parquet(table, tmp_path / "a.parquet", row_group_size=700)
    samples = [
        fastsample.sample(written, 900),
        fastsample.sample(written, 900, smart=True, weights=True, threads=1),
        fastsample.sample(written, 900, replace=True),
        fastsample.sample(stream(table), 900),
        fastsample.mix({"a": written, "b": table.slice(0, 200)}, 300),
        fastsample.epochs(written, 300)[1],
        pickle.loads(pickle.dumps(fastsample.sample(table, 100))),
    ]
    for sample in samples:
        rows = sample.cache(tokenizer=files["bpe"], max_tokens=12)
        texts = sample.to_arrow()
        for name, column in rows.columns.items():
            assert ids_of(rows, name) == oracle(files["bpe"], texts[column].to_pylist(), 12)


def test_equal_requests_find_the_same_file(files: dict[str, Path], tmp_path: Path) -> None:
    source = write_parquet(pairs(300, seed=8), tmp_path / "a.parquet")
    sample = fastsample.sample(source, 200)
    first = sample.cache(tokenizer=files["bpe"], max_tokens=64)
    assert first.path.parent == sample.cache().path.parent
    assert first.path.name.startswith(sample.cache().path.stem + ".tokens-")
    written = first.path.stat().st_mtime_ns
    again = fastsample.sample(source, 200).cache(tokenizer=files["bpe"].parent, max_tokens=64)
    assert (again.path, again.path.stat().st_mtime_ns) == (first.path, written)
    copied = configured({"wordpiece": files["bpe"]}, tmp_path / "copy", padding_side="left")
    others = [
        sample.cache(tokenizer=files["bpe"]).path,
        sample.cache(tokenizer=files["bpe"], max_tokens=65).path,
        sample.cache(tokenizer=files["bpe"], max_tokens=64, special_tokens=False).path,
        sample.cache(tokenizer=files["bpe"], max_tokens=64, text_columns=["prompt"]).path,
        sample.cache(tokenizer=files["unigram"], max_tokens=64).path,
        sample.cache(tokenizer=copied, max_tokens=64).path,
        fastsample.sample(source, 201).cache(tokenizer=files["bpe"], max_tokens=64).path,
    ]
    assert len({first.path, *others}) == 8
    assert not list(first.path.parent.glob("*.lock"))


ASK = """
import sys, fastsample
print(fastsample.sample(sys.argv[1], 2000).cache(sys.argv[2], tokenizer=sys.argv[3]).path)
"""


def test_many_processes_ask_at_once_and_one_writes(files: dict[str, Path], tmp_path: Path) -> None:
    source, folder = write_parquet(pairs(2500, seed=1), tmp_path / "a.parquet"), tmp_path / "c"
    command = [sys.executable, "-c", ASK, str(source), str(folder), str(files["bpe"])]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {process.communicate(timeout=100)[0].strip() for process in asking}
    assert [process.returncode for process in asking] == [0] * 4
    assert [path.name for path in folder.glob("*.tokens-*")] == [Path(answers.pop()).name]
    assert not answers


def test_a_damaged_file_is_written_again(files: dict[str, Path]) -> None:
    sample = fastsample.sample(pairs(50, seed=1), 50)
    rows = sample.cache(tokenizer=files["bpe"])
    expected = ids_of(rows)
    whole = rows.path.read_bytes()
    del rows
    path = sample.cache(tokenizer=files["bpe"]).path
    path.write_bytes(whole[:100])
    assert ids_of(sample.cache(tokenizer=files["bpe"])) == expected
    assert path.read_bytes() == whole


def test_rows_are_views_that_map_the_file(files: dict[str, Path], tmp_path: Path) -> None:
    source = write_parquet(pairs(30_000, seed=3), tmp_path / "a.parquet", row_group_size=5000)
    rows = fastsample.sample(source, 30_000).cache(tokenizer=files["bpe"])
    assert rows.to_arrow()["input_ids"].num_chunks > 1
    for i in (0, 8191, 8192, 29_999, -1):
        view = rows[i]["input_ids"]
        assert not view.flags.owndata
        assert not view.flags.writeable
        assert view.tolist() == rows.to_arrow()["input_ids"][i].as_py()
    assert [row["labels"].tolist() for row in rows.__getitems__([5, -3, 5])] == [
        rows[i]["labels"].tolist() for i in (5, 29_997, 5)
    ]
    assert [len(row["input_ids"]) for row in rows[10:40:7]] == rows.lengths("input_ids")[
        10:40:7
    ].tolist()
    together = rows.lengths("input_ids") + rows.lengths("labels")
    assert rows.lengths().tolist() == together.tolist()
    assert rows.lengths().dtype == np.uint32
    with pytest.raises(IndexError, match="row 30000 of a sample of 30000"):
        rows[30_000]
    with pytest.raises(fastsample.ColumnError, match="no 'ids'; the rows have input_ids, labels"):
        rows.lengths("ids")


def _first(rows: fastsample.TokenDataset, queue: Any) -> None:
    queue.put(rows[3]["input_ids"].tolist())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_of_every_kind(files: dict[str, Path], method: str) -> None:
    rows = fastsample.sample(pairs(100, seed=2), 100, threads=4).cache(tokenizer=files["bpe"])
    assert len(pickle.dumps(rows)) < 1000
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    workers = [context.Process(target=_first, args=(rows, queue)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert found == [rows[3]["input_ids"].tolist()] * 2


def test_options_that_do_not_fit(files: dict[str, Path], tmp_path: Path) -> None:
    sample = fastsample.sample(pairs(20, seed=2), 20)
    for option in ("max_tokens", "chat_template", "text_columns", "special_tokens"):
        call: Any = {option: ["prompt"] if option == "text_columns" else 1}
        with pytest.raises(fastsample.ArgumentError, match=f"{option} is for token ids; pass tok"):
            sample.cache(**call)
    for most, error in ((0, "at least 1|from 1"), (1, "adds 2 special tokens.*raise max_tokens")):
        with pytest.raises(fastsample.ArgumentError, match=error):
            sample.cache(tokenizer=files["wordpiece"], max_tokens=most)
    few = sample.cache(tokenizer=files["wordpiece"], max_tokens=1, special_tokens=False)
    assert few.lengths("input_ids").max() == 1
    with pytest.raises(fastsample.ColumnError, match='no column "x"'):
        sample.cache(tokenizer=files["bpe"], text_columns=["x"])
    with pytest.raises(fastsample.SourceNotFoundError, match=r"tokenizer\.json"):
        sample.cache(tokenizer=tmp_path)
    wrong: Any = 3
    with pytest.raises(fastsample.SourceTypeError, match="pass the path of a tokenizer"):
        sample.cache(tokenizer=wrong)


def test_files_that_are_no_token_ids(files: dict[str, Path], tmp_path: Path) -> None:
    sample = fastsample.sample(pairs(20, seed=2), 20)
    with pytest.raises(fastsample.SourceTypeError, match="holds no token ids"):
        fastsample.TokenDataset(sample.cache().path)
    rows = sample.cache(tokenizer=files["bpe"])
    table, told = rows.to_arrow(), json.loads(rows.schema.metadata[b"fastsample.tokens"])
    other = tmp_path / "other.arrow"
    for layout, error in [(4, "layout 4, not 2 or 3"), (3, "columns are not those of layout 3")]:
        new = {"fastsample.tokens": json.dumps(told | {"layout": layout})}
        with pa.ipc.new_stream(other, table.schema.with_metadata(new)) as writer:
            writer.write_table(table)
        with pytest.raises(fastsample.SourceTypeError, match=rf"{error}.*cache the sample ag"):
            fastsample.TokenDataset(other)
    renamed = table.rename_columns(["a", "b"]).replace_schema_metadata(table.schema.metadata)
    with pa.ipc.new_stream(other, renamed.schema) as writer:
        writer.write_table(renamed)
    with pytest.raises(fastsample.SchemaError, match="no rows of token ids: the columns are a, b"):
        fastsample.TokenDataset(other)
    with pytest.raises(fastsample.SourceNotFoundError, match="no such file"):
        fastsample.TokenDataset(tmp_path / "absent.arrow")
