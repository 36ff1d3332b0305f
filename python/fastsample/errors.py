"""Exceptions: one hierarchy; each class is also the built-in one that a caller would catch."""

__all__ = [
    "ArgumentError",
    "ColumnError",
    "CorruptDataError",
    "FastSampleError",
    "MissingDependencyError",
    "OutOfMemoryError",
    "OutputError",
    "ReadError",
    "SchemaError",
    "SourceChangedError",
    "SourceNotFoundError",
    "SourceTypeError",
    "StreamError",
    "UnsupportedDataError",
]


class FastSampleError(Exception):
    """Any error of fastsample. Its message names the file, the column and what to do."""


class SourceNotFoundError(FastSampleError, FileNotFoundError):
    """There is no data at a path, folder or glob."""


class SourceTypeError(FastSampleError, TypeError):
    """An object that is not a source of rows, or an argument of the wrong type."""


class ArgumentError(FastSampleError, ValueError):
    """An argument is out of range, such as n above the number of rows."""


class ColumnError(FastSampleError, KeyError):
    """A column does not exist, or two columns have the same name."""

    def __str__(self) -> str:
        """Return the message as it is; KeyError would put it in quotes."""
        return str(self.args[0]) if self.args else ""


class SchemaError(FastSampleError, TypeError):
    """Files with different columns or types, or a type that can't be handled."""


class CorruptDataError(FastSampleError, ValueError):
    """The data is damaged, or not in the format that its first bytes claim."""


class UnsupportedDataError(FastSampleError, ValueError):
    """The data is sound but uses something unsupported: encryption, an unknown codec."""


class ReadError(FastSampleError, OSError):
    """The operating system refused to read a file."""


class SourceChangedError(FastSampleError, OSError):
    """A file was changed or replaced between drawing a sample and reading it."""


class StreamError(FastSampleError, OSError):
    """A stream of batches failed before its end."""


class OutputError(FastSampleError, OSError):
    """The output can't be written. Nothing was left behind."""


class OutOfMemoryError(FastSampleError, MemoryError):
    """The system gives no memory for the rows of a source or a part of a file."""


class MissingDependencyError(FastSampleError, ImportError):
    """An optional package that is not installed, such as matplotlib for plots."""


for _name in __all__:  # as `fastsample._public.public` does elsewhere
    globals()[_name].__module__ = "fastsample"
del _name
