"""Types of columns as Spark has them: an Arrow schema to cast to, and the schema of a DataFrame."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastsample.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType


def spark_types(schema: pa.Schema) -> tuple[pa.Schema, StructType]:
    """Return the types that columns are cast to, and what Spark calls them.

    Raises
    ------
    SchemaError
        A column has a type that Spark has nothing for.
    """
    import pyarrow as pa

    convert: Any = import_module("pyspark.sql.pandas.types").from_arrow_schema
    fields = []
    for field in schema:
        try:
            fields.append(pa.field(field.name, _known(field.type), field.nullable))
            convert(pa.schema(fields[-1:]))
        except Exception as error:  # of Spark, whose class differs between versions
            raise SchemaError(
                f"column {field.name!r} is {field.type}, which Spark has no type for; leave it out "
                "with columns=, or write files instead"
            ) from error
    known = pa.schema(fields)
    return known, convert(known)


def _known(kind: pa.DataType) -> pa.DataType:
    """Return a type that Spark has, with all values of this one; others as they are."""
    import pyarrow as pa

    is_a = pa.types
    wider = {
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.uint64(): pa.decimal128(20, 0),
        pa.float16(): pa.float32(),
        pa.date64(): pa.date32(),
        pa.large_string(): pa.string(),
        pa.string_view(): pa.string(),
        pa.large_binary(): pa.binary(),
        pa.binary_view(): pa.binary(),
    }
    if kind in wider:
        return wider[kind]
    if is_a.is_dictionary(kind):
        return _known(kind.value_type)
    if is_a.is_fixed_size_binary(kind):
        return pa.binary()
    if is_a.is_decimal256(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if is_a.is_timestamp(kind):
        return pa.timestamp("us", None if kind.tz is None else "UTC")
    if is_a.is_duration(kind):
        return pa.duration("us")
    if is_a.is_list(kind) or is_a.is_large_list(kind) or is_a.is_fixed_size_list(kind):
        return pa.list_(_field(kind.value_field))
    if is_a.is_map(kind):
        return pa.map_(_known(kind.key_type), _known(kind.item_type))
    if is_a.is_struct(kind):
        return pa.struct([_field(kind.field(index)) for index in range(kind.num_fields)])
    return kind


def _field(field: pa.Field) -> pa.Field:
    return field.with_type(_known(field.type))
