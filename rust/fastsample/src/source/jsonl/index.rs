//! The index pass: every line is checked once; rows are counted, and columns found.

use memchr::memrchr;

use super::shape::JsonShape;
use super::walk::LineWalk;
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
pub(super) fn look(bytes: &[u8], is_first: bool) -> ChunkSeen<JsonShape> {
    let mut seen = ChunkSeen { rows: 0, lines: 0, found: JsonShape::default(), fault: None };
    let start = start(bytes, is_first);
    let invalid = simdutf8::compat::from_utf8(bytes).err().map(|error| error.valid_up_to());
    // Where the line begins that is not valid.
    let line = invalid.map(|at| memrchr(b'\n', &bytes[..at]).map_or(start, |feed| feed + 1));
    let mut walk = LineWalk::new(&bytes[..line.unwrap_or(bytes.len())], start);
    while let Some(walked) = walk.next(&mut seen.found) {
        if let Err(fault) = walked {
            seen.fault = Some((walk.lines(), fault));
            break;
        }
        seen.rows += 1;
    }
    seen.lines = walk.lines();
    if let (None, Some(at), Some(line)) = (&seen.fault, invalid, line) {
        let fault = LineFault { at: at - line, what: "the text is not valid UTF-8".into() };
        seen.lines += 1;
        seen.fault = Some((seen.lines, fault));
    }
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
