"""`Checkpoint`: losses and greedy answers of a Hugging Face model, causal or seq2seq."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastsample._files import is_there
from fastsample.errors import (
    ArgumentError,
    MissingDependencyError,
    ReadError,
    SourceNotFoundError,
)

#: The label of positions without loss, in all models of transformers.
_NO_LOSS = -100

#: A prompt and the response to it.
Pair = tuple[str, str]


class Checkpoint:
    """A model with its tokenizer, for inference."""

    def __init__(self, path: str, tokenizer: str | None, device: str | None) -> None:
        self._torch, transformers = _imported()
        self.path = path
        with _without_bars(transformers):
            self._load(transformers, path, tokenizer)
        with _argument(f"device is {device!r}; torch does not know or have it"):
            chosen = "cuda" if self._torch.cuda.is_available() else "cpu"
            self._device = self._torch.device(device or chosen)
            self._model.to(self._device).eval()

    def _load(self, transformers: Any, path: str, tokenizer: str | None) -> None:
        with _loading(path):
            config = transformers.AutoConfig.from_pretrained(path)
            self._is_seq2seq = bool(config.is_encoder_decoder)
            kind = "AutoModelForSeq2SeqLM" if self._is_seq2seq else "AutoModelForCausalLM"
            self._model: Any = getattr(transformers, kind).from_pretrained(path)
        with _loading(tokenizer or path):
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(tokenizer or path)
        text_config = config.get_text_config()
        #: Most positions that the model takes; None for one with relative positions.
        self.positions: int | None = getattr(text_config, "max_position_embeddings", None)
        if self.positions is None and not self._is_seq2seq:
            self.positions = getattr(text_config, "n_positions", None)

    @property
    def vocabulary(self) -> int:
        """Return the number of tokens of the tokenizer."""
        return len(self._tokenizer)

    def too_long(self, pairs: Sequence[Pair]) -> list[bool]:
        """Tell which pairs have more tokens than the model has positions."""
        if self.positions is None:
            return [False] * len(pairs)
        tokens = [self._encoded(pair) for pair in pairs]
        if self._is_seq2seq:
            return [max(len(prompt), len(answer)) > self.positions for prompt, answer in tokens]
        return [len(prompt) + len(answer) > self.positions for prompt, answer in tokens]

    def losses(
        self, pairs: Sequence[Pair], batch_size: int, done: Callable[[int], None]
    ) -> list[tuple[float, int]]:
        """Return the nats of each response given its prompt, and its tokens.

        Padding changes no loss: it is masked, and its labels count nothing.
        """
        torch = self._torch
        encoded = [self._encoded(pair) for pair in pairs]
        # Batches of similar lengths; each result goes back to its place.
        order = sorted(range(len(pairs)), key=lambda row: sum(map(len, encoded[row])))
        found: list[tuple[float, int]] = [(0.0, 0)] * len(pairs)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = self._batch([encoded[row] for row in rows])
            with torch.inference_mode():
                logits = self._model(**batch).logits.float()
            labels = batch["labels"]
            if not self._is_seq2seq:  # the token at a position is predicted one before
                logits, labels = logits[:, :-1], labels[:, 1:]
            each = torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), labels, ignore_index=_NO_LOSS, reduction="none"
            )
            nats = each.double().sum(1).tolist()
            tokens = (labels != _NO_LOSS).sum(1).tolist()
            for row, loss, count in zip(rows, nats, tokens, strict=True):
                found[row] = loss, count
            done(len(rows))
        return found

    def answers(
        self,
        pairs: Sequence[Pair],
        batch_size: int,
        max_new_tokens: int,
        done: Callable[[int], None],
    ) -> list[str]:
        """Return a greedy answer to each prompt."""
        found = []
        for start in range(0, len(pairs), batch_size):
            prompts = [self._encoded(pair)[0] for pair in pairs[start : start + batch_size]]
            # A causal model goes on at the right end, so its padding is on the left.
            ids, mask = self._padded(prompts, left=not self._is_seq2seq)
            with self._torch.inference_mode():
                made = self._model.generate(
                    input_ids=ids,
                    attention_mask=mask,
                    max_new_tokens=max_new_tokens,
                    do_sample=False,
                    num_beams=1,
                    pad_token_id=self._pad,
                )
            if not self._is_seq2seq:
                made = made[:, ids.shape[1] :]
            found += self._tokenizer.batch_decode(made, skip_special_tokens=True)
            done(len(prompts))
        return found

    def _encoded(self, pair: Pair) -> tuple[list[int], list[int]]:
        prompt, response = pair
        if self._is_seq2seq:
            answer = self._tokenizer(text_target=response, truncation=False).input_ids
            return self._tokenizer(prompt, truncation=False).input_ids, answer
        start, end = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        ids = self._tokenizer(prompt, add_special_tokens=False).input_ids
        answer = self._tokenizer(response, add_special_tokens=False).input_ids
        # The first token of a text has nothing to be predicted from but a beginning.
        begin = [start if start is not None else end] if (start, end) != (None, None) else []
        return [*begin, *ids], [*answer, *([] if end is None else [end])]

    def _batch(self, encoded: Sequence[tuple[list[int], list[int]]]) -> dict[str, Any]:
        if self._is_seq2seq:
            ids, mask = self._padded([prompt for prompt, _ in encoded])
            labels = self._rows([answer for _, answer in encoded], _NO_LOSS)
        else:
            ids, mask = self._padded([prompt + answer for prompt, answer in encoded])
            labels = self._rows([[_NO_LOSS] * len(a) + b for a, b in encoded], _NO_LOSS)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return self._tokenizer.eos_token_id or 0 if pad is None else pad

    def _padded(self, rows: Sequence[list[int]], left: bool = False) -> tuple[Any, Any]:
        ids = self._rows(rows, self._pad, left)
        return ids, self._rows([[1] * len(row) for row in rows], 0, left)

    def _rows(self, rows: Sequence[list[int]], fill: int, left: bool = False) -> Any:
        width = max(1, *map(len, rows))
        filled = [
            [fill] * (width - len(row)) + row if left else row + [fill] * (width - len(row))
            for row in rows
        ]
        return self._torch.tensor(filled, device=self._device)


def _imported() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError:
        raise MissingDependencyError(
            "verify needs torch and transformers; install them with: pip install torch transformers"
        ) from None
    return torch, transformers


@contextlib.contextmanager
def _loading(path: str) -> Any:
    """Say in one line which folder is not there, or not loaded; libraries raise all kinds."""
    # `owner/name` may be one of the Hugging Face Hub.
    is_name = path.count("/") == 1 and not path.startswith((".", "/", "~"))
    if not is_name and not is_there(Path(path), Path.is_dir):
        raise SourceNotFoundError(
            f"{path}: no such folder; name one that model.save_pretrained(folder) wrote"
        )
    try:
        yield
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ReadError(f"{path}: not loaded by transformers ({reason})") from error


@contextlib.contextmanager
def _without_bars(transformers: Any) -> Any:
    """Load without the progress bars of transformers; standard error stays as it is."""
    logging = transformers.utils.logging
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


@contextlib.contextmanager
def _argument(message: str) -> Any:
    try:
        yield
    except (RuntimeError, AssertionError):
        raise ArgumentError(message) from None
