"""`TokenDataset`: a map-style dataset of token ids over a memory-mapped file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from fastsample._arguments import choice, file_path, flag, optional, string
from fastsample._public import public
from fastsample._training.collate import TokenCollator
from fastsample._training.dataset import positions_of
from fastsample._training.mapped import MappedRows, map_file
from fastsample._training.token_rows import ANSWERS, TokenBatch, TokenRows
from fastsample.errors import ColumnError, SourceTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fastsample._training.token_rows import Row

#: What the core writes of the ids into the file.
_TOLD = b"fastsample.tokens"

#: Layouts of files, the second with the answers of chats.
_LAYOUTS = (2, 3)

#: What the names of columns end in that tell how many tokens of each row were cut off.
_CUT = "_cut"


@public
class TokenDataset(MappedRows):
    """A map-style dataset of token ids in a file that every process maps into memory.

    A row is a dict of NumPy arrays: ``input_ids``, and ``labels`` if the rows have two sequences.
    With `assistant_only_loss` it has ``assistant_masks``, too: 1 for each token of an answer, else
    0 (uint8). Ids are views of the file, uint16 or uint32, and can't be written to. All processes
    of a machine share one copy. It is pickled as a path, so workers may be forked or spawned.
    :meth:`fastsample.Sample.cache` with a `tokenizer` makes one.

    Parameters
    ----------
    path
        A file that :meth:`fastsample.Sample.cache` wrote.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    SourceTypeError
        The file is no such file, or another version of fastsample wrote it.

    Examples
    --------
    >>> import json, tempfile, pathlib, pyarrow as pa, fastsample
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tokenizer.json"
    >>> words = {"type": "WordLevel", "vocab": {"[UNK]": 0, "你": 1, "好": 2}, "unk_token": "[UNK]"}
    >>> split = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated"}
    >>> parts = {"model": words, "pre_tokenizer": split | {"invert": False}}
    >>> path.write_text(json.dumps({"version": "1.0", "added_tokens": []} | parts)) > 0
    True
    >>> table = pa.table({"text": ["你好", "好", "你好好好"]})
    >>> rows = fastsample.sample(table, 3).cache(tokenizer=path, max_tokens=3)
    >>> rows[0]["input_ids"].tolist(), rows.lengths().tolist()
    ([1, 2], [2, 1, 3])
    >>> collate = rows.collator(pad_id=0, return_tensors="np")
    >>> collate(rows[:2])["input_ids"].tolist()
    [[1, 2], [2, 0]]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = file_path("path", path).absolute()
        self._open()

    def _open(self) -> None:
        table = map_file(self._path)
        sequences = [name for name in table.column_names if not name.endswith(_CUT)]
        self._cut = table.drop_columns(sequences)
        self._table = table.select(sequences)
        told = (self._table.schema.metadata or {}).get(_TOLD)
        if told is None:
            raise SourceTypeError(
                f"{self._path}: it holds no token ids; Sample.cache(tokenizer=...) writes them"
            )
        self._told: dict[str, Any] = json.loads(told)
        if self._told["layout"] not in _LAYOUTS:
            raise SourceTypeError(
                f"{self._path}: another version of fastsample wrote it (layout "
                f"{self._told['layout']}, not {_LAYOUTS[0]} or {_LAYOUTS[1]}); cache the sample "
                "again"
            )
        if self.assistant_only_loss != (self._told["layout"] == _LAYOUTS[1]):
            raise SourceTypeError(
                f"{self._path}: its columns are not those of layout {self._told['layout']}; cache "
                "the sample again"
            )
        self._rows = TokenRows(self._table)

    def __getstate__(self) -> dict[str, Any]:
        """Return what makes the dataset, without rows."""
        return {"_path": self._path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __repr__(self) -> str:
        made = ", ".join(f"{name} of {column}" for name, column in self.columns.items())
        if self.max_tokens is not None:
            made += f", {self.rows_cut:,} rows cut at {self.max_tokens:,} tokens"
            made += f" ({self.tokens_cut:,} tokens lost)"
        if self.assistant_only_loss:
            made += f", labels of answers alone ({self.rows_unanswered:,} rows have none)"
        return f"<fastsample.TokenDataset: {len(self):,} rows, {made}>"

    @property
    def columns(self) -> dict[str, str]:
        """The column that each sequence was made of: ``{"input_ids": "prompt", ...}``."""
        columns: dict[str, str] = dict(self._told["columns"])
        return columns

    @property
    def max_tokens(self) -> int | None:
        """The number of tokens at which sequences were cut; None if they are whole."""
        most: int | None = self._told["max_tokens"]
        return most

    @property
    def rows_cut(self) -> int:
        """The number of rows that were cut at `max_tokens`, in one sequence or both."""
        return int((self._tokens_cut() > 0).sum())

    @property
    def tokens_cut(self) -> int:
        """The number of tokens that were cut off."""
        return int(self._tokens_cut().sum())

    @property
    def assistant_only_loss(self) -> bool:
        """Whether only the answers of chats have labels."""
        return ANSWERS in self._table.column_names

    @property
    def rows_unanswered(self) -> int:
        """With `assistant_only_loss` the number of rows without a token of an answer, else 0.

        Nothing is learned from them: the chat has no answer, or it was cut off at `max_tokens`.
        """
        if not self.assistant_only_loss:
            return 0
        import numpy as np

        lists = self._table[ANSWERS].chunks
        return sum(int((np.diff(each.offsets.to_numpy()) == 0).sum()) for each in lists)

    def _tokens_cut(self) -> npt.NDArray[np.uint64]:
        """Return the tokens of each row that were cut off."""
        import numpy as np

        found = np.zeros(len(self), np.uint64)
        for column in self._cut.columns:
            found += column.to_numpy()
        return found

    @property
    def pad_id(self) -> int | None:
        """The id of the tokenizer's pad token; None if it has none."""
        found: int | None = self._told["pad_id"]
        return found

    @property
    def padding_side(self) -> Literal["right", "left"]:
        """The side at which the tokenizer pads."""
        return "left" if self._told["padding_side"] == "left" else "right"

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> TokenBatch: ...
    def __getitem__(self, index: int | slice) -> Row | TokenBatch:
        """Return a row, or a slice as a sequence of rows. Indices are those of a list."""
        if isinstance(index, slice):
            return self.__getitems__(positions_of(index, len(self)))
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> TokenBatch:
        """Return several rows at once; data loaders call this with the indices of a batch."""
        return TokenBatch(self._rows, indices)

    def lengths(self, column: str | None = None) -> npt.NDArray[np.uint32]:
        """Return the tokens of each row, of which nothing but offsets is read.

        Parameters
        ----------
        column
            ``"input_ids"`` or ``"labels"``. By default all sequences of a row together.

        Returns
        -------
        numpy.ndarray
            uint32, shape (n,).

        Raises
        ------
        ColumnError
            The rows have no such sequence.
        """
        import pyarrow as pa

        names = list(self.columns)
        column = optional(string, "column", column)
        if column is not None and column not in names:
            raise ColumnError(f"{self._path}: no {column!r}; the rows have {', '.join(names)}")
        wanted = names if column is None else [column]
        found = [pa.array(self._rows.native.lengths(names.index(name))) for name in wanted]
        lengths: npt.NDArray[np.uint32] = sum(
            (each.to_numpy() for each in found[1:]), found[0].to_numpy()
        )
        return lengths

    def collator(
        self,
        *,
        pad_id: int | None = None,
        padding_side: Literal["right", "left"] | None = None,
        pad_to_multiple_of: int | None = None,
        packed: bool = False,
        return_flash_attn_kwargs: bool = False,
        return_tensors: Literal["pt", "np"] = "pt",
    ) -> TokenCollator:
        """Return a `collate_fn` for these rows.

        Padded, a batch has ``input_ids``, ``attention_mask`` and ``labels``, of int64. Where rows
        have one sequence, the labels are its ids. Labels are -100 where they are filled up, with
        `assistant_only_loss` outside of answers, and nowhere else: a token of the text that is
        also the pad token keeps its label.

        Parameters
        ----------
        pad_id
            The token that fills up ``input_ids``. By default the tokenizer's pad token.
        padding_side
            Where it is put. By default where the tokenizer pads.
        pad_to_multiple_of
            Make the length of ``input_ids``, and that of ``labels``, a multiple of this.
        packed
            Lay the rows end to end instead: ``input_ids``, ``labels`` and ``position_ids`` of
            shape (1, tokens). Positions begin anew in each row, and the label of its first token
            is -100. For :class:`fastsample.PackedBatchSampler`, and rows of one sequence.
        return_flash_attn_kwargs
            With `packed`: also ``cu_seq_lens_q`` and ``cu_seq_lens_k`` (int32, where each row
            begins, and the last ends), ``max_length_q`` and ``max_length_k`` (int).
        return_tensors
            ``"pt"`` for tensors of PyTorch, ``"np"`` for NumPy arrays. Neither is a copy.

        Raises
        ------
        ArgumentError
            The tokenizer has no pad token, and none is given; or options do not go together.
        """
        if flag("packed", packed) and len(self.columns) > 1:
            raise SourceTypeError(
                "rows of two sequences, input_ids and labels, can't be laid end to end; cache one "
                'sequence a row (text_columns=["..."], or chat_template=True), or pad them'
            )
        return TokenCollator(
            pad_id=self.pad_id if pad_id is None else pad_id,
            padding_side=optional(choice, "padding_side", padding_side, options=("right", "left"))
            or self.padding_side,
            pad_to_multiple_of=pad_to_multiple_of,
            packed=packed,
            return_flash_attn_kwargs=return_flash_attn_kwargs,
            return_tensors=return_tensors,
        )
