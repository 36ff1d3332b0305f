//! The index pass: every record is checked once; rows are counted, and types found.

use super::column::CsvColumnSeen;
use super::fields::CsvFields;
use super::header::CsvHeader;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::column_types::ColumnTypes;
use crate::source::file::OpenFile;
use crate::source::lines::{
    ChunkSeen, ChunkTable, Cutter, LineFault, LineFile, QuotedRecords, damaged, pass, start,
};

/// Reads all records of `file`, the `number`-th of its source: the header, the chunks, and what was seen in each column.
pub(super) fn read(
    ctx: &Context,
    file: &LineFile,
    number: u32,
    delimiter: u8,
    types: Option<&ColumnTypes>,
) -> Result<(CsvHeader, ChunkTable, Vec<CsvColumnSeen>)> {
    let open = file.open()?;
    let header = header(&open, file, delimiter)?;
    let blank = CsvColumnSeen::all(&header.names, types)?;
    let mut seen = blank.clone();
    let cutter =
        Cutter::InOrder(Box::new(Cutter::quoted(&open, file.codec(), ctx.threads(), delimiter)));
    let look = |bytes: &[u8], is_first: bool| look(bytes, is_first, delimiter, &blank);
    let table = pass(ctx, &open, file.codec(), cutter, look, |found, lines| {
        for (seen, mut found) in std::iter::zip(&mut seen, found) {
            found.place(number, lines);
            seen.merge(found);
        }
    })?;
    if table.rows.is_empty() {
        return Err(no_rows(file, "the file has a header and no rows"));
    }
    Ok((header, table, seen))
}

/// The error of a file without rows.
fn no_rows(lines: &LineFile, what: &str) -> Error {
    Error::corrupt(lines.path(), format!("{what}; fetch or write it again, or leave it out"))
}

fn header(open: &OpenFile, file: &LineFile, delimiter: u8) -> Result<CsvHeader> {
    let mut cutter = Cutter::quoted(open, file.codec(), 1, delimiter);
    let bytes = cutter.peek(open).map_err(|error| damaged(open, file.codec(), 0, &error))??;
    let mut records = QuotedRecords::new(bytes, delimiter, start(bytes, true));
    let Some(record) = records.next() else {
        return Err(no_rows(file, "the file has no header, blank lines at most"));
    };
    CsvHeader::parse(&bytes[record.clone()], delimiter).map_err(|fault| {
        let (line, fault) = placed(&bytes[record], records.line(), fault);
        let (column, what) = (fault.at + 1, fault.what);
        let what = format!("line {line}, byte {column}: {what}; this line must be the header");
        Error::corrupt(open.path(), what)
    })
}

/// A fault of a record by its line: line feeds may stand between quotes.
fn placed(record: &[u8], line: u64, fault: LineFault) -> (u64, LineFault) {
    let before = &record[..fault.at.min(record.len())];
    match memchr::memrchr(b'\n', before) {
        None => (line, fault),
        Some(last) => {
            let lines = bytecount::count(before, b'\n') as u64;
            (line + lines, LineFault { at: fault.at - last - 1, ..fault })
        }
    }
}

/// Looks at all records of a chunk, whose rows have the columns `blank`.
fn look(
    bytes: &[u8],
    is_first: bool,
    delimiter: u8,
    blank: &[CsvColumnSeen],
) -> ChunkSeen<Vec<CsvColumnSeen>> {
    let mut seen = ChunkSeen { rows: 0, lines: 0, found: blank.to_vec(), fault: None };
    let invalid = simdutf8::compat::from_utf8(bytes).err().map(|error| error.valid_up_to());
    let mut records = QuotedRecords::new(bytes, delimiter, start(bytes, is_first));
    let mut is_header = is_first;
    while let Some(record) = records.next() {
        if std::mem::take(&mut is_header) {
            continue;
        }
        let row = &bytes[record.clone()];
        let checked = match invalid.filter(|&at| at < record.end) {
            Some(at) => {
                let at = at.saturating_sub(record.start);
                Err(LineFault { at, what: "the text is not valid UTF-8".into() })
            }
            None => check(row, records.line(), delimiter, &mut seen.found),
        };
        if let Err(fault) = checked {
            seen.fault = Some(placed(row, records.line(), fault));
            break;
        }
        seen.rows += 1;
    }
    seen.lines = records.lines();
    seen
}

/// Checks that a record, which begins in `line`, has a field for each column.
fn check(
    record: &[u8],
    line: u64,
    delimiter: u8,
    seen: &mut [CsvColumnSeen],
) -> Result<(), LineFault> {
    let mut fields = 0;
    for field in CsvFields::new(record, delimiter) {
        let field = field?;
        if let Some(seen) = seen.get_mut(fields) {
            seen.add(&field, line);
        }
        fields += 1;
    }
    if fields == seen.len() {
        return Ok(());
    }
    let (found, columns) = (counted(fields, "field"), counted(seen.len(), "column"));
    let what = format!(
        "the row has {found}, but the header has {columns}; \
         a field with {:?} in it needs quotes around it",
        char::from(delimiter)
    );
    Err(LineFault { at: 0, what: what.into() })
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Finds the rows of `file`, of which all records have been checked before, and its header.
pub(super) fn count(
    ctx: &Context,
    file: &LineFile,
    delimiter: u8,
) -> Result<(CsvHeader, ChunkTable)> {
    let open = file.open()?;
    let header = header(&open, file, delimiter)?;
    let cutter =
        Cutter::InOrder(Box::new(Cutter::quoted(&open, file.codec(), ctx.threads(), delimiter)));
    let look = |bytes: &[u8], is_first: bool| {
        let mut records = QuotedRecords::new(bytes, delimiter, start(bytes, is_first));
        let rows = records.by_ref().skip(usize::from(is_first)).count() as u64;
        ChunkSeen { rows, lines: records.lines(), found: (), fault: None }
    };
    Ok((header, pass(ctx, &open, file.codec(), cutter, look, |(), _| ())?))
}
