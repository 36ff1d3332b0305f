"""Small tokenizers of every kind, trained here and saved as their users have them."""

from pathlib import Path
from typing import Any

import numpy as np
from data import texts

#: What the tests' tokenizers are trained on, with English among the Chinese.
LINES = [
    "The quick brown fox doesn't jump over the lazy dog, it's 12345 times lazier.",
    "今天天气不错，我们去公园散步吧！",
    "请把下面的句子翻译成英文：早上好。",
    "def main():\n    return 0",
    "  spaces   and\ttabs \n\n newlines 😀🎉",
    *texts(200, 30.0, np.random.default_rng(5)),
]


def make(kind: str, path: Path) -> Path:
    """Train a tokenizer of a kind and write its file."""
    from tokenizers import (
        Regex,
        Tokenizer,
        models,
        normalizers,
        pre_tokenizers,
        processors,
        trainers,
    )

    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    if kind == "bpe":  # as Qwen and GPT have it
        made = Tokenizer(models.BPE())
        made.normalizer = normalizers.NFC()
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        made.pre_tokenizer = pre_tokenizers.Sequence([split, level])
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer: Any = trainers.BpeTrainer(
            vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
    elif kind == "wordpiece":  # as BERT has it
        made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer = normalizers.BertNormalizer()
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=500, special_tokens=special, show_progress=False
        )
    elif kind == "unigram":  # as T5 has it
        made = Tokenizer(models.Unigram())
        made.normalizer = normalizers.NFKC()
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=4000, special_tokens=special, unk_token="[UNK]", show_progress=False
        )
    else:
        made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(
            vocab_size=300, special_tokens=special, show_progress=False
        )
    made.train_from_iterator(LINES, trainer)
    if kind != "bpe":
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            special_tokens=[(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
        )
        # What is cut and padded in training is measured whole.
        made.enable_truncation(8)
        made.enable_padding(length=8)
    made.save(str(path))
    return path
