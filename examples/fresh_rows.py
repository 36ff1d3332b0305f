"""Train on fresh rows every epoch, stop anywhere, continue where it stopped.

python examples/fresh_rows.py rows.parquet --rows 100 --epochs 3 --stop-after 15
python examples/fresh_rows.py rows.parquet --rows 100 --epochs 3
"""

import argparse
from pathlib import Path

import fastsample
import torch
from tiny_model import TinyModel, collate
from torch.utils.data import DataLoader


def main() -> None:
    """Train for some epochs, or what is left of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    parser.add_argument("--stop-after", type=int, default=0, help="steps; 0 for none")
    args = parser.parse_args()

    epochs = fastsample.epochs(args.source, args.rows, smart=True, seed=42)
    model = TinyModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    epoch, place = 0, None
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        epoch, place = state["epoch"], state["sampler"]

    step = 0
    while epoch < args.epochs:
        rows = epochs[epoch].cache()
        sampler = fastsample.ResumableSampler(rows, seed=epoch)
        if place is not None:
            sampler.load_state_dict(place)
        for batch in sampler.follow(
            DataLoader(rows, batch_size=8, sampler=sampler, collate_fn=collate)
        ):
            loss = model(**batch)["loss"]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            print("rows", *batch["ids"].tolist())
            # After its last batch the sampler is at its next epoch: so are we, with other rows.
            ended = sampler.epoch > 0
            state = {"epoch": epoch + ended, "sampler": None if ended else sampler.state_dict()}
            torch.save({"model": model.state_dict(), **state}, args.checkpoint)
            step += 1
            if step == args.stop_after:
                return
        epoch, place = epoch + 1, None


if __name__ == "__main__":
    main()
