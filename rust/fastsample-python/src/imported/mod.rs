//! Arrow data of other libraries, taken over through the C data interface.
//!
//! A schema is walked before it is converted, and every batch is held against the schema before it
//! is: what a producer gets wrong (names that are not UTF-8, children that are not there, a batch
//! with other columns) is then an error that names it, not a panic.

#![expect(unsafe_code, reason = "the C data interface is a set of C structs and function pointers")]

mod array;
mod schema;

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use fastsample::Error;
use fastsample::source::array_of;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use self::array::check_array;
use self::schema::check_schema;
use crate::errors::BindingResult;

/// The rows of an object that hands them out as Arrow capsules, as a stream.
pub(crate) fn stream(data: &Bound<'_, PyAny>) -> BindingResult<Box<dyn RecordBatchReader + Send>> {
    let capsule = data.call_method0("__arrow_c_stream__")?;
    let pointer = pointer::<FFI_ArrowArrayStream>(&capsule, c"arrow_array_stream")?;
    // SAFETY: a capsule of this name holds a pointer to such a struct, which is moved out of it:
    // what is left behind is marked as released.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer) };
    Ok(Box::new(Stream::new(stream)?))
}

/// All rows of an object that hands them out as a stream, batch by batch.
pub(crate) fn batches(data: &Bound<'_, PyAny>) -> BindingResult<(SchemaRef, Vec<RecordBatch>)> {
    let reader = stream(data)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>();
    Ok((schema, batches.map_err(|error| Error::stream(0, &error))?))
}

/// The rows of an object that hands out a single batch as Arrow capsules.
pub(crate) fn batch(data: &Bound<'_, PyAny>) -> BindingResult<RecordBatch> {
    let pair = data.call_method0("__arrow_c_array__")?;
    let pair = pair.cast_into::<PyTuple>().map_err(|_| not_arrow("a pair of capsules"))?;
    let schema = pointer::<FFI_ArrowSchema>(&pair.get_item(0)?, c"arrow_schema")?;
    let array = pointer::<FFI_ArrowArray>(&pair.get_item(1)?, c"arrow_array")?;
    // SAFETY: capsules of these names hold pointers to such structs. The schema stays theirs and
    // outlives this call; the array is moved out, and what is left behind is marked as released.
    let (schema, array) = unsafe { (&*schema, FFI_ArrowArray::from_raw(array)) };
    let schema = convert_schema(schema)?;
    Ok(convert_batch(array, &schema).map_err(|what| Error::Stream { rows: 0, what })?)
}

/// The pointer of a capsule.
fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &CStr) -> BindingResult<*mut T> {
    let capsule = capsule.cast::<PyCapsule>().map_err(|_| not_arrow("a capsule"))?;
    let pointer = capsule
        .pointer_checked(Some(name))
        .map_err(|error| not_arrow(&format!("a capsule named {name:?} ({error})")))?;
    Ok(pointer.cast::<T>().as_ptr())
}

fn not_arrow(wanted: &str) -> Error {
    Error::Schema(format!(
        "the object does not hand out Arrow data: it should return {wanted}; \
         convert it to a pyarrow.Table first"
    ))
}

/// A stream of another library.
struct Stream {
    source: FFI_ArrowArrayStream,
    schema: SchemaRef,
    ended: bool,
}

impl Stream {
    fn new(mut stream: FFI_ArrowArrayStream) -> BindingResult<Self> {
        let failed = |what| Error::Stream { rows: 0, what };
        let (Some(_), Some(get_schema), Some(_)) =
            (stream.release, stream.get_schema, stream.get_next)
        else {
            return Err(Error::Argument(
                "this stream has been read already; make a new one".into(),
            )
            .into());
        };
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: a stream that is not released hands its schema out to a struct that is ours.
        let code = unsafe { get_schema(&raw mut stream, &raw mut schema) };
        if code != 0 {
            return Err(failed(last_error(&mut stream, code)).into());
        }
        let schema = convert_schema(&schema)?;
        Ok(Self { source: stream, schema, ended: false })
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let Some(get_next) = self.source.get_next else { return Ok(None) };
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as for the schema; the stream is not released before it is dropped.
        let code = unsafe { get_next(&raw mut self.source, &raw mut array) };
        if code != 0 {
            let told = last_error(&mut self.source, code);
            return Err(match code {
                libc::ENOMEM => ArrowError::MemoryError(told),
                _ => ArrowError::CDataInterface(told),
            });
        }
        if array.is_released() {
            return Ok(None);
        }
        convert_batch(array, &self.schema).map(Some).map_err(ArrowError::CDataInterface)
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.batch().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// What a producer says of its failure.
fn last_error(stream: &mut FFI_ArrowArrayStream, code: i32) -> String {
    let told = stream.get_last_error.and_then(|get| {
        // SAFETY: the text belongs to the stream and is valid until it is called again.
        let text = unsafe { get(stream) };
        // SAFETY: texts end with a NUL.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    });
    told.filter(|text| !text.is_empty())
        .unwrap_or_else(|| std::io::Error::from_raw_os_error(code).to_string())
}

fn convert_schema(schema: &FFI_ArrowSchema) -> BindingResult<SchemaRef> {
    check_schema(schema, "the schema", 0).map_err(Error::Schema)?;
    if schema.format() != "+s" {
        return Err(PyTypeError::new_err("it is a column by itself, not rows").into());
    }
    let converted = catch_unwind(AssertUnwindSafe(|| Schema::try_from(schema)));
    Ok(match converted {
        Ok(Ok(schema)) => Arc::new(schema),
        Ok(Err(error)) => {
            let what = format!("the schema can't be taken over ({error}); cast its columns");
            return Err(Error::Schema(what).into());
        }
        Err(_) => {
            let what = "the schema can't be taken over; cast its columns to plain types";
            return Err(Error::Schema(what.into()).into());
        }
    })
}

fn convert_batch(mut array: FFI_ArrowArray, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let kind = DataType::Struct(schema.fields().clone());
    check_array(&mut array, &kind, "a batch", 0)?;
    // SAFETY: the shape of the array is that of its type, which was just checked; that its buffers
    // are as long as it says is the producer's promise, as for every user of this interface.
    let data = unsafe { from_ffi_and_data_type(array, kind) }.map_err(|error| error.to_string())?;
    let rows = array_of(data).map_err(|error| error.to_string())?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let columns = rows.as_struct().columns().to_vec();
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| error.to_string())
}
