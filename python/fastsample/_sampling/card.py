"""Dataset cards: what the Hugging Face Hub shows of a folder of samples, and how they were made."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample._arguments import file_path
from fastsample._public import public
from fastsample._sampling.provenance import files_of
from fastsample._sampling.provenance_file import read_provenance
from fastsample.errors import (
    ArgumentError,
    MissingDependencyError,
    SchemaError,
    SourceNotFoundError,
)

if TYPE_CHECKING:
    import pyarrow as pa

#: Classes of sizes that the Hub knows, by the first number of rows that is beyond them.
_SIZES = {
    1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M", 100_000_000: "10M<n<100M", 1_000_000_000: "100M<n<1B",
    10_000_000_000: "1B<n<10B", 100_000_000_000: "10B<n<100B", 1_000_000_000_000: "100B<n<1T",
}  # fmt: skip


@dataclass(frozen=True)
class _File:
    path: Path
    split: str
    rows: int
    uncompressed: int
    schema: pa.Schema
    made: Mapping[str, Any]


@public
def card(data: str | os.PathLike[str]) -> str:
    """Return the dataset card of Parquet files that fastsample wrote: the text of ``README.md``.

    Its head is what ``datasets.load_dataset`` and the Hugging Face Hub read: a split for each file,
    named after it, with its rows and columns. Below stands how each file was made, as the files
    tell themselves: seed, options, sources with their fingerprints, and the command that draws the
    same rows again.

    Parameters
    ----------
    data
        A folder of Parquet files, or one file.

    Returns
    -------
    str
        Markdown with a head in YAML.

    Raises
    ------
    SourceNotFoundError
        There is no such file, or no Parquet file in the folder.
    ArgumentError
        A file does not tell what made it.
    SchemaError
        The files have not the same columns.
    MissingDependencyError
        ``datasets`` is not installed.

    Examples
    --------
    >>> import tempfile, pyarrow as pa, pyarrow.parquet as pq, fastsample
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pq.write_table(pa.table({"text": ["a", "b", "c"]}), f"{folder}/all.parquet")
    ...     drawn = fastsample.sample(f"{folder}/all.parquet", 2)
    ...     written = drawn.write_parquet(f"{folder}/train.parquet")
    ...     fastsample.card(f"{folder}/train.parquet").splitlines()[0]
    '---'
    """
    try:
        import datasets
        from datasets.info import DatasetInfosDict
        from datasets.utils.metadata import MetadataConfigs
        from huggingface_hub import DatasetCardData
    except ImportError:
        raise MissingDependencyError(
            "a dataset card needs datasets; install it with: pip install datasets"
        ) from None
    folder = file_path("data", data)
    files = _files(folder)
    splits = datasets.SplitDict()
    for file in files:
        splits[file.split] = datasets.SplitInfo(file.split, file.uncompressed, file.rows)
    head = DatasetCardData(size_categories=[_size(sum(file.rows for file in files))])
    parts = [{"split": file.split, "path": file.path.name} for file in files]
    MetadataConfigs({"default": {"data_files": parts}}).to_dataset_card_data(head)
    info = datasets.DatasetInfo(
        features=datasets.Features.from_arrow_schema(files[0].schema),
        splits=splits,
        download_size=sum(file.path.stat().st_size for file in files),
        dataset_size=sum(file.uncompressed for file in files),
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(head)
    folder = folder.absolute()
    title = folder.name if folder.is_dir() else folder.stem
    body = "\n".join(line for file in files for line in _section(file))
    return f"---\n{head.to_yaml().strip()}\n---\n\n# {title}\n\n{body}"


def _files(data: Path) -> list[_File]:
    import pyarrow.parquet as pq

    paths = sorted(data.glob("*.parquet")) if data.is_dir() else [data]
    if not paths:
        raise SourceNotFoundError(f"{data}: there is no Parquet file in this folder")
    found = []
    for path in paths:
        made = read_provenance(path, None)
        with pq.ParquetFile(path) as file:
            footer, schema = file.metadata, file.schema_arrow.remove_metadata()
        groups = (footer.row_group(index) for index in range(footer.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        found.append(_File(path, _split(path), footer.num_rows, size, schema, made))
        if schema != found[0].schema:
            raise SchemaError(
                f"{path}: its columns are not those of {paths[0]}; a dataset card is of files with "
                "the same columns"
            )
    names = [file.split for file in found]
    if len(set(names)) < len(names):
        raise ArgumentError(
            f"{data}: two files make the same name of a split ({', '.join(names)}); rename one"
        )
    return found


def _split(path: Path) -> str:
    """Return the name of a file as that of a split, which has letters, digits, `_` and dots."""
    return re.sub(r"[^\w.]+", "_", path.stem).strip(".")


def _size(rows: int) -> str:
    return next((name for beyond, name in _SIZES.items() if rows < beyond), "n>1T")


def _section(file: _File) -> Iterator[str]:
    made = file.made
    yield f"## {file.path.name}"
    yield ""
    of = f"{made['source_rows']:,}" if "files" in made else "several sources"
    version, seed = made["fastsample"], made["seed"]
    yield f"{file.rows:,} rows drawn from {of} with fastsample {version}, seed {seed}."
    yield ""
    options = {**{key: made[key] for key in ("side", "without", "epoch") if key in made}}
    options |= {key: value for key, value in made["options"].items() if value not in (None, False)}
    options |= {key: value for key, value in made["written"].items() if value not in (None, False)}
    if options:
        yield "| option | value |"
        yield "|---|---|"
        for key, value in options.items():
            text = json.dumps(value, ensure_ascii=False).replace("|", "\\|")
            yield f"| `{key}` | `{text}` |"
        yield ""
    yield "| source | bytes | fingerprint |"
    yield "|---|---:|---|"
    for name, files in files_of(made):
        yield from _sources(name, files)
    yield ""
    yield "The same rows again, or what differs:"
    yield ""
    yield "```sh"
    name = shlex.quote(file.path.name)
    yield f"fastsample reproduce {name} --input FOLDER --output again.parquet"
    yield "```"
    yield ""


def _sources(name: str, files: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Iterator[str]:
    for each in [files] if isinstance(files, Mapping) else files:
        what = each["name"] if "name" in each else f"{each['count']:,} files"
        content = next(
            (each[key] for key in ("fingerprint", "etag", "etags") if each.get(key)), "not known"
        )
        yield f"| {name}{what} | {each['bytes']:,} | `{content}` |"
