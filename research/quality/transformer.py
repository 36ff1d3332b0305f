"""Judge (b), the judge of record: a small causal character transformer, trained on the CPU.

The same for every sample: vocabulary (the most frequent characters of the pool), size, first
weights of a seed, number of steps, order of learning rates. Only the rows differ. Each block looks
at the last characters through a short convolution before it attends (as in Primer, So et al. 2021,
arXiv:2109.08668), and the matrices of the blocks learn by Muon (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon), the rest by AdamW. Both were chosen on random samples
alone: such a model needs 10 % fewer bits than one without the convolution that learns by AdamW,
and from other first weights it needs 0.2 % more or fewer, not 4 %, so that small differences show.

A character outside the vocabulary costs what its shared token costs plus log2 of how many
characters share it, so that bits per character compare. The rows are shuffled, joined and cut into
windows; when they run out they are shuffled again, so ``characters`` is what is learnt from and the
number of passes follows from the size of the sample::

    compute-bound   the sample holds at least ``characters``: each row seen at most about once
    data-bound      the sample holds at most a quarter of them: four passes or more

Same seed, same sample, one thread: the same bits, to the last.
"""
# mypy: disable-error-code="import-not-found,unused-ignore"

from __future__ import annotations

import ctypes
import math
import os
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from research.quality.data import Corpus
from research.quality.ngram import Floats

M_TRIM_THRESHOLD: Final = -1
M_MMAP_MAX: Final = -4


@dataclass(frozen=True)
class Settings:
    """Size and training of the judge."""

    characters: int = 1_600_000
    context: int = 128
    width: int = 128
    layers: int = 2
    heads: int = 4
    vocabulary: int = 4_096
    batch: int = 8
    taps: int = 3
    rate: float = 2e-3
    muon_rate: float = 2e-2
    decay: float = 0.05
    warmup: float = 0.05
    bfloat16: bool = False


@dataclass(frozen=True)
class Judgement:
    """Bits of each held-out row, and how the training went (speed by processor time)."""

    bits: Floats
    passes: float
    steps: int
    parameters: int
    train_loss: float
    characters_per_second: float


class Block(nn.Module):  # type: ignore[misc]
    """A convolution over the last characters, then pre-norm attention and feed-forward."""

    def __init__(self, width: int, heads: int, taps: int) -> None:
        super().__init__()
        self.heads = heads
        self.near = nn.Parameter(torch.zeros(taps, width))
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, width) to the same."""
        b, t, w = x.shape
        taps = enumerate(self.near, start=1)
        x = x + sum(nnf.pad(x, (0, 0, back, 0))[:, :t] * tap for back, tap in taps)
        parts = self.attend(self.before(x)).view(b, t, 3, self.heads, w // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = nnf.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(seen.transpose(1, 2).reshape(b, t, w))
        mixed: Tensor = x + self.down(nnf.gelu(self.up(self.between(x))))
        return mixed


class CharacterModel(nn.Module):  # type: ignore[misc]
    """Embeddings (tied with the output), learnt positions, blocks."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.embed = nn.Embedding(settings.vocabulary, settings.width)
        self.place = nn.Parameter(torch.zeros(settings.context, settings.width))
        blocks = [
            Block(settings.width, settings.heads, settings.taps) for _ in range(settings.layers)
        ]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(settings.width)
        # Ids go by frequency, so Zipf's law is a start that no sample has to teach.
        self.bias = nn.Parameter(-torch.log(torch.arange(settings.vocabulary) + 3.0))
        nn.init.normal_(self.embed.weight, std=0.02)
        nn.init.normal_(self.place, std=0.01)
        for block in blocks:
            for part in (block.project, block.down):
                nn.init.normal_(part.weight, std=0.02 / math.sqrt(2 * settings.layers))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (batch, time, vocabulary) for the token after each."""
        x = self.embed(tokens) + self.place[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return nnf.linear(self.norm(x), self.embed.weight, self.bias)


def tokens(corpus: Corpus, vocabulary: int) -> npt.NDArray[np.int64]:
    """Return the codes with every character outside the vocabulary as its last token."""
    return np.minimum(corpus.codes, vocabulary - 1).astype(np.int64)


def _batches(sample: Corpus, settings: Settings, seed: int) -> tuple[npt.NDArray[np.int64], int]:
    """Return all training windows (steps, batch, context + 1), in order."""
    steps = max(1, settings.characters // (settings.context * settings.batch))
    needed = steps * settings.batch * settings.context + 1
    random = np.random.default_rng([seed, 0x7A])
    parts, total = [], 0
    while total < needed:
        part = tokens(sample.take(random.permutation(sample.rows)), settings.vocabulary)
        parts.append(part)
        total += len(part)
    stream = np.concatenate(parts)[:needed]
    index = np.arange(settings.context + 1) + settings.context * np.arange(
        steps * settings.batch
    ).reshape(-1, 1)
    order = np.arange(steps * settings.batch).reshape(steps, settings.batch)
    return stream[index][order], steps


def _optimisers(model: CharacterModel, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for all else; vectors do not decay."""
    within = model.blocks.named_parameters()
    matrices = [p for name, p in within if name.endswith("weight") and p.ndim == 2]
    taken = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in taken]
    adam = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.ndim >= 2], "weight_decay": settings.decay},
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=settings.rate,
        betas=(0.9, 0.98),
    )
    muon = torch.optim.Muon(matrices, lr=settings.muon_rate, weight_decay=settings.decay)
    return [adam, muon]


