from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypedDict, final, type_check_only

__all__ = [
    "DEBUG_BUILD",
    "Benchmarks",
    "CountedEpochs",
    "Format",
    "PartFiles",
    "PartedDraw",
    "Permutation",
    "Ranking",
    "Rows",
    "Rule",
    "Sample",
    "Source",
    "TokenRows",
    "Tokenizer",
    "__version__",
    "all_rows",
    "check_draw",
    "check_output",
    "choose_names",
    "column_lengths",
    "compare",
    "draw_mixture",
    "draw_rows",
    "dropped",
    "find_files",
    "fingerprints",
    "key_numbers",
    "key_window",
    "merge_states",
    "pack_rows",
    "parts",
    "plan_batches",
    "rank",
    "score",
    "split",
    "text_statistics",
    "write",
    "write_files",
    "write_tokens",
]

__version__: str
DEBUG_BUILD: bool

_Progress: TypeAlias = Callable[[int, int], object] | None
#: A number of rows (int), or a share of those that may be drawn (float).
_Amount: TypeAlias = int | float
_Text: TypeAlias = tuple[list[str], list[tuple[str, str]]]
_Written: TypeAlias = tuple[
    list[tuple[Path, int, int]], list[tuple[str, int]], int, list[tuple[str, str]]
]

#: The tokens of a source of a mixture: quota, drawn, deviation, columns counted, notes.
_TokensFound: TypeAlias = tuple[int, int, int, list[str], list[str]]
#: A source of a mixture: name, rows, share wanted, rows drawn, columns that it lacks, tokens, and
#: what a rule found.
_MixedFound: TypeAlias = tuple[
    str, int, float, int, list[str], _TokensFound | None, SmartFound | None
]

#: An object of a store: URL, bytes, version, ETag, id of the version in the store.
_ToldObject: TypeAlias = tuple[str, int, str, str | None, str | None]
#: The same, and what reads a range of it.
_StoredObject: TypeAlias = tuple[str, int, str, str | None, str | None, Callable[[int, int], bytes]]

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

@type_check_only
class LengthsFound(TypedDict):
    nulls: int
    mean: float
    max: int
    quantiles: list[int]
    histogram: list[tuple[int, int]]

@type_check_only
class SmartFound(TypedDict):
    text: list[str]
    left_out: list[tuple[str, str]]
    excluded: int
    copies: int
    near_duplicates: int | None
    excluded_drawn: int
    copies_drawn: int
    effective_rows: float
    chars_before: list[tuple[float, int]]
    chars_after: list[tuple[float, int]]
    weights: list[tuple[float, float]]
    shares: list[tuple[str, float]]
    targets: list[tuple[str, int, float | None, int, int]]
    avoid: tuple[str, int, float | None, int, int] | None
    target_passed_over: str | None
    avoid_passed_over: str | None
    features: tuple[Path, bool, str | None] | None

@type_check_only
class GroupsFound(TypedDict):
    largest: list[tuple[list[str | None], int, int, int | None]]
    count: int
    measure: str
    short: int
    moved: int
    empty: int
    unnamed: int
    epochs: int

@type_check_only
class SplitFound(TypedDict):
    text: list[str]
    left_out: list[tuple[str, str]]
    smart: SmartFound | None
    strata: list[tuple[GroupsFound, int, int]]
    mixed: int

@type_check_only
class DecisionFound(TypedDict):
    rows: int
    drawn: int | None
    smart: SmartFound | None
    matching: int | None
    groups: GroupsFound | None
    whole: tuple[int, int, int] | None

@type_check_only
class DrawFound(TypedDict):
    smart: SmartFound | None
    groups: GroupsFound | None
    whole: tuple[int, int, int] | None
    tokens: tuple[int, int] | None
    notes: list[str]
    epochs: int

@type_check_only
class PlanLike(Protocol):
    @property
    def amount(self) -> _Amount | None: ...
    @property
    def budget_tokens(self) -> int | None: ...
    @property
    def n_groups(self) -> int | None: ...
    @property
    def at_most(self) -> bool: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def seed(self) -> int: ...
    @property
    def by(self) -> Sequence[str] | None: ...
    @property
    def allocation(self) -> str | float | Sequence[tuple[Sequence[str | None], float]]: ...
    @property
    def group(self) -> Sequence[str] | None: ...
    @property
    def weight(self) -> str | ArrowArray | None: ...
    @property
    def replace(self) -> bool: ...
    @property
    def weights(self) -> bool: ...
    @property
    def text(self) -> Sequence[str] | None: ...

