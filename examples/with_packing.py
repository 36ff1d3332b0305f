"""Train the Trainer of Hugging Face transformers on packs of rows, without padding.

python examples/with_packing.py rows.parquet --output run
"""

import argparse

import fastsample
import torch
from tiny_model import id_of
from torch.utils.data import DataLoader
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments


def tokenized(row):
    """Turn a row into tokens: here the bytes of its texts, where a tokenizer would be."""
    text = (row["prompt"] or "") + (row["response"] or "")
    return {"id": id_of(row), "input_ids": list(text.encode())}


def lay_end_to_end(rows):
    """Make one sequence of a pack. Positions begin anew in each row, no row predicts the next.

    The model tells the rows apart by their positions, so none attends to another, as long as it
    keeps no cache of keys and values.
    """
    tokens, positions, labels = [], [], []
    for row in rows:
        ids = row["input_ids"]
        tokens += ids
        positions += range(len(ids))
        labels += [-100, *ids[1:]][: len(ids)]
    columns = {"input_ids": tokens, "position_ids": positions, "labels": labels}
    return {name: torch.tensor([values]) for name, values in columns.items()}


class PackedTrainer(Trainer):
    """The Trainer with packs of rows as batches: as many for every process."""

    def get_train_dataloader(self):
        """Return a loader of the packs of this process; accelerate must not deal them out again."""
        sampler = fastsample.PackedBatchSampler(
            [len(row["input_ids"]) for row in self.train_dataset],  # or fastsample.token_lengths
            max_tokens=1024,
            seed=self.args.seed,
            num_replicas=self.args.world_size,
            rank=self.args.process_index,
        )
        return DataLoader(
            self.train_dataset,
            batch_sampler=sampler,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )


def tiny_llama():
    """Return a language model of some thousand weights."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=256,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=1024,
            use_cache=False,
        )
    )


def main() -> None:
    """Train one epoch, or go on from the last checkpoint, after the packs that were seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--output", required=True)
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()

    def recorded(rows):
        batch = lay_end_to_end(rows)
        print("tokens", batch["input_ids"].numel(), flush=True)
        print("rows", *(row["id"] for row in rows), flush=True)
        return batch

    rows = fastsample.sample(args.source, args.rows).cache()
    trainer = PackedTrainer(
        model=tiny_llama(),
        args=TrainingArguments(
            output_dir=args.output,
            per_device_train_batch_size=1,
            num_train_epochs=1,
            max_steps=args.steps,
            save_steps=2,
            remove_unused_columns=False,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=fastsample.Dataset(rows.path, transform=tokenized),
        data_collator=recorded,
    )
    trainer.train(resume_from_checkpoint=args.resume)


if __name__ == "__main__":
    main()
