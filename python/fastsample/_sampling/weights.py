"""Weights of rows, as draws are given them: the name of a column, or an array of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastsample._arguments import string
from fastsample.errors import ColumnError, SourceTypeError

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

#: The name of a column, or a number for each row of the source: of Arrow, NumPy, pandas, polars.
WeightLike: TypeAlias = "str | pa.Array | pa.ChunkedArray | npt.NDArray[np.generic] | Any"

#: What reports and manifests say of an array.
ARRAY = "an array"


def check_weight(weight: object, name: str = "weight") -> str | pa.Array | None:
    """Return the name of a column, or numbers as an Arrow array of float64."""
    if weight is None:
        return None
    kinds = ("__arrow_c_array__", "__arrow_c_stream__", "__array__")
    if isinstance(weight, (str, bytes)) or not any(hasattr(weight, kind) for kind in kinds):
        return string(name, weight)
    import pyarrow as pa

    try:
        if hasattr(weight, "__arrow_c_stream__") and not hasattr(weight, "__arrow_c_array__"):
            array = pa.chunked_array(weight)
        else:
            array = pa.array(weight)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise SourceTypeError(
            f"{name} is a {type(weight).__qualname__} that is no array of numbers: {error}"
        ) from None
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    if not (is_number or pa.types.is_decimal(array.type)):
        raise ColumnError(f"{name}: the array is {array.type}; weights are numbers")
    return array.cast(pa.float64())


def weight_name(weight: str | pa.Array | None) -> str | None:
    """Return what reports say of a weight."""
    return weight if weight is None or isinstance(weight, str) else ARRAY
