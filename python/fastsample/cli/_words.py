"""Error messages of the Python API in the words of the command line: flags for arguments."""

from __future__ import annotations

import re

#: Arguments of the Python API whose flag is not their name.
_FLAGS = {
    "n": "--num_samples",
    "n_groups": "--num_groups",
    "text_columns": "--text-column",
    "columns": "--column",
    "names": "--map",
}

#: Arguments whose flag is ``--name`` with hyphens. The words of one part are common in prose, too.
_COMPOUND = (
    "text_columns", "budget_tokens", "max_tokens", "chat_template", "source_column", "max_epochs",
    "batch_size", "max_length", "new_epochs", "new_max_length", "new_seconds_per_step",
    "seconds_per_step", "fixed_share", "chars_per_token", "max_chars", "min_chars", "at_most",
    "exclude_letters", "n_groups",
)  # fmt: skip
_SINGLE = (
    "n", "fraction", "by", "allocation", "weight", "smart", "seed", "threads", "tokenizer",
    "columns", "hours", "epochs", "steps", "devices", "accumulation", "padding", "lengths",
    "temperature", "epoch", "exhausted", "where", "names", "preset", "schema", "group", "folds",
    "replace", "exclude", "repeat", "key",
)  # fmt: skip

_ALL = "|".join(sorted((*_COMPOUND, *_SINGLE), key=len, reverse=True))

#: What stands beside a name that is no argument: quotes, parts of paths and of other names.
_BEFORE, _AFTER = r"(?<![\w'\"/.<-])", r"(?![\w'\"/.-])"

#: Patterns and what takes their place; compiled for an error only.
_RULES = (
    (r'exhausted="(\w+)"', r"--exhausted \1"),
    (r"pass overwrite", "give --overwrite"),
    (rf"{_BEFORE}({_ALL})=(?:True)?(?=[\s,;)]|$)", r"<\1>"),
    (rf"{_BEFORE}({'|'.join(_COMPOUND)}){_AFTER}", r"<\1>"),
    (rf"^({_ALL}) (?=is |and |divides |names |makes |needs |has )", r"<\1> "),
    (r" and smart exclude", " and <smart> exclude"),
    (rf" and ({_ALL}) exclude", r" and <\1> exclude"),
    (r"<n> and hours are both", "<n> and <hours> are both"),
    (r"column with (by|group)$", r"column with <\1>"),
    (r"go with by or with (group|replace),", r"go with <by> or with <\1>,"),
    (r"(?<=[ ;])pass (?=one|<|--)", "give "),
    (r"; it must be True or False", "; it is a switch"),
)

_FLAG = rf"<({_ALL})>"


def in_flags(message: str) -> str:
    """Return the message of an argument that is wrong with flags in place of arguments."""
    for pattern, by in _RULES:
        message = re.sub(pattern, by, message)
    return re.sub(
        _FLAG, lambda found: _FLAGS.get(found[1], f"--{found[1].replace('_', '-')}"), message
    )
