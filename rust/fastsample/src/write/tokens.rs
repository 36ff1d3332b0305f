//! Token ids on disk: an Arrow IPC stream that can be mapped, with lists of ids as its columns.

use std::path::Path;

use super::ipc::{self, IpcCompression, IpcOptions};
use crate::error::Result;
use crate::exec::Context;
use crate::files::OutputSet;
use crate::tokens::Sequences;

/// Writes the token ids of all rows to `path`, which appears whole or not at all.
///
/// # Errors
/// As [`Sequences::batches`], or when writing fails, or the call is cancelled.
pub fn write_tokens(ctx: &Context, rows: &Sequences, path: &Path) -> Result<()> {
    let mut inputs = rows.measure().source().inputs();
    inputs.extend(rows.measure().inputs());
    let set = OutputSet::create(ctx, &[path.to_path_buf()], true, &inputs)?;
    let options = IpcOptions { compression: IpcCompression::None, stream: true };
    ipc::write(ctx, &set.outputs()[0], rows.schema(), rows.batches(ctx)?, options)?;
    set.commit().map(drop)
}