def train(sample: Corpus, settings: Settings, seed: int) -> tuple[CharacterModel, float, float]:
    """Train a model on the sample; return it, its last training loss in bits, characters/s."""
    torch.manual_seed(seed)
    model = CharacterModel(settings)
    windows, steps = _batches(sample, settings, seed)
    optimisers = _optimisers(model, settings)
    rates = [(group, group["lr"]) for each in optimisers for group in each.param_groups]
    warm = max(1, int(settings.warmup * steps))
    recent, began = 0.0, time.process_time()
    for step in range(steps):
        progress = (step - warm) / max(1, steps - warm)
        scale = (
            (step + 1) / warm
            if step < warm
            else 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
        )
        for group, rate in rates:
            group["lr"] = rate * scale
        window = torch.from_numpy(windows[step])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
            logits = model(window[:, :-1])
        loss = nnf.cross_entropy(logits.flatten(0, 1).float(), window[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        value = float(loss.detach()) / math.log(2)
        recent = value if step == 0 else 0.98 * recent + 0.02 * value
    seconds = max(1e-9, time.process_time() - began)
    return model, recent, steps * settings.batch * settings.context / seconds


def evaluate(model: CharacterModel, held: Corpus, settings: Settings) -> Floats:
    """Return the bits of each held-out row; what a window cannot see of a row it does not know."""
    ids = tokens(held, settings.vocabulary)
    context = settings.context
    # An END before the first row, so that every character has one before it.
    stream = np.concatenate([[1], ids])
    windows = math.ceil(len(ids) / context)
    stream = np.concatenate([stream, np.ones(windows * context + 1 - len(stream), dtype=np.int64)])
    index = np.arange(context + 1) + context * np.arange(windows).reshape(-1, 1)
    cost = []
    with torch.no_grad():
        for start in range(0, windows, 32):
            window = torch.from_numpy(stream[index[start : start + 32]])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
                logits = model(window[:, :-1])
            loss = nnf.cross_entropy(
                logits.flatten(0, 1).float(), window[:, 1:].flatten(), reduction="none"
            )
            cost.append(loss.double().numpy())
    bits: Floats = np.concatenate(cost)[: len(ids)] / math.log(2)
    shared = max(1, held.alphabet - settings.vocabulary + 1)
    bits = bits + np.where(ids == settings.vocabulary - 1, math.log2(shared), 0.0)
    return np.add.reduceat(bits, held.offsets[:-1])


def keep_memory() -> None:
    """Tell glibc to keep freed memory for the next step; elsewhere do nothing.

    The logits of a step are 30 MB. Given back and fetched anew each step they cost 2.0 s of system
    time beside 4.6 s of work (30,000 characters, one core); kept, 0.2 s.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def judge(sample: Corpus, held: Corpus, settings: Settings, seed: int) -> Judgement:
    """Train on the sample, measure on the held-out rows."""
    keep_memory()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model, loss, speed = train(sample, settings, seed)
    model.eval()
    steps = max(1, settings.characters // (settings.context * settings.batch))
    return Judgement(
        bits=evaluate(model, held, settings),
        passes=steps * settings.context * settings.batch / max(1, len(sample.codes)),
        steps=steps,
        parameters=sum(p.numel() for p in model.parameters()),
        train_loss=loss,
        characters_per_second=speed,
    )
