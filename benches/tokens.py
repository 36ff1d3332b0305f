"""Time the batches of a training step: tokenized in the collator, by `datasets.map`, cached once.

::

    python -m benches.tokens
    python -m benches.tokens --rows 1_700_000 --tokenizer model

generates rows under the folder for temporary files (removed afterwards) and trains a byte-level
BPE on some of them, unless a tokenizer is named. Shuffled batches of 24 pairs are padded by each
way in turn, in one process: ``collator`` reads strings from our `Dataset` and tokenizes them in
the collator, as most training scripts do; ``datasets.map`` has tokenized them before and pads with
``DataCollatorForSeq2Seq``; ``fastsample`` is `cache(tokenizer=...)` and its collator. All three
give equal batches, which is checked. Needs the dependency group `train`.
"""

from __future__ import annotations

import datetime
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

import fastsample
import numpy as np

from benches.arguments import arguments
from benches.generate import generate
from benches.report import write_page

BATCH: Final = 24
BATCHES: Final = 100
ROUNDS: Final = 7
MOST: Final = 256
TRAINED_ON: Final = 5_000
VOCABULARY: Final = 8_000
PAIR: Final = ("prompt", "response")

Line: TypeAlias = tuple[str, str]
Step: TypeAlias = Callable[[list[int]], Any]


def trained(rows: fastsample.Dataset, folder: Path) -> Path:
    """Return the folder of a byte-level BPE that was trained on some of the rows."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer: Any = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (row[name] or "" for row in rows[:TRAINED_ON] for name in PAIR)
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    wrap: Any = PreTrainedTokenizerFast
    wrap(tokenizer_object=made, pad_token="<pad>", eos_token="</s>").save_pretrained(folder)
    return folder


def ways(rows: fastsample.Dataset, folder: Path) -> tuple[dict[str, Step], list[Line]]:
    """Return what makes a batch of some rows by each way, and what was to be done before."""
    import datasets
    from transformers import AutoTokenizer, DataCollatorForSeq2Seq

    usual = AutoTokenizer.from_pretrained(folder)
    seq2seq = DataCollatorForSeq2Seq(usual)
    options: dict[str, Any] = {"truncation": True, "max_length": MOST}

    def tokenized(batch: dict[str, Any]) -> dict[str, Any]:
        prompts, responses = ([text or "" for text in batch[name]] for name in PAIR)
        ids = usual(prompts, **options)
        kept = {name: ids[name] for name in ("input_ids", "attention_mask")}
        return kept | {"labels": usual(text_target=responses, **options)["input_ids"]}

    def in_collator(indices: list[int]) -> Any:
        taken = rows.__getitems__(indices)
        batch = tokenized({name: [row[name] for row in taken] for name in PAIR})
        return seq2seq(
            [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        )

    begin = time.perf_counter()
    source: Any = datasets.Dataset.from_file(str(rows.path))
    mapped = source.map(tokenized, batched=True, remove_columns=source.column_names)
    mapped_seconds = time.perf_counter() - begin

    def by_map(indices: list[int]) -> Any:
        return seq2seq(mapped.__getitems__(indices))

    begin = time.perf_counter()
    sample = fastsample.sample(rows.path, fraction=1.0)
    cached = sample.cache(tokenizer=folder, max_tokens=MOST, text_columns=PAIR)
    cached_seconds = time.perf_counter() - begin
    collate = cached.collator()

    def ours(indices: list[int]) -> Any:
        return collate(cached.__getitems__(indices))

    before = [
        ("datasets.map, once, one process", f"{mapped_seconds:.1f} s"),
        ("cache(tokenizer=...), once, all cores, rows included", f"{cached_seconds:.1f} s"),
        ("tokens", f"{int(cached.lengths().sum()):,}, file {cached.path.stat().st_size:,} bytes"),
    ]
    return {"collator": in_collator, "datasets.map": by_map, "fastsample": ours}, before


def check(steps: dict[str, Step], indices: Sequence[list[int]]) -> None:
    """Fail unless all ways give the same batches."""
    for wanted in indices:
        first, *others = (step(wanted) for step in steps.values())
        for other in others:
            for name in ("input_ids", "attention_mask", "labels"):
                assert first[name].tolist() == other[name].tolist(), name


def measure(rows: int, tokenizer: Path | None, rounds: int) -> Iterator[Line]:
    """Measure everything."""
    # A loader's worker tokenizes on its own core.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory(prefix="fastsample-tokens-") as name:
        folder = Path(name)
        os.environ["FASTSAMPLE_CACHE"] = os.environ["HF_DATASETS_CACHE"] = name
        made = folder / "rows.parquet"
        generate(made, rows)
        data = fastsample.sample(made, fraction=1.0).cache()
        model = tokenizer or trained(data, folder / "model")
        steps, before = ways(data, model)
        yield "rows", f"{rows:,}"
        yield from before
        rng = np.random.default_rng(1)
        check(steps, rng.integers(0, rows, (5, BATCH)).tolist())
        times: dict[str, list[float]] = {way: [] for way in steps}
        for turn in range(rounds + 1):
            wanted = rng.integers(0, rows, (BATCHES, BATCH)).tolist()
            for way, step in steps.items():
                begin = time.perf_counter()
                for indices in wanted:
                    step(indices)
                if turn:  # the first turn warms up
                    times[way].append((time.perf_counter() - begin) / BATCHES)
        for way, values in times.items():
            pairs = zip(values, times["fastsample"], strict=True)
            ratio = median(a / b for a, b in pairs)
            low, middle, high = (1e3 * v for v in (min(values), median(values), max(values)))
            found = f"{middle:.3f} ms ({low:.3f} to {high:.3f}), × {ratio:.1f}"
            yield f"a batch of {BATCH}: {way}", found


def main() -> None:
    """Run the command line."""
    parser = arguments(__doc__, rounds=ROUNDS)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--tokenizer", type=Path, help="folder of a tokenizer with a pad token")
    options = parser.parse_args()
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    page = [f"# Token ids: {options.rows:,} rows", "", f"{date}. `python -m benches.tokens`", ""]
    page += ["| what | found |", "|---|---|"]
    for what, found in measure(options.rows, options.tokenizer, options.rounds):
        page.append(f"| {what} | {found} |")
        print(page[-1], flush=True)
    write_page(page, options.record / f"{date}-tokens.md")


if __name__ == "__main__":
    main()
