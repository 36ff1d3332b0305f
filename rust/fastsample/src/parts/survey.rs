//! The first state: what the files of parts say of themselves.

use std::ops::Range;

use arrow_schema::SchemaRef;

use crate::error::Result;
use crate::exec::envelope::Payload;
use crate::exec::fields::ByteFields;
use crate::source::{FileFacts, JointColumns};

/// Parts by number, each with its files in order. Covers numbers of parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey(Vec<(u64, Vec<FileFacts>)>);

impl Survey {
    pub(super) fn of(index: u64, files: Vec<FileFacts>) -> Self {
        Self(vec![(index, files)])
    }

    /// The columns of all files, `others` that are read besides, and the rows of each part.
    pub(super) fn finish(
        mut self,
        columns: Option<&[String]>,
        others: &[String],
    ) -> Result<(JointColumns, SchemaRef, Vec<u64>)> {
        self.0.sort_unstable_by_key(|(index, _)| *index);
        let files: Vec<&FileFacts> = self.0.iter().flat_map(|(_, files)| files).collect();
        let (columns, others) = JointColumns::of(&files, columns, others)?;
        let rows = self.0.iter().map(|(_, files)| files.iter().map(|file| file.rows).sum());
        Ok((columns, others, rows.collect()))
    }
}

impl Payload for Survey {
    const KIND: u16 = 4;
    const VERSION: u32 = 1;
    const NAME: &'static str = "surveys";
    const UNIT: &'static str = "parts";

    fn write(&self, bytes: &mut Vec<u8>) {
        for (index, files) in &self.0 {
            bytes.extend(index.to_le_bytes());
            bytes.extend((files.len() as u64).to_le_bytes());
            files.iter().for_each(|file| file.write(bytes));
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut bytes, mut parts) = (ByteFields(bytes), Vec::new());
        while bytes.end().is_none() {
            let index = bytes.u64()?;
            let files = (0..bytes.count(17)?).map(|_| FileFacts::read(&mut bytes));
            parts.push((index, files.collect::<Option<Vec<_>>>()?));
        }
        Some(Self(parts))
    }

    fn covers(&self, parts: &[Range<u64>]) -> bool {
        let mut indices: Vec<u64> = self.0.iter().map(|(index, _)| *index).collect();
        indices.sort_unstable();
        indices.into_iter().eq(parts.iter().cloned().flatten())
    }

    fn merge(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Context;
    use crate::source::{FileSlice, SlicedFiles};

    fn survey(folder: &std::path::Path, name: &str, text: &str) -> Vec<FileFacts> {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        let files = SlicedFiles::Local(vec![(path, FileSlice { index: 0, of: 1 })]);
        files.survey(&Context::new(Some(1))).expect("sound")
    }

    fn surveys() -> Survey {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut all = Survey::of(1, survey(folder.path(), "b.csv", "x,y\n1,a\n,true\n"));
        all.merge(Survey::of(0, survey(folder.path(), "a.jsonl", "{\"x\": [1, {\"k\": null}]}\n")));
        all
    }

    #[test]
    fn surveys_survive_a_journey_and_no_cut() {
        let mut bytes = Vec::new();
        surveys().write(&mut bytes);
        let again = Survey::read(&bytes).expect("sound");
        let mut written = Vec::new();
        again.write(&mut written);
        assert_eq!(written, bytes);
        let covers = |parts: Range<u64>| again.covers(std::slice::from_ref(&parts));
        assert!(covers(0..2) && !covers(0..1) && !covers(1..3));
        let ends = (1..bytes.len()).filter(|&end| Survey::read(&bytes[..end]).is_some()).count();
        assert_eq!(ends, 1, "between the two parts");
    }
}
