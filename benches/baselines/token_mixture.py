"""A mixture by tokens as people write it with `datasets`, which has none.

Shuffle each file, count the tokens of all rows with ``map``, keep the rows that fit into the part
of a source, and mix them with ``interleave_datasets`` by their numbers.
"""

from __future__ import annotations

import json
from pathlib import Path


def tokenizer(path: Path) -> None:
    """Write a tokenizer of which each character is a token."""
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    split = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    made = {"version": "1.0", "added_tokens": [], "model": words, "pre_tokenizer": split}
    path.write_text(json.dumps(made), encoding="utf-8")


def mixed(folder: Path, output: Path, budget: int, shares: dict[str, float], seed: int) -> None:
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
    for name, share in shares.items():
        path = str(folder / f"{name}.parquet")
        rows = datasets.load_dataset("parquet", data_files=path, split="train").shuffle(seed=seed)
        counted = rows.map(count, batched=True, remove_columns=rows.column_names)
        fits = int(np.searchsorted(np.cumsum(counted["tokens"]), share * budget, side="right"))
        part = rows.select(range(fits))
        parts.append(part.add_column("source", [name] * fits))
    numbers = np.array([len(part) for part in parts])
    parts_of_all = (numbers / numbers.sum()).tolist()
    rows = datasets.interleave_datasets(parts, probabilities=parts_of_all, seed=seed)
    rows.to_parquet(str(output))
