"""Train with Lightning; the place in the data is kept in its checkpoints.

python examples/with_lightning.py rows.parquet --output run
"""

import argparse
import sys
from pathlib import Path

import fastsample
import lightning
import torch
from fastsample.lightning import DataModule
from lightning.pytorch.callbacks import ModelCheckpoint
from tiny_model import TinyModel, collate


class Module(lightning.LightningModule):
    """The tiny model."""

    def __init__(self) -> None:
        super().__init__()
        self.model = TinyModel()

    def training_step(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the loss of a batch."""
        # In one piece: ranks share the output.
        sys.stdout.write(f"rows {' '.join(map(str, batch['ids'].tolist()))}\n")
        sys.stdout.flush()
        return self.model(**batch)["loss"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def main() -> None:
    """Train for two epochs, or what is left of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--devices", type=int, default=1)
    args = parser.parse_args()

    rows = fastsample.sample(args.source, args.rows).cache()
    data = DataModule(rows, batch_size=8, seed=1, num_workers=args.workers, collate_fn=collate)
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=args.devices,
        max_epochs=2,
        max_steps=args.steps,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            ModelCheckpoint(
                args.output, "last", every_n_train_steps=5, enable_version_counter=False
            )
        ],
        use_distributed_sampler=False,
    )
    checkpoint = args.output / "last.ckpt"
    trainer.fit(Module(), data, ckpt_path=str(checkpoint) if checkpoint.exists() else None)


if __name__ == "__main__":
    main()