@type_check_only
class ExcludedFound(TypedDict):
    letters: int
    rows: int
    left_out: int
    text: list[str]
    sources: list[tuple[str, int, list[str], int, int, list[tuple[int, int, str]]]]

@type_check_only
class PartFound(TypedDict):
    path: Path | None
    url: str | None
    format: str
    fragments: list[int]
    bytes: int
    codecs: list[str]

@type_check_only
class TextFound(TypedDict):
    left_out: list[tuple[str, str]]
    columns: dict[str, LengthsFound]
    roles: dict[str, LengthsFound]
    rows: LengthsFound
    repeated: float
    exact: bool

@type_check_only
class SideFound(TypedDict):
    rows: int
    chars: int
    lengths: LengthsFound
    cut_rows: int
    cut_chars: int
    repeated: float
    exact: bool
    near: float

@type_check_only
class CompareFound(TypedDict):
    text: list[str]
    left_out: list[tuple[str, str]]
    source: SideFound
    sample: SideFound
    identical: bool
    contained: float
    length: tuple[float, float, float]
    length_at: int
    by: tuple[float, float, float] | None
    counts: list[tuple[str, int, int]]
    grams: tuple[float, float, float]
    divergence: tuple[float, float]
    coverage: tuple[float, float]
    types: float
    repeated_expected: float
    bits: tuple[float, float, float] | None
    held_out: tuple[int, int]
    over: list[tuple[str, float, float]]
    under: list[tuple[str, float, float]]
    load: float
    columns: dict[str, tuple[LengthsFound, LengthsFound]]

@final
class Benchmarks:
    @staticmethod
    def read(
        sources: Sequence[tuple[str, Source]],
        *,
        letters: int,
        threads: int | None,
        progress: _Progress,
    ) -> Benchmarks: ...
    @property
    def objects(self) -> list[_ToldObject]: ...

@final
class Source:
    @staticmethod
    def from_paths(
        paths: Sequence[Path],
        columns: Sequence[str] | None,
        threads: int | None,
        progress: _Progress,
        *,
        read: Sequence[str] | None = None,
        schema: ArrowSchema | None = None,
        lenient: bool = False,
    ) -> Source: ...
    @staticmethod
    def from_objects(
        objects: Sequence[_StoredObject],
        passed_over: Sequence[str],
        columns: Sequence[str] | None,
        threads: int | None,
        progress: _Progress,
        *,
        read: Sequence[str] | None = None,
        schema: ArrowSchema | None = None,
        lenient: bool = False,
    ) -> Source: ...
    @staticmethod
    def from_table(
        data: Any, columns: Sequence[str] | None, inputs: Sequence[Path] = ...
    ) -> Source: ...
    @staticmethod
    def from_stream(
        data: Any, columns: Sequence[str] | None, inputs: Sequence[Path] = ...
    ) -> Source: ...
    @property
    def rows(self) -> int | None: ...
    def matching(self, predicate: str, *, threads: int | None, progress: _Progress) -> Source: ...
    def excluding(
        self,
        benchmarks: Benchmarks,
        *,
        text: Sequence[str] | None,
        threads: int | None,
        progress: _Progress,
    ) -> Source: ...
    @property
    def excluded(self) -> ExcludedFound | None: ...
    def head(self, rows: int) -> Source: ...
    def count(self, amount: _Amount) -> int: ...
    @property
    def population(self) -> int | None: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def inputs(self) -> list[Path]: ...
    @property
    def objects(self) -> list[_ToldObject]: ...
    @property
    def provenances(self) -> list[tuple[Path, str]]: ...
    @property
    def schema(self) -> ArrowSchema: ...

@final
class Rule:
    @staticmethod
    def weighted(
        options: Any,
        targets: Sequence[tuple[str, Source]],
        avoid: Source | None,
        features: Path | None = None,
    ) -> Rule: ...
    @staticmethod
    def entropy(text: Sequence[str] | None) -> Rule: ...
    @property
    def objects(self) -> list[_ToldObject]: ...

@final
class Format:
    @staticmethod
    def parquet(
        *, compression: str, compression_level: int | None, row_group_size: int | None
    ) -> Format: ...
    @staticmethod
    def ipc(*, compression: str, stream: bool) -> Format: ...
    @staticmethod
    def jsonl(path: Path, *, compression_level: int | None) -> Format: ...
    @staticmethod
    def csv(path: Path, *, compression_level: int | None) -> Format: ...
    @property
    def has_metadata(self) -> bool: ...

