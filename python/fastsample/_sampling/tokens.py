"""Token counts of rows, and the tokenizers that count them."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastsample import _fastsample
from fastsample._arguments import check_text_columns, check_threads, file_path, flag, optional
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._source import SourceLike, open_source
from fastsample.errors import ArgumentError, SourceNotFoundError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@public
def token_lengths(
    source: SourceLike,
    tokenizer: str | os.PathLike[str],
    *,
    text_columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    special_tokens: bool = True,
    chat_template: bool | None = None,
    threads: int | None = None,
    progress: bool | Callback | None = None,
) -> npt.NDArray[np.uint32]:
    """Count the tokens of every row with a Hugging Face tokenizer.

    Parameters
    ----------
    source
        As in :func:`fastsample.sample`; a :class:`fastsample.Dataset`, too.
    tokenizer
        A ``tokenizer.json``, or the folder of a model that has one. Its settings for truncation
        and padding are ignored: texts are counted whole.
    text_columns
        Text columns to count: names, or paths such as ``messages[].content``; by default those
        that look like text. Each text is tokenized separately, and a row has the tokens of all of
        them together.
    special_tokens
        Count the tokens that the tokenizer's post-processor adds around each text. False counts
        the text alone. A rendered chat has those that its template writes, and no others.
    chat_template
        True renders each chat (a column of lists of structs with a role and a content) with the
        chat template of the tokenizer, and counts the tokens of that: as many as
        ``tokenizer.apply_chat_template(messages)`` of ``transformers`` returns. Other columns are
        not counted. The template is ``chat_template.jinja`` beside the tokenizer's file, or
        ``chat_template`` in ``tokenizer_config.json``. False counts the texts of a chat one by
        one; so does None, which warns if there is a template.
    schema, threads, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    numpy.ndarray
        uint32, shape (n,): the tokens of each row, in the order of the source. A null counts as
        an empty text.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    CorruptDataError
        The file is no ``tokenizer.json``.
    ColumnError
        There is no text column, or one that is named does not exist or is no text; with
        `chat_template`: is no chat.
    ArgumentError
        The tokenizer has no chat template, or the template fails on a chat.

    Examples
    --------
    >>> import json, tempfile, pathlib, pyarrow as pa, fastsample
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tokenizer.json"
    >>> words = {"type": "WordLevel", "vocab": {"[UNK]": 0, "你": 1, "好": 2}, "unk_token": "[UNK]"}
    >>> split = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated"}
    >>> parts = {"model": words, "pre_tokenizer": split | {"invert": False}}
    >>> path.write_text(json.dumps({"version": "1.0", "added_tokens": []} | parts)) > 0
    True
    >>> fastsample.token_lengths(pa.table({"text": ["你好", None, "好"]}), path).tolist()
    [2, 0, 1]
    """
    import pyarrow as pa

    threads = check_threads(threads)
    text = check_text_columns(text_columns)
    chats = optional(flag, "chat_template", chat_template)
    opened = open_tokenizer(tokenizer, special_tokens, chats is True)
    with reporting(progress, "counting tokens") as callback:
        rows = open_source(source, None, threads, callback, schema)
        found, _, notes = opened.lengths(rows, text=text, threads=threads, progress=callback)
    if chats is None:
        for note in notes:
            warnings.warn(note, stacklevel=2)
    lengths: npt.NDArray[np.uint32] = pa.array(found).to_numpy()
    return lengths


def open_tokenizer(
    tokenizer: str | os.PathLike[str], special_tokens: bool = True, chat_template: bool = False
) -> _fastsample.Tokenizer:
    """Read a ``tokenizer.json``, or that of a folder, and the chat template beside it."""
    file = tokenizer_file(tokenizer)
    _check_converted(file)
    special = flag("special_tokens", special_tokens)
    return _fastsample.Tokenizer(file, special_tokens=special, chat_template=chat_template)


def tokenizer_file(tokenizer: str | os.PathLike[str]) -> Path:
    """Return the ``tokenizer.json`` that is meant: the file, or the one in a folder."""
    if not isinstance(tokenizer, (str, os.PathLike)):
        raise SourceTypeError(
            f"tokenizer is a {type(tokenizer).__qualname__}; pass the path of a tokenizer.json, "
            "which tokenizer.save_pretrained(folder) writes"
        )
    file = file_path("tokenizer", tokenizer)
    with contextlib.suppress(OSError):  # reading the file will say what is wrong with the name
        if file.is_dir():
            file /= "tokenizer.json"
    return file


#: Files of SentencePiece models, as T5, ALBERT and LLaMA have them.
_SENTENCE_PIECE = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")


def _check_converted(file: Path) -> None:
    """Say how a tokenizer of SentencePiece becomes a ``tokenizer.json``."""
    folder, old = file.parent, None
    with contextlib.suppress(OSError):
        if not file.exists():
            old = next((name for name in _SENTENCE_PIECE if (folder / name).is_file()), None)
    if old is not None:
        raise SourceNotFoundError(
            f"{folder}: it has {old}, but no tokenizer.json; convert it once (pip install "
            f'transformers sentencepiece protobuf): python -c "from transformers import '
            f"AutoTokenizer as T; T.from_pretrained({str(folder)!r}).save_pretrained("
            f'{str(folder)!r})"'
        )


def counter_of(
    tokenizer: str | os.PathLike[str] | None,
    chat_template: bool | None,
    budget: int | None,
    max_tokens: int | None,
) -> _fastsample.Tokenizer:
    """Return the tokenizer that a draw by tokens counts with."""
    if tokenizer is None:
        raise ArgumentError("budget_tokens and max_tokens need a tokenizer; pass tokenizer=")
    if budget is None and max_tokens is None:
        raise ArgumentError("tokenizer= is for budget_tokens= or max_tokens=; pass one of them")
    chats = optional(flag, "chat_template", chat_template)
    return open_tokenizer(tokenizer, chat_template=chats is True)
