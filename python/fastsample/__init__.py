"""fastsample: fast, exact, reproducible training samples out of big text data sets.

>>> import fastsample
>>> s = fastsample.sample("train.parquet", 3_000_000)  # doctest: +SKIP
>>> s.write_parquet("train_3m.parquet")  # doctest: +SKIP
"""

import warnings as _warnings

from fastsample import _fastsample, errors
from fastsample._compare import compare
from fastsample._compare_report import Comparison, Distance, Fact, Side
from fastsample._dataset import Dataset
from fastsample._epochs import Epochs, epochs
from fastsample._inspect import ColumnInfo, Copies, FileInfo, Inspection, TextLengths, inspect
from fastsample._length import LengthBatchSampler, Padding
from fastsample._lengths import LengthFacts
from fastsample._plan import plan
from fastsample._plan_model import Scenario
from fastsample._plan_report import Plan
from fastsample._resumable import ResumableSampler
from fastsample._sample import Report, Sample, WriteReport, WrittenFile, sample
from fastsample._score import Scores, score
from fastsample._smart import Smart, SmartReport
from fastsample._split import Split, split
from fastsample._tokens import token_lengths
from fastsample.errors import (
    ArgumentError,
    ColumnError,
    CorruptDataError,
    FastSampleError,
    MissingDependencyError,
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
    "Inspection",
    "LengthBatchSampler",
    "LengthFacts",
    "MissingDependencyError",
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
    "plan",
    "sample",
    "score",
    "split",
    "token_lengths",
]

if _fastsample.DEBUG_BUILD:
    _warnings.warn(
        "this is a debug build of fastsample, many times slower than a release build; "
        "build it with `maturin develop --release`",
        RuntimeWarning,
        stacklevel=2,
    )
