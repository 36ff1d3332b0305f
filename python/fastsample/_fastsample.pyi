from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, final, type_check_only

__all__ = [
    "DEBUG_BUILD",
    "Permutation",
    "Ranking",
    "Rows",
    "Sample",
    "Source",
    "Tokenizer",
    "__version__",
    "plan_batches",
]

__version__: str
DEBUG_BUILD: bool

_Progress: TypeAlias = Callable[[int, int], object] | None
_Written: TypeAlias = tuple[list[tuple[Path, int, int]], list[tuple[str, int]], int]

@type_check_only
class ArrowStream:
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@type_check_only
class ArrowArray:
    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...

@type_check_only
class ArrowSchema:
    def __arrow_c_schema__(self) -> object: ...

@final
class Source:
    @staticmethod
    def from_paths(
        paths: Sequence[Path],
        columns: Sequence[str] | None,
        threads: int | None,
        progress: _Progress,
    ) -> Source: ...
    @staticmethod
    def from_table(data: Any, columns: Sequence[str] | None) -> Source: ...
    @staticmethod
    def from_stream(data: Any, columns: Sequence[str] | None) -> Source: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def schema(self) -> ArrowSchema: ...
    def uniform(
        self, n: int, seed: int, weights: bool, threads: int | None, progress: _Progress
    ) -> Sample: ...
    def window(
        self, n: int, seed: int, first: int, threads: int | None, progress: _Progress
    ) -> Sample: ...
    def chosen(self, ids: Any, seed: int, threads: int | None) -> Sample: ...
    def split(
        self,
        sizes: Sequence[int],
        seed: int,
        *,
        text: Sequence[str] | None,
        near: bool,
        smart: bool,
        options: Any | None,
        target: Source | None,
        threads: int | None,
        progress: _Progress,
    ) -> tuple[list[Sample], dict[str, Any] | None]: ...
    def smart(
        self,
        n: int,
        seed: int,
        options: Any | None,
        *,
        text: Sequence[str] | None,
        target: Source | None,
        weights: bool,
        threads: int | None,
        progress: _Progress,
    ) -> tuple[Sample, dict[str, Any]]: ...
    def ranking(
        self,
        seed: int,
        options: Any | None,
        *,
        text: Sequence[str] | None,
        target: Source | None,
        threads: int | None,
        progress: _Progress,
    ) -> Ranking: ...
    def score(
        self,
        options: Any,
        *,
        target: Source | None,
        threads: int | None,
        progress: _Progress,
    ) -> tuple[Sample, dict[str, Any]]: ...
    def parts(self) -> list[dict[str, Any]]: ...
    def compare(
        self,
        sample: Source,
        *,
        text: Sequence[str] | None,
        by: str | None,
        max_chars: int,
        quantiles: Sequence[float],
        threads: int | None,
        progress: _Progress,
    ) -> dict[str, Any]: ...
    def text_statistics(
        self, quantiles: Sequence[float], threads: int | None, progress: _Progress
    ) -> dict[str, Any] | None: ...

@final
class Sample:
    def __len__(self) -> int: ...
    @property
    def source_rows(self) -> int: ...
    @property
    def schema(self) -> ArrowSchema: ...
    @property
    def paths(self) -> list[Path]: ...
    def row_ids(self) -> ArrowArray: ...
    def stream(self) -> ArrowStream: ...
    def collect(self, progress: _Progress) -> Rows: ...
    def write_parquet(
        self,
        path: Path,
        *,
        compression: str,
        compression_level: int | None,
        row_group_size: int | None,
        shuffle: bool,
        shards: int,
        overwrite: bool,
        memory_limit: int | None,
        progress: _Progress,
    ) -> _Written: ...
    def write_ipc(
        self,
        path: Path,
        *,
        compression: str,
        stream: bool,
        shuffle: bool,
        shards: int,
        overwrite: bool,
        memory_limit: int | None,
        progress: _Progress,
    ) -> _Written: ...

@final
class Rows:
    @staticmethod
    def from_table(data: Any) -> Rows: ...
    def __len__(self) -> int: ...
    def stream(self) -> ArrowStream: ...
    def take(self, positions: Sequence[int]) -> ArrowArray: ...
    def texts(self, columns: Sequence[int], positions: Sequence[int]) -> list[list[str | None]]: ...
    def lengths(self, columns: Sequence[int]) -> ArrowArray: ...

@final
class Ranking:
    def __len__(self) -> int: ...
    def window(self, n: int, first: int, threads: int | None) -> tuple[Sample, dict[str, Any]]: ...

@final
class Tokenizer:
    def __new__(cls, path: Path, *, special_tokens: bool) -> Tokenizer: ...
    def lengths(
        self,
        source: Source,
        *,
        text: Sequence[str] | None,
        threads: int | None,
        progress: _Progress,
    ) -> ArrowArray: ...
    def draw(
        self,
        source: Source,
        n: int | None,
        seed: int,
        *,
        budget: int | None,
        max_tokens: int | None,
        text: Sequence[str] | None,
        ranking: Ranking | None,
        threads: int | None,
        progress: _Progress,
    ) -> tuple[Sample, int, int, dict[str, Any] | None]: ...

@final
class Permutation:
    def __new__(cls, n: int, seed: int, epoch: int) -> Permutation: ...
    def strided(self, start: int, step: int, count: int) -> ArrowArray: ...
    def position_of(self, row: int) -> int: ...

def plan_batches(
    lengths: Any,
    *,
    seed: int,
    epoch: int,
    ranks: int,
    rows: int,
    budget: int | None,
    window: int,
) -> tuple[ArrowArray, ArrowArray, tuple[int, int, int]]: ...
