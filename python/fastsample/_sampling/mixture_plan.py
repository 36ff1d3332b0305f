"""`MixturePlan`: what is mixed, and how, with each argument of `mix` checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastsample import _fastsample
from fastsample._arguments import (
    check_amount,
    check_seed,
    check_text_columns,
    choice,
    names,
    number,
    optional,
    string,
    whole,
)
from fastsample._progress import Callback
from fastsample._sampling.exclusion import check_exclude
from fastsample._sampling.mixture_sources import (
    check_named,
    check_repeat,
    check_schemas,
    check_sources,
    check_weights,
)
from fastsample._sampling.smart import SmartLike, check_rule, rule, text_of
from fastsample._sampling.tokens import counter_of
from fastsample.errors import ArgumentError, SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa

    from fastsample._source import SourceLike

_NO_AMOUNT = (
    "n is None, not a whole number of rows; pass one, or budget_tokens and a tokenizer, or repeat "
    "without shares"
)

#: What is done where a source has less than its share.
EXHAUSTED = ("error", "stop", "renormalise", "repeat")


@dataclass(frozen=True)
class MixturePlan:
    """What is mixed, and how. Those of `where`, `weight` and `schema` are by source."""

    sources: dict[str, Any]
    shares: list[float] | None
    n: int | None
    budget_tokens: int | None
    tokenizer: str | os.PathLike[str] | None
    chat_template: bool | None
    text_columns: list[str] | None
    where: dict[str, str]
    weight: dict[str, str | pa.Array]
    smart: SmartLike
    temperature: float | None
    repeat: dict[str, int] | None
    epoch: int
    exhausted: str
    max_epochs: int | None
    exclude: list[SourceLike]
    exclude_letters: int
    seed: int
    columns: list[str] | None
    schema: dict[str, pa.Schema | None]
    source_column: str | None

    @property
    def read(self) -> list[str] | None:
        """The columns that are read of each source, if not all."""
        others = self.where or self.weight or self.smart is not False
        return None if others else self.columns

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `mix` that decide which rows, but the sources, by name."""
        names = (each for each in self.__dataclass_fields__ if each not in ("sources", "shares"))
        found = {name: getattr(self, name) for name in names}
        either = ("where", "weight", "exclude", "schema")
        return {**found, **{name: found[name] or None for name in either}}

    def judge(self, threads: int | None, progress: Callback | None) -> _fastsample.Rule | None:
        """Return the rule of `smart`, with its target opened; None if rows are not judged."""
        if self.smart is False:
            return None
        return rule(self.smart, self.text_columns, threads, progress)

    def counter(self) -> _fastsample.Tokenizer | None:
        """Return what counts tokens; None if they are not counted."""
        if self.budget_tokens is None and self.tokenizer is None:
            return None
        return counter_of(self.tokenizer, self.chat_template, self.budget_tokens, None)


def check_mixture(
    sources: object,
    n: int | None,
    *,
    budget_tokens: int | None,
    tokenizer: str | os.PathLike[str] | None,
    chat_template: bool | None,
    text_columns: Sequence[str] | None,
    where: object,
    weight: object,
    smart: SmartLike,
    temperature: float | None,
    repeat: Mapping[str, int] | None,
    epoch: int,
    exhausted: str,
    max_epochs: int | None,
    exclude: SourceLike | Sequence[SourceLike] | None,
    exclude_letters: int,
    seed: int,
    columns: Sequence[str] | None,
    schema: Mapping[str, pa.Schema] | None,
    source_column: str | None,
) -> MixturePlan:
    """Return what arguments of `mix` describe, each of them checked by itself."""
    check_amount(n, None, budget_tokens)
    amount = optional(whole, "n", n, least=1)
    budget = optional(whole, "budget_tokens", budget_tokens, least=1)
    is_all = amount is None and budget is None
    if is_all and repeat is None:
        raise SourceTypeError(_NO_AMOUNT)
    text = check_text_columns(text_columns)
    check_rule(smart, text)
    if budget is None:
        if chat_template is not None:
            raise ArgumentError("chat_template is for budget_tokens=; pass both, or leave it out")
        if text is not None and smart is False:
            raise ArgumentError(
                "text_columns is for budget_tokens= and smart=; pass one, or leave it out"
            )
    given, shares = check_sources(sources)
    copies = check_repeat(repeat, given)
    if is_all and (shares is not None or temperature is not None):
        raise SourceTypeError(_NO_AMOUNT)
    if temperature is not None:
        temperature = number("temperature", temperature, least=1, most=1000)
        if shares is not None:
            raise ArgumentError(
                "temperature makes shares by size, but shares are given; leave out one of them"
            )
    epoch = whole("epoch", epoch, least=0)
    if epoch > 0 and is_all:
        raise ArgumentError("epoch is for n= and budget_tokens=, not for all rows; pass one")
    exhausted = choice("exhausted", exhausted, EXHAUSTED)
    max_epochs = optional(whole, "max_epochs", max_epochs, least=1)
    if max_epochs is not None and exhausted != "repeat":
        raise ArgumentError('max_epochs bounds how often rows come; pass exhausted="repeat"')
    if copies is not None and exhausted == "repeat":
        raise ArgumentError(
            'repeat= says how often rows of a source come, and exhausted="repeat" has them come as '
            "often as need be; leave out one of them"
        )
    source_column = optional(string, "source_column", source_column)
    if source_column == "":
        raise ArgumentError("source_column is empty; name a column, or pass None for none")
    return MixturePlan(
        given,
        shares,
        amount,
        budget,
        tokenizer,
        chat_template,
        text_of(smart, text),
        check_named("where", where, given),
        check_weights(weight, given),
        smart,
        temperature,
        copies,
        epoch,
        exhausted,
        max_epochs,
        check_exclude(exclude, exclude_letters),
        exclude_letters,
        check_seed(seed),
        optional(names, "columns", columns),
        check_schemas(schema, given),
        source_column,
    )
