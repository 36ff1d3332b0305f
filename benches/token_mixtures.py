"""Mix three Parquet files by shares of tokens: `fastsample mix --budget-tokens` beside `datasets`.

::

    python -m benches.token_mixtures
    python -m benches.token_mixtures --rows 20_000 --rounds 2 --record /tmp/record

The files and shares are those of :mod:`benches.mixtures`; each character is a token. The budget is
100 tokens for three tenths of the rows. ``datasets`` has no mixtures by tokens. What people write
with it: shuffle each file, count the tokens of all rows with ``map``, keep the rows that fit into
the part of a source, and mix them with ``interleave_datasets`` by their numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from benches.mixtures import DRAWN, OURS, ROOT, SOURCES, line
from benches.process import Run, count_rows, run, warm
from benches.report import Entry, machine, versions
from benches.turns import by_turns

PEER: Final = "datasets"
TOKENS_A_ROW: Final = 100


def tokenizer(path: Path) -> None:
    """Write a tokenizer of which each character is a token."""
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    split = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    made = {"version": "1.0", "added_tokens": [], "model": words, "pre_tokenizer": split}
    path.write_text(json.dumps(made), encoding="utf-8")


def peer(folder: Path, output: Path, budget: int, seed: int) -> None:
    """Mix by tokens with `datasets`."""
    import datasets
    import numpy as np
    from tokenizers import Tokenizer

    counter = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def count(batch: dict[str, list[str]]) -> dict[str, list[int]]:
        found = [counter.encode_batch(batch[name]) for name in ("prompt", "response")]
        pairs = zip(*found, strict=True)
        return {"tokens": [len(prompt.ids) + len(response.ids) for prompt, response in pairs]}

    parts = []
    for name, (_, share) in SOURCES.items():
        path = str(folder / f"{name}.parquet")
        rows = datasets.load_dataset("parquet", data_files=path, split="train").shuffle(seed=seed)
        counted = rows.map(count, batched=True, remove_columns=rows.column_names)
        fits = int(np.searchsorted(np.cumsum(counted["tokens"]), share * budget, side="right"))
        part = rows.select(range(fits))
        parts.append(part.add_column("source", [name] * fits))
    numbers = np.array([len(part) for part in parts])
    shares = (numbers / numbers.sum()).tolist()
    mixed = datasets.interleave_datasets(parts, probabilities=shares, seed=seed)
    mixed.to_parquet(str(output))


def command(name: str, folder: Path, output: Path, budget: int, seed: int) -> list[str]:
    """Return what mixes `budget` tokens into `output`."""
    if name != OURS:
        arguments = ["--peer", str(folder), str(output), str(budget), "--seed", str(seed)]
        return [sys.executable, "-m", "benches.token_mixtures", *arguments]
    sources = [
        f"--source={source}={folder / source}.parquet:{share}"
        for source, (_, share) in SOURCES.items()
    ]
    texts = ["--text-column", "prompt", "--text-column", "response"]
    counted = ["--budget-tokens", str(budget), "--tokenizer", str(folder / "tokenizer.json")]
    options = [*counted, *texts, "-o", str(output), "--seed", str(seed), "--shuffle"]
    return [sys.executable, "-m", "fastsample", "mix", *sources, *options]


def one(name: str, *, folder: Path, budget: int, seed: int, timeout: float) -> Run:
    """Run a contender once, and check that it wrote rows."""
    with tempfile.TemporaryDirectory(prefix="fastsample-bench-", dir=folder.parent) as scratch:
        output = Path(scratch) / "mixed.parquet"
        done = run(command(name, folder, output, budget, seed), cwd=ROOT, timeout=timeout)
        if done.error is None and count_rows(output) == 0:
            done = replace(done, error="no rows")
    os.sync()
    return done


def main() -> None:
    """Make the files, measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=300_000, help="of all sources")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds a run")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--record", type=Path, default=ROOT / "benches" / "record")
    parser.add_argument("--peer", nargs=3, default=None, help="run the peer once")
    options = parser.parse_args()
    if options.peer is not None:
        sources, output, budget = options.peer
        # A cache of its own, so that each run converts the files.
        cache = str(Path(output).parent)
        os.environ.update(HF_HOME=cache, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
        peer(Path(sources), Path(output), int(budget), options.seed)
        return
    names: list[str] = [OURS, PEER]
    budget = int(options.rows * DRAWN) * TOKENS_A_ROW
    begun = datetime.now().astimezone()
    with tempfile.TemporaryDirectory(prefix="fastsample-mix-", dir=options.scratch) as scratch:
        folder = Path(scratch) / "sources"
        folder.mkdir()
        shape = ["--rows", str(options.rows), "--seed", str(options.seed)]
        making = [sys.executable, "-m", "benches.mixtures", "--make", str(folder), *shape]
        subprocess.run(making, check=True, cwd=ROOT)
        tokenizer(folder / "tokenizer.json")
        size = warm(folder) / 1e6
        run_one: Any = partial(
            one, folder=folder, budget=budget, seed=options.seed, timeout=options.timeout
        )
        runs, failed = by_turns(names, options.rounds, run_one)
        entries = [Entry(name, True, runs[name], failed.get(name)) for name in names]
    page = [
        f"# Mixture by tokens: {budget:,} tokens out of {options.rows:,} rows of three files",
        "",
        f"{begun.isoformat(timespec='seconds')}. {size:,.0f} MB of Parquet (zstd), page cache "
        f"warm; each character is a token. Medians of {options.rounds} rounds, each run a fresh "
        "process, contenders by turns; the start of Python is counted.",
        "",
        f"| contender | seconds | CPU s | peak MiB | × {names[0]} |",
        "|---|---:|---:|---:|---:|",
        *(line(entry, entries[0]) for entry in entries),
        "",
        *(f"- {key}: {value}" for key, value in {**machine(), **versions()}.items()),
    ]
    options.record.mkdir(parents=True, exist_ok=True)
    name = options.record / f"{begun.date().isoformat()}-mixture-tokens.md"
    name.write_text("\n".join(page) + "\n", encoding="utf-8")
    print("\n".join(page))


if __name__ == "__main__":
    main()
