"""Cached tokens in torch's loaders and in trainers: what the usual path would give the model."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commands
import fastsample
import pytest
from commands import run_example
from data import pairs, write_parquet

pytest.importorskip("tokenizers")

from tokenizers_made import make

pytestmark = [
    pytest.mark.torch,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*set_vital.*deprecated"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

EXAMPLE = Path(__file__).parents[1] / "examples" / "with_tokens.py"
N = 100


@pytest.fixture(scope="module", autouse=True)
def _memory_of_trainers() -> Iterator[None]:
    yield
    commands.stop("torch.utils.data")


@pytest.fixture(scope="module", params=["right", "left"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of a tokenizer, as `transformers` saves it."""
    from transformers import PreTrainedTokenizerFast

    load: Any = PreTrainedTokenizerFast
    folder = tmp_path_factory.mktemp("model")
    file = make("unigram", folder / "made.json")
    made = load(
        tokenizer_file=str(file),
        pad_token="[PAD]",
        padding_side=request.param,
        truncation_side=request.param,
    )
    made.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def usual(model: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model)


def same(found: dict[str, Any], expected: Any) -> None:
    for name, tensor in expected.items():
        assert found[name].tolist() == tensor.tolist(), name


@pytest.mark.parametrize("multiple", [None, 8])
def test_batches_are_those_of_a_tokenizer_in_the_collator(
    model: Path, usual: Any, multiple: int | None
) -> None:
    from torch.utils.data import DataLoader
    from transformers import DataCollatorForSeq2Seq

    table = pairs(N, seed=6)
    rows: Any = fastsample.sample(table, N).cache(tokenizer=model, max_tokens=30)
    sampler = fastsample.ResumableSampler(rows, seed=3)
    collate = rows.collator(pad_to_multiple_of=multiple)
    loader = DataLoader(rows, batch_size=24, sampler=sampler, collate_fn=collate)
    order = list(fastsample.ResumableSampler(rows, seed=3))
    hf = DataCollatorForSeq2Seq(usual, pad_to_multiple_of=multiple)

    def tokenized(row: dict[str, str | None]) -> dict[str, Any]:
        made = dict(usual(row["prompt"] or "", truncation=True, max_length=30))
        made.pop("token_type_ids", None)
        target = usual(text_target=row["response"] or "", truncation=True, max_length=30)
        return made | {"labels": target["input_ids"]}

    texts = table.to_pylist()
    steps = 0
    for step, batch in enumerate(loader):
        wanted = order[step * 24 : step * 24 + 24]
        same(batch, hf([tokenized(texts[i]) for i in wanted]))
        # Their collator takes our rows, too.
        same(
            batch,
            hf(
                [
                    {"input_ids": row["input_ids"], "labels": row["labels"].tolist()}
                    for row in rows.__getitems__(wanted)
                ]
            ),
        )
        steps += 1
    assert steps == 5


def test_causal_batches_and_packs_are_those_of_transformers(model: Path, usual: Any) -> None:
    from transformers import DataCollatorForLanguageModeling, DataCollatorWithFlattening

    table = pairs(N, seed=6).select(["response"])
    rows = fastsample.sample(table, N).cache(tokenizer=model, max_tokens=30)
    tokenized = [
        {"input_ids": usual(text or "", truncation=True, max_length=30)["input_ids"]}
        for text in table["response"].to_pylist()
    ]
    padded = DataCollatorForLanguageModeling(usual, mlm=False)
    flattening: Any = DataCollatorWithFlattening
    flat = flattening(return_flash_attn_kwargs=True)
    packed = rows.collator(packed=True, return_flash_attn_kwargs=True)
    for step in range(4):
        wanted = list(range(step, N, 7))
        same(rows.collator()(rows.__getitems__(wanted)), padded([tokenized[i] for i in wanted]))
        expected = flat([tokenized[i] for i in wanted])
        found = packed(rows.__getitems__(wanted))
        assert set(found) == set(expected)
        for name, value in expected.items():
            if name.startswith("max_length"):
                assert found[name] == value
            else:
                assert found[name].dtype == value.dtype
                assert found[name].tolist() == value.tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_give_the_same_batches(model: Path, method: str) -> None:
    import torch
    from torch.utils.data import DataLoader

    rows: Any = fastsample.sample(pairs(N, seed=6), N).cache(tokenizer=model)
    collate = rows.collator()
    samplers = [fastsample.LengthBatchSampler(rows, 8, seed=3) for _ in range(2)]
    alone = list(DataLoader(rows, batch_sampler=samplers[0], collate_fn=collate))
    loader = DataLoader(
        rows,
        batch_sampler=samplers[1],
        collate_fn=collate,
        num_workers=2,
        multiprocessing_context=method,
    )
    together = list(loader)
    assert len(alone) == len(together) == 13
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def steps_of(*arguments: object) -> list[list[int]]:
    done = run_example(EXAMPLE, *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    return [list(map(int, line[1:])) for line in lines if line[:1] == ["rows"]]


def test_the_trainer_sees_the_tokens_of_its_rows_and_resumes(
    model: Path, usual: Any, tmp_path: Path
) -> None:
    table = pairs(3 * N, seed=9)
    source = write_parquet(table, tmp_path / "rows.parquet")
    sample = fastsample.sample(source, N)
    texts = sample.to_arrow().to_pylist()

    def ids(text: str | None) -> list[int]:
        found: list[int] = usual(text or "", truncation=True, max_length=64)["input_ids"]
        return found

    def checksum(row: dict[str, str | None]) -> int:
        return zlib.crc32(repr((ids(row["prompt"]), ids(row["response"]))).encode())

    sampler = fastsample.ResumableSampler(N, seed=42)
    seen = [checksum(texts[i]) for _ in range(2) for i in sampler]
    epochs = [seen[:N], seen[N:]]
    expected = [epoch[i : i + 8] for epoch in epochs for i in range(0, N, 8)]
    common = (source, "--tokenizer", model)
    assert steps_of(*common, "--output", tmp_path / "whole") == expected
    stopped = (*common, "--output", tmp_path / "stopped")
    # The Trainer prepares a batch ahead of the step.
    first = steps_of(*stopped, "--steps", 8)
    assert first[:8] == expected[:8]
    assert steps_of(*stopped, "--resume") == expected[8:]
