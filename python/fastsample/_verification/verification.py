"""`Verification`: the result of `verify` as fields, text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from fastsample._layout import Block, Sentences, Table, as_html, as_text
from fastsample._public import public
from fastsample._verification.model import ModelLoss


@public
@dataclass(frozen=True)
class Verification:
    """What :func:`fastsample.verify` found.

    Attributes
    ----------
    verdict : str
        ``better``, ``worse`` or ``same``: the model against the baseline. ``same`` says that the
        interval holds 0, so that chance may explain the difference.
    sentence : str
        The same in a sentence, with the numbers.
    rows, chars : int
        Held-out rows that were predicted, and characters of their responses.
    model, baseline : ModelLoss
        What was measured of each.
    difference : float
        Bits a character of the model, less those of the baseline: below 0 is better.
    interval : tuple of float
        The 95 % interval of the difference: paired bootstrap over the rows.
    answers : int
        Rows that were answered, for BLEU and chrF.
    notes : tuple of str
        What one should know, a sentence each.
    """

    verdict: str
    sentence: str
    rows: int
    chars: int
    model: ModelLoss
    baseline: ModelLoss
    difference: float
    interval: tuple[float, float]
    answers: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self) | {"interval": list(self.interval), "notes": list(self.notes)}

    def _blocks(self) -> Iterator[Block]:
        yield Sentences([self.sentence], strong=True)
        scored = self.model.bleu is not None
        headings = ("", "loss a token", "bits a token", "bits a character", "tokens")
        yield Table(
            f"Responses of {self.rows:,} held-out rows, each given its prompt",
            headings + (("BLEU", "chrF") if scored else ()),
            [_cells(name, each) for name, each in self._both()],
        )
        yield Table("Models", ("", "checkpoint"), [(name, m.path) for name, m in self._both()])
        if self.notes:
            yield Sentences(self.notes, title="Notes")

    def _both(self) -> tuple[tuple[str, ModelLoss], tuple[str, ModelLoss]]:
        return ("model", self.model), ("baseline", self.baseline)

    def __str__(self) -> str:
        """Return the tables that the command line prints."""
        return as_text(self._blocks())

    def _repr_html_(self) -> str:
        return as_html(self._blocks())


def _cells(name: str, found: ModelLoss) -> tuple[str, ...]:
    numbers = (found.loss, found.bits_per_token, found.bits_per_char)
    scores = [f"{each:.1f}" for each in (found.bleu, found.chrf) if each is not None]
    return (name, *(f"{each:.4f}" for each in numbers), f"{found.tokens:,}", *scores)


def verdict_of(
    model: ModelLoss,
    baseline: ModelLoss,
    interval: tuple[float, float],
    rows: int,
) -> tuple[str, str]:
    """Return the verdict, and a sentence with the numbers."""
    low, high = interval
    verdict = "worse" if low > 0 else "better" if high < 0 else "same"
    numbers = (
        f"{model.bits_per_char:.4f} bits a character against {baseline.bits_per_char:.4f}, a "
        f"difference of {model.bits_per_char - baseline.bits_per_char:+.4f} (95 % interval "
        f"{low:+.4f} to {high:+.4f}, {rows:,} rows)"
    )
    how = {
        "better": "The model predicts held-out responses better than the baseline",
        "worse": "The model predicts held-out responses worse than the baseline",
        "same": "No difference between model and baseline beyond chance",
    }[verdict]
    return verdict, f"{how}: {numbers}."
