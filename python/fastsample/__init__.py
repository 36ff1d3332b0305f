"""fastsample: fast, exact, reproducible training samples out of big text data sets.

>>> import fastsample
>>> s = fastsample.sample("train.parquet", 3_000_000)  # doctest: +SKIP
>>> s.write_parquet("train_3m.parquet")  # doctest: +SKIP
"""

import warnings as _warnings

from fastsample import _fastsample, errors
from fastsample._comparison.compare import compare
from fastsample._comparison.model import Distance, Fact, Side
from fastsample._comparison.report import Comparison
from fastsample._inspection.inspect import inspect
from fastsample._inspection.inspection import ColumnInfo, Copies, FileInfo, Inspection
from fastsample._planning.model import Scenario
from fastsample._planning.padding import LengthFacts
from fastsample._planning.plan import plan
from fastsample._planning.report import Plan
from fastsample._sampling.draw import sample
from fastsample._sampling.epochs import Epochs, epochs
from fastsample._sampling.mixture import Mixture, mix
from fastsample._sampling.mixture_report import MixedSource
from fastsample._sampling.report import Group, Groups, Report, WriteReport, WrittenFile
from fastsample._sampling.sample import Sample
from fastsample._sampling.score import Scores, score
from fastsample._sampling.smart import Smart
from fastsample._sampling.smart_report import SmartReport
from fastsample._sampling.split import Split, split
from fastsample._sampling.tokens import token_lengths
from fastsample._text_lengths import TextLengths
from fastsample._training.dataset import Dataset
from fastsample._training.length_batches import LengthBatchSampler, Padding
from fastsample._training.row_sampler import ResumableSampler
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
    "Epochs",
    "Fact",
    "FastSampleError",
    "FileInfo",
    "Group",
    "Groups",
    "Inspection",
    "LengthBatchSampler",
    "LengthFacts",
    "MissingDependencyError",
    "MixedSource",
    "Mixture",
    "OutOfMemoryError",
    "OutputError",
    "Padding",
    "Plan",
    "ReadError",
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
    "UnsupportedDataError",
    "WriteReport",
    "WrittenFile",
    "__version__",
    "compare",
    "epochs",
    "errors",
    "inspect",
    "mix",
    "plan",
    "sample",
    "score",
    "split",
    "token_lengths",
]

# Tracebacks, pickles and `help` name the public module, not the file in which something lives.
for _name in __all__:
    _public = globals()[_name]
    if callable(_public):
        _public.__module__ = __name__
del _name, _public

if _fastsample.DEBUG_BUILD:
    _warnings.warn(
        "this is a debug build of fastsample, many times slower than a release build; "
        "build it with `maturin develop --release`",
        RuntimeWarning,
        stacklevel=2,
    )
