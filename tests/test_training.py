"""Data loaders and trainers work with the datasets and the samplers."""

import importlib.util
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import commands
import fastsample
import pyarrow as pa
import pytest
from commands import run_example
from data import write_parquet

pytestmark = [
    pytest.mark.torch,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes"),
    pytest.mark.filterwarnings("ignore:.*set_vital.*deprecated"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*deprecated:FutureWarning"),
]

EXAMPLES = Path(__file__).parents[1] / "examples"
N = 100


@pytest.fixture(scope="module", autouse=True)
def _memory_of_trainers() -> Iterator[None]:
    yield
    commands.stop("torch.utils.data")


@pytest.fixture
def source(table: pa.Table, tmp_path: Path) -> Path:
    return write_parquet(table, tmp_path / "source.parquet")


@pytest.fixture
def ids(source: Path) -> list[int]:
    rows: list[int] = fastsample.sample(source, N).row_ids.tolist()
    return rows


def run(example: str, *arguments: object, launcher: tuple[str, ...] = ()) -> list[list[int]]:
    """Run an example and return the ids of the rows of each step."""
    if launcher:
        command = [sys.executable, *launcher, str(EXAMPLES / example), *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    else:
        done = run_example(EXAMPLES / example, *arguments)
    assert done.returncode == 0 or "--kill-after" in arguments, done.stderr[-3000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    return [list(map(int, line[1:])) for line in lines if line[:1] == ["rows"]]


def collate_ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_that_drops_the_last_batch_goes_on(source: Path, workers: int) -> None:
    from torch.utils.data import DataLoader

    rows: Any = fastsample.sample(source, N).cache()

    def loader(sampler: fastsample.ResumableSampler) -> DataLoader[Any]:
        return DataLoader(
            rows, 15, sampler=sampler, drop_last=True, num_workers=workers, collate_fn=collate_ids
        )

    whole, stopped, resumed = (fastsample.ResumableSampler(rows) for _ in range(3))
    epochs = [list(whole.follow(loader(whole))) for _ in range(2)]
    for _, _ in zip(range(6), stopped.follow(loader(stopped)), strict=False):
        state = stopped.state_dict()
    assert (state["epoch"], state["consumed"]) == (1, 0)
    resumed.load_state_dict(state)
    assert list(resumed.follow(loader(resumed))) == epochs[1]


@pytest.mark.parametrize("workers", [0, 4])
def test_data_loader(source: Path, ids: list[int], workers: int) -> None:
    from torch.utils.data import DataLoader

    rows: Any = fastsample.sample(source, N).cache()
    sampler = fastsample.ResumableSampler(rows, seed=1)
    loader: Any = DataLoader(
        rows, batch_size=8, sampler=sampler, num_workers=workers, collate_fn=collate_ids
    )
    whole = [batch for _ in range(2) for batch in sampler.follow(loader)]
    assert Counter(i for batch in whole for i in batch) == dict.fromkeys(ids, 2)
    assert len(loader) == 13
    for stop in (1, 6, 12, 13, 20):
        sampler = fastsample.ResumableSampler(rows, seed=1)
        loader = DataLoader(
            rows, batch_size=8, sampler=sampler, num_workers=workers, collate_fn=collate_ids
        )
        seen: list[list[int]] = []
        while len(seen) < stop:
            for batch in sampler.follow(loader):
                seen.append(batch)
                if len(seen) == stop:
                    break
        resumed = fastsample.ResumableSampler(rows, seed=1)
        resumed.load_state_dict(sampler.state_dict())
        loader = DataLoader(
            rows, batch_size=8, sampler=resumed, num_workers=workers, collate_fn=collate_ids
        )
        while len(seen) < len(whole):
            seen += resumed.follow(loader)
        assert seen == whole


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_similar_length(source: Path, ids: list[int], workers: int) -> None:
    from torch.utils.data import DataLoader

    rows: Any = fastsample.sample(source, N).cache()
    sampler = fastsample.LengthBatchSampler(rows, 8)
    loader: Any = DataLoader(
        rows, batch_sampler=sampler, num_workers=workers, collate_fn=collate_ids
    )
    whole = list(sampler.follow(loader))
    assert sorted(i for batch in whole for i in batch) == ids
    sampler.set_epoch(0)
    sampler.advance(5)
    assert list(sampler.follow(loader)) == whole[5:]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("by_length", [False, True])
def test_stateful_data_loader(source: Path, workers: int, by_length: bool) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    rows: Any = fastsample.sample(source, N).cache()

    def make() -> Any:
        options: dict[str, Any] = (
            {"batch_sampler": fastsample.LengthBatchSampler(rows, 8, seed=1)}
            if by_length
            else {"batch_size": 8, "sampler": fastsample.ResumableSampler(rows, seed=1)}
        )
        return StatefulDataLoader(rows, num_workers=workers, collate_fn=collate_ids, **options)

    whole = list(make())
    for stop in (1, 5, 12):
        loader = make()
        batches = iter(loader)
        seen = [next(batches) for _ in range(stop)]
        state = pickle.loads(pickle.dumps(loader.state_dict()))
        del batches
        resumed = make()
        resumed.load_state_dict(state)
        assert seen + list(resumed) == whole


@pytest.mark.parametrize("workers", [0, 2])
def test_plain_torch(source: Path, ids: list[int], tmp_path: Path, workers: int) -> None:
    arguments = source, "--workers", workers, "--checkpoint"
    whole = run("plain_torch.py", *arguments, tmp_path / "whole.pt")
    assert sorted(i for step in whole for i in step) == ids
    first = run("plain_torch.py", *arguments, tmp_path / "c.pt", "--stop-after", 5)
    assert first + run("plain_torch.py", *arguments, tmp_path / "c.pt") == whole


@pytest.mark.parametrize("stop", [5, 13, 20])
def test_fresh_rows(source: Path, tmp_path: Path, stop: int) -> None:
    """Stopped in the first epoch, at its end, in the second: the rest follows, no row twice."""
    whole = run("fresh_rows.py", source, "--checkpoint", tmp_path / "whole.pt")
    assert len(whole) == 3 * 13
    epochs = [{i for step in whole[13 * e : 13 * (e + 1)] for i in step} for e in range(3)]
    assert [len(epoch) for epoch in epochs] == [N, N, N]
    assert len(set.union(*epochs)) == 3 * N
    smart = fastsample.sample(source, N, smart=True)
    assert epochs[0] == set(smart.row_ids.tolist())
    arguments = source, "--checkpoint", tmp_path / "c.pt"
    first = run("fresh_rows.py", *arguments, "--stop-after", stop)
    assert len(first) == stop
    assert first + run("fresh_rows.py", *arguments) == whole


def test_accelerate_killed_and_resumed(source: Path, ids: list[int], tmp_path: Path) -> None:
    processes, workers = 3, 2
    # --multi_gpu is what makes the launcher start several processes; they run on the CPU.
    launcher: tuple[str, ...] = (
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_machines",
        "1",
    )
    launcher += ("--num_processes", str(processes), "--main_process_port", "0")
    launcher += ("--mixed_precision", "no", "--dynamo_backend", "no")
    arguments = "with_accelerate.py", source, "--workers", workers, "--output", tmp_path / "run"
    run(*arguments, "--kill-after", 5, launcher=launcher)
    # Step 5 was not saved: it is lost, and done again.
    assert sorted(path.name for path in (tmp_path / "run").glob("step-*")) == [
        "step-000002",
        "step-000004",
    ]
    run(*arguments, launcher=launcher)
    steps: dict[int, list[list[int]]] = {}
    for rank in range(processes):
        lines = (tmp_path / "run" / f"rows-{rank}.txt").read_text().splitlines()
        for line in lines:
            step, *rows = map(int, line.split())
            steps.setdefault(step, []).append(rows)
    assert sorted(steps[5][::2]) == sorted(steps[5][1::2])  # the same rows both times
    steps[5] = steps[5][::2]
    seen = Counter(i for batches in steps.values() for batch in batches for i in batch)
    assert set(seen) == set(ids)
    # accelerate repeats rows so that the last batches are full.
    per_step = 4 * processes
    assert sum(seen.values()) == -(-N // per_step) * per_step


@pytest.mark.parametrize("workers", [0])
def test_hugging_face_trainer(source: Path, ids: list[int], tmp_path: Path, workers: int) -> None:
    arguments = source, "--workers", workers, "--output"
    whole = run("with_trainer.py", *arguments, tmp_path / "whole")
    assert Counter(i for step in whole for i in step) == dict.fromkeys(ids, 2)
    first = run("with_trainer.py", *arguments, tmp_path / "run", "--steps", 8)
    rest = run("with_trainer.py", *arguments, tmp_path / "run", "--resume")
    # The Trainer may draw one batch ahead.
    assert first[:8] == whole[:8]
    assert rest[-(len(whole) - 8) :] == whole[8:]


def examples_module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))  # examples import each other
        spec.loader.exec_module(module)
    return module


def test_packs_in_the_trainer(source: Path, ids: list[int], tmp_path: Path) -> None:
    """All tokens are seen once, and a run that is resumed sees those that were left."""
    whole = run("with_packing.py", source, "--output", tmp_path / "whole")
    assert sorted(i for pack in whole for i in pack) == ids
    first = run("with_packing.py", source, "--output", tmp_path / "run", "--steps", 4)
    rest = run("with_packing.py", source, "--output", tmp_path / "run", "--resume")
    # The Trainer may draw one batch ahead.
    assert first[:4] == whole[:4]
    assert rest[-(len(whole) - 4) :] == whole[4:]


def test_a_pack_teaches_what_its_rows_teach(source: Path) -> None:
    """The loss of a pack is that of its rows one by one: none attends to another."""
    import torch
    import transformers

    flattening: Any = transformers.DataCollatorWithFlattening
    packing = examples_module("with_packing")
    cached = fastsample.sample(source, N).cache()
    rows: Any = fastsample.Dataset(cached.path, transform=packing.tokenized)
    lengths = [len(row["input_ids"]) for row in rows]
    sampler = fastsample.PackedBatchSampler(lengths, 1024)
    assert sampler.packing().padding < 0.1
    model = packing.tiny_llama().eval()
    for weights in model.parameters():  # far from the start, so that attention matters
        weights.data = torch.randn_like(weights) * 0.3
    seen = 0
    for pack in list(sampler)[:5]:
        texts = [rows[row] for row in pack]
        batch = packing.lay_end_to_end(texts)
        seen += batch["input_ids"].numel()
        assert batch["input_ids"].numel() == sum(lengths[row] for row in pack) <= 1024
        theirs = flattening()([{"input_ids": text["input_ids"]} for text in texts])
        assert {name: values.tolist() for name, values in batch.items()} == {
            name: theirs[name].tolist() for name in batch
        }
        with torch.no_grad():
            found = model(**batch).loss.item()
            alone = [
                (model(input_ids=one, labels=one).loss.item(), one.numel() - 1)
                for text in texts
                for one in [torch.tensor([text["input_ids"]])]
                if one.numel() > 1
            ]
        total = sum(loss * count for loss, count in alone)
        assert found == pytest.approx(total / sum(count for _, count in alone), rel=1e-4)
    assert seen > 0


def test_lightning(source: Path, ids: list[int], tmp_path: Path) -> None:
    rows = fastsample.sample(source, N).cache()
    sampler = fastsample.ResumableSampler(rows, seed=1)
    order = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        order += collate_ids(rows.__getitems__(list(sampler)))
    assert Counter(order) == dict.fromkeys(ids, 2)
    arguments = "with_lightning.py", source, "--output", tmp_path / "run"
    # Two ranks begin, one goes on.
    first = run(*arguments, "--steps", 5, "--devices", 2, launcher=("-B",))
    assert sorted(chain(*first)) == sorted(order[:80])
    assert list(chain(*run(*arguments))) == order[80:]


def test_a_lightning_module_of_batches_by_length(source: Path, tmp_path: Path) -> None:
    import lightning
    import torch
    from fastsample.lightning import DataModule

    rows, valid = (fastsample.sample(source, n, seed=n).cache() for n in (N, 30))

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.seen: list[list[int]] = []
            self.valid: list[int] = []

        def training_step(self, batch: list[int]) -> Any:
            self.seen.append(batch)
            return self.layer(torch.ones(1, 1)).sum()

        def on_train_batch_end(self, *_: object) -> None:
            self.trainer.save_checkpoint(tmp_path / f"{self.global_step}.ckpt")

        def validation_step(self, batch: list[int]) -> None:
            self.valid += batch

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def sampler(ranks: int, rank: int) -> fastsample.LengthBatchSampler:
        return fastsample.LengthBatchSampler(rows, 8, num_replicas=ranks, rank=rank)

    def fit(checkpoint: Path | None = None) -> Module:
        module = Module()
        data = DataModule(rows, valid, sampler=sampler, collate_fn=collate_ids)
        trainer = lightning.Trainer(
            accelerator="cpu",
            max_epochs=3,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        trainer.fit(module, data, ckpt_path=checkpoint)
        return module

    whole = fit()
    order, expected = sampler(1, 0), []
    for epoch in range(3):
        order.set_epoch(epoch)
        expected += [collate_ids(rows.__getitems__(batch)) for batch in order]
    assert whole.seen == expected
    assert whole.valid == collate_ids(valid.__getitems__(list(range(30)))) * 3
    # In the middle of an epoch, and at its end.
    for step in (5, 13):
        assert fit(tmp_path / f"{step}.ckpt").seen == expected[step:]


def test_lightning_modules_say_what_is_wrong(source: Path) -> None:
    from fastsample.lightning import DataModule

    rows = fastsample.sample(source, N).cache()
    with pytest.raises(fastsample.ArgumentError, match="batch_size is not given"):
        DataModule(rows).train_dataloader()
    with pytest.raises(fastsample.ArgumentError, match="sampler made the one of rank 0 of 2"):
        DataModule(
            rows, sampler=lambda *_: fastsample.ResumableSampler(N, num_replicas=2), batch_size=8
        ).train_dataloader()
    wrong: Any = range
    with pytest.raises(fastsample.SourceTypeError, match="must be one of fastsample's"):
        DataModule(rows, sampler=wrong, batch_size=8).train_dataloader()
    with pytest.raises(fastsample.ArgumentError, match="batch_size is 0; it must be"):
        DataModule(rows, batch_size=0)


def test_a_dataset_class_changed_by_one_line(source: Path) -> None:
    done = run_example(EXAMPLES / "own_dataset.py", source)
    assert (done.returncode, done.stdout) == (0, "batches 10\n"), done.stderr


def test_examples_need_no_ids(source: Path) -> None:
    """Rows of a file without a column `id` are told apart by their texts."""
    tiny = examples_module("tiny_model")
    rows = fastsample.sample(source, N).to_arrow().drop_columns(["id"]).to_pylist()
    batch = tiny.collate(rows)
    assert len(set(batch["ids"].tolist())) == len({(r["prompt"], r["response"]) for r in rows})
    packed = examples_module("with_packing").tokenized(rows[0])
    assert packed["id"] == tiny.id_of(rows[0])
