"""Recipes: the arguments of a draw as plain values, which a manifest has, and back."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsample._remote import is_url, names_of, remote_files
from fastsample._sampling.smart import ONE_TARGET, Smart, targets_of
from fastsample._sampling.weights import ARRAY
from fastsample._source import SourceLike
from fastsample._stored import ToldObject

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class MixedPaths:
    """A source of a mixture: its paths as they were given, its share, and what was found there."""

    name: str
    source: list[str]
    share: float | None
    files: list[Path]
    objects: list[ToldObject]


@dataclass(frozen=True)
class Recipe:
    """The arguments of a draw, as plain values: paths as they were given, and options by name.

    A mixture has `mixed` in place of `source`. `objects` are those of stores that had a part in the
    choice, and have no rows of it: targets and what is excluded. `part` is the side of a split or
    the epoch that was taken of what these arguments draw. `known` are files whose hashes are known,
    and `aside` files that had no part in the choice, though rows are read from them. `untold` is
    why the arguments can't be written down, so that nobody draws the rows again; the options are
    told nevertheless.
    """

    source: list[str]
    options: dict[str, Any]
    known: list[dict[str, Any]] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)
    mixed: list[MixedPaths] = field(default_factory=list)
    part: dict[str, Any] = field(default_factory=dict)
    objects: list[ToldObject] = field(default_factory=list)
    untold: str | None = None

    @property
    def kind(self) -> str | None:
        """What was drawn, by the key that its manifest has, as `kind_of` says."""
        return "sources" if self.mixed else next(iter(self.part), None)


def recipe(
    source: SourceLike,
    options: Mapping[str, Any],
    features: Path | None = None,
    objects: Sequence[ToldObject] = (),
) -> Recipe:
    """Return the arguments of `sample`, `split` or `epochs` as plain values.

    The draw has the same rows without the file of `features`. `objects` are those of stores that
    had a part in the choice.
    """
    teller = _Teller()
    paths = teller.source(source, "its rows come")
    found = teller.plain(options)
    found["smart"] = teller.plain_smart(options["smart"])
    aside = [] if features is None else [features.absolute()]
    return Recipe(paths, found, aside=aside, objects=[*objects], untold=teller.untold)


def mixture_recipe(
    sources: Mapping[str, SourceLike],
    shares: Sequence[float] | None,
    found: Mapping[str, tuple[list[Path], list[ToldObject]]],
    options: Mapping[str, Any],
    objects: Sequence[ToldObject] = (),
) -> Recipe:
    """Return the arguments of `mix` as plain values; `found` are files and objects by source.

    `objects` are those of stores that had a part in the choice.
    """
    teller = _Teller()
    of = dict(zip(sources, shares or (), strict=bool(shares)))
    mixed = [
        MixedPaths(
            name, teller.source(each, f"its source {name!r} comes"), of.get(name), *found[name]
        )
        for name, each in sources.items()
    ]
    plain = {**teller.plain(options), "smart": teller.plain_smart(options["smart"])}
    return Recipe([], plain, mixed=mixed, objects=[*objects], untold=teller.untold)


def options_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a draw that a manifest has."""
    options = dict(found["options"])
    if isinstance(options.get("smart"), dict):
        options["smart"] = Smart(**options["smart"])
    schema = options.get("schema")
    if isinstance(schema, dict):
        options["schema"] = {name: _read_schema(each) for name, each in schema.items()}
    elif schema is not None:
        options["schema"] = _read_schema(schema)
    if isinstance(options.get("allocation"), list):
        shares = {tuple(values): share for values, share in options["allocation"]}
        options["allocation"] = shares
    return options


class _Teller:
    """Turns arguments into plain values; `untold` is the first that can't be."""

    def __init__(self) -> None:
        self.untold: str | None = None

    def plain(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that draws share as plain values, others as they are."""
        found = dict(options)
        found["weight"] = self.weight(found["weight"])
        if found["exclude"] is not None:
            listed = [self.paths(each, "its exclude comes") for each in found["exclude"]]
            found["exclude"] = [paths[0] if len(paths) == 1 else paths for paths in listed]
        if found.get("tokenizer") is not None:
            found["tokenizer"] = os.fsdecode(found["tokenizer"])
        schema = found["schema"]
        if isinstance(schema, Mapping):
            found["schema"] = {name: _told_schema(each) for name, each in schema.items()}
        elif schema is not None:
            found["schema"] = _told_schema(schema)
        return found

    def weight(self, weight: Any) -> Any:
        """Return columns of weights, of which there may be one for each source."""
        if isinstance(weight, Mapping):
            return {name: self.weight(each) for name, each in weight.items()}
        if weight is None or isinstance(weight, str):
            return weight
        self._nothing("its weight comes from an array in memory, not from files")
        return ARRAY

    def plain_smart(self, smart: Any) -> Any:
        """Return the options of a smart draw as plain values."""
        if not isinstance(smart, Smart):
            return smart
        target: Any = {
            name: self.paths(each, "target= of its smart draw comes")
            for name, each in targets_of(smart).items()
        }
        if not isinstance(smart.target, Mapping):
            target = target.get(ONE_TARGET)
        avoid = smart.avoid
        if avoid is not None:
            avoid = self.paths(avoid, "avoid= of its smart draw comes")
        told = {each.name: getattr(smart, each.name) for each in fields(smart)}
        return {**told, "target": target, "avoid": avoid}

    def source(self, source: SourceLike, what: str) -> list[str]:
        """Return paths or URLs as they were given, without credentials."""
        remote = remote_files(source)
        return self.paths(source, what) if remote is None else names_of(remote)

    def paths(self, source: SourceLike, what: str) -> list[str]:
        """Return paths or URLs as they were given, which say by themselves where files are."""
        if (remote := remote_files(source)) is not None:
            names = names_of(remote)
            if all(map(is_url, names)):
                return names
            return self._nothing(f"{what} from a store that was passed as store=")
        listed: Any = [source] if isinstance(source, (str, os.PathLike)) else source
        is_paths = isinstance(listed, (list, tuple)) and all(
            isinstance(each, (str, os.PathLike)) for each in listed
        )
        if not is_paths:
            return self._nothing(f"{what} from an object in memory, not from files")
        return [os.fsdecode(each) for each in listed]

    def _nothing(self, why: str) -> list[str]:
        self.untold = self.untold or why
        return []


def _told_schema(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize()).decode()


def _read_schema(told: str) -> pa.Schema:
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(told)))
