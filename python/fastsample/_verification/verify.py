"""`verify`: whether a model predicts held-out responses as well as another."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fastsample._arguments import check_seed, optional, string, whole
from fastsample._progress import Callback, reporting
from fastsample._public import public
from fastsample._sampling.draw import sample
from fastsample._source import SourceLike
from fastsample._verification.checkpoint import Checkpoint, Pair
from fastsample._verification.interval import paired_interval
from fastsample._verification.model import ModelLoss
from fastsample._verification.scores import bleu_and_chrf, check_installed, tokenization
from fastsample._verification.verification import Verification, verdict_of
from fastsample.errors import ArgumentError, ColumnError, SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa


@public
def verify(
    source: SourceLike,
    model: str | os.PathLike[str],
    baseline: str | os.PathLike[str],
    *,
    rows: int | None = None,
    seed: int = 42,
    prompt: str = "prompt",
    response: str = "response",
    prompt_format: str = "{prompt}",
    response_format: str = "{response}",
    max_chars: int | None = None,
    tokenizer: str | os.PathLike[str] | None = None,
    answers: int = 0,
    max_new_tokens: int = 128,
    batch_size: int = 8,
    device: str | None = None,
    resamples: int = 2000,
    schema: pa.Schema | None = None,
    progress: bool | Callback | None = None,
) -> Verification:
    """Compare two trained models by their loss on held-out rows: the response given the prompt.

    Needs the extra ``train``: torch and transformers, and sacrebleu for `answers`.

    Parameters
    ----------
    source
        Rows that neither model was trained on, as in :func:`fastsample.sample`.
    model, baseline
        Folders of Hugging Face checkpoints, causal or seq2seq: the model that was trained on the
        sample, and the one to compare it with. ``owner/name`` is one of the Hugging Face Hub.
    rows
        Draw this many of the held-out rows. All by default.
    seed
        Of that draw, and of the bootstrap.
    prompt, response
        Names of the two columns.
    prompt_format, response_format
        What the models were trained on: texts with ``{prompt}`` and ``{response}`` in them, such as
        ``"{prompt}[EOS]"``. A causal model reads one after the other.
    max_chars
        Cut prompt and response to this many characters each, as in training.
    tokenizer
        Folder of the tokenizer of both models. By default each has its own.
    answers
        Answer the prompts of this many rows, greedily, and score the answers by BLEU and chrF.
    max_new_tokens
        Tokens of an answer at most.
    batch_size, device
        Rows predicted at once; where, such as ``cuda:1``: by default a GPU if there is one.
    resamples
        Resamples of the bootstrap.
    schema, progress
        As in :func:`fastsample.sample`.

    Returns
    -------
    Verification
        Losses, the interval of their difference, and the verdict in a sentence. Rows without a
        response, and rows that have more tokens than either model has positions, are left out of
        both.

    Raises
    ------
    MissingDependencyError
        torch, transformers or sacrebleu is not installed.
    SourceNotFoundError, ReadError
        There is no such checkpoint, or transformers does not load it.
    ColumnError
        There is no such column.
    ArgumentError
        No row is left to predict, or an argument is out of range.

    Examples
    --------
    >>> import fastsample
    >>> found = fastsample.verify("valid.parquet", "run-3m", "run-10m")  # doctest: +SKIP
    >>> print(found.sentence)  # doctest: +SKIP
    No difference between model and baseline beyond chance: ...
    """
    paths = [_path("model", model), _path("baseline", baseline)]
    tokens_of = None if tokenizer is None else _path("tokenizer", tokenizer)
    amount = optional(whole, "rows", rows, least=1)
    seed = check_seed(seed)
    columns = [string("prompt", prompt), string("response", response)]
    formats = [
        _format("prompt_format", prompt_format, "{prompt}"),
        _format("response_format", response_format, "{response}"),
    ]
    chars = optional(whole, "max_chars", max_chars, least=1)
    answers = whole("answers", answers, least=0)
    max_new_tokens = whole("max_new_tokens", max_new_tokens, least=1, most=2**20)
    batch_size = whole("batch_size", batch_size, least=1, most=2**20)
    resamples = whole("resamples", resamples, least=100, most=10**6)
    optional(string, "device", device)
    if answers:
        check_installed()
    with reporting(progress, "verifying") as callback:
        drawn = sample(
            source, amount, fraction=None if amount else 1.0, seed=seed, schema=schema,
            columns=columns, at_most=amount is not None, progress=False,
        ).to_arrow()  # fmt: skip
        held = [_texts(drawn, name, chars) for name in columns]
        kept = [(a, b) for a, b in zip(*held, strict=True) if b]
        notes = _left_out(drawn.num_rows - len(kept), "have no response")
        models = [Checkpoint(path, tokens_of, device) for path in paths]
        whole_rows = len(kept)
        kept = _fitting(kept, formats, models)
        notes += _left_out(whole_rows - len(kept), "have more tokens than a model has positions")
        if not kept:
            raise ArgumentError("there is no held-out row to predict; " + "; ".join(notes))
        answered = kept[:answers]
        done = _counted(callback, 2 * (len(kept) + len(answered)))
        pairs = _formatted(kept, formats)
        predicted = [each.losses(pairs, batch_size, done) for each in models]
        said = [
            each.answers(pairs[: len(answered)], batch_size, max_new_tokens, done)
            for each in models
        ]
    references = [response for _, response in answered]
    return _judged(models, kept, predicted, said, references, resamples, seed, notes)


def _judged(
    models: Sequence[Checkpoint],
    kept: Sequence[Pair],
    predicted: Sequence[Sequence[tuple[float, int]]],
    said: Sequence[Sequence[str]],
    references: Sequence[str],
    resamples: int,
    seed: int,
    notes: list[str],
) -> Verification:
    """Return what the losses and the answers of both models amount to."""
    import numpy as np

    chars = np.array([len(response) for _, response in kept])
    nats = [np.array([loss for loss, _ in each]) for each in predicted]
    if models[0].vocabulary != models[1].vocabulary:
        notes.append("the tokenizers differ, so compare bits a character, not a token")
    scores: list[tuple[float | None, float | None]] = [(None, None)] * 2
    if references:
        scores = [bleu_and_chrf(each, references) for each in said]
        notes.append(
            f"BLEU (tokenize={tokenization(references)}) and chrF are of greedy answers to the "
            f"first {len(references):,} rows, from 0 to 100"
        )
    found = [
        _loss(model.path, float(loss.sum()), sum(count for _, count in each), int(chars.sum()), *s)
        for model, loss, each, s in zip(models, nats, predicted, scores, strict=True)
    ]
    low, high = paired_interval((nats[0] - nats[1]) / math.log(2), chars, resamples, seed)
    verdict, sentence = verdict_of(found[0], found[1], (low, high), len(kept))
    notes.append("rows of one source or one conversation are less independent than they count")
    return Verification(
        verdict=verdict,
        sentence=sentence,
        rows=len(kept),
        chars=int(chars.sum()),
        model=found[0],
        baseline=found[1],
        difference=found[0].bits_per_char - found[1].bits_per_char,
        interval=(low, high),
        answers=len(references),
        notes=tuple(notes),
    )


def _loss(
    path: str, nats: float, tokens: int, chars: int, bleu: float | None, chrf: float | None
) -> ModelLoss:
    bits = nats / math.log(2)
    return ModelLoss(path, tokens, nats / tokens, bits / tokens, bits / chars, bleu, chrf)


def _path(name: str, value: object) -> str:
    """Return a folder, or a name of the Hub, as a text."""
    if not isinstance(value, (str, os.PathLike)):
        raise SourceTypeError(
            f"{name} is a {type(value).__qualname__}; pass the folder of a checkpoint, which "
            "model.save_pretrained(folder) writes"
        )
    found = os.fspath(value)
    if not isinstance(found, str) or not found or "\0" in found:
        raise ArgumentError(f"{name} is {found!r}; name the folder of a checkpoint")
    return os.path.expanduser(found)  # noqa: PTH111 - the name may be one of the Hub


def _format(name: str, value: object, key: str) -> str:
    found = string(name, value)
    if key not in found:
        raise ArgumentError(f"{name} is {found!r}; it must have {key} in it")
    return found


def _texts(drawn: pa.Table, name: str, chars: int | None) -> list[str]:
    """Return the texts of a column, cut; a null is empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = drawn.column(name)
    try:
        column = pc.fill_null(column.cast(pa.large_string()), "")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ColumnError(f"column {name!r} is of type {column.type}; it must hold texts") from None
    if chars is not None:
        column = pc.utf8_slice_codeunits(column, 0, chars)
    texts: list[str] = column.to_pylist()
    return texts


def _formatted(pairs: Sequence[Pair], formats: Sequence[str]) -> list[Pair]:
    ask, answer = formats
    return [
        (ask.replace("{prompt}", prompt), answer.replace("{response}", response))
        for prompt, response in pairs
    ]


def _fitting(
    kept: Sequence[Pair], formats: Sequence[str], models: Sequence[Checkpoint]
) -> list[Pair]:
    """Return the rows that both models have positions for."""
    marks = [each.too_long(_formatted(kept, formats)) for each in models]
    return [pair for pair, *long in zip(kept, *marks, strict=True) if not any(long)]


def _left_out(rows: int, why: str) -> list[str]:
    return [f"{rows:,} rows {why}; they are left out"] if rows else []


def _counted(callback: Callback | None, total: int) -> Callable[[int], None]:
    """Return a function that adds to the rows done."""
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        if callback is not None:
            callback(done, total)

    return add
