//! Fuzz targets of the readers: every way to read a file that is accepted gives the same rows.

use std::path::Path;

use super::file::SourceFile;
use super::ipc::IpcFile;
pub(crate) use super::parquet::fuzz::agree as parquet;
use crate::error::Result;

/// Batches that are looked at.
const BATCHES: usize = 4;

/// Reads batches of an Arrow IPC file, and each of their columns alone.
pub(crate) fn ipc(path: &Path) -> Result<()> {
    let file = SourceFile::new(path)?;
    let file = IpcFile::open(&file, &file.open()?)?;
    let roots: Vec<usize> = (0..file.schema().fields().len()).collect();
    for (index, rows) in file.units().take(BATCHES).enumerate() {
        let batch = file.read(index, &roots)?;
        assert_eq!(batch.num_rows() as u64, rows, "rows of batch {index}");
        for (&root, column) in roots.iter().zip(batch.columns()) {
            let valid = column.to_data().validate_full();
            assert!(valid.is_ok(), "batch {index}, column {root}: {valid:?}");
            let alone = file.read(index, &[root]);
            let same = alone.as_ref().is_ok_and(|alone| alone.column(0) == column);
            assert!(same, "batch {index}, column {root}: alone {alone:?}");
        }
    }
    Ok(())
}
