"""BLEU and chrF of answers, by sacrebleu."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastsample.errors import MissingDependencyError

#: Chinese characters, of which each is a word for BLEU.
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def check_installed() -> None:
    """Refuse to generate answers that can't be scored."""
    try:
        import sacrebleu  # noqa: F401
    except ImportError:
        raise MissingDependencyError(
            "answers are scored by sacrebleu; install it with: pip install sacrebleu"
        ) from None


def tokenization(references: Sequence[str]) -> str:
    """Return sacrebleu's name of the tokenization: by characters where there is Chinese."""
    return "zh" if any(map(_CHINESE.search, references)) else "13a"


def bleu_and_chrf(answers: Sequence[str], references: Sequence[str]) -> tuple[float, float]:
    """Return the corpus scores, from 0 to 100."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu = BLEU(tokenize=tokenization(references)).corpus_score(answers, [list(references)])
    return float(bleu.score), float(CHRF().corpus_score(answers, [list(references)]).score)
