"""Checks of arguments: one rule and one wording for all of them.

A wrong type is a :class:`SourceTypeError`, a wrong value an :class:`ArgumentError`. Whole numbers
are whatever Python takes for an index, so NumPy's integers pass; a bool is no number.
"""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping, Set
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fastsample.errors import ArgumentError, FastSampleError, OutputError, SourceTypeError

if TYPE_CHECKING:
    import pyarrow as pa

#: What begins like a URL; a letter alone is a drive.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_MOST = 2**63 - 1
_MOST_THREADS = 4096

S = TypeVar("S", bound=str)
T = TypeVar("T")


def whole(name: str, value: object, *, least: int, most: int = _MOST) -> int:
    """Return `value` as a plain int from `least` to `most`."""
    if _is_bool(value):
        raise _wrong_type(name, value, "a whole number")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise _wrong_type(name, value, "a whole number") from None
    if not least <= number <= most:
        is_open = most == _MOST and number < least
        limits = f"at least {least}" if is_open else f"from {least} to {most}"
        raise ArgumentError(f"{name} is {number}; it must be {limits}")
    return number


def number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float | None = None,
) -> float:
    """Return `value` as a plain float from `least` (or above `above`) to `most`."""
    if _is_bool(value) or not isinstance(value, Real):
        raise _wrong_type(name, value, "a number")
    found = float(value)
    if above is not None:
        if not above < found <= most:
            limits = f"above {above:g}" + ("" if most == math.inf else f" and at most {most:g}")
            raise ArgumentError(f"{name} is {value}; it must be {limits}")
    elif (least, most) != (-math.inf, math.inf) and not least <= found <= most:
        raise ArgumentError(f"{name} is {value}; it must be from {least:g} to {most:g}")
    return found


def is_whole(value: object) -> bool:
    """Tell a whole number, NumPy's included."""
    return isinstance(value, Integral) and not _is_bool(value)


def flag(name: str, value: object) -> bool:
    """Return `value` as a plain bool."""
    if not _is_bool(value):
        raise _wrong_type(name, value, "True or False")
    return bool(value)


def choice(name: str, value: S, options: Iterable[str]) -> S:
    """Return `value` if it is one of `options`."""
    options = tuple(options)
    listed = f"{', '.join(map(repr, options[:-1]))} or {options[-1]!r}"
    if not isinstance(value, str):
        raise _wrong_type(name, value, listed)
    if value not in options:
        raise ArgumentError(f"{name} is {value!r}; it must be {listed}")
    return value


def string(name: str, value: object) -> str:
    """Return `value` if it is a text."""
    if not isinstance(value, str):
        raise _wrong_type(name, value, "a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ArgumentError(f"{name} is {value!r}; it must be valid Unicode") from None
    return value


def names(name: str, value: object) -> list[str]:
    """Return `value` as a list of column names; a bare text would pass for its characters."""
    if isinstance(value, str):
        raise SourceTypeError(f"{name} is the text {value!r}; pass a list: [{value!r}]")
    if not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping, Set)):
        raise _wrong_type(name, value, "a list of column names")
    try:
        listed = list(value)
    except TypeError:  # a NumPy array without dimensions
        raise _wrong_type(name, value, "a list of column names") from None
    for item in listed:
        if not isinstance(item, str):
            raise SourceTypeError(f"{name} holds {item!r}; it must be a list of column names")
    return [string(f"a name of {name}", str(item)) for item in listed]


def file_path(name: str, value: object) -> Path:
    """Return `value` as a path to read; ``~`` is the home folder."""
    return _path(name, value, ArgumentError)


def output_path(name: str, value: object) -> Path:
    """Return `value` as a path to write; one that can't be written is an :class:`OutputError`."""
    if isinstance(value, str) and _ADDRESS.match(value):
        raise OutputError(
            f"{value}: outputs are local files; write one, and upload it (obstore.put, aws s3 cp)"
        )
    return _path(name, value, OutputError)


def _path(name: str, value: object, error: type[FastSampleError]) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise _wrong_type(name, value, "a path")
    found = os.fsdecode(value)
    if not found:
        raise error(f"{name} is an empty path; name a file")
    if "\0" in found:
        raise error(f"{name} is {found!r}; choose a name without NUL characters")
    try:
        return Path(found).expanduser()
    except RuntimeError:  # no such user: a name that begins with ~
        return Path(found)


def callback(name: str, value: T) -> T:
    """Return `value` if it can be called."""
    if not callable(value):
        raise _wrong_type(name, value, "a function")
    return value


def optional(check: Callable[..., T], name: str, value: Any, **limits: Any) -> T | None:
    """Check `value` unless it is None."""
    return None if value is None else check(name, value, **limits)


def check_alone(name: str, is_given: bool, others: Mapping[str, bool]) -> None:
    """Refuse an argument that is given beside one of `others` that is."""
    for other, other_is_given in others.items():
        if is_given and other_is_given:
            raise ArgumentError(f"{name} and {other} exclude each other; leave out one of them")


def check_schema(value: object, name: str = "schema") -> pa.Schema | None:
    """Return a schema that sets types of columns, or None for none."""
    if value is None:
        return None
    import pyarrow as pa  # not needed for most draws, and takes a while

    if isinstance(value, pa.Schema):
        return value
    if hasattr(value, "__arrow_c_schema__") and not isinstance(value, (pa.DataType, pa.Field)):
        return pa.schema(value)
    raise _wrong_type(name, value, 'a pyarrow.Schema: pa.schema({"zip": pa.string()})')


def check_amount(
    n: object, fraction: object, budget_tokens: object = None, n_groups: object = None
) -> int | float | None:
    """Return a number of rows as an int, a share of them as a float, or None for other amounts."""
    rows = optional(whole, "n", n, least=1)
    share = optional(number, "fraction", fraction, above=0, most=1)
    budget = optional(whole, "budget_tokens", budget_tokens, least=1)
    groups = optional(whole, "n_groups", n_groups, least=1)
    amounts = {"n": rows, "fraction": share, "budget_tokens": budget, "n_groups": groups}
    given = [name for name, amount in amounts.items() if amount is not None]
    if len(given) > 1:
        raise ArgumentError(f"{given[0]} and {given[1]} exclude each other; pass one of them")
    return share if rows is None else rows


def check_seed(seed: object) -> int:
    """Return a seed as a plain int."""
    return whole("seed", seed, least=0, most=2**64 - 1)


def check_threads(threads: object) -> int | None:
    """Return a number of threads as a plain int, or None for all cores."""
    return optional(whole, "threads", threads, least=1, most=_MOST_THREADS)


def check_text_columns(columns: object, name: str = "text_columns") -> list[str] | None:
    """Return the names of text columns, or None for the default ones."""
    return optional(names, name, columns)


def _is_bool(value: object) -> bool:
    kind = type(value)
    return kind is bool or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"))


def _wrong_type(name: str, value: object, wanted: str) -> SourceTypeError:
    shown = repr(value)
    if len(shown) > _SHOWN:
        shown = f"a {type(value).__module__}.{type(value).__qualname__}"
    return SourceTypeError(f"{name} is {shown}; it must be {wanted}")


#: Longer values are told by their type.
_SHOWN = 80
