"""fastsample: fast, exact, reproducible training samples out of big text data sets.

>>> import fastsample
>>> s = fastsample.sample("train.parquet", 3_000_000)  # doctest: +SKIP
>>> s.write_parquet("train_3m.parquet")  # doctest: +SKIP
"""

import os as _os
import warnings as _warnings
from importlib import import_module
from threading import RLock as _RLock
from typing import TYPE_CHECKING

from fastsample import _fastsample, errors
from fastsample.errors import (
    ArgumentError,
    ColumnError,
    CorruptDataError,
    FastSampleError,
    MissingDependencyError,
    OutOfMemoryError,
    OutputError,
    ReadError,
    SchemaError,
    SourceChangedError,
    SourceNotFoundError,
    SourceTypeError,
    StreamError,
    UnsupportedDataError,
)

if TYPE_CHECKING:
    from fastsample._comparison.compare import compare
    from fastsample._comparison.model import Distance, Dropped, Fact, Side
    from fastsample._comparison.report import Comparison
    from fastsample._inspection.inspect import inspect
    from fastsample._inspection.inspection import Inspection
    from fastsample._inspection.model import ColumnInfo, Copies, FileInfo
    from fastsample._planning.model import Scenario
    from fastsample._planning.padding import LengthFacts
    from fastsample._planning.plan import plan
    from fastsample._planning.report import Plan
    from fastsample._remote import RemoteFiles
    from fastsample._sampling.card import card
    from fastsample._sampling.draw import sample
    from fastsample._sampling.epochs import Epochs, epochs
    from fastsample._sampling.exclusion import Excluded, ExcludedBy, ExcludedRow
    from fastsample._sampling.mixture import Mixture, mix
    from fastsample._sampling.mixture_report import MixedSource
    from fastsample._sampling.report import Group, Groups, Report, WriteReport, WrittenFile
    from fastsample._sampling.reproduce import reproduce
    from fastsample._sampling.sample import Sample
    from fastsample._sampling.score import Scores, score
    from fastsample._sampling.sides import Split
    from fastsample._sampling.smart import Smart
    from fastsample._sampling.smart_report import KeptFeatures, Likeness, SmartReport
    from fastsample._sampling.split import split
    from fastsample._sampling.tokens import token_lengths
    from fastsample._sampling.update import update
    from fastsample._text_lengths import TextLengths
    from fastsample._training.collate import TokenCollator
    from fastsample._training.dataset import Dataset
    from fastsample._training.length_batches import LengthBatchSampler, Padding
    from fastsample._training.packed_batches import PackedBatchSampler, Packing
    from fastsample._training.row_sampler import ResumableSampler
    from fastsample._training.token_dataset import TokenDataset
    from fastsample._verification.model import ModelLoss
    from fastsample._verification.verification import Verification
    from fastsample._verification.verify import verify

__version__: str = _fastsample.__version__

__all__ = [
    "ArgumentError",
    "ColumnError",
    "ColumnInfo",
    "Comparison",
    "Copies",
    "CorruptDataError",
    "Dataset",
    "Distance",
    "Dropped",
    "Epochs",
    "Excluded",
    "ExcludedBy",
    "ExcludedRow",
    "Fact",
    "FastSampleError",
    "FileInfo",
    "Group",
    "Groups",
    "Inspection",
    "KeptFeatures",
    "LengthBatchSampler",
    "LengthFacts",
    "Likeness",
    "MissingDependencyError",
    "MixedSource",
    "Mixture",
    "ModelLoss",
    "OutOfMemoryError",
    "OutputError",
    "PackedBatchSampler",
    "Packing",
    "Padding",
    "Plan",
    "ReadError",
    "RemoteFiles",
    "Report",
    "ResumableSampler",
    "Sample",
    "Scenario",
    "SchemaError",
    "Scores",
    "Side",
    "Smart",
    "SmartReport",
    "SourceChangedError",
    "SourceNotFoundError",
    "SourceTypeError",
    "Split",
    "StreamError",
    "TextLengths",
    "TokenCollator",
    "TokenDataset",
    "UnsupportedDataError",
    "Verification",
    "WriteReport",
    "WrittenFile",
    "__version__",
    "card",
    "compare",
    "epochs",
    "errors",
    "inspect",
    "mix",
    "plan",
    "reproduce",
    "sample",
    "score",
    "split",
    "token_lengths",
    "update",
    "verify",
]

#: Where each public name lives that is imported when it is first asked for.
_HOMES = {
    "._comparison.compare": ("compare",),
    "._comparison.model": ("Distance", "Dropped", "Fact", "Side"),
    "._comparison.report": ("Comparison",),
    "._inspection.inspect": ("inspect",),
    "._inspection.inspection": ("Inspection",),
    "._inspection.model": ("ColumnInfo", "Copies", "FileInfo"),
    "._planning.model": ("Scenario",),
    "._planning.padding": ("LengthFacts",),
    "._planning.plan": ("plan",),
    "._planning.report": ("Plan",),
    "._remote": ("RemoteFiles",),
    "._sampling.card": ("card",),
    "._sampling.draw": ("sample",),
    "._sampling.epochs": ("Epochs", "epochs"),
    "._sampling.exclusion": ("Excluded", "ExcludedBy", "ExcludedRow"),
    "._sampling.mixture": ("Mixture", "mix"),
    "._sampling.mixture_report": ("MixedSource",),
    "._sampling.report": ("Group", "Groups", "Report", "WriteReport", "WrittenFile"),
    "._sampling.reproduce": ("reproduce",),
    "._sampling.sample": ("Sample",),
    "._sampling.score": ("Scores", "score"),
    "._sampling.sides": ("Split",),
    "._sampling.smart": ("Smart",),
    "._sampling.smart_report": ("KeptFeatures", "Likeness", "SmartReport"),
    "._sampling.split": ("split",),
    "._sampling.tokens": ("token_lengths",),
    "._sampling.update": ("update",),
    "._text_lengths": ("TextLengths",),
    "._training.collate": ("TokenCollator",),
    "._training.dataset": ("Dataset",),
    "._training.length_batches": ("LengthBatchSampler", "Padding"),
    "._training.packed_batches": ("PackedBatchSampler", "Packing"),
    "._training.row_sampler": ("ResumableSampler",),
    "._training.token_dataset": ("TokenDataset",),
    "._verification.model": ("ModelLoss",),
    "._verification.verification": ("Verification",),
    "._verification.verify": ("verify",),
}
#: Modules that are imported when they are first asked for.
_MODULES = ("dask", "parts", "ray", "spark")
_HOME = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a checker would take every name for a public one

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for: a draw needs no plan."""
        if name in _MODULES:
            with _IMPORTING:
                return import_module(f".{name}", __name__)
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module 'fastsample' has no attribute {name!r}")
        with _IMPORTING:
            value = globals()[name] = getattr(import_module(home, __name__), name)
        return value

    # A child that forks while another thread imports would wait for that import for ever.
    _IMPORTING = _RLock()
    if hasattr(_os, "register_at_fork"):
        _os.register_at_fork(
            before=_IMPORTING.acquire,
            after_in_parent=_IMPORTING.release,
            after_in_child=_IMPORTING.release,
        )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


if _fastsample.DEBUG_BUILD:
    _warnings.warn(
        "this is a debug build of fastsample, many times slower than a release build; "
        "build it with `maturin develop --release`",
        RuntimeWarning,
        stacklevel=2,
    )
