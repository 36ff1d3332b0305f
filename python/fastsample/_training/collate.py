"""`TokenCollator`: batches of token ids, padded or laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fastsample._arguments import choice, flag, optional, whole
from fastsample._public import public
from fastsample._training.token_rows import ANSWERS, MASK, TokenBatch, TokenRows, bounds_of
from fastsample.errors import ArgumentError, MissingDependencyError, SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa


@public
class TokenCollator:
    """Makes a batch of rows of token ids; :meth:`fastsample.TokenDataset.collator` returns one.

    Called with the rows of a batch, it returns a dict of tensors (or NumPy arrays) of int64, which
    models of ``transformers`` take as they are. It can be pickled. Rows may also be a list of
    dicts with ``input_ids`` and perhaps ``labels`` or ``assistant_masks``, which are then copied
    once more.
    """

    def __init__(
        self,
        *,
        pad_id: int | None,
        padding_side: Literal["right", "left"],
        pad_to_multiple_of: int | None,
        packed: bool,
        return_flash_attn_kwargs: bool,
        return_tensors: Literal["pt", "np"],
    ) -> None:
        self._packed = flag("packed", packed)
        self._flash = flag("return_flash_attn_kwargs", return_flash_attn_kwargs)
        self._left = choice("padding_side", padding_side, ("right", "left")) == "left"
        multiple = optional(whole, "pad_to_multiple_of", pad_to_multiple_of, least=1, most=2**32)
        self._torch = choice("return_tensors", return_tensors, ("pt", "np")) == "pt"
        if self._packed and multiple is not None:
            raise ArgumentError("packs are not padded; leave out pad_to_multiple_of or packed")
        if self._flash and not self._packed:
            raise ArgumentError("return_flash_attn_kwargs is for packs; pass packed=True")
        if pad_id is None and not self._packed:
            raise ArgumentError(
                "the tokenizer has no pad token, neither in tokenizer_config.json nor in the "
                "padding of tokenizer.json; pass pad_id=, for instance that of its end of text, "
                "or packed=True"
            )
        self._pad_id = 0 if pad_id is None else whole("pad_id", pad_id, least=0, most=2**32 - 1)
        self._multiple = multiple or 1

    def __call__(self, rows: Sequence[Any]) -> dict[str, Any]:
        """Return the batch of some rows: ``input_ids``, ``labels``, and what tells rows apart."""
        batch = rows if isinstance(rows, TokenBatch) else _taken(rows)
        native, positions = batch.rows.native, batch.positions
        if not self._packed:
            matrices = native.padded(
                positions, pad_id=self._pad_id, left=self._left, multiple=self._multiple
            )
            return {name: self._array(data, len(batch), width) for name, data, width in matrices}
        matrices, ends, longest = native.packed(positions)
        pack: dict[str, Any] = {name: self._array(data, 1, width) for name, data, width in matrices}
        if self._flash:
            bounds = self._array(ends, len(batch) + 1, kind="int32")
            pack |= {"cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds}
            pack |= {"max_length_q": longest, "max_length_k": longest}
        return pack

    def _array(self, data: bytearray, *shape: int, kind: str = "int64") -> Any:
        """Return numbers as a tensor or an array that lies over their bytes."""
        import numpy as np

        made = np.frombuffer(data, kind).reshape(shape)
        if not self._torch:
            return made
        try:
            import torch
        except ModuleNotFoundError:
            raise MissingDependencyError(
                'tensors need PyTorch (pip install torch); return_tensors="np" returns NumPy arrays'
            ) from None
        return torch.from_numpy(made)


def _taken(rows: Sequence[Any]) -> TokenBatch:
    """Return rows that somebody else handed on, as dicts of ids."""
    import numpy as np
    import pyarrow as pa

    try:
        names = ["input_ids", *(["labels"] if "labels" in rows[0] else [])]
        columns = {name: _lists([row[name] for row in rows]) for name in names}
        if ANSWERS in rows[0]:  # read from the file by others, such as datasets
            columns[ANSWERS] = _lists([np.asarray(row[ANSWERS], np.uint32) for row in rows])
        elif MASK in rows[0]:
            columns[ANSWERS] = _lists([bounds_of(row[MASK]) for row in rows])
        table = pa.table(columns)
    except (TypeError, KeyError, IndexError, ValueError, OverflowError) as error:
        raise SourceTypeError(
            f"a batch is no rows of token ids ({error!r}); pass rows of a TokenDataset"
        ) from None
    return TokenBatch(TokenRows(table), range(len(rows)))


def _lists(rows: list[Any]) -> pa.ListArray:
    """Return the ids of some rows as one array."""
    import numpy as np
    import pyarrow as pa

    ends = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    ids = np.concatenate([np.asarray(row) for row in rows]) if len(rows) else np.empty(0)
    return pa.ListArray.from_arrays(
        pa.array(ends), pa.array(ids.astype(np.uint32, casting="same_kind"))
    )
