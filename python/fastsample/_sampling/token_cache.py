"""Cache of token ids: a file beside the cached rows, for each tokenizer and its options."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastsample import _fastsample
from fastsample._arguments import check_text_columns, flag, optional, whole
from fastsample._progress import Callback
from fastsample._sampling.tokens import open_tokenizer, tokenizer_file
from fastsample._training.cache import once
from fastsample._training.dataset import Dataset
from fastsample._training.token_dataset import TokenDataset
from fastsample.errors import ArgumentError, SourceTypeError

#: Part of every key: another layout, or other tokens by another version, get another name.
_LAYOUT = f"fastsample tokens 2 {_fastsample.__version__}"

#: Files of a tokenizer's folder that decide what the tokens are, and how they are padded.
_DECIDING = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


@dataclass(frozen=True)
class Tokens:
    """Which tokens of a row are kept."""

    file: Path
    native: _fastsample.Tokenizer
    max_tokens: int | None
    text: list[str] | None
    assistant_only_loss: bool
    options: str

    @classmethod
    def of(
        cls,
        tokenizer: str | os.PathLike[str],
        max_tokens: int | None,
        chat_template: bool | None,
        text_columns: Sequence[str] | None,
        special_tokens: bool | None,
        assistant_only_loss: bool | None,
    ) -> Tokens:
        """Check the arguments of ``cache``, and read the tokenizer."""
        most = optional(whole, "max_tokens", max_tokens, least=1, most=2**32 - 1)
        chats = optional(flag, "chat_template", chat_template) is True
        special = optional(flag, "special_tokens", special_tokens) is not False
        only = optional(flag, "assistant_only_loss", assistant_only_loss) is True
        if only and not chats:
            raise ArgumentError(
                "assistant_only_loss is for chats, whose messages have roles; pass "
                "chat_template=True, too"
            )
        text = check_text_columns(text_columns)
        native = open_tokenizer(tokenizer, special, chats)
        options = repr((most, chats, special, text)) + (" answers" if only else "")
        return cls(tokenizer_file(tokenizer), native, most, text, only, options)

    def cached(
        self,
        rows: Dataset,
        known: list[str] | None,
        threads: int | None,
        progress: Callback | None,
    ) -> TokenDataset:
        """Return the tokens of cached rows, written by the first who asks for them.

        `known` are the text columns that the draw went by.
        """
        text = known if self.text is None else self.text
        path = rows.path.with_suffix(f".tokens-{self._key(text)}.arrow")

        def write() -> None:
            opened = _fastsample.Source.from_table(rows.to_arrow(), None, [rows.path])
            _fastsample.write_tokens(
                opened,
                path,
                tokenizer=self.native,
                max_tokens=self.max_tokens,
                text=text,
                is_chosen=self.text is not None,
                assistant_only_loss=self.assistant_only_loss,
                threads=threads,
                progress=progress,
            )

        once(path, write)
        try:
            return TokenDataset(path)
        except SourceTypeError:  # the file is there, but it is damaged
            write()
            return TokenDataset(path)

    def _key(self, text: list[str] | None) -> str:
        digest = hashlib.blake2b(_LAYOUT.encode(), digest_size=16)
        digest.update(repr((self.options, text)).encode())
        beside = [self.file.parent / name for name in _DECIDING]
        for file in [self.file, *(file for file in beside if file.is_file())]:
            digest.update(f"\0{file.name}\0".encode())
            digest.update(file.read_bytes())
        return digest.hexdigest()


def check_unused(**options: object) -> None:
    """Refuse options of tokens where no tokenizer is given."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ArgumentError(f"{given[0]} is for token ids; pass tokenizer=, too")
