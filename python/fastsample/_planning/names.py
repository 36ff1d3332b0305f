"""Names of settings in the configurations of trainers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastsample._arguments import choice, string
from fastsample.errors import ArgumentError, SourceTypeError

#: For each trainer, our names and its own. What it has no plain setting for is left out:
#: LLaMA-Factory and axolotl name data sets in lists of their own.
PRESETS: dict[str, dict[str, str]] = {
    "huggingface": {
        "epochs": "num_train_epochs",
        "batch_size": "per_device_train_batch_size",
        "accumulation": "gradient_accumulation_steps",
        "learning_rate": "learning_rate",
    },
    "llama-factory": {
        "epochs": "num_train_epochs",
        "batch_size": "per_device_train_batch_size",
        "accumulation": "gradient_accumulation_steps",
        "learning_rate": "learning_rate",
        "max_length": "cutoff_len",
    },
    "axolotl": {
        "epochs": "num_epochs",
        "batch_size": "micro_batch_size",
        "accumulation": "gradient_accumulation_steps",
        "learning_rate": "learning_rate",
        "max_length": "sequence_len",
    },
    "chatlm-mini": {
        "epochs": "epochs",
        "batch_size": "batch_size_per_gpu",
        "accumulation": "gradient_accumulation_steps",
        "learning_rate": "learn_rate",
        "max_length": "max_seq_len",
        "train_file": "train_file",
    },
}


#: What a trainer's setting of the length is above the characters that it keeps of each column:
#: ChatLM-mini-Chinese leaves room for five tokens.
_ADDED = {"chatlm-mini": 5}


def added_length(preset: str | None) -> int:
    """Return what the trainer's setting is above a limit in characters."""
    return 0 if preset is None else _ADDED.get(preset, 0)


def check_names(preset: str | None, names: object) -> dict[str, str] | None:
    """Return the names of a preset with those that are given; None to keep ours."""
    if preset is None and names is None:
        return None
    found = {} if preset is None else dict(PRESETS[choice("preset", preset, PRESETS)])
    if names is not None and not isinstance(names, Mapping):
        raise SourceTypeError(f"names is {names!r}; it must map names, as epochs to num_epochs")
    for ours, theirs in dict(names or {}).items():
        found[string("a name of names", ours)] = string("a name of names", theirs)
    twice = {name for name in found.values() if list(found.values()).count(name) > 1}
    if twice:
        raise ArgumentError(f"names has {twice.pop()!r} twice; give each setting a name of its own")
    return found


def renamed(settings: Mapping[str, Any], names: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the settings under the names of a trainer: those that have one and are known."""
    if names is None:
        return dict(settings)
    for name in names:
        if name not in settings:
            known = ", ".join(settings)
            raise ArgumentError(f"names has {name!r}, which is no setting; there are {known}")
    return {theirs: settings[ours] for ours, theirs in names.items() if settings[ours] is not None}