@final
class Sample:
    def __len__(self) -> int: ...
    @property
    def threads(self) -> int | None: ...
    @property
    def source_rows(self) -> int: ...
    @property
    def population(self) -> int: ...
    @property
    def distinct(self) -> int | None: ...
    @property
    def schema(self) -> ArrowSchema: ...
    def schema_message(self) -> bytes | None: ...
    @property
    def paths(self) -> list[Path]: ...
    @property
    def provenances(self) -> list[tuple[Path, str]]: ...
    @property
    def objects(self) -> list[_ToldObject]: ...
    @property
    def text(self) -> _Text | None: ...
    @property
    def inputs(self) -> list[Path]: ...
    def with_kept(self, before: Sample, output: Source) -> Sample: ...
    @property
    def kept(self) -> int: ...
    def check_grown(self, before: Sample) -> None: ...
    @property
    def sources(self) -> list[tuple[str, int, int]]: ...
    def row_ids(self) -> ArrowArray: ...
    def row_ids_digest(self) -> str: ...
    def weights(self) -> ArrowArray | None: ...
    def joined(self, others: Sequence[Sample]) -> Sample: ...
    def stream(self) -> ArrowStream: ...
    def collect(self, progress: _Progress) -> Rows: ...

@final
class PartFiles:
    @staticmethod
    def local(index: int, files: Sequence[tuple[Path, tuple[int, int]]]) -> PartFiles: ...
    @staticmethod
    def stored(
        index: int,
        objects: Sequence[_StoredObject],
        slices: Sequence[tuple[int, int]],
    ) -> PartFiles: ...

@final
class CountedEpochs:
    def __new__(
        cls,
        source: Source,
        plan: PlanLike,
        *,
        rule: Rule | None,
        tokenizer: Tokenizer | None,
        threads: int | None,
        progress: _Progress,
    ) -> CountedEpochs: ...
    def draw(
        self, epoch: int, *, threads: int | None, progress: _Progress
    ) -> tuple[Sample, DrawFound] | None: ...
    def count(self, *, threads: int | None, progress: _Progress) -> int: ...

@final
class PartedDraw:
    def __new__(
        cls,
        n: int,
        seed: int,
        rule: Rule | None,
        *,
        columns: Sequence[str] | None,
        parts: int,
        fingerprint: int,
        condition: str | None = None,
        weight: str | None = None,
        by: tuple[Sequence[str], str | float | Sequence[tuple[Sequence[str | None], float]]]
        | None = None,
        group: Sequence[str] | None = None,
        n_groups: int | None = None,
        key: str | None = None,
    ) -> PartedDraw: ...
    def observe(self, part: PartFiles, decision: bytes | None, *, threads: int | None) -> bytes: ...
    def decide(
        self, state: bytes, decision: bytes | None, *, threads: int | None
    ) -> tuple[bytes, DecisionFound]: ...
    def sample(self, part: PartFiles, decision: bytes, *, threads: int | None) -> Sample: ...
    def row_ids(self, index: int, decision: bytes) -> ArrowArray: ...
    def schema(self, decision: bytes) -> ArrowSchema: ...
    def firsts(self, decision: bytes) -> list[int]: ...

@final
class Rows:
    @staticmethod
    def from_table(data: Any) -> Rows: ...
    def __len__(self) -> int: ...
    def stream(self) -> ArrowStream: ...
    def take(self, positions: Sequence[int]) -> list[ArrowArray]: ...
    def texts(self, columns: Sequence[int], positions: Sequence[int]) -> list[list[str | None]]: ...
    def lengths(self, text: Sequence[str] | None) -> ArrowArray: ...

@final
class Ranking:
    def __len__(self) -> int: ...
    def window(
        self, amount: _Amount, epoch: int, threads: int | None
    ) -> tuple[Sample, SmartFound, int]: ...

@final
class Tokenizer:
    def __new__(cls, path: Path, *, special_tokens: bool, chat_template: bool) -> Tokenizer: ...
    def lengths(
        self,
        source: Source,
        *,
        text: Sequence[str] | None,
        threads: int | None,
        progress: _Progress,
    ) -> tuple[ArrowArray, list[str], list[str]]: ...
    def rendered(
        self, source: Source, *, text: Sequence[str] | None, threads: int | None
    ) -> ArrowArray: ...

#: Its name, its numbers in 64 bits, the length of a row.
_Matrix: TypeAlias = tuple[str, bytearray, int]

def write_tokens(
    source: Source,
    path: Path,
    *,
    tokenizer: Tokenizer,
    max_tokens: int | None,
    text: Sequence[str] | None,
    is_chosen: bool,
    assistant_only_loss: bool,
    threads: int | None,
    progress: _Progress,
) -> None: ...

