"""Every argument of every public function: a wrong type and a wrong value are told apart.

A wrong type is a `SourceTypeError`, a wrong value an `ArgumentError`, and NumPy's integers pass
wherever a whole number does.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import fastsample
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from conftest import TRAINERS
from data import pairs, write_ipc
from fastsample import ArgumentError, OutputError, SourceTypeError, parts
from fastsample.cli import app
from models_made import save_model
from tokenizers_made import make

TABLE = pairs(60, seed=3)
HAS_TORCH = all(find_spec(name) is not None for name in TRAINERS)


@dataclass(frozen=True)
class Kind:
    """What an argument is: values of a wrong type, wrong values, and right ones of NumPy."""

    wrong_types: tuple[Any, ...] = ()
    wrong_values: tuple[Any, ...] = ()
    numpy: tuple[Any, ...] = ()
    error: type[fastsample.FastSampleError] = ArgumentError


_NO_NUMBERS: tuple[Any, ...] = ("x", b"1", True, [1], {})
COUNT = Kind((*_NO_NUMBERS, 1.5, np.float64(2)), (0, -1, 2**70), (np.int64(3), np.uint8(3)))
PLACE = Kind((*_NO_NUMBERS, 1.5), (-1,), (np.int64(1), np.uint8(1)))
CHARS = Kind(PLACE.wrong_types, PLACE.wrong_values, (np.int64(99), np.uint8(99)))
SEED = Kind((*_NO_NUMBERS, None, 1.5), (-1, 2**64), (np.int64(3), np.uint64(2**64 - 1)))
THREADS = Kind((*_NO_NUMBERS, 1.5), (0, -1, 5000), (np.int32(1),))
LEVEL = Kind((*_NO_NUMBERS, 1.5), (999,), (np.int64(3),))
POSITIVE = Kind(("x", True, [1]), (0, -1, float("nan")), (np.int64(1), np.float32(1)))
STRENGTH = Kind(("x", True, None, [1]), (-1, 17, float("nan")), (np.int64(1), np.float32(1)))
WHERE = Kind((3, b"x", ["x"]), ("", "prompt =", "\udcff"))
FRACTION = Kind(("x", True, [1]), (0, -0.1, 1.1, float("nan")))
BY = Kind((3, b"x", [3], {"prompt": 1}), (["\udcff"],))
SHARE = Kind(("x", True, None), (-0.1, 1.1, float("nan")), (np.float64(0.5), np.int64(1)))
FLAG = Kind((1, 0, None, "yes", []), (), (np.bool_(False),))
MAYBE = Kind((1, 0, "yes", []), (), (np.bool_(False),))
TRUE = Kind(FLAG.wrong_types, (), (np.bool_(True),))
TOKENS = Kind(COUNT.wrong_types, COUNT.wrong_values, (np.int64(500), np.uint16(500)))
NAMES = Kind(
    ("prompt", b"prompt", 3, [3], {"prompt": 1}, {"prompt"}, np.array("prompt")),
    (["\udcff"],),
    (np.array(["prompt"]),),
)
NAME = Kind((3, b"prompt", ["prompt"]), ("\udcff",))
#: Of all sources of a mixture, or of some by their names.
WHERES = Kind((*WHERE.wrong_types, {"a": 3}), (*WHERE.wrong_values, {"x": "prompt = 'a'"}))
WEIGHT_NAMES = Kind((*NAME.wrong_types, {"a": 3}), (*NAME.wrong_values, {"x": "score"}))
PATH = Kind((3, b"x", ["x"]), ("", "a\0b"))
OUTPUT = Kind(PATH.wrong_types, PATH.wrong_values, error=OutputError)
SOURCE = Kind((3, None, [], [TABLE], object(), pa.array(["a column"])), ("", "a\0b", [""]))
ROWS = Kind((None, 1.5, True, object(), np.array("x")), (0, -1, []), (np.int64(5),))
WEIGHTS = Kind((3, "x", ["x"], [[1, 2]]), ([], [1], [-1, 1, 1, 1, 1], [0] * 5), (np.ones(5),))
LENGTHS = Kind(
    ([0.5], ["x"], "x", None, [True]), ([], [-1], [2**32], [[1]]), (np.array([1, 2], np.uint8),)
)
FUNCTION = Kind((3, "x"))
PROGRESS = Kind((3, "x", 1))
SMART = Kind((3, None, 1, [True]), ("x", "Entropy"))
SCHEMA = Kind(
    (
        3,
        "x",
        {"prompt": "string"},
        [("prompt", pa.string())],
        pa.string(),
        pa.field("x", pa.int64()),
    ),
    (pa.schema([]), pa.schema({"prompt": pa.date32()}), pa.schema({"prompt": pa.string()})),
)
SCHEMAS = Kind(
    (3, "x", pa.schema({"prompt": pa.string()}), {"a": 3}, {"a": {"prompt": "string"}}),
    ({"x": None}, {"a": pa.schema({"prompt": pa.string()})}),
)
CODEC = Kind((3, b"x", ["x"]), ("zip",))
WORD = Kind((3, None, b"x"), ("x", "\udcff"))
PRESET = Kind((3, b"x"), ("x", "\udcff"))
TRAINER_NAMES = Kind((3, "x", [1], {"epochs": 3}), ({"x": "y"},))
BENCH = pa.table({"text": ["a text that no row has"]})
EXCLUDE = Kind((3, object(), [3]), ("", "a\0b", [""], [], BENCH[:0]))
LETTERS = Kind((*_NO_NUMBERS, 1.5, None), (0, 7, 10_001), (np.int64(60), np.uint8(60)))
RATE = Kind(("x", True, [1]), (0, -1, float("nan")))
WITHIN = Kind(COUNT.wrong_types, COUNT.wrong_values)
LIMIT = Kind(("x", True, [1], 1.5), (0, -1, {}, {"a": 0}), (np.int64(3),))
FOLDER = Kind((3, None, ["x"]), ("", "a\0b"))
SEED_ONLY = Kind(SEED.wrong_types, SEED.wrong_values)
ANY = Kind()  # passed on to another library

_DRAWN = {
    "seed": SEED,
    "threads": THREADS,
    "progress": PROGRESS,
    "columns": NAMES,
    "schema": SCHEMA,
}


class Loader(list[Any]):
    """A data loader without rows."""

    batch_size = 4


class Call(NamedTuple):
    """A public callable, arguments with which it works, and what each of its arguments is."""

    function: Callable[..., Any]
    working: dict[str, Any]
    kinds: dict[str, Kind]


def _calls(folder: Path) -> Iterator[tuple[str, Call]]:
    words = str(make("bpe", folder / "tokenizer.json"))
    rows = write_ipc(TABLE, folder / "rows.arrow")
    texts = {"text_columns": NAMES}
    yield "sample", Call(
        fastsample.sample,
        {"source": TABLE, "n": 5},
        {**_DRAWN, **texts, "source": SOURCE, "n": COUNT, "smart": SMART, "weights": FLAG,
         "features": OUTPUT,
         "budget_tokens": Kind(COUNT.wrong_types, COUNT.wrong_values),
         "max_tokens": Kind(COUNT.wrong_types, COUNT.wrong_values), "tokenizer": ANY,
         "chat_template": ANY, "at_most": FLAG,
         "fraction": FRACTION, "where": WHERE, "by": BY, "allocation": ANY, "group": BY,
         "n_groups": WITHIN,
         "weight": NAME, "key": NAME, "replace": FLAG, "exclude": EXCLUDE, "exclude_letters": ANY},
    )  # fmt: skip
    yield "sample by tokens", Call(
        fastsample.sample,
        {"source": TABLE, "budget_tokens": 500, "tokenizer": words},
        {**_DRAWN, **texts, "source": SOURCE, "smart": SMART, "budget_tokens": TOKENS,
         "features": OUTPUT,
         "max_tokens": TOKENS, "tokenizer": PATH, "n": ANY, "weights": FLAG,
         "chat_template": MAYBE, "at_most": FLAG, "weight": ANY, "key": ANY, "replace": FLAG,
         "exclude": ANY, "exclude_letters": ANY,
         "fraction": ANY, "where": WHERE, "by": ANY, "group": ANY, "n_groups": WITHIN,
         "allocation": ANY},
    )  # fmt: skip
    yield "sample without benchmarks", Call(
        fastsample.sample,
        {"source": TABLE, "n": 5, "exclude": BENCH},
        {**dict.fromkeys(inspect.signature(fastsample.sample).parameters, ANY),
         "exclude": EXCLUDE, "exclude_letters": LETTERS},
    )  # fmt: skip
    yield (
        "epochs",
        Call(
            fastsample.epochs,
            {"source": TABLE, "n": 5},
            {
                **{**_DRAWN, **texts, "source": SOURCE, "n": COUNT, "smart": SMART},
                **{"features": OUTPUT},
                **{"fraction": FRACTION, "where": WHERE, "allocation": ANY},
                **{
                    "by": Kind(BY.wrong_types),
                    "weight": NAME,
                    "group": Kind(BY.wrong_types),
                    "n_groups": WITHIN,
                    "budget_tokens": WITHIN,
                    "max_tokens": WITHIN,
                    "tokenizer": ANY,
                    "chat_template": ANY,
                },
                **{"exclude": EXCLUDE, "exclude_letters": ANY},
            },
        ),
    )
    yield "mix", Call(
        fastsample.mix,
        {"sources": {"a": (TABLE, 0.5), "b": (TABLE, 0.5)}, "n": 6},
        {**_DRAWN, "schema": SCHEMAS, "n": COUNT, "temperature": ANY, "exhausted": WORD,
         "budget_tokens": ANY, "tokenizer": ANY, "chat_template": ANY, "text_columns": ANY,
         "max_epochs": ANY, "exclude": EXCLUDE, "exclude_letters": ANY,
         "source_column": Kind((3, b"x", ["x"]), ("", "\udcff")),
         "where": WHERES, "weight": WEIGHT_NAMES, "smart": SMART, "epoch": PLACE,
         "repeat": Kind(
            (3, ["a"], "a", {"a": 1.5}, {"a": "2"}, {"a": True}), ({"a": 0}, {"c": 2}, {3: 1}),
            ({"a": np.int64(2)},),
         ),
         "sources": Kind(
            ([TABLE], 3, None, {3: TABLE}, {"a": 3}, {"a": (TABLE, "1")}, {"a": (TABLE, True)}),
            ({}, {"a": (TABLE, 0.5)}, {"a": (TABLE, 2.0)}, {"\udcff": TABLE}, {"a": TABLE[:0]}),
            ({"a": (TABLE, np.float32(1))}, {"a": (TABLE, np.int64(1))}),
         )},
    )  # fmt: skip
    yield "mix by size", Call(
        fastsample.mix,
        {"sources": {"a": TABLE}, "n": 6, "exhausted": "repeat"},
        {**_DRAWN, "schema": SCHEMAS, "n": COUNT, "exhausted": ANY, "sources": ANY,
         "source_column": ANY, "exclude": ANY, "exclude_letters": ANY,
         "budget_tokens": ANY, "tokenizer": ANY, "chat_template": ANY, "text_columns": ANY,
         "temperature": Kind(("x", True, [1]), (0, 0.5, 1001, float("nan")), (np.float32(2),)),
         "max_epochs": COUNT, "repeat": ANY,
         "where": WHERES, "weight": WEIGHT_NAMES, "smart": SMART, "epoch": PLACE},
    )  # fmt: skip
    yield "mix by tokens", Call(
        fastsample.mix,
        {"sources": {"a": TABLE}, "budget_tokens": 500, "tokenizer": words},
        {**_DRAWN, **texts, "schema": SCHEMAS, "n": ANY, "exhausted": ANY, "sources": ANY,
         "source_column": ANY, "exclude": ANY, "exclude_letters": ANY, "temperature": ANY,
         "max_epochs": ANY, "repeat": ANY, "where": ANY, "weight": ANY, "smart": SMART,
         "epoch": ANY, "budget_tokens": TOKENS, "tokenizer": PATH,
         "chat_template": MAYBE},
    )  # fmt: skip
    yield "split", Call(
        fastsample.split,
        {"source": TABLE, "sizes": {"a": 10, "b": 0.1}},
        {**_DRAWN, **texts, "source": SOURCE, "smart": SMART, "near_duplicates": FLAG,
         "features": OUTPUT,
         "exclude": EXCLUDE, "exclude_letters": ANY,
         "where": WHERE, "folds": Kind(COUNT.wrong_types, COUNT.wrong_values), "group": BY,
         "by": BY, "allocation": ANY, "weight": NAME,
         "sizes": Kind(
            ([("a", 1)], "a", 3, None, {"a": "1"}, {"a": True}, {3: 1}),
            ({}, {"a": 0}, {"a": -0.5}, {"a": 1.5}, {"a": float("nan")}, {"a": 61}),
            ({"a": np.int64(3)}, {"a": np.float32(0.5)}),
         )},
    )  # fmt: skip
    yield "score", Call(
        fastsample.score,
        {"source": TABLE},
        {"source": SOURCE, "smart": Kind((3, [True]), ("entropy",)), "columns": NAMES, **texts,
         "schema": SCHEMA, "features": OUTPUT, "threads": THREADS, "progress": PROGRESS},
    )  # fmt: skip
    yield "compare", Call(
        fastsample.compare,
        {"source": TABLE, "sample": TABLE[:20]},
        {"source": SOURCE, "sample": SOURCE, "by": NAME, **texts, "max_chars": COUNT,
         "schema": SCHEMA, "smart": MAYBE, "examples": PLACE,
         "threads": THREADS, "progress": PROGRESS},
    )  # fmt: skip
    yield "inspect", Call(
        fastsample.inspect,
        {"source": TABLE},
        {"source": SOURCE, "columns": NAMES, **texts, "schema": SCHEMA, "lengths": FLAG,
         "threads": THREADS, "tokenizer": PATH, "chat_template": ANY,
         "progress": PROGRESS},
    )  # fmt: skip
    yield "token_lengths", Call(
        fastsample.token_lengths,
        {"source": TABLE, "tokenizer": words},
        {"source": SOURCE, "tokenizer": PATH, **texts, "special_tokens": FLAG, "schema": SCHEMA,
         "chat_template": MAYBE,
         "threads": THREADS, "progress": PROGRESS},
    )  # fmt: skip
    yield "plan", Call(
        fastsample.plan,
        {"source": 1000, "n": 100, "seconds_per_step": 1.0, "batch_size": 4, "max_length": 64},
        {"source": Kind((None, [], True, 1.5, object()), (0, -1, ""), (np.int64(1000),)),
         "n": COUNT, "seconds_per_step": POSITIVE, "epochs": COUNT, "batch_size": COUNT,
         "devices": COUNT, "accumulation": COUNT, "steps": Kind(COUNT.wrong_types, (0, -1)),
         "max_length": LIMIT, "padding": WORD, "hours": Kind(POSITIVE.wrong_types, (0, -1)),
         "new_epochs": COUNT, "new_max_length": LIMIT, "new_seconds_per_step": POSITIVE,
         "fixed_share": SHARE, "lengths": FLAG, "chars_per_token": POSITIVE, "columns": ANY,
         "schema": SCHEMA, "threads": ANY, "progress": ANY, "limit_in": WORD, "recipe": PRESET,
         "gpu_memory": RATE, "parameters": WITHIN, "tokenizer": PATH, "chat_template": ANY},
    )  # fmt: skip
    yield "plan of a data set", Call(
        fastsample.plan,
        {"source": TABLE, "seconds_per_step": 1.0, "batch_size": 4, "lengths": True},
        {"source": Kind((None, [], object()), ("",)), "columns": NAMES, "threads": THREADS,
         "schema": SCHEMA, "progress": PROGRESS, "n": COUNT, "lengths": FLAG, "steps": ANY,
         "hours": POSITIVE, "seconds_per_step": POSITIVE,
         "epochs": COUNT, "batch_size": COUNT, "devices": COUNT, "accumulation": COUNT,
         "max_length": LIMIT, "padding": WORD, "new_epochs": COUNT, "new_max_length": ANY,
         "new_seconds_per_step": POSITIVE, "fixed_share": SHARE, "chars_per_token": POSITIVE,
         "limit_in": WORD, "recipe": PRESET, "gpu_memory": RATE, "parameters": WITHIN,
         "tokenizer": PATH, "chat_template": ANY},
    )  # fmt: skip
    model = save_model("causal", folder / "model", 1) if HAS_TORCH else folder
    yield "verify", Call(
        fastsample.verify,
        {"source": TABLE, "model": model, "baseline": model},
        {"source": SOURCE, "model": FOLDER, "baseline": FOLDER, "rows": WITHIN, "seed": SEED_ONLY,
         "prompt": NAME, "response": NAME, "prompt_format": WORD, "response_format": WORD,
         "max_chars": WITHIN, "tokenizer": PATH, "answers": Kind(PLACE.wrong_types, (-1,)),
         "max_new_tokens": WITHIN, "batch_size": WITHIN, "device": Kind((3, b"x")),
         "resamples": WITHIN, "schema": SCHEMA, "progress": PROGRESS},
    )  # fmt: skip
    yield "Smart", Call(
        _signed(fastsample.Smart, lambda **some: _smart(**some)),
        {},
        {"text": NAMES, "duplicates": STRENGTH, "commonness": STRENGTH, "length": STRENGTH,
         "repetition": STRENGTH, "min_chars": PLACE, "max_chars": CHARS,
         "target": Kind((3, []), ("", {}, {"": TABLE})), "target_method": WORD,
         "target_strength": STRENGTH, "target_clip": STRENGTH,
         "avoid": Kind((3, []), ("",)), "avoid_strength": STRENGTH},
    )  # fmt: skip
    yield (
        "Dataset",
        Call(
            fastsample.Dataset,
            {"path": rows},
            {"path": PATH, "columns": NAMES, "tuples": FLAG, "transform": FUNCTION},
        ),
    )
    yield "Dataset.lengths", Call(fastsample.Dataset(rows).lengths, {}, {"columns": NAMES})
    ids = fastsample.sample(TABLE, 5).cache(tokenizer=words)
    yield "TokenDataset", Call(fastsample.TokenDataset, {"path": ids.path}, {"path": PATH})
    yield "TokenDataset.lengths", Call(ids.lengths, {}, {"column": NAME})
    yield "TokenDataset.collator", Call(
        ids.collator,
        {"pad_id": 0},
        {"pad_id": PLACE, "padding_side": PRESET, "pad_to_multiple_of": COUNT, "packed": FLAG,
         "return_flash_attn_kwargs": FLAG, "return_tensors": WORD},
    )  # fmt: skip
    ranks = {"seed": SEED, "num_replicas": COUNT, "rank": PLACE, "drop_last": FLAG}
    yield "ResumableSampler", Call(
        fastsample.ResumableSampler,
        {"data": 5, "num_replicas": 2, "rank": 1, "weights": [1, 2, 3, 4, 5]},
        {"data": ROWS, **ranks, "shuffle": TRUE, "weights": WEIGHTS, "num_samples": COUNT,
         "num_replicas": Kind(COUNT.wrong_types, COUNT.wrong_values, (np.int64(2),))},
    )  # fmt: skip
    yield "LengthBatchSampler", Call(
        fastsample.LengthBatchSampler,
        {"lengths": [1, 2, 3], "batch_size": 2, "num_replicas": 2},
        {"lengths": LENGTHS,
         "batch_size": COUNT, "max_tokens": COUNT, "window": COUNT, **ranks},
    )  # fmt: skip
    yield "PackedBatchSampler", Call(
        fastsample.PackedBatchSampler,
        {"lengths": [1, 2, 3], "max_tokens": 4, "num_replicas": 2},
        {"lengths": LENGTHS,
         "max_tokens": Kind(COUNT.wrong_types, (0, -1, 2, 2**32), (np.int64(5),)),
         "too_long": WORD, "window": COUNT, **ranks},
    )  # fmt: skip
    samplers: list[tuple[str, Any]] = [
        ("ResumableSampler", fastsample.ResumableSampler(50)),
        ("LengthBatchSampler", fastsample.LengthBatchSampler(np.arange(50), 2)),
        ("PackedBatchSampler", fastsample.PackedBatchSampler(np.arange(50), 60)),
    ]
    for name, sampler in samplers:
        yield f"{name}.set_epoch", Call(sampler.set_epoch, {"epoch": 1}, {"epoch": PLACE})
        yield f"{name}.advance", Call(sampler.advance, {"count": 1}, {"count": PLACE})
        state = sampler.state_dict()
        yield f"{name}.load_state_dict", Call(
            sampler.load_state_dict,
            {"state": state},
            {"state": Kind((3, None, [], {**state, "epoch": "x"}, {**state, "consumed": 1.5}),
                           ({}, {**state, "epoch": -1}, {**state, "seed": 7}))},
        )  # fmt: skip
        yield (
            f"{name}.follow",
            Call(
                lambda loader, sampler=sampler: list(sampler.follow(loader)),
                {"loader": Loader()},
                {"loader": Kind((3, None)), "sampler": ANY},
            ),
        )
    fastsample.sample(rows, 5).write_ipc(folder / "made.arrow", manifest=True)
    yield "reproduce", Call(
        fastsample.reproduce,
        {"manifest": folder / "made.arrow.manifest.json"},
        {"manifest": PATH, "source": Kind((3, [], object())), "threads": THREADS,
         "progress": PROGRESS},
    )  # fmt: skip
    fastsample.sample(rows, 5).write_parquet(folder / "made.parquet")
    yield "card", Call(fastsample.card, {"data": folder / "made.parquet"}, {"data": PATH})
    yield "update", Call(
        fastsample.update,
        {"old": folder / "made.arrow", "source": rows},
        {"old": PATH, "source": Kind((3, [], object())), "threads": THREADS,
         "progress": PROGRESS},
    )  # fmt: skip
    drawn = fastsample.sample(TABLE, 5)
    yield "Sample.cache", Call(
        drawn.cache,
        {"tokenizer": words},
        {"dir": OUTPUT, "progress": PROGRESS, "tokenizer": PATH, "max_tokens": TOKENS,
         "chat_template": MAYBE, "text_columns": NAMES, "special_tokens": MAYBE,
         "assistant_only_loss": MAYBE},
    )  # fmt: skip
    yield "Sample.to_arrow", Call(drawn.to_arrow, {}, {"mmap": FLAG, "progress": PROGRESS})
    yield "Sample.to_pandas", Call(drawn.to_pandas, {}, {"progress": PROGRESS, "options": ANY})
    written = {
        "path": OUTPUT, "compression": WORD, "shuffle": FLAG, "shards": COUNT, "overwrite": TRUE,
        "memory_limit": COUNT, "manifest": FLAG, "provenance": TRUE, "progress": PROGRESS,
    }  # fmt: skip
    yield (
        "Sample.write_parquet",
        Call(
            drawn.write_parquet,
            {"path": folder / "o.parquet", "shuffle": True},
            {**written, "compression_level": LEVEL, "row_group_size": COUNT},
        ),
    )
    yield (
        "Sample.write_ipc",
        Call(drawn.write_ipc, {"path": folder / "o.arrow", "shuffle": True}, written),
    )
    lines = {**written, "compression_level": LEVEL}
    del lines["compression"], lines["provenance"]
    yield (
        "Sample.write_jsonl",
        Call(drawn.write_jsonl, {"path": folder / "o.jsonl.zst", "shuffle": True}, lines),
    )
    yield (
        "Sample.write_csv",
        Call(drawn.write_csv, {"path": folder / "o.csv.gz", "shuffle": True}, lines),
    )
    yield (
        "Split.write_parquet",
        Call(
            fastsample.split(TABLE, {"a": 5}).write_parquet,
            {"folder": folder / "sides"},
            {
                "folder": OUTPUT,
                "compression": WORD,
                "compression_level": LEVEL,
                "row_group_size": COUNT,
                "options": ANY,
            },
        ),
    )
    yield (
        "Split.write_jsonl",
        Call(
            fastsample.split(TABLE, {"a": 5}).write_jsonl,
            {"folder": folder / "sides", "compression": "zstd"},
            {
                "folder": OUTPUT,
                "compression": WORD,
                "compression_level": LEVEL,
                "options": ANY,
            },
        ),
    )
    yield (
        "Split.write_csv",
        Call(
            fastsample.split(TABLE, {"a": 5}).write_csv,
            {"folder": folder / "sides", "compression": "zstd"},
            {
                "folder": OUTPUT,
                "delimiter": WORD,
                "compression": WORD,
                "compression_level": LEVEL,
                "options": ANY,
            },
        ),
    )
    planned = fastsample.plan(1000, 100, seconds_per_step=1.0, batch_size=4)
    yield "Plan.speed_up", Call(planned.speed_up, {"scenario": planned.now}, {"scenario": FUNCTION})
    yield "Plan.plot", Call(planned.plot, {"path": folder / "o.svg"}, {"path": OUTPUT})
    yield (
        "Plan.write_settings",
        Call(
            planned.write_settings,
            {"path": folder / "o.toml"},
            {"path": OUTPUT, "overwrite": TRUE, "preset": PRESET, "names": TRAINER_NAMES,
             "train_file": PATH, "learning_rate": RATE, "new_learning_rate": RATE},
        ),
    )  # fmt: skip
    looked = fastsample.plan(TABLE, seconds_per_step=1.0, batch_size=4, lengths=True).lengths[0]
    yield "LengthFacts.padded", Call(looked.padded, {"padding": "longest"}, {"padding": WORD})
    yield "LengthFacts.waste", Call(looked.waste, {"padding": "longest"}, {"padding": WORD})
    yield (
        "Inspection.plot",
        Call(fastsample.inspect(TABLE).plot, {"path": folder / "o.svg"}, {"path": OUTPUT}),
    )
    yield (
        "Comparison.write_html",
        Call(
            fastsample.compare(TABLE, TABLE).write_html,
            {"path": folder / "o.html"},
            {"path": OUTPUT},
        ),
    )
    yield (
        "Epochs.__getitem__",
        Call(fastsample.epochs(TABLE, 5).__getitem__, {"epoch": 0}, {"epoch": PLACE}),
    )
    yield (
        "Epochs.write",
        Call(
            fastsample.epochs(TABLE, 5).write,
            {"path": folder / "o.parquet", "epochs": 1, "shuffle": True},
            {
                "path": OUTPUT,
                "epochs": COUNT,
                "compression": CODEC,
                "shuffle": FLAG,
                "overwrite": TRUE,
                "memory_limit": COUNT,
                "manifest": FLAG,
                "provenance": TRUE,
                "progress": PROGRESS,
            },
        ),
    )
    job = parts.Draw(rows, 5)
    (part,) = job.parts
    decision = job.decide(job.observe(part))
    yield "parts.Draw", Call(
        parts.Draw,
        {"source": rows, "n": 5},
        {"source": SOURCE, "n": COUNT, "smart": Kind(SMART.wrong_types, ("x", "entropy")),
         "seed": SEED, "columns": NAMES, "text_columns": NAMES, "threads": THREADS,
         "where": WHERE, "weight": NAME, "by": BY, "allocation": ANY, "key": NAME,
         "group": BY, "n_groups": WITHIN,
         "target_bytes": Kind((b"1", True, [1], None, 1.5), (0, -1, "x", "-1MiB"), (np.int64(9),))},
    )  # fmt: skip
    of_parts = [job.write(part, decision, folder / "in parts")]
    yield "parts.Draw.write", Call(
        job.write,
        {"part": part, "decision": decision, "folder": folder / "in parts"},
        {"part": Kind((3, None, rows)), "decision": ANY, "folder": OUTPUT},
    )  # fmt: skip
    yield "parts.Draw.commit", Call(
        job.commit,
        {"files": of_parts, "folder": folder / "in parts"},
        {"files": Kind(([3], [None])), "folder": OUTPUT, "overwrite": TRUE},
    )  # fmt: skip


def _smart(**some: Any) -> None:
    if some.get("target_strength", 8) != 8 or some.get("target_clip", 1) != 1:
        some.setdefault("target", TABLE)
    if some.get("avoid_strength", 8) != 8:
        some.setdefault("avoid", TABLE)
    fastsample.sample(TABLE, 5, smart=fastsample.Smart(**some))


def _signed(like: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    function.__signature__ = inspect.signature(like)  # type: ignore[attr-defined]
    return function


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    return dict(_calls(tmp_path_factory.mktemp("arguments")))


#: The calls by name, so that each is a test; `test_all_calls_are_listed` holds the list.
NAMES_OF_CALLS = [
    "sample", "sample by tokens", "sample without benchmarks", "epochs", "mix", "mix by size",
    "mix by tokens", "split", "score", "compare", "inspect", "token_lengths", "plan",
    "plan of a data set", "verify",
    "Smart", "Dataset", "Dataset.lengths", "TokenDataset", "TokenDataset.lengths",
    "TokenDataset.collator", "ResumableSampler", "LengthBatchSampler",
    "PackedBatchSampler", "ResumableSampler.set_epoch", "ResumableSampler.advance",
    "ResumableSampler.load_state_dict", "ResumableSampler.follow", "LengthBatchSampler.set_epoch",
    "LengthBatchSampler.advance", "LengthBatchSampler.load_state_dict",
    "LengthBatchSampler.follow", "PackedBatchSampler.set_epoch", "PackedBatchSampler.advance",
    "PackedBatchSampler.load_state_dict", "PackedBatchSampler.follow", "reproduce", "card",
    "update", "Sample.cache", "Sample.to_arrow", "Sample.to_pandas", "Sample.write_parquet",
    "Sample.write_ipc", "Sample.write_jsonl", "Sample.write_csv", "Split.write_parquet",
    "Split.write_jsonl", "Split.write_csv", "Plan.speed_up", "Plan.plot", "Plan.write_settings",
    "LengthFacts.padded", "LengthFacts.waste", "Inspection.plot", "Comparison.write_html",
    "Epochs.__getitem__", "Epochs.write", "parts.Draw", "parts.Draw.write", "parts.Draw.commit",
]  # fmt: skip


#: Classes whose methods are those of `Sample`, or are listed by name.
SUBCLASSES = (fastsample.Scores, fastsample.Mixture, fastsample.Split)


def test_all_calls_are_listed(calls: dict[str, Call]) -> None:
    assert list(calls) == NAMES_OF_CALLS


def test_no_public_function_is_left_out(calls: dict[str, Call]) -> None:
    functions = {
        name for name in fastsample.__all__ if inspect.isfunction(getattr(fastsample, name))
    }
    assert functions <= set(calls)
    classes = [kind for kind in vars(fastsample).values() if inspect.isclass(kind)]
    methods = {
        f"{kind.__name__}.{name}"
        for kind in classes
        if not issubclass(
            kind, (Exception, fastsample.Scores, fastsample.Split, fastsample.Mixture)
        )
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and len(inspect.signature(method).parameters) > 1
    }
    assert methods <= set(calls)


@pytest.mark.parametrize("name", NAMES_OF_CALLS)
def test_every_argument_has_a_kind(name: str, calls: dict[str, Call]) -> None:
    function, _, kinds = calls[name]
    assert set(inspect.signature(function).parameters) == set(kinds)


@pytest.mark.parametrize("name", NAMES_OF_CALLS)
def test_the_call_works(name: str, calls: dict[str, Call]) -> None:
    if name == "verify" and not HAS_TORCH:
        pytest.skip("there are no trainers")
    function, working, _ = calls[name]
    function(**working)


@pytest.mark.parametrize("name", NAMES_OF_CALLS)
def test_wrong_types(name: str, calls: dict[str, Call]) -> None:
    function, working, kinds = calls[name]
    for argument, kind in kinds.items():
        for value in kind.wrong_types:
            found = _error(function, working, argument, value)
            assert found is SourceTypeError, f"{argument}={value!r}"


@pytest.mark.parametrize("name", NAMES_OF_CALLS)
def test_wrong_values(name: str, calls: dict[str, Call]) -> None:
    function, working, kinds = calls[name]
    for argument, kind in kinds.items():
        for value in kind.wrong_values:
            found = _error(function, working, argument, value)
            assert found is kind.error, f"{argument}={value!r}"


@pytest.mark.parametrize("name", NAMES_OF_CALLS)
def test_numbers_of_numpy_pass(name: str, calls: dict[str, Call]) -> None:
    function, working, kinds = calls[name]
    for argument, kind in kinds.items():
        for value in kind.numpy:
            function(**{**_together(working, argument), argument: value})


def _error(
    function: Callable[..., Any], working: dict[str, Any], argument: str, value: Any
) -> type[BaseException] | None:
    try:
        function(**{**_together(working, argument), argument: value})
    except Exception as error:
        print(argument, repr(value), "->", f"{type(error).__name__}: {error}")
        return type(error)
    return None


def _together(working: dict[str, Any], argument: str) -> dict[str, Any]:
    """Return the arguments beside one; those that exclude it are left out."""
    if argument == "hours":
        return {name: value for name, value in working.items() if name != "n"}
    if argument == "steps":
        return {name: value for name, value in working.items() if name != "batch_size"}
    return working


def test_names_that_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    name = "~no such user.parquet"
    drawn = fastsample.sample(TABLE, 5)
    drawn.write_parquet(name)
    drawn.write_parquet("~/out.parquet")
    assert (tmp_path / name).exists()
    for path in (name, "~/out.parquet"):
        assert len(fastsample.sample(path, 5)) == 5
        assert len(fastsample.sample([Path(path)], 5)) == 5
    drawn.write_ipc("~rows.arrow")
    assert len(fastsample.Dataset("~rows.arrow")) == 5
    fastsample.compare(TABLE, TABLE).write_html("~page.html")
    assert drawn.cache("~cache").path.parent == tmp_path / "~cache"
    with pytest.raises(fastsample.SourceNotFoundError, match="~missing"):
        fastsample.sample("~missing.parquet", 5)


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000])
def test_names_that_are_too_long(name: str) -> None:
    for call in (
        lambda: fastsample.sample(name, 5),
        lambda: fastsample.token_lengths(TABLE, name),
        lambda: fastsample.Dataset(name),
        lambda: fastsample.sample(TABLE, 5).write_parquet(name),
        lambda: fastsample.sample(TABLE, 5).cache(name),
        lambda: parts.Draw(name, 5),
        lambda: fastsample.plan(
            9, batch_size=3, seconds_per_step=1, epochs=2, new_epochs=1
        ).write_settings(name),
    ):
        with pytest.raises(fastsample.FastSampleError):
            call()


def test_a_name_with_no_room_for_that_of_a_manifest(tmp_path: Path) -> None:
    path = write_ipc(TABLE, tmp_path / f"{'x' * 245}.arrow")
    assert not fastsample.compare(TABLE, path).smart


def test_an_output_whose_name_is_too_long(tmp_path: Path) -> None:
    path = write_ipc(TABLE, tmp_path / "in.arrow")
    for name in ("x" * 300, "a/" * 3000 + "x"):
        done = CliRunner().invoke(app, ["sample", str(path), f"{tmp_path}/{name}.arrow", "-n", "5"])
        assert done.exit_code == 1
        assert "File name too long" in done.stderr
