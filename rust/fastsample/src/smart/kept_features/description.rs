//! `Description`: what a file of kept features is of, by which others are refused.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::exec::envelope::{Head, Payload};
use crate::exec::fields::{ByteFields, put};
use crate::smart::extract::Extracted;
use crate::smart::features::{FeatureColumns, TableHashes};
use crate::source::{FileVersion, Source};
use crate::text::TextColumns;

pub(super) const KIND: u16 = 32;

/// Version of the layout, above that of the features.
pub(super) const VERSION: u32 = 1 << 16 | Extracted::VERSION;

/// Rows of a block: 1 MB.
pub(super) const BLOCK_ROWS: usize = 1 << 16;

/// What features are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) rows: u64,
    pub(super) files: Vec<FileVersion>,
    /// The path of each text column, and the type of the column it lies in.
    pub(super) text: Vec<(String, String)>,
}

impl Subject {
    pub(super) fn new(source: &Source, text: &TextColumns) -> Result<Self> {
        let files = source.versions().ok_or_else(|| {
            Error::Argument(
                "features are kept of files alone, since rows in memory can't be told from others \
                 later; write the rows to a file first, or leave out features"
                    .into(),
            )
        })?;
        let kind = |root: usize| source.schema().field(root).data_type().to_string();
        let leaves = text.leaves().iter();
        let text = leaves.map(|leaf| (leaf.path().to_owned(), kind(leaf.root()))).collect();
        Ok(Self { rows: source.rows(), files, text })
    }

    /// What these features are of, if not of `now`.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        if self.files.len() != now.files.len() {
            return Some(format!("{} files, not {}", self.files.len(), now.files.len()));
        }
        let mut files = self.files.iter().zip(&now.files);
        if let Some(difference) = files.find_map(|(then, now)| then.difference(now)) {
            return Some(difference);
        }
        if self.rows != now.rows {
            return Some(format!("{} rows, not {}", self.rows, now.rows));
        }
        let listed = |subject: &Self| {
            let one = |(path, kind): &(String, String)| format!("{path} ({kind})");
            subject.text.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        (self.text != now.text)
            .then(|| format!("the text columns {}, not {}", listed(self), listed(now)))
    }
}

/// What features by tables lack where others are wanted.
pub(super) fn lacking(there: TableHashes, wanted: TableHashes) -> Option<String> {
    let pairs = [
        (there.commonness, wanted.commonness, "commonness"),
        (there.target, wanted.target, "this target"),
        (there.avoid, wanted.avoid, "these rows to avoid"),
    ];
    let lacks =
        |(there, wanted, _): &(Option<u64>, Option<u64>, _)| wanted.is_some() && there != wanted;
    let names: Vec<&str> = pairs.into_iter().filter(lacks).map(|(_, _, name)| name).collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

/// What a file of features says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) subject: Subject,
    pub(super) tables: TableHashes,
}

impl Description {
    /// All bytes before the blocks.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Subject { rows, files, text } = &self.subject;
        let mut fields = rows.to_le_bytes().to_vec();
        fields.extend((files.len() as u64).to_le_bytes());
        for file in files {
            put(&mut fields, file.name.as_bytes());
            fields.extend(file.bytes.to_le_bytes());
            put(&mut fields, file.version.as_bytes());
        }
        fields.extend((text.len() as u64).to_le_bytes());
        for (path, kind) in text {
            put(&mut fields, path.as_bytes());
            put(&mut fields, kind.as_bytes());
        }
        let TableHashes { commonness, target, avoid } = self.tables;
        for table in [commonness, target, avoid] {
            fields.push(u8::from(table.is_some()));
            fields.extend(table.unwrap_or_default().to_le_bytes());
        }
        let mut bytes = Head::new(KIND, VERSION).to_bytes();
        put(&mut bytes, &fields);
        let seal = xxh3_64(&bytes);
        bytes.extend(seal.to_le_bytes());
        bytes
    }

    pub(super) fn read(fields: &[u8]) -> Option<Self> {
        let mut fields = ByteFields(fields);
        let rows = fields.u64()?;
        let files = (0..fields.count(24)?).map(|_| {
            let (name, bytes, version) = (fields.text()?, fields.u64()?, fields.text()?);
            Some(FileVersion { name, bytes, version })
        });
        let files = files.collect::<Option<_>>()?;
        let text = (0..fields.count(16)?).map(|_| Some((fields.text()?, fields.text()?)));
        let text = text.collect::<Option<_>>()?;
        let mut table = || {
            let (is_there, hash) = (fields.u8()?, fields.u64()?);
            Some((is_there > 0).then_some(hash))
        };
        let tables = TableHashes { commonness: table()?, target: table()?, avoid: table()? };
        fields.end()?;
        Some(Self { subject: Subject { rows, files, text }, tables })
    }

    pub(super) fn columns(&self) -> FeatureColumns {
        FeatureColumns::compared(self.tables)
    }

    pub(super) fn blocks(&self) -> usize {
        (self.subject.rows as usize).div_ceil(BLOCK_ROWS)
    }

    /// The rows of a block.
    pub(super) fn rows_of(&self, block: usize) -> Range<usize> {
        let first = block * BLOCK_ROWS;
        first..(self.subject.rows as usize).min(first + BLOCK_ROWS)
    }

    /// Where a block lies behind the description: its first byte, and its bytes.
    pub(super) fn place_of(&self, block: usize) -> (u64, usize) {
        let bytes = |rows: usize| rows * self.columns().row_bytes() + size_of::<u64>();
        (block as u64 * bytes(BLOCK_ROWS) as u64, bytes(self.rows_of(block).len()))
    }
}
