//! Bounds checks of a page: how many values it has, which the decoders of `parquet` take on trust.
//!
//! They set memory aside for the entries that a dictionary claims, for the lengths that a delta
//! encoding claims, and for the values of a repeated column, of which a few bytes can claim
//! billions. Each claim is held against the bytes that there are, or against the file's budget.

use parquet::basic::{ConvertedType, Encoding, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::delta;
use super::file::ParquetFile;
use super::header::{Header, PageKind};
use crate::error::{Error, Result};

/// Bytes that a value of a repeated column takes while it is decoded: levels, offset, value.
const REPEATED_BYTES: u64 = 16;

/// Fails for a page whose claims can't be true.
pub(super) fn check(
    header: &Header,
    page: &[u8],
    column: &ColumnChunkMetaData,
    file: &ParquetFile,
) -> Result<()> {
    let damaged = |what: &str| {
        let what = format!("damaged data ({what}); fetch or write the file again");
        Err(Error::corrupt(file.path(), what))
    };
    if let PageKind::Dictionary { values, .. } = header.kind {
        return if (values as usize).saturating_mul(entry_bytes(column)) > page.len() {
            damaged(&format!("{values} entries of a dictionary in {} bytes", page.len()))
        } else {
            Ok(())
        };
    }
    let values = header.values();
    let descriptor = column.column_descr();
    if descriptor.max_rep_level() > 0 && u64::from(values) * REPEATED_BYTES > file.budget().limit()
    {
        return Err(Error::unsupported(
            file.path(),
            &format!(
                "a page of column {:?} has {values} values in {} bytes, which is not supported; \
                 write the file with smaller pages",
                column.column_path().string(),
                page.len()
            ),
        ));
    }
    let encoding = match header.kind {
        PageKind::V1 { encoding, .. } | PageKind::V2 { encoding, .. } => encoding,
        PageKind::Dictionary { .. } | PageKind::Other => return Ok(()),
    };
    if !matches!(
        encoding,
        Encoding::DELTA_BINARY_PACKED
            | Encoding::DELTA_LENGTH_BYTE_ARRAY
            | Encoding::DELTA_BYTE_ARRAY
    ) {
        return Ok(());
    }
    let Some(stored) = behind_levels(header, page, column) else {
        return damaged("the levels are longer than their page");
    };
    // A page of nulls has nothing behind its levels.
    if stored.is_empty() {
        return Ok(());
    }
    let Some(claims) = delta::check(stored, encoding, values as usize) else {
        return damaged("lengths that are not there");
    };
    if claims.tears_characters && descriptor.converted_type() == ConvertedType::UTF8 {
        return damaged("a text that begins within a character");
    }
    let bytes = claims.bytes;
    if bytes > file.budget().limit() {
        return Err(Error::unsupported(
            file.path(),
            &format!(
                "a page of column {:?} has {bytes} bytes of text in {}, which is not supported; \
                 write the file with smaller pages",
                column.column_path().string(),
                page.len()
            ),
        ));
    }
    Ok(())
}

/// Bytes that an entry of a dictionary has at least.
fn entry_bytes(column: &ColumnChunkMetaData) -> usize {
    match column.column_descr().physical_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => column.column_descr().type_length().max(1) as usize,
    }
}

/// The values of a data page, behind repetition and definition levels.
fn behind_levels<'a>(
    header: &Header,
    page: &'a [u8],
    column: &ColumnChunkMetaData,
) -> Option<&'a [u8]> {
    let descriptor = column.column_descr();
    match header.kind {
        PageKind::V2 { definition_bytes, repetition_bytes, .. } => {
            page.get(definition_bytes.checked_add(repetition_bytes)?..)
        }
        PageKind::V1 { values, definition, repetition, .. } => {
            let mut rest = page;
            let levels = [
                (descriptor.max_rep_level(), repetition),
                (descriptor.max_def_level(), definition),
            ];
            for (most, encoding) in levels {
                if most > 0 {
                    rest = behind(rest, most, encoding, values as usize)?;
                }
            }
            Some(rest)
        }
        PageKind::Dictionary { .. } | PageKind::Other => None,
    }
}

/// What follows one kind of levels.
fn behind(bytes: &[u8], most: i16, encoding: Encoding, values: usize) -> Option<&[u8]> {
    if encoding == Encoding::RLE {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        return rest.get(u32::from_le_bytes(*length) as usize..);
    }
    let bits = (i16::BITS - most.leading_zeros()) as usize;
    bytes.get(values.checked_mul(bits)?.div_ceil(8)..)
}
