"""The sources of a mixture, as `mix` is given them: by name, with shares, copies and types."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastsample._arguments import check_schema, number, string, whole
from fastsample._sampling.weights import check_weight
from fastsample._source import SourceLike
from fastsample.errors import ArgumentError, ColumnError, SourceTypeError

if TYPE_CHECKING:
    from typing import TypeAlias

    import pyarrow as pa

#: A source, or a source with its share.
MixedLike: TypeAlias = "SourceLike | tuple[SourceLike, float | None]"


def check_sources(sources: object) -> tuple[dict[str, Any], list[float] | None]:
    """Return the sources by name, and their shares, if there are any."""
    if not isinstance(sources, Mapping):
        raise SourceTypeError(
            f"sources is a {type(sources).__qualname__}; it must map names to sources, or to "
            'sources with shares: {"wiki": ("wiki.parquet", 0.7), "chat": ("chat.parquet", 0.3)}'
        )
    if not sources:
        raise ArgumentError("sources is empty; name at least one source")
    given, shares = {}, {}
    for name, value in sources.items():
        name = string("the name of a source", name)
        if isinstance(value, tuple) and len(value) == 2 and not _is_path(value[1]):
            given[name], share = value
            if share is not None:
                shares[name] = number(f"the share of {name!r}", share, least=0, most=1)
        else:
            given[name] = value
    if shares and len(shares) < len(given):
        lacking = next(name for name in given if name not in shares)
        raise ArgumentError(
            f"{lacking!r} has no share, but {next(iter(shares))!r} has one; give all sources a "
            "share, or none for shares by size"
        )
    return given, list(shares.values()) or None


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Name the source of what is wrong with its columns, or with arguments that are about them."""
    try:
        yield
    except (ArgumentError, ColumnError) as error:
        raise type(error)(f'source "{name}": {error}') from None


def check_repeat(repeat: object, sources: Mapping[str, Any]) -> dict[str, int] | None:
    """Return how often the rows of some sources are there, if that is said."""
    if repeat is None:
        return None
    given = _by_name("repeat", repeat, sources, 'whole numbers: {"code": 4}')
    return {name: whole(f"repeat of {name!r}", each, least=1) for name, each in given.items()}


def check_named(name: str, value: object, sources: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of an argument that has one for all sources, or for some by their names."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return dict.fromkeys(sources, string(name, value))
    given = _by_name(name, value, sources, "texts")
    return {of: string(f"{name} of {of!r}", each) for of, each in given.items()}


def check_weights(weight: object, sources: Mapping[str, Any]) -> dict[str, str | pa.Array]:
    """Return the column of weights of all sources, or the weights of some by their names."""
    if weight is None or isinstance(weight, str):
        return {**check_named("weight", weight, sources)}
    wanted = 'columns or arrays of numbers: {"code": "score"}'
    given = _by_name("weight", weight, sources, wanted)
    found = {of: check_weight(each, f"weight of {of!r}") for of, each in given.items()}
    return {of: each for of, each in found.items() if each is not None}


def check_schemas(schema: object, sources: Mapping[str, Any]) -> dict[str, pa.Schema | None]:
    """Return the schemas of the sources that have one."""
    if schema is None:
        return {}
    given = _by_name("schema", schema, sources, 'schemas: {"chat": pa.schema({"id": pa.string()})}')
    return {name: check_schema(each, f"the schema of {name!r}") for name, each in given.items()}


def _by_name(
    name: str, value: object, sources: Mapping[str, Any], wanted: str
) -> Mapping[str, Any]:
    """Return an argument that maps names of sources to something."""
    if not isinstance(value, Mapping):
        raise SourceTypeError(
            f"{name} is a {type(value).__qualname__}; it must map names of sources to {wanted}"
        )
    for each in value:
        if each not in sources:
            raise ArgumentError(
                f"{name} has {each!r}, but the sources are {', '.join(map(repr, sources))}"
            )
    return value


def _is_path(value: object) -> bool:
    return isinstance(value, (str, os.PathLike))
