"""Train with plain PyTorch, stop anywhere, go on where it stopped.

python examples/plain_torch.py rows.parquet --rows 100 --stop-after 3
python examples/plain_torch.py rows.parquet --rows 100
"""

import argparse
from pathlib import Path

import fastsample
import torch
from tiny_model import TinyModel, collate
from torch.utils.data import DataLoader


def main() -> None:
    """Train for an epoch, or what is left of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    parser.add_argument("--stop-after", type=int, default=0, help="steps; 0 for none")
    args = parser.parse_args()

    rows = fastsample.sample(args.source, args.rows).cache()
    sampler = fastsample.ResumableSampler(rows, seed=1)
    loader = DataLoader(
        rows, batch_size=8, sampler=sampler, num_workers=args.workers, collate_fn=collate
    )
    model = TinyModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        sampler.load_state_dict(state["sampler"])

    for step, batch in enumerate(sampler.follow(loader), 1):
        loss = model(**batch)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print("rows", *batch["ids"].tolist())
        state = {"model": model.state_dict(), "sampler": sampler.state_dict()}
        torch.save(state, args.checkpoint)
        if step == args.stop_after:
            break


if __name__ == "__main__":
    main()
