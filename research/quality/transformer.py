"""Judge (b): a small causal character transformer that learns responses, on the CPU.

The same for every sample: vocabulary (the most frequent characters), size, first weights of a seed,
number of visits to rows, order of learning rates. Only the rows differ. As in the trainer that
fastsample was made for, a batch is rows of similar length, whole once cut, and only the characters
of the response count. Each block looks at the last characters through a short convolution before
it attends (as in Primer, So et al. 2021, arXiv:2109.08668), and the matrices of the blocks learn by
Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon), the rest by AdamW.

A character outside the vocabulary costs what its shared token costs plus log2 of how many
characters share it, so that bits of a character compare.

Same seed, same rows, one thread: the same bits, to the last.
"""
# mypy: disable-error-code="import-not-found,unused-ignore"

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from research.quality.data import PAD, Corpus, Floats, Ints, Mask

Weights = dict[str, Tensor]

M_TRIM_THRESHOLD: Final = -1
M_MMAP_MAX: Final = -4


@dataclass(frozen=True)
class Settings:
    """Size and training of the judge."""

    context: int = 512
    width: int = 128
    layers: int = 2
    heads: int = 4
    vocabulary: int = 4_096
    batch: int = 24
    taps: int = 3
    rate: float = 2e-3
    muon_rate: float = 2e-2
    decay: float = 0.05
    warmup: float = 0.05


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

    def forward(self, tokens: Tensor, wanted: Tensor) -> Tensor:
        """Return logits (number wanted, vocabulary) for the token after each one wanted."""
        x = self.embed(tokens) + self.place[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return nnf.linear(self.norm(x[wanted]), self.embed.weight, self.bias)


def batches(corpus: Corpus, epochs: Sequence[Ints], size: int, seed: int) -> Iterator[Ints]:
    """Yield the rows of each batch: rows of similar length, in another order every epoch."""
    random = np.random.default_rng([seed, 0x7A])
    for rows in epochs:
        order = random.permutation(rows)
        found = []
        for start in range(0, len(order), 32 * size):
            window = order[start : start + 32 * size]
            window = window[np.argsort(corpus.lengths[window], kind="stable")]
            found += [window[i : i + size] for i in range(0, len(window), size)]
        yield from (found[i] for i in random.permutation(len(found)))


def padded(corpus: Corpus, rows: Ints, vocabulary: int) -> tuple[Tensor, Tensor]:
    """Return ids (rows, longest), the rarest characters as one, and which are of responses."""
    part = corpus.take(rows)
    ids = np.full((part.rows, int(part.lengths.max())), PAD, dtype=np.int64)
    counted: Mask = np.zeros(ids.shape, dtype=np.bool_)
    place = part.row_of(), np.arange(len(part.codes)) - np.repeat(part.offsets[:-1], part.lengths)
    ids[place] = np.minimum(part.codes, vocabulary - 1)
    counted[place] = part.in_response()
    return torch.from_numpy(ids), torch.from_numpy(counted)


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


def train(
    corpus: Corpus, epochs: Sequence[Ints], settings: Settings, seed: int, start: Weights | None
) -> Weights:
    """Train on the rows of each epoch, from first weights of the seed or from ``start``."""
    torch.manual_seed(seed)
    model = CharacterModel(settings)
    if start is not None:
        model.load_state_dict(start)
    steps = sum(math.ceil(len(rows) / settings.batch) for rows in epochs)
    optimisers = _optimisers(model, settings)
    rates = [(group, group["lr"]) for each in optimisers for group in each.param_groups]
    warm = max(1, int(settings.warmup * steps))
    for step, rows in enumerate(batches(corpus, epochs, settings.batch, seed)):
        cosine = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
        scale = (step + 1) / warm if step < warm else 0.05 + 0.95 * cosine
        for group, rate in rates:
            group["lr"] = rate * scale
        loss = _losses(model, corpus, rows, settings)[0].mean()
        model.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
    return dict(model.state_dict())


def checkpoint(corpus: Corpus, epochs: Sequence[Ints], settings: Settings, file: Path) -> Weights:
    """Return weights that have seen the rows of each epoch; they are kept in ``file``."""
    if not file.exists():
        part = file.with_suffix(f".{os.getpid()}")
        torch.save(train(corpus, epochs, settings, 0, None), part)
        part.rename(file)
    kept: Weights = torch.load(file, weights_only=True)
    return kept


def _losses(
    model: CharacterModel, corpus: Corpus, rows: Ints, settings: Settings
) -> tuple[Tensor, Tensor]:
    """Return the loss of each character of the responses, and its place (row, character)."""
    ids, counted = padded(corpus, rows, settings.vocabulary)
    logits = model(ids[:, :-1], counted[:, 1:])
    return nnf.cross_entropy(logits, ids[:, 1:][counted[:, 1:]], reduction="none"), counted


def bits(weights: Weights, corpus: Corpus, rows: Ints, settings: Settings) -> Floats:
    """Return the bits that the response of each row costs."""
    model = CharacterModel(settings)
    model.load_state_dict(weights)
    model.eval()
    shared = math.log2(max(1, corpus.alphabet - settings.vocabulary + 1))
    found: Floats = np.zeros(len(rows))
    order = np.argsort(corpus.lengths[rows], kind="stable")
    with torch.no_grad():
        for begin in range(0, len(rows), settings.batch):
            places = order[begin : begin + settings.batch]
            loss, counted = _losses(model, corpus, rows[places], settings)
            of_row = torch.nonzero(counted[:, 1:])[:, 0].numpy()
            cost = loss.double().numpy() / math.log(2)
            found[places] = np.bincount(of_row, cost, len(places))
    part = corpus.take(rows)
    rare = (part.codes >= settings.vocabulary - 1) & part.in_response()
    return found + shared * np.add.reduceat(rare.astype(np.float64), part.offsets[:-1])


def keep_memory() -> None:
    """Tell glibc to keep freed memory for the next step; elsewhere do nothing.

    The logits of a step are 30 MB. Given back and fetched anew each step they cost 2.0 s of system
    time beside 4.6 s of work (30,000 characters, one core); kept, 0.2 s.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def prepare() -> None:
    """Make runs repeatable, and quick on one core."""
    keep_memory()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