@final
class TokenRows:
    @staticmethod
    def from_table(data: Any) -> TokenRows: ...
    def __len__(self) -> int: ...
    def lengths(self, sequence: int) -> ArrowArray: ...
    def padded(
        self, positions: Sequence[int], *, pad_id: int, left: bool, multiple: int
    ) -> list[_Matrix]: ...
    def packed(self, positions: Sequence[int]) -> tuple[list[_Matrix], bytearray, int]: ...

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
def pack_rows(
    lengths: Any, *, seed: int, epoch: int, capacity: int, cut: bool, window: int
) -> tuple[ArrowArray, ArrowArray, int]: ...
def all_rows(source: Source, seed: int, *, text: Sequence[str] | None) -> Sample: ...
def check_draw(parts: Sequence[str]) -> None: ...
def draw_rows(
    source: Source,
    plan: PlanLike,
    *,
    threads: int | None,
    progress: _Progress,
    rule: Rule | None = None,
    tokenizer: Tokenizer | None = None,
    epoch: int = 0,
) -> tuple[Sample, DrawFound]: ...
def draw_mixture(
    sources: Sequence[tuple[str, Source]],
    seed: int,
    *,
    n: int | None,
    budget_tokens: int | None,
    tokenizer: Tokenizer | None,
    text: Sequence[str] | None,
    shares: Sequence[float] | None,
    repeat: Sequence[int],
    temperature: float,
    weights: Sequence[str | ArrowArray | None],
    rule: Rule | None,
    epoch: int,
    exhausted: str,
    max_epochs: int | None,
    columns: Sequence[str] | None,
    source_column: str | None,
    threads: int | None,
    progress: _Progress,
) -> tuple[Sample, list[_MixedFound], int | None]: ...
def rank(
    source: Source, plan: PlanLike, *, rule: Rule, threads: int | None, progress: _Progress
) -> Ranking: ...
def score(
    source: Source, rule: Rule, *, threads: int | None, progress: _Progress
) -> tuple[Sample, SmartFound]: ...
def dropped(
    source: Source,
    sample: Source,
    rule: Rule,
    *,
    examples: int,
    threads: int | None,
    progress: _Progress,
) -> tuple[list[tuple[str, int, list[int]]], Sample | None]: ...
def split(
    source: Source,
    sizes: Sequence[tuple[int, bool]],
    seed: int,
    *,
    text: Sequence[str] | None,
    group: Sequence[str] | None,
    by: Sequence[str] | None,
    allocation: str | float | Sequence[tuple[Sequence[str | None], float]],
    near: bool,
    weight: str | ArrowArray | None,
    rule: Rule | None,
    threads: int | None,
    progress: _Progress,
) -> tuple[list[Sample], SplitFound]: ...
def parts(source: Source) -> list[PartFound]: ...
def text_statistics(
    source: Source,
    quantiles: Sequence[float],
    *,
    text: Sequence[str] | None,
    threads: int | None,
    progress: _Progress,
) -> TextFound | None: ...
def column_lengths(
    source: Source,
    *,
    text: Sequence[str] | None,
    tokenizer: Tokenizer | None,
    threads: int | None,
    progress: _Progress,
) -> tuple[list[str], list[tuple[str, str]], list[ArrowArray], list[str]]: ...
def compare(
    source: Source,
    sample: Source,
    *,
    text: Sequence[str] | None,
    by: str | None,
    max_chars: int,
    quantiles: Sequence[float],
    threads: int | None,
    progress: _Progress,
) -> CompareFound: ...
def write(
    samples: Sequence[Sample],
    paths: Sequence[Path],
    format: Format,  # noqa: A002
    *,
    shuffle: bool,
    shards: int,
    overwrite: bool,
    memory_limit: int | None,
    progress: _Progress,
    name_by_content: bool = False,
    provenances: Sequence[str] | None = None,
) -> list[_Written]: ...
def fingerprints(paths: Sequence[Path], threads: int | None) -> list[tuple[int, str]]: ...
def find_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]: ...
def merge_states(states: Sequence[bytes]) -> bytes: ...
def key_numbers(batch: Any, key: str, seed: int) -> ArrowArray: ...
def key_window(rows: int, n: int) -> tuple[int, int]: ...
def write_files(
    written: Sequence[tuple[Path, bytes]],
    *,
    inputs: Sequence[Path] = ...,
    overwrite: bool = True,
) -> None: ...
def choose_names(location: str, names: Sequence[str]) -> tuple[list[int], list[int]]: ...
def check_output(path: Path, *, inputs: Sequence[Path] = ..., overwrite: bool = True) -> None: ...
