//! What names and first bytes tell of a file of lines.

use std::path::Path;

use crate::error::{Error, Result};

/// Whether the name of a file ends so, before the ending of a compression.
pub(in crate::source) fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Refuses UTF-16.
pub(in crate::source) fn refuse_utf16(path: &Path, head: &[u8]) -> Result<()> {
    if matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err(Error::unsupported(
            path,
            "the text is UTF-16; write it again as UTF-8 (iconv -f UTF-16 -t UTF-8)",
        ));
    }
    Ok(())
}
