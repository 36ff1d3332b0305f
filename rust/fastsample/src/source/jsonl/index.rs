//! The index pass: every line is checked once; rows are counted, and columns found.

use super::shape::JsonShape;
use super::walk::{has_controls, walk};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::lines::{
    ChunkSeen, ChunkTable, Cutter, LineFault, LineFile, Records, pass, start,
};

/// Reads all lines of `file`, the `number`-th of its source.
pub(super) fn read(ctx: &Context, file: &LineFile, number: u32) -> Result<(ChunkTable, JsonShape)> {
    let open = file.open()?;
    let cutter = Cutter::new(&open, file.codec(), ctx.threads());
    let mut shape = JsonShape::default();
    let table = pass(ctx, &open, file.codec(), cutter, look, |mut found, lines| {
        found.place(number, lines);
        shape.merge(found);
    })?;
    if table.rows.is_empty() {
        return Err(Error::corrupt(
            open.path(),
            "the file has no rows, blank lines at most; fetch or write it again",
        ));
    }
    Ok((table, shape))
}

/// Looks at all lines of a chunk.
fn look(bytes: &[u8], is_first: bool) -> ChunkSeen<JsonShape> {
    let mut seen = ChunkSeen { rows: 0, lines: 0, found: JsonShape::default(), fault: None };
    let invalid = simdutf8::compat::from_utf8(bytes).err().map(|error| error.valid_up_to());
    let controls = has_controls(bytes);
    let mut records = Records::new(bytes, start(bytes, is_first));
    while let Some(record) = records.next() {
        let (line, end) = (&bytes[record.clone()], record.end);
        let walked = match invalid.filter(|&at| at < end) {
            Some(at) => Err(LineFault {
                at: at.saturating_sub(record.start),
                what: "the text is not valid UTF-8".into(),
            }),
            None => walk(line, records.lines(), controls, &mut seen.found),
        };
        if let Err(fault) = walked {
            seen.fault = Some((records.lines(), fault));
            break;
        }
        seen.rows += 1;
    }
    seen.lines = records.lines();
    seen
}

/// Finds the rows of `file`, of which all lines have been checked before.
pub(super) fn count(ctx: &Context, file: &LineFile) -> Result<ChunkTable> {
    let open = file.open()?;
    let cutter = Cutter::new(&open, file.codec(), ctx.threads());
    let look = |bytes: &[u8], is_first: bool| {
        let mut records = Records::new(bytes, start(bytes, is_first));
        let rows = records.by_ref().count() as u64;
        ChunkSeen { rows, lines: records.lines(), found: (), fault: None }
    };
    pass(ctx, &open, file.codec(), cutter, look, |(), _| ())
}
