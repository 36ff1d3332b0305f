"""`ModelLoss`: what was measured of one model."""

from __future__ import annotations

from dataclasses import dataclass

from fastsample._public import public


@public
@dataclass(frozen=True)
class ModelLoss:
    """The loss of a model on the held-out responses, each given its prompt.

    Attributes
    ----------
    path : str
        The checkpoint.
    tokens : int
        Tokens predicted: those of the responses with the end of each.
    loss : float
        Nats a token, as trainers print it.
    bits_per_token, bits_per_char : float
        The same loss in bits: a token, and a character of the responses. Models with different
        tokenizers can be compared by characters only.
    bleu, chrf : float or None
        Corpus scores of greedy answers by sacrebleu, from 0 to 100. None without `answers`.
    """

    path: str
    tokens: int
    loss: float
    bits_per_token: float
    bits_per_char: float
    bleu: float | None = None
    chrf: float | None = None
