"""Train a T5 with the Trainer of Hugging Face transformers on tokens that were cached once.

python examples/with_tokens.py rows.parquet --tokenizer model --output run
"""

import argparse
import zlib

import fastsample
import torch
from transformers import T5Config, T5ForConditionalGeneration, Trainer, TrainingArguments


class SampledTrainer(Trainer):
    """The Trainer with an order that needs no memory and is the same on any number of ranks."""

    def _get_train_sampler(self, train_dataset=None):
        return fastsample.ResumableSampler(train_dataset or self.train_dataset, self.args.seed)


def tiny_t5(pad_id, tokens):
    """Return a T5 of some thousand weights."""
    torch.manual_seed(0)
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=tokens,
            d_model=16,
            d_kv=8,
            d_ff=16,
            num_layers=1,
            num_heads=2,
            pad_token_id=pad_id,
            decoder_start_token_id=pad_id,
        )
    )


def sums_of(batch):
    """Return a checksum of the tokens of each row, without what fills it up."""
    inputs, labels = batch["input_ids"], batch["labels"]
    for ids, mask, written in zip(inputs, batch["attention_mask"], labels, strict=True):
        row = ids[mask == 1].tolist(), written[written != -100].tolist()
        yield zlib.crc32(repr(row).encode())


def main() -> None:
    """Train, or go on from the last checkpoint: the Trainer skips the rows it has seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--output", required=True)
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()

    # Every process may ask: the first one writes, and all map the same file.
    rows = fastsample.sample(args.source, args.rows).cache(
        tokenizer=args.tokenizer, max_tokens=args.max_tokens
    )
    collate = rows.collator(pad_to_multiple_of=8)

    def recorded(batch):
        made = collate(batch)
        print("rows", *sums_of(made), flush=True)
        return made

    largest = max(int(row[name].max(initial=0)) for row in rows for name in row)
    trainer = SampledTrainer(
        model=tiny_t5(rows.pad_id, largest + 1),
        args=TrainingArguments(
            output_dir=args.output,
            per_device_train_batch_size=8,
            num_train_epochs=2,
            max_steps=args.steps,
            save_steps=4,
            dataloader_num_workers=args.workers,
            remove_unused_columns=False,  # batches reach the collator as they are
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=rows,
        data_collator=recorded,
    )
    trainer.train(resume_from_checkpoint=args.resume)


if __name__ == "__main__":
    main()
