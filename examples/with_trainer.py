"""Train with the Trainer of Hugging Face transformers, in fastsample's order.

python examples/with_trainer.py rows.parquet --output run
"""

import argparse

import fastsample
from tiny_model import TinyModel, collate, id_of
from transformers import Trainer, TrainingArguments


class SampledTrainer(Trainer):
    """The Trainer with an order that needs no memory and is the same on any number of ranks."""

    def _get_train_sampler(self, train_dataset=None):
        return fastsample.ResumableSampler(train_dataset or self.train_dataset, self.args.seed)


def main() -> None:
    """Train, or go on from the last checkpoint: the Trainer skips the rows it has seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--output", required=True)
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()

    def recorded(rows):
        print("rows", *(id_of(row) for row in rows), flush=True)
        return collate(rows)

    trainer = SampledTrainer(
        model=TinyModel(),
        args=TrainingArguments(
            output_dir=args.output,
            per_device_train_batch_size=8,
            num_train_epochs=2,
            max_steps=args.steps,
            save_steps=4,
            dataloader_num_workers=args.workers,
            remove_unused_columns=False,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=fastsample.sample(args.source, args.rows).cache(),
        data_collator=recorded,
    )
    trainer.train(resume_from_checkpoint=args.resume)


if __name__ == "__main__":
    main()
