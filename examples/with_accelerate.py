"""Train with accelerate on several processes; after a crash, go on from the last checkpoint.

accelerate launch --num_processes 2 examples/with_accelerate.py rows.parquet --output run
"""

import argparse
import os
import signal
from pathlib import Path

import fastsample
import torch
import torch.distributed.nn
from accelerate import Accelerator
from tiny_model import TinyModel, collate
from torch.utils.data import DataLoader


def main() -> None:
    """Train for an epoch, or what is left of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--save-every", type=int, default=2)
    parser.add_argument("--kill-after", type=int, default=0, help="steps; 0 for never")
    args = parser.parse_args()

    accelerator = Accelerator(cpu=True)
    # Every process asks; one writes the file, all map it.
    rows = fastsample.sample(args.source, args.rows).cache()
    sampler = fastsample.ResumableSampler(rows, seed=1)
    loader = DataLoader(
        rows, batch_size=4, sampler=sampler, num_workers=args.workers, collate_fn=collate
    )
    model = TinyModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    accelerator.register_for_checkpointing(sampler)
    checkpoints = sorted(args.output.glob("step-*"))
    if checkpoints:
        accelerator.load_state(str(checkpoints[-1]))

    first = len(checkpoints) * args.save_every
    seen = args.output / f"rows-{accelerator.process_index}.txt"
    args.output.mkdir(parents=True, exist_ok=True)
    for step, batch in enumerate(sampler.follow(loader), first + 1):
        accelerator.backward(model(**batch)["loss"])
        optimizer.step()
        optimizer.zero_grad()
        with seen.open("a") as file:
            print(step, *batch["ids"].tolist(), file=file)
        if step == args.kill_after:
            accelerator.wait_for_everyone()
            os.kill(os.getpid(), signal.SIGKILL)
        if step % args.save_every == 0:
            accelerator.save_state(str(args.output / f"step-{step:06}"))
    # With the last reference to the process group its threads end here. One that is late would
    # find the interpreter gone, and abort. (torch.distributed.nn keeps the group that it finds
    # when it is imported: hence the import above, before there is one.)
    model, optimizer, loader = accelerator.free_memory(model, optimizer, loader)
    accelerator.end_training()


if __name__ == "__main__":
    main()
