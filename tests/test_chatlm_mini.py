"""docs/chatlm-mini.md: its commands and lines run, with a class shaped like that trainer's."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastsample
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from conftest import SHARED
from data import write_parquet

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ["chatlm-mini.md", "chatlm-mini.zh.md"]
MAX_SEQ_LEN = 69


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        body for name, body in re.findall(r"```(\w*)\n(.*?)```", text, re.S) if name == language
    ]


def test_both_languages_have_the_same_code() -> None:
    for language, count in (("sh", 3), ("python", 4), ("", 2)):
        english, chinese = (blocks(page, language) for page in PAGES)
        assert english == chinese
        assert len(english) == count


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the files that the page names: real ones where they are."""
    (tmp_path / "data").mkdir()
    for name, real in (("train", "my_train_dataset_3k"), ("valid", "my_valid_dataset_1k")):
        path = tmp_path / "data" / f"my_{name}_dataset.parquet"
        if (found := SHARED / "data" / f"{real}.parquet").exists():
            path.symlink_to(found)
            continue
        rows = 3000 if name == "train" else 1000
        prompts = [f"第{i}个问题：{i}加{i}等于多少？" for i in range(rows)]
        answers = [f"等于{i + i}。" * (i % 30 + 1) for i in range(rows)]
        write_parquet(pa.table({"prompt": prompts, "response": answers}), path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASTSAMPLE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_commands_write_what_the_trainer_reads(folder: Path) -> None:
    for line in "".join(blocks(PAGES[0], "sh")).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "fastsample"
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
    for name, rows in (("train_dataset_3m", 900), ("valid_dataset_small", 100)):
        drawn = pq.read_table(folder / f"data/my_{name}.parquet")
        assert drawn.num_rows == rows
        assert drawn.column_names[:2] == ["prompt", "response"]
    # The flags of the trainer name the files that were written.
    launch, _ = blocks(PAGES[0], "")
    for flag in ("train_file", "validation_file"):
        (path,) = re.findall(rf"--{flag}=(\S+)", launch)
        assert (folder / path).exists()
    epochs = [pq.read_table(f"data/fresh-epoch{i}.parquet") for i in range(3)]
    assert [epoch.num_rows for epoch in epochs] == [900, 900, 900]


def test_the_table_of_recipes_and_the_settings(folder: Path) -> None:
    printed = ""
    for line in blocks(PAGES[0], "sh")[2].splitlines():
        _, *arguments = shlex.split(line)
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    for fact in ("255.0", "35.6", "76.5"):
        assert fact in printed
        assert all(fact.removesuffix(".0") in (DOCS / page).read_text() for page in PAGES)
    assert "187 each" in printed
    if (SHARED / "data").exists():
        assert re.search(r"187 each +46\.4% +17\.0%", printed)
        assert re.search(r"251 each +24\.4% +7\.3%", printed)
    settings = (folder / "config.args").read_text().splitlines()
    assert {"--epochs=3", "--learn_rate=0.00015", "--max_seq_len=192"} <= set(settings)
    assert "--max_seq_len=256" in (folder / "config.original.args").read_text()


class PairsLowMem:
    """The shape of that trainer's class: a table, a row by its index, cut by characters."""

    def __init__(
        self, parquet_file: str, opened_by: str | None, *, ultra_low_mem: bool = False
    ) -> None:
        self.parquet_file = parquet_file
        self.max_seq_len = MAX_SEQ_LEN
        self.ultra_low_mem = ultra_low_mem
        self.parquet_table: pa.Table | None = None
        self.length = 0
        if opened_by is not None:
            names = {"fastsample": fastsample, "self": self, "parquet_file": parquet_file}
            exec(opened_by, names)
        else:
            table = pq.read_table(parquet_file)
            self.length = table.num_rows
            self.parquet_table = None if ultra_low_mem else table

    def __getitem__(self, index: int) -> tuple[str, str]:
        table = pq.read_table(self.parquet_file) if self.ultra_low_mem else self.parquet_table
        assert table is not None
        row = table.slice(index, 1)
        most = self.max_seq_len - 5
        prompt, response = row["prompt"][0].as_py(), row["response"][0].as_py()
        return f"{prompt[:most]}[EOS]", f"{response[:most]}[EOS]"

    def __len__(self) -> int:
        return self.length

    def collate_fn(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """Return tensors: where the tokenizer would be."""
        import torch

        def padded(texts: list[str]) -> torch.Tensor:
            longest = max(map(len, texts))
            return torch.tensor([[ord(c) % 97 for c in text.ljust(longest, "a")] for text in texts])

        prompts, responses = (padded([pair[side] for pair in pairs]) for side in (0, 1))
        return {
            "input_ids": prompts, "input_mask": (prompts != 0).long(), "target_ids": responses
        }  # fmt: skip


class NumberedPairs(PairsLowMem):
    """The same, with the index of each row, so that rows are told apart."""

    def __getitem__(self, index: int) -> Any:
        return (*super().__getitem__(index), index)

    def collate_fn(self, rows: list[Any]) -> dict[str, Any]:
        """Return tensors, and the indices of the rows."""
        import torch

        batch = super().collate_fn([(prompt, response) for prompt, response, _ in rows])
        return {**batch, "rows": torch.tensor([index for *_, index in rows])}


def test_the_class_gives_the_same_rows_from_one_mapped_file(folder: Path) -> None:
    path = "data/my_train_dataset.parquet"
    before = PairsLowMem(path, None)
    after = PairsLowMem(path, blocks(PAGES[0], "python")[0], ultra_low_mem=True)
    assert len(before) == len(after) == 3000
    assert [before[i] for i in range(3000)] == [after[i] for i in range(3000)]
    mapped = Path("/proc/self/maps")
    assert not mapped.exists() or str(folder / "cache") in mapped.read_text()


def train(
    folder: Path,
    opened_by: str | None,
    *,
    is_keep_training: bool,
    saved_after: int | None = None,
    killed_after: int | None = None,
    kind: type[PairsLowMem] = PairsLowMem,
    accumulation_steps: int = 1,
    num_workers: int = 0,
) -> list[tuple[int, int, list[int], float]]:
    """Train as the page says, with dropout and that trainer's schedule, accumulation and workers.

    Return (epoch, step, rows, loss) of each step of this process.

    The rows are their indices, or the codes of the first one where there are none.
    """
    import torch
    from accelerate import Accelerator
    from torch.utils.data import DataLoader

    _, loaders, register, loops = blocks(PAGES[0], "python")
    accelerator = Accelerator(cpu=True)
    config = SimpleNamespace(seed=42, epochs=2, train_state_dir=str(folder / "state"))
    names: dict[str, Any] = {
        "fastsample": fastsample,
        "DataLoader": DataLoader,
        "train_config": config,
        "train_dataset": kind("data/my_train_dataset_3m.parquet", opened_by),
        "batch_size": 64,
        "total_batch_size": 64 * accelerator.num_processes,
        "accelerator": accelerator,
        "torch": torch,
        "use_pin_memory": False,
        "num_workers": num_workers,
        "is_keep_training": is_keep_training,
    }
    exec(loaders, names)
    torch.manual_seed(0)
    bag, dropout = torch.nn.EmbeddingBag(97, 8), torch.nn.Dropout(0.1)
    model = torch.nn.Sequential(bag, dropout, torch.nn.Linear(8, 97))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.01,
        epochs=config.epochs,
        steps_per_epoch=-(-len(names["train_dataset"]) // (64 * accumulation_steps)),
        cycle_momentum=False,
    )
    model, optimizer, scheduler, names["train_dataloader"] = accelerator.prepare(
        model, optimizer, scheduler, names["train_dataloader"]
    )
    seen: list[tuple[int, int, list[int], float]] = []

    class Stop(Exception):  # noqa: N818
        """The run is killed."""

    def train_step(step: int, batch: dict[str, Any]) -> None:
        target_ids = batch["target_ids"]
        target_ids[target_ids == 0] = -100
        guess = model(batch["input_ids"])[:, :, None].expand(-1, -1, target_ids.shape[1])
        loss = torch.nn.functional.cross_entropy(guess, target_ids)
        accelerator.backward(loss / accumulation_steps)
        if (step + 1) % accumulation_steps == 0:
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        rows = batch["rows"] if "rows" in batch else batch["input_ids"][0]
        seen.append((names["epoch"], step, rows.tolist(), loss.item()))
        if len(seen) == saved_after:
            accelerator.save_state(config.train_state_dir)
        if len(seen) == killed_after:
            raise Stop

    names["train_step"] = train_step
    exec(register, names)
    try:
        exec(loops, names)
    except Stop:
        assert killed_after is not None
    accelerator.free_memory()
    return seen


@pytest.mark.torch
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:.*set_vital.*deprecated")
@pytest.mark.parametrize(("saved", "killed", "accumulation"), [(6, 9, 2), (15, 15, 1)])
def test_losses_are_those_of_a_run_that_never_stopped(
    folder: Path, saved: int, killed: int, accumulation: int
) -> None:
    """Killed twice, the first time behind the last checkpoint: those steps are done again."""
    settings: dict[str, Any] = {"accumulation_steps": accumulation, "num_workers": 2}
    fastsample.sample("data/my_train_dataset.parquet", fraction=0.3).write_parquet(
        "data/my_train_dataset_3m.parquet"
    )
    mapped = blocks(PAGES[0], "python")[0]
    whole = train(folder, None, is_keep_training=False, **settings)
    steps = -(-900 // 64)
    assert [(epoch, step) for epoch, step, *_ in whole] == [
        (epoch, step) for epoch in range(2) for step in range(steps)
    ]
    first = train(
        folder, mapped, is_keep_training=False, saved_after=saved, killed_after=killed, **settings
    )
    second = train(folder, mapped, is_keep_training=True, saved_after=4, killed_after=7, **settings)
    last = train(folder, mapped, is_keep_training=True, **settings)
    assert first[saved:] == second[: killed - saved]
    assert second[4:] == last[:3]
    assert first[:saved] + second[:4] + last == whole


#: Runs of some processes each, one after the other: (processes, saved after, killed after).
RUNS: list[tuple[int, int | None, int | None]] = [(1, 5, 6), (3, 4, 5), (2, None, None)]

#: Prints what each process of each run has seen. They are forked once everything is imported.
LAUNCH = """
import json, sys
from pathlib import Path
from accelerate import PartialState, debug_launcher
from test_chatlm_mini import PAGES, NumberedPairs, blocks, train

folder, runs = Path(sys.argv[1]), json.loads(sys.argv[2])
mapped = blocks(PAGES[0], "python")[0]

def run(name, is_keep_training, saved, killed):
    seen = train(folder, mapped, is_keep_training=is_keep_training, saved_after=saved,
                 killed_after=killed, kind=NumberedPairs)
    Path(f"{name}-{PartialState().process_index}.json").write_text(json.dumps(seen))

for number, (processes, saved, killed) in enumerate(runs):
    debug_launcher(run, (f"run{number}", number > 0, saved, killed), processes)
"""


def launch(folder: Path, runs: list[tuple[int, int | None, int | None]]) -> Any:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LAUNCH, str(folder), json.dumps(runs)],
        capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip


@pytest.mark.torch
@pytest.mark.timeout(300)
def test_no_row_is_lost_or_repeated_on_other_numbers_of_processes(folder: Path) -> None:
    fastsample.sample("data/my_train_dataset.parquet", fraction=0.3).write_parquet(
        "data/my_train_dataset_3m.parquet"
    )
    done = launch(folder, RUNS)
    assert done.returncode == 0, done.stderr[-3000:]
    steps: dict[int, list[list[int]]] = {0: [], 1: []}
    for number, (processes, saved, _) in enumerate(RUNS):
        ranks = [
            json.loads((folder / f"run{number}-{rank}.json").read_text())[:saved]
            for rank in range(processes)
        ]
        for together in zip(*ranks, strict=True):
            ((epoch, _),) = {(epoch, step) for epoch, step, *_ in together}
            steps[epoch].append([row for _, _, rows, _ in together for row in rows])
    for of_epoch in steps.values():
        *whole, last = of_epoch
        rows = [row for step in whole for row in step]
        # The last batches are filled up with rows that have been seen.
        assert len(rows) == len(set(rows)) < 900
        assert {*rows, *last} == set(range(900))
